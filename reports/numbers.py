"""Figures in words: never on the other side of a limit than what they stand for."""

from __future__ import annotations

import math
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


def signed_beside(value: float, limits: Iterable[float], digits: int = 2) -> str:
    """The same with its sign, and zero without one."""
    text = beside(value, limits, digits)
    return f"+{text}" if float(text) > 0.0 else text


def vix_limit(next_vix: float) -> str:
    """The lowest VIX at or above a limit, in the two digits with which it is quoted."""
    return f"{math.ceil(round(next_vix * 100.0, 6)) / 100.0:.2f}"


def both(first: float, second: float, digits: int = 2) -> tuple[str, str]:
    """Two figures to as many digits as show which of them is the larger one."""
    for shown in range(digits, _MOST_DIGITS + 1):
        texts = f"{first:.{shown}f}", f"{second:.{shown}f}"
        if _side(float(texts[0]), float(texts[1])) == _side(first, second):
            break
    return _without_minus_zero(texts[0]), _without_minus_zero(texts[1])


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def _without_minus_zero(text: str) -> str:
    return text if float(text) else text.lstrip("-")
