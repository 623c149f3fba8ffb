"""What can be said of the condor programme whatever the skew and the day, in sentences made from the numbers.

Standard library only. A verdict that is not the same under every skew, and on every day of the week that the condors
could be decided on, is "cannot tell".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from signals.study.result import CANNOT_TELL, FAILS, HOLDS, CondorCase, Estimate, Measure
from signals.study.words import SHARE, interval, number, percent

#: The skew as documented.
CENTRAL = 1.0

#: The claim of the public descriptions: a drawdown of 22% becomes one of 13 to 14%.
CLAIMED_FALL, CLAIMED_HEDGED = 0.22, 0.14
CLAIMED_REDUCTION = 1.0 - CLAIMED_HEDGED / CLAIMED_FALL


def over_skews(cases: Sequence[CondorCase], hedge: str, key: str) -> Estimate:
    """A figure under the documented skew, with its range over all skews and days; the hedge "" is for unhedged."""
    found = {
        (case.entry, case.skew): case.values.get(key, Measure(None, "not measured"))
        for case in cases
        if case.hedge == hedge
    }
    central = found.get((0, CENTRAL), Measure(None, "the documented skew was not looked at"))
    values = [measure.value for measure in found.values() if measure.value is not None]
    if central.value is None or len(values) < len(found):
        whys = [measure.why for measure in (central, *found.values()) if measure.value is None]
        return Estimate(None, why=whys[0])
    return Estimate(central.value, min(values), max(values))


def verdict_over_skews(cases: Sequence[CondorCase], hedge: str, holds: Callable[[CondorCase], bool]) -> str:
    """HOLDS or FAILS where it is the same under every skew and on every day, else CANNOT_TELL."""
    found = {holds(case) for case in cases if case.hedge == hedge}
    if len(found) != 1:
        return CANNOT_TELL
    return HOLDS if found.pop() else FAILS


def depends_on(cases: Sequence[CondorCase], hedge: str, holds: Callable[[CondorCase], bool]) -> str:
    """What a verdict that is not always the same depends on, in words."""
    by_choice = {(case.entry, case.skew): holds(case) for case in cases if case.hedge == hedge}
    entries, skews = {entry for entry, _ in by_choice}, {skew for _, skew in by_choice}
    found = []
    if any(len({by_choice[at] for at in by_choice if at[0] == entry}) > 1 for entry in entries):
        found.append("the skew")
    if any(len({by_choice[at] for at in by_choice if at[1] == skew}) > 1 for skew in skews):
        found.append("the day of the week")
    return " and ".join(found)


def _whatever(cases: Sequence[CondorCase]) -> str:
    return "Whatever the skew" + (" and the day of the week" if len({case.entry for case in cases}) > 1 else "")


def sentences(cases: Sequence[CondorCase]) -> tuple[str, ...]:
    """All that is to be said, the unhedged programme first."""
    hedges = [hedge for hedge in dict.fromkeys(case.hedge for case in cases) if hedge]
    return (*_unhedged(cases), *(each for hedge in hedges for each in _hedged(cases, hedge)))


def _unhedged(cases: Sequence[CondorCase]) -> Iterator[str]:
    skews, days = sorted({case.skew for case in cases}), {case.entry for case in cases}
    growth, fall, income = (over_skews(cases, "", key) for key in ("growth", "max_drawdown", "income"))
    if growth.value is None or fall.value is None or income.value is None:
        yield f"The condor programme has no figures: {growth.why or fall.why or income.why}."
        return
    swept = f"in brackets: over skews {number(skews[0], 2)} to {number(skews[-1], 2)} times as steep"
    swept += ", and every day of the week" if len(days) > 1 else ""
    yield (
        f"Unhedged, the condors grew by {_told(growth)} a year ({swept}), kept {_told(income)} of the account a year "
        f"in premium, and fell by {_told(_depth(fall))} at the worst."
    )
    if over_skews(cases, "", "over_cash").value is not None:

        def more(case: CondorCase) -> bool:
            return _value(case, "over_cash") > 0.0

        yield {
            HOLDS: f"{_whatever(cases)}, they earned more than cash.",
            FAILS: f"{_whatever(cases)}, they did not earn more than cash.",
            CANNOT_TELL: "Whether they earned more than cash cannot be told: it depends on "
            f"{depends_on(cases, '', more)}.",
        }[verdict_over_skews(cases, "", more)]


def _hedged(cases: Sequence[CondorCase], hedge: str) -> Iterator[str]:
    fall, before, reduction, drag = (
        over_skews(cases, name, key)
        for name, key in ((hedge, "max_drawdown"), ("", "max_drawdown"), (hedge, "drawdown_reduction"), (hedge, "drag"))
    )
    if fall.value is None or before.value is None or reduction.value is None or drag.value is None:
        yield f"Beside {hedge} there are no figures: {fall.why or before.why or reduction.why or drag.why}."
        return
    yield (
        f"Beside {hedge} the deepest fall was {_told(_depth(fall))} in place of {_told(_depth(before))}, and growth a "
        f"year changed by {_told(drag)}."
    )

    def less(case: CondorCase) -> bool:
        return _value(case, "drawdown_reduction") > 0.0

    def claimed(case: CondorCase) -> bool:
        return _value(case, "drawdown_reduction") >= CLAIMED_REDUCTION

    told = {
        HOLDS: f"{_whatever(cases)}, {hedge} made it less deep",
        FAILS: f"{_whatever(cases)}, {hedge} did not make it less deep",
        CANNOT_TELL: f"Whether {hedge} makes it less deep cannot be told: it depends on "
        f"{depends_on(cases, hedge, less)}",
    }[verdict_over_skews(cases, hedge, less)]
    cut = f"a cut by {percent(CLAIMED_REDUCTION, 0)} or more, such as from 22% to 14%"
    yield {
        HOLDS: f"{told}; {cut}, was always reached.",
        FAILS: f"{told}; {cut}, was never reached.",
        CANNOT_TELL: f"{told}; whether {cut}, is reached cannot be told: it depends on "
        f"{depends_on(cases, hedge, claimed)}.",
    }[verdict_over_skews(cases, hedge, claimed)]
    yield from _worst_month(cases, hedge)


def _worst_month(cases: Sequence[CondorCase], hedge: str) -> Iterator[str]:
    """A crash by itself: the deepest fall is also what a programme loses by paying too much for years."""
    unhedged = {(case.entry, case.skew): _value(case, "worst_month") for case in cases if not case.hedge}
    month, before = (over_skews(cases, name, "worst_month") for name in (hedge, ""))
    if month.value is None or before.value is None:
        return

    def better(case: CondorCase) -> bool:
        return _value(case, "worst_month") > unhedged.get((case.entry, case.skew), 0.0)

    yield {
        HOLDS: f"{_whatever(cases)}, its worst month was less bad: a loss of {_told(_depth(month))} in place of "
        f"{_told(_depth(before))}.",
        FAILS: f"{_whatever(cases)}, its worst month was not less bad.",
        CANNOT_TELL: f"Whether its worst month was less bad cannot be told: it depends on "
        f"{depends_on(cases, hedge, better)}.",
    }[verdict_over_skews(cases, hedge, better)]


def _told(estimate: Estimate) -> str:
    value, low, high = estimate.value or 0.0, estimate.low or 0.0, estimate.high or 0.0
    return f"{percent(value)} ({interval(low, high, SHARE)})"


def _depth(fall: Estimate) -> Estimate:
    """A fall as a positive share."""
    return Estimate(-(fall.value or 0.0), -(fall.high or 0.0), -(fall.low or 0.0))


def _value(case: CondorCase, key: str) -> float:
    """A figure that `over_skews` found to be there."""
    value = case.values[key].value
    return 0.0 if value is None else value
