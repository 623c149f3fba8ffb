from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError, StatementError

from storage.models import Observation, Payload
from storage.observations import StoredValue
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, row_count

pytestmark = pytest.mark.server

HASH = "ab" * 32


def add_payload(engine: Engine, sha256: str = HASH, subject: str = "VIX", body: bytes = b"x") -> int:
    with UnitOfWork(engine) as work:
        key = work.observations.add_payload(sha256, "csv", subject, "a/b.csv", T0, body)
        work.commit()
    return key


def value(
    payload: int, number: float, known_at: dt.datetime, *, series: str = "VIX", day: dt.date = DAY
) -> StoredValue:
    return StoredValue(series, "cboe", day, number, known_at, False, payload)


def append(engine: Engine, *values: StoredValue) -> None:
    with UnitOfWork(engine) as work:
        work.observations.append(values)
        work.commit()


@pytest.mark.parametrize(
    "body", [b"", b"DATE,CLOSE\r\n\x00\xff", bytes(range(256)) * 1200], ids=["empty", "binary", "large"]
)
def test_a_payload_comes_back_byte_for_byte(engine: Engine, body: bytes) -> None:
    key = add_payload(engine, body=body)

    with UnitOfWork(engine) as work:
        assert work.observations.payload_body(key) == body
        assert work.observations.payload_hashes() == {key: HASH}


def test_a_repetitive_file_takes_less_room_than_it_has_bytes(engine: Engine) -> None:
    body = b"01/02/2004,18.22,18.68,17.54,18.22\n" * 1000
    add_payload(engine, body=body)

    with engine.connect() as connection:
        size, stored = connection.execute(select(Payload.size, Payload.body)).one()
    assert size == len(body)
    assert len(stored) < len(body) / 10


def test_a_payload_is_new_then_stored_then_ingested(engine: Engine) -> None:
    with UnitOfWork(engine) as work:
        assert work.observations.payload_key(HASH, "csv", "VIX") is None
    key = add_payload(engine)
    other = add_payload(engine, subject="SPX")
    with UnitOfWork(engine) as work:
        assert work.observations.payload_key(HASH, "csv", "VIX") == key
        assert work.observations.last_ingested() == {}
        work.observations.mark_ingested([key], T0)
        work.commit()

    with UnitOfWork(engine) as work:
        assert work.observations.last_ingested() == {("csv", "VIX"): key}
        assert work.observations.payload_key(HASH, "csv", "SPX") == other


def test_the_same_body_is_stored_once_per_subject(engine: Engine) -> None:
    add_payload(engine)
    add_payload(engine, subject="SPX")
    with pytest.raises(IntegrityError):
        add_payload(engine)

    assert row_count(engine, "payloads") == 2


def test_a_changed_value_is_a_further_row_and_the_latest_one(engine: Engine) -> None:
    payload = add_payload(engine)
    append(engine, value(payload, 18.0, T0))
    append(engine, value(payload, 19.5, T0 + dt.timedelta(hours=1)))

    with UnitOfWork(engine) as work:
        assert work.observations.latest() == [("VIX", "cboe", DAY, 19.5, payload)]
    with engine.connect() as connection:
        assert connection.scalars(select(Observation.value).order_by(Observation.id)).all() == [18.0, 19.5]


def test_what_was_appended_last_is_the_latest_also_if_the_first_was_assumed_to_be_known_later(engine: Engine) -> None:
    payload = add_payload(engine)
    append(engine, StoredValue("VIX", "cboe", DAY, 18.0, T0 + dt.timedelta(hours=5), True, payload))
    append(engine, value(payload, 19.5, T0 + dt.timedelta(hours=2)))

    with UnitOfWork(engine) as work:
        assert work.observations.latest() == [("VIX", "cboe", DAY, 19.5, payload)]


def test_the_same_version_cannot_be_stored_twice_and_takes_the_others_with_it(engine: Engine) -> None:
    payload = add_payload(engine)
    append(engine, value(payload, 18.0, T0))

    with pytest.raises(IntegrityError):
        append(engine, value(payload, 20.0, T0, day=DAY - dt.timedelta(days=1)), value(payload, 19.0, T0))

    assert row_count(engine, "observations") == 1


def test_latest_values_are_sorted_by_series_publisher_and_day(engine: Engine) -> None:
    payload = add_payload(engine)
    days = [DAY - dt.timedelta(days=back) for back in (0, 2, 1)]
    append(engine, *(value(payload, 1.0, T0, series=series, day=day) for series in ("VIX", "DFF") for day in days))

    with UnitOfWork(engine) as work:
        found = [(row[0], row[2]) for row in work.observations.latest()]
    assert found == [(series, day) for series in ("DFF", "VIX") for day in sorted(days)]


@pytest.mark.parametrize("number", [0.1 + 0.2, -0.0005, 1e-300, 123456789.123456789])
def test_a_value_keeps_every_bit(engine: Engine, number: float) -> None:
    payload = add_payload(engine)
    append(engine, value(payload, number, T0))

    with UnitOfWork(engine) as work:
        assert work.observations.latest()[0][3] == number


def test_appending_nothing_stores_nothing(engine: Engine) -> None:
    append(engine)

    with UnitOfWork(engine) as work:
        assert work.observations.latest() == []


def test_an_instant_in_new_york_comes_back_as_the_same_instant_in_utc(engine: Engine) -> None:
    payload = add_payload(engine)
    # The second 01:30 of the day the clocks go back.
    known_at = dt.datetime(2026, 11, 1, 1, 30, 15, 123456, tzinfo=ZoneInfo("America/New_York"), fold=1)
    append(engine, value(payload, 18.0, known_at))

    with engine.connect() as connection:
        found = connection.execute(select(Observation.known_at)).scalar_one()
    assert found == dt.datetime(2026, 11, 1, 6, 30, 15, 123456, tzinfo=dt.UTC)
    assert found.utcoffset() == dt.timedelta(0)


def test_a_naive_instant_is_refused(engine: Engine) -> None:
    payload = add_payload(engine)

    with pytest.raises(StatementError, match="naive datetime"):
        append(engine, value(payload, 18.0, T0.replace(tzinfo=None)))

    assert row_count(engine, "observations") == 0
