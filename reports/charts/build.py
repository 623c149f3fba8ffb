"""The charts of a report, from its figures and those of the sessions before it. Standard library only."""

from __future__ import annotations

from reports.charts.chart import Chart
from reports.charts.curve import Curves, curve_chart
from reports.charts.decisions import stop_loss_chart, trend_chart, volatility_chart
from reports.charts.hedges import hedge_chart
from reports.charts.levels import index_chart
from reports.charts.table import cell_chart
from reports.charts.weights import weights_chart
from reports.charts.windows import known
from reports.context import ReportContext
from signals.veqtor.report import SignalReport


def charts_of(report: SignalReport, context: ReportContext, curves: Curves | None = None) -> tuple[Chart, ...]:
    """Describe every chart that has something to say, in the order in which they are read.

    Parameters
    ----------
    context : ReportContext
        History up to the session of the report. None of the charts is made where it does not end there.
    curves : Curves, optional
        Without them the chart of the VX curve is left out.
    """
    history = tuple(row for row in context.history if row.session <= report.session)
    if not history or history[-1].session != report.session:
        return ()
    hedges = (
        hedge_chart(report, hedge, [row for row in rows if row.session <= report.session], history)
        for hedge in report.hedges
        for rows in [context.hedges.get(hedge.rule_set, ())]
    )
    found = (
        cell_chart(report, history),
        weights_chart(report, history),
        volatility_chart(report, history),
        trend_chart(report, history),
        stop_loss_chart(report, history),
        curve_chart(report, curves, known(history[-1].vix)),
        *hedges,
        index_chart(report, history),
    )
    return tuple(chart for chart in found if chart is not None)
