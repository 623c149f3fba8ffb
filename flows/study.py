"""The study flow: strategies side by side over a range of what is stored; an artifact in Prefect, nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.logs import runs_are_kept
from flows.wiring import Services, services
from reports.study import study_sections
from tasks.study import Study, stored_study

#: Key of the artifact: its page shows one study after the other.
STUDY_KEY = "tailguard-study"


@flow(name="study", flow_run_name="study-{start}-{end}", persist_result=False)
def study(
    start: dt.date,
    end: dt.date,
    rule_sets: list[str] | None = None,
) -> State[Any]:
    """Compare equity, VEQTOR and the hedges over a range of sessions, from the observations in the database.

    Args:
        start: First session; 2006-01-03 or later.
        end: Last session that is looked at.
        rule_sets: Rule sets of the hedges, names or files; by default as configured.
    """
    work = services(rule_sets or ())
    found = run_study(work, start, end)
    if runs_are_kept():
        for section in study_sections(found.results):
            if section.table is not None:
                header, rows = section.table.header, section.table.rows
                table = [dict(zip(header, row, strict=True)) for row in rows]
                key = STUDY_KEY if section.sentences else f"{STUDY_KEY}-windows"
                title = ("SIMULATED. " if found.simulated else "") + section.title
                create_table_artifact(table, key=key, description="\n\n".join((title, *section.sentences)))
    return Completed(data=found, message=f"{len(found.results)} strategies, {start} to {end}")


def run_study(work: Services, start: dt.date, end: dt.date) -> Study:
    """The study of the configured database."""
    engine = work.engine()
    try:
        return stored_study(
            engine, work.calendar, start, end, work.rule_sets, work.settings.notional_usd, work.judgement()
        )
    finally:
        engine.dispose()
