"""What a report says of its inputs: each number, where it came from, and why it is not what it should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from signals.agreement import SPX_TOLERANCE, VIX_TOLERANCE
from signals.calendar import contract_code
from signals.inputs import YAHOO_VIX_ERROR, Inputs
from signals.rates import CARRIED, PRIMARY, SUBSTITUTE, overnight_spread
from signals.series import (
    CBOE,
    CBOE_SHEET,
    DFF,
    DTB3,
    FRED,
    IRX,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    VX_PUBLISHERS,
    YAHOO,
    vx_series,
)
from signals.settlements import SHEET_TOLERANCE
from signals.total_return import ACCEPTED, REJECTED
from signals.vix_futures import MID_TERM, SHORT_TERM, SLOTS, RollPattern

OK, NOTE, DEGRADED = "OK", "NOTE", "DEGRADED"

#: Publisher of a value that was derived here.
STAND_IN = "stand-in"

#: Publisher of every value of the sample market.
SIMULATED = "simulated"


@dataclass(frozen=True)
class InputUsed:
    """One number a report rests on, and where it came from.

    Attributes
    ----------
    series, publisher : str
    label : str
        Name for people.
    day : datetime.date
        The day the value is of.
    value : float
    unit : str
    severity : str
        OK, NOTE or DEGRADED.
    remark : str
        Why it is not OK; empty if it is.
    payload : int or None
        Key of the stored payload; 0 where it was not stored, None where the value was derived.
    """

    series: str
    publisher: str
    label: str
    day: dt.date
    value: float
    unit: str
    severity: str
    remark: str
    payload: int | None


def inputs_used(inputs: Inputs, row: int, patterns: Iterable[RollPattern] = (SHORT_TERM,)) -> list[InputUsed]:
    """The inputs of the session in `row`, in the order a report shows them.

    Parameters
    ----------
    patterns : iterable of RollPattern
        The VIX futures indices that a decision rests on.
    """
    used = [_spx(inputs, row), _equity(inputs, row), _vix(inputs, row)]
    slots = [slot for pattern in patterns for slot in range(pattern.first_slot, pattern.last_slot + 1)]
    settle = inputs.history.panel.settle[row]
    used += [_settlement(inputs, row, slot) for slot in slots if slot <= SHORT_TERM.last_slot or settle[slot - 1] > 0.0]
    used += [_overnight(inputs, row - 1), _tbill(inputs, row - 1)]
    used += _mid_term_holes(inputs, row)
    return used


def _input(
    inputs: Inputs,
    series: str,
    publisher: str,
    label: str,
    day: np.datetime64,
    value: float,
    unit: str,
    severity: str = OK,
    remark: str = "",
    read_from: tuple[str, str] | None = None,
) -> InputUsed:
    payload = inputs.history.data.find(*(read_from or (series, publisher))).payload_on(day)
    return InputUsed(series, publisher, label, _date(day), value, unit, severity, remark, payload)


def _date(day: np.datetime64) -> dt.date:
    return dt.date.fromisoformat(str(day))


def _spx(inputs: Inputs, row: int) -> InputUsed:
    history, day = inputs.history, inputs.sessions[row]
    value, other = float(history.spx_yahoo[row]), float(history.spx_cboe[row])
    severity, remark = OK, ""
    if np.isnan(other):
        severity, remark = NOTE, "Cboe has no close to compare it with"
    elif abs(value - other) > SPX_TOLERANCE:
        severity, remark = DEGRADED, f"Cboe has {other:.2f}, {value - other:+.2f} points apart"
    return _input(inputs, SPX, YAHOO, "S&P 500", day, value, "points", severity, remark)


def _equity(inputs: Inputs, row: int) -> InputUsed:
    day, origin = inputs.sessions[row], inputs.equity.origin[row]
    value = float(inputs.equity.level[row])
    if origin == ACCEPTED:
        return _input(inputs, SPXTR, YAHOO, "S&P 500 TR", day, value, "points")
    why = (
        "has no print" if origin != REJECTED else f"printed {inputs.history.spxtr[row]:.2f}, which no dividend explains"
    )
    remark = f"^SP500TR {why}: S&P 500 return plus SPY's average dividend return over 252 sessions and its fee"
    spy = (SPY_ADJUSTED, YAHOO)
    return _input(inputs, SPXTR, STAND_IN, "S&P 500 TR", day, value, "points", DEGRADED, remark, read_from=spy)


def _vix(inputs: Inputs, row: int) -> InputUsed:
    day, value = inputs.sessions[row], float(inputs.vix[row])
    if not inputs.vix_from_yahoo[row]:
        apart = value - float(inputs.history.vix_yahoo[row])
        if np.isnan(apart):
            remark = "Yahoo has no close to compare it with"
            return _input(inputs, VIX, CBOE, "VIX", day, value, "points", NOTE, remark)
        if abs(apart) <= VIX_TOLERANCE:
            return _input(inputs, VIX, CBOE, "VIX", day, value, "points")
        remark = f"Yahoo has {value - apart:.2f}, {apart:+.2f} points apart"
        return _input(inputs, VIX, CBOE, "VIX", day, value, "points", DEGRADED, remark)
    remark = f"Cboe has none; {YAHOO_VIX_ERROR} point either way does not change the trend"
    return _input(inputs, VIX, YAHOO, "VIX", day, value, "points", DEGRADED, remark)


def _settlement(inputs: Inputs, row: int, slot: int) -> InputUsed:
    panel, day = inputs.history.panel, inputs.sessions[row]
    expiry = panel.expiry(row, slot)
    series, label = vx_series(expiry), f"{contract_code(expiry)} (VX{slot})"
    value = float(panel.settle[row, slot - 1])
    if panel.basis[row, slot - 1]:
        remark = "not listed yet: interpolated between its neighbours as the index methodology says"
        return _input(inputs, series, STAND_IN, label, day, value, "points", NOTE, remark)
    data = inputs.history.data
    having = [who for who in VX_PUBLISHERS if data.find(series, who).payload_on(day) is not None]
    publisher = having[0] if having else CBOE
    sheet = data.find(series, CBOE_SHEET).value_on(day)
    if publisher != CBOE_SHEET and sheet is not None and abs(value - sheet) > SHEET_TOLERANCE:
        remark = f"the sheet of the day has {sheet:g}, {value - sheet:+.4f} points apart"
        return _input(inputs, series, publisher, label, day, value, "points", DEGRADED, remark)
    return _input(inputs, series, publisher, label, day, value, "points")


def _overnight(inputs: Inputs, row: int) -> InputUsed:
    found, label = inputs.overnight, "overnight rate"
    day, value = found.observed_on[row], float(found.rate[row]) * 100.0
    spread = overnight_spread(inputs.sessions[row : row + 1])[0]
    over = f"; {spread * 1e4:.0f} bp assumed over fed funds" if spread else ""
    if found.origin[row] == PRIMARY:
        return _input(inputs, DFF, FRED, label, day, value, "% a year", OK, over.removeprefix("; "))
    if found.origin[row] == CARRIED:
        remark = f"no DFF print for {inputs.sessions[row]}: the last one stands in{over}"
        return _input(inputs, DFF, FRED, label, day, value, "% a year", DEGRADED, remark)
    remark = f"no DFF print within five days: ^IRX as a money-market yield stands in{over}"
    return _input(inputs, IRX, YAHOO, label, day, value, "% a year", DEGRADED, remark)


def _tbill(inputs: Inputs, row: int) -> InputUsed:
    found, label = inputs.tbill, "T-bill rate"
    day, value = found.observed_on[row], float(found.rate[row]) * 100.0
    if found.origin[row] != SUBSTITUTE:
        return _input(inputs, DTB3, FRED, label, day, value, "% discount")
    remark = "no DTB3 print this week: ^IRX stands in"
    return _input(inputs, IRX, YAHOO, label, day, value, "% discount", DEGRADED, remark)


def _mid_term_holes(inputs: Inputs, row: int) -> list[InputUsed]:
    """Contracts up to the last slot of the mid-term index without a settlement: no VEQTOR decision needs them."""
    panel, day = inputs.history.panel, inputs.sessions[row]
    return [
        _input(
            inputs,
            vx_series(panel.expiry(row, slot)),
            CBOE,
            f"{contract_code(panel.expiry(row, slot))} (VX{slot})",
            day,
            float("nan"),
            "points",
            NOTE,
            "no settlement; no decision needs it",
        )
        for slot in range(SHORT_TERM.last_slot + 1, min(MID_TERM.last_slot, SLOTS) + 1)
        if np.isnan(panel.settle[row, slot - 1])
    ]
