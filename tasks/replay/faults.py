"""How a publisher can be told to misbehave."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from signals.errors import ConfigurationError
from tasks.replay import damage
from tasks.replay.cboe import ABSENT, ARCHIVE, CHAINS, CONTRACTS
from tasks.replay.damage import Case
from tasks.replay.messages import CSV, HTML, TEXT, Reply, Request
from tasks.replay.settlement import SHEET
from tasks.replay.tables import Table, table_of

YAHOO, CBOE, CBOE_WEB, FRED, FRED_API, BLS = PUBLISHER_NAMES = ("yahoo", "cboe", "cboe-web", "fred", "fred-api", "bls")

_TABLES = (YAHOO, CBOE, CBOE_WEB, FRED, FRED_API)
_CONTRACTS = (CBOE, CBOE_WEB)
_DAYS = (YAHOO, CBOE, FRED, FRED_API)

_PAGE = b"<!doctype html>\n<html><head><title>Please sign in</title></head><body>Please sign in.</body></html>\n"
_RETRY_AFTER = 60
_SKEW_SECONDS = 86400.0

Change = Callable[[Reply, Case], Reply]


@dataclass(frozen=True)
class Kind:
    """One way to misbehave.

    Attributes
    ----------
    about : str
        What comes in place of the usual answer, in a line.
    change : callable
        Makes that of the usual answer.
    publishers : tuple of str
        Whom it can happen to.
    takes : str
        What the parameter of a fault means; empty where it takes none.
    text : bool
        Whether that is a text; otherwise it is a number.
    dated : bool
        Whether a fault may name the day of the row it hits.
    """

    about: str
    change: Change
    publishers: tuple[str, ...] = PUBLISHER_NAMES
    takes: str = ""
    text: bool = False
    dated: bool = False


@dataclass(frozen=True)
class Fault:
    """A kind of misbehaviour, and the answers it hits.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    publisher : str
        Name, or a glob such as ``cboe*``.
    glob : str
        What is asked about: a subject such as ``VX_2020-03-18``, ``^GSPC`` or the day of a settlement sheet, or the
        path with its parameters.
    times : int, optional
        After so many answers all is well again.
    until : datetime.datetime, optional
        From this instant on all is well again.
    value : str, optional
        The parameter of the kind.
    day : datetime.date, optional
        The row it hits, by its day or, in a settlement sheet, by the expiry of its contract. By default the last one,
        or the first contract.

    Raises
    ------
    ConfigurationError
        When there is no such kind or publisher, or the kind takes no such parameter.
    """

    kind: str
    publisher: str = "*"
    glob: str = "*"
    times: int | None = None
    until: dt.datetime | None = None
    value: str | None = None
    day: dt.date | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise _wrong(self.kind, f"one of {', '.join(KINDS)}", repr(self.kind))
        kind = KINDS[self.kind]
        if not any(fnmatchcase(name, self.publisher) for name in kind.publishers):
            raise _wrong(self.kind, f"a publisher of {', '.join(kind.publishers)}", repr(self.publisher))
        if self.value is not None and not (kind.takes and (kind.text or _is_number(self.value))):
            raise _wrong(self.kind, kind.takes or "no parameter", repr(self.value))
        if self.day is not None and not kind.dated:
            raise _wrong(self.kind, "no day", str(self.day))
        if self.times is not None and self.times < 1:
            raise _wrong(self.kind, "one answer or more", str(self.times))

    @classmethod
    def parse(cls, text: str) -> Fault:
        """The fault that ``KIND[=VALUE][@DAY]:PUBLISHER:GLOB[:TIMES]`` says.

        Raises
        ------
        ConfigurationError
        """
        found = re.fullmatch(r"([^:=@]+)(?:=([^:@]*))?(?:@([\d-]+))?:([^:]+):([^:]+)(?::(\d+))?", text)
        if found is None:
            raise _wrong(text, "KIND[=VALUE][@DAY]:PUBLISHER:GLOB[:TIMES]", repr(text))
        kind, value, day, publisher, glob, times = found.groups()
        try:
            on = dt.date.fromisoformat(day) if day else None
        except ValueError:
            raise _wrong(text, "a day such as 2020-03-13", repr(day)) from None
        return cls(kind, publisher, glob, int(times) if times else None, value=value, day=on)

    def hits(self, publisher: str, request: Request, instant: dt.datetime) -> bool:
        """Whether an answer would be hit."""
        return (
            publisher in KINDS[self.kind].publishers
            and fnmatchcase(publisher, self.publisher)
            and (fnmatchcase(request.subject, self.glob) or fnmatchcase(request.target, self.glob))
            and (self.until is None or instant < self.until)
        )

    def apply(self, reply: Reply, case: Case) -> Reply:
        """The answer in place of the usual one."""
        return KINDS[self.kind].change(reply, replace(case, day=self.day, value=self.value))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _wrong(about: str, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"fault {about}", expected=expected, got=got, do="`tailguard replay --list-faults` explains every kind."
    )


def _status(status: int, body: bytes) -> Change:
    return lambda _reply, _case: Reply(body, status, TEXT)


def _rows(change: Callable[[Table, Case], Table]) -> Change:
    """A change of the rows; an answer without rows stays as it is."""

    def apply(reply: Reply, case: Case) -> Reply:
        table = table_of(reply)
        return reply if table is None else replace(reply, body=change(table, case).body())

    return apply


def _too_many(_reply: Reply, case: Case) -> Reply:
    seconds = round(case.number(_RETRY_AFTER))
    return Reply(b"Too Many Requests\n", 429, TEXT, headers=(("Retry-After", str(seconds)),))


def _cut(reply: Reply, _case: Case) -> Reply:
    half = reply.body[: len(reply.body) // 2]
    return replace(reply, body=half[:-1] if half.endswith(b"\n") else half)


def _badly_encoded(reply: Reply, _case: Case) -> Reply:
    at = max(0, len(reply.body) - 3)
    return replace(reply, body=reply.body[:at] + b"\xe9" + reply.body[at:])


def _skewed(reply: Reply, case: Case) -> Reply:
    ahead = dt.timedelta(seconds=case.number(_SKEW_SECONDS))
    return replace(reply, date=(reply.date or case.instant) + ahead)


def _late(reply: Reply, case: Case) -> Reply:
    if reply.status != 200:
        return reply
    if case.request.path.rstrip("/") == SHEET:
        return damage.prior_sheet(case)
    if case.request.path.startswith(CHAINS):
        return ABSENT
    return _rows(damage.without_last)(reply, case)


def _missing(reply: Reply, case: Case) -> Reply:
    if case.request.path.startswith((CONTRACTS, ARCHIVE)):
        return Reply(b"not found\n", round(case.number(404)), TEXT)
    return _rows(damage.without_contract)(reply, case) if case.request.path.rstrip("/") == SHEET else reply


def _in_contracts(change: Callable[[Table, Case], Table]) -> Change:
    """A change of the rows of VX contracts; other files stay as they are."""

    def apply(reply: Reply, case: Case) -> Reply:
        of_contracts = case.request.path.startswith((CONTRACTS, ARCHIVE, SHEET))
        return _rows(change)(reply, case) if of_contracts else reply

    return apply


#: Every way to misbehave, by name.
KINDS: dict[str, Kind] = {
    "429": Kind("too many requests, with Retry-After", _too_many, takes="seconds to wait"),
    "500": Kind("an internal error of the server", _status(500, b"Internal Server Error\n")),
    "503": Kind("the server is out of service", _status(503, b"Service Unavailable\n")),
    "403": Kind("the server turns the program away", _status(403, b"Forbidden\n")),
    "silent": Kind("no answer, and the connection stays open", lambda reply, _case: replace(reply, silent=True)),
    "slow": Kind(
        "the body comes drop by drop",
        lambda reply, case: replace(reply, dripping=True, drip_seconds=case.number(reply.drip_seconds)),
        takes="seconds for all of it",
    ),
    "reset": Kind("the connection is broken off", lambda reply, _case: replace(reply, reset=True)),
    "redirect-loop": Kind(
        "a redirection to itself",
        lambda _reply, case: Reply(b"", 302, TEXT, headers=(("Location", case.request.raw),)),
    ),
    "truncated": Kind("half a body, with the length of all of it", lambda reply, _case: replace(reply, truncated=True)),
    "cut": Kind("half a body that ends within a line, and says so nowhere", _cut),
    "empty": Kind("nothing, with status 200", lambda reply, _case: replace(reply, body=b"", status=200)),
    "html": Kind("a web page in place of data", lambda _reply, _case: Reply(_PAGE, content_type=HTML)),
    "html-as-csv": Kind("a web page that calls itself a table", lambda _reply, _case: Reply(_PAGE, content_type=CSV)),
    "bad-encoding": Kind("a byte that is no UTF-8", _badly_encoded),
    "clock-skew": Kind("the clock of the server is ahead", _skewed, takes="seconds it is ahead"),
    "stale": Kind(
        "all as it was one session before", lambda _reply, case: case.ask(case.request, damage.before(case.instant))
    ),
    "late": Kind("the last row is not there yet; the sheet of a day is the one before", _late, _TABLES),
    "header-only": Kind("a header and no rows", _rows(damage.header_only), _TABLES),
    "missing-column": Kind("no column of values", _rows(damage.without_column), _TABLES),
    "renamed-column": Kind(
        "the column of values has another name",
        _rows(damage.with_renamed_column),
        _TABLES,
        takes="the name",
        text=True,
    ),
    "nan-last-bar": Kind("no value in the last row", _rows(damage.blank), _TABLES, dated=True),
    "live-bar": Kind("the last bar still moves", _rows(damage.live), (YAHOO,)),
    "gap": Kind("a row in the middle is left out", _rows(damage.without_row), _TABLES, dated=True),
    "duplicated-rows": Kind("a row twice", _rows(damage.duplicated), _TABLES, dated=True),
    "unordered-rows": Kind("the last two rows the wrong way round", _rows(damage.unordered), _TABLES),
    "future-row": Kind("a row of the next session", _rows(damage.future), _DAYS, dated=True),
    "holiday-row": Kind("a row on a day without a session", _rows(damage.holiday), _DAYS, dated=True),
    "changed-value": Kind(
        "another value than before: a revision",
        _rows(damage.revised),
        _TABLES,
        takes="the value",
        dated=True,
    ),
    "wrong-scale": Kind(
        "prices ten times what they are", _rows(damage.rescaled), _TABLES, takes="the factor", dated=True
    ),
    "negative": Kind("a value below zero", _rows(damage.negative), _TABLES, dated=True),
    "zero-settlement": Kind("a settlement of zero", _in_contracts(damage.zero), _CONTRACTS, dated=True),
    "text-in-number": Kind(
        "words in place of a value", _rows(damage.text), _TABLES, takes="the words", text=True, dated=True
    ),
    "missing-contract": Kind(
        "one contract is missing: no file, or no row in the sheet",
        _missing,
        _CONTRACTS,
        takes="status in place of the file",
        dated=True,
    ),
    "missing-front": Kind(
        "the sheet begins with the second contract", _in_contracts(damage.without_front), (CBOE_WEB,)
    ),
    "shifted-curve": Kind("contracts with the prices of the next", _in_contracts(damage.shifted), _CONTRACTS),
    "wrong-contract": Kind(
        "rows under the name of the next contract", _in_contracts(damage.of_another_contract), _CONTRACTS
    ),
}
