"""Sending what is pending in the outbox."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from reports.alert import alert_view
from reports.view import ReportView, report_view
from signals.document import decode
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from storage.outbox import Message
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock
from tasks.notify.channel import AcceptanceUnknown, Channel, Refused

MAX_ATTEMPTS = 8

#: A claim older than this belongs to a run that is gone.
CLAIM_EXPIRES_AFTER = dt.timedelta(minutes=15)


@dataclass(frozen=True)
class DeliverySummary:
    """What one pass over the outbox did; `problems` has one line for each message that was not delivered."""

    sent: int
    problems: tuple[str, ...]


def deliver(engine: Engine, channels: Mapping[str, Channel], clock: Clock) -> DeliverySummary:
    """Try every pending message once.

    Each message is claimed, sent, and marked in transactions of its own, so that no other run sends it too and a crash
    in between is found later. A channel that is not configured keeps its messages pending.
    """
    with UnitOfWork(engine) as work:
        abandoned = work.outbox.abandon(clock() - CLAIM_EXPIRES_AFTER)
        work.outbox.supersede()
        work.outbox.supersede_alerts()
        pending = work.outbox.pending()
        work.commit()
    problems = [f"{abandoned} left by a run that ended while sending: unknown whether sent"] if abandoned else []
    sent = 0
    for message in pending:
        about = "the alert of " if message.alert_id is not None else ""
        where = f"{message.channel} to {message.recipient} for {about}{message.session}"
        channel = channels.get(message.channel)
        if channel is None:
            problems.append(f"{where}: the channel is not configured")
            continue
        with UnitOfWork(engine) as work:
            if not work.outbox.claim(message.id, clock()):
                continue
            view, key = _content(work, message, clock())
            work.commit()
        problem = _send(engine, channel, message, view, key, clock)
        if problem is None:
            sent += 1
        else:
            problems.append(f"{where}: {problem}")
    return DeliverySummary(sent, tuple(problems))


def _send(engine: Engine, channel: Channel, message: Message, view: ReportView, key: str, clock: Clock) -> str | None:
    """Send a claimed message and store what became of it; returns what went wrong."""
    try:
        channel.send(message.recipient, view, key)
    except Refused as error:
        final = error.final or message.attempts + 1 >= MAX_ATTEMPTS
        with UnitOfWork(engine) as work:
            work.outbox.refused(message.id, str(error), final=final)
            work.commit()
        return str(error)
    except Exception as error:  # noqa: BLE001 - one message must not keep the others from being sent
        # What was not foreseen may have happened after the hand-over. Its text may hold a secret.
        reason = str(error) if isinstance(error, AcceptanceUnknown) else type(error).__name__
        with UnitOfWork(engine) as work:
            work.outbox.uncertain(message.id, reason)
            work.commit()
        return f"unknown whether it arrived: {reason}"
    with UnitOfWork(engine) as work:
        work.outbox.sent(message.id, clock())
        work.commit()
    return None


def _content(work: UnitOfWork, message: Message, now: dt.datetime) -> tuple[ReportView, str]:
    """The view of what a message is about, and the key that stays the same for every attempt at it."""
    to = hashlib.sha256(message.recipient.encode()).hexdigest()[:8]
    if message.alert_id is not None:
        return _alert(work, message.alert_id, now, to)
    if message.report_id is None:
        raise ValueError(f"message {message.id} is about nothing")
    stored = work.reports.by_id(message.report_id)
    view = report_view(_report(stored), revision=stored.revision, emitted_at=stored.emitted_at, shown_at=now)
    return view, f"tailguard.{stored.session}.{stored.rule_set_digest[:8]}.r{stored.revision}.{to}"


def _alert(work: UnitOfWork, alert_id: int, now: dt.datetime, to: str) -> tuple[ReportView, str]:
    alert = work.outbox.alert(alert_id)
    last = work.reports.newest(VEQTOR.name)
    view = alert_view(
        alert,
        shown_at=now,
        simulated=bool(work.observations.is_simulated()),
        last=_report(last) if last else None,
        emitted_since=bool(work.reports.stored(alert.rule_set_digest, [alert.session])),
    )
    return view, f"tailguard.alert.{alert.session}.{alert.rule_set_digest[:8]}.{to}"


def _report(stored: StoredReport) -> SignalReport:
    return decode(SignalReport, json.loads(stored.document))
