"""Sensitivities, stress and break-even of a book: the whole book revalued, many sessions at once.

How a shock of the VIX reaches what is held:

* the VX future with ``d`` calendar days to expiry moves by ``1 / (1 + d / 33)`` of it. Least squares on the 1,701 daily
  moves of single contracts on sessions of 2006 to 2026 on which the VIX rose by more than 3 points; by tenor the data
  have 0.75 up to 7 days, 0.65 at two weeks, 0.47 at a month, 0.29 at 85 days and 0.17 at 220;
* the index that VXX follows moves as a future of 30 days does, in per cent;
* the VVIX moves by half the VIX in logarithms: elasticity 0.54 on the 211 of those sessions it is known for, 0.44 where
  the VIX rose by more than 8 points;
* a fall of the S&P 500 by 1% lifts the VIX by 1.6 points: 1.59 on its 82 days of 2006 to 2026 below -3%, 1.65 on the 19
  below -5%.

A shock is of the day: nothing decays, and nothing is traded. Options are revalued by the model in either state, and an
option that is marked at a quote keeps the distance of its volatility from the model's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from signals.alvh import black76
from signals.alvh.black76 import DAYS_PER_YEAR
from signals.alvh.contracts import POINT_VALUE_USD, VX_FUTURE, VXX_CALL, Legs
from signals.alvh.market import OptionMarket
from signals.alvh.vxx import MATURITY_DAYS, VXX_SURFACE
from signals.vix_futures import Floats

#: Days to expiry at which a future moves by half as much as the VIX.
HALF_MOVE_DAYS = 33.0
VVIX_ELASTICITY = 0.5
VIX_POINTS_PER_PERCENT = 1.6

#: Name of a scenario, and the rise of the VIX, points.
SCENARIOS = (
    ("VIX +5", 5.0),
    ("VIX +10", 10.0),
    ("VIX +20", 20.0),
    ("S&P 500 -5%", 5.0 * VIX_POINTS_PER_PERCENT),
    ("S&P 500 -10%", 10.0 * VIX_POINTS_PER_PERCENT),
)

#: A break-even is looked for between these rises of the VIX, points.
RISES = (0.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 70.0, 100.0)
LARGEST_RISE = RISES[-1]
_HALVINGS = 14


@dataclass(frozen=True)
class Holding:
    """Packages to be valued at one session; `packages` is 1 for the prices of a single one."""

    row: int
    legs: Legs
    packages: float


@dataclass(frozen=True)
class Values:
    """Of each leg of each holding, in their order; NaN where a price is missing.

    Attributes
    ----------
    holding : int, shape (k,)
        Which holding a leg is part of.
    price, volatility : float, shape (k,)
    delta, gamma, vega, theta : float, shape (k,)
        Of one contract, in points.
    weight : float, shape (k,)
        US dollars a point: contracts of the leg times its point value.
    observed : bool, shape (k,)
    """

    holding: npt.NDArray[np.int64]
    price: Floats
    volatility: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    weight: Floats
    observed: npt.NDArray[np.bool_]


class Valuation:
    """Values of holdings of many sessions at once.

    Parameters
    ----------
    market : OptionMarket
    holdings : sequence of Holding
    """

    def __init__(self, market: OptionMarket, holdings: Sequence[Holding]) -> None:
        self._surface = market.surface
        self._count = len(holdings)
        legs = [
            (at, held, contract, ratio)
            for at, held in enumerate(holdings)
            for contract, ratio in zip(held.legs.contracts, held.legs.ratios, strict=True)
        ]
        self._holding = np.array([at for at, *_ in legs], dtype=np.int64)
        rows = np.array([held.row for _, held, _, _ in legs], dtype=np.int64)
        self._forward = np.array(
            [market.forward(held.row, contract.kind, contract.expiry)[0] for _, held, contract, _ in legs]
        )
        self._strike = np.array([contract.strike for _, _, contract, _ in legs])
        self._days = np.array([float(market.days(held.row, contract.expiry)) for _, held, contract, _ in legs])
        self._is_note = np.array([contract.kind == VXX_CALL for _, _, contract, _ in legs], dtype=bool)
        # What the note holds is, on average, a future of thirty days.
        self._thirty_days = market.constant_maturity[rows]
        self._is_future = np.array([contract.kind == VX_FUTURE for _, _, contract, _ in legs], dtype=bool)
        self._vix, self._vvix, self._rate = market.vix[rows], market.vvix.values[rows], market.rate[rows]
        tracks = [(held.row, market.track(held.row, held.legs)) for held in holdings]
        self._price = np.concatenate([track.prices[:, row - track.first] for row, track in tracks])
        self._observed = np.concatenate([track.observed[:, row - track.first] for row, track in tracks])
        self._weight = np.array(
            [held.packages * ratio * POINT_VALUE_USD[contract.kind] for _, held, contract, ratio in legs]
        )
        model = self._model_volatility(self._forward, self._vvix)
        implied = np.full(len(legs), np.nan)
        if self._observed.any():
            seen = self._observed
            implied[seen] = black76.implied_volatility(
                self._price[seen], self._forward[seen], self._strike[seen], self._days[seen] / DAYS_PER_YEAR,
                self._rate[seen],
            )  # fmt: skip
        known = np.isfinite(implied) & (implied > 0.0)
        self._above_model = np.where(known, implied - model, 0.0)
        self._volatility = model + self._above_model

    def _model_volatility(self, forward: Floats, vvix: Floats) -> Floats:
        strike = np.where(self._is_future, forward, self._strike)
        of_vix = self._surface.volatility(forward, strike, self._days, vvix)
        return np.where(self._is_note, VXX_SURFACE.volatility(forward, strike, self._days, vvix), of_vix)

    def values(self) -> Values:
        """Prices as marked, and sensitivities with the volatility of each strike held fixed."""
        found = black76.greeks(self._forward, self._strike, self._days / DAYS_PER_YEAR, self._volatility, self._rate)
        future = self._is_future
        return Values(
            holding=self._holding,
            price=self._price,
            volatility=np.where(future, np.nan, self._volatility),
            delta=np.where(future, 1.0, found.delta),
            gamma=np.where(future, 0.0, found.gamma),
            vega=np.where(future, 0.0, found.vega),
            theta=np.where(future, 0.0, found.theta),
            weight=self._weight,
            observed=self._observed,
        )

    def change(self, rise: npt.ArrayLike) -> Floats:
        """Gain or loss of each holding, USD, when the VIX rises at once; NaN where a price is missing.

        Parameters
        ----------
        rise : float, or float of shape (holdings,), VIX points
        """
        points = np.broadcast_to(np.asarray(rise, dtype=np.float64), (self._count,))[self._holding]
        moved = self._forward + points / (1.0 + self._days / HALF_MOVE_DAYS)
        grown = self._forward * (1.0 + points / (1.0 + MATURITY_DAYS / HALF_MOVE_DAYS) / self._thirty_days)
        forward = np.where(self._is_note, grown, moved)
        vvix = self._vvix * ((self._vix + points) / self._vix) ** VVIX_ELASTICITY
        after = self._revalued(forward, self._model_volatility(forward, vvix) + self._above_model)
        return self._by_holding((after - self._revalued(self._forward, self._volatility)) * self._weight)

    def _revalued(self, forward: Floats, volatility: Floats) -> Floats:
        options = black76.price(
            forward, self._strike, self._days / DAYS_PER_YEAR, np.maximum(volatility, 0.0), self._rate
        )
        return np.where(self._is_future, forward, options)

    def _by_holding(self, amounts: Floats) -> Floats:
        return _summed(self._holding, amounts, self._count)

    def break_even(self, group: npt.NDArray[np.int64], needed: Floats) -> Floats:
        """The rise of the VIX, points, at which groups of holdings have gained enough; NaN where none up to 100 is.

        Parameters
        ----------
        group : int, shape (holdings,)
            Which group a holding belongs to.
        needed : float, shape (groups,), USD
            0 or less needs no rise.
        """
        count = len(needed)

        def gained(rise: Floats) -> Floats:
            return _summed(group, self.change(rise[group]), count)

        low, high, reached = np.zeros(count), np.full(count, LARGEST_RISE), np.zeros(count, dtype=bool)
        # A book of butterflies gains and loses again: the first step that is enough, then halving within it.
        for before, after in pairwise(RISES):
            enough = ~reached & (gained(np.full(count, after)) >= needed)
            low, high = np.where(enough, before, low), np.where(enough, after, high)
            reached |= enough
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            enough = gained(middle) >= needed
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return np.where(needed <= 0.0, 0.0, np.where(reached, high, np.nan))


def _summed(group: npt.NDArray[np.int64], amounts: Floats, count: int) -> Floats:
    """Sum of the amounts of each group."""
    return np.bincount(group, weights=amounts, minlength=count).astype(np.float64)
