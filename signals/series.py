"""The series the strategies rest on: names, units, plausible ranges, publishers, and when a value became known.

A series is what a number *is* ("SPX", the closing level of the S&P 500); a publisher is who says so ("yahoo"). The same
series can have several publishers; `PUBLISHERS` says which one wins. Standard library only.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

#: The session on which the published indices were 100,000: the first with a level.
BASE_SESSION = dt.date(2005, 12, 20)

SPX = "SPX"
SPXTR = "SPXTR"
SPY_ADJUSTED = "SPY.adjusted"
VIX = "VIX"
IRX = "IRX"
DTB3 = "DTB3"
DFF = "DFF"

VX_PREFIX = "VX."

YAHOO = "yahoo"
CBOE = "cboe"
CBOE_ARCHIVE = "cboe-archive"
FRED = "fred"


@dataclass(frozen=True)
class SeriesSpec:
    """What is known about a series before reading it.

    Attributes
    ----------
    unit : str
    lowest, highest : float
        Values outside are refused at the door: they are wrong by an order of magnitude, not unusual.
    known_after_close : datetime.timedelta
        Assumed availability of backfilled values: this long after 16:00 New York time of their day.
    description : str
    """

    unit: str
    lowest: float
    highest: float
    known_after_close: dt.timedelta
    description: str


def _hours(count: float) -> dt.timedelta:
    return dt.timedelta(hours=count)


_VX_SPEC = SeriesSpec("points", 5.0, 250.0, _hours(9.1), "VX futures daily settlement")

SPECS = {
    SPX: SeriesSpec("points", 100.0, 1e6, _hours(0.5), "S&P 500, close"),
    SPXTR: SeriesSpec("points", 100.0, 1e7, _hours(2.5), "S&P 500 Total Return, close"),
    SPY_ADJUSTED: SeriesSpec("USD", 1.0, 1e5, _hours(0.5), "SPDR S&P 500 ETF, close adjusted for dividends"),
    VIX: SeriesSpec("points", 5.0, 250.0, _hours(0.5), "Cboe Volatility Index, close"),
    IRX: SeriesSpec("percent", -3.0, 25.0, _hours(0.5), "13-week Treasury bill, bank discount rate"),
    DTB3: SeriesSpec("percent", -3.0, 25.0, _hours(24.25), "3-month Treasury bill, secondary market, discount rate"),
    DFF: SeriesSpec("percent", -3.0, 25.0, _hours(17.0), "effective federal funds rate"),
}

#: Publishers of each series, the one that wins first.
PUBLISHERS = {
    SPX: (YAHOO, CBOE),
    SPXTR: (YAHOO,),
    SPY_ADJUSTED: (YAHOO,),
    VIX: (CBOE, YAHOO),
    IRX: (YAHOO,),
    DTB3: (FRED,),
    DFF: (FRED,),
}
VX_PUBLISHERS = (CBOE, CBOE_ARCHIVE)


def vx_series(expiry: dt.date) -> str:
    """Name of the settlement series of the VX contract that expires on `expiry`: ``VX.2020-03-18``."""
    return f"{VX_PREFIX}{expiry.isoformat()}"


def vx_expiry_of(series: str) -> dt.date | None:
    """Expiry of the contract a settlement series belongs to, or None if `series` is something else."""
    if not series.startswith(VX_PREFIX):
        return None
    return dt.date.fromisoformat(series.removeprefix(VX_PREFIX))


def spec(series: str) -> SeriesSpec:
    """The specification of a series, VX contracts included."""
    return _VX_SPEC if series.startswith(VX_PREFIX) else SPECS[series]
