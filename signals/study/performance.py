"""What became of a level over a range: growth, risk, drawdown. Pure arithmetic on daily levels.

Returns are simple and daily, decimals; a year has 252 sessions for volatility and 365.25 days for growth.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np

from signals.calendar import Days
from signals.vix_futures import Floats

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365.25

#: A shorter range has no growth a year: it would be an extrapolation.
SHORTEST_YEARS = 1.0


@dataclass(frozen=True)
class Performance:
    """What became of a level.

    Attributes
    ----------
    start, end : datetime.date
        The session of the first level, whose return is not counted, and of the last.
    total_return : float
        Of the whole range, a decimal.
    growth : float, optional
        Compound annual growth, a decimal; None for a range of less than a year.
    volatility : float
        Sample standard deviation of daily returns, annualised.
    max_drawdown : float
        The deepest fall from a high before it, a decimal that is not positive.
    trough : datetime.date
        When it was deepest.
    worst_day : float
        The lowest daily return.
    """

    start: dt.date
    end: dt.date
    total_return: float
    growth: float | None
    volatility: float
    max_drawdown: float
    trough: dt.date
    worst_day: float


def performance(sessions: Days, levels: Floats) -> Performance:
    """What became of a level.

    Parameters
    ----------
    sessions : datetime64[D], shape (n,)
    levels : float, shape (n,)
        All above 0.

    Raises
    ------
    ValueError
        For less than three levels, or one that is not a number above 0.
    """
    if len(levels) < 3 or len(sessions) != len(levels) or not (np.isfinite(levels) & (levels > 0.0)).all():
        raise ValueError("performance needs three levels or more, all above 0, and a session for each")
    returns = levels[1:] / levels[:-1] - 1.0
    drawdown = levels / np.maximum.accumulate(levels) - 1.0
    deepest = int(np.argmin(drawdown))
    start, end = sessions[0].item(), sessions[-1].item()
    years = (end - start).days / DAYS_PER_YEAR
    whole = float(levels[-1] / levels[0])
    return Performance(
        start=start,
        end=end,
        total_return=whole - 1.0,
        growth=whole ** (1.0 / years) - 1.0 if years >= SHORTEST_YEARS else None,
        volatility=float(np.std(returns, ddof=1)) * math.sqrt(SESSIONS_PER_YEAR),
        max_drawdown=float(drawdown[deepest]),
        trough=sessions[deepest].item(),
        worst_day=float(returns.min()),
    )
