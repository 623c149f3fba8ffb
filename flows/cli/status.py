"""``status``: the outcome of each session, what comes next, and what needs a person."""

from __future__ import annotations

import datetime as dt
import json
import re

import click

from flows.cli.main import EXIT_FAILED, EXIT_UNDELIVERED
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from flows.settings import load_settings
from signals.errors import ConfigurationError
from signals.zones import NEW_YORK
from storage.outbox import FAILED as MESSAGE_FAILED
from storage.outbox import PENDING, SENDING, UNCERTAIN, StoredAlert
from storage.runs import AWAITING_DATA, FAILED, RunSummary
from storage.unit_of_work import UnitOfWork
from tasks.clock import clock_at
from tasks.health import UNDELIVERED, problems, read_ledger

_NEED_ATTENTION = (PENDING, SENDING, UNCERTAIN, MESSAGE_FAILED)

_AGE = re.compile(r"(?=.)(?:(?P<days>\d{1,4})d)?(?:(?P<hours>\d{1,5})h)?(?:(?P<minutes>\d{1,6})m)?")


def _age(_: click.Context, __: click.Parameter, value: str | None) -> dt.timedelta | None:
    if value is None:
        return None
    found = _AGE.fullmatch(value)
    age = dt.timedelta(**{unit: int(count) for unit, count in found.groupdict("0").items()}) if found else None
    if not age:
        raise ConfigurationError(
            "--max-age", expected="a time such as 26h, 4d, 1d12h or 90m", got=repr(value), do="Check --max-age."
        )
    return age


@click.command(
    epilog=manual(
        "tailguard status",
        "tailguard status --limit 1 --json",
        "tailguard status --max-age 52h",
        exit_codes="0 nothing failed, though a session may be waiting for data, 1 the latest session failed, 2 no "
        "database, 4 a message is undelivered or its delivery is uncertain. With --max-age: 0 nothing is wrong, 1 what "
        "it looks for is there, 4 a message needs a person",
    )
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    default=10,
    show_default=True,
    help="How many sessions, newest first.",
)
@click.option(
    "--max-age",
    metavar="AGE",
    callback=_age,
    help="Fail if the last daily run ended longer ago, such as 26h, 4d or 1d12h; if a session has no report after its "
    "deadline, its run did not come, or a run does not end. A running schedule pauses for 50 hours at most, on "
    "weekends.",
)
@database_option
@json_option
def status(limit: int, max_age: dt.timedelta | None, as_json: bool) -> int:
    """Show how the latest sessions ended and what is expected next.

    It prints each session's outcome, the alert raised of one without a signal, the last run, the next attempt with its
    deadline, and the messages that need a person. All of it was stored by the last run: nothing is computed, and no
    source is asked. A monitor can rely on the exit code.

    With --max-age it is a dead-man check for cron or a monitor, which needs neither Prefect nor a run of today: what is
    wrong comes first, a line each.
    """
    settings, engine = load_settings(), existing_database()
    now = clock_at(settings.clock)()
    wrong = [] if max_age is None else problems(read_ledger(engine), now, max_age)
    with UnitOfWork(engine) as work:
        outcomes = work.runs.outcomes(limit)
        last, scheduling = work.runs.latest(), work.runs.latest(scheduling=True)
        messages = work.outbox.counts()
        alerts = {alert.session: alert for alert in work.outbox.alerts([item.session for item in outcomes])}
        simulated = bool(work.observations.is_simulated())
    expected = scheduling.next if scheduling else None
    if as_json:
        click.echo(
            json.dumps(
                {
                    "sessions": [
                        {
                            "session": item.session.isoformat(),
                            "outcome": item.outcome,
                            "detail": item.detail,
                            "alert": _alert_document(alerts.get(item.session)),
                        }
                        for item in outcomes
                    ],
                    "messages": messages,
                    "simulated": simulated,
                    "last_run": _run_document(last),
                    "problems": [{"name": item.name, "text": item.text, "do": item.do} for item in wrong],
                    "next": expected
                    and {
                        "session": expected.session.isoformat(),
                        "attempt_at": expected.attempt_at.isoformat(),
                        "deadline_at": expected.deadline_at.isoformat(),
                    },
                }
            )
        )
    else:
        for problem in wrong:
            say(str(problem))
        if simulated:
            say("SIMULATED: this database is about the sample market.")
        if not outcomes:
            say("No session yet: `tailguard run` works on the last one that closed.")
        for item in outcomes:
            detail = f"  {item.detail}" if item.outcome in (FAILED, AWAITING_DATA) else f"  ({item.detail})"
            say(f"{item.session}  {item.outcome}{detail}")
            if alert := alerts.get(item.session):
                say(f"            alert {alert.kind} raised {alert.raised_at:%Y-%m-%d %H:%M} UTC: {alert.title}")
        if last:
            ended = f"{last.finished_at:%Y-%m-%d %H:%M} UTC" if last.finished_at else "not yet, or it was killed"
            said = "" if any(item.detail in (last.message or "") for item in outcomes) else last.message or ""
            say(f"Last run: {last.kind} from {last.source}, ended {ended}. {said}".rstrip())
        if expected:
            say(
                f"Next: session {expected.session}, attempt {_new_york(expected.attempt_at)}, "
                f"deadline {_new_york(expected.deadline_at)} New York."
            )
        for state, count in sorted(messages.items()):
            if state in _NEED_ATTENTION:
                say(f"Messages {state}: {count}. See `tailguard outbox list`.")
    if max_age is not None:
        # A message on its way, or an attempt that failed with others to follow, is no alarm.
        names = {problem.name for problem in wrong}
        return EXIT_FAILED if names - {UNDELIVERED} else EXIT_UNDELIVERED if names else 0
    if outcomes and outcomes[0].outcome == FAILED:
        return EXIT_FAILED
    return EXIT_UNDELIVERED if any(messages.get(state) for state in _NEED_ATTENTION) else 0


def _run_document(run: RunSummary | None) -> dict[str, str | None] | None:
    if run is None:
        return None
    return {
        "kind": run.kind,
        "source": run.source,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def _alert_document(alert: StoredAlert | None) -> dict[str, str] | None:
    if alert is None:
        return None
    return {"kind": alert.kind, "raised_at": alert.raised_at.isoformat(), "title": alert.title}


def _new_york(instant: dt.datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%a %Y-%m-%d %H:%M}"
