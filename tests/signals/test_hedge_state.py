"""The hedge state: hand-made scenarios, what holds of every one, and the recorded days people remember."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.alvh.hedge_inputs import indicator_inputs
from signals.alvh.indicator_table import UNKNOWN, IndicatorTable
from signals.alvh.indicators import indicator_table
from signals.alvh.measures import MAX_GAP, OFF, ON, UNAVAILABLE
from signals.alvh.rules import PriceGate, RuleSet, Weights
from signals.alvh.ruleset_files import shipped_rule_set
from signals.alvh.state import (
    ACTIVE,
    BEFORE,
    DORMANT,
    EXPANDED,
    GUARDED,
    HEDGE_STATES,
    SCORED,
    Carried,
    HedgeStates,
    gate_factor,
    hedge_states,
    step,
)
from signals.calendar import TradingCalendar, trading_calendar
from signals.veqtor.signal import VeqtorSignals
from tests.signals.test_alvh_indicators import random_inputs

pytestmark = pytest.mark.server

SEED = shipped_rule_set("alvh-seed")
RSI, BREADTH, CURVE, REER, LIQUIDITY = SCORED
_LETTERS = {"1": ON, "0": OFF, "-": UNAVAILABLE}


def readings(*sessions: str) -> list[list[int]]:
    """Sessions as five letters: rsi, breadth, curve, dollar, liquidity; 1 on, 0 off, - unavailable."""
    return [[_LETTERS[letter] for letter in session] for session in sessions]


def states_of(*sessions: str, rules: RuleSet = SEED) -> list[int]:
    found, carried = [], None
    for session in readings(*sessions):
        carried = step(carried, session, rules.state).carried
        found.append(carried.state)
    return found


def table_of(calendar: TradingCalendar, *sessions: str) -> IndicatorTable:
    """A table with these readings, from 2018-01-02 on."""
    table = indicator_table(random_inputs(0, len(sessions), calendar, 0.0), SEED.indicators)
    columns = np.array(readings(*sessions), dtype=np.int8)
    scored = {name: replace(table[name], state=columns[:, place]) for place, name in enumerate(SCORED)}
    return replace(table, by_name={**table.by_name, **scored})


def told(calendar: TradingCalendar, *sessions: str, rules: RuleSet = SEED) -> list[str]:
    found = hedge_states(table_of(calendar, *sessions), rules)
    return [found.reason(row) for row in range(len(sessions))]


def test_the_order_of_what_scores_is_that_of_the_rule_set() -> None:
    assert SCORED == ("vix_rsi", "breadth_macd", "curve_inversion", "reer_shift", "liquidity_quick_ratio")
    assert set(SCORED) <= set(Weights.__dataclass_fields__)


@pytest.mark.parametrize(
    ("session", "raw", "attainable", "score", "state"),
    [
        ("00000", 0, 4, 0, DORMANT),
        ("00011", 1, 4, 1, GUARDED),
        ("00001", 0.5, 4, 0.5, DORMANT),
        ("11000", 2, 4, 2, ACTIVE),
        ("11100", 3, 4, 3, EXPANDED),
        ("11111", 4, 4, 4, EXPANDED),
        # Of what is available: one of three points is a third of the scale.
        ("1-000", 1, 3, 4 / 3, GUARDED),
        ("1-1-0", 2, 2.5, 3.2, EXPANDED),
        ("---1-", 0.5, 0.5, 4, EXPANDED),
    ],
)
def test_the_score_is_of_what_is_available(
    session: str, raw: float, attainable: float, score: float, state: int
) -> None:
    found = step(None, readings(session)[0], SEED.state)
    assert (found.raw, found.attainable) == (raw, attainable)
    assert found.score == pytest.approx(score, abs=1e-9)
    assert found.carried.state == state


def test_a_step_up_acts_at_once_and_over_several_states() -> None:
    assert states_of("00000", "11100") == [DORMANT, EXPANDED]


def test_a_step_down_takes_two_sessions_in_a_row_for_each_step() -> None:
    found = states_of("11100", *["00000"] * 7)
    assert found == [EXPANDED, EXPANDED, ACTIVE, ACTIVE, GUARDED, GUARDED, DORMANT, DORMANT]


def test_a_session_back_at_the_state_starts_the_count_again() -> None:
    assert states_of("11000", "10000", "11000", "10000", "10000") == [ACTIVE, ACTIVE, ACTIVE, ACTIVE, GUARDED]


def test_the_steward_waits_as_long_as_the_rule_set_says() -> None:
    patient = replace(SEED, state=replace(SEED.state, step_down_sessions=4))
    assert states_of("10000", *["00000"] * 4, rules=patient) == [GUARDED] * 4 + [DORMANT]
    hasty = replace(SEED, state=replace(SEED.state, step_down_sessions=1))
    assert states_of("11100", "00000", "00000", "00000", rules=hasty) == [EXPANDED, ACTIVE, GUARDED, DORMANT]


# What becomes available or unavailable is no step.


def test_an_indicator_that_goes_away_is_no_step_up() -> None:
    # One of four points is GUARDED, one of two is ACTIVE: nothing switched.
    assert states_of("10000", "1--00", "1--00", "1--00") == [GUARDED] * 4
    # Nor the day on which another one switches, unless that is enough by itself.
    assert states_of("10000", "1--01") == [GUARDED, GUARDED]


def test_an_indicator_that_comes_is_no_step_in_either_direction() -> None:
    assert states_of("1--00", "10000", "10000", "10000") == [ACTIVE] * 4
    assert states_of("10-00", *["10100"] * 4) == [GUARDED] * 5


def test_a_step_is_made_as_soon_as_something_switches() -> None:
    # The score was ACTIVE by what is available; what switches later takes it along.
    assert states_of("10-00", "10100", "10101") == [GUARDED, GUARDED, ACTIVE]
    assert states_of("1--00", "10000", "00000", "00000", "00000") == [ACTIVE, ACTIVE, ACTIVE, GUARDED, GUARDED]


def test_a_switch_over_a_short_gap_is_a_switch_and_over_a_long_one_is_not() -> None:
    short = ["00000", *["0-000"] * MAX_GAP, "01000"]
    assert states_of(*short)[-1] == GUARDED
    long = ["00000", *["0-000"] * (MAX_GAP + 1), "01000"]
    assert states_of(*long)[-1] == DORMANT


def test_nothing_available_holds_the_state() -> None:
    assert states_of("11000", *["-----"] * 9) == [ACTIVE] * 10
    assert states_of("-----", "00000") == [DORMANT, DORMANT]
    assert states_of("11100", "00000", "-----", "00000", "00000") == [EXPANDED, EXPANDED, EXPANDED, EXPANDED, ACTIVE]


def test_a_weight_that_adds_up_a_little_short_still_reaches_its_threshold() -> None:
    tenths = Weights(0.1, 0.1, 0.1, 0.1, 0.6)
    rules = replace(SEED, state=replace(SEED.state, weights=tenths, scale=10.0))
    found = step(None, readings("11100")[0], rules.state)
    assert found.raw != 0.3
    assert found.score == 3.0
    assert found.carried.state == EXPANDED


# Every transition carries its reason.


def test_each_reason_is_a_sentence_that_names_its_cause(calendar: TradingCalendar) -> None:
    rules = replace(SEED, timing=replace(SEED.timing, first_session=dt.date(2018, 1, 3)))
    found = told(calendar, "00000", "00000", "10100", "10000", "1--00", "0-000", "0-000", "--000", "-----", rules=rules)
    assert found == [
        "The hedge begins on 2018-01-03.",
        "DORMANT at the start: score 0.00 of 4, off: vix_rsi, breadth_macd, curve_inversion, reer_shift, "
        "liquidity_quick_ratio.",
        "Up from DORMANT to ACTIVE as vix_rsi switched on and curve_inversion switched on: score 2.00 of 4, "
        "on: vix_rsi, curve_inversion; off: breadth_macd, reer_shift, liquidity_quick_ratio.",
        "Held at ACTIVE as curve_inversion switched off: score 1.00 of 4 is GUARDED, on 1 of 2 sessions for a step "
        "down, on: vix_rsi; off: breadth_macd, curve_inversion, reer_shift, liquidity_quick_ratio.",
        "Still ACTIVE as breadth_macd became unavailable and curve_inversion became unavailable: score 2.00 of 4, "
        "on: vix_rsi; off: reer_shift, liquidity_quick_ratio; unavailable: breadth_macd, curve_inversion.",
        "Held at ACTIVE as vix_rsi switched off and curve_inversion became available, off: score 0.00 of 4 is DORMANT, "
        "on 1 of 2 sessions for a step down, off: vix_rsi, curve_inversion, reer_shift, liquidity_quick_ratio; "
        "unavailable: breadth_macd.",
        "Down from ACTIVE to GUARDED: below 2 on 2 sessions in a row, score 0.00 of 4, off: vix_rsi, curve_inversion, "
        "reer_shift, liquidity_quick_ratio; unavailable: breadth_macd.",
        "Held at GUARDED as vix_rsi became unavailable: score 0.00 of 4 is DORMANT, on 1 of 2 sessions for a step "
        "down, off: curve_inversion, reer_shift, liquidity_quick_ratio; unavailable: vix_rsi, breadth_macd.",
        "Held at GUARDED as curve_inversion became unavailable and reer_shift became unavailable and "
        "liquidity_quick_ratio became unavailable: no indicator is available.",
    ]


def test_a_state_held_against_its_score_says_that_only_availability_moved_it(calendar: TradingCalendar) -> None:
    assert told(calendar, "10000", "1--00")[1] == (
        "Held at GUARDED as breadth_macd became unavailable and curve_inversion became unavailable: score 2.00 of 4 is "
        "ACTIVE only by what is available, on: vix_rsi; off: reer_shift, liquidity_quick_ratio; unavailable: "
        "breadth_macd, curve_inversion."
    )


# Multipliers, events and gates.


def with_event(found: HedgeStates, event: int) -> HedgeStates:
    return replace(found, event=np.full(len(found.sessions), event, np.int8))


def test_an_event_lifts_the_first_layer_alone_by_one_step(calendar: TradingCalendar) -> None:
    found = with_event(hedge_states(table_of(calendar, "00000", "11100"), SEED), ON)
    engine, buffer, anchor = SEED.layers
    assert [found.multiplier(0, layer) for layer in (engine, buffer, anchor)] == [0.5, 0.25, 0.25]
    # Above EXPANDED there is nothing.
    assert [found.multiplier(1, layer) for layer in (engine, buffer, anchor)] == [1.5, 1.5, 1.5]
    assert found.state.tolist() == [DORMANT, EXPANDED]
    assert found.remarks(0) == ("An event is ahead: an entry of l1 is sized as in GUARDED.",)
    assert found.remarks(1) == ()


@pytest.mark.parametrize("event", [OFF, UNKNOWN])
def test_no_event_and_an_unknown_calendar_lift_nothing_and_only_one_is_said(
    calendar: TradingCalendar, event: int
) -> None:
    found = with_event(hedge_states(table_of(calendar, "00000"), SEED), event)
    assert found.multiplier(0, SEED.layers[0]) == 0.25
    said = ("The event calendar does not reach far enough: l1 not lifted.",)
    assert found.remarks(0) == (said if event == UNKNOWN else ())


def test_a_rule_set_that_does_not_use_the_state_buys_at_one(calendar: TradingCalendar) -> None:
    ladder = shipped_rule_set("alvh-442")
    found = with_event(hedge_states(table_of(calendar, "00000", "11100"), ladder), ON)
    assert [found.multiplier(row, layer) for row in (0, 1) for layer in ladder.layers] == [1.0] * 6
    assert found.state.tolist() == [DORMANT, EXPANDED]
    assert found.remarks(1) == ()


@pytest.mark.parametrize(
    ("price", "factor"), [(10.0, 1.0), (30.0, 1.0), (30.01, 0.5), (50.0, 0.5), (50.01, 0.0), (float("nan"), 0.0)]
)
def test_an_edge_of_the_price_gate_belongs_to_the_band_below_and_no_price_to_the_smallest(
    price: float, factor: float
) -> None:
    gate = PriceGate(True, "cm30", (30.0, 50.0), (1.0, 0.5, 0.0))
    assert gate_factor(gate, price) == factor
    assert gate_factor(replace(gate, enabled=False), price) == 1.0


def test_the_yardstick_buys_by_the_future_it_pays_for(calendar: TradingCalendar) -> None:
    vxth = shipped_rule_set("vxth")
    prices = {15.0: 0.0, 15.01: 1.0, 30.0: 1.0, 30.01: 0.5, 50.0: 0.5, 50.01: 0.0}
    assert {price: gate_factor(vxth.price_gate, price) for price in prices} == prices
    assert hedge_states(table_of(calendar, "00000"), vxth).gate(0) == 1.0


def test_a_gate_on_the_thirty_day_future_is_said(calendar: TradingCalendar) -> None:
    gated = replace(SEED, price_gate=replace(SEED.price_gate, enabled=True))
    found = replace(hedge_states(table_of(calendar, "00000", "00000"), gated), gate_price=np.array([42.5, np.nan]))
    assert (found.gate(0), found.gate(1)) == (0.5, 0.0)
    assert found.remarks(0)[-1] == "Purchases are scaled by 0.5 at a 30-day VX of 42.50."
    assert found.remarks(1)[-1] == "Purchases are scaled by 0 without a 30-day VX."


# What holds of every history.

_READING = st.sampled_from([ON, OFF, UNAVAILABLE])
_SESSIONS = st.lists(st.lists(_READING, min_size=5, max_size=5), min_size=1, max_size=40)


def fold(sessions: list[list[int]], carried: Carried | None = None) -> list[Carried]:
    found = []
    for session in sessions:
        carried = step(carried, session, SEED.state).carried
        found.append(carried)
    return found


@given(_SESSIONS)
def test_a_state_falls_by_one_step_at_most_and_never_twice_in_two_sessions(sessions: list[list[int]]) -> None:
    states = [carried.state for carried in fold(sessions)]
    falls = [later - earlier for earlier, later in pairwise(states)]
    assert min(falls, default=0) >= -1
    assert (-1, -1) not in pairwise(falls)


@given(_SESSIONS, st.integers(0, 40))
def test_a_fold_can_be_stopped_and_gone_on_with(sessions: list[list[int]], cut: int) -> None:
    whole = fold(sessions)
    first = fold(sessions[:cut])
    assert first + fold(sessions[cut:], first[-1] if first else None) == whole


@given(st.lists(st.booleans(), min_size=5, max_size=5), st.lists(st.integers(0, 31), max_size=40))
def test_whatever_comes_and_goes_a_state_stays_while_nothing_switches(on: list[bool], seen: list[int]) -> None:
    readings_of = [ON if value else OFF for value in on]
    sessions = [
        [reading if mask >> place & 1 else UNAVAILABLE for place, reading in enumerate(readings_of)]
        for mask in [31, *seen]
    ]
    assert len({carried.state for carried in fold(sessions)}) == 1


@given(st.lists(st.lists(st.sampled_from([ON, OFF]), min_size=5, max_size=5), min_size=1, max_size=40))
def test_with_everything_available_a_state_is_never_below_its_score(sessions: list[list[int]]) -> None:
    for session, carried in zip(sessions, fold(sessions), strict=True):
        raw = sum(getattr(SEED.state.weights, name) for name, on in zip(SCORED, session, strict=True) if on)
        assert carried.state >= min(int(raw), EXPANDED)


@settings(max_examples=20, deadline=None)
@given(_SESSIONS, st.integers(1, 40))
def test_day_by_day_equals_the_whole_range(sessions: list[list[int]], count: int) -> None:
    calendar = trading_calendar()
    words = ["".join({ON: "1", OFF: "0", UNAVAILABLE: "-"}[value] for value in session) for session in sessions]
    table, whole_count = table_of(calendar, *words), len(words)
    whole = hedge_states(table, SEED)
    count = min(count, whole_count)
    part = hedge_states(table_of(calendar, *words[:count]), SEED)
    np.testing.assert_array_equal(part.state, whole.state[:count])
    np.testing.assert_array_equal(part.score, whole.score[:count])
    assert [part.reason(row) for row in range(count)] == [whole.reason(row) for row in range(count)]
    factors = set(vars(SEED.state.multipliers).values())
    assert {whole.multiplier(row, layer) for row in range(whole_count) for layer in SEED.layers} <= factors


# Recorded days.


@pytest.fixture(scope="module")
def recorded_table(recorded_signals: VeqtorSignals) -> IndicatorTable:
    return indicator_table(indicator_inputs(recorded_signals), SEED.indicators)


@pytest.fixture(scope="module")
def hedge(recorded_table: IndicatorTable) -> HedgeStates:
    return hedge_states(recorded_table, SEED)


#: Score, state, and every indicator that scores: its value, and whether it is on (None: unavailable).
GOLDEN = {
    # A calm day: everything is available, and nothing is on.
    "2017-06-01": (0.0, DORMANT, {
        RSI: (43.07, False),  # below 60
        BREADTH: (131.2, False),  # the line is above its signal
        CURVE: (0.796, False),  # contango
        REER: (-0.755, False),  # March 2017, the dollar fell
        LIQUIDITY: (0.917, False),  # a week like its quarter
    }),
    # VIX from 17.31 to 37.32 in a day. 3 points of 4, which is EXPANDED.
    "2018-02-05": (3.0, EXPANDED, {
        RSI: (91.04, True),
        BREADTH: (-1001.8, True),  # since January
        CURVE: (1.327, True),
        REER: (0.192, False),  # November 2017
        LIQUIDITY: (0.643, False),  # above 0.5: volume rose with the moves
    }),
    # The first week of the crash. 2 points of 3: breadth is recorded to 2020-02-10.
    "2020-02-28": (2.667, ACTIVE, {
        RSI: (87.04, True),
        BREADTH: (None, None),
        CURVE: (1.344, True),
        REER: (-1.034, False),  # December 2019
        LIQUIDITY: (0.750, False),
    }),
    # The highest close of the VIX, 82.69. 2.5 points of 3: liquidity is on by now.
    "2020-03-16": (3.333, EXPANDED, {
        RSI: (72.30, True),  # less than two weeks before: the VIX was high already
        BREADTH: (None, None),
        CURVE: (1.221, True),
        REER: (-0.961, False),  # January 2020, usable on this very day
        LIQUIDITY: (0.348, True),  # a week three times as illiquid as its quarter
    }),
    # After a surprise in the CPI. 1 point of 3; the FOMC decides on the 15th, so the first layer is lifted to ACTIVE.
    "2022-06-13": (1.333, GUARDED, {
        RSI: (64.85, True),
        BREADTH: (None, None),
        CURVE: (0.994, False),  # 0.0064 below 1.00
        REER: (0.397, False),  # March 2022
        LIQUIDITY: (0.619, False),
    }),
    # VIX closed at 38.57. 2 points of 3.
    "2024-08-05": (2.667, ACTIVE, {
        RSI: (87.06, True),
        BREADTH: (None, None),
        CURVE: (1.144, True),
        REER: (0.272, False),  # May 2024
        LIQUIDITY: (0.533, False),  # 0.033 above 0.5
    }),
    # VIX closed at 52.33. 2.5 points of 3; the CPI comes on the 10th, but l1 cannot be lifted above EXPANDED.
    "2025-04-08": (3.333, EXPANDED, {
        RSI: (85.33, True),
        BREADTH: (None, None),
        CURVE: (1.261, True),
        REER: (1.441, True),  # January 2025: the dollar had risen since the election
        LIQUIDITY: (0.758, False),
    }),
}  # fmt: skip


@pytest.mark.parametrize("day", GOLDEN)
def test_the_state_of_a_remembered_day(hedge: HedgeStates, recorded_table: IndicatorTable, day: str) -> None:
    score, state, expected = GOLDEN[day]
    row = int(np.searchsorted(hedge.sessions, np.datetime64(day)))
    assert HEDGE_STATES[hedge.state[row]] == HEDGE_STATES[state]
    assert hedge.score[row] == pytest.approx(score, abs=5e-4)
    found = {reading.name: reading for reading in recorded_table.readings(row)}
    for name, (value, on) in expected.items():
        assert found[name].state == {True: "on", False: "off", None: "unavailable"}[on], name
        if value is None:
            assert found[name].value is None
            assert found[name].observed_on == dt.date(2020, 2, 10)
        else:
            assert found[name].value == pytest.approx(value, abs=0.06 if abs(value) > 100 else 0.006), name


def test_the_reason_of_a_remembered_day(hedge: HedgeStates) -> None:
    row = int(np.searchsorted(hedge.sessions, np.datetime64("2022-06-13")))
    assert hedge.reason(row) == (
        "Up from DORMANT to GUARDED as vix_rsi switched on: score 1.33 of 4, on: vix_rsi; off: curve_inversion, "
        "reer_shift, liquidity_quick_ratio; unavailable: breadth_macd."
    )
    assert hedge.remarks(row) == ("An event is ahead: an entry of l1 is sized as in ACTIVE.",)


def test_the_end_of_recorded_breadth_is_no_step(hedge: HedgeStates) -> None:
    row = int(np.searchsorted(hedge.sessions, np.datetime64("2020-02-11")))
    assert hedge.readings[row - 1 : row + 1, 1].tolist() == [ON, UNAVAILABLE]
    assert hedge.state[row - 1] == hedge.state[row] == ACTIVE
    assert "breadth_macd became unavailable" in hedge.reason(row)


def test_the_hedge_begins_with_its_first_session_and_changes_some_twenty_times_a_year(hedge: HedgeStates) -> None:
    assert hedge.sessions[hedge.start] == np.datetime64("2006-03-31")
    assert (hedge.state[: hedge.start] == BEFORE).all()
    assert hedge.state[hedge.start :].min() == DORMANT
    years = (hedge.sessions[-1] - hedge.sessions[hedge.start]).astype(int) / 365.25
    assert 20 < hedge.changed.sum() / years < 24
    shares = [(hedge.state[hedge.start :] == state).mean() for state in range(4)]
    assert shares == pytest.approx([0.63, 0.19, 0.14, 0.04], abs=0.01)


def test_every_recorded_reason_is_one_sentence(hedge: HedgeStates) -> None:
    for row in range(hedge.start, len(hedge.state)):
        reason = hedge.reason(row)
        assert reason.endswith(".")
        changed = row > hedge.start and hedge.state[row] != hedge.state[row - 1]
        assert reason.startswith(("Up from", "Down from")) == bool(changed)
