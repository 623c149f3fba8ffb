"""The backfill flow: a range of sessions in one run, over the same steps as the daily flow."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import Engine

from flows.sessions import sessions_in_range
from flows.steps import compute_step, deliver_step, emit_step, fetch_step
from flows.wiring import Services, services
from signals.errors import DataNotReady
from signals.veqtor.rules import VEQTOR
from storage.runs import AWAITING_DATA, FAILED, SessionOutcome
from tasks.chains import stored_chains
from tasks.compute import reports_on
from tasks.ingest import require_market
from tasks.notify.deliver import DeliverySummary
from tasks.runs import finish_run, record_outcome, start_run, stored_sessions
from tasks.schedule import deadline
from tasks.sources.payload import Source

#: Sessions per transaction: what an interrupted backfill can lose.
CHUNK_SESSIONS = 250

MISSING, RECOMPUTE = "missing", "recompute"


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


class _Advance(Protocol):
    def __call__(self, count: int) -> None: ...


@flow(name="backfill", flow_run_name="backfill-{start}-{end}", persist_result=False)
def backfill(
    start: str,
    end: str,
    mode: Literal["missing", "recompute"] = "missing",
    source: str | None = None,
    data_dir: str | None = None,
    notify: bool = False,
    rule_sets: list[str] | None = None,
) -> State[Any]:
    """Compute and store the signals of every session in a range.

    Args:
        start: First day, as yyyy-mm-dd; 2005-12-20 is the earliest.
        end: Last day, included.
        mode: "missing" leaves sessions that have a report alone; "recompute" computes all and stores a revision where
            something changed.
        source: Where data come from: live, files or sample; by default as configured.
        data_dir: Directory of the source "files"; by default as configured.
        notify: Whether the configured recipients are told of each session. Usually not.
        rule_sets: Rule sets of the hedges in the reports, names or files; by default as configured.
    """
    work = services(rule_sets or ())
    work.require_rule_sets()
    sessions = sessions_in_range(start, end, work)
    chosen = work.source(source, Path(data_dir) if data_dir else None, sessions[-1], sessions[0], joining=True)
    engine = work.engine()
    try:
        require_market(engine, chosen)
        result = _run(work, engine, chosen, sessions, mode, notify and work.tells(chosen))
    finally:
        engine.dispose()
    return Completed(data=result, message=describe(result))


def describe(result: BackfillResult) -> str:
    """The result in one line."""
    parts = [f"{count} {outcome}" for outcome, count in sorted(result.outcomes.items())]
    if result.already_there:
        parts.append(f"{result.already_there} there already")
    if result.waiting:
        parts.append(f"stopped at {result.waiting.session}: {result.waiting.detail}")
    return f"{result.sessions} sessions: {', '.join(parts)}"


def _run(
    work: Services, engine: Engine, source: Source, sessions: list[dt.date], mode: str, notify: bool
) -> BackfillResult:
    run_id = start_run(engine, "backfill", source.name, runtime.flow_run.id, work.clock)
    message = f"{sessions[0]} to {sessions[-1]}: interrupted; run it again to go on"
    try:
        result = _emit_range(work, engine, source, sessions, mode, notify, run_id)
        message = describe(result)
    except Exception as error:
        message = f"{sessions[0]} to {sessions[-1]}: {FAILED}. {error}"
        raise
    finally:
        finish_run(engine, run_id, message, None, work.clock)
    return result


def _emit_range(
    work: Services, engine: Engine, source: Source, sessions: list[dt.date], mode: str, notify: bool, run_id: int
) -> BackfillResult:
    there = stored_sessions(engine, VEQTOR.digest, sessions) if mode == MISSING else set()
    wanted = [session for session in sessions if session not in there]
    if not wanted:
        return BackfillResult(len(sessions), len(there), {}, None, DeliverySummary(0, ()))
    refused = fetch_step(source, engine, work.clock, whole=True).refused
    signals, hashes = compute_step(engine, work.calendar, sessions[-1], work.judgement())
    ready = [session for session in wanted if session <= signals.inputs.last_session]
    hedges = work.hedges(signals, stored_chains(engine, work.calendar, keep=True))
    counts: Counter[str] = Counter()
    recipients = work.recipients() if notify else []
    with _progress(len(wanted)) as advance:
        for first in range(0, len(ready), CHUNK_SESSIONS):
            chunk = ready[first : first + CHUNK_SESSIONS]
            reports = reports_on(signals, chunk, work.settings.notional_usd, hashes, work.settings.variants, hedges)
            counts.update(
                item.outcome
                for item in emit_step(
                    engine, run_id, reports, recipients, work.clock, adding_variants=mode == RECOMPUTE
                )
            )
            advance(len(chunk))
    waiting = None
    if len(ready) < len(wanted):
        try:
            signals.inputs.require(wanted[len(ready)])
        except DataNotReady as error:
            why = " ".join([str(error), *refused])
            waiting = _waiting(work, engine, wanted[len(ready)], why, run_id)
    delivery = deliver_step(engine, work.channels(), work.clock) if notify else DeliverySummary(0, ())
    return BackfillResult(len(sessions), len(there), dict(counts), waiting, delivery)


def _waiting(work: Services, engine: Engine, session: dt.date, why: str, run_id: int) -> SessionOutcome:
    due = deadline(session, work.calendar)
    outcome = SessionOutcome(session, FAILED if work.clock() > due else AWAITING_DATA, why, None, due)
    record_outcome(engine, run_id, outcome, work.clock)
    return outcome


@contextmanager
def _progress(total: int) -> Iterator[_Advance]:
    """A progress bar on standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("backfill"), BarColumn(), MofNCompleteColumn(), TextColumn("sessions"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("backfill", total=total)
        yield lambda count: progress.update(task, advance=count)
