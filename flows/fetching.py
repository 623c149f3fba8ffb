"""Fetching for a daily run: what is asked for again, and what a session can do without."""

from __future__ import annotations

import datetime as dt
from typing import Any

from prefect import runtime
from prefect.client.schemas.objects import State
from sqlalchemy import Engine

from flows.steps import fetch_step
from flows.wiring import Services
from signals.errors import DataQualityError, TransientSourceError
from tasks.ingest import PartlyFetched, stored_days
from tasks.sources.payload import Source

#: A fetch reads the files of contracts that were alive so many sessions back, and some more.
_REACHED_AGAIN = 60

#: How much a wait before asking again is stretched, by chance, so that not everybody asks at once.
_RETRY_JITTER = 0.3


def fetch(work: Services, engine: Engine, source: Source, session: dt.date, *, first_time: bool) -> list[str]:
    """Fetch and store; returns what publishers did not answer or answered wrongly, a sentence each.

    A session is computed from what is stored all the same: it may need none of what is missing, or may have it from an
    earlier attempt. A scheduled run asks again, some minutes apart; on a terminal somebody waits for the answer.
    """
    settings = work.settings
    scheduled = runtime.deployment.id is not None
    whole = first_time or not _is_next(work, engine, session)
    try:
        summary = fetch_step(
            source,
            engine,
            work.clock,
            whole=whole,
            retries=settings.fetch_retries if scheduled else 0,
            retry_delay_seconds=[settings.fetch_retry_seconds * 2**retry for retry in range(settings.fetch_retries)],
            retry_jitter_factor=_RETRY_JITTER,
            retry_condition_fn=_may_heal_soon,
        )
        return list(summary.refused)
    except PartlyFetched as error:
        return [str(error), *error.summary.refused]
    except (TransientSourceError, DataQualityError) as error:
        if not source.heals:
            raise
        return [str(error)]


def _may_heal_soon(_task: Any, _run: Any, state: State[Any]) -> bool:
    return isinstance(state.data, TransientSourceError) and state.data.worth_retrying


def _is_next(work: Services, engine: Engine, session: dt.date) -> bool:
    """Whether a session follows what is stored so closely that the next fetch reads again what this one lacks."""
    stored = stored_days(engine)
    return stored is not None and 0 < len(work.calendar.sessions_in(stored.last, session)) <= _REACHED_AGAIN
