"""``study``: whether a hedge was worth its cost, from the user's own database."""

from __future__ import annotations

import datetime as dt
import json

import click

from flows.cli.manual import manual
from flows.cli.options import database_option, existing_database, json_option, rule_set_option
from flows.cli.output import say
from reports.study import study_sections
from reports.text import render_sections
from signals.document import encode
from signals.errors import ConfigurationError

_DATE = click.DateTime(["%Y-%m-%d"])


@click.command(
    epilog=manual(
        "tailguard study --start 2006-03-31 --end 2026-07-29",
        "tailguard study --start 2020-01-02 --end 2020-12-31 --rule-set alvh-442",
        exit_codes="0 printed, 2 wrong usage or configuration, or too few sessions, 3 the data end before the range",
    )
)
@click.option("--start", type=_DATE, required=True, metavar="DATE", help="First session, yyyy-mm-dd.")
@click.option("--end", type=_DATE, required=True, metavar="DATE", help="Last session, included.")
@rule_set_option
@database_option
@json_option
def study(start: dt.datetime, end: dt.datetime, rule_sets: tuple[str, ...], as_json: bool) -> None:
    """Compare equity, VEQTOR and the hedges over a range.

    Growth, risk, the deepest fall, what each cost a year against the S&P 500 and how much less deep it fell; and what
    crises within the range brought. All of it is computed from the observations in the database: `tailguard backfill`
    fills it. Nothing is stored.
    """
    from flows.wiring import services
    from tasks.study import stored_study

    if start > end:
        raise ConfigurationError(
            "range", expected="--start not after --end", got=f"{start:%Y-%m-%d} and {end:%Y-%m-%d}", do="Swap them."
        )
    work = services(rule_sets)
    found = stored_study(
        existing_database(),
        work.calendar,
        start.date(),
        end.date(),
        work.rule_sets,
        work.settings.notional_usd,
        work.judgement(),
    )
    if as_json:
        click.echo(json.dumps({"simulated": found.simulated, "results": encode(found.results)}, indent=2))
        return
    if found.simulated:
        say("SIMULATED: this database is about the sample market.")
    click.echo(render_sections(study_sections(found.results)), nl=False)
