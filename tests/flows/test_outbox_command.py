"""What a person does about messages, on a database with real deliveries to local servers behind it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.outbox import DROPPED, FAILED, PENDING, SENDING, SENT, SUPERSEDED, UNCERTAIN, Message
from storage.unit_of_work import UnitOfWork
from tasks.notify.deliver import CLAIM_EXPIRES_AFTER, deliver
from tasks.notify.email import EmailChannel, SmtpServer
from tasks.persist import Recipient, emit
from tasks.runs import start_run
from tests.flows.conftest import Tailguard
from tests.tasks.test_email import HANG_UP, SENDER, AnyPort, Mailbox

pytestmark = pytest.mark.server

SESSION = dt.date(2006, 3, 15)
CLOCK = dt.datetime(2006, 3, 15, 23, 45, tzinfo=dt.UTC)
DESK, RISK, SLACK = (
    Recipient("email", "desk@example.com"),
    Recipient("email", "risk@example.com"),
    Recipient("slack", "webhook"),
)
AT = "2006-03-15 23:45 UTC"


def clock() -> dt.datetime:
    return CLOCK


@dataclass
class Desk:
    """An installation that has emitted a report, and the mail server of its recipients."""

    engine: Engine
    signals: VeqtorSignals
    mailbox: Mailbox
    server: SmtpServer

    def tell(self, *recipients: Recipient, cash: bool = False) -> None:
        """Emit the report, or a revision of it that goes to cash, and deliver it."""
        report = signal_report(self.signals, SESSION, 1e6)
        if cash:
            report = replace(report, target=replace(report.target, equity=0.0, volatility=0.0, cash=1.0))
        emit(self.engine, start_run(self.engine, "daily", "files", None, clock), [report], recipients, clock)
        self.deliver()

    def deliver(self) -> None:
        deliver(self.engine, {"email": EmailChannel(self.server, clock)}, clock)

    def outbox(self) -> list[Message]:
        with UnitOfWork(self.engine) as work:
            return work.outbox.all()

    def states(self) -> list[str]:
        return [message.state for message in self.outbox()]

    def message_ids(self) -> list[str]:
        contents = [envelope.content for envelope in self.mailbox.accepted]
        return [message_from_bytes(content)["Message-ID"] for content in contents if isinstance(content, bytes)]


@pytest.fixture
def desk(
    engine: Engine, made_up_signals: VeqtorSignals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    mailbox = Mailbox()
    controller = AnyPort(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    settings = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'test.db'}",
        "CLOCK": "2006-03-15T18:45",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(controller.port),
        "SMTP_SECURITY": "none",
        "MAIL_FROM": SENDER,
        "MAIL_TO": "desk@example.com",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"TAILGUARD_{name}", value)
    yield Desk(engine, made_up_signals, mailbox, SmtpServer("127.0.0.1", controller.port, "none", "", "", SENDER, 5.0))
    controller.stop()


@pytest.fixture
def uncertain(desk: Desk) -> Desk:
    """A desk with a mail of which nobody knows whether it arrived."""
    desk.mailbox.on_body = HANG_UP
    desk.tell(DESK)
    desk.mailbox.on_body = "250 OK"
    return desk


@pytest.fixture
def failed(desk: Desk) -> Desk:
    """A desk with a mail that was refused for good."""
    desk.mailbox.on_recipient = "550 5.1.1 no such user"
    desk.tell(DESK)
    return desk


def test_an_uncertain_mail_is_sent_again_when_asked_for_with_the_same_message_id(
    uncertain: Desk, tailguard: Tailguard
) -> None:
    uncertain.deliver()
    assert tailguard("status").code == 4
    assert uncertain.states() == [UNCERTAIN]

    resent = tailguard("outbox", "resend", "1")

    assert resent.code == 0
    assert f"SENT at {AT} after 2 attempts" in resent.out
    assert "this is a double with the same Message-ID, by which the receiver can drop it" in resent.err
    assert len(uncertain.message_ids()) == 2
    assert len(set(uncertain.message_ids())) == 1
    assert tailguard("status").code == 0
    shown = tailguard("outbox", "show", "1")
    assert uncertain.message_ids()[0] in shown.out


def test_an_uncertain_message_to_slack_is_queued_with_a_warning(desk: Desk, tailguard: Tailguard) -> None:
    desk.tell(SLACK)
    with UnitOfWork(desk.engine) as work:
        (message,) = work.outbox.pending()
        work.outbox.claim(message, CLOCK)
        work.outbox.uncertain(message, "500 oops")
        work.commit()

    queued = tailguard("outbox", "resend", "--state", "UNCERTAIN", "--no-send", "--json")

    assert (queued.code, json.loads(queued.out)[0]["state"]) == (0, PENDING)
    assert "Slack now has it twice" in queued.err
    # Nothing says where Slack is.
    sent = tailguard("outbox", "send")
    assert sent.code == 4
    assert "the channel is not configured" in sent.err


def test_a_person_says_that_an_uncertain_message_arrived(uncertain: Desk, tailguard: Tailguard) -> None:
    confirmed = tailguard("outbox", "confirm", "1")

    assert confirmed.code == 0
    assert f"SENT, confirmed by a person at {AT}, after 1 attempt: connection lost after" in confirmed.out
    (document,) = json.loads(tailguard("outbox", "list", "--json").out)
    assert (document["state"], document["settled_at"], document["sent_at"]) == (SENT, CLOCK.isoformat(), None)
    assert tailguard("status").code == 0
    uncertain.deliver()
    assert len(uncertain.mailbox.accepted) == 1


def test_a_failed_message_is_sent_again_once_its_cause_is_mended(failed: Desk, tailguard: Tailguard) -> None:
    still = tailguard("outbox", "resend", "--state", "FAILED")
    failed.mailbox.on_recipient = "250 OK"
    mended = tailguard("outbox", "resend", "--state", "FAILED")

    assert still.code == 4
    assert "550 5.1.1 no such user; not tried again" in still.err
    assert "FAILED after 2 attempts: 550 5.1.1 no such user" in still.out
    assert (mended.code, mended.err) == (0, "")
    assert f"SENT at {AT} after 3 attempts" in mended.out
    assert tailguard("outbox", "resend", "--state", "FAILED").out == "No messages.\n"


def test_a_failed_message_that_nobody_needs_is_given_up(failed: Desk, tailguard: Tailguard) -> None:
    assert tailguard("status").code == 4
    assert f"DROPPED, decided by a person at {AT}, after 1 attempt: 550" in tailguard("outbox", "drop", "1").out
    assert tailguard("status").code == 0
    failed.deliver()
    assert failed.mailbox.tried == [DESK.address]


def test_a_message_that_waits_is_sent_at_once_when_asked_for(desk: Desk, tailguard: Tailguard) -> None:
    desk.mailbox.on_recipient = "451 later"
    desk.tell(DESK)
    desk.mailbox.on_recipient = "250 OK"
    desk.deliver()
    listed = tailguard("outbox", "list")
    sent = tailguard("outbox", "send")

    assert "PENDING, next attempt 2006-03-15 23:46 UTC, after 1 attempt: 451 later" in listed.out
    assert (sent.code, f"SENT at {AT} after 2 attempts" in sent.out) == (0, True)
    assert tailguard("outbox", "send").out == "No messages.\n"


def test_what_a_newer_message_has_overtaken_is_not_sent_again(uncertain: Desk, tailguard: Tailguard) -> None:
    uncertain.tell(DESK, cash=True)
    resent = tailguard("outbox", "resend", "1")

    assert resent.code == 0
    assert "SUPERSEDED" in resent.out
    assert uncertain.states() == [SUPERSEDED, SENT]
    assert len(uncertain.mailbox.accepted) == 2


@pytest.mark.parametrize(("minutes", "code"), [(CLAIM_EXPIRES_AFTER.seconds // 60, 2), (16, 0)])
def test_a_message_that_a_run_is_sending_is_left_to_it_until_it_must_have_died(
    desk: Desk, tailguard: Tailguard, minutes: int, code: int
) -> None:
    desk.mailbox.on_recipient = "451 later"
    desk.tell(DESK)
    desk.mailbox.on_recipient = "250 OK"
    with UnitOfWork(desk.engine) as work:
        work.outbox.claim(work.outbox.pending()[0], CLOCK - dt.timedelta(minutes=minutes))
        work.commit()

    resent = tailguard("outbox", "resend", "1")

    assert resent.code == code
    assert desk.states() == [SENT if code == 0 else SENDING]
    assert ("got SENDING" in resent.err) is (code == 2)


REFUSED = [
    (("resend", "1"), "message 1: expected FAILED or UNCERTAIN, to resend it, got SENT", "nothing to do"),
    (("confirm", "1"), "message 1: expected UNCERTAIN or PENDING, to confirm it, got SENT", "nothing to do"),
    (("drop", "1"), "message 1: expected FAILED or PENDING, to drop it, got SENT", "nothing to do"),
    (("resend", "2"), "message 2: expected FAILED or UNCERTAIN, to resend it, got PENDING", "outbox send"),
    (("confirm", "3", "2", "1"), "message 1: expected UNCERTAIN or PENDING, to confirm it, got SENT", "nothing to do"),
    (("drop", "3"), "message 3: expected FAILED or PENDING, to drop it, got UNCERTAIN", "outbox confirm"),
    (("resend", "3", "9"), "message 9: expected the number of a message", "outbox list"),
    (("show", "9"), "message 9: expected the number of a message", "outbox list"),
    (("resend",), "Name messages by their ID, or a --state", ""),
    (("resend", "3", "--state", "FAILED"), "Name messages by their ID, or a --state", ""),
    (("confirm",), "Missing argument", ""),
]


def test_what_makes_no_sense_is_refused_and_changes_nothing(desk: Desk, tailguard: Tailguard) -> None:
    desk.tell(DESK, SLACK)
    with UnitOfWork(desk.engine) as work:
        work.outbox.add([1], [("email", RISK.address)], CLOCK)
        message = work.outbox.pending()[-1]
        work.outbox.claim(message, CLOCK)
        work.outbox.uncertain(message, "no answer")
        work.commit()
    before = desk.outbox()
    assert [message.state for message in before] == [SENT, PENDING, UNCERTAIN]

    for words, got, advice in REFUSED:
        ended = tailguard("outbox", *words)
        assert ended.code == 2, words
        assert got in ended.err
        assert advice in ended.err
        assert desk.outbox() == before


def test_a_database_that_is_not_there_is_not_made(
    tailguard: Tailguard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    for words in (("send",), ("resend", "1"), ("confirm", "1"), ("drop", "1"), ("show", "1")):
        assert tailguard("outbox", *words).code == 2
    assert not (tmp_path / "other.db").exists()


def test_every_command_prints_messages_for_a_program(failed: Desk, tailguard: Tailguard) -> None:
    expected: dict[str, Any] = {"id": 1, "session": "2006-03-15", "revision": 1, "channel": "email", "attempts": 2}
    documents = [
        *json.loads(tailguard("outbox", "resend", "1", "--json").out),
        json.loads(tailguard("outbox", "show", "1", "--json").out),
        *json.loads(tailguard("outbox", "drop", "1", "--json").out),
    ]
    assert [{key: document[key] for key in expected} for document in documents] == [expected] * 3
    assert [document["state"] for document in documents] == [FAILED, FAILED, DROPPED]
