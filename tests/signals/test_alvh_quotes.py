"""What holdings are worth in small markets: at expiry, at the quotes of stored chains, and what is told of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from signals.alvh.hedge import hedges_of
from signals.alvh.report import MIXED, MODEL, OBSERVED, SETTLEMENT
from signals.calendar import TradingCalendar
from signals.rates import CARRIED, PRIMARY, SUBSTITUTE
from signals.veqtor.signal import VeqtorSignals
from tests.signals.made_market import (
    BUTTERFLY,
    CALL,
    FEB,
    NAN,
    NOTIONAL,
    SEED,
    SPREAD,
    Made,
    chain_of,
    legs_of,
    offer,
    rules_of,
    with_chain,
)

# Expiry.


@pytest.mark.parametrize(
    ("published", "opening", "worth", "origin"),
    [(35.0, 30.0, 35.0, PRIMARY), (None, 30.0, 30.0, SUBSTITUTE), (None, NAN, 27.0, CARRIED)],
)
def test_a_call_held_to_expiry_is_paid_at_the_final_settlement_or_what_stands_for_it(
    calendar: TradingCalendar, published: float | None, opening: float, worth: float, origin: int
) -> None:
    made = Made(calendar, rules_of(replace(CALL, roll_at_days_to_expiry=None)), count=32)
    expiry = made.row(FEB)
    made.vix[expiry - 1], made.opens[expiry] = 27.0, opening
    if published is not None:
        made.published[FEB] = published
    assert made.market().final_settlement(FEB) == (worth, origin)
    before, layer = made.layers()[expiry - 1 : expiry + 1]
    assert before.position is not None
    (fill,) = layer.fills
    assert (fill.side, fill.basis, fill.packages) == ("EXPIRY", SETTLEMENT, before.position.packages)
    assert fill.price == worth - 23.0
    assert layer.cash == before.cash + fill.price * fill.packages * 100
    # It is replaced at the close of the same day.
    assert (layer.position, legs_of(layer.order).expiry) == (None, dt.date(2018, 3, 21))


def test_what_is_due_on_the_eve_of_its_expiry_is_held_to_it(calendar: TradingCalendar) -> None:
    made = Made(calendar, rules_of(replace(CALL, roll_at_days_to_expiry=1)), count=32)
    made.opens[:] = 20.0
    expiry = made.row(FEB)
    layers = made.layers()
    assert [layer.order for layer in layers[1:expiry]] == [None] * (expiry - 1)
    assert [fill.side for fill in layers[expiry].fills] == ["EXPIRY"]


def test_a_future_as_the_first_layer(calendar: TradingCalendar) -> None:
    future = replace(
        BUTTERFLY, instrument="future", listing="monthly", days_min=1, days_target=20, days_max=40,
        lower_moneyness=None, middle_moneyness=None, upper_moneyness=None, premium=0.02,
    )  # fmt: skip
    made = Made(calendar, rules_of(future), count=16)
    january = dt.date(2018, 1, 17)
    made.published[january] = 23.0
    layers = made.layers()
    order = layers[0].order
    assert order is not None
    assert (legs_of(order).kind, legs_of(order).expiry, legs_of(order).strikes) == ("VX future", january, ())
    assert order.packages == pytest.approx(0.02 * NOTIONAL / (20.02 * 1000))
    (fill,) = layers[1].fills
    assert (fill.price, fill.basis, fill.paid) == (20.02, SETTLEMENT, pytest.approx(20.02 * 1000 * order.packages))
    settled = layers[made.row(january)]
    assert settled.pnl == pytest.approx((23.0 - 20.02) * 1000 * order.packages)


# Stored chains.


def test_quotes_of_a_stored_chain_are_the_marks_of_its_session(calendar: TradingCalendar) -> None:
    made = with_chain(calendar, rules_of(CALL), 1)
    layers = made.layers()
    (fill,) = layers[1].fills
    seen = made.call(1, FEB, 23.0) + 0.5
    assert (fill.basis, fill.price) == (OBSERVED, pytest.approx(offer(seen)))
    assert layers[1].position is not None
    assert layers[1].mark == pytest.approx(seen * 100 * layers[1].position.packages)
    # The session after it is the model's again.
    assert layers[2].mark == pytest.approx(made.call(2, FEB, 23.0) * 100 * layers[1].position.packages)


def test_only_what_the_chain_lists_is_chosen(calendar: TradingCalendar) -> None:
    made = with_chain(calendar, rules_of(CALL), 0)
    day = made.sessions[0].item()
    made.chains = {day: chain_of(day, {(FEB, 20.0): (2.0, 2.2), (FEB, 26.0): (0.9, 1.1)})}
    order = made.layers()[0].order
    assert (legs_of(order).expiry, legs_of(order).strikes) == (FEB, (26.0,))
    assert order is not None
    assert order.packages == pytest.approx(8000 / (offer(1.0) * 100))


@pytest.mark.parametrize("quotes", [(0.0, 1.2), (1.0, NAN), (NAN, NAN), (1.2, 1.0)])
def test_a_call_that_is_not_quoted_on_both_sides_is_priced_by_the_model(
    calendar: TradingCalendar, quotes: tuple[float, float]
) -> None:
    made = with_chain(calendar, rules_of(CALL), 1, (23.0, quotes))
    (fill,) = made.layers()[1].fills
    assert (fill.basis, fill.price) == (MODEL, pytest.approx(offer(made.call(1, FEB, 23.0))))


def test_a_contract_that_vanished_from_the_chain_keeps_its_model_price(calendar: TradingCalendar) -> None:
    spread = replace(SPREAD, monetise=())
    long, short = legs_of(Made(calendar, rules_of(spread), count=2).layers()[0].order).strikes
    made = with_chain(calendar, rules_of(spread), 2)
    day = made.sessions[2].item()
    kept = {(FEB, strike): (1.0, 1.2) for strike in (long, 50.0)}
    made.chains = {day: chain_of(day, kept)}
    layer = made.layers()[2]
    assert layer.position is not None
    quote = made.market().quote(2, layer.position.legs, made.rules.costs)
    assert (quote.basis, quote.mark) == (MIXED, pytest.approx(1.1 - made.call(2, FEB, short)))
    assert layer.mark == pytest.approx(quote.mark * 100 * layer.position.packages)


def test_an_old_chain_prices_nothing_and_is_known_to_be_old(calendar: TradingCalendar) -> None:
    made = with_chain(calendar, rules_of(CALL), 1)
    market = made.market()
    assert [market.chain_standing(row) for row in (0, 1, 3)] == [None, market.dates[1], market.dates[1]]


# What is told of a chain.

CALM = dt.date(2006, 4, 12)


class Told:
    """What reports doubt about prices, where a chain of one session quotes all that is held then."""

    def __init__(self, signals: VeqtorSignals) -> None:
        self._signals = signals
        self._plain = hedges_of(signals, [SEED], NOTIONAL)
        held = [layer.held for layer in self._plain.on(CALM)[0].layers if layer.held]
        self.legs = [(package.expiry, leg) for package in held for leg in package.legs]

    def on(self, *days: dt.date, one_sided: str = "") -> list[tuple[str, ...]]:
        quotes = {
            (expiry, leg.strike): (0.0 if leg.instrument == one_sided else leg.price - 0.01, leg.price + 0.01)
            for expiry, leg in self.legs
            if leg.strike is not None and leg.price is not None
        }
        hedges = hedges_of(self._signals, [SEED], NOTIONAL, {CALM: chain_of(CALM, quotes)})
        found = []
        for day in days:
            doubts, usual = hedges.on(day)[0].doubts, self._plain.on(day)[0].doubts
            assert doubts[: len(usual)] == usual
            found.append(doubts[len(usual) :])
        return found


@pytest.fixture(scope="module")
def told(made_up_signals: VeqtorSignals) -> Told:
    return Told(made_up_signals)


def test_a_call_that_is_not_quoted_on_both_sides_is_told_by_its_name(told: Told) -> None:
    # A spread and a call; there are no weeklies yet.
    names = [leg.instrument for _, leg in told.legs]
    assert len(names) == 3
    assert told.on(CALM) == [()]
    sentence = f"Not quoted on both sides in the chain of this session, so priced by the model: {names[2]}."
    assert told.on(CALM, one_sided=names[2]) == [(sentence,)]


def test_an_old_chain_is_told_with_its_session_and_one_to_come_is_not(
    told: Told, made_up_signals: VeqtorSignals
) -> None:
    calendar = made_up_signals.inputs.calendar
    before, *after = calendar.previous_session(CALM), calendar.offset(CALM, 1), calendar.offset(CALM, 5)
    stale = ("The newest stored option chain is of 2006-04-12: prices are the model's.",)
    assert told.on(before, *after) == [(), stale, stale]
