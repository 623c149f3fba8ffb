"""``run`` and ``backfill``: the flows, run here and now."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.instants import as_of_option
from flows.cli.main import EXIT_AWAITING_DATA, EXIT_FAILED, EXIT_UNDELIVERED
from flows.cli.manual import manual
from flows.cli.options import data_dir_option, database_option, json_option, rule_set_option, source_option
from flows.cli.output import say
from signals.errors import ConfigurationError
from storage.runs import AWAITING_DATA, FAILED, SKIPPED, SessionOutcome

if TYPE_CHECKING:
    from flows.backfill import BackfillResult
    from flows.daily import DailyResult
    from flows.wiring import Services
    from tasks.notify.deliver import DeliverySummary
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
        "undelivered or uncertain, 130 interrupted",
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
        data_dir=str(data_dir) if data_dir else None,
        notify=not no_notify,
        rule_sets=list(rule_sets) or None,
    )
    outcome = result.outcome
    if as_json:
        others = [_outcome_document(other) for other in result.others]
        click.echo(json.dumps({**_outcome_document(outcome), "others": others, "simulated": chosen.simulated}))
    else:
        _print_daily(result)
        if not no_notify:
            _print_silence(work, chosen)
    return _EXIT_CODES.get(outcome.outcome, EXIT_UNDELIVERED if result.delivery.problems else 0)


@click.command(
    epilog=manual(
        "tailguard backfill --start 2020-01-02 --end 2020-03-31",
        "tailguard backfill --start 2020-01-02 --end 2020-03-31 --mode recompute",
        exit_codes="0 done, 1 failed, 2 wrong usage or configuration, 3 waiting for data, 4 a message is undelivered "
        "or uncertain, 130 interrupted",
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
@json_option
def backfill(
    start: str,
    end: str,
    mode: str,
    source: str | None,
    data_dir: Path | None,
    rule_sets: tuple[str, ...],
    notify: bool,
    as_json: bool,
) -> int:
    """Compute and store the signals of a range of sessions.

    Sessions are stored in chunks; an interrupted backfill goes on where it stopped when it is run again. Nobody is
    told of the past without --notify.
    """
    quiet_prefect()
    from flows.sessions import sessions_in_range

    work, chosen = check_services(source, data_dir, rule_sets)
    sessions_in_range(start, end, work)
    from flows.backfill import backfill as flow
    from flows.backfill import describe

    result: BackfillResult = run_flow(
        flow,
        start=start,
        end=end,
        mode=mode,
        source=source,
        data_dir=str(data_dir) if data_dir else None,
        notify=notify,
        rule_sets=list(rule_sets) or None,
    )
    if as_json:
        waiting = result.waiting and _outcome_document(result.waiting)
        click.echo(
            json.dumps(
                {
                    "sessions": result.sessions,
                    "already_there": result.already_there,
                    "outcomes": result.outcomes,
                    "waiting": waiting,
                    "simulated": chosen.simulated,
                }
            )
        )
    else:
        say(("SIMULATED. " if chosen.simulated else "") + describe(result))
        _print_delivery(result.delivery)
        if notify:
            _print_silence(work, chosen)
    if result.waiting:
        return EXIT_AWAITING_DATA
    return EXIT_UNDELIVERED if result.delivery.problems else 0


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


def quiet_prefect() -> None:
    """Keep Prefect's own messages off the terminal, and its telemetry off, unless somebody asked for them."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def check_services(source: str | None, data_dir: Path | None, rule_sets: Sequence[str] = ()) -> tuple[Services, Source]:
    """Find out what cannot work before Prefect is started, which takes some seconds."""
    from flows.wiring import services
    from tasks.ingest import require_market

    work = services(rule_sets)
    work.require_rule_sets()
    chosen = work.source(source, data_dir)
    engine = work.engine()
    try:
        require_market(engine, chosen)
    finally:
        engine.dispose()
    return work, chosen


def run_flow(flow: Callable[..., Any], **parameters: Any) -> Any:
    """Run a flow in this process and return its result; raise what it raised."""
    _start_temporary_server()
    state = flow(**parameters, return_state=True)
    # Prefect wraps what a flow puts into its final state.
    data = getattr(state.data, "result", state.data)
    if isinstance(data, BaseException):
        raise data
    return data


def _start_temporary_server() -> None:
    """Start the server that Prefect would start by itself, but out of reach of Ctrl-C.

    A terminal sends Ctrl-C to every process it started. Without its server Prefect could not end a run: it would try to
    reach it for more than a minute. A child inherits which signals are blocked.
    """
    from prefect.server.api.server import SubprocessASGIServer
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        SubprocessASGIServer().start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _outcome_document(outcome: SessionOutcome) -> dict[str, Any]:
    return {
        "session": outcome.session.isoformat(),
        "outcome": outcome.outcome,
        "detail": outcome.detail,
        "next_attempt_at": outcome.next_attempt_at and outcome.next_attempt_at.isoformat(),
        "deadline_at": outcome.deadline_at and outcome.deadline_at.isoformat(),
    }


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
    _print_delivery(result.delivery)


def _print_silence(work: Services, source: Source) -> None:
    """Say that recipients were left alone because the market is simulated."""
    if work.recipients() and not work.tells(source):
        say("Nobody was told: the market is simulated. TAILGUARD_NOTIFY_SIMULATED=true tells the recipients anyway.")


def _print_delivery(delivery: DeliverySummary) -> None:
    if delivery.sent:
        say(f"Delivered: {delivery.sent} message{'s' if delivery.sent > 1 else ''}.")
    for problem in delivery.problems:
        say(f"Not delivered: {problem}. See `tailguard outbox list`.", err=True)
