"""``study``: whether a hedge was worth its cost, with uncertainty, from the user's own data."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.files import whole_file
from flows.cli.main import EXIT_FAILED
from flows.cli.manual import manual
from flows.cli.options import data_dir_option, database_option
from flows.cli.output import say
from signals.study.spec import DEFAULT_HEDGES, StudySpec, TradingCosts

if TYPE_CHECKING:
    from flows.study_question import Asked
    from flows.wiring import Services
    from signals.study.result import StudyResult
    from tasks.study.run import Made

_DATE = click.DateTime(["%Y-%m-%d"])
_COSTS = TradingCosts()

#: A basis point, and a per cent, as decimals.
_BASIS_POINT, _PER_CENT = 1e-4, 1e-2

DASK = "dask"


@click.command(
    epilog=manual(
        "tailguard study",
        "tailguard study --source files --data-dir data \\",
        "    --format html --output study.html",
        "tailguard study --start 2020-01-02 --rule-set alvh-442 --rule-set my.toml",
        "tailguard study --equity-cost-bp 2 --vx-cost-points 0.05 --samples 5000",
        exit_codes="0 printed, 1 a strategy or a part failed and the others are printed, 2 wrong usage or "
        "configuration, or too few sessions, 3 the data end before the range, 130 interrupted",
    )
)
@click.option("--start", type=_DATE, metavar="DATE", help="First session, yyyy-mm-dd; by default the first there is.")
@click.option("--end", type=_DATE, metavar="DATE", help="Last session, included; by default the last one there is.")
@click.option(
    "--source",
    type=click.Choice(["live", "files", "sample"]),
    help="Compute it straight from there, by default from the database: `live` asks Yahoo, Cboe and FRED, `files` "
    "reads --data-dir, `sample` is a simulated market.",
)
@data_dir_option
@database_option
@click.option(
    "--rule-set",
    "rule_sets",
    multiple=True,
    metavar="NAME|FILE",
    help=f"Hedge to look at, in place of {', '.join(DEFAULT_HEDGES)}; may be given several times.",
)
@click.option(
    "--samples", type=int, default=StudySpec.samples, show_default=True, metavar="N", help="Samples of the bootstrap."
)
@click.option(
    "--paths", type=int, default=StudySpec.paths, show_default=True, metavar="N", help="Simulated markets; 0 for none."
)
@click.option(
    "--hedged-paths",
    type=int,
    default=StudySpec.hedged_paths,
    show_default=True,
    metavar="N",
    help="Simulated markets of the hedges and the condors, which take far longer; 0 for none.",
)
@click.option(
    "--path-years", type=int, default=StudySpec.path_years, show_default=True, metavar="N", help="Length of each."
)
@click.option("--seed", type=int, default=StudySpec.seed, show_default=True, metavar="N", help="Of all that is drawn.")
@click.option(
    "--confidence",
    type=float,
    default=StudySpec.confidence,
    show_default=True,
    metavar="SHARE",
    help="Of every interval.",
)
@click.option(
    "--equity-cost-bp",
    type=float,
    default=_COSTS.equity / _BASIS_POINT,
    show_default=True,
    metavar="BP",
    help="Cost of trading equity one way, in basis points.",
)
@click.option(
    "--vx-cost-points",
    type=float,
    default=_COSTS.vx_points,
    show_default=True,
    metavar="POINTS",
    help="Cost of trading a VX contract one way, in VIX points.",
)
@click.option(
    "--spx-option-cost",
    type=float,
    default=_COSTS.spx_option / _PER_CENT,
    show_default=True,
    metavar="PERCENT",
    help="Cost of trading an option on the S&P 500 one way, in per cent of its premium.",
)
@click.option(
    "--spx-option-points",
    type=float,
    default=_COSTS.spx_option_points,
    show_default=True,
    metavar="POINTS",
    help="The least of it, in index points.",
)
@click.option(
    "--vix-option-factor",
    type=float,
    default=_COSTS.vix_option,
    show_default=True,
    metavar="TIMES",
    help="How many times the half-spreads of the rule sets an option on the VIX costs.",
)
@click.option(
    "--runner",
    type=click.Choice(["processes", "threads", "serial", DASK]),
    help="Where it is computed, by default as configured: what is found is the same to the bit.",
)
@click.option(
    "--workers", type=click.IntRange(1, 1024), metavar="N", help="How many of them; by default as configured."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "csv", "html"]),
    default="text",
    show_default=True,
    help="For the terminal, for a program, for a spreadsheet, or a page with charts.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write, replaced if it is there; by default standard output.",
)
@click.option("--again", is_flag=True, help="Compute all of it, although it is stored.")
@click.option("--no-store", is_flag=True, help="Keep nothing: neither what is found nor what is done so far.")
def study(
    start: dt.datetime | None,
    end: dt.datetime | None,
    source: str | None,
    data_dir: Path | None,
    rule_sets: tuple[str, ...],
    samples: int,
    paths: int,
    hedged_paths: int,
    path_years: int,
    seed: int,
    confidence: float,
    equity_cost_bp: float,
    vx_cost_points: float,
    spx_option_cost: float,
    spx_option_points: float,
    vix_option_factor: float,
    runner: str | None,
    workers: int | None,
    form: str,
    output: Path | None,
    again: bool,
    no_store: bool,
) -> int:
    """Say whether a hedge was worth its cost, and how sure that is.

    Strategies side by side: equity, VEQTOR and its variants, constant shares of VIX futures, layered hedges beside
    equity and beside iron condors. What each gained, cost and saved, with intervals, in crises and in calm years, on
    simulated markets, and against what is claimed of it in public.

    It is computed from the observations in the database, which `tailguard backfill` fills, or with --source straight
    from there. What is found is stored, as is each part that is done: one that was interrupted goes on when it is run
    again, one that is there is shown at once.
    """
    from flows.study_question import Asked

    asked = Asked(
        start=start and start.date(),
        end=end and end.date(),
        source=source,
        data_dir=data_dir,
        costs=TradingCosts(
            equity=equity_cost_bp * _BASIS_POINT,
            vx_points=vx_cost_points,
            spx_option=spx_option_cost * _PER_CENT,
            spx_option_points=spx_option_points,
            vix_option=vix_option_factor,
        ),
        seed=seed,
        confidence=confidence,
        samples=samples,
        paths=paths,
        hedged_paths=hedged_paths,
        path_years=path_years,
    )
    hedges = rule_sets or DEFAULT_HEDGES
    made = _made(asked, hedges, runner, workers, again=again, keep=not no_store)
    if made.stored:
        say("It was there already, made of the same data: --again computes it anew.", err=True)
    elif made.there:
        say(f"Resumed: {made.there} of {made.parts} parts were there.", err=True)
    _write(made.result, form, output)
    for failure in made.result.failures:
        say(f"Failed: {failure.part}. {failure.why}", err=True)
    return EXIT_FAILED if made.result.failures else 0


def _made(
    asked: Asked, hedges: tuple[str, ...], runner: str | None, workers: int | None, *, again: bool, keep: bool
) -> Made:
    from flows.wiring import services

    work = services(hedges)
    name = runner or work.settings.study_runner
    try:
        if name == DASK:
            return _by_flow(asked, hedges, workers, again=again, keep=keep)
        return _here(work, asked, name, workers or work.settings.study_workers, again=again, keep=keep)
    except KeyboardInterrupt:
        if keep:
            say("The parts that are done are kept: the same command goes on from there.", err=True)
        raise


def _here(work: Services, asked: Asked, runner: str, workers: int | None, *, again: bool, keep: bool) -> Made:
    """On this machine; Prefect, whose import takes longer than some studies, is not needed."""
    from flows.ranges import parts_bar
    from flows.study_question import question_of, study_store
    from tasks.study.run import run_study
    from tasks.study.runners import local_runner

    question = question_of(work, asked)
    with study_store(work, question, again=again, keep=keep) as store, parts_bar("study") as progress:
        return run_study(question, store, local_runner(runner, workers), progress)


def _by_flow(asked: Asked, hedges: tuple[str, ...], workers: int | None, *, again: bool, keep: bool) -> Made:
    from flows.cli.flow_runs import quiet_prefect, run_flow

    quiet_prefect()
    from flows.study import study as flow

    parameters = {each.name: getattr(asked, each.name) for each in fields(asked)} | {"costs": asdict(asked.costs)}
    made: Made = run_flow(
        flow,
        workers_report=True,
        **parameters,
        rule_sets=list(hedges),
        runner=DASK,
        workers=workers,
        again=again,
        keep=keep,
    )
    return made


def _write(result: StudyResult, form: str, output: Path | None) -> None:
    text = _rendered(result, form)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    with whole_file(output, replace=True) as file:
        file.write(text.encode())


def _rendered(result: StudyResult, form: str) -> str:
    if form == "json":
        from reports.study.export import study_json

        return study_json(result)
    if form == "csv":
        from reports.study.export import study_csv

        return study_csv(result)
    if form == "html":
        from reports.study.html import study_page

        return study_page(result)
    from reports.study.text import study_text

    return study_text(result)
