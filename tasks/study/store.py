"""Where a study is kept: what it found, and before that what came of its parts, so that it goes on where it stopped."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from signals.document import decode, encode
from signals.errors import ConfigurationError
from signals.study.result import StudyResult
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock

#: Parts of a study that nobody went on with are forgotten after so many days.
KEPT_DAYS = 30


class Store(Protocol):
    """Where a study is kept."""

    def finished(self, key: str) -> StudyResult | None:
        """The complete study of a key, if there is one."""
        ...

    def parts(self, key: str) -> dict[str, str]:
        """What came of parts before, by name, as JSON."""
        ...

    def keep(self, key: str, part: str, document: str) -> None:
        """Keep what came of a part."""
        ...

    def add(self, key: str, result: StudyResult) -> None:
        """Keep a study, and forget its parts unless one of them failed."""
        ...


class Nowhere:
    """Keeps nothing."""

    def finished(self, key: str) -> StudyResult | None:
        """None: nothing is kept."""
        return None

    def parts(self, key: str) -> dict[str, str]:
        """None of them."""
        return {}

    def keep(self, key: str, part: str, document: str) -> None:
        """Forget it."""

    def add(self, key: str, result: StudyResult) -> None:
        """Forget it."""


@dataclass(frozen=True)
class StudyStore:
    """Keeps studies in a database, each part in a transaction of its own.

    `again` has a study made anew although it is there.
    """

    engine: Engine
    clock: Clock
    again: bool = False

    def finished(self, key: str) -> StudyResult | None:
        """The complete study of a key, if there is one, unless it is to be made again."""
        if self.again:
            return None
        with UnitOfWork(self.engine) as work:
            stored = work.studies.by_key(key)
            document = work.studies.document(stored.id) if stored is not None and stored.complete else None
        return None if document is None else result_of(document)

    def parts(self, key: str) -> dict[str, str]:
        """What came of parts before; none where the study is to be made again."""
        if self.again:
            return {}
        with UnitOfWork(self.engine) as work:
            return work.studies.parts(key)

    def keep(self, key: str, part: str, document: str) -> None:
        """Keep what came of a part."""
        # Another program may compute the same study at the same time, and comes to the same.
        with UnitOfWork(self.engine) as work, suppress(IntegrityError):
            work.studies.keep_part(key, part, document, self.clock())
            work.commit()

    def add(self, key: str, result: StudyResult) -> None:
        """Keep a study in place of one of the same key; the parts of one that is not complete stay."""
        now, complete = self.clock(), not result.failures
        with UnitOfWork(self.engine, alone=True) as work:
            work.studies.add(
                key,
                document_of(result),
                made_at=now,
                first=result.first,
                last=result.last,
                source=result.data["source"],
                simulated=result.simulated,
                complete=complete,
            )
            work.studies.drop_parts(key if complete else "", now - dt.timedelta(days=KEPT_DAYS))
            work.commit()


def document_of(result: StudyResult) -> str:
    """A result as JSON; the same result has the same bytes."""
    return json.dumps(encode(result), allow_nan=False)


def result_of(document: str) -> StudyResult:
    """The result that `document_of` made a document from."""
    return decode(StudyResult, json.loads(document))


def require_market_of(engine: Engine, *, simulated: bool) -> None:
    """Refuse to keep a study of the sample market beside real reports, and the other way round.

    Raises
    ------
    ConfigurationError
    """
    with UnitOfWork(engine) as work:
        known = work.observations.is_simulated()
    if known is not None and known != simulated:
        is_, other = ("the sample market", "the real market") if known else ("the real market", "the sample market")
        raise ConfigurationError(
            "database",
            expected=f"studies of {is_}, which it is about",
            got=f"one of {other}",
            do="Name another database with --database, or leave it out of any with --no-store.",
        )
