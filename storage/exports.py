"""Reports by the thousand: which there are in a range, then their documents or rows, a batch at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.models import Allocation, Base, HedgeFigureRow, HedgeTarget, Report, SessionFigureRow
from storage.reports import StoredReport

#: How much is in memory at once: a document has about 25 kB.
_DOCUMENTS, _REPORTS = 100, 500

#: Table with rows of reports -> the columns that order the rows of one of them.
_ROWS = {
    SessionFigureRow.__tablename__: ("report_id",),
    HedgeFigureRow.__tablename__: ("hedge", "layer"),
    Allocation.__tablename__: ("id",),
    HedgeTarget.__tablename__: ("id",),
}


@dataclass(frozen=True)
class Span:
    """What is stored of a rule set: the first and the last session, and how many have a report."""

    first: dt.date
    last: dt.date
    sessions: int


class ExportRepository:
    """Reads whole ranges with bounded memory."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def span(self, rule_set: str) -> Span | None:
        """What is stored of a rule set's name; None if nothing is."""
        sessions = select(func.min(Report.session), func.max(Report.session), func.count(Report.session.distinct()))
        first, last, count = self._session.execute(sessions.where(Report.rule_set == rule_set)).one()
        return Span(first, last, count) if count else None

    def keys(
        self,
        rule_set: str,
        *,
        first: dt.date | None = None,
        last: dt.date | None = None,
        revision: int | None = None,
        all_revisions: bool = False,
        as_of: dt.datetime | None = None,
    ) -> list[int]:
        """Keys of the reports of a rule set's name in a range of sessions, by session and revision.

        The newest revision of each session, unless one or all are asked for; with `as_of`, of those emitted by then.
        """
        query = select(Report.session, Report.id).where(Report.rule_set == rule_set)
        query = query.order_by(Report.session, Report.id)
        if first is not None:
            query = query.where(Report.session >= first)
        if last is not None:
            query = query.where(Report.session <= last)
        if revision is not None:
            query = query.where(Report.revision == revision)
        if as_of is not None:
            query = query.where(Report.emitted_at <= as_of)
        found = [(row.session, row.id) for row in self._session.execute(query)]
        return [key for _, key in found] if all_revisions else list(dict(found).values())

    def reports(self, keys: Sequence[int]) -> Iterator[StoredReport]:
        """The reports with these keys, in their order."""
        columns = [getattr(Report, name) for name in StoredReport.__dataclass_fields__]
        for batch in _batches(keys, _DOCUMENTS):
            rows = self._session.execute(select(*columns).where(Report.id.in_(batch)))
            by_key = {row.id: StoredReport(*row) for row in rows}
            yield from (by_key[key] for key in batch)

    def rows(self, table: str, columns: Sequence[str], keys: Sequence[int]) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of the reports with these keys, in their order, a batch at a time.

        Parameters
        ----------
        table : str
            ``session_figures``, ``hedge_figures``, ``allocations`` or ``hedge_targets``.
        columns : sequence of str
            Of the table, or where it has none of the name, of its report.
        """
        tables, reports = Base.metadata.tables[table], Base.metadata.tables[Report.__tablename__]
        wanted = [tables.c[name] if name in tables.c else reports.c[name] for name in columns]
        query = select(tables.c.report_id, *wanted).join_from(tables, reports)
        query = query.order_by(*(tables.c[name] for name in _ROWS[table]))
        for batch in _batches(keys, _REPORTS):
            by_key: dict[int, list[tuple[Any, ...]]] = {key: [] for key in batch}
            for key, *row in self._session.execute(query.where(tables.c.report_id.in_(batch))):
                by_key[key].append(tuple(row))
            yield [row for key in batch for row in by_key[key]]


def _batches(keys: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
