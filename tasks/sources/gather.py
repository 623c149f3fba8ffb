"""Many requests at once: sending them, and saying afterwards who answered and who did not."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from queue import SimpleQueue

from signals.errors import ConfigurationError, TransientSourceError
from tasks.sources.payload import Payload
from tasks.sources.polite import OutOfTime, Reason, RequestFailed, Retry

#: How far the clock may be off.
CLOCK_TOLERANCE = dt.timedelta(minutes=10)

#: The reason of a request that was not answered when the time for all was over.
LATE = Reason("no answer yet", "Check the network, or allow more time.", retry=Retry.MINUTES)

#: So many failures of one host and reason are named one by one.
_NAMED = 4


@dataclass(frozen=True)
class Found:
    """What a request brought: a payload, unless its publisher has none, and how far its clock is ahead of ours."""

    payload: Payload | None
    clock_ahead: dt.timedelta | None = None


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes
    ----------
    host : str
    about : str
        What it asks for, for errors.
    send : callable
    optional : bool
        Whether nothing is amiss without its answer.
    """

    host: str
    about: str
    send: Callable[[], Found]
    optional: bool = False


Outcome = tuple[Request, Found | Reason]


class Workers:
    """Threads by host. They are daemons: what still waits for an answer does not keep the program from ending.

    Parameters
    ----------
    per_host : int
        A host that hangs keeps no other from being asked.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._waiting: dict[str, SimpleQueue[tuple[Request, Future[Found | Reason]] | None]] = {}

    def submit(self, request: Request) -> Future[Found | Reason]:
        """Send a request as soon as its host may be asked."""
        if request.host not in self._waiting:
            self._waiting[request.host] = SimpleQueue()
            for _ in range(self._per_host):
                threading.Thread(target=self._work, args=(request.host,), name="live", daemon=True).start()
        future: Future[Found | Reason] = Future()
        self._waiting[request.host].put((request, future))
        return future

    def release(self) -> None:
        """Let the threads end, and wait for nothing."""
        for waiting in self._waiting.values():
            for _ in range(self._per_host):
                waiting.put(None)

    def _work(self, host: str) -> None:
        while (item := self._waiting[host].get()) is not None:
            request, future = item
            try:
                future.set_result(_outcome(request))
            except BaseException as error:  # noqa: BLE001 - it is raised again where the result is read
                future.set_exception(error)


def outcomes(sent: Iterable[tuple[Request, Future[Found | Reason]]], seconds: float | None) -> list[Outcome]:
    """What came of each request, waiting for the last of them, so many seconds at most."""
    pending = list(sent)
    wait((future for _, future in pending), timeout=seconds)
    return [(request, future.result() if future.done() else LATE) for request, future in pending]


def _outcome(request: Request) -> Found | Reason:
    try:
        return request.send()
    except RequestFailed as error:
        return error.reason
    except OutOfTime:
        return LATE


def compare_clocks(found: Iterable[Outcome], now: dt.datetime, do: str) -> None:
    """Refuse a clock that is far off: one that every host is ahead of, or behind.

    What comes from a cache may look older than it is, never younger, so of the answers of a host the one that is
    furthest ahead is right.

    Parameters
    ----------
    now : datetime.datetime
        What our clock says.
    do : str
        What to do about one that is off.

    Raises
    ------
    ConfigurationError
    """
    ahead: dict[str, dt.timedelta] = {}
    for request, outcome in found:
        if isinstance(outcome, Found) and outcome.clock_ahead is not None:
            ahead[request.host] = max(ahead.get(request.host, outcome.clock_ahead), outcome.clock_ahead)
    if not ahead or (min(ahead.values()) <= CLOCK_TOLERANCE and max(ahead.values()) >= -CLOCK_TOLERANCE):
        return
    off = min(ahead.values(), key=abs)
    raise ConfigurationError(
        "clock",
        expected=f"{_minute(now + off)} as the servers have it, give or take {CLOCK_TOLERANCE.seconds // 60} minutes",
        got=_minute(now),
        do=do,
    )


def _minute(instant: dt.datetime) -> str:
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def failure(found: Sequence[Outcome], deadline: float | None) -> TransientSourceError | None:
    """The error that says which hosts answered, which did not and why, and what to do; None if nothing failed."""
    hosts: dict[str, dict[str, Found | Reason]] = {}
    for request, outcome in found:
        if not request.optional:
            hosts.setdefault(request.host, {})[request.about] = outcome
    failed = {host: reasons for host, of_host in hosts.items() if (reasons := _reasons(of_host))}
    if not failed:
        return None
    answered = [host for host in hosts if host not in failed]
    late = [host for host, reasons in failed.items() if LATE in reasons]
    refused = [f"{host} ({_said(reasons, hosts[host])})" for host, reasons in failed.items() if set(reasons) - {LATE}]
    advice = dict.fromkeys(reason.do for reasons in failed.values() for reason in reasons)
    said = [
        f"no usable answer from {_listed(refused)}" if refused else "",
        f"no answer yet from {_listed(late)}" if late else "",
        f"answers from {_listed(answered)}" if answered else "",
    ]
    return TransientSourceError(
        "live data",
        expected=f"every answer within {deadline:g} s" if late and deadline else f"answers from {_listed(list(hosts))}",
        got=", ".join(filter(None, said)),
        do=" ".join([*advice, "Then run again."]),
        worth_retrying=any(reason.retry is not Retry.NEVER for reasons in failed.values() for reason in reasons),
    )


def _reasons(found: Mapping[str, Found | Reason]) -> dict[Reason, list[str]]:
    """What failed at one host, by reason."""
    reasons: dict[Reason, list[str]] = {}
    for about, outcome in found.items():
        if isinstance(outcome, Reason):
            reasons.setdefault(outcome, []).append(about)
    return reasons


def _said(reasons: Mapping[Reason, list[str]], found: Mapping[str, object]) -> str:
    """The reasons of one host, each with what it concerns unless that is everything."""
    parts = []
    for reason, subjects in reasons.items():
        if reason == LATE:
            continue
        more = [f"{len(subjects) - _NAMED} more"] if len(subjects) > _NAMED else []
        concerned = "" if len(subjects) == len(found) else f" for {_listed([*subjects[:_NAMED], *more])}"
        parts.append(reason.said + concerned)
    return "; ".join(parts)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
