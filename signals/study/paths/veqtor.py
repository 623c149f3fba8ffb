"""VEQTOR, and constant weights, over many simulated markets at once: arrays of (sessions, markets).

The same rules, operations and order of operations as `signals.vix_futures.futures_index` and
`signals.veqtor.index.veqtor_history`: of one market the numbers are the same to the last bit, and tests compare them.
Costs are those of `signals.study.trading`, to rounding. Rows are worked on for all markets together; nothing at a row
depends on a later one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.rows import by_rows
from signals.study.spec import TradingCosts
from signals.veqtor.indicators import SESSIONS_PER_YEAR, VIX_TICKS_PER_POINT
from signals.veqtor.rules import VeqtorRules
from signals.vix_futures import BASE_LEVEL, Floats, Integers

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ShortTerm:
    """The VIX Short-Term Futures index over many markets, from the row of its first level on.

    Attributes
    ----------
    change : float, shape (n, markets)
        Excess return into each session, a decimal; NaN in the first row.
    total_change : float, shape (n, markets)
        Total return.
    per_dollar : float, shape (2, n, markets)
        Contracts in slots 1 and 2 held from each close on, per US dollar, on one US dollar a point.
    carried : float, shape (2, n, markets)
        The same contracts by the slot they are in at the next close; that row has what was held into it.
    """

    change: Floats
    total_change: Floats
    per_dollar: Floats
    carried: Floats


def short_term_index(
    first: Floats, second: Floats, contracts: Floats, front: Integers, bill_return: Floats
) -> ShortTerm:
    """The index from settlements of its two slots.

    Parameters
    ----------
    first, second : float, shape (n, markets), VIX points
    contracts : float, shape (n, slots)
        Decided at each close.
    front : int, shape (n,)
        Number of the contract in slot 1.
    bill_return : float, shape (n - 1, markets)
        What a Treasury bill earned into each session but the first.
    """
    near, far = contracts[:, :1], contracts[:, 1:2]
    moved = np.diff(front)[:, np.newaxis] > 0
    per_dollar, carried = (np.zeros((2, *first.shape)) for _ in range(2))
    change, total = np.full(first.shape, np.nan), np.full(first.shape, np.nan)

    def held(one: Floats, two: Floats, price: Floats, next_price: Floats) -> tuple[Floats, Floats]:
        worth = one * price + two * next_price
        return one / worth, two / worth

    def earned(
        one: Floats, two: Floats, price: Floats, next_price: Floats, gone: Flags, later: Floats, next_later: Floats,
        bill: Floats,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        before = one * price + two * next_price
        # What was in slot 1 has settled by itself, and slot 2 is slot 1.
        after = np.where(gone, two * later, one * later + two * next_later)
        own = after / before - 1.0
        return own, own + bill

    def after_roll(gone: Flags, one: Floats, two: Floats) -> tuple[Floats, Floats]:
        return np.where(gone, two, one), np.where(gone, 0.0, two)

    by_rows(held, near, far, first, second, out=(per_dollar[0], per_dollar[1]))
    by_rows(
        earned, near[:-1], far[:-1], first[:-1], second[:-1], moved, first[1:], second[1:], bill_return,
        out=(change[1:], total[1:]),
    )  # fmt: skip
    by_rows(after_roll, moved, per_dollar[0, :-1], per_dollar[1, :-1], out=(carried[0, 1:], carried[1, 1:]))
    return ShortTerm(change, total, per_dollar, carried)


def table_weights(spx: Floats, vix: Floats, rules: VeqtorRules) -> Floats:
    """Volatility weight of the table cell decided at each close; meaningless while the windows fill.

    Parameters
    ----------
    spx, vix : float, shape (n, markets)
        Closes; index points and VIX points.
    """
    table = np.array(rules.volatility_weights)
    cell = 3 * _regimes(spx, rules) + (_trends(vix, rules) + 1)
    weights: Floats = table.reshape(-1).take(cell)
    return weights


def _regimes(spx: Floats, rules: VeqtorRules) -> npt.NDArray[np.int8]:
    """Row of the table."""
    window = rules.realised_window
    squared = np.full(spx.shape, np.nan)

    def squares(after: Floats, before: Floats) -> Floats:
        changes: Floats = np.log(after / before) ** 2
        return changes

    by_rows(squares, spx[1:], spx[:-1], out=squared[1:])
    regime = np.full(spx.shape, len(rules.regime_edges), dtype=np.int8)
    count = len(spx) - window + 1

    def regimes(*windows: Floats) -> npt.NDArray[np.int8]:
        total = windows[0].copy()
        for each in windows[1:]:
            total += each
        volatility = np.sqrt(SESSIONS_PER_YEAR / window * total)
        found = np.zeros(total.shape, dtype=np.int8)
        for edge in rules.regime_edges:
            found += ~(volatility < edge)
        return found

    if count > 0:
        by_rows(regimes, *(squared[offset : offset + count] for offset in range(window)), out=regime[window - 1 :])
    return regime


def _trends(vix: Floats, rules: VeqtorRules) -> npt.NDArray[np.int8]:
    """1 up, 0 none, -1 down, in whole ticks of the VIX."""
    short, long, needed = rules.short_average, rules.long_average, rules.trend_sessions
    trend = np.zeros(vix.shape, dtype=np.int8)
    if len(vix) < long + needed - 1:
        return trend
    running = np.zeros((len(vix) + 1, *vix.shape[1:]), dtype=np.int32)
    np.cumsum(np.rint(vix * VIX_TICKS_PER_POINT).astype(np.int32), axis=0, out=running[1:])
    recent, older = (running[long:] - running[long - length : len(running) - length] for length in (short, long))
    up = long * recent >= short * older
    for side, sign in ((up, 1), (~up, -1)):
        run = side[needed - 1 :].copy()
        for offset in range(1, needed):
            run &= side[needed - 1 - offset : len(side) - offset]
        trend[long + needed - 2 :][run] = sign
    return trend


@dataclass(frozen=True, eq=False)
class PathReturns:
    """A strategy over many markets, from the row of its first level on.

    Attributes
    ----------
    gross : float, shape (n, markets)
        Return into each session, a decimal; NaN in the first row.
    volatility : float, shape (n, markets)
        Weight of VIX futures held from each close on.
    stopped : bool, shape (n, markets), optional
        Where cash is held instead, from each close on; None where it never is.
    """

    gross: Floats
    volatility: Floats
    stopped: Flags | None = None

    @property
    def equity(self) -> Floats:
        """Weight of equity held from each close on."""
        weight: Floats = 1.0 - self.volatility
        return weight if self.stopped is None else np.where(self.stopped, 0.0, weight)


def with_stop_loss(
    decided: Floats, equity: Floats, volatility: Floats, accrual: Floats, base: int, rules: VeqtorRules
) -> PathReturns:
    """VEQTOR: the stop-loss fold over the weights of the table.

    Parameters
    ----------
    decided : float, shape (n, markets)
        As `table_weights` gives it.
    equity, volatility, accrual : float, shape (n - base, markets)
        Daily total returns of the components, and what cash earned, from the row `base` on, decimals.
    base : int
        Row of the first level.
    """
    lag, window, threshold = rules.decision_lag + 1, rules.stop_sessions, rules.stop_loss
    markets = decided.shape[1]
    count = len(decided) - base
    stop = np.zeros((count, markets), dtype=bool)
    gross = np.full((count, markets), np.nan)
    excess = np.empty((count, markets))
    excess[0] = BASE_LEVEL
    change, test = np.empty(markets), np.empty(markets)
    for row in range(1, count):
        earning = decided[base + row - lag]
        np.subtract(1.0, earning, out=change)
        change *= equity[row]
        np.multiply(earning, volatility[row], out=test)
        change += test
        cash = accrual[row]
        if row >= lag:
            np.copyto(change, cash, where=stop[row - lag])
        gross[row] = change
        change -= cash
        change += 1.0
        level = np.multiply(excess[row - 1], change, out=excess[row])
        if row >= window:
            np.divide(level, excess[row - window], out=test)
            test -= 1.0
            np.less_equal(test, threshold, out=stop[row])
    held = decided[base - rules.decision_lag : len(decided) - rules.decision_lag].copy()
    stopped = np.zeros_like(stop)
    stopped[rules.decision_lag :] = stop[: count - rules.decision_lag]
    held[stopped] = 0.0
    return PathReturns(gross, held, stopped)


def by_weight(held: Floats, equity: Floats, volatility: Floats) -> PathReturns:
    """A strategy by the weight of VIX futures held from each close on, the rest in equity.

    Parameters
    ----------
    held, equity, volatility : float, shape (n, markets)
        From the row of the first level on; the returns as for `with_stop_loss`.
    """
    gross = np.full(equity.shape, np.nan)

    def mixed(weight: Floats, stocks: Floats, futures: Floats) -> Floats:
        found: Floats = (1.0 - weight) * stocks + weight * futures
        return found

    by_rows(mixed, held[:-1], equity[1:], volatility[1:], out=gross[1:])
    return PathReturns(gross, held)


def cost_of(returns: PathReturns, equity_change: Floats, index: ShortTerm, costs: TradingCosts) -> Floats:
    """What following a strategy costs at each close, a share of the value; 0 in the first row.

    The formulas are those of `signals.study.trading`.
    """
    found = np.zeros(returns.gross.shape)
    equity = returns.equity

    def cost(
        grown: Floats,
        held_now: Floats,
        before: Floats,
        change: Floats,
        weight: Floats,
        weight_before: Floats,
        *held: Floats,
    ) -> Floats:
        growth = 1.0 + grown
        moved = before * (1.0 + change)
        moved /= growth
        np.subtract(held_now, moved, out=moved)
        stocks = np.abs(moved, out=moved)
        near, far = (
            np.abs(weight * after - weight_before * carried / growth) for after, carried in (held[:2], held[2:])
        )
        charged: Floats = stocks * costs.equity + (near + far) * costs.vx_points
        return charged

    by_rows(
        cost,
        returns.gross[1:],
        equity[1:],
        equity[:-1],
        equity_change[1:],
        returns.volatility[1:],
        returns.volatility[:-1],
        index.per_dollar[0, 1:],
        index.carried[0, 1:],
        index.per_dollar[1, 1:],
        index.carried[1, 1:],
        out=found[1:],
    )
    return found
