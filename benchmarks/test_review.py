"""The review app over twenty years of reports: one reader, and fifty at once on the same machine."""

from __future__ import annotations

import datetime as dt
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from flows.rule_sets import rule_sets_named
from signals.calendar import TradingCalendar
from storage.engine import open_engine
from storage.schema import ensure_schema
from tasks.compute import compute_stored, reports_on
from tasks.hedges import ReportHedges
from tasks.ingest import ingest
from tasks.persist import emit
from tasks.runs import start_run
from tasks.sources.files import FilesSource
from tests.conftest import RECORDED_LAST, now
from tests.flows.conftest import free_port

READERS, REQUESTS = 50, 40

PAGES = [
    "/",
    "/calendar",
    "/calendar?year=2020",
    "/reports/2020-03-16",
    "/reports/2026-07-27",
    "/reports/2020-03-16/inputs",
    "/diff?first=2020-03-16&second=2020-03-13",
    "/history?first=2006-01-03&last=2026-07-29",
    "/data",
    "/outbox",
    "/rules",
    "/study",
    "/feed.atom",
    "/events.ics",
    "/api/reports",
    "/api/reports/2020-03-16",
    "/api/history?first=2020-01-01&last=2020-12-31",
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, data_dir: Path, calendar: TradingCalendar) -> Iterator[str]:
    """The app over every session of the recorded history, with both default hedges."""
    directory = tmp_path_factory.mktemp("review")
    engine = open_engine(f"sqlite:///{directory / 'tailguard.db'}")
    ensure_schema(engine)
    ingest(FilesSource(data_dir, now), engine, now)
    signals, hashes = compute_stored(engine, calendar, RECORDED_LAST)
    sessions = calendar.sessions_in(dt.date(2006, 1, 3), RECORDED_LAST).tolist()
    hedges = ReportHedges(signals, rule_sets_named(("alvh-seed", "alvh-442")), 1e6)
    emit(
        engine,
        start_run(engine, "backfill", "files", None, now),
        reports_on(signals, sessions, 1e6, hashes, (), hedges),
        [],
        now,
    )
    engine.dispose()
    port = free_port()
    command = [sys.executable, "-m", "flows", "review", "--port", str(port)]
    environment = os.environ | {"TAILGUARD_DATABASE_URL": f"sqlite:///{directory / 'tailguard.db'}"}
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - the program under test
    found = f"http://127.0.0.1:{port}"
    while True:
        try:
            httpx.get(f"{found}/health")
            break
        except httpx.TransportError:
            assert process.poll() is None, (directory / "log").read_text()
            time.sleep(0.1)
    yield found
    process.terminate()
    process.wait()


@pytest.mark.parametrize("page", PAGES)
def test_one_reader(benchmark: BenchmarkFixture, address: str, page: str) -> None:
    with httpx.Client(base_url=address) as reader:
        answer = benchmark.pedantic(reader.get, args=(page,), rounds=20)
    assert answer.status_code == 200


@pytest.mark.parametrize("pages", ["every page", "reports nobody has read"])
def test_fifty_readers(address: str, calendar: TradingCalendar, capsys: pytest.CaptureFixture[str], pages: str) -> None:
    """Each reads pages in an order of its own, one after the other."""
    days = calendar.sessions_in(dt.date(2006, 1, 3), RECORDED_LAST).tolist()
    # Any order that repeats itself will do: one that no cache helps with.
    days = [days[number * 2_203 % len(days)] for number in range(2_000)]
    paths = PAGES if pages == "every page" else [f"/reports/{day}" for day in days]
    step = 7 if pages == "every page" else REQUESTS

    def read(number: int) -> list[tuple[float, int]]:
        found = []
        with httpx.Client(base_url=address, timeout=60) as reader:
            for turn in range(REQUESTS):
                started = time.perf_counter()
                answer = reader.get(paths[(number * step + turn) % len(paths)])
                found.append((time.perf_counter() - started, answer.status_code))
        return found

    started = time.perf_counter()
    with ThreadPoolExecutor(READERS) as pool:
        found = [each for one in pool.map(read, range(READERS)) for each in one]
    elapsed = time.perf_counter() - started
    assert {status for _, status in found} == {200}
    seconds = sorted(second for second, _ in found)
    with capsys.disabled():
        print(  # noqa: T201 - the figures of docs/benchmarks.md
            f"\n{READERS} readers of {pages}, {len(seconds)} pages in {elapsed:.1f} s: median "
            f"{statistics.median(seconds) * 1e3:.0f} ms, p99 {seconds[int(len(seconds) * 0.99)] * 1e3:.0f} ms, "
            f"longest {seconds[-1] * 1e3:.0f} ms"
        )
