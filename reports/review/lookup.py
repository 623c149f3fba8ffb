"""Finding reports, and what is said of a day that has none."""

from __future__ import annotations

import datetime as dt
import json
import logging
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from reports.context import HEDGE_SESSIONS, ReportContext, load_context
from reports.review.pages import new_york
from reports.review.problems import Link, Problem, no_report
from reports.review.site import Site
from signals.document import decode
from signals.errors import ConfigurationError
from signals.veqtor.report import SCHEMA_VERSION, SignalReport
from signals.veqtor.rules import VEQTOR
from signals.zones import NEW_YORK
from storage.figures import HedgeFigures, SessionFigures
from storage.reports import StoredReport
from storage.runs import SKIPPED, SessionOutcome
from storage.unit_of_work import UnitOfWork

_LOG = logging.getLogger(__name__)

_SATURDAY = 5

#: Hedges whose figures are kept at hand.
_HEDGES_KEPT = 8


def content_of(stored: StoredReport) -> SignalReport:
    """What a stored report says.

    Raises
    ------
    Problem
        When this program cannot read it: the report is named.
    """
    try:
        document = json.loads(stored.document)
        version = document["schema_version"]
        if version <= SCHEMA_VERSION:
            return decode(SignalReport, document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _LOG.warning("report %s, revision %s: %r", stored.session, stored.revision, error)
        why = "Its stored document is damaged; a backup may have it whole."
    else:
        why = f"It is of schema version {version}, and this program reads up to {SCHEMA_VERSION}: upgrade tailguard."
    raise Problem(
        503,
        f"The report of {stored.session} cannot be read",
        f"{why} It is revision {stored.revision}; the other reports can be read.",
        [Link("All sessions", "/calendar"), Link("Its document as stored", f"/api/reports/{stored.session}")],
    )


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
    raise no_report(session, why=_why(site, work, session), nearest=nearest)


def _why(site: Site, work: UnitOfWork, day: dt.date) -> str:
    if day > site.now().astimezone(NEW_YORK).date():
        return "That day has not come yet."
    left = work.runs.outcomes(1, first=day, last=day)
    if left:
        return _left(left[0], site.now())
    if day.weekday() >= _SATURDAY:
        return f"It is a {day:%A}: no session of the New York Stock Exchange."
    if not is_session(site, day):
        return "It is no session: the New York Stock Exchange was closed."
    closes_at = _close_of(site, day)
    if closes_at and closes_at > site.now():
        return f"Its close has not come: it is at {new_york(closes_at)} New York time."
    return f"It is a session without any outcome; {_computes(day)}."


def _left(found: SessionOutcome, now: dt.datetime) -> str:
    """How the last run left a session without a report."""
    said = f"Its last run ended {found.outcome.replace('_', ' ')}: {found.detail.rstrip('.')}."
    if found.outcome == SKIPPED:
        return said
    if found.next_attempt_at is None:
        return f"{said} No further attempt is planned; {_computes(found.session)} once what it needs is there."
    deadline = f", the deadline {new_york(found.deadline_at)}" if found.deadline_at else ""
    verb = "is" if found.next_attempt_at >= now else "was due"
    return f"{said} The next attempt {verb} {new_york(found.next_attempt_at)}{deadline}, New York time."


def _computes(day: dt.date) -> str:
    return f"`tailguard backfill --start {day} --end {day}` computes its report"


def _close_of(site: Site, session: dt.date) -> dt.datetime | None:
    """When a session closes; None where the trading calendar does not reach."""
    try:
        return site.config.calendar().close_time(session)
    except ConfigurationError:
        return None


def closed_sessions(site: Site, first: dt.date) -> list[dt.date] | None:
    """The sessions from a day on that have closed by now; None where the trading calendar does not reach."""
    now = site.now()
    today = now.astimezone(NEW_YORK).date()
    try:
        calendar = site.config.calendar()
        sessions: list[dt.date] = calendar.sessions_in(min(first, today), today).tolist()
        return [day for day in sessions if day >= first and (day < today or calendar.close_time(day) <= now)]
    except ConfigurationError:
        return None


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
