"""How ``outbox list`` and ``status`` show alerts."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from signals.errors import DataNotReady
from signals.veqtor.rules import VEQTOR
from storage.engine import open_engine
from storage.runs import AWAITING_DATA, SessionOutcome
from tasks.alerts import record_missing
from tasks.persist import Recipient
from tasks.runs import start_run
from tests.conftest import NOW, now
from tests.flows.conftest import Tailguard

SESSION = dt.date(2026, 11, 19)


@pytest.fixture
def alerted(tmp_path: Path, sqlite_with_schema: bytes) -> str:
    """A database with an alert and its message."""
    (tmp_path / "alerted.db").write_bytes(sqlite_with_schema)
    url = f"sqlite:///{tmp_path / 'alerted.db'}"
    engine = open_engine(url)
    run_id = start_run(engine, "daily", "files", None, now)
    outcome = SessionOutcome(SESSION, AWAITING_DATA, "waits for VIX", None, NOW)
    error = DataNotReady("session", expected="all", got="no VIX", do="Run again.", missing=("VIX",))
    recipients = [Recipient("email", "desk@example.com")]
    assert record_missing(engine, run_id, outcome, recipients, now, VEQTOR.digest, error=error)
    engine.dispose()
    return url


def test_outbox_list_shows_an_alert_by_its_kind(tailguard: Tailguard, alerted: str) -> None:
    ended = tailguard("outbox", "list", "--database", alerted)
    assert ended.out == ("   1  2026-11-19 alert LAST_CALL  email to desk@example.com  PENDING after 0 attempts\n")
    (row,) = json.loads(tailguard("outbox", "list", "--json", "--database", alerted).out)
    assert (row["session"], row["alert"], row["revision"], row["state"]) == ("2026-11-19", "LAST_CALL", None, "PENDING")


def test_status_shows_the_alert_of_a_session(tailguard: Tailguard, alerted: str) -> None:
    ended = tailguard("status", "--database", alerted)
    assert ended.code == 4
    assert "2026-11-19  AWAITING_DATA  waits for VIX\n" in ended.out
    assert "            alert LAST_CALL raised 2026-11-20 23:45 UTC: waiting for VIX\n" in ended.out
    assert "Messages PENDING: 1" in ended.out
    (session,) = json.loads(tailguard("status", "--json", "--database", alerted).out)["sessions"]
    assert session["alert"] == {
        "kind": "LAST_CALL", "raised_at": "2026-11-20T23:45:00+00:00", "title": "waiting for VIX"
    }  # fmt: skip
