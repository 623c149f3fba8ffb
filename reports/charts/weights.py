"""The weights VEQTOR has decided, session by session. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from reports.charts.chart import CASH, EQUITY, VOLATILITY, Chart, Panel, Stack
from reports.charts.windows import counted, note, points, recent, stops, times
from reports.words import holding
from signals.veqtor.report import SignalReport
from storage.figures import SessionFigures

SESSIONS = 252


def weights_chart(report: SignalReport, history: Sequence[SessionFigures]) -> Chart | None:
    """How the target has moved, and how often."""
    rows = recent(history, SESSIONS)
    if len(rows) < 2:
        return None
    target = report.target
    changed = [
        row.session
        for before, row in pairwise(rows)
        if (before.target_equity, before.target_volatility, before.target_cash)
        != (row.target_equity, row.target_volatility, row.target_cash)
    ]
    stopped = sum(row.stop_loss for row in rows)
    asked = holding(target)
    span = counted(rows)
    shares = [row.target_volatility for row in rows if not row.target_cash]
    between = ""
    if shares and min(shares) < max(shares):
        between = f"VIX futures between {min(shares) * 100:g}% and {max(shares) * 100:g}% outside of the stop-loss; "
    alt = (
        f"Target weights of VEQTOR decided at each close, {span} up to {report.session}: now {asked}; {between}"
        f"the stop-loss was on in {times(stopped, 'session')}; {times(len(changed), 'change')}"
        f"{f', the last on {changed[-1]}' if changed else ''}."
    )
    last = f", last on {changed[-1]}" if changed else ""
    return Chart(
        name="weights",
        section="veqtor",
        title=f"Target is {asked}: {times(len(changed), 'change')} in {span}{last}",
        subtitle=f"Weights decided at each close, % of the portfolio; {span}",
        alt=alt,
        note=note(report, f"this target is to be held from the close of {report.effective_session} on"),
        panels=(
            Panel(
                "Target weight, %",
                stacks=(
                    Stack("VIX futures", points(rows, lambda row: row.target_volatility, 100.0), VOLATILITY),
                    Stack("S&P 500", points(rows, lambda row: row.target_equity, 100.0), EQUITY),
                    Stack("Cash", points(rows, lambda row: row.target_cash, 100.0), CASH),
                ),
                shades=stops(rows, "stop-loss"),
                suffix="%",
                low=0.0,
                high=100.0,
                ticks=(0.0, 20.0, 40.0, 60.0, 80.0, 100.0),
            ),
        ),
        simulated=report.simulated,
    )
