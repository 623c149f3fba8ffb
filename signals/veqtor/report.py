"""What one session's VEQTOR signal says: a frozen, fully self-describing value. Standard library only.

Weights and returns are decimals, volatilities annualised decimals, VIX and VX in VIX points, levels in index points,
amounts in US dollars. A value that does not exist (an index without a settlement) is None.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from signals.alvh.report import HedgeSignal, Reading, fingerprinted
from signals.approvals import Approval
from signals.document import encode
from signals.events import EventsAhead
from signals.series import BASE_SESSION

#: Version of the document's shape; raised when a reader would have to change.
SCHEMA_VERSION = 4

#: A revision is due when a figure changes in this many significant digits, more than any rendering prints.
FINGERPRINT_DIGITS = 8

#: What a fingerprint covers: every decision, target and figure. Left out are the words made from them, severities and
#: file hashes, the instruction, which adds nothing but the configured notional, and what is context only.
_FINGERPRINTED = (
    "session", "effective_session", "rule_set_digest", "regime", "trend", "stop_loss", "in_cash",
    "earned", "held", "target", "indices", "constant_maturity_30d",
)  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """Shares of the portfolio, which sum to one; of an overlay, what it adds to a holding of the S&P 500: to zero."""

    equity: float
    volatility: float
    cash: float


@dataclass(frozen=True)
class Regime:
    """The realised-volatility regime at the close.

    `next_rise` and `next_fall` are the daily moves of the S&P 500 that would lift the volatility to the edge above at
    the next close; None where there is no edge above. `quiet_next` is the volatility the next close would show if the
    S&P 500 did not move at all.
    """

    volatility: float
    name: str
    lower_edge: float | None
    upper_edge: float | None
    next_rise: float | None
    next_fall: float | None
    quiet_next: float


@dataclass(frozen=True)
class Trend:
    """The implied-volatility trend at the close.

    `run` counts sessions in a row on the present side; `needed` is how many make a trend. `next_vix` is the lowest
    close of the VIX with which the short average is at or above the long one at the next close.
    """

    name: str
    short_average: float
    long_average: float
    up: bool
    run: int
    needed: int
    next_vix: float


@dataclass(frozen=True)
class StopLoss:
    """The five-day stop-loss test at the close.

    `next_excess_return` is the strategy's excess return at or below which the next close tests positive. None before
    there are five days.
    """

    active: bool
    excess_return_5d: float | None
    limit: float
    next_excess_return: float | None


@dataclass(frozen=True)
class Flag:
    """A decision that was close: THRESHOLD, RATE or BOUNDARY, and why."""

    name: str
    text: str


@dataclass(frozen=True)
class FuturesLeg:
    """One VX contract of the instruction; contract counts are fractional, `rounded` ones whole."""

    slot: int
    contract: str
    expiry: dt.date
    settlement: float
    held: float
    target: float
    trade: float
    target_rounded: int
    trade_rounded: int
    rounding_error_usd: float


@dataclass(frozen=True)
class Instruction:
    """What a holder of the strategy does at the close of the effective session, at this session's prices."""

    notional_usd: float
    point_value_usd: float
    equity_usd: float
    equity_trade_usd: float
    volatility_usd: float
    cash_usd: float
    legs: tuple[FuturesLeg, ...]
    rounding_error_usd: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class VariantSignal:
    """The signal of a variant of VEQTOR: the same rules on another volatility index, or as an unfunded overlay.

    `flags` are those of its own decisions; an overlay takes VEQTOR's, so it has none. `levels_since` is the session on
    which its level was 100,000. A value without which it could not be computed makes
    it `unavailable`, with the reason; everything else is then None.
    """

    name: str
    rule_set_digest: str
    unavailable: str | None = None
    flags: tuple[Flag, ...] = ()
    stop_loss: bool | None = None
    excess_return_5d: float | None = None
    in_cash: bool | None = None
    earned: Weights | None = None
    held: Weights | None = None
    target: Weights | None = None
    level: IndexLevel | None = None
    levels_since: dt.date | None = None
    instruction: Instruction | None = None


@dataclass(frozen=True)
class IndexLevel:
    """Levels of an index and its daily total return."""

    total_return: float | None
    excess_return: float | None
    change: float | None


@dataclass(frozen=True)
class ReportInput:
    """One number the report rests on. `payload` is the start of the hash of the file it was read from."""

    series: str
    publisher: str
    label: str
    day: dt.date
    value: float | None
    unit: str
    severity: str
    remark: str
    payload: str | None


@dataclass(frozen=True)
class SignalReport:
    """The signal of one session.

    Attributes
    ----------
    session : datetime.date
        Its close decides.
    effective_session, effective_at : datetime.date, datetime.datetime
        At its close the target is traded.
    first_return_session : datetime.date
        The first return the target earns ends here.
    rule_set, rule_set_digest : str
    verdict : str
        One sentence.
    changes : tuple of str
        What is different from the session before; empty if nothing is.
    earned, held, target : Weights
        Earned the return into this session; set at its close; decided at its close.
    indices : dict of name to IndexLevel
        ``veqtor`` and its components.
    back_test : bool
        Whether the session lies before the strategy index was published live.
    health : str
        The worst severity among the inputs: OK, NOTE or DEGRADED.
    simulated : bool
        Whether it comes from the sample market and not from a real one.
    levels_since : datetime.date
        The session on which the index levels were 100,000: the base session, or where a cold start became certain.
    variants : tuple of VariantSignal
        As configured.
    calendar : str
        Version of the trading calendar, and the closures it was told of.
    events : EventsAhead, optional
        The announcements before the sessions the signal acts in; no part of any decision.
    hedges : tuple of HedgeSignal
        The layered VIX hedges, as configured.
    macro : tuple of Reading
        Context beside the hedges; no part of any decision.
    approvals : tuple of Approval
        Who had approved the rule sets when it was computed; empty where no approval is asked for. No part of the
        fingerprint: who signs later changes no report.
    """

    schema_version: int
    session: dt.date
    effective_session: dt.date
    effective_at: dt.datetime
    first_return_session: dt.date
    rule_set: str
    rule_set_digest: str
    verdict: str
    changes: tuple[str, ...]
    regime: Regime
    trend: Trend
    stop_loss: StopLoss
    in_cash: bool
    flags: tuple[Flag, ...]
    earned: Weights
    held: Weights
    target: Weights
    indices: dict[str, IndexLevel]
    constant_maturity_30d: float | None
    instruction: Instruction
    back_test: bool
    health: str
    inputs: tuple[ReportInput, ...]
    simulated: bool = False
    levels_since: dt.date = BASE_SESSION
    variants: tuple[VariantSignal, ...] = ()
    calendar: str = ""
    events: EventsAhead | None = None
    hedges: tuple[HedgeSignal, ...] = ()
    macro: tuple[Reading, ...] = ()
    approvals: tuple[Approval, ...] = ()


def fingerprint(report: SignalReport) -> str:
    """Hash of every decision, target and figure of a report: two reports with the same one say the same."""
    content = {name: _rounded(encode(getattr(report, name))) for name in _FINGERPRINTED}
    if report.variants:
        content["variants"] = [
            _rounded({name: value for name, value in encode(variant).items() if name != "instruction"})
            for variant in report.variants
        ]
    if report.hedges:
        content["hedges"] = [fingerprinted(hedge, FINGERPRINT_DIGITS) for hedge in report.hedges]
    content["inputs"] = [[item.label, item.day.isoformat(), _rounded(item.value)] for item in report.inputs]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.{FINGERPRINT_DIGITS}g}"
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
