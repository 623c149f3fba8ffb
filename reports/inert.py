"""Texts that do nothing but say something: no control character, and no change of writing direction.

A rule set, a publisher's error or an approver's name may bring such along. A terminal would obey them, and a reader
could be shown another order of words than is there.
"""

from __future__ import annotations

import unicodedata
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

#: What stands for a character that is not shown.
REPLACEMENT = "\ufffd"

#: Controls, halves of characters, and what no Unicode version has given a meaning.
_CATEGORIES = frozenset({"Cc", "Cs", "Cn"})

#: Marks, embeddings, overrides and isolates of the writing direction; a byte order mark.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def inert_text(text: str) -> str:
    """The text with a space for each white space, and a replacement character for what would do something."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def inert(value: T) -> T:
    """A dataclass with every text in it inert."""
    changed: T = _inert(value)
    return changed


def _inert(value: Any) -> Any:
    if isinstance(value, str):
        return inert_text(value)
    if type(value) is tuple:
        return tuple(map(_inert, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{name: _inert(getattr(value, name)) for name in _textual(type(value))})
    return value


@cache
def _textual(kind: Any) -> tuple[str, ...]:
    """The fields of a dataclass that can hold texts."""
    return tuple(
        field.name for field in fields(kind) if any(each in str(field.type) for each in ("str", "tuple", "Table"))
    )


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    if character in _DIRECTIONS or unicodedata.category(character) in _CATEGORIES:
        return REPLACEMENT
    return character
