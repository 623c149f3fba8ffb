"""``backfill``: the signals of a range, here and now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.flow_runs import (
    check_services,
    outcome_document,
    print_delivery,
    print_silence,
    quiet_prefect,
    run_flow,
)
from flows.cli.main import EXIT_AWAITING_DATA, EXIT_UNDELIVERED
from flows.cli.manual import manual
from flows.cli.options import data_dir_option, database_option, json_option, rule_set_option, source_option
from flows.cli.output import say

if TYPE_CHECKING:
    from flows.backfill import BackfillResult
    from flows.preview import Preview


@click.command(
    epilog=manual(
        "tailguard backfill --start 2020-01-02 --end 2020-03-31",
        "tailguard backfill --start 2020-01-02 --end 2020-03-31 --dry-run",
        "tailguard backfill --start 2020-01-02 --end 2020-03-31 --mode recompute",
        "tailguard backfill --start 2026-11-20 --end 2026-11-25 --told",
        exit_codes="0 done, 1 failed, 2 wrong usage or configuration, 3 waiting for data, 4 a message is undelivered "
        "or uncertain, 130 interrupted, 143 terminated",
    )
)
@click.option("--start", required=True, metavar="DATE", help="First session, yyyy-mm-dd; 2005-12-20 at the earliest.")
@click.option("--end", required=True, metavar="DATE", help="Last session, included.")
@click.option(
    "--mode",
    type=click.Choice(["missing", "recompute"]),
    default="missing",
    show_default=True,
    help="Leave sessions that have a report alone, or compute all and store a revision where something changed.",
)
@source_option
@data_dir_option
@database_option
@rule_set_option
@click.option("--notify", is_flag=True, help="Tell the configured recipients of every session.")
@click.option(
    "--told", is_flag=True, help="Record that the configured recipients had every session before; send nothing."
)
@click.option(
    "--dry-run", "dry_run", is_flag=True, help="Count what would be stored, and why; store nothing, send nothing."
)
@json_option
def backfill(
    start: str,
    end: str,
    mode: str,
    source: str | None,
    data_dir: Path | None,
    rule_sets: tuple[str, ...],
    notify: bool,
    told: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Compute and store the signals of a range of sessions.

    Sessions are stored in chunks; an interrupted backfill goes on where it stopped when it is run again. Nobody is
    told of the past without --notify. --told is for a database restored from a backup, which lacks sessions that
    recipients were told of since: no later run tells them again.
    """
    if dry_run:
        return _dry_run(start, end, mode, source, data_dir, rule_sets, as_json=as_json)
    quiet_prefect()
    from flows.sessions import sessions_in_range

    work, chosen = check_services(source, data_dir, rule_sets)
    sessions_in_range(start, end, work)
    from flows.backfill import backfill as flow
    from flows.backfill import describe, recipients_of

    recipients = recipients_of(work, chosen, notify=notify, told=told)
    result: BackfillResult = run_flow(
        flow,
        start=start,
        end=end,
        mode=mode,
        source=source,
        data_dir=data_dir,
        notify=notify,
        rule_sets=list(rule_sets) or None,
        told=told,
    )
    if as_json:
        document = {
            "sessions": result.sessions,
            "already_there": result.already_there,
            "outcomes": result.outcomes,
            "waiting": result.waiting and outcome_document(result.waiting),
            "simulated": chosen.simulated,
        }
        click.echo(json.dumps(document))
    else:
        say(("SIMULATED. " if chosen.simulated else "") + describe(result))
        print_delivery(result.delivery)
        if notify:
            print_silence(work, chosen)
        if told:
            whom = ", ".join(f"{recipient.channel} to {recipient.address}" for recipient in recipients)
            say(f"Recorded as told before: {whom}. Nothing was sent.")
    if result.waiting:
        return EXIT_AWAITING_DATA
    return EXIT_UNDELIVERED if result.delivery.problems else 0


def _dry_run(
    start: str,
    end: str,
    mode: str,
    source: str | None,
    data_dir: Path | None,
    rule_sets: tuple[str, ...],
    *,
    as_json: bool,
) -> int:
    """Print what a backfill would do; neither Prefect nor a database that is not there is touched."""
    from flows.preview import preview
    from flows.ranges import Mode
    from flows.sessions import sessions_in_range
    from flows.wiring import services

    work = services(rule_sets)
    work.require_rule_sets()
    sessions = sessions_in_range(start, end, work)
    found = preview(work, sessions, Mode(mode), source, data_dir)
    if as_json:
        click.echo(json.dumps(_document(found)))
    else:
        _print(found)
    return EXIT_AWAITING_DATA if found.waiting else 0


def _document(found: Preview) -> dict[str, Any]:
    return {
        "dry_run": True,
        "sessions": found.sessions,
        "already_there": found.already_there,
        "computed": found.computed,
        "outcomes": dict(found.outcomes),
        "revised": [{"session": item.session.isoformat(), "detail": item.detail} for item in found.revised],
        "waiting": found.waiting,
        "waiting_for": str(found.waiting_for) if found.waiting_for else None,
        "simulated": found.simulated,
    }


def _print(found: Preview) -> None:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.outcomes.items())) or "none"
    say(f"{'SIMULATED. ' if found.simulated else ''}Dry run: nothing was stored or sent.")
    say(f"In the range: {found.sessions} sessions, of which {found.already_there} have a report.")
    say(f"Would be computed: {found.computed}; would be: {outcomes}.")
    for item in found.revised:
        say(f"  {item.session} {item.outcome}: {item.detail}")
    more = found.outcomes["REVISED"] - len(found.revised)
    if more > 0:
        say(f"  and {more} more.")
    if found.waiting:
        say(f"Would wait for data: {found.waiting}. {found.waiting_for or ''}".rstrip())
