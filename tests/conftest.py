"""Fixtures: recorded data where present, a made-up market everywhere."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from signals.calendar import TradingCalendar, trading_calendar
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from storage.engine import open_engine
from storage.schema import ensure_schema
from tasks.ingest import read_source
from tasks.sources.files import FilesSource
from tests.market_files import LAST, write_market

ROOT = Path(__file__).parent.parent
NOW = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)

#: The last session for which the recorded data have everything.
RECORDED_LAST = dt.date(2026, 7, 29)


def now() -> dt.datetime:
    """A clock that stands still."""
    return NOW


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a module unread where all its tests are deselected: importing Prefect takes long."""
    if config.option.markexpr != "not server" or collection_path.suffix != ".py":
        return None
    return True if re.search(r"^pytestmark = .*mark\.server", collection_path.read_text(), re.MULTILINE) else None


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of whoever runs it."""
    for name in list(os.environ):
        if name.startswith("TAILGUARD_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The recorded public data; the test is skipped where they are not."""
    directory = Path(os.environ.get("TAILGUARD_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (directory / "cboe").is_dir():
        pytest.skip(f"no recorded market data at {directory}; name their directory in TAILGUARD_TEST_DATA")
    return directory


@pytest.fixture(scope="session")
def calendar() -> TradingCalendar:
    """The trading calendar."""
    return trading_calendar()


@pytest.fixture(scope="session")
def recorded(data_dir: Path) -> MarketData:
    """Every recorded observation."""
    return read_source(FilesSource(data_dir, now))[0]


@pytest.fixture(scope="session")
def recorded_signals(recorded: MarketData, calendar: TradingCalendar) -> VeqtorSignals:
    """The signals of the whole recorded history."""
    return veqtor_signals(resolve(market_history(recorded, calendar, RECORDED_LAST), calendar))


@pytest.fixture(scope="session")
def made_up_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the made-up market; tests that change a file write their own."""
    return write_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session")
def made_up(made_up_dir: Path) -> MarketData:
    """Every observation of the made-up market."""
    return read_source(FilesSource(made_up_dir, now))[0]


@pytest.fixture(scope="session")
def made_up_signals(made_up: MarketData, calendar: TradingCalendar) -> VeqtorSignals:
    """The signals of the made-up market."""
    return veqtor_signals(resolve(market_history(made_up, calendar, LAST), calendar))


@pytest.fixture(scope="session")
def sqlite_with_schema(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a SQLite database with the current schema and no rows: copied, not migrated for each test."""
    path = tmp_path_factory.mktemp("schema") / "schema.db"
    engine = open_engine(f"sqlite:///{path}")
    ensure_schema(engine)
    engine.dispose()
    return path.read_bytes()


@pytest.fixture
def engine(tmp_path: Path, sqlite_with_schema: bytes) -> Iterator[Engine]:
    """An empty SQLite database with the current schema."""
    path = tmp_path / "test.db"
    path.write_bytes(sqlite_with_schema)
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()
