"""One Prefect server for all flow tests, and ways to run the product as a user does."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine

from flows.cli.main import main
from storage.engine import open_engine
from tests.market_files import write_market


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Tailguard = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _own_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands read settings from, and write to, the directory they run in."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tailguard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tailguard:
    """Run the command line in this process."""

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["tailguard", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """A Prefect server of the tests' own; its address is also in the environment, for subprocesses."""
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=90):
        yield str(PREFECT_API_URL.value())


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A market of the test's own, and a database for its runs."""
    directory = write_market(tmp_path / "market")
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", f"sqlite:///{tmp_path / 'tailguard.db'}")
    monkeypatch.setenv("TAILGUARD_SOURCE", "files")
    monkeypatch.setenv("TAILGUARD_DATA_DIR", str(directory))
    return directory


@pytest.fixture
def database(market: Path, tmp_path: Path) -> Callable[[], Engine]:
    """The database the runs wrote."""
    return lambda: open_engine(f"sqlite:///{tmp_path / 'tailguard.db'}", must_exist=True)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Mailbox:
    """A mail server that keeps what it gets, or turns it away."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        if self.answer.startswith("250"):
            self.bodies.append(bytes(envelope.content or b""))
        return self.answer


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    found, port = Mailbox(), free_port()
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    monkeypatch.setenv("TAILGUARD_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("TAILGUARD_SMTP_PORT", str(port))
    monkeypatch.setenv("TAILGUARD_SMTP_SECURITY", "none")
    monkeypatch.setenv("TAILGUARD_MAIL_FROM", "tailguard@example.com")
    monkeypatch.setenv("TAILGUARD_MAIL_TO", "desk@example.com, risk@example.com")
    yield found
    controller.stop()


@dataclass(frozen=True)
class Channel:
    """A channel's webhook, and what was posted to it."""

    address: str
    posts: list[dict[str, Any]]

    def wait(self, count: int, seconds: float = 30) -> bool:
        """Wait until that much was posted; whether it was."""
        end = time.monotonic() + seconds
        while len(self.posts) < count and time.monotonic() < end:
            time.sleep(0.05)
        return len(self.posts) >= count


@contextmanager
def webhook() -> Iterator[Channel]:
    """A channel that takes what is posted to its webhook."""
    posts: list[dict[str, Any]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posts.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Channel(f"http://127.0.0.1:{server.server_port}/services/secret-token", posts)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def delete(address: str, seconds: float = 60) -> None:
    """Delete something of a Prefect server, which answers 503 while its database is busy; its own client waits, too."""
    end, done = time.monotonic() + seconds, {httpx.codes.NO_CONTENT}
    while (answer := httpx.delete(address)).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        assert time.monotonic() < end, answer.text
        # It may have been deleted in spite of that.
        done.add(httpx.codes.NOT_FOUND)
        time.sleep(0.5)
    assert answer.status_code in done, answer.text
