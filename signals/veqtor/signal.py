"""The signal of each session: the indices, the strategy, and the report on any one session.

Everything is computed for the whole history at once, from the base session on; a report reads one row of it. As no row
depends on a later one, the report of a session is the same whether the history ends there or years after.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from signals.inputs import Inputs
from signals.provenance import DEGRADED, NOTE, OK, inputs_used
from signals.veqtor.flags import flags
from signals.veqtor.index import VeqtorHistory, veqtor_history
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
    Weights,
)
from signals.veqtor.rules import VEQTOR, VeqtorRules
from signals.vix_futures import (
    BASE_SESSION,
    MID_TERM,
    SHORT_TERM,
    Floats,
    FuturesIndex,
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
        Their first row is the base session.
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


def veqtor_signals(inputs: Inputs, rules: VeqtorRules = VEQTOR) -> VeqtorSignals:
    """Compute the futures indices and fold VEQTOR over every usable session.

    Raises
    ------
    DataNotReady, DataQualityError
        When not even the base session has its inputs.
    """
    inputs.require(BASE_SESSION)
    base, usable, calendar = inputs.base, inputs.usable, inputs.calendar
    panel = inputs.panel()
    tbill = inputs.tbill.rate[base:usable]
    short_term = futures_index(panel, SHORT_TERM, tbill, calendar)
    mid_term = futures_index(panel, MID_TERM, tbill, calendar)
    volatility_change = np.concatenate([np.full(base, np.nan), short_term.total_return_change])
    veqtor = veqtor_history(
        sessions=inputs.sessions[:usable],
        base=base,
        spx=inputs.history.spx_yahoo[:usable],
        vix=inputs.vix[:usable],
        equity_change=inputs.equity.change[:usable],
        volatility_change=volatility_change,
        overnight=inputs.overnight.rate[:usable],
        rules=rules,
    )
    constant_maturity = constant_maturity_future(panel, inputs.vix[base:usable])
    padded = np.concatenate([np.full(base, np.nan), constant_maturity])
    return VeqtorSignals(inputs, short_term, mid_term, veqtor, padded)


def signal_report(
    signals: VeqtorSignals, session: dt.date, notional_usd: float, payload_hashes: dict[int, str] | None = None
) -> SignalReport:
    """The report on one session.

    Parameters
    ----------
    notional_usd : float
        Value of the portfolio the instruction is for.
    payload_hashes : dict, optional
        Hash of each stored payload, to trace every input to its file.

    Raises
    ------
    DataNotReady, DataQualityError
        When the session, or one before it, lacks an input.
    """
    row = signals.row(session)
    veqtor, inputs, calendar = signals.veqtor, signals.inputs, signals.inputs.calendar
    effective = calendar.next_session(session)
    earned, held, target = (_weights(veqtor, row - lag) for lag in (2, 1, 0))
    regime, trend, stop_loss = _regime(signals, row), _trend(signals, row), _stop_loss(veqtor, row)
    used = tuple(_report_input(item, payload_hashes or {}) for item in inputs_used(inputs, row))
    return SignalReport(
        schema_version=SCHEMA_VERSION,
        session=session,
        effective_session=effective,
        effective_at=calendar.close_time(effective),
        first_return_session=calendar.next_session(effective),
        rule_set=veqtor.rules.name,
        rule_set_digest=veqtor.rules.digest,
        verdict=_verdict(effective, target, held, regime, trend, stop_loss),
        changes=_changes(veqtor, row, target, held),
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
    )


def _weights(veqtor: VeqtorHistory, row: int) -> Weights:
    """The weights decided at the close in `row`."""
    if veqtor.stop_loss[row]:
        return Weights(0.0, 0.0, 1.0)
    volatility = float(veqtor.table_weight[row])
    return Weights(1.0 - volatility, volatility, 0.0)


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
        veqtor.rules.name: IndexLevel(
            float(veqtor.total_return[row]),
            float(veqtor.excess_return[row]),
            _optional(veqtor.total_return_change[row] if row > veqtor.base else np.nan),
        ),
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


def _report_input(item: object, hashes: dict[int, str]) -> ReportInput:
    fields = dict(vars(item))
    key = fields.pop("payload")
    return ReportInput(
        **{**fields, "value": _optional(fields["value"])},
        payload=hashes.get(key, "")[:12] or None if key is not None else None,
    )


def _optional(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
