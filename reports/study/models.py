"""What models and variants say, as tables: the condor, simulated markets, luck, parameters. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reports.study.figures import DIFFERENCES, between, figure, told
from reports.study.names import head, label_of, unit_of
from reports.tables import NOTHING, Section, Table

if TYPE_CHECKING:
    from signals.study.result import Condor, CondorCase, Measure, MonteCarlo, PathFigures, StudyResult

#: What is looked at under every skew.
_BY_SKEW = (
    ("max_drawdown", "deepest fall"),
    ("growth", "growth a year"),
    ("income", "premium kept a year"),
    ("drawdown_reduction", "by how much less deep"),
    ("drag", "drag a year"),
)

#: What is shown of the trades, under the documented skew.
_TRADES = (
    ("trades", "Trades"),
    ("win_rate", "Won"),
    ("break_even_win_rate", "Break-even"),
    ("average_win", "Win"),
    ("average_loss", "Loss"),
    ("break_even_down", "Down to"),
    ("break_even_up", "Up to"),
)

#: What is shown first of simulated markets, and how many statistics at most.
_OF_MARKETS = ("drag", "drawdown_reduction", "sharpe_gain", "growth", "max_drawdown", "sharpe")
_SHOWN = 4

_UNHEDGED = "unhedged"
_QUANTILES = ("5%", "25%", "Median", "75%", "95%")


def condor(result: StudyResult) -> Iterator[Section]:
    """The programme under each skew, and its trades under the documented one."""
    if result.condor is None:
        return
    found = result.condor
    yield Section("The iron condor programme", (*found.sentences, found.rules), key="condor")
    skews = sorted({each.skew for each in found.cases})
    hedges = list(dict.fromkeys(each.hedge for each in found.cases))
    cases = {(each.hedge, each.skew): each for each in found.cases}
    for key, title in _BY_SKEW:
        if not any(_value(each, key) is not None for each in found.cases):
            continue
        header = ("Steepness of the skew", *(f"x {skew:g}" for skew in skews))
        rows = tuple(
            (
                hedge or _UNHEDGED,
                *(
                    figure(_value(cases.get((hedge, skew)), key), unit_of(result, key), sign=key in DIFFERENCES)
                    for skew in skews
                ),
            )
            for hedge in hedges
            if hedge or key not in DIFFERENCES
        )
        yield Section(f"Condor: {title}", (), Table(header, rows, _numbers(header)), f"condor-{key}", detail=True)
    yield from _trades(result, found)


def _trades(result: StudyResult, found: Condor) -> Iterator[Section]:
    central = [each for each in found.cases if each.skew == 1.0]
    there = [(key, name) for key, name in _TRADES if any(_value(each, key) is not None for each in central)]
    if not there:
        return
    header = ("", *(name for _, name in there))
    rows = tuple(
        (
            each.hedge or _UNHEDGED,
            *(figure(_value(each, key), unit_of(result, key)) for key, _ in there),
        )
        for each in central
    )
    absent = [
        (head(result, key), each.hedge or _UNHEDGED, measure.why)
        for each in central
        for key, _ in there
        if (measure := each.values.get(key)) is not None and measure.value is None and measure.why
    ]
    yield Section(
        "Condor: trades and break-even points",
        tuple(told(absent)),
        Table(header, rows, _numbers(header)),
        "condor-trades",
        detail=True,
    )


def _value(case: CondorCase | None, key: str) -> float | None:
    measure: Measure | None = case.values.get(key) if case is not None else None
    return measure.value if measure is not None else None


def monte_carlo(result: StudyResult) -> Iterator[Section]:
    """Simulated markets, and how far the model that drew them is from the recorded one."""
    found = result.monte_carlo
    if found is None:
        return
    yield Section(f"Simulated markets of {found.years} years", found.sentences, key="paths")
    for title, figures in (("Indices", found.indices), ("Hedges and the condor", found.hedged)):
        if not figures:
            continue
        yield _medians(result, title, figures)
        for statistic in dict.fromkeys(each.statistic for each in figures):
            yield _quantiles(result, statistic, title, [each for each in figures if each.statistic == statistic])
    if found.fit:
        yield _fit(found)


def _medians(result: StudyResult, title: str, found: Sequence[PathFigures]) -> Section:
    """Each strategy with the median of each statistic and where nine of ten markets are."""
    known = dict.fromkeys(each.statistic for each in found)
    keys = [key for key in (*_OF_MARKETS, *known) if key in known]
    keys = list(dict.fromkeys(keys))[:_SHOWN]
    cells = {(each.track, each.statistic): each for each in found}
    rows = tuple(
        (label_of(result, track), *(_median(result, cells.get((track, key))) for key in keys))
        for track in dict.fromkeys(each.track for each in found)
    )
    header = (f"{found[0].paths:,} markets", *(head(result, key) for key in keys))
    said = ("The median, and from the 5% worst to the 5% best of the markets.",)
    return Section(f"{title} in simulated markets", said, Table(header, rows, _numbers(header)), "medians")


def _median(result: StudyResult, found: PathFigures | None) -> str:
    if found is None:
        return NOTHING
    unit, sign = unit_of(result, found.statistic), found.statistic in DIFFERENCES
    lowest, *_, highest = found.quantiles
    middle = figure(found.quantiles[len(found.quantiles) // 2], unit, sign=sign)
    return f"{middle} ({between(lowest, highest, unit, sign=sign, mark=False)})"


def _quantiles(result: StudyResult, statistic: str, title: str, found: list[PathFigures]) -> Section:
    unit, sign = unit_of(result, statistic), statistic in DIFFERENCES
    header = (f"{found[0].paths:,} markets", *_QUANTILES, "Error")
    rows = tuple(
        (
            label_of(result, each.track),
            *(figure(value, unit, sign=sign) for value in each.quantiles),
            figure(each.standard_error, unit),
        )
        for each in found
    )
    name = next((each.label for each in result.statistics if each.key == statistic), head(result, statistic))
    return Section(
        f"{title}, simulated: {name}",
        (),
        Table(header, rows, _numbers(header)),
        f"paths-{statistic}",
        detail=True,
    )


def _fit(found: MonteCarlo) -> Section:
    header = ("", "Recorded", "Median", "Range over markets")
    rows = tuple(
        (
            each.label,
            figure(each.recorded, each.unit),
            figure(each.median, each.unit),
            between(each.low, each.high, each.unit),
        )
        for each in found.fit
    )
    return Section(
        "How well the simulated market fits the recorded one", (), Table(header, rows, _numbers(header)), "fit"
    )


def luck(result: StudyResult) -> Iterator[Section]:
    """Whether the best of several variants is better than luck."""
    if not result.deflated:
        return
    header = ("Best", "Sharpe", "Best by luck", "Tried", "Not luck")
    rows = tuple(
        (
            each.best,
            f"{each.sharpe:.2f}",
            f"{each.expected_maximum:.2f}",
            str(each.trials),
            f"{each.probability * 100:.0f}%",
        )
        for each in result.deflated
    )
    yield Section(
        "Skill or luck",
        tuple(f"{each.question} {each.sentence}" for each in result.deflated),
        Table(header, rows, _numbers(header)),
        "luck",
    )


def sensitivity(result: StudyResult) -> Iterator[Section]:
    """A statistic over a grid of two parameters, the one in use in brackets."""
    for each in result.sensitivity:
        unit, sign = unit_of(result, each.statistic), each.statistic in DIFFERENCES
        rows = tuple(
            (
                name,
                *(
                    f"[{cell}]" if each.chosen == (row, column) else cell
                    for column, cell in enumerate(figure(value, unit, sign=sign) for value in each.values[row])
                ),
            )
            for row, name in enumerate(each.rows)
        )
        header = (f"{each.row_name} \\ {each.column_name}", *each.columns)
        table = Table(header, rows, _numbers(header))
        yield Section(each.title, (each.sentence,), table, f"sensitivity-{each.key}", detail=True)


def _numbers(header: tuple[str, ...]) -> frozenset[int]:
    return frozenset(range(1, len(header)))
