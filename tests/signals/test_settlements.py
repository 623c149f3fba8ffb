from __future__ import annotations

import datetime as dt

import numpy as np

from signals.calendar import TradingCalendar
from signals.series import CBOE, CBOE_ARCHIVE, CBOE_SHEET, vx_series
from signals.settlements import Settlements, settlements

FRIDAY, MONDAY = dt.date(2020, 3, 13), dt.date(2020, 3, 16)
MARCH, APRIL, MAY = (dt.date(2020, 3, 18), dt.date(2020, 4, 15), dt.date(2020, 5, 20))
EXPIRIES = (MARCH, APRIL, MAY)

Curve = tuple[float, float, float]
FRIDAYS: Curve = (55.625, 45.325, 37.025)
MONDAYS: Curve = (72.625, 59.15, 44.75)


def published(**curves: dict[dt.date, Curve]) -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """What publishers say: one curve per day, each."""
    found = {}
    for publisher, by_day in curves.items():
        for slot, expiry in enumerate(EXPIRIES):
            days = np.array(sorted(by_day), dtype="datetime64[D]")
            values = np.array([by_day[day][slot] for day in sorted(by_day)])
            found[vx_series(expiry), publisher.replace("_", "-")] = (days, values)
    return found


def on(found: Settlements, day: dt.date) -> dict[dt.date, float]:
    """The settlements that are used on a day, by expiry."""
    return {
        expiry: float(values[list(days).index(np.datetime64(day))])
        for expiry, (days, values) in found.by_expiry.items()
        if np.datetime64(day) in days
    }


def test_the_sheet_of_the_day_fills_in_what_the_files_do_not_have_yet(calendar: TradingCalendar) -> None:
    found = settlements(published(cboe={FRIDAY: FRIDAYS}, cboe_sheet={MONDAY: MONDAYS}), calendar)
    assert on(found, FRIDAY) == dict(zip(EXPIRIES, FRIDAYS, strict=True))
    assert on(found, MONDAY) == dict(zip(EXPIRIES, MONDAYS, strict=True))
    assert found.refused == {}


def test_the_file_of_the_contract_wins_over_the_sheet(calendar: TradingCalendar) -> None:
    amended = (72.625, 59.20, 44.75)
    found = settlements(published(cboe={FRIDAY: FRIDAYS, MONDAY: amended}, cboe_sheet={MONDAY: MONDAYS}), calendar)
    assert on(found, MONDAY)[APRIL] == 59.20
    assert found.refused == {}


def test_a_sheet_that_repeats_the_session_before_is_refused(calendar: TradingCalendar) -> None:
    found = settlements(published(cboe={FRIDAY: FRIDAYS}, cboe_sheet={MONDAY: FRIDAYS}), calendar)
    assert on(found, MONDAY) == {}
    assert found.refused == dict.fromkeys(
        ((expiry, MONDAY) for expiry in EXPIRIES), "Cboe's sheet of 2020-03-16 repeats that of 2020-03-13"
    )


def test_a_sheet_that_repeats_the_sheet_before_is_refused(calendar: TradingCalendar) -> None:
    found = settlements(published(cboe_sheet={FRIDAY: FRIDAYS, MONDAY: FRIDAYS}), calendar)
    assert on(found, FRIDAY)
    assert on(found, MONDAY) == {}


def test_a_contract_that_did_not_move_is_no_repeated_sheet(calendar: TradingCalendar) -> None:
    moved = (FRIDAYS[0], FRIDAYS[1], 37.05)
    found = settlements(published(cboe={FRIDAY: FRIDAYS}, cboe_sheet={MONDAY: moved}), calendar)
    assert on(found, MONDAY) == dict(zip(EXPIRIES, moved, strict=True))


def test_a_repeated_sheet_does_not_contradict_the_files(calendar: TradingCalendar) -> None:
    found = settlements(published(cboe={FRIDAY: FRIDAYS, MONDAY: MONDAYS}, cboe_sheet={MONDAY: FRIDAYS}), calendar)
    assert on(found, MONDAY) == dict(zip(EXPIRIES, MONDAYS, strict=True))
    assert found.refused == {}


def test_the_file_of_the_contract_is_final_however_far_the_sheet_is_off(calendar: TradingCalendar) -> None:
    sheet = (MONDAYS[0] * 0.5, MONDAYS[1], MONDAYS[2])
    found = settlements(published(cboe={FRIDAY: FRIDAYS, MONDAY: MONDAYS}, cboe_sheet={MONDAY: sheet}), calendar)
    assert on(found, MONDAY) == dict(zip(EXPIRIES, MONDAYS, strict=True))
    assert found.refused == {}


def test_a_sheet_that_repeats_one_which_the_files_corrected_is_refused(calendar: TradingCalendar) -> None:
    # The file of a contract changed Friday's settlement by a tick: Monday's sheet is Friday's sheet all the same.
    corrected = (FRIDAYS[0], FRIDAYS[1] + 0.05, FRIDAYS[2])
    found = settlements(published(cboe={FRIDAY: corrected}, cboe_sheet={FRIDAY: FRIDAYS, MONDAY: FRIDAYS}), calendar)
    assert on(found, FRIDAY)[APRIL] == corrected[1]
    assert on(found, MONDAY) == {}


def test_a_sheet_that_repeats_one_of_two_sessions_before_is_refused(calendar: TradingCalendar) -> None:
    tuesday = dt.date(2020, 3, 17)
    sheets = {FRIDAY: FRIDAYS, MONDAY: MONDAYS, tuesday: FRIDAYS}
    found = settlements(published(cboe_sheet=sheets), calendar)
    assert on(found, tuesday) == {}
    assert found.refused[APRIL, tuesday] == "Cboe's sheet of 2020-03-17 repeats that of 2020-03-13"


def test_the_archive_fills_in_what_the_current_file_lacks(calendar: TradingCalendar) -> None:
    found = settlements(published(cboe={MONDAY: MONDAYS}, cboe_archive={FRIDAY: FRIDAYS, MONDAY: FRIDAYS}), calendar)
    assert on(found, FRIDAY)[MARCH] == FRIDAYS[0]
    assert on(found, MONDAY)[MARCH] == MONDAYS[0]
    assert {CBOE, CBOE_ARCHIVE, CBOE_SHEET} == {"cboe", "cboe-archive", "cboe-sheet"}
