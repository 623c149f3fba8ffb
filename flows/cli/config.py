"""``config show`` and ``config reference``: the settings in force, and what each one means."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from flows.cli.manual import manual
from flows.cli.options import json_option
from flows.prefect_secrets import PrefectSecret
from flows.settings import Settings, load_settings, origins
from flows.settings_docs import grouped_settings, plain, reference
from flows.settings_sources import DEFAULT, DOT_ENV, TOML_FILE, variable
from storage.engine import shown

MASK = "********"
_WIDTH = 80
_UNSET: tuple[Any, ...] = (None, "", [])


@click.group()
def config() -> None:
    """Look at the settings.

    Settings come from the environment (TAILGUARD_ and a name in capitals), then from .env, then from tailguard.toml in
    the working directory, then from their defaults. `tailguard init` writes a file to start from.
    """


@config.command(
    epilog=manual(
        "tailguard config show",
        "tailguard config show --json",
        "TAILGUARD_SOURCE=sample tailguard config show",
        exit_codes="0 shown, 2 a setting has a wrong name or value",
    )
)
@json_option
def show(as_json: bool) -> None:
    """Show the settings in force, and where each one comes from.

    Secrets are masked, and a database address is shown without password and options: the output can be shown to
    somebody else.
    """
    settings = load_settings()
    found = origins()
    if as_json:
        click.echo(json.dumps(_document(settings, found), indent=2))
    else:
        click.echo(_table(settings, found))


@config.command("reference", epilog=manual("tailguard config reference | less"))
def print_reference() -> None:
    """Print what every setting means, as Markdown.

    It is docs/configuration.md of this version: each setting with its environment variable, the values it takes, its
    default and its meaning. It shows nothing of this installation.
    """
    click.echo(reference(), nl=False)


def _document(settings: Settings, found: dict[str, str]) -> dict[str, Any]:
    return {
        name: {
            "value": _masked(name, getattr(settings, name)),
            "origin": found.get(name, DEFAULT),
            "variable": variable(name),
        }
        for name in Settings.model_fields
    }


def _table(settings: Settings, found: dict[str, str]) -> str:
    names = max(map(len, Settings.model_fields))
    values = _WIDTH - names - len(TOML_FILE) - 6
    lines: list[str] = []
    for group, members in grouped_settings():
        lines += ["", group] if lines else [group]
        for setting in members:
            text = _text(_masked(setting.name, getattr(settings, setting.name)))
            first, *more = textwrap.wrap(text, values, break_on_hyphens=False) or [""]
            lines.append(f"  {setting.name:<{names}}  {first:<{values}}  {found.get(setting.name, DEFAULT)}")
            lines += [f"  {'':<{names}}  {line}" for line in more]
    read = [f"{file}, {'read' if Path(file).is_file() else 'not there'}" for file in (DOT_ENV, TOML_FILE)]
    lines += ["", f"Files in the working directory: {'; '.join(read)}."]
    return "\n".join(lines)


def _masked(name: str, value: object) -> Any:
    """A value that anybody may see: a secret masked, or None where it is not set."""
    if not isinstance(value, SecretStr):
        return plain(value)
    if isinstance(value, PrefectSecret):
        return value.reference
    secret = value.get_secret_value()
    if name == "database_url":
        return _masked_database(secret)
    return MASK if secret else None


def _masked_database(url: str) -> str:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return MASK
    # What follows the first @ of a password would be shown as a part of the host.
    return MASK if "@" in (parsed.host or "") else shown(parsed)


def _text(value: Any) -> str:
    if value in _UNSET:
        return "not set"
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
