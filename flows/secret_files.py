"""The files of the working directory that hold secrets, and whether others can read them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pydantic import SecretStr

from flows.cli.output import say
from flows.settings import Settings
from flows.settings_sources import DOT_ENV, TOML_FILE, OwnDotEnv, Toml
from flows.settings_values import is_secret
from tasks.doctor.permissions import exposed


def secrets_in_files() -> dict[Path, list[str]]:
    """The settings in each file that are secrets; a block of Prefect that is named there is none."""
    secret = [
        name
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    ]
    found = {}
    for file, source in ((DOT_ENV, OwnDotEnv(Settings)), (TOML_FILE, Toml(Settings))):
        values = {name: str(value) for name, value in source().items() if name in secret}
        if names := [name for name, value in values.items() if is_secret(name, value)]:
            found[Path(file)] = names
    return found


def warn_of_exposed_secrets() -> None:
    """Say on the terminal that others can read a file with secrets. The run goes on: a signal matters more."""
    for sentence in exposed(secrets_in_files()):
        say(f"Warning: {sentence} `tailguard doctor` says what to do.", err=True)
