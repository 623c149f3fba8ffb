"""The backfill flow: a range of sessions in one run, over the same steps as the daily flow."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.states import Completed
from sqlalchemy import Engine

from flows import logs
from flows.artifacts import ProgressArtifact, show_range
from flows.outcomes import STATE_NAMES
from flows.ranges import Advance, Mode, chunks, progress_bar
from flows.sessions import sessions_in_range
from flows.steps import compute_step, deliver_step, emit_step, fetch_step
from flows.wiring import Services, services
from signals.errors import ConfigurationError, DataNotReady
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals
from storage.observations import Version
from storage.runs import AWAITING_DATA, FAILED, SessionOutcome
from tasks.chains import stored_chains
from tasks.compute import reports_on
from tasks.ingest import require_market, stored_version
from tasks.kept_books import KeptBooks
from tasks.notify.deliver import DeliverySummary
from tasks.persist import Recipient
from tasks.runs import finish_run, record_outcome, start_run, stored_sessions
from tasks.schedule import deadline
from tasks.sources.payload import Source


@dataclass(frozen=True)
class BackfillResult:
    """How a backfill ended.

    Attributes
    ----------
    sessions : int
        In the range.
    already_there : int
        Left alone because they had a report and only missing ones were asked for.
    outcomes : dict of outcome to count
    waiting : SessionOutcome or None
        The first session without its inputs, if the range has one; it and all later ones have no report.
    delivery : DeliverySummary
    """

    sessions: int
    already_there: int
    outcomes: dict[str, int]
    waiting: SessionOutcome | None
    delivery: DeliverySummary


@flow(name="backfill", flow_run_name="backfill-{start}-{end}", persist_result=False)
def backfill(
    start: dt.date,
    end: dt.date,
    mode: Mode = Mode.MISSING,
    source: Literal["live", "files", "sample"] | None = None,
    data_dir: Path | None = None,
    notify: bool = False,
    rule_sets: list[str] | None = None,
    told: bool = False,
) -> State[Any]:
    """Compute and store the signals of every session in a range.

    Args:
        start: First day; 2005-12-20 is the earliest.
        end: Last day, included.
        mode: "missing" leaves sessions that have a report alone; "recompute" computes all and stores a revision where
            something changed.
        source: Where data come from: live, files or sample; by default as configured.
        data_dir: Directory of the source "files"; by default as configured.
        notify: Whether the configured recipients are told of each session. Usually not.
        rule_sets: Rule sets of the hedges in the reports, names or files; by default as configured.
        told: Whether the configured recipients had these signals before: recorded, and nothing is sent. For a database
            that was restored from a backup.
    """
    work = services(rule_sets or ())
    logs.start_logging(work.settings)
    work.require_rule_sets()
    sessions = sessions_in_range(str(start), str(end), work)
    chosen = work.source(source, data_dir, sessions[-1], sessions[0], joining=True)
    recipients = recipients_of(work, chosen, notify=notify, told=told)
    engine = work.engine()
    try:
        require_market(engine, chosen)
        result = _run(work, engine, chosen, sessions, mode, recipients, told)
    finally:
        engine.dispose()
    show_range(chosen, (f"mode:{mode.value}", *(f"outcome:{outcome}" for outcome in _outcomes(result))))
    name = STATE_NAMES[AWAITING_DATA] if result.waiting else None
    return Completed(data=result, message=describe(result), name=name)


def recipients_of(work: Services, source: Source, *, notify: bool, told: bool) -> list[Recipient]:
    """Who is told of each session, or was told of it before.

    Raises
    ------
    ConfigurationError
        If both are asked for, or if there is nobody who could have been told.
    """
    if notify and told:
        raise ConfigurationError(
            "--told",
            expected="no --notify beside it",
            got="both",
            do="Use --notify to send messages, --told to record that they were sent before.",
        )
    recipients = work.recipients() if (notify or told) and work.tells(source) else []
    if told and not recipients:
        raise ConfigurationError(
            "--told",
            expected="recipients in the settings, who are told of this source",
            got="none",
            do="Run it with the settings and secrets of the service: `tailguard config show` prints them.",
        )
    return recipients


def _outcomes(result: BackfillResult) -> list[str]:
    return [*result.outcomes, *([result.waiting.outcome] if result.waiting else [])]


def describe(result: BackfillResult) -> str:
    """The result in one line."""
    parts = [f"{count} {outcome}" for outcome, count in sorted(result.outcomes.items())]
    if result.already_there:
        parts.append(f"{result.already_there} there already")
    if result.waiting:
        parts.append(f"stopped at {result.waiting.session}: {result.waiting.detail}")
    return f"{result.sessions} sessions: {', '.join(parts)}"


def _run(
    work: Services,
    engine: Engine,
    source: Source,
    sessions: list[dt.date],
    mode: Mode,
    recipients: list[Recipient],
    told: bool,
) -> BackfillResult:
    span = f"{sessions[0]} to {sessions[-1]}"
    run_id = start_run(engine, "backfill", source.name, runtime.flow_run.id, work.clock)
    message = f"{span}: interrupted; run it again to go on"
    with logs.about(run_id, f"{sessions[0]}..{sessions[-1]}"):
        logs.tell("start", source=source.name, mode=mode.value, sessions=len(sessions))
        try:
            result = _emit_range(work, engine, source, sessions, mode, recipients, told, run_id)
            message = describe(result)
            logs.tell("end", **result.outcomes, already_there=result.already_there, waiting=result.waiting is not None)
        except TerminationSignal:
            message = f"{span}: cancelled; run it again to go on"
            logs.tell("cancelled", logging.WARNING)
            raise
        except Exception as error:
            message = f"{span}: {FAILED}. {error}"
            logs.tell("end", logging.ERROR, outcome=FAILED, error=logs.told_of(error))
            raise
        finally:
            finish_run(engine, run_id, message, None, work.clock)
    return result


def _emit_range(
    work: Services,
    engine: Engine,
    source: Source,
    sessions: list[dt.date],
    mode: Mode,
    recipients: list[Recipient],
    told: bool,
    run_id: int,
) -> BackfillResult:
    there = stored_sessions(engine, VEQTOR.digest, sessions) if mode == Mode.MISSING else set()
    wanted = [session for session in sessions if session not in there]
    if not wanted:
        return BackfillResult(len(sessions), len(there), {}, None, DeliverySummary(0, ()))
    refused = fetch_step(source, engine, work.clock, whole=True).refused
    version, signals, hashes = _computed(work, engine, sessions[-1])
    ready = [session for session in wanted if session <= signals.inputs.last_session]
    # What is asked for again is folded from the beginning.
    make = KeptBooks(engine, since=None if mode == Mode.RECOMPUTE or not ready else ready[0]).hedges
    hedges = work.hedges(signals, stored_chains(engine, work.calendar, keep=True), make)
    settings, counts = work.settings, Counter[str]()
    with _progress(len(wanted)) as advance:
        for chunk in chunks(ready):
            outcomes: list[SessionOutcome] = []
            while not outcomes:
                reports = reports_on(
                    signals, chunk, settings.notional_usd, hashes, settings.variants, hedges, work.approvals
                )
                outcomes = emit_step(
                    engine,
                    run_id,
                    reports,
                    recipients,
                    work.clock,
                    adding_variants=mode == Mode.RECOMPUTE,
                    based_on=version,
                    told=told,
                )
                if not outcomes:
                    # Another run has read something newer in the meantime.
                    version, signals, hashes = _computed(work, engine, sessions[-1])
                    hedges = work.hedges(signals, stored_chains(engine, work.calendar, keep=True), make)
            counts.update(item.outcome for item in outcomes)
            advance(len(chunk))
    waiting = None
    if len(ready) < len(wanted):
        try:
            signals.inputs.require(wanted[len(ready)])
        except DataNotReady as error:
            why = " ".join([str(error), *refused])
            waiting = _waiting(work, engine, wanted[len(ready)], why, run_id)
    sends = recipients and not told
    delivery = deliver_step(engine, work.channels(), work.clock) if sends else DeliverySummary(0, ())
    return BackfillResult(len(sessions), len(there), dict(counts), waiting, delivery)


def _computed(work: Services, engine: Engine, through: dt.date) -> tuple[Version, VeqtorSignals, dict[int, str]]:
    """The signals, and the version of the database they were computed from."""
    version = stored_version(engine)
    return version, *compute_step(engine, work.calendar, through, work.judgement())


def _waiting(work: Services, engine: Engine, session: dt.date, why: str, run_id: int) -> SessionOutcome:
    due = deadline(session, work.calendar)
    outcome = SessionOutcome(session, FAILED if work.clock() > due else AWAITING_DATA, why, None, due)
    record_outcome(engine, run_id, outcome, work.clock)
    return outcome


@contextmanager
def _progress(total: int) -> Iterator[Advance]:
    """A progress bar on standard error, where that is a terminal, and in Prefect's web page, where there is one."""
    page = ProgressArtifact(total)
    with progress_bar(total) as bar:

        def advance(count: int) -> None:
            bar(count)
            page.advance(count)

        yield advance
