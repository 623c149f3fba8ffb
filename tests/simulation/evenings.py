"""Evenings to be interrupted: what is stored before, what the run has to do, and when it is started again."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from signals.zones import NEW_YORK
from tests.market_files import write_market
from tests.simulation.driver import Worker
from tests.simulation.receivers import Receivers

#: The evening of a Monday; the session before, and the one after it.
BEFORE, SESSION, AFTER = dt.date(2006, 4, 7), dt.date(2006, 4, 10), dt.date(2006, 4, 11)

#: Files that hold the S&P 500 or something that moves with it.
_SPX_FILES = ("yahoo/GSPC.csv", "yahoo/SP500TR.csv", "yahoo/SPY.csv", "cboe/index/SPX_History.csv")

#: What the close of the session is multiplied by where it is wrong.
_WRONG = 0.93


def at(day: dt.date, clock: str) -> dt.datetime:
    """An instant in New York."""
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), NEW_YORK)


@dataclass(frozen=True)
class Evening:
    """A run that is to be killed.

    Attributes
    ----------
    name : str
        For readers of docs/reliability.md.
    prepare : callable
        Makes the database as the run finds it.
    market : str
        The directory it reads.
    starts : datetime.datetime
    again : tuple of datetime.datetime
        When it is started again: a minute later, while what it had claimed is still its own, and by the schedule.
    """

    name: str
    prepare: Callable[[Stage], None]
    market: str
    starts: dt.datetime
    again: tuple[dt.datetime, ...]


@dataclass(frozen=True)
class Stage:
    """Where an evening is played.

    Attributes
    ----------
    directory : Path
        With the markets.
    url : str
        Of the database.
    """

    directory: Path
    url: str
    run_in: Worker
    receivers: Receivers

    def settings(self, market: str, clock: dt.datetime) -> dict[str, str]:
        """The settings of a run."""
        return {
            **self.receivers.settings,
            "TAILGUARD_SOURCE": "files",
            "TAILGUARD_DATA_DIR": str(self.directory / market),
            "TAILGUARD_DATABASE_URL": self.url,
            "TAILGUARD_HEDGES": "alvh-seed",
            "TAILGUARD_CLOCK": clock.isoformat(),
        }

    def run(self, market: str, clock: dt.datetime, expected: str) -> None:
        """A run that ends as expected."""
        reply = self.run_in("daily", self.settings(market, clock))
        assert reply.get("state") == expected, reply


def write_markets(directory: Path) -> None:
    """Markets that end with the session and with the one before, and one with a wrong close on the session."""
    write_market(directory / "before", BEFORE)
    write_market(directory / "complete", SESSION)
    shutil.copytree(directory / "complete", directory / "wrong")
    for name in _SPX_FILES:
        path = directory / "wrong" / name
        *lines, last = path.read_text().splitlines()
        day, *cells = last.split(",")
        cells = [f"{float(cell) * _WRONG:.6f}" if cell else "" for cell in cells]
        path.write_text("\n".join([*lines, ",".join([day, *cells])]) + "\n")


def _nothing(_stage: Stage) -> None:
    """An empty database."""


def _one_report(stage: Stage) -> None:
    stage.run("before", at(BEFORE, "18:45"), "Emitted")


def _a_wrong_report(stage: Stage) -> None:
    """The report of a wrong close is out in Slack, and its mails wait."""
    _one_report(stage)
    stage.receivers.mail_answer = "451 4.7.1 later"
    stage.run("wrong", at(SESSION, "18:45"), "Emitted")


def _waiting(stage: Stage) -> None:
    _one_report(stage)
    stage.run("before", at(AFTER, "13:30"), "AwaitingData")


EVENINGS = (
    Evening(
        "the first run, on an empty database",
        _nothing,
        "complete",
        at(SESSION, "18:45"),
        (at(SESSION, "18:46"), at(SESSION, "20:30")),
    ),
    Evening(
        "an evening like any other",
        _one_report,
        "complete",
        at(SESSION, "18:45"),
        (at(SESSION, "18:46"), at(SESSION, "20:30")),
    ),
    Evening(
        "a close is corrected, and the target with it",
        _a_wrong_report,
        "complete",
        at(SESSION, "20:30"),
        (at(SESSION, "20:31"), at(AFTER, "00:20")),
    ),
    Evening(
        "the last call for a session without data",
        _waiting,
        "before",
        at(AFTER, "14:30"),
        (at(AFTER, "14:31"), at(AFTER, "18:45")),
    ),
)


def spread(count: int, wanted: int) -> list[int]:
    """Some of `count` points, the first and the last among them, evenly spread."""
    return sorted(set(np.linspace(0, count - 1, min(count, wanted)).round().astype(int).tolist()))
