"""The sample market as observations, as if every series had been read from its publishers."""

from __future__ import annotations

import numpy as np

from signals.calendar import Days
from signals.market import MarketData, Observations
from signals.sample_market.model import SampleMarket
from signals.sample_market.pricing import Floats
from signals.series import (
    CBOE,
    DFF,
    DTB3,
    EXCHANGE,
    FRED,
    IRX,
    NYSE_ADVANCES,
    NYSE_DECLINES,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    VIX3M,
    VVIX,
    YAHOO,
    vx_series,
)


def market_data(market: SampleMarket) -> MarketData:
    """Observations of everything the strategies read; both publishers of a series say the same."""
    by_session = (
        (SPX, YAHOO, market.spx),
        (SPX, CBOE, market.spx),
        (SPXTR, YAHOO, market.spx_total_return),
        (SPY_ADJUSTED, YAHOO, market.spy_adjusted),
        (VIX, CBOE, market.vix),
        (VIX, YAHOO, market.vix),
        (VIX3M, CBOE, market.vix3m),
        (VVIX, CBOE, market.vvix),
        (NYSE_ADVANCES, EXCHANGE, market.advances.astype(np.float64)),
        (NYSE_DECLINES, EXCHANGE, market.declines.astype(np.float64)),
    )
    rates = ((IRX, YAHOO, market.irx), (DTB3, FRED, market.dtb3), (DFF, FRED, market.dff))
    observations = [_observations(series, who, market.sessions, values) for series, who, values in by_session]
    observations += [_observations(series, who, *found) for series, who, found in rates]
    observations += [
        _observations(vx_series(contract.expiry), CBOE, contract.days, contract.settlements)
        for contract in market.contracts
    ]
    return MarketData(observations, simulated=True)


def _observations(series: str, publisher: str, days: Days, values: Floats) -> Observations:
    return Observations(series, publisher, days, values, np.zeros(len(days), dtype=np.int64))
