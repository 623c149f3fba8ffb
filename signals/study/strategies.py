"""The strategies of a study, as levels of one start: unhedged equity, VEQTOR, and equity beside a layered hedge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from signals.alvh.hedge import HedgeHistory, Hedges
from signals.calendar import Days
from signals.errors import ConfigurationError
from signals.study.performance import Performance, performance
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats

UNHEDGED = "S&P 500 TR"

#: What is looked at by itself, where a range holds all of it: the session before the first return, and the last one.
WINDOWS = (
    ("2008", dt.date(2008, 8, 29), dt.date(2009, 3, 9)),
    ("2011", dt.date(2011, 7, 22), dt.date(2011, 10, 3)),
    ("Feb 2018", dt.date(2018, 1, 26), dt.date(2018, 2, 8)),
    ("Q1 2020", dt.date(2020, 2, 19), dt.date(2020, 3, 23)),
    ("2022", dt.date(2021, 12, 31), dt.date(2022, 12, 30)),
    ("Aug 2024", dt.date(2024, 7, 31), dt.date(2024, 8, 5)),
    ("Apr 2025", dt.date(2025, 4, 2), dt.date(2025, 4, 8)),
)


@dataclass(frozen=True)
class StrategyResult:
    """One strategy over the range.

    Attributes
    ----------
    drag : float, optional
        Growth a year less that of the unhedged, a decimal; None where there is none.
    drawdown_reduction : float, optional
        By which share the deepest fall was less deep than that of the unhedged; negative where it was deeper, None
        where the unhedged had none.
    windows : tuple of (name, total return)
        Of the windows within the range.
    """

    name: str
    performance: Performance
    drag: float | None
    drawdown_reduction: float | None
    windows: tuple[tuple[str, float], ...]


def study(signals: VeqtorSignals, hedges: Hedges, start: dt.date, end: dt.date) -> list[StrategyResult]:
    """Every strategy over the sessions from `start` to `end`, the unhedged first.

    All are measured over the same sessions: from the first one that every strategy has a level of. The return into the
    first session is not counted. Costs: those of the rule sets in the hedges; none in the indices.

    Raises
    ------
    ConfigurationError
        When the range holds less than three such sessions.
    DataNotReady, DataQualityError
        When its last session has no signal.
    """
    asked = signals.inputs.calendar.sessions_in(start, end).tolist()
    paths = dict(_paths(signals, hedges))
    first = max(_row(signals, start), *map(_begins, paths.values()))
    last = signals.row(asked[-1]) if asked else -1
    if last - first < 2:
        raise ConfigurationError(
            "range",
            expected="three sessions or more of which every strategy has a level",
            got=f"{max(last - first + 1, 0)} from {start} to {end}",
            do="Ask for a longer range, or leave out the hedges that begin late.",
        )
    sessions = signals.inputs.sessions[first : last + 1]
    unhedged = performance(sessions, paths[UNHEDGED][first : last + 1])
    found = []
    for name, path in paths.items():
        levels = path[first : last + 1]
        own = performance(sessions, levels)
        drag = None
        if own.growth is not None and unhedged.growth is not None and name != UNHEDGED:
            drag = own.growth - unhedged.growth
        fell = unhedged.max_drawdown < 0.0 and name != UNHEDGED
        reduction = 1.0 - own.max_drawdown / unhedged.max_drawdown if fell else None
        found.append(StrategyResult(name, own, drag, reduction, tuple(_windows(sessions, levels))))
    return found


def _begins(path: Floats) -> int:
    """The row of the first level; the number of rows where there is none."""
    known = np.isfinite(path)
    return int(np.argmax(known)) if known.any() else len(path)


def _row(signals: VeqtorSignals, day: dt.date) -> int:
    return int(np.searchsorted(signals.inputs.sessions, np.datetime64(day)))


def _paths(signals: VeqtorSignals, hedges: Hedges) -> Iterator[tuple[str, Floats]]:
    """Levels by row of the inputs, NaN before the first."""
    rows = len(signals.veqtor.sessions)
    before = np.full(signals.veqtor.base, np.nan)
    change = signals.inputs.equity.change[:rows]
    equity = np.concatenate([before, _levels(change[len(before) + 1 :])])
    yield UNHEDGED, equity
    yield "VEQTOR", signals.veqtor.total_return[:rows]
    for name, index in (("VIX short-term", signals.short_term), ("VIX mid-term", signals.mid_term)):
        levels = index.total_return.copy()
        levels[index.unusable_from :] = np.nan
        yield name, np.concatenate([before, levels])[:rows]
    for history in hedges.histories:
        # Where sizes are shares of a value, that of the whole portfolio, it is a strategy by itself.
        own = history.rules.sizing.base == "value"
        yield history.rules.name if own else f"S&P + {history.rules.name}", _hedged(history, change, rows, own)


def _hedged(history: HedgeHistory, change: Floats, rows: int, own: bool) -> Floats:
    """Equity beside a hedge whose notional is the value of the equity: its profit of a day is a share of that."""
    books = history.books
    if own:
        levels = np.array([book.base / books.notional for book in books.books])
    else:
        profit = np.diff([book.pnl for book in books.books]) / books.notional
        levels = _levels(change[books.first + 1 : rows] + profit)
    return np.concatenate([np.full(books.first, np.nan), levels])[:rows]


def _levels(returns: Floats) -> Floats:
    levels: Floats = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return levels


def _windows(sessions: Days, levels: Floats) -> Iterator[tuple[str, float]]:
    for name, start, end in WINDOWS:
        if sessions[0].item() <= start and end <= sessions[-1].item():
            first, last = (int(np.searchsorted(sessions, np.datetime64(day))) for day in (start, end))
            yield name, float(levels[last] / levels[first] - 1.0)
