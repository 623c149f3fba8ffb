"""Plain Python lists and no library at all: the floor of what needs nothing installed."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise

from benchmarks.peers.market import BASE_LEVEL, SESSIONS_PER_YEAR, WARM_UP, Market
from signals.veqtor.rules import VEQTOR

Lists = dict[str, list[float]]


def inputs_of(market: Market) -> Lists:
    """A list for each column."""
    return {name: values.tolist() for name, values in market.table.items() if name != "sessions"}


def levels_of(lists: Lists) -> list[float]:
    """Levels from the base session on."""
    weights = table_weights(lists["spx"], lists["vix"])
    equity, volatility, cash = lists["equity"], lists["volatility"], lists["cash"]
    lag, window = VEQTOR.decision_lag + 1, VEQTOR.stop_sessions
    stop = [False] * (WARM_UP + 1)
    total, excess = [BASE_LEVEL], [1.0]
    for row in range(WARM_UP + 1, len(cash)):
        accrued = cash[row] / cash[row - 1]
        growth = accrued
        if not stop[row - lag]:
            weight = weights[row - lag]
            growth = (1.0 - weight) * equity[row] / equity[row - 1] + weight * volatility[row] / volatility[row - 1]
        total.append(total[-1] * growth)
        excess.append(excess[-1] * (1.0 + growth - accrued))
        stop.append(len(excess) > window and excess[-1] / excess[-1 - window] - 1.0 <= VEQTOR.stop_loss)
    return total


def table_weights(spx: list[float], vix: list[float]) -> list[float]:
    """Weight of the volatility component that the table says at each close; 0 before the indicators are complete."""
    short, long, realised = VEQTOR.short_average, VEQTOR.long_average, VEQTOR.realised_window
    squared = [0.0] + [math.log(later / earlier) ** 2 for earlier, later in pairwise(spx)]
    weights = [0.0] * len(spx)
    run, was_up = 0, False
    for row in range(long - 1, len(spx)):
        up = long * sum(vix[row - short + 1 : row + 1]) >= short * sum(vix[row - long + 1 : row + 1])
        run = run + 1 if up == was_up else 1
        was_up = up
        column = 1 if run < VEQTOR.trend_sessions else 2 * up
        volatility = math.sqrt(sum(squared[max(row - realised + 1, 0) : row + 1]) / realised * SESSIONS_PER_YEAR)
        weights[row] = VEQTOR.volatility_weights[bisect_right(VEQTOR.regime_edges, volatility)][column]
    return weights
