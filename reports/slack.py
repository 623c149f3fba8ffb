"""Slack Block Kit: verdict, glance, orders and events first; everything else below, or in a thread where there is one.

All of it is within Slack's limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reports.inert import inert
from reports.tables import Section
from reports.text import render_table
from reports.view import ReportView

# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT = 150
TEXT_LIMIT = 3000
BLOCK_LIMIT = 50

#: Characters of a table that are worth a line; Slack shows as many on a desk.
_CODE_WIDTH = 78

#: Room for the words that a thread's messages begin with.
_SUBJECT = 200

#: The sections of a report that its message has, the last in small letters; those without a key are of an alert.
_FIRST, _FOOT = ("", "actions", "events"), "provenance"


def render_slack(view: ReportView, *, threaded: bool = False) -> dict[str, Any]:
    """The message: `text` for notifications, `blocks` for the channel.

    Parameters
    ----------
    threaded : bool
        Whether a thread below has the rest; else the message has every section, as far as there is room.
    """
    view = inert(view)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(view.title, HEADER_LIMIT)}},
        _markdown(f"*{_escaped(view.verdict)}*"),
    ]
    if view.notices:
        blocks += map(_markdown, _joined([f":warning: {_escaped(notice)}" for notice in view.notices]))
    blocks += map(_markdown, _joined([f"*{_escaped(line.label)}*  {_escaped(line.text)}" for line in view.glance]))
    foot = [_escaped(line) for line in view.footer]
    if view.page:
        foot.append(f"<{_escaped(view.page)}|All of it, with every input and revision>")
    elif view.session is not None and not any("`tailguard report show " in line for line in foot):
        foot.append(f"`tailguard report show {view.session}` prints all of it.")
    made_with = [_escaped(line) for each in view.sections if each.key == _FOOT for line in each.sentences]
    tail = [{"type": "divider"}, *(_context(lines) for lines in (made_with, foot) if lines)]
    shown = [each for each in view.sections if (_in_first(each) if threaded else each.key != _FOOT)]
    # The sections of the first message lead, so that what there is no room for is none of them.
    parts = _blocks(sorted(shown, key=lambda each: not _in_first(each)))
    return {"text": _escaped(view.subject), "blocks": blocks + _fitting(parts, len(blocks) + len(tail)) + tail}


def render_slack_thread(view: ReportView) -> list[dict[str, Any]]:
    """The messages of the thread below: the sections that the first one leaves out, in as many as they need."""
    view = inert(view)
    parts = _blocks([each for each in view.sections if not _in_first(each) and each.key != _FOOT])
    text = _cut(_escaped(f"Details: {view.subject}"), _SUBJECT)
    return [{"text": text, "blocks": parts[start : start + BLOCK_LIMIT]} for start in range(0, len(parts), BLOCK_LIMIT)]


def _in_first(section: Section) -> bool:
    """Whether the message has it; a hedge that holds what it holds is told by the glance."""
    return section.key in _FIRST and not (section.key and section.detail)


def _blocks(sections: Sequence[Section]) -> list[dict[str, Any]]:
    return [_markdown(text) for section in sections for text in _texts(section)]


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """Lines in as few texts as take them."""
    text = ""
    for line in map(_cut, lines):
        if text and len(text) + len(line) + 1 > TEXT_LIMIT:
            yield text
            text = line
        else:
            text = f"{text}\n{line}" if text else line
    if text:
        yield text


def _fitting(parts: list[dict[str, Any]], others: int) -> list[dict[str, Any]]:
    """As many parts as a message has room for beside the other blocks; says how many it leaves out."""
    room = BLOCK_LIMIT - others
    if len(parts) <= room:
        return parts
    left_out = len(parts) - (room - 1)
    return [*parts[: room - 1], _markdown(f"_{left_out} more parts are left out._")]


def _texts(section: Section) -> Iterator[str]:
    """The section in as many texts as it needs; only between lines is one parted from the next."""
    text = f"*{_escaped(section.title)}*"
    for sentence in section.sentences:
        line = _cut(_escaped(sentence))
        if len(text) + len(line) + 1 > TEXT_LIMIT:
            yield text
            text = line
        else:
            text += f"\n{line}"
    rows: list[str] = []
    for row in render_table(section.table, _CODE_WIDTH) if section.table is not None else ():
        line = _escaped(row)
        if len(_with_table(text, [*rows, line])) > TEXT_LIMIT:
            yield _with_table(text, rows) if rows else text
            text, rows = "", []
        rows.append(line)
    yield _with_table(text, rows) if rows else text


def _with_table(text: str, rows: list[str]) -> str:
    table = f"```{chr(10).join(rows)}```"
    return f"{text}\n{table}" if text else table


def _context(lines: Sequence[str]) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(" ".join(lines))}]}


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text)}}


def _cut(text: str, limit: int = TEXT_LIMIT) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escaped(text: str) -> str:
    # The three characters Slack reads as markup.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
