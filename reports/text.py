"""Plain text, 80 columns: the terminal, and the text part of a mail."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from reports.tables import NOTHING, Section, Table
from reports.view import ReportView

WIDTH = 80
_GAP = "  "


def render_text(view: ReportView) -> str:
    """The report as plain text, no line longer than 80 characters."""
    parts = [view.title, "=" * len(view.title), "", _wrap(view.verdict)]
    parts += [line for notice in view.notices for line in ("", _wrap(f"! {notice}", hanging="  "))]
    for section in view.sections:
        parts += ["", *_section(section)]
    parts += ["", "-" * WIDTH, *(_wrap(line) for line in view.footer)]
    return "\n".join(parts) + "\n"


def render_sections(sections: Sequence[Section]) -> str:
    """Sections by themselves."""
    return "\n\n".join("\n".join(_section(section)) for section in sections) + "\n"


def _section(section: Section) -> list[str]:
    lines = [section.title, "-" * len(section.title)]
    lines += [_wrap(sentence) for sentence in section.sentences]
    if section.table is not None:
        if section.sentences:
            lines.append("")
        lines += render_table(section.table)
    return lines


def render_table(table: Table, width: int = WIDTH) -> list[str]:
    """Lines of a table; the last column is wrapped where the line would be longer than `width`."""
    rows = ([table.header] if any(table.header) else []) + list(table.rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
    before_last = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    if before_last + widths[-1] > width and width - before_last < 24:
        return _stacked(table, width)
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


def _stacked(table: Table, width: int) -> list[str]:
    """A table too wide for the page: one paragraph per row, of the cells that have something."""
    lines = []
    for row in table.rows:
        cells = [
            f"{name.lower()} {cell}" if name else cell
            for name, cell in zip(table.header[1:], row[1:], strict=True)
            if cell != NOTHING
        ]
        lines.append(_wrap(f"{row[0]}: {'; '.join(cells)}.", hanging="  ", width=width))
    return lines


def _wrap(text: str, hanging: str = "", width: int = WIDTH) -> str:
    return textwrap.fill(text, width, subsequent_indent=hanging, break_on_hyphens=False)
