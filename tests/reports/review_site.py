"""The review app over a small database in which something of everything happened."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from reports.review.app import create_app
from reports.review.site import Governance, ReviewConfig, RuleSetStanding, Trouble
from signals.approvals import Approval
from signals.calendar import TradingCalendar
from signals.series import SPX, YAHOO
from storage.engine import open_engine
from storage.observations import StoredValue
from storage.outbox import SESSION_FAILED, NewAlert
from storage.runs import FAILED, NextRun, SessionOutcome
from storage.schema import ensure_schema
from storage.unit_of_work import UnitOfWork
from tasks.compute import Judgement, compute_stored, reports_on
from tasks.ingest import ingest
from tasks.persist import Recipient, emit
from tasks.sources.files import FilesSource
from tests.conftest import now
from tests.market_files import LAST

FIRST = dt.date(2006, 5, 1)
REVISED = dt.date(2006, 6, 28)
FAILED_SESSION = dt.date(2006, 7, 3)
HOLIDAY, SATURDAY = dt.date(2006, 5, 29), dt.date(2006, 6, 24)

#: When the readers look.
NOW = dt.datetime(2006, 7, 3, 22, 0, tzinfo=dt.UTC)
EMITTED = dt.datetime(2006, 6, 30, 23, 0, tzinfo=dt.UTC)

#: What would run, or change what is around it, where it is not escaped.
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}'--"

REFUSED_BODY = b"<html><script>alert('a page in place of data')</script>\n</html>\n"


def fill(url: str, data_dir: Path, calendar: TradingCalendar, *, words: str = "somewhere") -> str:
    """A database of the made-up market: its last two months, one session corrected, one failed, messages, a refusal.

    `words` stands wherever somebody else's words are stored.
    """
    engine = open_engine(url)
    ensure_schema(engine)
    ingest(FilesSource(data_dir, now), engine, now)
    sessions: list[dt.date] = calendar.sessions_in(FIRST, LAST).tolist()
    signals, hashes = compute_stored(engine, calendar, LAST, Judgement(LAST))
    reports = reports_on(signals, sessions, 1_000_000.0, hashes)
    hostile_inputs = tuple(replace(item, remark=words) for item in reports[-1].inputs)
    reports[-1] = replace(reports[-1], inputs=hostile_inputs)
    with UnitOfWork(engine) as work:
        run_id = work.runs.start("daily", "files", None, EMITTED)
        work.commit()
    emit(engine, run_id, reports, [], lambda: EMITTED)
    place = sessions.index(REVISED)
    target = replace(reports[place].target, equity=0.5, volatility=0.5, cash=0.0)
    emit(
        engine,
        run_id,
        [replace(reports[place], target=target, verdict="Move to 50% S&P 500, 50% VIX futures.")],
        [Recipient("email", "desk@example.com")],
        lambda: EMITTED + dt.timedelta(hours=1),
    )
    with UnitOfWork(engine) as work:
        failed = SessionOutcome(FAILED_SESSION, FAILED, f"no settlement of VXN06: {words}", None, NOW)
        work.runs.record(run_id, [failed], NOW)
        expected = NextRun(dt.date(2006, 7, 5), NOW + dt.timedelta(hours=1), NOW + dt.timedelta(days=1))
        work.runs.finish(run_id, NOW, f"ended: {words}", expected)
        alert = NewAlert(FAILED_SESSION, "d", SESSION_FAILED, words[:120], words, NOW)
        work.outbox.raise_alert(alert, run_id, [("slack", "webhook")], NOW)
        message = work.outbox.pending()[0]
        work.outbox.claim(message, NOW)
        work.outbox.uncertain(message, f"the server said {words}")
        changed = f"Date,Close\n{LAST},1\n{words}\n".encode()
        payload = work.observations.add_payload(sha256(changed), "csv", "SPX", words, NOW, changed)
        work.observations.append([StoredValue(SPX, YAHOO, LAST, 1270.5, NOW, False, payload)])
        refused = work.observations.add_payload(
            sha256(REFUSED_BODY), "cboe-vx-contract", "VX_2006-07-19", f"https://{words}", NOW, REFUSED_BODY
        )
        work.observations.mark_refused({refused: words})
        pruned = work.observations.add_payload(sha256(b"old"), "csv", "old", words, NOW, b"old")
        work.observations.mark_ingested([pruned], NOW)
        work.observations.prune_bodies([pruned], NOW)
        work.commit()
    engine.dispose()
    return url


def sha256(body: bytes) -> str:
    """The name of a payload."""
    return hashlib.sha256(body).hexdigest()


def config_of(url: str, calendar: TradingCalendar, *, words: str = "fine", **changes: Any) -> ReviewConfig:
    """What the command would tell the app."""
    standing = RuleSetStanding(
        name="veqtor",
        version=2,
        sha256="ab" * 32,
        description=words,
        values={"stop.limit": words},
        in_use=True,
        in_force=True,
        approvals=(Approval("veqtor", "ab", words, NOW),),
        not_counted=(words,),
    )
    config = ReviewConfig(
        open_database=lambda: open_engine(url, read_only=True, patience_seconds=0),
        clock=lambda: NOW,
        calendar=lambda: calendar,
        troubles=lambda _, __: [Trouble("NoSignal", words, "Look.")],
        governance=lambda: Governance(1, ("alice", words), (standing,)),
        gaps=lambda _: [],
        version="0.0",
    )
    return replace(config, **changes)


@dataclass(frozen=True)
class Reader:
    """Asks the app, as a browser on the same machine does."""

    app: FastAPI
    host: str = "localhost"

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """An answer; redirects are not followed."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport) as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, f"http://{self.host}{path}", headers=named)

        return asyncio.run(ask())


def reader_of(config: ReviewConfig) -> Reader:
    """A reader of an app of its own."""
    return Reader(create_app(config))
