"""The health check as a flow: what it sends, and how its run ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.client.schemas.objects import State
from sqlalchemy import Engine

from flows.health import health_check
from storage.runs import NextRun
from storage.unit_of_work import UnitOfWork
from tasks.runs import finish_run, start_run
from tests.conftest import NOW, now
from tests.flows.conftest import Mailbox, Tailguard

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

DUE = NextRun(dt.date(2026, 11, 23), NOW + dt.timedelta(days=3), NOW + dt.timedelta(days=3, hours=20, minutes=45))


def check(monkeypatch: pytest.MonkeyPatch, clock: str) -> State[object]:
    monkeypatch.setenv("TAILGUARD_CLOCK", clock)
    return health_check(return_state=True)


def test_a_message_that_was_turned_away_is_sent_by_the_health_check(
    tailguard: Tailguard, market: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")
    mailbox.answer = "451 try later"
    assert tailguard("run").code == 4
    mailbox.answer = "250 OK"

    state = check(monkeypatch, "2006-07-01T06:22")

    assert (state.name, state.message) == ("Healthy", "next attempt 2006-07-03 22:45 UTC at session 2006-07-03")
    assert len(mailbox.bodies) == 2
    assert check(monkeypatch, "2006-07-01T06:37").name == "Healthy"
    assert len(mailbox.bodies) == 2


def test_the_run_fails_in_a_state_named_after_the_gravest_problem(
    market: Path, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = check(monkeypatch, "2026-11-20T18:45")
    assert (state.name, state.message) == ("Healthy", "no run yet")
    engine = database()
    finish_run(engine, start_run(engine, "daily", "files", None, now), "done", DUE, now)
    start_run(engine, "backfill", "files", None, now)

    state = check(monkeypatch, "2026-11-24T15:30")

    assert state.is_failed()
    assert state.name == "NoSignal"
    assert [line.partition(":")[0] for line in str(state.message).splitlines()] == ["NoSignal", "NoRun", "Unfinished"]
    with UnitOfWork(engine) as work:
        assert work.runs.outcomes(10) == [], "it writes nothing into the ledger"
    engine.dispose()


def test_recipients_hear_of_a_last_attempt_that_did_not_come_before_the_deadline_and_once(
    tailguard: Tailguard,
    market: Path,
    mailbox: Mailbox,
    database: Callable[[], Engine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The exchange was closed on 4 July: the deadline of 3 July is on the 5th.
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")
    assert tailguard("run", "--no-notify").code == 0
    for clock in ("2006-07-02T12:07", "2006-07-05T14:52"):
        check(monkeypatch, clock)
        assert mailbox.bodies == [], clock

    check(monkeypatch, "2006-07-05T15:07")

    assert len(mailbox.bodies) == 2
    assert b"Subject: NO SIGNAL VEQTOR 2006-07-03: no run emitted it in time" in mailbox.bodies[0]
    assert check(monkeypatch, "2006-07-05T15:37").name == "NoSignal"
    assert len(mailbox.bodies) == 2
    engine = database()
    with UnitOfWork(engine) as work:
        (last,) = [work.runs.latest()]
    assert last is not None
    assert (last.kind, last.message) == ("health-check", "2006-07-03: no run was left to tell of it")
    engine.dispose()
