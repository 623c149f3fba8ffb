"""Sending what is due in the outbox."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from storage.outbox import Message
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock
from tasks.notify.backoff import next_attempt_at
from tasks.notify.channel import AcceptanceUnknown, Channel, Illustrated, Refused
from tasks.notify.content import message_key, message_view

#: A claim older than this belongs to a run that is gone.
CLAIM_EXPIRES_AFTER = dt.timedelta(minutes=15)

#: What one send may take in all. The timeout of a channel is that of each of its steps, and a server that answers a
#: letter at a time meets it for ever.
SEND_TAKES_AT_MOST = dt.timedelta(minutes=10)

#: What may be made for a message before it is sent; with the send it stays below the age at which a claim expires.
PREPARING_TAKES_AT_MOST = dt.timedelta(minutes=2)


@dataclass(frozen=True)
class DeliverySummary:
    """What one pass over the outbox did.

    `problems` has a line for each message that was not delivered, and one for all that wait for their next attempt.
    """

    sent: int
    problems: tuple[str, ...]


def deliver(
    engine: Engine,
    channels: Mapping[str, Channel],
    clock: Clock,
    *,
    at_once: bool = False,
    only: Collection[int] | None = None,
    send_takes_at_most: dt.timedelta = SEND_TAKES_AT_MOST,
) -> DeliverySummary:
    """Try every pending message that is due once.

    Each message is claimed, sent, and marked in transactions of its own, so that no other run sends it too and a crash
    in between is found later. A channel that is not configured keeps its messages pending; one that asks to be left
    alone for a while is, with all of them. A revision waits while an earlier one is on its way to the same recipient.

    Parameters
    ----------
    at_once : bool
        Whether somebody asks, who does not want to wait: messages that were turned away are tried before they are due.
    only : collection of int, optional
        Keys of the messages to look at, by default all.
    send_takes_at_most : datetime.timedelta
        A send without an answer by then is of unknown acceptance.
    """
    # Two passes at once would change the same rows in different orders, and hold each other up.
    with UnitOfWork(engine, alone=True) as work:
        abandoned = work.outbox.abandon(clock() - CLAIM_EXPIRES_AFTER)
        work.outbox.supersede()
        work.outbox.supersede_alerts()
        pending = [message for message in work.outbox.pending() if only is None or message.id in only]
        work.commit()
    problems = [f"{abandoned} left by a run that ended while sending: unknown whether sent"] if abandoned else []
    sent, waiting, left_alone = 0, list[dt.datetime](), dict[str, dt.datetime]()
    for message in pending:
        channel = channels.get(message.channel)
        if channel is None:
            problems.append(f"{_where(message)}: the channel is not configured")
            continue
        due_at = left_alone.get(message.channel, None if at_once else message.due_at)
        if due_at is not None and due_at > clock():
            waiting.append(due_at)
            continue
        with UnitOfWork(engine) as work:
            if not work.outbox.claim(message, clock()):
                continue
            if work.outbox.overtakes(message):
                problems.append(f"{_where(message)}: it waits for the earlier revision, which is being sent")
                continue
            work.commit()
        try:
            _send(engine, channel, message, clock, send_takes_at_most)
        except Refused as error:
            due_at = _refused(engine, message, error, clock())
            after = "not tried again" if due_at is None else f"next attempt {due_at:%Y-%m-%d %H:%M} UTC"
            problems.append(f"{_where(message)}: {error}; {after}")
            if due_at is not None and error.retry_after is not None:
                left_alone[message.channel] = due_at
        except AcceptanceUnknown as error:
            with UnitOfWork(engine) as work:
                work.outbox.uncertain(message, str(error))
                work.commit()
            problems.append(f"{_where(message)}: unknown whether it arrived: {error}")
        else:
            with UnitOfWork(engine) as work:
                work.outbox.sent(message, clock())
                work.commit()
            sent += 1
    if waiting:
        count = "1 message waits" if len(waiting) == 1 else f"{len(waiting)} messages wait"
        problems.append(f"{count} until {min(waiting):%Y-%m-%d %H:%M} UTC; `tailguard outbox send` tries at once")
    return DeliverySummary(sent, tuple(problems))


def _where(message: Message) -> str:
    about = "the alert of " if message.alert_id is not None else ""
    return f"{message.channel} to {message.recipient} for {about}{message.session}"


def _refused(engine: Engine, message: Message, error: Refused, now: dt.datetime) -> dt.datetime | None:
    """Store a refusal; returns when the message is due again, None if it is given up."""
    due_at = None if error.final else next_attempt_at(now, message.refusals + 1, error.retry_after)
    with UnitOfWork(engine) as work:
        work.outbox.refused(message, str(error), due_at)
        if due_at is not None and error.retry_after is not None:
            work.outbox.postpone(message.channel, due_at)
        work.commit()
    return due_at


def _send(engine: Engine, channel: Channel, message: Message, clock: Clock, at_most: dt.timedelta) -> None:
    """Send a claimed message.

    Raises
    ------
    Refused, AcceptanceUnknown
    """
    illustrated = channel if isinstance(channel, Illustrated) else None
    try:
        with UnitOfWork(engine) as work:
            # The key first: what a view is read beside may leave the transaction unusable.
            key = message_key(work, message)
            view = message_view(work, message, clock(), illustrated)
    except Exception as error:
        # One message must not keep the others from being sent. A later version may be able to render it.
        raise Refused(f"it could not be written: {type(error).__name__}", final=False) from error
    if illustrated is not None:
        try:
            _within(min(at_most, PREPARING_TAKES_AT_MOST), lambda: illustrated.prepare(view))
        except Exception as error:
            raise Refused(f"it could not be prepared: {error or type(error).__name__}", final=False) from error
    try:
        _within(at_most, lambda: channel.send(message.recipient, view, key))
    except (Refused, AcceptanceUnknown):
        raise
    except Exception as error:
        # What was not foreseen may have happened after the hand-over. Its text may hold a secret.
        raise AcceptanceUnknown(type(error).__name__) from error


def _within(at_most: dt.timedelta, send: Callable[[], None]) -> None:
    """Call `send`; what has not ended by then goes on by itself, and its end is unknown."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            send()
        except Exception as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=run, name="tailguard-send", daemon=True)
    thread.start()
    thread.join(at_most.total_seconds())
    if thread.is_alive():
        raise AcceptanceUnknown(f"no answer within {at_most.total_seconds() / 60:g} minutes")
    if raised:
        raise raised[0]
