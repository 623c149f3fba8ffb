"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from signals.errors import ConfigurationError


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """A file to write to, which appears under its name when everything is written.

    A symbolic link stays one: the file it leads to is written. What is no file, such as a pipe or a terminal, is
    written to as it is, as nothing in it can be lost.

    Raises
    ------
    ConfigurationError
        When it is there already and not to be replaced, or cannot be written.
    """
    try:
        # Of what a link leads to.
        there = path.stat().st_mode if path.exists() else None
        if there is not None and not stat.S_ISREG(there):
            with path.open("wb") as output:
                yield output
            return
        if there is not None and not replace:
            raise _taken(path)
        target = path.resolve()
        unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            with unfinished.open("xb") as output:
                yield output
                output.flush()
                os.fsync(output.fileno())
            if replace:
                unfinished.replace(target)
            else:
                _name(unfinished, target, path)
        finally:
            unfinished.unlink(missing_ok=True)
    except BrokenPipeError:
        raise  # the reader of a pipe has enough
    except OSError as error:
        raise ConfigurationError(
            f"file {path}", expected="one that can be written", got=str(error.strerror), do="Check --output."
        ) from error


def _name(unfinished: Path, target: Path, path: Path) -> None:
    """Give a file its name, unless another program was faster."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:
        # A file system without hard links.
        if target.exists():
            raise _taken(path) from None
        unfinished.replace(target)


def _taken(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"file {path}", expected="none of that name", got="one", do="Name another, or replace it with --force."
    )
