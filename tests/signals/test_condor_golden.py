"""One condor by hand: other code prices it, and the account is added up line by line."""

from __future__ import annotations

import math

import numpy as np
import pytest
from vollib.black import black
from vollib.black.greeks.analytical import delta as black_delta

from signals.study.condor.book import account_of
from signals.study.condor.rules import CondorRules
from signals.study.condor.surface import SURFACE, swap_deviation
from signals.study.condor.trades import TARGET, TIME, condors
from signals.study.spec import TradingCosts
from tests.signals.condor_market import DIVIDEND, RATE, condor_market_of

pytestmark = pytest.mark.server

COSTS = TradingCosts(spx_option=0.03, spx_option_points=0.10)


def leg(flag: str, index: float, strike: float, days: int, vix: float) -> float:
    """Mid price by vollib, the surface written out anew."""
    years = days / 365.0
    forward = index * math.exp((RATE - DIVIDEND) * years)
    at_the_money = float(SURFACE.at_the_money(swap_deviation(vix, np.nan, days))) / math.sqrt(years)
    moneyness = math.log(strike / forward) / (at_the_money * math.sqrt(years))
    volatility = at_the_money * max(1.0 - 0.28 * max(moneyness, -6.0), 0.70)
    return float(black(flag, forward, strike, years, RATE, volatility))


def half_spread(price: float) -> float:
    return max(0.03 * price, 0.10)


@pytest.mark.parametrize(("calm_from", "ends", "why"), [(9, 10, TARGET), (99, 24, TIME)])
def test_one_condor_by_hand(calm_from: int, ends: int, why: str) -> None:
    # From Monday 2010-01-04; decided on Friday, filled on Monday. The VIX halves in row `calm_from`.
    rows = 26
    spx = 1500.0 + 4.0 * np.arange(rows)
    vix = np.where(np.arange(rows) >= calm_from, 10.0, 20.0)
    market = condor_market_of(spx, vix)
    account = account_of(market, CondorRules(), condors(market, CondorRules(), COSTS))
    trade = account.trades[0]
    assert (str(trade.decided), str(trade.filled), str(trade.expiry)) == ("2010-01-08", "2010-01-11", "2010-02-26")
    assert (str(trade.closed), trade.ending) == (str(market.sessions[ends]), why)

    # Strikes: listed ones next to the deltas, at the close of the decision, 49 days ahead.
    forward, years = spx[4] * math.exp((RATE - DIVIDEND) * 49 / 365.0), 49 / 365.0
    for strike, flag, target in zip(trade.strikes, "ppcc", (0.05, 0.16, 0.16, 0.05), strict=True):
        near = []
        for listed in (strike - 5.0, strike, strike + 5.0):
            middle = float(SURFACE.at_the_money(swap_deviation(20.0, np.nan, 49)))
            volatility = float(SURFACE.deviation(forward, listed, middle)) / math.sqrt(years)
            near.append(abs(abs(black_delta(flag, forward, listed, years, 0.0, volatility)) - target))
        assert near[1] == min(near)

    def prices(row: int, days: int) -> list[float]:
        return [leg(flag, spx[row], k, days, vix[row]) for k, flag in zip(trade.strikes, "ppcc", strict=True)]

    long_put, short_put, short_call, long_call = prices(5, 46)
    spread = sum(map(half_spread, (long_put, short_put, short_call, long_call)))
    credit = short_put + short_call - long_put - long_call - spread
    assert trade.credit == pytest.approx(credit, rel=1e-9)
    left = int((np.datetime64(trade.expiry) - market.sessions[ends]).astype(int))
    long_put, short_put, short_call, long_call = prices(ends, left)
    bids = sum(price - min(half_spread(price), price) for price in (long_put, long_call))
    offers = sum(price + half_spread(price) for price in (short_put, short_call))
    assert trade.paid == pytest.approx(offers - bids, rel=1e-9)

    # Size: 5% of the account over the wider wing less the credit of the decision; then it is cash and one condor.
    decided = prices(4, 49)
    first_credit = decided[1] + decided[2] - decided[0] - decided[3] - sum(map(half_spread, decided))
    strikes = trade.strikes
    at_risk = max(strikes[1] - strikes[0], strikes[3] - strikes[2]) - first_credit
    assert trade.at_risk == pytest.approx(at_risk, rel=1e-9)
    grown = np.prod(1.0 + market.cash[1:5])
    assert account.value[4] == pytest.approx(grown, rel=1e-14)
    size = 0.05 * grown / at_risk
    cash = grown * (1.0 + market.cash[5]) + size * credit
    marked = prices(5, 46)
    value = cash + size * (marked[0] - marked[1] - marked[2] + marked[3])
    assert account.value[5] == pytest.approx(value, rel=1e-9)
    assert account.cost[5] == pytest.approx(size * spread / (value + size * spread), rel=1e-9)
    # One session later no other condor is there yet.
    cash *= 1.0 + market.cash[6]
    marked = prices(6, 45)
    assert account.value[6] == pytest.approx(cash + size * (marked[0] - marked[1] - marked[2] + marked[3]), rel=1e-9)


def test_a_condor_that_is_held_expires_at_what_it_pays_and_pays_no_spread() -> None:
    rules = CondorRules(profit_target=0.0, exit_days=0)
    spx = np.where(np.arange(60) < 30, 1500.0, 1250.0)
    market = condor_market_of(spx, np.full(60, 20.0))
    trade = account_of(market, rules, condors(market, rules, COSTS)).trades[0]
    long_put, short_put = trade.strikes[:2]
    assert trade.closed == trade.expiry
    assert trade.ending == "expiry"
    assert trade.paid == pytest.approx(short_put - max(long_put, 1250.0), abs=1e-9)
