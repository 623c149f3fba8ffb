"""Each rendering as it was last looked at; `TAILGUARD_TEST_WRITE_SNAPSHOTS=1` writes them anew, to be looked at again.

The market is made up, and nothing a reader sees is left out of the comparison.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from reports.charts.chart import Chart, Line, Panel
from reports.html import render_html
from reports.markdown import render_markdown
from reports.slack import render_slack, render_slack_thread
from reports.terminal import print_view
from reports.text import render_text
from reports.view import ReportView, pushed, report_view
from signals.approvals import Approval
from signals.veqtor.signal import VeqtorSignals, signal_report
from tests.market_files import SESSIONS
from tests.reports import hedges

SNAPSHOTS = Path(__file__).parent / "snapshots"
#: Read here: a test is run without any setting.
WRITE = bool(os.environ.get("TAILGUARD_TEST_WRITE_SNAPSHOTS"))
REVIEW = "https://tailguard.example.com"
CHARTS = tuple(
    Chart(
        name,
        section,
        title=f"The {name}",
        subtitle="sessions",
        alt=f"What the {name} shows, in words & figures.",
        note="",
        panels=(Panel("%", (Line("a", ((1.0, 2.0), (2.0, 3.0))),)),),
    )
    for name, section in (("cell", "veqtor"), ("volatility", "distance"), ("stop-loss", "distance"))
)


@pytest.fixture(scope="module")
def views(made_up_signals: VeqtorSignals) -> dict[str, ReportView]:
    """A day on which hedges act, and one on which nothing does."""
    acting = signal_report(made_up_signals, hedges.SESSION, hedges.NOTIONAL, {}, ("veqtor-mid-term",))
    signed = Approval("veqtor", acting.rule_set_digest, "alice", dt.datetime(2006, 3, 1, tzinfo=dt.UTC))
    # The version of the calendar is that of a package.
    acting = replace(acting, hedges=hedges.hedges(), macro=hedges.macro(), approvals=(signed,), calendar="made up")
    holding = hedges.hedges()[1:]
    days = [
        replace(signal_report(made_up_signals, day, 1e6), hedges=holding, calendar="made up") for day in SESSIONS[-60:]
    ]
    quiet = next(number for number, day in enumerate(days) if number and not day.changes and not day.flags)
    evening = dt.datetime(2006, 4, 3, 22, 45, tzinfo=dt.UTC)
    found = {
        "acting": report_view(acting, revision=1, emitted_at=evening, charts=CHARTS),
        "quiet": report_view(days[quiet], revision=1, emitted_at=evening, before=days[quiet - 1], charts=CHARTS),
    }
    assert (found["acting"].quiet, found["quiet"].quiet) == (False, True)
    return found


def text(view: ReportView) -> str:
    return render_text(pushed(view, REVIEW))


def page(view: ReportView) -> str:
    shown = pushed(view, REVIEW)
    return render_html(shown, {chart.name: f"cid:{chart.name}" for chart in shown.charts})


def slack(view: ReportView) -> str:
    shown = pushed(view, REVIEW)
    return json.dumps([render_slack(shown), *render_slack_thread(shown)], indent=1, ensure_ascii=False)


def terminal(view: ReportView) -> str:
    out = io.StringIO()
    print_view(view, Console(file=out, width=80, force_terminal=True, color_system="standard", _environ={}))
    return out.getvalue()


RENDERINGS: dict[str, Callable[[ReportView], str]] = {
    "txt": text,
    "html": page,
    "json": slack,
    "md": lambda view: render_markdown(replace(view, page=f"{REVIEW}/reports/{view.session}")),
    "ansi": terminal,
}


@pytest.mark.parametrize("day", ["acting", "quiet"])
@pytest.mark.parametrize("kind", RENDERINGS)
def test_a_rendering_is_as_it_was_last_looked_at(views: dict[str, ReportView], day: str, kind: str) -> None:
    path, rendered = SNAPSHOTS / f"{day}.{kind}", RENDERINGS[kind](views[day])
    if WRITE:
        path.write_text(rendered, encoding="utf-8")
    assert rendered == path.read_text(encoding="utf-8")


def test_a_quiet_day_keeps_two_charts_which_every_part_of_a_mail_has(views: dict[str, ReportView]) -> None:
    shown = pushed(views["quiet"])
    assert len(shown.charts) == 2
    for chart in shown.charts:
        assert f"Chart: {chart.alt}" in text(views["quiet"])
        assert f'src="cid:{chart.name}"' in page(views["quiet"])
    assert render_html(shown).count("<img") == 0


def test_no_line_on_a_terminal_is_wider_than_it(views: dict[str, ReportView]) -> None:
    for view in views.values():
        for width in (60, 80, 200):
            out = io.StringIO()
            print_view(view, Console(file=out, width=width, force_terminal=True, color_system=None))
            plain = [line.rstrip() for line in out.getvalue().splitlines()]
            assert max(map(len, plain)) <= min(width, 100) + len("\x1b[1m\x1b[0m") * 6


def test_a_terminal_gets_colours_and_no_color_takes_them_away(views: dict[str, ReportView]) -> None:
    def printed(**environment: str) -> str:
        out = io.StringIO()
        print_view(
            views["acting"],
            Console(file=out, width=80, force_terminal=True, _environ={"TERM": "xterm-256color", **environment}),
        )
        return out.getvalue()

    assert "\x1b[1;36mOPEN" in printed()
    assert "\x1b[1mOPEN" in printed(NO_COLOR="1")
