"""VEQTOR Mid-Term and the overlay: the same engine with other parameters."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import MISSING, fields, replace

import numpy as np
import pytest

from signals.calendar import TradingCalendar, trading_calendar
from signals.document import decode, encode
from signals.errors import ConfigurationError, DataNotReady
from signals.inputs import resolve
from signals.market import MarketData, Observations, market_history
from signals.series import vx_series
from signals.veqtor.history import row_of_report, rows_of_signals
from signals.veqtor.report import SignalReport, Weights, fingerprint
from signals.veqtor.rules import METHODOLOGY_VERSION, VARIANTS, VEQTOR
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals
from tests.market_files import LAST
from tests.signals.test_cold_start import signals_of as signals_through
from tests.signals.test_cold_start import window

MID_TERM, OVERLAY = "veqtor-mid-term", "veqtor-overlay"
BOTH = (MID_TERM, OVERLAY)


def test_variants_differ_from_veqtor_in_the_parameter_they_are_named_for() -> None:
    assert list(VARIANTS) == [MID_TERM, OVERLAY]
    assert replace(VARIANTS[MID_TERM], name="veqtor", volatility_index="vix-short-term") == VEQTOR
    assert replace(VARIANTS[OVERLAY], name="veqtor", overlay=False) == VEQTOR
    assert len({rules.digest for rules in (VEQTOR, *VARIANTS.values())}) == 3


def test_parameters_left_out_of_what_is_hashed_and_approved_are_those_of_the_methodology() -> None:
    # Another default decides otherwise under the same hash: it raises METHODOLOGY_VERSION, and changes this line.
    left_out = {field.name: field.default for field in fields(VEQTOR) if field.default is not MISSING}
    assert (METHODOLOGY_VERSION, left_out) == (1, {"volatility_index": "vix-short-term", "overlay": False})


def test_mid_term_is_the_published_formula_on_the_mid_term_index(recorded_signals: VeqtorSignals) -> None:
    inputs, found = recorded_signals.inputs, recorded_signals.variants[MID_TERM]
    base, mid = found.base, recorded_signals.mid_term
    assert len(found.sessions) == len(recorded_signals.veqtor.sessions)
    level = excess = 100_000.0
    levels, excesses, stops = [level], [excess], [False] * (base + 1)
    for row in range(base + 1, len(found.sessions)):
        weight = found.table_weight[row - 2]
        accrual = (
            inputs.overnight.rate[row - 1] * int((found.sessions[row] - found.sessions[row - 1]).astype(int)) / 360
        )
        earned = (1 - weight) * inputs.equity.change[row] + weight * mid.total_return_change[row - base]
        change = accrual if stops[row - 2] else earned
        level, excess = level * (1 + change), excess * (1 + change - accrual)
        levels.append(level)
        excesses.append(excess)
        stops.append(len(excesses) > 5 and excesses[-1] / excesses[-6] - 1 <= -0.02)
    np.testing.assert_allclose(found.total_return[base:], levels, rtol=1e-12)
    np.testing.assert_allclose(found.excess_return[base:], excesses, rtol=1e-12)
    assert found.stop_loss.tolist() == stops
    assert not np.array_equal(found.stop_loss, recorded_signals.veqtor.stop_loss)


def test_the_overlay_and_the_sp500_together_are_veqtor_but_for_what_cash_earns(recorded_signals: VeqtorSignals) -> None:
    veqtor, overlay, inputs = recorded_signals.veqtor, recorded_signals.variants[OVERLAY], recorded_signals.inputs
    rows = slice(veqtor.base + 1, None)
    equity = inputs.equity.change[: len(veqtor.sessions)][rows]
    short = recorded_signals.short_term
    bill = (short.total_return_change - short.excess_return_change)[1:]
    weight = np.where(veqtor.in_cash, 0.0, np.concatenate([[np.nan] * 2, veqtor.table_weight[:-2]]))[rows]
    together = overlay.total_return_change[rows] + equity
    difference = veqtor.total_return_change[rows] - together
    np.testing.assert_allclose(difference, weight * (bill - veqtor.accrual[rows]), atol=1e-15)
    assert abs(difference).max() < 0.0001


def test_the_overlay_is_unfunded(recorded_signals: VeqtorSignals) -> None:
    overlay, veqtor = recorded_signals.variants[OVERLAY], recorded_signals.veqtor
    assert np.array_equal(overlay.total_return, overlay.excess_return, equal_nan=True)
    weights, whole = overlay.weights()[veqtor.base :], veqtor.weights()[veqtor.base :]
    # Beside one unit of the S&P 500 they make up VEQTOR.
    np.testing.assert_array_equal(weights + np.array([1.0, 0.0, 0.0]), whole)
    assert {tuple(row) for row in weights[overlay.stop_loss[veqtor.base :]].tolist()} == {(-1.0, 0.0, 1.0)}


@pytest.mark.parametrize("strategy", BOTH)
def test_history_from_reports_equals_history_from_arrays(
    made_up_signals: VeqtorSignals, calendar: TradingCalendar, strategy: str
) -> None:
    sessions = calendar.sessions_in(dt.date(2006, 5, 1), LAST).tolist()
    reports = [signal_report(made_up_signals, day, 1e6, variants=(strategy,)) for day in sessions]
    rows = rows_of_signals(made_up_signals, strategy, sessions[0], sessions[-1])
    assert rows == [row_of_report(report, strategy) for report in reports]
    assert set(rows[0]) == set(rows_of_signals(made_up_signals, "veqtor", LAST, LAST)[0])


def test_a_report_without_the_variant_cannot_show_its_history(made_up_signals: VeqtorSignals) -> None:
    with pytest.raises(ConfigurationError, match="set `variants` to include veqtor-overlay and recompute"):
        row_of_report(signal_report(made_up_signals, LAST, 1e6), OVERLAY)


def test_a_report_with_variants_survives_the_database_form(recorded_signals: VeqtorSignals) -> None:
    for day in (dt.date(2008, 10, 10), dt.date(2020, 3, 17), dt.date(2024, 8, 6)):
        report = signal_report(recorded_signals, day, 1e6, variants=BOTH)
        assert [variant.name for variant in report.variants] == list(BOTH)
        assert decode(SignalReport, json.loads(json.dumps(encode(report), allow_nan=False))) == report


def test_a_fingerprint_sees_the_targets_of_variants(recorded_signals: VeqtorSignals) -> None:
    report = signal_report(recorded_signals, dt.date(2024, 8, 6), 1e6, variants=BOTH)
    moved = replace(report.variants[0], target=Weights(0.5, 0.5, 0.0))
    assert fingerprint(replace(report, variants=(moved, report.variants[1]))) != fingerprint(report)
    assert fingerprint(signal_report(recorded_signals, report.session, 5e6, variants=BOTH)) == fingerprint(report)


def test_orders_of_mid_term_hold_four_contracts_worth_the_target(recorded_signals: VeqtorSignals) -> None:
    report = signal_report(recorded_signals, dt.date(2024, 7, 10), 1e6, variants=BOTH)
    mid_term, overlay = report.variants
    assert mid_term.instruction
    assert mid_term.target
    legs = mid_term.instruction.legs
    assert [leg.slot for leg in legs] == [4, 5, 6, 7]
    # One contract of the middle slots, and together one of the outer ones.
    assert legs[1].target == legs[2].target == pytest.approx(legs[0].target + legs[3].target)
    worth = sum(leg.target * leg.settlement * 1000 for leg in legs)
    assert worth == pytest.approx(mid_term.target.volatility * 1e6)
    assert {"VXV24 (VX4)", "VXF25 (VX7)"} <= {item.label for item in report.inputs}
    assert overlay.instruction
    assert overlay.instruction.equity_usd == pytest.approx(-overlay.instruction.volatility_usd)
    assert [leg.contract for leg in overlay.instruction.legs] == [leg.contract for leg in report.instruction.legs]


def without_settlement(data: MarketData, expiry: str, day: str) -> MarketData:
    kept = []
    for found in data.values():
        if found.series == vx_series(dt.date.fromisoformat(expiry)):
            rows = found.days != np.datetime64(day)
            found = Observations(
                found.series, found.publisher, found.days[rows], found.values[rows], found.payloads[rows]
            )
        kept.append(found)
    return MarketData(kept)


@pytest.fixture
def holed(recorded: MarketData) -> Callable[[str], VeqtorSignals]:
    """The signals up to a day, with a hole in the fifth contract on 2024-07-30."""
    data = without_settlement(recorded, "2024-12-18", "2024-07-30")
    calendar = trading_calendar()
    return lambda day: veqtor_signals(resolve(market_history(data, calendar, dt.date.fromisoformat(day)), calendar))


def test_a_hole_in_the_mid_term_index_leaves_veqtor_and_the_overlay_alone(
    holed: Callable[[str], VeqtorSignals], recorded_signals: VeqtorSignals
) -> None:
    day = dt.date(2024, 7, 30)
    found = signal_report(holed("2024-07-30"), day, 1e6, variants=BOTH)
    whole = signal_report(recorded_signals, day, 1e6, variants=BOTH)
    assert found.target == whole.target
    assert found.variants[1] == whole.variants[1]
    assert found.variants[0].target is None
    assert found.variants[0].unavailable == "a settlement of vix-mid-term is missing on 2024-07-30"
    before = signal_report(holed("2024-07-30"), dt.date(2024, 7, 29), 1e6, variants=BOTH)
    assert before.variants[0] == signal_report(recorded_signals, before.session, 1e6, variants=BOTH).variants[0]


def test_a_hole_on_the_very_first_session_leaves_veqtor_and_the_overlay_alone(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    session, calendar = dt.date(2024, 8, 30), trading_calendar()
    data = window(recorded, session)
    first = resolve(market_history(data, calendar, session), calendar)
    day = first.sessions[first.base].item()
    for at in (day, first.sessions[first.base + 2].item()):
        expiry = first.history.panel.expiry(first.base, 5)
        signals = signals_through(without_settlement(data, str(expiry), str(at)), session)
        found = signal_report(signals, session, 1e6, variants=BOTH)
        whole = signal_report(recorded_signals, session, 1e6, variants=BOTH)
        assert found.target == whole.target
        assert [variant.target for variant in found.variants] == [variant.target for variant in whole.variants]
        assert found.variants[0].levels_since
        assert found.variants[0].levels_since > at


def test_a_later_hole_changes_nothing_of_mid_term_before_it(recorded: MarketData) -> None:
    early, late = dt.date(2024, 8, 22), dt.date(2024, 8, 30)
    data = without_settlement(window(recorded, late, settlements=80), "2024-12-18", "2024-08-28")
    whole = signals_through(data, late)
    for session in (early, dt.date(2024, 8, 27)):
        alone = signal_report(signals_through(data, session), session, 1e6, variants=BOTH)
        assert alone.variants[0].target
        assert signal_report(whole, session, 1e6, variants=BOTH) == alone
    assert signal_report(whole, late, 1e6, variants=BOTH).variants[0].unavailable


def test_flags_of_mid_term_are_its_own(recorded_signals: VeqtorSignals) -> None:
    report = signal_report(recorded_signals, dt.date(2026, 6, 24), 1e6, variants=BOTH)
    assert [[flag.name for flag in variant.flags] for variant in report.variants] == [["THRESHOLD"], []]
    assert "THRESHOLD" not in [flag.name for flag in report.flags]


def test_history_of_mid_term_ends_at_a_hole(holed: Callable[[str], VeqtorSignals]) -> None:
    with pytest.raises(DataNotReady, match="veqtor-mid-term on 2024-07-30"):
        rows_of_signals(holed("2024-08-06"), MID_TERM, dt.date(2024, 7, 1), dt.date(2024, 8, 6))
