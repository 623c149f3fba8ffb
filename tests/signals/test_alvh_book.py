"""The book of every rule set over the whole recorded history: what always holds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from signals.alvh.book import BUY, EXPIRY
from signals.alvh.contracts import Legs
from signals.alvh.hedge import HedgeHistory, Hedges, hedges_of, vxth_index
from signals.alvh.report import MONETISE, OPEN, ROLL
from signals.alvh.ruleset_files import shipped_rule_set
from signals.veqtor.signal import VeqtorSignals
from tests.signals.recorded_books import NAMES, NOTIONAL, VARIATIONS, Marks, decided, sessions_of, varied

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def histories(recorded_hedges: Hedges, recorded_signals: VeqtorSignals) -> dict[str, HedgeHistory]:
    """Of each rule set that ships, and of each variation."""
    variations = hedges_of(recorded_signals, [varied(number) for number in range(len(VARIATIONS))], NOTIONAL)
    found = {history.rules.name: history for history in (*recorded_hedges.histories, *variations.histories)}
    return {name: found[name] for name in NAMES}


@pytest.fixture(scope="module", params=NAMES)
def history(request: pytest.FixtureRequest, histories: dict[str, HedgeHistory]) -> HedgeHistory:
    return histories[request.param]


@pytest.fixture(scope="module")
def marks(histories: dict[str, HedgeHistory]) -> Marks:
    return Marks(histories[NAMES[0]].market)


def test_no_entry_is_decided_above_its_size(history: HedgeHistory, marks: Marks) -> None:
    rules, entries = history.rules, 0
    for row, book, before in sessions_of(history):
        base = book.base
        of_ladder = 0.0
        for place, layer in enumerate(book.layers):
            order = decided(layer, before and before.layers[place], rules.timing.fill_lag_sessions)
            if order is None or order.buy is None or order.action not in (OPEN, ROLL):
                continue
            entries += 1
            own = rules.layers[place]
            each = marks.prices(row, order.buy, rules.costs).offer * order.buy.point_value
            multiplier = history.states.multiplier(row, own)
            largest = max(own.carry_cheap_factor, own.carry_dear_factor, 1.0) * max(1.0, *rules.price_gate.factors)
            premium = own.premium if own.premium is not None else rules.sizing.ladder_premium
            assert premium is not None
            assert order.size <= premium * multiplier * largest * (1 + 1e-12)
            of_ladder += order.size
            # With the fill on the same day, the base already has the spread paid.
            tolerance = 1e-3 if rules.timing.fill_lag_sessions == 0 and rules.sizing.base == "value" else 1e-9
            assert order.packages * each == pytest.approx(order.size * base, rel=tolerance)
            assert round(order.packages) * each <= order.size * base * (1 + tolerance) + each
    assert entries > 50


def test_nothing_is_bought_while_stopped_where_the_rules_say_so(history: HedgeHistory) -> None:
    rules = history.rules
    stop = rules.budget.stop
    stopped = 0
    for row, book, before in sessions_of(history):
        # With fills on the day of the decision the net cost already has them: it is above the stop all the more.
        if stop is None or book.net_cost < stop or rules.timing.fill_lag_sessions == 0:
            continue
        for place, layer in enumerate(book.layers):
            stopped += 1
            order = decided(layer, before and before.layers[place], rules.timing.fill_lag_sessions)
            if rules.layers[place].size_when_stopped == 0.0 and order is not None:
                assert order.buy is None, (history.market.dates[row], order)
    if rules.name == "alvh-seed-reactive":
        assert stopped > 1000


def test_what_is_held_is_what_was_filled_and_never_less_than_nothing(history: HedgeHistory, marks: Marks) -> None:
    market, layers = history.market, len(history.rules.layers)
    cash, held = [0.0] * layers, [0.0] * layers
    legs: list[Legs | None] = [None] * layers
    for row, book, _ in sessions_of(history):
        for place, layer in enumerate(book.layers):
            for fill in layer.fills:
                cash[place] -= fill.paid
                assert fill.packages >= 0.0
                if fill.side == BUY:
                    assert legs[place] in (None, fill.legs)
                    held[place], legs[place] = held[place] + fill.packages, fill.legs
                else:
                    assert legs[place] == fill.legs
                    assert fill.packages <= held[place] * (1 + 1e-12)
                    held[place] -= fill.packages
                    if fill.side == EXPIRY or held[place] < 1e-9:
                        assert held[place] == pytest.approx(0.0, abs=1e-9)
                        held[place], legs[place] = 0.0, None
            position = layer.position
            assert (position.packages if position else 0.0) == pytest.approx(held[place], abs=1e-9)
            assert (position.legs if position else None) == legs[place]
            if position is not None:
                assert position.packages > 0.0
                assert position.legs.expiry > market.dates[row]
                assert all(contract.expiry == position.legs.expiry for contract in position.legs.contracts)
                mark = (
                    marks.prices(row, position.legs, history.rules.costs).mark
                    * position.legs.point_value
                    * position.packages
                )
                assert layer.mark == pytest.approx(mark, abs=1e-6)
            else:
                assert layer.mark == 0.0
            assert layer.cash == pytest.approx(cash[place], abs=1e-6)
        # To the cent: layers make the book, and what was received and is worth something is what was paid and gained.
        assert book.pnl == pytest.approx(sum(layer.pnl for layer in book.layers), abs=0.005)
        assert book.pnl == pytest.approx(math.fsum(cash) + book.mark, abs=0.005)


def test_every_fill_is_of_an_order_at_mark_and_half_spread(history: HedgeHistory, marks: Marks) -> None:
    rules, market, fills = history.rules, history.market, 0
    for row, book, before in sessions_of(history):
        for place, layer in enumerate(book.layers):
            for fill in layer.fills:
                at = marks.prices(row, fill.legs, rules.costs) if fill.side != EXPIRY else None
                fills += 1
                if fill.side == EXPIRY:
                    settled, _ = market.final_settlement(fill.legs.expiry)
                    calls = (max(settled - contract.strike, 0.0) for contract in fill.legs.contracts)
                    worth = sum(ratio * call for ratio, call in zip(fill.legs.ratios, calls, strict=True))
                    assert fill.price == pytest.approx(worth, abs=1e-9)
                    # No package is ever owed money on: least of all a butterfly.
                    assert fill.price >= 0.0
                    assert before is not None
                    assert market.dates[row - 1] < fill.legs.expiry <= market.dates[row]
                    continue
                assert at is not None
                order = layer.done
                assert order is not None
                if rules.timing.fill_lag_sessions == 1:
                    # Decided at the close before, to the letter, unless it had to wait for a price.
                    assert before is not None
                    assert before.layers[place].order in (order, replace(order, sell=before.layers[place].order.sell))
                assert fill.price == pytest.approx(at.offer if fill.side == BUY else at.bid, abs=1e-9)
                assert fill.packages <= (order.packages if fill.side == BUY else order.sell)
                paid = fill.price * fill.packages * fill.legs.point_value
                assert fill.paid == pytest.approx(paid if fill.side == BUY else -paid, abs=1e-9)
    assert fills > 100


def test_the_net_cost_is_the_loss_over_the_window(history: HedgeHistory) -> None:
    pnl = [book.pnl for book in history.books.books]
    window = history.rules.budget.window_sessions
    for at, book in enumerate(history.books.books):
        start = pnl[at - window] if at >= window else 0.0
        assert book.net_cost == pytest.approx((start - pnl[at]) / book.base, abs=1e-12)


def test_cycles_are_those_of_the_vix(history: HedgeHistory) -> None:
    cycles, high = 0, False
    for row, book, _ in sessions_of(history):
        vix = history.market.vix[row]
        if vix > 30.0:
            high = True
        elif vix < 20.0 and high:
            high, cycles = False, cycles + 1
        assert book.cycles == cycles
    assert cycles > 10


def test_a_step_of_early_selling_is_made_once_and_never_sells_what_is_not_there(history: HedgeHistory) -> None:
    for _, book, before in sessions_of(history):
        for place, layer in enumerate(book.layers):
            position, old = layer.position, before.layers[place].position if before else None
            if position is None:
                continue
            assert position.packages <= position.bought * (1 + 1e-12)
            if old is not None and old.legs == position.legs and old.opened == position.opened:
                assert position.steps >= old.steps
            if layer.order is not None and layer.order.action == MONETISE:
                assert layer.order.steps > position.steps
                assert layer.order.buy is None


def test_the_yardstick_by_the_general_fold_is_the_index(
    histories: dict[str, HedgeHistory], recorded_signals: VeqtorSignals
) -> None:
    history = histories["vxth"]
    index = vxth_index(recorded_signals)
    level = [100.0 * book.base / history.books.notional for book in history.books.books]
    first = history.books.inception
    assert index.base == first
    assert np.abs(np.array(level) / index.total_return[first:] - 1.0).max() < 1e-9
    held = [book.layers[0].position for book in history.books.books]
    strikes = [position.legs.strikes[0] if position else math.nan for position in held]
    np.testing.assert_array_equal(strikes, index.strike[first:])
    expiries = [np.datetime64(position.legs.expiry if position else "NaT") for position in held]
    assert [str(found) for found in expiries] == [str(found) for found in index.expiry[first:]]


@pytest.mark.parametrize("name", ["alvh-seed", "alvh-442"])
@pytest.mark.parametrize("factor", [0.001, 3.0, 1000.0])
def test_contracts_and_amounts_grow_with_the_notional(
    histories: dict[str, HedgeHistory], recorded_signals: VeqtorSignals, name: str, factor: float
) -> None:
    one = histories[name]
    other = hedges_of(recorded_signals, [shipped_rule_set(name)], NOTIONAL * factor).histories[0]
    for book, scaled in zip(one.books.books, other.books.books, strict=True):
        assert scaled.net_cost == pytest.approx(book.net_cost, abs=1e-12)
        for layer, large in zip(book.layers, scaled.layers, strict=True):
            for own, big in ((layer.position, large.position), (layer.order, large.order)):
                assert (own is None) == (big is None)
                if own is not None and big is not None:
                    assert big.packages == pytest.approx(own.packages * factor, rel=1e-9)
            assert (large.cash, large.mark) == pytest.approx((layer.cash * factor, layer.mark * factor), rel=1e-9)
