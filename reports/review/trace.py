"""The observations behind a number: every version of it, its publishers, and its days before and after."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from reports.review.lookup import content_of, find
from reports.review.pages import TheSite, page
from reports.review.parameters import Day, NamedReport, Series, parts_of
from reports.review.problems import Link, Problem
from reports.review.site import Site
from signals.series import PUBLISHERS, SPECS, SPXTR, SPY_ADJUSTED, VX_PREFIX, VX_PUBLISHERS, SeriesSpec, spec
from signals.veqtor.report import ReportInput
from signals.zones import NEW_YORK
from storage.observations import ValueVersion
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork

router = APIRouter()

_AROUND = 5

#: A rate goes from per cent to a decimal and back.
_SAME = 1e-9


@dataclass(frozen=True)
class Source:
    """The stored value behind an input of a report, in the version that was known when the report was emitted.

    Attributes
    ----------
    series, version
        The value.
    exact : bool
        Whether the input is this very value, and not something that was made of it.
    href : str
        The page that shows it, with the version marked.
    """

    series: str
    version: ValueVersion
    exact: bool
    href: str


@dataclass(frozen=True)
class Row:
    """A version of a value on its page; `used` says what the report that was asked for made of it, if anything."""

    version: ValueVersion
    newest: bool
    counts: bool
    ignored: bool
    used: str


def source_of(work: UnitOfWork, stored: StoredReport, item: ReportInput) -> Source | None:
    """The stored value an input of a report was read from, or made of; None where it was derived from several."""
    series, publisher = item.series, item.publisher
    if series == SPXTR and publisher not in publishers_of(series):
        # SPY stands in for it.
        series, publisher = SPY_ADJUSTED, PUBLISHERS[SPY_ADJUSTED][0]
    there = [
        each
        for each in work.observations.versions(series, item.day, publisher)
        if each.value is not None and each.payload_sha256.startswith(item.payload or "")
    ]
    known = [each for each in there if each.known_at <= stored.emitted_at]
    # Which file it was is certain; when a value of it became known may be assumed.
    read = known or (there if item.payload else [])
    same = [each for each in read if series == item.series and _is_same(each.value, item.value)]
    found = (same or (known if item.payload else []))[:1]
    if not found:
        return None
    query = f"payload={found[0].payload_sha256[:12]}&report={stored.session}@{stored.revision}"
    return Source(series, found[0], bool(same), f"/observations/{series}/{item.day}?{query}")


def _is_same(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and math.isclose(one, other, rel_tol=_SAME)


@router.get("/observations/{series}/{day}")
def show_observation(
    request: Request,
    site: TheSite,
    series: Series,
    day: Day,
    payload: str = Query("", pattern="^([0-9a-f]{8,64}|)$"),
    report: NamedReport = None,
) -> Response:
    """All versions of a value; with a report, and the file it read, the one it rests on is marked."""
    with site.work() as work:
        stored = find(site, work, *parts_of(report)) if report else None
        versions = sorted(work.observations.versions(series, day), key=lambda each: _rank(series, each.publisher))
        days = work.observations.days_around(series, day, _AROUND)
        if not days:
            known = sorted({each.series for each in work.observations.extents()})
            near = [name for name in known if name.split(".")[0] == series.split(".")[0]][:5]
            raise Problem(
                404,
                "No such series",
                f"Nothing is stored of {series}. The data page lists every series.",
                [Link(name, f"/data/{name}") for name in near] or [Link("Data", "/data")],
            )
        if not versions:
            raise Problem(
                404,
                f"No value of {series} on {day}",
                "Its publishers have none for that day. The nearest days that have one:",
                [Link(str(each), f"/observations/{series}/{each}") for each in days],
            )
        used = _used(work, stored, series, day, payload) if stored else {}
        nearby = work.observations.traced(series=series, since=days[0], until=days[-1])
        simulated = work.observations.is_simulated()
    return page(
        request,
        "observation",
        {
            "series": series,
            "day": day,
            "spec": specification(series),
            "publishers": publishers_of(series),
            "rows": _rows(site, series, day, versions, used),
            "report": stored,
            "unused": stored is not None and not used,
            "seconds": seconds,
            "nearby": nearby,
            "before": max((each for each in days if each < day), default=None),
            "after": min((each for each in days if each > day), default=None),
        },
        simulated=simulated,
        section="/data",
    )


def _used(work: UnitOfWork, stored: StoredReport, series: str, day: dt.date, payload: str) -> dict[ValueVersion, str]:
    """The versions that a report rests on, and what is said of each."""
    found: dict[ValueVersion, str] = {}
    for item in content_of(stored).inputs:
        source = source_of(work, stored, item) if item.day == day else None
        if source and source.series == series and source.version.payload_sha256.startswith(payload):
            made = "" if source.exact else f" to make its {item.label}"
            said = f"used by revision {stored.revision} of {stored.session}{made}"
            found[source.version] = said if source.exact else found.get(source.version, said)
    return found


def _rows(
    site: Site, series: str, day: dt.date, versions: Sequence[ValueVersion], used: dict[ValueVersion, str]
) -> list[Row]:
    """The versions as the page shows them: one counts at most, of the first publisher that has a value to count."""
    rows: list[Row] = []
    publishers, taken = publishers_of(series), False
    for place, each in enumerate(versions):
        newest = place == 0 or versions[place - 1].publisher != each.publisher
        ignored = (series, each.publisher, day) in site.config.ignored
        counts = not taken and newest and not ignored and each.value is not None and each.publisher in publishers
        taken = taken or counts
        rows.append(Row(each, newest, counts, ignored, used.get(each, "")))
    return rows


def seconds(instant: dt.datetime) -> str:
    """An instant to the second on New York's clocks."""
    return f"{instant.astimezone(NEW_YORK):%a %Y-%m-%d %H:%M:%S}"


def specification(series: str) -> SeriesSpec | None:
    """What is known of a series; None of one that is stored and not used any more."""
    return None if _is_unknown(series) else spec(series)


def publishers_of(series: str) -> tuple[str, ...]:
    """The publishers of a series, the one that counts first."""
    return VX_PUBLISHERS if series.startswith(VX_PREFIX) else PUBLISHERS.get(series, ())


def _rank(series: str, publisher: str) -> int:
    """The place of a publisher among those of a series; one that is not used comes last."""
    known = publishers_of(series)
    return known.index(publisher) if publisher in known else len(known)


def _is_unknown(series: str) -> bool:
    return series not in SPECS and not series.startswith(VX_PREFIX)
