"""``review``: reports and everything they rest on, in a browser."""

from __future__ import annotations

import datetime as dt
import gc
import socket
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from sqlalchemy import Engine

from flows.cli.manual import manual
from flows.cli.options import database_option
from flows.cli.output import say
from flows.settings import Settings, load_settings
from flows.settings_values import is_loopback, parsed_values
from signals.errors import ConfigurationError
from tasks.doctor.permissions import readers

if TYPE_CHECKING:
    from reports.review.site import Gap, Governance, ReviewConfig, Trouble
    from signals.calendar import TradingCalendar

#: Connections kept to a PostgreSQL server; readers beyond them wait for one.
_CONNECTIONS = 8

#: How long a reader waits for another program that holds the database.
_PATIENCE_SECONDS = 3

#: A token that is guessed is none.
_SHORTEST_TOKEN = 16


@click.command(
    epilog=manual(
        "tailguard review",
        "tailguard review --open --port 9000",
        "tailguard review --host 0.0.0.0 --token-file review.token",
        "tailguard review --no-token   # behind a proxy that has a login",
        exit_codes="0 stopped, 2 wrong usage or configuration, or the port is taken, 143 terminated",
    )
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; one that others can reach needs a token.",
)
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", default=8321, show_default=True, help="Port.")
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the token readers need; by default the setting review_token.",
)
@click.option("--no-token", is_flag=True, help="Ask for none, though review_url leads others here.")
@database_option
def review(host: str, port: int, opens: bool, token_file: Path | None, no_token: bool) -> None:
    """Read reports in a browser.

    Today's signal, the calendar of sessions, every report with its charts, revisions and inputs down to the files they
    were read from, differences, history, data, messages and rule sets; and the same for programs under /api/. Nothing
    is changed and no source is asked: the database is opened for reading, and may be upgraded or replaced meanwhile.

    It listens on this machine only, unless --host says otherwise; docs/review.md tells how to put it behind a proxy.
    """
    import uvicorn

    from reports.review.app import create_app

    settings = load_settings()
    if no_token and token_file is not None:
        raise ConfigurationError(
            "--no-token", expected="no --token-file with it", got="both", do="Leave one of them out."
        )
    token = None if no_token else _token(settings, token_file)
    if token is None and not is_loopback(host):
        raise ConfigurationError(
            f"--host {host}",
            expected="a token, as others can reach that address",
            got="none",
            do="Name a file with one with --token-file, or set review_token; or leave --host out.",
        )
    if token is None and not no_token and (leads_here := _public_host(settings)) is not None:
        # A proxy hands on whatever reaches it: listening on this machine only keeps nobody out.
        raise ConfigurationError(
            f"review_url with the host {leads_here}",
            expected="a token, as others can reach that address",
            got="none",
            do="Name a file with one with --token-file, or set review_token; --no-token if the proxy has a login.",
        )
    listening = _listen(host, port)
    app = create_app(review_config(settings, token=token, host=host))
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{'localhost' if _is_everywhere(host) else shown}:{port}/"
    say(f"tailguard review at {address}{' (with a token)' if token else ''}. Ctrl+C stops it.")
    if opens:
        click.launch(address)
    # No log of requests: an address may hold a token.
    _collect_rarely()
    config = uvicorn.Config(app, access_log=False, log_level="warning", server_header=False, ws="none", lifespan="on")
    # Ctrl+C is how it ends, and no interruption of anything.
    with listening, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def _collect_rarely() -> None:
    """Have Python look for circles less often: the figures of twenty years are kept, and looked through each time."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def review_config(settings: Settings, *, token: str | None = None, host: str = "127.0.0.1") -> ReviewConfig:
    """What the app needs to know, from the settings."""
    from reports.review.site import ReviewConfig
    from storage.engine import open_engine
    from tasks.clock import clock_at

    address = _host(settings)
    url = settings.database_url.get_secret_value()
    return ReviewConfig(
        open_database=lambda: open_engine(
            url, read_only=True, connections=_CONNECTIONS, patience_seconds=_PATIENCE_SECONDS
        ),
        clock=clock_at(settings.clock),
        calendar=lambda: _calendar(settings),
        troubles=_troubles,
        governance=lambda: _governance(settings),
        gaps=lambda engine: _gaps(engine, _calendar(settings)),
        version=version("tailguard"),
        token=token,
        hosts=tuple(name for name in (address, None if _is_everywhere(host) else host) if name),
        any_address=_is_everywhere(host),
        address=settings.review_url,
        ignored=parsed_values(settings.ignored_values),
    )


def _host(settings: Settings) -> str | None:
    return urlsplit(settings.review_url).hostname if settings.review_url else None


def _public_host(settings: Settings) -> str | None:
    """The host of `review_url`, unless it is this machine."""
    host = _host(settings)
    return None if host is None or is_loopback(host) else host


def _calendar(settings: Settings) -> TradingCalendar:
    """The trading calendar with the configured closures; loads numpy and takes a second the first time."""
    from signals.calendar import trading_calendar

    return trading_calendar(settings.unscheduled_closures, settings.early_closes)


def _token(settings: Settings, file: Path | None) -> str | None:
    """What readers have to know; None where nothing is asked for."""
    if file is None:
        found = settings.review_token.get_secret_value() if settings.review_token else None
        about = "setting review_token"
    else:
        about = f"token file {file}"
        try:
            if who := readers(file):
                raise ConfigurationError(
                    about,
                    expected="a file that nobody else can read",
                    got=f"one that {who} can read",
                    do=f"`chmod 600 {file}`; make another token if others had access.",
                )
            found = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            got = error.strerror if isinstance(error, OSError) else "other bytes"
            raise ConfigurationError(
                about, expected="a file of text", got=str(got), do="Check --token-file."
            ) from error
    if found is None:
        return None
    if len(found) < _SHORTEST_TOKEN or not found.isascii() or not found.isprintable() or " " in found:
        raise ConfigurationError(
            about,
            expected=f"a token of {_SHORTEST_TOKEN} characters or more, letters, digits and signs",
            got="a shorter one, or other characters",
            do="`openssl rand -hex 24` makes one.",
        )
    return found


def _listen(host: str, port: int) -> socket.socket:
    """The socket to listen on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Of TCP by name: asyncio sends small answers at once only where it knows that.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"address {host}, port {port}",
            expected="one that this program may listen on",
            got=str(error.strerror or error),
            do="Name another with --port or --host.",
        ) from error
    return listening


def _is_everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


def _troubles(engine: Engine, now: dt.datetime) -> Sequence[Trouble]:
    """What `status --max-age` would say, but for the age of the last run."""
    from reports.review.site import Trouble
    from tasks.health import problems, read_ledger

    return [Trouble(each.name, each.text, each.do) for each in problems(read_ledger(engine), now)]


def _governance(settings: Settings) -> Governance:
    """The rule sets runs use here, and those that are proposed besides."""
    from flows.governance import approval_policy, governed_in_reports
    from flows.rule_sets import rule_sets_named
    from reports.review.site import Governance, RuleSetStanding
    from signals.alvh.keys import flat, literal
    from tasks.approvals import proposals, standing

    policy = approval_policy(settings)
    hedges = rule_sets_named(settings.hedges)
    described = {each.sha256: each.description for each in hedges}
    used = governed_in_reports(settings.variants, hedges)
    known = {each.sha256 for each in used}
    besides = [found.rule_set for found in proposals(policy) if found.rule_set.sha256 not in known]
    standings = []
    for rule_set in (*used, *besides):
        found = standing(policy, rule_set)
        standings.append(
            RuleSetStanding(
                rule_set.name,
                rule_set.version,
                rule_set.sha256,
                described.get(rule_set.sha256, ""),
                {key: literal(value) for key, value in flat(rule_set.document).items()},
                rule_set.sha256 in known,
                found.in_force(policy),
                tuple(found.approvals),
                tuple(found.unusable),
            )
        )
    return Governance(policy.required, tuple(sorted(policy.keys)), tuple(standings))


def _gaps(engine: Engine, calendar: TradingCalendar) -> Sequence[Gap]:
    """What `data gaps` finds, over everything that is stored."""
    from reports.review.site import Gap
    from signals.gaps import Span, needed_gaps, series_gaps, vx_gaps
    from storage.unit_of_work import UnitOfWork
    from tasks.ingest import load_market

    def said(spans: Sequence[Span]) -> tuple[str, ...]:
        return tuple(str(span.first) if span.days == 1 else f"{span.first} to {span.last}" for span in spans)

    with UnitOfWork(engine) as work:
        data = load_market(work)
    found = [
        Gap(
            each.series if each.publisher is None else f"{each.series} {each.publisher}",
            each.expected,
            each.unit,
            said(each.missing),
            sum(span.days for span in each.missing),
        )
        for each in (*series_gaps(data, calendar), *vx_gaps(data, calendar))
    ]
    needed = [
        Gap(each.name, 0, "", said(each.missing), sum(span.days for span in each.missing), needed=True)
        for each in needed_gaps(data, calendar)
    ]
    return [*needed, *found]
