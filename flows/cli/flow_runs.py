"""Running a flow on a terminal: Prefect out of sight, and the words for how it ended that commands share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.main import Terminated
from flows.cli.output import say
from storage.runs import SessionOutcome

if TYPE_CHECKING:
    from flows.wiring import Services
    from tasks.notify.deliver import DeliverySummary
    from tasks.sources.payload import Source


def quiet_prefect() -> None:
    """Keep Prefect's own messages off the terminal, and its telemetry off, unless somebody asked for them."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def check_services(source: str | None, data_dir: Path | None, rule_sets: Sequence[str] = ()) -> tuple[Services, Source]:
    """Find out what cannot work before Prefect is started, which takes some seconds."""
    from flows.secret_files import warn_of_exposed_secrets
    from flows.wiring import services
    from tasks.ingest import require_market

    warn_of_exposed_secrets()
    work = services(rule_sets)
    work.require_rule_sets()
    chosen = work.source(source, data_dir)
    engine = work.engine()
    try:
        require_market(engine, chosen)
    finally:
        engine.dispose()
    return work, chosen


def run_flow(flow: Callable[..., Any], *, workers_report: bool = False, **parameters: Any) -> Any:
    """Run a flow in this process and return its result; raise what it raised.

    With `workers_report`, processes that the flow starts are told of its temporary server: without, each would start
    one of its own.
    """
    with _terminable():
        _start_temporary_server()
        with _address_told() if workers_report else nullcontext():
            state = flow(**parameters, return_state=True)
    # Prefect wraps what a flow puts into its final state.
    data = getattr(state.data, "result", state.data)
    if isinstance(data, BaseException):
        raise data
    return data


@contextmanager
def _terminable() -> Iterator[None]:
    """Turn SIGTERM, which service managers and `kill` send, into an exception.

    While a flow runs, Prefect has a handler of its own that lets the flow close its books, and sends the signal on to
    this one. Without it the process would end there and leave the temporary server behind.
    """

    def terminate(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _start_temporary_server() -> None:
    """Start the server that Prefect would start by itself, but out of reach of Ctrl-C.

    A terminal sends Ctrl-C to every process it started. Without its server Prefect could not end a run: it would try to
    reach it for more than a minute. A child inherits which signals are blocked.
    """
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        SubprocessASGIServer().start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _address_told() -> AbstractContextManager[Any]:
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL, temporary_settings

    return temporary_settings({PREFECT_API_URL: PREFECT_API_URL.value() or SubprocessASGIServer().api_url})


def outcome_document(outcome: SessionOutcome) -> dict[str, Any]:
    """An outcome for a program to read."""
    return {
        "session": outcome.session.isoformat(),
        "outcome": outcome.outcome,
        "detail": outcome.detail,
        "next_attempt_at": outcome.next_attempt_at and outcome.next_attempt_at.isoformat(),
        "deadline_at": outcome.deadline_at and outcome.deadline_at.isoformat(),
    }


def print_silence(work: Services, source: Source) -> None:
    """Say that recipients were left alone because the market is simulated."""
    if work.recipients() and not work.tells(source):
        say("Nobody was told: the market is simulated. TAILGUARD_NOTIFY_SIMULATED=true tells the recipients anyway.")


def print_delivery(delivery: DeliverySummary) -> None:
    """Say how many messages were sent, and which were not."""
    if delivery.sent:
        say(f"Delivered: {delivery.sent} message{'s' if delivery.sent > 1 else ''}.")
    for problem in delivery.problems:
        say(f"Not delivered: {problem}. See `tailguard outbox list`.", err=True)
