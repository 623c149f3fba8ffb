"""From payloads to observations: store the raw body, parse, append what is new."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import numpy as np
from sqlalchemy import Engine

from signals.calendar import Days
from signals.errors import ConfigurationError, DataQualityError, TransientSourceError
from signals.market import MarketData, Observations
from signals.series import CBOE, CBOE_SHEET, SPX, SPY_ADJUSTED, VX_PREFIX, YAHOO, is_never_rewritten, known_after_close
from signals.zones import NEW_YORK
from storage.engine import shown
from storage.observations import StoredValue, Version
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock
from tasks.sources.formats import CBOE_VX_SHEET, parse
from tasks.sources.payload import Payload, Source

_REGULAR_CLOSE = dt.time(16, 0, tzinfo=NEW_YORK)

#: More than so many values, and than so large a share, that differ by more than this, are another history.
_MENDED_VALUES, _MENDED_SHARE, _REWRITTEN_BY = 5, 0.1, 0.001

#: The least by which a version is later than the one before.
_NEXT = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class IngestSummary:
    """What an ingest found.

    Attributes
    ----------
    payloads, known_payloads : int
        Files read, and those of them seen before.
    new_values, changed_values : int
        Values appended, and those of them that replace an earlier one.
    refused : tuple of str
        Why files could not be read, one sentence each, but for those no decision rests on. Their bodies are stored,
        their values are not.
    """

    payloads: int
    known_payloads: int
    new_values: int
    changed_values: int
    refused: tuple[str, ...] = ()


class PartlyFetched(TransientSourceError):
    """Some publishers did not answer; what the others had is stored.

    Parameters
    ----------
    failure : TransientSourceError
        Which did not, and why.
    summary : IngestSummary
        What the others had.
    """

    def __init__(self, failure: TransientSourceError, summary: IngestSummary) -> None:
        super().__init__(
            failure.about,
            expected=failure.expected,
            got=failure.got,
            do=failure.do,
            worth_retrying=failure.worth_retrying,
        )
        self.summary = summary


def read_source(source: Source) -> tuple[MarketData, dict[int, str]]:
    """Parse everything a source has, without a database.

    As with one, a file that cannot be read is left out where the source may heal by itself, and is an error elsewhere.

    Returns
    -------
    MarketData
    dict of int to str
        The hash of each payload by the key the observations carry.
    """
    observations, hashes = [], {}
    for key, payload in enumerate(source.fetch().complete(), start=1):
        hashes[key] = payload.sha256
        try:
            observations += [replace(found, payloads=np.full(len(found.days), key)) for found in parse(payload)]
        except DataQualityError:
            if not source.heals:
                raise
    return MarketData(observations, simulated=source.simulated), hashes


def ingest(source: Source, engine: Engine, clock: Clock, *, whole: bool = False) -> IngestSummary:
    """Store a source's payloads, then the observations in those not read before.

    The payloads are committed first, so that a body that cannot be parsed is kept for a look. The observations of all
    of them are one transaction. A file that cannot be read is left out, and told of in the summary, where the source
    may heal by itself; from another source it is an error, and leaves no value of any file.

    Parameters
    ----------
    whole : bool
        Whether it has to be everything or nothing: where history begins, or is carried back, what one publisher lacks
        would stay a hole that no later fetch reaches.

    Raises
    ------
    PartlyFetched
        When not every publisher answered. What the others had is stored.
    TransientSourceError
        The same where it has to be everything. Nothing is stored.
    DataQualityError
        From a parser, naming the file and line.
    ConfigurationError
        When the database is about another market: what is simulated is never mixed with what is real.
    """
    before = stored_version(engine)
    fetched = source.fetch()
    payloads = fetched.complete() if whole else fetched.payloads
    summary = _ingest(payloads, source, engine, clock, before, heals=source.heals and not whole)
    if fetched.failure:
        raise PartlyFetched(fetched.failure, summary)
    return summary


def require_market(engine: Engine, source: Source) -> None:
    """Refuse a source of another market than the one the database is about.

    Raises
    ------
    ConfigurationError
    """
    with UnitOfWork(engine) as work:
        _check_market(work.observations.is_simulated(), engine, simulated=source.simulated)


@dataclass(frozen=True)
class Stored:
    """What a database holds already, for a live read to join.

    Attributes
    ----------
    last : datetime.date
        The last day with both a close of the S&P 500 and a settlement.
    fund_since : datetime.date
        The first adjusted price of SPY.
    """

    last: dt.date
    fund_since: dt.date


def stored_days(engine: Engine) -> Stored | None:
    """The days a database holds; None for an empty one."""
    with UnitOfWork(engine) as work:
        found = [
            work.observations.first_and_last(series, publisher)
            for series, publisher in ((SPX, YAHOO), (f"{VX_PREFIX}%", CBOE), (SPY_ADJUSTED, YAHOO))
        ]
    closes, settlements, fund = found
    if closes is None or settlements is None or fund is None:
        return None
    return Stored(min(closes[1], settlements[1]), fund[0])


def stored_version(engine: Engine) -> Version:
    """What has changed once another run has read something new into the database."""
    with UnitOfWork(engine) as work:
        return work.observations.version()


def _check_market(found: bool | None, engine: Engine, *, simulated: bool) -> None:
    if found is None or found == simulated:
        return
    kinds = {True: "the simulated sample market", False: "the real market"}
    raise ConfigurationError(
        f"database {shown(engine.url)}",
        expected=f"one about {kinds[simulated]}, or an empty one",
        got=f"one about {kinds[found]}",
        do="Name another with --database: the two are never mixed.",
    )


def _ingest(
    payloads: Sequence[Payload], source: Source, engine: Engine, clock: Clock, before: Version, *, heals: bool
) -> IngestSummary:
    if not payloads:
        return IngestSummary(0, 0, 0, 0)
    simulated = source.simulated
    unread: list[tuple[int, Payload]] = []
    with UnitOfWork(engine, alone=True) as work:
        stored_market = work.observations.is_simulated()
        _check_market(stored_market, engine, simulated=simulated)
        if stored_market is None:
            work.observations.begin_market(simulated=simulated)
        last_ingested = work.observations.last_ingested()
        for payload in payloads:
            key = work.observations.payload_key(payload.sha256, payload.format, payload.subject)
            if key is None:
                key = work.observations.add_payload(
                    payload.sha256, payload.format, payload.subject, payload.locator, payload.fetched_at, payload.body
                )
            else:
                work.observations.restore_body(key, payload.body)
            # A body that comes back after another one is read again: its values are news once more.
            if last_ingested.get((payload.format, payload.subject)) != key:
                unread.append((key, payload))
        work.commit()
    known = len(payloads) - len(unread)
    optional = {key for key, payload in unread if payload.optional}
    if not unread:
        return IngestSummary(known, known, 0, 0)
    with UnitOfWork(engine, alone=True) as work:
        read, refused = read_payloads(unread, heals=heals)
        read += left_out(work, read)
        stored_data = load_market(work, {found.series for _, _, found in read})
        rewritten = rewritten_histories(read, stored_data)
        if rewritten and not heals:
            raise next(iter(rewritten.values()))
        refused |= {key: str(error) for key, error in rewritten.items()}
        read = [each for each in read if each[0] not in refused]
        values: list[StoredValue] = []
        changed, overtaken = 0, work.observations.version()[0] > before[0]
        for key, payload, found in read:
            stored = stored_data.find(found.series, found.publisher)
            found = with_withdrawn(found, stored, payload)
            fresh, replaced = _changes(found, stored)
            if overtaken:
                fresh &= ~_fetched_later(work, found, before, payload)
            known_since = _known_since(work, found, fresh)
            values += _to_store(found, fresh, known_since, key, payload)
            changed += int((fresh & replaced).sum())
        work.observations.append(values)
        work.observations.mark_ingested([key for key, _ in unread if key not in refused], clock())
        work.observations.mark_refused(refused)
        work.commit()
    return IngestSummary(
        len(payloads), known, len(values), changed, tuple(why for key, why in refused.items() if key not in optional)
    )


def read_payloads(
    unread: Iterable[tuple[int, Payload]], *, heals: bool
) -> tuple[list[tuple[int, Payload, Observations]], dict[int, str]]:
    """The observations in some payloads, and why others cannot be read, by their keys."""
    read: list[tuple[int, Payload, Observations]] = []
    refused: dict[int, str] = {}
    for key, payload in unread:
        try:
            read += [(key, payload, found) for found in parse(payload)]
        except DataQualityError as error:
            if not (heals or payload.optional):
                raise
            refused[key] = str(error)
    return read, refused


def load_market(
    work: UnitOfWork, series: Iterable[str] | None = None, *, as_of: dt.datetime | None = None
) -> MarketData:
    """The latest version of every stored observation, or of those of some series; or as they were known at an instant.

    What was fetched live is known since it was fetched; recorded history since it is assumed to have been published.
    """
    rows = work.observations.latest(series, as_of=as_of)
    observations = (
        Observations(
            name,
            publisher,
            np.array([row[2] for row in found], dtype="datetime64[D]"),
            np.array([row[3] for row in found]),
            np.array([row[4] for row in found], dtype=np.int64),
        )
        for (name, publisher), group in groupby(rows, key=itemgetter(0, 1))
        for found in [list(group)]
    )
    return MarketData(observations, simulated=bool(work.observations.is_simulated()))


def _changes(found: Observations, stored: Observations) -> tuple[np.ndarray, np.ndarray]:
    """Which values are new or differ from the latest stored one, and which of those replace one."""
    position = np.searchsorted(stored.days, found.days)
    exists = position < len(stored.days)
    exists[exists] = stored.days[position[exists]] == found.days[exists]
    same = exists.copy()
    same[exists] = stored.values[position[exists]] == found.values[exists]
    return ~same, exists & ~same


def with_withdrawn(found: Observations, stored: Observations, payload: Payload) -> Observations:
    """What a publisher has, and NaN on the days of which it has taken its value back.

    A live answer says all there is between its first day and the last one that was asked for. A recorded file may be
    shorter than another one.
    """
    gone = found.days[:0] if payload.assumed_availability else _gone(found, stored, payload)
    if not len(gone):
        return found
    days = np.concatenate([found.days, gone])
    values = np.concatenate([found.values, np.full(len(gone), np.nan)])
    order = np.argsort(days)
    return Observations(found.series, found.publisher, days[order], values[order], np.zeros(len(days), dtype=np.int64))


def rewritten_histories(
    read: Sequence[tuple[int, Payload, Observations]], stored_data: MarketData
) -> dict[int, DataQualityError]:
    """Live answers that tell another history than the one that is known, by their keys, with the reason.

    Publishers mend a value now and then, take one back, and print it to other digits. None rewrites years of closes: an
    answer on another scale, about something else or with every other row missing does.
    """
    refused = {}
    for key, payload, found in read:
        if payload.assumed_availability or not is_never_rewritten(found.series):
            continue
        stored = stored_data.find(found.series, found.publisher)
        days, at, before = np.intersect1d(found.days, stored.days, assume_unique=True, return_indices=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            differ = np.abs(found.values[at] / stored.values[before] - 1.0) > _REWRITTEN_BY
        gone = len(_gone(found, stored, payload))
        if differ.sum() + gone > max(_MENDED_VALUES, _MENDED_SHARE * (len(days) + gone)):
            first = f", the first of {days[differ][0]}" if differ.any() else ""
            refused[key] = DataQualityError(
                payload.locator,
                expected=f"the values of {found.series} that are known, but for a few",
                got=f"{differ.sum()} others{first}, and {gone} missing, of {len(days) + gone}",
                do="Nothing of it was used.",
            )
    return refused


def _gone(found: Observations, stored: Observations, payload: Payload) -> Days:
    """The days on which there was a value and is none any more, of those that were asked for."""
    if not len(found.days) or payload.format == CBOE_VX_SHEET:
        # A sheet says nothing of any other day; what it leaves out of its own, `left_out` has.
        return found.days[:0]
    asked = stored.days >= found.days[0]
    if payload.through is not None:
        asked &= stored.days <= np.datetime64(payload.through)
    gone: Days = np.setdiff1d(stored.days[asked], found.days)
    return gone


def left_out(
    work: UnitOfWork, read: Sequence[tuple[int, Payload, Observations]]
) -> list[tuple[int, Payload, Observations]]:
    """Contracts that a sheet of settlements no longer has, without a value on its day: a sheet counts as a whole."""
    sheets = {key: payload for key, payload, _ in read if payload.format == CBOE_VX_SHEET}
    found = []
    for key, payload in sheets.items():
        day = dt.date.fromisoformat(payload.subject)
        there = {observed.series for which, _, observed in read if which == key}
        for value in work.observations.traced(day=day):
            if value.publisher == CBOE_SHEET and value.series not in there:
                nothing = (np.array([day], "datetime64[D]"), np.array([np.nan]), np.array([0], np.int64))
                found.append((key, payload, Observations(value.series, CBOE_SHEET, *nothing)))
    return found


def _fetched_later(work: UnitOfWork, found: Observations, before: Version, payload: Payload) -> np.ndarray:
    """Of which days another run fetched the value after us and stored it before us: what we have is older news."""
    days = work.observations.fetched_later(found.series, found.publisher, before, payload.fetched_at)
    return np.isin(found.days, np.array(sorted(days), "datetime64[D]"))


def _known_since(work: UnitOfWork, found: Observations, fresh: np.ndarray) -> dict[dt.date, dt.datetime]:
    """Since when what is replaced has been known, a value or that there is none any more."""
    days: list[dt.date] = found.days[fresh].tolist()
    return work.observations.known_since(found.series, found.publisher, days[0], days[-1]) if days else {}


def _to_store(
    found: Observations, fresh: np.ndarray, before: Mapping[dt.date, dt.datetime], key: int, payload: Payload
) -> Iterable[StoredValue]:
    """The values to append; `before` says since when those that are replaced have been known."""
    for day, value, is_fresh in zip(found.days.tolist(), found.values.tolist(), fresh.tolist(), strict=True):
        if not is_fresh:
            continue
        assumed = payload.assumed_availability and day not in before
        if day in before:
            # It cannot have been known when the other was, also where a clock stands still or was set back.
            known_at = max(payload.fetched_at, before[day] + _NEXT)
        elif assumed:
            # No later than it was read: a file recorded early, or a schedule of days that lie ahead.
            close = dt.datetime.combine(day, _REGULAR_CLOSE).astimezone(dt.UTC)
            known_at = min(close + known_after_close(found.series, found.publisher, day), payload.fetched_at)
        else:
            known_at = payload.fetched_at
        held = None if math.isnan(value) else value
        yield StoredValue(found.series, found.publisher, day, held, known_at, assumed, key)
