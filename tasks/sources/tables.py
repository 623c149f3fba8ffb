"""Reading a CSV body row by row, so that whatever is wrong with it is named by file and line."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from signals.errors import DataQualityError
from signals.market import HISTORY_START, Observations
from signals.series import spec
from signals.zones import NEW_YORK
from tasks.sources.payload import Payload
from tasks.sources.text import iso_date, number_in, text_of
from tasks.sources.wrong_prints import WRONG_PRINTS

_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


@dataclass(frozen=True)
class Table:
    """Rows of one CSV body, each with its line number.

    Attributes
    ----------
    read_on : datetime.date
        The day in New York on which it was read. No observation is of a later one.
    """

    locator: str
    read_on: dt.date
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, name: str) -> int:
        """Where a column stands in each row."""
        return self.header.index(name)

    def wrong(self, line: int, expected: str, got: str) -> DataQualityError:
        """The error for something in a line."""
        return DataQualityError(
            f"{self.locator}, line {line}", expected=expected, got=got, do="Fetch the file again, or mend the line."
        )

    def date(self, line: int, cell: str) -> dt.date:
        """The day in a cell.

        Raises
        ------
        DataQualityError
        """
        if day := iso_date(cell):
            return day
        if american := _AMERICAN.fullmatch(cell):
            with suppress(ValueError):
                return dt.date(int(american[3]), int(american[1]), int(american[2]))
        raise self.wrong(line, "a date as yyyy-mm-dd or mm/dd/yyyy", repr(cell))

    def number(self, line: int, cell: str) -> float | None:
        """The number in a cell; None for a blank one, which is how publishers write "no value".

        Raises
        ------
        DataQualityError
        """
        text = cell.strip(" ")
        if not text:
            return None
        value = number_in(text)
        if value is None:
            raise self.wrong(line, "a number", repr(cell))
        return value

    def check_range(self, line: int, series: str, value: float) -> None:
        """Refuse a value that is wrong by an order of magnitude.

        Raises
        ------
        DataQualityError
        """
        if expected := outside(series, value):
            raise self.wrong(line, expected, f"{value:g}")


def outside(series: str, value: float) -> str | None:
    """The range a series lies in, and why, where a value lies outside; else None."""
    limits = spec(series)
    if limits.lowest <= value <= limits.highest:
        return None
    return f"{series} between {limits.lowest:g} and {limits.highest:g} {limits.unit} ({limits.why})"


def read_on(payload: Payload) -> dt.date:
    """The day in New York on which a payload was read."""
    return payload.fetched_at.astimezone(NEW_YORK).date()


def table_of(payload: Payload, required: tuple[str, ...], *, last_is_free: bool = False) -> Table:
    """Split a body into rows.

    Parameters
    ----------
    payload : Payload
    required : tuple of str
        Columns that have to be there; the first of the file is the first of these.
    last_is_free : bool
        Whether the last column is text that may hold commas.

    Raises
    ------
    DataQualityError
        For a body that is no table with these columns, or is cut off, or has no rows, or rows of another length.
    """
    text = text_of(payload, "a CSV file")
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
    # No publisher quotes a number. A CSV reader would join the lines after a stray quote and lose count of them.
    cuts = len(header) - 1 if last_is_free else -1
    rows = [(number, line.split(",", cuts)) for number, line in enumerate(lines[start + 1 :], start=start + 2) if line]
    table = Table(payload.locator, read_on(payload), header, rows)
    for line, cells in rows:
        surplus = cells[len(header) :]
        if len(cells) < len(header) or any(surplus):
            raise table.wrong(line, f"{len(header)} fields", f"{len(cells)}: {','.join(cells)[:60]!r}")
    if not rows:
        raise DataQualityError(
            payload.locator, expected="at least one row", got="a header and nothing below", do="Fetch the file again."
        )
    return table


def column(table: Table, series: str, publisher: str, name: str) -> Observations:
    """One column as the values of a series."""
    at = table.column(name)
    return day_by_day(table, series, publisher, lambda line, _day, cells: table.number(line, cells[at]))


def extra_columns(table: Table, columns: Iterable[tuple[str, str]], publisher: str) -> Iterator[Observations]:
    """Columns that no decision rests on, each as the values of a series: (series, column) pairs.

    They take nothing away from the column the file is read for. One that is not there has no values, and a cell that is
    no number, or outside the range of its series, is no value. The days are those that `day_by_day` has found in order.
    """
    places = [(series, table.column(name)) for series, name in columns if name in table.header]
    found: dict[str, list[tuple[dt.date, float]]] = {series: [] for series, _ in places}
    for line, cells in table.rows:
        day = table.date(line, cells[0])
        for series, at in places:
            value = number_in(cells[at].strip(" "))
            if day >= first_day_of(series) and value is not None and outside(series, value) is None:
                found[series].append((day, value))
    for series, values in found.items():
        if values:
            yield observations(series, publisher, values)


def first_day_of(series: str) -> dt.date:
    """The first day of which a value is kept."""
    return spec(series).kept_from or HISTORY_START


def day_by_day(
    table: Table,
    series: str,
    publisher: str,
    value_of: Callable[[int, dt.date, list[str]], float | None],
    until: dt.date | None = None,
) -> Observations:
    """A value per row, from the first day that is kept on, without those listed as wrong prints.

    Parameters
    ----------
    value_of : callable
        The value of a line, its day and its cells; None for no value. The day is in the first cell.
    until : datetime.date, optional
        The last day a row may have; by default the one on which the table was read.

    Raises
    ------
    DataQualityError
        For days that do not ascend, are later, or have values outside the range of the series.
    """
    last, first = until or table.read_on, first_day_of(series)
    found: list[tuple[dt.date, float]] = []
    previous = dt.date.min
    for line, cells in table.rows:
        day = table.date(line, cells[0])
        if day <= previous:
            what = "a second time" if day == previous else f"after {previous}"
            raise table.wrong(line, "dates in ascending order, each once", f"{day} {what}")
        if day > last:
            when = "when it was read" if until is None else "some years after it was read"
            raise table.wrong(line, f"a day up to {last}, {when}", f"{day}, in the future")
        previous = day
        if day < first:
            continue
        value = value_of(line, day, cells)
        if value is None or WRONG_PRINTS.get((series, day)) == value:
            continue
        table.check_range(line, series, value)
        found.append((day, value))
    return observations(series, publisher, found)


def observations(series: str, publisher: str, found: list[tuple[dt.date, float]]) -> Observations:
    """Days and values, ascending, as observations of no stored payload."""
    days = np.array([day for day, _ in found], dtype="datetime64[D]")
    values = np.array([value for _, value in found], dtype=np.float64)
    return Observations(series, publisher, days, values, np.zeros(len(found), dtype=np.int64))


def wrong_name(payload: Payload, expected: str) -> DataQualityError:
    """The error for a payload whose subject says nothing to its parser."""
    return DataQualityError(
        payload.locator, expected=f"a file named {expected}", got=repr(payload.subject), do="Rename or remove it."
    )
