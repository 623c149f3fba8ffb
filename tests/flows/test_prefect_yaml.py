from __future__ import annotations

import importlib.util
import sys
from typing import Any

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule

from tasks.schedule import ATTEMPTS
from tests.conftest import ROOT

pytestmark = pytest.mark.server

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
BY_NAME = {deployment["name"]: deployment for deployment in DEPLOYMENTS}


def flow_of(deployment: dict[str, Any]) -> Any:
    path, _, name = deployment["entrypoint"].partition(":")
    spec = importlib.util.spec_from_file_location(f"entrypoint_{name}", ROOT / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, name)


def test_names_and_schedules() -> None:
    assert {name: [schedule["cron"] for schedule in item["schedules"]] for name, item in BY_NAME.items()} == {
        "daily-after-close": ["45 18 * * 1-5", "30 20 * * 1-5", "20 0 * * 2-6", "30 7 * * 2-6", "30 9-14 * * 1-5"],
        "backfill-manual": [],
    }


def test_every_schedule_is_in_new_york_time() -> None:
    zones = {schedule["timezone"] for item in DEPLOYMENTS for schedule in item["schedules"]}
    assert zones == {"America/New_York"}


def test_the_crons_are_the_attempts_the_product_announces() -> None:
    expected = {(day, hour, minute) for days, hour, minute in ATTEMPTS for day in days}
    found = set()
    for schedule in BY_NAME["daily-after-close"]["schedules"]:
        cron = CronSchedule(**schedule).cron
        minute, hours, _, _, days = cron.split()
        first_hour, _, last_hour = hours.partition("-")
        first_day, last_day = map(int, days.split("-"))
        for hour in range(int(first_hour), int(last_hour or first_hour) + 1):
            found |= {(day - 1, hour, int(minute)) for day in range(first_day, last_day + 1)}
    assert found == expected


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=list(BY_NAME))
def test_every_entrypoint_is_a_flow_that_takes_its_parameters(deployment: dict[str, Any]) -> None:
    found = flow_of(deployment)
    required = {"start": "2020-01-02", "end": "2020-01-03"} if deployment["name"] == "backfill-manual" else {}
    found.validate_parameters({**required, **deployment["parameters"]})
    assert set(deployment["parameters"]) <= set(found.parameters.properties)


def test_only_one_run_of_a_deployment_at_a_time() -> None:
    assert {item["concurrency_limit"]["limit"] for item in DEPLOYMENTS} == {1}
