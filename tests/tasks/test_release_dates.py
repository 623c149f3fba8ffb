"""Calendars of events: the schedule of the BLS, and lists of dates."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.errors import DataQualityError
from tasks.sources.bls import schedule_file
from tasks.sources.formats import BLS_SCHEDULE, EVENT_DATES, parse
from tasks.sources.payload import Payload

NOW = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)

Found = dict[tuple[str, str], dict[str, float]]


def event(summary: str, starts: str, *more: str) -> str:
    return "\n".join(("BEGIN:VEVENT", f"DTSTART{starts}", f"SUMMARY:{summary}", *more, "END:VEVENT"))


def calendar(*parts: str) -> str:
    return "\n".join(("BEGIN:VCALENDAR", "PRODID:-//Bureau of Labor Statistics//EN", *parts, "END:VCALENDAR", ""))


CPI = event("Consumer Price Index", ";TZID=US-Eastern:20260812T083000")
JOBS = event("Employment Situation", ";TZID=US-Eastern:20260807T083000")


def read(format_name: str, subject: str, body: str) -> Found:
    payload = Payload(format_name, subject, "recorded/file", body.encode(), NOW, assumed_availability=False)
    return {
        (each.series, each.publisher): dict(zip(map(str, each.days), each.values.tolist(), strict=True))
        for each in parse(payload)
    }


def schedule(body: str) -> Found:
    return read(BLS_SCHEDULE, "releases", body)


def refuse(body: str, format_name: str = BLS_SCHEDULE, subject: str = "releases") -> str:
    with pytest.raises(DataQualityError) as caught:
        read(format_name, subject, body)
    return str(caught.value)


def test_the_releases_of_prices_are_read_among_all_others() -> None:
    ppi = event("Producer Price Index", ";TZID=US-Eastern:20260813T083000")
    assert schedule(calendar(JOBS, CPI, ppi)) == {
        ("EVENT.CPI", "bls"): {"2026-08-12": 1.0},
        ("EVENT.PPI", "bls"): {"2026-08-13": 1.0},
    }


def test_releases_may_lie_ahead_come_in_any_order_and_be_named_for_their_month() -> None:
    later = event("Consumer Price Index for December 2026", ";TZID=US-Eastern:20270113T083000")
    (days,) = schedule(calendar(later, CPI)).values()
    assert list(days) == ["2026-08-12", "2027-01-13"]


@pytest.mark.parametrize(
    ("starts", "day"),
    [
        (":20260812T083000", "2026-08-12"),
        (";TZID=America/New_York:20260812T233000", "2026-08-12"),
        (';TZID="US-Eastern":20260812T083000', "2026-08-12"),
        (":20260812T123000Z", "2026-08-12"),
        (":20260813T033000Z", "2026-08-12"),  # 23:30 the evening before, in summer
        (":20260113T043000Z", "2026-01-12"),  # and in winter
        (";VALUE=DATE:20260812", "2026-08-12"),
        (";VALUE=DATE-TIME;TZID=US-Eastern:20260812T083000", "2026-08-12"),
    ],
)
def test_a_release_is_on_its_day_in_new_york(starts: str, day: str) -> None:
    assert schedule(calendar(event("Consumer Price Index", starts))) == {("EVENT.CPI", "bls"): {day: 1.0}}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("fold", ["\n ", "\n\t"])
def test_long_lines_may_be_folded_anywhere(line_end: str, fold: str) -> None:
    for place in range(1, len("SUMMARY:Consumer Price Index")):
        summary = "SUMMARY:Consumer Price Index"
        body = calendar(CPI.replace(summary, summary[:place] + fold + summary[place:])).replace("\n", line_end)
        assert schedule(body) == {("EVENT.CPI", "bls"): {"2026-08-12": 1.0}}


def test_a_release_called_off_is_a_zero_unless_another_is_on_that_day() -> None:
    off = event("Consumer Price Index", ":20261015", "STATUS:CANCELLED")
    on = event("Consumer Price Index", ":20261024", "STATUS:CONFIRMED")
    (days,) = schedule(calendar(off, on)).values()
    assert days == {"2026-10-15": 0.0, "2026-10-24": 1.0}
    (days,) = schedule(calendar(off, off.replace("CANCELLED", "CONFIRMED"), off)).values()
    assert days == {"2026-10-15": 1.0}


def test_other_parts_of_a_calendar_are_passed_over() -> None:
    summer = "BEGIN:DAYLIGHT\nDTSTART:20070311T020000\nRRULE:FREQ=YEARLY\nEND:DAYLIGHT"
    zone = f"BEGIN:VTIMEZONE\nTZID:US-Eastern\n{summer}\nEND:VTIMEZONE"
    alarm = "BEGIN:VALARM\nSUMMARY:Producer Price Index\nDTSTART:20260101\nEND:VALARM"
    (key,) = schedule(calendar(zone, event("Consumer Price Index", ":20260812", alarm)))
    assert key == ("EVENT.CPI", "bls")


def cpi(starts: str, *more: str) -> str:
    return calendar(event("Consumer Price Index", starts, *more))


NO_DAY = "expected a day, or a time in New York or UTC, got "
OUTSIDE = "expected BEGIN:VCALENDAR as the first line and nothing after its end, got "


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("date,note\n", 1, f"{OUTSIDE}'date,note'."),
        (calendar(CPI) + CPI, 8, f"{OUTSIDE}'BEGIN:VEVENT'."),
        (
            calendar(CPI).removesuffix("END:VCALENDAR\n"),
            6,
            "expected END:VCALENDAR at the end, got a file that was cut",
        ),
        (calendar(CPI).replace("END:VEVENT", "END:VTODO"), 6, "expected END:VEVENT, got 'END:VTODO'."),
        (calendar("END:VEVENT", CPI), 3, "expected END:VCALENDAR, got 'END:VEVENT'."),
        (calendar(CPI).replace("SUMMARY:", "SUMMARY "), 5, "expected a property as NAME:value, got 'SUMMARY Consumer"),
        (cpi(":20260812", "DTSTART:20260813"), 6, "expected one DTSTART per event, got a second one."),
        (calendar(CPI.replace("DTSTART", "DTEND")), 3, "expected an event with a DTSTART, got none in 'Consumer Price"),
        (cpi(":20260812", "RRULE:FREQ=MONTHLY"), 3, "expected an event for each release, got one that recurs."),
        (cpi(":12 August"), 4, f"{NO_DAY}'12 August'."),
        (cpi(":20260231"), 4, f"{NO_DAY}'20260231'."),
        (cpi(":20260812T250000"), 4, f"{NO_DAY}'20260812T250000'."),
        (cpi(";TZID=Europe/Oslo:20260812"), 4, f"{NO_DAY}'20260812' in the time zone 'Europe/Oslo'."),
        (cpi(":22260812"), 4, "expected a day up to 2031-11-24, got 2226-08-12."),
    ],
)
def test_what_is_wrong_with_a_schedule_is_named_with_its_line(body: str, line: int, said: str) -> None:
    assert f"recorded/file, line {line}: {said}" in refuse(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (calendar(JOBS), "expected a release called Consumer Price Index or Producer Price Index, got none among all"),
        ("<html>Access Denied</html>", "expected a calendar, got an HTML page"),
        ("", "expected a calendar, got an empty one."),
    ],
)
def test_what_is_no_schedule_is_refused(body: str, said: str) -> None:
    assert f"recorded/file: {said}" in refuse(body)


def test_the_schedule_is_one_file() -> None:
    assert schedule_file("https://www.example").url == "https://www.example/schedule/news_release/bls.ics"


def test_dates_are_read_whether_they_are_sessions_or_lie_ahead() -> None:
    body = "date,note\n2003-12-09,scheduled\n2026-03-15,a Sunday\n2027-12-08,scheduled\n"
    assert read(EVENT_DATES, "fomc_dates", body) == {("EVENT.FOMC", "fed"): {"2026-03-15": 1.0, "2027-12-08": 1.0}}
    assert set(read(EVENT_DATES, "cpi_release_dates", body)) == {("EVENT.CPI", "bls")}
    assert set(read(EVENT_DATES, "ppi_release_dates", body)) == {("EVENT.PPI", "bls")}


def test_what_nobody_knew_to_come_is_no_scheduled_event() -> None:
    body = 'date,note\n2007-08-17,"unscheduled: after a call, no change"\n2008-01-22,unscheduled: cut\n2008-01-30,\n'
    assert read(EVENT_DATES, "fomc_dates", body) == {("EVENT.FOMC", "fed"): {"2008-01-30": 1.0}}


ASCENDING = "expected dates in ascending order, each once, got "


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        ("2026-01-28,x\n2026-01-28,x\n", 3, f"{ASCENDING}2026-01-28 a second time."),
        ("2026-01-28,x\n2026-01-27,x\n", 3, f"{ASCENDING}2026-01-27 after 2026-01-28."),
        ("soon,x\n", 2, "expected a date as yyyy-mm-dd or mm/dd/yyyy, got 'soon'."),
        ("2026-01-28\n", 2, "expected 2 fields, got 1: '2026-01-28'."),
        ("2126-01-28,x\n", 2, "expected a day up to 2031-11-24, some years after it was read, got 2126-01-28, in the"),
        ("2026-01-28,x", 2, "expected a line end after the last row"),
    ],
)
def test_a_wrong_date_in_a_list_is_named(rows: str, line: int, said: str) -> None:
    assert f"recorded/file, line {line}: {said}" in refuse(f"date,note\n{rows}", EVENT_DATES, "fomc_dates")


def test_a_list_of_something_else_is_refused() -> None:
    message = refuse("date,note\n2026-01-28,x\n", EVENT_DATES, "vx_expiries")
    assert "expected a file named fomc_dates or cpi_release_dates or ppi_release_dates, got 'vx_expiries'." in message


quickly = settings(max_examples=30, deadline=None)
days = st.lists(st.dates(dt.date(2004, 1, 2), dt.date(2031, 11, 24)), min_size=1, max_size=10, unique=True)


@quickly
@given(days, st.sampled_from(["\n", "\r\n"]), st.data())
def test_a_schedule_is_read_exactly_as_written(written: list[dt.date], line_end: str, data: st.DataObject) -> None:
    forms = (";VALUE=DATE:{:%Y%m%d}", ";TZID=US-Eastern:{:%Y%m%d}T083000", ":{:%Y%m%d}T133000Z")
    events = [event("Consumer Price Index", data.draw(st.sampled_from(forms)).format(day)) for day in written]
    (found,) = schedule(calendar(JOBS, *events).replace("\n", line_end)).values()
    assert found == {str(day): 1.0 for day in sorted(written)}


@quickly
@given(days)
def test_a_list_is_read_exactly_as_written(written: list[dt.date]) -> None:
    body = "".join(["date,note\n", *(f"{day},scheduled\n" for day in sorted(written))])
    (found,) = read(EVENT_DATES, "fomc_dates", body).values()
    assert found == {str(day): 1.0 for day in sorted(written)}
