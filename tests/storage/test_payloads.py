"""What becomes of payloads, and the queries about what is stored."""

from __future__ import annotations

import datetime as dt
import zlib

import pytest
from sqlalchemy import Engine, select

from signals.errors import ConfigurationError
from storage.models import Payload
from storage.observations import StoredValue
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0

pytestmark = pytest.mark.server

HOUR = dt.timedelta(hours=1)
LATER = T0 + dt.timedelta(days=40)


def add(
    engine: Engine,
    name: str,
    *,
    format_name: str = "csv",
    subject: str = "VIX",
    fetched_at: dt.datetime = T0,
    read: bool = True,
    refusal: str = "",
) -> int:
    """A payload, read or refused or neither."""
    with UnitOfWork(engine) as work:
        key = work.observations.add_payload(
            name * 64, format_name, subject, f"{subject}.csv", fetched_at, name.encode() * 50
        )
        if refusal:
            work.observations.mark_refused({key: refusal})
        elif read:
            work.observations.mark_ingested([key], fetched_at)
        work.commit()
    return key


def observe(
    engine: Engine,
    payload: int,
    number: float,
    *,
    series: str = "VIX",
    publisher: str = "cboe",
    day: dt.date = DAY,
    known_at: dt.datetime = T0,
    assumed: bool = False,
) -> None:
    with UnitOfWork(engine) as work:
        work.observations.append([StoredValue(series, publisher, day, number, known_at, assumed, payload)])
        work.commit()


def prunable(engine: Engine, *, also_read: bool = False, before: dt.datetime = LATER) -> set[int]:
    with UnitOfWork(engine) as work:
        return {payload.id for payload in work.observations.prunable_payloads(before, also_read=also_read)}


def prune(engine: Engine, *keys: int) -> None:
    with UnitOfWork(engine) as work:
        work.observations.prune_bodies(keys, LATER)
        work.commit()


# What may be pruned.


def test_what_brought_nothing_new_or_could_not_be_read_may_go(engine: Engine) -> None:
    brought = add(engine, "a")
    observe(engine, brought, 18.0)
    nothing_new = add(engine, "b")
    refused = add(engine, "c", refusal="line 3: a number expected")
    add(engine, "d", read=False)

    assert prunable(engine) == {nothing_new, refused}


def test_what_was_read_may_go_if_asked_for_but_not_the_last_of_each_file(engine: Engine) -> None:
    first, second, other = add(engine, "a"), add(engine, "b"), add(engine, "c", subject="SPX")
    for key, number in ((first, 18.0), (second, 19.0), (other, 20.0)):
        observe(engine, key, number, series=f"S{key}")

    assert prunable(engine) == set()
    assert prunable(engine, also_read=True) == {first}


def test_option_chains_are_always_kept(engine: Engine) -> None:
    add(engine, "a", format_name="cboe-option-chain")
    add(engine, "b", format_name="cboe-option-chain")
    add(engine, "c", format_name="cboe-option-chain", refusal="cut off")

    assert prunable(engine, also_read=True) == set()


def test_age_counts_from_the_fetch(engine: Engine) -> None:
    old = add(engine, "a")
    add(engine, "b", fetched_at=T0 + HOUR)

    assert prunable(engine, before=T0 + HOUR) == {old}


def test_a_pruned_payload_keeps_everything_but_its_body(engine: Engine) -> None:
    key = add(engine, "a")
    with UnitOfWork(engine) as work:
        before = work.observations.payload_totals()
    prune(engine, key)

    with engine.connect() as connection:
        row = connection.execute(select(Payload)).one()
    assert (row.body, row.pruned_at, row.size, row.sha256, row.locator) == (b"", LATER, 50, "a" * 64, "VIX.csv")
    with UnitOfWork(engine) as work:
        after = work.observations.payload_totals()
        assert work.observations.payload_key("a" * 64, "csv", "VIX") == key
    assert (after.count, after.fetched_bytes, after.stored_bytes, after.pruned) == (1, 50, 0, 1)
    assert before.stored_bytes == len(zlib.compress(b"a" * 50))
    assert prunable(engine) == set()


def test_more_bodies_than_a_statement_takes_are_pruned(engine: Engine) -> None:
    with UnitOfWork(engine) as work:
        keys = [
            work.observations.add_payload(f"{number:064}", "csv", "VIX", "VIX.csv", T0, b"x") for number in range(1203)
        ]
        work.commit()
    prune(engine, *keys)

    with UnitOfWork(engine) as work:
        assert work.observations.payload_totals().pruned == 1203


def test_a_pruned_body_says_so_when_it_is_asked_for(engine: Engine) -> None:
    key = add(engine, "a")
    prune(engine, key)

    with UnitOfWork(engine) as work, pytest.raises(ConfigurationError, match=r"aaaaaaaa from VIX.csv.*pruned on"):
        work.observations.payload_body(key)


def test_a_pruned_body_that_is_fetched_again_is_stored_again(engine: Engine) -> None:
    key, untouched = add(engine, "a"), add(engine, "b", subject="SPX")
    prune(engine, key)
    with UnitOfWork(engine) as work:
        assert work.observations.restore_body(key, b"a" * 50)
        assert not work.observations.restore_body(untouched, b"something else")
        work.commit()

    with UnitOfWork(engine) as work:
        assert work.observations.payload_body(key) == b"a" * 50
        assert work.observations.payload_body(untouched) == b"b" * 50
        assert work.observations.payload_totals().pruned == 0


def test_a_refused_payload_that_is_read_later_is_refused_no_more(engine: Engine) -> None:
    key = add(engine, "a", refusal="line 3: a number expected")
    with UnitOfWork(engine) as work:
        assert [payload.refusal for payload in work.observations.refused_payloads()] == ["line 3: a number expected"]
        work.observations.mark_ingested([key], LATER)
        work.commit()

    with UnitOfWork(engine) as work:
        assert work.observations.refused_payloads() == []


# What is stored.


def test_extents_count_days_and_the_versions_beyond_the_first(engine: Engine) -> None:
    key = add(engine, "a")
    observe(engine, key, 18.0, known_at=T0)
    observe(engine, key, 18.5, known_at=T0 + HOUR)
    observe(engine, key, 19.0, day=DAY - dt.timedelta(days=3))
    observe(engine, key, 2000.0, series="SPX", publisher="yahoo")

    with UnitOfWork(engine) as work:
        spx, vix = work.observations.extents()
        (then,) = [each for each in work.observations.extents(as_of=T0) if each.series == "VIX"]
    assert (spx.series, spx.publisher, spx.values, spx.changed) == ("SPX", "yahoo", 1, 0)
    assert (vix.first, vix.last, vix.values, vix.changed) == (DAY - dt.timedelta(days=3), DAY, 2, 1)
    assert vix.last_known_at == T0 + HOUR
    assert (then.values, then.changed, then.last_known_at) == (2, 0, T0)


def test_a_value_is_traced_to_the_payload_of_its_newest_version(engine: Engine) -> None:
    first, second = add(engine, "a"), add(engine, "b", fetched_at=T0 + HOUR)
    observe(engine, first, 18.0, known_at=T0 + dt.timedelta(hours=5), assumed=True)
    observe(engine, second, 18.5, known_at=T0 + HOUR)

    with UnitOfWork(engine) as work:
        (newest,) = work.observations.traced(series="VIX")
        (then,) = work.observations.traced(day=DAY, as_of=T0 + HOUR)
        assert work.observations.traced(series="SPX") == []
        assert work.observations.traced(day=DAY + dt.timedelta(days=1)) == []
        assert work.observations.traced(series="VIX", as_of=T0) == []
    assert newest == then
    assert (newest.value, newest.known_at_is_assumed, newest.payload_sha256) == (18.5, False, "b" * 64)
    assert (newest.fetched_at, newest.locator) == (T0 + HOUR, "VIX.csv")


def test_each_change_is_told_newest_first(engine: Engine) -> None:
    key = add(engine, "a")
    for hours, number in enumerate((18.0, 18.5, 19.0)):
        observe(engine, key, number, known_at=T0 + hours * HOUR)
    observe(engine, key, 2000.0, series="SPX")
    observe(engine, key, 2001.0, series="SPX", known_at=T0 + 3 * HOUR)

    with UnitOfWork(engine) as work:
        every = work.observations.changes()
        late = work.observations.changes(since=T0 + 2 * HOUR)
        vix = work.observations.changes(series="VIX")
    assert [(each.series, each.before, each.after) for each in every] == [
        ("SPX", 2000.0, 2001.0),
        ("VIX", 18.5, 19.0),
        ("VIX", 18.0, 18.5),
    ]
    assert late == every[:2]
    assert vix == every[1:]
    assert every[0].payload_sha256 == "a" * 64
