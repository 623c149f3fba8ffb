"""The Prefect server: whether it answers, and whether it has our deployments. Prefect itself is not imported."""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tasks.doctor.findings import FAIL, OK, WARN, Finding

logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

#: The deployments of prefect.yaml, and whether each has schedules.
DEPLOYMENTS = {"daily-after-close": True, "health-check": True, "backfill-manual": False, "study-manual": False}

_SECONDS = 3.0
_NOT_FOUND = 404

_DEPLOY = "`prefect deploy --all` in the directory of prefect.yaml creates and updates them."
_RESUME = "Resume it on the server's page, or with `prefect deployment schedule resume`."
_SCHEDULER = "A server that has just started needs a minute; later, its log says why its scheduler makes no runs."
_WORKER = "`prefect worker start --pool tailguard` starts one, where runs shall take place."


@dataclass(frozen=True)
class PrefectServer:
    """How to reach it.

    Attributes
    ----------
    url : str
        Of its API, without a slash at the end.
    key, auth : str
        For Prefect Cloud, and ``user:password`` for a server that wants one; empty for none.
    origin : str
        Where the address was found.
    """

    url: str
    origin: str
    key: str = field(default="", repr=False)
    auth: str = field(default="", repr=False)


def configured_server(environment: Mapping[str, str] = os.environ) -> PrefectServer | None:
    """The server that Prefect would use: of the environment, else of its active profile; None for a temporary one."""
    profile, name = _profile(environment)
    values = profile | {name: value for name, value in environment.items() if name.startswith("PREFECT_API_")}
    url = values.get("PREFECT_API_URL", "").rstrip("/")
    if not url:
        return None
    origin = "environment" if environment.get("PREFECT_API_URL") else f"profile {name}"
    return PrefectServer(url, origin, values.get("PREFECT_API_KEY", ""), values.get("PREFECT_API_AUTH_STRING", ""))


def _profile(environment: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The settings of the active profile, and its name."""
    home = Path(environment.get("PREFECT_HOME") or "~/.prefect").expanduser()
    path = Path(environment.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}, ""
    name = str(environment.get("PREFECT_PROFILE") or content.get("active", ""))
    profiles = content.get("profiles", {})
    found = profiles.get(name, {}) if isinstance(profiles, dict) else {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}, name


def prefect(server: PrefectServer | None) -> list[Finding]:
    """Whether the server answers and has the deployments."""
    if server is None:
        return [Finding("Prefect", OK, "no server is set: each run starts a temporary one, and nothing is scheduled")]
    host = urlsplit(server.url).netloc.rpartition("@")[2]
    headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
    auth = httpx.BasicAuth(*server.auth.partition(":")[::2]) if server.auth else None
    with httpx.Client(headers=headers, auth=auth, timeout=_SECONDS) as client:
        try:
            client.get(f"{server.url}/health").raise_for_status()
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            do = "Check PREFECT_API_URL, which ends in /api, and PREFECT_API_KEY or PREFECT_API_AUTH_STRING."
            return [Finding("Prefect", FAIL, f"{host} ({server.origin}): HTTP {status}", do)]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = "no answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__
            do = "Start it (`prefect server start`), or check PREFECT_API_URL: runs cannot start without it."
            return [Finding("Prefect", FAIL, f"{host} ({server.origin}): {said}", do)]
        found = f"{host} ({server.origin}) answers{_version(client, server.url)}"
        return [Finding("Prefect", OK, found), _deployments(client, server.url)]


def _version(client: httpx.Client, url: str) -> str:
    answer = client.get(f"{url}/admin/version")
    return f", version {answer.json()}" if answer.is_success else ""


def _deployments(client: httpx.Client, url: str) -> Finding:
    wanted = {"deployments": {"name": {"any_": list(DEPLOYMENTS)}}}
    answer = client.post(f"{url}/deployments/filter", json=wanted)
    if not answer.is_success:
        return Finding("deployments", FAIL, f"HTTP {answer.status_code}", "Check what this key may read.")
    found: dict[str, dict[str, Any]] = {item["name"]: item for item in answer.json()}
    scheduled = [name for name, has_schedules in DEPLOYMENTS.items() if has_schedules]
    absent = [name for name in DEPLOYMENTS if name not in found]
    paused = [name for name in scheduled if name in found and found[name].get("paused")]
    inactive = [name for name in scheduled if name in found and not paused and not _active(found[name])]
    idle = [name for name in scheduled if name in found and found[name].get("status") == "NOT_READY"]
    active = [name for name in scheduled if name in found and not found[name].get("paused") and _active(found[name])]
    problems = (
        ("not there", absent, _DEPLOY),
        ("paused", paused, _RESUME),
        ("no active schedule", inactive, _DEPLOY),
        ("schedules, and no run ahead", [name for name in active if not _ahead(client, url, found[name])], _SCHEDULER),
        ("no worker looks for its runs", idle, _WORKER),
    )
    wrong = [(f"{said}: {', '.join(names)}", do) for said, names, do in problems if names]
    if wrong:
        advice = " ".join(dict.fromkeys(do for _, do in wrong))
        return Finding("deployments", WARN, "; ".join(said for said, _ in wrong), advice)
    schedules = sum(len(_active(found[name])) for name in scheduled)
    return Finding("deployments", OK, f"{', '.join(DEPLOYMENTS)}; {schedules} active schedules")


def _ahead(client: httpx.Client, url: str, deployment: Mapping[str, Any]) -> int:
    """How many runs of a deployment the server has scheduled: schedules alone start nothing."""
    wanted = {
        "deployments": {"id": {"any_": [deployment["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    return int(client.post(f"{url}/flow_runs/count", json=wanted).raise_for_status().json())


def _active(deployment: Mapping[str, Any]) -> list[Any]:
    return [schedule for schedule in deployment.get("schedules") or [] if schedule.get("active")]
