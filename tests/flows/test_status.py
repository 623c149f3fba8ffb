"""``status --max-age``: the dead-man check, from what the last runs stored."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from storage.runs import FAILED, NextRun, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.runs import finish_run, start_run
from tests.conftest import NOW, now
from tests.flows.conftest import Tailguard
from tests.storage.conftest import add_reports, new_report

pytestmark = pytest.mark.server

FRIDAY, MONDAY = dt.date(2026, 11, 20), dt.date(2026, 11, 23)


@pytest.fixture
def alive(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A service whose last run emitted Friday's report on Friday evening, with Monday to come."""
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", f"sqlite:///{tmp_path / 'test.db'}")
    add_reports(engine, new_report(FRIDAY))
    due = NextRun(MONDAY, NOW + dt.timedelta(days=3), NOW + dt.timedelta(days=3, hours=20, minutes=45))
    finish_run(engine, start_run(engine, "daily", "files", None, now), "done", due, now)
    return engine


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("clock", "code", "first"),
    [
        ("2026-11-22T22:45", 0, "2026-11-20  EMITTED  (revision 1)"),
        ("2026-11-22T22:46", 1, "Stale: the last daily run ended Fri 2026-11-20 18:45 New York, 52.0 hours ago. "),
        ("2026-11-23T19:15", 1, "NoRun: the attempt at session 2026-11-23 that was due Mon 2026-11-23 18:45 New York"),
        ("2026-11-24T15:30", 1, "NoSignal: session 2026-11-23 has no report, and its deadline, Tue 2026-11-24 15:30"),
    ],
)
def test_what_is_wrong_comes_first_and_fails(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, clock: str, code: int, first: str
) -> None:
    monkeypatch.setenv("TAILGUARD_CLOCK", clock)
    ended = tailguard("status", "--max-age", "52h")
    assert (ended.code, ended.err) == (code, "")
    assert ended.out.startswith(first)
    assert tailguard("status").code == 0, "without an age it tells what was stored"


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(("age", "is_older"), [("60m", True), ("1h", True), ("1d", False), ("1d12h", False)])
def test_an_age_has_units(tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, age: str, is_older: bool) -> None:
    monkeypatch.setenv("TAILGUARD_CLOCK", "2026-11-21T18:45")
    assert tailguard("status", "--max-age", age).code == int(is_older)


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("age", ["", "52", "h", "2w", "-1h", "1h2d", "0h", "1.5h", " 1h"])
def test_another_age_is_wrong_usage(tailguard: Tailguard, age: str) -> None:
    ended = tailguard("status", "--max-age", age)
    assert ended.code == 2
    assert f"--max-age: expected a time such as 26h, 4d, 1d12h or 90m, got {age!r}" in ended.err


@pytest.mark.usefixtures("alive")
def test_a_program_reads_the_same(tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_CLOCK", "2026-11-24T15:30")
    ended = tailguard("status", "--max-age", "4d", "--json")
    document = json.loads(ended.out)
    assert ended.code == 1
    assert [problem["name"] for problem in document["problems"]] == ["NoSignal", "NoRun"]
    assert all(problem["text"] and problem["do"] for problem in document["problems"])
    assert document["last_run"]["finished_at"] == NOW.isoformat()
    assert json.loads(tailguard("status", "--json").out)["problems"] == []


def test_a_database_without_a_run_is_not_alive(
    tailguard: Tailguard, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", f"sqlite:///{tmp_path / 'test.db'}")
    ended = tailguard("status", "--max-age", "4d")
    assert ended.code == 1
    assert ended.out.startswith("Stale: no daily run has ever ended. ")


def test_a_message_on_its_way_and_an_attempt_with_others_to_follow_are_no_alarm(
    tailguard: Tailguard, alive: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (report,) = add_reports(alive, new_report(dt.date(2026, 11, 19)))
    attempt = start_run(alive, "daily", "files", None, now)
    with UnitOfWork(alive) as work:
        work.outbox.add([report], [("email", "desk@example.com")], NOW)
        work.runs.record(attempt, [SessionOutcome(MONDAY, FAILED, "broken", NOW, NOW + dt.timedelta(days=3))], NOW)
        work.commit()
    finish_run(alive, attempt, "done", None, now)
    monkeypatch.setenv("TAILGUARD_CLOCK", "2026-11-20T18:46")
    assert tailguard("status", "--limit", "1").code == 1
    assert tailguard("status", "--limit", "1", "--max-age", "52h").code == 0


def test_undelivered_messages_alone_keep_their_own_code(
    tailguard: Tailguard, alive: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (report,) = add_reports(alive, new_report(dt.date(2026, 11, 19)))
    with UnitOfWork(alive) as work:
        work.outbox.add([report], [("email", "desk@example.com")], NOW)
        work.commit()
    finish_run(alive, start_run(alive, "daily", "files", None, now), "done", None, now)
    monkeypatch.setenv("TAILGUARD_CLOCK", "2026-11-21T00:00")
    ended = tailguard("status", "--max-age", "4d")
    assert ended.code == 4
    assert ended.out.startswith("Undelivered: messages: 1 PENDING since Fri 2026-11-20 18:45 New York. ")
