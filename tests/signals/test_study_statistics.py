"""Statistics of a study: by hand, by another formula, and by another package; and why there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.study.cashflows import internal_rate, sign_changes
from signals.study.crashes import crashes, hedge_in_crashes
from signals.study.periods import periods_of
from signals.study.result import Measure
from signals.study.statistics import STATISTICS, all_figures, measures
from signals.study.tracks import Track, Tracks
from signals.vix_futures import Floats

RETURN = st.floats(-0.3, 0.3)


def track(name: str, returns: Floats, against: str | None = "sp500", **parts: object) -> Track:
    returns = np.concatenate([[np.nan], returns])
    nothing = np.zeros(len(returns))
    made = Track(name, name.upper(), against, returns, returns, nothing, nothing)
    return replace(made, **parts)  # type: ignore[arg-type]


def beside(hedged: Floats, unhedged: Floats, cash: Floats | float = 0.0, **parts: object) -> Tracks:
    """Two strategies on the weekdays from 2018-01-01 on; `parts` are of the hedged one."""
    count = len(unhedged) + 1
    sessions = np.busday_offset("2018-01-01", np.arange(count))
    both = (track("sp500", unhedged, None), track("hedged", hedged, **parts))
    return Tracks(sessions, np.broadcast_to(np.asarray(cash, dtype=float), count), both)


def of(returns: Floats | list[float], cash: float = 0.0) -> dict[str, Measure]:
    """Statistics of the unhedged strategy over the whole of its returns."""
    returns = np.array(returns)
    return measures(beside(returns, returns, cash), "sp500", 0, len(returns))


def wave(count: int, size: float = 0.012, drift: float = 0.0006) -> Floats:
    """Returns without chance."""
    rows = np.arange(count)
    return size * np.sin(1.7 * rows) * np.cos(0.013 * rows) + drift


def test_a_week_worked_out_by_hand() -> None:
    # Levels 1, 1.1, 0.99, 1.089, 1.1, 1.21 on the days from Monday to the Monday after.
    found = of([0.1, -0.1, 0.1, 1.1 / 1.089 - 1.0, 0.1])
    assert found["total_return"].value == pytest.approx(0.21)
    assert found["max_drawdown"].value == pytest.approx(-0.1)
    assert found["worst_day"].value == pytest.approx(-0.1)
    assert found["worst_week"].value == pytest.approx(0.21)
    # From Tuesday to the Monday on which it is passed: to Friday the high of 1.1 is reached but for rounding.
    assert found["drawdown_days"].value in (3.0, 6.0)
    assert list(found) == [statistic.key for statistic in STATISTICS]


@pytest.mark.parametrize(
    ("returns", "days"),
    [
        ([0.0, 0.0, 0.0], 0),  # nothing fell
        ([0.5, 0.5, 0.5], 0),
        ([0.0, -0.5, 1.0], 2),  # Tuesday to Thursday
        ([0.25, 0.25, -0.5, 0.25], 2),  # Wednesday to Friday, when it ends below
        ([-0.5, 1.0, 0.0, -0.5, 0.0, 0.0], 5),  # two days; then Thursday to Tuesday, over the weekend
    ],
)
def test_the_time_below_a_high_is_in_calendar_days(returns: list[float], days: int) -> None:
    assert of(returns)["drawdown_days"].value == days


def test_growth_is_that_of_a_calendar_year() -> None:
    days = 522
    tracks = beside(np.full(days, 0.0), np.full(days, 1.21 ** (1.0 / days) - 1.0))
    years = (tracks.sessions[-1] - tracks.sessions[0]).astype(int) / 365.25
    assert years == pytest.approx(2.0, abs=0.01)
    assert measures(tracks, "sp500", 0, days)["growth"].value == pytest.approx(1.21 ** (1.0 / years) - 1.0)


def test_ratios_are_those_of_a_package_in_general_use() -> None:
    # empyrical-reloaded 0.7.1: annual_volatility, sharpe_ratio, sortino_ratio, max_drawdown, tail_ratio.
    returns, cash = wave(300), 0.0001 * (1 + (np.arange(300) % 5 == 0))
    found = measures(beside(returns, returns, np.concatenate([[np.nan], cash])), "sp500", 0, 300)
    expected = {
        "volatility": 0.10121500047489576,
        "sharpe": 1.2862463336149217,
        "sortino": 1.9502162417665128,
        "max_drawdown": -0.014538544254701236,
        "tail_ratio": 1.1285025357623744,
        "total_return": 0.20303765925654305,
    }
    assert {key: found[key].value for key in expected} == pytest.approx(expected, rel=1e-12)


def test_a_period_too_short_says_which_statistic_needs_what() -> None:
    found = of(wave(31))
    assert found["growth"] == Measure(None, "needs a year: the period has 31 sessions")
    assert found["sharpe"] == found["sortino"] == found["growth"]
    assert found["tail_ratio"] == Measure(None, "needs 100 sessions, five beyond each percentile: the period has 31")
    assert found["volatility"].value is not None
    shortest = of([0.01])
    assert shortest["volatility"] == Measure(None, "needs 21 sessions, a month: the period has 1")
    assert shortest["growth"].why == "needs a year: the period has 1 session"
    assert shortest["total_return"].value == shortest["worst_day"].value == pytest.approx(0.01)
    assert {each.why for each in measures(beside(wave(5), wave(5)), "hedged", 3, 3).values()} == {
        "needs a return: the period has one session"
    }


@pytest.mark.parametrize("daily", [0.0, 0.0003])
def test_without_volatility_there_is_no_ratio(daily: float) -> None:
    found = of(np.full(300, daily), cash=0.0001)
    assert found["volatility"].value == pytest.approx(0.0, abs=1e-12)
    assert found["sharpe"] == found["sortino"] == Measure(None, "no volatility")
    assert found["drawdown_days"].value == 0.0
    rising = of(0.001 + 0.0005 * np.sin(np.arange(300)))
    assert rising["sortino"] == Measure(None, "no volatility below cash")
    assert rising["sharpe"].value is not None


def test_a_strategy_without_a_return_says_so() -> None:
    tracks = beside(wave(300), wave(300))
    late = replace(tracks["hedged"], returns=np.concatenate([np.full(11, np.nan), wave(290)]))
    holed = replace(tracks["hedged"], name="holed", returns=np.where(np.arange(301) == 20, np.nan, 0.01))
    found = replace(tracks, tracks=(*tracks.tracks[:1], late, holed))
    assert {each.why for each in measures(found, "hedged", 0, 300).values()} == {"HEDGED begins on 2018-01-15"}
    assert measures(found, "hedged", 10, 300)["total_return"].value is not None
    assert {each.why for each in measures(found, "holed", 0, 300).values()} == {"HEDGED has no return on 2018-01-29"}
    alone = replace(tracks, tracks=tracks.tracks[1:])
    assert measures(alone, "hedged", 0, 300)["drag"] == Measure(None, "sp500 could not be computed")
    assert measures(alone, "hedged", 0, 300)["growth"].value is not None
    assert measures(alone, "sp500", 0, 300)["growth"] == Measure(None, "sp500 could not be computed")


def test_what_has_lost_everything_stays_lost() -> None:
    found = of([*wave(150), -1.2, *wave(150)])
    assert (found["total_return"].value, found["max_drawdown"].value, found["growth"].value) == (-1.0, -1.0, -1.0)
    assert found["worst_month"].value == -1.0


def test_a_hedge_is_measured_against_the_unhedged() -> None:
    tracks = beside(wave(300, 0.006, 0.0004), wave(300), cash=0.0001)
    own, other = (measures(tracks, name, 0, 300) for name in ("hedged", "sp500"))

    def value(found: dict[str, Measure], key: str) -> float:
        known = found[key].value
        assert known is not None
        return known

    assert value(own, "drag") == pytest.approx(value(own, "growth") - value(other, "growth"))
    assert value(own, "sharpe_gain") == pytest.approx(value(own, "sharpe") - value(other, "sharpe"))
    less_deep = value(own, "max_drawdown") / value(other, "max_drawdown")
    assert value(own, "drawdown_reduction") == pytest.approx(1.0 - less_deep)
    assert other["drag"] == other["drawdown_reduction"] == other["crash_years"] == Measure(None, "it is unhedged")
    same = measures(beside(wave(300), wave(300)), "hedged", 0, 300)
    assert (same["drag"].value, same["sharpe_gain"].value, same["drawdown_reduction"].value) == (0.0, 0.0, 0.0)
    up = np.full(300, 0.001)
    assert measures(beside(wave(300), up), "hedged", 0, 300)["drawdown_reduction"].why == "SP500 did not fall"


def test_turnover_and_cost_are_a_year_of_the_closes_of_the_period() -> None:
    cost = np.concatenate([[9.0], np.full(100, 9.0), np.full(200, 0.0001)])
    tracks = beside(wave(300), wave(300), cost=cost, turnover=cost * 10.0)
    tracks = replace(tracks, sessions=tracks.sessions[0] + np.arange(301) * 2)
    found = measures(tracks, "hedged", 100, 300)
    assert found["cost"].value == pytest.approx(0.0001 * 252)
    assert found["turnover"].value == pytest.approx(0.001 * 252)
    # What a month cost is not twelve times that in a year.
    assert measures(tracks, "hedged", 270, 300)["cost"] == Measure(None, "needs a year: the period has 30 sessions")


def test_against_the_unhedged_in_a_month_and_outside_crashes() -> None:
    # Over a month, the difference of what each gained in all.
    unhedged, hedged = np.full(20, -0.01), np.full(20, -0.004)
    found = measures(beside(hedged, unhedged), "hedged", 0, 20)
    assert found["gain"].value == pytest.approx(0.996**20 - 0.99**20)
    assert found["drag"].value is found["carry"].value is None
    # 252 sessions that take 2% a year, and a crash in which it gains: that does not count.
    tracks = beside(np.array([-0.1, *np.full(252, -0.02 / 252)]), np.array([-0.2, *np.zeros(252)]))
    tracks = replace(tracks, sessions=tracks.sessions[0] + np.arange(254) * 2)
    assert measures(tracks, "hedged", 0, 253)["carry"].value == pytest.approx(-252 * math.log1p(-0.02 / 252))
    down = beside(np.full(253, -0.001), np.full(253, -0.002))
    down = replace(down, sessions=tracks.sessions)
    assert measures(down, "hedged", 0, 253)["carry"].why == "needs a year outside crashes"


def test_the_cash_that_does_as_much_by_hand() -> None:
    # One fall of 30%, cash earns nothing: a hedged fall of 12% is that of 60% in cash.
    calm = np.full(260, 0.0005)
    unhedged, hedged = np.array([*calm, -0.3, *calm]), np.array([*calm, -0.12, *calm])
    found = measures(beside(hedged, unhedged), "hedged", 0, 521)
    assert found["cash_share"].value == pytest.approx(0.6, abs=1e-9)
    grown = (1.0 + 0.4 * 0.0005) ** 520 * 0.88
    # From 2018-01-01 to 521 weekdays later, 2019-12-31.
    assert found["cash_growth"].value == pytest.approx(grown ** (365.25 / 729) - 1.0)
    # With what cash earns, the mix has the fall that was asked for.
    paid = measures(beside(hedged, unhedged, cash=0.0002), "hedged", 0, 521)["cash_share"].value
    assert paid is not None
    assert 1.0 + (1.0 - paid) * -0.3 + paid * 0.0002 == pytest.approx(0.88)
    same = measures(beside(unhedged, unhedged), "hedged", 0, 521)
    assert (same["cash_share"].value, same["cash_growth"].value) == (0.0, same["growth"].value)
    worse = measures(beside(unhedged, hedged), "hedged", 0, 521)
    assert worse["cash_share"].why == worse["cash_growth"].why == "its deepest fall is deeper than that of SP500"
    up = measures(beside(np.abs(unhedged), unhedged, cash=-0.0001), "hedged", 0, 521)
    assert up["cash_share"].why == "it fell less than cash"


def hedge_of(flows: dict[int, float], mark: float = 0.0, start: float = 0.0) -> Measure:
    """The rate of return of a hedge over 260 weekdays: cash by row, worth of it at the end, and at the start."""
    flow, marks = np.zeros(261), np.zeros(261)
    for row, amount in flows.items():
        flow[row] = amount
    marks[0], marks[-1] = start, mark
    return measures(beside(wave(260), wave(260), hedge_flow=flow, hedge_mark=marks), "hedged", 0, 260)["irr"]


def test_the_rate_of_return_of_a_hedge_by_hand() -> None:
    # 2018-01-01 to 2018-12-31 is 364 days, row 130 is half way; each pays 10% in its time.
    assert hedge_of({0: -7.0, 260: 1.1}, start=1.0).value == pytest.approx(1.1 ** (365.25 / 364) - 1.0)
    assert hedge_of({}, start=1.0, mark=0.5).value == pytest.approx(0.5 ** (365.25 / 364) - 1.0)
    assert hedge_of({130: -1.0}, mark=1.1).value == pytest.approx(1.1 ** (365.25 / 182) - 1.0)
    # Twice 1 paid, 182 days apart, for 2.1 at the end: x + x^2 = 2.1 is x = (sqrt(9.4) - 1) / 2 for each half.
    half = (math.sqrt(9.4) - 1.0) / 2.0
    assert hedge_of({130: -1.0}, start=1.0, mark=2.1).value == pytest.approx(half ** (365.25 / 182) - 1.0)


def test_a_rate_of_return_that_is_not_one_number_is_undefined() -> None:
    twice = Measure(None, "undefined: the cash flows change sign 2 times")
    assert hedge_of({10: -1.0, 20: 3.0, 30: -1.0}) == twice
    assert hedge_of({0: 0.0, 100: -1.0}, mark=0.01).why == "below -99% a year: nearly all that was paid was lost"
    assert hedge_of({10: -1.0}).why == hedge_of({}).why == "undefined: the cash flows change sign 0 times"
    assert hedge_of({259: -1.0}, mark=2.0).why == "undefined: no rate makes the cash flows worth nothing"
    unhedged = measures(beside(wave(260), wave(260)), "hedged", 0, 260)["irr"]
    assert unhedged.why == "there is no cash of a hedge to tell apart"
    with pytest.raises(ValueError, match="not 2 times"):
        internal_rate(np.array([-1.0, 3.0, -1.0]), np.array([0.0, 1.0, 2.0]))


@settings(max_examples=40)
@given(st.lists(st.floats(0.01, 10.0), min_size=1, max_size=8), st.lists(st.floats(0.01, 10.0), min_size=1, max_size=8))
def test_at_its_rate_what_was_paid_is_worth_what_was_received(paid: list[float], received: list[float]) -> None:
    flows = np.array([-amount for amount in paid] + received)
    years = np.arange(len(flows)) * 0.7
    rate = internal_rate(flows, years)
    assert sign_changes(flows) == 1
    assert rate == internal_rate(-flows, years)
    discounted = flows * (1.0 + rate) ** -years
    assert abs(discounted.sum()) <= 1e-9 * np.abs(discounted).sum()


def test_crashes_are_falls_of_15_percent_until_a_rise_of_20() -> None:
    levels = np.array([100, 90, 110, 95, 110, 93.5, 80, 95, 79, 94.8, 120, 102.0, 101, 110])
    # 110 to 93.5 is 15%, down to 79; 94.8 is 20% above that. 120 to 102 is 15%, and is not over.
    assert crashes(levels) == ((2, 8), (10, 12))
    assert crashes(np.array([1.0, 0.86, 1.0, 2.0])) == ()


def test_break_even_years_by_hand() -> None:
    # A fall of 20% in which the hedged loses 10%, then 252 sessions in which it earns 2% less.
    after = 252
    unhedged = np.array([-0.2, *np.full(after, 0.0004)])
    hedged = np.array([-0.1, *np.full(after, 0.0004 - 0.02 / 252)])
    tracks = beside(hedged, unhedged)
    found = measures(replace(tracks, sessions=np.arange(254) * 2 + np.datetime64("2018-01-01")), "hedged", 0, 253)
    gained = math.log(0.9 / 0.8)
    cost = 252 * math.log(1.0004 / (1.0004 - 0.02 / 252))
    # The session of the crash is 1/252 of a year.
    assert found["break_even_years"].value == pytest.approx(gained / cost + 1 / 252)
    assert found["crash_years"].value == pytest.approx(1.0 + 1 / 252)
    assert found["crash_gain"].value == pytest.approx(gained)
    assert found["largest_crash"].value == pytest.approx(1.0)


def test_crashes_are_those_of_the_market_whatever_is_hedged() -> None:
    # Falls of 20% and of 30%, with a recovery between them, in which the account itself hardly falls.
    market = np.array([-0.2, 0.3, *np.full(248, 0.0001), -0.3, 0.0])
    account = np.full(252, 0.001)
    hedged = account + np.array([0.04, *np.full(249, -0.0001), 0.01, -0.0001])
    tracks = beside(account, market)
    both = (*tracks.tracks, track("more", hedged, "hedged"))
    found = measures(replace(tracks, tracks=both, sessions=np.arange(253) * 2 + tracks.sessions[0]), "more", 0, 252)
    gains = math.log(1.041 / 1.001), math.log(1.011 / 1.001)
    assert found["crash_gain"].value == pytest.approx(sum(gains) / 2)
    assert found["largest_crash"].value == pytest.approx(gains[0] / sum(gains))
    assert found["crash_years"].value == pytest.approx(0.5)


def test_why_there_is_no_break_even() -> None:
    def why(in_crash: float, otherwise: float, fall: float = -0.2) -> str:
        unhedged = np.array([*np.zeros(150), fall, *np.zeros(150)])
        hedged = np.array([*np.full(150, otherwise), in_crash, *np.full(150, otherwise)])
        return measures(beside(hedged, unhedged), "hedged", 0, 301)["break_even_years"].why

    assert why(-0.1, -0.0001, fall=-0.14) == "the S&P 500 did not fall by 15%"
    assert why(-0.2, -0.0001) == why(-0.3, -0.0001) == "it did not gain in crashes"
    assert why(-0.1, 0.0) == why(-0.1, 0.0001) == "it cost nothing outside crashes"
    assert why(-1.0, 0.0) == "everything was lost"


@settings(max_examples=40)
@given(st.lists(st.tuples(RETURN, RETURN), min_size=2, max_size=80))
def test_a_hedge_paid_where_its_break_even_is_longer_than_the_years_between_crashes(
    returns: list[tuple[float, float]],
) -> None:
    hedged, unhedged = np.array(returns).T
    found = hedge_in_crashes(hedged, unhedged)
    ahead = math.fsum(np.log1p(hedged)) - math.fsum(np.log1p(unhedged))
    if found.gain > 0.0 and found.cost > 0.0 and abs(ahead) > 1e-9:
        assert (found.break_even > found.years_between) == (ahead > 0.0)


@settings(max_examples=40)
@given(st.lists(RETURN, min_size=2, max_size=60))
def test_the_deepest_fall_is_that_of_all_pairs(returns: list[float]) -> None:
    levels = np.concatenate([[1.0], np.cumprod(1.0 + np.array(returns))])
    pairs = [levels[j] / levels[i] - 1.0 for i in range(len(levels)) for j in range(i, len(levels))]
    found = of(returns)
    assert found["max_drawdown"].value == pytest.approx(min(pairs), abs=1e-12)
    deep = [j for i, j in crashes(levels) if levels[j] / levels[i] - 1.0 <= -0.15 + 1e-9]
    assert len(deep) == len(crashes(levels))
    assert bool(deep) == (min(pairs) <= -0.15 + 1e-12)


def test_figures_are_of_every_strategy_and_period_in_their_order() -> None:
    tracks = beside(wave(600), wave(600))
    periods = periods_of(tracks, 0, 600)
    found = all_figures(tracks, periods)
    assert [(each.track, each.period) for each in found] == [
        (track.name, period.key) for track in tracks for period in periods
    ]
    assert [period.key for period in periods] == ["whole", "Feb 2018", "Q1 2020", "calm 2019"]
    assert found[0].values == measures(tracks, "sp500", 0, 600)
