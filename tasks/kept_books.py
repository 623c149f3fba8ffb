"""The books of hedges, taken up where an earlier run left them, so that a run does not fold them from 2006."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

import signals as signals_package
from signals.alvh.book import Book
from signals.alvh.hedge import Hedges, hedges_of
from signals.alvh.kept import KeptBook
from signals.alvh.rules import RuleSet
from signals.document import decode, encode
from signals.options import OptionChain
from signals.veqtor.signal import VeqtorSignals
from storage.kept_books import StoredBook
from storage.unit_of_work import UnitOfWork
from tasks.sources.option_chain import READER_VERSION


@dataclass(frozen=True)
class KeptBooks:
    """Makes the hedges of a run from the books a database keeps, and keeps theirs.

    Attributes
    ----------
    engine : Engine
    since : datetime.date, optional
        The first session whose signal is wanted: a book is taken up only from before it. None to fold from the
        beginning.
    """

    engine: Engine
    since: dt.date | None

    def hedges(
        self,
        signals: VeqtorSignals,
        rule_sets: Sequence[RuleSet],
        notional_usd: float,
        chains: Mapping[dt.date, OptionChain] | None = None,
    ) -> Hedges:
        """What `signals.alvh.hedge.hedges_of` returns, to the bit, of the sessions that are wanted."""
        known = self._kept(rule_sets)
        wanted = {sha256: kept for sha256, kept in known.items() if self.since and kept.session < self.since}
        found = hedges_of(signals, rule_sets, notional_usd, chains, wanted)
        self._keep(found, {sha256: kept.session for sha256, kept in known.items()})
        return found

    def _kept(self, rule_sets: Sequence[RuleSet]) -> dict[str, KeptBook]:
        stored: list[StoredBook] = []
        # A cache that cannot be read is as good as none: the fold begins at the beginning.
        with suppress(DBAPIError), UnitOfWork(self.engine) as work:
            stored = work.kept_books.kept((rules.sha256 for rules in rule_sets), program_digest())
        found = {}
        for item in stored:
            # One that cannot be read is as good as none.
            with suppress(ValueError, TypeError, KeyError):
                book = decode(Book, json.loads(item.document))
                found[item.rule_set_sha256] = KeptBook(item.session, item.inputs, book)
        return found

    def _keep(self, hedges: Hedges, known: Mapping[str, dt.date]) -> None:
        """Keep what the next run can go on from. Where a database stays busy nothing is kept, and nothing is lost."""
        books = []
        for history in hedges.histories:
            book, sha256 = history.to_keep(), history.rules.sha256
            # A look at an older session leaves the book of a later one alone: that could not be judged.
            if book is not None and not (sha256 in known and known[sha256] > history.market.dates[-1]):
                books.append((sha256, book))
        if not books:
            return
        with suppress(DBAPIError), UnitOfWork(self.engine) as work:
            for sha256, book in books:
                document = json.dumps(encode(book.book))
                work.kept_books.keep(StoredBook(sha256, book.session, book.inputs, program_digest(), document))
            work.commit()


@cache
def program_digest() -> str:
    """A digest of the program that makes books from data: its files, the libraries it computes with, the machine."""
    package = Path(signals_package.__path__[0])
    files = sorted(path for path in package.rglob("*") if path.suffix in (".py", ".toml"))
    libraries = f"python {platform.python_version()} numpy {np.__version__} pandas {pd.__version__}"
    found = hashlib.sha256(f"{libraries} {platform.machine()} chains {READER_VERSION}".encode())
    for path in files:
        found.update(f"\n{path.relative_to(package)}\n".encode() + path.read_bytes())
    return found.hexdigest()
