"""What stands before every page: who may ask, under which name, by which method, and the headers of each answer."""

from __future__ import annotations

import hmac
import html
import json
import logging
import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request, cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.review.keys import KEY, SUBSCRIPTIONS, cookie_value, subscription_key
from reports.review.problems import Problem

LOG = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"

COOKIE = "tailguard_review"
_PARAMETER = "token"

#: Where the form with the token goes: what is sent in a body stands in no address, history or log of a proxy.
_SIGN_IN = "/token"
_FORM_BYTES = 8_192

#: A place of ours: a path that a browser can take for no other host.
_PLACE = re.compile(r"/(?![/\\])[!-\[\]-~]*")

#: A name or an address, and perhaps a port.
_HOST = re.compile(r"(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(?::(\d{1,5}))?")

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
        self._cookie = cookie_value(token) if token else ""
        self._keys = {path: subscription_key(token, path) for path in SUBSCRIPTIONS} if token else {}

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
            if scope["method"] == "POST" and answer is self._app:
                answer = await self._signed_in(scope, receive)
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
        if scope["method"] == "POST" and scope["path"] == _SIGN_IN and self._token is not None:
            return None
        if scope["method"] not in ("GET", "HEAD"):
            answer = self._refuse(scope, Problem(405, "Only reading", "This app answers GET and HEAD only."))
            answer.headers["allow"] = "GET, HEAD"
            return answer
        if self._token is None or scope["path"].startswith(_OPEN):
            return None
        return self._admit(scope, headers, self._token)

    def _admit(self, scope: Scope, headers: Headers, token: bytes) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        onward = _own_address(scope, urlencode([(name, value) for name, value in query if name != _PARAMETER]))
        if scope["path"] == _SIGN_IN:
            onward = "/"
        if any(_same(value, token) for name, value in query if name == _PARAMETER):
            return self._remembering(scope, onward)
        key = self._keys.get(scope["path"])
        if key and any(_same(value, key.encode()) for name, value in query if name == KEY):
            return None
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(bearer.strip(), token):
            return None
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if _same(cookie, self._cookie.encode()):
            return RedirectResponse("/", 303) if scope["path"] == _SIGN_IN else None
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") == "navigate":
            # From a mail or a chat: the browser keeps the cookie back until a page of ours asks.
            return _going_on(scope, scope["query_string"].decode("latin-1"))
        return self._asking(scope, onward)

    def _asking(self, scope: Scope, onward: str, *, wrong: bool = False) -> Response:
        """The page that asks for the token, and then goes on to where the reader wanted to go."""
        detail = "Give the token of this app: here once, or with every request as a bearer token."
        answer = self._refuse(
            scope, Problem(401, "That is not the token" if wrong else "A token is needed", detail, onward=onward)
        )
        answer.headers["www-authenticate"] = 'Bearer realm="tailguard review"'
        # Otherwise a browser would not say where the form comes from.
        answer.headers["referrer-policy"] = "same-origin"
        return answer

    async def _signed_in(self, scope: Scope, receive: Receive) -> Response:
        """What is said to the form with the token, which only a page of ours may send."""
        request = Request(scope, receive)
        if not _is_from_here(request.headers):
            return self._refuse(scope, Problem(403, "Not from here", "Only the form of this app takes the token."))
        body = b""
        try:
            async for part in request.stream():
                body += part
                if len(body) > _FORM_BYTES:
                    return self._refuse(scope, Problem(413, "Too much", "The form takes the token and nothing else."))
        except ClientDisconnect:
            return Response(status_code=400)
        form = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        onward = form.get("onward", "")
        onward = onward if _PLACE.fullmatch(onward) else "/"
        if self._token is not None and _same(form.get(_PARAMETER, "").strip(), self._token):
            return self._remembering(scope, onward)
        return self._asking(scope, onward, wrong=True)

    def _remembering(self, scope: Scope, onward: str) -> Response:
        """Keep the reader known by a cookie, which is not the token, and go on without it in the address."""
        answer = RedirectResponse(onward, 303, headers={"cache-control": "no-store"})
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

    def _knows(self, host: str | None) -> bool:
        return host is not None and (host in self._hosts or (self._any_address and _is_address(host)))


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


def _is_from_here(headers: Headers) -> bool:
    """Whether a form was sent by a page of ours: as the browser says, or an older one by the origin it names."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _same(offered: str, expected: bytes) -> bool:
    return hmac.compare_digest(offered.encode(errors="replace"), expected)


def _host_of(header: str) -> str | None:
    """The name in a Host header, without its port; None where it is no such header."""
    found = _HOST.fullmatch(header)
    if found is None or int(found[3] or 1) not in range(1, 65536):
        return None
    return (found[2] or found[1].rstrip(".")).lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def problem_json(problem: Problem) -> Response:
    """A problem as a document."""
    return Response(
        json.dumps(problem.document()),
        problem.status,
        media_type=PROBLEM_TYPE,
        headers={"cache-control": "no-store"},
    )
