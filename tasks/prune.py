"""Making room: which bodies may go, freeing them, and giving the space back."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

from sqlalchemy import Engine, func, select

from signals.errors import ConfigurationError
from storage.payloads import StoredPayload
from storage.unit_of_work import UnitOfWork

#: Kept beside a SQLite file, and counted with it.
_BESIDE = ("", "-wal", "-shm")

#: What other programs are waited for.
_PATIENCE_MILLISECONDS = 3000


def prunable(engine: Engine, fetched_before: dt.datetime, *, also_read: bool) -> list[StoredPayload]:
    """Payloads whose body may go, newest first."""
    with UnitOfWork(engine) as work:
        return work.observations.prunable_payloads(fetched_before, also_read=also_read)


def prune(engine: Engine, fetched_before: dt.datetime, now: dt.datetime, *, also_read: bool) -> list[StoredPayload]:
    """Empty the bodies that may go, and return what they were; their rows stay."""
    with UnitOfWork(engine, alone=True) as work:
        found = work.observations.prunable_payloads(fetched_before, also_read=also_read)
        work.observations.prune_bodies([payload.id for payload in found], now)
        work.commit()
    return found


def database_bytes(engine: Engine) -> int:
    """What a database takes on disk."""
    if engine.dialect.name == "sqlite":
        path = engine.url.database or ""
        return sum(file.stat().st_size for end in _BESIDE if (file := Path(path + end)).is_file())
    with engine.connect() as connection:
        return int(connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one())


def shrink(engine: Engine) -> None:
    """Give the space that was freed in a SQLite file back to the disk; PostgreSQL uses it again by itself.

    Raises
    ------
    ConfigurationError
        When the file cannot be rewritten now. What was freed stays so, and is used again.
    """
    if engine.dialect.name != "sqlite":
        return
    # Not in a transaction, which a connection of the engine would begin.
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_PATIENCE_MILLISECONDS}")
        if cursor.execute("PRAGMA freelist_count").fetchone()[0]:
            cursor.execute("VACUUM")
        # What was rewritten is in the write-ahead log until then; a program that reads keeps it there.
        busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        cursor.close()
        if busy:
            raise _cannot_shrink(engine, "another program that reads it")
    except sqlite3.Error as error:
        raise _cannot_shrink(engine, str(error)) from error
    finally:
        raw.close()


def _cannot_shrink(engine: Engine, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"file {engine.url.database}",
        expected="to be rewritten without the bodies that were freed",
        got=why,
        do="They are freed, and new data will use their room. To make the file smaller, run this again while no other "
        "program uses it and the disk has room for a copy.",
    )
