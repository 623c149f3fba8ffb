from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from signals.agreement import HIGHEST_CURVE_RATIO, LOWEST_CURVE_RATIO, VIX_CONTRADICTION, curve_implausible
from signals.calendar import TradingCalendar
from signals.errors import DataNotReady
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.provenance import DEGRADED, OK
from signals.quality import BLOCKED, verdict_on
from signals.veqtor.signal import VeqtorSignals
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
    with pytest.raises(DataNotReady, match="settlement of VXN06 that goes with the VIX"):
        inputs.require(LAST)


def test_no_recorded_curve_since_the_base_session_is_implausible(recorded_signals: VeqtorSignals) -> None:
    inputs = recorded_signals.inputs
    ratio = inputs.history.panel.settle[inputs.base :, 0] / inputs.vix[inputs.base :]
    assert 0.9 * np.nanmin(ratio) > LOWEST_CURVE_RATIO
    assert 1.1 * np.nanmax(ratio) < HIGHEST_CURVE_RATIO
    assert not curve_implausible(inputs.history, inputs.vix)[inputs.base :].any()


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
