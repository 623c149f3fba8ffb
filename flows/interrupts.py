"""Signals: what has begun is finished first, where half of it would be worse than none."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

_Result = TypeVar("_Result")


def finished_first(work: Callable[[], _Result]) -> _Result:
    """Call `work` and let it come to its end, also when a signal arrives meanwhile.

    Ctrl-C, and the signal with which Prefect cancels a run, interrupt the main thread of a process between any two
    instructions. The work is done on another thread; what the signal raised is raised when the work has ended. A second
    signal does not wait for it.
    """
    ended: Future[_Result] = Future()
    context = copy_context()

    def do() -> None:
        try:
            ended.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            ended.set_exception(error)

    thread = Thread(target=do, name="finished-first")
    try:
        thread.start()
        thread.join()
    except BaseException:
        if thread.ident is not None:
            thread.join()
        raise
    return ended.result()
