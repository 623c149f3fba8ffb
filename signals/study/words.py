"""Figures of a study in words. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

from signals.study.result import Estimate

#: Units: of a share, told as a percentage, and of a ratio.
SHARE, RATIO = "share", "ratio"


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage: ``0.1234`` is ``12.3%``."""
    return f"{number(share * 100.0, digits)}%"


def number(value: float, digits: int = 2) -> str:
    """A number with a fixed count of digits, and no sign before a zero."""
    text = f"{value:.{digits}f}"
    return text if float(text) else text.lstrip("-")


def figure(value: float, unit: str) -> str:
    """A number in its unit, with its usual digits."""
    return percent(value) if unit == SHARE else number(value)


def interval(low: float, high: float, unit: str) -> str:
    """A range in words: ``0.3% to 2.0%``."""
    return f"{figure(low, unit)} to {figure(high, unit)}"


def with_interval(estimate: Estimate, unit: str) -> str:
    """A number with its interval, where it has one: ``1.2% (0.3% to 2.0%)``; `estimate` has a value."""
    value = figure(estimate.value or 0.0, unit)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({interval(estimate.low, estimate.high, unit)})"


def listed(names: Sequence[str]) -> str:
    """Names with commas and a last ``and``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def signed(value: float, unit: str) -> str:
    """A number in its unit with its sign: ``+1.2%``; a zero has none."""
    text = figure(value, unit)
    return f"+{text}" if text[0] != "-" and text.strip("0.%") else text


#: Numbers that are written as words.
_SPELLED = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spelled(count: int) -> str:
    """A small count as a word; 0 is ``none``."""
    return _SPELLED[count] if count < len(_SPELLED) else str(count)


def counted(count: int, name: str) -> str:
    """A count with what is counted: ``five public claims``."""
    return f"{spelled(count)} {name}{'' if count == 1 else 's'}"
