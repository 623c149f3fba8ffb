"""Option chains on the VIX by session: found by when they were quoted, and parsed only when asked for."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from signals.calendar import TradingCalendar
from signals.options import OptionChain, calls_document, calls_from
from signals.zones import NEW_YORK
from storage.unit_of_work import UnitOfWork
from tasks.sources.formats import CBOE_OPTION_CHAIN
from tasks.sources.option_chain import READER_VERSION, read_chain
from tasks.sources.payload import Payload

#: What the payloads are about.
_SUBJECT = "VIX"

#: The time of a chain stands before its options.
_STAMP = re.compile(rb'"timestamp"\s*:\s*"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"')
_START_BYTES = 2048

Load = Callable[[], OptionChain]


class Chains(Mapping[dt.date, OptionChain]):
    """The first chain that was quoted after the close of a session, on its day; each is parsed at most once.

    Parameters
    ----------
    found : iterable of (quoted at, name, load)
        When each was quoted, the hash of its body, and what reads it.
    calendar : TradingCalendar
    """

    def __init__(self, found: Iterable[tuple[dt.datetime, str, Load]], calendar: TradingCalendar) -> None:
        self._loads: dict[dt.date, Load] = {}
        self._names: dict[dt.date, str] = {}
        self._parsed: dict[dt.date, OptionChain] = {}
        for quoted_at, name, load in sorted(found, key=lambda item: item[0]):
            session = quoted_at.astimezone(NEW_YORK).date()
            if calendar.is_session(session) and quoted_at > calendar.close_time(session):
                self._loads.setdefault(session, load)
                self._names.setdefault(session, name)

    def __getitem__(self, session: dt.date) -> OptionChain:
        if session not in self._parsed:
            self._parsed[session] = self._loads[session]()
        return self._parsed[session]

    def name(self, session: dt.date) -> str:
        """The hash of the body of a chain that is there."""
        return self._names[session]

    def __iter__(self) -> Iterator[dt.date]:
        return iter(self._loads)

    def __len__(self) -> int:
        return len(self._loads)


def stored_chains(
    engine: Engine, calendar: TradingCalendar, as_of: dt.datetime | None = None, *, keep: bool = False
) -> Chains:
    """The chains in a database whose body is there; with `as_of`, those fetched by then.

    With `keep`, what is parsed is kept in the database: a body takes a hundred times as long as its calls.
    """
    with UnitOfWork(engine) as work:
        times = work.observations.chain_times()
        items = work.observations.readable_payloads(CBOE_OPTION_CHAIN, _SUBJECT, as_of=as_of)
        starts = {
            item.id: work.observations.payload_start(item.id, _START_BYTES) for item in items if item.id not in times
        }
    found = []
    for item in items:
        read = partial(_stored, engine, item.id, item.locator, item.fetched_at)
        quoted_at = times[item.id] if item.id in times else _quoted_at(starts[item.id], read)
        found.append((quoted_at, item.sha256, partial(_calls, engine, item.id, read, keep=keep)))
    return Chains(found, calendar)


def fetched_chains(payloads: Iterable[Payload], calendar: TradingCalendar) -> Chains:
    """The chains among the payloads of a source."""
    chains = [item for item in payloads if (item.format, item.subject) == (CBOE_OPTION_CHAIN, _SUBJECT)]
    found = ((read_chain(item).quoted_at, item.sha256, partial(read_chain, item)) for item in chains)
    return Chains(found, calendar)


def _stored(engine: Engine, key: int, locator: str, fetched_at: dt.datetime) -> Payload:
    with UnitOfWork(engine) as work:
        body = work.observations.payload_body(key)
    return Payload(CBOE_OPTION_CHAIN, _SUBJECT, locator, body, fetched_at, assumed_availability=False)


def _calls(engine: Engine, key: int, read: Callable[[], Payload], *, keep: bool) -> OptionChain:
    """The calls of a stored chain: as they are kept, else out of its body."""
    with UnitOfWork(engine) as work:
        kept = work.observations.chain_calls(key)
    known = {} if kept is None else json.loads(kept)
    if known.get("reader") == READER_VERSION:
        return calls_from(known)
    chain = read_chain(read())
    calls = calls_document(chain) | {"reader": READER_VERSION}
    if keep:
        # Another run may keep the same at the same time.
        with UnitOfWork(engine) as work, suppress(IntegrityError):
            work.observations.keep_chain_calls(key, chain.quoted_at, json.dumps(calls).encode())
            work.commit()
    return calls_from(calls)


def _quoted_at(start: bytes, read: Callable[[], Payload]) -> dt.datetime:
    """When a chain was quoted, read from the start of its body where it stands there."""
    stamp = _STAMP.search(start)
    if stamp is None:
        return read_chain(read()).quoted_at
    return dt.datetime.fromisoformat(stamp[1].decode()).replace(tzinfo=dt.UTC)
