"""What a signal of a hedge says in words: its verdict, what changed, why a layer holds, and what to doubt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from signals.alvh.contracts import VX_FUTURE, VXX_CALL
from signals.alvh.indicator_table import UNKNOWN, IndicatorTable
from signals.alvh.market import OptionMarket
from signals.alvh.measures import UNAVAILABLE
from signals.alvh.report import HOLD, NONE, OBSERVED, Fill, LayerTarget, Package
from signals.alvh.rules import FUTURE, Layer, RuleSet
from signals.alvh.rules import VXX_CALL as VXX_CALL_LAYER
from signals.alvh.state import HEDGE_STATES, SCORED
from signals.rates import CARRIED, PRIMARY, SUBSTITUTE

_SIDES = {"BUY": "bought", "SELL": "sold", "EXPIRY": "settled"}


def instrument_name(kind: str, expiry: dt.date, strike: float | None) -> str:
    """A contract as a report names it: ``VIX 2020-04-15 C25``, ``VX 2020-04-15``, ``VXX 2020-09-18 C140%``."""
    if strike is None or kind == VX_FUTURE:
        return f"VX {expiry}"
    return f"VXX {expiry} C{strike:.4g}%" if kind == VXX_CALL else f"VIX {expiry} C{strike:g}"


def package_name(instrument: str, expiry: dt.date, strikes: Sequence[float | None]) -> str:
    """A package by its expiry and strikes: ``VIX 2020-04-15 C25/C40``."""
    if instrument == FUTURE:
        return f"VX {expiry}"
    if instrument == VXX_CALL_LAYER:
        return "/".join(instrument_name(VXX_CALL, expiry, strike) for strike in strikes)
    return f"VIX {expiry} {'/'.join(f'C{strike:g}' for strike in strikes)}"


def verdict(layers: Sequence[LayerTarget], state: str, *, shown: bool) -> str:
    """What to do, in one sentence; the state leads where sizes depend on it."""
    parts = [_told(layer) for layer in layers if layer.action not in (HOLD, NONE)]
    for action, word in ((HOLD, "hold"), (NONE, "nothing in")):
        same = [layer.layer for layer in layers if layer.action == action]
        if same:
            parts.append(f"{word} {', '.join(same)}")
    if all(layer.action in (HOLD, NONE) for layer in layers):
        parts.insert(0, "nothing to trade")
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}." if shown else f"{state}: {told}."


def _told(layer: LayerTarget) -> str:
    """One action: ``ROLL l2 into VIX 2020-04-15 C25/C40 x 12.34``."""
    target, held = layer.target, layer.held
    word = {"OPEN": " ", "ROLL": " into "}.get(layer.action, " of ")
    what = target or held
    if what is None:
        return f"{layer.action} {layer.layer}"
    name = package_name(what.instrument, what.expiry, [leg.strike for leg in what.legs])
    if layer.action in ("MONETISE", "ADJUST") and target is not None and held is not None:
        return f"{layer.action} {layer.layer}: {name}, {held.contracts:.2f} to {target.contracts:.2f}"
    count = f" x {what.contracts:.2f}" if layer.action != "CLOSE" else ""
    return f"{layer.action} {layer.layer}{word}{name}{count}"


def changes(
    layers: Sequence[LayerTarget], states: tuple[int, int] | None, standings: tuple[str, str] | None
) -> tuple[str, ...]:
    """What is different from the session before: the state, the standing of the budget, and what was traded."""
    found = []
    if states is not None and states[0] != states[1] and states[0] >= 0:
        found.append(f"Hedge state {HEDGE_STATES[int(states[0])]} -> {HEDGE_STATES[int(states[1])]}.")
    if standings is not None and standings[0] != standings[1]:
        found.append(f"Budget {standings[0]} -> {standings[1]}.")
    found += [_filled(layer.layer, fill) for layer in layers for fill in layer.fills]
    return tuple(found)


def _filled(layer: str, fill: Fill) -> str:
    amount = f"{abs(fill.paid_usd):,.0f} USD {'paid' if fill.paid_usd > 0 else 'received'}"
    name = package_name(fill.instrument, fill.expiry, fill.strikes)
    if fill.action == "EXPIRY" and fill.paid_usd == 0.0:
        return f"{layer}: {fill.contracts:.2f} x {name} expired worthless."
    return f"{layer} {_SIDES[fill.action]} {fill.contracts:.2f} x {name} at {fill.price:.4g} ({fill.basis}), {amount}."


def held_reason(rules: Layer, next_roll: dt.date | None, is_expiry: bool) -> str:
    """Why a layer that has nothing to do holds what it holds."""
    if next_roll is None:
        return "Nothing is held."
    if is_expiry:
        return f"Held to its expiry on {next_roll}."
    if rules.roll_at_days_to_expiry is not None:
        return f"Held. Its roll is decided at the close of {next_roll}, {rules.roll_at_days_to_expiry} days to expiry."
    return f"Held. Its roll is decided at the close of {next_roll}, {rules.roll_after_days_held} days held."


def doubts(
    market: OptionMarket,
    table: IndicatorTable,
    row: int,
    layers: Sequence[LayerTarget],
    rules: RuleSet,
) -> tuple[str, ...]:
    """Inputs of a session that are missing or stand in for others, and prices that could not be observed."""
    found = []
    for name in SCORED:
        indicator = table[name]
        if indicator.state[row] == UNAVAILABLE:
            seen = indicator.observed_on[row]
            last = f": its last input is of {seen}" if str(seen) != "NaT" else ": no input"
            found.append(f"{name} is unavailable and does not score{last}.")
        elif indicator.substitute[row]:
            found.append(f"{name}: {indicator.substitute_label}.")
    if table["event_risk"].state[row] == UNKNOWN:
        found.append("event_risk is unknown: the schedules of FOMC, CPI and PPI do not reach far enough.")
    origin = int(market.vvix.origin[row])
    if origin == CARRIED:
        found.append("No VVIX at this close: its last close of up to five days ago prices the options.")
    elif origin == SUBSTITUTE:
        found.append("No VVIX: options are priced with a fit on the VIX and the 30-day VX, whose error is about 11%.")
    elif origin != PRIMARY:
        found.append("No VVIX and nothing to stand in: options have no price at this close.")
    packages = [package for layer in layers for package in (layer.held, layer.target) if package is not None]
    return (
        *found,
        *_measures(table, row, rules),
        *_settlements(market, layers),
        *_forwards(packages),
        *_quotes(market, row, [layer.held for layer in layers]),
    )


def _measures(table: IndicatorTable, row: int, rules: RuleSet) -> list[str]:
    """Measures that sizes or exits rest on, and that are not there: they change nothing then."""
    found = []
    scaled = [layer.id for layer in rules.layers if (layer.carry_cheap_factor, layer.carry_dear_factor) != (1.0, 1.0)]
    if scaled and table["carry"].state[row] == UNAVAILABLE:
        found.append(f"carry is unavailable: it does not scale entries of {', '.join(scaled)}.")
    closing = [layer.id for layer in rules.layers if layer.collapse is not None]
    missing = [name for name in ("variance_premium", "capm_premium") if table[name].state[row] == UNAVAILABLE]
    if closing and missing:
        found.append(f"{' and '.join(missing)} unavailable: no collapse of {', '.join(closing)} is seen by it.")
    return found


def _forwards(packages: Sequence[Package]) -> list[str]:
    """Futures of what is held or bought that should have a settlement and have none."""
    found = [
        f"No settlement of the VX of {package.expiry}: its price is taken {package.forward_basis} those there are, and "
        "the marks rest on it."
        for package in packages
        if package.forward_basis == "beyond" or (package.monthly and package.forward_basis == "between")
    ]
    return list(dict.fromkeys(found))


def _settlements(market: OptionMarket, layers: Sequence[LayerTarget]) -> list[str]:
    """Final settlements of the morning that were not published."""
    found = []
    for expiry in sorted({fill.expiry for layer in layers for fill in layer.fills if fill.action == "EXPIRY"}):
        value, origin = market.final_settlement(expiry)
        if origin == SUBSTITUTE:
            found.append(f"{expiry} settled at the open of the VIX, {value:g}: no final settlement is published.")
        elif origin == CARRIED:
            found.append(
                f"{expiry} settled at the close of the VIX before it, {value:g}: there is neither a final settlement "
                "nor an open."
            )
    return found


def _quotes(market: OptionMarket, row: int, held: Sequence[Package | None]) -> list[str]:
    """What a stored chain lacks."""
    stored = market.chain_standing(row)
    if stored is None:
        return []
    if stored != market.dates[row]:
        return [f"The newest stored option chain is of {stored}: prices are the model's."]
    lacking = [
        leg.instrument
        for package in held
        if package is not None
        for leg in package.legs
        if leg.strike is not None and leg.basis != OBSERVED
    ]
    if not lacking:
        return []
    return [f"Not quoted on both sides in the chain of this session, so priced by the model: {', '.join(lacking)}."]
