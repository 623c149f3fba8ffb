"""A payload, and what every source has in common."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol


@dataclass(frozen=True)
class Payload:
    """The body of one published file, as it came.

    Attributes
    ----------
    format : str
        Names the parser: a key of `tasks.sources.formats.PARSERS`.
    subject : str
        What the file is about where its body does not say: an index, a ticker, a contract's expiry.
    locator : str
        Path or address it was read from, for errors and for provenance.
    body : bytes
    fetched_at : datetime.datetime, time zone aware
    assumed_availability : bool
        Whether the values became known when their publisher is assumed to have published them (a recorded file), or
        when they were fetched (a live read).
    """

    format: str
    subject: str
    locator: str
    body: bytes
    fetched_at: dt.datetime
    assumed_availability: bool

    @cached_property
    def sha256(self) -> str:
        """Hash of the body."""
        return hashlib.sha256(self.body).hexdigest()


class Source(Protocol):
    """Something that can fetch every payload the strategies need."""

    @property
    def name(self) -> str:
        """Name under which it is chosen and reported: ``files``, ``live`` or ``sample``."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether what it yields was made up and never traded."""
        ...

    def fetch(self) -> Iterator[Payload]:
        """Payloads, one by one, in a fixed order.

        Raises
        ------
        ConfigurationError
            When the source is not there or not readable.
        TransientSourceError
            When it cannot be reached, or answers something else, and may heal.
        """
        ...
