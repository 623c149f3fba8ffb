"""The daily flow: one session, from its data to a delivered signal."""

from __future__ import annotations

import datetime as dt
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from sqlalchemy import Engine

from flows import logs
from flows.artifacts import show_session
from flows.fetching import fetch
from flows.outcomes import in_doubt, not_ready, not_whole, state_of, too_late
from flows.sessions import LATEST, parse_session
from flows.steps import compute_step, deliver_step, emit_step
from flows.wiring import Services, services
from signals.errors import DataNotReady, DataQualityError
from signals.quality import require_agreement
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals
from signals.zones import NEW_YORK
from storage.observations import Version
from storage.runs import (
    ALREADY_EMITTED,
    AWAITING_DATA,
    FAILED,
    REVISED,
    SKIPPED,
    SessionOutcome,
)
from tasks.alerts import record_failed_run, record_missing
from tasks.chains import stored_chains
from tasks.compute import reports_on
from tasks.ingest import require_market, stored_version
from tasks.kept_books import KeptBooks
from tasks.notify.deliver import DeliverySummary
from tasks.runs import (
    expected_next,
    finish_run,
    has_reports,
    missed_sessions,
    record_failure,
    record_outcome,
    reread_window,
    start_run,
    stored_sessions,
)
from tasks.schedule import DISPUTES_END_BEFORE_DEADLINE, deadline, session_due
from tasks.sources.payload import Source

#: Runs from here on belong to the session of the day, earlier ones to the one before.
_EVENING = dt.time(18, 0)

_NOTHING_SENT = DeliverySummary(0, ())


@dataclass(frozen=True)
class DailyResult:
    """How a daily run ended.

    Attributes
    ----------
    outcome : SessionOutcome
        Of the session the run was for.
    others : tuple of SessionOutcome
        Of earlier sessions: revised because an input changed, or missed.
    delivery : DeliverySummary
    """

    outcome: SessionOutcome
    others: tuple[SessionOutcome, ...]
    delivery: DeliverySummary


def _flow_run_name() -> str:
    """The session that was asked for; a run that chooses its own is renamed once it has one."""
    session = runtime.flow_run.parameters.get("session")
    return f"daily-{session}" if session else "daily"


@flow(name="daily", flow_run_name=_flow_run_name, persist_result=False)
def daily(
    session: dt.date | Literal["latest"] | None = None,
    source: Literal["live", "files", "sample"] | None = None,
    data_dir: Path | None = None,
    notify: bool = True,
    rule_sets: list[str] | None = None,
) -> State[Any]:
    """Fetch, compute, store and deliver the signal of one session.

    Args:
        session: A date, or "latest" for the last session the source has everything for. By default the last session
            whose close plus two hours precedes the scheduled start of this run.
        source: Where data come from: live, files or sample; by default as configured.
        data_dir: Directory of the source "files"; by default as configured.
        notify: Whether the configured recipients are told.
        rule_sets: Rule sets of the hedges in the report, names or files; by default as configured.
    """
    work = services(rule_sets or ())
    explicit = parse_session(None if session is None else str(session), work)
    due = explicit or session_due(_scheduled_start(work), work.calendar)
    chosen = work.source(source, data_dir, due, joining=True)
    return run_daily(work, chosen, explicit, latest=session == LATEST, notify=notify)


def run_daily(work: Services, source: Source, explicit: dt.date | None, *, latest: bool, notify: bool) -> State[Any]:
    """The body of the flow, on a source that is open; to be called within a flow."""
    logs.start_logging(work.settings)
    engine = work.engine()
    try:
        require_market(engine, source)
        result = _run(work, engine, source, explicit, latest, notify and work.tells(source))
    finally:
        engine.dispose()
    return state_of(result.outcome, result)


def _run(
    work: Services, engine: Engine, source: Source, explicit: dt.date | None, latest: bool, notify: bool
) -> DailyResult:
    scheduled = explicit is None and not latest
    started_at = _scheduled_start(work)
    session = explicit or session_due(started_at, work.calendar)
    run_id = start_run(engine, "daily", source.name, runtime.flow_run.id, work.clock)
    with logs.about(run_id, str(session)):
        result = _in_ledger(work, engine, source, session, run_id, scheduled=scheduled, latest=latest, notify=notify)
        show_session(engine, result.outcome, source, work.settings.review_url)
    return result


def _in_ledger(
    work: Services,
    engine: Engine,
    source: Source,
    session: dt.date,
    run_id: int,
    *,
    scheduled: bool,
    latest: bool,
    notify: bool,
) -> DailyResult:
    """Do what the run is for, and close it in the ledger however it ends."""
    done, ended = False, False
    message = f"{session}: interrupted; run it again"
    logs.tell("start", source=source.name, scheduled=scheduled)
    try:
        result = _outcome(work, engine, source, session, run_id, scheduled=scheduled, latest=latest, notify=notify)
        done, ended = result.outcome.outcome not in (AWAITING_DATA, FAILED), True
        message = f"{result.outcome.session}: {result.outcome.outcome}. {result.outcome.detail}"
        logs.tell("end", outcome=result.outcome.outcome, of=result.outcome.session, others=len(result.others))
    except TerminationSignal:
        message = f"{session}: cancelled; run it again"
        logs.tell("cancelled", logging.WARNING)
        raise
    except Exception as error:
        message = f"{session}: {FAILED}. {error}"
        logs.tell("end", logging.ERROR, outcome=FAILED, error=logs.told_of(error))
        told = work.recipients() if notify else []
        if record_failed_run(engine, run_id, session, message, told, work.clock, VEQTOR.digest, work.calendar, error):
            # What went wrong matters more than whether the alert could be sent now: it stays pending.
            with suppress(Exception):
                _deliver(work, engine, notify=notify)
        raise
    finally:
        if not ended:
            record_failure(engine, run_id, session, message, work.clock, work.calendar)
        following = expected_next(session, done=done, now=work.clock(), calendar=work.calendar) if scheduled else None
        finish_run(engine, run_id, message, following, work.clock)
    return result


def _scheduled_start(work: Services) -> dt.datetime:
    """When this run was meant to start: a late run works on the session it was scheduled for."""
    if work.settings.clock is None and runtime.deployment.id is not None:
        scheduled: dt.datetime = runtime.flow_run.scheduled_start_time
        return scheduled
    return work.clock()


def _outcome(
    work: Services,
    engine: Engine,
    source: Source,
    session: dt.date,
    run_id: int,
    *,
    scheduled: bool,
    latest: bool,
    notify: bool,
) -> DailyResult:
    calendar, digest = work.calendar, VEQTOR.digest
    if not calendar.is_session(session):
        outcome = SessionOutcome(session, SKIPPED, str(calendar.not_a_session(session)))
        record_outcome(engine, run_id, outcome, work.clock)
        return DailyResult(outcome, (), _NOTHING_SENT)
    others: list[SessionOutcome] = []
    told = work.recipients() if notify else []
    if scheduled:
        others = missed_sessions(engine, digest, session, calendar, telling=bool(told))
        for missed in others:
            record_missing(engine, run_id, missed, told, work.clock, digest)
    known = stored_sessions(engine, digest, reread_window(session, calendar))
    if scheduled and session not in known and work.clock() > deadline(session, calendar):
        outcome = too_late(work, session, "The run started after its deadline.")
        record_missing(engine, run_id, outcome, told, work.clock, digest)
        return DailyResult(outcome, tuple(others), _deliver(work, engine, notify=notify))
    work.require_rule_sets()
    first_time = not has_reports(engine, digest)
    problems = fetch(work, engine, source, session, first_time=first_time)
    outcomes: list[SessionOutcome] = []
    # Again where another run has read something newer in the meantime.
    while not outcomes:
        version = stored_version(engine)
        try:
            if first_time and problems:
                raise not_whole(session)
            signals, hashes = compute_step(engine, calendar, session, work.judgement())
            if latest:
                session = signals.inputs.last_session
                known = stored_sessions(engine, digest, reread_window(session, calendar))
            signals.inputs.require(session)
            signals.inputs.require_orders(session)
            if session not in known and _may_wait(work, session):
                require_agreement(signals.inputs, session)
        except (DataNotReady, DataQualityError) as error:
            if isinstance(error, DataQualityError) and not source.heals:
                raise
            reasons = [str(error), *problems]
            why = " ".join(reasons)
            outcome = in_doubt(work, session, why) if session in known else not_ready(work, session, why)
            if not scheduled and work.clock() > deadline(session, calendar):
                # Somebody looks at the past, and knows.
                told = []
            record_missing(
                engine, run_id, outcome, told, work.clock, digest, error=error, why=reasons, in_doubt=session in known
            )
            return DailyResult(outcome, tuple(others), _deliver(work, engine, notify=notify))
        outcomes = _emit(work, engine, signals, hashes, version, sorted(known | {session}), run_id, notify=notify)
    others += [item for item in outcomes if item.session != session and item.outcome == REVISED]
    outcome = outcomes[-1]
    if problems and outcome.outcome == ALREADY_EMITTED:
        outcome = replace(
            outcome, detail=f"{outcome.detail}. Its inputs could not all be read again. {' '.join(problems)}"
        )
    if scheduled and outcome.outcome == ALREADY_EMITTED and (holiday := _evening_without_session(work)):
        detail = f"{calendar.not_a_session(holiday)} The signal of {session} is out."
        outcome = SessionOutcome(holiday, SKIPPED, detail)
        record_outcome(engine, run_id, outcome, work.clock)
    return DailyResult(outcome, tuple(others), _deliver(work, engine, notify=notify))


def _may_wait(work: Services, session: dt.date) -> bool:
    """Whether there is time enough for publishers that disagree to mend what they published."""
    return work.clock() < deadline(session, work.calendar) - DISPUTES_END_BEFORE_DEADLINE


def _evening_without_session(work: Services) -> dt.date | None:
    """The day of a run meant for the evening of a day on which the exchange was closed."""
    started_at = _scheduled_start(work).astimezone(NEW_YORK)
    evening = started_at.time() >= _EVENING
    return started_at.date() if evening and not work.calendar.is_session(started_at.date()) else None


def _emit(
    work: Services,
    engine: Engine,
    signals: VeqtorSignals,
    hashes: dict[int, str],
    version: Version,
    sessions: list[dt.date],
    run_id: int,
    *,
    notify: bool,
) -> list[SessionOutcome]:
    """Store the reports of some sessions; returns nothing where they have to be computed again."""
    make = KeptBooks(engine, since=sessions[0]).hedges
    hedges = work.hedges(signals, stored_chains(engine, work.calendar, keep=True), make)
    settings = work.settings
    reports = reports_on(signals, sessions, settings.notional_usd, hashes, settings.variants, hedges, work.approvals)
    told = work.recipients() if notify else []
    if not work.asks_for_hedges:
        return emit_step(engine, run_id, reports, told, work.clock, based_on=version)
    # Hedges named for this run are those of its session.
    earlier = emit_step(engine, run_id, reports[:-1], told, work.clock, based_on=version)
    if len(earlier) < len(reports) - 1:
        return []
    last = emit_step(engine, run_id, reports[-1:], told, work.clock, adding_variants=True, based_on=version)
    return earlier + last if last else []


def _deliver(work: Services, engine: Engine, *, notify: bool) -> DeliverySummary:
    if not notify:
        return _NOTHING_SENT
    # Whoever starts a run by hand does not want to wait for a message that was turned away.
    return deliver_step(engine, work.channels(), work.clock, at_once=runtime.deployment.id is None)
