"""What the hedge is measured from, out of the history that VEQTOR was computed on.

Rows are the usable sessions of VEQTOR. Every value is one of its own session, except the exchange rate of the dollar
and the schedules of events, whose days are told apart where they are used: nothing depends on what comes after a row.
A series that is not there is a column of NaN.
"""

from __future__ import annotations

import numpy as np

from signals.alvh.indicator_table import IndicatorInputs, schedules
from signals.alvh.substitutes import usable_open
from signals.series import (
    CBOE,
    EXCHANGE,
    FRED,
    NYSE_ADVANCES,
    NYSE_DECLINES,
    RBUSBIS,
    SECTOR_FUNDS,
    SPY_CLOSE,
    SPY_VOLUME,
    VIX3M,
    VIX_HIGH,
    VIX_LOW,
    VIX_OPEN,
    VVIX,
    YAHOO,
    fund_return,
)
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats, Integers

#: So many sector funds make a basket: those that are there since 1998.
BASKET_FUNDS = 9


def indicator_inputs(signals: VeqtorSignals) -> IndicatorInputs:
    """The inputs of the indicators, a row per usable session."""
    inputs, usable = signals.inputs, signals.inputs.usable
    history = inputs.history
    excess = np.full(usable, np.nan)
    excess[signals.veqtor.base :] = signals.short_term.excess_return_change
    basket, basket_size = _basket(signals)
    dollar = history.data.find(RBUSBIS, FRED)
    return IndicatorInputs(
        sessions=inputs.sessions[:usable],
        vix=inputs.vix[:usable],
        vix3m=by_session(signals, VIX3M, CBOE),
        vvix=by_session(signals, VVIX, CBOE),
        spx=history.spx_yahoo[:usable],
        panel=inputs.panel(0),
        equity_return=inputs.equity.change[:usable],
        short_term_return=excess,
        tbill=inputs.tbill.rate[:usable],
        spy_return=spy_return(signals),
        spy_dollar_volume=by_session(signals, SPY_CLOSE, YAHOO) * by_session(signals, SPY_VOLUME, YAHOO),
        advance_decline=_advance_decline(signals),
        basket=basket,
        basket_size=basket_size,
        reer=(dollar.days, dollar.values),
        schedules=schedules(history.data),
        calendar=inputs.calendar,
    )


def open_stand_ins(signals: VeqtorSignals) -> Floats:
    """The VIX open of each usable session where it can stand for a final settlement, VIX points; NaN elsewhere."""
    opening, high, low = (by_session(signals, name, CBOE) for name in (VIX_OPEN, VIX_HIGH, VIX_LOW))
    return usable_open(opening, high, low, signals.inputs.vix[: signals.inputs.usable])


def by_session(signals: VeqtorSignals, series: str, publisher: str) -> Floats:
    """A series at each usable session; NaN where it has no value."""
    return signals.inputs.history.data.find(series, publisher).aligned(signals.inputs.sessions)[0][
        : signals.inputs.usable
    ]


def spy_return(signals: VeqtorSignals) -> Floats:
    """Total return of SPY on each usable session, a decimal; NaN in the first row, and where a close is missing."""
    adjusted = signals.inputs.history.spy_adjusted[: signals.inputs.usable]
    found = np.full(len(adjusted), np.nan)
    found[1:] = adjusted[1:] / adjusted[:-1] - 1.0
    return found


def _advance_decline(signals: VeqtorSignals) -> Floats:
    advances, declines = (by_session(signals, name, EXCHANGE) for name in (NYSE_ADVANCES, NYSE_DECLINES))
    # On a day on which nothing rose or fell nobody counted.
    return np.where(advances + declines > 0.0, advances - declines, np.nan)


def _basket(signals: VeqtorSignals) -> tuple[Floats, Integers]:
    """Rising less falling sector funds, NaN where fewer than `BASKET_FUNDS` are there; and how many are."""
    returns = np.array([by_session(signals, fund_return(fund), YAHOO) for fund in SECTOR_FUNDS])
    size = np.isfinite(returns).sum(axis=0, dtype=np.int64)
    return np.where(size >= BASKET_FUNDS, np.nansum(np.sign(returns), axis=0), np.nan), size
