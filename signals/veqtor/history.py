"""Rows of ``tailguard history``: the same from a whole computation as from single reports, to the last bit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from signals.errors import ConfigurationError, DataNotReady
from signals.veqtor.report import IndexLevel, SignalReport, Weights
from signals.veqtor.rules import VARIANTS

if TYPE_CHECKING:
    from signals.veqtor.index import VeqtorHistory
    from signals.veqtor.signal import VeqtorSignals
    from signals.vix_futures import FuturesIndex

Row = dict[str, Any]

VEQTOR, SHORT_TERM, MID_TERM = "veqtor", "vix-short-term", "vix-mid-term"
STRATEGIES = (VEQTOR, *VARIANTS, SHORT_TERM, MID_TERM)

#: What every row of a simulated market carries.
SIMULATED_CELL = {"market": "SIMULATED"}

_LEVELS = ("total_return_index", "excess_return_index")
_WEIGHT_SETS = ("", "held_", "target_")
_COMPONENTS = ("equity", "volatility", "cash")


def rows_of_signals(signals: VeqtorSignals, strategy: str, start: dt.date, end: dt.date) -> list[Row]:
    """One row per session from `start` to `end`.

    Raises
    ------
    DataNotReady, DataQualityError
        When a session of the range has no signal.
    """
    calendar = signals.inputs.calendar
    sessions = calendar.sessions_in(start, end).tolist()
    if not sessions:
        return []
    last = signals.row(sessions[-1])
    first = signals.row(sessions[0])
    if strategy in (SHORT_TERM, MID_TERM):
        index, base = (signals.short_term if strategy == SHORT_TERM else signals.mid_term), signals.veqtor.base
        rows = list(_index_rows(index, max(first - base, 0), last - base))
    else:
        veqtor = signals.veqtor if strategy == VEQTOR else signals.variants[strategy]
        if last >= len(veqtor.sessions):
            raise _hole(strategy, signals.inputs.sessions[len(veqtor.sessions)].item())
        rows = list(_veqtor_rows(veqtor, max(first, veqtor.base), last))
    return [row | SIMULATED_CELL for row in rows] if signals.inputs.history.data.simulated else rows


def levels_since(signals: VeqtorSignals, strategy: str) -> dt.date:
    """The session on which the level of a strategy was 100,000."""
    base = signals.variants[strategy].base if strategy in VARIANTS else signals.veqtor.base
    found: dt.date = signals.inputs.sessions[min(base, len(signals.inputs.sessions) - 1)].item()
    return found


def levels_since_in(report: SignalReport, strategy: str) -> dt.date:
    """The same as a report has it."""
    found = next((variant.levels_since for variant in report.variants if variant.name == strategy), None)
    return found or report.levels_since


def _veqtor_rows(veqtor: VeqtorHistory, first: int, last: int) -> Iterator[Row]:
    from signals.veqtor.indicators import TREND_NAMES

    weights = [veqtor.weights(ago).tolist() for ago in (2, 1, 0)]
    for row in range(first, last + 1):
        found: Row = {"session": veqtor.sessions[row].item()}
        found |= zip(_LEVELS, (float(veqtor.total_return[row]), float(veqtor.excess_return[row])), strict=True)
        for prefix, values in zip(_WEIGHT_SETS, weights, strict=True):
            found |= _weights(prefix, values[row])
        found["regime"] = veqtor.rules.regime_name(int(veqtor.regime[row]))
        found["trend"] = TREND_NAMES[int(veqtor.trend.trend[row])]
        found["stop_loss"] = bool(veqtor.stop_loss[row])
        found["in_cash"] = bool(veqtor.in_cash[row])
        yield found


def _index_rows(index: FuturesIndex, first: int, last: int) -> Iterator[Row]:
    if last >= index.unusable_from:
        raise _hole(index.pattern.name, index.sessions[index.unusable_from].item())
    for row in range(first, last + 1):
        levels = (float(index.total_return[row]), float(index.excess_return[row]))
        yield {"session": index.sessions[row].item(), **dict(zip(_LEVELS, levels, strict=True))}


def _hole(strategy: str, session: dt.date) -> DataNotReady:
    return DataNotReady(
        f"{strategy} on {session}",
        expected="a settlement of every contract it holds",
        got="a hole",
        do=f"Ask for sessions before {session}.",
        missing=(strategy,),
    )


def row_of_report(report: SignalReport, strategy: str) -> Row:
    """The row of one report."""
    if strategy in VARIANTS:
        return _row_of_variant(report, strategy)
    found = _first_cells(report.session, report.indices[strategy])
    if strategy == VEQTOR:
        found |= _weight_cells(report.earned, report.held, report.target)
        found |= {"regime": report.regime.name, "trend": report.trend.name}
        found |= {"stop_loss": report.stop_loss.active, "in_cash": report.in_cash}
    return found if not report.simulated else found | SIMULATED_CELL


def _row_of_variant(report: SignalReport, strategy: str) -> Row:
    variant = next((variant for variant in report.variants if variant.name == strategy), None)
    if variant is None:
        raise ConfigurationError(
            f"{strategy} in the report of {report.session}",
            expected="its signal",
            got="a report without it",
            do=f"Compute it with --source, or set `variants` to include {strategy} and recompute the reports.",
        )
    if not (variant.level and variant.earned and variant.held and variant.target):
        raise DataNotReady(
            f"{strategy} in the report of {report.session}",
            expected="its signal",
            got=f"none: {variant.unavailable}",
            do="Ask for sessions before it.",
            missing=(strategy,),
        )
    found = _first_cells(report.session, variant.level) | _weight_cells(variant.earned, variant.held, variant.target)
    found |= {"regime": report.regime.name, "trend": report.trend.name}
    found |= {"stop_loss": variant.stop_loss, "in_cash": variant.in_cash}
    return found if not report.simulated else found | SIMULATED_CELL


def _first_cells(session: dt.date, level: IndexLevel) -> Row:
    return {"session": session, **dict(zip(_LEVELS, (level.total_return, level.excess_return), strict=True))}


def _weight_cells(*sets: Weights) -> Row:
    found: Row = {}
    for prefix, weights in zip(_WEIGHT_SETS, sets, strict=True):
        found |= _weights(prefix, [weights.equity, weights.volatility, weights.cash])
    return found


def _weights(prefix: str, values: list[float]) -> Row:
    return {f"{prefix}{name}_weight": value for name, value in zip(_COMPONENTS, values, strict=True)}
