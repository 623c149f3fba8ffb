from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import NoResultFound, StatementError

from storage.runs import (
    ALREADY_EMITTED,
    AWAITING_DATA,
    EMITTED,
    FAILED,
    REVISED,
    SKIPPED,
    NextRun,
    SessionOutcome,
)
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, add_reports, new_report, row_count, start_run

pytestmark = pytest.mark.server

DAYS = [DAY - dt.timedelta(days=back) for back in range(5)]


def record(engine: Engine, *outcomes: SessionOutcome) -> None:
    run_id = start_run(engine)
    with UnitOfWork(engine) as work:
        work.runs.record(run_id, outcomes, T0)
        work.commit()


def outcomes(engine: Engine, limit: int = 99) -> list[tuple[dt.date, str]]:
    with UnitOfWork(engine) as work:
        return [(item.session, item.outcome) for item in work.runs.outcomes(limit)]


def test_a_new_ledger_has_no_run_and_no_outcome(engine: Engine) -> None:
    with UnitOfWork(engine) as work:
        assert work.runs.latest() is None
    assert outcomes(engine) == []


def test_a_run_is_open_until_it_is_finished(engine: Engine) -> None:
    run_id = start_run(engine)
    expected = NextRun(DAY, T0 + dt.timedelta(hours=2), T0 + dt.timedelta(hours=20))
    with UnitOfWork(engine) as work:
        latest = work.runs.latest()
        assert latest is not None
        assert (latest.id, latest.kind, latest.source, latest.started_at) == (run_id, "daily", "files", T0)
        assert (latest.finished_at, latest.message, latest.next) == (None, None, None)
        work.runs.finish(run_id, T0 + dt.timedelta(minutes=1), "done", expected)
        work.commit()

    with UnitOfWork(engine) as work:
        latest = work.runs.latest()
    assert latest is not None
    assert (latest.finished_at, latest.message, latest.next) == (T0 + dt.timedelta(minutes=1), "done", expected)


def test_finishing_a_run_that_was_never_started_is_an_error(engine: Engine) -> None:
    with UnitOfWork(engine) as work, pytest.raises(NoResultFound):
        work.runs.finish(12345, T0, "done")


def test_what_comes_next_is_not_hidden_by_a_later_run_that_schedules_nothing(engine: Engine) -> None:
    scheduled, by_hand = start_run(engine), start_run(engine)
    following = NextRun(DAY, T0, T0 + dt.timedelta(hours=1))
    with UnitOfWork(engine) as work:
        work.runs.finish(scheduled, T0, "done", following)
        work.runs.finish(by_hand, T0, "done")
        work.commit()

    with UnitOfWork(engine) as work:
        latest, scheduling = work.runs.latest(), work.runs.latest(scheduling=True)
    assert latest is not None
    assert scheduling is not None
    assert (latest.id, latest.next) == (by_hand, None)
    assert (scheduling.id, scheduling.next) == (scheduled, following)


def test_a_session_without_a_report_is_as_its_last_run_left_it(engine: Engine) -> None:
    waiting = SessionOutcome(DAY, AWAITING_DATA, "VX", T0 + dt.timedelta(hours=1), T0 + dt.timedelta(hours=9))
    record(engine, SessionOutcome(DAY, FAILED, "broken file"))
    record(engine, waiting)

    with UnitOfWork(engine) as work:
        assert work.runs.outcomes(9) == [waiting]
    assert row_count(engine, "outcomes") == 2


def test_a_report_wins_over_whatever_a_later_run_recorded(engine: Engine) -> None:
    add_reports(engine, new_report())
    record(engine, SessionOutcome(DAY, FAILED, "a later run broke"), SessionOutcome(DAYS[1], SKIPPED, "no"))
    record(engine, SessionOutcome(DAY, ALREADY_EMITTED, "revision 1 says the same"))

    assert outcomes(engine) == [(DAY, EMITTED), (DAYS[1], SKIPPED)]


def test_a_revised_session_says_its_revision(engine: Engine) -> None:
    add_reports(engine, new_report(), new_report(revision=2), new_report(revision=3))

    with UnitOfWork(engine) as work:
        assert work.runs.outcomes(9) == [SessionOutcome(DAY, REVISED, "revision 3")]


def test_there_is_exactly_one_outcome_per_session_newest_first(engine: Engine) -> None:
    for _ in range(3):
        record(engine, *(SessionOutcome(day, AWAITING_DATA, "") for day in DAYS))
    add_reports(engine, new_report(DAYS[1]), new_report(DAYS[3]), new_report(DAYS[3], digest="d2"))

    expected = [(day, EMITTED if day in (DAYS[1], DAYS[3]) else AWAITING_DATA) for day in DAYS]
    assert outcomes(engine) == expected
    assert outcomes(engine, 3) == expected[:3]


def test_outcomes_of_no_session_record_nothing(engine: Engine) -> None:
    record(engine)

    assert row_count(engine, "outcomes") == 0


def test_a_naive_start_is_refused(engine: Engine) -> None:
    with UnitOfWork(engine) as work, pytest.raises(StatementError, match="naive datetime"):
        work.runs.start("daily", "files", None, T0.replace(tzinfo=None))


def test_what_a_server_said_is_stored_whatever_characters_it_has(engine: Engine) -> None:
    run_id = start_run(engine)
    with UnitOfWork(engine) as work:
        work.runs.record(run_id, [SessionOutcome(DAY, FAILED, "half \udcff of a name")], T0)
        work.runs.finish(run_id, T0, "nothing \0 here: é")
        work.commit()

    with UnitOfWork(engine) as work:
        latest = work.runs.latest()
        assert [item.detail for item in work.runs.outcomes(1)] == ["half \\udcff of a name"]
    assert latest is not None
    assert latest.message == "nothing \\x00 here: é"
