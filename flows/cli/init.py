"""``init``: a settings file to start from."""

from __future__ import annotations

import json
import os
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import click

from flows.cli.manual import manual
from flows.settings_docs import DescribedSetting, grouped_settings
from flows.settings_sources import TOML_FILE, variable
from signals.errors import ConfigurationError

_HEADER = """\
## Settings of tailguard, read from the working directory.
##
## Each one stands here at its default, or with an example where it has none.
## Remove the # in front of what you change. The environment wins over .env, and
## .env over this file; `tailguard config show` prints what is in force.
"""


@click.command(
    epilog=manual(
        "tailguard init",
        "tailguard init --directory /srv/tailguard --force",
        exit_codes="0 written, 2 there already, or the directory cannot be written",
    )
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where to write it; by default the working directory, the only one settings are read from.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(directory: Path, force: bool) -> None:
    """Write a tailguard.toml in which every setting is explained.

    Every setting stands in it commented out, so that the file changes nothing until somebody edits it. Only its owner
    can read it, as it may come to hold a password. A file that is there is left alone without --force.
    """
    path = directory / TOML_FILE
    if os.path.lexists(path) and not force:
        raise ConfigurationError(
            f"file {path}", expected="none yet", got="one that exists", do="Replace it with --force, or edit it."
        )
    _write_private(path, settings_file())
    click.echo(f"Wrote {path}, every setting commented out at its default.")
    click.echo("Next: remove the # in front of what you change, keep passwords in .env or the")
    click.echo("environment, and look at the outcome with `tailguard config show`.")


def settings_file() -> str:
    """The content of a new tailguard.toml.

    Prose begins with two #, so that one can be taken from every line and the file is still valid.
    """
    lines = [_HEADER]
    for group, members in grouped_settings():
        lines += [f"## {group} ".ljust(80, "-"), ""]
        for setting in members:
            lines += [*_prose(setting), f"# {setting.name} = {_value(setting)}", ""]
    return "\n".join(lines)


def _prose(setting: DescribedSetting) -> list[str]:
    said = setting.description
    if setting.default in (None, []):
        said += " Not set by default."
    elif setting.example is not None and not setting.secret:
        said += f" For example {_toml(setting.example)}."
    if setting.secret:
        said += f" A secret: rather set {variable(setting.name)} in .env or the environment."
    if "`" in setting.takes and setting.takes != "`true` or `false`":
        said += f" One of {setting.takes}." if isinstance(setting.default, str) else f" Takes {setting.takes}."
    return textwrap.wrap(
        said, 80, initial_indent="## ", subsequent_indent="## ", break_long_words=False, break_on_hyphens=False
    )


def _value(setting: DescribedSetting) -> str:
    placeholder = setting.default in (None, []) or (setting.secret and not setting.default)
    return _toml(setting.example if placeholder else setting.default)


def _toml(value: Any) -> str:
    # JSON's texts, numbers, truths and lists are TOML's.
    return json.dumps(value, ensure_ascii=False)


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    try:
        # Only its owner can read a file that mkstemp makes.
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"directory {path.parent.resolve()}",
            expected="one that can be written",
            got=str(error.strerror),
            do="Name another with --directory, or give yourself permission to write to it.",
        ) from error
