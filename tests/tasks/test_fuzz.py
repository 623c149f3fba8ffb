"""Every parser against bytes that nobody published: it refuses them with the error it may raise, or reads them soundly.

`TAILGUARD_TEST_FUZZ_EXAMPLES` sets how many are tried per parser and kind.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signals.errors import DataQualityError
from signals.market import HISTORY_START
from signals.series import spec
from tasks.sources.formats import (
    BLS_SCHEDULE,
    CBOE_INDEX,
    CBOE_OPTION_CHAIN,
    CBOE_VX_ARCHIVE,
    CBOE_VX_CONTRACT,
    CBOE_VX_SHEET,
    EVENT_DATES,
    FRED_OBSERVATIONS,
    FRED_SERIES,
    OWN_SERIES,
    PARSERS,
    YAHOO_HISTORY,
    parse,
)
from tasks.sources.option_chain import read_chain
from tasks.sources.payload import Payload

NOW = dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)

VX_HEADER = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest"

CHAIN = {
    "timestamp": "2024-06-03 20:15:01",
    "data": {
        "options": [
            {"option": "VIX240618C00010000", "bid": 3.1, "ask": 3.3, "iv": 0.9, "open_interest": 5.0, "delta": 0.97},
            {"option": "VIXW240626P00012500", "bid": 0.0, "ask": 0.0, "iv": 0.0, "volume": 0.0, "delta": -0.1},
        ],
        "symbol": "^VIX",
        "current_price": 13.11,
        "close": 12.92,
    },
    "symbol": "_VIX",
}
FRED = {
    "units": "lin",
    "count": 3,
    "observations": [
        {"realtime_start": "2026-11-20", "date": "2026-11-16", "value": "3.85"},
        {"realtime_start": "2026-11-20", "date": "2026-11-17", "value": "."},
        {"realtime_start": "2026-11-20", "date": "2026-11-18", "value": "-0.05"},
    ],
}

#: A subject and a sound body of every format.
SOUND = {
    CBOE_VX_CONTRACT: (
        "VX_2020-10-21",
        f"{VX_HEADER}\r\n2020-03-05,V (Oct 2020),0,0,0,0,19.3,0,0,0,0\r\n2020-03-06,V (Oct 2020),0,0,0,0,0,0,0,0,0\r\n",
    ),
    CBOE_VX_ARCHIVE: (
        "CFE_J07_VX",
        f"CFE data, compiled\n{VX_HEADER}\n3/23/2007,J (Apr 07),0,0,0,0,133.3,,0,0,0,\n"
        "03/26/2007,J (Apr 07),0,0,0,0,13.38,,0,0,0\n",
    ),
    CBOE_VX_SHEET: (
        "2026-09-01",
        "Product,Symbol,Expiration Date,Price\nVX,VX35/U6,2026-09-02,17.25\nVX,VX/U6,2026-09-16,17.2528\n"
        "VX,VX/V6,2026-10-21,18.8535\nVXM,VXM/U6,2026-09-16,17.2528\nVA,VA/U6,2026-09-18,194.25\n",
    ),
    CBOE_INDEX: ("VIX", "DATE,OPEN,HIGH,LOW,CLOSE\n11/08/2004,2.58,0,28.13,13.8\n11/09/2004,13,13,13,13.080000\n"),
    CBOE_OPTION_CHAIN: ("VIX", json.dumps(CHAIN)),
    YAHOO_HISTORY: (
        "SPY",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2020-03-05,,,,302.46,281.77,\n2020-03-06,1,1,1,1,277.4,5\n",
    ),
    FRED_SERIES: ("DTB3", "observation_date,DTB3\n2020-03-25,-0.05\n2020-03-26,\n2020-03-27,0.01\n"),
    FRED_OBSERVATIONS: ("DTB3", json.dumps(FRED)),
    BLS_SCHEDULE: (
        "releases",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART;TZID=US-Eastern:20260812T083000\r\n"
        "SUMMARY:Consumer Price Ind\r\n ex\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:20270114T133000Z\r\n"
        "SUMMARY:Producer Price Index\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261211\r\n"
        "SUMMARY:Consumer Price Index\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ),
    EVENT_DATES: (
        "fomc_dates",
        'date,note\n2007-08-07,scheduled\n2007-08-17,"unscheduled: a call, no change"\n2027-12-08,scheduled\n',
    ),
    OWN_SERIES: ("nyse_advance_decline", "date,advances,declines\n2020-03-16,120,2900\n2020-03-17,2100,850\n"),
}
#: More bodies of a format, which are read otherwise.
ALSO_SOUND = [
    (
        YAHOO_HISTORY,
        "XLK",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2020-03-05,,,,,88.12,\n2020-03-06,1,1,1,1,86.9,5\n"
        "2020-03-09,1,1,1,1,81.2,5\n",
    ),
    (FRED_SERIES, "GDPC1", "observation_date,GDPC1\n2001-10-01,13397.0\n2019-10-01,20951.1\n2020-01-01,20665.6\n"),
    (OWN_SERIES, "equity_pe", "date,value\n2020-03-31,19.6\n2020-06-30,22.2\n"),
]
WRITTEN_IN_JSON = (CBOE_OPTION_CHAIN, FRED_OBSERVATIONS)

every_parser = pytest.mark.parametrize("format_name", sorted(PARSERS))
bounded = settings(
    max_examples=int(os.environ.get("TAILGUARD_TEST_FUZZ_EXAMPLES", "12")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def payload(format_name: str, body: bytes, subject: str | None = None) -> Payload:
    return Payload(format_name, subject or SOUND[format_name][0], "recorded/file", body, NOW, assumed_availability=True)


def sound(format_name: str) -> bytes:
    return SOUND[format_name][1].encode()


def read_or_refuse(found: Payload) -> bool:
    """Whether a payload is read. Whatever is read has to make sense."""
    try:
        series = parse(found)
    except DataQualityError as error:
        return not _names_the_file(error)
    assert len({each.series for each in series}) == len(series)
    last = np.datetime64(NOW.date() + dt.timedelta(days=6 * 366))
    for each in series:
        limits = spec(each.series)
        assert len(each.days) == len(each.values) == len(each.payloads)
        assert (np.diff(each.days.astype(np.int64)) > 0).all()
        assert (each.days >= np.datetime64(limits.kept_from or HISTORY_START)).all()
        assert (each.days <= (last if limits.unit == "event" else np.datetime64(NOW.date()))).all()
        assert np.isfinite(each.values).all()
        assert ((each.values >= limits.lowest) & (each.values <= limits.highest)).all()
    if found.format == CBOE_OPTION_CHAIN:
        _check_chain(found)
    return True


def _names_the_file(error: DataQualityError) -> bool:
    assert error.about.startswith("recorded/file")
    return bool(str(error))


def _check_chain(found: Payload) -> None:
    chain = read_chain(found)
    assert len(chain) > 0
    keys = zip(chain.root.tolist(), chain.expiry.tolist(), chain.is_call.tolist(), chain.strike.tolist(), strict=True)
    assert len(set(keys)) == len(chain)
    assert (np.isfinite(chain.strike) & (chain.strike > 0)).all()
    for values in (chain.bid, chain.ask, chain.last, chain.implied_volatility, chain.open_interest, chain.volume):
        assert len(values) == len(chain)
        assert not (values < 0).any()
        assert not np.isinf(values).any()
    assert not (chain.bid > chain.ask).any()
    assert not (np.abs(chain.delta) > 1).any()
    assert chain.underlying_price > 0
    assert chain.quoted_at.utcoffset() == dt.timedelta(0)


@st.composite
def mutated(draw: st.DrawFn, format_name: str, whole: bytes | None = None) -> bytes:
    """A sound body after a few accidents."""
    body = bytearray(whole or sound(format_name))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        stop = min(len(body), start + draw(st.integers(0, 40)))
        match draw(st.sampled_from(("flip", "insert", "delete", "duplicate", "cut", "splice", "digit", "swap"))):
            case "flip" if start < len(body):
                body[start] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                body[start:start] = draw(
                    st.binary(max_size=4) | st.sampled_from((b"\n", b",", b"0", b"\r", b'"', b"-"))
                )
            case "delete":
                del body[start:stop]
            case "duplicate":
                body[start:start] = body[start:stop]
            case "cut":
                del body[start:]
            case "splice":
                other = sound(draw(st.sampled_from((format_name, *sorted(SOUND)))))
                body[start:] = other[draw(st.integers(0, len(other))) :]
            case "digit":
                places = [place for place, byte in enumerate(body) if chr(byte).isdigit()]
                if places:
                    body[draw(st.sampled_from(places))] = ord(draw(st.sampled_from("0123456789")))
            case "swap":
                lines = bytes(body).split(b"\n")
                one, two = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
                lines[one], lines[two] = lines[two], lines[one]
                body = bytearray(b"\n".join(lines))
    return bytes(body)


texts = st.text("0123456789-.: ACPVIX\u0665\u2028\x00", max_size=20)
odd_numbers = st.sampled_from((0, 0.0, -1, -0.05, 1, 101.0, 10**6, 10**400, 1e308, True)) | st.floats() | st.none()
odd_texts = texts | st.sampled_from(
    (
        *(".", "3.85", "1e999", "2026-11-18", "2026-11-16", "2026-02-30", "2026-11-18 20:15:01", "2026-02-30 20:15:01"),
        *("VIX240618C00010000", "VIX249918P00010000", "VIX240618C00000000", "SPX240618C05300000", "^VIX", "^SPX"),
    )
)
scalars = st.booleans() | st.integers(-(10**20), 10**20) | odd_numbers | odd_texts
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@st.composite
def changed_json(draw: st.DrawFn, format_name: str) -> bytes:
    """A sound document with some of its parts replaced, removed or doubled."""
    document = copy.deepcopy(json.loads(sound(format_name)))
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(("tweak", "tweak", "replace", "remove", "double")))
        places = list(_places(document))
        if what == "tweak":
            places = [(holder, key) for holder, key in places if not isinstance(holder[key], list | dict)]
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        match what:
            case "tweak":
                holder[key] = draw(odd_numbers if isinstance(holder[key], int | float) else odd_texts)
            case "replace":
                holder[key] = draw(anything)
            case "remove":
                del holder[key]
            case "double" if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
    return json.dumps(document).encode()


def _places(part: Any) -> Any:
    """Every list or object in a document with each of its keys."""
    if not isinstance(part, list | dict):
        return
    for key in range(len(part)) if isinstance(part, list) else list(part):
        yield part, key
        yield from _places(part[key])


def test_every_parser_has_a_sound_body_here() -> None:
    assert set(SOUND) == set(PARSERS)


@every_parser
def test_the_sound_body_is_read(format_name: str) -> None:
    assert read_or_refuse(payload(format_name, sound(format_name)))


@every_parser
@bounded
@given(data=st.data())
def test_bytes_by_chance_are_refused_or_read_soundly(format_name: str, data: st.DataObject) -> None:
    whole = sound(format_name)
    above = data.draw(st.sampled_from((b"", b"\xef\xbb\xbf", whole[: whole.find(b"\n") + 1], whole[: len(whole) // 2])))
    read_or_refuse(payload(format_name, above + data.draw(st.binary(max_size=200))))


@every_parser
@bounded
@given(data=st.data())
def test_a_sound_body_after_accidents_is_refused_or_read_soundly(format_name: str, data: st.DataObject) -> None:
    read_or_refuse(payload(format_name, data.draw(mutated(format_name))))


@pytest.mark.parametrize(("format_name", "subject", "text"), ALSO_SOUND, ids=[each[1] for each in ALSO_SOUND])
@bounded
@given(data=st.data())
def test_another_sound_body_after_accidents_is_refused_or_read_soundly(
    format_name: str, subject: str, text: str, data: st.DataObject
) -> None:
    assert read_or_refuse(payload(format_name, text.encode(), subject))
    read_or_refuse(payload(format_name, data.draw(mutated(format_name, text.encode())), subject))


@pytest.mark.parametrize("format_name", WRITTEN_IN_JSON)
@bounded
@given(data=st.data())
def test_json_of_another_shape_is_refused_or_read_soundly(format_name: str, data: st.DataObject) -> None:
    read_or_refuse(payload(format_name, data.draw(changed_json(format_name))))


@every_parser
@bounded
@given(subject=st.text(min_size=1, max_size=20) | st.sampled_from([subject for subject, _ in SOUND.values()]))
def test_a_subject_of_another_kind_is_refused_or_read_soundly(format_name: str, subject: str) -> None:
    read_or_refuse(payload(format_name, sound(format_name), subject))


@pytest.mark.parametrize("format_name", WRITTEN_IN_JSON)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"observations": [' + b"9" * 5000 + b"]}",
        b'{"timestamp": NaN}',
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
    ],
    ids=["nested lists", "nested objects", "a long number", "NaN", "byte order mark", "half a character"],
)
def test_json_that_parsers_stumble_over_is_refused(format_name: str, body: bytes) -> None:
    assert not read_or_refuse(payload(format_name, body))
