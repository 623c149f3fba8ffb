"""Ctrl-C in a terminal: every process of the command gets it, the temporary Prefect server too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.engine import open_engine
from storage.unit_of_work import UnitOfWork

pytestmark = pytest.mark.server


def runs(database: Path) -> int:
    """How many runs the ledger of a database that may not be there yet has."""
    try:
        with UnitOfWork(open_engine(f"sqlite:///{database}", must_exist=True)) as work:
            return int(work.runs.latest() is not None)
    except Exception:  # noqa: BLE001 - the command under test is just creating it
        return 0


def test_ctrl_c_ends_a_backfill_soon_with_one_sentence(data_dir: Path, tmp_path: Path) -> None:
    command = [Path(sys.executable).parent / "tailguard", "backfill", "--source", "files", "--data-dir", data_dir]
    command += ["--start", "2006-01-03", "--end", "2026-07-29"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "TAILGUARD_"))}
    backfill = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment | {"PREFECT_HOME": str(tmp_path / "prefect")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while backfill.poll() is None and not runs(tmp_path / "tailguard.db"):
        time.sleep(0.2)
    os.killpg(backfill.pid, signal.SIGINT)
    out, err = backfill.communicate(timeout=30)

    assert backfill.returncode == 130, err
    assert (out, err.strip()) == ("", "Interrupted. What was stored stays; run it again to go on.")
    with UnitOfWork(open_engine(f"sqlite:///{tmp_path / 'tailguard.db'}")) as work:
        last = work.runs.latest()
    assert last
    assert last.message == "2006-01-03 to 2026-07-29: interrupted; run it again to go on"
