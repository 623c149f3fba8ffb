"""Approval of rule sets from the outside: the walk-through of docs/governance.md, and what runs refuse."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from reports.html import render_html
from reports.slack import render_slack
from reports.text import render_text
from reports.view import report_view
from signals.alvh.keys import toml_of
from signals.alvh.ruleset_files import shipped_rule_set
from signals.approvals import Approval
from signals.document import decode, encode
from signals.veqtor.report import SignalReport, fingerprint
from signals.veqtor.rules import VEQTOR
from signals.veqtor.signal import VeqtorSignals, signal_report
from tests.conftest import ROOT
from tests.flows.conftest import Tailguard
from tests.market_files import LAST

pytestmark = pytest.mark.server

SESSION = ("--session", "latest")


@pytest.fixture
def approvers(tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of alice and bob have to sign; their keys are files here."""
    made = [tailguard("rules", "keygen", "--out", f"{name}.key", "--as", name) for name in ("alice", "bob")]
    lines = [ended.out.split()[-1] for ended in made]
    monkeypatch.setenv("TAILGUARD_APPROVERS", ",".join(lines))
    monkeypatch.setenv("TAILGUARD_APPROVALS_REQUIRED", "2")
    monkeypatch.setenv("TAILGUARD_HEDGES", "")


def approve(tailguard: Tailguard, rule_set: str | Path, *names: str) -> None:
    assert tailguard("rules", "propose", rule_set).code == 0
    for name in names or ("alice", "bob"):
        assert tailguard("rules", "sign", rule_set, "--key", f"{name}.key").code == 0


def test_the_walk_through_works_as_it_is_written(
    tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "governance.md").read_text()
    steps = re.findall(r"```(console|toml)\n(.*?)```", page, re.DOTALL)
    assert [kind for kind, _ in steps] == ["console", "toml", "console", "console"]
    keys: list[str] = []
    last = ""
    for kind, block in steps:
        if kind == "toml":
            content = re.sub(r'"\w+=<public key>"', lambda _: f'"{keys.pop(0)}"', block)
            (tmp_path / "tailguard.toml").write_text(content)
            continue
        for line in block.splitlines():
            command, _, expected = line.partition("# ends with ")
            last = command.strip()
            words = last.split()[1:] + (list(SESSION) if "run" in last.split() else [])
            ended = tailguard(*words)
            assert ended.code == int(expected or 0), (line, ended.err)
            if "keygen" in line:
                keys.append(ended.out.splitlines()[-1])
    assert last == "tailguard run --dry-run"
    report = json.loads(next(tmp_path.glob("tailguard-dry-run/*/report.json")).read_text())
    assert [(each["rule_set"], each["approver"]) for each in report["approvals"]] == [
        ("veqtor", "alice"), ("veqtor", "bob"), ("vxth", "alice"), ("vxth", "bob")
    ]  # fmt: skip


@pytest.mark.usefixtures("approvers")
@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("run", "--dry-run"),
        ("run", "--as-of", "2006-06-30T23:00"),
        ("backfill", "--start", "2006-06-01", "--end", "2006-06-30"),
        ("backfill", "--start", "2006-06-01", "--end", "2006-06-30", "--dry-run"),
        ("quickstart", "--sample"),
    ],
    ids=" ".join,
)
def test_nothing_runs_without_approval_and_nothing_is_fetched(
    tailguard: Tailguard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TAILGUARD_DATA_DIR", str(tmp_path / "nowhere"))
    ended = tailguard(*command)
    assert ended.code == 2
    assert f"rule set veqtor, version 1, hash {VEQTOR.digest}: expected approval by 2 of 2 approvers" in ended.err
    assert "got 0" in ended.err
    assert f"tailguard rules sign {VEQTOR.digest} --key FILE" in ended.err
    assert "nowhere" not in ended.err
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.usefixtures("approvers", "prefect_server")
def test_a_deployed_run_enters_its_refusal_and_fetches_nothing(
    tailguard: Tailguard, database: Callable[[], Engine]
) -> None:
    from flows.daily import daily

    approve(tailguard, "veqtor", "alice")
    state = daily(session=str(LAST), return_state=True)
    assert state.is_failed()
    with database().connect() as connection:
        (outcome,) = connection.execute(text("SELECT outcome, detail FROM outcomes")).all()
        assert connection.execute(text("SELECT count(*) FROM payloads")).scalar_one() == 0
    assert outcome[0] == "FAILED"
    assert "got 1, by alice" in outcome[1]


@pytest.mark.usefixtures("approvers", "prefect_server")
def test_a_report_carries_who_approved_and_a_further_signature_revises_nothing(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_APPROVALS_REQUIRED", "1")
    approve(tailguard, "veqtor", "alice")
    ended = tailguard("run", *SESSION)
    assert ended.code == 0, ended.err
    today = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    assert f"Approved: veqtor {VEQTOR.digest} by alice ({today})." in ended.out
    approve(tailguard, "veqtor", "bob")
    assert "ALREADY_EMITTED" in tailguard("run", *SESSION).out
    # Reading asks for no approval, and shows what was then.
    monkeypatch.setenv("TAILGUARD_APPROVERS", "")
    monkeypatch.setenv("TAILGUARD_APPROVALS_REQUIRED", "0")
    shown = tailguard("report", "show").out
    assert "by alice" in shown
    assert "bob" not in shown


@pytest.mark.usefixtures("approvers")
def test_reading_goes_on_without_approval(tailguard: Tailguard) -> None:
    span = ("--start", str(LAST), "--end", str(LAST))
    assert tailguard("history", "--strategy", "veqtor", "--source", "files", *span).code == 0
    assert tailguard("db", "upgrade").code == 0
    assert tailguard("report", "list").code == 0
    assert tailguard("config", "show").code == 0


@pytest.mark.usefixtures("approvers")
def test_a_file_that_is_changed_after_its_approval_is_refused(
    tailguard: Tailguard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "my.toml"
    mine.write_text(toml_of(shipped_rule_set("vxth")).replace('"vxth"', '"my-hedge"'))
    monkeypatch.setenv("TAILGUARD_HEDGES", str(mine))
    approve(tailguard, "veqtor")
    approve(tailguard, mine)
    assert tailguard("rules", "status").code == 0
    content = mine.read_text()
    mine.write_text(content.replace("# ", "# other words "))
    assert tailguard("rules", "status").code == 0
    changed = re.sub(r"half_spread = [0-9.]+", "half_spread = 0.07", content, count=1)
    assert changed != content
    mine.write_text(changed)
    ended = tailguard("run", "--dry-run", *SESSION)
    assert ended.code == 2
    assert "rule set my-hedge, version 1, hash " in ended.err
    assert "got 0" in ended.err
    # What is proposed now is shown against what was approved.
    proposed = tailguard("rules", "propose", mine).out
    assert "half_spread\n" in proposed
    assert "this one  0.07" in proposed
    assert "first_session" not in proposed


@pytest.mark.usefixtures("approvers")
def test_a_key_signs_in_the_name_it_is_configured_for_only(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    tailguard("rules", "propose", "veqtor")
    tailguard("rules", "keygen", "--out", "mallory.key")
    for words, got in (
        (("--key", "alice.key", "--as", "bob"), "expected the key of bob, got that of alice"),
        (("--key", "mallory.key"), "expected that of an approver, got one that is not configured"),
        (("--key", "mallory.key", "--as", "alice"), "expected the key of alice, got one that is not configured"),
        (("--key", "alice.key", "--as", "../alice"), "small letters, digits and hyphens"),
    ):
        ended = tailguard("rules", "sign", "veqtor", *words)
        assert (ended.code, got in ended.err) == (2, True), ended.err
    assert not list(Path("approvals").glob("*/signature-*"))
    assert tailguard("rules", "sign", VEQTOR.digest, "--key", "alice.key", "--as", "alice").code == 0
    assert "already" in tailguard("rules", "sign", "veqtor", "--key", "alice.key").out


@pytest.mark.usefixtures("approvers")
def test_a_file_that_is_called_like_a_hash_is_not_what_is_signed(tailguard: Tailguard) -> None:
    tailguard("rules", "propose", "veqtor")
    decoy = Path(VEQTOR.digest)
    decoy.write_text(toml_of(shipped_rule_set("vxth")).replace('"vxth"', '"decoy"'))
    assert tailguard("rules", "propose", f"./{decoy}").code == 0
    signed = tailguard("rules", "sign", VEQTOR.digest, "--key", "alice.key")
    assert (signed.code, "Signing as alice: veqtor," in signed.out) == (0, True)
    assert [path.parent.name for path in Path("approvals").glob("*/signature-*")] == [f"veqtor-{VEQTOR.digest}"]


@pytest.mark.usefixtures("approvers")
def test_status_says_what_is_lacking_and_why(tailguard: Tailguard) -> None:
    approve(tailguard, "veqtor")
    tailguard("rules", "propose", "vxth")
    path = next(Path("approvals").glob("veqtor-*/signature-bob.json"))
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"signed_at": "2020-01-01T00:00:00+00:00"}))
    ended = tailguard("rules", "status")
    assert ended.code == 1
    assert f"veqtor, version 1, hash {VEQTOR.digest}: PENDING, 1 of 2" in ended.out
    assert "not counted: signature-bob.json: it does not fit the public key of bob" in ended.out
    assert "Proposed, and not in use:\nvxth, version 1" in ended.out
    listed = json.loads(tailguard("rules", "status", "--json").out)
    assert [each["approver"] for each in listed["rule_sets"][0]["approvals"]] == ["alice"]
    assert (listed["required"], listed["rule_sets"][0]["in_force"]) == (2, False)
    assert tailguard("rules", "status", "veqtor-overlay").code == 1
    # A signature that does not count is replaced.
    assert tailguard("rules", "sign", "veqtor", "--key", "bob.key").code == 0
    assert tailguard("rules", "status").code == 0


@pytest.mark.usefixtures("market")
def test_it_is_off_until_it_is_asked_for(tailguard: Tailguard) -> None:
    ended = tailguard("rules", "status")
    assert ended.code == 0
    assert "take effect without approval" in ended.out
    assert tailguard("run", "--dry-run", *SESSION).code == 0


# A setting, its value, and what the error says.
WRONG = [
    ("approvals_required", "2", "expected at most the number of approvers, 0"),
    ("approvers", "alice=abc", "approvers as name=key"),
    ("approvers", "alice", "approvers as name=key"),
    ("approvers", f"Alice={'A' * 43}=", "approvers as name=key"),
    ("approvers", f"../alice={'A' * 43}=", "approvers as name=key"),
    ("approvers", f"alice={'A' * 43}=,bob={'A' * 43}=", "every approver once, each with a key of their own"),
    ("approvers", f"alice={'A' * 43}=,alice={'B' * 42}A=", "every approver once"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_approvers_that_make_no_sense_are_refused(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"TAILGUARD_{name.upper()}", value)
    ended = tailguard("rules", "status")
    assert ended.code == 2
    assert f"Error: setting {name}: " in ended.err
    assert said in ended.err


def test_who_approved_is_shown_in_every_rendering_and_is_no_part_of_what_is_said(
    made_up_signals: VeqtorSignals,
) -> None:
    report = signal_report(made_up_signals, LAST, 1e6)
    when = dt.datetime(2026, 11, 20, 22, 15, tzinfo=dt.UTC)
    approvals = tuple(Approval("veqtor", VEQTOR.digest, name, when) for name in ("alice", "bob"))
    approved = replace(report, approvals=approvals)
    assert fingerprint(approved) == fingerprint(report)
    assert decode(SignalReport, json.loads(json.dumps(encode(approved)))) == approved
    # A report of before there were approvals.
    document = {name: value for name, value in encode(report).items() if name != "approvals"}
    assert decode(SignalReport, document | {"schema_version": 3}) == replace(report, schema_version=3)
    said = f"Approved: veqtor {VEQTOR.digest} by alice (2026-11-20), bob (2026-11-20)."
    for shown, count in ((approved, 1), (report, 0)):
        view = report_view(shown, revision=1, emitted_at=when)
        assert " ".join(render_text(view).split()).count(said) == count
        assert render_html(view).count(said) == count
        assert json.dumps(render_slack(view)).count(said) == count
