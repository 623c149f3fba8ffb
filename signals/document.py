"""Frozen dataclasses to plain documents and back.

A document holds only what JSON can: dates become ISO strings, tuples become lists. `decode` rebuilds the dataclass from
the annotations. Standard library only.
"""

from __future__ import annotations

import datetime as dt
import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> Any:
    """A document of a dataclass, or of anything a dataclass holds."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: encode(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def decode(kind: type[T], document: Any) -> T:
    """The dataclass that `encode` made `document` from; a field the document does not have yet gets its default."""
    return cast("T", _decode(kind, document))


def _decode(kind: Any, document: Any) -> Any:
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
    return tuple(field.name for field in fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
