"""Races: processes that do the same, or touch the same sessions, at the same instant."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage.outbox import SENT
from storage.runs import ALREADY_EMITTED, EMITTED
from tests.conftest import ROOT
from tests.market_files import SESSIONS, mend_close, write_market
from tests.simulation.findings import check_whole, find
from tests.simulation.receivers import Receivers

#: What a race is about: its title in the table of results.
FIRST_RUN = "the first run of all, on a database without tables"
SAME_SESSION = "the same new session"
WITH_BACKFILL = "a new session, and a backfill over it"
REVISION = "a session, of whose inputs one has changed, and a recompute over it"
TWO_BACKFILLS = "two backfills over ranges that overlap"

Answer = dict[str, Any]


@dataclass
class Tally:
    """What came of the races of one kind."""

    races: int = 0
    processes: int = 0
    reports: int = 0
    messages: int = 0


@dataclass
class Track:
    """One database, on which races are run session by session, and what must come of them.

    Attributes
    ----------
    revisions : Counter of session
        How many revisions of each session's report there must be.
    told : int
        How many sessions recipients must have been told of.
    mended : list of session
        Of which the publisher has mended the last digits of a close.
    """

    zygote: subprocess.Popen[str]
    url: str
    market: Path
    receivers: Receivers
    row: int
    revisions: Counter[dt.date] = field(default_factory=Counter)
    told: int = 0
    mended: list[dt.date] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def session(self) -> dt.date:
        """The last session that the market has."""
        return SESSIONS[self.row]

    def next_session(self) -> None:
        """Let a day pass."""
        self.row += 1
        self._publish()

    def _publish(self) -> None:
        write_market(self.market, self.session)
        for session in self.mended:
            mend_close(self.market, session, 0.01)

    def first_run(self, processes: int) -> None:
        self._publish()
        self._expect({self.session: 1}, told=1)
        answers = self._race(FIRST_RUN, [self._daily()] * processes)
        self._one_emitted(answers)

    def same_session(self, processes: int) -> None:
        self.next_session()
        self._expect({self.session: 1}, told=1)
        self._one_emitted(self._race(SAME_SESSION, [self._daily()] * processes))

    def with_backfill(self, back: int) -> None:
        """The backfill starts where there are no reports yet, which is before the window that runs read again."""
        self.next_session()
        days = SESSIONS[self.row - back : self.row + 1]
        self._expect({day: 1 for day in days if day not in self.revisions}, told=1)
        answers = self._race(WITH_BACKFILL, [self._daily(), self._backfill(days[0], days[-1])])
        counts = Counter(outcome for answer in answers for outcome in answer["outcomes"])
        assert counts[EMITTED] == sum(day not in self._before for day in days), answers

    def revision(self, back: int) -> None:
        """A recompute of the session whose input changed meets the run of the next one."""
        changed = self.session
        self.mended.append(changed)
        self.next_session()
        self._expect({changed: 1, self.session: 1}, told=1)
        self._race(REVISION, [self._daily(), self._backfill(SESSIONS[self.row - back], changed, mode="recompute")])

    def two_backfills(self, length: int, apart: int) -> None:
        last = min(self.revisions)
        end = SESSIONS.index(last)
        one, other = SESSIONS[end - length - apart : end - apart], SESSIONS[end - length : end]
        self._expect(dict.fromkeys({*one, *other}, 1), told=0)
        answers = self._race(TWO_BACKFILLS, [self._backfill(one[0], one[-1]), self._backfill(other[0], other[-1])])
        assert sum(Counter(answer["outcomes"])[EMITTED] for answer in answers) == len({*one, *other}), answers

    def _expect(self, new: dict[dt.date, int], told: int) -> None:
        self._before = Counter(self.revisions)
        self.revisions.update(new)
        self.told += told

    def _daily(self) -> dict[str, Any]:
        return {"flow": "daily", "parameters": {}}

    def _backfill(self, start: dt.date, end: dt.date, **more: str) -> dict[str, Any]:
        return {"flow": "backfill", "parameters": {"start": str(start), "end": str(end), **more}}

    def _race(self, what: str, orders: Sequence[dict[str, Any]]) -> list[Answer]:
        settings = self.receivers.settings | {
            "TAILGUARD_DATABASE_URL": self.url,
            "TAILGUARD_SOURCE": "files",
            "TAILGUARD_DATA_DIR": str(self.market),
            "TAILGUARD_CLOCK": f"{self.session}T18:45",
        }
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps([order | {"settings": settings} for order in orders]) + "\n")
        self.zygote.stdin.flush()
        answers: list[Answer] = json.loads(self.zygote.stdout.readline())
        for answer in answers:
            assert "error" not in answer, answer["error"]
            assert not answer["problems"], answer
        self._check()
        tally = self.tallies.setdefault(what, Tally())
        tally.races += 1
        tally.processes = max(tally.processes, len(orders))
        tally.reports += sum((self.revisions - self._before).values())
        tally.messages += sum(answer["sent"] for answer in answers)
        return answers

    def _check(self) -> None:
        check_whole(self.url)
        found = find(self.url, values=False)
        expected = {(day, revision) for day, count in self.revisions.items() for revision in range(1, count + 1)}
        assert set(found.reports) == expected
        # Two recipients of mail and a webhook; each message once, in the books and at the other end.
        assert Counter(found.messages.values()) == Counter({SENT: 3 * self.told})
        assert (len(self.receivers.mails), len(self.receivers.posts)) == (2 * self.told, self.told)
        assert self.receivers.doubles() == []

    def _one_emitted(self, answers: Sequence[Answer]) -> None:
        ended = Counter(answer["outcomes"][0] for answer in answers)
        assert ended == Counter({EMITTED: 1, ALREADY_EMITTED: len(answers) - 1}), answers


@contextmanager
def zygote() -> Iterator[subprocess.Popen[str]]:
    """A process that races others; see `tests.flows.race_worker`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TAILGUARD_", "PREFECT_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.flows.race_worker"],
        cwd=ROOT,
        env=environment | {"OPENBLAS_NUM_THREADS": "1", "PREFECT_LOGGING_LEVEL": "CRITICAL"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == '"ready"\n'
        yield process
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
