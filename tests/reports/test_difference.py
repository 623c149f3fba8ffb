from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reports.difference import ABSENT, Change, Part, asked_otherwise, difference, said
from reports.view import report_view
from signals.veqtor.report import SignalReport, Weights
from signals.veqtor.signal import VeqtorSignals, signal_report
from tests.conftest import NOW
from tests.market_files import SESSIONS
from tests.reports.hedges import SESSION, hedges

#: The target of the report below.
SAID = "97.5% S&P 500, 2.5% VIX futures"
PARTS = ["Target", "Orders", "Hedges", "Figures", "Inputs", "Provenance"]


@pytest.fixture(scope="module")
def report(made_up_signals: VeqtorSignals) -> SignalReport:
    return replace(signal_report(made_up_signals, SESSION, 1e6), hedges=tuple(hedges()))


def changed(first: SignalReport, second: SignalReport) -> dict[str, list[str]]:
    """What differs, as text, by part."""
    return {
        part.name: [f"{change.key}: {' -> '.join(said(change))}" for change in part.changes]
        for part in difference(first, second)
        if part.changes
    }


def with_input(report: SignalReport, **values: Any) -> SignalReport:
    first, *others = report.inputs
    return replace(report, inputs=(replace(first, **values), *others))


def test_a_report_does_not_differ_from_itself_and_everything_is_counted(report: SignalReport) -> None:
    parts = difference(report, replace(report))

    assert [part.name for part in parts] == PARTS
    assert changed(report, replace(report)) == {}
    assert {part.name: part.unchanged for part in parts}["Inputs"] == len(report.inputs)
    assert all(part.unchanged > 5 for part in parts)


def test_another_target_is_named_with_the_verdict(report: SignalReport) -> None:
    to_cash = replace(
        report,
        target=Weights(0.0, 0.0, 1.0),
        verdict="Move to 100% cash.",
        stop_loss=replace(report.stop_loss, active=True),
    )

    assert changed(report, to_cash) == {
        "Target": [
            f"verdict: {report.verdict} -> Move to 100% cash.",
            f"target: {SAID} -> 100% cash",
            "stop-loss: off -> on",
        ]
    }
    assert asked_otherwise(report, to_cash) == (Change("target", SAID, "100% cash"),)


def test_orders_have_the_names_of_the_document(report: SignalReport) -> None:
    leg, *legs = report.instruction.legs
    other = replace(
        report,
        instruction=replace(report.instruction, cash_usd=1234.5, legs=(replace(leg, target=leg.target + 1), *legs)),
    )

    assert changed(report, other) == {
        "Orders": [
            "instruction.cash_usd: 0 -> 1,234.50",
            f"instruction.legs.{leg.contract}.target: {leg.target:.8g} -> {leg.target + 1:.8g}",
        ]
    }


def test_a_layer_is_named_with_what_it_does_and_how_much_of_what(report: SignalReport) -> None:
    hedge, *others = report.hedges
    number, layer = next((n, layer) for n, layer in enumerate(hedge.layers) if layer.target)
    assert layer.target
    target = replace(layer.target, contracts=layer.target.contracts + 2)
    layers = list(hedge.layers)
    layers[number] = replace(layer, action="ADJUST", target=target)
    other = replace(report, hedges=(replace(hedge, layers=tuple(layers)), *others))
    found = changed(report, other)
    was, is_now = round(layer.target.contracts), round(target.contracts)

    assert list(found) == ["Hedges", "Figures"]
    (line,) = found["Hedges"]
    assert line.startswith(f"{hedge.rule_set} {layer.layer}: {layer.action}, then {was} x ")
    assert f" -> ADJUST, then {is_now} x " in line
    assert [change.key for change in asked_otherwise(report, other)] == [f"{hedge.rule_set} {layer.layer}"]


def test_a_hedge_that_only_one_report_has_is_absent_from_the_other(report: SignalReport) -> None:
    hedge, *others = report.hedges
    (part,) = (part for part in difference(replace(report, hedges=tuple(others)), report) if part.name == "Hedges")

    assert {(change.key, change.first) for change in part.changes} == {
        (hedge.rule_set, ABSENT),
        (f"{hedge.rule_set} state", ABSENT),
        *((f"{hedge.rule_set} {layer.layer}", ABSENT) for layer in hedge.layers),
    }


def test_an_input_is_shown_with_its_source_and_file(report: SignalReport) -> None:
    first = report.inputs[0]
    other = with_input(report, value=1300.25, publisher="cboe", payload="feedbeef" * 8, severity="NOTE")

    assert changed(report, other) == {
        "Inputs": [
            f"{first.label} of {first.day}: {first.value:.8g} ({first.day}, {first.publisher} none, {first.severity})"
            f" -> 1300.25 ({first.day}, cboe feedbeef, NOTE)"
        ]
    }


def test_another_file_with_the_same_value_is_a_matter_of_provenance(report: SignalReport) -> None:
    first = report.inputs[0]
    found = changed(report, with_input(report, payload="feedbeef" * 8))

    assert found == {
        "Provenance": [f"file of {first.label} of {first.day}: {first.publisher} none -> {first.publisher} feedbeef"]
    }


def test_what_no_revision_is_due_for_is_no_difference(report: SignalReport) -> None:
    regime = replace(report.regime, volatility=report.regime.volatility * (1 + 1e-12))
    assert changed(report, replace(report, regime=regime, changes=("other words",))) == {}


def test_a_figure_is_shown_in_enough_digits(report: SignalReport) -> None:
    assert report.constant_maturity_30d
    other = replace(report, constant_maturity_30d=report.constant_maturity_30d + 1e-5)
    ((line,),) = changed(report, other).values()

    first, second = line.removeprefix("constant_maturity_30d: ").split(" -> ")
    assert float(second) - float(first) == pytest.approx(1e-5, rel=0.05)


def test_two_sessions_are_compared_by_the_place_of_their_inputs(made_up_signals: VeqtorSignals) -> None:
    one, other = (signal_report(made_up_signals, session, 1e6) for session in SESSIONS[-10:-8])
    parts: dict[str, Part] = {part.name: part for part in difference(one, other)}

    keys = [change.key for change in parts["Inputs"].changes]
    assert "VIX" in keys
    assert all(ABSENT not in (change.first, change.second) for change in parts["Inputs"].changes)
    assert Change("acts at the close of", SESSIONS[-9].isoformat(), SESSIONS[-8].isoformat()) in parts["Target"].changes


def test_other_whole_contracts_are_asked_for_otherwise(report: SignalReport) -> None:
    """Only of one notional: another one is another portfolio."""
    order = report.instruction
    leg = order.legs[0]
    more = replace(leg, target_rounded=leg.target_rounded + 1, trade_rounded=leg.trade_rounded + 1)
    other = replace(report, instruction=replace(order, legs=(more, *order.legs[1:])))
    now, then = (f"{each.target_rounded} ({each.trade_rounded:+d})" for each in (leg, more))
    assert asked_otherwise(report, other) == (Change(leg.contract, now, then),)
    larger = replace(other, instruction=replace(other.instruction, notional_usd=order.notional_usd * 2.0))
    assert asked_otherwise(report, larger) == ()


def test_a_correction_says_what_it_corrects_and_what_it_asks_for_otherwise(report: SignalReport) -> None:
    to_cash = replace(report, target=Weights(0.0, 0.0, 1.0), verdict="Move to 100% cash.")
    view = report_view(to_cash, revision=3, emitted_at=NOW, corrects=(1, report))

    assert view.notices[1:3] == (
        f"Revision 3: it supersedes revision 1, which said: {report.verdict}",
        f"Changed since revision 1: target {SAID} -> 100% cash.",
    )
    same = report_view(with_input(report, value=1300.25), revision=2, emitted_at=NOW, corrects=(1, report))
    assert view.notices[0].startswith("For the record only")
    assert "Changed since revision 1: nothing it asks for, the target is the same." in same.notices
