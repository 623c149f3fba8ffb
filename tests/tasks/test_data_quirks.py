"""One test per known wart of the public data, on the recorded files. docs/data-notes.md lists them for readers."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from signals.calendar import MONTH_CODES, TradingCalendar
from signals.errors import DataNotReady
from signals.inputs import resolve
from signals.market import MarketData, Observations, market_history
from signals.provenance import DEGRADED, NOTE, OK, STAND_IN, InputUsed, inputs_used
from signals.rates import CARRIED, PRIMARY, SUBSTITUTE
from signals.series import (
    CBOE,
    CBOE_ARCHIVE,
    DFF,
    DTB3,
    EXCHANGE,
    FRED,
    IRX,
    NYSE_ADVANCES,
    NYSE_DECLINES,
    RBUSBIS,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    SPY_CLOSE,
    SPY_VOLUME,
    VIX,
    VIX_OPEN,
    YAHOO,
    known_after_close,
    vx_series,
)
from signals.total_return import ABSENT, ACCEPTED, REJECTED
from signals.veqtor.signal import VeqtorSignals, signal_report
from signals.vix_futures import INTERPOLATED, LISTED, SettlementPanel

pytestmark = pytest.mark.server

D = dt.date.fromisoformat


def value(data: MarketData, series: str, publisher: str, day: str) -> float | None:
    """What was read from the files; None if nothing was."""
    found = data.find(series, publisher)
    row = int(np.searchsorted(found.days, np.datetime64(day)))
    return float(found.values[row]) if row < len(found.days) and found.days[row] == np.datetime64(day) else None


def days_off(data: MarketData, series: str, publisher: str, calendar: TradingCalendar) -> list[str]:
    """Days with a value on which the NYSE was closed."""
    days = data.find(series, publisher).days
    return [str(day) for day in days[~np.isin(days, calendar.sessions)]]


def through(data: MarketData, day: str) -> MarketData:
    """The data as far as they went on a day."""
    counts = {key: int(np.searchsorted(found.days, np.datetime64(day), side="right")) for key, found in data.items()}
    return MarketData(
        Observations(*key, found.days[: counts[key]], found.values[: counts[key]], found.payloads[: counts[key]])
        for key, found in data.items()
    )


def inputs_on(signals: VeqtorSignals, day: str) -> dict[str, InputUsed]:
    return {item.label: item for item in inputs_used(signals.inputs, signals.row(D(day)))}


def panel_of(signals: VeqtorSignals) -> SettlementPanel:
    return signals.inputs.history.panel


def excess_return(signals: VeqtorSignals, day: str) -> float:
    """Excess return of the short-term futures index into a session."""
    index = signals.short_term
    row = signals.row(D(day)) - signals.inputs.base
    return float(index.excess_return[row] / index.excess_return[row - 1] - 1)


# --- Settlements ------------------------------------------------------------------------------------------------------


def test_2004_07_14_the_july_2004_contract_expired_a_week_before_the_rule(
    recorded: MarketData, calendar: TradingCalendar
) -> None:
    assert calendar.vx_expiry(2004, 7) == D("2004-07-14")
    found = recorded[vx_series(D("2004-07-14")), CBOE_ARCHIVE]
    assert str(found.days[-1]) == "2004-07-14"
    assert found.values[-1] == pytest.approx(13.134)


def test_2004_10_13_the_october_2004_contract_expired_a_week_before_the_rule(
    recorded: MarketData, calendar: TradingCalendar
) -> None:
    assert calendar.vx_expiry(2004, 10) == D("2004-10-13")
    found = recorded[vx_series(D("2004-10-13")), CBOE_ARCHIVE]
    assert str(found.days[-1]) == "2004-10-13"
    assert found.values[-1] == pytest.approx(13.157)


def test_2004_10_12_a_row_that_ends_in_a_comma_is_read(recorded: MarketData) -> None:
    assert value(recorded, "VX.2004-10-13", CBOE_ARCHIVE, "2004-10-12") == pytest.approx(15.02)


def test_2005_01_26_and_27_dates_are_written_two_ways_in_one_file(recorded: MarketData) -> None:
    # 1/26/2005 and, a line below, 01/27/2005.
    assert value(recorded, "VX.2005-03-16", CBOE_ARCHIVE, "2005-01-26") == pytest.approx(14.40)
    assert value(recorded, "VX.2005-03-16", CBOE_ARCHIVE, "2005-01-27") == pytest.approx(14.18)


def test_2004_12_22_some_months_were_never_listed(recorded: MarketData, calendar: TradingCalendar) -> None:
    listed = {series for series, _ in recorded}
    expiries = [calendar.vx_expiry(year, month) for year in (2004, 2005) for month in range(1, 13)]
    absent = [f"{MONTH_CODES[day.month - 1]}{day:%y}" for day in expiries if vx_series(day) not in listed]
    assert absent == ["F04", "G04", "H04", "J04", "Z04", "J05", "N05", "U05"]


def test_2006_01_18_a_month_listed_late_is_interpolated_and_noted(recorded_signals: VeqtorSignals) -> None:
    # March 2006 was listed on 2006-01-20 and settled first on the session after.
    panel, row = panel_of(recorded_signals), recorded_signals.row(D("2006-01-18"))
    assert panel.expiry(row, 2) == D("2006-03-22")
    assert panel.basis[row, 1] == INTERPOLATED
    assert panel.settle[row, 1] == pytest.approx(14.0283, abs=5e-5)
    used = inputs_on(recorded_signals, "2006-01-18")["VXH06 (VX2)"]
    assert used.severity == NOTE
    assert "not listed yet" in used.remark
    assert inputs_on(recorded_signals, "2006-01-23")["VXH06 (VX2)"].severity == OK


def test_2006_11_20_the_june_2007_settlement_is_dropped(recorded: MarketData, recorded_signals: VeqtorSignals) -> None:
    series = "VX.2007-06-20"
    assert value(recorded, series, CBOE_ARCHIVE, "2006-11-20") is None
    assert value(recorded, series, CBOE_ARCHIVE, "2006-12-27") == pytest.approx(15.31)
    # Between May at 14.55 and the August settlement it was copied from, 15.45, as the methodology says.
    panel, row = panel_of(recorded_signals), recorded_signals.row(D("2006-11-20"))
    assert panel.expiry(row, 7) == D("2007-06-20")
    assert panel.basis[row, 6] == INTERPOLATED
    assert panel.settle[row, 5:9].tolist() == pytest.approx([14.55, 14.8739, np.nan, 15.45], abs=5e-5, nan_ok=True)


def test_2007_01_02_a_bill_rate_of_a_day_of_mourning_counts_for_its_week(
    recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    assert not calendar.is_session(D("2007-01-02"))
    row = recorded_signals.row(D("2007-01-03"))
    tbill = recorded_signals.inputs.tbill
    assert str(tbill.observed_on[row]) == "2007-01-02"
    assert tbill.rate[row] == pytest.approx(0.0494)


def test_2007_03_26_prices_before_are_divided_by_ten(recorded: MarketData) -> None:
    # Every contract alive across the change; 2007-03-23 was the session before.
    alive = [
        key
        for key in recorded
        if value(recorded, *key, "2007-03-23") is not None and key[0].startswith("VX.") and key[1] == CBOE_ARCHIVE
    ]
    assert len(alive) == 8
    for key in alive:
        before, after = value(recorded, *key, "2007-03-23"), value(recorded, *key, "2007-03-26")
        assert before is not None
        assert after is not None
        assert 10 < before < 20
        assert after / before == pytest.approx(1.0, abs=0.01)
    assert value(recorded, "VX.2007-04-18", CBOE_ARCHIVE, "2007-03-23") == pytest.approx(13.33)
    assert value(recorded, "VX.2007-04-18", CBOE_ARCHIVE, "2007-03-26") == 13.38


def test_2008_04_18_october_2008_was_listed_late_and_is_interpolated(recorded_signals: VeqtorSignals) -> None:
    panel, row = panel_of(recorded_signals), recorded_signals.row(D("2008-04-18"))
    assert panel.expiry(row, 6) == D("2008-10-22")
    assert panel.basis[row, 5] == INTERPOLATED
    # 25 of the 45 sessions from the September to the November expiry, in variance.
    below, above = 23.36, 23.22
    assert panel.settle[row, 5] == pytest.approx(np.sqrt(below**2 + 25 / 45 * (above**2 - below**2)), rel=1e-12)
    assert panel.basis[row + 1, 5] == LISTED
    assert panel.settle[row + 1, 5] == 24.21


def test_2008_04_18_a_settlement_of_zero_in_the_listing_week_is_no_price(recorded: MarketData) -> None:
    assert value(recorded, "VX.2009-01-21", CBOE_ARCHIVE, "2008-04-18") is None
    assert value(recorded, "VX.2008-10-22", CBOE_ARCHIVE, "2008-04-18") is None
    zeros = [key for key, found in recorded.items() if key[0].startswith("VX.") and (found.values <= 0).any()]
    assert zeros == []


def test_2008_04_21_settlements_of_one_are_dropped(recorded: MarketData, recorded_signals: VeqtorSignals) -> None:
    assert value(recorded, "VX.2009-01-21", CBOE_ARCHIVE, "2008-04-21") is None
    assert value(recorded, "VX.2009-01-21", CBOE_ARCHIVE, "2008-04-22") == 23.70
    february = [value(recorded, "VX.2009-02-18", CBOE_ARCHIVE, f"2008-04-{day}") for day in (18, 21, 22)]
    assert february == [23.55, None, 23.48]
    # January 2009 was in slot 9, which no index holds.
    panel, row = panel_of(recorded_signals), recorded_signals.row(D("2008-04-21"))
    assert panel.expiry(row, 9) == D("2009-01-21")
    assert np.isnan(panel.settle[row, 8])


def test_2008_10_30_the_august_2009_settlement_is_dropped(recorded: MarketData) -> None:
    august = [value(recorded, "VX.2009-08-19", CBOE_ARCHIVE, f"2008-10-{day}") for day in (29, 30, 31)]
    assert august == [32.16, None, 35.0]
    # The contract below is untouched.
    assert value(recorded, "VX.2009-07-22", CBOE_ARCHIVE, "2008-10-30") == 34.22


def test_2012_10_29_the_storm_is_one_return_over_five_days(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    row = recorded_signals.row(D("2012-10-31"))
    inputs = recorded_signals.inputs
    assert [str(day) for day in inputs.sessions[row - 1 : row + 1]] == ["2012-10-26", "2012-10-31"]
    # What was held at the close of the 26th, with 17 of 25 business days left, earned the whole move.
    left = 17 / 25
    before, after = left * 18.25 + (1 - left) * 18.90, left * 18.95 + (1 - left) * 19.50
    assert excess_return(recorded_signals, "2012-10-31") == pytest.approx(after / before - 1, rel=1e-9)
    assert recorded_signals.veqtor.accrual[row] == pytest.approx(inputs.overnight.rate[row - 1] * 5 / 360, rel=1e-12)
    # The copies of DTB3 have a value on both days: the first print of the week is of a day without stocks.
    assert value(recorded, DTB3, FRED, "2012-10-29") == 0.14
    assert str(inputs.tbill.observed_on[row]) == "2012-10-29"


def test_2012_10_26_a_disclaimer_above_the_header_is_skipped(recorded: MarketData) -> None:
    assert value(recorded, "VX.2013-07-17", CBOE_ARCHIVE, "2012-10-26") == 24.30
    assert {vx_series(D(day)) for day in ("2013-07-17", "2013-12-18")} <= {series for series, _ in recorded}


def test_2013_01_16_settlements_of_three_contracts_are_in_the_archive_alone(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    for expiry in ("2013-01-16", "2013-03-20", "2013-04-17"):
        assert len(recorded[f"VX.{expiry}", CBOE].days) == 0
        assert len(recorded[f"VX.{expiry}", CBOE_ARCHIVE].days) == 184 + (expiry == "2013-01-16")
    front = inputs_on(recorded_signals, "2013-01-08")["VXF13 (VX1)"]
    assert (front.value, front.publisher) == (14.65, CBOE_ARCHIVE)


def test_2013_05_17_archive_fills_the_cdn_files(
    recorded: MarketData, recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    added: list[np.datetime64] = []
    for month in range(1, 13):
        series = vx_series(calendar.vx_expiry(2013, month))
        current, archive = (recorded[series, publisher] for publisher in (CBOE, CBOE_ARCHIVE))
        added += list(archive.days[~np.isin(archive.days, current.days)])
    assert len(added) == 1260
    assert (str(min(added)), str(max(added))) == ("2012-04-23", "2013-05-17")
    # With the current files alone, nothing but February and May has a settlement on that day.
    panel, row = panel_of(recorded_signals), recorded_signals.row(D("2013-05-17"))
    assert panel.settle[row].tolist() == [13.20, 15.10, 16.15, 16.80, 17.40, 17.90, 18.35, 18.45, 19.20]
    assert inputs_on(recorded_signals, "2013-05-17")["VXM13 (VX2)"].publisher == CBOE_ARCHIVE
    assert inputs_on(recorded_signals, "2013-05-20")["VXM13 (VX2)"].publisher == CBOE


def test_2013_both_files_of_a_contract_agree_wherever_both_settle(
    recorded: MarketData, calendar: TradingCalendar
) -> None:
    compared = 0
    for month in range(1, 13):
        series = vx_series(calendar.vx_expiry(2013, month))
        current, archive = (recorded[series, publisher] for publisher in (CBOE, CBOE_ARCHIVE))
        _, left, right = np.intersect1d(current.days, archive.days, return_indices=True)
        assert current.values[left].tolist() == archive.values[right].tolist()
        compared += len(left)
    assert compared == 966


def test_2013_05_24_a_first_row_without_settlement_is_no_price(recorded: MarketData) -> None:
    assert value(recorded, "VX.2014-02-19", CBOE, "2013-05-24") is None
    assert value(recorded, "VX.2014-02-19", CBOE, "2013-05-28") == 20.10
    assert value(recorded, "VX.2014-04-16", CBOE, "2013-07-19") is None


def assert_closed_day_is_ignored(
    recorded: MarketData, signals: VeqtorSignals, closed: str, series: str, settled: float
) -> int:
    """The settlement was read and is used nowhere, even before there is another; the row of the session after."""
    assert value(recorded, series, CBOE, closed) == settled
    assert np.datetime64(closed) not in signals.inputs.sessions
    row = int(np.searchsorted(signals.inputs.sessions, np.datetime64(closed)))
    assert settled not in panel_of(signals).settle[row - 1 : row + 1, 0]
    calendar = signals.inputs.calendar
    before = market_history(through(recorded, closed), calendar, calendar.next_session(D(closed)))
    assert np.isfinite(before.panel.settle[-2, :2]).all()
    assert np.isnan(before.panel.settle[-1]).all()
    return row


def test_2015_04_03_a_settlement_on_good_friday_is_ignored(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    row = assert_closed_day_is_ignored(recorded, recorded_signals, "2015-04-03", "VX.2015-04-15", 16.275)
    panel = panel_of(recorded_signals)
    assert panel.settle[row - 1 : row + 1, :2].tolist() == [[15.625, 17.475], [15.275, 17.125]]
    # The return into Monday runs from Thursday's settlement: 7 of 19 business days were left then.
    left = 7 / 19
    before, after = left * 15.625 + (1 - left) * 17.475, left * 15.275 + (1 - left) * 17.125
    assert excess_return(recorded_signals, "2015-04-06") == pytest.approx(after / before - 1, rel=1e-9)


def test_2018_12_05_a_settlement_on_a_day_of_mourning_is_ignored(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    row = assert_closed_day_is_ignored(recorded, recorded_signals, "2018-12-05", "VX.2018-12-19", 19.025)
    panel = panel_of(recorded_signals)
    assert panel.settle[row - 1 : row + 1, :2].tolist() == [[19.425, 19.275], [19.925, 19.475]]
    left = 10 / 19
    before, after = left * 19.425 + (1 - left) * 19.275, left * 19.925 + (1 - left) * 19.475
    assert excess_return(recorded_signals, "2018-12-06") == pytest.approx(after / before - 1, rel=1e-9)


def test_2025_01_09_a_settlement_on_a_day_of_mourning_is_ignored(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    row = assert_closed_day_is_ignored(recorded, recorded_signals, "2025-01-09", "VX.2025-01-22", 17.9667)
    panel = panel_of(recorded_signals)
    (old_first, old_second), (first, second) = panel.settle[row - 1 : row + 1, :2]
    left = 8 / 22
    before, after = left * old_first + (1 - left) * old_second, left * first + (1 - left) * second
    assert excess_return(recorded_signals, "2025-01-10") == pytest.approx(after / before - 1, rel=1e-9)


def test_2025_01_02_h2025_hole_is_a_note_not_a_block(recorded: MarketData, recorded_signals: VeqtorSignals) -> None:
    series = "VX.2025-03-18"
    assert value(recorded, series, CBOE, "2024-12-31") == 18.159
    assert value(recorded, series, CBOE, "2025-01-16") == 17.7546
    found = recorded[series, CBOE].days
    assert not ((found >= np.datetime64("2025-01-01")) & (found < np.datetime64("2025-01-16"))).any()
    noted = [
        str(day)
        for day in recorded_signals.inputs.sessions
        if np.datetime64("2024-12-30") <= day <= np.datetime64("2025-01-17")
        and any(name.startswith("VXH25") for name in inputs_on(recorded_signals, str(day)))
    ]
    assert len(noted) == 9
    assert (noted[0], noted[-1]) == ("2025-01-02", "2025-01-15")
    report = signal_report(recorded_signals, D("2025-01-02"), 1e6)
    (hole,) = [item for item in report.inputs if item.label == "VXH25 (VX3)"]
    assert (hole.severity, hole.value) == (NOTE, None)
    # Neither index holds the third contract.
    assert report.indices["vix-short-term"].change == pytest.approx(0.0225660, abs=5e-8)
    assert report.indices["vix-mid-term"].change == pytest.approx(0.0102697, abs=5e-8)


def test_2025_12_22_a_quote_without_trade_is_not_the_settlement(recorded: MarketData) -> None:
    # Open 0, High 19, Low 0, Close 0: a bid.
    assert value(recorded, "VX.2026-09-16", CBOE, "2025-12-22") == 21.10


@pytest.mark.parametrize(
    ("series", "first"),
    [
        ("VX.2022-03-15", "2021-07-21"),
        ("VX.2024-06-18", "2023-11-15"),
        ("VX.2025-03-18", "2024-08-21"),
        ("VX.2026-05-19", "2025-09-17"),
    ],
)
def test_2021_07_21_files_that_start_late_start_before_they_are_held(
    recorded: MarketData, recorded_signals: VeqtorSignals, series: str, first: str
) -> None:
    assert str(recorded[series, CBOE].days[0]) == first
    panel, row = panel_of(recorded_signals), recorded_signals.row(D(first))
    slots = [slot for slot in range(1, 10) if vx_series(panel.expiry(row - 1, slot)) == series]
    assert slots in ([8], [9])
    assert not any(item.severity == NOTE for item in inputs_used(recorded_signals.inputs, row - 1))


def test_2026_01_08_the_ninth_contract_may_be_missing(recorded: MarketData, recorded_signals: VeqtorSignals) -> None:
    found = recorded["VX.2026-09-16", CBOE].days
    january = found[(found > np.datetime64("2026-01-07")) & (found < np.datetime64("2026-01-21"))]
    assert len(january) == 0
    panel, row = panel_of(recorded_signals), recorded_signals.row(D("2026-01-08"))
    assert panel.expiry(row, 9) == D("2026-09-16")
    assert np.isnan(panel.settle[row]).tolist() == [False] * 8 + [True]
    assert not any(item.severity == NOTE for item in inputs_used(recorded_signals.inputs, row))


def test_2026_01_21_a_contract_without_final_settlement_leaves_no_hole(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    assert str(recorded["VX.2026-01-21", CBOE].days[-1]) == "2026-01-20"
    # On the eve of its expiry nothing of it was held any more.
    eve = recorded_signals.row(D("2026-01-20")) - recorded_signals.inputs.base
    assert recorded_signals.short_term.contracts[eve, :2].tolist() == [0.0, 1.0]
    change = panel_of(recorded_signals).settle[
        eve + recorded_signals.inputs.base : recorded_signals.row(D("2026-01-22"))
    ]
    assert excess_return(recorded_signals, "2026-01-21") == pytest.approx(change[1, 0] / change[0, 1] - 1, rel=1e-9)


def test_six_well_known_settlements_are_read_as_published(
    data_dir: Path, recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    with (data_dir / "reference/vix_settlement_anchors.csv").open() as file:
        anchors = list(csv.DictReader(file))
    assert [(anchor["date"], anchor["settle"]) for anchor in anchors] == [
        ("2008-11-20", "66.23"),
        ("2018-02-05", "33.225"),
        ("2020-03-16", "72.625"),
        ("2020-03-16", "59.15"),
        ("2024-08-05", "32.0986"),
        ("2025-04-08", "39.1728"),
    ]
    panel = panel_of(recorded_signals)
    for anchor in anchors:
        row = recorded_signals.row(D(anchor["date"]))
        slots = [slot for slot in range(1, 10) if panel.expiry(row, slot) == D(anchor["expiry"])]
        assert panel.settle[row, slots[0] - 1] == float(anchor["settle"])


# --- VIX --------------------------------------------------------------------------------------------------------------


def test_2004_06_11_vix_closes_on_days_without_a_session_are_ignored(
    recorded: MarketData, recorded_signals: VeqtorSignals, calendar: TradingCalendar
) -> None:
    off = days_off(recorded, VIX, CBOE, calendar)
    assert len(off) == 33
    assert off[:3] == ["2004-06-11", "2022-05-30", "2022-06-20"]
    assert off[-1] == "2026-07-03"
    # The average after Memorial Day 2022 is that of five sessions; Yahoo, which has no such rows, gives the same.
    assert value(recorded, VIX, CBOE, "2022-05-30") == 26.54
    row = recorded_signals.row(D("2022-05-31"))
    five = recorded_signals.inputs.history.vix_yahoo[row - 4 : row + 1]
    assert recorded_signals.veqtor.trend.short_average[row] == pytest.approx(five.mean(), abs=1e-4)
    assert recorded_signals.veqtor.trend.short_average[row] == pytest.approx(27.446, abs=1e-9)
    # Nor does the holiday's close stand for the session after, before that has its own.
    before = market_history(through(recorded, "2022-05-30"), calendar, D("2022-05-31"))
    assert before.vix_cboe[-2] == 25.72
    assert np.isnan(before.vix_cboe[-1])


def test_2004_06_11_blank_holiday_rows_of_yahoos_vix_are_no_values(
    recorded: MarketData, calendar: TradingCalendar
) -> None:
    assert value(recorded, VIX, YAHOO, "2004-06-11") is None
    assert days_off(recorded, VIX, YAHOO, calendar) == []


def test_2004_11_08_wrong_opens_of_the_vix_do_not_touch_its_close(recorded: MarketData) -> None:
    # Open 2.58; and on 2004-01-21 open and high 36.55.
    assert value(recorded, VIX, CBOE, "2004-11-08") == 13.80
    assert value(recorded, VIX, CBOE, "2004-01-21") == 14.34
    assert value(recorded, VIX, CBOE, "2006-02-08") == 12.83
    assert value(recorded, VIX, CBOE, "2008-10-10") == 69.95
    assert value(recorded, VIX_OPEN, CBOE, "2004-11-08") == 2.58
    assert value(recorded, VIX_OPEN, CBOE, "2004-01-21") == 36.55


def test_2014_10_15_yahoo_vix_differs_from_cboe_and_cboe_wins(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    assert value(recorded, VIX, YAHOO, "2014-10-15") == pytest.approx(25.27)
    used = inputs_on(recorded_signals, "2014-10-15")["VIX"]
    assert (used.value, used.publisher, used.severity) == (26.25, CBOE, DEGRADED)


def test_2026_02_06_yahoo_vix_differs_from_cboe_on_thirteen_sessions(recorded_signals: VeqtorSignals) -> None:
    history = recorded_signals.inputs.history
    apart = np.abs(history.vix_cboe - history.vix_yahoo)
    assert (apart > 0.006).sum() == 13
    row = int(np.argmax(apart))
    assert str(history.sessions[row]) == "2026-02-06"
    assert (history.vix_cboe[row], round(float(history.vix_yahoo[row]), 2)) == (17.76, 20.37)
    assert recorded_signals.inputs.vix[row] == 17.76


def test_2026_07_31_no_vix_was_recorded_by_either_publisher(recorded: MarketData, calendar: TradingCalendar) -> None:
    assert calendar.is_session(D("2026-07-31"))
    for publisher in (CBOE, YAHOO):
        assert value(recorded, VIX, publisher, "2026-07-30") is not None
        assert value(recorded, VIX, publisher, "2026-07-31") is None
        assert value(recorded, VIX, publisher, "2026-08-03") is not None


# --- S&P 500 ----------------------------------------------------------------------------------------------------------


def assert_print_is_rejected(
    signals: VeqtorSignals, day: str, printed: float, price_change: float, print_after: float
) -> None:
    """The print is replaced for its day, and the level is back on the printed one a session later."""
    inputs, row = signals.inputs, signals.row(D(day))
    history, equity = inputs.history, inputs.equity
    assert history.spxtr[row] == pytest.approx(printed, abs=1e-5)
    assert equity.origin[row - 1 : row + 2].tolist() == [ACCEPTED, REJECTED, ACCEPTED]
    # The price return and a day's dividends: between nothing and two basis points.
    assert 0 < equity.change[row] - price_change < 0.0002
    assert price_change == pytest.approx(history.spx_yahoo[row] / history.spx_yahoo[row - 1] - 1, abs=5e-7)
    assert equity.level[row + 1] == pytest.approx(print_after, rel=1e-9)
    used = inputs_on(signals, day)["S&P 500 TR"]
    assert (used.severity, used.publisher) == (DEGRADED, STAND_IN)
    assert f"printed {printed:.2f}" in used.remark


def test_2014_12_09_a_total_return_print_is_rejected(recorded_signals: VeqtorSignals) -> None:
    assert_print_is_rejected(recorded_signals, "2014-12-09", 3758.870117, -0.000238, 3705.510010)


def test_2019_03_12_a_repeated_total_return_print_is_rejected(recorded_signals: VeqtorSignals) -> None:
    history, row = recorded_signals.inputs.history, recorded_signals.row(D("2019-03-12"))
    assert history.spxtr[row] == history.spxtr[row - 1]
    assert_print_is_rejected(recorded_signals, "2019-03-12", 5556.770020, 0.002953, 5612.560059)


def test_2019_07_03_a_total_return_print_is_rejected(recorded_signals: VeqtorSignals) -> None:
    assert_print_is_rejected(recorded_signals, "2019-07-03", 5982.899902, 0.007672, 6008.310059)


def test_2020_12_18_the_total_return_index_ends_and_a_stand_in_takes_over(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    assert str(recorded[SPXTR, YAHOO].days[-1]) == "2020-12-18"
    last, first = (inputs_on(recorded_signals, day)["S&P 500 TR"] for day in ("2020-12-18", "2020-12-21"))
    assert (last.severity, last.publisher, round(last.value, 2)) == (OK, YAHOO, 7659.75)
    assert (first.severity, first.publisher, round(first.value, 2)) == (DEGRADED, STAND_IN, 7630.31)
    assert "^SP500TR has no print" in first.remark
    row = recorded_signals.row(D("2020-12-18"))
    assert (recorded_signals.inputs.equity.origin[row + 1 :] == ABSENT).all()
    assert signal_report(recorded_signals, D("2020-12-18"), 1e6).health == OK
    assert signal_report(recorded_signals, D("2020-12-21"), 1e6).health == DEGRADED


def test_1927_12_30_index_closes_before_2004_are_left_out(recorded: MarketData) -> None:
    # The files start with 17.66, which no close of today could be.
    for publisher in (YAHOO, CBOE):
        assert str(recorded[SPX, publisher].days[0]) == "2004-01-02"


def test_2025_09_26_only_the_adjusted_close_of_the_fund_goes_on(recorded: MarketData) -> None:
    assert value(recorded, SPY_ADJUSTED, YAHOO, "2026-01-06") == pytest.approx(688.152954)
    assert str(recorded[SPY_ADJUSTED, YAHOO].days[-1]) == "2026-08-14"
    for series in (SPY_CLOSE, SPY_VOLUME):
        assert str(recorded[series, YAHOO].days[-1]) == "2025-09-25"


def test_2026_07_30_the_recorded_index_ends_before_the_rest(recorded: MarketData, calendar: TradingCalendar) -> None:
    for publisher in (YAHOO, CBOE):
        assert str(recorded[SPX, publisher].days[-1]) == "2026-07-29"
    inputs = resolve(market_history(recorded, calendar, D("2026-08-14")), calendar)
    assert inputs.last_session == D("2026-07-29")
    with pytest.raises(DataNotReady, match="nothing yet for 2026-07-30 of SPX") as caught:
        inputs.require(D("2026-08-14"))
    assert caught.value.missing == ("SPX",)


# --- Breadth and the dollar -------------------------------------------------------------------------------------------


def test_2019_08_20_a_session_is_missing_in_the_recorded_breadth(
    recorded: MarketData, calendar: TradingCalendar
) -> None:
    for series in (NYSE_ADVANCES, NYSE_DECLINES):
        days = recorded[series, EXCHANGE].days
        sessions = calendar.sessions_in(D("2017-01-03"), D("2020-02-10"))
        assert np.setdiff1d(sessions, days).astype(str).tolist() == ["2019-08-20"]


def test_2020_02_10_the_recorded_breadth_ends(recorded: MarketData) -> None:
    assert str(recorded[NYSE_ADVANCES, EXCHANGE].days[-1]) == "2020-02-10"
    assert value(recorded, NYSE_ADVANCES, EXCHANGE, "2020-02-10") == 1721.0
    assert value(recorded, NYSE_DECLINES, EXCHANGE, "2020-02-10") == 1212.0


def test_2020_03_16_the_dollar_of_january_becomes_usable(recorded: MarketData) -> None:
    assert value(recorded, RBUSBIS, FRED, "2020-01-01") is not None
    # The end of the month and 45 days; by the clock of winter.
    after = known_after_close(RBUSBIS, FRED, D("2020-01-01"))
    assert D("2020-01-01") + after == D("2020-03-16")


# --- Interest rates ---------------------------------------------------------------------------------------------------


def test_2005_01_03_the_bill_rate_starts_a_year_late_and_in_time(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    assert str(recorded[DTB3, FRED].days[0]) == "2005-01-03"
    inputs = recorded_signals.inputs
    first = inputs.base - 1
    assert str(inputs.sessions[first]) == "2005-12-19"
    assert inputs.tbill.origin[first] == PRIMARY
    # Before, ^IRX stands in: it reaches back to the first session.
    assert inputs.tbill.origin[0] == SUBSTITUTE


def test_2020_03_26_negative_bill_rates_are_rates(recorded: MarketData) -> None:
    assert value(recorded, IRX, YAHOO, "2020-03-26") == -0.105
    assert value(recorded, DTB3, FRED, "2015-10-01") == -0.02


def test_2023_10_09_columbus_day_is_still_on_the_rate_of_the_week_before(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    assert value(recorded, DTB3, FRED, "2023-10-09") is None
    tbill, row = recorded_signals.inputs.tbill, recorded_signals.row(D("2023-10-09"))
    assert (str(tbill.observed_on[row]), tbill.origin[row]) == ("2023-10-02", PRIMARY)
    assert tbill.rate[row] == pytest.approx(0.0535)
    assert (str(tbill.observed_on[row + 1]), round(float(tbill.rate[row + 1]), 6)) == ("2023-10-10", 0.0534)


def test_2026_01_06_the_fred_rates_end_and_irx_takes_over(
    recorded: MarketData, recorded_signals: VeqtorSignals
) -> None:
    for series in (DTB3, DFF):
        assert str(recorded[series, FRED].days[-1]) == "2026-01-06"

    def rates(day: str) -> list[tuple[str, str, str]]:
        used = inputs_on(recorded_signals, day)
        return [
            (used[label].series, str(used[label].day), used[label].severity)
            for label in ("overnight rate", "T-bill rate")
        ]

    # A session's returns are earned at the rates of the close before.
    assert rates("2026-01-07") == [(DFF, "2026-01-06", OK), (DTB3, "2026-01-05", OK)]
    assert rates("2026-01-08") == [(DFF, "2026-01-06", DEGRADED), (DTB3, "2026-01-05", OK)]
    assert rates("2026-01-12") == [(DFF, "2026-01-06", DEGRADED), (DTB3, "2026-01-05", OK)]
    assert rates("2026-01-13") == [(IRX, "2026-01-12", DEGRADED), (IRX, "2026-01-12", DEGRADED)]
    inputs, row = recorded_signals.inputs, recorded_signals.row(D("2026-01-12"))
    assert inputs.overnight.origin[row - 1 : row + 1].tolist() == [CARRIED, SUBSTITUTE]
    # The bill rate as it is; the overnight rate as a money-market yield.
    assert inputs.tbill.rate[row] == pytest.approx(0.03533)
    assert inputs.overnight.rate[row] == pytest.approx(0.03533 / (1 - 0.03533 * 91 / 360))
