"""Imports point one way, and reading stays light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Each package may use what stands to its right.
LAYERS = ["flows", "tasks", "reports", "storage", "signals"]
MODULES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Top-level packages that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_nothing_to_its_left(path: Path) -> None:
    layer = LAYERS.index(path.relative_to(ROOT).parts[0])
    assert imported(path) & set(LAYERS[:layer]) == set()


@pytest.mark.parametrize("path", sorted((ROOT / "signals").rglob("*.py")), ids=lambda path: path.stem)
def test_signals_use_the_standard_library_numpy_and_the_calendar_only(path: Path) -> None:
    assert imported(path) <= set(sys.stdlib_module_names) | {"numpy", "pandas", "exchange_calendars", "signals"}


def test_signals_read_no_clock_file_or_network() -> None:
    # "now" and "today" are the clock; open and Path the disk.
    forbidden = {"now", "today", "utcnow", "open", "Path", "urlopen", "socket", "getenv", "environ"}
    for path in (ROOT / "signals").rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert names & forbidden == set(), path


def loaded_by(code: str, *modules: str) -> set[str]:
    """Which of `modules` a fresh interpreter has loaded after running some code."""
    report = f"import sys\n{code}\nprint(*(m for m in {modules!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.server
def test_importing_signals_loads_no_database_no_scheduler_and_no_source() -> None:
    code = "import signals.veqtor.signal"
    assert loaded_by(code, "prefect", "sqlalchemy", "yfinance", "matplotlib", "numpy") == {"numpy"}


@pytest.mark.server
def test_light_commands_load_no_more_than_they_need() -> None:
    # Each step may load more than the one before, so one interpreter does for all.
    heavy = ("prefect", "pandas", "numpy", "exchange_calendars", "sqlalchemy", "yfinance", "matplotlib")
    steps = {
        "configuration": "import flows.cli.config, flows.cli.init, flows.cli.completion",
        "reading": "import flows.cli.report, flows.cli.status, flows.cli.outbox, reports.text, storage.unit_of_work",
        "history": "import flows.cli.history",
        "dry run": "import flows.cli.dry_run",
    }
    code = f"import json, sys\nheavy, seen = {heavy!r}, {{}}\n"
    code += "".join(
        f"{step}\nseen[{name!r}] = [module for module in heavy if module in sys.modules]\n"
        for name, step in steps.items()
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print(json.dumps(seen))"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout) == {
        "configuration": ["sqlalchemy"],
        "reading": ["sqlalchemy"],
        "history": ["sqlalchemy"],
        "dry run": ["pandas", "numpy", "exchange_calendars", "sqlalchemy"],
    }
