"""Many sessions in a row, each with what goes wrong on it, and what has to be found in the end."""

from __future__ import annotations

import datetime as dt
import json
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any

from flows.rule_sets import rule_sets_named
from signals.calendar import TradingCalendar
from signals.veqtor.report import fingerprint
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.outbox import SENT, SUPERSEDED, UNCERTAIN
from tasks.compute import compute
from tasks.hedges import ReportHedges
from tasks.ingest import read_source
from tests.simulation import year
from tests.simulation.driver import Worker
from tests.simulation.findings import Found, check_whole, find
from tests.simulation.publishers import Plan, Publishers
from tests.simulation.receivers import Receivers
from tests.simulation.year import BRIEFLY_LOCKED, DISK_FULL, KILLED, LOCKED, Attempt, Day, plan_at

MARKET_SEED = 20051237
NOTIONAL = 1_000_000.0

#: Sessions that are there before the first one that is simulated.
_BEFORE = 3

#: Still before the deadline.
_ONCE_MORE = dt.timedelta(minutes=50)

#: The sessions each run reads again.
_AGAIN = 10

#: The signal is out. The last is said on the evening of a day without a session.
_OUT = ("Emitted", "Revised", "AlreadyEmitted", "Skipped")


@dataclass
class Seen:
    """What a run may have stored: the faults it saw, and whether it came to its end."""

    session: dt.date
    active: frozenset[Any]
    sure: bool


@dataclass
class Summary:
    """What happened.

    Attributes
    ----------
    runs, faults, states, ended : counts
    memory : list of int
        Of the long-lived process, after each run, bytes.
    seen : list of Seen
        Runs that got as far as to store reports, or may have.
    failed : set of session
        Sessions that were FAILED at their deadline.
    """

    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    failed: set[dt.date] = field(default_factory=set)


@dataclass
class LongRun:
    """The sessions, and where they are played."""

    directory: Path
    run_in: Worker
    receivers: Receivers
    calendar: TradingCalendar
    days: list[Day]
    hedges: str
    summary: Summary = field(default_factory=Summary)
    progress: Callable[[int], None] | None = None

    @property
    def database(self) -> Path:
        return self.directory / "tailguard.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.database}"

    def play(self) -> None:
        """Every session, attempt by attempt."""
        first = self.days[0].session
        before = self.calendar.sessions_in(first - dt.timedelta(days=20), first)[:-1].tolist()
        self._backfill(before[-_BEFORE:], first - dt.timedelta(days=1), Plan(str(before[-1])), whole=True)
        owed: list[Day] = []
        for number, day in enumerate(self.days):
            known = self.days[max(0, number - 60) : number + 1]
            out = False
            for at, attempt in enumerate(day.attempts):
                if out and at != day.extra:
                    continue
                state = self._attempt(day, attempt, known)
                out = out or state in _OUT
                for late in [item for item in owed if item.complete_at <= attempt.instant and state in _OUT]:
                    self._check_failed(late)
                    plan = plan_at(known, attempt.instant, day.session)
                    self._backfill([late.session], attempt.instant, plan)
                    owed.remove(late)
            assert out == day.in_time, (day, out)
            if self.progress:
                self.progress(number + 1)
            if not out:
                owed.append(day)
                self.summary.failed.add(day.session)
        # A message that was turned away by the last run has another one.
        self._attempt(day, Attempt(day.attempts[-1].instant + _ONCE_MORE), known)

    def _check_failed(self, day: Day) -> None:
        """Before somebody records it, a session that missed its deadline has FAILED."""
        outcomes = dict(find(self.url, values=False).outcomes)
        assert outcomes[day.session] == "FAILED", (day.session, outcomes[day.session])

    def _settings(self, clock: dt.datetime, url: str = "") -> dict[str, str]:
        return {
            **self.receivers.settings,
            "TAILGUARD_SOURCE": "sample",
            "TAILGUARD_NOTIFY_SIMULATED": "true",
            "TAILGUARD_DATABASE_URL": url or self.url,
            "TAILGUARD_HEDGES": self.hedges,
            "TAILGUARD_CLOCK": clock.isoformat(),
        }

    def _attempt(self, day: Day, attempt: Attempt, known: list[Day]) -> str:
        summary, server = self.summary, self.receivers
        settings = self._settings(attempt.instant)
        more: dict[str, Any] = {"fork": False}
        server.behave()
        match attempt.delivery:
            case year.SMTP_DOWN:
                settings["TAILGUARD_SMTP_PORT"] = str(_nobody_listens())
            case year.SMTP_LATER:
                server.mail_answer = "451 4.7.1 later"
            case year.SLACK_BUSY:
                server.post_status = 429
            case year.HANG_UP:
                server.hang_up = True
        if attempt.fault == KILLED:
            more = {"die_at": attempt.at}
        elif attempt.fault == DISK_FULL:
            more = {"largest_file": attempt.at}
        plan = plan_at(known, attempt.instant, day.session, attempt)
        with _held(self.database, attempt.fault):
            reply = self.run_in(
                "daily", settings, seed=MARKET_SEED, plan=plan.document(), whole=False, started=_ignore, **more
            )
        summary.runs += 1
        summary.memory.append(self.run_in.memory)
        summary.states[reply.get("state", reply["ended"])] += 1
        disturbed = reply["ended"] != "well"
        if attempt.fault == BRIEFLY_LOCKED or (attempt.fault and disturbed):
            summary.faults[attempt.fault] += 1
        assert attempt.fault not in (None, BRIEFLY_LOCKED) or not disturbed, (day.session, attempt, reply)
        if attempt.delivery and reply.get("state") == "Emitted":
            summary.faults[attempt.delivery] += 1
        if attempt.fault and disturbed:
            check_whole(self.url, day.session - dt.timedelta(days=16))
        complete = attempt.instant >= day.complete_at
        state: str = reply.get("state", "")
        assert not complete or disturbed or state in _OUT, (day.session, attempt, reply)
        assert complete or state not in _OUT, (day.session, attempt, reply)
        assert state != "Skipped" or not self.calendar.is_session(attempt.instant.date()), (day.session, attempt, reply)
        if complete and attempt.fault != LOCKED:
            summary.seen.append(Seen(day.session, _active(plan), not disturbed))
        return state

    def _backfill(
        self,
        sessions: list[dt.date],
        clock: dt.datetime | dt.date,
        plan: Plan,
        *,
        mode: str = "missing",
        url: str = "",
        whole: bool = False,
    ) -> None:
        if not isinstance(clock, dt.datetime):
            clock = self.calendar.close_time(sessions[-1]) + dt.timedelta(hours=3)
        reply = self.run_in(
            "backfill",
            self._settings(clock, url),
            fork=False,
            seed=MARKET_SEED,
            plan=plan.document(),
            whole=whole,
            parameters={"start": str(sessions[0]), "end": str(sessions[-1]), "mode": mode},
        )
        assert reply["ended"] == "well", reply

    def finish(self) -> Found:
        """Apply what was corrected too late for any run to read it again, and return what there is."""
        sessions = [day.session for day in self.days]
        after = self.days[-1].attempts[-1].instant + dt.timedelta(hours=1)
        self._backfill(sessions, after, Plan(str(sessions[-1])), mode="recompute", whole=True)
        self.summary.seen.append(Seen(dt.date.max, frozenset(), True))
        check_whole(self.url)
        return find(self.url, values=False)

    def fault_free(self) -> Found:
        """The same sessions without a fault, in a database of their own."""
        url = f"sqlite:///{self.directory / 'fault-free.db'}"
        sessions = [day.session for day in self.days]
        after = self.days[-1].attempts[-1].instant + dt.timedelta(hours=1)
        self._backfill(sessions, after, Plan(str(sessions[-1])), url=url, whole=True)
        return find(url, values=False)


def _ignore(_child: int) -> None:
    """Nobody waits for it."""


def _active(plan: Plan) -> frozenset[Any]:
    """The faults that a report may show."""
    return frozenset([*plan.hidden, *plan.wrong])


def _nobody_listens() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def _held(database: Path, fault: str | None) -> Iterator[None]:
    """Hold the lock of the database, for the whole run or for a moment."""
    if fault not in (LOCKED, BRIEFLY_LOCKED):
        yield
        return
    holder = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = Timer(0.2, holder.rollback)
    if fault == BRIEFLY_LOCKED:
        release.start()
    yield
    if fault == BRIEFLY_LOCKED:
        release.join()
    holder.close()


class Oracle:
    """What a report says where some values are wrong or missing, straight from the data."""

    def __init__(self, calendar: TradingCalendar, through: dt.date, hedges: str = "") -> None:
        self._calendar = calendar
        self._through = through
        self._rule_sets = rule_sets_named([hedges] if hedges else [])
        self._known: dict[frozenset[Any], tuple[VeqtorSignals, ReportHedges]] = {}

    def says(self, session: dt.date, active: frozenset[Any]) -> str:
        """The fingerprint of a report."""
        seen = frozenset(item for item in active if item[1] <= str(session))
        if seen not in self._known:
            hidden = [item for item in seen if len(item) == 2]
            plan = Plan(str(self._through), hidden, [item for item in seen if len(item) == 3])
            instant = dt.datetime.combine(self._through, dt.time(23, 59), dt.UTC) + dt.timedelta(days=1)
            data, _ = read_source(Publishers(MARKET_SEED, plan, lambda: instant, self._calendar, whole=True))
            signals = compute(data, self._calendar, self._through)
            self._known[seen] = signals, ReportHedges(signals, self._rule_sets, NOTIONAL)
        signals, hedges = self._known[seen]
        return fingerprint(hedges.added_to(signal_report(signals, session, NOTIONAL, {})))


def revisions_due(run: LongRun, session: dt.date, oracle: Oracle) -> tuple[int, int]:
    """How many revisions a session may have at least and at most: one for each time it says something else."""
    window = run.calendar.sessions_in(session, session + dt.timedelta(days=40))[: _AGAIN + 1].tolist()
    counted = []
    for doubtful in (False, True):
        seen = [
            item
            for item in run.summary.seen
            if (item.session in window or item.session == dt.date.max) and (item.sure or doubtful)
        ]
        prints = [oracle.says(session, item.active) for item in seen]
        counted.append(1 + sum(one != other for one, other in pairwise(prints)))
    return counted[0], counted[1]


def without_provenance(document: str) -> Any:
    """A report without the keys of the files its inputs were read from, and without what the one before had told.

    Of a book that is corrected after weeks, the first report that is read again says that the one before it left
    something else; a recompute of all of them later changes no figure of it.
    """
    found = json.loads(document)
    for item in found["inputs"]:
        del item["payload"]
    for hedge in found["hedges"]:
        hedge["changes"] = [said for said in hedge["changes"] if "where the last report left" not in said]
    return found


def asked(document: str) -> Any:
    """What a report asks its reader to do."""
    found = json.loads(document)
    layers = [
        (hedge["rule_set"], hedge["unavailable"] is None, layer["layer"], layer["action"], _package(layer["target"]))
        for hedge in found["hedges"]
        for layer in hedge["layers"]
    ]
    return found["target"], found["effective_session"], layers


def _package(target: dict[str, Any] | None) -> Any:
    if target is None:
        return None
    legs = [(leg["instrument"], leg["strike"], leg["ratio"]) for leg in target["legs"]]
    return target["expiry"], round(target["contracts"]), legs


#: States a message may be in when everything is over.
SETTLED = (SENT, UNCERTAIN, SUPERSEDED)
