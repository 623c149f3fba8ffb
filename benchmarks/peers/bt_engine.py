"""bt: an algo that reads the strategy's own value decides the weights, `Rebalance` trades to them at every close."""

from __future__ import annotations

import bt
import pandas as pd

from benchmarks.peers.market import BASE_LEVEL, WARM_UP, Floats, Market
from benchmarks.peers.pandas_loop import inputs_of as frame_of
from benchmarks.peers.pandas_loop import table_weight
from signals.veqtor.rules import VEQTOR

COMPONENTS = ["equity", "volatility", "cash"]


class WeighVeqtor(bt.Algo):
    """Set the weights decided at the close before, and decide with the value at this one."""

    def __init__(self, weight: pd.Series, accrual: pd.Series) -> None:
        super().__init__()
        self.weight = weight
        self.accrual = accrual
        self.decided: dict[str, float] = {}
        self.value = 0.0
        self.excess: list[float] = []

    def __call__(self, target: bt.Strategy) -> bool:
        day = target.now
        stopped = False
        if self.excess:
            change = target.value / self.value - 1.0
            self.excess.append(self.excess[-1] * (1.0 + change - self.accrual.at[day]))
            window = self.excess[-1 - VEQTOR.stop_sessions :]
            stopped = len(window) > VEQTOR.stop_sessions and window[-1] / window[0] - 1.0 <= VEQTOR.stop_loss
        elif self.decided:
            self.excess.append(1.0)
        self.value = target.value
        target.temp["weights"] = self.decided
        weight = self.weight.at[day]
        self.decided = {"cash": 1.0} if stopped else {"equity": 1.0 - weight, "volatility": weight}
        return True


def inputs_of(market: Market) -> pd.DataFrame:
    """One frame, a row per session; bt takes the times of its index in nanoseconds."""
    frame = frame_of(market)
    frame.index = pd.DatetimeIndex(frame.index).as_unit("ns")
    return frame


def levels_of(prices: pd.DataFrame) -> Floats:
    """Levels from the base session on."""
    first = prices.index[WARM_UP - 1]
    weigh = WeighVeqtor(table_weight(prices), prices["cash"].pct_change())
    strategy = bt.Strategy("veqtor", [weigh, bt.algos.Rebalance()], children=COMPONENTS)
    backtest = bt.Backtest(
        strategy, prices.loc[first:, COMPONENTS], initial_capital=BASE_LEVEL, integer_positions=False
    )
    backtest.run()
    return backtest.strategy.values.to_numpy()[-(len(prices) - WARM_UP) :]
