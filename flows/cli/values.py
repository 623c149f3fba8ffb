"""Values of rule sets on the terminal, by their dotted keys."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import click

from signals.alvh.keys import literal

_WIDTH = 80


def changed_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Keys with different values, and those that one of the two does not have."""
    return [key for key in {**one, **other} if key not in one or key not in other or one[key] != other[key]]


def print_changes(first: str, one: Mapping[str, Any], second: str, other: Mapping[str, Any]) -> None:
    """Print each changed key with both values."""
    changed, labels = changed_keys(one, other), max(len(first), len(second))
    for key in changed:
        click.echo(key)
        for label, values in ((first, one), (second, other)):
            click.echo(_value(f"  {label:<{labels}}  ", values, key))
    if not changed:
        click.echo("No difference.")


def print_values(values: Mapping[str, Any]) -> None:
    """Print each key with its value."""
    for key in values:
        click.echo(_value(f"  {key} = ", values, key))


def _value(label: str, values: Mapping[str, Any], key: str) -> str:
    text = literal(values[key]) if key in values else "absent"
    return textwrap.fill(
        text,
        max(_WIDTH, len(label) + 20),
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_on_hyphens=False,
        break_long_words=False,
    )
