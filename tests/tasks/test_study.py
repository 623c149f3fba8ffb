"""The parts of a study: the same to the bit wherever they are computed, and never lost once they are done."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from signals.alvh.ruleset_files import shipped_rule_set
from signals.document import decode, encode
from signals.market import MarketData, Observations
from signals.series import DFF, FRED
from signals.study.data import inputs_digest
from signals.study.paths.chunks import HEDGED_PATHS_IN_CHUNK, PATHS_IN_CHUNK
from signals.study.plan import BOOTSTRAP, HEDGED_PATHS, PATHS, Part, parts_of
from signals.study.result import Failure, StudyResult
from signals.study.spec import StudySpec
from signals.veqtor.signal import VeqtorSignals
from storage.unit_of_work import UnitOfWork
from tasks.compute import compute
from tasks.study.inputs import Question, Recorded, named
from tasks.study.run import Outcome, run_study
from tasks.study.runners import StudyStopped, local_runner, serial
from tasks.study.store import Nowhere, StudyStore, document_of, result_of
from tests.conftest import NOW, now
from tests.market_files import LAST

pytestmark = pytest.mark.server

RULES = (shipped_rule_set("alvh-442"),)
SPEC = StudySpec(
    start=dt.date(2005, 12, 20), end=LAST, rule_sets=named(RULES), samples=200, paths=100, hedged_paths=20, path_years=1
)


@pytest.fixture(scope="module")
def recorded_question(recorded_signals: VeqtorSignals) -> Question:
    """A question on the recorded data, asked anew in each test of its own."""
    end = recorded_signals.inputs.last_session
    spec = replace(SPEC, start=recorded_signals.levels_since, end=end)
    return Question(Recorded(recorded_signals, {}, "files"), spec, RULES, 1_000_000.0)


@pytest.fixture
def question(made_up_signals: VeqtorSignals) -> Question:
    """One on the made-up market, with nothing that takes long."""
    spec = replace(SPEC, paths=0, hedged_paths=0)
    return Question(Recorded(made_up_signals, {}, "files"), spec, RULES, 1_000_000.0)


def one_of_each(spec: StudySpec) -> list[Part]:
    """The first part of each kind."""
    return list({part.kind: part for part in reversed(parts_of(spec))}.values())


def test_what_is_in_a_part_depends_on_the_spec_alone() -> None:
    parts = parts_of(
        replace(SPEC, samples=250, paths=PATHS_IN_CHUNK + 100, hedged_paths=2 * HEDGED_PATHS_IN_CHUNK + 20)
    )
    counts = {kind: [part.count for part in parts if part.kind == kind] for kind in (BOOTSTRAP, PATHS, HEDGED_PATHS)}
    assert counts == {
        BOOTSTRAP: [100, 100, 50],
        PATHS: [PATHS_IN_CHUNK, 100],
        HEDGED_PATHS: [HEDGED_PATHS_IN_CHUNK] * 6,
    }
    assert len({part.name for part in parts}) == len(parts)
    assert [part.kind for part in parts_of(replace(SPEC, paths=0, hedged_paths=0)) if not part.needs_data] == []


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_parts_are_the_same_to_the_bit_on_threads_and_in_processes(
    recorded_question: Question, here: dict[str, Outcome], name: str
) -> None:
    parts = one_of_each(recorded_question.spec)
    found = {part.name: outcome for part, outcome in local_runner(name, 2)(recorded_question, parts[::-1])}
    assert found == here


@pytest.fixture(scope="module")
def here(recorded_question: Question) -> dict[str, Outcome]:
    """What one process finds."""
    parts = one_of_each(recorded_question.spec)
    found = {part.name: outcome for part, outcome in serial(recorded_question, parts)}
    assert len(found) == 8
    assert not any(isinstance(outcome, Failure) for outcome in found.values()), found
    return found


def test_a_worker_that_is_ended_is_told_of(question: Question) -> None:
    def end_one() -> None:
        while not multiprocessing.active_children():
            time.sleep(0.01)
        # As the system does where memory is short.
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    threading.Thread(target=end_one).start()
    with pytest.raises(StudyStopped, match="run it again to go on"):
        list(local_runner("processes", 2)(question, parts_of(question.spec)))
    assert multiprocessing.active_children() == []


@pytest.mark.both_databases
def test_a_part_that_failed_is_told_of_and_alone_computed_again(question: Question, engine: Engine) -> None:
    asked: list[list[str]] = []

    def failing(question: Question, parts: Sequence[Part]) -> Generator[tuple[Part, Outcome]]:
        asked.append([part.name for part in parts])
        for part, outcome in serial(question, parts):
            yield (
                part,
                Failure(part.name, "no memory left") if part.name == "bootstrap 1/2" and not asked[1:] else outcome,
            )

    store = StudyStore(engine, now)
    made = run_study(question, store, failing)
    assert [(each.part, each.why) for each in made.result.failures] == [("bootstrap 1/2", "no memory left")]
    assert made.result.figure("sp500", "total_return").value is not None
    assert made.result.estimate("sp500", "volatility").why == "a part of the bootstrap failed"
    with UnitOfWork(engine) as work:
        (study,) = work.studies.all()
        assert (study.complete, len(work.studies.parts(study.key))) == (False, made.parts - 1)

    whole = run_study(question, store, failing)
    assert asked[1] == ["bootstrap 1/2"]
    assert (whole.result.failures, whole.there) == ((), whole.parts - 1)
    with UnitOfWork(engine) as work:
        assert [(each.id, each.complete) for each in work.studies.all()] == [(study.id, True)]
        assert work.studies.parts(study.key) == {}
    shown = run_study(question, store, failing)
    assert (shown.stored, len(asked)) == (True, 2)
    uninterrupted = run_study(question, Nowhere(), serial).result
    assert document_of(shown.result) == document_of(whole.result) == document_of(uninterrupted)
    assert run_study(question, StudyStore(engine, now, again=True), failing).there == 0


def test_a_study_is_told_from_any_other_by_what_it_is_made_of(
    question: Question, made_up: MarketData, made_up_signals: VeqtorSignals
) -> None:
    keys = {
        question.key,
        replace(question, spec=replace(SPEC, seed=2)).key,
        replace(question, notional_usd=2e6).key,
        replace(question, recorded=replace(question.recorded, source="database")).key,
    }
    assert len(keys) == 4
    found = made_up.find(DFF, FRED)
    values, payloads = found.values.copy(), found.payloads + 7
    others = [item for key, item in made_up.items() if key != (DFF, FRED)]

    def digest(values: object, end: dt.date = LAST) -> str:
        changed = Observations(DFF, FRED, found.days, values, payloads)  # type: ignore[arg-type] # an array
        data = MarketData([*others, changed])
        return inputs_digest(compute(data, made_up_signals.inputs.calendar, end), end)

    # From another payload they are the same values.
    assert digest(values) == question.digest
    values[-1] += 0.01
    assert digest(values) != question.digest
    # What came after the end of the range does not count.
    before = LAST - dt.timedelta(days=7)
    assert digest(values, before) == digest(found.values, before)


def test_a_result_is_the_same_after_it_was_stored(question: Question) -> None:
    result = run_study(question, Nowhere(), serial).result
    assert result_of(document_of(result)) == result == decode(StudyResult, encode(result))
    assert NOW.isoformat() not in document_of(result)
