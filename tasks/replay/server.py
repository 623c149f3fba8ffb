"""An HTTP server on the loopback whose answers can be as bad as those of a network."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from signals.errors import ConfigurationError
from tasks.replay.messages import TEXT, Reply

_HOST = "127.0.0.1"
_POLL_SECONDS = 0.02
_DRIP_SECONDS = 0.05
#: How long a silent server keeps a connection.
_SILENT_SECONDS = 120.0
#: Closing at once, with a reset.
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Asked:
    """What a client sent.

    Attributes
    ----------
    target : str
        Path and parameters as they came.
    """

    target: str
    user_agent: str


class HttpServer:
    """A server that runs while its context is open.

    Parameters
    ----------
    answer : callable
        Called from any number of threads.
    port : int
        0 for any that is free.
    tls : ssl.SSLContext, optional

    Raises
    ------
    ConfigurationError
        On entering, when the port cannot be had.
    """

    def __init__(self, answer: Callable[[Asked], Reply], port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._stopped = threading.Event()
        self.port = port

    @property
    def host(self) -> str:
        """Address and port."""
        return f"{_HOST}:{self.port}"

    @property
    def url(self) -> str:
        """Base address, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def __enter__(self) -> Self:
        self._server = self._listen()
        self.port = self._server.server_address[1]
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _listen(self) -> _Server:
        try:
            return _Server((_HOST, self.port), _handler(self._answer, self._stopped))
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            raise ConfigurationError(
                f"port {self.port}",
                expected="a port that is free",
                got="one that another program listens on" if taken else str(error),
                do="Name another with --port, or 0 for any that is free.",
            ) from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error."""


def _handler(answer: Callable[[Asked], Reply], stopped: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            try:
                reply = answer(Asked(self.path, self.headers.get("User-Agent", "")))
            except Exception as error:  # noqa: BLE001 - the client is told, and the server goes on
                reply = Reply(f"{type(error).__name__}: {error}\n".encode(), 500, TEXT)
            if reply.silent:
                stopped.wait(_SILENT_SECONDS)
                self.close_connection = True
            elif reply.reset:
                self._reset()
            else:
                self._send(reply)

        def _reset(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            os.close(self.connection.detach())

        def _send(self, reply: Reply) -> None:
            self.send_response_only(reply.status)
            if reply.date:
                self.send_header("Date", format_datetime(reply.date, usegmt=True))
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            for header in reply.headers:
                self.send_header(*header)
            self.end_headers()
            if reply.dripping:
                self._drip(reply)
            else:
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.truncated else reply.body)
            self.close_connection = self.close_connection or reply.truncated

        def _drip(self, reply: Reply) -> None:
            drops = max(1, round(reply.drip_seconds / _DRIP_SECONDS))
            sent = 0
            for drop in range(1, drops + 1):
                if stopped.wait(reply.drip_seconds / drops):
                    self.close_connection = True
                    return
                through = len(reply.body) * drop // drops
                self.wfile.write(reply.body[sent:through])
                sent = through

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    return Handler
