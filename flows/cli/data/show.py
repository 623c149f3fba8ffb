"""``data show``: how much there is of each series, the values of one, or all of one day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from flows.cli.data.text import minute, print_table, say_simulated, short_hash, size
from flows.cli.instants import as_of_option
from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option
from flows.cli.output import say
from signals.errors import ConfigurationError
from signals.series import BASE_SESSION, PUBLISHERS, SPECS, VX_PREFIX, VX_PUBLISHERS, spec
from storage.engine import shown
from storage.observations import SeriesExtent, TracedValue
from storage.payloads import PayloadTotals
from storage.unit_of_work import UnitOfWork
from tasks.prune import database_bytes

if TYPE_CHECKING:
    from signals.quality import Verdict

#: Days of a series that are shown without --all.
_LAST_DAYS = 20


@click.command(
    epilog=manual(
        "tailguard data show",
        "tailguard data show --series VX.2020-04-15 --all",
        "tailguard data show --session 2020-03-16 --as-of 2020-03-16T18:45",
        exit_codes="0 shown, 2 wrong usage, no such series, or no database",
    )
)
@click.option("--series", metavar="NAME", help="The values of one series, such as SPX or VX.2020-03-18.")
@click.option(
    "--session",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Every value of a day that a signal can use, yyyy-mm-dd.",
)
@as_of_option("Only what was known at an instant, such as 2020-03-16T18:45.")
@click.option("--all", "everything", is_flag=True, help="With --series, all its days; by default the last 20.")
@database_option
@json_option
def show(
    series: str | None, session: dt.datetime | None, as_of: dt.datetime | None, everything: bool, as_json: bool
) -> None:
    """Show what is stored, and where each value came from.

    Without options: each series with its first and last day, its values, how many of them were changed later and when
    the newest became known; VX is one line for all contracts. Then the payloads, and the size of the database. Times
    are New York's; "assumed" is a time nobody recorded, and the usual one of its publisher. A session also
    gets a verdict: OK, DEGRADED where a substitute stands in or publishers disagree, BLOCKED where there is no signal.
    """
    if everything and not series:
        raise ConfigurationError("--all", expected="--series with it", got="none", do="Name a series with --series.")
    if series or session:
        _show_values(series, session.date() if session else None, as_of, everything=everything, as_json=as_json)
    else:
        _show_extents(as_of, as_json=as_json)


def _show_extents(instant: dt.datetime | None, *, as_json: bool) -> None:
    engine = existing_database()
    with UnitOfWork(engine) as work:
        extents = work.observations.extents(as_of=instant)
        totals = work.observations.payload_totals(as_of=instant)
        simulated = work.observations.is_simulated()
    rows, contracts = _summed(extents)
    on_disk = database_bytes(engine)
    address = shown(engine.url)
    if as_json:
        document = {
            "simulated": bool(simulated),
            "as_of": instant,
            "series": [asdict(row) | {"contracts": contracts.get(row)} for row in rows],
            "payloads": asdict(totals),
            "database": {"address": address, "bytes": on_disk},
        }
        click.echo(json.dumps(document, default=_plain))
        return
    say_simulated(simulated)
    if rows:
        print_table(
            ("series", "first", "last", "values", "changed", "last known"),
            [_extent_row(row, contracts.get(row)) for row in rows],
            right="values changed",
        )
    else:
        say("No values." if instant is None else f"No values known on {minute(instant)} New York.")
    click.echo()
    _say_totals(totals)
    say(f"Database: {size(on_disk)}, {address}")


def _summed(extents: Sequence[SeriesExtent]) -> tuple[list[SeriesExtent], dict[SeriesExtent, int]]:
    """One line per series and publisher in the order of `PUBLISHERS`, VX last; and how many contracts are in a line."""
    order = {(series, who): place for place, (series, who) in enumerate(_known_series())}
    singles = [extent for extent in extents if not extent.series.startswith(VX_PREFIX)]
    singles.sort(key=lambda extent: (order.get((extent.series, extent.publisher), len(order)), extent.series))
    contracts: dict[SeriesExtent, int] = {}
    for publisher in sorted({extent.publisher for extent in extents if extent.series.startswith(VX_PREFIX)}):
        some = [each for each in extents if each.publisher == publisher and each.series.startswith(VX_PREFIX)]
        total = SeriesExtent(
            "VX",
            publisher,
            min(each.first for each in some),
            max(each.last for each in some),
            sum(each.values for each in some),
            sum(each.changed for each in some),
            max(each.last_known_at for each in some),
        )
        contracts[total] = len(some)
    return singles + list(contracts), contracts


def _known_series() -> list[tuple[str, str]]:
    return [(series, publisher) for series, publishers in PUBLISHERS.items() for publisher in publishers]


def _extent_row(row: SeriesExtent, contracts: int | None) -> tuple[str, ...]:
    name = f"{row.series} {row.publisher}" if contracts is None else f"VX ({contracts}) {row.publisher}"
    return (name, str(row.first), str(row.last), str(row.values), str(row.changed), minute(row.last_known_at))


def _say_totals(totals: PayloadTotals) -> None:
    say(
        f"Payloads: {totals.count:,}, {size(totals.stored_bytes)} as stored, {size(totals.fetched_bytes)} as fetched; "
        f"{totals.refused:,} refused, {totals.pruned:,} pruned."
    )


def _show_values(
    series: str | None, day: dt.date | None, instant: dt.datetime | None, *, everything: bool, as_json: bool
) -> None:
    with UnitOfWork(existing_database()) as work:
        values = work.observations.traced(series=series, day=day, as_of=instant)
        simulated = work.observations.is_simulated()
        if series and not values:
            _require_series(series, [extent.series for extent in work.observations.extents()])
    if series is None:
        values = sorted(filter(_usable, values), key=_rank)
    elif not everything:
        days = sorted({value.day for value in values})[-_LAST_DAYS:]
        values = [value for value in values if value.day in days]
    verdict = _verdict(day, instant) if day and series is None else None
    if as_json:
        rows = [asdict(value) for value in values]
        click.echo(json.dumps(asdict(verdict) | {"values": rows} if verdict else rows, default=_plain))
        return
    say_simulated(simulated)
    known = "" if instant is None else f" known on {minute(instant)} New York"
    if not values:
        say(f"No values{known}." if day is None else f"No values of {day}{known}.")
        return
    if series:
        say(f"{series}: {spec(series).description}, {spec(series).unit}." if _specified(series) else f"{series}.")
    if day:
        say(f"{day:%A %Y-%m-%d}: of several publishers of a series the first one counts.")
    _print_values(values, with_series=series is None)
    if verdict:
        click.echo()
        say(f"Verdict: {verdict.verdict}")
        for finding in verdict.findings:
            say(f"  {finding}")


def _verdict(day: dt.date, instant: dt.datetime | None) -> Verdict | None:
    """The verdict on the data of a session; None for a day that is none, or that no signal reaches back to."""
    from flows.wiring import services
    from signals.quality import verdict_on
    from tasks.compute import inputs_of
    from tasks.ingest import load_market

    work = services()
    calendar = work.calendar
    if day < BASE_SESSION or not calendar.is_session(day):
        return None
    with UnitOfWork(existing_database()) as unit:
        data = load_market(unit, as_of=instant)
    return verdict_on(inputs_of(data, calendar, day, work.judgement(instant)), day)


def _print_values(values: Sequence[TracedValue], *, with_series: bool) -> None:
    first = "series" if with_series else "day"
    print_table(
        (first, "publisher", "value", "known at", "payload"),
        [
            (
                value.series if with_series else str(value.day),
                value.publisher,
                f"{value.value:.10g}",
                minute(value.known_at) + (" assumed" if value.known_at_is_assumed else ""),
                short_hash(value.payload_sha256),
            )
            for value in values
        ],
        right="value",
    )
    payloads = {value.payload_sha256: value for value in values}
    click.echo("\nPayloads")
    for sha256, value in sorted(payloads.items(), key=lambda item: item[1].fetched_at):
        say(f"{short_hash(sha256)}  fetched {minute(value.fetched_at)}  {value.locator}")


def _require_series(series: str, known: Sequence[str]) -> None:
    if series in known:
        return
    names = sorted({name for name in known if not name.startswith(VX_PREFIX)})
    contracts = [name for name in known if name.startswith(VX_PREFIX)]
    names += [f"{contracts[0]} to {contracts[-1]}"] if contracts else []
    raise ConfigurationError(
        f"series {series}",
        expected=f"one of {', '.join(names)}" if names else "values in the database",
        got="none of that name",
        do="Check --series." if names else "`tailguard run` or `tailguard backfill` reads them.",
    )


def _specified(series: str) -> bool:
    return series in SPECS or series.startswith(VX_PREFIX)


def _publishers(series: str) -> tuple[str, ...]:
    return VX_PUBLISHERS if series.startswith(VX_PREFIX) else PUBLISHERS.get(series, ())


def _usable(value: TracedValue) -> bool:
    return value.publisher in _publishers(value.series)


def _rank(value: TracedValue) -> tuple[int, str, int]:
    """In the order of `PUBLISHERS`, the futures last; of a series, the publisher that counts first."""
    order = list(PUBLISHERS)
    place = order.index(value.series) if value.series in order else len(order)
    return place, value.series, _publishers(value.series).index(value.publisher)


def _plain(value: Any) -> Any:
    """For JSON."""
    return value.isoformat()
