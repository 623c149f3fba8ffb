"""Approvals of rule sets with real keys: which signatures count, and what becomes of every other one."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from flows.governance import governed
from signals.alvh import rules as alvh_rules
from signals.alvh.keys import Key, flat, keys_of
from signals.alvh.ruleset_files import shipped_rule_set
from signals.approvals import GovernedRuleSet, signed_words
from signals.errors import ConfigurationError
from signals.veqtor import rules as veqtor_rules
from signals.veqtor.rules import VARIANTS, VEQTOR
from tasks.approvals import (
    PROPOSAL,
    ApprovalPolicy,
    last_in_force,
    proposals,
    propose,
    require_approvals,
    sign,
    standing,
)
from tasks.signing_keys import load_key, make_key, public_bytes

NOW = dt.datetime(2026, 11, 20, 22, 15, 30, tzinfo=dt.UTC)
KEYS = {name: Ed25519PrivateKey.generate() for name in ("alice", "bob", "carol", "mallory")}
VEQTOR_RULES, SEED = governed(VEQTOR), governed(shipped_rule_set("alvh-seed"))


@pytest.fixture
def policy(tmp_path: Path) -> ApprovalPolicy:
    """Two of three."""
    keys = {name: public_bytes(KEYS[name]) for name in ("alice", "bob", "carol")}
    return ApprovalPolicy(2, keys, tmp_path / "approvals")


@pytest.fixture
def signed(policy: ApprovalPolicy) -> Callable[..., dict[str, Path]]:
    """Propose a rule set and have approvers sign it; returns their files."""

    def signed_by(*approvers: str, rule_set: GovernedRuleSet = VEQTOR_RULES) -> dict[str, Path]:
        propose(policy, rule_set, "the desk", NOW)
        return {name: sign(policy, rule_set, name, KEYS[name], NOW) for name in approvers}

    return signed_by


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_enough_signatures_put_a_rule_set_in_force(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]]
) -> None:
    signed("alice")
    with pytest.raises(ConfigurationError, match=r"expected approval by 2 of 3 approvers .*, got 1, by alice\."):
        require_approvals(policy, [VEQTOR_RULES])
    signed("carol")
    approvals = require_approvals(policy, [VEQTOR_RULES])
    assert [(each.approver, each.rule_set, each.rule_set_digest, each.signed_at) for each in approvals] == [
        ("alice", "veqtor", VEQTOR.digest, NOW),
        ("carol", "veqtor", VEQTOR.digest, NOW),
    ]


def test_without_a_required_number_nothing_is_asked_for(policy: ApprovalPolicy) -> None:
    assert require_approvals(replace(policy, required=0), [VEQTOR_RULES]) == ()


def test_every_rule_set_in_use_has_to_be_approved(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]]
) -> None:
    signed("alice", "bob")
    with pytest.raises(ConfigurationError, match=f"rule set alvh-seed, version 2, hash {SEED.digest}: .* got 0"):
        require_approvals(policy, [VEQTOR_RULES, SEED])
    vxth = governed(shipped_rule_set("vxth"))
    with pytest.raises(ConfigurationError, match=r"Not approved either: vxth, version 1"):
        require_approvals(policy, [SEED, vxth])


# What somebody does to the file of bob's signature, and why it does not count any more.
FORGERIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a changed signature": (lambda path: edited(path, signature="A" * 86 + "=="), "it does not fit the public key"),
    "another time": (lambda path: edited(path, signed_at="2026-01-01T00:00:00+00:00"), "it does not fit"),
    "another approver": (lambda path: edited(path, approver="carol"), "it does not fit the public key of carol"),
    "somebody unknown": (lambda path: edited(path, approver="mallory"), "mallory is not an approver, or not any more"),
    "another hash": (lambda path: edited(path, sha256="0" * 64), "made for another rule set or version"),
    "another name": (lambda path: edited(path, rule_set="vxth"), "made for another rule set or version"),
    "another version": (lambda path: edited(path, version=2), "made for another rule set or version"),
    "another format": (lambda path: edited(path, format="tailguard v2"), "no signature that can be read"),
    "no signature": (lambda path: edited(path, signature=None), "no signature that can be read"),
    "a time without its zone": (lambda path: edited(path, signed_at="2026-11-20T22:15:30"), "no signature"),
    "a hostile name": (lambda path: edited(path, approver="\x1b[31malice"), "no signature that can be read"),
    "a list": (lambda path: path.write_text("[]") and None, "no signature that can be read"),
    "half of it": (lambda path: path.write_text(path.read_text()[:100]) and None, "no signature that can be read"),
    "other bytes": (lambda path: path.write_bytes(b"\xff\xfe") and None, "no signature that can be read"),
    "a deep one": (lambda path: path.write_text("[" * 100_000) and None, "no signature that can be read"),
}  # fmt: skip


@pytest.mark.parametrize(("forge", "reason"), FORGERIES.values(), ids=FORGERIES)
def test_what_was_changed_does_not_count_and_is_named(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]], forge: Callable[[Path], None], reason: str
) -> None:
    forge(signed("alice", "bob")["bob"])
    with pytest.raises(ConfigurationError) as caught:
        require_approvals(policy, [VEQTOR_RULES])
    assert f"got 1, by alice; not counted: signature-bob.json: {reason}" in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_nobody_counts_twice(policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]]) -> None:
    path = signed("alice")["alice"]
    path.with_name("signature-bob.json").write_bytes(path.read_bytes())
    later = sign(policy, VEQTOR_RULES, "alice", KEYS["alice"], NOW + dt.timedelta(days=1))
    later.rename(path.with_name("signature-carol.json"))
    found = standing(policy, VEQTOR_RULES)
    assert [approval.approver for approval in found.approvals] == ["alice"]
    assert found.unusable == ("signature-carol.json: alice counts once, and has signed already",)
    with pytest.raises(ConfigurationError, match="got 1, by alice; not counted"):
        require_approvals(policy, [VEQTOR_RULES])


def test_a_signature_of_somebody_else_does_not_count(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]]
) -> None:
    signed("alice", "mallory")
    with pytest.raises(ConfigurationError, match=r"signature-mallory.json: mallory is not an approver"):
        require_approvals(policy, [VEQTOR_RULES])
    # In the name of one who is.
    sign(policy, VEQTOR_RULES, "bob", KEYS["mallory"], NOW)
    with pytest.raises(ConfigurationError, match=r"signature-bob.json: it does not fit the public key of bob"):
        require_approvals(policy, [VEQTOR_RULES])


def test_one_who_is_no_approver_any_more_does_not_count(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]]
) -> None:
    signed("alice", "bob")
    assert len(require_approvals(policy, [VEQTOR_RULES])) == 2
    remaining = {name: key for name, key in policy.keys.items() if name != "bob"}
    with pytest.raises(ConfigurationError, match=r"bob is not an approver, or not any more"):
        require_approvals(replace(policy, keys=remaining), [VEQTOR_RULES])
    with pytest.raises(ConfigurationError, match="made with another key"):
        require_approvals(replace(policy, keys={**remaining, "bob": public_bytes(KEYS["mallory"])}), [VEQTOR_RULES])


def test_signatures_of_another_rule_set_do_not_count_in_its_place(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]]
) -> None:
    files = signed("alice", "bob")
    signed(rule_set=SEED)
    for path in files.values():
        (policy.place(SEED) / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ConfigurationError, match=r"got 0; not counted: .*made for another rule set"):
        require_approvals(policy, [SEED])
    # Relabelled, they do not fit what was signed.
    for path in policy.place(SEED).glob("signature-*"):
        edited(path, rule_set=SEED.name, version=SEED.version, sha256=SEED.sha256)
    with pytest.raises(ConfigurationError, match=r"got 0; not counted: .*it does not fit the public key of alice"):
        require_approvals(policy, [SEED])


@pytest.mark.parametrize("name", ["stop_loss", "realised_window", "regime_edges", "overlay", "volatility_index"])
def test_a_changed_rule_set_needs_signatures_of_its_own(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]], name: str
) -> None:
    signed("alice", "bob")
    changes: dict[str, Any] = {
        "stop_loss": -0.03, "realised_window": 21, "regime_edges": (0.1, 0.2, 0.35, 0.46), "overlay": True,
        "volatility_index": "vix-mid-term",
    }  # fmt: skip
    changed = governed(replace(VEQTOR, **{name: changes[name]}))
    with pytest.raises(ConfigurationError, match="got 0"):
        require_approvals(policy, [changed])


@pytest.mark.parametrize(
    ("module", "rules"), [(veqtor_rules, VEQTOR), (alvh_rules, shipped_rule_set("vxth"))], ids=["veqtor", "hedge"]
)
def test_a_new_methodology_needs_signatures_of_its_own(
    policy: ApprovalPolicy,
    signed: Callable[..., dict[str, Path]],
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    rules: Any,
) -> None:
    signed("alice", "bob", rule_set=governed(rules))
    monkeypatch.setattr(module, "METHODOLOGY_VERSION", module.METHODOLOGY_VERSION + 1)
    with pytest.raises(ConfigurationError, match="got 0"):
        require_approvals(policy, [governed(rules)])


def tables(kind: Any) -> Iterator[Any]:
    """A table of a rule set, and those in it."""
    yield kind
    for item in keys_of(kind):
        for part in (item.kind, *getattr(item.kind, "__args__", ())):
            if dataclasses.is_dataclass(part):
                yield from tables(part)


def test_what_is_signed_is_everything_that_decides() -> None:
    for kind in tables(alvh_rules.RuleSet):
        # A field without a key would be missed by the hash; the name of a layer's table is the key of its table.
        without = {field.name for field in dataclasses.fields(kind)} - {item.name for item in keys_of(kind)}
        assert without == ({"id"} if kind is alvh_rules.Layer else set()), kind
        for_people = {item.name for item in keys_of(kind) if not item.key.decides}
        assert for_people <= {"description", "label"}
    hashed = flat(governed(shipped_rule_set("alvh-seed-reactive")).document)
    assert {"layers.l2.long_delta", "layers.l3.collapse.only_in_profit", "methodology", "name"} <= set(hashed)
    for rules in (VEQTOR, *VARIANTS.values()):
        # What is at its default is left out, and comes into the hash when it is not.
        missing = {field.name for field in dataclasses.fields(rules)} - set(rules.document)
        assert missing <= {"volatility_index", "overlay"}
        assert all(getattr(rules, name) == getattr(VEQTOR, name) for name in missing)
    assert Key("").decides


def test_the_words_that_are_signed_are_these() -> None:
    assert signed_words(VEQTOR_RULES, "alice", NOW).decode() == (
        f"tailguard rule set approval v1\n{VEQTOR_RULES.sha256}\nveqtor\n1\nalice\n2026-11-20T22:15:30+00:00\n"
    )
    with pytest.raises(ValueError, match="approver"):
        signed_words(VEQTOR_RULES, "alice\nbob", NOW)
    with pytest.raises(ValueError, match="rule set"):
        GovernedRuleSet("../etc", 1, {})


def test_a_proposal_is_written_once_and_read_back(policy: ApprovalPolicy) -> None:
    assert list(proposals(policy)) == []
    assert propose(policy, SEED, "the desk", NOW)
    assert not propose(policy, SEED, "somebody else", NOW)
    (found,) = proposals(policy)
    assert (found.rule_set, found.rule_set.sha256, found.by, found.at) == (SEED, SEED.sha256, "the desk", NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"document": {"stop_loss": 0}},
        {"sha256": "0" * 64},
        {"rule_set": "vxth"},
        {"version": "1"},
        {"proposed_at": "x"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_proposal_that_was_changed_is_named(policy: ApprovalPolicy, changes: dict[str, Any]) -> None:
    propose(policy, VEQTOR_RULES, "the desk", NOW)
    edited(policy.place(VEQTOR_RULES) / PROPOSAL, **changes)
    with pytest.raises(ConfigurationError, match="Somebody changed it"):
        list(proposals(policy))
    with pytest.raises(ConfigurationError, match="Somebody changed it"):
        propose(policy, VEQTOR_RULES, "the desk", NOW)


def test_nothing_is_signed_that_was_not_proposed(policy: ApprovalPolicy) -> None:
    with pytest.raises(ConfigurationError, match="Propose it first"):
        sign(policy, VEQTOR_RULES, "alice", KEYS["alice"], NOW)
    assert not policy.directory.exists()


def test_a_proposal_is_compared_with_the_one_of_that_name_approved_last(
    policy: ApprovalPolicy, signed: Callable[..., dict[str, Path]]
) -> None:
    changed = governed(replace(VEQTOR, stop_loss=-0.03))
    assert last_in_force(policy, changed) is None
    signed("alice")
    assert last_in_force(policy, changed) is None
    signed("bob")
    assert last_in_force(policy, changed) == VEQTOR_RULES
    assert last_in_force(policy, VEQTOR_RULES) is None
    assert last_in_force(policy, SEED) is None


def test_a_key_is_for_its_owner_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "alice.key"
    public = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_bytes(load_key(path)) == public
    with pytest.raises(ConfigurationError, match="expected none yet, got one that exists"):
        make_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"expected permissions 600.* got 640\. `chmod 600 "):
        load_key(path)


def test_what_is_no_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    encrypted = KEYS["alice"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))
    for content in (b"hunter2", b"", encrypted):
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="a private ed25519 key, PEM, not encrypted") as caught:
            load_key(path)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="No such file"):
        load_key(tmp_path / "none")
