"""A year of sessions with their outcomes, month by month."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from reports.review.lookup import closed_sessions, history_of
from reports.review.pages import TheSite, page
from reports.review.site import Site
from signals.errors import ConfigurationError
from signals.zones import NEW_YORK
from storage.runs import (
    ALREADY_EMITTED,
    AWAITING_DATA,
    EMITTED,
    FAILED,
    REVISED,
    SKIPPED,
    SessionOutcome,
)
from storage.unit_of_work import UnitOfWork

router = APIRouter()

#: Letter and meaning of each outcome, so that none rests on its colour.
LETTERS = {
    EMITTED: ("E", "emitted"),
    REVISED: ("R", "revised"),
    ALREADY_EMITTED: ("E", "emitted"),
    AWAITING_DATA: ("W", "waiting for data"),
    FAILED: ("F", "failed"),
    SKIPPED: ("S", "skipped, not a session"),
}
_MISSING = ("?", "a session without an outcome")
_CLOSED = ("-", "no session")

_WEEK = 5


@dataclass(frozen=True)
class Cell:
    """A weekday of the calendar. `kind` is the outcome in small letters, for its colour."""

    day: dt.date
    letter: str
    kind: str
    said: str
    href: str | None
    moved: bool


@router.get("/calendar")
def show_calendar(request: Request, site: TheSite, year: int | None = Query(None, ge=1990, le=2100)) -> Response:
    """The outcomes of a year."""
    with site.work() as work:
        history = history_of(site, work)
        today = site.now().astimezone(NEW_YORK).date()
        extent = work.runs.extent()
        chosen = year or _year(site, extent, today, is_daily=work.runs.scheduled_since() is not None)
        first, last = dt.date(chosen, 1, 1), dt.date(chosen, 12, 31)
        key = (chosen, site.version_of(work), work.runs.last_outcome_id())
        outcomes = site.memory.get("outcomes", key, lambda: _outcomes(work, first, last))
        simulated = work.observations.is_simulated()
    moved = {
        row.session
        for row in history
        if row.session.year == chosen
        and (row.target_equity, row.target_volatility) != (row.held_equity, row.held_volatility)
    }
    known, newest = extent or (today, today)
    years = {*range(known.year, newest.year + 1), chosen}
    sessions = _sessions(site, first, last)
    months = [
        (dt.date(chosen, month, 1), _weeks(chosen, month, outcomes, sessions, moved, (known, today)))
        for month in range(1, 13)
    ]
    counts: dict[str, int] = {}
    for item in outcomes.values():
        letter, said = LETTERS[item.outcome]
        counts[f"{letter} {said}"] = counts.get(f"{letter} {said}", 0) + 1
    return page(
        request,
        "calendar",
        {
            "year": chosen,
            "years": sorted(years),
            "months": months,
            "counts": counts,
            "moved": len(moved),
            "letters": {kind.lower(): value for kind, value in LETTERS.items() if kind != ALREADY_EMITTED},
        },
        simulated=simulated,
        section="/calendar",
    )


def _year(site: Site, extent: tuple[dt.date, dt.date] | None, today: dt.date, *, is_daily: bool) -> int:
    """The year to open: this one, unless nothing can be said of it: neither what is there nor what is missing."""
    if extent is None or extent[1].year >= today.year:
        return today.year
    passed = closed_sessions(site, dt.date(today.year, 1, 1))
    return today.year if passed and is_daily else extent[1].year


def _outcomes(work: UnitOfWork, first: dt.date, last: dt.date) -> dict[dt.date, SessionOutcome]:
    return {item.session: item for item in work.runs.outcomes(400, first=first, last=last)}


def _sessions(site: Site, first: dt.date, last: dt.date) -> frozenset[dt.date] | None:
    """The sessions of a year; None where the trading calendar does not reach."""
    try:
        return frozenset(site.config.calendar().sessions_in(first, last).tolist())
    except ConfigurationError:
        return None


def _weeks(
    year: int,
    month: int,
    outcomes: dict[dt.date, SessionOutcome],
    sessions: frozenset[dt.date] | None,
    moved: set[dt.date],
    span: tuple[dt.date, dt.date],
) -> list[list[Cell | None]]:
    """The weeks of a month, Monday to Friday; None outside of it."""
    found = []
    for week in calendar.Calendar().monthdatescalendar(year, month):
        cells = [
            _cell(day, outcomes.get(day), sessions, day in moved, span) if day.month == month else None
            for day in week[:_WEEK]
        ]
        if any(cells):
            found.append(cells)
    return found


def _cell(
    day: dt.date,
    outcome: SessionOutcome | None,
    sessions: frozenset[dt.date] | None,
    moved: bool,
    span: tuple[dt.date, dt.date],
) -> Cell:
    if outcome is not None:
        letter, said = LETTERS[outcome.outcome]
        href = f"/reports/{day}" if outcome.outcome in (EMITTED, REVISED) else None
        detail = said if href else f"{said}: {outcome.detail}"
        return Cell(day, letter, outcome.outcome.lower(), detail, href, moved)
    if sessions is not None and day not in sessions:
        return Cell(day, _CLOSED[0], "closed", _CLOSED[1], None, moved=False)
    if span[0] <= day < span[1]:
        return Cell(day, _MISSING[0], "missing", _MISSING[1], None, moved=False)
    return Cell(day, "", "none", "not yet, or before the first report", None, moved=False)
