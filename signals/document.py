"""Frozen dataclasses to plain documents and back.

A document holds only what JSON can: dates become ISO strings, tuples become lists. `decode` rebuilds the dataclass from
the annotations. Standard library only.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

#: Types whose values are documents already.
_PLAIN = frozenset({str, float, int, bool, type(None)})


def encode(value: Any) -> Any:
    """A document of a dataclass, or of anything a dataclass holds."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [item if type(item) in _PLAIN else encode(item) for item in value]
    if kind is dict:
        return {key: encode(item) for key, item in value.items()}
    if names := _names(kind):
        found = [(name, getattr(value, name)) for name in names]
        return {name: item if type(item) in _PLAIN else encode(item) for name, item in found}
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def decode(kind: type[T], document: Any) -> T:
    """The dataclass that `encode` made `document` from; a field the document does not have yet gets its default."""
    return cast("T", _decode(kind, document))


def document_hash(document: dict[str, Any]) -> str:
    """SHA-256 of a document, 64 hexadecimal digits; the order of its keys does not matter."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _decode(kind: Any, document: Any) -> Any:
    if kind in _PLAIN:
        return document
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if document is None:
            return None
        (kind,) = (option for option in get_args(kind) if option is not type(None))
        return _decode(kind, document)
    if origin is tuple:
        return tuple(_decode(get_args(kind)[0], item) for item in document)
    if origin is dict:
        return {key: _decode(get_args(kind)[1], item) for key, item in document.items()}
    if is_dataclass(kind):
        make: Any = kind
        hints = _hints(make)
        return make(**{name: _decode(hints[name], document[name]) for name in _names(make) if name in document})
    if kind in (dt.date, dt.datetime):
        return kind.fromisoformat(document)
    return document


@cache
def _names(kind: type) -> tuple[str, ...]:
    """Names of the fields of a dataclass; none of another type."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
