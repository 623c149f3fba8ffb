"""Parameters of addresses, checked before anything is looked up. What a form leaves empty is not given."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, TypeVar

from fastapi import Path, Query
from pydantic import BeforeValidator, WithJsonSchema

from signals.zones import NEW_YORK

T = TypeVar("T")

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
#: What the key of a row can be: PostgreSQL refuses a greater one.
GREATEST_ID = 2**31 - 1

_REVISIONS = 1_000_000

_REPORT = re.compile(r"(\d{4}-\d\d-\d\d)(?:@([1-9]\d{0,5}))?")


def _date(value: object) -> object:
    text = str(value)
    if not _DATE.fullmatch(text):
        raise ValueError("a date as yyyy-mm-dd")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date that exists, as yyyy-mm-dd") from None


def _instant(value: object) -> object:
    try:
        found = dt.datetime.fromisoformat(str(value))
        aware = found if found.tzinfo else found.replace(tzinfo=NEW_YORK)
        return aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError("an instant such as 2020-03-16T18:45, New York time unless it names another") from None


def _whole_number(most: int) -> BeforeValidator:
    def checked(value: object) -> object:
        # Letters and signs that `int` takes are none of an address.
        if not re.fullmatch(r"[0-9]{1,10}", str(value)) or not 1 <= int(str(value)) <= most:
            raise ValueError(f"a whole number from 1 to {most}")
        return int(str(value))

    return BeforeValidator(checked)


def _unless_empty(check: BeforeValidator) -> BeforeValidator:
    def checked(value: object) -> object:
        return None if value is None or value == "" else check.func(value)  # type: ignore[call-arg]  # it may take a second argument, which none of ours does

    return BeforeValidator(checked)


def _named_report(value: object) -> object:
    if not _REPORT.fullmatch(str(value)):
        raise ValueError("a session with or without the number of a revision, such as 2020-03-16 or 2020-03-16@2")
    _date(str(value).partition("@")[0])
    return value


def parts_of(name: str) -> tuple[dt.date, int | None]:
    """The session and the revision of a `NamedReport`."""
    day, _, revision = name.partition("@")
    return dt.date.fromisoformat(day), int(revision) if revision else None


_A_DATE = WithJsonSchema({"type": "string", "format": "date"})
_AN_INSTANT = WithJsonSchema({"type": "string", "format": "date-time"})

_A_PATH_DATE = Path(description="A day, yyyy-mm-dd.", examples=["2020-03-16"])

Day = Annotated[dt.date, _A_PATH_DATE, BeforeValidator(_date), _A_DATE]
OptionalDay = Annotated[dt.date | None, _unless_empty(BeforeValidator(_date)), _A_DATE]
OptionalInstant = Annotated[dt.datetime | None, _unless_empty(BeforeValidator(_instant)), _AN_INSTANT]
NamedReport = Annotated[str | None, Query(), _unless_empty(BeforeValidator(_named_report))]
Revision = Annotated[
    int | None,
    Query(description="A certain revision; by default the newest."),
    _unless_empty(_whole_number(_REVISIONS)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": _REVISIONS}),
]
RowId = Annotated[int, Path(), _whole_number(GREATEST_ID)]
OptionalId = Annotated[int | None, Query(), _unless_empty(_whole_number(GREATEST_ID))]
RuleSetName = Annotated[str, Query(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="Of which rule set.")]
Series = Annotated[str, Path(pattern=r"^[A-Za-z0-9.&_-]{1,40}$", description="A series, such as SPX or VX.2020-03-18.")]
Digits = Annotated[str, Path(pattern=r"^[0-9a-f]{8,64}$", description="The hash of a payload, or its first digits.")]
