"""The daily flow: one session, from its data to a delivered signal."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from sqlalchemy import Engine

from flows.sessions import LATEST, parse_session
from flows.steps import compute_step, deliver_step, emit_step, fetch_step
from flows.wiring import Services, services
from signals.calendar import NEW_YORK
from signals.errors import DataNotReady, DataQualityError, TransientSourceError
from signals.quality import require_agreement
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals
from storage.runs import (
    ALREADY_EMITTED,
    AWAITING_DATA,
    EMITTED,
    FAILED,
    REVISED,
    SKIPPED,
    SessionOutcome,
)
from tasks.alerts import record_failed_run, record_missing
from tasks.chains import stored_chains
from tasks.compute import reports_on
from tasks.ingest import PartlyFetched, require_market, stored_days
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
from tasks.schedule import DISPUTES_END_BEFORE_DEADLINE, deadline, next_attempt_in_time, session_due
from tasks.sources.payload import Source

#: Runs from here on belong to the session of the day, earlier ones to the one before.
_EVENING = dt.time(18, 0)

STATE_NAMES = {
    EMITTED: "Emitted",
    REVISED: "Revised",
    ALREADY_EMITTED: "AlreadyEmitted",
    SKIPPED: "Skipped",
    AWAITING_DATA: "AwaitingData",
}


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


#: A fetch reads the files of contracts that were alive so many sessions back, and some more.
_REACHED_AGAIN = 60

#: How much a wait before asking again is stretched, by chance, so that not everybody asks at once.
_RETRY_JITTER = 0.3

_NOTHING_SENT = DeliverySummary(0, ())


@flow(name="daily", flow_run_name="daily-{session}", persist_result=False)
def daily(
    session: str | None = None,
    source: str | None = None,
    data_dir: str | None = None,
    notify: bool = True,
    rule_sets: list[str] | None = None,
) -> State[Any]:
    """Fetch, compute, store and deliver the signal of one session.

    Args:
        session: Date as yyyy-mm-dd, or "latest" for the last session the source has everything for. By default the
            last session whose close plus two hours precedes the scheduled start of this run.
        source: Where data come from: live, files or sample; by default as configured.
        data_dir: Directory of the source "files"; by default as configured.
        notify: Whether the configured recipients are told.
        rule_sets: Rule sets of the hedges in the report, names or files; by default as configured.
    """
    work = services(rule_sets or ())
    explicit = parse_session(session, work)
    due = explicit or session_due(_scheduled_start(work), work.calendar)
    chosen = work.source(source, Path(data_dir) if data_dir else None, due, joining=True)
    return run_daily(work, chosen, explicit, latest=session == LATEST, notify=notify)


def run_daily(work: Services, source: Source, explicit: dt.date | None, *, latest: bool, notify: bool) -> State[Any]:
    """The body of the flow, on a source that is open; to be called within a flow."""
    work.require_rule_sets()
    engine = work.engine()
    try:
        require_market(engine, source)
        result = _run(work, engine, source, explicit, latest, notify and work.tells(source))
    finally:
        engine.dispose()
    return _state(result)


def _run(
    work: Services, engine: Engine, source: Source, explicit: dt.date | None, latest: bool, notify: bool
) -> DailyResult:
    scheduled = explicit is None and not latest
    started_at = _scheduled_start(work)
    session = explicit or session_due(started_at, work.calendar)
    run_id = start_run(engine, "daily", source.name, runtime.flow_run.id, work.clock)
    done, ended = False, False
    message = f"{session}: interrupted; run it again"
    try:
        result = _outcome(work, engine, source, session, run_id, scheduled=scheduled, latest=latest, notify=notify)
        done, ended = result.outcome.outcome not in (AWAITING_DATA, FAILED), True
        message = f"{result.outcome.session}: {result.outcome.outcome}. {result.outcome.detail}"
    except Exception as error:
        message = f"{session}: {FAILED}. {error}"
        told = work.recipients() if notify else []
        if record_failed_run(engine, run_id, session, message, told, work.clock, VEQTOR.digest, work.calendar, error):
            # What went wrong matters more than whether the alert could be sent now: it stays pending.
            with suppress(Exception):
                _deliver(work, engine, notify=notify)
        raise
    finally:
        if not ended:
            record_failure(engine, run_id, session, message, work.clock)
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
        outcome = _too_late(work, session, "The run started after its deadline.")
        record_missing(engine, run_id, outcome, told, work.clock, digest)
        return DailyResult(outcome, tuple(others), _deliver(work, engine, notify=notify))
    first_time = not has_reports(engine, digest)
    problems = _fetch(work, engine, source, whole=first_time or not _is_next(work, engine, session))
    try:
        if first_time and problems:
            raise _not_whole(session)
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
        outcome = _in_doubt(work, session, why) if session in known else _not_ready(work, session, why)
        if not scheduled and work.clock() > deadline(session, calendar):
            # Somebody looks at the past, and knows.
            told = []
        record_missing(
            engine, run_id, outcome, told, work.clock, digest, error=error, why=reasons, in_doubt=session in known
        )
        return DailyResult(outcome, tuple(others), _deliver(work, engine, notify=notify))
    outcomes = _emit(work, engine, signals, hashes, sorted(known | {session}), run_id, notify=notify)
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


def _not_whole(session: dt.date) -> DataNotReady:
    """The error for a first fetch that is not complete: levels would begin where what is missing lets them."""
    return DataNotReady(
        f"session {session}",
        expected="everything at once before the first report of a database, on which its index levels will rest",
        got="a part",
        do="Nothing of it was stored.",
        missing=("all that the first report needs",),
    )


def _in_doubt(work: Services, session: dt.date, why: str) -> SessionOutcome:
    """The outcome of a session that is out, and of which an input was taken back or contradicted since."""
    due = deadline(session, work.calendar)
    detail = f"The signal is out, and what it rests on cannot be used any more: check it before acting on it. {why}"
    return SessionOutcome(session, FAILED, detail, None, due)


def _is_next(work: Services, engine: Engine, session: dt.date) -> bool:
    """Whether a session follows what is stored so closely that the next fetch reads again what this one lacks."""
    stored = stored_days(engine)
    return stored is not None and 0 < len(work.calendar.sessions_in(stored.last, session)) <= _REACHED_AGAIN


def _may_wait(work: Services, session: dt.date) -> bool:
    """Whether there is time enough for publishers that disagree to mend what they published."""
    return work.clock() < deadline(session, work.calendar) - DISPUTES_END_BEFORE_DEADLINE


def _fetch(work: Services, engine: Engine, source: Source, *, whole: bool) -> list[str]:
    """Fetch and store; returns what publishers did not answer or answered wrongly, a sentence each.

    A session is computed from what is stored all the same: it may need none of what is missing, or may have it from an
    earlier attempt. A scheduled run asks again, some minutes apart; on a terminal somebody waits for the answer.
    """
    settings = work.settings
    scheduled = runtime.deployment.id is not None
    step = fetch_step.with_options(
        retries=settings.fetch_retries if scheduled else 0,
        retry_delay_seconds=[settings.fetch_retry_seconds * 2**retry for retry in range(settings.fetch_retries)],
        retry_jitter_factor=_RETRY_JITTER,
        retry_condition_fn=_may_heal_soon,
    )
    try:
        return list(step(source, engine, work.clock, whole=whole).refused)
    except PartlyFetched as error:
        return [str(error), *error.summary.refused]
    except (TransientSourceError, DataQualityError) as error:
        if not source.heals:
            raise
        return [str(error)]


def _may_heal_soon(_task: Any, _run: Any, state: State[Any]) -> bool:
    return isinstance(state.data, TransientSourceError) and state.data.worth_retrying


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
    sessions: list[dt.date],
    run_id: int,
    *,
    notify: bool,
) -> list[SessionOutcome]:
    hedges = work.hedges(signals, stored_chains(engine, work.calendar, keep=True))
    reports = reports_on(signals, sessions, work.settings.notional_usd, hashes, work.settings.variants, hedges)
    told = work.recipients() if notify else []
    if not work.asks_for_hedges:
        return emit_step(engine, run_id, reports, told, work.clock)
    # Hedges named for this run are those of its session.
    earlier = emit_step(engine, run_id, reports[:-1], told, work.clock)
    return earlier + emit_step(engine, run_id, reports[-1:], told, work.clock, adding_variants=True)


def _deliver(work: Services, engine: Engine, *, notify: bool) -> DeliverySummary:
    if not notify:
        return _NOTHING_SENT
    return deliver_step(engine, work.channels(), work.clock)


def _not_ready(work: Services, session: dt.date, why: str) -> SessionOutcome:
    now, due = work.clock(), deadline(session, work.calendar)
    if now > due:
        return _too_late(work, session, why)
    attempt = next_attempt_in_time(session, now, work.calendar)
    when = f"Next attempt {attempt:%a %Y-%m-%d %H:%M}" if attempt else "No further attempt is scheduled"
    detail = f"{why} {when}, deadline {due:%a %Y-%m-%d %H:%M} New York."
    return SessionOutcome(session, AWAITING_DATA, detail, attempt, due)


def _too_late(work: Services, session: dt.date, why: str) -> SessionOutcome:
    due = deadline(session, work.calendar)
    passed = f"The deadline, {due:%a %Y-%m-%d %H:%M} New York, has passed"
    record = f"`tailguard backfill --start {session} --end {session}` records the session once its data are there"
    detail = f"{why} {passed}; {record}."
    return SessionOutcome(session, FAILED, detail, None, due)


def _state(result: DailyResult) -> State[Any]:
    outcome = result.outcome
    message = f"{outcome.session}: {outcome.detail}"
    if outcome.outcome == FAILED:
        return Failed(data=result, message=message)
    return Completed(data=result, message=message, name=STATE_NAMES[outcome.outcome])
