"""What differs between two reports, part by part. Standard library only, as it reads what was stored.

Figures count as different where they differ in the digits that make a revision due, whatever was printed of them. Words
that are made from figures are left out: what changes them is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports.words import holding
from signals.alvh.history import instrument_of
from signals.alvh.report import HedgeSignal, LayerTarget
from signals.document import encode
from signals.veqtor.report import FINGERPRINT_DIGITS, Instruction, ReportInput, SignalReport

#: What one of two reports does not have.
ABSENT = "absent"

#: Parts of a report's document by the key they begin with; what is in none is a figure.
_IN_OTHER_PARTS = frozenset(
    {
        "session", "verdict", "target", "instruction", "inputs", "schema_version", "effective_session", "effective_at",
        "first_return_session", "rule_set", "rule_set_digest", "back_test", "health", "simulated", "levels_since",
        "calendar", "variants", "hedges", "flags", "approvals",
    }
)  # fmt: skip

#: Figures that the target names in words.
_IN_TARGET = ("regime.name", "trend.name", "stop_loss.active")

_PROVENANCE = (
    "rule_set", "rule_set_digest", "schema_version", "first_return_session", "effective_at", "back_test", "health",
    "simulated", "levels_since", "calendar",
)  # fmt: skip

_FOLLOWS_FROM_SESSION = ("first_return_session", "effective_at")

_WORDS = frozenset(
    {"changes", "reason", "state_reason", "remarks", "warnings", "doubts", "description", "remark", "verdict", "text"}
)

#: By which of its values an item of a list is told from the others.
_NAMES = ("contract", "name", "rule_set", "layer", "scenario", "label", "kind")

#: An amount in US dollars, or a count of contracts, below this is what subtracting leaves of nothing.
_NO_AMOUNT = 1e-4


@dataclass(frozen=True)
class Change:
    """One thing that two reports say otherwise: a text, a number, a yes or no, None, or `ABSENT`."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Part:
    """What differs in one part of two reports, and how much of it does not."""

    name: str
    changes: tuple[Change, ...]
    unchanged: int


def difference(first: SignalReport, second: SignalReport) -> tuple[Part, ...]:
    """What differs between two reports: of one session in two revisions, or of two sessions.

    The parts are, in this order, the target, the orders, the hedges, all other figures, the inputs, and what they rest
    on. Keys of orders and figures are those of the document that `report show --json` prints.
    """
    one, other = encode(first), encode(second)
    same_session = first.session == second.session
    return (
        _part("Target", _target(first), _target(second)),
        _part("Orders", _orders(one), _orders(other)),
        _part("Hedges", _hedges(first, second), _hedges(second, second)),
        _part("Figures", _figures(one), _figures(other)),
        _part("Inputs", *(_inputs(report, by_day=same_session) for report in (first, second))),
        _part("Provenance", *_provenance(first, second, one, other, same_session=same_session)),
    )


def asked_otherwise(first: SignalReport, second: SignalReport) -> tuple[Change, ...]:
    """What the second report asks its reader to do otherwise than the first."""
    return (
        *_part("Target", _asked(first), _asked(second)).changes,
        *_part("Orders", _contracts(first, second), _contracts(second, first)).changes,
        *_part("Hedges", _hedges(first, second, asked=True), _hedges(second, second, asked=True)).changes,
    )


def asked_in_words(first: SignalReport, second: SignalReport) -> str:
    """The same in one sentence, without a full stop."""
    told = (f"{change.key} {change.first} -> {change.second}" for change in asked_otherwise(first, second))
    return "; ".join(told) or "nothing it asks for, the target is the same"


def said(change: Change) -> tuple[str, str]:
    """Both values of a change as text, in enough digits to tell them apart."""
    texts = _said(change.key, change.first), _said(change.key, change.second)
    if texts[0] != texts[1]:
        return texts
    return _digits(change.first), _digits(change.second)


def _part(name: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Part:
    keys = {**second, **first}
    changed = [
        Change(key, first.get(key, ABSENT), second.get(key, ABSENT))
        for key in keys
        if key not in first or key not in second or not _same(key, first[key], second[key])
    ]
    return Part(name, tuple(changed), len(keys) - len(changed))


def _same(key: str, one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return _digits(one) == _digits(other) or (_is_amount(key) and max(abs(one), abs(other)) < _NO_AMOUNT)
    if isinstance(one, dict) and isinstance(other, dict):
        # An input is the same if its value is; a file that says the same is a matter of provenance.
        return _digits(one["value"]) == _digits(other["value"])
    return bool(one == other)


def _is_amount(key: str) -> bool:
    last = key.rpartition(".")[2]
    return last.endswith("_usd") or last == "contracts" or ".by_layer." in key


def _asked(report: SignalReport) -> dict[str, Any]:
    targets = {"target": holding(report.target, with_sign=False)}
    targets |= {
        f"target of {variant.name}": holding(variant.target, with_sign=variant.name == "veqtor-overlay") or "nothing"
        for variant in report.variants
        if variant.target
    }
    return targets | {"acts at the close of": report.effective_session.isoformat()}


def _contracts(report: SignalReport, other: SignalReport) -> dict[str, str]:
    """Whole VX contracts to hold and to trade, of what both reports have for the same notional."""
    return {
        f"{leg.contract}{whose}": f"{leg.target_rounded:d} ({leg.trade_rounded:+d})"
        for whose, order, its in _instructions(report, other)
        if its is not None and its.notional_usd == order.notional_usd
        for leg in order.legs
    }


def _instructions(report: SignalReport, other: SignalReport) -> Iterator[tuple[str, Instruction, Instruction | None]]:
    """The instructions of a report, each with whose it is and with that of another report."""
    yield "", report.instruction, other.instruction
    others = {variant.name: variant.instruction for variant in other.variants}
    for variant in report.variants:
        if variant.instruction is not None:
            yield f" of {variant.name}", variant.instruction, others.get(variant.name)


def _target(report: SignalReport) -> dict[str, Any]:
    return {
        "verdict": report.verdict,
        **_asked(report),
        "regime": report.regime.name,
        "trend": report.trend.name,
        "stop-loss": "on" if report.stop_loss.active else "off",
        "close decisions": ", ".join(flag.name for flag in report.flags) or "none",
    }


def _orders(document: dict[str, Any]) -> dict[str, Any]:
    found = dict(_flat("instruction", document["instruction"]))
    for variant in document["variants"]:
        found |= _flat(f"variants.{variant['name']}.instruction", variant["instruction"])
    return found


def _hedges(report: SignalReport, second: SignalReport, *, asked: bool = False) -> dict[str, Any]:
    """What the hedges ask for, in whole contracts for the notional of the second report; all of it, or orders only."""
    notional = {hedge.rule_set: hedge.notional_usd for hedge in second.hedges}
    found: dict[str, Any] = {}
    for hedge in report.hedges:
        found[hedge.rule_set] = f"no signal: {hedge.unavailable}" if hedge.unavailable else "a signal"
        if not asked:
            found[f"{hedge.rule_set} state"] = hedge.state
        for layer in hedge.layers:
            key = f"{hedge.rule_set} {layer.layer}"
            found[key] = _asked_of(layer, hedge, notional.get(hedge.rule_set, hedge.notional_usd))
    return found


def _asked_of(layer: LayerTarget, hedge: HedgeSignal, notional_usd: float) -> str:
    if layer.target is None:
        return f"{layer.action}, then nothing"
    whole = round(layer.target.contracts / hedge.notional_usd * notional_usd)
    return f"{layer.action}, then {whole} x {instrument_of(layer.target)}"


def _figures(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key not in _IN_OTHER_PARTS and key not in _WORDS:
            found |= _flat(key, value)
    for key in _IN_TARGET:
        del found[key]
    for variant in document["variants"]:
        rest = {key: value for key, value in variant.items() if key not in ("instruction", "target", "name")}
        found |= _flat(f"variants.{variant['name']}", rest)
    for hedge in document["hedges"]:
        rest = {key: value for key, value in hedge.items() if key not in (*_HEDGE_PROVENANCE, "state", "unavailable")}
        # What a layer does is what the hedge asks for.
        rest["layers"] = [{**layer, "action": None} for layer in hedge["layers"]]
        found |= _flat(f"hedges.{hedge['rule_set']}", rest)
    return found


#: What tells which hedge it is, and on which basis.
_HEDGE_PROVENANCE = ("rule_set", "version", "rule_set_digest", "notional_usd", "inception", "begins_late")


def _inputs(report: SignalReport, *, by_day: bool) -> dict[str, Any]:
    return {
        key: {
            "value": item.value,
            "day": item.day.isoformat(),
            "publisher": item.publisher,
            "payload": item.payload,
            "severity": item.severity,
        }
        for key, item in _keyed(report.inputs, by_day=by_day)
    }


def _keyed(inputs: Iterable[ReportInput], *, by_day: bool) -> Iterator[tuple[str, ReportInput]]:
    """Inputs with a key: what is of one day in two revisions, and what has one place in two sessions."""
    seen: dict[str, int] = {}
    for item in inputs:
        seen[item.label] = seen.get(item.label, 0) + 1
        place = item.label if seen[item.label] == 1 else f"{item.label} ({seen[item.label]})"
        yield f"{item.label} of {item.day}" if by_day else place, item


def _provenance(
    first: SignalReport,
    second: SignalReport,
    one: dict[str, Any],
    other: dict[str, Any],
    *,
    same_session: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What reports rest on; files are listed where they hold the same values."""
    found = [
        {key: document[key] for key in _PROVENANCE if same_session or key not in _FOLLOWS_FROM_SESSION}
        | {
            f"hedges.{hedge['rule_set']}.{key}": hedge[key]
            for hedge in document["hedges"]
            for key in _HEDGE_PROVENANCE[1:]
        }
        | dict(_flat("approvals", document.get("approvals") or []))
        for document in (one, other)
    ]
    inputs = [_inputs(report, by_day=same_session) for report in (first, second)]
    for key in inputs[0].keys() & inputs[1].keys():
        if _same(key, inputs[0][key], inputs[1][key]):
            for document, values in zip(found, inputs, strict=True):
                document[f"file of {key}"] = _file(values[key])
    return found[0], found[1]


def _file(item: Mapping[str, Any]) -> str:
    return f"{item['publisher']} {(item['payload'] or 'none')[:8]}"


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values of a document, each with its whole key; without words."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in _WORDS:
                yield from _flat(f"{key}.{name}", item)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        names = [next((str(item[name]) for name in _NAMES if name in item), "") for item in value]
        for number, (name, item) in enumerate(zip(names, value, strict=True)):
            yield from _flat(f"{key}.{name if name and names.count(name) == 1 else f'{name}{number}'}", item)
    elif isinstance(value, list):
        yield key, ", ".join(map(str, value)) or None
    else:
        yield key, value


def _said(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{_digits(value['value'])} ({value['day']}, {_file(value)}, {value['severity']})"
    if isinstance(value, float) and _is_amount(key) and abs(value) >= 1.0:
        return f"{value:,.2f}"
    return _digits(value)


def _digits(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{FINGERPRINT_DIGITS}g}"
    return "none" if value is None else str(value)
