"""Observations: append-only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, insert, or_, select

from storage.models import Market, Observation, Payload
from storage.payloads import PayloadRepository


@dataclass(frozen=True)
class StoredValue:
    """One value to append; None says that its publisher has taken it back."""

    series: str
    publisher: str
    day: dt.date
    value: float | None
    known_at: dt.datetime
    known_at_is_assumed: bool
    payload_id: int


@dataclass(frozen=True)
class SeriesExtent:
    """How much there is of one series from one publisher.

    Attributes
    ----------
    values, changed : int
        Days that have a value, and the versions beyond the first of any day.
    last_known_at : datetime.datetime
        When the newest of them became known.
    """

    series: str
    publisher: str
    first: dt.date
    last: dt.date
    values: int
    changed: int
    last_known_at: dt.datetime


@dataclass(frozen=True)
class TracedValue:
    """One value and where it came from."""

    series: str
    publisher: str
    day: dt.date
    value: float
    known_at: dt.datetime
    known_at_is_assumed: bool
    payload_sha256: str
    fetched_at: dt.datetime
    locator: str


@dataclass(frozen=True)
class ValueVersion:
    """One version of a value; None is one that its publisher took back."""

    publisher: str
    value: float | None
    known_at: dt.datetime
    known_at_is_assumed: bool
    payload_sha256: str
    fetched_at: dt.datetime
    locator: str


@dataclass(frozen=True)
class ChangedValue:
    """A value that replaced an earlier one of the same day."""

    series: str
    publisher: str
    day: dt.date
    before: float
    after: float | None
    known_at: dt.datetime
    payload_sha256: str


#: The keys of the newest observation and of the newest payload that was read; each 0 without any.
Version = tuple[int, int]


class ObservationRepository(PayloadRepository):
    """Observations are read and appended, never changed or deleted; with them, the payloads they came from."""

    def is_simulated(self) -> bool | None:
        """Whether the database is about a simulated market; None before anything was read."""
        return self._session.scalar(select(Market.simulated))

    def begin_market(self, *, simulated: bool) -> None:
        """Say once and for all which market the database is about."""
        self._session.add(Market(id=1, simulated=simulated))
        self._session.flush()

    def first_and_last(self, series: str, publisher: str) -> tuple[dt.date, dt.date] | None:
        """The first and the last day of the series whose names match a pattern of LIKE; None if there is none."""
        row = self._session.execute(
            select(func.min(Observation.day), func.max(Observation.day)).where(
                Observation.series.like(series), Observation.publisher == publisher, Observation.value.is_not(None)
            )
        ).one()
        return None if row[0] is None else (row[0], row[1])

    def version(self) -> Version:
        """What is greater whenever something new was read into the database: a value, or an option chain.

        One run reads at a time (`storage.unit_of_work`), so that keys grow in the order of the commits.
        """
        read = select(func.max(Payload.id)).where(Payload.ingested_at.is_not(None))
        return self._session.scalar(select(func.max(Observation.id))) or 0, self._session.scalar(read) or 0

    def append(self, values: Sequence[StoredValue]) -> None:
        """Append values; each a new version of what was known, if anything was."""
        if values:
            self._session.execute(insert(Observation), [vars(value) for value in values])

    def known_since(self, series: str, publisher: str, first: dt.date, last: dt.date) -> dict[dt.date, dt.datetime]:
        """When the newest version of each value of a series became known, by day, from `first` to `last`."""
        rows = self._session.execute(
            select(Observation.day, func.max(Observation.known_at))
            .where(
                Observation.series == series,
                Observation.publisher == publisher,
                Observation.day.between(first, last),
            )
            .group_by(Observation.day)
        )
        return {row[0]: row[1] for row in rows}

    def fetched_later(self, series: str, publisher: str, version: Version, instant: dt.datetime) -> set[dt.date]:
        """Days whose value was stored after a version of the database, and fetched after an instant."""
        query = (
            select(Observation.day)
            .join(Payload, Payload.id == Observation.payload_id)
            .where(
                Observation.series == series,
                Observation.publisher == publisher,
                Observation.id > version[0],
                # The row of a payload says when its body was first fetched; it may have come back.
                or_(Payload.fetched_at > instant, Observation.known_at > instant),
            )
        )
        return set(self._session.scalars(query))

    def known_by(self, as_of: dt.datetime) -> tuple[int, int]:
        """How many observations were known at an instant, and of how many of them that is assumed."""
        assumed = case((Observation.known_at_is_assumed, 1), else_=0)
        row = self._session.execute(
            select(func.count(), func.coalesce(func.sum(assumed), 0)).where(Observation.known_at <= as_of)
        ).one()
        return int(row[0]), int(row[1])

    def latest(
        self,
        series: Iterable[str] | None = None,
        *,
        first: dt.date | None = None,
        last: dt.date | None = None,
        as_of: dt.datetime | None = None,
    ) -> list[tuple[str, str, dt.date, float, int]]:
        """Series, publisher, day, value and payload key of the latest version of every observation, or of some series.

        With `first` and `last`, of their days; with `as_of`, of the versions that were known at that instant.

        The latest is the one appended last: the assumed availability of the first version can lie after the instant at
        which a change of it was fetched. Sorted by series, publisher and day.
        """
        query = select(
            Observation.series, Observation.publisher, Observation.day, Observation.value, Observation.payload_id
        ).order_by(Observation.series, Observation.publisher, Observation.day, Observation.id)
        if series is not None:
            query = query.where(Observation.series.in_(sorted(series)))
        if first is not None:
            query = query.where(Observation.day >= first)
        if last is not None:
            query = query.where(Observation.day <= last)
        if as_of is not None:
            query = query.where(Observation.known_at <= as_of)
        newest: list[tuple[str, str, dt.date, float | None, int]] = []
        previous = None
        for name, publisher, day, value, payload_id in self._session.execute(query):
            key = (name, publisher, day)
            if key == previous:
                newest.pop()
            newest.append((name, publisher, day, value, payload_id))
            previous = key
        return [
            (name, publisher, day, value, payload_id)
            for name, publisher, day, value, payload_id in newest
            if value is not None
        ]

    def extents(self, *, as_of: dt.datetime | None = None) -> list[SeriesExtent]:
        """How much there is of each series from each publisher; with `as_of`, of what was known at that instant."""
        days = func.count(Observation.day.distinct())
        query = (
            select(
                Observation.series,
                Observation.publisher,
                func.min(Observation.day),
                func.max(Observation.day),
                days,
                func.count() - days,
                func.max(Observation.known_at),
            )
            .where(Observation.value.is_not(None))
            .group_by(Observation.series, Observation.publisher)
            .order_by(Observation.series, Observation.publisher)
        )
        if as_of is not None:
            query = query.where(Observation.known_at <= as_of)
        return [SeriesExtent(*row) for row in self._session.execute(query)]

    def traced(
        self,
        *,
        series: str | None = None,
        day: dt.date | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        as_of: dt.datetime | None = None,
    ) -> list[TracedValue]:
        """The latest version of each value of a series, of a day or some days, with the payload it came from.

        With `as_of`, of the versions that were known at that instant. Sorted by day, series and publisher.
        """
        newest = select(func.max(Observation.id)).group_by(Observation.series, Observation.publisher, Observation.day)
        if series is not None:
            newest = newest.where(Observation.series == series)
        if day is not None:
            newest = newest.where(Observation.day == day)
        if since is not None:
            newest = newest.where(Observation.day >= since)
        if until is not None:
            newest = newest.where(Observation.day <= until)
        if as_of is not None:
            newest = newest.where(Observation.known_at <= as_of)
        rows = self._session.execute(
            select(
                Observation.series,
                Observation.publisher,
                Observation.day,
                Observation.value,
                Observation.known_at,
                Observation.known_at_is_assumed,
                Payload.sha256,
                Payload.fetched_at,
                Payload.locator,
            )
            .join(Payload, Payload.id == Observation.payload_id)
            .where(Observation.id.in_(newest), Observation.value.is_not(None))
            .order_by(Observation.day, Observation.series, Observation.publisher)
        )
        return [
            TracedValue(
                row.series,
                row.publisher,
                row.day,
                row.value,
                row.known_at,
                row.known_at_is_assumed,
                row.sha256,
                row.fetched_at,
                row.locator,
            )
            for row in rows
        ]

    def versions(self, series: str, day: dt.date, publisher: str | None = None) -> list[ValueVersion]:
        """Every version of a value, by publisher, the newest first; or those of one publisher."""
        query = (
            select(
                Observation.publisher,
                Observation.value,
                Observation.known_at,
                Observation.known_at_is_assumed,
                Payload.sha256,
                Payload.fetched_at,
                Payload.locator,
            )
            .join(Payload, Payload.id == Observation.payload_id)
            .where(Observation.series == series, Observation.day == day)
            .order_by(Observation.publisher, Observation.id.desc())
        )
        if publisher is not None:
            query = query.where(Observation.publisher == publisher)
        return [ValueVersion(*row) for row in self._session.execute(query)]

    def days_around(self, series: str, day: dt.date, count: int) -> list[dt.date]:
        """Up to so many days with an observation of a series before a day, and as many after it; and itself."""
        mine = Observation.series == series
        days = select(Observation.day).where(mine).distinct().limit(count)
        before = self._session.scalars(days.where(Observation.day < day).order_by(Observation.day.desc()))
        after = self._session.scalars(days.where(Observation.day > day).order_by(Observation.day))
        here = self._session.scalars(days.where(Observation.day == day))
        return sorted({*before, *here, *after})

    def has_series(self, series: str) -> bool:
        """Whether there is any observation of a series."""
        return self._session.scalar(select(Observation.id).where(Observation.series == series).limit(1)) is not None

    def changes(self, *, series: str | None = None, since: dt.datetime | None = None) -> list[ChangedValue]:
        """Every value that replaced an earlier one, newest first; of one series, or known since an instant."""
        before = func.lag(Observation.value).over(
            partition_by=(Observation.series, Observation.publisher, Observation.day), order_by=Observation.id
        )
        versions = select(
            Observation.id,
            Observation.series,
            Observation.publisher,
            Observation.day,
            before.label("before"),
            Observation.value,
            Observation.known_at,
            Observation.payload_id,
        )
        if series is not None:
            versions = versions.where(Observation.series == series)
        each = versions.subquery()
        query = (
            select(each.c.series, each.c.publisher, each.c.day, each.c.before, each.c.value, each.c.known_at)
            .add_columns(Payload.sha256)
            .join(Payload, Payload.id == each.c.payload_id)
            .where(each.c.before.is_not(None))
            .order_by(each.c.known_at.desc(), each.c.id.desc())
        )
        if since is not None:
            query = query.where(each.c.known_at >= since)
        return [ChangedValue(*row) for row in self._session.execute(query)]
