"""What is asked of a publisher, and what it answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

CSV = "text/csv"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain"

#: Parameters that name what a request is about, where its path does not.
_NAMING = ("dt", "id", "series_id")
_SUFFIXES = (".csv", "_History", ".json", ".ics")


@dataclass(frozen=True)
class Request:
    """A request, below the base address of its publisher.

    Attributes
    ----------
    path : str
        Decoded.
    query : mapping of str to str
        The first value of each parameter.
    raw : str
        The whole target as the server was asked for it.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    raw: str = ""

    @classmethod
    def read(cls, target: str, raw: str | None = None) -> Request:
        """The request that a target such as ``/graph/fredgraph.csv?id=DFF`` makes."""
        parts = urlsplit(target)
        query: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, value)
        return cls(unquote(parts.path) or "/", query, target if raw is None else raw)

    @property
    def target(self) -> str:
        """Path and parameters, decoded."""
        return self.path + ("?" + "&".join(f"{name}={value}" for name, value in self.query.items())) * bool(self.query)

    @property
    def subject(self) -> str:
        """What it is about: ``^GSPC``, ``VX_2020-03-18``, ``VIX``, ``DFF``, or the day of a settlement sheet."""
        for name in _NAMING:
            if name in self.query:
                return self.query[name]
        stem = self.path.rpartition("/")[2]
        for suffix in _SUFFIXES:
            stem = stem.removesuffix(suffix)
        return stem


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes
    ----------
    date : datetime.datetime, optional
        What the header `Date` says; without one there is no such header.
    truncated : bool
        Whether half of the body is sent, with the length of all of it announced.
    silent : bool
        Whether nothing is sent until the server stops.
    dripping : bool
        Whether the body is sent byte by byte, and takes `drip_seconds`.
    reset : bool
        Whether the connection is broken off in place of an answer.
    """

    body: bytes
    status: int = 200
    content_type: str = CSV
    headers: tuple[tuple[str, str], ...] = ()
    date: dt.datetime | None = None
    truncated: bool = False
    silent: bool = False
    dripping: bool = False
    drip_seconds: float = 600.0
    reset: bool = False


def not_found(what: str = "not found") -> Reply:
    """The answer about an address that a publisher does not have."""
    return Reply(f"{what}\n".encode(), 404, TEXT)
