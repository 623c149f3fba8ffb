"""What followed a state, counted from made-up histories whose answer is known."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.past_calls import (
    FEWEST_STRETCHES,
    HORIZONS,
    REGIME,
    STATE,
    TREND,
    Outcome,
    PastCalls,
    mean_interval,
    past_calls,
    past_calls_section,
    student_quantile,
)
from reports.text import WIDTH, render_sections
from storage.figures import SessionFigures

FIRST = dt.date(2020, 1, 1)
CALM, WILD = "10-20%", "45% or more"


def day(number: int) -> dt.date:
    """Sessions here are days in a row."""
    return FIRST + dt.timedelta(days=number)


def figures(number: int, regime: str, trend: str, stop_loss: bool, veqtor: float, sp500: float) -> SessionFigures:
    """A session of a history in which VEQTOR holds its first component alone, which is what the S&P 500 is here."""
    return SessionFigures(
        report_id=number + 1, session=day(number), rule_set="veqtor", revision=1,
        emitted_at=dt.datetime.combine(day(number), dt.time(23), dt.UTC), effective_session=day(number + 1),
        health="OK", back_test=False, spx=None, vix=None, realised_volatility=0.1, regime=regime, short_average=20.0,
        long_average=20.0, trend=trend, trend_up=True, trend_run=1, excess_return_5d=None, stop_loss=stop_loss,
        in_cash=False, earned_equity=1.0, earned_volatility=0.0, earned_cash=0.0, held_equity=1.0, held_volatility=0.0,
        held_cash=0.0, target_equity=1.0, target_volatility=0.0, target_cash=0.0, veqtor_total_return=veqtor,
        veqtor_excess_return=veqtor, sp500_total_return=sp500, vix_short_total_return=50.0, vix_mid_total_return=None,
        constant_maturity_30d=None,
    )  # fmt: skip


def history(states: Sequence[tuple[str, str, bool]], moves: Sequence[tuple[float, float]]) -> list[SessionFigures]:
    """Sessions in these states, with these returns into them of VEQTOR and of the S&P 500."""
    found, veqtor, sp500 = [], 100.0, 100.0
    for number, (state, (gained, market)) in enumerate(zip(states, moves, strict=True)):
        veqtor, sp500 = veqtor * (1.0 + gained), sp500 * (1.0 + market)
        found.append(figures(number, *state, veqtor, sp500))
    return found


def outcome(calls: PastCalls, like: str, horizon: int) -> Outcome:
    (found,) = (each for each in calls.outcomes if (each.like, each.horizon) == (like, horizon))
    return found


def drawn(seed: int, count: int) -> list[SessionFigures]:
    """A history drawn at random, states in runs."""
    chance = random.Random(seed)  # noqa: S311 - drawn again alike
    states, state = [], (CALM, "no trend", False)
    for _ in range(count):
        if chance.random() < 0.3:
            state = (chance.choice([CALM, WILD]), chance.choice(["no trend", "uptrend"]), chance.random() < 0.2)
        states.append(state)
    market = [chance.gauss(0.0, 0.004) for _ in range(count)]
    return history(states, [(move + chance.gauss(0.0, 0.002), move) for move in market])


def test_what_followed_is_counted_from_the_effective_close() -> None:
    # Wild at 0, 1 and 4, and again at the report's session, 7.
    wild, calm = (WILD, "uptrend", False), (CALM, "uptrend", False)
    states = [wild, wild, calm, calm, wild, calm, calm, wild]
    moves = [(0, 0), (0.005, 0), (0.004, 0.001), (-0.002, 0), (0, 0), (0.001, 0.003), (0.006, 0), (0.009, 0)]
    calls = past_calls(history(states, moves), day(7))
    one = outcome(calls, STATE, 1)
    # The closes after 1, 2 and 5 end at 2, 3 and 6: the returns into those sessions.
    assert (one.sessions, one.runs, one.stretches) == (3, 2, 2)
    assert one.veqtor == pytest.approx((0.004 - 0.002 + 0.006) / 3)
    assert one.sp500 == pytest.approx((0.001 + 0 + 0) / 3)
    assert one.difference == pytest.approx(((0.004 - 0.001) - 0.002 + 0.006) / 3)
    assert one.ahead == pytest.approx(2 / 3)
    assert one.vix_short == 0.0
    # Five sessions from close 1 end at 6; from close 2 at 7, the report's own.
    five = outcome(calls, STATE, 5)
    assert (five.sessions, five.runs, five.stretches) == (2, 1, 1)
    assert five.veqtor == pytest.approx(((1.004 * 0.998 * 1.001 * 1.006 - 1) + (0.998 * 1.001 * 1.006 * 1.009 - 1)) / 2)
    assert outcome(calls, STATE, 22).sessions == 0
    assert outcome(calls, STATE, 22).difference is None


def test_a_rare_state_is_told_with_its_regime_alone_and_its_trend_alone() -> None:
    states = [(WILD, "uptrend", False), (WILD, "no trend", False), (CALM, "uptrend", False), (WILD, "uptrend", True)]
    calls = past_calls(history([*states, states[0]], [(0.0, 0.0)] * 5), day(4))
    assert calls.few
    assert [outcome(calls, like, 1).sessions for like in (STATE, REGIME, TREND)] == [1, 2, 2]
    text = render_sections([past_calls_section(calls)])
    assert "There are too few separate runs of it so far, so its regime alone and its trend" in " ".join(text.split())
    assert "has too few separate runs after 1, 5 and 22" in " ".join(text.split())


def test_a_common_state_has_an_interval_and_nothing_beside_it() -> None:
    # Ten sessions in and forty out, over and over; ahead by 0.2% a session in the state, nothing otherwise.
    states = [(WILD if number % 50 < 10 else CALM, "uptrend", False) for number in range(1000)]
    moves = [(0.002, 0.0) if 2 <= number % 50 < 12 else (0.0, 0.0) for number in range(1000)]
    calls = past_calls(history(states[:955], moves[:955]), day(954))
    assert not calls.few
    assert len(calls.outcomes) == len(HORIZONS)
    one = outcome(calls, STATE, 1)
    assert (one.sessions, one.runs, one.stretches) == (193, 20, 20)
    assert one.difference == pytest.approx(0.002)
    assert one.ahead == 1.0
    assert one.interval == pytest.approx((0.002, 0.002))
    assert "lies above zero after 1, 5 and 22" in " ".join(past_calls_section(calls).sentences)


def test_runs_whose_horizons_overlap_are_one_stretch() -> None:
    # A session in the state every ten: apart for five sessions, joined into one for twenty-two.
    states = [(WILD if number % 10 == 0 else CALM, "uptrend", False) for number in range(201)]
    calls = past_calls(history(states, [(0.0, 0.0)] * 201), day(200))
    assert [outcome(calls, STATE, horizon).stretches for horizon in HORIZONS] == [20, 20, 1]
    assert [outcome(calls, STATE, horizon).interval is None for horizon in HORIZONS] == [False, False, True]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 40))
def test_later_sessions_change_nothing(seed: int, known: int, later: int) -> None:
    found = drawn(seed, known + later)
    assert past_calls(found, day(known - 1)) == past_calls(found[:known], day(known - 1))


def test_what_is_missing_is_left_out_and_counted() -> None:
    wild = (WILD, "uptrend", False)
    found = history([wild] * 40, [(0.001, 0.0)] * 40)
    whole = past_calls(found, day(39))
    assert outcome(whole, STATE, 1).left_out == 0
    # A level is missing at 10: the horizons that begin or end there; a session at 20: those that it lies within.
    found[10] = replace(found[10], vix_short_total_return=None)
    holed = past_calls([*found[:20], *found[21:]], day(39))
    # Of the calls at 9 and 8, and at 19 and 18; the call at 20 is not there at all.
    assert outcome(holed, STATE, 1).left_out == 4
    assert outcome(holed, STATE, 1).sessions == outcome(whole, STATE, 1).sessions - 5
    assert outcome(holed, STATE, 5).left_out == 2 + 6
    assert "Left out, as a level or a report is missing: 4, 8 and" in " ".join(past_calls_section(holed).sentences)


def test_levels_on_two_scales_are_not_compared() -> None:
    found = history([(WILD, "uptrend", False)] * 40, [(0.001, 0.001)] * 40)
    rescaled = [
        replace(each, veqtor_total_return=(each.veqtor_total_return or 0.0) * (7.0 if number >= 20 else 1.0))
        for number, each in enumerate(found)
    ]
    assert outcome(past_calls(rescaled, day(39)), STATE, 1).veqtor == pytest.approx(0.001)
    assert outcome(past_calls(rescaled, day(39)), STATE, 1).left_out == 2


def test_calls_that_were_computed_later_say_so() -> None:
    found = drawn(1, 60)
    assert past_calls(found, day(59)).computed_later == 0
    late = [replace(each, emitted_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) for each in found]
    calls = past_calls(late, day(59))
    assert calls.computed_later == outcome(calls, STATE, 1).sessions > 0
    assert any("so nobody held them" in sentence for sentence in past_calls_section(calls).sentences)


def test_a_report_whose_figures_are_not_stored_says_so() -> None:
    for found in ([], drawn(1, 5)):
        section = past_calls_section(past_calls(found, day(9)))
        assert section.table is None
        assert "not among the stored ones" in section.sentences[0]


def test_the_first_report_has_no_past() -> None:
    section = past_calls_section(past_calls(drawn(1, 1), day(0)))
    assert section.table is None
    assert section.sentences[0].startswith("No horizon of an earlier session in this state")


def test_the_section_fits_a_page_and_has_a_key() -> None:
    wide = Outcome(REGIME, 22, 5172, 1234, 500, 0, -0.1234, 0.1234, -0.1234, 0.987, 1.0, (-0.1234, 0.1234))
    calls = PastCalls(FIRST, WILD, "uptrend", True, (replace(wide, like=STATE), wide))
    section = past_calls_section(calls)
    lines = render_sections([section]).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[-1].split() == [
        "regime", "22", "5172", "500", "-12.34", "+12.34", "-12.34", "-12.34", "to", "+12.34", "100", "+98.7",
    ]  # fmt: skip
    assert (section.key, section.detail) == ("past-calls", True)


def windows(chance: random.Random, count: int, horizon: int) -> list[list[float]]:
    """Returns after the sessions of a state in which returns are wilder, by stretch; their mean is zero."""
    inside, levels, stretches, before = False, [0.0], [], -count
    chosen = []
    for number in range(count):
        inside = chance.random() < (0.9 if inside else 0.03)
        levels.append(levels[-1] + chance.gauss(0.0, 2.0 if inside else 1.0))
        if inside:
            chosen.append(number)
    for number in chosen:
        if number + 1 + horizon < len(levels):
            if number - before >= max(horizon, 2):
                stretches.append([])
            stretches[-1].append(levels[number + 1 + horizon] - levels[number + 1])
            before = number
    return stretches


@pytest.mark.parametrize(("horizon", "count"), [(1, 600), (5, 600), (22, 1500)])
def test_the_interval_covers_the_mean_as_often_as_it_says(horizon: int, count: int) -> None:
    """Runs, and windows that overlap, are no independent draws."""
    chance = random.Random(7)  # noqa: S311 - drawn again alike
    draws = [mean_interval(windows(chance, count, horizon)) for _ in range(150)]
    found = [interval for interval in draws if interval is not None]
    assert len(found) > 100
    assert 0.92 <= sum(low <= 0.0 <= high for low, high in found) / len(found) < 1.0


def test_few_stretches_have_no_interval() -> None:
    assert mean_interval([[0.01, 0.02]] * (FEWEST_STRETCHES - 1)) is None
    assert mean_interval([[0.01, 0.02]] * FEWEST_STRETCHES) is not None
    # Ten by number, one in effect.
    assert mean_interval([[0.01] * 500, *[[0.01]] * 9]) is None


@pytest.mark.parametrize(("degrees", "expected"), [(3, 3.1824), (4, 2.7764), (9, 2.2622), (29.0, 2.0452), (1e9, 1.96)])
def test_students_quantile_is_that_of_the_tables(degrees: float, expected: float) -> None:
    assert student_quantile(0.975, degrees) == pytest.approx(expected, rel=0.005)
