"""Processes that run at the same instant, on SQLite and on PostgreSQL: one report, one delivery, and no error."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import Task

import flows.backfill
import flows.daily
from flows.steps import compute_step
from storage.runs import ALREADY_EMITTED
from tests.flows.races import Track, zygote
from tests.market_files import SESSIONS, mend_close
from tests.simulation.findings import find
from tests.simulation.receivers import Receivers, receivers
from tests.simulation.worker import _without_engine

pytestmark = [pytest.mark.server, pytest.mark.both_databases]


@pytest.fixture(scope="module")
def racing() -> Iterator[tuple[subprocess.Popen[str], Receivers]]:
    with zygote() as process, receivers() as found:
        yield process, found


@pytest.fixture
def track(racing: tuple[subprocess.Popen[str], Receivers], database_url: str, tmp_path: Path) -> Track:
    process, found = racing
    found.forget()
    return Track(process, database_url, tmp_path / "market", found, len(SESSIONS) - 12)


def test_whatever_runs_at_once_each_report_is_stored_and_told_once(track: Track) -> None:
    track.first_run(processes=2)
    track.same_session(processes=5)
    track.with_backfill(back=8)
    track.revision(back=3)
    track.two_backfills(length=8, apart=4)


@pytest.mark.parametrize("overtaken", ["daily", "backfill"])
def test_a_signal_that_newer_values_overtook_is_computed_again(
    market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overtaken: str
) -> None:
    last = SESSIONS[-1]
    monkeypatch.setenv("TAILGUARD_CLOCK", f"{last}T18:45")
    monkeypatch.setattr(Task, "__call__", _without_engine)
    compute, calls = compute_step, []

    def compute_while_another_runs(*arguments: Any) -> Any:
        computed = compute(*arguments)
        calls.append(computed)
        if len(calls) == 1:
            # It reads a close that was mended since, and emits before us.
            mend_close(market, last, 0.01)
            assert flows.daily.daily.fn().name == "Emitted"
        return computed

    for module in (flows.daily, flows.backfill):
        monkeypatch.setattr(module, "compute_step", compute_while_another_runs)
    if overtaken == "daily":
        assert flows.daily.daily.fn().name == "AlreadyEmitted"
    else:
        assert flows.backfill.backfill.fn(last, last).data.outcomes == {ALREADY_EMITTED: 1}

    # Ours, the other's, and ours again.
    assert len(calls) == 3
    (key,) = find(f"sqlite:///{tmp_path / 'tailguard.db'}").reports
    assert key == (last, 1)
