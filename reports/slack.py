"""Slack Block Kit: verdict first, then what to do and why; within Slack's limits."""

from __future__ import annotations

from typing import Any

from reports.sections import Section
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
    for section in view.sections:
        blocks += _section(section)
    blocks.append({"type": "divider"})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _cut(_escaped(" ".join(view.footer)))}]})
    return {"text": _escaped(view.subject), "blocks": blocks[:BLOCK_LIMIT]}


def _section(section: Section) -> list[dict[str, Any]]:
    lines = [f"*{_escaped(section.title)}*", *(_escaped(sentence) for sentence in section.sentences)]
    if section.table is not None:
        table = "\n".join(render_table(section.table, _CODE_WIDTH))
        lines.append(f"```{_escaped(table)}```")
    return [_markdown("\n".join(lines))]


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text)}}


def _cut(text: str, limit: int = TEXT_LIMIT) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escaped(text: str) -> str:
    # The three characters Slack reads as markup.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
