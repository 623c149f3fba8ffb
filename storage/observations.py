"""Payloads and observations: append-only."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from storage.models import Market, Observation, Payload


@dataclass(frozen=True)
class StoredValue:
    """One value to append."""

    series: str
    publisher: str
    day: dt.date
    value: float
    known_at: dt.datetime
    known_at_is_assumed: bool
    payload_id: int


class ObservationRepository:
    """Reads and appends; nothing is changed or deleted."""

    def __init__(self, session: Session) -> None:
        self._session = session

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
                Observation.series.like(series), Observation.publisher == publisher
            )
        ).one()
        return None if row[0] is None else (row[0], row[1])

    def payload_key(self, sha256: str, format_name: str, subject: str) -> int | None:
        """Key of a payload that is stored already; None if it is new."""
        return self._session.scalar(
            select(Payload.id).where(
                Payload.sha256 == sha256, Payload.format == format_name, Payload.subject == subject
            )
        )

    def last_ingested(self) -> dict[tuple[str, str], int]:
        """Key of the payload whose observations were stored last, per format and subject."""
        rows = self._session.execute(
            select(Payload.format, Payload.subject, Payload.id)
            .where(Payload.ingested_at.is_not(None))
            .order_by(Payload.ingested_at, Payload.id)
        )
        return {(row.format, row.subject): row.id for row in rows}

    def add_payload(
        self, sha256: str, format_name: str, subject: str, locator: str, fetched_at: dt.datetime, body: bytes
    ) -> int:
        """Store a payload and return its key."""
        row = Payload(
            sha256=sha256,
            format=format_name,
            subject=subject,
            locator=locator,
            fetched_at=fetched_at,
            size=len(body),
            body=zlib.compress(body),
        )
        self._session.add(row)
        self._session.flush()
        return row.id

    def mark_ingested(self, payload_ids: Iterable[int], at: dt.datetime) -> None:
        """Say that the observations of these payloads are stored."""
        self._session.execute(update(Payload).where(Payload.id.in_(list(payload_ids))).values(ingested_at=at))

    def payload_body(self, payload_id: int) -> bytes:
        """The body of a payload, byte for byte as it was fetched."""
        return zlib.decompress(self._session.execute(select(Payload.body).where(Payload.id == payload_id)).scalar_one())

    def payload_hashes(self) -> dict[int, str]:
        """Hash of every payload by its key."""
        return {row.id: row.sha256 for row in self._session.execute(select(Payload.id, Payload.sha256))}

    def append(self, values: Sequence[StoredValue]) -> None:
        """Append values; each a new version of what was known, if anything was."""
        if values:
            self._session.execute(insert(Observation), [vars(value) for value in values])

    def latest(
        self, series: Iterable[str] | None = None, *, as_of: dt.datetime | None = None
    ) -> list[tuple[str, str, dt.date, float, int]]:
        """Series, publisher, day, value and payload key of the latest version of every observation, or of some series.

        With `as_of`, of the versions that were known at that instant.

        The latest is the one appended last: the assumed availability of the first version can lie after the instant at
        which a change of it was fetched. Sorted by series, publisher and day.
        """
        query = select(
            Observation.series, Observation.publisher, Observation.day, Observation.value, Observation.payload_id
        ).order_by(Observation.series, Observation.publisher, Observation.day, Observation.id)
        if series is not None:
            query = query.where(Observation.series.in_(sorted(series)))
        if as_of is not None:
            query = query.where(Observation.known_at <= as_of)
        newest: list[tuple[str, str, dt.date, float, int]] = []
        last = None
        for name, publisher, day, value, payload_id in self._session.execute(query):
            key = (name, publisher, day)
            if key == last:
                newest.pop()
            newest.append((name, publisher, day, value, payload_id))
            last = key
        return newest
