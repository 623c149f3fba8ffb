"""The event calendar: which scheduled announcements lie ahead, and how far it is known.

The Federal Reserve announces its meetings a year or more ahead, the Bureau of Labor Statistics its releases for the
calendar year. What lies beyond what was announced is *unknown*, which is not the same as "nothing": a schedule that has
run out must not look like a quiet week.

Sources: FOMC statement days as announced by the Federal Reserve Board (those of 2027 are tentative); CPI and PPI
release days from the schedule of the Bureau of Labor Statistics, which the source reads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from signals.series import BLS, EVENT_CPI, EVENT_FOMC, EVENT_PPI, FED

if TYPE_CHECKING:
    # Reports are read without numpy, which these load.
    from signals.calendar import TradingCalendar
    from signals.market import MarketData

#: Sessions a report looks ahead.
HORIZON = 5

#: Statement days of the scheduled meetings.
FOMC_DAYS = tuple(
    dt.date(year, *map(int, day.split("-")))
    for year, days in {
        2026: "01-28 03-18 04-29 06-17 07-29 09-16 10-28 12-09",
        2027: "01-27 03-17 04-28 06-09 07-28 09-15 10-27 12-08",
    }.items()
    for day in days.split()
)

#: Series, publisher, name for people, and how many days lie at most between two of them.
KINDS = (
    (EVENT_FOMC, FED, "FOMC decision", 60),
    (EVENT_CPI, BLS, "CPI release", 50),
    (EVENT_PPI, BLS, "PPI release", 50),
)


@dataclass(frozen=True)
class Event:
    """A scheduled announcement."""

    kind: str
    day: dt.date


@dataclass(frozen=True)
class EventsAhead:
    """What a report says of the sessions ahead.

    Attributes
    ----------
    through : datetime.date
        The last session looked at.
    events : tuple of Event
        By day. One on a day without a session counts for the next session.
    unknown : tuple of str
        Kinds whose schedule is not known so far.
    """

    through: dt.date
    events: tuple[Event, ...]
    unknown: tuple[str, ...]


def event_days(data: MarketData, series: str, publisher: str) -> list[dt.date]:
    """Every known day of an announcement, ascending. A day that was taken off the schedule again has the value 0."""
    found = data.find(series, publisher)
    days = {day for day, value in zip(found.days.tolist(), found.values.tolist(), strict=True) if value > 0.0}
    return sorted(days | set(FOMC_DAYS if series == EVENT_FOMC else ()))


def events_ahead(data: MarketData, calendar: TradingCalendar, session: dt.date, horizon: int = HORIZON) -> EventsAhead:
    """The announcements after the close of `session`, up to and including the session `horizon` sessions later."""
    through = calendar.offset(session, horizon)
    events: list[Event] = []
    unknown: list[str] = []
    for series, publisher, kind, apart in KINDS:
        days = event_days(data, series, publisher)
        events += [Event(kind, day) for day in days if session < day <= through]
        if not _is_known(days, through, apart):
            unknown.append(kind)
    return EventsAhead(through, tuple(sorted(events, key=lambda event: event.day)), tuple(unknown))


def _is_known(days: Iterable[dt.date], through: dt.date, apart: int) -> bool:
    """Whether a schedule reaches past a day: whether the next of its days is as near as it should be."""
    later = min((day for day in days if day > through), default=None)
    return later is not None and (later - through).days <= apart
