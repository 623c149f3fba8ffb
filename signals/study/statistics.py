"""What is said of a strategy over a period: each statistic, or why there is none.

Returns are simple, daily and after costs. A year has 252 sessions, of growth 365.25 days. Definitions are those in
general use, so that figures can be compared with those of others:

* Sharpe ratio: W. F. Sharpe, *The Sharpe Ratio*, Journal of Portfolio Management 21 (1994), of daily returns less cash,
  times the root of 252;
* Sortino ratio: F. Sortino and L. Price, *Performance Measurement in a Downside Risk Framework*, Journal of Investing 3
  (1994); the deviation below cash is that of all sessions, those above counting 0;
* tail ratio: the 95th percentile of returns over the size of the 5th, as in empyrical (Quantopian).

A figure that needs more sessions than a period has is not made up from fewer: nothing is scaled up to a year from less
than that, but for volatility, which takes a month.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from signals.calendar import Days
from signals.study.cash import cash_for, deepest_fall, with_cash
from signals.study.cashflows import internal_rate, sign_changes
from signals.study.catalogue import MONTH, STATISTICS, WEEK
from signals.study.crashes import CRASH, HedgeInCrashes, hedge_in_crashes
from signals.study.periods import rows_of
from signals.study.result import Figures, Measure, Period, Statistic
from signals.study.tracks import Track, Tracks
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.vix_futures import Floats

__all__ = ["DAYS_PER_YEAR", "STATISTICS", "all_figures", "measures"]

DAYS_PER_YEAR = 365.25

#: Days that are a year: from its last close before to its own last close, a calendar year can have 364.
LEAST_DAYS_OF_A_YEAR = 360

#: Returns that percentiles of 5% and 95% need: five beyond each.
LEAST_FOR_TAILS = 100

#: The lowest rate of return that says more than that nearly everything was lost.
LOWEST_RATE = -0.99

#: The strategy whose falls are counted as crashes.
MARKET = "sp500"

#: What is only rounding: of a deviation of daily returns, and of a difference between two strategies.
ROUNDING = 1e-12


class Unmeasured(Exception):
    """A statistic that cannot be told; the message says why."""


@dataclass(frozen=True, eq=False)
class _Stretch:
    """A strategy over a period of n returns.

    Attributes
    ----------
    track : Track
    sessions : datetime64[D], shape (n + 1,)
        The first is the one whose close the first return is counted from.
    returns, cash : float, shape (n,)
    market : float, shape (n,), optional
        Returns of the S&P 500; None where there are not all of them.
    """

    track: Track
    first: int
    last: int
    sessions: Days
    returns: Floats
    cash: Floats
    market: Floats | None

    @property
    def count(self) -> int:
        return len(self.returns)

    @property
    def days(self) -> int:
        return int((self.sessions[-1] - self.sessions[0]).astype(int))

    @cached_property
    def levels(self) -> Floats:
        """From 1.0 on, shape (n + 1,); what has lost everything stays at 0."""
        return np.concatenate([[1.0], np.cumprod(np.maximum(1.0 + self.returns, 0.0))])

    @property
    def lost_everything(self) -> bool:
        return bool(self.levels[-1] <= 0.0)

    def require(self, returns: int, what: str) -> None:
        if self.count < returns:
            raise Unmeasured(f"needs {returns} sessions, {what}: the period has {self.count}")

    def require_year(self) -> None:
        if self.days < LEAST_DAYS_OF_A_YEAR:
            raise Unmeasured(f"needs a year: the period has {self.count} session{'' if self.count == 1 else 's'}")

    def a_year(self, amounts: Floats) -> float:
        """Sum of what happened at the closes of the period, a year."""
        self.require_year()
        return float(amounts[self.first + 1 : self.last + 1].sum()) * SESSIONS_PER_YEAR / self.count


def _total_return(own: _Stretch) -> float:
    return float(own.levels[-1]) - 1.0


def _growth(own: _Stretch) -> float:
    own.require_year()
    grown: float = float(own.levels[-1]) ** (DAYS_PER_YEAR / own.days)
    return grown - 1.0


def _volatility(own: _Stretch) -> float:
    own.require(MONTH, "a month")
    return _deviation(own.returns) * math.sqrt(SESSIONS_PER_YEAR)


def _deviation(values: Floats) -> float:
    return float(np.std(values, ddof=1))


def _excess(own: _Stretch) -> Floats:
    """Returns less cash, of which a ratio can be made."""
    own.require_year()
    if not np.isfinite(own.cash).all():
        raise Unmeasured("what cash earned is missing")
    excess = own.returns - own.cash
    if min(_deviation(own.returns), _deviation(excess)) <= ROUNDING:
        raise Unmeasured("no volatility")
    return excess


def _sharpe(own: _Stretch) -> float:
    excess = _excess(own)
    return float(excess.mean()) / _deviation(excess) * math.sqrt(SESSIONS_PER_YEAR)


def _sortino(own: _Stretch) -> float:
    excess = _excess(own)
    below = math.sqrt(float((np.minimum(excess, 0.0) ** 2).mean()))
    if below <= ROUNDING:
        raise Unmeasured("no volatility below cash")
    return float(excess.mean()) / below * math.sqrt(SESSIONS_PER_YEAR)


def _max_drawdown(own: _Stretch) -> float:
    return deepest_fall(own.returns)


def _drawdown_days(own: _Stretch) -> float:
    highs = np.flatnonzero(own.levels == np.maximum.accumulate(own.levels))
    # Between two highs that follow each other nothing fell.
    ends = np.concatenate([highs[1:], [own.count]])
    fell = (np.diff(highs, append=own.count + 1) > 1) & (ends > highs)
    lengths = (own.sessions[ends] - own.sessions[highs]).astype(np.int64)
    return float(np.where(fell, lengths, 0).max())


def _worst(own: _Stretch, length: int, what: str) -> float:
    own.require(length, what)
    before = own.levels[:-length]
    return float((own.levels[length:][before > 0.0] / before[before > 0.0]).min()) - 1.0


def _tail_ratio(own: _Stretch) -> float:
    own.require(LEAST_FOR_TAILS, "five beyond each percentile")
    low, high = (float(np.percentile(own.returns, share)) for share in (5.0, 95.0))
    if abs(low) <= ROUNDING:
        raise Unmeasured("no volatility")
    return abs(high / low)


def _irr(own: _Stretch) -> float:
    flow, mark = own.track.hedge_flow, own.track.hedge_mark
    if flow is None or mark is None:
        raise Unmeasured("there is no cash of a hedge to tell apart")
    flows = np.concatenate([[-mark[own.first]], flow[own.first + 1 : own.last + 1]])
    flows[-1] += mark[own.last]
    changes = sign_changes(flows)
    if changes != 1:
        raise Unmeasured(f"undefined: the cash flows change sign {changes} times")
    own.require_year()
    rate = internal_rate(flows, (own.sessions - own.sessions[0]).astype(np.float64) / DAYS_PER_YEAR)
    if math.isnan(rate):
        raise Unmeasured("undefined: no rate makes the cash flows worth nothing")
    if rate < LOWEST_RATE:
        raise Unmeasured(f"below {LOWEST_RATE:.0%} a year: nearly all that was paid was lost")
    return rate


def _apart(own: float, other: float) -> float:
    """A difference; 0 where it is only rounding."""
    return own - other if abs(own - other) > ROUNDING else 0.0


def _drag(own: _Stretch, other: _Stretch) -> float:
    return _apart(_growth(own), _growth(other))


def _gain(own: _Stretch, other: _Stretch) -> float:
    return _apart(_total_return(own), _total_return(other))


def _cash_share(own: _Stretch, other: _Stretch) -> float:
    own.require_year()
    if not np.isfinite(own.cash).all():
        raise Unmeasured("what cash earned is missing")
    fall, unhedged = _max_drawdown(own), _max_drawdown(other)
    if abs(fall - unhedged) <= ROUNDING:
        return 0.0
    if fall < unhedged:
        raise Unmeasured(f"its deepest fall is deeper than that of {other.track.label}")
    if fall > deepest_fall(own.cash):
        raise Unmeasured("it fell less than cash")
    return cash_for(fall, other.returns, own.cash)


def _cash_growth(own: _Stretch, other: _Stretch) -> float:
    mixed = with_cash(other.returns, own.cash, _cash_share(own, other))
    return _growth(replace(other, returns=mixed))


def _drawdown_reduction(own: _Stretch, other: _Stretch) -> float:
    fell = _max_drawdown(other)
    if not fell < 0.0:
        raise Unmeasured(f"{other.track.label} did not fall")
    return _apart(1.0, _max_drawdown(own) / fell)


def _sharpe_gain(own: _Stretch, other: _Stretch) -> float:
    return _apart(_sharpe(own), _sharpe(other))


def _in_crashes(own: _Stretch, other: _Stretch) -> HedgeInCrashes:
    own.require_year()
    if own.lost_everything or other.lost_everything:
        raise Unmeasured("everything was lost")
    if own.market is None:
        raise Unmeasured("needs the S&P 500, whose falls are counted")
    return hedge_in_crashes(own.returns, other.returns, own.market)


def _with_crashes(own: _Stretch, other: _Stretch) -> HedgeInCrashes:
    found = _in_crashes(own, other)
    if not found.crashes:
        raise Unmeasured(f"the S&P 500 did not fall by {CRASH:.0%}")
    return found


def _with_gain(own: _Stretch, other: _Stretch) -> HedgeInCrashes:
    found = _with_crashes(own, other)
    if not found.gain > 0.0:
        raise Unmeasured("it did not gain in crashes")
    return found


def _carry(own: _Stretch, other: _Stretch) -> float:
    found = _in_crashes(own, other)
    if found.calm_years < LEAST_DAYS_OF_A_YEAR / DAYS_PER_YEAR:
        raise Unmeasured("needs a year outside crashes")
    return found.cost


def _break_even_years(own: _Stretch, other: _Stretch) -> float:
    found = _with_gain(own, other)
    if not found.cost > 0.0:
        raise Unmeasured("it cost nothing outside crashes")
    return found.break_even


_OWN: dict[str, Callable[[_Stretch], float]] = {
    "total_return": _total_return,
    "growth": _growth,
    "volatility": _volatility,
    "sharpe": _sharpe,
    "sortino": _sortino,
    "max_drawdown": _max_drawdown,
    "drawdown_days": _drawdown_days,
    "worst_day": lambda own: _worst(own, 1, "a session"),
    "worst_week": lambda own: _worst(own, WEEK, "a week"),
    "worst_month": lambda own: _worst(own, MONTH, "a month"),
    "tail_ratio": _tail_ratio,
    "turnover": lambda own: own.a_year(own.track.turnover),
    "cost": lambda own: own.a_year(own.track.cost),
    "irr": _irr,
}

_AGAINST: dict[str, Callable[[_Stretch, _Stretch], float]] = {
    "drag": _drag,
    "gain": _gain,
    "carry": _carry,
    "drawdown_reduction": _drawdown_reduction,
    "sharpe_gain": _sharpe_gain,
    "cash_share": _cash_share,
    "cash_growth": _cash_growth,
    "crash_gain": lambda own, other: _with_crashes(own, other).gain,
    "largest_crash": lambda own, other: _with_gain(own, other).largest,
    "break_even_years": _break_even_years,
    "crash_years": lambda own, other: _with_crashes(own, other).years_between,
}


def measures(tracks: Tracks, name: str, first: int, last: int, keys: Sequence[str] | None = None) -> dict[str, Measure]:
    """Statistics of a strategy over a period, by key.

    Parameters
    ----------
    tracks : Tracks
    name : str
    first, last : int
        Rows: the first return is that of the row after `first`.
    keys : sequence of str, optional
        By default all.

    Returns
    -------
    dict of str to Measure
        In the order of `STATISTICS`. A strategy that begins after `first`, or has a hole, has none of them.
    """

    def measured(statistic: Statistic) -> Measure:
        try:
            own = _stretch(tracks, name, first, last)
            if statistic.key in _OWN:
                value = _OWN[statistic.key](own)
            else:
                value = _AGAINST[statistic.key](own, _stretch(tracks, _compared_with(own), first, last))
        except Unmeasured as why:
            return Measure(None, str(why))
        return Measure(value) if math.isfinite(value) else Measure(None, "no number")

    return {each.key: measured(each) for each in STATISTICS if keys is None or each.key in keys}


def _compared_with(own: _Stretch) -> str:
    if own.track.against is None:
        raise Unmeasured("it is unhedged")
    return own.track.against


def _stretch(tracks: Tracks, name: str, first: int, last: int) -> _Stretch:
    if name not in tracks:
        raise Unmeasured(f"{name} could not be computed")
    track, sessions = tracks[name], tracks.sessions
    if last <= first:
        raise Unmeasured("needs a return: the period has one session")
    if track.first > first:
        began = f"begins on {sessions[track.first]}" if track.first < len(sessions) else "has no return"
        raise Unmeasured(f"{track.label} {began}")
    returns = track.returns[first + 1 : last + 1]
    if not np.isfinite(returns).all():
        hole = sessions[first + 1 + int(np.argmin(np.isfinite(returns)))]
        raise Unmeasured(f"{track.label} has no return on {hole}")
    rows = slice(first + 1, last + 1)
    market = tracks[MARKET].returns[rows] if MARKET in tracks else None
    if market is not None and not np.isfinite(market).all():
        market = None
    return _Stretch(track, first, last, sessions[first : last + 1], returns, tracks.cash[rows], market)


def all_figures(tracks: Tracks, periods: tuple[Period, ...]) -> tuple[Figures, ...]:
    """Every statistic of every strategy over every period, strategy by strategy."""
    return tuple(
        Figures(track.name, period.key, measures(tracks, track.name, *rows_of(tracks.sessions, period)))
        for track in tracks
        for period in periods
    )
