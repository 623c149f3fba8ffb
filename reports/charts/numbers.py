"""Figures in the words of charts: never on the other side of a limit than what they stand for."""

from __future__ import annotations

from collections.abc import Iterable

#: No figure has more digits after its point.
_MOST_DIGITS = 10


def beside(value: float, limits: Iterable[float], digits: int = 2) -> str:
    """A figure to some digits, or to as many as put it on the side of each limit on which it is."""
    fixed = tuple(limits)
    for shown in range(digits, _MOST_DIGITS + 1):
        text = f"{value:.{shown}f}"
        if all(_side(float(text), limit) == _side(value, limit) for limit in fixed):
            break
    return _without_minus_zero(text)


def both(first: float, second: float, digits: int = 2) -> tuple[str, str]:
    """Two figures to as many digits as show which of them is the larger one."""
    for shown in range(digits, _MOST_DIGITS + 1):
        texts = f"{first:.{shown}f}", f"{second:.{shown}f}"
        if _side(float(texts[0]), float(texts[1])) == _side(first, second):
            break
    return _without_minus_zero(texts[0]), _without_minus_zero(texts[1])


def signed_percent(share: float, digits: int = 2) -> str:
    """A share as a percentage with its sign; none where it rounds to nothing."""
    text = f"{share * 100:+.{digits}f}"
    return (text if float(text) else text[1:]) + "%"


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def _without_minus_zero(text: str) -> str:
    return text if float(text) else text.lstrip("-")
