"""Rows of ``tailguard history`` of a hedge: the same from a computation as from single reports, to the last bit.

Standard library only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from signals.alvh.report import HedgeSignal, LayerTarget, Package
from signals.errors import DataNotReady

Row = dict[str, Any]


def instrument_of(package: Package) -> str:
    """What a package is, in one string: instrument, expiry and strikes, such as ``call-spread 2020-04-15 30/50``."""
    strikes = "/".join(f"{leg.strike:g}" for leg in package.legs if leg.strike is not None)
    return f"{package.instrument} {package.expiry}" + (f" {strikes}" if strikes else "")


def rows_of_hedge(signals: Iterable[tuple[dt.date, HedgeSignal]]) -> list[Row]:
    """The rows of some sessions, from the one on that the book begins with.

    Raises
    ------
    DataNotReady
        When a session after it has no signal.
    """
    return [
        row_of_hedge(session, hedge)
        for session, hedge in signals
        if hedge.inception is None or session >= hedge.inception
    ]


def row_of_hedge(session: dt.date, hedge: HedgeSignal) -> Row:
    """The row of one session.

    Premiums, mark and profit are US dollars for the notional, `net_cost` is a share of it over the window of the
    budget. Of each layer it has what is held from the next close on: the instrument as one string, packages
    (fractional), the mark of one in points, and the profit of the layer since the inception; an instrument, price or
    basis that does not exist is None.

    Raises
    ------
    DataNotReady
        When the hedge has no signal.
    """
    ledger, budget = hedge.ledger, hedge.budget
    if hedge.unavailable is not None or ledger is None or budget is None:
        raise DataNotReady(
            f"{hedge.rule_set} on {session}",
            expected="its signal",
            got=f"none: {hedge.unavailable}",
            do="Ask for sessions before it.",
            missing=(hedge.rule_set,),
        )
    found: Row = {
        "session": session,
        "hedge_state": hedge.state,
        "premium_paid": ledger.premium_paid_usd,
        "premium_received": ledger.premium_received_usd,
        "mark": ledger.mark_usd,
        "net_cost": budget.net_cost,
        "pnl": ledger.pnl_usd,
    }
    for layer in hedge.layers:
        found |= _cells(layer)
    return found


def _cells(layer: LayerTarget) -> Row:
    target = layer.target
    cells = {
        "action": layer.action,
        "instrument": None if target is None else instrument_of(target),
        "contracts": 0.0 if target is None else target.contracts,
        "price": None if target is None else target.price,
        "basis": None if target is None else target.basis,
        "pnl": layer.pnl_usd,
    }
    return {f"{layer.layer}_{name}": value for name, value in cells.items()}
