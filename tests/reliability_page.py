"""docs/reliability.md, the parts of which tests make.

A part stands between two comments that name it. With ``TAILGUARD_TEST_WRITE_DOCS=1``, as ``make reliability`` has it,
tests write their parts, from their long forms; otherwise they compare what must not change.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import platform
import re
import sqlite3
from collections.abc import Sequence

from tests.conftest import ROOT

#: Settings of whoever runs a test are hidden from it, so this is read before.
WRITE = bool(os.environ.get("TAILGUARD_TEST_WRITE_DOCS"))

_PAGE = ROOT / "docs" / "reliability.md"


def part(name: str) -> list[str]:
    """The lines of a part."""
    return _found(name)[2].strip().splitlines()


def write_part(name: str, lines: Sequence[str]) -> None:
    """Put lines in place of those of a part; tests that run beside each other take turns."""
    with _PAGE.open("r+") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        found = _found(name)
        text = found.string
        page.write(text[: found.start(2)] + "\n\n" + "\n".join(lines) + "\n\n" + text[found.end(2) :])
        page.truncate()


def first_columns(lines: Sequence[str], count: int) -> list[list[str]]:
    """The first cells of each row of a table: the others differ from run to run."""
    return [[cell.strip() for cell in line.split("|")[1 : count + 1]] for line in lines if line.startswith("|")]


def machine() -> str:
    """Where and when something was found."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    day = dt.datetime.now(dt.UTC).date()
    return f"{day}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, {versions}"


def _found(name: str) -> re.Match[str]:
    found = re.search(rf"(<!-- made by a test: {name} -->)(.*?)(<!-- end of {name} -->)", _PAGE.read_text(), re.DOTALL)
    assert found, f"docs/reliability.md has no part {name!r}"
    return found
