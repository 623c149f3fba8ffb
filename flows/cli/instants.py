"""Instants as people type and read them: New York time, unless they name another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import click

from signals.errors import ConfigurationError
from signals.zones import NEW_YORK

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_FORM = "New York time unless it names another; a day is its end."


def parse_instant(option: str, text: str) -> dt.datetime:
    """An instant in UTC; a day alone is its end, the last moment at which anything of it was known.

    Raises
    ------
    ConfigurationError
        When it is none.
    """
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            option,
            expected="an instant such as 2020-03-16T18:45, New York time unless it names another, or a day",
            got=repr(text),
            do=f"Check {option}.",
        ) from error
    if len(text) == len("yyyy-mm-dd"):
        instant = instant.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return (instant if instant.tzinfo else instant.replace(tzinfo=NEW_YORK)).astimezone(dt.UTC)


def new_york(instant: dt.datetime) -> str:
    """An instant for people."""
    return f"{instant.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York"


def _parsed(_: click.Context, __: click.Parameter, value: str | None) -> dt.datetime | None:
    return None if value is None else parse_instant("--as-of", value)


def as_of_option(what: str) -> Decorator:
    """The option ``--as-of``.

    Parameters
    ----------
    what : str
        What it does to the command, as a sentence.
    """
    option: Decorator = click.option("--as-of", "as_of", metavar="TIME", callback=_parsed, help=f"{what} {_FORM}")
    return option
