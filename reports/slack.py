"""Slack Block Kit: verdict first, then what to do and why; within Slack's limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reports.tables import Section
from reports.text import render_table
from reports.view import ReportView

# https://docs.slack.dev/reference/block-kit/blocks
HEADER_LIMIT = 150
TEXT_LIMIT = 3000
BLOCK_LIMIT = 50

_CODE_WIDTH = 78


def render_slack(view: ReportView) -> dict[str, Any]:
    """The message a webhook takes: `text` for notifications, `blocks` for the channel."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(view.title, HEADER_LIMIT)}},
        _markdown(f"*{_escaped(view.verdict)}*"),
    ]
    if view.notices:
        blocks.append(_markdown("\n".join(f":warning: {_escaped(notice)}" for notice in view.notices)))
    tail = [
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(_escaped(" ".join(view.footer)))}]},
    ]
    parts = [_markdown(text) for section in view.sections for text in _texts(section)]
    return {"text": _escaped(view.subject), "blocks": blocks + _fitting(parts, len(blocks) + len(tail)) + tail}


def _fitting(parts: list[dict[str, Any]], others: int) -> list[dict[str, Any]]:
    """As many parts as a message has room for beside the other blocks; says how many it leaves out."""
    room = BLOCK_LIMIT - others
    if len(parts) <= room:
        return parts
    left_out = len(parts) - (room - 1)
    return [*parts[: room - 1], _markdown(f"_{left_out} more parts: `tailguard report show` has all of it._")]


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


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text)}}


def _cut(text: str, limit: int = TEXT_LIMIT) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escaped(text: str) -> str:
    # The three characters Slack reads as markup.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
