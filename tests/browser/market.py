"""A database as a year and a half of runs leave it: recorded data, a correction, messages, a failed session."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import Engine

from flows.rule_sets import rule_sets_named
from reports.study.export import study_json
from signals.calendar import TradingCalendar
from signals.series import CBOE, SPX, YAHOO
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from storage.engine import open_engine
from storage.observations import StoredValue
from storage.outbox import SESSION_FAILED, NewAlert
from storage.runs import AWAITING_DATA, FAILED, NextRun, SessionOutcome
from storage.schema import ensure_schema
from storage.unit_of_work import UnitOfWork
from tasks.compute import compute_stored, reports_on
from tasks.hedges import ReportHedges
from tasks.ingest import ingest
from tasks.persist import Recipient, emit
from tasks.sources.files import FilesSource
from tests.conftest import RECORDED_LAST, now
from tests.reports.made_study import made_study

FIRST, LAST = dt.date(2025, 1, 2), RECORDED_LAST

#: The session whose report was corrected, and the close that was wrong at first.
CORRECTED = dt.date(2025, 4, 8)
WRONG_CLOSE = 5_082.77

#: What the wrong close is said to have been read from.
WRONG_FILE = b"Date,Close\n2025-04-07,5062.25\n2025-04-08,5082.77\n"

Make = Callable[[Sequence[dt.date]], list[SignalReport]]

DESK, CHANNEL = Recipient("email", "desk@example.com"), Recipient("slack", "webhook")


def emitted_on(session: dt.date) -> dt.datetime:
    """When a run emitted the report of a session."""
    return dt.datetime.combine(session, dt.time(23, 5), dt.UTC)


def fill(path: Path, data_dir: Path, calendar: TradingCalendar) -> Path:
    """Write the database."""
    engine = open_engine(f"sqlite:///{path}")
    ensure_schema(engine)
    ingest(FilesSource(data_dir, now), engine, now)
    run_id = _run(engine, "backfill", emitted_on(FIRST))
    sessions: list[dt.date] = calendar.sessions_in(FIRST, LAST).tolist()
    _close(engine, WRONG_CLOSE, WRONG_FILE, emitted_on(CORRECTED) - dt.timedelta(minutes=30))
    early = [session for session in sessions if session <= CORRECTED]
    emit(engine, run_id, _computed(engine, calendar)(early), [], lambda: emitted_on(CORRECTED))
    right = _right_close(engine)
    _close(engine, right, f"Date,Close\n2025-04-08,{right}\n".encode(), emitted_on(CORRECTED) + dt.timedelta(hours=1))
    make = _computed(engine, calendar)
    emit(engine, run_id, make([CORRECTED]), [DESK], lambda: emitted_on(CORRECTED) + dt.timedelta(hours=2))
    emit(engine, run_id, make(sessions[len(early) : -1]), [], lambda: emitted_on(sessions[-2]))
    _finish(engine, run_id, emitted_on(sessions[-2]))
    daily = _run(engine, "daily", emitted_on(LAST))
    emit(engine, daily, make(sessions[-1:]), [DESK, CHANNEL], lambda: emitted_on(LAST))
    _finish(engine, daily, emitted_on(LAST))
    _expected_next(engine, calendar)
    _study(engine)
    engine.dispose()
    return path


def _study(engine: Engine) -> None:
    """A study, of a made-up market: a real one takes a minute."""
    result = made_study()
    with UnitOfWork(engine) as work:
        work.studies.add(
            "ab" * 32,
            study_json(result),
            made_at=emitted_on(LAST),
            first=result.first,
            last=result.last,
            source="files",
            simulated=False,
            complete=True,
        )
        work.commit()


def _run(engine: Engine, kind: str, at: dt.datetime) -> int:
    with UnitOfWork(engine) as work:
        run_id = work.runs.start(kind, "files", None, at)
        work.commit()
    return run_id


def _finish(engine: Engine, run_id: int, at: dt.datetime) -> None:
    with UnitOfWork(engine) as work:
        work.runs.finish(run_id, at, "done")
        work.commit()


def _right_close(engine: Engine) -> float:
    """What was known before the wrong one."""
    with UnitOfWork(engine) as work:
        changes = work.observations.changes(series=SPX)
    return next(item.before for item in changes if item.day == CORRECTED and item.publisher == YAHOO)


def _close(engine: Engine, value: float, body: bytes, at: dt.datetime) -> None:
    """A close of the S&P 500 as a later file has it; both publishers, or it would be refused."""
    with UnitOfWork(engine) as work:
        sha256 = hashlib.sha256(body).hexdigest()
        payload = work.observations.add_payload(sha256, "csv", "SPX", "https://example.com/spx.csv", at, body)
        both = [StoredValue(SPX, publisher, CORRECTED, value, at, False, payload) for publisher in (YAHOO, CBOE)]
        work.observations.append(both)
        work.commit()


def _computed(engine: Engine, calendar: TradingCalendar) -> Make:
    """What makes reports of the stored values."""
    signals, hashes = compute_stored(engine, calendar, LAST)
    hedges = ReportHedges(signals, rule_sets_named(("alvh-seed", "alvh-442")), 1e6)
    return lambda sessions: reports_on(signals, sessions, 1e6, hashes, (), hedges)


def _expected_next(engine: Engine, calendar: TradingCalendar) -> None:
    """Of the messages one arrived, and one is not known to; the next session failed and was told of, then one waits."""
    at = emitted_on(LAST)
    failed = calendar.next_session(LAST)
    waiting = calendar.next_session(failed)
    run_id = _run(engine, "daily", at + dt.timedelta(days=1))
    with UnitOfWork(engine) as work:
        mail, webhook = sorted(work.outbox.pending(), key=lambda message: message.channel)[-2:]
        for message in (mail, webhook):
            assert work.outbox.claim(message, at)
        work.outbox.sent(mail, at)
        work.outbox.uncertain(webhook, "no answer: ReadTimeout")
        deadline = at + dt.timedelta(days=1)
        work.runs.record(run_id, [SessionOutcome(failed, FAILED, "the settlements never came", None, deadline)], at)
        alert = NewAlert(
            failed, VEQTOR.digest, SESSION_FAILED, "settlements missing", "VX1 has no settlement.", deadline
        )
        work.outbox.raise_alert(alert, run_id, [(DESK.channel, DESK.address)], at)
        work.commit()
    run_id = _run(engine, "daily", at + dt.timedelta(days=2))
    with UnitOfWork(engine) as work:
        attempt, deadline = at + dt.timedelta(days=3), at + dt.timedelta(days=4)
        outcome = SessionOutcome(waiting, AWAITING_DATA, "waiting for the settlement of VXQ26", attempt, deadline)
        work.runs.record(run_id, [outcome], at + dt.timedelta(days=2))
        work.runs.finish(run_id, at + dt.timedelta(days=2), "awaiting data", NextRun(waiting, attempt, deadline))
        work.commit()
