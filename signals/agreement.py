"""Where publishers have to agree, how far they may be apart, and what is too far from everything known to be used.

=====================  =======================  ==========================  ================================
what                   beyond this, DEGRADED    beyond this, BLOCKED        recorded since 2005
=====================  =======================  ==========================  ================================
S&P 500                0.02 points              2%                          never apart
VIX, Cboe and Yahoo    0.05 points              25%                         apart on 12 sessions, 15% at most
VX, sheet and file     0.0005 points            5%                          never apart
first VX over VIX                               below 0.5 or above 1.6      0.617 to 1.315
=====================  =======================  ==========================  ================================

BLOCKED values are not used, and the session waits: its publisher may mend them before the deadline.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signals.market import MarketHistory
from signals.vix_futures import LISTED, Floats

Flags = npt.NDArray[np.bool_]

#: Closes of the S&P 500 further apart than this disagree, in index points.
SPX_TOLERANCE = 0.02

#: Further apart than this, as a share, one of them is wrong and nothing is decided: a slipped digit, a stale close.
SPX_CONTRADICTION = 0.02

#: Closes of the VIX further apart than this disagree, in VIX points.
VIX_TOLERANCE = 0.05
VIX_CONTRADICTION = 0.25

#: The first settlement over the VIX; outside it is on another scale or of another day.
LOWEST_CURVE_RATIO, HIGHEST_CURVE_RATIO = 0.5, 1.6


def spx_contradicted(history: MarketHistory) -> Flags:
    """Whether the two publishers of the S&P 500 are so far apart that one must be wrong, per session."""
    return _apart(history.spx_yahoo, history.spx_cboe, SPX_CONTRADICTION)


def vix_contradicted(history: MarketHistory) -> Flags:
    """Whether the two publishers of the VIX are so far apart that one must be wrong, per session."""
    return _apart(history.vix_cboe, history.vix_yahoo, VIX_CONTRADICTION)


def curve_implausible(history: MarketHistory, vix: Floats) -> Flags:
    """Whether the first settlement cannot belong to a close of the VIX, per session; False where either is missing.

    Parameters
    ----------
    vix : float, shape (n,), VIX points
        The closes that are used.
    """
    with np.errstate(invalid="ignore"):
        ratio = np.where(history.panel.basis[:, 0] == LISTED, history.panel.settle[:, 0], np.nan) / vix
        found: Flags = (ratio < LOWEST_CURVE_RATIO) | (ratio > HIGHEST_CURVE_RATIO)
    return found


def _apart(one: Floats, other: Floats, share: float) -> Flags:
    with np.errstate(invalid="ignore"):
        found: Flags = np.abs(one / other - 1.0) > share
    return found
