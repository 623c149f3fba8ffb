"""``report open``: a report in the browser."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import click

from flows.cli.instants import as_of_option
from flows.cli.manual import manual
from flows.cli.options import database_option
from flows.cli.output import say
from flows.cli.report_diff import session_date, stored_report
from flows.cli.stored_views import page_of
from flows.settings import load_settings

_EXIT_NO_BROWSER = 1


@click.command(
    "open",
    epilog=manual(
        "tailguard report open",
        "tailguard report open 2020-03-16 --revision 1",
        "tailguard report open --print-only",
        exit_codes="0 opened or printed, 1 no browser, 2 no database, or no report of that session",
    ),
)
@click.argument("session", required=False, metavar="[DATE]")
@click.option("--revision", type=click.IntRange(1), metavar="N", help="A certain revision; by default the newest.")
@as_of_option("The newest revision that had been emitted by then.")
@click.option("--print-only", is_flag=True, help="Print the address and open nothing, as on a host without a screen.")
@database_option
def open_report(session: str | None, revision: int | None, as_of: dt.datetime | None, print_only: bool) -> int:
    """Open a report in the browser, by default the newest one.

    With TAILGUARD_REVIEW_URL set, that is its page there. Otherwise it is written to a new file that only its owner can
    read, with its charts, and stays until temporary files are removed. The address is printed.
    """
    stored = stored_report(session_date(session) if session else None, revision, as_of)
    review_url = load_settings().review_url
    if review_url is not None:
        address = f"{review_url}/reports/{stored.session}?revision={stored.revision}"
    else:
        address = _written(page_of(stored), f"tailguard-{stored.session}-r{stored.revision}.html").as_uri()
    click.echo(address)
    if print_only or _shown(address):
        return 0
    say("No browser was found: open the address above in one.", err=True)
    return _EXIT_NO_BROWSER


def _shown(address: str) -> bool:
    # `report show` loads this module, and has no time for it.
    import webbrowser

    return webbrowser.open(address)


def _written(page: str, name: str) -> Path:
    # A directory that nobody else can look into, nor guess.
    path = Path(tempfile.mkdtemp(prefix="tailguard-")) / name
    path.write_text(page, encoding="utf-8")
    return path
