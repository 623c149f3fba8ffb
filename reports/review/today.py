"""The first page: what holds from the next close, and whether it can be relied on."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.review.lookup import content_of, history_of
from reports.review.pages import TheSite, page
from reports.review.report import chart_address, shown_report
from signals.veqtor.rules import VEQTOR
from storage.outbox import FAILED, PENDING, SENDING, UNCERTAIN

router = APIRouter()

_SESSIONS = 10

#: Sections of a report that are shown here whole.
_WHOLE = "actions"

_NEED_ATTENTION = (PENDING, SENDING, UNCERTAIN, FAILED)


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
        shown = shown_report(site, work, stored) if stored else None
        figures = {row.session: row for row in history_of(site, work)[-_SESSIONS:]}
        simulated = work.observations.is_simulated()
    content = content_of(stored) if stored else None
    return page(
        request,
        "today",
        {
            "stored": stored,
            "content": content,
            "shown": shown,
            "orders": [section for section in shown.view.sections if section.key == _WHOLE] if shown else [],
            "pictures": [chart for chart in shown.charts if chart.name in shown.view.key_charts] if shown else [],
            "address": chart_address,
            "late": content is not None and now > content.effective_at,
            "outcomes": outcomes,
            "figures": figures,
            "alerts": alerts,
            "expected": scheduling.next if scheduling else None,
            "last_run": last_run,
            "waiting": {state: messages[state] for state in _NEED_ATTENTION if messages.get(state)},
            "troubles": site.config.troubles(site.engine(), now),
        },
        simulated=simulated,
        section="/",
    )
