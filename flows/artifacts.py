"""What a run leaves in Prefect's web page beside its state: tags, and artifacts under stable keys.

All of it is for looking at. It is written when the report is stored and the messages are sent, and where it cannot be
written the run goes on: nothing that matters is kept there alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from sqlalchemy import Engine

from flows.logs import runs_are_kept, tell
from reports.context import load_context
from reports.markdown import escaped, render_markdown
from reports.stored import content_of, report_before
from reports.study.text import study_text
from reports.view import report_view
from signals.study.result import StudyResult
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from storage.runs import EMITTED, REVISED, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.hedge_targets import hedge_target_lines
from tasks.persist import allocation_lines
from tasks.sources.payload import Source

#: Keys of the artifacts: the page of each shows its history, run by run.
REPORT_KEY, TARGETS_KEY, REVIEW_KEY, PROGRESS_KEY, STUDY_KEY = (
    "tailguard-report",
    "tailguard-targets",
    "tailguard-review",
    "tailguard-backfill",
    "tailguard-study",
)


def show_session(engine: Engine, outcome: SessionOutcome, source: Source, review_url: str | None) -> None:
    """Tag the run, name it after its session, and show the report if this run stored one."""
    if not runs_are_kept():
        return
    with _for_show():
        tags = (f"session:{outcome.session}", f"outcome:{outcome.outcome}")
        _label(source, tags, name=f"daily-{outcome.session}")
        if outcome.outcome in (EMITTED, REVISED):
            _show_report(engine, outcome, review_url)


def show_range(source: Source, tags: Sequence[str]) -> None:
    """Tag a run over many sessions."""
    if runs_are_kept():
        with _for_show():
            _label(source, tags)


def show_study(result: StudyResult) -> None:
    """Show a study: its answer, and all of it as `tailguard study` prints it."""
    if not runs_are_kept():
        return
    with _for_show():
        fenced = study_text(result).replace("```", "")
        answer = "\n\n".join(escaped(sentence) for sentence in result.answer)
        create_markdown_artifact(f"{answer}\n\n```text\n{fenced}\n```\n", key=STUDY_KEY)


def _label(source: Source, tags: Sequence[str], name: str | None = None) -> None:
    ours = [f"source:{source.name}", *(["simulated"] if source.simulated else []), *tags]
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(runtime.flow_run.id), name=name, tags=sorted({*runtime.flow_run.tags, *ours}))


def _show_report(engine: Engine, outcome: SessionOutcome, review_url: str | None) -> None:
    with UnitOfWork(engine) as work:
        stored = work.reports.newest(VEQTOR.name, outcome.session)
        if stored is None:
            return
        context, before = load_context(work, stored), report_before(work, stored)
    report = content_of(stored)
    view = report_view(report, revision=stored.revision, emitted_at=stored.emitted_at, context=context, before=before)
    page = f"{review_url}/reports/{outcome.session}" if review_url else ""
    create_markdown_artifact(render_markdown(replace(view, page=page)), key=REPORT_KEY, description=view.subject)
    create_table_artifact(target_rows(report), key=TARGETS_KEY, description=f"What to hold from {report.effective_at}")
    if page:
        create_link_artifact(page, link_text=f"Reports, {outcome.session}", key=REVIEW_KEY)


def target_rows(report: SignalReport) -> list[dict[str, Any]]:
    """What each strategy and hedge is to hold from the close the report acts at, a row for each component."""
    rows = [
        {
            "strategy": line.strategy,
            "from": line.effective_session.isoformat(),
            "holding": line.instrument,
            "weight": line.weight,
            "usd": round(line.amount_usd, 2),
            "contracts": line.contracts,
        }
        for line in allocation_lines(report)
    ]
    return rows + [
        {
            "strategy": f"{line.rule_set} {line.layer} {line.action}",
            "from": line.effective_session.isoformat(),
            "holding": " ".join(str(part) for part in (line.instrument, line.expiry, line.strike) if part is not None),
            "weight": None,
            "usd": None,
            "contracts": line.contracts_target,
        }
        for line in hedge_target_lines(report)
    ]


class ProgressArtifact:
    """The share of a range that is done, kept up in Prefect's web page; it gives up when it cannot be written."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._id: UUID | None = None
        if runs_are_kept() and total:
            with _for_show():
                self._id = _made(create_progress_artifact(0.0, key=PROGRESS_KEY, description=self._said()))

    def advance(self, count: int) -> None:
        """Count so many more sessions as done."""
        self._done += count
        if self._id is not None:
            key, self._id = self._id, None
            with _for_show():
                update_progress_artifact(key, 100.0 * self._done / self._total, description=self._said())
                self._id = key

    def _said(self) -> str:
        return f"{self._done} of {self._total} sessions"


def _made(found: object) -> UUID:
    """The key of a new artifact; outside of an event loop Prefect answers at once."""
    if not isinstance(found, UUID):
        raise TypeError(f"Prefect answered with {type(found).__name__} where it makes artifacts")
    return found


@contextmanager
def _for_show() -> Iterator[None]:
    """Go on after any error: its type is logged, its text may hold an address with a password.

    Nothing is asked for twice: Prefect would wait for more than a minute for a server that is gone.
    """
    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            yield
    except Exception as error:  # noqa: BLE001 - the report is out, and a picture of it must not fail the run
        tell("not shown in Prefect", logging.WARNING, error=type(error).__name__)
