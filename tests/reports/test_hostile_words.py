"""Markup and control characters in any text of a report do nothing in any rendering."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.console import Console

from reports.html import render_html
from reports.markdown import render_markdown
from reports.slack import render_slack, render_slack_thread
from reports.terminal import print_view
from reports.text import render_text
from reports.view import report_view
from signals.approvals import Approval
from signals.document import decode, encode
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report
from tasks.notify.email import compose
from tests.market_files import LAST
from tests.reports import hedges
from tests.reports.test_markdown import parsed

pytestmark = pytest.mark.server

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=y>\"'&<!channel>[red]a[/red] "
    "\x1b[2J\x1b]8;;x\x07\u202eb\u2066\udc80\x00"
)

#: What of it no reader may get.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
EMITTED = dt.datetime(2006, 7, 1, tzinfo=dt.UTC)


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def texts(document: Any, above: str = "") -> Iterator[str]:
    """Where a document has text: paths without the positions in lists."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from texts(value, f"{above}.{name}")
    elif isinstance(document, list):
        for value in document:
            yield from texts(value, above)
    elif isinstance(document, str) and not re.match(r"\d{4}-\d\d-\d\d", document):
        yield above


def poisoned(document: Any, path: str, above: str = "") -> Any:
    """The document with markup as every text at a path."""
    if isinstance(document, dict):
        return {name: poisoned(value, path, f"{above}.{name}") for name, value in document.items()}
    if isinstance(document, list):
        return [poisoned(value, path, above) for value in document]
    return HOSTILE if above == path and isinstance(document, str) else document


def test_no_text_of_a_report_becomes_markup(made_up_signals: VeqtorSignals) -> None:
    plain = signal_report(made_up_signals, LAST, 1e6, {}, ("veqtor-mid-term", "veqtor-overlay"))
    report = replace(
        plain, hedges=hedges.hedges(), macro=hedges.macro(), approvals=(Approval("veqtor", "0", "alice", EMITTED),)
    )
    document = encode(report)
    paths = sorted(set(texts(document)))
    allowed = {tag for tag, _ in Tags(render_html(report_view(report, revision=1, emitted_at=EMITTED))).found}
    shown, looked_up, everything = 0, list[str](), document
    for path in paths:
        try:
            changed = decode(SignalReport, poisoned(document, path))
            view = report_view(changed, revision=1, emitted_at=EMITTED)
        except (KeyError, ValueError):
            # A name that words are looked up by: it has no words of its own.
            looked_up.append(path)
            continue
        page = render_html(view)
        found = Tags(page).found
        assert {tag for tag, _ in found} <= allowed | {"p", "td", "tr", "table", "li", "ul"}, path
        assert not any(name.startswith("on") for _, names in found for name in names), path
        assert "<script" not in page, path
        blocks = json.dumps(render_slack(view))
        assert "<!channel" not in blocks, path
        assert "<script" not in blocks, path
        assert not ACTIVE.search(page), path
        everything = poisoned(everything, path)
        shown += "&lt;script&gt;" in page
    assert shown > len(paths) / 2
    assert len(looked_up) < len(paths) / 4, looked_up
    # All at once, in every rendering.
    view = report_view(decode(SignalReport, everything), revision=1, emitted_at=EMITTED)
    out = io.StringIO()
    print_view(view, Console(file=out, width=80, force_terminal=True, color_system=None))
    printed = re.sub("\x1b\\[[0-9;]*m", "", out.getvalue())
    slack = [render_slack(view), *render_slack_thread(view)]
    said = [text for message in slack for block in message["blocks"] for text in strings(block)]
    mail = compose(view, "a@example.com", "b@example.com", "key", EMITTED)
    assert not ACTIVE.search(str(mail["Subject"]))
    for rendered in (render_text(view), render_html(view), render_markdown(view), printed, *said):
        assert not ACTIVE.search(rendered)
        assert "\x1b" not in rendered
    assert "[red]a[/red]" in " ".join(printed.split())
    assert not any(mark in " ".join(said) for mark in ("<!", "<script", "<http"))
    kinds = {token.type for token in parsed(render_markdown(view))}
    assert not kinds & {"link_open", "image", "html_inline", "html_block"}


def strings(value: Any) -> Iterator[str]:
    """Every text in a block."""
    if isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value
