"""Payloads: the bodies of published files as they were fetched, and what became of them."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from signals.errors import ConfigurationError
from storage.models import ChainCalls, Observation, Payload

#: Quotes nobody publishes a second time: their bodies are never pruned.
KEPT_FORMATS = ("cboe-option-chain",)

#: Rows named in one statement; databases allow only so many.
_AT_ONCE = 500


@dataclass(frozen=True)
class PayloadTotals:
    """What the payloads are together.

    Attributes
    ----------
    fetched_bytes, stored_bytes : int
        Of all bodies as they were fetched, and of those still there, compressed.
    """

    count: int
    fetched_bytes: int
    stored_bytes: int
    refused: int
    pruned: int


@dataclass(frozen=True)
class StoredPayload:
    """A payload without its body."""

    id: int
    sha256: str
    format: str
    subject: str
    locator: str
    fetched_at: dt.datetime
    fetched_bytes: int
    stored_bytes: int
    refusal: str | None
    pruned_at: dt.datetime | None


class PayloadRepository:
    """Payloads are added, marked as read, and pruned; their rows stay."""

    def __init__(self, session: Session) -> None:
        self._session = session

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

    def restore_body(self, payload_id: int, body: bytes) -> bool:
        """Store the body of a pruned payload again, now that it was fetched again.

        Returns
        -------
        bool
            Whether it had been pruned; if not, nothing changes.
        """
        pruned_at = self._session.scalar(select(Payload.pruned_at).where(Payload.id == payload_id))
        if pruned_at is None:
            return False
        self._session.execute(
            update(Payload).where(Payload.id == payload_id).values(body=zlib.compress(body), pruned_at=None)
        )
        return True

    def mark_ingested(self, payload_ids: Iterable[int], at: dt.datetime) -> None:
        """Say that the observations of these payloads are stored: none is refused any more."""
        self._session.execute(
            update(Payload).where(Payload.id.in_(list(payload_ids))).values(ingested_at=at, refusal=None)
        )

    def mark_refused(self, reasons: Mapping[int, str]) -> None:
        """Say of payloads, by their keys, why they could not be read."""
        for payload_id, reason in reasons.items():
            self._session.execute(update(Payload).where(Payload.id == payload_id).values(refusal=reason))

    def payload_body(self, payload_id: int) -> bytes:
        """The body of a payload, byte for byte as it was fetched.

        Raises
        ------
        ConfigurationError
            When it was pruned.
        """
        row = self._session.execute(
            select(Payload.body, Payload.pruned_at, Payload.sha256, Payload.locator).where(Payload.id == payload_id)
        ).one()
        if row.pruned_at is not None:
            raise ConfigurationError(
                f"payload {row.sha256[:8]} from {row.locator}",
                expected="its body",
                got=f"none: it was pruned on {row.pruned_at:%Y-%m-%d}",
                do="The values read from it are stored; fetch it again, or look into a backup, for the body itself.",
            )
        return zlib.decompress(row.body)

    def payload_start(self, payload_id: int, size: int) -> bytes:
        """The first bytes of a body that is there; all of a shorter one."""
        body: bytes = self._session.scalars(select(Payload.body).where(Payload.id == payload_id)).one()
        return zlib.decompressobj().decompress(body, size)

    def chain_times(self) -> dict[int, dt.datetime]:
        """When the chains whose calls are kept were quoted, by the key of their payload."""
        return {
            row.payload_id: row.quoted_at
            for row in self._session.execute(select(ChainCalls.payload_id, ChainCalls.quoted_at))
        }

    def chain_calls(self, payload_id: int) -> bytes | None:
        """The calls kept of a chain; None where they are not."""
        kept = self._session.scalar(select(ChainCalls.calls).where(ChainCalls.payload_id == payload_id))
        return None if kept is None else zlib.decompress(kept)

    def keep_chain_calls(self, payload_id: int, quoted_at: dt.datetime, calls: bytes) -> None:
        """Keep the calls of a chain in place of those that were kept; two runs that do at once break a constraint."""
        self._session.execute(delete(ChainCalls).where(ChainCalls.payload_id == payload_id))
        row = {"payload_id": payload_id, "quoted_at": quoted_at, "calls": zlib.compress(calls)}
        self._session.execute(insert(ChainCalls), [row])

    def readable_payloads(
        self, format_name: str, subject: str, *, as_of: dt.datetime | None = None
    ) -> list[StoredPayload]:
        """Payloads of one kind that were read and whose body is there, newest first; or those fetched by an instant."""
        wanted = [
            Payload.format == format_name,
            Payload.subject == subject,
            Payload.ingested_at.is_not(None),
            Payload.pruned_at.is_(None),
        ]
        if as_of is not None:
            wanted.append(Payload.fetched_at <= as_of)
        return self._stored(*wanted)

    def payload_hashes(self) -> dict[int, str]:
        """Hash of every payload by its key."""
        return {row.id: row.sha256 for row in self._session.execute(select(Payload.id, Payload.sha256))}

    def payload_totals(self, *, as_of: dt.datetime | None = None) -> PayloadTotals:
        """How many payloads there are and what they take; with `as_of`, those fetched by then."""
        query = select(
            func.count(),
            func.coalesce(func.sum(Payload.size), 0),
            func.coalesce(func.sum(func.length(Payload.body)), 0),
            func.count(Payload.refusal),
            func.count(Payload.pruned_at),
        )
        if as_of is not None:
            query = query.where(Payload.fetched_at <= as_of)
        count, fetched, stored, refused, pruned = self._session.execute(query).one()
        return PayloadTotals(count, int(fetched), int(stored), refused, pruned)

    def payloads_like(self, sha256: str, limit: int) -> list[StoredPayload]:
        """Payloads whose hash is, or begins with, some hexadecimal digits, newest first."""
        return self._stored(Payload.sha256.startswith(sha256, autoescape=True))[:limit]

    def refused_payloads(self) -> list[StoredPayload]:
        """Payloads that could not be read, newest first."""
        return self._stored(Payload.refusal.is_not(None))

    def prunable_payloads(self, fetched_before: dt.datetime, *, also_read: bool) -> list[StoredPayload]:
        """Payloads whose body may go, newest first.

        Those that were refused, and those that were read and of which no value was taken. With `also_read` also those
        of which values were taken, but not the last one of each format and subject. Never those of `KEPT_FORMATS`, and
        none that is still to be read.
        """
        taken = exists().where(Observation.payload_id == Payload.id)
        read = Payload.ingested_at.is_not(None)
        wanted: ColumnElement[bool] = or_(Payload.refusal.is_not(None), and_(read, ~taken))
        if also_read:
            last = select(func.max(Payload.id)).where(read).group_by(Payload.format, Payload.subject)
            wanted = or_(wanted, and_(read, Payload.id.not_in(last)))
        return self._stored(
            Payload.pruned_at.is_(None),
            Payload.format.not_in(KEPT_FORMATS),
            Payload.fetched_at < fetched_before,
            wanted,
        )

    def prune_bodies(self, payload_ids: Sequence[int], at: dt.datetime) -> None:
        """Empty the bodies of some payloads; everything else about them stays."""
        for start in range(0, len(payload_ids), _AT_ONCE):
            some = payload_ids[start : start + _AT_ONCE]
            self._session.execute(update(Payload).where(Payload.id.in_(some)).values(body=b"", pruned_at=at))

    def _stored(self, *wanted: ColumnElement[bool]) -> list[StoredPayload]:
        rows = self._session.execute(
            select(
                Payload.id,
                Payload.sha256,
                Payload.format,
                Payload.subject,
                Payload.locator,
                Payload.fetched_at,
                Payload.size,
                case((Payload.pruned_at.is_(None), func.length(Payload.body)), else_=0),
                Payload.refusal,
                Payload.pruned_at,
            )
            .where(*wanted)
            .order_by(Payload.fetched_at.desc(), Payload.id.desc())
        )
        return [StoredPayload(*row) for row in rows]
