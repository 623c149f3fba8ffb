"""What a study found, as frozen dataclasses that become JSON. Standard library only: who reads it loads no numpy.

Shares are decimals unless a unit says otherwise. Whatever cannot be told has a `why` in place of a value.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

#: Version of the document and of the methods behind it: stored parts of another version are not used.
STUDY_VERSION = 1

#: Verdicts on a claim, or a finding for it.
HOLDS, FAILS, CANNOT_TELL, NOT_TESTED = "holds", "does not hold", "cannot tell", "not tested"

#: Verdict on a claim that can be read in several ways which come out differently.
DEPENDS = "depends on the reading"

#: Where a finding comes from.
RECORDED, SIMULATED = "recorded", "simulated"

#: Keys of the periods that have intervals.
WHOLE_RANGE, SINCE_LIVE = "whole", "live"

#: Kinds of periods.
WHOLE, CRISIS, CALM, LIVE, BACK_TEST = "whole range", "crisis", "calm", "live", "back-test"


@dataclass(frozen=True)
class Measure:
    """A number, or why there is none."""

    value: float | None
    why: str = ""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; `value` None with the reason where it cannot be told.

    Attributes
    ----------
    least, most : float, optional
        The interval with a margin for the error of having drawn so few samples: what lies beyond is decided whatever
        the seed. None where the interval has no such error.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def sure(self) -> tuple[float, float] | None:
        """The ends by which something is decided; None without an interval."""
        if self.low is None or self.high is None:
            return None
        return (
            self.low if self.least is None else min(self.low, self.least),
            self.high if self.most is None else max(self.high, self.most),
        )

    def negative(self) -> Estimate:
        """The same of the opposite."""
        value, low, high, least, most = (
            None if each is None else -each for each in (self.value, self.high, self.low, self.most, self.least)
        )
        return Estimate(value, low, high, self.why, least, most)


@dataclass(frozen=True)
class Period:
    """A stretch that is looked at: `first` is the session whose close the first return is counted from."""

    key: str
    label: str
    kind: str
    first: dt.date
    last: dt.date


@dataclass(frozen=True)
class Statistic:
    """What a column of figures is."""

    key: str
    label: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class TrackInfo:
    """A strategy of the study; see `signals.study.tracks.Track`."""

    name: str
    label: str
    against: str | None
    first: dt.date
    note: str = ""


@dataclass(frozen=True)
class Figures:
    """Statistics of a strategy over a period, by key."""

    track: str
    period: str
    values: dict[str, Measure]


@dataclass(frozen=True)
class Intervals:
    """Statistics of a strategy over a period, `WHOLE_RANGE` or `SINCE_LIVE`, with bootstrap intervals, by key."""

    track: str
    values: dict[str, Estimate]
    period: str = WHOLE_RANGE


@dataclass(frozen=True)
class Sensitivity:
    """A statistic of a strategy over a grid of two parameters; `values[i][j]` belongs to `rows[i]` and `columns[j]`."""

    key: str
    title: str
    track: str
    statistic: str
    row_name: str
    column_name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    chosen: tuple[int, int] | None
    sentence: str


@dataclass(frozen=True)
class DeflatedSharpe:
    """Whether the best Sharpe ratio of some variants is more than the luck of having tried so many.

    Attributes
    ----------
    best : str
    sharpe, expected_maximum : float
        A year: of the best, and of the best of as many without skill.
    trials : int
    probability : float
        That the true one is above the expected maximum (Bailey and Lopez de Prado 2014).
    """

    question: str
    best: str
    sharpe: float
    expected_maximum: float
    trials: int
    probability: float
    sentence: str


@dataclass(frozen=True)
class CondorCase:
    """The condor programme under one skew, decided on one day of the week: unhedged, or beside a hedge.

    Attributes
    ----------
    hedge : str
        Name of a rule set; empty for the unhedged programme.
    skew : float
        Factor on the slope of the surface: 1 as documented.
    values : dict of str to Measure
        Statistics by key, with ``over_cash`` (growth less that of cash), ``income`` (premium kept, a share of the value
        a year), ``trades``, ``win_rate``, ``average_win``, ``average_loss``, ``break_even_win_rate``, each condor with
        what the hedge gained while it was open, and the average points ``break_even_down`` and ``break_even_up`` at
        which an unhedged condor gains nothing at its expiry, shares of the index at entry.
    entry : int
        Sessions from the last close of a week to the decision: 0 in the study, others in the sweep.
    """

    hedge: str
    skew: float
    values: dict[str, Measure]
    entry: int = 0


@dataclass(frozen=True)
class Condor:
    """The condor programme: its rules in a sentence, every case, and what can be said whatever the choices.

    Attributes
    ----------
    cases, other_days : tuple of CondorCase
        Under every skew, as the rules say; and the same decided on the other days of a week.
    """

    rules: str
    cases: tuple[CondorCase, ...]
    sentences: tuple[str, ...]
    other_days: tuple[CondorCase, ...] = ()

    @property
    def every(self) -> tuple[CondorCase, ...]:
        """The cases of all skews and all days."""
        return (*self.cases, *self.other_days)


@dataclass(frozen=True)
class FitRow:
    """A moment of the market model against the recorded one, with the range over simulated markets."""

    label: str
    unit: str
    recorded: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class PathFigures:
    """A statistic of a strategy over simulated markets: its quantiles, and the standard error of the median.

    `quantiles` belong to 0.05, 0.25, 0.5, 0.75 and 0.95.

    Attributes
    ----------
    swept : tuple of (float, float)
        Median and its standard error under each other skew, for what a hedge does to the condor programme.
    """

    track: str
    statistic: str
    paths: int
    quantiles: tuple[float, ...]
    mean: float
    standard_error: float
    swept: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class MonteCarlo:
    """Simulated markets; `hedged` are the fewer ones on which the books of the hedges and the condor were folded."""

    years: int
    indices: tuple[PathFigures, ...]
    hedged: tuple[PathFigures, ...]
    fit: tuple[FitRow, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What was measured for a claim, for one hedge, portfolio or method.

    Attributes
    ----------
    method : str
        `RECORDED` or `SIMULATED`.
    counts : bool
        Whether the claim is judged by it; others are for comparison.
    reading : str
        In which sense of the claim, where there are several.
    """

    what: str
    unit: str
    estimate: Estimate
    verdict: str
    method: str = RECORDED
    counts: bool = True
    reading: str = ""


@dataclass(frozen=True)
class Claim:
    """A claim of the public descriptions, what was measured, and the verdict in a sentence."""

    key: str
    claim: str
    low: float
    high: float
    findings: tuple[Finding, ...]
    verdict: str
    sentence: str


@dataclass(frozen=True)
class Failure:
    """A part of the study that came to nothing."""

    part: str
    why: str


@dataclass(frozen=True)
class Levels:
    """Levels of each track by session, 1.0 at its first; None before."""

    sessions: tuple[dt.date, ...]
    tracks: dict[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class StudyResult:
    """Everything a study found.

    Attributes
    ----------
    spec : dict
        `StudySpec` as a document.
    data : dict of str to str
        ``source``, ``digest`` (of all inputs), ``sessions``, ``last session``, and what else tells where they came
        from.
    answer : tuple of str
        Paragraphs. The first says whether it is worth it, in numbers with intervals; what else bears on it follows.
    """

    version: int
    spec: dict[str, object]
    data: dict[str, str]
    simulated: bool
    first: dt.date
    last: dt.date
    answer: tuple[str, ...]
    statistics: tuple[Statistic, ...]
    periods: tuple[Period, ...]
    tracks: tuple[TrackInfo, ...]
    figures: tuple[Figures, ...]
    intervals: tuple[Intervals, ...]
    deflated: tuple[DeflatedSharpe, ...]
    sensitivity: tuple[Sensitivity, ...]
    condor: Condor | None
    monte_carlo: MonteCarlo | None
    claims: tuple[Claim, ...]
    failures: tuple[Failure, ...]
    levels: Levels
    notes: tuple[str, ...] = ()

    def statistic(self, key: str) -> Statistic:
        """What a key stands for."""
        return next(each for each in self.statistics if each.key == key)

    def figure(self, track: str, key: str, period: str = "whole") -> Measure:
        """A statistic of a strategy over a period."""
        for each in self.figures:
            if (each.track, each.period) == (track, period):
                return each.values.get(key, Measure(None, "not measured"))
        return Measure(None, "not measured")

    def estimate(self, track: str, key: str, period: str = WHOLE_RANGE) -> Estimate:
        """A statistic of a strategy over the whole range, or since the index is live, with its interval."""
        for each in self.intervals:
            if (each.track, each.period) == (track, period):
                return each.values.get(key, Estimate(None, why="not measured"))
        return Estimate(None, why="not measured")
