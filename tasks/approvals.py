"""Approvals of rule sets: proposals and signatures as files, and which of them count.

A rule set is in force when as many approvers as are required have signed its hash. Its directory,
``<approvals>/<name>-<hash>/``, holds what was proposed and a file per signature; what any of these files say is
believed only as far as a signature covers it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signals.approvals import APPROVER_NAME, DOMAIN, Approval, GovernedRuleSet, signed_words
from signals.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PROPOSAL = "proposal.json"
_SIGNATURE = re.compile(r"signature-([a-z][a-z0-9-]{0,31})\.json")

#: Directories of rule sets; the hash is that of reports.
_DIRECTORY = re.compile(r"[a-z][a-z0-9-]{0,23}-[0-9a-f]{16}")


@dataclass(frozen=True)
class ApprovalPolicy:
    """Whose approval counts.

    Attributes
    ----------
    required : int
        How many approvers have to sign; 0 where rule sets take effect without.
    keys : mapping of name to bytes
        Public keys of the approvers.
    directory : pathlib.Path
        Where proposals and signatures are.
    """

    required: int
    keys: Mapping[str, bytes]
    directory: Path

    def place(self, rule_set: GovernedRuleSet) -> Path:
        """The directory of a rule set."""
        return self.directory / f"{rule_set.name}-{rule_set.digest}"


@dataclass(frozen=True)
class Proposal:
    """What somebody proposed: a rule set, by whom and when, neither of which is signed."""

    rule_set: GovernedRuleSet
    by: str
    at: dt.datetime


@dataclass(frozen=True)
class Standing:
    """How far a rule set has got.

    Attributes
    ----------
    approvals : tuple of Approval
        Those that count, one per approver, the earliest first.
    unusable : tuple of str
        Signatures that do not count: the file and the reason.
    """

    rule_set: GovernedRuleSet
    approvals: tuple[Approval, ...]
    unusable: tuple[str, ...]

    def in_force(self, policy: ApprovalPolicy) -> bool:
        """Whether enough approvers have signed."""
        return len(self.approvals) >= policy.required


def standing(policy: ApprovalPolicy, rule_set: GovernedRuleSet) -> Standing:
    """Which signatures of a rule set count, and why others do not."""
    found: dict[str, Approval] = {}
    unusable = []
    for path in _signature_files(policy.place(rule_set)):
        outcome = _checked(path, policy, rule_set)
        if isinstance(outcome, str):
            unusable.append(f"{path.name}: {outcome}")
        elif outcome.approver in found:
            unusable.append(f"{path.name}: {outcome.approver} counts once, and has signed already")
        else:
            found[outcome.approver] = outcome
    approvals = sorted(found.values(), key=lambda approval: (approval.signed_at, approval.approver))
    return Standing(rule_set, tuple(approvals), tuple(unusable))


def require_approvals(policy: ApprovalPolicy, rule_sets: Sequence[GovernedRuleSet]) -> tuple[Approval, ...]:
    """The approvals of rule sets that are about to be used; none where none is required.

    Raises
    ------
    ConfigurationError
        For the first rule set that is not in force, naming the others too.
    """
    if not policy.required:
        return ()
    standings = [standing(policy, rule_set) for rule_set in rule_sets]
    lacking = [each for each in standings if not each.in_force(policy)]
    if lacking:
        raise _not_approved(policy, lacking[0], lacking[1:])
    return tuple(approval for each in standings for approval in each.approvals)


def propose(policy: ApprovalPolicy, rule_set: GovernedRuleSet, by: str, now: dt.datetime) -> bool:
    """Write a proposal for approvers to look at; returns False where the rule set has been proposed before.

    Raises
    ------
    ConfigurationError
        When the directory cannot be written, or holds another proposal in its place.
    """
    path = policy.place(rule_set) / PROPOSAL
    if path.exists():
        _proposal(path, rule_set.digest)
        return False
    document = {
        "rule_set": rule_set.name,
        "version": rule_set.version,
        "sha256": rule_set.sha256,
        "proposed_by": by,
        "proposed_at": now.isoformat(),
        "document": rule_set.document,
    }
    _write(path, document)
    return True


def proposals(policy: ApprovalPolicy) -> Iterator[Proposal]:
    """Everything that was proposed, by name and hash.

    Raises
    ------
    ConfigurationError
        For a proposal that does not hold what its hash says.
    """
    for place in _within(policy.directory):
        if _DIRECTORY.fullmatch(place.name) and (place / PROPOSAL).is_file():
            yield _proposal(place / PROPOSAL, place.name.rpartition("-")[2])


def last_in_force(policy: ApprovalPolicy, other_than: GovernedRuleSet) -> GovernedRuleSet | None:
    """The rule set of the same name that was approved last; None where no other one was, or none has to be."""
    found: list[tuple[dt.datetime, GovernedRuleSet]] = []
    for proposal in proposals(policy):
        if proposal.rule_set.name == other_than.name and proposal.rule_set.sha256 != other_than.sha256:
            approvals = standing(policy, proposal.rule_set).approvals
            if 0 < policy.required <= len(approvals):
                found.append((max(approval.signed_at for approval in approvals), proposal.rule_set))
    return max(found, key=lambda each: each[0])[1] if found else None


def sign(
    policy: ApprovalPolicy, rule_set: GovernedRuleSet, approver: str, key: Ed25519PrivateKey, now: dt.datetime
) -> Path:
    """Write an approver's signature of a rule set, in place of one of theirs that does not count; returns its file.

    Raises
    ------
    ConfigurationError
        When the rule set was not proposed, or the directory cannot be written.
    """
    now = now.replace(microsecond=0)
    place = policy.place(rule_set)
    if not (place / PROPOSAL).is_file():
        raise ConfigurationError(
            f"rule set {rule_set}",
            expected=f"a proposal in {policy.directory}",
            got="none",
            do="Propose it first, with `tailguard rules propose`.",
        )
    document = {
        "format": DOMAIN,
        "rule_set": rule_set.name,
        "version": rule_set.version,
        "sha256": rule_set.sha256,
        "approver": approver,
        "signed_at": now.isoformat(),
        "signature": base64.b64encode(key.sign(signed_words(rule_set, approver, now))).decode(),
    }
    path = place / f"signature-{approver}.json"
    _write(path, document)
    return path


def _signature_files(place: Path) -> Iterable[Path]:
    return (path for path in _within(place) if _SIGNATURE.fullmatch(path.name))


def _within(place: Path) -> list[Path]:
    """What is in a directory; nothing where there is none."""
    try:
        return sorted(place.iterdir()) if place.is_dir() else []
    except OSError as error:
        raise ConfigurationError(
            f"directory {place}",
            expected="one that can be read",
            got=str(error.strerror),
            do="Check the setting approvals_dir, and your permissions.",
        ) from error


def _checked(path: Path, policy: ApprovalPolicy, rule_set: GovernedRuleSet) -> Approval | str:
    """The approval in a file, or why it is none. What it says is shown only where it has been checked."""
    from tasks.signing_keys import is_signed

    document = _read(path)
    if document is None or document.get("format") != DOMAIN:
        return "no signature that can be read"
    if [document.get(key) for key in ("rule_set", "version", "sha256")] != [
        rule_set.name, rule_set.version, rule_set.sha256
    ]:  # fmt: skip
        return "made for another rule set or version"
    approver, signature, signed_at = (
        _name(document.get("approver")),
        _bytes(document.get("signature")),
        _instant(document.get("signed_at")),
    )
    if approver is None or signature is None or signed_at is None:
        return "no signature that can be read"
    if approver not in policy.keys:
        return f"{approver} is not an approver, or not any more"
    if not is_signed(policy.keys[approver], signature, signed_words(rule_set, approver, signed_at)):
        return f"it does not fit the public key of {approver}: it was changed, or made with another key"
    return Approval(rule_set.name, rule_set.digest, approver, signed_at)


def _not_approved(policy: ApprovalPolicy, first: Standing, others: Sequence[Standing]) -> ConfigurationError:
    by = ", ".join(approval.approver for approval in first.approvals)
    got = f"{len(first.approvals)}{f', by {by}' if by else ''}"
    if first.unusable:
        got += f"; not counted: {'; '.join(first.unusable)}"
    do = (
        "Nothing was computed with it. `tailguard rules propose` shows it to the approvers, each signs with "
        f"`tailguard rules sign {first.rule_set.digest} --key FILE`, and `tailguard rules status` says who has."
    )
    if others:
        do += f" Not approved either: {'; '.join(str(each.rule_set) for each in others)}."
    return ConfigurationError(
        f"rule set {first.rule_set}",
        expected=f"approval by {policy.required} of {len(policy.keys)} approvers ({', '.join(sorted(policy.keys))})",
        got=got,
        do=do,
    )


def _proposal(path: Path, digest: str) -> Proposal:
    document = _read(path) or {}
    try:
        rule_set = GovernedRuleSet(document["rule_set"], document["version"], document["document"])
        at = dt.datetime.fromisoformat(document["proposed_at"])
        if (rule_set.sha256, rule_set.digest, type(rule_set.version)) != (document["sha256"], digest, int):
            raise ValueError("another hash")
        if f"{rule_set.name}-{digest}" != path.parent.name or at.tzinfo is None:
            raise ValueError("another place or a time without its zone")
    except (KeyError, TypeError, ValueError):
        raise ConfigurationError(
            f"proposal {path}",
            expected="the rule set whose name and hash its directory has",
            got="something else",
            do="Somebody changed it: find out who, remove its directory, and propose the rule set again.",
        ) from None
    by = document.get("proposed_by")
    return Proposal(rule_set, by if isinstance(by, str) and by.isprintable() else "somebody", at)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and APPROVER_NAME.fullmatch(value) else None


def _bytes(value: object) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        return None


def _instant(value: object) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _write(path: Path, document: dict[str, Any]) -> None:
    """Write a file whole or not at all: others may read it at any time."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"directory {path.parent}",
            expected="one that can be written",
            got=str(error.strerror),
            do="Check the setting approvals_dir, and your permissions.",
        ) from error
