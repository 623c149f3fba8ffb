"""Storing the hedges of a report: their targets, corrections, and what their next report finds changed."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select

from signals.veqtor.report import SignalReport
from storage.models import HedgeTarget
from storage.runs import ALREADY_EMITTED, REVISED
from storage.unit_of_work import UnitOfWork
from tasks.persist import emit
from tests.conftest import now
from tests.reports import hedges
from tests.tasks.test_persist import DESK, SESSION, counts, report, run_id

pytestmark = [pytest.mark.server, pytest.mark.both_databases]

# Fixtures are found by the names of this module.
__all__ = ["report", "run_id"]


@pytest.fixture(scope="module")
def hedged(report: SignalReport) -> SignalReport:
    return replace(report, hedges=hedges.hedges(), macro=hedges.macro())


def with_layer(report: SignalReport, number: int, **changed: Any) -> SignalReport:
    """The report had a layer of its first hedge been another."""
    first, *others = report.hedges
    layers = list(first.layers)
    layers[number] = replace(layers[number], **changed)
    return replace(report, hedges=(replace(first, layers=tuple(layers)), *others))


def hedge_rows(engine: Engine) -> dict[tuple[str, str], list[tuple[object, ...]]]:
    """What is held and what is to be, contract by contract, of each layer."""
    columns = (HedgeTarget.strike, HedgeTarget.ratio, HedgeTarget.contracts_held, HedgeTarget.contracts_target)
    found: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    with engine.connect() as connection:
        for row in connection.execute(
            select(HedgeTarget.rule_set, HedgeTarget.layer, HedgeTarget.action, *columns).order_by(HedgeTarget.id)
        ):
            found.setdefault((row[0], row[1]), []).append(tuple(row[2:]))
    return found


def test_hedge_targets_are_stored_contract_by_contract(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    emit(engine, run_id, [hedged], [], now)
    rows = hedge_rows(engine)
    assert rows["alvh-seed", "l1"] == [("OPEN", 14.5, 1, 0.0, 0.38), ("OPEN", 18.0, -2, 0.0, -0.76),
                                       ("OPEN", 21.0, 1, 0.0, 0.38)]  # fmt: skip
    # What is bought, then what is sold.
    assert rows["alvh-seed", "l2"] == [
        ("ROLL", 15.0, 1, 0.0, 58.75), ("ROLL", 22.5, -1, 0.0, -58.75),
        ("ROLL", 14.0, 1, 61.25, 0.0), ("ROLL", 20.0, -1, -61.25, 0.0),
    ]  # fmt: skip
    assert rows["alvh-seed", "l3"] == [("MONETISE", 17.0, 1, 40.0, 30.0)]
    assert rows["alvh-442", "220d"] == [("NONE", None, None, 0.0, 0.0)]
    assert not any(rule_set == "my-own" for rule_set, _ in rows)


def test_a_hedge_target_has_what_it_takes_to_trade_it(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    emit(engine, run_id, [hedged], [], now)
    with engine.connect() as connection:
        row = (
            connection.execute(
                select(HedgeTarget.__table__).where(HedgeTarget.layer == "l3", HedgeTarget.rule_set == "alvh-seed")
            )
            .mappings()
            .one()
        )
    anchor = hedged.hedges[0].layers[2].target
    assert anchor
    assert (row["instrument"], row["expiry"], row["strike"]) == ("VIX call", anchor.expiry, 17.0)
    assert (row["effective_session"], row["hedge_state"]) == (hedged.effective_session, "ACTIVE")
    assert (row["contracts_target_rounded"], row["price"], row["basis"]) == (30, 1.25, "observed")
    assert row["rule_set_digest"] == hedged.hedges[0].rule_set_digest


ASKS_FOR_MORE = [
    (1, {"action": "HOLD"}, "alvh-seed l2: ROLL -> HOLD"),
    (1, {"target": None}, "alvh-seed l2: call-spread 2006-05-17 15/22.5 -> nothing"),
    (
        2,
        {
            "target": replace(
                hedges.seed().layers[2].target or hedges.package("call", SESSION, (1.0,), 1.0), contracts=28.5
            )
        },
        "alvh-seed l3: 30 contracts per million USD -> 28.5 contracts per million USD",
    ),
]


@pytest.mark.parametrize(("number", "changed", "difference"), ASKS_FOR_MORE, ids=["action", "instrument", "contracts"])
def test_a_correction_of_a_hedge_is_told_and_says_what_changed(
    engine: Engine, run_id: int, hedged: SignalReport, number: int, changed: dict[str, Any], difference: str
) -> None:
    emit(engine, run_id, [hedged], [DESK], now)
    (revised,) = emit(engine, run_id, [with_layer(hedged, number, **changed)], [DESK], now)
    assert (revised.outcome, revised.detail) == (REVISED, difference)
    assert counts(engine)["outbox"] == 2


def test_a_hedge_that_comes_or_goes_is_told(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    first, *others = hedged.hedges
    gone = replace(first, unavailable="no prices", layers=())
    emit(engine, run_id, [replace(hedged, hedges=(gone, *others))], [DESK], now)
    (revised,) = emit(engine, run_id, [hedged], [DESK], now)
    assert revised.detail == "alvh-seed: no signal, no prices -> a signal"
    assert counts(engine)["outbox"] == 2


def test_a_figure_of_a_hedge_is_revised_and_nobody_is_told(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    emit(engine, run_id, [hedged], [DESK], now)
    (revised,) = emit(engine, run_id, [with_layer(hedged, 0, pnl_usd=-99.0)], [DESK], now)
    assert revised.outcome == REVISED
    assert counts(engine)["outbox"] == 1


def test_hedges_switched_on_later_are_added_to_stored_reports_only_if_that_is_asked_for(
    engine: Engine, run_id: int, report: SignalReport, hedged: SignalReport
) -> None:
    emit(engine, run_id, [report], [DESK], now)
    (left_alone,) = emit(engine, run_id, [hedged], [DESK], now)
    assert left_alone.outcome == ALREADY_EMITTED
    (revised,) = emit(engine, run_id, [hedged], [DESK], now, adding_variants=True)
    assert (revised.outcome, revised.detail) == (REVISED, "target unchanged; other hedges are configured")
    assert counts(engine)["outbox"] == 1
    assert hedge_rows(engine)


def test_hedges_in_another_order_or_of_a_changed_rule_set_leave_stored_reports_alone(
    engine: Engine, run_id: int, hedged: SignalReport
) -> None:
    seed, ladder, gone = hedged.hedges
    emit(engine, run_id, [hedged], [DESK], now)
    # The one that comes first shows the indicators.
    turned = replace(ladder, indicators=seed.indicators, indicators_of=""), replace(seed, indicators=())
    edited = replace(seed, rule_set_digest="another", layers=seed.layers[:1])
    for others in (turned, (edited, ladder, gone), (ladder,)):
        (outcome,) = emit(engine, run_id, [replace(hedged, hedges=others)], [DESK], now)
        assert outcome.outcome == ALREADY_EMITTED


def test_a_change_beside_other_hedges_is_still_seen(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    emit(engine, run_id, [hedged], [DESK], now)
    fewer = with_layer(replace(hedged, hedges=hedged.hedges[:1]), 1, action="HOLD")
    (outcome,) = emit(engine, run_id, [fewer], [DESK], now)
    assert (outcome.outcome, outcome.detail) == (REVISED, "alvh-seed l2: ROLL -> HOLD")


def test_a_hedge_that_holds_something_else_than_was_told_says_so(
    engine: Engine, run_id: int, hedged: SignalReport
) -> None:
    after = replace(hedged, session=hedged.effective_session, effective_session=dt.date(2006, 4, 5))
    ladder = after.hedges[1]
    first, *others = ladder.layers
    held = replace(first, held=first.held and replace(first.held, contracts=50.0))
    moved = replace(after, hedges=(replace(ladder, layers=(held, *others)),))
    emit(engine, run_id, [hedged], [], now)
    emit(engine, run_id, [moved], [], now)
    with UnitOfWork(engine) as work:
        stored = work.reports.newest(hedged.rule_set, moved.session)
    assert stored
    assert json.loads(stored.document)["hedges"][0]["changes"] == [
        "30d is 50 x call 2006-05-17 12.5 per million USD, where the last report left 44 x call 2006-05-17 12.5 per "
        "million USD: what it rests on has changed."
    ]


def test_a_hedge_that_holds_what_was_told_says_nothing_of_it(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    after = replace(hedged, session=hedged.effective_session, effective_session=dt.date(2006, 4, 5))
    same = replace(after, hedges=after.hedges[1:2])
    emit(engine, run_id, [hedged, same], [], now)
    with UnitOfWork(engine) as work:
        stored = work.reports.newest(hedged.rule_set, same.session)
    assert stored
    assert json.loads(stored.document)["hedges"][0]["changes"] == list(hedged.hedges[1].changes)
