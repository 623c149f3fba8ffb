"""For other programs: a feed of reports, a calendar of what they announce, and the shape of a report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.export.calendar import events_calendar
from reports.export.feed import atom_feed
from reports.export.schema import report_schema
from reports.review.keys import KEY
from reports.review.lookup import content_of
from reports.review.pages import TheSite, answer
from reports.review.problems import Problem
from reports.review.site import Site
from signals.veqtor.rules import VEQTOR
from storage.reports import StoredReport

router = APIRouter()

_ENTRIES = 50


def base_of(site: Site, request: Request) -> str:
    """Where readers find this app: as configured, or as they asked for it."""
    return site.config.address or str(request.base_url).rstrip("/")


def _readable(reports: Sequence[StoredReport]) -> list[StoredReport]:
    """Those whose document can be read; the page of another says what is wrong with it."""
    found = []
    for stored in reports:
        with suppress(Problem):
            content_of(stored)
            found.append(stored)
    return found


def _unkept(request: Request) -> dict[str, str]:
    """Nothing on the way keeps what a key in the address opened."""
    return {"cache-control": "no-store"} if KEY in request.query_params else {}


@router.get("/feed.atom")
def feed(request: Request, site: TheSite) -> Response:
    """The newest reports, each revision by itself."""
    with site.work() as work:
        version = (site.version_of(work), base_of(site, request))
        body = site.memory.get(
            "feed", version, lambda: atom_feed(_readable(work.reports.recent(_ENTRIES)), base_of(site, request))
        )
    return answer(request, body, "application/atom+xml; charset=utf-8", headers=_unkept(request))


@router.get("/events.ics")
def events(request: Request, site: TheSite) -> Response:
    """Upcoming closes, rolls and events, as the newest report has them."""
    with site.work() as work:
        version = (site.version_of(work), base_of(site, request))
        newest = work.reports.newest(VEQTOR.name)
        if newest is None:
            # A calendar without an event is none (RFC 5545).
            raise Problem(404, "Nothing ahead yet", "No report is stored; `tailguard run` emits one.")
        content_of(newest)
        body = site.memory.get("events", version, lambda: events_calendar([newest], base_of(site, request)))
    return answer(
        request,
        body,
        "text/calendar; charset=utf-8",
        headers={"content-disposition": 'inline; filename="tailguard.ics"', **_unkept(request)},
    )


@router.get("/schemas/report.json")
def schema(request: Request) -> Response:
    """The JSON Schema of a report."""
    return answer(request, report_schema(), "application/schema+json")
