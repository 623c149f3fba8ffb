"""What the decisions of a rule set depend on beside prices, at every session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.alvh.indicator_table import CHEAP, DEAR, IndicatorTable
from signals.alvh.rules import Layer
from signals.alvh.state import HedgeStates
from signals.vix_futures import Floats


@dataclass(frozen=True)
class Conditions:
    """What the decisions of a rule set depend on beside prices, per row and layer.

    Attributes
    ----------
    multiplier : list of list of float
        Of the hedge state.
    factor : list of list of float
        Of carry and of the price gate, where that is on the 30-day future.
    collapsed : list of list of str
        By what the premium of the layer has collapsed; empty where it has not.
    equity_change : list of float
        Daily total return of the S&P 500.
    """

    multiplier: list[list[float]]
    factor: list[list[float]]
    collapsed: list[list[str]]
    equity_change: list[float]


def conditions(table: IndicatorTable, states: HedgeStates, equity_change: Floats) -> Conditions:
    """The conditions of every row."""
    rules, count = states.rules, len(table.sessions)
    carry = table["carry"].state
    multipliers, factors, collapsed = [], [], []
    gates = [states.gate(row) for row in range(count)]
    for layer in rules.layers:
        multipliers.append([states.multiplier(row, layer) if row >= states.start else 1.0 for row in range(count)])
        by_carry = np.where(carry == CHEAP, layer.carry_cheap_factor, 1.0)
        by_carry = np.where(carry == DEAR, layer.carry_dear_factor, by_carry)
        factors.append((by_carry * gates).tolist())
        collapsed.append(_collapsed(table, layer))
    return Conditions(
        multiplier=[list(row) for row in zip(*multipliers, strict=True)],
        factor=[list(row) for row in zip(*factors, strict=True)],
        collapsed=[list(row) for row in zip(*collapsed, strict=True)],
        equity_change=equity_change.tolist(),
    )


def _collapsed(table: IndicatorTable, layer: Layer) -> list[str]:
    own = layer.collapse
    if own is None:
        return [""] * len(table.sessions)
    limit, sessions = own.variance_premium_below, own.variance_premium_sessions
    found, run = [], 0
    premiums = zip(table["variance_premium"].value.tolist(), table["capm_premium"].value.tolist(), strict=True)
    for variance, capm in premiums:
        run = run + 1 if variance < limit else 0
        if run >= sessions:
            found.append(f"VIX less realised volatility is below {limit:g} on {run} sessions in a row")
        elif capm <= own.capm_premium_at_most:
            found.append(f"the cost beyond beta is {capm:.2f} a year, at most {own.capm_premium_at_most:g}")
        else:
            found.append("")
    return found
