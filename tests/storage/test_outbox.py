from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from storage.engine import open_engine
from storage.outbox import FAILED, PENDING, SENDING, SENT, UNCERTAIN, Message
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, add_reports, new_report, row_count

DESK, RISK = ("email", "desk@example.com"), ("slack", "webhook")


@pytest.fixture
def message_id(engine: Engine) -> int:
    """A pending message."""
    with_reports = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        work.outbox.add(with_reports, [DESK], T0)
        work.commit()
    return only(engine).id


def only(engine: Engine) -> Message:
    with UnitOfWork(engine) as work:
        (message,) = work.outbox.all()
    return message


def claim(engine: Engine, message_id: int, at: dt.datetime = T0) -> bool:
    with UnitOfWork(engine) as work:
        claimed = work.outbox.claim(message_id, at)
        work.commit()
    return claimed


def test_every_recipient_of_every_report_gets_a_message(engine: Engine) -> None:
    keys = add_reports(engine, new_report(), new_report(revision=2))
    with UnitOfWork(engine) as work:
        assert work.outbox.add(keys, [DESK, RISK], T0) == 4
        work.commit()

    with UnitOfWork(engine) as work:
        pending = work.outbox.pending()
        assert work.outbox.counts() == {PENDING: 4}
    assert [(item.report_id, item.channel, item.recipient) for item in pending] == [
        (key, *recipient) for key in keys for recipient in (DESK, RISK)
    ]
    assert {(item.session, item.attempts, item.created_at, item.sent_at) for item in pending} == {(DAY, 0, T0, None)}
    assert [item.revision for item in pending] == [1, 1, 2, 2]


def test_a_recipient_who_is_named_twice_gets_one_message(engine: Engine) -> None:
    keys = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        assert work.outbox.add(keys, [DESK, RISK, DESK], T0) == 2
        assert [item.channel for item in work.outbox.pending()] == ["email", "slack"]


def test_without_recipients_there_are_no_messages(engine: Engine) -> None:
    keys = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        assert work.outbox.add(keys, [], T0) == 0
        work.commit()

    assert row_count(engine, "outbox") == 0


def test_a_recipient_gets_one_message_per_report(engine: Engine, message_id: int) -> None:
    report_id = only(engine).report_id
    with UnitOfWork(engine) as work, pytest.raises(IntegrityError):
        work.outbox.add([report_id], [DESK], T0)


def test_a_message_needs_a_report(engine: Engine) -> None:
    with UnitOfWork(engine) as work, pytest.raises(IntegrityError):
        work.outbox.add([12345], [DESK], T0)


def test_a_claimed_message_is_in_sending_and_counts_an_attempt(engine: Engine, message_id: int) -> None:
    assert claim(engine, message_id)

    assert (only(engine).state, only(engine).attempts) == (SENDING, 1)
    with UnitOfWork(engine) as work:
        assert work.outbox.pending() == []


def test_a_claim_that_is_not_committed_frees_the_message(engine: Engine, message_id: int) -> None:
    with UnitOfWork(engine) as work:
        assert work.outbox.claim(message_id, T0)

    assert (only(engine).state, only(engine).attempts) == (PENDING, 0)
    assert claim(engine, message_id)


def test_of_many_that_claim_at_once_exactly_one_has_the_message(
    engine: Engine, database_url: str, message_id: int
) -> None:
    together = Barrier(6)

    def one() -> bool:
        own = open_engine(database_url)
        try:
            together.wait(10)
            return claim(own, message_id)
        finally:
            own.dispose()

    with ThreadPoolExecutor(6) as pool:
        results = [future.result(20) for future in [pool.submit(one) for _ in range(6)]]

    assert sorted(results) == [False] * 5 + [True]
    assert only(engine).attempts == 1


def test_a_second_claim_waits_for_the_first_transaction_and_then_fails(
    engine: Engine, database_url: str, message_id: int
) -> None:
    claimed, may_commit = Event(), Event()

    def first() -> bool:
        own = open_engine(database_url)
        with UnitOfWork(own) as work:
            result = work.outbox.claim(message_id, T0)
            claimed.set()
            may_commit.wait(10)
            work.commit()
        own.dispose()
        return result

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert claimed.wait(10)
        two = pool.submit(claim, engine, message_id)
        with pytest.raises(TimeoutError):
            two.result(0.2)
        may_commit.set()
        assert (one.result(20), two.result(20)) == (True, False)


def test_a_sent_message_says_when_and_forgets_earlier_errors(engine: Engine, message_id: int) -> None:
    claim(engine, message_id)
    with UnitOfWork(engine) as work:
        work.outbox.refused(message_id, "451 later", final=False)
        assert work.outbox.claim(message_id, T0)
        work.outbox.sent(message_id, T0 + dt.timedelta(minutes=5))
        work.commit()

    message = only(engine)
    assert (message.state, message.sent_at, message.last_error, message.attempts) == (
        SENT,
        T0 + dt.timedelta(minutes=5),
        None,
        2,
    )


@pytest.mark.parametrize(("final", "state"), [(False, PENDING), (True, FAILED)])
def test_a_refused_message_is_tried_again_unless_that_is_pointless(
    engine: Engine, message_id: int, final: bool, state: str
) -> None:
    claim(engine, message_id)
    with UnitOfWork(engine) as work:
        work.outbox.refused(message_id, "no", final=final)
        work.commit()

    assert (only(engine).state, only(engine).last_error) == (state, "no")
    assert claim(engine, message_id) is (state == PENDING)


@pytest.mark.parametrize("end", [SENT, FAILED, UNCERTAIN])
def test_nothing_moves_a_message_out_of_a_final_state(engine: Engine, message_id: int, end: str) -> None:
    claim(engine, message_id)
    with UnitOfWork(engine) as work:
        if end == SENT:
            work.outbox.sent(message_id, T0)
        elif end == FAILED:
            work.outbox.refused(message_id, "no", final=True)
        else:
            work.outbox.uncertain(message_id, "no answer")
        work.commit()
    before = only(engine)

    with UnitOfWork(engine) as work:
        assert not work.outbox.claim(message_id, T0)
        work.outbox.sent(message_id, T0 + dt.timedelta(days=1))
        work.outbox.refused(message_id, "again", final=False)
        work.outbox.uncertain(message_id, "again")
        assert work.outbox.abandon(T0 + dt.timedelta(days=1)) == 0
        work.commit()

    assert before.state == end
    assert only(engine) == before


def test_only_a_claimed_message_can_be_sent(engine: Engine, message_id: int) -> None:
    with UnitOfWork(engine) as work:
        work.outbox.sent(message_id, T0)
        work.commit()

    assert only(engine).state == PENDING


def test_a_claim_of_a_run_that_is_gone_becomes_uncertain_and_a_fresh_one_stays(engine: Engine) -> None:
    keys = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        work.outbox.add(keys, [DESK, RISK, ("email", "late@example.com")], T0)
        old, fresh, _ = (item.id for item in work.outbox.pending())
        work.outbox.claim(old, T0)
        work.outbox.claim(fresh, T0 + dt.timedelta(minutes=15))
        work.commit()

    with UnitOfWork(engine) as work:
        assert work.outbox.abandon(T0 + dt.timedelta(minutes=15)) == 1
        work.commit()

    with UnitOfWork(engine) as work:
        assert [item.state for item in work.outbox.all()] == [UNCERTAIN, SENDING, PENDING]
        (uncertain,) = work.outbox.all(UNCERTAIN)
        assert work.outbox.counts() == {UNCERTAIN: 1, SENDING: 1, PENDING: 1}
    assert uncertain.id == old
    assert "ended before it knew" in (uncertain.last_error or "")


def test_claiming_a_message_that_does_not_exist_fails(engine: Engine) -> None:
    assert not claim(engine, 12345)
