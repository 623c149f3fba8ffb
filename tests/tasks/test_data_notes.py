from __future__ import annotations

import re
from pathlib import Path

from tasks.sources.wrong_prints import WRONG_PRINTS

ROOT = Path(__file__).parent.parent.parent
NOTES = (ROOT / "docs/data-notes.md").read_text()
DEFINITION = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


def defined_in(path: Path) -> list[str]:
    return DEFINITION.findall(path.read_text())


def test_every_test_the_data_notes_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", NOTES))
    defined = {name for path in (ROOT / "tests").rglob("test_*.py") for name in defined_in(path)}
    assert named - defined == set()


def test_every_quirk_that_is_tested_is_in_the_data_notes_once() -> None:
    tested = defined_in(ROOT / "tests/tasks/test_data_quirks.py")
    assert len(tested) > 40
    assert {name: NOTES.count(f"`{name}`") for name in tested} == dict.fromkeys(tested, 1)


def test_every_wrong_print_that_is_dropped_is_in_the_data_notes() -> None:
    assert [str(day) for _, day in WRONG_PRINTS if str(day) not in NOTES] == []
