"""A mail server and a webhook that keep what they take, and can turn it away, hang up, or kill who sends it."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import os
import queue
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

TO = ("desk@example.com", "risk@example.com")
WEBHOOK_PATH = "/services/T000/B000/hunter2"

#: Moments of a delivery that only who receives can see.
MAIL, BODY, POSTED = "MAIL was said", "the mail was handed over", "the post was handed over"
MOMENTS = (MAIL, BODY, POSTED)


class Receivers:
    """What was taken, and how the next message is treated.

    Attributes
    ----------
    mails : list of (Message-ID, recipient, subject)
    posts : list of str
        The line that a notification shows: it names the session and what it asks for.
    mail_answer, post_status : str, int
        What is answered to a body.
    hang_up : bool
        Take a body, and end the connection without an answer.
    disturbance : (moment, callable), optional
        What is done at a moment, the first time it comes.
    victim : Queue of int
        The process that `kill` ends.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []
        self.posts: list[str] = []
        self.turned_away: Counter[str] = Counter()
        self.smtp_port = self.http_port = 0
        self.victim: queue.Queue[int] = queue.Queue()
        self.behave()

    def behave(self) -> None:
        """Take everything."""
        self.mail_answer, self.post_status = "250 OK", 200
        self.hang_up = False
        self.disturbance: tuple[str, Callable[[], object]] | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The settings that point the product here."""
        return {
            "TAILGUARD_SMTP_HOST": "127.0.0.1",
            "TAILGUARD_SMTP_PORT": str(self.smtp_port),
            "TAILGUARD_SMTP_SECURITY": "none",
            "TAILGUARD_MAIL_FROM": "tailguard@example.com",
            "TAILGUARD_MAIL_TO": ", ".join(TO),
            "TAILGUARD_SLACK_WEBHOOK_URL": f"http://127.0.0.1:{self.http_port}{WEBHOOK_PATH}",
            "TAILGUARD_TIMEOUT_SECONDS": "10",
        }

    def forget(self) -> None:
        """Empty the boxes."""
        self.mails, self.posts, self.turned_away = [], [], Counter()
        self.victim = queue.Queue()
        self.behave()

    def doubles(self) -> list[str]:
        """Mails that came twice, by their Message-ID, and posts that did."""
        found = Counter([key for key, _, _ in self.mails] + self.posts)
        return [key for key, count in found.items() if count > 1]

    def kill(self) -> None:
        """End the sender."""
        os.kill(self.victim.get(timeout=30), signal.SIGKILL)

    def _moment(self, what: str) -> None:
        if self.disturbance and self.disturbance[0] == what:
            disturb, self.disturbance = self.disturbance[1], None
            disturb()

    async def handle_MAIL(  # noqa: N802 - its name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._moment(MAIL)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        assert isinstance(envelope.content, bytes)
        if not self.mail_answer.startswith("250"):
            self.turned_away["mail"] += 1
            return self.mail_answer
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        (recipient,) = envelope.rcpt_tos
        self.mails.append((str(message["Message-ID"]), recipient, str(message["Subject"])))
        self._moment(BODY)
        if self.hang_up:
            assert server.transport is not None
            server.transport.close()
        return "250 OK"

    def post(self, body: dict[str, Any]) -> int | None:
        """What is answered to a post; None to hang up."""
        if self.post_status != 200:
            self.turned_away["post"] += 1
            return self.post_status
        self.posts.append(str(body["text"]))
        self._moment(POSTED)
        return None if self.hang_up else 200


class _Smtp(Controller):
    """A mail server on a free port."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Both servers, on free ports."""
    found = Receivers()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = found.post(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if status is None:
                return
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(b"ok")

        def log_message(self, *_about: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_about: object) -> None:
            """Who posted was killed."""

    http = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    smtp = _Smtp(found, hostname="127.0.0.1", port=0)
    smtp.start()
    found.smtp_port, found.http_port = smtp.port, http.server_address[1]
    try:
        yield found
    finally:
        smtp.stop()
        http.shutdown()
        http.server_close()
        thread.join()
