"""The key figures of a report, as they are stored in columns beside its document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from signals.alvh.report import Fill, HedgeSignal
from signals.veqtor.report import SignalReport
from storage.figures import ALL_LAYERS, HedgeFigures, SessionFigures


@dataclass(frozen=True)
class StoredAs:
    """What a report is stored as."""

    report_id: int
    revision: int
    emitted_at: dt.datetime


def session_figures(report: SignalReport, stored: StoredAs) -> SessionFigures:
    """The figures of the strategy."""
    values = {item.label: item.value for item in report.inputs}
    level = {name: found.total_return for name, found in report.indices.items()}
    return SessionFigures(
        report_id=stored.report_id,
        session=report.session,
        rule_set=report.rule_set,
        revision=stored.revision,
        emitted_at=stored.emitted_at,
        effective_session=report.effective_session,
        health=report.health,
        back_test=report.back_test,
        spx=values.get("S&P 500"),
        vix=values.get("VIX"),
        realised_volatility=report.regime.volatility,
        regime=report.regime.name,
        short_average=report.trend.short_average,
        long_average=report.trend.long_average,
        trend=report.trend.name,
        trend_up=report.trend.up,
        trend_run=report.trend.run,
        excess_return_5d=report.stop_loss.excess_return_5d,
        stop_loss=report.stop_loss.active,
        in_cash=report.in_cash,
        earned_equity=report.earned.equity,
        earned_volatility=report.earned.volatility,
        earned_cash=report.earned.cash,
        held_equity=report.held.equity,
        held_volatility=report.held.volatility,
        held_cash=report.held.cash,
        target_equity=report.target.equity,
        target_volatility=report.target.volatility,
        target_cash=report.target.cash,
        veqtor_total_return=level.get("veqtor"),
        veqtor_excess_return=report.indices["veqtor"].excess_return if "veqtor" in report.indices else None,
        sp500_total_return=level.get("sp500-total-return"),
        vix_short_total_return=level.get("vix-short-term"),
        vix_mid_total_return=level.get("vix-mid-term"),
        constant_maturity_30d=report.constant_maturity_30d,
    )


def hedge_figures(report: SignalReport, stored: StoredAs) -> Iterator[HedgeFigures]:
    """The figures of every hedge that has a signal: of the whole, then of each layer."""
    for hedge in report.hedges:
        ledger, budget = hedge.ledger, hedge.budget
        if hedge.unavailable is not None or ledger is None:
            continue
        yield HedgeFigures(
            report_id=stored.report_id,
            session=report.session,
            revision=stored.revision,
            emitted_at=stored.emitted_at,
            hedge=hedge.rule_set,
            layer=ALL_LAYERS,
            action="",
            state=hedge.state,
            score=hedge.score,
            paid_usd=ledger.premium_paid_usd,
            received_usd=ledger.premium_received_usd,
            worth_usd=ledger.mark_usd,
            pnl_usd=ledger.pnl_usd,
            net_cost=budget.net_cost if budget else None,
            alarm=budget.alarm if budget else None,
            stop=budget.stop if budget else None,
            notional_usd=hedge.notional_usd,
        )
        yield from _layers(report, hedge, stored)


def _layers(report: SignalReport, hedge: HedgeSignal, stored: StoredAs) -> Iterator[HedgeFigures]:
    for layer in hedge.layers:
        paid, received = _paid_and_received(layer.fills)
        yield HedgeFigures(
            report_id=stored.report_id,
            session=report.session,
            revision=stored.revision,
            emitted_at=stored.emitted_at,
            hedge=hedge.rule_set,
            layer=layer.layer,
            action=layer.action,
            state=layer.state,
            score=hedge.score,
            paid_usd=paid,
            received_usd=received,
            worth_usd=layer.held.value_usd if layer.held else 0.0,
            pnl_usd=layer.pnl_usd,
            net_cost=None,
            alarm=None,
            stop=None,
            notional_usd=hedge.notional_usd,
        )


def _paid_and_received(fills: Sequence[Fill]) -> tuple[float, float]:
    """Of the fills of a session, both positive."""
    paid = sum((fill.paid_usd for fill in fills if fill.paid_usd > 0), 0.0)
    return paid, -sum((fill.paid_usd for fill in fills if fill.paid_usd < 0), -0.0)
