"""Crashes of an unhedged strategy, and how often one must come for a hedge to pay.

A crash is a fall of 15% or more from a high to a low, and is over when the level has risen by 20% from the low: the
filter (0.20, 0.15) of A. Lunde and A. Timmermann, *Duration Dependence in Stock Prices*, Journal of Business and
Economic Statistics 22 (2004), which finds the fall of 2011 too, long before the high of 2007 was reached again. With d
the log return of the hedged less that of the unhedged on a session,

    G = mean over the crashes of the sum of d from high to low             what a crash brings
    c = - sum of d over all other sessions / their years                   what the hedge costs a year otherwise

a hedge pays where a crash comes at least once in G / c years of other sessions. What it gives back while the market
recovers is part of c. So over the sessions measured the hedged ended above the unhedged exactly where G / c is more
than the years between crashes that the sessions had. One number for all crashes: it takes the next to be as large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.vix_futures import Floats

#: The least fall that is a crash, and the least rise that ends one.
CRASH, RECOVERY = 0.15, 0.20

#: A fall of 15% is one whatever its last digits.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class HedgeInCrashes:
    """What a hedge did in crashes and between them.

    Attributes
    ----------
    crashes : int
    years_between : float
        Years of other sessions per crash; NaN without a crash.
    gain : float
        Mean log return it added in a crash; NaN without a crash.
    cost : float
        Log return it took a year otherwise; NaN where there is nothing else.
    """

    crashes: int
    years_between: float
    gain: float
    cost: float


def crashes(levels: Floats, fall: float = CRASH, rise: float = RECOVERY) -> tuple[tuple[int, int], ...]:
    """Rows of the high and of the low of each crash, in their order; one that is not over ends at its low so far.

    Parameters
    ----------
    levels : float, shape (n,)
        Above 0.
    fall, rise : float
        Positive decimals.
    """
    found: list[tuple[int, int]] = []
    high = low = 0
    falling = False
    values = levels.tolist()
    for row, level in enumerate(values):
        if falling:
            if level < values[low]:
                low = row
            elif level >= values[low] * (1.0 + rise - _ROUNDING):
                found.append((high, low))
                falling, high = False, row
        elif level > values[high]:
            high = row
        elif level <= values[high] * (1.0 - fall + _ROUNDING):
            falling, low = True, row
    return (*found, (high, low)) if falling else tuple(found)


def hedge_in_crashes(hedged: Floats, unhedged: Floats) -> HedgeInCrashes:
    """What a hedge did in the crashes of the unhedged, and otherwise.

    Parameters
    ----------
    hedged, unhedged : float, shape (n,)
        Daily returns, decimals above -1.
    """
    difference = np.log1p(hedged) - np.log1p(unhedged)
    falls = crashes(np.concatenate([[1.0], np.cumprod(1.0 + unhedged)]))
    within = np.zeros(len(difference), dtype=bool)
    for high, low in falls:
        # The return into row i + 1 of the levels is entry i.
        within[high:low] = True
    years = float(np.count_nonzero(~within)) / SESSIONS_PER_YEAR
    return HedgeInCrashes(
        crashes=len(falls),
        years_between=years / len(falls) if falls else np.nan,
        gain=float(difference[within].sum()) / len(falls) if falls else np.nan,
        cost=-float(difference[~within].sum()) / years if years else np.nan,
    )
