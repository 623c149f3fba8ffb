"""Cboe's delayed quotes of an option chain, from bars that were recorded for one evening.

The recording has trades and no quotes: sizes, greeks, open interest, bid and ask are 0.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

from signals.zones import NEW_YORK
from tasks.replay.messages import JSON, Reply
from tasks.replay.recorded import INDEX_DELAY, calendar, last_closed, recording

#: Quotes are so far behind.
_QUOTE_DELAY = dt.timedelta(minutes=15)
_SECOND = dt.timedelta(seconds=1)
_STRIKE_UNIT = 1000
#: Cboe's number for itself.
_EXCHANGE = 5
_UNKNOWN = dict.fromkeys(("bid", "bid_size", "ask", "ask_size", "iv", "open_interest"), 0.0)
_UNKNOWN_GREEKS = dict.fromkeys(("delta", "gamma", "vega", "theta", "rho", "theo", "change"), 0.0)


def chain(directory: Path, instant: dt.datetime, name: str) -> Reply | None:
    """The chain on an index as it stood from the evening of the last session; None where none was recorded."""
    session = last_closed(instant, INDEX_DELAY)
    path = directory / f"options/{name.lower()}_options_{session}.csv"
    if not path.exists():
        return None
    quoted_at = calendar().close_time(session) + _QUOTE_DELAY + _SECOND
    traded_at = f"{(quoted_at - 2 * _SECOND).astimezone(NEW_YORK):%Y-%m-%dT%H:%M:%S}"
    with path.open(newline="") as file:
        options = [_option(name, row, traded_at) for row in csv.DictReader(file)]
    data = {
        "options": options,
        "symbol": f"^{name}",
        "security_type": "index",
        "exchange_id": _EXCHANGE,
        **_index(directory, name, session),
        "last_trade_time": traded_at,
        "tick": "no_change",
    }
    body = {"timestamp": f"{quoted_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}", "data": data, "symbol": f"_{name}"}
    return Reply(json.dumps(body).encode(), content_type=JSON)


def _option(name: str, row: dict[str, str], traded_at: str) -> dict[str, Any]:
    expiration = dt.date.fromisoformat(row["expiration"])
    strike = round(float(row["strike"]) * _STRIKE_UNIT)
    return {
        "option": f"{name}{expiration:%y%m%d}{row['type']}{strike:08d}",
        **_UNKNOWN,
        "volume": float(row["volume"]),
        **_UNKNOWN_GREEKS,
        "open": float(row["open"]),
        "high": float(row["high"]),
        "low": float(row["low"]),
        "tick": "no_change",
        "last_trade_price": float(row["close"]),
        "last_trade_time": traded_at,
        "percent_change": 0.0,
        "prev_day_close": 0.0,
    }


def _index(directory: Path, name: str, session: dt.date) -> dict[str, float]:
    """The index itself, from its history; 0 where the history does not say."""
    history = recording(directory / f"cboe/index/{name}_History.csv")
    before = calendar().previous_session(session)
    today, yesterday = (_bar(history.cells(day)) if history else _bar({}) for day in (session, before))
    change = today["close"] - yesterday["close"]
    return {
        "current_price": today["close"],
        "price_change": round(change, 4),
        "price_change_percent": round(100 * change / yesterday["close"], 4) if yesterday["close"] else 0.0,
        "bid": 0.0,
        "ask": 0.0,
        "bid_size": 0,
        "ask_size": 0,
        **today,
        "prev_day_close": yesterday["close"],
        "volume": 0,
        "iv30": 0.0,
    }


def _bar(cells: dict[str, str]) -> dict[str, float]:
    close = cells.get("CLOSE") or (list(cells.values())[-1] if cells else "0")
    return {name: float(cells.get(name.upper()) or close) for name in ("open", "high", "low", "close")}
