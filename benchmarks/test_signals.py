"""The computation alone, from the whole recorded history in memory."""

from __future__ import annotations

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import RECORDED_LAST
from signals.calendar import TradingCalendar
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.sample_market.model import sample_market
from signals.settlements import settlements
from signals.veqtor.index import _fold, veqtor_history
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from signals.vix_futures import MID_TERM, SHORT_TERM, FuturesIndex, SettlementPanel, futures_index, settlement_panel
from tests.signals.test_cold_start import window


def test_fold(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals) -> None:
    veqtor, inputs = recorded_signals.veqtor, recorded_signals.inputs
    lag = veqtor.rules.decision_lag + 1
    weight, change = veqtor.table_weight[:-lag], _volatility_change(recorded_signals)
    invested = np.full(len(veqtor.sessions), np.nan)
    invested[lag:] = (1.0 - weight) * inputs.equity.change[lag : inputs.usable] + weight * change[lag:]
    total, _, _ = benchmark(_fold, invested, veqtor.accrual, veqtor.base, veqtor.rules)
    assert total[-1] == veqtor.total_return[-1]


def test_veqtor_with_all_indicators(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals) -> None:
    inputs, usable = recorded_signals.inputs, recorded_signals.inputs.usable
    found = benchmark(
        veqtor_history,
        sessions=inputs.sessions[:usable],
        base=inputs.base,
        spx=inputs.history.spx_yahoo[:usable],
        vix=inputs.vix[:usable],
        equity_change=inputs.equity.change[:usable],
        volatility_change=_volatility_change(recorded_signals),
        overnight=inputs.overnight.rate[:usable],
        rules=recorded_signals.veqtor.rules,
    )
    assert found.total_return[-1] == recorded_signals.veqtor.total_return[-1]


def test_settlements_to_both_futures_indices(
    benchmark: BenchmarkFixture, recorded: MarketData, recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    inputs = recorded_signals.inputs
    settled = settlements({key: (found.days, found.values) for key, found in recorded.items()}, calendar).by_expiry
    rows = slice(inputs.base, inputs.usable)
    tbill = inputs.tbill.rate[rows]

    def both() -> tuple[FuturesIndex, FuturesIndex]:
        whole = settlement_panel(settled, inputs.sessions, calendar)
        panel = SettlementPanel(
            whole.sessions[rows], whole.expiries, whole.front[rows], whole.settle[rows], whole.basis[rows]
        )
        short, mid = (futures_index(panel, pattern, tbill, calendar) for pattern in (SHORT_TERM, MID_TERM))
        return short, mid

    short_term, mid_term = benchmark(both)
    assert short_term.total_return[-1] == recorded_signals.short_term.total_return[-1]
    assert mid_term.total_return[-1] == recorded_signals.mid_term.total_return[-1]


def test_align(benchmark: BenchmarkFixture, recorded: MarketData, calendar: TradingCalendar) -> None:
    benchmark(market_history, recorded, calendar, RECORDED_LAST)


def test_resolve(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals, calendar: TradingCalendar) -> None:
    benchmark(resolve, recorded_signals.inputs.history, calendar)


def test_all_signals_of_resolved_inputs(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals) -> None:
    benchmark(veqtor_signals, recorded_signals.inputs)


def _volatility_change(signals: VeqtorSignals) -> np.ndarray:
    return np.concatenate([np.full(signals.inputs.base, np.nan), signals.short_term.total_return_change])


def test_sample_market(benchmark: BenchmarkFixture, calendar: TradingCalendar) -> None:
    benchmark(sample_market, calendar, RECORDED_LAST)


def test_cold_start(benchmark: BenchmarkFixture, recorded: MarketData, calendar: TradingCalendar) -> None:
    """From what a first live run reads to its signals."""
    data = window(recorded, RECORDED_LAST)
    benchmark(lambda: veqtor_signals(resolve(market_history(data, calendar, RECORDED_LAST), calendar)))
