"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from flows.settings import load_settings
from storage.engine import open_engine
from storage.schema import require_schema

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _set_database(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value is not None:
        # A flow reads its settings from the environment, wherever it runs.
        os.environ["TAILGUARD_DATABASE_URL"] = value


database_option: Decorator = click.option(
    "--database",
    metavar="URL",
    expose_value=False,
    callback=_set_database,
    help="Database, such as sqlite:///tailguard.db or postgresql+psycopg://user@host/name; by default "
    "TAILGUARD_DATABASE_URL.",
)
source_option: Decorator = click.option(
    "--source",
    type=click.Choice(["live", "files", "sample"]),
    help="Where market data come from, by default as configured: `live` asks Yahoo, Cboe and FRED, `files` reads "
    "--data-dir, `sample` is a simulated market.",
)
data_dir_option: Decorator = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Directory of recorded files, for the source `files`; by default TAILGUARD_DATA_DIR.",
)
rule_set_option: Decorator = click.option(
    "--rule-set",
    "rule_sets",
    multiple=True,
    metavar="NAME|FILE",
    help="Hedge of the report, in place of the configured ones; may be given several times.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


def existing_database() -> Engine:
    """The configured database, opened so that it cannot be changed; refused if it is not there or of another schema."""
    engine = open_engine(load_settings().database_url.get_secret_value(), read_only=True)
    require_schema(engine)
    return engine
