"""The indices of the strategies on simulated markets: the S&P 500, VEQTOR, and constant weights of VIX futures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from signals.study.paths.figures import against, alone
from signals.study.paths.market import PathMarkets
from signals.study.paths.sessions import PathSessions
from signals.study.paths.veqtor import (
    PathReturns,
    ShortTerm,
    by_weight,
    cost_of,
    short_term_index,
    table_weights,
    with_stop_loss,
)
from signals.study.spec import TradingCosts
from signals.study.strategies import FIXED_WEIGHTS, UNHEDGED
from signals.study.trading import after_costs
from signals.veqtor.rules import VEQTOR, VeqtorRules
from signals.vix_futures import Floats

#: By key of the statistic, in each market.
Values = dict[str, Floats]


@dataclass(frozen=True, eq=False)
class PathIndices:
    """Indices over simulated markets, from the row of the first level on; arrays of shape (n, markets).

    Attributes
    ----------
    first, second : float, VIX points
        Settlements of slots 1 and 2.
    short_term : ShortTerm
    equity_change : float
        Total return of the S&P 500, a decimal; NaN in the first row.
    accrual : float
        What cash earned.
    decided : float, shape (warm-up + n, markets)
        Volatility weight of the table of VEQTOR.
    """

    markets: PathMarkets
    first: Floats
    second: Floats
    short_term: ShortTerm
    equity_change: Floats
    accrual: Floats
    decided: Floats
    rules: VeqtorRules

    @property
    def sessions(self) -> PathSessions:
        """Sessions, those of the warm-up included."""
        return self.markets.sessions

    def veqtor(self) -> PathReturns:
        """VEQTOR with its stop-loss."""
        futures = self.short_term.total_change
        return with_stop_loss(self.decided, self.equity_change, futures, self.accrual, self.sessions.base, self.rules)

    def without_stop(self) -> PathReturns:
        """VEQTOR that follows its table whatever it lost."""
        base, lag = self.sessions.base, self.rules.decision_lag
        held = self.decided[base - lag : len(self.decided) - lag]
        return by_weight(held, self.equity_change, self.short_term.total_change)

    def fixed(self, weight: float) -> PathReturns:
        """A constant weight of VIX futures."""
        return by_weight(np.full(self.equity_change.shape, weight), self.equity_change, self.short_term.total_change)

    def net(self, returns: PathReturns, costs: TradingCosts) -> Floats:
        """Returns after costs, shape (n - 1, markets)."""
        cost = cost_of(returns, self.equity_change, self.short_term, costs)
        return after_costs(returns.gross[1:], cost[1:])


def path_indices(markets: PathMarkets, rules: VeqtorRules = VEQTOR) -> PathIndices:
    """Price the futures that the short-term index holds, and decide the weights of VEQTOR."""
    sessions = markets.sessions
    base = sessions.base
    first, second = (markets.settlements(slot, base) for slot in (1, 2))
    bill_return = sessions.bill_return(markets.bill)[base:]
    index = short_term_index(first, second, sessions.contracts[base:], sessions.front[base:], bill_return)
    equity, accrual = markets.equity_change[base:], markets.accrual()[base:]
    equity[0] = np.nan
    decided = table_weights(markets.spx, markets.vix, rules)
    return PathIndices(markets, first, second, index, equity, accrual, decided, rules)


def index_figures(indices: PathIndices, costs: TradingCosts) -> dict[str, Values]:
    """Statistics of every strategy after costs, by strategy and key."""
    sessions = indices.sessions
    days = int((sessions.sessions[-1] - sessions.sessions[sessions.base]).astype(np.int64))
    cash = indices.accrual[1:]
    unhedged = alone(indices.equity_change[1:], cash, days)
    found = {UNHEDGED: unhedged}
    for name, returns in _strategies(indices):
        own = alone(indices.net(returns, costs), cash, days)
        found[name] = own | against(own, unhedged)
    return found


def _strategies(indices: PathIndices) -> Iterator[tuple[str, PathReturns]]:
    yield "veqtor", indices.veqtor()
    yield "veqtor-no-stop", indices.without_stop()
    for weight in FIXED_WEIGHTS:
        yield f"fixed-{weight * 100.0:g}", indices.fixed(weight)
