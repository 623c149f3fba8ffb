"""``rules list|show|validate|diff``: the rule sets of the layered hedge that ship, and checking one's own."""

from __future__ import annotations

import json
from typing import Any

import click

from flows.cli.manual import manual
from flows.cli.options import json_option
from flows.cli.rules_approval import keygen, propose_rule_set, sign_rule_set, status
from flows.cli.values import changed_keys, print_changes
from flows.rule_sets import rule_set_named
from signals.alvh.keys import content, flat, toml_of
from signals.alvh.rules import SHIPPED, RuleSet
from signals.alvh.ruleset_files import shipped_rule_set

_EXIT_DIFFERENT = 1


@click.group()
def rules() -> None:
    """Look at rule sets, and approve them.

    A rule set is a file that holds every parameter of a hedge: its layers, when they are rolled and sold, the budget,
    and what makes it grow. To write one, change a copy of a shipped one:
    `tailguard rules show alvh-seed > my.toml`, and give it a name of its own. Where the setting `approvals_required`
    asks for it, a rule set takes effect only when approvers have signed it; docs/governance.md says how.
    """


@rules.command(
    "list", epilog=manual("tailguard rules list", "tailguard rules list --json", exit_codes="0 printed, 2 wrong usage")
)
@json_option
def list_shipped(as_json: bool) -> None:
    """List the rule sets that ship, one line each.

    Name, version, hash and what it is. The hash is that of everything that decides something: reports carry it.
    """
    found = [shipped_rule_set(name) for name in SHIPPED]
    if as_json:
        click.echo(json.dumps([_head(rule_set) for rule_set in found], indent=2))
        return
    for rule_set in found:
        click.echo(f"{rule_set.name:<18}  {rule_set.version}  {rule_set.digest}  {rule_set.description}")


@rules.command(
    epilog=manual(
        "tailguard rules show alvh-seed",
        "tailguard rules show alvh-seed > my.toml",
        "tailguard rules show my.toml --json",
        exit_codes="0 printed, 2 no such rule set, or something in it is wrong",
    )
)
@click.argument("rule_set", metavar="NAME|FILE")
@json_option
def show(rule_set: str, as_json: bool) -> None:
    """Print a rule set with the meaning of every key, and its hash.

    What it prints is the content after reading: numbers and the order of keys are always spelled the same way. It is a
    rule set itself.
    """
    found = rule_set_named(rule_set)
    if as_json:
        click.echo(json.dumps(_head(found) | {"sha256": found.sha256, "content": content(found)}, indent=2))
    else:
        click.echo(f"# hash {found.digest}\n{toml_of(found)}", nl=False)


@rules.command(
    epilog=manual(
        "tailguard rules validate my.toml", exit_codes="0 it can be used, 2 something in it is wrong, or no such file"
    )
)
@click.argument("file", metavar="FILE")
def validate(file: str) -> None:
    """Check a rule set file before using it.

    The first thing that is wrong is named with its key, the values it may have and the one it has: an unknown or
    missing key, a value of a wrong type or out of range, or values that contradict each other.
    """
    found = rule_set_named(file)
    click.echo(f"{file} is in order: {found.name}, version {found.version}, hash {found.digest}.")


@rules.command(
    epilog=manual(
        "tailguard rules diff alvh-seed alvh-seed-reactive",
        "tailguard rules diff alvh-seed my.toml --json",
        exit_codes="0 no difference, 1 there are some, 2 one of them cannot be read",
    )
)
@click.argument("first", metavar="NAME|FILE")
@click.argument("second", metavar="NAME|FILE")
@json_option
def diff(first: str, second: str, as_json: bool) -> int:
    """Show what differs between two rule sets.

    Only keys with different values, each with both values. A key that one of them does not have is said to be absent.
    """
    one, other = flat(content(rule_set_named(first))), flat(content(rule_set_named(second)))
    changed = changed_keys(one, other)
    if as_json:
        changes = [{"key": key, "first": one.get(key), "second": other.get(key)} for key in changed]
        click.echo(json.dumps({"first": first, "second": second, "changes": changes}, indent=2))
    else:
        print_changes(first, one, second, other)
    return _EXIT_DIFFERENT if changed else 0


def _head(rule_set: RuleSet) -> dict[str, Any]:
    return {
        "name": rule_set.name,
        "version": rule_set.version,
        "hash": rule_set.digest,
        "description": rule_set.description,
    }


for command in (keygen, propose_rule_set, sign_rule_set, status):
    rules.add_command(command)
