"""The observations behind a number: every version of it, its publishers, and its days before and after."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.review.pages import TheSite, page
from reports.review.parameters import Day, Series
from reports.review.problems import Link, Problem
from signals.series import PUBLISHERS, SPECS, VX_PREFIX, VX_PUBLISHERS, SeriesSpec, spec

router = APIRouter()

_AROUND = 5


@router.get("/observations/{series}/{day}")
def show_observation(request: Request, site: TheSite, series: Series, day: Day) -> Response:
    """All versions of a value."""
    with site.work() as work:
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
            "versions": versions,
            "nearby": nearby,
            "before": max((each for each in days if each < day), default=None),
            "after": min((each for each in days if each > day), default=None),
        },
        simulated=simulated,
        section="/data",
    )


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
