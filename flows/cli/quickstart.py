"""``quickstart``: a first run of the main job, with or without a network."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.flow_runs import quiet_prefect, run_flow
from flows.cli.manual import manual
from flows.cli.output import say
from signals.errors import ConfigurationError, TailguardError, TransientSourceError
from storage.runs import AWAITING_DATA, FAILED

if TYPE_CHECKING:
    from flows.daily import DailyResult
    from flows.wiring import Services
    from tasks.sources.fetched import FetchedSource

#: The sessions of this version's first year are the earliest that a clock which is right can name.
_MADE_IN = 2026


@click.command(
    epilog=manual(
        "tailguard quickstart",
        "tailguard quickstart --sample --directory look",
        exit_codes="0 the signal is out, 1 failed, 2 wrong usage or configuration, 3 waiting for data",
    )
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=Path("quickstart"),
    show_default=True,
    help="Where its database and report go; created if it is not there.",
)
@click.option("--sample", is_flag=True, help="Do not ask the network: use the simulated sample market at once.")
def quickstart(directory: Path, sample: bool) -> int:
    """Show the last session's signal, a minute after installation.

    Asks Yahoo, Cboe and FRED for the last 70 sessions, ten seconds at most, and emits the signal of the last one that
    is complete. Decisions, weights and orders are those a full history gives; index levels count from the first session
    that is certain. Without a network it goes on with the sample market, and says so: every number is then SIMULATED.

    It has a database of its own and tells nobody.
    """
    quiet_prefect()
    _make(directory)
    from flows.wiring import services

    work = services()
    _check_clock(work)
    work.require_rule_sets()
    source, session = _market(work, sample=sample)
    stem = directory / f"{source.name}-{session}"
    database = f"sqlite:///{stem}.db"
    _use_database(database, stem)
    click.echo("Computing the signal (Prefect takes some seconds to start) ...\n")
    from flows.quickstart import quickstart_flow

    result: DailyResult = run_flow(quickstart_flow(source, session))
    if result.outcome.outcome in (FAILED, AWAITING_DATA):
        say(f"{result.outcome.session}: {result.outcome.outcome}. {result.outcome.detail}", err=True)
        return 1 if result.outcome.outcome == FAILED else 3
    page = _show(session, Path(f"{stem}.html"))
    _say_what_next(source.name, session, database, page)
    return 0


def _make(directory: Path) -> None:
    if set("?%#") & set(str(directory)):
        raise ConfigurationError(
            f"directory {directory}",
            expected="a name that can be part of a database address",
            got="one with ?, % or #",
            do="Name another with --directory.",
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK):
            raise PermissionError(None, "no permission to write to it")
    except OSError as error:
        raise ConfigurationError(
            f"directory {directory}",
            expected="one that can be written",
            got=str(error.strerror),
            do="Name another with --directory.",
        ) from error


def _check_clock(work: Services) -> None:
    now = work.clock()
    if work.settings.clock is None and now.year < _MADE_IN:
        raise ConfigurationError(
            "clock",
            expected=f"a day in {_MADE_IN} or later",
            got=f"{now:%Y-%m-%d %H:%M} UTC",
            do="Set the clock of this machine: which session is the last one depends on it.",
        )


def _market(work: Services, *, sample: bool) -> tuple[FetchedSource, dt.date]:
    """The payloads to use, and the last session that is complete in them."""
    from flows.quickstart import LIVE_SECONDS, complete_session, fetch_live, fetch_sample

    if not sample:
        click.echo(f"Asking Yahoo, Cboe and FRED for the last sessions, {LIVE_SECONDS:g} seconds at most ...")
        try:
            source = fetch_live(work)
            return source, complete_session(work, source)
        except TailguardError as error:
            about = "" if isinstance(error, TransientSourceError) else f"{error.about}: expected {error.expected}, "
            say(f"No live data: {about}{error.got}. {error.do}")
    say("Going on with the sample market: every number below is SIMULATED.")
    source = fetch_sample(work)
    return source, complete_session(work, source)


def _use_database(url: str, stem: Path) -> None:
    from storage.engine import open_engine
    from storage.schema import ensure_schema

    # A flow reads its settings from the environment, wherever it runs.
    os.environ["TAILGUARD_DATABASE_URL"] = url
    engine = open_engine(url)
    try:
        ensure_schema(engine)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"database {stem}.db",
            expected=error.expected,
            got=f"{error.got}, from another version of tailguard",
            do="Move it away, or name another directory with --directory.",
        ) from error
    finally:
        engine.dispose()


def _show(session: dt.date, page: Path) -> Path:
    """Print the report and write it as a page; returns where."""
    from flows.cli.report_diff import stored_report
    from flows.cli.stored_views import page_of, view_of
    from reports.text import render_text

    stored = stored_report(session)
    click.echo(render_text(view_of(stored)))
    partial = page.with_name(f".{page.name}.part")
    try:
        partial.write_text(page_of(stored), encoding="utf-8")
        partial.replace(page)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ConfigurationError(
            f"file {page}",
            expected="one that can be written",
            got=str(error.strerror),
            do="The signal is stored; make room, or name another directory with --directory.",
        ) from error
    return page


def _say_what_next(market: str, session: dt.date, database: str, page: Path) -> None:
    start = session - dt.timedelta(days=30)
    if market == "live":
        follow = ("tailguard run", "emit a session; repeat it daily, see the README")
    else:
        follow = (f"tailguard history --source sample --start {start} --end {session}", "levels and weights")
    commands = (
        (f"tailguard report show --database {shlex.quote(database)}", "this report again"),
        follow,
        ("tailguard init", "write a tailguard.toml: recipients, portfolio, database"),
    )
    click.echo(f"As a page: {page.resolve()}\n\nNext:")
    if shutil.which("tailguard") is None:
        click.echo(
            f'  export PATH="{Path(sys.argv[0]).resolve().parent}:$PATH"\n      so that the shell finds the command'
        )
    for command, purpose in commands:
        click.echo(f"  {command}\n      {purpose}")
