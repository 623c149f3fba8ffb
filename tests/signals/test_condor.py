"""The condor programme as a whole: what holds whatever the market does."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from signals.errors import ConfigurationError
from signals.study.condor.book import account_of
from signals.study.condor.market import CondorMarket
from signals.study.condor.programme import RULES, SKEWS, condor_cases, condor_of, condor_tracks
from signals.study.condor.rules import CNDR, CondorRules
from signals.study.condor.trades import OPEN, condors
from signals.study.condor.verdicts import over_skews, verdict_over_skews
from signals.study.result import CANNOT_TELL, FAILS, HOLDS, CondorCase, Measure
from signals.study.spec import TradingCosts
from tests.signals.condor_market import condor_market_of, wandering

COSTS = TradingCosts()
FREE = TradingCosts(spx_option=0.0, spx_option_points=0.0)


def cut(market: CondorMarket, rows: int) -> CondorMarket:
    """The same market, as it was known so many sessions in; expiries are known ahead."""
    by_row = ("sessions", "following", "spx", "vix", "vix3m", "rate", "dividend", "cash")
    lines = tuple(
        replace(line, **{name: getattr(line, name)[:rows] for name in ("profit", "cost", "turnover", "flow", "mark")})
        for line in market.hedges
    )
    return replace(market, **{name: getattr(market, name)[:rows] for name in by_row}, hedges=lines)


@pytest.mark.parametrize("rules", [RULES, CNDR, CondorRules(wing_width=0.04)])
def test_nothing_that_comes_later_changes_a_return(rules: CondorRules) -> None:
    market = wandering(260)
    whole = condor_tracks(market, rules, COSTS)
    for rows in (101, 177, 205):
        for early, late in zip(condor_tracks(cut(market, rows), rules, COSTS), whole, strict=True):
            for name in ("returns", "gross", "cost", "turnover"):
                np.testing.assert_array_equal(getattr(early, name), getattr(late, name)[:rows])


def test_beside_a_hedge_a_return_is_that_of_the_condors_and_what_the_hedge_gained() -> None:
    market = wandering(200)
    condor, hedged = condor_tracks(market, RULES, COSTS)
    assert (condor.name, hedged.name, hedged.against) == ("condor", "condor+made-up", "condor")
    assert (condor.first, hedged.first) == (0, 19)
    np.testing.assert_array_equal(hedged.returns, condor.returns + market.hedges[0].profit)
    np.testing.assert_allclose((1.0 + hedged.gross) * (1.0 - hedged.cost) - 1.0, hedged.returns, atol=1e-15)
    again = pickle.loads(pickle.dumps(market))  # noqa: S301 -- our own bytes
    np.testing.assert_array_equal(condor_tracks(again, RULES, COSTS)[1].returns, hedged.returns)


def test_without_interest_the_account_gains_what_its_condors_gain() -> None:
    market = wandering(200)
    market = replace(market, cash=0.0 * market.cash)
    found = condors(market, RULES, COSTS)
    account = account_of(market, RULES, found)
    still_open = np.array([ending == OPEN for ending in found.ending])
    assert still_open.sum() in range(1, 5)
    sizes = RULES.risk * account.value[found.decided] / found.risk
    ended = sum(
        size * (trade.credit - trade.paid) for size, trade in zip(sizes[~still_open], account.trades, strict=True)
    )
    marks = [
        found.value[condor, 199 - found.decided[condor]] - found.value[condor, 1] - found.opening[condor, 1]
        for condor in np.flatnonzero(still_open).tolist()
    ]
    assert account.value[-1] - 1.0 == pytest.approx(ended + float(np.dot(sizes[still_open], marks)), abs=1e-12)
    assert np.prod(1.0 + account.earned) == pytest.approx(account.value[-1], rel=1e-12)


def test_a_crash_costs_no_more_than_what_was_put_at_risk() -> None:
    spx = np.where(np.arange(80) < 40, 1500.0, 900.0)
    vix = np.where(np.arange(80) < 40, 15.0, 80.0)
    market = condor_market_of(spx, vix)
    rules = replace(RULES, profit_target=0.0)
    account = account_of(market, rules, condors(market, rules, FREE))
    # What was sold before the crash; the credit was that of the next close.
    worst = [trade.gained for trade in account.trades if trade.filled < market.sessions[40].item() < trade.closed]
    assert len(worst) >= 3
    assert max(worst) < -0.03
    assert min(worst) >= -rules.risk * 1.02


def test_costs_are_what_lies_between_net_and_gross() -> None:
    market = wandering(200)
    free, dear = (condor_tracks(market, RULES, costs)[0] for costs in (FREE, COSTS.scaled(2.0)))
    np.testing.assert_array_equal(free.cost, np.zeros(200))
    np.testing.assert_allclose(free.gross[1:], free.returns[1:], rtol=0, atol=1e-15)
    assert np.nansum(dear.returns) < np.nansum(free.returns)
    # A condor is sold on a Monday and bought back on some day.
    days = market.sessions[np.flatnonzero(dear.cost[:8])]
    assert days.tolist() == market.sessions[5:6].tolist()


def test_one_a_month_goes_from_one_monthly_expiry_to_the_next() -> None:
    market = wandering(200)
    trades = account_of(market, CNDR, condors(market, CNDR, FREE)).trades
    assert [(str(each.filled), str(each.closed)) for each in trades[:3]] == [
        ("2010-01-15", "2010-02-19"),
        ("2010-02-19", "2010-03-19"),
        ("2010-03-19", "2010-04-16"),
    ]


def test_wings_by_width_are_so_far_away() -> None:
    rules = CondorRules(wing_width=0.05)
    market = condor_market_of(np.full(40, 2000.0), np.full(40, 20.0))
    strikes = account_of(market, rules, condors(market, rules, FREE)).trades[0].strikes
    assert strikes[1] - strikes[0] == strikes[3] - strikes[2] == 100.0


def test_cases_charge_each_condor_with_the_hedge() -> None:
    market = wandering(700)
    cases = [case for skew in SKEWS for case in condor_cases(market, RULES, COSTS, skew)]
    assert [(case.skew, case.hedge) for case in cases[:3]] == [(0.7, ""), (0.7, "made-up"), (0.85, "")]
    alone, beside = (
        {key: measure.value or 0.0 for key, measure in case.values.items()} for case in cases if case.skew == 1.0
    )
    cost = -float(market.hedges[0].profit[20:].mean()) * 252
    assert alone["income"] - beside["income"] == pytest.approx(cost, rel=1e-9)
    assert alone["trades"] == beside["trades"]
    assert beside["average_win"] * beside["win_rate"] + beside["average_loss"] * (
        1.0 - beside["win_rate"]
    ) == pytest.approx(
        alone["average_win"] * alone["win_rate"]
        + alone["average_loss"] * (1.0 - alone["win_rate"])
        - cost * 680 / 252 / alone["trades"],
        rel=1e-9,
    )
    assert -0.3 < alone["break_even_down"] < 0.0 < alone["break_even_up"] < 0.3
    # A hedge that cost something brings the points nearer.
    assert (abs(alone["break_even_down"]) > abs(beside["break_even_down"])) is (cost > 0.0)
    assert "drawdown_reduction" in beside
    assert condor_of(cases, RULES).sentences[0].startswith("Unhedged, the condors grew by")


def made_up_cases(reductions: dict[float, float]) -> list[CondorCase]:
    """Cases of a hedge with these drawdown reductions by skew, beside an unhedged account that fell by a fifth."""

    def case(hedge: str, skew: float, fall: float, reduction: float) -> CondorCase:
        numbers = {
            "growth": 0.05, "income": 0.03, "sharpe": 1.3 - skew, "drag": -0.01, "worst_month": fall / 2.0,
            "max_drawdown": fall, "drawdown_reduction": reduction,
        }  # fmt: skip
        return CondorCase(hedge, skew, {key: Measure(value) for key, value in numbers.items()})

    return [
        each
        for skew, cut_by in reductions.items()
        for each in (case("", skew, -0.2, 0.0), case("x", skew, -0.2 * (1.0 - cut_by), cut_by))
    ]


@pytest.mark.parametrize(
    ("reductions", "verdict", "told"),
    [
        ((0.5, 0.45, 0.4), HOLDS, "Whatever the skew, x made it less deep; a cut by 36% or more"),
        ((-0.1, -0.2, -0.3), FAILS, "Whatever the skew, x did not make it less deep"),
        ((0.5, 0.1, -0.2), CANNOT_TELL, "Whether x makes it less deep cannot be told: it depends on the skew"),
    ],
)
def test_a_verdict_that_depends_on_the_skew_is_none(reductions: tuple[float, ...], verdict: str, told: str) -> None:
    cases = made_up_cases(dict(zip((0.7, 1.0, 1.3), reductions, strict=True)))
    found = verdict_over_skews(cases, "x", lambda case: (case.values["drawdown_reduction"].value or 0.0) > 0.0)
    assert found == verdict
    sentences = " ".join(condor_of(cases, RULES).sentences)
    assert told in sentences
    assert "Whether they earned more than cash cannot be told" in sentences
    estimate = over_skews(cases, "x", "drawdown_reduction")
    assert (estimate.value, estimate.low, estimate.high) == (reductions[1], min(reductions), max(reductions))


def test_a_figure_that_is_missing_under_one_skew_is_missing() -> None:
    cases = made_up_cases({0.7: 0.1, 1.0: 0.2})
    cases[0].values["growth"] = Measure(None, "needs a year")
    assert over_skews(cases, "", "growth").why == "needs a year"
    assert condor_of(cases, RULES).sentences[0] == "The condor programme has no figures: needs a year."


@pytest.mark.parametrize(
    "wrong",
    [
        {"wing_delta": 0.2},
        {"risk": 0.5},
        {"days": 60},
        {"exit_days": 40},
        {"profit_target": 1.0},
        {"longest_days": 120},
        {"wing_width": float("nan")},
    ],
)
def test_rules_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="condor"):
        CondorRules(**wrong)  # type: ignore[arg-type]


def test_a_range_of_some_days_has_no_figures_and_says_why() -> None:
    market = condor_market_of(np.full(6, 1500.0), np.full(6, 20.0))
    (case,) = condor_cases(market, RULES, COSTS)
    assert case.values["growth"].why == "needs a year: the period has 5 sessions"
    assert case.values["win_rate"].why == "no condor has ended"
    assert case.values["trades"].value == 0.0
    assert condor_of([case], RULES).sentences == (
        "The condor programme has no figures: needs a year: the period has 5 sessions.",
    )
