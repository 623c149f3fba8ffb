"""The history explorer: figures of a range of sessions as a chart, a table and files."""

from __future__ import annotations

import datetime as dt
import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from reports.export.columns import ExportTable, chosen_figures
from reports.export.tables import csv_lines, write_parquet
from reports.review.columns import DEFAULT, PRESETS, TEXT, Column, columns, rows_of, whole_hedges, written
from reports.review.lookup import hedge_of, history_of
from reports.review.pages import TheSite, answer, page
from reports.review.parameters import OptionalDay
from reports.review.problems import Link, Problem
from reports.review.site import Site
from signals.errors import ConfigurationError
from storage.figures import HedgeFigures, SessionFigures
from storage.unit_of_work import UnitOfWork

router = APIRouter()

_ROWS = 100
_YEAR = dt.timedelta(days=365)
_DAY = 86400
_EPOCH = dt.date(1970, 1, 1)

#: More lines than this nobody tells apart.
_COLUMNS_AT_ONCE = 12

_NAMES = Query(
    alias="columns",
    max_length=64,
    description="Which figures; several times, or separated by commas.",
    examples=["target_volatility,vix"],
)
Names = Annotated[list[str] | None, _NAMES]


@dataclass(frozen=True)
class Chosen:
    """A range of the history, and columns of it; `notes` say what was asked for otherwise."""

    history: Sequence[SessionFigures]
    hedges: dict[str, dict[int, HedgeFigures]]
    columns: tuple[Column, ...]
    available: dict[str, Column]
    first: dt.date
    last: dt.date
    notes: tuple[str, ...]

    @property
    def query(self) -> str:
        """The choice as a query."""
        names = [("columns", column.name) for column in self.columns]
        return urlencode([("first", self.first.isoformat()), ("last", self.last.isoformat()), *names])

    def rows(self, part: Sequence[SessionFigures] | None = None) -> list[list[Any]]:
        """The values of the columns, by session."""
        return rows_of(self.history if part is None else part, self.hedges, [column.name for column in self.columns])


def choose(
    site: Site, work: UnitOfWork, first: dt.date | None, last: dt.date | None, names: Sequence[str] | None
) -> Chosen:
    """What is asked for, within what there is.

    Raises
    ------
    Problem
        When the range is the wrong way round, there is no such column, or nothing is stored of the range.
    """
    history = history_of(site, work)
    if not history:
        raise Problem(404, "No history yet", "`tailguard backfill` computes the reports of past sessions.")
    if first and last and first > last:
        raise Problem(422, "The range is the wrong way round", f"first is {first}, last is {last}. Swap them.")
    hedges = whole_hedges_of(site, work)
    available = columns(hedges)
    asked = [name for item in names or DEFAULT for name in item.split(",") if name]
    unknown = [name for name in asked if name not in available]
    if unknown:
        raise Problem(422, "No such column", f"{unknown[0][:60]!r} is none. There are: {', '.join(available)}.")
    notes = []
    oldest, newest = history[0].session, history[-1].session
    if first and first < oldest:
        notes.append(f"The first stored session is {oldest}.")
    if last and last > newest:
        notes.append(f"The last stored session is {newest}.")
    begin = max(first or oldest, oldest)
    end = min(last or newest, newest)
    low = bisect_left(history, begin, key=lambda row: row.session)
    high = bisect_right(history, end, key=lambda row: row.session)
    if low >= high:
        asked_for = f"from {first or oldest} to {last or newest}"
        raise Problem(
            404,
            "Nothing in this range",
            f"No session {asked_for} is stored; stored are {oldest} to {newest}.",
            [Link("All of it", f"/history?first={oldest}&last={newest}")],
        )
    wanted = tuple(available[name] for name in dict.fromkeys(asked))
    return Chosen(history[low:high], hedges, wanted, available, begin, end, tuple(notes))


def whole_hedges_of(site: Site, work: UnitOfWork) -> dict[str, dict[int, HedgeFigures]]:
    """The figures of every whole hedge that any report has, by the report they are of."""

    def read() -> dict[str, dict[int, HedgeFigures]]:
        return whole_hedges({name: hedge_of(site, work, name) for name in work.figures.hedge_names()})

    return site.memory.get("whole hedges", site.version_of(work), read, 1)


@router.get("/history")
def show_history(
    request: Request,
    site: TheSite,
    first: OptionalDay = None,
    last: OptionalDay = None,
    names: Names = None,
    at: int = Query(1, ge=1, le=100_000),
) -> Response:
    """The explorer."""
    with site.work() as work:
        newest = history_of(site, work)[-1:]
        begin = first or (None if last or not newest else newest[0].session - 2 * _YEAR)
        chosen = choose(site, work, begin, last, names)
        simulated = work.observations.is_simulated()
    if len(chosen.columns) > _COLUMNS_AT_ONCE:
        raise Problem(
            422, "Too many columns", f"A page shows {_COLUMNS_AT_ONCE} at most; the downloads have all you name."
        )
    count = max((len(chosen.history) + _ROWS - 1) // _ROWS, 1)
    number = min(at, count)
    # The newest first.
    part = list(reversed(chosen.history))[(number - 1) * _ROWS : number * _ROWS]
    rows = [
        (row.session, [written(value, column.axis) for value, column in zip(values, chosen.columns, strict=True)])
        for row, values in zip(part, chosen.rows(part), strict=True)
    ]
    groups: dict[str, list[Column]] = {}
    for column in chosen.available.values():
        groups.setdefault(column.group, []).append(column)
    stored = history_of_extent(newest, chosen)
    context = {
        "chosen": chosen,
        "groups": groups,
        "named": {column.name for column in chosen.columns},
        "rows": rows,
        "number": number,
        "count": count,
        "presets": [(name, urlencode([("columns", each) for each in some])) for name, some in PRESETS],
        "spans": stored,
        "range_query": urlencode([("first", chosen.first.isoformat()), ("last", chosen.last.isoformat())]),
        "column_query": urlencode([("columns", column.name) for column in chosen.columns]),
        "has_parquet": has_parquet(),
    }
    return page(request, "history", context, simulated=simulated, section="/history")


def history_of_extent(newest: Sequence[SessionFigures], chosen: Chosen) -> list[tuple[str, str]]:
    """Ranges with a name, as queries, that end with the newest session."""
    if not newest:
        return []
    last = newest[0].session
    named = (("6 months", 182), ("1 year", 365), ("2 years", 730), ("5 years", 1826), ("10 years", 3652))
    found = [(name, f"first={last - dt.timedelta(days=days)}&last={last}") for name, days in named]
    return [*found, ("All", f"first=1990-01-01&last={last}")]


@router.get("/history/series.json")
def series_of_history(
    request: Request, site: TheSite, first: OptionalDay = None, last: OptionalDay = None, names: Names = None
) -> Response:
    """What the chart draws: instants in seconds, and values column by column. Words are left out."""
    with site.work() as work:
        chosen = choose(site, work, first, last, names)
    drawn = [place for place, column in enumerate(chosen.columns) if column.axis != TEXT]
    rows = chosen.rows()
    document = {
        "x": [(row.session - _EPOCH).days * _DAY for row in chosen.history],
        "series": [
            {
                "name": chosen.columns[place].name,
                "label": chosen.columns[place].label,
                "axis": chosen.columns[place].axis,
                "values": [int(row[place]) if isinstance(row[place], bool) else row[place] for row in rows],
            }
            for place in drawn
        ],
    }
    return answer(request, json.dumps(document, separators=(",", ":")).encode(), "application/json")


@router.get("/history/download")
def download_history(
    request: Request,
    site: TheSite,
    first: OptionalDay = None,
    last: OptionalDay = None,
    names: Names = None,
    form: str = Query("csv", alias="format", pattern="^(csv|parquet)$"),
) -> Response:
    """The range as a file; numbers in full."""
    with site.work() as work:
        chosen = choose(site, work, first, last, names)
    table = chosen_figures(column.name for column in chosen.columns)
    rows = [(row.session, *values) for row, values in zip(chosen.history, chosen.rows(), strict=True)]
    body = b"".join(csv_lines(table, [rows])) if form == "csv" else _parquet(table, rows)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/vnd.apache.parquet"
    name = f"tailguard-{chosen.first}-{chosen.last}.{form}"
    return answer(request, body, kind, headers={"content-disposition": f'attachment; filename="{name}"'})


def has_parquet() -> bool:
    """Whether Parquet can be written here."""
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def _parquet(table: ExportTable, rows: Sequence[tuple[Any, ...]]) -> bytes:
    buffer = io.BytesIO()
    try:
        write_parquet(table, [rows], buffer)
    except ConfigurationError as error:
        raise Problem(501, "Parquet is not installed here", f"{error.do} CSV needs nothing.") from None
    return buffer.getvalue()
