"""What charts say, read from their descriptions: titles, values, gaps, and what is left out."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts.axes import place_limits, place_ticks, round_ticks
from reports.charts.build import charts_of
from reports.charts.chart import Chart, Panel, Place
from reports.numbers import beside, both
from signals.alvh.report import BudgetUse
from signals.veqtor.report import StopLoss, Weights
from signals.veqtor.rules import VEQTOR
from storage.figures import ALL_LAYERS, SessionFigures
from tests.reports.charted import LAST, context, curves, everything, figures, hedge_rows, history, report, session
from tests.reports.hedges import seed

NAMES = ("cell", "weights", "volatility", "trend", "stop-loss", "curve", "hedge-alvh-seed", "index")


def charts(rows: list[SessionFigures], **others: object) -> dict[str, Chart]:
    """Charts of the report of the last of these sessions, by name."""
    return {chart.name: chart for chart in charts_of(report(rows[-1], **others), context(rows))}


def places(chart: Chart) -> set[Place]:
    """Every place at which something is drawn."""
    found: set[Place] = set() if chart.grid is None else {stop.session for stop in chart.grid.path}
    for panel in chart.panels:
        shown = [*(each.points for each in panel.lines), *(each.points for each in panel.stacks)]
        shown += [panel.bars.points] if panel.bars else []
        found |= {place for points in shown for place, _ in points}
        found |= {mark.place for mark in panel.marks} | {place for band in panel.bands for place, _, _ in band.points}
    return found


def values(panel: Panel, line: int = 0) -> list[float | None]:
    return [value for _, value in panel.lines[line].points]


def test_all_charts_are_there_with_words_of_their_own_and_end_with_the_session() -> None:
    found = everything()
    assert tuple(chart.name for chart in found) == NAMES
    for chart in found:
        assert str(LAST) in chart.alt
        assert str(LAST) in chart.note
        assert len(chart.title) < 130, chart.title
        assert not any("nan" in text or "None" in text for text in (chart.title, chart.subtitle, chart.alt, chart.note))
        if chart.name != "curve":
            assert max(places(chart)) == LAST


def test_the_marked_cell_is_the_target_and_the_path_leads_there() -> None:
    rows = history(70)
    rows[20] = figures(rows[20].session, regime="below 10%", realised_volatility=0.05, trend="downtrend", trend_run=40)
    chart = charts(rows)["cell"]
    assert chart.title == (
        "Volatility of 15.00% and no trend ask for 90% S&P 500, 10% VIX futures; "
        "in this cell on 59 of the last 60 sessions"
    )
    grid = chart.grid
    assert grid is not None
    assert [stop.session for stop in grid.path] == [row.session for row in rows[-60:]]
    here = grid.path[-1]
    assert (grid.rows[here.row], grid.columns[here.column]) == ("10-20%", "no trend")
    assert (here.across, here.up) == (pytest.approx(0.7), pytest.approx(0.5))
    assert grid.cells[here.row][here.column].text == "90 / 10"
    assert (grid.path[10].row, grid.path[10].column, grid.path[10].across) == (4, 0, 0.0)
    assert sum(cell.visits for row in grid.cells for cell in row) == 60
    shown = [[float(cell.text.split(" / ")[1].rstrip("%")) / 100.0 for cell in row] for row in reversed(grid.cells)]
    assert shown == [pytest.approx(weights) for weights in VEQTOR.volatility_weights]


def test_the_stop_loss_overrides_the_cell() -> None:
    rows = history(30)
    rows[-1] = replace(
        rows[-1], stop_loss=True, excess_return_5d=-0.02, target_equity=0.0, target_volatility=0.0, target_cash=1.0
    )
    found = charts(rows)
    assert found["cell"].title.startswith("Stop-loss: all cash, while volatility of 15.00% and no trend would say 90%")
    assert found["stop-loss"].title == (
        "Stop-loss on: the five-day excess return of -2.00% is at or below the limit of -2%"
    )
    assert found["weights"].title.startswith("Target is 100% cash: 1 change in the last 30 sessions")
    (shade,) = found["weights"].panels[0].shades
    assert (shade.start, shade.end) == (LAST, LAST + dt.timedelta(days=1))


def test_in_cash_the_next_stop_loss_test_is_known() -> None:
    """Cash has no excess return, so no return of the next session is one to wait for."""
    for needed, side in ((-0.065, "negative"), (0.0, "positive")):
        stop = StopLoss(True, -0.03, -0.02, needed)
        alt = charts(history(30), held=Weights(0.0, 0.0, 1.0), stop_loss=stop)["stop-loss"].alt
        assert f"In cash the next excess return is zero: the next close tests {side}." in alt
        assert "or less" not in alt


def test_a_table_that_is_not_the_reports_is_left_out() -> None:
    assert "cell" not in charts(history(30), rule_set_digest="another")
    assert "cell" not in charts([replace(row, target_volatility=0.15, target_equity=0.85) for row in history(30)])


def test_distances_are_to_the_nearest_boundary() -> None:
    rows = [replace(row, realised_volatility=0.1999) for row in history(40)]
    found = charts(rows)["volatility"]
    assert found.title == "Realised volatility of 19.99% is 0.01 percentage points below the boundary at 20%"
    assert [level.value for level in found.panels[0].levels] == [10.0, 20.0]
    on = [replace(row, realised_volatility=0.20, regime="20-35%") for row in rows]
    assert charts(on)["volatility"].title == "Realised volatility of 20.00% is on the boundary at 20%"


def test_no_figure_is_rounded_to_the_other_side_of_its_limit() -> None:
    rows = [replace(row, realised_volatility=0.1999999, excess_return_5d=-0.019999) for row in history(40)]
    found = charts(rows)
    assert found["volatility"].title == (
        "Realised volatility of 19.99999% is 0.00001 percentage points below the boundary at 20%"
    )
    assert "-1.9999% is 0.0001 percentage points above" in found["stop-loss"].title
    close = [replace(row, short_average=20.002, long_average=20.0025, trend_up=False) for row in rows]
    assert "MA5 of the VIX, 20.002, has been below MA20, 20.003" in charts(close)["trend"].title


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_figures_beside_a_limit_compare_as_they_are(value: float, limit: float) -> None:
    limit = round(limit, 2)
    if abs(value - limit) > 1e-8:
        assert (float(beside(value, (limit,))) < limit) == (value < limit)
        first, second = both(value, limit)
        assert (float(first) < float(second)) == (value < limit)


def test_the_count_of_a_trend_stops_at_what_it_needs() -> None:
    rows = [
        replace(row, trend="downtrend", trend_up=False, trend_run=23, target_volatility=0.025) for row in history(40)
    ]
    chart = charts(rows)["trend"]
    assert chart.title == "Downtrend: MA5 of the VIX, 20.50, has been below MA20, 20.00, for 23 sessions in a row"
    assert chart.panels[1].bars is not None
    assert {value for _, value in chart.panels[1].bars.points} == {-10.0}


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, {"cell"}),
        (2, {"cell", "weights", "volatility", "trend", "stop-loss", "index"}),
        (5, {"cell", "weights", "volatility", "trend", "stop-loss", "index"}),
    ],
)
def test_short_histories_say_what_they_can(count: int, names: set[str]) -> None:
    found = charts(history(count))
    assert set(found) == names
    assert "this session" in found["cell"].alt or f"the last {count} sessions" in found["cell"].alt


def test_the_first_sessions_have_no_five_days_yet() -> None:
    assert "stop-loss" not in charts([replace(row, excess_return_5d=None) for row in history(4)])


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_missing_value_is_a_gap(missing: float | None) -> None:
    rows = history(30)
    day = rows[10].session
    rows[10] = replace(rows[10], vix=missing, veqtor_total_return=missing)
    found = charts(rows)
    vix = values(found["trend"].panels[0])
    assert [index for index, value in enumerate(vix) if value is None] == [10]
    assert [place for place, value in found["index"].panels[0].lines[0].points if value is None] == [day]
    assert "Some sessions between them have no level" in found["index"].alt


def test_missing_sessions_are_a_gap_and_said() -> None:
    rows = history(40)
    del rows[20:25]
    chart = charts(rows)["volatility"]
    assert "the last 35 reported sessions" in chart.alt
    assert chart.panels[0].lines[0].points[20] == (rows[19].session + dt.timedelta(days=1), None)
    old = [figures(LAST - dt.timedelta(days=2_000)), *history(3)]
    assert "the last 3 sessions" in charts(old)["volatility"].alt


def test_nothing_later_than_the_session_is_shown() -> None:
    rows = history(50)
    later = charts_of(report(rows[-5]), context(rows))
    assert later == charts_of(report(rows[-5]), context(rows[:-4]))
    assert charts_of(report(figures(LAST + dt.timedelta(days=1))), context(rows)) == ()


def test_levels_with_another_beginning_are_not_joined() -> None:
    rows = history(30)
    rows[:12] = [replace(row, veqtor_total_return=100_500.0, sp500_total_return=100_200.0) for row in rows[:12]]
    rows[-1] = replace(rows[-1], veqtor_total_return=210_000.0, sp500_total_return=151_500.0, spx=3_030.0)
    rows[20] = replace(rows[20], veqtor_total_return=190_000.0)
    found = charts(rows)["index"]
    start = rows[12].session
    assert found.title == (
        f"100 became 105.0 with VEQTOR and 101.0 with the S&P 500 since {start}; largest falls -5.0% and 0.0%"
    )
    assert min(places(found)) == start
    assert [(mark.place, mark.label) for mark in found.panels[1].marks] == [
        (rows[20].session, f"-5.0%, {rows[20].session}")
    ]


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (0.0129, "cost 1.29% of the portfolio over 252 sessions, 0.71 points below the 2% alarm"),
        (0.0199999, "cost 1.99999% of the portfolio over 252 sessions, 0.00001 points below the 2% alarm"),
        (0.02, "cost 2.00% of the portfolio over 252 sessions, past the 2% alarm and 1.50 points below the 3.5% stop"),
        (0.04, "cost 4.00% of the portfolio over 252 sessions, past the 3.5% stop"),
        (-0.167, "gained 16.70% of the portfolio over 252 sessions"),
        (0.0, "cost nothing over 252 sessions"),
    ],
)
def test_a_hedge_stands_against_its_budget(cost: float, said: str) -> None:
    rows = history(20)
    hedge = replace(seed(), budget=BudgetUse(cost, 0.02, 0.035, 252, 252, "within"))
    found = charts_of(report(rows[-1], hedges=(hedge,)), context(rows, {"alvh-seed": hedge_rows(rows, hedge)}))
    chart = next(chart for chart in found if chart.name == "hedge-alvh-seed")
    assert chart.title == f"alvh-seed {said}"
    spent, worth, whole = chart.panels
    assert values(spent) == pytest.approx([0.1 * number for number in range(20)])
    assert values(worth) == pytest.approx([0.05 * number for number in range(20)])
    assert values(whole) == pytest.approx([0.01 * number for number in range(20)])


def test_what_a_hedge_paid_is_added_up_over_sessions_in_a_row_only() -> None:
    rows = history(20)
    paid = tuple(row for row in hedge_rows(rows, seed()) if row.session != rows[10].session)
    said = report(rows[-1], hedges=(seed(),))
    chart = next(each for each in charts_of(said, context(rows, {"alvh-seed": paid})) if each.section == "budget")
    assert min(places(chart)) == rows[11].session
    holes = tuple(row for row in paid if (row.session, row.layer) != (rows[15].session, "l1"))
    assert all(each.section != "budget" for each in charts_of(said, context(rows, {"alvh-seed": holes})))
    assert {row.layer for row in paid} > {ALL_LAYERS}


@pytest.mark.parametrize(
    ("prices", "vix", "title"),
    [
        (
            (21.0, 22.125, None, 24.0), 20.0,
            "VX futures rise from 21.00 in 20 days to 24.00 in 110; the VIX at 20.00 is 1.00 points below the first",
        ),
        (
            (72.625, 59.15), 82.69,
            "VX futures fall from 72.625 in 20 days to 59.15 in 50; the VIX at 82.69 is 10.065 points above the first",
        ),
        ((20.0, 20.0), 20.0, "VX futures go from 20.00 in 20 days to 20.00 in 50; the VIX stands at the first"),
        ((None, 21.0, 22.0), 20.0, "VX futures rise from 21.00 in 50 days to 22.00 in 80"),
        ((20.0, 21.0), None, "VX futures rise from 20.00 in 20 days to 21.00 in 50"),
    ],
)  # fmt: skip
def test_the_curve_is_what_settled(prices: tuple[float | None, ...], vix: float | None, title: str) -> None:
    rows = history(2, vix=vix)
    found = charts_of(report(rows[-1]), context(rows), curves(LAST, *prices))
    chart = next(chart for chart in found if chart.name == "curve")
    assert chart.title == title
    today = chart.panels[0].lines[-1]
    assert today.label == f"today {LAST}"
    assert [value for _, value in today.points if value is not None] == [price for price in prices if price is not None]
    # A slot between two without a settlement parts the line; one before them is no gap.
    settled = [index for index, price in enumerate(prices) if price is not None]
    assert sum(value is None for _, value in today.points) == (1 if None in prices[settled[0] :] else 0)


def test_a_curve_without_two_settlements_or_of_another_session_is_left_out() -> None:
    rows = history(2)
    for found in (curves(LAST, 21.0), curves(session(0, 2), 21.0, 22.0), None):
        assert all(chart.name != "curve" for chart in charts_of(report(rows[-1]), context(rows), found))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_round_few_and_between_their_limits(low: float, span: float, most: int) -> None:
    ticks = round_ticks(low, low + span, most)
    assert len(ticks) <= most
    assert all(low - 1e-6 * span <= tick <= low + span * (1.0 + 1e-6) for tick in ticks)


@pytest.mark.parametrize("days", [1, 2, 5, 29, 60, 183, 365, 7_600])
def test_days_are_written_at_most_so_often_and_none_after_the_last(days: int) -> None:
    first = LAST - dt.timedelta(days=days)
    panel = charts(history(2))["volatility"].panels[0]
    line = replace(panel.lines[0], points=((first, 1.0), (LAST, 2.0)))
    low, high = place_limits([replace(panel, lines=(line,))])
    ticks = place_ticks(low, high, 7, days=True)
    assert 1 <= len(ticks) <= 7
    assert all(low <= place <= high for place, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)
