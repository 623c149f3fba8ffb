"""The published schema says what reports are, and refuses what they are not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reports.export.documents import PROVENANCE, exported, json_array, json_lines
from reports.export.schema import PRESENT, SCHEMA_ID, WORDS, report_schema
from signals.alvh.book import BUY, EXPIRY, SELL
from signals.alvh.indicator_table import STATE_NAMES
from signals.alvh.market import FORWARD_BASIS
from signals.alvh.report import (
    ADJUST,
    CLOSE,
    HOLD,
    MIXED,
    MODEL,
    MONETISE,
    NONE,
    OBSERVED,
    OPEN,
    ROLL,
    SETTLEMENT,
    Fill,
    HedgeSignal,
    LayerTarget,
    Leg,
    Package,
    Reading,
)
from signals.alvh.rules import BUTTERFLY, CALL, CALL_SPREAD, FUTURE, VXX_CALL
from signals.alvh.state import HEDGE_STATES
from signals.document import document_hash
from signals.provenance import DEGRADED, NOTE, OK
from signals.veqtor.indicators import TREND_NAMES
from signals.veqtor.report import SCHEMA_VERSION, Regime, ReportInput, SignalReport, Trend
from tests.conftest import ROOT
from tests.reports import stored

pytestmark = pytest.mark.server

Place = tuple[str | int, ...]

#: Later members of a report, which an earlier version of its document lacks.
ADDED = {"simulated", "levels_since", "variants", "calendar", "events", "hedges", "macro", "approvals"}


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(report_schema()), format_checker=Draft202012Validator.FORMAT_CHECKER)


@cache
def document() -> dict[str, Any]:
    return exported(stored.stored(stored.report()))


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Where a document has a value, however deep."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*above, key)
        if isinstance(item, dict | list):
            yield from places(item, (*above, key))


def at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def shape_of(place: Place) -> dict[str, Any]:
    """The schema of what a document has at a place."""
    whole = shape = json.loads(report_schema())
    for key in place:
        inside = shape["items"] if isinstance(key, int) else (shape.get("properties") or {}).get(key)
        shape = inside if inside is not None else shape["additionalProperties"]
        (shape,) = [option for option in shape.get("anyOf", [shape]) if option.get("type") != "null"]
        shape = whole["$defs"][shape["$ref"].rpartition("/")[2]] if "$ref" in shape else shape
    return shape


PLACES = st.sampled_from(list(places(document())))
mutations = settings(max_examples=40, deadline=None)


def test_the_published_file_is_the_schema() -> None:
    published = Path(ROOT / "docs" / "report.schema.json")
    assert published.read_bytes() == report_schema(), "tailguard report schema > docs/report.schema.json"


def test_the_schema_is_one_and_its_name_has_the_version() -> None:
    schema = json.loads(report_schema())
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == SCHEMA_ID == f"urn:tailguard:report:{SCHEMA_VERSION}"
    assert set(PROVENANCE) <= set(schema["required"])
    assert schema["properties"]["earned"] == {
        "$ref": "#/$defs/Weights",
        "description": "Earned the return into this session; set at its close; decided at its close.",
    }
    assert schema["$defs"]["Fill"]["properties"]["paid_usd"] == {"type": "number", "description": "US dollars."}


def test_a_report_with_every_part_is_as_the_schema_says() -> None:
    validator().validate(document())
    hedge = document()["hedges"][0]
    assert hedge["layers"][0]["held"] is None
    assert document()["variants"][0]["target"] is None


def test_a_document_of_an_earlier_version_is_too() -> None:
    old = {name: value for name, value in document().items() if name not in ADDED} | {"schema_version": 1}
    validator().validate(old)
    assert not validator().is_valid(old | {"schema_version": SCHEMA_VERSION + 1})


@mutations
@given(PLACES)
def test_a_document_without_a_member_it_must_have_is_refused(place: Place) -> None:
    *above, name = place
    shape = shape_of(tuple(above))
    assume(isinstance(name, str) and "required" in shape)
    changed = copy.deepcopy(document())
    del at(changed, tuple(above))[name]
    assert validator().is_valid(changed) == (name not in [*shape["required"], *(PRESENT if not above else ())])


@mutations
@given(PLACES)
def test_a_value_of_another_type_is_refused(place: Place) -> None:
    *above, name = place
    changed = copy.deepcopy(document())
    value = at(changed, place)
    at(changed, tuple(above))[name] = ["?"] if isinstance(value, dict) else {} if isinstance(value, list) else [value]
    assert not validator().is_valid(changed)


@mutations
@given(st.sampled_from([place for place in places(document()) if "enum" in shape_of(place)]))
def test_an_unknown_word_is_refused_where_words_are_a_closed_list(place: Place) -> None:
    *above, name = place
    changed = copy.deepcopy(document())
    at(changed, tuple(above))[name] = "SOMETHING"
    assert not validator().is_valid(changed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session", "2006-02-30"), ("session", "3 April 2006"), ("effective_at", "at the close"), ("revision", 0),
        ("revision", 1.5), ("emitted_at", "yesterday"), ("fingerprint", "?"), ("schema_version", 0),
        ("rule_set_digest", "veqtor"), ("target", {"equity": 1.5, "volatility": 0.0, "cash": -0.5}),
    ],
)  # fmt: skip
def test_a_value_of_another_form_is_refused(name: str, value: Any) -> None:
    assert not validator().is_valid(document() | {name: value})


def test_an_overlay_may_add_less_than_nothing_and_the_strategy_may_not() -> None:
    adds = {"equity": -0.025, "volatility": 0.025, "cash": 0.0}
    variant = next(item for item in document()["variants"] if item["target"])
    assert validator().is_valid(document() | {"variants": [variant | {"target": adds}]})
    assert not validator().is_valid(document() | {"variants": [variant | {"target": adds | {"equity": -1.1}}]})
    assert not validator().is_valid(document() | {"target": adds})


def test_the_hash_is_that_of_the_document_alone() -> None:
    alone = {name: value for name, value in document().items() if name not in PROVENANCE}
    assert document()["document_sha256"] == document_hash(alone)


def test_an_array_and_lines_hold_the_same_documents() -> None:
    said = replace(stored.report(), verdict="\ud800 é")
    found = [stored.stored(said, revision) for revision in (1, 2)]
    lines = b"".join(json_lines(found)).decode().splitlines()
    assert [json.loads(line) for line in lines] == json.loads(b"".join(json_array(found)))
    assert json.loads(lines[1])["revision"] == 2
    assert json.loads(b"".join(json_array([]))) == []


def test_closed_lists_are_those_of_the_code() -> None:
    assert WORDS[SignalReport, "health"] == WORDS[ReportInput, "severity"] == (OK, NOTE, DEGRADED)
    assert set(WORDS[Trend, "name"]) == set(TREND_NAMES.values())
    assert WORDS[LayerTarget, "action"] == (HOLD, OPEN, ROLL, MONETISE, CLOSE, ADJUST, NONE)
    assert set(WORDS[LayerTarget, "state"]) == set(HEDGE_STATES) == set(WORDS[HedgeSignal, "state"]) - {""}
    assert set(WORDS[Package, "instrument"]) == {CALL, CALL_SPREAD, BUTTERFLY, FUTURE, VXX_CALL}
    assert set(WORDS[Package, "forward_basis"]) == set(FORWARD_BASIS.values())
    assert WORDS[Package, "basis"] == WORDS[Leg, "basis"] == (OBSERVED, MODEL, SETTLEMENT, MIXED)
    assert WORDS[Regime, "name"][::4] == ("below 10%", "45% or more")
    assert WORDS[Fill, "action"] == (BUY, SELL, EXPIRY)
    assert set(WORDS[Reading, "state"]) == set(STATE_NAMES.values())
