"""What every work on a range of sessions shares: which of them, in which chunks, and how far it is. Without Prefect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
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
    with _bar("backfill", "sessions") as progress:
        task = progress.add_task("", total=total)
        yield lambda count: progress.update(task, advance=count)


@contextmanager
def parts_bar(work: str) -> Iterator[Callable[[int, int], None]]:
    """The same for parts; it is told how many are done, of how many."""
    with _bar(work, "parts") as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _bar(work: str, unit: str) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn(work), BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
