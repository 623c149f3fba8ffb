"""Sending what is pending in the outbox."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from reports.view import ReportView, report_view
from signals.document import decode
from signals.veqtor.report import SignalReport
from storage.outbox import Message
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
    retry: bool


def deliver(engine: Engine, channels: Mapping[str, Channel], clock: Clock) -> DeliverySummary:
    """Try every pending message once.

    Each message is claimed, sent, and marked in transactions of its own, so that no other run sends it too and a crash
    in between is found later. A channel that is not configured keeps its messages pending.
    """
    with UnitOfWork(engine) as work:
        work.outbox.abandon(clock() - CLAIM_EXPIRES_AFTER)
        pending = work.outbox.pending()
        work.commit()
    sent, problems, retry = 0, [], False
    for message in pending:
        where = f"{message.channel} to {message.recipient} for {message.session}"
        channel = channels.get(message.channel)
        if channel is None:
            problems.append(f"{where}: the channel is not configured")
            continue
        with UnitOfWork(engine) as work:
            if not work.outbox.claim(message.id, clock()):
                continue
            view, key = _content(work, message)
            work.commit()
        try:
            channel.send(message.recipient, view, key)
        except Refused as error:
            final = error.final or message.attempts + 1 >= MAX_ATTEMPTS
            with UnitOfWork(engine) as work:
                work.outbox.refused(message.id, str(error), final=final)
                work.commit()
            problems.append(f"{where}: {error}")
            retry |= not final
        except AcceptanceUnknown as error:
            with UnitOfWork(engine) as work:
                work.outbox.uncertain(message.id, str(error))
                work.commit()
            problems.append(f"{where}: unknown whether it arrived: {error}")
        else:
            with UnitOfWork(engine) as work:
                work.outbox.sent(message.id, clock())
                work.commit()
            sent += 1
    return DeliverySummary(sent, tuple(problems), retry)


def _content(work: UnitOfWork, message: Message) -> tuple[ReportView, str]:
    stored = work.reports.by_id(message.report_id)
    report = decode(SignalReport, json.loads(stored.document))
    view = report_view(report, revision=stored.revision, emitted_at=stored.emitted_at)
    to = hashlib.sha256(message.recipient.encode()).hexdigest()[:8]
    key = f"tailguard.{stored.session}.{stored.rule_set_digest[:8]}.r{stored.revision}.{to}"
    return view, key
