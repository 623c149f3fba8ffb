"""The health check: whether runs come, end, emit and reach people; and what is due in the outbox is sent."""

from __future__ import annotations

from typing import Any

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from sqlalchemy import Engine

from flows import logs
from flows.steps import deliver_step
from flows.wiring import Services, services
from signals.veqtor.rules import VEQTOR
from storage.outbox import PENDING, SENDING
from storage.runs import AWAITING_DATA
from storage.unit_of_work import UnitOfWork
from tasks.alerts import record_missing, sessions_to_tell_of
from tasks.health import problems, read_ledger
from tasks.runs import finish_run, start_run

#: The state of a check that found nothing wrong; otherwise it is named after the gravest problem.
HEALTHY = "Healthy"


@flow(name="health-check", flow_run_name="health-check", persist_result=False)
def health_check() -> State[Any]:
    """Send what is due in the outbox, then judge the ledger of runs: no source is asked and nothing is computed.

    Recipients are told of a session that no run is left to tell of, because the last one was killed or did not come.

    The run fails, in a state named after the gravest problem, when a session has no report after its deadline
    (NoSignal), no run came at its attempt (NoRun), a run has not ended for hours (Unfinished), or a message is
    uncertain, given up or waiting for long (Undelivered). Its message lists every problem and what to do.
    """
    work = services()
    logs.start_logging(work.settings)
    return check(work)


def check(work: Services) -> State[Any]:
    """The body of the flow; to be called within a flow."""
    engine = work.engine()
    try:
        _raise_alerts(work, engine)
        messages = read_ledger(engine).messages
        if messages.get(PENDING) or messages.get(SENDING):
            deliver_step(engine, work.channels(), work.clock)
        ledger = read_ledger(engine)
    finally:
        engine.dispose()
    found = problems(ledger, work.clock())
    if found:
        return Failed(name=found[0].name, message="\n".join(map(str, found)))
    due = ledger.expected
    said = f"next attempt {due.attempt_at:%Y-%m-%d %H:%M} UTC at session {due.session}" if due else "no run yet"
    return Completed(name=HEALTHY, message=said)


def _raise_alerts(work: Services, engine: Engine) -> None:
    """Raise the alerts that no run will; it enters itself into the ledger only where there are some."""
    with UnitOfWork(engine) as unit:
        simulated = bool(unit.observations.is_simulated())
    told = [] if simulated and not work.settings.notify_simulated else work.recipients()
    found = sessions_to_tell_of(engine, VEQTOR.digest, work.clock(), work.calendar) if told else []
    if not found:
        return
    run_id = start_run(engine, "health-check", work.settings.source, runtime.flow_run.id, work.clock)
    for outcome in found:
        why = [outcome.detail] if outcome.outcome == AWAITING_DATA else []
        record_missing(engine, run_id, outcome, told, work.clock, VEQTOR.digest, why=why)
    sessions = ", ".join(str(outcome.session) for outcome in found)
    finish_run(engine, run_id, f"{sessions}: no run was left to tell of it", None, work.clock)
