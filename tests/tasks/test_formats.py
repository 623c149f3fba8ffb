from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.calendar import trading_calendar
from signals.errors import DataQualityError, TailguardError
from signals.market import Observations
from signals.series import spec
from tasks.sources.formats import (
    CBOE_INDEX,
    CBOE_VX_ARCHIVE,
    CBOE_VX_CONTRACT,
    FRED_OBSERVATIONS,
    FRED_SERIES,
    OWN_SERIES,
    YAHOO_HISTORY,
    parse,
)
from tasks.sources.payload import Payload

NOW = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)
D = dt.date.fromisoformat


@dataclass(frozen=True)
class Sample:
    """One published file: how it is named and how its rows are written."""

    format: str
    subject: str
    series: str
    header: str
    row: Callable[[dt.date, str], str]

    def body(self, *rows: str, line_end: str = "\n") -> str:
        return "".join(line + line_end for line in (self.header, *rows))

    def table(self, **values: str) -> str:
        """A body from keywords such as d20200303="14.30"."""
        return self.body(*(self.row(D(f"{key[1:5]}-{key[5:7]}-{key[7:]}"), value) for key, value in values.items()))

    def payload(self, body: str | bytes, subject: str | None = None) -> Payload:
        content = body.encode() if isinstance(body, str) else body
        name = subject or self.subject
        return Payload(self.format, name, f"recorded/{name}.csv", content, NOW, assumed_availability=True)

    def read(self, body: str | bytes, subject: str | None = None) -> Observations:
        """The series the file is read for; what else is in it comes after that."""
        found, *others = parse(self.payload(body, subject))
        assert not others or self.subject in ("VIX", "SPY")
        return found

    def read_all(self, *rows: str) -> dict[str, dict[str, float]]:
        """Every series by its name."""
        return {found.series: on(found) for found in parse(self.payload(self.body(*rows)))}

    def refuse(self, body: str | bytes, subject: str | None = None) -> str:
        """What the parser says when it refuses a body. It always names the file."""
        with pytest.raises(DataQualityError) as caught:
            parse(self.payload(body, subject))
        message = str(caught.value)
        assert message.startswith(f"recorded/{subject or self.subject}.csv")
        return message


VX_HEADER = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest"
YAHOO_HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"

CONTRACT = Sample(
    CBOE_VX_CONTRACT,
    "VX_2020-10-21",
    "VX.2020-10-21",
    VX_HEADER,
    lambda day, value: f"{day},V (Oct 2020),0,0,0,0,{value},0,0,0,0",
)
ARCHIVE = Sample(
    CBOE_VX_ARCHIVE,
    "CFE_V12_VX",
    "VX.2012-10-17",
    VX_HEADER,
    lambda day, value: f"{day:%m/%d/%Y},V (Oct 12),0,0,0,0,{value},0,0,0,0",
)
VVIX = Sample(CBOE_INDEX, "VVIX", "VVIX", "DATE,VVIX", lambda day, value: f"{day:%m/%d/%Y},{value}")
SKEW = Sample(CBOE_INDEX, "SKEW", "SKEW", "DATE,SKEW", lambda day, value: f"{day:%m/%d/%Y},{value}")
VIX3M, VIX6M, VIX9D = (
    Sample(CBOE_INDEX, name, name, "DATE,OPEN,HIGH,LOW,CLOSE", lambda day, value: f"{day:%m/%d/%Y},1,9,0,{value}")
    for name in ("VIX3M", "VIX6M", "VIX9D")
)
VIX = Sample(
    CBOE_INDEX,
    "VIX",
    "VIX",
    "DATE,OPEN,HIGH,LOW,CLOSE",
    lambda day, value: f"{day:%m/%d/%Y},2.58,0,28.13,{value}",
)
SPX = Sample(CBOE_INDEX, "SPX", "SPX", "DATE,SPX", lambda day, value: f"{day:%m/%d/%Y},{value}")
GSPC = Sample(YAHOO_HISTORY, "GSPC", "SPX", YAHOO_HEADER, lambda day, value: f"{day},,,,{value},1.0,0")
SPY = Sample(YAHOO_HISTORY, "SPY", "SPY.adjusted", YAHOO_HEADER, lambda day, value: f"{day},1,1,1,1,{value},")
IRX = Sample(YAHOO_HISTORY, "IRX", "IRX", YAHOO_HEADER, lambda day, value: f"{day},,,,{value},,")
DTB3 = Sample(FRED_SERIES, "DTB3", "DTB3", "observation_date,DTB3", lambda day, value: f"{day},{value}")

RBUSBIS, GDPC1 = (
    Sample(FRED_SERIES, name, name, f"observation_date,{name}", lambda day, value: f"{day},{value}")
    for name in ("RBUSBIS", "GDPC1")
)
XLK = Sample(YAHOO_HISTORY, "XLK", "XLK.return", YAHOO_HEADER, lambda day, value: f"{day},1,1,1,1,{value},5")
BREADTH = Sample(
    OWN_SERIES,
    "nyse_advance_decline",
    "NYSE.advances",
    "date,advances,declines",
    lambda day, value: f"{day},{value},9",
)
EQUITY_PE = Sample(OWN_SERIES, "equity_pe", "EQUITY.PE", "date,value", lambda day, value: f"{day},{value}")

every_format = pytest.mark.parametrize("sample", [CONTRACT, ARCHIVE, VIX, GSPC, DTB3], ids=lambda sample: sample.format)


def typical(sample: Sample) -> str:
    """A plausible value of the series, as text."""
    units = {"points": "120.50", "USD": "120.50", "percent": "2.30", "index": "101.52", "billion USD": "19032.6"}
    return units[spec(sample.series).unit]


def on(found: Observations) -> dict[str, float]:
    return {str(day): float(value) for day, value in zip(found.days, found.values, strict=True)}


@pytest.mark.parametrize(
    "sample",
    [CONTRACT, ARCHIVE, VIX, VIX3M, VIX6M, VIX9D, VVIX, SKEW, SPX, GSPC, SPY, IRX, DTB3, RBUSBIS, GDPC1],
)
def test_a_sound_file_gives_its_series_day_by_day(sample: Sample) -> None:
    found = sample.read(sample.table(d20120305=typical(sample), d20120306=typical(sample)))
    value = float(typical(sample))
    assert found.series == sample.series
    assert on(found) == {"2012-03-05": value, "2012-03-06": value}
    assert found.payloads.tolist() == [0, 0]


@every_format
def test_windows_line_ends_and_a_byte_order_mark_change_nothing(sample: Sample) -> None:
    row = sample.row(D("2012-03-05"), typical(sample))
    found = sample.read(b"\xef\xbb\xbf" + sample.body(row, line_end="\r\n").encode())
    assert on(found) == {"2012-03-05": float(typical(sample))}


def test_only_the_settlement_of_a_contract_is_read() -> None:
    found = CONTRACT.read(CONTRACT.body("2020-03-05,V (Oct 2020),1,0,oops,,19.30,-14.02,0,0,"))
    assert on(found) == {"2020-03-05": 19.30}
    assert found.publisher == "cboe"


def test_the_close_of_the_vix_is_read_whatever_stands_beside_it() -> None:
    assert VIX.read_all("11/08/2004,2.58,0,oops,13.80", "11/09/2004,13.9,14.1,13.2,13.4") == {
        "VIX": {"2004-11-08": 13.80, "2004-11-09": 13.40},
        # An open of 2.58 is a value, which whoever uses it has to judge; 0 and "oops" are none.
        "VIX.open": {"2004-11-08": 2.58, "2004-11-09": 13.9},
        "VIX.high": {"2004-11-09": 14.1},
        "VIX.low": {"2004-11-09": 13.2},
    }
    assert VIX.read_all("11/08/2004,,,,13.80") == {"VIX": {"2004-11-08": 13.80}}


def test_a_history_of_the_vix_with_closes_alone_is_read() -> None:
    (found,) = parse(VIX.payload("DATE,CLOSE\n11/08/2004,13.80\n"))
    assert (found.series, on(found)) == ("VIX", {"2004-11-08": 13.80})


def test_of_an_index_other_than_the_vix_the_close_alone_is_read() -> None:
    assert list(VIX3M.read_all(VIX3M.row(D("2012-03-05"), "18.05"))) == ["VIX3M"]


def test_the_fund_is_read_from_its_adjusted_close() -> None:
    assert SPY.read_all("2020-03-05,,,,302.46,281.77,", "2020-03-06,,,,297.46,277.11,228667200") == {
        "SPY.adjusted": {"2020-03-05": 281.77, "2020-03-06": 277.11},
        "SPY.close": {"2020-03-05": 302.46, "2020-03-06": 297.46},
        "SPY.volume": {"2020-03-06": 228667200.0},
    }


@pytest.mark.parametrize("nothing", ["", "0", "-5", "many", "NaN", "1e999"])
def test_a_fund_without_a_sound_volume_or_close_has_none_that_day_and_is_read(nothing: str) -> None:
    assert SPY.read_all(f"2020-03-05,,,,{nothing},281.77,{nothing}") == {"SPY.adjusted": {"2020-03-05": 281.77}}
    bare = parse(SPY.payload("Date,Adj Close\n2020-03-05,281.77\n"))
    assert [found.series for found in bare] == ["SPY.adjusted"]


# Returns of funds.


def test_of_a_sector_fund_the_returns_between_adjusted_closes_are_read() -> None:
    # A Friday, then Monday and Tuesday; the first row has nothing before it.
    found = XLK.read_all(
        XLK.row(D("2020-03-06"), "90.00"), XLK.row(D("2020-03-09"), "82.80"), XLK.row(D("2020-03-10"), "87.9336")
    )
    assert found == {"XLK.return": {"2020-03-09": -0.08, "2020-03-10": 0.062}}


def test_a_return_leads_from_one_session_to_the_next_and_no_further() -> None:
    rows = ["90.00", "", "91.00", "92.82"]
    days = ["2020-03-09", "2020-03-10", "2020-03-11", "2020-03-12"]
    found = XLK.read_all(*(XLK.row(D(day), price) for day, price in zip(days, rows, strict=True)))
    assert found == {"XLK.return": {"2020-03-12": 0.02}}
    # 2020-04-10 is Good Friday: a row of it is no close, and a blank one no gap.
    for holiday in ("", "77.00"):
        rows = [XLK.row(D("2020-04-09"), "80.00"), XLK.row(D("2020-04-10"), holiday), XLK.row(D("2020-04-13"), "79.20")]
        assert XLK.read_all(*rows) == {"XLK.return": {"2020-04-13": -0.01}}


def test_prices_that_were_adjusted_again_give_the_same_returns() -> None:
    prices = np.cumprod(np.concatenate([[83.17], np.random.default_rng(7).normal(1.0, 0.012, 250)]))
    days = np.array(trading_calendar().sessions_in(D("2019-01-02"), D("2020-12-31"))[: len(prices)]).tolist()

    def returns(factor: float) -> dict[str, float]:
        # As Yahoo gives them: through single precision, in six decimals.
        texts = [f"{float(np.float32(price * factor)):.6f}" for price in prices.tolist()]
        return XLK.read_all(*(XLK.row(day, text) for day, text in zip(days, texts, strict=True)))["XLK.return"]

    before, after = returns(1.0), returns(0.9931)
    assert before.keys() == after.keys()
    assert len(before) == 250
    assert max(abs(before[day] - after[day]) for day in before) < 1.1e-5
    assert sum(before[day] != after[day] for day in before) < 15


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ("0", "line 3: expected a price above 0, got 0."),
        ("-4", "line 3: expected a price above 0, got -4."),
        ("NaN", "line 3: expected a number, got 'NaN'."),
        ("45", "line 3: expected XLK.return between -0.6 and 1 decimal (since 1998 no sector fund"),
        ("182", "line 3: expected XLK.return between -0.6 and 1 decimal (since 1998 no sector fund"),
    ],
)
def test_a_price_of_a_fund_that_cannot_be_is_refused(price: str, said: str) -> None:
    before = "120" if price == "45" else "90"
    message = XLK.refuse(XLK.body(XLK.row(D("2020-03-06"), before), XLK.row(D("2020-03-09"), price)))
    assert said in message


# Months and quarters.


@pytest.mark.parametrize(("sample", "first"), [(RBUSBIS, "1994-01-01"), (GDPC1, "2002-01-01")])
def test_a_series_by_month_or_quarter_is_kept_from_before_the_sessions(sample: Sample, first: str) -> None:
    rows = [sample.row(D(day), typical(sample)) for day in ("1993-10-01", first, "2004-01-01", "2004-04-01")]
    assert list(on(sample.read(sample.body(*rows)))) == [first, "2004-01-01", "2004-04-01"]


# Tables that somebody keeps.


def test_advances_and_declines_are_two_series() -> None:
    rows = ["2020-03-16,120,2900", "2020-03-17,,", "2020-03-18,0,3010"]
    assert BREADTH.read_all(*rows) == {
        "NYSE.advances": {"2020-03-16": 120.0, "2020-03-18": 0.0},
        "NYSE.declines": {"2020-03-16": 2900.0, "2020-03-18": 3010.0},
    }
    message = BREADTH.refuse(BREADTH.body("2020-03-16,-1,2900"))
    assert "line 2: expected NYSE.advances between 0 and 10000 issues" in message
    assert "got no column declines." in BREADTH.refuse("date,advances\n2020-03-16,120\n")


def test_a_price_earnings_ratio_is_a_date_and_a_value() -> None:
    assert EQUITY_PE.read_all("2020-03-31,19.6", "2020-06-30,22.2") == {
        "EQUITY.PE": {"2020-03-31": 19.6, "2020-06-30": 22.2}
    }
    assert "line 2: expected EQUITY.PE between 1 and 1000 ratio" in EQUITY_PE.refuse(EQUITY_PE.body("2020-03-31,0"))


@pytest.mark.parametrize(
    ("sample", "column"), [(CONTRACT, "Settle"), (ARCHIVE, "Futures"), (VIX, "CLOSE"), (GSPC, "Close"), (DTB3, "DTB3")]
)
def test_a_missing_column_is_named(sample: Sample, column: str) -> None:
    header = ",".join("Other" if name == column else name for name in sample.header.split(","))
    message = sample.refuse(f"{header}\n{sample.row(D('2012-03-05'), typical(sample))}\n")
    assert "expected a header with the columns" in message
    assert f"got no column {column}." in message


@every_format
def test_a_file_of_something_else_is_refused_with_its_first_line(sample: Sample) -> None:
    message = sample.refuse("day;value\n2012-03-05;1\n")
    assert "expected a header with the columns" in message
    assert "got 'day;value' as the first line" in message


@every_format
@pytest.mark.parametrize("prefix", [b"", b"\n  ", b"\xef\xbb\xbf"], ids=["plain", "indented", "byte-order-mark"])
def test_an_html_page_is_no_csv_file(sample: Sample, prefix: bytes) -> None:
    message = sample.refuse(prefix + b"<!DOCTYPE html><html>Too Many Requests</html>\n")
    assert "expected a CSV file, got an HTML page: b'<!DOCTYPE html>" in message


@every_format
@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_an_empty_file_is_refused(sample: Sample, body: bytes) -> None:
    assert "expected a CSV file, got an empty one." in sample.refuse(body)


@every_format
@pytest.mark.parametrize("below", ["", "\n", "\r\n\r\n"])
def test_a_header_alone_is_refused(sample: Sample, below: str) -> None:
    message = sample.refuse(f"{sample.header}\n{below}")
    assert "expected at least one row, got a header and nothing below." in message


@every_format
def test_a_day_given_twice_is_refused(sample: Sample) -> None:
    row = sample.row(D("2012-03-05"), typical(sample))
    message = sample.refuse(sample.body(row, row))
    assert "csv, line 3: expected dates in ascending order, each once, got 2012-03-05 a second time." in message


@every_format
def test_a_day_out_of_order_is_refused(sample: Sample) -> None:
    message = sample.refuse(sample.table(d20120306=typical(sample), d20120305=typical(sample)))
    assert "csv, line 3: expected dates in ascending order, each once, got 2012-03-05 after 2012-03-06." in message


@pytest.mark.parametrize("sample", [CONTRACT, ARCHIVE, VIX, SPX, GSPC, SPY])
def test_a_negative_price_is_refused(sample: Sample) -> None:
    message = sample.refuse(sample.table(d20120305=typical(sample), d20120306="-" + typical(sample)))
    assert f"csv, line 3: expected {sample.series} between" in message
    assert "got -120.5." in message


@pytest.mark.parametrize("sample", [IRX, DTB3])
def test_a_negative_interest_rate_is_a_rate(sample: Sample) -> None:
    assert on(sample.read(sample.table(d20200326="-0.105"))) == {"2020-03-26": -0.105}


@pytest.mark.parametrize("sample", [VIX, SPX, GSPC, SPY])
def test_a_price_of_zero_is_refused(sample: Sample) -> None:
    message = sample.refuse(sample.table(d20120305="0.000000"))
    assert f"csv, line 2: expected {sample.series} between" in message
    assert "got 0." in message


@pytest.mark.parametrize("sample", [CONTRACT, ARCHIVE])
@pytest.mark.parametrize("nothing", ["0", "0.00", "", " "])
def test_a_settlement_of_zero_or_nothing_means_no_trade(sample: Sample, nothing: str) -> None:
    found = sample.read(sample.table(d20120305=nothing, d20120306="19.30"))
    assert on(found) == {"2012-03-06": 19.30}


@pytest.mark.parametrize("sample", [VIX, GSPC, SPY, IRX, DTB3])
def test_a_blank_cell_means_no_value(sample: Sample) -> None:
    found = sample.read(sample.table(d20120305=typical(sample), d20120306="", d20120307=typical(sample)))
    assert [str(day) for day in found.days] == ["2012-03-05", "2012-03-07"]


@every_format
@pytest.mark.parametrize(
    "cell",
    ["NaN", "nan", "inf", "-Infinity", "1e999", "null", "1_4.3", "14.3O", "1\u0664", "14.3\x1f", "\t", "$14", '"14.3"'],
)
def test_a_cell_that_is_no_number_is_refused(sample: Sample, cell: str) -> None:
    message = sample.refuse(sample.table(d20120305=typical(sample), d20120306=cell))
    assert f"csv, line 3: expected a number, got {cell!r}." in message


def test_a_stray_quote_is_blamed_on_its_own_line() -> None:
    # A CSV reader would take everything up to the next quote for one cell, and fail on a long file.
    days = np.arange("2004-01-05", "2026-01-05", dtype="datetime64[D]").tolist()
    rows = [SPX.row(day, '"1200.000000' if number == 3 else "1200.000000") for number, day in enumerate(days)]
    body = SPX.body(*rows)
    assert len(body) > 131_072
    assert "csv, line 5: expected a number, got '\"1200.000000'." in SPX.refuse(body)


@every_format
@pytest.mark.parametrize("cut", [1, 4])
def test_a_file_cut_off_in_its_last_line_is_refused(sample: Sample, cut: int) -> None:
    whole = sample.table(d20120305=typical(sample), d20120306=typical(sample))
    message = sample.refuse(whole[:-cut])
    assert "csv, line 3: expected a line end after the last row, got" in message
    assert "cut off. The file was only half written" in message


@every_format
def test_a_row_with_too_few_fields_is_refused(sample: Sample) -> None:
    body = sample.table(d20120305=typical(sample)) + "2012-03-06\n"
    count = len(sample.header.split(","))
    assert f"csv, line 3: expected {count} fields, got 1: '2012-03-06'." in sample.refuse(body)


@every_format
def test_a_row_with_a_field_too_many_is_refused(sample: Sample) -> None:
    body = sample.body(sample.row(D("2012-03-05"), typical(sample)) + ",9")
    count = len(sample.header.split(","))
    assert f"csv, line 2: expected {count} fields, got {count + 1}:" in sample.refuse(body)


@pytest.mark.parametrize("commas", [",", ",,"])
def test_commas_at_the_end_of_an_archive_row_are_no_fields(commas: str) -> None:
    found = ARCHIVE.read(ARCHIVE.body(ARCHIVE.row(D("2012-03-05"), "19.30") + commas))
    assert on(found) == {"2012-03-05": 19.30}


@every_format
def test_blank_lines_are_no_rows_and_do_not_shift_line_numbers(sample: Sample) -> None:
    row = sample.row(D("2012-03-05"), typical(sample))
    assert "csv, line 5:" in sample.refuse(sample.body("", row, "", row))


@every_format
def test_bytes_that_are_no_utf8_are_refused(sample: Sample) -> None:
    body = sample.table(d20120305=typical(sample)).encode() + b"\xe9\n"
    assert f"expected text in UTF-8, got the byte 0xe9 at position {len(body) - 2}." in sample.refuse(body)


def test_the_position_of_a_wrong_byte_counts_a_byte_order_mark() -> None:
    message = DTB3.refuse(b"\xef\xbb\xbfobservation_date,DTB3\n2012-03-05,\xff\n")
    assert "got the byte 0xff at position 36." in message


def test_a_disclaimer_above_the_header_is_skipped_and_counted() -> None:
    sound = "CFE data is compiled for the convenience, of visitors.\n" + ARCHIVE.table(d20120305="19.30")
    assert on(ARCHIVE.read(sound)) == {"2012-03-05": 19.30}
    assert "csv, line 4: expected a number, got 'oops'." in ARCHIVE.refuse(
        sound + ARCHIVE.row(D("2012-03-06"), "oops") + "\n"
    )


def test_dates_with_and_without_leading_zeros_may_share_a_file() -> None:
    rows = [f"{day},V (Oct 12),0,0,0,0,19.30,,0,0,0" for day in ("3/5/2012", "03/06/2012", "3/07/2012", "10/1/2012")]
    assert list(on(ARCHIVE.read(ARCHIVE.body(*rows)))) == ["2012-03-05", "2012-03-06", "2012-03-07", "2012-10-01"]


@every_format
@pytest.mark.parametrize(
    "cell",
    [
        "2020-02-31",
        "02/31/2020",
        "13/01/2020",
        "2020-3-5",
        "03/05/20",
        "5.3.2020",
        "",
        "2020-03-05T00:00",
        "2020-03-0\u0665",
    ],
)
def test_a_day_that_does_not_exist_or_is_written_otherwise_is_refused(sample: Sample, cell: str) -> None:
    row = sample.row(D("2012-03-05"), typical(sample))
    body = sample.body(row, cell + row[row.index(",") :])
    message = sample.refuse(body)
    assert f"csv, line 3: expected a date as yyyy-mm-dd or mm/dd/yyyy, got {cell!r}." in message


@pytest.mark.parametrize(
    ("sample", "label", "other"),
    [(CONTRACT, "V (Oct 2020)", "X (Nov 2020)"), (ARCHIVE, "V (Oct 12)", "V (Oct 13)")],
)
def test_a_row_of_another_contract_is_refused(sample: Sample, label: str, other: str) -> None:
    body = sample.table(d20120305="19.30", d20120306="19.40")
    position = body.rindex(label)
    message = sample.refuse(body[:position] + other + body[position + len(label) :])
    assert f"csv, line 3: expected contract {label!r}, got {other!r}." in message


@pytest.mark.parametrize(
    ("sample", "subject"),
    [
        (CONTRACT, "VX_2020-10-14"),  # a weekly contract
        (CONTRACT, "VX_2020-02-31"),
        (CONTRACT, "VX_2020-10-21 (1)"),
        (CONTRACT, "VX_20201021"),
        (CONTRACT, "VX_2003-12-17"),
        (ARCHIVE, "CFE_A12_VX"),
        (ARCHIVE, "CFE_V12_VX copy"),
        (ARCHIVE, "CFE_Z03_VX"),  # before the first contract
        (ARCHIVE, "CFE_F99_VX"),  # beyond the calendar
        (VIX, "VXN"),
        (GSPC, "AAPL"),
        (DTB3, "DGS10"),
    ],
)
def test_a_file_named_for_nothing_known_is_refused(sample: Sample, subject: str) -> None:
    message = sample.refuse(sample.table(d20120305="19.30"), subject)
    assert "expected a file named" in message
    assert f"got {subject!r}. Rename or remove it." in message


@pytest.mark.parametrize(
    ("sample", "cell", "said"),
    [
        (CONTRACT, "1930", "VX.2020-10-21 between 5 and 250 points ({implied}), got 1930."),
        (ARCHIVE, "1.00", "VX.2012-10-17 between 5 and 250 points ({implied}), got 1."),
        (VIX, "4.99", "VIX between 5 and 250 points ({implied}), got 4.99."),
        (GSPC, "13.43", "SPX between 100 and 1e+06 points ({level}), got 13.43."),
        (SPY, "0.5", "SPY.adjusted between 1 and 100000 USD ({level}), got 0.5."),
        (DTB3, "230", "DTB3 between -3 and 25 percent ({rate}), got 230."),
    ],
)
def test_a_value_wrong_by_an_order_of_magnitude_is_refused_with_why(sample: Sample, cell: str, said: str) -> None:
    why = said.format(
        implied="closes of the VIX since 1990 lie between 9 and 83",
        level="since 2004 no close was below 600; ten times today's level is no close of the next years",
        rate="since 1976 bills paid between -0.1 and 17",
    )
    assert f"csv, line 2: expected {why}" in sample.refuse(sample.table(d20120305=cell))


@pytest.mark.parametrize("sample", [VIX, GSPC, DTB3])
def test_a_day_after_the_file_was_read_is_refused(sample: Sample) -> None:
    body = sample.table(d20261120="14.30" if sample is not GSPC else "6600", d20271119="14.30")
    assert "line 3: expected a day up to 2026-11-20, when it was read, got 2027-11-19, in the future" in sample.refuse(
        body
    )


def test_rows_before_2004_are_left_out_and_not_held_to_the_range() -> None:
    assert on(GSPC.read(GSPC.table(d19320601="4.40", d20031231="1111.92", d20040102="1108.48"))) == {
        "2004-01-02": 1108.48
    }


def test_prices_before_2007_03_26_are_tenfold() -> None:
    rows = [
        f"{day},J (Apr 07),0,0,0,0,{settle},0,0,0,0"
        for day, settle in (("03/23/2007", "133.30"), ("03/26/2007", "13.38"))
    ]
    found = ARCHIVE.read(ARCHIVE.body(*rows), "CFE_J07_VX")
    assert on(found) == {"2007-03-23": pytest.approx(13.33), "2007-03-26": 13.38}


def test_a_wrong_print_that_its_publisher_mends_is_used() -> None:
    row = "04/21/2008,F (Jan 09),0,0,0,0,{},0,0,0,0"
    assert on(ARCHIVE.read(ARCHIVE.body(row.format("1.00")), "CFE_F09_VX")) == {}
    assert on(ARCHIVE.read(ARCHIVE.body(row.format("23.20")), "CFE_F09_VX")) == {"2008-04-21": 23.20}


quickly = settings(max_examples=10, deadline=None)


def sound(found: list[Observations]) -> None:
    for item in found:
        assert (np.diff(item.days.astype(np.int64)) > 0).all()
        assert np.isfinite(item.values).all()
        assert len(item.days) == len(item.values) == len(item.payloads)


def sound_or_refused(payload: Payload) -> list[Observations] | None:
    try:
        found = parse(payload)
    except TailguardError:
        return None
    sound(found)
    return found


csv_like = st.text(alphabet="0123456789.,-/eE+\"' \t\r\n\x00\x0b\x1c\x85\u2028é()VOctJan", max_size=120)


@every_format
@quickly
@given(st.data())
def test_whatever_the_bytes_they_are_read_soundly_or_refused(sample: Sample, data: st.DataObject) -> None:
    above = data.draw(st.sampled_from(["", "\ufeff", sample.header + "\n"])).encode()
    below = data.draw(st.binary(max_size=120) | csv_like.map(str.encode))
    sound_or_refused(sample.payload(above + below))


@st.composite
def tables(draw: st.DrawFn, sample: Sample) -> dict[dt.date, float]:
    limits = spec(sample.series)
    # From the day on which a VX price is a VX price.
    days = draw(st.lists(st.dates(D("2007-03-26"), NOW.date()), min_size=1, max_size=12, unique=True))
    return {day: draw(st.floats(limits.lowest, limits.highest)) for day in sorted(days)}


def written(sample: Sample, table: dict[dt.date, float], line_end: str) -> bytes:
    return sample.body(*(sample.row(day, repr(value)) for day, value in table.items()), line_end=line_end).encode()


line_ends = st.sampled_from(["\n", "\r\n"])


@every_format
@quickly
@given(st.data())
def test_a_sound_table_is_read_exactly_as_written(sample: Sample, data: st.DataObject) -> None:
    table = data.draw(tables(sample))
    found = sample.read(written(sample, table, data.draw(line_ends)))
    assert dict(zip(found.days.tolist(), found.values.tolist(), strict=True)) == table


@every_format
@quickly
@given(st.data())
def test_rows_in_any_other_order_are_refused(sample: Sample, data: st.DataObject) -> None:
    table = data.draw(tables(sample).filter(lambda found: len(found) > 1))
    days = data.draw(st.permutations(list(table)).filter(lambda order: order != sorted(order)))
    broken = next(row for row in range(1, len(days)) if days[row] < days[row - 1])
    message = sample.refuse(written(sample, {day: table[day] for day in days}, "\n"))
    assert f"csv, line {broken + 2}: expected dates in ascending order, each once, got {days[broken]} after " in message


@every_format
@quickly
@given(st.data())
def test_any_row_given_twice_is_refused(sample: Sample, data: st.DataObject) -> None:
    table = data.draw(tables(sample))
    lines = written(sample, table, "\n").splitlines(keepends=True)
    row = data.draw(st.integers(1, len(table)))
    message = sample.refuse(b"".join([*lines[: row + 1], *lines[row:]]))
    assert f"csv, line {row + 2}: expected dates in ascending order, each once, got " in message
    assert " a second time. " in message


def cells_that_count(sample: Sample) -> list[int]:
    """Where the cells stand that a parser reads."""
    columns = sample.header.split(",")
    read = {"Trade Date", "Futures", "Settle"} if "Settle" in columns else {columns[0], "CLOSE", "Close", "DTB3"}
    return [place for place, name in enumerate(columns) if name in read]


@every_format
@quickly
@given(st.data())
def test_any_one_broken_cell_is_refused_with_its_line(sample: Sample, data: st.DataObject) -> None:
    table = data.draw(tables(sample))
    lines = written(sample, table, "\n").decode().splitlines()
    row = data.draw(st.integers(1, len(table)))
    place = data.draw(st.sampled_from(cells_that_count(sample)))
    cells = lines[row].split(",")
    cells[place] = data.draw(
        st.sampled_from(["#N/A", "null", "1O.5", "2020-13-01", "--1", "1 234", "9e9", "-9e9", "\u0661"])
    )
    lines[row] = ",".join(cells)
    assert f"csv, line {row + 1}: expected " in sample.refuse("\n".join([*lines, ""]))


@every_format
@quickly
@given(st.data())
def test_one_wrong_byte_is_read_soundly_or_refused(sample: Sample, data: st.DataObject) -> None:
    body = bytearray(written(sample, data.draw(tables(sample)), data.draw(line_ends)))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    sound_or_refused(sample.payload(bytes(body)))


@every_format
@quickly
@given(st.data())
def test_a_truncated_file_is_refused_or_a_file_of_fewer_rows(sample: Sample, data: st.DataObject) -> None:
    table = data.draw(tables(sample))
    body = written(sample, table, data.draw(line_ends))
    cut = data.draw(st.integers(0, len(body) - 1))
    found = sound_or_refused(sample.payload(body[:cut]))
    rows_left = body[:cut].count(b"\n") - 1
    if found is None:
        return
    assert body[:cut].endswith(b"\n")
    assert found[0].values.tolist() == list(table.values())[:rows_left]


# FRED's API.


def api_body(*entries: Mapping[str, object], **about: object) -> str:
    return json.dumps({"units": "lin", "count": len(entries), "observations": list(entries)} | about)


def api(body: str) -> Observations:
    (found,) = parse(api_payload(body))
    return found


def api_payload(body: str) -> Payload:
    return Payload(FRED_OBSERVATIONS, "DTB3", "recorded/DTB3.json", body.encode(), NOW, assumed_availability=False)


def refuse_api(body: str) -> str:
    with pytest.raises(DataQualityError) as caught:
        parse(api_payload(body))
    return str(caught.value)


ENTRY = {"realtime_start": "2026-11-20", "realtime_end": "2026-11-20", "date": "2026-11-18", "value": "3.85"}


def test_an_answer_of_the_api_is_the_series_of_the_table() -> None:
    found = api(api_body({"date": "2026-11-16", "value": "-0.05"}, {"date": "2026-11-17", "value": "."}, ENTRY))
    assert (found.series, found.publisher) == ("DTB3", "fred")
    assert on(found) == {"2026-11-16": -0.05, "2026-11-18": 3.85}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"date": None}, "expected a date as yyyy-mm-dd, got None."),
        ({"date": "11/18/2026"}, "expected a date as yyyy-mm-dd, got '11/18/2026'."),
        ({"value": 3.85}, 'expected a number as text, or ".", got 3.85.'),
        ({"value": ""}, "expected a number as text, or \".\", got ''."),
        ({"value": "inf"}, "expected a number as text, or \".\", got 'inf'."),
        (
            {"value": "385"},
            "expected DTB3 between -3 and 25 percent (since 1976 bills paid between -0.1 and 17), got 385.",
        ),
        ({"date": "2026-11-23"}, "expected a day up to 2026-11-20, when it was read, got 2026-11-23."),
        ({"date": "2026-11-13"}, "expected dates in ascending order, each once, got 2026-11-13 after 2026-11-16."),
        ({"date": "2026-11-16"}, "expected dates in ascending order, each once, got 2026-11-16 a second time."),
    ],
)
def test_a_wrong_entry_of_the_api_is_named(change: dict[str, object], said: str) -> None:
    message = refuse_api(api_body(ENTRY | {"date": "2026-11-16"}, ENTRY | change))
    assert message == f"recorded/DTB3.json, observation 2: {said} Fetch the file again."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (api_body(), "expected a list of observations, got the fields units, count, observations."),
        (
            '{"error_code": 400, "error_message": "Bad"}',
            "a list of observations, got the fields error_code, error_message",
        ),
        ("[]", "expected a list of observations, got a list."),
        (api_body(ENTRY, count=2), "expected all 2 observations, got 1 of them."),
        (api_body(ENTRY)[:-3], "expected a JSON file, got "),
    ],
)
def test_an_answer_of_another_shape_is_refused(body: str, said: str) -> None:
    message = refuse_api(body)
    assert message.startswith("recorded/DTB3.json: expected ")
    assert said in message


@quickly
@given(
    st.dictionaries(st.dates(D("2004-01-02"), NOW.date()), st.floats(-3.0, 25.0) | st.none(), min_size=1, max_size=12)
)
def test_an_answer_of_the_api_is_read_exactly_as_written(table: dict[dt.date, float | None]) -> None:
    days = sorted(table)
    entries = [{"date": str(day), "value": "." if table[day] is None else repr(table[day])} for day in days]
    found = api(api_body(*entries))
    expected = [(day, table[day]) for day in days if table[day] is not None]
    assert list(zip(found.days.tolist(), found.values.tolist(), strict=True)) == expected
