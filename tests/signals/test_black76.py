from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vollib.black import black
from vollib.black.greeks import analytical
from vollib.black.implied_volatility import implied_volatility as reference_implied_volatility

from signals.alvh.black76 import (
    DAYS_PER_YEAR,
    Floats,
    delta,
    erf,
    erfc,
    greeks,
    implied_volatility,
    normal_cdf,
    normal_pdf,
    price,
)

pytestmark = pytest.mark.server

FORWARDS = st.floats(9.0, 90.0)
MONEYNESS = st.floats(0.4, 4.0)
YEARS = st.floats(1.0 / DAYS_PER_YEAR, 0.7)
VOLATILITIES = st.floats(0.2, 2.5)
RATES = st.floats(-0.01, 0.08)


def sample(count: int = 300) -> tuple[Floats, Floats, Floats, Floats, Floats, np.ndarray]:
    """Options as they occur on the VIX: forward, strike, years, volatility, rate, call."""
    random = np.random.default_rng(76)
    forward = random.uniform(9.0, 80.0, count)
    strike = forward * np.exp(random.uniform(-1.0, 1.5, count))
    return (
        forward,
        strike,
        random.uniform(2.0, 250.0, count) / DAYS_PER_YEAR,
        random.uniform(0.2, 2.5, count),
        random.uniform(-0.01, 0.07, count),
        random.random(count) < 0.5,
    )


def test_the_error_function_equals_that_of_the_standard_library() -> None:
    # Closely around the borders of Cody's intervals, and coarsely everywhere.
    around = [border + np.linspace(-1e-6, 1e-6, 201) for border in (0.0, 0.46875, 4.0)]
    points = np.concatenate([np.linspace(-6.0, 6.0, 50_001), *around])
    assert np.abs(erf(points) - [math.erf(x) for x in points]).max() <= 1e-15
    expected = np.array([math.erfc(x) for x in points])
    assert (np.abs(erfc(points) - expected) / expected).max() <= 2e-15


def test_the_tail_of_the_error_function_keeps_its_digits() -> None:
    points = np.linspace(4.0, 26.2, 20_001)
    expected = np.array([math.erfc(x) for x in points])
    assert (np.abs(erfc(points) - expected) / expected).max() <= 2e-15


def test_the_error_function_at_infinity_and_of_nothing() -> None:
    assert erf([np.inf, -np.inf, 0.0]).tolist() == [1.0, -1.0, 0.0]
    assert erfc([np.inf, -np.inf, 0.0, 30.0, -30.0]).tolist() == [0.0, 2.0, 1.0, 0.0, 2.0]
    assert np.isnan(erf(np.nan))
    assert np.isnan(erfc(np.nan))
    assert normal_cdf([-np.inf, 0.0, np.inf]).tolist() == [0.0, 0.5, 1.0]
    assert normal_pdf([-np.inf, np.inf, 60.0]).tolist() == [0.0, 0.0, 0.0]


def test_the_published_example() -> None:
    # Hull, Options, Futures, and Other Derivatives: a put on a crude oil future at the money, 4 months, 9%, 25%.
    assert float(price(20.0, 20.0, 4 / 12, 0.25, 0.09, call=False)) == pytest.approx(1.12, abs=0.005)
    assert float(price(60.0, 60.0, 4 / 12, 0.25, 0.09, call=False)) == pytest.approx(3.35, abs=0.005)


def test_prices_and_greeks_equal_those_of_vollib() -> None:
    columns = sample()
    ours = greeks(*columns[:5], call=columns[5])
    names = ("delta", "gamma", "vega", "theta")
    for row, (future, struck, years, sigma, rate, is_call) in enumerate(zip(*columns, strict=True)):
        flag = "c" if is_call else "p"
        expected = black(flag, future, struck, sigma=sigma, r=rate, t=years)
        assert ours.price[row] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        for name in names:
            reference = getattr(analytical, name)(flag, future, struck, years, rate, sigma)
            assert getattr(ours, name)[row] == pytest.approx(reference, rel=1e-9, abs=1e-12), name


def test_implied_volatilities_equal_those_of_vollib() -> None:
    forward, strike, years, sigma, rate, call = sample()
    premium = price(forward, strike, years, sigma, rate, call=call)
    found = implied_volatility(premium, forward, strike, years, rate, call=call)
    intrinsic = np.maximum(np.where(call, forward - strike, strike - forward), 0.0) * np.exp(-rate * years)
    for row in np.flatnonzero(premium - intrinsic > 1e-3).tolist():
        flag = "c" if call[row] else "p"
        expected = reference_implied_volatility(premium[row], forward[row], strike[row], rate[row], years[row], flag)
        assert found[row] == pytest.approx(expected, rel=1e-9)
        assert found[row] == pytest.approx(sigma[row], rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(FORWARDS, MONEYNESS, YEARS, VOLATILITIES, RATES)
def test_put_call_parity(forward: float, moneyness: float, years: float, sigma: float, rate: float) -> None:
    strike = forward * moneyness
    call, put = (price(forward, strike, years, sigma, rate, call=is_call) for is_call in (True, False))
    assert float(call - put) == pytest.approx(math.exp(-rate * years) * (forward - strike), abs=1e-12 * strike + 1e-12)


@settings(max_examples=200, deadline=None)
@given(FORWARDS, YEARS, VOLATILITIES, RATES)
def test_prices_fall_with_the_strike_are_convex_and_bounded(
    forward: float, years: float, sigma: float, rate: float
) -> None:
    strikes = forward * np.linspace(0.2, 6.0, 200)
    discount = math.exp(-rate * years)
    rounding = 1e-12 * forward
    calls = price(forward, strikes, years, sigma, rate)
    assert (np.diff(calls) <= rounding).all()
    assert (np.diff(calls) >= -discount * np.diff(strikes) - rounding).all()
    assert (np.diff(calls, 2) >= -rounding).all()
    assert (calls >= discount * np.maximum(forward - strikes, 0.0) - rounding).all()
    assert (calls <= discount * forward + rounding).all()
    puts = price(forward, strikes, years, sigma, rate, call=False)
    assert (np.diff(puts) >= -rounding).all()
    assert (puts <= discount * strikes + rounding).all()


@settings(max_examples=100, deadline=None)
@given(FORWARDS, st.floats(0.7, 1.6), st.floats(5.0 / 365, 0.7), VOLATILITIES, RATES, st.booleans())
def test_greeks_are_the_slopes_of_the_price(
    forward: float, moneyness: float, years: float, sigma: float, rate: float, call: bool
) -> None:
    strike = forward * moneyness

    def worth(up: float = 0.0, more: float = 0.0, later: float = 0.0) -> float:
        return float(price(forward + up, strike, years - later, sigma + more, rate, call=call))

    found = greeks(forward, strike, years, sigma, rate, call=call)
    step = forward * 1e-4
    assert float(found.delta) == pytest.approx((worth(step) - worth(-step)) / (2 * step), abs=1e-5)
    curvature = (worth(step) - 2 * worth() + worth(-step)) / step**2
    assert float(found.gamma) == pytest.approx(curvature, rel=1e-3, abs=1e-6)
    assert float(found.vega) == pytest.approx((worth(more=1e-5) - worth(more=-1e-5)) / 2e-5 / 100, abs=1e-7)
    moment = 1e-4 / DAYS_PER_YEAR
    decay = (worth(later=moment) - worth(later=-moment)) / 2e-4
    assert float(found.theta) == pytest.approx(decay, rel=1e-5, abs=1e-7)
    assert float(delta(forward, strike, years, sigma, rate, call=call)) == float(found.delta)


@settings(max_examples=200, deadline=None)
@given(FORWARDS, MONEYNESS, YEARS, VOLATILITIES, RATES, st.booleans())
def test_an_implied_volatility_gives_its_price_back(
    forward: float, moneyness: float, years: float, sigma: float, rate: float, call: bool
) -> None:
    strike = forward * moneyness
    premium = price(forward, strike, years, sigma, rate, call=call)
    found = implied_volatility(premium, forward, strike, years, rate, call=call)
    assert math.isfinite(float(found))
    again = float(price(forward, strike, years, found, rate, call=call))
    assert again == pytest.approx(float(premium), rel=1e-9, abs=1e-13 * max(forward, strike))


@pytest.mark.parametrize("years", [0.0, 0.1])
def test_without_time_or_volatility_a_price_is_what_exercise_pays(years: float) -> None:
    sigma, rate = (0.0, 0.05) if years else (0.9, 0.05)
    discount = math.exp(-rate * years)
    strikes = np.array([15.0, 20.0, 25.0])
    calls = greeks(20.0, strikes, years, sigma, rate)
    assert calls.price == pytest.approx(discount * np.array([5.0, 0.0, 0.0]))
    assert calls.delta == pytest.approx(discount * np.array([1.0, 0.5, 0.0]))
    assert calls.gamma.tolist() == [0.0, 0.0, 0.0]
    puts = greeks(20.0, strikes, years, sigma, rate, call=False)
    assert puts.price == pytest.approx(discount * np.array([0.0, 0.0, 5.0]))
    assert puts.delta == pytest.approx(discount * np.array([0.0, -0.5, -1.0]))
    if years == 0.0:
        assert calls.theta.tolist() == calls.vega.tolist() == [0.0, 0.0, 0.0]
    else:
        assert calls.theta[0] == pytest.approx(rate * calls.price[0] / DAYS_PER_YEAR)


def test_deep_strikes_keep_their_digits_and_never_turn_negative() -> None:
    far = greeks(15.0, [1e-3, 1e3, 1e6], 30 / DAYS_PER_YEAR, 0.8, 0.05)
    assert far.price[0] == pytest.approx(math.exp(-0.05 * 30 / DAYS_PER_YEAR) * (15.0 - 1e-3))
    assert 0.0 <= far.price[2] <= far.price[1] < 1e-60
    assert (far.price >= 0.0).all()
    assert far.delta[0] == pytest.approx(math.exp(-0.05 * 30 / DAYS_PER_YEAR))


@pytest.mark.parametrize(
    "arguments",
    [
        (np.nan, 20.0, 0.1, 0.9, 0.05),
        (20.0, np.nan, 0.1, 0.9, 0.05),
        (20.0, 20.0, np.nan, 0.9, 0.05),
        (20.0, 20.0, 0.1, np.nan, 0.05),
        (20.0, 20.0, 0.1, 0.9, np.nan),
        (0.0, 20.0, 0.1, 0.9, 0.05),
        (20.0, -1.0, 0.1, 0.9, 0.05),
        (20.0, 20.0, -0.1, 0.9, 0.05),
        (20.0, 20.0, 0.1, -0.9, 0.05),
    ],
)
def test_what_is_missing_or_impossible_is_nan_without_a_warning(arguments: tuple[float, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = greeks(*arguments)
    for values in (found.price, found.delta, found.gamma, found.vega, found.theta):
        assert np.isnan(values)


def test_a_price_that_no_volatility_gives_has_none() -> None:
    discount = math.exp(-0.05 * 0.1)
    too_low, too_high = discount * 5.0 - 0.01, discount * 20.0
    assert np.isnan(implied_volatility(too_low, 20.0, 15.0, 0.1, 0.05))
    assert np.isnan(implied_volatility(too_high, 20.0, 15.0, 0.1, 0.05))
    assert np.isnan(implied_volatility([-1.0, np.nan, 1.0], 20.0, 20.0, [0.1, 0.1, 0.0], 0.05)).all()
    assert np.isnan(implied_volatility(discount * 22.0, 20.0, 22.0, 0.1, 0.05, call=False))


def test_a_price_without_time_value_has_a_volatility_of_zero() -> None:
    assert implied_volatility([0.0, 5.0], 20.0, [22.0, 15.0], 0.1).tolist() == [0.0, 0.0]


def test_arguments_of_any_shape_are_broadcast() -> None:
    grid = price(np.array([[15.0], [20.0]]), np.array([15.0, 20.0, 25.0]), 0.1, 0.9, call=np.array([True, False, True]))
    assert grid.shape == (2, 3)
    assert float(grid[1, 1]) == float(price(20.0, 20.0, 0.1, 0.9, call=False))
    volatilities = implied_volatility(
        grid, np.array([[15.0], [20.0]]), [15.0, 20.0, 25.0], 0.1, call=[True, False, True]
    )
    assert volatilities == pytest.approx(np.full((2, 3), 0.9))
    assert implied_volatility([], [], [], []).shape == (0,)


def test_a_value_does_not_depend_on_what_stands_beside_it() -> None:
    columns = sample(997)
    whole = greeks(*columns[:5], call=columns[5])
    for row in range(0, 997, 83):
        alone = greeks(*(column[row] for column in columns[:5]), call=columns[5][row])
        for name in ("price", "delta", "gamma", "vega", "theta"):
            assert float(getattr(alone, name)) == getattr(whole, name)[row], name
