"""The first page: what holds from the next close, and whether it can be relied on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.review.lookup import closed_sessions, content_of, history_of
from reports.review.pages import TheSite, new_york, page
from reports.review.problems import Problem
from reports.review.report import Shown, chart_address, shown_report
from reports.review.site import Site
from signals.veqtor.rules import VEQTOR
from storage.outbox import FAILED, PENDING, SENDING, UNCERTAIN
from storage.reports import StoredReport
from storage.runs import NextRun, SessionOutcome
from storage.unit_of_work import UnitOfWork

router = APIRouter()

_SESSIONS = 10

#: Sections of a report that are shown here whole.
_WHOLE = "actions"

_NEED_ATTENTION = (PENDING, SENDING, UNCERTAIN, FAILED)


#: So many sessions without a word are named.
_NAMED = 5


@dataclass(frozen=True)
class Late:
    """That the close a report acts at has passed, and what is known since; `bad` where more than the next is due."""

    passed: str
    since: tuple[str, ...]
    overdue: str
    bad: bool


@router.get("/")
def show_today(request: Request, site: TheSite) -> Response:
    """The newest report at a glance, the outcome of the expected session, and what is wrong."""
    now = site.now()
    with site.work() as work:
        stored = work.reports.newest(VEQTOR.name)
        outcomes = work.runs.outcomes(_SESSIONS)
        scheduling, last_run = work.runs.latest(scheduling=True), work.runs.latest()
        messages = work.outbox.counts()
        alerts = {alert.session: alert for alert in work.outbox.alerts([item.session for item in outcomes])}
        shown, unreadable = _shown(site, work, stored) if stored else (None, None)
        figures = {row.session: row for row in history_of(site, work)[-_SESSIONS:]}
        simulated = work.observations.is_simulated()
    with site.reading() as engine:
        troubles = site.config.troubles(engine, now)
    expected = scheduling.next if scheduling else None
    return page(
        request,
        "today",
        {
            "stored": stored,
            "content": shown.content if shown else None,
            "unreadable": unreadable,
            "shown": shown,
            "orders": [section for section in shown.view.sections if section.key == _WHOLE] if shown else [],
            "pictures": [chart for chart in shown.charts if chart.name in shown.view.key_charts] if shown else [],
            "address": chart_address(site),
            "late": _late(site, shown, outcomes, expected) if shown else None,
            "outcomes": outcomes,
            "figures": figures,
            "alerts": alerts,
            "expected": expected,
            "now": now,
            "last_run": last_run,
            "waiting": {state: messages[state] for state in _NEED_ATTENTION if messages.get(state)},
            "troubles": troubles,
        },
        simulated=simulated,
        section="/",
    )


def _shown(site: Site, work: UnitOfWork, stored: StoredReport) -> tuple[Shown | None, Problem | None]:
    """The newest report, or why it cannot be read: the rest of the page is needed all the more then."""
    try:
        content_of(stored)
    except Problem as problem:
        return None, problem
    return shown_report(site, work, stored), None


def _late(site: Site, shown: Shown, outcomes: Sequence[SessionOutcome], expected: NextRun | None) -> Late | None:
    """What is said once the close has passed at which the newest report acts; None before."""
    content, now = shown.content, site.now()
    if now <= content.effective_at:
        return None
    later = [each for each in outcomes if each.session > content.session]
    closed = closed_sessions(site, content.effective_session)
    silent = sorted(set(closed or ()) - {each.session for each in later})
    since = [f"{each.session} {each.outcome.replace('_', ' ')}, {each.detail}" for each in reversed(later)]
    if silent:
        more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
        since.append(f"no outcome of {', '.join(map(str, silent[:_NAMED]))}{more}")
    overdue = _overdue(expected, now)
    return Late(
        f"{content.effective_at:%A} {new_york(content.effective_at)[4:]} New York time",
        tuple(since) or ("no session has an outcome",),
        overdue,
        bool(later or overdue or len(silent) > 1 or closed is None),
    )


def _overdue(expected: NextRun | None, now: dt.datetime) -> str:
    """What should have happened by now; empty where nothing should."""
    if expected is None:
        return "No daily run has ever said when the next signal is due: only a person starts runs here."
    if expected.deadline_at < now:
        return f"The signal of {expected.session} is overdue: its deadline was {new_york(expected.deadline_at)}."
    if expected.attempt_at < now:
        return f"The run for {expected.session} is overdue: it was due {new_york(expected.attempt_at)}."
    return ""
