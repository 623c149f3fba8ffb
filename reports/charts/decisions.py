"""The three tests that decide VEQTOR's weights: volatility, trend and stop-loss. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts.chart import BACKGROUND, FIRST, SECOND, Bars, Chart, Level, Line, Panel
from reports.charts.windows import counted, known, lowest_and_highest, note, points, recent, stops, times
from reports.numbers import beside, both, signed_beside, vix_limit
from signals.veqtor.report import Regime, SignalReport, Trend
from signals.veqtor.rules import VEQTOR
from storage.figures import SessionFigures

SESSIONS = 126


def volatility_chart(report: SignalReport, history: Sequence[SessionFigures]) -> Chart | None:
    """How far realised volatility is from another regime."""
    rows = recent(history, SESSIONS)
    line, regime = points(rows, lambda row: row.realised_volatility, 100.0), report.regime
    edges = [edge * 100.0 for edge in (regime.lower_edge, regime.upper_edge) if edge]
    if len(rows) < 2 or not edges or line[-1][1] is None:
        return None
    value = regime.volatility * 100.0
    nearest = min(edges, key=lambda edge: abs(value - edge))
    # Edges beyond the present regime are shown where the line comes near them.
    drawn = [number for _, number in line if number is not None]
    passed = [edge * 100.0 for edge in VEQTOR.regime_edges] if report.rule_set_digest == VEQTOR.digest else []
    shown = sorted({*edges, *(edge for edge in passed if min(drawn) <= edge <= max(drawn))})
    said = beside(value, edges)
    alt = (
        f"Realised volatility of the S&P 500 over 22 sessions, annualised, in {counted(rows)} up to {report.session}: "
        f"now {said}%, regime {regime.name}; {lowest_and_highest(line, '%', 2)}. "
        f"{'; '.join(f'{edge:g}% is {_distance(value, edge)}' for edge in edges).capitalize()}. {_next_move(regime)}"
    )
    return Chart(
        name="volatility",
        section="distance",
        title=f"Realised volatility of {said}% is {_from_edge(value, nearest)}",
        subtitle=f"S&P 500, 22 sessions, annualised, %; {counted(rows)}",
        alt=alt,
        note=note(report, "a boundary belongs to the regime above it"),
        panels=(
            Panel(
                "Realised volatility, % a year",
                lines=(Line(f"{said}%", line),),
                levels=tuple(
                    Level(edge, f"{edge:g}%: {_distance(value, edge)}" if edge in edges else f"{edge:g}%")
                    for edge in shown
                ),
                suffix="%",
            ),
        ),
        simulated=report.simulated,
    )


def _distance(value: float, edge: float) -> str:
    """Where an edge is, seen from today's value."""
    if value == edge:
        return "today's value"
    return f"{beside(abs(edge - value), (0.0,))} points {'above' if edge > value else 'below'} today's"


def _from_edge(value: float, edge: float) -> str:
    """Where today's value is, seen from an edge."""
    if value == edge:
        return f"on the boundary at {edge:g}%"
    side = "below" if value < edge else "above"
    return f"{beside(abs(edge - value), (0.0,))} percentage points {side} the boundary at {edge:g}%"


def _next_move(regime: Regime) -> str:
    if regime.next_rise is None or regime.next_fall is None or regime.upper_edge is None:
        return "There is no boundary above."
    if regime.next_rise == 0.0:
        return f"It reaches {regime.upper_edge * 100:g}% at the next close however the S&P 500 moves."
    return (
        f"A rise of the S&P 500 by {regime.next_rise * 100:.2f}% or a fall by {regime.next_fall * 100:.2f}% would lift "
        f"it to {regime.upper_edge * 100:g}% at the next close."
    )


def trend_chart(report: SignalReport, history: Sequence[SessionFigures]) -> Chart | None:
    """Whether the VIX has a trend, and how many sessions are missing to one."""
    rows, trend = recent(history, SESSIONS), report.trend
    if len(rows) < 2 or known(trend.short_average) is None or known(trend.long_average) is None:
        return None
    short, long = both(trend.short_average, trend.long_average)
    side = "at or above" if trend.up else "below"
    run = times(trend.run, "session")
    if trend.run >= trend.needed:
        title = f"{trend.name.capitalize()}: MA5 of the VIX, {short}, has been {side} MA20, {long}, for {run} in a row"
    else:
        title = (
            f"{trend.name.capitalize()}: MA5 of the VIX, {short}, has been {side} MA20, {long}, for {run}; "
            f"{trend.needed} in a row make a trend"
        )
    vix = points(rows, lambda row: row.vix)
    count = tuple((row.session, float(min(row.trend_run, trend.needed) * (1 if row.trend_up else -1))) for row in rows)
    last = next((value for _, value in reversed(vix) if value is not None), None)
    close = known(rows[-1].vix)
    lines = [
        Line(f"VIX {close:.2f}" if close is not None else "VIX", vix, BACKGROUND),
        Line(f"MA5 {short}", points(rows, lambda row: row.short_average), FIRST),
        Line(f"MA20 {long}", points(rows, lambda row: row.long_average), SECOND),
    ]
    extremes = f"; VIX {lowest_and_highest(vix, '', 2)}" if last is not None else ""
    alt = (
        f"VIX closes with their means over 5 and 20 sessions, {counted(rows)} up to {report.session}: "
        f"{f'VIX {close:.2f}, ' if close is not None else ''}MA5 {short}, MA20 {long}{extremes}. Beneath, the count: "
        f"MA5 has been {side} MA20 for {run} in a row; {trend.needed} make a trend, so there is "
        f"{'none' if trend.run < trend.needed else f'one, {trend.name}'}. "
        f"{_next_side(trend)}"
    )
    limits = (Level(float(trend.needed), "uptrend"), Level(-float(trend.needed), "downtrend"))
    return Chart(
        name="trend",
        section="distance",
        title=title,
        subtitle=f"VIX, points; {counted(rows)}",
        alt=alt,
        note=note(report, "MA5 and MA20 are means of the last 5 and 20 closes"),
        panels=(
            Panel("VIX points", lines=tuple(lines if last is not None else lines[1:]), share=1.3),
            Panel(
                f"Sessions in a row with MA5 above (+) or below (-) MA20, up to {trend.needed}",
                bars=Bars(count),
                levels=limits,
                low=-1.7 * trend.needed,
                high=1.7 * trend.needed,
                ticks=(-float(trend.needed), 0.0, float(trend.needed)),
            ),
        ),
        simulated=report.simulated,
    )


def _next_side(trend: Trend) -> str:
    if trend.next_vix <= 0.0:
        return "MA5 is at or above MA20 at the next close wherever the VIX closes."
    return f"MA5 is at or above MA20 at the next close if the VIX closes at {vix_limit(trend.next_vix)} or higher."


def _next_stop(report: SignalReport) -> str:
    needed = report.stop_loss.next_excess_return
    if needed is None:
        return ""
    if report.held.cash == 1.0:
        side = "positive" if needed >= 0.0 else "negative"
        return f" In cash the next excess return is zero: the next close tests {side}."
    return f" The next close tests positive at an excess return of {signed_beside(needed * 100.0, (0.0,))}% or less."


def stop_loss_chart(report: SignalReport, history: Sequence[SessionFigures]) -> Chart | None:
    """How far the five-day excess return is from the stop-loss, and when it was beyond."""
    rows, stop = recent(history, SESSIONS), report.stop_loss
    line = points(rows, lambda row: row.excess_return_5d, 100.0)
    if len(rows) < 2 or stop.excess_return_5d is None or sum(value is not None for _, value in line) < 2:
        return None
    limit, value = stop.limit * 100.0, stop.excess_return_5d * 100.0
    said = beside(value, (limit,))
    shades = stops(rows, "stop-loss on")
    days = sum(row.stop_loss for row in rows)
    if stop.active:
        title = f"Stop-loss on: the five-day excess return of {said}% is at or below the limit of {limit:g}%"
    else:
        gap = beside(value - limit, (0.0,))
        title = f"Five-day excess return of {said}% is {gap} percentage points above the stop-loss at {limit:g}%"
    found = f"on in {times(days, 'session')}, in {times(len(shades), 'episode')}"
    next_test = _next_stop(report)
    alt = (
        f"Excess return of VEQTOR over five sessions, {counted(rows)} up to {report.session}, against the stop-loss at "
        f"{limit:g}%: now {said}%, stop-loss {'on' if stop.active else 'off'}; {lowest_and_highest(line, '%', 2)}; "
        f"{found if days else 'never on'}.{next_test}"
    )
    return Chart(
        name="stop-loss",
        section="distance",
        title=title,
        subtitle=f"Excess return of VEQTOR over five sessions, %; {counted(rows)}",
        alt=alt,
        note=note(report, "shaded: the stop-loss is on at the close" if days else "the stop-loss was never on in them"),
        panels=(
            Panel(
                "Five-day excess return, %",
                lines=(Line(f"{said}%", line),),
                levels=(Level(limit, f"stop-loss at {limit:g}%"),),
                shades=shades,
                suffix="%",
            ),
        ),
        simulated=report.simulated,
    )
