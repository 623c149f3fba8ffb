"""A study as every rendering shows it: the answer, then tables in the order in which they are asked for.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.inert import inert
from reports.study import models, sections
from reports.study.names import HEADS
from reports.tables import Section, Table
from reports.words import count

if TYPE_CHECKING:
    from signals.study.result import StudyResult

SIMULATED = "SIMULATED MARKET: nothing here was ever traded."

#: The section that says what columns mean.
MEANINGS = "meanings"

#: Between two sentences of a paragraph; the answer follows its question.
_SENTENCES = re.compile(r"(?<=[.]) (?=[A-Z])|(?<=[.]\)) (?=[A-Z])")

_NO_ANSWER = "There is no answer: the part of the study that gives it failed."

#: Digits of a hash that are shown.
_DIGEST = 12


@dataclass(frozen=True)
class StudyView:
    """A study in words and tables.

    Attributes
    ----------
    title : str
    answer : tuple of str
        Whether it is worth it: paragraphs, the first the answer in short.
    about : str
        Range and data, in a line.
    sections : tuple of Section
    footer : tuple of str
        Costs, seed, and what made it.
    """

    title: str
    answer: tuple[str, ...]
    about: str
    sections: tuple[Section, ...]
    footer: tuple[str, ...]
    simulated: bool

    @property
    def verdict(self) -> str:
        """The first sentences of the answer, up to what they are made from."""
        return self._evidence[0].partition(" (")[0]

    @property
    def basis(self) -> str:
        """What the verdict is made from: the range, and what figures stand for; empty where that is not said."""
        _, bracket, basis = self._evidence[0].partition(" (")
        return basis.removesuffix(")") if bracket else ""

    @property
    def evidence(self) -> tuple[str, ...]:
        """The rest of the first paragraph, sentence by sentence."""
        return tuple(self._evidence[1:])

    @property
    def _evidence(self) -> list[str]:
        return _SENTENCES.split(self.answer[0])


def study_view(result: StudyResult) -> StudyView:
    """A study ready to be rendered; texts from outside do nothing in it."""
    return inert(
        StudyView(
            title=f"Is it worth it? {result.first} to {result.last}",
            answer=result.answer or (_NO_ANSWER,),
            about=_about(result),
            sections=tuple(_sections(result)),
            footer=tuple(_footer(result)),
            simulated=result.simulated,
        )
    )


def _sections(result: StudyResult) -> Iterator[Section]:
    yield from sections.failures(result)
    yield from sections.claims(result)
    yield from sections.whole(result)
    yield from sections.intervals(result)
    yield from sections.findings(result)
    yield from sections.periods(result)
    yield from models.condor(result)
    yield from models.monte_carlo(result)
    yield from models.luck(result)
    yield from models.sensitivity(result)
    yield from sections.unknown(result)
    yield _meanings(result)
    if result.notes:
        yield Section("Notes", result.notes, key="notes")
    if noted := tuple(f"{each.label}: {each.note}" for each in result.tracks if each.note):
        yield Section("How each strategy is followed", noted, key="strategies", detail=True)


def _about(result: StudyResult) -> str:
    sessions = result.data.get("sessions") or count(len(result.levels.sessions), "session")
    sessions = f"{sessions} sessions" if sessions.isdecimal() else sessions
    source = result.data.get("source")
    return f"Closes from {result.first} to {result.last}, {sessions}{f', from {source}' if source else ''}."


def _meanings(result: StudyResult) -> Section:
    rows = tuple((HEADS.get(each.key, each.label), f"{each.label}: {each.meaning}") for each in result.statistics)
    return Section("What the columns mean", (), Table(("", ""), rows), MEANINGS)


def _footer(result: StudyResult) -> Iterator[str]:
    spec = result.spec
    if isinstance(costs := spec.get("costs"), dict):
        yield (
            f"Costs: equity {_share(costs, 'equity', 2)} of what is traded, one way; a VX contract "
            f"{costs.get('vx_points', 0.0):g} points; an option on the S&P 500 {_share(costs, 'spx_option', 1)} of "
            f"its premium, {costs.get('spx_option_points', 0.0):g} points at least; those on the VIX "
            f"{costs.get('vix_option', 1.0):g} times what rule sets say."
        )
    yield (
        f"Seed {spec.get('seed')}; {_number(spec.get('samples'))} bootstrap samples; {_number(spec.get('paths'))} "
        f"simulated markets of indices, {_number(spec.get('hedged_paths'))} of hedges and condor. The same data, "
        "settings and seed give the same digits."
    )
    digest = result.data.get("digest", "")
    others = [
        f"{name} {value}" for name, value in sorted(result.data.items()) if name not in ("digest", "source", "sessions")
    ]
    yield "; ".join([f"Method {result.version}", *([f"data {digest[:_DIGEST]}"] if digest else []), *others]) + "."
    if rules := spec.get("rule_sets"):
        named = [f"{name} {str(sha)[:_DIGEST]}" for name, sha in rules] if isinstance(rules, (list, tuple)) else []
        yield f"Rule sets: {', '.join(named)}."
    yield "Not investment advice. A back-test: the rules were known when it was made."


def _share(costs: dict[str, float], name: str, digits: int) -> str:
    return f"{costs.get(name, 0.0) * 100:.{digits}f}%"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "no"
