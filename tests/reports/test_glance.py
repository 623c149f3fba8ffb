"""The five questions of a reader, answered by the first lines of what is sent; what a quiet day leaves out."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace
from itertools import product

import pytest

from reports.html import render_html
from reports.slack import render_slack
from reports.text import render_text
from reports.triggers import NEVER, Trigger, nearest, triggers
from reports.view import ReportView, pushed, report_view
from reports.words import holding
from signals.alvh.report import HedgeSignal, LayerTarget
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
    assert f"ecided at the close of {report.effective_session}, traded at the next: " in line(view, "Next change")
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
    "a report that is late": ({}, {"shown_at": dt.datetime(2030, 1, 1, tzinfo=dt.UTC)}),
    "a reader who was not told of the session before": ({}, {"told_before": False}),
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
    assert "Hold everything; 30d's roll is decided at the close of" in words(render_text(pushed(quiet)))
    doubtful = (replace(holding[0], doubts=("No VVIX: a fit stands in.",)), holding[1])
    assert not view_of(replace(report, hedges=doubtful), replace(before, hedges=holding)).quiet
    assert view_of(replace(report, hedges=doubtful), replace(before, hedges=doubtful)).quiet


def test_a_layer_that_ends_or_changes_its_size_makes_the_day_a_full_one(
    pairs: list[tuple[SignalReport, SignalReport]],
) -> None:
    report, before = next(each for each in pairs if not each[0].changes and not each[0].flags)
    known = hedges.hedges()[1:2]
    (layer, *rest), held = known[0].layers, known[0].layers[0].held
    assert held

    def with_first(changed: LayerTarget) -> tuple[HedgeSignal, ...]:
        verdict = f"Nothing to trade; hold {', '.join(each.layer for each in known[0].layers)}."
        return (replace(known[0], verdict=verdict, layers=(changed, *rest)),)

    resized = with_first(replace(layer, multiplier=layer.multiplier + 0.5))
    assert not view_of(replace(report, hedges=resized), replace(before, hedges=known)).quiet
    ends = with_first(replace(layer, held=replace(held, expiry=report.effective_session), target=None))
    view = view_of(replace(report, hedges=ends), replace(before, hedges=ends))
    assert not view.quiet
    assert f"{layer.layer} is settled in the morning of {report.effective_session}" in line(view, "alvh-442")
    assert f"hold {layer.layer}" not in line(view, "alvh-442")


def test_a_report_of_an_earlier_session_is_not_the_one_before(pairs: list[tuple[SignalReport, SignalReport]]) -> None:
    (report, _), (older, _) = pairs[10], pairs[5]
    told = line(view_of(report, degraded(older, 1)), "Changed")
    had = holding(older.target)
    assert f"The session before has no stored report; the last one, of {older.session}, had the target {had}." in told
    assert f"as on {older.session}" not in told
    assert any("Degraded data" in each for each in view_of(degraded(report, 1), degraded(older, 1)).notices)


def test_a_note_says_what_it_is_about(pairs: list[tuple[SignalReport, SignalReport]]) -> None:
    report, before = next(each for each in pairs if not each[0].changes and not each[0].flags)
    noted = replace(report.inputs[1], severity="NOTE", remark="made up", value=None)
    told = view_of(replace(report, inputs=(report.inputs[0], noted, *report.inputs[2:]), health="NOTE"), before)
    assert line(told, "Data") == f"Good: 6 of 7 inputs are there, none is degraded; {noted.label}: made up."
    assert not told.quiet


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
    assert line(view, "Why").startswith("The stop-loss is on (five-day excess return -")
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
        f"Decided at the close of {calm.effective_session}, traded at the next: a rise or fall of 0.73% or more of the "
        "S&P 500 lifts realised volatility to 10%; all else equal, the target is then 90% S&P 500, 10% VIX futures."
    )
    trend = of(calm, "Trend")
    assert (trend.now, trend.changes_at, trend.distance) == ("6 sessions", "10 sessions", "4 more")
    assert (trend.days, trend.changes_target) == (NEVER, False)


def test_what_a_quiet_day_brings_by_itself_comes_first(calm: SignalReport) -> None:
    trend = replace(calm.trend, run=9)
    told = line(view_of(replace(calm, trend=trend)), "Next change")
    assert (
        "if nothing moves, the target becomes 90% S&P 500, 10% VIX futures: an uptrend begins, unless the VIX (now "
        "18.67) closes below 10.48. Next nearest: a rise or fall of 0.73% or more of the S&P 500"
    ) in told
    falls = Regime(0.2013, "20-35%", 0.20, 0.35, 0.05, 0.05, 0.1980)
    lower = of(replace(calm, regime=falls), "Volatility, down")
    assert lower.days < 0
    # sqrt((0.2^2 - 0.198^2) * 22 / 252) = 0.834% as a log return.
    assert lower.sentence == (
        "realised volatility falls below 20%, unless the S&P 500 makes a rise of 0.84% or a fall of 0.83% or more"
    )


def weights(regime: int, trend: int) -> Weights:
    weight = VEQTOR.volatility_weights[regime][trend]
    return Weights(1.0 - weight, weight, 0.0)


def test_what_happens_by_itself_is_told_as_one_target(calm: SignalReport) -> None:
    """Each of the tests alone says something else than all of them together."""
    told, days_of_stop = 0, list(product((-0.01, 0.0, 0.01), (True, False), (True, False)))
    for down, up, run, vix, (needed, cash, active) in product(
        (0.0, 0.05, 0.15, 0.24, 0.3), (True, False), (9, 10), (10.0, 19.0), days_of_stop
    ):
        side = 2 if up else 0
        report = replace(
            calm,
            regime=Regime(0.25, "20-35%", 0.20, 0.35, 0.05, 0.05, down),
            trend=Trend(("downtrend", "no trend", "uptrend")[side if run == 10 else 1], 17.0, 16.9, up, run, 10, 15.0),
            stop_loss=StopLoss(active, -0.03 if active else 0.01, -0.02, needed),
            held=CASH if cash else calm.held,
            target=CASH if active else weights(2, side if run == 10 else 1),
            inputs=tuple(replace(item, value=vix) if item.series == "VIX" else item for item in calm.inputs),
        )
        regime = sum(edge <= down for edge in (0.10, 0.20, 0.35, 0.45))
        joint = CASH if needed >= 0.0 else weights(regime, side if (vix >= 15.0) == up else 1)
        said = re.findall(r"the target becomes (.*?): ", line(view_of(report), "Next change"))
        assert said == ([holding(joint)] if joint != report.target else []), report
        told += len(said)
    assert told > 100


def test_a_trend_ends_where_the_averages_cross(calm: SignalReport) -> None:
    up = replace(calm, trend=replace(calm.trend, name="uptrend", run=12, next_vix=17.0), target=Weights(0.9, 0.1, 0.0))
    ends = of(up, "Trend")
    assert (ends.now, ends.changes_at, ends.distance) == ("uptrend", "VIX 17.00", "1.67 points")
    assert ends.sentence.startswith("a VIX below 17.00 ends the uptrend; all else equal, the target is then 97.5%")
    for_ever = of(replace(up, trend=replace(up.trend, next_vix=-3.0)), "Trend")
    assert for_ever.days == NEVER
    assert for_ever.moved_by == for_ever.sentence == "the uptrend goes on wherever the VIX closes"
    falling = of(replace(up, trend=replace(up.trend, next_vix=19.604)), "Trend")
    assert falling.sentence == "the uptrend ends, unless the VIX (now 18.67) closes at 19.61 or higher"


def test_in_cash_the_next_test_is_known(calm: SignalReport) -> None:
    stopped = replace(calm, held=CASH, target=CASH, stop_loss=StopLoss(True, -0.03, -0.02, -0.004))
    told = line(view_of(stopped), "Next change")
    assert (
        "the target becomes 97.5% S&P 500, 2.5% VIX futures: the stop-loss clears, as cash has no excess return" in told
    )
    goes_on = replace(stopped, stop_loss=StopLoss(True, -0.03, -0.02, 0.004))
    assert nearest(triggers(goes_on)) is None
    assert line(view_of(goes_on), "Next change").startswith("Nothing can change the target at the close of")


def test_the_rules_of_another_version_promise_no_target(calm: SignalReport) -> None:
    older = replace(calm, rule_set_digest="0123456789abcdef")
    told = line(view_of(older), "Next change")
    assert "lifts realised volatility to 10%." in told
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
