"""The product on PostgreSQL, as a user runs it: what it stores is what it stores on SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prefect import Task
from sqlalchemy import select
from sqlalchemy.orm import Session

import flows.backfill
import flows.ranges
from flows.backfill import backfill
from flows.daily import daily
from flows.steps import emit_step
from storage.models import HedgeTarget
from storage.runs import EMITTED, REVISED
from storage.schema import SCHEMA_REVISION
from tests.flows.conftest import Mailbox, Tailguard
from tests.market_files import SESSIONS, mend_close, write_market
from tests.postgresql import Server
from tests.simulation.findings import check_whole, connected, find
from tests.simulation.worker import _without_engine

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

DAYS = SESSIONS[-12:]
FRIDAY, THURSDAY = DAYS[-1], DAYS[-2]


@pytest.fixture
def url(market: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty PostgreSQL database, configured."""
    url = postgresql.database(with_schema=False)
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", url)
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")
    return url


def interrupted_at(call: int) -> Callable[..., Any]:
    """The step that emits, with Ctrl-C in place of one of its calls."""
    calls = count(1)

    def emit(*arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return emit_step(*arguments, **options)

    return emit


def hedge_targets(url: str) -> list[tuple[object, ...]]:
    columns = [column for column in HedgeTarget.__table__.columns if column.name not in ("id", "report_id")]
    with connected(url) as engine, Session(engine) as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(HedgeTarget.id))]


def evenings(market: Path, settings: pytest.MonkeyPatch) -> Iterator[None]:
    """A Thursday; then a Friday on which Thursday's close has changed; then what was before."""
    write_market(market, THURSDAY)
    settings.setenv("TAILGUARD_CLOCK", "2006-06-29T18:45")
    yield
    write_market(market)
    mend_close(market, THURSDAY, 1.25)
    settings.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")
    yield


def test_evenings_a_revision_and_a_backfill_in_two_goes_end_as_on_sqlite(
    url: str, market: Path, tailguard: Tailguard, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tailguard("db", "upgrade").out == f"Schema none -> {SCHEMA_REVISION}.\n"
    assert tailguard("db", "current").out == f"Schema {SCHEMA_REVISION}, the newest.\n"
    for told, _ in zip((2, 4), evenings(market, monkeypatch), strict=True):
        ended = tailguard("run")
        assert (ended.code, len(mailbox.bodies)) == (0, told), ended
    with monkeypatch.context() as short:
        short.setattr(flows.ranges, "CHUNK_SESSIONS", 3)
        short.setattr(flows.backfill, "emit_step", interrupted_at(3))
        assert tailguard("backfill", "--start", DAYS[0], "--end", FRIDAY).code == 130
    assert len(find(url, values=False).reports) == 3 + 6
    check_whole(url)
    ended = tailguard("backfill", "--start", DAYS[0], "--end", FRIDAY)
    assert (ended.code, tailguard("status").code) == (0, 0), ended
    check_whole(url)

    beside = f"sqlite:///{tmp_path / 'beside.db'}"
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", beside)
    monkeypatch.setattr(Task, "__call__", _without_engine)
    for _ in evenings(market, monkeypatch):
        assert daily.fn().is_completed()
    backfill.fn(DAYS[0], FRIDAY)

    ours, theirs = find(url), find(beside)
    assert (ours.reports, ours.messages, ours.values) == (theirs.reports, theirs.messages, theirs.values)
    assert hedge_targets(url) == hedge_targets(beside)
    assert (
        ours.outcomes
        == theirs.outcomes
        == [*((day, EMITTED) for day in DAYS[:-2]), (THURSDAY, REVISED), (FRIDAY, EMITTED)]
    )


def test_two_commands_at_once_make_one_report_and_one_delivery(
    url: str, mailbox: Mailbox, prefect_server: str, tmp_path: Path
) -> None:
    command = [Path(sys.executable).parent / "tailguard", "run"]
    started = [
        subprocess.Popen(
            command,
            cwd=tmp_path,
            env=os.environ | {"PREFECT_API_URL": prefect_server},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=90) for process in started]

    assert [process.returncode for process in started] == [0, 0], ended
    assert [err for _, err in ended] == ["", ""]
    check_whole(url)
    found = find(url, values=False)
    assert list(found.reports) == [(FRIDAY, 1)]
    assert len(found.messages) == len(mailbox.bodies) == 2
