"""Connecting to the database."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from signals.errors import ConfigurationError

BUSY_TIMEOUT_SECONDS = 30


def open_engine(url: str, *, must_exist: bool = False) -> Engine:
    """An engine for `url`: SQLite with a write-ahead log, foreign keys and a busy timeout, or PostgreSQL.

    Parameters
    ----------
    url : str
        ``sqlite:///path`` or ``postgresql+psycopg://user:password@host/name``.
    must_exist : bool
        Refuse a SQLite file that is not there instead of creating it.

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
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, must_exist)
    try:
        engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, ModuleNotFoundError) as error:
        expected = "sqlite:///, or postgresql+psycopg:// with the extra tailguard[postgresql] installed"
        raise _unusable("address", expected, f"{parsed.drivername}, for which there is no driver") from error
    check_connection(engine)
    return engine


def check_connection(engine: Engine) -> None:
    """Raise a `ConfigurationError` that says why, if the database cannot be reached."""
    try:
        with engine.connect():
            pass
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise _unusable(shown(engine.url), "a database that can be opened", reason) from error


def shown(url: URL) -> str:
    """A database address without its password, and without options, among which there may be another."""
    return url.set(query={}).render_as_string(hide_password=True)


def _sqlite(url: URL, must_exist: bool) -> Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
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
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # Let SQLAlchemy, not the driver, begin transactions.
        connection.isolation_level = None
        cursor = connection.cursor()
        if not must_exist:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
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


def _what_came(url: str) -> str:
    """An address nobody can parse, unless it may hold a password."""
    return "something else" if "@" in url or "password" in url.lower() else repr(url)


def _unusable(about: str, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"database {about}", expected=expected, got=got, do="Check --database or TAILGUARD_DATABASE_URL."
    )
