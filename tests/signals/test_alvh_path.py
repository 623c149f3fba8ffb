"""The books over the recorded history: nothing looks ahead, and a tick of noise changes little."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from signals.alvh.conditions import conditions
from signals.alvh.decide import step
from signals.alvh.hedge import Hedges, hedges_of, option_market
from signals.alvh.hedge_inputs import indicator_inputs
from signals.alvh.report import HOLD, HedgeSignal
from signals.alvh.rules import SHIPPED
from signals.alvh.ruleset_files import shipped_rule_set
from signals.calendar import TradingCalendar
from signals.document import decode, encode
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from tests.conftest import RECORDED_LAST
from tests.signals.recorded_books import NOTIONAL, noisy, only
from tests.signals.test_no_look_ahead import cut_after, signals_through

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def hedges(recorded_hedges: Hedges) -> Hedges:
    return recorded_hedges


def test_a_roll_is_decided_on_the_day_that_was_announced(
    recorded_hedges: Hedges, recorded_signals: VeqtorSignals
) -> None:
    hedges = only(recorded_hedges, recorded_signals, "alvh-seed", "alvh-442")
    history = hedges.histories[0]
    announced: dict[tuple[str, str, dt.date, dt.date | None], dt.date] = {}
    for day in history.market.dates[history.books.inception :]:
        for signal in hedges.on(day):
            for layer in signal.layers:
                if layer.next_roll is None or layer.held is None or layer.action != HOLD:
                    continue
                if layer.reason.startswith("Due to roll"):
                    # Tried again at each close.
                    continue
                key = (signal.rule_set, layer.layer, layer.held.expiry, layer.opened)
                assert announced.setdefault(key, layer.next_roll) == layer.next_roll, (day, key)
                assert day < layer.next_roll, (day, key)
    assert len(announced) > 1000


# Nothing looks ahead.

#: The beginning, crashes, after a closed day, a month without a settlement, and where recorded inputs end.
CUTS = ["2006-04-03", "2008-10-10", "2012-10-31", "2018-02-05", "2020-02-11", "2024-07-31", "2025-11-03", "2026-06-15"]


@pytest.mark.parametrize("day", CUTS)
def test_truncating_the_history_at_a_session_changes_nothing_of_its_signals(
    recorded: MarketData, hedges: Hedges, day: str
) -> None:
    session = dt.date.fromisoformat(day)
    signals = signals_through(cut_after(recorded, session), session)
    alone = hedges_of(signals, [history.rules for history in hedges.histories], NOTIONAL)
    assert alone.on(session) == hedges.on(session)


@pytest.mark.parametrize("name", ["alvh-seed", "alvh-seed-reactive", "vxth"])
def test_a_fold_taken_up_again_in_a_market_that_has_priced_nothing_is_the_same_to_the_bit(
    recorded_signals: VeqtorSignals, hedges: Hedges, name: str
) -> None:
    history, inputs = hedges.histories[SHIPPED.index(name)], indicator_inputs(recorded_signals)
    given = conditions(history.table, history.states, inputs.equity_return)
    for day in ("2008-10-01", "2018-01-25", "2020-02-20", "2025-03-24"):
        market = option_market(recorded_signals, inputs)
        row = market.row_at(dt.date.fromisoformat(day))
        book = history.books.at(row)
        for ahead in range(row + 1, row + 30):
            book = step(book, ahead, market, history.rules, given)
            assert book == history.books.at(ahead)


@pytest.mark.parametrize("day", ["2006-03-31", "2015-10-08", "2018-02-05", "2020-03-16", "2026-07-29"])
def test_a_signal_survives_the_database_form(hedges: Hedges, day: str) -> None:
    for signal in hedges.on(dt.date.fromisoformat(day)):
        assert decode(HedgeSignal, json.loads(json.dumps(encode(signal), allow_nan=False))) == signal


# Noise.


@pytest.mark.parametrize("seed", [1, 2])
def test_a_tick_of_noise_on_every_input_moves_the_state_on_few_sessions(
    recorded: MarketData, calendar: TradingCalendar, hedges: Hedges, seed: int
) -> None:
    signals = veqtor_signals(resolve(market_history(noisy(recorded, seed), calendar, RECORDED_LAST), calendar))
    rule_sets = [shipped_rule_set(name) for name in ("alvh-seed", "alvh-442")]
    for calm, moved in zip(hedges.histories, hedges_of(signals, rule_sets, NOTIONAL).histories, strict=False):
        start = calm.states.start
        years = len(calm.states.state[start:]) / 252
        other = calm.states.state[start:] != moved.states.state[start:]
        assert 0 < other.sum() / years < 3
        # The state does not flap either: it changes as often as before.
        assert abs(int(moved.states.changed.sum()) - int(calm.states.changed.sum())) / years < 1
        # A book on another path holds other strikes, and comes to much the same.
        assert moved.books.books[-1].pnl == pytest.approx(calm.books.books[-1].pnl, abs=0.05 * NOTIONAL)
