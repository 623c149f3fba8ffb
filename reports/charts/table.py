"""The cell of VEQTOR's table that decides the target, and the way there. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports.charts.chart import Cell, Chart, Grid, Stop
from reports.charts.windows import counted, known, note, recent, times
from reports.numbers import beside
from reports.words import holding
from signals.veqtor.report import SignalReport, Weights
from signals.veqtor.rules import DOWNTREND, NO_TREND, UPTREND, VEQTOR, VeqtorRules
from storage.figures import SessionFigures

SESSIONS = 60

#: Columns of the table, as the rules have them.
_TRENDS = (DOWNTREND, NO_TREND, UPTREND)

#: A trend that has lasted so many sessions beyond those that make it is shown at the far end of its column.
_LONG_TREND = 30


def cell_chart(report: SignalReport, history: Sequence[SessionFigures]) -> Chart | None:
    """Which cell we are in, what it asks for, and how the last 60 sessions led there.

    None for a report of other rules than today's, whose table is not known here, or whose target is not in it.
    """
    rules = VEQTOR
    if report.rule_set_digest != rules.digest:
        return None
    rows, path = _path(recent(history, SESSIONS), rules)
    if not path or path[-1].session != report.session:
        return None
    here = path[-1]
    visits = Counter((stop.row, stop.column) for stop in path)
    weight = _weight(rules, here.row, here.column)
    if not report.stop_loss.active and report.target.volatility != weight:
        return None
    count, span = visits[here.row, here.column], counted(rows)
    volatility = beside(report.regime.volatility * 100.0, (edge * 100.0 for edge in rules.regime_edges))
    asked = holding(Weights(1.0 - weight, weight, 0.0))
    if report.stop_loss.active:
        title = f"Stop-loss: all cash, while volatility of {volatility}% and {report.trend.name} would say {asked}"
    else:
        title = f"Volatility of {volatility}% and {report.trend.name} ask for {asked}"
    where = f"; in this cell on {'all' if count == len(rows) else count} of {span}" if len(rows) > 1 else ""
    names = tuple(_regimes(rules))
    told = ", ".join(
        f"{times(number, 'session')} in {names[row]} with {_TRENDS[column]}"
        for (row, column), number in visits.most_common()
    )
    alt = (
        "VEQTOR's table of target weights by realised volatility and trend of the VIX. The session "
        f"{report.session} is in the cell {names[here.row]} with {report.trend.name}: {asked}"
        f"{'; the stop-loss overrides it with 100% cash' if report.stop_loss.active else ''}. "
        f"Of {span}: {told}. {_entered(path)}"
    )
    return Chart(
        name="cell",
        section="veqtor",
        title=title + where,
        subtitle="S&P 500 / VIX futures, %"
        + (f"; how many of {span}; their path, fainter with age" if len(rows) > 1 else ""),
        alt=alt,
        note=note(report, f"further right in a column: nearer to an uptrend, of {rules.trend_sessions} sessions"),
        grid=Grid(
            rows=names,
            columns=_TRENDS,
            rows_title="Realised volatility",
            columns_title="Trend of the VIX: MA5 against MA20",
            cells=tuple(
                tuple(_cell(rules, row, column, visits[row, column]) for column in range(len(_TRENDS)))
                for row in range(len(names))
            ),
            path=path,
            here="cash: stop-loss" if report.stop_loss.active else "now",
        ),
        simulated=report.simulated,
    )


def _regimes(rules: VeqtorRules) -> list[str]:
    """The names of the regimes from the most volatile one down, as the chart has them."""
    return [rules.regime_name(regime) for regime in reversed(range(len(rules.volatility_weights)))]


def _weight(rules: VeqtorRules, row: int, column: int) -> float:
    return rules.volatility_weights[len(rules.volatility_weights) - 1 - row][column]


def _cell(rules: VeqtorRules, row: int, column: int, visits: int) -> Cell:
    weight = _weight(rules, row, column)
    heaviest = max(map(max, rules.volatility_weights))
    return Cell(f"{(1.0 - weight) * 100:g} / {weight * 100:g}", weight / heaviest, visits)


def _path(history: Sequence[SessionFigures], rules: VeqtorRules) -> tuple[list[SessionFigures], tuple[Stop, ...]]:
    """The sessions whose place in the table is known, and their places."""
    found = [(row, stop) for row in history if (stop := _stop(row, rules))]
    return [row for row, _ in found], tuple(stop for _, stop in found)


def _stop(row: SessionFigures, rules: VeqtorRules) -> Stop | None:
    """Where a session is in the table; None for one whose regime or trend the rules do not know."""
    names, volatility = _regimes(rules), known(row.realised_volatility)
    if row.regime not in names or row.trend not in _TRENDS or volatility is None:
        return None
    at, column = names.index(row.regime), _TRENDS.index(row.trend)
    edges = (0.0, *rules.regime_edges, 2.0 * rules.regime_edges[-1])
    low, high = edges[len(names) - 1 - at], edges[len(names) - at]
    beyond = min((row.trend_run - rules.trend_sessions) / _LONG_TREND, 1.0)
    run = row.trend_run if row.trend_up else -row.trend_run
    across = {DOWNTREND: 1.0 - beyond, NO_TREND: 0.5 + run / (2.0 * rules.trend_sessions), UPTREND: beyond}[row.trend]
    up = (volatility - low) / (high - low)
    return Stop(row.session, at, column, min(max(across, 0.0), 1.0), min(max(up, 0.0), 1.0))


def _entered(path: Sequence[Stop]) -> str:
    """Since when the path has been in its last cell."""
    here = path[-1]
    before = [index for index, stop in enumerate(path) if (stop.row, stop.column) != (here.row, here.column)]
    if not before:
        return "No other cell was visited." if len(path) > 1 else "It is the only session known."
    return f"It entered this cell on {path[before[-1] + 1].session}."
