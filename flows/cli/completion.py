"""``completion``: the script that lets a shell complete the command."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from flows.cli.manual import manual

_COMMAND = "tailguard"
_VARIABLE = "_TAILGUARD_COMPLETE"
_SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(
    epilog=manual(
        "in ~/.bashrc:",
        '  eval "$(tailguard completion bash)"',
        "in ~/.zshrc, after compinit:",
        '  eval "$(tailguard completion zsh)"',
        "once for fish:",
        "  tailguard completion fish > ~/.config/fish/completions/tailguard.fish",
    )
)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    With it, bash (4.4 or later), zsh and fish complete commands, options and their values. The first two evaluate it
    when they start; fish reads it from a file. It needs tailguard on the PATH.
    """
    script = _SHELLS[shell](context.find_root().command, {}, _COMMAND, _VARIABLE)
    click.echo(script.source(), nl=False)
