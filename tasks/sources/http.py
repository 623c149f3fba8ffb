"""One GET of a published file: its body as it came, or why there is none."""

from __future__ import annotations

import datetime as dt
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

# httpx reports every request.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


_GRACE_SECONDS = 0.1


@dataclass(frozen=True)
class Reason:
    """Why a request has no usable answer.

    Attributes
    ----------
    said : str
        The reason in a few words, to stand in brackets after the name of a host.
    do : str
        What to do about it, before another try.
    status : int, optional
        The HTTP status, where that is the reason.
    """

    said: str
    do: str
    status: int | None = None


REFUSED = Reason("connection refused", "Check the network and its firewall.")
UNKNOWN_HOST = Reason("its name cannot be resolved", "Check the network.")
NO_CONNECTION = Reason("no connection", "Check the network.")
BAD_CERTIFICATE = Reason(
    "its certificate is not accepted", "Check the clock, and whether a proxy stands in for the server."
)
NO_TLS = Reason("no secure connection", "Check whether a proxy stands in for the server.")
PROXY = Reason("the proxy refused", "Check the proxy.")
TOO_SLOW = Reason("no answer in time", "Check the network.")
BROKEN_OFF = Reason("the answer broke off", "Check the network.")
HTML = Reason(
    "answered with an HTML page",
    "Check whether a proxy or the login page of a network stands in for the server, and the setting user_agent.",
)
NOTHING = Reason("answered with nothing", "Check the network.")
FAILED = Reason("the request failed", "Check the network.")


def http_status(status: int) -> Reason:
    """The reason for an HTTP status that is no success."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Reason("HTTP 429, too many requests", "Wait some minutes.", status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Reason(f"HTTP {status}", "Wait until the server works again.", status)
    return Reason(f"HTTP {status}", "Check whether a proxy or the server turns this program away.", status)


class RequestFailed(Exception):
    """A request has no usable answer."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.said)
        self.reason = reason


class OutOfTime(Exception):
    """The time for all requests together is over."""


class TimeLimit:
    """How long all requests together may take; shared by the threads that make them.

    Parameters
    ----------
    seconds : float, optional
        Counted from here. Without it there is no limit until `give_up`.
    """

    def __init__(self, seconds: float | None) -> None:
        self._ends_at = float("inf") if seconds is None else time.monotonic() + seconds
        self._given_up = threading.Event()

    @property
    def remaining(self) -> float:
        """Seconds left, infinite without a limit; 0 when it is over."""
        return 0.0 if self._given_up.is_set() else max(0.0, self._ends_at - time.monotonic())

    def give_up(self) -> None:
        """Let no further request begin."""
        self._given_up.set()

    def check(self) -> None:
        """Raise OutOfTime when it is over."""
        if self.remaining == 0.0:
            raise OutOfTime

    def for_request(self, at_most: float) -> float:
        """Seconds that a request starting now may take.

        Raises
        ------
        OutOfTime
        """
        self.check()
        # A request that the limit cuts off ends after it, and so is known to be late and not merely slow.
        return min(at_most, self.remaining + _GRACE_SECONDS)


@dataclass(frozen=True)
class PublicFile:
    """A file to read, and what becomes of it.

    Attributes
    ----------
    format, subject : str
        Those of its payload.
    url : str
    may_be_absent : bool
        Whether its publisher may not have it yet.
    """

    format: str
    subject: str
    url: str
    may_be_absent: bool = False


@dataclass(frozen=True)
class Answer:
    """A body as it came.

    Attributes
    ----------
    body : bytes
        Unpacked, otherwise unchanged.
    server_time : datetime.datetime, optional
        When the server says it sent it, in UTC.
    """

    body: bytes
    server_time: dt.datetime | None


class HttpReader:
    """Reads files over HTTP, from any number of threads.

    Parameters
    ----------
    user_agent : str
    timeout_seconds : float
        What one request may take, from its start to its last byte.
    limit : TimeLimit
        What all of them may take.
    """

    def __init__(self, user_agent: str, timeout_seconds: float, limit: TimeLimit) -> None:
        self._timeout = timeout_seconds
        self._limit = limit
        self._client = httpx.Client(
            headers={"User-Agent": user_agent, "Accept": "text/csv,text/plain;q=0.9,*/*;q=0.8"}, follow_redirects=True
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read(self, url: str) -> Answer:
        """Read one text file.

        Raises
        ------
        RequestFailed
            When there is no answer, an HTTP error, an HTML page in place of the file, or half of it.
        OutOfTime
        """
        seconds = self._limit.for_request(self._timeout)
        try:
            with self._client.stream("GET", url, timeout=seconds) as response:
                if not response.is_success:
                    raise RequestFailed(http_status(response.status_code))
                body = b"".join(_until(time.monotonic() + seconds, response))
        except httpx.HTTPError as error:
            self._limit.check()
            raise RequestFailed(_reason(error)) from error
        _check(body, response.headers.get("Content-Type", ""))
        return Answer(body, _server_time(response.headers))


def _until(ends_at: float, response: httpx.Response) -> Iterator[bytes]:
    """The parts of a body. Each read has a timeout of its own, so a server that drips would never run into one."""
    for part in response.iter_bytes():
        if time.monotonic() > ends_at:
            raise httpx.ReadTimeout("the whole answer took too long")
        yield part


def _check(body: bytes, content_type: str) -> None:
    start = body.lstrip()[:1]
    if "html" in content_type.lower() or start == b"<":
        raise RequestFailed(HTML)
    if not start:
        raise RequestFailed(NOTHING)
    if not body.endswith(b"\n"):
        # Every one of these publishers ends the last line, and not every answer says how long it is.
        raise RequestFailed(BROKEN_OFF)


def _server_time(headers: httpx.Headers) -> dt.datetime | None:
    """The `Date` of an answer, and how long a cache has kept it since."""
    try:
        sent = parsedate_to_datetime(headers["Date"])
        return sent.astimezone(dt.UTC) + dt.timedelta(seconds=int(headers.get("Age", "0")))
    except (KeyError, ValueError):
        return None


def _reason(error: httpx.HTTPError) -> Reason:
    match error:
        case httpx.TimeoutException():
            return TOO_SLOW
        case httpx.ProxyError():
            return PROXY
        case httpx.ConnectError():
            return _connect_reason(error)
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.DecodingError():
            return BROKEN_OFF
        case _:
            return FAILED


def _connect_reason(error: BaseException | None) -> Reason:
    """What the system said, which httpx keeps among the causes."""
    while error is not None:
        match error:
            case socket.gaierror():
                return UNKNOWN_HOST
            case ConnectionRefusedError():
                return REFUSED
            case ssl.SSLCertVerificationError():
                return BAD_CERTIFICATE
            case ssl.SSLError():
                return NO_TLS
        error = error.__cause__ or error.__context__
    return NO_CONNECTION
