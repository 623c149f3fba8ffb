"""One transaction and the repositories that work in it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from storage.exports import ExportRepository
from storage.figures import FigureRepository
from storage.kept_books import KeptBookRepository
from storage.observations import ObservationRepository
from storage.outbox import OutboxRepository
from storage.reports import ReportRepository
from storage.runs import RunRepository
from storage.studies import StudyRepository


class UnitOfWork:
    """A transaction that is rolled back unless `commit` was called.

    ::

        with UnitOfWork(engine) as work:
            work.reports.add(...)
            work.commit()

    Parameters
    ----------
    engine : Engine
    alone : bool
        Let no other unit of work that asks for the same write before this one has ended: what is looked up first and
        written later stays true in between. SQLite has one writer anyway; on PostgreSQL others wait here, and readers
        do not. Each has to ask before it looks at anything.
    """

    def __init__(self, engine: Engine, *, alone: bool = False) -> None:
        self._session = Session(engine)
        self._alone = alone and engine.dialect.name == "postgresql"
        self.observations = ObservationRepository(self._session)
        self.reports = ReportRepository(self._session)
        self.outbox = OutboxRepository(self._session)
        self.runs = RunRepository(self._session)
        self.figures = FigureRepository(self._session)
        self.exports = ExportRepository(self._session)
        self.kept_books = KeptBookRepository(self._session)
        self.studies = StudyRepository(self._session)

    def __enter__(self) -> Self:
        if self._alone:
            # Of a table that is never changed after its first row; the lock ends with the transaction.
            self._session.execute(text("LOCK TABLE market IN EXCLUSIVE MODE"))
        return self

    def schema_revision(self) -> str | None:
        """The migration the database is at, as this transaction sees it; None where that is not said."""
        return self._session.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def commit(self) -> None:
        """Make everything done so far durable."""
        self._session.commit()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.rollback()
        self._session.close()
