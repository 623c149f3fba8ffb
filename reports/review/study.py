"""What became of the stored index levels over a range, and how the whole study is run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.review.history import choose
from reports.review.pages import TheSite, page
from reports.review.parameters import OptionalDay
from reports.tables import Table, signed
from storage.figures import SessionFigures

if TYPE_CHECKING:
    from signals.study.performance import Performance

router = APIRouter()

#: Columns of stored levels, the one others are measured against first.
_LEVELS = (
    ("sp500_total_return", "S&P 500 TR"),
    ("veqtor_total_return", "VEQTOR"),
    ("vix_short_total_return", "VIX short-term"),
    ("vix_mid_total_return", "VIX mid-term"),
)
_SHORTEST = 3


@dataclass(frozen=True)
class Result:
    """What became of one level; None where it is not there over the whole range."""

    name: str
    performance: Performance | None
    windows: tuple[float | None, ...]


@router.get("/study")
def show_study(request: Request, site: TheSite, first: OptionalDay = None, last: OptionalDay = None) -> Response:
    """The stored levels over a range, by default all of it."""
    from signals.study.strategies import WINDOWS

    with site.work() as work:
        chosen = choose(site, work, first, last, None)
        hedges = list(chosen.hedges)
        simulated = work.observations.is_simulated()
        version = site.version_of(work)
    windows = [each for each in WINDOWS if chosen.first <= each[1] and each[2] <= chosen.last]
    results = site.memory.get(
        "study",
        (version, chosen.first, chosen.last),
        lambda: [Result(name, *_became(chosen.history, column, windows)) for column, name in _LEVELS],
    )
    unhedged = results[0].performance
    context = {
        "chosen": chosen,
        "results": results,
        "table": _table(results, unhedged),
        "windows": windows,
        "window_rows": [(each.name, [_share(value) for value in each.windows]) for each in results],
        "hedges": hedges,
    }
    return page(request, "study", context, simulated=simulated, section="/study")


def _became(
    history: Sequence[SessionFigures], column: str, windows: Sequence[tuple[str, dt.date, dt.date]]
) -> tuple[Performance | None, tuple[float | None, ...]]:
    import numpy as np

    from signals.study.performance import performance

    levels = {row.session: getattr(row, column) for row in history if getattr(row, column)}
    if len(levels) < max(_SHORTEST, len(history)):
        return None, tuple(None for _ in windows)
    found = performance(np.array(list(levels), "datetime64[D]"), np.array(list(levels.values()), float))
    brought = (
        levels[end] / levels[start] - 1.0 if start in levels and end in levels else None for _, start, end in windows
    )
    return found, tuple(brought)


def _table(results: Sequence[Result], unhedged: Performance | None) -> Table:
    header = ("", "Total", "A year", "Volatility", "Deepest fall", "On", "Worst day", "A year against S&P 500")
    rows = []
    for each in results:
        own = each.performance
        if own is None:
            rows.append((each.name, *("-" for _ in header[1:])))
            continue
        drag = own.growth - unhedged.growth if own.growth is not None and unhedged and unhedged.growth else None
        rows.append(
            (
                each.name,
                _share(own.total_return),
                _share(own.growth),
                f"{own.volatility * 100:.1f}%",
                _share(own.max_drawdown),
                str(own.trough),
                _share(own.worst_day),
                "-" if each is results[0] else _share(drag),
            )
        )
    return Table(header, tuple(rows), frozenset(range(1, len(header))))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{signed(value * 100, 1)}%"
