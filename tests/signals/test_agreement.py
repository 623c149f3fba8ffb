from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from signals.agreement import HIGHEST_CURVE_RATIO, LOWEST_CURVE_RATIO, VIX_CONTRADICTION
from signals.calendar import TradingCalendar
from signals.errors import DataNotReady
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.provenance import DEGRADED, NOTE, OK
from signals.quality import BLOCKED, verdict_on
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import LISTED
from tasks.compute import Judgement, inputs_of
from tests.market_files import LAST, SESSIONS
from tests.signals.test_inputs import changed, resolved, shifted, used_on, without


def test_a_small_difference_of_the_vix_is_degraded_and_cboe_counts(made_up: MarketData) -> None:
    inputs = resolved(changed(made_up, VIX_yahoo=shifted(LAST, 0.5)))
    used = used_on(inputs, LAST)["VIX"]
    assert (used.publisher, used.severity) == ("cboe", DEGRADED)
    assert "-0.50 points apart" in used.remark
    assert used.value == used_on(resolved(made_up), LAST)["VIX"].value


def test_publishers_of_the_vix_that_contradict_each_other_make_the_session_wait(made_up: MarketData) -> None:
    vix = used_on(resolved(made_up), LAST)["VIX"].value
    inputs = resolved(changed(made_up, VIX_yahoo=shifted(LAST, 1.5 * VIX_CONTRADICTION * vix)))
    with pytest.raises(DataNotReady, match="VIX on which its publishers agree"):
        inputs.require(LAST)
    inputs.require(SESSIONS[-2])


def test_a_curve_on_another_scale_makes_the_session_wait(made_up: MarketData) -> None:
    series = "VX__2006-07-19_cboe-archive"
    settle = used_on(resolved(made_up), LAST)["VXN06 (VX1)"].value
    inputs = resolved(changed(made_up, **{series: shifted(LAST, 9 * settle)}))
    with pytest.raises(DataNotReady, match=r"settlement of VXN06 \(.* cannot be right with the VIX at"):
        inputs.require(LAST)


@pytest.mark.parametrize("factor", [0.2, 3.0])
def test_a_contract_that_cannot_go_with_the_one_before_makes_the_session_wait(
    made_up: MarketData, factor: float
) -> None:
    series = "VX__2006-08-16_cboe-archive"
    settle = used_on(resolved(made_up), LAST)["VXQ06 (VX2)"].value
    inputs = resolved(changed(made_up, **{series: shifted(LAST, (factor - 1) * settle)}))
    with pytest.raises(DataNotReady, match=r"settlement of VXQ06 \(.* cannot be right beside .* of VXN06\)"):
        inputs.require(LAST)


def test_no_recorded_settlement_since_the_base_session_is_implausible(recorded_signals: VeqtorSignals) -> None:
    inputs = recorded_signals.inputs
    panel = inputs.history.panel
    listed = np.where(panel.basis == LISTED, panel.settle, np.nan)[inputs.base :]
    ratio = listed / np.column_stack([inputs.vix[inputs.base :], listed[:, :-1]])
    assert 0.9 * np.nanmin(ratio) > LOWEST_CURVE_RATIO
    assert 1.1 * np.nanmax(ratio) < HIGHEST_CURVE_RATIO
    assert inputs.history.refused_settlements == {}


def test_a_contradiction_is_waited_for_until_the_deadline_and_holds_up_nothing_after_it(
    made_up: MarketData, calendar: TradingCalendar
) -> None:
    history = market_history(changed(made_up, SPX_cboe=shifted(SESSIONS[-2], 100.0)), calendar, LAST)
    waiting = verdict_on(resolve(history, calendar, SESSIONS[-3]), SESSIONS[-2])
    assert (waiting.verdict, "SPX on which its publishers agree" in waiting.findings[0]) == (BLOCKED, True)
    assert verdict_on(resolve(history, calendar, SESSIONS[-3]), LAST).verdict == BLOCKED
    settled = resolve(history, calendar, SESSIONS[-2])
    assert verdict_on(settled, SESSIONS[-2]).verdict == DEGRADED
    assert verdict_on(settled, LAST).verdict == OK


def test_a_return_that_nobody_else_publishes_is_compared_with_that_of_the_fund(
    made_up: MarketData, calendar: TradingCalendar
) -> None:
    alone = {"SPX_cboe": without(LAST)}
    assert used_on(resolved(changed(made_up, **alone)), LAST)["S&P 500"].severity == NOTE
    spx = used_on(resolved(made_up), LAST)["S&P 500"].value
    with pytest.raises(DataNotReady, match=r"SPX from Cboe .* far from that of SPY"):
        resolved(changed(made_up, **alone, SPX_yahoo=shifted(LAST, 0.05 * spx))).require(LAST)


def test_a_value_that_somebody_found_wrong_is_left_out(made_up: MarketData, calendar: TradingCalendar) -> None:
    data = changed(made_up, SPX_cboe=shifted(LAST, 100.0))
    blocked, rid = (
        verdict_on(inputs_of(data, calendar, LAST, Judgement(None, ignored)), LAST)
        for ignored in ((), (("SPX", "cboe", LAST),))
    )
    assert (blocked.verdict, rid.verdict) == (BLOCKED, OK)
    assert rid.findings == ("NOTE: S&P 500: Cboe has no close to compare it with.",)


def test_a_verdict_names_what_is_missing_what_stands_in_and_what_is_well(
    made_up: MarketData, calendar: TradingCalendar
) -> None:
    data = changed(made_up, VIX_cboe=without(LAST), VIX_yahoo=without(LAST), DFF_fred=without(SESSIONS[-3]))
    inputs = resolve(market_history(data, calendar, LAST), calendar)
    blocked, degraded, well = (verdict_on(inputs, SESSIONS[row]) for row in (-1, -2, -5))
    assert (blocked.verdict, degraded.verdict, well.verdict) == (BLOCKED, DEGRADED, OK)
    assert "nothing yet for 2006-06-30 of VIX" in blocked.findings[0]
    assert degraded.findings == (
        f"DEGRADED: overnight rate: no DFF print for {SESSIONS[-3]}: the last one stands in; "
        "7 bp assumed over fed funds.",
    )
    assert well.findings == ()


def test_a_hole_names_the_rows_that_were_expected(made_up: MarketData) -> None:
    hole = dt.date(2006, 3, 14)
    verdict = verdict_on(resolved(changed(made_up, SPX_yahoo=without(hole))), LAST)
    assert verdict.verdict == BLOCKED
    assert "expected 5 rows 2006-03-10 to 2006-03-16, missing [2006-03-14], extra []" in verdict.findings[0]
