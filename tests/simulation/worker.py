"""A process that runs the product, itself or in a child that may be killed at a point of the run.

``python -m tests.simulation.worker`` imports everything once and then takes requests, one JSON document a line, from
its standard input. It is single-threaded, so that a child may be forked from it at any time, and it checks that. A
child costs a few milliseconds, starts where every other one started, and therefore goes through the same points.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import os
import resource
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.utilities.annotations import quote

import flows.backfill
import flows.daily
import storage.engine
from flows.cli.main import main
from flows.wiring import Services
from signals.errors import TailguardError
from tasks.sources.payload import Source
from tests.simulation.points import Points
from tests.simulation.publishers import Plan, Publishers

PREFIX = "TAILGUARD_"

#: A writer that waits for a lock gives up after so long; the product's half a minute would be waited for in each test.
PATIENCE_SECONDS = 1.0

Request = dict[str, Any]
Reply = dict[str, Any]

_CALL = Task.__call__


def _without_engine(task: Any, *arguments: Any, **options: Any) -> Any:
    """Call the function of a task, as Prefect's engine would."""
    plain = [item.unwrap() if isinstance(item, quote) else item for item in arguments]
    return task.fn(*plain, **options)


def daily(request: Request) -> Reply:
    """The body of the daily flow."""
    return _body(flows.daily.daily, {}, request)


def flow(_request: Request) -> Reply:
    """The daily flow, by Prefect's engine."""
    Task.__call__ = _CALL  # type: ignore[method-assign, assignment]
    state = flows.daily.daily(return_state=True)
    return {"state": state.name, "message": state.message}


def backfill(request: Request) -> Reply:
    """The body of the backfill flow."""
    return _body(flows.backfill.backfill, request["parameters"], request)


def _body(of: Any, parameters: dict[str, Any], request: Request) -> Reply:
    """Run the function of a flow, from the publishers of a plan if there is one."""
    usual = Services.source
    if "plan" in request:

        def planned(work: Services, *_asked: object, **_options: object) -> Source:
            return Publishers(request["seed"], Plan(**request["plan"]), work.clock, work.calendar, request["whole"])

        Services.source = planned  # type: ignore[method-assign, assignment]
    try:
        state = of.fn(**of.validate_parameters(parameters))
    finally:
        Services.source = usual  # type: ignore[method-assign]
    return {"state": state.name, "message": state.message}


def command(request: Request) -> Reply:
    """The command line; what it prints goes to a file."""
    sys.argv = ["tailguard", *request["arguments"]]
    with Path(request["output"]).open("w") as output:
        sys.stdout = output
        try:
            main()
        except SystemExit as ended:
            return {"code": ended.code or 0}
        finally:
            sys.stdout = sys.__stdout__
    raise AssertionError("a command ends with an exit code")


TASKS: dict[str, Callable[[Request], Reply]] = {
    "daily": daily,
    "flow": flow,
    "backfill": backfill,
    "command": command,
}


def perform(request: Request) -> Reply:
    """Do what a request asks for, in its environment."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(request["settings"])
    try:
        return {"ended": "well"} | TASKS[request["task"]](request)
    except Exception as error:  # noqa: BLE001 - how a run ends is what the tests are about
        known = isinstance(error, TailguardError)
        return {"ended": type(error).__name__, "known": known, "message": str(error), "where": traceback.format_exc()}


def in_child(request: Request, started: Callable[[int], None]) -> Reply:
    """Fork, let the child do it, and tell how it ended."""
    assert threading.active_count() == 1, threading.enumerate()
    if not gc.get_freeze_count():
        # What every run needs is there now; it will not be looked at again, and copied, in the children.
        gc.collect()
        gc.freeze()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        code = 1
        try:
            points = Points(request.get("die_at"), request.get("watched", ""))
            points.install()
            if limit := request.get("largest_file"):
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            reply = perform(request) | {"points": points.passed}
            with os.fdopen(writing, "w") as pipe:
                json.dump(reply, pipe)
            code = 0
        except BaseException:  # noqa: BLE001 - nothing of the child may go on in the code of its parent
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    started(child)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    signal_number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if signal_number:
        return {"ended": "killed", "signal": signal_number}
    if os.WEXITSTATUS(status):
        return {"ended": "broken", "message": f"exit status {os.WEXITSTATUS(status)}"}
    return dict(json.loads(told))


def memory_bytes() -> int:
    """What this process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def serve() -> None:
    """Answer requests until there are no more."""
    faulthandler.enable()
    # Loaded with the first mail that has charts, and then for good: not in the middle of what is measured.
    importlib.import_module("reports.charts.draw")
    out = os.fdopen(os.dup(1), "w")
    # What others print must not come between the replies.
    os.dup2(2, 1)

    def say(reply: Reply) -> None:
        print(json.dumps(reply), file=out, flush=True)

    Task.__call__ = _without_engine  # type: ignore[method-assign, assignment]
    storage.engine.BUSY_TIMEOUT_SECONDS = PATIENCE_SECONDS  # type: ignore[assignment]
    for line in sys.stdin:
        request = json.loads(line)
        reply = in_child(request, lambda child: say({"child": child})) if request["fork"] else perform(request)
        say(reply | {"memory": memory_bytes()})


if __name__ == "__main__":
    serve()
