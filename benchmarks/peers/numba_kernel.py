"""The same loop as `list_fold`, compiled by numba: the floor of what one processor can do."""

from __future__ import annotations

import math

import numba
import numpy as np

from benchmarks.peers.market import BASE_LEVEL, SESSIONS_PER_YEAR, WARM_UP, Floats, Market
from signals.veqtor.rules import VEQTOR

EDGES, TABLE = np.array(VEQTOR.regime_edges), np.array(VEQTOR.volatility_weights)
REALISED, SHORT, LONG = VEQTOR.realised_window, VEQTOR.short_average, VEQTOR.long_average
TREND, LAG, WINDOW, STOP = VEQTOR.trend_sessions, VEQTOR.decision_lag + 1, VEQTOR.stop_sessions, VEQTOR.stop_loss


def inputs_of(market: Market) -> tuple[Floats, ...]:
    """Arrays in the order of the kernel's arguments."""
    return market.spx, market.vix, market.equity, market.volatility, market.cash


def levels_of(inputs: tuple[Floats, ...]) -> Floats:
    """Levels from the base session on."""
    return kernel(*inputs)


@numba.njit
def kernel(spx: Floats, vix: Floats, equity: Floats, volatility: Floats, cash: Floats) -> Floats:
    """Decide and hold session by session."""
    rows = len(spx)
    weights, stop = np.zeros(rows), np.zeros(rows, dtype=np.bool_)
    total, excess = np.full(rows, BASE_LEVEL), np.full(rows, BASE_LEVEL)
    squared = np.zeros(rows)
    for row in range(1, rows):
        squared[row] = math.log(spx[row] / spx[row - 1]) ** 2
    run, was_up = 0, False
    for row in range(LONG - 1, rows):
        up = LONG * vix[row - SHORT + 1 : row + 1].sum() >= SHORT * vix[row - LONG + 1 : row + 1].sum()
        run = run + 1 if up == was_up else 1
        was_up = up
        column = 1 if run < TREND else (2 if up else 0)
        variance = squared[max(row - REALISED + 1, 0) : row + 1].sum() / REALISED * SESSIONS_PER_YEAR
        weights[row] = TABLE[np.searchsorted(EDGES, math.sqrt(variance), side="right"), column]
        if row <= WARM_UP:
            continue
        accrued = cash[row] / cash[row - 1]
        growth = accrued
        if not stop[row - LAG]:
            weight = weights[row - LAG]
            growth = (1.0 - weight) * equity[row] / equity[row - 1] + weight * volatility[row] / volatility[row - 1]
        total[row] = total[row - 1] * growth
        excess[row] = excess[row - 1] * (1.0 + growth - accrued)
        if row >= WARM_UP + WINDOW:
            stop[row] = excess[row] / excess[row - WINDOW] - 1.0 <= STOP
    return total[WARM_UP:]
