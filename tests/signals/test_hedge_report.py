"""What a report holds of hedges: its document, its fingerprint, and the rows of a history."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields, replace
from typing import Any

import pytest

from signals.alvh.history import instrument_of, row_of_hedge, rows_of_hedge
from signals.alvh.report import ROLL, HedgeSignal, LayerTarget, Leg, Package
from signals.document import decode, encode
from signals.errors import DataNotReady
from signals.veqtor.report import SignalReport, fingerprint
from signals.veqtor.signal import VeqtorSignals, signal_report
from tests.reports import hedges
from tests.reports.hedges import NOTIONAL, SESSION


@pytest.fixture(scope="module")
def plain(made_up_signals: VeqtorSignals) -> SignalReport:
    return signal_report(made_up_signals, SESSION, NOTIONAL)


@pytest.fixture(scope="module")
def report(plain: SignalReport) -> SignalReport:
    return replace(plain, hedges=hedges.hedges(), macro=hedges.macro())


def with_layer(report: SignalReport, **changed: Any) -> SignalReport:
    """The report had the first layer of its first hedge been another."""
    first, *others = report.hedges
    layer, *below = first.layers
    return replace(report, hedges=(replace(first, layers=(replace(layer, **changed), *below)), *others))


def scaled(value: Any, factor: float) -> Any:
    """A hedge of another notional: every amount and count of contracts times a factor."""
    if isinstance(value, tuple):
        return tuple(scaled(item, factor) for item in value)
    if not hasattr(value, "__dataclass_fields__"):
        return value
    found = {}
    for field in fields(value):
        item = getattr(value, field.name)
        if field.name == "by_layer":
            item = {name: amount and amount * factor for name, amount in item.items()}
        elif item is not None and (field.name.endswith("_usd") or field.name == "contracts"):
            item *= factor
        elif field.name == "contracts_rounded":
            item = 7
        else:
            item = scaled(item, factor)
        found[field.name] = item
    return replace(value, **found)


def test_a_document_gives_the_report_back(report: SignalReport) -> None:
    assert decode(SignalReport, json.loads(json.dumps(encode(report)))) == report


def test_a_document_from_before_there_were_hedges_is_still_a_report(report: SignalReport, plain: SignalReport) -> None:
    document = {name: value for name, value in encode(report).items() if name not in ("hedges", "macro")}
    assert decode(SignalReport, document | {"schema_version": 2}) == replace(plain, schema_version=2)


def test_the_macro_panel_is_no_part_of_the_fingerprint(plain: SignalReport) -> None:
    assert fingerprint(replace(plain, macro=hedges.macro())) == fingerprint(plain)


@pytest.mark.parametrize(
    "changed",
    [
        {"action": ROLL},
        {"state": "EXPANDED"},
        {"size": 0.0081},
        {"target": None},
        {"pnl_usd": -1_204.76},
        {"next_roll": dt.date(2006, 4, 11)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_decision_or_figure_of_a_layer_is_part_of_the_fingerprint(
    report: SignalReport, changed: dict[str, Any]
) -> None:
    assert fingerprint(with_layer(report, **changed)) != fingerprint(report)


def test_a_strike_a_stress_and_an_indicator_are_part_of_the_fingerprint(report: SignalReport) -> None:
    first, *others = report.hedges
    target = first.layers[0].target
    assert target
    leg, *legs = target.legs
    assert leg.strike
    moved = replace(target, legs=(replace(leg, strike=leg.strike + 0.5), *legs))
    prints = {
        fingerprint(changed)
        for changed in (
            report,
            with_layer(report, target=moved),
            replace(report, hedges=(replace(first, stress=first.stress[1:]), *others)),
            replace(report, hedges=(replace(first, indicators=first.indicators[1:]), *others)),
            replace(report, hedges=tuple(others)),
            replace(report, hedges=(replace(first, unavailable="no prices"), *others)),
        )
    }
    assert len(prints) == 6


def test_words_and_whole_contracts_are_no_part_of_the_fingerprint(report: SignalReport) -> None:
    first, *others = report.hedges
    told = replace(first, verdict="x", changes=(), state_reason="x", remarks=("x",), doubts=(), description="x")
    same = replace(report, hedges=(told, *others), macro=())
    assert fingerprint(same) == fingerprint(report)
    assert fingerprint(with_layer(report, reason="x", warnings=("x", "y"))) == fingerprint(report)


def test_the_fingerprint_does_not_depend_on_the_notional(report: SignalReport) -> None:
    other = replace(report, hedges=tuple(scaled(hedge, 3.7) for hedge in report.hedges))
    assert other.hedges[0].notional_usd == 3.7e6
    assert fingerprint(other) == fingerprint(report)


def test_a_row_has_the_book_and_then_each_layer() -> None:
    row = row_of_hedge(SESSION, hedges.seed())
    assert list(row)[:7] == [
        "session", "hedge_state", "premium_paid", "premium_received", "mark", "net_cost", "pnl"
    ]  # fmt: skip
    assert [name for name in row if name.startswith("l2_")] == [
        "l2_action", "l2_instrument", "l2_contracts", "l2_price", "l2_basis", "l2_pnl"
    ]  # fmt: skip
    assert (row["session"], row["hedge_state"], row["net_cost"], row["pnl"]) == (SESSION, "ACTIVE", 0.0123, -1_204.75)
    assert row["l2_instrument"] == "call-spread 2006-05-17 15/22.5"
    assert (row["l2_action"], row["l2_contracts"], row["l2_price"], row["l2_basis"]) == (ROLL, 58.75, 1.31, "model")


def test_a_layer_that_holds_nothing_has_no_instrument_in_its_row() -> None:
    row = row_of_hedge(SESSION, hedges.ladder())
    assert {name: value for name, value in row.items() if name.startswith("220d_")} == {
        "220d_action": "NONE", "220d_instrument": None, "220d_contracts": 0.0, "220d_price": None, "220d_basis": None,
        "220d_pnl": -1_204.75,
    }  # fmt: skip


def test_a_row_of_a_document_is_that_of_the_signal() -> None:
    for hedge in (hedges.seed(), hedges.ladder()):
        stored = decode(HedgeSignal, json.loads(json.dumps(encode(hedge))))
        assert row_of_hedge(SESSION, stored) == row_of_hedge(SESSION, hedge)


def test_a_session_without_a_signal_ends_a_history() -> None:
    with pytest.raises(DataNotReady, match="my-own on 2006-04-03: expected its signal, got none: no prices"):
        row_of_hedge(SESSION, hedges.gone(reason="no prices"))


def test_a_history_begins_with_the_book() -> None:
    before = SESSION - dt.timedelta(days=5)
    early = replace(hedges.gone(), inception=dt.date(2006, 3, 31))
    assert [row["session"] for row in rows_of_hedge([(before, early), (SESSION, hedges.seed())])] == [SESSION]


def future(layer: LayerTarget) -> Package:
    target = layer.target
    assert target
    return replace(target, instrument="future", legs=(Leg("VX", None, 1, 16.5, "settlement", None),))


def test_an_instrument_is_one_string() -> None:
    butterfly = hedges.seed().layers[0]
    assert butterfly.target
    assert instrument_of(butterfly.target) == "butterfly 2006-04-12 14.5/18/21"
    assert instrument_of(future(butterfly)) == "future 2006-04-12"
