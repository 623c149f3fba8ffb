"""Whether the service is alive, judged at an instant from what the last runs stored.

Light on purpose: it needs no calendar and no source. The next session, its first attempt and its deadline were worked
out by the last run and stored with it, so weekends, holidays, early closes and clock changes are in them already.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from signals.zones import NEW_YORK
from storage.outbox import FAILED as MESSAGE_FAILED
from storage.outbox import PENDING, UNCERTAIN
from storage.runs import AWAITING_DATA, FAILED, SKIPPED, NextRun, RunSummary, SessionOutcome
from storage.unit_of_work import UnitOfWork

#: Names of what can be wrong, the gravest first. They are also names of the health check's states.
NO_SIGNAL, NO_RUN, UNFINISHED, UNDELIVERED, STALE = "NoSignal", "NoRun", "Unfinished", "Undelivered", "Stale"
PROBLEMS = (NO_SIGNAL, NO_RUN, UNFINISHED, UNDELIVERED, STALE)

#: How late an attempt may begin: it may have to wait for the one before, which asks publishers again after minutes.
ATTEMPT_GRACE = dt.timedelta(minutes=30)

#: A daily run that has not ended after this was killed, or hangs.
LONGEST_RUN = dt.timedelta(hours=2)

#: One of another kind, which may have years of sessions to do.
LONGEST_BACKFILL = dt.timedelta(days=1)

#: Runs are retried and messages too: one that waits longer than this needs a person.
LONGEST_WAIT = dt.timedelta(hours=1)

#: The longest time without an attempt that the schedule has, from a Saturday morning to a Monday morning when the
#: clocks go back in between, and an hour for the run: what `--max-age` should not be below. A test measures it.
LONGEST_BREAK = dt.timedelta(hours=52)

#: The kind of run that the schedule brings.
_DAILY = "daily"

#: Sessions looked at: more than can be between two reports while somebody still answers alarms.
_LATEST = 10


@dataclass(frozen=True)
class Ledger:
    """What the last runs left behind.

    Attributes
    ----------
    last_ended : RunSummary or None
        The daily run that ended last, not counting those for a session asked for by date.
    expected : NextRun or None
        What the last run that was not for a session asked for by date expects next.
    unfinished : tuple of RunSummary
        Runs that have not ended.
    sessions : tuple of SessionOutcome
        The latest sessions, newest first.
    messages : mapping of state to count
    waiting_since : datetime.datetime or None
        When the oldest pending message was written.
    """

    last_ended: RunSummary | None
    expected: NextRun | None
    unfinished: tuple[RunSummary, ...]
    sessions: tuple[SessionOutcome, ...]
    messages: Mapping[str, int]
    waiting_since: dt.datetime | None


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, and what to do; `name` is one of `PROBLEMS`."""

    name: str
    text: str
    do: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}. {self.do}"


def read_ledger(engine: Engine) -> Ledger:
    """What there is to judge."""
    with UnitOfWork(engine) as work:
        scheduling = work.runs.latest(scheduling=True)
        messages = work.outbox.counts()
        pending = work.outbox.pending() if messages.get(PENDING) else []
        return Ledger(
            last_ended=work.runs.last_ended(_DAILY),
            expected=scheduling.next if scheduling else None,
            unfinished=tuple(work.runs.unfinished()),
            sessions=tuple(work.runs.outcomes(_LATEST)),
            messages=messages,
            waiting_since=min((message.created_at for message in pending), default=None),
        )


def problems(ledger: Ledger, now: dt.datetime, max_age: dt.timedelta | None = None) -> list[Problem]:
    """Everything that is wrong at an instant, the gravest first; nothing where no run was ever scheduled.

    Parameters
    ----------
    max_age : datetime.timedelta, optional
        How long ago the last daily run may have ended, for a check that trusts nothing else; not below
        `LONGEST_BREAK` for a service that runs as scheduled.
    """
    found = [*_no_signal(ledger, now), *_no_run(ledger, now), *_unfinished(ledger, now), *_undelivered(ledger, now)]
    return [*found, *(_stale(ledger, now, max_age) if max_age is not None else [])]


def _no_signal(ledger: Ledger, now: dt.datetime) -> list[Problem]:
    """Sessions whose deadline has passed: the last one that was worked on, and the one that is expected."""
    due = ledger.expected
    if due is None:
        return []
    last = next((item for item in ledger.sessions if item.outcome != SKIPPED), None)
    missing: dict[dt.date, str] = {}
    if last and last.outcome in (FAILED, AWAITING_DATA) and last.deadline_at and now >= last.deadline_at:
        missing[last.session] = f"session {last.session} has no report, and its deadline, {_said(last.deadline_at)}"
    there = {item.session for item in ledger.sessions if item.outcome not in (FAILED, AWAITING_DATA)}
    if now >= due.deadline_at and due.session not in there:
        missing[due.session] = f"session {due.session} has no report, and its deadline, {_said(due.deadline_at)}"
    return [
        Problem(
            NO_SIGNAL,
            f"{said}, has passed",
            f"`tailguard status` says why; `tailguard backfill --start {day} --end {day}` records it once its data are "
            "there.",
        )
        for day, said in sorted(missing.items())
    ]


def _no_run(ledger: Ledger, now: dt.datetime) -> list[Problem]:
    due = ledger.expected
    if due is None or now < due.attempt_at + ATTEMPT_GRACE:
        return []
    if any(run.kind == _DAILY and run.started_at >= due.attempt_at for run in ledger.unfinished):
        return []
    return [
        Problem(
            NO_RUN,
            f"the attempt at session {due.session} that was due {_said(due.attempt_at)} did not come; its deadline is "
            f"{_said(due.deadline_at)}",
            "See that the Prefect server and a worker run, and that daily-after-close is not paused; `tailguard run` "
            "works on the session now.",
        )
    ]


def _unfinished(ledger: Ledger, now: dt.datetime) -> list[Problem]:
    return [
        Problem(
            UNFINISHED,
            f"the {run.kind} run begun {_said(run.started_at)} has not ended",
            "It was killed, or hangs: look at its log and end its process. The next run takes up what it left.",
        )
        for run in ledger.unfinished
        if now - run.started_at > (LONGEST_RUN if run.kind == _DAILY else LONGEST_BACKFILL)
    ]


def _undelivered(ledger: Ledger, now: dt.datetime) -> list[Problem]:
    wrong = [f"{ledger.messages[state]} {state}" for state in (UNCERTAIN, MESSAGE_FAILED) if ledger.messages.get(state)]
    if ledger.waiting_since is not None and now - ledger.waiting_since > LONGEST_WAIT:
        wrong.append(f"{ledger.messages[PENDING]} {PENDING} since {_said(ledger.waiting_since)}")
    if not wrong:
        return []
    return [Problem(UNDELIVERED, f"messages: {', '.join(wrong)}", "`tailguard outbox list` shows them and why.")]


def _stale(ledger: Ledger, now: dt.datetime, max_age: dt.timedelta) -> list[Problem]:
    do = "See that the Prefect server and a worker run; `tailguard run` works on the last session that closed."
    last = ledger.last_ended
    if last is None or last.finished_at is None:
        return [Problem(STALE, "no daily run has ever ended", do)]
    if now - last.finished_at <= max_age:
        return []
    hours = (now - last.finished_at) / dt.timedelta(hours=1)
    return [Problem(STALE, f"the last daily run ended {_said(last.finished_at)}, {hours:.1f} hours ago", do)]


def _said(instant: dt.datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%a %Y-%m-%d %H:%M} New York"
