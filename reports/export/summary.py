"""A report in plain lines, and text without what no XML document and no calendar may hold."""

from __future__ import annotations

import unicodedata

from reports.view import ReportView

_NONE = frozenset("\ufffe\uffff")


def printable(text: str) -> str:
    """Text without control characters but line breaks, halves of a character, and what is no character at all."""
    return "".join(
        char for char in text if char == "\n" or (unicodedata.category(char) not in ("Cc", "Cs") and char not in _NONE)
    )


def summary(view: ReportView) -> list[str]:
    """A report in lines: the verdict, what must be seen before it is acted on, and what is seen at a glance."""
    return [view.verdict, *view.notices, *(f"{line.label}: {line.text}" for line in view.glance)]
