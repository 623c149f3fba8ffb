"""``outbox list``: the messages and what became of them."""

from __future__ import annotations

import json

import click

from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from storage.outbox import STATES
from storage.unit_of_work import UnitOfWork


@click.group()
def outbox() -> None:
    """Look at the messages that go with the reports."""


@outbox.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in a state.")
@database_option
@json_option
def list_messages(state: str | None, as_json: bool) -> None:
    """List messages, oldest first."""
    with UnitOfWork(existing_database()) as work:
        messages = work.outbox.all(state)
    if as_json:
        rows = [
            {
                "id": message.id,
                "session": message.session.isoformat(),
                "revision": message.revision,
                "channel": message.channel,
                "recipient": message.recipient,
                "state": message.state,
                "attempts": message.attempts,
                "created_at": message.created_at.isoformat(),
                "sent_at": message.sent_at and message.sent_at.isoformat(),
                "last_error": message.last_error,
            }
            for message in messages
        ]
        click.echo(json.dumps(rows))
        return
    if not messages:
        say("No messages.")
    for message in messages:
        when = f" at {message.sent_at:%Y-%m-%d %H:%M} UTC" if message.sent_at else ""
        why = f": {message.last_error}" if message.last_error else ""
        say(
            f"{message.id:>4}  {message.session} r{message.revision}  {message.channel} to {message.recipient}  "
            f"{message.state}{when} after {message.attempts} attempt{'s' if message.attempts != 1 else ''}{why}"
        )
