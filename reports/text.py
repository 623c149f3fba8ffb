"""Plain text, 80 columns: what is piped, and the text part of a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from reports.inert import inert
from reports.tables import NOTHING, Section, Table
from reports.view import ReportView, charts_by_section

WIDTH = 80
_GAP = "  "

#: A longer label of the glance stands in a line of its own.
_LABEL = 14

#: Fewer columns than that are no room for words.
_NARROWEST = 22


def render_text(view: ReportView) -> str:
    """The report as plain text, no line longer than 80 characters."""
    view = inert(view)
    parts = [view.title, "=" * len(view.title), "", _wrap(view.verdict)]
    parts += [line for notice in view.notices for line in ("", _wrap(f"! {notice}", hanging="  "))]
    if view.glance:
        parts += ["", *(_line(line.label, line.text) for line in view.glance)]
    alone, placed = charts_by_section(view)
    parts += [line for chart in alone for line in ("", _wrap(f"Chart: {chart.alt}"))]
    for number, section in enumerate(view.sections):
        parts += ["", *_section(section)]
        parts += [line for chart in placed.get(number, ()) for line in ("", _wrap(f"Chart: {chart.alt}"))]
    parts += ["", "-" * WIDTH, *(_wrap(line) for line in view.footer)]
    if view.page:
        parts.append(f"All of it: {view.page}")
    return "\n".join(parts) + "\n"


def _line(label: str, text: str) -> str:
    indent = " " * (_LABEL - 1)
    if len(label) < _LABEL - 1:
        return textwrap.fill(
            text, WIDTH, initial_indent=f"{label:<{_LABEL - 1}}", subsequent_indent=indent, break_on_hyphens=False
        )
    return f"{label}\n{textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)}"


def render_sections(sections: Sequence[Section]) -> str:
    """Sections by themselves."""
    return "\n\n".join("\n".join(_section(section)) for section in sections) + "\n"


def _section(section: Section) -> list[str]:
    lines = [_wrap(section.title), "-" * min(len(section.title), WIDTH)]
    lines += [_wrap(sentence) for sentence in section.sentences]
    if section.table is not None:
        if section.sentences:
            lines.append("")
        lines += render_table(section.table)
    return lines


def fits(table: Table, width: int) -> bool:
    """Whether a table has room beside itself, its last column wrapped where it must be."""
    widths = _widths(table)
    before_last = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    return before_last + widths[-1] <= width or width - before_last >= _NARROWEST


def _widths(table: Table) -> list[int]:
    rows = ([table.header] if any(table.header) else []) + list(table.rows)
    return [max((len(row[column]) for row in rows), default=0) for column in range(len(table.header))]


def render_table(table: Table, width: int = WIDTH) -> list[str]:
    """Lines of a table; the last column is wrapped where the line would be longer than `width`."""
    if not fits(table, width):
        return stacked(table, width)
    rows, widths = ([table.header] if any(table.header) else []) + list(table.rows), _widths(table)
    before_last = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    widths[-1] = min(widths[-1], width - before_last)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(widths[column]) if column in table.numeric else cell.ljust(widths[column])
            for column, cell in enumerate(row[:-1])
        ]
        last = textwrap.wrap(row[-1], widths[-1]) or [""]
        if len(row) - 1 in table.numeric:
            last = [line.rjust(widths[-1]) for line in last]
        lines.append(_GAP.join([*cells, last[0]]).rstrip())
        lines += [" " * before_last + line for line in last[1:]]
    return lines


def stacked(table: Table, width: int) -> list[str]:
    """A table too wide for the page: one paragraph per row, of the cells that have something."""
    lines = []
    for row in table.rows:
        cells = [
            f"{name.lower()} {cell}" if name else cell
            for name, cell in zip(table.header[1:], row[1:], strict=True)
            if cell not in (NOTHING, "")
        ]
        lines.append(_wrap(f"{row[0]}: {'; '.join(cells)}.", hanging="  ", width=width))
    return lines


def _wrap(text: str, hanging: str = "", width: int = WIDTH) -> str:
    return textwrap.fill(text, width, subsequent_indent=hanging, break_on_hyphens=False)
