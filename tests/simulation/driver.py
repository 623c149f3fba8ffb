"""Asking a worker to run something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT


class Worker:
    """A worker process; see `tests.simulation.worker`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.memory = 0

    def __call__(
        self,
        task: str,
        settings: Mapping[str, str],
        *,
        fork: bool = True,
        started: Callable[[int], object] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Run a task, in a child unless told otherwise, and return how it ended.

        `started` is called with the process id of the child.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"task": task, "settings": dict(settings), "fork": fork, **more}) + "\n")
        self._process.stdin.flush()
        reply = self._read()
        if "child" in reply:
            if started:
                started(reply["child"])
            reply = self._read()
        self.memory = reply["memory"]
        assert reply["ended"] != "broken", reply
        return reply

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker is gone; what it said is in its log"
        reply: dict[str, Any] = json.loads(line)
        return reply


@contextmanager
def worker(directory: Path, **environment: str) -> Iterator[Worker]:
    """Start a worker in a directory, which also gets its log."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TAILGUARD_", "PREFECT_"))},
        "PYTHONPATH": str(ROOT),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # One thread each, so that a child may be forked.
        "OPENBLAS_NUM_THREADS": "1",
        **environment,
    }
    with (directory / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulation.worker"],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Worker(process)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
