"""Statistics of strategies over many markets at once, as `signals.study.statistics` defines them for one.

Sums run from the first session to the last, market by market: what is found of a market does not depend on which others
are beside it.
"""

from __future__ import annotations

import numpy as np

from signals.study.statistics import DAYS_PER_YEAR
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.vix_futures import Floats

#: Of every strategy, and of one that is measured against another.
ALONE = ("growth", "volatility", "sharpe", "max_drawdown", "worst_day")
PAIRED = ("drag", "drawdown_reduction", "sharpe_gain")


def alone(returns: Floats, cash: Floats, days: int) -> dict[str, Floats]:
    """Statistics of one strategy in each market, by key.

    Parameters
    ----------
    returns, cash : float, shape (n, markets)
        After costs, and what cash earned, into each session after the one of the first level.
    days : int
        From that session to the last.
    """
    count, markets = returns.shape
    level, peak, low, worst = np.ones(markets), np.ones(markets), np.ones(markets), np.full(markets, np.inf)
    total, squares, excess_total, excess_squares = (np.zeros(markets) for _ in range(4))
    work = np.empty(markets)
    for own, paid in zip(returns, cash, strict=True):
        np.add(own, 1.0, out=work)
        # What has lost everything stays at nothing.
        np.maximum(work, 0.0, out=work)
        level *= work
        np.maximum(peak, level, out=peak)
        np.divide(level, peak, out=work)
        np.minimum(low, work, out=low)
        np.minimum(worst, own, out=worst)
        total += own
        np.multiply(own, own, out=work)
        squares += work
        np.subtract(own, paid, out=work)
        excess_total += work
        work *= work
        excess_squares += work
    deviation, excess_deviation = (
        np.sqrt(np.maximum(square - add * add / count, 0.0) / (count - 1))
        for add, square in ((total, squares), (excess_total, excess_squares))
    )
    return {
        "growth": level ** (DAYS_PER_YEAR / days) - 1.0,
        "volatility": deviation * SESSIONS_PER_YEAR**0.5,
        "sharpe": excess_total / count / excess_deviation * SESSIONS_PER_YEAR**0.5,
        "max_drawdown": low - 1.0,
        "worst_day": worst,
    }


def against(own: dict[str, Floats], other: dict[str, Floats]) -> dict[str, Floats]:
    """What a strategy did to what it is measured against, by key."""
    return {
        "drag": own["growth"] - other["growth"],
        "drawdown_reduction": 1.0 - own["max_drawdown"] / other["max_drawdown"],
        "sharpe_gain": own["sharpe"] - other["sharpe"],
    }
