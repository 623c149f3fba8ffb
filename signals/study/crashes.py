"""Crashes of the market, and how often one must come for a hedge to pay.

A crash is a fall of the S&P 500 by 15% or more from a high to a low, and is over when the level has risen by 20% from
the low: the filter (0.20, 0.15) of A. Lunde and A. Timmermann, *Duration Dependence in Stock Prices*, Journal of
Business and Economic Statistics 22 (2004), which finds the fall of 2011 too, long before the high of 2007 was reached
again, and takes that of 2007 to 2009 for two. With d the log return of the hedged less that of the same without the
hedge on a session, K crashes in T years and W of these years from high to low,

    G = sum of d from high to low / K             what a crash brings
    c = - sum of d over all other sessions / (T - W)     what the hedge costs a year otherwise
    N = G / c + W / K                             years from one crash to the next at which both are the same

Both N and T / K, how often one came, count every year of the calendar, those within a crash too. The hedged ended above
the unhedged exactly where N > T / K: both say K G > c (T - W). What it gives back while the market recovers is part of
c. One number for all crashes: it takes the next to bring as much as those there were, of which one may have brought the
most.
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
        Years per crash, all counted; NaN without a crash.
    gain : float
        Mean log return it added in a crash; NaN without a crash.
    largest : float
        The share of all it added in crashes that it added in one, the most; NaN where it added nothing.
    cost : float
        Log return it took a year otherwise; NaN where there is nothing else.
    calm_years : float
        Years outside crashes.
    break_even : float
        Years from one crash to the next at which what it adds is what it takes; NaN unless it adds and takes something.
    """

    crashes: int
    years_between: float
    gain: float
    largest: float
    cost: float
    calm_years: float
    break_even: float


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


def hedge_in_crashes(hedged: Floats, unhedged: Floats, market: Floats | None = None) -> HedgeInCrashes:
    """What a hedge did in the crashes of the market, and otherwise.

    Parameters
    ----------
    hedged, unhedged : float, shape (n,)
        Daily returns, decimals above -1.
    market : float, shape (n,), optional
        Those of what crashes; by default of the unhedged.
    """
    difference = np.log1p(hedged) - np.log1p(unhedged)
    falls = crashes(np.concatenate([[1.0], np.cumprod(1.0 + (unhedged if market is None else market))]))
    within = np.zeros(len(difference), dtype=bool)
    for high, low in falls:
        # The return into row i + 1 of the levels is entry i.
        within[high:low] = True
    gains = [float(difference[high:low].sum()) for high, low in falls]
    count, total = len(falls), sum(gains)
    inside, years = (float(np.count_nonzero(each)) / SESSIONS_PER_YEAR for each in (within, ~within))
    cost = -float(difference[~within].sum()) / years if years else np.nan
    return HedgeInCrashes(
        crashes=count,
        years_between=(inside + years) / count if count else np.nan,
        gain=total / count if count else np.nan,
        largest=max(gains) / total if total > 0.0 else np.nan,
        cost=cost,
        calm_years=years,
        break_even=(total / cost + inside) / count if total > 0.0 and cost > 0.0 else np.nan,
    )
