from __future__ import annotations

import datetime as dt
import itertools

import pytest
from sqlalchemy import Engine

from signals.calendar import TradingCalendar
from signals.zones import NEW_YORK
from storage.outbox import FAILED as MESSAGE_FAILED
from storage.outbox import PENDING, SENT, UNCERTAIN
from storage.runs import AWAITING_DATA, EMITTED, FAILED, SKIPPED, NextRun, RunSummary, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.health import (
    ATTEMPT_GRACE,
    LONGEST_BACKFILL,
    LONGEST_BREAK,
    LONGEST_RUN,
    LONGEST_WAIT,
    NO_RUN,
    NO_SIGNAL,
    STALE,
    UNDELIVERED,
    UNFINISHED,
    Ledger,
    problems,
    read_ledger,
)
from tasks.runs import expected_next, finish_run, record_failure, record_outcome, start_run
from tasks.schedule import deadline, next_attempt, session_due
from tests.conftest import NOW, now
from tests.storage.conftest import add_reports, new_report

FRIDAY, MONDAY = dt.date(2026, 11, 20), dt.date(2026, 11, 23)
MINUTE = dt.timedelta(minutes=1)
STEP = dt.timedelta(minutes=15)


def new_york(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


#: After Friday's run: Monday is next.
DUE = NextRun(MONDAY, new_york("2026-11-23T18:45"), new_york("2026-11-24T15:30"))


def ended(at: dt.datetime, started: dt.datetime | None = None, kind: str = "daily") -> RunSummary:
    return RunSummary(1, kind, "files", started or at, at, "done", None)


def ledger(
    *,
    last_ended: RunSummary | None = None,
    expected: NextRun | None = DUE,
    unfinished: tuple[RunSummary, ...] = (),
    sessions: tuple[SessionOutcome, ...] = (SessionOutcome(FRIDAY, EMITTED, "revision 1"),),
    messages: dict[str, int] | None = None,
    waiting_since: dt.datetime | None = None,
) -> Ledger:
    last_ended = last_ended or ended(NOW)
    return Ledger(last_ended, expected, unfinished, sessions, messages or {SENT: 3}, waiting_since)


def names(found: Ledger, at: dt.datetime, max_age: dt.timedelta | None = None) -> list[str]:
    return [problem.name for problem in problems(found, at, max_age)]


def as_after(session: dt.date, started: dt.datetime, calendar: TradingCalendar, *, done: bool) -> Ledger:
    """The ledger after a run on a session that ended two minutes after its start."""
    end = started + 2 * MINUTE
    outcome = (
        SessionOutcome(session, EMITTED, "revision 1")
        if done
        else SessionOutcome(session, AWAITING_DATA, "waits", None, deadline(session, calendar))
    )
    expected = expected_next(session, done=done, now=end, calendar=calendar)
    return ledger(last_ended=ended(end, started), expected=expected, sessions=(outcome,))


#: Days around both clock changes, Thanksgiving with the early close after it, New Year, and a long weekend.
SPANS = [
    ("2026-10-29T12:00", "2026-11-04T12:00"),
    ("2026-11-24T12:00", "2026-12-01T12:00"),
    ("2026-12-23T12:00", "2027-01-05T12:00"),
    ("2027-03-11T12:00", "2027-03-17T12:00"),
    ("2027-07-01T12:00", "2027-07-08T12:00"),
]


def attempts(start: str, end: str) -> list[dt.datetime]:
    found = [next_attempt(new_york(start))]
    while found[-1] < new_york(end):
        found.append(next_attempt(found[-1]))
    return found


@pytest.mark.parametrize("done", [True, False], ids=["emits", "waits until the last attempt"])
def test_no_weekend_holiday_early_close_or_clock_change_is_an_alarm(calendar: TradingCalendar, done: bool) -> None:
    for attempt, following in itertools.chain(*(itertools.pairwise(attempts(*span)) for span in SPANS)):
        session = session_due(attempt, calendar)
        last = next_attempt(attempt) >= deadline(session, calendar)
        found = as_after(session, attempt, calendar, done=done or last)
        checks = int((following.astimezone(dt.UTC) - attempt.astimezone(dt.UTC)) / STEP)
        # The first minutes after each attempt and the last before the next are the narrow ones.
        for check in {0, 1, checks // 2, checks - 1, checks}:
            at = attempt.astimezone(dt.UTC) + 3 * MINUTE + check * STEP
            assert names(found, at, LONGEST_BREAK) == [], (attempt, at.astimezone(NEW_YORK))


def test_a_schedule_that_stops_is_noticed_before_any_deadline(calendar: TradingCalendar) -> None:
    for attempt in itertools.chain(*(attempts(*span) for span in SPANS)):
        session = session_due(attempt, calendar)
        found = as_after(session, attempt, calendar, done=True)
        due = found.expected
        assert due is not None
        assert names(found, due.attempt_at + ATTEMPT_GRACE) == [NO_RUN]
        assert due.attempt_at + ATTEMPT_GRACE < due.deadline_at
        assert names(found, due.deadline_at - MINUTE) == [NO_RUN]
        assert names(found, due.deadline_at) == [NO_SIGNAL, NO_RUN]
        # For as long as nobody does anything.
        assert names(found, due.deadline_at + dt.timedelta(days=60)) == [NO_SIGNAL, NO_RUN]


def test_the_longest_pause_of_the_schedule_is_shorter_than_what_is_recommended() -> None:
    found = attempts("2026-01-01T00:00", "2026-12-31T00:00")
    pauses = {b.astimezone(dt.UTC) - a.astimezone(dt.UTC) for a, b in itertools.pairwise(found)}
    assert max(pauses) == dt.timedelta(hours=51)
    assert max(pauses) < LONGEST_BREAK


def test_an_attempt_that_is_running_is_no_missing_one_until_it_hangs() -> None:
    started = DUE.attempt_at + 5 * MINUTE
    running = RunSummary(2, "daily", "live", started, None, None, None)
    found = ledger(unfinished=(running,))
    assert names(found, started + LONGEST_RUN) == []
    assert names(found, started + LONGEST_RUN + MINUTE) == [UNFINISHED]
    (problem,) = problems(found, started + LONGEST_RUN + MINUTE)
    assert problem.text == "the daily run begun Mon 2026-11-23 18:50 New York has not ended"


def test_a_backfill_that_runs_does_not_stand_in_for_the_attempt() -> None:
    backfill = RunSummary(2, "backfill", "live", DUE.attempt_at + MINUTE, None, None, None)
    assert names(ledger(unfinished=(backfill,)), DUE.attempt_at + ATTEMPT_GRACE) == [NO_RUN]


def test_a_backfill_may_take_a_day() -> None:
    backfill = ledger(unfinished=(RunSummary(2, "backfill", "live", NOW, None, None, None),))
    assert names(backfill, NOW + LONGEST_BACKFILL) == []
    assert names(backfill, NOW + LONGEST_BACKFILL + MINUTE) == [UNFINISHED]


def test_a_last_attempt_that_was_cancelled_is_noticed_at_the_deadline(
    engine: Engine, calendar: TradingCalendar
) -> None:
    last = new_york("2026-11-24T14:32")
    run_id = start_run(engine, "daily", "files", None, lambda: last)
    record_failure(engine, run_id, MONDAY, "cancelled", lambda: last, calendar)
    following = expected_next(MONDAY, done=False, now=last, calendar=calendar)
    finish_run(engine, run_id, "cancelled", following, lambda: last)
    assert following.session == MONDAY + dt.timedelta(days=1)
    found = read_ledger(engine)
    assert names(found, DUE.deadline_at - MINUTE) == []
    assert names(found, DUE.deadline_at) == [NO_SIGNAL]


def test_where_no_run_was_ever_scheduled_no_session_is_missed() -> None:
    looked_at = (SessionOutcome(FRIDAY, FAILED, "cancelled", None, NOW),)
    assert names(ledger(expected=None, sessions=looked_at), NOW + 1000 * STEP) == []


@pytest.mark.parametrize("outcome", [FAILED, AWAITING_DATA])
def test_the_last_session_without_a_report_after_its_deadline_is_named_once(outcome: str) -> None:
    due = new_york("2026-11-23T15:30")
    last = SessionOutcome(FRIDAY, outcome, "waits for VX", None, due)
    holiday = SessionOutcome(dt.date(2026, 11, 22), SKIPPED, "closed")
    found = ledger(sessions=(holiday, last), expected=NextRun(FRIDAY, due - MINUTE, due))
    assert names(found, due - MINUTE) == []
    (problem,) = problems(found, due)
    assert str(problem).startswith(
        "NoSignal: session 2026-11-20 has no report, and its deadline, Mon 2026-11-23 15:30 New York, has passed. "
        "`tailguard status` says why; `tailguard backfill --start 2026-11-20 --end 2026-11-20`"
    )


def test_a_session_emitted_by_hand_is_no_missing_one_but_its_run_is() -> None:
    by_hand = (SessionOutcome(MONDAY, EMITTED, "revision 1"),)
    assert names(ledger(sessions=by_hand), DUE.deadline_at) == [NO_RUN]


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ({SENT: 9, UNCERTAIN: 1}, "messages: 1 UNCERTAIN"),
        ({MESSAGE_FAILED: 2, UNCERTAIN: 1}, "messages: 1 UNCERTAIN, 2 FAILED"),
    ],
)
def test_messages_that_need_a_person_are_counted(messages: dict[str, int], text: str) -> None:
    (problem,) = problems(ledger(messages=messages), NOW)
    assert (problem.name, problem.text) == (UNDELIVERED, text)


def test_a_pending_message_has_an_hour() -> None:
    found = ledger(messages={PENDING: 2}, waiting_since=NOW)
    assert names(found, NOW + LONGEST_WAIT) == []
    (problem,) = problems(found, NOW + LONGEST_WAIT + MINUTE)
    assert problem.text == "messages: 2 PENDING since Fri 2026-11-20 18:45 New York"


def test_age_counts_from_the_end_of_the_last_daily_run() -> None:
    found = ledger(last_ended=ended(NOW), expected=None)
    assert names(found, NOW + dt.timedelta(hours=26), dt.timedelta(hours=26)) == []
    (problem,) = problems(found, NOW + dt.timedelta(hours=26, minutes=30), dt.timedelta(hours=26))
    assert (problem.name, problem.text) == (
        STALE,
        "the last daily run ended Fri 2026-11-20 18:45 New York, 26.5 hours ago",
    )
    assert names(found, NOW + dt.timedelta(days=365)) == []


def test_where_nothing_ever_ran_only_an_age_can_be_wrong() -> None:
    nothing = Ledger(None, None, (), (), {}, None)
    assert problems(nothing, NOW) == []
    (problem,) = problems(nothing, NOW, LONGEST_BREAK)
    assert (problem.name, problem.text) == (STALE, "no daily run has ever ended")


def test_the_ledger_is_read_as_runs_left_it(engine: Engine) -> None:
    assert read_ledger(engine) == Ledger(None, None, (), (), {}, None)
    killed = start_run(engine, "backfill", "files", None, now)
    first = start_run(engine, "daily", "files", None, now)
    finish_run(engine, first, "done", DUE, now)
    overtaken = start_run(engine, "daily", "files", None, now)
    by_hand = start_run(engine, "daily", "files", None, now)
    record_outcome(engine, by_hand, SessionOutcome(FRIDAY, AWAITING_DATA, "waits", None, NOW), now)
    finish_run(engine, by_hand, "waits", None, now)
    (report,) = add_reports(engine, new_report(MONDAY))
    with UnitOfWork(engine) as work:
        work.outbox.add([report], [("email", "desk@example.com")], NOW)
        work.commit()

    found = read_ledger(engine)

    assert found.last_ended is not None
    assert (found.last_ended.id, found.expected) == (first, DUE), "a run for a session of the past shows nothing"
    assert [run.id for run in found.unfinished if run.kind == "backfill"] == [killed]
    assert overtaken not in [run.id for run in found.unfinished]
    assert [(item.session, item.outcome) for item in found.sessions] == [(MONDAY, EMITTED), (FRIDAY, AWAITING_DATA)]
    assert (found.messages, found.waiting_since) == ({PENDING: 1}, NOW)
