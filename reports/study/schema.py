"""The JSON Schema of an exported study (draft 2020-12), made from the dataclasses that say what a study is."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from reports.export.schema import DRAFT, shape
from signals.study.result import STUDY_VERSION, StudyResult

#: Names the shape of the documents and the methods behind them; a newer version has another.
SCHEMA_ID = f"urn:tailguard:study:{STUDY_VERSION}"

_ABOUT = (
    "What a study found. Shares and returns are decimals where the unit is `share`, volatilities and ratios of a year; "
    "null is a value that does not exist, and `why` says why. A version may gain members: do not refuse what you do "
    "not know."
)


@cache
def study_schema() -> bytes:
    """The schema of an exported study, as JSON."""
    shapes: dict[str, dict[str, Any]] = {}
    study = shape(StudyResult, shapes)
    study["properties"]["version"] |= {"const": STUDY_VERSION}
    schema = {
        "$schema": DRAFT,
        "$id": SCHEMA_ID,
        "title": "tailguard study",
        "description": _ABOUT,
        "type": "object",
        "properties": study["properties"],
        "required": study["required"],
        "$defs": dict(sorted(shapes.items())),
    }
    return f"{json.dumps(schema, indent=2)}\n".encode()
