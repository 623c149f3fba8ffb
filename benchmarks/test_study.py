"""The simulated markets of the study: how the kernels scale, and 10,000 markets of ten years on two cores."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from signals.alvh.ruleset_files import shipped_rule_set
from signals.study.paths.chunks import PATHS_IN_CHUNK, hedged_chunk, index_chunk
from signals.study.paths.indices import PathIndices, path_indices
from signals.study.paths.market import draw_markets
from signals.study.paths.sessions import path_sessions
from signals.study.paths.veqtor import table_weights, with_stop_loss
from signals.study.spec import StudySpec
from signals.veqtor.index import veqtor_history
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals

SPEC = StudySpec(dt.date(2006, 1, 3), dt.date(2026, 7, 29))

#: 10,000 markets of 2,520 sessions in two processes of their own. Inside: start of the processes, random numbers,
#: prices of the S&P 500, the VIX and two futures, rates, the short-term index, VEQTOR with its stop-loss after costs,
#: and its statistics against the S&P 500.
TEN_THOUSAND = """
import json, multiprocessing, resource, sys, time
from concurrent.futures import ProcessPoolExecutor

def chunk(number):
    from signals.study.paths.figures import against, alone
    from signals.study.paths.indices import path_indices
    from signals.study.paths.market import draw_markets
    from signals.study.paths.sessions import path_sessions
    from signals.study.spec import TradingCosts

    indices = path_indices(draw_markets(1, range(500 * number, 500 * number + 500), path_sessions(10)))
    cash = indices.accrual[1:]
    unhedged = alone(indices.equity_change[1:], cash, 3660)
    own = alone(indices.net(indices.veqtor(), TradingCosts()), cash, 3660)
    drag = against(own, unhedged)["drag"]
    return drag.tolist(), multiprocessing.current_process().pid, peak()

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

if __name__ == "__main__":
    started = time.perf_counter()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(chunk, range(20)))
    wall = time.perf_counter() - started
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    peaks = {pid: size for _, pid, size in found}
    print(json.dumps({
        "markets": sum(len(drag) for drag, _, _ in found),
        "wall_s": wall,
        "processor_s": workers.ru_utime + workers.ru_stime,
        "peak_mb": (peak() + sum(peaks.values())) / 1e6,
    }))
"""


@cache
def drawn(years: int) -> PathIndices:
    """A chunk of markets."""
    return path_indices(draw_markets(SPEC.seed, range(PATHS_IN_CHUNK), path_sessions(years)))


def veqtor(indices: PathIndices, chunks: int) -> None:
    """VEQTOR with its stop-loss from closes and returns, a chunk after the other."""
    for _ in range(chunks):
        decided = table_weights(indices.markets.spx, indices.markets.vix, VEQTOR)
        futures = indices.short_term.total_change
        with_stop_loss(decided, indices.equity_change, futures, indices.accrual, indices.sessions.base, VEQTOR)


@pytest.mark.parametrize("paths", [500, 1_000, 10_000])
def test_veqtor_by_path_count(benchmark: BenchmarkFixture, paths: int) -> None:
    """The kernel alone, of ten years; the same 500 markets again and again."""
    benchmark.pedantic(veqtor, args=(drawn(10), paths // PATHS_IN_CHUNK), rounds=3)


@pytest.mark.parametrize("years", [1, 5, 10, 20])
def test_veqtor_by_history_length(benchmark: BenchmarkFixture, years: int) -> None:
    """The kernel alone, of 500 markets."""
    benchmark.pedantic(veqtor, args=(drawn(years), 1), rounds=5)


@pytest.mark.parametrize("how", ["daily", "paths"])
def test_veqtor_of_the_recorded_history(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals, how: str) -> None:
    """One market: the fold of the daily signals, and the kernel across markets, which is not made for one."""
    signals, base, end = recorded_signals, recorded_signals.veqtor.base, recorded_signals.inputs.usable
    spx, vix = signals.inputs.history.spx_yahoo[:end], signals.inputs.vix[:end]
    equity, overnight = signals.inputs.equity.change[:end], signals.inputs.overnight.rate[:end]
    futures, accrual = signals.short_term.total_return_change, signals.veqtor.accrual
    sessions = signals.inputs.sessions[:end]
    if how == "daily":
        volatility = np.concatenate([np.full(base, np.nan), futures])
        benchmark(veqtor_history, sessions, base, spx, vix, equity, volatility, overnight, VEQTOR)
        return

    def kernel() -> None:
        decided = table_weights(spx[:, np.newaxis], vix[:, np.newaxis], VEQTOR)
        own = (values[:, np.newaxis] for values in (equity[base:], futures, accrual[base:]))
        with_stop_loss(decided, *own, base, VEQTOR)

    benchmark(kernel)


def test_markets(benchmark: BenchmarkFixture) -> None:
    """Draw 500 markets of ten years, and price two futures on every session."""
    sessions = path_sessions(10)
    benchmark.pedantic(lambda: path_indices(draw_markets(SPEC.seed, range(PATHS_IN_CHUNK), sessions)), rounds=3)


def test_index_chunk(benchmark: BenchmarkFixture) -> None:
    """A part of a study: 500 markets, six strategies, and the moments of the market."""
    benchmark.pedantic(index_chunk, args=(SPEC, 0, PATHS_IN_CHUNK), rounds=3, warmup_rounds=1)


def test_hedged_chunk(benchmark: BenchmarkFixture) -> None:
    """One market of ten years: three books, and the condor programme alone and beside each, under three skews."""
    rule_sets = [shipped_rule_set(name) for name in ("alvh-seed", "alvh-442", "alvh-seed-reactive")]
    benchmark.pedantic(hedged_chunk, args=(SPEC, rule_sets, 0, 1), rounds=3, warmup_rounds=1)


def test_ten_thousand_markets(
    benchmark: BenchmarkFixture, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole of it, in processes of its own; peak memory is the sum over the three."""
    script = tmp_path_factory.mktemp("markets") / "ten_thousand.py"
    script.write_text(TEN_THOUSAND)
    # A process starts with the peak of the one that spawned it, and this one is large.
    launcher = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, sys.argv[1]]).returncode)"
    command = [sys.executable, "-I", "-S", "-c", launcher, str(script)]
    found: list[dict[str, float]] = []

    def run() -> None:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - the script above
        found.append(json.loads(done.stdout))

    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info.update(found[-1])
    with capsys.disabled():
        sys.stdout.write(f"\n10,000 markets of 2,520 sessions: {json.dumps(found[-1])}\n")
    assert found[-1]["markets"] == 10_000
