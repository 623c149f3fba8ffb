"""Trading sessions, business days as they were scheduled, and VX expiries.

Three kinds of day matter, and mixing them up shifts an index by a day's roll:

* a *session* is a day on which the NYSE traded;
* a *scheduled business day* is a session, or a day on which the exchange closed without having planned to
  (a storm, a day of mourning): the roll schedule of the VIX futures indices was fixed before such a closure;
* an *expiry* is the day a VX contract settles.

Sources: sessions, holidays and early closes from `exchange_calendars` (XNYS); the expiry rule from the Cboe Futures
Exchange contract specification of VX.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cached_property, lru_cache

import exchange_calendars
import numpy as np
import numpy.typing as npt

from signals.errors import ConfigurationError
from signals.zones import NEW_YORK

Days = npt.NDArray[np.datetime64]


#: When the NYSE closes on a short day.
EARLY_CLOSE = dt.time(13, 0)

FIRST_DAY = dt.date(2003, 12, 1)
LAST_DAY = dt.date(2040, 12, 31)

# The only two monthly expiries since 2004 that the rule does not give.
EXPIRY_EXCEPTIONS = {
    (2004, 7): dt.date(2004, 7, 14),
    (2004, 10): dt.date(2004, 10, 13),
}

MONTH_CODES = "FGHJKMNQUVXZ"

_ONE_DAY = dt.timedelta(days=1)


class TradingCalendar:
    """NYSE sessions from December 2003 to 2040, and what follows from them.

    Parameters
    ----------
    unscheduled_closures : iterable of datetime.date
        Closures announced after the calendar package was released. They are no sessions, but they stay business
        days of the roll schedule.
    early_closes : iterable of datetime.date
        Sessions that close at 13:00 and of which the package does not know it.

    Raises
    ------
    ConfigurationError
        When an early close is no session.
    """

    def __init__(self, unscheduled_closures: Iterable[dt.date] = (), early_closes: Iterable[dt.date] = ()) -> None:
        xnys = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat(), end=LAST_DAY.isoformat())
        package_sessions = xnys.sessions.to_numpy().astype("datetime64[D]")
        extra = np.array(sorted(set(unscheduled_closures)), dtype="datetime64[D]")
        closures = [day.date() for day in xnys.adhoc_holidays if FIRST_DAY <= day.date() <= LAST_DAY]
        known_closures = np.array(closures, dtype="datetime64[D]")
        self.sessions: Days = np.setdiff1d(package_sessions, extra)
        #: Sessions and unscheduled closures, ascending.
        self.scheduled_business_days: Days = np.union1d(package_sessions, known_closures)
        self._closes = dict(zip(package_sessions.tolist(), xnys.closes.dt.to_pydatetime(), strict=True))
        early = sorted(set(early_closes))
        for day in early:
            if not self.is_session(day):
                raise self.not_a_session(day)
            self._closes[day] = min(self._closes[day], dt.datetime.combine(day, EARLY_CLOSE, NEW_YORK))
        #: The calendar package, and what was told beside it: for reports.
        self.version = "; ".join(
            [
                f"exchange_calendars {exchange_calendars.__version__}",
                *([f"closed {', '.join(map(str, extra))}"] if len(extra) else []),
                *([f"closing early {', '.join(map(str, early))}"] if early else []),
            ]
        )

    @cached_property
    def _session_set(self) -> frozenset[dt.date]:
        return frozenset(self.sessions.tolist())

    @cached_property
    def _business_day_set(self) -> frozenset[dt.date]:
        return frozenset(self.scheduled_business_days.tolist())

    def is_session(self, day: dt.date) -> bool:
        """Whether the NYSE trades on `day`."""
        self._check_range(day)
        return day in self._session_set

    def sessions_in(self, start: dt.date, end: dt.date) -> Days:
        """Sessions from `start` to `end`, both included, ascending."""
        self._check_range(start)
        self._check_range(end)
        low = np.searchsorted(self.sessions, np.datetime64(start), side="left")
        high = np.searchsorted(self.sessions, np.datetime64(end), side="right")
        return self.sessions[low:high]

    def next_session(self, day: dt.date) -> dt.date:
        """The first session strictly after `day`."""
        return self.offset(day, 1)

    def previous_session(self, day: dt.date) -> dt.date:
        """The last session strictly before `day`."""
        self._check_range(day)
        position = int(np.searchsorted(self.sessions, np.datetime64(day), side="left"))
        found: dt.date = self.sessions[position - 1].item()
        return found

    def offset(self, day: dt.date, count: int) -> dt.date:
        """The session `count` sessions after `day`; `count` must be positive and `day` need not be a session."""
        self._check_range(day)
        position = int(np.searchsorted(self.sessions, np.datetime64(day), side="right")) + count - 1
        found: dt.date = self.sessions[position].item()
        return found

    def close_time(self, session: dt.date) -> dt.datetime:
        """The instant the NYSE closes on `session`, early closes included, in New York time."""
        if not self.is_session(session):
            raise self.not_a_session(session)
        closes_at: dt.datetime = self._closes[session].astimezone(NEW_YORK)
        return closes_at

    def last_session_closed_by(self, instant: dt.datetime, margin: dt.timedelta) -> dt.date:
        """The last session whose close plus `margin` is not after `instant` (which must be time zone aware)."""
        day = instant.astimezone(NEW_YORK).date()
        session = day if self.is_session(day) else self.previous_session(day)
        while self.close_time(session) + margin > instant:
            session = self.previous_session(session)
        return session

    def vx_expiry(self, year: int, month: int) -> dt.date:
        """Expiry of the monthly VX contract of `month`.

        The Wednesday 30 calendar days before the third Friday of the following month. If that Wednesday, or that
        Friday, is an exchange holiday, the business day before.
        """
        if (year, month) in EXPIRY_EXCEPTIONS:
            return EXPIRY_EXCEPTIONS[year, month]
        friday = third_friday(year + month // 12, month % 12 + 1)
        wednesday = friday - dt.timedelta(days=30)
        if friday in self._business_day_set and wednesday in self._business_day_set:
            return wednesday
        day = wednesday - _ONE_DAY
        while day not in self._business_day_set:
            day -= _ONE_DAY
        return day

    @cached_property
    def vx_expiries(self) -> Days:
        """Every monthly VX expiry of 2004 to 2039, one per calendar month whether listed or not, ascending."""
        months = [(year, month) for year in range(FIRST_DAY.year + 1, LAST_DAY.year) for month in range(1, 13)]
        return np.array([self.vx_expiry(*month) for month in months], dtype="datetime64[D]")

    def not_a_session(self, day: dt.date) -> ConfigurationError:
        """The error for a day that was taken for a session."""
        return ConfigurationError(
            f"session {day}",
            expected="a day on which the NYSE trades",
            got=f"a {day:%A} on which it is closed",
            do=f"The sessions around it are {self.previous_session(day)} and {self.next_session(day)}.",
        )

    def _check_range(self, day: dt.date) -> None:
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ConfigurationError(
                f"date {day}",
                expected=f"a day from {FIRST_DAY} to {LAST_DAY}, which the trading calendar covers",
                got=str(day),
                do="VX futures, and with them everything computed here, start in 2004.",
            )


def third_friday(year: int, month: int) -> dt.date:
    """The third Friday of a month."""
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(4 - first.weekday()) % 7 + 14)


def contract_code(expiry: dt.date) -> str:
    """The name of the monthly VX contract that expires on `expiry`, such as ``VXH20``."""
    return f"VX{MONTH_CODES[expiry.month - 1]}{expiry.year % 100:02d}"


@lru_cache(maxsize=4)
def trading_calendar(
    unscheduled_closures: tuple[dt.date, ...] = (), early_closes: tuple[dt.date, ...] = ()
) -> TradingCalendar:
    """The shared calendar for one list of exceptions; building one takes about a tenth of a second."""
    return TradingCalendar(unscheduled_closures, early_closes)
