"""The quickstart flow: one session from payloads that are there already, through the same steps as the daily flow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.daily import run_daily
from flows.wiring import Services, services
from signals.errors import DataNotReady
from tasks.compute import compute
from tasks.ingest import read_source
from tasks.schedule import session_due
from tasks.sources.fetched import FetchedSource, fetch_once

#: What the whole of the live attempt may take.
LIVE_SECONDS = 10.0


def fetch_live(work: Services) -> FetchedSource:
    """The payloads behind the last signal, from the live sources.

    Raises
    ------
    TransientSourceError
        When one of them cannot be reached, or not all answer in time.
    """
    return fetch_once(work.live_source(session_due(work.clock(), work.calendar), deadline_seconds=LIVE_SECONDS))


def fetch_sample(work: Services) -> FetchedSource:
    """The payloads of the sample market up to the last session that closed."""
    return fetch_once(work.source("sample", None))


def complete_session(work: Services, source: FetchedSource) -> dt.date:
    """The last session for which a source has everything: the last that closed, or the one before it.

    Raises
    ------
    DataNotReady, DataQualityError
        When it has nothing as recent.
    """
    due = session_due(work.clock(), work.calendar)
    signals = compute(read_source(source)[0], work.calendar, due, work.judgement())
    found = signals.inputs.last_session
    if found < work.calendar.previous_session(due):
        try:
            signals.inputs.require(due)
        except DataNotReady as error:
            raise DataNotReady(
                f"session {due}",
                expected="a signal of it or of the session before",
                got=f"nothing after {found}: {error.got}",
                do="Run again when it is published.",
                missing=error.missing,
            ) from error
    return found


def quickstart_flow(source: FetchedSource, session: dt.date) -> Callable[..., State[Any]]:
    """The flow that emits a session from these payloads and tells nobody.

    They are not a parameter of it: Prefect would store them with the run.
    """

    @flow(name="quickstart", flow_run_name=f"quickstart-{session}", persist_result=False)
    def quickstart() -> State[Any]:
        return run_daily(services(), source, session, latest=False, notify=False)

    return quickstart
