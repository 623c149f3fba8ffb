"""The outbox: every message, what became of it, and what a person can do about it."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from reports.review.pages import TheSite, page
from reports.review.parameters import OptionalId
from storage.outbox import DROPPED, FAILED, PENDING, SENDING, SENT, STATES, SUPERSEDED, UNCERTAIN

router = APIRouter()

_ROWS = 50

#: What a state means, and what can be done.
MEANING = {
    PENDING: "waits to be sent: the next run does, and `tailguard outbox send` at once",
    SENDING: "another program is sending it",
    SENT: "accepted, or confirmed by a person",
    FAILED: "certainly not delivered: `tailguard outbox resend ID`, or `outbox drop ID`",
    UNCERTAIN: "may have arrived: look there, then `tailguard outbox confirm ID` or `outbox resend ID`",
    SUPERSEDED: "its recipient has a newer message about the session",
    DROPPED: "a person decided that it need not be sent",
}


@router.get("/outbox")
def show_outbox(
    request: Request,
    site: TheSite,
    state: str = Query("", pattern=f"^({'|'.join(STATES)}|)$"),
    before: OptionalId = None,
) -> Response:
    """Messages, the newest first."""
    with site.work() as work:
        messages = work.outbox.newest(_ROWS + 1, state=state or None, before=before)
        counts = work.outbox.counts()
        simulated = work.observations.is_simulated()
    context = {
        "messages": messages[:_ROWS],
        "counts": counts,
        "state": state,
        "states": STATES,
        "meaning": MEANING,
        "older": messages[_ROWS - 1].id if len(messages) > _ROWS else None,
        "paged": before is not None,
    }
    return page(request, "outbox", context, simulated=simulated, section="/outbox")
