from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from signals.calendar import TradingCalendar
from signals.events import FOMC_DAYS, EventsAhead, event_days, events_ahead
from signals.market import MarketData, Observations
from signals.series import BLS, EVENT_CPI, EVENT_FOMC, EVENT_PPI, FED


def schedule(series: str, publisher: str, *days: str, value: float = 1.0) -> Observations:
    count = len(days)
    found = np.array(days, dtype="datetime64[D]")
    return Observations(series, publisher, found, np.full(count, value), np.zeros(count, np.int64))


CPI = schedule(EVENT_CPI, BLS, "2026-11-13", "2026-12-10", "2027-01-13")
PPI = schedule(EVENT_PPI, BLS, "2026-11-13", "2026-12-11", "2027-01-14")


def ahead(calendar: TradingCalendar, session: str, *schedules: Observations) -> EventsAhead:
    return events_ahead(MarketData(schedules), calendar, dt.date.fromisoformat(session))


def test_what_is_announced_up_to_five_sessions_ahead_is_listed_by_day(calendar: TradingCalendar) -> None:
    found = ahead(calendar, "2026-12-04", CPI, PPI)
    assert found.through == dt.date(2026, 12, 11)
    assert [(event.kind, event.day.isoformat()) for event in found.events] == [
        ("FOMC decision", "2026-12-09"),
        ("CPI release", "2026-12-10"),
        ("PPI release", "2026-12-11"),
    ]
    assert found.unknown == ()


def test_an_event_on_the_session_itself_lies_behind_its_close(calendar: TradingCalendar) -> None:
    assert [event.kind for event in ahead(calendar, "2026-12-10", CPI, PPI).events] == ["PPI release"]


def test_a_schedule_that_has_run_out_is_unknown_and_not_quiet(calendar: TradingCalendar) -> None:
    assert ahead(calendar, "2026-12-01").unknown == ("CPI release", "PPI release")
    assert ahead(calendar, "2027-01-12", CPI, PPI).unknown == ("CPI release", "PPI release")
    assert "FOMC decision" in ahead(calendar, "2027-12-06", CPI).unknown
    assert "FOMC decision" not in ahead(calendar, "2027-11-30", CPI).unknown


def test_a_hole_in_a_schedule_is_unknown(calendar: TradingCalendar) -> None:
    holey = schedule(EVENT_CPI, BLS, "2011-01-14", "2022-02-10", "2022-03-10")
    assert "CPI release" in ahead(calendar, "2015-06-01", holey).unknown
    assert "CPI release" not in ahead(calendar, "2022-02-15", holey).unknown


def test_a_day_taken_off_the_schedule_is_none(calendar: TradingCalendar) -> None:
    moved = schedule(EVENT_CPI, BLS, "2026-12-10", value=0.0)
    assert event_days(MarketData([moved]), EVENT_CPI, BLS) == []


def test_the_shipped_statement_days_are_those_recorded(data_dir: Path) -> None:
    with (data_dir / "calendar/fomc_dates.csv").open(newline="") as file:
        recorded = [dt.date.fromisoformat(row["date"]) for row in csv.DictReader(file)]
    assert [day for day in recorded if day.year in (2026, 2027)] == list(FOMC_DAYS)


def test_every_shipped_day_is_a_session(calendar: TradingCalendar) -> None:
    assert all(calendar.is_session(day) for day in FOMC_DAYS)
    assert event_days(MarketData([]), EVENT_FOMC, FED) == list(FOMC_DAYS)


@pytest.mark.parametrize("session", ["2026-01-27", "2027-06-08"])
def test_the_eve_of_a_decision_says_so(calendar: TradingCalendar, session: str) -> None:
    assert ahead(calendar, session).events[0].kind == "FOMC decision"
