"""``run``: the signal of one session, here and now."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.flow_runs import (
    check_services,
    outcome_document,
    print_delivery,
    print_silence,
    quiet_prefect,
    run_flow,
)
from flows.cli.instants import as_of_option
from flows.cli.main import EXIT_AWAITING_DATA, EXIT_FAILED, EXIT_UNDELIVERED
from flows.cli.manual import manual
from flows.cli.options import data_dir_option, database_option, json_option, rule_set_option, source_option
from flows.cli.output import say
from signals.errors import ConfigurationError
from storage.runs import AWAITING_DATA, FAILED, SKIPPED

if TYPE_CHECKING:
    from flows.daily import DailyResult
    from tasks.sources.payload import Source

_EXIT_CODES = {FAILED: EXIT_FAILED, AWAITING_DATA: EXIT_AWAITING_DATA}


@click.command(
    epilog=manual(
        "tailguard run",
        "tailguard run --session 2026-11-20 --dry-run",
        "tailguard run --source files --data-dir data --session latest",
        "tailguard run --source sample --database sqlite:///sample.db",
        "tailguard run --rule-set alvh-seed --rule-set my.toml",
        "tailguard run --session 2020-03-16 --as-of 2020-03-16T20:30",
        exit_codes="0 the signal is out, 1 failed, 2 wrong usage or configuration, 3 waiting for data, 4 a message is "
        "undelivered or uncertain, 130 interrupted, 143 terminated",
    )
)
@click.option("--session", metavar="DATE", help="Session, yyyy-mm-dd, or `latest` for the last one with complete data.")
@source_option
@data_dir_option
@database_option
@rule_set_option
@click.option("--no-notify", is_flag=True, help="Store the signal, and tell nobody.")
@click.option(
    "--dry-run",
    "dry_run",
    is_flag=True,
    help="Render the report and its messages to files; store nothing, send nothing.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=Path("tailguard-dry-run"),
    show_default=True,
    help="Directory for --dry-run.",
)
@as_of_option("Print what the database knew then would have said; fetch, store and send nothing.")
@json_option
@click.pass_context
def run(
    context: click.Context,
    session: str | None,
    source: str | None,
    data_dir: Path | None,
    rule_sets: tuple[str, ...],
    no_notify: bool,
    dry_run: bool,
    output: Path,
    as_of: dt.datetime | None,
    as_json: bool,
) -> int:
    """Compute, store and deliver the signal of one session.

    Without --session it is the last session that closed at least two hours ago. Running a session again changes
    nothing, unless its inputs have changed: then a revision is stored. Recipients hear of the sample market only if the
    setting `notify_simulated` says so.
    """
    if as_of is not None:
        _refuse_with_as_of(context)
        from flows.cli.as_of import show_as_of

        show_as_of(as_of, session, rule_sets)
        return 0
    if dry_run:
        from flows.cli.dry_run import dry_run as render

        return render(session, source, data_dir, output, rule_sets)
    quiet_prefect()
    from flows.sessions import parse_session

    work, chosen = check_services(source, data_dir, rule_sets)
    day = parse_session(session, work)
    if day is not None and not work.calendar.is_session(day):
        raise work.calendar.not_a_session(day)
    _say_whom_it_asks(chosen)
    from flows.daily import daily

    result: DailyResult = run_flow(
        daily,
        session=session,
        source=source,
        data_dir=data_dir,
        notify=not no_notify,
        rule_sets=list(rule_sets) or None,
    )
    outcome = result.outcome
    if as_json:
        others = [outcome_document(other) for other in result.others]
        click.echo(json.dumps({**outcome_document(outcome), "others": others, "simulated": chosen.simulated}))
    else:
        _print_daily(result)
        if not no_notify:
            print_silence(work, chosen)
    return _EXIT_CODES.get(outcome.outcome, EXIT_UNDELIVERED if result.delivery.problems else 0)


def _refuse_with_as_of(context: click.Context) -> None:
    """Refuse options that mean nothing where nothing is fetched, stored or sent."""
    named = click.core.ParameterSource.COMMANDLINE
    idle = ("source", "data_dir", "no_notify", "dry_run", "output", "as_json")
    given = [f"--{name.replace('_', '-')}" for name in idle if context.get_parameter_source(name) == named]
    if given:
        raise ConfigurationError(
            "--as-of",
            expected="no option beside it but --session, --rule-set and --database",
            got=", ".join(given).replace("--as-json", "--json"),
            do="It prints what the database knew, and fetches, stores and sends nothing.",
        )


def _say_whom_it_asks(source: Source) -> None:
    """Tell somebody who waits at a terminal what for."""
    if source.name == "live" and sys.stderr.isatty():
        say("Asking Yahoo, Cboe and FRED; a minute or so if one of them does not answer ...", err=True)


def _print_daily(result: DailyResult) -> None:
    from flows.cli.report import print_report

    outcome = result.outcome
    click.echo(f"{outcome.session}: {outcome.outcome}")
    if outcome.outcome in (FAILED, AWAITING_DATA, SKIPPED):
        say(outcome.detail)
    else:
        click.echo()
        print_report(outcome.session)
    for other in result.others:
        say(f"{other.session}: {other.outcome}. {other.detail}")
    print_delivery(result.delivery)
