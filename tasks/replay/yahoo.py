"""Yahoo's daily history: its chart interface, the cookie and the crumb it hands out first."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signals.zones import NEW_YORK
from tasks.replay.messages import HTML, JSON, TEXT, Reply, Request
from tasks.replay.recorded import calendar, recording

CHART = "/v8/finance/chart/"

_OPEN = dt.time(9, 30)
_CLOSE = dt.time(16, 0)
_PRICES = ("Open", "High", "Low", "Close", "Volume")
_INDICES = ("GSPC", "SP500TR", "VIX", "IRX")
_IN_CHICAGO = ("^VIX", "^IRX")
#: How far the bar of a session in progress is from its close here.
LIVE_MOVE = 1.01


def answer(directory: Path, instant: dt.datetime, request: Request) -> Reply:
    """What Yahoo answers."""
    if request.path == "/v1/test/getcrumb":
        return Reply(b"Crumb.1", content_type=TEXT)
    if request.path == "/":
        return Reply(b"", 404, HTML, headers=(("Set-Cookie", "A3=d=1; Path=/"),))
    ticker = request.path.removeprefix(CHART)
    name = ticker.removeprefix("^")
    path = directory / f"yahoo/{name}.csv"
    known = re.fullmatch(r"[A-Z0-9.-]+", name) and (name in _INDICES) == ticker.startswith("^") and path.exists()
    if not request.path.startswith(CHART) or not known:
        return _error(404, "Not Found", "No data found, symbol may be delisted")
    if request.query.get("interval") != "1d" or request.query.get("includePrePost", "false").lower() != "false":
        return _error(422, "Unprocessable Entity", "Only daily bars of regular hours were recorded")
    try:
        start, end = _period(request.query, instant)
        first = dt.datetime.fromtimestamp(start, NEW_YORK).date()
    except (KeyError, ValueError, OverflowError, OSError):
        return _error(422, "Unprocessable Entity", "Invalid input - period1 and period2 are needed")
    rows = [row for row in yahoo_rows(path, instant, first) if start <= row["stamp"] < end or row["live"]]
    if not rows:
        return _error(400, "Bad Request", f"Data doesn't exist for startDate = {start}, endDate = {end}")
    return Reply(json.dumps(chart(ticker, rows)).encode(), content_type=JSON)


def yahoo_rows(path: Path, instant: dt.datetime, first: dt.date) -> list[dict[str, Any]]:
    """The bars that Yahoo had at an instant; in a session the last one moves, and comes whatever was asked for."""
    found = recording(path)
    if found is None:
        return []
    rows = []
    lines = (line.decode() for line in found.rows(instant.astimezone(NEW_YORK).date(), first))
    for row in csv.DictReader([found.head.decode(), *lines]):
        day = dt.date.fromisoformat(row["Date"])
        opened = dt.datetime.combine(day, _OPEN, NEW_YORK)
        if opened > instant:
            break
        live = instant < _closes(day)
        prices = {name: float(cell) if (cell := row[name]) else None for name in list(row)[1:]}
        if live:
            prices = {name: value and value * LIVE_MOVE for name, value in prices.items()}
        stamp = int((instant if live else opened).timestamp())
        rows.append({"day": day, "stamp": stamp, "live": live, **prices})
    return rows


def chart(ticker: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer about a ticker, as the chart interface writes it."""
    meta = {
        "currency": "USD",
        "symbol": ticker,
        "instrumentType": "INDEX" if ticker.startswith("^") else "ETF",
        "exchangeTimezoneName": "America/Chicago" if ticker in _IN_CHICAGO else "America/New_York",
        "priceHint": 2,
        "dataGranularity": "1d",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    result = {
        "meta": meta,
        "timestamp": [row["stamp"] for row in rows],
        "indicators": {
            "quote": [{name.lower(): [row[name] for row in rows] for name in _PRICES}],
            "adjclose": [{"adjclose": [row["Adj Close"] for row in rows]}],
        },
    }
    return {"chart": {"result": [result], "error": None}}


def _closes(day: dt.date) -> dt.datetime:
    known = calendar()
    if known.sessions[0].item() <= day and known.is_session(day):
        return known.close_time(day)
    return dt.datetime.combine(day, _CLOSE, NEW_YORK)


def _error(status: int, code: str, description: str) -> Reply:
    error = {"chart": {"result": None, "error": {"code": code, "description": description}}}
    return Reply(json.dumps(error).encode(), status, JSON)


def _period(query: Mapping[str, str], instant: dt.datetime) -> tuple[int, int]:
    """The stamps between which bars are asked for, also where that is a number of days up to now."""
    if days := re.fullmatch(r"(\d+)d", query.get("range", "")):
        # Days of trading: there are as many in any longer span of the calendar.
        return int((instant - dt.timedelta(days=2 * int(days[1]))).timestamp()), int(instant.timestamp()) + 1
    return int(query["period1"]), int(query["period2"])
