"""Black-76: European options on a future, their sensitivities, and the volatility that a price implies.

Every argument may be a number or an array; they are broadcast against each other and results have the common shape.
Prices, forwards and strikes are in points of the underlying; times in years of 365 calendar days; volatilities and
rates are annual decimals, rates continuously compounded. NaN in gives NaN out, and so does what is outside the domain:
a forward or strike that is not positive, a negative time or volatility. Nothing raises or warns.

At expiry, and without volatility, a price is what exercise pays, discounted. There a delta at the strike is half, and
a gamma, which is then zero or has no bound, is zero.

Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976), 167-179. numpy has no
error function; that of the C library, called for each element, is as fast as a rational approximation of arrays of any
size, and a hundred times faster for a few elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DAYS_PER_YEAR = 365.0

_SQRT_2 = math.sqrt(2.0)
_SQRT_2_PI = math.sqrt(2.0 * math.pi)
#: Time value below this share of the price's scale is rounding: the volatility behind it is zero.
_NO_TIME_VALUE = 1e-14

#: No price at double precision needs a standard deviation beyond this one.
_LARGEST_DEVIATION = 64.0
_MOST_STEPS = 128


@dataclass(frozen=True)
class Greeks:
    """Price and sensitivities of an option, arrays of one shape.

    Attributes
    ----------
    price : float, points
    delta : float
        Change of the price per point of the future.
    gamma : float
        Change of delta per point of the future.
    vega : float
        Change of the price per volatility point, that is per 0.01 of volatility.
    theta : float
        Change of the price per calendar day that passes, all else unchanged.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats


def erfc(x: npt.ArrayLike) -> Floats:
    """The complementary error function, to full relative precision also in the upper tail."""
    return _each(math.erfc, x)


def erf(x: npt.ArrayLike) -> Floats:
    """The error function."""
    return _each(math.erf, x)


def _each(function: Callable[[float], float], x: npt.ArrayLike) -> Floats:
    values = np.asarray(x, dtype=np.float64)
    return np.fromiter(map(function, values.reshape(-1).tolist()), np.float64, values.size).reshape(values.shape)


def normal_cdf(x: npt.ArrayLike) -> Floats:
    """Probability that a standard normal is at most `x`, to full relative precision also where it is small."""
    result: Floats = 0.5 * erfc(-np.asarray(x, dtype=np.float64) / _SQRT_2)
    return result


def normal_pdf(x: npt.ArrayLike) -> Floats:
    """Density of a standard normal; 0 at either infinity."""
    values = np.asarray(x, dtype=np.float64)
    with np.errstate(under="ignore"):
        density: Floats = np.exp(-0.5 * values * values) / _SQRT_2_PI
    return density


def price(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility: npt.ArrayLike,
    rate: npt.ArrayLike = 0.0,
    *,
    call: npt.ArrayLike = True,
) -> Floats:
    """Price of calls, or of puts where `call` is false, in points; units and NaN policy as the module says."""
    return _Terms(forward, strike, years, volatility, rate, call).price()


def delta(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility: npt.ArrayLike,
    rate: npt.ArrayLike = 0.0,
    *,
    call: npt.ArrayLike = True,
) -> Floats:
    """Change of the price per point of the future: discounted, 0 to 1 for calls and -1 to 0 for puts."""
    return _Terms(forward, strike, years, volatility, rate, call).delta()


def greeks(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    volatility: npt.ArrayLike,
    rate: npt.ArrayLike = 0.0,
    *,
    call: npt.ArrayLike = True,
) -> Greeks:
    """Price and every sensitivity at once, with the volatility of each strike held fixed."""
    return _Terms(forward, strike, years, volatility, rate, call).greeks()


def implied_volatility(
    premium: npt.ArrayLike,
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike = 0.0,
    *,
    call: npt.ArrayLike = True,
) -> Floats:
    """The volatility at which Black-76 gives a price, an annual decimal.

    Returns
    -------
    float
        0 where the price has no time value; NaN where no volatility gives it: below what exercise pays, at or above
        the discounted forward (for a put: strike), at expiry, or where an argument is NaN or outside the domain.

    Notes
    -----
    The time value is that of the option out of the money at the same strike. Newton's method on it, or on its
    logarithm where it is convex, from its point of inflection; a step that leaves the bracket is halved instead
    (Manaster and Koehler, "The calculation of implied variances", Journal of Finance 37 (1982), 227-230).
    """
    arguments = np.broadcast_arrays(
        *(np.asarray(item, dtype=np.float64) for item in (premium, forward, strike, years, rate)),
        np.asarray(call, dtype=np.bool_),
    )
    shape = arguments[0].shape
    paid, future, strikes, times, rates, calls = (item.reshape(-1) for item in arguments)
    with np.errstate(all="ignore"):
        known = (future > 0.0) & (strikes > 0.0) & (times > 0.0) & np.isfinite(paid * rates * times * future * strikes)
        grown = paid * np.exp(rates * times)
        intrinsic = np.maximum(np.where(calls, future - strikes, strikes - future), 0.0)
        # Scaled so that the smaller of forward and strike is 1: the option out of the money is then worth less than 1.
        scale = np.minimum(future, strikes)
        value = (grown - intrinsic) / scale
        nothing = known & (np.abs(value) <= _NO_TIME_VALUE * np.maximum(grown / scale, 1.0))
        solvable = known & ~nothing & (value > 0.0) & (value < 1.0)
        moneyness = np.abs(np.log(future / strikes))
        deviation = np.where(nothing, 0.0, np.nan)
        deviation[solvable] = _deviation(value[solvable], moneyness[solvable])
        found = deviation / np.sqrt(times)
    return np.asarray(np.where(known, found, np.nan).reshape(shape), dtype=np.float64)


class _Terms:
    """What price and sensitivities have in common."""

    def __init__(
        self,
        forward: npt.ArrayLike,
        strike: npt.ArrayLike,
        years: npt.ArrayLike,
        volatility: npt.ArrayLike,
        rate: npt.ArrayLike,
        call: npt.ArrayLike,
    ) -> None:
        given = [np.asarray(item, dtype=np.float64) for item in (forward, strike, years, volatility, rate)]
        *numbers, calls = np.broadcast_arrays(*given, np.asarray(call, dtype=np.bool_))
        self.forward, self.strike, self.years, self.volatility, self.rate = numbers
        self.call = calls
        with np.errstate(invalid="ignore"):
            known = (self.forward > 0.0) & (self.strike > 0.0) & (self.years >= 0.0) & (self.volatility >= 0.0)
        self.sign = np.where(self.call, 1.0, -1.0)
        with np.errstate(all="ignore"):
            self.root = np.sqrt(self.years)
            self.deviation = self.volatility * self.root
            self.discount = np.where(known, np.exp(-self.rate * self.years), np.nan)
            log_moneyness = np.log(self.forward / self.strike)
            certain = np.where(log_moneyness == 0.0, 0.0, np.copysign(np.inf, log_moneyness))
            standard = log_moneyness / self.deviation
            self.d1 = np.where(self.deviation > 0.0, standard + 0.5 * self.deviation, certain)
            self.d2 = np.where(self.deviation > 0.0, standard - 0.5 * self.deviation, certain)

    def price(self) -> Floats:
        gained = self.forward * normal_cdf(self.sign * self.d1) - self.strike * normal_cdf(self.sign * self.d2)
        # Far out of the money the difference can round to a hair below nothing.
        return np.asarray(self.discount * np.maximum(self.sign * gained, 0.0))

    def delta(self) -> Floats:
        return np.asarray(self.discount * self.sign * normal_cdf(self.sign * self.d1))

    def greeks(self) -> Greeks:
        value, density = self.price(), normal_pdf(self.d1)
        spread = self.discount * self.forward * density
        with np.errstate(all="ignore"):
            gamma = self.discount * density / (self.forward * self.deviation)
            decay = spread * self.volatility / (2.0 * self.root)
            theta = (self.rate * value - decay) / DAYS_PER_YEAR
        at_expiry = self.years == 0.0
        known = np.isfinite(value)
        return Greeks(
            price=value,
            delta=self.delta(),
            gamma=np.where(known & (self.deviation == 0.0), 0.0, gamma),
            vega=np.asarray(spread * self.root / 100.0),
            theta=np.where(known & at_expiry, 0.0, theta),
        )


def _deviation(value: Floats, moneyness: Floats) -> Floats:
    """Standard deviation of the logarithm at which an option out of the money is worth `value`, by safeguarded Newton.

    Units as if the smaller of forward and strike were 1; `moneyness` is the positive log of their ratio.
    """
    inflection = np.sqrt(2.0 * moneyness)
    steep = value < _time_value(inflection, moneyness)[0]
    low, high = np.zeros_like(value), np.full_like(value, _LARGEST_DEVIATION)
    # At the money the point of inflection is zero and the price all but linear.
    at = np.where(inflection > 0.0, inflection, np.maximum(value * _SQRT_2_PI, 1e-300))
    for _ in range(_MOST_STEPS):
        worth, slope = _time_value(at, moneyness)
        above = worth > value
        high, low = np.where(above, at, high), np.where(above, low, at)
        step = np.where(steep, worth * np.log(worth / value), worth - value) / slope
        ahead = at - step
        inside = (ahead > low) & (ahead < high)
        ahead = np.where(inside, ahead, np.where(step == 0.0, at, 0.5 * (low + high)))
        settled = np.abs(ahead - at) <= 4e-16 * at
        at = ahead
        if settled.all():
            break
    return at


def _time_value(deviation: Floats, moneyness: Floats) -> tuple[Floats, Floats]:
    """Undiscounted value of the option out of the money, and its slope in the standard deviation."""
    standard = -moneyness / deviation
    upper, lower = standard + 0.5 * deviation, standard - 0.5 * deviation
    return normal_cdf(upper) - np.exp(moneyness) * normal_cdf(lower), normal_pdf(upper)
