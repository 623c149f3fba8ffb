"""vectorbt: order functions compiled by numba, for each path a group of three assets that share their cash."""

from __future__ import annotations

import numpy as np
import pandas as pd
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio import nb
from vectorbt.portfolio.enums import Direction, SizeType

from benchmarks.peers.market import BASE_LEVEL, SESSIONS_PER_YEAR, WARM_UP, Floats, Market
from signals.veqtor.rules import VEQTOR

EQUITY, VOLATILITY, CASH = ASSETS = (0, 1, 2)
WINDOW, STOP = VEQTOR.stop_sessions, VEQTOR.stop_loss
KIND, DIRECTION = np.array(SizeType.TargetPercent), np.array(Direction.LongOnly)

#: S&P 500 closes, VIX closes, and closes of the three assets of each path, side by side.
Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@njit
def start_group(c):
    """What a path remembers by session: value, excess return level, whether it goes to cash; and room for sorting."""
    rows = c.target_shape[0]
    return np.ones(rows), np.ones(rows), np.zeros(rows, dtype=np.bool_), np.empty(len(ASSETS))


@njit
def before_orders(c, value, excess, stop, order_value, weights):
    """Value the account at this close, test the stop-loss, and give the weights decided at the close before."""
    row = c.i
    for column in range(c.from_col, c.to_col):
        c.last_val_price[column] = c.close[row, column]
    value[row] = nb.get_group_value_ctx_nb(c)
    stopped = False
    if row > 0:
        cash = c.from_col + CASH
        change = value[row] / value[row - 1] - c.close[row, cash] / c.close[row - 1, cash]
        excess[row] = excess[row - 1] * (1.0 + change)
        stopped = stop[row - 1]
    if row >= WINDOW:
        stop[row] = excess[row] / excess[row - WINDOW] - 1.0 <= STOP
    held = np.zeros(len(ASSETS))
    if stopped:
        held[CASH] = 1.0
    else:
        held[VOLATILITY] = weights[row, c.group]
        held[EQUITY] = 1.0 - held[VOLATILITY]
    # Sales come before purchases.
    nb.sort_call_seq_nb(c, held, KIND, DIRECTION, order_value, ctx_select=False)
    return (held,)


@njit
def order(c, held):
    """Trade one asset to its weight, at the close."""
    size = held[c.col - c.from_col]
    return nb.order_nb(size, c.close[c.i, c.col], size_type=SizeType.TargetPercent, direction=Direction.LongOnly)


def inputs_of(market: Market) -> Frames:
    """Frames of one path."""
    return inputs_of_paths([market])


def inputs_of_paths(markets: list[Market]) -> Frames:
    """Frames of many paths, the three assets of each side by side."""
    index = pd.DatetimeIndex(markets[0].sessions)
    assets = [values for market in markets for values in (market.equity, market.volatility, market.cash)]
    columns = ([market.spx for market in markets], [market.vix for market in markets], assets)
    spx, vix, close = (pd.DataFrame(np.stack(values, axis=1), index) for values in columns)
    return spx, vix, close


def levels_of(frames: Frames) -> Floats:
    """Levels from the base session on, shape (n,) for one path, (n, paths) for more."""
    spx, vix, assets = frames
    decided = table_weights(spx, vix)
    portfolio = vbt.Portfolio.from_order_func(
        assets.iloc[WARM_UP:],
        order,
        pre_group_func_nb=start_group,
        pre_segment_func_nb=before_orders,
        pre_segment_args=(decided[WARM_UP - 1 : -1],),
        group_by=np.repeat(np.arange(spx.shape[1]), len(ASSETS)),
        cash_sharing=True,
        init_cash=BASE_LEVEL,
    )
    return portfolio.value().to_numpy()


levels_of_paths = levels_of


def table_weights(spx: pd.DataFrame, vix: pd.DataFrame) -> Floats:
    """Weight of the volatility component that the table says at each close, a column per path."""
    squared = np.log(spx).vbt.diff() ** 2
    realised = np.sqrt(squared.vbt.rolling_mean(VEQTOR.realised_window) * SESSIONS_PER_YEAR).to_numpy()
    short, long = (vix.vbt.rolling_mean(length) for length in (VEQTOR.short_average, VEQTOR.long_average))
    up = (short >= long).astype(np.float64).where(long.notna())
    ups = up.vbt.rolling_mean(VEQTOR.trend_sessions).to_numpy()
    column = 1 + (ups == 1.0).astype(np.int64) - (ups == 0.0)
    # NaN sorts past the last edge; no decision is taken from such a row.
    regime = np.searchsorted(VEQTOR.regime_edges, realised, side="right")
    return np.array(VEQTOR.volatility_weights)[regime, column]
