"""Parsers of the public files, one per format, shared by every source.

A parser either returns clean observations or raises a `DataQualityError` that names the file and the line. It drops
only what its publisher documents as "no value" (a settlement of 0, a blank cell) and the wrong prints listed in
`tasks.sources.wrong_prints`.
"""

from __future__ import annotations

import codecs
import datetime as dt
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from signals.calendar import MONTH_CODES, NEW_YORK, trading_calendar
from signals.errors import DataQualityError
from signals.market import HISTORY_START, Observations
from signals.series import (
    CBOE,
    CBOE_ARCHIVE,
    DFF,
    DTB3,
    FRED,
    IRX,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    YAHOO,
    spec,
    vx_series,
)
from tasks.sources.payload import Payload
from tasks.sources.wrong_prints import WRONG_PRINTS

CBOE_VX_CONTRACT = "cboe-vx-contract"
CBOE_VX_ARCHIVE = "cboe-vx-archive"
CBOE_INDEX = "cboe-index"
YAHOO_HISTORY = "yahoo-history"
FRED_SERIES = "fred-series"

#: Cboe quoted VX at ten times the index until this trade date.
VX_RESCALED_ON = dt.date(2007, 3, 26)
VX_OLD_SCALE = 10.0

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
# Narrower than float(): no infinities, no underscores, no digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class _Table:
    """Rows of one CSV body, each with its line number."""

    locator: str
    read_on: dt.date
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, name: str) -> int:
        return self.header.index(name)

    def wrong(self, line: int, expected: str, got: str) -> DataQualityError:
        return DataQualityError(
            f"{self.locator}, line {line}", expected=expected, got=got, do="Fetch the file again, or mend the line."
        )


def parse(payload: Payload) -> list[Observations]:
    """The observations in a payload, from `HISTORY_START` on.

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
        raise _wrong_name(payload, "VX_<yyyy-mm-dd>, for the expiry of a monthly VX contract")
    label = f"{MONTH_CODES[expiry.month - 1]} ({_MONTHS[expiry.month - 1]} {expiry.year})"
    yield _settlements(payload, expiry, label, CBOE)


def _parse_vx_archive(payload: Payload) -> Iterator[Observations]:
    expiries = {
        f"CFE_{MONTH_CODES[expiry.month - 1]}{expiry:%y}_VX": expiry
        for expiry in trading_calendar().vx_expiries.tolist()
    }
    expiry = expiries.get(payload.subject)
    if expiry is None:
        raise _wrong_name(payload, "CFE_<month letter><yy>_VX, for a month from 2004 on")
    label = f"{MONTH_CODES[expiry.month - 1]} ({_MONTHS[expiry.month - 1]} {expiry:%y})"
    yield _settlements(payload, expiry, label, CBOE_ARCHIVE)


def _settlements(payload: Payload, expiry: dt.date, label: str, publisher: str) -> Observations:
    table = _table(payload, ("Trade Date", "Futures", "Settle"))
    name_at, settle_at = table.column("Futures"), table.column("Settle")
    series = vx_series(expiry)

    def settlement(line: int, day: dt.date, cells: list[str]) -> float | None:
        if cells[name_at] != label:
            raise table.wrong(line, f"contract {label!r}", repr(cells[name_at]))
        quoted = _number(table, line, cells[settle_at])
        if quoted is None or quoted == 0.0:
            return None
        return quoted / VX_OLD_SCALE if day < VX_RESCALED_ON else quoted

    return _observations(table, series, publisher, settlement)


def _parse_cboe_index(payload: Payload) -> Iterator[Observations]:
    series, column = {"VIX": (VIX, "CLOSE"), "SPX": (SPX, "SPX")}[payload.subject]
    yield _column(_table(payload, ("DATE", column)), series, CBOE, column)


def _parse_yahoo_history(payload: Payload) -> Iterator[Observations]:
    series, column = {
        "GSPC": (SPX, "Close"),
        "SP500TR": (SPXTR, "Close"),
        "SPY": (SPY_ADJUSTED, "Adj Close"),
        "VIX": (VIX, "Close"),
        "IRX": (IRX, "Close"),
    }[payload.subject]
    yield _column(_table(payload, ("Date", column)), series, YAHOO, column)


def _parse_fred_series(payload: Payload) -> Iterator[Observations]:
    series = {"DTB3": DTB3, "DFF": DFF}[payload.subject]
    yield _column(_table(payload, ("observation_date", payload.subject)), series, FRED, payload.subject)


PARSERS: dict[str, Callable[[Payload], Iterator[Observations]]] = {
    CBOE_VX_CONTRACT: _parse_vx_contract,
    CBOE_VX_ARCHIVE: _parse_vx_archive,
    CBOE_INDEX: _parse_cboe_index,
    YAHOO_HISTORY: _parse_yahoo_history,
    FRED_SERIES: _parse_fred_series,
}


def _table(payload: Payload, required: tuple[str, ...]) -> _Table:
    """Split a body into rows; the date column is the first of `required`."""
    text = _text(payload)
    lines = text.splitlines()
    start = next((index for index, line in enumerate(lines) if line.startswith(required[0] + ",")), None)
    header = [] if start is None else [cell.strip() for cell in lines[start].split(",")]
    absent = [name for name in required if name not in header]
    if start is None or absent:
        raise DataQualityError(
            payload.locator,
            expected=f"a header with the columns {', '.join(required)}",
            got=f"{lines[0][:60]!r} as the first line" if start is None else f"no column {', '.join(absent)}",
            do="Fetch the file again; if the publisher changed it, its parser has to follow.",
        )
    if not text.endswith("\n"):
        raise DataQualityError(
            f"{payload.locator}, line {len(lines)}",
            expected="a line end after the last row",
            got=f"{lines[-1][-40:]!r}, cut off",
            do="The file was only half written; fetch it again.",
        )
    # No publisher quotes a cell. A CSV reader would join the lines after a stray quote and lose count of them.
    rows = [(number, line.split(",")) for number, line in enumerate(lines[start + 1 :], start=start + 2) if line]
    table = _Table(payload.locator, payload.fetched_at.astimezone(NEW_YORK).date(), header, rows)
    for line, cells in rows:
        surplus = cells[len(header) :]
        if len(cells) < len(header) or any(surplus):
            raise table.wrong(line, f"{len(header)} fields", f"{len(cells)}: {','.join(cells)[:60]!r}")
    if not rows:
        raise DataQualityError(
            payload.locator, expected="at least one row", got="a header and nothing below", do="Fetch the file again."
        )
    return table


def _text(payload: Payload) -> str:
    start = payload.body.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise DataQualityError(payload.locator, expected="a CSV file", got="an empty one", do="Fetch the file again.")
    if start.startswith(b"<"):
        raise DataQualityError(
            payload.locator,
            expected="a CSV file",
            got=f"an HTML page: {start[:40]!r}",
            do="A proxy or the publisher answered with a page; fetch the file again.",
        )
    try:
        return payload.body.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataQualityError(
            payload.locator,
            expected="text in UTF-8",
            got=f"the byte {payload.body[error.start]:#04x} at position {error.start}",
            do="Fetch the file again.",
        ) from error


def _column(table: _Table, series: str, publisher: str, name: str) -> Observations:
    at = table.column(name)
    return _observations(table, series, publisher, lambda line, _day, cells: _number(table, line, cells[at]))


def _observations(
    table: _Table,
    series: str,
    publisher: str,
    value_of: Callable[[int, dt.date, list[str]], float | None],
) -> Observations:
    limits = spec(series)
    days: list[dt.date] = []
    values: list[float] = []
    previous = dt.date.min
    for line, cells in table.rows:
        day = _date(table, line, cells[0])
        if day <= previous:
            what = "a second time" if day == previous else f"after {previous}"
            raise table.wrong(line, "dates in ascending order, each once", f"{day} {what}")
        if day > table.read_on:
            raise table.wrong(line, f"a day up to {table.read_on}, when it was read", f"{day}, in the future")
        previous = day
        if day < HISTORY_START:
            continue
        value = value_of(line, day, cells)
        if value is None or WRONG_PRINTS.get((series, day)) == value:
            continue
        if not limits.lowest <= value <= limits.highest:
            raise table.wrong(
                line, f"{series} between {limits.lowest:g} and {limits.highest:g} {limits.unit}", f"{value:g}"
            )
        days.append(day)
        values.append(value)
    return Observations(
        series, publisher, np.array(days, dtype="datetime64[D]"), np.array(values), np.zeros(len(days), dtype=np.int64)
    )


def _date(table: _Table, line: int, cell: str) -> dt.date:
    try:
        if len(cell) == len("yyyy-mm-dd") and cell[4] == cell[7] == "-":
            return dt.date.fromisoformat(cell)
        if american := _AMERICAN.fullmatch(cell):
            return dt.date(int(american[3]), int(american[1]), int(american[2]))
    except ValueError:
        pass
    raise table.wrong(line, "a date as yyyy-mm-dd or mm/dd/yyyy", repr(cell))


def _number(table: _Table, line: int, cell: str) -> float | None:
    """The number in a cell; None for a blank one, which is how publishers write "no value"."""
    text = cell.strip(" ")
    if not text:
        return None
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise table.wrong(line, "a number", repr(cell))
    return value


def _wrong_name(payload: Payload, expected: str) -> DataQualityError:
    return DataQualityError(
        payload.locator, expected=f"a file named {expected}", got=repr(payload.subject), do="Rename or remove it."
    )
