"""What changes a position that is held, in small markets: early sales, recycling, top-ups, a collapsed premium."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signals.alvh.report import ADJUST, CLOSE, MONETISE
from signals.alvh.rules import Sale
from signals.calendar import TradingCalendar
from tests.signals.made_market import (
    ANCHOR,
    CALL,
    COLLAPSE,
    FEB,
    SEED,
    Made,
    at_multiple,
    legs_of,
    offer,
    rules_of,
)

# Early sales.

STEPS = (Sale(3.0, 0.25), Sale(5.0, 0.25), Sale(8.0, 0.25))


def test_a_quarter_is_sold_at_each_multiple_once(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(replace(CALL, monetise=STEPS)), count=12)
    for row, multiple in ((2, 2.9), (3, 3.1), (4, 3.2), (5, 2.0), (6, 5.1), (7, 5.2), (8, 8.5)):
        made.settle[row:] = at_multiple(made, row, multiple)
    layers = made.layers()
    bought = layers[1].position
    assert bought is not None
    orders = [layer.order for layer in layers]
    assert [row for row, order in enumerate(orders) if order is not None] == [0, 3, 6, 8]
    for row, step in ((3, 1), (6, 2), (8, 3)):
        order, position = orders[row], layers[row + 1].position
        assert order is not None
        assert position is not None
        assert (order.action, order.sell, order.steps) == (MONETISE, 0.25 * bought.packages, step)
        assert position.packages == pytest.approx((1 - 0.25 * step) * bought.packages)
        assert (position.steps, position.bought) == (step, bought.packages)
        assert position.unit == pytest.approx((1 - 0.25 * step) * bought.unit)
    assert layers[4].cash - layers[3].cash == pytest.approx(layers[4].position.received if layers[4].position else 0.0)


def test_two_steps_at_once_are_one_sale(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(replace(CALL, monetise=STEPS)), count=6)
    made.settle[2:] = at_multiple(made, 2, 6.0)
    layers = made.layers()
    order, bought = layers[2].order, layers[1].position
    assert order is not None
    assert bought is not None
    assert (order.sell, order.steps) == (0.5 * bought.packages, 2)
    assert order.reason.startswith("Worth 6.0 times its cost, at least 5: 50% of what was bought is sold.")
    assert [layer.order for layer in layers[3:]] == [None] * 3


def test_everything_may_be_sold_early_and_the_layer_opens_again(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(replace(CALL, monetise=(Sale(3.0, 1.0),))), count=6)
    made.settle[2:] = at_multiple(made, 2, 4.0)
    layers = made.layers()
    assert layers[3].position is None
    assert layers[3].mark == 0.0
    assert legs_of(layers[3].order).expiry == FEB


@pytest.mark.parametrize("notional", [1e6, 9.7e5, 9.1e5, 8.3e5])
def test_selling_everything_in_parts_leaves_no_dust(calendar: TradingCalendar, notional: float) -> None:
    steps = tuple(Sale(multiple, fraction) for multiple, fraction in ((3.0, 0.35), (5.0, 0.35), (8.0, 0.3)))
    made = Made(calendar, rules_of(replace(CALL, monetise=steps)), count=9, notional=notional)
    for row, multiple in ((2, 3.5), (4, 5.5), (6, 8.5)):
        made.settle[row:] = at_multiple(made, row, multiple)
    assert made.layers()[7].position is None


# Recycling.


def recycling(calendar: TradingCalendar, share: float = 0.5, lag: int = 1) -> Made:
    """A short call that multiplies while two longer ones fall: the last by less than the one between."""
    short = replace(CALL, id="l1", days_min=10, days_target=15, days_max=20, roll_at_days_to_expiry=1)
    short = replace(short, monetise=(Sale(3.0, 0.5),))
    made = Made(
        calendar,
        rules_of(
            short,
            replace(CALL, id="l2", premium=0.004),
            replace(ANCHOR, id="l3", premium=0.004, collapse=None, monetise=()),
            recycling=replace(SEED.recycling, share=share),
            timing=replace(SEED.timing, fill_lag_sessions=lag),
        ),
        count=8,
    )
    made.settle[3:, 0], made.settle[3:, 1] = 45.0, 17.0
    return made


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_proceeds_go_into_the_longer_layer_furthest_below_its_target(calendar: TradingCalendar, share: float) -> None:
    made = recycling(calendar, share)
    books = made.books()
    assert books[3].layers[0].order is not None
    assert books[3].layers[0].order.action == MONETISE
    proceeds = -books[4].layers[0].fills[0].paid
    assert books[4].proceeds == ((0, proceeds),)
    below = [1 - layer.mark / 4000 for layer in books[4].layers[1:]]
    assert below[0] > below[1] > 0.0
    order, held = books[4].layers[1].order, books[4].layers[1].position
    assert order is not None
    assert held is not None
    assert books[4].layers[2].order is None
    assert (order.action, order.buy, order.sell) == (ADJUST, held.legs, 0.0)
    price = offer(made.call(4, FEB, held.legs.strikes[0], 17.0)) * 100
    room = 4000 - books[4].layers[1].mark
    assert order.packages == pytest.approx(min(share * proceeds, room) / price)
    after = books[5].layers[1].position
    assert after is not None
    assert after.packages == pytest.approx(held.packages + order.packages)
    assert after.bought == pytest.approx(held.packages + order.packages)
    assert after.opened == held.opened
    # Once: the session after nothing more of it is put to work.
    assert books[5].proceeds == ()
    assert books[5].layers[1].order is None


def test_proceeds_are_recycled_too_where_fills_are_of_the_same_close(calendar: TradingCalendar) -> None:
    books = recycling(calendar, lag=0).books()
    sold = [fill for fill in books[3].layers[0].fills if fill.side == "SELL"]
    assert sold
    bought = [fill for book in books[3:5] for fill in book.layers[1].fills]
    assert bought


def test_without_a_share_nothing_is_recycled(calendar: TradingCalendar) -> None:
    books = recycling(calendar, 0.0).books()
    assert books[4].proceeds
    assert books[4].layers[1].order is None


# Top-ups.


def test_a_position_is_changed_between_rolls_only_outside_the_band(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL, top_up=replace(SEED.top_up, enabled=True)), count=12)
    for row in range(2, 12):
        made.multiplier[row] = [{2: 1.2, 3: 1.5, 4: 1.5, 5: 1.4}.get(row, 0.25)]
    layers = made.layers()
    held = layers[1].position
    assert held is not None
    # 1.2 times is within a quarter of the target.
    assert layers[2].order is None
    more = layers[3].order
    assert more is not None
    assert (more.action, legs_of(more)) == (ADJUST, held.legs)
    assert more.packages == pytest.approx(0.5 * held.packages)
    assert layers[4].position is not None
    assert layers[4].position.packages == pytest.approx(1.5 * held.packages)
    assert layers[5].order is None
    less = layers[6].order
    assert less is not None
    assert (less.action, less.buy) == (ADJUST, None)
    assert less.sell == pytest.approx(1.25 * held.packages)
    after = layers[7].position
    assert after is not None
    assert after.packages == pytest.approx(0.25 * held.packages)
    assert after.unit == pytest.approx(held.unit)
    assert layers[8].order is None


def test_one_contract_is_left_alone_whatever_its_share(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL, top_up=replace(SEED.top_up, enabled=True)), count=6, notional=20_000.0)
    made.multiplier[2] = [1.5]
    layers = made.layers()
    assert layers[1].position is not None
    assert 0.5 * layers[1].position.packages < 1.0
    assert layers[2].order is None


def test_while_stopped_a_top_up_buys_nothing_and_still_reduces(calendar: TradingCalendar) -> None:
    rules = rules_of(replace(CALL, size_when_stopped=0.0), top_up=replace(SEED.top_up, enabled=True))
    made = Made(calendar, replace(rules, budget=replace(SEED.budget, stop=0.0003)), count=8)
    for row in range(2, 8):
        made.multiplier[row] = [1.5 if row < 5 else 0.25]
    layers = made.layers()
    assert [layer.order for layer in layers[2:5]] == [None] * 3
    less = layers[5].order
    assert less is not None
    assert (less.buy, less.sell > 0.0) == (None, True)


def test_a_reduction_is_not_sold_where_nobody_pays_for_it(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(CALL, top_up=replace(SEED.top_up, enabled=True)), count=6)
    # Worth less than the smallest half-spread.
    made.settle[2:4], made.vvix[2:4] = 10.0, 25.0
    for row in range(2, 6):
        made.multiplier[row] = [0.25]
    layers, market = made.layers(), made.market()
    held = layers[1].position
    assert held is not None
    quotes = [market.quote(row, held.legs, made.rules.costs) for row in range(2, 5)]
    assert [quote.bid > 0.0 for quote in quotes] == [False, False, True]
    assert all(quote.mark > 0.0 for quote in quotes)
    assert [layer.order is None for layer in layers[2:5]] == [True, True, False]


# Collapse.


def test_a_collapsed_premium_closes_a_position_in_profit_and_opens_it_when_it_is_back(
    calendar: TradingCalendar,
) -> None:
    made = Made(calendar, rules_of(replace(CALL, collapse=COLLAPSE)), count=14)
    for row in range(2, 10):
        made.collapsed[row] = ["so it is told"]
    made.settle[5:] = 26.0
    layers = made.layers()
    # At a loss it is kept.
    assert [layer.order for layer in layers[2:5]] == [None] * 3
    order = layers[5].order
    assert order is not None
    assert (order.action, layers[5].shut) == (CLOSE, True)
    assert order.reason.startswith("Its premium has collapsed: so it is told. Sold at this close it would gain ")
    for layer in layers[6:10]:
        assert (layer.position, layer.order, layer.shut) == (None, None, True)
        assert layer.why == "Closed early; opened again when its premium is no longer collapsed."
    assert (layers[10].shut, legs_of(layers[10].order).expiry) == (False, FEB)


def test_a_collapsed_premium_closes_also_a_loss_where_the_rules_say_so(calendar: TradingCalendar) -> None:
    layer = replace(CALL, collapse=replace(COLLAPSE, only_in_profit=False))
    made = Made(calendar, rules_of(layer), count=4)
    made.collapsed[2] = ["so it is told"]
    order = made.layers()[2].order
    assert order is not None
    assert order.action == CLOSE
