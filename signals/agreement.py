"""Where publishers have to agree, how far they may be apart, and what is too far from everything known to be used.

============================  ====================  =========================  ===================================
what                          beyond, DEGRADED      beyond, not used           recorded since 2005
============================  ====================  =========================  ===================================
S&P 500, Yahoo and Cboe       0.02 points           2%, until the deadline     never apart
S&P 500 alone, SPY's return                         3%, until the deadline     294 bp at most, on 2008-10-13
VIX, Cboe and Yahoo           0.05 points           25%, until the deadline    apart on 12 sessions, 15% at most
a settlement, file and sheet  0.0005 points         never: the file is final   never apart
first VX over VIX                                   below 0.5 or above 1.6     0.617 to 1.315
VX over the one before it                           below 0.5 or above 1.6     0.670 to 1.337, the second over the first
============================  ====================  =========================  ===================================

A session whose closes contradict each other waits until its deadline: a publisher may mend them. After that the
publisher that wins by rule counts, DEGRADED, and the sessions that follow are not held up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signals.vix_futures import LISTED, Floats, SettlementPanel

if TYPE_CHECKING:
    from signals.market import MarketHistory

Flags = npt.NDArray[np.bool_]

#: Closes of the S&P 500 further apart than this disagree, in index points.
SPX_TOLERANCE = 0.02

#: Further apart than this, as a share, one of them is wrong and nothing is decided: a slipped digit, a stale close.
SPX_CONTRADICTION = 0.02

#: Closes of the VIX further apart than this disagree, in VIX points.
VIX_TOLERANCE = 0.05
VIX_CONTRADICTION = 0.25

#: A return of the S&P 500 that nobody else publishes, against that of its fund.
FUND_CONTRADICTION = 0.03

#: The first settlement over the VIX, and each over the one before it; outside, one is of another scale or day.
LOWEST_CURVE_RATIO, HIGHEST_CURVE_RATIO = 0.5, 1.6


def spx_contradicted(history: MarketHistory) -> Flags:
    """Whether a close of the S&P 500 must be wrong at one of its publishers, per session.

    The two are far apart, or, where Cboe has none, Yahoo's return is far from that of the fund.
    """
    alone = np.isnan(history.spx_cboe)
    with np.errstate(invalid="ignore"):
        returns, of_fund = (
            np.concatenate([[np.nan], level[1:] / level[:-1]]) for level in (history.spx_yahoo, history.spy_adjusted)
        )
        far_from_fund = alone & (np.abs(returns - of_fund) > FUND_CONTRADICTION)
    found: Flags = _apart(history.spx_yahoo, history.spx_cboe, SPX_CONTRADICTION) | far_from_fund
    return found


def vix_contradicted(history: MarketHistory) -> Flags:
    """Whether the two publishers of the VIX are so far apart that one must be wrong, per session."""
    return _apart(history.vix_cboe, history.vix_yahoo, VIX_CONTRADICTION)


def implausible_settlements(panel: SettlementPanel, vix: Floats) -> npt.NDArray[np.bool_]:
    """Which settlements cannot go with the VIX, or with the contract before, shape ``(n, SLOTS)``.

    False where either is missing or interpolated.

    Parameters
    ----------
    vix : float, shape (n,), VIX points
        The closes that are used.
    """
    listed = np.where(panel.basis == LISTED, panel.settle, np.nan)
    with np.errstate(invalid="ignore"):
        ratio = listed / np.column_stack([vix, listed[:, :-1]])
        found: Flags = (ratio < LOWEST_CURVE_RATIO) | (ratio > HIGHEST_CURVE_RATIO)
    return found


def _apart(one: Floats, other: Floats, share: float) -> Flags:
    with np.errstate(invalid="ignore"):
        found: Flags = np.abs(one / other - 1.0) > share
    return found
