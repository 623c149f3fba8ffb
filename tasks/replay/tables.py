"""The rows in an answer, whatever it is written in, so that one fault does for all publishers."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signals.zones import NEW_YORK
from tasks.replay.messages import JSON, Reply

Row = tuple[str, ...]

_OPEN = dt.time(9, 30)
_YAHOO = ("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)


@dataclass(frozen=True)
class _Layout:
    """Which columns of a table are what; where none is named, all but the first.

    Attributes
    ----------
    values : tuple of str
        What the publisher is read for.
    prices : tuple of str
        Everything in the unit of the values.
    main_row : int
        The row that a fault hits unless it names a day.
    blank : str
        How a row says that it has no value.
    whole_row : bool
        Whether a row without a value has no cell but its day.
    """

    values: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    day: str | None = None
    main_row: int = -1
    blank: str = ""
    whole_row: bool = False


#: By the first column.
_LAYOUTS = {
    "Trade Date": _Layout(("Settle",), ("Open", "High", "Low", "Close", "Settle"), "Trade Date"),
    "DATE": _Layout(day="DATE"),
    "observation_date": _Layout(day="observation_date"),
    "Product": _Layout(("Price",), ("Price",), "Expiration Date", main_row=0),
    "Date": _Layout(("Close", "Adj Close"), _YAHOO[1:6], "Date", whole_row=True),
    "date": _Layout(("value",), ("value",), "date", blank="."),
    "option": _Layout(("bid", "ask", "last_trade_price"), ("bid", "ask", "last_trade_price"), main_row=0),
}


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Attributes
    ----------
    header : tuple of str
    rows : tuple of tuple of str
        A cell without a value is empty.
    write : callable
        Makes an answer's body of a header and rows.
    layout : _Layout
    """

    header: Row
    rows: tuple[Row, ...]
    write: Callable[[Row, Sequence[Row]], bytes]
    layout: _Layout

    @property
    def values(self) -> tuple[int, ...]:
        """The columns that the publisher is read for."""
        return self._columns(self.layout.values or self.header[-1:])

    @property
    def prices(self) -> tuple[int, ...]:
        """Those, and the others in their unit."""
        return self._columns(self.layout.prices or self.header[1:])

    @property
    def blanks(self) -> tuple[int, ...]:
        """The columns that are blank in a row without a value."""
        return tuple(range(1, len(self.header))) if self.layout.whole_row else self.values

    @property
    def day_at(self) -> int | None:
        """The column of the day."""
        return self.header.index(self.layout.day) if self.layout.day in self.header else None

    @property
    def is_sheet(self) -> bool:
        """Whether a row is a contract, and no day."""
        return self.header[0] == "Product"

    def day(self, row: Row) -> dt.date | None:
        """The day of a row."""
        return None if self.day_at is None else _day(row[self.day_at])

    def dated(self, row: Row, day: dt.date) -> Row:
        """The row, of another day."""
        return row if self.day_at is None else changed(row, (self.day_at,), lambda cell: _like(cell, day))

    def find(self, day: dt.date | None) -> int | None:
        """The row of a day, or the one that matters most; None where there is no such row."""
        if day is None:
            return self.layout.main_row % len(self.rows) if self.rows else None
        return next((at for at, row in enumerate(self.rows) if self.day(row) == day), None)

    def with_row(self, at: int, *rows: Row) -> Table:
        """Other rows in place of one."""
        return replace(self, rows=(*self.rows[:at], *rows, *self.rows[at + 1 :]))

    def body(self) -> bytes:
        """What the publisher would send."""
        return self.write(self.header, self.rows)

    def _columns(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.header.index(name) for name in names if name in self.header)


def changed(row: Row, columns: Sequence[int], change: Callable[[str], str]) -> Row:
    """A row with some cells changed."""
    return tuple(change(cell) if at in columns else cell for at, cell in enumerate(row))


def table_of(reply: Reply) -> Table | None:
    """The table in an answer; None where there is none, or where another fault has left nothing of it."""
    if reply.status != 200:
        return None
    try:
        return _json_table(reply.body) if reply.content_type == JSON else _csv_table(reply.body)
    except (ValueError, LookupError, TypeError):
        return None


def _csv_table(body: bytes) -> Table | None:
    text = body.decode(errors="surrogateescape")
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.partition(",")[0] in _LAYOUTS), None)
    if start is None:
        return None
    end = "\r\n" if "\r\n" in text else "\n"

    def write(header: Row, rows: Sequence[Row]) -> bytes:
        written = [*lines[:start], ",".join(header), *(",".join(row) for row in rows)]
        return "".join(line + end for line in written).encode(errors="surrogateescape")

    header = tuple(lines[start].split(","))
    rows = tuple(tuple(line.split(",")) for line in lines[start + 1 :] if line)
    return Table(header, rows, write, _LAYOUTS[header[0]])


def _json_table(body: bytes) -> Table | None:
    document: dict[str, Any] = json.loads(body)
    if "chart" in document:
        return _yahoo_table(document)
    if "observations" in document:
        return _records_table(document, document, "observations", ("date", "value"), all_text=True)
    data = document.get("data")
    if isinstance(data, dict) and data.get("options"):
        return _records_table(document, data, "options", tuple(data["options"][0]), all_text=False)
    return None


def _yahoo_table(document: dict[str, Any]) -> Table:
    (result,) = document["chart"]["result"]
    (quote,), (adjusted,) = result["indicators"]["quote"], result["indicators"]["adjclose"]
    columns = [result["timestamp"], *(quote[name.lower()] for name in _YAHOO[1:5])]
    columns += [adjusted["adjclose"], quote["volume"]]

    def write(header: Row, rows: Sequence[Row]) -> bytes:
        found = {name: [_value(row[at]) for row in rows] for at, name in enumerate(header)}
        adjusted = {"adjclose": found.pop("Adj Close")} if "Adj Close" in found else {}
        result["timestamp"] = found.pop("Date", [])
        result["indicators"]["quote"] = [{name.lower(): cells for name, cells in found.items()}]
        result["indicators"]["adjclose"] = [adjusted]
        return json.dumps(document).encode()

    rows = tuple(tuple(_cell(value) for value in row) for row in zip(*columns, strict=True))
    return Table(_YAHOO, rows, write, _LAYOUTS["Date"])


def _records_table(
    document: dict[str, Any], parent: dict[str, Any], name: str, header: Row, *, all_text: bool
) -> Table:
    records: list[dict[str, Any]] = parent[name]
    rest = {key: value for key, value in records[0].items() if key not in header} if records else {}

    def write(header: Row, rows: Sequence[Row]) -> bytes:
        value_of = str if all_text else _value
        document.update({"count": len(rows)} if "count" in document else {})
        parent[name] = [rest | {key: value_of(cell) for key, cell in zip(header, row, strict=False)} for row in rows]
        return json.dumps(document).encode()

    rows = tuple(tuple(_cell(record[key]) for key in header) for record in records)
    return Table(header, rows, write, _LAYOUTS[header[0]])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _value(cell: str) -> Any:
    if not cell:
        return None
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _day(cell: str) -> dt.date | None:
    if cell.isdigit():
        return dt.datetime.fromtimestamp(int(cell), NEW_YORK).date()
    if american := _AMERICAN.fullmatch(cell):
        return dt.date(int(american[3]), int(american[1]), int(american[2]))
    try:
        return dt.date.fromisoformat(cell)
    except ValueError:
        return None


def _like(cell: str, day: dt.date) -> str:
    """A day, written as in a cell."""
    if cell.isdigit():
        return str(int(dt.datetime.combine(day, _OPEN, NEW_YORK).timestamp()))
    return f"{day:%m/%d/%Y}" if "/" in cell else day.isoformat()
