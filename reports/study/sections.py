"""What strategies did, as tables: claims, the whole range, intervals, crises, parts. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.study.figures import DIFFERENCES, OF_HEDGES, between, estimate, figure, told
from reports.study.names import HEADS, head, label_of, named, unit_of
from reports.tables import Section, Table
from reports.words import count
from signals.study.result import CALM, CRISIS, WHOLE

if TYPE_CHECKING:
    from signals.study.result import Claim, Period, StudyResult, TrackInfo

#: Columns of the whole range, the most asked for first; what else was measured follows.
_WHOLE = ("growth", "volatility", "sharpe", "max_drawdown", "drag", "drawdown_reduction")

#: Columns of a part of the range.
_PART = ("total_return", "growth", "volatility", "sharpe", "max_drawdown", "drag", "drawdown_reduction")

#: Headlines, in the order in which they are asked for.
_HEADLINES = ("drag", "drawdown_reduction", "sharpe_gain", "growth", "max_drawdown", "sharpe")


#: How findings end that a claim is not about.
_COMPARED = "for comparison"

#: Kinds of periods that are short, and many.
_SHORT = ((CRISIS, "Crises"), (CALM, "Calm years"))


def failures(result: StudyResult) -> Iterator[Section]:
    """What came to nothing."""
    if result.failures:
        rows = tuple((each.part, each.why) for each in result.failures)
        yield Section(
            f"{count(len(result.failures), 'part')} of the study failed",
            ("All the rest was computed without.",),
            Table(("Part", "Why"), rows),
            "failures",
        )


def claims(result: StudyResult) -> Iterator[Section]:
    """Each claim with what was measured and the verdict, in a line."""
    if result.claims:
        rows = tuple((each.claim.rstrip("."), _measured(each), each.verdict) for each in result.claims)
        yield Section("Claims", (), Table(("Claim", "Measured", "Verdict"), rows), "claims")


def findings(result: StudyResult) -> Iterator[Section]:
    """What was measured for each claim."""
    for each in result.claims:
        rows = tuple(
            (finding.what, estimate(finding.estimate, finding.unit), finding.verdict) for finding in each.findings
        )
        units = {finding.unit for finding in each.findings}
        claimed = (f"Claimed: {between(each.low, each.high, units.pop())}.",) if len(units) == 1 else ()
        absent = told(
            ("figure", finding.what, finding.estimate.why)
            for finding in each.findings
            if finding.estimate.value is None and finding.estimate.why
        )
        table = Table(("", "Measured", "Verdict"), rows, frozenset({1})) if rows else None
        title = each.claim.rstrip(".")
        yield Section(title, (each.sentence, *claimed, *absent), table, f"claim-{each.key}", detail=True)


def _measured(claim: Claim) -> str:
    """What was found for a claim: its figure with the interval, or the range of several."""
    found = [each for each in claim.findings if each.estimate.value is not None]
    found = [each for each in found if not each.what.endswith(_COMPARED)] or found
    if not found:
        return "nothing"
    if len(found) == 1:
        return estimate(found[0].estimate, found[0].unit)
    values = [each.estimate.value for each in found if each.estimate.value is not None]
    return f"{between(min(values), max(values), found[0].unit)}, {len(found)} findings"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def whole(result: StudyResult) -> Iterator[Section]:
    """All strategies over the whole range."""
    keys = _columns(result)
    yield _side_by_side(result, "whole", f"Side by side, {result.first} to {result.last}", keys)


def _columns(result: StudyResult) -> list[str]:
    """Every statistic there is, those asked for first."""
    known = [each.key for each in result.statistics]
    return list(dict.fromkeys([key for key in (*_WHOLE, *HEADS) if key in known] + known))


def periods(result: StudyResult) -> Iterator[Section]:
    """What crises and calm years brought; then each longer part of the range."""
    for kind, title in _SHORT:
        if found := [each for each in result.periods if each.kind == kind]:
            yield _returns(result, title, found)
    for each in _parts(result):
        known = {
            key for key in _PART if any(result.figure(of.name, key, each.key).value is not None for of in result.tracks)
        }
        # Growth a year says more, where there is one.
        keys = [key for key in _PART if key in known and (key != "total_return" or "growth" not in known)]
        yield _side_by_side(result, each.key, f"{_named(each)}, {each.first} to {each.last}", keys)


def _parts(result: StudyResult) -> list[Period]:
    return [each for each in result.periods if each.kind not in (CRISIS, CALM, WHOLE)]


def _named(period: Period) -> str:
    """A period with its kind, unless its label says that already."""
    label = _capital(period.label)
    return label if period.kind in label.lower() else f"{label} ({period.kind})"


def _returns(result: StudyResult, title: str, shown: Sequence[Period]) -> Section:
    """Total returns of strategies over periods."""
    unit = unit_of(result, "total_return")
    rows = tuple(
        (
            label_of(result, track.name),
            *(figure(result.figure(track.name, "total_return", each.key).value, unit) for each in shown),
        )
        for track in result.tracks
    )
    spans = "; ".join(f"{each.label}: {each.first} to {each.last}" for each in shown)
    said = f"From close to close. {spans}." if shown[0].kind == CRISIS else "From the last close of the year before."
    header = ("Total return", *(each.label for each in shown))
    return Section(title, (said,), Table(header, rows, _figures(header)), shown[0].kind)


def _side_by_side(result: StudyResult, period: str, title: str, keys: Sequence[str]) -> Section:
    """Strategies beside each other over a period; a column of nothing is left out."""
    measured = {(track.name, key): result.figure(track.name, key, period) for track in result.tracks for key in keys}
    there = [key for key in keys if any(measured[track.name, key].value is not None for track in result.tracks)]
    rows = tuple(
        (
            label_of(result, track.name),
            *(figure(measured[track.name, key].value, unit_of(result, key), sign=key in DIFFERENCES) for key in there),
        )
        for track in result.tracks
    )
    header = ("", *(head(result, key) for key in there))
    return Section(title, (), Table(header, rows, _figures(header)), period)


def unknown(result: StudyResult) -> Iterator[Section]:
    """Which figures are not there, and why."""
    absent = [
        (head(result, key), named(result, track.name), found.why)
        for key in _columns(result)
        for track in result.tracks
        if (found := result.figure(track.name, key)).value is None and not _says_enough(track, key)
    ]
    absent += [
        (f"{head(result, key).lower()} in {period.label}", named(result, track.name), found.why)
        for period in result.periods
        for key in (() if period.kind == WHOLE else ("total_return",) if period.kind in (CRISIS, CALM) else _PART)
        for track in result.tracks
        if (found := result.figure(track.name, key, period.key)).value is None and not _says_enough(track, key)
    ]
    absent += [
        (f"interval of {head(result, key).lower()}", named(result, track.name), interval.why)
        for track in result.tracks
        for key in _HEADLINES
        if (interval := result.estimate(track.name, key)).low is None and not _says_enough(track, key)
    ]
    sentences = tuple(told((statistic, label, why) for statistic, label, why in absent if why))
    if sentences:
        yield Section("What cannot be told", sentences, key="unknown")


def _says_enough(track: TrackInfo, key: str) -> bool:
    """Whether a dash does: for what compares a strategy with the unhedged, of the unhedged itself."""
    return track.against is None and key in OF_HEDGES


def intervals(result: StudyResult) -> Iterator[Section]:
    """The headlines with their intervals."""
    keys = [key for key in _HEADLINES if any(key in each.values for each in result.intervals)]
    if not keys:
        return
    rows = tuple(
        (
            label_of(result, each.track),
            *(
                estimate(result.estimate(each.track, key), unit_of(result, key), sign=key in DIFFERENCES)
                for key in keys
            ),
        )
        for each in result.intervals
    )
    header = ("", *(head(result, key) for key in keys))
    confidence = result.spec.get("confidence")
    said = f"Stationary block bootstrap, {confidence:.0%} intervals" if isinstance(confidence, float) else "Bootstrap"
    yield Section(
        "How certain that is",
        (f"{said}, {result.spec.get('samples', 'some'):,} samples of the whole range.",),
        Table(header, rows, _figures(header)),
        "intervals",
    )


def _figures(header: Sequence[str]) -> frozenset[int]:
    """All columns but the first."""
    return frozenset(range(1, len(header)))
