"""Where the parts of a study are computed: in this process, on its threads, or in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from signals.errors import TailguardError
from signals.study.plan import Part, outcome_of
from tasks.study.run import Outcome, Runner, as_json
from tasks.study.worker import begin_worker, data_named

if TYPE_CHECKING:
    from signals.alvh.rules import RuleSet
    from signals.study.data import StudyData
    from signals.study.spec import StudySpec
    from tasks.study.inputs import Question

#: Libraries of linear algebra would start threads of their own in every worker.
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

PROCESSES, THREADS, SERIAL = "processes", "threads", "serial"


class StudyStopped(TailguardError):
    """A worker is gone, and with it the part it was at."""


def cpu_count() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def local_runner(name: str, workers: int | None = None) -> Runner:
    """The runner of a name: `PROCESSES`, `THREADS` or `SERIAL`; by default as many workers as processors."""
    count = workers or cpu_count()
    if name == SERIAL or count == 1:
        return serial
    return partial(processes if name == PROCESSES else threads, count)


def serial(question: Question, parts: Sequence[Part]) -> Generator[tuple[Part, Outcome]]:
    """One part after the other, here."""
    for part in parts:
        data = question.data if part.needs_data else None
        yield part, as_json(outcome_of(part, question.spec, question.rule_sets, data))


def threads(workers: int, question: Question, parts: Sequence[Part]) -> Generator[tuple[Part, Outcome]]:
    """On threads of this process; they wait for each other wherever Python and not numpy is at work."""

    def work(part: Part, data: StudyData | None) -> Outcome:
        return as_json(outcome_of(part, question.spec, question.rule_sets, data))

    pool = ThreadPoolExecutor(workers, thread_name_prefix="study")
    try:
        futures = {pool.submit(work, part, None): part for part in parts if not part.needs_data}
        rest = [part for part in parts if part.needs_data]
        data = question.data if rest else None
        futures |= {pool.submit(work, part, data): part for part in rest}
        yield from _completed(futures)
    finally:
        pool.shutdown(cancel_futures=True)


def processes(workers: int, question: Question, parts: Sequence[Part]) -> Generator[tuple[Part, Outcome]]:
    """In processes of their own, which are started anew and read the data from a file, once each.

    Raises
    ------
    StudyStopped
        When a worker ends before its work does.
    """
    others = set(multiprocessing.active_children())
    with TemporaryDirectory(prefix="tailguard-study-") as directory, one_thread_each():
        asked, file = (question.spec, question.rule_sets), Path(directory) / "data.pickle"
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(min(workers, len(parts)) or 1, context, _begin, asked)
        try:
            with _interrupts_wait():
                futures = {pool.submit(_work, part, None): part for part in parts if not part.needs_data}
            if rest := [part for part in parts if part.needs_data]:
                file.write_bytes(pickle.dumps(question.data, pickle.HIGHEST_PROTOCOL))
                with _interrupts_wait():
                    futures |= {pool.submit(_work, part, str(file)): part for part in rest}
            yield from _completed(futures)
        except BrokenProcessPool as error:
            raise StudyStopped(
                "study",
                expected="workers that end when their work is done",
                got="one that something else ended, the system perhaps, as memory was short",
                do="What was done is kept: run it again to go on, with fewer --workers.",
            ) from error
        except BaseException:
            # What they are at would be for nothing.
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _completed(futures: dict[Future[Outcome], Part]) -> Generator[tuple[Part, Outcome]]:
    for future in as_completed(futures):
        yield futures[future], future.result()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Keep Ctrl-C from this thread, and for good from processes that are started in here."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Have processes that are started in here use one thread each; a variable that somebody has set stays."""
    added = [name for name in ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


#: What a worker process is to compute with, set when it starts.
_asked: list[tuple[StudySpec, tuple[RuleSet, ...]]] = []


def _begin(spec: StudySpec, rule_sets: tuple[RuleSet, ...]) -> None:
    begin_worker()
    _asked[:] = [(spec, rule_sets)]


def _work(part: Part, file: str | None) -> Outcome:
    spec, rule_sets = _asked[0]
    return as_json(outcome_of(part, spec, rule_sets, None if file is None else data_named(file)))
