"""The report for a terminal: tables, and colour where the terminal has it. What is piped is plain text, not this."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from reports.inert import inert
from reports.tables import Section, Table
from reports.text import fits, stacked
from reports.view import ReportView

#: Longer lines are harder to read.
WIDEST = 100

#: How cells are marked that say what to do or whom to trust.
_STYLES = {
    "DEGRADED": "bold red", "NOTE": "yellow", "OK": "green", "OPEN": "bold cyan", "ROLL": "bold cyan",
    "MONETISE": "bold cyan", "CLOSE": "bold cyan", "ADJUST": "bold cyan", "on": "bold", "unavailable": "yellow",
}  # fmt: skip


def print_view(view: ReportView, console: Console | None = None) -> None:
    """Print a report; `NO_COLOR` and terminals without colours are heeded by the console."""
    console = console or Console()
    width = min(console.width, WIDEST)
    console.print(_report(inert(view), width), width=width, highlight=False, soft_wrap=False)


def _report(view: ReportView, width: int) -> Group:
    loud = "bold red" if view.simulated else "bold blue"
    parts: list[RenderableType] = [Text(view.title, "bold"), Text()]
    parts += [Text(f"! {notice}", "bold yellow") for notice in view.notices]
    opening: list[RenderableType] = [Text(view.verdict, "bold")]
    if view.glance:
        lines = RichTable.grid(padding=(0, 2, 0, 0))
        lines.add_column(style="bold", no_wrap=True, max_width=16)
        lines.add_column()
        for line in view.glance:
            lines.add_row(Text(line.label), Text(line.text))
        opening += [Text(), lines]
    parts.append(Panel(Group(*opening), border_style=loud))
    for section in view.sections:
        parts += ["", *_section(section, width)]
    parts += ["", Rule(style="dim"), *(Text(line, "dim") for line in view.footer)]
    if view.page:
        parts.append(Text(f"All of it: {view.page}", "dim"))
    return Group(*parts)


def _section(section: Section, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(section.title, "bold underline")]
    parts += [Text(sentence) for sentence in section.sentences]
    if section.table is not None:
        parts.append(Padding(_table(section.table, width), (1 if section.sentences else 0, 0, 0, 0)))
    return parts


def _table(table: Table, width: int) -> RenderableType:
    # The narrowest that words are read in is not narrower here.
    if not fits(table, width):
        return Group(*(Text(line) for line in stacked(table, width)))
    found = RichTable(
        box=None, padding=(0, 2, 0, 0), show_header=any(table.header), header_style="bold", pad_edge=False
    )
    last = len(table.header) - 1
    for number, name in enumerate(table.header):
        found.add_column(
            Text(name), justify="right" if number in table.numeric else "left", no_wrap=number < last, overflow="fold"
        )
    for row in table.rows:
        found.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
    return found
