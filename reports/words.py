"""Words that reports, messages and comparisons share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from reports.tables import percent
from signals.veqtor.report import Weights


def holding(weights: Weights, *, with_sign: bool = False) -> str:
    """Weights that are not zero, each with its component."""
    parts = ((weights.equity, "S&P 500"), (weights.volatility, "VIX futures"), (weights.cash, "cash"))
    return ", ".join(
        f"{'+' if with_sign and weight > 0 else ''}{percent(weight)} {name}" for weight, name in parts if weight
    )


def moment(instant: dt.datetime) -> str:
    """An instant in New York."""
    return f"{instant:%A %Y-%m-%d %H:%M} New York"


def count(number: int, what: str) -> str:
    """So many of something: ``1 session``, ``2 sessions``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: ``a, b and c``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def said_together(told: Iterable[tuple[str, str]]) -> Iterator[tuple[list[str], str]]:
    """What names say, each sentence once, with everyone who says it; in the order in which it is said first."""
    names: dict[str, list[str]] = {}
    for name, sentence in told:
        names.setdefault(sentence, []).append(name)
    for sentence, who in names.items():
        yield who, sentence
