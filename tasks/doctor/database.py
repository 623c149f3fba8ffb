"""The database: reachable, current, sound, writable, and about the right market."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from signals.errors import ConfigurationError
from storage.engine import open_engine, shown
from storage.schema import SCHEMA_REVISION, current_revision
from storage.unit_of_work import UnitOfWork
from tasks.doctor.findings import FAIL, OK, WARN, Check, Finding, run_checks
from tasks.doctor.machine import disk

_RESTORE = "Restore a backup; what is still readable, `sqlite3 FILE .recover` copies into a new file."

#: What a lock of another program is waited for.
_BUSY_MILLISECONDS = 1500


@dataclass
class Opened:
    """A database as far as it could be opened.

    Attributes
    ----------
    findings : list of Finding
    engine : Engine, optional
        None where it is not there or cannot be reached.
    current : bool
        Whether its tables are those this program knows.
    """

    findings: list[Finding]
    engine: Engine | None = None
    current: bool = False


def open_database(url: str, seconds: float) -> Opened:
    """Open the database that is configured, if it is there."""
    opened = Opened([])

    def look() -> list[Finding]:
        return list(_reach(url, opened))

    opened.findings = run_checks([Check("database", look)], seconds)
    return opened


def _reach(url: str, opened: Opened) -> Iterator[Finding]:
    path = file_of(url)
    if path is not None and not path.exists():
        yield _absent(path)
        return
    try:
        engine = open_engine(url, must_exist=True)
    except ConfigurationError as error:
        yield Finding("database", FAIL, f"{error.about.removeprefix('database ')}: {error.got}", error.do)
        return
    opened.engine = engine
    yield Finding("database", OK, shown(engine.url))
    finding = schema(engine)
    opened.current = finding.status == OK
    yield finding


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None for another database, or one in memory."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return None
    on_disk = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if on_disk else None


def _absent(path: Path) -> Finding:
    directory = path.parent.resolve()
    if not directory.is_dir():
        return Finding("database", FAIL, f"{path}: no directory {directory}", "Create it, or name another --database.")
    if not os.access(directory, os.W_OK):
        do = "Give yourself permission, or name another --database."
        return Finding("database", FAIL, f"{path}: not there, and no permission to write to {directory}", do)
    return Finding("database", WARN, f"{path}: not there yet", "The first `tailguard run` or `backfill` creates it.")


def schema(engine: Engine) -> Finding:
    """Whether its tables are those this program knows."""
    found = current_revision(engine)
    if found == SCHEMA_REVISION:
        return Finding("schema", OK, f"{found}, the newest")
    if found is None:
        do = "`tailguard db upgrade` creates it in an empty database; or name another with --database."
        return Finding("schema", FAIL, "none", do)
    if found > SCHEMA_REVISION:
        do = "Install the version of tailguard that made it, or a newer one."
        return Finding("schema", FAIL, f"{found}, newer than the {SCHEMA_REVISION} this program knows", do)
    do = "Make a backup, then run `tailguard db upgrade`."
    return Finding("schema", FAIL, f"{found}, older than the {SCHEMA_REVISION} this program needs", do)


def checks(url: str, opened: Opened, *, simulated_source: bool) -> list[Check]:
    """What is worth looking at in a database as far as it could be opened."""
    path, engine = file_of(url), opened.engine
    found: list[Check] = []
    if engine is not None and path is not None:
        # On a large file this takes longer than anybody wants to wait.
        found.append(Check("integrity", lambda: integrity(engine), late=WARN))
        found.append(Check("journal", lambda: journal(engine)))
    if engine is not None and opened.current:
        found.append(Check("writable", lambda: writable(engine, path)))
        found.append(Check("market", lambda: market(engine, simulated_source=simulated_source)))
    if path is not None and path.parent.is_dir():
        found.append(Check("disk", lambda: disk(path.parent.resolve())))
    return found


def integrity(engine: Engine) -> Finding:
    """Whether a SQLite file is sound."""
    try:
        with engine.connect() as connection:
            found = [str(row[0]) for row in connection.execute(text("PRAGMA quick_check(5)"))]
    except DBAPIError as error:
        found = [str(error.orig)]
    if found == ["ok"]:
        return Finding("integrity", OK, "PRAGMA quick_check found nothing")
    return Finding("integrity", FAIL, " ".join(found[0].split()), _RESTORE)


def journal(engine: Engine) -> Finding:
    """Whether a SQLite file has a write-ahead log, with which readers and a writer do not wait for each other."""
    with engine.connect() as connection:
        mode = str(connection.execute(text("PRAGMA journal_mode")).scalar())
    if mode == "wal":
        return Finding("journal", OK, "write-ahead log (WAL)")
    do = "The next run turns WAL on; if it stays so, the file is on a disk that cannot (a network drive): move it."
    return Finding("journal", WARN, f"{mode}, not WAL", do)


def writable(engine: Engine, path: Path | None) -> Finding:
    """Whether it can be written, found out by a change of nothing, which is rolled back."""
    for place in (path, path.parent) if path else ():
        if not os.access(place, os.W_OK):
            do = "Give the user that runs tailguard permission to write the file and its directory."
            return Finding("writable", FAIL, f"no permission to write to {place.resolve()}", do)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
            connection.execute(text("UPDATE runs SET message = message WHERE id < 0"))
            connection.rollback()
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        if "locked" in said:
            do = "A run may be writing; if it stays so, look for a program that holds it."
            return Finding("writable", WARN, "another program is writing to it", do)
        return Finding("writable", FAIL, said, "Give the user that runs tailguard permission to write to it.")
    return Finding("writable", OK, "yes")


def market(engine: Engine, *, simulated_source: bool) -> Finding:
    """Which market the database is about, and whether the source is about the same."""
    with UnitOfWork(engine) as work:
        simulated = work.observations.is_simulated()
    kinds = {True: "SIMULATED, the sample market", False: "the real market"}
    if simulated is None:
        return Finding("market", OK, "nothing was read yet")
    if simulated != simulated_source:
        do = "Name another database with --database, or another source: the two are never mixed."
        return Finding("market", FAIL, f"{kinds[simulated]}; the source is about {kinds[simulated_source]}", do)
    if simulated:
        return Finding("market", WARN, kinds[simulated], "No signal of it is real. Use another database for real ones.")
    return Finding("market", OK, kinds[simulated])
