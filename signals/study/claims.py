"""The public claims about such hedges against what was measured.

A claim is a promise, and judged as one: of a cost, that it is not above the claimed range; of a benefit, that it is not
below it. Better than claimed is no breach. A finding

* holds, where the whole of its interval keeps the promise;
* does not hold, where none of it does;
* cannot tell, where the interval is on both sides, or there is none.

The claim holds, or does not, where every finding says so. Where they differ the data cannot tell, and the sentence says
how many say what. Findings on strategies that the claim is not about are shown for comparison and do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from signals.study.condor.verdicts import over_skews
from signals.study.facts import Facts
from signals.study.result import (
    CANNOT_TELL,
    FAILS,
    HOLDS,
    NOT_TESTED,
    Claim,
    Estimate,
    Finding,
    PathFigures,
    StudyResult,
)
from signals.study.words import RATIO, SHARE, figure, interval, listed, with_interval

#: How far from "about -73%" is still about: the claim names no digits behind it.
ABOUT = 0.05

#: The drawdown of a condor programme without the hedge and with it, as claimed.
CONDOR_UNHEDGED, CONDOR_HEDGED = 0.22, (0.13, 0.14)

#: Strategies a claim on the layered hedge is not about, that show what else there is.
COMPARED = ("veqtor", "vxth")

#: The quantile of `PathFigures` that is the median.
_MEDIAN = 2


def at_most(estimate: Estimate, low: float, high: float) -> str:
    """Verdict on a promise that something is not above a range."""
    return _judged(estimate, None, high)


def at_least(estimate: Estimate, low: float, high: float) -> str:
    """Verdict on a promise that something is not below a range."""
    return _judged(estimate, low, None)


def within(estimate: Estimate, low: float, high: float) -> str:
    """Verdict on a claim that something is in a range."""
    return _judged(estimate, low, high)


def _judged(estimate: Estimate, low: float | None, high: float | None) -> str:
    if estimate.value is None:
        return NOT_TESTED
    if estimate.low is None or estimate.high is None:
        return CANNOT_TELL
    if (low is None or estimate.low >= low) and (high is None or estimate.high <= high):
        return HOLDS
    if (low is not None and estimate.high < low) or (high is not None and estimate.low > high):
        return FAILS
    return CANNOT_TELL


@dataclass(frozen=True)
class _Promise:
    """A claim on a statistic of hedged strategies; `sign` is -1 where what is claimed is its opposite."""

    key: str
    claim: str
    statistic: str
    unit: str
    low: float
    high: float
    judge: Callable[[Estimate, float, float], str]
    sign: float = 1.0


_DRAG = _Promise("drag", "The hedge costs 1% to 2% of growth a year.", "drag", SHARE, 0.01, 0.02, at_most, -1.0)
_REDUCTION = _Promise(
    "drawdown",
    "The hedge makes the deepest fall 35% to 40% less deep.",
    "drawdown_reduction",
    SHARE,
    0.35,
    0.40,
    at_least,
)
_CONDOR = _Promise(
    "condor",
    "On iron condors the hedge takes the deepest fall from 22% to 13-14%: it is 36% to 41% less deep.",
    "drawdown_reduction",
    SHARE,
    1.0 - CONDOR_HEDGED[1] / CONDOR_UNHEDGED,
    1.0 - CONDOR_HEDGED[0] / CONDOR_UNHEDGED,
    at_least,
)
_SHARPE = _Promise(
    "sharpe", "In Monte Carlo the hedge adds 0.4 to 0.7 to the Sharpe ratio.", "sharpe_gain", RATIO, 0.4, 0.7, at_least
)


def claims(result: StudyResult, facts: Facts | None) -> tuple[Claim, ...]:
    """Every claim with its findings.

    Parameters
    ----------
    result : StudyResult
        With everything but claims and answer. A piece that is missing gives no findings.
    facts : Facts, optional
        Of the range of the result.
    """
    hedged = [name for name in _tracks(result) if name.startswith("sp500+")]
    compared = [name for name in _tracks(result) if name in COMPARED]

    def claim(promise: _Promise, *findings: Iterator[Finding], about_equity: bool = True) -> Claim:
        beside = _recorded(result, promise, compared) if about_equity else ()
        return _claim(promise, [finding for several in findings for finding in several], beside)

    def recorded(promise: _Promise) -> Iterator[Finding]:
        return _recorded(result, promise, hedged)

    return (
        claim(_DRAG, recorded(_DRAG), _condors(result, _DRAG), _simulated(result, _DRAG)),
        claim(_REDUCTION, recorded(_REDUCTION), _simulated(result, _REDUCTION, "sp500+")),
        claim(_CONDOR, _condors(result, _CONDOR), _simulated(result, _CONDOR, "condor+"), about_equity=False),
        claim(_SHARPE, _simulated(result, _SHARPE), recorded(_SHARPE), _condors(result, _SHARPE)),
        _correlation(facts),
    )


def _tracks(result: StudyResult) -> tuple[str, ...]:
    return tuple(track.name for track in result.tracks)


def _label(result: StudyResult, name: str) -> str:
    return next((track.label for track in result.tracks if track.name == name), name)


def _recorded(result: StudyResult, promise: _Promise, names: Sequence[str]) -> Iterator[Finding]:
    """What was measured over the recorded history, with bootstrap intervals."""
    for name in names:
        yield _finding(promise, f"{_label(result, name)}, recorded", result.estimate(name, promise.statistic))


def _simulated(result: StudyResult, promise: _Promise, prefix: str = "") -> Iterator[Finding]:
    """The median over simulated markets, with the error of having simulated so few."""
    if result.monte_carlo is None:
        return
    width = NormalDist().inv_cdf((1.0 + _confidence(result)) / 2.0)
    for each in result.monte_carlo.hedged:
        hedged = each.track.startswith(("sp500+", "condor+"))
        if each.statistic == promise.statistic and hedged and each.track.startswith(prefix):
            yield _finding(promise, f"{_label(result, each.track)}, {_markets(each, promise)}", _median(each, width))


def _median(figures: PathFigures, width: float) -> Estimate:
    middle, error = figures.quantiles[_MEDIAN], width * figures.standard_error
    return Estimate(middle, middle - error, middle + error)


def _markets(figures: PathFigures, promise: _Promise) -> str:
    low, high = sorted(promise.sign * value for value in (figures.quantiles[0], figures.quantiles[-1]))
    return f"median of {figures.paths} simulated markets, 90% of them {interval(low, high, promise.unit)}"


def _condors(result: StudyResult, promise: _Promise) -> Iterator[Finding]:
    """The condor programme beside each hedge: luck and skew together, as both could be other than measured."""
    cases = () if result.condor is None else result.condor.cases
    skews = sorted({case.skew for case in cases})
    for hedge in dict.fromkeys(case.hedge for case in cases if case.hedge):
        name = f"condor+{hedge}"
        estimate, swept = result.estimate(name, promise.statistic), over_skews(cases, hedge, promise.statistic)
        if swept.value is None:
            estimate = swept
        elif estimate.low is not None and estimate.high is not None:
            ends = estimate.low, estimate.high, *(end for end in (swept.low, swept.high) if end is not None)
            estimate = Estimate(estimate.value, min(ends), max(ends))
        what = f"{_label(result, name)}, recorded, skew {skews[0]:g} to {skews[-1]:g} times as steep"
        yield _finding(promise, what, estimate)


def _finding(promise: _Promise, what: str, estimate: Estimate) -> Finding:
    if promise.sign < 0.0 and estimate.value is not None:
        low, high = estimate.low, estimate.high
        estimate = Estimate(
            -estimate.value, None if high is None else -high, None if low is None else -low, estimate.why
        )
    return Finding(what, promise.unit, estimate, promise.judge(estimate, promise.low, promise.high))


def _confidence(result: StudyResult) -> float:
    found = result.spec.get("confidence")
    return found if isinstance(found, float) else 0.95


def _claim(promise: _Promise, findings: Sequence[Finding], compared: Iterable[Finding]) -> Claim:
    verdict = overall(findings)
    beside = [Finding(f"{each.what}, for comparison", each.unit, each.estimate, each.verdict) for each in compared]
    return Claim(
        key=promise.key,
        claim=promise.claim,
        low=promise.low,
        high=promise.high,
        findings=(*findings, *beside),
        verdict=verdict,
        sentence=_sentence(findings, verdict, lambda found: promise.judge(found, promise.low, promise.high)),
    )


def overall(findings: Sequence[Finding]) -> str:
    """The verdict on a claim: that of every finding that was tested, where it is one."""
    said = {finding.verdict for finding in findings} - {NOT_TESTED}
    if not said:
        return NOT_TESTED
    return said.pop() if len(said) == 1 else CANNOT_TELL


def _sentence(findings: Sequence[Finding], verdict: str, judge: Callable[[Estimate], str]) -> str:
    tested = [finding for finding in findings if finding.verdict != NOT_TESTED]
    if not tested:
        whys = dict.fromkeys(finding.estimate.why for finding in findings if finding.estimate.why)
        return f"Not tested: {listed(tuple(whys)) or 'nothing was measured that it is about'}."
    counts = {said: sum(finding.verdict == said for finding in tested) for said in (HOLDS, FAILS, CANNOT_TELL)}
    parts = [f"{count} {_VERBS[said][count > 1]}" for said, count in counts.items() if count]
    how = f", in each of {len(tested)} findings" if len(parts) == 1 else f": of {len(tested)} findings {listed(parts)}"
    first = tested[0]
    said = f"{verdict.capitalize()}{how if len(tested) > 1 else ''}."
    if verdict == CANNOT_TELL:
        kept = sum(judge(_without_doubt(finding.estimate)) == HOLDS for finding in tested)
        said += f" Taken without their intervals, {kept} of {len(tested)} would keep the claim."
    return f"{said} {first.what}: {with_interval(first.estimate, first.unit)}."


def _without_doubt(estimate: Estimate) -> Estimate:
    return Estimate(estimate.value, estimate.value, estimate.value)


_VERBS = {HOLDS: ("holds", "hold"), FAILS: ("does not", "do not"), CANNOT_TELL: ("cannot tell", "cannot tell")}


def _correlation(facts: Facts | None) -> Claim:
    low, high = -0.73 - ABOUT, -0.73 + ABOUT
    missing = Estimate(None, why="closes of the two are missing")
    measured = (missing, missing) if facts is None else (facts.log_changes, facts.point_changes)
    names = ("Daily changes of both logarithms", "Daily return of the S&P 500 and change of the VIX in points")
    findings = tuple(
        Finding(name, SHARE, estimate, within(estimate, low, high))
        for name, estimate in zip(names, measured, strict=True)
    )
    verdict = overall(findings)
    return Claim(
        key="correlation",
        claim=f"The S&P 500 and the VIX have a correlation of about {figure(-0.73, SHARE)}.",
        low=low,
        high=high,
        findings=findings,
        verdict=verdict,
        sentence=_sentence(findings, verdict, lambda found: within(found, low, high)),
    )
