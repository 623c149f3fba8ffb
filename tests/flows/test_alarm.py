"""What tells people without a run: ops/alarm.sh, with a real webhook and mail server, and the block for alerts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.flows.conftest import Mailbox, webhook

pytestmark = pytest.mark.server


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_alarm_reaches_the_channel_without_showing_its_address(tmp_path: Path) -> None:
    script = ROOT / "ops" / "alarm.sh"
    with webhook() as channel:
        environment = dict(os.environ) | {"TAILGUARD_SLACK_WEBHOOK_URL": channel.address}
        done = subprocess.run([script, "tailguard-deadman.service"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (post,) = channel.posts
    assert post["text"].startswith("tailguard: tailguard-deadman.service failed on ")
    # The shell itself prints it into a pipe: it is an argument of no program.
    (line,) = [line for line in script.read_text().splitlines() if '"$TAILGUARD_SLACK_WEBHOOK_URL"' in line]
    assert line.strip().startswith("option ")
    assert "| curl --config -" in line


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_alarm_reaches_recipients_by_mail_alone(mailbox: Mailbox) -> None:
    done = subprocess.run([ROOT / "ops" / "alarm.sh", "test"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (body,) = mailbox.bodies
    lines = body.decode().split("\r\n")
    assert lines[:3] == [
        "From: <tailguard@example.com>",
        "To: <desk@example.com>, <risk@example.com>",
        "Subject: tailguard: test failed",
    ]
    assert lines[5].startswith("tailguard: test failed on ")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "alarm.sh: nobody was told that test failed. Set TAILGUARD_SLACK_WEBHOOK_URL, or "),
        (
            "prefect-secret:hook",
            "alarm.sh: TAILGUARD_SLACK_WEBHOOK_URL names a block of Prefect, which an alarm cannot",
        ),
        ("http://127.0.0.1:9/hook", "alarm.sh: the webhook of TAILGUARD_SLACK_WEBHOOK_URL did not take the alarm."),
    ],
)
def test_an_alarm_that_reaches_nobody_fails_with_a_sentence(address: str, said: str) -> None:
    environment = dict(os.environ) | {"TAILGUARD_SLACK_WEBHOOK_URL": address}
    done = subprocess.run([ROOT / "ops" / "alarm.sh", "test"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert said in done.stderr
    assert "try it with: systemctl start tailguard-alarm@test" in done.stderr


def test_a_block_for_alerts_wants_an_address(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAILGUARD_")}
    done = subprocess.run(
        [sys.executable, ROOT / "ops" / "alert_block.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("slack_webhook_url: expected the address of a webhook")
