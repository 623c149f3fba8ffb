"""Every command of the README, in its order, as a reader would type it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.server

README = (ROOT / "README.md").read_text()
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)]
USE = next(block for block in BLOCKS if block[0].startswith("tailguard"))
REVIEW = ["tailguard review"]
SCHEDULE = next(block for block in BLOCKS if block[0].startswith("prefect"))


@pytest.fixture
def environment(prefect_server: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a user of this installation, with the tests' Prefect server."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TAILGUARD_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PREFECT_API_URL": prefect_server,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "COLUMNS": "80",
    }


def test_the_commands_are_those_this_test_runs() -> None:
    assert BLOCKS == [["make run", "make test"], USE, REVIEW, SCHEDULE]


def test_the_commands_of_use_do_what_is_said(data_dir: Path, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(data_dir)
    shown = {}
    for command in USE:
        done = subprocess.run(command.split(), cwd=tmp_path, env=environment, capture_output=True, text=True)
        # Two sessions differ.
        expected = 1 if command.startswith("tailguard report diff") else 0
        assert done.returncode == expected, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert done.stderr == ""
        shown[command] = done.stdout
    excerpt = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert excerpt
    report = shown["tailguard report show 2020-03-16"].splitlines()
    assert [line for line in excerpt[1].splitlines() if line != "..." and line not in report] == []
    backfilled, counted = (out for command, out in shown.items() if command.startswith("tailguard backfill"))
    assert "62 sessions: 61 EMITTED, 1 there already" in backfilled
    assert "62" in counted
    histories = [out.splitlines() for command, out in shown.items() if command.startswith("tailguard history")]
    assert [len(lines) for lines in histories] == [63] * 5
    assert [lines[1].endswith(",SIMULATED") for lines in histories] == [False, False, True, False, False]
    for command, out in shown.items():
        prints = command.split()[1] in ("run", "report", "config") and "--print-only" not in command
        if prints and "--dry-run" not in command:
            assert max(map(len, out.splitlines())) <= 80, command
    assert (tmp_path / "reports.csv").read_text().count("\n") == 63
    assert "2020-03-31" in reviewed(tmp_path, environment)


def reviewed(directory: Path, environment: dict[str, str]) -> str:
    """The first page of the review app, as somebody gets it who types what stands in the README."""
    app = subprocess.Popen(
        REVIEW[0].split(), cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert app.stdout
        address = app.stdout.readline().split()[3].rstrip(".")
        for _ in range(100):
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(address, timeout=30).raise_for_status().text
            time.sleep(0.1)
    finally:
        app.terminate()
        app.communicate(timeout=60)
    pytest.fail(f"nothing answers at {address}")


def test_make_run_needs_no_network(environment: dict[str, str]) -> None:
    # Nothing listens there, also where there is a network.
    environment |= {f"TAILGUARD_{name}_URL": "http://127.0.0.1:9" for name in ("YAHOO", "CBOE", "FRED")}
    there_before = (ROOT / "quickstart").exists()
    command = ["make", "--no-print-directory", "run"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if not there_before:
        shutil.rmtree(ROOT / "quickstart")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No live data: no usable answer from 127.0.0.1:9" in done.stdout
    assert "\nSIMULATED S&P 500 Dynamic VEQTOR, session " in done.stdout
    assert "\nNext:\n" in done.stdout


def test_the_deployments_are_accepted_and_a_worker_starts(environment: dict[str, str]) -> None:
    create, deploy, start = (command.split() for command in SCHEDULE)
    for command in (create, [deploy[0], "--no-prompt", *deploy[1:]]):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run(
        ["prefect", "deployment", "ls"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert "daily/daily-after-close" in listed.stdout
    assert "backfill/backfill-manual" in listed.stdout
    worker = subprocess.Popen(
        start, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        deadline = time.monotonic() + 60
        assert worker.stdout
        lines: list[str] = []
        while time.monotonic() < deadline and not any("started!" in line for line in lines):
            lines.append(worker.stdout.readline())
        assert any("started!" in line for line in lines), "".join(lines)
    finally:
        worker.terminate()
        worker.communicate(timeout=60)
