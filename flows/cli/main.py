"""The ``tailguard`` command: its groups, and how errors become sentences and exit codes."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version

import click
from sqlalchemy.exc import DBAPIError

from flows.cli.output import say
from signals.errors import ConfigurationError, DataNotReady, TailguardError, TransientSourceError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_AWAITING_DATA = 3
EXIT_UNDELIVERED = 4
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

#: Command -> module and function; loaded when it is called, so that reading stays fast.
_COMMANDS = {
    "quickstart": ("flows.cli.quickstart", "quickstart"),
    "run": ("flows.cli.run", "run"),
    "backfill": ("flows.cli.backfill", "backfill"),
    "report": ("flows.cli.report", "report"),
    "review": ("flows.cli.review", "review"),
    "status": ("flows.cli.status", "status"),
    "history": ("flows.cli.history", "history"),
    "outbox": ("flows.cli.outbox", "outbox"),
    "data": ("flows.cli.data", "data"),
    "automations": ("flows.cli.automations", "automations"),
    "study": ("flows.cli.study", "study"),
    "doctor": ("flows.cli.doctor", "doctor"),
    "db": ("flows.cli.db", "db"),
    "init": ("flows.cli.init", "init"),
    "config": ("flows.cli.config", "config"),
    "rules": ("flows.cli.rules", "rules"),
    "replay": ("flows.cli.replay", "replay"),
    "completion": ("flows.cli.completion", "completion"),
}


class Terminated(BaseException):
    """SIGTERM arrived while a flow was running."""


class _LazyGroup(click.Group):
    """A group that imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 waiting for data, 4 a message is "
    "undelivered or uncertain, 130 interrupted, 143 terminated.",
)
@click.version_option(version("tailguard"), message="tailguard %(version)s")
def cli() -> None:
    """Daily target allocations of systematic volatility hedges, from public data.

    Settings come from the environment (TAILGUARD_*), .env and tailguard.toml: `tailguard init` writes one to start
    from, and `tailguard config show` prints what is in force. Options of a command win over them.
    """


def main() -> None:
    """Run the command line and exit."""
    try:
        code = cli(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = _interrupted()
    except Terminated:
        say("Terminated. What was stored stays; run it again to go on.", err=True)
        code = EXIT_TERMINATED
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except TailguardError as error:
        say(f"Error: {error}", err=True)
        code = exit_code(error)
    except DBAPIError as error:
        reason = str(error.orig).strip() or type(error.orig).__name__
        say(
            f"Error: database: expected it to answer, got: {reason}. Nothing of the step that failed was stored; look "
            "for another program that holds it, a full disk or missing permissions, and run again.",
            err=True,
        )
        code = EXIT_FAILED
    except BrokenPipeError:
        # The reader of our output went away, as `head` does.
        sys.stderr.close()
        code = 0
    except Exception as error:
        if not _comes_from_interrupt(error):
            raise
        code = _interrupted()
    sys.exit(code or 0)


def _interrupted() -> int:
    say("Interrupted. What was stored stays; run it again to go on.", err=True)
    return EXIT_INTERRUPTED


def _comes_from_interrupt(error: BaseException | None) -> bool:
    """Whether a library wrapped the interrupt that hit it into an error of its own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or KeyboardInterrupt.__name__ in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def exit_code(error: TailguardError) -> int:
    """The exit code an error ends the command with."""
    if isinstance(error, ConfigurationError):
        return EXIT_USAGE
    if isinstance(error, DataNotReady | TransientSourceError):
        return EXIT_AWAITING_DATA
    return EXIT_FAILED
