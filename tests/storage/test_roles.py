"""ops/postgresql/roles.sql: who may do what."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from shutil import which

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from storage.engine import open_engine
from storage.schema import current_revision, upgrade
from storage.unit_of_work import UnitOfWork
from tests.conftest import ROOT
from tests.postgresql import Server
from tests.storage.conftest import T0

pytestmark = pytest.mark.server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """There are no roles on SQLite."""


@pytest.fixture
def as_role(postgresql: Server) -> Iterator[dict[str, Engine]]:
    """Engines of both roles, in a database without tables."""
    psql = which("psql")
    if psql is None:
        pytest.skip("no psql on this machine")
    url = make_url(postgresql.database(with_schema=False))
    target = url.set(drivername="postgresql").render_as_string(hide_password=False)
    for _ in range(2):
        subprocess.run(
            [psql, "-X", "-q", target, "-f", ROOT / "ops/postgresql/roles.sql"],
            check=True,
            env=os.environ | {"PGOPTIONS": "-c client_min_messages=warning"},
        )
    engines = {
        name: open_engine(url.set(username=name).render_as_string(hide_password=False))
        for name in ("tailguard", "tailguard_reader")
    }
    yield engines
    for engine in engines.values():
        engine.dispose()
    administrator = create_engine(url, isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        for name in engines:
            connection.execute(text(f"DROP OWNED BY {name} CASCADE"))
            connection.execute(text(f"DROP ROLE {name}"))
    administrator.dispose()


def test_the_owner_upgrades_and_writes_and_the_reader_reads_also_what_comes_later(as_role: dict[str, Engine]) -> None:
    owner, reader = as_role["tailguard"], as_role["tailguard_reader"]
    upgrade(owner)
    with UnitOfWork(owner, alone=True) as work:
        work.runs.start("daily", "files", None, T0)
        work.commit()
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE later (x INTEGER)"))

    with UnitOfWork(reader) as work:
        assert work.runs.latest() is not None
    with reader.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM later")).scalar() == 0
    assert current_revision(reader) == current_revision(owner)


CHANGES = (
    "INSERT INTO runs (kind, source, started_at) VALUES ('daily', 'files', now())",
    "UPDATE outbox SET state = 'SENT'",
    "DELETE FROM reports",
    "TRUNCATE outbox",
    "DROP TABLE outbox",
    "CREATE TABLE mine (x INTEGER)",
    "CREATE TEMPORARY TABLE mine (x INTEGER)",
    "LOCK TABLE market IN EXCLUSIVE MODE",
    "SELECT nextval('runs_id_seq')",
)


def test_the_reader_changes_nothing_even_where_it_asks_for_it(as_role: dict[str, Engine]) -> None:
    upgrade(as_role["tailguard"])
    reader = as_role["tailguard_reader"]

    for statement in CHANGES:
        with reader.connect() as connection:
            connection.execute(text("SET TRANSACTION READ WRITE"))
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                connection.execute(text(statement))
    with reader.connect() as connection, pytest.raises(DBAPIError, match="read-only transaction"):
        connection.execute(text(CHANGES[5]))
