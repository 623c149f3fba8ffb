from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.study.claims import at_least, at_most, claims, overall, within
from signals.study.facts import Facts
from signals.study.result import CANNOT_TELL, FAILS, HOLDS, NOT_TESTED, Claim, Estimate, Finding, PathFigures
from tests.signals.study_results import result_of

FACTS = Facts(Estimate(-0.73, -0.75, -0.70), Estimate(-0.74, -0.76, -0.71))


def claim(key: str, found: tuple[Claim, ...]) -> Claim:
    return next(each for each in found if each.key == key)


def history(**values: Estimate) -> dict[str, dict[str, Estimate]]:
    return {"sp500+alvh-seed": values, "sp500+alvh-442": values}


@pytest.mark.parametrize(
    ("low", "high", "cost", "benefit", "range_"),
    [
        (0.012, 0.018, HOLDS, HOLDS, HOLDS),
        (0.001, 0.005, HOLDS, FAILS, FAILS),
        (0.030, 0.050, FAILS, HOLDS, FAILS),
        (0.005, 0.015, HOLDS, CANNOT_TELL, CANNOT_TELL),
        (0.015, 0.025, CANNOT_TELL, HOLDS, CANNOT_TELL),
        (0.000, 0.030, CANNOT_TELL, CANNOT_TELL, CANNOT_TELL),
    ],
)
def test_a_promise_is_kept_broken_or_open(low: float, high: float, cost: str, benefit: str, range_: str) -> None:
    estimate = Estimate((low + high) / 2.0, low, high)
    assert (at_most(estimate, 0.01, 0.02), at_least(estimate, 0.01, 0.02), within(estimate, 0.01, 0.02)) == (
        cost,
        benefit,
        range_,
    )


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(-1, 1), st.floats(0, 1))
def test_a_wider_interval_never_decides_what_a_narrower_left_open(
    at: float, width: float, low: float, span: float
) -> None:
    narrow, wide = (Estimate(at, at - each, at + each) for each in (width, width + 0.5))
    for judge in (at_most, at_least, within):
        first, second = judge(narrow, low, low + span), judge(wide, low, low + span)
        assert second in (first, CANNOT_TELL)


def test_without_an_interval_nothing_is_decided() -> None:
    assert at_most(Estimate(0.01), 0.01, 0.02) == CANNOT_TELL
    assert at_most(Estimate(None, why="no"), 0.01, 0.02) == NOT_TESTED


def test_findings_that_disagree_leave_a_claim_open() -> None:
    def said(*verdicts: str) -> str:
        return overall([Finding("", "share", Estimate(0.0), verdict) for verdict in verdicts])

    assert said(HOLDS, HOLDS, NOT_TESTED) == HOLDS
    assert said(FAILS, FAILS) == FAILS
    assert said(HOLDS, FAILS) == said(FAILS, CANNOT_TELL) == CANNOT_TELL
    assert said(NOT_TESTED) == said() == NOT_TESTED


def test_a_drag_is_a_cost_where_growth_is_lower() -> None:
    found = claim("drag", claims(result_of(history(drag=Estimate(-0.015, -0.019, -0.005))), FACTS))
    assert found.verdict == HOLDS
    assert found.findings[0].estimate == Estimate(0.015, 0.005, 0.019)
    assert found.sentence == "Holds, in each of 2 findings. S&P 500 TR + alvh-442, recorded: 1.5% (0.5% to 1.9%)."
    worse = claim("drag", claims(result_of(history(drag=Estimate(-0.03, -0.04, -0.021))), FACTS))
    assert worse.verdict == FAILS
    gains = claim("drag", claims(result_of(history(drag=Estimate(0.01, 0.002, 0.02))), FACTS))
    assert gains.verdict == HOLDS


def test_a_reduction_whose_interval_reaches_below_the_claim_cannot_be_told() -> None:
    estimate = Estimate(0.38, -0.05, 0.6)
    found = claim("drawdown", claims(result_of(history(drawdown_reduction=estimate)), FACTS))
    assert found.verdict == CANNOT_TELL
    assert "Taken without their intervals, 2 of 2 would keep the claim." in found.sentence


def test_what_the_claim_is_not_about_is_shown_and_does_not_count() -> None:
    good, bad = Estimate(0.4, 0.36, 0.5), Estimate(0.0, -0.1, 0.1)
    estimates = history(drawdown_reduction=bad) | {"veqtor": {"drawdown_reduction": good}}
    found = claim("drawdown", claims(result_of(estimates), FACTS))
    assert found.verdict == FAILS
    assert found.findings[-1].what == "VEQTOR, recorded, for comparison"
    assert found.findings[-1].verdict == HOLDS


def test_a_condor_is_judged_over_luck_and_skews_together() -> None:
    estimates = {"condor+alvh-seed": {"drawdown_reduction": Estimate(0.45, 0.40, 0.50)}}
    skews = {0.7: {"drawdown_reduction": 0.38}, 1.0: {"drawdown_reduction": 0.45}, 1.3: {"drawdown_reduction": 0.48}}
    found = claim("condor", claims(result_of(estimates, skews=skews), FACTS))
    assert found.findings[0].estimate == Estimate(0.45, 0.38, 0.50)
    assert found.verdict == HOLDS
    skews[1.3] = {"drawdown_reduction": -0.1}
    assert claim("condor", claims(result_of(estimates, skews=skews), FACTS)).verdict == CANNOT_TELL
    # The same claim as a fall of 22% that becomes one of 13% to 14%.
    assert (0.22 * (1.0 - found.high), 0.22 * (1.0 - found.low)) == pytest.approx((0.13, 0.14))


def test_monte_carlo_is_judged_by_its_median_and_the_error_of_it() -> None:
    quantiles = (-0.2, 0.3, 0.45, 0.6, 0.9)
    figures = PathFigures("sp500+alvh-seed", "sharpe_gain", 60, quantiles, 0.44, 0.01)
    found = claim("sharpe", claims(result_of({}, hedged=(figures,), tracks=("sp500+alvh-seed",)), FACTS))
    assert found.verdict == HOLDS
    assert found.findings[0].estimate.low == pytest.approx(0.45 - 1.959964 * 0.01)
    assert "median of 60 simulated markets, 90% of them -0.20 to 0.90" in found.findings[0].what
    loose = dataclasses.replace(figures, standard_error=0.1)
    assert claim("sharpe", claims(result_of({}, hedged=(loose,), tracks=()), FACTS)).verdict == CANNOT_TELL


def test_a_correlation_is_about_what_is_claimed_or_not() -> None:
    assert claim("correlation", claims(result_of({}), FACTS)).verdict == HOLDS
    far = Facts(Estimate(-0.85, -0.87, -0.82), Estimate(-0.85, -0.87, -0.82))
    assert claim("correlation", claims(result_of({}), far)).verdict == FAILS


def test_what_was_not_measured_is_not_tested() -> None:
    found = claims(result_of({}, tracks=("sp500",)), None)
    assert [each.verdict for each in found] == [NOT_TESTED] * 5
    assert all(each.sentence.startswith("Not tested: ") for each in found)
    assert "closes of the two are missing" in found[-1].sentence
