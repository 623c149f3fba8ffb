"""The surface of S&P 500 options: it prices the VIX again, admits no arbitrage, and looks like three days' quotes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from vollib.black import black
from vollib.black.greeks.analytical import delta as black_delta

from signals.study.condor.surface import SKEWS, SURFACE, smile_ratio, swap_deviation

pytestmark = pytest.mark.server

MONTH = 30.0 / 365.0


def cboe_index(vix: float, skew: float, forward: float, step: float) -> float:
    """Cboe's formula, off a strip of quotes that ends where an option is worth less than a bid of 0.05.

    Volatility Index Methodology (Cboe), step 2: 2/T sum of dK/K^2 e^RT Q(K) - 1/T (F/K0 - 1)^2.
    """
    surface = SURFACE.skewed(skew)
    middle = float(surface.at_the_money(vix / 100.0 * math.sqrt(MONTH)))
    strikes = np.arange(step, 3.0 * forward, step)
    below = strikes[strikes <= forward][-1]
    quotes = []
    for strike in strikes.tolist():
        volatility = float(surface.deviation(forward, strike, middle)) / math.sqrt(MONTH)
        put, call = (black(flag, forward, strike, MONTH, 0.0, volatility) for flag in "pc")
        quotes.append(0.5 * (put + call) if strike == below else put if strike < below else call)
    prices = np.where(np.array(quotes) < 0.05, 0.0, quotes)
    total = float(np.sum(step / strikes**2 * prices))
    return 100.0 * math.sqrt((2.0 * total - (forward / below - 1.0) ** 2) / MONTH)


@pytest.mark.parametrize(("vix", "skew"), [(11.0, 1.0), (20.0, 0.7), (20.0, 1.3), (65.0, 1.0)])
def test_cboe_would_print_the_vix_it_was_made_from(vix: float, skew: float) -> None:
    assert cboe_index(vix, skew, 4002.0, 5.0) == pytest.approx(vix, abs=0.2)


def test_at_the_money_is_below_the_vix_and_more_so_the_steeper() -> None:
    ratios = [smile_ratio(SURFACE.skewed(skew), 20.0) for skew in SKEWS]
    assert ratios == sorted(ratios, reverse=True)
    assert smile_ratio(SURFACE.skewed(1e-9), 20.0) == pytest.approx(1.0, abs=1e-4)
    assert ratios[2] == pytest.approx(0.850, abs=0.002)


@pytest.mark.parametrize(
    ("vix", "moneyness", "relative", "ratio"),
    [
        # Implied from mid quotes in the sample data of Cboe's VIX white paper, 2009 edition: 37 days, F 921.0.
        (60.6, (-2.09, -1.23, -0.48, 0.49, 1.07, 1.33), (1.491, 1.313, 1.131, 0.871, 0.730, 0.650), 0.863),
        # The same of its 2014 and later editions: 31 days, F 1962.4.
        (13.94, (-2.18, -1.13, -0.50, 0.42, 1.02, 1.46), (1.660, 1.348, 1.153, 0.846, 0.703, 0.709), 0.818),
        # A delayed quote table of 2026-01-30: 21 days, F 6946.9.
        (17.44, (-2.0, -1.25, -0.5, 0.5, 1.0, 1.25), (1.57, 1.376, 1.164, 0.858, 0.737, 0.72), 0.78),
    ],
)
def test_three_smiles_lie_within_the_sweep(
    vix: float, moneyness: tuple[float, ...], relative: tuple[float, ...], ratio: float
) -> None:
    strikes = np.exp(np.array(moneyness) * 0.05)
    flat, steep = (SURFACE.skewed(skew).deviation(1.0, strikes, 0.05) / 0.05 for skew in (SKEWS[0], SKEWS[-1]))
    # Far calls of the crisis went below the floor of the surface by so much.
    room = 0.055
    assert (np.minimum(flat, steep) - room <= relative).all()
    assert (relative <= np.maximum(flat, steep) + room).all()
    assert smile_ratio(SURFACE, vix) == pytest.approx(ratio, abs=0.08)


@pytest.mark.parametrize("skew", SKEWS)
def test_prices_admit_no_arbitrage_between_the_puts_and_calls_of_one_delta(skew: float) -> None:
    surface = SURFACE.skewed(skew)
    for vix, days in ((9.0, 21), (20.0, 45), (83.0, 52), (150.0, 3)):
        middle = surface.at_the_money(swap_deviation(vix, np.nan, days))
        ends = [float(surface.strike_of(0.01, np.ones(1), middle[None], call=call)[0]) for call in (False, True)]
        strikes = np.linspace(*ends, 200)
        calls, puts = (surface.price(1.0, strikes, middle, call=call) for call in (True, False))
        assert (np.diff(calls) < 0.0).all()
        assert (np.diff(puts) > 0.0).all()
        assert np.diff(calls, 2).min() > -1e-12
        np.testing.assert_allclose(calls - puts, 1.0 - strikes, atol=1e-13)


def test_a_strike_has_the_delta_that_was_asked_for() -> None:
    middle = SURFACE.at_the_money(swap_deviation(22.0, 24.0, 45))
    for delta, call in ((0.16, False), (0.16, True), (0.05, False), (0.05, True)):
        strike = float(SURFACE.strike_of(delta, np.array([4000.0]), middle[None], call=call)[0])
        volatility = float(SURFACE.deviation(4000.0, strike, middle))
        assert abs(black_delta("pc"[call], 4000.0, strike, 1.0, 0.0, volatility)) == pytest.approx(delta, abs=1e-9)


def test_total_variance_is_linear_between_the_tenors_and_volatility_flat_beyond() -> None:
    days = np.array([10.0, 30.0, 61.5, 93.0, 120.0])
    variance = swap_deviation(20.0, 24.0, days) ** 2 * 365.0
    between = 0.5 * (0.2**2 * 30.0 + 0.24**2 * 93.0)
    assert variance == pytest.approx([0.4, 1.2, between, 0.24**2 * 93.0, 0.24**2 * 120.0], rel=1e-12)
    assert swap_deviation(20.0, np.nan, 45.0) == pytest.approx(0.2 * math.sqrt(45.0 / 365.0))
