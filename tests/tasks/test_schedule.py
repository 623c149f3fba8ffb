from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.calendar import TradingCalendar, trading_calendar
from signals.zones import NEW_YORK
from tasks.schedule import ATTEMPTS, CLOSE_MARGIN, deadline, first_attempt, next_attempt, session_due

FIRST, LAST = dt.date(2006, 1, 3), dt.date(2030, 12, 31)
SESSIONS: list[dt.date] = trading_calendar().sessions_in(FIRST, LAST).tolist()

INSTANTS = st.datetimes(
    dt.datetime(2006, 1, 3), dt.datetime(2030, 12, 31), timezones=st.sampled_from([dt.UTC, NEW_YORK])
)


def new_york(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def attempts_on(day: dt.date) -> list[dt.datetime]:
    """Every attempt of a day, in UTC."""
    times = [dt.time(hour, minute) for weekdays, hour, minute in ATTEMPTS if day.weekday() in weekdays]
    return sorted(dt.datetime.combine(day, time, NEW_YORK).astimezone(dt.UTC) for time in times)


def attempts_between(start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """Every attempt after `start` and before `end`, in UTC."""
    days = [start.date() + dt.timedelta(days=ahead) for ahead in range(-1, (end - start).days + 3)]
    return [attempt for day in days for attempt in attempts_on(day) if start < attempt < end]


@pytest.mark.parametrize(
    ("started_at", "session"),
    [
        # A Friday: its session from 18:00 on, and still on the weekend and on Monday morning.
        ("2026-11-20T17:59:59.999999", "2026-11-19"),
        ("2026-11-20T18:00", "2026-11-20"),
        ("2026-11-21T00:20", "2026-11-20"),
        ("2026-11-22T12:00", "2026-11-20"),
        ("2026-11-23T14:30", "2026-11-20"),
        ("2026-11-23T18:00", "2026-11-23"),
        # Thanksgiving, and the Friday after it with its close at 13:00.
        ("2026-11-26T18:45", "2026-11-25"),
        ("2026-11-27T09:30", "2026-11-25"),
        ("2026-11-27T14:59:59", "2026-11-25"),
        ("2026-11-27T15:00", "2026-11-27"),
        # The days around both clock changes of 2026.
        ("2026-03-06T18:00", "2026-03-06"),
        ("2026-03-08T03:00", "2026-03-06"),
        ("2026-03-09T17:59", "2026-03-06"),
        ("2026-03-09T18:00", "2026-03-09"),
        ("2026-10-30T17:59", "2026-10-29"),
        ("2026-11-01T01:30", "2026-10-30"),
        ("2026-11-02T17:59", "2026-10-30"),
        ("2026-11-02T18:00", "2026-11-02"),
    ],
)
def test_a_run_works_on_the_last_session_that_closed_two_hours_before(
    started_at: str, session: str, calendar: TradingCalendar
) -> None:
    instant = new_york(started_at)

    assert session_due(instant, calendar) == dt.date.fromisoformat(session)
    assert session_due(instant.astimezone(dt.UTC), calendar) == dt.date.fromisoformat(session)


@pytest.mark.parametrize(
    ("session", "utc"),
    [
        ("2026-11-19", "2026-11-20T20:30"),
        ("2026-11-20", "2026-11-23T20:30"),  # over a weekend
        ("2026-11-24", "2026-11-25T20:30"),
        ("2026-11-25", "2026-11-27T17:30"),  # over Thanksgiving, half an hour before the close at 13:00
        ("2026-11-27", "2026-11-30T20:30"),
        ("2026-03-05", "2026-03-06T20:30"),
        ("2026-03-06", "2026-03-09T19:30"),  # the clocks go forward in between
        ("2026-10-29", "2026-10-30T19:30"),
        ("2026-10-30", "2026-11-02T20:30"),  # the clocks go back in between
    ],
)
def test_the_deadline_is_half_an_hour_before_the_next_close(session: str, utc: str, calendar: TradingCalendar) -> None:
    expected = dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)

    assert deadline(dt.date.fromisoformat(session), calendar) == expected


@pytest.mark.parametrize(
    ("after", "attempt"),
    [
        ("2026-11-20T14:30", "2026-11-20T18:45"),
        ("2026-11-20T18:44:59.999999", "2026-11-20T18:45"),
        ("2026-11-20T18:45", "2026-11-20T20:30"),
        ("2026-11-20T20:30", "2026-11-21T00:20"),
        ("2026-11-21T00:20", "2026-11-21T07:30"),
        ("2026-11-21T07:30", "2026-11-23T09:30"),  # a Saturday, then Monday
        ("2026-11-22T23:59", "2026-11-23T09:30"),
        ("2026-11-25T20:30", "2026-11-26T00:20"),
        ("2026-11-26T09:30", "2026-11-26T10:30"),  # Thanksgiving has attempts like any Thursday
        ("2026-03-07T07:30", "2026-03-09T09:30"),
        ("2026-10-31T07:30", "2026-11-02T09:30"),
    ],
)
def test_the_next_attempt_is_strictly_later(after: str, attempt: str) -> None:
    assert next_attempt(new_york(after)) == new_york(attempt)
    assert next_attempt(new_york(after).astimezone(dt.UTC)) == new_york(attempt)


@pytest.mark.parametrize("day", ["2026-03-09", "2026-11-02"])
def test_attempts_keep_their_new_york_time_when_the_clocks_change(day: str) -> None:
    monday = dt.date.fromisoformat(day)
    friday = monday - dt.timedelta(days=3)
    before = next_attempt(dt.datetime.combine(friday, dt.time(18, 0), NEW_YORK))
    after = next_attempt(dt.datetime.combine(monday, dt.time(18, 0), NEW_YORK))

    assert (before.timetz(), after.timetz()) == (dt.time(18, 45, tzinfo=NEW_YORK),) * 2
    elapsed = after.astimezone(dt.UTC) - before.astimezone(dt.UTC)
    assert elapsed == dt.timedelta(days=3) + before.utcoffset() - after.utcoffset()  # type: ignore[operator]  # both are aware
    assert elapsed != dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("session", "attempt"),
    [
        ("2026-11-19", "2026-11-19T18:45"),
        ("2026-11-20", "2026-11-20T18:45"),
        ("2026-11-25", "2026-11-25T18:45"),
        ("2026-11-27", "2026-11-27T18:45"),
        ("2026-03-09", "2026-03-09T18:45"),
        ("2026-11-02", "2026-11-02T18:45"),
    ],
)
def test_the_first_attempt_is_on_the_evening_of_the_session(
    session: str, attempt: str, calendar: TradingCalendar
) -> None:
    assert first_attempt(dt.date.fromisoformat(session), calendar) == new_york(attempt)


@given(INSTANTS)
def test_between_an_instant_and_the_next_attempt_there_is_no_other(after: dt.datetime) -> None:
    found = next_attempt(after).astimezone(dt.UTC)

    assert found > after.astimezone(dt.UTC)
    assert found in attempts_on(found.astimezone(NEW_YORK).date())
    assert attempts_between(after.astimezone(dt.UTC), found) == []


@given(st.sampled_from(SESSIONS))
def test_every_attempt_of_a_session_before_its_deadline_works_on_that_session(session: dt.date) -> None:
    calendar = trading_calendar()
    first, due = first_attempt(session, calendar).astimezone(dt.UTC), deadline(session, calendar).astimezone(dt.UTC)
    attempts = [first, *attempts_between(first, due)]

    assert first < due
    assert len(attempts) >= 4
    assert {session_due(attempt, calendar) for attempt in attempts} == {session}


@given(st.sampled_from(SESSIONS))
def test_no_attempt_before_the_first_works_on_a_session(session: dt.date) -> None:
    calendar = trading_calendar()
    first = first_attempt(session, calendar).astimezone(dt.UTC)
    earlier = attempts_between(first - dt.timedelta(days=4), first)

    assert earlier
    assert all(session_due(attempt, calendar) < session for attempt in earlier)


@given(INSTANTS)
def test_the_session_due_has_closed_and_the_one_after_it_has_not(instant: dt.datetime) -> None:
    calendar = trading_calendar()
    session = session_due(instant, calendar)

    assert calendar.close_time(session).astimezone(dt.UTC) + CLOSE_MARGIN <= instant
    assert calendar.close_time(calendar.next_session(session)).astimezone(dt.UTC) + CLOSE_MARGIN > instant
