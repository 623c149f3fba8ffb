"""Sources by name."""

from __future__ import annotations

from pathlib import Path

from signals.errors import ConfigurationError
from tasks.clock import Clock
from tasks.sources.files import FilesSource
from tasks.sources.payload import Source

SOURCE_NAMES = ("files",)


def open_source(name: str, data_dir: Path | None, clock: Clock) -> Source:
    """The source of a name.

    Raises
    ------
    ConfigurationError
        When there is none of that name, or it lacks a setting.
    """
    if name != "files":
        raise ConfigurationError(
            "source", expected=f"one of {', '.join(SOURCE_NAMES)}", got=repr(name), do="Check --source."
        )
    if data_dir is None:
        raise ConfigurationError(
            "source files",
            expected="a directory of recorded files",
            got="no --data-dir",
            do="Name one with --data-dir or TAILGUARD_DATA_DIR.",
        )
    return FilesSource(data_dir, clock)
