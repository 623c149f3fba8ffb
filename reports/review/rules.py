"""Rule sets: what they say, who approved them, and in which reports they were used."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.review.pages import TheSite, page
from reports.review.problems import Problem
from signals.errors import ConfigurationError

router = APIRouter()


@router.get("/rules")
def show_rules(request: Request, site: TheSite) -> Response:
    """All rule sets here."""
    with site.work() as work:
        uses = site.memory.get("rule sets", site.version_of(work), work.reports.rule_set_uses, 1)
        newest = work.reports.newest("veqtor")
        simulated = work.observations.is_simulated()
    try:
        governance = site.config.governance()
    except ConfigurationError as error:
        raise Problem(
            503,
            "The rule sets cannot be read",
            f"A rule set, a proposal or a setting is wrong. {error.do if '/' not in error.do else ''} "
            "`tailguard rules status` on the host of this app says which.",
        ) from error
    known = {each.sha256[:16] for each in governance.rule_sets}
    context = {"governance": governance, "uses": uses, "known": known, "newest": newest}
    return page(request, "rules", context, simulated=simulated, section="/rules")
