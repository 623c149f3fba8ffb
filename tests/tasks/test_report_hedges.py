from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from signals.alvh.report import HedgeSignal, Reading
from signals.alvh.rules import RuleSet
from signals.alvh.ruleset_files import shipped_rule_set
from signals.errors import DataNotReady
from signals.options import OptionChain
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report
from tasks.compute import reports_on
from tasks.hedges import ReportHedges
from tests.reports import hedges

RULE_SETS = (shipped_rule_set("alvh-seed"), shipped_rule_set("alvh-442"))


class Books:
    """Books that say the same of every session, or fail."""

    def __init__(self, fail: Callable[[dt.date], None] = lambda _: None) -> None:
        self.made_for: list[float] = []
        self._fail = fail

    def make(
        self,
        signals: VeqtorSignals,
        rule_sets: Sequence[RuleSet],
        notional_usd: float,
        chains: Mapping[dt.date, OptionChain] | None = None,
    ) -> Books:
        self.made_for.append(notional_usd)
        return self

    def on(self, session: dt.date) -> tuple[HedgeSignal, ...]:
        self._fail(session)
        return hedges.seed(), hedges.ladder()

    def macro_on(self, session: dt.date) -> tuple[Reading, ...]:
        return hedges.macro()


@pytest.fixture(scope="module")
def report(made_up_signals: VeqtorSignals) -> SignalReport:
    return signal_report(made_up_signals, hedges.SESSION, 1e6)


def hedging(signals: VeqtorSignals, books: Books, rule_sets: tuple[RuleSet, ...] = RULE_SETS) -> ReportHedges:
    return ReportHedges(signals, rule_sets, 1e6, make=books.make)


def waiting(session: dt.date) -> None:
    raise DataNotReady(f"hedge on {session}", expected="VX settlements", got="none", do="Wait.", missing=("VX",))


def mistaken(session: dt.date) -> None:
    raise ZeroDivisionError


def test_reports_carry_the_hedges_and_the_macro_panel_folded_once(made_up_signals: VeqtorSignals) -> None:
    books = Books()
    sessions = [hedges.SESSION, hedges.SESSION + dt.timedelta(days=1)]
    found = reports_on(made_up_signals, sessions, 1e6, {}, (), hedging(made_up_signals, books))
    assert [report.hedges for report in found] == [(hedges.seed(), hedges.ladder())] * 2
    assert found[0].macro == hedges.macro()
    assert books.made_for == [1e6]


def test_nothing_is_folded_where_no_hedge_is_configured(made_up_signals: VeqtorSignals, report: SignalReport) -> None:
    books = Books()
    assert hedging(made_up_signals, books, ()).added_to(report) is report
    assert books.made_for == []


def test_a_hedge_that_waits_for_data_does_not_hold_up_the_report(
    made_up_signals: VeqtorSignals, report: SignalReport
) -> None:
    found = hedging(made_up_signals, Books(waiting)).added_to(report)
    assert replace(found, hedges=()) == report
    assert [(hedge.rule_set, hedge.rule_set_digest) for hedge in found.hedges] == [
        (rules.name, rules.digest) for rules in RULE_SETS
    ]
    assert {hedge.unavailable for hedge in found.hedges} == {
        "hedge on 2006-04-03: expected VX settlements, got none. Wait"
    }


def test_a_mistake_in_a_hedge_does_not_hold_up_the_report_and_is_logged_once(
    made_up_signals: VeqtorSignals, report: SignalReport, caplog: pytest.LogCaptureFixture
) -> None:
    broken = hedging(made_up_signals, Books(mistaken))
    for _ in range(2):
        found = broken.added_to(report)
    assert found.target == report.target
    assert {hedge.unavailable for hedge in found.hedges} == {"an error nobody foresaw, ZeroDivisionError"}
    assert [record.getMessage() for record in caplog.records] == ["the hedges of 2006-04-03 could not be computed"]


def test_nobody_published_what_the_indicators_of_a_simulated_market_show(
    made_up_signals: VeqtorSignals, report: SignalReport
) -> None:
    found = hedging(made_up_signals, Books()).added_to(replace(report, simulated=True))
    sources = {item.source for item in (*found.hedges[0].indicators, *found.macro)}
    assert sources == {"simulated", ""}


def test_before_the_first_session_of_its_rule_set_a_hedge_says_when_it_begins(made_up_signals: VeqtorSignals) -> None:
    early = signal_report(made_up_signals, dt.date(2006, 3, 30), 1e6)
    found = ReportHedges(made_up_signals, RULE_SETS, 1e6).added_to(early)
    assert {hedge.unavailable for hedge in found.hedges} == {"hedge targets start 2006-03-31"}
