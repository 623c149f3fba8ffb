from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from signals.errors import ConfigurationError
from storage.engine import open_engine, shown
from storage.unit_of_work import UnitOfWork
from tests.conftest import ROOT
from tests.storage.conftest import T0, start_run


def refusal(url: str, *, must_exist: bool = False) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        open_engine(url, must_exist=must_exist)
    return caught.value


def test_a_new_sqlite_file_is_created_with_a_log_and_foreign_keys(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.connect() as connection:
        settings = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()

    assert (tmp_path / "new.db").exists()
    assert settings == ["wal", 1, 30_000]


def test_a_missing_file_is_refused_where_it_must_exist_and_is_not_created(tmp_path: Path) -> None:
    error = refusal(f"sqlite:///{tmp_path / 'gone.db'}", must_exist=True)

    assert str(tmp_path / "gone.db") in error.about
    assert "tailguard run" in error.do
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    error = refusal(f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")

    assert error.got == f"no directory {tmp_path / 'nowhere'}"
    assert "TAILGUARD_DATABASE_URL" in error.do


def test_a_directory_without_permission_to_write_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")

    error = refusal(f"sqlite:///{closed / 'x.db'}")

    assert error.got == f"no permission to write to {closed}"
    assert list(closed.iterdir()) == []


def test_a_file_without_permission_to_write_is_named_and_can_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    open_engine(f"sqlite:///{path}").dispose()
    path.chmod(0o400)
    if os.access(path, os.W_OK):
        pytest.skip("this user may write everywhere")

    assert refusal(f"sqlite:///{path}").got == f"no permission to write to {path}"
    open_engine(f"sqlite:///{path}", read_only=True).dispose()


def test_a_database_that_another_program_holds_is_no_wrong_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engine.BUSY_TIMEOUT_SECONDS", 0.05)
    path = tmp_path / "held.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE something (id INTEGER)")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DBAPIError, match="database is locked"):
        open_engine(f"sqlite:///{path}")
    holder.execute("ROLLBACK")
    holder.close()


@pytest.mark.parametrize("must_exist", [False, True])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, must_exist: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes\n" * 100)
    before = path.read_bytes()

    error = refusal(f"sqlite:///{path}", must_exist=must_exist)

    assert error.got == "file is not a database"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("must_exist", [False, True])
def test_a_directory_is_no_database(tmp_path: Path, must_exist: bool) -> None:
    error = refusal(f"sqlite:///{tmp_path}", must_exist=must_exist)

    assert error.got == "unable to open database file"


def test_a_database_that_is_only_read_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    engine = open_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
    engine.dispose()
    before = path.read_bytes()

    reader = open_engine(f"sqlite:///{path}", read_only=True)
    with reader.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
    reader.dispose()

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "tailguard.db",
        "://",
        "oracle-of-delphi://user:hunter2@host/name",
        "mysql://user:hunter2@host/name",
        "postgresql+pg8000://user:hunter2@host/name",
        "postgresql+psycopg://user:hunter2@host:port/name",
        "postgresql+psycopg://user:hun:ter2@host:hunter2/name",
        "postgresql+psycopg://user:p@hunter2@127.0.0.1:1/name",
    ],
)
def test_an_address_that_makes_no_sense_is_refused_without_repeating_a_password(url: str) -> None:
    error = refusal(url)

    assert "TAILGUARD_DATABASE_URL" in error.do
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://user:hunter2@127.0.0.1:1/name",
        "postgresql://user:hunter2@127.0.0.1:1/name",
        "postgresql+psycopg://user:hunter2@127.0.0.1:1/name?connect_timeout=soon",
        "postgresql+psycopg://127.0.0.1:1/name?user=user&password=hunter2",
        "postgresql+psycopg://user:hunter2%40home@127.0.0.1:1/name",
    ],
)
def test_a_server_that_cannot_be_reached_is_named_without_its_password(url: str) -> None:
    error = refusal(url)

    assert "127.0.0.1:1" in error.about
    assert "hunter2" not in "".join(traceback.format_exception(error))


def test_a_shown_address_has_neither_password_nor_options() -> None:
    url = make_url("postgresql+psycopg://user:hunter2@host:5432/name?sslpassword=hunter2")

    assert shown(url) == "postgresql+psycopg://user:***@host:5432/name"


def test_what_is_opened_to_be_read_refuses_to_change_anything(engine: Engine, database_url: str) -> None:
    reader = open_engine(database_url, read_only=True)
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"), UnitOfWork(reader) as work:
        work.runs.start("daily", "files", None, T0)
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"), reader.begin() as connection:
        connection.execute(text("CREATE TABLE mine (x INTEGER)"))

    start_run(engine)
    with UnitOfWork(reader) as work:
        assert work.runs.latest() is not None
    reader.dispose()


def test_a_reader_of_a_file_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    open_engine(f"sqlite:///{path}").dispose()

    reader = open_engine(f"sqlite:///{path}", read_only=True)
    with reader.connect() as connection:
        connection.execute(text("SELECT count(*) FROM sqlite_master"))
    reader.dispose()

    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_sees_what_was_written_since_it_opened_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'odd name #1?.db'}"
    writer, reader = open_engine(url), open_engine(url, read_only=True)
    for count in (1, 2):
        with writer.begin() as connection:
            connection.execute(text(f"CREATE TABLE t{count} (x INTEGER)"))
        with reader.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == count
    writer.dispose()
    reader.dispose()


@pytest.mark.server
@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed, whom only root can be")
@pytest.mark.parametrize("written_to", [False, True])
def test_a_user_who_may_only_read_the_directory_reads_the_database(written_to: bool) -> None:
    # Only its owner enters a directory of pytest's.
    directory = Path(tempfile.mkdtemp(prefix="tailguard-"))
    directory.chmod(0o755)
    writer = open_engine(f"sqlite:///{directory / 'x.db'}")
    with writer.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (7)"))
    if not written_to:
        writer.dispose()
    program = (
        "import os, sys; from sqlalchemy import text; from storage.engine import open_engine; os.setuid(65534);"
        "engine = open_engine(sys.argv[1], read_only=True);"
        "print(engine.connect().execute(text('SELECT x FROM t')).scalar())"
    )
    try:
        found = subprocess.run(
            [sys.executable, "-c", program, f"sqlite:///{directory / 'x.db'}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (found.stdout, found.returncode) == ("7\n", 0), found.stderr
        names = {path.name for path in directory.iterdir()}
        assert names == ({"x.db", "x.db-wal", "x.db-shm"} if written_to else {"x.db"})
    finally:
        writer.dispose()
        shutil.rmtree(directory)
