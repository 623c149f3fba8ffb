from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.calendar import Days, TradingCalendar
from signals.errors import DataQualityError
from signals.market import MarketData
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import (
    EXTRAPOLATED,
    INTERPOLATED,
    MID_TERM,
    SHORT_TERM,
    SLOTS,
    Floats,
    SettlementPanel,
    carries_weight,
    constant_maturity_future,
    futures_index,
    settlement_panel,
)

D = dt.date.fromisoformat


def days(*texts: str) -> Days:
    return np.array(texts, dtype="datetime64[D]")


def panel_on(calendar: TradingCalendar, sessions: Days, prices: dict[str, list[float | None]]) -> SettlementPanel:
    """A panel from prices per expiry, None where there is no settlement."""
    settlements: dict[dt.date, tuple[Days, Floats]] = {}
    for expiry, values in prices.items():
        listed = [row for row, value in enumerate(values) if value is not None]
        settlements[D(expiry)] = (sessions[listed], np.array([values[row] for row in listed], dtype=float))
    return settlement_panel(settlements, sessions, calendar)


def test_slots_move_up_on_the_expiry_day(calendar: TradingCalendar) -> None:
    sessions = days("2020-03-17", "2020-03-18")
    panel = panel_on(calendar, sessions, {"2020-03-18": [70.0, 69.0], "2020-04-15": [60.0, 61.0]})
    assert panel.settle[0, :2].tolist() == [70.0, 60.0]
    assert panel.settle[1, 0] == 61.0
    assert panel.expiry(1, 1) == D("2020-04-15")


def test_a_day_of_the_short_term_index_by_hand(calendar: TradingCalendar) -> None:
    # 2020-03-02: roll period 2020-02-19 to 2020-03-18, 20 days, 11 of them left after the close.
    sessions = days("2020-03-02", "2020-03-03")
    panel = panel_on(calendar, sessions, {"2020-03-18": [30.0, 33.0], "2020-04-15": [27.0, 28.0]})
    index = futures_index(panel, SHORT_TERM, np.array([0.01, 0.01]), calendar)
    w = 11 / 20
    change = (w * 33 + (1 - w) * 28) / (w * 30 + (1 - w) * 27) - 1
    bill = (1 / (1 - 91 / 360 * 0.01)) ** (1 / 91) - 1
    assert index.excess_return[1] == pytest.approx(100_000 * (1 + change), rel=1e-14)
    assert index.total_return[1] == pytest.approx(100_000 * (1 + change + bill), rel=1e-14)


def test_the_bill_return_counts_calendar_days(calendar: TradingCalendar) -> None:
    sessions = days("2020-03-06", "2020-03-09")
    panel = panel_on(calendar, sessions, {"2020-03-18": [40.0, 40.0], "2020-04-15": [35.0, 35.0]})
    index = futures_index(panel, SHORT_TERM, np.array([0.01, 0.02]), calendar)
    assert index.total_return_change[1] == pytest.approx((1 / (1 - 91 / 360 * 0.01)) ** (3 / 91) - 1, rel=1e-12)


def test_an_expiring_contract_is_left_the_day_before_without_a_jump(calendar: TradingCalendar) -> None:
    sessions = days("2020-03-17", "2020-03-18", "2020-03-19")
    panel = panel_on(
        calendar,
        sessions,
        {"2020-03-18": [70.0, None, None], "2020-04-15": [60.0, 66.0, 66.0], "2020-05-20": [50.0, 55.0, 55.0]},
    )
    index = futures_index(panel, SHORT_TERM, np.zeros(3), calendar)
    # On the eve everything is in the second contract, whatever the expiring one does.
    assert index.total_return_change[1] == pytest.approx(0.10, rel=1e-14)
    assert index.unusable_from == 3


def test_a_hole_that_carries_weight_ends_the_index_and_one_that_does_not_is_passed_over(
    calendar: TradingCalendar,
) -> None:
    sessions = days("2020-03-02", "2020-03-03", "2020-03-04")
    whole: dict[str, list[float | None]] = {"2020-03-18": [30.0, 33.0, 31.0], "2020-04-15": [27.0, 28.0, 28.0]}
    third_missing = panel_on(calendar, sessions, {**whole, "2020-05-20": [26.0, None, 26.0]})
    second_missing = panel_on(calendar, sessions, {**whole, "2020-04-15": [27.0, None, 28.0]})
    assert futures_index(third_missing, SHORT_TERM, np.zeros(3), calendar).unusable_from == 3
    broken = futures_index(second_missing, SHORT_TERM, np.zeros(3), calendar)
    assert broken.unusable_from == 1
    assert np.isnan(broken.total_return[1:]).all()


def test_an_unlisted_month_is_interpolated_in_variance_over_sessions(calendar: TradingCalendar) -> None:
    # 2006-01-19: expiries 2006-02-15, 03-22, 04-19; 23 sessions from the first to the second, 42 to the third.
    panel = panel_on(calendar, days("2006-01-19"), {"2006-02-15": [12.0], "2006-04-19": [14.0]})
    steps = len(calendar.sessions_in(D("2006-02-15"), D("2006-03-21")))
    span = len(calendar.sessions_in(D("2006-02-15"), D("2006-04-18")))
    assert panel.settle[0, 1] == pytest.approx(np.sqrt(144 + steps / span * (196 - 144)), rel=1e-14)
    assert panel.basis[0, 1] == INTERPOLATED


def test_two_unlisted_months_lean_on_the_one_after_and_then_on_the_filled_one(calendar: TradingCalendar) -> None:
    panel = panel_on(calendar, days("2006-01-19"), {"2006-02-15": [12.0], "2006-05-17": [15.0]})
    assert panel.basis[0, 1:3].tolist() == [INTERPOLATED, INTERPOLATED]
    assert 12.0 < panel.settle[0, 1] < panel.settle[0, 2] < 15.0


def test_with_nothing_listed_above_the_slope_below_is_carried_on(calendar: TradingCalendar) -> None:
    panel = panel_on(calendar, days("2006-01-19"), {"2006-02-15": [12.0], "2006-03-22": [13.0]})
    one, two = (
        len(calendar.sessions_in(D(a), D(b))) for a, b in (("2006-02-15", "2006-03-21"), ("2006-03-22", "2006-04-18"))
    )
    assert panel.settle[0, 2] == pytest.approx(np.sqrt(169 + two / one * (169 - 144)), rel=1e-14)
    assert panel.basis[0, 2] == EXTRAPOLATED


def test_nothing_is_interpolated_after_april_2008(calendar: TradingCalendar) -> None:
    panel = panel_on(calendar, days("2008-05-01"), {"2008-05-21": [20.0], "2008-07-16": [22.0]})
    assert np.isnan(panel.settle[0, 1])


def test_a_contract_that_expires_on_no_expiry_day_is_refused(calendar: TradingCalendar) -> None:
    with pytest.raises(DataQualityError, match="2020-03-11"):
        panel_on(calendar, days("2020-03-02"), {"2020-03-11": [30.0]})


def test_fills_of_the_recorded_history_are_18_short_term_and_783_mid_term_18_of_them_extrapolated(
    recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    panel = recorded_signals.inputs.panel(recorded_signals.inputs.base)
    short, mid = (carries_weight(panel, pattern, calendar) for pattern in (SHORT_TERM, MID_TERM))
    assert ((panel.basis > 0) & short).sum() == 18
    assert ((panel.basis > 0) & mid).sum() == 783
    assert ((panel.basis == EXTRAPOLATED) & mid).sum() == 18


def test_both_indices_reach_the_end_of_the_recorded_history(recorded_signals: VeqtorSignals) -> None:
    for index in (recorded_signals.short_term, recorded_signals.mid_term):
        assert index.unusable_from == len(index.sessions)
        assert np.isfinite(index.total_return).all()


def test_the_constant_maturity_future_is_linear_in_calendar_days(calendar: TradingCalendar) -> None:
    # 2020-03-02 + 30 days = 2020-04-01, between 2020-03-18 (14 days before) and 2020-04-15 (14 days after).
    panel = panel_on(calendar, days("2020-03-02"), {"2020-03-18": [30.0], "2020-04-15": [27.0]})
    assert constant_maturity_future(panel, np.array([33.0]))[0] == pytest.approx(28.5, rel=1e-14)


def test_after_an_expiry_in_a_five_week_month_the_vix_stands_at_zero_days(calendar: TradingCalendar) -> None:
    # 2020-04-15: the next expiry, 2020-05-20, is 35 days away.
    panel = panel_on(calendar, days("2020-04-15"), {"2020-05-20": [38.0]})
    assert constant_maturity_future(panel, np.array([45.0]))[0] == pytest.approx(45 + 30 / 35 * (38 - 45), rel=1e-14)


@given(st.floats(0.0, 1.0))
def test_an_index_always_holds_the_same_number_of_contracts(left: float) -> None:
    for pattern, contracts in ((SHORT_TERM, 1.0), (MID_TERM, 3.0)):
        held = pattern.contracts(np.array([left]))
        assert held.sum() == pytest.approx(contracts, abs=1e-12)
        assert (held >= 0.0).all()
        assert held.shape == (1, SLOTS)


def test_settlements_of_the_archive_give_way_to_those_of_the_current_files(recorded: MarketData) -> None:
    both = {series for series, publisher in recorded if publisher == "cboe-archive" and series >= "VX.2013"}
    assert len(both) == 12
