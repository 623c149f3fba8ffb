"""Markdown (CommonMark with tables), as Prefect's web page shows it beside a run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports.inert import inert
from reports.tables import Section, Table
from reports.view import ReportView

#: What has a meaning wherever it stands in a line.
_MARKS = re.compile(r"([\\`*_\[\]|~!])")
#: What has one at the beginning of a line only.
_OPENING = re.compile(r"^(\d*)([#+=.)-])")
#: What is made a link without being asked to be one.
_ADDRESS = re.compile(r"(?i)(://|www\.|mailto:|@)")


def render_markdown(view: ReportView) -> str:
    """The report as Markdown; every value is escaped, so that none of it becomes a link, a picture or HTML.

    Only the address of its page, which is a setting, is a link. Charts are there, not here.
    """
    view = inert(view)
    parts = [f"# {escaped(view.title)}", f"**{escaped(view.verdict)}**"]
    parts += [f"> ⚠️ {escaped(notice)}" for notice in view.notices]
    if view.glance:
        parts.append("\n".join(f"- **{escaped(line.label)}**: {escaped(line.text)}" for line in view.glance))
    if view.page:
        parts.append(f"[Charts, inputs and revisions of this session]({view.page})")
    parts += [part for section in view.sections for part in _section(section)]
    parts += ["---", *(f"*{escaped(line)}*" for line in view.footer)]
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {escaped(section.title)}"
    if section.sentences:
        yield "\n".join(f"- {escaped(sentence)}" for sentence in section.sentences)
    if section.table is not None:
        yield _table(section.table)


def _table(table: Table) -> str:
    rules = ["---:" if column in table.numeric else "---" for column in range(len(table.header))]
    rows = [table.header, rules, *table.rows]
    return "\n".join(f"| {' | '.join(row if row is rules else map(escaped, row))} |" for row in rows)


def escaped(text: str) -> str:
    """A text in one line that Markdown shows as it is."""
    line = " ".join(text.split())
    # Entities first: the escapes that follow must not touch them.
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _MARKS.sub(r"\\\1", line)
    line = _OPENING.sub(r"\1\\\2", line)
    return _ADDRESS.sub(_without_link, line)


def _without_link(found: re.Match[str]) -> str:
    """The same characters, written so that no reader of Markdown takes them for the beginning of an address."""
    return "".join(f"&#{ord(each)};" if each in ":.@" else each for each in found[0])
