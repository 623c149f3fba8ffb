"""The five questions of a reader, answered by the first lines of what is sent; what a quiet day leaves out."""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import replace

import pytest

from reports.html import render_html
from reports.slack import render_slack
from reports.text import render_text
from reports.triggers import NEVER, Trigger, nearest, triggers
from reports.view import ReportView, pushed, report_view
from signals.veqtor.report import Flag, Regime, SignalReport, StopLoss, Trend, Weights
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals, signal_report
from tests.market_files import SESSIONS
from tests.reports import hedges
from tests.reports.test_renderings import slack_texts, words

NOTIONAL = 1_000_000.0
CASH = Weights(0.0, 0.0, 1.0)


@pytest.fixture(scope="module")
def reports(made_up_signals: VeqtorSignals) -> dict[dt.date, SignalReport]:
    """Every session of the last months, as in July 2026: with the signals' own words."""
    return {day: signal_report(made_up_signals, day, NOTIONAL) for day in SESSIONS[-90:]}


@pytest.fixture(scope="module")
def pairs(reports: dict[dt.date, SignalReport]) -> list[tuple[SignalReport, SignalReport]]:
    """Every session with the one before."""
    found = list(reports.values())
    return list(zip(found[1:], found, strict=False))


def view_of(report: SignalReport, before: SignalReport | None = None, **options: object) -> ReportView:
    evening = report.effective_at.astimezone(dt.UTC) - dt.timedelta(hours=20)
    found = {"revision": 1, "emitted_at": evening, "before": before, **options}
    return report_view(report, **found)  # type: ignore[arg-type]  # options by keyword


def line(view: ReportView, label: str) -> str:
    return next(each.text for each in view.glance if each.label == label)


def test_a_changed_day_answers_the_five_questions(pairs: list[tuple[SignalReport, SignalReport]]) -> None:
    report, before = next(each for each in pairs if each[0].changes and not each[0].stop_loss.active)
    view = view_of(report, before)
    assert [each.label for each in view.glance] == ["Hold", "Why", "Changed", "Next change", "Data"]
    usd = f"{report.instruction.equity_usd:,.0f} USD"
    assert f"{report.target.equity * 100:g}% S&P 500 ({usd})" in line(view, "Hold")
    assert f"from the close of {report.effective_at:%A %Y-%m-%d} 16:00 New York." in line(view, "Hold")
    assert f"Realised volatility is {report.regime.volatility * 100:.2f}% (regime {report.regime.name})" in line(
        view, "Why"
    )
    assert line(view, "Changed") == " ".join(report.changes)
    assert f"At the close of {report.effective_session}, " in line(view, "Next change")
    assert (
        line(view, "Data") == f"Good: all {len(report.inputs)} inputs are there, and none is a substitute or disputed."
    )
    assert not view.quiet
    sent = pushed(view)
    assert sent.sections == view.sections
    for rendered in (render_text(sent), render_html(sent), "\n".join(slack_texts(render_slack(sent)))):
        told = words(html.unescape(rendered))
        assert all(words(each.text) in told for each in sent.glance)


def test_a_day_without_changes_is_short_and_says_where_the_rest_is(
    pairs: list[tuple[SignalReport, SignalReport]],
) -> None:
    report, before = next(each for each in pairs if not each[0].changes and not each[0].flags)
    view = view_of(report, before)
    assert view.quiet
    assert line(view, "Changed") == (f"Nothing: same regime, trend, stop-loss test and target as on {before.session}.")
    sent = pushed(view, "https://tailguard.example.com")
    assert [section.key for section in sent.sections] == ["actions", "distance", "events", "provenance"]
    assert "A day without changes" in sent.footer[0]
    assert f"`tailguard report show {report.session}` prints all of it." in sent.footer[0]
    assert sent.page == f"https://tailguard.example.com/reports/{report.session}"
    assert len(render_text(sent)) < 0.7 * len(render_text(view))
    # All of it is there for who asks.
    assert {"changes", "veqtor", "data"} <= {section.key for section in view.sections}


CHANGES = {
    "a correction": ({}, {"revision": 2}),
    "no report before": ({}, {"before": None}),
    "a decision that was close": ({"flags": (Flag("RATE", "Close."),)}, {}),
    "a change": ({"changes": ("Stop-loss cleared.",)}, {}),
    "another target": ({"target": CASH}, {}),
    "a hedge that acts": ({"hedges": hedges.hedges()}, {}),
    "a hedge that is new": ({"hedges": hedges.hedges()[1:2]}, {}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_any_change_or_doubt_makes_the_day_a_full_one(
    pairs: list[tuple[SignalReport, SignalReport]], what: str
) -> None:
    report, before = next(each for each in pairs if not each[0].changes and not each[0].flags)
    assert view_of(report, before).quiet
    changed, options = CHANGES[what]
    assert not view_of(replace(report, **changed), **{"before": before, **options}).quiet  # type: ignore[arg-type]


def test_hedges_that_hold_as_before_do_not_make_a_day_a_full_one(
    pairs: list[tuple[SignalReport, SignalReport]],
) -> None:
    report, before = next(each for each in pairs if not each[0].changes and not each[0].flags)
    holding = hedges.hedges()[1:]
    quiet = view_of(replace(report, hedges=holding), replace(before, hedges=holding))
    assert quiet.quiet
    assert "alvh-442: Ladder" not in render_text(pushed(quiet))
    assert "Hold everything; 30d is due to roll" in words(render_text(pushed(quiet)))
    doubtful = (replace(holding[0], doubts=("No VVIX: a fit stands in.",)), holding[1])
    assert not view_of(replace(report, hedges=doubtful), replace(before, hedges=holding)).quiet
    assert view_of(replace(report, hedges=doubtful), replace(before, hedges=doubtful)).quiet


def degraded(report: SignalReport, *places: int) -> SignalReport:
    inputs = [
        replace(item, severity="DEGRADED", remark="a stand-in") if place in places else item
        for place, item in enumerate(report.inputs)
    ]
    return replace(report, inputs=tuple(inputs), health="DEGRADED")


def test_what_is_degraded_anew_is_loud_and_what_was_before_is_not(
    pairs: list[tuple[SignalReport, SignalReport]],
) -> None:
    report, before = next(each for each in pairs if not each[0].changes and not each[0].flags)
    first, second = report.inputs[1].label, report.inputs[5].label
    anew = view_of(degraded(report, 1, 5), degraded(before, 1))
    assert not anew.quiet
    assert anew.notices[0] == f"Degraded data in {first}, {second}: the data say why."
    assert f"2 of 7 inputs are substitutes or disputed ({first} and {second}), {second} since today;" in line(
        anew, "Data"
    )
    known = view_of(degraded(report, 1, 5), degraded(before, 1, 5))
    assert known.quiet
    assert not any("Degraded" in notice for notice in known.notices)
    assert "as the session before; no decision was close enough to its limit to be flagged." in line(known, "Data")


def test_a_stop_loss_day_says_cash_and_why(reports: dict[dt.date, SignalReport]) -> None:
    report = next(report for report in reports.values() if report.stop_loss.active)
    view = view_of(report)
    assert line(view, "Hold").startswith("100% cash (1,000,000 USD), from the close of")
    assert line(view, "Why").startswith("The stop-loss is on (-")
    assert "which outranks realised volatility" in line(view, "Why")


def test_late_corrected_and_simulated_reports_stay_loud(pairs: list[tuple[SignalReport, SignalReport]]) -> None:
    report, before = pairs[0]
    late = view_of(report, before, shown_at=report.effective_at + dt.timedelta(hours=1))
    assert late.subject.startswith("LATE ")
    assert late.notices[0].startswith("For the record only")
    corrected = view_of(report, before, revision=2, corrects=(1, replace(report, target=CASH)))
    assert corrected.subject.startswith("CORRECTION 2 ")
    assert line(corrected, "Changed").startswith("Against revision 1: target 100% cash -> ")
    simulated = pushed(view_of(replace(report, simulated=True), before))
    assert simulated.subject.startswith("SIMULATED ")
    assert simulated.footer[-1].startswith("SIMULATED")


# What would change a test.


def of(report: SignalReport, test: str) -> Trigger:
    return next(each for each in triggers(report) if each.test.startswith(test))


@pytest.fixture(scope="module")
def calm(reports: dict[dt.date, SignalReport]) -> SignalReport:
    """Realised volatility 9.7%, no trend, a VIX of 18.67: 2026-07-27, made of another day."""
    report = next(iter(reports.values()))
    inputs = [replace(item, value=18.67) if item.series == "VIX" else item for item in report.inputs]
    return replace(
        report,
        rule_set_digest=VEQTOR.digest,
        regime=Regime(0.0969, "below 10%", None, 0.10, 0.0073, 0.0073, 0.0961),
        trend=Trend("no trend", 17.93, 16.97, True, 6, 10, 10.48),
        stop_loss=StopLoss(False, -0.0003, -0.02, -0.0121),
        held=Weights(0.975, 0.025, 0.0),
        target=Weights(0.975, 0.025, 0.0),
        inputs=tuple(inputs),
    )


def test_the_nearest_trigger_is_named_with_what_the_table_makes_of_it(calm: SignalReport) -> None:
    assert line(view_of(calm), "Next change") == (
        f"At the close of {calm.effective_session}, a rise or fall of 0.73% or more of the S&P 500 lifts realised "
        "volatility to 10% or more; all else equal the target becomes 90% S&P 500, 10% VIX futures."
    )
    trend = of(calm, "Trend")
    assert (trend.now, trend.changes_at, trend.distance) == ("6 sessions", "10 sessions", "4 more")
    assert (trend.days, trend.changes_target) == (NEVER, False)


def test_what_a_quiet_day_brings_by_itself_comes_first(calm: SignalReport) -> None:
    trend = replace(calm.trend, run=9)
    told = line(view_of(replace(calm, trend=trend)), "Next change")
    assert told.endswith(
        "a VIX at 10.48 or higher makes an uptrend; all else equal the target becomes 90% S&P 500, 10% VIX futures."
    )
    falls = Regime(0.2013, "20-35%", 0.20, 0.35, 0.05, 0.05, 0.1980)
    lower = of(replace(calm, regime=falls), "Volatility, down")
    assert lower.days < 0
    # sqrt((0.2^2 - 0.198^2) * 22 / 252) = 0.834% as a log return.
    assert lower.sentence.startswith(
        "unless the S&P 500 makes a rise of 0.84% or a fall of 0.83% or more, realised volatility falls below 20%"
    )


def test_a_fall_through_a_whole_regime_names_no_target(calm: SignalReport) -> None:
    deep = Regime(0.21, "20-35%", 0.20, 0.35, 0.05, 0.05, 0.09)
    assert of(replace(calm, regime=deep), "Volatility, down").sentence.endswith("the target then depends on how far")


def test_a_trend_ends_where_the_averages_cross(calm: SignalReport) -> None:
    up = replace(calm, trend=replace(calm.trend, name="uptrend", run=12, next_vix=17.0), target=Weights(0.9, 0.1, 0.0))
    ends = of(up, "Trend")
    assert (ends.now, ends.changes_at, ends.distance) == ("uptrend", "VIX 17.00", "1.67 points")
    assert ends.sentence.startswith("a VIX below 17.00 ends the uptrend; all else equal the target becomes 97.5%")
    for_ever = of(replace(up, trend=replace(up.trend, next_vix=-3.0)), "Trend")
    assert for_ever.days == NEVER
    assert for_ever.moved_by.startswith("not at the next close")


def test_in_cash_the_next_test_is_known(calm: SignalReport) -> None:
    stopped = replace(calm, held=CASH, target=CASH, stop_loss=StopLoss(True, -0.03, -0.02, -0.004))
    told = line(view_of(stopped), "Next change")
    assert "the stop-loss clears at the next close, as cash has no excess return; all else equal the target" in told
    goes_on = replace(stopped, stop_loss=StopLoss(True, -0.03, -0.02, 0.004))
    assert nearest(triggers(goes_on)) is None
    assert line(view_of(goes_on), "Next change").startswith("Nothing can change the target at the close of")


def test_the_rules_of_another_version_promise_no_target(calm: SignalReport) -> None:
    older = replace(calm, rule_set_digest="0123456789abcdef")
    told = line(view_of(older), "Next change")
    assert "lifts realised volatility to 10% or more." in told
    assert "target" not in told


def test_triggers_hold_on_the_session_that_follows(pairs: list[tuple[SignalReport, SignalReport]]) -> None:
    for after, report in pairs:
        by_test = {each.test: each for each in triggers(report)}
        if by_test["Trend of the VIX"].days == NEVER:
            assert after.trend.name == report.trend.name
        down = by_test.get("Volatility, down")
        if down is not None and down.days == NEVER:
            assert report.regime.lower_edge is not None
            assert after.regime.volatility >= report.regime.lower_edge
        stop = by_test.get("Stop-loss, 5 days")
        if report.held == CASH and stop is not None:
            assert (stop.days < 0) == (after.stop_loss.active != report.stop_loss.active)
