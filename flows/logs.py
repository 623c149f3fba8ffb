"""Logs of a run: each line says which session and which run it is about.

A line is an event and its facts: ``... run=17 session=2026-11-20 fetched payloads=43 seconds=2.1``, or the same as one
JSON object. Facts are counts, names and durations; what may hold a secret, such as the text of a foreign error, is not
logged.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prefect import runtime
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL

from flows.settings import Settings
from signals.errors import TailguardError

LOG = logging.getLogger("tailguard")

#: Above every level.
_OFF = logging.CRITICAL + 1

#: Prefect's own lines about a run. A filter of a logger sees only what was logged with that very logger.
_RUN_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")

#: The run and its session or range.
_about: ContextVar[tuple[str, str]] = ContextVar("about", default=("-", "-"))


def runs_are_kept() -> bool:
    """Whether there is a Prefect server that outlives this process; what a temporary one is told nobody ever sees."""
    return bool(PREFECT_API_URL.value())


def start_logging(settings: Settings) -> None:
    """Log to standard error, and to Prefect's server where that keeps runs, as the settings say.

    Without a level in them, a run that a deployment started logs its steps, and one on a terminal nothing: how it ended
    is printed there.
    """
    level = (settings.log_level or ("info" if runtime.deployment.id is not None else "off")).upper()
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    handlers[0].setFormatter(_Json() if settings.log_format == "json" else _Text())
    if runs_are_kept():
        handlers.append(APILogHandler())
        handlers[1].setFormatter(_Words())
    for handler in handlers:
        handler.addFilter(_with_run)
    LOG.handlers, LOG.propagate = handlers, False
    LOG.setLevel(_OFF if level == "OFF" else level)
    for name in _RUN_LOGGERS:
        logging.getLogger(name).addFilter(_with_run)


@contextmanager
def about(run_id: int, session: str) -> Iterator[None]:
    """Let every line that is logged in here say which run, and which session or range, it is about."""
    token = _about.set((str(run_id), session))
    try:
        yield
    finally:
        _about.reset(token)


def tell(event: str, level: int = logging.INFO, **facts: Any) -> None:
    """Log an event."""
    LOG.log(level, event, extra={"facts": facts})


@contextmanager
def step(event: str) -> Iterator[dict[str, Any]]:
    """Log an event and how many seconds it took, with the facts that are put into what this yields."""
    facts: dict[str, Any] = {}
    level, started = logging.INFO, time.monotonic()
    try:
        yield facts
    except BaseException as error:
        level, facts["error"] = logging.WARNING, told_of(error)
        raise
    finally:
        tell(event, level, **facts, seconds=round(time.monotonic() - started, 2))


def told_of(error: BaseException) -> str:
    """What a log may say of an error: the words of ours name no secret, those of others might."""
    return str(error) if isinstance(error, TailguardError) else type(error).__name__


def _with_run(record: logging.LogRecord) -> bool:
    record.run, record.session = _about.get()
    return True


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = {"run": record.__dict__["run"], "session": record.__dict__["session"]}
    return found | getattr(record, "facts", {})


def _at(record: logging.LogRecord) -> str:
    return dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")


class _Words(logging.Formatter):
    """The event and its facts; Prefect adds the time and the level."""

    def format(self, record: logging.LogRecord) -> str:
        facts = _facts(record)
        about_run = f"run={facts.pop('run')} session={facts.pop('session')}"
        return " ".join([about_run, record.getMessage(), *(f"{name}={_word(fact)}" for name, fact in facts.items())])


class _Text(_Words):
    """The same as one line for people."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{_at(record)} {record.levelname} {super().format(record)}"


class _Json(logging.Formatter):
    """One JSON object for programs."""

    def format(self, record: logging.LogRecord) -> str:
        known = {"at": _at(record), "level": record.levelname, "event": record.getMessage()}
        known["flow_run"] = runtime.flow_run.id
        return json.dumps(known | _facts(record), default=str)


def _word(fact: Any) -> str:
    """A fact as one word; of several words, in quotation marks."""
    text = str(fact)
    return text if text and not set(text) & set(' "=\n\r\t') else json.dumps(text)
