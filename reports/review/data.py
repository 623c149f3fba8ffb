"""Data health: how new each series is, what changed, what could not be read, and what is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.review.lookup import closed_sessions, history_of
from reports.review.pages import TheSite, page
from reports.review.parameters import OptionalDay, Series
from reports.review.problems import Link, Problem
from reports.review.site import Gap, Site
from reports.review.trace import publishers_of, specification
from signals.series import CBOE_ARCHIVE, CBOE_SHEET, EVENTS, PUBLISHERS, SPY_ADJUSTED, VX_PREFIX
from signals.zones import NEW_YORK
from storage.observations import ChangedValue, SeriesExtent
from storage.unit_of_work import UnitOfWork

router = APIRouter()

#: How many of each are listed.
_CHANGES, _REFUSED, _FAULTS, _VALUES = 100, 50, 30, 60


#: More sessions behind are not counted.
_BEHIND = 250

#: More than that many sessions.
_LOOK_BACK = dt.timedelta(days=2 * _BEHIND)

#: No value is of a later day.
_LAST_DAY = dt.date(2199, 12, 31)

#: Publishers of history that is complete, or of a day now and then.
_ENDED = (CBOE_ARCHIVE, CBOE_SHEET)


@dataclass(frozen=True)
class Freshness:
    """A series from one publisher, or all VX contracts.

    `behind` counts the sessions that have closed since its last day; None where it is not of every session.
    """

    name: str
    publisher: str
    description: str
    extent: SeriesExtent
    contracts: int
    behind: int | None


@dataclass(frozen=True)
class Revised:
    """A changed value, or all that a dividend changed at once: `count` is then how many."""

    change: ChangedValue
    first: dt.date
    last: dt.date
    count: int


@router.get("/data")
def show_data(request: Request, site: TheSite) -> Response:
    """Everything about the data on one page."""
    with site.work() as work:
        version = (*work.observations.version(), site.version_of(work))
        refused = work.observations.refused_payloads()
        last_read = work.observations.last_ingested()
        extents = site.memory.get("extents", version, work.observations.extents, 1)
        changes = site.memory.get("changes", version, work.observations.changes, 1)
        totals = work.observations.payload_totals()
        history = history_of(site, work)
        simulated = work.observations.is_simulated()
    today = site.now().astimezone(NEW_YORK).date()
    closed = closed_sessions(site, today - _LOOK_BACK)
    sessions = [row.session for row in history]
    faults = [row for row in reversed(history) if row.health == "DEGRADED"]
    context = {
        "series": freshness(extents, sessions if closed is None else closed),
        "changes": list(summed(changes))[:_CHANGES],
        "change_count": len(changes),
        "refused": [(each, last_read.get((each.format, each.subject), 0) > each.id) for each in refused[:_REFUSED]],
        "refused_count": len(refused),
        "faults": faults[:_FAULTS],
        "fault_count": len(faults),
        "totals": totals,
        "newest": sessions[-1] if sessions else None,
        "by_calendar": closed is not None,
    }
    return page(request, "data", context, simulated=simulated, section="/data")


@router.get("/data/gaps")
def show_gaps(request: Request, site: TheSite) -> Response:
    """Days without a value, against the trading calendar."""
    with site.work() as work:
        version = work.observations.version()
        simulated = work.observations.is_simulated()
    gaps = site.memory.get("gaps", version, lambda: _gaps(site), 1)
    context = {"needed": [gap for gap in gaps if gap.needed], "series": [gap for gap in gaps if not gap.needed]}
    return page(request, "gaps", context, simulated=simulated, section="/data")


def _gaps(site: Site) -> Sequence[Gap]:
    with site.reading() as engine:
        return site.config.gaps(engine)


@router.get("/data/{series}")
def show_series(request: Request, site: TheSite, series: Series, last: OptionalDay = None) -> Response:
    """The values of a series, the newest first."""
    with site.work() as work:
        found = _days(work, series, last)
        if not found:
            if last and work.observations.has_series(series):
                raise Problem(
                    404, f"Nothing of {series} up to {last}", "It begins later.", [Link(series, f"/data/{series}")]
                )
            raise Problem(
                404, f"Nothing is stored of {series}", "The data page lists every series.", [Link("Data", "/data")]
            )
        values = work.observations.traced(series=series, since=min(found), until=max(found))[::-1]
        simulated = work.observations.is_simulated()
    context = {
        "series": series,
        "spec": specification(series),
        "publishers": publishers_of(series),
        "values": values,
        "earlier": min(found) - dt.timedelta(days=1) if len(found) == _VALUES else None,
    }
    return page(request, "series", context, simulated=simulated, section="/data")


def _days(work: UnitOfWork, series: str, last: dt.date | None) -> list[dt.date]:
    day = min(last or _LAST_DAY, _LAST_DAY) + dt.timedelta(days=1)
    return [each for each in reversed(work.observations.days_around(series, day, _VALUES)) if each < day][:_VALUES]


def freshness(extents: Iterable[SeriesExtent], sessions: Sequence[dt.date]) -> list[Freshness]:
    """One line per series and publisher, those decisions rest on first; the futures of a publisher as one."""
    order = list(PUBLISHERS)
    singles, futures = [], dict[str, list[SeriesExtent]]()
    for extent in extents:
        if extent.series.startswith(VX_PREFIX):
            futures.setdefault(extent.publisher, []).append(extent)
        else:
            singles.append(extent)
    singles.sort(key=lambda each: (order.index(each.series) if each.series in order else len(order), each.series))
    lines = [_line(each, 0, sessions) for each in singles]
    for publisher, some in sorted(futures.items()):
        total = SeriesExtent(
            max(some, key=lambda each: each.last).series,
            publisher,
            min(each.first for each in some),
            max(each.last for each in some),
            sum(each.values for each in some),
            sum(each.changed for each in some),
            max(each.last_known_at for each in some),
        )
        lines.append(_line(total, len(some), sessions))
    return lines


def _line(extent: SeriesExtent, contracts: int, sessions: Sequence[dt.date]) -> Freshness:
    spec = specification(extent.series)
    daily = spec is not None and not spec.months and extent.series not in EVENTS and extent.publisher not in _ENDED
    behind = sum(1 for session in sessions[-_BEHIND:] if session > extent.last) if daily else None
    name = f"VX, {contracts} contracts" if contracts else extent.series
    return Freshness(name, extent.publisher, spec.description if spec else "", extent, contracts, behind)


def summed(changes: Iterable[ChangedValue]) -> list[Revised]:
    """The changes in their order; those of adjusted prices as one per payload: a dividend changes all before it."""
    of_dividend: dict[str, list[ChangedValue]] = {}
    order: list[list[ChangedValue]] = []
    for change in changes:
        if change.series == SPY_ADJUSTED and change.payload_sha256 in of_dividend:
            of_dividend[change.payload_sha256].append(change)
            continue
        some = [change]
        order.append(some)
        if change.series == SPY_ADJUSTED:
            of_dividend[change.payload_sha256] = some
    return [
        Revised(some[0], min(each.day for each in some), max(each.day for each in some), len(some)) for some in order
    ]
