"""The periods a study looks at: the whole range, the named crises, calm years, and live index against back-test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from signals.calendar import Days
from signals.errors import ConfigurationError
from signals.study.result import BACK_TEST, CALM, CRISIS, LIVE, WHOLE, Period
from signals.study.tracks import Tracks
from signals.veqtor.signal import VEQTOR_LIVE_SINCE

#: First session of which S&P published its VIX futures indices live; earlier ones are their back-test.
VIX_FUTURES_LIVE_SINCE = dt.date(2009, 1, 22)

#: Crises: the session before the first return, and the last one. From the close before the fall to its low; that of
#: 2008 from the end of the month before Lehman Brothers failed; 2022, a slow fall, is the calendar year.
CRISES = (
    ("2008", dt.date(2008, 8, 29), dt.date(2009, 3, 9)),
    ("2011", dt.date(2011, 7, 22), dt.date(2011, 10, 3)),
    ("Feb 2018", dt.date(2018, 1, 26), dt.date(2018, 2, 8)),
    ("Q1 2020", dt.date(2020, 2, 19), dt.date(2020, 3, 23)),
    ("2022", dt.date(2021, 12, 31), dt.date(2022, 12, 30)),
    ("Aug 2024", dt.date(2024, 7, 31), dt.date(2024, 8, 5)),
    ("Apr 2025", dt.date(2025, 4, 2), dt.date(2025, 4, 8)),
)

#: A calendar year is calm where the S&P 500 never fell by a correction from a high within it: a fall of a tenth, by the
#: usual meaning of the word.
CORRECTION = 0.10

FRIDAY = 4

#: The least returns a study is made of.
LEAST_RETURNS = 2


def periods_of(tracks: Tracks, first: int, last: int) -> tuple[Period, ...]:
    """The periods of a range, the whole one first.

    All strategies are measured on the same sessions: the range begins with the first one that each has a level of.
    A crisis or a year that the range does not hold all of is left out.

    Parameters
    ----------
    tracks : Tracks
    first, last : int
        Rows of the range asked for, both included.

    Raises
    ------
    ConfigurationError
        When less than three sessions are left.
    """
    sessions = tracks.sessions
    asked, first = first, max([first, *(track.first for track in tracks)])
    if last - first < LEAST_RETURNS:
        raise ConfigurationError(
            "range",
            expected="three sessions or more of which every strategy has a level",
            got=f"{max(last - first + 1, 0)} from {sessions[asked]} to {sessions[last]}",
            do="Ask for a longer range, or leave out the hedges that begin late.",
        )
    days = (sessions[first].item(), sessions[last].item())
    found = [Period("whole", f"{days[0]} to {days[1]}", WHOLE, *days)]
    found += [Period(name, name, CRISIS, start, end) for name, start, end in CRISES if _holds(days, start, end)]
    found += _calm_years(tracks, first, last)
    found += _live_and_back_test(sessions, first, last)
    return tuple(found)


def rows_of(sessions: Days, period: Period) -> tuple[int, int]:
    """First and last row of a period."""
    first, last = np.searchsorted(sessions, np.array([period.first, period.last], dtype="datetime64[D]"))
    return int(first), int(last)


def _holds(days: tuple[dt.date, dt.date], start: dt.date, end: dt.date) -> bool:
    return days[0] <= start and end <= days[1]


def _calm_years(tracks: Tracks, first: int, last: int) -> Iterator[Period]:
    """Calendar years without a correction, each from the last close of the year before to its own last close."""
    if "sp500" not in tracks:
        return
    levels, sessions = tracks["sp500"].levels(), tracks.sessions
    years = sessions.astype("datetime64[Y]").astype(int) + 1970
    # The year of the last session may not be over.
    ends = [row for row in np.flatnonzero(np.diff(years)).tolist() if first <= row <= last]
    if _ends_a_year(sessions[last].item()):
        ends.append(last)
    for start, end in pairwise(ends):
        within = levels[start : end + 1]
        if float(np.min(within / np.maximum.accumulate(within))) - 1.0 > -CORRECTION:
            year = str(years[end])
            yield Period(f"calm {year}", year, CALM, sessions[start].item(), sessions[end].item())


def _ends_a_year(day: dt.date) -> bool:
    """Whether no weekday of its year follows; the 31st of December is a session wherever it is a weekday."""
    following = day + dt.timedelta(days=1)
    while following.weekday() > FRIDAY:
        following += dt.timedelta(days=1)
    return following.year > day.year


def _live_and_back_test(sessions: Days, first: int, last: int) -> Iterator[Period]:
    """Before and after an index was published live, split at the close before its first live session."""
    for key, label, since in (
        ("", "VEQTOR index", VEQTOR_LIVE_SINCE),
        ("futures ", "VIX futures indices", VIX_FUTURES_LIVE_SINCE),
    ):
        split = int(np.searchsorted(sessions, np.datetime64(since))) - 1
        if split - first >= LEAST_RETURNS:
            end = min(split, last)
            what = f"{label}: back-test, before {since}"
            yield Period(f"{key}back-test", what, BACK_TEST, sessions[first].item(), sessions[end].item())
        # Where nothing is back-test, it is the whole range.
        if split > first and last - split >= LEAST_RETURNS:
            what = f"{label}: live since {since}"
            yield Period(f"{key}live", what, LIVE, sessions[split].item(), sessions[last].item())
