"""Every command of the README, in its order, as a reader would type it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.flows.conftest import Ended, Tailguard

pytestmark = pytest.mark.server

README = (ROOT / "README.md").read_text()
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)]
USE = next(block for block in BLOCKS if block[0].startswith("tailguard"))
REVIEW = ["tailguard review"]

#: The first command of each is started as a process, by the console script; what follows needs none of its own, and
#: runs in the process of the test without importing everything once more.
AS_PROCESSES = ("quickstart", "init", "run", "backfill", "report list", "report open", "report feed", "study")

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


def test_the_commands_of_use_do_what_is_said(
    data_dir: Path,
    environment: dict[str, str],
    tailguard: Tailguard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "data").symlink_to(data_dir)
    monkeypatch.setenv("COLUMNS", environment["COLUMNS"])
    as_processes = {next(each for each in USE if each.startswith(f"tailguard {name}")) for name in AS_PROCESSES}
    shown = {}
    for command in USE:
        own = command in as_processes
        done = console(command, tmp_path, environment) if own else tailguard(*command.split()[1:])
        # Two sessions differ.
        expected = 1 if command.startswith("tailguard report diff") else 0
        assert done.code == expected, f"{command}\n{done.out}\n{done.err}"
        assert "Traceback" not in done.err
        assert done.err == ""
        shown[command] = done.out
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


def console(command: str, directory: Path, environment: dict[str, str]) -> Ended:
    """Run a command as a shell does."""
    done = subprocess.run(command.split(), cwd=directory, env=environment, capture_output=True, text=True)
    return Ended(done.returncode, done.stdout, done.stderr)


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


def test_make_run_needs_no_network_and_a_terminal_of_80_columns(environment: dict[str, str]) -> None:
    # Nothing listens there, also where there is a network.
    names = ("YAHOO", "CBOE", "CBOE_WEB", "FRED")
    environment |= {f"TAILGUARD_{name}_URL": "http://127.0.0.1:9" for name in names}
    del environment["COLUMNS"]
    environment.pop("LINES", None)
    there_before = (ROOT / "quickstart").exists()
    code, out, err = on_a_terminal(["make", "--no-print-directory", "run"], ROOT, environment)
    if not there_before:
        shutil.rmtree(ROOT / "quickstart")
    assert (code, err) == (0, "")
    assert "No live data: no usable answer from 127.0.0.1:9" in out
    lines = out.splitlines()
    assert "Going on with the sample market: every number below is SIMULATED." in lines
    assert "\nSIMULATED S&P 500 Dynamic VEQTOR, session " in out
    assert "\nNext:\n" in out
    assert "\x1b" not in out
    # A path is not broken: it would no longer be one.
    assert [line for line in lines if len(line) > 80 and not line.startswith("As a page: /")] == []


def on_a_terminal(command: list[str], directory: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """The exit code of a command, and what a terminal of 24 lines and 80 columns shows of its output and its errors.

    Each has a terminal of its own, to be told apart.
    """
    shown, given = zip(*(pty.openpty() for _ in range(2)), strict=True)
    for each in given:
        fcntl.ioctl(each, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    run = subprocess.Popen(command, cwd=directory, env=environment, stdout=given[0], stderr=given[1])
    for each in given:
        os.close(each)
    with ThreadPoolExecutor() as threads:
        out, err = threads.map(to_the_end, shown)
    return run.wait(60), out, err


def to_the_end(terminal: int) -> str:
    """Everything that is shown on a terminal until nobody is on it any more."""
    shown = b""
    with contextlib.suppress(OSError):  # it is then read with an error
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    return shown.decode().replace("\r\n", "\n")


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
