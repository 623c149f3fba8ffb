"""Source ``sample``: the simulated sample market, written as its publishers would have published it.

It needs no network and no files. The bodies have the shapes of the public files and go through the same parsers; both
publishers of a series say the same. Everything made from it says that it is simulated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from signals.calendar import MONTH_CODES, Days, TradingCalendar
from signals.sample_market.model import DEFAULT_SEED, SampleContract, SampleMarket, sample_market
from tasks.sources.formats import (
    CBOE_INDEX,
    CBOE_VX_CONTRACT,
    FRED_SERIES,
    OWN_SERIES,
    VX_OLD_SCALE,
    VX_RESCALED_ON,
    YAHOO_HISTORY,
)
from tasks.sources.payload import Fetched, Payload

Floats = npt.NDArray[np.float64]

_OHLC_HEADER = "DATE,OPEN,HIGH,LOW,CLOSE"
_VX_HEADER = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class SampleSource:
    """Draw the sample market and yield it as payloads.

    Parameters
    ----------
    calendar : TradingCalendar
    through : datetime.date
        Nothing is dated later.
    now : callable
        The clock: when a payload is said to have been fetched.
    seed : int
        Another seed is another market.
    """

    name = "sample"
    simulated = True
    heals = False

    def __init__(
        self, calendar: TradingCalendar, through: dt.date, now: Callable[[], dt.datetime], seed: int = DEFAULT_SEED
    ) -> None:
        self._calendar = calendar
        self._through = through
        self._now = now
        self._seed = seed

    def fetch(self) -> Fetched:
        """Every series of the market, then every contract by expiry.

        Raises
        ------
        ConfigurationError
            When the market cannot be drawn through that day.
        """
        return Fetched(tuple(self._payloads(sample_market(self._calendar, self._through, self._seed))))

    def _payloads(self, market: SampleMarket) -> Iterator[Payload]:
        for format_name, subject, path, lines in _files(market):
            body = "".join(f"{line}\n" for line in lines).encode()
            locator = f"sample://seed-{self._seed}/{path}"
            yield Payload(format_name, subject, locator, body, self._now(), assumed_availability=True)


def _files(market: SampleMarket) -> Iterator[tuple[str, str, str, Iterable[str]]]:
    """Format, subject, path and lines of every file."""
    for subject, (days, values), digits, column in (
        ("GSPC", (market.sessions, market.spx), 2, "Close"),
        ("SP500TR", (market.sessions, market.spx_total_return), 2, "Close"),
        ("SPY", (market.sessions, market.spy_adjusted), 6, "Adj Close"),
        ("VIX", (market.sessions, market.vix), 2, "Close"),
        ("IRX", market.irx, 3, "Close"),
    ):
        yield YAHOO_HISTORY, subject, f"yahoo/{subject}.csv", _yahoo(days, values, digits, column)
    for subject, header, values in (
        ("VIX", "DATE,CLOSE", market.vix),
        ("SPX", "DATE,SPX", market.spx),
        ("VIX3M", _OHLC_HEADER, market.vix3m),
        ("VVIX", "DATE,VVIX", market.vvix),
    ):
        yield CBOE_INDEX, subject, f"cboe/index/{subject}_History.csv", _cboe(header, market.sessions, values)
    for subject, (days, values) in (("DTB3", market.dtb3), ("DFF", market.dff)):
        yield FRED_SERIES, subject, f"fred/{subject}.csv", _fred(subject, days, values)
    yield OWN_SERIES, "nyse_advance_decline", "breadth/nyse_advance_decline.csv", _breadth(market)
    for contract in market.contracts:
        subject = f"VX_{contract.expiry}"
        yield CBOE_VX_CONTRACT, subject, f"cboe/futures/VX/{subject}.csv", _contract(contract)


def _yahoo(days: Days, values: Floats, digits: int, column: str) -> Iterator[str]:
    """A history with nothing but closes, or adjusted ones: the model has no other prices, and no volume."""
    yield f"Date,{column}"
    for day, value in zip(days.tolist(), values.tolist(), strict=True):
        yield f"{day},{value:.{digits}f}"


def _cboe(header: str, days: Days, values: Floats) -> Iterator[str]:
    """An index history; open, high and low, where the header has them, equal the close."""
    yield header
    columns = header.count(",")
    for day, value in zip(days.tolist(), values.tolist(), strict=True):
        yield f"{day:%m/%d/%Y}" + f",{value:.6f}" * columns


def _breadth(market: SampleMarket) -> Iterator[str]:
    yield "date,advances,declines"
    columns = (market.sessions.tolist(), market.advances.tolist(), market.declines.tolist())
    for day, advances, declines in zip(*columns, strict=True):
        yield f"{day},{advances},{declines}"


def _fred(subject: str, days: Days, values: Floats) -> Iterator[str]:
    yield f"observation_date,{subject}"
    for day, value in zip(days.tolist(), values.tolist(), strict=True):
        yield f"{day},{value:.2f}"


def _contract(contract: SampleContract) -> Iterator[str]:
    """One contract's life; as Cboe did, quoted at ten times the index before `VX_RESCALED_ON`."""
    yield _VX_HEADER
    label = f"{MONTH_CODES[contract.expiry.month - 1]} ({_MONTHS[contract.expiry.month - 1]} {contract.expiry.year})"
    for day, value in zip(contract.days.tolist(), contract.settlements.tolist(), strict=True):
        quoted = value * VX_OLD_SCALE if day < VX_RESCALED_ON else value
        yield f"{day},{label},0,0,0,0,{quoted:.4f},0,0,0,0"
