"""The sessions of a simulated market: a real stretch of the calendar, with its true expiries and roll weights."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from signals.calendar import Days, TradingCalendar, trading_calendar
from signals.rates import is_bond_holiday, weekly_tbill_rate
from signals.sample_market.model import LAST_DAY, listed_contracts
from signals.vix_futures import (
    MONEY_MARKET_YEAR,
    SHORT_TERM,
    TBILL_DAYS,
    Floats,
    Integers,
    roll_left,
)

#: Sessions in a year of a simulated market.
SESSIONS_PER_YEAR = 252

#: Sessions before the first level. They fill every window: the longest has a year, and the return before it.
WARM_UP = 260

#: The session of the first level; an earlier one where a market would reach beyond the calendar. Since October 2015
#: options on the VIX expire in every week.
FIRST_LEVEL = dt.date(2016, 1, 4)


@dataclass(frozen=True, eq=False)
class PathSessions:
    """Sessions that every simulated market of a length shares, and what follows from them.

    Attributes
    ----------
    calendar : TradingCalendar
    sessions : datetime64[D], shape (n,)
    base : int
        Row of the first level.
    front : int, shape (n,)
        Index of slot 1 among the expiries of the calendar.
    ahead : int, shape (n, slots)
        Sessions to the expiry of each slot.
    contracts : float, shape (n, slots)
        Contracts per slot of the short-term index, decided at each close.
    days : int, shape (n - 1,)
        Calendar days from each session to the next.
    bill_row : int, shape (n,)
        Row of the Treasury bill that is in force at each close.
    """

    calendar: TradingCalendar
    sessions: Days
    base: int
    front: Integers
    ahead: Integers
    contracts: Floats
    days: Integers
    bill_row: Integers

    def __len__(self) -> int:
        return len(self.sessions)

    def bill_return(self, bill: Floats) -> Floats:
        """What the bill in force at each close earned into the next session; shapes (n, markets) and (n - 1, markets).

        The formula is that of `signals.vix_futures.futures_index`, once for each rate and number of days.
        """
        pairs, which = np.unique(np.stack([self.bill_row[:-1], self.days], axis=1), axis=0, return_inverse=True)
        rate, days = bill[pairs[:, 0]], pairs[:, 1, np.newaxis]
        earned: Floats = (1.0 / (1.0 - TBILL_DAYS / MONEY_MARKET_YEAR * rate)) ** (days / TBILL_DAYS) - 1.0
        return earned[which.reshape(-1)]


@lru_cache(maxsize=4)
def path_sessions(years: int) -> PathSessions:
    """The sessions of a market of so many years after its first level, and those before it.

    The calendar is the one without additions: what is simulated does not depend on a configuration.
    """
    calendar = trading_calendar()
    after = SESSIONS_PER_YEAR * years
    known = int(np.searchsorted(calendar.sessions, np.datetime64(LAST_DAY), side="right"))
    base = min(int(np.searchsorted(calendar.sessions, np.datetime64(FIRST_LEVEL))), known - after - 1)
    sessions = calendar.sessions[base - WARM_UP : base + after + 1]
    front, ahead = listed_contracts(calendar, sessions)
    bonds = np.array([not is_bond_holiday(day) for day in sessions.tolist()], dtype=bool)
    nothing = (np.array([], dtype="datetime64[D]"), np.array([]))
    printed = weekly_tbill_rate(sessions, (sessions[bonds], np.zeros(int(bonds.sum()))), nothing).observed_on
    # Before the first print, in the first days of the warm-up, there is that of the first session.
    bill_row = np.where(np.isnat(printed), 0, np.searchsorted(sessions, printed))
    return PathSessions(
        calendar=calendar,
        sessions=sessions,
        base=WARM_UP,
        front=front,
        ahead=ahead,
        contracts=SHORT_TERM.contracts(roll_left(sessions, calendar)),
        days=np.diff(sessions).astype(np.int64),
        bill_row=bill_row,
    )
