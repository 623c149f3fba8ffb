"""Source ``live``: Yahoo, Cboe, FRED and the Bureau of Labor Statistics, as much as the last sessions need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError
from signals.market import HISTORY_START
from signals.series import REIT_FUND, SECTOR_FUNDS
from tasks.clock import Clock
from tasks.schedule import CLOSE_MARGIN, REREAD_SESSIONS
from tasks.sources import bls, cboe, fred
from tasks.sources.addresses import (
    BLS_URL,
    CBOE_URL,
    CBOE_WEB_URL,
    FRED_API_URL,
    FRED_URL,
    TIMEOUT_SECONDS,
    USER_AGENT,
    YAHOO_URL,
)
from tasks.sources.formats import YAHOO_HISTORY
from tasks.sources.gather import Found, Outcome, Request, Workers, compare_clocks, failure, outcomes
from tasks.sources.http import HttpReader, PublicFile
from tasks.sources.payload import Fetched, Payload
from tasks.sources.polite import USUAL, Politeness, Reason, RequestFailed, Retry, TimeLimit, polite
from tasks.sources.tables import first_day_of

if TYPE_CHECKING:
    from tasks.sources.yahoo import YahooReader

#: Sessions of settlements that are read by default.
SESSIONS = 70

#: The first trade date in the files of VX contracts.
FIRST_SESSION = dt.date(2004, 3, 26)

#: Files of contracts alive before then reach back to the base session: the history is read whole, or levels would begin
#: at a session that lacks its inputs.
_WHOLE_BEFORE = dt.date(2008, 6, 1)

#: The dividends of the total return index's stand-in are averaged over so many sessions before.
_DIVIDEND_SESSIONS = 252
_SPARE_SESSIONS = 20

#: So many days more of interest rates: the first session stands on the first print of its week.
_RATE_DAYS = dt.timedelta(days=10)

#: A delayed option chain is that of a close for so long after it.
_CHAIN_AGE = dt.timedelta(hours=8)

#: Yahoo's tickers by the subject of their payloads.
_TICKERS = {"GSPC": "^GSPC", "SP500TR": "^SP500TR", "SPY": "SPY", "VIX": "^VIX", "IRX": "^IRX"}
#: The one whose absence the strategies have a stand-in for.
_MAY_BE_EMPTY = "SP500TR"
#: The one that is adjusted: each dividend changes every price before it.
_FUND = "SPY"

#: What no decision rests on: indices, and funds that stand in for the breadth of the market and for real estate.
_SHOWN_INDICES = ("VIX3M", "VVIX")
_SHOWN_FUNDS = {fund: fund for fund in (*SECTOR_FUNDS, REIT_FUND)}
#: Nobody waits for the funds longer than this.
_FUNDS_SECONDS = 15.0

#: With these, Cboe's file server says that it has no such file.
_ABSENT = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

NO_DATA = Reason("no prices of these days", "Wait until it has them again.", retry=Retry.MINUTES)

_SET_CLOCK = "Set the clock of this computer; what it says decides which session is over."


@dataclass(frozen=True)
class LiveEndpoints:
    """Base addresses, without a slash at the end.

    Attributes
    ----------
    yahoo : str
        Another one than the default stands in for every host of Yahoo.
    cboe_cdn, cboe_web, fred, fred_api, bls : str
    """

    yahoo: str = YAHOO_URL
    cboe_cdn: str = CBOE_URL
    cboe_web: str = CBOE_WEB_URL
    fred: str = FRED_URL
    fred_api: str = FRED_API_URL
    bls: str = BLS_URL


@dataclass(frozen=True)
class LiveOptions:
    """How the publishers are asked, and for what beside the inputs of a decision.

    Attributes
    ----------
    timeout_seconds : float
        What one request may take.
    user_agent : str
        Like a browser's: Cboe's servers answer other programs with a web page.
    politeness : Politeness
    fred_api_key : str, optional
        With one, rates are read from FRED's interface for programs.
    option_chains : tuple of str
        Underlyings whose chain is kept.
    deadline_seconds : float, optional
        What the whole fetch may take.
    needed_only : bool
        Whether to leave out what no decision rests on, and not to insist on the sheets of settlements, which the files
        of the contracts replace in the morning.
    check_clock : bool
        Whether to compare our clock with those of the servers.
    clock_advice : str
        What to do about one that is off.
    """

    timeout_seconds: float = TIMEOUT_SECONDS
    user_agent: str = USER_AGENT
    politeness: Politeness = USUAL
    fred_api_key: str | None = field(default=None, repr=False)
    option_chains: tuple[str, ...] = ()
    deadline_seconds: float | None = None
    needed_only: bool = False
    check_clock: bool = True
    clock_advice: str = _SET_CLOCK


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
    options : LiveOptions
    fund_since : datetime.date, optional
        Read the adjusted prices of SPY from here on, if that is earlier than needed: each dividend changes all prices
        before it, so those in use have to be read together.

    Raises
    ------
    ConfigurationError
        When there are not as many sessions since VX was first traded.
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
        options: LiveOptions = LiveOptions(),
        fund_since: dt.date | None = None,
    ) -> None:
        self._calendar = calendar
        self._now = now
        self._endpoints = endpoints
        self._options = options
        self._through = through
        until = calendar.sessions_in(FIRST_SESSION, through)
        if len(until) < SESSIONS:
            raise ConfigurationError(
                "source live",
                expected=f"{SESSIONS} sessions from {FIRST_SESSION} on, when VX was first traded",
                got=f"{len(until)} up to {through}",
                do="Ask for a later session.",
            )
        self._first: dt.date = until[-min(sessions, len(until))].item()
        known = calendar.sessions_in(HISTORY_START, through)
        reach = min(sessions + _DIVIDEND_SESSIONS + _SPARE_SESSIONS, len(known))
        self._prices_from: dt.date = known[-reach].item()
        if self._first < _WHOLE_BEFORE:
            self._first, self._prices_from = FIRST_SESSION, HISTORY_START
        self._fund_from = min(fund_since or self._prices_from, self._prices_from)

    def fetch(self) -> Fetched:
        """What the publishers have, and which of them did not answer in time, or not with data.

        Raises
        ------
        ConfigurationError
            When the clock is wrong.
        """
        options = self._options
        found = self._send_all()
        if options.check_clock:
            compare_clocks(found, self._now(), options.clock_advice)
        payloads = (outcome.payload for _, outcome in found if isinstance(outcome, Found) and outcome.payload)
        return Fetched(tuple(payloads), failure(found, options.deadline_seconds))

    def _send_all(self) -> list[Outcome]:
        """Every request with what came of it, in a fixed order."""
        options = self._options
        limit = TimeLimit(options.deadline_seconds)
        reader = HttpReader(options.user_agent, options.timeout_seconds, limit, options.politeness)
        workers = Workers(options.politeness.requests_at_once)
        bounded = options.deadline_seconds is not None
        try:
            files = [(request, workers.submit(request)) for request in self._file_requests(reader)]
            # Importing yfinance takes most of a second; the files are on their way.
            prices, funds = self._price_requests(limit)
            sent = [(request, workers.submit(request)) for request in prices]
            found = outcomes(sent + files, limit.remaining if bounded else None)
            # Only after what is needed, and never of a host that has refused that.
            if options.needed_only or not all(isinstance(outcome, Found) for _, outcome in found[: len(sent)]):
                return found
            asked = [(request, workers.submit(request)) for request in funds]
            return found + outcomes(asked, min(limit.remaining, _FUNDS_SECONDS))
        finally:
            limit.give_up()
            workers.release()
            reader.close()

    def _price_requests(self, limit: TimeLimit) -> tuple[list[Request], list[Request]]:
        """Those for what is needed, and those for the funds."""
        from tasks.sources.yahoo import YahooReader

        url = self._endpoints.yahoo
        replaced = None if url == LiveEndpoints.yahoo else url
        tickers = _TICKERS | _SHOWN_FUNDS
        reader = YahooReader(tickers.values(), replaced, self._options.timeout_seconds, limit)
        host = urlsplit(url).netloc
        caller = polite(self._options.politeness, limit, host)
        requests = {
            subject: Request(
                host,
                ticker,
                partial(caller.call, partial(self._read_prices, reader, subject, ticker)),
                optional=subject in _SHOWN_FUNDS,
            )
            for subject, ticker in tickers.items()
        }
        return [requests[subject] for subject in _TICKERS], [requests[subject] for subject in _SHOWN_FUNDS]

    def _file_requests(self, reader: HttpReader) -> Iterator[Request]:
        for file in self._needed_files():
            yield self._request(reader, file)
        sessions = self._sheet_sessions()
        for session, file in zip(sessions, cboe.settlement_files(self._endpoints.cboe_web, sessions), strict=True):
            # The files of the contracts have what earlier ones say, and those of before an expiry lack a contract.
            needed = session == self._last_closed() and not self._options.needed_only
            yield self._request(reader, file, optional=not needed)
        if not self._options.needed_only:
            for file in self._shown_files():
                yield self._request(reader, file, optional=True)

    def _needed_files(self) -> Iterable[PublicFile]:
        endpoints = self._endpoints
        yield from cboe.index_files(endpoints.cboe_cdn)
        yield from self._fred_files(fred.NEEDED, self._prices_from - _RATE_DAYS)
        yield from cboe.contract_files(endpoints.cboe_cdn, self._calendar, self._first, self._through)
        yield from cboe.archive_files(endpoints.cboe_cdn, self._calendar, self._first, self._through)

    def _fred_files(self, names: Iterable[str], first: dt.date) -> list[PublicFile]:
        if key := self._options.fred_api_key:
            return fred.api_files(self._endpoints.fred_api, key, first, names)
        return fred.series_files(self._endpoints.fred, first, names)

    def _shown_files(self) -> Iterable[PublicFile]:
        yield from cboe.index_files(self._endpoints.cboe_cdn, _SHOWN_INDICES)
        for name in fred.SHOWN:
            yield from self._fred_files([name], first_day_of(name))
        yield bls.schedule_file(self._endpoints.bls)
        close = self._calendar.close_time(self._last_closed())
        if self._through == self._last_closed() and self._now() < close + _CHAIN_AGE:
            yield from cboe.chain_files(self._endpoints.cboe_cdn, self._options.option_chains)

    def _last_closed(self) -> dt.date:
        return self._calendar.last_session_closed_by(self._now(), CLOSE_MARGIN)

    def _sheet_sessions(self) -> list[dt.date]:
        """The sessions whose sheet is worth reading: older ones leave out contracts that have expired since."""
        closed = self._calendar.sessions_in(self._first, self._last_closed())[-REREAD_SESSIONS:].tolist()
        return [session for session in closed if session <= self._through]

    def _read_prices(self, reader: YahooReader, subject: str, ticker: str) -> Found:
        # The bar of a session that is not over moves; until some time after the close it may still do so.
        first = self._fund_from if subject == _FUND else self._prices_from
        last = min(self._through, self._last_closed())
        body = reader.read(ticker, first, last, self._calendar.close_time(last))
        if body is None:
            if subject == _MAY_BE_EMPTY:
                return Found(None)
            raise RequestFailed(NO_DATA)
        optional = subject in _SHOWN_FUNDS
        return Found(
            self._payload(YAHOO_HISTORY, subject, f"yahoo:{ticker}", body, through=last, optional=optional),
        )

    def _request(self, reader: HttpReader, file: PublicFile, *, optional: bool = False) -> Request:
        host = urlsplit(file.url).netloc
        return Request(host, file.subject, partial(self._read_file, reader, file, optional=optional), optional)

    def _read_file(self, reader: HttpReader, file: PublicFile, *, optional: bool) -> Found:
        try:
            answer = reader.read_file(file)
        except RequestFailed as error:
            if file.may_be_absent and error.reason.status in _ABSENT:
                return Found(None)
            raise
        ahead = answer.server_time - self._now() if answer.server_time else None
        return Found(self._payload(file.format, file.subject, file.url, answer.body, optional=optional), ahead)

    def _payload(
        self,
        format_name: str,
        subject: str,
        locator: str,
        body: bytes,
        *,
        through: dt.date | None = None,
        optional: bool = False,
    ) -> Payload:
        return Payload(
            format_name,
            subject,
            locator,
            body,
            self._now(),
            assumed_availability=False,
            optional=optional,
            through=through,
        )
