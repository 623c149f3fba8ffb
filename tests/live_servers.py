"""Servers on the loopback that answer as Yahoo, Cboe and FRED do, from the recorded files, as of an instant."""

from __future__ import annotations

import csv
import datetime as dt
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from signals.calendar import NEW_YORK, trading_calendar
from tasks.sources.live import LiveEndpoints

_OPEN = dt.time(9, 30)
_YAHOO_NAMES = {"GSPC": "INDEX", "SP500TR": "INDEX", "SPY": "ETF", "VIX": "INDEX", "IRX": "INDEX"}
_CHART = "/v8/finance/chart/"
_VX = "/data/us/futures/market_statistics/historical_data/VX/"
_INDEX = "/api/global/us_indices/daily_prices/"


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes
    ----------
    truncated : bool
        Whether half of the body is sent, with the length of all of it announced.
    silent, dripping : bool
        Whether nothing is sent until the server stops, or a byte now and then.
    """

    body: bytes
    status: int = 200
    content_type: str = "text/csv"
    headers: tuple[tuple[str, str], ...] = ()
    truncated: bool = False
    silent: bool = False
    dripping: bool = False


@dataclass
class LiveServer:
    """One server. `instead` may answer in its place; it returns None where it does not."""

    usual: Callable[[str, dict[str, str]], Reply]
    date: dt.datetime
    instead: Callable[[str], Reply | None] = lambda _path: None
    paths: list[str] = field(default_factory=list)
    user_agents: set[str] = field(default_factory=set)
    stopped: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    tls: ssl.SSLContext | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def answer(self, target: str) -> Reply:
        parts = urlsplit(target)
        path = unquote(parts.path)
        self.paths.append(path)
        return self.instead(path) or self.usual(path, {name: v[0] for name, v in parse_qs(parts.query).items()})


@dataclass(frozen=True)
class LiveServers:
    """The three of them."""

    yahoo: LiveServer
    cboe: LiveServer
    fred: LiveServer

    @property
    def endpoints(self) -> LiveEndpoints:
        return LiveEndpoints(self.yahoo.url, self.cboe.url, self.fred.url)


@contextmanager
def live_servers(directory: Path, instant: dt.datetime, tls: ssl.SSLContext | None = None) -> Iterator[LiveServers]:
    """Serve the recorded files in a directory as their publishers would have at an instant."""
    servers = LiveServers(
        LiveServer(partial(_yahoo, directory, instant), instant, tls=tls),
        LiveServer(partial(_cboe, directory, instant), instant, tls=tls),
        LiveServer(partial(_fred, directory, instant), instant, tls=tls),
    )
    with ExitStack() as stack:
        for server in (servers.yahoo, servers.cboe, servers.fred):
            stack.enter_context(_serving(server))
        yield servers


@contextmanager
def _serving(state: LiveServer) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.user_agents.add(self.headers["User-Agent"])
            reply = state.answer(self.path)
            if reply.silent:
                state.stopped.wait(30)
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            self.send_header("Date", format_datetime(state.date, usegmt=True))
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            for header in reply.headers:
                self.send_header(*header)
            self.end_headers()
            while reply.dripping and not state.stopped.wait(0.05):
                self.wfile.write(b"0")
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.truncated else reply.body)
            self.close_connection = self.close_connection or reply.truncated

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    if state.tls:
        server.socket = state.tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        state.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _yahoo(directory: Path, instant: dt.datetime, path: str, query: dict[str, str]) -> Reply:
    if path == "/v1/test/getcrumb":
        return Reply(b"Crumb.1", content_type="text/plain")
    if path == "/":
        return Reply(b"", 404, "text/html", headers=(("Set-Cookie", "A3=d=1; Path=/"),))
    ticker = path.removeprefix(_CHART)
    name = ticker.removeprefix("^")
    if not path.startswith(_CHART) or name not in _YAHOO_NAMES:
        return _chart_error(404, "Not Found", "No data found, symbol may be delisted")
    assert (query["interval"], query["includePrePost"]) == ("1d", "false")
    start, end = int(query["period1"]), int(query["period2"])
    first = dt.datetime.fromtimestamp(start, NEW_YORK).date()
    rows = [
        row
        for row in yahoo_rows(directory / f"yahoo/{name}.csv", instant, first)
        if start <= row["stamp"] < end or row["live"]
    ]
    if not rows:
        return _chart_error(400, "Bad Request", f"Data doesn't exist for startDate = {query['period1']}")
    return Reply(json.dumps(chart(ticker, rows)).encode(), content_type="application/json")


def _chart_error(status: int, code: str, description: str) -> Reply:
    error = {"chart": {"result": None, "error": {"code": code, "description": description}}}
    return Reply(json.dumps(error).encode(), status, "application/json")


def yahoo_rows(path: Path, instant: dt.datetime, first: dt.date) -> list[dict[str, Any]]:
    """The bars that Yahoo had at an instant; in a session the last one moves, and comes whatever was asked for."""
    rows = []
    with path.open(newline="") as file:
        header, *lines = file.read().splitlines()
        for row in csv.DictReader([header, *(line for line in lines if line[:10] >= first.isoformat())]):
            day = dt.date.fromisoformat(row["Date"])
            opened = dt.datetime.combine(day, _OPEN, NEW_YORK)
            if opened > instant:
                break
            live = instant < opened.replace(hour=16, minute=0)
            prices = {name: float(cell) if (cell := row[name]) else None for name in list(row)[1:]}
            if live:
                prices = {name: value and value * 1.01 for name, value in prices.items()}
            stamp = int((instant if live else opened).timestamp())
            rows.append({"day": day, "stamp": stamp, "live": live, **prices})
    return rows


def chart(ticker: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Yahoo's answer about a ticker."""
    names = ("Open", "High", "Low", "Close", "Volume")
    meta = {
        "currency": "USD",
        "symbol": ticker,
        "instrumentType": _YAHOO_NAMES[ticker.removeprefix("^")],
        "exchangeTimezoneName": "America/Chicago" if ticker in ("^VIX", "^IRX") else "America/New_York",
        "priceHint": 2,
        "dataGranularity": "1d",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    result = {
        "meta": meta,
        "timestamp": [row["stamp"] for row in rows],
        "indicators": {
            "quote": [{name.lower(): [row[name] for row in rows] for name in names}],
            "adjclose": [{"adjclose": [row["Adj Close"] for row in rows]}],
        },
    }
    return {"chart": {"result": [result], "error": None}}


def _cboe(directory: Path, instant: dt.datetime, path: str, _query: dict[str, str]) -> Reply:
    if path.startswith(_VX):
        # A trade date appears at 05:05 UTC of the next day.
        through = (instant - dt.timedelta(hours=5, minutes=5)).astimezone(dt.UTC).date() - dt.timedelta(days=1)
        return _file(directory / "cboe/futures/VX" / path.removeprefix(_VX), through)
    return _file(directory / "cboe/index" / path.removeprefix(_INDEX), _closed_by(instant))


def _fred(directory: Path, instant: dt.datetime, path: str, query: dict[str, str]) -> Reply:
    if path != "/graph/fredgraph.csv":
        return Reply(b"not found", 404, "text/plain")
    # A day appears on the next one.
    through = instant.astimezone(NEW_YORK).date() - dt.timedelta(days=1)
    return _file(directory / f"fred/{query['id']}.csv", through, dt.date.fromisoformat(query["cosd"]))


def _closed_by(instant: dt.datetime) -> dt.date:
    return trading_calendar().last_session_closed_by(instant, dt.timedelta(minutes=30))


@cache
def _file(path: Path, through: dt.date, first: dt.date = dt.date.min) -> Reply:
    """The header and the rows of a recorded file in a range of days; Cboe says 403 where it has no such file."""
    missing = Reply(b"<Error><Code>AccessDenied</Code></Error>", 403, "application/xml")
    if not path.exists():
        return missing
    header, *lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if first <= _day(line) <= through]
    return Reply(b"".join([header, *kept])) if kept else missing


def _day(line: bytes) -> dt.date:
    text = line[:10].decode()
    return dt.date.fromisoformat(text if text[4] == "-" else f"{text[6:]}-{text[:2]}-{text[3:5]}")
