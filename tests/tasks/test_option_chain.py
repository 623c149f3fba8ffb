from __future__ import annotations

import copy
import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.errors import DataQualityError
from signals.options import OptionChain
from tasks.sources.cboe import chain_files
from tasks.sources.formats import CBOE_OPTION_CHAIN, parse
from tasks.sources.option_chain import read_chain
from tasks.sources.payload import Payload

READ = dt.datetime(2024, 6, 3, 20, 16, tzinfo=dt.UTC)

CALL = {
    "option": "VIX240618C00013000",
    "bid": 1.05,
    "bid_size": 12.0,
    "ask": 1.1,
    "iv": 0.8512,
    "open_interest": 91234.0,
    "volume": 1520.0,
    "delta": 0.5012,
    "gamma": 0.12,
    "theo": 1.07,
    "last_trade_price": 1.08,
    "last_trade_time": "2024-06-03T16:14:55",
}
PUT = CALL | {"option": "VIXW240626P00012500", "delta": -0.31}


def document(*options: dict[str, Any], **about: Any) -> dict[str, Any]:
    data = {"options": list(options), "symbol": "^VIX", "current_price": 13.11, "close": 12.92}
    return {"timestamp": "2024-06-03 20:15:01", "data": data | about, "symbol": "_VIX"}


def payload(body: object, subject: str = "VIX") -> Payload:
    return Payload(CBOE_OPTION_CHAIN, subject, "recorded/_VIX.json", json.dumps(body).encode(), READ, False)


def read(*options: dict[str, Any], **about: Any) -> OptionChain:
    return read_chain(payload(document(*options, **about)))


def refuse(body: object, subject: str = "VIX") -> str:
    with pytest.raises(DataQualityError) as caught:
        read_chain(payload(body, subject))
    return str(caught.value)


def test_a_chain_is_read_option_by_option() -> None:
    chain = read(CALL, PUT)

    assert (chain.underlying, chain.underlying_price, len(chain)) == ("VIX", 13.11, 2)
    assert chain.root.tolist() == ["VIX", "VIXW"]
    assert chain.expiry.tolist() == [dt.date(2024, 6, 18), dt.date(2024, 6, 26)]
    assert chain.is_call.tolist() == [True, False]
    assert chain.strike.tolist() == [13.0, 12.5]
    assert chain.bid.tolist() == [1.05, 1.05]
    assert chain.ask.tolist() == [1.1, 1.1]
    assert chain.last.tolist() == [1.08, 1.08]
    assert chain.implied_volatility.tolist() == [0.8512, 0.8512]
    assert chain.delta.tolist() == [0.5012, -0.31]
    assert chain.open_interest.tolist() == [91234.0, 91234.0]
    assert chain.volume.tolist() == [1520.0, 1520.0]


def test_a_chain_is_checked_where_it_is_ingested_and_is_no_series() -> None:
    assert parse(payload(document(CALL, PUT))) == []
    with pytest.raises(DataQualityError):
        parse(payload(document()))


def test_the_time_of_a_chain_is_utc() -> None:
    assert read(CALL).quoted_at == dt.datetime(2024, 6, 3, 20, 15, 1, tzinfo=dt.UTC)


def test_options_on_the_sp500_have_two_roots() -> None:
    options = [CALL | {"option": f"{root}240621C05300000"} for root in ("SPX", "SPXW")]
    chain = read_chain(payload(document(*options, symbol="^SPX", current_price=5283.4), "SPX"))
    assert chain.root.tolist() == ["SPX", "SPXW"]
    assert chain.strike.tolist() == [5300.0, 5300.0]


@pytest.mark.parametrize(
    ("bid", "ask", "read_bid", "read_ask"),
    [
        (0.0, 0.0, math.nan, math.nan),
        (None, None, math.nan, math.nan),
        (0.0, 0.05, 0.0, 0.05),
        (None, 0.05, math.nan, 0.05),
        (0.05, 0.0, 0.05, math.nan),
        (0.05, None, 0.05, math.nan),
        (0.05, 0.05, 0.05, 0.05),
        (0.1, 0.05, math.nan, math.nan),
        (0, 1, 0.0, 1.0),
    ],
)
def test_a_quote_that_is_none_or_crossed_is_no_number(
    bid: float | None, ask: float | None, read_bid: float, read_ask: float
) -> None:
    chain = read(CALL | {"bid": bid, "ask": ask})
    assert [*chain.bid, *chain.ask] == pytest.approx([read_bid, read_ask], nan_ok=True, abs=0)


def test_zero_stands_for_no_trade_and_no_volatility_but_for_no_contracts_too() -> None:
    chain = read(CALL | {"last_trade_price": 0.0, "iv": 0.0, "delta": 0.0, "volume": 0.0, "open_interest": 0.0})
    assert np.isnan(chain.last).all()
    assert np.isnan(chain.implied_volatility).all()
    assert [*chain.delta, *chain.volume, *chain.open_interest] == [0.0, 0.0, 0.0]


def test_what_is_not_given_is_no_number() -> None:
    chain = read({"option": CALL["option"]})
    for values in (chain.bid, chain.ask, chain.last, chain.implied_volatility, chain.delta, chain.volume):
        assert np.isnan(values).all()
    assert np.isnan(chain.open_interest).all()


@pytest.mark.parametrize("nothing", [None, 0, 0.0])
def test_before_the_first_trade_of_a_session_the_close_stands_for_the_price(nothing: float | None) -> None:
    assert read(CALL, current_price=nothing).underlying_price == 12.92


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bid", -0.05),
        ("ask", 1e6),
        ("ask", "1.1"),
        ("bid", True),
        ("bid", [1.0]),
        ("iv", -0.1),
        ("iv", 101),
        ("delta", 1.5),
        ("open_interest", -1),
        pytest.param("volume", 10**400, id="volume-large"),
        ("last_trade_price", "n/a"),
    ],
)
def test_a_number_that_cannot_be_is_refused_with_the_option(field: str, value: object) -> None:
    message = refuse(document(PUT, CALL | {field: value}))
    assert message.startswith(f"recorded/_VIX.json, VIX240618C00013000: expected {field} between ")


@pytest.mark.parametrize(
    "symbol",
    [
        None,
        13,
        "",
        "VIX",
        "VIX 240618C00013000",
        "VIX240618X00013000",
        "VIX240631C00013000",
        "VIX240618C0001300",
        "VIX240618C000130000",
        "VIX24\u06660618C00013000",
        "vix240618C00013000",
    ],
)
def test_a_symbol_of_no_option_is_refused_with_its_place(symbol: object) -> None:
    message = refuse(document(CALL, PUT | {"option": symbol}))
    assert message.startswith("recorded/_VIX.json, entry 2: expected an option such as 'VIX240618C00010000', got ")


def test_an_option_on_something_else_is_refused() -> None:
    message = refuse(document(CALL | {"option": "XSP240618C00530000"}))
    assert "XSP240618C00530000: expected an option on VIX, got one of XSP." in message


def test_a_strike_of_zero_is_refused() -> None:
    assert "expected a strike above 0, got 0." in refuse(document(CALL | {"option": "VIX240618C00000000"}))


def test_an_option_given_twice_is_refused() -> None:
    message = refuse(document(CALL, PUT, CALL | {"bid": 1.0}))
    assert message.startswith("recorded/_VIX.json, VIX240618C00013000: expected each option once")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"data": []},
        {"data": {"options": {}}},
        document(),
        {"error": "not found"},
    ],
)
def test_a_document_of_another_shape_is_refused(body: object) -> None:
    assert "expected a chain as data.options, got none." in refuse(body)


@pytest.mark.parametrize("symbol", [None, "^SPX", "_SPX", 7, "VIXY"])
def test_a_chain_on_another_index_is_refused(symbol: object) -> None:
    assert "expected options on VIX, got " in refuse(document(CALL, symbol=symbol))


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (None, "expected a price of VIX as current_price or close, got none."),
        ("13.11", "expected a price of VIX as current_price or close, got none."),
        (1311, "expected VIX between 5 and 250 points (closes of the VIX since 1990 lie between 9 and 83), got 1311."),
        (-13.11, "expected VIX between 5 and 250 points"),
    ],
)
def test_a_chain_without_a_plausible_price_of_the_index_is_refused(price: object, said: str) -> None:
    assert said in refuse(document(CALL, current_price=price, close=None))


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        1717445701,
        "",
        "2024-06-03",
        "20:15:01",
        "2024-06-31 20:15:01",
        "2024-06-03T20:15:01",
        "2024-06-03 24:15:01",
        "2024-06-03 20:15:01+00:00",
    ],
)
def test_a_time_that_is_none_is_refused(stamp: object) -> None:
    message = refuse(document(CALL) | {"timestamp": stamp})
    assert "expected a timestamp as 'yyyy-mm-dd hh:mm:ss', in UTC, got " in message


def test_a_time_after_the_chain_was_read_is_refused_but_clocks_may_differ_by_minutes() -> None:
    read_chain(payload(document(CALL) | {"timestamp": "2024-06-03 20:26:00"}))
    message = refuse(document(CALL) | {"timestamp": "2024-06-03 20:26:01"})
    assert "expected a timestamp up to 2024-06-03 20:16:00+00:00, when it was read" in message


def test_a_name_of_no_chain_is_refused() -> None:
    assert "expected a file named VIX or SPX, got 'NDX'." in refuse(document(CALL), "NDX")


def test_half_a_document_is_refused() -> None:
    whole = json.dumps(document(CALL, PUT)).encode()
    for cut in range(1, len(whole)):
        half = Payload(CBOE_OPTION_CHAIN, "VIX", "recorded/_VIX.json", whole[:cut], READ, False)
        with pytest.raises(DataQualityError, match=r"^recorded/_VIX.json: expected a JSON file, got "):
            read_chain(half)


def test_chains_are_asked_for_by_the_name_of_their_index() -> None:
    assert [file.url for file in chain_files("https://cdn.example", ["VIX", "SPX"])] == [
        "https://cdn.example/api/global/delayed_quotes/options/_VIX.json",
        "https://cdn.example/api/global/delayed_quotes/options/_SPX.json",
    ]


prices = st.integers(0, 10_000).map(lambda ticks: ticks / 100)
quotes = st.fixed_dictionaries(
    {
        "bid": prices,
        "ask": prices,
        "last_trade_price": prices,
        "iv": st.floats(0.01, 5.0),
        "delta": st.floats(-1.0, 1.0),
        "open_interest": st.integers(0, 10**6).map(float),
        "volume": st.integers(0, 10**6).map(float),
    }
)
symbols = st.builds(
    "{}{:%y%m%d}{}{:08d}".format,
    st.sampled_from(("VIX", "VIXW")),
    st.dates(dt.date(2024, 6, 4), dt.date(2026, 12, 31)),
    st.sampled_from("CP"),
    st.integers(1, 400_000),
)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(symbols, quotes, min_size=1, max_size=8), st.randoms())
def test_a_chain_is_read_exactly_as_written_in_whatever_order(
    written: dict[str, dict[str, float]], chance: Any
) -> None:
    options = [{"option": symbol} | values for symbol, values in written.items()]
    shuffled = copy.copy(options)
    chance.shuffle(shuffled)
    chain, same = read(*options), read(*shuffled)

    for row in range(len(chain)):
        kind = "C" if chain.is_call[row] else "P"
        symbol = f"{chain.root[row]}{chain.expiry[row].item():%y%m%d}{kind}{round(chain.strike[row] * 1000):08d}"
        values = written.pop(symbol)
        assert chain.strike[row] == int(symbol[-8:]) / 1000
        assert (chain.implied_volatility[row], chain.delta[row]) == (values["iv"], values["delta"])
        assert (chain.open_interest[row], chain.volume[row]) == (values["open_interest"], values["volume"])
        quoted = values["bid"] if values["bid"] or values["ask"] else math.nan
        crossed = values["bid"] > values["ask"] > 0
        assert chain.bid[row] == pytest.approx(math.nan if crossed else quoted, nan_ok=True, abs=0)
        assert chain.ask[row] == pytest.approx(
            math.nan if crossed or values["ask"] == 0 else values["ask"], nan_ok=True, abs=0
        )
    assert not written
    for name in ("root", "expiry", "is_call", "strike", "bid", "ask", "last", "delta", "volume"):
        assert np.array_equal(getattr(chain, name), getattr(same, name), equal_nan=name in ("bid", "ask", "last"))
