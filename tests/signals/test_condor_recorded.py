"""The condor programme on the recorded market: against Cboe's own condors, in crises, and from the signals of a day."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from signals.alvh.hedge import Hedges, hedges_of
from signals.alvh.ruleset_files import shipped_rule_set
from signals.calendar import Days
from signals.study.condor.book import account_of
from signals.study.condor.market import CondorMarket, condor_market
from signals.study.condor.programme import RULES, condor_tracks
from signals.study.condor.rules import CNDR
from signals.study.condor.surface import SKEWS, SURFACE
from signals.study.condor.trades import condors
from signals.study.spec import TradingCosts
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats

pytestmark = pytest.mark.server

COSTS = TradingCosts()

#: Cboe S&P 500 Iron Condor Index, closes: Cboe, CNDR_History.csv.
PUBLISHED = {
    "2007-12-31": 716.76,
    "2008-12-31": 688.17,
    "2009-12-31": 774.79,
    "2019-12-31": 720.17,
    "2020-12-31": 676.18,
    "2021-12-31": 683.65,
    "2026-07-29": 800.01,
}


@pytest.fixture(scope="module")
def hedges(recorded_signals: VeqtorSignals) -> Hedges:
    return hedges_of(recorded_signals, [shipped_rule_set("alvh-442"), shipped_rule_set("vxth")], 1e6)


@pytest.fixture(scope="module")
def market(recorded_signals: VeqtorSignals, hedges: Hedges) -> CondorMarket:
    return condor_market(recorded_signals, hedges)


def rows_of(sessions: Days) -> list[int]:
    found: list[int] = np.searchsorted(sessions, np.array(list(PUBLISHED), "datetime64[D]")).tolist()
    return found


def growth(market: CondorMarket, levels: Floats, first: int, last: int) -> float:
    years = float((market.sessions[last] - market.sessions[first]).astype(int)) / 365.25
    return float(levels[last] / levels[first]) ** (1.0 / years) - 1.0


def test_the_surface_gives_the_growth_of_cboes_own_condors(market: CondorMarket) -> None:
    rows = rows_of(market.sessions)
    published = np.full(len(market.sessions), np.nan)
    published[rows] = list(PUBLISHED.values())
    target = growth(market, published, rows[0], rows[-1])
    found = [account_of(market, CNDR, condors(market, CNDR, COSTS, SURFACE.skewed(skew))).value for skew in SKEWS]
    grown = [growth(market, levels, rows[0], rows[-1]) for levels in found]
    # 0.6% a year; the documented skew comes within a point, the ends of the sweep enclose it by far.
    assert target == pytest.approx(0.0059, abs=1e-4)
    assert grown[2] == pytest.approx(target, abs=0.01)
    assert grown == sorted(grown, reverse=True)
    assert grown[0] > 0.04
    assert grown[-1] < -0.01
    own, changes = (np.diff(np.log(levels[rows])) for levels in (published, found[2]))
    # Single years, 2008 and 2009 the furthest: the skew of a crisis is flatter than that of other years.
    assert np.abs(own - changes)[[0, 1, 3, 4]].max() < 0.07


def test_what_was_open_in_a_crisis_lost_what_it_could(market: CondorMarket) -> None:
    trades = account_of(market, RULES, condors(market, RULES, COSTS)).trades
    by_day = {str(trade.decided): trade for trade in trades}
    # Sold on the Tuesday before the fall of February 2020: the index went through both puts.
    crash = by_day["2020-02-14"]
    assert crash.strikes == (2955.0, 3180.0, 3505.0, 3565.0)
    assert (str(crash.closed), crash.ending) == ("2020-03-13", "time exit")
    assert crash.gained == pytest.approx(-0.049, abs=0.002)
    # Sold into the fear of 5 August 2024: half of a rich credit within the week.
    fear = by_day["2024-08-02"]
    assert (str(fear.closed), fear.ending) == ("2024-08-09", "profit target")
    assert min(trade.gained for trade in trades) > -0.06
    assert len(trades) > 1000


def test_every_session_and_every_input_is_there(
    market: CondorMarket, recorded_signals: VeqtorSignals, hedges: Hedges
) -> None:
    tracks = condor_tracks(market, RULES, COSTS)
    # A portfolio by itself stands beside nothing.
    assert [track.name for track in tracks] == ["condor", "condor+alvh-442"]
    assert np.isfinite(tracks[0].returns[1:]).all()
    books = hedges.histories[0].books
    first = books.first - recorded_signals.veqtor.base
    profit = np.diff([book.pnl for book in books.books]) / books.notional
    marks = np.array([book.mark for book in books.books[:-1]]) / books.notional
    expected = tracks[0].returns[first + 1 :] + profit - marks * market.cash[first + 1 :]
    # The rest is the half-spread of the daily resize: less than it would be to trade all of a tenth.
    short = expected - tracks[1].returns[first + 1 :]
    assert short.min() > -1e-14
    assert 0.0 < short.sum() * 252 / len(short) < 0.002
    assert market.sessions[0].item() == dt.date(2005, 12, 20)
    # What the S&P 500 paid: 1.2% to 3.5% a year in all these years.
    assert market.dividend.min() > 0.010
    assert market.dividend.max() < 0.036
    assert np.isnan(market.vix3m).sum() == np.count_nonzero(market.sessions < np.datetime64("2006-07-17"))
