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
SPY_CLOSE = "SPY.close"
SPY_VOLUME = "SPY.volume"
VIX = "VIX"
VIX_OPEN = "VIX.open"
VIX_HIGH = "VIX.high"
VIX_LOW = "VIX.low"
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

NYSE_ADVANCES = "NYSE.advances"
NYSE_DECLINES = "NYSE.declines"

RBUSBIS = "RBUSBIS"
GDPC1 = "GDPC1"
EQUITY_PE = "EQUITY.PE"

#: The Select Sector SPDR funds; XLRE is there since October 2015, XLC since June 2018.
SECTOR_FUNDS = ("XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY")
#: A fund of real estate investment trusts.
REIT_FUND = "VNQ"

YAHOO = "yahoo"
CBOE = "cboe"
CBOE_ARCHIVE = "cboe-archive"
CBOE_SHEET = "cboe-sheet"
FRED = "fred"
BLS = "bls"
FED = "fed"
EXCHANGE = "exchange"
#: A file that somebody keeps in the data directory.
OWN_FILE = "own-file"


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
        Assumed availability of backfilled values: this long after 16:00 New York time of their day, or of the last
        day of their months.
    description : str
    months : int
        How many months a value is for, from its day on; 0 where it is of the day alone.
    kept_from : datetime.date, optional
        Earlier values are left out; without it those from before any history begins.
    """

    unit: str
    lowest: float
    highest: float
    why: str
    known_after_close: dt.timedelta
    description: str
    months: int = 0
    kept_from: dt.date | None = None


def fund_return(fund: str) -> str:
    """Name of the series of a fund's daily total returns: ``XLK.return``."""
    return f"{fund}.return"


def _hours(count: float) -> dt.timedelta:
    return dt.timedelta(hours=count)


_IMPLIED = "closes of the VIX since 1990 lie between 9 and 83"
_LEVEL = "since 2004 no close was below 600; ten times today's level is no close of the next years"
_RATE = "since 1976 bills paid between -0.1 and 17"

_PRINT = "wide enough for single wrong prints; whoever uses one judges it"
_ISSUES = "fewer than 10,000 issues are listed"
_FUND_DAY = "since 1998 no sector fund lost or gained more than a quarter in a day"
_DOLLAR = "since 1994 it lay between 78 and 115; another base year shifts that a little"
_GDP = "since 2002 it lay between 13,000 and 25,000, in prices of 2017"

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
    VIX_OPEN: SeriesSpec("points", 1.0, 1000.0, _PRINT, _hours(0.5), "Cboe Volatility Index, open"),
    VIX_HIGH: SeriesSpec("points", 1.0, 1000.0, _PRINT, _hours(0.5), "Cboe Volatility Index, high"),
    VIX_LOW: SeriesSpec("points", 1.0, 1000.0, _PRINT, _hours(0.5), "Cboe Volatility Index, low"),
    SPY_CLOSE: SeriesSpec("USD", 1.0, 1e5, _LEVEL, _hours(0.5), "SPDR S&P 500 ETF, close"),
    SPY_VOLUME: SeriesSpec(
        "shares", 1.0, 1e12, "days of the last years have 1e7 to 1e9", _hours(0.5), "SPDR S&P 500 ETF, shares traded"
    ),
    IRX: SeriesSpec("percent", -3.0, 25.0, _RATE, _hours(0.5), "13-week Treasury bill, bank discount rate"),
    DTB3: SeriesSpec("percent", -3.0, 25.0, _RATE, _hours(24.25), "3-month Treasury bill, secondary market"),
    DFF: SeriesSpec("percent", -3.0, 25.0, _RATE, _hours(17.0), "effective federal funds rate"),
    EVENT_CPI: SeriesSpec("event", 0.0, 1.0, _DATED, _ANNOUNCED, "release of the Consumer Price Index"),
    EVENT_PPI: SeriesSpec("event", 0.0, 1.0, _DATED, _ANNOUNCED, "release of the Producer Price Index"),
    EVENT_FOMC: SeriesSpec("event", 0.0, 1.0, _DATED, _ANNOUNCED, "scheduled decision of the FOMC"),
    NYSE_ADVANCES: SeriesSpec("issues", 0.0, 1e4, _ISSUES, _hours(2.0), "New York Stock Exchange, advancing issues"),
    NYSE_DECLINES: SeriesSpec("issues", 0.0, 1e4, _ISSUES, _hours(2.0), "New York Stock Exchange, declining issues"),
    **{
        fund_return(fund): SeriesSpec(
            "decimal", -0.6, 1.0, _FUND_DAY, _hours(0.5), f"{fund}, total return of the day, rounded to 0.001%"
        )
        for fund in (*SECTOR_FUNDS, REIT_FUND)
    },
    RBUSBIS: SeriesSpec(
        "index",
        20.0,
        500.0,
        _DOLLAR,
        _hours(45 * 24.0),
        "BIS, real broad effective exchange rate of the dollar",
        months=1,
        kept_from=dt.date(1994, 1, 1),
    ),
    GDPC1: SeriesSpec(
        "billion USD",
        5e3,
        1e6,
        _GDP,
        _hours(30 * 24.0),
        "real gross domestic product of the United States",
        months=3,
        kept_from=dt.date(2002, 1, 1),
    ),
    EQUITY_PE: SeriesSpec("ratio", 1.0, 1e3, "since 1900 it lay between 5 and 124", _hours(0.0), "equity P/E"),
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
    VIX_OPEN: (CBOE,),
    VIX_HIGH: (CBOE,),
    VIX_LOW: (CBOE,),
    SPY_CLOSE: (YAHOO,),
    SPY_VOLUME: (YAHOO,),
    NYSE_ADVANCES: (EXCHANGE,),
    NYSE_DECLINES: (EXCHANGE,),
    **{fund_return(fund): (YAHOO,) for fund in (*SECTOR_FUNDS, REIT_FUND)},
    RBUSBIS: (FRED,),
    GDPC1: (FRED,),
    EQUITY_PE: (OWN_FILE,),
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


def known_after_close(series: str, publisher: str, day: dt.date) -> dt.timedelta:
    """How long after 16:00 New York time of its day a backfilled value is assumed to have been known."""
    if publisher == CBOE_SHEET:
        return _SHEET_AFTER_CLOSE
    found = spec(series)
    return found.known_after_close + (last_day_of(day, found.months) - day)


def is_never_rewritten(series: str) -> bool:
    """Whether no publisher rewrites the history: closes, and settlements.

    What is adjusted for dividends is rewritten with each of them. The other prices of a day of the VIX may be: they are
    stand-ins at most, and whatever is wrong with them must not keep the close beside them from being read.
    """
    return series.startswith((SPX, VIX, VX_PREFIX)) and series not in (VIX_OPEN, VIX_HIGH, VIX_LOW)


def last_day_of(day: dt.date, months: int) -> dt.date:
    """The last day of so many months of which `day` is the first; with 0 months that day."""
    following = day.year * 12 + day.month - 1 + months
    return dt.date(following // 12, following % 12 + 1, 1) - dt.timedelta(days=1) if months else day


def spec(series: str) -> SeriesSpec:
    """The specification of a series, VX contracts included."""
    return _VX_SPEC if series.startswith(VX_PREFIX) else SPECS[series]
