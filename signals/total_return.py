"""S&P 500 total return, repaired as of each close.

Yahoo's ^SP500TR has single wrong prints. A print is believed when the daily return it gives, less the price return, is
a plausible dividend; otherwise a stand-in takes its place for the day and the next print is measured from the last one
that was believed. Nothing later than the close is looked at, so a repaired history never changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.calendar import Days
from signals.errors import DataQualityError
from signals.vix_futures import Floats

#: A day's dividend return outside this range is a wrong print: less than nothing, or three years' worth of a day.
LOWEST_DIVIDEND_RETURN = -0.0010
HIGHEST_DIVIDEND_RETURN = 0.0030

#: The stand-in adds SPY's average dividend return over this many sessions, and gives back the fund's fee.
DIVIDEND_WINDOW = 252
FUND_FEE_PER_YEAR = 0.00084
SESSIONS_PER_YEAR = 252

ACCEPTED, REJECTED, ABSENT, MISSING = 0, 1, 2, 3


@dataclass(frozen=True)
class TotalReturn:
    """S&P 500 total return by session.

    Attributes
    ----------
    level : float, shape (n,), index points
        On the scale of the first print; NaN from the first session that has neither a print nor a stand-in.
    change : float, shape (n,)
        Daily return as a decimal; NaN on the first session.
    origin : int8, shape (n,)
        ACCEPTED, REJECTED (a print that cannot be right: stand-in used), ABSENT (no print: stand-in used) or MISSING.
    """

    level: Floats
    change: Floats
    origin: npt.NDArray[np.int8]


def repaired_total_return(sessions: Days, printed: Floats, spx: Floats, spy_adjusted: Floats) -> TotalReturn:
    """Accept or replace each print of the S&P 500 Total Return index, knowing only what came before.

    Parameters
    ----------
    sessions : datetime64[D], shape (n,)
    printed : float, shape (n,), index points
        ^SP500TR as published; NaN where there is none. The first entry starts the chain and must be a number.
    spx, spy_adjusted : float, shape (n,)
        S&P 500 price index, and SPY adjusted for dividends; NaN where missing.

    Raises
    ------
    DataQualityError
        When there is no print on the first session.
    """
    if not math.isfinite(printed[0]):
        raise DataQualityError(
            f"^SP500TR on {sessions[0]}",
            expected="a print on the first session, from which the chain starts",
            got="none",
            do=f"The series has to reach back to {sessions[0]}: load it from there.",
        )
    price_change = _changes(spx)
    stand_in = price_change + _average_dividend_return(price_change, _changes(spy_adjusted))
    level = np.full(len(sessions), np.nan)
    origin = np.full(len(sessions), MISSING, dtype=np.int8)
    level[0], origin[0] = printed[0], ACCEPTED
    clean = accepted_print = accepted_clean = float(printed[0])
    prints, price_changes, stand_ins = printed.tolist(), price_change.tolist(), stand_in.tolist()
    for row in range(1, len(prints)):
        candidate = prints[row] / accepted_print * accepted_clean / clean - 1.0
        dividend = candidate - price_changes[row]
        if LOWEST_DIVIDEND_RETURN <= dividend <= HIGHEST_DIVIDEND_RETURN:
            clean *= 1.0 + candidate
            accepted_print, accepted_clean = prints[row], clean
            origin[row] = ACCEPTED
        elif math.isfinite(stand_ins[row]):
            clean *= 1.0 + stand_ins[row]
            origin[row] = ABSENT if math.isnan(prints[row]) else REJECTED
        else:
            break
        level[row] = clean
    return TotalReturn(level, _changes(level), origin)


def _changes(level: Floats) -> Floats:
    change = np.full(len(level), np.nan)
    change[1:] = level[1:] / level[:-1] - 1.0
    return change


def _average_dividend_return(price_change: Floats, fund_change: Floats) -> Floats:
    """SPY's mean dividend return over the window that ends with each session, plus the fund's fee."""
    excess = fund_change - price_change
    return window_sum(excess, DIVIDEND_WINDOW) / DIVIDEND_WINDOW + FUND_FEE_PER_YEAR / SESSIONS_PER_YEAR


def window_sum(values: Floats, length: int) -> Floats:
    """Sum of the last `length` values at each row, NaN before there are as many.

    Every window is added afresh in the same order, so the sum at a row does not depend on where the array starts or
    ends, to the last bit. A running sum would.
    """
    total = np.full(len(values), np.nan)
    count = len(values) - length + 1
    if count <= 0:
        return total
    fresh = values[:count].copy()
    for offset in range(1, length):
        fresh += values[offset : offset + count]
    total[length - 1 :] = fresh
    return total
