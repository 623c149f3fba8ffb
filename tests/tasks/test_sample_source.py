from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from signals.calendar import TradingCalendar, trading_calendar
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.rates import CARRIED, PRIMARY
from signals.sample_market.model import DEFAULT_SEED, sample_market
from signals.sample_market.observations import market_data
from signals.total_return import ACCEPTED
from signals.veqtor.signal import VeqtorSignals, signal_report, veqtor_signals
from tasks.ingest import read_source
from tasks.sources.formats import CBOE_VX_CONTRACT, parse
from tasks.sources.payload import Payload
from tasks.sources.sample import SampleSource
from tests.conftest import NOW, now

pytestmark = pytest.mark.server

THROUGH = dt.date(2012, 12, 31)
BASE = dt.date(2005, 12, 20)


def source(through: dt.date = THROUGH, clock: Callable[[], dt.datetime] = now) -> SampleSource:
    return SampleSource(trading_calendar(), through, clock)


@pytest.fixture(scope="module")
def payloads() -> list[Payload]:
    return list(source().fetch().complete())


@pytest.fixture(scope="module")
def data() -> MarketData:
    return read_source(source())[0]


@pytest.fixture(scope="module")
def signals(data: MarketData) -> VeqtorSignals:
    return veqtor_signals(resolve(market_history(data, trading_calendar(), THROUGH), trading_calendar()))


def test_every_payload_is_accepted_and_nothing_in_it_is_later(data: MarketData) -> None:
    # `read_source` has parsed them all.
    assert max(found.days[-1] for found in data.values()) == np.datetime64(THROUGH)
    assert data.simulated


def test_payloads_say_where_they_come_from(payloads: list[Payload]) -> None:
    assert len({payload.locator for payload in payloads}) == len(payloads)
    locator = f"sample://seed-{DEFAULT_SEED}/cboe/futures/VX/VX_2010-03-17.csv"
    assert locator in {payload.locator for payload in payloads}
    assert {payload.fetched_at for payload in payloads} == {NOW}
    assert all(payload.assumed_availability for payload in payloads)


def test_what_is_read_is_the_market_itself(data: MarketData) -> None:
    drawn = market_data(sample_market(trading_calendar(), THROUGH))
    assert set(data) == set(drawn)
    for key, found in drawn.items():
        assert np.array_equal(data[key].days, found.days), key
        assert np.allclose(data[key].values, found.values, rtol=0.0, atol=1e-9), key


def test_contracts_before_march_2007_are_quoted_at_ten_times_the_index(payloads: list[Payload]) -> None:
    [contract] = [payload for payload in payloads if payload.subject == "VX_2007-04-18"]
    assert contract.format == CBOE_VX_CONTRACT
    rows = [line.split(",") for line in contract.body.decode().splitlines()[1:]]
    quoted = {row[0]: float(row[6]) for row in rows}
    assert 8.0 < quoted["2007-03-23"] / quoted["2007-03-26"] < 12.0
    [found] = parse(contract)
    assert found.values.max() / found.values.min() < 4.0


def test_a_shorter_market_is_the_beginning_of_a_longer_one() -> None:
    through = dt.date(2006, 3, 31)
    short = {payload.locator: payload for payload in source(through).fetch().complete()}
    long = {payload.locator: payload for payload in source(through + dt.timedelta(days=90)).fetch().complete()}
    assert short.keys() < long.keys()
    assert all(long[locator].body.startswith(payload.body) for locator, payload in short.items())


def test_every_session_has_a_signal_from_sound_inputs(signals: VeqtorSignals, calendar: TradingCalendar) -> None:
    inputs = signals.inputs
    inputs.require(THROUGH)
    assert signals.levels_since == BASE
    assert set(inputs.equity.origin.tolist()) == {ACCEPTED}
    assert set(inputs.overnight.origin.tolist()) == {PRIMARY}
    assert set(inputs.tbill.origin[inputs.base :].tolist()) <= {PRIMARY, CARRIED}
    assert np.isfinite(signals.veqtor.total_return[inputs.base :]).all()
    assert signals.mid_term.unusable_from == len(signals.mid_term.sessions)


def test_reports_are_sound_and_say_that_they_are_simulated(signals: VeqtorSignals, calendar: TradingCalendar) -> None:
    # The bond holidays, the days around an expiry and the ends; then one session in forty.
    sessions = calendar.sessions_in(BASE, THROUGH)
    chosen = ["2005-12-20", "2006-01-18", "2008-02-19", "2010-10-11", "2010-11-11", "2012-10-31"]
    for session in [*map(dt.date.fromisoformat, chosen), *sessions[::40].tolist(), THROUGH]:
        report = signal_report(signals, session, 1e6)
        assert report.health in ("OK", "NOTE"), session
        assert report.simulated
