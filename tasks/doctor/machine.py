"""The machine: its time zones, its clock, the trading calendar, and room on its disk."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from signals.zones import NEW_YORK
from tasks.doctor.findings import FAIL, OK, WARN, Finding

if TYPE_CHECKING:
    from signals.calendar import TradingCalendar

#: Offsets of New York from UTC at instants of both its times, in hours.
_KNOWN_OFFSETS = (
    (dt.datetime(2020, 3, 16, 22, 45, tzinfo=dt.UTC), -4),
    (dt.datetime(2026, 1, 15, 12, 0, tzinfo=dt.UTC), -5),
)

#: How far the clock may be off.
CLOCK_WARN, CLOCK_FAIL = dt.timedelta(minutes=1), dt.timedelta(minutes=10)

_SET_CLOCK = "Set the clock of this machine, and keep it set (NTP): it decides which session is over."

_AHEAD = dt.timedelta(days=365)

#: Free space, in bytes.
DISK_WARN, DISK_FAIL = 1_000_000_000, 200_000_000


def time_zone() -> Finding:
    """Whether the time zone data know New York."""
    for instant, hours in _KNOWN_OFFSETS:
        found = instant.astimezone(NEW_YORK).utcoffset()
        if found != dt.timedelta(hours=hours):
            wrong = f"New York at {instant:%Y-%m-%d %H:%M} UTC is {found} from UTC, expected {hours} hours"
            return Finding("time zone", FAIL, wrong, "Reinstall the package tzdata, and check the system's own data.")
    return Finding("time zone", OK, f"New York's times are known (tzdata {version('tzdata')})")


def clock(ahead: Mapping[str, dt.timedelta], now: dt.datetime) -> Finding:
    """Whether the clock goes with those of the publishers.

    Parameters
    ----------
    ahead : mapping of host to datetime.timedelta
        How far its clock is ahead of ours. What a cache kept looks older than it is: only where all are ahead, or all
        behind, is it ours that is off, by as much as the nearest.
    now : datetime.datetime
    """
    at = f"{now:%Y-%m-%d %H:%M} UTC"
    if not ahead:
        return Finding("clock", OK, f"{at}, compared with no other")
    same_side = min(ahead.values()) > dt.timedelta(0) or max(ahead.values()) < dt.timedelta(0)
    off = abs(min(ahead.values(), key=abs)) if same_side else dt.timedelta(0)
    hosts = f"{len(ahead)} server{'s' if len(ahead) > 1 else ''}"
    if off <= CLOCK_WARN:
        return Finding("clock", OK, f"{at}, as {hosts} have it")
    side = "behind" if min(ahead.values()) > dt.timedelta(0) else "ahead of"
    return Finding("clock", FAIL if off > CLOCK_FAIL else WARN, f"{at}, {_duration(off)} {side} {hosts}", _SET_CLOCK)


def _duration(span: dt.timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    days, hours = minutes // 1440, minutes // 60
    if days >= 2:
        return f"{days} days"
    return f"{hours} hours" if hours >= 2 else f"{minutes} minute{'s' if minutes != 1 else ''}"


def trading_calendar(
    calendar: TradingCalendar, today: dt.date, closures: tuple[dt.date, ...], early_closes: tuple[dt.date, ...]
) -> Finding:
    """Which calendar is in force, and how far it reaches."""
    last: dt.date = calendar.sessions[-1].item()
    told = [f"closed {', '.join(map(str, closures))}"] if closures else []
    told += [f"closing early {', '.join(map(str, early_closes))}"] if early_closes else []
    found = "; ".join([f"exchange_calendars {version('exchange_calendars')}, sessions to {last}", *told])
    if last < today + _AHEAD:
        return Finding("calendar", FAIL, found, "Install a newer tailguard: it needs sessions at least a year ahead.")
    return Finding("calendar", OK, found)


def disk(path: Path) -> Finding:
    """Whether there is room where the database is."""
    free = shutil.disk_usage(path).free
    found = f"{free / 1e9:.1f} GB free at {path}" if free >= DISK_WARN else f"{free / 1e6:.0f} MB free at {path}"
    if free >= DISK_WARN:
        return Finding("disk", OK, found)
    do = "Make room; `tailguard data prune` frees what nobody needs of the database."
    return Finding("disk", FAIL if free < DISK_FAIL else WARN, found, do)
