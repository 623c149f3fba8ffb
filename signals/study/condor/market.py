"""What the condor programme sees of the market: plain arrays, a row per session, the same rows as the tracks.

The forward of an expiry is ``S * exp((r - q) T)``: `r` the 91-day bill that was known at the close, continuously
compounded, and `q` what the S&P 500 paid in dividends over the last 252 sessions, the logarithm of what its total
return index gained on the index itself.

Expiries are the Fridays, or the session before one that is a holiday, all settled at the close. Such weeklies are
listed since 2005, at first a week ahead, and 45 days ahead since the 2010s: before that they are hypothetical. Monthly
options that settle in the morning of their third Friday are taken to settle at its close. Strikes are 5 points apart.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.alvh.hedge import Hedges, known_bill
from signals.alvh.hedge_inputs import indicator_inputs
from signals.alvh.indicators import synthetic_vix3m
from signals.alvh.surface import continuous_rate
from signals.calendar import Days, third_friday
from signals.study.hedged import HedgeLine, hedge_line, is_portfolio
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import MONEY_MARKET_YEAR, Floats

#: Sessions over which the dividend yield is measured: a year.
DIVIDEND_SESSIONS = 252

#: The yield where a history is shorter than that.
ASSUMED_YIELD = 0.02

#: How far ahead of the last session expiries are listed, calendar days.
_LISTED_AHEAD = 120


@dataclass(frozen=True, eq=False)
class CondorMarket:
    """The market by session.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    following : datetime64[D], shape (n,)
        The session after each one, also after the last.
    spx : float, shape (n,), index points
    vix, vix3m : float, shape (n,), VIX points
        VIX3M is NaN where there is none, and nothing stands in for it.
    rate, dividend : float, shape (n,)
        Annual, continuously compounded, known at the close.
    cash : float, shape (n,)
        What cash earned into each session; NaN in the first row.
    expiries : datetime64[D], shape (m,)
        Ascending, beyond the last session too.
    monthly : bool, shape (m,)
        Whether it is that of a third Friday.
    hedges : tuple of HedgeLine
    """

    sessions: Days
    following: Days
    spx: Floats
    vix: Floats
    vix3m: Floats
    rate: Floats
    dividend: Floats
    cash: Floats
    expiries: Days
    monthly: npt.NDArray[np.bool_]
    hedges: tuple[HedgeLine, ...] = ()


def condor_market(signals: VeqtorSignals, hedges: Hedges) -> CondorMarket:
    """The market of the usable sessions from the base on, with every hedge that can stand beside an account.

    A rule set that is a portfolio by itself, such as VXTH, cannot, nor one whose book never begins; why that is, its
    track on the S&P 500 says.
    """
    inputs, base = signals.inputs, signals.veqtor.base
    rows = slice(base, inputs.usable)
    measured = indicator_inputs(signals)
    sessions = inputs.sessions[rows]
    vix3m = np.where(np.isfinite(measured.vix3m), measured.vix3m, synthetic_vix3m(measured))
    overnight = inputs.overnight.rate[rows]
    cash = np.full(len(sessions), np.nan)
    cash[1:] = overnight[:-1] * np.diff(sessions).astype(np.int64) / MONEY_MARKET_YEAR
    expiries, monthly = listed_expiries(inputs.calendar.sessions, sessions[0], sessions[-1])
    following = np.searchsorted(inputs.calendar.sessions, sessions, side="right")
    lines = [
        hedge_line(history, base)
        for history in hedges.histories
        if not is_portfolio(history) and len(history.books.books) > 1
    ]
    return CondorMarket(
        sessions=sessions,
        following=inputs.calendar.sessions[following],
        spx=inputs.history.spx_yahoo[rows],
        vix=inputs.vix[rows],
        vix3m=vix3m[rows],
        rate=continuous_rate(known_bill(inputs.tbill.rate[: inputs.usable]))[rows],
        dividend=dividend_yield(inputs.equity.level, inputs.history.spx_yahoo)[rows],
        cash=cash,
        expiries=expiries,
        monthly=monthly,
        hedges=tuple(lines),
    )


def dividend_yield(total_return: Floats, price: Floats) -> Floats:
    """What an index paid over the last 252 sessions, annual and continuously compounded."""
    found = np.full(len(price), ASSUMED_YIELD)
    gained = np.log(total_return / price)
    paid = gained[DIVIDEND_SESSIONS:] - gained[:-DIVIDEND_SESSIONS]
    found[DIVIDEND_SESSIONS:] = np.where(np.isfinite(paid), paid, ASSUMED_YIELD)
    return found


def listed_expiries(sessions: Days, first: np.datetime64, last: np.datetime64) -> tuple[Days, npt.NDArray[np.bool_]]:
    """Fridays from `first` until some months after `last`, or the session before; and which are third Fridays."""
    ends = last + np.timedelta64(_LISTED_AHEAD, "D")
    # 1970-01-02 was a Friday.
    week = np.timedelta64(7, "D")
    start = first + (np.datetime64("1970-01-02") - first) % week
    fridays = np.arange(start, ends, week)
    known = sessions[np.searchsorted(sessions, fridays, side="right") - 1]
    days: list[dt.date] = fridays.tolist()
    return known, np.array([day == third_friday(day.year, day.month) for day in days], dtype=bool)
