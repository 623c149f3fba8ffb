"""The columns of exported tables: names, types, units and meanings, which docs/exports.md prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["date", "instant", "text", "integer", "number", "flag"]


@dataclass(frozen=True)
class Column:
    """A column of an exported table.

    Attributes
    ----------
    kind : str
        ``date``; ``instant``, UTC; ``text``; ``integer``; ``number``, double precision; ``flag``, true or false.
    unit : str
        Empty for what has none.
    optional : bool
        Whether a row may lack it.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    optional: bool = False


@dataclass(frozen=True)
class ExportTable:
    """A table that can be exported: its name there and in the database, what a row is, and its columns."""

    name: str
    stored: str
    row: str
    columns: tuple[Column, ...]


_SESSION = Column("session", "date", "", "Whose close decides.")
_REPORT = (
    Column("revision", "integer", "", "Of the report; a later one supersedes an earlier one."),
    Column("emitted_at", "instant", "UTC", "When the report was stored."),
)
_EFFECTIVE = Column("effective_session", "date", "", "At its close the target is traded.")


def _weights(prefix: str, meaning: str) -> tuple[Column, ...]:
    parts = (("equity", "the S&P 500"), ("volatility", "short-term VIX futures"), ("cash", "cash"))
    return tuple(
        Column(f"{prefix}_{name}", "number", "decimal", f"Weight of {what} {meaning}.") for name, what in parts
    )


def _level(name: str, what: str) -> Column:
    return Column(name, "number", "index points", f"Level of {what}.", optional=True)


FIGURES = ExportTable(
    "figures",
    "session_figures",
    "a report",
    (
        _SESSION,
        Column("rule_set", "text", "", "Name of the rule set."),
        *_REPORT,
        _EFFECTIVE,
        Column("health", "text", "", "The worst severity among the inputs: OK, NOTE or DEGRADED."),
        Column("back_test", "flag", "", "Whether the session lies before the index was published live."),
        Column("spx", "number", "index points", "Close of the S&P 500.", optional=True),
        Column("vix", "number", "VIX points", "Close of the VIX.", optional=True),
        Column("realised_volatility", "number", "decimal a year", "Of the S&P 500 over 22 sessions."),
        Column("regime", "text", "", "Of realised volatility, by the report's name."),
        Column("short_average", "number", "VIX points", "Mean of the last 5 closes of the VIX."),
        Column("long_average", "number", "VIX points", "Mean of the last 20 closes of the VIX."),
        Column("trend", "text", "", "downtrend, no trend or uptrend."),
        Column("trend_up", "flag", "", "Whether the short average is at or above the long one."),
        Column("trend_run", "integer", "sessions", "In a row on the present side."),
        Column("excess_return_5d", "number", "decimal", "Of VEQTOR over five sessions.", optional=True),
        Column("stop_loss", "flag", "", "The stop-loss test at the close."),
        Column("in_cash", "flag", "", "Whether the return into the session was earned in cash."),
        *_weights("earned", "that earned the return into the session"),
        *_weights("held", "set at its close"),
        *_weights("target", "decided at its close, for that of the effective session"),
        _level("veqtor_total_return", "VEQTOR, total return"),
        _level("veqtor_excess_return", "VEQTOR, excess return"),
        _level("sp500_total_return", "the S&P 500, total return"),
        _level("vix_short_total_return", "the short-term VIX futures index, total return"),
        _level("vix_mid_total_return", "the mid-term VIX futures index, total return"),
        Column("constant_maturity_30d", "number", "VIX points", "VX future of 30 days, interpolated.", optional=True),
    ),
)

_NOTIONAL = "US dollars"
HEDGES = ExportTable(
    "hedges",
    "hedge_figures",
    "a hedge or one of its layers in a report",
    (
        _SESSION,
        Column("hedge", "text", "", "Name of its rule set."),
        Column("layer", "text", "", "Of the hedge; `all` is the whole of it."),
        *_REPORT,
        Column("action", "text", "", "HOLD, OPEN, ROLL, MONETISE, CLOSE, ADJUST or NONE; empty for the whole."),
        Column("state", "text", "", "The hedge state as it applies: DORMANT, GUARDED, ACTIVE or EXPANDED."),
        Column("score", "number", "points", "Of the indicators, on the rule set's scale.", optional=True),
        Column("paid_usd", "number", _NOTIONAL, "For what was bought at this close."),
        Column("received_usd", "number", _NOTIONAL, "For what was sold or settled at this close."),
        Column("worth_usd", "number", _NOTIONAL, "Mark of what is held; absent without a price.", optional=True),
        Column("pnl_usd", "number", _NOTIONAL, "Gained or lost since the inception, the mark included."),
        Column("net_cost", "number", "decimal", "Share of the notional over the budget's window.", optional=True),
        Column("alarm", "number", "decimal", "Net cost at which the budget alarms.", optional=True),
        Column("stop", "number", "decimal", "Net cost at which entries stop.", optional=True),
        Column("notional_usd", "number", _NOTIONAL, "What contracts and amounts are for."),
    ),
)

ALLOCATIONS = ExportTable(
    "allocations",
    "allocations",
    "an instrument of a strategy's target",
    (
        _SESSION,
        *_REPORT,
        Column("strategy", "text", "", "Name of the rule set: VEQTOR or a variant."),
        _EFFECTIVE,
        Column("instrument", "text", "", "A component, or a VX contract of it."),
        Column("weight", "number", "decimal", "Of the component; absent for a contract.", optional=True),
        Column("amount_usd", "number", _NOTIONAL, "For the configured notional, at the prices of the session."),
        Column("contracts", "number", "contracts", "Fractional; absent for what is no contract.", optional=True),
    ),
)

HEDGE_TARGETS = ExportTable(
    "hedge-targets",
    "hedge_targets",
    "a contract of a hedge's layer",
    (
        _SESSION,
        *_REPORT,
        Column("rule_set", "text", "", "Name of the hedge's rule set."),
        Column("rule_set_digest", "text", "", "Start of its hash."),
        Column("layer", "text", "", "Of the hedge."),
        Column("leg", "integer", "", "Counts the contracts of the layer."),
        _EFFECTIVE,
        Column("action", "text", "", "Of the layer: HOLD, OPEN, ROLL, MONETISE, CLOSE, ADJUST or NONE."),
        Column("hedge_state", "text", "", "DORMANT, GUARDED, ACTIVE or EXPANDED."),
        Column("instrument", "text", "", "The contract; absent where the layer holds and buys nothing.", optional=True),
        Column("expiry", "date", "", "Of the contract.", optional=True),
        Column("strike", "number", "points", "Of the contract; absent for a future.", optional=True),
        Column("ratio", "integer", "", "Contracts a package, negative if sold.", optional=True),
        Column("contracts_held", "number", "contracts", "Now, fractional; negative if sold."),
        Column("contracts_target", "number", "contracts", "From the effective close on, fractional."),
        Column("contracts_target_rounded", "integer", "contracts", "The same in whole contracts."),
        Column("price", "number", "points", "Mark of the contract.", optional=True),
        Column("basis", "text", "", "Of the mark: observed, model, settlement or mixed.", optional=True),
    ),
)


def chosen_figures(names: Iterable[str], *, of_report: bool = False) -> ExportTable:
    """Some figures of sessions, and of whole hedges as ``<rule set>.<figure>``, beside their session.

    Parameters
    ----------
    names : iterable of str
    of_report : bool
        Whether the report they are of is said too.
    """
    of_session = {column.name: column for column in FIGURES.columns}
    of_hedge = {column.name: column for column in HEDGES.columns}

    def found(name: str) -> Column:
        _, dot, figure = name.rpartition(".")
        # A report may be without the hedge.
        return replace(of_hedge[figure], name=name, optional=True) if dot else of_session[name]

    first = (_SESSION, *_REPORT) if of_report else (_SESSION,)
    return ExportTable("history", "", "a session", (*first, *map(found, names)))


TABLES = {table.name: table for table in (FIGURES, HEDGES, ALLOCATIONS, HEDGE_TARGETS)}


def described(table: ExportTable) -> str:
    """The columns of a table in Markdown, as docs/exports.md has them."""
    lines = ["| Column | Type | Unit | Meaning |", "| --- | --- | --- | --- |"]
    for column in table.columns:
        kind = f"{column.kind}, may be absent" if column.optional else column.kind
        lines.append(f"| `{column.name}` | {kind} | {column.unit} | {column.meaning} |")
    return "\n".join(lines)
