from __future__ import annotations

import dataclasses
import datetime as dt
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.calendar import TradingCalendar, trading_calendar
from signals.errors import ConfigurationError
from signals.inputs import resolve
from signals.market import HISTORY_START, market_history
from signals.sample_market import model
from signals.sample_market.facts import FACTS, MarketSeries, measure, runs, tail_index
from signals.sample_market.model import DEFAULT_SEED, SampleMarket, sample_market, sample_path
from signals.sample_market.observations import market_data
from signals.sample_market.parameters import CALIBRATED, described
from signals.sample_market.pricing import SESSIONS_PER_YEAR, VIX_WINDOW, Pricing, State, nodes_of_cumulants
from signals.veqtor.signal import veqtor_signals
from tests.conftest import RECORDED_LAST, ROOT

pytestmark = pytest.mark.server

DOCUMENT = (ROOT / "docs/sample-market.md").read_text()


@pytest.fixture(scope="module")
def market() -> SampleMarket:
    return sample_market(trading_calendar(), RECORDED_LAST)


@pytest.fixture(scope="module")
def facts(market: SampleMarket) -> dict[str, float]:
    calendar = trading_calendar()
    signals = veqtor_signals(resolve(market_history(market_data(market), calendar, RECORDED_LAST), calendar))
    breadth = (market.advances.astype(float), market.declines.astype(float))
    return measure(MarketSeries(signals, market.vix3m, market.vvix, *breadth))


def arrays(market: SampleMarket) -> dict[str, np.ndarray]:
    """Every array of a market by name."""
    found: dict[str, np.ndarray] = {}
    for field in dataclasses.fields(market):
        value = getattr(market, field.name)
        if isinstance(value, np.ndarray):
            found[field.name] = value
        elif field.name in ("dff", "dtb3", "irx"):
            found[f"{field.name} days"], found[field.name] = value
    for contract in market.contracts:
        found[f"{contract.expiry} days"], found[f"{contract.expiry}"] = contract.days, contract.settlements
    return found


# --- the same numbers, whenever and however far they are drawn


def test_the_same_seed_gives_the_same_market(market: SampleMarket) -> None:
    again = arrays(sample_market(trading_calendar(), RECORDED_LAST, DEFAULT_SEED))
    assert again.keys() == arrays(market).keys()
    assert all(np.array_equal(again[name], values) for name, values in arrays(market).items())


def test_another_seed_is_another_market(market: SampleMarket) -> None:
    other = sample_market(trading_calendar(), dt.date(2006, 6, 30), DEFAULT_SEED + 1)
    assert not np.isclose(other.spx[1:], market.spx[1 : len(other.spx)]).any()
    assert abs(np.corrcoef(np.diff(other.vix), np.diff(market.vix[: len(other.vix)]))[0, 1]) < 0.1


@settings(max_examples=4, deadline=None)
@given(st.dates(HISTORY_START, dt.date(2007, 12, 31)), st.integers(0, 2**63))
def test_a_longer_market_begins_with_the_shorter_one(through: dt.date, seed: int) -> None:
    short = arrays(sample_market(trading_calendar(), through, seed))
    long = arrays(sample_market(trading_calendar(), through + dt.timedelta(days=500), seed))
    for name, values in short.items():
        assert np.array_equal(values, long[name][: len(values)]), name


@pytest.mark.parametrize("through", [HISTORY_START - dt.timedelta(days=1), model.LAST_DAY + dt.timedelta(days=1)])
def test_a_market_that_cannot_be_drawn_is_refused(through: dt.date, calendar: TradingCalendar) -> None:
    with pytest.raises(ConfigurationError, match="2004-01-02 to 2039-03-31"):
        sample_market(calendar, through)


def test_the_first_and_the_last_day_can_be_drawn(calendar: TradingCalendar) -> None:
    assert len(sample_market(calendar, HISTORY_START).sessions) == 1
    last = sample_market(calendar, model.LAST_DAY)
    assert last.sessions[-1] == np.datetime64(model.LAST_DAY)


# --- plausible quotes


@pytest.mark.parametrize("seed", [DEFAULT_SEED, 4])
def test_every_price_is_plausible(seed: int, calendar: TradingCalendar) -> None:
    market = sample_market(calendar, RECORDED_LAST, seed)
    for name, values in arrays(market).items():
        if "days" not in name and name != "sessions":
            assert np.isfinite(values).all(), name
            assert (values >= 0.0).all(), name
    assert market.spx.min() > 100.0
    assert market.vix.min() > model.LOWEST_QUOTE
    assert market.vix.max() < model.HIGHEST_QUOTE
    settled = np.concatenate([contract.settlements for contract in market.contracts])
    assert model.LOWEST_QUOTE < settled.min() < settled.max() < market.vix.max() + 1.0
    assert np.abs(np.diff(np.log(market.spx))).max() < 0.35


def test_values_are_rounded_as_they_are_published(market: SampleMarket) -> None:
    for values in (market.spx, market.spx_total_return, market.vix, market.vix3m, market.vvix, market.dff[1]):
        assert np.array_equal(values, values.round(2))
    for contract in market.contracts:
        before_expiry = contract.settlements[contract.days < np.datetime64(contract.expiry)]
        assert np.allclose(np.rint(before_expiry / 0.025) * 0.025, before_expiry, rtol=0.0, atol=1e-9)


def test_nine_contracts_are_listed_on_every_session(market: SampleMarket) -> None:
    listed = np.zeros(len(market.sessions), dtype=int)
    for contract in market.contracts:
        listed[np.searchsorted(market.sessions, contract.days[contract.days < np.datetime64(contract.expiry)])] += 1
    assert set(listed.tolist()) == {model.LISTED_CONTRACTS}


def test_the_total_return_index_and_the_fund_earn_the_dividends(market: SampleMarket) -> None:
    years = (len(market.sessions) - 1) / SESSIONS_PER_YEAR
    price, total, fund = (
        float(np.log(values[-1] / values[0])) / years
        for values in (market.spx, market.spx_total_return, market.spy_adjusted)
    )
    assert total - price == pytest.approx(CALIBRATED.dividend_yield, abs=1e-5)
    assert total - fund == pytest.approx(CALIBRATED.fund_fee, abs=1e-5)


def test_rates_have_their_own_days_and_never_fall_below_zero(market: SampleMarket) -> None:
    days, funds = market.dff
    assert len(days) == (RECORDED_LAST - HISTORY_START).days + 1
    missing = np.setdiff1d(market.sessions, market.dtb3[0])
    assert np.datetime64("2024-10-14") in missing  # Columbus Day
    assert np.datetime64("2024-11-11") in missing  # Veterans Day
    assert 1.4 < len(missing) / 22.5 < 2.1
    assert np.array_equal(market.irx[0], market.sessions)
    assert min(rates.min() for rates in (funds, market.dtb3[1], market.irx[1])) >= 0.0
    # Policy moves at decisions only, in quarter points: in between the funds rate stays in its range.
    moved = np.flatnonzero(np.abs(np.diff(funds)) > 0.12)
    assert set(((moved + 1) % 46).tolist()) <= {0}


# --- one model prices everything


@pytest.fixture(scope="module")
def pricing() -> Pricing:
    return Pricing(CALIBRATED)


def states(market_rows: slice = slice(0, 3000, 500)) -> State:
    """A few states that the default market visits."""
    path = sample_path(3000, DEFAULT_SEED)
    return State(
        *(values[market_rows] for values in (path.state.fast, path.state.slow, path.state.index, path.state.gusts))
    )


def test_a_future_is_the_vix_at_expiry(market: SampleMarket, pricing: Pricing) -> None:
    state = states()
    assert pricing.future(state, np.array(0)) == pytest.approx(pricing.vix(state), rel=1e-12)
    for contract in market.contracts[:200]:
        assert contract.settlements[-1] == market.vix[market.sessions == np.datetime64(contract.expiry)]


def test_the_curve_converges_to_the_vix_as_expiry_comes(market: SampleMarket) -> None:
    gaps: dict[int, list[float]] = {1: [], 5: [], 20: [], 60: []}
    for contract in market.contracts[9:200]:
        at_expiry = market.vix[market.sessions == np.datetime64(contract.expiry)][0]
        for sessions, found in gaps.items():
            found.append(abs(contract.settlements[-1 - sessions] / at_expiry - 1.0))
    medians = [float(np.median(found)) for found in gaps.values()]
    assert medians == sorted(medians)
    assert medians[0] < 0.06


def expected_variance(fast: np.ndarray, slow: np.ndarray) -> np.ndarray:
    p = CALIBRATED
    return np.exp(fast) * (p.slow_floor + p.slow_scale * np.exp(slow))


def drawn_under_q(state: State, row: int, sessions: int, paths: int) -> tuple[State, np.ndarray]:
    """States of many paths under the pricing measure, and the mean variance on the way."""
    p, random = CALIBRATED, np.random.default_rng(7)
    fast, slow, index, gusts = (
        np.full(paths, values[row]) for values in (state.fast, state.slow, state.index, state.gusts)
    )
    total = np.zeros(paths)
    jumps = p.jumps_a_year / SESSIONS_PER_YEAR
    for _ in range(sessions):
        total += expected_variance(fast, slow) / sessions
        noise = np.clip(random.standard_normal(paths), -model.NOISE_LIMIT, model.NOISE_LIMIT)
        move = random.standard_normal(paths) * np.exp(0.5 * p.day_noise * noise - 0.25 * p.day_noise**2)
        fast_shock, slow_shock = (
            rho * move + (1.0 - rho**2) ** 0.5 * random.standard_normal(paths)
            for rho in (p.fast_correlation, p.slow_correlation)
        )
        sizes = random.exponential(1.0, paths) * random.poisson(jumps * p.jump_premium, paths)
        fast = p.fast_persistence_q * fast + p.fast_drift_q + p.fast_volatility * np.sqrt(gusts) * fast_shock
        fast += p.jump_in_variance * (sizes - jumps)
        slow = p.slow_persistence_q * slow + p.slow_drift_q + p.slow_volatility * np.sqrt(gusts) * slow_shock
        index = p.index_persistence * index + p.index_volatility * random.standard_normal(paths)
        # Prices take the gusts to fade along the path expected of them.
        gusts = gusts + (1.0 - p.gusts_persistence) * (1.0 - gusts)
        gusts += p.gusts_jump * jumps * (p.jump_premium - 1.0)
    return State(fast, slow, index, gusts), total


@pytest.mark.parametrize("row", [0, 3])
def test_prices_are_expectations_of_the_model(pricing: Pricing, row: int) -> None:
    state = states()
    later, variance = drawn_under_q(state, row, VIX_WINDOW, 20_000)
    # What is left is the error of the mean of so many paths.
    future = pricing.future(state, np.array(VIX_WINDOW))[row]
    assert float(pricing.vix(later).mean()) == pytest.approx(future, rel=0.006)
    vix = 100.0 * np.sqrt(CALIBRATED.variance_premium * variance.mean()) * np.exp(state.index[row])
    assert float(vix) == pytest.approx(pricing.vix(state)[row], rel=0.006)
    log_contract = 2.0 * (np.log(pricing.vix(later).mean()) - np.log(pricing.vix(later)).mean())
    vvix = 100.0 * np.sqrt(log_contract * SESSIONS_PER_YEAR / VIX_WINDOW)
    assert float(vvix) == pytest.approx(pricing.vvix(state)[row], rel=0.03)


def test_the_quadrature_of_a_law_has_its_moments() -> None:
    # A gamma law of shape 2: its cumulants are 2 (n - 1)!, its moments (n + 1)!.
    nodes, weights = nodes_of_cumulants([2.0, 2.0, 4.0, 12.0, 48.0, 240.0])
    assert [float((weights * nodes**order).sum()) for order in range(6)] == pytest.approx([1, 2, 6, 24, 120, 720])


# --- the fit

#: Recorded figure and tolerance of the default market, relative; windows in docs/sample-market.md.
FIT = {
    "spx_abs_acf66": (0.1129, 0.05),
    "vix_spx": (-0.8155, 0.05),
    "vix_mean": (18.98, 0.05),
    "vix_q50": (16.64, 0.05),
    "vix_q75": (21.67, 0.05),
    "vix_q95": (33.6, 0.05),
    "vix_max": (82.69, 0.05),
    "vix_acf1": (0.9752, 0.05),
    "vix_acf66": (0.5072, 0.05),
    "vix_volatility": (118.7, 0.05),
    "vix_premium": (3.473, 0.05),
    "vix_premium_share": (83.84, 0.05),
    "vix3m_ratio": (1.109, 0.05),
    "vvix_mean": (93.88, 0.05),
    "vvix_q50": (91.18, 0.05),
    "vvix_q95": (122.5, 0.05),
    "vx_contango": (82.4, 0.05),
    "vx_basis": (1.044, 0.05),
    "vx_slope12": (1.056, 0.05),
    "vx_slope25": (1.069, 0.05),
    "vx_beta1": (0.6181, 0.05),
    "vx_beta5": (0.2165, 0.05),
    "vx_corr1": (0.9065, 0.05),
    "mt_return": (-12.79, 0.05),
    "mt_volatility": (32.79, 0.05),
    "regime_0": (28.29, 0.05),
    "regime_1": (50.41, 0.05),
    "trend_+0": (56.54, 0.05),
    "veqtor_return": (8.615, 0.05),
    "veqtor_volatility": (10.64, 0.05),
    "breadth_spx": (0.8378, 0.05),
    "spx_return": (8.72, 0.15),
    "spx_volatility": (18.78, 0.1),
    "spx_kurtosis": (13.47, 0.1),
    "spx_tail_down": (2.703, 0.1),
    "spx_tail_up": (2.632, 0.1),
    "spx_abs_acf1": (0.3129, 0.1),
    "spx_rv_mean": (15.51, 0.1),
    "vix_q5": (11.2, 0.1),
    "vix_acf22": (0.7336, 0.1),
    "vvix_acf22": (0.5403, 0.1),
    "vx_cm30_volatility": (69.71, 0.1),
    "vx_beta2": (0.415, 0.1),
    "st_return": (-44.89, 0.1),
    "st_volatility": (71.79, 0.1),
    "regime_2": (16.98, 0.1),
    "trend_-1": (27.42, 0.1),
    "spxtr_return": (11.02, 0.1),
    "stop_days": (15.76, 0.1),
    "breadth_volatility": (30.62, 0.1),
    "spx_worst": (-11.98, 0.3),
    "spx_drawdown": (-56.78, 0.3),
    "spx_abs_acf5": (0.3621, 0.3),
    "vix_q99": (54.64, 0.3),
    "vix_min": (9.14, 0.3),
    "vvix_max": (207.6, 0.3),
    "vx_stress5": (31.94, 0.3),
    "vx_inversion_mean": (6.08, 0.3),
    "vx_inversion_longest": (77, 0.3),
    "regime_3": (1.621, 0.3),
    "regime_4": (2.702, 0.3),
    "trend_+1": (16.04, 0.3),
    "stop_episodes": (6.808, 0.3),
    "dff_mean": (1.742, 0.3),
    "dff_max": (5.41, 0.3),
}


@pytest.mark.parametrize("key", FIT)
def test_the_default_market_is_like_the_recorded_one(facts: dict[str, float], key: str) -> None:
    recorded, tolerance = FIT[key]
    assert facts[key] == pytest.approx(recorded, rel=tolerance)


def test_facts_are_measured_on_whole_runs_and_tails() -> None:
    assert runs(np.array([True, True, False, True])).tolist() == [2, 1]
    pareto = (1.0 - np.random.default_rng(1).random(200_000)) ** (-1.0 / 3.0)
    assert tail_index(pareto) == pytest.approx(3.0, rel=0.05)


def test_every_fact_has_a_key_of_its_own(facts: dict[str, float]) -> None:
    assert list(facts) == [fact.key for fact in FACTS]
    assert all(np.isfinite(value) for value in facts.values())


# --- the document says what the code does


def test_the_document_lists_every_parameter_as_it_is() -> None:
    for name, value, unit, meaning in described(CALIBRATED):
        assert f"| `{name}` | {value:g} | {unit} | {meaning} |" in DOCUMENT
    assert set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE)) == {name for name, *_ in described(CALIBRATED)}


def test_the_document_shows_the_default_market_as_it_is(facts: dict[str, float]) -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \|(?:[^|]*\|){4} ([-0-9.]+) \| *(?:outside)? *\|$", DOCUMENT, re.MULTILINE))
    shown = [fact for fact in FACTS if fact.label in rows]
    assert len(shown) > 75
    for fact in shown:
        assert float(rows[fact.label]) == pytest.approx(facts[fact.key], rel=0.006, abs=0.006), fact.label
