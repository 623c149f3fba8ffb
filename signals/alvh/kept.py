"""Books that are kept, so that a fold goes on where an earlier one was and need not begin at the beginning.

A book is a pure function of its rule set and of what it trades in up to its session. A kept book carries a digest of
all of that: it is taken up only where a fold from the beginning would come to the same book, to the bit. That the same
program made it is for the caller to see to. What is kept can be thrown away at any time.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.alvh.book import Book, Books
from signals.alvh.conditions import Conditions
from signals.alvh.market import OptionMarket
from signals.alvh.rules import RuleSet

#: A book is kept so many sessions before the last one: values of the sessions since may still be mended.
SESSIONS_BEHIND = 30

#: A kept book this far behind is replaced by a later one.
OLDEST_SESSIONS = 90


@dataclass(frozen=True)
class KeptBook:
    """The book after a session, and the digest of what it was made from."""

    session: dt.date
    inputs: str
    book: Book


def kept_row(kept: KeptBook | None, market: OptionMarket, books: Books, given: Conditions) -> int | None:
    """The row of a kept book that is what a fold of `books` from the beginning comes to; None if it is not."""
    if kept is None:
        return None
    row = market.row_at(kept.session)
    if not books.inception <= row < len(market.dates) or market.dates[row] != kept.session:
        return None
    return row if inputs_digest(market, books, given, row) == kept.inputs else None


def book_to_keep(market: OptionMarket, books: Books, given: Conditions) -> KeptBook | None:
    """The book to keep of a fold; None where the one it went on from is recent enough, or the history is too short."""
    last = len(market.dates) - 1
    row = last - SESSIONS_BEHIND
    recent = books.first > books.inception and last - books.first <= OLDEST_SESSIONS
    if recent or row < books.first or not market.can_be_named(row):
        return None
    return KeptBook(market.dates[row], inputs_digest(market, books, given, row), books.at(row))


def inputs_digest(market: OptionMarket, books: Books, given: Conditions, row: int) -> str:
    """A digest of everything the book after the session in a row depends on."""
    rules: RuleSet = books.rules
    ends = row + 1
    conditions = [part[:ends] for part in (given.multiplier, given.factor, given.collapsed, given.equity_change)]
    written = [rules.sha256, books.notional, books.inception, conditions, market.names_to(row)]
    found = hashlib.sha256(json.dumps(written).encode())
    for array in market.arrays_to(row):
        found.update(_bytes(array))
    return found.hexdigest()


def _bytes(array: npt.NDArray[np.generic]) -> bytes:
    return f"{array.dtype.str} {array.shape} ".encode() + np.ascontiguousarray(array).tobytes()
