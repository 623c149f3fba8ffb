"""Fixtures: recorded data where present, a made-up market everywhere."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from signals.alvh.hedge import Hedges, hedges_of
from signals.calendar import TradingCalendar, trading_calendar
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from storage.engine import open_engine
from storage.schema import ensure_schema
from tasks.ingest import read_source
from tasks.sources.files import FilesSource
from tests.market_files import LAST, write_market
from tests.postgresql import NoPostgreSQL, Server, postgresql_server
from tests.signals.recorded_books import NOTIONAL, SHIPPED_AND_OTHER

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
def recorded_hedges(recorded_signals: VeqtorSignals) -> Hedges:
    """The books of every rule set that ships, and of other instruments, over the whole recorded history.

    They take ten seconds to fold, once for all modules: nothing changes them. A module that looks at some of them takes
    those with `tests.signals.recorded_books.only`.
    """
    return hedges_of(recorded_signals, SHIPPED_AND_OTHER, NOTIONAL)


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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; the test is skipped where there is none."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql_server())
        except NoPostgreSQL as error:
            pytest.skip(str(error))
        yield server


def on_both_databases(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a database on SQLite and on PostgreSQL, whose server makes it no unit test."""
    if "database_url" in metafunc.fixturenames:
        kinds = ["sqlite", pytest.param("postgresql", marks=pytest.mark.server)]
        metafunc.parametrize("database_url", kinds, indirect=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked so on both databases."""
    if metafunc.definition.get_closest_marker("both_databases"):
        on_both_databases(metafunc)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database: of SQLite, unless a test runs on both."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    server: Server = request.getfixturevalue("postgresql")
    return server.database(with_schema="empty_engine" not in request.fixturenames)


@pytest.fixture
def engine(database_url: str, sqlite_with_schema: bytes) -> Iterator[Engine]:
    """A database with the current schema and no rows."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).write_bytes(sqlite_with_schema)
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def empty_engine(database_url: str) -> Iterator[Engine]:
    """A database without a schema."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()
