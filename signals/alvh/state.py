"""The hedge state: how much is bought at the next entry or roll, as a fold over sessions.

A step up acts at once. A step down, one at a time, needs the score below the state on so many sessions in a row; the
count begins again after each step. Both need a *cause*: an indicator that switched on or off. One that becomes
available or unavailable changes what the score is measured from, and is never a step by itself: a step has to hold with
and without what came, and for five sessions with and without what went; after that the state is held until something
switches, and the reason says so. An indicator that was away for up to five sessions and comes back the other way round
has switched.

The fold begins with the first session of the rule set, or of the history where that is later, in the state of that
session's score.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from signals.alvh.indicator_table import UNKNOWN, IndicatorTable
from signals.alvh.measures import MAX_GAP, OFF, ON, UNAVAILABLE, Flags, States
from signals.alvh.rules import Layer, PriceGate, RuleSet, Weights
from signals.alvh.rules import State as StateRules
from signals.calendar import Days
from signals.vix_futures import Floats, Integers

DORMANT, GUARDED, ACTIVE, EXPANDED = 0, 1, 2, 3

HEDGE_STATES = ("DORMANT", "GUARDED", "ACTIVE", "EXPANDED")

#: Rows before the fold begins.
BEFORE = -1

#: Indicators that score, in the order of their weights.
SCORED = tuple(item.name for item in fields(Weights))

#: A score this close to a threshold has reached it: weights such as 0.1 add up a little short.
_EXACT = 9


@dataclass(frozen=True)
class Carried:
    """What one session hands to the next.

    Attributes
    ----------
    state : int
    below : int
        Sessions in a row, the day's own included, with a score below the state and a cause for it; 0 after a step.
    falling : bool
        Whether something switched off since the score fell below the state.
    last : tuple of int
        The last known reading of each scored indicator: ON, OFF, or UNAVAILABLE if there is none.
    away : tuple of int
        Sessions since then.
    """

    state: int
    below: int
    falling: bool
    last: tuple[int, ...]
    away: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """What one session decided: the score, its parts, and what is handed on."""

    raw: float
    attainable: float
    score: float
    carried: Carried


def step(before: Carried | None, readings: Sequence[int], rules: StateRules) -> Step:
    """The hedge state after a session.

    Parameters
    ----------
    before : Carried or None
        From the session before; None for the first one.
    readings : sequence of int
        ON, OFF or UNAVAILABLE of each scored indicator.
    rules : State
    """
    weights = [getattr(rules.weights, name) for name in SCORED]
    raw, attainable, score = _score(readings, weights, rules)
    if before is None:
        away = tuple(0 if reading != UNAVAILABLE else MAX_GAP + 1 for reading in readings)
        return Step(raw, attainable, score, Carried(_level(score, rules), 0, False, tuple(readings), away))
    push = 0.0
    last, gone, as_before = [], [], []
    for reading, weight, known, absent in zip(readings, weights, before.last, before.away, strict=True):
        there = reading != UNAVAILABLE
        if there and known not in (UNAVAILABLE, reading) and absent <= MAX_GAP:
            push += weight if reading == ON else -weight
        last.append(reading if there else known)
        gone.append(0 if there else absent + 1)
        as_before.append(last[-1] if absent <= MAX_GAP else UNAVAILABLE)
    # A step has to hold also with what went lately, and without what nothing was known of until now.
    levels = [_level(score, rules)]
    if as_before != list(readings) and set(as_before) != {UNAVAILABLE}:
        levels.append(_level(_score(as_before, weights, rules)[2], rules))
    state, below, falling = before.state, 0, False
    if not attainable > 0.0:
        falling = before.falling
    elif min(levels) > state:
        state = min(levels) if push > 0.0 else state
    elif max(levels) < state:
        falling = before.falling or push < 0.0
        below = before.below + 1 if falling else 0
        if below >= rules.step_down_sessions:
            state, below = state - 1, 0
            falling = max(levels) < state
    return Step(raw, attainable, score, Carried(state, below, falling, tuple(last), tuple(gone)))


def _score(readings: Sequence[int], weights: Sequence[float], rules: StateRules) -> tuple[float, float, float]:
    """Points of what is on, points of what is available, and their ratio on the scale; NaN where nothing is."""
    raw = attainable = 0.0
    for reading, weight in zip(readings, weights, strict=True):
        if reading != UNAVAILABLE:
            attainable += weight
            raw += weight if reading == ON else 0.0
    score = round(raw * rules.scale / attainable, _EXACT) if attainable > 0.0 else float("nan")
    return raw, attainable, score


def _level(score: float, rules: StateRules) -> int:
    """The state a score stands for: DORMANT for none."""
    limits = rules.thresholds
    return sum(score >= limit for limit in (limits.guarded, limits.active, limits.expanded))


@dataclass(frozen=True)
class HedgeStates:
    """The hedge state at every session.

    Attributes
    ----------
    rules : RuleSet
    sessions : datetime64[D], shape (n,)
    start : int
        Row in which the fold begins; `n` if it does not.
    state : int8, shape (n,)
        DORMANT to EXPANDED; BEFORE in rows before `start`.
    raw, attainable, score : float, shape (n,)
        Points of what is on, points of what is available, and their ratio on the scale; NaN where nothing is available.
    below : int, shape (n,)
        Sessions in a row that count towards a step down.
    readings : int8, shape (n, scored indicators)
    event : int8, shape (n,)
        State of `event_risk`.
    gate_price : float, shape (n,), VIX points
        The 30-day future.
    """

    rules: RuleSet
    sessions: Days
    start: int
    state: States
    raw: Floats
    attainable: Floats
    score: Floats
    below: Integers
    readings: States
    event: States
    gate_price: Floats

    @cached_property
    def changed(self) -> Flags:
        """Whether the state is another than on the session before, shape (n,); False in the first row of the fold."""
        found = np.zeros(len(self.state), dtype=bool)
        found[self.start + 1 :] = self.state[self.start + 1 :] != self.state[self.start : -1]
        return found

    def layer_state(self, row: int, layer: Layer) -> int:
        """The state of one layer: lifted while an event is ahead, where the rule set lifts it."""
        lift = layer.event_lift if self.event[row] == ON else 0
        return min(int(self.state[row]) + lift, EXPANDED)

    def multiplier(self, row: int, layer: Layer) -> float:
        """Factor of the state on the size of a purchase for one layer: one of the rule set's, or 1 if it uses none."""
        if not self.rules.state.sizes_entries:
            return 1.0
        factor: float = getattr(self.rules.state.multipliers, HEDGE_STATES[self.layer_state(row, layer)].lower())
        return factor

    def gate(self, row: int) -> float:
        """Factor of the price gate on purchases, by the 30-day future; 1 where the gate is on another price."""
        gate = self.rules.price_gate
        return gate_factor(gate, float(self.gate_price[row])) if gate.price == "cm30" else 1.0

    def reason(self, row: int) -> str:
        """Why the state is what it is, in one sentence."""
        if row < self.start:
            return f"The hedge begins on {self.rules.timing.first_session}."
        return _reason(self, row)

    def remarks(self, row: int) -> tuple[str, ...]:
        """What else bears on the size of purchases: an event ahead, and the price gate. One sentence each."""
        found = []
        lifted = [layer for layer in self.rules.layers if layer.event_lift and self.rules.state.sizes_entries]
        if lifted and self.event[row] == UNKNOWN:
            found.append(f"The event calendar does not reach far enough: {_names(lifted)} not lifted.")
        for layer in lifted:
            state = HEDGE_STATES[self.layer_state(row, layer)]
            if self.event[row] == ON and self.layer_state(row, layer) > self.state[row]:
                found.append(f"An event is ahead: an entry of {layer.id} is sized as in {state}.")
        factor, price = self.gate(row), self.gate_price[row]
        if factor != 1.0:
            at = f"at a 30-day VX of {price:.2f}" if np.isfinite(price) else "without a 30-day VX"
            found.append(f"Purchases are scaled by {factor:g} {at}.")
        return tuple(found)


def gate_factor(gate: PriceGate, price: float) -> float:
    """Factor of a price on purchases: 1 where the gate is not enabled; the smallest one where the price is missing."""
    if not gate.enabled:
        return 1.0
    if not np.isfinite(price):
        return min(gate.factors)
    return gate.factors[bisect_left(gate.edges, price)]


def hedge_states(table: IndicatorTable, rules: RuleSet) -> HedgeStates:
    """Fold the indicators into the hedge state, session by session."""
    count = len(table.sessions)
    start = int(np.searchsorted(table.sessions, np.datetime64(rules.timing.first_session)))
    readings = np.column_stack([table[name].state for name in SCORED])
    state, below = np.full(count, BEFORE, dtype=np.int8), np.zeros(count, dtype=np.int64)
    raw, attainable, score = (np.full(count, np.nan) for _ in range(3))
    carried: Carried | None = None
    for row, found in enumerate(readings[start:].tolist(), start):
        done = step(carried, found, rules.state)
        carried = done.carried
        state[row], below[row] = carried.state, carried.below
        raw[row], attainable[row], score[row] = done.raw, done.attainable, done.score
    return HedgeStates(
        rules=rules,
        sessions=table.sessions,
        start=start,
        state=state,
        raw=raw,
        attainable=attainable,
        score=score,
        below=below,
        readings=readings,
        event=table["event_risk"].state,
        gate_price=table["cm30"].value,
    )


def _reason(found: HedgeStates, row: int) -> str:
    state, rules = HEDGE_STATES[int(found.state[row])], found.rules.state
    because = _changes(found, row)
    if not found.attainable[row] > 0.0:
        return f"Held at {state}{because}: no indicator is available."
    scored, parts = f"score {found.score[row]:.2f} of {rules.scale:g}", _parts(found.readings[row])
    if row == found.start:
        return f"{state} at the start: {scored}, {parts}."
    before, level = int(found.state[row - 1]), _level(float(found.score[row]), rules)
    if found.state[row] > before:
        return f"Up from {HEDGE_STATES[before]} to {state}{because}: {scored}, {parts}."
    if found.state[row] < before:
        limit = getattr(rules.thresholds, HEDGE_STATES[before].lower())
        days = "" if rules.step_down_sessions == 1 else f" on {rules.step_down_sessions} sessions in a row"
        return f"Down from {HEDGE_STATES[before]} to {state}{because}: below {limit:g}{days}, {scored}, {parts}."
    if level == found.state[row]:
        return f"Still {state}{because}: {scored}, {parts}."
    if found.below[row]:
        count = f"{found.below[row]} of {rules.step_down_sessions} sessions for a step down"
        return f"Held at {state}{because}: {scored} is {HEDGE_STATES[level]}, on {count}, {parts}."
    return f"Held at {state}{because}: {scored} is {HEDGE_STATES[level]} only by what is available, {parts}."


def _names(layers: Sequence[Layer]) -> str:
    return ", ".join(layer.id for layer in layers)


def _parts(readings: States) -> str:
    named = [
        f"{word}: {', '.join(names)}"
        for state, word in ((ON, "on"), (OFF, "off"), (UNAVAILABLE, "unavailable"))
        if (names := [name for name, reading in zip(SCORED, readings, strict=True) if reading == state])
    ]
    return "; ".join(named)


def _changes(found: HedgeStates, row: int) -> str:
    """What switched, came or went since the session before, as the end of a clause."""
    if row == found.start:
        return ""
    words = {ON: "switched on", OFF: "switched off", UNAVAILABLE: "became unavailable"}
    changes = []
    for name, before, after in zip(SCORED, found.readings[row - 1], found.readings[row], strict=True):
        if before == after:
            continue
        back = f"became available, {'on' if after == ON else 'off'}"
        changes.append(f"{name} {back if before == UNAVAILABLE else words[int(after)]}")
    return f" as {' and '.join(changes)}" if changes else ""
