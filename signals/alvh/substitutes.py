"""What stands in where the pricing of VIX options lacks an input, from the closed list, each with its label.

==============================  =============================================================================
missing                         substitute
==============================  =============================================================================
VVIX                            its last close up to five days old, then a fit on VIX and CM30
future of a weekly expiry       linear in days between spot VIX and the futures around it, flat beyond the last
final settlement                the VIX open of the expiry morning, where `usable_open` lets it
==============================  =============================================================================

Labels are those of `signals.rates`: PRIMARY, CARRIED, SUBSTITUTE, MISSING.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.calendar import Days
from signals.market import MarketData
from signals.rates import CARRIED, MISSING, PRIMARY, SUBSTITUTE
from signals.series import CBOE, CBOE_ARCHIVE, vx_series
from signals.total_return import window_sum
from signals.vix_futures import LISTED, Floats, SettlementPanel

#: How old a close of the VVIX may be before the fit takes its place, in calendar days.
VVIX_MAX_AGE_DAYS = 5

#: An open further than this factor outside the closes around it is a wrong print. The furthest sound one since 2004 was
#: 1.28 times the higher of them (2025-04-07), the nearest wrong one 2.4 times.
OPEN_TOLERANCE = 1.5

VOLATILITY_WINDOW = 22
_SESSIONS_PER_YEAR = 252

#: A forward price is a settlement, lies between two, or beyond the last one.
SETTLED, BETWEEN, BEYOND = 0, 1, 2

#: Only the files of the contracts have a row on the expiry day; its settlement is the final one.
FINAL_PUBLISHERS = (CBOE, CBOE_ARCHIVE)


@dataclass(frozen=True)
class VvixFit:
    """``ln VVIX = constant + spot * ln VIX + realised * ln v``, with ``v`` the realised volatility of CM30."""

    constant: float
    spot: float
    realised: float


#: Fitted on 2007-09, the first years of the VVIX (residual 11%), for sessions before it; and on 2023-26 for later ones.
EARLY_FIT = VvixFit(4.601, -0.006, 0.282)
LATE_FIT = VvixFit(3.364, 0.429, 0.041)
EARLY_FIT_ENDS = dt.date(2010, 1, 1)


@dataclass(frozen=True)
class Substituted:
    """A series with its holes filled in.

    Attributes
    ----------
    values : float, shape (n,)
        NaN where missing.
    origin : int8, shape (n,)
        PRIMARY, CARRIED, SUBSTITUTE or MISSING.
    """

    values: Floats
    origin: npt.NDArray[np.int8]


def vvix_in_force(sessions: Days, vvix: Floats, vix: Floats, constant_maturity_30d: Floats) -> Substituted:
    """The VVIX at each close, with what stands in for it.

    Parameters
    ----------
    sessions : datetime64[D], shape (n,)
    vvix : float, shape (n,), percent
        Closes; NaN where there is none.
    vix, constant_maturity_30d : float, shape (n,), VIX points
        Closes, and the 30-day constant-maturity future.

    Notes
    -----
    The realised volatility is the sample standard deviation of the last 22 daily log changes of CM30, annualised: the
    first 22 rows have no fit. A fitted value is for marks only and never a decision's only support.
    """
    values = np.where(vvix > 0.0, vvix, np.nan)
    origin = np.where(np.isfinite(values), PRIMARY, MISSING).astype(np.int8)
    last = np.maximum.accumulate(np.where(origin == PRIMARY, np.arange(len(values)), -1))
    age = (sessions - sessions[np.maximum(last, 0)]).astype(np.int64)
    carried = (origin == MISSING) & (last >= 0) & (age <= VVIX_MAX_AGE_DAYS)
    fitted = _fitted_vvix(sessions, vix, _realised_volatility(constant_maturity_30d))
    substituted = (origin == MISSING) & ~carried & np.isfinite(fitted)
    values[carried] = values[last[carried]]
    values[substituted] = fitted[substituted]
    origin[carried], origin[substituted] = CARRIED, SUBSTITUTE
    return Substituted(values, origin)


def _fitted_vvix(sessions: Days, vix: Floats, realised: Floats) -> Floats:
    early, late = (_fit(fit, vix, realised) for fit in (EARLY_FIT, LATE_FIT))
    return np.where(sessions < np.datetime64(EARLY_FIT_ENDS), early, late)


def _fit(fit: VvixFit, vix: Floats, realised: Floats) -> Floats:
    known = (vix > 0.0) & (realised > 0.0)
    spot, moved = np.where(known, vix, np.nan), np.where(known, realised, np.nan)
    fitted: Floats = np.exp(fit.constant + fit.spot * np.log(spot) + fit.realised * np.log(moved))
    return fitted


def _realised_volatility(level: Floats) -> Floats:
    """Annualised sample standard deviation of the last 22 log changes, NaN before there are as many."""
    change = np.full(len(level), np.nan)
    positive = np.where(level > 0.0, level, np.nan)
    change[1:] = np.log(positive[1:] / positive[:-1])
    realised = np.full(len(level), np.nan)
    count = len(level) - VOLATILITY_WINDOW + 1
    if count <= 0:
        return realised
    mean = window_sum(change, VOLATILITY_WINDOW)[VOLATILITY_WINDOW - 1 :] / VOLATILITY_WINDOW
    squares = np.zeros(count)
    for offset in range(VOLATILITY_WINDOW):
        squares += (change[offset : offset + count] - mean) ** 2
    realised[VOLATILITY_WINDOW - 1 :] = np.sqrt(squares / (VOLATILITY_WINDOW - 1) * _SESSIONS_PER_YEAR)
    return realised


@dataclass(frozen=True)
class ForwardPrices:
    """Prices of the VIX for delivery at some expiries, seen from one close.

    Attributes
    ----------
    values : float, shape (m,), VIX points
        NaN where it cannot be said.
    basis : int8, shape (m,)
        SETTLED, BETWEEN or BEYOND.
    """

    values: Floats
    basis: npt.NDArray[np.int8]


def forward_prices(panel: SettlementPanel, row: int, vix: float, targets: Days) -> ForwardPrices:
    """The price of the VX future of each target expiry, at the close of the session in `row`.

    Parameters
    ----------
    panel : SettlementPanel
    row : int
    vix : float, VIX points
        Close of spot VIX, which stands at zero days.
    targets : datetime64[D], shape (m,)
        Expiries, monthly or weekly, not before the session.

    Notes
    -----
    A monthly contract with a settlement has its own price; everything else lies on the line between the settlements
    around it, contracts without one left out. Below the first settlement the line needs spot VIX, beyond the last
    there is no line: the last settlement stands. NaN without a settlement, and where spot VIX is needed and missing.
    A price the panel itself derived, of a month that was not listed before May 2008, is labelled BETWEEN.
    """
    session = panel.sessions[row]
    first = int(panel.front[row])
    expiries = panel.expiries[first : first + panel.settle.shape[1]]
    settle, derived = panel.settle[row, : len(expiries)], panel.basis[row, : len(expiries)] != LISTED
    settled = np.isfinite(settle)
    ahead = (targets - session).astype(np.int64).astype(np.float64)
    if not settled.any():
        return ForwardPrices(np.full(len(targets), np.nan), np.full(len(targets), BEYOND, dtype=np.int8))
    days = np.concatenate([[0.0], (expiries[settled] - session).astype(np.int64).astype(np.float64)])
    prices = np.concatenate([[vix], settle[settled]])
    listed = ~np.concatenate([[True], derived[settled]])
    position = np.clip(np.searchsorted(days, ahead, side="left"), 1, len(days) - 1)
    share = np.minimum((ahead - days[position - 1]) / (days[position] - days[position - 1]), 1.0)
    line = prices[position - 1] + share * (prices[position] - prices[position - 1])
    at_contract = share == 1.0
    values = np.where(at_contract, prices[position], line)
    inside = np.where(at_contract & listed[position], SETTLED, BETWEEN)
    basis = np.where(ahead > days[-1], BEYOND, inside).astype(np.int8)
    return ForwardPrices(np.where(ahead >= 0.0, values, np.nan), basis)


def usable_open(opening: Floats, high: Floats, low: Floats, close: Floats) -> Floats:
    """The VIX open of each session where it can stand for a final settlement; NaN elsewhere.

    Parameters
    ----------
    opening, high, low, close : float, shape (n,), VIX points
        Of consecutive sessions; NaN where missing.

    Notes
    -----
    Not where all four values of the row are equal, which is a close written four times; nor where the open lies outside
    the day's range, or far from both the close before and that of the day: the publisher's file has single wrong opens
    (36.55 on 2004-01-21, between closes of 15 and 14).
    """
    before = np.concatenate([close[:1], close[:-1]])
    before = np.where(np.isfinite(before), before, close)
    copied = (opening == high) & (opening == low) & (opening == close)
    in_order = (low <= opening) & (opening <= high) & (low <= close) & (close <= high)
    near = (opening <= OPEN_TOLERANCE * np.maximum(before, close)) & (
        opening * OPEN_TOLERANCE >= np.minimum(before, close)
    )
    return np.where(in_order & near & ~copied & (opening > 0.0), opening, np.nan)


def published_final_settlements(data: MarketData, expiries: Iterable[dt.date]) -> dict[dt.date, float]:
    """Final settlement of each monthly contract that has one, VIX points, from the files of the contracts."""
    found = {}
    for expiry in expiries:
        days = [data.find(vx_series(expiry), publisher) for publisher in FINAL_PUBLISHERS]
        values = [value for each in days if (value := each.value_on(np.datetime64(expiry))) is not None]
        if values:
            found[expiry] = values[0]
    return found


def final_settlements(panel: SettlementPanel, published: Mapping[dt.date, float], vix_open: Floats) -> Substituted:
    """What the contract that expired into each session settled at; MISSING on every other session.

    Parameters
    ----------
    published : mapping of expiry to VIX points
    vix_open : float, shape (n,), VIX points
        As `usable_open` leaves them.

    Notes
    -----
    The rows are those of the first session on or after each expiry, the first row of the panel excepted.
    """
    values = np.full(len(panel.sessions), np.nan)
    origin = np.full(len(panel.sessions), MISSING, dtype=np.int8)
    for row in (1 + np.flatnonzero(np.diff(panel.front))).tolist():
        expiry = panel.expiries[panel.front[row] - 1].item()
        if expiry in published:
            values[row], origin[row] = published[expiry], PRIMARY
        elif np.isfinite(vix_open[row]):
            values[row], origin[row] = vix_open[row], SUBSTITUTE
    return Substituted(values, origin)
