"""The periods of a study: those a range holds all of."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from signals.calendar import trading_calendar
from signals.errors import ConfigurationError
from signals.study.periods import CRISES, periods_of, rows_of
from signals.study.result import BACK_TEST, CALM, CRISIS, LIVE, WHOLE
from signals.study.tracks import Track, Tracks


def market(start: str, end: str, falls: tuple[str, ...] = (), late: str = "") -> Tracks:
    """A market that falls by a tenth over the 1st of some months, and another strategy that may begin later."""
    sessions = trading_calendar().sessions_in(dt.date.fromisoformat(start), dt.date.fromisoformat(end))
    returns = np.full(len(sessions), 0.0004)
    for month in falls:
        returns[np.searchsorted(sessions, np.datetime64(f"{month}-01"))] = -0.101
    returns[0] = np.nan
    unhedged = Track("sp500", "S&P 500 TR", None, returns, returns, returns * 0.0, returns * 0.0)
    begins = np.where(sessions <= np.datetime64(late or start), np.nan, returns)
    return Tracks(sessions, returns * 0.0, (unhedged, replace(unhedged, name="other", returns=begins)))


def whole(tracks: Tracks) -> tuple[int, int]:
    return 0, len(tracks.sessions) - 1


def test_the_recorded_range_has_every_period() -> None:
    # A fall that spans the turn of a year is in neither: a year counts from its own first high.
    tracks = market("2005-12-20", "2026-07-29", falls=("2008-10", "2011-08", "2018-02", "2020-03", "2022-05"))
    found = periods_of(tracks, *whole(tracks))
    assert [(each.key, each.kind) for each in found[:8]] == [
        ("whole", WHOLE), ("2008", CRISIS), ("2011", CRISIS), ("Feb 2018", CRISIS), ("Q1 2020", CRISIS),
        ("2022", CRISIS), ("Aug 2024", CRISIS), ("Apr 2025", CRISIS),
    ]  # fmt: skip
    calm = [each for each in found if each.kind == CALM]
    assert [each.key for each in calm] == [
        f"calm {year}" for year in range(2006, 2026) if year not in (2008, 2011, 2018, 2020, 2022)
    ]
    assert (calm[1].label, str(calm[1].first), str(calm[1].last)) == ("2007", "2006-12-29", "2007-12-31")
    split = {each.key: (each.kind, str(each.first), str(each.last)) for each in found[-4:]}
    assert split == {
        "back-test": (BACK_TEST, "2005-12-20", "2009-11-17"),
        "live": (LIVE, "2009-11-17", "2026-07-29"),
        "futures back-test": (BACK_TEST, "2005-12-20", "2009-01-21"),
        "futures live": (LIVE, "2009-01-21", "2026-07-29"),
    }
    assert len({each.key for each in found}) == len(found)
    for each in found:
        first, last = rows_of(tracks.sessions, each)
        assert (tracks.sessions[first].item(), tracks.sessions[last].item()) == (each.first, each.last)


def test_crises_are_sessions_from_a_close_before_the_fall() -> None:
    calendar = trading_calendar()
    for name, start, end in CRISES:
        assert calendar.is_session(start), name
        assert calendar.is_session(end), name
        assert start < end


def test_what_a_range_does_not_hold_all_of_is_left_out() -> None:
    tracks = market("2019-12-31", "2025-04-07")
    keys = [each.key for each in periods_of(tracks, *whole(tracks))]
    # The session before 2020 is there, April 2025 ends a day too late; all of it is live.
    assert keys == ["whole", "Q1 2020", "2022", "Aug 2024", *(f"calm {year}" for year in range(2020, 2025))]
    first = int(np.searchsorted(tracks.sessions, np.datetime64("2020-02-20")))
    assert [each.key for each in periods_of(tracks, first, first + 30)] == ["whole"]
    early = market("2006-01-03", "2008-12-30")
    keys = [each.key for each in periods_of(early, *whole(early))]
    # The last session of 2008 is missing.
    assert keys == ["whole", "calm 2007", "back-test", "futures back-test"]


def test_all_strategies_are_measured_on_the_same_sessions() -> None:
    tracks = market("2019-12-31", "2021-12-31", late="2020-03-02")
    assert [each.key for each in periods_of(tracks, *whole(tracks))] == ["whole", "calm 2021"]
    assert str(periods_of(tracks, *whole(tracks))[0].first) == "2020-03-02"
    with pytest.raises(ConfigurationError, match="three sessions or more of which every strategy has a level, got 2"):
        periods_of(tracks, 0, int(np.searchsorted(tracks.sessions, np.datetime64("2020-03-03"))))
    with pytest.raises(ConfigurationError, match="got 0 from 2019-12-31 to 2020-02-04"):
        periods_of(tracks, 0, int(np.searchsorted(tracks.sessions, np.datetime64("2020-02-04"))))
