"""What stands before every page: who may ask, under which name, by which method, and the headers of each answer."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import logging
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.review.problems import Problem

LOG = logging.getLogger("tailguard.review")

COOKIE = "tailguard_review"
_PARAMETER = "token"

#: A month; the token itself has no end.
_COOKIE_SECONDS = 30 * 24 * 3600

#: Reached without a token: what a monitor asks for says nothing of any report, what a page looks like neither.
_OPEN = ("/health", "/static/")

#: No script or style but ours, nothing from elsewhere, and nobody's frame.
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

FAILED = Problem(500, "Something went wrong here", "The log of the app says what. Nothing was changed.")

Refuse = Callable[[Scope, Problem], Response]


class Guard:
    """Middleware around the whole app.

    Parameters
    ----------
    app : ASGIApp
    refuse : callable
        The answer for a problem, as a page or as a document.
    hosts : tuple of str
        Names it answers to: any other is that of a page elsewhere which had its name point here (DNS rebinding).
    any_address : bool
        Whether it also answers to the number of an address, which nobody can have point elsewhere.
    token : str, optional
    """

    def __init__(
        self, app: ASGIApp, *, refuse: Refuse, hosts: tuple[str, ...], any_address: bool, token: str | None
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._hosts = frozenset(host.lower() for host in hosts)
        self._any_address = any_address
        self._token = token.encode() if token else None
        self._cookie = _derived(token) if token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        silent = scope["method"] == "HEAD"
        begun: list[bool] = []
        send = _with_headers(send, begun, silent=silent)
        try:
            answer = self._answer(scope) or self._app
            await answer({**scope, "method": "GET"} if silent else scope, receive, send)
        except Exception:
            LOG.exception("a page failed")
            if begun:
                raise
            await self._refuse(scope, FAILED)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        """What is said in place of the page; None where it is to be shown."""
        headers = Headers(scope=scope)
        if not self._knows(_host_of(headers.get("host", ""))):
            # Not even a page: whoever asks is not who the reader thinks.
            return Response("This app does not answer to that name.\n", 400, media_type="text/plain")
        if scope["method"] not in ("GET", "HEAD"):
            answer = self._refuse(scope, Problem(405, "Only reading", "This app answers GET and HEAD only."))
            answer.headers["allow"] = "GET, HEAD"
            return answer
        if self._token is None or scope["path"].startswith(_OPEN):
            return None
        return self._admit(scope, headers, self._token)

    def _admit(self, scope: Scope, headers: Headers, token: bytes) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        offered = [value for name, value in query if name == _PARAMETER]
        if offered and any(hmac.compare_digest(value.encode(), token) for value in offered):
            rest = urlencode([(name, value) for name, value in query if name != _PARAMETER])
            return self._remembering(scope, rest)
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(bearer.strip().encode(), token):
            return None
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if hmac.compare_digest(cookie.encode(), self._cookie.encode()):
            return None
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") == "navigate":
            # From a mail or a chat: the browser keeps the cookie back until a page of ours asks.
            return _going_on(scope, scope["query_string"].decode("latin-1"))
        answer = self._refuse(
            scope,
            Problem(
                401,
                "A token is needed",
                "Give the token of this app: once here or as ?token=..., or with every request as a bearer token.",
            ),
        )
        answer.headers["www-authenticate"] = 'Bearer realm="tailguard review"'
        return answer

    def _remembering(self, scope: Scope, query: str) -> Response:
        """Keep the reader known by a cookie, which is not the token, and go on without it in the address."""
        answer = RedirectResponse(_own_address(scope, query), 303, headers={"cache-control": "no-store"})
        answer.set_cookie(
            COOKIE,
            self._cookie,
            max_age=_COOKIE_SECONDS,
            path="/",
            secure=scope.get("scheme") == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    def _knows(self, host: str) -> bool:
        return host in self._hosts or (self._any_address and _is_address(host))


def _going_on(scope: Scope, query: str) -> HTMLResponse:
    """A page that leads on to an address of ours: a request of its own, so that the cookie comes with it."""
    target = html.escape(_own_address(scope, query))
    page = (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>tailguard</title>'
        f'<meta http-equiv="refresh" content="0;url={target}"><p><a href="{target}">Go on to tailguard</a></p></html>'
    )
    return HTMLResponse(page, headers={"cache-control": "no-store"})


def _own_address(scope: Scope, query: str) -> str:
    # Neither "//" nor a backslash at its beginning: both lead a browser to another host.
    path = "/" + quote(scope["path"].lstrip("/"))
    return f"{path}?{query}" if query else path


def _with_headers(send: Send, begun: list[bool], *, silent: bool) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            begun.append(True)
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "private, no-cache")
        elif silent and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending


def _host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower().rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _derived(token: str) -> str:
    """What a cookie holds: who reads it cannot use it as the token elsewhere."""
    return hmac.new(token.encode(), b"tailguard review cookie", hashlib.sha256).hexdigest()


def problem_json(problem: Problem) -> Response:
    """A problem as a document."""
    return Response(
        json.dumps(problem.document()),
        problem.status,
        media_type="application/problem+json",
        headers={"cache-control": "no-store"},
    )
