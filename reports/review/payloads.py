"""A payload: a published file as it was fetched, where it came from, and its bytes."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from reports.review.pages import TheSite, answer, page
from reports.review.parameters import Digits, OptionalDay
from reports.review.problems import Link, Problem
from signals.series import vx_expiry_of
from storage.payloads import StoredPayload
from storage.unit_of_work import UnitOfWork

router = APIRouter()

#: What is looked at of a body, and shown of it.
_BYTES, _LINES, _CHARACTERS = 8_000_000, 200, 400

#: Lines at the beginning that are shown where the line of the day is further down.
_HEAD = 8

_SEVERAL = 20

#: A format whose files are of one day, with a row for each contract.
_SHEET = "cboe-vx-sheet"


@dataclass(frozen=True)
class Line:
    """A line of a body."""

    number: int
    text: str
    marked: bool


@router.get("/payloads/{sha256}")
def show_payload(
    request: Request, site: TheSite, sha256: Digits, day: OptionalDay = None, series: str = ""
) -> Response:
    """What is known of a payload, and its beginning, with the line of a day."""
    with site.work() as work:
        payloads = _named(work, sha256)
        body = _body_start(work, payloads)
        simulated = work.observations.is_simulated()
    first = payloads[0]
    lines = None if body is None else excerpt(body, row_of(first.format, day, series))
    return page(
        request,
        "payload",
        {
            "payload": first,
            "others": payloads[1:],
            "lines": lines,
            "day": day,
            "series": series[:40],
            "found": any(line is not None and line.marked for line in lines or ()),
            "pruned": body is None and all(each.pruned_at for each in payloads),
        },
        simulated=simulated,
        section="/data",
    )


@router.get("/payloads/{sha256}/body")
def body_of_payload(request: Request, site: TheSite, sha256: Digits) -> Response:
    """The body of a payload, byte for byte."""
    with site.work() as work:
        payloads = _named(work, sha256)
        there = next((each for each in payloads if each.pruned_at is None), None)
        if there is None:
            raise Problem(
                404,
                "The body was pruned",
                f"It was removed on {payloads[0].pruned_at:%Y-%m-%d} to make room. The values read from it are stored; "
                "a backup, or the publisher, may have the body.",
                [Link("The payload", f"/payloads/{payloads[0].sha256}")],
            )
        body = work.observations.payload_body(there.id)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{there.format}-{there.subject}")[:80].strip("-.")
    return answer(
        request,
        body,
        "application/octet-stream",
        headers={
            "content-disposition": f'attachment; filename="{name}-{there.sha256[:8]}"',
            "x-content-sha256": there.sha256,
        },
        for_ever=True,
        etag=there.sha256,
    )


def _named(work: UnitOfWork, sha256: str) -> list[StoredPayload]:
    """The payloads of one hash, the newest first: a file can be read under several formats and subjects."""
    found = work.observations.payloads_like(sha256, _SEVERAL)
    if not found:
        raise Problem(404, "No such payload", f"No stored file has a hash that begins with {sha256}.")
    hashes = sorted({each.sha256 for each in found})
    if len(hashes) > 1:
        links = [Link(each, f"/payloads/{each}") for each in hashes]
        raise Problem(404, "Which payload?", f"Several hashes begin with {sha256}.", links)
    return found


def _body_start(work: UnitOfWork, payloads: list[StoredPayload]) -> bytes | None:
    there = next((each for each in payloads if each.pruned_at is None), None)
    return None if there is None else work.observations.payload_start(there.id, _BYTES)


def row_of(form: str, day: dt.date | None, series: str) -> re.Pattern[str] | None:
    """What the row of a value has in it: its day, or in a sheet of one day the expiry of the contract."""
    expiry = None
    with suppress(ValueError):
        expiry = vx_expiry_of(series)
    if form == _SHEET:
        # Smaller contracts expire on the same day.
        return re.compile(rf'^"?VX"?,.*{expiry}') if expiry else None
    return re.compile(rf"(?<!\d)({'|'.join(map(re.escape, spellings(day)))})(?!\d)") if day else None


def excerpt(body: bytes, wanted: re.Pattern[str] | None) -> list[Line | None] | None:
    """The first lines of a text, or a few of them, None for those left out, and those around the line that is wanted.

    None of what is no text.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(body) - 4:
            return None
        text = body[: error.start].decode("utf-8-sig")  # cut within a character
    if "\0" in text:
        return None
    lines = text.splitlines()
    hits = ((place, hit) for place, line in enumerate(lines) if wanted and (hit := wanted.search(line)))
    marked, hit = next(hits, (None, None))

    def shown(place: int) -> Line:
        return _line(place, lines[place], hit if place == marked else None)

    if marked is None or marked < _LINES:
        return [shown(place) for place in range(min(len(lines), _LINES))]
    start = max(marked - _LINES // 2, _HEAD)
    window = range(start, min(start + _LINES - _HEAD, len(lines)))
    return [*(shown(place) for place in range(_HEAD)), None, *(shown(place) for place in window)]


def _line(place: int, text: str, hit: re.Match[str] | None) -> Line:
    """A line, and of a long one its beginning; where something was found in it, what is around that."""
    if len(text) <= _CHARACTERS:
        return Line(place + 1, text, hit is not None)
    start = max(hit.start() - _CHARACTERS // 2, 0) if hit else 0
    before = "... " if start else ""
    return Line(
        place + 1, f"{before}{text[start : start + _CHARACTERS]} ... ({len(text):,} characters)", hit is not None
    )


def spellings(day: dt.date) -> tuple[str, ...]:
    """How publishers write a day."""
    return (
        day.isoformat(),
        f"{day:%m/%d/%Y}",
        f"{day.month}/{day.day}/{day.year}",
        f"{day:%Y%m%d}",
        f"{day:%d-%b-%Y}",
        f"{day:%b} {day.day}, {day.year}",
    )
