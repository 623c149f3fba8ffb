from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Engine

from signals.calendar import TradingCalendar
from signals.zones import NEW_YORK
from storage.outbox import SESSION_FAILED, NewAlert
from storage.reports import NewReport
from storage.runs import AWAITING_DATA, FAILED, NextRun, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.runs import (
    expected_next,
    finish_run,
    missed_sessions,
    record_outcome,
    reread_window,
    start_run,
    stored_sessions,
)
from tasks.schedule import REREAD_SESSIONS, deadline
from tests.conftest import NOW, now
from tests.storage.conftest import add_reports, new_report

pytestmark = [pytest.mark.server, pytest.mark.both_databases]

SESSION = dt.date(2026, 11, 20)


def new_york(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def emit(engine: Engine, *sessions: dt.date, digest: str = "d1") -> None:
    reports: list[NewReport] = [new_report(session, digest=digest) for session in sessions]
    add_reports(engine, *reports)
    finish_run(engine, start_run(engine, "daily", "files", None, now), "done", NextRun(sessions[0], NOW, NOW), now)


def record(engine: Engine, *outcomes: SessionOutcome) -> None:
    run_id = start_run(engine, "daily", "files", None, now)
    for outcome in outcomes:
        record_outcome(engine, run_id, outcome, now)


@pytest.mark.parametrize(
    ("session", "instant", "done", "expected"),
    [
        # Done on a Thursday evening, and on a Friday evening.
        ("2026-11-19", "2026-11-19T18:46", True, ("2026-11-20", "2026-11-20T18:45", "2026-11-23T15:30")),
        ("2026-11-20", "2026-11-20T18:46", True, ("2026-11-23", "2026-11-23T18:45", "2026-11-24T15:30")),
        # Not done: the same session at the next attempt, over a weekend too.
        ("2026-11-20", "2026-11-20T18:46", False, ("2026-11-20", "2026-11-20T20:30", "2026-11-23T15:30")),
        ("2026-11-20", "2026-11-21T07:31", False, ("2026-11-20", "2026-11-23T09:30", "2026-11-23T15:30")),
        # Before and over Thanksgiving, with the early close after it.
        ("2026-11-24", "2026-11-24T18:46", True, ("2026-11-25", "2026-11-25T18:45", "2026-11-27T12:30")),
        ("2026-11-25", "2026-11-25T18:46", True, ("2026-11-27", "2026-11-27T18:45", "2026-11-30T15:30")),
        ("2026-11-25", "2026-11-26T13:31", False, ("2026-11-25", "2026-11-26T14:30", "2026-11-27T12:30")),
        ("2026-11-25", "2026-11-27T12:30", False, ("2026-11-27", "2026-11-27T18:45", "2026-11-30T15:30")),
        # Over both clock changes.
        ("2026-03-06", "2026-03-06T18:46", True, ("2026-03-09", "2026-03-09T18:45", "2026-03-10T15:30")),
        ("2026-10-30", "2026-10-30T20:31", False, ("2026-10-30", "2026-10-31T00:20", "2026-11-02T15:30")),
        # Not done and too late, or done by a run that came late: the attempts of the next session have begun or not.
        ("2026-11-19", "2026-11-20T15:30", False, ("2026-11-20", "2026-11-20T18:45", "2026-11-23T15:30")),
        ("2026-11-19", "2026-11-20T19:00", True, ("2026-11-20", "2026-11-20T20:30", "2026-11-23T15:30")),
    ],
)
def test_what_a_scheduler_should_bring_next(
    session: str, instant: str, done: bool, expected: tuple[str, str, str], calendar: TradingCalendar
) -> None:
    found = expected_next(dt.date.fromisoformat(session), done=done, now=new_york(instant), calendar=calendar)

    assert found == NextRun(dt.date.fromisoformat(expected[0]), new_york(expected[1]), new_york(expected[2]))


@pytest.mark.parametrize(
    ("session", "instant"), [("2026-11-19", "2026-11-20T14:31"), ("2026-11-25", "2026-11-27T11:31")]
)
def test_no_attempt_is_expected_at_or_after_the_deadline(session: str, instant: str, calendar: TradingCalendar) -> None:
    found = expected_next(dt.date.fromisoformat(session), done=False, now=new_york(instant), calendar=calendar)

    assert found.attempt_at < found.deadline_at


def test_ten_sessions_before_the_present_one_are_read_again(calendar: TradingCalendar) -> None:
    window = reread_window(dt.date(2026, 12, 2), calendar)

    assert window[-1] == dt.date(2026, 12, 2)
    assert len(window) == REREAD_SESSIONS + 1
    assert window == sorted(window)
    assert all(calendar.is_session(day) for day in window)
    assert dt.date(2026, 11, 26) not in window
    assert window[0] == dt.date(2026, 11, 17)


def test_a_run_is_in_the_ledger_from_its_start_to_its_end(engine: Engine) -> None:
    run_id = start_run(engine, "daily", "files", "flow-run", now)
    expected = NextRun(SESSION, NOW, NOW + dt.timedelta(hours=20))
    finish_run(engine, run_id, "done", expected, now)

    with UnitOfWork(engine) as work:
        latest = work.runs.latest(scheduling=True)
    assert latest is not None
    assert (latest.id, latest.finished_at, latest.message, latest.next) == (run_id, NOW, "done", expected)


def test_only_sessions_with_a_report_of_the_rule_set_count_as_stored(engine: Engine, calendar: TradingCalendar) -> None:
    window = reread_window(SESSION, calendar)
    emit(engine, window[2], window[5])
    emit(engine, window[7], digest="d2")

    assert stored_sessions(engine, "d1", window) == {window[2], window[5]}


def test_where_nothing_was_ever_emitted_nothing_is_missed(engine: Engine, calendar: TradingCalendar) -> None:
    assert missed_sessions(engine, "d1", SESSION, calendar) == []


def test_sessions_without_a_report_since_the_first_one_are_missed(engine: Engine, calendar: TradingCalendar) -> None:
    window = reread_window(SESSION, calendar)
    emit(engine, *window[4:7], window[8])

    missed = missed_sessions(engine, "d1", SESSION, calendar)

    assert [item.session for item in missed] == [window[7], window[9]]
    assert {item.outcome for item in missed} == {FAILED}
    assert [item.deadline_at for item in missed] == [deadline(window[7], calendar), deadline(window[9], calendar)]
    assert all("tailguard backfill" in item.detail for item in missed)


def test_sessions_before_the_first_scheduled_run_are_not_missed(engine: Engine, calendar: TradingCalendar) -> None:
    window = reread_window(SESSION, calendar)
    # A look at a session of years ago, and a backfill.
    add_reports(engine, new_report(dt.date(2020, 3, 16), digest="d1"), new_report(window[2], digest="d1"))
    assert missed_sessions(engine, "d1", SESSION, calendar) == []

    finish_run(engine, start_run(engine, "daily", "files", None, now), "done", NextRun(window[7], NOW, NOW), now)
    assert [item.session for item in missed_sessions(engine, "d1", SESSION, calendar)] == window[7:-1]


def test_the_present_session_is_never_missed(engine: Engine, calendar: TradingCalendar) -> None:
    emit(engine, *reread_window(SESSION, calendar)[:-1])

    assert missed_sessions(engine, "d1", SESSION, calendar) == []


def test_a_missed_session_is_said_once(engine: Engine, calendar: TradingCalendar) -> None:
    window = reread_window(SESSION, calendar)
    emit(engine, window[0], *window[2:-1])
    missed = missed_sessions(engine, "d1", SESSION, calendar)
    record(engine, *missed)

    assert [item.session for item in missed] == [window[1]]
    assert missed_sessions(engine, "d1", SESSION, calendar) == []


def test_a_session_that_was_left_waiting_is_missed(engine: Engine, calendar: TradingCalendar) -> None:
    window = reread_window(SESSION, calendar)
    emit(engine, *window[:-2])
    record(engine, SessionOutcome(window[-2], AWAITING_DATA, "VX", NOW, NOW))

    assert [item.session for item in missed_sessions(engine, "d1", SESSION, calendar)] == [window[-2]]


def test_reports_of_another_rule_set_make_no_session_missed(engine: Engine, calendar: TradingCalendar) -> None:
    window = reread_window(SESSION, calendar)
    emit(engine, window[0], digest="d2")

    assert missed_sessions(engine, "d1", SESSION, calendar) == []


def alerted(engine: Engine, session: dt.date, digest: str = "d1") -> None:
    run_id = start_run(engine, "daily", "files", None, now)
    with UnitOfWork(engine) as work:
        work.outbox.raise_alert(NewAlert(session, digest, SESSION_FAILED, "t", "t", NOW), run_id, [], NOW)
        work.commit()


def test_where_recipients_are_told_a_failure_they_have_not_heard_of_is_missed(
    engine: Engine, calendar: TradingCalendar
) -> None:
    # The first attempt of an evening failed, nine were to follow, and none did.
    window = reread_window(SESSION, calendar)
    emit(engine, *window[:-2])
    record(engine, SessionOutcome(window[-2], FAILED, "a broken file", NOW, NOW))

    assert missed_sessions(engine, "d1", SESSION, calendar) == []
    assert [item.session for item in missed_sessions(engine, "d1", SESSION, calendar, telling=True)] == [window[-2]]

    alerted(engine, window[-2])
    assert missed_sessions(engine, "d1", SESSION, calendar, telling=True) == []


def test_a_session_that_was_alerted_about_while_it_waited_still_becomes_a_failure(
    engine: Engine, calendar: TradingCalendar
) -> None:
    window = reread_window(SESSION, calendar)
    emit(engine, *window[:-2])
    record(engine, SessionOutcome(window[-2], AWAITING_DATA, "VX", None, NOW))
    alerted(engine, window[-2])

    missed = missed_sessions(engine, "d1", SESSION, calendar, telling=True)
    assert [item.session for item in missed] == [window[-2]]
    record(engine, *missed)
    assert missed_sessions(engine, "d1", SESSION, calendar, telling=True) == []


def test_an_alert_of_another_rule_set_settles_no_session(engine: Engine, calendar: TradingCalendar) -> None:
    window = reread_window(SESSION, calendar)
    emit(engine, *window[:-2])
    record(engine, SessionOutcome(window[-2], FAILED, "a broken file", None, NOW))
    alerted(engine, window[-2], digest="d2")

    assert [item.session for item in missed_sessions(engine, "d1", SESSION, calendar, telling=True)] == [window[-2]]
