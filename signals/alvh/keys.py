"""Keys of a rule set, and rule sets as text: canonical content, what its hash covers, TOML with a comment per key.

What is said here holds for any frozen dataclass whose fields are annotated with a `Key`. Standard library only.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, get_type_hints

#: How a key without a value is written.
NONE = "none"

_COMMENT_COLUMN = 32
_WIDTH = 80


@dataclass(frozen=True)
class Key:
    """What a key of a rule set means.

    Attributes
    ----------
    meaning : str
        With its unit.
    low, high : float or None
        Smallest and largest allowed value; of text and lists, their length.
    decides : bool
        Whether a number depends on it. Text for people does not, and is left out of the content hash.
    """

    meaning: str
    low: float | None = None
    high: float | None = None
    decides: bool = True


@dataclass(frozen=True)
class KeyField:
    """A key as its dataclass declares it: the type without the annotation, and whether it may be left out."""

    name: str
    kind: Any
    key: Key
    optional: bool


def keys_of(kind: Any) -> tuple[KeyField, ...]:
    """The keys of a table, in the order in which they are written."""
    return _keys_of(kind)


@cache
def _keys_of(kind: Any) -> tuple[KeyField, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        KeyField(item.name, hint.__origin__, hint.__metadata__[0], item.default is not MISSING)
        for item in fields(kind)
        if hasattr(hint := hints[item.name], "__metadata__")
    )


def content(table: Any, *, deciding_only: bool = False) -> dict[str, Any]:
    """A rule set, or a table of one, as plain tables, lists and values.

    Numbers have the type of their key, so that 1 and 1.0 are the same. Keys that do not apply are left out.

    Parameters
    ----------
    deciding_only : bool
        Leave out the text for people.
    """
    found: dict[str, Any] = {}
    for item in keys_of(type(table)):
        value = getattr(table, item.name)
        if (value is None and item.optional) or (deciding_only and not item.key.decides):
            continue
        found[item.name] = _plain(value, deciding_only)
    return found


def _plain(value: Any, deciding_only: bool) -> Any:
    if value is None:
        return NONE
    if isinstance(value, tuple):
        if any(hasattr(item, "id") for item in value):
            return {item.id: content(item, deciding_only=deciding_only) for item in value}
        return [_plain(item, deciding_only) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float):
        # Zero has two spellings.
        return value + 0.0
    return value if isinstance(value, str | int) else content(value, deciding_only=deciding_only)


def deciding(table: Any, methodology: int) -> dict[str, Any]:
    """Everything that decides, and a methodology version: what a hash is made of."""
    return {"methodology": methodology, **content(table, deciding_only=True)}


def flat(document: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The values of plain tables by their dotted keys; a list is one value."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return found


def toml_of(table: Any) -> str:
    """A rule set as TOML, each key with its meaning: what ships, and what a user starts from."""
    return "\n".join(_lines(table, "")).strip() + "\n"


def _lines(table: Any, path: str) -> Iterator[str]:
    sections: list[tuple[str, Key, Any]] = []
    for item in keys_of(type(table)):
        value = getattr(table, item.name)
        if value is None and item.optional:
            continue
        if hasattr(value, "__dataclass_fields__"):
            sections.append((f"[{path}{item.name}]", item.key, value))
        elif isinstance(value, tuple) and any(hasattr(part, "id") for part in value):
            sections += [(f"[{path}{item.name}.{part.id}]", Key(""), part) for part in value]
        elif isinstance(value, tuple) and any(hasattr(part, "__dataclass_fields__") for part in value):
            sections += [(f"[[{path}{item.name}]]", item.key, part) for part in value]
        else:
            assignment = f"{item.name} = {literal(_plain(value, False), isinstance(value, dt.date))}"
            line = f"{assignment:<{_COMMENT_COLUMN}}  # {item.key.meaning}"
            yield from [line] if len(line) <= _WIDTH else [f"# {item.key.meaning}", assignment]
    for header, key, value in sections:
        yield ""
        yield f"{header}  # {key.meaning}" if key.meaning else header
        yield from _lines(value, f"{header.strip('[]')}.")


def literal(value: Any, bare: bool = False) -> str:
    """A plain value as TOML spells it."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {literal(item)}' for name, item in value.items())} }}"
    return str(value) if bare else json.dumps(value, ensure_ascii=False)
