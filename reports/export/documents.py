"""A stored report as the document that others read: what it says, and which report it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from signals.document import document_hash
from storage.reports import StoredReport

#: Members that say which report a document is; every other member is what the report says.
PROVENANCE = ("revision", "emitted_at", "fingerprint", "document_sha256")


def exported(stored: StoredReport) -> dict[str, Any]:
    """The document of a report with its provenance; `docs/report.schema.json` describes it.

    `document_sha256` is the hash of the document without provenance, its keys sorted, as `json.dumps` of Python writes
    it: two reports with the same one are the same to the last digit and word.
    """
    document: dict[str, Any] = json.loads(stored.document)
    return document | _provenance(stored, document)


def exported_text(stored: StoredReport) -> str:
    """The same as JSON, digit for digit what was stored."""
    provenance = json.dumps(_provenance(stored, json.loads(stored.document)))
    return f"{stored.document.rstrip().removesuffix('}')}, {provenance[1:]}"


def _provenance(stored: StoredReport, document: dict[str, Any]) -> dict[str, Any]:
    return {
        "revision": stored.revision,
        "emitted_at": stored.emitted_at.isoformat(),
        "fingerprint": stored.fingerprint,
        "document_sha256": document_hash(document),
    }


def json_lines(reports: Iterable[StoredReport]) -> Iterator[bytes]:
    """A document a line."""
    for stored in reports:
        yield f"{_dumped(stored)}\n".encode()


def json_array(reports: Iterable[StoredReport]) -> Iterator[bytes]:
    """One array, a document a line."""
    between = b"["
    for stored in reports:
        yield between + b"\n" + _dumped(stored).encode()
        between = b","
    yield b"\n]\n" if between == b"," else b"[]\n"


def _dumped(stored: StoredReport) -> str:
    # Not a number is none of JSON's values, and none of a report's.
    return json.dumps(exported(stored), allow_nan=False)
