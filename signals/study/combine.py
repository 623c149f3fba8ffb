"""One result of what came of the parts of a study."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from signals.document import decode, encode
from signals.study.answer import answer
from signals.study.bootstrap import intervals, stretches
from signals.study.claims import claims
from signals.study.condor.maps import entry_maps
from signals.study.condor.programme import RULES, beside_condor, condor_of
from signals.study.data import StudyData
from signals.study.facts import Facts
from signals.study.hedged import beside_equity
from signals.study.paths.summary import monte_carlo, recorded_fit
from signals.study.plan import (
    BOOTSTRAP,
    CONDOR,
    CONDOR_MAPS,
    CORRELATION,
    DOUBT,
    HEDGED_PATHS,
    PATHS,
    SENSITIVITY,
    Document,
    attempt,
    parts_of,
)
from signals.study.result import (
    SINCE_LIVE,
    STUDY_VERSION,
    Claim,
    Condor,
    CondorCase,
    DeflatedSharpe,
    Estimate,
    Failure,
    Intervals,
    Levels,
    MonteCarlo,
    Sensitivity,
    StudyResult,
    TrackInfo,
)
from signals.study.spec import StudySpec
from signals.study.statistics import STATISTICS, all_figures
from signals.veqtor.signal import VEQTOR_LIVE_SINCE

T = TypeVar("T")

Outcomes = Mapping[str, Document | Failure]


def combine(spec: StudySpec, data: StudyData, outcomes: Outcomes, about: Mapping[str, str]) -> StudyResult:
    """The result of a study.

    Parameters
    ----------
    outcomes : dict of str to document or Failure
        What came of each part, by its name. What one that failed was for is left out, and it is told of.
    about : dict of str to str
        Where the data come from.
    """
    parts = _Parts(spec, outcomes)
    failures = [*data.failures, *parts.failures]
    failures += [
        Failure(f"{HEDGED_PATHS} of {name}", why) for name, why in failed_on_paths(parts.of(HEDGED_PATHS)).items()
    ]

    def held(name: str, found: T | Failure, nothing: T) -> T:
        if isinstance(found, Failure):
            failures.append(found)
            return nothing
        return found

    figures = held("figures", attempt("figures", lambda: all_figures(data.tracks, data.periods)), ())
    estimates = held("intervals", attempt("intervals", lambda: _intervals(spec, data, parts)), ())
    sizes = decode(tuple[Sensitivity, ...], (parts.first(CONDOR_MAPS) or {"maps": []})["maps"])
    condor = held("condor", attempt("condor", lambda: _condor(parts, sizes)), None)
    by_choice = (*sizes, *entry_maps(condor.every if condor else ()))
    markets = held("Monte Carlo", attempt("Monte Carlo", lambda: _monte_carlo(spec, data, parts)), None)
    maps = parts.first(SENSITIVITY) or {"maps": [], "deflated": []}
    doubt = parts.first(DOUBT) or {"maps": []}
    result = StudyResult(
        version=STUDY_VERSION,
        spec=encode(spec),
        data=dict(about),
        simulated=data.signals.inputs.history.data.simulated,
        first=data.periods[0].first,
        last=data.periods[0].last,
        answer=(),
        statistics=STATISTICS,
        periods=data.periods,
        tracks=tuple(
            TrackInfo(track.name, track.label, track.against, data.tracks.sessions[track.first].item(), track.note)
            for track in data.tracks
        ),
        figures=figures,
        intervals=estimates,
        deflated=decode(tuple[DeflatedSharpe, ...], maps["deflated"]),
        sensitivity=(*decode(tuple[Sensitivity, ...], [*doubt["maps"], *maps["maps"]]), *by_choice),
        condor=condor,
        monte_carlo=markets,
        claims=(),
        failures=(),
        levels=levels_of(data),
        notes=_notes(spec, data),
    )
    result = replace(result, claims=held("claims", attempt("claims", lambda: _claims(result, parts)), ()))
    result = replace(result, answer=held("answer", attempt("answer", lambda: answer(result)), ()))
    return replace(result, failures=tuple(failures))


class _Parts:
    """What came of the parts, by kind."""

    def __init__(self, spec: StudySpec, outcomes: Outcomes) -> None:
        found = [(part, outcomes[part.name]) for part in parts_of(spec)]
        self.failures = [outcome for _, outcome in found if isinstance(outcome, Failure)]
        self._found = found

    def of(self, kind: str) -> list[Document]:
        """Documents of a kind in their order; none where one of them failed."""
        own = [outcome for part, outcome in self._found if part.kind == kind]
        return [] if self.failed(kind) else [outcome for outcome in own if not isinstance(outcome, Failure)]

    def failed(self, kind: str) -> bool:
        """Whether a part of a kind failed."""
        return any(part.kind == kind and isinstance(outcome, Failure) for part, outcome in self._found)

    def first(self, kind: str) -> Document | None:
        """The first document of a kind."""
        return next(iter(self.of(kind)), None)


def _intervals(spec: StudySpec, data: StudyData, parts: _Parts) -> tuple[Intervals, ...]:
    documents = parts.of(BOOTSTRAP)
    found = [
        each
        for period, rows in stretches(data.tracks, data.periods).items()
        for each in intervals(data.tracks, spec, *rows, [document[period] for document in documents], period)
    ]
    if not parts.failed(BOOTSTRAP):
        return tuple(found)
    return tuple(
        replace(each, values={key: _without(estimate) for key, estimate in each.values.items()}) for each in found
    )


def _without(estimate: Estimate) -> Estimate:
    return estimate if estimate.value is None else Estimate(estimate.value, why="a part of the bootstrap failed")


def _condor(parts: _Parts, sizes: Sequence[Sensitivity]) -> Condor | None:
    cases = tuple(case for part in parts.of(CONDOR) for case in decode(tuple[CondorCase, ...], part["cases"]))
    return condor_of(cases, RULES, sizes) if cases else None


def _monte_carlo(spec: StudySpec, data: StudyData, parts: _Parts) -> MonteCarlo | None:
    indices, hedged = parts.of(PATHS), parts.of(HEDGED_PATHS)
    if not indices and not hedged:
        return None
    recorded = recorded_fit(data.signals, spec.path_years, data.condor, spec.costs)
    # A hedge that failed in one market has no quantiles over the others.
    without = {beside(name) for name in failed_on_paths(hedged) for beside in (beside_equity, beside_condor)}
    chunks = [{name: figures for name, figures in part["figures"].items() if name not in without} for part in hedged]
    return monte_carlo(spec, indices, chunks, recorded)


def failed_on_paths(hedged: Sequence[Document]) -> dict[str, str]:
    """Hedges that failed in simulated markets, by rule set, and why they did in the first."""
    return {name: why for part in reversed(hedged) for name, why in part["failed"].items()}


def _claims(result: StudyResult, parts: _Parts) -> tuple[Claim, ...]:
    correlation = parts.first(CORRELATION)
    return claims(result, None if correlation is None else decode(Facts, correlation))


def levels_of(data: StudyData) -> Levels:
    """Level of each track by session of the range, 1.0 at its first one in it."""
    rows = slice(data.first, data.last + 1)
    found: dict[str, tuple[float | None, ...]] = {}
    for track in data.tracks:
        levels = track.levels()[rows]
        known = np.isfinite(levels)
        base = levels[np.argmax(known)] if known.any() else 1.0
        found[track.name] = tuple(
            level / base if there else None for level, there in zip(levels.tolist(), known.tolist(), strict=True)
        )
    sessions: list[dt.date] = data.tracks.sessions[rows].tolist()
    return Levels(tuple(sessions), found)


def _notes(spec: StudySpec, data: StudyData) -> tuple[str, ...]:
    found = []
    sessions, start = data.tracks.sessions, np.datetime64(spec.start)
    first = sessions[data.first].item()
    # On a holiday the range begins with the session after it, for no other reason.
    if start < sessions[0] or int(np.searchsorted(sessions, start)) < data.first:
        found.append(f"The range begins on {first}, not {spec.start}: every strategy has a level from that close on.")
    if any(period.key == SINCE_LIVE for period in data.periods):
        found.append(
            f"VEQTOR is published live since {VEQTOR_LIVE_SINCE}: figures of it over the whole range pool what came "
            "since with the back-test before."
        )
    return tuple(found)
