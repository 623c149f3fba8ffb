"""Parsers of the public files, one per format, shared by every source.

A parser either returns clean observations or raises a `DataQualityError` that names the file and the line. It drops
only what its publisher documents as "no value" (a settlement of 0, a blank cell) and the wrong prints listed in
`tasks.sources.wrong_prints`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np

from signals.calendar import MONTH_CODES, trading_calendar
from signals.errors import DataQualityError
from signals.market import HISTORY_START, Observations
from signals.series import (
    CBOE,
    CBOE_ARCHIVE,
    CBOE_SHEET,
    DFF,
    DTB3,
    EQUITY_PE,
    EXCHANGE,
    FRED,
    GDPC1,
    IRX,
    NYSE_ADVANCES,
    NYSE_DECLINES,
    OWN_FILE,
    RBUSBIS,
    REIT_FUND,
    SECTOR_FUNDS,
    SKEW,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    SPY_CLOSE,
    SPY_VOLUME,
    VIX,
    VIX3M,
    VIX6M,
    VIX9D,
    VIX_HIGH,
    VIX_LOW,
    VIX_OPEN,
    VVIX,
    YAHOO,
    fund_return,
    vx_series,
)
from tasks.sources.events import parse_bls_schedule, parse_event_dates
from tasks.sources.option_chain import read_chain
from tasks.sources.payload import Payload
from tasks.sources.tables import (
    Table,
    column,
    day_by_day,
    extra_columns,
    first_day_of,
    observations,
    outside,
    read_on,
    table_of,
    wrong_name,
)
from tasks.sources.text import iso_date, json_of, number_in
from tasks.sources.wrong_prints import WRONG_PRINTS

CBOE_VX_CONTRACT = "cboe-vx-contract"
CBOE_VX_ARCHIVE = "cboe-vx-archive"
CBOE_VX_SHEET = "cboe-vx-sheet"
CBOE_INDEX = "cboe-index"
CBOE_OPTION_CHAIN = "cboe-option-chain"
YAHOO_HISTORY = "yahoo-history"
FRED_SERIES = "fred-series"
FRED_OBSERVATIONS = "fred-observations"
BLS_SCHEDULE = "bls-schedule"
EVENT_DATES = "event-dates"
OWN_SERIES = "own-series"

#: Cboe quoted VX at ten times the index until this trade date.
VX_RESCALED_ON = dt.date(2007, 3, 26)
VX_OLD_SCALE = 10.0

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: Series and column of each index by the subject of its file.
_CBOE_INDICES = {
    "VIX": (VIX, "CLOSE"),
    "VIX3M": (VIX3M, "CLOSE"),
    "VIX6M": (VIX6M, "CLOSE"),
    "VIX9D": (VIX9D, "CLOSE"),
    "VVIX": (VVIX, "VVIX"),
    "SKEW": (SKEW, "SKEW"),
    "SPX": (SPX, "SPX"),
}
_YAHOO_TICKERS = {
    "GSPC": (SPX, "Close"),
    "SP500TR": (SPXTR, "Close"),
    "SPY": (SPY_ADJUSTED, "Adj Close"),
    "VIX": (VIX, "Close"),
    "IRX": (IRX, "Close"),
}
#: What else is in the file of a subject, that no decision of VEQTOR rests on.
_DAY_PRICES = {"VIX": ((VIX_OPEN, "OPEN"), (VIX_HIGH, "HIGH"), (VIX_LOW, "LOW"))}
_TRADES = {"SPY": ((SPY_CLOSE, "Close"), (SPY_VOLUME, "Volume"))}
#: Funds of which the day's return is kept: a split or a dividend rewrites every price before it, but no return.
_RETURNS = {fund: fund_return(fund) for fund in (*SECTOR_FUNDS, REIT_FUND)}
_RETURN_DIGITS = 5

_FRED_SERIES = {"DTB3": DTB3, "DFF": DFF, "RBUSBIS": RBUSBIS, "GDPC1": GDPC1}
_OWN_SERIES = {
    "nyse_advance_decline": (EXCHANGE, ((NYSE_ADVANCES, "advances"), (NYSE_DECLINES, "declines"))),
    "equity_pe": (OWN_FILE, ((EQUITY_PE, "value"),)),
}

T = TypeVar("T")

_MONTHLY = re.compile(rf"VX/([{MONTH_CODES}])(\d)", re.ASCII)
_WEEKLY = re.compile(rf"VX\d\d/[{MONTH_CODES}]\d", re.ASCII)


def parse(payload: Payload) -> list[Observations]:
    """The observations in a payload, from `HISTORY_START` on, or from where the values of a month or longer are kept.

    Raises
    ------
    DataQualityError
        Naming file and line, for anything that is not what the format promises.
    """
    return list(PARSERS[payload.format](payload))


def _parse_vx_contract(payload: Payload) -> Iterator[Observations]:
    expiries = {f"VX_{expiry}": expiry for expiry in trading_calendar().vx_expiries.tolist()}
    expiry = expiries.get(payload.subject)
    if expiry is None:
        raise wrong_name(payload, "VX_<yyyy-mm-dd>, for the expiry of a monthly VX contract")
    label = f"{MONTH_CODES[expiry.month - 1]} ({_MONTHS[expiry.month - 1]} {expiry.year})"
    yield _settlements(payload, expiry, label, CBOE)


def _parse_vx_archive(payload: Payload) -> Iterator[Observations]:
    expiries = {
        f"CFE_{MONTH_CODES[expiry.month - 1]}{expiry:%y}_VX": expiry
        for expiry in trading_calendar().vx_expiries.tolist()
    }
    expiry = expiries.get(payload.subject)
    if expiry is None:
        raise wrong_name(payload, "CFE_<month letter><yy>_VX, for a month from 2004 on")
    label = f"{MONTH_CODES[expiry.month - 1]} ({_MONTHS[expiry.month - 1]} {expiry:%y})"
    yield _settlements(payload, expiry, label, CBOE_ARCHIVE)


def _settlements(payload: Payload, expiry: dt.date, label: str, publisher: str) -> Observations:
    table = table_of(payload, ("Trade Date", "Futures", "Settle"))
    name_at, settle_at = table.column("Futures"), table.column("Settle")

    def settlement(line: int, day: dt.date, cells: list[str]) -> float | None:
        if cells[name_at] != label:
            raise table.wrong(line, f"contract {label!r}", repr(cells[name_at]))
        quoted = table.number(line, cells[settle_at])
        if quoted is None or quoted == 0.0:
            return None
        return quoted / VX_OLD_SCALE if day < VX_RESCALED_ON else quoted

    return day_by_day(table, vx_series(expiry), publisher, settlement)


def _parse_vx_sheet(payload: Payload) -> Iterator[Observations]:
    """The settlements of one trade date, a contract per row.

    For a date long past the publisher leaves out what has expired since, and before the settlements are out it may
    repeat those of the session before. Either is a curve that does not begin where it has to.
    """
    table = table_of(payload, ("Product", "Symbol", "Expiration Date", "Price"))
    day = _sheet_day(payload)
    lines: dict[dt.date, int] = {}
    prices: dict[dt.date, float] = {}
    for line, cells in table.rows:
        expiry = _monthly_expiry(table, line, cells)
        if expiry is None:
            continue
        if expiry in lines:
            raise table.wrong(line, "each contract once", f"that of {expiry} again, as in line {lines[expiry]}")
        lines[expiry] = line
        price = table.number(line, cells[table.column("Price")])
        if expiry <= day or not price or WRONG_PRINTS.get((vx_series(expiry), day)) == price:
            continue
        table.check_range(line, vx_series(expiry), price)
        prices[expiry] = price
    expected = next(expiry for expiry in trading_calendar().vx_expiries.tolist() if expiry > day)
    # On its expiry day a contract may still be listed; it is in no slot any more.
    first = min((expiry for expiry in lines if expiry != day), default=None)
    if first != expected:
        raise DataQualityError(
            payload.locator,
            expected=f"the curve of {day}, whose first monthly contract expires on {expected}",
            got="no monthly contract" if first is None else f"a shifted curve, whose first expires on {first}",
            do="The publisher answered with the settlements of another day; take them from the files of the contracts.",
        )
    for expiry in sorted(prices):
        yield observations(vx_series(expiry), CBOE_SHEET, [(day, prices[expiry])])


def _sheet_day(payload: Payload) -> dt.date:
    """The trade date a sheet was asked for."""
    day = iso_date(payload.subject)
    if day is None or not HISTORY_START <= day <= read_on(payload):
        raise wrong_name(payload, f"<yyyy-mm-dd>, for a day from {HISTORY_START} to the one on which it was read")
    return day


def _monthly_expiry(table: Table, line: int, cells: list[str]) -> dt.date | None:
    """The expiry in a row of a sheet; None where it is about something other than a monthly VX contract."""
    product, symbol = (cells[table.column(name)] for name in ("Product", "Symbol"))
    monthly = _MONTHLY.fullmatch(symbol)
    if monthly is None:
        if product == "VX" and not _WEEKLY.fullmatch(symbol):
            raise table.wrong(line, "a symbol such as 'VX/U6' or 'VX38/U6'", repr(symbol))
        return None
    expiry = table.date(line, cells[table.column("Expiration Date")])
    code, digit = monthly.groups()
    if product != "VX" or MONTH_CODES[expiry.month - 1] != code or str(expiry.year % 10) != digit:
        raise table.wrong(line, f"a contract of VX that expires in the month of {symbol!r}", f"{product!r}, {expiry}")
    if expiry not in trading_calendar().vx_expiries.tolist():
        raise table.wrong(line, f"the monthly expiry of {expiry:%B %Y}", str(expiry))
    return expiry


def _parse_cboe_index(payload: Payload) -> Iterator[Observations]:
    series, name = _by_subject(payload, _CBOE_INDICES)
    table = table_of(payload, ("DATE", name))
    yield column(table, series, CBOE, name)
    yield from extra_columns(table, _DAY_PRICES.get(payload.subject, ()), CBOE)


def _parse_yahoo_history(payload: Payload) -> Iterator[Observations]:
    if payload.subject in _RETURNS:
        yield _returns(payload, _RETURNS[payload.subject])
        return
    series, name = _by_subject(payload, _YAHOO_TICKERS)
    table = table_of(payload, ("Date", name))
    yield column(table, series, YAHOO, name)
    yield from extra_columns(table, _TRADES.get(payload.subject, ()), YAHOO)


def _returns(payload: Payload, series: str) -> Observations:
    """The returns between adjusted closes of two sessions that follow each other.

    Rounded, so that the last digits of prices that were adjusted again do not make another return.
    """
    table = table_of(payload, ("Date", "Adj Close"))
    at = table.column("Adj Close")
    sessions = trading_calendar().sessions
    last: tuple[int, float] | None = None

    def of_day(line: int, day: dt.date, cells: list[str]) -> float | None:
        nonlocal last
        price = table.number(line, cells[at])
        if price is None:
            return None
        if price <= 0.0:
            raise table.wrong(line, "a price above 0", f"{price:g}")
        row = int(np.searchsorted(sessions, np.datetime64(day)))
        if row == len(sessions) or sessions[row] != np.datetime64(day):
            return None
        before, last = last, (row, price)
        follows = before is not None and before[0] == row - 1
        return round(price / before[1] - 1.0, _RETURN_DIGITS) if before is not None and follows else None

    return day_by_day(table, series, YAHOO, of_day)


def _parse_own_series(payload: Payload) -> Iterator[Observations]:
    """A table that somebody keeps: a date and one or more values."""
    publisher, columns = _by_subject(payload, _OWN_SERIES)
    table = table_of(payload, ("date", *(name for _, name in columns)))
    for series, name in columns:
        yield column(table, series, publisher, name)


def _parse_fred_series(payload: Payload) -> Iterator[Observations]:
    series = _by_subject(payload, _FRED_SERIES)
    yield column(table_of(payload, ("observation_date", payload.subject)), series, FRED, payload.subject)


def _parse_fred_observations(payload: Payload) -> Iterator[Observations]:
    """The answer of FRED's API. "." is no value."""
    series = _by_subject(payload, _FRED_SERIES)
    body = json_of(payload)
    entries = body.get("observations") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries:
        raise _wrong_entry(payload, None, "a list of observations", _named(body))
    count = body.get("count", len(entries))
    if count != len(entries):
        raise _wrong_entry(payload, None, f"all {count} observations", f"{len(entries)} of them")
    found: list[tuple[dt.date, float]] = []
    previous = dt.date.min
    for number, entry in enumerate(entries, start=1):
        day, value = _fred_entry(payload, number, entry)
        if day <= previous:
            what = "a second time" if day == previous else f"after {previous}"
            raise _wrong_entry(payload, number, "dates in ascending order, each once", f"{day} {what}")
        if day > read_on(payload):
            raise _wrong_entry(payload, number, f"a day up to {read_on(payload)}, when it was read", f"{day}")
        previous = day
        if day < first_day_of(series) or value is None or WRONG_PRINTS.get((series, day)) == value:
            continue
        if expected := outside(series, value):
            raise _wrong_entry(payload, number, expected, f"{value:g}")
        found.append((day, value))
    yield observations(series, FRED, found)


def _fred_entry(payload: Payload, number: int, entry: object) -> tuple[dt.date, float | None]:
    """Day and value of one entry; None for no value."""
    fields = entry if isinstance(entry, dict) else {}
    day = iso_date(fields.get("date"))
    if day is None:
        raise _wrong_entry(payload, number, "a date as yyyy-mm-dd", repr(fields.get("date"))[:60])
    text = fields.get("value")
    if text == ".":
        return day, None
    value = number_in(text) if isinstance(text, str) else None
    if value is None:
        raise _wrong_entry(payload, number, 'a number as text, or "."', repr(text)[:60])
    return day, value


def _wrong_entry(payload: Payload, number: int | None, expected: str, got: str) -> DataQualityError:
    about = payload.locator if number is None else f"{payload.locator}, observation {number}"
    return DataQualityError(about, expected=expected, got=got, do="Fetch the file again.")


def _named(body: object) -> str:
    """What a JSON body is, for an error: the names of its fields, never what is in them."""
    return f"the fields {', '.join(body) or 'of none'}"[:120] if isinstance(body, dict) else f"a {type(body).__name__}"


def _by_subject(payload: Payload, known: Mapping[str, T]) -> T:
    if payload.subject not in known:
        raise wrong_name(payload, " or ".join(known))
    return known[payload.subject]


def _parse_option_chain(payload: Payload) -> Iterator[Observations]:
    """Options are no series: `read_chain` gives them. Here the body is only checked."""
    read_chain(payload)
    return iter(())


PARSERS: dict[str, Callable[[Payload], Iterator[Observations]]] = {
    CBOE_VX_CONTRACT: _parse_vx_contract,
    CBOE_VX_ARCHIVE: _parse_vx_archive,
    CBOE_VX_SHEET: _parse_vx_sheet,
    CBOE_INDEX: _parse_cboe_index,
    CBOE_OPTION_CHAIN: _parse_option_chain,
    YAHOO_HISTORY: _parse_yahoo_history,
    FRED_SERIES: _parse_fred_series,
    FRED_OBSERVATIONS: _parse_fred_observations,
    BLS_SCHEDULE: parse_bls_schedule,
    EVENT_DATES: parse_event_dates,
    OWN_SERIES: _parse_own_series,
}
