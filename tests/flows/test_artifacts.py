"""What a run leaves in Prefect's web page, and that a run never fails for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import Artifact, FlowRun, State
from prefect.context import SyncClientContext
from sqlalchemy import Engine

import flows.daily
from flows.artifacts import PROGRESS_KEY, REPORT_KEY, REVIEW_KEY, TARGETS_KEY
from flows.backfill import backfill
from flows.daily import daily
from flows.outcomes import state_of
from flows.steps import TASKS, deliver_step
from storage.runs import ALREADY_EMITTED, AWAITING_DATA, EMITTED, FAILED, REVISED, SKIPPED, SessionOutcome
from storage.unit_of_work import UnitOfWork

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server", "market")]


def left_by(state: State[Any]) -> tuple[FlowRun, dict[str, Artifact]]:
    """The run and its artifacts by key, as the server has them."""
    flow_run_id = state.state_details.flow_run_id
    assert flow_run_id
    mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run_id]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=mine)
        return client.read_flow_run(flow_run_id), {str(item.key): item for item in found}


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> Callable[[], State[Any]]:
    """The run of an evening."""
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")
    return lambda: daily(return_state=True)


def test_a_run_that_emits_shows_its_report_targets_and_where_to_read_on(
    evening: Callable[[], State[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_REVIEW_URL", "https://tailguard.example.com")
    run, artifacts = left_by(evening())
    assert run.name == "daily-2006-06-30"
    assert run.tags == ["outcome:EMITTED", "session:2006-06-30", "source:files"]
    assert set(artifacts) == {REPORT_KEY, TARGETS_KEY, REVIEW_KEY}
    page = artifacts[REPORT_KEY]
    assert (page.type, str(page.data)[:24]) == ("markdown", "# S&amp;P 500 Dynamic VE")
    assert page.description
    assert page.description.startswith("VEQTOR 2006-06-30: ")
    table = str(artifacts[TARGETS_KEY].data)
    assert [
        name for name in ("veqtor", "equity", "volatility", "alvh-seed l1", "2006-07-03") if name not in table
    ] == []
    assert "https://tailguard.example.com" in str(artifacts[REVIEW_KEY].data)

    # What is out already is shown by the run that emitted it.
    again, artifacts = left_by(evening())
    assert again.tags == ["outcome:ALREADY_EMITTED", "session:2006-06-30", "source:files"]
    assert artifacts == {}


def test_a_backfill_shows_how_far_it_is() -> None:
    run, artifacts = left_by(backfill("2006-06-29", "2006-07-03", return_state=True))
    assert run.tags == ["mode:missing", "outcome:EMITTED", "outcome:FAILED", "source:files"]
    assert run.state is not None
    assert (run.state.type, run.state.name) == ("COMPLETED", "AwaitingData")
    progress = artifacts[PROGRESS_KEY]
    assert (progress.type, progress.description) == ("progress", "2 of 3 sessions")
    assert float(str(progress.data)) == pytest.approx(200 / 3)


def test_a_server_that_is_gone_when_the_report_is_out_does_not_fail_the_run(
    evening: Callable[[], State[Any]],
    database: Callable[[], Engine],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TAILGUARD_LOG_LEVEL", "warning")

    def move_server(address: str) -> str:
        context = SyncClientContext.get()
        assert context
        before = str(context.client._client.base_url)
        context.client._client.base_url = httpx.URL(address)
        return before

    there: list[str] = []

    def delivered(*arguments: Any, **options: Any) -> object:
        delivery = deliver_step(*arguments, **options)
        there.append(move_server("http://127.0.0.1:9/api/"))
        return delivery

    def ended(*arguments: Any) -> State[Any]:
        # Prefect asks for the final state until the server is there again.
        move_server(there[0])
        return state_of(*arguments)

    monkeypatch.setattr(flows.daily, "deliver_step", delivered)
    monkeypatch.setattr(flows.daily, "state_of", ended)
    state = evening()
    assert (state.type, state.name) == ("COMPLETED", "Emitted")
    with UnitOfWork(database()) as work:
        run = work.runs.latest()
    assert run
    assert run.message
    assert run.message.startswith("2006-06-30: EMITTED")
    assert "run=1 session=2006-06-30 not shown in Prefect error=ConnectError" in capsys.readouterr().err


def test_only_the_fetch_is_tried_again_and_only_as_its_caller_says() -> None:
    assert {task.name: (task.retries, task.retry_condition_fn) for task in TASKS} == dict.fromkeys(
        ("fetch", "compute", "emit", "deliver"), (0, None)
    )
    assert (daily.retries, backfill.retries) == (0, 0)
    # Where retries are given, and to what.
    given = [path.name for path in Path(flows.daily.__file__).parent.rglob("*.py") if "retries=" in path.read_text()]
    assert given == ["fetching.py"]


@pytest.mark.parametrize(
    ("outcome", "kind", "name"),
    [
        (EMITTED, "COMPLETED", "Emitted"),
        (REVISED, "COMPLETED", "Revised"),
        (ALREADY_EMITTED, "COMPLETED", "AlreadyEmitted"),
        (SKIPPED, "COMPLETED", "Skipped"),
        (AWAITING_DATA, "COMPLETED", "AwaitingData"),
        (FAILED, "FAILED", "Failed"),
    ],
)
def test_an_outcome_is_a_state_that_automations_can_wait_for(outcome: str, kind: str, name: str) -> None:
    state = state_of(SessionOutcome(dt.date(2006, 6, 30), outcome, "why"), None)
    assert (state.type, state.name, state.message) == (kind, name, "2006-06-30: why")
