"""The JSON Schema of an exported report (draft 2020-12), made from the dataclasses that say what a report is.

Types, formats and what may be null come from annotations, descriptions from docstrings, units from names: amounts end
with ``_usd``. A field with a default was added later: a document of an older version may lack it.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
import re
import types
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from reports.export.documents import PROVENANCE
from signals.alvh.report import BudgetUse, Fill, HedgeSignal, LayerTarget, Leg, Package, Reading
from signals.approvals import Approval
from signals.veqtor.report import (
    SCHEMA_VERSION,
    Flag,
    Regime,
    ReportInput,
    SignalReport,
    Trend,
    VariantSignal,
    Weights,
)
from signals.veqtor.rules import VEQTOR

#: Names the shape of the documents; a newer version has another.
SCHEMA_ID = f"urn:tailguard:report:{SCHEMA_VERSION}"

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ABOUT = (
    "What a report says of one session, and which report it is. Weights, returns and shares are decimals, volatilities "
    "annualised decimals; VIX, VX, prices and strikes are in points, index levels in index points, amounts in US "
    "dollars. Null is a value that does not exist. A version may gain members: do not refuse what you do not know."
)

_SEVERITIES = ("OK", "NOTE", "DEGRADED")
_HEDGE_STATES = ("DORMANT", "GUARDED", "ACTIVE", "EXPANDED")
_BASES = ("observed", "model", "settlement", "mixed")
_INSTRUMENTS = ("call", "call-spread", "butterfly", "future", "vxx-call")

#: Words a field is one of, where the code has a closed list of them.
WORDS: dict[tuple[type, str], tuple[str, ...]] = {
    (SignalReport, "health"): _SEVERITIES,
    (ReportInput, "severity"): _SEVERITIES,
    (Regime, "name"): tuple(VEQTOR.regime_name(number) for number in range(len(VEQTOR.regime_edges) + 1)),
    (Trend, "name"): ("downtrend", "no trend", "uptrend"),
    (Flag, "name"): ("THRESHOLD", "RATE", "BOUNDARY"),
    (LayerTarget, "action"): ("HOLD", "OPEN", "ROLL", "MONETISE", "CLOSE", "ADJUST", "NONE"),
    (LayerTarget, "state"): _HEDGE_STATES,
    (HedgeSignal, "state"): ("", *_HEDGE_STATES),
    (Package, "instrument"): _INSTRUMENTS,
    (Package, "forward_basis"): ("settled", "between", "beyond", "index"),
    (Package, "basis"): _BASES,
    (Leg, "basis"): _BASES,
    (Fill, "action"): ("BUY", "SELL", "EXPIRY"),
    (Fill, "instrument"): _INSTRUMENTS,
    (Fill, "basis"): _BASES,
    (BudgetUse, "standing"): ("within", "alarm", "stop"),
    (Reading, "state"): ("on", "off", "unavailable", "unknown", "shown", "cheap", "fair", "dear"),
}

#: The beginning of a hash.
_DIGEST = {"pattern": "^[0-9a-f]{8,64}$"}
_VARIANT_WEIGHTS = "VariantWeights"
_SHARE = {"minimum": 0, "maximum": 1}

#: What a field must be beside its type.
_LIMITS: dict[tuple[type, str], dict[str, Any]] = {
    **{(kind, "rule_set_digest"): _DIGEST for kind in (SignalReport, VariantSignal, HedgeSignal, Approval)},
    (ReportInput, "payload"): _DIGEST,
    **{(Weights, field.name): _SHARE for field in fields(Weights)},
}

#: Members that every document of the present version has, and those of older ones may lack.
PRESENT = ("hedges", "macro", "approvals")

_PROVENANCE: dict[str, dict[str, Any]] = {
    "revision": {
        "type": "integer",
        "minimum": 1,
        "description": "Of the report of this session; a later one supersedes it.",
    },
    "emitted_at": {"type": "string", "format": "date-time", "description": "When it was stored, UTC."},
    "fingerprint": {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "Hash of every decision, target and figure: two reports with the same one say the same.",
    },
    "document_sha256": {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 of the document without revision, emitted_at, fingerprint and document_sha256, written "
        "as Python's json.dumps(document, sort_keys=True) does.",
    },
}

_PLAIN: dict[Any, dict[str, Any]] = {
    object: {},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    dt.date: {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    dt.datetime: {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"},
}


@cache
def report_schema() -> bytes:
    """The schema of an exported report, as JSON."""
    shapes: dict[str, dict[str, Any]] = {}
    report = shape(SignalReport, shapes)
    _let_overlays_be_negative(shapes)
    report["properties"]["schema_version"] |= {
        "minimum": 1,
        "maximum": SCHEMA_VERSION,
        "description": "Of the shape of the document.",
    }
    schema = {
        "$schema": DRAFT,
        "$id": SCHEMA_ID,
        "title": "tailguard signal report",
        "description": _ABOUT,
        "type": "object",
        "properties": report["properties"] | {name: _PROVENANCE[name] for name in PROVENANCE},
        "required": [*report["required"], *PROVENANCE],
        "if": {"properties": {"schema_version": {"const": SCHEMA_VERSION}}},
        "then": {"required": list(PRESENT)},
        "$defs": dict(sorted(shapes.items())),
    }
    return f"{json.dumps(schema, indent=2)}\n".encode()


def _let_overlays_be_negative(shapes: dict[str, dict[str, Any]]) -> None:
    """An overlay's weights are what it adds: they are a shape of their own."""
    shares = {name: {**said, "minimum": -1} for name, said in shapes[Weights.__name__]["properties"].items()}
    shapes[_VARIANT_WEIGHTS] = {**shapes[Weights.__name__], "properties": shares}
    for said in shapes[VariantSignal.__name__]["properties"].values():
        for option in said.get("anyOf", ()):
            if option.get("$ref") == f"#/$defs/{Weights.__name__}":
                option["$ref"] = f"#/$defs/{_VARIANT_WEIGHTS}"


def shape(kind: type, shapes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The schema of a dataclass; those it holds are added to `shapes`."""
    make: Any = kind
    hints, texts = get_type_hints(make), _described(kind)
    found = {}
    for field in fields(make):
        said = _typed(hints[field.name], WORDS.get((kind, field.name)), shapes) | _LIMITS.get((kind, field.name), {})
        if text := " ".join([*texts.get(field.name, ()), *(["US dollars."] if field.name.endswith("_usd") else [])]):
            said = {**said, "description": text}
        found[field.name] = said
    return {
        "description": _summary(kind),
        "type": "object",
        "properties": found,
        "required": [field.name for field in fields(make) if _required(field)],
    }


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _typed(hint: Any, words: tuple[str, ...] | None, shapes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    origin, inside = get_origin(hint), get_args(hint)
    if words:
        return {"enum": list(words)}
    if origin in (Union, types.UnionType):
        (one,) = (option for option in inside if option is not type(None))
        said = _typed(one, None, shapes)
        if "type" in said:
            return {**said, "type": [said["type"], "null"]}
        return {"anyOf": [said, {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _typed(inside[0], None, shapes)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _typed(inside[1], None, shapes)}
    if is_dataclass(hint):
        make: Any = hint
        if make.__name__ not in shapes:
            shapes[make.__name__] = {}
            shapes[make.__name__] = shape(make, shapes)
        return {"$ref": f"#/$defs/{make.__name__}"}
    return dict(_PLAIN[hint])


def _summary(kind: type) -> str:
    """What comes before the sections of a docstring."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("\n\nAttributes\n")[0]
    return " ".join(text.replace("`", "").split())


def _described(kind: type) -> dict[str, list[str]]:
    """What the section Attributes of a docstring says of each field."""
    section = inspect.cleandoc(kind.__doc__ or "").partition("\n\nAttributes\n")[2]
    texts: dict[str, list[str]] = {}
    names: list[str] = []
    for line in section.splitlines()[1:]:
        if line and not line.startswith(" "):
            names = re.findall(r"[a-z]\w*", line.partition(" : ")[0])
        elif line.strip():
            for name in names:
                texts.setdefault(name, []).append(line.strip().replace("`", ""))
    return texts
