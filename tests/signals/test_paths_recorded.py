"""Simulated markets against the recorded history and the code that daily signals come from."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from signals.alvh.hedge import option_market
from signals.alvh.hedge_inputs import indicator_inputs
from signals.alvh.listings import OptionListings
from signals.alvh.ruleset_files import shipped_rule_set
from signals.calendar import TradingCalendar
from signals.inputs import resolve
from signals.market import MarketData, Observations, market_history
from signals.rates import PRIMARY, overnight_spread
from signals.sample_market.facts import FACTS, MarketSeries
from signals.series import (
    CBOE,
    DFF,
    DTB3,
    EXCHANGE,
    FRED,
    NYSE_ADVANCES,
    NYSE_DECLINES,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    VIX3M,
    VVIX,
    YAHOO,
    vx_series,
)
from signals.study.paths.chunks import hedged_chunk, index_chunk
from signals.study.paths.hedged import HedgedMarkets
from signals.study.paths.indices import path_indices
from signals.study.paths.market import draw_markets
from signals.study.paths.sessions import path_sessions
from signals.study.paths.summary import recorded_fit
from signals.study.paths.veqtor import short_term_index, table_weights, with_stop_loss
from signals.study.spec import StudySpec
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from signals.vix_futures import SLOTS, Floats

pytestmark = pytest.mark.server

SPEC = StudySpec(dt.date(2006, 1, 3), dt.date(2026, 7, 29), seed=4, path_years=2)


def one(values: Floats) -> Floats:
    return values[:, np.newaxis]


def test_veqtor_over_the_recorded_history_to_the_bit(recorded_signals: VeqtorSignals) -> None:
    """Twice the history side by side: the index and the strategy are those of the daily signals."""
    signals, base = recorded_signals, recorded_signals.veqtor.base
    rows = slice(base, signals.inputs.usable)
    panel = signals.inputs.panel(base)
    settle = np.repeat(panel.settle[:, :2, np.newaxis], 2, axis=2)
    reference = signals.short_term
    bill_return = one((reference.total_return_change - reference.excess_return_change)[1:])
    index = short_term_index(settle[:, 0], settle[:, 1], reference.contracts, panel.front, bill_return)
    assert np.array_equal(index.change[1:, 1], reference.excess_return_change[1:])
    spx, vix = signals.inputs.history.spx_yahoo[: rows.stop], signals.inputs.vix[: rows.stop]
    decided = table_weights(one(spx), one(vix), VEQTOR)
    veqtor = signals.veqtor
    assert np.array_equal(decided[base - 1 :, 0], veqtor.table_weight[base - 1 :])
    found = with_stop_loss(
        decided,
        one(signals.inputs.equity.change[rows]),
        one(reference.total_return_change),
        one(veqtor.accrual[rows]),
        base,
        VEQTOR,
    )
    assert np.array_equal(found.gross[1:, 0], veqtor.total_return_change[base + 1 :])
    levels = np.multiply.accumulate(np.concatenate([[100_000.0], 1.0 + found.gross[1:, 0]]))
    assert np.array_equal(levels, veqtor.total_return[base:])
    assert found.stopped is not None
    assert np.array_equal(found.stopped[1:, 0], veqtor.stop_loss[base:-1])
    assert found.stopped.sum() > 200


def observed(hedged: HedgedMarkets, market: int) -> MarketData:
    """A simulated market as its publishers would have told of it."""
    markets, sessions = hedged.markets, hedged.markets.sessions
    days = sessions.sessions
    advances = (3000.0 + hedged.breadth[:, market]) / 2.0
    bonds = np.unique(sessions.bill_row)
    # The assumed spread is added to the funds rate again.
    funds = 100.0 * (markets.overnight[:, market] - overnight_spread(days))
    spx, total = markets.spx[:, market], markets.spx_total_return[:, market]

    def item(series: str, publisher: str, values: Floats, own: np.ndarray = days) -> Observations:
        return Observations(series, publisher, own, values, np.zeros(len(own), dtype=np.int64))

    found = [item(SPX, who, spx) for who in (YAHOO, CBOE)]
    found += [item(VIX, who, markets.vix[:, market]) for who in (YAHOO, CBOE)]
    found += [item(SPXTR, YAHOO, total), item(SPY_ADJUSTED, YAHOO, total / 10.0), item(DFF, FRED, funds)]
    found += [item(VIX3M, CBOE, hedged.vix3m[:, market]), item(VVIX, CBOE, hedged.vvix[:, market])]
    found += [item(NYSE_ADVANCES, EXCHANGE, advances), item(NYSE_DECLINES, EXCHANGE, 3000.0 - advances)]
    found.append(item(DTB3, FRED, 100.0 * markets.bill[bonds, market], days[bonds]))
    expiries = sessions.calendar.vx_expiries
    for contract in range(int(sessions.front[0]), int(sessions.front[-1]) + SLOTS):
        rows = np.flatnonzero((sessions.front <= contract) & (contract < sessions.front + SLOTS))
        values = hedged.settle[contract - sessions.front[rows], rows, market]
        final = np.flatnonzero(days == expiries[contract])
        found.append(
            item(
                vx_series(expiries[contract].item()),
                CBOE,
                np.concatenate([values, markets.vix[final, market]]),
                np.concatenate([days[rows], days[final]]),
            )
        )
    return MarketData(found, simulated=True)


def test_a_simulated_market_through_the_code_of_daily_signals(calendar: TradingCalendar) -> None:
    """Read as published data, it gives the same indices, indicators' inputs, option market and decisions."""
    hedged = HedgedMarkets(draw_markets(SPEC.seed, [3], path_sessions(2), breadth=True))
    sessions = hedged.markets.sessions
    last = sessions.sessions[-1].item()
    history = market_history(observed(hedged, 0), calendar, last)
    signals = veqtor_signals(resolve(history, calendar))
    before = len(signals.inputs.sessions) - len(sessions)
    assert np.array_equal(signals.inputs.sessions[before:], sessions.sessions)
    first = signals.veqtor.base - before
    assert 30 < first < sessions.base
    inputs, own = indicator_inputs(signals), hedged.indicator_inputs(0)
    for name in ("vix", "vix3m", "vvix", "spx", "equity_return", "advance_decline", "tbill"):
        theirs, ours = getattr(inputs, name)[before + first :], getattr(own, name)[first:]
        assert np.allclose(theirs, ours, rtol=0.0, atol=1e-12), name
    assert np.allclose(inputs.short_term_return[before + first + 1 :], own.short_term_return[first + 1 :], atol=1e-12)
    assert np.array_equal(inputs.panel.settle[before:], own.panel.settle)
    market, ours = option_market(signals, inputs), hedged.option_market(own, 0)
    assert np.allclose(market.rate[before + 10 :], ours.rate[10:], rtol=0.0, atol=1e-12)
    assert np.array_equal(market.vvix.values[before:], ours.vvix.values)
    expiry = calendar.vx_expiries[sessions.front[100]].item()
    assert market.final_settlement(expiry) == ours.final_settlement(expiry)
    # A weekly settles as a monthly does: at the VIX of the day, which stands for that of its morning.
    weeks = OptionListings(calendar).weeks
    weekly = next(day for day in weeks[weeks >= sessions.sessions[300]].tolist() if day not in calendar.vx_expiries)
    row = int(np.searchsorted(sessions.sessions, np.datetime64(weekly)))
    assert ours.final_settlement(weekly) == (hedged.markets.vix[row, 0], PRIMARY)
    veqtor = path_indices(hedged.markets).veqtor()
    theirs = signals.veqtor.total_return_change[before + sessions.base + 1 :]
    assert np.allclose(theirs, veqtor.gross[1:, 0], rtol=0.0, atol=1e-12)


def test_hedges_and_condors_of_a_chunk() -> None:
    rule_sets = [shipped_rule_set("alvh-seed"), shipped_rule_set("vxth")]
    found = hedged_chunk(SPEC, rule_sets, 0, 2)
    assert list(found) == ["sp500", "sp500+alvh-seed", "vxth", "condor", "condor+alvh-seed"]
    assert hedged_chunk(SPEC, rule_sets, 0, 1) == {
        name: {key: values[:1] for key, values in own.items()} for name, own in found.items()
    }
    # The same markets as those of the indices, by both ways of adding up.
    indices = index_chunk(SPEC, 0, 2)
    for key, values in found["sp500"].items():
        assert np.allclose(values, indices["sp500"][key], rtol=1e-9, atol=0.0), key
    assert set(found["sp500+alvh-seed"]) > {"drag", "drawdown_reduction", "sharpe_gain", "hedge_profit", "hedge_month"}
    by_skew = [found["condor+alvh-seed"][f"drawdown_reduction{skew}"] for skew in ("@0.7", "", "@1.3")]
    assert len({tuple(values) for values in by_skew}) == 3
    # A hedge that costs half as much to trade is worth more.
    cheap = dataclasses.replace(rule_sets[0], costs=dataclasses.replace(rule_sets[0].costs, half_spread=0.0))
    better = hedged_chunk(SPEC, [cheap], 0, 1)["sp500+alvh-seed"]["growth"][0]
    assert better > found["sp500+alvh-seed"]["growth"][0]


def test_books_on_a_path_do_not_look_ahead() -> None:
    """A market whose later closes are others has the same books before them."""
    rules = [shipped_rule_set("alvh-442")]
    markets = draw_markets(SPEC.seed, [1], path_sessions(1), breadth=True)
    cut = 400
    changed = dataclasses.replace(markets, vix=markets.vix.copy(), spx=markets.spx.copy())
    changed.vix[cut:] *= 1.5
    changed.spx[cut:] *= 0.8
    before, after = (HedgedMarkets(each).histories(0, rules)[0].books for each in (markets, changed))
    assert before.books[: cut - before.first] == after.books[: cut - before.first]


def test_recorded_moments_are_the_facts_of_the_sample_market(recorded_signals: VeqtorSignals) -> None:
    """Where both measure the same over the same sessions, they agree."""
    nothing = np.full(len(recorded_signals.inputs.sessions), np.nan)
    series = MarketSeries(recorded_signals, nothing, nothing, nothing, nothing)
    same = ("vx_contango", "vx_slope12", "st_volatility", "stop_days", "st_return", "vix_max")
    facts = {fact.key: fact.measure(series) for fact in FACTS if fact.key in same}
    moments = recorded_fit(recorded_signals)
    assert moments["vx_contango"] == pytest.approx(facts["vx_contango"] / 100.0)
    assert moments["vx_slope"] == pytest.approx(facts["vx_slope12"])
    assert moments["st_volatility"] == pytest.approx(facts["st_volatility"] / 100.0)
    assert moments["stop_days"] == pytest.approx(facts["stop_days"], rel=1e-3)
    assert moments["st_return"] == pytest.approx(facts["st_return"] / 100.0, abs=0.002)
    assert moments["vix_max"] == facts["vix_max"] == 82.69
