"""Lines that are logged: which run, which session, what came of each step, and nothing that is secret."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.server.api.server import create_app
from prefect.settings import PREFECT_SERVER_METRICS_ENABLED, temporary_settings

from flows.daily import daily
from tests.flows.conftest import Mailbox

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

EVENTS = ["start", "fetch", "compute", "emit", "deliver", "end"]


@pytest.fixture(autouse=True)
def _evening(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")
    monkeypatch.setenv("TAILGUARD_LOG_LEVEL", "info")


def test_each_line_is_one_object_with_run_session_and_counts_and_holds_no_secret(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAILGUARD_LOG_FORMAT", "json")
    monkeypatch.setenv("TAILGUARD_SMTP_USER", "desk")
    monkeypatch.setenv("TAILGUARD_SMTP_PASSWORD", "planted-secret")
    monkeypatch.setenv("TAILGUARD_FRED_API_KEY", "planted-secret")
    daily(return_state=True)
    printed = capsys.readouterr().err
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == EVENTS
    assert {(line["run"], line["session"]) for line in lines} == {("1", "2006-06-30")}
    by_event = {line["event"]: line for line in lines}
    assert by_event["fetch"]["payloads"] == 37
    assert by_event["fetch"]["new_values"] > 10_000
    assert by_event["emit"]["EMITTED"] == 1
    assert all(by_event[event]["seconds"] >= 0 for event in EVENTS[1:-1])
    assert by_event["end"]["outcome"] == "EMITTED"
    assert not any(secret in printed for secret in ("planted-secret", "desk@example.com"))


def test_prefect_shows_the_lines_of_a_run_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    state = daily(return_state=True)
    run_id = state.state_details.flow_run_id
    assert run_id
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        for _ in range(100):
            logged = [log.message for log in client.read_logs(of_run) if log.name == "tailguard"]
            if len(logged) == len(EVENTS):
                break
            time.sleep(0.1)
    assert sorted(message.split()[2] for message in logged) == sorted(EVENTS)
    assert {" ".join(message.split()[:2]) for message in logged} == {"run=1 session=2006-06-30"}
    assert "INFO run=1 session=2006-06-30 end outcome=EMITTED of=2006-06-30 others=0" in capsys.readouterr().err


def test_on_a_terminal_nothing_is_logged_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TAILGUARD_LOG_LEVEL")
    daily(return_state=True)
    assert "session=" not in capsys.readouterr().err


def test_prefects_own_metrics_are_one_setting_away() -> None:
    with temporary_settings({PREFECT_SERVER_METRICS_ENABLED: True}):
        app = create_app(ephemeral=True, ignore_cache=True)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server") as client:
            return await client.get("/api/metrics")

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    assert "python_info" in answer.text
