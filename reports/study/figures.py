"""Figures of a study in words: by their unit, with their interval, or why there is none. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from reports.tables import NOTHING, signed
from reports.words import listed

if TYPE_CHECKING:
    from signals.study.result import Estimate

#: Digits after the point by unit; a share is shown as a percentage.
SHARE = "share"
_DIGITS = {SHARE: 1, "days": 0, "sessions": 0, "trades": 0, "paths": 0, "years": 1, "points": 1}
_OTHER_DIGITS = 2

#: Larger figures have no digits after their point.
_LARGE = 1_000.0

#: Statistics that say by how much something differs: their sign is always shown.
DIFFERENCES = frozenset({"gain", "drag", "drawdown_reduction", "sharpe_gain"})

#: Statistics that only something measured against another has.
OF_HEDGES = DIFFERENCES | {
    *("irr", "carry", "cash_share", "cash_growth"),
    *("crash_gain", "largest_crash", "break_even_years", "crash_years"),
}


def figure(value: float | None, unit: str, *, sign: bool = False, mark: bool = True) -> str:
    """A figure; a dash where there is none.

    Parameters
    ----------
    sign : bool
        Whether a plus is written.
    mark : bool
        Whether a percentage has its sign behind it.
    """
    if value is None:
        return NOTHING
    if unit == SHARE:
        value *= 100.0
    digits = 0 if abs(value) >= _LARGE else _DIGITS.get(unit, _OTHER_DIGITS)
    text = signed(value, digits)
    return (text if sign else text.removeprefix("+")) + ("%" if unit == SHARE and mark else "")


def estimate(found: Estimate, unit: str, *, sign: bool = False) -> str:
    """A figure with its interval, such as ``-1.2% (-2.3 to -0.1)``."""
    text = figure(found.value, unit, sign=sign)
    if found.value is None or found.low is None or found.high is None:
        return text
    return f"{text} ({between(found.low, found.high, unit, sign=sign, mark=False)})"


def between(low: float, high: float, unit: str, *, sign: bool = False, mark: bool = True) -> str:
    """A range, such as ``1.0 to 2.0%``; a single figure where both ends are one."""
    if low == high:
        return figure(low, unit, sign=sign, mark=mark)
    first = figure(low, unit, sign=sign, mark=False)
    return f"{first} to {figure(high, unit, sign=sign, mark=mark)}"


def told(absent: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Why figures are not there, each reason once: from (statistic, strategy, why)."""
    strategies: dict[tuple[str, str], list[str]] = {}
    for statistic, strategy, why in absent:
        strategies.setdefault((why, statistic), []).append(strategy)
    statistics: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (why, statistic), names in strategies.items():
        statistics.setdefault((why, tuple(dict.fromkeys(names))), []).append(statistic)
    for (why, of), said in statistics.items():
        yield f"No {listed(said)} of {listed(of)}: {why.rstrip('.')}."
