"""Storage tests run on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy import Engine, text

from storage.figures import HedgeFigures, SessionFigures
from storage.reports import AllocationLine, HedgeTargetLine, NewReport
from storage.unit_of_work import UnitOfWork
from tests.conftest import on_both_databases

T0 = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 20)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every storage test on both databases."""
    on_both_databases(metafunc)


def new_report(session: dt.date = DAY, revision: int = 1, digest: str = "d1", rule_set: str = "veqtor") -> NewReport:
    """A report to store."""
    effective = session + dt.timedelta(days=1)
    return NewReport(
        session=session,
        rule_set=rule_set,
        rule_set_digest=digest,
        revision=revision,
        fingerprint=f"print {session} {revision}",
        document=f'{{"session": "{session}", "revision": {revision}}}',
        emitted_at=T0,
        allocations=(
            AllocationLine("veqtor", effective, "equity", 0.9, 900_000.0, None),
            AllocationLine("veqtor", effective, "volatility", 0.1, 100_000.0, None),
            AllocationLine("veqtor", effective, "VXZ26", None, 60_000.0, 2.75),
        ),
        hedge_targets=(
            hedge_target(effective, "l2", 0, "VIX call", dt.date(2027, 1, 20), 25.0, 1, 62.5),
            hedge_target(effective, "l2", 1, "VIX call", dt.date(2027, 1, 20), 45.0, -1, -62.5),
            hedge_target(effective, "l3", 0, None, None, None, None, 0.0),
        ),
    )


def hedge_target(
    effective: dt.date,
    layer: str,
    leg: int,
    instrument: str | None,
    expiry: dt.date | None,
    strike: float | None,
    ratio: int | None,
    contracts: float,
) -> HedgeTargetLine:
    """One contract of a layer."""
    return HedgeTargetLine(
        rule_set="alvh-seed",
        rule_set_digest="h1",
        layer=layer,
        leg=leg,
        effective_session=effective,
        action="HOLD" if instrument else "NONE",
        hedge_state="GUARDED",
        instrument=instrument,
        expiry=expiry,
        strike=strike,
        ratio=ratio,
        contracts_held=contracts,
        contracts_target=contracts,
        contracts_target_rounded=round(contracts),
        price=1.25 if instrument else None,
        basis="model" if instrument else None,
    )


def figures(report_id: int, session: dt.date = DAY, revision: int = 1, **others: Any) -> SessionFigures:
    """The figures of a report; a number of its own for each that is not named."""
    given = {
        "report_id": report_id, "session": session, "rule_set": "veqtor", "revision": revision, "emitted_at": T0,
        "effective_session": session + dt.timedelta(days=1), "health": "OK", "back_test": False, "trend_run": 3,
        "regime": "10% to 20%", "trend": "no trend", "trend_up": True, "stop_loss": False, "in_cash": False,
    }  # fmt: skip
    numbers = {field.name: float(n) for n, field in enumerate(fields(SessionFigures)) if field.name not in given}
    return SessionFigures(**(numbers | given | others))


def hedge_figures(
    report_id: int, session: dt.date = DAY, revision: int = 1, layer: str = "all", **others: Any
) -> HedgeFigures:
    """The figures of a layer of a hedge."""
    given = {
        "report_id": report_id, "session": session, "revision": revision, "emitted_at": T0, "hedge": "alvh-seed",
        "layer": layer, "action": "HOLD", "state": "ACTIVE",
    }  # fmt: skip
    numbers = {field.name: float(n) for n, field in enumerate(fields(HedgeFigures)) if field.name not in given}
    return HedgeFigures(**(numbers | given | others))


def start_run(engine: Engine, kind: str = "daily") -> int:
    """A run in the ledger, committed."""
    with UnitOfWork(engine) as work:
        run_id = work.runs.start(kind, "files", None, T0)
        work.commit()
    return run_id


def add_reports(engine: Engine, *reports: NewReport) -> list[int]:
    """Store reports and commit."""
    run_id = start_run(engine)
    with UnitOfWork(engine) as work:
        keys = work.reports.add(reports, run_id)
        work.commit()
    return keys


def row_count(engine: Engine, table: str) -> int:
    """Rows of a table."""
    with engine.connect() as connection:
        count: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - a name of ours
    return count
