"""What the hedge is measured from: out of the history of VEQTOR, row by row; and the macro panel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import fields, replace

import numpy as np
import pytest

from signals.alvh.hedge_inputs import indicator_inputs, open_stand_ins
from signals.alvh.indicators import indicator_table
from signals.alvh.macro import macro_panel
from signals.alvh.report import Reading
from signals.alvh.ruleset_files import shipped_rule_set
from signals.calendar import Days, TradingCalendar
from signals.inputs import resolve
from signals.market import MarketData, Observations, market_history
from signals.series import (
    CBOE,
    EQUITY_PE,
    EXCHANGE,
    FRED,
    GDPC1,
    NYSE_ADVANCES,
    NYSE_DECLINES,
    OWN_FILE,
    RBUSBIS,
    REIT_FUND,
    SECTOR_FUNDS,
    SPY_CLOSE,
    SPY_VOLUME,
    VIX3M,
    VIX_HIGH,
    VIX_LOW,
    VIX_OPEN,
    VVIX,
    YAHOO,
    fund_return,
)
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from signals.vix_futures import Floats

server = pytest.mark.server

RULES = shipped_rule_set("alvh-seed").indicators
D = dt.date.fromisoformat

#: What the hedge reads and VEQTOR does not.
OPTIONAL = (
    *((name, CBOE) for name in (VIX_OPEN, VIX_HIGH, VIX_LOW, VIX3M, VVIX)),
    *((name, YAHOO) for name in (SPY_CLOSE, SPY_VOLUME, *map(fund_return, (*SECTOR_FUNDS, REIT_FUND)))),
    *((name, EXCHANGE) for name in (NYSE_ADVANCES, NYSE_DECLINES)),
    *((name, FRED) for name in (RBUSBIS, GDPC1)),
    (EQUITY_PE, OWN_FILE),
)


def observed(series: str, publisher: str, days: Iterable[object], values: Iterable[float]) -> Observations:
    found = np.array(list(days), dtype="datetime64[D]")
    return Observations(series, publisher, found, np.array(list(values), dtype=float), np.zeros(len(found), np.int64))


def with_series(signals: VeqtorSignals, *added: Observations) -> VeqtorSignals:
    """The same signals from data that also have other series; none of what VEQTOR reads."""
    assert {(each.series, each.publisher) for each in added} <= set(OPTIONAL)
    history = signals.inputs.history
    kept = [found for key, found in history.data.items() if key not in OPTIONAL]
    data = MarketData([*kept, *added])
    return replace(signals, inputs=replace(signals.inputs, history=replace(history, data=data)))


def sessions_of(signals: VeqtorSignals) -> Days:
    return signals.inputs.sessions[: signals.inputs.usable]


def funds(signals: VeqtorSignals, names: Iterable[str], seed: int = 1) -> list[Observations]:
    days, random = sessions_of(signals), np.random.default_rng(seed)
    return [observed(fund_return(name), YAHOO, days, random.normal(0, 0.01, len(days)).round(5)) for name in names]


def returns(found: Iterable[Observations]) -> np.ndarray:
    return np.array([each.values for each in found])


# The inputs of the indicators.


def test_rows_are_the_usable_sessions_and_a_series_that_is_not_there_is_without_values(
    made_up_signals: VeqtorSignals,
) -> None:
    signals = with_series(made_up_signals)
    found = indicator_inputs(signals)
    count = len(sessions_of(signals))
    assert found.sessions.tolist() == sessions_of(signals).tolist()
    for item in fields(found):
        value = getattr(found, item.name)
        assert not isinstance(value, np.ndarray) or len(value) == count, item.name
    for name in ("vix3m", "vvix", "spy_dollar_volume", "advance_decline", "basket"):
        assert np.isnan(getattr(found, name)).all(), name
    assert len(found.reer[0]) == 0
    assert np.isnan(open_stand_ins(signals)).all()
    states = {reading.name: reading.state for reading in indicator_table(found, RULES).readings(count - 1)}
    unavailable = {name for name, state in states.items() if state == "unavailable"}
    unavailable -= {"capm_premium", "capm_beta", "capm_r2"}  # which take a year from the base session on
    assert unavailable == {"breadth_macd", "curve_inversion", "reer_shift", "liquidity_quick_ratio", "vvix"}


def test_a_session_that_is_not_usable_has_no_row(made_up: MarketData, calendar: TradingCalendar) -> None:
    # The settlements of the last three sessions are not out yet.
    kept = [
        found if not series.startswith("VX.") else replace(found, **_before(found, "2006-06-28"))
        for (series, _), found in made_up.items()
    ]
    history = market_history(MarketData(kept), calendar, D("2006-06-30"))
    signals = veqtor_signals(resolve(history, calendar))
    found = indicator_inputs(signals)
    assert found.sessions[-1] == np.datetime64("2006-06-27")
    assert len(found.panel.sessions) == len(found.vix) == len(found.short_term_return) == len(found.sessions)
    assert len(history.sessions) == len(found.sessions) + 3


def _before(found: Observations, day: str) -> dict[str, np.ndarray]:
    rows = found.days < np.datetime64(day)
    return {"days": found.days[rows], "values": found.values[rows], "payloads": found.payloads[rows]}


def test_returns_of_the_day_stand_in_the_row_of_the_day(made_up_signals: VeqtorSignals) -> None:
    days = sessions_of(made_up_signals)
    signals = with_series(
        made_up_signals,
        observed(SPY_CLOSE, YAHOO, days[1:], np.full(len(days) - 1, 120.0)),
        observed(SPY_VOLUME, YAHOO, days[:-1], np.full(len(days) - 1, 5e7)),
    )
    found = indicator_inputs(signals)
    adjusted = signals.inputs.history.spy_adjusted
    assert np.isnan(found.spy_return[0])
    assert found.spy_return[-1] == adjusted[len(days) - 1] / adjusted[len(days) - 2] - 1.0
    # A day needs both its close and its volume.
    np.testing.assert_array_equal(np.isfinite(found.spy_dollar_volume), [False, *[True] * (len(days) - 2), False])
    assert found.spy_dollar_volume[1] == 6e9
    base = signals.veqtor.base
    assert np.isnan(found.short_term_return[: base + 1]).all()
    np.testing.assert_array_equal(found.short_term_return[base:], signals.short_term.excess_return_change)


def test_advances_less_declines_need_both_and_somebody_who_counted(made_up_signals: VeqtorSignals) -> None:
    days = sessions_of(made_up_signals)[-4:]
    signals = with_series(
        made_up_signals,
        observed(NYSE_ADVANCES, EXCHANGE, days, [1900, 0, 0, 700]),
        observed(NYSE_DECLINES, EXCHANGE, days[:3], [1100, 3000, 0]),
    )
    np.testing.assert_array_equal(indicator_inputs(signals).advance_decline[-4:], [800, -3000, np.nan, np.nan])


def test_the_basket_is_rising_less_falling_funds_and_needs_nine(made_up_signals: VeqtorSignals) -> None:
    there = funds(made_up_signals, SECTOR_FUNDS)
    whole = indicator_inputs(with_series(made_up_signals, *there))
    values = returns(there)
    np.testing.assert_array_equal(whole.basket, (values > 0).sum(axis=0) - (values < 0).sum(axis=0))
    assert set(whole.basket_size.tolist()) == {11}
    for count, enough in ((9, True), (8, False)):
        found = indicator_inputs(with_series(made_up_signals, *there[:count]))
        assert set(found.basket_size.tolist()) == {count}
        assert np.isfinite(found.basket).all() if enough else np.isnan(found.basket).all()
    # A fund that did not move neither rises nor falls.
    still = replace(there[0], values=np.zeros(len(there[0].values)))
    unmoved = indicator_inputs(with_series(made_up_signals, still, *there[1:]))
    np.testing.assert_array_equal(unmoved.basket, whole.basket - np.sign(values[0]))


def test_the_label_of_the_basket_says_how_many_funds_it_had_that_day(made_up_signals: VeqtorSignals) -> None:
    days = sessions_of(made_up_signals)
    *nine, tenth, eleventh = funds(made_up_signals, SECTOR_FUNDS)
    late = replace(tenth, **{name: getattr(tenth, name)[-5:] for name in ("days", "values", "payloads")})
    later = replace(eleventh, **{name: getattr(eleventh, name)[-2:] for name in ("days", "values", "payloads")})
    table = indicator_table(indicator_inputs(with_series(made_up_signals, *nine, late, later)), RULES)

    def remark(row: int) -> str:
        return next(reading.remark for reading in table.readings(row) if reading.name == "breadth_macd")

    said = "basket of {} Select Sector SPDR funds stands in for the exchange's counts"
    assert [remark(row) for row in (len(days) - 6, len(days) - 5, len(days) - 1)] == [
        said.format(count) for count in (9, 10, 11)
    ]


def test_an_open_of_the_vix_stands_in_only_where_it_can_be_right(made_up_signals: VeqtorSignals) -> None:
    days, vix = sessions_of(made_up_signals)[-4:], made_up_signals.inputs.vix[-4:]
    opens = vix * [1.01, 1.02, 0.2, 1.0]
    signals = with_series(
        made_up_signals,
        observed(VIX_OPEN, CBOE, days, opens),
        observed(VIX_HIGH, CBOE, days[[0, 2, 3]], (np.maximum(vix, opens) * 1.05)[[0, 2, 3]]),
        observed(VIX_LOW, CBOE, days, np.minimum(vix, opens) * 0.95),
    )
    # No high on the second day; a wrong print on the third.
    np.testing.assert_array_equal(open_stand_ins(signals)[-4:], [opens[0], np.nan, np.nan, opens[3]])


@server
def test_on_recorded_days_the_inputs_are_those_of_the_files(recorded_signals: VeqtorSignals) -> None:
    found = indicator_inputs(recorded_signals)

    def on(values: Floats, day: str) -> float:
        return float(values[int(np.searchsorted(found.sessions, np.datetime64(day)))])

    # SPY closed at 239.85; 297,240,000 shares.
    assert on(found.spy_dollar_volume, "2020-03-16") == pytest.approx(239.85 * 297_240_000, rel=1e-6)
    assert on(found.vix3m, "2020-03-16") == 67.7
    assert on(found.advance_decline, "2020-02-10") == 1721 - 1212
    opens = open_stand_ins(recorded_signals)
    assert on(opens, "2020-03-18") == pytest.approx(69.37, abs=0.01)
    assert np.isnan([on(opens, "2004-11-08"), on(opens, "2004-01-21")]).all()
    assert found.reer[0][0] == np.datetime64("1994-01-01")


@server
@pytest.mark.parametrize("day", ["2008-10-10", "2020-03-16"])
def test_the_inputs_of_a_session_do_not_depend_on_later_ones(
    recorded: MarketData, recorded_signals: VeqtorSignals, calendar: TradingCalendar, day: str
) -> None:
    part = indicator_inputs(veqtor_signals(resolve(market_history(recorded, calendar, D(day)), calendar)))
    whole, count = indicator_inputs(recorded_signals), len(part.sessions)
    for item in fields(part):
        value = getattr(part, item.name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(whole, item.name)[:count], err_msg=item.name)


# The macro panel.

QUARTERS = ("2004-07-01", "2004-10-01", "2005-01-01", "2005-04-01", "2005-07-01", "2005-10-01", "2006-01-01")
LEVELS = (100.0, 101.0, 102.0, 103.0, 103.5, 104.03, 105.06)


def on(signals: VeqtorSignals, day: str, name: str) -> Reading:
    row = int(np.searchsorted(sessions_of(signals), np.datetime64(day)))
    return next(reading for reading in macro_panel(signals).readings(row) if reading.name == name)


def test_without_sources_the_panel_is_unavailable_and_says_why(made_up_signals: VeqtorSignals) -> None:
    signals = with_series(made_up_signals)
    readings = macro_panel(signals).readings(len(sessions_of(signals)) - 1)
    assert [(reading.name, reading.state, reading.value, reading.remark) for reading in readings] == [
        ("gdp_growth", "unavailable", None, "no GDP so far from FRED"),
        ("reit_strength", "unavailable", None, "no prices of VNQ so far from Yahoo"),
        ("equity_pe", "unavailable", None, "no source configured"),
    ]
    assert all(reading.observed_on is None and reading.previous is None for reading in readings)


def test_growth_is_over_four_quarters_and_out_a_month_after_the_last(made_up_signals: VeqtorSignals) -> None:
    signals = with_series(made_up_signals, observed(GDPC1, FRED, QUARTERS, LEVELS))
    # The fourth quarter of 2005 ended on 2005-12-31; 30 days later it is Monday, 2006-01-30.
    before, after = (on(signals, day, "gdp_growth") for day in ("2006-01-27", "2006-01-30"))
    assert (before.value, before.observed_on) == (pytest.approx(0.035), D("2005-09-30"))
    assert (after.value, after.observed_on) == (pytest.approx(0.03), D("2005-12-31"))
    assert (after.previous, after.state) == (before.value, "shown")
    assert after.remark == "latest vintage: revised since it was first published"
    assert (after.percentile, after.threshold, after.distance) == (None, None, None)
    # Before there is a quarter with one a year before it there is none.
    early = on(signals, "2005-06-01", "gdp_growth")
    assert (early.state, early.remark) == ("unavailable", "no quarter that is new enough and has one a year before")


def test_growth_that_is_too_old_is_unavailable_and_keeps_its_day(made_up_signals: VeqtorSignals) -> None:
    signals = with_series(made_up_signals, observed(GDPC1, FRED, QUARTERS[:5], LEVELS[:5]))
    # Usable from 2005-10-30; that of the next quarter would have been out on 2006-01-30.
    last, late = (on(signals, day, "gdp_growth") for day in ("2006-03-02", "2006-03-03"))
    assert last.state == "shown"
    assert (late.state, late.value, late.observed_on) == ("unavailable", None, D("2005-09-30"))
    assert late.previous == last.value


def test_the_canary_is_what_real_estate_earned_beyond_the_index_in_63_sessions(made_up_signals: VeqtorSignals) -> None:
    (reit,) = funds(made_up_signals, [REIT_FUND], seed=3)
    signals = with_series(made_up_signals, reit)
    found = on(signals, "2006-06-30", "reit_strength")
    adjusted = signals.inputs.history.spy_adjusted[: len(reit.days)]
    expected = np.prod(1.0 + reit.values[-63:]) / (adjusted[-1] / adjusted[-64]) - 1.0
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.observed_on == D("2006-06-30")
    assert found.percentile is not None
    # One day without a return, and the window that holds it has no value.
    holed = observed(reit.series, YAHOO, np.delete(reit.days, -10), np.delete(reit.values, -10))
    gone = on(with_series(made_up_signals, holed), "2006-06-30", "reit_strength")
    assert (gone.state, gone.remark) == (
        "unavailable", "a return of VNQ or SPY is missing in the last 63 sessions",
    )  # fmt: skip


def test_a_price_earnings_ratio_is_the_last_of_its_file_while_that_is_new_enough(
    made_up_signals: VeqtorSignals,
) -> None:
    signals = with_series(made_up_signals, observed(EQUITY_PE, OWN_FILE, ["2005-12-31", "2006-01-31"], [18.1, 18.4]))
    found = on(signals, "2006-01-31", "equity_pe")
    assert (found.value, found.previous, found.observed_on) == (18.4, 18.1, D("2006-01-31"))
    assert found.source == "macro/equity_pe.csv"
    assert on(signals, "2006-06-05", "equity_pe").remark == "nothing new enough"
    assert on(signals, "2005-12-30", "equity_pe").remark == "no source configured"


def test_no_row_of_the_panel_depends_on_a_later_one(made_up: MarketData, calendar: TradingCalendar) -> None:
    def panel_through(session: str) -> tuple[Reading, ...]:
        history = market_history(made_up, calendar, D(session))
        signals = veqtor_signals(resolve(history, calendar))
        days = sessions_of(signals)
        (reit,) = funds(signals, [REIT_FUND], seed=3)
        pe = observed(EQUITY_PE, OWN_FILE, days[::21], 15.0 + np.arange(len(days[::21])))
        known = [day for day in QUARTERS if D(day) <= D(session)]
        gdp = observed(GDPC1, FRED, known, LEVELS[: len(known)])
        row = int(np.searchsorted(days, np.datetime64("2006-03-15")))
        return macro_panel(with_series(signals, reit, pe, gdp)).readings(row)

    assert panel_through("2006-03-15") == panel_through("2006-06-30")
