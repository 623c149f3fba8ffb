"""Which rule sets a user may name, and what is wrong with the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.rule_sets import rule_sets_named
from flows.settings import load_settings
from flows.wiring import services
from signals.alvh.keys import toml_of
from signals.alvh.ruleset_files import shipped_rule_set
from signals.errors import ConfigurationError
from tests.flows.conftest import Tailguard


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(toml_of(shipped_rule_set("alvh-442")).replace('"alvh-442"', '"my-hedge"'))
    return path


def test_rule_sets_come_in_the_order_in_which_they_are_named(mine: Path) -> None:
    assert [found.name for found in rule_sets_named(["vxth", str(mine), "alvh-seed"])] == [
        "vxth", "my-hedge", "alvh-seed"
    ]  # fmt: skip


def test_two_rule_sets_of_one_name_are_refused(mine: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.toml"
    copy.write_text(mine.read_text())
    with pytest.raises(ConfigurationError, match="my-hedge twice") as caught:
        rule_sets_named([str(mine), "alvh-seed", str(copy)])
    assert str(mine) in str(caught.value)
    assert str(copy) in str(caught.value)


def test_hedges_are_a_setting_and_those_named_for_a_run_win_over_it(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().hedges == ("alvh-seed", "alvh-442")
    monkeypatch.setenv("TAILGUARD_HEDGES", f"vxth, {mine}")
    assert [found.name for found in services().rule_sets] == ["vxth", "my-hedge"]
    assert [found.name for found in services(["alvh-442"]).rule_sets] == ["alvh-442"]
    monkeypatch.setenv("TAILGUARD_HEDGES", "")
    assert services().rule_sets == ()


def test_a_hedge_that_is_set_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_HEDGES", "vxth,vxth")
    with pytest.raises(ConfigurationError, match="setting hedges: expected each name once"):
        load_settings()


# How it is asked for, and what the error has to say. The directory of data is not there: nothing gets as far.
NOT_RULE_SETS = {
    "an unknown name": ("alvh-sed", "Did you mean alvh-seed?"),
    "a file that is not there": ("rules/mine.toml", "rule set rules/mine.toml: expected one of alvh-seed"),
    "a file of something else": ("other.toml", "rule set other.toml"),
    "a directory": (".", "expected a file of UTF-8 text"),
}


@pytest.mark.parametrize("command", [("run",), ("run", "--dry-run"), ("backfill",)], ids=" ".join)
@pytest.mark.parametrize(("named", "said"), NOT_RULE_SETS.values(), ids=NOT_RULE_SETS)
def test_what_is_no_rule_set_is_told_before_anything_is_read(
    tailguard: Tailguard, tmp_path: Path, command: tuple[str, ...], named: str, said: str
) -> None:
    (tmp_path / "other.toml").write_text("name = 1\n")
    span = ["--start", "2006-06-01", "--end", "2006-06-30"] if command == ("backfill",) else []
    ended = tailguard(*command, *span, "--rule-set", named, "--source", "files", "--data-dir", "nowhere")
    assert (ended.code, ended.out) == (2, "")
    assert said in " ".join(ended.err.split())
    assert "nowhere" not in ended.err
    assert not list(tmp_path.glob("*.db"))


def test_a_strategy_that_is_neither_a_name_nor_a_file_is_wrong_usage(tailguard: Tailguard) -> None:
    ended = tailguard("history", "--strategy", "alvh-sed", "--start", "2006-06-01", "--end", "2006-06-30")
    assert ended.code == 2
    assert "Did you mean alvh-seed?" in ended.err
    assert "vix-short-term" in ended.err


def test_completion_offers_indices_and_rule_sets(tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "tailguard history --strategy v")
    monkeypatch.setenv("COMP_CWORD", "3")
    monkeypatch.setenv("_TAILGUARD_COMPLETE", "bash_complete")
    offered = {line.partition(",")[2] for line in tailguard().out.split()}
    assert {"veqtor", "vix-short-term", "vxth"} <= offered
    assert "alvh-seed" not in offered
