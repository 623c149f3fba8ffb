"""A study from what a database holds: nothing is fetched, and nothing is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from signals.alvh.hedge import hedges_of
from signals.alvh.rules import RuleSet
from signals.calendar import TradingCalendar
from signals.study.strategies import StrategyResult, study
from tasks.chains import stored_chains
from tasks.compute import Judgement, compute_stored


@dataclass(frozen=True)
class Study:
    """Strategies side by side; `simulated` says that they are of the sample market."""

    results: tuple[StrategyResult, ...]
    simulated: bool


def stored_study(
    engine: Engine,
    calendar: TradingCalendar,
    start: dt.date,
    end: dt.date,
    rule_sets: Sequence[RuleSet],
    notional_usd: float,
    judgement: Judgement,
) -> Study:
    """The strategies of `signals.study.strategies.study`, with the hedges of some rule sets.

    Raises
    ------
    ConfigurationError
        When the range is too short.
    DataNotReady, DataQualityError
        When its last session lacks an input.
    """
    signals, _ = compute_stored(engine, calendar, end, judgement)
    hedges = hedges_of(signals, rule_sets, notional_usd, stored_chains(engine, calendar))
    return Study(tuple(study(signals, hedges, start, end)), signals.inputs.history.data.simulated)
