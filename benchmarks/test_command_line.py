"""Commands as a user runs them: new processes, Prefect's start included.

The tests run in the order in which they stand here: the later ones read the database that the first backfill fills.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import RECORDED_LAST, Command

START, END = "2006-01-03", RECORDED_LAST.isoformat()
DAY_BEFORE = dt.date(2026, 7, 28)
RECENT = "2026-07-01"
COLD_ROUNDS = 5

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2}),")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}),")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that the first backfill fills."""
    return tmp_path_factory.mktemp("backfill") / "tailguard.db"


def test_empty_flow(benchmark: BenchmarkFixture, command: Command) -> None:
    """What Prefect needs to start and stop; what follows measures it again between its own rounds."""
    benchmark.pedantic(command.empty_flow, args=("empty flow",), rounds=COLD_ROUNDS)


def test_first_backfill(benchmark: BenchmarkFixture, command: Command, data_dir: Path, database: Path) -> None:
    arguments = _backfill("first backfill", data_dir, database)
    benchmark.pedantic(command.tailguard, args=arguments, rounds=1)


def test_recompute(benchmark: BenchmarkFixture, command: Command, data_dir: Path, database: Path) -> None:
    arguments = _backfill("recompute", data_dir, database)
    benchmark.pedantic(command.tailguard, args=(*arguments, "--mode", "recompute"), rounds=1)


def test_repeat(benchmark: BenchmarkFixture, command: Command, data_dir: Path, database: Path) -> None:
    def setup() -> tuple[tuple[str, ...], dict[str, object]]:
        command.empty_flow("empty flow")
        return _backfill("repeat with everything done", data_dir, database), {}

    benchmark.pedantic(command.tailguard, setup=setup, rounds=COLD_ROUNDS)


def test_report_show(benchmark: BenchmarkFixture, command: Command, database: Path) -> None:
    arguments = ("report show", "report", "show", "--database", f"sqlite:///{database}")
    benchmark.pedantic(command.tailguard, args=arguments, rounds=COLD_ROUNDS)


def test_status(benchmark: BenchmarkFixture, command: Command, database: Path) -> None:
    arguments = ("status", "status", "--database", f"sqlite:///{database}")
    benchmark.pedantic(command.tailguard, args=arguments, rounds=COLD_ROUNDS)


def test_quickstart(benchmark: BenchmarkFixture, command: Command, tmp_path: Path) -> None:
    """On the sample market, into a new directory each time: what is drawn, read, stored and shown."""
    rounds = iter(range(COLD_ROUNDS))

    def setup() -> tuple[tuple[str, ...], dict[str, object]]:
        command.empty_flow("empty flow")
        return ("quickstart", "quickstart", "--sample", "--directory", str(tmp_path / str(next(rounds)))), {}

    benchmark.pedantic(command.tailguard, setup=setup, rounds=COLD_ROUNDS)


def test_daily_run(
    benchmark: BenchmarkFixture, command: Command, data_dir: Path, tmp_path: Path, fresh: Callable[[], Path]
) -> None:
    """The newest session, from files with one day more than the database knows; every changed file is parsed."""
    yesterday, today = tmp_path / "yesterday", tmp_path / "today"
    _copy_through(data_dir, yesterday, DAY_BEFORE)
    _copy_through(data_dir, today, RECORDED_LAST)
    before = tmp_path / "before.db"
    command.tailguard("", *_arguments(yesterday, before, RECENT, DAY_BEFORE.isoformat()))

    def setup() -> tuple[tuple[str, ...], dict[str, object]]:
        command.empty_flow("empty flow")
        database = fresh()
        shutil.copyfile(before, database)
        where = ("--source", "files", "--data-dir", str(today), "--database", f"sqlite:///{database}")
        return ("daily run", "run", "--session", END, "--no-notify", *where), {}

    benchmark.pedantic(command.tailguard, setup=setup, rounds=COLD_ROUNDS)


def _backfill(label: str, data_dir: Path, database: Path) -> tuple[str, ...]:
    return label, *_arguments(data_dir, database, START, END)


def _arguments(data_dir: Path, database: Path, start: str, end: str) -> tuple[str, ...]:
    where = ("--source", "files", "--data-dir", str(data_dir), "--database", f"sqlite:///{database}")
    return "backfill", "--start", start, "--end", end, *where


def _copy_through(source: Path, target: Path, last: dt.date) -> None:
    """Copy the files a source reads, without the rows after `last`."""
    for folder in ("cboe/futures/VX", "cboe/futures/archive", "cboe/index", "yahoo", "fred"):
        (target / folder).mkdir(parents=True)
        for path in (source / folder).glob("*.csv"):
            lines = path.read_bytes().decode("utf-8-sig").splitlines(keepends=True)
            kept = [line for line in lines if (day := _day(line)) is None or day <= last]
            # A contract that was listed later is not there yet.
            if any(_day(line) for line in kept):
                (target / folder / path.name).write_text("".join(kept), newline="")


def _day(line: str) -> dt.date | None:
    if match := _ISO.match(line):
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    if match := _AMERICAN.match(line):
        return dt.date(int(match[3]), int(match[1]), int(match[2]))
    return None
