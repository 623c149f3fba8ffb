"""Settings whose value is kept in a Secret block of Prefect, and asked for only when it is needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from signals.errors import ConfigurationError

#: What a value starts with that names a block.
SCHEME = "prefect-secret:"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class PrefectSecret(SecretStr):
    """A secret that a Secret block of Prefect holds.

    Parameters
    ----------
    reference : str
        ``prefect-secret:`` and the name of the block.
    setting : str
        Which it is the value of.
    check : callable
        Raises ValueError, with what is expected, for a value the setting does not take.
    """

    def __init__(self, reference: str, setting: str, check: Callable[[str], None]) -> None:
        name = reference.removeprefix(SCHEME)
        if not _NAME.fullmatch(name):
            raise ValueError(f"{SCHEME} and the name of a block, in small letters, digits and hyphens")
        super().__init__(reference)
        self._block, self._setting, self._check = name, setting, check

    @property
    def reference(self) -> str:
        """How the block is named in the settings; no secret."""
        return f"{SCHEME}{self._block}"

    def get_secret_value(self) -> str:
        """The value, asked for anew each time: a block may be changed.

        Raises
        ------
        ConfigurationError
            When Prefect does not answer, has no such block, or its value is not one the setting takes.
        """
        value = _block_value(self._block, self._setting)
        try:
            self._check(value)
        except ValueError as error:
            raise _unusable(self._setting, self._block, str(error), "something else in it") from None
        return value


def _block_value(name: str, setting: str) -> str:
    # Prefect takes two seconds to import, and most settings name no block.
    from prefect.blocks.system import Secret

    try:
        block: Any = Secret.load(name)
    except ValueError:
        raise _unusable(setting, name, "a value", "no such block") from None
    except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises, there is no value
        raise _unusable(setting, name, "Prefect to answer", type(error).__name__) from None
    # Not its get(), which reads text that looks like JSON as JSON.
    value = block.value.get_secret_value()
    if not isinstance(value, str):
        raise _unusable(setting, name, "text", "something else in it")
    return value


def _unusable(setting: str, block: str, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"setting {setting}, Prefect's Secret block {block}",
        expected=expected,
        got=got,
        do="Check PREFECT_API_URL, and the block on the server's page; docs/security.md says how to make one.",
    )
