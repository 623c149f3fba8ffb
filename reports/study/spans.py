"""The charts of a study that show ranges and maps: claims, worth, simulated markets, fit. Standard library only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.charts.chart import FIRST, SECOND, THIRD, WHOLE, Chart, HeatMap, Span, Spans
from reports.study.figures import DIFFERENCES, SHARE, between, estimate, figure
from reports.study.names import head, label_of, named, unit_of
from reports.words import count, listed
from signals.study.result import CANNOT_TELL, DEPENDS, FAILS, HOLDS, NOT_TESTED

if TYPE_CHECKING:
    from signals.study.result import Claim, Estimate, PathFigures, StudyResult

#: Colour of a verdict; the word stands beside it.
_ROLES = {HOLDS: THIRD, FAILS: SECOND, DEPENDS: FIRST, CANNOT_TELL: FIRST, NOT_TESTED: WHOLE}

#: What ends the part of a sentence that is the answer.
_ENDS = re.compile(r"[.:] ")

#: Verdicts as they are counted.
_SAID = {
    HOLDS: "confirmed",
    FAILS: "refuted",
    DEPENDS: "depends on its reading",
    CANNOT_TELL: "open",
    NOT_TESTED: "not tested",
}

#: How many findings of each claim are drawn beside those of others.
_FIRST_FINDINGS = 4

#: What is drawn of simulated markets: of indices, and of hedges.
_OF_INDICES = ("growth", "max_drawdown", "sharpe_gain")
_OF_HEDGED = ("drag", "drawdown_reduction", "sharpe_gain")


def claims(result: StudyResult) -> Iterator[Chart]:
    """The first findings for each claim against what is claimed; then all of each that has more."""
    shown = [(claim, _claimed(claim, _FIRST_FINDINGS)) for claim in result.claims]
    axes = tuple(spans for _, spans in shown if spans is not None)
    if not axes:
        return
    verdicts = Counter(claim.verdict for claim in result.claims)
    told = ", ".join(f"{verdicts[verdict]} {said}" for verdict, said in _SAID.items() if verdicts[verdict])
    yield Chart(
        name="claims",
        section="claims",
        title=f"Of {count(len(result.claims), 'claim')}: {told}",
        subtitle="Dots: measured, with intervals; shaded: what is claimed",
        alt=" ".join(_found(claim, _FIRST_FINDINGS) for claim in result.claims),
        note=f"{_confidence(result)} intervals where there is one. No more than {_FIRST_FINDINGS} findings of each.",
        spans=axes,
        simulated=result.simulated,
    )
    for claim in result.claims:
        spans = _claimed(claim, len(claim.findings))
        if spans is None or len(claim.findings) <= _FIRST_FINDINGS:
            continue
        yield Chart(
            name=f"claim-{claim.key}",
            section=f"claim-{claim.key}",
            title=f"{claim.claim.rstrip('.')}: {claim.verdict}",
            subtitle="Dots: measured, with intervals; shaded: what is claimed",
            alt=_found(claim, len(claim.findings)),
            note="The interval of a median of simulated markets is the error of having simulated so few.",
            spans=(replace(spans, title="Every finding"),),
            simulated=result.simulated,
        )


def _claimed(claim: Claim, most: int) -> Spans | None:
    """The findings of a claim in the unit of the first, with what is claimed."""
    unit = claim.findings[0].unit if claim.findings else ""
    rows = tuple(
        _span(_short(each.what), each.estimate, unit, f"{figure(each.estimate.value, unit)} {each.verdict}", role)
        for each in claim.findings[:most]
        if each.estimate.value is not None and each.unit == unit
        for role in [_ROLES.get(each.verdict, FIRST)]
    )
    claimed = (_scaled(claim.low, unit), _scaled(claim.high, unit))
    title = _ENDS.split(claim.claim, maxsplit=1)[0].rstrip(".")
    return Spans(f"{title}: {claim.verdict}", rows, _suffix(unit), claimed) if rows else None


def _short(what: str) -> str:
    """What was measured, without the figures behind it, which the table has."""
    return what.partition(", 90% of")[0]


def _found(claim: Claim, most: int) -> str:
    findings = "; ".join(f"{_short(each.what)} {estimate(each.estimate, each.unit)}" for each in claim.findings[:most])
    return f"{claim.claim.rstrip('.')}: {claim.verdict}. {findings}."


def worth(result: StudyResult) -> Iterator[Chart]:
    """What each strategy cost a year, and how much less deep it fell, with intervals."""
    hedged = [each for each in result.tracks if each.against is not None]
    axes, told = [], []
    for key, title, sign in (
        ("drag", "Growth a year less that of the unhedged, percentage points", 1.0),
        ("drawdown_reduction", "By which share of it the deepest fall was less deep, %; below 0 deeper", -1.0),
    ):
        found = [(label_of(result, each.name), result.estimate(each.name, key)) for each in hedged]
        unit, values = unit_of(result, key), [each.value for _, each in found if each.value is not None]
        rows = tuple(
            _span(label, each, unit, figure(each.value, unit, sign=True))
            for label, each in found
            if each.value is not None
        )
        if rows:
            axes.append(Spans(title, rows, _suffix(unit), zero=True))
            low, high = sorted((sign * min(values), sign * max(values)))
            told.append(between(low, high, unit, sign=True))
    if len(axes) < 2:
        return
    yield Chart(
        name="worth",
        section="intervals",
        title=f"Growth a year changed by {told[0]}; the size of the deepest fall by {told[1]}",
        subtitle="Each strategy against the unhedged over the whole range, back-tests too; right is better",
        alt="; ".join(
            f"{named(result, each.name)}: growth a year {_changed(result, each.name, 'drag')}, "
            f"fall less deep by {_changed(result, each.name, 'drawdown_reduction')}, below 0 deeper"
            for each in hedged
        )
        + ".",
        note=f"{_confidence(result)} intervals of the stationary block bootstrap.",
        spans=tuple(axes),
        simulated=result.simulated,
    )


def _changed(result: StudyResult, track: str, key: str) -> str:
    return estimate(result.estimate(track, key), unit_of(result, key), sign=True)


def paths(result: StudyResult) -> Iterator[Chart]:
    """What simulated markets brought: quantiles of each strategy."""
    found = result.monte_carlo
    for name, title, figures, keys in (
        ("paths", "Simulated markets", found.indices if found else (), _OF_INDICES),
        ("hedged-paths", "Hedges in simulated markets", found.hedged if found else (), _OF_HEDGED),
    ):
        drawn = [each for each in keys if any(of.statistic == each for of in figures)]
        axes = tuple(
            Spans(
                _titled(result, key),
                tuple(_quantiles(result, of) for of in figures if of.statistic == key),
                _suffix(unit_of(result, key)),
                zero=key in DIFFERENCES,
            )
            for key in drawn
        )
        if found is None or not axes:
            continue
        first = [of for of in figures if of.statistic == drawn[0]]
        unit, sign = unit_of(result, drawn[0]), drawn[0] in DIFFERENCES
        medians = [f"{named(result, of.track)} {figure(of.quantiles[2], unit, sign=sign)}" for of in first]
        yield Chart(
            name=name,
            section="paths",
            title=f"{title}, median {_titled(result, drawn[0])}: {', '.join(medians)}",
            subtitle=f"{first[0].paths:,} markets of {found.years} years; line: 5 to 95%, bar: 25 to 75%",
            alt="; ".join(_said(result, of) for of in figures if of.statistic in drawn) + ".",
            note="Drawn from a model of the market, which is compared with the recorded one beneath.",
            spans=axes,
            simulated=result.simulated,
        )


def _said(result: StudyResult, of: PathFigures) -> str:
    unit, sign = unit_of(result, of.statistic), of.statistic in DIFFERENCES
    ends = between(of.quantiles[0], of.quantiles[-1], unit, sign=sign)
    middle = figure(of.quantiles[2], unit, sign=sign)
    return f"{label_of(result, of.track)}, {_titled(result, of.statistic)}: median {middle}, 5 to 95%: {ends}"


def fit(result: StudyResult) -> Iterator[Chart]:
    """Where what was recorded lies within what simulated markets bring."""
    rows = result.monte_carlo.fit if result.monte_carlo else ()
    if not rows:
        return
    drawn = []
    for row in rows:
        wide = row.high - row.low
        where = (row.recorded - row.low) / wide if wide > 0.0 else 0.5
        text = f"{figure(row.recorded, row.unit)} in {between(row.low, row.high, row.unit)}"
        drawn.append(Span(row.label, where, 0.0, 1.0, text, role=FIRST if 0.0 <= where <= 1.0 else SECOND))
    outside = [row.label for row in rows if not row.low <= row.recorded <= row.high]
    yield Chart(
        name="fit",
        section="fit",
        title=f"{len(rows) - len(outside)} of {len(rows)} recorded moments lie within those of simulated markets"
        + (f"; not {listed(outside)}" if outside else ""),
        subtitle="Dot: recorded; shaded: the range over simulated markets, from its low end at 0 to its high end at 1",
        alt="Recorded moments, in the range over simulated markets: "
        + "; ".join(
            f"{row.label} {figure(row.recorded, row.unit)} in {between(row.low, row.high, row.unit)}" for row in rows
        )
        + ".",
        note="What lies outside is what the model does not know.",
        spans=(Spans("Place in the range over simulated markets", tuple(drawn), claimed=(0.0, 1.0)),),
        simulated=result.simulated,
    )


def maps(result: StudyResult) -> Iterator[Chart]:
    """A statistic over a grid of two parameters."""
    for each in result.sensitivity:
        unit, sign = unit_of(result, each.statistic), each.statistic in DIFFERENCES
        cells = tuple(tuple((figure(value, unit, sign=sign), value) for value in row) for row in each.values)
        about = f"{head(result, each.statistic)} of {label_of(result, each.track)}"
        yield Chart(
            name=f"sensitivity-{each.key}",
            section=f"sensitivity-{each.key}",
            title=_ENDS.split(each.sentence, maxsplit=1)[0].rstrip("."),
            subtitle=f"{each.title}: {about}; framed: in use",
            alt=f"{each.title}: {about}, rows {each.row_name}, columns {each.column_name}. "
            + "; ".join(
                f"{name}: {', '.join(text for text, _ in row)}" for name, row in zip(each.rows, cells, strict=True)
            )
            + f". {each.sentence}",
            note=f"Over the whole range, {result.first} to {result.last}.",
            heat_map=HeatMap(each.rows, each.columns, each.row_name, each.column_name, cells, each.chosen),
            simulated=result.simulated,
        )


def _quantiles(result: StudyResult, of: PathFigures) -> Span:
    unit = unit_of(result, of.statistic)
    lowest, low, middle, high, highest = (_scaled(value, unit) for value in of.quantiles)
    text = figure(of.quantiles[2], unit, sign=of.statistic in DIFFERENCES)
    return Span(label_of(result, of.track), middle, lowest, highest, text, inner=(low, high))


def _span(label: str, found: Estimate, unit: str, text: str, role: str = FIRST) -> Span:
    value = _scaled(found.value or 0.0, unit)
    low = value if found.low is None else _scaled(found.low, unit)
    high = value if found.high is None else _scaled(found.high, unit)
    return Span(label, value, low, high, text, role=role)


def _titled(result: StudyResult, key: str) -> str:
    return next((each.label for each in result.statistics if each.key == key), head(result, key))


def _scaled(value: float, unit: str) -> float:
    return value * 100.0 if unit == SHARE else value


def _suffix(unit: str) -> str:
    return "%" if unit == SHARE else ""


def _confidence(result: StudyResult) -> str:
    found = result.spec.get("confidence")
    return f"{found:.0%}" if isinstance(found, float) else "Bootstrap"
