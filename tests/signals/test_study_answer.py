from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.study.answer import HEDGES, NOT_WORTH, TOO_SHORT, WORTH, answer, verdict_of
from signals.study.claims import claims
from signals.study.result import CANNOT_TELL, NOT_TESTED, Estimate, Failure, Measure, PathFigures, Sensitivity
from signals.study.subjects import subjects
from tests.signals.study_results import result_of

ASKED = ("veqtor", "sp500+alvh-seed", "condor+alvh-seed")


def changed(gain: Estimate, drag: Estimate | None = None) -> dict[str, Estimate]:
    return {
        "drag": drag or Estimate(-0.012, -0.025, 0.004),
        "drawdown_reduction": Estimate(0.37, -0.05, 0.52),
        "sharpe_gain": gain,
    }


BETTER, WORSE, OPEN = Estimate(0.3, 0.1, 0.5), Estimate(-0.3, -0.5, -0.1), Estimate(0.05, -0.3, 0.4)
SAME = Estimate(0.01, -0.08, 0.09)
STEADY = {skew: {"sharpe_gain": 0.3, "drag": 0.01, "drawdown_reduction": 0.3} for skew in (0.7, 1.0, 1.3)}


def opening(**gains: Estimate) -> str:
    names = {"veqtor": "veqtor", "equity": "sp500+alvh-seed", "condor": "condor+alvh-seed"}
    estimates = {names[name]: changed(gain) for name, gain in gains.items()}
    said = answer(result_of(estimates, skews=STEADY))[0]
    return said.partition("? ")[2].partition(" (2006")[0]


def test_the_first_words_are_the_verdict() -> None:
    assert opening(veqtor=BETTER, equity=BETTER, condor=BETTER) == "Yes, on this evidence."
    assert opening(veqtor=BETTER) == "Yes, on this evidence."
    assert opening(veqtor=BETTER, equity=OPEN, condor=WORSE) == (
        "For VEQTOR yes, on this evidence; for S&P 500 TR + alvh-seed and Iron condors + alvh-seed it cannot be told."
    )
    assert opening(veqtor=WORSE, equity=OPEN, condor=OPEN) == (
        "For VEQTOR not on this evidence; for S&P 500 TR + alvh-seed and Iron condors + alvh-seed it cannot be told."
    )
    assert opening(veqtor=OPEN, equity=SAME) == (
        "For S&P 500 TR + alvh-seed not on this evidence; for VEQTOR it cannot be told."
    )
    assert opening(veqtor=WORSE, equity=SAME) == "Not on this evidence."
    assert opening(veqtor=OPEN, equity=OPEN, condor=OPEN) == "It cannot be told."
    assert opening(veqtor=Estimate(0.2, why="90 returns")) == "The range is too short to tell."
    assert opening() == "It was not measured."


def test_the_first_paragraph_is_short_and_has_everything() -> None:
    cash = {"cash_share": Measure(0.055), "cash_growth": Measure(0.106)}
    result = result_of(
        {
            "veqtor": changed(BETTER),
            "sp500+alvh-seed": changed(OPEN),
            "condor+alvh-seed": changed(OPEN),
        },
        live={"veqtor": changed(Estimate(-0.35, -0.74, 0.01), Estimate(-0.087, -0.137, -0.034))},
        figures={
            "sp500": {"growth": Measure(0.11)},
            "sp500/live": {"growth": Measure(0.14)},
            "sp500+alvh-seed/live": {"cash_share": Measure(0.29), "cash_growth": Measure(0.106)},
            "sp500+alvh-seed": cash,
            "veqtor/back-test": {"drag": Measure(0.221)},
        },
        skews=STEADY,
    )
    said = answer(dataclasses.replace(result, claims=claims(result, None)))[0]
    assert said == (
        "Is such a hedge worth its cost? For VEQTOR not on this evidence; for S&P 500 TR + alvh-seed and Iron condors "
        "+ alvh-seed it cannot be told. (2006-03-31 to 2026-07-29, after costs, "
        "against the unhedged; in brackets 95% "
        "intervals.) Live since 2009, VEQTOR: growth a year 8.7% less (13.7% to 3.4% less), deepest fall 37.0% less "
        "deep (5.0% deeper to 52.0% less), Sharpe ratio 0.35 lower (0.74 lower to 0.01 higher); growth in its "
        "back-test 22.1% more. S&P 500 TR + alvh-seed: growth a year 1.2% less (2.5% less to 0.4% more), deepest fall "
        "37.0% less deep (5.0% deeper to 52.0% less), Sharpe ratio 0.05 higher (0.30 lower to 0.40 higher), which may "
        "be luck; 6% in cash would have fallen no deeper and grown 0.4% less a year (since 2009: 29% in cash, "
        "3.4% less). Iron condors + alvh-seed, over luck and skews: "
        "Sharpe ratio 0.05 higher (0.30 lower to 0.40 higher), which may be luck. Of five public claims none holds, "
        "three are open and two were not tested."
    )


def test_a_live_index_is_judged_by_what_came_since_where_that_is_three_years() -> None:
    both = {"veqtor": changed(BETTER)}
    since = {"veqtor": changed(WORSE)}
    assert verdict_of(result_of(both, live=since), "veqtor") == NOT_WORTH
    assert verdict_of(result_of(both, live=since, live_until=dt.date(2011, 6, 30)), "veqtor") == WORTH
    assert verdict_of(result_of(both), "veqtor") == WORTH


@pytest.mark.parametrize(
    ("gain", "drag", "verdict"),
    [
        (BETTER, (-0.03, -0.01), WORTH),
        (WORSE, (0.01, 0.03), NOT_WORTH),
        (SAME, (-0.01, 0.01), NOT_WORTH),
        # A cost that is sure for a gain that is not.
        (OPEN, (-0.03, -0.01), NOT_WORTH),
        (OPEN, (-0.03, 0.01), CANNOT_TELL),
        # With another seed the end may be on the other side.
        (Estimate(0.3, 0.01, 0.5, least=-0.01, most=0.6), (-0.01, 0.01), CANNOT_TELL),
        (Estimate(-0.3, -0.5, -0.01, least=-0.6, most=0.01), (-0.01, 0.01), CANNOT_TELL),
        (Estimate(0.3, why="90 returns"), (-0.01, 0.01), TOO_SHORT),
        (Estimate(None, why="needs a year"), (-0.01, 0.01), TOO_SHORT),
    ],
)
def test_the_verdict_on_a_hedge(gain: Estimate, drag: tuple[float, float], verdict: str) -> None:
    assert verdict_of(result_of({"veqtor": changed(gain, Estimate(sum(drag) / 2, *drag))}), "veqtor") == verdict
    assert verdict_of(result_of({}), "veqtor") == NOT_TESTED


@pytest.mark.parametrize(
    ("gain", "skews", "verdict"),
    [
        (BETTER, STEADY, WORTH),
        (WORSE, {skew: {"sharpe_gain": -0.2} for skew in (0.7, 1.0, 1.3)}, NOT_WORTH),
        (BETTER, STEADY | {1.3: {"sharpe_gain": -0.01}}, CANNOT_TELL),
        (BETTER, {1.0: {"drag": 0.0}}, TOO_SHORT),
        (OPEN, STEADY, CANNOT_TELL),
    ],
)
def test_a_condor_is_worth_its_hedge_only_under_every_skew(
    gain: Estimate, skews: dict[float, dict[str, float]], verdict: str
) -> None:
    assert verdict_of(result_of({"condor+alvh-seed": changed(gain)}, skews=skews), "condor+alvh-seed") == verdict


@given(st.floats(-1, 1), st.floats(0.2, 1), st.floats(0.2, 1))
def test_nothing_is_worth_its_cost_whose_interval_holds_zero(value: float, below: float, above: float) -> None:
    result = result_of({"veqtor": changed(Estimate(value, value - below, value + above))})
    assert (verdict_of(result, "veqtor") == CANNOT_TELL) == (value - below <= 0.0 <= value + above)


def test_the_hedge_that_was_asked_for_is_answered_for() -> None:
    assert subjects(result_of({})) == ASKED
    assert subjects(result_of({}, rule_sets=("alvh-442", "alvh-seed"))) == ASKED
    assert subjects(result_of({}, rule_sets=("alvh-442",))) == ("veqtor", "sp500+alvh-442", "condor+alvh-442")
    assert subjects(result_of({}, tracks=("sp500",))) == ("veqtor",)
    # A portfolio by itself stands for itself.
    result = result_of({"vxth": changed(BETTER)}, rule_sets=("vxth",))
    assert subjects(result) == ("veqtor", "vxth")
    assert "VXTH: growth a year 1.2% less" in answer(result)[0]


def test_a_range_too_short_says_what_was_measured() -> None:
    short = {
        "drag": Estimate(None, why="needs a year: the period has 62 sessions"),
        "drawdown_reduction": Estimate(0.521, why="an interval needs 252 returns, there are 62"),
        "sharpe_gain": Estimate(None, why="needs a year: the period has 62 sessions"),
    }
    said = answer(result_of({"veqtor": short}, tracks=("sp500", "veqtor")))[0]
    assert said.endswith(
        "The range is too short to tell. (2006-03-31 to 2026-07-29, after costs, against the unhedged.) VEQTOR: "
        "deepest fall 52.1% less deep, too short to say whether it was luck (an interval needs 252 returns, there are "
        "62)."
    )


def test_break_even_is_beside_how_often_crashes_came() -> None:
    def of(needed: float | None, had: float, gain: float) -> dict[str, Measure]:
        return {
            "crash_gain": Measure(gain),
            "carry": Measure(0.032),
            "largest_crash": Measure(0.48),
            "break_even_years": Measure(needed),
            "crash_years": Measure(had),
        }

    figures = {
        "veqtor": of(2.0, 2.5, 0.27),
        "veqtor/live": of(1.4, 2.8, 0.18),
        "sp500+alvh-seed": of(4.0, 2.5, 0.052),
        "condor+alvh-seed": of(None, 2.5, -0.01),
    }
    assert answer(result_of({}, live={"veqtor": changed(OPEN)}, figures=figures))[1] == (
        "In falls of the S&P 500 by 15% or more: VEQTOR, live since 2009, added 18.0% in the average one (48% of all "
        "in a single one) and cost 3.2% a year otherwise, so that it needs one every 1.4 years; one came every 2.8. "
        "S&P 500 TR + alvh-seed added 5.2% in the average one (48% of all in a single one) and cost 3.2% a year "
        "otherwise, so that it needs one every 4.0 years; one came every 2.5. Iron condors + alvh-seed lost 1.0% in "
        "one and cost 3.2% a year otherwise. So few have no interval."
    )


def test_simulated_markets_are_told_apart_from_the_recorded_one_and_reconciled() -> None:
    def paths(statistic: str, *quantiles: float) -> PathFigures:
        return PathFigures("veqtor", statistic, 2000, quantiles, -0.01, 0.001)

    drag = paths("drag", -0.04, -0.02, -0.01, 0.0, 0.03)
    sure, unsure = paths("sharpe_gain", -0.2, -0.15, -0.1, -0.08, -0.05), paths("sharpe_gain", -0.2, 0, 0, 0, 0.05)
    said = answer(result_of({"veqtor": changed(OPEN)}, indices=(drag, sure)))[1]
    assert said == (
        "In simulated markets of 10 years, of a model fitted to that history, the median (and 90% of them): "
        "VEQTOR in 2,000: growth a year 1.0% less (4.0% less to 3.0% more), Sharpe ratio 0.10 lower (0.20 to 0.05 "
        "lower). Of VEQTOR the model is surer than the record, and no new evidence."
    )
    assert "surer" not in answer(result_of({"veqtor": changed(OPEN)}, indices=(drag, unsure)))[1]
    assert "surer" not in answer(result_of({"veqtor": changed(WORSE)}, indices=(drag, sure)))[1]
    assert answer(result_of({}, simulated=True))[0].startswith("SIMULATED market. Is such a hedge")


def test_what_is_assumed_of_the_options_is_told_of_the_hedge_that_was_asked_for() -> None:
    grid = Sensitivity(
        "hedge-cost-drag", "Drag by cost", HEDGES, "drag", "hedge", "times the half-spreads", ("alvh-442", "alvh-seed"),
        ("0", "1, as assumed", "2"), ((-0.01, -0.02, -0.03), (0.006, -0.011, -0.027)), None, "It depends.",
    )  # fmt: skip
    said = answer(dataclasses.replace(result_of({}), sensitivity=(grid,)))[1]
    assert said == (
        "No interval holds what is assumed of the options of alvh-seed: growth a year 0.6% more at 0 and 2.7% less at "
        "2 (times the half-spreads)."
    )


def test_a_part_that_failed_is_named_whichever_it_is() -> None:
    result = result_of(
        {"sp500": {}},
        tracks=("sp500",),
        rule_sets=("alvh-seed",),
        failures=(
            Failure("track veqtor", "a settlement is missing"),
            Failure("hedge alvh-seed", "a quote is missing."),
            Failure("condor programme", "no VIX3M"),
        ),
    )
    said = answer(dataclasses.replace(result, claims=claims(result, None)))[0]
    assert "VEQTOR was not measured: a settlement is missing. " in said
    assert "S&P 500 TR + alvh-seed was not measured: a quote is missing. " in said
    assert "Iron condors + alvh-seed was not measured: a quote is missing. " in said
    assert said.endswith("Of five public claims none holds and five were not tested.")
    without = dataclasses.replace(result, failures=result.failures[2:])
    assert "Iron condors + alvh-seed was not measured: no VIX3M." in answer(without)[0]
    assert not any(word in said for word in ("nan", "None"))
