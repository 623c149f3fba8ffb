"""``report diff``: what differs between two stored reports."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
from typing import Any

import click

from flows.cli.instants import new_york
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from reports.difference import Change, Part, difference, said
from reports.stored import content_of
from signals.errors import ConfigurationError
from signals.veqtor.rules import VEQTOR
from storage.reports import StoredReport
from storage.unit_of_work import UnitOfWork

_WIDTH = 80
_EXIT_DIFFERENT = 1


@click.command(
    "diff",
    epilog=manual(
        "tailguard report diff 2020-03-16",
        "tailguard report diff 2020-03-16@1 2020-03-16@3",
        "tailguard report diff 2020-03-13 2020-03-16 --json",
        exit_codes="0 no difference, 1 there are some, 2 no database, or no such report",
    ),
)
@click.argument("first", metavar="DATE[@N]")
@click.argument("second", metavar="[DATE[@N]]", required=False)
@database_option
@json_option
def diff_reports(first: str, second: str | None, as_json: bool) -> int:
    """Show what differs between two reports.

    DATE is a session, yyyy-mm-dd, and N its revision, by default the newest. One report alone is compared with the
    revision before it. What differs is listed part by part: target, orders, hedges, all other figures, inputs with the
    file of each, and what the report rests on. What does not differ is counted.
    """
    one, other = _pair(first, second)
    parts = difference(content_of(one), content_of(other))
    if as_json:
        document = {"first": _head(one), "second": _head(other), "parts": [_part_document(part) for part in parts]}
        click.echo(json.dumps(document, indent=2))
    else:
        for label, stored in (("First ", one), ("Second", other)):
            emitted = new_york(stored.emitted_at)
            click.echo(f"{label}  {stored.session} revision {stored.revision}, emitted {emitted}")
        _print(parts)
    return _EXIT_DIFFERENT if any(part.changes for part in parts) else 0


def _pair(first: str, second: str | None) -> tuple[StoredReport, StoredReport]:
    """The two reports that were named; of one alone, the revision before it and itself."""
    named = _named(first)
    if second is not None:
        return named, _named(second)
    if named.revision == 1:
        raise ConfigurationError(
            f"report of session {named.session}",
            expected="a revision before the one named",
            got="revision 1, which is the first",
            do="Name two reports, such as 2020-03-13 2020-03-16; `tailguard report list` shows what is there.",
        )
    return stored_report(named.session, named.revision - 1), named


def _named(text: str) -> StoredReport:
    day, at, revision = text.partition("@")
    if at and not (revision.isdecimal() and int(revision)):
        raise ConfigurationError(
            "report",
            expected="a session with the number of a revision, such as 2020-03-16@2",
            got=repr(text),
            do="`tailguard report list` shows sessions with their revisions.",
        )
    return stored_report(session_date(day), int(revision) if at else None)


def stored_report(
    session: dt.date | None, revision: int | None = None, as_of: dt.datetime | None = None
) -> StoredReport:
    """A report as stored, by default in its newest revision.

    Raises
    ------
    ConfigurationError
        When there is none.
    """
    with UnitOfWork(existing_database()) as work:
        stored = work.reports.newest(VEQTOR.name, session, revision, as_of=as_of)
    if stored is None:
        which = f"session {session}" if session else "any session"
        compute = f"`tailguard run --session {session or 'latest'}" + (" --as-of TIME`" if as_of else "`")
        raise ConfigurationError(
            f"report of {which}"
            + (f", revision {revision}" if revision else "")
            + (f", as of {new_york(as_of)}" if as_of else ""),
            expected="a report in the database",
            got="none",
            do=f"`tailguard report list` shows what is there; {compute} "
            + ("computes it from what was known then." if as_of else "emits one."),
        )
    return stored


def session_date(text: str) -> dt.date:
    """A session as somebody typed it."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            "session", expected="a date as yyyy-mm-dd", got=repr(text), do="Check the argument."
        ) from error


def _print(parts: tuple[Part, ...]) -> None:
    for part in parts:
        if part.changes:
            click.echo(f"\n{part.name}: {len(part.changes)} different, {part.unchanged} the same")
            for change in part.changes:
                click.echo(_line(change))
    same = ", ".join(f"{part.name} ({part.unchanged})" for part in parts if not part.changes)
    if not any(part.changes for part in parts):
        click.echo("\nNo difference.")
    elif same:
        click.echo(f"\nThe same: {same}.")


def _line(change: Change) -> str:
    first, second = said(change)
    line = f"  {change.key}: {first} -> {second}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"  {change.key}:", _filled("     ", first), _filled("  -> ", second)])


def _filled(before: str, text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=before,
        subsequent_indent=" " * len(before),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _head(stored: StoredReport) -> dict[str, Any]:
    return {
        "session": stored.session.isoformat(),
        "revision": stored.revision,
        "emitted_at": stored.emitted_at.isoformat(),
    }


def _part_document(part: Part) -> dict[str, Any]:
    return {"name": part.name, "unchanged": part.unchanged, "changes": [vars(change) for change in part.changes]}
