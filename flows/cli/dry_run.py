"""``run --dry-run``: everything a run would show, in files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from flows.cli.output import say
from flows.secret_files import warn_of_exposed_secrets
from flows.sessions import LATEST, parse_session
from flows.wiring import services
from reports.html import render_html
from reports.markdown import render_markdown
from reports.slack import render_slack
from reports.text import render_text
from reports.view import report_view
from signals.document import encode
from signals.errors import ConfigurationError
from tasks.chains import fetched_chains
from tasks.compute import compute, reports_on
from tasks.ingest import read_source
from tasks.notify.email import compose
from tasks.schedule import session_due
from tasks.sources.fetched import fetch_once


def dry_run(
    session: str | None, source: str | None, data_dir: Path | None, output: Path, rule_sets: Sequence[str] = ()
) -> int:
    """Compute a session straight from a source and write its renderings; neither database nor Prefect is touched."""
    warn_of_exposed_secrets()
    work = services(rule_sets)
    work.require_rule_sets()
    day = parse_session(session, work) or session_due(work.clock(), work.calendar)
    if not work.calendar.is_session(day):
        raise work.calendar.not_a_session(day)
    fetched = fetch_once(work.source(source, data_dir, day))
    data, hashes = read_source(fetched)
    signals = compute(data, work.calendar, day, work.judgement())
    if session == LATEST:
        day = signals.inputs.last_session
    hedges = work.hedges(signals, fetched_chains(fetched.payloads, work.calendar))
    settings = work.settings
    (report,) = reports_on(signals, [day], settings.notional_usd, hashes, settings.variants, hedges, work.approvals)
    now = work.clock()
    view = report_view(report, revision=1, emitted_at=now, dry_run=True)
    mail = compose(view, work.settings.mail_from, "recipient@example.com", f"tailguard.dry-run.{day}", now)
    renderings = {
        "report.json": json.dumps(encode(report), indent=2, allow_nan=False).encode(),
        "report.txt": render_text(view).encode(),
        "report.html": render_html(view).encode(),
        "report.md": render_markdown(view).encode(),
        "mail.eml": mail.as_bytes(),
        "slack.json": json.dumps(render_slack(view), indent=2).encode(),
    }
    directory = output / day.isoformat()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in renderings.items():
            (directory / name).write_bytes(content)
    except OSError as error:
        raise ConfigurationError(
            f"directory {directory}",
            expected="one that can be written",
            got=str(error.strerror),
            do="Name another with --output.",
        ) from error
    click.echo(render_text(view))
    say(f"Dry run: nothing was stored or sent. Rendered to {directory}: {', '.join(renderings)}.")
    return 0
