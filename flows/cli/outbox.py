"""``outbox``: the messages, what became of them, and what a person decides about those that need it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

import click
from sqlalchemy import Engine

from flows.cli.main import EXIT_UNDELIVERED
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from flows.settings import load_settings
from signals.errors import ConfigurationError
from storage.engine import open_engine
from storage.outbox import DROPPED, FAILED, PENDING, SENDING, SENT, STATES, SUPERSEDED, UNCERTAIN, UNSETTLED, Message
from storage.unit_of_work import UnitOfWork
from tasks.clock import clock_at
from tasks.notify.channel import EMAIL, SLACK
from tasks.notify.content import message_id, message_key
from tasks.notify.deliver import CLAIM_EXPIRES_AFTER, DeliverySummary, deliver

#: What can be done about a message in a state, for whoever asked for something else.
_ADVICE = {
    PENDING: "It is sent by the next run, and at once by `tailguard outbox send`.",
    SENDING: f"Another program is sending it; if that one died, it is UNCERTAIN {CLAIM_EXPIRES_AFTER.seconds // 60} "
    "minutes later.",
    SENT: "There is nothing to do about it.",
    FAILED: "`tailguard outbox resend` sends it again, `tailguard outbox drop` gives it up.",
    UNCERTAIN: "`tailguard outbox resend` sends it again, `tailguard outbox confirm` records that it arrived.",
    SUPERSEDED: "Its recipient has a newer message about the session.",
    DROPPED: "Somebody decided that it need not be sent.",
}


@click.group()
def outbox() -> None:
    """Look at messages, and decide about those that need a person.

    A message is stored with the report or the alert it is about before it is sent, once for each recipient, and keeps
    the record of its delivery. One that was turned away is tried again by itself. A person decides about the others:
    FAILED is certainly not delivered, UNCERTAIN may be.
    """


@outbox.command(
    "list",
    epilog=manual(
        "tailguard outbox list", "tailguard outbox list --state UNCERTAIN --json", exit_codes="0 listed, 2 no database"
    ),
)
@click.option(
    "--state",
    type=click.Choice(STATES),
    metavar="STATE",
    help=f"Only those in a state: {', '.join(STATES)}.",
)
@database_option
@json_option
def list_messages(state: str | None, as_json: bool) -> None:
    """List messages, oldest first.

    Each line has a message's number, session, revision, channel, recipient, state and number of attempts, and why the
    last one failed. In place of a revision, an alert that a session has no signal has its kind: LAST_CALL or FAILED.
    UNCERTAIN is a message whose acceptance nobody confirmed; it is not sent again by itself.
    """
    with UnitOfWork(existing_database()) as work:
        messages = work.outbox.all(state)
        simulated = bool(work.observations.is_simulated())
    _print(messages, simulated, as_json=as_json)


@outbox.command(
    epilog=manual(
        "tailguard outbox show 12",
        "tailguard outbox show 12 --json",
        exit_codes="0 shown, 2 no database, or no such message",
    )
)
@click.argument("message", metavar="ID", type=click.IntRange(1))
@database_option
@json_option
def show(message: int, as_json: bool) -> None:
    """Show a message, with what finds it at the recipient's side.

    A mail has the same Message-ID in every attempt: the log of the mail server tells what became of it. A message in
    Slack has nothing of the kind: look for its session in the channel.
    """
    with UnitOfWork(existing_database()) as work:
        (found,) = _require(work, [message])
        key = message_key(work, found)
        simulated = bool(work.observations.is_simulated())
    shown = _document(found, simulated)
    if found.channel == EMAIL:
        shown["message_id"] = message_id(key, load_settings().mail_from)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for name, value in shown.items():
        if value is not None and name != "simulated":
            say(f"{name.replace('_', ' ') + ':':<13} {value}")
    say(_ADVICE[found.state])


@outbox.command(
    epilog=manual(
        "tailguard outbox send",
        "tailguard outbox send --json",
        exit_codes="0 nothing is left to send, 2 no database or wrong configuration, 4 a message is undelivered or "
        "uncertain",
    )
)
@database_option
@json_option
def send(as_json: bool) -> int:
    """Send every PENDING message now.

    A message that was turned away is tried again by itself, soon at first and then every half hour: this command does
    not wait. It computes nothing, and sends no message that is in another state.
    """
    engine = _for_writing()
    with UnitOfWork(engine) as work:
        waiting = [message.id for message in work.outbox.pending()]
    return _deliver(engine, waiting, as_json=as_json)


@outbox.command(
    epilog=manual(
        "tailguard outbox resend 12 13",
        "tailguard outbox resend --state FAILED",
        "tailguard outbox resend 12 --no-send",
        exit_codes="0 delivered, or left to the next run, or there was none, 2 wrong usage, or a message that is "
        "neither FAILED nor UNCERTAIN, 4 a message is undelivered or uncertain",
    )
)
@click.argument("messages", metavar="[ID]...", type=click.IntRange(1), nargs=-1)
@click.option(
    "--state",
    type=click.Choice([UNCERTAIN, FAILED]),
    metavar="STATE",
    help="All in a state: UNCERTAIN or FAILED.",
)
@click.option("--no-send", is_flag=True, help="Leave the sending to the next run, or to `outbox send`.")
@database_option
@json_option
def resend(messages: tuple[int, ...], state: str | None, no_send: bool, as_json: bool) -> int:
    """Send FAILED or UNCERTAIN messages once more.

    ID is the number that `outbox list` shows. A FAILED message certainly was not delivered. An UNCERTAIN one may have
    been: a mail keeps its Message-ID, by which the receiving side can drop a double; Slack has nothing like it, so look
    into the channel first. A message that a newer one has overtaken is not sent.
    """
    if bool(messages) == bool(state):
        raise click.UsageError("Name messages by their ID, or a --state.")
    engine = _for_writing()
    with UnitOfWork(engine) as work:
        chosen = work.outbox.all(state) if state else _in_state(work, messages, "resend", (FAILED, UNCERTAIN))
        keys = [message.id for message in chosen]
        _all_of(chosen, work.outbox.resend(keys))
        work.commit()
    for message in chosen:
        if message.state == UNCERTAIN:
            say(f"Message {message.id}: {_double(message)}", err=True)
    if no_send:
        _report(engine, keys, as_json=as_json)
        return 0
    return _deliver(engine, keys, as_json=as_json)


@outbox.command(
    epilog=manual(
        "tailguard outbox confirm 12",
        exit_codes="0 recorded, 2 no database, or a message that is not UNCERTAIN or PENDING",
    )
)
@click.argument("messages", metavar="ID...", type=click.IntRange(1), nargs=-1, required=True)
@database_option
@json_option
def confirm(messages: tuple[int, ...], as_json: bool) -> int:
    """Record that UNCERTAIN or PENDING messages arrived.

    ID is the number that `outbox list` shows. The message is then SENT, with the instant of this command and the reason
    why it had been uncertain. Ask the recipient, or look for its Message-ID in the log of the mail server: `outbox
    show` prints it. A PENDING one may have been sent if the database was restored from a backup made before.
    """
    expected = (UNCERTAIN, PENDING)
    return _decide(messages, "confirm", expected, lambda work, keys: work.outbox.confirm(keys, _now()), as_json)


@outbox.command(
    epilog=manual(
        "tailguard outbox drop 12", exit_codes="0 recorded, 2 no database, or a message that is not FAILED or PENDING"
    )
)
@click.argument("messages", metavar="ID...", type=click.IntRange(1), nargs=-1, required=True)
@database_option
@json_option
def drop(messages: tuple[int, ...], as_json: bool) -> int:
    """Give up FAILED or PENDING messages.

    ID is the number that `outbox list` shows. For an address that does not exist any more, or a channel that is no
    longer configured: the message is then DROPPED, never sent, and `status` no longer speaks of it.
    """
    return _decide(messages, "drop", (FAILED, PENDING), lambda work, keys: work.outbox.drop(keys, _now()), as_json)


def _decide(
    messages: Sequence[int],
    verb: str,
    expected: tuple[str, ...],
    decide: Callable[[UnitOfWork, Collection[int]], int],
    as_json: bool,
) -> int:
    """Move messages as a person decided: all of them, or none."""
    engine = _for_writing()
    with UnitOfWork(engine) as work:
        chosen = _in_state(work, messages, verb, expected)
        _all_of(chosen, decide(work, messages))
        work.commit()
    _report(engine, messages, as_json=as_json)
    return 0


def _all_of(chosen: Sequence[Message], changed: int) -> None:
    """Refuse what another program has changed since it was read."""
    if changed < len(chosen):
        raise ConfigurationError(
            "outbox",
            expected=f"{len(chosen)} messages as they were a moment ago",
            got=f"{changed}: another program is at work on them",
            do="Nothing was changed. Look at `tailguard outbox list` and try again.",
        )


def _in_state(work: UnitOfWork, keys: Collection[int], verb: str, expected: tuple[str, ...]) -> list[Message]:
    """The messages with these keys, after those of runs that died are known as such; refused in another state."""
    work.outbox.abandon(_now() - CLAIM_EXPIRES_AFTER)
    found = _require(work, keys)
    for message in found:
        if message.state not in expected:
            raise ConfigurationError(
                f"message {message.id}",
                expected=f"{' or '.join(expected)}, to {verb} it",
                got=message.state,
                do=f"{_ADVICE[message.state]} Nothing was changed.",
            )
    return found


def _require(work: UnitOfWork, keys: Collection[int]) -> list[Message]:
    found = work.outbox.named(keys)
    if missing := sorted(set(keys) - {message.id for message in found}):
        raise ConfigurationError(
            f"message {missing[0]}",
            expected="the number of a message in the outbox",
            got="none with that number",
            do="`tailguard outbox list` shows them. Nothing was changed.",
        )
    return found


def _double(message: Message) -> str:
    """What a second one means to the recipient."""
    if message.channel == SLACK:
        return "should it have arrived, Slack now has it twice: nothing tells Slack that they are one."
    return "should it have arrived, this is a double with the same Message-ID, by which the receiver can drop it."


def _deliver(engine: Engine, keys: Collection[int], *, as_json: bool) -> int:
    """Send messages now, and say what became of them."""
    summary = DeliverySummary(0, ())
    if keys:
        # The calendar that comes with it loads numpy.
        from flows.wiring import services

        work = services()
        summary = deliver(engine, work.channels(), work.clock, at_once=True, only=keys)
    for problem in summary.problems:
        say(f"Not delivered: {problem}.", err=True)
    return _report(engine, keys, as_json=as_json)


def _report(engine: Engine, keys: Collection[int], *, as_json: bool) -> int:
    with UnitOfWork(engine) as work:
        messages = work.outbox.named(keys)
        simulated = bool(work.observations.is_simulated())
    _print(messages, simulated, as_json=as_json)
    return EXIT_UNDELIVERED if any(message.state in UNSETTLED for message in messages) else 0


def _for_writing() -> Engine:
    """The configured database, which has to exist, opened so that it can be changed."""
    existing_database().dispose()
    return open_engine(load_settings().database_url.get_secret_value())


def _now() -> Any:
    return clock_at(load_settings().clock)()


def _document(message: Message, simulated: bool) -> dict[str, Any]:
    return {
        "id": message.id,
        "session": message.session.isoformat(),
        "revision": message.revision,
        "alert": message.alert,
        "channel": message.channel,
        "recipient": message.recipient,
        "state": message.state,
        "attempts": message.attempts,
        "created_at": message.created_at.isoformat(),
        "due_at": message.due_at and message.due_at.isoformat(),
        "sent_at": message.sent_at and message.sent_at.isoformat(),
        "settled_at": message.settled_at and message.settled_at.isoformat(),
        "last_error": message.last_error,
        "simulated": simulated,
    }


def _print(messages: Sequence[Message], simulated: bool, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_document(message, simulated) for message in messages]))
        return
    if simulated:
        say("SIMULATED: this database is about the sample market.")
    if not messages:
        say("No messages.")
    for message in messages:
        when = f" at {message.sent_at:%Y-%m-%d %H:%M} UTC" if message.sent_at else ""
        if message.settled_at:
            verb = "confirmed" if message.state == SENT else "decided"
            when += f", {verb} by a person at {message.settled_at:%Y-%m-%d %H:%M} UTC,"
        if message.due_at:
            when += f", next attempt {message.due_at:%Y-%m-%d %H:%M} UTC,"
        why = f": {message.last_error}" if message.last_error else ""
        what = f"alert {message.alert}" if message.alert else f"r{message.revision}"
        say(
            f"{message.id:>4}  {message.session} {what}  {message.channel} to {message.recipient}  "
            f"{message.state}{when} after {message.attempts} attempt{'s' if message.attempts != 1 else ''}{why}"
        )
