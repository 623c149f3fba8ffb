"""Yahoo's daily history, through yfinance. The one module that knows that library.

What it does to yfinance, all of it in `_tickers` and `_Session`:

* *Address.* yfinance spells out the names of Yahoo's hosts. Given another base address, `_Session` sends there what
  was meant for any of them, so that a mirror or a test server takes the place of all.
* *Errors.* By default it logs them and returns an empty table; here it raises them.
* *State.* It keeps one set of cookies, and answers by address, for the life of the process, bad answers too. Each
  reader starts afresh.
* *Warnings.* It shows those of its own deprecated calls on the terminal; here it shows none, and logs nothing.
* *Files.* It keeps time zones and cookies in the user's cache directory; here it keeps none.
* *Time zones.* It asks for each ticker's before its prices; all of these trade on New York's calendar.

Loaded when it is needed: importing yfinance takes most of a second.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import os
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import yfinance
from curl_cffi import requests
from yfinance.data import SingletonMeta
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

from tasks.sources import http
from tasks.sources.http import OutOfTime, Reason, RequestFailed, TimeLimit

_PRICES = ("Open", "High", "Low", "Close", "Adj Close")
_HEADER = ",".join(("Date", *_PRICES, "Volume"))
_CHART = "/v8/finance/chart/"
_TIME_ZONE = "America/New_York"

#: A bar of a whole day has the time of the open, 09:30 in New York, or of Chicago's.
_OPENS_BEFORE = dt.time(9, 45)

#: Statuses with which Yahoo says that it has no such ticker or no such days.
_NONE_THERE = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)

_NO_PRICES = Reason("answered with something other than prices", "Check whether a newer yfinance is out.")

# Of yfinance and of Yahoo's cookies there is one set per process.
_setting_up = threading.Lock()


@dataclass(frozen=True)
class Bar:
    """One row of the history.

    Attributes
    ----------
    prices : tuple of float
        Open, high, low, close, adjusted close; NaN where there is none.
    volume : int
        0 where there is none.
    """

    day: dt.date
    prices: tuple[float, ...]
    volume: int


def history_csv(bars: Iterable[Bar]) -> bytes:
    """Bars in the format `tasks.sources.formats.YAHOO_HISTORY`; prices come back from it to the last bit."""
    lines = [f"{bar.day},{','.join(_cell(price) for price in bar.prices)},{bar.volume}" for bar in bars]
    return "\n".join([_HEADER, *lines, ""]).encode()


def _cell(price: float) -> str:
    return "" if math.isnan(price) else repr(price)


class YahooReader:
    """Reads daily histories, from any number of threads.

    Parameters
    ----------
    tickers : iterable of str
    base_url : str, optional
        What stands in for every host of Yahoo; by default nothing does.
    timeout_seconds : float
        What one request may take. A history takes one for its prices, and more where Yahoo wants new cookies.
    limit : TimeLimit
    """

    def __init__(self, tickers: Iterable[str], base_url: str | None, timeout_seconds: float, limit: TimeLimit) -> None:
        self._timeout = timeout_seconds
        self._limit = limit
        self._session = _Session(base_url, timeout_seconds, limit)
        self._tickers = _tickers(tickers, self._session)

    def read(self, ticker: str, first: dt.date, last: dt.date, closed_at: dt.datetime) -> bytes | None:
        """The bars from `first` to `last`, both included, as a table; None where Yahoo says that it has none.

        Parameters
        ----------
        closed_at : datetime.datetime
            When the session of `last` closed. A bar of it that was made before, in the session, is left out: a closed
            session's bar carries the time of its open, or of the last price, which is that of the close.

        Raises
        ------
        RequestFailed
        OutOfTime
        """
        try:
            frame = self._tickers[ticker].history(
                period=None,
                interval="1d",
                start=first,
                end=last + dt.timedelta(days=1),  # the first day that is not wanted
                prepost=False,
                actions=False,
                auto_adjust=False,
                back_adjust=False,
                repair=False,
                keepna=True,
                rounding=False,
                timeout=self._timeout,
            )
        except OutOfTime:
            raise
        except Exception as error:
            # yfinance raises whatever its parsing runs into.
            self._limit.check()
            reason = self._reason(ticker, error)
            if reason is None:
                return None
            raise RequestFailed(reason) from error
        bars = [bar for bar in _bars(frame) if first <= bar.day <= last]
        if bars and bars[-1].day == last and self._made_in_session(ticker, closed_at):
            bars.pop()
        return history_csv(bars) if bars else None

    def _made_in_session(self, ticker: str, closed_at: dt.datetime) -> bool:
        """Whether the last bar of an answer has the time of a price in the session that ended at `closed_at`."""
        answer = self._session.last_chart(ticker)
        result = json.loads(answer.content)["chart"]["result"][0] if answer else {}
        stamps = result.get("timestamp") or [0]
        made_at = dt.datetime.fromtimestamp(stamps[-1], closed_at.tzinfo)
        return made_at.date() == closed_at.date() and made_at.time() > _OPENS_BEFORE and made_at < closed_at

    def _reason(self, ticker: str, error: Exception) -> Reason | None:
        """Why a history could not be read; None where Yahoo said that there is none."""
        if isinstance(error, YFRateLimitError):
            return http.http_status(HTTPStatus.TOO_MANY_REQUESTS)
        if isinstance(error, requests.exceptions.RequestException):
            return _curl_reason(error)
        answer = self._session.last_chart(ticker)
        if answer is None:
            return http.FAILED
        if isinstance(error, YFPricesMissingError) and answer.status_code in _NONE_THERE and _is_chart(answer):
            return None
        if not answer.ok:
            return http.http_status(answer.status_code)
        return http.HTML if answer.content.lstrip().startswith(b"<") else _NO_PRICES


class _Session(requests.Session[requests.Response]):
    """The session yfinance makes for itself, with our address and our time limits."""

    def __init__(self, base_url: str | None, timeout_seconds: float, limit: TimeLimit) -> None:
        super().__init__(impersonate="chrome")
        self._replaces_yahoo = base_url
        self._timeout = timeout_seconds
        self._limit = limit
        self._charts: dict[str, requests.Response] = {}

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """One request, in our time, whatever the caller allows."""
        kwargs["timeout"] = self._limit.for_request(self._timeout)
        response = super().request(method, self._address(url), *args, **kwargs)
        if _CHART in url:
            self._charts[url.rpartition("/")[2]] = response
            if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                # yfinance would fetch new cookies and ask again at once, for every ticker.
                raise YFRateLimitError
        return response

    def last_chart(self, ticker: str) -> requests.Response | None:
        """The last answer about a ticker."""
        return self._charts.get(ticker)

    def _address(self, url: str) -> str:
        parts = urlsplit(url)
        if self._replaces_yahoo is None or not (parts.hostname or "").endswith("yahoo.com"):
            return url
        return self._replaces_yahoo + (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _tickers(names: Iterable[str], session: _Session) -> dict[str, Any]:
    """The tickers of yfinance, set up as the module says."""
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="yfinance")
    with _setting_up:
        yfinance.config.debug.hide_exceptions = False
        yfinance.config.network.retries = 0
        # No directory can be made of the null device; yfinance then does without.
        yfinance.set_tz_cache_location(os.devnull)
        SingletonMeta._instances.clear()
        found = {name: yfinance.Ticker(name, session=session) for name in names}
    for ticker in found.values():
        ticker._tz = _TIME_ZONE
    return found


def _bars(frame: Any) -> Iterator[Bar]:
    columns = [frame[name].tolist() for name in (*_PRICES, "Volume")]
    for day, *prices, volume in zip(frame.index.date.tolist(), *columns, strict=True):
        yield Bar(day, tuple(map(float, prices)), int(volume))


def _is_chart(answer: requests.Response) -> bool:
    body = json.loads(answer.content)
    return isinstance(body, dict) and "chart" in body


def _curl_reason(error: requests.exceptions.RequestException) -> Reason:
    match error:
        case requests.exceptions.Timeout():
            return http.TOO_SLOW
        case requests.exceptions.ProxyError():
            return http.PROXY
        case requests.exceptions.DNSError():
            return http.UNKNOWN_HOST
        case requests.exceptions.CertificateVerifyError():
            return http.BAD_CERTIFICATE
        case requests.exceptions.SSLError():
            return http.NO_TLS
        case requests.exceptions.ConnectionError():
            return http.NO_CONNECTION
        case requests.exceptions.IncompleteRead() | requests.exceptions.ChunkedEncodingError():
            return http.BROKEN_OFF
        case _:
            return http.FAILED
