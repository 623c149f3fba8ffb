"""Stored reports, ready to be rendered for whoever asked for one."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from flows.cli.options import existing_database
from reports.context import load_context
from reports.stored import content_of, report_before
from reports.view import ReportView, report_view
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from reports.charts.chart import Chart


def view_of(stored: StoredReport, charts: tuple[Chart, ...] = ()) -> ReportView:
    """The view of a stored report, with what it corrects and what supersedes it."""
    with UnitOfWork(existing_database()) as work:
        newest = work.reports.newest(stored.rule_set, stored.session)
        earlier = work.reports.newest(stored.rule_set, stored.session, stored.revision - 1)
        context, before = load_context(work, stored), report_before(work, stored)
    return report_view(
        content_of(stored),
        revision=stored.revision,
        emitted_at=stored.emitted_at,
        newest_revision=newest.revision if newest else None,
        corrects=(earlier.revision, content_of(earlier)) if earlier else None,
        context=context,
        before=before,
        charts=charts,
    )


def page_of(stored: StoredReport) -> str:
    """The report as one file, pictures included."""
    # Drawing loads numpy and matplotlib, which a page of the review app does not need.
    from flows.wiring import services
    from reports.charts.draw import png
    from reports.charts.load import report_charts
    from reports.html import render_html

    with UnitOfWork(existing_database()) as work:
        found = services()
        charts = report_charts(work, stored, ignored=found.judgement().ignored, calendar=found.calendar)
    view = view_of(stored, charts)
    pictures = {chart.name: f"data:image/png;base64,{base64.b64encode(png(chart)).decode()}" for chart in charts}
    return render_html(view, pictures)
