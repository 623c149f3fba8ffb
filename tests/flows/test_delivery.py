"""The daily command against a real mail server and a real webhook."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import Mailbox, Tailguard, webhook
from tests.market_files import write_market

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    """What a Slack channel's webhook was sent."""
    with webhook() as found:
        monkeypatch.setenv("TAILGUARD_SLACK_WEBHOOK_URL", found.address)
        yield found.posts


@pytest.fixture
def evening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An evening of the made-up market."""
    monkeypatch.setenv("TAILGUARD_SOURCE", "files")
    monkeypatch.setenv("TAILGUARD_DATA_DIR", str(write_market(tmp_path / "market")))
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")


@pytest.mark.usefixtures("evening")
def test_a_signal_reaches_every_recipient_once(
    tailguard: Tailguard, mailbox: Mailbox, channel: list[dict[str, object]]
) -> None:
    first = tailguard("run")
    assert first.code == 0
    assert "Delivered: 3 messages." in first.out
    assert tailguard("run").code == 0
    assert len(mailbox.bodies) == 2
    assert len(channel) == 1
    messages = [email.message_from_bytes(body, policy=email.policy.default) for body in mailbox.bodies]
    assert {message["To"] for message in messages} == {"desk@example.com", "risk@example.com"}
    assert len({message["Message-ID"] for message in messages}) == 2
    verdict = next(line for line in first.out.splitlines() if line.startswith(("Keep", "Move")))
    for message in messages:
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert text
        assert html
        assert verdict in text.get_content()
        assert "<table" in html.get_content()
        assert message["Subject"].startswith("VEQTOR 2006-06-30: ")
    assert verdict.split(" (")[0] in json.dumps(channel[0])
    assert (
        tailguard("outbox", "list", "--state", "SENT").out.count("SENT at 2006-06-30 22:45 UTC after 1 attempt\n") == 3
    )


@pytest.mark.usefixtures("evening")
def test_a_message_that_was_turned_away_is_sent_by_the_next_run(tailguard: Tailguard, mailbox: Mailbox) -> None:
    mailbox.answer = "451 try later"
    first = tailguard("run")
    assert first.code == 4
    assert "2006-06-30: EMITTED" in first.out
    assert "451 try later" in first.err
    assert tailguard("status").code == 4
    mailbox.answer = "250 OK"
    second = tailguard("run")
    assert second.code == 0
    assert "ALREADY_EMITTED" in second.out
    assert len(mailbox.bodies) == 2
    assert tailguard("status").code == 0


@pytest.mark.usefixtures("evening")
def test_nobody_is_told_when_asked_not_to(tailguard: Tailguard, mailbox: Mailbox) -> None:
    assert tailguard("run", "--no-notify").code == 0
    assert mailbox.bodies == []
    assert tailguard("outbox", "list").out == "No messages.\n"


@pytest.mark.usefixtures("evening")
def test_the_webhooks_secret_is_neither_stored_nor_shown(
    tailguard: Tailguard, channel: list[dict[str, object]], tmp_path: Path
) -> None:
    shown = tailguard("run")
    listed = tailguard("outbox", "list", "--json")
    assert len(channel) == 1
    assert "secret-token" not in shown.out + shown.err + listed.out
    for path in tmp_path.glob("tailguard.db*"):
        assert b"secret-token" not in path.read_bytes()
