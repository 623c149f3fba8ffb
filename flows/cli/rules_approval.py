"""``rules keygen|propose|sign|status``: rule sets that take effect only when enough approvers have signed them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from flows.cli.manual import manual
from flows.cli.options import json_option
from flows.cli.output import say
from flows.cli.values import print_changes, print_values
from flows.governance import approval_policy, governed_in_reports, governed_named
from flows.rule_sets import rule_sets_named
from flows.settings import load_settings
from signals.alvh.keys import flat
from signals.approvals import APPROVER_NAME, GovernedRuleSet
from signals.errors import ConfigurationError
from tasks.approvals import ApprovalPolicy, Standing, last_in_force, proposals, propose, sign, standing
from tasks.clock import system_clock

_EXIT_LACKING = 1


@click.command(
    epilog=manual(
        "tailguard rules keygen --out alice.key --as alice",
        exit_codes="0 written, 2 the file exists or cannot be written",
    )
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="File for the private key.")
@click.option("--as", "approver", metavar="NAME", default="NAME", help="Name of the approver, for the line it prints.")
def keygen(out: Path, approver: str) -> None:
    """Make the key an approver signs with.

    The private key is written to a file that only its owner can read; a file that is there is never replaced. What is
    printed is the public key, as the setting `approvers` takes it.
    """
    if approver != "NAME":
        _check_name(approver)
    from tasks.signing_keys import make_key, shown_key

    public = make_key(out)
    say(f"Wrote {out}, which only you can read. Keep it: whoever has it can sign in your name.")
    click.echo("Public key, for the setting approvers:")
    click.echo(f"{approver}={shown_key(public)}")


@click.command(
    "propose",
    epilog=manual(
        "tailguard rules propose veqtor",
        "tailguard rules propose my.toml --by alice",
        exit_codes="0 proposed, or proposed before, 2 no such rule set, or the directory cannot be written",
    ),
)
@click.argument("rule_set", metavar="NAME|FILE")
@click.option("--by", metavar="WHO", help="Who proposes it, for its readers; by default the user of this machine.")
def propose_rule_set(rule_set: str, by: str | None) -> None:
    """Write a rule set down for its approvers.

    The proposal, in the directory that the setting `approvals_dir` names, holds everything that decides something, and
    its hash. Shown is what differs from the rule set of that name that was approved last, or all of it where none was.
    VEQTOR and its variants are rule sets too, `veqtor` by name.
    """
    policy = approval_policy(load_settings())
    found = governed_named(rule_set, policy)
    is_new = propose(policy, found, by or _user(), system_clock())
    say(f"{'Proposed' if is_new else 'Proposed before'}: {found}, in {policy.place(found)}.")
    _print_difference(policy, found)


@click.command(
    "sign",
    epilog=manual(
        "tailguard rules sign veqtor --key alice.key",
        "tailguard rules sign b59d205a4a088b73 --key alice.key --as alice",
        exit_codes="0 signed, or signed before, 2 not proposed, or the key is not that of the approver",
    ),
)
@click.argument("rule_set", metavar="NAME|FILE|HASH")
@click.option(
    "--key", type=click.Path(path_type=Path), required=True, metavar="FILE", help="File with your private key."
)
@click.option("--as", "approver", metavar="NAME", help="Your name as an approver; by default that of your key.")
def sign_rule_set(rule_set: str, key: Path, approver: str | None) -> None:
    """Approve a rule set that was proposed.

    Prints what is signed: name, version, the whole hash, and what differs from the rule set of that name that was
    approved last. The signature is a file beside the proposal. It covers this rule set only: a changed one has another
    hash, and needs signatures of its own.
    """
    from tasks.signing_keys import load_key, public_bytes

    policy = approval_policy(load_settings())
    found = governed_named(rule_set, policy)
    private = load_key(key)
    name = _approver(policy, public_bytes(private), key, approver)
    before = next((each for each in standing(policy, found).approvals if each.approver == name), None)
    if before:
        say(f"{name} approved {found} on {before.signed_at:%Y-%m-%d %H:%M} UTC already.")
        return
    click.echo(f"Signing as {name}: {found.name}, version {found.version}, sha256\n{found.sha256}")
    _print_difference(policy, found)
    path = sign(policy, found, name, private, system_clock())
    say(f"Wrote {path}.")
    _print_standing(policy, standing(policy, found))


@click.command(
    epilog=manual(
        "tailguard rules status",
        "tailguard rules status veqtor --json",
        exit_codes="0 all of them may be used, 1 approvals are lacking, 2 no such rule set, or a changed proposal",
    )
)
@click.argument("rule_set", metavar="[NAME|FILE]", required=False)
@json_option
def status(rule_set: str | None, as_json: bool) -> int:
    """Say which rule sets are approved, and by whom.

    By default every rule set that runs use here, and then what is proposed besides. Signatures that do not count are
    named with the reason. The exit code is about those in use, or about the one that is named.
    """
    settings = load_settings()
    policy = approval_policy(settings)
    if rule_set:
        asked, besides = [governed_named(rule_set, policy)], []
    else:
        asked = governed_in_reports(settings.variants, rule_sets_named(settings.hedges))
        known = {each.sha256 for each in asked}
        besides = [found.rule_set for found in proposals(policy) if found.rule_set.sha256 not in known]
    standings = [standing(policy, each) for each in asked]
    others = [standing(policy, each) for each in besides]
    if as_json:
        document = {
            "required": policy.required,
            "approvers": sorted(policy.keys),
            "rule_sets": [_document(policy, each) for each in standings],
            "proposed_besides": [_document(policy, each) for each in others],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _print_status(policy, standings, others)
    return 0 if all(each.in_force(policy) for each in standings) else _EXIT_LACKING


def _print_status(policy: ApprovalPolicy, standings: Sequence[Standing], others: Sequence[Standing]) -> None:
    if policy.required:
        say(f"Approval by {policy.required} of {len(policy.keys)}: {', '.join(sorted(policy.keys))}.")
    else:
        say("Rule sets take effect without approval: the setting approvals_required is 0.")
    for each in standings:
        _print_standing(policy, each)
    if others:
        click.echo("\nProposed, and not in use:")
    for each in others:
        _print_standing(policy, each)


def _print_standing(policy: ApprovalPolicy, found: Standing) -> None:
    count = f"{len(found.approvals)} of {policy.required}"
    said = "no approval needed" if not policy.required else f"approved, {count}"
    say(f"{found.rule_set}: {said if found.in_force(policy) else f'PENDING, {count}'}")
    for approval in found.approvals:
        say(f"  {approval.approver} signed on {approval.signed_at:%Y-%m-%d %H:%M} UTC")
    for reason in found.unusable:
        say(f"  not counted: {reason}")


def _print_difference(policy: ApprovalPolicy, found: GovernedRuleSet) -> None:
    before = last_in_force(policy, found)
    if before is None:
        click.echo("None of that name was approved before. What decides in it:")
        print_values(flat(found.document))
    else:
        click.echo(f"What differs from the one approved last, {before}:")
        print_changes("approved", flat(before.document), "this one", flat(found.document))


def _document(policy: ApprovalPolicy, found: Standing) -> dict[str, Any]:
    return {
        "rule_set": found.rule_set.name,
        "version": found.rule_set.version,
        "sha256": found.rule_set.sha256,
        "in_force": found.in_force(policy),
        "approvals": [
            {"approver": approval.approver, "signed_at": approval.signed_at.isoformat()} for approval in found.approvals
        ],
        "not_counted": list(found.unusable),
    }


def _approver(policy: ApprovalPolicy, public: bytes, key: Path, named: str | None) -> str:
    """Under which name a key signs."""
    from tasks.signing_keys import shown_key

    configured = next((name for name, other in policy.keys.items() if other == public), None)
    name = named or configured
    if name is not None:
        _check_name(name)
    if name is None or policy.keys.get(name, public) != public or name != (configured or name):
        raise ConfigurationError(
            f"key file {key}",
            expected=f"the key of {named}" if named else "that of an approver",
            got=f"that of {configured}" if configured else "one that is not configured",
            do=f"Its public key is {shown_key(public)}: compare it with the setting approvers.",
        )
    return name


def _check_name(name: str) -> None:
    if not APPROVER_NAME.fullmatch(name):
        raise ConfigurationError(
            "--as", expected="small letters, digits and hyphens, a letter first", got=repr(name), do="Name another."
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
