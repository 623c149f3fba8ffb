"""How new data are against what is published by now, and whether runs come when they should."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import Engine

from signals.calendar import TradingCalendar
from signals.events import KINDS, event_days
from signals.gaps import rate_day_due
from signals.series import (
    DFF,
    DTB3,
    EVENT_FOMC,
    EVENTS,
    FRED,
    IRX,
    PUBLISHERS,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    VX_PREFIX,
    YAHOO,
    spec,
)
from signals.zones import NEW_YORK
from storage.runs import AWAITING_DATA, FAILED, NextRun
from storage.unit_of_work import UnitOfWork
from tasks.doctor.findings import FAIL, OK, WARN, Finding
from tasks.ingest import load_market
from tasks.schedule import next_attempt

#: What a run may take, and a scheduler be late.
_GRACE = dt.timedelta(minutes=15)

#: A run that has not ended after this was killed.
_LONGEST_RUN = dt.timedelta(hours=2)

#: A schedule that ends sooner is about to be unknown.
_SCHEDULE_AHEAD = dt.timedelta(days=90)

_LONGEST_BREAK = dt.timedelta(days=5)

#: What decisions rest on.
_INPUTS = (SPX, VIX, VX_PREFIX, SPXTR, SPY_ADJUSTED, DTB3, DFF, IRX)

#: Publishers without whose values nothing is decided.
_DECISIVE = {SPX: (YAHOO,)}
_NEEDED = (SPX, VIX, VX_PREFIX, SPY_ADJUSTED)

#: Series that are named before the rest is counted.
_NAMED = 4

#: How bad an outcome is, and what to do about it.
_OUTCOMES = {
    FAILED: (FAIL, "`tailguard status` shows it; `tailguard backfill` records a session that was missed."),
    AWAITING_DATA: (WARN, "Wait for the next attempt, or `tailguard run`."),
}

_RUN = "`tailguard run` reads them; if it runs already, its publishers are late: `tailguard status`."


def expected_day(series: str, calendar: TradingCalendar, now: dt.datetime) -> dt.date:
    """The last day of which a series has to be published by now."""
    session = calendar.last_session_closed_by(now, spec(series).known_after_close)
    if PUBLISHERS.get(series) == (FRED,):
        # Rates come out on business days alone: that of a Friday on Monday.
        if now.astimezone(NEW_YORK).date() < calendar.next_session(session):
            session = calendar.previous_session(session)
        return rate_day_due(series, session, calendar)
    return session


def last_attempt(now: dt.datetime) -> dt.datetime:
    """The last attempt of the schedule that has had time to end."""
    found = attempt = next_attempt(now - _LONGEST_BREAK)
    while attempt + _GRACE <= now:
        found, attempt = attempt, next_attempt(attempt)
    return found


def stored_data(engine: Engine, calendar: TradingCalendar, now: dt.datetime) -> Finding:
    """Whether the stored series reach the last day that was published when runs last looked."""
    with UnitOfWork(engine) as work:
        extents = work.observations.extents()
    last: dict[str, dt.date] = {}
    for extent in extents:
        name = VX_PREFIX if extent.series.startswith(VX_PREFIX) else extent.series
        if extent.publisher in _DECISIVE.get(name, (extent.publisher,)):
            last[name] = max(extent.last, last.get(name, extent.last))
    inputs = [name for name in _INPUTS if name in last]
    if not inputs:
        return Finding("stored data", WARN, "none", "`tailguard run` or `tailguard backfill` reads them.")
    looked = last_attempt(now)
    late = [f"{name.rstrip('.')}: none" for name in _NEEDED if name not in last]
    late += [
        f"{name.rstrip('.')} to {last[name]} ({due} is due)"
        for name in inputs
        if last[name] < (due := expected_day(name, calendar, looked))
    ]
    if late:
        return Finding("stored data", WARN, _listed(late), _RUN)
    days = source_days((name.rstrip("."), last[name]) for name in inputs)
    return Finding("stored data", OK, f"as new as can be expected: {days}")


def events(engine: Engine, now: dt.datetime) -> Finding:
    """How far the schedules of announcements are known. No decision of VEQTOR rests on them."""
    with UnitOfWork(engine) as work:
        data = load_market(work, EVENTS)
    today, known = now.astimezone(NEW_YORK).date(), []
    last_of: dict[str, dt.date] = {}
    for series, publisher, kind, _ in KINDS:
        last = max(event_days(data, series, publisher), default=today)
        last_of[series] = last
        known.append(f"{kind}s to {last}" if last > today else f"no {kind} ahead")
    said = ", ".join(known)
    if last_of[EVENT_FOMC] < today + _SCHEDULE_AHEAD:
        return Finding("events", WARN, said, "Install a newer tailguard: it has the FOMC days of the years to come.")
    return Finding("events", OK, said)


def _listed(items: list[str]) -> str:
    more = [f"and {len(items) - _NAMED} more series"] if len(items) > _NAMED else []
    return "; ".join([*items[:_NAMED], *more])


def runs(engine: Engine, now: dt.datetime) -> list[Finding]:
    """How the last run and the last session ended, and whether the next attempt came."""
    with UnitOfWork(engine) as work:
        last, scheduling = work.runs.latest(), work.runs.latest(scheduling=True)
        outcomes = work.runs.outcomes(1)
    if last is None:
        return [Finding("last run", WARN, "none yet", "`tailguard run` works on the last session that closed.")]
    found = []
    if last.finished_at is None and now - last.started_at > _LONGEST_RUN:
        said = f"{last.kind} from {last.source}, begun {_minute(last.started_at)} and never ended"
        found.append(Finding("last run", WARN, said, "It was killed, or hangs: look at its process and its log."))
    elif last.finished_at is None:
        found.append(Finding("last run", OK, f"{last.kind} from {last.source}, begun {_minute(last.started_at)}"))
    else:
        said = f"{last.kind} from {last.source}, ended {_minute(last.finished_at)}"
        found.append(Finding("last run", OK, said))
    for outcome in outcomes:
        said = f"{outcome.session} {outcome.outcome}: {outcome.detail}"
        status, do = _OUTCOMES.get(outcome.outcome, (OK, ""))
        found.append(Finding("last session", status, said, do))
    if scheduling is not None and scheduling.next is not None:
        found.append(next_run(scheduling.next, last.started_at, now))
    return found


def next_run(expected: NextRun, last_started: dt.datetime, now: dt.datetime) -> Finding:
    """Whether the attempt came that the last run expected.

    Parameters
    ----------
    expected : NextRun
    last_started : datetime.datetime
        When the last run of any kind began.
    now : datetime.datetime
    """
    said = f"session {expected.session}, attempt {_new_york(expected.attempt_at)} New York"
    if now < expected.attempt_at + _GRACE or last_started >= expected.attempt_at:
        return Finding("next run", OK, said)
    do = "See that the scheduler and its worker run (`prefect worker start --pool tailguard`), or `tailguard run` now."
    if now >= expected.deadline_at:
        missed = f"{said}, did not come, and its deadline {_new_york(expected.deadline_at)} has passed"
        return Finding("next run", FAIL, missed, f"{do} `tailguard backfill` records the sessions that were missed.")
    return Finding("next run", WARN, f"{said}, is overdue; deadline {_new_york(expected.deadline_at)}", do)


def source_days(days: Iterable[tuple[str, dt.date]]) -> str:
    """Last days of several files for people, the newest first."""
    by_day: dict[dt.date, list[str]] = {}
    for name, day in days:
        by_day.setdefault(day, []).append(name)
    return "; ".join(f"{', '.join(names)} to {day}" for day, names in sorted(by_day.items(), reverse=True))


def _minute(instant: dt.datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _new_york(instant: dt.datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%a %Y-%m-%d %H:%M}"
