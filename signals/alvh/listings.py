"""Which VIX options are listed on a day, and which of them a rule means.

No record of past listings is public, so this is the pattern they follow. Where a chain of the day is stored, its
expiries and strikes are to be passed to the selecting functions instead.

Expiries. VIX options begin on 2006-02-24. A monthly expires with the VX contract of its month; the eight nearest are
taken for listed. In 2012 six in a row were, within a limit of twelve months; for other years no source was found. Eight
is how far VX futures have settled since 2012, and an option without its future has no price here. Weeklies begin on
2015-10-08 and expire on the Wednesdays that are no monthly expiry, by the same rule: if the Wednesday, or the Friday 30
days after, is a holiday, on the business day before. They are listed within six consecutive weeks, monthlies counted.
On its expiry day an option has settled in the morning and is listed no more.

Strikes. 0.5 apart below 20, 1 up to 40, 2.5 up to 50, 5 up to 100 and 10 up to 200, from 10: the traded strikes of
2024-06-03 all lie on it (42.5 and 47.5 among them, so the step of 1 ends at 40). In 2012 the step was 2.5 from 30 on,
and half points came on 2014-05-29, below 15 at first; the ladder of today is used throughout.

Sources: Cboe specifications of VIX options; Cboe Rule 24.9 and SR-CBOE-2015-050 on weeklies; Cboe, "VIX Weeklys options
and futures", 2015 (six consecutive weekly expirations); Cboe Options Hub, "VIX to add half-point strikes in near-term",
2014-05-28; macroption, "VIX option chain", 2012 (strikes and months then listed).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from signals.alvh.surface import SURFACE, VolatilitySurface
from signals.calendar import Days, TradingCalendar
from signals.errors import ConfigurationError
from signals.vix_futures import Floats

#: Where the strikes of a step begin, and the step; the last entry ends the ladder.
STRIKE_LADDER = ((10.0, 0.5), (20.0, 1.0), (40.0, 2.5), (50.0, 5.0), (100.0, 10.0), (200.0, 10.0))

#: Strikes further out, as a multiple of the future, are left aside: model prices of calls are not monotone there.
FARTHEST_STRIKE = 8.0

_WEEK = dt.timedelta(days=7)
_WEDNESDAY = 2
_FROM_VIX_TO_SPX = dt.timedelta(days=30)


def strike_ladder(ladder: tuple[tuple[float, float], ...] = STRIKE_LADDER) -> Floats:
    """Every strike of a ladder, ascending, VIX points."""
    parts = [np.arange(start, end, step) for (start, step), (end, _) in pairwise(ladder)]
    return np.concatenate([*parts, [ladder[-1][0]]])


STRIKES = strike_ladder()


@dataclass(frozen=True)
class ListingRules:
    """The pattern of listed expiries.

    Attributes
    ----------
    first_day, first_weekly : datetime.date
        Since when there are VIX options, and weeklies.
    monthlies : int
        How many of the nearest monthlies are listed.
    weeks : int
        Within how many consecutive weekly expiry days, monthlies counted, weeklies are listed.
    """

    first_day: dt.date = dt.date(2006, 2, 24)
    first_weekly: dt.date = dt.date(2015, 10, 8)
    monthlies: int = 8
    weeks: int = 6


LISTING_RULES = ListingRules()


class OptionListings:
    """Listed expiries of VIX options, by day.

    Parameters
    ----------
    calendar : TradingCalendar
    rules : ListingRules

    Attributes
    ----------
    monthlies : datetime64[D]
        Every monthly expiry, ascending, listed or not.
    weeks : datetime64[D]
        Every weekly and monthly expiry from the first weekly on, ascending, listed or not.
    """

    def __init__(self, calendar: TradingCalendar, rules: ListingRules = LISTING_RULES) -> None:
        self.rules = rules
        self.monthlies: Days = calendar.vx_expiries
        last = self.monthlies[-1].item()
        wednesday = rules.first_weekly + dt.timedelta(days=(_WEDNESDAY - rules.first_weekly.weekday()) % 7)
        found = []
        while wednesday <= last:
            found.append(weekly_expiry(wednesday, calendar))
            wednesday += _WEEK
        weekly: Days = np.array(found, dtype="datetime64[D]")
        self.weeks: Days = np.union1d(weekly, self.monthlies[self.monthlies >= weekly[0]])

    def expiries(self, day: dt.date, *, weeklies: bool = True) -> Days:
        """Expiries listed at the close of `day`, ascending; empty before there were VIX options."""
        if day < self.rules.first_day:
            return np.array([], dtype="datetime64[D]")
        monthly = _after(self.monthlies, day, self.rules.monthlies)
        if not weeklies or day < self.rules.first_weekly:
            return monthly
        return np.union1d(monthly, _after(self.weeks, day, self.rules.weeks))

    def is_monthly(self, expiry: dt.date) -> bool:
        """Whether an expiry is that of a VX contract of its month."""
        return bool(np.isin(np.datetime64(expiry), self.monthlies))


def weekly_expiry(wednesday: dt.date, calendar: TradingCalendar) -> dt.date:
    """Expiry of the options of a week, by its Wednesday."""
    moved = not (_is_business_day(wednesday, calendar) and _is_business_day(wednesday + _FROM_VIX_TO_SPX, calendar))
    day = wednesday - dt.timedelta(days=1) if moved else wednesday
    while not _is_business_day(day, calendar):
        day -= dt.timedelta(days=1)
    return day


def select_expiry(
    expiries: Days, day: dt.date, target: int, shortest: int, longest: int | None = None, *, strict: bool = False
) -> dt.date | None:
    """The expiry a rule means: the one nearest to `target` calendar days, of those within the bounds.

    Parameters
    ----------
    expiries : datetime64[D], shape (m,), ascending
        Those listed, and only those with a price where that matters.
    target, shortest, longest : int, calendar days
        Bounds are inclusive; `longest` None is no bound.
    strict : bool
        Whether nothing will do when none lies within the bounds. Otherwise the nearest to the target does: where all
        are too short, that is the longest listed.

    Returns
    -------
    datetime.date or None
        The earlier of two equally near; None where nothing is listed after `day`, or by `strict`.

    Raises
    ------
    ConfigurationError
        When the bounds do not hold the target.
    """
    if not (0 < shortest <= target and (longest is None or target <= longest)):
        raise ConfigurationError(
            "days to expiry",
            expected="shortest <= target <= longest, above 0",
            got=f"shortest {shortest}, target {target}, longest {longest}",
            do="Correct the rule set.",
        )
    ahead = (expiries - np.datetime64(day)).astype(np.int64)
    candidates = np.flatnonzero((ahead >= shortest) & (ahead <= (longest or np.iinfo(np.int64).max)))
    if not len(candidates) and not strict:
        candidates = np.flatnonzero(ahead > 0)
    if not len(candidates):
        return None
    chosen = candidates[np.argmin(np.abs(ahead[candidates] - target))]
    found: dt.date = expiries[chosen].item()
    return found


def strike_by_delta(
    delta: float,
    forward: float,
    days: float,
    vvix: float,
    rate: float = 0.0,
    *,
    call: bool = True,
    surface: VolatilitySurface = SURFACE,
    strikes: Floats = STRIKES,
) -> float:
    """The listed strike whose model delta to the same-expiry future is nearest, VIX points.

    Parameters
    ----------
    delta : float
        Its size, between 0 and 1, for puts too.
    forward : float, VIX points
        Price of the future that expires with the option.
    days : float, calendar days to expiry
    vvix : float, percent
    rate : float, continuously compounded
    strikes : float, shape (k,), ascending

    Returns
    -------
    float
        The lower of two equally near; NaN where an input is NaN or no strike is near the future.
    """
    near = strikes[strikes <= FARTHEST_STRIKE * forward]
    distance = np.abs(np.abs(surface.delta(forward, near, days, vvix, rate, call=call)) - delta)
    if not len(near) or not np.isfinite(distance).all():
        return float("nan")
    return float(near[np.argmin(distance)])


def strike_by_moneyness(moneyness: float, forward: float, *, strikes: Floats = STRIKES) -> float:
    """The listed strike nearest to a multiple of the future, VIX points; the lower of two equally near.

    NaN where the forward is not a positive number or no strike is near it.
    """
    near = strikes[strikes <= FARTHEST_STRIKE * forward] if forward > 0.0 else strikes[:0]
    return float(near[np.argmin(np.abs(near - moneyness * forward))]) if len(near) else float("nan")


def _after(expiries: Days, day: dt.date, count: int) -> Days:
    first = int(np.searchsorted(expiries, np.datetime64(day), side="right"))
    return expiries[first : first + count]


def _is_business_day(day: dt.date, calendar: TradingCalendar) -> bool:
    return day in _business_days(calendar)


@lru_cache(maxsize=2)
def _business_days(calendar: TradingCalendar) -> frozenset[dt.date]:
    return frozenset(calendar.scheduled_business_days.tolist())
