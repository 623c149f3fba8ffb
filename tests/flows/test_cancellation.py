"""Cancelling a run: by a signal, on a terminal or from a service manager, and in Prefect's web page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.states import Cancelling
from sqlalchemy import Engine

import flows.ranges
import flows.steps
from flows.backfill import backfill
from flows.interrupts import finished_first
from storage.runs import RunSummary
from storage.unit_of_work import UnitOfWork
from tests.flows.conftest import Tailguard

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

BIN = Path(sys.executable).parent
RANGE = ("--start", "2006-06-01", "--end", "2006-06-30")
CANCELLED = "2006-06-01 to 2006-06-30: cancelled; run it again to go on"


def last_run(engine: Engine) -> RunSummary:
    with UnitOfWork(engine) as work:
        found = work.runs.latest()
    assert found
    return found


def stored(engine: Engine) -> int:
    with UnitOfWork(engine) as work:
        return len(work.reports.recent(10_000))


@pytest.fixture
def environment(prefect_server: str, market: Path) -> dict[str, str]:
    """Of a process that uses the server and the market of the test."""
    return {
        **os.environ,
        "PREFECT_API_URL": prefect_server,
        "TAILGUARD_LOG_FORMAT": "json",
        "TAILGUARD_LOG_LEVEL": "info",
    }


Fetching = Callable[["subprocess.Popen[str]"], None]


@pytest.fixture
def fetching(market: Path) -> Iterator[Fetching]:
    """Make a file of the market a pipe; returns what waits until a process reads from it, for its end."""
    path = market / "fred/DFF.csv"
    path.unlink()
    os.mkfifo(path)
    opened: list[int] = []

    def wait(process: subprocess.Popen[str]) -> None:
        while not opened:
            assert process.poll() is None, process.communicate()
            with suppress(OSError):  # nobody reads yet
                opened.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.05)

    yield wait
    for end in opened:
        os.close(end)


def test_what_has_begun_is_finished_when_a_signal_arrives() -> None:
    done = []

    def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        finished_first(work)
    assert done == ["all of it"]
    assert finished_first(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        finished_first(lambda: 1 // 0)


def test_a_signal_in_the_middle_of_a_chunk_ends_the_backfill_after_it_and_a_repeat_goes_on(
    tailguard: Tailguard, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.ranges, "CHUNK_SESSIONS", 5)
    emit, calls = flows.steps._emit, []

    def terminated(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return emit(*arguments, **options)  # type: ignore[call-overload]  # it passes on what it gets

    monkeypatch.setattr(flows.steps, "_emit", terminated)
    ended = tailguard("backfill", *RANGE)
    assert (ended.code, ended.out) == (143, "")
    assert ended.err == "Terminated. What was stored stays; run it again to go on.\n"
    assert last_run(database()).message == CANCELLED
    assert stored(database()) == 15
    assert "22 sessions: 7 EMITTED, 15 there already" in tailguard("backfill", *RANGE).out


def test_sigterm_ends_a_run_with_143_and_closes_the_ledger(
    environment: dict[str, str],
    market: Path,
    fetching: Fetching,
    database: Callable[[], Engine],
) -> None:
    process = subprocess.Popen(
        [BIN / "tailguard", "run", "--session", "2006-06-30"],
        env=environment | {"PREFECT_LOGGING_LEVEL": "CRITICAL"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    fetching(process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    *logged, said = err.splitlines()
    assert said == "Terminated. What was stored stays; run it again to go on."
    assert [json.loads(line)["event"] for line in logged] == ["start", "fetch", "cancelled"]
    run = last_run(database())
    assert run.finished_at
    assert run.message == "2006-06-30: cancelled; run it again"
    assert stored(database()) == 0


def test_a_backfill_that_is_cancelled_in_the_web_page_ends_as_cancelled_with_nothing_stored_by_half(
    environment: dict[str, str],
    market: Path,
    fetching: Fetching,
    database: Callable[[], Engine],
    tmp_path: Path,
) -> None:
    parameters = {"start": "2006-06-01", "end": "2006-06-30"}
    json_logs = {"PREFECT_LOGGING_LEVEL": "INFO", "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json"}
    # Prefect runs a script beside a storage.py of its own, which would hide our package from its imports.
    json_logs["PYTHONSAFEPATH"] = "1"
    code = tmp_path / "code"  # the flow is installed; what is here is copied to where the process runs
    code.mkdir()
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(backfill)
        deployment = client.create_deployment(
            flow_id, "cancelled", path=str(code), entrypoint="flows.backfill.backfill", enforce_parameter_schema=False
        )
        flow_run = client.create_flow_run_from_deployment(deployment, parameters=parameters)
        worker = subprocess.Popen(
            [BIN / "prefect", "flow-run", "execute", str(flow_run.id)],
            env=environment | json_logs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        fetching(worker)
        client.set_flow_run_state(flow_run.id, Cancelling(), force=True)
        said, _ = worker.communicate(timeout=120)
        state = client.read_flow_run(flow_run.id).state
    assert state is not None
    assert (state.type, state.name) == (StateType.CANCELLED, "Cancelled"), said
    assert last_run(database()).message == CANCELLED
    assert stored(database()) == 0
    # Every line is JSON, and every one of a step is about this run.
    lines = [json.loads(line) for line in said.splitlines()]
    about = {line["session"] for line in lines if line.get("name") in (None, "prefect.task_runs")}
    assert about == {"2006-06-01..2006-06-30"}
    assert [line["event"] for line in lines if "event" in line] == ["start", "fetch", "cancelled"]
