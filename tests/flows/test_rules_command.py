"""``tailguard rules`` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from signals.alvh.rules import SHIPPED
from signals.alvh.ruleset_files import parse_rule_set, shipped_rule_set
from tests.conftest import ROOT
from tests.flows.conftest import Tailguard


@pytest.fixture
def mine(tailguard: Tailguard) -> Path:
    """A rule set of one's own, made as the help says."""
    path = Path("my.toml")
    text = tailguard("rules", "show", "alvh-seed").out
    path.write_text(text.replace('name = "alvh-seed"', 'name = "my-hedge"').replace("stop = 0.035", "stop = 0.03"))
    return path


def test_list_shows_each_one_on_a_line(tailguard: Tailguard) -> None:
    ended = tailguard("rules", "list")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines] == list(SHIPPED)
    for name, line in zip(SHIPPED, lines, strict=True):
        found = shipped_rule_set(name)
        assert line.split()[1:3] == [str(found.version), found.digest]
        assert line.endswith(found.description)
        assert len(line) <= 80
    listed = json.loads(tailguard("rules", "list", "--json").out)
    assert [item["hash"] for item in listed] == [shipped_rule_set(name).digest for name in SHIPPED]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_show_prints_is_the_rule_set(tailguard: Tailguard, name: str) -> None:
    ended = tailguard("rules", "show", name)
    assert ended.code == 0
    assert ended.out.startswith(f"# hash {shipped_rule_set(name).digest}\n")
    assert max(map(len, ended.out.splitlines())) <= 80
    assert parse_rule_set(ended.out, "printed") == shipped_rule_set(name)


def test_show_as_json(tailguard: Tailguard) -> None:
    document = json.loads(tailguard("rules", "show", "alvh-seed", "--json").out)
    seed = shipped_rule_set("alvh-seed")
    assert (document["name"], document["hash"], document["sha256"]) == ("alvh-seed", seed.digest, seed.sha256)
    assert document["content"]["layers"]["l2"]["long_delta"] == 0.4
    assert document["content"]["layers"]["l1"]["collapse"] == "none"


def test_a_file_works_like_a_name(tailguard: Tailguard, mine: Path) -> None:
    ended = tailguard("rules", "validate", mine)
    assert ended.code == 0
    found = parse_rule_set(mine.read_text(), "my.toml")
    assert ended.out == f"my.toml is in order: my-hedge, version 2, hash {found.digest}.\n"
    assert tailguard("rules", "show", mine).out.startswith(f"# hash {found.digest}\n")


def test_a_file_that_an_editor_began_with_a_mark_is_read(tailguard: Tailguard, mine: Path) -> None:
    mine.write_text("\ufeff" + mine.read_text(), encoding="utf-8")
    assert tailguard("rules", "validate", mine).code == 0


def test_what_is_wrong_with_a_file_is_told_with_its_key_and_range(tailguard: Tailguard, mine: Path) -> None:
    mine.write_text(mine.read_text().replace("long_delta = 0.4 ", "long_delta = 4 "))
    ended = tailguard("rules", "validate", mine)
    assert ended.code == 2
    assert ended.err == (
        "Error: rule set my.toml, key layers.l2.long_delta: expected a number from 0.01 to 0.99, got 4. Correct it.\n"
    )


def test_a_changed_copy_needs_a_name_of_its_own(tailguard: Tailguard, mine: Path) -> None:
    mine.write_text(mine.read_text().replace("my-hedge", "alvh-seed"))
    ended = tailguard("rules", "validate", mine)
    assert ended.code == 2
    assert "key name: expected a name of its own" in ended.err
    mine.write_text(mine.read_text().replace("stop = 0.03 ", "stop = 0.035 "))
    assert tailguard("rules", "validate", mine).code == 0


def test_diff_shows_changed_keys_with_both_values(tailguard: Tailguard, mine: Path) -> None:
    ended = tailguard("rules", "diff", "alvh-seed", mine)
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "name",
        '  alvh-seed  "alvh-seed"',
        '  my.toml    "my-hedge"',
        "budget.stop",
        "  alvh-seed  0.035",
        "  my.toml    0.03",
    ]
    document = json.loads(tailguard("rules", "diff", "alvh-seed", mine, "--json").out)
    assert document["changes"][1] == {"key": "budget.stop", "first": 0.035, "second": 0.03}


def test_diff_of_what_is_equal_ends_with_zero(tailguard: Tailguard, mine: Path) -> None:
    ended = tailguard("rules", "diff", mine, mine)
    assert (ended.code, ended.out) == (0, "No difference.\n")


@pytest.mark.parametrize("other", SHIPPED[1:])
def test_any_diff_fits_80_columns(tailguard: Tailguard, other: str) -> None:
    ended = tailguard("rules", "diff", "alvh-seed", other)
    assert ended.code == 1
    assert max(map(len, ended.out.splitlines())) <= 80
    if other == "alvh-442":
        assert "  alvh-442   absent" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "alvh-sed"), "Did you mean alvh-seed?"),
        (("show", "nothing.toml"), "`tailguard rules list` shows those that ship."),
        (("diff", "alvh-seed", "nothing.toml"), "or a file, got neither"),
        (("validate", "."), "expected a file of UTF-8 text, got Is a directory"),
        (("validate", "bytes.toml"), "expected a file of UTF-8 text, got other bytes"),
    ],
)
def test_what_cannot_be_read_is_said_and_ends_with_two(tailguard: Tailguard, words: tuple[str, ...], said: str) -> None:
    Path("bytes.toml").write_bytes(b'name = "\xff"')
    ended = tailguard("rules", *words)
    assert ended.code == 2
    assert said in ended.err


def test_a_shipped_name_wins_over_a_file_of_that_name(tailguard: Tailguard) -> None:
    Path("vxth").write_text("nothing")
    assert tailguard("rules", "show", "vxth").code == 0
    assert tailguard("rules", "show", "./vxth").code == 2


@pytest.mark.server
def test_it_loads_neither_prefect_nor_numpy() -> None:
    code = "import flows.cli.rules, sys; print([m for m in ('prefect', 'numpy', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
