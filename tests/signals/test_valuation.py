"""Sensitivities, stress and break-even of holdings, against another library and by revaluing each leg by hand."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import numpy as np
import pytest
from vollib.black import black
from vollib.black.greeks import analytical

from signals.alvh.contracts import VIX_CALL, VX_FUTURE, Contract, Legs
from signals.alvh.market import OptionMarket
from signals.alvh.surface import SURFACE, continuous_rate
from signals.alvh.valuation import SCENARIOS, Holding, Valuation
from signals.calendar import TradingCalendar
from tests.signals.made_market import CALL, FEB, MAR, Made, rules_of, with_chain

pytestmark = pytest.mark.server

RATE = float(continuous_rate(0.02))
SPOT, FUTURE, VVIX = 18.0, 20.0, 90.0
JANUARY = dt.date(2018, 1, 17)


def package(expiry: dt.date, *legs: tuple[int, float]) -> Legs:
    """So many calls at each strike."""
    contracts = tuple(Contract(VIX_CALL, expiry, strike) for _, strike in legs)
    return Legs(contracts, tuple(ratio for ratio, _ in legs))


CALLS = package(FEB, (1, 23.0))
SPREAD = package(FEB, (1, 23.0), (-1, 35.0))
BUTTERFLY = package(JANUARY, (1, 22.0), (-2, 27.0), (1, 32.0))
VX = Legs((Contract(VX_FUTURE, MAR, 0.0),), (1,))


@pytest.fixture(scope="module")
def market(calendar: TradingCalendar) -> OptionMarket:
    """Spot at 18, every future at 20, VVIX at 90."""
    return Made(calendar, rules_of(CALL), count=8).market()


def days_to(expiry: dt.date) -> int:
    return (expiry - dt.date(2018, 1, 2)).days


def worth(legs: Legs, rise: float = 0.0) -> float:
    """One package at the close of 2018-01-02, USD, after a rise of the VIX: by the documented rules and vollib."""
    days = days_to(legs.expiry)
    future = FUTURE + rise / (1 + days / 33)
    if legs.contracts[0].kind == VX_FUTURE:
        return 1000 * future
    vvix = VVIX * math.sqrt((SPOT + rise) / SPOT)
    total = 0.0
    for ratio, strike in zip(legs.ratios, legs.strikes, strict=True):
        sigma = float(SURFACE.volatility(future, strike, days, vvix))
        total += ratio * black("c", future, strike, days / 365, RATE, sigma)
    return 100 * total


def valued(market: OptionMarket, *holdings: tuple[Legs, float]) -> Valuation:
    return Valuation(market, [Holding(0, legs, packages) for legs, packages in holdings])


@pytest.mark.parametrize("rise", [-5.0, 0.0, 5.0, 10.0, 20.0])
def test_a_stress_is_the_difference_of_two_revaluations(market: OptionMarket, rise: float) -> None:
    held = ((CALLS, 12.5), (SPREAD, 40.0), (BUTTERFLY, 7.0), (VX, 0.4))
    expected = [packages * (worth(legs, rise) - worth(legs)) for legs, packages in held]
    assert valued(market, *held).change(rise).tolist() == pytest.approx(expected, rel=1e-8, abs=1e-8)


def test_each_holding_may_rise_by_its_own(market: OptionMarket) -> None:
    both = valued(market, (CALLS, 1.0), (SPREAD, 2.0)).change(np.array([5.0, 10.0])).tolist()
    assert both == pytest.approx([worth(CALLS, 5.0) - worth(CALLS), 2 * (worth(SPREAD, 10.0) - worth(SPREAD))])


def test_a_future_moves_by_half_as_much_as_the_vix_at_33_days(market: OptionMarket) -> None:
    (gained,) = valued(market, (VX, 2.0)).change(10.0).tolist()
    assert gained == pytest.approx(2 * 1000 * 10 / (1 + days_to(MAR) / 33))
    values = valued(market, (VX, 2.0)).values()
    assert (values.delta.tolist(), values.weight.tolist()) == ([1.0], [2000.0])
    assert [column.tolist() for column in (values.gamma, values.vega, values.theta)] == [[0.0]] * 3
    assert np.isnan(values.volatility).all()


def test_a_fall_of_the_market_is_a_rise_of_the_vix() -> None:
    assert dict(SCENARIOS) == {
        "VIX +5": 5.0, "VIX +10": 10.0, "VIX +20": 20.0, "S&P 500 -5%": 8.0, "S&P 500 -10%": 16.0,
    }  # fmt: skip


def test_sensitivities_are_those_of_another_library(market: OptionMarket) -> None:
    values = valued(market, (CALLS, 1.0), (BUTTERFLY, 3.0)).values()
    assert values.holding.tolist() == [0, 1, 1, 1]
    assert values.weight.tolist() == [100.0, 300.0, -600.0, 300.0]
    cases = [(FEB, 23.0), *((JANUARY, strike) for strike in BUTTERFLY.strikes)]
    for at, (expiry, strike) in enumerate(cases):
        days = days_to(expiry)
        # Between spot at zero days and the January future at 20 there is nothing: the 17th is a monthly.
        sigma = float(SURFACE.volatility(FUTURE, strike, days, VVIX))
        terms = ("c", FUTURE, strike, days / 365, RATE, sigma)
        assert values.price[at] == pytest.approx(black(*terms), rel=1e-8)
        assert values.volatility[at] == pytest.approx(sigma)
        assert values.delta[at] == pytest.approx(analytical.delta(*terms), rel=1e-6)
        assert values.gamma[at] == pytest.approx(analytical.gamma(*terms), rel=1e-6)
        assert values.vega[at] == pytest.approx(analytical.vega(*terms), rel=1e-6)
        assert values.theta[at] == pytest.approx(analytical.theta(*terms), rel=1e-3)


def of_package(valuation: Valuation, name: str) -> float:
    values = valuation.values()
    return float(np.sum(getattr(values, name) * values.weight))


def test_a_bought_call_gains_from_the_vix_and_volatility_and_loses_by_time(market: OptionMarket) -> None:
    for legs in (CALLS, SPREAD):
        valuation = valued(market, (legs, 1.0))
        assert of_package(valuation, "delta") > 0.0
        assert of_package(valuation, "vega") > 0.0
        assert of_package(valuation, "theta") < 0.0
    # A call spread gives up part of everything.
    for name in ("delta", "gamma", "vega"):
        alone, spread = (of_package(valued(market, (legs, 1.0)), name) for legs in (CALLS, SPREAD))
        assert 0.0 < spread < alone, name


@pytest.mark.parametrize("needed", [100.0, 2_000.0, 20_000.0])
def test_at_the_break_even_the_book_has_gained_what_it_needs(market: OptionMarket, needed: float) -> None:
    valuation = valued(market, (CALLS, 10.0), (SPREAD, 10.0))
    (rise,) = valuation.break_even(np.array([0, 0]), np.array([needed])).tolist()
    assert 0.0 < rise < 100.0
    assert 10 * (worth(CALLS, rise) - worth(CALLS) + worth(SPREAD, rise) - worth(SPREAD)) == pytest.approx(
        needed, abs=2.0
    )


def test_groups_break_even_on_their_own(market: OptionMarket) -> None:
    valuation = valued(market, (CALLS, 10.0), (SPREAD, 10.0), (CALLS, 10.0), (SPREAD, 10.0))
    found = valuation.break_even(np.array([0, 1, 2, 2]), np.array([1_000.0, 1e9, 0.0, -5.0])[:3]).tolist()
    assert found[0] == valued(market, (CALLS, 10.0)).break_even(np.array([0]), np.array([1_000.0])).tolist()[0]
    # A spread of 12 points is never worth a billion, and what needs nothing needs no rise.
    assert math.isnan(found[1])
    assert found[2] == 0.0


def test_the_break_even_of_a_butterfly_is_found_although_it_is_worth_nothing_far_above(market: OptionMarket) -> None:
    best = max(range(1, 60), key=lambda points: worth(BUTTERFLY, points / 2)) / 2
    needed = 0.5 * (worth(BUTTERFLY, best) - worth(BUTTERFLY))
    assert needed > 0.0
    (rise,) = valued(market, (BUTTERFLY, 1.0)).break_even(np.array([0]), np.array([needed])).tolist()
    assert 0.0 < rise < best


def test_a_quoted_option_keeps_the_distance_of_its_volatility(calendar: TradingCalendar) -> None:
    made = with_chain(calendar, rules_of(CALL), 0)
    valuation = Valuation(made.market(), [Holding(0, CALLS, 1.0)])
    values = valuation.values()
    seen = made.call(0, FEB, 23.0) + 0.5
    assert values.observed.tolist() == [True]
    assert values.price.tolist() == pytest.approx([seen])
    days = days_to(FEB)
    assert black("c", FUTURE, 23.0, days / 365, RATE, float(values.volatility[0])) == pytest.approx(seen, rel=1e-6)
    above = float(values.volatility[0]) - float(SURFACE.volatility(FUTURE, 23.0, days, VVIX))
    assert above > 0.0
    future = FUTURE + 10 / (1 + days / 33)
    sigma = float(SURFACE.volatility(future, 23.0, days, VVIX * math.sqrt(28 / 18))) + above
    after = black("c", future, 23.0, days / 365, RATE, sigma)
    assert valuation.change(10.0).tolist() == pytest.approx([100 * (after - seen)], rel=1e-5)


def test_without_a_price_there_is_no_stress(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL), count=4)
    made.vvix[0] = math.nan
    both: Sequence[float] = valued(made.market(), (CALLS, 1.0), (VX, 1.0)).change(5.0).tolist()
    assert math.isnan(both[0])
    assert both[1] > 0.0
