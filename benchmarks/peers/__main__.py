"""Measure every engine and write the section of docs/benchmarks.md: ``make bench-peers``."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.peers.chart import draw
from benchmarks.peers.document import Measured, section, write
from benchmarks.peers.engines import OURS, PEERS, Engine
from benchmarks.peers.market import WARM_UP
from benchmarks.peers.measure import MARKET
from benchmarks.peers.ours import levels_of
from benchmarks.peers.recorded import ROOT, market_of, signals

#: The interpreter of the environment that has the other engines.
PEERS_PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"

NEW_PROCESSES = 3

#: Levels that differ by more are not the same backtest.
TOLERANCE = 1e-9

#: Other programs that want a processor, on average over the last minute, from which on the page says so.
BUSY = 0.5


def python(engine: Engine, *arguments: str) -> str:
    """What ``python -m benchmarks.peers.measure`` prints in the environment of an engine."""
    command = [sys.executable if engine is OURS else str(PEERS_PYTHON), "-m", "benchmarks.peers.measure", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout  # noqa: S603 - ours


def measure(engine: Engine, directory: str) -> Measured:
    """Everything about one engine.

    Raises
    ------
    SystemExit
        When its levels are not the product's.
    """
    sys.stdout.write(f"{engine.label} ...")
    sys.stdout.flush()
    found = json.loads(python(engine, engine.module, directory))
    if not found["difference"] <= TOLERANCE:
        raise SystemExit(f"{engine.label}: levels differ from ours by {found['difference']:.1e}, more than {TOLERANCE}")
    walls = []
    for _ in range(NEW_PROCESSES):
        started = time.perf_counter()
        python(engine, engine.module, directory, "--once")
        walls.append(time.perf_counter() - started)
    sys.stdout.write(f" {sum(walls) / len(walls):.1f} s in a new process\n")
    return Measured(engine=engine, new_process=statistics.median(walls), **found)


def main() -> None:
    """Measure one engine after the other, then write."""
    busy = os.getloadavg()[0]
    found = signals()
    simulated = found.inputs.history.data.simulated
    market = market_of(found)
    published = found.veqtor.total_return[found.veqtor.base :]
    if not np.max(np.abs(levels_of(market) / published - 1.0)) <= TOLERANCE:
        raise SystemExit("the levels of what the engines are given are not those of the product's reports")
    with tempfile.TemporaryDirectory() as directory:
        market.save(Path(directory) / MARKET)
        # Ours comes first: the others are compared with what it leaves.
        measured = [measure(engine, directory) for engine in (OURS, *PEERS)]
    text = section(measured, market.sessions[WARM_UP:].tolist(), simulated=simulated, busy=busy > BUSY)
    sys.stdout.write(f"\n{text}\n")
    if simulated:
        sys.stdout.write("No recorded data: this is the SIMULATED sample market; docs/benchmarks.md is as it was.\n")
        return
    write(text)
    draw(measured)


if __name__ == "__main__":
    main()
