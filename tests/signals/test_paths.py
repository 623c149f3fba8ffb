"""Simulated markets, many at once: the same law, the same folds to the bit, and nothing that looks ahead."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from signals.rows import by_rows
from signals.sample_market import model
from signals.sample_market.model import Draws, path_of, sample_path
from signals.sample_market.parameters import CALIBRATED
from signals.sample_market.pricing import Pricing, State
from signals.study.hedged import HedgeLine
from signals.study.paths.chunks import index_chunk
from signals.study.paths.figures import against, alone
from signals.study.paths.futures import FAST, futures_surface
from signals.study.paths.indices import PathIndices, path_indices
from signals.study.paths.market import PathMarkets, draw_markets
from signals.study.paths.moments import Series, hedge_moments, measured, measured_like
from signals.study.paths.sessions import WARM_UP, path_sessions
from signals.study.paths.summary import fit_rows, median_error, monte_carlo
from signals.study.paths.veqtor import cost_of, short_term_index, table_weights, with_stop_loss
from signals.study.spec import StudySpec, TradingCosts
from signals.study.trading import index_trades
from signals.veqtor.index import veqtor_history
from signals.veqtor.rules import VEQTOR
from signals.vix_futures import SHORT_TERM, SLOTS, Floats, SettlementPanel, futures_index

pytestmark = pytest.mark.server

SPEC = StudySpec(dt.date(2006, 1, 3), dt.date(2026, 7, 29), seed=7, path_years=1)
MARKETS = 4


@pytest.fixture(scope="module")
def markets() -> PathMarkets:
    return draw_markets(SPEC.seed, range(MARKETS), path_sessions(1))


@pytest.fixture(scope="module")
def indices(markets: PathMarkets) -> PathIndices:
    return path_indices(markets)


def column(values: Floats, market: int) -> Floats:
    return values[:, market].copy()


# --- the market


def test_many_markets_follow_the_equations_of_the_one() -> None:
    """The draws of two sample markets side by side give the two sample markets."""
    count, seeds = 300, (5, 6)

    def drawn(seed: int) -> list[Floats]:
        normals = model._normals(count, seed)
        jumped = model._generator(seed, model._JUMPS).random(count) < CALIBRATED.jumps_a_year / 252
        sizes = model._generator(seed, model._JUMP_SIZES).standard_exponential(count)
        start = model._generator(seed, model._START).standard_normal(3)
        return [start, *normals.T[:5], np.where(jumped, sizes, 0.0)]

    both = path_of(Draws(*(np.stack(pair, axis=1) for pair in zip(*map(drawn, seeds), strict=True))))
    for market, seed in enumerate(seeds):
        one = sample_path(count, seed)
        for name in ("returns", "unexpected", "deviation"):
            assert np.array_equal(getattr(both, name)[:, market], getattr(one, name)), name
        assert np.array_equal(both.state.gusts[:, market], one.state.gusts)


def test_a_market_does_not_depend_on_those_beside_it(markets: PathMarkets) -> None:
    alone_drawn = draw_markets(SPEC.seed, [2], path_sessions(1), breadth=True)
    for name in ("spx", "spx_total_return", "vix", "bill", "overnight"):
        assert np.array_equal(column(getattr(alone_drawn, name), 0), column(getattr(markets, name), 2)), name
    assert np.array_equal(alone_drawn.settlements(2)[:, 0], markets.settlements(2)[:, 2])
    assert not np.array_equal(markets.spx[:, 0], markets.spx[:, 1])
    assert not np.array_equal(draw_markets(SPEC.seed + 1, [2], path_sessions(1)).spx, alone_drawn.spx)


def test_values_are_quoted_as_they_are_published(markets: PathMarkets) -> None:
    for values in (markets.spx, markets.spx_total_return, markets.vix):
        assert np.array_equal(values, values.round(2))
    settle = markets.settlements(1)
    assert np.allclose(np.rint(settle / 0.025) * 0.025, settle, rtol=0.0, atol=1e-9)
    assert (markets.overnight >= 0.0004).all()
    assert np.array_equal(markets.bill, np.round(100.0 * markets.bill, 2) / 100.0)


def test_sessions_are_those_of_the_calendar_with_its_expiries() -> None:
    sessions = path_sessions(10)
    assert len(sessions) == WARM_UP + 1 + 2520
    assert sessions.sessions[sessions.base].item() == dt.date(2016, 1, 4)
    # 16 December 2015 was an expiry: on the session before it one session is left, and none of the first contract.
    row = int(np.searchsorted(sessions.sessions, np.datetime64("2015-12-15")))
    assert sessions.ahead[row, 0] == 1
    assert sessions.contracts[row, :2].tolist() == [0.0, 1.0]
    # To 20 January 2016, without Christmas, New Year and Martin Luther King's day.
    assert sessions.ahead[row + 1, 0] == 22
    longest = path_sessions(30)
    assert len(longest) == WARM_UP + 1 + 30 * 252
    assert longest.sessions[-1].item() <= model.LAST_DAY


def test_the_bill_in_force_is_the_first_of_its_week() -> None:
    sessions = path_sessions(1)
    days = dict(zip(sessions.sessions.tolist(), range(len(sessions)), strict=True))
    # Columbus Day 2015: the stock market trades and still is on the bill of the week before.
    assert sessions.bill_row[days[dt.date(2015, 10, 12)]] == days[dt.date(2015, 10, 5)]
    assert sessions.bill_row[days[dt.date(2015, 10, 16)]] == days[dt.date(2015, 10, 13)]


def test_prices_of_futures_are_those_by_quadrature() -> None:
    """Over states that 30 years visit, and with a state outside the box of the interpolant."""
    path = sample_path(7560, 11).state
    rows = slice(None, None, 40)
    state = State(*(values[rows, np.newaxis].copy() for values in (path.fast, path.slow, path.index, path.gusts)))
    state.fast[0] = FAST[0] - 1.0
    surface = futures_surface()
    for ahead in (1, 10, 21, 45, 160):
        exact = Pricing(CALIBRATED).future(state, np.array(ahead))
        error = np.abs(surface.price(state, ahead) - exact)
        assert error[0] == 0.0
        assert np.quantile(error, 0.999) < 0.02
        assert error.max() < 0.05
        assert (surface.pricing.forward(state, ahead) > exact).all()


# --- the folds, to the bit


def test_the_short_term_index_is_that_of_one_market(markets: PathMarkets) -> None:
    sessions = markets.sessions
    first, second = markets.settlements(1), markets.settlements(2)
    found = short_term_index(first, second, sessions.contracts, sessions.front, sessions.bill_return(markets.bill))
    for market in range(MARKETS):
        settle = np.full((len(sessions), SLOTS), 1.0)
        settle[:, 0], settle[:, 1] = first[:, market], second[:, market]
        panel = SettlementPanel(
            sessions.sessions, sessions.calendar.vx_expiries, sessions.front, settle, np.zeros(settle.shape, np.int8)
        )
        one = futures_index(panel, SHORT_TERM, column(markets.bill, market), sessions.calendar)
        assert np.array_equal(found.change[1:, market], one.excess_return_change[1:])
        assert np.array_equal(found.total_change[1:, market], one.total_return_change[1:])


def test_veqtor_is_that_of_one_market(indices: PathIndices) -> None:
    sessions, markets = indices.sessions, indices.markets
    found = indices.veqtor()
    stops = 0
    for market in range(MARKETS):
        volatility = np.full(len(sessions), np.nan)
        volatility[sessions.base :] = indices.short_term.total_change[:, market]
        one = veqtor_history(
            sessions=sessions.sessions,
            base=sessions.base,
            spx=column(markets.spx, market),
            vix=column(markets.vix, market),
            equity_change=column(markets.equity_change, market),
            volatility_change=volatility,
            overnight=column(markets.overnight, market),
            rules=VEQTOR,
        )
        base = sessions.base
        assert np.array_equal(found.gross[1:, market], one.total_return_change[base + 1 :])
        held = one.weights(1)[base:]
        assert np.array_equal(found.volatility[:, market], held[:, 1])
        assert np.array_equal(found.equity[:, market], held[:, 0])
        stops += int(one.stop_loss.sum())
    assert stops > 0


def test_costs_are_those_of_one_market(indices: PathIndices) -> None:
    sessions, costs = indices.sessions, TradingCosts(equity=0.001, vx_points=0.1)
    found = indices.veqtor()
    cost = cost_of(found, indices.equity_change, indices.short_term, costs)
    for market in range(MARKETS):
        settle = np.full((len(indices.first), SLOTS), 1.0)
        settle[:, 0], settle[:, 1] = indices.first[:, market], indices.second[:, market]
        trades = index_trades(
            np.stack([found.equity[:, market], found.volatility[:, market]], axis=1),
            found.gross[:, market],
            indices.equity_change[:, market],
            sessions.contracts[sessions.base :],
            settle,
            sessions.front[sessions.base :],
            costs,
        )
        assert np.allclose(cost[:, market], trades.cost, rtol=1e-10, atol=1e-15)
        assert trades.cost.sum() > 0.001


def test_no_weight_depends_on_what_comes_after(markets: PathMarkets, indices: PathIndices) -> None:
    cut = 400
    spx, vix = markets.spx.copy(), markets.vix.copy()
    spx[cut:] *= np.linspace(1.0, 0.5, len(spx) - cut)[:, np.newaxis]
    vix[cut:] += 30.0
    changed = table_weights(spx, vix, VEQTOR)
    assert np.array_equal(changed[:cut], indices.decided[:cut])
    assert not np.array_equal(changed, indices.decided)
    base = indices.sessions.base
    equity = indices.equity_change.copy()
    equity[cut - base :] -= 0.02
    futures, cash = indices.short_term.total_change, indices.accrual
    before = indices.veqtor()
    after = with_stop_loss(indices.decided, equity, futures, cash, base, VEQTOR)
    assert np.array_equal(after.volatility[: cut - base + 1], before.volatility[: cut - base + 1])
    assert np.array_equal(after.equity[: cut - base + 1], before.equity[: cut - base + 1])
    assert after.stopped is not None
    assert before.stopped is not None
    assert (after.stopped.sum(axis=0) > before.stopped.sum(axis=0)).all()


def test_weights_are_whole_or_cash(indices: PathIndices) -> None:
    found = indices.veqtor()
    assert found.stopped is not None
    total = found.equity + found.volatility
    assert (total[found.stopped] == 0.0).all()
    assert (total[~found.stopped] == 1.0).all()
    assert set(np.unique(found.volatility)) <= {0.0, 0.025, 0.1, 0.15, 0.25, 0.4}


# --- what is said of them


def test_a_chunk_is_the_same_however_it_is_asked_for() -> None:
    three, one = index_chunk(SPEC, 0, 3), index_chunk(SPEC, 0, 1)
    assert index_chunk(SPEC, 0, 1) == one
    for name, figures in one.items():
        for key, values in figures.items():
            assert three[name][key][:1] == values, (name, key)
    with pytest.raises(ValueError, match="1 to 500"):
        index_chunk(SPEC, 0, 501)


def test_statistics_of_two_returns() -> None:
    """A rise of 10%, then a fall of a fifth; cash earns 1% in each."""
    returns, cash = np.array([[0.10], [-0.20]]), np.full((2, 1), 0.01)
    found = {key: value.item() for key, value in alone(returns, cash, 365).items()}
    assert found["growth"] == pytest.approx((1.1 * 0.8) ** (365.25 / 365) - 1.0)
    assert found["volatility"] == pytest.approx(0.3 / math.sqrt(2.0) * math.sqrt(252.0))
    assert found["sharpe"] == pytest.approx(-0.06 / (0.3 / math.sqrt(2.0)) * math.sqrt(252.0))
    assert found["max_drawdown"] == pytest.approx(-0.2)
    assert found["worst_day"] == -0.2
    half = {key: np.array([value]) for key, value in found.items()}
    deeper = half | {"max_drawdown": np.array([-0.4])}
    assert against(half, deeper)["drawdown_reduction"].item() == pytest.approx(0.5)


def test_quantiles_error_fit_and_sentences() -> None:
    own = {"growth": [0.05, 0.06, 0.07], "drag": [-0.01, -0.02, 0.01], "drawdown_reduction": [0.2, 0.3, -0.1],
           "sharpe_gain": [0.1, 0.0, -0.1], "max_drawdown": [-0.2, -0.3, -0.4]}  # fmt: skip
    chunk = {"market": {"vix_mean": [15.0, 20.0, 25.0]}, "sp500": {"growth": [0.06, 0.08, 0.06]}, "veqtor": own}
    found = monte_carlo(SPEC, [chunk, chunk], [], {"vix_mean": 30.0})
    drag = next(each for each in found.indices if (each.track, each.statistic) == ("veqtor", "drag"))
    assert (drag.paths, drag.quantiles[2]) == (6, -0.01)
    assert drag.mean == pytest.approx(-0.02 / 3.0)
    assert {each.track for each in found.indices} == {"sp500", "veqtor"}
    row = found.fit[0]
    assert (row.label, row.recorded, row.median) == ("VIX: mean", 30.0, 20.0)
    assert "grew 1.00 points a year less than the S&P 500 in the median" in found.sentences[0]
    assert "more in 33.3% of them (standard error 19.2%)" in found.sentences[0]
    assert "0 of 1 recorded moments" in found.sentences[-1]
    assert "not VIX: mean" in found.sentences[-1]


def test_the_error_of_a_median_is_that_of_a_normal_law() -> None:
    """Of so many standard normal numbers it is the root of pi over twice their number."""
    values = np.random.default_rng(3).standard_normal(40_000)
    assert median_error(values) == pytest.approx(math.sqrt(math.pi / 2.0 / 40_000), rel=0.15)
    # Of the numbers from 0 to 59 in some order: half the root of 60 of them on either side.
    assert median_error(np.roll(np.arange(60.0), 17)) == pytest.approx(math.sqrt(60.0) / 2.0)
    assert median_error(np.array([3.0])) == 0.0


def test_condors_on_paths_are_told_over_all_skews() -> None:
    paired = {"drag": [-0.01, -0.02, -0.03], "drawdown_reduction": [0.1, 0.2, 0.3], "sharpe_gain": [0.0, 0.1, 0.2]}
    steep = {"drag@1.3": [-0.02] * 3, "drawdown_reduction@1.3": [-0.5, -0.4, -0.3], "sharpe_gain@1.3": [0.3] * 3}
    found = monte_carlo(SPEC, [], [{"condor": {"growth": [0.0] * 3}, "condor+x": paired | steep}], {})
    figures = {each.statistic: each for each in found.hedged if each.track == "condor+x"}
    assert set(figures) == set(paired)
    ((median, error),) = figures["drawdown_reduction"].swept
    assert (figures["drawdown_reduction"].quantiles[2], median) == (0.2, -0.4)
    assert error == pytest.approx(0.1 * math.sqrt(3.0) / 2.0)
    assert "over all of them growth changes by -2.00 to -2.00 points in the median" in found.sentences[0]
    assert "-40.0% to 20.0% less deep: whether it is less deep depends on the skew." in found.sentences[0]


def test_what_hedges_gain_is_part_of_the_fit() -> None:
    chunk = {"sp500+x": {"hedge_profit": [-0.03, -0.02, -0.01], "hedge_month": [0.1, 0.2, 0.3]}}
    found = fit_rows({"hedge_profit x": -0.01, "hedge_month x": 0.5}, [], [chunk])
    assert [(row.label, row.recorded, row.median) for row in found] == [
        ("x: profit of the hedge a year", -0.01, -0.02),
        ("x: best month of the hedge", 0.5, 0.2),
    ]


def test_what_a_hedge_gains_by_itself() -> None:
    """A loss of a basis point a day but for one gain, less half-spreads at twice their size."""
    profit, nothing = np.full(100, -0.0001), np.zeros(100)
    profit[:10], profit[60] = np.nan, 0.2
    line = HedgeLine("x", profit, nothing + 0.00005, nothing, nothing, nothing, nothing)
    found = hedge_moments(line, TradingCosts(vix_option=2.0))
    assert found["hedge_profit"] == pytest.approx((0.2 - 89 * 0.0001 - 90 * 0.0001) / 90 * 252)
    assert found["hedge_month"] == pytest.approx(0.2 - 20 * 0.0001 - 21 * 0.0001)
    assert hedge_moments(line, TradingCosts(), 79) == {"hedge_profit": None, "hedge_month": None}


def test_recorded_extremes_are_those_of_stretches_as_long_as_a_path() -> None:
    """A VIX that is one higher in each month: the highest of stretches of 42 sessions, and their median."""
    vix, ones = np.repeat(np.arange(8.0), 21) + 10.0, np.ones(168)
    spx = np.exp(np.random.default_rng(5).standard_normal(168))
    series = Series(spx, vix, ones, ones, 0.01 * ones[1:], ones[1:] > 2.0)
    # They begin at rows 0, 21, ... 105, and hold the close before their first return: 12, 13, ... 17.
    assert measured_like(series, 42)["vix_max"] == 14.5
    assert measured_like(series, 400)["vix_max"] == measured(series)["vix_max"] == 17.0
    assert measured_like(series, 42)["vix_mean"] == measured(series)["vix_mean"]


def test_rows_are_worked_on_in_pieces() -> None:
    values = np.arange(30_000.0).reshape(10_000, 3)
    product, total = np.empty_like(values), np.empty_like(values)
    by_rows(lambda one, two: (one * two, one + two), values, values, out=(product, total))
    assert np.array_equal(product, values**2)
    assert np.array_equal(total, 2.0 * values)
