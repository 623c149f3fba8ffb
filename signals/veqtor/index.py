"""VEQTOR as a fold over sessions: decisions, weights and index levels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from signals.calendar import Days
from signals.veqtor.cold_start import certain_from
from signals.veqtor.indicators import VolatilityTrend, realised_volatility, volatility_trend
from signals.veqtor.rules import VeqtorRules
from signals.vix_futures import BASE_LEVEL, MONEY_MARKET_YEAR, Floats, Integers

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class VeqtorHistory:
    """Decisions, weights and levels of VEQTOR by session.

    Rows before `base` warm the indicators up, and in a cold start the stop-loss: nothing there is to be used. "Decided"
    means by the tests at that close; a decision is held from the next close and earns from the one after.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    base : int
        Row of the first level; `n` if a cold start never became certain.
    realised_volatility : float, shape (n,), annualised decimal
    regime : int, shape (n,)
    trend : VolatilityTrend
    table_weight : float, shape (n,)
        Volatility weight of the table cell, whatever the stop-loss says.
    accrual : float, shape (n,)
        What cash earned into the session, a decimal.
    total_return, excess_return : float, shape (n,)
        Index levels, BASE_LEVEL in row `base`.
    total_return_change : float, shape (n,)
    excess_return_5d : float, shape (n,)
        Excess return over the stop-loss window, also for an overlay that of the funded strategy; NaN until it is full.
    stop_loss : bool, shape (n,)
        Whether the test at this close puts the index into cash.
    in_cash : bool, shape (n,)
        Whether the return into this session was earned in cash.
    """

    rules: VeqtorRules
    sessions: Days
    base: int
    realised_volatility: Floats
    regime: Integers
    trend: VolatilityTrend
    table_weight: Floats
    accrual: Floats
    total_return: Floats
    excess_return: Floats
    total_return_change: Floats
    excess_return_5d: Floats
    stop_loss: Flags
    in_cash: Flags

    def weights(self, decided_sessions_ago: int = 0) -> Floats:
        """Equity, volatility and cash weights by session, shape (n, 3): 0 target, 1 held, 2 earned.

        They sum to one; of an overlay, which moves a holding of the S&P 500 into something else, to zero.
        NaN on the first rows, for which nothing had been decided.
        """
        owned = 0.0 if self.rules.overlay else 1.0
        decided = np.stack([owned - self.table_weight, self.table_weight, np.zeros(len(self.sessions))], axis=1)
        decided[self.stop_loss] = (owned - 1.0, 0.0, 1.0)
        if decided_sessions_ago == 0:
            return decided
        shifted = np.full_like(decided, np.nan)
        shifted[decided_sessions_ago:] = decided[:-decided_sessions_ago]
        return shifted


def veqtor_history(
    sessions: Days,
    base: int,
    spx: Floats,
    vix: Floats,
    equity_change: Floats,
    volatility_change: Floats,
    overnight: Floats,
    rules: VeqtorRules,
    *,
    cold: bool = False,
) -> VeqtorHistory:
    """Run VEQTOR over a range of sessions.

    Parameters
    ----------
    sessions : datetime64[D], shape (n,)
    base : int
        Row of the base session. The rows before it must fill the indicators' windows one session earlier.
    spx, vix : float, shape (n,)
        Closes; index points and VIX points.
    equity_change, volatility_change : float, shape (n,)
        Daily total returns of the components, decimals; needed from row ``base + 1`` on.
    overnight : float, shape (n,)
        Rate that cash earns from each close to the next, an annual decimal on actual/360.
    cold : bool
        Whether something before `base` is unknown. Levels then begin with the first session that does not depend on it.
    """
    volatility = realised_volatility(spx, rules)
    regime = regimes(volatility, rules)
    trend = volatility_trend(vix, rules)
    table = np.array(rules.volatility_weights)
    # NaN sorts past the last edge; no decision is taken from such a row, as `base` guarantees.
    table_weight = table[regime, trend.trend.astype(np.int64) + 1]
    accrual = np.full(len(sessions), np.nan)
    accrual[1:] = overnight[:-1] * np.diff(sessions).astype(np.int64) / MONEY_MARKET_YEAR
    lag = rules.decision_lag + 1
    invested_change = np.full(len(sessions), np.nan)
    earning = table_weight[:-lag]
    invested_change[lag:] = (1.0 - earning) * equity_change[lag:] + earning * volatility_change[lag:]
    total, excess, stop = _fold(invested_change, accrual, base, rules)
    stop_loss = np.array(stop, dtype=bool)
    in_cash = np.zeros(len(sessions), dtype=bool)
    in_cash[lag:] = stop_loss[:-lag]
    total_levels, excess_levels = np.array(total), np.array(excess)
    start = base
    if cold:
        start = certain_from(invested_change, accrual, base, rules)
        total_levels, excess_levels = (_rebased(levels, start) for levels in (total_levels, excess_levels))
    return VeqtorHistory(
        rules=rules,
        sessions=sessions,
        base=start,
        realised_volatility=volatility,
        regime=regime,
        trend=trend,
        table_weight=table_weight,
        accrual=accrual,
        total_return=total_levels,
        excess_return=excess_levels,
        total_return_change=np.where(in_cash, accrual, invested_change),
        excess_return_5d=_window_return(excess_levels, rules.stop_sessions),
        stop_loss=stop_loss,
        in_cash=in_cash,
    )


def overlay_history(
    funded: VeqtorHistory, equity_change: Floats, volatility_excess_change: Floats, rules: VeqtorRules
) -> VeqtorHistory:
    """The overlay that turns a holding of the S&P 500 into the strategy: its decisions, and a level of its own.

    It is unfunded: each dollar moved out of equity pays the overnight rate. So its total and its excess return are the
    same.

    Parameters
    ----------
    equity_change, volatility_excess_change : float, shape (n,)
        Daily total return of the equity component, and excess return of the volatility component.
    """
    lag = rules.decision_lag + 1
    equity_excess = equity_change - funded.accrual
    change = np.full(len(funded.sessions), np.nan)
    earning = funded.table_weight[:-lag]
    change[lag:] = earning * (volatility_excess_change[lag:] - equity_excess[lag:])
    change[funded.in_cash] = -equity_excess[funded.in_cash]
    level = np.full(len(funded.sessions), np.nan)
    growth = np.concatenate([[BASE_LEVEL], 1.0 + change[funded.base + 1 :]])
    # Multiplying in session order makes a level independent of what comes after it.
    level[funded.base :] = np.multiply.accumulate(growth)[: len(funded.sessions) - funded.base]
    return replace(funded, rules=rules, total_return=level, excess_return=level, total_return_change=change)


def _rebased(levels: Floats, start: int) -> Floats:
    """Levels that are BASE_LEVEL in row `start`; NaN if that is beyond the end."""
    if start == len(levels):
        return np.full(len(levels), np.nan)
    rebased: Floats = levels / levels[start] * BASE_LEVEL
    return rebased


def regimes(volatility: Floats, rules: VeqtorRules) -> Integers:
    """Row of the weight table for each realised volatility; an edge belongs to the regime above it."""
    return np.searchsorted(np.array(rules.regime_edges), volatility, side="right").astype(np.int64)


def _fold(
    invested_change: Floats, accrual: Floats, base: int, rules: VeqtorRules
) -> tuple[list[float], list[float], list[bool]]:
    """Total return level, excess return level and stop-loss test, session by session.

    Plain lists: each step needs the outcome of the ones before, and a list is several times faster to index than an
    array.
    """
    count = len(invested_change)
    invested, accrued = invested_change.tolist(), accrual.tolist()
    total, excess = [float("nan")] * count, [float("nan")] * count
    stop = [False] * count
    if base >= count:
        return total, excess, stop
    total[base] = excess[base] = total_level = excess_level = BASE_LEVEL
    lag, window, threshold = rules.decision_lag + 1, rules.stop_sessions, rules.stop_loss
    for row in range(base + 1, count):
        cash_change = accrued[row]
        change = cash_change if stop[row - lag] else invested[row]
        total_level *= 1.0 + change
        excess_level *= 1.0 + (change - cash_change)
        total[row], excess[row] = total_level, excess_level
        # Before the window is full its first level is NaN, which compares False.
        stop[row] = excess_level / excess[row - window] - 1.0 <= threshold
    return total, excess, stop


def _window_return(level: Floats, length: int) -> Floats:
    change = np.full(len(level), np.nan)
    change[length:] = level[length:] / level[:-length] - 1.0
    return change
