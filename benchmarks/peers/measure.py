"""Measure one engine in this process: ``python -m benchmarks.peers.measure MODULE DIRECTORY [--once]``.

`DIRECTORY` has the market; the product leaves its levels there, and those of every other engine are compared with them.
The figures are printed as JSON. With ``--once`` the whole history is run once and nothing printed: who starts this
process measures how long it takes, imports and compilation with it.
"""

from __future__ import annotations

import gc
import importlib
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.peers.engines import ENGINES, LENGTHS, OURS, PATH_SESSIONS, PATHS, Engine
from benchmarks.peers.market import WARM_UP, Floats, Market

#: A round of more than SLOW seconds is measured SLOW_ROUNDS times, a shorter one for half a second within ROUNDS.
SLOW, SLOW_ROUNDS, ROUNDS = 0.5, 3, (7, 51)

MARKET, LEVELS = "market.npz", "levels.npz"

Run = Callable[[], Floats]


def timed(run: Run) -> tuple[list[float], Floats]:
    """Seconds of each round, and the levels."""
    seconds: list[float] = []
    rounds = 1
    while len(seconds) < rounds:
        gc.collect()
        started = time.perf_counter()
        levels = run()
        seconds.append(time.perf_counter() - started)
        low, high = ROUNDS
        rounds = SLOW_ROUNDS if seconds[0] > SLOW else int(min(max(0.5 / seconds[0], low), high))
    return seconds, np.asarray(levels)


def history_runs(module: ModuleType, market: Market) -> dict[str, Run]:
    """A run for each length of history, by the number of its sessions."""
    whole = len(market) - WARM_UP - 1
    markets = {length: market.first(length) for length in LENGTHS if length < whole}
    markets |= {whole: market, 2 * whole: market.twice()}
    inputs = {length: module.inputs_of(found) for length, found in markets.items()}
    return {f"sessions {length}": lambda given=given: module.levels_of(given) for length, given in inputs.items()}


def path_runs(module: ModuleType, market: Market, most: int) -> dict[str, Run]:
    """A run for each number of paths: at once if the engine can, or else one after the other."""
    counts = [count for count in PATHS if count <= most]
    markets = [market.drawn(seed, PATH_SESSIONS) for seed in range(counts[-1])]
    if hasattr(module, "levels_of_paths"):
        stacked = {count: module.inputs_of_paths(markets[:count]) for count in counts}
        return {f"paths {count}": lambda given=given: module.levels_of_paths(given) for count, given in stacked.items()}
    inputs = [module.inputs_of(found) for found in markets]

    def each(count: int) -> Floats:
        return np.stack([module.levels_of(given) for given in inputs[:count]], axis=-1)

    return {f"paths {count}": lambda count=count: each(count) for count in counts}


def measured(engine: Engine, module: ModuleType, directory: Path) -> dict[str, object]:
    """Seconds of each round by case, and the largest relative difference of a level from the product's."""
    market = Market.load(directory / MARKET)
    # What is compiled or looked up at the first call is not measured here.
    module.levels_of(module.inputs_of(market.first(LENGTHS[0])))
    runs = history_runs(module, market) | path_runs(module, market, engine.most_paths)
    seconds, levels = {}, {}
    for case, run in runs.items():
        seconds[case], found = timed(run)
        levels[case] = found.reshape(len(found), -1)
    if engine is OURS:
        np.savez(directory / LEVELS, **levels)
    with np.load(directory / LEVELS) as ours:
        difference = max(float(np.max(np.abs(found / ours[case] - 1.0))) for case, found in levels.items())
    medians = {case: statistics.median(values) for case, values in seconds.items()}
    return {
        "version": version(engine.distribution) if engine.distribution else platform.python_version(),
        "seconds": medians,
        "difference": difference,
    }


def main() -> None:
    """Measure, or run once."""
    engine, directory = ENGINES[sys.argv[1]], Path(sys.argv[2])
    module = importlib.import_module(f"benchmarks.peers.{engine.module}")
    if "--once" in sys.argv:
        module.levels_of(module.inputs_of(Market.load(directory / MARKET)))
        return
    sys.stdout.write(json.dumps(measured(engine, module, directory)))


if __name__ == "__main__":
    main()
