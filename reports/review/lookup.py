"""Finding reports, and what is said of a day that has none."""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from reports.context import HEDGE_SESSIONS, ReportContext, load_context
from reports.review.problems import Problem, no_report
from reports.review.site import Site
from signals.document import decode
from signals.errors import ConfigurationError
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from signals.zones import NEW_YORK
from storage.figures import HedgeFigures, SessionFigures
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork

_SATURDAY = 5

#: Hedges whose figures are kept at hand.
_HEDGES_KEPT = 8


def content_of(stored: StoredReport) -> SignalReport:
    """What a stored report says."""
    return decode(SignalReport, json.loads(stored.document))


def find(site: Site, work: UnitOfWork, session: dt.date | None, revision: int | None = None) -> StoredReport:
    """A report in one of its revisions, by default the newest of the newest session.

    Raises
    ------
    Problem
        When there is none, with the reason and the nearest sessions that have one.
    """
    stored = work.reports.newest(VEQTOR.name, session, revision)
    if stored is not None:
        return stored
    if session is None:
        raise Problem(404, "No report yet", "`tailguard run` emits one, `tailguard backfill` those of past sessions.")
    newest = work.reports.newest(VEQTOR.name, session)
    if newest is not None:
        why = f"There is no revision {revision}; the newest is revision {newest.revision}."
        raise no_report(session, why=why, nearest=[session])
    nearest = [day for day in work.reports.around(VEQTOR.name, session) if day]
    raise no_report(session, why=_why(site, session), nearest=nearest)


def _why(site: Site, day: dt.date) -> str:
    if day > site.now().astimezone(NEW_YORK).date():
        return "That day has not come yet."
    if day.weekday() >= _SATURDAY:
        return f"It is a {day:%A}: no session of the New York Stock Exchange."
    if not is_session(site, day):
        return "It is no session: the New York Stock Exchange was closed."
    return f"It is a session; `tailguard backfill --start {day} --end {day}` computes its report."


def is_session(site: Site, day: dt.date) -> bool:
    """Whether a day is a session, as far as the trading calendar reaches; else whether it is a weekday."""
    try:
        return site.config.calendar().is_session(day)
    except ConfigurationError:
        return day.weekday() < _SATURDAY


def history_of(site: Site, work: UnitOfWork) -> tuple[SessionFigures, ...]:
    """The figures of every session, ascending; read again when a report was stored since."""
    return site.memory.get("history", site.version_of(work), lambda: tuple(work.figures.history(VEQTOR.name)), 1)


def hedge_of(site: Site, work: UnitOfWork, name: str) -> tuple[HedgeFigures, ...]:
    """The figures of a hedge and its layers, ascending, in the newest revisions that have it."""
    key = (name, site.version_of(work))
    return site.memory.get("hedges", key, lambda: tuple(work.figures.hedges(name)), _HEDGES_KEPT)


def context_of(site: Site, work: UnitOfWork, stored: StoredReport) -> ReportContext:
    """What `reports.context.load_context` finds, from the figures at hand where they are the same as then."""
    history = history_of(site, work)
    rows = history[: bisect_right(history, stored.session, key=lambda row: row.session)]
    if not rows or rows[-1].report_id != stored.id or any(row.emitted_at > stored.emitted_at for row in rows):
        # Revised since: what was known then is something else.
        return load_context(work, stored)
    first = rows[-HEDGE_SESSIONS:][0].session
    hedges = {name: hedge_of(site, work, name) for name in work.figures.hedges_of(stored.id)}
    named = {
        name: some[_place(some, first) : _place(some, stored.session, after=True)] for name, some in hedges.items()
    }
    if any(row.emitted_at > stored.emitted_at for some in named.values() for row in some):
        return load_context(work, stored)
    return ReportContext(rows, named)


def _place(rows: Sequence[HedgeFigures], day: dt.date, *, after: bool = False) -> int:
    """Where the rows of a day begin, or where they end."""
    return (bisect_right if after else bisect_left)(rows, day, key=lambda row: row.session)
