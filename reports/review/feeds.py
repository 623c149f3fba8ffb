"""For other programs: a feed of reports, a calendar of what they announce, and the shape of a report."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.export.calendar import events_calendar
from reports.export.feed import atom_feed
from reports.export.schema import report_schema
from reports.review.pages import TheSite, answer
from reports.review.site import Site
from signals.veqtor.rules import VEQTOR

router = APIRouter()

_ENTRIES = 20


def base_of(site: Site, request: Request) -> str:
    """Where readers find this app: as configured, or as they asked for it."""
    return site.config.address or str(request.base_url).rstrip("/")


@router.get("/feed.atom")
def feed(request: Request, site: TheSite) -> Response:
    """The newest reports, each revision by itself."""
    with site.work() as work:
        version = (site.version_of(work), base_of(site, request))
        body = site.memory.get(
            "feed", version, lambda: atom_feed(work.reports.recent(_ENTRIES), base_of(site, request))
        )
    return answer(request, body, "application/atom+xml; charset=utf-8")


@router.get("/events.ics")
def events(request: Request, site: TheSite) -> Response:
    """Upcoming closes, rolls and events, as the newest report has them."""
    with site.work() as work:
        version = (site.version_of(work), base_of(site, request))
        newest = work.reports.newest(VEQTOR.name)
        found = [newest] if newest else []
        body = site.memory.get("events", version, lambda: events_calendar(found, base_of(site, request)))
    return answer(
        request,
        body,
        "text/calendar; charset=utf-8",
        headers={"content-disposition": 'inline; filename="tailguard.ics"'},
    )


@router.get("/schemas/report.json")
def schema(request: Request) -> Response:
    """The JSON Schema of a report."""
    return answer(request, report_schema(), "application/schema+json")
