from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.study.answer import NOT_WORTH, WORTH, answer, headline_tracks, verdict_of, verdict_sentence
from signals.study.claims import claims
from signals.study.result import CANNOT_TELL, NOT_TESTED, Estimate, Failure, Measure, PathFigures
from tests.signals.study_results import result_of

ASKED = ("veqtor", "sp500+alvh-seed", "condor+alvh-seed")


def changed(gain: Estimate) -> dict[str, Estimate]:
    return {
        "drag": Estimate(-0.012, -0.025, 0.004),
        "drawdown_reduction": Estimate(0.37, -0.05, 0.52),
        "sharpe_gain": gain,
    }


BETTER, WORSE, OPEN = Estimate(0.3, 0.1, 0.5), Estimate(-0.3, -0.5, -0.1), Estimate(0.05, -0.3, 0.4)
STEADY = {skew: {"sharpe_gain": 0.3, "drag": 0.01, "drawdown_reduction": 0.3} for skew in (0.7, 1.0, 1.3)}


def test_the_first_sentence_answers_for_each() -> None:
    result = result_of(
        {
            "veqtor": changed(BETTER) | {"drawdown_reduction": Estimate(0.6, 0.1, 0.7)},
            "sp500+alvh-seed": changed(WORSE),
            "condor+alvh-seed": changed(OPEN),
        },
        skews=STEADY,
    )
    assert answer(result)[0] == (
        "Is such a hedge worth its cost? Measured from 2006-03-31 to 2026-07-29, by whether it raises the Sharpe "
        "ratio: yes for VEQTOR; no for S&P 500 TR + alvh-seed; the data cannot tell for Iron condors + alvh-seed. "
        "And does it make the deepest fall less deep: yes for VEQTOR; the data cannot tell for S&P 500 TR + alvh-seed "
        "and Iron condors + alvh-seed."
    )


def test_what_was_measured_is_told_with_intervals() -> None:
    result = result_of({"veqtor": changed(OPEN)})
    assert answer(result)[1] == (
        "VEQTOR, after costs, against S&P 500 TR: growth a year -1.2% (95% interval -2.5% to +0.4%), deepest fall less "
        "deep by 37.0% (-5.0% to 52.0%), Sharpe ratio +0.05 (-0.30 to +0.40)."
    )
    assert verdict_sentence(result, "veqtor").endswith("+0.40): cannot tell.")


@pytest.mark.parametrize(
    ("gain", "skews", "verdict"),
    [
        (BETTER, STEADY, WORTH),
        (WORSE, {skew: {"sharpe_gain": -0.2} for skew in (0.7, 1.0, 1.3)}, NOT_WORTH),
        (BETTER, STEADY | {1.3: {"sharpe_gain": -0.01}}, CANNOT_TELL),
        (BETTER, {1.0: {"drag": 0.0}}, CANNOT_TELL),
        (BETTER, None, CANNOT_TELL),
        (OPEN, STEADY, CANNOT_TELL),
        (Estimate(0.3, why="no interval"), STEADY, CANNOT_TELL),
        (Estimate(None, why="no volatility"), STEADY, NOT_TESTED),
    ],
)
def test_a_condor_is_worth_its_hedge_only_under_every_skew(
    gain: Estimate, skews: dict[float, dict[str, float]] | None, verdict: str
) -> None:
    assert verdict_of(result_of({"condor+alvh-seed": changed(gain)}, skews=skews), "condor+alvh-seed") == verdict


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_nothing_is_worth_its_cost_whose_interval_holds_zero(value: float, below: float, above: float) -> None:
    result = result_of({"veqtor": changed(Estimate(value, value - below, value + above))})
    assert (verdict_of(result, "veqtor") == CANNOT_TELL) == (value - below <= 0.0 <= value + above)


def test_another_hedge_takes_the_place_of_one_that_was_not_asked_for() -> None:
    assert headline_tracks(result_of({})) == ASKED
    assert headline_tracks(result_of({}, tracks=("sp500", "sp500+alvh-442"))) == ("veqtor", "sp500+alvh-442")


def test_break_even_is_beside_how_often_crashes_came() -> None:
    figures = {
        "veqtor": {"break_even_years": Measure(1.72), "crash_years": Measure(2.1)},
        "sp500+alvh-seed": {"break_even_years": Measure(4.0), "crash_years": Measure(2.1)},
        "condor+alvh-seed": {
            "break_even_years": Measure(None, "it did not gain in crashes"),
            "crash_years": Measure(9.0),
        },
    }
    assert (
        "A hedge pays where a fall of 15% or more comes at least once in: 1.7 years for VEQTOR (it came once in 2.1, "
        "too rarely); 4.0 years for S&P 500 TR + alvh-seed (it came once in 2.1, often enough); undefined for "
        "Iron condors + alvh-seed (it did not gain in crashes)."
    ) in answer(result_of({}, figures=figures))


def test_simulated_markets_are_told_apart_from_the_recorded_one() -> None:
    paths = PathFigures("veqtor", "drag", 2000, (-0.04, -0.02, -0.01, 0.0, 0.03), -0.01, 0.001)
    said = answer(result_of({}, indices=(paths,)))
    assert (
        "In simulated markets of 10 years, the median and what lies between 5% and 95% of them: VEQTOR in 2000: "
        "growth a year -1.0% (-4.0% to +3.0%)."
    ) in said
    assert answer(result_of({}, simulated=True))[0].startswith("SIMULATED market. Is such a hedge")


def test_what_is_missing_is_said_and_never_a_number_that_is_none() -> None:
    whys = {key: Estimate(None, why="needs a year: the period has 90 sessions") for key in changed(OPEN)}
    result = result_of(
        {"sp500+alvh-seed": whys, "condor+alvh-seed": changed(Estimate(0.1, why="an interval needs 252 returns"))},
        failures=(Failure("track veqtor", "a settlement is missing"),),
    )
    result = dataclasses.replace(result, claims=claims(result, None))
    said = answer(result)
    assert said[1:4] == (
        "VEQTOR was not measured: a settlement is missing.",
        "S&P 500 TR + alvh-seed was not measured: needs a year: the period has 90 sessions.",
        "Iron condors + alvh-seed, after costs, against Iron condors, under the documented skew: growth a year -1.2% "
        "(95% interval -2.5% to +0.4%), deepest fall less deep by 37.0% (-5.0% to 52.0%), Sharpe ratio +0.10 "
        "(no interval: an interval needs 252 returns).",
    )
    assert said[-1].startswith("Of 5 public claims about such hedges 0 hold, 0 do not hold")
    assert not any("nan" in each or "None" in each for each in said)
