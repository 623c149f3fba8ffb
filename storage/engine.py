"""Connecting to the database."""

from __future__ import annotations

import os
import sqlite3
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from signals.errors import ConfigurationError

#: How long a transaction waits for another that writes.
BUSY_TIMEOUT_SECONDS = 30

#: What SQLite says of a file that is in order and cannot be used at the moment.
_PASSING = ("database is locked", "database or disk is full")

#: A server that does not answer must not hold up a run for hours, which the defaults of TCP do. Seconds.
_POSTGRESQL_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


def open_engine(
    url: str,
    *,
    must_exist: bool = False,
    read_only: bool = False,
    connections: int = 0,
    patience_seconds: float | None = None,
) -> Engine:
    """An engine for `url`: SQLite with a write-ahead log, foreign keys and a busy timeout, or PostgreSQL.

    Parameters
    ----------
    url : str
        ``sqlite:///path`` or ``postgresql+psycopg://user:password@host/name``.
    must_exist : bool
        Refuse a SQLite file that is not there instead of creating it, and leave its journal mode as it is. Nobody has
        to wait for such a look at a database.
    read_only : bool
        The same, and refuse to change anything: the database itself does. A SQLite file and its directory need not be
        writable.
    connections : int
        How many connections to a server who only reads keeps, for a program that reads all day; by default none. A
        file is opened anew for each transaction.
    patience_seconds : float, optional
        How long to wait for another program that holds the database, by default `BUSY_TIMEOUT_SECONDS`.

    Raises
    ------
    ConfigurationError
        When the URL makes no sense, or the database cannot be opened.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise _unusable("address", "one such as sqlite:///tailguard.db", _what_came(url)) from None
    if "@" in (parsed.host or ""):
        # What follows the first @ of a password would be taken, and shown, for a part of the host.
        raise _unusable("address", "a password with %40 in place of @", "an address with two @")
    if parsed.drivername == "postgresql":
        # Another driver, which is not installed, is SQLAlchemy's own choice.
        parsed = parsed.set(drivername="postgresql+psycopg")
    patience = BUSY_TIMEOUT_SECONDS if patience_seconds is None else patience_seconds
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, must_exist=must_exist or read_only, read_only=read_only, patience=patience)
    return _postgresql(parsed, read_only=read_only, connections=connections, patience=patience)


def check_connection(engine: Engine) -> None:
    """Raise a `ConfigurationError` that says why, if the database cannot be reached.

    One that is in order and cannot answer now, because another program holds it or the disk is full, is no matter of
    configuration: what the driver raised is left as it is.
    """
    try:
        with engine.connect():
            pass
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        if reason in _PASSING:
            raise
        raise _unusable(shown(engine.url), "a database that can be opened", reason) from error


def shown(url: URL) -> str:
    """A database address without its password, and without options, among which there may be another."""
    return url.set(query={}).render_as_string(hide_password=True)


def _postgresql(url: URL, *, read_only: bool, connections: int, patience: float) -> Engine:
    asked = {name: value for name, value in _POSTGRESQL_PATIENCE.items() if name not in url.query}
    try:
        if read_only and not connections:
            # Who looks once does not keep a connection, which a server has few of.
            engine = create_engine(url, connect_args=asked, poolclass=NullPool)
        else:
            size = {"pool_size": connections, "max_overflow": 0} if connections else {}
            engine = create_engine(url, connect_args=asked, pool_pre_ping=True, **size)
    except (ArgumentError, ModuleNotFoundError) as error:
        expected = "sqlite:///, or postgresql+psycopg:// with the extra tailguard[postgresql] installed"
        raise _unusable("address", expected, f"{url.drivername}, for which there is no driver") from error

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = '{round(patience * 1000)}ms'")
        if read_only:
            cursor.execute("SET default_transaction_read_only = on")
        cursor.close()
        connection.commit()

    check_connection(engine)
    return engine


def _sqlite(url: URL, *, must_exist: bool, read_only: bool, patience: float) -> Engine:
    path = Path(url.database) if url.database and url.database != ":memory:" else None
    if path:
        if must_exist and not path.exists():
            raise ConfigurationError(
                f"database {path}",
                expected="an existing database",
                got="no such file",
                do="Create it with `tailguard run` or `tailguard backfill`, or name another with --database.",
            )
        if not path.parent.is_dir():
            raise _unusable(str(path), "a file in an existing directory", f"no directory {path.parent.resolve()}")
        target = path if path.exists() else path.parent
        if not os.access(target, os.W_OK) and not must_exist:
            where = target.resolve()
            raise _unusable(str(path), "a database that can be written", f"no permission to write to {where}")
    if path and read_only:
        # Each transaction looks anew at what there is to open.
        engine = create_engine(url, creator=partial(_open_to_read, path.absolute(), patience), poolclass=NullPool)
    else:
        engine = create_engine(url, connect_args={"timeout": patience})

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # Let SQLAlchemy, not the driver, begin transactions.
        connection.isolation_level = None
        cursor = connection.cursor()
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        if not must_exist:
            cursor.execute("PRAGMA journal_mode=WAL")
            # Durable at each commit: after a power cut a report whose mail went out, or a claim, must still be there.
            cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # Reads the file, which opening it does not: one that is no database is found here.
        cursor.execute("PRAGMA schema_version")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: two that read first and write later would refuse each other.
        connection.exec_driver_sql("BEGIN" if must_exist else "BEGIN IMMEDIATE")

    check_connection(engine)
    return engine


def _open_to_read(path: Path, patience: float) -> sqlite3.Connection:
    """A connection to a file for reading.

    Who may write to the directory opens the file as a writer does, and leaves no write-ahead log behind. Who may not
    needs the log of a program that has the file open; where none has, nothing but the file is there to be read. Where
    the path is a symbolic link, each connection follows it to where it leads by then.
    """
    path = path.resolve()
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        how = "mode=rw"
    elif path.with_name(f"{path.name}-wal").exists():
        how = "mode=ro"
    else:
        how = "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, timeout=patience, check_same_thread=False)


def _what_came(url: str) -> str:
    """An address nobody can parse, unless it may hold a password."""
    return "something else" if "@" in url or "password" in url.lower() else repr(url)


def _unusable(about: str, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"database {about}", expected=expected, got=got, do="Check --database or TAILGUARD_DATABASE_URL."
    )
