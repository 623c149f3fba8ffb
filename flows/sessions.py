"""What a user asks for as a session or a range of them, checked. Light: nothing here needs Prefect."""

from __future__ import annotations

import datetime as dt

from flows.wiring import Services
from signals.errors import ConfigurationError
from signals.series import BASE_SESSION
from signals.zones import NEW_YORK

#: Work on the last session for which the source has everything.
LATEST = "latest"


def parse_session(session: str | None, work: Services) -> dt.date | None:
    """The day that was asked for by date; None if the run chooses.

    Raises
    ------
    ConfigurationError
        When it is not a date, or one whose close has not passed.
    """
    if session is None or session == LATEST:
        return None
    try:
        day = dt.date.fromisoformat(session)
    except ValueError as error:
        raise ConfigurationError(
            "session", expected=f"a date as yyyy-mm-dd, or {LATEST!r}", got=repr(session), do="Check --session."
        ) from error
    now = work.clock()
    closes_at = work.calendar.close_time(day) if work.calendar.is_session(day) else None
    if day > now.astimezone(NEW_YORK).date() or (closes_at and closes_at > now):
        raise ConfigurationError(
            f"session {day}",
            expected="a session that has closed",
            got=f"one in the future; it is {now.astimezone(NEW_YORK):%Y-%m-%d %H:%M} in New York",
            do=f"The last one that closed is {work.calendar.last_session_closed_by(now, dt.timedelta(0))}.",
        )
    return day


def sessions_in_range(start: str, end: str, work: Services) -> list[dt.date]:
    """The sessions of a range that have closed.

    Raises
    ------
    ConfigurationError
        When the range makes no sense or holds no session.
    """
    first, last = _day("start", start), _day("end", end)
    if first < BASE_SESSION:
        raise ConfigurationError(
            f"start {first}", expected=f"{BASE_SESSION} or later", got=start, do="The index has no level before that."
        )
    now = work.clock()
    closed = work.calendar.last_session_closed_by(now, dt.timedelta(0))
    if last > closed and work.calendar.sessions_in(closed, last).size > 1:
        raise ConfigurationError(
            f"end {last}", expected=f"{closed} or earlier, the last session that closed", got=end, do="Check --end."
        )
    found: list[dt.date] = work.calendar.sessions_in(first, last).tolist() if first <= last else []
    if not found:
        raise ConfigurationError(
            "range", expected="at least one trading session", got=f"none from {first} to {last}", do="Check the dates."
        )
    return found


def _day(name: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            name, expected="a date as yyyy-mm-dd", got=repr(text), do=f"Check --{name}."
        ) from error
