"""From observations to reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from signals.approvals import Approval
from signals.calendar import TradingCalendar
from signals.inputs import Inputs, resolve
from signals.market import IgnoredValue, MarketData, market_history
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals
from storage.unit_of_work import UnitOfWork
from tasks.hedges import ReportHedges
from tasks.ingest import load_market


@dataclass(frozen=True)
class Judgement:
    """What decides which values are used, beside the values themselves.

    Attributes
    ----------
    settled_through : datetime.date, optional
        The last session whose deadline has passed: up to it contradictions hold up nothing.
    ignored : tuple of (series, publisher, day)
        Values that somebody has looked at and found wrong.
    """

    settled_through: dt.date | None = None
    ignored: tuple[IgnoredValue, ...] = ()


def inputs_of(
    data: MarketData, calendar: TradingCalendar, through: dt.date, judgement: Judgement = Judgement()
) -> Inputs:
    """The inputs of every session up to `through`."""
    history = market_history(data.without(judgement.ignored), calendar, through)
    return resolve(history, calendar, judgement.settled_through)


def compute(
    data: MarketData, calendar: TradingCalendar, through: dt.date, judgement: Judgement = Judgement()
) -> VeqtorSignals:
    """The signals of every session up to `through` that has its inputs."""
    return veqtor_signals(inputs_of(data, calendar, through, judgement))


def compute_stored(
    engine: Engine,
    calendar: TradingCalendar,
    through: dt.date,
    judgement: Judgement = Judgement(),
    as_of: dt.datetime | None = None,
) -> tuple[VeqtorSignals, dict[int, str]]:
    """The same from the stored observations, with the hashes of the payloads they came from.

    With `as_of`, from what was known at that instant.
    """
    with UnitOfWork(engine) as work:
        data, hashes = load_market(work, as_of=as_of), work.observations.payload_hashes()
    return compute(data, calendar, through, judgement), hashes


def reports_on(
    signals: VeqtorSignals,
    sessions: Sequence[dt.date],
    notional_usd: float,
    hashes: dict[int, str],
    variants: Sequence[str] = (),
    hedges: ReportHedges | None = None,
    approvals: tuple[Approval, ...] = (),
) -> list[SignalReport]:
    """The reports on some sessions, in their order, each with the signals of some variants and hedges.

    `approvals` are those of all their rule sets.

    Raises
    ------
    DataNotReady, DataQualityError
        For the first session without its inputs.
    """
    reports = (signal_report(signals, session, notional_usd, hashes, variants) for session in sessions)
    with_hedges = (report if hedges is None else hedges.added_to(report) for report in reports)
    return [replace(report, approvals=approvals) if approvals else report for report in with_hedges]
