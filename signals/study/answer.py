"""The first paragraph of a study: is such a hedge worth its cost? Made from the numbers, sentence by sentence.

A hedge is called worth its cost where its Sharpe ratio is above that of the same portfolio without it over the whole of
the interval, not worth it where it is below over the whole of it, and otherwise the data cannot tell. Why the Sharpe
ratio: a smaller fall alone can be had for nothing, by holding less of the portfolio and more cash, which leaves the
Sharpe ratio as it was. Only what raises it does more than that. On the condor programme that has to be so under every
skew too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from signals.study.condor.verdicts import over_skews
from signals.study.crashes import CRASH
from signals.study.result import (
    CANNOT_TELL,
    FAILS,
    HOLDS,
    NOT_TESTED,
    Estimate,
    PathFigures,
    StudyResult,
)
from signals.study.words import RATIO, SHARE, figure, listed, percent, signed

#: Verdicts on a hedge, beside `CANNOT_TELL` and `NOT_TESTED`.
WORTH, NOT_WORTH = "worth its cost", "not worth its cost"

#: The rule set that follows the public description most closely.
DESCRIBED = "alvh-seed"


@dataclass(frozen=True)
class _Told:
    """A statistic that is told of each hedge: the words before its figure, and whether a plus is written."""

    key: str
    unit: str
    words: str
    plus: bool

    def value(self, value: float) -> str:
        """A figure."""
        return signed(value, self.unit) if self.plus else figure(value, self.unit)

    def ends(self, low: float, high: float) -> str:
        """A range."""
        return f"{self.value(low)} to {self.value(high)}"


_TOLD = (
    _Told("drag", SHARE, "growth a year", plus=True),
    _Told("drawdown_reduction", SHARE, "deepest fall less deep by", plus=False),
    _Told("sharpe_gain", RATIO, "Sharpe ratio", plus=True),
)


def answer(result: StudyResult) -> tuple[str, ...]:
    """The sentences of the first paragraph.

    Parameters
    ----------
    result : StudyResult
        With everything but the answer. Of a piece that is missing it is said why, or nothing.
    """
    names = headline_tracks(result)
    return (
        _headline(result, names),
        *(_measured(result, name) for name in names),
        *_break_even(result, names),
        *_simulated(result, names),
        *_claims(result),
    )


def headline_tracks(result: StudyResult) -> tuple[str, ...]:
    """What the question is answered for: VEQTOR, the described layered hedge on equity, and the same on condors.

    Where a study has another hedge only, that takes its place.
    """
    found = ["veqtor"]
    for book in ("sp500", "condor"):
        hedged = [track.name for track in result.tracks if track.name.startswith(f"{book}+")]
        described = f"{book}+{DESCRIBED}"
        found += [described] if described in hedged else hedged[:1]
    return tuple(found)


def verdict_of(result: StudyResult, name: str) -> str:
    """Whether a hedge is worth its cost."""
    return {1: WORTH, -1: NOT_WORTH, 0: CANNOT_TELL, None: NOT_TESTED}[_sign(result, name, "sharpe_gain")]


def _sign(result: StudyResult, name: str, key: str) -> int | None:
    """Of what a hedge changed: 1 or -1 where the whole interval has it, under every skew; 0 where that is open."""
    found = result.estimate(name, key)
    if found.value is None:
        return None
    if found.low is None or found.high is None:
        return 0
    ends: tuple[float, ...] = (found.low, found.high)
    if name.startswith("condor+"):
        skews = _over_skews(result, name, key)
        if skews is None:
            return 0
        ends += skews
    return int(min(ends) > 0.0) - int(max(ends) < 0.0)


def verdict_sentence(result: StudyResult, name: str) -> str:
    """What is known of one hedge, with its verdict."""
    return f"{_measured(result, name).rstrip('.')}: {verdict_of(result, name)}."


def _headline(result: StudyResult, names: Sequence[str]) -> str:
    simulated = "SIMULATED market. " if result.simulated else ""
    return (
        f"{simulated}Is such a hedge worth its cost? Measured from {result.first} to {result.last}, by whether it "
        f"raises the Sharpe ratio: {_for_each(result, names, 'sharpe_gain')}. And does it make the deepest fall less "
        f"deep: {_for_each(result, names, 'drawdown_reduction')}."
    )


def _for_each(result: StudyResult, names: Sequence[str], key: str) -> str:
    """Yes, no or neither, with the hedges it is said of."""
    said = {1: "yes for", -1: "no for", 0: "the data cannot tell for", None: "nothing could be measured for"}
    by_sign = {sign: [_label(result, name) for name in names if _sign(result, name, key) == sign] for sign in said}
    return "; ".join(f"{said[sign]} {listed(labels)}" for sign, labels in by_sign.items() if labels)


def _measured(result: StudyResult, name: str) -> str:
    """What a hedge changed, with intervals."""
    label, confidence = _label(result, name), f"{_confidence(result) * 100:g}%"
    told: list[str] = []
    absent: dict[str, None] = {}
    for each in _TOLD:
        estimate = result.estimate(name, each.key)
        if estimate.value is None:
            absent[estimate.why] = None
        else:
            told.append(f"{each.words} {_estimate(each, estimate, '' if told else f'{confidence} interval ')}")
    if not told:
        return f"{label} was not measured: {_why(result, name, tuple(absent))}."
    without = f" Not told: {listed(tuple(absent))}." if absent else ""
    skews = ", under the documented skew" if name.startswith("condor+") else ""
    what = f"{label}, after costs, against {_against(result, name)}{skews}"
    return f"{what}: {', '.join(told)}.{without}{_skews(result, name)}"


def _estimate(told: _Told, estimate: Estimate, words: str) -> str:
    value = told.value(estimate.value or 0.0)
    if estimate.low is None or estimate.high is None:
        return f"{value} (no interval: {estimate.why})"
    return f"{value} ({words}{told.ends(estimate.low, estimate.high)})"


def _skews(result: StudyResult, name: str) -> str:
    """The range over skews of what a hedge changed on the condor programme."""
    ranges = ((_over_skews(result, name, each.key), each) for each in _TOLD)
    told = [f"{each.words} {each.ends(*ends)}" for ends, each in ranges if ends is not None]
    return f" Over all skews: {', '.join(told)}." if told else ""


def _over_skews(result: StudyResult, name: str, key: str) -> tuple[float, float] | None:
    """The least and the most of a statistic of the condor programme beside a hedge; None where a skew lacks it."""
    cases = () if result.condor is None else result.condor.cases
    book, _, hedge = name.partition("+")
    found = over_skews(cases, hedge, key)
    return None if book != "condor" or found.low is None or found.high is None else (found.low, found.high)


def _why(result: StudyResult, name: str, whys: Sequence[str]) -> str:
    failed = [failure.why for failure in result.failures if failure.part == f"track {name}"]
    return (failed[0] if failed else listed(tuple(whys)) or "it is missing").rstrip(".")


def _break_even(result: StudyResult, names: Sequence[str]) -> Iterator[str]:
    told = []
    for name in names:
        needed, had = result.figure(name, "break_even_years"), result.figure(name, "crash_years")
        if needed.value is not None:
            told.append(f"{needed.value:.1f} years for {_label(result, name)}" + _came(had.value, needed.value))
        elif had.value is not None:
            told.append(f"undefined for {_label(result, name)} ({needed.why})")
    if told:
        yield f"A hedge pays where a fall of {percent(CRASH, 0)} or more comes at least once in: {'; '.join(told)}."


def _came(had: float | None, needed: float) -> str:
    if had is None:
        return ""
    return f" (it came once in {had:.1f}, {'often enough' if had <= needed else 'too rarely'})"


def _simulated(result: StudyResult, names: Sequence[str]) -> Iterator[str]:
    found = result.monte_carlo
    if found is None:
        return
    told = []
    for name in names:
        figures = {each.statistic: each for each in (*found.hedged, *found.indices) if each.track == name}
        parts = [f"{each.words} {_quantiles(each, figures[each.key])}" for each in _TOLD if each.key in figures]
        if parts:
            told.append(f"{_label(result, name)} in {next(iter(figures.values())).paths}: {', '.join(parts)}")
    if told:
        yield (
            f"In simulated markets of {found.years} years, the median and what lies between 5% and 95% of them: "
            f"{'; '.join(told)}."
        )


def _quantiles(told: _Told, figures: PathFigures) -> str:
    low, _, middle, _, high = figures.quantiles
    return f"{told.value(middle)} ({told.ends(low, high)})"


def _claims(result: StudyResult) -> Iterator[str]:
    words = {HOLDS: "hold", FAILS: "do not hold", CANNOT_TELL: "cannot be told", NOT_TESTED: "were not tested"}
    counts = {verdict: sum(each.verdict == verdict for each in result.claims) for verdict in words}
    said = [f"{count} {words[verdict]}" for verdict, count in counts.items() if count or verdict in (HOLDS, FAILS)]
    if result.claims:
        yield f"Of {len(result.claims)} public claims about such hedges {listed(said)}."


def _against(result: StudyResult, name: str) -> str:
    against = next((track.against for track in result.tracks if track.name == name), None)
    return _label(result, against) if against else "the same without it"


def _label(result: StudyResult, name: str) -> str:
    return next((track.label for track in result.tracks if track.name == name), "VEQTOR" if name == "veqtor" else name)


def _confidence(result: StudyResult) -> float:
    found = result.spec.get("confidence")
    return found if isinstance(found, float) else 0.95
