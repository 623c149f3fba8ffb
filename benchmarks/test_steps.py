"""The steps of a run with files and a SQLite database, without Prefect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sqlalchemy import Engine

from benchmarks.conftest import RECORDED_LAST
from flows.ranges import CHUNK_SESSIONS
from signals.calendar import TradingCalendar
from signals.veqtor.signal import VeqtorSignals
from storage.engine import open_engine
from storage.schema import ensure_schema
from tasks.compute import compute_stored, reports_on
from tasks.ingest import ingest, read_source
from tasks.persist import emit
from tasks.runs import start_run
from tasks.sources.files import FilesSource
from tests.conftest import now

FIRST_REPORT = dt.date(2006, 1, 3)
NOTIONAL_USD = 1_000_000.0


@pytest.fixture
def new_engine(fresh: Callable[[], Path]) -> Iterator[Callable[[], Engine]]:
    """A function that creates an empty database."""
    made: list[Engine] = []

    def create() -> Engine:
        made.append(open_engine(f"sqlite:///{fresh()}"))
        ensure_schema(made[-1])
        return made[-1]

    yield create
    for engine in made:
        engine.dispose()


def test_read_and_parse_all_files(benchmark: BenchmarkFixture, data_dir: Path) -> None:
    benchmark.pedantic(lambda: read_source(FilesSource(data_dir, now)), rounds=5)


def test_first_ingest(benchmark: BenchmarkFixture, data_dir: Path, new_engine: Callable[[], Engine]) -> None:
    benchmark.pedantic(ingest, setup=lambda: ((FilesSource(data_dir, now), new_engine(), now), {}), rounds=3)


def test_repeated_ingest(benchmark: BenchmarkFixture, data_dir: Path, new_engine: Callable[[], Engine]) -> None:
    engine = new_engine()
    ingest(FilesSource(data_dir, now), engine, now)
    summary = benchmark.pedantic(ingest, args=(FilesSource(data_dir, now), engine, now), rounds=5)
    assert summary.new_values == 0


def test_load_and_compute(
    benchmark: BenchmarkFixture, data_dir: Path, new_engine: Callable[[], Engine], calendar: TradingCalendar
) -> None:
    engine = new_engine()
    ingest(FilesSource(data_dir, now), engine, now)
    benchmark.pedantic(compute_stored, args=(engine, calendar, RECORDED_LAST), rounds=5)


def test_build_all_reports(
    benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    sessions = calendar.sessions_in(FIRST_REPORT, RECORDED_LAST).tolist()
    reports = benchmark.pedantic(reports_on, args=(recorded_signals, sessions, NOTIONAL_USD, {}), rounds=3)
    assert len(reports) == len(sessions)


def test_store_all_reports(
    benchmark: BenchmarkFixture,
    recorded_signals: VeqtorSignals,
    calendar: TradingCalendar,
    new_engine: Callable[[], Engine],
) -> None:
    sessions = calendar.sessions_in(FIRST_REPORT, RECORDED_LAST).tolist()
    reports = reports_on(recorded_signals, sessions, NOTIONAL_USD, {})

    def store(engine: Engine, run_id: int) -> None:
        for first in range(0, len(reports), CHUNK_SESSIONS):
            emit(engine, run_id, reports[first : first + CHUNK_SESSIONS], [], now)

    def setup() -> tuple[tuple[Engine, int], dict[str, object]]:
        engine = new_engine()
        return (engine, start_run(engine, "backfill", "files", None, now)), {}

    benchmark.pedantic(store, setup=setup, rounds=3)
