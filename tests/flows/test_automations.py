"""Alerts of a Prefect server: `automations install|show`, on a real one, and one of them fired."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.cli.automations import AUTOMATIONS, read_automations
from flows.outcomes import STATE_NAMES
from storage.runs import AWAITING_DATA
from tests.conftest import ROOT
from tests.flows.conftest import Tailguard, delete, webhook

pytestmark = pytest.mark.server

FILE = read_automations(AUTOMATIONS)
NAMES = [item["name"] for item in FILE]


@pytest.fixture
def api(prefect_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """The tests' server, without automations and blocks before and after."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)
    with httpx.Client(base_url=prefect_server, timeout=30) as client:
        yield client
    # Prefect's own client asks again where the server is busy.
    with get_client(sync_client=True) as prefect:
        for automation in prefect.read_automations():
            prefect.delete_automation(automation.id)
        for block in prefect.read_block_documents():
            prefect.delete_block_document(block.id)


def ask(api: httpx.Client, path: str, body: object) -> Any:
    return api.post(f"/{path}", json=body).raise_for_status().json()


def installed(api: httpx.Client) -> dict[str, dict[str, Any]]:
    found = ask(api, "automations/filter", {})
    assert len({item["name"] for item in found}) == len(found), "one of each name"
    return {item["name"]: item for item in found}


def notification_block(name: str = "tailguard-alerts", url: str = "http://127.0.0.1:9") -> None:
    CustomWebhookNotificationBlock(
        name="tailguard", url=url, json_data={"text": "{{subject}}\n{{body}}"}
    ).save(name, overwrite=True)  # fmt: skip


def test_installing_twice_leaves_one_of_each_and_a_change_of_the_file_is_taken_over(
    tailguard: Tailguard, api: httpx.Client, tmp_path: Path
) -> None:
    missing = tailguard("automations", "install")
    assert missing.code == 2
    assert "Prefect block tailguard-alerts: expected one notification or webhook block of that name" in missing.err
    assert installed(api) == {}

    notification_block()
    assert tailguard("automations", "show").out.splitlines() == [f"{name}: not installed" for name in NAMES]
    assert tailguard("automations", "install").out.splitlines() == [f"{name}: created" for name in NAMES]
    first = installed(api)
    assert tailguard("automations", "install").out.splitlines() == [f"{name}: as before" for name in NAMES]
    assert installed(api) == first
    shown = tailguard("automations", "show")
    assert (shown.code, shown.out.splitlines()) == (0, [f"{name}: installed" for name in NAMES])

    # Somebody pauses one, and the file changes.
    paused = first[NAMES[0]]["id"]
    api.patch(f"/automations/{paused}", json={"enabled": False}).raise_for_status()
    other = tmp_path / "automations.yaml"
    other.write_text(AUTOMATIONS.read_text().replace("within: 0", "within: 60"))
    rows = json.loads(tailguard("automations", "show", "--file", other, "--json").out)
    assert rows[0] == {"name": NAMES[0], "state": "differs", "paused": True}
    assert f"{NAMES[0]}: updated" in tailguard("automations", "install", "--file", other).out
    now_there = installed(api)[NAMES[0]]
    assert (now_there["id"], now_there["enabled"], now_there["trigger"]["within"]) == (paused, False, 60.0)
    assert tailguard("automations", "show", "--file", other).code == 1, "a paused alert is none"


def test_a_run_that_fails_reaches_the_channel_and_one_of_somebody_else_does_not(
    tailguard: Tailguard, api: httpx.Client
) -> None:
    with webhook() as channel:
        Webhook(url=channel.address).save("desk", overwrite=True)
        assert tailguard("automations", "install", "--block", "desk").code == 0
        message, keys = 'session 2026-11-20: expected "all",\ngot a part', []
        for name in ("daily-of-somebody", "daily-after-close"):
            flow = ask(api, "flows/", {"name": f"alerts-{name}"})["id"]
            keys.append(ask(api, "deployments/", {"name": name, "flow_id": flow})["id"])
        # The server takes notice of new automations in the background.
        for _ in range(30):
            for key in keys:
                run = ask(api, f"deployments/{key}/create_flow_run", {"state": {"type": "PENDING"}})["id"]
                state = {"type": "FAILED", "name": "Failed", "message": message}
                ask(api, f"flow_runs/{run}/set_state", {"state": state, "force": True})
            if channel.wait(1, seconds=1):
                break
        for key in keys:
            delete(f"{api.base_url}deployments/{key}")
    assert {post["subject"] for post in channel.posts} == {"tailguard: daily-after-close ended Failed"}
    assert channel.posts[0]["body"].startswith(message)


def test_the_names_of_states_and_deployments_are_those_of_the_flows() -> None:
    by_name = {item["name"]: item["trigger"] for item in FILE}
    done = {f"prefect.flow-run.{name}" for outcome, name in STATE_NAMES.items() if outcome != AWAITING_DATA}
    assert set(by_name["tailguard: no signal for long"]["expect"]) == done
    deployments = {each["name"] for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    watched = [trigger["match_related"]["prefect.resource.name"] for trigger in by_name.values()]
    named = {name for item in watched for name in ([item] if isinstance(item, str) else item)}
    assert named == deployments


@pytest.mark.parametrize(
    "content",
    ["automations: 3", "automations: [{}]", "a: [", "automations: [{name: a, actions: [{type: do-nothing}]}]"],
)
def test_a_file_that_is_none_is_refused(
    tailguard: Tailguard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "mine.yaml").write_text(content)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    ended = tailguard("automations", "install", "--file", tmp_path / "mine.yaml")
    assert ended.code == 2
    assert "automations mine.yaml: expected a YAML list of Prefect automations" in ended.err


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://127.0.0.1:9/api", "Prefect server 127.0.0.1:9 (environment): expected an answer"), ("", "got none")],
)
def test_a_server_that_is_not_there_is_named(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, said: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", url)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "none.toml"))
    with temporary_settings({PREFECT_API_URL: url or None}):
        ended = tailguard("automations", "install")
    assert ended.code == 2
    assert said in ended.err
