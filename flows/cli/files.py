"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from signals.errors import ConfigurationError


@contextmanager
def whole_file(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """A file to write to, which appears under its name when everything is written.

    Raises
    ------
    ConfigurationError
        When it is there already and not to be replaced, or cannot be written.
    """
    if path.exists() and not replace:
        raise ConfigurationError(
            f"file {path}", expected="none of that name", got="one", do="Name another, or replace it with --force."
        )
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        try:
            with unfinished.open("xb") as output:
                yield output
                output.flush()
                os.fsync(output.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"file {path}", expected="one that can be written", got=str(error.strerror), do="Check --output."
        ) from error
