from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import exchange_calendars
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.calendar import MONTH_CODES, TradingCalendar, contract_code, trading_calendar
from signals.errors import ConfigurationError
from signals.vix_futures import roll_left
from signals.zones import NEW_YORK
from tasks.schedule import deadline

D = dt.date.fromisoformat

# Cboe: expiries moved to another weekday by a holiday on them or thirty days after.
MOVED_EXPIRIES = [
    "2008-02-19",
    "2014-03-18",
    "2019-03-19",
    "2022-03-15",
    "2024-06-18",
    "2025-03-18",
    "2026-05-19",
    "2027-05-18",
]


def test_every_monthly_expiry_since_2004_is_a_wednesday_but_the_moved_ones(calendar: TradingCalendar) -> None:
    expiries = [calendar.vx_expiry(year, month) for year in range(2004, 2028) for month in range(1, 13)]
    assert len(expiries) == 288
    assert [str(day) for day in expiries if day.weekday() != 2] == MOVED_EXPIRIES


def test_all_288_expiries_equal_the_recorded_table(calendar: TradingCalendar, data_dir: Path) -> None:
    with (data_dir / "calendar/vx_expiries.csv").open() as file:
        recorded = {row["contract"]: row["expiry"] for row in csv.DictReader(file)}
    computed = {
        f"{MONTH_CODES[month - 1]}{year}": str(calendar.vx_expiry(year, month))
        for year in range(2004, 2028)
        for month in range(1, 13)
    }
    assert len(recorded) == 288
    assert computed == recorded


@pytest.mark.parametrize(("year", "month", "expiry"), [(2004, 7, "2004-07-14"), (2004, 10, "2004-10-13")])
def test_two_expiries_of_2004_are_exceptions_to_the_rule(
    calendar: TradingCalendar, year: int, month: int, expiry: str
) -> None:
    assert calendar.vx_expiry(year, month) == D(expiry)


# Counted by hand on the calendar of the month: business days left after the close, of those in the roll period.
@pytest.mark.parametrize(
    ("session", "left", "period"),
    [
        ("2006-12-29", 10, 17),
        ("2007-01-03", 8, 17),  # 2007-01-02: day of mourning; its share is rolled on the 3rd
        ("2012-10-26", 17, 25),
        ("2012-10-31", 14, 25),  # 2012-10-29 and 30: hurricane Sandy
        ("2018-12-04", 10, 19),
        ("2018-12-06", 8, 19),  # 2018-12-05: day of mourning
        ("2025-01-08", 8, 22),
        ("2025-01-10", 6, 22),  # 2025-01-09: day of mourning
        ("2020-03-17", 0, 20),  # the eve of an expiry holds nothing of the expiring contract
        ("2020-03-18", 18, 19),  # the expiry day holds one part of the new second contract already
    ],
)
def test_roll_weights_count_the_calendar_as_it_was_scheduled(
    calendar: TradingCalendar, session: str, left: int, period: int
) -> None:
    assert roll_left(np.array([session], dtype="datetime64[D]"), calendar)[0] == left / period


def test_a_closure_announced_late_is_no_session_but_stays_a_business_day() -> None:
    closed = dt.date(2026, 12, 3)
    plain, told = trading_calendar(), TradingCalendar([closed])
    assert plain.is_session(closed)
    assert not told.is_session(closed)
    assert told.next_session(dt.date(2026, 12, 2)) == dt.date(2026, 12, 4)
    after = np.array(["2026-12-04"], dtype="datetime64[D]")
    assert roll_left(after, told) == roll_left(after, plain)


def test_early_closes_are_known(calendar: TradingCalendar) -> None:
    assert calendar.close_time(dt.date(2026, 11, 27)).isoformat() == "2026-11-27T13:00:00-05:00"
    assert calendar.close_time(dt.date(2026, 7, 1)).isoformat() == "2026-07-01T16:00:00-04:00"


def test_asking_for_the_close_of_a_holiday_names_the_sessions_around_it(calendar: TradingCalendar) -> None:
    with pytest.raises(ConfigurationError, match=r"2026-11-26.*Thursday.*2026-11-25 and 2026-11-27"):
        calendar.close_time(dt.date(2026, 11, 26))


def test_a_day_outside_the_calendar_is_refused(calendar: TradingCalendar) -> None:
    with pytest.raises(ConfigurationError, match="2003-01-02"):
        calendar.is_session(dt.date(2003, 1, 2))


def test_contracts_are_named_by_month_letter_and_year() -> None:
    assert contract_code(dt.date(2020, 3, 18)) == "VXH20"


@given(st.dates(dt.date(2004, 1, 5), dt.date(2035, 12, 28)))
def test_next_and_previous_session_are_inverse(day: dt.date) -> None:
    calendar = trading_calendar()
    following = calendar.next_session(day)
    assert day < following
    assert calendar.is_session(following)
    before = calendar.previous_session(following)
    assert before == (day if calendar.is_session(day) else calendar.previous_session(day))


@given(st.datetimes(dt.datetime(2005, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(dt.UTC)))
def test_the_last_closed_session_has_closed_and_the_next_has_not(instant: dt.datetime) -> None:
    calendar, margin = trading_calendar(), dt.timedelta(hours=2)
    session = calendar.last_session_closed_by(instant, margin)
    assert calendar.close_time(session) + margin <= instant
    assert calendar.close_time(calendar.next_session(session)) + margin > instant


def test_an_early_close_that_the_package_does_not_know_moves_close_deadline_and_session_due() -> None:
    day = dt.date(2026, 12, 23)
    told = TradingCalendar(early_closes=[day, dt.date(2026, 11, 27)])
    assert TradingCalendar().close_time(day).time() == dt.time(16, 0)
    assert told.close_time(day) == dt.datetime(2026, 12, 23, 13, 0, tzinfo=NEW_YORK)
    # The day after Thanksgiving is short anyway.
    assert told.close_time(dt.date(2026, 11, 27)).time() == dt.time(13, 0)
    assert told.last_session_closed_by(dt.datetime(2026, 12, 23, 15, 0, tzinfo=NEW_YORK), dt.timedelta(hours=2)) == day
    assert deadline(dt.date(2026, 12, 22), told) == dt.datetime(2026, 12, 23, 12, 30, tzinfo=NEW_YORK)


def test_an_early_close_on_a_day_without_a_session_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="session 2026-12-25: expected a day on which the NYSE trades"):
        TradingCalendar(early_closes=[dt.date(2026, 12, 25)])


def test_a_closure_is_no_session_stays_a_business_day_of_the_roll_and_is_named() -> None:
    day = dt.date(2026, 12, 2)
    told = TradingCalendar([day], [dt.date(2026, 12, 3)])
    assert not told.is_session(day)
    assert np.datetime64(day) in told.scheduled_business_days
    assert told.vx_expiries.tolist() == TradingCalendar().vx_expiries.tolist()
    package = exchange_calendars.__version__
    assert told.version == f"exchange_calendars {package}; closed 2026-12-02; closing early 2026-12-03"
    assert TradingCalendar().version == f"exchange_calendars {package}"
