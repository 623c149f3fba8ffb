"""The recorded market over HTTP: what it serves as of an instant, and every way in which it misbehaves."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError
from signals.zones import NEW_YORK
from tasks.replay import settlement
from tasks.replay.faults import KINDS, Fault
from tasks.replay.market import PUBLISHERS, Market, replay
from tasks.sources.formats import YAHOO_HISTORY
from tasks.sources.live import LiveEndpoints, LiveSource

pytestmark = pytest.mark.server

EVENING = dt.datetime(2020, 3, 16, 18, 45, tzinfo=NEW_YORK)
SESSION, FRIDAY = dt.date(2020, 3, 16), dt.date(2020, 3, 13)

CONTRACT = "/cboe/data/us/futures/market_statistics/historical_data/VX/VX_{}.csv"
ARCHIVE = "/cboe/resources/futures/archive/volume-and-price/CFE_{}_VX.csv"
INDEX = "/cboe/api/global/us_indices/daily_prices/{}_History.csv"
CHAIN = "/cboe/api/global/delayed_quotes/options/_{}.json"
SHEET = "/cboe-web/us/futures/market_statistics/settlement/csv/?dt={}"
GRAPH = "/fred/graph/fredgraph.csv?id={}&cosd={}"
API = "/fred-api/fred/series/observations?series_id={}&api_key={}&file_type=json&observation_start={}"
BLS = "/bls/schedule/news_release/bls.ics"
KEY = "abcdefghijklmnopqrstuvwxyz012345"


@dataclass(frozen=True)
class Got:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def lines(self) -> list[str]:
        return self.body.decode().splitlines()

    @property
    def cells(self) -> list[list[str]]:
        return [line.split(",") for line in self.lines]


def get(market: Market, path: str, timeout: float = 5.0) -> Got:
    connection = http.client.HTTPConnection(market.url.removeprefix("http://"), timeout=timeout)
    try:
        connection.request("GET", quote(path, safe="/?&=^-_."))
        response = connection.getresponse()
        return Got(response.status, response.headers, response.read())
    finally:
        connection.close()


def chart(market: Market, ticker: str = "^GSPC", first: dt.date = dt.date(2020, 3, 2)) -> dict[str, Any]:
    """The bars of a ticker: days, quotes and adjusted closes."""
    start, end = (
        int(dt.datetime.combine(day, dt.time(), NEW_YORK).timestamp()) for day in (first, dt.date(2030, 1, 1))
    )
    path = f"/yahoo/v8/finance/chart/{ticker}?period1={start}&period2={end}&interval=1d&includePrePost=false"
    (result,) = json.loads(get(market, path).body)["chart"]["result"]
    stamps = result["timestamp"]
    return {
        "meta": result["meta"],
        "stamps": stamps,
        "days": [f"{dt.datetime.fromtimestamp(stamp, NEW_YORK):%Y-%m-%d}" for stamp in stamps],
        **result["indicators"]["quote"][0],
        **result["indicators"]["adjclose"][0],
    }


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def through(path: Path, last: str) -> bytes:
    """A recorded file, byte for byte, down to the row that begins as given."""
    lines = path.read_bytes().splitlines(keepends=True)
    (end,) = [number for number, line in enumerate(lines) if line.startswith(last.encode())]
    return b"".join(lines[: end + 1])


@pytest.fixture(scope="module")
def serving(data_dir: Path) -> Iterator[Market]:
    with replay(data_dir, EVENING) as found:
        yield found


@pytest.fixture
def market(serving: Market) -> Iterator[Market]:
    """The evening of 2020-03-16, and nothing wrong."""
    serving.at(EVENING)
    yield serving
    serving.behave()
    serving.set_clock_ahead(dt.timedelta(0))


# What was published by then.


def test_in_the_evening_the_files_of_contracts_end_the_day_before(market: Market, data_dir: Path) -> None:
    recorded = data_dir / "cboe/futures/VX/VX_2020-03-18.csv"
    assert get(market, CONTRACT.format("2020-03-18")).body == through(recorded, "2020-03-13")

    for minute, last in (("04", "2020-03-13"), ("05", "2020-03-16")):
        market.at(at(f"2020-03-17T05:{minute}+00:00"))
        assert get(market, CONTRACT.format("2020-03-18")).body == through(recorded, last)


def test_a_contract_that_is_not_listed_yet_is_refused(market: Market) -> None:
    assert get(market, CONTRACT.format("2020-12-16")).status == 403
    assert get(market, CONTRACT.format("2020-11-25")).status == 403


@pytest.mark.parametrize(
    ("name", "instant", "last"),
    [
        ("N13", "2013-01-10T20:00", "01/09/2013"),  # after a disclaimer
        ("V04", "2004-10-13T02:00", "10/12/2004"),  # ten times the index, and a comma too many
        ("V04", "2004-08-24T02:00", "8/23/2004"),  # months without a zero
    ],
)
def test_the_archive_is_cut_by_day_and_otherwise_as_it_was(
    market: Market, data_dir: Path, name: str, instant: str, last: str
) -> None:
    market.at(at(instant))
    expected = through(data_dir / f"cboe/futures/archive/CFE_{name}_VX.csv", last)
    assert get(market, ARCHIVE.format(name)).body == expected


@pytest.mark.parametrize("name", ["VIX", "SPX", "VVIX", "VIX3M", "VIX6M", "VIX9D"])
def test_index_histories_have_a_session_half_an_hour_after_its_close(market: Market, data_dir: Path, name: str) -> None:
    recorded = data_dir / f"cboe/index/{name}_History.csv"
    assert get(market, INDEX.format(name)).body == through(recorded, "03/16/2020")
    market.at(at("2020-03-16T16:29"))
    assert get(market, INDEX.format(name)).body == through(recorded, "03/13/2020")


def test_what_cboe_does_not_have_is_refused_as_there(market: Market) -> None:
    for path in (INDEX.format("SKEW"), CHAIN.format("SPX"), CHAIN.format("VIX"), "/cboe/../../README.md"):
        got = get(market, path)
        assert (got.status, got.headers["Content-Type"]) == (403, "application/xml")


def test_a_sheet_is_out_forty_minutes_after_the_close(market: Market, data_dir: Path) -> None:
    recorded = (data_dir / "cboe/futures/settlement/2020-03-16.csv").read_bytes()
    for address in (SHEET, SHEET.replace("/?", "?")):
        assert get(market, address.format("2020-03-16")).body == recorded

    friday = get(market, SHEET.format("2020-03-13"))
    assert friday.cells[1] == ["VX", "VX/H0", "2020-03-18", "53.425"]
    assert len(friday.lines) == 10
    for instant, asked, expected in (
        ("2020-03-16T16:39", "2020-03-16", friday.body),
        ("2020-03-16T16:40", "2020-03-16", recorded),
        ("2020-03-16T16:40", "2020-03-20", recorded),
        ("2020-03-16T16:40", "2020-03-15", friday.body),
    ):
        market.at(at(instant))
        assert get(market, SHEET.format(asked)).body == expected


@pytest.mark.parametrize("session", ["2018-02-05", "2020-03-16", "2024-08-05"])
def test_a_sheet_made_from_the_files_of_contracts_is_the_one_recorded(
    data_dir: Path, tmp_path: Path, session: str
) -> None:
    futures = tmp_path / "cboe/futures"
    futures.mkdir(parents=True)
    (futures / "VX").symlink_to(data_dir / "cboe/futures/VX")
    made = b"".join(settlement.sheet(tmp_path, dt.date.fromisoformat(session)))
    recorded = (data_dir / f"cboe/futures/settlement/{session}.csv").read_bytes()
    assert made == recorded.partition(b"\n")[2]


def test_a_sheet_of_contracts_in_both_places_has_the_price_that_is_one(market: Market) -> None:
    # On 2013-01-10 the files of contracts have only zeros.
    market.at(at("2013-01-10T20:00"))
    rows = get(market, SHEET.format("2013-01-10")).cells
    assert rows[1] == ["VX", "VX/F3", "2013-01-16", "14.2"]
    assert len(rows) == 10
    market.at(at("2006-06-13T20:00"))
    assert get(market, SHEET.format("2006-06-13")).cells[1] == ["VX", "VX/M6", "2006-06-21", "20.78"]


def test_an_old_sheet_has_lost_the_contracts_that_expired_since(market: Market) -> None:
    whole = get(market, SHEET.format("2020-03-16")).lines
    market.at(at("2020-08-03T20:00"))
    assert get(market, SHEET.format("2020-03-16")).lines == [whole[0], *whole[6:]]
    # Sixty sessions back it is whole.
    recent = get(market, SHEET.format("2020-05-08")).cells
    assert recent[1][1:3] == ["VX/K0", "2020-05-20"]
    assert get(market, SHEET.format("2020-05-07")).cells[1][1] == "VX/Q0"


def test_an_option_chain_is_that_of_its_evening(market: Market) -> None:
    status = {}
    for instant in ("2024-06-03T16:29", "2024-06-03T16:30", "2024-06-04T16:29", "2024-06-04T16:30"):
        market.at(at(instant))
        status[instant[8:]] = get(market, CHAIN.format("VIX")).status
    assert list(status.values()) == [403, 200, 200, 403]

    market.at(at("2024-06-03T18:00"))
    body = json.loads(get(market, CHAIN.format("VIX")).body)
    data, options = body["data"], {option["option"]: option for option in body["data"]["options"]}
    assert (body["timestamp"], body["symbol"], data["symbol"]) == ("2024-06-03 20:15:01", "_VIX", "^VIX")
    assert (data["current_price"], data["close"], data["prev_day_close"]) == (13.11, 13.11, 12.92)
    assert len(options) == 150
    first = options["VIX240618C00010000"]
    assert (first["bid"], first["ask"], first["last_trade_price"], first["volume"]) == (0.0, 0.0, 3.8, 17.0)
    assert (first["open"], first["high"], first["low"]) == (3.55, 3.87, 3.5)
    assert first["last_trade_time"] == "2024-06-03T16:14:59"
    assert "VIX240618C00010500" in options


def test_rates_appear_the_day_after(market: Market, data_dir: Path) -> None:
    got = get(market, GRAPH.format("DFF", "2020-03-10"))
    recorded = (data_dir / "fred/DFF.csv").read_text().splitlines()
    assert got.lines == [recorded[0], *(line for line in recorded if "2020-03-10" <= line[:10] <= "2020-03-15")]
    assert got.body.endswith(b"\n")
    # The index of a month is not known in that month.
    assert get(market, GRAPH.format("CPIAUCSL", "2020-01-01")).lines[-1].startswith("2020-01-01")
    assert get(market, GRAPH.format("RBUSBIS", "2019-11-01")).lines[-1].startswith("2020-01-01")
    assert get(market, GRAPH.format("NONE", "2020-01-01")).status == 404


def test_growth_appears_a_month_after_its_quarter(tmp_path: Path) -> None:
    (tmp_path / "fred").mkdir()
    quarters = "".join(f"{day},{level}\n" for day, level in (("2019-07-01", 1), ("2019-10-01", 2), ("2020-01-01", 3)))
    (tmp_path / "fred/GDPC1.csv").write_text(f"observation_date,GDPC1\n{quarters}")
    with replay(tmp_path, at("2020-01-29T12:00")) as market:
        first = get(market, GRAPH.format("GDPC1", "2019-07-01")).lines[-1]
        market.at(at("2020-01-31T12:00"))
        assert (first, get(market, GRAPH.format("GDPC1", "2019-07-01")).lines[-1]) == ("2019-07-01,1", "2019-10-01,2")


def test_the_interface_for_programs_wants_a_key(market: Market) -> None:
    got = get(market, API.format("DTB3", KEY, "2020-02-14"))
    body = json.loads(got.body)
    assert got.status == 200
    assert (body["realtime_start"], body["observation_start"], body["units"]) == ("2020-03-16", "2020-02-14", "lin")
    assert body["count"] == len(body["observations"])
    assert body["observations"][0] == {
        "realtime_start": "2020-03-16",
        "realtime_end": "2020-03-16",
        "date": "2020-02-14",
        "value": "1.55",
    }
    values = {each["date"]: each["value"] for each in body["observations"]}
    assert values["2020-02-17"] == "."
    assert max(values) == "2020-03-13"

    for key in ("", "short", KEY.upper()):
        refused = get(market, API.format("DTB3", key, "2020-02-14"))
        assert refused.status == 400
        assert json.loads(refused.body)["error_code"] == 400
        assert "api_key" in json.loads(refused.body)["error_message"]
    assert "series does not exist" in json.loads(get(market, API.format("X", KEY, "2020-02-14")).body)["error_message"]


def test_the_release_calendar_has_this_year_and_the_next(market: Market) -> None:
    market.at(at("2024-06-03T12:00"))
    got = get(market, BLS)
    assert got.headers["Content-Type"].startswith("text/calendar")
    lines = got.body.split(b"\r\n")
    assert (lines[0], lines[-2:]) == (b"BEGIN:VCALENDAR", [b"END:VCALENDAR", b""])
    assert max(map(len, lines)) == 75
    assert b"\n" not in got.body.replace(b"\r\n", b"")
    starts = [line.decode() for line in lines if line.startswith(b"DTSTART;")]
    assert starts[0] == "DTSTART;TZID=US-Eastern:20240111T083000"
    assert starts[-1] == "DTSTART;TZID=US-Eastern:20251024T083000"
    assert got.body.count(b"SUMMARY:Consumer Price Index\r\n") == len(starts) == 22
    unfolded = got.body.replace(b"\r\n ", b"").decode()
    assert r"DESCRIPTION:Consumer Price Index (CPI for 2023-12). Released at 8:30 AM\, Eastern" in unfolded


def test_yahoo_has_the_bar_of_a_session_while_it_moves(market: Market) -> None:
    closed = chart(market)
    assert closed["days"][-1] == "2020-03-16"
    assert closed["close"][-1] == pytest.approx(2386.13, abs=0.01)
    assert closed["stamps"][-1] == at("2020-03-16T09:30-04:00").timestamp()

    noon = at("2020-03-16T12:00")
    market.at(noon)
    moving = chart(market)
    assert moving["stamps"][-1] == noon.replace(tzinfo=NEW_YORK).timestamp()
    assert moving["close"][:-1] == closed["close"][:-1]
    assert moving["close"][-1] != closed["close"][-1]
    market.at(at("2020-03-16T09:00"))
    assert chart(market)["days"][-1] == "2020-03-13"
    # The close of an early close is one.
    market.at(at("2019-11-29T13:30"))
    assert chart(market, first=dt.date(2019, 11, 25))["stamps"][-1] == at("2019-11-29T09:30-05:00").timestamp()


def test_yahoo_hands_out_a_crumb_and_knows_its_tickers(market: Market) -> None:
    assert get(market, "/yahoo/v1/test/getcrumb").body == b"Crumb.1"
    assert "A3=" in get(market, "/yahoo/").headers["Set-Cookie"]
    for ticker in ("^GSPC", "^SP500TR", "SPY", "^VIX", "^IRX", "GLD"):
        assert chart(market, ticker)["meta"]["symbol"] == ticker
    unknown = get(market, "/yahoo/v8/finance/chart/GSPC?interval=1d&includePrePost=false")
    assert (unknown.status, json.loads(unknown.body)["chart"]["error"]["code"]) == (404, "Not Found")


def test_settings_point_at_one_server_and_time_moves(market: Market) -> None:
    assert market.settings == {
        "TAILGUARD_YAHOO_URL": f"{market.url}/yahoo",
        "TAILGUARD_CBOE_URL": f"{market.url}/cboe",
        "TAILGUARD_CBOE_WEB_URL": f"{market.url}/cboe-web",
        "TAILGUARD_FRED_URL": f"{market.url}/fred",
        "TAILGUARD_FRED_API_URL": f"{market.url}/fred-api",
        "TAILGUARD_BLS_URL": f"{market.url}/bls",
        "TAILGUARD_CLOCK": "2020-03-16T22:45:00+00:00",
    }
    market.at(at("2020-03-17T01:30"))
    assert market.settings["TAILGUARD_CLOCK"] == "2020-03-17T05:30:00+00:00"
    market.set_clock_ahead(dt.timedelta(minutes=7))
    for path in (INDEX.format("VIX"), INDEX.format("SKEW"), GRAPH.format("DFF", "2020-03-10"), BLS):
        assert parsedate_to_datetime(get(market, path).headers["Date"]) == market.instant + dt.timedelta(minutes=7)


def test_what_was_asked_is_listed(market: Market) -> None:
    before = len(market.requests)
    chart(market)
    get(market, SHEET.format("2020-03-16"))
    get(market, "/nobody/at/all")
    asked = market.requests[before:]
    assert asked[0].startswith("/yahoo/v8/finance/chart/^GSPC?period1=")
    assert asked[1:] == ["/cboe-web/us/futures/market_statistics/settlement/csv/?dt=2020-03-16", "/nobody/at/all"]
    assert get(market, "/nobody").status == 404


# Faults.


NEAR, NEXT = CONTRACT.format("2020-03-18"), CONTRACT.format("2020-04-15")
VIX, DTB3, SHEET_NOW = INDEX.format("VIX"), GRAPH.format("DTB3", "2020-02-03"), SHEET.format("2020-03-16")
SETTLE = 6

Check = Callable[[Got, Got], object]
CASES: list[tuple[str, str, Check]] = []


def case(fault: str, path: str) -> Callable[[Check], Check]:
    """A check of the answer under a fault against the usual one."""

    def add(check: Check) -> Check:
        CASES.append((fault, path, check))
        return check

    return add


for kind, code in (("429", 429), ("500", 500), ("503", 503), ("403", 403)):
    case(f"{kind}:*:*", NEAR)(lambda got, _usual, code=code: got.status == code and b"Trade Date" not in got.body)
case("429=7:cboe:VX_2020-03-18", NEAR)(lambda got, _: (got.status, got.headers["Retry-After"]) == (429, "7"))
case("cut:cboe:VIX", VIX)(
    lambda got, usual: (
        usual.body.startswith(got.body) and not got.body.endswith(b"\n") and len(got.body) > len(usual.body) / 2 - 2
    )
)
case("empty:fred:DTB3", DTB3)(lambda got, _: (got.status, got.body) == (200, b""))
case("html:cboe:*", NEAR)(lambda got, _: "html" in got.headers["Content-Type"] and got.body.startswith(b"<!doctype"))
case("html-as-csv:cboe:*", NEAR)(
    lambda got, _: got.headers["Content-Type"] == "text/csv" and got.body.startswith(b"<!doctype")
)
case("bad-encoding:cboe:*", NEAR)(
    lambda got, usual: got.body != got.body.decode(errors="ignore").encode() == usual.body
)
case("clock-skew=3600:cboe:*", NEAR)(
    lambda got, usual: (
        parsedate_to_datetime(got.headers["Date"]) - parsedate_to_datetime(usual.headers["Date"])
        == dt.timedelta(hours=1)
    )
)
case("redirect-loop:cboe:*", NEAR)(lambda got, _: (got.status, got.headers["Location"]) == (302, NEAR))
case("stale:cboe:VX_*", NEAR)(lambda got, usual: got.lines == usual.lines[:-1])
case("stale:cboe-web:*", SHEET_NOW)(lambda got, _: got.cells[1][3] == "53.425")
case("stale:fred:*", DTB3)(lambda got, usual: got.lines == usual.lines[:-1])
case("late:cboe:VX_*", NEAR)(lambda got, usual: got.lines == usual.lines[:-1])
case("late:cboe-web:2020-03-16", SHEET_NOW)(lambda got, _: got.cells[1][3] == "53.425")
case("header-only:cboe:*", NEAR)(lambda got, usual: got.body == usual.body.splitlines(keepends=True)[0])
case("missing-column:cboe:*", NEAR)(
    lambda got, usual: [[*row[:SETTLE], *row[SETTLE + 1 :]] for row in usual.cells] == got.cells
)
case("renamed-column=Settlement:cboe:*", NEAR)(
    lambda got, usual: got.cells[0][SETTLE] == "Settlement" and got.cells[1:] == usual.cells[1:]
)
case("nan-last-bar:fred:*", DTB3)(
    lambda got, usual: got.lines[:-1] == usual.lines[:-1] and got.lines[-1] == "2020-03-13,"
)
case("gap:cboe:*", NEAR)(lambda got, usual: got.lines == [*usual.lines[:-6], *usual.lines[-5:]])
case("gap@2020-03-11:cboe:*", NEAR)(lambda got, usual: set(usual.lines) - set(got.lines) == {usual.lines[-3]})
case("duplicated-rows:cboe:*", NEAR)(lambda got, usual: got.lines == [*usual.lines, usual.lines[-1]])
case("unordered-rows:cboe:*", NEAR)(
    lambda got, usual: got.lines == [*usual.lines[:-2], usual.lines[-1], usual.lines[-2]]
)
case("future-row:cboe:VIX", VIX)(
    lambda got, usual: got.lines == [*usual.lines, usual.lines[-1].replace("03/16/2020", "03/17/2020")]
)
case("holiday-row:cboe:VX_*", NEAR)(
    lambda got, usual: [line[:10] for line in got.lines if line not in usual.lines] == ["2020-02-17"]
)
case("holiday-row:fred:*", DTB3)(
    lambda got, usual: [line[:10] for line in got.lines if line not in usual.lines] == ["2020-03-08"]
)
case("changed-value=58.31@2020-03-12:cboe:*", NEAR)(
    lambda got, usual: (
        got.cells[-2][SETTLE] == "58.31"
        and [*got.lines[:-2], *got.lines[-1:]] == [*usual.lines[:-2], *usual.lines[-1:]]
    )
)
case("changed-value=60@2020-04-15:cboe-web:*", SHEET_NOW)(
    lambda got, usual: got.lines == [line.replace("59.15", "60") for line in usual.lines]
)
case("wrong-scale:cboe:*", NEAR)(
    lambda got, usual: all(float(a[6]) == 10 * float(b[6]) for a, b in zip(got.cells[1:], usual.cells[1:], strict=True))
)
case("wrong-scale:cboe-web:*", SHEET_NOW)(lambda got, _: got.cells[1][3] == "726.250")
case("negative:cboe:*", NEAR)(lambda got, _: got.cells[-1][SETTLE] == "-53.4250")
case("zero-settlement:cboe:*", NEAR)(
    lambda got, usual: got.cells[-1][SETTLE] == "0.0000" and got.lines[:-1] == usual.lines[:-1]
)
case("zero-settlement:cboe-web:*", SHEET_NOW)(lambda got, _: float(got.cells[1][3]) == 0 < float(got.cells[2][3]))
case("zero-settlement:cboe:*", VIX)(lambda got, usual: got.body == usual.body)
case("text-in-number:cboe:VIX", VIX)(lambda got, _: got.lines[-1].startswith("03/16/2020,") and "n/a" in got.lines[-1])
case("missing-contract:cboe:VX_2020-03-18", NEAR)(lambda got, _: got.status == 404)
case("missing-contract=403:cboe:VX_2020-03-18", NEAR)(lambda got, _: got.status == 403)
case("missing-contract:cboe-web:*", SHEET_NOW)(lambda got, usual: got.lines == [*usual.lines[:2], *usual.lines[3:]])
case("missing-contract@2020-05-20:cboe-web:*", SHEET_NOW)(
    lambda got, usual: got.lines == [*usual.lines[:3], *usual.lines[4:]]
)
case("missing-front:cboe-web:*", SHEET_NOW)(lambda got, usual: got.lines == [usual.lines[0], *usual.lines[2:]])
case("shifted-curve:cboe-web:*", SHEET_NOW)(
    lambda got, usual: (
        [row[:3] for row in got.cells] == [row[:3] for row in usual.cells[:-1]]
        and [row[3] for row in got.cells[1:]] == [row[3] for row in usual.cells[2:]]
    )
)
case("shifted-curve:cboe:VX_2020-03-18", NEAR)(
    lambda got, _: got.cells[-1][:2] == ["2020-03-13", "H (Mar 2020)"] and got.cells[-1][SETTLE] == "43.9000"
)
case("wrong-contract:cboe:VX_2020-03-18", NEAR)(
    lambda got, usual: got.body.decode() == usual.body.decode().replace("H (Mar 2020)", "J (Apr 2020)")
)
case("wrong-contract:cboe-web:*", SHEET_NOW)(
    lambda got, usual: got.lines[1] == "VX,VX/H0,2020-04-15,72.625" and got.lines[2:] == usual.lines[2:]
)


@pytest.mark.parametrize(("text", "path", "check"), CASES, ids=[f"{text} {path[:6]}" for text, path, _ in CASES])
def test_a_fault_is_what_it_is_called(market: Market, text: str, path: str, check: Check) -> None:
    usual = get(market, path)
    assert usual.status == 200
    market.misbehave(Fault.parse(text))
    got = get(market, path)
    assert check(got, usual), got.lines[-3:]
    market.behave()
    assert get(market, path).body == usual.body


ON_THE_WIRE = {"silent", "slow", "reset", "truncated"}
OF_YAHOO = {"live-bar"}


def test_every_kind_of_fault_is_tried_here() -> None:
    tried = {Fault.parse(text).kind for text, _, _ in CASES}
    assert tried | ON_THE_WIRE | OF_YAHOO == set(KINDS)
    assert all(kind.about for kind in KINDS.values())


def test_half_a_body_is_announced_as_a_whole_one(market: Market) -> None:
    usual = get(market, NEAR)
    market.misbehave(Fault("truncated", "cboe"))
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(market, NEAR)
    assert caught.value.partial == usual.body[: len(usual.body) // 2]
    assert len(caught.value.partial) + (caught.value.expected or 0) == len(usual.body)


def test_a_silent_server_says_nothing(market: Market) -> None:
    market.misbehave(Fault("silent", "cboe"))
    with pytest.raises(TimeoutError):
        get(market, NEAR, timeout=0.2)


def test_a_slow_server_sends_everything_in_its_time(market: Market) -> None:
    usual = get(market, NEAR)
    market.misbehave(Fault("slow", "cboe", value="0.4"))
    started = time.monotonic()
    assert get(market, NEAR).body == usual.body
    assert 0.4 <= time.monotonic() - started < 2.0


def test_a_connection_is_broken_off(market: Market) -> None:
    market.misbehave(Fault("reset", "cboe"))
    with pytest.raises(ConnectionResetError):
        get(market, NEAR)
    assert get(market, SHEET_NOW).status == 200


@pytest.mark.parametrize(
    ("kind", "shows"),
    [
        ("live-bar", lambda got, usual: got["close"][-1] == pytest.approx(1.01 * usual["close"][-1], abs=0.01)),
        ("nan-last-bar", lambda got, usual: got["close"] == [*usual["close"][:-1], None] and got["open"][-1] is None),
        ("late", lambda got, usual: got["days"] == usual["days"][:-1]),
        ("stale", lambda got, usual: got["days"] == usual["days"][:-1]),
        ("header-only", lambda got, _: got["close"] == got["stamps"] == []),
        ("missing-column", lambda got, _: "close" not in got and "adjclose" not in got and "open" in got),
        ("duplicated-rows", lambda got, usual: got["days"] == [*usual["days"], "2020-03-16"]),
        ("unordered-rows", lambda got, usual: got["days"][-2:] == usual["days"][:-3:-1]),
        ("future-row", lambda got, _: got["days"][-2:] == ["2020-03-16", "2020-03-17"]),
        ("holiday-row", lambda got, usual: set(got["days"]) - set(usual["days"]) == {"2020-03-15"}),
        ("gap", lambda got, usual: set(usual["days"]) - set(got["days"]) == {"2020-03-09"}),
        ("changed-value", lambda got, usual: got["close"][-1] == pytest.approx(1.05 * usual["close"][-1])),
        ("wrong-scale", lambda got, usual: got["close"] == pytest.approx([10 * value for value in usual["close"]])),
        ("negative", lambda got, usual: got["close"][-1] == -usual["close"][-1]),
        ("text-in-number", lambda got, _: got["close"][-1] == got["adjclose"][-1] == "n/a"),
    ],
)
def test_faults_of_rows_are_those_of_bars_at_yahoo(
    market: Market, kind: str, shows: Callable[[dict[str, Any], dict[str, Any]], bool]
) -> None:
    usual = chart(market)
    market.misbehave(Fault(kind, "yahoo", "^GSPC"))
    assert shows(chart(market), usual)
    assert chart(market, "SPY")["days"] == usual["days"]


def test_faults_of_rows_are_those_of_observations_and_options_too(market: Market) -> None:
    market.misbehave(Fault.parse("changed-value=9.99@2020-03-12:fred-api:DTB3"), Fault("nan-last-bar", "fred-api"))
    observations = json.loads(get(market, API.format("DTB3", KEY, "2020-03-11")).body)["observations"]
    assert [each["value"] for each in observations] == ["0.41", "9.99", "."]
    assert observations[0]["realtime_start"] == "2020-03-16"

    market.at(at("2024-06-03T18:00"))
    market.misbehave(Fault("negative", "cboe", "_VIX"))
    options = json.loads(get(market, CHAIN.format("VIX")).body)["data"]["options"]
    assert [each["last_trade_price"] for each in options[:2]] == [-3.8, 2.94]
    assert options[0]["tick"] == "no_change"


def test_a_fault_hits_what_it_names_and_heals_after_some_answers(market: Market) -> None:
    market.misbehave(Fault.parse("503:cboe:VX_2020-0[34]-*:2"))
    assert [get(market, path).status for path in (VIX, NEAR, SHEET_NOW, NEXT, NEAR)] == [200, 503, 200, 503, 200]

    market.misbehave(Fault("500", "cboe*", "*?dt=2020-03-16"))
    assert [get(market, path).status for path in (SHEET_NOW, SHEET.format("2020-03-13"), NEAR)] == [500, 200, 200]


def test_a_fault_heals_at_an_instant(market: Market) -> None:
    market.misbehave(Fault("503", until=EVENING + dt.timedelta(minutes=10)))
    statuses = []
    for minutes in (9, 10):
        market.at(EVENING + dt.timedelta(minutes=minutes))
        statuses.append(get(market, NEAR).status)
    assert statuses == [503, 200]


def test_faults_of_one_answer_add_up(market: Market) -> None:
    usual = get(market, NEAR)
    market.misbehave(Fault("late", "cboe"), Fault("duplicated-rows", "cboe"), Fault("clock-skew", "cboe"))
    got = get(market, NEAR)
    assert got.lines == [*usual.lines[:-1], usual.lines[-2]]
    assert parsedate_to_datetime(got.headers["Date"]) == market.instant + dt.timedelta(days=1)


def test_rows_that_another_fault_has_left_nothing_of_stay_as_they_are(market: Market) -> None:
    market.misbehave(
        Fault("cut", "yahoo"), Fault("missing-column", "fred"), Fault("duplicated-rows"), Fault("negative")
    )
    path = "/yahoo/v8/finance/chart/SPY?period1=1583000000&period2=1600000000&interval=1d&includePrePost=false"
    got = get(market, path)
    assert got.status == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(got.body)
    assert get(market, DTB3).lines[-2:] == ["2020-03-13", "2020-03-13"]


def test_many_askers_at_once_get_as_many_faults_as_were_ordered(market: Market) -> None:
    market.misbehave(Fault("503", "cboe", times=5))
    statuses: list[int] = []

    def ask() -> None:
        statuses.extend(get(market, NEAR).status for _ in range(4))

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(statuses) == [200] * 27 + [503] * 5


def test_one_session_earlier_is_so_on_a_weekend_too(market: Market) -> None:
    market.misbehave(Fault("stale"))
    last = {}
    for instant in ("2020-03-14T12:00", "2020-03-15T23:00", "2020-03-16T02:00", "2020-03-17T02:00"):
        market.at(at(instant))
        last[instant[:10]] = get(market, NEAR).lines[-1][:10]
    assert last == {
        "2020-03-14": "2020-03-12",
        "2020-03-15": "2020-03-12",
        "2020-03-16": "2020-03-12",
        "2020-03-17": "2020-03-13",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", r"expected KIND\[=VALUE\]\[@DAY\]:PUBLISHER:GLOB\[:TIMES\], got 'nonsense'"),
        ("typo:cboe:*", "fault typo: expected one of 429, 500, .*got 'typo'"),
        ("live-bar:cboe:*", "fault live-bar: expected a publisher of yahoo, got 'cboe'"),
        ("503=9:cboe:*", "fault 503: expected no parameter, got '9'"),
        ("503@2020-03-13:cboe:*", "fault 503: expected no day, got 2020-03-13"),
        ("gap@2020-13-13:cboe:*", "expected a day such as 2020-03-13"),
        ("slow=long:cboe:*", "fault slow: expected seconds for all of it, got 'long'"),
        ("503:cboe:*:0", "fault 503: expected one answer or more, got 0"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Fault.parse(text)


def test_a_directory_without_recorded_files_and_a_port_in_use_are_refused(
    market: Market, data_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a directory of recorded files.*got none of them"):
        Market(tmp_path, EVENING)
    with pytest.raises(ConfigurationError, match="got nothing there"):
        Market(tmp_path / "absent", EVENING)
    with pytest.raises(ConfigurationError, match="which the trading calendar covers"):
        market.at(at("1999-12-31T12:00"))
    port = int(market.url.rpartition(":")[2])
    with (
        pytest.raises(ConfigurationError, match=f"port {port}: .*another program"),
        replay(data_dir, EVENING, port=port),
    ):
        pass


def test_a_file_that_cannot_be_read_is_an_error_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "yahoo").mkdir()
    (tmp_path / "yahoo/SPY.csv").write_text("Date,Open,High,Low,Close,Adj Close,Volume\n2020-03-13,1,1,1,x,1,1\n")
    path = "/yahoo/v8/finance/chart/SPY?period1=1583000000&period2=1600000000&interval=1d&includePrePost=false"
    with replay(tmp_path, EVENING) as market:
        got = get(market, path)
    assert (got.status, got.body) == (500, b"ValueError: could not convert string to float: 'x'\n")


# The product.


def test_a_live_fetch_reads_the_night_after_a_session_through_one_server(
    market: Market, calendar: TradingCalendar, data_dir: Path
) -> None:
    night = at("2020-03-17T06:00+00:00")
    market.at(night)
    before = len(market.requests)
    names = {"yahoo": "yahoo", "cboe_cdn": "cboe", "cboe_web": "cboe-web"}
    names |= {"fred": "fred", "fred_api": "fred-api", "bls": "bls"}
    endpoints = LiveEndpoints(**{field: f"{market.url}/{publisher}" for field, publisher in names.items()})
    payloads = list(LiveSource(calendar, SESSION, lambda: night, endpoints=endpoints).fetch().payloads)

    found = {(each.format, each.subject): each.body for each in payloads}
    spx = found[YAHOO_HISTORY, "GSPC"].decode().splitlines()
    assert spx[-1].split(",")[0] == "2020-03-16"
    assert float(spx[-1].split(",")[4]) == 2386.129883
    contract = next(each for each in payloads if each.subject == "VX_2020-03-18")
    assert contract.body == through(data_dir / "cboe/futures/VX/VX_2020-03-18.csv", "2020-03-16")
    assert {each.subject for each in payloads} >= {"GSPC", "SP500TR", "SPY", "VIX", "IRX", "SPX", "DTB3", "DFF"}
    asked = {path.split("/")[1] for path in market.requests[before:]}
    assert asked >= {"yahoo", "cboe", "fred"}
    assert asked <= set(PUBLISHERS)
