"""One GET of a published file: its body as it came, or why there is none."""

from __future__ import annotations

import datetime as dt
import json
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from tasks.sources.polite import (
    USUAL,
    OutOfTime,
    Politeness,
    Reason,
    RequestFailed,
    Retry,
    TimeLimit,
    http_status,
    polite,
)

__all__ = [
    "BAD_CERTIFICATE",
    "BROKEN_OFF",
    "FAILED",
    "HTML",
    "NOTHING",
    "NOT_JSON",
    "NO_CONNECTION",
    "NO_TLS",
    "PROXY",
    "REFUSED",
    "TOO_SLOW",
    "UNKNOWN_HOST",
    "Answer",
    "Ending",
    "HttpReader",
    "OutOfTime",
    "Politeness",
    "PublicFile",
    "Reason",
    "RequestFailed",
    "Retry",
    "TimeLimit",
    "http_status",
]

# httpx reports every request with its whole address, which may hold a key.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)

REFUSED = Reason("connection refused", "Check the network and its firewall.", retry=Retry.SECONDS, no_answer=True)
UNKNOWN_HOST = Reason("its name cannot be resolved", "Check the network.", retry=Retry.MINUTES)
_NAME_SERVER_BUSY = Reason(UNKNOWN_HOST.said, UNKNOWN_HOST.do, retry=Retry.SECONDS)
NO_CONNECTION = Reason("no connection", "Check the network.", retry=Retry.SECONDS, no_answer=True)
BAD_CERTIFICATE = Reason(
    "its certificate is not accepted",
    "Check the clock, and whether a proxy stands in for the server.",
    retry=Retry.NEVER,
)
NO_TLS = Reason("no secure connection", "Check whether a proxy stands in for the server.", retry=Retry.NEVER)
PROXY = Reason("the proxy refused", "Check the proxy.", retry=Retry.NEVER)
TOO_SLOW = Reason("no answer in time", "Check the network.", retry=Retry.SECONDS, no_answer=True)
BROKEN_OFF = Reason("the answer broke off", "Check the network.", retry=Retry.SECONDS)
HTML = Reason(
    "answered with an HTML page",
    "Check whether a proxy or the login page of a network stands in for the server, and the setting user_agent.",
    retry=Retry.MINUTES,
)
NOT_JSON = Reason("answered with something other than JSON", "Wait some minutes.", retry=Retry.MINUTES)
NOTHING = Reason("answered with nothing", "Check the network.", retry=Retry.SECONDS)
FAILED = Reason("the request failed", "Check the network.", retry=Retry.MINUTES)


class Ending(Enum):
    """How a whole body ends. Not every answer says how long it is, so a cut one has to show it."""

    LINE = "a line end"
    JSON = "a closed JSON document"
    CALENDAR = "END:VCALENDAR"


@dataclass(frozen=True)
class PublicFile:
    """A file to read, and what becomes of it.

    Attributes
    ----------
    format, subject : str
        Those of its payload.
    url : str
        Without anything secret: the locator of its payload, and what errors name.
    may_be_absent : bool
        Whether its publisher may not have it yet.
    ending : Ending
    secrets : tuple of (str, str)
        Further query parameters, such as a key. They go to that address and nowhere else: no log, no error, no `repr`,
        and no address it redirects to.
    """

    format: str
    subject: str
    url: str
    may_be_absent: bool = False
    ending: Ending = Ending.LINE
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)


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
        What all of them may take, waits and further attempts included.
    politeness : Politeness
    """

    def __init__(
        self, user_agent: str, timeout_seconds: float, limit: TimeLimit, politeness: Politeness = USUAL
    ) -> None:
        self._timeout = timeout_seconds
        self._limit = limit
        self._politeness = politeness
        self._client = httpx.Client(
            headers={"User-Agent": user_agent, "Accept": "text/csv,text/plain;q=0.9,*/*;q=0.8"}, follow_redirects=True
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read_file(self, file: PublicFile) -> Answer:
        """Read one file.

        Raises
        ------
        RequestFailed
            When there is no answer, an HTTP error, an HTML page in place of the file, or half of it, and trying again
            did not help or cannot.
        OutOfTime
        """
        return polite(self._politeness, self._limit, urlsplit(file.url).netloc).call(lambda: self._read(file))

    def _read(self, file: PublicFile) -> Answer:
        seconds = self._limit.for_request(self._timeout)
        follow = not file.secrets
        try:
            with self._client.stream("GET", _address(file), timeout=seconds, follow_redirects=follow) as response:
                if not response.is_success:
                    raise RequestFailed(_status(file, response.status_code), _pause(response.headers))
                body = b"".join(_until(time.monotonic() + seconds, response))
        except httpx.HTTPError as error:
            self._limit.check()
            raise RequestFailed(_reason(error)) from (None if file.secrets else error)
        _check(body, response.headers.get("Content-Type", ""), file.ending)
        return Answer(body, _server_time(response.headers))


def _address(file: PublicFile) -> httpx.URL:
    """All of it. Never kept in a variable: some handlers of errors print those."""
    return httpx.URL(file.url).copy_merge_params(dict(file.secrets)) if file.secrets else httpx.URL(file.url)


def _status(file: PublicFile, status: int) -> Reason:
    """The reason for a status that is no success; one that turns a key down says so."""
    reason = http_status(status)
    if file.secrets and status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return replace(reason, do="Check the key.")
    return reason


def _until(ends_at: float, response: httpx.Response) -> Iterator[bytes]:
    """The parts of a body. Each read has a timeout of its own, so a server that drips would never run into one."""
    for part in response.iter_bytes():
        if time.monotonic() > ends_at:
            raise httpx.ReadTimeout("the whole answer took too long")
        yield part


def _check(body: bytes, content_type: str, ending: Ending) -> None:
    start = body.lstrip()[:1]
    if "html" in content_type.lower() or start == b"<":
        raise RequestFailed(HTML)
    if not start:
        raise RequestFailed(NOTHING)
    if ending is Ending.JSON and start not in b"{[":
        raise RequestFailed(NOT_JSON)
    if not _is_whole(body, ending):
        raise RequestFailed(BROKEN_OFF)


def _is_whole(body: bytes, ending: Ending) -> bool:
    match ending:
        case Ending.LINE:
            # Every one of these publishers ends the last line.
            return body.endswith(b"\n")
        case Ending.CALENDAR:
            return body.rstrip().endswith(b"END:VCALENDAR")
        case Ending.JSON:
            try:
                json.loads(body)
            except (ValueError, RecursionError):
                return False
            return True


def _pause(headers: httpx.Headers) -> float | None:
    """Seconds that `Retry-After` asks for, which gives them as such or as a date; None where it does neither."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
        since = parsedate_to_datetime(headers["Date"])
        return max(0.0, (until - since).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None


def _server_time(headers: httpx.Headers) -> dt.datetime | None:
    """The `Date` of an answer, and how long a cache has kept it since."""
    try:
        sent = parsedate_to_datetime(headers["Date"])
        return sent.astimezone(dt.UTC) + dt.timedelta(seconds=int(headers.get("Age", "0")))
    except (KeyError, ValueError, OverflowError):
        return None


def _reason(error: httpx.HTTPError) -> Reason:
    match error:
        case httpx.TimeoutException():
            return TOO_SLOW
        case httpx.ProxyError():
            return PROXY
        case httpx.ConnectError():
            return _connect_reason(error)
        case httpx.RemoteProtocolError() | httpx.NetworkError() | httpx.DecodingError():
            return BROKEN_OFF
        case _:
            return FAILED


def _connect_reason(error: BaseException | None) -> Reason:
    """What the system said, which httpx keeps among the causes."""
    while error is not None:
        match error:
            case socket.gaierror(errno=socket.EAI_AGAIN):
                return _NAME_SERVER_BUSY
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
