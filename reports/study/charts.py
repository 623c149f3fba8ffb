"""The charts of a study, described from what it found: each title is an answer. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from reports.charts.axes import round_ticks
from reports.charts.chart import (
    FIRST,
    FOURTH,
    LOGARITHMIC,
    SECOND,
    THIRD,
    WHOLE,
    Band,
    Chart,
    Line,
    Moment,
    Panel,
    Points,
    Shade,
)
from reports.inert import inert
from reports.study import spans
from reports.study.figures import SHARE, between, figure
from reports.study.names import label_of, named, unit_of
from reports.words import listed
from signals.study.result import CRISIS, LIVE

if TYPE_CHECKING:
    from signals.study.result import CondorCase, StudyResult, TrackInfo

_ROLES = (WHOLE, FIRST, SECOND, THIRD, FOURTH)

#: Above the lines of levels, for the names of crises.
_ROOM_FOR_LABELS = 2.2

#: Strategies that lines are always drawn of.
_KNOWN = ("veqtor", "vxth")


def study_charts(result: StudyResult) -> tuple[Chart, ...]:
    """Describe every chart that has something to say, in the order in which they are read."""
    return tuple(map(inert, _found(result)))


def _found(result: StudyResult) -> Iterator[Chart]:
    yield from _levels(result)
    yield from spans.claims(result)
    yield from spans.worth(result)
    yield from _condor(result)
    yield from spans.paths(result)
    yield from spans.fit(result)
    yield from spans.maps(result)


def _main(result: StudyResult) -> list[TrackInfo]:
    """The strategies that lines are drawn of: the unhedged, VEQTOR, the first hedges, VXTH; others fill up."""
    there = [each for each in result.tracks if each.name in result.levels.tracks]
    unhedged = next((each for each in there if each.against is None), None)
    if unhedged is None:
        return []
    hedged = [each for each in there if each.against == unhedged.name]
    known = [each for each in hedged if each.name in _KNOWN]
    others = sorted((each for each in hedged if each not in known), key=lambda each: "+" not in each.name)
    chosen = [*known, *others][: len(_ROLES) - 1]
    return [unhedged, *(each for each in hedged if each in chosen)]


def _levels(result: StudyResult) -> Iterator[Chart]:
    shown = _main(result)
    if len(shown) < 2 or len(result.levels.sessions) < 2:
        return
    lines = {each.name: _line(result, each, shown[0]) for each in shown}
    yield _growth(result, lines)
    yield _drawdowns(result, {name: _falls(line) for name, line in lines.items()})


def _growth(result: StudyResult, lines: dict[str, Points]) -> Chart:
    names = {name: named(result, name) for name in lines}
    grown = [f"{label} {_figure(result, name, 'growth')}" for name, label in names.items()]
    ends = {name: next(value for _, value in reversed(line) if value is not None) for name, line in lines.items()}
    highest = max(value for line in lines.values() for _, value in line if value is not None)
    live = {each.first: each.label for each in result.periods if each.kind == LIVE and each.first > result.first}
    return Chart(
        name="growth",
        section="answer",
        title=f"Growth a year: {', '.join(grown)}",
        subtitle=f"Total return after costs, {result.first} = 1, logarithmic",
        alt=f"What 1 became from {result.first} to {result.last}, on a logarithmic scale: "
        + ", ".join(f"{label} {ends[name]:.2f}" for name, label in names.items())
        + f". Growth a year: {', '.join(grown)}.",
        note="Grey: crises. A strategy that begins later starts where the unhedged one is.",
        panels=(
            Panel(
                f"{result.first} = 1",
                lines=tuple(
                    Line(f"{names[name]} {ends[name]:.2f}", lines[name], role)
                    for name, role in reversed(list(zip(lines, _ROLES, strict=False)))
                ),
                shades=_crises(result, labelled=True),
                moments=tuple(Moment(day, f"{label.partition(':')[0]} live") for day, label in live.items()),
                scale=LOGARITHMIC,
                high=highest * _ROOM_FOR_LABELS,
            ),
        ),
        simulated=result.simulated,
    )


def _drawdowns(result: StudyResult, falls: dict[str, Points]) -> Chart:
    """Each strategy in a panel of its own, above what the unhedged fell."""
    unhedged, *others = falls
    band = tuple((place, value, 0.0) for place, value in falls[unhedged] if value is not None)
    low = min(value for line in falls.values() for _, value in line if value is not None)
    told = {name: f"{named(result, name)} {_figure(result, name, 'max_drawdown')}" for name in falls}
    said = ", ".join(told.values())
    return Chart(
        name="drawdowns",
        section="whole",
        title=f"Deepest falls: {said}",
        subtitle=f"% below the highest close so far; grey area: {label_of(result, unhedged)}",
        alt=f"Falls from the highest close so far, {result.first} to {result.last}. Deepest: {said}.",
        note="Grey stretches: crises.",
        panels=tuple(
            Panel(
                told[name],
                lines=(Line("", falls[name], FIRST),),
                bands=(Band("", band),),
                shades=_crises(result, labelled=False),
                suffix="%",
                low=1.05 * low,
                high=0.0,
            )
            for name in others
        ),
        simulated=result.simulated,
    )


def _crises(result: StudyResult, *, labelled: bool) -> tuple[Shade, ...]:
    return tuple(
        Shade(each.first, each.last, each.label if labelled else "") for each in result.periods if each.kind == CRISIS
    )


def _figure(result: StudyResult, track: str, key: str) -> str:
    return figure(result.figure(track, key).value, unit_of(result, key))


def _line(result: StudyResult, track: TrackInfo, unhedged: TrackInfo) -> Points:
    """Levels by session; one that begins later begins at the level of the unhedged."""
    levels, sessions = result.levels.tracks[track.name], result.levels.sessions
    beside = result.levels.tracks[unhedged.name]
    begin = next((number for number, value in enumerate(levels) if value is not None), 0)
    start = (beside[begin] or 1.0) if begin else 1.0
    own = levels[begin] or 1.0
    return tuple(
        (day, None if value is None else value / own * start) for day, value in zip(sessions, levels, strict=True)
    )


def _falls(line: Points) -> Points:
    """Shares below the highest value so far, %."""
    highest = list(accumulate((value or 0.0 for _, value in line), max))
    return tuple(
        (place, None if value is None else (value / top - 1.0) * 100.0)
        for (place, value), top in zip(line, highest, strict=True)
    )


def _condor(result: StudyResult) -> Iterator[Chart]:
    """How deep the condor fell under each skew, unhedged and hedged."""
    if result.condor is None:
        return
    books: dict[str, list[CondorCase]] = {}
    for case in result.condor.cases:
        books.setdefault(case.hedge, []).append(case)
    fallen = {hedge: _by_skew(cases, "max_drawdown") for hedge, cases in books.items()}
    known = {hedge: [value for _, value in line if value is not None] for hedge, line in fallen.items()}
    names = {hedge: hedge or "unhedged" for hedge, values in known.items() if len(values) > 1}
    if not names:
        return
    places = sorted({case.skew for case in result.condor.cases})
    told = [
        f"{name} {between(min(known[hedge]) / 100.0, max(known[hedge]) / 100.0, SHARE)}"
        for hedge, name in list(names.items())[: len(_ROLES)]
    ]
    grown = {hedge: _by_skew(books[hedge], "growth") for hedge in names}
    panels = [Panel("Deepest fall, %", lines=_lines(fallen, names), suffix="%", share=1.3, ticks=_ticks(fallen))]
    if all(value is not None for line in grown.values() for _, value in line):
        panels.append(Panel("Growth a year, %", lines=_lines(grown, names), suffix="%", ticks=_ticks(grown)))
    yield Chart(
        name="condor",
        section="condor",
        title=f"The condor's deepest fall over {len(places)} skews: {', '.join(told)}",
        subtitle="By the steepness of the skew, of which no quote is recorded",
        alt="The iron condor programme under skews from "
        f"{between(min(places), max(places), 'ratio')} times the documented one. Deepest fall: "
        f"{listed(told)}.",
        note="Priced by a model on a surface made from the VIX and its term structure.",
        panels=tuple(panels),
        x_title="Steepness of the skew, 1 as documented",
        simulated=result.simulated,
    )


def _ticks(lines: dict[str, Points]) -> tuple[float, ...]:
    """Figures of an axis, more than a small panel has by itself."""
    values = [value for line in lines.values() for _, value in line if value is not None]
    return tuple(round_ticks(min(values), max(values), 4)) if min(values) < max(values) else ()


def _lines(lines: dict[str, Points], names: dict[str, str]) -> tuple[Line, ...]:
    return tuple(
        Line(name, lines[hedge], role, dots=True) for (hedge, name), role in zip(names.items(), _ROLES, strict=False)
    )


def _by_skew(cases: Sequence[CondorCase], key: str) -> Points:
    ordered = sorted(cases, key=lambda case: case.skew)
    values = [case.values[key].value if key in case.values else None for case in ordered]
    return tuple(
        (case.skew, None if value is None else value * 100.0) for case, value in zip(ordered, values, strict=True)
    )
