"""The ledger of runs: opening a run, closing it, and what a scheduled run owes to sessions nobody ran."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Engine

from signals.calendar import TradingCalendar
from storage.runs import FAILED, NextRun, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock
from tasks.schedule import REREAD_SESSIONS, deadline, first_attempt, next_attempt, next_attempt_in_time

#: What the ledger says of a session that nobody ran in time.
MISSED = "no run had emitted it when its deadline passed; `tailguard backfill` records it"


def start_run(engine: Engine, kind: str, source: str, flow_run_id: str | None, clock: Clock) -> int:
    """Enter a run into the ledger."""
    with UnitOfWork(engine) as work:
        run_id = work.runs.start(kind, source, flow_run_id, clock())
        work.commit()
    return run_id


def record_outcome(engine: Engine, run_id: int, outcome: SessionOutcome, clock: Clock) -> None:
    """Enter how a run ended for a session that got no report."""
    with UnitOfWork(engine) as work:
        work.runs.record(run_id, [outcome], clock())
        work.commit()


def failed_outcome(session: dt.date, why: str, now: dt.datetime, calendar: TradingCalendar) -> SessionOutcome:
    """A FAILED outcome with the next attempt in time and the deadline, unless the day is no session."""
    if not calendar.is_session(session):
        return SessionOutcome(session, FAILED, why)
    again = next_attempt_in_time(session, now, calendar)
    return SessionOutcome(session, FAILED, why, again, deadline(session, calendar))


def record_failure(
    engine: Engine, run_id: int, session: dt.date, why: str, clock: Clock, calendar: TradingCalendar
) -> None:
    """Enter a failure, unless the run has said already how it ended for the session."""
    with UnitOfWork(engine) as work:
        if not work.runs.has_outcome(run_id, session):
            now = clock()
            work.runs.record(run_id, [failed_outcome(session, why, now, calendar)], now)
            work.commit()


def finish_run(engine: Engine, run_id: int, message: str, expected: NextRun | None, clock: Clock) -> None:
    """Close a run."""
    with UnitOfWork(engine) as work:
        work.runs.finish(run_id, clock(), message, expected)
        work.commit()


def expected_next(session: dt.date, *, done: bool, now: dt.datetime, calendar: TradingCalendar) -> NextRun:
    """What a scheduler should bring after a run on `session`: the next one, or the same again if it is not done."""
    again = None if done else next_attempt_in_time(session, now, calendar)
    if again is not None:
        return NextRun(session, again, deadline(session, calendar))
    following = calendar.next_session(session)
    attempt = max(first_attempt(following, calendar), next_attempt(now))
    return NextRun(following, attempt, deadline(following, calendar))


def reread_window(session: dt.date, calendar: TradingCalendar) -> list[dt.date]:
    """The last sessions before `session`, and `session` itself."""
    start = session - dt.timedelta(days=3 * REREAD_SESSIONS)
    found: list[dt.date] = calendar.sessions_in(start, session)[-REREAD_SESSIONS - 1 :].tolist()
    return found


def stored_sessions(engine: Engine, digest: str, sessions: list[dt.date]) -> set[dt.date]:
    """Which of these sessions have a report."""
    with UnitOfWork(engine) as work:
        return set(work.reports.stored(digest, sessions))


def has_reports(engine: Engine, digest: str) -> bool:
    """Whether any session has a report."""
    with UnitOfWork(engine) as work:
        return work.reports.last_session_before(dt.date.max, digest) is not None


def missed_sessions(
    engine: Engine, digest: str, session: dt.date, calendar: TradingCalendar, *, telling: bool = False
) -> list[SessionOutcome]:
    """FAILED outcomes for sessions before `session` that have neither a report nor one yet.

    No run finished for them before their deadline, or none ran at all. Looked at are those since the last report before
    the window that every run reads again, or since the first report in it; but none from before runs were scheduled,
    which a look at the past or a backfill leaves alone.

    Parameters
    ----------
    telling : bool
        Whether recipients are told: then a session that has failed before without an alert counts as missed again. The
        attempt that failed may have been one with others to follow, which never came.
    """
    window = reread_window(session, calendar)
    with UnitOfWork(engine) as work:
        first = work.reports.last_session_before(window[0], digest) or min(
            work.reports.stored(digest, window[:-1]), default=None
        )
        if first is None:
            return []
        since = work.runs.scheduled_since() or session
        days: list[dt.date] = [day for day in calendar.sessions_in(first, session)[1:-1].tolist() if day >= since]
        failed = work.runs.sessions_with(FAILED, first)
        if telling:
            failed &= work.outbox.alerted(digest, first)
        settled = failed | set(work.reports.stored(digest, days))
    return [SessionOutcome(day, FAILED, MISSED, None, deadline(day, calendar)) for day in days if day not in settled]
