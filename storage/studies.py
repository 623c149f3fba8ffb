"""Studies, and the parts of those that are not finished."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from storage.models import Study, StudyPart


@dataclass(frozen=True)
class StoredStudy:
    """A study without what it found.

    Attributes
    ----------
    id : int
    key : str
        A digest of everything it is made from, 64 hexadecimal digits.
    made_at : datetime.datetime, UTC
    first, last : datetime.date
        The range.
    source : str
        ``database``, or the source it was computed from without one.
    simulated : bool
        Whether it is about the sample market.
    complete : bool
        Whether none of its strategies and parts failed.
    """

    id: int
    key: str
    made_at: dt.datetime
    first: dt.date
    last: dt.date
    source: str
    simulated: bool
    complete: bool


_LIGHT = (
    Study.id,
    Study.key,
    Study.made_at,
    Study.first,
    Study.last,
    Study.source,
    Study.simulated,
    Study.complete,
)


class StudyRepository:
    """One study per key. Documents are JSON, as text."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        key: str,
        document: str,
        *,
        made_at: dt.datetime,
        first: dt.date,
        last: dt.date,
        source: str,
        simulated: bool,
        complete: bool,
    ) -> int:
        """Store a study, in place of one of the same key; returns its id. For a unit of work that writes alone."""
        row = {
            "made_at": made_at,
            "first": first,
            "last": last,
            "source": source,
            "simulated": simulated,
            "complete": complete,
            "document": _packed(document),
        }
        if not self._session.execute(update(Study).where(Study.key == key).values(row)).rowcount:  # type: ignore[attr-defined] # an update has one
            self._session.execute(insert(Study), [{"key": key, **row}])
        return self._session.execute(select(Study.id).where(Study.key == key)).scalar_one()

    def all(self) -> list[StoredStudy]:
        """All studies, the one made last first."""
        query = select(*_LIGHT).order_by(Study.made_at.desc(), Study.id.desc())
        return [StoredStudy(*row) for row in self._session.execute(query)]

    def newest(self) -> StoredStudy | None:
        """The one made last; None where there is none."""
        row = self._session.execute(select(*_LIGHT).order_by(Study.made_at.desc(), Study.id.desc()).limit(1)).first()
        return None if row is None else StoredStudy(*row)

    def by_id(self, study_id: int) -> StoredStudy | None:
        """The study of an id; None where there is none."""
        row = self._session.execute(select(*_LIGHT).where(Study.id == study_id)).first()
        return None if row is None else StoredStudy(*row)

    def by_key(self, key: str) -> StoredStudy | None:
        """The study of a key; None where there is none."""
        row = self._session.execute(select(*_LIGHT).where(Study.key == key)).first()
        return None if row is None else StoredStudy(*row)

    def document(self, study_id: int) -> str | None:
        """What a study found: JSON of `signals.study.result.StudyResult`; None where there is no such study."""
        packed = self._session.execute(select(Study.document).where(Study.id == study_id)).scalar_one_or_none()
        return None if packed is None else _unpacked(packed)

    def keep_part(self, key: str, part: str, document: str, kept_at: dt.datetime) -> None:
        """Keep what came of a part; two programs that keep the same one at once break a constraint."""
        self._session.execute(delete(StudyPart).where(StudyPart.key == key, StudyPart.part == part))
        row = {"key": key, "part": part, "kept_at": kept_at, "document": _packed(document)}
        self._session.execute(insert(StudyPart), [row])

    def parts(self, key: str) -> dict[str, str]:
        """What came of the parts of an unfinished study, by name."""
        rows = self._session.execute(select(StudyPart.part, StudyPart.document).where(StudyPart.key == key))
        return {part: _unpacked(packed) for part, packed in rows}

    def drop_parts(self, key: str, kept_before: dt.datetime | None = None) -> None:
        """Forget the parts of a study, and those of any that were kept before an instant."""
        which = StudyPart.key == key
        if kept_before is not None:
            which |= StudyPart.kept_at < kept_before
        self._session.execute(delete(StudyPart).where(which))


def _packed(document: str) -> bytes:
    return zlib.compress(document.encode())


def _unpacked(packed: bytes) -> str:
    return zlib.decompress(packed).decode()
