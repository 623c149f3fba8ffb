"""What differs between two reports, or two revisions of one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.difference import Part, difference, said
from reports.review.lookup import content_of, find
from reports.review.pages import TheSite, page
from reports.review.parameters import NamedReport, parts_of
from signals.veqtor.rules import VEQTOR
from storage.reports import StoredReport

router = APIRouter()

#: Pairs of reports whose difference is kept.
_KEPT = 64


@router.get("/diff")
def show_difference(request: Request, site: TheSite, first: NamedReport = None, second: NamedReport = None) -> Response:
    """Two reports side by side, where they differ; by default the newest one and the one before it."""
    with site.work() as work:
        other = find(site, work, *(parts_of(second) if second else (None, None)))
        if first is not None:
            one = find(site, work, *parts_of(first))
        elif other.revision > 1:
            one = find(site, work, other.session, other.revision - 1)
        else:
            before, _ = work.reports.around(VEQTOR.name, other.session)
            one = find(site, work, before or other.session)
        revisions = {
            stored.session: work.reports.heads(VEQTOR.name, first=stored.session, last=stored.session, limit=50)
            for stored in (one, other)
        }
        simulated = work.observations.is_simulated()
    key = tuple((each.id, each.fingerprint, each.emitted_at) for each in (one, other))
    parts = site.memory.get("differences", key, lambda: differing(one, other), _KEPT)
    context = {"one": one, "other": other, "parts": parts, "name": name_of, "revisions": revisions}
    return page(request, "diff", context, simulated=simulated, section="/diff")


def differing(one: StoredReport, other: StoredReport) -> list[tuple[Part, list[tuple[str, str, str]]]]:
    """The parts of two reports, with each change in words: its key, what the first says, what the second."""
    return [
        (part, [(change.key, *said(change)) for change in part.changes])
        for part in difference(content_of(one), content_of(other))
    ]


def name_of(stored: StoredReport) -> str:
    """A report as this page's parameters name it."""
    return f"{stored.session}@{stored.revision}"
