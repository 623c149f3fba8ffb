"""Stored studies: what each found, its charts and files, and how one is made."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from reports.review.pages import TheSite, answer, page
from reports.review.parameters import RowId
from reports.review.problems import Link, Problem
from reports.review.site import Site
from reports.study.charts import study_charts
from reports.study.export import levels_csv, study_csv, study_json
from reports.study.html import placed, study_page
from reports.study.view import StudyView, study_view
from signals.document import decode
from signals.study.result import STUDY_VERSION, StudyResult
from storage.studies import StoredStudy
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from reports.charts.chart import Chart

_LOG = logging.getLogger(__name__)

router = APIRouter()

#: How many studies are kept as pages, and whole, with the levels of every session; and how many drawn charts.
_PAGES_KEPT, _RESULTS_KEPT, _CHARTS_KEPT = 16, 1, 128

_CSV, _HTML, _JSON = "text/csv; charset=utf-8", "text/html; charset=utf-8", "application/json"


@dataclass(frozen=True)
class Picture:
    """A chart without what is drawn."""

    name: str
    alt: str


@dataclass(frozen=True)
class Shown:
    """A study ready for its page; the charts by the key of the section they stand in."""

    view: StudyView
    charts: dict[str, list[Picture]]

    @property
    def names(self) -> list[str]:
        """The names of all charts."""
        return [chart.name for charts in self.charts.values() for chart in charts]


@router.get("/study")
def newest_study(request: Request, site: TheSite) -> Response:
    """The study that was made last, or how one is made."""
    with site.work() as work:
        stored = work.studies.newest()
        simulated = work.observations.is_simulated()
        if stored is not None:
            return _shown_page(request, site, work, stored)
    return page(request, "study_none", {}, simulated=simulated, section="/study")


@router.get("/study/{study_id}")
def show_study(request: Request, site: TheSite, study_id: RowId) -> Response:
    """The page of a study."""
    with site.work() as work:
        return _shown_page(request, site, work, _find(work, study_id))


@router.get("/study/{study_id}/charts/{name}.png")
def show_chart(request: Request, site: TheSite, study_id: RowId, name: str, v: str = Query("")) -> Response:
    """A chart of a study as a picture."""
    with site.work() as work:
        stored = _find(work, study_id)
        names = _shown(site, work, stored).names
        if name not in names:
            raise Problem(404, "No such chart", f"The study has: {', '.join(names)}.")
        key = (*_key(stored), name)
        body = site.memory.get("study charts", key, lambda: _drawn(_result(site, work, stored), name), _CHARTS_KEPT)
    return answer(request, body, "image/png", for_ever=v == _version_of(site, stored))


@router.get("/study/{study_id}/json")
def study_as_json(request: Request, site: TheSite, study_id: RowId) -> Response:
    """All of a study."""
    return _file(request, site, study_id, "json", _JSON, study_json)


@router.get("/study/{study_id}/csv")
def study_as_csv(request: Request, site: TheSite, study_id: RowId) -> Response:
    """Every number of a study."""
    return _file(request, site, study_id, "csv", _CSV, study_csv)


@router.get("/study/{study_id}/levels")
def levels_as_csv(request: Request, site: TheSite, study_id: RowId) -> Response:
    """The levels of every strategy by session."""
    return _file(request, site, study_id, "levels.csv", _CSV, levels_csv)


@router.get("/study/{study_id}/html")
def study_as_html(request: Request, site: TheSite, study_id: RowId) -> Response:
    """A study as one file, with its charts."""
    return _file(request, site, study_id, "html", _HTML, study_page)


def _shown_page(request: Request, site: Site, work: UnitOfWork, stored: StoredStudy) -> Response:
    shown = _shown(site, work, stored)
    version = _version_of(site, stored)
    context = {
        "stored": stored,
        "shown": shown,
        "address": lambda name: f"/study/{stored.id}/charts/{name}.png?v={version}",
        "studies": work.studies.all(),
    }
    return page(request, "study", context, simulated=stored.simulated, section="/study")


def _file(
    request: Request, site: Site, study_id: int, ending: str, kind: str, write: Callable[[StudyResult], str]
) -> Response:
    with site.work() as work:
        stored = _find(work, study_id)
        result = _result(site, work, stored)
    name = f"tailguard-study-{stored.first}-{stored.last}.{ending}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return answer(request, write(result).encode(), kind, headers=headers)


def _find(work: UnitOfWork, study_id: int) -> StoredStudy:
    stored = work.studies.by_id(study_id)
    if stored is None:
        raise Problem(404, "No such study", "The list has all that are stored.", [Link("Studies", "/study")])
    return stored


def _shown(site: Site, work: UnitOfWork, stored: StoredStudy) -> Shown:
    """A study as its page shows it, made once for all its readers."""
    return site.memory.get("studies", _key(stored), lambda: _made(_result(site, work, stored)), _PAGES_KEPT)


def _made(result: StudyResult) -> Shown:
    view = study_view(result)
    charts = placed(view, study_charts(result))
    return Shown(view, {key: [Picture(each.name, each.alt) for each in found] for key, found in charts.items()})


def _result(site: Site, work: UnitOfWork, stored: StoredStudy) -> StudyResult:
    return site.memory.get("study", _key(stored), lambda: _content(work, stored), _RESULTS_KEPT)


def _content(work: UnitOfWork, stored: StoredStudy) -> StudyResult:
    """What a study found.

    Raises
    ------
    Problem
        When this program cannot read it.
    """
    try:
        document = json.loads(work.studies.document(stored.id) or "")
        version = document["version"]
        if version <= STUDY_VERSION:
            return decode(StudyResult, document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _LOG.warning("study %s: %r", stored.id, error)
        why = "Its stored document is damaged: make it again with --again."
    else:
        why = f"It is of version {version}, and this program reads up to {STUDY_VERSION}: upgrade tailguard."
    raise Problem(503, f"The study of {stored.first} to {stored.last} cannot be read", why)


def _drawn(result: StudyResult, name: str) -> bytes:
    # Loads matplotlib.
    from reports.charts.draw import png

    found: Chart = next(chart for chart in study_charts(result) if chart.name == name)
    return png(found)


def _key(stored: StoredStudy) -> tuple[object, ...]:
    return stored.id, stored.key, stored.made_at


def _version_of(site: Site, stored: StoredStudy) -> str:
    """Changes with all that a picture is drawn from: the study, and the program that draws."""
    drawn_from = (stored.key, stored.made_at.isoformat(), site.config.version)
    return hashlib.sha256("\n".join(drawn_from).encode()).hexdigest()[:12]
