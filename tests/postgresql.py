"""A PostgreSQL server of the tests' own: started from the binaries of the machine, in a directory that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import URL, create_engine, make_url, text

from storage.engine import open_engine
from storage.models import Base
from storage.schema import ensure_schema

#: A server to use instead, by the address of a database on it whose user may create others. Read once, before tests
#: hide the settings of whoever runs them.
GIVEN_URL = os.environ.get("TAILGUARD_TEST_POSTGRESQL_URL")

#: Where Debian keeps the binaries that it does not put on the path.
_DEBIAN = Path("/usr/lib/postgresql")

#: A test may leave a transaction open.
_LEAVE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
    "pid <> pg_backend_pid()"
)

#: Every key begins at one again.
_RESTART_KEYS = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"

#: What a database consists of, in one word.
_COLUMNS = """
    SELECT md5(string_agg(concat_ws(' ', relname, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum))
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
"""

#: What is lost when the machine stops is not missed. Tests of what survives kill programs, not machines.
_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60")

_STARTS_WITHIN_SECONDS = 30


class NoPostgreSQL(Exception):
    """There is none on this machine, or it does not start; the text says why."""


class Server:
    """A server that runs, with two databases that tests use in turn: making a database takes longer than most tests.

    Parameters
    ----------
    url : str
        The address of a database whose user may create others.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        name = f"tailguard_{uuid.uuid4().hex}"
        self._names = {True: f"{name}_kept", False: f"{name}_bare"}
        self._made: set[str] = set()
        self._all_columns: str | None = ""

    def database(self, *, with_schema: bool = True) -> str:
        """The address of a database without rows; without a schema, if that is asked for. The next test gets it too."""
        name = self._names[with_schema]
        url = self._url.set(database=name)
        if name not in self._made:
            self._execute(f"CREATE DATABASE {name}")
            self._made.add(name)
        else:
            self._execute(_LEAVE, database=name)
        if with_schema and self._columns(url) == self._all_columns:
            rows = [str(table.delete()) for table in reversed(Base.metadata.sorted_tables)]
            self._execute(*rows, _RESTART_KEYS, database=name)
        else:
            # Nothing is there yet, or a test has changed the tables.
            self._execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", database=name)
            if with_schema:
                engine = open_engine(url.render_as_string(hide_password=False))
                ensure_schema(engine)
                engine.dispose()
                self._all_columns = self._columns(url)
        return url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Drop what was made."""
        for name in self._made:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _columns(self, url: URL) -> str | None:
        engine = create_engine(url)
        with engine.connect() as connection:
            found: str | None = connection.execute(text(_COLUMNS)).scalar()
        engine.dispose()
        return found

    def _execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements, each by itself."""
        url = self._url if database is None else self._url.set(database=database)
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


@contextmanager
def postgresql_server() -> Iterator[Server]:
    """The server that was named, else one that is started here and stopped at the end.

    It starts in less than a second, so that each process of a parallel test run has its own.

    Raises
    ------
    NoPostgreSQL
    """
    if GIVEN_URL:
        server = Server(GIVEN_URL)
        try:
            yield server
        finally:
            server.close()
        return
    binaries = _binaries()
    # Not pytest's directory: the path of a socket has at most 107 characters, and only its owner may enter it.
    directory = Path(tempfile.mkdtemp(prefix="tailguard-postgresql-"))
    try:
        owner = _owner()
        if owner:
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        data = directory / "data"
        _run(owner, binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", *_locale(binaries), "--no-sync")
        settings = [argument for setting in _SETTINGS for argument in ("-c", setting)]
        command = [binaries / "postgres", "-D", data, "-k", directory, *settings]
        with (directory / "log").open("wb") as log:
            running = subprocess.Popen(
                [*_as(owner, dies_with_us=True), *command], stdout=log, stderr=log, start_new_session=True
            )
        try:
            url = f"postgresql+psycopg://postgres@/postgres?host={directory}"
            _wait_for(url, running, directory / "log")
            yield Server(url)
        finally:
            running.send_signal(signal.SIGQUIT)
            running.wait(timeout=30)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _binaries() -> Path:
    """The directory of initdb and postgres: of the newest version Debian has, else what pg_config says."""
    found = [path.parent for path in _DEBIAN.glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    if shutil.which("pg_config"):
        answer = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)
        directory = Path(answer.stdout.strip())
        if (directory / "initdb").exists():
            return directory
    raise NoPostgreSQL(
        "no PostgreSQL on this machine: install Debian's package postgresql, or name a server's database in "
        "TAILGUARD_TEST_POSTGRESQL_URL"
    )


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server where we are root, as which it does not start; None for ourselves."""
    if os.geteuid() != 0:
        return None
    names = {user.pw_name: user for user in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _as(owner: pwd.struct_passwd | None, *, dies_with_us: bool = False) -> list[str]:
    """What to put before a command; a server must not outlive a test run that was killed."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if owner:
            raise NoPostgreSQL("no setpriv on this machine, without which root cannot start PostgreSQL")
        return []
    user = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"] if owner else []
    death = ["--pdeathsig=INT"] if dies_with_us else []
    return [setpriv, *user, *death, "--"] if user or death else []


def _locale(binaries: Path) -> list[str]:
    """A collation that sorts unlike SQLite, where the version knows one: nothing may rest on the order of text."""
    version = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    knows = int(version.split()[2].split(".")[0]) >= 15
    return ["-E", "UTF8", "--locale=C.UTF-8", *(["--locale-provider=icu", "--icu-locale=en-US"] if knows else [])]


def _run(owner: pwd.struct_passwd | None, *command: str | Path) -> None:
    ended = subprocess.run([*_as(owner), *command], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise NoPostgreSQL(f"PostgreSQL does not start: {(ended.stderr or ended.stdout).strip()}")


def _wait_for(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    target = make_url(url)
    give_up = time.monotonic() + _STARTS_WITHIN_SECONDS
    while True:
        try:
            psycopg.connect(host=target.query["host"], user=target.username, dbname=target.database).close()
        except psycopg.OperationalError as error:
            if running.poll() is not None or time.monotonic() > give_up:
                raise NoPostgreSQL(f"PostgreSQL does not start: {log.read_text()}") from error
            time.sleep(0.02)
        else:
            return
