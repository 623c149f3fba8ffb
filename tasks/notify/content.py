"""What a message says, and the key that tells it from every other."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from reports.alert import alert_view
from reports.context import ReportContext, load_context
from reports.stored import content_of, report_before
from reports.view import ReportView, report_view
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from storage.outbox import SENT, UNCERTAIN, Message
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork
from tasks.notify.channel import Illustrated

if TYPE_CHECKING:
    from reports.charts.chart import Chart

T = TypeVar("T")

_LOG = logging.getLogger("tailguard.notify")


def message_view(
    work: UnitOfWork, message: Message, now: dt.datetime, illustrated: Illustrated | None = None
) -> ReportView:
    """What a message tells its recipient at an instant; a correction says what it corrects, as told to them.

    With the charts of the channel, if its messages have any.
    """
    if message.alert_id is not None:
        return _alert(work, message.alert_id, now)
    stored = work.reports.by_id(_report_id(message))
    report = content_of(stored)
    told = work.outbox.told_before(message) if stored.revision > 1 else None
    corrected = work.reports.by_id(told) if told is not None else None
    context: ReportContext | None = _or(None, "history", stored, lambda: load_context(work, stored))
    before: SignalReport | None = _or(None, "session before", stored, lambda: report_before(work, stored))
    told_before = before is not None and _or(False, "deliveries", stored, lambda: _was_told(work, message, before))
    charts: tuple[Chart, ...] = ()
    if illustrated is not None:
        charts = _or(charts, "charts", stored, lambda: illustrated.charts(work, stored, context))
    return report_view(
        report,
        revision=stored.revision,
        emitted_at=stored.emitted_at,
        shown_at=now,
        corrects=(corrected.revision, content_of(corrected)) if corrected else None,
        context=context,
        before=before,
        told_before=told_before,
        charts=charts,
    )


def _was_told(work: UnitOfWork, message: Message, before: SignalReport) -> bool:
    """Whether the recipient was sent the report of a session, or may have been."""
    told = work.outbox.last_told([before.session], before.rule_set_digest, (SENT, UNCERTAIN))
    return (before.session, message.channel, message.recipient) in told


def _or(otherwise: T, what: str, stored: StoredReport, load: Callable[[], T]) -> T:
    """What a report is read beside; where it cannot be had, the signal goes out without it."""
    try:
        return load()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the signal must not wait
        facts = {"what": what, "session": stored.session, "error": type(error).__name__}
        _LOG.warning("left out of a message", extra={"facts": facts})
        return otherwise


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
    said = _short_hash(stored.fingerprint, repr(content_of(stored).instruction.notional_usd))
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
        last=content_of(last) if last else None,
        emitted_since=bool(work.reports.stored(alert.rule_set_digest, [alert.session])),
    )


def _report_id(message: Message) -> int:
    if message.report_id is None:
        raise ValueError(f"message {message.id} is about nothing")
    return message.report_id
