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

VIX3M = "VIX3M"
VIX6M = "VIX6M"
VIX9D = "VIX9D"
VVIX = "VVIX"
SKEW = "SKEW"

EVENT_CPI = "EVENT.CPI"
EVENT_PPI = "EVENT.PPI"
EVENT_FOMC = "EVENT.FOMC"

EVENTS = (EVENT_CPI, EVENT_PPI, EVENT_FOMC)

VX_PREFIX = "VX."

YAHOO = "yahoo"
CBOE = "cboe"
CBOE_ARCHIVE = "cboe-archive"
CBOE_SHEET = "cboe-sheet"
FRED = "fred"
BLS = "bls"
FED = "fed"


@dataclass(frozen=True)
class SeriesSpec:
    """What is known about a series before reading it.

    Attributes
    ----------
    unit : str
    lowest, highest : float
        Values outside are refused at the door: they are wrong by an order of magnitude, not unusual.
    why : str
        Where those limits come from.
    known_after_close : datetime.timedelta
        Assumed availability of backfilled values: this long after 16:00 New York time of their day.
    description : str
    """

    unit: str
    lowest: float
    highest: float
    why: str
    known_after_close: dt.timedelta
    description: str


def _hours(count: float) -> dt.timedelta:
    return dt.timedelta(hours=count)


_IMPLIED = "closes of the VIX since 1990 lie between 9 and 83"
_LEVEL = "since 2004 no close was below 600; ten times today's level is no close of the next years"
_RATE = "since 1976 bills paid between -0.1 and 17"

_DATED = "1 on a day with the event, 0 on one for which it was called off"
#: Schedules come out for the coming year.
_ANNOUNCED = _hours(-90 * 24.0)

_VX_SPEC = SeriesSpec("points", 5.0, 250.0, _IMPLIED, _hours(9.1), "VX futures daily settlement")

SPECS = {
    SPX: SeriesSpec("points", 100.0, 1e6, _LEVEL, _hours(0.5), "S&P 500, close"),
    SPXTR: SeriesSpec("points", 100.0, 1e7, _LEVEL, _hours(2.5), "S&P 500 Total Return, close"),
    SPY_ADJUSTED: SeriesSpec("USD", 1.0, 1e5, _LEVEL, _hours(0.5), "SPDR S&P 500 ETF, close adjusted for dividends"),
    VIX: SeriesSpec("points", 5.0, 250.0, _IMPLIED, _hours(0.5), "Cboe Volatility Index, close"),
    VIX3M: SeriesSpec("points", 5.0, 250.0, _IMPLIED, _hours(0.5), "Cboe 3-Month Volatility Index, close"),
    VIX6M: SeriesSpec("points", 5.0, 250.0, _IMPLIED, _hours(0.5), "Cboe 6-Month Volatility Index, close"),
    VIX9D: SeriesSpec("points", 3.0, 400.0, _IMPLIED, _hours(0.5), "Cboe 9-Day Volatility Index, close"),
    VVIX: SeriesSpec("points", 20.0, 600.0, "closes since 2006 lie between 59 and 208", _hours(0.5), "Cboe VIX of VIX"),
    SKEW: SeriesSpec(
        "points", 80.0, 300.0, "closes since 1990 lie between 101 and 184", _hours(0.5), "Cboe SKEW Index"
    ),
    IRX: SeriesSpec("percent", -3.0, 25.0, _RATE, _hours(0.5), "13-week Treasury bill, bank discount rate"),
    DTB3: SeriesSpec("percent", -3.0, 25.0, _RATE, _hours(24.25), "3-month Treasury bill, secondary market"),
    DFF: SeriesSpec("percent", -3.0, 25.0, _RATE, _hours(17.0), "effective federal funds rate"),
    EVENT_CPI: SeriesSpec("event", 0.0, 1.0, _DATED, _ANNOUNCED, "release of the Consumer Price Index"),
    EVENT_PPI: SeriesSpec("event", 0.0, 1.0, _DATED, _ANNOUNCED, "release of the Producer Price Index"),
    EVENT_FOMC: SeriesSpec("event", 0.0, 1.0, _DATED, _ANNOUNCED, "scheduled decision of the FOMC"),
}

#: Publishers of each series, the one that wins first.
PUBLISHERS = {
    SPX: (YAHOO, CBOE),
    SPXTR: (YAHOO,),
    SPY_ADJUSTED: (YAHOO,),
    VIX: (CBOE, YAHOO),
    VIX3M: (CBOE,),
    VIX6M: (CBOE,),
    VIX9D: (CBOE,),
    VVIX: (CBOE,),
    SKEW: (CBOE,),
    IRX: (YAHOO,),
    DTB3: (FRED,),
    DFF: (FRED,),
    EVENT_CPI: (BLS,),
    EVENT_PPI: (BLS,),
    EVENT_FOMC: (FED,),
}
VX_PUBLISHERS = (CBOE, CBOE_ARCHIVE, CBOE_SHEET)


def vx_series(expiry: dt.date) -> str:
    """Name of the settlement series of the VX contract that expires on `expiry`: ``VX.2020-03-18``."""
    return f"{VX_PREFIX}{expiry.isoformat()}"


def vx_expiry_of(series: str) -> dt.date | None:
    """Expiry of the contract a settlement series belongs to, or None if `series` is something else."""
    if not series.startswith(VX_PREFIX):
        return None
    return dt.date.fromisoformat(series.removeprefix(VX_PREFIX))


#: A sheet of settlements is out sooner than the files of the contracts.
_SHEET_AFTER_CLOSE = _hours(1.0)


def known_after_close(series: str, publisher: str) -> dt.timedelta:
    """How long after 16:00 New York time of its day a backfilled value is assumed to have been known."""
    return _SHEET_AFTER_CLOSE if publisher == CBOE_SHEET else spec(series).known_after_close


def spec(series: str) -> SeriesSpec:
    """The specification of a series, VX contracts included."""
    return _VX_SPEC if series.startswith(VX_PREFIX) else SPECS[series]
