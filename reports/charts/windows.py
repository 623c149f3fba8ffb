"""Stretches of stored history as charts show them, and their figures in words. Standard library only."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from reports.charts.chart import Points, Shade
from signals.veqtor.report import SignalReport
from storage.figures import SessionFigures

_DAY = dt.timedelta(days=1)

#: Calendar days in which so many sessions fall, with room for holidays: older ones are not shown in their place.
_DAYS_PER_SESSION = 1.5
_ROOM = dt.timedelta(days=7)

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def month_name(day: dt.date) -> str:
    """The month of a day in three letters, whatever the language of the machine."""
    return _MONTHS[day.month - 1]


def recent(history: Sequence[SessionFigures], sessions: int) -> tuple[SessionFigures, ...]:
    """The last so many rows, without any that so many sessions do not reach back to."""
    rows = history[-sessions:]
    first = rows[-1].session - dt.timedelta(days=sessions * _DAYS_PER_SESSION) - _ROOM
    return tuple(row for row in rows if row.session >= first)


def is_unbroken(rows: Sequence[SessionFigures]) -> bool:
    """Whether no session between the first and the last row is missing."""
    return all(row.effective_session == following.session for row, following in pairwise(rows))


def counted(rows: Sequence[SessionFigures]) -> str:
    """How many sessions there are, such as ``the last 60 sessions``; says where sessions between them are missing."""
    if len(rows) == 1:
        return "this session"
    return f"the last {len(rows)} {'sessions' if is_unbroken(rows) else 'reported sessions'}"


def points(
    rows: Sequence[SessionFigures], value: Callable[[SessionFigures], float | None], factor: float = 1.0
) -> Points:
    """A value of every row, times a factor; sessions that are missing between them leave a gap."""
    numbers = [None if (number := known(value(row))) is None else number * factor for row in rows]
    if is_unbroken(rows):
        return tuple((row.session, number) for row, number in zip(rows, numbers, strict=True))

    def found() -> Iterator[tuple[dt.date, float | None]]:
        for row, number, following in zip(rows, numbers, (*rows[1:], None), strict=True):
            yield row.session, number
            if following is not None and following.session != row.effective_session:
                yield row.session + _DAY, None

    return tuple(found())


def known(value: float | None) -> float | None:
    """A value that can be drawn: None for what is no number."""
    return None if value is None or not math.isfinite(value) else float(value)


def stops(rows: Sequence[SessionFigures], label: str = "") -> tuple[Shade, ...]:
    """The stretches of sessions whose stop-loss test is positive, each up to the session after its last."""
    found: list[Shade] = []
    for row, following in zip(rows, (*rows[1:], None), strict=True):
        if not row.stop_loss:
            continue
        end = following.session if following and following.session == row.effective_session else row.session + _DAY
        if found and found[-1].end == row.session:
            found[-1] = Shade(found[-1].start, end, found[-1].label)
        else:
            found.append(Shade(row.session, end, label if not found else ""))
    return tuple(found)


def note(report: SignalReport, text: str = "") -> str:
    """The last line of a chart: its session, what is said of its figures, and that a session is back-tested."""
    parts = [f"Session {report.session}"]
    if text:
        parts.append(text)
    if report.back_test and not report.simulated:
        parts.append("back-test: the strategy index has been live since 2009-11-18")
    return "; ".join(parts) + "."


def times(count: int, what: str) -> str:
    """A count with its noun: ``no session``, ``1 session``, ``2 sessions``."""
    return f"{count or 'no'} {what}{'s' if count > 1 else ''}"


def lowest_and_highest(found: Points, unit: str, digits: int) -> str:
    """The extremes of a line with their days, in words."""
    values = [(value, place) for place, value in found if value is not None]
    low, high = min(values), max(values, key=lambda each: each[0])
    return f"lowest {low[0]:.{digits}f}{unit} on {low[1]}, highest {high[0]:.{digits}f}{unit} on {high[1]}"
