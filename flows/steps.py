"""The steps as Prefect tasks, which log what came of them.

Their inputs are open connections and clocks: nothing to hash or to cache, and their results stay in the process.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote
from sqlalchemy import Engine

from flows import logs
from flows.interrupts import finished_first
from signals.calendar import TradingCalendar
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals
from storage.observations import Version
from storage.runs import SessionOutcome
from tasks.clock import Clock
from tasks.compute import Judgement, compute_stored
from tasks.ingest import IngestSummary, PartlyFetched, ingest
from tasks.notify.channel import Channel
from tasks.notify.deliver import DeliverySummary, deliver
from tasks.persist import Recipient, emit
from tasks.sources.payload import Source

_fetch = task(name="fetch", cache_policy=NO_CACHE, persist_result=False)(ingest)
_compute = task(name="compute", cache_policy=NO_CACHE, persist_result=False)(compute_stored)
_deliver = task(name="deliver", cache_policy=NO_CACHE, persist_result=False)(deliver)
_emit = task(name="emit", cache_policy=NO_CACHE, persist_result=False)(emit)

#: All there are. Only the fetch is tried again, and only as its caller says: what it asks for may be there later.
TASKS = (_fetch, _compute, _emit, _deliver)


def fetch_step(source: Source, engine: Engine, clock: Clock, *, whole: bool = False, **retrying: Any) -> IngestSummary:
    """The task that fetches and stores; `retrying` are its options in Prefect."""
    with logs.step("fetch") as facts:
        facts["source"] = source.name
        try:
            summary = (_fetch.with_options(**retrying) if retrying else _fetch)(source, engine, clock, whole=whole)
        except PartlyFetched as error:
            facts |= _counts(error.summary)
            raise
        facts |= _counts(summary)
    return summary


def _counts(summary: IngestSummary) -> dict[str, int]:
    counts = {"payloads": summary.payloads, "known_payloads": summary.known_payloads, "new_values": summary.new_values}
    return counts | {"changed_values": summary.changed_values, "refused": len(summary.refused)}


def compute_step(
    engine: Engine, calendar: TradingCalendar, through: dt.date, judgement: Judgement
) -> tuple[VeqtorSignals, dict[int, str]]:
    """The task that computes."""
    with logs.step("compute") as facts:
        signals, hashes = _compute(engine, calendar, through, judgement)
        facts["last_session"] = signals.inputs.last_session
    return signals, hashes


def emit_step(
    engine: Engine,
    run_id: int,
    reports: Sequence[SignalReport],
    recipients: Sequence[Recipient],
    clock: Clock,
    *,
    adding_variants: bool = False,
    based_on: Version | None = None,
    told: bool = False,
) -> list[SessionOutcome]:
    """The task that emits; a signal waits for the end of its transaction.

    Prefect would look for results of tasks in every figure of every report.
    """
    quoted: Any = quote(reports)
    options: dict[str, Any] = {"adding_variants": adding_variants, "based_on": based_on, "told": told}
    with logs.step("emit") as facts:
        outcomes: list[SessionOutcome] = finished_first(
            lambda: _emit(engine, run_id, quoted, recipients, clock, **options)
        )
        facts |= Counter(outcome.outcome for outcome in outcomes)
    return outcomes


def deliver_step(
    engine: Engine, channels: Mapping[str, Channel], clock: Clock, *, at_once: bool = False
) -> DeliverySummary:
    """The task that sends what is pending."""
    with logs.step("deliver") as facts:
        delivery = _deliver(engine, channels, clock, at_once=at_once)
        facts |= {"sent": delivery.sent, "problems": len(delivery.problems)}
    return delivery
