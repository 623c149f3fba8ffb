"""The public claims about such hedges against what was measured.

A claim is a promise, and judged as one: of a cost, that it is not above the claimed range; of a benefit, that it is not
below it. Better than claimed is no breach. A finding

* holds, where the whole of its interval keeps the promise;
* does not hold, where none of it does;
* cannot tell, where the interval is on both sides;
* is not tested, where there is no interval.

A claim is judged by the rule set that follows the public description most closely, or by the first hedge of a study
that has it not; others are shown for comparison. What was recorded and what the market model says are judged apart, as
the model was fitted to the same years. The verdict on a claim is that on the recorded history, unless the claim is
about Monte Carlo; where it can be read in several ways that come out differently, it depends on the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from signals.study.condor.verdicts import over_skews
from signals.study.facts import Facts
from signals.study.result import (
    CANNOT_TELL,
    DEPENDS,
    FAILS,
    HOLDS,
    NOT_TESTED,
    RECORDED,
    SIMULATED,
    SINCE_LIVE,
    WHOLE_RANGE,
    Claim,
    Estimate,
    Finding,
    PathFigures,
    StudyResult,
)
from signals.study.subjects import asked_hedge, confidence_of
from signals.study.words import RATIO, SHARE, figure, interval, listed, with_interval

#: The correlation of the S&P 500 and the VIX, as claimed.
CORRELATION = -0.73

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


def about(estimate: Estimate, value: float) -> str:
    """Verdict on a claim that something has a value: whether that is one of those that could be the true one."""
    if estimate.sure is None or estimate.low is None or estimate.high is None:
        return NOT_TESTED
    if estimate.low <= value <= estimate.high:
        return HOLDS
    return CANNOT_TELL if estimate.sure[0] <= value <= estimate.sure[1] else FAILS


def _judged(estimate: Estimate, low: float | None, high: float | None) -> str:
    if estimate.sure is None:
        return NOT_TESTED
    least, most = estimate.sure
    if (low is None or least >= low) and (high is None or most <= high):
        return HOLDS
    if (low is not None and most < low) or (high is not None and least > high):
        return FAILS
    return CANNOT_TELL


@dataclass(frozen=True)
class _Promise:
    """A claim on statistics of hedged strategies.

    Attributes
    ----------
    readings : tuple of (statistic, words, sign)
        What the claim can mean; the sign is -1 where what is claimed is the opposite of the statistic.
    books : tuple of str
        What the hedge stands beside, where the claim is judged.
    method : str
        What it is about: `RECORDED` is judged on both, `SIMULATED` only on that.
    """

    key: str
    claim: str
    readings: tuple[tuple[str, str, float], ...]
    unit: str
    low: float
    high: float
    judge: Callable[[Estimate, float, float], str]
    books: tuple[str, ...] = ("sp500",)
    method: str = RECORDED


_PROMISES = (
    _Promise(
        "drag",
        "The hedge costs 1% to 2% of growth a year.",
        (("drag", "over everything", -1.0), ("carry", "outside crashes", 1.0)),
        SHARE,
        0.01,
        0.02,
        at_most,
    ),
    _Promise(
        "drawdown",
        "The hedge makes the deepest fall 35% to 40% less deep.",
        (("drawdown_reduction", "", 1.0),),
        SHARE,
        0.35,
        0.40,
        at_least,
    ),
    _Promise(
        "condor",
        "On iron condors the hedge takes the deepest fall from 22% to 13-14%: it is 36% to 41% less deep.",
        (("drawdown_reduction", "", 1.0),),
        SHARE,
        1.0 - CONDOR_HEDGED[1] / CONDOR_UNHEDGED,
        1.0 - CONDOR_HEDGED[0] / CONDOR_UNHEDGED,
        at_least,
        ("condor",),
    ),
    _Promise(
        "sharpe",
        "In Monte Carlo the hedge adds 0.4 to 0.7 to the Sharpe ratio.",
        (("sharpe_gain", "", 1.0),),
        RATIO,
        0.4,
        0.7,
        at_least,
        ("sp500", "condor"),
        SIMULATED,
    ),
)


def claims(result: StudyResult, facts: Facts | None) -> tuple[Claim, ...]:
    """Every claim with its findings, those it is judged by first.

    Parameters
    ----------
    result : StudyResult
        With everything but claims and answer. A piece that is missing gives no findings.
    facts : Facts, optional
        Of the range of the result.
    """
    return (*(_claim(result, promise) for promise in _PROMISES), _correlation(facts))


def _claim(result: StudyResult, promise: _Promise) -> Claim:
    found = [each for reading in promise.readings for each in _findings(result, promise, *reading)]
    # Sorting keeps the order among those that count, and among those that do not.
    findings = tuple(sorted(found, key=lambda each: (not each.counts, each.method != promise.method)))
    return Claim(
        key=promise.key,
        claim=promise.claim,
        low=promise.low,
        high=promise.high,
        findings=findings,
        verdict=overall(findings, promise.method),
        sentence=_sentence(promise, findings),
    )


def _findings(result: StudyResult, promise: _Promise, statistic: str, words: str, sign: float) -> Iterator[Finding]:
    described = asked_hedge(result)
    for track in result.tracks:
        book, _, hedge = track.name.partition("+")
        if track.against is None or (not hedge and track.name not in COMPARED):
            continue
        # A fall of one book is no measure of the other's.
        if statistic == "drawdown_reduction" and (book if hedge else "sp500") not in promise.books:
            continue
        counts = book in promise.books and hedge == described and bool(hedge)
        reading = _reading(promise, book if hedge else "sp500", words)
        recorded = _condor(result, hedge, statistic) if book == "condor" else _recorded(result, track.name, statistic)
        for what, estimate in recorded:
            counted = counts and promise.method == RECORDED
            yield _finding(promise, f"{track.label}, {what}", estimate, sign, RECORDED, counted, reading)
        if result.monte_carlo is None:
            continue
        for each in result.monte_carlo.hedged:
            if (each.track, each.statistic) == (track.name, statistic):
                what = f"{track.label}, {_markets(each, promise.unit, sign)}"
                yield _finding(promise, what, _median(result, each), sign, SIMULATED, counts, reading)


def _reading(promise: _Promise, book: str, words: str) -> str:
    if len(promise.books) == 1:
        return words
    return {"sp500": "beside the S&P 500", "condor": "beside iron condors"}[book]


def _finding(
    promise: _Promise, what: str, estimate: Estimate, sign: float, method: str, counts: bool, reading: str
) -> Finding:
    if sign < 0.0:
        estimate = estimate.negative()
    words = f", {reading}" if len(promise.readings) > 1 else ""
    what = f"{what}{words}{'' if counts else ', for comparison'}"
    verdict = promise.judge(estimate, promise.low, promise.high)
    return Finding(what, promise.unit, estimate, verdict, method, counts, reading)


def _recorded(result: StudyResult, track: str, statistic: str) -> Iterator[tuple[str, Estimate]]:
    """What was measured with bootstrap intervals; of a published index since it is live, and with its back-test."""
    live = track == "veqtor" and any(each.period == SINCE_LIVE for each in result.intervals)
    periods = {SINCE_LIVE: "live", WHOLE_RANGE: "live and back-test"} if live else {WHOLE_RANGE: "recorded"}
    for period, what in periods.items():
        found = result.estimate(track, statistic, period)
        if found.value is not None or found.why != "not measured":
            yield what, found


def _condor(result: StudyResult, hedge: str, statistic: str) -> Iterator[tuple[str, Estimate]]:
    """The condor programme beside a hedge: luck under the documented skew, and what other skews gave."""
    cases = () if result.condor is None else result.condor.every
    skews = sorted({case.skew for case in cases})
    if not skews:
        return
    estimate, swept = result.estimate(f"condor+{hedge}", statistic), over_skews(cases, hedge, statistic)
    if statistic == "carry" and swept.value is None:
        return
    if swept.value is None or swept.low is None or swept.high is None:
        estimate = Estimate(None, why=swept.why)
    elif estimate.sure is not None and estimate.low is not None and estimate.high is not None:
        (least, most), low, high = estimate.sure, swept.low, swept.high
        estimate = replace(
            estimate,
            low=min(estimate.low, low),
            high=max(estimate.high, high),
            least=min(least, low),
            most=max(most, high),
        )
    days = " and any day of the week" if len({case.entry for case in cases}) > 1 else ""
    yield f"recorded, skew {skews[0]:g} to {skews[-1]:g} times as steep{days}", estimate


def _median(result: StudyResult, figures: PathFigures) -> Estimate:
    """The median over simulated markets, with the error of having simulated so few."""
    width = NormalDist().inv_cdf((1.0 + confidence_of(result)) / 2.0)
    middle, error = figures.quantiles[_MEDIAN], width * figures.standard_error
    # On condors under every skew that was drawn.
    swept = [(median, width * own) for median, own in figures.swept]
    ends = [(middle, error), *swept]
    return Estimate(middle, min(at - own for at, own in ends), max(at + own for at, own in ends))


def _markets(figures: PathFigures, unit: str, sign: float) -> str:
    low, high = sorted(sign * value for value in (figures.quantiles[0], figures.quantiles[-1]))
    skews = " (documented skew)" if figures.swept else ""
    over = ", over skews" if figures.swept else ""
    return f"median of {figures.paths} simulated markets{over}, 90% of them {interval(low, high, unit)}{skews}"


def overall(findings: Sequence[Finding], method: str = RECORDED) -> str:
    """The verdict on a claim: that of the findings that count, of the method the claim is about if any was tested.

    Where the model says the opposite of the record it is left open, and where readings differ it depends on them.
    """
    tested = [each for each in findings if each.counts and each.verdict != NOT_TESTED]
    own = {each.verdict for each in tested if each.method == method} or {each.verdict for each in tested}
    if not own:
        return NOT_TESTED
    if len(own) > 1:
        return DEPENDS
    (verdict,) = own
    opposite = {HOLDS: FAILS, FAILS: HOLDS}.get(verdict)
    others = {each.verdict for each in tested}
    return CANNOT_TELL if others == {verdict, opposite} else verdict


def _sentence(promise: _Promise, findings: Sequence[Finding]) -> str:
    """What was found by each method and in each reading, then what hedges beside say."""
    counting = [each for each in findings if each.counts]
    tested = [each for each in counting if each.verdict != NOT_TESTED]
    if not tested:
        return _not_tested(counting)
    said = []
    for method, words in ((RECORDED, "Recorded"), (SIMULATED, "In the market model, in the median")):
        own = [each for each in tested if each.method == method]
        told = [f"{each.reading}{': ' if each.reading else ''}{_told(each)}" for each in own]
        if told:
            said.append(
                f"{words}: {'; '.join(told)}{_none_near(promise, findings, own) if method == RECORDED else ''}."
            )
    return " ".join(said)


def _told(finding: Finding) -> str:
    return f"{finding.verdict}, {with_interval(finding.estimate, finding.unit)}"


def _none_near(promise: _Promise, findings: Sequence[Finding], own: Sequence[Finding]) -> str:
    """That no hedge reaches what is claimed, where the interval of the one that counts leaves it open."""
    if not any(each.verdict == CANNOT_TELL for each in own) or len(promise.readings) > 1:
        return ""
    values = [
        each.estimate.value
        for each in findings
        if each.method == RECORDED and " + " in each.what and each.estimate.value is not None
    ]
    kept = [
        value for value in values if promise.judge(Estimate(value, value, value), promise.low, promise.high) == HOLDS
    ]
    bound = promise.low if promise.judge is at_least else promise.high
    return "" if kept else f"; measured, no hedge reaches {figure(bound, promise.unit)}"


def _not_tested(findings: Sequence[Finding]) -> str:
    whys = dict.fromkeys(each.estimate.why for each in findings if each.estimate.why)
    values = [
        f"{figure(each.estimate.value, each.unit)} for {each.what}"
        for each in findings
        if each.estimate.value is not None
    ]
    measured = f" Measured: {'; '.join(values)}." if values else ""
    return f"Not tested: {listed(tuple(whys)) or 'nothing was measured that it is about'}.{measured}"


def _correlation(facts: Facts | None) -> Claim:
    missing = Estimate(None, why="closes of the two are missing")
    logs, points = (missing, missing) if facts is None else (facts.log_changes, facts.point_changes)
    verdict = about(logs, CORRELATION)
    findings = (
        Finding("Daily changes of both logarithms", SHARE, logs, verdict),
        Finding(
            "Daily return of the S&P 500 and change of the VIX in points, for comparison",
            SHARE,
            points,
            about(points, CORRELATION),
            counts=False,
        ),
    )
    return Claim(
        key="correlation",
        claim=f"The S&P 500 and the VIX have a correlation of about {figure(CORRELATION, SHARE)}.",
        low=CORRELATION,
        high=CORRELATION,
        findings=findings,
        verdict=verdict,
        sentence=_not_tested(findings[:1])
        if verdict == NOT_TESTED
        else f"Recorded: {_told(findings[0])} for changes of logarithms; in points of the VIX it is "
        f"{with_interval(points, SHARE)}.",
    )
