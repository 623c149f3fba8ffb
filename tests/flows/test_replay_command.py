"""The command that stands in for the publishers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tasks.replay.faults import KINDS
from tests.flows.conftest import Tailguard


@pytest.mark.server
def test_it_prints_the_settings_and_serves_until_it_is_interrupted(data_dir: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [Path(sys.executable).parent / "tailguard", "replay", "--data-dir", data_dir]
    command += ["--at", "2020-03-16T18:45", "--port", "0", "--fault", "503:cboe-web:2020-03-16:1"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAILGUARD_")}
    served = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert served.stdout
    assert served.stderr
    try:
        lines = [served.stdout.readline() for _ in range(9)]
        settings = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        assert settings["TAILGUARD_CLOCK"] == "2020-03-16T22:45:00+00:00"
        assert max(map(len, lines)) <= 80
        # What it writes is kept apart from what is real.
        assert settings["TAILGUARD_SOURCE"] == "live"
        assert settings["TAILGUARD_DATABASE_URL"] == "sqlite:///replay-2020-03-16.db"
        assert re.fullmatch(
            r"Serving 2020-03-16 18:45 New York on http://127\.0\.0\.1:\d+\. Ctrl-C ends it\.\n",
            served.stderr.readline(),
        )
        said = "".join(served.stderr.readline() for _ in range(3))
        assert "Fault: 503 from cboe-web for 2020-03-16, 1 times." in said
        assert "To end a rehearsal: unset TAILGUARD_SOURCE TAILGUARD_DATABASE_URL" in said
        sheet = settings["TAILGUARD_CBOE_WEB_URL"] + "/us/futures/market_statistics/settlement/csv/?dt=2020-03-16"
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(sheet)  # noqa: S310 - the server of this test
        with urllib.request.urlopen(sheet) as answer:  # noqa: S310
            assert answer.read() == (data_dir / "cboe/futures/settlement/2020-03-16.csv").read_bytes()
    finally:
        served.send_signal(signal.SIGINT)
        out, err = served.communicate(timeout=10)
    assert (served.returncode, out) == (130, "")
    assert err.strip().endswith("Stopped.")


def test_every_fault_is_listed(tailguard: Tailguard) -> None:
    listed = tailguard("replay", "--list-faults")
    assert (listed.code, listed.err) == (0, "")
    assert set(re.findall(r"^([a-z0-9][a-z0-9-]*)  ", listed.out, re.MULTILINE)) == set(KINDS)
    assert max(map(len, listed.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data-dir", "."], "Missing option '--at'"),
        (["--at", "2020-03-16T18:45"], "data directory: expected a directory of recorded files, got none"),
        (["--at", "2020-03-16T18:45", "--data-dir", "absent"], "data directory absent: expected"),
        (["--at", "soon", "--data-dir", "."], "--at: expected an instant such as 2020-03-16T18:45"),
        (["--at", "2020-03-16", "--data-dir", ".", "--fault", "typo:cboe:*"], "fault typo: expected one of 429"),
        (["--at", "2020-03-16", "--data-dir", ".", "--port", "70000"], "70000 is not in the range"),
    ],
)
def test_wrong_usage_is_explained(tailguard: Tailguard, arguments: list[str], said: str) -> None:
    ended = tailguard("replay", *arguments)
    assert ended.code == 2
    assert said in ended.err


def test_a_port_in_use_is_explained(tailguard: Tailguard, made_up_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = tailguard("replay", "--data-dir", made_up_dir, "--at", "2006-01-03T20:00", "--port", port)
    assert ended.code == 2
    assert f"port {port}: expected a port that is free, got one that another program listens on" in ended.err
