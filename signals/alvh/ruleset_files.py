"""Rule sets from TOML: the shipped ones by name, and a user's own from its text. Standard library only.

Everything is checked here, so that the rest can rely on a `RuleSet`: names of keys, types, ranges, and values that
contradict each other. The first thing that is wrong is one `ConfigurationError` that names the key.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
import types
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal, NoReturn, Union, get_args, get_origin

from signals.alvh.keys import NONE, Key, keys_of, literal
from signals.alvh.rules import INSTRUMENT_LEGS, SHIPPED, Layer, RuleSet
from signals.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_LAYER = re.compile(r"l[1-9]")

#: Also keeps out what is no number at all.
_LARGEST = 1e300

#: Key, what was expected of it, what it has.
Problem = tuple[str, str, str]


@cache
def shipped_rule_set(name: str) -> RuleSet:
    """One of the rule sets that ship.

    Raises
    ------
    ConfigurationError
        When none has that name.
    """
    if name not in SHIPPED:
        near = get_close_matches(name, SHIPPED, 1)
        raise ConfigurationError(
            f"rule set {name}",
            expected=f"one of {', '.join(SHIPPED)}, or a file",
            got="neither",
            do=f"Did you mean {near[0]}?" if near else "`tailguard rules list` shows those that ship.",
        )
    text = files("signals.alvh").joinpath("rule_sets", f"{name}.toml").read_text(encoding="utf-8")
    return parse_rule_set(text, f"{name}.toml")


def parse_rule_set(text: str, origin: str) -> RuleSet:
    """A rule set from the text of its file.

    Parameters
    ----------
    text : str
        TOML.
    origin : str
        Name of the file, for errors.

    Raises
    ------
    ConfigurationError
        When it is no TOML, a key is unknown or missing, or a value is of a wrong type, out of range or contradicts
        another one. It is about ``rule set FILE, key layers.l2.long_delta``.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"rule set {origin}",
            expected="TOML",
            got=str(error)[:1].lower() + str(error)[1:],
            do="Start from `tailguard rules show alvh-seed`.",
        ) from error
    reader = _Reader(origin)
    found: RuleSet = reader.table(RuleSet, document, "")
    for key, expected, got in contradictions(found):
        reader.refuse(key, expected, got)
    return found


class _Reader:
    """From plain tables to dataclasses, by their annotations."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def refuse(self, key: str, expected: str, got: str, do: str = "Correct it.") -> NoReturn:
        raise ConfigurationError(f"rule set {self._origin}, key {key}", expected=expected, got=got, do=do)

    def table(self, kind: type, document: Any, path: str, **given: Any) -> Any:
        if not isinstance(document, dict):
            self.refuse(path.rstrip("."), "a table of keys", _shown(document))
        known = {item.name: item for item in keys_of(kind)}
        for name in document:
            if name not in known:
                near = get_close_matches(name, known, 1)
                like = f", such as {near[0]}" if near else f": {', '.join(known)}"
                self.refuse(f"{path}{name}", f"a known key{like}", "an unknown one", "Correct its name, or remove it.")
        values = dict(given)
        for name, item in known.items():
            if name in document:
                # What may be left out is left out, and not "none".
                expected_kind = _required(item.kind) if item.optional else item.kind
                values[name] = self.value(expected_kind, item.key, document[name], f"{path}{name}")
            elif not item.optional:
                expected = f"{_range(item.kind, item.key)} ({item.key.meaning})"
                self.refuse(f"{path}{name}", expected, "no such key", "Add it.")
        return kind(**values)

    def value(self, kind: Any, key: Key, value: Any, path: str) -> Any:
        wanted, needed = _range(kind, key), _required(kind)
        if needed is not kind and value == NONE:
            return None
        if hasattr(needed, "__dataclass_fields__"):
            return self.table(needed, value, f"{path}.")
        if needed == tuple[Layer, ...]:
            return self.layers(value, path)
        if get_origin(needed) is tuple:
            if not isinstance(value, list) or not _inside(len(value), key):
                self.refuse(path, wanted, _shown(value))
            (kind_of_items, _) = get_args(needed)
            # The range of a list is that of its length.
            one = Key(key.meaning)
            return tuple(self.value(kind_of_items, one, item, f"{path}[{place}]") for place, item in enumerate(value))
        if not _fits(needed, key, value):
            self.refuse(path, wanted, _shown(value))
        return needed(value) if needed in (int, float) else value

    def layers(self, value: Any, path: str) -> tuple[Layer, ...]:
        if not isinstance(value, dict) or not value:
            self.refuse(path, "tables layers.l1 to layers.l9", _shown(value))
        for name in value:
            if not _LAYER.fullmatch(name):
                self.refuse(f"{path}.{name}", "a layer named l1 to l9", literal(name), "Rename it.")
        return tuple(self.table(Layer, value[name], f"{path}.{name}.", id=name) for name in sorted(value))


def _required(kind: Any) -> Any:
    """A type without its None."""
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    (needed,) = (option for option in get_args(kind) if option is not type(None))
    return needed


def _fits(kind: Any, key: Key, value: Any) -> bool:
    """Whether a plain value has the type and the range of its key; a whole number may be spelled 14.0."""
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if kind in (int, float):
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
        return number and bool(kind(value) == value) and _inside(value, key)
    # A date with a time is a date to Python.
    return type(value) is kind and (kind is not str or (value.isprintable() and _inside(len(value), key)))


def _inside(value: float, key: Key) -> bool:
    return (key.low is None or value >= key.low) and (key.high is None or value <= key.high)


def _range(kind: Any, key: Key) -> str:
    """What a key takes, in words."""
    if (needed := _required(kind)) is not kind:
        return f'{_range(needed, key)}, or "{NONE}"'
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(literal, get_args(kind)))}"
    bounds = "" if key.low is None else f"{key.low:g} to {key.high:g}"
    between, counted = (f" {word} {bounds}" if bounds else "" for word in ("from", "of"))
    named = {int: f"a whole number{between}", float: f"a number{between}", bool: "true or false"}
    named |= {str: f"text{counted} characters" if counted else "text", dt.date: "a date such as 2006-03-31"}
    if kind in named:
        return named[kind]
    return f"a list{counted} values" if kind is tuple or get_origin(kind) is tuple else "a table"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    try:
        shown = literal(value)
    except TypeError:
        shown = str(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def contradictions(rules: RuleSet) -> Iterator[Problem]:
    """Values that are allowed alone and not together: key, what was expected of it, what it has."""
    if not _NAME.fullmatch(rules.name):
        yield "name", "small letters, digits and hyphens, a letter first", literal(rules.name)
    for layer in rules.layers:
        for key, expected, got in _of_layer(layer, rules.sizing.ladder_premium):
            yield f"layers.{layer.id}.{key}", expected, got
    for shorter, longer in pairwise(rules.layers):
        if longer.days_target < shorter.days_target:
            expected = f"at least {shorter.days_target}, as layers go by days to expiry"
            yield f"layers.{longer.id}.days_target", expected, str(longer.days_target)
    yield from _of_sizes(rules)
    yield from _of_indicators(rules)
    yield from _of_state(rules)
    budget, gate = rules.budget, rules.price_gate
    if budget.alarm is not None and budget.stop is not None and budget.stop < budget.alarm:
        yield "budget.stop", f"at least the alarm, {budget.alarm:g}", f"{budget.stop:g}"
    if any(later <= earlier for earlier, later in pairwise((0.0, *gate.edges))):
        yield "price_gate.edges", "ascending prices above 0", literal(list(gate.edges))
    if len(gate.factors) != len(gate.edges) + 1:
        yield "price_gate.factors", f"{len(gate.edges) + 1} factors, one more than edges", literal(list(gate.factors))
    if any(not 0.0 <= factor <= 3.0 for factor in gate.factors):
        yield "price_gate.factors", "numbers from 0 to 3", literal(list(gate.factors))
    if rules.recycling.share > 0.0 and not any(layer.monetise for layer in rules.layers):
        yield "recycling.share", "0 where no layer is sold early", f"{rules.recycling.share:g}"


def _of_layer(layer: Layer, ladder_premium: float | None) -> Iterator[Problem]:
    wanted = {key for _, key in INSTRUMENT_LEGS[layer.instrument]}
    strike_keys = {key for legs in INSTRUMENT_LEGS.values() for _, key in legs}
    for key in sorted(strike_keys):
        value = getattr(layer, key)
        if key in wanted and value is None:
            yield key, f"a number, as a {layer.instrument} has this strike", "no such key"
        if key not in wanted and value is not None:
            yield key, f"no such key, as a {layer.instrument} has no such strike", f"{value:g}"
    if layer.long_delta and layer.short_delta and layer.short_delta >= layer.long_delta:
        yield (
            "short_delta",
            f"less than long_delta, {layer.long_delta:g}: sold above the one bought",
            (f"{layer.short_delta:g}"),
        )
    strikes = [("lower_moneyness", layer.lower_moneyness), ("middle_moneyness", layer.middle_moneyness)]
    strikes += [("upper_moneyness", layer.upper_moneyness)]
    for (below, low), (above, high) in pairwise(strikes):
        if low is not None and high is not None and high <= low:
            yield above, f"more than {below}, {low:g}", f"{high:g}"
    if layer.days_target < layer.days_min:
        yield "days_target", f"at least days_min, {layer.days_min}", str(layer.days_target)
    if layer.days_max is not None and layer.days_max < layer.days_target:
        yield "days_max", f"at least days_target, {layer.days_target}", str(layer.days_max)
    to_expiry, held = layer.roll_at_days_to_expiry, layer.roll_after_days_held
    if to_expiry is not None and to_expiry >= layer.days_min:
        yield "roll_at_days_to_expiry", f"less than days_min, {layer.days_min}", str(to_expiry)
    if held is not None and held > layer.days_target:
        yield "roll_after_days_held", f"at most days_target, {layer.days_target}", str(held)
    if held is not None and to_expiry is not None:
        yield "roll_after_days_held", f'"{NONE}" beside roll_at_days_to_expiry', str(held)
    sized = {"premium": layer.premium, "ladder_contracts": layer.ladder_contracts}
    need, spare = ("premium", "ladder_contracts") if ladder_premium is None else ("ladder_contracts", "premium")
    if sized[need] is None:
        yield need, f"a number where sizing.ladder_premium is {_or_none(ladder_premium)}", literal(NONE)
    if sized[spare] is not None:
        yield spare, f'"{NONE}" where sizing.ladder_premium is {_or_none(ladder_premium)}', f"{sized[spare]:g}"
    multiples = [sale.multiple for sale in layer.monetise]
    if any(later <= earlier for earlier, later in pairwise(multiples)):
        yield "monetise", "ascending multiples", ", ".join(f"{value:g}" for value in multiples)
    if math.fsum(sale.fraction for sale in layer.monetise) > 1.0 + 1e-12:
        total = math.fsum(sale.fraction for sale in layer.monetise)
        yield "monetise", "fractions of at most 1 together", f"{total:g}"


def _of_sizes(rules: RuleSet) -> Iterator[Problem]:
    """Purchases that come to more than there is to spend, were everything that scales them at its largest."""
    largest = rules.state.multipliers.expanded if rules.state.sizes_entries else 1.0
    scaled = [
        (layer.premium or 0.0) * max(1.0, layer.carry_cheap_factor, layer.carry_dear_factor) for layer in rules.layers
    ]
    total = largest * math.fsum([*scaled, rules.sizing.ladder_premium or 0.0])
    if total > 1.0:
        yield (
            "state.multipliers.expanded",
            "purchases of at most the whole base, all at their largest",
            f"{total:.3g} of it",
        )


def _or_none(value: float | None) -> str:
    return literal(NONE) if value is None else f"{value:g}"


def _of_indicators(rules: RuleSet) -> Iterator[Problem]:
    found = rules.indicators
    for name in ("vix_rsi", "curve_inversion", "reer_shift"):
        one = getattr(found, name)
        if one.off_below > one.on_at:
            yield f"indicators.{name}.off_below", f"at most on_at, {one.on_at:g}", f"{one.off_below:g}"
    ratio, breadth, carry, windows = found.liquidity_quick_ratio, found.breadth_macd, found.carry, found.windows
    if ratio.off_above < ratio.on_at:
        expected = f"at least on_at, {ratio.on_at:g}"
        yield "indicators.liquidity_quick_ratio.off_above", expected, f"{ratio.off_above:g}"
    for key, low, high in (
        ("liquidity_quick_ratio.long_sessions", ratio.short_sessions, ratio.long_sessions),
        ("breadth_macd.slow", breadth.fast, breadth.slow),
        ("windows.correlation_long", windows.correlation_short, windows.correlation_long),
        ("carry.dear_percentile", carry.cheap_percentile, carry.dear_percentile),
    ):
        if high <= low:
            yield f"indicators.{key}", f"more than {low:g}, the smaller one", f"{high:g}"


def _of_state(rules: RuleSet) -> Iterator[Problem]:
    state = rules.state
    limits = state.thresholds
    steps = [("guarded", limits.guarded), ("active", limits.active), ("expanded", limits.expanded)]
    for (_, low), (name, high) in pairwise([("", 0.0), *steps]):
        if high <= low:
            yield f"state.thresholds.{name}", f"more than {low:g}, the state below", f"{high:g}"
    if limits.expanded > state.scale:
        yield "state.thresholds.expanded", f"at most the scale, {state.scale:g}", f"{limits.expanded:g}"
    sizes = state.multipliers
    factors = [("dormant", sizes.dormant), ("guarded", sizes.guarded)]
    factors += [("active", sizes.active), ("expanded", sizes.expanded)]
    for (_, low), (name, high) in pairwise(factors):
        if high < low:
            yield f"state.multipliers.{name}", f"at least {low:g}, that of the state below", f"{high:g}"
    if not any(getattr(state.weights, item.name) for item in keys_of(type(state.weights))):
        yield "state.weights", "a weight above 0", "none"
