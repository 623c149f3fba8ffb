"""``doctor``: whether everything a run depends on is in order."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from flows.cli.main import EXIT_FAILED, EXIT_USAGE
from flows.cli.manual import manual
from flows.cli.options import database_option, json_option
from flows.secret_files import secrets_in_files
from flows.settings import Settings, load_settings, origins
from flows.settings_sources import DOT_ENV, TOML_FILE
from signals.errors import ConfigurationError
from tasks.doctor.findings import FAIL, OK, WARN, Check, Finding, run_checks, without_secrets
from tasks.doctor.machine import time_zone
from tasks.doctor.permissions import secret_files

if TYPE_CHECKING:
    from flows.wiring import Services
    from tasks.doctor.sources import LiveProbe
    from tasks.notify.email import SmtpServer

#: What opening the database, and then everything else at once, may take.
_OPEN_SECONDS, _CHECK_SECONDS = 3.0, 6.5

#: What one request of a check may take.
_REQUEST_SECONDS = 4.0

_LIVE, _FILES = "live", "files"


@click.command(
    epilog=manual(
        "tailguard doctor",
        "tailguard doctor --offline --json",
        exit_codes="0 nothing failed, warnings aside, 1 something failed, 2 the configuration cannot be read",
    )
)
@click.option("--offline", is_flag=True, help="Leave the sources, the mail server, Slack and Prefect alone.")
@database_option
@json_option
def doctor(offline: bool, as_json: bool) -> int:
    """Check everything a run depends on, in ten seconds at most.

    The settings, the database and the room on its disk, clock and calendar, each source with the last day it has, how
    new the stored data are, whether runs come when they should, mail, Slack and Prefect. Each check is a line: `ok`,
    `warn` or `fail`, with what was found, and below it what to do.

    Nothing is changed, and nothing is sent: mail is checked up to the login, Slack up to reaching its host.
    """
    findings, code = _findings(offline=offline)
    if as_json:
        click.echo(json.dumps({"ok": code == 0, "findings": [asdict(finding) for finding in findings]}))
    else:
        _print(findings)
    return code


def _findings(*, offline: bool) -> tuple[list[Finding], int]:
    """Everything that was found, and the exit code."""
    try:
        settings = load_settings()
        # Reads the files once more, for what they hold of it.
        read = [_configuration(settings), secret_files(secrets_in_files())]
    except ConfigurationError as error:
        said = f"{error.about}: expected {error.expected}, got {error.got}"
        return [Finding("configuration", FAIL, said, error.do)], EXIT_USAGE
    zone = run_checks([Check("time zone", time_zone)], _OPEN_SECONDS)
    if any(finding.status == FAIL for finding in zone):
        # Without New York's time nothing else can be looked at.
        return [*read, *zone], EXIT_FAILED
    try:
        rest = _everything(settings, offline=offline)
    except ConfigurationError as error:
        # Settings that fit each on its own, and not the calendar.
        said = f"{error.about}: expected {error.expected}, got {error.got}"
        return [Finding("configuration", FAIL, said, error.do), *zone], EXIT_USAGE
    except Exception as error:  # noqa: BLE001 - it is a finding as well
        rest = [Finding("doctor", FAIL, f"{type(error).__name__}: {error}", "Look into what it names.")]
    findings = without_secrets([*read, *zone, *rest], _secrets(settings))
    return findings, EXIT_FAILED if any(finding.status == FAIL for finding in findings) else 0


def _configuration(settings: Settings) -> Finding:
    """Which files the settings come from."""
    found = list(origins().values())
    counts = ", ".join(f"{origin} ({found.count(origin)})" for origin in dict.fromkeys(reversed(found)))
    absent = [file for file in (DOT_ENV, TOML_FILE) if not Path(file).is_file()]
    said = f"source {settings.source}; set in {counts}" if counts else f"source {settings.source}; nothing is set"
    said += f"; not there: {', '.join(absent)}" if absent else ""
    if settings.clock:
        do = "Remove the setting clock, unless a run of the past is to be repeated."
        return Finding("configuration", WARN, f"{said}; the clock stands still at {settings.clock}", do)
    return Finding("configuration", OK, said)


def _hedges(work: Services) -> Finding:
    try:
        found = ", ".join(f"{rules.name} {rules.digest}" for rules in work.rule_sets)
    except ConfigurationError as error:
        return Finding("hedges", FAIL, str(error), "Correct the setting hedges; no run starts until then.")
    return Finding("hedges", OK, found or "none configured")


def _approvals(work: Services) -> Finding:
    required = work.settings.approvals_required
    try:
        found = work.approvals
    except ConfigurationError as error:
        said = f"{error.about}: expected {error.expected}, got {error.got}"
        return Finding("approvals", FAIL, said, f"No run starts until then. {error.do}")
    by = ", ".join(sorted({approval.approver for approval in found}))
    return Finding("approvals", OK, f"every rule set in use is approved, by {by}" if required else "none asked for")


def _everything(settings: Settings, *, offline: bool) -> list[Finding]:
    # They load numpy and the calendar, which the checks before can do without.
    from flows.wiring import services
    from tasks.clock import system_clock
    from tasks.doctor import database, machine
    from tasks.doctor.freshness import events, runs, stored_data

    work = services()
    now = work.clock()
    url = settings.database_url.get_secret_value()
    opened = database.open_database(url, _OPEN_SECONDS)
    engine, calendar = opened.engine, work.calendar
    closures, early_closes = settings.unscheduled_closures, settings.early_closes
    checks = [
        Check("calendar", lambda: machine.trading_calendar(calendar, now.date(), closures, early_closes)),
        Check("hedges", lambda: _hedges(work)),
        Check("approvals", lambda: _approvals(work)),
        *database.checks(url, opened, simulated_source=settings.source not in (_LIVE, _FILES)),
    ]
    if engine is not None and opened.current:
        checks.append(Check("stored data", lambda: stored_data(engine, calendar, now)))
        checks.append(Check("events", lambda: events(engine, now)))
        checks.append(Check("last run", lambda: runs(engine, now)))
    probe = _probe(work) if settings.source == _LIVE and not offline else None
    if not offline:
        checks += _outside(settings, probe)
    found = run_checks(checks, _CHECK_SECONDS)
    clock = probe.clock() if probe else machine.clock({}, system_clock())
    if engine is not None:
        engine.dispose()
    return [clock, found[0], *opened.findings, *found[1:]]


def _probe(work: Services) -> LiveProbe:
    from tasks.doctor.sources import LiveProbe
    from tasks.sources.live import LiveEndpoints

    settings = work.settings
    return LiveProbe(
        LiveEndpoints(
            yahoo=settings.yahoo_url,
            cboe_cdn=settings.cboe_url,
            cboe_web=settings.cboe_web_url,
            fred=settings.fred_url,
            fred_api=settings.fred_api_url,
        ),
        settings.user_agent,
        settings.fred_api_key.get_secret_value() if settings.fred_api_key else None,
        work.calendar,
        work.clock(),
        min(settings.source_timeout_seconds, _REQUEST_SECONDS),
    )


def _outside(settings: Settings, probe: LiveProbe | None) -> list[Check]:
    """What lies outside of this machine: the source, the channels, Prefect."""
    from tasks.doctor.messengers import mail
    from tasks.doctor.prefect_api import configured_server, prefect
    from tasks.doctor.sources import files, sample

    if probe:
        checks = probe.checks()
    elif settings.source == _FILES:
        checks = [Check("files", lambda: files(settings.data_dir))]
    else:
        checks = [Check("sample", sample)]
    seconds = min(settings.timeout_seconds, _REQUEST_SECONDS)
    return [
        *checks,
        Check("mail", lambda: mail(_mail_server(settings, seconds), len(settings.mail_to))),
        Check("Slack", lambda: _slack(settings, seconds)),
        Check("Prefect", lambda: prefect(configured_server())),
    ]


def _slack(settings: Settings, seconds: float) -> Finding:
    from tasks.doctor.messengers import slack, slack_bot

    if settings.slack_bot_token and settings.slack_channel:
        token = settings.slack_bot_token.get_secret_value()
        return slack_bot(token, settings.slack_channel, settings.slack_api_url, seconds)
    return slack(settings.slack_webhook_url.get_secret_value() if settings.slack_webhook_url else None, seconds)


def _mail_server(settings: Settings, seconds: float) -> SmtpServer | None:
    from tasks.notify.email import SmtpServer

    if not settings.smtp_host:
        return None
    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.mail_from,
        timeout_seconds=seconds,
    )


def _secrets(settings: Settings) -> list[str]:
    """Whatever must not be shown, also where an error quotes it."""
    from tasks.doctor.prefect_api import configured_server

    webhook, server = _revealed(settings.slack_webhook_url), configured_server()
    plain = (settings.slack_bot_token, settings.smtp_password, settings.fred_api_key)
    found = [*map(_revealed, plain), webhook, urlsplit(webhook).path]
    if server:
        found += [server.key, server.auth, server.auth.partition(":")[2]]
    with suppress(ArgumentError, ValueError):
        found.append(make_url(_revealed(settings.database_url)).password or "")
    return found


def _revealed(secret: SecretStr | None) -> str:
    """A secret, where there is one; of a block that Prefect does not hand out, nothing can be shown either."""
    with suppress(ConfigurationError):
        return secret.get_secret_value() if secret else ""
    return ""


def _print(findings: Sequence[Finding]) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    names = max(len(finding.name) for finding in findings)
    indent = " " * (len(WARN) + names + 4)
    for finding in findings:
        _wrapped(f"{finding.status:<{len(WARN)}}  {finding.name:<{names}}  ", finding.found, indent, width)
        if finding.do:
            _wrapped(indent, finding.do, indent, width)
    failed, warned = (sum(finding.status == status for finding in findings) for status in (FAIL, WARN))
    click.echo()
    warnings = f"{warned} warning{'s' if warned != 1 else ''}"
    click.echo(f"{len(findings)} checks: {failed} failed, {warnings}.")


def _wrapped(start: str, text: str, indent: str, width: int | None) -> None:
    """Print a line; on a terminal, broken between words under its own beginning."""
    if width is None:
        click.echo(start + text)
        return
    lines = textwrap.fill(
        text,
        max(width, len(indent) + 20),
        initial_indent=start,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    click.echo(lines)
