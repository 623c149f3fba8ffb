"""What VEQTOR measures: the realised-volatility regime and the implied-volatility trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.total_return import window_sum
from signals.veqtor.rules import DOWNTREND, NO_TREND, UPTREND, VeqtorRules
from signals.vix_futures import Floats, Integers

SESSIONS_PER_YEAR = 252
VIX_TICKS_PER_POINT = 100

#: Trends as numbers, and the names they stand for: column of the weight table, shifted to be zero in the middle.
TREND_NAMES = {-1: DOWNTREND, 0: NO_TREND, 1: UPTREND}

Trends = npt.NDArray[np.int8]


def realised_volatility(spx: Floats, rules: VeqtorRules) -> Floats:
    """Annualised volatility of the last 22 daily log returns, the day's own included, not mean-removed.

    Parameters
    ----------
    spx : float, shape (n,), index points

    Returns
    -------
    float, shape (n,), decimal; NaN until there are enough returns and where one of them is missing.
    """
    squared = np.full(len(spx), np.nan)
    squared[1:] = np.log(spx[1:] / spx[:-1]) ** 2
    window = rules.realised_window
    volatility: Floats = np.sqrt(SESSIONS_PER_YEAR / window * window_sum(squared, window))
    return volatility


@dataclass(frozen=True)
class VolatilityTrend:
    """The implied-volatility trend at each close.

    Attributes
    ----------
    short_average, long_average : float, shape (n,), VIX points; NaN until there are enough closes.
    up : bool, shape (n,)
        Whether the short average is at or above the long one. False before there are enough closes.
    run : int, shape (n,)
        Sessions in a row, the day's own included, on that side; 0 before there are enough closes.
    trend : int8, shape (n,)
        1 up, 0 none, -1 down.
    """

    short_average: Floats
    long_average: Floats
    up: npt.NDArray[np.bool_]
    run: Integers
    trend: Trends


def volatility_trend(vix: Floats, rules: VeqtorRules) -> VolatilityTrend:
    """Compare the 5- and 20-session averages of VIX closes and count sessions on one side.

    The comparison is made in whole hundredths of a point, the tick of a published close, so that equal averages compare
    equal whatever the rounding of a sum.

    Parameters
    ----------
    vix : float, shape (n,), VIX points, finite
    """
    ticks = _ticks(vix)
    up = _difference(ticks, rules) >= 0
    run, trend = _runs(up, rules)
    return VolatilityTrend(
        short_average=_average(ticks, rules.short_average),
        long_average=_average(ticks, rules.long_average),
        up=up,
        run=run,
        trend=trend,
    )


def trend_is_certain(vix: Floats, error: Floats, rules: VeqtorRules) -> npt.NDArray[np.bool_]:
    """Whether the trend at each close stays the same wherever in ``vix +- error`` each close really was.

    Parameters
    ----------
    error : float, shape (n,), VIX points; 0 for a close that is known.
    """
    ticks, doubt = _ticks(vix), _ticks(error)
    difference = _difference(ticks, rules)
    # A close in the short window enters the difference with weight long - short, one only in the long with short.
    short, long = rules.short_average, rules.long_average
    slack = (long - 2 * short) * _sums(doubt, short) + short * _sums(doubt, long)
    _, lowest = _runs(difference - slack >= 0, rules)
    _, highest = _runs(difference + slack >= 0, rules)
    certain: npt.NDArray[np.bool_] = lowest == highest
    return certain


def next_tie(vix: Floats, rules: VeqtorRules) -> float:
    """The lowest close, in VIX points, that puts the short average at or above the long one at the next session."""
    short, long = rules.short_average, rules.long_average
    ticks = _ticks(vix[-long + 1 :])
    recent, older = int(ticks[-short + 1 :].sum()), int(ticks.sum())
    # Where (recent + x) / short reaches (older + x) / long, rounded up to a tick.
    return -((long * recent - short * older) // (long - short)) / VIX_TICKS_PER_POINT


def _ticks(points: Floats) -> Integers:
    return np.rint(points * VIX_TICKS_PER_POINT).astype(np.int64)


def _difference(ticks: Integers, rules: VeqtorRules) -> Integers:
    """Short average minus long average, scaled to whole numbers; meaningless before the first long window."""
    short, long = rules.short_average, rules.long_average
    return long * _sums(ticks, short) - short * _sums(ticks, long)


def _sums(ticks: Integers, length: int) -> Integers:
    """Sum of the last `length` values; whole numbers, so a running sum is exact."""
    running = np.concatenate([[0], np.cumsum(ticks)])
    sums = np.zeros(len(ticks), dtype=np.int64)
    sums[length - 1 :] = running[length:] - running[:-length]
    return sums


def _average(ticks: Integers, length: int) -> Floats:
    average = _sums(ticks, length) / (length * VIX_TICKS_PER_POINT)
    average[: length - 1] = np.nan
    return average


def _runs(up: npt.NDArray[np.bool_], rules: VeqtorRules) -> tuple[Integers, Trends]:
    """Length of the run each session is in, and the trend it makes, counting from the first full long window."""
    first = rules.long_average - 1
    rows = np.arange(len(up))
    starts = np.ones(len(up), dtype=bool)
    starts[first + 1 :] = up[first + 1 :] != up[first:-1]
    run = rows - np.maximum.accumulate(np.where(starts, rows, 0)) + 1
    run[:first] = 0
    direction = np.where(up, 1, -1)
    trend = np.where(run >= rules.trend_sessions, direction, 0).astype(np.int8)
    return run, trend
