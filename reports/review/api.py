"""The interface for programs: the same reading, as JSON."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from reports.export.documents import exported_text
from reports.review.api_models import (
    Health,
    HistoryPage,
    Observations,
    ObservationVersion,
    Outcome,
    OutcomePage,
    ProblemDocument,
    ReportDocument,
    ReportPage,
    ReportSummary,
    Weights,
)
from reports.review.history import Names, choose
from reports.review.lookup import find
from reports.review.pages import TheSite, answer, source
from reports.review.parameters import GREATEST_ID, Day, OptionalDay, OptionalInstant, Revision, RuleSetName
from reports.review.problems import Problem
from reports.review.trace import publishers_of, specification
from signals.veqtor.rules import VEQTOR
from storage.figures import SessionFigures
from storage.reports import ReportHead
from storage.schema import SCHEMA_REVISION

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The name or the port in the address is none of this app's.", "content": {"text/plain": {}}},
    404: {"model": ProblemDocument, "description": "There is none; the nearest are named."},
    422: {"model": ProblemDocument, "description": "A parameter cannot be understood."},
    500: {"model": ProblemDocument, "description": "Something went wrong; the log of the app says what."},
    503: {"model": ProblemDocument, "description": "The database is absent, busy, or of another version."},
}
_LOCKED: dict[int | str, dict[str, Any]] = {401: {"model": ProblemDocument, "description": "A token is needed."}}

router = APIRouter(responses=_PROBLEMS)

Cursor = Annotated[str | None, Query(max_length=200, description="From `next`; opaque.")]
First = Annotated[OptionalDay, Query(description="First session, yyyy-mm-dd.", examples=["2020-01-02"])]
Last = Annotated[OptionalDay, Query(description="Last session, included.", examples=["2020-12-31"])]
AsOf = Annotated[
    OptionalInstant,
    Query(description="Only what had been emitted by then.", examples=["2020-03-16T18:45"]),
]


@router.get("/api/reports", response_model=ReportPage, responses=_LOCKED)
def list_reports(
    request: Request,
    site: TheSite,
    first: First = None,
    last: Last = None,
    rule_set: RuleSetName = VEQTOR.name,
    as_of: AsOf = None,
    limit: Annotated[int, Query(ge=1, le=500, description="How many at most.")] = 50,
    cursor: Cursor = None,
) -> Response:
    """Reports, the newest session first, each revision by itself."""
    _in_order(first, last)
    at = _read(cursor, "session", "id")
    before = (_day(at["session"]), int(at["id"])) if at else None
    with site.work() as work:
        heads = work.reports.heads(rule_set, first=first, last=last, as_of=as_of, before=before, limit=limit + 1)
        page = heads[:limit]
        figures = work.figures.of_reports([head.id for head in page])
    more = len(heads) > limit
    following = _following(request, {"session": page[-1].session.isoformat(), "id": page[-1].id}) if more else None
    return _json(request, ReportPage(reports=[_summary(head, figures.get(head.id)) for head in page], next=following))


@router.get("/api/reports/{session}", response_model=ReportDocument, responses=_LOCKED)
def one_report(request: Request, site: TheSite, session: Day, revision: Revision = None) -> Response:
    """A report as it was stored, by default its newest revision."""
    with site.work() as work:
        stored = find(site, work, session, revision)
        newest = work.reports.newest(VEQTOR.name, session) or stored
        before, after = work.reports.around(VEQTOR.name, session)
    head = ReportDocument(
        session=stored.session,
        revision=stored.revision,
        rule_set=stored.rule_set,
        rule_set_digest=stored.rule_set_digest,
        fingerprint=stored.fingerprint,
        emitted_at=stored.emitted_at,
        newest_revision=newest.revision,
        previous=before,
        following=after,
        report={},
    )
    # The document is JSON already: numbers stay digit for digit what was stored.
    body = f'{head.model_dump_json(exclude={"report"})[:-1]},"report":{exported_text(stored)}}}'
    return answer(request, body.encode(), "application/json")


@router.get("/api/history", response_model=HistoryPage, responses=_LOCKED)
def history(
    request: Request,
    site: TheSite,
    first: First = None,
    last: Last = None,
    names: Names = None,
    limit: Annotated[int, Query(ge=1, le=5000, description="How many sessions at most.")] = 500,
    cursor: Cursor = None,
) -> Response:
    """Figures of sessions, the earliest first, in their newest revisions.

    `columns` may be given several times, or separated by commas: figures of the signal such as `target_volatility`, and
    those of a hedge such as `alvh-seed.pnl_usd`. An unknown one is answered with the list of all.
    """
    at = _read(cursor, "session")
    with site.work() as work:
        chosen = choose(site, work, first, last, names)
    rest = chosen.history
    if at:
        after = _day(at["session"])
        rest = [row for row in rest if row.session > after]
    part = rest[:limit]
    rows = [[row.session, *values] for row, values in zip(part, chosen.rows(part), strict=True)]
    more = len(rest) > limit
    page = HistoryPage(
        columns=["session", *(column.name for column in chosen.columns)],
        rows=rows,
        next=_following(request, {"session": part[-1].session.isoformat()}) if more else None,
        notes=list(chosen.notes),
    )
    return _json(request, page)


@router.get("/api/observations", response_model=Observations, responses=_LOCKED)
def observations(
    request: Request,
    site: TheSite,
    series: Annotated[str, Query(pattern=r"^[A-Za-z0-9.&_-]{1,40}$", description="A series.", examples=["SPX"])],
    day: Annotated[OptionalDay, Query(description="A day, yyyy-mm-dd.", examples=["2020-03-16"])],
) -> Response:
    """Every version of the values of a series on a day, with the payload each came from."""
    if day is None:
        raise Problem(422, "The address cannot be understood", "day: expected a date as yyyy-mm-dd, got none.")
    with site.work() as work:
        found = work.observations.versions(series, day)
        if not found:
            days = work.observations.days_around(series, day, 1)
            why = f"The nearest days are {' and '.join(map(str, days))}." if days else "Nothing is stored of it."
            raise Problem(404, f"No value of {series} on {day}", why)
    spec = specification(series)
    document = Observations(
        series=series,
        day=day,
        unit=spec.unit if spec else None,
        description=spec.description if spec else None,
        publishers=list(publishers_of(series)),
        versions=[
            ObservationVersion.model_validate(each).model_copy(update={"locator": source(each.locator)})
            for each in found
        ],
    )
    return _json(request, document)


@router.get("/api/outcomes", response_model=OutcomePage, responses=_LOCKED)
def outcomes(
    request: Request,
    site: TheSite,
    first: First = None,
    last: Last = None,
    limit: Annotated[int, Query(ge=1, le=500, description="How many at most.")] = 50,
    cursor: Cursor = None,
) -> Response:
    """How each session stands, the newest first.

    One with a report is EMITTED, or REVISED where it has several; one without is as its last run left it.
    """
    _in_order(first, last)
    at = _read(cursor, "session")
    until = min(last or dt.date.max, _day(at["session"]) - dt.timedelta(days=1)) if at else last
    with site.work() as work:
        found = work.runs.outcomes(limit + 1, first=first, last=until)
    page = found[:limit]
    more = len(found) > limit
    return _json(
        request,
        OutcomePage(
            outcomes=[Outcome.model_validate(each) for each in page],
            next=_following(request, {"session": page[-1].session.isoformat()}) if more else None,
        ),
    )


@router.get("/health", response_model=Health)
def health(request: Request, site: TheSite) -> Response:
    """200 where the database answers at the right schema, else 503: for a monitor of this app, and no token."""
    with site.work() as work:
        work.reports.heads(VEQTOR.name, limit=1)
    return _json(request, Health(status="ok", schema_revision=SCHEMA_REVISION))


def _summary(head: ReportHead, figures: SessionFigures | None) -> ReportSummary:
    row = figures
    return ReportSummary(
        session=head.session,
        revision=head.revision,
        rule_set=head.rule_set,
        rule_set_digest=head.rule_set_digest,
        emitted_at=head.emitted_at,
        target=Weights(equity=row.target_equity, volatility=row.target_volatility, cash=row.target_cash)
        if row
        else None,
        effective_session=row.effective_session if row else None,
        regime=row.regime if row else None,
        trend=row.trend if row else None,
        stop_loss=row.stop_loss if row else None,
        health=row.health if row else None,
        href=f"/api/reports/{head.session}?revision={head.revision}",
    )


def _json(request: Request, document: BaseModel) -> Response:
    return answer(request, document.model_dump_json().encode(), "application/json")


def _in_order(first: dt.date | None, last: dt.date | None) -> None:
    if first and last and first > last:
        raise Problem(422, "The range is the wrong way round", f"first is {first}, last is {last}. Swap them.")


def _following(request: Request, place: Mapping[str, object]) -> str:
    """The address of the following page: this one with another cursor."""
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    rest = [(name, value) for name, value in request.query_params.multi_items() if name not in ("cursor", "token")]
    return f"{request.url.path}?{urlencode([*rest, ('cursor', cursor)])}"


def _read(cursor: str | None, *names: str) -> dict[str, Any] | None:
    """What a cursor says."""
    if not cursor:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        kinds = {name: type(value) for name, value in found.items()}
        if (
            kinds == {name: int if name == "id" else str for name in names}
            and _day(found["session"]) > dt.date.min
            and 1 <= found.get("id", 1) <= GREATEST_ID
        ):
            return dict(found)
    except (ValueError, AttributeError, binascii.Error, RecursionError):
        pass
    raise Problem(422, "The cursor is none of ours", "Take `next` as it was given, with the same parameters.")


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
