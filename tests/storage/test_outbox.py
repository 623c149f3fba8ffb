from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

import storage
from storage.engine import open_engine
from storage.outbox import DROPPED, FAILED, PENDING, SENDING, SENT, SUPERSEDED, UNCERTAIN, Message
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, add_reports, new_report, row_count

pytestmark = pytest.mark.server

DESK, RISK = ("email", "desk@example.com"), ("slack", "webhook")
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


@pytest.fixture
def message(engine: Engine) -> Message:
    """A pending message."""
    with_reports = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        work.outbox.add(with_reports, [DESK], T0)
        work.commit()
    return only(engine)


def only(engine: Engine) -> Message:
    with UnitOfWork(engine) as work:
        (message,) = work.outbox.all()
    return message


def claim(engine: Engine, message: Message, at: dt.datetime = T0) -> bool:
    with UnitOfWork(engine) as work:
        claimed = work.outbox.claim(message, at)
        work.commit()
    return claimed


def settle(engine: Engine, message: Message, end: str, at: dt.datetime = T0) -> bool:
    """Say what became of a message as it was before it was claimed."""
    with UnitOfWork(engine) as work:
        ours = {
            SENT: lambda: work.outbox.sent(message, at),
            PENDING: lambda: work.outbox.refused(message, "later", at + MINUTE),
            FAILED: lambda: work.outbox.refused(message, "no", None),
            UNCERTAIN: lambda: work.outbox.uncertain(message, "no answer"),
        }[end]()
        work.commit()
    return ours


def abandon(engine: Engine, before: dt.datetime) -> int:
    with UnitOfWork(engine) as work:
        count = work.outbox.abandon(before)
        work.commit()
    return count


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


def test_a_recipient_gets_one_message_per_report(engine: Engine, message: Message) -> None:
    with UnitOfWork(engine) as work, pytest.raises(IntegrityError):
        work.outbox.add([message.report_id or 0], [DESK], T0)


def test_a_message_needs_a_report(engine: Engine) -> None:
    with UnitOfWork(engine) as work, pytest.raises(IntegrityError):
        work.outbox.add([12345], [DESK], T0)


def test_a_claimed_message_is_in_sending_and_counts_an_attempt(engine: Engine, message: Message) -> None:
    assert claim(engine, message)

    assert (only(engine).state, only(engine).attempts) == (SENDING, 1)
    with UnitOfWork(engine) as work:
        assert work.outbox.pending() == []


def test_a_claim_that_is_not_committed_frees_the_message(engine: Engine, message: Message) -> None:
    with UnitOfWork(engine) as work:
        assert work.outbox.claim(message, T0)

    assert only(engine) == message
    assert claim(engine, message)


def test_of_many_that_claim_at_once_exactly_one_has_the_message(
    engine: Engine, database_url: str, message: Message
) -> None:
    together = Barrier(6)

    def one() -> bool:
        own = open_engine(database_url)
        try:
            together.wait(10)
            return claim(own, message)
        finally:
            own.dispose()

    with ThreadPoolExecutor(6) as pool:
        results = [future.result(20) for future in [pool.submit(one) for _ in range(6)]]

    assert sorted(results) == [False] * 5 + [True]
    assert only(engine).attempts == 1


def test_a_second_claim_waits_for_the_first_transaction_and_then_fails(
    engine: Engine, database_url: str, message: Message
) -> None:
    claimed, may_commit = Event(), Event()

    def first() -> bool:
        own = open_engine(database_url)
        with UnitOfWork(own) as work:
            result = work.outbox.claim(message, T0)
            claimed.set()
            may_commit.wait(10)
            work.commit()
        own.dispose()
        return result

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert claimed.wait(10)
        two = pool.submit(claim, engine, message)
        with pytest.raises(TimeoutError):
            two.result(0.2)
        may_commit.set()
        assert (one.result(20), two.result(20)) == (True, False)


def test_a_message_that_was_refused_meanwhile_is_not_claimed_as_it_was_read(engine: Engine, message: Message) -> None:
    claim(engine, message)
    settle(engine, message, PENDING)

    # Another program that read the outbox before would try again at once.
    assert not claim(engine, message)
    assert claim(engine, only(engine))


def test_a_refused_message_waits_until_it_is_due_and_counts_its_refusals(engine: Engine, message: Message) -> None:
    claim(engine, message)
    assert settle(engine, message, PENDING)
    refused = only(engine)
    claim(engine, refused)
    sending = only(engine)
    settle(engine, refused, PENDING, T0 + HOUR)

    assert (refused.state, refused.attempts, refused.refusals, refused.due_at) == (PENDING, 1, 1, T0 + MINUTE)
    assert refused.last_error == "later"
    assert (sending.state, sending.due_at) == (SENDING, None)
    assert (only(engine).attempts, only(engine).refusals, only(engine).due_at) == (2, 2, T0 + HOUR + MINUTE)


def test_a_sent_message_says_when_and_forgets_earlier_errors(engine: Engine, message: Message) -> None:
    claim(engine, message)
    settle(engine, message, PENDING)
    again = only(engine)
    claim(engine, again)
    settle(engine, again, SENT, T0 + HOUR)

    sent = only(engine)
    assert (sent.state, sent.sent_at, sent.last_error, sent.attempts, sent.refusals, sent.due_at) == (
        SENT, T0 + HOUR, None, 2, 0, None
    )  # fmt: skip


@pytest.mark.parametrize("end", [SENT, FAILED, UNCERTAIN])
def test_nothing_sends_a_message_in_a_final_state(engine: Engine, message: Message, end: str) -> None:
    claim(engine, message)
    settle(engine, message, end)
    before = only(engine)

    assert before.state == end
    assert not claim(engine, before)
    assert abandon(engine, T0 + dt.timedelta(days=1)) == 0
    assert only(engine) == before


def test_only_a_claimed_message_can_be_sent(engine: Engine, message: Message) -> None:
    assert not settle(engine, message, SENT)
    assert only(engine).state == PENDING


def test_a_claim_of_a_run_that_is_gone_becomes_uncertain_and_a_fresh_one_stays(engine: Engine) -> None:
    keys = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        work.outbox.add(keys, [DESK, RISK, ("email", "late@example.com")], T0)
        old, fresh, _ = work.outbox.pending()
        work.outbox.claim(old, T0)
        work.outbox.claim(fresh, T0 + 15 * MINUTE)
        work.commit()

    assert abandon(engine, T0 + 15 * MINUTE) == 1

    with UnitOfWork(engine) as work:
        assert [item.state for item in work.outbox.all()] == [UNCERTAIN, SENDING, PENDING]
        (uncertain,) = work.outbox.all(UNCERTAIN)
        assert work.outbox.counts() == {UNCERTAIN: 1, SENDING: 1, PENDING: 1}
    assert uncertain.id == old.id
    assert "ended before it knew" in (uncertain.last_error or "")


@pytest.mark.parametrize("end", [SENT, PENDING, FAILED])
def test_a_run_that_was_given_up_and_is_alive_still_says_what_it_found_out(
    engine: Engine, message: Message, end: str
) -> None:
    claim(engine, message)
    abandon(engine, T0 + HOUR)

    assert settle(engine, message, end)
    assert only(engine).state == end


@pytest.mark.parametrize("decided", ["confirmed", "resent", "resent and taken"])
def test_a_run_that_was_given_up_has_no_say_once_a_person_has_decided(
    engine: Engine, message: Message, decided: str
) -> None:
    claim(engine, message)
    abandon(engine, T0 + HOUR)
    with UnitOfWork(engine) as work:
        if decided == "confirmed":
            work.outbox.confirm([message.id], T0)
        else:
            work.outbox.resend([message.id])
        work.commit()
    if decided == "resent and taken":
        claim(engine, only(engine))
    before = only(engine)

    assert not settle(engine, message, FAILED)
    assert only(engine) == before


def test_a_failed_and_an_uncertain_message_are_sent_again_when_a_person_asks(engine: Engine) -> None:
    keys = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        work.outbox.add(keys, [DESK, RISK, ("email", "other@example.com")], T0)
        failed, uncertain, pending = work.outbox.pending()
        work.commit()
    for item, end in ((failed, FAILED), (uncertain, UNCERTAIN)):
        claim(engine, item)
        settle(engine, item, end)
    with UnitOfWork(engine) as work:
        assert work.outbox.resend([failed.id, uncertain.id, pending.id]) == 2
        work.commit()
        found = work.outbox.all()

    assert [item.state for item in found] == [PENDING] * 3
    # Attempts count on, and what was refused before counts no more.
    assert [(item.attempts, item.refusals, item.due_at) for item in found] == [(1, 0, None), (1, 0, None), (0, 0, None)]


def test_what_a_person_says_about_a_message_is_recorded_with_its_instant(engine: Engine) -> None:
    keys = add_reports(engine, new_report())
    with UnitOfWork(engine) as work:
        work.outbox.add(keys, [DESK, RISK, ("email", "other@example.com")], T0)
        uncertain, failed, pending = work.outbox.pending()
        work.commit()
    for item, end in ((uncertain, UNCERTAIN), (failed, FAILED)):
        claim(engine, item)
        settle(engine, item, end)
    with UnitOfWork(engine) as work:
        work.outbox.add(keys, [("email", "restored@example.com")], T0)
        work.outbox.postpone("email", T0 + MINUTE)
        sent = work.outbox.pending()[-1]
        assert work.outbox.confirm([uncertain.id, failed.id, sent.id], T0 + HOUR) == 2
        assert work.outbox.drop([uncertain.id, failed.id, pending.id, sent.id], T0 + 2 * HOUR) == 2
        work.commit()
        found = work.outbox.all()

    assert [(item.state, item.settled_at, item.sent_at, item.last_error) for item in found] == [
        (SENT, T0 + HOUR, None, "no answer"),
        (DROPPED, T0 + 2 * HOUR, None, "no"),
        (DROPPED, T0 + 2 * HOUR, None, None),
        (SENT, T0 + HOUR, None, None),
    ]
    assert {item.due_at for item in found} == {None}
    assert not any(claim(engine, item) for item in found)


def test_a_recipient_was_told_what_was_or_may_have_been_accepted(engine: Engine) -> None:
    keys = add_reports(engine, *(new_report(revision=number) for number in (1, 2, 3, 4)))
    with UnitOfWork(engine) as work:
        work.outbox.add(keys, [DESK, RISK], T0)
        messages = {(item.recipient, item.revision): item for item in work.outbox.pending()}
        work.commit()
    desk = [messages[DESK[1], number] for number in (1, 2, 3, 4)]
    for item, end in ((desk[0], SENT), (desk[1], UNCERTAIN), (desk[2], FAILED)):
        claim(engine, item)
        settle(engine, item, end)

    with UnitOfWork(engine) as work:
        assert [work.outbox.told_before(item) for item in desk] == [None, keys[0], keys[1], keys[1]]
        assert work.outbox.told_before(messages[RISK[1], 4]) is None
        assert not work.outbox.overtakes(desk[3])
    resent = replace(desk[2], attempts=1)
    with UnitOfWork(engine) as work:
        work.outbox.resend([resent.id])
        work.outbox.claim(resent, T0)
        # On its way, it is what the next one corrects, and comes before it.
        assert work.outbox.told_before(desk[3]) == keys[2]
        assert [work.outbox.overtakes(item) for item in (*desk, messages[RISK[1], 4])] == [False] * 3 + [True, False]


def test_claiming_a_message_that_does_not_exist_fails(engine: Engine, message: Message) -> None:
    assert not claim(engine, replace(message, id=12345))


def test_migration_0007_keeps_messages_and_goes_back(engine: Engine, message: Message) -> None:
    with UnitOfWork(engine) as work:
        work.outbox.drop([message.id], T0)
        work.commit()
    config = Config()
    config.set_main_option("script_location", f"{storage.__path__[0]}/migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        assert {column["name"] for column in inspect(connection).get_columns("outbox")}.isdisjoint(
            {"refusals", "due_at", "settled_at"}
        )
        # The older program has no such state.
        assert connection.execute(text("SELECT state FROM outbox")).scalars().all() == [SUPERSEDED]
        command.upgrade(config, "0007")

    assert (only(engine).state, only(engine).refusals, only(engine).due_at) == (SUPERSEDED, 0, None)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET report_id = NULL"))
