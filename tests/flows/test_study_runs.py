"""Studies that are interrupted and go on, and one on the workers of a real Dask cluster."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from signals.alvh.ruleset_files import shipped_rule_set
from signals.study.plan import Part, parts_of
from signals.study.spec import StudySpec
from signals.veqtor.signal import VeqtorSignals
from storage.engine import open_engine
from storage.unit_of_work import UnitOfWork
from tasks.study.inputs import Question, Recorded, named
from tasks.study.run import Outcome
from tasks.study.runners import serial
from tests.conftest import ROOT
from tests.market_files import LAST

pytestmark = pytest.mark.server

PATIENCE_SECONDS = 60


class Started:
    """The command in a process and a group of its own, as a terminal starts it."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "flows", "study", *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
        self.process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def workers(self) -> list[int]:
        """Processes it has started."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]

    def ended(self) -> tuple[int, str]:
        """Its exit code, and what it said."""
        said = self.process.communicate(timeout=PATIENCE_SECONDS)[1]
        return self.process.returncode, said


def parts_kept(engine: Engine) -> int:
    """Of studies that are not finished."""
    if not inspect(engine).has_table("study_parts"):
        return 0
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM study_parts").scalar_one())


def wait_for_parts(engine: Engine, least: int, started: Started) -> None:
    """Wait until so many parts are kept."""
    end = time.monotonic() + PATIENCE_SECONDS
    while parts_kept(engine) < least:
        assert started.process.poll() is None, started.ended()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes where Linux lists them")
def test_a_study_that_is_interrupted_or_killed_goes_on_and_comes_to_the_same(made_up_dir: Path) -> None:
    asked = (
        "--source", "files", "--data-dir", str(made_up_dir), "--rule-set", "alvh-442", "--workers", "2",
        "--samples", "200", "--paths", "100", "--hedged-paths", "20", "--path-years", "1", "--format", "json",
    )  # fmt: skip
    stored = (*asked, "--database", "sqlite:///study.db")
    engine = open_engine("sqlite:///study.db")

    interrupted = Started(*stored)
    wait_for_parts(engine, 1, interrupted)
    # A terminal sends it to all of them.
    os.killpg(interrupted.process.pid, signal.SIGINT)
    code, said = interrupted.ended()
    assert code == 130, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said

    kept = parts_kept(engine)
    killed = Started(*stored)
    wait_for_parts(engine, kept + 1, killed)
    workers = killed.workers()
    assert workers
    killed.process.kill()
    killed.ended()
    end = time.monotonic() + PATIENCE_SECONDS
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < end, "workers outlived the study"
        time.sleep(0.01)

    kept = parts_kept(engine)
    code, said = Started(*stored, "--runner", "serial", "--output", "resumed.json").ended()
    assert (code, said) == (0, f"Resumed: {kept} of 16 parts were there.\n")
    code, said = Started(*asked, "--runner", "serial", "--no-store", "--output", "at-once.json").ended()
    assert (code, said) == (0, "")
    assert Path("resumed.json").read_bytes() == Path("at-once.json").read_bytes()
    assert parts_kept(engine) == 0
    with UnitOfWork(engine) as work:
        assert [study.complete for study in work.studies.all()] == [True]


@pytest.mark.usefixtures("prefect_server")
def test_a_dask_cluster_of_several_workers_finds_the_same_to_the_bit(made_up_signals: VeqtorSignals) -> None:
    pytest.importorskip("prefect_dask", reason="the extra tailguard[dask] is not installed")
    from prefect import flow

    from flows.study_tasks import DASK, prefect_runner

    rules = (shipped_rule_set("alvh-442"),)
    spec = StudySpec(dt.date(2005, 12, 20), LAST, named(rules), samples=200, paths=100, hedged_paths=20, path_years=1)
    question = Question(Recorded(made_up_signals, {}, "files"), spec, rules, 1_000_000.0)
    # One of each kind.
    parts = list({part.kind: part for part in reversed(parts_of(spec))}.values())

    @flow
    def on_dask() -> list[tuple[Part, Outcome]]:
        return list(prefect_runner(DASK, 2)(question, parts))

    assert dict(on_dask()) == dict(serial(question, parts))
