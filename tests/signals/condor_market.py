"""A made-up market for the condor programme: weekdays without a holiday, an index that wanders, a VIX that answers."""

from __future__ import annotations

import numpy as np

from signals.calendar import Days
from signals.study.condor.market import CondorMarket, listed_expiries
from signals.study.hedged import HedgeLine
from signals.vix_futures import Floats

#: Weekdays far beyond every test.
WEEKDAYS = np.arange("2010-01-01", "2016-01-01", dtype="datetime64[D]")
WEEKDAYS = WEEKDAYS[np.is_busday(WEEKDAYS)]

RATE, DIVIDEND = 0.02, 0.015


def condor_market_of(
    spx: Floats, vix: Floats, vix3m: Floats | None = None, hedges: tuple[HedgeLine, ...] = (), start: str = "2010-01-04"
) -> CondorMarket:
    """The market of some closes, on weekdays from `start` on."""
    first = int(np.searchsorted(WEEKDAYS, np.datetime64(start)))
    sessions: Days = WEEKDAYS[first : first + len(spx)]
    cash = np.full(len(spx), np.nan)
    cash[1:] = 0.01 / 360.0 * np.diff(sessions).astype(np.int64)
    expiries, monthly = listed_expiries(WEEKDAYS, sessions[0], sessions[-1])
    return CondorMarket(
        sessions=sessions,
        following=WEEKDAYS[first + 1 : first + 1 + len(spx)],
        spx=spx,
        vix=vix,
        vix3m=np.full(len(spx), np.nan) if vix3m is None else vix3m,
        rate=np.full(len(spx), RATE),
        dividend=np.full(len(spx), DIVIDEND),
        cash=cash,
        expiries=expiries,
        monthly=monthly,
        hedges=hedges,
    )


def wandering(count: int, seed: int = 7) -> CondorMarket:
    """Some sessions with calms and crashes, and a hedge that gains when the index falls."""
    random = np.random.default_rng(seed)
    vix = 18.0 * np.exp(np.cumsum(random.normal(0.0, 0.06, count)) * 0.3)
    change = random.standard_t(4, count) * vix / 100.0 / np.sqrt(252.0) * 0.7
    profit = np.where(change < 0.0, -0.3 * change, -0.1 * change) - 0.0005
    profit[:20] = np.nan
    zeros = np.zeros(count)
    mark = 0.01 + 0.05 * (vix / vix.max())
    hedge = HedgeLine("made-up", profit, zeros + 0.0001, 0.06 * mark, zeros + 0.002, zeros, mark)
    return condor_market_of(1500.0 * np.exp(np.cumsum(change)), vix, vix * 1.05, (hedge,))
