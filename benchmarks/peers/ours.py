"""The product: numpy for the decisions; a fold over lists for one history, over arrays for many paths."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.market import WARM_UP, Floats, Market
from signals.study.paths.veqtor import table_weights, with_stop_loss
from signals.veqtor.index import veqtor_history
from signals.veqtor.rules import VEQTOR
from signals.vix_futures import BASE_LEVEL, MONEY_MARKET_YEAR

#: Paths from which on the kernel for many is the faster one.
MANY = 20

#: Markets side by side, each array of shape (n, paths), or each market by itself.
Paths = dict[str, Floats] | list[Market]


def inputs_of(market: Market) -> Market:
    """Arrays are what it wants."""
    return market


def levels_of(market: Market) -> Floats:
    """Levels from the base session on."""
    overnight = np.zeros(len(market))
    overnight[:-1] = change(market.cash)[1:] * MONEY_MARKET_YEAR / np.diff(market.sessions).astype(np.int64)
    history = veqtor_history(
        sessions=market.sessions,
        base=WARM_UP,
        spx=market.spx,
        vix=market.vix / 100.0,
        equity_change=change(market.equity),
        volatility_change=change(market.volatility),
        overnight=overnight,
        rules=VEQTOR,
    )
    return history.total_return[WARM_UP:]


def inputs_of_paths(markets: list[Market]) -> Paths:
    """The columns of all markets side by side, where there are many."""
    if len(markets) < MANY:
        return markets
    columns = ("spx", "vix", "equity", "volatility", "cash")
    return {name: np.stack([getattr(market, name) for market in markets], axis=1) for name in columns}


def levels_of_paths(paths: Paths) -> Floats:
    """Levels from the base session on, shape (n, paths)."""
    if isinstance(paths, list):
        return np.stack([levels_of(market) for market in paths], axis=1)
    weights = table_weights(paths["spx"], paths["vix"] / 100.0, VEQTOR)
    changes = (change(paths[name][WARM_UP:]) for name in ("equity", "volatility", "cash"))
    growth = with_stop_loss(weights, *changes, WARM_UP, VEQTOR).gross
    growth += 1.0
    growth[0] = BASE_LEVEL
    return np.multiply.accumulate(growth, out=growth)


def change(levels: Floats) -> Floats:
    """Return into each session, of none into the first."""
    changes = np.zeros(levels.shape)
    np.divide(levels[1:], levels[:-1], out=changes[1:])
    changes[1:] -= 1.0
    return changes
