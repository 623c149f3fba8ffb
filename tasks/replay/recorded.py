"""Recorded files, cut to a range of days; what is left of them is as it was, byte for byte."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from signals.calendar import TradingCalendar, trading_calendar
from signals.zones import NEW_YORK

_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)")
_AMERICAN = re.compile(rb"(\d{1,2})/(\d{1,2})/(\d{4})")

#: Cboe's index histories have a session so long after its close.
INDEX_DELAY = dt.timedelta(minutes=30)


@dataclass(frozen=True)
class Recording:
    """A file of one row per day.

    Attributes
    ----------
    head : bytes
        Everything above the first row.
    lines : tuple of (datetime.date, bytes)
    """

    head: bytes
    lines: tuple[tuple[dt.date, bytes], ...]

    def rows(self, through: dt.date, first: dt.date = dt.date.min) -> list[bytes]:
        """The rows in a range of days, both included."""
        return [line for day, line in self.lines if first <= day <= through]

    def cut(self, through: dt.date, first: dt.date = dt.date.min) -> bytes:
        """The file with the rows in a range of days, both included."""
        return self.head + b"".join(self.rows(through, first))

    def cells(self, day: dt.date) -> dict[str, str]:
        """The row of a day by the names of its columns; empty where there is none."""
        line = next((line for each, line in self.lines if each == day), None)
        if line is None:
            return {}
        header = self.head.decode(errors="replace").splitlines()[-1]
        return dict(zip(header.split(","), line.decode(errors="replace").strip().split(","), strict=False))


def recording(path: Path) -> Recording | None:
    """A recorded file; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=512)
def _read(path: Path, _changed: int, _size: int) -> Recording:
    head: list[bytes] = []
    lines: list[tuple[dt.date, bytes]] = []
    for line in path.read_bytes().splitlines(keepends=True):
        day = _day(line)
        if day:
            lines.append((day, line))
        elif lines:
            lines.append((lines[-1][0], line))
        else:
            head.append(line)
    return Recording(b"".join(head), tuple(lines))


def _day(line: bytes) -> dt.date | None:
    try:
        if iso := _ISO.match(line):
            return dt.date(int(iso[1]), int(iso[2]), int(iso[3]))
        if american := _AMERICAN.match(line):
            return dt.date(int(american[3]), int(american[1]), int(american[2]))
    except ValueError:
        pass
    return None


def calendar() -> TradingCalendar:
    """The calendar that the publishers keep."""
    return trading_calendar()


def new_york_day(instant: dt.datetime) -> dt.date:
    """The day it is in New York."""
    return instant.astimezone(NEW_YORK).date()


def last_closed(instant: dt.datetime, delay: dt.timedelta) -> dt.date:
    """The last session that closed so long ago."""
    return calendar().last_session_closed_by(instant, delay)
