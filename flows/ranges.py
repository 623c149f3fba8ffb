"""What every work on a range of sessions shares: which of them, in which chunks, and how far it is. Without Prefect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

#: Sessions per transaction: what an interrupted backfill can lose.
CHUNK_SESSIONS = 250


class Mode(StrEnum):
    """Which sessions of a range are computed."""

    MISSING = "missing"
    RECOMPUTE = "recompute"


class Advance(Protocol):
    """Counts so many more sessions as done."""

    def __call__(self, count: int) -> None:
        """Count them."""


def chunks(sessions: Sequence[dt.date]) -> Iterator[Sequence[dt.date]]:
    """The sessions of each transaction."""
    for first in range(0, len(sessions), CHUNK_SESSIONS):
        yield sessions[first : first + CHUNK_SESSIONS]


@contextmanager
def progress_bar(total: int) -> Iterator[Advance]:
    """A progress bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("backfill"), BarColumn(), MofNCompleteColumn(), TextColumn("sessions"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("backfill", total=total)
        yield lambda count: progress.update(task, advance=count)
