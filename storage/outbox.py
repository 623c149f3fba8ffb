"""The outbox: messages written with their report and sent after it.

::

    PENDING --claim--> SENDING --accepted--> SENT
       ^                  |----refused-----> PENDING, or FAILED after the last attempt
       '---- (retry) -----'----unknown-----> UNCERTAIN

A pending message of which the recipient has one for a later revision becomes SUPERSEDED and is not sent.

A message is claimed, in a transaction of its own, before it is sent. What is found in SENDING later was left by a run
that died in between: whether it was accepted is unknown, so it becomes UNCERTAIN and is not sent again by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from storage.models import OutboxMessage, Report

PENDING, SENDING, SENT, FAILED = "PENDING", "SENDING", "SENT", "FAILED"
UNCERTAIN, SUPERSEDED = "UNCERTAIN", "SUPERSEDED"
STATES = (PENDING, SENDING, SENT, FAILED, UNCERTAIN, SUPERSEDED)


@dataclass(frozen=True)
class Message:
    """A row of the outbox, with what it is about."""

    id: int
    report_id: int
    session: dt.date
    revision: int
    channel: str
    recipient: str
    state: str
    attempts: int
    created_at: dt.datetime
    sent_at: dt.datetime | None
    last_error: str | None


class OutboxRepository:
    """Adds messages and moves them through their states."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, report_ids: Sequence[int], recipients: Sequence[tuple[str, str]], at: dt.datetime) -> int:
        """One message per report, channel and recipient, also if one is named twice; returns how many."""
        rows = [
            {
                "report_id": report_id,
                "channel": channel,
                "recipient": recipient,
                "state": PENDING,
                "attempts": 0,
                "created_at": at,
            }
            for report_id in report_ids
            for channel, recipient in dict.fromkeys(recipients)
        ]
        if rows:
            self._session.execute(insert(OutboxMessage), rows)
        return len(rows)

    def claim(self, message_id: int, at: dt.datetime) -> bool:
        """Take a pending message; False if another run has it."""
        return self._move(message_id, PENDING, state=SENDING, claimed_at=at, attempts=OutboxMessage.attempts + 1)

    def sent(self, message_id: int, at: dt.datetime) -> None:
        """The recipient's side accepted it."""
        self._move(message_id, SENDING, state=SENT, sent_at=at, last_error=None)

    def refused(self, message_id: int, error: str, *, final: bool) -> None:
        """It was certainly not accepted: try again, or give up."""
        self._move(message_id, SENDING, state=FAILED if final else PENDING, last_error=error)

    def uncertain(self, message_id: int, error: str) -> None:
        """It may or may not have been accepted."""
        self._move(message_id, SENDING, state=UNCERTAIN, last_error=error)

    def abandon(self, claimed_before: dt.datetime) -> int:
        """Mark as UNCERTAIN what a run that is gone had claimed; returns how many."""
        changed = self._session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.state == SENDING, OutboxMessage.claimed_at < claimed_before)
            .values(state=UNCERTAIN, last_error="the run that was sending it ended before it knew the answer")
            .returning(OutboxMessage.id)
        )
        return len(changed.all())

    def supersede(self) -> int:
        """Give up pending messages whose recipient has one for a later revision of the session; returns how many."""
        later_message, later_report = aliased(OutboxMessage), aliased(Report)
        overtaken = (
            select(OutboxMessage.id)
            .join(Report, Report.id == OutboxMessage.report_id)
            .join(
                later_report,
                and_(
                    later_report.session == Report.session,
                    later_report.rule_set_digest == Report.rule_set_digest,
                    later_report.revision > Report.revision,
                ),
            )
            .join(
                later_message,
                and_(
                    later_message.report_id == later_report.id,
                    later_message.channel == OutboxMessage.channel,
                    later_message.recipient == OutboxMessage.recipient,
                ),
            )
            .where(OutboxMessage.state == PENDING)
        )
        keys = self._session.scalars(overtaken).all()
        self._session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(keys)).values(state=SUPERSEDED))
        return len(keys)

    def last_told(self, sessions: Sequence[dt.date], rule_set_digest: str) -> dict[tuple[dt.date, str, str], int]:
        """Key of the newest report each recipient has a message for, by session, channel and recipient."""
        if not sessions:
            return {}
        rows = self._session.execute(
            select(Report.session, OutboxMessage.channel, OutboxMessage.recipient, Report.id)
            .join(OutboxMessage, OutboxMessage.report_id == Report.id)
            .where(Report.rule_set_digest == rule_set_digest, Report.session.between(min(sessions), max(sessions)))
            .order_by(Report.revision)
        )
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    def pending(self) -> list[Message]:
        """What waits to be sent, oldest first."""
        return self._messages(OutboxMessage.state == PENDING)

    def all(self, state: str | None = None) -> list[Message]:
        """Every message, oldest first, or those in one state."""
        return self._messages(OutboxMessage.state == state if state else None)

    def counts(self) -> dict[str, int]:
        """Messages by state."""
        rows = self._session.execute(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state))
        return {row[0]: row[1] for row in rows}

    def _messages(self, condition: ColumnElement[bool] | None) -> list[Message]:
        query = (
            select(
                OutboxMessage.id,
                OutboxMessage.report_id,
                Report.session,
                Report.revision,
                OutboxMessage.channel,
                OutboxMessage.recipient,
                OutboxMessage.state,
                OutboxMessage.attempts,
                OutboxMessage.created_at,
                OutboxMessage.sent_at,
                OutboxMessage.last_error,
            )
            .join(Report, Report.id == OutboxMessage.report_id)
            .order_by(OutboxMessage.id)
        )
        if condition is not None:
            query = query.where(condition)
        return [Message(*row) for row in self._session.execute(query)]

    def _move(self, message_id: int, expected: str, **values: object) -> bool:
        changed = self._session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message_id, OutboxMessage.state == expected)
            .values(**values)
            .returning(OutboxMessage.id)
        )
        return changed.one_or_none() is not None
