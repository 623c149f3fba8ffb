"""``report list`` and ``report show``."""

from __future__ import annotations

import datetime as dt
import json

import click

from flows.cli.options import database_option, existing_database, json_option
from reports.text import render_text
from reports.view import report_view
from signals.document import decode
from signals.errors import ConfigurationError
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork


@click.group()
def report() -> None:
    """Read the reports that were emitted."""


@report.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@database_option
@json_option
def list_reports(limit: int, as_json: bool) -> None:
    """List the newest reports, one line each."""
    with UnitOfWork(existing_database()) as work:
        found = work.reports.recent(limit)
    if as_json:
        rows = [
            {
                "session": item.session.isoformat(),
                "rule_set": item.rule_set,
                "revision": item.revision,
                "emitted_at": item.emitted_at.isoformat(),
                "target": json.loads(item.document)["target"],
            }
            for item in found
        ]
        click.echo(json.dumps(rows))
        return
    if not found:
        click.echo("No report yet: `tailguard run` emits one.")
    for item in found:
        target = json.loads(item.document)["target"]
        weights = "  ".join(f"{name} {weight * 100:5.1f}%" for name, weight in target.items())
        click.echo(f"{item.session}  {item.rule_set} r{item.revision}  {weights}")


@report.command("show")
@click.argument("session", required=False, metavar="[DATE]")
@click.option("--revision", type=click.IntRange(1), help="A certain revision; by default the newest.")
@database_option
@json_option
def show_report(session: str | None, revision: int | None, as_json: bool) -> None:
    """Show the report of a session, by default of the newest one."""
    stored = _stored(_date(session) if session else None, revision)
    if as_json:
        document = json.loads(stored.document)
        provenance = {"revision": stored.revision, "emitted_at": stored.emitted_at.isoformat()}
        click.echo(json.dumps({**document, **provenance}, indent=2))
    else:
        click.echo(_text(stored), nl=False)


def print_report(session: dt.date) -> None:
    """Print the newest revision of a session's report."""
    click.echo(_text(_stored(session, None)), nl=False)


def _stored(session: dt.date | None, revision: int | None) -> StoredReport:
    with UnitOfWork(existing_database()) as work:
        stored = work.reports.newest(VEQTOR.name, session, revision)
    if stored is None:
        which = f"session {session}" if session else "any session"
        raise ConfigurationError(
            f"report of {which}" + (f", revision {revision}" if revision else ""),
            expected="a report in the database",
            got="none",
            do="`tailguard report list` shows what is there; `tailguard run --session DATE` emits one.",
        )
    return stored


def _text(stored: StoredReport) -> str:
    content = decode(SignalReport, json.loads(stored.document))
    with UnitOfWork(existing_database()) as work:
        newest = work.reports.newest(VEQTOR.name, stored.session)
    return render_text(
        report_view(
            content,
            revision=stored.revision,
            emitted_at=stored.emitted_at,
            newest_revision=newest.revision if newest else None,
        )
    )


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            "session", expected="a date as yyyy-mm-dd", got=repr(text), do="Check the argument."
        ) from error
