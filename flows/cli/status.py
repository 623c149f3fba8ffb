"""``status``: the outcome of each session, what comes next, and what needs a person."""

from __future__ import annotations

import datetime as dt
import json
from zoneinfo import ZoneInfo

import click

from flows.cli.main import EXIT_FAILED, EXIT_UNDELIVERED
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from storage.outbox import FAILED as MESSAGE_FAILED
from storage.outbox import PENDING, SENDING, SENT, SUPERSEDED, UNCERTAIN, StoredAlert
from storage.runs import AWAITING_DATA, FAILED
from storage.unit_of_work import UnitOfWork

# signals.calendar has it too, and loads numpy.
_NEW_YORK = ZoneInfo("America/New_York")

_NEED_ATTENTION = (PENDING, SENDING, UNCERTAIN, MESSAGE_FAILED)


@click.command(
    epilog=manual(
        "tailguard status",
        "tailguard status --limit 1 --json",
        exit_codes="0 nothing failed, though a session may be waiting for data, 1 the latest session failed, 2 no "
        "database, 4 a message is undelivered or its delivery is uncertain",
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
@database_option
@json_option
def status(limit: int, as_json: bool) -> int:
    """Show how the latest sessions ended and what is expected next.

    It prints each session's outcome, the alert raised of one without a signal, the last run, the next attempt with its
    deadline, and the messages that need a person. All of it was stored by the last run: nothing is computed, and no
    source is asked. A monitor can rely on the exit code.
    """
    with UnitOfWork(existing_database()) as work:
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
            if state not in (SENT, SUPERSEDED):
                say(f"Messages {state}: {count}. See `tailguard outbox list`.")
    if outcomes and outcomes[0].outcome == FAILED:
        return EXIT_FAILED
    return EXIT_UNDELIVERED if any(messages.get(state) for state in _NEED_ATTENTION) else 0


def _alert_document(alert: StoredAlert | None) -> dict[str, str] | None:
    if alert is None:
        return None
    return {"kind": alert.kind, "raised_at": alert.raised_at.isoformat(), "title": alert.title}


def _new_york(instant: dt.datetime) -> str:
    return f"{instant.astimezone(_NEW_YORK):%a %Y-%m-%d %H:%M}"
