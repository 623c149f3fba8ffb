from __future__ import annotations

import datetime as dt
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from reports.view import ReportView
from signals.errors import DataNotReady
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.engine import open_engine
from storage.outbox import FAILED, LAST_CALL, PENDING, SENDING, SENT, SUPERSEDED, UNCERTAIN, Message
from storage.runs import AWAITING_DATA, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.alerts import record_missing
from tasks.clock import Clock
from tasks.notify.backoff import MAX_ATTEMPTS
from tasks.notify.channel import Channel
from tasks.notify.content import message_id, message_key, message_view
from tasks.notify.deliver import CLAIM_EXPIRES_AFTER, SEND_TAKES_AT_MOST, DeliverySummary, deliver
from tasks.notify.email import EmailChannel, SmtpServer
from tasks.notify.slack import WEBHOOK, SlackChannel
from tasks.persist import Recipient, emit
from tasks.runs import start_run
from tests.conftest import NOW, ROOT, now
from tests.market_files import SESSIONS
from tests.tasks.test_email import HANG_UP, SENDER, AnyPort, Mailbox, Serve

pytestmark = pytest.mark.server

SESSION = dt.date(2006, 3, 15)
DESK, RISK = Recipient("email", "desk@example.com"), Recipient("email", "risk@example.com")
SLACK = Recipient("slack", "webhook")

#: The session after the one with a report, and when it is too late for it.
MISSING, DEADLINE = SESSION + dt.timedelta(days=1), dt.datetime(2006, 3, 17, 20, 30, tzinfo=dt.UTC)
RAISED = DEADLINE - dt.timedelta(hours=1)


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


@dataclass
class Posted:
    """A server that takes webhooks, a channel to it, and what it was posted."""

    channel: SlackChannel
    bodies: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def posted() -> Iterator[Posted]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(state.status)
            for name, value in {"Content-Length": "0", **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Posted(SlackChannel(f"http://127.0.0.1:{server.server_address[1]}/services/hunter2", 5.0))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


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


@pytest.fixture
def two_databases(tmp_path: Path, sqlite_with_schema: bytes) -> Iterator[list[Engine]]:
    """Two databases with nothing in them."""
    found = []
    for name in ("one", "other"):
        (tmp_path / f"{name}.db").write_bytes(sqlite_with_schema)
        found.append(open_engine(f"sqlite:///{tmp_path / f'{name}.db'}"))
    yield found
    for engine in found:
        engine.dispose()


@pytest.mark.parametrize("differs", ["nothing", "target", "notional", "market", "alert"])
def test_two_databases_have_the_same_message_ids_only_where_they_say_the_same(
    two_databases: list[Engine], made_up_signals: VeqtorSignals, differs: str
) -> None:
    report, missing = signal_report(made_up_signals, SESSION, 1e6), "VIX"
    if differs == "market":
        with UnitOfWork(two_databases[1]) as work:
            work.observations.begin_market(simulated=True)
            work.commit()
    ids = []
    for engine in two_databases:
        emit(engine, start_run(engine, "daily", "files", None, now), [report], [DESK, RISK], now)
        alert(engine, DESK, RISK, missing=missing)
        with UnitOfWork(engine) as work:
            ids.append([message_key(work, message) for message in work.outbox.all()])
        assert len(set(ids[-1])) == 4
        if differs == "target":
            report = replace(report, target=replace(report.target, equity=0.0, volatility=0.0, cash=1.0))
        elif differs == "notional":
            report = signal_report(made_up_signals, SESSION, 2e6)
        elif differs == "alert":
            missing = "SPX"
    one, other = ids
    same = {"nothing": 4, "market": 0}.get(differs, 2)
    assert len(set(one) & set(other)) == same
    assert (one[:2] == other[:2]) is (differs in ("nothing", "alert"))


def at(minutes: float) -> Clock:
    """A clock that stands still so many minutes after the others."""
    return lambda: NOW + dt.timedelta(minutes=minutes)


def test_a_message_that_is_turned_away_waits_and_is_sent_when_it_is_due(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox(on_recipient="451 4.7.1 greylisted")
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    first = deliver(engine, channels, now)
    refused = only(engine)
    again = deliver(engine, channels, at(1))
    mailbox.on_recipient = "250 OK"
    early = deliver(engine, channels, at(2.9))
    waiting = only(engine)

    where = f"email to desk@example.com for {SESSION}: 451 4.7.1 greylisted"
    assert first == DeliverySummary(0, (f"{where}; next attempt 2026-11-20 23:46 UTC",))
    assert (refused.state, refused.attempts, refused.due_at) == (PENDING, 1, NOW + dt.timedelta(minutes=1))
    assert again == DeliverySummary(0, (f"{where}; next attempt 2026-11-20 23:48 UTC",))
    assert early == DeliverySummary(
        0, ("1 message waits until 2026-11-20 23:48 UTC; `tailguard outbox send` tries at once",)
    )
    assert (waiting.state, waiting.attempts, waiting.last_error) == (PENDING, 2, "451 4.7.1 greylisted")
    assert deliver(engine, channels, at(3)) == DeliverySummary(1, ())
    assert (only(engine).state, only(engine).attempts, only(engine).last_error) == (SENT, 3, None)
    assert len(mailbox.tried) == 3


def test_somebody_who_asks_does_not_wait(engine: Engine, made_up_signals: VeqtorSignals, serve: Serve) -> None:
    mailbox = Mailbox(on_recipient="451 later")
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK, RISK)
    deliver(engine, channels, now)
    mailbox.on_recipient = "250 OK"

    first = outbox(engine)[0].id
    assert deliver(engine, channels, now, at_once=True, only=[first]) == DeliverySummary(1, ())
    assert [message.state for message in outbox(engine)] == [SENT, PENDING]
    assert deliver(engine, channels, now, at_once=True) == DeliverySummary(1, ())


def test_a_final_refusal_fails_the_message(engine: Engine, made_up_signals: VeqtorSignals, serve: Serve) -> None:
    mailbox = Mailbox(on_recipient="550 5.1.1 no such user")
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    first, second = deliver(engine, channels, now), deliver(engine, channels, at(1e6))

    assert (only(engine).state, only(engine).last_error) == (FAILED, "550 5.1.1 no such user")
    assert first.problems == (f"email to desk@example.com for {SESSION}: 550 5.1.1 no such user; not tried again",)
    assert second == DeliverySummary(0, ())
    assert mailbox.tried == ["desk@example.com"]


def test_after_the_last_attempt_a_temporary_refusal_is_final_until_a_person_resends(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox(on_recipient="451 4.7.1 greylisted")
    channels = email_to(serve(mailbox))
    emit_report(engine, made_up_signals, DESK)
    with engine.begin() as connection:
        earlier = {"earlier": MAX_ATTEMPTS - 2}
        connection.execute(text("UPDATE outbox SET attempts = :earlier, refusals = :earlier"), earlier)
    last = [deliver(engine, channels, at(30 * number)).problems for number in range(3)]
    failed = only(engine)
    with UnitOfWork(engine) as work:
        work.outbox.resend([failed.id])
        work.commit()
    resent = deliver(engine, channels, at(100))

    assert [len(problems) for problems in last] == [1, 1, 0]
    assert last[1][0].endswith("greylisted; not tried again")
    assert (failed.state, failed.attempts, len(mailbox.tried)) == (FAILED, MAX_ATTEMPTS, 3)
    assert resent.problems[0].endswith("greylisted; next attempt 2026-11-21 01:26 UTC")
    assert (only(engine).state, only(engine).attempts, only(engine).refusals) == (PENDING, MAX_ATTEMPTS + 1, 1)


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


def test_a_mail_keeps_its_message_id_through_attempts_and_resends(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox(on_body="451 later")
    server = serve(mailbox)
    emit_report(engine, made_up_signals, DESK)
    deliver(engine, email_to(server), now)
    mailbox.on_body = HANG_UP
    deliver(engine, email_to(server), at(1))
    with UnitOfWork(engine) as work:
        work.outbox.resend([only(engine).id])
        work.commit()
    mailbox.on_body = "250 OK"
    deliver(engine, email_to(server), at(2))

    assert (only(engine).state, only(engine).attempts) == (SENT, 3)
    ids = message_ids(mailbox)
    assert len(ids) == 2
    assert len(set(ids)) == 1


def message_ids(mailbox: Mailbox) -> list[str]:
    contents = [envelope.content for envelope in mailbox.accepted]
    return [message_from_bytes(content)["Message-ID"] for content in contents if isinstance(content, bytes)]


def in_another_process(tmp_path: Path, server: SmtpServer) -> subprocess.Popen[bytes]:
    """A program that delivers, and prints how many messages it sent."""
    code = f"""
import datetime as dt
from storage.engine import open_engine
from tasks.notify.deliver import deliver
from tasks.notify.email import EmailChannel, SmtpServer
server = SmtpServer("127.0.0.1", {server.port}, "none", "", "", {server.sender!r}, 5.0)
now = lambda: dt.datetime.fromisoformat({NOW.isoformat()!r})
engine = open_engine("sqlite:///{tmp_path / "test.db"}")
print(deliver(engine, {{"email": EmailChannel(server, now)}}, now).sent)
"""
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)


def test_one_refused_recipient_does_not_keep_the_others_from_theirs(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    emit_report(engine, made_up_signals, Recipient("email", "börse@example.com"), DESK, SLACK, RISK)
    summary = deliver(engine, email_to(serve(mailbox)), now)

    assert summary.sent == 2
    assert [message.state for message in outbox(engine)] == [FAILED, SENT, PENDING, SENT]
    assert mailbox.accepted[0].rcpt_tos + mailbox.accepted[1].rcpt_tos == ["desk@example.com", "risk@example.com"]


def test_processes_that_deliver_at_once_send_each_message_once(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve, tmp_path: Path
) -> None:
    # Each mail takes so long that the second process finds some sent, one on its way, and some pending.
    mailbox = Mailbox(delay=0.05)
    server = serve(mailbox)
    recipients = [Recipient("email", f"desk{number}@example.com") for number in range(8)]
    emit_report(engine, made_up_signals, *recipients)
    processes = [in_another_process(tmp_path, server) for _ in range(2)]
    counts = [int(process.communicate(timeout=30)[0]) for process in processes]

    assert sum(counts) == len(recipients)
    assert sorted(mailbox.tried) == sorted(recipient.address for recipient in recipients)
    assert {(message.state, message.attempts) for message in outbox(engine)} == {(SENT, 1)}
    with UnitOfWork(engine) as work:
        keys = [message_key(work, message) for message in work.outbox.all()]
    assert sorted(message_ids(mailbox)) == sorted(message_id(key, SENDER) for key in keys)


def test_a_run_that_read_the_outbox_before_another_was_refused_does_not_try_again_at_once(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve, tmp_path: Path
) -> None:
    mailbox = Mailbox(on_recipient="451 later", delay=0.0)
    server = serve(mailbox)
    emit_report(engine, made_up_signals, DESK, RISK)

    class OtherRunFirst(EmailChannel):
        """While this run sends its first message, another run goes through the outbox."""

        def send(self, recipient: str, view: ReportView, message_key: str) -> None:
            if recipient == DESK.address:
                other = open_engine(f"sqlite:///{tmp_path / 'test.db'}")
                deliver(other, email_to(server), now)
                other.dispose()
            super().send(recipient, view, message_key)

    deliver(engine, {"email": OtherRunFirst(server, now)}, now)

    assert mailbox.tried == [RISK.address, DESK.address]
    assert [message.attempts for message in outbox(engine)] == [1, 1]


def test_a_server_that_answers_a_letter_at_a_time_does_not_outlast_the_claim(
    engine: Engine, made_up_signals: VeqtorSignals
) -> None:
    assert SEND_TAKES_AT_MOST < CLAIM_EXPIRES_AFTER
    stopped = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection = listening.accept()[0]
        with connection, suppress(OSError):
            while not stopped.wait(0.05):
                connection.sendall(b"2")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        server = SmtpServer("127.0.0.1", listening.getsockname()[1], "none", "", "", SENDER, 5.0)
        emit_report(engine, made_up_signals, DESK)
        summary = deliver(engine, email_to(server), now, send_takes_at_most=dt.timedelta(seconds=0.3))
        stopped.set()
        thread.join()

    assert "unknown whether it arrived: no answer within" in summary.problems[0]
    assert only(engine).state == UNCERTAIN


def test_a_channel_that_asks_to_be_left_alone_is_with_all_its_messages(
    engine: Engine, made_up_signals: VeqtorSignals, posted: Posted
) -> None:
    for session in (SESSION, MISSING):
        emit_report(engine, made_up_signals, SLACK, session=session)
    posted.status, posted.headers = 429, {"Retry-After": "150"}
    first = deliver(engine, {"slack": posted.channel}, now)
    posted.status, posted.headers = 200, {}
    early = deliver(engine, {"slack": posted.channel}, at(2.4))

    assert first.problems == (
        f"slack to webhook for {SESSION}: 429 ; next attempt 2026-11-20 23:47 UTC",
        "1 message waits until 2026-11-20 23:47 UTC; `tailguard outbox send` tries at once",
    )
    # The pass that was told is over; the next one knows.
    assert early == DeliverySummary(
        0, ("2 messages wait until 2026-11-20 23:47 UTC; `tailguard outbox send` tries at once",)
    )
    assert [message.attempts for message in outbox(engine)] == [1, 0]
    assert deliver(engine, {"slack": posted.channel}, at(2.5)) == DeliverySummary(2, ())
    assert len(posted.bodies) == 3


def test_a_message_that_cannot_be_written_keeps_no_other_from_being_sent(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    emit_report(engine, made_up_signals, DESK)
    emit_report(engine, made_up_signals, DESK, session=MISSING)
    with engine.begin() as connection:
        connection.execute(text("UPDATE reports SET document = '{}' WHERE session = :session"), {"session": SESSION})
    summary = deliver(engine, email_to(serve(mailbox)), now)

    assert summary.sent == 1
    assert f"for {SESSION}: it could not be written: TypeError; next attempt" in summary.problems[0]
    assert [message.state for message in outbox(engine)] == [PENDING, SENT]


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
        work.outbox.claim(work.outbox.pending()[0], NOW)
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


def test_what_hangs_before_anything_is_handed_over_is_worth_another_try(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox, ended = Mailbox(), threading.Event()

    class Slow(EmailChannel):
        def prepare(self, view: ReportView) -> None:
            ended.wait(5.0)

    emit_report(engine, made_up_signals, DESK)
    deliver(engine, {"email": Slow(serve(mailbox), now)}, now, send_takes_at_most=dt.timedelta(seconds=0.05))
    ended.set()
    message = only(engine)
    assert (message.state, mailbox.accepted) == (PENDING, [])
    assert message.last_error is not None
    assert message.last_error.startswith("it could not be prepared: no answer within")


def test_only_who_was_sent_the_session_before_gets_a_short_message(
    engine: Engine, made_up_signals: VeqtorSignals
) -> None:
    """What is the same as stored is news to whom nobody told."""
    reports = [signal_report(made_up_signals, day, 1e6) for day in SESSIONS[-60:]]
    before, report = next(
        pair
        for pair in pairwise(reports)
        if not any(each.changes or each.flags for each in pair) and pair[0].target == pair[1].held == pair[1].target
    )
    waits, new = (Recipient("email", f"{name}@example.com") for name in ("waits", "new"))
    for each, recipients in ((before, [DESK, waits]), (report, [DESK, waits, new])):
        evening = each.effective_at.astimezone(dt.UTC) - dt.timedelta(hours=20)
        emit(engine, start_run(engine, "daily", "files", None, now), [each], recipients, lambda at=evening: at)
    with UnitOfWork(engine) as work:
        assert work.outbox.claim(first := work.outbox.all()[0], evening)
        assert work.outbox.sent(first, evening)
        last = [message for message in work.outbox.all() if message.session == report.session]
        quiet = {message.recipient: message_view(work, message, evening).quiet for message in last}
    assert quiet == {DESK.address: True, waits.address: False, new.address: False}


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


def test_a_correction_waits_while_what_it_corrects_is_on_its_way(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox, others = Mailbox(), list[DeliverySummary]()
    channels = email_to(serve(mailbox))
    report = signal_report(made_up_signals, SESSION, 1e6)
    corrected = replace(report, target=replace(report.target, equity=0.0, volatility=0.0, cash=1.0))

    class Slow:
        """While the report is being sent, another run stores a correction and goes through the outbox."""

        name = "email"

        def send(self, recipient: str, view: ReportView, message_key: str) -> None:
            emit(engine, start_run(engine, "daily", "files", None, now), [corrected], [DESK], now)
            others.append(deliver(engine, channels, now))
            channels["email"].send(recipient, view, message_key)

    emit_report(engine, made_up_signals, DESK)
    deliver(engine, {"email": Slow()}, now)
    waits = f"email to {DESK.address} for {SESSION}: it waits for the earlier revision, which is being sent"
    assert others == [DeliverySummary(0, (waits,))]
    assert [(message.state, message.attempts) for message in outbox(engine)] == [(SENT, 1), (PENDING, 0)]

    assert deliver(engine, channels, now) == DeliverySummary(1, ())
    subjects = [message_from_bytes(bytes(envelope.content or b""))["Subject"] for envelope in mailbox.accepted]
    assert ["CORRECTION 2" in subject for subject in subjects] == [False, True]


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


def in_time() -> dt.datetime:
    return RAISED


def alert(engine: Engine, *recipients: Recipient, missing: str = "VIX") -> None:
    error = DataNotReady(f"session {MISSING}", expected="all", got="no VIX", do="Run again.", missing=(missing,))
    outcome = SessionOutcome(MISSING, AWAITING_DATA, "waits for VIX", None, DEADLINE)
    run_id = start_run(engine, "daily", "files", None, in_time)
    assert record_missing(engine, run_id, outcome, recipients, in_time, VEQTOR.digest, error=error)


def body(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    content: str = part.get_content()
    return " ".join(content.split())


def test_an_alert_reaches_every_recipient_once(
    engine: Engine,
    made_up_signals: VeqtorSignals,
    serve: Serve,
    posted: Posted,
) -> None:
    mailbox = Mailbox()
    channels = email_to(serve(mailbox)) | {"slack": posted.channel}
    emit_report(engine, made_up_signals)
    alert(engine, DESK, Recipient("slack", WEBHOOK))

    assert [deliver(engine, channels, in_time) for _ in range(2)] == [DeliverySummary(2, ()), DeliverySummary(0, ())]

    message, (post,) = mailbox.message(), posted.bodies
    subject = f"NO SIGNAL VEQTOR {MISSING}: waiting for VIX"
    assert (message["Subject"], post["text"]) == (subject, subject)
    report = signal_report(made_up_signals, SESSION, 1e6)
    for said in (body(message), json.dumps(post).replace("\\n", " ")):
        assert f"No signal for session Thursday {MISSING}: waiting for VIX. Deadline Friday 2006-03-17 15:30" in said
        assert f"The target of the last report, of session Wednesday {SESSION}, stays in force" in said
        assert f"{report.target.equity * 100:g}% S&" in said
        assert f"tailguard run --session {MISSING} --source files" in said
    assert [(item.state, item.sent_at, item.alert) for item in outbox(engine)] == [(SENT, RAISED, LAST_CALL)] * 2


def test_every_recipient_of_an_alert_has_a_key_that_stays_the_same(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox, keys = Mailbox(on_body="451 later"), []

    class Recorder:
        name = "email"

        def __init__(self, server: SmtpServer) -> None:
            self._mail = EmailChannel(server, now)

        def send(self, recipient: str, view: ReportView, message_key: str) -> None:
            keys.append((recipient, message_key))
            self._mail.send(recipient, view, message_key)

    channels: dict[str, Channel] = {"email": Recorder(serve(mailbox))}
    emit_report(engine, made_up_signals)
    alert(engine, DESK, RISK)
    assert deliver(engine, channels, in_time).problems == (
        f"email to desk@example.com for the alert of {MISSING}: 451 later; next attempt 2006-03-17 19:31 UTC",
        f"email to risk@example.com for the alert of {MISSING}: 451 later; next attempt 2006-03-17 19:31 UTC",
    )
    mailbox.on_body = "250 OK"
    assert deliver(engine, channels, in_time, at_once=True).sent == 2

    assert keys[:2] == keys[2:]
    assert len(dict(keys)) == len(set(dict(keys).values())) == 2
    assert all(key.startswith(f"tailguard.alert.{MISSING}.{VEQTOR.digest[:8]}.") for _, key in keys)
    contents = [envelope.content for envelope in mailbox.accepted]
    assert [f"<{key}@example.org>".encode() in content for content, (_, key) in zip(contents, keys, strict=False)
            if isinstance(content, bytes)] == [True, True]  # fmt: skip


def test_an_alert_that_may_have_arrived_is_uncertain_and_never_sent_again(engine: Engine, serve: Serve) -> None:
    mailbox = Mailbox(on_body=HANG_UP)
    channels = email_to(serve(mailbox))
    alert(engine, DESK)
    deliver(engine, channels, in_time)
    mailbox.on_body = "250 OK"

    assert deliver(engine, channels, in_time) == DeliverySummary(0, ())
    assert (only(engine).state, len(mailbox.accepted)) == (UNCERTAIN, 1)


def test_an_alert_that_is_refused_for_good_has_failed(engine: Engine, serve: Serve) -> None:
    mailbox = Mailbox(on_recipient="550 5.1.1 no such user")
    alert(engine, DESK)
    deliver(engine, email_to(serve(mailbox)), in_time)

    assert (only(engine).state, only(engine).last_error) == (FAILED, "550 5.1.1 no such user")


def test_an_alert_without_any_report_before_it_says_so(engine: Engine, serve: Serve) -> None:
    mailbox = Mailbox()
    alert(engine, DESK)
    deliver(engine, email_to(serve(mailbox)), in_time)

    assert "No report was ever emitted" in body(mailbox.message())


def test_an_alert_about_the_sample_market_says_simulated(engine: Engine, serve: Serve) -> None:
    mailbox = Mailbox()
    with UnitOfWork(engine) as work:
        work.observations.begin_market(simulated=True)
        work.commit()
    alert(engine, DESK)
    deliver(engine, email_to(serve(mailbox)), in_time)

    assert mailbox.message()["Subject"].startswith("SIMULATED NO SIGNAL VEQTOR")


def test_an_alert_that_is_sent_after_the_deadline_asks_for_nothing_that_is_too_late(
    engine: Engine, serve: Serve
) -> None:
    mailbox = Mailbox(on_recipient="451 later")
    channels = email_to(serve(mailbox))
    alert(engine, DESK)
    deliver(engine, channels, in_time)
    mailbox.on_recipient = "250 OK"
    deliver(engine, channels, lambda: DEADLINE + dt.timedelta(hours=3))

    text = body(mailbox.message())
    assert "2006-03-17 15:30 New York, has passed" in text
    assert f"tailguard backfill --start {MISSING} --end {MISSING}" in text
    assert "tailguard run" not in text


def test_a_pending_alert_gives_way_to_the_report_that_came_after_it(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    alert(engine, DESK)
    emit_report(engine, made_up_signals, DESK, session=MISSING)

    assert deliver(engine, email_to(serve(mailbox)), in_time) == DeliverySummary(1, ())
    assert [(item.alert, item.state) for item in outbox(engine)] == [(LAST_CALL, SUPERSEDED), (None, SENT)]
    assert mailbox.message()["Subject"].startswith(f"VEQTOR {MISSING}: ")


def test_a_report_that_comes_after_its_alert_was_sent_is_sent_as_usual(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    channels = email_to(serve(mailbox))
    alert(engine, DESK)
    deliver(engine, channels, in_time)
    emit_report(engine, made_up_signals, DESK, session=MISSING)
    deliver(engine, channels, in_time)

    assert [(item.alert, item.state) for item in outbox(engine)] == [(LAST_CALL, SENT), (None, SENT)]
    assert len(mailbox.accepted) == 2


def test_who_was_not_told_of_the_report_still_hears_that_there_was_none(
    engine: Engine, made_up_signals: VeqtorSignals, serve: Serve
) -> None:
    mailbox = Mailbox()
    alert(engine, DESK)
    # A backfill tells nobody.
    emit_report(engine, made_up_signals, session=MISSING)
    deliver(engine, email_to(serve(mailbox)), in_time)

    text = body(mailbox.message())
    assert "The report of this session has been stored since." in text
    assert f"tailguard report show {MISSING}" in text
    assert only(engine).state == SENT


def test_an_alert_for_a_channel_that_is_not_configured_stays_pending(engine: Engine) -> None:
    alert(engine, SLACK)

    problem = f"slack to webhook for the alert of {MISSING}: the channel is not configured"
    assert deliver(engine, {}, in_time) == DeliverySummary(0, (problem,))
    assert only(engine).state == PENDING
