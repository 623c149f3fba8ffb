"""Tables, sizes and instants, as the commands on data print them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import click

from flows.cli.instants import parse_instant
from flows.cli.output import say
from signals.zones import NEW_YORK

#: Characters of a hash that tell payloads apart.
_HASH = 8


def parse_since(option: str, text: str | None) -> dt.datetime | None:
    """The instant an option names, in New York time where it names no other; a day alone is its beginning."""
    if text is None:
        return None
    return parse_instant(option, f"{text}T00:00" if len(text) == len("yyyy-mm-dd") else text)


def minute(instant: dt.datetime) -> str:
    """An instant to the minute, on New York's clocks."""
    return f"{instant.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


def short_hash(sha256: str) -> str:
    """As much of a hash as people compare."""
    return sha256[:_HASH]


def size(count: int) -> str:
    """A number of bytes for people: ``3.4 MB``."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000.0, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 body``, ``2 bodies``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> None:
    """Print rows under a header; columns named in `right`, separated by blanks, are flush right."""
    for line in _lines(header, rows, set(right.split())):
        click.echo(line)


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]], right: set[str]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (
            f"{cell:>{width}}" if name in right else f"{cell:<{width}}"
            for name, cell, width in zip(header, row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def say_simulated(simulated: bool | None) -> None:
    """Say so where the database is about the sample market."""
    if simulated:
        say("SIMULATED: this database is about the sample market.")
