"""VX futures by slot, the S&P 500 VIX futures indices, and the constant-maturity future.

The indices hold a fixed pattern of *slots*: slot 1 is the first contract to expire strictly after the day, slot 2 the
next, and so on, one per calendar month whether that month was listed or not. Contract weights count contracts, not
money: the money weights follow from the prices.

Units: settlements in VIX points, index levels in index points, rates as decimals. Every array has one entry per
session, ascending; slot arrays have shape ``(sessions, slots)`` and slot ``i`` is column ``i - 1``.

Source: S&P Dow Jones Indices, *S&P VIX Futures Indices Methodology* (roll weights, interpolation, T-bill return).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.calendar import Days, TradingCalendar
from signals.errors import DataQualityError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BASE_LEVEL = 100_000.0

#: October 2008, listed on 2008-04-18, was the last of the seven nearest months to be listed late: from here on a
#: missing settlement is an error of the data and is not interpolated.
INTERPOLATION_ENDS = dt.date(2008, 5, 1)

#: Slots of the index plus the two above that interpolation may lean on.
SLOTS = 9

MULTIPLIER_USD = 1_000.0

TBILL_DAYS = 91
MONEY_MARKET_YEAR = 360

LISTED, INTERPOLATED, EXTRAPOLATED = 0, 1, 2


@dataclass(frozen=True)
class RollPattern:
    """How many contracts of each slot an index holds, as a function of the share of the roll period that is left.

    With ``w = dr / dt`` the index holds ``w`` contracts of the first slot, one of each slot in between and
    ``1 - w`` of the last.
    """

    name: str
    first_slot: int
    last_slot: int

    def contracts(self, roll_left: Floats) -> Floats:
        """Contracts per slot, shape ``(sessions, SLOTS)``, decided at the close of each session."""
        held = np.zeros((len(roll_left), SLOTS))
        held[:, self.first_slot - 1 : self.last_slot] = 1.0
        held[:, self.first_slot - 1] = roll_left
        held[:, self.last_slot - 1] = 1.0 - roll_left
        return held


SHORT_TERM = RollPattern("vix-short-term", 1, 2)
MID_TERM = RollPattern("vix-mid-term", 4, 7)
PATTERNS = {pattern.name: pattern for pattern in (SHORT_TERM, MID_TERM)}


@dataclass(frozen=True)
class SettlementPanel:
    """Daily settlements by slot.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    expiries : datetime64[D], shape (m,)
        Every monthly expiry, listed or not.
    front : int, shape (n,)
        Index into `expiries` of slot 1: the first expiry strictly after the session.
    settle : float, shape (n, SLOTS), VIX points
        NaN where the contract has no settlement and none could be derived.
    basis : int8, shape (n, SLOTS)
        LISTED, INTERPOLATED or EXTRAPOLATED.
    """

    sessions: Days
    expiries: Days
    front: Integers
    settle: Floats
    basis: npt.NDArray[np.int8]

    def expiry(self, row: int, slot: int) -> dt.date:
        """Expiry of the contract in `slot` on the session in `row`."""
        found: dt.date = self.expiries[self.front[row] + slot - 1].item()
        return found


def settlement_panel(
    settlements: Mapping[dt.date, tuple[Days, Floats]], sessions: Days, calendar: TradingCalendar
) -> SettlementPanel:
    """Arrange settlements per contract into slots, and fill the months that were not listed before May 2008.

    Parameters
    ----------
    settlements : mapping of expiry to (days, settlements)
        One entry per listed monthly contract, days ascending. Days that are no session are ignored, and so is the
        final settlement: on its expiry day a contract is in no slot.
    sessions : datetime64[D], shape (n,)
    calendar : TradingCalendar

    Raises
    ------
    DataQualityError
        For a contract whose expiry is not one the calendar knows.
    """
    expiries = calendar.vx_expiries
    front = np.searchsorted(expiries, sessions, side="right").astype(np.int64)
    settle = np.full((len(sessions), SLOTS), np.nan)
    for expiry, (days, values) in settlements.items():
        contract = int(np.searchsorted(expiries, np.datetime64(expiry)))
        if contract == len(expiries) or expiries[contract] != np.datetime64(expiry):
            raise DataQualityError(
                f"VX contract expiring {expiry}",
                expected=f"a monthly expiry such as {expiries[min(contract, len(expiries) - 1)]}",
                got=str(expiry),
                do="Check the file name or the list of contracts it came from.",
            )
        rows = np.searchsorted(sessions, days)
        inside = rows < len(sessions)
        inside[inside] = sessions[rows[inside]] == days[inside]
        rows, prices = rows[inside], values[inside]
        slots = contract - front[rows]
        used = (slots >= 0) & (slots < SLOTS)
        settle[rows[used], slots[used]] = prices[used]
    basis = _interpolate_unlisted(settle, sessions, expiries, front, calendar)
    return SettlementPanel(sessions, expiries, front, settle, basis)


def _interpolate_unlisted(
    settle: Floats, sessions: Days, expiries: Days, front: Integers, calendar: TradingCalendar
) -> npt.NDArray[np.int8]:
    """Fill holes in place, slot by slot upwards, and say which ones.

    Squared prices (variances) are linear in sessions between the neighbours. Lower neighbours may be filled values,
    upper ones must have settled that day; with none of three above, the slope below is carried on.
    """
    basis = np.full(settle.shape, LISTED, dtype=np.int8)
    last_row = int(np.searchsorted(sessions, np.datetime64(INTERPOLATION_ENDS)))
    listed = np.isfinite(settle)
    # Sessions before each expiry, so that a difference counts the sessions between two expiries.
    position = np.searchsorted(calendar.sessions, expiries)
    for row, column in np.argwhere(~listed[:last_row, : MID_TERM.last_slot]):
        if column == 0:
            continue
        contract = front[row] + column
        variance_below = settle[row, column - 1] ** 2
        steps = position[contract] - position[contract - 1]
        above = next((step for step in (1, 2) if column + step < SLOTS and listed[row, column + step]), None)
        if above is not None:
            span = position[contract + above] - position[contract - 1]
            slope = (settle[row, column + above] ** 2 - variance_below) / span
            basis[row, column] = INTERPOLATED
        elif column >= 2:
            span = position[contract - 1] - position[contract - 2]
            slope = (variance_below - settle[row, column - 2] ** 2) / span
            basis[row, column] = EXTRAPOLATED
        else:
            continue
        variance = variance_below + steps * slope
        # A steep curve carried on can end below zero: then there is no price.
        settle[row, column] = np.sqrt(variance) if variance > 0.0 else np.nan
    basis[~np.isfinite(settle)] = LISTED
    return basis


def roll_left(sessions: Days, calendar: TradingCalendar) -> Floats:
    """Share of the roll period that is left after each session's close: ``dr / dt``.

    ``dt`` counts business days from one settlement date, included, up to the next, excluded; ``dr`` those from the
    following business day on. Both count the calendar as it was scheduled: what was not rolled on a day of unscheduled
    closure is carried to the next session.
    """
    business_days = calendar.scheduled_business_days
    expiries = calendar.vx_expiries
    position = np.searchsorted(business_days, expiries)
    front = np.searchsorted(expiries, sessions, side="right")
    following = np.searchsorted(business_days, sessions, side="right")
    period = position[front] - position[front - 1]
    left: Floats = (position[front] - following) / period
    return left


@dataclass(frozen=True)
class FuturesIndex:
    """One VIX futures index over a range of sessions.

    Attributes
    ----------
    pattern : RollPattern
    sessions : datetime64[D], shape (n,)
        The first is the one on which the levels begin.
    contracts : float, shape (n, SLOTS)
        Contracts per slot decided at each close; they earn the return of the next session.
    excess_return, total_return : float, shape (n,)
        Index levels, BASE_LEVEL on the first session.
    excess_return_change, total_return_change : float, shape (n,)
        Daily returns as decimals; NaN on the first session.
    unusable_from : int
        Row of the first session whose level cannot be computed; `n` if all can. Rows from there on are NaN.
    """

    pattern: RollPattern
    sessions: Days
    contracts: Floats
    excess_return: Floats
    total_return: Floats
    excess_return_change: Floats
    total_return_change: Floats
    unusable_from: int


def futures_index(
    panel: SettlementPanel, pattern: RollPattern, tbill: Floats, calendar: TradingCalendar
) -> FuturesIndex:
    """The S&P 500 VIX futures index of one roll pattern, excess and total return.

    Parameters
    ----------
    panel : SettlementPanel
        From the session on which the levels begin.
    tbill : float, shape (n,)
        91-day Treasury bill high discount rate in force at each close, a decimal.

    Notes
    -----
    A session whose settlement is missing in a slot that carries weight, on either side of its return, ends the index:
    nothing is carried over a hole.
    """
    sessions = panel.sessions
    contracts = pattern.contracts(roll_left(sessions, calendar))
    held = contracts[:-1]
    before = _value(held, panel.settle[:-1])
    # Where a contract expired, what was in slot i the day before is in slot i - 1 today.
    moved = np.diff(panel.front)
    after = np.where(
        moved == 0,
        _value(held, panel.settle[1:]),
        _value(held[:, 1:], panel.settle[1:, :-1]),
    )
    change = after / before - 1.0
    days = np.diff(sessions).astype(np.int64)
    tbill_return = (1.0 / (1.0 - TBILL_DAYS / MONEY_MARKET_YEAR * tbill[:-1])) ** (days / TBILL_DAYS) - 1.0
    total_change = change + tbill_return
    # The close that decides tomorrow's weights must be priced too: a hole on the last session is not a level.
    priced = np.isfinite(np.concatenate([[0.0], total_change]) + _value(contracts, panel.settle))
    unusable_from = len(sessions) if priced.all() else int(np.argmin(priced))
    excess = _levels(change, unusable_from)
    total = _levels(total_change, unusable_from)
    excess_change, all_change = (np.concatenate([[np.nan], daily]) for daily in (change, total_change))
    return FuturesIndex(pattern, sessions, contracts, excess, total, excess_change, all_change, unusable_from)


def _value(contracts: Floats, settle: Floats) -> Floats:
    """Value of a holding per session; slots without weight do not need a settlement."""
    parts = np.where(contracts > 0.0, contracts * settle, 0.0)
    total = parts[:, 0].copy()
    for column in range(1, parts.shape[1]):
        total += parts[:, column]
    return total


def _levels(change: Floats, unusable_from: int) -> Floats:
    levels = np.full(len(change) + 1, np.nan)
    growth = np.concatenate([[BASE_LEVEL], 1.0 + change])[:unusable_from]
    # Multiplying in session order makes a level independent of what comes after it.
    levels[:unusable_from] = np.multiply.accumulate(growth)
    return levels


def carries_weight(panel: SettlementPanel, pattern: RollPattern, calendar: TradingCalendar) -> npt.NDArray[np.bool_]:
    """Which slots the index needs a settlement of, shape ``(n, SLOTS)``.

    A settlement is needed where the contract is held from this close on, and where it was held until this close.
    """
    held = pattern.contracts(roll_left(panel.sessions, calendar)) > 0.0
    needed = held.copy()
    for moved in np.unique(np.diff(panel.front)).tolist():
        rows = 1 + np.flatnonzero(np.diff(panel.front) == moved)
        needed[rows, : SLOTS - moved] |= held[rows - 1, moved:]
    return needed


def constant_maturity_future(panel: SettlementPanel, vix: Floats, days: int = 30) -> Floats:
    """VX price at a constant maturity, linear in calendar days between the settlements around it.

    Parameters
    ----------
    vix : float, shape (n,)
        Spot VIX closes. They stand at zero days on the sessions (after an expiry, in five-week months; one in
        twenty) on which the first contract is further away than `days`.

    Returns
    -------
    float, shape (n,), VIX points; NaN where a settlement it needs is missing.
    """
    target = panel.sessions + np.timedelta64(days, "D")
    upper = np.searchsorted(panel.expiries, target, side="left")
    slot = upper - panel.front
    rows = np.arange(len(panel.sessions))
    spot_below = slot == 0
    lower_price = np.where(spot_below, vix, panel.settle[rows, np.maximum(slot - 1, 0)])
    lower_day = np.where(spot_below, panel.sessions, panel.expiries[upper - 1])
    upper_day = panel.expiries[upper]
    share = (target - lower_day).astype(np.int64) / (upper_day - lower_day).astype(np.int64)
    price: Floats = lower_price + share * (panel.settle[rows, slot] - lower_price)
    return price
