"""A plain pandas loop: indicators by rolling windows, then one row of the frame after the other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.peers.market import BASE_LEVEL, SESSIONS_PER_YEAR, WARM_UP, Floats, Market
from signals.veqtor.rules import VEQTOR


def inputs_of(market: Market) -> pd.DataFrame:
    """One frame, a row per session."""
    return pd.DataFrame(market.table).set_index("sessions")


def levels_of(prices: pd.DataFrame) -> Floats:
    """Levels from the base session on."""
    frame = prices.copy()
    frame["weight"] = table_weight(prices)
    changes = prices[["equity", "volatility", "cash"]].pct_change()
    frame[changes.columns + "_change"] = changes
    frame["total"] = frame["excess"] = np.nan
    frame["stop"] = False
    days = frame.index
    frame.at[days[WARM_UP], "total"] = frame.at[days[WARM_UP], "excess"] = BASE_LEVEL
    for row in range(WARM_UP + 1, len(frame)):
        day, before = days[row], days[row - 1]
        decided = days[row - 1 - VEQTOR.decision_lag]
        cash = frame.at[day, "cash_change"]
        if frame.at[decided, "stop"]:
            change = cash
        else:
            weight = frame.at[decided, "weight"]
            change = (1.0 - weight) * frame.at[day, "equity_change"] + weight * frame.at[day, "volatility_change"]
        frame.at[day, "total"] = frame.at[before, "total"] * (1.0 + change)
        frame.at[day, "excess"] = frame.at[before, "excess"] * (1.0 + change - cash)
        past = frame.at[days[row - VEQTOR.stop_sessions], "excess"]
        frame.at[day, "stop"] = frame.at[day, "excess"] / past - 1.0 <= VEQTOR.stop_loss
    return frame["total"].to_numpy()[WARM_UP:]


def table_weight(prices: pd.DataFrame) -> pd.Series:
    """Weight of the volatility component that the table says at each close; NaN before the indicators are complete."""
    squared = np.log(prices["spx"]).diff() ** 2
    realised = np.sqrt(squared.rolling(VEQTOR.realised_window).mean() * SESSIONS_PER_YEAR)
    average = {length: prices["vix"].rolling(length).mean() for length in (VEQTOR.short_average, VEQTOR.long_average)}
    up = (average[VEQTOR.short_average] >= average[VEQTOR.long_average]).astype(float)
    ups = up.where(average[VEQTOR.long_average].notna()).rolling(VEQTOR.trend_sessions).sum()
    column = 1 + (ups == VEQTOR.trend_sessions).astype(int) - (ups == 0.0).astype(int)
    regime = np.searchsorted(VEQTOR.regime_edges, realised.to_numpy(), side="right")
    weight = pd.Series(0.0, prices.index)
    complete = realised.notna() & ups.notna()
    table = np.array(VEQTOR.volatility_weights)
    weight[complete] = table[regime[complete], column[complete]]
    return weight.where(complete)
