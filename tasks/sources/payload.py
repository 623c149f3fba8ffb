"""A payload, and what every source has in common."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from signals.errors import TransientSourceError


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
    optional : bool
        Whether no decision rests on it: where it cannot be read, nothing else is amiss.
    through : datetime.date, optional
        The last day that was asked for; None where it has all there is.
    """

    format: str
    subject: str
    locator: str
    body: bytes
    fetched_at: dt.datetime
    assumed_availability: bool
    optional: bool = False
    through: dt.date | None = None

    @cached_property
    def sha256(self) -> str:
        """Hash of the body."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Fetched:
    """What a source brought.

    Attributes
    ----------
    payloads : tuple of Payload
        In a fixed order.
    failure : TransientSourceError, optional
        Which publishers did not answer, or not with data, where that is so; the payloads are those of the others.
    """

    payloads: tuple[Payload, ...]
    failure: TransientSourceError | None = None

    def complete(self) -> tuple[Payload, ...]:
        """The payloads, if nothing failed.

        Raises
        ------
        TransientSourceError
        """
        if self.failure:
            raise self.failure
        return self.payloads


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

    @property
    def heals(self) -> bool:
        """Whether a body that cannot be read may come out right the next time, without anybody mending it."""
        ...

    def fetch(self) -> Fetched:
        """Read everything there is.

        Raises
        ------
        ConfigurationError
            When the source is not there or not readable.
        """
        ...
