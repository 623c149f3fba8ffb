"""Option chains on the VIX by session: found by when they were quoted, and parsed only when asked for."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from sqlalchemy import Engine

from signals.calendar import NEW_YORK, TradingCalendar
from signals.options import OptionChain
from storage.unit_of_work import UnitOfWork
from tasks.sources.formats import CBOE_OPTION_CHAIN
from tasks.sources.option_chain import read_chain
from tasks.sources.payload import Payload

#: What the payloads are about.
_SUBJECT = "VIX"

#: The time of a chain stands before its options.
_STAMP = re.compile(rb'"timestamp"\s*:\s*"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"')
_START_BYTES = 2048

Load = Callable[[], Payload]


class Chains(Mapping[dt.date, OptionChain]):
    """The first chain that was quoted after the close of a session, on its day; each is parsed at most once.

    Parameters
    ----------
    found : iterable of (quoted at, load)
        When each was quoted, and what reads its payload.
    calendar : TradingCalendar
    """

    def __init__(self, found: Iterable[tuple[dt.datetime, Load]], calendar: TradingCalendar) -> None:
        self._loads: dict[dt.date, Load] = {}
        self._parsed: dict[dt.date, OptionChain] = {}
        for quoted_at, load in sorted(found, key=lambda item: item[0]):
            session = quoted_at.astimezone(NEW_YORK).date()
            if calendar.is_session(session) and quoted_at > calendar.close_time(session):
                self._loads.setdefault(session, load)

    def __getitem__(self, session: dt.date) -> OptionChain:
        if session not in self._parsed:
            self._parsed[session] = read_chain(self._loads[session]())
        return self._parsed[session]

    def __iter__(self) -> Iterator[dt.date]:
        return iter(self._loads)

    def __len__(self) -> int:
        return len(self._loads)


def stored_chains(engine: Engine, calendar: TradingCalendar, as_of: dt.datetime | None = None) -> Chains:
    """The chains in a database whose body is there; with `as_of`, those fetched by then."""
    with UnitOfWork(engine) as work:
        stored = work.observations.readable_payloads(CBOE_OPTION_CHAIN, _SUBJECT, as_of=as_of)
        starts = [work.observations.payload_start(item.id, _START_BYTES) for item in stored]
    loads = [partial(_stored, engine, item.id, item.locator, item.fetched_at) for item in stored]
    return Chains(
        ((_quoted_at(start, load), load) for start, load in zip(starts, loads, strict=True)),
        calendar,
    )


def fetched_chains(payloads: Iterable[Payload], calendar: TradingCalendar) -> Chains:
    """The chains among the payloads of a source."""
    chains = [item for item in payloads if (item.format, item.subject) == (CBOE_OPTION_CHAIN, _SUBJECT)]
    return Chains(((read_chain(item).quoted_at, partial(_same, item)) for item in chains), calendar)


def _stored(engine: Engine, key: int, locator: str, fetched_at: dt.datetime) -> Payload:
    with UnitOfWork(engine) as work:
        body = work.observations.payload_body(key)
    return Payload(CBOE_OPTION_CHAIN, _SUBJECT, locator, body, fetched_at, assumed_availability=False)


def _same(payload: Payload) -> Payload:
    return payload


def _quoted_at(start: bytes, load: Load) -> dt.datetime:
    """When a chain was quoted, read from the start of its body where it stands there."""
    stamp = _STAMP.search(start)
    if stamp is None:
        return read_chain(load()).quoted_at
    return dt.datetime.fromisoformat(stamp[1].decode()).replace(tzinfo=dt.UTC)
