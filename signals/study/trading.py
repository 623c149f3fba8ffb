"""What trading costs a strategy that holds the S&P 500 and a VIX futures index.

An index trades for nothing: at each close it goes back to its weights, and its futures roll. Who follows it holds
equity and contracts, and pays for what has to change. All is per US dollar of the value before the trades of a close:

    equity traded    = |e(t) - e(t-1) (1 + r_eq(t)) / (1 + r(t))|
    contracts traded = |v(t) c(t) / S(t) - v(t-1) c(t-1) / S(t-1) / (1 + r(t))|   for each contract
    S(t)             = sum of c(t) F(t) over the contracts
    cost             = equity traded x costs.equity + sum of contracts traded x costs.vx_points
    turnover         = half of the equity traded and of the contracts traded at their prices F(t)

with e and v the weights held after a close, c the contracts of the index pattern, F the settlements and r the return of
the strategy. Collateral, and cash, is taken to trade for nothing. What a contract is worth a point cancels out.

Source of the holdings: S&P, *S&P VIX Futures Indices Methodology* (contracts from the roll weights) and *S&P 500
Dynamic VEQTOR Indices Methodology* (weights reset at every close).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.study.spec import TradingCosts
from signals.vix_futures import Floats, Integers


@dataclass(frozen=True, eq=False)
class Trades:
    """What is traded at each close, shares of the value before.

    Attributes
    ----------
    cost, turnover : float, shape (n,)
        0 in the first row: what it takes to begin is not counted.
    """

    cost: Floats
    turnover: Floats


def index_trades(
    weights: Floats,
    gross: Floats,
    equity_change: Floats,
    contracts: Floats,
    settle: Floats,
    front: Integers,
    costs: TradingCosts,
) -> Trades:
    """What following a strategy trades at each close, and what that costs.

    Parameters
    ----------
    weights : float, shape (n, 2)
        Of equity and of the volatility index, held from each close on.
    gross, equity_change : float, shape (n,)
        Return of the strategy and of its equity into each session, decimals; the first is not read.
    contracts : float, shape (n, slots)
        Pattern of the volatility index, decided at each close.
    settle : float, shape (n, slots), VIX points
        NaN only where nothing is held before and after a close.
    front : int, shape (n,)
        Number of the contract in slot 1; where it moves on, what was in slot i is in slot i - 1.
    costs : TradingCosts
    """
    grown = 1.0 + gross[1:]
    equity = equity_traded(weights[:, 0], gross, equity_change)
    held = _per_dollar(weights[:, 1], contracts, settle)
    before = held[:-1] / grown[:, None]
    expired = np.diff(front) != 0
    # What was in slot 1 has settled by itself.
    before[expired] = np.concatenate([before[expired, 1:], np.zeros((int(expired.sum()), 1))], axis=1)
    traded = np.zeros_like(held)
    traded[1:] = np.abs(held[1:] - before)
    worth = np.where(traded > 0.0, traded * settle, 0.0)
    return Trades(
        cost=equity * costs.equity + traded.sum(axis=1) * costs.vx_points,
        turnover=0.5 * (equity + worth.sum(axis=1)),
    )


def equity_traded(weight: Floats, gross: Floats, equity_change: Floats) -> Floats:
    """Equity traded at each close to come back to its weight, a share of the value before; 0 in the first row."""
    found = np.zeros(len(weight))
    found[1:] = np.abs(weight[1:] - weight[:-1] * (1.0 + equity_change[1:]) / (1.0 + gross[1:]))
    return found


def _per_dollar(weight: Floats, contracts: Floats, settle: Floats) -> Floats:
    """Contracts on one US dollar a point, held per US dollar of value, shape (n, slots)."""
    worth = np.where(contracts > 0.0, contracts * settle, 0.0).sum(axis=1)
    held: Floats = weight[:, None] * contracts / worth[:, None]
    return held


def after_costs(gross: Floats, cost: Floats) -> Floats:
    """Returns after the costs of the close they lead to: ``(1 + gross) (1 - cost) - 1``, and `gross` where it is 0."""
    net: Floats = gross - (1.0 + gross) * cost
    return net
