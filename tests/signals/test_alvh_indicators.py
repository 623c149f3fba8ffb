"""The indicators of the hedge: against published examples and other libraries, and on recorded days."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from signals.alvh.hedge_inputs import indicator_inputs
from signals.alvh.indicator_table import (
    CHEAP,
    DEAR,
    FAIR,
    UNKNOWN,
    Indicator,
    IndicatorInputs,
    IndicatorTable,
    Schedule,
)
from signals.alvh.indicators import VIX3M_OVER_CURVE, VIX3M_SINCE, indicator_table, synthetic_vix3m
from signals.alvh.measures import (
    CERTAIN_AFTER,
    MAX_GAP,
    OFF,
    ON,
    UNAVAILABLE,
    correlation,
    hysteresis,
    macd,
    percentile_rank,
    regression,
    standard_score,
    wilder_rsi,
)
from signals.alvh.ruleset_files import shipped_rule_set
from signals.calendar import TradingCalendar, trading_calendar
from signals.events import KINDS, events_ahead
from signals.market import MarketData
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import SLOTS, SettlementPanel

pytestmark = pytest.mark.server

NAN = float("nan")
RULES = shipped_rule_set("alvh-seed").indicators

#: ChartSchool of StockCharts, "Relative Strength Index": closes of QQQQ, and the 14-day RSI from the fifteenth on.
PUBLISHED_CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328, 45.6140,
    46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548,
    44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
]  # fmt: skip
PUBLISHED_RSI = [
    70.5328, 66.3186, 66.5498, 69.4063, 66.3552, 57.9749, 62.9296, 63.2571, 56.0593, 62.3771, 54.7076, 50.4228, 39.9898,
    41.4605, 41.8689, 45.4632, 37.3040, 33.0795, 37.7730,
]  # fmt: skip


@pytest.fixture(scope="module")
def inputs(recorded_signals: VeqtorSignals) -> IndicatorInputs:
    return indicator_inputs(recorded_signals)


@pytest.fixture(scope="module")
def table(inputs: IndicatorInputs) -> IndicatorTable:
    return indicator_table(inputs, RULES)


def row_of(table: IndicatorTable, day: str) -> int:
    row = int(np.searchsorted(table.sessions, np.datetime64(day)))
    assert table.sessions[row] == np.datetime64(day)
    return row


# Relative strength.


def test_the_rsi_is_that_of_the_published_example() -> None:
    found = wilder_rsi(np.array(PUBLISHED_CLOSES), 14)
    assert np.isnan(found[:14]).all()
    np.testing.assert_allclose(found[14:], PUBLISHED_RSI, atol=5.1e-5)


def test_the_rsi_of_one_direction_is_at_the_end_of_its_scale_and_of_none_in_the_middle() -> None:
    assert wilder_rsi(np.arange(30.0), 14)[-1] == 100.0
    assert wilder_rsi(-np.arange(30.0), 14)[-1] == 0.0
    assert wilder_rsi(np.full(30, 20.0), 14)[-1] == 50.0


def test_a_missing_close_is_bridged_and_a_long_gap_is_not() -> None:
    closes = np.array(PUBLISHED_CLOSES)
    for gap, bridged in ((1, True), (MAX_GAP, True), (MAX_GAP + 1, False)):
        holed = np.concatenate([closes[:20], np.full(gap, NAN), closes[20:]])
        found = wilder_rsi(holed, 14)
        assert np.isnan(found[20 : 20 + gap]).all()
        if bridged:
            np.testing.assert_array_equal(found[20 + gap :], wilder_rsi(closes, 14)[20:])
        else:
            np.testing.assert_array_equal(found[20 + gap :], wilder_rsi(closes[20:], 14))


def test_where_a_history_begins_no_longer_matters_after_400_values(inputs: IndicatorInputs) -> None:
    whole = wilder_rsi(inputs.vix, 14)
    for start in range(1, len(inputs.vix) - CERTAIN_AFTER, 331):
        later = wilder_rsi(inputs.vix[start:], 14)
        np.testing.assert_allclose(later[CERTAIN_AFTER:], whole[start + CERTAIN_AFTER :], rtol=0, atol=1e-9)
    steps = np.random.default_rng(1).normal(0, 1000, 3000)
    line, signal = macd(steps, 12, 26, 9)
    for start in range(1, 2000, 331):
        late_line, late_signal = macd(steps[start:], 12, 26, 9)
        difference = (late_line - late_signal)[CERTAIN_AFTER:] - (line - signal)[start + CERTAIN_AFTER :]
        assert np.abs(difference).max() < 1e-9


# Breadth.


def test_the_macd_is_that_of_exponential_averages_of_another_library() -> None:
    steps = np.random.default_rng(2).normal(10, 900, 400)
    # The level at which the line starts cancels out.
    total = pd.Series(np.cumsum(steps)) + 12_345.0
    expected = total.ewm(span=12, adjust=False).mean() - total.ewm(span=26, adjust=False).mean()
    line, signal = macd(steps, 12, 26, 9)
    assert np.isnan(line[:33]).all()
    np.testing.assert_allclose(line[33:], expected[33:], atol=1e-8)
    np.testing.assert_allclose(signal[33:], expected.ewm(span=9, adjust=False).mean()[33:], atol=1e-8)


def test_a_missing_day_of_breadth_is_left_out_and_a_long_gap_starts_the_averages_again() -> None:
    steps = np.random.default_rng(3).normal(10, 900, 200)
    one = np.insert(steps, 100, NAN)
    np.testing.assert_array_equal(np.delete(macd(one, 12, 26, 9)[0], 100), macd(steps, 12, 26, 9)[0])
    long = np.insert(steps, 100, np.full(MAX_GAP + 1, NAN))
    found = macd(long, 12, 26, 9)[0]
    np.testing.assert_array_equal(found[100 + MAX_GAP + 1 :], macd(steps[100:], 12, 26, 9)[0])


def test_breadth_is_on_below_its_signal_and_recorded_until_2020(table: IndicatorTable) -> None:
    found = table["breadth_macd"]
    known = np.isfinite(found.value)
    np.testing.assert_array_equal(found.state[known] == ON, found.value[known] < 0.0)
    assert set(found.state[~known].tolist()) == {UNAVAILABLE}
    # 34 sessions of the file, of which the first is 2017-01-03; 2019-08-20 is missing in it.
    assert table.sessions[known][[0, -1]].tolist() == [dt.date(2017, 2, 21), dt.date(2020, 2, 10)]
    assert found.state[row_of(table, "2019-08-20")] == UNAVAILABLE
    assert known[row_of(table, "2019-08-21")]
    assert found.observed_on[-1] == np.datetime64("2020-02-10")


@pytest.fixture(scope="module")
def two_scales(small: IndicatorInputs) -> IndicatorInputs:
    """Counts of the exchange up to row 300 without row 200, and from row 400 on; a basket of all rows."""
    random = np.random.default_rng(8)
    counts = random.normal(0, 900, len(small.sessions)).round()
    counts[200] = NAN
    counts[300:400] = NAN
    basket = random.integers(-11, 12, len(counts)).astype(float)
    return replace(small, advance_decline=counts, basket=basket, basket_size=np.full(len(counts), 11))


def test_a_basket_of_funds_stands_in_for_the_exchange_on_a_line_of_its_own(two_scales: IndicatorInputs) -> None:
    found = indicator_table(two_scales, RULES)["breadth_macd"]
    lines = [np.subtract(*macd(steps, 12, 26, 9)) for steps in (two_scales.advance_decline, two_scales.basket)]
    exchange, basket = lines
    rows = np.arange(len(basket))
    # Averages begin anew after the long gap; on the first rows there is neither.
    stand_in = (rows == 200) | ((rows >= 300) & (rows < 433))
    np.testing.assert_array_equal(found.substitute, stand_in)
    np.testing.assert_array_equal(found.value, np.where(stand_in, basket, exchange))
    np.testing.assert_array_equal(found.state[33:] == ON, found.value[33:] < 0.0)
    assert (found.state[:33] == UNAVAILABLE).all()
    # One is in thousands of issues, the other in tens of funds.
    assert np.nanstd(exchange) > 20 * np.nanstd(basket)


def test_no_rank_and_no_step_leads_from_issues_to_funds(two_scales: IndicatorInputs) -> None:
    table = indicator_table(two_scales, RULES)
    found = table["breadth_macd"]
    exchange, basket = (
        percentile_rank(np.subtract(*macd(steps, 12, 26, 9)), RULES.windows.percentile)
        for steps in (two_scales.advance_decline, two_scales.basket)
    )
    np.testing.assert_array_equal(found.percentile, np.where(found.substitute, basket, exchange))
    assert np.isfinite(found.percentile[300:433]).all()
    assert found.previous is not None
    alone = indicator_table(replace(two_scales, advance_decline=np.full(500, NAN)), RULES)["breadth_macd"]
    for row in (200, 300, 432):
        assert found.previous[row] == alone.value[row - 1]
    # The exchange had no value the session before.
    assert np.isnan(found.previous[[201, 433]]).all()
    readings = {row: table.readings(row)[1] for row in (299, 300, 433)}
    assert [reading.name for reading in readings.values()] == ["breadth_macd"] * 3
    stand_in = "basket of 11 Select Sector SPDR funds stands in for the exchange's counts"
    assert readings[299].remark == "starts cold: within 1e-9 from 400 values on"
    assert readings[300].remark == f"{stand_in}; starts cold: within 1e-9 from 400 values on"
    assert readings[433].remark == "starts cold: within 1e-9 from 400 values on"
    assert readings[433].previous is None


def test_averages_that_began_anew_are_cold_again(two_scales: IndicatorInputs) -> None:
    gap = two_scales.vix.copy()
    whole = indicator_table(two_scales, RULES)["vix_rsi"].cold
    gap[440 : 440 + MAX_GAP + 1] = NAN
    holed = indicator_table(replace(two_scales, vix=gap), RULES)["vix_rsi"].cold
    assert whole is not None
    assert holed is not None
    assert whole[[13, 14, 413, 414, 499]].tolist() == [False, True, True, False, False]
    assert holed[[14, 439, 445, 460, 499]].tolist() == [True, False, False, True, True]


# On, off, and in between.


@pytest.mark.parametrize(
    ("values", "states"),
    [
        ([55, 60, 55, 50, 49.9, 55], [0, 1, 1, 1, 0, 0]),
        ([60, NAN, 55], [1, -1, 1]),
        ([60, *[NAN] * 5, 55], [1, *[-1] * 5, 1]),
        ([60, *[NAN] * 6, 55, 61, 55], [1, *[-1] * 6, 0, 1, 1]),
        ([NAN, 55], [-1, 0]),
    ],
)
def test_between_the_thresholds_a_state_stays(values: list[float], states: list[int]) -> None:
    assert hysteresis(np.array(values), 60, 50, rising=True).tolist() == states
    assert hysteresis(-np.array(values), -60, -50, rising=False).tolist() == states


_VALUES = st.one_of(st.floats(-3, 3), st.sampled_from([-1.0, 0.0, 1.0, NAN, NAN]))


@given(hnp.arrays(float, st.integers(0, 40), elements=_VALUES), st.booleans())
def test_states_are_those_of_a_loop(value: np.ndarray, rising: bool) -> None:
    states, state, gap = [], OFF, 0
    on, off = (1.0, -1.0) if rising else (-1.0, 1.0)
    for number in value.tolist():
        if np.isnan(number):
            gap += 1
            states.append(UNAVAILABLE)
            continue
        state = state if gap <= MAX_GAP else OFF
        gap = 0
        if (number >= on) if rising else (number <= on):
            state = ON
        elif (number < off) if rising else (number > off):
            state = OFF
        states.append(state)
    assert hysteresis(value, on, off, rising=rising).tolist() == states


def test_the_distance_leads_to_the_threshold_at_which_the_state_changes(table: IndicatorTable) -> None:
    for name in ("vix_rsi", "curve_inversion", "reer_shift", "liquidity_quick_ratio"):
        found, own = table[name], getattr(RULES, name)
        known = found.state != UNAVAILABLE
        np.testing.assert_allclose((found.value + found.distance)[known], found.threshold[known])
        off = own.off_above if name == "liquidity_quick_ratio" else own.off_below
        assert set(found.threshold[found.state == ON].tolist()) <= {off}
        assert set(found.threshold[found.state == OFF].tolist()) <= {own.on_at}
        assert np.isnan(found.distance[~known]).all()


# Windows.


@given(hnp.arrays(float, st.integers(0, 60), elements=st.sampled_from([1.0, 2.0, 3.0, 2.5, NAN])))
def test_a_percentile_counts_lower_values_and_half_of_the_equal_ones(value: np.ndarray) -> None:
    found = percentile_rank(value, 10)
    for row, number in enumerate(value.tolist()):
        window = value[max(row - 9, 0) : row + 1]
        there = window[np.isfinite(window)]
        if row < 9 or np.isnan(number) or len(there) < 8:
            assert np.isnan(found[row])
        else:
            expected = 100 * ((there < number).sum() + 0.5 * (there == number).sum()) / len(there)
            assert found[row] == pytest.approx(expected)


def test_a_regression_is_that_of_least_squares() -> None:
    random = np.random.default_rng(4)
    x = random.normal(0.0004, 0.011, 600)
    y = -0.001 - 3.1 * x + random.normal(0, 0.02, 600)
    alpha, beta, explained = regression(x, y, 252)
    assert np.isnan(beta[:251]).all()
    for row in range(251, 600, 50):
        window = slice(row - 251, row + 1)
        design = np.column_stack([np.ones(252), x[window]])
        solution, residual, _, _ = np.linalg.lstsq(design, y[window], rcond=None)
        np.testing.assert_allclose([alpha[row], beta[row]], solution, rtol=1e-9)
        assert explained[row] == pytest.approx(1 - residual[0] / ((y[window] - y[window].mean()) ** 2).sum(), rel=1e-9)
        assert correlation(x, y, 252)[row] == pytest.approx(np.corrcoef(x[window], y[window])[0, 1], rel=1e-9)
    assert np.isnan(correlation(np.zeros(300), y[:300], 252)).all()


def test_a_standard_score_is_that_of_another_library() -> None:
    value = np.random.default_rng(5).normal(0, 1, 300)
    rolling = pd.Series(value).rolling(120)
    np.testing.assert_allclose(standard_score(value, 120), (value - rolling.mean()) / rolling.std(), rtol=1e-9)
    value[[150, 160, 170]] = NAN
    rolling = pd.Series(value).rolling(120, min_periods=96)
    expected = ((value - rolling.mean()) / rolling.std()).to_numpy()
    np.testing.assert_allclose(standard_score(value, 120)[119:], expected[119:], rtol=1e-9)


def test_the_premium_is_what_the_hedge_loses_beyond_its_beta(inputs: IndicatorInputs, table: IndicatorTable) -> None:
    row = row_of(table, "2017-12-29")
    window = slice(row - 251, row + 1)
    days = np.diff(inputs.sessions).astype(int)[row - 252 : row]
    bill = (1 / (1 - 91 / 360 * inputs.tbill[row - 252 : row])) ** (days / 91) - 1
    design = np.column_stack([np.ones(252), inputs.equity_return[window] - bill])
    (alpha, beta), *_ = np.linalg.lstsq(design, inputs.short_term_return[window], rcond=None)
    assert table["capm_premium"].value[row] == pytest.approx(-252 * alpha, rel=1e-9)
    assert table["capm_beta"].value[row] == pytest.approx(beta, rel=1e-9)
    # In the calm of 2017 the futures lost more than a rising market explains, which is what a hedge costs.
    assert table["capm_beta"].value[row] < -4
    assert table["capm_premium"].value[row] > 0


def test_the_variance_premium_has_a_live_and_an_ex_post_version(inputs: IndicatorInputs, table: IndicatorTable) -> None:
    row = row_of(table, "2018-02-05")
    moves = np.diff(np.log(inputs.spx[row - 22 : row + 1]))
    realised = 100 * np.sqrt(252 / 22 * (moves**2).sum())
    assert table["variance_premium"].value[row] == pytest.approx(37.32 - realised)
    assert table["variance_premium_ex_post"].value[row] == pytest.approx(inputs.vix[row - 22] - realised)
    assert "live" in table["variance_premium"].label
    assert "ex post" in table["variance_premium_ex_post"].label


def test_carry_is_cheap_in_the_lowest_quarter_of_its_year_and_dear_in_the_highest(table: IndicatorTable) -> None:
    found = table["carry"]
    rank = found.percentile
    known = np.isfinite(rank)
    expected = np.where(rank <= 25, CHEAP, np.where(rank >= 75, DEAR, FAIR))
    np.testing.assert_array_equal(found.state[known], expected[known])
    np.testing.assert_allclose((rank + found.distance)[known], found.threshold[known])
    # 2018-02-05: VX1 33.225, VX2 27.975, 35 days apart.
    row = row_of(table, "2018-02-05")
    assert found.value[row] == pytest.approx(np.log(27.975 / 33.225) * 365 / 35)
    assert found.state[row] == CHEAP


# The curve.


def test_the_scale_of_the_made_vix3m_is_the_median_of_2023_to_2025(inputs: IndicatorInputs) -> None:
    days = (inputs.sessions >= np.datetime64("2023-01-01")) & (inputs.sessions <= np.datetime64("2025-12-31"))
    ratio = VIX3M_OVER_CURVE * inputs.vix3m[days] / synthetic_vix3m(inputs)[days]
    assert np.nanmedian(ratio) == pytest.approx(VIX3M_OVER_CURVE, abs=5e-5)


def test_the_curve_is_made_where_vix3m_is_missing_and_says_so(inputs: IndicatorInputs, table: IndicatorTable) -> None:
    found = table["curve_inversion"]
    before = inputs.sessions < np.datetime64(VIX3M_SINCE)
    assert (found.state[before] == UNAVAILABLE).all()
    assert not found.substitute[row_of(table, "2025-10-31")]
    row = row_of(table, "2025-11-03")
    assert found.substitute[row]
    reading = next(item for item in table.readings(row) if item.name == "curve_inversion")
    assert reading.remark == "no VIX3M: made from the VIX and the futures at 30 and 60 days"
    # Where both are there they seldom disagree on the side of a threshold.
    made = inputs.vix / synthetic_vix3m(inputs)
    both = np.isfinite(inputs.vix3m) & np.isfinite(made)
    states = hysteresis(made[both], 1.0, 0.95, rising=True), hysteresis(found.value[both], 1.0, 0.95, rising=True)
    assert np.mean(states[0] != states[1]) < 0.08


# The dollar.


def monthly(months: int, first: str = "2005-01") -> tuple[np.ndarray, np.ndarray]:
    days = np.arange(np.datetime64(first), np.datetime64(first) + months).astype("datetime64[D]")
    return days, 100 * np.exp(np.cumsum(np.random.default_rng(6).normal(0, 0.01, months)))


def shift(inputs: IndicatorInputs, days: np.ndarray, values: np.ndarray) -> Indicator:
    return indicator_table(replace(inputs, reer=(days, values)), RULES)["reer_shift"]


def test_a_month_is_used_from_45_days_after_its_end(table: IndicatorTable) -> None:
    found = table["reer_shift"]
    # January 2020 ended on the 31st; 45 days later it is 16 March.
    assert found.observed_on[row_of(table, "2020-03-13")] == np.datetime64("2019-12-31")
    assert found.observed_on[row_of(table, "2020-03-16")] == np.datetime64("2020-01-31")


def test_the_score_is_of_three_month_changes_among_those_of_ten_years(
    inputs: IndicatorInputs, table: IndicatorTable
) -> None:
    _, values = inputs.reer
    changes = pd.Series(np.log(values)).diff(3)
    score = (changes - changes.rolling(120).mean()) / changes.rolling(120).std()
    january_2020 = int(np.searchsorted(inputs.reer[0], np.datetime64("2020-01-01")))
    assert table["reer_shift"].value[row_of(table, "2020-03-16")] == pytest.approx(score[january_2020], rel=1e-9)


def test_a_dollar_series_that_stopped_becomes_unavailable(small: IndicatorInputs) -> None:
    days, values = monthly(12 * 20)
    assert shift(small, days, values).state[-1] != UNAVAILABLE
    stopped = days < np.datetime64("2019-01-01")
    found = shift(small, days[stopped], values[stopped])
    known = found.state != UNAVAILABLE
    # December 2018 is usable from 2019-02-14, and two months longer than until January should have followed it.
    assert small.sessions[known][-1] == np.datetime64("2019-04-17")
    assert found.observed_on[-1] == np.datetime64("2018-12-31")


def test_a_missing_month_makes_its_own_and_the_third_after_it_unknown(small: IndicatorInputs) -> None:
    days, values = monthly(12 * 20)
    kept = days != np.datetime64("2019-01-01")
    found = shift(small, days[kept], values[kept])
    april = (found.observed_on == np.datetime64("2019-04-30")) & (small.sessions < np.datetime64("2019-07-01"))
    assert april.any()
    assert (found.state[april] == UNAVAILABLE).all()
    assert not (found.observed_on == np.datetime64("2019-01-31")).any()


def test_no_dollar_series_at_all_is_unavailable(small: IndicatorInputs) -> None:
    found = shift(small, np.array([], "datetime64[D]"), np.array([]))
    assert (found.state == UNAVAILABLE).all()
    assert np.isnat(found.observed_on).all()


# Liquidity.


def test_liquidity_compares_a_week_with_its_quarter(inputs: IndicatorInputs, table: IndicatorTable) -> None:
    row = row_of(table, "2020-03-16")
    illiquidity = np.abs(inputs.spy_return) / inputs.spy_dollar_volume
    expected = illiquidity[row - 62 : row + 1].mean() / illiquidity[row - 4 : row + 1].mean()
    assert table["liquidity_quick_ratio"].value[row] == pytest.approx(expected, rel=1e-12)


def test_a_day_without_volume_is_no_day_of_infinite_illiquidity(small: IndicatorInputs) -> None:
    volume = small.spy_dollar_volume.copy()
    volume[100] = 0.0
    found = indicator_table(replace(small, spy_dollar_volume=volume), RULES)["liquidity_quick_ratio"]
    assert (found.state[100:163] == UNAVAILABLE).all()
    assert found.state[163] != UNAVAILABLE
    assert found.observed_on[100] == small.sessions[99]


# Events.


def test_event_risk_is_what_the_event_calendar_says(recorded: MarketData, table: IndicatorTable) -> None:
    calendar = trading_calendar()
    found = table["event_risk"]
    for row in range(0, len(table.sessions), 17):
        ahead = events_ahead(recorded, calendar, table.sessions[row].item(), 2)
        expected = ON if ahead.events else UNKNOWN if ahead.unknown else OFF
        assert found.state[row] == expected, table.sessions[row]


def schedule_of(small: IndicatorInputs, *days: str) -> IndicatorInputs:
    # A schedule that goes on, so that what lies ahead is known.
    known = np.array([*days, "2018-12-05", "2019-03-15"], dtype="datetime64[D]")
    kinds = [kind for _, _, kind, _ in KINDS]
    return replace(small, schedules=tuple(Schedule(kind, np.unique(known), 120) for kind in kinds))


def test_an_event_counts_from_two_sessions_before(small: IndicatorInputs) -> None:
    # Thursday; 2019-01-21 is a holiday.
    found = indicator_table(schedule_of(small, "2019-01-24"), RULES)["event_risk"]
    row = {day: int(np.searchsorted(small.sessions, np.datetime64(day))) for day in ("2019-01-18", "2019-01-22")}
    assert (found.value[row["2019-01-18"]], found.state[row["2019-01-18"]]) == (3.0, OFF)
    assert found.distance[row["2019-01-18"]] == -1.0
    assert (found.value[row["2019-01-22"]], found.state[row["2019-01-22"]]) == (2.0, ON)
    # On the day itself it lies behind the close.
    assert found.state[row["2019-01-22"] + 2] == OFF


def test_an_event_on_a_sunday_counts_for_monday(small: IndicatorInputs) -> None:
    found = indicator_table(schedule_of(small, "2019-01-27"), RULES)["event_risk"]
    friday = int(np.searchsorted(small.sessions, np.datetime64("2019-01-25")))
    assert found.value[friday - 1 : friday + 1].tolist() == [2.0, 1.0]


def test_a_schedule_that_is_not_known_is_unknown_and_not_off(small: IndicatorInputs) -> None:
    found = indicator_table(replace(small, schedules=(Schedule("CPI release", np.array([], "M8[D]"), 50),)), RULES)
    assert (found["event_risk"].state == UNKNOWN).all()
    assert found.readings(5)[5].state == "unknown"


# No row depends on a later one.


def rows_until(inputs: IndicatorInputs, count: int) -> IndicatorInputs:
    """The inputs of the first `count` sessions, with the monthly series as it was published by then."""
    last = inputs.sessions[count - 1]
    cut = {
        item.name: getattr(inputs, item.name)[:count]
        for item in fields(inputs)
        if isinstance(getattr(inputs, item.name), np.ndarray)
    }
    panel = inputs.panel
    cut["panel"] = SettlementPanel(
        panel.sessions[:count], panel.expiries, panel.front[:count], panel.settle[:count], panel.basis[:count]
    )
    days, values = inputs.reer
    published = days.astype("M8[M]") < last.astype("M8[M]")
    return replace(inputs, **cut, reer=(days[published], values[published]))


def assert_same_until(whole: IndicatorTable, part: IndicatorTable) -> None:
    count = len(part.sessions)
    for name, found in part.by_name.items():
        other = whole[name]
        for item in fields(found):
            value = getattr(found, item.name)
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, getattr(other, item.name)[:count], err_msg=f"{name} {item.name}")


@pytest.mark.parametrize("day", ["2005-06-01", "2008-10-10", "2018-02-05", "2019-08-20", "2020-03-16", "2025-11-03"])
def test_truncating_the_recorded_history_changes_nothing_before(
    inputs: IndicatorInputs, table: IndicatorTable, day: str
) -> None:
    assert_same_until(table, indicator_table(rows_until(inputs, row_of(table, day) + 1), RULES))


#: Short windows, so that a short history has everything.
SHORT = replace(
    RULES,
    breadth_macd=replace(RULES.breadth_macd, fast=3, slow=5, signal=3),
    reer_shift=replace(RULES.reer_shift, history_years=2),
    liquidity_quick_ratio=replace(RULES.liquidity_quick_ratio, short_sessions=2, long_sessions=8),
    windows=replace(
        RULES.windows, percentile=20, variance_premium=5, capm_premium=20, correlation_short=5, correlation_long=15
    ),
)


def random_inputs(
    seed: int, count: int, calendar: TradingCalendar, holes: float, *, funds: bool = False
) -> IndicatorInputs:
    """A made-up market from 2018 on with holes in every series; with a basket of funds or without."""
    random = np.random.default_rng(seed)
    sessions = calendar.sessions_in(dt.date(2018, 1, 2), dt.date(2019, 12, 31))[:count]
    volatility = 18 * np.exp(np.cumsum(random.normal(0, 0.06, count)))

    def holed(values: np.ndarray) -> np.ndarray:
        return np.where(random.random(values.shape) < holes, NAN, values)

    front = np.searchsorted(calendar.vx_expiries, sessions, side="right")
    settle = holed(volatility[:, None] * np.exp(np.cumsum(random.normal(0.01, 0.03, (count, SLOTS)), axis=1)))
    basis = np.zeros((count, SLOTS), np.int8)
    return IndicatorInputs(
        sessions=sessions,
        vix=holed(volatility.round(2)),
        vix3m=holed((volatility * 1.05).round(2)),
        vvix=holed(volatility * 5),
        spx=holed(2700 * np.exp(np.cumsum(random.normal(0, 0.01, count)))),
        panel=SettlementPanel(sessions, calendar.vx_expiries, front, settle, basis),
        equity_return=holed(random.normal(0, 0.01, count)),
        short_term_return=holed(random.normal(0, 0.03, count)),
        tbill=np.full(count, 0.02),
        spy_return=holed(random.normal(0, 0.01, count)),
        spy_dollar_volume=holed(random.uniform(1e10, 3e10, count)),
        advance_decline=holed(random.normal(0, 900, count).round()),
        basket=holed(random.integers(-11, 12, count).astype(float)) if funds else np.full(count, NAN),
        basket_size=random.integers(9, 12, count) if funds else np.zeros(count, np.int64),
        reer=monthly(12 * 16),
        schedules=(Schedule("FOMC decision", np.arange(sessions[0], sessions[-1] + 40, 30), 60),),
        calendar=calendar,
    )


@pytest.fixture(scope="module")
def small(calendar: TradingCalendar) -> IndicatorInputs:
    """A made-up market of two years without holes."""
    return random_inputs(0, 500, calendar, 0.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 89), st.sampled_from([0.0, 0.02, 0.3]), st.booleans())
def test_truncating_any_history_changes_nothing_before(seed: int, count: int, holes: float, funds: bool) -> None:
    inputs = random_inputs(seed, 90, trading_calendar(), holes, funds=funds)
    assert_same_until(indicator_table(inputs, SHORT), indicator_table(rows_until(inputs, count), SHORT))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_day_by_day_equals_the_whole_range(seed: int) -> None:
    inputs = random_inputs(seed, 60, trading_calendar(), 0.05, funds=True)
    whole = indicator_table(inputs, SHORT)
    for count in range(40, 61):
        alone = indicator_table(rows_until(inputs, count), SHORT)
        assert alone.readings(count - 1) == whole.readings(count - 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_a_missing_input_makes_unavailable_and_never_off(seed: int, data: st.DataObject) -> None:
    inputs = random_inputs(seed, 90, trading_calendar(), 0.0)
    row = data.draw(st.integers(40, 89))
    needs = {
        "vix": ["vix_rsi", "curve_inversion", "variance_premium"],
        "advance_decline": ["breadth_macd"],
        "spy_return": ["liquidity_quick_ratio"],
        "spy_dollar_volume": ["liquidity_quick_ratio"],
        "vvix": ["vvix"],
        "spx": ["variance_premium", "correlation_short"],
        "equity_return": ["capm_premium"],
        "short_term_return": ["capm_premium"],
    }
    series = data.draw(st.sampled_from(sorted(needs)))
    holed = getattr(inputs, series).copy()
    holed[row] = NAN
    found = indicator_table(replace(inputs, **{series: holed}), SHORT)
    for name in needs[series]:
        assert found[name].state[row] == UNAVAILABLE
        assert np.isnan(found[name].value[row])
        reading = next(item for item in found.readings(row) if item.name == name)
        assert (reading.value, reading.state, reading.threshold, reading.distance) == (None, "unavailable", None, None)


def test_a_history_of_one_session_has_nothing_and_fails_nowhere(calendar: TradingCalendar) -> None:
    found = indicator_table(random_inputs(1, 1, calendar, 0.0), RULES)
    readings = {reading.name: reading for reading in found.readings(0)}
    assert readings["vix_rsi"].state == "unavailable"
    assert readings["curve_inversion"].state == "off"
    assert readings["curve_inversion"].previous is None


def test_every_indicator_of_a_reading_has_a_name_for_people_and_a_source(table: IndicatorTable) -> None:
    readings = table.readings(len(table.sessions) - 1)
    assert len({reading.label for reading in readings}) == len(readings)
    assert all(reading.source for reading in readings)
    ends = {reading.name: reading.observed_on for reading in readings if reading.state == "unavailable"}
    # What the recorded data end with, each on its own day.
    assert ends == {
        "breadth_macd": dt.date(2020, 2, 10),
        "liquidity_quick_ratio": dt.date(2025, 9, 25),
        "vvix": dt.date(2026, 5, 1),
    }
