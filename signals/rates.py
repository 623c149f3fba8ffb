"""Interest rates as the indices use them: the weekly T-bill rate and the overnight rate.

All rates are decimals on output and percent on input, as FRED and Yahoo publish them.

Sources: S&P VIX Futures Indices Methodology (91-day T-bill auction rate); S&P 500 Dynamic VEQTOR Indices Methodology
(overnight accrual on cash). Neither the auction rate nor LIBOR is in free daily data, so secondary-market bills (DTB3)
and effective fed funds (DFF) stand in; docs/methodology.md says how good they are.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.calendar import Days
from signals.vix_futures import MONEY_MARKET_YEAR, TBILL_DAYS, Floats

#: How old a fed funds print may be before it counts as missing, in calendar days.
OVERNIGHT_MAX_AGE_DAYS = 5

#: What LIBOR is assumed to have paid over fed funds. Any from 2 to 14 bp gives the same stop decisions 2005-2020.
OVERNIGHT_SPREAD = 0.0007
OVERNIGHT_SPREAD_UNTIL = dt.date(2023, 6, 30)

PRIMARY, CARRIED, SUBSTITUTE, MISSING = 0, 1, 2, 3


@dataclass(frozen=True)
class RateInForce:
    """A rate in force at each close, and where it came from.

    Attributes
    ----------
    rate : float, shape (n,), decimal; NaN where missing.
    origin : int8, shape (n,)
        PRIMARY, CARRIED (an older print of the primary series), SUBSTITUTE (^IRX) or MISSING.
    observed_on : datetime64[D], shape (n,)
        The day of the print used; NaT where missing.
    """

    rate: Floats
    origin: npt.NDArray[np.int8]
    observed_on: Days


def weekly_tbill_rate(sessions: Days, dtb3: tuple[Days, Floats], irx: tuple[Days, Floats]) -> RateInForce:
    """The 91-day bill rate in force at each close: the first print of the calendar week, held for the week.

    A week in which the bond market has not yet opened (a Monday on which only the stock market trades) is still on
    last week's rate. A week that should have a DTB3 print by then and has none uses the first ^IRX print of the week.

    Parameters
    ----------
    dtb3, irx : (days, values)
        Percent, bank discount basis, days ascending, finite values only.
    """
    mondays = _monday(sessions)
    rate, observed = _first_print_of_week(sessions, mondays, *dtb3)
    origin = np.where(np.isfinite(rate), PRIMARY, MISSING).astype(np.int8)
    irx_rate, irx_observed = _first_print_of_week(sessions, mondays, *irx)
    for row in np.flatnonzero(origin == MISSING):
        week = sessions[(sessions >= mondays[row]) & (sessions <= sessions[row])]
        bonds_traded = any(not is_bond_holiday(day) for day in week.tolist())
        if not bonds_traded and row > 0 and mondays[row] - mondays[row - 1] == np.timedelta64(7, "D"):
            rate[row], observed[row], origin[row] = rate[row - 1], observed[row - 1], origin[row - 1]
        elif np.isfinite(irx_rate[row]):
            rate[row], observed[row], origin[row] = irx_rate[row], irx_observed[row], SUBSTITUTE
    return RateInForce(rate / 100.0, origin, observed)


def overnight_rate(sessions: Days, dff: tuple[Days, Floats], irx: tuple[Days, Floats]) -> RateInForce:
    """The overnight rate that cash earns from each close to the next: fed funds of that day plus the assumed spread.

    Where the day's print is missing, the last one up to five days old; failing that ^IRX as a money-market yield.

    Parameters
    ----------
    dff, irx : (days, values)
        Percent, days ascending, finite values only.
    """
    days, values = dff
    position = np.searchsorted(days, sessions, side="right") - 1
    rate, observed = _pick(position, days, values)
    age = (sessions - observed).astype(np.int64)
    usable = (position >= 0) & (age <= OVERNIGHT_MAX_AGE_DAYS)
    origin = np.where(usable, np.where(age == 0, PRIMARY, CARRIED), MISSING).astype(np.int8)
    irx_days, irx_values = irx
    irx_position = np.searchsorted(irx_days, sessions, side="right") - 1
    irx_rate, irx_observed = _pick(irx_position, irx_days, irx_values)
    irx_fresh = (irx_position >= 0) & ((sessions - irx_observed).astype(np.int64) <= OVERNIGHT_MAX_AGE_DAYS)
    substitute = ~usable & irx_fresh
    origin[substitute] = SUBSTITUTE
    decimal = rate / 100.0
    decimal[substitute] = _money_market_yield(irx_rate[substitute] / 100.0)
    decimal[origin == MISSING] = np.nan
    observed[substitute] = irx_observed[substitute]
    observed[origin == MISSING] = np.datetime64("NaT")
    return RateInForce(decimal + overnight_spread(sessions), origin, observed)


def overnight_spread(sessions: Days) -> Floats:
    """The assumed spread of the overnight rate over fed funds at each session, a decimal."""
    return np.where(sessions <= np.datetime64(OVERNIGHT_SPREAD_UNTIL), OVERNIGHT_SPREAD, 0.0)


def _money_market_yield(discount: Floats) -> Floats:
    return discount / (1.0 - discount * TBILL_DAYS / MONEY_MARKET_YEAR)


def _monday(days: Days) -> Days:
    # 1970-01-01 was a Thursday.
    weekday = (days.astype(np.int64) + 3) % 7
    mondays: Days = days - weekday.astype("timedelta64[D]")
    return mondays


def _first_print_of_week(sessions: Days, mondays: Days, days: Days, values: Floats) -> tuple[Floats, Days]:
    position = np.searchsorted(days, mondays, side="left")
    rate, observed = _pick(position, days, values)
    unprinted = ~(observed <= sessions)
    rate[unprinted] = np.nan
    observed[unprinted] = np.datetime64("NaT")
    return rate, observed


def _pick(position: npt.NDArray[np.intp], days: Days, values: Floats) -> tuple[Floats, Days]:
    """Values and days at `position`; NaN and NaT outside the series."""
    inside = (position >= 0) & (position < len(days))
    rate = np.full(len(position), np.nan)
    observed = np.full(len(position), np.datetime64("NaT"), dtype="datetime64[D]")
    rate[inside] = values[position[inside]]
    observed[inside] = days[position[inside]]
    return rate, observed


def is_bond_holiday(day: dt.date) -> bool:
    """Columbus Day and Veterans Day: the stock market trades, the Treasury market does not."""
    columbus = day.month == 10 and day.weekday() == 0 and 8 <= day.day <= 14
    veterans = (day.month, day.day) == (11, 11) or (day.month == 11 and day.weekday() == 0 and day.day == 12)
    return columbus or veterans
