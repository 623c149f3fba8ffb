"""Bringing a database to the current schema, and refusing one that is not.

Alembic is loaded only to change a schema; to check one, a look at its version table is enough.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from signals.errors import ConfigurationError
from storage.engine import shown

#: The newest migration; a test keeps it equal to the head of the scripts.
SCHEMA_REVISION = "0010"

#: Any number, the same in every program that upgrades.
_UPGRADE_LOCK = 7_415_003_311


def current_revision(engine: Engine) -> str | None:
    """The migration the database is at; None for one without a schema."""
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(engine: Engine) -> None:
    """Apply every migration the database lacks, in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Where SQLite locks the file, two programs that start at once would create the tables together.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def ensure_schema(engine: Engine) -> None:
    """Create the schema in an empty database; refuse a database of another version.

    Raises
    ------
    ConfigurationError
        When the database is at another migration than this program.
    """
    if current_revision(engine) is None and not inspect(engine).get_table_names():
        upgrade(engine)
    require_schema(engine)


def require_schema(engine: Engine) -> None:
    """Refuse a database that is not at `SCHEMA_REVISION`."""
    found = current_revision(engine)
    if found == SCHEMA_REVISION:
        return
    raise ConfigurationError(
        f"database {shown(engine.url)}",
        expected=f"schema {SCHEMA_REVISION}",
        got="no tailguard schema" if found is None else f"schema {found}",
        do="Name another database with --database; in an empty one `tailguard db upgrade` creates it."
        if found is None
        else "Run `tailguard db upgrade`, or name another database with --database.",
    )
