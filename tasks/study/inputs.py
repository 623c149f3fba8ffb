"""What a study is made from: the signals of the recorded history, out of a database or straight from a source."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Engine

from signals.alvh.rules import RuleSet
from signals.calendar import TradingCalendar
from signals.document import encode
from signals.errors import ConfigurationError
from signals.options import OptionChain
from signals.study.data import StudyData, inputs_digest, rows_asked_for, study_data
from signals.study.result import STUDY_VERSION
from signals.study.spec import StudySpec
from signals.veqtor.signal import VeqtorSignals
from storage.unit_of_work import UnitOfWork
from tasks.chains import fetched_chains, stored_chains
from tasks.compute import Judgement, compute, compute_stored
from tasks.ingest import read_source
from tasks.kept_books import program_digest
from tasks.sources.fetched import fetch_once
from tasks.sources.payload import Source

#: Source of a study of what a database holds.
DATABASE = "database"


@dataclass(frozen=True)
class Recorded:
    """Recorded data: the signals up to a session, the option chains, and where they came from."""

    signals: VeqtorSignals
    chains: Mapping[dt.date, OptionChain]
    source: str

    @property
    def simulated(self) -> bool:
        """Whether they are of the sample market."""
        return self.signals.inputs.history.data.simulated


def recorded_in(engine: Engine, calendar: TradingCalendar, through: dt.date, judgement: Judgement) -> Recorded:
    """What a database holds up to a day.

    Raises
    ------
    ConfigurationError
        When it holds nothing.
    """
    with UnitOfWork(engine) as work:
        if work.observations.is_simulated() is None:
            raise ConfigurationError(
                "database",
                expected="observations to study",
                got="none",
                do="`tailguard backfill` fills it; or name a --source to study.",
            )
    signals, _ = compute_stored(engine, calendar, through, judgement)
    return Recorded(signals, stored_chains(engine, calendar), DATABASE)


def recorded_by(source: Source, calendar: TradingCalendar, through: dt.date, judgement: Judgement) -> Recorded:
    """What a source has up to a day; nothing is stored."""
    fetched = fetch_once(source)
    data, _ = read_source(fetched)
    signals = compute(data, calendar, through, judgement)
    return Recorded(signals, fetched_chains(fetched.payloads, calendar), source.name)


@dataclass(frozen=True)
class Question:
    """A study that is asked for.

    Attributes
    ----------
    recorded : Recorded
        Up to the end of the spec.
    spec : StudySpec
    rule_sets : tuple of RuleSet
        Those that the spec names.
    notional_usd : float
        What the books of the hedges protect.
    """

    recorded: Recorded
    spec: StudySpec
    rule_sets: tuple[RuleSet, ...]
    notional_usd: float

    def check(self) -> None:
        """Raise what is wrong with the range, before anything is computed."""
        rows_asked_for(self.recorded.signals, self.spec)

    @cached_property
    def digest(self) -> str:
        """A digest of the recorded data."""
        return inputs_digest(self.recorded.signals, self.spec.end, self.recorded.chains)

    @cached_property
    def key(self) -> str:
        """A digest of everything the result depends on, the program included: the same key, the same result."""
        written = {
            "spec": encode(self.spec),
            "notional_usd": self.notional_usd,
            "source": self.recorded.source,
            "data": self.digest,
            "version": STUDY_VERSION,
            "program": program_digest(),
        }
        return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()

    @property
    def about(self) -> dict[str, str]:
        """Where the data come from, for a reader."""
        inputs = self.recorded.signals.inputs
        return {
            "source": self.recorded.source,
            "digest": self.digest,
            "first session": str(inputs.sessions[0]),
            "last session": str(inputs.sessions[inputs.usable - 1]),
            "notional": f"{self.notional_usd:,.0f} USD",
        }

    @cached_property
    def data(self) -> StudyData:
        """What the parts look at; folded when first asked for."""
        return study_data(self.recorded.signals, self.rule_sets, self.spec, self.notional_usd, self.recorded.chains)


def named(rule_sets: Sequence[RuleSet]) -> tuple[tuple[str, str], ...]:
    """Rule sets as a spec names them."""
    return tuple((rules.name, rules.sha256) for rules in rule_sets)
