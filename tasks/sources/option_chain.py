"""Parser of Cboe's delayed option chains.

The `timestamp` of a chain names no time zone. It is UTC: read at 21:56 UTC it says 21:55, summer and winter. Times of
last trades, which are New York's, are not read.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from signals.errors import DataQualityError
from signals.options import Floats, OptionChain
from signals.series import SPX, VIX
from tasks.sources.payload import Payload
from tasks.sources.tables import outside, wrong_name
from tasks.sources.text import iso_date, json_number, json_of

#: Raised whenever the same body would be read as other quotes: calls kept of it, and books made from them, are not used
#: any more.
READER_VERSION = 1

#: Series of the underlying's price by the subject of the chain.
_UNDERLYINGS = {"VIX": VIX, "SPX": SPX}

_SYMBOL = re.compile(r"([A-Z]+)(\d\d)(\d\d)(\d\d)([CP])(\d{8})", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_CLOCKS_APART = dt.timedelta(minutes=10)

#: Field of an entry -> lowest and highest value that is not a mistake.
_RANGES = {
    "bid": (0.0, 1e5),
    "ask": (0.0, 1e5),
    "last_trade_price": (0.0, 1e5),
    "iv": (0.0, 100.0),
    "delta": (-1.0, 1.0),
    "open_interest": (0.0, 1e9),
    "volume": (0.0, 1e9),
}


@dataclass(frozen=True)
class _Option:
    symbol: str
    root: str
    expiry: dt.date
    is_call: bool
    strike: float
    quoted: Mapping[str, float]


def read_chain(payload: Payload) -> OptionChain:
    """The options in a chain.

    Raises
    ------
    DataQualityError
        Naming the file, and the option where it is one: for a body of another shape, a chain on another underlying,
        a time that is none or ahead of when it was read, an option given twice, a strike of zero, a number that is
        none or out of its range. A crossed quote is no error; see `OptionChain`.
    """
    if payload.subject not in _UNDERLYINGS:
        raise wrong_name(payload, " or ".join(_UNDERLYINGS))
    body = json_of(payload)
    data = body.get("data") if isinstance(body, dict) else None
    entries = data.get("options") if isinstance(data, dict) else None
    if not isinstance(body, dict) or not isinstance(data, dict) or not isinstance(entries, list) or not entries:
        raise _wrong(payload, "", "a chain as data.options", "none")
    about = data.get("symbol")
    if not isinstance(about, str) or about.lstrip("^_") != payload.subject:
        raise _wrong(payload, "", f"options on {payload.subject}", f"{about!r}"[:60])
    found: dict[str, _Option] = {}
    for number, entry in enumerate(entries, start=1):
        option = _option(payload, number, entry)
        if option.symbol in found:
            raise _wrong(payload, option.symbol, "each option once", "it a second time")
        found[option.symbol] = option
    options = sorted(found.values(), key=attrgetter("root", "expiry", "is_call", "strike"))

    def numbers(name: str) -> Floats:
        return np.array([option.quoted[name] for option in options], dtype=np.float64)

    bid, ask = _quotes(numbers("bid"), numbers("ask"))
    return OptionChain(
        underlying=payload.subject,
        underlying_price=_price(payload, data),
        quoted_at=_quoted_at(payload, body.get("timestamp")),
        root=np.array([option.root for option in options]),
        expiry=np.array([option.expiry for option in options], dtype="datetime64[D]"),
        is_call=np.array([option.is_call for option in options]),
        strike=np.array([option.strike for option in options]),
        bid=bid,
        ask=ask,
        last=_unless_zero(numbers("last_trade_price")),
        implied_volatility=_unless_zero(numbers("iv")),
        delta=numbers("delta"),
        open_interest=numbers("open_interest"),
        volume=numbers("volume"),
    )


def _option(payload: Payload, number: int, entry: object) -> _Option:
    symbol = entry.get("option") if isinstance(entry, dict) else None
    parts = _SYMBOL.fullmatch(symbol) if isinstance(symbol, str) else None
    day = iso_date(f"20{parts[2]}-{parts[3]}-{parts[4]}") if parts else None
    if not isinstance(entry, dict) or not isinstance(symbol, str) or parts is None or day is None:
        raise _wrong(payload, f"entry {number}", "an option such as 'VIX240618C00010000'", f"{symbol!r}"[:60])
    if parts[1] not in (payload.subject, f"{payload.subject}W"):
        raise _wrong(payload, symbol, f"an option on {payload.subject}", f"one of {parts[1]}")
    strike = int(parts[6]) / 1000.0
    if strike == 0.0:
        raise _wrong(payload, symbol, "a strike above 0", "0")
    quoted = {name: _number(payload, symbol, name, entry.get(name)) for name in _RANGES}
    return _Option(symbol, parts[1], day, parts[5] == "C", strike, quoted)


def _number(payload: Payload, symbol: str, name: str, value: object) -> float:
    """A number of an entry; NaN where there is none."""
    if value is None:
        return math.nan
    number = json_number(value)
    lowest, highest = _RANGES[name]
    if number is None or not lowest <= number <= highest:
        raise _wrong(payload, symbol, f"{name} between {lowest:g} and {highest:g}", f"{value!r}"[:60])
    return number


def _quotes(bid: Floats, ask: Floats) -> tuple[Floats, Floats]:
    """Bids and asks as `OptionChain` has them."""
    nobody = ~(bid > 0.0) & ~(ask > 0.0)
    crossed = (bid > 0.0) & (ask > 0.0) & (bid > ask)
    dropped = nobody | crossed
    return np.where(dropped, np.nan, bid), np.where(dropped | (ask == 0.0), np.nan, ask)


def _unless_zero(values: Floats) -> Floats:
    """Values with NaN for 0, which is how "none" is written."""
    return np.where(values == 0.0, np.nan, values)


def _price(payload: Payload, data: Mapping[str, object]) -> float:
    """The price of the underlying; before its first trade of a session, its close."""
    found = json_number(data.get("current_price")) or json_number(data.get("close"))
    if found is None:
        raise _wrong(payload, "", f"a price of {payload.subject} as current_price or close", "none")
    if expected := outside(_UNDERLYINGS[payload.subject], found):
        raise _wrong(payload, "", expected, f"{found:g}")
    return found


def _quoted_at(payload: Payload, stamp: object) -> dt.datetime:
    day, _, clock = stamp.partition(" ") if isinstance(stamp, str) else ("", "", "")
    date = iso_date(day)
    if date is None or not _CLOCK.fullmatch(clock):
        raise _wrong(payload, "", "a timestamp as 'yyyy-mm-dd hh:mm:ss', in UTC", f"{stamp!r}"[:60])
    found = dt.datetime.combine(date, dt.time.fromisoformat(clock), dt.UTC)
    if found - payload.fetched_at > _CLOCKS_APART:
        raise _wrong(
            payload, "", f"a timestamp up to {payload.fetched_at.astimezone(dt.UTC)}, when it was read", f"{found}"
        )
    return found


def _wrong(payload: Payload, which: str, expected: str, got: str) -> DataQualityError:
    about = f"{payload.locator}, {which}" if which else payload.locator
    return DataQualityError(about, expected=expected, got=got, do="Fetch the file again.")
