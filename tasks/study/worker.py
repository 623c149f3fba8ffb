"""What a worker of a study holds: the data, by a name or by the file it reads them from."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from signals.alvh.rules import RuleSet
from signals.study.data import StudyData
from signals.study.plan import Part, outcome_of
from signals.study.result import Failure
from signals.study.spec import StudySpec

_held: dict[str, StudyData] = {}


def begin_worker() -> None:
    """Start a worker process: Ctrl-C is for the process that started it, and it does not outlive that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def hold(name: str, pickled: bytes) -> None:
    """Hold data under a name."""
    data: StudyData = pickle.loads(pickled)  # noqa: S301 - of whoever started this worker
    _held[name] = data


def let_go(name: str) -> None:
    """Hold them no longer."""
    _held.pop(name, None)


def data_named(name: str) -> StudyData:
    """The data held under a name, or in a file, which is read once."""
    if name not in _held:
        hold(name, Path(name).read_bytes())
    return _held[name]


class PartFailed(Exception):
    """A part of a study came to nothing: its task fails, the study goes on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return f"{self.failure.part}: {self.failure.why}"


def compute_part(part: Part, spec: StudySpec, rule_sets: Sequence[RuleSet], data: str | None) -> str:
    """Compute a part of a study, as JSON; `data` is what this worker finds the data by, None where it needs none.

    Raises
    ------
    PartFailed
        When nothing comes of it.
    """
    outcome = outcome_of(part, spec, rule_sets, None if data is None else data_named(data))
    if isinstance(outcome, Failure):
        raise PartFailed(outcome)
    return json.dumps(outcome)
