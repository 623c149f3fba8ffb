"""A study as plain text, 80 columns: what the terminal prints. Standard library only."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from reports.study.view import MEANINGS, SIMULATED, study_view
from reports.tables import Section, Table
from reports.text import WIDTH, render_sections

if TYPE_CHECKING:
    from signals.study.result import StudyResult

_MORE = "HTML has the charts and every table, CSV every number, JSON all of it with the daily levels."

#: As many tables a section is shown in, one with some of its columns after the other.
_AT_MOST = 2

#: Details that are shown nonetheless.
_KEPT = ("condor-max_drawdown", "condor-growth")

#: Between two columns of a table.
_GAP = 2

#: A first column is not made narrower.
_NARROWEST = 16


def study_text(result: StudyResult) -> str:
    """The title and the answer, then what is asked for first, no line longer than 80 characters.

    Details, and columns for which there is no room, are left to the other forms. Of the sample market, a line that says
    so comes first.
    """
    view = study_view(result)
    parts = [SIMULATED] if view.simulated else []
    parts += [view.title, *map(_wrap, view.answer), _wrap(view.about)]
    kept = [section for section in view.sections if not section.detail or section.key in _KEPT]
    fitting = [part for section in kept for part in islice(_fitting(section), _AT_MOST)]
    heads = {head for part in fitting if part.table for head in part.table.header}
    shown = [_explained(part, heads) if part.key == MEANINGS else part for part in fitting]
    parts += [render_sections([part]).rstrip("\n") for part in shown]
    parts.append("\n".join(["-" * WIDTH, *map(_wrap, (*view.footer, _MORE))]))
    return "\n\n".join(parts) + "\n"


def _explained(meanings: Section, heads: Collection[str]) -> Section:
    """What columns mean, of those that are shown."""
    table = meanings.table
    if table is None:
        return meanings
    return replace(meanings, table=replace(table, rows=tuple(row for row in table.rows if row[0] in heads)))


def _wrap(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)


def _fitting(section: Section) -> Iterator[Section]:
    """A section with as much of its table as the page is wide, then the rest of it; columns of words are not parted."""
    table = section.table
    if table is None:
        yield section
        return
    table = _folded(table)
    widths = _widths(table)
    if len(table.numeric) + 1 < len(table.header) or sum(widths) + _GAP * (len(widths) - 1) <= WIDTH:
        yield replace(section, table=table)
        return
    first = 1
    while first < len(widths):
        last, used = first, widths[0]
        while last < len(widths) and (used := used + _GAP + widths[last]) <= WIDTH:
            last += 1
        last = max(last, first + 1)
        part = _columns(table, first, last)
        yield replace(section, table=part) if first == 1 else Section(f"{section.title}, continued", (), part)
        first = last


def _folded(table: Table) -> Table:
    """A table with its first column in several lines, where that makes it as narrow as the page."""
    first, *others = _widths(table)
    room = WIDTH - sum(others) - _GAP * len(others)
    if first <= room or room < _NARROWEST:
        return table
    rows: list[tuple[str, ...]] = []
    for row in table.rows:
        line, *following = textwrap.wrap(row[0], room, subsequent_indent="  ") or [""]
        rows += [(line, *row[1:]), *((each, *("" for _ in row[1:])) for each in following)]
    return Table(table.header, tuple(rows), table.numeric)


def _widths(table: Table) -> list[int]:
    return [max(len(row[column]) for row in (table.header, *table.rows)) for column in range(len(table.header))]


def _columns(table: Table, first: int, last: int) -> Table:
    """The first column and some of the others."""
    kept = (0, *range(first, last))
    return Table(
        tuple(table.header[column] for column in kept),
        tuple(tuple(row[column] for column in kept) for row in table.rows),
        frozenset(range(1, len(kept))),
    )
