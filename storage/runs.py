"""The ledger of runs and of their outcomes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from storage.models import Outcome, Report, Run

EMITTED = "EMITTED"
REVISED = "REVISED"
ALREADY_EMITTED = "ALREADY_EMITTED"
SKIPPED = "SKIPPED"
AWAITING_DATA = "AWAITING_DATA"
FAILED = "FAILED"


@dataclass(frozen=True)
class SessionOutcome:
    """How a run ended for a session."""

    session: dt.date
    outcome: str
    detail: str
    next_attempt_at: dt.datetime | None = None
    deadline_at: dt.datetime | None = None


@dataclass(frozen=True)
class NextRun:
    """What is expected after a run: the session, when it is tried, and by when it must be there."""

    session: dt.date
    attempt_at: dt.datetime
    deadline_at: dt.datetime


@dataclass(frozen=True)
class RunSummary:
    """A run as the ledger has it."""

    id: int
    kind: str
    source: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    message: str | None
    next: NextRun | None


class RunRepository:
    """Runs are started, finished once, and read."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def start(self, kind: str, source: str, flow_run_id: str | None, at: dt.datetime) -> int:
        """Enter a run into the ledger and return its key."""
        row = Run(kind=kind, source=source, flow_run_id=flow_run_id, started_at=at)
        self._session.add(row)
        self._session.flush()
        return row.id

    def record(self, run_id: int, outcomes: Sequence[SessionOutcome], at: dt.datetime) -> None:
        """Enter how the run ended for some sessions."""
        rows = [vars(outcome) | {"run_id": run_id, "recorded_at": at} for outcome in outcomes]
        if rows:
            self._session.execute(insert(Outcome), rows)

    def finish(self, run_id: int, at: dt.datetime, message: str, expected: NextRun | None = None) -> None:
        """Close a run, saying how it ended and what comes next."""
        row = self._session.get_one(Run, run_id)
        row.finished_at, row.message = at, message
        if expected is not None:
            row.next_session = expected.session
            row.next_attempt_at, row.next_deadline_at = expected.attempt_at, expected.deadline_at

    def sessions_with(self, outcome: str, since: dt.date) -> set[dt.date]:
        """Sessions from `since` on for which some run ended with an outcome."""
        return set(
            self._session.scalars(select(Outcome.session).where(Outcome.outcome == outcome, Outcome.session >= since))
        )

    def scheduled_since(self) -> dt.date | None:
        """The first session that any run expected a later one to work on; None if none ever did."""
        return self._session.scalar(select(func.min(Run.next_session)))

    def last_outcome_id(self) -> int:
        """The key of the newest outcome; 0 without any."""
        return self._session.scalar(select(func.max(Outcome.id))) or 0

    def has_outcome(self, run_id: int, session: dt.date) -> bool:
        """Whether a run has said how it ended for a session."""
        found = self._session.scalar(
            select(func.count()).select_from(Outcome).where(Outcome.run_id == run_id, Outcome.session == session)
        )
        return bool(found)

    def latest(self, *, scheduling: bool = False) -> RunSummary | None:
        """The run that was started last; the last one that said what comes next, if asked for."""
        query = select(Run).order_by(Run.id.desc()).limit(1)
        if scheduling:
            query = query.where(Run.next_session.is_not(None))
        row = self._session.scalars(query).one_or_none()
        return None if row is None else _summary(row)

    def last_ended(self, kind: str) -> RunSummary | None:
        """The run of a kind that ended last, of those that said what comes next."""
        query = select(Run).where(Run.kind == kind, Run.finished_at.is_not(None), Run.next_session.is_not(None))
        row = self._session.scalars(query.order_by(Run.finished_at.desc(), Run.id.desc()).limit(1)).one_or_none()
        return None if row is None else _summary(row)

    def unfinished(self) -> list[RunSummary]:
        """Runs that have not ended, oldest first; not those after which one of their kind was started and has ended."""
        later = aliased(Run)
        overtaken = exists().where(later.kind == Run.kind, later.id > Run.id, later.finished_at.is_not(None))
        query = select(Run).where(Run.finished_at.is_(None), ~overtaken).order_by(Run.id)
        return [_summary(row) for row in self._session.scalars(query)]

    def extent(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last session that has a report or an outcome; None without any."""
        found = [
            self._session.execute(select(func.min(column), func.max(column))).one()
            for column in (Report.session, Outcome.session)
        ]
        known = [row for row in found if row[0] is not None]
        return (min(row[0] for row in known), max(row[1] for row in known)) if known else None

    def outcomes(
        self, limit: int, *, first: dt.date | None = None, last: dt.date | None = None
    ) -> list[SessionOutcome]:
        """The one outcome of each of the latest sessions, or of the latest of a range, newest first.

        A session with a report is EMITTED, or REVISED if it has several; one without is as its last run left it.
        """
        reports = {
            row.session: row
            for row in self._session.execute(
                select(Report.session, func.max(Report.revision).label("revision"), func.max(Report.emitted_at))
                .where(*_within(Report.session, first, last))
                .group_by(Report.session)
                .order_by(Report.session.desc())
                .limit(limit)
            )
        }
        last_id = select(func.max(Outcome.id)).where(*_within(Outcome.session, first, last))
        last_id = last_id.group_by(Outcome.session).order_by(Outcome.session.desc()).limit(limit)
        left = {row.session: row for row in self._session.scalars(select(Outcome).where(Outcome.id.in_(last_id)))}
        found = []
        for session in sorted(reports.keys() | left.keys(), reverse=True)[:limit]:
            if session in reports:
                revision = reports[session].revision
                outcome = EMITTED if revision == 1 else REVISED
                found.append(SessionOutcome(session, outcome, f"revision {revision}"))
            else:
                row = left[session]
                found.append(SessionOutcome(session, row.outcome, row.detail, row.next_attempt_at, row.deadline_at))
        return found


def _within(
    column: InstrumentedAttribute[dt.date], first: dt.date | None, last: dt.date | None
) -> list[ColumnElement[bool]]:
    return [*([column >= first] if first else []), *([column <= last] if last else [])]


def _summary(row: Run) -> RunSummary:
    expected = None
    if row.next_session and row.next_attempt_at and row.next_deadline_at:
        expected = NextRun(row.next_session, row.next_attempt_at, row.next_deadline_at)
    return RunSummary(row.id, row.kind, row.source, row.started_at, row.finished_at, row.message, expected)
