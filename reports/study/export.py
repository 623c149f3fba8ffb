"""A study as files: JSON with everything, CSV with every statistic, CSV with the levels. Standard library only."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from reports.inert import inert_text
from reports.study.names import unit_of
from signals.document import encode

if TYPE_CHECKING:
    from signals.study.result import Estimate, Measure, StudyResult

T = TypeVar("T")

#: Columns of `study_csv`; `period` also has the skew of a condor, the quantile of a market and the cell of a map.
COLUMNS = ("table", "track", "period", "statistic", "unit", "value", "low", "high", "why")

#: Quantiles of `PathFigures`.
QUANTILES = ("0.05", "0.25", "0.5", "0.75", "0.95")

#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@")

Row = tuple[str, str, str, str, str, float | None, float | None, float | None, str]


def study_json(result: StudyResult) -> str:
    """All of a study as a line of JSON with its keys sorted: the same study is the same text.

    Raises
    ------
    ValueError
        For a number that JSON does not have.
    """
    return json.dumps(encode(result), sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n"


def study_csv(result: StudyResult) -> str:
    """Every number of a study in long form, with digits enough to read the same number back; absent ones are empty."""
    return _csv(COLUMNS, _rows(result))


def levels_csv(result: StudyResult) -> str:
    """The levels of every strategy by session, 1.0 at its first."""
    levels = result.levels
    tracks = [(track.name, levels.tracks[track.name]) for track in result.tracks if track.name in levels.tracks]
    header = ("session", *(name for name, _ in tracks))
    rows = zip((day.isoformat() for day in levels.sessions), *(values for _, values in tracks), strict=True)
    return _csv(header, rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_plain(name) for name in header])
    writer.writerows([_plain(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return buffer.getvalue()


def _plain(text: str) -> str:
    """A text that no spreadsheet computes."""
    text = inert_text(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _rows(result: StudyResult) -> Iterator[Row]:
    for each in result.figures:
        for key, measure in _ordered(result, each.values):
            yield _of(result, "figures", each.track, each.period, key, measure)
    for interval in result.intervals:
        for key, estimate in _ordered(result, interval.values):
            yield _with_interval("intervals", interval.track, interval.period, key, unit_of(result, key), estimate)
    for claim in result.claims:
        for finding in claim.findings:
            yield _with_interval("claims", finding.what, "", claim.key, finding.unit, finding.estimate)
    yield from _of_condor(result)
    yield from _of_markets(result)
    for found in result.deflated:
        for key in ("sharpe", "expected_maximum", "trials", "probability"):
            yield "deflated", found.best, "", key, "", getattr(found, key), None, None, ""
    for grid in result.sensitivity:
        for row, values in zip(grid.rows, grid.values, strict=True):
            for column, value in zip(grid.columns, values, strict=True):
                cell = f"{grid.row_name}={row}; {grid.column_name}={column}"
                unit = unit_of(result, grid.statistic)
                yield "sensitivity", grid.track, cell, grid.statistic, unit, value, None, None, ""
    for failure in result.failures:
        yield "failures", failure.part, "", "", "", None, None, None, failure.why


def _of_condor(result: StudyResult) -> Iterator[Row]:
    for case in result.condor.cases if result.condor else ():
        name = f"condor+{case.hedge}" if case.hedge else "condor"
        for key, measure in _ordered(result, case.values):
            yield _of(result, "condor", name, f"skew={case.skew:g}", key, measure)


def _of_markets(result: StudyResult) -> Iterator[Row]:
    found = result.monte_carlo
    if found is None:
        return
    for table, figures in (("paths", found.indices), ("hedged paths", found.hedged)):
        for each in figures:
            unit = unit_of(result, each.statistic)
            for name, value in zip(QUANTILES, each.quantiles, strict=True):
                yield table, each.track, f"quantile={name}", each.statistic, unit, value, None, None, ""
            yield table, each.track, "mean", each.statistic, unit, each.mean, None, None, ""
    for row in found.fit:
        yield "fit", "recorded", "", row.label, row.unit, row.recorded, None, None, ""
        yield "fit", "simulated", "median", row.label, row.unit, row.median, row.low, row.high, ""


def _ordered(result: StudyResult, values: Mapping[str, T]) -> list[tuple[str, T]]:
    """Values by key in the order of the statistics, then by name: the order of a mapping is none of a document's."""
    places = {each.key: number for number, each in enumerate(result.statistics)}
    return sorted(values.items(), key=lambda each: (places.get(each[0], len(places)), each[0]))


def _of(result: StudyResult, table: str, track: str, period: str, key: str, measure: Measure) -> Row:
    return table, track, period, key, unit_of(result, key), measure.value, None, None, measure.why


def _with_interval(table: str, track: str, period: str, key: str, unit: str, found: Estimate) -> Row:
    return table, track, period, key, unit, found.value, found.low, found.high, found.why
