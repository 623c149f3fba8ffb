"""``data revisions``: values that their publishers changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import click
from sqlalchemy import Engine

from flows.cli.data.text import minute, parse_since, say_simulated, short_hash
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from signals.series import BASE_SESSION, SPY_ADJUSTED
from signals.veqtor.rules import VEQTOR
from storage.observations import ChangedValue
from storage.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Revision:
    """One changed value, or all that a dividend changed at once.

    Attributes
    ----------
    first, last : datetime.date
        Days of the values.
    lowest_ratio, highest_ratio : float
        What the values were multiplied by.
    needs_recompute : bool
        Whether a report that no run computes again rests on it: one of its first day or later.
    """

    series: str
    publisher: str
    first: dt.date
    last: dt.date
    values: int
    before: float | None
    after: float | None
    lowest_ratio: float | None
    highest_ratio: float | None
    known_at: dt.datetime
    payload_sha256: str
    needs_recompute: bool


@click.command(
    epilog=manual(
        "tailguard data revisions",
        "tailguard data revisions --series VIX --since 2026-11-01T00:00 --json",
        exit_codes="0 shown, 2 wrong usage or no database",
    )
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only changes known since an instant, such as 2026-11-01T00:00, in New York time unless it names an offset.",
)
@click.option("--series", metavar="NAME", help="Only those of one series, such as VIX or VX.2020-03-18.")
@database_option
@json_option
def revisions(since: str | None, series: str | None, as_json: bool) -> None:
    """Show values that their publishers changed later.

    Newest first, each with its day, what it was and is, when the change became known, in New York time, and the payload
    it came from. A dividend changes every earlier adjusted price of SPY: those are one line. Each run computes the last
    sessions again and revises their reports; changes before those are marked, and only a recompute applies them to the
    reports that rest on them.
    """
    engine = existing_database()
    with UnitOfWork(engine) as work:
        changes = work.observations.changes(series=series, since=parse_since("--since", since))
        last_report = work.reports.newest(VEQTOR.name, None)
        simulated = work.observations.is_simulated()
    window, settled = _before_window(engine, last_report.session) if last_report and changes else (None, [])
    found = list(_summed(changes, settled))
    if as_json:
        document = {"reread_from": window, "revisions": [asdict(each) for each in found]}
        click.echo(json.dumps(document, default=lambda value: value.isoformat()))
        return
    say_simulated(simulated)
    if not found:
        say("No value was changed.")
    for each in found:
        say(_line(each))
    late = [each.first for each in found if each.needs_recompute]
    if late:
        start = next(session for session in settled if session >= min(late))
        say(
            f"* before {window}, where the sessions begin that runs compute again: `tailguard backfill --start {start} "
            f"--end {settled[-1]} --mode recompute` applies these, unless that was done since."
        )


def _before_window(engine: Engine, last_report: dt.date) -> tuple[dt.date, list[dt.date]]:
    """The first session that the next run computes again, and those before it that have a report."""
    # They load numpy, which is not needed where nothing was changed.
    from flows.wiring import services
    from tasks.runs import reread_window, stored_sessions

    calendar = services().calendar
    window = reread_window(last_report, calendar)[0]
    earlier = calendar.sessions_in(BASE_SESSION, window)[:-1].tolist()
    return window, sorted(stored_sessions(engine, VEQTOR.digest, earlier))


def _summed(changes: Iterable[ChangedValue], settled: Sequence[dt.date]) -> Iterable[Revision]:
    """The changes in their order; those of SPY's adjusted prices as one per payload, where its first one stands."""
    of_dividend: dict[str, list[ChangedValue]] = {}
    order: list[Sequence[ChangedValue]] = []
    for change in changes:
        if change.series != SPY_ADJUSTED:
            order.append([change])
        elif change.payload_sha256 in of_dividend:
            of_dividend[change.payload_sha256].append(change)
        else:
            of_dividend[change.payload_sha256] = [change]
            order.append(of_dividend[change.payload_sha256])
    for some in order:
        one = some[0] if len(some) == 1 else None
        ratios = [each.after / each.before for each in some if each.before and each.after]
        first = min(each.day for each in some)
        yield Revision(
            some[0].series,
            some[0].publisher,
            first,
            max(each.day for each in some),
            len(some),
            one.before if one else None,
            one.after if one else None,
            min(ratios, default=None),
            max(ratios, default=None),
            some[0].known_at,
            some[0].payload_sha256,
            bool(settled) and first <= settled[-1],
        )


def _line(each: Revision) -> str:
    mark = " *" if each.needs_recompute else ""
    if each.values == 1:
        after = "taken back" if each.after is None else f"{each.after:.10g}"
        what = f"{each.first}: {each.before:.10g} -> {after}"
    else:
        what = f"{each.first}..{each.last}: {each.values} prices, {_factor(each)}"
    return f"{minute(each.known_at)}  {each.series} {each.publisher} {what}  {short_hash(each.payload_sha256)}{mark}"


def _factor(each: Revision) -> str:
    lowest, highest = f"{each.lowest_ratio:.5f}", f"{each.highest_ratio:.5f}"
    return f"times {lowest}" if lowest == highest else f"times {lowest} to {highest}"
