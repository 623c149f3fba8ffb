"""Source ``live``: Yahoo, Cboe and FRED, as much as the signals of the last sessions need."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from queue import SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError, TransientSourceError
from tasks.clock import Clock
from tasks.schedule import CLOSE_MARGIN
from tasks.sources import cboe, fred
from tasks.sources.addresses import CBOE_URL, FRED_URL, TIMEOUT_SECONDS, USER_AGENT, YAHOO_URL
from tasks.sources.formats import YAHOO_HISTORY
from tasks.sources.http import HttpReader, OutOfTime, PublicFile, Reason, RequestFailed, TimeLimit
from tasks.sources.payload import Fetched, Payload

if TYPE_CHECKING:
    from tasks.sources.yahoo import YahooReader

#: Sessions of settlements that are read by default.
SESSIONS = 70

#: The dividends of the total return index's stand-in are averaged over so many sessions before.
_DIVIDEND_SESSIONS = 252
_SPARE_SESSIONS = 20

#: So many days more of interest rates: the first session stands on the first print of its week.
_RATE_DAYS = dt.timedelta(days=10)

#: Requests at once to one host. A host that hangs then keeps no other from being asked.
_WORKERS_PER_HOST = 4

#: How far the clock may be off.
_CLOCK_TOLERANCE = dt.timedelta(minutes=10)

#: Yahoo's tickers by the subject of their payloads.
_TICKERS = {"GSPC": "^GSPC", "SP500TR": "^SP500TR", "SPY": "SPY", "VIX": "^VIX", "IRX": "^IRX"}
#: The one whose absence the strategies have a stand-in for.
_MAY_BE_EMPTY = "SP500TR"
#: The one that is adjusted: each dividend changes every price before it.
_FUND = "SPY"

#: With these, Cboe's file server says that it has no such file.
_ABSENT = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

#: So many failures of one host and reason are named one by one.
_NAMED = 3

LATE = Reason("no answer yet", "Check the network, or allow more time.")
NO_DATA = Reason("no prices of these days", "Wait until it has them again.")


@dataclass(frozen=True)
class LiveEndpoints:
    """Base addresses, without a slash at the end.

    Attributes
    ----------
    yahoo : str
        Another one than the default stands in for every host of Yahoo.
    cboe_cdn, fred : str
    """

    yahoo: str = YAHOO_URL
    cboe_cdn: str = CBOE_URL
    fred: str = FRED_URL


@dataclass(frozen=True)
class _Found:
    """What a request brought: a payload, unless its publisher has none, and how far its clock is ahead of ours."""

    payload: Payload | None
    clock_ahead: dt.timedelta | None = None


@dataclass(frozen=True)
class _Request:
    host: str
    about: str
    send: Callable[[], _Found]


class _Workers:
    """Threads by host. They are daemons: what still waits for an answer does not keep the program from ending."""

    def __init__(self) -> None:
        self._waiting: dict[str, SimpleQueue[tuple[_Request, Future[_Found | Reason]] | None]] = {}

    def submit(self, request: _Request) -> Future[_Found | Reason]:
        """Send a request as soon as its host may be asked."""
        if request.host not in self._waiting:
            self._waiting[request.host] = SimpleQueue()
            for _ in range(_WORKERS_PER_HOST):
                threading.Thread(target=self._work, args=(request.host,), name="live", daemon=True).start()
        future: Future[_Found | Reason] = Future()
        self._waiting[request.host].put((request, future))
        return future

    def release(self) -> None:
        """Let the threads end, and wait for nothing."""
        for waiting in self._waiting.values():
            for _ in range(_WORKERS_PER_HOST):
                waiting.put(None)

    def _work(self, host: str) -> None:
        while (item := self._waiting[host].get()) is not None:
            request, future = item
            try:
                future.set_result(_outcome(request))
            except BaseException as error:  # noqa: BLE001 - it is raised again where the result is read
                future.set_exception(error)


class LiveSource:
    """Read what the signals of the last sessions need from the publishers themselves.

    Parameters
    ----------
    calendar : TradingCalendar
    through : datetime.date
        The last session that is wanted.
    now : Clock
    sessions : int
        How many sessions up to `through` need every settlement. Prices and rates go back further, by what the
        stand-in of the total return index averages over.
    endpoints : LiveEndpoints
    timeout_seconds : float
        What one request may take.
    user_agent : str
        Like a browser's: Cboe's servers answer other programs with a web page.
    deadline_seconds : float, optional
        What the whole fetch may take.
    check_clock : bool
        Whether to compare `now` with the clocks of the servers.
    fund_since : datetime.date, optional
        Read the adjusted prices of SPY from here on, if that is earlier than needed: each dividend changes all prices
        before it, so those in use have to be read together.

    Raises
    ------
    ConfigurationError
        When the sessions begin before the files of VX contracts have settlements.
    """

    name = "live"
    simulated = False
    heals = True

    def __init__(
        self,
        calendar: TradingCalendar,
        through: dt.date,
        now: Clock,
        *,
        sessions: int = SESSIONS,
        endpoints: LiveEndpoints = LiveEndpoints(),
        timeout_seconds: float = TIMEOUT_SECONDS,
        user_agent: str = USER_AGENT,
        deadline_seconds: float | None = None,
        check_clock: bool = True,
        fund_since: dt.date | None = None,
    ) -> None:
        self._calendar = calendar
        self._now = now
        self._endpoints = endpoints
        self._timeout = timeout_seconds
        self._user_agent = user_agent
        self._deadline = deadline_seconds
        self._check_clock = check_clock
        self._through = through
        until = calendar.sessions_in(cboe.FIRST_SETTLEMENTS, through)
        if len(until) < sessions:
            raise ConfigurationError(
                "source live",
                expected=f"sessions from {cboe.FIRST_SETTLEMENTS} on, when the files of VX contracts begin",
                got=f"{sessions} sessions up to {through}",
                do="Read earlier ones from recorded files, with --source files.",
            )
        self._first: dt.date = until[-sessions].item()
        known = calendar.sessions_in(calendar.sessions[0].item(), through)
        self._prices_from: dt.date = known[-(sessions + _DIVIDEND_SESSIONS + _SPARE_SESSIONS)].item()
        self._fund_from = min(fund_since or self._prices_from, self._prices_from)

    def fetch(self) -> Fetched:
        """What the publishers have, and which of them did not answer in time, or not with data.

        Raises
        ------
        ConfigurationError
            When the clock is wrong.
        """
        outcomes = self._send_all()
        found = [outcome for _, outcome in outcomes if isinstance(outcome, _Found)]
        if self._check_clock:
            _compare_clocks(_clocks(outcomes), self._now())
        failure = _failure(outcomes, self._deadline) if len(found) < len(outcomes) else None
        return Fetched(tuple(each.payload for each in found if each.payload), failure)

    def _send_all(self) -> list[tuple[_Request, _Found | Reason]]:
        """Every request with what came of it, in a fixed order."""
        limit = TimeLimit(self._deadline)
        reader = HttpReader(self._user_agent, self._timeout, limit)
        workers = _Workers()
        try:
            files = [(request, workers.submit(request)) for request in self._file_requests(reader)]
            # Importing yfinance takes most of a second; the files are on their way.
            prices = [(request, workers.submit(request)) for request in self._price_requests(limit)]
            sent = prices + files
            wait((future for _, future in sent), timeout=None if self._deadline is None else limit.remaining)
            return [(request, future.result() if future.done() else LATE) for request, future in sent]
        finally:
            limit.give_up()
            workers.release()
            reader.close()

    def _price_requests(self, limit: TimeLimit) -> list[_Request]:
        from tasks.sources.yahoo import YahooReader

        url = self._endpoints.yahoo
        reader = YahooReader(_TICKERS.values(), None if url == LiveEndpoints.yahoo else url, self._timeout, limit)
        return [
            _Request(urlsplit(url).netloc, ticker, partial(self._read_prices, reader, subject, ticker))
            for subject, ticker in _TICKERS.items()
        ]

    def _file_requests(self, reader: HttpReader) -> list[_Request]:
        files = [
            *cboe.index_files(self._endpoints.cboe_cdn),
            *fred.series_files(self._endpoints.fred, self._prices_from - _RATE_DAYS),
            *cboe.contract_files(self._endpoints.cboe_cdn, self._calendar, self._first, self._through),
        ]
        return [
            _Request(urlsplit(file.url).netloc, file.subject, partial(self._read_file, reader, file)) for file in files
        ]

    def _read_prices(self, reader: YahooReader, subject: str, ticker: str) -> _Found:
        # The bar of a session that is not over moves; until some time after the close it may still do so.
        over = self._calendar.last_session_closed_by(self._now(), CLOSE_MARGIN)
        first = self._fund_from if subject == _FUND else self._prices_from
        body = reader.read(ticker, first, min(self._through, over))
        if body is None:
            if subject == _MAY_BE_EMPTY:
                return _Found(None)
            raise RequestFailed(NO_DATA)
        return _Found(self._payload(YAHOO_HISTORY, subject, f"yahoo:{ticker}", body))

    def _read_file(self, reader: HttpReader, file: PublicFile) -> _Found:
        try:
            answer = reader.read(file.url)
        except RequestFailed as error:
            if file.may_be_absent and error.reason.status in _ABSENT:
                return _Found(None)
            raise
        ahead = answer.server_time - self._now() if answer.server_time else None
        return _Found(self._payload(file.format, file.subject, file.url, answer.body), ahead)

    def _payload(self, format_name: str, subject: str, locator: str, body: bytes) -> Payload:
        return Payload(format_name, subject, locator, body, self._now(), assumed_availability=False)


def _outcome(request: _Request) -> _Found | Reason:
    try:
        return request.send()
    except RequestFailed as error:
        return error.reason
    except OutOfTime:
        return LATE


def _clocks(outcomes: Iterable[tuple[_Request, _Found | Reason]]) -> dict[str, dt.timedelta]:
    """How far the clock of each host is ahead of ours."""
    ahead: dict[str, dt.timedelta] = {}
    for request, outcome in outcomes:
        if isinstance(outcome, _Found) and outcome.clock_ahead is not None:
            ahead[request.host] = max(ahead.get(request.host, outcome.clock_ahead), outcome.clock_ahead)
    return ahead


def _compare_clocks(ahead: Mapping[str, dt.timedelta], now: dt.datetime) -> None:
    """Refuse a clock that is far off: one that every host is ahead of, or behind.

    Parameters
    ----------
    ahead : mapping of host to datetime.timedelta
        How far its clock is ahead of ours. What comes from a cache may look older than it is, never younger, so of the
        answers of a host the one that is furthest ahead is right.
    now : datetime.datetime

    Raises
    ------
    ConfigurationError
    """
    if not ahead or (min(ahead.values()) <= _CLOCK_TOLERANCE and max(ahead.values()) >= -_CLOCK_TOLERANCE):
        return
    off = min(ahead.values(), key=abs)
    raise ConfigurationError(
        "clock",
        expected=f"{_minute(now + off)} as the servers have it, give or take {_CLOCK_TOLERANCE.seconds // 60} minutes",
        got=_minute(now),
        do="Set the clock of this computer; what it says decides which session is over.",
    )


def _minute(instant: dt.datetime) -> str:
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _failure(outcomes: Sequence[tuple[_Request, _Found | Reason]], deadline: float | None) -> TransientSourceError:
    """The error that says which hosts answered, which did not and why, and what to do."""
    hosts: dict[str, dict[str, _Found | Reason]] = {}
    for request, outcome in outcomes:
        hosts.setdefault(request.host, {})[request.about] = outcome
    failed = {host: reasons for host, found in hosts.items() if (reasons := _reasons(found))}
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
        expected=f"every answer within {deadline:g} s" if late else f"answers from {_listed(list(hosts))}",
        got=", ".join(filter(None, said)),
        do=" ".join([*advice, "Then run again."]),
    )


def _reasons(found: Mapping[str, _Found | Reason]) -> dict[Reason, list[str]]:
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
