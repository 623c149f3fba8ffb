"""The columns of the history: what there is, how it is written, and on which axis it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from storage.figures import ALL_LAYERS, HedgeFigures, SessionFigures

#: Axes: the unit, and what is drawn on it.
PERCENT, POINTS, LEVEL, USD, COUNT, STATE, TEXT = "percent", "points", "level", "usd", "count", "state", "text"


@dataclass(frozen=True)
class Column:
    """A column. Values of the axis `percent` are decimals, those of `state` true or false."""

    name: str
    label: str
    axis: str
    group: str


_STRATEGY, _MARKET, _SIGNAL, _WEIGHTS = "Index levels", "Market", "Signal", "Weights"

_COLUMNS = (
    Column("veqtor_total_return", "VEQTOR total return", LEVEL, _STRATEGY),
    Column("veqtor_excess_return", "VEQTOR excess return", LEVEL, _STRATEGY),
    Column("sp500_total_return", "S&P 500 total return", LEVEL, _STRATEGY),
    Column("vix_short_total_return", "VIX short-term futures", LEVEL, _STRATEGY),
    Column("vix_mid_total_return", "VIX mid-term futures", LEVEL, _STRATEGY),
    Column("target_equity", "Target equity", PERCENT, _WEIGHTS),
    Column("target_volatility", "Target VIX futures", PERCENT, _WEIGHTS),
    Column("target_cash", "Target cash", PERCENT, _WEIGHTS),
    Column("held_equity", "Held equity", PERCENT, _WEIGHTS),
    Column("held_volatility", "Held VIX futures", PERCENT, _WEIGHTS),
    Column("held_cash", "Held cash", PERCENT, _WEIGHTS),
    Column("earned_equity", "Earned equity", PERCENT, _WEIGHTS),
    Column("earned_volatility", "Earned VIX futures", PERCENT, _WEIGHTS),
    Column("earned_cash", "Earned cash", PERCENT, _WEIGHTS),
    Column("realised_volatility", "Realised volatility", PERCENT, _SIGNAL),
    Column("excess_return_5d", "Five-day excess return", PERCENT, _SIGNAL),
    Column("short_average", "VIX, 5-day average", POINTS, _SIGNAL),
    Column("long_average", "VIX, 20-day average", POINTS, _SIGNAL),
    Column("trend_run", "Trend count, sessions", COUNT, _SIGNAL),
    Column("stop_loss", "Stop-loss test", STATE, _SIGNAL),
    Column("in_cash", "Earned in cash", STATE, _SIGNAL),
    Column("regime", "Regime", TEXT, _SIGNAL),
    Column("trend", "Trend", TEXT, _SIGNAL),
    Column("health", "Data health", TEXT, _SIGNAL),
    Column("spx", "S&P 500", LEVEL, _MARKET),
    Column("vix", "VIX", POINTS, _MARKET),
    Column("constant_maturity_30d", "VIX futures, 30 days", POINTS, _MARKET),
)

#: Of each hedge, for the whole of it.
_HEDGE = (
    ("score", "score", POINTS),
    ("state", "state", TEXT),
    ("pnl_usd", "profit since inception", USD),
    ("worth_usd", "worth", USD),
    ("paid_usd", "paid", USD),
    ("received_usd", "received", USD),
    ("net_cost", "net cost", PERCENT),
)

#: What a reader sees who chose nothing.
DEFAULT = ("veqtor_total_return", "sp500_total_return", "target_volatility", "realised_volatility")

#: Choices with a name.
PRESETS = (
    ("Index", DEFAULT[:2]),
    ("Weights", ("target_equity", "target_volatility", "target_cash")),
    ("Volatility", ("realised_volatility", "vix", "constant_maturity_30d")),
    ("Trend", ("short_average", "long_average", "trend_run")),
    ("Stop-loss", ("excess_return_5d", "stop_loss", "in_cash")),
)

Row = dict[str, Any]


def columns(hedges: Iterable[str]) -> dict[str, Column]:
    """Every column by its name, those of hedges as ``<rule set>.<figure>``."""
    found = {column.name: column for column in _COLUMNS}
    for hedge in hedges:
        for figure, label, axis in _HEDGE:
            name = f"{hedge}.{figure}"
            found[name] = Column(name, f"{hedge}, {label}", axis, f"Hedge {hedge}")
    return found


def figures_in(row: SessionFigures) -> Row:
    """All figures of a session, as a document."""
    return {field.name: getattr(row, field.name) for field in fields(SessionFigures)}


def rows_of(
    history: Sequence[SessionFigures],
    hedges: Mapping[str, Mapping[int, HedgeFigures]],
    names: Sequence[str],
) -> list[list[Any]]:
    """The values of some columns, a list per session."""
    getters = [_getter(name, hedges) for name in names]
    return [[get(row) for get in getters] for row in history]


def whole_hedges(hedges: Mapping[str, Iterable[HedgeFigures]]) -> dict[str, dict[int, HedgeFigures]]:
    """The figures of whole hedges by the report they are of: a revision without a hedge has none."""
    return {name: {row.report_id: row for row in rows if row.layer == ALL_LAYERS} for name, rows in hedges.items()}


def _getter(name: str, hedges: Mapping[str, Mapping[int, HedgeFigures]]) -> Callable[[SessionFigures], Any]:
    hedge, dot, figure = name.rpartition(".")
    if not dot:
        return lambda row: getattr(row, name)
    by_report = hedges[hedge]

    def get(row: SessionFigures) -> Any:
        found = by_report.get(row.report_id)
        return None if found is None else getattr(found, figure)

    return get


def written(value: Any, axis: str) -> str:
    """A value for people."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if axis == PERCENT:
        return f"{value * 100:.2f}%"
    if axis == USD:
        return f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100.0 else f"{value:.4g}"
    return str(value)
