"""The strategies of a study over the recorded history: against the indices, and against other ways to compute them."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest

from signals.alvh.book import EXPIRY
from signals.alvh.contracts import Legs
from signals.alvh.hedge import Hedges, hedges_of, vxth_index
from signals.alvh.ruleset_files import shipped_rule_set
from signals.calendar import trading_calendar
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.study.hedged import hedge_line, hedge_track
from signals.study.result import Failure
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.strategies import study_tracks
from signals.study.tracks import Tracks
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from signals.vix_futures import MID_TERM, SHORT_TERM, Floats, RollPattern, roll_left
from tests.signals.test_variants import without_settlement

pytestmark = pytest.mark.server

COSTS = TradingCosts()
NOTIONAL = 1_000_000.0
NAMES = [
    "sp500", "veqtor", "veqtor-no-stop", "veqtor-mid-term", "veqtor-overlay", "fixed-2.5", "fixed-5", "fixed-10",
    "sp500+alvh-442", "vxth",
]  # fmt: skip


@pytest.fixture(scope="module")
def hedges(recorded_signals: VeqtorSignals) -> Hedges:
    return hedges_of(recorded_signals, [shipped_rule_set("alvh-442"), shipped_rule_set("vxth")], NOTIONAL)


@pytest.fixture(scope="module")
def tracks(recorded_signals: VeqtorSignals, hedges: Hedges) -> Tracks:
    found, failures = study_tracks(recorded_signals, hedges, COSTS)
    assert failures == ()
    return found


def row(tracks: Tracks, day: str) -> int:
    return int(np.searchsorted(tracks.sessions, np.datetime64(day)))


def test_every_strategy_is_there_without_a_hole(tracks: Tracks) -> None:
    assert [track.name for track in tracks] == NAMES
    assert str(tracks.sessions[0]) == "2005-12-20"
    for track in tracks:
        hedged = track.hedge_flow is not None
        assert str(tracks.sessions[track.first]) == ("2006-03-31" if hedged else "2005-12-20")
        rows = slice(track.first + 1, None)
        np.testing.assert_allclose(
            track.returns[rows], (1.0 + track.gross[rows]) * (1.0 - track.cost[rows]) - 1.0, rtol=0, atol=1e-15
        )
        assert np.isfinite(track.returns[rows]).all()
        assert (track.cost >= 0.0).all()
        assert (track.turnover >= 0.0).all()
    assert np.array_equal(tracks["sp500"].returns, tracks["sp500"].gross, equal_nan=True)


def test_before_costs_the_indices_are_the_published_ones(tracks: Tracks, recorded_signals: VeqtorSignals) -> None:
    signals, base = recorded_signals, recorded_signals.veqtor.base
    levels = replace(tracks["veqtor"], returns=tracks["veqtor"].gross).levels()
    np.testing.assert_allclose(levels * 100_000.0, signals.veqtor.total_return[base:], rtol=1e-12)
    mid_term = signals.variants["veqtor-mid-term"].total_return_change[base + 1 :]
    assert np.array_equal(tracks["veqtor-mid-term"].gross[1:], mid_term)
    free = study_tracks(signals, Hedges((), NOTIONAL, None), COSTS.scaled(0.0))[0]  # type: ignore[arg-type]
    assert np.array_equal(free["veqtor"].returns[1:], tracks["veqtor"].gross[1:])


def test_without_its_stop_veqtor_is_the_fold_of_such_rules(tracks: Tracks, recorded_signals: VeqtorSignals) -> None:
    rules = replace(VEQTOR, name="veqtor-no-stop", stop_loss=-math.inf)
    folded = veqtor_signals(recorded_signals.inputs, rules).veqtor
    assert not folded.in_cash.any()
    assert np.array_equal(tracks["veqtor-no-stop"].gross[1:], folded.total_return_change[folded.base + 1 :])


def test_a_constant_weight_and_the_overlay_by_hand(tracks: Tracks, recorded_signals: VeqtorSignals) -> None:
    equity, volatility = tracks["sp500"].returns, recorded_signals.short_term.total_return_change
    for weight, name in ((0.025, "fixed-2.5"), (0.05, "fixed-5"), (0.1, "fixed-10")):
        np.testing.assert_allclose(tracks[name].gross, equity + weight * (volatility - equity), rtol=0, atol=1e-15)
    # But for what cash earns beside the futures, a holder of the overlay has VEQTOR.
    apart = tracks["veqtor-overlay"].gross - tracks["veqtor"].gross
    assert 0.0 < np.nanmax(np.abs(apart)) < 0.0001


class Account:
    """A million US dollars in equity and VX contracts by their expiry, traded at each close to weights."""

    def __init__(self, signals: VeqtorSignals, pattern: RollPattern, weights: Floats) -> None:
        self.signals, self.weights, self.base = signals, weights, signals.veqtor.base
        self.panel = signals.inputs.panel(self.base)
        self.left = roll_left(self.panel.sessions, signals.inputs.calendar)
        self.pattern = pattern

    def wanted(self, at: int, value: float) -> tuple[float, dict[dt.date, float]]:
        """Dollars of equity and contracts after a close."""
        equity, volatility = self.weights[self.base + at]
        left = float(self.left[at])
        basket = {}
        for slot in range(self.pattern.first_slot, self.pattern.last_slot + 1):
            outer = {self.pattern.first_slot: left, self.pattern.last_slot: 1.0 - left}
            basket[self.panel.expiry(at, slot)] = outer.get(slot, 1.0)
        worth = sum(count * self.price(at, expiry) for expiry, count in basket.items() if count)
        scale = volatility * value / (worth * 1000.0)
        return equity * value, {expiry: scale * count for expiry, count in basket.items()}

    def price(self, at: int, expiry: dt.date) -> float:
        slot = int(np.searchsorted(self.panel.expiries, np.datetime64(expiry))) - int(self.panel.front[at])
        return float(self.panel.settle[at, slot])

    def trade(self, at: int, growth: float, equity_change: float) -> tuple[float, float]:
        """Costs and turnover of the close in a row, shares of the value before."""
        stocks, contracts = self.wanted(at - 1, NOTIONAL)
        value = NOTIONAL * (1.0 + growth)
        stocks *= 1.0 + equity_change
        after, needed = self.wanted(at, value)
        cost, traded = abs(after - stocks) * COSTS.equity, abs(after - stocks)
        today = self.panel.sessions[at].item()
        for expiry in {*contracts, *needed}:
            if expiry > today and (count := abs(needed.get(expiry, 0.0) - contracts.get(expiry, 0.0))):
                cost += count * 1000.0 * COSTS.vx_points
                traded += count * 1000.0 * self.price(at, expiry)
        return cost / value, traded / 2.0 / value


@pytest.mark.parametrize(
    ("name", "pattern", "days"),
    [
        ("veqtor", SHORT_TERM, ("2008-09-01", "2008-12-31")),
        ("veqtor", SHORT_TERM, ("2020-02-19", "2020-06-30")),
        ("veqtor-mid-term", MID_TERM, ("2020-02-19", "2020-06-30")),
    ],
)
def test_costs_are_those_of_an_account_in_dollars(
    tracks: Tracks, recorded_signals: VeqtorSignals, name: str, pattern: RollPattern, days: tuple[str, str]
) -> None:
    histories = {"veqtor": recorded_signals.veqtor, **recorded_signals.variants}
    account = Account(recorded_signals, pattern, histories[name].weights(1)[:, :2])
    found = tracks[name]
    for at in range(row(tracks, days[0]), row(tracks, days[1])):
        cost, turnover = account.trade(at, float(found.gross[at]), float(tracks["sp500"].returns[at]))
        assert found.cost[at] == pytest.approx(cost, rel=1e-9, abs=1e-15), tracks.sessions[at]
        assert found.turnover[at] == pytest.approx(turnover, rel=1e-9, abs=1e-12), tracks.sessions[at]


def test_a_hedge_is_paid_by_an_account_in_dollars(
    tracks: Tracks, hedges: Hedges, recorded_signals: VeqtorSignals
) -> None:
    history, base = hedges.histories[0], recorded_signals.veqtor.base
    equity, market, free = recorded_signals.inputs.equity.change, history.market, replace(COSTS, equity=0.0)
    track, twice = (hedge_track(history, equity, base, costs) for costs in (free, replace(free, vix_option=2.0)))

    def worth(at: int, legs: Legs) -> float:
        return market.quote(at, legs, history.rules.costs).mark * 100.0

    value, resized, looked_at = 250_000.0, 0.0, 0
    for at in range(row(tracks, "2020-01-03") + base, row(tracks, "2020-12-31") + base):
        before, book, start = history.books.at(at - 1), history.books.at(at), value
        options = {
            layer.position.legs: layer.position.packages * value / NOTIONAL for layer in before.layers if layer.position
        }
        money = (value - math.fsum(count * worth(at - 1, legs) for legs, count in options.items())) * (1 + equity[at])
        for fill in (fill for layer in book.layers for fill in layer.fills):
            count = fill.packages * start / NOTIONAL
            money += count * fill.price * 100.0 * (-1.0 if fill.side == "BUY" else 1.0)
            options[fill.legs] = options.get(fill.legs, 0.0) + (count if fill.side == "BUY" else -count)
            looked_at += 1
        held = {legs: count for legs, count in options.items() if abs(count) > 1e-9}
        value = money + math.fsum(count * worth(at, legs) for legs, count in held.items())
        # The book of the new value, at a half-spread of 6% of a price, and 0.02 points at least.
        wanted = {
            layer.position.legs: layer.position.packages * value / NOTIONAL for layer in book.layers if layer.position
        }
        assert wanted.keys() == held.keys()
        spread = math.fsum(abs(wanted[legs] - held[legs]) * max(0.06 * worth(at, legs), 2.0) for legs in wanted)
        value -= spread
        resized += spread / start
        assert track.returns[at - base] == pytest.approx(value / start - 1.0, abs=1e-12), tracks.sessions[at - base]
    assert looked_at > 30
    # In a year of crashes alone the resize took a good part of a per cent.
    assert 0.002 < resized < 0.02
    assert np.array_equal(track.gross, twice.gross, equal_nan=True)
    np.testing.assert_allclose(twice.cost, 2.0 * track.cost, rtol=0.01)
    # Equity pays for the options and takes up what they bring, besides.
    assert 0.0 < float((tracks["sp500+alvh-442"].cost - track.cost).sum()) < 0.002
    assert track.hedge_flow is not None
    assert track.hedge_mark is not None
    # Everything paid and received, with what is held at the end, is what was gained.
    whole = math.fsum(track.hedge_flow.tolist()) + track.hedge_mark[-1]
    assert whole == pytest.approx(history.books.books[-1].pnl / NOTIONAL, abs=1e-12)


def test_half_spreads_of_the_fills_are_6_percent_of_the_mark_of_a_call(hedges: Hedges) -> None:
    line, books = hedge_line(hedges.histories[0], hedges.histories[0].books.first), hedges.histories[0].books
    costs = books.rules.costs
    assert (costs.half_spread, costs.minimum_half_spread) == (0.06, 0.02)
    looked_at = 0
    for at, book in enumerate(books.books):
        fills = [fill for layer in book.layers for fill in layer.fills if fill.side != EXPIRY]
        if any(fill.price == 0.0 for fill in fills):
            # Given away: nothing tells what it was worth.
            continue
        looked_at += bool(fills)
        spread = 0.0
        for fill in fills:
            assert len(fill.legs.contracts) == 1
            away = 1.0 if fill.side == "BUY" else -1.0
            # A price of p is 1.06 or 0.94 times its mark, or 0.02 points from it where that is more.
            spread += max(fill.price * 0.06 / (1.0 + away * 0.06), 0.02) * fill.packages * 100.0
        assert line.spread[at] == pytest.approx(spread / NOTIONAL, rel=1e-9)
    assert looked_at > 200


def test_vxth_is_the_index_and_pays_what_others_pay(
    tracks: Tracks, hedges: Hedges, recorded_signals: VeqtorSignals
) -> None:
    index, track = vxth_index(recorded_signals), tracks["vxth"]
    levels = replace(track, returns=track.gross).levels()[track.first :]
    np.testing.assert_allclose(levels * 100.0, index.total_return[index.base :], rtol=1e-9)
    # The fills of its book have no spread: 6% of each price, 0.02 points at least, and equity to pay for them.
    bought = 0
    for at, book in enumerate(hedges.histories[1].books.books[1:], start=1):
        every = [fill for layer in book.layers for fill in layer.fills]
        fills = [fill for fill in every if fill.side != EXPIRY]
        spread = math.fsum(max(0.06 * fill.price, 0.02) * fill.packages * 100.0 for fill in fills)
        # What expired buys equity.
        paid = abs(math.fsum(fill.paid for fill in every))
        expected = (spread + paid * COSTS.equity) / book.base
        assert track.cost[track.first + at] == pytest.approx(expected, rel=1e-9, abs=1e-16), at
        bought += bool(fills)
    assert bought > 180
    assert "that of alvh-seed" in track.note


def test_statistics_of_the_recorded_index_are_those_of_another_package(tracks: Tracks) -> None:
    # empyrical-reloaded 0.7.1 on the same returns: annual_volatility, sharpe_ratio, sortino_ratio, max_drawdown,
    # tail_ratio.
    expected = {
        "volatility": 0.19582147700235406,
        "sharpe": 0.5369823315836985,
        "sortino": 0.7521923912718177,
        "max_drawdown": -0.5525024106682103,
        "tail_ratio": 0.9179179611381699,
        "total_return": 6.750915363751334,
    }
    found = measures(tracks, "sp500", row(tracks, "2006-03-31"), row(tracks, "2025-12-31"))
    assert {key: found[key].value for key in expected} == pytest.approx(expected, rel=1e-9)


def test_a_strategy_that_fails_leaves_the_others(recorded: MarketData, hedges: Hedges, tracks: Tracks) -> None:
    calendar, last = trading_calendar(), dt.date(2008, 8, 29)
    data = without_settlement(recorded, "2008-12-17", "2008-07-15")
    signals = veqtor_signals(resolve(market_history(data, calendar, last), calendar))
    history = hedges.histories[0]
    none = replace(history, books=replace(history.books, books=()))
    found, failures = study_tracks(signals, Hedges((none,), NOTIONAL, None), COSTS)  # type: ignore[arg-type]
    assert [track.name for track in found] == [name for name in NAMES[:8] if name != "veqtor-mid-term"]
    assert failures == (
        Failure(
            "track veqtor-mid-term",
            "VEQTOR Mid-Term on 2008-07-15: expected a settlement of every contract of vix-mid-term, got a hole. "
            "Load it, or ask for sessions before it.",
        ),
        Failure(
            "track sp500+alvh-442",
            "hedge alvh-442: expected two sessions or more from its inception on, got 0; its targets begin 2006-03-31. "
            "Ask for a longer range, or leave the hedge out.",
        ),
    )
    # What came before is as over the whole history.
    count = len(found.sessions)
    for track in found:
        assert np.array_equal(track.returns, tracks[track.name].returns[:count], equal_nan=True)
