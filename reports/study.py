"""A study as tables: what a strategy gained, what it cost, and how deep it fell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reports.tables import NOTHING, Section, Table, signed

if TYPE_CHECKING:
    from signals.study.strategies import StrategyResult

#: What has to be known to read the figures.
NOTES = (
    "Total return, in per cent; p.a.: compound growth a year. Vol: standard deviation of daily returns, annualised. "
    "Fall: the deepest from a high before it. Drag: growth a year less that of the S&P 500. Less fall: by which share "
    "the fall was less deep than that of the S&P 500.",
    "No costs but those of the hedges' rule sets, which trade on paper at modelled prices where no quote is stored. A "
    "back-test: the rules were known when it was made.",
)


def study_sections(results: tuple[StrategyResult, ...]) -> tuple[Section, ...]:
    """The whole range, then what each window brought."""
    span = results[0].performance
    whole = Section(f"Closes from {span.start} to {span.end}", NOTES, Table(_HEADER, tuple(_rows(results)), _NUMERIC))
    names = [name for name, _ in results[0].windows]
    if not names:
        return (whole,)
    rows = tuple((item.name, *(_share(value) for _, value in item.windows)) for item in results)
    numeric = frozenset(range(1, len(names) + 1))
    return whole, Section("Total return of what is remembered", (), Table(("%", *names), rows, numeric))


_HEADER = ("%", "Total", "p.a.", "Vol", "Fall", "Worst day", "Drag", "Less fall")
_NUMERIC = frozenset(range(1, len(_HEADER)))


def _rows(results: tuple[StrategyResult, ...]) -> Iterator[tuple[str, ...]]:
    for item in results:
        found = item.performance
        yield (
            item.name,
            _share(found.total_return),
            _share(found.growth),
            f"{found.volatility * 100:.1f}",
            _share(found.max_drawdown),
            _share(found.worst_day),
            _share(item.drag),
            _share(item.drawdown_reduction),
        )


def _share(value: float | None) -> str:
    return NOTHING if value is None else signed(value * 100, 1)
