"""The condor programme as a whole: what holds whatever the market does."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from signals.errors import ConfigurationError
from signals.study.condor.book import account_of
from signals.study.condor.maps import condor_maps, entry_maps, scaled
from signals.study.condor.market import CondorMarket
from signals.study.condor.programme import RULES, condor_cases, condor_of, condor_tracks
from signals.study.condor.rules import CNDR, CondorRules
from signals.study.condor.trades import OPEN, TARGET, condors
from signals.study.condor.verdicts import over_skews, verdict_over_skews
from signals.study.result import CANNOT_TELL, FAILS, HOLDS, CondorCase, Measure
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.tracks import Tracks
from tests.signals.condor_market import condor_market_of, wandering

pytestmark = pytest.mark.server

COSTS = TradingCosts()
FREE = TradingCosts(spx_option=0.0, spx_option_points=0.0)


def cut(market: CondorMarket, rows: int) -> CondorMarket:
    """The same market, as it was known so many sessions in; expiries are known ahead."""
    by_row = ("sessions", "following", "spx", "vix", "vix3m", "rate", "dividend", "cash")
    lines = tuple(
        replace(
            line,
            **{name: getattr(line, name)[:rows] for name in ("profit", "spread", "away", "premium", "flow", "mark")},
        )
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


def test_beside_a_hedge_an_account_in_dollars_pays_for_it() -> None:
    market, line = wandering(200), wandering(200).hedges[0]
    condor, hedged = condor_tracks(market, RULES, COSTS)
    assert (condor.name, hedged.name, hedged.against) == ("condor", "condor+made-up", "condor")
    assert (condor.first, hedged.first) == (0, 19)
    dollars = 50_000.0
    for row in range(20, 200):
        # Half-spreads of the fills, then of what is resized to the new value; options earn no interest.
        options, before = line.mark[row - 1] * dollars, dollars
        dollars += before * (condor.returns[row] + line.profit[row] - line.spread[row]) - options * market.cash[row]
        dollars -= line.away[row] * abs(dollars - before)
        assert hedged.returns[row] == pytest.approx(dollars / before - 1.0, abs=1e-15)
    twice = condor_tracks(market, RULES, replace(COSTS, vix_option=2.0))[1]
    np.testing.assert_array_equal(twice.gross, hedged.gross)
    assert (twice.cost[20:] > hedged.cost[20:]).all()
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


def plain(case: CondorCase) -> dict[str, float]:
    return {key: measure.value for key, measure in case.values.items() if measure.value is not None}


def test_each_condor_is_given_its_share_of_what_the_hedge_gained_while_it_was_open() -> None:
    market = wandering(700)
    condor, hedged = condor_tracks(market, RULES, COSTS)
    trades = account_of(market, RULES, condors(market, RULES, COSTS)).trades
    days = market.sessions.tolist()
    begin, end = 40, 600
    alone, beside = (plain(case) for case in condor_cases(market, RULES, COSTS, 1.0, begin, end))
    # All that were open into a session, those too that were decided before the range or end after it.
    open_into = [[trade for trade in trades if trade.filled < day <= trade.closed] for day in days]
    expected = [
        trade.gained
        + sum(
            (hedged.returns[row] - condor.returns[row]) / len(open_into[row])
            for row in range(days.index(trade.filled) + 1, days.index(trade.closed) + 1)
        )
        for trade in trades
        if trade.decided >= days[begin] and trade.closed <= days[end]
    ]
    wins, losses = [each for each in expected if each > 0.0], [each for each in expected if each <= 0.0]
    assert alone["trades"] == beside["trades"] == len(expected) > 90
    assert beside["win_rate"] == pytest.approx(len(wins) / len(expected), rel=1e-12)
    assert beside["average_win"] == pytest.approx(sum(wins) / len(wins), rel=1e-9)
    assert beside["average_loss"] == pytest.approx(sum(losses) / len(losses), rel=1e-9)
    added = (hedged.returns - condor.returns)[begin + 1 : end + 1]
    assert beside["income"] - alone["income"] == pytest.approx(float(added.mean()) * 252, rel=1e-9)
    assert -0.3 < alone["break_even_down"] < 0.0 < alone["break_even_up"] < 0.3
    # What a hedge on the VIX pays is no function of the index at an expiry.
    assert "break_even_down" not in beside


def test_a_case_over_a_range_is_what_its_track_did_there() -> None:
    market = wandering(700)
    tracks = Tracks(market.sessions, market.cash, condor_tracks(market, RULES, COSTS, 0.85))
    for case, track in zip(condor_cases(market, RULES, COSTS, 0.85, 150, 550), tracks, strict=True):
        expected = measures(tracks, track.name, 150, 550)
        assert {key: case.values[key] for key in expected} == expected
        cash = np.prod(1.0 + market.cash[151:551]) ** (
            365.25 / (market.sessions[550] - market.sessions[150]).astype(int)
        )
        assert plain(case)["over_cash"] == pytest.approx(plain(case)["growth"] - (cash - 1.0), rel=1e-12)
    # What is decided on another day is another programme.
    later = condor_cases(market, replace(RULES, entry=3), COSTS, 0.85, 150, 550)
    assert [case.entry for case in later] == [3, 3]
    assert later[0].values["growth"] != case.values["growth"]


@pytest.mark.parametrize("entry", [1, 4])
def test_another_day_of_the_week_sells_into_the_same_expiries(entry: int) -> None:
    market = wandering(200)
    usual, other = (condors(market, replace(RULES, entry=each), FREE) for each in (0, entry))
    assert other.decided.tolist() == (usual.decided + entry).tolist()[: len(other.decided)]
    assert other.expiry.tolist() == usual.expiry.tolist()[: len(other.decided)]
    assert (other.decided % 5 == (usual.decided[0] + entry) % 5).all()


def test_it_is_ordered_back_as_soon_as_that_leaves_half_of_the_credit() -> None:
    market = wandering(300)
    found = condors(market, RULES, COSTS)
    early = [condor for condor, ending in enumerate(found.ending) if ending == TARGET]
    assert len(early) > 10
    credit = -(found.value[:, 1] + found.opening[:, 1])
    left = credit[:, None] - (found.closing - found.value)
    for condor in early:
        ordered = found.last[condor] - 1
        assert left[condor, ordered] >= 0.5 * credit[condor]
        assert (left[condor, 1:ordered] < 0.5 * credit[condor]).all()


def test_maps_have_the_programme_itself_where_it_is_framed() -> None:
    market = wandering(300)
    alone, beside = (plain(case) for case in condor_cases(market, RULES, COSTS))
    maps = {each.key: each for each in condor_maps(market, RULES, COSTS)}
    framed = {key: each.values[each.chosen[0]][each.chosen[1]] for key, each in maps.items() if each.chosen}
    assert framed == {
        "condor-size-made-up-drawdown_reduction": beside["drawdown_reduction"],
        "condor-size-made-up-growth": beside["growth"],
        "condor-cost-growth": alone["growth"],
    }
    # A dollar hedged by half, and twice as much sold.
    smaller = replace(market, hedges=tuple(scaled(line, 0.5) for line in market.hedges))
    other = plain(condor_cases(smaller, replace(RULES, risk=0.10), COSTS)[1])
    assert maps["condor-size-made-up-growth"].values[2][0] == other["growth"]
    cheap = [row[2] or 0.0 for row in maps["condor-cost-growth"].values]
    assert cheap == sorted(cheap, reverse=True)
    assert maps["condor-cost-growth"].sentence.startswith(
        "At 0.25 to 2 times the assumed half-spread of 2.0% of a premium"
    )


def test_maps_by_day_are_made_of_the_cases() -> None:
    cases = [
        CondorCase(hedge, skew, {"growth": Measure(0.01 * entry), "drawdown_reduction": Measure(skew)}, entry)
        for hedge in ("", "x")
        for entry in (0, 1)
        for skew in (1.0, 1.3)
    ]
    growth, reduction = entry_maps(cases)
    assert (growth.track, growth.values, growth.chosen) == ("condor", ((0.0, 0.0), (0.01, 0.01)), (0, 0))
    assert (reduction.track, reduction.values) == ("condor+x", ((1.0, 1.3), (1.0, 1.3)))
    assert "0.0% to 1.0% under the documented skew" in growth.sentence
    assert entry_maps([case for case in cases if case.entry == 0]) == ()


def made_up_cases(reductions: dict[float, float]) -> list[CondorCase]:
    """Cases of a hedge with these drawdown reductions by skew, beside an unhedged account that fell by a fifth."""

    def case(hedge: str, skew: float, fall: float, reduction: float) -> CondorCase:
        numbers = {
            "growth": 0.05, "income": 0.03, "over_cash": 1.2 - skew, "drag": -0.01, "worst_month": fall / 2.0,
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


def test_a_verdict_that_depends_on_the_day_is_none() -> None:
    usual = made_up_cases({0.7: 0.5, 1.0: 0.4})
    other = [replace(case, entry=2) for case in made_up_cases({0.7: 0.45, 1.0: -0.1})]
    found = condor_of([*usual, *other], RULES)
    assert (len(found.cases), len(found.other_days)) == (4, 4)
    estimate = over_skews(found.every, "x", "drawdown_reduction")
    assert (estimate.value, estimate.low, estimate.high) == (0.4, -0.1, 0.5)
    told = " ".join(found.sentences)
    assert "Whether x makes it less deep cannot be told: it depends on the skew and the day of the week" in told
    assert "Whatever the skew and the day of the week, they earned more than cash." in told
    alike = [replace(case, entry=2) for case in made_up_cases({0.7: -0.1, 1.0: -0.2})]
    told = " ".join(condor_of([*usual, *alike], RULES).sentences)
    assert "Whether x makes it less deep cannot be told: it depends on the day of the week;" in told


def test_a_figure_that_is_missing_under_one_skew_is_missing() -> None:
    cases = made_up_cases({0.7: 0.1, 1.0: 0.2})
    cases[0].values["growth"] = Measure(None, "needs a year")
    assert over_skews(cases, "", "growth").why == "needs a year"
    assert condor_of(cases, RULES).sentences[0] == "The condor programme has no figures: needs a year."


@pytest.mark.parametrize(
    "wrong",
    [
        {"wing_delta": 0.2},
        {"wing_delta": 0.02},
        {"entry": 5},
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
