from __future__ import annotations

import datetime as dt
import json
import zlib

import pytest
from sqlalchemy import Engine, update

from signals.calendar import TradingCalendar
from storage.models import Payload as PayloadRow
from storage.unit_of_work import UnitOfWork
from tasks.chains import fetched_chains, stored_chains
from tasks.sources.formats import CBOE_OPTION_CHAIN
from tasks.sources.option_chain import READER_VERSION
from tasks.sources.payload import Payload

pytestmark = [pytest.mark.server, pytest.mark.both_databases]

MONDAY, TUESDAY = dt.date(2024, 6, 3), dt.date(2024, 6, 4)


def chain(stamp: str, price: float = 13.11, *, late: bool = False, subject: str = "VIX") -> Payload:
    """A chain of one option that was put together at an instant; its time may stand behind its options."""
    option = {"option": f"{subject}240618C00013000", "bid": 1.05, "ask": 1.1}
    data = {"options": [option] * 1, "symbol": f"^{subject}", "current_price": price if subject == "VIX" else 5300.0}
    body = {"padding": "x" * 4000, "data": data, "timestamp": stamp} if late else {"timestamp": stamp, "data": data}
    fetched_at = dt.datetime.fromisoformat(stamp).replace(tzinfo=dt.UTC) + dt.timedelta(minutes=1)
    return Payload(CBOE_OPTION_CHAIN, subject, f"_{subject}.json", json.dumps(body).encode(), fetched_at, False)


def store(engine: Engine, *payloads: Payload) -> list[int]:
    """Store payloads as an ingest does."""
    with UnitOfWork(engine) as work:
        keys = [
            work.observations.add_payload(
                item.sha256, item.format, item.subject, item.locator, item.fetched_at, item.body
            )
            for item in payloads
        ]
        work.observations.mark_ingested(keys, payloads[-1].fetched_at)
        work.commit()
    return keys


def test_a_chain_belongs_to_the_session_after_whose_close_it_was_quoted(
    engine: Engine, calendar: TradingCalendar
) -> None:
    # 20:00 UTC is the close of a summer day, and 00:30 UTC still the same evening in New York.
    store(engine, chain("2024-06-03 19:59:59"), chain("2024-06-03 21:56:00", 13.0), chain("2024-06-05 00:30:00", 14.0))
    found = stored_chains(engine, calendar)
    assert list(found) == [MONDAY, TUESDAY]
    assert [found[day].underlying_price for day in found] == [13.0, 14.0]


def test_the_first_chain_after_the_close_is_taken(engine: Engine, calendar: TradingCalendar) -> None:
    store(engine, chain("2024-06-03 23:10:00", 15.0), chain("2024-06-03 20:15:00", 13.0))
    assert stored_chains(engine, calendar)[MONDAY].underlying_price == 13.0


def test_an_early_close_counts_as_the_close(engine: Engine, calendar: TradingCalendar) -> None:
    store(engine, chain("2024-07-03 17:30:00"))
    assert list(stored_chains(engine, calendar)) == [dt.date(2024, 7, 3)]


@pytest.mark.parametrize("stamp", ["2024-06-01 21:00:00", "2024-06-19 21:00:00"], ids=["saturday", "holiday"])
def test_a_chain_of_a_day_without_session_is_of_none(engine: Engine, calendar: TradingCalendar, stamp: str) -> None:
    store(engine, chain(stamp))
    assert len(stored_chains(engine, calendar)) == 0


def test_a_time_behind_the_options_is_found(engine: Engine, calendar: TradingCalendar) -> None:
    store(engine, chain("2024-06-03 21:00:00", late=True))
    assert list(stored_chains(engine, calendar)) == [MONDAY]


def test_chains_that_were_pruned_refused_or_of_another_index_are_not_there(
    engine: Engine, calendar: TradingCalendar
) -> None:
    (pruned,) = store(engine, chain("2024-06-03 21:00:00"))
    store(engine, chain("2024-06-04 21:00:00", subject="SPX"))
    with UnitOfWork(engine) as work:
        work.observations.prune_bodies([pruned], dt.datetime(2024, 7, 1, tzinfo=dt.UTC))
        refused = chain("2024-06-05 21:00:00")
        key = work.observations.add_payload(
            refused.sha256, refused.format, refused.subject, refused.locator, refused.fetched_at, b"{}"
        )
        work.observations.mark_refused({key: "no chain"})
        work.commit()
    assert list(stored_chains(engine, calendar)) == []


def test_as_of_an_instant_later_chains_are_not_there(engine: Engine, calendar: TradingCalendar) -> None:
    store(engine, chain("2024-06-03 21:00:00"), chain("2024-06-04 21:00:00"))
    evening = dt.datetime(2024, 6, 4, 3, tzinfo=dt.UTC)
    assert list(stored_chains(engine, calendar, evening)) == [MONDAY]


def test_a_chain_is_parsed_when_it_is_asked_for_and_once(engine: Engine, calendar: TradingCalendar) -> None:
    broken = chain("2024-06-03 21:00:00")
    store(engine, broken, chain("2024-06-04 21:00:00"))
    found = stored_chains(engine, calendar)
    assert found[TUESDAY] is found[TUESDAY]
    with UnitOfWork(engine) as work:
        keys = [item.id for item in work.observations.readable_payloads(CBOE_OPTION_CHAIN, "VIX")]
        work.observations.prune_bodies(keys, dt.datetime(2024, 7, 1, tzinfo=dt.UTC))
        work.commit()
    assert len(found[TUESDAY]) == 1
    with pytest.raises(Exception, match="pruned on 2024-07-01"):
        found[MONDAY]


def test_a_session_without_a_chain_has_none(engine: Engine, calendar: TradingCalendar) -> None:
    assert stored_chains(engine, calendar).get(MONDAY) is None


def test_the_chains_of_a_source_are_those_that_would_be_stored(engine: Engine, calendar: TradingCalendar) -> None:
    payloads = [chain("2024-06-03 21:00:00", 13.0), chain("2024-06-04 19:00:00"), chain("2024-06-04 21:00:00", 14.0)]
    store(engine, *payloads)
    fetched, stored = fetched_chains(payloads, calendar), stored_chains(engine, calendar)
    prices = {day: found.underlying_price for day, found in fetched.items()}
    assert prices == {day: found.underlying_price for day, found in stored.items()} == {MONDAY: 13.0, TUESDAY: 14.0}


def test_what_is_kept_of_a_chain_is_read_in_place_of_its_body(engine: Engine, calendar: TradingCalendar) -> None:
    store(engine, chain("2024-06-03 21:00:00"))
    parsed = stored_chains(engine, calendar)[MONDAY]
    with UnitOfWork(engine) as work:
        assert work.observations.chain_times() == {}
    first = stored_chains(engine, calendar, keep=True)[MONDAY]
    with UnitOfWork(engine) as work:
        assert list(work.observations.chain_times().values()) == [dt.datetime(2024, 6, 3, 21, tzinfo=dt.UTC)]
    # A body that is no chain any more shows that it is not read.
    with engine.begin() as connection:
        connection.execute(update(PayloadRow).values(body=zlib.compress(b"{}")))
    again = stored_chains(engine, calendar)[MONDAY]
    for found in (parsed, first, again):
        assert found.quoted_at == dt.datetime(2024, 6, 3, 21, tzinfo=dt.UTC)
        assert (found.expiry.tolist(), found.strike.tolist()) == ([dt.date(2024, 6, 18)], [13.0])
        assert (found.bid.tolist(), found.ask.tolist(), found.is_call.tolist()) == ([1.05], [1.1], [True])


def test_calls_kept_by_another_reader_are_read_again(engine: Engine, calendar: TradingCalendar) -> None:
    (key,) = store(engine, chain("2024-06-03 21:00:00"))
    assert stored_chains(engine, calendar, keep=True)[MONDAY].bid.tolist() == [1.05]
    with UnitOfWork(engine) as work:
        kept = json.loads(work.observations.chain_calls(key) or b"")
        assert kept["reader"] == READER_VERSION
        other = json.dumps(kept | {"reader": READER_VERSION + 1, "bid": [9.0]}).encode()
        work.observations.keep_chain_calls(key, dt.datetime(2024, 6, 3, 21, tzinfo=dt.UTC), other)
        work.commit()
    assert stored_chains(engine, calendar, keep=True)[MONDAY].bid.tolist() == [1.05]
    with UnitOfWork(engine) as work:
        assert json.loads(work.observations.chain_calls(key) or b"")["bid"] == [1.05]
