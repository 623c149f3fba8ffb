"""``db upgrade`` and ``db current``."""

from __future__ import annotations

import click

from flows.cli.options import database_option
from flows.settings import load_settings
from storage.engine import open_engine
from storage.schema import SCHEMA_REVISION, current_revision
from storage.schema import upgrade as upgrade_schema


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@database_option
def upgrade() -> None:
    """Create the schema, or bring it to the newest version."""
    engine = open_engine(load_settings().database_url.get_secret_value())
    before = current_revision(engine)
    upgrade_schema(engine)
    after = current_revision(engine)
    click.echo(f"Schema {after}, as before." if before == after else f"Schema {before or 'none'} -> {after}.")


@db.command()
@database_option
def current() -> None:
    """Show the version of the schema."""
    engine = open_engine(load_settings().database_url.get_secret_value(), must_exist=True)
    found = current_revision(engine)
    newest = "the newest" if found == SCHEMA_REVISION else f"the newest is {SCHEMA_REVISION}: `tailguard db upgrade`"
    click.echo(f"Schema {found or 'none'}, {newest}.")
