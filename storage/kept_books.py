"""Books of hedges that are kept to go on from: a cache, whose rows can be deleted at any time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from storage.models import KeptBook


@dataclass(frozen=True)
class StoredBook:
    """The book of a rule set after a session as a document, with digests of what it was made from, and by."""

    rule_set_sha256: str
    session: dt.date
    inputs: str
    program: str
    document: str


class KeptBookRepository:
    """One book per rule set."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def kept(self, rule_sets: Iterable[str], program: str) -> list[StoredBook]:
        """The books of some rule sets, by their hashes, that a program made; those without one are left out."""
        query = select(
            KeptBook.rule_set_sha256, KeptBook.session, KeptBook.inputs, KeptBook.program, KeptBook.document
        ).where(KeptBook.rule_set_sha256.in_(list(rule_sets)), KeptBook.program == program)
        return [StoredBook(*row) for row in self._session.execute(query)]

    def keep(self, book: StoredBook) -> None:
        """Keep a book in place of the one its rule set had; two runs that do at once break a constraint."""
        self._session.execute(delete(KeptBook).where(KeptBook.rule_set_sha256 == book.rule_set_sha256))
        self._session.execute(insert(KeptBook), [vars(book)])
