"""The answer of a study: is such a hedge worth its cost? Made from the numbers, sentence by sentence.

What a hedge is worth is judged by its Sharpe ratio against that of the same portfolio without it. A smaller fall
alone can be had for nothing, by holding less of the portfolio and more cash, which leaves the Sharpe ratio as it was;
how much cash, and what that would have cost, is told beside. A hedge

* is worth its cost where the whole interval of its Sharpe ratio is above that of the unhedged;
* is not, on this evidence, where it is below, where it is within `NO_MORE` of it either way, or where growth was lower
  over the whole interval and the Sharpe ratio not higher: a cost that is sure, for a gain that is not;
* else it cannot be told; of a range too short for intervals, what was measured is said.

On the condor programme that has to be so under every skew too. VEQTOR is judged since its index is live, where that is
`LONG_ENOUGH`: the years before are a back-test of what was designed after them. An end of an interval decides only with
a margin for the error of having drawn so few samples.

The first paragraph is the answer. Others say what came of crashes, what simulated markets say, and what other
assumptions do to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from signals.study.condor.verdicts import over_skews
from signals.study.crashes import CRASH
from signals.study.result import (
    CANNOT_TELL,
    DEPENDS,
    FAILS,
    HOLDS,
    NOT_TESTED,
    SINCE_LIVE,
    WHOLE_RANGE,
    Estimate,
    PathFigures,
    Period,
    StudyResult,
)
from signals.study.subjects import asked_hedge, confidence_of, label_of, subjects
from signals.study.words import RATIO, SHARE, counted, figure, listed, percent, spelled

#: Verdicts on a hedge, beside `CANNOT_TELL` and `NOT_TESTED`.
WORTH, NOT_WORTH, TOO_SHORT = "worth its cost", "not worth its cost", "too short to say whether it was luck"

#: What so much cash would have done.
_AS_DEEP = " would have fallen no deeper and grown"

#: The track of maps in which hedges are looked at together.
HEDGES = "hedges"

#: A Sharpe ratio that differs by less than this over the whole of its interval makes no difference.
NO_MORE = 0.1

#: Days of a live index from which on it is judged by them alone: three years.
LONG_ENOUGH = 3 * 365


@dataclass(frozen=True)
class _Told:
    """A change that is told of each hedge, and how more and less of it are said."""

    key: str
    name: str
    unit: str
    less: str
    more: str
    end: str = ""

    def value(self, value: float) -> str:
        """A change, such as ``1.2% less``."""
        return f"{figure(abs(value), self.unit)} {self.less if value < 0.0 else self.more}"

    def ends(self, low: float, high: float) -> str:
        """A range, such as ``2.5% less to 0.4% more`` or, of one sign, ``2.5% to 0.4% less``."""
        if (low < 0.0) != (high < 0.0):
            return f"{self.value(low)} to {self._end(high)}"
        return f"{figure(abs(low), self.unit)} to {self._end(high)}"

    def _end(self, value: float) -> str:
        """The end of a range, with the short form of what is said of more."""
        return self.value(value).replace(self.more, self.end or self.more)


_GROWTH = _Told("drag", "growth a year", SHARE, "less", "more")
_RATIO = _Told("sharpe_gain", "Sharpe ratio", RATIO, "lower", "higher")
_FALL = _Told("drawdown_reduction", "deepest fall", SHARE, "deeper", "less deep", "less")
_CHANGES = (_GROWTH, _FALL, _RATIO)


def answer(result: StudyResult) -> tuple[str, ...]:
    """The paragraphs, the answer first.

    Parameters
    ----------
    result : StudyResult
        With everything but the answer. Of a piece that is missing it is said why, or nothing.
    """
    names = subjects(result)
    first = [_headline(result, names), *(_measured(result, name) for name in names), *_claims(result)]
    then = [*_crashes(result, names), *_simulated(result, names), *_doubts(result)]
    return (" ".join(first), *then)


def verdict_of(result: StudyResult, name: str) -> str:
    """Whether a hedge is worth its cost."""
    found = [_estimate(result, name, each.key) for each in _CHANGES]
    growth, _, ratio = found
    if all(each.value is None for each in found):
        return NOT_TESTED
    if ratio.sure is None:
        return TOO_SHORT
    low, high = ratio.sure
    if low > 0.0:
        return WORTH
    within = low >= -NO_MORE and high <= NO_MORE
    dear = growth.sure is not None and growth.sure[1] < 0.0
    return NOT_WORTH if high < 0.0 or within or dear else CANNOT_TELL


def judged_since(result: StudyResult, name: str) -> Period | None:
    """The live period of a published index, where it is judged by that; else None."""
    live = next((each for each in result.periods if each.key == SINCE_LIVE), None)
    if name != "veqtor" or live is None or (live.last - live.first).days < LONG_ENOUGH:
        return None
    return live if result.estimate(name, _GROWTH.key, SINCE_LIVE).value is not None else None


def _estimate(result: StudyResult, name: str, key: str) -> Estimate:
    """A change with its interval over what a hedge is judged by; of condors over luck and skews."""
    period = SINCE_LIVE if judged_since(result, name) else WHOLE_RANGE
    found = result.estimate(name, key, period)
    if not name.startswith("condor+") or found.sure is None:
        return found
    cases = () if result.condor is None else result.condor.every
    skews = over_skews(cases, name.partition("+")[2], key)
    if skews.low is None or skews.high is None or found.low is None or found.high is None:
        return Estimate(found.value, why=skews.why or "other skews were not looked at")
    low, high = min(found.low, skews.low), max(found.high, skews.high)
    (least, most) = found.sure
    return replace(found, low=low, high=high, least=min(least, low), most=max(most, high))


def _headline(result: StudyResult, names: Sequence[str]) -> str:
    """The verdict, and what it is made from."""
    verdicts = {name: verdict_of(result, name) for name in names}
    said = [verdict for verdict in _SHORT if verdict in verdicts.values()]
    if not said:
        short = "It was not measured"
    elif len(said) == 1:
        short = _SHORT[said[0]]
    else:
        names_of = {
            verdict: [label_of(result, name) for name in names if verdicts[name] == verdict] for verdict in said
        }
        parts = [f"for {listed(names_of[verdict])} {_uncapital(_SHORT[verdict])}" for verdict in said]
        short = "; ".join(parts)
        short = short[0].upper() + short[1:]
    simulated = "SIMULATED market. " if result.simulated else ""
    brackets = f"; in brackets {confidence_of(result) * 100:g}% intervals" if set(said) - {TOO_SHORT} else ""
    made_from = f"{result.first} to {result.last}, after costs, against the unhedged{brackets}"
    return f"{simulated}Is such a hedge worth its cost? {short}. ({made_from}.)"


#: Verdicts in short.
_SHORT = {
    WORTH: "Yes, on this evidence",
    NOT_WORTH: "Not on this evidence",
    CANNOT_TELL: "It cannot be told",
    TOO_SHORT: "The range is too short to tell",
}


def _uncapital(text: str) -> str:
    return text[0].lower() + text[1:]


def _measured(result: StudyResult, name: str) -> str:
    """What a hedge changed, with intervals, and what cash would have done."""
    live, found = judged_since(result, name), {each: _estimate(result, name, each.key) for each in _CHANGES}
    label, verdict = label_of(result, name), verdict_of(result, name)
    if verdict == NOT_TESTED:
        whys = tuple(dict.fromkeys(estimate.why for estimate in found.values()))
        return f"{label} was not measured: {_why(result, name, whys)}."
    since = f"Live since {live.first.year}, " if live else ""
    shown = [_RATIO] if name.startswith("condor+") and verdict == CANNOT_TELL else list(_CHANGES)
    told = [_change(each, found[each]) for each in shown if found[each].value is not None]
    skews = ", over luck and skews" if name.startswith("condor+") and verdict != TOO_SHORT else ""
    if verdict != TOO_SHORT and any(found[each].value is None for each in shown):
        skews += f", no {listed([each.name for each in shown if found[each].value is None])}"
    return f"{since}{label}{skews}: {', '.join(told)}{_words(found, verdict)}{_beside(result, name)}."


def _change(told: _Told, estimate: Estimate) -> str:
    value = f"{told.name} {told.value(estimate.value or 0.0)}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({told.ends(estimate.low, estimate.high)})"


def _words(found: Mapping[_Told, Estimate], verdict: str) -> str:
    """The verdict where the figures do not say it."""
    ratio = found[_RATIO]
    if verdict == TOO_SHORT:
        whys = dict.fromkeys(each.why for each in found.values() if each.value is not None and each.why)
        return f", {TOO_SHORT}{f' ({listed(tuple(whys))})' if whys else ''}"
    if ratio.sure is None or ratio.low is None or ratio.high is None:
        return ""
    if verdict == CANNOT_TELL:
        return ", too close to tell from luck" if ratio.low > 0.0 or ratio.high < 0.0 else ", which may be luck"
    low, high = ratio.sure
    within = low >= -NO_MORE and high <= NO_MORE
    return f", no difference of more than {NO_MORE:g} either way" if verdict == NOT_WORTH and within else ""


def _beside(result: StudyResult, name: str) -> str:
    """How much cash would have made the fall as deep, at what cost; of an index, what it did in its back-test."""
    live = judged_since(result, name)
    since = next((each for each in result.periods if each.key == SINCE_LIVE), None)
    whole, later = (_in_cash(result, name, period) for period in (WHOLE_RANGE, SINCE_LIVE))
    shown = later if live else whole
    found = f"; {shown} a year" if shown else ""
    if found and not live and later and since:
        # One fall decides it: of a range with another one it is another share.
        found += f" (since {since.first.year}: {later.replace(_AS_DEEP, ',')})"
    before = result.figure(name, _GROWTH.key, "back-test").value if live else None
    return found + ("" if before is None else f"; growth in its back-test {_GROWTH.value(before)}")


def _in_cash(result: StudyResult, name: str, period: str) -> str:
    """The cash, and the growth it would have taken; empty where there is none, and of condors."""
    against = next((track.against for track in result.tracks if track.name == name), None)
    if against is None or name.startswith("condor+"):
        return ""
    share, grown = (result.figure(name, key, period).value for key in ("cash_share", "cash_growth"))
    unhedged = result.figure(against, "growth", period).value
    if not share or grown is None or unhedged is None:
        return ""
    return f"{percent(share, 0)} in cash{_AS_DEEP} {_GROWTH.value(grown - unhedged)}"


def _why(result: StudyResult, name: str, whys: Sequence[str]) -> str:
    """Why there is nothing of a strategy: the part that failed, or what it lacks."""
    book, _, hedge = name.partition("+")
    parts = [f"track {name}", f"hedge {hedge or name}", *(["condor programme"] if book == "condor" else [])]
    failed = [failure.why for part in parts for failure in result.failures if failure.part == part]
    lacking = [why for why in whys if why and why != "not measured"]
    return (failed[0] if failed else listed(lacking) or "it is missing").rstrip(".")


def _claims(result: StudyResult) -> Iterator[str]:
    """How many claims hold."""
    counts = {
        verdict: sum(each.verdict == verdict for each in result.claims)
        for verdict in (HOLDS, FAILS, DEPENDS, CANNOT_TELL, NOT_TESTED)
    }
    said = [
        f"{spelled(count)} {_VERBS[verdict][count > 1]}"
        for verdict, count in counts.items()
        if count or verdict == HOLDS
    ]
    if result.claims:
        yield f"Of {counted(len(result.claims), 'public claim')} {listed(said)}."


_VERBS = {
    HOLDS: ("holds", "hold"),
    FAILS: ("fails", "fail"),
    DEPENDS: ("depends on its reading", "depend on their reading"),
    CANNOT_TELL: ("is open", "are open"),
    NOT_TESTED: ("was not tested", "were not tested"),
}


def _crashes(result: StudyResult, names: Sequence[str]) -> Iterator[str]:
    """How often a crash must come for a hedge to pay, and how often one came, by the same calendar."""
    told = []
    for name in names:
        live = judged_since(result, name)
        gain, cost, one, needed, had = (
            result.figure(name, key, SINCE_LIVE if live else WHOLE_RANGE).value
            for key in ("crash_gain", "carry", "largest_crash", "break_even_years", "crash_years")
        )
        if had is None or gain is None or cost is None:
            continue
        alone = "" if one is None else f" ({percent(one, 0)} of all in a single one)"
        what = f"{label_of(result, name)}{f', live since {live.first.year},' if live else ''}"
        gained = f"added {percent(gain)} in the average one{alone}" if gain >= 0.0 else f"lost {percent(-gain)} in one"
        spent = f"cost {percent(cost)} a year otherwise" if cost >= 0.0 else f"added {percent(-cost)} a year otherwise"
        needs = "" if needed is None else f", so that it needs one every {needed:.1f} years; one came every {had:.1f}"
        told.append(f"{what} {gained} and {spent}{needs}")
    if told:
        yield f"In falls of the S&P 500 by {percent(CRASH, 0)} or more: {'. '.join(told)}. So few have no interval."


def _simulated(result: StudyResult, names: Sequence[str]) -> Iterator[str]:
    """What simulated markets say, and how that goes together with the record."""
    found = result.monte_carlo
    if found is None:
        return
    told = []
    surer = []
    for name in names:
        figures = {each.statistic: each for each in (*found.hedged, *found.indices) if each.track == name}
        parts = [_quantiles(each, figures[each.key]) for each in (_GROWTH, _RATIO) if each.key in figures]
        if not parts:
            continue
        ratio = figures.get(_RATIO.key)
        skew = ", under the documented skew" if ratio is not None and ratio.swept else ""
        told.append(f"{label_of(result, name)} in {next(iter(figures.values())).paths:,}{skew}: {', '.join(parts)}")
        open_ = verdict_of(result, name) in (CANNOT_TELL, TOO_SHORT)
        if open_ and ratio is not None and _one_sided(ratio):
            surer.append(label_of(result, name))
    if told:
        more = f" Of {listed(surer)} the model is surer than the record, and no new evidence." if surer else ""
        yield (
            f"In simulated markets of {found.years} years, of a model fitted to that history, the median (and 90% "
            f"of them): {'. '.join(told)}.{more}"
        )


def _one_sided(figures: PathFigures) -> bool:
    """Whether most markets agree on the sign, and the median does under every skew."""
    values = (figures.quantiles[0], figures.quantiles[-1], *(median for median, _ in figures.swept))
    return min(values) > 0.0 or max(values) < 0.0


def _quantiles(told: _Told, figures: PathFigures) -> str:
    low, _, middle, _, high = figures.quantiles
    return _change(told, Estimate(middle, low, high))


def _doubts(result: StudyResult) -> Iterator[str]:
    """What other assumptions on the hedge give, which no interval holds."""
    hedge = asked_hedge(result)
    told = []
    for each in result.sensitivity:
        change = next((known for known in (_GROWTH, _RATIO) if known.key == each.statistic), None)
        row = next((values for name, values in zip(each.rows, each.values, strict=True) if name == hedge), None)
        if each.track != HEDGES or change is None or row is None or row[0] is None or row[-1] is None:
            continue
        ends = f"{change.value(row[0])} at {each.columns[0]} and {change.value(row[-1])} at {each.columns[-1]}"
        told.append(f"{change.name} {ends} ({each.column_name})")
    if told:
        yield f"No interval holds what is assumed of the options of {hedge}: {'; '.join(told)}."
