from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine

from reports.view import ReportView
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.engine import open_engine
from storage.outbox import FAILED, PENDING, SENDING, SENT, SUPERSEDED, UNCERTAIN, Message
from storage.unit_of_work import UnitOfWork
from tasks.notify.channel import Channel
from tasks.notify.deliver import CLAIM_EXPIRES_AFTER, MAX_ATTEMPTS, DeliverySummary, deliver
from tasks.notify.email import EmailChannel, SmtpServer
from tasks.persist import Recipient, emit
from tasks.runs import start_run
from tests.conftest import NOW, now
from tests.tasks.test_email import HANG_UP, SENDER, AnyPort, Mailbox, Serve

pytestmark = pytest.mark.server

SESSION = dt.date(2006, 3, 15)
DESK, RISK = Recipient("email", "desk@example.com"), Recipient("email", "risk@example.com")
SLACK = Recipient("slack", "webhook")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a mail server for a mailbox and say how to reach it."""
    started: list[AnyPort] = []

    def start(mailbox: Mailbox, **options: Any) -> SmtpServer:
        controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
        controller.start()
        started.append(controller)
        return SmtpServer("127.0.0.1", controller.port, "none", "", "", SENDER, 5.0)

    yield start
    for controller in started:
        controller.stop()


def email_to(server: SmtpServer) -> dict[str, Channel]:
    return {"email": EmailChannel(server, now)}


def emit_report(engine: Engine, signals: VeqtorSignals, *recipients: Recipient, session: dt.date = SESSION) -> None:
    run_id = start_run(engine, "daily", "files", None, now)
    emit(engine, run_id, [signal_report(signals, session, 1e6)], recipients, now)


def outbox(engine: Engine) -> list[Message]:
    with UnitOfWork(engine) as work:
        return work.outbox.all()


def only(engine: Engine) -> Message:
    (message,) = outbox(engine)
    return message


def test_a_pending_message_is_sent_and_marked(engine: Engine, made_up_signals: VeqtorSignals, serve: Serve) -> None:
    mailbox = Mailbox()
    emit_report(engine, made_up_signals, DESK)
    later = NOW + dt.timedelta(minutes=1)
    summary = deliver(engine, email_to(serve(mailbox)), lambda: later)

    message = only(engine)
    assert summary == DeliverySummary(1, ())
    assert (message.state, message.sent_at, message.attempts, message.last_error) == (SENT, later, 1, None)
    assert mailbox.tried == ["desk@example.com"]
    # Sent twenty years after the close it acts at.
    assert mailbox.message()["Subject"].startswith(f"LATE VEQTOR {SESSION}: ")


def test_what_was_sent_is_not_sent_again(engine: Engine, made_up_signals: VeqtorSignals, serve: Serve) -> None:
    mailbox = Mailbox()
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)

    assert [deliver(engine, channels, now).sent for _ in range(3)] == [1, 0, 0]
    assert len(mailbox.accepted) == 1


def test_every_recipient_and_session_has_a_message_id_of_its_own(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    for session in (SESSION, SESSION + dt.timedelta(days=1)):
        emit_report(engine, made_up_signals, DESK, RISK, session=session)
    deliver(engine, email_to(serve(mailbox)), now)

    bodies = [envelope.content for envelope in mailbox.accepted]
    ids = [line for body in bodies if isinstance(body, bytes) for line in body.splitlines() if b"Message-ID" in line]
    assert (len(ids), len(set(ids))) == (4, 4)


def test_a_temporary_refusal_leaves_the_message_pending_for_the_next_pass(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox(on_recipient="451 4.7.1 greylisted")
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    summary = deliver(engine, channels, now)
    waiting = only(engine)
    mailbox.on_recipient = "250 OK"

    assert summary.sent == 0
    assert summary.problems == (f"email to desk@example.com for {SESSION}: 451 4.7.1 greylisted",)
    assert (waiting.state, waiting.attempts, waiting.last_error) == (PENDING, 1, "451 4.7.1 greylisted")
    assert deliver(engine, channels, now).sent == 1
    assert (only(engine).state, only(engine).attempts, only(engine).last_error) == (SENT, 2, None)


def test_a_final_refusal_fails_the_message(engine: Engine, made_up_signals: VeqtorSignals, serve: Serve) -> None:
    mailbox = Mailbox(on_recipient="550 5.1.1 no such user")
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    first, second = deliver(engine, channels, now), deliver(engine, channels, now)

    assert (only(engine).state, only(engine).last_error) == (FAILED, "550 5.1.1 no such user")
    assert (first.sent, len(first.problems)) == (0, 1)
    assert second == DeliverySummary(0, ())
    assert mailbox.tried == ["desk@example.com"]


def test_after_the_last_attempt_a_temporary_refusal_is_final(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox(on_recipient="451 4.7.1 greylisted")
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    summaries = [deliver(engine, channels, now) for _ in range(MAX_ATTEMPTS + 1)]

    assert (only(engine).state, only(engine).attempts) == (FAILED, MAX_ATTEMPTS)
    assert len(mailbox.tried) == MAX_ATTEMPTS
    assert [len(summary.problems) for summary in summaries] == [1] * MAX_ATTEMPTS + [0]


def test_what_may_have_arrived_is_uncertain_and_never_sent_again(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox(on_body=HANG_UP)
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    summary = deliver(engine, channels, now)
    mailbox.on_body = "250 OK"
    again = deliver(engine, channels, lambda: NOW + dt.timedelta(days=1))

    assert summary.sent == 0
    assert "unknown whether it arrived" in summary.problems[0]
    assert again == DeliverySummary(0, ())
    assert (only(engine).state, only(engine).attempts) == (UNCERTAIN, 1)
    assert len(mailbox.accepted) == 1


def test_one_refused_recipient_does_not_keep_the_others_from_theirs(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    emit_report(engine, made_up_signals, Recipient("email", "börse@example.com"), DESK, SLACK, RISK)
    summary = deliver(engine, email_to(serve(mailbox)), now)

    assert summary.sent == 2
    assert [message.state for message in outbox(engine)] == [FAILED, SENT, PENDING, SENT]
    assert mailbox.accepted[0].rcpt_tos + mailbox.accepted[1].rcpt_tos == ["desk@example.com", "risk@example.com"]


def test_two_passes_at_once_send_one_mail(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve, tmp_path: Path
) -> None:
    mailbox = Mailbox(delay=0.3)
    server = serve(mailbox)
    emit_report(engine, made_up_signals, DESK)
    together = Barrier(2)

    def run(_: int) -> DeliverySummary:
        own = open_engine(f"sqlite:///{tmp_path / 'test.db'}")
        try:
            together.wait(10)
            return deliver(own, email_to(server), now)
        finally:
            own.dispose()

    with ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(run, range(2), timeout=30))

    assert sorted(summary.sent for summary in summaries) == [0, 1]
    assert [summary.problems for summary in summaries] == [(), ()]
    assert len(mailbox.accepted) == 1
    assert (only(engine).state, only(engine).attempts) == (SENT, 1)


def test_a_channel_that_is_not_configured_keeps_its_messages_and_says_so(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    emit_report(engine, made_up_signals, SLACK, DESK)
    summary = deliver(engine, email_to(serve(mailbox)), now)

    assert summary == DeliverySummary(1, (f"slack to webhook for {SESSION}: the channel is not configured",))
    assert [(message.channel, message.state, message.attempts) for message in outbox(engine)] == [
        ("slack", PENDING, 0), ("email", SENT, 1)
    ]  # fmt: skip


def test_what_a_run_that_died_was_sending_becomes_uncertain_and_is_not_sent(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    with UnitOfWork(engine) as work:
        work.outbox.claim(work.outbox.pending()[0].id, NOW)
        work.commit()

    assert deliver(engine, channels, lambda: NOW + CLAIM_EXPIRES_AFTER).sent == 0
    assert only(engine).state == SENDING
    assert deliver(engine, channels, lambda: NOW + CLAIM_EXPIRES_AFTER + dt.timedelta(seconds=1)).sent == 0
    assert only(engine).state == UNCERTAIN
    assert mailbox.tried == []


def test_with_an_empty_outbox_nothing_happens(engine: Engine) -> None:
    assert deliver(engine, {}, now) == DeliverySummary(0, ())


def test_a_message_that_is_sent_late_says_so(engine: Engine, made_up_signals: VeqtorSignals, serve: Serve) -> None:
    mailbox = Mailbox()
    channels = email_to(serve(mailbox))
    report = signal_report(made_up_signals, SESSION, 1e6)
    in_time, late = (
        (lambda: report.effective_at - dt.timedelta(hours=1)),
        (lambda: report.effective_at + dt.timedelta(1)),
    )
    run_id = start_run(engine, "daily", "files", None, in_time)
    emit(engine, run_id, [report], [DESK], in_time)
    mailbox.on_recipient = "451 later"
    deliver(engine, channels, in_time)
    mailbox.on_recipient = "250 OK"
    deliver(engine, channels, late)

    assert mailbox.message()["Subject"].startswith(f"LATE VEQTOR {SESSION}: ")
    text = mailbox.message().get_body(("plain",))
    assert text is not None
    assert "For the record only" in text.get_content()


def test_a_message_overtaken_by_a_correction_is_not_sent(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    emit_report(engine, made_up_signals, DESK)
    report = signal_report(made_up_signals, SESSION, 1e6)
    corrected = replace(report, target=replace(report.target, equity=0.0, volatility=0.0, cash=1.0))
    emit(engine, start_run(engine, "daily", "files", None, now), [corrected], [DESK], now)
    deliver(engine, email_to(serve(mailbox)), now)

    assert [message.state for message in outbox(engine)] == [SUPERSEDED, SENT]
    assert len(mailbox.accepted) == 1
    assert "CORRECTION 2" in mailbox.message()["Subject"]


class Broken:
    """A channel with a fault nobody foresaw."""

    name = "email"

    def send(self, recipient: str, view: ReportView, message_key: str) -> None:
        if recipient == DESK.address:
            raise ZeroDivisionError("a secret")


def test_an_unforeseen_fault_leaves_its_message_uncertain_and_the_others_sent(
    engine: Engine, made_up_signals: VeqtorSignals
) -> None:
    emit_report(engine, made_up_signals, DESK, RISK)
    summary = deliver(engine, {"email": Broken()}, now)

    assert [message.state for message in outbox(engine)] == [UNCERTAIN, SENT]
    assert [message.last_error for message in outbox(engine)] == ["ZeroDivisionError", None]
    assert "a secret" not in "".join(summary.problems)
