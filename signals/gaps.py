"""Days without a value, and values on days that should have none, against the trading calendar.

=====================  ===================================  =============================
series                 expected                             elsewhere, no error
=====================  ===================================  =============================
indices, SPY, breadth  every session
VX, slots 1 to 7       every session
DFF                    every day of the week
DTB3                   sessions the bond market is open     weekdays without a session
IRX                    sessions the bond market is open     sessions it is closed
=====================  ===================================  =============================

A day without a value is not yet one on which nothing can be decided: `needed_gaps` says where no permitted substitute
is left either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.calendar import Days, TradingCalendar, contract_code
from signals.market import HISTORY_START, MarketData, MarketHistory, market_history
from signals.rates import MISSING, is_bond_holiday, overnight_rate, weekly_tbill_rate
from signals.series import (
    BASE_SESSION,
    DFF,
    DTB3,
    EQUITY_PE,
    EVENTS,
    GDPC1,
    IRX,
    PUBLISHERS,
    RBUSBIS,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    YAHOO,
    vx_expiry_of,
)
from signals.vix_futures import INTERPOLATED, MID_TERM, SHORT_TERM, carries_weight

SESSIONS, DAYS = "sessions", "days"

_OTHER_DAYS = (*EVENTS, RBUSBIS, GDPC1, EQUITY_PE)

_DAY = np.timedelta64(1, "D")

Flags = npt.NDArray[np.bool_]


_SPX, _VIX, _EQUITY = "SPX from yahoo", "VIX", "SPXTR, or SPY to stand in for it"

#: What has to be there to speak of a range at all: its name, and series with publisher, of which one is enough.
_ESSENTIAL = (
    (_SPX, ((SPX, YAHOO),)),
    (_VIX, tuple((VIX, publisher) for publisher in PUBLISHERS[VIX])),
    (_EQUITY, ((SPXTR, YAHOO), (SPY_ADJUSTED, YAHOO))),
)


@dataclass(frozen=True)
class Span:
    """Expected days that follow each other."""

    first: dt.date
    last: dt.date
    days: int


@dataclass(frozen=True)
class SeriesGaps:
    """What a series has and lacks over a range of days.

    Attributes
    ----------
    series, publisher : str
        ``VX slot 3`` for a slot of the futures, whose publishers are taken together: no publisher then.
    first, last : datetime.date
        The range.
    unit : str
        What is counted: ``sessions``, or ``days``.
    expected : int
    missing : tuple of Span
    extra : tuple of datetime.date
    interpolated : int
        Of those there, how many are of a month that was not listed yet.
    """

    series: str
    publisher: str | None
    first: dt.date
    last: dt.date
    unit: str
    expected: int
    missing: tuple[Span, ...]
    extra: tuple[dt.date, ...]
    interpolated: int = 0


@dataclass(frozen=True)
class NeededGaps:
    """Something that a decision needs and that is missing: the sessions it is missing on, or all where none has it."""

    name: str
    missing: tuple[Span, ...]


def series_gaps(
    data: MarketData, calendar: TradingCalendar, start: dt.date | None = None, end: dt.date | None = None
) -> list[SeriesGaps]:
    """What every series lacks, except VX; without a range, from its first to its last value."""
    found = []
    for series, publishers in PUBLISHERS.items():
        # Events have days of their own, and no session lacks one; nor does it a month's value.
        for publisher in () if series in _OTHER_DAYS else publishers:
            days = data.find(series, publisher).days
            if not len(days):
                continue
            first, last = _range(start or days[0].item(), end or days[-1].item())
            required, allowed = _expected(series, first, last, calendar)
            there = days[(days >= np.datetime64(first)) & (days <= np.datetime64(last))]
            found.append(
                SeriesGaps(
                    series,
                    publisher,
                    first,
                    last,
                    DAYS if series == DFF else SESSIONS,
                    len(required),
                    spans(np.setdiff1d(required, there), required),
                    tuple(np.setdiff1d(there, allowed).tolist()),
                )
            )
    return found


def vx_gaps(
    data: MarketData, calendar: TradingCalendar, start: dt.date | None = None, end: dt.date | None = None
) -> list[SeriesGaps]:
    """What each slot of the VX futures lacks; without a range, where slot 1 has settlements."""
    through = end or _last_settlement(data)
    if through is None:
        return []
    history = market_history(data, calendar, _range(HISTORY_START, through)[1])
    settled = np.flatnonzero(np.isfinite(history.panel.settle[:, 0]))
    if not len(settled):
        return []
    first, last = _range(start or history.sessions[settled[0]].item(), end or history.sessions[settled[-1]].item())
    required = calendar.sessions_in(first, last)
    rows = _rows(history, required)
    extra = _off_session(data, calendar, first, last)
    found = []
    for slot in range(1, MID_TERM.last_slot + 1):
        there = np.zeros(len(required), dtype=bool)
        there[rows >= 0] = np.isfinite(history.panel.settle[rows[rows >= 0], slot - 1])
        interpolated = int((history.panel.basis[rows[rows >= 0], slot - 1] >= INTERPOLATED).sum())
        missing = spans(required[~there], required)
        found.append(
            SeriesGaps(
                f"VX slot {slot}",
                None,
                first,
                last,
                SESSIONS,
                len(required),
                missing,
                tuple(sorted(extra.get(slot, ()))),
                interpolated,
            )
        )
    return found


def needed_gaps(
    data: MarketData, calendar: TradingCalendar, start: dt.date | None = None, end: dt.date | None = None
) -> list[NeededGaps]:
    """What decisions in a range need and neither the data nor a permitted substitute have.

    Without a range, from the base session, or the first settlement after it, to the last session on which each of them
    has a value.
    """
    absent = [name for name, keys in _ESSENTIAL if not any(len(data.find(*key).days) for key in keys)]
    settled = _last_settlement(data)
    if settled is None:
        absent.append("settlements of VX")
    if absent or settled is None:
        return [NeededGaps(name, ()) for name in absent]
    last = end or needed_through(data)
    if _range(HISTORY_START, last)[1] < BASE_SESSION:
        return []
    history = market_history(data, calendar, _range(HISTORY_START, last)[1])
    listed = np.flatnonzero(np.isfinite(history.panel.settle[:, 0]))
    begin = start or (history.sessions[listed[0]].item() if len(listed) else last)
    wanted = calendar.sessions_in(*_range(max(begin, BASE_SESSION), last))
    rows = _rows(history, wanted)
    found = []
    for name, lacking in _lacking(history, calendar):
        missing = np.ones(len(wanted), dtype=bool)
        missing[rows >= 0] = lacking[rows[rows >= 0]]
        if missing.any():
            found.append(NeededGaps(name, spans(wanted[missing], wanted)))
    return found


def needed_through(data: MarketData) -> dt.date:
    """The last day on which everything that has no substitute has a value; without any, the first of all."""
    settled = _last_settlement(data)
    found = [_last_of(data, keys) for _, keys in _ESSENTIAL if any(len(data.find(*key).days) for key in keys)]
    return min([settled, *found]) if settled and found else HISTORY_START


def spans(days: Days, expected: Days) -> tuple[Span, ...]:
    """Days as runs of those that follow each other in `expected`, of which they are a part; both ascending."""
    position = np.searchsorted(expected, days)
    parts = np.split(days, 1 + np.flatnonzero(np.diff(position) != 1)) if len(days) else []
    return tuple(Span(part[0].item(), part[-1].item(), len(part)) for part in parts)


def rate_day_due(series: str, session: dt.date, calendar: TradingCalendar) -> dt.date:
    """The last day up to `session` on which a series has a value: `session`, or before it one the bond market is open.

    Parameters
    ----------
    session : datetime.date
        A session.
    """
    while series == DTB3 and is_bond_holiday(session):
        session = calendar.previous_session(session)
    return session


def _lacking(history: MarketHistory, calendar: TradingCalendar) -> Iterator[tuple[str, Flags]]:
    """What each session of a history lacks, by name."""
    yield _SPX, np.isnan(history.spx_yahoo)
    yield _VIX, np.isnan(history.vix_cboe) & np.isnan(history.vix_yahoo)
    yield _EQUITY, np.isnan(history.spxtr) & np.isnan(history.spy_adjusted)
    # A rate earns from one close to the next: the last session needs none of its own.
    for name, rate in (
        (DTB3, weekly_tbill_rate(history.sessions, history.dtb3, history.irx)),
        (DFF, overnight_rate(history.sessions, history.dff, history.irx)),
    ):
        lacking = rate.origin == MISSING
        lacking[-1:] = False
        yield f"{name}, or {IRX} to stand in for it", lacking
    panel = history.panel
    holes = carries_weight(panel, SHORT_TERM, calendar) & ~np.isfinite(panel.settle)
    by_contract: dict[str, Flags] = {}
    for row, column in np.argwhere(holes).tolist():
        name = f"settlement of {contract_code(panel.expiry(row, column + 1))}"
        by_contract.setdefault(name, np.zeros(len(history.sessions), dtype=bool))[row] = True
    yield from by_contract.items()


def _expected(series: str, first: dt.date, last: dt.date, calendar: TradingCalendar) -> tuple[Days, Days]:
    """The days on which a series has to have a value, and those on which it may."""
    sessions = calendar.sessions_in(first, last)
    every = np.arange(np.datetime64(first), np.datetime64(last) + _DAY)
    if series == DFF:
        return every, every
    if series == DTB3:
        return _bond_sessions(sessions), every[np.is_busday(every)]
    return (_bond_sessions(sessions) if series == IRX else sessions), sessions


def _bond_sessions(sessions: Days) -> Days:
    open_ = [not is_bond_holiday(day) for day in sessions.tolist()]
    found: Days = sessions[np.array(open_, dtype=bool)]
    return found


def _rows(history: MarketHistory, sessions: Days) -> npt.NDArray[np.intp]:
    """The row of each session in a history; -1 where it begins later."""
    rows = np.searchsorted(history.sessions, sessions)
    inside = rows < len(history.sessions)
    inside[inside] = history.sessions[rows[inside]] == sessions[inside]
    return np.where(inside, rows, -1)


def _off_session(data: MarketData, calendar: TradingCalendar, first: dt.date, last: dt.date) -> dict[int, set[dt.date]]:
    """Days without a session that have a settlement, by slot."""
    found: dict[int, set[dt.date]] = {}
    for (series, _), observed in data.items():
        expiry = vx_expiry_of(series)
        if expiry is None:
            continue
        days = observed.days[(observed.days >= np.datetime64(first)) & (observed.days <= np.datetime64(last))]
        for day in np.setdiff1d(days, calendar.sessions):
            front = int(np.searchsorted(calendar.vx_expiries, day, side="right"))
            slot = int(np.searchsorted(calendar.vx_expiries, np.datetime64(expiry))) - front + 1
            found.setdefault(slot, set()).add(day.item())
    return found


def _last_settlement(data: MarketData) -> dt.date | None:
    last = [found.days[-1].item() for (series, _), found in data.items() if vx_expiry_of(series) and len(found.days)]
    return max(last, default=None)


def _last_of(data: MarketData, keys: Sequence[tuple[str, str]]) -> dt.date:
    last: list[dt.date] = [days[-1].item() for key in keys if len(days := data.find(*key).days)]
    return max(last)


def _range(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """A range without the days before any history begins."""
    return max(first, HISTORY_START), max(last, HISTORY_START)
