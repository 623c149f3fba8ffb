"""Where settings come from besides the environment, and the words for one that is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, TomlConfigSettingsSource

from signals.errors import ConfigurationError

PREFIX = "TAILGUARD_"

ENVIRONMENT = "environment"
DOT_ENV = ".env"
TOML_FILE = "tailguard.toml"
DEFAULT = "default"


class OwnDotEnv(DotEnvSettingsSource):
    """``.env`` without the settings of other programs, which often share the file."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_file=DOT_ENV)

    def __call__(self) -> dict[str, Any]:
        """The lines that are ours, or that claim to be."""
        known: Container[str] = self.settings_cls.model_fields
        return {
            name: value
            for name, value in super().__call__().items()
            if name in known or name.upper().startswith(PREFIX)
        }

    def _read_env_file(self, file_path: Path) -> Mapping[str, str | None]:
        try:
            return super()._read_env_file(file_path)
        except (OSError, ValueError) as error:
            raise _unreadable(DOT_ENV, "a text file of NAME=value lines", error) from error


class Toml(TomlConfigSettingsSource):
    """``tailguard.toml``."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            return super()._read_file(file_path)
        except (OSError, ValueError) as error:
            raise _unreadable(TOML_FILE, "a TOML file", error) from error


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def wrong(error: ValidationError, names: Iterable[str]) -> ConfigurationError:
    """The first setting that is wrong; its value is not shown, as it may be a secret.

    Parameters
    ----------
    names : iterable of str
        The settings there are.
    """
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0] if first["loc"] else first["ctx"]["setting"])
    if first["type"] == "extra_forbidden":
        return unknown(name.lower().removeprefix(PREFIX.lower()), names)
    # A type of settings_values says what is expected; pydantic: "Input should be a valid integer, unable to ...".
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    expected = re.sub(r"^(greater|less) than", r"a number \1 than", expected)
    expected = re.sub(r"^(a valid [^,]+), (.+)", r"\1 (\2)", expected)
    return ConfigurationError(f"setting {name}", expected=expected, got="something else", do=_where(name))


def contradiction(name: str, expected: str) -> PydanticCustomError:
    """The error of a model's validator: a setting that does not go with the others, and what it may be."""
    return PydanticCustomError("contradiction", "{expected}", {"setting": name, "expected": expected})


def unknown(name: str, names: Iterable[str]) -> ConfigurationError:
    """A setting that does not exist, with the one that may have been meant."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return ConfigurationError(
        f"setting {name}",
        expected=f"{close[0]}, perhaps" if close else "a setting that exists",
        got="an unknown name",
        do=_where(name),
    )


def _where(name: str) -> str:
    if name == "database_url":
        return f"Check --database, {variable(name)} in the environment and in {DOT_ENV}, and {name} in {TOML_FILE}."
    return f"Check {variable(name)} in the environment and in {DOT_ENV}, and {name} in {TOML_FILE}."


def _unreadable(file: str, expected: str, error: OSError | ValueError) -> ConfigurationError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return ConfigurationError(
        f"{file} in the working directory", expected=expected, got=str(reason), do="Mend or remove it."
    )
