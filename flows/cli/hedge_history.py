"""``history`` of a hedge: from the reports in the database, or from a computation."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from flows.cli.output import say
from signals.alvh.history import Row, rows_of_hedge
from signals.alvh.report import HedgeSignal
from signals.alvh.rules import SHIPPED, RuleSet
from signals.document import decode
from signals.errors import ConfigurationError
from signals.veqtor.history import SIMULATED_CELL, STRATEGIES
from storage.reports import StoredReport

if TYPE_CHECKING:
    from signals.options import OptionChain
    from signals.veqtor.signal import VeqtorSignals

#: The rule set that is an index: its history is that, and not a hedge of the configured notional.
VXTH = "vxth"

NAMES = (*STRATEGIES, *SHIPPED)

#: What a row of the history does not need of a hedge.
_NOT_IN_A_ROW: dict[str, list[Any]] = {"indicators": [], "stress": []}


def known_strategy(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """The value of the option, if it is the name of an index or of a shipped rule set, or a rule set file."""
    if value not in NAMES and not Path(value).is_file():
        near = difflib.get_close_matches(value, NAMES, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise click.BadParameter(
            f"{value!r} is none of {', '.join(NAMES)}, and no file with a rule set.{hint}", context, parameter
        )
    return value


def complete_strategy(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names that begin so; else files."""
    names = [CompletionItem(name) for name in NAMES if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def rows_of_documents(stored: Sequence[StoredReport], rules: RuleSet, start: dt.date, end: dt.date) -> list[Row]:
    """The rows of a rule set from stored reports.

    Raises
    ------
    ConfigurationError
        When one of them lacks the rule set, or their books began on different sessions.
    """
    signals, simulated = [], False
    for item in stored:
        if item.session >= rules.timing.first_session:
            document = json.loads(item.document)
            simulated = document.get("simulated", False)
            signals.append((item.session, _hedge_in(document, item.session, rules)))
    begun = sorted({hedge.inception for _, hedge in signals if hedge.inception is not None})
    if len(begun) > 1:
        raise ConfigurationError(
            f"history of {rules.name} from {start} to {end}",
            expected="one book",
            got=f"reports whose books begin on {' and '.join(map(str, begun))}",
            do=f"`tailguard backfill --start {start} --end {end} --mode recompute` makes them one.",
        )
    _note_notionals(signals)
    return _labelled(rows_of_hedge(signals), simulated=simulated)


def _hedge_in(document: Mapping[str, Any], session: dt.date, rules: RuleSet) -> HedgeSignal:
    named = [item for item in document.get("hedges", ()) if item["rule_set"] == rules.name]
    found = next((item for item in named if item["rule_set_digest"] == rules.digest), None)
    if found is None:
        raise ConfigurationError(
            f"{rules.name} in the report of {session}",
            expected=f"its hedge, hash {rules.digest}",
            got=f"one of hash {named[0]['rule_set_digest']}" if named else "a report without it",
            do=f"Compute it with --source, or have the setting hedges include it and "
            f"`tailguard backfill --start {session} --end DATE --mode recompute` the reports.",
        )
    return decode(HedgeSignal, found | _NOT_IN_A_ROW)


def _note_notionals(signals: Iterable[tuple[dt.date, HedgeSignal]]) -> None:
    """Say where amounts and contracts are not all for the same portfolio."""
    for (_, before), (session, after) in pairwise(signals):
        if before.notional_usd != after.notional_usd:
            say(
                f"Note: amounts and contracts are for {after.notional_usd:,.0f} USD from {session} on, and for "
                f"{before.notional_usd:,.0f} USD before.",
                err=True,
            )


def rows_of_computation(
    signals: VeqtorSignals,
    rules: RuleSet,
    notional_usd: float,
    chains: Mapping[dt.date, OptionChain],
    start: dt.date,
    end: dt.date,
) -> list[Row]:
    """The rows of a rule set from a whole computation.

    Raises
    ------
    DataNotReady, DataQualityError
        When a session of the range has no signal.
    """
    from signals.alvh.hedge import hedges_of

    sessions = signals.inputs.calendar.sessions_in(max(start, rules.timing.first_session), end).tolist()
    if not sessions:
        return []
    signals.inputs.require(sessions[-1])
    hedges = hedges_of(signals, (rules,), notional_usd, chains)
    rows = rows_of_hedge((session, hedges.on(session)[0]) for session in sessions)
    return _labelled(rows, simulated=signals.inputs.history.data.simulated)


def rows_of_vxth(signals: VeqtorSignals, start: dt.date, end: dt.date) -> list[Row]:
    """The rows of the VXTH index."""
    from signals.alvh.hedge import vxth_rows

    return _labelled(vxth_rows(signals, start, end), simulated=signals.inputs.history.data.simulated)


def _labelled(rows: list[Row], *, simulated: bool) -> list[Row]:
    return [row | SIMULATED_CELL for row in rows] if simulated else rows
