"""What a database holds, and whether it is whole."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, select, text
from sqlalchemy.orm import Session

from signals.document import decode
from signals.veqtor.report import SignalReport
from storage.figures import HedgeFigures, SessionFigures
from storage.models import Alert, Allocation, HedgeFigureRow, HedgeTarget, OutboxMessage, Report, SessionFigureRow
from storage.outbox import SENDING, SUPERSEDED, UNCERTAIN
from storage.reports import AllocationLine, HedgeTargetLine
from storage.unit_of_work import UnitOfWork
from tasks.figures import StoredAs, hedge_figures, session_figures
from tasks.hedge_targets import hedge_target_lines
from tasks.persist import allocation_lines

Told = tuple[dt.date, int | None, str, str]
Value = tuple[str, str, str, float | None]


@dataclass(frozen=True)
class Found:
    """What a database holds.

    Attributes
    ----------
    reports : dict of (session, revision) to document
    messages : dict of (session, revision or None for an alert, channel, recipient) to state
    alerts : list of (session, kind)
    outcomes : list of (session, outcome)
        As `tailguard status` shows them, by session.
    values : list of (series, publisher, day, value)
        Every version of every observation, in an order.
    """

    reports: dict[tuple[dt.date, int], str]
    messages: dict[Told, str]
    alerts: list[tuple[dt.date, str]]
    outcomes: list[tuple[dt.date, str]]
    values: list[Value]

    def in_state(self, *states: str) -> list[Told]:
        """The messages in some states."""
        return [key for key, state in self.messages.items() if state in states]


_VALUES = "SELECT series, publisher, day, value FROM observations ORDER BY series, publisher, day, known_at"


@contextmanager
def connected(url: str) -> Iterator[Engine]:
    """Look into a database without the product's settings for one."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def has_schema(url: str) -> bool:
    """Whether there are tables."""
    with connected(url) as engine:
        return "reports" in inspect(engine).get_table_names()


def check_whole(url: str, since: dt.date = dt.date.min) -> None:
    """Nothing in it is half: what one transaction writes is there, all of it, or is not.

    Parameters
    ----------
    since : datetime.date
        Reports of earlier sessions are not looked at.
    """
    with connected(url) as engine, Session(engine) as session:
        if engine.dialect.name == "sqlite":
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        tables = inspect(engine).get_table_names()
        if not tables:
            return
        assert {"reports", "allocations", "hedge_targets", "outbox", "alembic_version"} <= set(tables)
        for row in session.scalars(select(Report).where(Report.session >= since)):
            report = decode(SignalReport, json.loads(row.document))
            assert _stored(session, Allocation, AllocationLine, row.id) == Counter(allocation_lines(report))
            assert _stored(session, HedgeTarget, HedgeTargetLine, row.id) == Counter(hedge_target_lines(report))
            stored_as = StoredAs(row.id, row.revision, row.emitted_at)
            assert _stored(session, SessionFigureRow, SessionFigures, row.id) == Counter(
                [session_figures(report, stored_as)]
            )
            assert _stored(session, HedgeFigureRow, HedgeFigures, row.id) == Counter(hedge_figures(report, stored_as))


def _stored(session: Session, table: type[Any], line: type, report_id: int) -> Counter[Any]:
    columns = [getattr(table, field.name) for field in fields(line)]
    return Counter(line(*row) for row in session.execute(select(*columns).where(table.report_id == report_id)))


def find(url: str, *, values: bool = True) -> Found:
    """Read it all."""
    with connected(url) as engine:
        with Session(engine) as session:
            reports = {(row.session, row.revision): row.document for row in session.scalars(select(Report))}
            # As text: there are many, and none is looked at.
            found = [(row[0], row[1], str(row[2]), row[3]) for row in session.execute(text(_VALUES))] if values else []
            alerts = sorted((row.session, row.kind) for row in session.scalars(select(Alert)))
        with UnitOfWork(engine) as work:
            messages = {
                (item.session, item.revision, item.channel, item.recipient): item.state for item in work.outbox.all()
            }
            outcomes = [(item.session, item.outcome) for item in work.runs.outcomes(10_000)]
    return Found(reports, messages, alerts, sorted(outcomes), found)


def uncertain(found: Found) -> list[Told]:
    """Messages of which nobody knows whether they arrived, or that are on their way."""
    return found.in_state(UNCERTAIN, SENDING)


def superseded(found: Found) -> list[Told]:
    """Messages that a later one overtook before they were sent."""
    return found.in_state(SUPERSEDED)


def messages_of(url: str) -> int:
    """How many messages there ever were."""
    with connected(url) as engine, Session(engine) as session:
        return len(session.scalars(select(OutboxMessage.id)).all())
