"""Reports, their allocations and their hedge targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import Executable

from storage.models import Allocation, Base, HedgeTarget, Report


@dataclass(frozen=True)
class NewReport:
    """A report to store: its document as JSON, its lines of allocation, and those of its hedges."""

    session: dt.date
    rule_set: str
    rule_set_digest: str
    revision: int
    fingerprint: str
    document: str
    emitted_at: dt.datetime
    allocations: tuple[AllocationLine, ...]
    hedge_targets: tuple[HedgeTargetLine, ...] = ()


@dataclass(frozen=True)
class AllocationLine:
    """One instrument of a strategy's target. Weight is None for a futures contract, contracts for everything else."""

    strategy: str
    effective_session: dt.date
    instrument: str
    weight: float | None
    amount_usd: float
    contracts: float | None


@dataclass(frozen=True)
class HedgeTargetLine:
    """One contract of a layer of a hedge; a layer that holds nothing and buys nothing has one without an instrument.

    Contracts are fractional but for those called `rounded`, and negative where they are sold; `price` is the mark, in
    points of the underlying.
    """

    rule_set: str
    rule_set_digest: str
    layer: str
    leg: int
    effective_session: dt.date
    action: str
    hedge_state: str
    instrument: str | None
    expiry: dt.date | None
    strike: float | None
    ratio: int | None
    contracts_held: float
    contracts_target: float
    contracts_target_rounded: int
    price: float | None
    basis: str | None


@dataclass(frozen=True)
class StoredReport:
    """A report as stored."""

    id: int
    session: dt.date
    rule_set: str
    rule_set_digest: str
    revision: int
    fingerprint: str
    document: str
    emitted_at: dt.datetime


@dataclass(frozen=True)
class ReportHead:
    """A report without its document."""

    id: int
    session: dt.date
    rule_set: str
    rule_set_digest: str
    revision: int
    fingerprint: str
    emitted_at: dt.datetime


@dataclass(frozen=True)
class RuleSetUse:
    """In which sessions' reports a rule set was used."""

    rule_set: str
    rule_set_digest: str
    first: dt.date
    last: dt.date
    reports: int


@dataclass(frozen=True)
class StoredFingerprint:
    """Key, revision and fingerprint of a stored report."""

    id: int
    revision: int
    fingerprint: str


_COLUMNS = (
    Report.id,
    Report.session,
    Report.rule_set,
    Report.rule_set_digest,
    Report.revision,
    Report.fingerprint,
    Report.document,
    Report.emitted_at,
)

_HEAD = tuple(column for column in _COLUMNS if column is not Report.document)

#: What a report has in tables of their names.
_TABLES = (Allocation.__tablename__, HedgeTarget.__tablename__)


class ReportRepository:
    """Reports are added and read, never changed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, reports: Sequence[NewReport], run_id: int) -> list[int]:
        """Store reports with their allocations and hedge targets, and return their keys, in the same order.

        A revision that exists already breaks a constraint and with it the transaction.
        """
        if not reports:
            return []
        keys = self._session.scalars(
            insert(Report).returning(Report.id, sort_by_parameter_order=True),
            [
                {name: value for name, value in vars(report).items() if name not in _TABLES} | {"run_id": run_id}
                for report in reports
            ],
        ).all()
        for name in _TABLES:
            lines = [
                vars(line) | {"report_id": key}
                for key, report in zip(keys, reports, strict=True)
                for line in getattr(report, name)
            ]
            if lines:
                # Of the table, not of its class, which would part the rows by which of their columns are empty.
                self._session.execute(insert(Base.metadata.tables[name]), lines)
        return list(keys)

    def latest_in(self, start: dt.date, end: dt.date, rule_set_digest: str | None = None) -> Iterator[StoredReport]:
        """The newest revision of each session's report, by session; of every rule set unless one is named."""
        query = select(*_COLUMNS).where(Report.session.between(start, end)).order_by(Report.session, Report.revision)
        if rule_set_digest is not None:
            query = query.where(Report.rule_set_digest == rule_set_digest)
        newest: dict[tuple[dt.date, str], StoredReport] = {}
        for report in self._read(query):
            newest[report.session, report.rule_set_digest] = report
        return iter(newest.values())

    def stored(self, rule_set_digest: str, sessions: Iterable[dt.date]) -> dict[dt.date, StoredFingerprint]:
        """The newest revision of each of `sessions` that has a report, without its document."""
        wanted = sorted(sessions)
        if not wanted:
            return {}
        rows = self._session.execute(
            select(Report.session, Report.id, Report.revision, Report.fingerprint)
            .where(Report.rule_set_digest == rule_set_digest, Report.session.between(wanted[0], wanted[-1]))
            .order_by(Report.session, Report.revision)
        )
        found = {row.session: StoredFingerprint(row.id, row.revision, row.fingerprint) for row in rows}
        return {session: found[session] for session in wanted if session in found}

    def last_session_before(
        self, session: dt.date, rule_set_digest: str, *, as_of: dt.datetime | None = None
    ) -> dt.date | None:
        """The newest session before `session` that has a report; one out by an instant, if asked."""
        query = select(func.max(Report.session)).where(
            Report.rule_set_digest == rule_set_digest, Report.session < session
        )
        if as_of is not None:
            query = query.where(Report.emitted_at <= as_of)
        return self._session.scalar(query)

    def newest(
        self,
        rule_set: str,
        session: dt.date | None = None,
        revision: int | None = None,
        *,
        as_of: dt.datetime | None = None,
    ) -> StoredReport | None:
        """The newest report of a rule set's name; of one session, in one revision, or out by an instant, if asked."""
        query = select(*_COLUMNS).where(Report.rule_set == rule_set)
        if session is not None:
            query = query.where(Report.session == session)
        if revision is not None:
            query = query.where(Report.revision == revision)
        if as_of is not None:
            query = query.where(Report.emitted_at <= as_of)
        query = query.order_by(Report.session.desc(), Report.id.desc()).limit(1)
        return next(self._read(query), None)

    def heads(
        self,
        rule_set: str,
        *,
        first: dt.date | None = None,
        last: dt.date | None = None,
        as_of: dt.datetime | None = None,
        before: tuple[dt.date, int] | None = None,
        limit: int,
    ) -> list[ReportHead]:
        """Reports without their documents, newest first, each revision by itself; after the one that `before` names."""
        query = select(*_HEAD).where(Report.rule_set == rule_set)
        if first is not None:
            query = query.where(Report.session >= first)
        if last is not None:
            query = query.where(Report.session <= last)
        if as_of is not None:
            query = query.where(Report.emitted_at <= as_of)
        if before is not None:
            session, key = before
            query = query.where((Report.session < session) | ((Report.session == session) & (Report.id < key)))
        rows = self._session.execute(query.order_by(Report.session.desc(), Report.id.desc()).limit(limit))
        return [ReportHead(*row) for row in rows]

    def around(self, rule_set: str, session: dt.date) -> tuple[dt.date | None, dt.date | None]:
        """The nearest sessions before and after a day that have a report."""
        mine = Report.rule_set == rule_set
        before = self._session.scalar(select(func.max(Report.session)).where(mine, Report.session < session))
        after = self._session.scalar(select(func.min(Report.session)).where(mine, Report.session > session))
        return before, after

    def count(self) -> int:
        """How many there are, every revision counted."""
        return self._session.scalar(select(func.count(Report.id))) or 0

    def rule_set_uses(self) -> list[RuleSetUse]:
        """The rule sets of all reports and of their hedges, by name, the latest use first."""
        found = []
        for name, digest, query in (
            (Report.rule_set, Report.rule_set_digest, select()),
            (HedgeTarget.rule_set, HedgeTarget.rule_set_digest, select().join_from(HedgeTarget, Report)),
        ):
            sessions = func.min(Report.session), func.max(Report.session), func.count(Report.id.distinct())
            rows = self._session.execute(query.add_columns(name, digest, *sessions).group_by(name, digest))
            found += [RuleSetUse(*row) for row in rows]
        return sorted(found, key=lambda use: (use.rule_set, -use.last.toordinal(), use.rule_set_digest))

    def by_id(self, report_id: int) -> StoredReport:
        """The report with a key that exists."""
        return next(self._read(select(*_COLUMNS).where(Report.id == report_id)))

    def recent(self, limit: int, *, as_of: dt.datetime | None = None) -> list[StoredReport]:
        """The reports of the latest sessions, newest first, each revision by itself; or those out by an instant."""
        query = select(*_COLUMNS).order_by(Report.session.desc(), Report.id.desc()).limit(limit)
        if as_of is not None:
            query = query.where(Report.emitted_at <= as_of)
        return list(self._read(query))

    def _read(self, query: Executable) -> Iterator[StoredReport]:
        for row in self._session.execute(query):
            yield StoredReport(*row)
