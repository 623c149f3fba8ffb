"""Calls on VXX, the note on short-term VIX futures, in terms of its own price: a model without a quote.

VXX follows the S&P 500 VIX Short-Term Futures index, less a fee, and its price has been rebased by reverse splits every
year or two. So everything here is in per cent of its close on the session that is looked at: a strike of 140 is 1.4
times that close, and counts of contracts are for a close of 100 USD. The underlying is the total return version of the
index; the fee of 0.89% a year is left out.

Volatility. The index always holds about thirty days of maturity, where an option on a VX future lives through all
maturities down to none. Where volatility at the money of a future falls with tenor as ``d ^ -p``, that of the maturity
``d`` itself is ``sqrt(1 - 2 p)`` of the average up to it. So the surface is that of VIX options at thirty days, times
that, with its reversion of the VVIX by tenor and its slope in strike, and flat in tenor otherwise: 0.74 of the VVIX at
the money. No price of an option on VXX is recorded: nothing of this was checked.

Listing. Expiries are third Fridays, the business day before where that is a holiday, at the close; the nine nearest are
taken for listed, since 2010-05-28. Strikes are 2.5% apart.

Sources: Barclays, prospectus of the iPath Series B S&P 500 VIX Short-Term Futures ETN; Cboe, options on VXX, 2010.
"""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_right

import numpy as np

from signals.alvh.surface import SURFACE, VolatilitySurface
from signals.calendar import Days, TradingCalendar, third_friday
from signals.vix_futures import Floats

FIRST_DAY = dt.date(2010, 5, 28)
LISTED_MONTHS = 9

#: Strikes, per cent of the close.
STRIKES: Floats = np.arange(20.0, 1000.0, 2.5)

#: Calendar days of maturity the index holds on average.
MATURITY_DAYS = 30.0

VXX_SURFACE = VolatilitySurface(level=SURFACE.level * math.sqrt(1.0 - 2.0 * SURFACE.tenor_exponent), tenor_exponent=0.0)


class VxxListings:
    """Listed expiries of options on VXX, by day."""

    def __init__(self, calendar: TradingCalendar) -> None:
        first, last = calendar.sessions[0].item(), calendar.sessions[-1].item()
        fridays = [third_friday(year, month) for year in range(first.year, last.year + 1) for month in range(1, 13)]
        inside = [friday for friday in fridays if first < friday < last]
        self._expiries = [day if calendar.is_session(day) else calendar.previous_session(day) for day in inside]

    def expiries(self, day: dt.date) -> Days:
        """Expiries listed at the close of `day`, ascending; empty before there were such options."""
        if day < FIRST_DAY:
            return np.array([], dtype="datetime64[D]")
        first = bisect_right(self._expiries, day)
        return np.array(self._expiries[first : first + LISTED_MONTHS], dtype="datetime64[D]")
