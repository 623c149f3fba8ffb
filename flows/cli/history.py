"""``history``: one row per session, from the database or straight from a source."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.hedge_history import (
    VXTH,
    complete_strategy,
    known_strategy,
    rows_of_computation,
    rows_of_documents,
    rows_of_vxth,
)
from flows.cli.instants import as_of_option
from flows.cli.manual import manual
from flows.cli.options import data_dir_option, database_option, existing_database, source_option
from flows.cli.output import say
from flows.rule_sets import rule_set_named
from signals.alvh.rules import SHIPPED, RuleSet
from signals.document import decode
from signals.errors import ConfigurationError, DataNotReady
from signals.series import BASE_SESSION
from signals.veqtor.history import (
    STRATEGIES,
    Row,
    levels_since,
    levels_since_in,
    row_of_report,
    rows_of_signals,
)
from signals.veqtor.report import SignalReport
from signals.veqtor.rules import VEQTOR
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from signals.options import OptionChain
    from signals.veqtor.signal import VeqtorSignals

_DATE = click.DateTime(["%Y-%m-%d"])


@click.command(
    epilog=manual(
        "tailguard history --start 2020-01-02 --end 2020-03-31",
        "tailguard history --strategy vix-short-term --source files --data-dir data \\",
        "    --start 2020-01-02 --end 2020-03-31 --format parquet --output h.parquet",
        "tailguard history --start 2020-03-02 --end 2020-03-16 --as-of 2020-03-17",
        "tailguard history --strategy alvh-seed --start 2020-02-03 --end 2020-03-31",
        exit_codes="0 printed, 2 wrong usage or configuration, or no session in the range, 3 the data end "
        "before it does",
    )
)
@click.option(
    "--strategy",
    callback=known_strategy,
    shell_complete=complete_strategy,
    metavar="NAME|FILE",
    default="veqtor",
    show_default=True,
    help=f"An index: {', '.join((*STRATEGIES, VXTH))}; or a hedge: "
    f"{', '.join(name for name in SHIPPED if name != VXTH)}, or a file with a rule set.",
)
@click.option("--start", type=_DATE, required=True, metavar="DATE", help="First session, yyyy-mm-dd.")
@click.option("--end", type=_DATE, required=True, metavar="DATE", help="Last session, included.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "parquet"]),
    default="csv",
    show_default=True,
    help="How rows are written; parquet needs --output and the extra tailguard[parquet].",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write, replaced if it is there; by default standard output.",
)
@source_option
@data_dir_option
@as_of_option("Computed again from what the database knew then; not with --source.")
@database_option
def history(
    strategy: str,
    start: dt.datetime,
    end: dt.datetime,
    form: str,
    output: Path | None,
    source: str | None,
    data_dir: Path | None,
    as_of: dt.datetime | None,
) -> None:
    """Print an index or the book of a hedge, one row per session.

    With --source they are computed from it; without, they are read from the reports in the database, or with --as-of
    computed from its observations. Weights without prefix earned the return into the session; held_ ones were set at
    its close; target_ ones were decided at its close.

    Of a hedge: its state, what was paid and received that day and what the book is worth, in USD; net_cost, a share of
    the notional over the window of the budget; and of each layer what it is to hold from the next close on.
    """
    if start > end:
        raise ConfigurationError(
            "range", expected="--start not after --end", got=f"{start:%Y-%m-%d} and {end:%Y-%m-%d}", do="Swap them."
        )
    if source is None and data_dir is not None:
        raise ConfigurationError(
            "--data-dir", expected="--source files with it", got="no --source", do="Add it, or leave --data-dir out."
        )
    if as_of is not None and source is not None:
        raise ConfigurationError(
            "--as-of",
            expected="no --source with it",
            got="both",
            do="It is about what the database knew: leave one out.",
        )
    rows = _rows(strategy, start.date(), end.date(), source, data_dir, as_of)
    if not rows:
        raise ConfigurationError(
            f"history of {strategy}",
            expected=f"sessions from {start:%Y-%m-%d} to {end:%Y-%m-%d}",
            got="none",
            do="Ask for another range, or `tailguard backfill` it first.",
        )
    _write(rows, form, output)


def _rows(
    strategy: str, start: dt.date, end: dt.date, source: str | None, data_dir: Path | None, as_of: dt.datetime | None
) -> list[Row]:
    rules = None if strategy in STRATEGIES or strategy == VXTH else rule_set_named(strategy)
    if as_of is not None:
        return _as_of(strategy, rules, start, end, as_of)
    if source is not None:
        return _from_source(strategy, rules, start, end, source, data_dir)
    if strategy == VXTH:
        # Not in any report: from the observations beside them.
        return _from_observations(strategy, start, end)
    return _from_reports(strategy, rules, start, end)


def _from_reports(strategy: str, rules: RuleSet | None, start: dt.date, end: dt.date) -> list[Row]:
    with UnitOfWork(existing_database()) as work:
        stored = list(work.reports.latest_in(start, end, VEQTOR.digest))
    if rules is not None:
        rows = rows_of_documents(stored, rules, start, end)
        _note_holes([row["session"] for row in rows], max(start, rules.timing.first_session), end)
        return rows
    # Decoding the hedges would take longer than everything else.
    reports = [decode(SignalReport, json.loads(item.document) | {"hedges": []}) for item in stored]
    rows = [row_of_report(report, strategy) for report in reports]
    scales = sorted({levels_since_in(report, strategy) for report in reports})
    if len(scales) > 1:
        raise ConfigurationError(
            f"history of {strategy} from {start} to {end}",
            expected="levels that were 100,000 on one session",
            got=f"reports whose levels count from {' and '.join(map(str, scales))}",
            do=f"`tailguard backfill --start {start} --end {end} --mode recompute` puts them on one scale.",
        )
    _note_scale(scales, start)
    _note_holes([row["session"] for row in rows], start, end)
    return rows


def _note_scale(scales: list[dt.date], start: dt.date) -> None:
    """Say where levels are not those of the published indices."""
    if scales and scales[0] != BASE_SESSION:
        before = "; there is none before" if start < scales[0] else ""
        say(
            f"Note: levels count from {scales[0]}, on which they were 100,000, and not from {BASE_SESSION} as the "
            f"published ones do{before}.",
            err=True,
        )


def _note_holes(found: list[dt.date], start: dt.date, end: dt.date) -> None:
    """Say which sessions of a range that have closed have no report."""
    from flows.wiring import services
    from tasks.schedule import session_due

    work = services()
    last = min(end, session_due(work.clock(), work.calendar))
    if start > last:
        return
    sessions = work.calendar.sessions_in(max(start, BASE_SESSION), last).tolist()
    missing = sorted(set(sessions) - set(found))
    if missing:
        say(
            f"Note: {len(missing)} of {len(sessions)} sessions have no report, the first is {missing[0]}: "
            "`tailguard backfill` adds them.",
            err=True,
        )


def _computed(
    strategy: str,
    rules: RuleSet | None,
    signals: VeqtorSignals,
    chains: Mapping[dt.date, OptionChain],
    start: dt.date,
    end: dt.date,
) -> list[Row]:
    """The rows from a computation."""
    from flows.wiring import services

    if strategy == VXTH:
        return rows_of_vxth(signals, start, end)
    if rules is not None:
        return rows_of_computation(signals, rules, services().settings.notional_usd, chains, start, end)
    rows = rows_of_signals(signals, strategy, start, end)
    _note_scale([levels_since(signals, strategy)], start)
    return rows


def _from_source(
    strategy: str, rules: RuleSet | None, start: dt.date, end: dt.date, source: str, data_dir: Path | None
) -> list[Row]:
    from flows.wiring import services
    from tasks.chains import fetched_chains
    from tasks.compute import compute
    from tasks.ingest import read_source
    from tasks.schedule import session_due
    from tasks.sources.fetched import fetch_once

    work = services()
    due = session_due(work.clock(), work.calendar)
    fetched = fetch_once(work.source(source, data_dir, min(end, due), min(start, due)))
    data, _ = read_source(fetched)
    signals = compute(data, work.calendar, end, work.judgement())
    return _computed(strategy, rules, signals, fetched_chains(fetched.payloads, work.calendar), start, end)


def _from_observations(strategy: str, start: dt.date, end: dt.date) -> list[Row]:
    from flows.wiring import services
    from tasks.compute import compute_stored

    work = services()
    signals, _ = compute_stored(existing_database(), work.calendar, end, work.judgement())
    say(f"Note: {strategy} is computed from the stored observations; no report has it.", err=True)
    return _computed(strategy, None, signals, {}, start, end)


def _as_of(strategy: str, rules: RuleSet | None, start: dt.date, end: dt.date, as_of: dt.datetime) -> list[Row]:
    from flows.cli.as_of import signals_as_of, too_early
    from flows.wiring import services
    from tasks.chains import stored_chains

    calendar = services().calendar
    closed = calendar.last_session_closed_by(as_of, dt.timedelta(0))
    last = min(end, closed)
    if last < start:
        return []
    signals, _, basis = signals_as_of(as_of, last)
    try:
        rows = _computed(strategy, rules, signals, stored_chains(existing_database(), calendar, as_of), start, last)
    except DataNotReady as error:
        raise too_early(as_of, error) from error
    say(basis, err=True)
    return rows


def _write(rows: list[Row], form: str, output: Path | None) -> None:
    if form == "parquet":
        _write_parquet(rows, output)
        return
    text = _csv(rows) if form == "csv" else json.dumps(rows, default=dt.date.isoformat) + "\n"
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise ConfigurationError(
            f"file {output}", expected="one that can be written", got=str(error.strerror), do="Check --output."
        ) from error


def _csv(rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _write_parquet(rows: list[Row], output: Path | None) -> None:
    if output is None:
        raise ConfigurationError(
            "format parquet", expected="a file to write", got="standard output", do="Name one with --output."
        )
    import pandas as pd

    try:
        pd.DataFrame(rows).to_parquet(output)
    except ImportError as error:
        raise ConfigurationError(
            "format parquet", expected="pyarrow", got="no such package", do="pip install 'tailguard[parquet]'."
        ) from error
