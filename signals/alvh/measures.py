"""The arithmetic of the indicators: pure functions of arrays, one entry per session, ascending.

Missing values are NaN, and a result that needs one is NaN. Windows are added afresh and averages are folded from the
first entry, so that a result at a row never depends on what comes after it, to the last bit. The two recursive averages
skip single missing values; after a gap of more than `MAX_GAP` they start again.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from signals.total_return import window_sum
from signals.vix_futures import Floats, Integers

Flags = npt.NDArray[np.bool_]
States = npt.NDArray[np.int8]

#: Sessions in a row without a value that are bridged.
MAX_GAP = 5

#: Values after which a recursive average no longer depends on where it started: RSI and MACD to 1e-9.
CERTAIN_AFTER = 400

#: Share of a window that must be there for a rank or a standard score.
COVERAGE = 0.8

SESSIONS_PER_YEAR = 252

ON, OFF, UNAVAILABLE = 1, 0, -1


def wilder_rsi(close: Floats, length: int) -> Floats:
    """Wilder's relative strength index.

    Average gain and loss start as the plain mean of the first `length` changes, and go on as
    ``(previous * (length - 1) + change) / length``. A change across missing closes is counted from the last one.

    Parameters
    ----------
    close : float, shape (n,)

    Returns
    -------
    float, shape (n,), 0 to 100
        50 where nothing moved; NaN for the first `length` closes and where the close is missing.

    References
    ----------
    J. Welles Wilder, *New Concepts in Technical Trading Systems* (1978), section VI.
    """
    found = np.full(len(close), np.nan)
    last, gap, count, gain, loss = math.nan, 0, 0, 0.0, 0.0
    for row, price in enumerate(close.tolist()):
        if math.isnan(price):
            gap += 1
            continue
        if math.isnan(last) or gap > MAX_GAP:
            last, gap, count, gain, loss = price, 0, 0, 0.0, 0.0
            continue
        up, down = max(price - last, 0.0), max(last - price, 0.0)
        last, gap, count = price, 0, count + 1
        if count <= length:
            gain, loss = gain + up / length, loss + down / length
        else:
            gain, loss = (gain * (length - 1) + up) / length, (loss * (length - 1) + down) / length
        if count >= length:
            found[row] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
    return found


def macd(change: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats]:
    """MACD of the running total of `change`, and its signal line.

    Exponential averages with weight ``2 / (length + 1)``, started at the first value. The level at which the total
    starts cancels out.

    Parameters
    ----------
    change : float, shape (n,)
        Daily steps of the line, such as advances less declines.

    Returns
    -------
    line, signal : float, shape (n,)
        NaN for the first ``slow + signal - 2`` steps, and where the step is missing.
    """
    line, smooth = np.full(len(change), np.nan), np.full(len(change), np.nan)
    weights = [2.0 / (length + 1.0) for length in (fast, slow, signal)]
    gap, count, level, short, long, trigger = 0, 0, 0.0, 0.0, 0.0, 0.0
    for row, step in enumerate(change.tolist()):
        if math.isnan(step):
            gap += 1
            continue
        if count == 0 or gap > MAX_GAP:
            count, level, short, long, trigger = 0, 0.0, 0.0, 0.0, 0.0
        else:
            level += step
            short += weights[0] * (level - short)
            long += weights[1] * (level - long)
            trigger += weights[2] * (short - long - trigger)
        gap, count = 0, count + 1
        if count >= slow + signal - 1:
            line[row], smooth[row] = short - long, trigger
    return line, smooth


def hysteresis(value: Floats, on: float, off: float, *, rising: bool) -> States:
    """On beyond one threshold, off beyond another, and as before in between.

    Before it was beyond either, and after a gap of more than `MAX_GAP`, a value in between is off.

    Parameters
    ----------
    value : float, shape (n,)
    on, off : float
        Rising: on at `on` and above, off below `off`. Falling: on at `on` and below, off above `off`.

    Returns
    -------
    int8, shape (n,)
        ON, OFF or UNAVAILABLE where the value is missing.
    """
    sign = 1.0 if rising else -1.0
    switched_on, switched_off = sign * value >= sign * on, sign * value < sign * off
    known = np.isfinite(value)
    decided = np.maximum.accumulate(np.where(switched_on | switched_off, np.arange(len(value)), -1))
    state = np.where(decided >= run_start(known), switched_on[decided], False).astype(np.int8)
    state[~known] = UNAVAILABLE
    return state


def run_start(known: Flags) -> Integers:
    """The first row of the run that each row is in; a gap of more than `MAX_GAP` ends a run. 0 before the first."""
    rows = np.arange(len(known))
    seen = np.maximum.accumulate(np.where(known, rows, -1))
    before = np.concatenate([[-1], seen[:-1]])
    fresh = known & ((before < 0) | (rows - before - 1 > MAX_GAP))
    return np.maximum.accumulate(np.where(fresh, rows, 0))


def percentile_rank(value: Floats, window: int) -> Floats:
    """Where a value stands among those of the last `window` sessions, its own included: 0 to 100.

    The share of lower values, and half of the equal ones.

    Returns
    -------
    float, shape (n,)
        NaN for the first ``window - 1`` sessions, and where the value, or more than a fifth of the window, is missing.
    """
    found = np.full(len(value), np.nan)
    count = len(value) - window + 1
    if count <= 0:
        return found
    current = value[window - 1 :]
    # Lower ones count twice here, equal ones once.
    twice = np.zeros(count, dtype=np.int16)
    for offset in range(window):
        past = value[offset : offset + count]
        twice += past < current
        twice += past <= current
    there = windowed_count(np.isfinite(value), window)[window - 1 :]
    usable = np.isfinite(current) & (there >= COVERAGE * window)
    found[window - 1 :][usable] = 50.0 * twice[usable] / there[usable]
    return found


def windowed_count(flags: Flags, window: int) -> Integers:
    """How many of the last `window` flags are set; fewer before there are as many."""
    total = np.cumsum(flags, dtype=np.int64)
    total[window:] -= total[:-window].copy()
    return total


def moments(x: Floats, y: Floats, window: int) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Means of x and y, and their centred sums xx, xy and yy, over the last `window` entries; NaN before."""
    mean_x, mean_y = window_sum(x, window) / window, window_sum(y, window) / window
    sums = np.full((3, len(x)), np.nan)
    count = len(x) - window + 1
    if count > 0:
        fresh = np.zeros((3, count))
        centre_x, centre_y = mean_x[window - 1 :], mean_y[window - 1 :]
        for offset in range(window):
            dx, dy = x[offset : offset + count] - centre_x, y[offset : offset + count] - centre_y
            fresh[0] += dx * dx
            fresh[1] += dx * dy
            fresh[2] += dy * dy
        sums[:, window - 1 :] = fresh
    return mean_x, mean_y, sums[0], sums[1], sums[2]


def correlation(x: Floats, y: Floats, window: int) -> Floats:
    """Correlation over the last `window` entries; NaN where one of them is missing or nothing varies."""
    _, _, xx, xy, yy = moments(x, y, window)
    found = np.full(len(x), np.nan)
    varies = xx * yy > 0.0
    found[varies] = np.clip(xy[varies] / np.sqrt(xx[varies] * yy[varies]), -1.0, 1.0)
    return found


def regression(x: Floats, y: Floats, window: int) -> tuple[Floats, Floats, Floats]:
    """Intercept, slope and R squared of y on x over the last `window` entries, least squares; NaN as `correlation`."""
    mean_x, mean_y, xx, xy, yy = moments(x, y, window)
    varies = xx * yy > 0.0
    alpha, beta, explained = (np.full(len(x), np.nan) for _ in range(3))
    beta[varies] = xy[varies] / xx[varies]
    alpha[varies] = mean_y[varies] - beta[varies] * mean_x[varies]
    explained[varies] = np.minimum(beta[varies] * xy[varies] / yy[varies], 1.0)
    return alpha, beta, explained


def standard_score(value: Floats, window: int) -> Floats:
    """How many standard deviations the last of `window` entries is from their mean.

    The deviation is that of a sample. Missing entries are left out, a fifth of the window at most.
    """
    known = np.isfinite(value)
    there = windowed_count(known, window)
    filled = np.where(known, value, 0.0)
    found = np.full(len(value), np.nan)
    count = len(value) - window + 1
    if count <= 0:
        return found
    mean = window_sum(filled, window)[window - 1 :] / np.maximum(there[window - 1 :], 1)
    squares = np.zeros(count)
    for offset in range(window):
        inside = slice(offset, offset + count)
        squares += np.where(known[inside], (filled[inside] - mean) ** 2, 0.0)
    usable = known[window - 1 :] & (there[window - 1 :] >= COVERAGE * window) & (squares > 0.0)
    deviation = np.sqrt(squares[usable] / (there[window - 1 :][usable] - 1))
    found[window - 1 :][usable] = (value[window - 1 :][usable] - mean[usable]) / deviation
    return found


def log_changes(level: Floats, steps: int = 1) -> Floats:
    """Change of the logarithm over `steps` entries; NaN for the first ones."""
    found = np.full(len(level), np.nan)
    found[steps:] = np.log(level[steps:] / level[:-steps])
    return found
