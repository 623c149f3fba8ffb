"""What a message says, and the key that tells it from every other."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

from reports.alert import alert_view
from reports.view import ReportView, report_view
from signals.document import decode
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from storage.outbox import Message
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork


def message_view(work: UnitOfWork, message: Message, now: dt.datetime) -> ReportView:
    """What a message tells its recipient at an instant; a correction says what it corrects, as told to them."""
    if message.alert_id is not None:
        return _alert(work, message.alert_id, now)
    stored = work.reports.by_id(_report_id(message))
    told = work.outbox.told_before(message) if stored.revision > 1 else None
    before = work.reports.by_id(told) if told is not None else None
    return report_view(
        _report(stored),
        revision=stored.revision,
        emitted_at=stored.emitted_at,
        shown_at=now,
        corrects=(before.revision, _report(before)) if before else None,
    )


def message_key(work: UnitOfWork, message: Message) -> str:
    """A key that stays the same for every attempt at a message, by whatever process, and that no other message has.

    What is said is part of it: another database, or this one after a backup was restored, may say something else of the
    same revision of the same session.
    """
    market = "simulated." if work.observations.is_simulated() else ""
    to = _short_hash(message.recipient)
    if message.alert_id is not None:
        alert = work.outbox.alert(message.alert_id)
        said = _short_hash(alert.kind, alert.title, alert.text)
        return f"tailguard.{market}alert.{alert.session}.{alert.rule_set_digest[:8]}.{said}.{to}"
    stored = work.reports.by_id(_report_id(message))
    # The amounts follow from what the fingerprint covers and the notional, which it does not.
    said = _short_hash(stored.fingerprint, repr(_report(stored).instruction.notional_usd))
    return f"tailguard.{market}{stored.session}.{stored.rule_set_digest[:8]}.r{stored.revision}.{said}.{to}"


def message_id(message_key: str, sender: str) -> str:
    """The Message-ID of a mail, in angle brackets."""
    return f"<{message_key}@{sender.rpartition('@')[2].rstrip('>') or 'tailguard'}>"


def _short_hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def _alert(work: UnitOfWork, alert_id: int, now: dt.datetime) -> ReportView:
    alert = work.outbox.alert(alert_id)
    last = work.reports.newest(VEQTOR.name)
    return alert_view(
        alert,
        shown_at=now,
        simulated=bool(work.observations.is_simulated()),
        last=_report(last) if last else None,
        emitted_since=bool(work.reports.stored(alert.rule_set_digest, [alert.session])),
    )


def _report_id(message: Message) -> int:
    if message.report_id is None:
        raise ValueError(f"message {message.id} is about nothing")
    return message.report_id


def _report(stored: StoredReport) -> SignalReport:
    return decode(SignalReport, json.loads(stored.document))
