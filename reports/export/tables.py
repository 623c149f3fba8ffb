"""Rows of stored reports as CSV and as Parquet, written a batch at a time."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from reports.export.columns import Column, ExportTable
from signals.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

Rows = Sequence[tuple[Any, ...]]


def csv_lines(table: ExportTable, batches: Iterable[Rows]) -> Iterator[bytes]:
    """A header, then a line per row; what is absent is empty, a flag is ``true`` or ``false``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for rows in batches:
        writer.writerows([_cell(value) for value in row] for row in rows)
        yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, dt.date) else value


def write_parquet(table: ExportTable, batches: Iterable[Rows], output: IO[bytes]) -> None:
    """A Parquet file with the types of the columns, their units and meanings in the metadata.

    Raises
    ------
    ConfigurationError
        Where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigurationError(
            "format parquet", expected="pyarrow", got="no such package", do="pip install 'tailguard[parquet]'."
        ) from error
    schema = pa.schema([_field(column) for column in table.columns], metadata={"table": table.name})
    with parquet.ParquetWriter(output, schema) as writer:
        for rows in batches:
            columns = zip(*rows, strict=True) if rows else [()] * len(schema)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _field(column: Column) -> pa.Field:
    import pyarrow as pa

    kinds = {
        "date": pa.date32(),
        "instant": pa.timestamp("us", tz="UTC"),
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "flag": pa.bool_(),
    }
    metadata = {"unit": column.unit, "meaning": column.meaning}
    return pa.field(column.name, kinds[column.kind], nullable=column.optional, metadata=metadata)
