"""The charts of a stored report, with what they need read from storage."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from reports.charts.build import charts_of
from reports.charts.chart import Chart
from reports.context import ReportContext, load_context
from reports.stored import content_of
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from signals.calendar import TradingCalendar
    from signals.market import IgnoredValue


def report_charts(
    work: UnitOfWork,
    stored: StoredReport,
    *,
    ignored: Collection[IgnoredValue] = (),
    calendar: TradingCalendar | None = None,
    context: ReportContext | None = None,
) -> tuple[Chart, ...]:
    """Describe the charts of a stored report from what was known when it was emitted.

    Parameters
    ----------
    ignored : collection of (series, publisher, day)
        Values that somebody has looked at and found wrong.
    calendar : TradingCalendar, optional
        With the configured closures; by default that of the package.
    context : ReportContext, optional
        The stored history, where it was loaded already.
    """
    # The calendar takes a moment to import, and nothing else here needs it.
    from reports.charts.settled import curves_of

    report = content_of(stored)
    curves = curves_of(work, report, stored.emitted_at, ignored, calendar)
    context = load_context(work, stored) if context is None else context
    return charts_of(report, context, curves)
