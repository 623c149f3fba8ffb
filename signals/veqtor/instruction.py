"""From weights to orders: dollars of equity, VX contracts, and the roll of the day.

The volatility component is an index of two VX contracts on full collateral. A dollar of it holds, from each close,
``c_i / sum(c_j * P_j)`` contracts of slot ``i`` per multiplier, so the two legs trade every day even when no weight
changes. Orders are for the close of the next session, whose settlements are not known yet: this session's stand in.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from signals.calendar import TradingCalendar, contract_code
from signals.veqtor.report import FuturesLeg, Instruction, Weights
from signals.vix_futures import MULTIPLIER_USD, SHORT_TERM, RollPattern, SettlementPanel, roll_left

#: Sessions ahead of an expiry from which the instruction warns of it.
EXPIRY_WARNING_SESSIONS = 3


def instruction(
    panel: SettlementPanel,
    row: int,
    held: Weights,
    target: Weights,
    notional_usd: float,
    calendar: TradingCalendar,
    pattern: RollPattern = SHORT_TERM,
) -> Instruction:
    """What to do at the close of the session after the one in `row`.

    Parameters
    ----------
    panel : SettlementPanel
    row : int
        The session whose close decided `target`; its settlements price the orders.
    held, target : Weights
        In force from this close, and from the next.
    notional_usd : float
        Value of the portfolio.
    pattern : RollPattern
        The VIX futures index that is the volatility component.
    """
    session: dt.date = panel.sessions[row].item()
    effective = calendar.next_session(session)
    holding = _contracts(panel, row, session, held.volatility * notional_usd, calendar, pattern)
    wanted = _contracts(panel, row, effective, target.volatility * notional_usd, calendar, pattern)
    legs = tuple(
        _leg(panel, row, expiry, holding.get(expiry, 0.0), wanted.get(expiry, 0.0))
        for expiry in sorted(holding.keys() | wanted.keys())
        if held.volatility or target.volatility
    )
    holds_first = pattern.first_slot == 1
    warnings = _warnings(panel, row, effective, calendar) if legs and holds_first else ()
    unpriced = [leg.contract for leg in legs if np.isnan(leg.settlement)]
    if unpriced:
        names = ", ".join(unpriced)
        warnings += (f"{names} has no settlement, so contracts cannot be counted; the weights stand.",)
        legs = ()
    return Instruction(
        notional_usd=notional_usd,
        point_value_usd=MULTIPLIER_USD,
        equity_usd=target.equity * notional_usd,
        equity_trade_usd=(target.equity - held.equity) * notional_usd,
        volatility_usd=target.volatility * notional_usd,
        cash_usd=target.cash * notional_usd,
        legs=legs,
        rounding_error_usd=sum(leg.rounding_error_usd for leg in legs),
        warnings=warnings,
    )


def _leg(panel: SettlementPanel, row: int, expiry: dt.date, have: float, want: float) -> FuturesLeg:
    slot = int(np.searchsorted(panel.expiries, np.datetime64(expiry))) - int(panel.front[row]) + 1
    settlement = float(panel.settle[row, slot - 1])
    whole_have, whole_want = (0 if np.isnan(count) else round(count) for count in (have, want))
    return FuturesLeg(
        slot=slot,
        contract=contract_code(expiry),
        expiry=expiry,
        settlement=settlement,
        held=have,
        target=want,
        trade=want - have,
        target_rounded=whole_want,
        trade_rounded=whole_want - whole_have,
        rounding_error_usd=(whole_want - want) * settlement * MULTIPLIER_USD,
    )


def _contracts(
    panel: SettlementPanel,
    row: int,
    session: dt.date,
    amount_usd: float,
    calendar: TradingCalendar,
    pattern: RollPattern,
) -> dict[dt.date, float]:
    """Contracts per expiry that `amount_usd` of a VIX futures index holds from the close of `session`.

    Priced at the settlements of the session in `row`; NaN where one is missing.
    """
    counts = pattern.contracts(roll_left(np.array([session], dtype="datetime64[D]"), calendar))[0]
    front = int(np.searchsorted(panel.expiries, np.datetime64(session), side="right"))
    shift = front - int(panel.front[row])
    slots = [slot for slot in range(pattern.first_slot, pattern.last_slot + 1) if counts[slot - 1] > 0.0]
    prices = {slot: float(panel.settle[row, slot - 1 + shift]) for slot in slots}
    value = sum(float(counts[slot - 1]) * prices[slot] for slot in slots)
    return {
        panel.expiries[front + slot - 1].item(): float(counts[slot - 1]) * amount_usd / (value * MULTIPLIER_USD)
        for slot in slots
    }


def _warnings(panel: SettlementPanel, row: int, effective: dt.date, calendar: TradingCalendar) -> tuple[str, ...]:
    expiry = panel.expiry(row, 1)
    ahead = len(calendar.sessions_in(panel.sessions[row].item(), expiry)) - 1
    if ahead > EXPIRY_WARNING_SESSIONS:
        return ()
    code = contract_code(expiry)
    when = "the effective session" if expiry == effective else f"in {ahead} session{'s' if ahead > 1 else ''}"
    last_close = calendar.previous_session(expiry)
    return (
        f"{code} expires on {expiry} ({when}); it settles that morning, so none of it may be held after the close "
        f"of {last_close}.",
    )
