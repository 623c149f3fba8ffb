from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from storage.engine import open_engine
from storage.models import Allocation, HedgeTarget
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, add_reports, new_report, row_count, start_run

pytestmark = pytest.mark.server

BEFORE = DAY - dt.timedelta(days=1)


def test_a_report_comes_back_as_it_was_stored(engine: Engine) -> None:
    report = new_report()
    (key,) = add_reports(engine, report)

    with UnitOfWork(engine) as work:
        stored = work.reports.by_id(key)
    kept_apart = ("allocations", "hedge_targets")
    assert {name: value for name, value in vars(report).items() if name not in kept_apart} == {
        name: value for name, value in vars(stored).items() if name != "id"
    }


def test_keys_and_allocations_belong_to_the_reports_in_their_order(engine: Engine) -> None:
    sessions = [DAY - dt.timedelta(days=back) for back in (3, 0, 2, 1)]
    keys = add_reports(engine, *(new_report(session) for session in sessions))

    with UnitOfWork(engine) as work:
        assert [work.reports.by_id(key).session for key in keys] == sessions
    with engine.connect() as connection:
        rows = connection.execute(
            select(Allocation.report_id, Allocation.effective_session, Allocation.instrument).order_by(Allocation.id)
        ).all()
    assert [(row[0], row[1]) for row in rows if row[2] == "VXZ26"] == [
        (key, session + dt.timedelta(days=1)) for key, session in zip(keys, sessions, strict=True)
    ]


def test_an_allocation_has_a_weight_or_contracts(engine: Engine) -> None:
    add_reports(engine, new_report())

    with engine.connect() as connection:
        rows = connection.execute(
            select(Allocation.instrument, Allocation.weight, Allocation.amount_usd, Allocation.contracts)
        ).all()
    assert sorted(tuple(row) for row in rows) == [
        ("VXZ26", None, 60_000.0, 2.75),
        ("equity", 0.9, 900_000.0, None),
        ("volatility", 0.1, 100_000.0, None),
    ]


def test_hedge_targets_come_back_as_they_were_stored(engine: Engine) -> None:
    reports = [new_report(BEFORE), new_report(DAY)]
    keys = add_reports(engine, *reports)

    with engine.connect() as connection:
        rows = connection.execute(select(HedgeTarget.__table__).order_by(HedgeTarget.id)).mappings().all()
    assert [{name: value for name, value in row.items() if name != "id"} for row in rows] == [
        vars(line) | {"report_id": key}
        for key, report in zip(keys, reports, strict=True)
        for line in report.hedge_targets
    ]


def test_a_leg_of_a_layer_is_stored_once_and_takes_its_report_with_it(engine: Engine) -> None:
    report = new_report()
    twice = replace(report, hedge_targets=(*report.hedge_targets, report.hedge_targets[0]))

    with pytest.raises(IntegrityError):
        add_reports(engine, twice)
    assert (row_count(engine, "reports"), row_count(engine, "hedge_targets")) == (0, 0)


def test_a_hedge_target_without_a_report_is_refused(engine: Engine) -> None:
    (line, *_) = new_report().hedge_targets

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(HedgeTarget), vars(line) | {"report_id": 99})


def test_a_revision_that_exists_leaves_nothing_of_its_transaction(engine: Engine) -> None:
    (key,) = add_reports(engine, new_report())
    run_id = start_run(engine)

    with UnitOfWork(engine) as work:
        work.outbox.add([key], [("email", "desk@example.com")], T0)
        with pytest.raises(IntegrityError):
            work.reports.add([new_report(BEFORE), new_report()], run_id)

    counts = {name: row_count(engine, name) for name in ("reports", "allocations", "hedge_targets", "outbox")}
    assert counts == {"reports": 1, "allocations": 3, "hedge_targets": 3, "outbox": 0}


def test_of_two_that_add_the_same_report_at_once_one_is_refused(engine: Engine, database_url: str) -> None:
    run_id = start_run(engine)
    together = Barrier(2)

    def add() -> bool:
        own = open_engine(database_url)
        try:
            together.wait(10)
            with UnitOfWork(own) as work:
                work.reports.add([new_report()], run_id)
                work.commit()
        except IntegrityError:
            return False
        finally:
            own.dispose()
        return True

    with ThreadPoolExecutor(2) as pool:
        results = [future.result(20) for future in [pool.submit(add) for _ in range(2)]]

    assert sorted(results) == [False, True]
    assert (row_count(engine, "reports"), row_count(engine, "allocations")) == (1, 3)


def test_the_newest_revision_of_each_session_is_found(engine: Engine) -> None:
    add_reports(engine, new_report(DAY), new_report(BEFORE), new_report(BEFORE, revision=2))

    with UnitOfWork(engine) as work:
        found = [(report.session, report.revision) for report in work.reports.latest_in(BEFORE, DAY)]
        assert found == [(BEFORE, 2), (DAY, 1)]
        assert [report.session for report in work.reports.latest_in(DAY, DAY)] == [DAY]
        stored = work.reports.stored("d1", [DAY, BEFORE])
    assert {day: (found.revision, found.fingerprint) for day, found in stored.items()} == {
        BEFORE: (2, f"print {BEFORE} 2"),
        DAY: (1, f"print {DAY} 1"),
    }


def test_rule_sets_do_not_mix(engine: Engine) -> None:
    add_reports(engine, new_report(), new_report(digest="d2", revision=2), new_report(digest="d2", rule_set="other"))

    with UnitOfWork(engine) as work:
        assert [report.rule_set_digest for report in work.reports.latest_in(DAY, DAY, "d1")] == ["d1"]
        assert len(list(work.reports.latest_in(DAY, DAY))) == 2
        assert work.reports.stored("d1", [DAY])[DAY].fingerprint == f"print {DAY} 1"
        newest = work.reports.newest("other")
    assert newest is not None
    assert newest.revision == 1


def test_fingerprints_leave_out_sessions_that_were_not_asked_for(engine: Engine) -> None:
    days = [DAY - dt.timedelta(days=back) for back in (2, 1, 0)]
    add_reports(engine, *(new_report(day) for day in days))

    with UnitOfWork(engine) as work:
        assert set(work.reports.stored("d1", [days[0], days[2]])) == {days[0], days[2]}
        assert work.reports.stored("d1", []) == {}


def test_the_newest_report_can_be_asked_for_by_session_and_revision(engine: Engine) -> None:
    add_reports(engine, new_report(DAY), new_report(BEFORE), new_report(BEFORE, revision=2))

    with UnitOfWork(engine) as work:
        found = [
            work.reports.newest("veqtor"),
            work.reports.newest("veqtor", BEFORE),
            work.reports.newest("veqtor", BEFORE, 1),
            work.reports.newest("veqtor", DAY, 2),
            work.reports.newest("nobody"),
        ]
    assert [report and (report.session, report.revision) for report in found] == [
        (DAY, 1), (BEFORE, 2), (BEFORE, 1), None, None
    ]  # fmt: skip


def test_recent_reports_come_newest_first_each_revision_by_itself(engine: Engine) -> None:
    add_reports(engine, new_report(DAY), new_report(BEFORE), new_report(BEFORE, revision=2))

    with UnitOfWork(engine) as work:
        assert [(item.session, item.revision) for item in work.reports.recent(9)] == [
            (DAY, 1),
            (BEFORE, 2),
            (BEFORE, 1),
        ]
        assert [item.session for item in work.reports.recent(1)] == [DAY]


def test_adding_no_report_adds_nothing(engine: Engine) -> None:
    assert add_reports(engine) == []
    assert row_count(engine, "reports") == 0
