"""What opens, rolls and closes a layer, branch by branch, in small markets in which only what a test moves moves."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.alvh.decide import even_wings
from signals.alvh.hedge import hedges_of
from signals.alvh.listings import STRIKES
from signals.alvh.report import CLOSE, OPEN, ROLL
from signals.alvh.ruleset_files import shipped_rule_set
from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError
from signals.veqtor.signal import VeqtorSignals
from tests.signals.made_market import (
    BUTTERFLY,
    CALL,
    COLLAPSE,
    FEB,
    MAR,
    NAN,
    NOTIONAL,
    SEED,
    SPREAD,
    Made,
    bid,
    chain_of,
    legs_of,
    offer,
    rules_of,
)

SCALED_TO_NOTHING = "Nothing is bought: carry or the price gate scales its size to nothing."


# Opening.


def test_an_order_is_filled_at_the_next_close_and_sized_at_this_one(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL))
    made.settle[1:] = 22.0
    first, second = made.layers()[:2]
    # 14 February is 43 days out, nearer to 45 than 21 March; at 23 the delta is nearest to 0.40.
    assert first.position is None
    order = first.order
    assert (legs_of(order).expiry, legs_of(order).strikes) == (FEB, (23.0,))
    assert order is not None
    assert (order.action, order.size) == (OPEN, 0.008)
    assert order.packages == pytest.approx(0.008 * NOTIONAL / (offer(made.call(0, FEB, 23.0)) * 100))
    (fill,) = second.fills
    assert fill.price == pytest.approx(offer(made.call(1, FEB, 23.0, 22.0)))
    assert second.position is not None
    assert (second.position.packages, second.position.opened) == (order.packages, 1)
    assert (second.cash, second.order, second.done) == (-fill.paid, None, order)
    assert second.mark == pytest.approx(made.call(1, FEB, 23.0, 22.0) * 100 * order.packages)


def test_a_weekly_that_is_not_listed_is_waited_for(calendar: TradingCalendar) -> None:
    # Before October 2015 there are monthlies only; 22 January 2014 is 7 days out on the 15th.
    made = Made(calendar, rules_of(BUTTERFLY), count=12, start=dt.date(2014, 1, 2))
    layers = made.layers()
    for layer in layers[:9]:
        assert (layer.order, layer.position) == (None, None)
        assert layer.why == "Nothing is listed with a price 1 to 7 days out: nothing bought."
    assert made.sessions[9].item() == dt.date(2014, 1, 15)
    assert (legs_of(layers[9].order).expiry, layers[9].why) == (dt.date(2014, 1, 22), "")


def test_what_expires_before_it_could_be_filled_is_not_bought(calendar: TradingCalendar) -> None:
    # On Tuesday the 9th a weekly of the 10th would be filled on its expiry: the next week's is taken, if it may be.
    near = Made(calendar, rules_of(replace(BUTTERFLY, days_max=8)), start=dt.date(2018, 1, 9))
    assert legs_of(near.layers()[0].order).expiry == dt.date(2018, 1, 17)
    none = Made(calendar, rules_of(BUTTERFLY), start=dt.date(2018, 1, 9))
    assert none.layers()[0].order is None


def test_where_nothing_is_in_the_window_the_nearest_will_do_or_nothing(calendar: TradingCalendar) -> None:
    wide = replace(CALL, days_min=44, days_target=45, days_max=46)
    assert legs_of(Made(calendar, rules_of(wide), count=2).layers()[0].order).expiry == FEB
    skip = Made(calendar, rules_of(replace(wide, none_listed="skip")), count=2).layers()[0]
    assert (skip.order, skip.why) == (None, "Nothing is listed with a price 44 to 46 days out: nothing bought.")


def test_no_price_is_no_purchase(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL))
    made.vvix[:2] = NAN
    layers = made.layers()
    assert layers[0].order is None
    assert layers[0].why == "No strikes can be chosen: an input of the model is missing, or none listed fits."
    assert layers[2].order is not None


def test_an_order_waits_for_a_price_and_is_filled_as_it_was_decided(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL))
    made.vvix[1:3] = NAN
    layers = made.layers()
    for layer in layers[1:3]:
        assert (layer.order, layer.fills, layer.position) == (layers[0].order, (), None)
        assert layer.why == "The order waits: no price at this close."
    (fill,) = layers[3].fills
    assert layers[0].order is not None
    assert (fill.packages, fill.price) == (layers[0].order.packages, pytest.approx(offer(made.call(3, FEB, 23.0))))
    assert layers[3].why == ""


def test_an_order_that_expires_while_it_waits_is_dropped_and_decided_anew(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(BUTTERFLY), start=dt.date(2018, 1, 3))
    expiry = made.row(dt.date(2018, 1, 10))
    made.vvix[1:expiry] = NAN
    layers = made.layers()
    assert legs_of(layers[expiry - 1].order).expiry == dt.date(2018, 1, 10)
    assert (layers[expiry].fills, layers[expiry].cash) == ((), 0.0)
    assert layers[expiry].why == "What was ordered expired before it could be bought."
    assert legs_of(layers[expiry].order).expiry == dt.date(2018, 1, 17)


def test_two_strikes_that_round_to_the_same_are_kept_apart(calendar: TradingCalendar) -> None:
    wings = replace(BUTTERFLY, middle_moneyness=1.36, upper_moneyness=1.37)
    made = Made(calendar, rules_of(wings), count=2, start=dt.date(2018, 1, 3))
    # Halfway between spot at 18 and the future at 20: 20.9, 25.84 and 26.03.
    assert legs_of(made.layers()[0].order).strikes == (21.0, 26.0, 27.0)


# Butterflies.

LADDER = STRIKES.tolist()


def triples(strikes: Sequence[float]) -> st.SearchStrategy[list[float]]:
    return st.lists(st.sampled_from(strikes), min_size=3, max_size=3, unique=True).map(sorted)


@given(triples(LADDER))
def test_a_butterfly_never_owes_more_than_it_is_worth(strikes: list[float]) -> None:
    lower, middle, upper = even_wings(strikes, STRIKES)
    if math.isnan(lower):
        # Only where even the lowest strike is closer below the middle than the next one is above it.
        above = min(strike for strike in LADDER if strike > strikes[1])
        assert above - strikes[1] > strikes[1] - LADDER[0]
        return
    assert lower <= strikes[0]
    assert middle == strikes[1]
    assert middle < upper <= strikes[2]
    assert {lower, upper} <= set(LADDER)
    assert upper - middle <= middle - lower
    # Between two strikes the payoff is a straight line.
    for settled in (0.0, lower, middle, upper, 1000.0):
        calls = (max(settled - strike, 0.0) for strike in (lower, middle, upper))
        assert sum(ratio * call for ratio, call in zip((1, -2, 1), calls, strict=True)) >= 0.0


@settings(max_examples=50)
@given(st.lists(st.sampled_from(LADDER), min_size=3, max_size=12, unique=True).map(sorted).flatmap(
    lambda listed: st.tuples(st.just(listed), triples(listed))
))  # fmt: skip
def test_wings_change_no_more_than_they_must(drawn: tuple[list[float], list[float]]) -> None:
    listed, (lower, middle, upper) = drawn
    even = [
        (low, high)
        for low in listed
        for high in listed
        if low <= lower and middle < high <= upper and high - middle <= middle - low
    ]
    found = even_wings([lower, middle, upper], np.array(listed))
    if even:
        # The lower strike stays if it can, then the upper one is as high as it may be.
        assert (found[0], found[2]) == max(even)
    else:
        assert math.isnan(found[0])


def test_an_order_has_even_wings(calendar: TradingCalendar) -> None:
    # Halfway between spot at 18 and the future at 20: 20.9, 25.65 and 31.35 are nearest to 21, 26 and 31.
    wings = replace(BUTTERFLY, upper_moneyness=1.65)
    made = Made(calendar, rules_of(wings), count=2, start=dt.date(2018, 1, 3))
    assert legs_of(made.layers()[0].order).strikes == (21.0, 26.0, 31.0)
    wider = replace(BUTTERFLY, upper_moneyness=1.9)
    assert legs_of(Made(calendar, rules_of(wider), count=2, start=dt.date(2018, 1, 3)).layers()[0].order).strikes == (
        21.0, 26.0, 31.0,
    )  # fmt: skip


def test_no_butterfly_is_bought_where_its_wings_cannot_be_even(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(BUTTERFLY), count=2, start=dt.date(2018, 1, 3))
    week = dt.date(2018, 1, 10)
    quotes = {(week, strike): (1.0, 1.2) for strike in (21.0, 26.0, 35.0)}
    made.chains = {dt.date(2018, 1, 3): chain_of(dt.date(2018, 1, 3), quotes)}
    layer = made.layers()[0]
    assert layer.order is None
    assert layer.why.startswith("No strikes can be chosen")


# Sizes.


@pytest.mark.parametrize(("multiplier", "factor"), [(0.25, 1.0), (1.0, 1.25), (1.5, 0.75)])
def test_the_state_and_carry_scale_an_entry(calendar: TradingCalendar, multiplier: float, factor: float) -> None:
    made = Made(calendar, rules_of(CALL), count=2)
    made.multiplier[0], made.factor[0] = [multiplier], [factor]
    order, plain = made.layers()[0].order, Made(calendar, rules_of(CALL), count=2).layers()[0].order
    assert order is not None
    assert plain is not None
    assert order.packages == pytest.approx(plain.packages * multiplier * factor)
    assert (order.size, order.unit) == pytest.approx((0.008 * multiplier * factor, plain.packages * factor))


def test_a_gate_on_the_bought_future_keeps_from_buying(calendar: TradingCalendar) -> None:
    gate = replace(SEED.price_gate, enabled=True, price="bought-expiry", edges=(15.0, 25.0), factors=(0.0, 1.0, 0.5))
    made = Made(calendar, rules_of(CALL, price_gate=gate), count=3)
    made.settle[0], made.settle[2] = 15.0, 15.0
    layer = made.layers()[0]
    assert (layer.order, layer.why) == (None, SCALED_TO_NOTHING)
    made.settle[0] = 26.0
    order = made.layers()[0].order
    assert order is not None
    assert order.size == 0.004


def test_a_shut_gate_on_the_thirty_day_future_closes_what_is_due(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL))
    due = made.row(dt.date(2018, 1, 24))
    for row in range(due, made.count):
        made.factor[row] = [0.0]
    layers = made.layers()
    order = layers[due].order
    assert order is not None
    assert layers[due].position is not None
    assert (order.action, order.buy, order.sell) == (CLOSE, None, layers[due].position.packages)
    assert order.reason == f"21 days to expiry, rolled at 21; {SCALED_TO_NOTHING[0].lower()}{SCALED_TO_NOTHING[1:]}"
    for layer in layers[due + 1 :]:
        assert (layer.position, layer.order, layer.why) == (None, None, SCALED_TO_NOTHING)


def test_a_shut_gate_on_the_future_that_would_be_bought_closes_what_is_due_too(calendar: TradingCalendar) -> None:
    gate = replace(SEED.price_gate, enabled=True, price="bought-expiry", edges=(30.0,), factors=(1.0, 0.0))
    made = Made(calendar, rules_of(CALL, price_gate=gate))
    due = made.row(dt.date(2018, 1, 24))
    made.settle[due, :2] = 20.0, 31.0
    order = made.layers()[due].order
    assert order is not None
    assert (order.action, order.buy) == (CLOSE, None)
    # February, which is held, is not asked.
    made.settle[due, :2] = 31.0, 20.0
    order = made.layers()[due].order
    assert order is not None
    assert order.action == ROLL


def test_packages_are_filled_on_their_net_price_where_the_rules_say_so(calendar: TradingCalendar) -> None:
    spread = replace(SPREAD, monetise=())
    strikes = legs_of(Made(calendar, rules_of(spread), count=2).layers()[0].order).strikes
    for package_fills in (False, True):
        costs = replace(SEED.costs, package_fills=package_fills)
        made = Made(calendar, rules_of(spread, costs=costs), count=2)
        long, short = (made.call(1, FEB, strike) for strike in strikes)
        away = 0.06 * (long - short) if package_fills else 0.06 * (long + short)
        assert made.layers()[1].fills[0].price == pytest.approx(long - short + away)


def test_a_ladder_splits_its_premium_by_contracts_at_the_prices_of_the_day(calendar: TradingCalendar) -> None:
    made = Made(calendar, replace(shipped_rule_set("alvh-442"), budget=SEED.budget), count=2)
    orders = [layer.order for layer in made.books()[0].layers]
    contracts = [order.packages for order in orders if order is not None]
    assert contracts == pytest.approx([4 * contracts[2] / 2, 4 * contracts[2] / 2, contracts[2]])
    assert sum(order.size for order in orders if order is not None) == pytest.approx(0.01)
    # Without a price for one of them nothing of the ladder is bought.
    made.settle[0, 2:] = NAN
    for layer in made.books()[0].layers:
        assert layer.order is None or layer.order.size > 0.0


# Rolling and closing.


def test_a_roll_sells_what_is_held_and_buys_the_next_at_one_close(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL))
    due = made.row(dt.date(2018, 1, 24))
    before, at, after = made.layers()[due - 1 : due + 2]
    assert before.order is None
    assert before.position is not None
    order = at.order
    assert order is not None
    assert (order.action, order.sell, legs_of(order).expiry) == (ROLL, before.position.packages, MAR)
    assert order.reason.startswith("Due: 21 days to expiry, rolled at 21.")
    sold, bought = after.fills
    assert (sold.side, sold.price) == ("SELL", pytest.approx(bid(made.call(due + 1, FEB, 23.0))))
    assert (bought.side, bought.price) == ("BUY", pytest.approx(offer(made.call(due + 1, MAR, bought.legs.strikes[0]))))
    assert after.position is not None
    assert (after.position.legs.expiry, after.position.paid, after.position.received) == (MAR, bought.paid, 0.0)


def test_what_is_due_by_days_held_counts_calendar_days_from_the_fill(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(replace(CALL, roll_at_days_to_expiry=None, roll_after_days_held=10)))
    actions = [layer.order.action if layer.order else "" for layer in made.layers()]
    # Filled on the 3rd, so due on Saturday the 13th; Monday the 15th is a holiday.
    assert actions[1 : made.row(dt.date(2018, 1, 16))] == [""] * 8
    assert actions[made.row(dt.date(2018, 1, 16))] == ROLL


def test_what_has_no_price_decides_nothing(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(replace(CALL, collapse=replace(COLLAPSE, only_in_profit=False))))
    due = made.row(dt.date(2018, 1, 24))
    made.vvix[due] = NAN
    made.collapsed[due] = ["so it is told"]
    before, layer, after = made.layers()[due - 1 : due + 2]
    assert (layer.order, layer.why) == (None, "Held: it has no price at this close.")
    assert layer.position == before.position
    # Its last mark stands.
    assert layer.mark == before.mark
    assert after.order is not None
    assert (after.order.action, after.why) == (ROLL, "")


def test_a_roll_without_anything_to_buy_holds(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(replace(CALL, none_listed="skip")))
    due = made.row(dt.date(2018, 1, 24))
    # From here on only the February contract settles.
    made.settle[due:, 1:] = NAN
    layer = made.layers()[due]
    assert (layer.order, layer.position is None) == (None, False)
    assert layer.why.startswith("Due to roll (21 days to expiry, rolled at 21), but held: Nothing is listed")


def test_a_used_up_budget_closes_what_is_due_and_opens_nothing(calendar: TradingCalendar) -> None:
    rules = rules_of(replace(CALL, size_when_stopped=0.0))
    made = Made(calendar, replace(rules, budget=replace(SEED.budget, stop=0.0005)))
    due = made.row(dt.date(2018, 1, 24))
    layers = made.layers()
    # Nothing moves, so the premium decays: 0.05% of the notional is gone within days. What is held stays.
    assert all(layer.position is not None for layer in layers[1 : due + 1])
    order = layers[due].order
    assert order is not None
    assert order.action == CLOSE
    assert order.reason.startswith("21 days to expiry, rolled at 21; nothing is bought: the budget is used up, 0.")
    for layer in layers[due + 1 :]:
        assert (layer.position, layer.order) == (None, None)
        assert layer.why.startswith("Nothing is bought: the budget is used up")


def test_a_used_up_budget_halves_where_the_rules_say_so(calendar: TradingCalendar) -> None:
    rules = replace(rules_of(replace(CALL, size_when_stopped=0.5)), budget=replace(SEED.budget, stop=0.0005))
    made = Made(calendar, rules)
    order = made.layers()[made.row(dt.date(2018, 1, 24))].order
    assert order is not None
    assert (order.action, order.size) == (ROLL, 0.004)


# What cannot be.


@pytest.mark.parametrize("notional", [0.0, -1e6, NAN, float("inf")])
def test_a_notional_that_is_no_amount_is_refused(made_up_signals: VeqtorSignals, notional: float) -> None:
    with pytest.raises(ConfigurationError, match="notional"):
        hedges_of(made_up_signals, [SEED], notional)


def test_a_notional_too_small_for_one_contract_is_said_and_the_fraction_shown(made_up_signals: VeqtorSignals) -> None:
    small, large = (hedges_of(made_up_signals, [SEED], notional) for notional in (10_000.0, 1e6))
    seen = 0
    for day in made_up_signals.inputs.calendar.sessions_in(dt.date(2006, 4, 3), dt.date(2006, 4, 20)).tolist():
        (few,), (many,) = small.on(day), large.on(day)
        for own, big in zip(few.layers, many.layers, strict=True):
            if own.target is None or big.target is None:
                continue
            assert own.target.contracts == pytest.approx(big.target.contracts / 100)
            assert own.target.contracts_rounded == round(own.target.contracts)
            told = f"The notional is too small for one contract: the target is {own.target.contracts:.2f}."
            assert own.warnings == ((told,) if own.target.contracts < 0.5 else ())
            assert big.warnings == ()
            seen += own.target.contracts < 0.5
    assert seen


def test_a_premium_of_nothing_buys_nothing(calendar: TradingCalendar) -> None:
    # The rules allow a premium of 0: a layer that is switched off.
    layers = Made(calendar, rules_of(replace(CALL, premium=0.0)), count=4).layers()
    assert [(layer.position, layer.order) for layer in layers] == [(None, None)] * 4
