"""What a fault does to the rows of an answer: functions of a table, and of the case they are applied to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from signals.calendar import MONTH_CODES
from signals.zones import NEW_YORK
from tasks.replay.messages import Reply, Request
from tasks.replay.recorded import calendar, new_york_day
from tasks.replay.settlement import published
from tasks.replay.tables import Row, Table, changed, table_of
from tasks.replay.yahoo import LIVE_MOVE

#: Rows between the last one and the one that a gap leaves out.
_GAP = 5
_DEFAULT_REVISION = 1.05
#: How far back a day without a session is looked for.
_DAYS_BACK = 370
_LIVE_AT = dt.time(15, 30)
_STALE_BY = dt.time(9, 0)


@dataclass(frozen=True)
class Case:
    """One answer that a fault hits.

    Attributes
    ----------
    day : datetime.date, optional
        The row that the fault names.
    value : str, optional
        The parameter of the fault.
    ask : callable
        What the publisher answers to a request at an instant while it behaves.
    """

    request: Request
    instant: dt.datetime
    ask: Callable[[Request, dt.datetime], Reply]
    day: dt.date | None = None
    value: str | None = None

    def number(self, default: float) -> float:
        """The parameter as a number."""
        return default if self.value is None else float(self.value)


def before(instant: dt.datetime) -> dt.datetime:
    """One session earlier: what was published last then was published last but one at `instant`."""
    local = instant.astimezone(NEW_YORK)
    known, day = calendar(), local.date()
    earlier = known.previous_session(day)
    at = local.timetz() if known.is_session(day) else min(local.timetz(), _STALE_BY.replace(tzinfo=NEW_YORK))
    return dt.datetime.combine(earlier, at)


def prior_sheet(case: Case) -> Reply:
    """The sheet of the session before the one asked for."""
    asked = dt.date.fromisoformat(case.request.query.get("dt") or new_york_day(case.instant).isoformat())
    session = published(case.instant, asked)
    query = {"dt": calendar().previous_session(session).isoformat()}
    return case.ask(replace(case.request, query=query), case.instant)


def header_only(table: Table, _case: Case) -> Table:
    """No rows."""
    return replace(table, rows=())


def without_last(table: Table, _case: Case) -> Table:
    """All rows but the last."""
    return replace(table, rows=table.rows[:-1])


def without_row(table: Table, case: Case) -> Table:
    """All rows but that of a day, or the sixth from the end; in a sheet, the one in the middle."""
    at = table.find(case.day) if case.day else _inner(table)
    return table if at is None else table.with_row(at)


def without_contract(table: Table, case: Case) -> Table:
    """A sheet without one contract, the second if none is named."""
    at = table.find(case.day) if case.day else min(1, len(table.rows) - 1)
    return table if at is None or at < 0 else table.with_row(at)


def without_front(table: Table, _case: Case) -> Table:
    """A sheet that begins with its second monthly contract."""
    monthly = _monthly(table)
    return table.with_row(monthly[0]) if monthly else table


def shifted(table: Table, case: Case) -> Table:
    """Each contract with the prices of the next one."""
    if not table.is_sheet:
        other = _next_contract(case)
        return table if other is None else replace(table, rows=tuple(_labelled(row, table.rows[0]) for row in other))
    monthly = _monthly(table)
    following = dict(pairwise(monthly))
    last = set(monthly[-1:])
    rows = tuple(
        _priced(table, row, table.rows[following[at]]) if at in following else row
        for at, row in enumerate(table.rows)
        if at not in last
    )
    return replace(table, rows=rows)


def of_another_contract(table: Table, case: Case) -> Table:
    """The name of another contract: in the file of one, or the expiry of the next on the first row of a sheet."""
    if table.is_sheet:
        monthly = _monthly(table)
        if len(monthly) < 2 or table.day_at is None:
            return table
        first, second = (table.rows[at] for at in monthly[:2])
        expiry = second[table.day_at]
        return table.with_row(monthly[0], changed(first, (table.day_at,), lambda _cell: expiry))
    other = _next_contract(case)
    if not other or len(table.header) < 2 or table.header[1] != "Futures":
        return table
    return replace(table, rows=tuple(_labelled(row, other[0]) for row in table.rows))


def blank(table: Table, case: Case) -> Table:
    """No value in the last row."""
    return _in_row(table, case, table.blanks, lambda _cell: table.layout.blank)


def zero(table: Table, case: Case) -> Table:
    """A value of 0."""
    return _in_row(table, case, table.values, lambda cell: scaled(cell, 0.0))


def negative(table: Table, case: Case) -> Table:
    """A value below 0."""
    return _in_row(table, case, table.values, lambda cell: scaled(cell, -1.0))


def text(table: Table, case: Case) -> Table:
    """Words in place of a value."""
    return _in_row(table, case, table.values, lambda _cell: case.value or "n/a")


def revised(table: Table, case: Case) -> Table:
    """Another value than before."""
    return _in_row(table, case, table.values, lambda cell: case.value or scaled(cell, _DEFAULT_REVISION))


def rescaled(table: Table, case: Case) -> Table:
    """Ten times as much, on one day or on all."""

    def change(cell: str) -> str:
        return scaled(cell, case.number(10.0))

    if case.day:
        return _in_row(table, case, table.prices, change)
    return replace(table, rows=tuple(changed(row, table.prices, change) for row in table.rows))


def live(table: Table, case: Case) -> Table:
    """A last bar that is no close."""
    if not table.rows or (day := table.day(table.rows[-1])) is None:
        return table
    stamp = int(min(dt.datetime.combine(day, _LIVE_AT, NEW_YORK), case.instant).timestamp())
    last = changed(table.rows[-1], table.prices, lambda cell: scaled(cell, LIVE_MOVE))
    return table.with_row(len(table.rows) - 1, changed(last, (0,), lambda _cell: str(stamp)))


def duplicated(table: Table, case: Case) -> Table:
    """A row twice."""
    at = table.find(case.day)
    return table if at is None else table.with_row(at, table.rows[at], table.rows[at])


def unordered(table: Table, _case: Case) -> Table:
    """The last two rows the wrong way round."""
    return replace(table, rows=(*table.rows[:-2], *table.rows[:-3:-1]))


def future(table: Table, case: Case) -> Table:
    """A row of the next session, equal to the last."""
    if not table.rows:
        return table
    day = case.day or calendar().next_session(new_york_day(case.instant))
    return replace(table, rows=(*table.rows, table.dated(table.rows[-1], day)))


def holiday(table: Table, case: Case) -> Table:
    """A row on a day without a session, equal to the one before."""
    days = [table.day(row) for row in table.rows]
    day = case.day or _closed_day({each for each in days if each})
    at = next((at for at in range(len(days) - 1, -1, -1) if day and (found := days[at]) and found < day), None)
    if at is None or day is None or day in days:
        return table
    return table.with_row(at, table.rows[at], table.dated(table.rows[at], day))


def without_column(table: Table, _case: Case) -> Table:
    """No column of values."""
    kept = [at for at in range(max(map(len, (table.header, *table.rows)))) if at not in table.values]
    return replace(table, header=_picked(table.header, kept), rows=tuple(_picked(row, kept) for row in table.rows))


def with_renamed_column(table: Table, case: Case) -> Table:
    """The column of values under another name."""
    return replace(table, header=changed(table.header, table.values, lambda name: case.value or f"New {name}"))


def scaled(cell: str, factor: float) -> str:
    """A number times a factor, with as many decimals; anything else as it was."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    least = 0 if factor.is_integer() else 2
    return f"{number * factor:.{max(len(cell.partition('.')[2]), least)}f}"


def _in_row(table: Table, case: Case, columns: tuple[int, ...], change: Callable[[str], str]) -> Table:
    at = table.find(case.day)
    return table if at is None else table.with_row(at, changed(table.rows[at], columns, change))


def _inner(table: Table) -> int | None:
    if len(table.rows) < 3:
        return None
    return len(table.rows) // 2 if table.is_sheet else max(1, len(table.rows) - 1 - _GAP)


def _monthly(table: Table) -> list[int]:
    """The rows of a sheet that are monthly VX contracts."""
    return [at for at, row in enumerate(table.rows) if table.is_sheet and row[1].startswith("VX/")]


def _priced(table: Table, row: Row, other: Row) -> Row:
    return tuple(other[at] if at in table.values else cell for at, cell in enumerate(row))


def _labelled(row: Row, other: Row) -> Row:
    return (row[0], other[1], *row[2:])


def _next_contract(case: Case) -> tuple[Row, ...] | None:
    """The rows in the file of the next contract, or of the one before where that is the last."""
    expiries: list[dt.date] = calendar().vx_expiries.tolist()
    for named in ("VX_{expiry}", "CFE_{letter}{expiry:%y}_VX"):
        names = [named.format(expiry=each, letter=MONTH_CODES[each.month - 1]) for each in expiries]
        if case.request.subject not in names:
            continue
        at = names.index(case.request.subject)
        for other in (at + 1, at - 1):
            path = case.request.path.replace(names[at], names[other])
            table = table_of(case.ask(replace(case.request, path=path), case.instant))
            if table and table.rows:
                return table.rows
    return None


def _closed_day(days: set[dt.date]) -> dt.date | None:
    """The last day without a session that the table could have and has not, a weekday if there is one."""
    if not days:
        return None
    known, last = calendar(), max(days)
    span = [last - dt.timedelta(days=back) for back in range(1, min(_DAYS_BACK, (last - min(days)).days))]
    closed = [day for day in span if not known.is_session(day) and day not in days]
    return next((day for day in closed if day.weekday() < 5), closed[0] if closed else None)


def _picked(row: Row, kept: list[int]) -> Row:
    return tuple(row[at] for at in kept if at < len(row))
