from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from reports.html import render_html
from reports.slack import BLOCK_LIMIT, HEADER_LIMIT, TEXT_LIMIT, render_slack, render_slack_thread
from reports.tables import Section, Table
from reports.text import render_table, render_text
from reports.view import DISCLAIMER, ReportView, report_view
from signals.calendar import trading_calendar
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.veqtor.history import row_of_report
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VARIANTS
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals
from tests.conftest import RECORDED_LAST

SESSION = dt.date(2006, 3, 15)
NOTIONAL = 1_000_000.0
#: Long figures: ten digits of money in every column.
LARGE_NOTIONAL = 9_876_543_210.0

RECORDED = [
    dt.date(2008, 10, 10), dt.date(2011, 8, 8), dt.date(2018, 2, 6), dt.date(2020, 3, 16), RECORDED_LAST,
]  # fmt: skip


@pytest.fixture(scope="module")
def report(made_up_signals: VeqtorSignals) -> SignalReport:
    return signal_report(made_up_signals, SESSION, NOTIONAL)


def in_time(report: SignalReport) -> dt.datetime:
    """The evening of the session."""
    return report.effective_at.astimezone(dt.UTC) - dt.timedelta(hours=20)


def view_of(report: SignalReport, revision: int = 1, emitted_at: dt.datetime | None = None) -> ReportView:
    return report_view(report, revision=revision, emitted_at=emitted_at or in_time(report))


def sampled(signals: VeqtorSignals, count: int) -> list[dt.date]:
    """Sessions spread over the whole history, the first and the last usable one among them."""
    usable = signals.inputs.sessions[signals.inputs.base + 5 : signals.inputs.usable]
    sessions: list[dt.date] = [usable[row * (len(usable) - 1) // (count - 1)].item() for row in range(count)]
    return sessions


def words(text: str) -> str:
    """The text in one line, without the marks that a rendering sets in front of a notice."""
    return " ".join(text.replace("\n! ", "\n").split())


class _Page(HTMLParser):
    """The visible texts of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self._hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden = tag in ("style", "title", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(data.strip())


def slack_texts(*messages: dict[str, Any]) -> Iterator[str]:
    for block in (block for message in messages for block in message["blocks"]):
        for holder in (*block.get("elements", []), block.get("text")):
            if holder:
                yield html.unescape(holder["text"])


def said(view: ReportView) -> list[str]:
    """Everything a view has to say in words."""
    sentences = [sentence for section in view.sections for sentence in (section.title, *section.sentences)]
    glance = [part for line in view.glance for part in (line.label, line.text)]
    return [view.title, view.verdict, *view.notices, *glance, *sentences, *view.footer]


def check(view: ReportView) -> None:
    """Everything is in every rendering, and every rendering is within its limits."""
    text, page, message = render_text(view), _Page(render_html(view)), render_slack(view)
    messages = [message, *render_slack_thread(view)]
    too_long = [line for line in text.splitlines() if len(line) > 80]
    assert too_long == []
    in_slack = words("\n".join(slack_texts(*messages)).replace("*", "").replace(":warning: ", ""))
    for what in said(view):
        assert words(what) in words(text)
        assert what in page.texts
        # Slack has provenance below a line, without a title.
        assert words(what) in in_slack or what == "Provenance"
    for section in view.sections:
        for cell in (cell for row in (section.table.rows if section.table else ()) for cell in row if cell):
            assert cell in page.texts
            assert words(cell) in words(text) or all(word in text for word in cell.split())
    assert all(0 < len(message["blocks"]) <= BLOCK_LIMIT for message in messages)
    for block in (block for message in messages for block in message["blocks"]):
        limit = HEADER_LIMIT if block["type"] == "header" else TEXT_LIMIT
        for holder in (*block.get("elements", []), block.get("text")):
            assert holder is None or 0 < len(holder["text"]) <= limit
    assert not any(text.endswith("…") for text in slack_texts(*messages))
    assert message["text"] == html.escape(view.subject, quote=False)


@pytest.mark.parametrize("notional", [NOTIONAL, LARGE_NOTIONAL])
def test_every_rendering_of_forty_made_up_sessions_is_complete_and_in_its_limits(
    made_up_signals: VeqtorSignals, notional: float
) -> None:
    sessions = sampled(made_up_signals, 16)
    assert len(set(sessions)) == 16
    for session in sessions:
        report = signal_report(made_up_signals, session, notional)
        check(view_of(report))


@pytest.mark.server
def test_every_rendering_of_recorded_sessions_is_complete_and_in_its_limits(recorded_signals: VeqtorSignals) -> None:
    hashes = {key: f"{key:064x}" for key in range(1, 5000)}
    for session in sorted({*RECORDED, *sampled(recorded_signals, 16)}):
        report = signal_report(recorded_signals, session, LARGE_NOTIONAL, hashes)
        check(view_of(report))
        check(view_of(report, revision=3, emitted_at=report.effective_at + dt.timedelta(days=900)))


def test_a_report_that_came_in_time_carries_no_notice_of_its_own(report: SignalReport) -> None:
    view = view_of(replace(report, flags=(), back_test=False))

    assert view.notices == ()
    assert "CORRECTION" not in view.subject


def test_a_report_emitted_after_the_close_it_acts_at_is_for_the_record_only(report: SignalReport) -> None:
    at_the_close = view_of(report, emitted_at=report.effective_at)
    later = view_of(report, emitted_at=report.effective_at + dt.timedelta(seconds=1))

    assert not any("For the record only" in notice for notice in at_the_close.notices)
    assert "For the record only" in render_text(later)
    assert "For the record only" in render_html(later)
    assert any("For the record only" in text for text in slack_texts(render_slack(later)))
    assert f"{report.effective_session} 16:00 New York" in words(render_text(later))


def test_a_second_revision_is_a_correction_in_the_subject_and_the_first_notice(report: SignalReport) -> None:
    first, second = view_of(report), view_of(report, revision=2)

    assert second.subject == f"CORRECTION 2 {first.subject}"
    assert second.notices[0].startswith("Revision 2: it supersedes")
    assert "Revision 2" in render_text(second)
    assert "CORRECTION 2" in render_html(second)
    assert render_slack(second)["text"] == f"CORRECTION 2 {first.subject}"
    assert ", revision 2, " in second.sections[-1].sentences[0]


def test_degraded_inputs_are_named_before_the_verdict_is_acted_on(report: SignalReport) -> None:
    first, *others = report.inputs
    degraded = replace(report, inputs=(replace(first, severity="DEGRADED", remark="a stand-in"), *others))
    view = view_of(degraded)

    assert any(notice.startswith("Degraded data") and first.label in notice for notice in view.notices)
    check(view)


def test_a_stop_loss_says_cash_in_the_subject(made_up_signals: VeqtorSignals) -> None:
    report = signal_report(made_up_signals, dt.date(2006, 6, 30), NOTIONAL)

    assert report.target.cash == 1.0
    assert view_of(report).subject == "VEQTOR 2006-06-30: 100% cash (stop-loss)"


HOSTILE = "<script>alert(\"x\")</script> & <b onmouseover='y'>"


def test_hostile_words_are_escaped_in_html_and_readable_in_text(report: SignalReport) -> None:
    first, *others = report.inputs
    hostile = replace(
        report,
        verdict=HOSTILE,
        changes=(HOSTILE,),
        rule_set=HOSTILE,
        inputs=(replace(first, remark=HOSTILE, label=HOSTILE, publisher=HOSTILE, severity="DEGRADED"), *others),
    )
    view = view_of(hostile)
    page = _Page(render_html(view))

    assert "script" not in page.tags
    assert "b" not in page.tags
    assert sum(HOSTILE in text for text in page.texts) >= 6
    assert page.tags == _Page(render_html(replace_words(view))).tags
    assert words(HOSTILE) in words(render_text(view))
    assert not any("<script" in str(block) for block in render_slack(view)["blocks"])


def replace_words(view: ReportView) -> ReportView:
    """The view with harmless words in place of the hostile ones."""

    def harmless(text: str) -> str:
        return text.replace(HOSTILE, "words")

    def section(item: Section) -> Section:
        table = item.table and replace(
            item.table, rows=tuple(tuple(harmless(cell) for cell in row) for row in item.table.rows)
        )
        sentences = tuple(harmless(sentence) for sentence in item.sentences)
        return Section(harmless(item.title), sentences, table, item.key, item.detail)

    return replace(
        view,
        verdict=harmless(view.verdict),
        notices=tuple(harmless(notice) for notice in view.notices),
        sections=tuple(section(item) for item in view.sections),
        footer=tuple(harmless(line) for line in view.footer),
        glance=tuple(replace(line, text=harmless(line.text)) for line in view.glance),
    )


def test_the_html_page_loads_nothing_from_elsewhere(report: SignalReport) -> None:
    page = render_html(view_of(report))

    assert not set(_Page(page).tags) & {"script", "img", "link", "iframe", "object"}
    assert not re.search(r"(src|href)=|url\(|https?://", page)


def test_every_element_of_the_html_page_is_closed(report: SignalReport) -> None:
    page = render_html(view_of(report))
    for tag in set(_Page(page).tags) - {"meta", "hr", "img"}:
        assert len(re.findall(rf"<{tag}[\s>]", page)) == page.count(f"</{tag}>")


def test_the_text_ends_with_the_disclaimer_and_a_line_end(report: SignalReport) -> None:
    text = render_text(view_of(report))

    assert text.endswith("\n")
    assert words(text).endswith(DISCLAIMER)
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_numbers_are_aligned_to_the_right_and_words_to_the_left() -> None:
    table = Table(("Name", "Value"), (("a", "1.5"), ("long name", "1,234.5")), frozenset({1}))

    assert render_table(table) == ["Name         Value", "a              1.5", "long name  1,234.5"]


def test_a_table_that_is_too_wide_becomes_one_paragraph_per_row() -> None:
    table = Table(("", "First", "Second"), (("row", "x" * 60, "y" * 30),))

    assert "\n".join(render_table(table)) == f"row: first {'x' * 60}; second\n  {'y' * 30}."


def test_a_long_last_column_is_wrapped_under_itself() -> None:
    table = Table(("Test", "State"), (("volatility", "word " * 20),))
    lines = render_table(table)

    assert max(len(line) for line in lines) <= 80
    assert len(lines) == 3
    assert lines[2].startswith(" " * len("volatility  ") + "word")


def test_the_same_report_is_rendered_the_same_every_time(report: SignalReport) -> None:
    one, two = view_of(report), view_of(report)

    assert (render_text(one), render_html(one), render_slack(one)) == (
        render_text(two),
        render_html(two),
        render_slack(two),
    )


@pytest.fixture(scope="module")
def simulated(made_up: MarketData) -> SignalReport:
    """A report of the same market, said to be simulated."""
    calendar = trading_calendar()
    data = MarketData(made_up.values(), simulated=True)
    signals = veqtor_signals(resolve(market_history(data, calendar, SESSION), calendar))
    return signal_report(signals, SESSION, NOTIONAL, variants=tuple(VARIANTS))


def test_every_rendering_of_a_simulated_market_says_so_before_anything_else(simulated: SignalReport) -> None:
    view = view_of(simulated)
    assert view.title.startswith("SIMULATED ")
    assert view.subject.startswith("SIMULATED ")
    assert view.verdict.startswith("SIMULATED. ")
    assert view.notices[0].startswith("SIMULATED: every number here was drawn from the sample market.")
    assert render_text(view).splitlines()[0].startswith("SIMULATED ")
    page = render_html(view)
    assert "<title>SIMULATED " in page
    assert next(text for text in _Page(page).texts if text.strip()).startswith("SIMULATED ")
    message = render_slack(view)
    assert message["text"].startswith("SIMULATED ")
    assert message["blocks"][0]["text"]["text"].startswith("SIMULATED ")


def test_no_publisher_is_named_for_a_simulated_number(simulated: SignalReport) -> None:
    assert {item.publisher for item in simulated.inputs} == {"simulated"}
    assert row_of_report(simulated, "veqtor")["market"] == "SIMULATED"


def test_a_report_of_the_real_market_does_not_speak_of_simulation(report: SignalReport) -> None:
    assert "SIMULATED" not in render_text(view_of(report))
    assert "market" not in row_of_report(report, "veqtor")


def test_the_levels_of_a_cold_start_say_from_when_they_count(report: SignalReport) -> None:
    cold = render_text(view_of(replace(report, levels_since=dt.date(2006, 2, 1))))
    assert "100,000 on 2006-02-01, but for the S&P 500 Total Return" in words(cold)
    assert "The loaded history begins then: decisions, weights and orders are exact" in words(cold)
    assert "The loaded history begins then" not in words(render_text(view_of(report)))


def test_variants_have_a_section_each_with_their_orders(recorded_signals: VeqtorSignals) -> None:
    report = signal_report(recorded_signals, dt.date(2020, 3, 17), NOTIONAL, variants=tuple(VARIANTS))
    text = words(render_text(view_of(report)))
    assert "Variant: S&P 500 Dynamic VEQTOR Mid-Term" in text
    assert "Variant: VEQTOR overlay, own construction" in text
    assert "Keep -40% S&P 500, +40% VIX futures from the close of 2020-03-18." in text
    assert "Unfunded, in addition to a holding of the S&P 500: its weights sum to zero." in text
    assert "VXQ20, contracts" in text
    for line in render_text(view_of(report)).splitlines():
        assert len(line) <= 80


def test_a_variant_in_cash_and_one_without_a_signal_are_sentences(recorded_signals: VeqtorSignals) -> None:
    report = signal_report(recorded_signals, dt.date(2020, 2, 28), NOTIONAL, variants=tuple(VARIANTS))
    mid_term, overlay = report.variants
    assert "Keep -100% S&P 500, +100% cash" in words(render_text(view_of(report)))
    gone = replace(mid_term, target=None, unavailable="a settlement of vix-mid-term is missing on 2020-02-28")
    text = words(render_text(view_of(replace(report, variants=(gone, overlay)))))
    assert "No signal: a settlement of vix-mid-term is missing on 2020-02-28." in text
