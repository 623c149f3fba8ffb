"""How far each test is from changing what is held: at the next close, everything else equal. Standard library only.

Distances are compared in typical days: what moves a test, over what it moves on a usual day. That is the daily share of
the realised volatility for the S&P 500 and for the strategy, and `TYPICAL_VIX_MOVE` for the VIX. It ranks, nothing
more: no trigger is more likely for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reports.numbers import beside, signed_beside, vix_limit
from reports.tables import NOTHING
from reports.words import holding
from signals.veqtor.report import Regime, SignalReport, StopLoss, Weights
from signals.veqtor.rules import DOWNTREND, NO_TREND, UPTREND, VEQTOR

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
        What happens then, without a full stop; of what happens by itself, also what would prevent it.
    days : float
        Typical days' moves to it; 0 or less where it happens on a day without a move, `NEVER` where it cannot.
    changes_target : bool
        Whether the target depends on it, the other tests as on a day without a move.
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


@dataclass(frozen=True)
class Outcome:
    """What the three tests say at a close; the regime by its number, lowest first."""

    regime: int
    trend: str
    stop: bool


def triggers(report: SignalReport) -> tuple[Trigger, ...]:
    """Every test of VEQTOR and what would change it, in the order of the tests."""
    flat = flat_day(report)
    found = (_higher(report, flat), _lower(report, flat), _trend(report, flat), _stop(report, flat))
    return tuple(trigger for trigger in found if trigger is not None)


def nearest(found: Iterable[Trigger]) -> Trigger | None:
    """What changes the target at the next close with the smallest move; None where nothing can."""
    able = [trigger for trigger in found if trigger.changes_target and trigger.days < NEVER]
    return min(able, key=lambda trigger: trigger.days, default=None)


def today(report: SignalReport) -> Outcome | None:
    """The tests of a report; None where it was made with rules that this version does not have."""
    names = [VEQTOR.regime_name(number) for number in range(len(VEQTOR.volatility_weights))]
    if report.rule_set_digest != VEQTOR.digest or report.regime.name not in names:
        return None
    return Outcome(names.index(report.regime.name), report.trend.name, report.stop_loss.active)


def flat_day(report: SignalReport) -> Outcome | None:
    """The tests at the next close if nothing moves: neither the S&P 500, nor the VIX, nor VEQTOR's excess return."""
    if today(report) is None:
        return None
    regime = sum(edge <= report.regime.quiet_next for edge in VEQTOR.regime_edges)
    return Outcome(regime, _flat_trend(report), _flat_stop(report))


def _flat_trend(report: SignalReport) -> str:
    trend, vix = report.trend, vix_close(report)
    if vix is None:
        return trend.name
    up = vix >= trend.next_vix
    if (trend.run + 1 if up == trend.up else 1) < trend.needed:
        return NO_TREND
    return UPTREND if up else DOWNTREND


def _flat_stop(report: SignalReport) -> bool:
    needed = report.stop_loss.next_excess_return
    return report.stop_loss.active if needed is None else needed >= 0.0


def target_of(tests: Outcome) -> Weights:
    """The target that VEQTOR's rules give to the outcome of the tests."""
    if tests.stop:
        return Weights(0.0, 0.0, 1.0)
    weight = VEQTOR.volatility_weights[tests.regime][_TRENDS.index(tests.trend)]
    return Weights(1.0 - weight, weight, 0.0)


def _matters(one: Outcome | None, other: Outcome | None) -> bool:
    """Whether two outcomes differ in the target; True where the rules are not known."""
    return one is None or other is None or target_of(one) != target_of(other)


def the_target(report: SignalReport) -> str:
    """The target, by its name where there are others."""
    return "VEQTOR's target" if report.variants else "the target"


def _then(report: SignalReport, flat: Outcome | None, tests: Outcome | None) -> str:
    """What a test that changes alone means for the target, the others as on a flat day."""
    if flat is None or tests is None:
        return ""
    target = target_of(tests)
    if target == target_of(flat):
        return f"; {the_target(report)} stays {'in cash' if target.cash else 'as it is'}"
    return f"; all else equal, {the_target(report)} is then {holding(target)}"


def _typical(report: SignalReport) -> float:
    """What the S&P 500 moves on a usual day of the last 22, as a decimal."""
    return max(report.regime.volatility / math.sqrt(SESSIONS_PER_YEAR), _LEAST_MOVE)


def _moves(rise: float, fall: float) -> str:
    up, down = f"{rise * 100:.2f}%", f"{fall * 100:.2f}%"
    return f"a rise or fall of {up} or more" if up == down else f"a rise of {up} or a fall of {down} or more"


def _higher(report: SignalReport, flat: Outcome | None) -> Trigger | None:
    regime, now = report.regime, today(report)
    if regime.upper_edge is None or regime.next_rise is None or regime.next_fall is None:
        return None
    edge, moves = f"{regime.upper_edge * 100:g}%", _moves(regime.next_rise, regime.next_fall)
    if regime.quiet_next >= regime.upper_edge:
        days, moved_by = -NEVER, "nothing: the next close has it however the S&P 500 moves"
        sentence = f"realised volatility reaches {edge} however the S&P 500 moves"
        matters = _matters(flat, replace(flat, regime=now.regime) if now and flat else None)
    else:
        days, moved_by = max(regime.next_fall / _typical(report), _LEAST_MOVE), f"{moves} of the S&P 500"
        changed = replace(flat, regime=now.regime + 1) if now and flat else None
        sentence = f"{moves} of the S&P 500 lifts realised volatility to {edge}{_then(report, flat, changed)}"
        matters = _matters(flat, changed)
    return Trigger(
        test="Volatility, up",
        now=_volatility(report),
        changes_at=edge,
        distance=f"{beside((regime.upper_edge - regime.volatility) * 100, (0.0,))} points",
        moved_by=moved_by,
        sentence=sentence,
        days=days,
        changes_target=matters,
        chart="volatility",
    )


def _lower(report: SignalReport, flat: Outcome | None) -> Trigger | None:
    regime, now = report.regime, today(report)
    if regime.lower_edge is None:
        return None
    edge, left = f"{regime.lower_edge * 100:g}%", f"{beside(regime.quiet_next * 100, (regime.lower_edge * 100,))}%"
    reached = regime.quiet_next < regime.lower_edge
    days, moved_by = NEVER, f"not at the next close: a flat day leaves {left}"
    sentence, matters = f"a flat day leaves realised volatility at {left}", False
    if reached:
        room = math.sqrt((regime.lower_edge**2 - regime.quiet_next**2) * VEQTOR.realised_window / SESSIONS_PER_YEAR)
        moves = _moves(math.expm1(room), -math.expm1(-room))
        days = -room / _typical(report)
        moved_by = f"a flat day, as {left} is left; {moves} of the S&P 500 prevents it"
        sentence = f"realised volatility falls below {edge}, unless the S&P 500 makes {moves}"
        matters = _matters(flat, replace(flat, regime=now.regime) if now and flat else None)
    return Trigger(
        test="Volatility, down",
        now=_volatility(report),
        changes_at=f"below {edge}",
        distance=f"{beside((regime.volatility - regime.lower_edge) * 100, (0.0,))} points",
        moved_by=moved_by,
        sentence=sentence,
        days=days,
        changes_target=matters,
        chart="volatility",
    )


def _volatility(report: SignalReport) -> str:
    return f"{volatility_figure(report.regime)}%"


def volatility_figure(regime: Regime) -> str:
    """Realised volatility, %, on its side of the edges of its regime."""
    return beside(regime.volatility * 100, (edge * 100 for edge in (regime.lower_edge, regime.upper_edge) if edge))


def five_day_figure(stop: StopLoss) -> str:
    """The five-day excess return, %, with its sign and on its side of the limit; empty without one."""
    if stop.excess_return_5d is None:
        return ""
    return signed_beside(stop.excess_return_5d * 100, (stop.limit * 100,))


def vix_close(report: SignalReport) -> float | None:
    """The VIX a report rests on, in points."""
    return next((item.value for item in report.inputs if item.series == "VIX"), None)


def _trend(report: SignalReport, flat: Outcome | None) -> Trigger:
    trend, vix = report.trend, vix_close(report)
    made = UPTREND if trend.up else DOWNTREND
    sessions = f"{trend.run} session{'s' if trend.run != 1 else ''}"
    rest = trend.needed - trend.run
    # The VIX with which the averages stay on their side; without one it is known already on which they are.
    known_up = trend.next_vix <= 0.0
    limit = vix_limit(trend.next_vix)
    above, below = f"a VIX at {limit} or higher", f"a VIX below {limit}"
    goes_on, turns = (above, below) if trend.up else (below, above)
    stays = trend.up if known_up else None if vix is None else (vix >= trend.next_vix) == trend.up
    away = NEVER if known_up or not vix else max(abs(trend.next_vix / vix - 1.0) / TYPICAL_VIX_MOVE, _LEAST_MOVE)
    days, changed, changes_at = NEVER, trend.name, f"{trend.needed} sessions"
    if rest <= 0:
        changed, changes_at = NO_TREND, NOTHING if known_up else f"VIX {limit}"
        happens, condition, prevented_by = not stays, turns, goes_on
        by_move, by_itself = f"{turns} ends the {made}", f"the {made} ends"
        never = f"the {made} goes on wherever the VIX closes"
    elif rest == 1:
        changed = made
        happens, condition, prevented_by = bool(stays), goes_on, turns
        by_move, by_itself = f"{goes_on} makes {_article(made)}", f"{_article(made)} begins"
        never = f"no {made} begins wherever the VIX closes"
    else:
        happens, condition, prevented_by, by_move, by_itself = False, "", "", "", ""
        never = f"{rest} more sessions on this side make {_article(made)}"
    sentence, moved_by, matters = never, never, False
    known = today(report)
    after = replace(flat, trend=changed) if flat else None
    if not condition:
        if known_up:
            needs = "it does wherever the VIX closes" if trend.up else "it does not wherever the VIX closes"
        else:
            needs = f"it needs {goes_on}"
        side = "at or above" if trend.up else "below"
        moved_by = f"sessions with MA5 {side} MA20; at the next close {needs}"
    elif stays is None:
        sentence = moved_by = by_move
    elif happens:
        close = prevented_by.removeprefix("a VIX ")
        unless = "wherever the VIX closes" if known_up else f"unless the VIX (now {vix:.2f}) closes {close}"
        days = -away
        sentence = f"{by_itself} {unless}" if known_up else f"{by_itself}, {unless}"
        moved_by = sentence if known_up else condition
        matters = _matters(flat, replace(flat, trend=known.trend) if flat and known else None)
    elif not known_up:
        days, moved_by = away, condition
        sentence = f"{by_move}{_then(report, flat, after)}"
        matters = _matters(flat, after)
    return Trigger(
        test="Trend of the VIX",
        now=sessions if rest > 0 else trend.name,
        changes_at=changes_at,
        distance=(
            f"{rest} more"
            if rest > 0
            else NOTHING
            if known_up or not vix
            else f"{beside(abs(trend.next_vix - vix), (0.0,))} points"
        ),
        moved_by=moved_by,
        sentence=sentence,
        days=days,
        changes_target=matters,
        chart="trend",
    )


def _article(trend: str) -> str:
    return f"an {trend}" if trend == UPTREND else f"a {trend}"


def _stop(report: SignalReport, flat: Outcome | None) -> Trigger | None:
    stop = report.stop_loss
    if stop.excess_return_5d is None or stop.next_excess_return is None:
        return None
    needed, limit = stop.next_excess_return, f"{stop.limit * 100:g}%"
    figure = f"{signed_beside(needed * 100, (0.0,))}%"
    changed = replace(flat, stop=not stop.active) if flat else None
    unchanged = replace(flat, stop=stop.active) if flat else None
    changes = (needed >= 0.0) != stop.active
    what = "clears" if stop.active else "comes on"
    matters = _matters(changed, unchanged)
    if report.held.cash == 1.0:
        # Cash has no excess return: the next test is known.
        days = -NEVER if changes else NEVER
        stays = f"stays {'on' if stop.active else 'off'}"
        moved_by = f"known already: cash has no excess return, so the stop-loss {what if changes else stays}"
        sentence = f"the stop-loss {what if changes else stays}, as cash has no excess return"
        matters = matters and changes
    else:
        # Towards a change, in the direction it needs.
        away = abs(needed) / (_typical(report) * max(report.held.equity, _LEAST_MOVE))
        over, under = f"above {figure}", f"of {figure} or less"
        move, prevents = (over, under) if stop.active else (under, over)
        moved_by = f"an excess return of VEQTOR {move} in one session"
        if changes:
            days = -away
            sentence = f"the stop-loss {what}, unless VEQTOR has an excess return {prevents}"
        else:
            days = max(away, _LEAST_MOVE)
            moves = "clears the stop-loss" if stop.active else "moves everything to cash"
            then = _then(report, flat, changed) if stop.active else ""
            sentence = f"a VEQTOR excess return {move} {moves}{then}"
    return Trigger(
        test="Stop-loss, 5 days",
        now=f"{five_day_figure(stop)}%",
        changes_at=f"above {limit}" if stop.active else f"{limit} or less",
        distance=f"{beside(abs(stop.excess_return_5d - stop.limit) * 100, (0.0,))} points",
        moved_by=moved_by,
        sentence=sentence,
        days=days,
        changes_target=matters,
        chart="stop-loss",
    )
