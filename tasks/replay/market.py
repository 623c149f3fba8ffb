"""The market of a directory of recorded files, as its publishers served it at an instant of one's choice.

One server stands in for all of them, each below a path of its own. The product is pointed at it by its settings::

    with replay(directory, instant) as market:
        os.environ.update(market.settings)
        market.misbehave(Fault("503", "cboe", "VX_2020-03-18", times=2))
        ...
        market.at(later)
"""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from signals.errors import ConfigurationError
from signals.zones import NEW_YORK
from tasks.replay import bls, cboe, faults, fred, settlement, yahoo
from tasks.replay.damage import Case
from tasks.replay.faults import Fault
from tasks.replay.messages import Reply, Request, not_found
from tasks.replay.recorded import calendar, new_york_day
from tasks.replay.server import Asked, HttpServer

Publisher = Callable[[Path, dt.datetime, Request], Reply]

#: By the path that each stands below.
PUBLISHERS: dict[str, Publisher] = {
    faults.YAHOO: yahoo.answer,
    faults.CBOE: cboe.answer,
    faults.CBOE_WEB: settlement.answer,
    faults.FRED: fred.graph,
    faults.FRED_API: fred.api,
    faults.BLS: bls.answer,
}

_FOLDERS = ("yahoo", "cboe", "fred")


@dataclass
class _Active:
    fault: Fault
    left: int | None


class Market:
    """What a server needs to know; all of it can be changed while it runs.

    Parameters
    ----------
    directory : Path
        Recorded files, in the layout of the source ``files``.
    instant : datetime.datetime
        What was published by then is served. Without an offset it is in New York time.

    Raises
    ------
    ConfigurationError
        When there is no such directory, or none of the publishers in it, or the instant is in no calendar.
    """

    def __init__(self, directory: Path, instant: dt.datetime) -> None:
        if not any((directory / name).is_dir() for name in _FOLDERS):
            raise ConfigurationError(
                f"data directory {directory}",
                expected="a directory of recorded files, such as yahoo/GSPC.csv",
                got="none of them" if directory.is_dir() else "a file" if directory.exists() else "nothing there",
                do="Name another with --data-dir; docs/data-notes.md says what belongs into it.",
            )
        #: The address of the server, without a slash at the end.
        self.url = ""
        self._directory = directory
        self._lock = threading.Lock()
        self._instant = _aware(instant)
        self._ahead = dt.timedelta(0)
        self._active: list[_Active] = []
        self._requests: list[str] = []

    @property
    def instant(self) -> dt.datetime:
        """The time it is."""
        with self._lock:
            return self._instant

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables that point the product here."""
        addresses = {f"TAILGUARD_{name.upper().replace('-', '_')}_URL": f"{self.url}/{name}" for name in PUBLISHERS}
        return addresses | {"TAILGUARD_CLOCK": self.instant.isoformat()}

    @property
    def requests(self) -> list[str]:
        """What was asked for so far: path and parameters, decoded, with the publisher in front."""
        with self._lock:
            return list(self._requests)

    def at(self, instant: dt.datetime) -> None:
        """Make it another time; the setting of the clock changes with it."""
        with self._lock:
            self._instant = _aware(instant)

    def set_clock_ahead(self, ahead: dt.timedelta) -> None:
        """Let the header `Date` of every answer be ahead of the time it is, or behind."""
        with self._lock:
            self._ahead = ahead

    def misbehave(self, *wanted: Fault) -> None:
        """Let some answers be wrong, from now on. Where several faults hit one answer, each changes what is left."""
        with self._lock:
            self._active += [_Active(fault, fault.times) for fault in wanted]

    def behave(self) -> None:
        """Let every answer be right again."""
        with self._lock:
            self._active.clear()

    def usual(self, publisher: str, request: Request, instant: dt.datetime | None = None) -> Reply:
        """What a publisher answers when all is well."""
        return PUBLISHERS[publisher](self._directory, instant or self.instant, request)

    def answer(self, asked: Asked) -> Reply:
        """What the server answers."""
        publisher, _, rest = asked.target.removeprefix("/").partition("/")
        if publisher not in PUBLISHERS:
            with self._lock:
                self._requests.append(asked.target)
            return not_found(f"Served are: {', '.join(f'/{name}' for name in PUBLISHERS)}")
        request = Request.read(f"/{rest}", asked.target)
        with self._lock:
            self._requests.append(f"/{publisher}{request.target}")
            instant, ahead = self._instant, self._ahead
            hitting = list(self._hitting(publisher, request))
        reply = replace(self.usual(publisher, request, instant), date=instant + ahead)
        case = Case(request, instant, lambda other, then: self.usual(publisher, other, then))
        for fault in hitting:
            reply = fault.apply(reply, case)
        return reply if reply.date else replace(reply, date=instant + ahead)

    def _hitting(self, publisher: str, request: Request) -> Iterator[Fault]:
        for active in self._active:
            if active.left == 0 or not active.fault.hits(publisher, request, self._instant):
                continue
            if active.left is not None:
                active.left -= 1
            yield active.fault


@contextmanager
def replay(
    directory: Path, instant: dt.datetime, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Market]:
    """Serve a directory of recorded files as of an instant.

    Parameters
    ----------
    directory : Path
    instant : datetime.datetime
        Without an offset it is in New York time.
    port : int
        0 for any that is free.
    tls : ssl.SSLContext, optional

    Raises
    ------
    ConfigurationError
        When the directory holds nothing of it, or the port cannot be had.
    """
    market = Market(directory, instant)
    with HttpServer(market.answer, port, tls) as server:
        market.url = server.url
        yield market


def _aware(instant: dt.datetime) -> dt.datetime:
    aware = (instant if instant.tzinfo else instant.replace(tzinfo=NEW_YORK)).astimezone(dt.UTC)
    calendar().is_session(new_york_day(aware))  # which refuses a day that no calendar covers
    return aware
