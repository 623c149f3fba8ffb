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
        On the scale of the first print that is believed, or of the price index if none is; NaN before the chain
        starts, and from the first session that has neither a print nor a stand-in.
    change : float, shape (n,)
        Daily return as a decimal; NaN up to the session on which the chain starts.
    origin : int8, shape (n,)
        ACCEPTED, REJECTED (a print that cannot be right: stand-in used), ABSENT (no print: stand-in used) or MISSING.
    """

    level: Floats
    change: Floats
    origin: npt.NDArray[np.int8]


def repaired_total_return(
    sessions: Days, printed: Floats, spx: Floats, spy_adjusted: Floats, *, cold: bool = False
) -> TotalReturn:
    """Accept or replace each print of the S&P 500 Total Return index, knowing only what came before.

    Parameters
    ----------
    sessions : datetime64[D], shape (n,)
    printed : float, shape (n,), index points
        ^SP500TR as published; NaN where there is none. The first entry starts the chain and must be a number.
    spx, spy_adjusted : float, shape (n,)
        S&P 500 price index, and SPY adjusted for dividends; NaN where missing.
    cold : bool
        Let the chain start later, and be anchored by the first two prints in a row that confirm each other.

    Raises
    ------
    DataQualityError
        When there is no print on the first session.
    """
    if not cold and not math.isfinite(printed[0]):
        raise DataQualityError(
            f"^SP500TR on {sessions[0]}",
            expected="a print on the first session, from which the chain starts",
            got="none",
            do=f"The series has to reach back to {sessions[0]}: load it from there.",
        )
    price_change = _changes(spx)
    stand_in = price_change + _average_dividend_return(price_change, _changes(spy_adjusted))
    level, origin = np.full(len(sessions), np.nan), np.full(len(sessions), MISSING, dtype=np.int8)
    start = _chain_start(printed, price_change, stand_in) if cold else 0
    if start is not None:
        if cold:
            first, origin[start] = float(spx[start]), ABSENT
        else:
            first, origin[start] = float(printed[0]), ACCEPTED
        level[start] = first
        _chain(start, not cold, printed.tolist(), price_change.tolist(), stand_in.tolist(), level, origin)
    accepted = np.flatnonzero(origin == ACCEPTED)
    if cold and len(accepted):
        level *= printed[accepted[0]] / level[accepted[0]]
    return TotalReturn(level, _changes(level), origin)


def _chain(
    start: int,
    anchored: bool,
    prints: list[float],
    price_changes: list[float],
    stand_ins: list[float],
    level: Floats,
    origin: npt.NDArray[np.int8],
) -> None:
    """Fill level and origin after `start`, until a session has neither a plausible print nor a stand-in.

    A chain that is not anchored has no print that was believed yet: a print is measured from the one before.
    """
    clean = accepted_clean = float(level[start])
    accepted_print = prints[start]
    for row in range(start + 1, len(prints)):
        if not anchored:
            accepted_print, accepted_clean = prints[row - 1], clean
        candidate = prints[row] / accepted_print * accepted_clean / clean - 1.0
        if _is_plausible(candidate - price_changes[row]):
            clean *= 1.0 + candidate
            accepted_print, accepted_clean, anchored = prints[row], clean, True
            origin[row] = ACCEPTED
        elif math.isfinite(stand_ins[row]):
            clean *= 1.0 + stand_ins[row]
            origin[row] = ABSENT if math.isnan(prints[row]) else REJECTED
        else:
            return
        level[row] = clean


def _is_plausible(dividend: float) -> bool:
    return LOWEST_DIVIDEND_RETURN <= dividend <= HIGHEST_DIVIDEND_RETURN


def _chain_start(printed: Floats, price_change: Floats, stand_in: Floats) -> int | None:
    """Row at which a cold chain starts; None if there is neither a pair of prints nor a stand-in.

    It is the earliest from which the chain holds: each session before the first stand-in needs a plausible print.
    """
    stood_in = np.flatnonzero(np.isfinite(stand_in))
    first_stand_in = int(stood_in[0]) if len(stood_in) else len(stand_in)
    plausible = [_is_plausible(dividend) for dividend in (_changes(printed) - price_change)[:first_stand_in].tolist()]
    broken = [row for row, holds in enumerate(plausible) if not holds]
    start = broken[-1] if broken else 0
    return start if start < len(printed) - 1 else None


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
