"""The parts of a study: each is computed by itself, wherever and in whatever order, and together they are the result.

What belongs into which part depends on the spec alone, never on how many workers there are, and each part draws from
seeds of its own: the result is the same to the bit from one process, from several, and from another machine of the
same kind. What comes of a part is a document of plain values, which JSON takes and gives back without a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from signals.document import encode
from signals.errors import TailguardError
from signals.study.result import Failure
from signals.study.spec import StudySpec

if TYPE_CHECKING:
    from signals.alvh.rules import RuleSet
    from signals.study.data import StudyData

#: Kinds of parts.
HEDGED_PATHS, PATHS, SENSITIVITY, DOUBT = "hedged paths", "paths", "sensitivity", "doubt"
CONDOR, CONDOR_MAPS = "condor skew", "condor maps"
BOOTSTRAP, CORRELATION = "bootstrap", "correlation"

Document = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """A piece of work.

    Attributes
    ----------
    kind : str
    name : str
        As people read it; no two parts of a study share one.
    index : int
        Its number among those of its kind, from 0.
    count : int
        Samples or simulated markets in it; 0 where it has none.
    """

    kind: str
    name: str
    index: int
    count: int = 0

    @property
    def needs_data(self) -> bool:
        """Whether it looks at recorded data; others need the spec and the rule sets only."""
        return self.kind not in (HEDGED_PATHS, PATHS)


def parts_of(spec: StudySpec) -> tuple[Part, ...]:
    """The parts of a study, those that take longest first."""
    from signals.study.bootstrap import CHUNK
    from signals.study.condor.surface import SKEWS
    from signals.study.paths.chunks import HEDGED_PATHS_IN_CHUNK, PATHS_IN_CHUNK

    return (
        *_chunks(HEDGED_PATHS, spec.hedged_paths, HEDGED_PATHS_IN_CHUNK),
        *_chunks(PATHS, spec.paths, PATHS_IN_CHUNK),
        Part(SENSITIVITY, SENSITIVITY, 0),
        Part(DOUBT, DOUBT, 0),
        Part(CONDOR_MAPS, CONDOR_MAPS, 0),
        *(Part(CONDOR, f"{CONDOR} {skew:g}", index) for index, skew in enumerate(SKEWS)),
        Part(CORRELATION, CORRELATION, 0),
        *_chunks(BOOTSTRAP, spec.samples, CHUNK),
    )


def _chunks(kind: str, total: int, size: int) -> Iterator[Part]:
    sizes = [min(size, total - begin) for begin in range(0, total, size)]
    for index, count in enumerate(sizes):
        yield Part(kind, f"{kind} {index + 1}/{len(sizes)}", index, count)


def outcome_of(part: Part, spec: StudySpec, rule_sets: Sequence[RuleSet], data: StudyData | None) -> Document | Failure:
    """What comes of a part, or why nothing does.

    Parameters
    ----------
    data : StudyData, optional
        Only for a part that needs none None.
    """
    return attempt(part.name, lambda: run_part(part, spec, rule_sets, data))


def attempt(name: str, work: Callable[[], T]) -> T | Failure:
    """What `work` returns; if it raises, a failure of that name, so that the rest of a study is still reported."""
    try:
        return work()
    except TailguardError as error:
        return Failure(name, str(error))
    except Exception as error:  # noqa: BLE001 - a mistake in one strategy must not hold up the others; it is reported
        return Failure(name, f"an error nobody foresaw, {type(error).__name__}: {error}")


def run_part(part: Part, spec: StudySpec, rule_sets: Sequence[RuleSet], data: StudyData | None) -> Document:
    """What comes of a part."""
    if part.kind == PATHS:
        from signals.study.paths.chunks import index_chunk

        return index_chunk(spec, part.index, part.count)
    if part.kind == HEDGED_PATHS:
        return _hedged_paths(part, spec, rule_sets)
    if data is None:
        raise ValueError(f"{part.name} needs data")
    return _WITH_DATA[part.kind](part, spec, data)


def _hedged_paths(part: Part, spec: StudySpec, rule_sets: Sequence[RuleSet]) -> Document:
    """Figures of the hedges in simulated markets, and which of them have none, and why."""
    from signals.study.paths.chunks import hedged_chunk

    def figures(chosen: Sequence[RuleSet]) -> Document:
        return hedged_chunk(spec, chosen, part.index, part.count)

    together = attempt(part.name, lambda: figures(rule_sets))
    if not isinstance(together, Failure):
        return {"figures": together, "failed": {}}
    # One by one, to find out which. Each draws the same markets.
    found: Document = figures(())
    failed = {}
    for rules in rule_sets:
        alone = attempt(rules.name, lambda rules=rules: figures((rules,)))  # type: ignore[misc] # mypy infers no type for such a lambda
        if isinstance(alone, Failure):
            failed[rules.name] = alone.why
        else:
            found |= alone
    return {"figures": found, "failed": failed}


def _bootstrap(part: Part, spec: StudySpec, data: StudyData) -> Document:
    from signals.study.bootstrap import bootstrap_chunk, stretches

    return {
        period: bootstrap_chunk(data.tracks, spec, *rows, part.index, part.count)
        for period, rows in stretches(data.tracks, data.periods).items()
    }


def _condor(part: Part, spec: StudySpec, data: StudyData) -> Document:
    from signals.study.condor.programme import RULES, SKEWS, condor_cases
    from signals.study.condor.rules import ENTRIES

    # Why there is no such market stands among the failures of the data.
    market, skew = data.condor, SKEWS[part.index]
    if market is None:
        return {"cases": []}
    days = [replace(RULES, entry=entry) for entry in ENTRIES]
    cases = [case for rules in days for case in condor_cases(market, rules, spec.costs, skew, data.first, data.last)]
    return {"cases": encode(tuple(cases))}


def _condor_maps(part: Part, spec: StudySpec, data: StudyData) -> Document:
    from signals.study.condor.maps import condor_maps
    from signals.study.condor.programme import RULES

    market = data.condor
    maps = () if market is None else condor_maps(market, RULES, spec.costs, data.first, data.last)
    return {"maps": encode(maps)}


def _sensitivity(part: Part, spec: StudySpec, data: StudyData) -> Document:
    from signals.study.deflated import deflated_sharpes
    from signals.study.sensitivity import sensitivities

    maps, trials = sensitivities(data.signals, spec.costs, data.first, data.last)
    deflated = deflated_sharpes(trials, data.tracks, data.first, data.last, spec.confidence)
    return {"maps": encode(maps), "deflated": encode(deflated)}


def _doubt(part: Part, spec: StudySpec, data: StudyData) -> Document:
    from signals.study.doubt import doubts

    return {"maps": encode(doubts(data.signals, data.rule_sets, spec.costs, data.first, data.last))}


def _correlation(part: Part, spec: StudySpec, data: StudyData) -> Document:
    from signals.study.facts import market_facts

    inputs, base = data.signals.inputs, data.signals.veqtor.base
    rows = slice(base + data.first, base + data.last + 1)
    found: Document = encode(market_facts(inputs.history.spx_yahoo[rows], inputs.vix[rows], spec))
    return found


_WITH_DATA: Mapping[str, Callable[[Part, StudySpec, StudyData], Document]] = {
    BOOTSTRAP: _bootstrap,
    CONDOR: _condor,
    CONDOR_MAPS: _condor_maps,
    SENSITIVITY: _sensitivity,
    DOUBT: _doubt,
    CORRELATION: _correlation,
}
