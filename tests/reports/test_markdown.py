"""The report as Markdown, read back by a parser of Markdown."""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.markdown import escaped, render_markdown
from reports.tables import Section, Table
from reports.text import render_text
from reports.view import ReportView, report_view
from signals.veqtor.signal import VeqtorSignals, signal_report

SESSION = dt.date(2006, 3, 15)

#: What a rule set, a publisher's error or a mail server's answer could bring along.
HOSTILE = (
    "<script>alert(1)</script>",
    "[click](https://example.com)",
    "![](https://example.com/x.png)",
    "https://example.com www.example.com desk@example.com",
    "**bold** _em_ ~~gone~~ `code`",
    "# heading",
    "- item",
    "+ item",
    "2. item",
    "=====",
    "--------",
    "a | b | c",
    "a\n\n# b\n```\nc",
    "&lt;b&gt; \\* \\",
    "VX_2006-04 +1.5% (-0.3) 10*x_1",
)


@pytest.fixture(scope="module")
def view(made_up_signals: VeqtorSignals) -> ReportView:
    report = signal_report(made_up_signals, SESSION, 1e6)
    return report_view(report, revision=1, emitted_at=report.effective_at - dt.timedelta(hours=20))


def parsed(text: str) -> list[Token]:
    tokens = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"]).parse(text)
    return [child for token in tokens for child in [token, *(token.children or [])]]


def shown(text: str) -> str:
    """What a reader sees, in one line."""
    return " ".join("".join(t.content if t.type == "text" else " " for t in parsed(text)).split())


def test_it_shows_what_the_terminal_shows(view: ReportView) -> None:
    seen = shown(render_markdown(view))
    texts = [view.title, view.verdict, *view.notices, *view.footer, *(line.text for line in view.glance)]
    for section in view.sections:
        texts += [section.title, *section.sentences]
        texts += [cell for row in (section.table.rows if section.table else ()) for cell in row]
    assert [text for text in texts if " ".join(text.split()) not in seen] == []
    assert "Changed since" in render_text(view)


def test_figures_stand_in_tables_aligned_to_the_right(view: ReportView) -> None:
    tokens = parsed(render_markdown(view))
    tables = [section.table for section in view.sections if section.table]
    assert sum(token.type == "table_open" for token in tokens) == len(tables)
    assert sum(token.type == "tr_open" for token in tokens) == sum(len(table.rows) + 1 for table in tables)
    assert any(token.attrs.get("style") == "text-align:right" for token in tokens if token.type == "td_open")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(view: ReportView, text: str) -> None:
    section = Section(text, (text,), Table((text, ""), ((text, text),)))
    page = render_markdown(
        replace(
            view, title=text, verdict=text, notices=(text,), sections=(section,), footer=(text,), glance=(), page=""
        )
    )
    tokens = parsed(page)
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_inline", "html_block", "code_inline", "fence", "s_open"}
    # Of ours: one list, one table of two rows, two headings.
    counted = {
        kind: sum(token.type == kind for token in tokens) for kind in ("list_item_open", "tr_open", "heading_open")
    }
    assert counted == {"list_item_open": 1, "tr_open": 2, "heading_open": 2}
    assert shown(page).count(" ".join(text.split())) == 9
    # Readers that link whatever looks like an address find none.
    assert not any(mark in escaped(text) for mark in ("://", "www.", "@"))
    assert html.unescape(escaped("://www.@")) == "://www.@"
