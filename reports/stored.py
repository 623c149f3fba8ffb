"""Stored reports as values, and the one a report is read after."""

from __future__ import annotations

import json

from signals.document import decode
from signals.veqtor.report import SignalReport
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork


def content_of(stored: StoredReport) -> SignalReport:
    """What a stored report says.

    Raises
    ------
    KeyError, TypeError, ValueError
        When its document is not that of a report.
    """
    return decode(SignalReport, json.loads(stored.document))


def stored_before(work: UnitOfWork, stored: StoredReport) -> StoredReport | None:
    """The report of the last session before a stored one's, as it was when that was emitted; None without any."""
    session = work.reports.last_session_before(stored.session, stored.rule_set_digest, as_of=stored.emitted_at)
    return work.reports.newest(stored.rule_set, session, as_of=stored.emitted_at) if session else None


def report_before(work: UnitOfWork, stored: StoredReport) -> SignalReport | None:
    """What that report says."""
    found = stored_before(work, stored)
    return content_of(found) if found else None
