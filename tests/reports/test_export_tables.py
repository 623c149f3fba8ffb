"""Rows as files: what is documented is what is written."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import fields

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import Boolean, Date, Float, Integer, String

from reports.export.columns import FIGURES, HEDGES, TABLES, Column, ExportTable, described
from reports.export.tables import csv_lines, write_parquet
from storage.figures import HedgeFigures, SessionFigures
from storage.models import Base, UtcDateTime
from tests.conftest import ROOT

TABLE = ExportTable(
    "made-up",
    "made_up",
    "a row",
    (
        Column("session", "date", "", "Day."),
        Column("emitted_at", "instant", "UTC", "Instant."),
        Column("name", "text", "", "Name.", optional=True),
        Column("count", "integer", "", "Count.", optional=True),
        Column("value", "number", "points", "Value.", optional=True),
        Column("on", "flag", "", "Flag."),
    ),
)
AT = dt.datetime(2020, 3, 16, 22, 45, 12, 345678, dt.UTC)
ROWS = [
    (dt.date(2020, 3, 16), AT, 'a "b", c\nd', 3, 0.1 + 0.2, True),
    (dt.date(2020, 3, 17), AT, None, None, None, False),
]


def test_csv_has_every_digit_and_leaves_what_is_absent_empty() -> None:
    text = b"".join(csv_lines(TABLE, [ROWS[:1], ROWS[1:]])).decode()
    header, first, second = csv.reader(io.StringIO(text))
    assert header == ["session", "emitted_at", "name", "count", "value", "on"]
    assert first == [
        "2020-03-16", "2020-03-16T22:45:12.345678+00:00", 'a "b", c\nd', "3", "0.30000000000000004", "true",
    ]  # fmt: skip
    assert second == ["2020-03-17", AT.isoformat(), "", "", "", "false"]


def test_parquet_has_types_units_and_what_is_absent_as_null() -> None:
    output = io.BytesIO()
    write_parquet(TABLE, [ROWS[:1], [], ROWS[1:]], output)
    found = parquet.read_table(io.BytesIO(output.getvalue()))
    assert [(field.name, field.type, field.nullable) for field in found.schema] == [
        ("session", pa.date32(), False),
        ("emitted_at", pa.timestamp("us", tz="UTC"), False),
        ("name", pa.string(), True),
        ("count", pa.int64(), True),
        ("value", pa.float64(), True),
        ("on", pa.bool_(), False),
    ]
    assert found.schema.field("value").metadata == {b"unit": b"points", b"meaning": b"Value."}
    assert [tuple(row.values()) for row in found.to_pylist()] == ROWS


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_columns_are_those_of_the_database(table: ExportTable) -> None:
    stored = Base.metadata.tables[table.stored]
    reports = Base.metadata.tables["reports"]
    kinds = {
        "date": Date, "instant": UtcDateTime, "text": String, "integer": Integer, "number": Float, "flag": Boolean,
    }  # fmt: skip
    for column in table.columns:
        found = stored.c[column.name] if column.name in stored.c else reports.c[column.name]
        assert isinstance(found.type, kinds[column.kind]), column
        assert bool(found.nullable) is column.optional, column
    left_out = {column.name for column in stored.c} - {column.name for column in table.columns}
    assert left_out <= {"id", "report_id"}


def test_figures_have_every_figure() -> None:
    for table, kind in ((FIGURES, SessionFigures), (HEDGES, HedgeFigures)):
        names = {field.name for field in fields(kind)} - {"report_id"}
        assert {column.name for column in table.columns} == names


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_documentation_has_every_column(table: ExportTable) -> None:
    text = (ROOT / "docs" / "exports.md").read_text()
    assert f"### `{table.name}`: a row for {table.row}\n\n{described(table)}\n" in text
