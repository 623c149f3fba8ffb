from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from storage.engine import open_engine
from storage.runs import SKIPPED, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, new_report, row_count, start_run

pytestmark = pytest.mark.server


def test_work_that_is_not_committed_is_lost(engine: Engine) -> None:
    with UnitOfWork(engine) as work:
        work.runs.start("daily", "files", None, T0)
        assert work.runs.latest() is not None

    assert row_count(engine, "runs") == 0


def test_committed_work_is_there_for_the_next_unit_of_work(engine: Engine) -> None:
    with UnitOfWork(engine) as work:
        run_id = work.runs.start("daily", "files", None, T0)
        work.commit()

    with UnitOfWork(engine) as work:
        latest = work.runs.latest()
    assert latest is not None
    assert latest.id == run_id


def test_an_exception_rolls_everything_back_and_passes_through(engine: Engine) -> None:
    def fail_half_way() -> None:
        with UnitOfWork(engine) as work:
            run_id = work.runs.start("daily", "files", None, T0)
            work.runs.record(run_id, [SessionOutcome(DAY, SKIPPED, "")], T0)
            raise LookupError("half way")

    with pytest.raises(LookupError, match="half way"):
        fail_half_way()

    assert (row_count(engine, "runs"), row_count(engine, "outcomes")) == (0, 0)


def test_an_exception_after_the_commit_keeps_what_was_committed_and_nothing_later(engine: Engine) -> None:
    def fail_after_commit() -> None:
        with UnitOfWork(engine) as work:
            work.runs.start("daily", "files", None, T0)
            work.commit()
            work.runs.start("backfill", "files", None, T0)
            raise LookupError

    with pytest.raises(LookupError):
        fail_after_commit()

    with UnitOfWork(engine) as work:
        latest = work.runs.latest()
    assert latest is not None
    assert (latest.kind, row_count(engine, "runs")) == ("daily", 1)


def test_a_reader_neither_waits_for_a_writer_nor_sees_what_it_has_not_committed(
    engine: Engine, database_url: str
) -> None:
    reader = open_engine(database_url, read_only=True)
    with UnitOfWork(engine) as work:
        work.runs.start("daily", "files", None, T0)
        during = row_count(reader, "runs")
        work.commit()
    after = row_count(reader, "runs")
    reader.dispose()

    assert (during, after) == (0, 1)


def test_a_broken_constraint_undoes_what_came_before_it_in_the_same_transaction(engine: Engine) -> None:
    run_id = start_run(engine)

    with UnitOfWork(engine) as work:
        work.reports.add([new_report()], run_id)
        with pytest.raises(IntegrityError):
            work.runs.record(-1, [SessionOutcome(DAY, SKIPPED, "")], T0)

    assert (row_count(engine, "reports"), row_count(engine, "allocations")) == (0, 0)


def test_foreign_keys_are_enforced(engine: Engine) -> None:
    with UnitOfWork(engine) as work, pytest.raises(IntegrityError):
        work.reports.add([new_report()], run_id=12345)
