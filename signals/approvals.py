"""Approval of rule sets: what is approved, and the words that are signed. Standard library only."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from signals.document import document_hash

#: First line of what is signed: a signature made for anything else is none of ours.
DOMAIN = "tailguard rule set approval v1"

#: Names of rule sets and of approvers are parts of file names.
RULE_SET_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
APPROVER_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class Approval:
    """That somebody approved a rule set, as reports carry it.

    Attributes
    ----------
    rule_set, rule_set_digest : str
    approver : str
        The name under which the public key is configured.
    signed_at : datetime.datetime, time zone aware
        As the approver's machine had it; the signature covers it.
    """

    rule_set: str
    rule_set_digest: str
    approver: str
    signed_at: dt.datetime


@dataclass(frozen=True)
class GovernedRuleSet:
    """A rule set as its approvers see it, of VEQTOR or of a hedge.

    Attributes
    ----------
    name : str
    version : int
        Of a hedge its own; of VEQTOR and its variants that of the methodology, as they change with it only.
    document : dict
        Everything that decides something, the methodology version included: what is hashed.
    """

    name: str
    version: int
    document: dict[str, Any]

    def __post_init__(self) -> None:
        if not RULE_SET_NAME.fullmatch(self.name):
            raise ValueError("a rule set has a name of small letters, digits and hyphens")

    @cached_property
    def sha256(self) -> str:
        """Hash of the document, 64 hexadecimal digits."""
        return document_hash(self.document)

    @property
    def digest(self) -> str:
        """The first 16 digits of the hash: what reports carry."""
        return self.sha256[:16]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}, hash {self.digest}"


def signed_words(rule_set: GovernedRuleSet, approver: str, signed_at: dt.datetime) -> bytes:
    """What an approver signs: a line each of domain, hash, name, version, approver and time.

    None of them can hold a line break, so that two different approvals are never the same words.
    """
    if not APPROVER_NAME.fullmatch(approver):
        raise ValueError("an approver has a name of small letters, digits and hyphens")
    lines = (DOMAIN, rule_set.sha256, rule_set.name, str(rule_set.version), approver, signed_at.isoformat())
    return "".join(f"{line}\n" for line in lines).encode()
