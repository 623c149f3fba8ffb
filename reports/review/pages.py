"""Rendering: one environment for all templates, names of static files that change with them, and answers."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Any

from fastapi import Depends, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from reports.review.keys import subscription
from reports.review.site import Site
from reports.tables import signed
from signals.zones import NEW_YORK

#: Of the menu: address, name, key that leads there after g.
MENU = (
    ("/", "Today", "t"),
    ("/calendar", "Calendar", "c"),
    ("/reports", "Report", "r"),
    ("/history", "History", "h"),
    ("/diff", "Compare", "d"),
    ("/data", "Data", "a"),
    ("/outbox", "Outbox", "o"),
    ("/rules", "Rules", "u"),
    ("/study", "Study", "s"),
)

#: Of what never changes under its address.
FOR_EVER = "private, max-age=31536000, immutable"

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", "": "text/plain"}


def site_of(request: Request) -> Site:
    """The site an app was made for."""
    site: Site = request.app.state.site
    return site


async def _site(request: Request) -> Site:
    return site_of(request)


#: What an endpoint asks for.
TheSite = Annotated[Site, Depends(_site)]


def page(
    request: Request,
    template: str,
    context: Mapping[str, Any],
    *,
    simulated: bool | None = False,
    status: int = 200,
    section: str = "",
) -> Response:
    """A page for people.

    Parameters
    ----------
    template : str
        Its name, without the ending.
    simulated : bool, optional
        Whether the database is about the sample market; the page says so.
    section : str
        The entry of the menu it belongs to.
    """
    site = site_of(request)
    # A page that says what is wrong may be read by anybody.
    told = status == 200
    body = (
        _environment()
        .get_template(f"{template}.html.j2")
        .render(
            **context,
            menu=MENU,
            section=section,
            simulated=bool(simulated),
            program_version=site.config.version if told else "",
            subscription=lambda path: subscription(path, site.config.token if told else None),
            has_token=site.config.token is not None,
            printed_at=site.now(),
        )
        .encode()
    )
    if status != 200:
        return Response(body, status, media_type="text/html", headers={"cache-control": "no-store"})
    return answer(request, body, "text/html; charset=utf-8")


def answer(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    headers: Mapping[str, str] | None = None,
    for_ever: bool = False,
    etag: str | None = None,
) -> Response:
    """An answer with a validator; empty where the reader has it already."""
    tag = f'W/"{etag or hashlib.sha256(body).hexdigest()[:32]}"'
    told = {"etag": tag, "cache-control": FOR_EVER if for_ever else "private, no-cache", **(headers or {})}
    asked = request.headers.get("if-none-match", "")
    if tag in (each.strip() for each in asked.split(",")):
        return Response(status_code=304, headers=told)
    return Response(body, media_type=media_type, headers=told)


@cache
def static_files() -> dict[str, tuple[bytes, str]]:
    """Every static file by the name it is served under, with its type."""
    found = {}
    for path, content in _walk(resources.files("reports.review") / "static", ""):
        ending = path[path.rfind(".") :] if "." in path.rpartition("/")[2] else ""
        found[_hashed(path, content)] = content, _TYPES.get(ending, "application/octet-stream")
    return found


@cache
def static(path: str) -> str:
    """The address of a static file: with the hash of its content, so that it may be kept for ever."""
    content = (resources.files("reports.review") / "static").joinpath(path).read_bytes()
    return f"/static/{_hashed(path, content)}"


def _hashed(path: str, content: bytes) -> str:
    stem, dot, ending = path.rpartition(".")
    mark = hashlib.sha256(content).hexdigest()[:10]
    return f"{stem}.{mark}.{ending}" if dot and "/" not in ending else f"{path}.{mark}"


def _walk(place: Traversable, before: str) -> list[tuple[str, bytes]]:
    found = []
    for item in sorted(place.iterdir(), key=lambda each: each.name):
        name = f"{before}{item.name}"
        found += _walk(item, f"{name}/") if item.is_dir() else [(name, item.read_bytes())]
    return found


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports.review"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["static"] = static
    environment.filters |= {
        "new_york": new_york,
        "utc": utc,
        "size": size,
        "source": source,
        "percent": percent,
        "figure": figure,
        "signed": signed,
        "weekday": "{:%A}".format,
        "iso": _iso,
    }
    return environment


def new_york(instant: dt.datetime) -> str:
    """An instant to the minute on New York's clocks."""
    return f"{instant.astimezone(NEW_YORK):%a %Y-%m-%d %H:%M}"


def utc(instant: dt.datetime) -> str:
    """An instant to the second in UTC."""
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def _iso(value: dt.date | dt.datetime) -> str:
    return value.isoformat()


def source(locator: str) -> str:
    """Where something was read from, for readers: of a file of the host its name alone."""
    return locator if re.match(r"[a-z][a-z0-9+.-]+://", locator) else re.split(r"[/\\\\]", locator)[-1]


def size(count: int) -> str:
    """A number of bytes for people: ``3.4 MB``."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000.0, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


def percent(share: float | None, digits: int = 1) -> str:
    """A decimal as per cent; a dash for none."""
    return "-" if share is None else f"{share * 100:.{digits}f}%"


def figure(value: float | None) -> str:
    """A value with as many digits as were published; a dash for none."""
    if value is None:
        return "-"
    return f"{value:,.10f}".rstrip("0").rstrip(".") if abs(value) < 1e12 else f"{value:g}"
