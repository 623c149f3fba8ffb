from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest

from signals.calendar import TradingCalendar, trading_calendar
from signals.errors import DataNotReady, DataQualityError
from signals.inputs import Inputs, resolve
from signals.market import MarketData, Observations, market_history
from signals.provenance import DEGRADED, NOTE, OK, InputUsed, inputs_used
from signals.veqtor.signal import veqtor_signals
from tests.market_files import LAST, SESSIONS

Change = Callable[[Observations], Observations]


def without(*days: dt.date) -> Change:
    """Take days out of a series."""

    def change(found: Observations) -> Observations:
        kept = ~np.isin(found.days, np.array(days, dtype="datetime64[D]"))
        return Observations(found.series, found.publisher, found.days[kept], found.values[kept], found.payloads[kept])

    return change


def shifted(day: dt.date, by: float) -> Change:
    """Move the value of a day."""

    def change(found: Observations) -> Observations:
        values = np.where(found.days == np.datetime64(day), found.values + by, found.values)
        return Observations(found.series, found.publisher, found.days, values, found.payloads)

    return change


def changed(data: MarketData, **changes: Change) -> MarketData:
    """A market with some series changed; ``SPX_yahoo`` names a series and its publisher."""
    wanted = {tuple(name.replace("__", ".").rsplit("_", 1)): change for name, change in changes.items()}
    assert wanted.keys() <= set(data)
    return MarketData(wanted[key](found) if key in wanted else found for key, found in data.items())


def resolved(data: MarketData, through: dt.date = LAST) -> Inputs:
    calendar = trading_calendar()
    return resolve(market_history(data, calendar, through), calendar)


def used_on(inputs: Inputs, session: dt.date) -> dict[str, InputUsed]:
    row = int(np.searchsorted(inputs.sessions, np.datetime64(session)))
    return {item.label: item for item in inputs_used(inputs, row)}


def test_a_complete_session_uses_the_first_publisher_of_each_series(made_up: MarketData) -> None:
    used = used_on(resolved(made_up), LAST)
    assert {item.severity for item in used.values()} == {OK}
    assert used["S&P 500"].publisher == "yahoo"
    assert used["VIX"].publisher == "cboe"
    assert used["VXN06 (VX1)"].publisher == "cboe-archive"


@pytest.mark.parametrize(
    ("change", "waits_for"),
    [
        ({"SPX_yahoo": without(LAST)}, "SPX"),
        ({"VIX_cboe": without(LAST), "VIX_yahoo": without(LAST)}, "VIX"),
        ({"SPXTR_yahoo": without(LAST), "SPY__adjusted_yahoo": without(LAST)}, "SPXTR, or SPY to stand in for it"),
        ({"VX__2006-07-19_cboe-archive": without(LAST)}, "settlement of VXN06"),
        ({"VX__2006-08-16_cboe-archive": without(LAST)}, "settlement of VXQ06"),
    ],
)
def test_a_session_without_an_input_is_not_ready_and_says_what_it_waits_for(
    made_up: MarketData, change: dict[str, Change], waits_for: str
) -> None:
    # VX months before May 2008 are interpolated, so a hole in the middle of the curve is filled there: the first
    # contract is the one that cannot be, and the second only where nothing above it settled.
    data = changed(made_up, **change)
    if "VXQ06" in waits_for:
        data = MarketData(
            found for (series, _), found in data.items() if not series.startswith("VX.") or series <= "VX.2006-08-16"
        )
    inputs = resolved(data)
    assert inputs.last_session == SESSIONS[-2] or "VXQ06" in waits_for
    with pytest.raises(DataNotReady, match="Run again when it is published") as caught:
        inputs.require(LAST)
    assert waits_for in caught.value.missing


def test_rates_missing_with_their_substitute_are_waited_for(made_up: MarketData) -> None:
    # Eight days without fed funds and without ^IRX.
    gone = [LAST - dt.timedelta(days=back) for back in range(9)]
    inputs = resolved(changed(made_up, DFF_fred=without(*gone), IRX_yahoo=without(*gone)))
    with pytest.raises(DataNotReady) as caught:
        inputs.require(LAST)
    assert caught.value.missing == ("DFF, or IRX to stand in for it",)


def test_a_hole_with_later_values_is_an_error_that_names_the_day_and_the_next_value(made_up: MarketData) -> None:
    hole = dt.date(2006, 3, 14)
    inputs = resolved(changed(made_up, SPX_yahoo=without(hole)))
    assert inputs.last_session == dt.date(2006, 3, 13)
    inputs.require(dt.date(2006, 3, 13))
    with pytest.raises(DataQualityError, match=r"SPX on 2006-03-14.*next one on 2006-03-15"):
        inputs.require(LAST)


def test_cboes_other_close_degrades_the_session_and_yahoos_is_used(made_up: MarketData) -> None:
    inputs = resolved(changed(made_up, SPX_cboe=shifted(LAST, 3.0)))
    used = used_on(inputs, LAST)["S&P 500"]
    assert used.severity == DEGRADED
    assert "3.00 points apart" in used.remark
    assert used.publisher == "yahoo"


def test_closes_that_contradict_each_other_decide_nothing(made_up: MarketData) -> None:
    inputs = resolved(changed(made_up, SPX_cboe=shifted(LAST, -600.0)))
    with pytest.raises(DataNotReady, match="SPX on which its publishers agree"):
        inputs.require(LAST)


@pytest.mark.parametrize("early", [dt.date(2004, 6, 1), dt.date(2005, 12, 12)])
@pytest.mark.parametrize("series", ["SPX_yahoo", "VIX"])
def test_a_hole_before_the_base_session_is_named_too(made_up: MarketData, early: dt.date, series: str) -> None:
    changes = {series: without(early)} if "_" in series else {f"VIX_{who}": without(early) for who in ("cboe", "yahoo")}
    inputs = resolved(changed(made_up, **changes))
    with pytest.raises(DataQualityError, match=f"{series[:3]} on {early}"):
        veqtor_signals(inputs)


def test_without_any_contract_the_base_session_waits_for_settlements(made_up: MarketData) -> None:
    inputs = resolved(MarketData(found for (series, _), found in made_up.items() if not series.startswith("VX.")))
    with pytest.raises(DataNotReady, match="settlement of VXF06"):
        veqtor_signals(inputs)


def test_orders_wait_for_the_contract_that_becomes_the_second_leg(recorded: MarketData) -> None:
    eve = dt.date(2020, 3, 17)
    inputs = resolved(changed(recorded, **{"VX__2020-05-20_cboe": without(eve)}), eve)
    inputs.require(eve)
    with pytest.raises(DataNotReady, match="settlement of VXK20"):
        inputs.require_orders(eve)
    resolved(recorded, eve).require_orders(eve)


def test_no_close_from_cboe_is_a_note(made_up: MarketData) -> None:
    assert used_on(resolved(changed(made_up, SPX_cboe=without(LAST))), LAST)["S&P 500"].severity == NOTE


def test_spy_stands_in_for_the_total_return(made_up: MarketData) -> None:
    whole = resolved(made_up)
    inputs = resolved(changed(made_up, SPXTR_yahoo=without(LAST)))
    used = used_on(inputs, LAST)["S&P 500 TR"]
    assert used.severity == DEGRADED
    assert used.publisher == "stand-in"
    assert inputs.equity.change[-1] == pytest.approx(whole.equity.change[-1], abs=1e-5)


def test_bills_and_fed_funds_are_replaced_by_irx_and_say_so(made_up: MarketData) -> None:
    gone = [LAST - dt.timedelta(days=back) for back in range(9)]
    used = used_on(resolved(changed(made_up, DFF_fred=without(*gone), DTB3_fred=without(*gone))), LAST)
    for label in ("overnight rate", "T-bill rate"):
        assert used[label].severity == DEGRADED
        assert used[label].series == "IRX"


@pytest.mark.server
def test_yahoos_vix_is_used_where_the_trend_is_certain_and_waited_for_where_it_is_not(
    made_up: MarketData, calendar: TradingCalendar
) -> None:
    whole = resolved(made_up)
    used, waited = 0, 0
    for session in calendar.sessions_in(dt.date(2006, 1, 3), LAST).tolist():
        later = [day for day in SESSIONS if day >= session]
        inputs = resolved(changed(made_up, VIX_cboe=without(*later)), session)
        row = len(inputs.sessions) - 1
        if inputs.usable == row + 1:
            used += 1
            found = used_on(inputs, session)["VIX"]
            assert found.severity == DEGRADED
            assert found.publisher == "yahoo"
        else:
            waited += 1
            with pytest.raises(DataNotReady) as caught:
                inputs.require(session)
            assert "VIX" in caught.value.missing[0]
    assert used > 20
    assert waited > 0
    assert whole.usable == len(whole.sessions)


def test_a_hole_in_a_contract_veqtor_does_not_hold_is_a_note(recorded: MarketData) -> None:
    # The March 2025 contract has no settlement on nine sessions of January 2025, when it was the third.
    session = dt.date(2025, 1, 6)
    inputs = resolved(recorded, session)
    found = used_on(inputs, session)["VXH25 (VX3)"]
    assert found.severity == NOTE
    inputs.require(session)
