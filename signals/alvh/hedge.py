"""The hedges of every session: one book per rule set, and what each says on any one session."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from signals.alvh.book import Books
from signals.alvh.conditions import Conditions, conditions
from signals.alvh.decide import fold
from signals.alvh.hedge_inputs import indicator_inputs, open_stand_ins
from signals.alvh.indicator_table import IndicatorInputs, IndicatorTable
from signals.alvh.indicators import indicator_table
from signals.alvh.kept import KeptBook, book_to_keep, kept_row
from signals.alvh.macro import MacroPanel, macro_panel
from signals.alvh.market import OptionMarket
from signals.alvh.report import HedgeSignal, Reading
from signals.alvh.rules import Indicators, RuleSet
from signals.alvh.ruleset_files import shipped_rule_set
from signals.alvh.signal import BookView
from signals.alvh.state import HEDGE_STATES, HedgeStates, hedge_states
from signals.alvh.substitutes import Substituted, final_settlements, published_final_settlements, vvix_in_force
from signals.alvh.surface import SURFACE, VolatilitySurface
from signals.alvh.vxth import VXTH, VxthHistory, vxth_history
from signals.errors import ConfigurationError, DataNotReady
from signals.options import OptionChain
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats, constant_maturity_future

#: Sessions whose sensitivities are computed together.
_BLOCK = 256


@dataclass(frozen=True)
class HedgeHistory:
    """One rule set over the whole history.

    Attributes
    ----------
    rules : RuleSet
    table : IndicatorTable
    states : HedgeStates
    market : OptionMarket
    books : Books
    given : Conditions
        What the decisions of the books depended on beside prices.
    """

    rules: RuleSet
    table: IndicatorTable
    states: HedgeStates
    market: OptionMarket
    books: Books
    given: Conditions

    def to_keep(self) -> KeptBook | None:
        """The book a later fold can be taken up from; None where it has one, or the history is too short."""
        return book_to_keep(self.market, self.books, self.given)


class Hedges:
    """Books of some rule sets over one market history.

    Parameters
    ----------
    histories : sequence of HedgeHistory
        In the order of the report.
    notional_usd : float
    macro : MacroPanel
    """

    def __init__(self, histories: Sequence[HedgeHistory], notional_usd: float, macro: MacroPanel) -> None:
        self.histories = tuple(histories)
        self._notional = notional_usd
        self._macro = macro
        self._views: dict[int, BookView] = {}

    def on(self, session: dt.date) -> tuple[HedgeSignal, ...]:
        """The signal of each rule set, in their order; unavailable ones say why."""
        found: list[HedgeSignal] = []
        shown: list[tuple[Indicators, str]] = []
        for place, history in enumerate(self.histories):
            row = history.market.row_at(session)
            if row < history.books.inception:
                found.append(self._before(history, session))
                continue
            # Rule sets that measure alike share one table.
            same = next((name for rules, name in shown if rules == history.rules.indicators), "")
            shown.append((history.rules.indicators, history.rules.name))
            found.append(self._view(place, row).signal(row, same))
        return tuple(found)

    def macro_on(self, session: dt.date) -> tuple[Reading, ...]:
        """The macro panel."""
        return self._macro.readings(self.histories[0].market.row_at(session)) if self.histories else ()

    def _view(self, place: int, row: int) -> BookView:
        """The view of a session, with those after it: they are asked for in their order."""
        known = self._views.get(place)
        if known is None or row not in known.rows:
            history = self.histories[place]
            rows = range(row, min(row + _BLOCK, len(history.market.dates)))
            known = self._views[place] = BookView(
                history.market, history.books, history.states, history.table, self._notional, rows
            )
        return known

    def _before(self, history: HedgeHistory, session: dt.date) -> HedgeSignal:
        inception = history.market.dates[history.books.inception] if history.books.books else None
        why = f"hedge targets start {history.rules.timing.first_session}"
        if inception is not None and inception > history.rules.timing.first_session:
            why = f"the loaded history lets the book begin on {inception}"
        return HedgeSignal(
            rule_set=history.rules.name,
            version=history.rules.version,
            rule_set_digest=history.rules.digest,
            description=history.rules.description,
            notional_usd=self._notional,
            inception=inception,
            unavailable=why,
        )


def hedges_of(
    signals: VeqtorSignals,
    rule_sets: Sequence[RuleSet],
    notional_usd: float,
    chains: Mapping[dt.date, OptionChain] | None = None,
    kept: Mapping[str, KeptBook] | None = None,
    surface: VolatilitySurface = SURFACE,
) -> Hedges:
    """Fold the book of each rule set over every session that has a VEQTOR signal.

    Parameters
    ----------
    signals : VeqtorSignals
    rule_sets : sequence of RuleSet
    notional_usd : float
        What the books protect; above 0.
    chains : mapping of session to OptionChain
        Quotes of options on the VIX after the close of a session.
    kept : mapping of the hash of a rule set to KeptBook
        Books to go on from, where they are what a fold from the beginning comes to. There are then no signals of
        sessions up to theirs.
    surface : VolatilitySurface
        Of options on the VIX, where no quote is stored.

    Raises
    ------
    ConfigurationError
        When the notional is no positive amount.
    """
    if not (math.isfinite(notional_usd) and notional_usd > 0.0):
        raise ConfigurationError(
            "notional", expected="an amount in US dollars above 0", got=f"{notional_usd:g}", do="Correct notional_usd."
        )
    inputs = indicator_inputs(signals)
    market = option_market(signals, inputs, chains, surface)
    tables: dict[Indicators, IndicatorTable] = {}
    histories = []
    for rules in rule_sets:
        if rules.indicators not in tables:
            tables[rules.indicators] = indicator_table(inputs, rules.indicators)
        table, book = tables[rules.indicators], (kept or {}).get(rules.sha256)
        histories.append(hedge_history(signals, inputs, market, table, rules, notional_usd, book))
    return Hedges(histories, notional_usd, macro_panel(signals))


def option_market(
    signals: VeqtorSignals,
    inputs: IndicatorInputs,
    chains: Mapping[dt.date, OptionChain] | None = None,
    surface: VolatilitySurface = SURFACE,
) -> OptionMarket:
    """What a book trades in, a row per usable session."""
    at_30_days = constant_maturity_future(inputs.panel, inputs.vix)
    return OptionMarket(
        panel=inputs.panel,
        vix=inputs.vix,
        vvix=vvix_in_force(inputs.sessions, inputs.vvix, inputs.vix, at_30_days),
        tbill=known_bill(inputs.tbill),
        published=published_final_settlements(signals.inputs.history.data, inputs.panel.expiries.tolist()),
        vix_open=open_stand_ins(signals),
        calendar=inputs.calendar,
        short_term=_short_term(signals),
        chains=chains,
        surface=surface,
    )


def known_bill(in_force: Floats) -> Floats:
    """The bill rate that was in force at the close before: that of an auction's day comes out a day after it."""
    return np.concatenate([in_force[:1], in_force[:-1]])


def _short_term(signals: VeqtorSignals) -> Floats:
    """Total return level of the short-term index at each usable session; NaN before its base."""
    return np.concatenate([np.full(signals.veqtor.base, np.nan), signals.short_term.total_return])


def hedge_history(
    signals: VeqtorSignals,
    inputs: IndicatorInputs,
    market: OptionMarket,
    table: IndicatorTable,
    rules: RuleSet,
    notional_usd: float,
    kept: KeptBook | None = None,
) -> HedgeHistory:
    """The state and the book of one rule set after every session; or after a kept book, where that can be used."""
    states = hedge_states(table, rules)
    given = conditions(table, states, inputs.equity_return)
    # Before the levels of VEQTOR begin, a history that starts cold lacks inputs.
    inception = max(states.start, signals.veqtor.base)
    row = kept_row(kept, market, Books(rules, notional_usd, inception, inception, ()), given)
    taken_up = None if kept is None or row is None else (row, kept.book)
    books = fold(market, rules, given, inception, notional_usd, taken_up)
    return HedgeHistory(rules, table, states, market, books, given)


def vxth_index(signals: VeqtorSignals) -> VxthHistory:
    """Cboe's VIX Tail Hedge strategy as an index over the usable sessions."""
    inputs = indicator_inputs(signals)
    market = option_market(signals, inputs)
    found = {expiry: market.final_settlement(expiry) for expiry in _expired(market)}
    nothing = np.full(len(inputs.sessions), np.nan)
    settled = final_settlements(inputs.panel, {expiry: value for expiry, (value, _) in found.items()}, nothing)
    origin = settled.origin.copy()
    for row in np.flatnonzero(np.isfinite(settled.values)).tolist():
        # A stand-in stays one.
        origin[row] = found[inputs.panel.expiries[inputs.panel.front[row] - 1].item()][1]
    known, bill = Substituted(settled.values, origin), known_bill(inputs.tbill)
    overnight = signals.inputs.overnight.rate[: signals.inputs.usable]
    return vxth_history(inputs.panel, inputs.equity_return, market.vvix.values, bill, overnight, known)


def _expired(market: OptionMarket) -> list[dt.date]:
    """Monthly expiries within the history."""
    days = market.panel.expiries
    inside = (days > market.sessions[0]) & (days <= market.sessions[-1])
    found: list[dt.date] = days[inside].tolist()
    return found


def vxth_rows(signals: VeqtorSignals, start: dt.date, end: dt.date) -> list[dict[str, Any]]:
    """One row per session of the VXTH index from `start` to `end`; amounts in index points, per unit of the index.

    Raises
    ------
    DataNotReady
        When a session of the range has no level.
    """
    sessions = signals.inputs.calendar.sessions_in(start, end).tolist()
    if not sessions:
        return []
    last = signals.row(sessions[-1])
    index = vxth_index(signals)
    first = max(int(np.searchsorted(index.sessions, np.datetime64(start))), index.base)
    if last >= index.unusable_from:
        missing = index.sessions[index.unusable_from].item()
        raise DataNotReady(
            f"vxth on {missing}",
            expected="what its level needs",
            got="a hole",
            do=f"Ask for sessions before {missing}.",
            missing=("vxth",),
        )
    # The book of the same rules, which has the same levels, has what the index does not keep.
    history = hedges_of(signals, [shipped_rule_set("vxth")], VXTH.base_level).histories[0]
    rows = []
    for row in range(first, last + 1):
        held = bool(index.calls[row] > 0.0)
        rows.append(
            {
                "session": index.sessions[row].item(),
                "total_return_index": float(index.total_return[row]),
                "excess_return_index": float(index.excess_return[row]),
                "hedge_state": HEDGE_STATES[int(history.states.state[row])],
                "premium_paid": float(index.premium_paid[row]),
                "premium_received": float(index.premium_received[row]),
                "mark": float(index.mark[row]),
                "net_cost": history.books.at(row).net_cost,
                "expiry": index.expiry[row].item() if held else None,
                "strike": float(index.strike[row]) if held else None,
                "calls": float(index.calls[row]),
            }
        )
    return rows
