"""One transaction and the repositories that work in it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from storage.observations import ObservationRepository
from storage.outbox import OutboxRepository
from storage.reports import ReportRepository
from storage.runs import RunRepository


class UnitOfWork:
    """A transaction that is rolled back unless `commit` was called.

    ::

        with UnitOfWork(engine) as work:
            work.reports.add(...)
            work.commit()
    """

    def __init__(self, engine: Engine) -> None:
        self._session = Session(engine)
        self.observations = ObservationRepository(self._session)
        self.reports = ReportRepository(self._session)
        self.outbox = OutboxRepository(self._session)
        self.runs = RunRepository(self._session)

    def __enter__(self) -> Self:
        return self

    def commit(self) -> None:
        """Make everything done so far durable."""
        self._session.commit()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.rollback()
        self._session.close()
