"""``tailguard review``, when it refuses to start; and ``report export`` into a pipe that nobody reads."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from storage.engine import open_engine
from tests.flows.conftest import Tailguard
from tests.storage.conftest import add_reports, new_report

pytestmark = pytest.mark.server

TOKEN = "correct-horse-battery-staple"  # noqa: S105 - known to this test only


@pytest.mark.parametrize(
    ("address", "words", "refused"),
    [
        ("https://tailguard.example.com", [], "expected a token, as others can reach that address"),
        ("http://10.0.0.7:8321", [], "expected a token, as others can reach that address"),
        ("https://tailguard.example.com", ["--no-token", "--host", "10.0.0.7"], "--host 10.0.0.7: expected a token"),
        ("https://tailguard.example.com", ["--no-token", "--token-file", "token"], "expected no --token-file with it"),
        ("http://localhost:8321", ["--token-file", "token"], "nobody else can read, got one that everybody"),
        ("http://localhost:8321", ["--token-file", "absent"], "expected a file of text, got No such file"),
    ],
)
def test_it_does_not_start_where_strangers_could_read(
    tailguard: Tailguard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, words: list[str], refused: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAILGUARD_REVIEW_URL", address)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o644)
    ended = tailguard("review", *words)
    assert ended.code == 2
    assert refused in " ".join(ended.err.split())


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://tailguard.example.com", ["--no-token"]),
        ("https://tailguard.example.com", ["--token-file", "token"]),
        ("http://localhost:8321", []),
    ],
)
def test_it_goes_on_to_the_port_where_none_can(
    tailguard: Tailguard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAILGUARD_REVIEW_URL", address)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = tailguard("review", "--port", str(taken.getsockname()[1]), *words)
    assert ended.code == 2
    assert "expected one that this program may listen on" in " ".join(ended.err.split())


def test_a_reader_who_has_enough_is_no_failure(tmp_path: Path, sqlite_with_schema: bytes) -> None:
    (tmp_path / "tailguard.db").write_bytes(sqlite_with_schema)
    engine = open_engine(f"sqlite:///{tmp_path / 'tailguard.db'}")
    add_reports(engine, new_report())
    engine.dispose()
    command = [sys.executable, "-m", "flows", "report", "export"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as export:
        assert export.stdout
        assert export.stderr
        export.stdout.close()
        assert (export.stderr.read(), export.wait(60)) == ("", 0)
