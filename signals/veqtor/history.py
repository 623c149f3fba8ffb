"""Rows of ``tailguard history``: the same from a whole computation as from single reports, to the last bit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from signals.errors import DataNotReady
from signals.veqtor.report import SignalReport

if TYPE_CHECKING:
    from signals.veqtor.index import VeqtorHistory
    from signals.veqtor.signal import VeqtorSignals
    from signals.vix_futures import FuturesIndex

Row = dict[str, Any]

VEQTOR, SHORT_TERM, MID_TERM = "veqtor", "vix-short-term", "vix-mid-term"
STRATEGIES = (VEQTOR, SHORT_TERM, MID_TERM)

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
    if strategy == VEQTOR:
        return list(_veqtor_rows(signals.veqtor, max(first, signals.inputs.base), last))
    index = signals.short_term if strategy == SHORT_TERM else signals.mid_term
    base = signals.inputs.base
    return list(_index_rows(index, max(first - base, 0), last - base))


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
        session = index.sessions[index.unusable_from].item()
        raise DataNotReady(
            f"{index.pattern.name} on {session}",
            expected="a settlement of every contract it holds",
            got="a hole",
            do=f"Ask for sessions before {session}.",
            missing=(index.pattern.name,),
        )
    for row in range(first, last + 1):
        levels = (float(index.total_return[row]), float(index.excess_return[row]))
        yield {"session": index.sessions[row].item(), **dict(zip(_LEVELS, levels, strict=True))}


def row_of_report(report: SignalReport, strategy: str) -> Row:
    """The row of one report."""
    level = report.indices[strategy]
    found: Row = {"session": report.session}
    found |= zip(_LEVELS, (level.total_return, level.excess_return), strict=True)
    if strategy != VEQTOR:
        return found
    for prefix, weights in zip(_WEIGHT_SETS, (report.earned, report.held, report.target), strict=True):
        found |= _weights(prefix, [weights.equity, weights.volatility, weights.cash])
    found["regime"] = report.regime.name
    found["trend"] = report.trend.name
    found["stop_loss"] = report.stop_loss.active
    found["in_cash"] = report.in_cash
    return found


def _weights(prefix: str, values: list[float]) -> Row:
    return {f"{prefix}{name}_weight": value for name, value in zip(_COMPONENTS, values, strict=True)}
