"""The volatility of VIX options by tenor and strike: a model for days and strikes without a quote.

Marks from it carry the word `model`. With ``d`` calendar days to expiry, the same-expiry VX future ``F`` and the VVIX::

    V(d)     = VVIX                               up to 30 days
             = 90 * (VVIX / 90) ^ sqrt(30 / d)    beyond: the volatility of volatility reverts with tenor
    ATM(d)   = 0.87 * V(d) / 100 * (30 / max(d, 5)) ^ 0.142
    x        = ln(K / F) / (ATM * sqrt(max(d, 5) / 365)), kept within -2 and 8
    sigma(K) = ATM * max(1 + 0.339 * x, 0.4)

The tenor exponent and the slope in strike minimise the daily tracking of Cboe's VXTH index from April 2006 to December
2015; the level is that of traded options at the money on 2024-06-03. Moneyness is measured in standard deviations:
with plain log moneyness, calls become dearer with the strike where the VVIX is above 140.

Call prices fall with the strike up to 8 F, for a VVIX of 60 to 207 and 7 to 220 days; beyond, the last of a rising
volatility outruns the strike. They are convex up to 1.85 F.

What it cannot know: VXTH rests on one option, 30 delta and one month, so that level, slope and tenor exponent are only
weakly told apart (an exponent from 0 to 0.3 fits almost as well); prices at 110 and 220 days are extrapolated; short
tenors and far strikes come out too dear (on 2024-06-03 by a fifth at 15 days, by a third beyond 1.8 F); a crisis was
checked through VXTH only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.alvh import black76
from signals.alvh.black76 import DAYS_PER_YEAR, Greeks
from signals.vix_futures import MONEY_MARKET_YEAR, TBILL_DAYS, Floats


@dataclass(frozen=True)
class VolatilitySurface:
    """The parameters of the model. Functions take numbers or arrays, broadcast against each other, and pass NaN on.

    Attributes
    ----------
    level : float
        Volatility at the money of a 30-day option over the VVIX.
    tenor_exponent : float
        How fast volatility at the money falls with tenor.
    slope : float
        Relative rise of volatility per standard deviation of moneyness.
    long_run_vvix : float, percent
    pivot_days, shortest_days : float, calendar days
        Tenor of the VVIX, and the tenor below which volatility rises no further.
    lowest_moneyness, highest_moneyness : float, standard deviations
    floor : float
        Least volatility over volatility at the money.
    """

    level: float = 0.87
    tenor_exponent: float = 0.142
    slope: float = 0.339
    long_run_vvix: float = 90.0
    pivot_days: float = 30.0
    shortest_days: float = 5.0
    lowest_moneyness: float = -2.0
    highest_moneyness: float = 8.0
    floor: float = 0.4

    def reverted_vvix(self, vvix: npt.ArrayLike, days: npt.ArrayLike) -> Floats:
        """The VVIX as it applies to a tenor: ``V(d)``, percent; NaN where the VVIX is not positive."""
        power = np.sqrt(self.pivot_days / np.maximum(np.asarray(days, dtype=np.float64), self.pivot_days))
        given = np.asarray(vvix, dtype=np.float64)
        ratio = np.where(given > 0.0, given, np.nan) / self.long_run_vvix
        # Up to the pivot the power is one, and the VVIX itself is to come out, to the last bit.
        return np.asarray(np.where(power == 1.0, ratio * self.long_run_vvix, self.long_run_vvix * ratio**power))

    def at_the_money(self, vvix: npt.ArrayLike, days: npt.ArrayLike) -> Floats:
        """Volatility of an option struck at its future, an annual decimal: ``ATM(d)``."""
        tenor = np.maximum(np.asarray(days, dtype=np.float64), self.shortest_days)
        falling = (self.pivot_days / tenor) ** self.tenor_exponent
        return np.asarray(self.level * self.reverted_vvix(vvix, days) / 100.0 * falling)

    def volatility(
        self, forward: npt.ArrayLike, strike: npt.ArrayLike, days: npt.ArrayLike, vvix: npt.ArrayLike
    ) -> Floats:
        """Volatility of an option, an annual decimal; NaN where forward or strike is not positive.

        Parameters
        ----------
        forward, strike : float, VIX points
            `forward` is the price of the VX future that expires with the option.
        days : float, calendar days to expiry
        vvix : float, percent
        """
        middle = self.at_the_money(vvix, days)
        tenor = np.maximum(np.asarray(days, dtype=np.float64), self.shortest_days)
        future, struck = np.asarray(forward, dtype=np.float64), np.asarray(strike, dtype=np.float64)
        ratio = np.where(struck > 0.0, struck, np.nan) / np.where(future > 0.0, future, np.nan)
        moneyness = np.log(ratio) / (middle * np.sqrt(tenor / DAYS_PER_YEAR))
        kept = np.clip(moneyness, self.lowest_moneyness, self.highest_moneyness)
        return np.asarray(middle * np.maximum(1.0 + self.slope * kept, self.floor))

    def price(
        self,
        forward: npt.ArrayLike,
        strike: npt.ArrayLike,
        days: npt.ArrayLike,
        vvix: npt.ArrayLike,
        rate: npt.ArrayLike = 0.0,
        *,
        call: npt.ArrayLike = True,
    ) -> Floats:
        """Model price of an option, VIX points; `rate` is continuously compounded."""
        sigma = self.volatility(forward, strike, days, vvix)
        return black76.price(forward, strike, _years(days), sigma, rate, call=call)

    def delta(
        self,
        forward: npt.ArrayLike,
        strike: npt.ArrayLike,
        days: npt.ArrayLike,
        vvix: npt.ArrayLike,
        rate: npt.ArrayLike = 0.0,
        *,
        call: npt.ArrayLike = True,
    ) -> Floats:
        """Delta to the same-expiry future, the volatility of the strike held fixed."""
        sigma = self.volatility(forward, strike, days, vvix)
        return black76.delta(forward, strike, _years(days), sigma, rate, call=call)

    def greeks(
        self,
        forward: npt.ArrayLike,
        strike: npt.ArrayLike,
        days: npt.ArrayLike,
        vvix: npt.ArrayLike,
        rate: npt.ArrayLike = 0.0,
        *,
        call: npt.ArrayLike = True,
    ) -> Greeks:
        """Model price and sensitivities, the volatility of the strike held fixed."""
        sigma = self.volatility(forward, strike, days, vvix)
        return black76.greeks(forward, strike, _years(days), sigma, rate, call=call)


SURFACE = VolatilitySurface()


def continuous_rate(bill: npt.ArrayLike) -> Floats:
    """The continuously compounded annual rate of a 91-day bill, from its bank discount rate; both decimals."""
    bills = np.asarray(bill, dtype=np.float64)
    growth = 1.0 - bills * TBILL_DAYS / MONEY_MARKET_YEAR
    return np.asarray(np.log(growth) * -(DAYS_PER_YEAR / TBILL_DAYS))


def _years(days: npt.ArrayLike) -> Floats:
    return np.asarray(np.asarray(days, dtype=np.float64) / DAYS_PER_YEAR)
