"""From what somebody asks to the question of a study. Without Prefect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from flows.wiring import Services
from signals.errors import ConfigurationError
from signals.series import BASE_SESSION
from signals.study.spec import StudySpec, TradingCosts
from storage.engine import open_engine
from storage.schema import require_schema
from tasks.schedule import session_due
from tasks.study.inputs import Question, Recorded, named, recorded_by, recorded_in
from tasks.study.store import Nowhere, Store, StudyStore, require_market_of


@dataclass(frozen=True)
class Asked:
    """What is asked for; the defaults are those of `StudySpec`.

    Attributes
    ----------
    start, end : datetime.date, optional
        By default all that can be used.
    source, data_dir
        A source to read, and its directory; by default the database.
    """

    start: dt.date | None = None
    end: dt.date | None = None
    source: str | None = None
    data_dir: Path | None = None
    costs: TradingCosts = field(default_factory=TradingCosts)
    seed: int = StudySpec.seed
    confidence: float = StudySpec.confidence
    samples: int = StudySpec.samples
    paths: int = StudySpec.paths
    hedged_paths: int = StudySpec.hedged_paths
    path_years: int = StudySpec.path_years

    def __post_init__(self) -> None:
        if self.source is None and self.data_dir is not None:
            raise ConfigurationError(
                "--data-dir",
                expected="--source files with it",
                got="no --source",
                do="Add it, or leave --data-dir out.",
            )
        if self.start and self.end and self.start > self.end:
            raise ConfigurationError(
                "range", expected="--start not after --end", got=f"{self.start} and {self.end}", do="Swap them."
            )
        # What is wrong with a number is said before anything is read.
        self.spec(self.start or BASE_SESSION, self.end or self.start or BASE_SESSION, ())

    def spec(self, start: dt.date, end: dt.date, rule_sets: tuple[tuple[str, str], ...]) -> StudySpec:
        """The spec over a range."""
        return StudySpec(
            start=start,
            end=end,
            rule_sets=rule_sets,
            costs=self.costs,
            seed=self.seed,
            confidence=self.confidence,
            samples=self.samples,
            paths=self.paths,
            hedged_paths=self.hedged_paths,
            path_years=self.path_years,
        )


def question_of(work: Services, asked: Asked) -> Question:
    """The question, with the recorded data it is about.

    Raises
    ------
    ConfigurationError, DataNotReady, DataQualityError
        When the range cannot be looked at.
    """
    rule_sets = work.rule_sets
    recorded = _recorded(work, asked)
    signals = recorded.signals
    end = asked.end or signals.inputs.last_session
    start = asked.start or signals.levels_since
    if start > end:
        raise ConfigurationError(
            "range", expected=f"a --start up to {end}, the last session there is", got=str(start), do="Correct it."
        )
    question = Question(recorded, asked.spec(start, end, named(rule_sets)), rule_sets, work.settings.notional_usd)
    question.check()
    return question


def _recorded(work: Services, asked: Asked) -> Recorded:
    due = session_due(work.clock(), work.calendar)
    through = asked.end or due
    if asked.source is not None:
        last, since = min(through, due), min(asked.start or BASE_SESSION, due)
        source = work.source(asked.source, asked.data_dir, last, since)
        return recorded_by(source, work.calendar, through, work.judgement())
    engine = open_engine(work.settings.database_url.get_secret_value(), read_only=True)
    try:
        require_schema(engine)
        return recorded_in(engine, work.calendar, through, work.judgement())
    finally:
        engine.dispose()


@contextmanager
def study_store(work: Services, question: Question, *, again: bool = False, keep: bool = True) -> Iterator[Store]:
    """Where the study is kept: the configured database, made if it is not there; nowhere if it is not to be kept."""
    if not keep:
        yield Nowhere()
        return
    engine: Engine = work.engine()
    try:
        require_market_of(engine, simulated=question.recorded.simulated)
        yield StudyStore(engine, work.clock, again)
    finally:
        engine.dispose()
