"""``outbox list``: the messages and what became of them."""

from __future__ import annotations

import json

import click

from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from storage.outbox import STATES
from storage.unit_of_work import UnitOfWork


@click.group()
def outbox() -> None:
    """Look at the messages that go with reports and alerts.

    A message is stored with the report or the alert it is about before it is sent, once for each recipient, and keeps
    the record of its delivery.
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

    Each line has a message's session, revision, channel, recipient, state and number of attempts, and why the last one
    failed. In place of a revision, an alert that a session has no signal has its kind: LAST_CALL or FAILED. UNCERTAIN
    is a message whose acceptance nobody confirmed; it is not sent again by itself.
    """
    with UnitOfWork(existing_database()) as work:
        messages = work.outbox.all(state)
        simulated = bool(work.observations.is_simulated())
    if as_json:
        rows = [
            {
                "id": message.id,
                "session": message.session.isoformat(),
                "revision": message.revision,
                "alert": message.alert,
                "channel": message.channel,
                "recipient": message.recipient,
                "state": message.state,
                "attempts": message.attempts,
                "created_at": message.created_at.isoformat(),
                "sent_at": message.sent_at and message.sent_at.isoformat(),
                "last_error": message.last_error,
                "simulated": simulated,
            }
            for message in messages
        ]
        click.echo(json.dumps(rows))
        return
    if simulated:
        say("SIMULATED: this database is about the sample market.")
    if not messages:
        say("No messages.")
    for message in messages:
        when = f" at {message.sent_at:%Y-%m-%d %H:%M} UTC" if message.sent_at else ""
        why = f": {message.last_error}" if message.last_error else ""
        what = f"alert {message.alert}" if message.alert else f"r{message.revision}"
        say(
            f"{message.id:>4}  {message.session} {what}  {message.channel} to {message.recipient}  "
            f"{message.state}{when} after {message.attempts} attempt{'s' if message.attempts != 1 else ''}{why}"
        )
