"""``report export``, ``report feed`` and ``report schema``: stored reports as files for others."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import click

from flows.cli.files import whole_file
from flows.cli.instants import as_of_option, new_york
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database
from flows.cli.output import say
from flows.cli.report_diff import session_date
from flows.settings import load_settings
from signals.errors import ConfigurationError
from signals.veqtor.rules import VEQTOR
from storage.exports import Span
from storage.unit_of_work import UnitOfWork

_TABLES = ("figures", "hedges", "allocations", "hedge-targets")
_TABULAR = ("csv", "parquet")
_FEED_ENTRIES = 50

Writer = Callable[[IO[bytes]], None]


def _day(_: click.Context, __: click.Parameter, value: str | None) -> dt.date | None:
    return None if value is None else session_date(value)


@click.command(
    "export",
    epilog=manual(
        "tailguard report export --output reports.json",
        "tailguard report export --session 2020-03-16 --all-revisions",
        "tailguard report export --first 2020-01-02 --format csv --table hedges",
        "tailguard report export --format parquet --output figures.parquet",
        "tailguard report export --format ics --output tailguard.ics --force",
        exit_codes="0 written, 2 wrong usage, no database, no report in the range, or a file that cannot be written",
    ),
)
@click.option("--first", metavar="DATE", callback=_day, help="First session, yyyy-mm-dd; by default the first stored.")
@click.option("--last", metavar="DATE", callback=_day, help="Last session, included; by default the last stored.")
@click.option("--session", metavar="DATE", callback=_day, help="One session, in place of --first and --last.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "ndjson", "csv", "parquet", "ics"]),
    default="json",
    show_default=True,
    help="Documents as one array or one a line, a table, or a calendar. parquet needs the extra tailguard[parquet].",
)
@click.option("--table", type=click.Choice(_TABLES), help="Which table, of csv and parquet; by default figures.")
@click.option("--revision", type=click.IntRange(1), metavar="N", help="A certain revision; by default the newest.")
@click.option("--all-revisions", is_flag=True, help="Every revision, each by itself.")
@as_of_option("The newest revisions that had been emitted by then.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write, whole or not at all; by default standard output.",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@database_option
def export_reports(
    first: dt.date | None,
    last: dt.date | None,
    session: dt.date | None,
    form: str,
    table: str | None,
    revision: int | None,
    all_revisions: bool,
    as_of: dt.datetime | None,
    output: Path | None,
    force: bool,
) -> None:
    """Write stored reports to a file for other programs.

    json and ndjson hold whole documents, as `report schema` describes them. csv and parquet hold a table: figures has
    a row per session, hedges one per hedge and layer, allocations and hedge-targets one per instrument; docs/exports.md
    says what each column is. ics is a calendar of what lies ahead, by default of the newest report.
    """
    if session is not None and (first is not None or last is not None):
        raise _one_of("--session", "--first or --last")
    if revision is not None and all_revisions:
        raise _one_of("--revision", "--all-revisions")
    if table is not None and form not in _TABULAR:
        raise ConfigurationError(
            "--table", expected="--format csv or parquet with it", got=f"--format {form}", do="Leave it out."
        )
    if session is not None:
        first = last = session
    with UnitOfWork(existing_database()) as work:
        span = work.exports.span(VEQTOR.name)
        if form == "ics" and first is None and last is None and span is not None:
            # What an older report saw ahead lies behind.
            stored = work.reports.newest(VEQTOR.name, None, revision, as_of=as_of)
            first = last = stored.session if stored else span.last
        keys = work.exports.keys(
            VEQTOR.name, first=first, last=last, revision=revision, all_revisions=all_revisions, as_of=as_of
        )
        if not keys:
            raise _nothing(span, first, last, revision, as_of)
        _write(_writer(work, form, table or _TABLES[0], keys), output, force, binary=form == "parquet")
    if output is not None:
        say(f"Wrote {len(keys):,} report{'s' if len(keys) > 1 else ''} to {output}.")


def _one_of(one: str, other: str) -> ConfigurationError:
    return ConfigurationError(one, expected=f"no {other} with it", got="both", do="Leave one out.")


def _nothing(
    span: Span | None,
    first: dt.date | None,
    last: dt.date | None,
    revision: int | None,
    as_of: dt.datetime | None,
) -> ConfigurationError:
    """That a range holds no report, and what is there."""
    which = f"reports from {first or 'the first'} to {last or 'the last'}"
    if first is not None and first == last:
        which = f"report of session {first}"
    if first is not None and last is not None and first > last:
        do = "Swap --first and --last."
    elif span is None:
        do = "`tailguard run` emits one."
    else:
        do = (
            f"{span.sessions:,} sessions from {span.first} to {span.last} are stored; `tailguard backfill` adds others."
        )
    return ConfigurationError(
        which + (f", revision {revision}" if revision else "") + (f", as of {new_york(as_of)}" if as_of else ""),
        expected="one or more in the database",
        got="none",
        do=do,
    )


def _writer(work: UnitOfWork, form: str, table: str, keys: list[int]) -> Writer:
    """What writes a format; only what it needs is loaded."""
    if form == "ics":
        from reports.export.calendar import events_calendar

        review_url = load_settings().review_url
        calendar = events_calendar(work.exports.reports(keys), review_url)
        return lambda output: _put([calendar], output)
    if form in _TABULAR:
        from reports.export.columns import TABLES
        from reports.export.tables import csv_lines, write_parquet

        chosen = TABLES[table]
        rows = work.exports.rows(chosen.stored, [column.name for column in chosen.columns], keys)
        if form == "parquet":
            return lambda output: write_parquet(chosen, rows, output)
        return lambda output: _put(csv_lines(chosen, rows), output)
    from reports.export.documents import json_array, json_lines

    if form == "json":
        return lambda output: _put(json_array(work.exports.reports(keys)), output)
    return lambda output: _put(json_lines(work.exports.reports(keys)), output)


def _put(parts: Iterable[bytes], output: IO[bytes]) -> None:
    output.writelines(parts)


def _write(write: Writer, output: Path | None, replace: bool, *, binary: bool = False) -> None:
    if output is not None:
        with whole_file(output, replace=replace) as file:
            write(file)
        return
    if binary and sys.stdout.isatty():
        raise ConfigurationError(
            "format parquet", expected="a file or a pipe", got="a terminal", do="Name a file with --output."
        )
    try:
        sys.stdout.flush()
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader has enough, as `head` has; what is left in the buffer goes nowhere when the program ends.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


@click.command(
    "feed",
    epilog=manual(
        "tailguard report feed --base-url https://desk.example.com \\",
        "    --output /srv/feed.atom",
        "tailguard report feed --limit 250",
        exit_codes="0 written, 2 no database, no address of the reports, or a file that cannot be written",
    ),
)
@click.option(
    "--base-url",
    metavar="URL",
    help="Address under which people read reports, which entries link to; by default TAILGUARD_REVIEW_URL.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=_FEED_ENTRIES,
    show_default=True,
    help="How many, newest first.",
)
@as_of_option("Only what had been emitted by then.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write, whole, replaced if it is there; by default standard output.",
)
@database_option
def feed_of_reports(base_url: str | None, limit: int, as_of: dt.datetime | None, output: Path | None) -> None:
    """Write the newest reports as an Atom feed.

    Each revision is an entry of its own, with the verdict and what changed. A reader of feeds shows a correction as
    news. The review app serves the same feed; a file is for a web server that only serves files.
    """
    from reports.export.feed import atom_feed

    review_url = load_settings().review_url
    address = base_url or review_url
    if address is None or not address.startswith(("http://", "https://")):
        raise ConfigurationError(
            "--base-url",
            expected="an address that begins with http:// or https://",
            got=repr(address) if address else "none",
            do="Name it, or set TAILGUARD_REVIEW_URL.",
        )
    with UnitOfWork(existing_database()) as work:
        found = work.reports.recent(limit, as_of=as_of)
    feed = atom_feed(found, address)
    _write(lambda file: _put([feed], file), output, True)
    if output is not None:
        say(f"Wrote {len(found):,} entr{'ies' if len(found) != 1 else 'y'} to {output}.")


@click.command(
    "schema",
    epilog=manual("tailguard report schema", exit_codes="0 printed, 2 wrong usage"),
)
def schema_of_reports() -> None:
    """Print the JSON Schema of an exported report.

    It describes what `report export` writes as json and ndjson, in draft 2020-12. Its $id changes when a reader has to.
    """
    from reports.export.schema import report_schema

    click.echo(report_schema().decode(), nl=False)
