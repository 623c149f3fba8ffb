"""``replay``: the publishers, served from recorded files as of an instant, well or badly."""

from __future__ import annotations

import textwrap
import threading
from pathlib import Path

import click

from flows.cli.instants import new_york, parse_instant
from flows.cli.main import EXIT_INTERRUPTED
from flows.cli.manual import manual
from flows.cli.options import data_dir_option
from flows.cli.output import say
from flows.settings import load_settings
from signals.errors import ConfigurationError

_WIDTH = 80
_NAME_WIDTH = 18
_PORT = 8765


@click.command(
    epilog=manual(
        "tailguard replay --data-dir data --at 2020-03-16T18:45",
        "tailguard replay --data-dir data --at 2020-03-16T18:45 --port 0 \\",
        "    --fault '503:cboe:VX_2020-04-15:2' --fault 'late:cboe-web:2020-03-16'",
        "tailguard replay --list-faults",
        exit_codes="0 the faults are listed, 2 wrong usage or configuration, 130 interrupted, which is how it ends",
    )
)
@data_dir_option
@click.option(
    "--at",
    "at",
    metavar="TIME",
    help="What was published by then is served; New York time, unless it names another.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=_PORT,
    show_default=True,
    help="Port on 127.0.0.1; 0 for any that is free.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="KIND[=VALUE][@DAY]:PUBLISHER:GLOB[:TIMES], may be repeated. GLOB matches a subject, such as VX_2020-03-18, "
    "^GSPC, DFF or the day of a settlement sheet, or the whole path; after TIMES answers all is well again.",
)
@click.option("--list-faults", is_flag=True, help="List every kind of fault, and end.")
def replay(data_dir: Path | None, at: str | None, port: int, faults: tuple[str, ...], list_faults: bool) -> int:
    """Stand in for the publishers, to rehearse a day.

    A server on this computer answers as Yahoo, Cboe, FRED and the BLS did at an instant, from a directory of recorded
    files, and prints the settings that point tailguard to it. It can be told to misbehave as publishers do: late,
    cut off, out of order, with a curve that is shifted by a month. It serves until it is interrupted.
    """
    from tasks.replay.faults import Fault
    from tasks.replay.market import replay as replayed

    if list_faults:
        click.echo(_listed())
        return 0
    if at is None:
        raise click.UsageError("Missing option '--at'.")
    wanted = [Fault.parse(text) for text in faults]
    with replayed(data_dir or _configured_data_dir(), parse_instant("--at", at), port=port) as market:
        market.misbehave(*wanted)
        day = new_york(market.instant)[:10]
        rehearsal = {"TAILGUARD_SOURCE": "live", "TAILGUARD_DATABASE_URL": f"sqlite:///replay-{day}.db"}
        settings = rehearsal | market.settings
        for name, value in settings.items():
            click.echo(f"export {name}={value}")
        say(f"Serving {new_york(market.instant)} on {market.url}. Ctrl-C ends it.", err=True)
        for fault in wanted:
            times = f", {fault.times} times" if fault.times else ""
            say(f"Fault: {fault.kind} from {fault.publisher} for {fault.glob}{times}.", err=True)
        say("A shell with these settings rehearses: `tailguard run --no-notify` leaves recipients alone.", err=True)
        say(f"To end a rehearsal: unset {' '.join(settings)}", err=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            say("Stopped.", err=True)
            return EXIT_INTERRUPTED
    return 0


def _configured_data_dir() -> Path:
    found = load_settings().data_dir
    if found is None:
        raise ConfigurationError(
            "data directory",
            expected="a directory of recorded files",
            got="none",
            do="Name it with --data-dir, or set TAILGUARD_DATA_DIR; docs/data-notes.md says what belongs into it.",
        )
    return found


def _listed() -> str:
    """Every kind of fault, what it does, whom it can happen to and what it takes."""
    from tasks.replay.faults import KINDS, PUBLISHER_NAMES

    lines = [f"Publishers: {', '.join(PUBLISHER_NAMES)}.", ""]
    for name, kind in KINDS.items():
        sentences = [kind.about]
        if kind.publishers != PUBLISHER_NAMES:
            sentences.append(f"Of {', '.join(kind.publishers)}")
        if kind.takes:
            sentences.append(f"VALUE: {kind.takes}")
        if kind.dated:
            sentences.append("DAY: its row")
        lines.append(
            textwrap.fill(
                ". ".join(sentences) + ".",
                _WIDTH,
                initial_indent=f"{name:<{_NAME_WIDTH}}",
                subsequent_indent=" " * _NAME_WIDTH,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)
