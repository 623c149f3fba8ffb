"""What is said of a strategy over a period: each statistic, or why there is none.

Returns are simple, daily and after costs. A year has 252 sessions, of growth 365.25 days. Definitions are those in
general use, so that figures can be compared with those of others:

* Sharpe ratio: W. F. Sharpe, *The Sharpe Ratio*, Journal of Portfolio Management 21 (1994), of daily returns less cash,
  times the root of 252;
* Sortino ratio: F. Sortino and L. Price, *Performance Measurement in a Downside Risk Framework*, Journal of Investing 3
  (1994); the deviation below cash is that of all sessions, those above counting 0;
* tail ratio: the 95th percentile of returns over the size of the 5th, as in empyrical (Quantopian).

A figure that needs more sessions than a period has is not made up from fewer: nothing is scaled up to a year from less
than a month, and no growth or ratio is given for less than a year.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from signals.calendar import Days
from signals.study.cashflows import internal_rate, sign_changes
from signals.study.crashes import CRASH, HedgeInCrashes, hedge_in_crashes
from signals.study.periods import rows_of
from signals.study.result import Figures, Measure, Period, Statistic
from signals.study.tracks import Track, Tracks
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.vix_futures import Floats

DAYS_PER_YEAR = 365.25

#: Returns in a week and in a month.
WEEK, MONTH = 5, 21

#: Days that are a year: from its last close before to its own last close, a calendar year can have 364.
LEAST_DAYS_OF_A_YEAR = 360

#: Returns that percentiles of 5% and 95% need: five beyond each.
LEAST_FOR_TAILS = 100

#: What is only rounding: of a deviation of daily returns, and of a difference between two strategies.
ROUNDING = 1e-12

STATISTICS = tuple(
    Statistic(*each)
    for each in (
        ("total_return", "Total return", "share", "Over the whole period."),
        ("growth", "Growth a year", "share", "Compound, per 365.25 days; of a period of a year or more."),
        ("volatility", "Volatility", "share", "Standard deviation of daily returns, times the root of 252."),
        ("sharpe", "Sharpe ratio", "ratio", "Mean over standard deviation of daily returns less cash, a year."),
        ("sortino", "Sortino ratio", "ratio", "The same mean over the deviation below cash alone, a year."),
        ("max_drawdown", "Deepest fall", "share", "From a high to a later low, at closes."),
        ("drawdown_days", "Longest below a high", "days", "Until the high was reached again, or to the end."),
        ("worst_day", "Worst day", "share", "Lowest return of a session."),
        ("worst_week", "Worst week", "share", f"Lowest return over {WEEK} sessions."),
        ("worst_month", "Worst month", "share", f"Lowest return over {MONTH} sessions."),
        ("tail_ratio", "Tail ratio", "ratio", "95th percentile of daily returns over the size of the 5th."),
        ("turnover", "Turnover a year", "ratio", "Half of what was bought and sold, over the value."),
        ("cost", "Costs a year", "share", "Half-spreads and commissions, a share of the value."),
        ("drag", "Drag a year", "share", "Growth a year less that of the unhedged: below 0 the hedge cost."),
        (
            "drawdown_reduction",
            "Drawdown reduction",
            "share",
            "By which share the deepest fall was less deep than that of the unhedged; below 0 it was deeper.",
        ),
        ("sharpe_gain", "Sharpe gain", "ratio", "Sharpe ratio less that of the unhedged."),
        (
            "irr",
            "IRR of the hedge",
            "share",
            "Internal rate of return, a year, of the cash into and out of the hedge, and of what it is worth at the "
            "end; undefined unless the cash changes its sign exactly once.",
        ),
        (
            "break_even_years",
            "Break-even years between crashes",
            "years",
            f"The hedge pays if a fall of {CRASH:.0%} or more, such as those of the period, comes at least once in so "
            "many years: what it added from high to low, over what it cost a year otherwise.",
        ),
        (
            "crash_years",
            "Years between crashes",
            "years",
            "Years outside such falls for each that the period had: the hedge paid where its break-even is longer.",
        ),
    )
)


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
    """

    track: Track
    first: int
    last: int
    sessions: Days
    returns: Floats
    cash: Floats

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
        self.require(MONTH, "a month")
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
    return float((own.levels / np.maximum.accumulate(own.levels)).min()) - 1.0


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
    return rate


def _apart(own: float, other: float) -> float:
    """A difference; 0 where it is only rounding."""
    return own - other if abs(own - other) > ROUNDING else 0.0


def _drag(own: _Stretch, other: _Stretch) -> float:
    return _apart(_growth(own), _growth(other))


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
    found = hedge_in_crashes(own.returns, other.returns)
    if not found.crashes:
        raise Unmeasured(f"{other.track.label} did not fall by {CRASH:.0%}")
    return found


def _break_even_years(own: _Stretch, other: _Stretch) -> float:
    found = _in_crashes(own, other)
    if not found.gain > 0.0:
        raise Unmeasured("it did not gain in crashes")
    if not found.cost > 0.0:
        raise Unmeasured("it cost nothing outside crashes")
    return found.gain / found.cost


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
    "drawdown_reduction": _drawdown_reduction,
    "sharpe_gain": _sharpe_gain,
    "break_even_years": _break_even_years,
    "crash_years": lambda own, other: _in_crashes(own, other).years_between,
}


def measures(tracks: Tracks, name: str, first: int, last: int) -> dict[str, Measure]:
    """Every statistic of a strategy over a period, by key.

    Parameters
    ----------
    tracks : Tracks
    name : str
    first, last : int
        Rows: the first return is that of the row after `first`.

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

    return {statistic.key: measured(statistic) for statistic in STATISTICS}


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
    return _Stretch(track, first, last, sessions[first : last + 1], returns, tracks.cash[first + 1 : last + 1])


def all_figures(tracks: Tracks, periods: tuple[Period, ...]) -> tuple[Figures, ...]:
    """Every statistic of every strategy over every period, strategy by strategy."""
    return tuple(
        Figures(track.name, period.key, measures(tracks, track.name, *rows_of(tracks.sessions, period)))
        for track in tracks
        for period in periods
    )
