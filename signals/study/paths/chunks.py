"""Parts of the Monte Carlo study: statistics of strategies on some of the simulated markets.

Markets are numbered, and each is drawn from a seed of its own: what is found of one depends on the seed of the study,
its number, the length and the costs, and not on the chunk it came in. The hedges are folded on the first of the same
markets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from signals.alvh.rules import RuleSet
from signals.study.paths.indices import index_figures, path_indices
from signals.study.paths.market import draw_markets
from signals.study.paths.moments import simulated_moments
from signals.study.paths.sessions import path_sessions
from signals.study.spec import StudySpec

#: Simulated markets in a chunk.
PATHS_IN_CHUNK = 500
HEDGED_PATHS_IN_CHUNK = 5

#: What stands for the market itself among the strategies.
MARKET = "market"

#: Values by strategy, statistic and market.
Chunk = dict[str, dict[str, list[float]]]


def index_chunk(spec: StudySpec, chunk: int, count: int) -> Chunk:
    """Statistics of the S&P 500, VEQTOR and constant weights, after costs, in each market of a chunk.

    What the market itself was like is under `MARKET`.

    Parameters
    ----------
    chunk : int
        Number of the chunk, from 0.
    count : int
        Markets of it, at most `PATHS_IN_CHUNK`; the last chunk of a study may have fewer.
    """
    markets = draw_markets(spec.seed, _numbers(chunk, count, PATHS_IN_CHUNK), path_sessions(spec.path_years))
    indices = path_indices(markets)
    return {MARKET: simulated_moments(indices), **as_lists(index_figures(indices, spec.costs))}


def hedged_chunk(spec: StudySpec, rule_sets: Sequence[RuleSet], chunk: int, count: int) -> Chunk:
    """Statistics of the S&P 500 beside each hedge, and of the condor programme, in each market of a chunk.

    Parameters
    ----------
    rule_sets : sequence of RuleSet
    chunk, count : int
        As of `index_chunk`, of at most `HEDGED_PATHS_IN_CHUNK` markets.
    """
    from signals.study.paths.hedged import hedged_figures

    numbers = _numbers(chunk, count, HEDGED_PATHS_IN_CHUNK)
    markets = draw_markets(spec.seed, numbers, path_sessions(spec.path_years), breadth=True)
    return hedged_figures(markets, rule_sets, spec.costs)


def _numbers(chunk: int, count: int, size: int) -> range:
    if not (chunk >= 0 and 0 < count <= size):
        raise ValueError(f"a chunk has 1 to {size} markets, and a number from 0 on")
    return range(chunk * size, chunk * size + count)


def as_lists(figures: Mapping[str, Mapping[str, np.ndarray]]) -> Chunk:
    """Statistics as JSON can hold them."""
    return {name: {key: values.tolist() for key, values in own.items()} for name, own in figures.items()}
