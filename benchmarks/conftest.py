"""Fixtures of the tests, commands run as processes, and a table of what the processes needed."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import NOW, RECORDED_LAST, _own_settings, calendar, data_dir, recorded, recorded_signals

# Fixtures are found by the names of this module.
__all__ = ["RECORDED_LAST", "Command", "_own_settings", "calendar", "data_dir", "recorded", "recorded_signals"]

#: One finished process: seconds of wall time, megabytes of its largest process.
Usage = tuple[float, float]

_MEASURED: dict[str, list[Usage]] = {}

#: What a command that only starts Prefect does: the same settings, no work.
EMPTY_FLOW = """
from flows.cli.flow_runs import quiet_prefect, run_flow
quiet_prefect()
from prefect import flow
run_flow(flow(name="empty", persist_result=False)(lambda: None))
"""

#: Runs a command and prints its exit code, seconds and peak memory. A process between this one and the measured one
#: is needed: a process starts with the peak of the one that spawned it, and pytest has the whole history in memory.
_LAUNCHER = """
import os, subprocess, sys, time
with open("output.txt", "wb") as output:
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=output, stderr=output)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
process.returncode = os.waitstatus_to_exitcode(status)
print(process.returncode, elapsed, usage.ru_maxrss)
"""


@dataclass(frozen=True)
class Command:
    """Runs Python processes in one Prefect home that has been set up before."""

    environment: dict[str, str]
    directory: Path

    def __call__(self, label: str, *arguments: str) -> Usage:
        """Run ``python *arguments`` to its end, and keep what it needed under `label`, if there is one."""
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, sys.executable, *arguments]
        found = subprocess.run(  # noqa: S603 - the command under test
            launcher, env=self.environment, cwd=self.directory, stdout=subprocess.PIPE, check=True
        )
        code, elapsed, peak = found.stdout.split()
        if int(code) != 0:
            output = (self.directory / "output.txt").read_text()
            pytest.fail(f"{' '.join(arguments)} ended with {int(code)}: {output[-2000:]}")
        # Linux counts in kilobytes, macOS in bytes.
        measured = float(elapsed), int(peak) * (1 if sys.platform == "darwin" else 1024) / 1e6
        if label:
            _MEASURED.setdefault(label, []).append(measured)
        return measured

    def tailguard(self, label: str, *arguments: str) -> Usage:
        """Run ``tailguard *arguments``."""
        return self(label, "-m", "flows", *arguments)

    def empty_flow(self, label: str) -> Usage:
        """Run a flow that does nothing."""
        return self(label, "-c", EMPTY_FLOW)


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Processes of their own Prefect home; creating its database is not part of any measurement."""
    directory = tmp_path_factory.mktemp("command")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TAILGUARD_", "PREFECT_"))}
    environment = {**inherited, "PREFECT_HOME": str(directory / "prefect"), "TAILGUARD_CLOCK": NOW.isoformat()}
    made = Command(environment, directory)
    made.empty_flow("")
    return made


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """A function that names a file which is not there yet, another at each call."""
    names: Iterator[Path] = (tmp_path / f"{number}.db" for number in range(10_000))
    return lambda: next(names)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print wall time and peak memory of the commands."""
    if not _MEASURED:
        return
    terminalreporter.section("processes")
    terminalreporter.write_line(f"{'':40} {'median s':>9} {'min s':>7} {'peak MB':>8} {'runs':>5}")
    for label, runs in _MEASURED.items():
        seconds, peaks = [run[0] for run in runs], [run[1] for run in runs]
        terminalreporter.write_line(
            f"{label:40} {statistics.median(seconds):9.2f} {min(seconds):7.2f} {max(peaks):8.0f} {len(runs):5}"
        )
