"""How close a decision was: THRESHOLD, RATE and BOUNDARY."""

from __future__ import annotations

import numpy as np

from signals.inputs import Inputs
from signals.rates import SUBSTITUTE
from signals.total_return import ACCEPTED
from signals.veqtor.index import VeqtorHistory
from signals.veqtor.report import Flag
from signals.vix_futures import MONEY_MARKET_YEAR

#: A five-day excess return this close to the stop-loss limit is within what rounding and sources can move.
THRESHOLD_BAND = 0.0010

#: The largest five-session error of the total-return stand-in against the real index, 2005-2020 (0.00087).
STAND_IN_ERROR_5D = 0.0009

#: What ^IRX in place of fed funds can do to a five-session excess return: 1.3 points (99th percentile), seven days.
OVERNIGHT_SUBSTITUTE_ERROR_5D = 0.00026

#: The change of the overnight rate a stop-loss decision should survive.
RATE_SHIFT = 0.0025

#: Realised volatility this close to the edge of a regime, as a decimal: 0.05 volatility points.
BOUNDARY_BAND = 0.0005


def flags(veqtor: VeqtorHistory, inputs: Inputs, row: int) -> tuple[Flag, ...]:
    """The flags of the decisions taken at the close in `row`."""
    found = [_threshold(veqtor, inputs, row), _rate(veqtor, row), _boundary(veqtor, row)]
    return tuple(flag for flag in found if flag is not None)


def _threshold(veqtor: VeqtorHistory, inputs: Inputs, row: int) -> Flag | None:
    distance = veqtor.excess_return_5d[row] - veqtor.rules.stop_loss
    if np.isnan(distance):
        return None
    window = slice(row - veqtor.rules.stop_sessions + 1, row + 1)
    invested = ~veqtor.in_cash[window]
    doubt = 0.0
    if (invested & (inputs.equity.origin[window] != ACCEPTED)).any():
        doubt += STAND_IN_ERROR_5D
    earning = slice(window.start - 1, window.stop - 1)
    if (invested & (inputs.overnight.origin[earning] == SUBSTITUTE)).any():
        doubt += OVERNIGHT_SUBSTITUTE_ERROR_5D
    if abs(distance) >= max(THRESHOLD_BAND, doubt):
        return None
    because = f", and substitutes in the window are good for {doubt * 1e4:.1f} bp" if doubt else ""
    return Flag(
        "THRESHOLD",
        f"The five-day excess return is {abs(distance) * 1e4:.1f} bp from the stop-loss limit{because}.",
    )


def _rate(veqtor: VeqtorHistory, row: int) -> Flag | None:
    if np.isnan(veqtor.excess_return_5d[row]):
        return None
    rules = veqtor.rules
    decisions = {
        excess_return_with_rate_shift(veqtor, row, shift) <= rules.stop_loss for shift in (-RATE_SHIFT, 0.0, RATE_SHIFT)
    }
    if len(decisions) == 1:
        return None
    return Flag("RATE", f"A change of {RATE_SHIFT * 1e4:.0f} bp of the overnight rate would flip the stop-loss test.")


def excess_return_with_rate_shift(veqtor: VeqtorHistory, row: int, shift: float) -> float:
    """Excess return over the stop-loss window at `row`, had the overnight rate been `shift` higher throughout."""
    growth = 1.0
    for day in range(row - veqtor.rules.stop_sessions + 1, row + 1):
        if veqtor.in_cash[day]:
            continue
        days = (veqtor.sessions[day] - veqtor.sessions[day - 1]).astype(int)
        excess = veqtor.total_return_change[day] - veqtor.accrual[day] - shift * days / MONEY_MARKET_YEAR
        growth *= 1.0 + float(excess)
    return growth - 1.0


def _boundary(veqtor: VeqtorHistory, row: int) -> Flag | None:
    volatility = float(veqtor.realised_volatility[row])
    edge = min(veqtor.rules.regime_edges, key=lambda candidate: abs(candidate - volatility))
    if abs(volatility - edge) >= BOUNDARY_BAND:
        return None
    return Flag(
        "BOUNDARY",
        f"Realised volatility {volatility * 100:.3f}% is {abs(volatility - edge) * 100:.3f} points "
        f"from the {edge * 100:g}% edge.",
    )
