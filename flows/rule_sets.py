"""Rule sets of the layered hedge as a user names them. Light: nothing here needs numpy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from signals.alvh.keys import literal
from signals.alvh.rules import SHIPPED, RuleSet
from signals.alvh.ruleset_files import parse_rule_set, shipped_rule_set
from signals.errors import ConfigurationError
from signals.veqtor.rules import VARIANTS, VEQTOR, VeqtorRules

#: The rules that every report is about, and those of its variants.
STRATEGIES: dict[str, VeqtorRules] = {VEQTOR.name: VEQTOR, **VARIANTS}


def rule_set_named(name_or_file: str) -> RuleSet:
    """A rule set that ships, by its name, or one of the user's own, by its file.

    Raises
    ------
    ConfigurationError
        When there is neither, the file cannot be read, something in it is wrong, or it goes by the name of one that
        ships without being it.
    """
    path = Path(name_or_file)
    if name_or_file in SHIPPED or not path.exists():
        return shipped_rule_set(name_or_file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        got = error.strerror if isinstance(error, OSError) else "other bytes"
        raise ConfigurationError(
            f"rule set {name_or_file}", expected="a file of UTF-8 text", got=str(got), do="Check the file."
        ) from error
    found = parse_rule_set(text, name_or_file)
    if found.name in STRATEGIES or (found.name in SHIPPED and found.digest != shipped_rule_set(found.name).digest):
        raise ConfigurationError(
            f"rule set {name_or_file}, key name",
            expected="a name of its own",
            got=f"{literal(found.name)}, which ships with other values",
            do="Rename it.",
        )
    return found


def rule_sets_named(names_or_files: Sequence[str]) -> tuple[RuleSet, ...]:
    """Several of them, in their order.

    Raises
    ------
    ConfigurationError
        As for a single one, and when two go by the same name.
    """
    found: dict[str, str] = {}
    rule_sets = []
    for name_or_file in names_or_files:
        rule_set = rule_set_named(name_or_file)
        if rule_set.name in found:
            raise ConfigurationError(
                f"hedges {found[rule_set.name]} and {name_or_file}",
                expected="rule sets of different names",
                got=f"{rule_set.name} twice",
                do="Leave one out, or rename it. Check --rule-set, or the setting hedges.",
            )
        found[rule_set.name] = name_or_file
        rule_sets.append(rule_set)
    return tuple(rule_sets)
