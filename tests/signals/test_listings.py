from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.alvh.listings import (
    FARTHEST_STRIKE,
    STRIKES,
    OptionListings,
    select_expiry,
    strike_by_delta,
    strike_by_moneyness,
    weekly_expiry,
)
from signals.alvh.surface import SURFACE
from signals.calendar import Days, TradingCalendar, trading_calendar
from signals.errors import ConfigurationError

LISTINGS = OptionListings(trading_calendar())


def days(*texts: str) -> list[dt.date]:
    return [dt.date.fromisoformat(text) for text in texts]


def listed(day: str, *, weeklies: bool = True) -> list[dt.date]:
    return LISTINGS.expiries(dt.date.fromisoformat(day), weeklies=weeklies).tolist()


def test_monthlies_and_weeklies_of_a_day() -> None:
    # 2024-06-18 is a monthly on a Tuesday; 2024-07-17 and 08-21 are the next ones.
    assert listed("2024-06-03")[:8] == days(
        "2024-06-05", "2024-06-12", "2024-06-18", "2024-06-26", "2024-07-03", "2024-07-10", "2024-07-17", "2024-08-21"
    )
    monthlies = listed("2024-06-03", weeklies=False)
    assert len(monthlies) == 8
    assert (monthlies[0], monthlies[-1]) == (dt.date(2024, 6, 18), dt.date(2025, 1, 22))


def test_the_eight_monthlies_always_reach_to_the_longest_leg() -> None:
    # The 220-day leg wants 190 to 250 days.
    for day in trading_calendar().sessions_in(dt.date(2006, 3, 31), dt.date(2027, 12, 31)).tolist():
        expiries = LISTINGS.expiries(day, weeklies=False)
        assert select_expiry(expiries, day, 220, 190, 250, strict=True) is not None
        assert select_expiry(expiries, day, 110, 80, 150, strict=True) is not None


def test_nothing_is_listed_before_there_were_vix_options() -> None:
    assert listed("2006-02-23") == []
    assert listed("2006-02-24")[0] == dt.date(2006, 3, 22)


def test_weeklies_begin_in_october_2015() -> None:
    assert listed("2015-10-07")[:2] == days("2015-10-21", "2015-11-18")
    assert listed("2015-10-08")[:3] == days("2015-10-14", "2015-10-21", "2015-10-28")


def test_an_option_is_listed_no_more_on_its_expiry_day() -> None:
    assert dt.date(2020, 3, 18) in listed("2020-03-17")
    assert dt.date(2020, 3, 18) not in listed("2020-03-18")


def test_a_weekly_moves_before_a_holiday_of_its_own_or_of_the_options_behind_it(calendar: TradingCalendar) -> None:
    # Independence Day on a Wednesday.
    assert weekly_expiry(dt.date(2018, 7, 4), calendar) == dt.date(2018, 7, 3)
    # 30 days later is Friday 2025-07-04.
    assert weekly_expiry(dt.date(2025, 6, 4), calendar) == dt.date(2025, 6, 3)
    # The Friday 30 days after the Wednesday before Thanksgiving 2026 is Christmas.
    assert weekly_expiry(dt.date(2026, 11, 25), calendar) == dt.date(2026, 11, 24)
    assert weekly_expiry(dt.date(2026, 11, 18), calendar) == dt.date(2026, 11, 18)


def test_the_weekly_rule_gives_every_monthly_expiry(calendar: TradingCalendar) -> None:
    for expiry in calendar.vx_expiries[calendar.vx_expiries >= LISTINGS.weeks[0]].tolist():
        wednesday = expiry + dt.timedelta(days=(2 - expiry.weekday()) % 7)
        assert weekly_expiry(wednesday, calendar) == expiry
        assert LISTINGS.is_monthly(expiry)
    assert not LISTINGS.is_monthly(dt.date(2024, 6, 26))


def test_every_weekly_future_that_settled_has_an_expiry_of_the_list(data_dir: Path) -> None:
    found = set()
    for path in (data_dir / "cboe/futures/settlement").glob("*.csv"):
        with path.open() as file:
            symbols = [(row["Symbol"], row["Expiration Date"]) for row in csv.DictReader(file)]
        weeklies = {dt.date.fromisoformat(expiry) for symbol, expiry in symbols if symbol[2:3].isdigit()}
        assert weeklies <= set(listed(path.stem))
        found |= weeklies
    assert len(found) >= 5


def test_strikes_by_step() -> None:
    steps = {round(float(step), 6) for step in np.diff(STRIKES)}
    assert steps == {0.5, 1.0, 2.5, 5.0, 10.0}
    assert (STRIKES[0], STRIKES[-1]) == (10.0, 200.0)
    assert {10.5, 19.5, 20.0, 39.0, 40.0, 42.5, 50.0, 55.0, 100.0, 110.0} <= set(STRIKES.tolist())
    assert not {20.5, 41.0, 52.5, 105.0} & set(STRIKES.tolist())


def test_every_strike_that_traded_on_a_day_is_on_the_ladder(data_dir: Path) -> None:
    path = data_dir / "options" / "vix_options_2024-06-03.csv"
    if not path.is_file():
        pytest.skip("no recorded option prices")
    with path.open() as file:
        traded = {float(row["strike"]) for row in csv.DictReader(file)}
    assert traded <= set(STRIKES.tolist())


def some_expiries(*ahead: int) -> tuple[Days, dt.date]:
    day = dt.date(2024, 6, 3)
    return np.array([day + dt.timedelta(days=count) for count in ahead], dtype="datetime64[D]"), day


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        ((10, 19, 28, 44), 28),
        ((25, 35), 25),  # equally near: the earlier
        ((20, 45), 20),  # a bound is inside
        ((19, 47), 19),  # none within the bounds: the nearest
        ((5, 12), 12),  # all too short: the longest
        ((60, 90), 60),
    ],
)
def test_the_expiry_nearest_to_thirty_days_within_twenty_and_forty(ahead: tuple[int, ...], expected: int) -> None:
    expiries, day = some_expiries(*ahead)
    found = select_expiry(expiries, day, 30, 20, 40)
    assert found is not None
    assert (found - day).days == expected


def test_a_strict_rule_takes_nothing_outside_its_bounds() -> None:
    expiries, day = some_expiries(0, 9, 16)
    assert select_expiry(expiries, day, 4, 1, 7, strict=True) is None
    assert select_expiry(expiries, day, 4, 1, 7) == day + dt.timedelta(days=9)
    assert select_expiry(expiries[:1], day, 4, 1, 7) is None
    assert select_expiry(expiries[:0], day, 4, 1, 7) is None


def test_without_an_upper_bound_the_nearest_from_the_lower_one_on() -> None:
    expiries, day = some_expiries(170, 198, 233, 261)
    found = select_expiry(expiries, day, 210, 180)
    assert found == day + dt.timedelta(days=198)
    assert select_expiry(expiries[:1], day, 210, 180) == day + dt.timedelta(days=170)


def test_bounds_that_do_not_hold_the_target_are_refused() -> None:
    expiries, day = some_expiries(30)
    with pytest.raises(ConfigurationError, match="shortest 40, target 30"):
        select_expiry(expiries, day, 30, 40, 50)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.1, 0.6), st.floats(11, 60), st.floats(5, 220), st.floats(70, 180), st.booleans())
def test_a_strike_by_delta_is_listed_and_no_other_is_nearer(
    delta: float, forward: float, ahead: float, vvix: float, call: bool
) -> None:
    strike = strike_by_delta(delta, forward, ahead, vvix, 0.03, call=call)
    assert strike in STRIKES
    near = np.array([listed for listed in STRIKES.tolist() if listed <= FARTHEST_STRIKE * forward])
    sizes = np.abs(SURFACE.delta(forward, near, ahead, vvix, 0.03, call=call))
    assert abs(sizes[list(near).index(strike)] - delta) == np.abs(sizes - delta).min()


def test_a_lower_delta_is_a_higher_strike_of_a_call() -> None:
    strikes = [strike_by_delta(delta, 18.0, 45, 95.0) for delta in (0.5, 0.4, 0.3, 0.15)]
    assert strikes == sorted(strikes)
    assert len(set(strikes)) == 4


def test_strikes_of_a_chain_take_the_place_of_the_ladder() -> None:
    chain = np.array([14.0, 16.0, 24.0])
    assert strike_by_delta(0.3, 18.0, 30, 95.0, strikes=chain) == 24.0
    assert strike_by_moneyness(1.1, 18.0, strikes=chain) == 16.0


def test_strikes_by_moneyness() -> None:
    # Layer 1 at a future of 15: 16.5, 20.25 and 24.
    assert [strike_by_moneyness(at, 15.0) for at in (1.10, 1.35, 1.60)] == [16.5, 20.0, 24.0]
    # Equally near: the lower. 1.25 * 18.2 = 22.75 is nearer to 23.
    assert strike_by_moneyness(1.0, 22.5) == 22.0
    assert strike_by_moneyness(1.25, 18.2) == 23.0


def test_without_an_input_there_is_no_strike() -> None:
    assert np.isnan(strike_by_delta(0.3, np.nan, 30, 95.0))
    assert np.isnan(strike_by_delta(0.3, 18.0, 30, np.nan))
    assert np.isnan(strike_by_delta(0.3, 18.0, 30, 95.0, np.nan))
    assert np.isnan(strike_by_delta(0.3, 1.0, 30, 95.0))
    assert np.isnan(strike_by_moneyness(1.1, np.nan))
