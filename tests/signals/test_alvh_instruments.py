"""Layers of the front VX future and of calls on VXX over the recorded history, recomputed from the raw files."""

from __future__ import annotations

import datetime as dt
import math
from itertools import pairwise
from pathlib import Path

import pytest
from vollib.black import black
from vollib.black.greeks.analytical import delta as black_delta

from signals.alvh.hedge import Hedges
from signals.alvh.report import MODEL, SETTLEMENT, HedgeSignal, LayerTarget
from signals.veqtor.signal import VeqtorSignals
from tests.signals.raw_market import Raw
from tests.signals.recorded_books import NOTIONAL, only

pytestmark = pytest.mark.server

#: Options on VXX began on this day.
FIRST_NOTES = dt.date(2010, 5, 28)
CRASH = dt.date(2018, 2, 5)
MULTIPLIERS = {"DORMANT": 0.25, "GUARDED": 0.5, "ACTIVE": 1.0, "EXPANDED": 1.5}


@pytest.fixture(scope="module")
def hedges(recorded_hedges: Hedges, recorded_signals: VeqtorSignals) -> Hedges:
    return only(recorded_hedges, recorded_signals, "other-instruments")


@pytest.fixture(scope="module")
def signals(hedges: Hedges) -> dict[dt.date, HedgeSignal]:
    """The signal of every session."""
    history = hedges.histories[0]
    return {day: hedges.on(day)[0] for day in history.market.dates[history.books.inception :]}


@pytest.fixture(scope="module")
def raw(data_dir: Path) -> Raw:
    return Raw(data_dir)


def layer(signal: HedgeSignal, name: str) -> LayerTarget:
    return next(found for found in signal.layers if found.layer == name)


def test_calls_on_vxx_are_targets_from_their_first_day_on_and_never_before(signals: dict[dt.date, HedgeSignal]) -> None:
    assert min(signals) == dt.date(2006, 3, 31)
    for day, signal in signals.items():
        anchor = layer(signal, "l3")
        if day < FIRST_NOTES:
            assert (anchor.held, anchor.target, anchor.fills, anchor.pnl_usd) == (None, None, (), 0.0)
            assert anchor.reason == "Nothing is listed with a price 180 or more days out: nothing bought."
    first = layer(signals[FIRST_NOTES], "l3")
    assert (first.action, first.held) == ("OPEN", None)
    assert first.target is not None
    # Nine months from the third Friday of June on; 210 days out is 24 December.
    assert first.target.expiry == dt.date(2010, 12, 17)
    targets = [day for day, signal in signals.items() if layer(signal, "l3").target is not None]
    closed = [day for day in signals if day >= FIRST_NOTES and day not in set(targets)]
    assert len(targets) > 3000
    # Without a target only where the anchor was closed for its collapsed premium.
    for day in closed:
        assert "premium" in layer(signals[day], "l3").reason, day


def test_a_value_is_contracts_times_price_times_what_a_point_is_worth(signals: dict[dt.date, HedgeSignal]) -> None:
    seen = 0
    for day, signal in signals.items():
        for name, dollars, instrument, basis in (
            ("l1", 1000.0, "future", SETTLEMENT), ("l3", 100.0, "vxx-call", MODEL),
        ):  # fmt: skip
            held = layer(signal, name).held
            if held is None or held.price is None:
                continue
            seen += 1
            assert (held.instrument, held.basis) == (instrument, basis), day
            assert held.value_usd == pytest.approx(held.contracts * held.price * dollars, rel=1e-12)
            assert held.delta_usd is not None
            if name == "l1":
                assert (held.delta_usd, held.gamma_usd) == (pytest.approx(held.contracts * 1000.0), 0.0)
            else:
                # A share of the 100 shares of each contract.
                assert 0.0 < held.delta_usd < held.contracts * 100.0
    assert seen > 7000


def test_what_was_paid_and_what_is_held_make_the_profit(signals: dict[dt.date, HedgeSignal]) -> None:
    paid = dict.fromkeys(("l1", "l2", "l3"), 0.0)
    for day, signal in signals.items():
        ledger, value = signal.ledger, 0.0
        assert ledger is not None
        for each in signal.layers:
            paid[each.layer] += math.fsum(fill.paid_usd for fill in each.fills)
            own = each.held.value_usd if each.held else 0.0
            assert own is not None
            value += own
            assert each.pnl_usd == pytest.approx(own - paid[each.layer], abs=0.005), day
            if each.held is not None:
                assert each.held.expiry > day
        assert ledger.cash_usd == pytest.approx(-sum(paid.values()), abs=0.005)
        assert ledger.mark_usd == pytest.approx(value, abs=0.005)
        assert ledger.pnl_usd == pytest.approx(ledger.cash_usd + ledger.mark_usd, abs=0.005)


@pytest.mark.parametrize("day", ["2014-06-02", "2017-06-01", "2020-03-16", "2024-08-05"])
def test_a_future_is_marked_at_its_settlement(raw: Raw, signals: dict[dt.date, HedgeSignal], day: str) -> None:
    session = dt.date.fromisoformat(day)
    engine = layer(signals[session], "l1")
    held = engine.held
    assert held is not None
    assert engine.opened is not None
    assert held.price == raw.settlement(held.expiry, session)
    # Decided the session before, 1% of the notional times the state as if paid in full; 0.02 points above its mark.
    decided = raw.sessions_until(engine.opened, 2)[0]
    listed = [each for each in raw.monthlies if each > engine.opened]
    assert held.expiry == min(listed, key=lambda each: abs((each - decided).days - 30))
    size = 0.01 * MULTIPLIERS[layer(signals[decided], "l1").state]
    assert held.contracts == pytest.approx(
        size * NOTIONAL / (1000 * (raw.settlement(held.expiry, decided) + 0.02)), rel=1e-9
    )
    cost = held.contracts * 1000 * (raw.settlement(held.expiry, engine.opened) + 0.02)
    assert engine.cost_usd == pytest.approx(cost, rel=1e-9)
    # Published or not, a future is settled in full at the end of its life: it was never sold.
    assert {fill.action for signal in signals.values() for fill in layer(signal, "l1").fills} == {"BUY", "EXPIRY"}


def volatility_of_vxx(raw: Raw, day: dt.date, forward: float, strike: float, days: int) -> float:
    """At thirty days of maturity whatever the tenor, as the note holds it, with the slope of VIX options."""
    vol_of_vol = raw.vvix[day] if days <= 30 else 90 * (raw.vvix[day] / 90) ** math.sqrt(30 / days)
    middle = 0.87 * math.sqrt(1 - 2 * 0.142) * vol_of_vol / 100
    far = math.log(strike / forward) / (middle * math.sqrt(days / 365))
    return middle * max(1 + 0.339 * min(max(far, -2), 8), 0.4)


@pytest.mark.parametrize("day", ["2010-06-01", "2017-06-01", "2018-02-05", "2020-03-16", "2024-08-05"])
def test_a_call_on_vxx_is_priced_in_per_cent_of_its_close(
    raw: Raw, signals: dict[dt.date, HedgeSignal], day: str
) -> None:
    session = dt.date.fromisoformat(day)
    held = layer(signals[session], "l3").held
    assert held is not None
    (leg,) = held.legs
    assert leg.strike is not None
    years, rate = held.days / 365, raw.rate(session)
    forward = 100 * math.exp(rate * years)
    assert held.forward == pytest.approx(forward, rel=1e-9)
    sigma = volatility_of_vxx(raw, session, forward, leg.strike, held.days)
    assert held.price == pytest.approx(black("c", forward, leg.strike, years, rate, sigma), rel=1e-7)


def test_the_strike_of_a_call_on_vxx_stays_where_it_is_while_the_note_moves(
    raw: Raw, signals: dict[dt.date, HedgeSignal]
) -> None:
    opened = layer(signals[CRASH], "l3").opened
    assert opened is not None
    sessions = [day for day in signals if opened <= day <= CRASH]
    for before, after in pairwise(sessions):
        old, new = (layer(signals[day], "l3").held for day in (before, after))
        assert old is not None
        assert new is not None
        assert old.legs[0].strike is not None
        assert new.legs[0].strike is not None
        # Total return: the futures and the interest on what secures them.
        grown = (1 + raw.short_term_return(before, after)) + math.expm1(raw.bill(before) * (after - before).days / 365)
        assert old.legs[0].strike / new.legs[0].strike == pytest.approx(grown, rel=1e-5)
        # Contracts are for a note at 100 USD: fewer of them as it rises.
        assert new.contracts / old.contracts == pytest.approx(grown, rel=1e-5)


@pytest.mark.parametrize("day", ["2010-06-01", "2018-02-05", "2024-08-05"])
def test_the_call_on_vxx_that_is_bought_has_a_delta_of_thirty(
    raw: Raw, signals: dict[dt.date, HedgeSignal], day: str
) -> None:
    opened = layer(signals[dt.date.fromisoformat(day)], "l3").opened
    assert opened is not None
    decided = raw.sessions_until(opened, 2)[0]
    order = layer(signals[decided], "l3")
    target = order.target
    assert target is not None
    (leg,) = target.legs
    assert leg.strike is not None
    years, rate = target.days / 365, raw.rate(decided)
    forward = 100 * math.exp(rate * years)

    def delta(strike: float) -> float:
        sigma = volatility_of_vxx(raw, decided, forward, strike, target.days)
        return float(black_delta("c", forward, strike, years, rate, sigma))

    listed = [20.0 + 2.5 * step for step in range(392)]
    assert leg.strike == pytest.approx(min(listed, key=lambda strike: abs(delta(strike) - 0.30)), rel=1e-12)
    # Half a spread of 6% above the model.
    price = black(
        "c", forward, leg.strike, years, rate, volatility_of_vxx(raw, decided, forward, leg.strike, target.days)
    )
    size = 0.004 * MULTIPLIERS[order.state]
    assert order.size == pytest.approx(size, rel=1e-12)
    assert target.contracts == pytest.approx(size * NOTIONAL / (1.06 * price * 100), rel=1e-7)
