"""One settlement per VX contract and day, from the files in which Cboe publishes it.

A day's settlements appear first in a sheet of all contracts, some minutes after the close, and hours later in the file
of each contract, which is final. The file of the contract therefore wins, and the sheet fills in what it does not have
yet. Asked too early, a sheet repeats that of an earlier session: such a one is refused here.
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

#: So many contracts, all unchanged from an earlier session to the last digit, are that session.
_REPEATED_CONTRACTS = 3

#: So many sheets before it are compared with one.
_SHEETS_BACK = 5

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
    earlier: list[tuple[dt.date, Mapping[dt.date, float]]] = []
    for day, sheet in sorted(by_day.items()):
        before = calendar.previous_session(day)
        final = {expiry: values[before] for expiry, values in known.items() if before in values}
        repeated = next((which for which, other in [*earlier, (before, final)] if _is_the_same(sheet, other)), None)
        for expiry, value in sheet.items():
            if day in known.setdefault(expiry, {}):
                continue
            if repeated is None:
                known[expiry][day] = value
            else:
                refused[expiry, day] = f"Cboe's sheet of {day} repeats that of {repeated}"
        earlier = [(day, sheet), *earlier][:_SHEETS_BACK]
    for expiry in sheets:
        days = np.array(sorted(known[expiry]), dtype="datetime64[D]")
        merged[expiry] = (days, np.array([known[expiry][day] for day in days.tolist()]))
    return refused


def _is_the_same(sheet: Mapping[dt.date, float], other: Mapping[dt.date, float]) -> bool:
    """Whether a sheet has nothing but the settlements of another session."""
    common = [(value, other[expiry]) for expiry, value in sheet.items() if expiry in other]
    return len(common) >= _REPEATED_CONTRACTS and all(value == before for value, before in common)
