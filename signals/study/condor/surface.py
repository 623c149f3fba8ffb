"""The volatility of S&P 500 options by tenor and strike: a model, as no quote of one is recorded.

The level is the market's own. A variance swap of 30 days is worth the square of the VIX, one of 93 days that of VIX3M;
between the two total variance is linear in time, outside the volatility is flat. The shape is an assumption::

    x        = ln(K / F) / (ATM * sqrt(T))
    sigma(K) = ATM * max(1 - slope * max(x, -6), 0.70)        slope = 0.28

A variance swap weighs every strike, puts most of all, so that ATM is below the VIX: it is what makes the surface price
the swap again (P. Carr and D. Madan, *Towards a theory of volatility trading*, 1998; Cboe, *Volatility Index
Methodology*)::

    swap variance * T = 2 * integral of the undiscounted price of the option out of the money / K^2 dK

In units of ``ATM * sqrt(T)`` that is a function of one number, found once for a slope: ATM is 0.85 of a VIX of 20.

Where the shape comes from: three smiles of public quotes. Within two standard deviations the slope is 0.25 in the
crisis of the turn of 2008 (37 days, VIX 61: sample data of Cboe's VIX white paper of 2009), 0.31 in a calm (24 and 31
days, VIX 13.9: sample data of its later editions), and 0.29 on 2026-01-30 (21 days, VIX 17.4: a delayed quote table).
In all three volatility rises on that line to -3 standard deviations or further, and falls no lower than 0.65 to 0.72 of
ATM; ATM over the variance swap was 0.86, 0.80 to 0.82, and 0.78. Three days say nothing of an average: the slope is
swept by 30% either way, from 0.20 to 0.36.

Prices rise with the strike for puts, fall for calls, and are convex, from -6 standard deviations, where the line ends,
to the call of 1 delta: for a VIX of 9 to 150, 3 to 93 days, and every slope of the sweep. A put there has 1 delta as
documented, and up to 2.7 where it is steepest: no put of less delta can be asked for. At the end itself they are not
convex.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from signals.alvh import black76
from signals.alvh.black76 import DAYS_PER_YEAR
from signals.vix_futures import Floats

#: Factors on the slope. Every verdict on the condor is a range over them.
SKEWS = (0.7, 0.85, 1.0, 1.15, 1.3)

#: Tenors of the VIX and of VIX3M, calendar days.
VIX_DAYS, VIX3M_DAYS = 30.0, 93.0

#: Standard deviations over which a variance swap is integrated: prices beyond add less than 0.01% to it.
_PUTS_TO, _CALLS_TO, _STEP = -16.0, 8.0, 0.02

#: Standard deviations at the money for which the swap is priced: a VIX of 2 on a day, and one of 200 for a year.
_DEVIATIONS = np.geomspace(0.001, 2.0, 48)

_BISECTIONS = 44


@dataclass(frozen=True)
class SkewedSurface:
    """The shape. Functions take numbers or arrays, broadcast against each other, and pass NaN on.

    A *deviation* is a volatility times the square root of the time in years.

    Attributes
    ----------
    slope : float
        Relative fall of volatility per standard deviation of moneyness.
    floor : float
        Least volatility over volatility at the money.
    lowest_moneyness : float, standard deviations
        Where it rises no further.
    """

    slope: float = 0.28
    floor: float = 0.70
    lowest_moneyness: float = -6.0

    def skewed(self, factor: float) -> SkewedSurface:
        """The same with a slope some times as steep."""
        return replace(self, slope=self.slope * factor)

    def at_the_money(self, swap: npt.ArrayLike) -> Floats:
        """Deviation at the money of the surface that prices a variance swap at the deviation `swap`."""
        given = np.asarray(swap, dtype=np.float64)
        swaps, ratios = _swap_table(self)
        return np.asarray(given * np.interp(np.log(np.where(given > 0.0, given, np.nan)), swaps, ratios))

    def deviation(self, forward: npt.ArrayLike, strike: npt.ArrayLike, middle: npt.ArrayLike) -> Floats:
        """Deviation of an option, with `middle` that at the money."""
        at_the_money = np.asarray(middle, dtype=np.float64)
        moneyness = np.log(np.asarray(strike, dtype=np.float64) / np.asarray(forward, dtype=np.float64)) / at_the_money
        relative = np.maximum(1.0 - self.slope * np.maximum(moneyness, self.lowest_moneyness), self.floor)
        return np.asarray(at_the_money * relative)

    def price(
        self,
        forward: npt.ArrayLike,
        strike: npt.ArrayLike,
        middle: npt.ArrayLike,
        discount: npt.ArrayLike = 1.0,
        *,
        call: npt.ArrayLike,
    ) -> Floats:
        """Price of calls, or of puts where `call` is false, index points; with a `middle` of 0 what they pay."""
        certain = np.asarray(middle, dtype=np.float64) == 0.0
        spread = self.deviation(forward, strike, np.where(certain, 1.0, middle))
        # A time of one makes the volatility a deviation.
        own = black76.price(forward, strike, 1.0, np.where(certain, 0.0, spread), call=call)
        return np.asarray(own * np.asarray(discount, dtype=np.float64))

    def delta(
        self, forward: npt.ArrayLike, strike: npt.ArrayLike, middle: npt.ArrayLike, *, call: npt.ArrayLike
    ) -> Floats:
        """Delta to the forward, the volatility of the strike held fixed."""
        return black76.delta(forward, strike, 1.0, self.deviation(forward, strike, middle), call=call)

    def strike_of(self, delta: float, forward: Floats, middle: Floats, *, call: bool) -> Floats:
        """The strike of an absolute delta below that at the money, by bisection; shape (n,).

        For a put of less delta than the line reaches it is the end of the line.
        """
        near = np.zeros(len(middle))
        far = np.full(len(middle), _CALLS_TO if call else self.lowest_moneyness)
        for _ in range(_BISECTIONS):
            half = 0.5 * (near + far)
            above = np.abs(self.delta(1.0, np.exp(half * middle), middle, call=call)) > delta
            near, far = np.where(above, half, near), np.where(above, far, half)
        return np.asarray(forward * np.exp(0.5 * (near + far) * middle))


SURFACE = SkewedSurface()


def swap_deviation(vix: npt.ArrayLike, vix3m: npt.ArrayLike, days: npt.ArrayLike) -> Floats:
    """Deviation of a variance swap of some calendar days.

    Parameters
    ----------
    vix, vix3m : float, VIX points
        Where VIX3M is NaN the VIX stands for all tenors.
    days : float
    """
    tenor, near = np.asarray(days, dtype=np.float64), np.asarray(vix, dtype=np.float64) / 100.0
    given = np.asarray(vix3m, dtype=np.float64) / 100.0
    far = np.where(np.isfinite(given), given, near)
    low, high = near**2 * VIX_DAYS, far**2 * VIX3M_DAYS
    between = low + (high - low) * (tenor - VIX_DAYS) / (VIX3M_DAYS - VIX_DAYS)
    variance = np.where(tenor <= VIX_DAYS, near**2 * tenor, np.where(tenor >= VIX3M_DAYS, far**2 * tenor, between))
    return np.asarray(np.sqrt(variance / DAYS_PER_YEAR))


@lru_cache(maxsize=64)
def _swap_table(surface: SkewedSurface) -> tuple[Floats, Floats]:
    """Logarithm of the deviation of a variance swap, ascending, and the deviation at the money over it."""
    moneyness = np.arange(round(_PUTS_TO / _STEP), round(_CALLS_TO / _STEP) + 1) * _STEP
    middle = _DEVIATIONS[:, None]
    strike = np.exp(moneyness * middle)
    prices = surface.price(1.0, strike, np.broadcast_to(middle, strike.shape), call=moneyness >= 0.0)
    # dK / K^2 is ln K over K; the ends are nothing, so that the trapezoidal rule is a sum.
    swaps = np.sqrt(2.0 * np.sum(prices / strike, axis=1) * _STEP * _DEVIATIONS)
    return np.log(swaps), _DEVIATIONS / swaps


def smile_ratio(surface: SkewedSurface, vix: float, days: float = VIX_DAYS) -> float:
    """Volatility at the money over that of the variance swap, where that is `vix` points."""
    swap = vix / 100.0 * math.sqrt(days / DAYS_PER_YEAR)
    return float(surface.at_the_money(swap) / swap)
