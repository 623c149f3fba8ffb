"""How far the numbers of a study could be luck: the stationary block bootstrap of all strategies together.

Source: D. N. Politis and J. P. Romano, "The stationary bootstrap", Journal of the American Statistical Association 89
(1994) 1303-1313. A sample strings blocks of sessions together, each beginning anywhere and of geometric length, around
the end to the beginning, until it is as long as the range. Every strategy is given the same sessions, so that what is
told of a difference between two is the interval of that difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.study.block_length import optimal_block_length
from signals.study.crashes import crashes
from signals.study.periods import rows_of as rows_of_period
from signals.study.result import SINCE_LIVE, WHOLE_RANGE, Estimate, Intervals, Period
from signals.study.spec import StudySpec
from signals.study.statistics import DAYS_PER_YEAR, MARKET, measures
from signals.study.tracks import Track, Tracks
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.vix_futures import Floats

#: First number of the seeds of this part of a study.
PART = 1

#: Samples drawn from one seed, whoever draws them.
CHUNK = 100

#: The least mean length of a block: a month, as crises outlast what daily returns remember.
SHORTEST_BLOCK = 22

#: Returns below which there is no interval: less than a year holds no crisis to draw again.
SHORTEST_RANGE = 252

#: A deviation of daily returns that is only rounding.
NO_VOLATILITY = 1e-12

#: What is told of every strategy, and of one that is measured against another.
ALONE = ("growth", "volatility", "sharpe", "sortino", "max_drawdown")
PAIRED = ("drag", "drawdown_reduction", "sharpe_gain", "carry")

#: How many standard errors of a share of samples are left as a margin before something is decided.
MARGIN = 2.0

#: Values by strategy, statistic and sample.
Samples = dict[str, dict[str, list[float]]]

Indices = npt.NDArray[np.int64]


def stretches(tracks: Tracks, periods: Sequence[Period]) -> dict[str, tuple[int, int]]:
    """First and last row of the periods that have intervals, by key: the whole range, and since the index is live.

    The years before are its back-test, by whose crash it was designed: a figure over both pools the two.
    """
    found = {each.key: rows_of_period(tracks.sessions, each) for each in periods}
    return {key: found[key] for key in (WHOLE_RANGE, SINCE_LIVE) if key in found}


def cautious(share: float, samples: int) -> float:
    """The share of samples beyond an end at which what is beyond is decided, whatever the seed.

    That of which `MARGIN` standard errors, each ``sqrt(p (1 - p) / samples)``, reach up to `share`: the lower end of
    the interval of E. B. Wilson, *Journal of the American Statistical Association* 22 (1927) 209-212.
    """
    square = MARGIN**2 / samples
    half = share + square / 2.0
    return (half - math.sqrt(half**2 - (1.0 + square) * share**2)) / (1.0 + square)


def mean_block_length(tracks: Tracks, first: int, last: int) -> float:
    """The one mean block length of a study, in sessions.

    The longest that Politis and White's rule gives for the returns of any strategy, and for their absolute values,
    which remember crises as returns do not; never less than `SHORTEST_BLOCK`. Absolute values rather than squares: the
    rule needs fourth moments of what it is given, and daily returns have no eighth.
    """
    found = [float(SHORTEST_BLOCK)]
    for track in tracks:
        returns = track.returns[max(first, track.first) + 1 : last + 1]
        if np.isfinite(returns).all():
            found += [optimal_block_length(returns), optimal_block_length(np.abs(returns))]
    return max(found)


def drawn_rows(random: np.random.Generator, count: int, mean_length: float) -> tuple[Indices, Floats]:
    """The blocks of one sample of a series of `count` values.

    Returns
    -------
    lengths : int, shape (m,)
        Of the blocks, one after the other; together `count`.
    starts : float, shape (m,)
        Where each begins, a share of the series from 0 to below 1.
    """
    lengths: list[int] = []
    left = count
    while left > 0:
        # As many as will mostly do; those beyond the end are not used.
        for length in random.geometric(1.0 / mean_length, size=max(int(1.5 * left / mean_length), 8)).tolist():
            lengths.append(min(length, left))
            left -= lengths[-1]
            if left == 0:
                break
    return np.array(lengths, dtype=np.int64), random.random(len(lengths))


def rows_of(lengths: Indices, starts: Floats, count: int) -> Indices:
    """Rows, shape (count,), of a sample of a series of `count` values, of blocks for a series as long or longer."""
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    offset = np.repeat((starts * count).astype(np.int64) - before, lengths)[:count]
    rows: Indices = (np.arange(count, dtype=np.int64) + offset) % count
    return rows


def bootstrap_chunk(tracks: Tracks, spec: StudySpec, first: int, last: int, chunk: int, count: int) -> Samples:
    """Statistics of every strategy in `count` samples.

    Parameters
    ----------
    first, last : int
        Rows of the tracks: of the session before the first return, and of the last.
    chunk : int
        Number of the chunk. What is drawn depends on it and the seed alone.
    count : int
        Samples in it.

    Returns
    -------
    dict
        Values by track, statistic and sample. A track that begins later is drawn from its own sessions, in the same
        order as far as they go, and so is the one it is measured against. A track with less than `SHORTEST_RANGE`
        returns, or with one that is missing, is left out, and so is a statistic that some sample does not have.
    """
    length = mean_block_length(tracks, first, last)
    groups = _groups(tracks, first, last)
    random = np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(PART, chunk)))
    drawn = [drawn_rows(random, last - first, length) for _ in range(count)]
    samples: Samples = {}
    for group in groups:
        found = np.stack([group.statistics(rows_of(*blocks, group.count)) for blocks in drawn], axis=-1)
        samples.update(group.named(found))
    return {track.name: samples[track.name] for track in tracks if track.name in samples}


def as_recorded(tracks: Tracks, first: int, last: int) -> dict[str, dict[str, float]]:
    """Statistics of every strategy as it was, by track and statistic: the sample that draws each session once.

    Parameters
    ----------
    first, last : int
        As of `bootstrap_chunk`, which leaves out the same.
    """
    found: dict[str, dict[str, float]] = {}
    for group in _groups(tracks, first, last):
        once = group.named(group.statistics(np.arange(group.count))[:, :, np.newaxis])
        found |= {name: {key: value for key, (value,) in values.items()} for name, values in once.items()}
    return found


def intervals(
    tracks: Tracks,
    spec: StudySpec,
    first: int,
    last: int,
    chunks: Sequence[Mapping[str, Mapping[str, list[float]]]],
    period: str = WHOLE_RANGE,
) -> tuple[Intervals, ...]:
    """What was measured of every strategy over the range, with percentile intervals.

    An end of an interval is a quantile of the samples: half of what lies outside `spec.confidence` is beyond each. Ends
    with a margin are those with the share of `cautious` beyond each.

    Parameters
    ----------
    chunks : sequence of samples
        What `bootstrap_chunk` gave, in the order of the chunks.
    period : str
        Key of the range.
    """
    beyond = (1.0 - spec.confidence) / 2.0
    margin = cautious(beyond, spec.samples)
    ends = [beyond, 1.0 - beyond, margin, 1.0 - margin]
    found = []
    for track in tracks:
        measured = measures(tracks, track.name, max(first, track.first), last)
        values = {}
        for key in ALONE + (PAIRED if track.against else ()):
            measure = measured.get(key)
            if measure is None:
                continue
            drawn = [chunk.get(track.name, {}).get(key, []) for chunk in chunks]
            if measure.value is None:
                values[key] = Estimate(None, why=measure.why)
            elif not drawn or not all(drawn):
                values[key] = Estimate(measure.value, why=_why(track, first, last))
            else:
                low, high, least, most = np.quantile(np.concatenate(drawn), ends).tolist()
                values[key] = Estimate(measure.value, low, high, least=least, most=most)
        found.append(Intervals(track.name, values, period))
    return tuple(found)


def _why(track: Track, first: int, last: int) -> str:
    sessions = max(last - max(first, track.first), 0)
    if sessions < SHORTEST_RANGE:
        return f"an interval needs {SHORTEST_RANGE} returns, there are {sessions}"
    if not np.isfinite(track.returns[max(first, track.first) + 1 : last + 1]).all():
        return "an interval needs a return of every session, and some are missing"
    return "some samples have no such statistic"


@dataclass(frozen=True, eq=False)
class _Group:
    """Strategies that begin with the same session, and those they are measured against, over their sessions.

    Attributes
    ----------
    names : tuple of str
        Of the strategies; the first `own` of them are told of.
    against : tuple of (int, int)
        Place of each strategy that is measured against another, and of that one.
    market : int, optional
        Place of the S&P 500, whose crashes count; None without it.
    years : float
        Calendar years of the range.
    logs : float, shape (k, n)
        Of one plus the returns; minus infinity from where everything was lost.
    moments : float, shape (5, k, n)
        Of each session: the return and the return over cash, less their means; their squares; and the square of a
        return over cash that is negative.
    means : float, shape (2, k)
        What was taken away.
    """

    names: tuple[str, ...]
    own: int
    against: tuple[tuple[int, int], ...]
    market: int | None
    years: float
    logs: Floats
    moments: Floats
    means: Floats

    @property
    def count(self) -> int:
        """Returns of each."""
        return len(self.logs[0])

    def statistics(self, rows: Indices) -> Floats:
        """Statistics of one sample, shape (len(ALONE) + len(PAIRED), k); NaN where there are none."""
        times = np.bincount(rows, minlength=self.count).astype(np.float64)
        sums = np.sum(self.moments * times, axis=2)
        deviation, over = (
            np.sqrt(np.maximum(sums[2 + at] - sums[at] ** 2 / self.count, 0.0) / (self.count - 1)) for at in (0, 1)
        )
        mean, below = sums[1] / self.count + self.means[1], np.sqrt(sums[4] / self.count)
        path = np.cumsum(self.logs[:, rows], axis=1)
        # From the first level on, whose logarithm is 0.
        high = np.maximum(np.maximum.accumulate(path, axis=1), 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            alone = np.stack(
                [
                    np.expm1(path[:, -1] / self.years),
                    deviation * math.sqrt(SESSIONS_PER_YEAR),
                    np.where(over > NO_VOLATILITY, mean / over, np.nan) * math.sqrt(SESSIONS_PER_YEAR),
                    np.where(below > NO_VOLATILITY, mean / below, np.nan) * math.sqrt(SESSIONS_PER_YEAR),
                    np.expm1(np.min(path - high, axis=1)),
                ]
            )
            paired = np.full((len(PAIRED), len(self.names)), np.nan)
            carry = self._outside_crashes(path)
            for own, other in self.against:
                growth, _, sharpe, _, depth = alone[:, own] - alone[:, other]
                paired[:, own] = growth, depth / -alone[4, other], sharpe, carry[other] - carry[own]
        return np.concatenate([alone, paired])

    def _outside_crashes(self, path: Floats) -> Floats:
        """Log return a year of each strategy outside crashes, shape (k,); NaN without the market."""
        if self.market is None:
            return np.full(len(path), np.nan)
        whole = np.concatenate([np.zeros((len(path), 1)), path], axis=1)
        falls = crashes(np.exp(whole[self.market]))
        inside = sum(low - high for high, low in falls)
        if inside == self.count:
            return np.full(len(path), np.nan)
        gained = whole[:, -1] - sum((whole[:, low] - whole[:, high] for high, low in falls), np.zeros(len(path)))
        yearly: Floats = gained * (SESSIONS_PER_YEAR / (self.count - inside))
        return yearly

    def named(self, found: Floats) -> Samples:
        """Statistics, shape (statistics, k, samples), by their names; those that a sample lacks left out."""
        return {
            name: {
                key: values[place].tolist()
                for key, values in zip(ALONE + PAIRED, found, strict=True)
                if np.isfinite(values[place]).all()
            }
            for place, name in enumerate(self.names[: self.own])
        }


def _groups(tracks: Tracks, first: int, last: int) -> list[_Group]:
    by_start: dict[int, list[Track]] = {}
    for track in tracks:
        start = max(first, track.first)
        if last - start >= SHORTEST_RANGE and np.isfinite(track.returns[start + 1 : last + 1]).all():
            by_start.setdefault(start, []).append(track)
    return [_group(tracks, own, start, last) for start, own in by_start.items()]


def _group(tracks: Tracks, own: Sequence[Track], start: int, last: int) -> _Group:
    names = [track.name for track in own]
    others = dict.fromkeys([*(track.against for track in own if track.against and track.against in tracks), MARKET])
    rows = slice(start + 1, last + 1)
    names += [
        name
        for name in others
        if name not in names and name in tracks and np.isfinite(tracks[name].returns[rows]).all()
    ]
    returns = np.stack([tracks[name].returns[rows] for name in names])
    excess = returns - tracks.cash[rows]
    means = np.stack([returns.mean(axis=1), excess.mean(axis=1)])
    with np.errstate(divide="ignore"):
        logs = np.log1p(np.maximum(returns, -1.0))
    centred = np.stack([returns, excess]) - means[:, :, np.newaxis]
    return _Group(
        names=tuple(names),
        own=len(own),
        against=tuple((names.index(track.name), names.index(track.against)) for track in own if track.against in names),
        market=names.index(MARKET) if MARKET in names else None,
        years=int((tracks.sessions[last] - tracks.sessions[start]).astype(np.int64)) / DAYS_PER_YEAR,
        logs=logs,
        moments=np.concatenate([centred, centred**2, np.minimum(excess, 0.0)[np.newaxis] ** 2]),
        means=means,
    )
