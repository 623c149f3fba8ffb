"""Approval of rule sets as configured: whose signature counts, and what has to be approved. Light: no numpy here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flows.rule_sets import STRATEGIES, rule_set_named
from flows.settings import Settings
from flows.settings_values import approver_keys
from signals.alvh.rules import SHIPPED, RuleSet
from signals.approvals import GovernedRuleSet
from signals.errors import ConfigurationError
from signals.veqtor.rules import METHODOLOGY_VERSION, VEQTOR, VeqtorRules
from tasks.approvals import ApprovalPolicy, proposals

#: As much of a hash as names a rule set: at least what reports carry.
_HASH = re.compile(r"[0-9a-f]{16,64}")


def approval_policy(settings: Settings) -> ApprovalPolicy:
    """Whose approval counts, and where it is found."""
    return ApprovalPolicy(settings.approvals_required, approver_keys(settings.approvers), settings.approvals_dir)


def governed(rules: RuleSet | VeqtorRules) -> GovernedRuleSet:
    """A rule set as its approvers see it."""
    version = rules.version if isinstance(rules, RuleSet) else METHODOLOGY_VERSION
    return GovernedRuleSet(rules.name, version, rules.document)


def governed_in_reports(variants: Sequence[str], hedges: Sequence[RuleSet]) -> list[GovernedRuleSet]:
    """Everything that decides something in a report: VEQTOR, its variants, the hedges."""
    strategies = (VEQTOR, *(STRATEGIES[name] for name in variants))
    return [*map(governed, strategies), *map(governed, hedges)]


def governed_named(name_file_or_hash: str, policy: ApprovalPolicy) -> GovernedRuleSet:
    """A rule set by its name, its file, or the hash under which it was proposed.

    What looks like a hash is one, whatever files there are: an approver means what was proposed under it.

    Raises
    ------
    ConfigurationError
        When there is none, or more than one.
    """
    if name_file_or_hash in STRATEGIES:
        return governed(STRATEGIES[name_file_or_hash])
    if not _HASH.fullmatch(name_file_or_hash):
        return governed(rule_set_named(name_file_or_hash))
    proposed = (proposal.rule_set for proposal in proposals(policy))
    known = {each.sha256: each for each in (*proposed, *_shipped())}
    found = [each for sha256, each in known.items() if sha256.startswith(name_file_or_hash)]
    if len(found) != 1:
        raise ConfigurationError(
            f"hash {name_file_or_hash}",
            expected=f"that of a proposal in {policy.directory}, or of a rule set that ships",
            got="no such one" if not found else "several",
            do="`tailguard rules status` lists those that are proposed or in use.",
        )
    return found[0]


def _shipped() -> Iterator[GovernedRuleSet]:
    yield from map(governed, STRATEGIES.values())
    yield from (governed(rule_set_named(name)) for name in SHIPPED)
