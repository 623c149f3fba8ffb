"""The signal of each session: the indices, the strategy, and the report on any one session.

Everything is computed for the whole history at once, from the base session on; a report reads one row of it. As no row
depends on a later one, the report of a session is the same whether the history ends there or years after.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from signals.errors import ConfigurationError, DataNotReady
from signals.events import events_ahead
from signals.inputs import Inputs
from signals.provenance import DEGRADED, NOTE, OK, SIMULATED, inputs_used
from signals.veqtor.flags import flags
from signals.veqtor.index import VeqtorHistory, overlay_history, veqtor_history
from signals.veqtor.indicators import SESSIONS_PER_YEAR, TREND_NAMES, next_tie
from signals.veqtor.instruction import instruction
from signals.veqtor.report import (
    SCHEMA_VERSION,
    IndexLevel,
    Regime,
    ReportInput,
    SignalReport,
    StopLoss,
    Trend,
    VariantSignal,
    Weights,
)
from signals.veqtor.rules import VARIANTS, VEQTOR, VEQTOR_MID_TERM, VEQTOR_OVERLAY, VeqtorRules
from signals.vix_futures import (
    MID_TERM,
    PATTERNS,
    SHORT_TERM,
    Floats,
    FuturesIndex,
    carries_weight,
    constant_maturity_future,
    futures_index,
)

#: First session of which S&P published the strategy index live; earlier ones are its back-test.
VEQTOR_LIVE_SINCE = dt.date(2009, 11, 18)

_SEVERITIES = (OK, NOTE, DEGRADED)


@dataclass(frozen=True)
class VeqtorSignals:
    """Indices and decisions of every usable session.

    Attributes
    ----------
    inputs : Inputs
    short_term, mid_term : FuturesIndex
        Their first row is the base row of `veqtor`.
    veqtor : VeqtorHistory
        Its rows are those of the inputs, up to the last usable one.
    constant_maturity_30d : float, shape (n,), VIX points
    """

    inputs: Inputs
    short_term: FuturesIndex
    mid_term: FuturesIndex
    veqtor: VeqtorHistory
    constant_maturity_30d: Floats

    def row(self, session: dt.date) -> int:
        """Row of a session; raises what `Inputs.require` raises if it has no signal."""
        self.inputs.require(session)
        return int(np.searchsorted(self.inputs.sessions, np.datetime64(session)))

    @property
    def levels_since(self) -> dt.date:
        """The session on which the levels begin."""
        found: dt.date = self.inputs.sessions[self.veqtor.base].item()
        return found

    @cached_property
    def variants(self) -> dict[str, VeqtorHistory]:
        """The variants of VEQTOR by name.

        VEQTOR Mid-Term ends before the first session of which it lacks a settlement; in a cold start, which has no
        level to keep, one before the first session of `veqtor` only lets it begin later. What comes after cannot.
        """
        inputs, veqtor, start = self.inputs, self.veqtor, self.inputs.base
        if inputs.history.data.starts_cold:
            panel = inputs.panel(start)
            missing = carries_weight(panel, MID_TERM, inputs.calendar) & np.isnan(panel.settle)
            early = np.flatnonzero(np.any(missing[: veqtor.base - start], axis=1))
            start += 1 + int(early[-1]) if len(early) else 0
        mid_term = futures_index(
            inputs.panel(start), MID_TERM, inputs.tbill.rate[start : inputs.usable], inputs.calendar
        )
        short_term_excess = _at_rows(self.short_term.excess_return_change, veqtor.base)
        equity_change = inputs.equity.change[: len(veqtor.sessions)]
        histories = (
            _fold(inputs, mid_term, start, start + mid_term.unusable_from, VEQTOR_MID_TERM),
            overlay_history(veqtor, equity_change, short_term_excess, VEQTOR_OVERLAY),
        )
        return {history.rules.name: history for history in histories}


def veqtor_signals(inputs: Inputs, rules: VeqtorRules = VEQTOR) -> VeqtorSignals:
    """Compute the futures indices and fold VEQTOR over every usable session.

    Raises
    ------
    DataNotReady, DataQualityError
        When not even the base session has its inputs.
    """
    inputs.require_base()
    base, usable, calendar = inputs.base, inputs.usable, inputs.calendar
    short_term = futures_index(inputs.panel(base), SHORT_TERM, inputs.tbill.rate[base:usable], calendar)
    veqtor = _fold(inputs, short_term, base, usable, rules)
    if veqtor.base == usable:
        raise DataNotReady(
            f"history from {inputs.sessions[base]} to {inputs.sessions[usable - 1]}",
            expected="sessions enough for the stop-loss not to depend on what came before",
            got=f"{usable - base}, which are not",
            do="Load a longer history.",
            missing=("a longer history",),
        )
    panel, tbill = inputs.panel(veqtor.base), inputs.tbill.rate[veqtor.base : usable]
    if veqtor.base > base:
        short_term = futures_index(panel, SHORT_TERM, tbill, calendar)
    mid_term = futures_index(panel, MID_TERM, tbill, calendar)
    constant_maturity = constant_maturity_future(panel, inputs.vix[veqtor.base : usable])
    return VeqtorSignals(inputs, short_term, mid_term, veqtor, _at_rows(constant_maturity, veqtor.base))


def _fold(inputs: Inputs, volatility: FuturesIndex, start: int, end: int, rules: VeqtorRules) -> VeqtorHistory:
    """The strategy on one volatility component, which begins in the row `start`, over the rows before `end`."""
    return veqtor_history(
        sessions=inputs.sessions[:end],
        base=start,
        spx=inputs.history.spx_yahoo[:end],
        vix=inputs.vix[:end],
        equity_change=inputs.equity.change[:end],
        volatility_change=_at_rows(volatility.total_return_change, start)[:end],
        overnight=inputs.overnight.rate[:end],
        rules=rules,
        cold=inputs.history.data.starts_cold,
    )


def _at_rows(values: Floats, start: int) -> Floats:
    """Values from the row `start` on as values of every row; NaN before."""
    return np.concatenate([np.full(start, np.nan), values])


def signal_report(
    signals: VeqtorSignals,
    session: dt.date,
    notional_usd: float,
    payload_hashes: dict[int, str] | None = None,
    variants: Sequence[str] = (),
) -> SignalReport:
    """The report on one session.

    Parameters
    ----------
    notional_usd : float
        Value of the portfolio the instruction is for.
    payload_hashes : dict, optional
        Hash of each stored payload, to trace every input to its file.
    variants : sequence of str
        Names of the variants it carries beside VEQTOR.

    Raises
    ------
    DataNotReady, DataQualityError
        When the session, or one before it, lacks an input.
    ConfigurationError
        When the session lies before the first one whose signal is certain.
    """
    row = signals.row(session)
    veqtor, inputs, calendar = signals.veqtor, signals.inputs, signals.inputs.calendar
    if row < veqtor.base:
        raise ConfigurationError(
            f"session {session}",
            expected=f"{signals.levels_since} or later",
            got="an earlier one, whose stop-loss depends on sessions that are not loaded",
            do="Load a longer history.",
        )
    effective = calendar.next_session(session)
    earned, held, target = (_weights(veqtor, row - lag) for lag in (2, 1, 0))
    regime, trend, stop_loss = _regime(signals, row), _trend(signals, row), _stop_loss(veqtor, row)
    patterns = [PATTERNS[name] for name in dict.fromkeys(VARIANTS[name].volatility_index for name in variants)]
    found = inputs_used(inputs, row, dict.fromkeys((SHORT_TERM, *patterns)))
    simulated = inputs.history.data.simulated
    told = tuple(_variant(signals, signals.variants[name], row, notional_usd) for name in variants)
    used = tuple(_report_input(item, payload_hashes or {}, simulated=simulated) for item in found)
    return SignalReport(
        schema_version=SCHEMA_VERSION,
        session=session,
        effective_session=effective,
        effective_at=calendar.close_time(effective),
        first_return_session=calendar.next_session(effective),
        rule_set=veqtor.rules.name,
        rule_set_digest=veqtor.rules.digest,
        verdict=("SIMULATED. " if simulated else "") + _verdict(effective, target, held, regime, trend, stop_loss),
        changes=_changes(veqtor, row, target, held) + tuple(_variant_changes(told)),
        regime=regime,
        trend=trend,
        stop_loss=stop_loss,
        in_cash=bool(veqtor.in_cash[row]),
        flags=flags(veqtor, inputs, row),
        earned=earned,
        held=held,
        target=target,
        indices=_index_levels(signals, row),
        constant_maturity_30d=_optional(signals.constant_maturity_30d[row]),
        instruction=instruction(inputs.history.panel, row, held, target, notional_usd, calendar),
        back_test=session < VEQTOR_LIVE_SINCE,
        health=max((item.severity for item in used), key=_SEVERITIES.index),
        inputs=used,
        simulated=simulated,
        levels_since=signals.levels_since,
        variants=told,
        calendar=calendar.version,
        events=events_ahead(inputs.history.data, calendar, session),
    )


def _variant_changes(variants: Sequence[VariantSignal]) -> Iterator[str]:
    for variant in variants:
        if variant.target is not None and variant.held is not None and variant.target != variant.held:
            yield f"{variant.name}: target {_describe(variant.held)} -> {_describe(variant.target)}."


def _variant(signals: VeqtorSignals, history: VeqtorHistory, row: int, notional_usd: float) -> VariantSignal:
    rules, inputs = history.rules, signals.inputs
    if not history.base <= row < len(history.sessions):
        ended = row >= len(history.sessions)
        since = inputs.sessions[len(history.sessions)] if ended else None
        why = f"a settlement of {rules.volatility_index} is missing on {since}" if ended else "the history is too short"
        return VariantSignal(rules.name, rules.digest, unavailable=why)
    earned, held, target = (_weights(history, row - lag) for lag in (2, 1, 0))
    pattern = PATTERNS[rules.volatility_index]
    return VariantSignal(
        name=rules.name,
        rule_set_digest=rules.digest,
        flags=() if rules.overlay else flags(history, inputs, row),
        stop_loss=bool(history.stop_loss[row]),
        excess_return_5d=_optional(history.excess_return_5d[row]),
        in_cash=bool(history.in_cash[row]),
        earned=earned,
        held=held,
        target=target,
        level=_level_of(history, row),
        levels_since=inputs.sessions[history.base].item(),
        instruction=instruction(inputs.history.panel, row, held, target, notional_usd, inputs.calendar, pattern),
    )


def _weights(veqtor: VeqtorHistory, row: int) -> Weights:
    """The weights decided at the close in `row`."""
    owned = 0.0 if veqtor.rules.overlay else 1.0
    if veqtor.stop_loss[row]:
        return Weights(owned - 1.0, 0.0, 1.0)
    volatility = float(veqtor.table_weight[row])
    return Weights(owned - volatility, volatility, 0.0)


def _regime(signals: VeqtorSignals, row: int) -> Regime:
    veqtor, rules = signals.veqtor, signals.veqtor.rules
    number = int(veqtor.regime[row])
    upper = rules.regime_edges[number] if number < len(rules.regime_edges) else None
    spx = signals.inputs.history.spx_yahoo[row - rules.realised_window + 1 : row + 1]
    scale = SESSIONS_PER_YEAR / rules.realised_window
    # The next window drops its oldest return and keeps these.
    kept = float(np.sum(np.diff(np.log(spx)) ** 2))
    log_move = None if upper is None else np.sqrt(max(upper**2 / scale - kept, 0.0))
    return Regime(
        volatility=float(veqtor.realised_volatility[row]),
        name=rules.regime_name(number),
        lower_edge=rules.regime_edges[number - 1] if number > 0 else None,
        upper_edge=upper,
        next_rise=None if log_move is None else float(np.expm1(log_move)),
        next_fall=None if log_move is None else float(-np.expm1(-log_move)),
        quiet_next=float(np.sqrt(scale * kept)),
    )


def _trend(signals: VeqtorSignals, row: int) -> Trend:
    veqtor, rules = signals.veqtor, signals.veqtor.rules
    return Trend(
        name=TREND_NAMES[int(veqtor.trend.trend[row])],
        short_average=float(veqtor.trend.short_average[row]),
        long_average=float(veqtor.trend.long_average[row]),
        up=bool(veqtor.trend.up[row]),
        run=int(veqtor.trend.run[row]),
        needed=rules.trend_sessions,
        next_vix=next_tie(signals.inputs.vix[: row + 1], rules),
    )


def _stop_loss(veqtor: VeqtorHistory, row: int) -> StopLoss:
    rules = veqtor.rules
    start = row + 1 - rules.stop_sessions
    needed = (1.0 + rules.stop_loss) * veqtor.excess_return[start] / veqtor.excess_return[row] - 1.0
    return StopLoss(
        active=bool(veqtor.stop_loss[row]),
        excess_return_5d=_optional(veqtor.excess_return_5d[row]),
        limit=rules.stop_loss,
        next_excess_return=_optional(needed),
    )


def _verdict(
    effective: dt.date, target: Weights, held: Weights, regime: Regime, trend: Trend, stop_loss: StopLoss
) -> str:
    if stop_loss.active:
        what = "100% cash"
        why = f"stop-loss: five-day excess return {(stop_loss.excess_return_5d or 0.0) * 100:+.2f}%"
    else:
        what = f"{target.equity * 100:g}% S&P 500, {target.volatility * 100:g}% VIX futures"
        why = f"realised volatility {regime.volatility * 100:.1f}%, {trend.name}"
    kept = "Keep" if target == held else "Move to"
    return f"{kept} {what} from the close of {effective} ({why})."


def _changes(veqtor: VeqtorHistory, row: int, target: Weights, held: Weights) -> tuple[str, ...]:
    rules = veqtor.rules
    changes = []
    if veqtor.regime[row] != veqtor.regime[row - 1]:
        before, after = (rules.regime_name(int(veqtor.regime[at])) for at in (row - 1, row))
        changes.append(f"Realised-volatility regime {before} -> {after}.")
    if veqtor.trend.trend[row] != veqtor.trend.trend[row - 1]:
        before, after = (TREND_NAMES[int(veqtor.trend.trend[at])] for at in (row - 1, row))
        changes.append(f"Implied-volatility trend: {before} -> {after}.")
    if veqtor.stop_loss[row] != veqtor.stop_loss[row - 1]:
        changes.append("Stop-loss triggered." if veqtor.stop_loss[row] else "Stop-loss cleared.")
    if target != held:
        changes.append(f"Target {_describe(held)} -> {_describe(target)}.")
    return tuple(changes)


def _describe(weights: Weights) -> str:
    if weights.cash == 1.0:
        return "cash"
    return f"{weights.equity * 100:g}/{weights.volatility * 100:g}"


def _index_levels(signals: VeqtorSignals, row: int) -> dict[str, IndexLevel]:
    veqtor, equity = signals.veqtor, signals.inputs.equity
    return {
        veqtor.rules.name: _level_of(veqtor, row),
        "sp500-total-return": IndexLevel(float(equity.level[row]), None, float(equity.change[row])),
        **{
            index.pattern.name: IndexLevel(
                _optional(index.total_return[row - veqtor.base]),
                _optional(index.excess_return[row - veqtor.base]),
                _optional(index.total_return_change[row - veqtor.base]),
            )
            for index in (signals.short_term, signals.mid_term)
        },
    }


def _level_of(veqtor: VeqtorHistory, row: int) -> IndexLevel:
    change = veqtor.total_return_change[row] if row > veqtor.base else np.nan
    return IndexLevel(float(veqtor.total_return[row]), float(veqtor.excess_return[row]), _optional(change))


def _report_input(item: object, hashes: dict[int, str], *, simulated: bool) -> ReportInput:
    fields = dict(vars(item))
    key = fields.pop("payload")
    if simulated:
        fields["publisher"] = SIMULATED
    return ReportInput(
        **{**fields, "value": _optional(fields["value"])},
        payload=hashes.get(key, "")[:12] or None if key is not None else None,
    )


def _optional(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
