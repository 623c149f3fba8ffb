"""The outbox: messages written with the report or the alert they are about, and sent after it.

::

    PENDING --claim--> SENDING --accepted--> SENT
       ^                  |----refused-----> PENDING until it is due again, or FAILED
       |                  '----unknown-----> UNCERTAIN
       |
       '-- resend -- FAILED, UNCERTAIN       by a person only, who also says that one
                                             arrived (SENT), or need not be sent any
                                             more (DROPPED)

A pending message becomes SUPERSEDED and is not sent if its recipient has a message that overtakes it: one about a later
revision of the report, or, where it is an alert, one about the report that was said to be missing. While the earlier
revision is being sent, the later one waits: it must not arrive first.

There is one alert for a session and a rule set, whatever happens to the session later.

A message is claimed, in a transaction of its own, before it is sent. What is found in SENDING later was left by a run
that died in between: whether it was accepted is unknown, so it becomes UNCERTAIN and is not sent again by itself.
Should that run be alive after all, what it finds out still counts, unless somebody decided or sent otherwise since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, select, true, update
from sqlalchemy.orm import Session, aliased

from storage.models import Alert, OutboxMessage, Report, Run

PENDING, SENDING, SENT, FAILED = "PENDING", "SENDING", "SENT", "FAILED"
UNCERTAIN, SUPERSEDED, DROPPED = "UNCERTAIN", "SUPERSEDED", "DROPPED"
STATES = (PENDING, SENDING, SENT, FAILED, UNCERTAIN, SUPERSEDED, DROPPED)

#: Recipients: a channel, and an address on it.
Addresses = Sequence[tuple[str, str]]

#: Neither on its way nor delivered: somebody or something has to do something about it.
UNSETTLED = (PENDING, SENDING, UNCERTAIN, FAILED)

#: Kinds of alert: the session has failed; or no attempt comes before its deadline, and a person still can.
SESSION_FAILED, LAST_CALL, IN_DOUBT = "FAILED", "LAST_CALL", "IN_DOUBT"


@dataclass(frozen=True)
class Message:
    """A row of the outbox, with what it is about: a report in one of its revisions, or an alert.

    Attributes
    ----------
    attempts : int
        Every one there was.
    refusals : int
        In a row, since it was written or a person had it sent again: they decide how long it waits, and when it fails.
    due_at : datetime.datetime, optional
        A pending message that was turned away is not tried before; None is at once.
    settled_at : datetime.datetime, optional
        When a person said that it arrived, or that it need not be sent.
    """

    id: int
    report_id: int | None
    alert_id: int | None
    session: dt.date
    revision: int | None
    alert: str | None
    channel: str
    recipient: str
    state: str
    attempts: int
    created_at: dt.datetime
    sent_at: dt.datetime | None
    last_error: str | None
    refusals: int = 0
    due_at: dt.datetime | None = None
    settled_at: dt.datetime | None = None


@dataclass(frozen=True)
class NewAlert:
    """An alert to raise: `title` says in a few words, and `text` in sentences, one a line, why there is no signal."""

    session: dt.date
    rule_set_digest: str
    kind: str
    title: str
    text: str
    deadline_at: dt.datetime


@dataclass(frozen=True)
class StoredAlert:
    """An alert as stored. `source` is that of the run that raised it."""

    id: int
    session: dt.date
    rule_set_digest: str
    kind: str
    title: str
    text: str
    deadline_at: dt.datetime
    raised_at: dt.datetime
    source: str


_MESSAGE: tuple[Any, ...] = (
    OutboxMessage.id,
    OutboxMessage.report_id,
    OutboxMessage.alert_id,
    func.coalesce(Report.session, Alert.session),
    Report.revision,
    Alert.kind,
    OutboxMessage.channel,
    OutboxMessage.recipient,
    OutboxMessage.state,
    OutboxMessage.attempts,
    OutboxMessage.created_at,
    OutboxMessage.sent_at,
    OutboxMessage.last_error,
    OutboxMessage.refusals,
    OutboxMessage.due_at,
    OutboxMessage.settled_at,
)

_ALERT: tuple[Any, ...] = (
    Alert.id,
    Alert.session,
    Alert.rule_set_digest,
    Alert.kind,
    Alert.title,
    Alert.text,
    Alert.deadline_at,
    Alert.raised_at,
    Run.source,
)


class OutboxRepository:
    """Adds messages, raises alerts with theirs, and moves messages through their states."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, report_ids: Sequence[int], recipients: Addresses, at: dt.datetime, *, told: bool = False) -> int:
        """One message per report, channel and recipient, also if one is named twice; returns how many.

        With `told` they are SENT: a person says that the recipients had them, of which this database knows nothing.
        """
        settled = {"state": SENT, "settled_at": at} if told else {}
        return self._add([{"report_id": report_id} | settled for report_id in report_ids], recipients, at)

    def raise_alert(self, alert: NewAlert, run_id: int, recipients: Addresses, at: dt.datetime) -> int:
        """Store an alert with a message for each recipient, and return its key.

        A second alert for its session and rule set breaks a constraint and with it the transaction.
        """
        row = Alert(**vars(alert), raised_at=at, run_id=run_id)
        self._session.add(row)
        self._session.flush()
        self._add([{"alert_id": row.id}], recipients, at)
        return row.id

    def alert(self, alert_id: int) -> StoredAlert:
        """The alert with a key that exists."""
        (found,) = self._alerts(Alert.id == alert_id)
        return found

    def alerts(self, sessions: Sequence[dt.date]) -> list[StoredAlert]:
        """The alerts of some sessions, whatever their rule set, by session."""
        return self._alerts(Alert.session.in_(sessions))

    def alerted(self, rule_set_digest: str, since: dt.date) -> set[dt.date]:
        """Sessions from `since` on with an alert."""
        query = select(Alert.session).where(Alert.rule_set_digest == rule_set_digest, Alert.session >= since)
        return set(self._session.scalars(query))

    def claim(self, message: Message, at: dt.datetime) -> bool:
        """Take a pending message as it was read; False if it was taken, changed or given up since."""
        taken = {"state": SENDING, "claimed_at": at, "due_at": None, "attempts": message.attempts + 1}
        return self._move(message.id, (PENDING,), message.attempts, taken)

    def sent(self, message: Message, at: dt.datetime) -> bool:
        """What was claimed was accepted; False if it is no longer ours to say."""
        return self._settle(message, state=SENT, sent_at=at, last_error=None, refusals=0)

    def refused(self, message: Message, error: str, due_at: dt.datetime | None) -> bool:
        """What was claimed was certainly not accepted: it is due again at an instant, or given up without one."""
        state = PENDING if due_at else FAILED
        return self._settle(message, state=state, due_at=due_at, last_error=error, refusals=message.refusals + 1)

    def postpone(self, channel: str, due_at: dt.datetime) -> None:
        """Let no pending message of a channel be due before an instant."""
        earlier = OutboxMessage.due_at.is_(None) | (OutboxMessage.due_at < due_at)
        pending = and_(OutboxMessage.channel == channel, OutboxMessage.state == PENDING)
        self._session.execute(update(OutboxMessage).where(pending, earlier).values(due_at=due_at))

    def uncertain(self, message: Message, error: str) -> bool:
        """What was claimed may or may not have been accepted."""
        return self._settle(message, state=UNCERTAIN, last_error=error)

    def resend(self, message_ids: Collection[int]) -> int:
        """Have failed and uncertain messages sent once more, at once; returns how many there were."""
        return self._decide(message_ids, (FAILED, UNCERTAIN), state=PENDING, due_at=None, refusals=0)

    def confirm(self, message_ids: Collection[int], at: dt.datetime) -> int:
        """A person says that uncertain or pending messages arrived; returns how many there were."""
        return self._decide(message_ids, (UNCERTAIN, PENDING), state=SENT, settled_at=at, due_at=None)

    def drop(self, message_ids: Collection[int], at: dt.datetime) -> int:
        """A person says that messages need not be sent any more; returns how many there were."""
        return self._decide(message_ids, (PENDING, FAILED), state=DROPPED, settled_at=at, due_at=None)

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
        return self._give_up(overtaken)

    def supersede_alerts(self) -> int:
        """Give up pending messages about an alert whose recipient has one about the report; returns how many.

        An alert is still due to a recipient whom nobody told of the report.
        """
        report_message = aliased(OutboxMessage)
        overtaken = (
            select(OutboxMessage.id)
            .join(Alert, Alert.id == OutboxMessage.alert_id)
            .join(Report, and_(Report.session == Alert.session, Report.rule_set_digest == Alert.rule_set_digest))
            .join(
                report_message,
                and_(
                    report_message.report_id == Report.id,
                    report_message.channel == OutboxMessage.channel,
                    report_message.recipient == OutboxMessage.recipient,
                ),
            )
            .where(OutboxMessage.state == PENDING, Alert.kind != IN_DOUBT)
        )
        return self._give_up(overtaken)

    def last_told(
        self, sessions: Sequence[dt.date], rule_set_digest: str, states: Collection[str] = STATES
    ) -> dict[tuple[dt.date, str, str], int]:
        """Key of the newest report each recipient has a message for, in some states, by session, channel, recipient."""
        if not sessions:
            return {}
        rows = self._session.execute(
            select(Report.session, OutboxMessage.channel, OutboxMessage.recipient, Report.id)
            .join(OutboxMessage, OutboxMessage.report_id == Report.id)
            .where(Report.rule_set_digest == rule_set_digest, Report.session.between(min(sessions), max(sessions)))
            .where(OutboxMessage.state.in_(states))
            .order_by(Report.revision)
        )
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    def told_before(self, message: Message) -> int | None:
        """Key of the newest earlier revision of a message's report that its recipient was sent, or may have been."""
        return self._earlier(message, (SENT, UNCERTAIN, SENDING))

    def overtakes(self, message: Message) -> bool:
        """Whether an earlier revision of a message's report is on its way to its recipient."""
        return self._earlier(message, (SENDING,)) is not None

    def _earlier(self, message: Message, states: Collection[str]) -> int | None:
        """Key of the newest earlier revision of which the recipient has a message in some states."""
        about, earlier = aliased(Report), aliased(Report)
        return self._session.scalar(
            select(earlier.id)
            .join(
                about,
                and_(
                    about.session == earlier.session,
                    about.rule_set_digest == earlier.rule_set_digest,
                    about.revision > earlier.revision,
                ),
            )
            .join(OutboxMessage, OutboxMessage.report_id == earlier.id)
            .where(
                about.id == message.report_id,
                OutboxMessage.channel == message.channel,
                OutboxMessage.recipient == message.recipient,
                OutboxMessage.state.in_(states),
            )
            .order_by(earlier.revision.desc())
            .limit(1)
        )

    def pending(self) -> list[Message]:
        """What waits to be sent, due or not, oldest first."""
        return self._messages(OutboxMessage.state == PENDING)

    def named(self, message_ids: Collection[int]) -> list[Message]:
        """The messages with some keys, as far as they exist, oldest first."""
        return self._messages(OutboxMessage.id.in_(message_ids))

    def all(self, state: str | None = None) -> list[Message]:
        """Every message, oldest first, or those in one state."""
        return self._messages(OutboxMessage.state == state if state else None)

    def newest(self, limit: int, *, state: str | None = None, before: int | None = None) -> list[Message]:
        """The newest messages, newest first; of those in one state, or older than the one with a key."""
        older = true() if before is None else OutboxMessage.id < before
        return self._messages(and_(older, OutboxMessage.state == state if state else true()), newest=limit)

    def counts(self) -> dict[str, int]:
        """Messages by state."""
        rows = self._session.execute(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state))
        return {row[0]: row[1] for row in rows}

    def _add(self, subjects: Sequence[dict[str, Any]], recipients: Addresses, at: dt.datetime) -> int:
        rows = [
            {"state": PENDING, "channel": channel, "recipient": recipient, "attempts": 0, "created_at": at} | subject
            for subject in subjects
            for channel, recipient in dict.fromkeys(recipients)
        ]
        if rows:
            self._session.execute(insert(OutboxMessage), rows)
        return len(rows)

    def _give_up(self, query: Select[Any]) -> int:
        keys = self._session.scalars(query).unique().all()
        # Still pending: another pass may have claimed one since, which is then on its way.
        given_up = (
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(keys), OutboxMessage.state == PENDING)
            .values(state=SUPERSEDED)
            .returning(OutboxMessage.id)
        )
        return len(self._session.scalars(given_up).all())

    def _alerts(self, condition: ColumnElement[bool]) -> list[StoredAlert]:
        query = select(*_ALERT).join(Run, Run.id == Alert.run_id).where(condition).order_by(Alert.session, Alert.id)
        return [StoredAlert(*row) for row in self._session.execute(query)]

    def _messages(self, condition: ColumnElement[bool] | None, newest: int | None = None) -> list[Message]:
        query = select(*_MESSAGE).outerjoin(Report, Report.id == OutboxMessage.report_id)
        query = query.outerjoin(Alert, Alert.id == OutboxMessage.alert_id)
        if condition is not None:
            query = query.where(condition)
        query = query.order_by(OutboxMessage.id.desc() if newest else OutboxMessage.id).limit(newest)
        return [Message(*row) for row in self._session.execute(query)]

    def _settle(self, message: Message, **values: object) -> bool:
        """Say what became of the attempt at a message that `claim` began, unless there was another one since."""
        return self._move(message.id, (SENDING, UNCERTAIN), message.attempts + 1, values)

    def _decide(self, message_ids: Collection[int], expected: tuple[str, ...], **values: object) -> int:
        """What a person decides about messages."""
        changed = self._session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(message_ids), OutboxMessage.state.in_(expected))
            .values(**values)
            .returning(OutboxMessage.id)
        )
        return len(changed.all())

    def _move(self, message_id: int, expected: tuple[str, ...], attempts: int, values: dict[str, object]) -> bool:
        changed = self._session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.id == message_id,
                OutboxMessage.state.in_(expected),
                OutboxMessage.attempts == attempts,
            )
            .values(values)
            .returning(OutboxMessage.id)
        )
        return changed.one_or_none() is not None
