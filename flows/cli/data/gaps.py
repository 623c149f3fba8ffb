"""``data gaps``: days without a value, against the trading calendar."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from flows.cli.data.text import say_simulated
from flows.cli.main import EXIT_FAILED
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from signals.errors import ConfigurationError
from storage.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from signals.gaps import NeededGaps, SeriesGaps, Span

_DATE = click.DateTime(["%Y-%m-%d"])

#: What is counted where `signals.gaps` does not say; it loads numpy.
_SESSIONS = "sessions"

#: Ranges of one series that are named; --json has all.
_NAMED = 12


@click.command(
    epilog=manual(
        "tailguard data gaps",
        "tailguard data gaps --start 2025-01-02 --end 2025-03-31 --json",
        exit_codes="0 nothing that a decision needs is missing, 1 something is, 2 wrong usage or no database",
    )
)
@click.option(
    "--start", type=_DATE, metavar="DATE", help="First day, yyyy-mm-dd; by default the first value of each series."
)
@click.option("--end", type=_DATE, metavar="DATE", help="Last day, included; by default the last value of each series.")
@database_option
@json_option
def gaps(start: dt.datetime | None, end: dt.datetime | None, as_json: bool) -> int:
    """Show days without a value, and values on other days.

    An index has a value on every session, DFF on every day, DTB3 and IRX where the bond market is open; VX is looked at
    by slot, 1 being the first contract to expire. "extra" are values on days that should have none: nothing uses them.

    A decision needs on each session from 2005-12-20 on the S&P 500 from Yahoo, the VIX from either publisher, SPXTR or
    SPY, DTB3 and DFF or IRX in their place, and the settlements that the short-term index holds. Months that were not
    listed before May 2008 are interpolated, and not missing.
    """
    first, last = (day and day.date() for day in (start, end))
    if first and last and first > last:
        raise ConfigurationError(
            "range", expected="--start not after --end", got=f"{first} and {last}", do="Swap them."
        )
    # They load numpy, which the other commands on data do without.
    from flows.wiring import services
    from signals.gaps import needed_gaps, needed_through, series_gaps, vx_gaps
    from tasks.ingest import load_market
    from tasks.schedule import session_due

    engine = existing_database()
    work = services()
    due = session_due(work.clock(), work.calendar)
    if first and first > due:
        raise ConfigurationError(
            f"start {first}",
            expected=f"{due} or earlier, the last session that is over",
            got=str(first),
            do="Check --start.",
        )
    last = min(last, due) if last else None
    with UnitOfWork(engine) as unit:
        data = load_market(unit)
    found = series_gaps(data, work.calendar, first, last) + vx_gaps(data, work.calendar, first, last)
    needed = needed_gaps(data, work.calendar, first, last)
    if as_json:
        document = {
            "simulated": data.simulated,
            "series": [_document(each) for each in found],
            "needed_through": (last or needed_through(data)).isoformat(),
            "needed": [{"name": each.name, "missing": _spans(each.missing)} for each in needed],
        }
        click.echo(json.dumps(document))
    else:
        say_simulated(data.simulated)
        for each in found:
            say(_line(each))
        _say_needed(needed, last or needed_through(data))
    return EXIT_FAILED if needed else 0


def _line(each: SeriesGaps) -> str:
    name = each.series if each.publisher is None else f"{each.series} {each.publisher}"
    extra = _listed([str(day) for day in each.extra])
    interpolated = f", {each.interpolated} interpolated" if each.interpolated else ""
    return (
        f"{name}, {each.first}..{each.last}: expected {each.expected} rows, "
        f"missing [{_ranges(each.missing, each.unit)}], extra [{extra}]{interpolated}"
    )


def _say_needed(needed: Sequence[NeededGaps], through: dt.date) -> None:
    click.echo()
    if not needed:
        say(f"Nothing that a decision needs is missing up to {through}.")
    for each in needed:
        missing = f"missing [{_ranges(each.missing, _SESSIONS)}]" if each.missing else "no value at all"
        say(f"A decision needs {each.name}: {missing}")
    if needed:
        say("`tailguard run` reads it again; `tailguard backfill` reads a longer history.")


def _ranges(spans: Sequence[Span], unit: str) -> str:
    return _listed([_range(span, unit) for span in spans])


def _range(span: Span, unit: str) -> str:
    return str(span.first) if span.days == 1 else f"{span.first}..{span.last} ({span.days} {unit})"


def _listed(items: Sequence[str]) -> str:
    more = [f"and {len(items) - _NAMED} more"] if len(items) > _NAMED else []
    return ", ".join([*items[:_NAMED], *more])


def _document(each: SeriesGaps) -> dict[str, Any]:
    return {
        "series": each.series,
        "publisher": each.publisher,
        "first": each.first.isoformat(),
        "last": each.last.isoformat(),
        "expected": each.expected,
        "unit": each.unit,
        "missing": _spans(each.missing),
        "extra": [day.isoformat() for day in each.extra],
        "interpolated": each.interpolated,
    }


def _spans(spans: Sequence[Span]) -> list[dict[str, Any]]:
    return [{"first": span.first.isoformat(), "last": span.last.isoformat(), "days": span.days} for span in spans]
