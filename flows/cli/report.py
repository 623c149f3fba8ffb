"""``report list``, ``report show`` and ``report diff``."""

from __future__ import annotations

import datetime as dt
import json
import sys

import click

from flows.cli.instants import as_of_option
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.report_diff import diff_reports, session_date, stored_report
from flows.cli.report_export import export_reports, feed_of_reports, schema_of_reports
from flows.cli.report_open import open_report
from flows.cli.stored_views import view_of
from reports.export.documents import exported
from reports.text import render_text
from reports.view import ReportView
from storage.unit_of_work import UnitOfWork


@click.group()
def report() -> None:
    """Read the reports that were emitted.

    They are printed as they were stored: nothing is computed, and no source is asked. `run` and `backfill` emit them.
    """


@report.command(
    "list",
    epilog=manual(
        "tailguard report list",
        "tailguard report list --limit 250 --json",
        exit_codes="0 listed, 2 no database",
    ),
)
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", default=20, show_default=True, help="How many, newest first."
)
@as_of_option("Only what had been emitted by then.")
@database_option
@json_option
def list_reports(limit: int, as_of: dt.datetime | None, as_json: bool) -> None:
    """List the newest reports, one line each.

    A line has the session, the rule set with the revision, and the target weights.
    """
    with UnitOfWork(existing_database()) as work:
        found = work.reports.recent(limit, as_of=as_of)
    if as_json:
        rows = [
            {
                "session": item.session.isoformat(),
                "rule_set": item.rule_set,
                "revision": item.revision,
                "emitted_at": item.emitted_at.isoformat(),
                "target": json.loads(item.document)["target"],
                "simulated": json.loads(item.document).get("simulated", False),
            }
            for item in found
        ]
        click.echo(json.dumps(rows))
        return
    if not found:
        click.echo("No report had been emitted by then." if as_of else "No report yet: `tailguard run` emits one.")
    for item in found:
        document = json.loads(item.document)
        target, label = document["target"], "  SIMULATED" if document.get("simulated") else ""
        weights = "  ".join(f"{name} {weight * 100:5.1f}%" for name, weight in target.items())
        click.echo(f"{item.session}  {item.rule_set} r{item.revision}  {weights}{label}")


@report.command(
    "show",
    epilog=manual(
        "tailguard report show",
        "tailguard report show 2020-03-16",
        "tailguard report show 2020-03-16 --revision 1 --json",
        exit_codes="0 shown, 2 no database, or no report of that session",
    ),
)
@click.argument("session", required=False, metavar="[DATE]")
@click.option("--revision", type=click.IntRange(1), metavar="N", help="A certain revision; by default the newest.")
@as_of_option("The newest revision that had been emitted by then.")
@database_option
@json_option
def show_report(session: str | None, revision: int | None, as_of: dt.datetime | None, as_json: bool) -> None:
    """Show the report of a session, by default of the newest one.

    A report says what to hold, which orders reach it, how close the next change is, and which file each number was read
    from. DATE is a session, yyyy-mm-dd. A revision that was superseded says so. What is piped is plain text of 80
    columns; a terminal gets tables, and colours unless NO_COLOR is set.
    """
    stored = stored_report(session_date(session) if session else None, revision, as_of)
    if as_json:
        click.echo(json.dumps(exported(stored), indent=2))
    else:
        print_view(view_of(stored))


def print_report(session: dt.date) -> None:
    """Print the newest revision of a session's report."""
    print_view(view_of(stored_report(session)))


def print_view(view: ReportView) -> None:
    """Print a report: for a terminal, or as plain text that stays the same."""
    if sys.stdout.isatty():
        from reports import terminal

        terminal.print_view(view)
    else:
        click.echo(render_text(view), nl=False)


report.add_command(diff_reports)
report.add_command(export_reports)
report.add_command(feed_of_reports)
report.add_command(schema_of_reports)
report.add_command(open_report)
