"""The layered hedge alone, from the signals of the whole recorded history in memory."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from signals.alvh.conditions import conditions
from signals.alvh.decide import fold, step
from signals.alvh.hedge import hedges_of, option_market
from signals.alvh.hedge_inputs import indicator_inputs
from signals.alvh.indicators import indicator_table
from signals.alvh.ruleset_files import shipped_rule_set
from signals.alvh.state import hedge_states
from signals.veqtor.signal import VeqtorSignals

NOTIONAL = 1_000_000.0


@pytest.mark.parametrize("name", ["alvh-seed", "alvh-442", "alvh-seed-reactive", "vxth"])
def test_one_rule_set(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals, name: str) -> None:
    """Indicators, states and book of every session since 2006-03-31."""
    benchmark.pedantic(hedges_of, args=(recorded_signals, [shipped_rule_set(name)], NOTIONAL), rounds=5)


def test_three_rule_sets(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals) -> None:
    rule_sets = [shipped_rule_set(name) for name in ("alvh-seed", "alvh-442", "alvh-seed-reactive")]
    benchmark.pedantic(hedges_of, args=(recorded_signals, rule_sets, NOTIONAL), rounds=5)


def test_one_daily_step(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals) -> None:
    inputs = indicator_inputs(recorded_signals)
    market, rules = option_market(recorded_signals, inputs), shipped_rule_set("alvh-seed")
    table = indicator_table(inputs, rules.indicators)
    states = hedge_states(table, rules)
    given = conditions(table, states, inputs.equity_return)
    books = fold(market, rules, given, states.start, NOTIONAL)
    last = len(market.dates) - 1
    assert benchmark(step, books.at(last - 1), last, market, rules, given) == books.at(last)


def test_signals_of_every_session(benchmark: BenchmarkFixture, recorded_signals: VeqtorSignals) -> None:
    """What two hedges say of every session, with sensitivities, stress and break-even."""
    hedges = hedges_of(recorded_signals, [shipped_rule_set("alvh-seed"), shipped_rule_set("alvh-442")], NOTIONAL)
    sessions = recorded_signals.inputs.calendar.sessions_in(
        hedges.histories[0].market.dates[hedges.histories[0].books.inception], recorded_signals.inputs.last_session
    ).tolist()

    def every() -> int:
        return sum(len(hedges.on(session)) for session in sessions)

    assert benchmark.pedantic(every, rounds=3) == 2 * len(sessions)
