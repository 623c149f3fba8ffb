"""Days without a value, told apart from days that should have none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from signals.calendar import TradingCalendar
from signals.gaps import DAYS, Span, needed_gaps, rate_day_due, series_gaps, spans, vx_gaps
from signals.market import MarketData, Observations
from signals.series import (
    CBOE,
    CBOE_ARCHIVE,
    DFF,
    DTB3,
    IRX,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    SPY_CLOSE,
    VIX,
    VIX_HIGH,
    VIX_LOW,
    VIX_OPEN,
    YAHOO,
    vx_series,
)
from tests.market_files import FIRST, LAST

BASE = dt.date(2005, 12, 20)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def without(data: MarketData, *lost: tuple[str, str, Iterable[str]]) -> MarketData:
    """A market without some days, all of them where none is named."""
    found = dict(data)
    for series, publisher, days in lost:
        gone = np.array(list(days), dtype="datetime64[D]")
        each = found[series, publisher]
        kept = ~np.isin(each.days, gone) if len(gone) else np.zeros(len(each.days), dtype=bool)
        found[series, publisher] = replace(
            each, days=each.days[kept], values=each.values[kept], payloads=each.payloads[kept]
        )
    return MarketData(found.values())


def test_a_complete_market_lacks_nothing(made_up: MarketData, calendar: TradingCalendar) -> None:
    found = series_gaps(made_up, calendar)

    assert {(each.series, each.publisher) for each in found} == {
        *((series, YAHOO) for series in (SPX, SPXTR, SPY_ADJUSTED, SPY_CLOSE, VIX, IRX)),
        *((series, CBOE) for series in (SPX, VIX, VIX_OPEN, VIX_HIGH, VIX_LOW)),
        *((series, "fred") for series in (DTB3, DFF)),
    }
    assert not any(each.missing for each in found)
    assert {(each.first, each.last) for each in found} == {(FIRST, LAST)}
    assert needed_gaps(made_up, calendar) == []


def test_a_missing_session_is_named_and_neighbours_are_one_span(made_up: MarketData, calendar: TradingCalendar) -> None:
    # A Friday, and a Thursday to Monday.
    lost = ("2006-03-03", "2006-03-09", "2006-03-10", "2006-03-13")
    data = without(made_up, (SPX, YAHOO, lost))

    (found,) = [each for each in series_gaps(data, calendar) if (each.series, each.publisher) == (SPX, YAHOO)]

    assert found.expected == 629
    assert found.missing == (
        Span(day("2006-03-03"), day("2006-03-03"), 1),
        Span(day("2006-03-09"), day("2006-03-13"), 3),
    )
    assert [(each.name, each.missing) for each in needed_gaps(data, calendar)] == [("SPX from yahoo", found.missing)]


def test_a_range_that_reaches_beyond_the_values_is_missing(made_up: MarketData, calendar: TradingCalendar) -> None:
    start, end = day("2006-06-26"), day("2006-07-07")
    (spx, *_) = series_gaps(made_up, calendar, start, end)

    assert (spx.first, spx.last, spx.expected) == (start, end, 9)
    assert spx.missing == (Span(day("2006-07-03"), day("2006-07-07"), 4),)
    slots = vx_gaps(made_up, calendar, start, end)
    assert slots[0].missing == spx.missing
    assert "settlement of VXN06" in {each.name for each in needed_gaps(made_up, calendar, start, end)}


def test_what_has_a_substitute_is_missing_but_not_needed(made_up: MarketData, calendar: TradingCalendar) -> None:
    monday = ("2006-03-06",)
    data = without(made_up, (SPXTR, YAHOO, monday), (VIX, CBOE, monday), (DTB3, "fred", monday), (DFF, "fred", monday))

    assert sum(bool(each.missing) for each in series_gaps(data, calendar)) == 4
    assert needed_gaps(data, calendar) == []
    alone = without(data, (IRX, YAHOO, ()), (SPY_ADJUSTED, YAHOO, monday), (VIX, YAHOO, monday))
    assert [each.name for each in needed_gaps(alone, calendar)] == [
        "VIX",
        "SPXTR, or SPY to stand in for it",
        "DTB3, or IRX to stand in for it",
    ]


def test_a_week_without_any_bill_rate_is_needed(made_up: MarketData, calendar: TradingCalendar) -> None:
    week = [f"2006-03-{number:02}" for number in range(6, 11)]
    data = without(made_up, (DTB3, "fred", week), (IRX, YAHOO, week))

    assert [(each.name, each.missing) for each in needed_gaps(data, calendar)] == [
        ("DTB3, or IRX to stand in for it", (Span(day("2006-03-06"), day("2006-03-10"), 5),))
    ]


def test_before_the_base_session_nothing_is_needed(made_up: MarketData, calendar: TradingCalendar) -> None:
    data = without(made_up, (SPX, YAHOO, ["2005-12-19"]))

    assert needed_gaps(data, calendar) == []
    assert needed_gaps(data, calendar, FIRST, day("2005-12-19")) == []
    assert needed_gaps(without(made_up, (SPX, YAHOO, [str(BASE)])), calendar) != []


def test_a_series_that_is_not_there_at_all_is_needed(made_up: MarketData, calendar: TradingCalendar) -> None:
    without_vix = MarketData(found for (series, _), found in made_up.items() if series != VIX)

    assert [(each.name, each.missing) for each in needed_gaps(without_vix, calendar)] == [("VIX", ())]
    assert len(needed_gaps(MarketData(), calendar)) == 4
    assert series_gaps(MarketData(), calendar) == vx_gaps(MarketData(), calendar) == []


def test_a_missing_settlement_is_in_its_slot_and_needed_where_it_is_held(
    made_up: MarketData, calendar: TradingCalendar
) -> None:
    # In the expiring month the second contract is held; the fifth never is.
    near, far = vx_series(day("2006-03-22")), vx_series(day("2006-08-16"))
    later = ["2008-05-05"]
    lost = ["2006-03-07", "2006-03-08"]
    data = without(made_up, (near, CBOE_ARCHIVE, lost), (far, CBOE_ARCHIVE, later + lost))

    slots = {each.series: each for each in vx_gaps(data, calendar)}
    assert [each.series for each in vx_gaps(data, calendar)] == [f"VX slot {number}" for number in range(1, 8)]
    assert slots["VX slot 1"].missing == (Span(day("2006-03-07"), day("2006-03-08"), 2),)
    # Before May 2008 a month between others may not be listed yet, and is interpolated.
    assert slots["VX slot 6"].missing == ()
    assert slots["VX slot 6"].interpolated == 2
    assert [(each.name, each.missing) for each in needed_gaps(data, calendar)] == [
        ("settlement of VXH06", (Span(day("2006-03-07"), day("2006-03-08"), 2),))
    ]


def test_values_on_other_days_are_extra(made_up: MarketData, calendar: TradingCalendar) -> None:
    labor_day, good_friday, saturday = day("2005-09-05"), day("2006-04-14"), day("2006-04-15")

    def with_days(series: str, publisher: str, *days: dt.date) -> Observations:
        found = made_up[series, publisher]
        every = np.union1d(found.days, np.array(days, dtype="datetime64[D]"))
        return Observations(series, publisher, every, np.full(len(every), 15.0), np.zeros(len(every), dtype=np.int64))

    contract = vx_series(day("2006-05-17"))
    changed = [
        with_days(VIX, CBOE, labor_day),
        with_days(DTB3, "fred", good_friday, saturday),
        with_days(contract, CBOE_ARCHIVE, good_friday),
    ]
    data = MarketData({**made_up, **{(each.series, each.publisher): each for each in changed}}.values())

    extra = {(each.series, each.publisher): each.extra for each in series_gaps(data, calendar)}
    assert extra[VIX, CBOE] == (labor_day,)
    assert extra[DTB3, "fred"] == (saturday,), "the bond market may be open on a weekday without a session"
    assert [each.series for each in vx_gaps(data, calendar) if good_friday in each.extra] == ["VX slot 2"]


def test_rates_have_calendars_of_their_own(made_up: MarketData, calendar: TradingCalendar) -> None:
    columbus, veterans, sunday = "2005-10-10", "2005-11-11", "2006-04-16"
    data = without(
        made_up,
        (DTB3, "fred", [columbus, veterans]),
        (IRX, YAHOO, [columbus]),
        (SPX, YAHOO, [columbus]),
        (DFF, "fred", [sunday]),
    )

    missing = {(each.series, each.publisher): each.missing for each in series_gaps(data, calendar)}
    assert missing[DTB3, "fred"] == missing[IRX, YAHOO] == ()
    assert missing[SPX, YAHOO] == (Span(day(columbus), day(columbus), 1),)
    assert missing[DFF, "fred"] == (Span(day(sunday), day(sunday), 1),)
    assert {each.unit for each in series_gaps(data, calendar) if each.series == DFF} == {DAYS}


@pytest.mark.parametrize(
    ("series", "asked", "due"), [(DTB3, "2024-10-14", "2024-10-11"), (DFF, "2024-10-14", "2024-10-14")]
)
def test_no_bill_rate_is_due_on_a_holiday_of_the_bond_market(
    calendar: TradingCalendar, series: str, asked: str, due: str
) -> None:
    assert rate_day_due(series, day(asked), calendar) == day(due)


def test_spans_are_runs_of_expected_days() -> None:
    expected = np.array(["2006-03-01", "2006-03-02", "2006-03-03", "2006-03-06", "2006-03-07"], dtype="datetime64[D]")

    assert spans(expected[:0], expected) == ()
    assert [each.days for each in spans(expected[[0, 2, 3, 4]], expected)] == [1, 3]
    assert [each.days for each in spans(expected, expected)] == [5]


@pytest.mark.server
def test_recorded_data_lack_nothing_that_a_decision_needs(recorded: MarketData, calendar: TradingCalendar) -> None:
    assert needed_gaps(recorded, calendar) == []
    slots = {each.series: each for each in vx_gaps(recorded, calendar)}
    assert slots["VX slot 3"].missing == (Span(day("2025-01-02"), day("2025-01-15"), 9),)
    assert day("2025-01-09") in slots["VX slot 1"].extra
    names = [each.name for each in needed_gaps(recorded, calendar, day("2026-07-20"), day("2026-08-07"))]
    assert names[:2] == ["SPX from yahoo", "VIX"]
