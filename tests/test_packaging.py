"""What is built: wheel and source distribution are complete and run elsewhere, and the image is built of them."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.market_files import LAST, write_market

pytestmark = pytest.mark.server

PACKAGES = {"flows", "tasks", "signals", "storage", "reports"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: Imported where it is installed, and no dependency: `history --format parquet`, PostgreSQL, and studies on Dask.
OPTIONAL = {"pyarrow", "psycopg", "distributed", "prefect_dask"}


@dataclass(frozen=True)
class Built:
    """The two distributions, by what is in them."""

    wheel: Path
    wheel_files: dict[str, bytes]
    sdist: Path
    sdist_files: dict[str, bytes]


def build(source: Path, target: Path, *only: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target), *only]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def wheel_files(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Wheel and source distribution of this tree."""
    target = tmp_path_factory.mktemp("dist")
    build(ROOT, target)
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        top = f"{sdist.name.removesuffix('.tar.gz')}/"
        members = {member.name.removeprefix(top): archive.extractfile(member) for member in archive.getmembers()}
        contents = {name: stream.read() for name, stream in members.items() if stream}
    return Built(wheel, wheel_files(wheel), sdist, contents)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, and the dependencies of this one.

    A .pth file adds a directory, but runs no .pth file in it: the editable install of this tree is out of sight.
    """
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False)
    programs = place / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(built.wheel)], check=True, capture_output=True)
    (packages,) = place.glob("lib/python*/site-packages")
    dependencies = Path(pytest.__file__).parents[1]
    (packages / "dependencies.pth").write_text(f"{dependencies}\n")
    return programs


def tailguard(programs: Path, directory: Path, *words: str | Path) -> str:
    """What a command of the installed program prints, run in a directory away from this tree."""
    done = run(programs, directory, programs / "tailguard", *words)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run(programs: Path, directory: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TAILGUARD", "PYTHON"))}
    environment |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    return subprocess.run(list(map(str, command)), cwd=directory, env=environment, capture_output=True, text=True)


def test_the_wheel_has_the_five_packages_whole_and_nothing_else(built: Built) -> None:
    tops = {name.partition("/")[0] for name in built.wheel_files}
    assert tops == {*PACKAGES, f"tailguard-{PROJECT['version']}.dist-info"}
    there = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in built.wheel_files if ".dist-info/" not in name} == there
    # What is no Python is easily forgotten.
    assert {"reports/templates/report.html.j2", "storage/migrations/script.py.mako"} <= there
    assert f"tailguard-{PROJECT['version']}.dist-info/licenses/LICENSE" in built.wheel_files


def test_the_wheel_declares_what_it_imports(built: Built) -> None:
    distributions = packages_distributions()
    imported = set()
    for name, content in built.wheel_files.items():
        if name.endswith(".py"):
            for node in ast.walk(ast.parse(content)):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
                imported |= {module.partition(".")[0] for module in names}
    imported -= set(sys.stdlib_module_names) | PACKAGES | OPTIONAL
    declared = {re.split(r"[<>=!~\[; ]", line)[0].lower().replace("_", "-") for line in PROJECT["dependencies"]}
    needed = {distributions[module][0].lower().replace("_", "-") for module in imported}
    assert needed <= declared


def test_the_source_distribution_has_what_a_checkout_has(built: Built) -> None:
    files = set(built.sdist_files)
    assert {
        "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml", "requirements.lock",
        "prefect.yaml", "Dockerfile", ".dockerignore", "docs/configuration.md", "docs/methodology.md",
        "tests/test_packaging.py", "tests/flows/test_readme.py", "benchmarks/conftest.py", ".ci/run", "PKG-INFO",
    } <= files  # fmt: skip
    assert {name for name in built.wheel_files if ".dist-info/" not in name} <= files
    assert not [name for name in files if re.search(r"\.(db|pyc|env)$|\.venv|tailguard\.toml", name)]


def test_the_wheel_can_be_built_from_the_source_distribution(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    build(source, tmp_path / "again", "--target", "wheel")
    (again,) = (tmp_path / "again").glob("*.whl")
    assert wheel_files(again) == built.wheel_files


def test_no_file_names_a_place_on_this_machine(built: Built) -> None:
    places = [f"{place}/".encode() for place in (ROOT, Path.home(), Path(sys.prefix))]
    for files in built.wheel_files, built.sdist_files:
        assert [name for name, content in files.items() if any(place in content for place in places)] == []


def test_the_installed_program_runs_anywhere(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "python", "-c", "import flows; print(flows.__file__)").stdout
    assert where.startswith(str(installed.parent))
    assert tailguard(installed, tmp_path, "--version") == f"tailguard {PROJECT['version']}\n"
    help_page = tailguard(installed, tmp_path, "--help")
    assert "Exit codes: 0 done" in help_page
    module = run(installed, tmp_path, "python", "-m", "flows", "--help")
    assert module.stdout.splitlines()[1:] == help_page.splitlines()[1:]
    upgraded = tailguard(installed, tmp_path, "db", "upgrade", "--database", f"sqlite:///{tmp_path / 'x.db'}")
    assert upgraded.startswith("Schema none -> ")
    assert tailguard(installed, tmp_path, "init").startswith("Wrote tailguard.toml")
    assert "tailguard.toml, read." in tailguard(installed, tmp_path, "config", "show")


def test_the_installed_program_computes_and_renders_a_report(installed: Path, tmp_path: Path) -> None:
    market = write_market(tmp_path / "market")
    command = ("run", "--source", "files", "--data-dir", market, "--session", str(LAST), "--dry-run")
    assert "Dry run: nothing was stored or sent." in tailguard(installed, tmp_path, *command)
    assert "<html" in (tmp_path / "tailguard-dry-run" / str(LAST) / "report.html").read_text()


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["tailguard", "rep"], ["report", "replay"]),
        (["tailguard", "report", ""], ["diff", "export", "feed", "list", "open", "schema", "show"]),
        (["tailguard", "config", "show", "--j"], ["--json"]),
    ],
    ids=" ".join,
)
def test_bash_completes_with_the_script_it_is_given(
    installed: Path, tmp_path: Path, typed: list[str], offered: list[str]
) -> None:
    words = " ".join(f"'{word}'" for word in typed)
    script = f"""
        eval "$(tailguard completion bash)"
        complete -p tailguard
        COMP_WORDS=({words}) COMP_CWORD={len(typed) - 1}
        _tailguard_completion tailguard
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = run(installed, tmp_path, "bash", "--norc", "-c", script)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["complete -o nosort -F _tailguard_completion tailguard", *offered]


# The image. No Docker engine is needed, so it is not built here.
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [
    (line.split()[0], line.split(maxsplit=1)[1])
    for line in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
    if line.strip()
]


def test_the_image_runs_the_command_without_privileges_and_knows_no_secret() -> None:
    bases = [argument for name, argument in INSTRUCTIONS if name == "FROM"]
    assert bases == ["python:3.11-slim-bookworm AS build", "python:3.11-slim-bookworm"]
    last = dict(INSTRUCTIONS[next(i for i, item in enumerate(INSTRUCTIONS) if item == ("FROM", bases[1])) :])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert last["ENTRYPOINT"] == '["tailguard"]'
    assert last["VOLUME"] == last["WORKDIR"]
    assert "PYTHONUNBUFFERED=1" in last["ENV"]
    assert not re.search(r"password|secret|token|webhook|TAILGUARD_", " ".join(" ".join(item) for item in INSTRUCTIONS))


def test_the_image_is_built_of_what_is_there_and_of_nothing_else() -> None:
    copied = {
        source
        for name, argument in INSTRUCTIONS
        if name == "COPY" and not argument.startswith("--from")
        for source in argument.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert allowed == copied
    assert copied >= PACKAGES


def test_hadolint_has_nothing_to_say() -> None:
    linter = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
