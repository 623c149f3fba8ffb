"""Flags and instructions of single sessions."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from signals.calendar import TradingCalendar
from signals.inputs import resolve
from signals.market import MarketData, Observations, market_history
from signals.veqtor.flags import RATE_SHIFT, excess_return_with_rate_shift, flags
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals
from signals.vix_futures import SHORT_TERM, roll_left


def report_on(signals: VeqtorSignals, day: str, notional: float = 1e6) -> SignalReport:
    return signal_report(signals, dt.date.fromisoformat(day), notional)


def all_rows(signals: VeqtorSignals) -> range:
    return range(signals.inputs.base, signals.inputs.usable)


def flagged(signals: VeqtorSignals, name: str) -> list[int]:
    return [
        row for row in all_rows(signals) if name in {flag.name for flag in flags(signals.veqtor, signals.inputs, row)}
    ]


def test_64_of_5177_sessions_are_within_ten_basis_points_of_the_stop(recorded_signals: VeqtorSignals) -> None:
    five_days = recorded_signals.veqtor.excess_return_5d[recorded_signals.inputs.base :]
    tested = np.isfinite(five_days)
    assert tested.sum() == 5177
    assert (np.abs(five_days[tested] + 0.02) < 0.001).sum() == 64


def test_threshold_flags_are_those_and_where_substitutes_could_flip(recorded_signals: VeqtorSignals) -> None:
    rows = flagged(recorded_signals, "THRESHOLD")
    distance = np.abs(recorded_signals.veqtor.excess_return_5d + 0.02)
    assert set(np.flatnonzero(distance < 0.001)) <= set(rows)
    beyond = [row for row in rows if distance[row] >= 0.001]
    assert all(recorded_signals.inputs.sessions[row] > np.datetime64("2026-01-06") for row in beyond)


def test_a_rate_flag_means_that_25_basis_points_flip_the_test(recorded_signals: VeqtorSignals) -> None:
    veqtor = recorded_signals.veqtor
    rows = flagged(recorded_signals, "RATE")
    assert rows
    for row in rows:
        low, high = (excess_return_with_rate_shift(veqtor, row, shift) for shift in (RATE_SHIFT, -RATE_SHIFT))
        assert low <= -0.02 < high


def test_an_unshifted_rate_gives_the_excess_return_itself(recorded_signals: VeqtorSignals) -> None:
    veqtor = recorded_signals.veqtor
    for row in list(all_rows(recorded_signals))[5::97]:
        assert excess_return_with_rate_shift(veqtor, row, 0.0) == pytest.approx(veqtor.excess_return_5d[row], abs=1e-13)


def test_a_boundary_flag_means_that_the_volatility_is_at_the_edge_of_a_regime(recorded_signals: VeqtorSignals) -> None:
    volatility = recorded_signals.veqtor.realised_volatility
    edges = np.array([0.10, 0.20, 0.35, 0.45])
    nearest = np.abs(volatility[:, None] - edges).min(axis=1)
    base = recorded_signals.inputs.base
    expected = [row for row in np.flatnonzero(nearest < 0.0005).tolist() if row >= base]
    assert flagged(recorded_signals, "BOUNDARY") == expected


def test_the_instruction_holds_the_money_the_weight_says(recorded_signals: VeqtorSignals) -> None:
    for day in ("2008-10-10", "2018-02-05", "2020-03-16", "2024-08-05"):
        report = report_on(recorded_signals, day)
        order = report.instruction
        exposure = sum(leg.target * leg.settlement * 1000 for leg in order.legs)
        assert exposure == pytest.approx(report.target.volatility * 1e6, rel=1e-12)
        assert order.equity_usd + order.volatility_usd + order.cash_usd == pytest.approx(1e6)


def test_the_two_legs_are_held_in_the_ratio_of_the_index(
    recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    report = report_on(recorded_signals, "2018-02-05")
    effective = np.array([report.effective_session], dtype="datetime64[D]")
    first, second = SHORT_TERM.contracts(roll_left(effective, calendar))[0, :2]
    one, two = report.instruction.legs
    assert one.target / two.target == pytest.approx(first / second, rel=1e-12)
    assert one.trade == pytest.approx(one.target - one.held)


def test_the_legs_roll_also_when_no_weight_changes(recorded_signals: VeqtorSignals) -> None:
    report = report_on(recorded_signals, "2020-03-12")
    assert report.target == report.held
    assert all(leg.trade != 0 for leg in report.instruction.legs)


def test_everything_is_sold_into_a_stop_and_bought_back_after(recorded_signals: VeqtorSignals) -> None:
    veqtor = recorded_signals.veqtor
    stops = np.flatnonzero(veqtor.stop_loss[1:] & ~veqtor.stop_loss[:-1]) + 1
    into = report_on(recorded_signals, str(veqtor.sessions[stops[-1]]))
    assert into.target.cash == 1.0
    assert into.instruction.equity_usd == 0.0
    assert all(leg.target == 0.0 and leg.trade == -leg.held for leg in into.instruction.legs)
    assert "100% cash" in into.verdict
    cleared = np.flatnonzero(~veqtor.stop_loss[1:] & veqtor.stop_loss[:-1]) + 1
    out_of = report_on(recorded_signals, str(veqtor.sessions[cleared[-1]]))
    assert all(leg.held == 0.0 for leg in out_of.instruction.legs)
    assert "Stop-loss cleared." in out_of.changes


def test_the_expiring_contract_is_named_before_it_expires(recorded_signals: VeqtorSignals) -> None:
    # 2020-03-18 is an expiry.
    texts = {day: report_on(recorded_signals, day).instruction.warnings for day in ("2020-03-12", "2020-03-13")}
    assert texts["2020-03-12"] == ()
    assert "VXH20 expires on 2020-03-18 (in 3 sessions)" in texts["2020-03-13"][0]
    eve = report_on(recorded_signals, "2020-03-17").instruction
    assert [leg.contract for leg in eve.legs] == ["VXJ20", "VXK20"]
    assert eve.legs[0].held > 0


def test_contracts_scale_with_the_notional_and_rounding_is_in_dollars(recorded_signals: VeqtorSignals) -> None:
    small, large = (report_on(recorded_signals, "2018-02-05", notional) for notional in (1e4, 1e7))
    for one, other in zip(small.instruction.legs, large.instruction.legs, strict=True):
        assert other.target == pytest.approx(1000 * one.target)
        error = (other.target_rounded - other.target) * other.settlement * 1000
        assert other.rounding_error_usd == pytest.approx(error)
        assert abs(error) <= 0.5 * other.settlement * 1000


@pytest.mark.parametrize("day", ["2026-07-29", "2026-07-27", "2018-02-05", "2013-06-11"])
def test_the_stated_vix_is_the_lowest_close_that_keeps_the_averages_in_order(
    recorded_signals: VeqtorSignals, day: str
) -> None:
    report, vix = report_on(recorded_signals, day), np.rint(recorded_signals.inputs.vix * 100).astype(int)
    row, tick = recorded_signals.row(report.session), round(report.trend.next_vix * 100)
    four, nineteen = vix[row - 3 : row + 1].sum(), vix[row - 18 : row + 1].sum()
    assert 4 * (four + tick) >= nineteen + tick
    assert 4 * (four + tick - 1) < nineteen + tick - 1


def test_the_stated_moves_lift_the_volatility_to_the_edge(recorded_signals: VeqtorSignals) -> None:
    report = report_on(recorded_signals, "2026-07-29")
    row = recorded_signals.row(report.session)
    spx = recorded_signals.inputs.history.spx_yahoo
    assert report.regime.next_rise is not None
    assert report.regime.next_fall is not None
    for move in (report.regime.next_rise, -report.regime.next_fall):
        following = np.append(spx[row - 21 : row + 1], spx[row] * (1 + move))
        volatility = np.sqrt(252 / 22 * np.sum(np.diff(np.log(following)) ** 2))
        assert volatility == pytest.approx(report.regime.upper_edge, rel=1e-12)


def test_the_stated_excess_return_triggers_the_stop(recorded_signals: VeqtorSignals) -> None:
    report = report_on(recorded_signals, "2026-07-29")
    excess, row = recorded_signals.veqtor.excess_return, recorded_signals.row(report.session)
    needed = report.stop_loss.next_excess_return
    assert needed is not None
    assert excess[row] * (1 + needed) / excess[row - 4] - 1 == pytest.approx(-0.02, abs=1e-14)


def test_what_changed_is_said_and_nothing_else(recorded_signals: VeqtorSignals) -> None:
    report = report_on(recorded_signals, "2026-07-29")
    assert report.changes == ("Realised-volatility regime below 10% -> 10-20%.", "Target 97.5/2.5 -> 90/10.")
    assert report_on(recorded_signals, "2020-03-16").changes == ()


def test_a_day_in_full_by_hand(recorded_signals: VeqtorSignals) -> None:
    """2018-02-05: the VIX doubled. The market's figures are public; the decisions follow from the rules."""
    report = report_on(recorded_signals, "2018-02-05")
    inputs = {item.label: item.value for item in report.inputs}
    assert inputs["VIX"] == 37.32
    assert inputs["VXG18 (VX1)"] == 33.225
    assert report.effective_session == dt.date(2018, 2, 6)
    assert report.effective_at.isoformat() == "2018-02-06T16:00:00-05:00"
    assert report.first_return_session == dt.date(2018, 2, 7)
    assert report.regime.name == "10-20%"
    assert report.trend.name == "uptrend"
    assert not report.back_test
    assert replace(report.target, cash=0.0) == report.target
    assert report.target.volatility == 0.15


def test_without_a_settlement_of_the_next_contract_the_weights_stand_and_no_contract_is_counted(
    recorded: MarketData, calendar: TradingCalendar
) -> None:
    # On the eve of an expiry the third contract becomes the second leg, which the index does not hold yet.
    eve = dt.date(2020, 3, 17)
    k20 = recorded["VX.2020-05-20", "cboe"]
    kept = k20.days != np.datetime64(eve)
    holed = Observations(k20.series, k20.publisher, k20.days[kept], k20.values[kept], k20.payloads[kept])
    data = MarketData([holed, *(found for key, found in recorded.items() if key != (k20.series, k20.publisher))])
    signals = veqtor_signals(resolve(market_history(data, calendar, eve), calendar))
    report = signal_report(signals, eve, 1e6)
    assert report.target.volatility == 0.40
    assert report.instruction.legs == ()
    assert any("VXK20 has no settlement" in warning for warning in report.instruction.warnings)
