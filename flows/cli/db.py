"""``db upgrade`` and ``db current``."""

from __future__ import annotations

import click

from flows.cli.manual import manual
from flows.cli.options import database_option
from flows.settings import load_settings
from storage.engine import open_engine
from storage.schema import SCHEMA_REVISION, current_revision
from storage.schema import upgrade as upgrade_schema


@click.group()
def db() -> None:
    """Look after the database.

    `run` and `backfill` create a database that is not there; one of an older version is brought up to date here.
    """


@db.command(
    epilog=manual(
        "tailguard db upgrade",
        "tailguard db upgrade --database postgresql+psycopg://user@host/name",
        exit_codes="0 up to date, 1 the database refused, 2 it cannot be opened",
    )
)
@database_option
def upgrade() -> None:
    """Create the schema, or bring it to the newest version.

    Running it again changes nothing. Back up a database that holds reports before.
    """
    engine = open_engine(load_settings().database_url.get_secret_value())
    before = current_revision(engine)
    upgrade_schema(engine)
    after = current_revision(engine)
    engine.dispose()
    click.echo(f"Schema {after}, as before." if before == after else f"Schema {before or 'none'} -> {after}.")


@db.command(
    epilog=manual("tailguard db current --database sqlite:///tailguard.db", exit_codes="0 shown, 2 no database")
)
@database_option
def current() -> None:
    """Show the version of the schema.

    And the newest one this program knows, if it is another: `tailguard db upgrade` brings the database to it.
    """
    engine = open_engine(load_settings().database_url.get_secret_value(), read_only=True)
    found = current_revision(engine)
    newest = "the newest" if found == SCHEMA_REVISION else f"the newest is {SCHEMA_REVISION}: `tailguard db upgrade`"
    click.echo(f"Schema {found or 'none'}, {newest}.")
