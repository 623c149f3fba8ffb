"""The release calendar of the Bureau of Labor Statistics, as far as it was recorded: CPI and PPI."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from tasks.replay.messages import Reply, Request, not_found
from tasks.replay.recorded import new_york_day

CALENDAR = "/schedule/news_release/bls.ics"

_RELEASES = {"cpi": "Consumer Price Index", "ppi": "Producer Price Index"}
_RELEASED_AT = dt.time(8, 30)
#: Octets of a line before it is folded.
_WIDTH = 75
_HEAD = (
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Bureau of Labor Statistics//Release Calendar//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    "X-WR-CALNAME:BLS Release Calendar",
    "X-WR-TIMEZONE:US-Eastern",
    "BEGIN:VTIMEZONE",
    "TZID:US-Eastern",
    "BEGIN:DAYLIGHT",
    "DTSTART:20070311T020000",
    "TZOFFSETFROM:-0500",
    "TZOFFSETTO:-0400",
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
    "TZNAME:EDT",
    "END:DAYLIGHT",
    "BEGIN:STANDARD",
    "DTSTART:20071104T020000",
    "TZOFFSETFROM:-0400",
    "TZOFFSETTO:-0500",
    "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
    "TZNAME:EST",
    "END:STANDARD",
    "END:VTIMEZONE",
)


def answer(directory: Path, instant: dt.datetime, request: Request) -> Reply:
    """What the release calendar answers: the releases of this year and the next."""
    paths = {name: directory / f"calendar/{name}_release_dates.csv" for name in _RELEASES}
    if request.path != CALENDAR or not any(path.exists() for path in paths.values()):
        return not_found()
    year = new_york_day(instant).year
    lines = list(_HEAD)
    for name, path in paths.items():
        for day, note in _days(path):
            if year <= day.year <= year + 1:
                lines += _event(name, day, note, year)
    if len(lines) == len(_HEAD):
        # Nothing of these years was recorded; a real schedule is never empty.
        return not_found()
    return Reply(_folded([*lines, "END:VCALENDAR"]), content_type="text/calendar; charset=utf-8")


def _days(path: Path) -> list[tuple[dt.date, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [(dt.date.fromisoformat(row["date"]), row["note"]) for row in csv.DictReader(file)]


def _event(name: str, day: dt.date, note: str, year: int) -> list[str]:
    starts = dt.datetime.combine(day, _RELEASED_AT)
    described = f"{_RELEASES[name]} ({note}). Released at 8:30 AM, Eastern Time. See https://www.bls.gov/{name}/"
    return [
        "BEGIN:VEVENT",
        f"UID:{name}-{day:%Y%m%d}@bls.gov",
        f"DTSTAMP:{year}0101T000000Z",
        f"DTSTART;TZID=US-Eastern:{starts:%Y%m%dT%H%M%S}",
        f"SUMMARY:{_RELEASES[name]}",
        f"DESCRIPTION:{_escaped(described)}",
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    for character in "\\;,":
        text = text.replace(character, "\\" + character)
    return text


def _folded(lines: Iterable[str]) -> bytes:
    """Lines as RFC 5545 has them: of at most 75 octets, a space before what goes on, CR LF at every end."""
    folded = []
    for line in lines:
        folded.append(line[:_WIDTH])
        rest = line[_WIDTH:]
        while rest:
            folded.append(" " + rest[: _WIDTH - 1])
            rest = rest[_WIDTH - 1 :]
    return "".join(f"{line}\r\n" for line in folded).encode()
