"""The parts of a study as Prefect tasks: on threads, in processes of their own, or on the workers of a Dask cluster."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from signals.errors import ConfigurationError
from signals.study.plan import Part
from tasks.study.inputs import Question
from tasks.study.run import Outcome, Runner
from tasks.study.runners import THREADS, cpu_count, one_thread_each
from tasks.study.worker import PartFailed, begin_worker, compute_part, hold, let_go

#: A further name of a runner, beside those of `tasks.study.runners`.
DASK = "dask"

#: Hands the data of a question to every worker, and returns what they find them by.
HandOut = Callable[[Question], str]


_part = task(name="study-part", task_run_name="{part.name}", cache_policy=NO_CACHE, persist_result=False)(compute_part)


def prefect_runner(name: str, workers: int | None = None, dask_address: str | None = None) -> Runner:
    """A runner whose parts are Prefect tasks; for use within a flow run.

    Parameters
    ----------
    name : str
        ``processes``, ``threads`` or ``dask``.
    workers : int, optional
        By default as many as processors.
    dask_address : str, optional
        Scheduler of a cluster, whose workers are then used; by default one is started on this machine.

    Raises
    ------
    ConfigurationError
        For Dask, where prefect-dask is not installed.
    """
    count = workers or cpu_count()
    if name == DASK:
        return partial(_run, partial(_on_dask, count, dask_address))
    if name == THREADS:
        return partial(_run, partial(_on_file, partial(ThreadPoolTaskRunner, max_workers=count)))
    return partial(_run, partial(_on_file, partial(_processes, count)))


def _run(begin: Callable[[], Any], question: Question, parts: Sequence[Part]) -> Generator[tuple[Part, Outcome]]:
    futures: dict[Any, Part] = {}
    with begin() as (runner, hand_out):

        def submit(part: Part, data: str | None) -> None:
            parameters = {"part": part, "spec": question.spec, "rule_sets": question.rule_sets, "data": data}
            futures[runner.submit(_part, parameters)] = part

        for part in parts:
            if not part.needs_data:
                submit(part, None)
        if rest := [part for part in parts if part.needs_data]:
            data = hand_out(question)
            for part in rest:
                submit(part, data)
        for future in as_completed(list(futures)):
            yield futures[future], _outcome(future)


def _outcome(future: PrefectFuture[Any]) -> Outcome:
    found = future.result(raise_on_failure=False)
    if isinstance(found, PartFailed):
        return found.failure
    if isinstance(found, BaseException):
        raise found
    return str(found)


def _processes(count: int) -> TaskRunner[Any]:
    return ProcessPoolTaskRunner(max_workers=count, initializer=begin_worker)


@contextmanager
def _on_file(make: Callable[[], TaskRunner[Any]]) -> Iterator[tuple[TaskRunner[Any], HandOut]]:
    """Workers on this machine, who read the data from a file."""
    with TemporaryDirectory(prefix="tailguard-study-") as directory:
        file = Path(directory) / "data.pickle"

        def hand_out(question: Question) -> str:
            file.write_bytes(pickle.dumps(question.data, pickle.HIGHEST_PROTOCOL))
            return str(file)

        with one_thread_each(), make() as runner:
            try:
                yield runner, hand_out
            finally:
                let_go(str(file))


@contextmanager
def _on_dask(count: int, address: str | None) -> Iterator[tuple[TaskRunner[Any], HandOut]]:
    """The workers of a Dask cluster, each of whom gets the data once, whenever it joins."""
    try:
        import distributed
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise ConfigurationError(
            "study runner dask",
            expected="prefect-dask",
            got="no such package",
            do="pip install 'tailguard[dask]', or choose processes or threads.",
        ) from error

    # It tells of every connection.
    logging.getLogger("distributed").setLevel(logging.WARNING)

    class Data(distributed.WorkerPlugin):
        """Holds the data on a worker as long as the study lasts."""

        def __init__(self, key: str, pickled: bytes) -> None:
            self.name, self.key, self.pickled = f"tailguard-study-{key}", key, pickled

        def setup(self, worker: object) -> None:
            hold(self.key, self.pickled)

        def teardown(self, worker: object) -> None:
            let_go(self.key)

    local: dict[str, Any] = {
        "cluster_kwargs": {
            "n_workers": count,
            "threads_per_worker": 1,
            "processes": True,
            "dashboard_address": ":0",
            # Nobody else on this machine may give it work.
            "security": True,
        }
    }
    with DaskTaskRunner(**({"address": address} if address else local)) as runner:
        try:
            client = runner.client
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                "study runner dask",
                expected="a scheduler that answers",
                got=f"none at {address}" if address else "none that could be started",
                do="Check study_dask_address, or choose processes or threads.",
            ) from error
        names: list[str] = []

        def hand_out(question: Question) -> str:
            plugin = Data(question.key, pickle.dumps(question.data, pickle.HIGHEST_PROTOCOL))
            names.append(plugin.name)
            client.register_plugin(plugin)
            return question.key

        try:
            yield runner, hand_out
        finally:
            if address:
                for name in names:
                    client.unregister_worker_plugin(name)
