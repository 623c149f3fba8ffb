"""backtrader: its own indicators on feeds, and orders that are filled at the close at which they are given."""

from __future__ import annotations

import math

import backtrader as bt
import numpy as np
import pandas as pd

from benchmarks.peers.market import BASE_LEVEL, SESSIONS_PER_YEAR, Floats, Market
from signals.veqtor.rules import VEQTOR

FEEDS = ("spx", "vix", "equity", "volatility", "cash")

#: What stays uninvested, as a share: an order that overdraws the account by a rounding error would be refused.
UNINVESTED = 1e-13


class SquaredLogReturn(bt.Indicator):
    """Square of the log return."""

    lines = ("squared",)

    def __init__(self) -> None:
        self.addminperiod(2)

    def next(self) -> None:
        self.lines.squared[0] = math.log(self.data[0] / self.data[-1]) ** 2


class Fractional(bt.CommInfoBase):
    """No commission, and positions that are not rounded to whole units."""

    def getsize(self, price: float, cash: float) -> float:
        return cash / price


class Veqtor(bt.Strategy):
    """Trade to the weights decided at the close before, and decide with the account's value at this one."""

    def __init__(self) -> None:
        spx, vix, *self.components = self.datas
        squares = bt.indicators.SumN(SquaredLogReturn(spx.close), period=VEQTOR.realised_window)
        self.variance = squares * (SESSIONS_PER_YEAR / VEQTOR.realised_window)
        short, long = (
            bt.indicators.SMA(vix.close, period=length) for length in (VEQTOR.short_average, VEQTOR.long_average)
        )
        self.ups = bt.indicators.SumN(short >= long, period=VEQTOR.trend_sessions)
        self.weights: tuple[float, float, float] | None = None
        self.levels: list[float] = []
        self.excess: list[float] = []

    def next(self) -> None:
        stopped = False
        if self.weights is not None:
            self._mark()
            self._trade(self.weights)
            window = self.excess[-1 - VEQTOR.stop_sessions :]
            stopped = len(window) > VEQTOR.stop_sessions and window[-1] / window[0] - 1.0 <= VEQTOR.stop_loss
        weight = self._table_weight()
        self.weights = (0.0, 0.0, 1.0) if stopped else (1.0 - weight, weight, 0.0)

    def _mark(self) -> None:
        """Append the total and the excess return level of this close."""
        value = self.broker.getvalue()
        if self.levels:
            cash = self.components[-1].close
            change = value / self.levels[-1] - cash[0] / cash[-1]
            self.excess.append(self.excess[-1] * (1.0 + change))
        else:
            self.excess.append(1.0)
        self.levels.append(value)

    def _trade(self, weights: tuple[float, float, float]) -> None:
        """Sell before buying, so that the money is there."""
        value = self.levels[-1]
        targets = [weight * (1.0 - UNINVESTED) * value for weight in weights]
        held = [self.getposition(data).size * data.close[0] for data in self.components]
        for row in sorted(range(len(targets)), key=lambda row: targets[row] - held[row]):
            self.order_target_value(self.components[row], targets[row])

    def _table_weight(self) -> float:
        volatility = math.sqrt(self.variance[0])
        regime = sum(volatility >= edge for edge in VEQTOR.regime_edges)
        ups = self.ups[0]
        return VEQTOR.volatility_weights[regime][1 + (ups == VEQTOR.trend_sessions) - (ups == 0.0)]


def inputs_of(market: Market) -> dict[str, pd.DataFrame]:
    """One frame for each feed."""
    index = pd.DatetimeIndex(market.sessions)
    return {name: pd.DataFrame({"close": market.table[name]}, index=index) for name in FEEDS}


def levels_of(frames: dict[str, pd.DataFrame]) -> Floats:
    """Levels from the base session on."""
    cerebro = bt.Cerebro(stdstats=False)
    for name, frame in frames.items():
        feed = bt.feeds.PandasData(
            dataname=frame, close="close", open="close", high="close", low="close", volume=None, openinterest=None
        )
        cerebro.adddata(feed, name)
    cerebro.addstrategy(Veqtor)
    cerebro.broker.setcash(BASE_LEVEL)
    cerebro.broker.set_coc(True)
    cerebro.broker.set_checksubmit(False)
    cerebro.broker.addcommissioninfo(Fractional())
    (strategy,) = cerebro.run()
    return np.array(strategy.levels)
