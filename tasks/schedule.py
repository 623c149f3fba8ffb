"""When a session's signal is attempted, and by when it must be there. All times are New York times.

prefect.yaml says the same in cron; a test keeps the two equal.
"""

from __future__ import annotations

import datetime as dt

from signals.calendar import TradingCalendar
from signals.zones import NEW_YORK

#: After a close plus this, a run works on that session and not on the one before.
CLOSE_MARGIN = dt.timedelta(hours=2)

#: The signal of a session acts at the next close; this long before it, it is too late.
DEADLINE_BEFORE_CLOSE = dt.timedelta(minutes=30)

#: A session on whose prices publishers disagree waits for them to agree, until this long before its deadline.
DISPUTES_END_BEFORE_DEADLINE = dt.timedelta(hours=3)

#: How many sessions each run reads again, to notice that an input has changed.
REREAD_SESSIONS = 10

_MONDAY_TO_FRIDAY, _TUESDAY_TO_SATURDAY = range(5), range(1, 6)

#: (weekdays, Monday being 0; hour; minute)
ATTEMPTS = (
    (_MONDAY_TO_FRIDAY, 18, 45),
    (_MONDAY_TO_FRIDAY, 20, 30),
    (_TUESDAY_TO_SATURDAY, 0, 20),
    (_TUESDAY_TO_SATURDAY, 7, 30),
    *((_MONDAY_TO_FRIDAY, hour, 30) for hour in range(9, 15)),
)


def session_due(started_at: dt.datetime, calendar: TradingCalendar) -> dt.date:
    """The session a run that was meant to start at `started_at` works on."""
    return calendar.last_session_closed_by(started_at, CLOSE_MARGIN)


def deadline(session: dt.date, calendar: TradingCalendar) -> dt.datetime:
    """The instant after which the signal of `session` can no longer be acted on in time."""
    return calendar.close_time(calendar.next_session(session)) - DEADLINE_BEFORE_CLOSE


def settled_session(now: dt.datetime, calendar: TradingCalendar) -> dt.date:
    """The last session whose deadline has passed."""
    session = calendar.last_session_closed_by(now, dt.timedelta(0))
    while deadline(session, calendar) > now:
        session = calendar.previous_session(session)
    return session


def next_attempt(after: dt.datetime) -> dt.datetime:
    """The first attempt strictly after an instant."""
    day = after.astimezone(NEW_YORK).date()
    while True:
        times = sorted(dt.time(hour, minute) for weekdays, hour, minute in ATTEMPTS if day.weekday() in weekdays)
        for time in times:
            attempt = dt.datetime.combine(day, time, NEW_YORK)
            if attempt > after:
                return attempt
        day += dt.timedelta(days=1)


def next_attempt_in_time(session: dt.date, after: dt.datetime, calendar: TradingCalendar) -> dt.datetime | None:
    """The first attempt after an instant that still works on `session`; None if its deadline comes first."""
    attempt = next_attempt(after)
    return attempt if attempt < deadline(session, calendar) else None


def first_attempt(session: dt.date, calendar: TradingCalendar) -> dt.datetime:
    """The first attempt that works on `session`."""
    return next_attempt(calendar.close_time(session) + CLOSE_MARGIN - dt.timedelta(microseconds=1))
