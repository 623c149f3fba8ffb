"""One settlement per VX contract and day, from the files in which Cboe publishes it.

A day's settlements appear first in a sheet of all contracts, some minutes after the close, and hours later in the file
of each contract, which is final. The file of the contract therefore wins, and the sheet fills in what it does not have
yet. A sheet has two known faults, and both are refused here: asked too early it repeats the session before, and it can
contradict the file of the contract.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from signals.calendar import Days, TradingCalendar
from signals.series import CBOE_SHEET, VX_PUBLISHERS, vx_expiry_of
from signals.vix_futures import Floats

#: Settlements further apart than this disagree, in points: below the last printed digit.
SHEET_TOLERANCE = 0.0005

#: Further apart than this, as a share, one of them is wrong and nothing is decided.
SHEET_CONTRADICTION = 0.05

#: So many contracts, all unchanged from the session before to the last digit, are the session before.
_REPEATED_CONTRACTS = 3

_OfContracts = dict[dt.date, tuple[Days, Floats]]


@dataclass(frozen=True)
class Settlements:
    """Settlements per contract, and what was refused.

    Attributes
    ----------
    by_expiry : dict of expiry to (days, settlements)
        Days ascending.
    refused : dict of (expiry, day) to str
        Values that were published and are not used, with the reason.
    """

    by_expiry: _OfContracts
    refused: dict[tuple[dt.date, dt.date], str]


def settlements(observations: Mapping[tuple[str, str], tuple[Days, Floats]], calendar: TradingCalendar) -> Settlements:
    """Merge what each publisher says of each contract; the first of `VX_PUBLISHERS` that has a day wins.

    Parameters
    ----------
    observations : mapping of (series, publisher) to (days, values)
        Days ascending; series that are no VX contract are left out.
    """
    sheets: _OfContracts = {}
    merged: _OfContracts = {}
    for publisher in VX_PUBLISHERS:
        for (series, who), found in observations.items():
            expiry = vx_expiry_of(series)
            if who != publisher or expiry is None:
                continue
            if publisher == CBOE_SHEET:
                sheets[expiry] = found
            else:
                merged[expiry] = _joined(merged[expiry], found) if expiry in merged else found
    refused = _add_sheets(merged, sheets, calendar) if sheets else {}
    return Settlements(merged, refused)


def _joined(first: tuple[Days, Floats], second: tuple[Days, Floats]) -> tuple[Days, Floats]:
    added = ~np.isin(second[0], first[0])
    days = np.concatenate([first[0], second[0][added]])
    values = np.concatenate([first[1], second[1][added]])
    order = np.argsort(days)
    return days[order], values[order]


def _add_sheets(
    merged: _OfContracts, sheets: _OfContracts, calendar: TradingCalendar
) -> dict[tuple[dt.date, dt.date], str]:
    """Fill in from the sheets what the files of the contracts lack, in place; returns what is refused."""
    known = {
        expiry: dict(zip(days.tolist(), values.tolist(), strict=True)) for expiry, (days, values) in merged.items()
    }
    by_day: dict[dt.date, dict[dt.date, float]] = {}
    for expiry, (days, values) in sheets.items():
        for day, value in zip(days.tolist(), values.tolist(), strict=True):
            by_day.setdefault(day, {})[expiry] = value
    refused: dict[tuple[dt.date, dt.date], str] = {}
    for day, sheet in sorted(by_day.items()):
        before = calendar.previous_session(day)
        repeats = _repeats(sheet, before, known)
        for expiry, value in sheet.items():
            own = known.setdefault(expiry, {}).get(day)
            if own is None and repeats:
                refused[expiry, day] = f"Cboe's sheet of {day} repeats that of {before}"
            elif own is None:
                known[expiry][day] = value
            elif not repeats and abs(value / own - 1.0) > SHEET_CONTRADICTION:
                refused[expiry, day] = f"the file of the contract has {own:g}, the sheet of the day {value:g}"
                del known[expiry][day]
    for expiry in sheets:
        days = np.array(sorted(known[expiry]), dtype="datetime64[D]")
        merged[expiry] = (days, np.array([known[expiry][day] for day in days.tolist()]))
    return refused


def _repeats(sheet: Mapping[dt.date, float], before: dt.date, known: Mapping[dt.date, Mapping[dt.date, float]]) -> bool:
    """Whether a sheet has nothing but the settlements of the session before."""
    common = [(value, known[expiry][before]) for expiry, value in sheet.items() if before in known.get(expiry, {})]
    return len(common) >= _REPEATED_CONTRACTS and all(value == earlier for value, earlier in common)
