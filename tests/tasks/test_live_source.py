from __future__ import annotations

import datetime as dt
import json
import math
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trustme

from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError, TransientSourceError
from signals.market import MarketData
from signals.series import (
    BLS,
    CBOE,
    CBOE_ARCHIVE,
    CBOE_SHEET,
    DFF,
    DTB3,
    EVENT_CPI,
    FRED,
    IRX,
    RBUSBIS,
    REIT_FUND,
    SECTOR_FUNDS,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    SPY_CLOSE,
    SPY_VOLUME,
    VIX,
    VIX3M,
    VIX_HIGH,
    VIX_LOW,
    VIX_OPEN,
    VVIX,
    YAHOO,
    fund_return,
    vx_series,
)
from signals.veqtor.signal import VeqtorSignals, signal_report
from signals.zones import NEW_YORK
from tasks.compute import compute
from tasks.ingest import read_source
from tasks.sources.cboe import contract_files
from tasks.sources.formats import CBOE_VX_SHEET, YAHOO_HISTORY, parse
from tasks.sources.live import LiveEndpoints, LiveOptions, LiveSource
from tasks.sources.payload import Payload
from tasks.sources.polite import Politeness
from tasks.sources.yahoo import Bar, history_csv
from tests.live_servers import LiveServers, Reply, chart, live_servers, yahoo_rows

#: The night after the last session of which everything is recorded, and one of which there is a total return index.
NIGHT = dt.datetime(2026, 7, 30, 6, 0, tzinfo=dt.UTC)
SESSION = dt.date(2026, 7, 29)
NIGHT_2020 = dt.datetime(2020, 12, 19, 6, 0, tzinfo=dt.UTC)
SESSION_2020 = dt.date(2020, 12, 18)

PAGE = Reply(b"<!doctype html><title>Log in</title>", content_type="text/html; charset=utf-8")

#: The usual, without its waits.
QUICK = Politeness(spacing_seconds=0.0, wait_seconds=0.01)

server = pytest.mark.server

FUNDS = (*SECTOR_FUNDS, REIT_FUND)


@pytest.fixture
def servers(data_dir: Path) -> Iterator[LiveServers]:
    with live_servers(data_dir, NIGHT) as found:
        yield found


def source(
    servers: LiveServers,
    calendar: TradingCalendar,
    through: dt.date = SESSION,
    now: dt.datetime = NIGHT,
    timeout: float = 5.0,
    deadline: float | None = None,
    check_clock: bool = True,
    needed_only: bool = False,
) -> LiveSource:
    options = LiveOptions(
        timeout_seconds=timeout,
        deadline_seconds=deadline,
        check_clock=check_clock,
        needed_only=needed_only,
        politeness=QUICK,
    )
    return LiveSource(calendar, through, lambda: now, endpoints=servers.endpoints, options=options)


def failure(live: LiveSource) -> TransientSourceError:
    found = live.fetch()
    assert found.failure is not None
    with pytest.raises(TransientSourceError):
        found.complete()
    assert found.failure.about == "live data"
    return found.failure


def bars(payloads: list[Payload], subject: str) -> dict[str, str]:
    """The rows of a history by day."""
    (found,) = [each for each in payloads if (each.format, each.subject) == (YAHOO_HISTORY, subject)]
    return {line[:10]: line[11:] for line in found.body.decode().splitlines()[1:]}


def between(data: MarketData, key: tuple[str, str], first: dt.date, last: dt.date) -> dict[dt.date, float]:
    found = data.find(*key)
    days: list[dt.date] = found.days.tolist()
    return {day: value for day, value in zip(days, found.values.tolist(), strict=True) if first <= day <= last}


# What is read.


@server
@pytest.mark.parametrize(("through", "night"), [(SESSION, NIGHT), (SESSION_2020, NIGHT_2020)])
def test_a_live_fetch_has_the_recorded_values_of_the_last_seventy_sessions(
    data_dir: Path, recorded: MarketData, calendar: TradingCalendar, through: dt.date, night: dt.datetime
) -> None:
    with live_servers(data_dir, night) as servers:
        live, _ = read_source(source(servers, calendar, through, night))

    sessions = calendar.sessions_in(dt.date(2020, 1, 2), through)[-70:]
    first: dt.date = sessions[0].item()
    front, front_at_last = np.searchsorted(calendar.vx_expiries, sessions[[0, -1]], side="right")
    contracts = [(vx_series(expiry), CBOE) for expiry in calendar.vx_expiries[front : front_at_last + 9].tolist()]
    prices = [(SPX, YAHOO), (SPX, CBOE), (SPY_ADJUSTED, YAHOO), (VIX, CBOE), (VIX, YAHOO), (IRX, YAHOO)]
    total_return = [(SPXTR, YAHOO)] if through == SESSION_2020 else []
    rates = [(DTB3, FRED), (DFF, FRED)]

    recorded_contracts = {key for key in contracts if between(recorded, key, first, through)}
    assert len(recorded_contracts) >= 11
    read_too = [(VIX3M, CBOE), (VVIX, CBOE), (SPY_CLOSE, YAHOO), (SPY_VOLUME, YAHOO)]
    read_too += [(name, CBOE) for name in (VIX_OPEN, VIX_HIGH, VIX_LOW)]
    # The fund's prices begin where its adjusted ones do.
    begun: dt.date = live.find(SPY_ADJUSTED, YAHOO).days[0].item()
    shown = {key for key in read_too if between(recorded, key, begun, through)}
    sheets = {key for key in live if key[1] == CBOE_SHEET}
    others = {(EVENT_CPI, BLS), (RBUSBIS, FRED)}
    assert set(live) - sheets - others == {*recorded_contracts, *prices, *total_return, *rates, *shown}
    for key in recorded_contracts | {*prices, *total_return, *rates, *shown}:
        assert between(live, key, first, through) == between(recorded, key, first, through), key
    # A month of the dollar is there seven weeks after it began.
    months = dt.date(1994, 1, 1), night.date() - dt.timedelta(days=49)
    assert between(live, (RBUSBIS, FRED), *months) == between(recorded, (RBUSBIS, FRED), *months)
    assert live.find(RBUSBIS, FRED).days[-1] <= np.datetime64(months[1])
    for key in prices + total_return:
        assert through in between(live, key, first, through), key


@server
def test_the_sheets_of_the_last_ten_sessions_say_what_the_files_of_the_contracts_say(
    servers: LiveServers, calendar: TradingCalendar, recorded: MarketData
) -> None:
    live, _ = read_source(source(servers, calendar))

    sessions: list[dt.date] = calendar.sessions_in(dt.date(2026, 1, 2), SESSION)[-10:].tolist()
    sheets = {series: between(live, (series, who), *sessions[::9]) for series, who in live if who == CBOE_SHEET}
    assert {day for of_contract in sheets.values() for day in of_contract} == set(sessions)
    for series, of_contract in sheets.items():
        of_file = between(recorded, (series, CBOE), *sessions[::9])
        assert {day: of_file[day] for day in of_contract} == of_contract, series


@server
def test_on_the_evening_of_a_session_its_settlements_are_in_the_sheet_alone(
    data_dir: Path, calendar: TradingCalendar
) -> None:
    session, evening = dt.date(2020, 3, 16), dt.datetime(2020, 3, 16, 22, 45, tzinfo=dt.UTC)
    with live_servers(data_dir, evening) as servers:
        live, _ = read_source(source(servers, calendar, session, evening))

    april = vx_series(dt.date(2020, 4, 15))
    assert between(live, (april, CBOE_SHEET), session, session) == {session: 59.15}
    assert between(live, (april, CBOE), session, session) == {}
    assert signal_report(compute(live, calendar, session), session, 1e6).instruction.legs[-1].settlement == 59.15


@server
def test_sessions_before_2013_are_read_from_the_archive(
    data_dir: Path, calendar: TradingCalendar, recorded_signals: VeqtorSignals
) -> None:
    session = dt.date(2008, 10, 24)
    night = dt.datetime(2008, 10, 25, 12, 0, tzinfo=dt.UTC)
    with live_servers(data_dir, night) as servers:
        live, _ = read_source(source(servers, calendar, session, night))
        asked = [path for path in servers.cboe.paths if "/archive/" in path]

    assert asked
    assert {who for series, who in live if series.startswith("VX.")} == {CBOE_ARCHIVE, CBOE_SHEET}
    report = signal_report(compute(live, calendar, session), session, 1e6)
    assert report.target == signal_report(recorded_signals, session, 1e6).target


@server
def test_prices_and_rates_reach_back_for_the_stand_in_of_the_total_return(
    servers: LiveServers, calendar: TradingCalendar, recorded: MarketData
) -> None:
    live, _ = read_source(source(servers, calendar))

    first: dt.date = calendar.sessions_in(dt.date(2020, 1, 2), SESSION)[-(70 + 252)].item()
    for key in [(SPX, YAHOO), (SPY_ADJUSTED, YAHOO), (VIX, YAHOO), (IRX, YAHOO), (DTB3, FRED), (DFF, FRED)]:
        assert between(live, key, first, SESSION) == between(recorded, key, first, SESSION), key
        assert live.find(*key).days[0].item() < first


@server
def test_seventy_sessions_decide_what_the_whole_history_decides(
    servers: LiveServers, calendar: TradingCalendar, recorded_signals: VeqtorSignals
) -> None:
    live, _ = read_source(source(servers, calendar))

    short = signal_report(compute(live, calendar, SESSION), SESSION, 1e6)
    whole = signal_report(recorded_signals, SESSION, 1e6)
    for part in (
        "verdict",
        "target",
        "held",
        "earned",
        "regime",
        "trend",
        "in_cash",
        "changes",
        "instruction",
        "health",
    ):
        assert getattr(short, part) == getattr(whole, part), part
    assert short.stop_loss.active == whole.stop_loss.active
    assert short.stop_loss.next_excess_return == pytest.approx(whole.stop_loss.next_excess_return, rel=1e-9)


@server
def test_payloads_come_in_a_fixed_order_raw_and_known_when_they_were_fetched(
    servers: LiveServers, calendar: TradingCalendar, data_dir: Path
) -> None:
    payloads = list(source(servers, calendar, needed_only=True).fetch().complete())

    assert [each.subject for each in payloads if each.format != CBOE_VX_SHEET] == [
        *("GSPC", "SPY", "VIX", "IRX", "VIX", "SPX", "DTB3", "DFF"),
        *("VX_2026-05-19", "VX_2026-06-17", "VX_2026-07-22", "VX_2026-08-19", "VX_2026-09-16", "VX_2026-10-21"),
        *("VX_2026-11-18", "VX_2026-12-16", "VX_2027-01-20", "VX_2027-02-17", "VX_2027-03-17"),
    ]
    assert not any(each.assumed_availability for each in payloads)
    assert {each.fetched_at for each in payloads} == {NIGHT}
    assert payloads[0].locator == "yahoo:^GSPC"
    contract = payloads[8]
    assert contract.locator.startswith(servers.cboe.url)
    assert contract.body == (data_dir / "cboe/futures/VX/VX_2026-05-19.csv").read_bytes()


@server
@pytest.mark.parametrize("session", ["2006-06-30", "2007-12-31"])
def test_a_history_that_comes_near_its_base_session_is_read_whole(
    servers: LiveServers, calendar: TradingCalendar, recorded_signals: VeqtorSignals, session: str
) -> None:
    through = dt.date.fromisoformat(session)
    live, _ = read_source(source(servers, calendar, through))
    signals = compute(live, calendar, through)

    assert signals.levels_since == dt.date(2005, 12, 20)
    assert signal_report(signals, through, 1e6).indices == signal_report(recorded_signals, through, 1e6).indices


@server
def test_each_history_is_asked_for_once_and_like_a_browser(servers: LiveServers, calendar: TradingCalendar) -> None:
    list(source(servers, calendar).fetch().complete())

    asked = [path.rpartition("/")[2] for path in servers.yahoo.paths if "chart" in path]
    charts = [name for name in asked if name not in ("^SP500TR", *FUNDS)]
    assert sorted(charts) == ["SPY", "^GSPC", "^IRX", "^VIX"]
    # The funds are asked for when all that is needed is there.
    assert set(asked[-len(FUNDS) :]) <= set(FUNDS)
    assert set(asked) == {*charts, "^SP500TR", *FUNDS}
    assert len(servers.cboe.paths) == len(set(servers.cboe.paths))
    assert all("Mozilla" in agent for agent in servers.yahoo.user_agents | servers.cboe.user_agents)


@server
def test_a_far_contract_that_is_not_listed_yet_is_left_out(servers: LiveServers, calendar: TradingCalendar) -> None:
    listed_later = "VX_2027-03-17.csv"
    servers.cboe.instead = lambda path: Reply(b"", 404) if path.endswith(listed_later) else None

    payloads = list(source(servers, calendar).fetch().complete())

    assert listed_later.removesuffix(".csv") not in {each.subject for each in payloads}


@server
@pytest.mark.parametrize("status", [403, 404])
def test_a_near_contract_that_is_missing_is_named(servers: LiveServers, calendar: TradingCalendar, status: int) -> None:
    servers.cboe.instead = lambda path: Reply(b"", status) if path.endswith("VX_2027-02-17.csv") else None

    assert f"{servers.cboe.host} (HTTP {status} for VX_2027-02-17)" in failure(source(servers, calendar)).got


@server
def test_an_empty_total_return_history_is_left_out_and_any_other_is_an_error(
    servers: LiveServers, calendar: TradingCalendar
) -> None:
    nothing = Reply(b'{"chart": {"result": [{"meta": {}, "indicators": {"quote": [{}]}}], "error": null}}')
    servers.yahoo.instead = lambda path: nothing if path.endswith(("^GSPC", "^SP500TR")) else None
    error = failure(source(servers, calendar))
    assert error.got.startswith(f"no usable answer from {servers.yahoo.host} (no prices of these days for ^GSPC), ")


@pytest.fixture
def with_funds(data_dir: Path, tmp_path: Path) -> Iterator[LiveServers]:
    """The recorded market, and for each fund a made-up history of its last sessions."""
    for recorded in data_dir.iterdir():
        if recorded.is_dir() and recorded.name != "yahoo":
            (tmp_path / recorded.name).symlink_to(recorded)
    for recorded in (data_dir / "yahoo").iterdir():
        (tmp_path / "yahoo").mkdir(exist_ok=True)
        (tmp_path / "yahoo" / recorded.name).symlink_to(recorded)
    days = ("2026-07-27", "2026-07-28", "2026-07-29")
    for place, fund in enumerate(FUNDS):
        rows = [f"{day},,,,,{50 + place + step},\n" for step, day in enumerate(days)]
        (tmp_path / f"yahoo/{fund}.csv").write_text("Date,Open,High,Low,Close,Adj Close,Volume\n" + "".join(rows))
    (tmp_path / "fred").unlink()
    (tmp_path / "fred").mkdir()
    for recorded in (data_dir / "fred").iterdir():
        (tmp_path / "fred" / recorded.name).symlink_to(recorded)
    quarters = "2025-10-01,24000.0\n2026-01-01,24100.0\n2026-04-01,24200.0\n"
    (tmp_path / "fred/GDPC1.csv").write_text(f"observation_date,GDPC1\n{quarters}")
    with live_servers(tmp_path, NIGHT) as found:
        yield found


@server
def test_funds_and_growth_are_read_where_their_publishers_have_them(
    with_funds: LiveServers, calendar: TradingCalendar
) -> None:
    fetched = source(with_funds, calendar).fetch()

    assert fetched.failure is None
    optional = {each.subject for each in fetched.payloads if each.optional}
    assert optional >= {*FUNDS, "RBUSBIS", "GDPC1", "VIX3M"}
    assert optional.isdisjoint({"SPY", "GSPC", "DTB3"})
    data, _ = read_source(source(with_funds, calendar))
    assert between(data, (fund_return("XLB"), YAHOO), SESSION, SESSION) == {SESSION: round(52 / 51 - 1, 5)}
    # A quarter's growth is out a month after its end: on 2026-07-30 that of the second is not.
    assert between(data, ("GDPC1", FRED), dt.date(2025, 1, 1), SESSION) == {
        dt.date(2025, 10, 1): 24000.0,
        dt.date(2026, 1, 1): 24100.0,
    }


@server
@pytest.mark.parametrize("answer", [Reply(b"", 429), Reply(b"", 500), PAGE], ids=["refused", "broken", "page"])
def test_funds_that_are_not_answered_for_are_no_failure(
    with_funds: LiveServers, calendar: TradingCalendar, answer: Reply
) -> None:
    with_funds.yahoo.instead = lambda path: answer if path.endswith(FUNDS) else None

    fetched = source(with_funds, calendar).fetch()

    assert fetched.failure is None
    assert {"GSPC", "SPY", "IRX", "DTB3"} <= {each.subject for each in fetched.payloads}
    assert {each.subject for each in fetched.payloads}.isdisjoint(FUNDS)


@server
def test_nobody_waits_long_for_the_funds(
    with_funds: LiveServers, calendar: TradingCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.sources.live._FUNDS_SECONDS", 0.5)
    with_funds.yahoo.instead = lambda path: Reply(silent=True) if path.endswith("XLK") else None
    begun = time.monotonic()

    fetched = source(with_funds, calendar, timeout=20.0).fetch()

    assert time.monotonic() - begun < 4.5
    assert fetched.failure is None
    assert "XLB" in {each.subject for each in fetched.payloads}
    assert "XLK" not in {each.subject for each in fetched.payloads}


@server
def test_a_publisher_that_refuses_what_is_needed_is_not_asked_for_funds(
    servers: LiveServers, calendar: TradingCalendar
) -> None:
    servers.yahoo.instead = lambda path: Reply(b"", 403) if path.endswith("SPY") else None

    assert source(servers, calendar).fetch().failure is not None
    assert not [path for path in servers.yahoo.paths if path.endswith(FUNDS)]


# Bars that are no closes.


@server
@pytest.mark.parametrize("through", [dt.date(2026, 7, 28), SESSION])
def test_the_bar_of_a_session_in_progress_is_dropped(
    data_dir: Path, calendar: TradingCalendar, through: dt.date
) -> None:
    in_session = dt.datetime(2026, 7, 29, 19, 0, tzinfo=dt.UTC)
    with live_servers(data_dir, in_session) as servers:
        payloads = list(source(servers, calendar, through, in_session).fetch().complete())

    for subject in ("GSPC", "SPY", "VIX", "IRX"):
        assert list(bars(payloads, subject))[-1] == "2026-07-28"


@server
@pytest.mark.parametrize(("made_at", "counts"), [("09:30", True), ("15:59", False), ("16:00", True), ("17:05", True)])
def test_a_bar_that_was_made_in_the_session_is_no_close(
    servers: LiveServers, calendar: TradingCalendar, data_dir: Path, made_at: str, counts: bool
) -> None:
    rows = yahoo_rows(data_dir / "yahoo/GSPC.csv", NIGHT, dt.date(2026, 1, 2))
    hour, minute = map(int, made_at.split(":"))
    rows[-1]["stamp"] = int(dt.datetime(2026, 7, 29, hour, minute, tzinfo=NEW_YORK).timestamp())
    answer = Reply(json.dumps(chart("^GSPC", rows)).encode())
    servers.yahoo.instead = lambda path: answer if path.endswith("^GSPC") else None

    days = list(bars(list(source(servers, calendar).fetch().complete()), "GSPC"))

    assert days[-1] == ("2026-07-29" if counts else "2026-07-28")


@server
def test_a_bar_counts_two_hours_after_the_close(data_dir: Path, calendar: TradingCalendar) -> None:
    last = {}
    for minute in (59, 0):
        hour = 21 if minute else 22
        after_close = dt.datetime(2026, 7, 29, hour, minute, tzinfo=dt.UTC)
        with live_servers(data_dir, after_close) as servers:
            last[hour] = list(bars(list(source(servers, calendar, SESSION, after_close).fetch().complete()), "GSPC"))[
                -1
            ]

    assert last == {21: "2026-07-28", 22: "2026-07-29"}


@server
def test_a_last_bar_without_values_stays_blank(servers: LiveServers, calendar: TradingCalendar, data_dir: Path) -> None:
    rows = yahoo_rows(data_dir / "yahoo/GSPC.csv", NIGHT, dt.date(2026, 1, 2))
    rows[-1] = dict.fromkeys(rows[-1], None) | {"stamp": rows[-1]["stamp"]}
    answer = Reply(json.dumps(chart("^GSPC", rows)).encode())
    servers.yahoo.instead = lambda path: answer if path.endswith("^GSPC") else None

    payloads = list(source(servers, calendar).fetch().complete())

    assert bars(payloads, "GSPC")["2026-07-29"] == ",,,,,0"
    (found,) = parse(payloads[0])
    assert found.days[-1].item() == dt.date(2026, 7, 28)


def test_prices_come_back_from_the_table_to_the_last_bit() -> None:
    prices = (0.1 + 0.2, 1e-7, 4794.56005859375, 4123.4, math.nan)
    header, row = history_csv([Bar(dt.date(2026, 7, 29), prices, 7)]).decode().splitlines()

    assert header == "Date,Open,High,Low,Close,Adj Close,Volume"
    day, *cells, volume = row.split(",")
    assert (day, tuple(map(float, cells[:4])), cells[4], volume) == ("2026-07-29", prices[:4], "", "7")


# What goes wrong.


@server
def test_where_nobody_listens_every_host_is_named(calendar: TradingCalendar) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        url = f"http://{host}"
        live = LiveSource(calendar, SESSION, lambda: NIGHT, endpoints=LiveEndpoints(url, url, url))
        error = failure(live)

    assert host in error.got
    assert "connection refused" in error.got
    assert "answers from" not in error.got
    assert error.do.endswith("Then run again.")


@server
def test_names_that_cannot_be_resolved_are_said_to_be_so(calendar: TradingCalendar) -> None:
    names = ("yahoo", "cboe", "fred", "web")
    yahoo, cboe, fred, web = (f"http://{name}.invalid" for name in names)
    endpoints = LiveEndpoints(yahoo=yahoo, cboe_cdn=cboe, fred=fred, cboe_web=web, bls=web)
    error = failure(LiveSource(calendar, SESSION, lambda: NIGHT, endpoints=endpoints))

    assert error.got == "no usable answer from " + ", ".join(
        f"{name}.invalid (its name cannot be resolved)" for name in names
    ).replace(", web", " and web")


@server
def test_a_certificate_of_nobody_known_is_refused(data_dir: Path, calendar: TradingCalendar) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with live_servers(data_dir, NIGHT, context) as servers:
        error = failure(source(servers, calendar))

    for host in (servers.yahoo.host, servers.cboe.host, servers.fred.host):
        assert f"{host} (its certificate is not accepted)" in error.got


@server
@pytest.mark.parametrize("down", ["yahoo", "cboe", "fred"])
def test_half_a_network_says_who_answered_and_who_did_not(
    servers: LiveServers, calendar: TradingCalendar, down: str
) -> None:
    getattr(servers, down).instead = lambda _path: Reply(b"down for maintenance", 503, "text/plain")
    error = failure(source(servers, calendar))

    hosts = {name: getattr(servers, name).host for name in ("yahoo", "cboe", "fred", "cboe_web")}
    broken = hosts.pop(down)
    first, second, third = hosts.values()
    assert error.got == f"no usable answer from {broken} (HTTP 503), answers from {first}, {second} and {third}"


@server
def test_a_web_page_in_place_of_data_is_recognised(servers: LiveServers, calendar: TradingCalendar) -> None:
    servers.cboe.instead = lambda _path: PAGE
    servers.fred.instead = lambda _path: Reply(PAGE.body)  # which calls itself a table
    error = failure(source(servers, calendar))

    for host in (servers.cboe.host, servers.fred.host):
        assert f"{host} (answered with an HTML page)" in error.got
    assert "user_agent" in error.do


@server
def test_a_limit_on_requests_is_respected_at_once(servers: LiveServers, calendar: TradingCalendar) -> None:
    servers.yahoo.instead = lambda path: Reply(b"Too Many Requests", 429, "text/plain") if "chart" in path else None
    error = failure(source(servers, calendar))

    assert f"{servers.yahoo.host} (HTTP 429, too many requests)" in error.got
    assert "Wait some minutes." in error.do
    assert len([path for path in servers.yahoo.paths if "chart" in path]) == 5


@server
def test_after_an_error_the_next_fetch_starts_afresh(servers: LiveServers, calendar: TradingCalendar) -> None:
    servers.yahoo.instead = lambda path: PAGE if "chart" in path else None
    assert f"{servers.yahoo.host} (answered with an HTML page)" in failure(source(servers, calendar)).got
    servers.yahoo.instead = lambda _path: None

    assert "2026-07-29" in bars(list(source(servers, calendar).fetch().complete()), "GSPC")


@server
@pytest.mark.parametrize(
    "body",
    [
        b'{"chart": {"result": [{"meta": {"symbol": "^GSPC"}, "indicators": {"quote": [{"open": []}]}}]}}',
        b'{"finance": {"result": null, "error": {"code": "Unauthorized"}}}',
        b"Will be right back",
    ],
)
def test_nonsense_from_yahoo_is_an_error_of_the_source(
    servers: LiveServers, calendar: TradingCalendar, body: bytes
) -> None:
    # Also where an empty history would be none.
    servers.yahoo.instead = lambda path: Reply(body) if path.endswith("^SP500TR") else None

    assert "(answered with something other than prices for ^SP500TR)" in failure(source(servers, calendar)).got


@server
@pytest.mark.parametrize("announced", [True, False])
def test_half_an_answer_is_none(
    servers: LiveServers, calendar: TradingCalendar, data_dir: Path, announced: bool
) -> None:
    body = (data_dir / "cboe/index/VIX_History.csv").read_bytes()[:-5]
    servers.cboe.instead = lambda path: Reply(body, truncated=announced) if "VIX_History" in path else None

    assert f"{servers.cboe.host} (the answer broke off for VIX)" in failure(source(servers, calendar)).got


@server
@pytest.mark.parametrize("slow", ["yahoo", "cboe"])
def test_a_server_that_does_not_answer_by_the_deadline_is_named(
    servers: LiveServers, calendar: TradingCalendar, slow: str
) -> None:
    getattr(servers, slow).instead = lambda _path: Reply(b"", silent=True)
    started = time.monotonic()
    error = failure(source(servers, calendar, timeout=30, deadline=1.2))
    elapsed = time.monotonic() - started

    assert error.expected == "every answer within 1.2 s"
    late = getattr(servers, slow).host
    hosts = (servers.yahoo.host, servers.cboe.host, servers.fred.host, servers.cboe_web.host)
    others = [host for host in hosts if host != late]
    assert error.got == f"no answer yet from {late}, answers from {others[0]}, {others[1]} and {others[2]}"
    assert elapsed < 2.2
    ends_at = time.monotonic() + 1.0
    while any(thread.name.startswith("live") for thread in threading.enumerate()) and time.monotonic() < ends_at:
        time.sleep(0.02)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("live")]


@server
@pytest.mark.parametrize("reply", [Reply(b"", silent=True), Reply(b"0" * 10_000, dripping=True)])
def test_a_server_that_takes_too_long_is_given_up(
    servers: LiveServers, calendar: TradingCalendar, reply: Reply
) -> None:
    servers.fred.instead = lambda _path: reply

    assert f"{servers.fred.host} (no answer in time)" in failure(source(servers, calendar, timeout=0.6)).got


@server
def test_a_clock_three_days_off_is_refused_unless_it_is_meant_to_be(
    servers: LiveServers, calendar: TradingCalendar
) -> None:
    for publisher in (servers.cboe, servers.cboe_web, servers.fred, servers.bls):
        publisher.date = NIGHT + dt.timedelta(days=3)
    with pytest.raises(ConfigurationError) as caught:
        list(source(servers, calendar).fetch().complete())

    assert caught.value.about == "clock"
    assert caught.value.expected == "2026-08-02 06:00 UTC as the servers have it, give or take 10 minutes"
    assert caught.value.got == "2026-07-30 06:00 UTC"
    assert list(source(servers, calendar, check_clock=False).fetch().complete())


@server
def test_an_answer_that_a_cache_kept_does_not_make_the_clock_wrong(
    servers: LiveServers, calendar: TradingCalendar
) -> None:
    servers.cboe.date = NIGHT - dt.timedelta(days=2)

    assert list(source(servers, calendar).fetch().complete())


@server
def test_a_fetch_prints_nothing_and_leaves_no_files(servers: LiveServers, tmp_path: Path) -> None:
    servers.yahoo.instead = lambda path: PAGE if "SPY" in path else None
    endpoints = servers.endpoints
    script = (
        "import datetime as dt\n"
        "from signals.calendar import trading_calendar\n"
        "from signals.errors import TransientSourceError\n"
        "from tasks.sources.live import LiveEndpoints, LiveOptions, LiveSource\n"
        f"endpoints = LiveEndpoints({endpoints.yahoo!r}, {endpoints.cboe_cdn!r}, {endpoints.fred!r})\n"
        f"now = dt.datetime.fromisoformat({NIGHT.isoformat()!r})\n"
        f"session = dt.date.fromisoformat({SESSION.isoformat()!r})\n"
        "try:\n"
        "    list(LiveSource(trading_calendar(), session, lambda: now, endpoints=endpoints).fetch().complete())\n"
        "except TransientSourceError:\n"
        "    pass\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")
    assert [line for line in done.stderr.splitlines() if "exchange_calendars" not in line] == []
    assert list(home.rglob("*")) == []


# Without a server.


def test_the_contracts_of_a_window_are_those_in_a_slot_at_any_of_its_closes(calendar: TradingCalendar) -> None:
    # The contract of 2026-04-15 left slot 1 at the close of that day.
    files = contract_files("", calendar, dt.date(2026, 4, 15), SESSION)

    assert files[0].subject == "VX_2026-05-19"
    assert files[-1].subject == "VX_2027-04-21"
    assert [file.subject for file in files if file.may_be_absent] == ["VX_2027-03-17", "VX_2027-04-21"]


def test_sessions_before_futures_had_been_traded_for_long_enough_are_refused(calendar: TradingCalendar) -> None:
    with pytest.raises(ConfigurationError, match=r"expected 70 sessions from 2004-03-26 on"):
        LiveSource(calendar, dt.date(2004, 6, 1), lambda: NIGHT)
    LiveSource(calendar, dt.date(2004, 7, 8), lambda: NIGHT)
