"""What every request to a publisher has in common: why it failed, how long it may take, how often it is tried.

A host is asked by few threads at once, with a pause between the starts of two requests. What can heal within seconds is
tried again after jittered, growing waits. No wait goes beyond the time limit. The state of a host is kept for the life
of the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from http import HTTPStatus
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from tasks.sources.addresses import ATTEMPTS, REQUESTS_AT_ONCE, SPACING_SECONDS

T = TypeVar("T")

#: A server that asks for a longer pause than this is not asked again.
LONGEST_PAUSE_SECONDS = 5.0

_LONGEST_WAIT_SECONDS = 8.0
_GRACE_SECONDS = 0.1
_LOOK_AGAIN_SECONDS = 0.1

_HEALS_IN_SECONDS = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


class Retry(Enum):
    """When another try may bring what this one did not."""

    SECONDS = "seconds"
    MINUTES = "minutes"
    #: Not before somebody does something about it, or the publisher publishes.
    NEVER = "never"


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
    retry : Retry
    no_answer : bool
        Whether the host did not answer at all, which it will not do for its next file either.
    """

    said: str
    do: str
    status: int | None = None
    retry: Retry = field(default=Retry.MINUTES, compare=False)
    no_answer: bool = field(default=False, compare=False)


def http_status(status: int) -> Reason:
    """The reason for an HTTP status that is no success."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Reason("HTTP 429, too many requests", "Wait some minutes.", status, Retry.MINUTES)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        retry = Retry.SECONDS if status in _HEALS_IN_SECONDS else Retry.MINUTES
        return Reason(f"HTTP {status}", "Wait until the server works again.", status, retry)
    return Reason(f"HTTP {status}", "Check whether a proxy or the server turns this program away.", status, Retry.NEVER)


class RequestFailed(Exception):
    """A request has no usable answer.

    Parameters
    ----------
    reason : Reason
    pause_seconds : float, optional
        How long the server asks to be left alone (`Retry-After`).
    """

    def __init__(self, reason: Reason, pause_seconds: float | None = None) -> None:
        super().__init__(reason.said)
        self.reason = reason
        self.pause_seconds = pause_seconds

    @property
    def heals_in_seconds(self) -> bool:
        """Whether the same request may succeed within seconds; where the server says how long, its word counts."""
        if self.reason.retry is Retry.NEVER:
            return False
        if self.pause_seconds is None:
            return self.reason.retry is Retry.SECONDS
        return self.pause_seconds <= LONGEST_PAUSE_SECONDS


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
        """Let no further request begin, and end every wait."""
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

    def sleep(self, seconds: float) -> None:
        """Wait so long.

        Raises
        ------
        OutOfTime
            At once, when the wait would outlast the limit; else when somebody gives up.
        """
        if seconds >= self.remaining:
            raise OutOfTime
        self._given_up.wait(seconds)
        self.check()


@dataclass(frozen=True)
class Politeness:
    """How a host is treated.

    Attributes
    ----------
    requests_at_once : int
    spacing_seconds : float
        Between the starts of two requests.
    attempts : int
        How often one request is tried, where trying again can help.
    wait_seconds : float
        Before the second attempt; each further wait is twice as long, up to 8 s. Chance adds up to as much again.
    """

    requests_at_once: int = REQUESTS_AT_ONCE
    spacing_seconds: float = SPACING_SECONDS
    attempts: int = ATTEMPTS
    wait_seconds: float = 1.0


USUAL = Politeness()


class _Host:
    """One host as all threads of this process see it.

    Attributes
    ----------
    unwell_in : TimeLimit, optional
        Of the requests in which one used up its attempts, with no success since. The others are then tried once each:
        a host that is down is not asked three times for every file.
    silent : Reason, optional
        Why that one had no answer at all. The others of these requests then fail with it at once: nobody waits for a
        timeout per file.
    """

    def __init__(self) -> None:
        self.unwell_in: TimeLimit | None = None
        self.silent: Reason | None = None
        self._changed = threading.Condition()
        self._under_way = 0
        self._last_start = float("-inf")
        self._left_alone_until = float("-inf")

    @contextmanager
    def request(self, politeness: Politeness, limit: TimeLimit) -> Iterator[None]:
        """Hold one of the places of the host, from when its turn comes to the end of the request."""
        with self._changed:
            while self._under_way >= politeness.requests_at_once:
                limit.check()
                self._changed.wait(min(_LOOK_AGAIN_SECONDS, limit.remaining))
            self._under_way += 1
        try:
            limit.sleep(self._turn(politeness.spacing_seconds))
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify()

    def leave_alone(self, seconds: float) -> None:
        """Let no request begin for so long."""
        with self._changed:
            self._left_alone_until = max(self._left_alone_until, time.monotonic() + seconds)

    def _turn(self, spacing: float) -> float:
        """Seconds until the next request may start; that start is then taken."""
        with self._changed:
            now = time.monotonic()
            self._last_start = max(now, self._last_start + spacing, self._left_alone_until)
            return self._last_start - now


_hosts: dict[str, _Host] = {}
_looking_up = threading.Lock()


class Caller:
    """Makes requests to one host. See `polite`."""

    def __init__(self, politeness: Politeness, limit: TimeLimit, host: _Host) -> None:
        self._politeness = politeness
        self._limit = limit
        self._host = host
        first = politeness.wait_seconds
        self._growing = wait_exponential_jitter(multiplier=first, jitter=first, max=_LONGEST_WAIT_SECONDS)

    def call(self, send: Callable[[], T]) -> T:
        """What `send` returns, from the first of its attempts that succeeds.

        Raises
        ------
        RequestFailed
            That of the last attempt: the reason does not heal within seconds, there were enough attempts, or the next
            one would come too late.
        OutOfTime
        """
        retrying = Retrying(
            sleep=self._limit.sleep,
            stop=self._is_last,
            wait=self._wait,
            retry=retry_if_exception(lambda error: isinstance(error, RequestFailed) and error.heals_in_seconds),
            reraise=True,
        )
        return retrying(lambda: self._attempt(send))

    def _attempt(self, send: Callable[[], T]) -> T:
        with self._host.request(self._politeness, self._limit):
            if self._host.silent and self._host.unwell_in is self._limit:
                raise RequestFailed(replace(self._host.silent, retry=Retry.MINUTES))
            try:
                found = send()
            except RequestFailed as error:
                if error.pause_seconds is not None and error.heals_in_seconds:
                    self._host.leave_alone(error.pause_seconds)
                raise
        self._host.unwell_in = self._host.silent = None
        return found

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_for = error.pause_seconds if isinstance(error, RequestFailed) else None
        return max(self._growing(state), asked_for or 0.0)

    def _is_last(self, state: RetryCallState) -> bool:
        if state.attempt_number >= self._politeness.attempts:
            error = state.outcome.exception() if state.outcome else None
            silent = isinstance(error, RequestFailed) and error.reason.no_answer
            self._host.unwell_in = self._limit
            self._host.silent = error.reason if isinstance(error, RequestFailed) and silent else None
        return self._host.unwell_in is self._limit or state.upcoming_sleep >= self._limit.remaining


def polite(politeness: Politeness, limit: TimeLimit, host: str) -> Caller:
    """Makes requests to `host`, sharing its places and its clock with every other thread of the process.

    Parameters
    ----------
    politeness : Politeness
    limit : TimeLimit
        What all requests together may take, waits included.
    host : str
        Name and port.
    """
    with _looking_up:
        return Caller(politeness, limit, _hosts.setdefault(host, _Host()))
