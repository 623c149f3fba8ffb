"""What strategies did, as tables: claims, the whole range, intervals, crises, parts. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reports.study.figures import DIFFERENCES, OF_HEDGES, between, estimate, figure, told
from reports.study.names import HEADS, head, label_of, named, unit_of
from reports.tables import Section, Table
from reports.words import count
from signals.study.result import CALM, CRISIS, NOT_TESTED, SINCE_LIVE, WHOLE, WHOLE_RANGE

if TYPE_CHECKING:
    from signals.study.result import Claim, Period, StudyResult, TrackInfo

#: Columns of the whole range, the most asked for first; what else was measured follows.
_WHOLE = (
    *("growth", "volatility", "sharpe", "max_drawdown", "drag", "drawdown_reduction"),
    *("cost", "carry", "cash_share", "cash_growth", "break_even_years"),
)

#: Parts of the range that are not a detail.
_PARTS = (SINCE_LIVE, "back-test")

#: Columns of a part of the range.
_PART = ("total_return", "growth", "volatility", "sharpe", "max_drawdown", "drag", "drawdown_reduction")

#: Headlines, in the order in which they are asked for.
_HEADLINES = ("drag", "drawdown_reduction", "sharpe_gain", "carry", "growth", "max_drawdown", "sharpe")


#: What a claim is judged by.
_BY = (
    "Judged by the rule set that follows the description most closely; what was recorded by its interval, what was "
    "simulated by the median of the markets and its error. Others are compared beneath."
)

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
    """Each claim with its verdict, and beneath it each finding it is judged by."""
    if result.claims:
        rows = tuple(row for each in result.claims for row in _judged(each))
        why = (each.sentence for each in result.claims if each.verdict == NOT_TESTED and each.sentence)
        yield Section("Claims", (_BY, *why), Table(("Claim", "Measured", "Verdict"), rows), "claims")


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


def _judged(claim: Claim) -> Iterator[tuple[str, str, str]]:
    """A claim in a line where one finding decides it, else with a line for each."""
    found = [each for each in claim.findings if each.counts and each.estimate.value is not None]
    title = claim.claim.rstrip(".")
    if len(found) == 1:
        yield title, estimate(found[0].estimate, found[0].unit), claim.verdict
        return
    yield title, "" if found else "nothing", claim.verdict
    for each in found:
        words = ", ".join(part for part in (each.method, each.reading) if part)
        yield f"  {words}", estimate(each.estimate, each.unit), each.verdict


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
        title = f"{_named(each)}, {each.first} to {each.last}"
        # The parts of VEQTOR are those it is judged by.
        yield replace(_side_by_side(result, each.key, title, keys), detail=each.key not in _PARTS)


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
    """The headlines with their intervals: over the whole range, then since an index is live."""
    confidence = result.spec.get("confidence")
    said = f"Stationary block bootstrap, {confidence:.0%} intervals" if isinstance(confidence, float) else "Bootstrap"
    live = next((each for each in result.periods if each.key == SINCE_LIVE), None)
    pooled = f" What is said of VEQTOR pools its back-test with what came since {live.first}." if live else ""
    sampled = f"{said}, {result.spec.get('samples', 'some'):,} samples of the whole range.{pooled}"
    yield from _certain(result, WHOLE_RANGE, "How certain that is", (sampled,), "intervals")
    if live:
        title = f"How certain that is since {live.first}, where VEQTOR is live"
        yield from _certain(result, SINCE_LIVE, title, (), "intervals-live")


def _certain(result: StudyResult, period: str, title: str, said: tuple[str, ...], section: str) -> Iterator[Section]:
    found = [each for each in result.intervals if each.period == period]
    keys = [key for key in _HEADLINES if any(key in each.values for each in found)]
    if not keys:
        return
    rows = tuple(
        (
            label_of(result, each.track),
            *(
                estimate(result.estimate(each.track, key, period), unit_of(result, key), sign=key in DIFFERENCES)
                for key in keys
            ),
        )
        for each in found
    )
    header = ("", *(head(result, key) for key in keys))
    yield Section(title, said, Table(header, rows, _figures(header)), section)


def _figures(header: Sequence[str]) -> frozenset[int]:
    """All columns but the first."""
    return frozenset(range(1, len(header)))
