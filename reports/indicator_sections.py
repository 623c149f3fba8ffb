"""The indicators that hedges share, the measures beside them, and the macro panel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import fields

from reports.tables import NOTHING, Section, Table
from reports.words import listed
from signals.alvh.report import HedgeSignal, Reading
from signals.alvh.rules import Weights

#: The indicators that make the score.
SCORED_NAMES = frozenset(field.name for field in fields(Weights))

_SHOWN = "shown"


def indicators(hedges: Sequence[HedgeSignal], session: dt.date) -> Iterator[Section]:
    """Each set of indicators once, with the hedges that share it: what decides, then what is measured beside it."""
    for hedge in hedges:
        if not hedge.indicators:
            continue
        sharing = [hedge.rule_set, *(other.rule_set for other in hedges if other.indicators_of == hedge.rule_set)]
        deciding = [item for item in hedge.indicators if item.state != _SHOWN]
        shown = [item for item in hedge.indicators if item.state == _SHOWN]
        table = Table(
            ("Indicator", "Value", "Before", "Pct", "State", "Changes at"),
            tuple((*_figures(item), item.state, _switches_at(item)) for item in deciding),
            frozenset({1, 2, 3}),
        )
        sentences = (
            "Pct is the percentile among the values of a year; in brackets, what is missing to the change.",
            *_remarks(deciding, session),
        )
        yield Section(f"Indicators of {listed(sharing)}", sentences, table, key="alvh", detail=True)
        if shown:
            table = Table(
                ("Measure", "Value", "Before", "Pct", ""),
                tuple((*_figures(item), item.label) for item in shown),
                frozenset({1, 2, 3}),
            )
            yield Section("Measures, scored by none", tuple(_remarks(shown, session)), table, key="alvh", detail=True)


def macro(panel: Sequence[Reading]) -> Iterator[Section]:
    """Context beside the hedges."""
    there = [item for item in panel if item.value is not None]
    missing = [item.label for item in panel if item.value is None]
    if not there:
        return
    rows = tuple((item.label, *_figures(item)[1:], item.source) for item in there)
    table = Table(("Measure", "Value", "Before", "Pct", "Source"), rows, frozenset({1, 2, 3}))
    sentences = [
        "Part of no score, size or decision.",
        *(f"{item.label}: {item.remark}." for item in there if item.remark),
    ]
    if missing:
        sentences.append(f"Not there: {', '.join(missing)}.")
    yield Section("Macro panel: context only", tuple(sentences), table, key="alvh", detail=True)


def _figures(item: Reading) -> tuple[str, str, str, str]:
    percentile = NOTHING if item.percentile is None else f"{item.percentile:.0f}"
    if item.state == "unknown":
        return item.name, NOTHING, NOTHING, NOTHING
    return item.name, figure(item.value), figure(item.previous), percentile


def _switches_at(item: Reading) -> str:
    """Where the state changes next, and how far that is; the thresholds of carry are of its percentile."""
    if item.threshold is None or item.distance is None:
        return NOTHING
    percentile = "pct " if item.name == "carry" else ""
    return f"{percentile}{figure(item.threshold)} ({signed_figure(item.distance)})"


def _remarks(items: Sequence[Reading], session: dt.date) -> Iterator[str]:
    for item in items:
        if item.remark:
            yield f"{item.name}: {item.remark}."
        if item.observed_on is not None and item.observed_on != session and item.value is not None:
            yield f"{item.name}: of {item.observed_on}."


def figure(value: float | None) -> str:
    """A value of no known size: two decimals, or three digits where it is small."""
    if value is None:
        return NOTHING
    return f"{value:,.2f}" if abs(value) >= 1.0 or value == 0.0 else f"{value:.3g}"


def signed_figure(value: float) -> str:
    """The same with its sign."""
    return f"+{figure(value)}" if value > 0.0 else figure(value)
