"""Parsers of calendars of events: the release schedule of the BLS (iCalendar), and plain lists of dates.

An event is an observation with the value 1 on its day, in New York; 0 where it was called off. Days may lie ahead, and
need not be sessions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from signals.errors import DataQualityError
from signals.market import HISTORY_START, Observations
from signals.series import BLS, EVENT_CPI, EVENT_FOMC, EVENT_PPI, FED
from signals.zones import NEW_YORK
from tasks.sources.payload import Payload
from tasks.sources.tables import day_by_day, observations, read_on, table_of, wrong_name
from tasks.sources.text import text_of

#: No schedule reaches further ahead.
YEARS_AHEAD = 5

_LISTS = {
    "fomc_dates": (EVENT_FOMC, FED),
    "cpi_release_dates": (EVENT_CPI, BLS),
    "ppi_release_dates": (EVENT_PPI, BLS),
}
_UNSCHEDULED = "unscheduled"

_RELEASES = {"Consumer Price Index": EVENT_CPI, "Producer Price Index": EVENT_PPI}
_EASTERN = ("US-Eastern", "US/Eastern", "America/New_York", "Eastern Standard Time", "EST5EDT")

_PROPERTY = re.compile(r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:\"[^\"]*\"|[^\";:]*))*):(.*)", re.DOTALL)
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^\";:]*))")
_INSTANT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)


def parse_event_dates(payload: Payload) -> Iterator[Observations]:
    """A list of dates, each with a note.

    What the note calls unscheduled is left out: the series says which days were known to come.

    Raises
    ------
    DataQualityError
    """
    if payload.subject not in _LISTS:
        raise wrong_name(payload, " or ".join(_LISTS))
    series, publisher = _LISTS[payload.subject]
    table = table_of(payload, ("date", "note"), last_is_free=True)
    note_at = table.column("note")

    def event(_line: int, _day: dt.date, cells: list[str]) -> float | None:
        return None if cells[note_at].lstrip(' "').startswith(_UNSCHEDULED) else 1.0

    yield day_by_day(table, series, publisher, event, until=_last_day(payload))


def parse_bls_schedule(payload: Payload) -> Iterator[Observations]:
    """The releases of the CPI and the PPI among all that the BLS schedules.

    Raises
    ------
    DataQualityError
        Naming the line, for anything that is no calendar, is cut off, or dates an event in a way that has no day in
        New York.
    """
    found: dict[str, dict[dt.date, float]] = {}
    for event in _events(payload):
        series = next((each for start, each in _RELEASES.items() if event.value("SUMMARY").startswith(start)), None)
        if series is None:
            continue
        day = _day(payload, event)
        if day < HISTORY_START:
            continue
        value = 0.0 if event.value("STATUS").upper() == "CANCELLED" else 1.0
        days = found.setdefault(series, {})
        days[day] = max(value, days.get(day, 0.0))
    if not found:
        raise DataQualityError(
            payload.locator,
            expected=f"a release called {' or '.join(_RELEASES)}",
            got="none among all events",
            do="Fetch the file again; if the publisher changed it, its parser has to follow.",
        )
    for series in sorted(found):
        yield observations(series, BLS, sorted(found[series].items()))


@dataclass(frozen=True)
class _Property:
    line: int
    parameters: dict[str, str]
    value: str


@dataclass(frozen=True)
class _Event:
    line: int
    properties: dict[str, _Property]

    def value(self, name: str) -> str:
        """The value of a property; empty where there is none."""
        found = self.properties.get(name)
        return found.value.strip() if found else ""


def _events(payload: Payload) -> Iterator[_Event]:
    """The events of a calendar, which may hold other things."""
    open_parts: list[str] = []
    event = _Event(0, {})
    line = 0
    for line, text in _unfolded(payload):
        if not open_parts and (line, text.upper()) != (1, "BEGIN:VCALENDAR"):
            raise _wrong(payload, line, "BEGIN:VCALENDAR as the first line and nothing after its end", repr(text[:60]))
        parsed = _PROPERTY.fullmatch(text)
        if parsed is None:
            raise _wrong(payload, line, "a property as NAME:value", repr(text[:60]))
        name, value = parsed[1].upper(), parsed[3]
        if name == "BEGIN":
            open_parts.append(value.upper())
            if open_parts == ["VCALENDAR", "VEVENT"]:
                event = _Event(line, {})
        elif name == "END":
            if value.upper() != open_parts[-1]:
                raise _wrong(payload, line, f"END:{open_parts[-1]}", repr(text[:60]))
            if open_parts == ["VCALENDAR", "VEVENT"]:
                yield event
            open_parts.pop()
        elif open_parts == ["VCALENDAR", "VEVENT"]:
            if name in event.properties and name in ("DTSTART", "SUMMARY", "STATUS"):
                raise _wrong(payload, line, f"one {name} per event", "a second one")
            parameters = {key.upper(): quoted or plain for key, quoted, plain in _PARAMETER.findall(parsed[2])}
            event.properties[name] = _Property(line, parameters, value)
    if open_parts:
        raise _wrong(payload, line, "END:VCALENDAR at the end", "a file that was cut off")


def _unfolded(payload: Payload) -> Iterator[tuple[int, str]]:
    """The logical lines of a calendar, each with the number of its first line: long ones go on after a blank."""
    logical, start = "", 0
    for number, line in enumerate(text_of(payload, "a calendar").replace("\r\n", "\n").split("\n"), start=1):
        if line[:1] in (" ", "\t") and start:
            logical += line[1:]
            continue
        if logical:
            yield start, logical
        logical, start = line, number
    if logical:
        yield start, logical


def _day(payload: Payload, event: _Event) -> dt.date:
    """The day of an event in New York."""
    begins = event.properties.get("DTSTART")
    if begins is None:
        raise _wrong(payload, event.line, "an event with a DTSTART", f"none in {event.value('SUMMARY')[:60]!r}")
    if "RRULE" in event.properties or "RDATE" in event.properties:
        raise _wrong(payload, event.line, "an event for each release", "one that recurs")
    day = _new_york_day(begins)
    if day is None:
        zone = begins.parameters.get("TZID")
        shown = f"{begins.value[:40]!r}" + (f" in the time zone {zone[:40]!r}" if zone else "")
        raise _wrong(payload, begins.line, "a day, or a time in New York or UTC", shown)
    if day > _last_day(payload):
        raise _wrong(payload, begins.line, f"a day up to {_last_day(payload)}", str(day))
    return day


def _new_york_day(begins: _Property) -> dt.date | None:
    """The day in New York on which something begins, None if it cannot be told. A time without zone is New York's."""
    parts = _INSTANT.fullmatch(begins.value.strip())
    if parts is None or begins.parameters.get("TZID", _EASTERN[0]) not in _EASTERN:
        return None
    try:
        day = dt.date(int(parts[1]), int(parts[2]), int(parts[3]))
        if parts[4] is None:
            return day
        clock = dt.time(int(parts[4]), int(parts[5]), int(parts[6]))
        if not parts[7]:
            return day
        return dt.datetime.combine(day, clock, dt.UTC).astimezone(NEW_YORK).date()
    except (ValueError, OverflowError):
        return None


def _last_day(payload: Payload) -> dt.date:
    return read_on(payload) + dt.timedelta(days=366 * YEARS_AHEAD)


def _wrong(payload: Payload, line: int, expected: str, got: str) -> DataQualityError:
    return DataQualityError(f"{payload.locator}, line {line}", expected=expected, got=got, do="Fetch the file again.")
