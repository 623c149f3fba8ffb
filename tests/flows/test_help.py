"""Help pages of manual quality, and completion in the shell."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from flows.cli.main import cli
from tests.flows.conftest import Tailguard


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command there is, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


COMMANDS = dict([((), cli), *commands(cli)])
PAGES = pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "tailguard")
#: They cannot fail but by wrong usage.
NO_EXIT_CODES = {("completion",), ("config", "reference")}


@PAGES
def test_a_page_fits_80_columns_and_says_what_the_command_is_for(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = tailguard(*words, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "\b" not in ended.out
    assert r"\b" not in ended.out, "a raw docstring has no \\b: use flows.cli.manual"
    assert "..." not in ended.out.partition("Commands:")[2], "the summary of a command is too long for its group's page"
    assert ended.out.startswith(f"Usage: tailguard {' '.join(words)}".rstrip())


@PAGES
def test_every_option_is_explained_and_shows_what_it_takes(words: tuple[str, ...]) -> None:
    context = click.Context(COMMANDS[words])
    for option in COMMANDS[words].params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert option.help.endswith("."), option.name
            assert "RANGE" not in option.make_metavar(context), option.name


@PAGES
def test_a_page_has_a_summary_a_paragraph_an_example_and_the_exit_codes(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    summary, _, rest = (command.help or "").partition("\n\n")
    assert summary.strip().endswith(".")
    assert rest.strip(), "a paragraph after the summary"
    if not isinstance(command, click.Group):
        assert f"Examples:\n  tailguard {' '.join(words)}" in (command.epilog or "") or words == ("completion",)
        assert "Exit codes: 0 " in (command.epilog or "") or words in NO_EXIT_CODES


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tailguard ", {"run", "report", "init", "config", "completion"}),
        ("tailguard re", {"report", "review", "replay"}),
        ("tailguard report ", {"list", "show", "diff", "export", "feed", "schema", "open"}),
        ("tailguard config s", {"show"}),
        ("tailguard completion ", {"bash", "zsh", "fish"}),
        ("tailguard backfill --mode ", {"missing", "recompute"}),
        ("tailguard init --f", {"--force"}),
    ],
)
def test_completion_offers_commands_options_and_values(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, typed: str, offered: set[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    monkeypatch.setenv("_TAILGUARD_COMPLETE", "bash_complete")
    ended = tailguard()
    assert ended.code == 0
    found = {line.partition(",")[2] for line in ended.out.split()}
    assert offered <= found
    assert len(offered) == len(found) or typed == "tailguard "


@pytest.mark.parametrize(("shell", "instruction"), [("zsh", "zsh_complete"), ("fish", "fish_complete")])
def test_completion_shows_what_each_command_does(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, shell: str, instruction: str
) -> None:
    monkeypatch.setenv("COMP_WORDS", "tailguard report ")
    monkeypatch.setenv("COMP_CWORD", "2" if shell == "zsh" else "")
    monkeypatch.setenv("_TAILGUARD_COMPLETE", instruction)
    assert "List the newest reports, one line each." in tailguard().out


@pytest.mark.parametrize(
    ("shell", "registers"),
    [
        ("bash", "complete -o nosort -F _tailguard_completion tailguard"),
        ("zsh", "compdef _tailguard_completion tailguard"),
        ("fish", "complete --no-files --command tailguard"),
    ],
)
def test_the_completion_script_registers_the_command(tailguard: Tailguard, shell: str, registers: str) -> None:
    ended = tailguard("completion", shell)
    assert ended.code == 0
    assert registers in ended.out
    assert f"_TAILGUARD_COMPLETE={shell}_complete" in ended.out


def test_completion_for_another_shell_is_wrong_usage(tailguard: Tailguard) -> None:
    ended = tailguard("completion", "csh")
    assert ended.code == 2
    assert "'bash', 'zsh', 'fish'" in ended.err
