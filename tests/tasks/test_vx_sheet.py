"""Settlements by trade date."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.calendar import MONTH_CODES, trading_calendar
from signals.errors import DataQualityError
from signals.market import Observations
from tasks.sources.cboe import settlement_files
from tasks.sources.formats import CBOE_VX_SHEET, parse
from tasks.sources.payload import Payload

NOW = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)
DAY = dt.date(2026, 9, 1)
HEADER = "Product,Symbol,Expiration Date,Price"

SEPTEMBER = "VX,VX/U6,2026-09-16,17.2528"
OCTOBER = "VX,VX/V6,2026-10-21,18.8535"
NOVEMBER = "VX,VX/X6,2026-11-18,19.3489"


def payload(*rows: str, day: str = str(DAY)) -> Payload:
    body = "".join(f"{line}\r\n" for line in (HEADER, *rows)).encode()
    return Payload(CBOE_VX_SHEET, day, f"recorded/{day}.csv", body, NOW, assumed_availability=True)


def curve(*rows: str, day: str = str(DAY)) -> dict[str, float]:
    found = parse(payload(*rows, day=day))
    assert {each.publisher for each in found} <= {"cboe-sheet"}
    assert {str(each.days[0]) for each in found} <= {day}
    return {each.series: one(each) for each in found}


def one(found: Observations) -> float:
    (value,) = found.values.tolist()
    return float(value)


def refuse(*rows: str, day: str = str(DAY)) -> str:
    with pytest.raises(DataQualityError) as caught:
        parse(payload(*rows, day=day))
    message = str(caught.value)
    assert message.startswith(f"recorded/{day}.csv")
    return message


def test_the_monthly_contracts_are_read_and_nothing_else() -> None:
    found = curve(
        "VX,VX35/U6,2026-09-02,17.2528",
        SEPTEMBER,
        "VX,VX38/U6,2026-09-23,17.2528",
        OCTOBER,
        "VXM,VXM/U6,2026-09-16,17.2528",
        "VA,VA/U6,2026-09-18,194.25",
    )
    assert found == {"VX.2026-09-16": 17.2528, "VX.2026-10-21": 18.8535}


def test_the_rows_need_no_order_and_may_leave_months_out() -> None:
    assert list(curve(NOVEMBER, SEPTEMBER)) == ["VX.2026-09-16", "VX.2026-11-18"]


@pytest.mark.parametrize("price", ["", "0", "0.0000", " "])
def test_a_price_of_zero_or_nothing_is_no_settlement(price: str) -> None:
    assert list(curve(f"VX,VX/U6,2026-09-16,{price}", OCTOBER)) == ["VX.2026-10-21"]


def test_on_its_expiry_day_a_contract_may_be_listed_and_is_not_read() -> None:
    day = "2026-09-16"
    assert list(curve(SEPTEMBER, OCTOBER, day=day)) == ["VX.2026-10-21"]
    assert list(curve(OCTOBER, day=day)) == ["VX.2026-10-21"]


def test_a_curve_without_its_first_contract_is_the_curve_of_a_later_day() -> None:
    message = refuse(OCTOBER, NOVEMBER)
    assert (
        "expected the curve of 2026-09-01, whose first monthly contract expires on 2026-09-16, got a shifted "
        in message
    )
    assert (
        "curve, whose first expires on 2026-10-21. The publisher answered with the settlements of another day"
        in message
    )


def test_a_curve_with_an_expired_contract_is_the_curve_of_an_earlier_day() -> None:
    message = refuse(SEPTEMBER, OCTOBER, day="2026-09-17")
    assert (
        "whose first monthly contract expires on 2026-10-21, got a shifted curve, whose first expires on 2026-09-16."
        in (message)
    )


def test_a_sheet_without_monthly_contracts_is_refused() -> None:
    assert "got no monthly contract." in refuse("VXM,VXM/U6,2026-09-16,17.2528")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "VX,VX/V6,2026-09-16,17.25",
            "expected a contract of VX that expires in the month of 'VX/V6', got 'VX', 2026-09-16.",
        ),
        (
            "VX,VX/U7,2026-09-16,17.25",
            "expected a contract of VX that expires in the month of 'VX/U7', got 'VX', 2026-09-16.",
        ),
        (
            "VXM,VX/U6,2026-09-16,17.25",
            "expected a contract of VX that expires in the month of 'VX/U6', got 'VXM', 2026-",
        ),
        ("VX,VX/U6,2026-09-23,17.25", "expected the monthly expiry of September 2026, got 2026-09-23."),
        ("VX,VX/U6,09/31/2026,17.25", "expected a date as yyyy-mm-dd or mm/dd/yyyy, got '09/31/2026'."),
        ("VX,VXU6,2026-09-16,17.25", "expected a symbol such as 'VX/U6' or 'VX38/U6', got 'VXU6'."),
        ("VX,VX/A6,2026-09-16,17.25", "expected a symbol such as 'VX/U6' or 'VX38/U6', got 'VX/A6'."),
        ("VX,VX/U6,2026-09-16,n/a", "expected a number, got 'n/a'."),
        (
            "VX,VX/U6,2026-09-16,1725",
            "expected VX.2026-09-16 between 5 and 250 points (closes of the VIX since 1990 lie ",
        ),
        ("VX,VX/U6,2026-09-16,-17", "expected VX.2026-09-16 between 5 and 250 points"),
        ("VX,VX/U6,2026-09-16", "expected 4 fields, got 3: 'VX,VX/U6,2026-09-16'."),
        ("VX,VX/V6,2026-10-21,18.9", "expected each contract once, got that of 2026-10-21 again, as in line 2."),
    ],
)
def test_a_wrong_row_is_named(row: str, said: str) -> None:
    assert f"recorded/2026-09-01.csv, line 3: {said}" in refuse(OCTOBER, row)


@pytest.mark.parametrize("day", ["", "20260901", "2026-9-1", "2026-02-30", "2003-12-31", "2026-11-21", "2026-09-01 "])
def test_a_name_that_is_no_day_up_to_the_reading_is_refused(day: str) -> None:
    assert "expected a file named <yyyy-mm-dd>, for a day from 2004-01-02 to the one on which it was read" in refuse(
        SEPTEMBER, day=day
    )


def test_a_sheet_is_asked_for_by_its_day() -> None:
    (file,) = settlement_files("https://www.example", [DAY])
    assert file.url == "https://www.example/us/futures/market_statistics/settlement/csv/?dt=2026-09-01"
    assert (file.format, file.subject) == (CBOE_VX_SHEET, "2026-09-01")


def row(expiry: dt.date, price: float) -> str:
    return f"VX,VX/{MONTH_CODES[expiry.month - 1]}{expiry.year % 10},{expiry},{price!r}"


@st.composite
def curves(draw: st.DrawFn) -> tuple[dt.date, Mapping[dt.date, float]]:
    """A day, and the settlements of some of its nine contracts, the first among them."""
    day = draw(st.dates(dt.date(2004, 1, 2), NOW.date()))
    first, *others = [expiry for expiry in trading_calendar().vx_expiries.tolist() if expiry > day][:9]
    listed = [first, *draw(st.lists(st.sampled_from(others), unique=True))]
    return day, {expiry: draw(st.floats(5.0, 250.0)) for expiry in listed}


quickly = settings(max_examples=30, deadline=None)


@quickly
@given(curves(), st.randoms())
def test_a_curve_is_read_exactly_as_written(
    written: tuple[dt.date, Mapping[dt.date, float]], chance: random.Random
) -> None:
    day, prices = written
    rows = [row(expiry, price) for expiry, price in prices.items()]
    chance.shuffle(rows)
    found = curve(*rows, day=str(day))
    assert found == {f"VX.{expiry}": prices[expiry] for expiry in sorted(prices)}


@quickly
@given(curves(), st.data())
def test_any_one_broken_cell_is_refused_with_its_line(
    written: tuple[dt.date, Mapping[dt.date, float]], data: st.DataObject
) -> None:
    day, prices = written
    rows = [row(expiry, price) for expiry, price in prices.items()]
    broken = data.draw(st.integers(0, len(rows) - 1))
    cells = rows[broken].split(",")
    place = data.draw(st.integers(1, 3))
    cells[place] = data.draw(st.sampled_from(["#N/A", "VX/Y6", "2026-13-01", "1O.5", "-1", "9e9", "\u0661"]))
    rows[broken] = ",".join(cells)
    assert f".csv, line {broken + 2}: expected " in refuse(*rows, day=str(day))


@quickly
@given(curves())
def test_a_curve_without_its_first_contract_is_always_refused(written: tuple[dt.date, Mapping[dt.date, float]]) -> None:
    day, prices = written
    rows = [row(expiry, price) for expiry, price in prices.items()][1:]
    message = refuse(*rows, day=str(day)) if rows else refuse("VXM,VXM/U6,2026-09-16,17.2528", day=str(day))
    assert f"whose first monthly contract expires on {min(prices)}, got " in message
