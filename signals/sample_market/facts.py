"""Stylised facts of a market, measured the same way on recorded and on simulated series.

Every fact is one number. Those of the closes are measured from `HISTORY_START` on, those of futures and strategies
from the base session on, and those of an index that did not exist yet from its first published session on, also where
the market is simulated. Returns are daily log returns unless said otherwise.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signals.calendar import Days
from signals.series import BASE_SESSION
from signals.veqtor.index import VeqtorHistory
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import SLOTS, Floats, FuturesIndex, SettlementPanel

Flags = npt.NDArray[np.bool_]

#: First published session of VIX3M and VVIX, and the last recorded one.
VIX3M_WINDOW = (dt.date(2006, 7, 17), dt.date(2025, 10, 31))
VVIX_WINDOW = (dt.date(2007, 1, 3), dt.date(2026, 5, 1))
#: Sessions of which recorded breadth is at hand.
BREADTH_WINDOW = (dt.date(2017, 1, 3), dt.date(2020, 2, 10))

#: Sessions over which a close of the VIX is compared with what was realised: about 30 days.
REALISED_SESSIONS = 22
#: Share of the returns on each side that counts as the tail.
TAIL_SHARE = 0.025

#: A VIX below the one is calm, one from the other on is stress; points.
CALM, STRESS = 13.0, 28.0

#: Sessions ahead over which the size of returns is compared with a return.
LEVERAGE_SESSIONS = 5
_LEVERAGE_STEPS = range(1, LEVERAGE_SESSIONS + 1)

PERCENT, POINTS, RATIO, NUMBER, SESSIONS, A_YEAR = "%", "points", "ratio", "", "sessions", "a year"


Measure = Callable[["MarketSeries"], float]


@dataclass(frozen=True)
class Fact:
    """What one fact is.

    Attributes
    ----------
    key, label, unit, group : str
    measure : callable
        From the series of a market to the number.
    """

    key: str
    label: str
    unit: str
    group: str
    measure: Measure


@dataclass(frozen=True)
class MarketSeries:
    """The series that facts are measured on.

    Attributes
    ----------
    signals : VeqtorSignals
        Closes, settlements by slot, rates, indices and strategy.
    vix3m, vvix : float, shape (n,), points; NaN where there is none
    advances, declines : float, shape (n,), issues; NaN where there is none
    """

    signals: VeqtorSignals
    vix3m: Floats
    vvix: Floats
    advances: Floats
    declines: Floats

    @property
    def sessions(self) -> Days:
        """Sessions of every array, shape (n,)."""
        return self.signals.inputs.sessions[: len(self.signals.veqtor.sessions)]

    @property
    def spx(self) -> Floats:
        """S&P 500 closes, shape (n,)."""
        return self.signals.inputs.history.spx_yahoo[: len(self.sessions)]

    @property
    def vix(self) -> Floats:
        """VIX closes, shape (n,)."""
        return self.signals.inputs.vix[: len(self.sessions)]

    @cached_property
    def returns(self) -> Floats:
        """Daily log returns of the S&P 500, shape (n - 1,)."""
        changes: Floats = np.diff(np.log(self.spx))
        return changes

    @property
    def veqtor(self) -> VeqtorHistory:
        """The strategy."""
        return self.signals.veqtor

    @cached_property
    def panel(self) -> SettlementPanel:
        """Settlements by slot from the base session on, a view."""
        return self.signals.inputs.panel(self.veqtor.base)

    @cached_property
    def realised_ahead(self) -> Floats:
        """Realised volatility of the `REALISED_SESSIONS` after each session, percent; NaN at the end."""
        squares = np.concatenate([[0.0], np.cumsum(self.returns**2)])
        ahead = np.full(len(self.sessions), np.nan)
        sums = squares[REALISED_SESSIONS:] - squares[:-REALISED_SESSIONS]
        ahead[: len(sums)] = 100.0 * np.sqrt(SESSIONS_PER_YEAR / REALISED_SESSIONS * sums)
        return ahead

    def within(self, window: tuple[dt.date, dt.date]) -> Flags:
        """Which sessions lie in a window, both ends included; shape (n,)."""
        first, last = (np.datetime64(day) for day in window)
        inside: Flags = (self.sessions >= first) & (self.sessions <= last)
        return inside

    def slot(self, number: int) -> Floats:
        """Settlement of a slot from the base session on, shape (m,)."""
        return self.panel.settle[: len(self.sessions) - self.veqtor.base, number - 1]

    @cached_property
    def vix_from_base(self) -> Floats:
        """VIX closes from the base session on, shape (m,)."""
        return self.vix[self.veqtor.base :]

    def slot_changes(self, number: int) -> Floats:
        """Change of the settlement of the contract that was in a slot the session before, points, shape (m - 1,)."""
        count = len(self.vix_from_base)
        front, settle = self.panel.front[:count], self.panel.settle[:count]
        column = number - 1 - np.diff(front)
        after = np.where(column >= 0, settle[np.arange(1, count), np.clip(column, 0, SLOTS - 1)], np.nan)
        changes: Floats = after - settle[:-1, number - 1]
        return changes


def measure(series: MarketSeries) -> dict[str, float]:
    """Every fact of `FACTS` by its key."""
    return {fact.key: float(fact.measure(series)) for fact in FACTS}


def autocorrelation(values: Floats, lag: int) -> float:
    """Correlation of a series with itself `lag` sessions before."""
    return correlation(values[lag:], values[:-lag])


def correlation(left: Floats, right: Floats) -> float:
    """Correlation over the entries at which both are finite."""
    both = np.isfinite(left) & np.isfinite(right)
    return float(np.corrcoef(left[both], right[both])[0, 1])


def moment(values: Floats, order: int) -> float:
    """Standardised central moment."""
    deviation = values - values.mean()
    return float((deviation**order).mean() / (deviation**2).mean() ** (order / 2))


def tail_index(losses: Floats) -> float:
    """Hill's estimate of the tail index over the largest `TAIL_SHARE` of `losses`."""
    ranked = np.sort(losses)[::-1]
    count = int(len(ranked) * TAIL_SHARE)
    return 1.0 / float(np.mean(np.log(ranked[:count] / ranked[count])))


def drawdown(level: Floats) -> float:
    """Worst fall from an earlier high, percent."""
    return 100.0 * float((level / np.maximum.accumulate(level)).min() - 1.0)


def runs(flags: Flags) -> npt.NDArray[np.int64]:
    """Lengths of the runs of true entries."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    lengths: npt.NDArray[np.int64] = edges[1::2] - edges[::2]
    return lengths


def annual_growth(sessions: Days, level: Floats) -> float:
    """Compound growth per year of 365.25 days, percent."""
    years = float((sessions[-1] - sessions[0]).astype(np.int64)) / 365.25
    return 100.0 * (math.pow(level[-1] / level[0], 1.0 / years) - 1.0)


def volatility(changes: Floats) -> float:
    """Annualised standard deviation of daily changes, percent."""
    return 100.0 * float(np.nanstd(changes)) * math.sqrt(SESSIONS_PER_YEAR)


def _slope(x: Floats, y: Floats) -> float:
    both = np.isfinite(x) & np.isfinite(y)
    covariance = np.cov(x[both], y[both])
    return float(covariance[0, 1] / covariance[0, 0])


def _mean_ratio(top: Floats, bottom: Floats) -> float:
    return float(np.nanmean(top / bottom))


def _mean_where(values: Floats, rows: Flags) -> float:
    return float(np.nanmean(values[rows])) if rows.any() else math.nan


def _share(flags: Flags) -> float:
    return 100.0 * float(np.mean(flags))


def _absolute_memory(lag: int) -> Measure:
    return lambda m: autocorrelation(np.abs(m.returns), lag)


def _leverage(m: MarketSeries) -> float:
    size = np.abs(m.returns)
    ahead = sum((size[step : len(size) - LEVERAGE_SESSIONS + step] for step in _LEVERAGE_STEPS), np.zeros(1))
    return correlation(m.returns[:-LEVERAGE_SESSIONS], ahead)


def _realised(m: MarketSeries) -> Floats:
    return 100.0 * m.veqtor.realised_volatility


def _outliers(m: MarketSeries) -> float:
    return _share(np.abs(m.returns - m.returns.mean()) > 3.0 * m.returns.std())


_SPX = [
    ("spx_return", "Price return a year, compound", PERCENT, lambda m: annual_growth(m.sessions, m.spx)),
    ("spx_volatility", "Volatility a year", PERCENT, lambda m: volatility(m.returns)),
    ("spx_skewness", "Skewness of daily returns", NUMBER, lambda m: moment(m.returns, 3)),
    ("spx_kurtosis", "Excess kurtosis of daily returns", NUMBER, lambda m: moment(m.returns, 4) - 3.0),
    ("spx_worst", "Worst day", PERCENT, lambda m: 100.0 * math.expm1(m.returns.min())),
    ("spx_best", "Best day", PERCENT, lambda m: 100.0 * math.expm1(m.returns.max())),
    ("spx_drawdown", "Worst drawdown", PERCENT, lambda m: drawdown(m.spx)),
    ("spx_outliers", "Days beyond 3 standard deviations", PERCENT, _outliers),
    ("spx_tail_down", "Tail index of losses (Hill, 2.5%)", NUMBER, lambda m: tail_index(-m.returns)),
    ("spx_tail_up", "Tail index of gains (Hill, 2.5%)", NUMBER, lambda m: tail_index(m.returns)),
    ("spx_acf1", "Autocorrelation of returns, lag 1", NUMBER, lambda m: autocorrelation(m.returns, 1)),
    ("spx_abs_acf1", "Autocorrelation of absolute returns, lag 1", NUMBER, _absolute_memory(1)),
    ("spx_abs_acf5", "Autocorrelation of absolute returns, lag 5", NUMBER, _absolute_memory(5)),
    ("spx_abs_acf22", "Autocorrelation of absolute returns, lag 22", NUMBER, _absolute_memory(22)),
    ("spx_abs_acf66", "Autocorrelation of absolute returns, lag 66", NUMBER, _absolute_memory(66)),
    ("spx_rv_mean", "Realised volatility, 22 sessions, mean", PERCENT, lambda m: float(np.nanmean(_realised(m)))),
    ("spx_rv_median", "Realised volatility, 22 sessions, median", PERCENT, lambda m: float(np.nanmedian(_realised(m)))),
    ("spx_leverage", "Correlation of a return with the size of the next 5", NUMBER, _leverage),
]


def _vix_changes(m: MarketSeries) -> Floats:
    changes: Floats = np.diff(np.log(m.vix))
    return changes


def _vix_quantile(share: float) -> Measure:
    return lambda m: float(np.percentile(m.vix, share))


def _vix_memory(lag: int) -> Measure:
    return lambda m: autocorrelation(m.vix, lag)


def _premium_share(m: MarketSeries) -> float:
    return _share((m.vix > m.realised_ahead)[np.isfinite(m.realised_ahead)])


def _vix3m_ratio(m: MarketSeries) -> float:
    rows = m.within(VIX3M_WINDOW)
    return _mean_ratio(m.vix3m[rows], m.vix[rows])


def _vix3m_inverted(m: MarketSeries) -> float:
    return _share((m.vix > m.vix3m)[m.within(VIX3M_WINDOW) & np.isfinite(m.vix3m)])


def _vvix(m: MarketSeries) -> Floats:
    return m.vvix[m.within(VVIX_WINDOW)]


def _vvix_quantile(share: float) -> Measure:
    return lambda m: float(np.nanpercentile(_vvix(m), share))


_VIX = [
    (
        "vix_spx",
        "Correlation of changes with the S&P 500 return",
        NUMBER,
        lambda m: correlation(np.diff(m.vix), m.returns),
    ),
    ("vix_mean", "Mean", POINTS, lambda m: float(m.vix.mean())),
    ("vix_q5", "5% quantile", POINTS, _vix_quantile(5)),
    ("vix_q25", "25% quantile", POINTS, _vix_quantile(25)),
    ("vix_q50", "Median", POINTS, _vix_quantile(50)),
    ("vix_q75", "75% quantile", POINTS, _vix_quantile(75)),
    ("vix_q95", "95% quantile", POINTS, _vix_quantile(95)),
    ("vix_q99", "99% quantile", POINTS, _vix_quantile(99)),
    ("vix_min", "Lowest", POINTS, lambda m: float(m.vix.min())),
    ("vix_max", "Highest", POINTS, lambda m: float(m.vix.max())),
    ("vix_acf1", "Autocorrelation, lag 1", NUMBER, _vix_memory(1)),
    ("vix_acf22", "Autocorrelation, lag 22", NUMBER, _vix_memory(22)),
    ("vix_acf66", "Autocorrelation, lag 66", NUMBER, _vix_memory(66)),
    ("vix_volatility", "Volatility of log changes a year", PERCENT, lambda m: volatility(_vix_changes(m))),
    ("vix_change_skewness", "Skewness of log changes", NUMBER, lambda m: moment(_vix_changes(m), 3)),
    ("vix_change_kurtosis", "Excess kurtosis of log changes", NUMBER, lambda m: moment(_vix_changes(m), 4) - 3.0),
    (
        "vix_premium",
        "VIX less volatility of the next 22 sessions, mean",
        POINTS,
        lambda m: float(np.nanmean(m.vix - m.realised_ahead)),
    ),
    ("vix_premium_share", "Sessions on which that is positive", PERCENT, _premium_share),
    ("vix3m_ratio", "VIX3M / VIX, mean", RATIO, _vix3m_ratio),
    ("vix3m_inverted", "Sessions with VIX above VIX3M", PERCENT, _vix3m_inverted),
    ("vvix_mean", "VVIX, mean", POINTS, lambda m: float(np.nanmean(_vvix(m)))),
    ("vvix_q5", "VVIX, 5% quantile", POINTS, _vvix_quantile(5)),
    ("vvix_q50", "VVIX, median", POINTS, _vvix_quantile(50)),
    ("vvix_q95", "VVIX, 95% quantile", POINTS, _vvix_quantile(95)),
    ("vvix_max", "VVIX, highest", POINTS, lambda m: float(np.nanmax(_vvix(m)))),
    ("vvix_vix", "Correlation of VVIX with VIX", NUMBER, lambda m: correlation(_vvix(m), m.vix[m.within(VVIX_WINDOW)])),
    ("vvix_acf22", "Autocorrelation of VVIX, lag 22", NUMBER, lambda m: correlation(_vvix(m)[22:], _vvix(m)[:-22])),
]


def _contango(m: MarketSeries) -> Flags:
    return m.slot(1) < m.slot(2)


def _slope12_quantile(share: float) -> Measure:
    return lambda m: float(np.nanpercentile(m.slot(2) / m.slot(1), share))


def _beta(slot: int) -> Measure:
    return lambda m: _slope(np.diff(m.vix_from_base), m.slot_changes(slot))


def _cm30_volatility(m: MarketSeries) -> float:
    return volatility(np.diff(np.log(m.signals.constant_maturity_30d[m.veqtor.base :])))


def _growth_of(index: FuturesIndex) -> float:
    return annual_growth(index.sessions, index.excess_return)


_CURVE = [
    ("vx_contango", "Sessions with VX1 below VX2", PERCENT, lambda m: _share(_contango(m))),
    ("vx_basis", "VX1 / VIX, mean", RATIO, lambda m: _mean_ratio(m.slot(1), m.vix_from_base)),
    ("vx_slope12", "VX2 / VX1, mean", RATIO, lambda m: _mean_ratio(m.slot(2), m.slot(1))),
    ("vx_slope12_q5", "VX2 / VX1, 5% quantile", RATIO, _slope12_quantile(5)),
    ("vx_slope12_q95", "VX2 / VX1, 95% quantile", RATIO, _slope12_quantile(95)),
    (
        "vx_calm5",
        "VX5 where the VIX is below 13, mean",
        POINTS,
        lambda m: _mean_where(m.slot(5), m.vix_from_base < CALM),
    ),
    (
        "vx_stress5",
        "VX5 where the VIX is 28 or more, mean",
        POINTS,
        lambda m: _mean_where(m.slot(5), m.vix_from_base >= STRESS),
    ),
    ("vx_slope25", "VX5 / VX2, mean", RATIO, lambda m: _mean_ratio(m.slot(5), m.slot(2))),
    (
        "vx_inversion_mean",
        "Inversion of VX1 and VX2, mean length",
        SESSIONS,
        lambda m: float(runs(~_contango(m)).mean()),
    ),
    ("vx_inversion_longest", "Inversion, longest", SESSIONS, lambda m: float(runs(~_contango(m)).max())),
    ("vx_cm30_volatility", "Volatility of the 30-day constant-maturity price", PERCENT, _cm30_volatility),
    ("vx_beta1", "Slope of VX1 changes on VIX changes", RATIO, _beta(1)),
    ("vx_beta2", "Slope of VX2 changes on VIX changes", RATIO, _beta(2)),
    ("vx_beta5", "Slope of VX5 changes on VIX changes", RATIO, _beta(5)),
    (
        "vx_corr1",
        "Correlation of VX1 and VIX changes",
        NUMBER,
        lambda m: correlation(np.diff(m.vix_from_base), m.slot_changes(1)),
    ),
    ("st_return", "Short-term index, excess return a year", PERCENT, lambda m: _growth_of(m.signals.short_term)),
    (
        "st_volatility",
        "Short-term index, volatility a year",
        PERCENT,
        lambda m: volatility(m.signals.short_term.excess_return_change),
    ),
    (
        "st_best",
        "Short-term index, best day",
        PERCENT,
        lambda m: 100.0 * float(np.nanmax(m.signals.short_term.excess_return_change)),
    ),
    ("mt_return", "Mid-term index, excess return a year", PERCENT, lambda m: _growth_of(m.signals.mid_term)),
    (
        "mt_volatility",
        "Mid-term index, volatility a year",
        PERCENT,
        lambda m: volatility(m.signals.mid_term.excess_return_change),
    ),
]


def _regime_share(number: int) -> Measure:
    return lambda m: _share(m.veqtor.regime[m.veqtor.base :] == number)


def _trend_share(trend: int) -> Measure:
    return lambda m: _share(m.veqtor.trend.trend[m.veqtor.base :] == trend)


def _years(m: MarketSeries) -> float:
    return (len(m.sessions) - m.veqtor.base) / SESSIONS_PER_YEAR


def _equity(m: MarketSeries) -> Floats:
    return m.signals.inputs.equity.level[m.veqtor.base : len(m.sessions)]


def _level(m: MarketSeries) -> Floats:
    return m.veqtor.total_return[m.veqtor.base :]


_STRATEGY = [
    ("regime_0", "Sessions with realised volatility below 10%", PERCENT, _regime_share(0)),
    ("regime_1", "Sessions with realised volatility 10-20%", PERCENT, _regime_share(1)),
    ("regime_2", "Sessions with realised volatility 20-35%", PERCENT, _regime_share(2)),
    ("regime_3", "Sessions with realised volatility 35-45%", PERCENT, _regime_share(3)),
    ("regime_4", "Sessions with realised volatility 45% or more", PERCENT, _regime_share(4)),
    ("trend_-1", "Sessions in a VIX downtrend", PERCENT, _trend_share(-1)),
    ("trend_+0", "Sessions in no trend of the VIX", PERCENT, _trend_share(0)),
    ("trend_+1", "Sessions in a VIX uptrend", PERCENT, _trend_share(1)),
    ("stop_episodes", "Stop-loss episodes", A_YEAR, lambda m: len(runs(m.veqtor.in_cash)) / _years(m)),
    ("stop_days", "Days in cash", A_YEAR, lambda m: float(m.veqtor.in_cash.sum()) / _years(m)),
    (
        "spxtr_return",
        "S&P 500 total return a year",
        PERCENT,
        lambda m: annual_growth(m.sessions[m.veqtor.base :], _equity(m)),
    ),
    (
        "veqtor_return",
        "VEQTOR total return a year",
        PERCENT,
        lambda m: annual_growth(m.sessions[m.veqtor.base :], _level(m)),
    ),
    (
        "veqtor_volatility",
        "VEQTOR volatility a year",
        PERCENT,
        lambda m: volatility(m.veqtor.total_return_change[m.veqtor.base + 1 :]),
    ),
    ("veqtor_drawdown", "VEQTOR worst drawdown", PERCENT, lambda m: drawdown(_level(m))),
]


def _breadth(m: MarketSeries) -> Floats:
    net: Floats = (m.advances - m.declines) / (m.advances + m.declines)
    return np.where(m.within(BREADTH_WINDOW), net, np.nan)[1:]


def _funds(m: MarketSeries) -> Floats:
    days, rates = m.signals.inputs.history.dff
    return rates[days >= np.datetime64(BASE_SESSION)]


def _bill_spread(m: MarketSeries) -> float:
    (bill_days, bills), (fund_days, funds) = m.signals.inputs.history.dtb3, m.signals.inputs.history.dff
    at = np.clip(np.searchsorted(fund_days, bill_days), 0, len(fund_days) - 1)
    same = fund_days[at] == bill_days
    return float((bills[same] - funds[at[same]]).mean())


_OTHERS = [
    (
        "breadth_spx",
        "Correlation of net advances with the S&P 500 return",
        NUMBER,
        lambda m: correlation(_breadth(m), m.returns),
    ),
    (
        "breadth_volatility",
        "Net advances over issues, standard deviation",
        PERCENT,
        lambda m: 100.0 * float(np.nanstd(_breadth(m))),
    ),
    ("dff_mean", "Federal funds rate, mean", PERCENT, lambda m: float(_funds(m).mean())),
    ("dff_min", "Federal funds rate, lowest", PERCENT, lambda m: float(_funds(m).min())),
    ("dff_max", "Federal funds rate, highest", PERCENT, lambda m: float(_funds(m).max())),
    ("bill_spread", "Treasury bill less federal funds rate, mean", PERCENT, _bill_spread),
]

_GROUPS: dict[str, list[tuple[str, str, str, Measure]]] = {
    "S&P 500": _SPX,
    "VIX": _VIX,
    "VIX futures": _CURVE,
    "VEQTOR": _STRATEGY,
    "Breadth and rates": _OTHERS,
}

#: Every fact, in the order of the table.
FACTS = tuple(
    Fact(key, label, unit, group, measured) for group, rows in _GROUPS.items() for key, label, unit, measured in rows
)
