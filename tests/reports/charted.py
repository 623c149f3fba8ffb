"""Histories for charts, built by hand; the next day is the next session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reports.charts.chart import Chart
from reports.charts.curve import Curve, Curves, Settled, SlotRange
from reports.context import ReportContext
from signals.alvh.report import HedgeSignal
from signals.veqtor.report import Regime, SignalReport, StopLoss, Trend, Weights
from signals.veqtor.rules import VEQTOR
from storage.figures import ALL_LAYERS, HedgeFigures, SessionFigures
from tests.reports import stored
from tests.reports.hedges import NOTIONAL, seed

LAST = dt.date(2020, 6, 30)
EVENING = dt.datetime(2020, 6, 30, 22, 45, tzinfo=dt.UTC)


def session(number: int, of: int) -> dt.date:
    """A session of so many, the last of which is `LAST`."""
    return LAST - dt.timedelta(days=of - 1 - number)


def figures(day: dt.date, **others: Any) -> SessionFigures:
    """A calm session without a trend."""
    numbers: dict[str, Any] = {}
    for when in ("earned", "held", "target"):
        numbers |= {f"{when}_equity": 0.9, f"{when}_volatility": 0.1, f"{when}_cash": 0.0}
    return SessionFigures(**(numbers | {
        "report_id": day.toordinal(), "session": day, "rule_set": "veqtor", "revision": 1, "emitted_at": EVENING,
        "effective_session": day + dt.timedelta(days=1), "health": "OK", "back_test": False, "spx": 3_000.0,
        "vix": 20.0,
        "realised_volatility": 0.15, "regime": "10-20%", "short_average": 20.5, "long_average": 20.0,
        "trend": "no trend", "trend_up": True, "trend_run": 4, "excess_return_5d": 0.0025, "stop_loss": False,
        "in_cash": False, "veqtor_total_return": 200_000.0, "veqtor_excess_return": 190_000.0,
        "sp500_total_return": 150_000.0, "vix_short_total_return": 50.0, "vix_mid_total_return": None,
        "constant_maturity_30d": 21.0,
    } | others))  # fmt: skip


def history(count: int, **others: Any) -> list[SessionFigures]:
    """So many sessions up to `LAST`."""
    return [figures(session(number, count), **others) for number in range(count)]


def report(row: SessionFigures, **others: Any) -> SignalReport:
    """The report that has the figures of a row."""
    edges = {VEQTOR.regime_name(number): number for number in range(len(VEQTOR.volatility_weights))}
    at = edges[row.regime]
    given = {
        "rule_set_digest": VEQTOR.digest,
        "back_test": row.back_test,
        "hedges": (),
        "regime": Regime(
            row.realised_volatility,
            row.regime,
            VEQTOR.regime_edges[at - 1] if at else None,
            VEQTOR.regime_edges[at] if at < len(VEQTOR.regime_edges) else None,
            0.031,
            0.03,
            row.realised_volatility,
        ),
        "trend": Trend(
            row.trend, row.short_average, row.long_average, row.trend_up, row.trend_run, VEQTOR.trend_sessions, 18.37
        ),
        "stop_loss": StopLoss(row.stop_loss, row.excess_return_5d, VEQTOR.stop_loss, -0.0301),
        "target": Weights(row.target_equity, row.target_volatility, row.target_cash),
    }
    return replace(stored.on(stored.report(), row.session), **(given | others))


def context(rows: Sequence[SessionFigures], hedges: dict[str, tuple[HedgeFigures, ...]] | None = None) -> ReportContext:
    """What a report is read beside."""
    return ReportContext(tuple(rows), hedges or {})


def hedge_rows(rows: Sequence[SessionFigures], hedge: HedgeSignal) -> tuple[HedgeFigures, ...]:
    """Every session the first layer pays 100 USD; the hedge has cost a hundredth of a percent for each."""
    found = []
    for number, row in enumerate(rows):
        for layer in (ALL_LAYERS, *(each.layer for each in hedge.layers)):
            first = layer == hedge.layers[0].layer
            whole = layer == ALL_LAYERS
            found.append(
                HedgeFigures(
                    report_id=row.report_id, session=row.session, revision=1, emitted_at=EVENING, hedge=hedge.rule_set,
                    layer=layer, action="" if whole else "HOLD", state="ACTIVE", score=2.0,
                    paid_usd=100.0 if first else 0.0, received_usd=0.0, worth_usd=50.0 * number, pnl_usd=0.0,
                    net_cost=0.0001 * number if whole else None, alarm=0.02 if whole else None,
                    stop=0.035 if whole else None, notional_usd=NOTIONAL,
                )
            )  # fmt: skip
    return tuple(found)


def curves(day: dt.date, *prices: float | None) -> Curves:
    """Settlements by slot, a month apart, and the same a point higher the session before."""
    settled = tuple(
        Settled(slot, f"VX{slot}", 20 + 30 * (slot - 1), price)
        for slot, price in enumerate(prices, 1)
        if price is not None
    )
    before = tuple(replace(each, days=each.days + 1, price=each.price + 1.0) for each in settled)
    ranges = tuple(SlotRange(each.slot, each.price - 2.0, each.price + 3.0, 126) for each in settled)
    earlier = day - dt.timedelta(days=1)
    return Curves(Curve(day, settled), Curve(earlier, before), None, ranges, day - dt.timedelta(days=180))


def everything(*, simulated: bool = False) -> tuple[Chart, ...]:
    """Every chart there is, of a year in which much happens."""
    from reports.charts.build import charts_of

    rows = []
    for number in range(300):
        day, stopped, wild = session(number, 300), number % 90 > 86, 100 < number < 160
        volatility = (0.24 if wild else 0.12) + 0.0001 * (number % 40)
        rows.append(
            figures(
                day,
                realised_volatility=volatility,
                regime="20-35%" if wild else "10-20%",
                trend="uptrend" if wild else "no trend",
                trend_run=number % 40 + 10 if wild else number % 10,
                trend_up=wild or number % 20 < 10,
                short_average=20.5 if wild or number % 20 < 10 else 19.5,
                excess_return_5d=-0.025 if stopped else 0.01 - 0.0002 * (number % 50),
                stop_loss=stopped,
                target_cash=1.0 if stopped else 0.0,
                target_volatility=0.0 if stopped else 0.25 if wild else 0.1,
                target_equity=0.0 if stopped else 0.75 if wild else 0.9,
                vix=15.0 + number % 30,
                veqtor_total_return=200_000.0 * (1.0 + 0.001 * number),
                sp500_total_return=150_000.0 * (1.0 + 0.0001 * (number % 50)),
                back_test=number < 20,
            )
        )
    said = report(rows[-1], hedges=(seed(),), simulated=simulated)
    return charts_of(
        said,
        context(rows, {"alvh-seed": hedge_rows(rows[-252:], seed())}),
        curves(said.session, 21.0, 22.5, None, 24.0, 24.5),
    )
