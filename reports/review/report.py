"""A report: its sections, charts, revisions and inputs."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from reports.context import ReportContext
from reports.export.columns import chosen_figures
from reports.export.tables import csv_lines
from reports.review.columns import columns, rows_of, whole_hedges
from reports.review.lookup import content_of, context_of, find
from reports.review.pages import TheSite, answer, page
from reports.review.parameters import Day, OptionalDay, Revision
from reports.review.problems import Problem
from reports.review.site import Site
from reports.review.trace import Source, source_of
from reports.stored import stored_before
from reports.tables import Section
from reports.text import render_text
from reports.view import ReportView, report_view
from signals.veqtor.report import ReportInput, SignalReport
from signals.veqtor.rules import VEQTOR
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from reports.charts.chart import Chart

router = APIRouter()

#: How many rendered reports, and drawn charts, are kept.
_REPORTS_KEPT, _CHARTS_KEPT = 512, 256

#: Columns that show what was read, and not what was made of it.
_OF_VALUES = ("Now", "Value", "Price")

#: A cell that is one number, and perhaps its unit.
_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?%?")


@dataclass(frozen=True)
class Picture:
    """A chart without what is drawn, of which there may be twenty years."""

    name: str
    section: str
    alt: str


@dataclass(frozen=True)
class Shown:
    """A report ready for its page; `links` lead from a cell, by section, row and column, to the value behind it."""

    view: ReportView
    content: SignalReport
    charts: tuple[Picture, ...]
    links: Mapping[tuple[int, int, int], str]


@router.get("/reports")
def newest_report(site: TheSite, session: OptionalDay = None) -> Response:
    """Where the date somebody typed leads, or the newest report."""
    with site.work() as work:
        day = session or find(site, work, None).session
    return RedirectResponse(f"/reports/{day}", status_code=303)


@router.get("/reports/{session}")
def show_report(request: Request, site: TheSite, session: Day, revision: Revision = None) -> Response:
    """The page of a report."""
    with site.work() as work:
        stored = find(site, work, session, revision)
        shown = shown_report(site, work, stored)
        revisions = work.reports.heads(VEQTOR.name, first=session, last=session, limit=100)
        before, after = work.reports.around(VEQTOR.name, session)
        simulated = work.observations.is_simulated()
    return page(
        request,
        "report",
        {
            "stored": stored,
            "shown": shown,
            "charts": placed(shown),
            "revisions": revisions,
            "before": before,
            "after": after,
            "query": f"?revision={revision}" if revision else "",
            "address": chart_address(site),
        },
        simulated=simulated,
        section="/reports",
    )


@router.get("/reports/{session}/text")
def text_of_report(request: Request, site: TheSite, session: Day, revision: Revision = None) -> Response:
    """The report as the terminal prints it, to be saved."""
    with site.work() as work:
        stored = find(site, work, session, revision)
        text = render_text(shown_report(site, work, stored).view)
    name = f"tailguard-{stored.session}-r{stored.revision}.txt"
    return answer(
        request,
        text.encode(),
        "text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.get("/reports/{session}/csv")
def csv_of_report(request: Request, site: TheSite, session: Day, revision: Revision = None) -> Response:
    """The figures of a report in one of its revisions, in every column of the history."""
    with site.work() as work:
        stored = find(site, work, session, revision)
        row = work.figures.of_reports([stored.id]).get(stored.id)
        if row is None:
            raise Problem(404, "No figures", f"None are stored of revision {stored.revision} of {session}.")
        hedges = {
            name: work.figures.hedges(name, first=session, last=session, as_of=stored.emitted_at)
            for name in work.figures.hedges_of(stored.id)
        }
    whole = whole_hedges(hedges)
    names = list(columns(whole))
    (values,) = rows_of([row], whole, names)
    rows = [(row.session, row.revision, row.emitted_at, *values)]
    body = b"".join(csv_lines(chosen_figures(names, of_report=True), [rows]))
    name = f"tailguard-{stored.session}-r{stored.revision}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return answer(request, body, "text/csv; charset=utf-8", headers=headers)


@router.get("/reports/{session}/inputs")
def show_inputs(request: Request, site: TheSite, session: Day, revision: Revision = None) -> Response:
    """Every number the report rests on, with the observation and the payload behind it."""
    with site.work() as work:
        stored = find(site, work, session, revision)
        content = content_of(stored)
        inputs = [(item, source_of(work, stored, item)) for item in content.inputs]
        newest = work.reports.newest(VEQTOR.name, session) or stored
        simulated = work.observations.is_simulated()
    context = {
        "stored": stored,
        "content": content,
        "inputs": inputs,
        "newest_revision": newest.revision,
        "query": f"?revision={stored.revision}",
    }
    return page(request, "inputs", context, simulated=simulated, section="/reports")


@router.get("/reports/{session}/charts/{name}.png")
def show_chart(
    request: Request, site: TheSite, session: Day, name: str, revision: Revision = None, v: str = Query("")
) -> Response:
    """A chart of a report as a picture."""
    with site.work() as work:
        stored = find(site, work, session, revision)
        names = [chart.name for chart in shown_report(site, work, stored).charts]
        if name not in names:
            raise Problem(404, "No such chart", f"The report of {session} has: {', '.join(names)}.")
        key = (*_key(stored), name)
        body = site.memory.get("pictures", key, lambda: _drawn(site, work, stored, name), _CHARTS_KEPT)
    return answer(request, body, "image/png", for_ever=v == _version_of(site, stored))


def shown_report(site: Site, work: UnitOfWork, stored: StoredReport) -> Shown:
    """A report as it is rendered, made once for all its readers."""
    newest = work.reports.newest(VEQTOR.name, stored.session)
    newest_revision = newest.revision if newest else stored.revision
    return site.memory.get(
        "reports",
        (*_key(stored), newest_revision),
        lambda: _made(site, work, stored, newest_revision),
        _REPORTS_KEPT,
    )


def _key(stored: StoredReport) -> tuple[object, ...]:
    return stored.id, stored.fingerprint, stored.emitted_at


def _made(site: Site, work: UnitOfWork, stored: StoredReport, newest_revision: int) -> Shown:
    content = content_of(stored)
    corrected = work.reports.newest(VEQTOR.name, stored.session, stored.revision - 1) if stored.revision > 1 else None
    was = _readable(corrected)
    context = context_of(site, work, stored)
    charts = _charts(site, work, content, context, stored.emitted_at)
    view = report_view(
        content,
        revision=stored.revision,
        emitted_at=stored.emitted_at,
        newest_revision=newest_revision,
        corrects=(corrected.revision, was) if corrected and was else None,
        context=context,
        before=_readable(stored_before(work, stored)),
        charts=charts,
    )
    pictures = tuple(Picture(chart.name, chart.section, chart.alt) for chart in charts)
    sources = [(item, source_of(work, stored, item)) for item in content.inputs]
    return Shown(replace(view, charts=()), content, pictures, linked(view.sections, sources))


def _readable(stored: StoredReport | None) -> SignalReport | None:
    """A report that another is read beside; None where it cannot be read, which spoils no other page."""
    with suppress(Problem):
        return content_of(stored) if stored else None
    return None


def _charts(
    site: Site, work: UnitOfWork, content: SignalReport, context: ReportContext, emitted_at: dt.datetime
) -> tuple[Chart, ...]:
    # It loads the trading calendar.
    from reports.charts.build import charts_of
    from reports.charts.settled import curves_of

    curves = curves_of(work, content, emitted_at, site.config.ignored, site.config.calendar())
    return charts_of(content, context, curves)


def _drawn(site: Site, work: UnitOfWork, stored: StoredReport, name: str) -> bytes:
    # Loads matplotlib.
    from reports.charts.draw import png

    charts = _charts(site, work, content_of(stored), context_of(site, work, stored), stored.emitted_at)
    return png(next(chart for chart in charts if chart.name == name))


def placed(shown: Shown) -> dict[int, list[Picture]]:
    """The charts by the number of the section they stand in: the first of its key, else the first section."""
    places: dict[str, int] = {}
    for number, section in enumerate(shown.view.sections):
        places.setdefault(section.key, number)
    found: dict[int, list[Picture]] = {}
    for chart in shown.charts:
        found.setdefault(places.get(chart.section, 0), []).append(chart)
    return found


def linked(
    sections: Sequence[Section], inputs: Sequence[tuple[ReportInput, Source | None]]
) -> dict[tuple[int, int, int], str]:
    """Where cells lead that show an input: those with its file, or with its value where that very value is stored."""
    found: dict[tuple[int, int, int], str] = {}
    for number, section in enumerate(sections):
        header = section.table.header if section.table else ()
        for row, cells in enumerate(section.table.rows if section.table else ()):
            named = [(item, source) for item, source in inputs if _names(cells[0], item)]
            for column, cell in enumerate(cells[1:], 1):
                for item, source in named:
                    if item.payload and len(cell) >= 8 and item.payload.startswith(cell):
                        series = source.series if source else item.series
                        found[number, row, column] = f"/payloads/{item.payload}?day={item.day}&series={series}#row"
                    elif source and source.exact and header[column] in _OF_VALUES and _shows(cell, item):
                        found.setdefault((number, row, column), source.href)
    return found


def _names(cell: str, item: ReportInput) -> bool:
    """Whether the first cell of a row is about an input: by its whole label, or the contract it is."""
    contract = item.label.partition(" (")[0]
    return (
        cell == item.label
        or cell.startswith(f"{item.label},")
        or (item.series.startswith("VX.") and contract in re.split(r"[ ,]", cell))
    )


def _shows(cell: str, item: ReportInput) -> bool:
    if item.value is None or not _NUMBER.fullmatch(cell):
        return False
    digits = len(cell.rstrip("%").partition(".")[2])
    return float(cell.rstrip("%").replace(",", "")) == round(item.value, digits)


def chart_address(site: Site) -> Callable[[dt.date, StoredReport, str], str]:
    """Where the picture of a chart is, under an address that never shows another."""

    def address(session: dt.date, stored: StoredReport, name: str) -> str:
        return f"/reports/{session}/charts/{name}.png?revision={stored.revision}&v={_version_of(site, stored)}"

    return address


def _version_of(site: Site, stored: StoredReport) -> str:
    """Changes with all that a picture is drawn from: the report, the settings, and the program that draws."""
    config = site.config
    drawn_from = (stored.fingerprint, config.version, config.calendar().version, *sorted(map(str, config.ignored)))
    return hashlib.sha256("\n".join(drawn_from).encode()).hexdigest()[:12]
