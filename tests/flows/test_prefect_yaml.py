"""prefect.yaml: every entry loads, and says what the product announces."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from tasks.schedule import ATTEMPTS
from tests.conftest import ROOT

pytestmark = pytest.mark.server

PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS: list[dict[str, Any]] = PROJECT["deployments"]
BY_NAME = {deployment["name"]: deployment for deployment in DEPLOYMENTS}
EACH = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=list(BY_NAME))

#: What a person has to say who starts a run by hand.
RANGE = {"start": "2020-01-02", "end": "2020-01-03"}
ASKED_FOR = {"backfill-manual": RANGE}


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    return load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)


def test_names_crons_and_tags() -> None:
    found = {
        name: ([schedule["cron"] for schedule in item["schedules"]], item["tags"]) for name, item in BY_NAME.items()
    }
    assert found == {
        "daily-after-close": (
            ["45 18 * * 1-5", "30 20 * * 1-5", "20 0 * * 2-6", "30 7 * * 2-6", "30 9-14 * * 1-5"],
            ["tailguard", "daily"],
        ),
        "health-check": (["7-59/15 * * * *"], ["tailguard", "health"]),
        "backfill-manual": ([], ["tailguard", "backfill"]),
        "study-manual": ([], ["tailguard", "study"]),
    }


def test_every_schedule_is_valid_in_new_york_time_and_has_a_name_of_its_own() -> None:
    for deployment in DEPLOYMENTS:
        for schedule in deployment["schedules"]:
            assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).timezone == "America/New_York"
        slugs = [schedule["slug"] for schedule in deployment["schedules"]]
        assert len(set(slugs)) == len(slugs)


def test_the_crons_are_the_attempts_the_product_announces() -> None:
    expected = {(day, hour, minute) for days, hour, minute in ATTEMPTS for day in days}
    found = set()
    for schedule in BY_NAME["daily-after-close"]["schedules"]:
        minute, hours, _, _, days = schedule["cron"].split()
        first_hour, _, last_hour = hours.partition("-")
        first_day, last_day = map(int, days.split("-"))
        for hour in range(int(first_hour), int(last_hour or first_hour) + 1):
            found |= {(day - 1, hour, int(minute)) for day in range(first_day, last_day + 1)}
    assert found == expected


@EACH
def test_every_entrypoint_is_a_flow_that_takes_its_parameters(deployment: dict[str, Any]) -> None:
    found = flow_of(deployment)
    assert isinstance(found, Flow)
    found.validate_parameters({**ASKED_FOR.get(deployment["name"], {}), **deployment["parameters"]})
    assert set(deployment["parameters"]) <= set(found.parameters.properties)


@EACH
def test_a_form_explains_every_parameter_and_asks_for_what_is_needed_only(deployment: dict[str, Any]) -> None:
    schema = parameter_schema(flow_of(deployment))
    assert all(item.get("description") for item in schema.properties.values()), schema.properties
    assert set(schema.required) == set(ASKED_FOR.get(deployment["name"], {}))


@EACH
def test_each_runs_in_the_directory_of_the_deployment_by_a_process_worker(deployment: dict[str, Any]) -> None:
    # A slot that a killed run left taken would keep scheduled runs away; tests/flows/test_operations.py kills some.
    limit = {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert deployment.get("concurrency_limit") == (None if deployment["schedules"] else limit)
    assert deployment["work_pool"]["name"] == "tailguard"
    assert deployment["work_pool"]["job_variables"] == {"env": {"PYTHONSAFEPATH": "1"}}
    # How it is filled in is executed by tests/flows/test_operations.py.
    assert PROJECT["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "{{ here.stdout }}"}}]
    assert not {"pull", "build", "push"} & set(deployment)
