"""The steps as Prefect tasks.

Their inputs are open connections and clocks: nothing to hash or to cache, and their results stay in the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote
from sqlalchemy import Engine

from signals.veqtor.report import SignalReport
from storage.runs import SessionOutcome
from tasks.clock import Clock
from tasks.compute import compute_stored
from tasks.ingest import ingest
from tasks.notify.deliver import deliver
from tasks.persist import Recipient, emit

fetch_step = task(name="fetch", cache_policy=NO_CACHE, persist_result=False)(ingest)
compute_step = task(name="compute", cache_policy=NO_CACHE, persist_result=False)(compute_stored)
deliver_step = task(name="deliver", cache_policy=NO_CACHE, persist_result=False)(deliver)
_emit_step = task(name="emit", cache_policy=NO_CACHE, persist_result=False)(emit)


def emit_step(
    engine: Engine,
    run_id: int,
    reports: Sequence[SignalReport],
    recipients: Sequence[Recipient],
    clock: Clock,
    *,
    adding_variants: bool = False,
) -> list[SessionOutcome]:
    """The task that emits. Prefect would look for results of tasks in every figure of every report."""
    quoted: Any = quote(reports)
    return _emit_step(engine, run_id, quoted, recipients, clock, adding_variants=adding_variants)
