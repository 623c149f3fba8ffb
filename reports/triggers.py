"""How far each test is from changing what is held: at the next close, everything else equal. Standard library only.

Distances are compared in typical days: what moves a test, over what it moves on a usual day. That is the daily share of
the realised volatility for the S&P 500 and for the strategy, and `TYPICAL_VIX_MOVE` for the VIX. It ranks, nothing
more: no trigger is more likely for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reports.tables import NOTHING, signed
from reports.words import holding
from signals.veqtor.report import SignalReport, Weights
from signals.veqtor.rules import DOWNTREND, NO_TREND, UPTREND, VEQTOR, VeqtorRules

#: Sessions a year, as realised volatility is annualised.
SESSIONS_PER_YEAR = 252

#: Change of the VIX on a usual day, as a share of it: from 2006 to 2026 the median of its size was 3.9%, the mean 5.5%.
TYPICAL_VIX_MOVE = 0.05

_TRENDS = (DOWNTREND, NO_TREND, UPTREND)

#: Not at the next close, whatever happens.
NEVER = math.inf

#: Less than any move of a day, and no division by zero.
_LEAST_MOVE = 1e-6


@dataclass(frozen=True)
class Trigger:
    """What would change a test at the next close.

    Attributes
    ----------
    test, now, changes_at, distance, moved_by : str
        As a table shows them.
    sentence : str
        What happens then, without a full stop.
    days : float
        Typical days' moves to it; 0 or less where it happens on a day without a move, `NEVER` where it cannot.
    changes_target : bool
        Whether the target would be another one, everything else equal.
    chart : str
        Name of the chart that shows the test.
    """

    test: str
    now: str
    changes_at: str
    distance: str
    moved_by: str
    sentence: str
    days: float
    changes_target: bool
    chart: str


def triggers(report: SignalReport) -> tuple[Trigger, ...]:
    """Every test of VEQTOR and what would change it, in the order of the tests."""
    found = (_higher(report), _lower(report), _trend(report), _stop(report))
    return tuple(trigger for trigger in found if trigger is not None)


def nearest(found: Iterable[Trigger]) -> Trigger | None:
    """What changes the target at the next close with the smallest move; None where nothing can."""
    able = [trigger for trigger in found if trigger.changes_target and trigger.days < NEVER]
    return min(able, key=lambda trigger: trigger.days, default=None)


def _rules(report: SignalReport) -> VeqtorRules | None:
    """The rules a report was made with, where they are those of this version."""
    return VEQTOR if report.rule_set_digest == VEQTOR.digest else None


def _regime(rules: VeqtorRules, report: SignalReport) -> int:
    names = [rules.regime_name(number) for number in range(len(rules.volatility_weights))]
    return names.index(report.regime.name)


def _target(
    report: SignalReport, *, higher: int = 0, trend: str | None = None, stop: bool | None = None
) -> Weights | None:
    """The target with one test changed and the others as they are; None where the rules are not known."""
    rules = _rules(report)
    if rules is None or report.regime.name not in map(rules.regime_name, range(len(rules.volatility_weights))):
        return None
    if report.stop_loss.active if stop is None else stop:
        return Weights(0.0, 0.0, 1.0)
    column = _TRENDS.index(trend or report.trend.name)
    weight = rules.volatility_weights[_regime(rules, report) + higher][column]
    return Weights(1.0 - weight, weight, 0.0)


def _then(report: SignalReport, target: Weights | None) -> str:
    """What a changed test means for the target."""
    if target is None:
        return ""
    if target == report.target:
        kept = "stays in cash" if target.cash else "stays as it is"
        return f"; all else equal the target {kept}"
    return f"; all else equal the target becomes {holding(target)}"


def _typical(report: SignalReport) -> float:
    """What the S&P 500 moves on a usual day of the last 22, as a decimal."""
    return max(report.regime.volatility / math.sqrt(SESSIONS_PER_YEAR), _LEAST_MOVE)


def _moves(rise: float, fall: float) -> str:
    up, down = f"{rise * 100:.2f}%", f"{fall * 100:.2f}%"
    return f"a rise or fall of {up} or more" if up == down else f"a rise of {up} or a fall of {down} or more"


def _higher(report: SignalReport) -> Trigger | None:
    regime = report.regime
    if regime.upper_edge is None or regime.next_rise is None or regime.next_fall is None:
        return None
    edge, moves = f"{regime.upper_edge * 100:g}%", _moves(regime.next_rise, regime.next_fall)
    target = _target(report, higher=1)
    return Trigger(
        test="Volatility, up",
        now=_volatility(report),
        changes_at=edge,
        distance=f"{(regime.upper_edge - regime.volatility) * 100:.2f} points",
        moved_by=f"{moves} of the S&P 500",
        sentence=f"{moves} of the S&P 500 lifts realised volatility to {edge} or more{_then(report, target)}",
        days=regime.next_fall / _typical(report),
        changes_target=target != report.target,
        chart="volatility",
    )


def _lower(report: SignalReport) -> Trigger | None:
    regime = report.regime
    if regime.lower_edge is None:
        return None
    edge, flat = f"{regime.lower_edge * 100:g}%", f"{regime.quiet_next * 100:.2f}%"
    reached = regime.quiet_next < regime.lower_edge
    days, moved_by, sentence = NEVER, "not at the next close", f"a flat day leaves realised volatility at {flat}"
    rules, target = _rules(report), _target(report, higher=-1)
    if reached:
        window = VEQTOR.realised_window
        room = math.sqrt((regime.lower_edge**2 - regime.quiet_next**2) * window / SESSIONS_PER_YEAR)
        moves = _moves(math.expm1(room), -math.expm1(-room))
        days = -room / _typical(report)
        moved_by = f"a flat day, as {flat} is left; {moves} of the S&P 500 prevents it"
        below = _regime(rules, report) - 1 if rules and target else 0
        if rules and below > 0 and regime.quiet_next < rules.regime_edges[below - 1]:
            # It may fall through a whole regime.
            target, outcome = None, "; the target then depends on how far"
        else:
            outcome = _then(report, target)
        sentence = f"unless the S&P 500 makes {moves}, realised volatility falls below {edge}{outcome}"
    return Trigger(
        test="Volatility, down",
        now=_volatility(report),
        changes_at=f"below {edge}",
        distance=f"{(regime.volatility - regime.lower_edge) * 100:.2f} points",
        moved_by=moved_by if reached else f"{moved_by}: a flat day leaves {flat}",
        sentence=sentence,
        days=days,
        changes_target=target != report.target,
        chart="volatility",
    )


def _volatility(report: SignalReport) -> str:
    return f"{report.regime.volatility * 100:.2f}%"


def vix_close(report: SignalReport) -> float | None:
    """The VIX a report rests on, in points."""
    return next((item.value for item in report.inputs if item.series == "VIX"), None)


def _trend(report: SignalReport) -> Trigger:
    trend, vix = report.trend, vix_close(report)
    made = UPTREND if trend.up else DOWNTREND
    goes_on, turns = _vix_conditions(report)
    sessions = f"{trend.run} session{'s' if trend.run != 1 else ''}"
    rest = trend.needed - trend.run
    if rest <= 0:
        becomes, condition, by_itself = NO_TREND, turns, None if vix is None else (vix < trend.next_vix) == trend.up
        changes_at = f"VIX {trend.next_vix:.2f}" if trend.next_vix > 0.0 else NOTHING
        sentence = f"{condition} ends the {made}"
    elif rest == 1:
        becomes, condition, by_itself = made, goes_on, None if vix is None else (vix >= trend.next_vix) == trend.up
        changes_at = f"{trend.needed} sessions"
        sentence = f"{condition} makes {_article(made)}"
    else:
        becomes, condition, by_itself = trend.name, "", None
        changes_at = f"{trend.needed} sessions"
        sentence = f"{rest} more sessions on this side make {_article(made)}"
    target, days = _target(report, trend=becomes), NEVER
    if condition and vix:
        away = 0.0 if trend.next_vix <= 0.0 else abs(trend.next_vix / vix - 1.0) / TYPICAL_VIX_MOVE
        days = -away if by_itself else away if trend.next_vix > 0.0 else NEVER
    side = "at or above" if trend.up else "below"
    return Trigger(
        test="Trend of the VIX",
        now=sessions if rest > 0 else trend.name,
        changes_at=changes_at,
        distance=(
            f"{rest} more"
            if rest > 0
            else f"{abs(trend.next_vix - vix):.2f} points"
            if vix and trend.next_vix > 0.0
            else NOTHING
        ),
        moved_by=f"not at the next close: it goes on with {goes_on}"
        if condition and days == NEVER
        else condition or f"sessions with MA5 {side} MA20; at the next close it needs {goes_on}",
        sentence=f"{sentence}{_then(report, target)}" if condition else sentence,
        days=days,
        changes_target=bool(condition) and target != report.target,
        chart="trend",
    )


def _vix_conditions(report: SignalReport) -> tuple[str, str]:
    """With which VIX the averages stay on their side at the next close, and with which they cross."""
    trend = report.trend
    if trend.next_vix <= 0.0:
        above, below = "any VIX", "no VIX"
    else:
        above, below = f"a VIX at {trend.next_vix:.2f} or higher", f"a VIX below {trend.next_vix:.2f}"
    return (above, below) if trend.up else (below, above)


def _article(trend: str) -> str:
    return f"an {trend}" if trend == UPTREND else f"a {trend}"


def _stop(report: SignalReport) -> Trigger | None:
    stop = report.stop_loss
    if stop.excess_return_5d is None or stop.next_excess_return is None:
        return None
    needed, limit = stop.next_excess_return, f"{stop.limit * 100:g}%"
    figure = f"{signed(needed * 100, 2)}%"
    target = _target(report, stop=not stop.active)
    outcome = _then(report, target)
    in_cash = report.held.cash == 1.0
    if in_cash:
        # Cash has no excess return: the next test is known.
        changes = (needed < 0.0) == stop.active
        days = -NEVER if changes else NEVER
        what = "clears" if stop.active else "comes on again"
        moved_by = f"known already: cash has no excess return, so the stop-loss {what if changes else 'stays as it is'}"
        sentence = f"the stop-loss {what} at the next close, as cash has no excess return{outcome}"
    else:
        # Towards a change, in the direction it needs.
        away = needed if stop.active else -needed
        days = away / (_typical(report) * max(report.held.equity, _LEAST_MOVE))
        move = f"above {figure}" if stop.active else f"of {figure} or less"
        moved_by = f"an excess return of VEQTOR {move} in one session"
        what = "clears the stop-loss" if stop.active else "moves everything to cash"
        outcome = outcome if stop.active else ""
        sentence = f"{moved_by} {what}{outcome}"
    return Trigger(
        test="Stop-loss, 5 days",
        now=f"{signed(stop.excess_return_5d * 100, 2)}%",
        changes_at=f"above {limit}" if stop.active else f"{limit} or less",
        distance=f"{abs(stop.excess_return_5d - stop.limit) * 100:.2f} points",
        moved_by=moved_by,
        sentence=sentence,
        days=days,
        changes_target=target != report.target,
        chart="stop-loss",
    )
