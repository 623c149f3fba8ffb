"""Moments of a market, measured the same way on the recorded and on simulated ones: what the fit is shown by.

Formulas are those of `signals.sample_market.facts`, over the sessions from the first level on. Extremes grow with the
length of a market, so that those of the recorded one are medians over all its stretches as long as a simulated one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.sample_market.facts import REALISED_SESSIONS, autocorrelation, correlation, drawdown, moment
from signals.study.hedged import HedgeLine
from signals.study.paths.indices import PathIndices
from signals.study.paths.veqtor import PathReturns
from signals.study.spec import TradingCosts
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats


@dataclass(frozen=True, eq=False)
class Series:
    """One market from its first level on.

    Attributes
    ----------
    spx, vix, first, second : float, shape (n,)
        Closes of the S&P 500 and the VIX, settlements of slots 1 and 2.
    short_term : float, shape (n - 1,)
        Excess return of the VIX Short-Term Futures index into each session after the first, a decimal.
    in_cash : bool, shape (n - 1,)
        Whether VEQTOR was in cash into each.
    """

    spx: Floats
    vix: Floats
    first: Floats
    second: Floats
    short_term: Floats
    in_cash: npt.NDArray[np.bool_]

    @property
    def returns(self) -> Floats:
        """Daily log returns of the S&P 500."""
        changes: Floats = np.diff(np.log(self.spx))
        return changes

    @property
    def years(self) -> float:
        """Of 252 sessions."""
        return len(self.in_cash) / SESSIONS_PER_YEAR


@dataclass(frozen=True)
class Moment:
    """What is measured."""

    key: str
    label: str
    unit: str
    measure: Callable[[Series], float]


def _volatility(changes: Floats) -> float:
    return float(np.std(changes)) * math.sqrt(SESSIONS_PER_YEAR)


def _premium(of: Series) -> float:
    """Mean of the VIX less what was realised over the sessions after it."""
    squares = np.concatenate([[0.0], np.cumsum(of.returns**2)])
    sums = squares[REALISED_SESSIONS:] - squares[:-REALISED_SESSIONS]
    realised = 100.0 * np.sqrt(SESSIONS_PER_YEAR / REALISED_SESSIONS * sums)
    return float((of.vix[: len(realised)] - realised).mean())


def _growth(changes: Floats, years: float) -> float:
    return float(np.exp(np.log1p(changes).sum() / years)) - 1.0


MOMENTS = (
    Moment("spx_volatility", "S&P 500: volatility", "share", lambda of: _volatility(of.returns)),
    Moment("spx_kurtosis", "S&P 500: excess kurtosis of a day", "ratio", lambda of: moment(of.returns, 4) - 3.0),
    Moment("spx_memory", "S&P 500: memory of the size of a day, 22 sessions", "ratio",
           lambda of: autocorrelation(np.abs(of.returns), 22)),
    Moment("spx_worst", "S&P 500: worst day", "share", lambda of: float(np.expm1(of.returns.min()))),
    Moment("spx_drawdown", "S&P 500: deepest fall", "share", lambda of: drawdown(of.spx) / 100.0),
    Moment("vix_mean", "VIX: mean", "points", lambda of: float(of.vix.mean())),
    Moment("vix_median", "VIX: median", "points", lambda of: float(np.median(of.vix))),
    Moment("vix_q95", "VIX: 95% quantile", "points", lambda of: float(np.percentile(of.vix, 95.0))),
    Moment("vix_max", "VIX: highest", "points", lambda of: float(of.vix.max())),
    Moment("vix_spx", "Correlation of daily changes, S&P 500 (log) and VIX (points)", "ratio",
           lambda of: correlation(np.diff(of.vix), of.returns)),
    Moment("vix_premium", "VIX less volatility of the next 22 sessions, mean", "points", _premium),
    Moment("vx_contango", "VX1 below VX2, sessions", "share", lambda of: float(np.mean(of.first < of.second))),
    Moment("vx_slope", "VX2 over VX1, mean", "ratio", lambda of: float(np.mean(of.second / of.first))),
    Moment("st_return", "VIX Short-Term Futures: excess return a year", "share",
           lambda of: _growth(of.short_term, of.years)),
    Moment("st_volatility", "VIX Short-Term Futures: volatility", "share", lambda of: _volatility(of.short_term)),
    Moment("stop_days", "VEQTOR: days in cash a year", "days", lambda of: float(of.in_cash.sum()) / of.years),
)  # fmt: skip


#: Moments that grow with the length of a market.
EXTREMES = frozenset({"spx_worst", "spx_drawdown", "vix_max"})

#: Sessions from one stretch of the recorded market to the next, and of a month.
_MONTH = 21

#: What a hedge gains by itself, after what its own trades cost, shares of its notional: key and label.
HEDGE_MOMENTS = (("hedge_profit", "profit of the hedge a year"), ("hedge_month", "best month of the hedge"))


def measured(series: Series) -> dict[str, float]:
    """Every moment of a market by its key."""
    return {each.key: float(each.measure(series)) for each in MOMENTS}


def measured_like(series: Series, returns: int) -> dict[str, float]:
    """The same, extremes as the median over stretches of so many returns, one of which begins in every month."""
    starts = range(0, len(series.in_cash) - returns + 1, _MONTH)
    typical = {
        each.key: float(np.median([each.measure(_stretch(series, start, returns)) for start in starts]))
        for each in MOMENTS
        if each.key in EXTREMES and len(starts) > 0
    }
    return measured(series) | typical


def _stretch(series: Series, start: int, returns: int) -> Series:
    closes, changes = slice(start, start + returns + 1), slice(start, start + returns)
    return Series(
        spx=series.spx[closes],
        vix=series.vix[closes],
        first=series.first[closes],
        second=series.second[closes],
        short_term=series.short_term[changes],
        in_cash=series.in_cash[changes],
    )


def hedge_moments(line: HedgeLine, costs: TradingCosts, first: int = 0) -> dict[str, float | None]:
    """What a hedge gains by itself, `HEDGE_MOMENTS` by key, on the sessions after row `first` on which it has a book.

    None where these are less than a month.
    """
    gained = (line.profit - costs.vix_option * line.spread)[first + 1 :]
    gained = gained[np.isfinite(gained)]
    if len(gained) < _MONTH:
        return {key: None for key, _ in HEDGE_MOMENTS}
    total = np.concatenate([[0.0], np.add.accumulate(gained)])
    best = float((total[_MONTH:] - total[:-_MONTH]).max())
    return {"hedge_profit": float(total[-1]) / len(gained) * SESSIONS_PER_YEAR, "hedge_month": best}


def recorded_series(signals: VeqtorSignals) -> Series:
    """The recorded market from the base session on."""
    rows = slice(signals.veqtor.base, signals.inputs.usable)
    panel = signals.inputs.panel(signals.veqtor.base)
    return Series(
        spx=signals.inputs.history.spx_yahoo[rows],
        vix=signals.inputs.vix[rows],
        first=panel.settle[:, 0],
        second=panel.settle[:, 1],
        short_term=signals.short_term.excess_return_change[1:],
        in_cash=signals.veqtor.in_cash[rows][1:],
    )


def simulated_series(indices: PathIndices, veqtor: PathReturns, market: int) -> Series:
    """One simulated market from its first level on."""
    base = indices.sessions.base
    stopped = np.zeros(veqtor.gross.shape[0], dtype=bool) if veqtor.stopped is None else veqtor.stopped[:, market]
    return Series(
        spx=indices.markets.spx[base:, market].copy(),
        vix=indices.markets.vix[base:, market].copy(),
        first=indices.first[:, market].copy(),
        second=indices.second[:, market].copy(),
        short_term=indices.short_term.change[1:, market].copy(),
        in_cash=stopped[:-1],
    )


def simulated_moments(indices: PathIndices) -> dict[str, list[float]]:
    """Every moment in each market, by its key."""
    veqtor = indices.veqtor()
    found = [measured(simulated_series(indices, veqtor, market)) for market in range(veqtor.gross.shape[1])]
    return {each.key: [values[each.key] for values in found] for each in MOMENTS}
