"""Making a study: what is there already is not computed again, and every part that is done is kept at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from signals.study.combine import combine
from signals.study.plan import Document, Part, parts_of
from signals.study.result import Failure, StudyResult
from tasks.study.inputs import Question
from tasks.study.store import Store

#: What came of a part: a document as JSON, or why nothing did.
Outcome = str | Failure

#: Called when so many parts are done, of how many.
Progress = Callable[[int, int], None]


class Runner(Protocol):
    """Computes parts, in any order, wherever it likes."""

    def __call__(self, question: Question, parts: Sequence[Part]) -> Generator[tuple[Part, Outcome]]:
        """Each part with what came of it, as soon as it is done.

        The data of the question are asked for when they are needed: work that needs none begins before.
        """
        ...


@dataclass(frozen=True)
class Made:
    """A study that is there.

    Attributes
    ----------
    result : StudyResult
    parts : int
        It was made of.
    there : int
        How many of them were there from an earlier run.
    stored : bool
        Whether all of it was.
    """

    result: StudyResult
    parts: int
    there: int
    stored: bool = False


def run_study(question: Question, store: Store, runner: Runner, progress: Progress | None = None) -> Made:
    """The study of a question: as it is stored, or made.

    Raises
    ------
    ConfigurationError, DataNotReady, DataQualityError
        When the range cannot be looked at.
    """
    parts = parts_of(question.spec)
    if (known := store.finished(question.key)) is not None:
        return Made(known, len(parts), len(parts), stored=True)
    tell = progress or (lambda done, total: None)
    kept = store.parts(question.key)
    outcomes: dict[str, Document | Failure] = {
        part.name: json.loads(kept[part.name]) for part in parts if part.name in kept
    }
    there = len(outcomes)
    tell(there, len(parts))
    missing = [part for part in parts if part.name not in outcomes]
    # Closed at once where something goes wrong: its workers would go on.
    with closing(runner(question, missing)) as done:
        for part, outcome in done:
            outcomes[part.name] = outcome if isinstance(outcome, Failure) else json.loads(outcome)
            if not isinstance(outcome, Failure):
                store.keep(question.key, part.name, outcome)
            tell(len(outcomes), len(parts))
    result = combine(question.spec, question.data, outcomes, question.about)
    store.add(question.key, result)
    return Made(result, len(parts), there)


def as_json(document: Document | Failure) -> Outcome:
    """What came of a part, as it travels: numbers come back as they were."""
    return document if isinstance(document, Failure) else json.dumps(document)
