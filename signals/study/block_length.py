"""How long the blocks of a bootstrap have to be for it to keep what a series depends on.

Sources: D. N. Politis and H. White, "Automatic block-length selection for the dependent bootstrap", Econometric Reviews
23 (2004) 53-70; A. Patton, D. N. Politis and H. White, its correction, Econometric Reviews 28 (2009) 372-375. Where
these leave a choice, that of Patton's published program is taken, as most implementations do.
"""

from __future__ import annotations

import math

import numpy as np

from signals.vix_futures import Floats

#: Autocorrelations within this many times sqrt(log10(n) / n) of 0 count as none (Politis and White, section 3.2).
BAND = 2.0

#: So many of them in a row, at least, end the search for the last lag that matters.
QUIET_LAGS = 5

#: Values below which nothing is estimated.
FEWEST = 16

#: A range of values, as a share of them, that is only rounding.
ROUNDING = 1e-12


def optimal_block_length(values: Floats) -> float:
    """Mean block length with which the stationary bootstrap of the mean has the least error.

    With R(k) the autocovariance at lag k, m the first of `QUIET_LAGS` lags in a row without autocorrelation, M = 2 m
    and the flat-top window w(x) = min(1, 2 (1 - x)):

        g = sum w(k / M) k R(k),  s = sum w(k / M) R(k)  over |k| <= M,   length = (2 g^2 / (2 s^2) * n)^(1/3)

    Parameters
    ----------
    values : float, shape (n,)
        In their order, without gaps.

    Returns
    -------
    float
        In steps of the series; at least 1, and at most min(3 sqrt(n), n / 3), rounded up. 1 for a series that never
        changes, and for one of less than `FEWEST` values.
    """
    count = len(values)
    deviation = values - values.mean()
    variance = float(np.sum(deviation * deviation)) / count if count else 0.0
    if count < FEWEST or float(np.ptp(values)) <= ROUNDING * float(np.max(np.abs(values))):
        return 1.0
    quiet = max(QUIET_LAGS, int(math.log10(count)))
    furthest = math.ceil(math.sqrt(count)) + quiet
    lags = range(min(furthest, count - 1) + 1)
    covariance = np.array([float(np.sum(deviation[lag:] * deviation[: count - lag])) / count for lag in lags])
    inside = np.abs(covariance / variance) < BAND * math.sqrt(math.log10(count) / count)
    runs = (lag for lag in range(1, len(inside) - quiet + 1) if inside[lag : lag + quiet].all())
    window = min(2 * next(runs, furthest), len(covariance) - 1)
    lag = np.arange(1, window + 1)
    weighted = np.minimum(1.0, 2.0 * (1.0 - lag / window)) * covariance[1 : window + 1]
    slope, spectrum = 2.0 * float(np.sum(lag * weighted)), variance + 2.0 * float(np.sum(weighted))
    longest = math.ceil(min(3.0 * math.sqrt(count), count / 3.0))
    if spectrum == 0.0:
        return float(longest)
    length: float = max((slope / spectrum) ** 2 * count, 1.0) ** (1.0 / 3.0)
    return min(length, float(longest))
