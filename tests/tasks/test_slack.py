from __future__ import annotations

import datetime as dt
import json
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from reports.glance import Line
from reports.slack import BLOCK_LIMIT, HEADER_LIMIT, TEXT_LIMIT
from reports.tables import Section, Table
from reports.view import ReportView, report_view
from signals.veqtor.signal import VeqtorSignals, signal_report
from tasks.doctor.findings import FAIL, OK
from tasks.doctor.messengers import slack_bot
from tasks.notify.channel import AcceptanceUnknown, Refused
from tasks.notify.slack import WEBHOOK, SlackChannel
from tasks.notify.slack_bot import SlackBot
from tests.conftest import NOW

pytestmark = pytest.mark.server

TOKEN = "-".join(("xoxb", "hunter2"))
WEBHOOK_PATH = "/services/T000/B000/hunter2"
KEY = "tailguard.2006-03-15.d1.r1.abc"


@dataclass
class Slack:
    """What the other side answers, and what it was posted."""

    status: int = 200
    text: str = "ok"
    retry_after: str | None = None
    hang_up: bool = False
    reset: bool = False
    silent: bool = False
    posted: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    #: What the interface for programs answers, one after the other; then that a message was taken.
    answers: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def bot(self, timeout: float = 5.0) -> SlackBot:
        return SlackBot(TOKEN, "#signals", timeout, f"http://127.0.0.1:{self.port}/api")

    def channel(self, timeout: float = 5.0) -> SlackChannel:
        return SlackChannel(f"http://127.0.0.1:{self.port}{WEBHOOK_PATH}", timeout)


@pytest.fixture
def slack() -> Iterator[Slack]:
    """A server that takes webhooks."""
    state = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.paths.append(self.path)
            state.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}"))
            if state.silent:
                state.stopped.wait(10)
            if state.reset:
                # Closed without lingering: the other side gets a reset in place of an answer.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            if state.silent or state.hang_up or state.reset:
                return
            answer = state.text.encode()
            if self.path.startswith("/api/") and state.status == 200 and state.text == "ok":
                state.tokens.append(str(self.headers["Authorization"]))
                taken = {"ok": True, "channel": "C0123", "ts": f"{len(state.posted)}.5"}
                answer = json.dumps(state.answers.pop(0) if state.answers else taken).encode()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(answer)))
            if state.retry_after is not None:
                self.send_header("Retry-After", state.retry_after)
            if state.status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield state
    state.stopped.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def view(made_up_signals: VeqtorSignals) -> ReportView:
    return report_view(signal_report(made_up_signals, dt.date(2006, 3, 15), 1e6), revision=1, emitted_at=NOW)


def texts(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Every text of a message with the type of its block."""
    found = [(block["type"], block["text"]["text"]) for block in message["blocks"] if "text" in block]
    return found + [
        ("context", element["text"]) for block in message["blocks"] for element in block.get("elements", [])
    ]


def within_limits(message: dict[str, Any]) -> bool:
    limits = {"header": HEADER_LIMIT, "section": TEXT_LIMIT, "context": TEXT_LIMIT}
    return len(message["blocks"]) <= BLOCK_LIMIT and all(0 < len(text) <= limits[kind] for kind, text in texts(message))


def test_slacks_limits_are_those_of_its_documentation() -> None:
    assert (HEADER_LIMIT, TEXT_LIMIT, BLOCK_LIMIT) == (150, 3000, 50)


def test_a_message_is_posted_once_to_the_webhook(slack: Slack, view: ReportView) -> None:
    slack.channel().send(WEBHOOK, view, KEY)

    (message,) = slack.posted
    assert slack.paths == [WEBHOOK_PATH]
    assert message["text"] == view.subject
    assert ("header", view.title) in texts(message)
    assert within_limits(message)
    assert view.verdict.replace("&", "&amp;") in texts(message)[1][1]


def test_every_block_is_of_a_kind_and_shape_that_slack_knows(slack: Slack, view: ReportView) -> None:
    slack.channel().send(WEBHOOK, view, KEY)

    for block in slack.posted[0]["blocks"]:
        assert block["type"] in ("header", "section", "divider", "context")
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
        elif block["type"] == "section":
            assert block["text"]["type"] == "mrkdwn"


def test_a_message_that_is_far_too_long_is_cut_to_the_limits(slack: Slack, view: ReportView) -> None:
    long = replace(
        view,
        title="t" * 500,
        verdict="v" * 5000,
        notices=tuple("n" * 500 for _ in range(50)),
        sections=tuple(Section(f"section {number}", ("s" * 4000,)) for number in range(80)),
        footer=("f" * 9000,),
    )
    slack.channel().send(WEBHOOK, long, KEY)

    assert within_limits(slack.posted[0])


def test_what_slack_reads_as_markup_is_escaped(slack: Slack, view: ReportView) -> None:
    hostile = "<!channel> & <https://evil.example|S&P>"
    escaped = "&lt;!channel&gt; &amp; &lt;https://evil.example|S&amp;P&gt;"
    section = Section(hostile, (hostile,), Table(("", "A"), ((hostile, hostile),)))
    slack.channel().send(
        WEBHOOK,
        replace(
            view,
            subject=hostile,
            verdict=hostile,
            notices=(hostile,),
            glance=(Line(hostile, hostile),),
            sections=(section,),
            footer=(hostile,),
        ),
        KEY,
    )

    (message,) = slack.posted
    marked_up = [message["text"], *(text for kind, text in texts(message) if kind != "header")]
    assert len(marked_up) == 6
    assert all(escaped in text for text in marked_up)
    assert not any("<" in text or ">" in text for text in marked_up)


@pytest.mark.parametrize(
    ("status", "text", "final"),
    [
        (429, "rate_limited", False),
        (503, "service_unavailable", False),
        (400, "invalid_blocks", True),
        (403, "action_prohibited", True),
        (404, "no_service", True),
        (410, "channel_is_archived", True),
        (302, "", True),
    ],
)
def test_an_answer_that_says_no_is_a_refusal(
    slack: Slack, view: ReportView, status: int, text: str, final: bool
) -> None:
    slack.status, slack.text = status, text
    with pytest.raises(Refused) as caught:
        slack.channel().send(WEBHOOK, view, KEY)

    assert str(caught.value) == f"{status} {text}"
    assert caught.value.final is final
    assert len(slack.posted) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"), [("30", 30), ("0", 0), (None, None), ("soon", None), ("Fri, 20 Nov 2026 23:59:00 GMT", None)]
)
def test_slack_says_how_long_it_wants_to_be_left_alone(
    slack: Slack, view: ReportView, status: int, header: str | None, seconds: int | None
) -> None:
    slack.status, slack.retry_after = status, header
    with pytest.raises(Refused) as caught:
        slack.channel().send(WEBHOOK, view, KEY)

    assert caught.value.retry_after == (None if seconds is None else dt.timedelta(seconds=seconds))


def test_an_answer_that_repeats_the_address_is_kept_without_it(slack: Slack, view: ReportView) -> None:
    slack.status, slack.text = 404, f"Cannot POST {WEBHOOK_PATH}"
    with pytest.raises(Refused) as caught:
        slack.channel().send(WEBHOOK, view, KEY)

    assert str(caught.value) == "404 Cannot POST /..."


def test_a_connection_that_is_reset_leaves_it_open(slack: Slack, view: ReportView) -> None:
    slack.reset = True
    with pytest.raises(AcceptanceUnknown, match="no answer: ReadError"):
        slack.channel().send(WEBHOOK, view, KEY)

    assert len(slack.posted) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_inside_slack_leaves_open_whether_the_message_was_taken(
    slack: Slack, view: ReportView, status: int
) -> None:
    slack.status, slack.text = status, "oops"
    with pytest.raises(AcceptanceUnknown, match=f"{status} oops"):
        slack.channel().send(WEBHOOK, view, KEY)


def test_a_connection_that_ends_without_an_answer_leaves_it_open(slack: Slack, view: ReportView) -> None:
    slack.hang_up = True
    with pytest.raises(AcceptanceUnknown, match="no answer: RemoteProtocolError"):
        slack.channel().send(WEBHOOK, view, KEY)

    assert len(slack.posted) == 1


def test_an_answer_that_comes_too_late_leaves_it_open(slack: Slack, view: ReportView) -> None:
    slack.silent = True
    with pytest.raises(AcceptanceUnknown, match="no answer: ReadTimeout"):
        slack.channel(timeout=0.3).send(WEBHOOK, view, KEY)


def test_a_port_where_nobody_listens_is_worth_another_try(view: ReportView) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match="no connection") as caught:
            SlackChannel(f"http://127.0.0.1:{port}{WEBHOOK_PATH}", 5.0).send(WEBHOOK, view, KEY)

    assert not caught.value.final
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["hooks.slack.com/hunter2", "ftp://127.0.0.1/hunter2", "http://127.0.0.1:hunter2/"])
def test_an_address_that_is_none_is_refused_for_good_and_not_repeated(view: ReportView, url: str) -> None:
    with pytest.raises(Refused) as caught:
        SlackChannel(url, 5.0).send(WEBHOOK, view, KEY)

    assert caught.value.final
    assert "hunter2" not in str(caught.value)


# A bot.


def test_a_bot_posts_the_verdict_and_puts_the_details_into_a_thread(slack: Slack, view: ReportView) -> None:
    slack.bot().send("#signals", view, KEY)

    first, *replies = slack.posted
    assert set(slack.paths) == {"/api/chat.postMessage"}
    assert set(slack.tokens) == {f"Bearer {TOKEN}"}
    assert (first["channel"], first["text"], "thread_ts" in first) == ("#signals", view.subject, False)
    assert len(replies) == 1
    assert (replies[0]["channel"], replies[0]["thread_ts"]) == ("C0123", "1.5")
    assert all(within_limits(message) for message in slack.posted)
    told = "\n".join(text for message in slack.posted for _, text in texts(message))
    for section in view.sections[:-1]:
        assert section.title.replace("&", "&amp;") in told


def test_what_was_stored_for_a_webhook_goes_to_the_channel_of_the_bot(slack: Slack, view: ReportView) -> None:
    slack.bot().send(WEBHOOK, view, KEY)
    slack.bot().send("C9999", view, KEY)

    assert [message["channel"] for message in slack.posted if "thread_ts" not in message] == ["#signals", "C9999"]


@pytest.mark.parametrize(
    ("error", "final"),
    [
        ("ratelimited", False),
        ("service_unavailable", False),
        ("invalid_auth", False),
        ("token_revoked", False),
        ("missing_scope", False),
        ("not_in_channel", False),
        ("channel_not_found", False),
        ("is_archived", False),
        ("invalid_blocks", True),
        ("an error of next year", True),
    ],
)
def test_an_error_of_slack_is_a_refusal(slack: Slack, view: ReportView, error: str, final: bool) -> None:
    slack.answers = [{"ok": False, "error": error}]
    slack.retry_after = "30" if error == "ratelimited" else None
    with pytest.raises(Refused) as caught:
        slack.bot().send("#signals", view, KEY)

    assert (str(caught.value), caught.value.final, len(slack.posted)) == (error, final, 1)
    assert caught.value.retry_after == (dt.timedelta(seconds=30) if error == "ratelimited" else None)


@pytest.mark.parametrize(
    "answer", [{"ok": False, "error": "fatal_error"}, {"ok": False, "error": "internal_error"}, {}]
)
def test_an_error_after_which_it_may_be_there_leaves_it_open(
    slack: Slack, view: ReportView, answer: dict[str, Any]
) -> None:
    slack.answers = [answer]
    with pytest.raises(AcceptanceUnknown):
        slack.bot().send("#signals", view, KEY)

    assert len(slack.posted) == 1


def test_a_bot_that_is_asked_to_wait_or_gets_no_answer_behaves_as_a_webhook(slack: Slack, view: ReportView) -> None:
    slack.status, slack.text, slack.retry_after = 429, f"slow down, {TOKEN}", "7"
    with pytest.raises(Refused) as caught:
        slack.bot().send("#signals", view, KEY)
    assert (caught.value.final, caught.value.retry_after) == (False, dt.timedelta(seconds=7))
    assert str(caught.value) == "429 slow down, ..."
    slack.status = 500
    with pytest.raises(AcceptanceUnknown):
        slack.bot().send("#signals", view, KEY)
    slack.hang_up = True
    with pytest.raises(AcceptanceUnknown, match="no answer: RemoteProtocolError"):
        slack.bot().send("#signals", view, KEY)


def test_details_that_are_refused_are_logged_and_the_message_is_sent(
    slack: Slack, view: ReportView, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a process of its own: a flow that ran in this one before has set it up for a terminal.
    log = logging.getLogger("tailguard")
    monkeypatch.setattr(log, "propagate", True)
    monkeypatch.setattr(log, "handlers", [])
    caplog.set_level(logging.WARNING, "tailguard")
    slack.answers = [{"ok": True, "channel": "C0123", "ts": "1.5"}, {"ok": False, "error": "ratelimited"}]
    slack.bot().send("#signals", view, KEY)

    assert len(slack.posted) == 2
    assert [record.getMessage() for record in caplog.records] == ["details are not in the thread"]


def test_details_that_cannot_be_written_keep_the_message_from_being_posted(slack: Slack, view: ReportView) -> None:
    """Posted first, it would count as of unknown acceptance, and be sent again."""
    broken = Section("Broken", (), Table(("A", "B"), (("a cell is missing",),)), key="data")
    with pytest.raises(IndexError):
        slack.bot().send("#signals", replace(view, sections=(*view.sections, broken)), KEY)
    assert slack.posted == []


def test_the_doctor_asks_whether_slack_knows_the_token_and_posts_nothing(slack: Slack) -> None:
    api = f"http://127.0.0.1:{slack.port}/api"
    slack.answers = [{"ok": True, "user": "tailguard"}, {"ok": False, "error": "invalid_auth"}]
    known, refused = (slack_bot(TOKEN, "#signals", api, 5.0) for _ in range(2))

    assert set(slack.paths) == {"/api/auth.test"}
    assert (known.status, known.found.startswith(f"tailguard at 127.0.0.1:{slack.port}; ")) == (OK, True)
    assert (refused.status, "the token is refused, invalid_auth" in refused.found) == (FAIL, True)
    slack.text = "<html>"
    assert slack_bot(TOKEN, "#signals", api, 5.0).status == FAIL
    assert slack_bot(TOKEN, "#signals", "http://127.0.0.1:9/api", 5.0).found == "127.0.0.1:9: ConnectError"
