"""Charts of recorded sessions say what their reports say, from what was known when they were emitted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine

from reports.charts.build import charts_of
from reports.charts.chart import Chart
from reports.charts.curve import BAND_SESSIONS, Curves
from reports.charts.settled import curves_of
from reports.context import ReportContext
from signals.calendar import contract_code
from signals.market import MarketData
from signals.series import SPX, VIX, VX_PREFIX, known_after_close, vx_series
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report
from signals.zones import NEW_YORK
from storage.observations import StoredValue
from storage.unit_of_work import UnitOfWork
from tasks.figures import StoredAs, session_figures

pytestmark = pytest.mark.server

NOTIONAL = 1e6
EMITTED = dt.datetime(2026, 7, 30, 12, tzinfo=dt.UTC)

#: A calm day and wild ones; one in the months that were not all listed, and one under the stop-loss.
KNOWN = {
    "2006-03-16": "Volatility of 9.02% and no trend ask for 97.5% S&P 500, 2.5% VIX futures",
    "2008-10-10": "Volatility of 63.71% and uptrend ask for 60% S&P 500, 40% VIX futures",
    "2018-02-05": "Volatility of 18.14% and uptrend ask for 85% S&P 500, 15% VIX futures",
    "2020-03-09": "Stop-loss: all cash, while volatility of ",
    "2020-03-16": "Volatility of 79.86% and uptrend ask for 60% S&P 500, 40% VIX futures",
    "2026-07-27": "Volatility of 9.69% and no trend ask for 97.5% S&P 500, 2.5% VIX futures",
}

Read = Callable[[str], tuple[SignalReport, ReportContext]]


@pytest.fixture(scope="module")
def read(recorded_signals: VeqtorSignals) -> Read:
    """The report of a recorded session, and the sessions of half a year before it."""
    sessions = recorded_signals.inputs.sessions

    def found(day: str) -> tuple[SignalReport, ReportContext]:
        at = int(np.searchsorted(sessions, np.datetime64(day)))
        first = max(at - 130, recorded_signals.veqtor.base + 5)
        reports = [signal_report(recorded_signals, each, NOTIONAL) for each in sessions[first : at + 1].tolist()]
        rows = (session_figures(said, StoredAs(number, 1, EMITTED)) for number, said in enumerate(reports))
        return reports[-1], ReportContext(tuple(rows))

    return found


@pytest.fixture
def observed(engine: Engine, recorded: MarketData) -> Engine:
    """A database with the settlements, and the closes they are held against, of late 2019 to the spring of 2020."""
    first, last = np.datetime64("2019-08-01"), np.datetime64("2020-03-31")
    with UnitOfWork(engine) as work:
        payload = work.observations.add_payload("a" * 64, "csv", "all", "recorded", EMITTED, b"recorded")
        for (series, publisher), found in recorded.items():
            if series not in (SPX, VIX) and not series.startswith(VX_PREFIX):
                continue
            rows = (found.days >= first) & (found.days <= last)
            work.observations.append(
                [
                    StoredValue(series, publisher, day, value, close(day) + known_after_close(series, publisher, day),
                                True, payload)
                    for day, value in zip(found.days[rows].tolist(), found.values[rows].tolist(), strict=True)
                ]
            )  # fmt: skip
        work.commit()
    return engine


def close(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(16), NEW_YORK)


def curves(engine: Engine, report: SignalReport, as_of: dt.datetime = EMITTED, **others: object) -> Curves:
    with UnitOfWork(engine) as work:
        found = curves_of(work, report, as_of, **others)
    assert found is not None
    return found


def by_name(report: SignalReport, context: ReportContext, found: Curves | None = None) -> dict[str, Chart]:
    return {chart.name: chart for chart in charts_of(report, context, found)}


@pytest.mark.parametrize("day", KNOWN)
def test_charts_say_what_the_report_says(day: str, read: Read) -> None:
    report, context = read(day)
    found = by_name(report, context)
    assert set(found) >= {"cell", "weights", "volatility", "trend", "stop-loss", "index"}
    assert found["cell"].title.startswith(KNOWN[day])

    grid = found["cell"].grid
    assert grid is not None
    here = grid.path[-1]
    assert (here.session, grid.rows[here.row], grid.columns[here.column]) == (
        report.session,
        report.regime.name,
        report.trend.name,
    )
    equity, volatility = (
        float(part.rstrip("%")) / 100.0 for part in grid.cells[here.row][here.column].text.split(" / ")
    )
    if report.stop_loss.active:
        assert (report.target.cash, grid.here) == (1.0, "cash: stop-loss")
    else:
        assert (equity, volatility) == pytest.approx((report.target.equity, report.target.volatility))

    last = {name: chart.panels[0].lines[-1].points[-1] for name, chart in found.items() if chart.panels[:1]
            and chart.panels[0].lines}  # fmt: skip
    assert last["volatility"] == (report.session, pytest.approx(report.regime.volatility * 100.0))
    assert last["trend"] == (report.session, pytest.approx(report.trend.long_average))
    assert last["stop-loss"] == (report.session, pytest.approx(report.stop_loss.excess_return_5d * 100.0))
    weights = [stack.points[-1][1] for stack in found["weights"].panels[0].stacks]
    assert weights == pytest.approx(
        [100.0 * share for share in (report.target.volatility, report.target.equity, report.target.cash)]
    )
    bars = found["trend"].panels[1].bars
    assert bars is not None
    assert abs(bars.points[-1][1] or 0.0) == min(report.trend.run, report.trend.needed)
    for chart in found.values():
        assert ("back-test" in chart.note) == report.back_test


def test_the_curve_has_the_settlements_of_the_index(
    observed: Engine, read: Read, recorded_signals: VeqtorSignals
) -> None:
    report, context = read("2020-03-16")
    found = curves(observed, report)
    inputs = recorded_signals.inputs
    panel, at = inputs.history.panel, int(np.searchsorted(inputs.sessions, np.datetime64(report.session)))
    for curve, back in ((found.today, 0), (found.before, 1), (found.month_ago, 21)):
        assert curve is not None
        assert curve.session == inputs.sessions[at - back].item()
        for each in curve.settled:
            assert each.price == panel.settle[at - back, each.slot - 1]
            assert each.contract == contract_code(panel.expiry(at - back, each.slot))
            assert each.days == (panel.expiry(at - back, each.slot) - curve.session).days
    band = panel.settle[at - BAND_SESSIONS + 1 : at + 1]
    assert [(each.low, each.high) for each in found.ranges[:7]] == [
        (np.nanmin(band[:, slot]), np.nanmax(band[:, slot])) for slot in range(7)
    ]
    assert found.ranges_since == inputs.sessions[at - BAND_SESSIONS + 1].item()
    chart = by_name(report, context, found)["curve"]
    assert chart.title == (
        "VX futures fall from 72.625 in 2 days to 28.80 in 247; the VIX at 82.69 is 10.065 points above the first"
    )
    assert "VXJ20 59.15 in 30 days" in chart.alt


def test_the_curve_is_what_was_known_then(observed: Engine, read: Read) -> None:
    report, _ = read("2020-03-16")
    whole = curves(observed, report)
    third, later = vx_series(dt.date(2020, 5, 20)), EMITTED + dt.timedelta(hours=1)
    taken_back = later + dt.timedelta(hours=1)
    with UnitOfWork(observed) as work:
        publishers = {row[1] for row in work.observations.latest([third])}
        payload = work.observations.add_payload("b" * 64, "csv", "all", "later", later, b"later")
        # Changed, and known since later; then taken back, and known since later still.
        for value, known_at in ((44.0, later), (None, taken_back)):
            work.observations.append(
                [StoredValue(third, each, report.session, value, known_at, False, payload) for each in publishers]
            )
        work.commit()
        kept = work.observations.latest([third], first=report.session, last=report.session, as_of=later)
    assert {row[2:4] for row in kept} == {(report.session, 44.0)}
    assert curves(observed, report) == whole
    assert {each.slot: each.price for each in curves(observed, report, later).today.settled}[3] == 44.0
    assert [each.slot for each in curves(observed, report, taken_back).today.settled] == [1, 2, 4, 5, 6, 7, 8, 9]
    ignored = [(third, each, report.session) for each in publishers]
    assert [each.slot for each in curves(observed, report, ignored=ignored).today.settled] == [1, 2, 4, 5, 6, 7, 8, 9]
    # An hour before the sheet of all contracts only what the report rests on is there.
    early = close(report.session) + dt.timedelta(minutes=30)
    assert [each.slot for each in curves(observed, report, early).today.settled] == [1, 2]


def test_the_curve_stands_by_the_instruction_of_the_report(observed: Engine, read: Read) -> None:
    report, _ = read("2020-03-16")
    first, second = report.instruction.legs
    other = replace(report.instruction, legs=(replace(first, settlement=70.0), second))
    today = curves(observed, replace(report, instruction=other)).today.settled
    assert [each.price for each in today[:2]] == [70.0, second.settlement]


def test_a_session_without_settlements_has_no_curve(engine: Engine, read: Read) -> None:
    report, _ = read("2020-03-16")
    with UnitOfWork(engine) as work:
        assert curves_of(work, replace(report, instruction=replace(report.instruction, legs=())), EMITTED) is None
