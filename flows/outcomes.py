"""How a session without a signal stands, in words, and the states of Prefect that outcomes become."""

from __future__ import annotations

import datetime as dt
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.wiring import Services
from signals.errors import DataNotReady
from storage.runs import ALREADY_EMITTED, AWAITING_DATA, EMITTED, FAILED, REVISED, SKIPPED, SessionOutcome
from tasks.schedule import deadline, next_attempt_in_time

#: Names of completed states. A run that failed keeps Prefect's name, whatever the reason: an automation that waits for
#: failed runs waits for that name.
STATE_NAMES = {
    EMITTED: "Emitted",
    REVISED: "Revised",
    ALREADY_EMITTED: "AlreadyEmitted",
    SKIPPED: "Skipped",
    AWAITING_DATA: "AwaitingData",
}


def state_of(outcome: SessionOutcome, data: object) -> State[Any]:
    """The final state of a run for one session."""
    message = f"{outcome.session}: {outcome.detail}"
    if outcome.outcome == FAILED:
        return Failed(data=data, message=message)
    return Completed(data=data, message=message, name=STATE_NAMES[outcome.outcome])


def not_whole(session: dt.date) -> DataNotReady:
    """The error for a first fetch that is not complete: levels would begin where what is missing lets them."""
    return DataNotReady(
        f"session {session}",
        expected="everything at once before the first report of a database, on which its index levels will rest",
        got="a part",
        do="Nothing of it was stored.",
        missing=("all that the first report needs",),
    )


def in_doubt(work: Services, session: dt.date, why: str) -> SessionOutcome:
    """The outcome of a session that is out, and of which an input was taken back or contradicted since."""
    due = deadline(session, work.calendar)
    detail = f"The signal is out, and what it rests on cannot be used any more: check it before acting on it. {why}"
    return SessionOutcome(session, FAILED, detail, None, due)


def not_ready(work: Services, session: dt.date, why: str) -> SessionOutcome:
    """The outcome of a session without its data: awaited until its deadline, failed after it."""
    now, due = work.clock(), deadline(session, work.calendar)
    if now > due:
        return too_late(work, session, why)
    attempt = next_attempt_in_time(session, now, work.calendar)
    when = f"Next attempt {attempt:%a %Y-%m-%d %H:%M}" if attempt else "No further attempt is scheduled"
    detail = f"{why} {when}, deadline {due:%a %Y-%m-%d %H:%M} New York."
    return SessionOutcome(session, AWAITING_DATA, detail, attempt, due)


def too_late(work: Services, session: dt.date, why: str) -> SessionOutcome:
    """The outcome of a session without a report whose deadline has passed."""
    due = deadline(session, work.calendar)
    passed = f"The deadline, {due:%a %Y-%m-%d %H:%M} New York, has passed"
    record = f"`tailguard backfill --start {session} --end {session}` records the session once its data are there"
    detail = f"{why} {passed}; {record}."
    return SessionOutcome(session, FAILED, detail, None, due)
