"""A body as text or as JSON, and the dates and numbers in it."""

from __future__ import annotations

import codecs
import datetime as dt
import json
import math
import re
from typing import Any, NoReturn

from signals.errors import DataQualityError
from tasks.sources.payload import Payload

# Narrower than float(): no infinities, no underscores, no digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def number_in(text: str) -> float | None:
    """The finite number a text consists of; None where it is none."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def iso_date(value: object) -> dt.date | None:
    """The day a text such as ``2020-03-05`` names; None for anything else."""
    if not isinstance(value, str) or not _ISO_DATE.fullmatch(value):
        return None
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def text_of(payload: Payload, what: str) -> str:
    """A body as text, without a byte order mark.

    Parameters
    ----------
    payload : Payload
    what : str
        What it should be, such as "a CSV file".

    Raises
    ------
    DataQualityError
        For an empty body, an HTML page, or bytes that are no UTF-8.
    """
    start = payload.body.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise DataQualityError(payload.locator, expected=what, got="an empty one", do="Fetch the file again.")
    if start.startswith(b"<"):
        raise DataQualityError(
            payload.locator,
            expected=what,
            got=f"an HTML page: {start[:40]!r}",
            do="A proxy or the publisher answered with a page; fetch the file again.",
        )
    try:
        return payload.body.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataQualityError(
            payload.locator,
            expected="text in UTF-8",
            got=f"the byte {payload.body[error.start]:#04x} at position {error.start}",
            do="Fetch the file again.",
        ) from error


def json_of(payload: Payload) -> Any:
    """A body as JSON in the strict sense: finite numbers only.

    Raises
    ------
    DataQualityError
    """
    text = text_of(payload, "a JSON file")
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        got = "one nested too deeply"
    except ValueError as error:
        got = str(error)
    raise DataQualityError(
        payload.locator, expected="a JSON file", got=got, do="The file was only half written; fetch it again."
    )


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"the number {constant}")


def json_number(value: object) -> float | None:
    """A number of a JSON body; None for anything else, for a truth value and for one too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
