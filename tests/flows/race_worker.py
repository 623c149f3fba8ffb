"""Runs the bodies of flows at the same instant, each in a process of its own, without Prefect.

It reads a line of JSON for each race: what each process runs. It answers with a line: how each ended. All that is to be
imported is, before there is a second process.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import traceback
from typing import Any

from prefect import Task
from prefect.utilities.annotations import quote

from flows.backfill import backfill
from flows.daily import daily
from flows.ranges import Mode


def _without_engine(task: Any, *arguments: Any, **options: Any) -> Any:
    """Call the function of a task, as Prefect's engine would."""
    return task.fn(*(item.unwrap() if isinstance(item, quote) else item for item in arguments), **options)


def run(flow: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Run the body of a flow; says how it ended."""
    if flow == "daily":
        result = daily.fn(**parameters).data
        outcomes = [item.outcome for item in (result.outcome, *result.others)]
    else:
        days = {name: dt.date.fromisoformat(parameters.pop(name)) for name in ("start", "end")}
        result = backfill.fn(**days, **parameters | {"mode": Mode(parameters.get("mode", "missing"))}).data
        outcomes = [outcome for outcome, count in result.outcomes.items() for _ in range(count)]
    return {"outcomes": outcomes, "sent": result.delivery.sent, "problems": result.delivery.problems}


def child(order: dict[str, Any], start: int, answer: int) -> None:
    """Be one of the processes of a race."""
    os.environ.update(order["settings"])
    os.read(start, 1)
    try:
        ended = run(order["flow"], order["parameters"])
    except BaseException:  # noqa: BLE001 - for the test to show
        ended = {"error": traceback.format_exc()}
    with os.fdopen(answer, "w") as pipe:
        json.dump(ended, pipe)


def race(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fork a process for each order and let them go together."""
    start, go = os.pipe()
    answers, children = [], []
    for order in orders:
        read, write = os.pipe()
        process = os.fork()
        if not process:
            child(order, start, write)
            os._exit(0)
        os.close(write)
        answers.append(read)
        children.append(process)
    os.write(go, b"." * len(orders))
    ended = []
    for answer in answers:
        with os.fdopen(answer) as pipe:
            ended.append(json.loads(pipe.read() or '{"error": "died"}'))
    for process in children:
        os.waitpid(process, 0)
    os.close(start)
    os.close(go)
    return ended


if __name__ == "__main__":
    Task.__call__ = _without_engine  # type: ignore[method-assign]
    sys.stdout.write(json.dumps("ready") + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(race(json.loads(line))) + "\n")
        sys.stdout.flush()
