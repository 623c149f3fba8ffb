"""What becomes of the condors when a choice is another: size, notional of the hedge, costs, and the day they are sold.

The size of a condor, and how much hedge stands beside it, are nobody's to know: what a hedge does to the deepest fall
hangs on them more than on anything in the model. Costs are an assumption. The day of the week is chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from signals.study.condor.book import NAME, account_of
from signals.study.condor.market import CondorMarket
from signals.study.condor.programme import account_tracks, beside_condor, condor_cases
from signals.study.condor.rules import CondorRules
from signals.study.condor.surface import SKEWS
from signals.study.condor.trades import condors
from signals.study.condor.verdicts import CENTRAL, CLAIMED_REDUCTION
from signals.study.hedged import HedgeLine
from signals.study.result import CondorCase, Measure, Sensitivity
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.tracks import Tracks
from signals.study.words import number, percent

#: What a condor may lose, shares of the account.
RISKS = (0.025, 0.05, 0.10)

#: Notional of the hedge, times the value of the account.
NOTIONALS = (0.5, 1.0, 1.5)

#: Factors on what options on the S&P 500 cost to trade.
COST_FACTORS = (0.25, 0.5, 1.0, 1.5, 2.0)

#: Days of a week of four or five sessions, as the decision of each falls in most weeks.
_DAYS = ("last of the week", "first", "second", "third", "fourth")

#: Statistics of the maps of sizes: key, title, and words before a range.
_SIZED = (
    ("drawdown_reduction", "deepest fall less deep", "the deepest fall is less deep by"),
    ("growth", "growth a year", "they grow a year by"),
)

Grid = tuple[tuple[float | None, ...], ...]


def condor_maps(
    market: CondorMarket, rules: CondorRules, costs: TradingCosts, first: int = 0, last: int | None = None
) -> tuple[Sensitivity, ...]:
    """Maps of growth by costs and skew; and beside each hedge, of both statistics by size and notional.

    Parameters
    ----------
    first, last : int
        Rows of the range, as in `condor_cases`.
    """
    last = len(market.sessions) - 1 if last is None else last
    # The first row before which every hedge has begun.
    begin = max(first, *(int(np.argmax(np.isfinite(line.profit))) - 1 for line in market.hedges), 0)
    return (*_sizes(market, rules, costs, begin, last), _costs(market, rules, costs, begin, last))


def scaled(line: HedgeLine, factor: float) -> HedgeLine:
    """A hedge of some times the notional."""
    numbers = {each.name: getattr(line, each.name) * factor for each in fields(line) if each.name != "name"}
    return replace(line, **numbers)


def _sizes(
    market: CondorMarket, rules: CondorRules, costs: TradingCosts, first: int, last: int
) -> Iterator[Sensitivity]:
    found = condors(market, rules, costs)
    keys = [key for key, _, _ in _SIZED]
    values: dict[str, list[list[dict[str, Measure]]]] = {line.name: [] for line in market.hedges}
    for risk in RISKS:
        account = account_of(market, replace(rules, risk=risk), found)
        for row in values.values():
            row.append([])
        for factor in NOTIONALS:
            sized = replace(market, hedges=tuple(scaled(line, factor) for line in market.hedges))
            tracks = Tracks(market.sessions, market.cash, account_tracks(sized, account, costs))
            for name, row in values.items():
                row[-1].append(measures(tracks, beside_condor(name), first, last, keys))
    for name, cells in values.items():
        for key, title, words in _SIZED:
            grid = tuple(tuple(cell[key].value for cell in row) for row in cells)
            yield Sensitivity(
                key=f"condor-size-{name}-{key}",
                title=f"Iron condors + {name}: {title} by size and notional",
                track=beside_condor(name),
                statistic=key,
                row_name="at risk in a condor",
                column_name="notional of the hedge, times the account",
                rows=tuple(percent(risk) for risk in RISKS),
                columns=tuple(number(factor, 1) for factor in NOTIONALS),
                values=grid,
                chosen=(RISKS.index(rules.risk), NOTIONALS.index(1.0)) if rules.risk in RISKS else None,
                sentence=_size_sentence(name, grid) if key == "drawdown_reduction" else _range(words, grid),
            )


def _size_sentence(hedge: str, grid: Grid) -> str:
    """Whether what a hedge does to the deepest fall, and the claim on it, hang on the sizes."""
    known = {(i, j): value for i, row in enumerate(grid) for j, value in enumerate(row) if value is not None}
    if len(known) < len(RISKS) * len(NOTIONALS):
        return f"What {hedge} does to the deepest fall at other sizes was not measured."
    worst, best = min(known, key=lambda at: known[at]), max(known, key=lambda at: known[at])
    reached = sum(value >= CLAIMED_REDUCTION for value in known.values())
    said = (
        f"By size, beside {hedge} the deepest fall is from {_depth(known[worst])} ({_at(*worst)}) to "
        f"{_depth(known[best])} ({_at(*best)})"
    )
    cut = f"a cut by {percent(CLAIMED_REDUCTION, 0)} or more"
    if reached == 0:
        return f"{said}; {cut} is reached at none of {len(known)} sizes."
    if reached == len(known):
        return f"{said}; {cut} is reached at all of {len(known)} sizes."
    return (
        f"{said}; {cut} is reached at {reached} of {len(known)} sizes: the claim turns on how much is sold and hedged."
    )


def _depth(reduction: float) -> str:
    return f"{percent(abs(reduction))} {'less deep' if reduction >= 0.0 else 'deeper'}"


def _at(row: int, column: int) -> str:
    return f"{percent(RISKS[row])} at risk, {number(NOTIONALS[column], 1)} times the account hedged"


def _range(words: str, grid: Grid) -> str:
    known = [value for row in grid for value in row if value is not None]
    if not known:
        return "Other sizes were not measured."
    return f"By size, {words} {percent(min(known))} to {percent(max(known))}."


def _costs(market: CondorMarket, rules: CondorRules, costs: TradingCosts, first: int, last: int) -> Sensitivity:
    alone = replace(market, hedges=())
    rows = [
        [condor_cases(alone, rules, _dearer(costs, factor), skew, first, last)[0].values for skew in SKEWS]
        for factor in COST_FACTORS
    ]
    central = [row[SKEWS.index(CENTRAL)] for row in rows]
    return Sensitivity(
        key="condor-cost-growth",
        title="Iron condors: growth a year by costs and skew",
        track=NAME,
        statistic="growth",
        row_name="times the costs",
        column_name="times the skew",
        rows=tuple(f"{factor:g}" for factor in COST_FACTORS),
        columns=tuple(f"{skew:g}" for skew in SKEWS),
        values=tuple(tuple(values["growth"].value for values in row) for row in rows),
        chosen=(COST_FACTORS.index(1.0), SKEWS.index(CENTRAL)),
        sentence=_cost_sentence(central, costs),
    )


def _dearer(costs: TradingCosts, factor: float) -> TradingCosts:
    return replace(costs, spx_option=costs.spx_option * factor, spx_option_points=costs.spx_option_points * factor)


def _cost_sentence(central: Sequence[dict[str, Measure]], costs: TradingCosts) -> str:
    """What costs do under the documented skew, and at which the condors earn no more than cash."""
    grown = [values["growth"].value for values in central]
    over = [values["over_cash"].value for values in central]
    if grown[0] is None or grown[-1] is None or any(value is None for value in over):
        return "What the condors grow by at other costs was not measured."
    assumed = percent(costs.spx_option)
    said = (
        f"At {COST_FACTORS[0]:g} to {COST_FACTORS[-1]:g} times the assumed half-spread of {assumed} of a premium, the "
        f"condors grew by {percent(grown[0])} to {percent(grown[-1])} a year under the documented skew"
    )
    more = [factor for factor, value in zip(COST_FACTORS, over, strict=True) if value is not None and value > 0.0]
    if len(more) in (0, len(COST_FACTORS)):
        return f"{said}, {'more' if more else 'less'} than cash at all of them."
    return f"{said}, more than cash up to {more[-1]:g} times only: whether they earned more turns on an assumption."


def entry_maps(cases: Sequence[CondorCase]) -> tuple[Sensitivity, ...]:
    """Maps by day of the week and skew: growth of the condors, and of each hedge what it does to the deepest fall.

    None where only one day was looked at.
    """
    entries, skews = sorted({case.entry for case in cases}), sorted({case.skew for case in cases})
    if len(entries) < 2:
        return ()
    by_choice = {(case.hedge, case.entry, case.skew): case.values for case in cases}
    found = []
    for hedge in dict.fromkeys(case.hedge for case in cases):
        key, title, words = _SIZED[0] if hedge else _SIZED[1]
        grid = tuple(
            tuple(by_choice.get((hedge, entry, skew), {}).get(key, Measure(None)).value for skew in skews)
            for entry in entries
        )
        label = f"Iron condors + {hedge}" if hedge else "Iron condors"
        central = skews.index(CENTRAL) if CENTRAL in skews else None
        found.append(
            Sensitivity(
                key=f"condor-day-{hedge}-{key}" if hedge else f"condor-day-{key}",
                title=f"{label}: {title} by day and skew",
                track=beside_condor(hedge) if hedge else NAME,
                statistic=key,
                row_name="session at whose close it is decided",
                column_name="times the skew",
                rows=tuple(_DAYS[entry] for entry in entries),
                columns=tuple(f"{skew:g}" for skew in skews),
                values=grid,
                chosen=None if central is None else (0, central),
                sentence=_day_sentence(words, grid, central),
            )
        )
    return tuple(found)


def _day_sentence(words: str, grid: Grid, central: int | None) -> str:
    known = [] if central is None else [value for row in grid if (value := row[central]) is not None]
    if not known or grid[0][central or 0] is None:
        return "Other days were not measured."
    return (
        f"By the day on which it is decided, {words} {percent(min(known))} to {percent(max(known))} "
        "under the documented skew: the day is chance, and so is the difference."
    )
