"""The health check: whether runs come, end, emit and reach people; and what is due in the outbox is sent."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import logs
from flows.steps import deliver_step
from flows.wiring import Services, services
from storage.outbox import PENDING, SENDING
from tasks.health import problems, read_ledger

#: The state of a check that found nothing wrong; otherwise it is named after the gravest problem.
HEALTHY = "Healthy"


@flow(name="health-check", flow_run_name="health-check", persist_result=False)
def health_check() -> State[Any]:
    """Send what is due in the outbox, then judge the ledger of runs: no source is asked and nothing is computed.

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
