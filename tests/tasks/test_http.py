from __future__ import annotations

import datetime as dt
import logging
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tasks.sources import http
from tasks.sources.fred import api_files
from tasks.sources.http import Ending, HttpReader, PublicFile
from tasks.sources.polite import (
    OutOfTime,
    Politeness,
    Reason,
    RequestFailed,
    Retry,
    TimeLimit,
    http_status,
    polite,
)

pytestmark = pytest.mark.server

BODY = b"Date,Close\n2026-07-29,1.0\n"
#: As polite as needed, and quick.
BRISK = Politeness(requests_at_once=4, spacing_seconds=0.0, attempts=3, wait_seconds=0.05)

server = pytest.mark.server


@pytest.fixture(autouse=True)
def _unknown_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of an earlier test may have had the port, and so the name, of one of this."""
    monkeypatch.setattr("tasks.sources.polite._hosts", {})


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = BODY
    headers: tuple[tuple[str, str], ...] = ()
    #: How many bytes of the body are sent, with the length of all of it announced.
    sent: int | None = None
    seconds: float = 0.0
    hangs_up: bool = False


@dataclass
class Site:
    """A server that gives its replies in turn, the last one again and again."""

    replies: deque[Reply]
    port: int = 0
    targets: list[str] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def arrive(self, target: str) -> Reply:
        with self.lock:
            self.arrivals.append(time.monotonic())
            self.targets.append(target)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            return self.replies.popleft() if len(self.replies) > 1 else self.replies[0]

    def leave(self) -> None:
        with self.lock:
            self.at_once -= 1


@contextmanager
def serving(*replies: Reply) -> Iterator[Site]:
    site = Site(deque(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = site.arrive(self.path)
            try:
                time.sleep(reply.seconds)
                if reply.hangs_up:
                    # So that the other side sees a reset and no orderly end.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    self.connection.close()
                    return
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(reply.body)))
                for header in reply.headers:
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(reply.body[: reply.sent])
            finally:
                site.leave()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A connection that was cut is no error."""

    running = Server(("127.0.0.1", 0), Handler)
    site.port = running.server_address[1]
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


@contextmanager
def reading(
    politeness: Politeness = BRISK, limit: TimeLimit | None = None, timeout: float = 5.0
) -> Iterator[HttpReader]:
    reader = HttpReader("Mozilla/5.0", timeout, limit or TimeLimit(None), politeness)
    try:
        yield reader
    finally:
        reader.close()


def read(site: Site, politeness: Politeness = BRISK, limit: TimeLimit | None = None, timeout: float = 5.0) -> bytes:
    with reading(politeness, limit, timeout) as reader:
        return fetch(reader, f"{site.url}/file.csv")


def fetch(reader: HttpReader, url: str) -> bytes:
    return reader.read_file(PublicFile("format", "subject", url)).body


def failure(act: Callable[[], object]) -> RequestFailed:
    with pytest.raises(RequestFailed) as caught:
        act()
    return caught.value


# What is tried again.


@server
def test_a_server_that_is_unwell_twice_is_asked_three_times() -> None:
    with serving(Reply(503), Reply(503), Reply()) as site:
        assert read(site) == BODY
        assert len(site.arrivals) == 3


@server
@pytest.mark.parametrize(
    "first",
    [
        Reply(500),
        Reply(502),
        Reply(504),
        Reply(body=BODY, sent=5),
        Reply(body=BODY[:-1]),
        Reply(body=b""),
        Reply(hangs_up=True),
        Reply(seconds=0.6),
    ],
    ids=["500", "502", "504", "cut off", "half written", "empty", "reset", "too slow"],
)
def test_what_can_heal_within_seconds_is_asked_for_again(first: Reply) -> None:
    with serving(first, Reply()) as site:
        assert read(site, timeout=0.3) == BODY
        assert len(site.arrivals) == 2


@server
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(404), http_status(404)),
        (Reply(403), http_status(403)),
        (Reply(429), http_status(429)),
        (Reply(501), http_status(501)),
        (Reply(404, headers=(("Retry-After", "0"),)), http_status(404)),
        (Reply(body=b"<!doctype html><title>Log in</title>\n"), http.HTML),
        (Reply(headers=(("Content-Type", "text/html"),)), http.HTML),
    ],
    ids=["404", "403", "429", "501", "404 with a pause", "page", "said to be a page"],
)
def test_what_does_not_heal_within_seconds_is_asked_for_once(reply: Reply, reason: Reason) -> None:
    with serving(reply) as site:
        assert failure(lambda: read(site)).reason == reason
        assert len(site.arrivals) == 1


@server
def test_after_the_last_attempt_its_reason_is_given() -> None:
    with serving(Reply(503), Reply(500)) as site:
        assert failure(lambda: read(site)).reason == http_status(500)
        assert len(site.arrivals) == 3


@server
def test_the_waits_between_attempts_grow() -> None:
    with serving(Reply(503), Reply(503), Reply()) as site:
        read(site, Politeness(4, 0.0, 3, wait_seconds=0.2))
        first, second, third = site.arrivals
    # Chance adds up to 0.2 s to each.
    assert second - first >= 0.2
    assert third - second >= 0.4
    assert third - first < 2.0


def test_a_refused_connection_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/file.csv"
        started = time.monotonic()
        with reading() as reader:
            assert failure(lambda: fetch(reader, url)).reason == http.REFUSED
    assert time.monotonic() - started >= 0.05 + 0.1


@server
def test_a_host_that_is_down_is_not_asked_three_times_for_every_file() -> None:
    with serving(Reply(503)) as site, reading() as reader:
        for _ in range(10):
            failure(lambda: fetch(reader, f"{site.url}/file.csv"))
        assert len(site.arrivals) == 3 + 9

        site.replies = deque([Reply(), Reply(503), Reply()])
        fetch(reader, f"{site.url}/file.csv")
        assert fetch(reader, f"{site.url}/file.csv") == BODY
    with serving(Reply(503)) as site:
        # The next fetch starts with fresh hope.
        for _ in range(2):
            failure(lambda: read(site))
        assert len(site.arrivals) == 3 + 3


def test_each_reason_says_when_to_try_again() -> None:
    assert {http_status(status).retry for status in (500, 502, 503, 504)} == {Retry.SECONDS}
    assert {http_status(status).retry for status in (429, 501, 520)} == {Retry.MINUTES}
    assert {http_status(status).retry for status in (400, 401, 403, 404, 410)} == {Retry.NEVER}
    assert {reason.retry for reason in (http.BAD_CERTIFICATE, http.NO_TLS, http.PROXY)} == {Retry.NEVER}
    assert {reason.retry for reason in (http.TOO_SLOW, http.BROKEN_OFF, http.REFUSED)} == {Retry.SECONDS}


# Being asked to wait.


@server
@pytest.mark.parametrize("status", [429, 503])
def test_a_short_pause_that_a_server_asks_for_is_kept(status: int) -> None:
    with serving(Reply(status, headers=(("Retry-After", "1"),)), Reply()) as site:
        assert read(site) == BODY
        first, second = site.arrivals
    assert 1.0 <= second - first < 1.5


@server
def test_a_pause_given_as_a_date_is_kept() -> None:
    # The server of the standard library sends its Date by itself.
    with serving(Reply(503, headers=(("Retry-After", formatdate(time.time() + 2, usegmt=True)),)), Reply()) as site:
        assert read(site) == BODY
        first, second = site.arrivals
    assert 0.9 <= second - first < 2.5


@server
@pytest.mark.parametrize("pause", ["6", "3600", formatdate(time.time() + 3600, usegmt=True)], ids=["6", "3600", "date"])
def test_a_long_pause_ends_the_attempts_at_once(pause: str) -> None:
    with serving(Reply(503, headers=(("Retry-After", pause),))) as site:
        started = time.monotonic()
        assert failure(lambda: read(site)).reason == http_status(503)
        assert time.monotonic() - started < 0.5
        assert len(site.arrivals) == 1


@server
@pytest.mark.parametrize("pause", ["soon", "", "-1", "1.5", "\u0665", "Wed, 99 Foo 2026 00:00:00 GMT"])
def test_a_pause_that_says_nothing_is_none(pause: str) -> None:
    with serving(Reply(503, headers=(("Retry-After", pause.encode().decode("latin-1")),)), Reply()) as site:
        assert read(site) == BODY
        assert len(site.arrivals) == 2


@server
def test_a_pause_holds_for_the_other_requests_to_that_host() -> None:
    with serving(Reply(429, headers=(("Retry-After", "1"),)), Reply()) as site, reading() as reader:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(fetch, reader, f"{site.url}/a.csv")
            time.sleep(0.3)
            second = pool.submit(fetch, reader, f"{site.url}/b.csv")
            assert (first.result(), second.result()) == (BODY, BODY)
        assert site.arrivals[1] - site.arrivals[0] >= 0.99


# How many at once, and how close together.


@server
def test_starts_are_spaced_per_host_over_all_threads() -> None:
    with serving(Reply()) as site, reading(Politeness(4, 0.1, 1)) as reader, ThreadPoolExecutor(6) as pool:
        list(pool.map(partial(fetch, reader), [f"{site.url}/{number}.csv" for number in range(6)]))
    gaps = [after - before for before, after in zip(site.arrivals, site.arrivals[1:], strict=False)]
    # A connection takes a moment, and not always the same.
    assert min(gaps) > 0.05
    assert sum(gaps) > 0.45


@server
def test_further_attempts_are_spaced_too() -> None:
    with serving(Reply(503)) as site, reading(Politeness(2, 0.3, 2, wait_seconds=0.01)) as reader:
        failure(lambda: fetch(reader, f"{site.url}/a.csv"))
    first, second = site.arrivals
    assert second - first > 0.25


@server
def test_a_host_is_asked_by_no_more_threads_than_allowed() -> None:
    with serving(Reply(seconds=0.1)) as site, reading(Politeness(2, 0.0, 1)) as reader, ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(fetch, reader), [f"{site.url}/{number}.csv" for number in range(8)]))
        assert site.most_at_once == 2
        assert len(site.arrivals) == 8


@server
def test_hosts_do_not_wait_for_each_other() -> None:
    slow = Politeness(1, 0.0, 1)
    with (
        serving(Reply(seconds=0.6)) as one,
        serving(Reply()) as other,
        reading(slow) as reader,
        ThreadPoolExecutor(1) as pool,
    ):
        pending = pool.submit(fetch, reader, f"{one.url}/a.csv")
        time.sleep(0.1)
        started = time.monotonic()
        assert fetch(reader, f"{other.url}/b.csv") == BODY
        assert time.monotonic() - started < 0.3
        assert pending.result() == BODY


# The time for all.


@server
def test_no_wait_goes_beyond_the_limit() -> None:
    with serving(Reply(503)) as site:
        started = time.monotonic()
        found = failure(lambda: read(site, Politeness(4, 0.0, 5, wait_seconds=0.4), TimeLimit(1.0)))
        assert time.monotonic() - started < 1.0
    assert found.reason == http_status(503)
    assert len(site.arrivals) == 2


@server
def test_a_turn_that_comes_too_late_is_not_waited_for() -> None:
    with serving(Reply()) as site, reading(Politeness(4, 5.0, 1), TimeLimit(0.5)) as reader:
        fetch(reader, f"{site.url}/a.csv")
        started = time.monotonic()
        with pytest.raises(OutOfTime):
            fetch(reader, f"{site.url}/b.csv")
        assert time.monotonic() - started < 0.2


@pytest.mark.parametrize("politeness", [Politeness(1, 0.0, 1), Politeness(4, 30.0, 1)], ids=["place", "turn"])
def test_giving_up_ends_the_wait_for_a_turn(politeness: Politeness) -> None:
    limit = TimeLimit(None)
    caller = polite(politeness, limit, f"host-{politeness.requests_at_once}")
    held = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(caller.call, lambda: held.wait(5))
        time.sleep(0.1)
        second = pool.submit(caller.call, lambda: True)
        time.sleep(0.1)
        started = time.monotonic()
        limit.give_up()
        with pytest.raises(OutOfTime):
            second.result()
        assert time.monotonic() - started < 0.5
        held.set()
        assert first.result()


def test_giving_up_ends_the_wait_for_another_attempt() -> None:
    limit = TimeLimit(None)
    calls = []

    def fail() -> None:
        calls.append(1)
        raise RequestFailed(http.TOO_SLOW)

    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(polite(Politeness(1, 0.0, 3, wait_seconds=5.0), limit, "host-waiting").call, fail)
        time.sleep(0.1)
        limit.give_up()
        with pytest.raises(OutOfTime):
            pending.result(timeout=1.0)
    assert len(calls) == 1


def test_errors_of_another_kind_pass_at_once_and_free_the_place() -> None:
    caller = polite(Politeness(1, 0.0, 3), TimeLimit(None), "host-broken")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            caller.call(lambda: 1 // 0)
    assert caller.call(lambda: "free") == "free"


# Half an answer.


@server
@pytest.mark.parametrize(
    ("ending", "whole"),
    [
        (Ending.LINE, b"a,b\n1,2\n"),
        (Ending.JSON, b'{"data": {"options": [{"bid": 1}, {"bid": 2}]}}'),
        (Ending.JSON, b'{"data": []}\n'),
        (Ending.CALENDAR, b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"),
        (Ending.CALENDAR, b"BEGIN:VCALENDAR\nEND:VCALENDAR"),
    ],
)
def test_a_body_shows_by_its_end_that_it_is_whole(ending: Ending, whole: bytes) -> None:
    once = Politeness(4, 0.0, 1)
    with serving(Reply(body=whole)) as site, reading(once) as reader:
        file = PublicFile("format", "subject", f"{site.url}/file", ending=ending)
        assert reader.read_file(file).body == whole
        for cut in range(1, len(whole.rstrip())):
            site.replies = deque([Reply(body=whole[:cut])])
            # A table that ends after a line cannot be told from one that has no more.
            if ending is Ending.LINE and whole[:cut].endswith(b"\n"):
                continue
            assert failure(lambda: reader.read_file(file)).reason == http.BROKEN_OFF


@server
@pytest.mark.parametrize("body", [b"Too many requests", b"null", b"\xff\xfe{"])
def test_text_in_place_of_json_is_told_from_half_of_it(body: bytes) -> None:
    with serving(Reply(body=body)) as site, reading() as reader:
        file = PublicFile("format", "subject", f"{site.url}/file", ending=Ending.JSON)
        assert failure(lambda: reader.read_file(file)).reason == http.NOT_JSON
        assert len(site.arrivals) == 1


# A key.

KEY = "0123456789abcdef-secret"


def keyed(url: str) -> PublicFile:
    return api_files(url, KEY, dt.date(2026, 1, 2))[0]


@server
def test_a_key_is_sent_with_the_other_parameters_and_is_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    with serving(Reply(body=b'{"observations": []}')) as site, reading() as reader:
        file = keyed(site.url)
        answer = reader.read_file(file)

    assert site.targets == [
        "/fred/series/observations?series_id=DTB3&file_type=json&observation_start=2026-01-02&api_key=" + KEY
    ]
    for text in (file.url, repr(file), str(file), repr(answer), caplog.text):
        assert KEY not in text


@server
@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, body=b'{"error_code": 400}'),
        Reply(body=b"{"),
        Reply(hangs_up=True),
        Reply(seconds=0.3),
        Reply(body=b"12345", headers=(("Content-Encoding", "gzip"),)),
    ],
    ids=["400", "half", "reset", "too slow", "no gzip"],
)
def test_no_error_shows_a_key(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(reply) as site, reading(Politeness(4, 0.0, 2, 0.01), timeout=0.2) as reader:
        error = failure(lambda: reader.read_file(keyed(site.url)))

    assert KEY not in "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    assert error.__cause__ is None
    # Some handlers print variables too.
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if "sources" in frame.f_code.co_filename]
    assert frames
    assert not [value for frame in frames for value in frame.f_locals.values() if KEY in repr(value)]


@server
def test_a_key_does_not_follow_a_redirect() -> None:
    with serving(Reply(body=b"{}")) as elsewhere:
        away = Reply(302, headers=(("Location", f"{elsewhere.url}/x?api_key={KEY}"),))
        with serving(away) as site, reading() as reader:
            assert failure(lambda: reader.read_file(keyed(site.url))).reason == http_status(302)
    assert elsewhere.targets == []


@server
def test_a_key_that_is_turned_down_is_to_be_checked() -> None:
    with serving(Reply(400, body=b'{"error_code": 400}')) as site, reading() as reader:
        reason = failure(lambda: reader.read_file(keyed(site.url))).reason
        assert (reason.said, reason.do, reason.retry) == ("HTTP 400", "Check the key.", Retry.NEVER)
        assert len(site.arrivals) == 1
