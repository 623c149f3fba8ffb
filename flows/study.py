"""The study flow: what ``tailguard study`` does, with its parts as Prefect tasks and its answer as artifacts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import logs
from flows.artifacts import show_study
from flows.ranges import parts_bar
from flows.study_question import Asked, question_of, study_store
from flows.study_tasks import prefect_runner
from flows.wiring import services
from signals.study.spec import DEFAULT_HEDGES, StudySpec, TradingCosts
from tasks.study.run import Made, run_study


def _run_name() -> str:
    asked = runtime.flow_run.parameters
    return f"study-{asked.get('start') or 'all'}-{asked.get('end') or 'now'}"


@flow(name="study", flow_run_name=_run_name, persist_result=False)
def study(
    start: dt.date | None = None,
    end: dt.date | None = None,
    rule_sets: list[str] | None = None,
    source: Literal["live", "files", "sample"] | None = None,
    data_dir: Path | None = None,
    samples: int = StudySpec.samples,
    paths: int = StudySpec.paths,
    hedged_paths: int = StudySpec.hedged_paths,
    path_years: int = StudySpec.path_years,
    seed: int = StudySpec.seed,
    confidence: float = StudySpec.confidence,
    costs: dict[str, float] | None = None,
    runner: Literal["processes", "threads", "dask"] | None = None,
    workers: int | None = None,
    again: bool = False,
    keep: bool = True,
) -> State[Any]:
    """Say whether a hedge was worth its cost, and how sure that is.

    Args:
        start: First session; by default the first of which all is known.
        end: Last session; by default the last one there is.
        rule_sets: Rule sets of the hedges, names or files; by default those of a study.
        source: Computed straight from a source: live, files or sample; by default from the database.
        data_dir: Directory of the source "files"; by default as configured.
        samples: Samples of the bootstrap.
        paths: Simulated markets; 0 for none.
        hedged_paths: Simulated markets of the hedges and the condors, which take far longer; 0 for none.
        path_years: Length of each.
        seed: Of all that is drawn.
        confidence: Of every interval, a share.
        costs: What trading costs: equity, vx_points, spx_option, spx_option_points, vix_option; others as usual.
        runner: Where it is computed, by default as configured.
        workers: How many workers, by default as configured.
        again: Whether all of it is computed although it is stored.
        keep: Whether what is found, and what is done so far, is stored.
    """
    work = services(rule_sets or DEFAULT_HEDGES)
    logs.start_logging(work.settings)
    settings = work.settings
    asked = Asked(
        start=start,
        end=end,
        source=source,
        data_dir=data_dir,
        costs=TradingCosts(**(costs or {})),
        seed=seed,
        confidence=confidence,
        samples=samples,
        paths=paths,
        hedged_paths=hedged_paths,
        path_years=path_years,
    )
    where = prefect_runner(
        runner or settings.study_runner, workers or settings.study_workers, settings.study_dask_address
    )
    question = question_of(work, asked)
    with logs.step("study") as facts, study_store(work, question, again=again, keep=keep) as store:
        with parts_bar("study") as progress:
            made = run_study(question, store, where, progress)
        facts |= {"parts": made.parts, "there": made.there, "failed": len(made.result.failures)}
    show_study(made.result)
    return (
        Failed(data=made, message=describe(made))
        if made.result.failures
        else Completed(data=made, message=describe(made))
    )


def describe(made: Made) -> str:
    """The study in a line."""
    result = made.result
    said = f"{result.first} to {result.last}, {len(result.tracks)} strategies, {made.parts} parts"
    if made.there:
        said += f", {made.there} of them there already"
    if result.failures:
        said += f"; failed: {', '.join(failure.part for failure in result.failures)}"
    return said
