"""Facts of the market itself that claims are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.study.block_length import optimal_block_length
from signals.study.bootstrap import CHUNK, SHORTEST_BLOCK, SHORTEST_RANGE, cautious, drawn_rows, rows_of
from signals.study.result import Estimate
from signals.study.spec import StudySpec
from signals.vix_futures import Floats

#: First number of the seeds of this part of a study.
PART = 2


@dataclass(frozen=True)
class Facts:
    """Correlations of daily changes of the S&P 500 and the VIX.

    Attributes
    ----------
    log_changes : Estimate
        Of the logarithms of both.
    point_changes : Estimate
        Of the return of the S&P 500 and the change of the VIX in points.
    """

    log_changes: Estimate
    point_changes: Estimate


def market_facts(spx: Floats, vix: Floats, spec: StudySpec) -> Facts:
    """Correlations over a range with percentile intervals of the stationary bootstrap.

    Parameters
    ----------
    spx, vix : float, shape (n,)
        Closes of the sessions of the range, index points and VIX points.
    spec : StudySpec
        Seed, samples and confidence.
    """
    returns, relative, points = np.diff(np.log(spx)), np.diff(np.log(vix)), np.diff(vix)
    simple = np.expm1(returns)
    if len(returns) < SHORTEST_RANGE:
        none = Estimate(None, why=f"an interval needs {SHORTEST_RANGE} returns, there are {len(returns)}")
        return Facts(none, none)
    series = np.stack([returns, relative, simple, points])
    if not np.isfinite(series).all() or (series.std(axis=1) == 0.0).any():
        none = Estimate(None, why="a close is missing, or one of the two never moved")
        return Facts(none, none)
    length = max(SHORTEST_BLOCK, *(optimal_block_length(each) for row in series for each in (row, np.abs(row))))
    count = len(returns)
    centred = series - series.mean(axis=1, keepdims=True)
    # Sums from which both correlations follow, whatever the sessions drawn.
    products = np.stack([*centred, *centred**2, centred[0] * centred[1], centred[2] * centred[3]])
    drawn = [_correlations(np.sum(products, axis=1), count)]
    for chunk in range(-(-spec.samples // CHUNK)):
        random = np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(PART, chunk)))
        for _ in range(min(CHUNK, spec.samples - chunk * CHUNK)):
            rows = rows_of(*drawn_rows(random, count, length), count)
            times = np.bincount(rows, minlength=count).astype(np.float64)
            drawn.append(_correlations(np.sum(products * times, axis=1), count))
    beyond = (1.0 - spec.confidence) / 2.0
    margin = cautious(beyond, spec.samples)
    ends = [beyond, 1.0 - beyond, margin, 1.0 - margin]
    found = []
    for values in zip(*drawn, strict=True):
        low, high, least, most = np.quantile(values[1:], ends).tolist()
        found.append(Estimate(values[0], low, high, least=least, most=most))
    return Facts(*found)


def _correlations(sums: Floats, count: int) -> tuple[float, float]:
    means, squares = sums[:4] / count, sums[4:8] / count
    spreads = np.sqrt(squares - means**2)
    return (
        float((sums[8] / count - means[0] * means[1]) / (spreads[0] * spreads[1])),
        float((sums[9] / count - means[2] * means[3]) / (spreads[2] * spreads[3])),
    )
