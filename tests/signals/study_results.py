"""Results of a study as tests put them together: only what a sentence is made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from signals.study.result import (
    LIVE,
    SINCE_LIVE,
    STUDY_VERSION,
    Condor,
    CondorCase,
    Estimate,
    Failure,
    Figures,
    Intervals,
    Levels,
    Measure,
    MonteCarlo,
    PathFigures,
    Period,
    StudyResult,
    TrackInfo,
)

LIVE_FROM = dt.date(2009, 11, 17)
FIRST, LAST = dt.date(2006, 3, 31), dt.date(2026, 7, 29)

#: Names, labels and what they are measured against.
TRACKS = (
    ("sp500", "S&P 500 TR", None),
    ("veqtor", "VEQTOR", "sp500"),
    ("sp500+alvh-442", "S&P 500 TR + alvh-442", "sp500"),
    ("sp500+alvh-seed", "S&P 500 TR + alvh-seed", "sp500"),
    ("condor", "Iron condors", None),
    ("condor+alvh-seed", "Iron condors + alvh-seed", "condor"),
    ("vxth", "VXTH", "sp500"),
)


def result_of(
    estimates: Mapping[str, Mapping[str, Estimate]],
    *,
    tracks: tuple[str, ...] | None = None,
    figures: Mapping[str, Mapping[str, Measure]] | None = None,
    skews: Mapping[float, Mapping[str, float]] | None = None,
    hedged: tuple[PathFigures, ...] = (),
    indices: tuple[PathFigures, ...] = (),
    failures: tuple[Failure, ...] = (),
    simulated: bool = False,
    live: Mapping[str, Mapping[str, Estimate]] | None = None,
    live_until: dt.date = LAST,
    rule_sets: tuple[str, ...] = (),
) -> StudyResult:
    """A result with these estimates by track and statistic; `skews` are of the condors beside alvh-seed.

    `figures` are by track, or by track and period after a slash; `live` are estimates since VEQTOR is live.
    """
    cases = tuple(
        CondorCase("alvh-seed", skew, {key: Measure(value) for key, value in values.items()})
        for skew, values in (skews or {}).items()
    )
    return StudyResult(
        version=STUDY_VERSION,
        spec={"confidence": 0.95, "rule_sets": [[name, ""] for name in rule_sets]},
        data={},
        simulated=simulated,
        first=FIRST,
        last=LAST,
        answer=(),
        statistics=(),
        periods=() if live is None else (Period(SINCE_LIVE, "live", LIVE, LIVE_FROM, live_until),),
        tracks=tuple(
            TrackInfo(name, label, against, FIRST)
            for name, label, against in TRACKS
            if tracks is None or name in tracks
        ),
        figures=tuple(
            Figures(name.partition("/")[0], name.partition("/")[2] or "whole", dict(values))
            for name, values in (figures or {}).items()
        ),
        intervals=(
            *(Intervals(name, dict(values)) for name, values in estimates.items()),
            *(Intervals(name, dict(values), SINCE_LIVE) for name, values in (live or {}).items()),
        ),
        deflated=(),
        sensitivity=(),
        condor=Condor("", cases, ()) if cases else None,
        monte_carlo=MonteCarlo(10, indices, hedged, (), ()) if hedged or indices else None,
        claims=(),
        failures=failures,
        levels=Levels((), {}),
    )
