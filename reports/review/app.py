"""The app: its pages, its interface for programs, and what it says when something is wrong."""

from __future__ import annotations

import http
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import Scope

from reports.review import (
    api,
    calendar,
    compare,
    data,
    feeds,
    history,
    outbox,
    payloads,
    report,
    rules,
    study,
    today,
    trace,
)
from reports.review.guard import PROBLEM_TYPE, Guard, problem_json
from reports.review.pages import FOR_EVER, page, static_files
from reports.review.problems import Problem, status_problem
from reports.review.site import ReviewConfig, Site

_ABOUT = (
    "Emitted signal reports and everything they rest on, read-only. Lists are paged: `next` is the address of the "
    "following page, and null at the end. Weights, returns and volatilities are decimals, instants UTC. Errors are "
    "problem documents (RFC 9457). Methods other than GET and HEAD are answered with 405."
)

#: Addresses whose readers are programs.
_FOR_PROGRAMS = ("/api/", "/openapi.json", "/health", "/schemas/", "/feed.atom", "/events.ics")

#: How many pages are worked on at a time; one that waits for the database, or draws, holds up no other.
_PAGES_AT_ONCE = 6

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def create_app(config: ReviewConfig) -> FastAPI:
    """The review app, ready to be served."""
    site = Site(config)
    app: FastAPI = FastAPI(
        title="tailguard review",
        version=config.version,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=_warm(site),
        middleware=[
            Middleware(
                Guard,
                refuse=lambda scope, problem: _refusal(app, scope, problem),
                hosts=(*_LOOPBACK, *config.hosts),
                any_address=config.any_address,
                token=config.token,
            ),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
        ],
    )
    app.state.site = site
    for module in (today, calendar, report, trace, payloads, compare, history, data, outbox, rules, study, feeds):
        app.include_router(module.router, include_in_schema=False)
    app.include_router(api.router)
    app.add_api_route("/static/{path:path}", _static, include_in_schema=False)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _problem)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Have the description of the interface say that problems are problem documents."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        for methods in document["paths"].values():
            for status, response in methods["get"]["responses"].items():
                content = response.get("content", {})
                if int(status) >= http.HTTPStatus.BAD_REQUEST and "application/json" in content:
                    content[PROBLEM_TYPE] = content.pop("application/json")
        return document

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI documents it


def _warm(site: Site) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Python computes one page at a time: more threads would only make every reader wait as long as the last one.
        current_default_thread_limiter().total_tokens = _PAGES_AT_ONCE
        # The calendar takes a second, which no reader should wait for.
        threading.Thread(target=_load, args=(site,), daemon=True, name="warm").start()
        yield

    return lifespan


def _load(site: Site) -> None:
    with suppress(Exception):  # a reader who needs it is told
        site.config.calendar()


async def _static(path: str) -> Response:
    found = static_files().get(path)
    if found is None:
        raise status_problem(404)
    content, kind = found
    return Response(content, media_type=kind, headers={"cache-control": FOR_EVER.replace("private", "public")})


async def _problem(request: Request, error: Exception) -> Response:
    """The answer where a page cannot be shown."""
    if isinstance(error, Problem):
        problem = error
    elif isinstance(error, RequestValidationError):
        problem = _malformed(error, 422 if _is_for_programs(request) else 400)
    else:
        problem = status_problem(error.status_code if isinstance(error, HTTPException) else 500)
    return _shown(request, problem)


def _malformed(error: RequestValidationError, status: int) -> Problem:
    """What is wrong with the parameters, without what pydantic calls it."""
    said = []
    for each in error.errors():
        name = str(each["loc"][-1])
        expected = str(each["msg"]).removeprefix("Value error, ")
        said.append(f"{name}: expected {expected[:1].lower()}{expected[1:]}, got {str(each.get('input'))[:80]!r}.")
    return Problem(status, "The address cannot be understood", " ".join(said))


def _is_for_programs(request: Request) -> bool:
    return request.url.path.startswith(_FOR_PROGRAMS)


def _refusal(app: FastAPI, scope: Scope, problem: Problem) -> Response:
    return _shown(Request({**scope, "app": app}), problem)


def _shown(request: Request, problem: Problem) -> Response:
    if _is_for_programs(request):
        return problem_json(problem)
    return page(request, "problem", {"problem": problem}, status=problem.status)
