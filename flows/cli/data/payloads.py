"""``data refused`` and ``data prune``: bodies that could not be read, and bodies that may go."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

import click

from flows.cli.data.text import counted, minute, print_table, say_simulated, short_hash, size
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from flows.settings import load_settings
from storage.engine import open_engine
from storage.payloads import StoredPayload
from storage.unit_of_work import UnitOfWork
from tasks.prune import database_bytes, prunable, shrink
from tasks.prune import prune as prune_bodies


@click.command(
    epilog=manual(
        "tailguard data refused",
        "tailguard data refused --json",
        exit_codes="0 listed, 2 no database",
    )
)
@database_option
@json_option
def refused(as_json: bool) -> None:
    """List payloads that could not be read, newest first.

    Each with when it was fetched, from where, and why it could not be read. Its body is stored, and no value was taken
    from it. Where the same file was read later, the line says so: nothing has to be done. Where it was not, the format
    may have changed for good, and its parser has to follow.
    """
    with UnitOfWork(existing_database()) as work:
        found = work.observations.refused_payloads()
        last_read = work.observations.last_ingested()
        simulated = work.observations.is_simulated()
    read_since = {each.id for each in found if last_read.get((each.format, each.subject), 0) > each.id}
    if as_json:
        click.echo(json.dumps([_document(each) | {"read_since": each.id in read_since} for each in found]))
        return
    say_simulated(simulated)
    if not found:
        say("No payload was refused.")
    for payload in found:
        kept = f"pruned {payload.pruned_at:%Y-%m-%d}" if payload.pruned_at else size(payload.fetched_bytes)
        about = f"{payload.format} {payload.subject}, {short_hash(payload.sha256)}, {kept}"
        say(f"{minute(payload.fetched_at)}  {about}{'; read later' if payload.id in read_since else ''}")
        say(f"  {payload.locator}")
        say(f"  {payload.refusal}")


@click.command(
    epilog=manual(
        "tailguard data prune",
        "tailguard data prune --older-than 90 --yes",
        "tailguard data prune --older-than 365 --also-read --yes",
        exit_codes="0 done, or nothing to do, 2 wrong usage, no database, or one that cannot be rewritten now",
    )
)
@click.option(
    "--older-than",
    type=click.IntRange(0),
    metavar="DAYS",
    default=30,
    show_default=True,
    help="Only bodies fetched more than so many days ago.",
)
@click.option(
    "--also-read",
    is_flag=True,
    help="Also bodies of which values were taken, but not the last one of each file.",
)
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be freed.")
@database_option
def prune(older_than: int, also_read: bool, yes: bool) -> None:
    """Free the bodies of payloads nobody needs.

    Those that could not be read, and those that brought nothing new. A payload's row stays, with its hash, address and
    times, and so does every value; only the body is gone, and with it the proof of what was published. Option chains
    are never pruned. A SQLite file is rewritten afterwards, so that it shrinks. A body that is fetched again is stored
    again.
    """
    from tasks.clock import clock_at

    engine = existing_database()
    settings = load_settings()
    now = clock_at(settings.clock)()
    before = now - dt.timedelta(days=older_than)
    found = prunable(engine, before, also_read=also_read)
    if found:
        _print_prunable(found)
    else:
        say(f"Nothing to free: no such body is older than {counted(older_than, 'day')}.")
    if not yes:
        if found:
            say("Nothing was changed. With --yes they are freed; make a backup before.")
        return
    size_before = database_bytes(engine)
    engine.dispose()
    engine = open_engine(settings.database_url.get_secret_value())
    try:
        if found:
            freed = prune_bodies(engine, before, now, also_read=also_read)
            say(f"Freed {counted(len(freed), 'body', 'bodies')}, {size(_stored(freed))}.")
        shrink(engine)
        say(f"Database: {size(size_before)} before, {size(database_bytes(engine))} now.")
    finally:
        engine.dispose()


def _print_prunable(found: Sequence[StoredPayload]) -> None:
    groups: dict[tuple[str, str], list[StoredPayload]] = {}
    for payload in found:
        groups.setdefault((payload.format, "refused" if payload.refusal else "read"), []).append(payload)
    print_table(
        ("format", "state", "bodies", "stored", "fetched", "from", "to"),
        [
            (
                form,
                state,
                str(len(some)),
                size(_stored(some)),
                size(sum(payload.fetched_bytes for payload in some)),
                f"{min(payload.fetched_at for payload in some):%Y-%m-%d}",
                f"{max(payload.fetched_at for payload in some):%Y-%m-%d}",
            )
            for (form, state), some in sorted(groups.items())
        ],
        right="bodies stored fetched",
    )
    say(f"Together {counted(len(found), 'body', 'bodies')}, {size(_stored(found))} as stored.")


def _stored(payloads: Sequence[StoredPayload]) -> int:
    return sum(payload.stored_bytes for payload in payloads)


def _document(payload: StoredPayload) -> dict[str, str | int | bool | None]:
    return {
        "fetched_at": payload.fetched_at.isoformat(),
        "format": payload.format,
        "subject": payload.subject,
        "locator": payload.locator,
        "sha256": payload.sha256,
        "bytes": payload.fetched_bytes,
        "refusal": payload.refusal,
        "pruned_at": payload.pruned_at.isoformat() if payload.pruned_at else None,
    }
