from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError

from signals.document import decode
from signals.veqtor.report import SignalReport, Weights
from signals.veqtor.rules import VARIANTS
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.engine import open_engine
from storage.models import Allocation, OutboxMessage, Outcome, Report
from storage.outbox import SENT
from storage.runs import ALREADY_EMITTED, EMITTED, REVISED, SessionOutcome
from storage.schema import ensure_schema
from storage.unit_of_work import UnitOfWork
from tasks.ingest import ingest, stored_version
from tasks.persist import Recipient, emit
from tasks.runs import start_run
from tasks.sources.files import FilesSource
from tests.conftest import NOW, now
from tests.market_files import SESSIONS

pytestmark = [pytest.mark.server, pytest.mark.both_databases]

SESSION = dt.date(2006, 3, 15)
NOTIONAL = 1_000_000.0
DESK, RISK = Recipient("email", "desk@example.com"), Recipient("slack", "webhook")


@pytest.fixture(scope="module")
def report(made_up_signals: VeqtorSignals) -> SignalReport:
    return signal_report(made_up_signals, SESSION, NOTIONAL)


@pytest.fixture
def run_id(engine: Engine) -> int:
    return start_run(engine, "daily", "files", None, now)


def with_input(report: SignalReport, value: float) -> SignalReport:
    """The report had its first input been another."""
    first, *others = report.inputs
    return replace(report, inputs=(replace(first, value=value), *others))


def with_target(report: SignalReport, target: Weights) -> SignalReport:
    return replace(report, target=target, verdict=f"Move to {target.equity:g}/{target.volatility:g}.")


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.__tablename__: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Report, Allocation, OutboxMessage, Outcome)
        }


def test_a_report_is_emitted_once(engine: Engine, run_id: int, report: SignalReport) -> None:
    first = emit(engine, run_id, [report], [DESK, RISK], now)
    stored = counts(engine)
    second = emit(engine, run_id, [report], [DESK, RISK], now)

    assert first == [SessionOutcome(SESSION, EMITTED, report.verdict)]
    assert second == [SessionOutcome(SESSION, ALREADY_EMITTED, "revision 1 says the same")]
    assert stored == {"reports": 1, "allocations": 3 + len(report.instruction.legs), "outbox": 2, "outcomes": 1}
    assert counts(engine) == stored | {"outcomes": 2}


def test_the_stored_document_is_the_report(engine: Engine, run_id: int, report: SignalReport) -> None:
    emit(engine, run_id, [report], [], now)

    with UnitOfWork(engine) as work:
        (stored,) = work.reports.recent(9)
    assert decode(SignalReport, json.loads(stored.document)) == report
    assert (stored.session, stored.rule_set, stored.revision, stored.emitted_at) == (SESSION, "veqtor", 1, NOW)


def test_a_changed_input_is_a_second_revision_that_says_what_changed(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    before = report.inputs[0]
    emit(engine, run_id, [report], [DESK], now)
    (outcome,) = emit(engine, run_id, [with_input(report, 1300.25)], [DESK], now)

    detail = f"target unchanged; {before.label} of {before.day}: {before.value} -> 1300.25"
    assert outcome == SessionOutcome(SESSION, REVISED, detail)
    with UnitOfWork(engine) as work:
        assert [item.revision for item in work.reports.recent(9)] == [2, 1]


def test_going_back_to_what_was_said_before_is_a_third_revision(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    for said in (report, with_input(report, 1300.25), report):
        outcomes = emit(engine, run_id, [said], [], now)

    assert outcomes[0].outcome == REVISED
    assert outcomes[0].detail.endswith(f"1300.25 -> {report.inputs[0].value}")
    with UnitOfWork(engine) as work:
        assert [item.revision for item in work.reports.recent(9)] == [3, 2, 1]


def test_recipients_do_not_hear_of_a_revision_that_leaves_the_target_as_it_is(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    emit(engine, run_id, [report], [DESK], now)
    emit(engine, run_id, [with_input(report, 1300.25)], [DESK], now)

    with UnitOfWork(engine) as work:
        assert [message.revision for message in work.outbox.pending()] == [1]


def test_what_a_person_says_was_told_is_not_sent_and_a_later_change_is(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    emit(engine, run_id, [report], [DESK], now, told=True)
    emit(engine, run_id, [report], [DESK], now)
    with UnitOfWork(engine) as work:
        (message,) = work.outbox.all()
    assert (message.state, message.attempts, message.sent_at, message.settled_at) == (SENT, 0, None, NOW)

    emit(engine, run_id, [with_target(report, Weights(0.25, 0.75, 0.0))], [DESK], now)
    with UnitOfWork(engine) as work:
        (correction,) = work.outbox.pending()
        assert work.outbox.told_before(correction) == message.report_id


def test_recipients_hear_of_a_revision_that_changes_the_target(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    changed = with_target(report, Weights(0.25, 0.75, 0.0))
    emit(engine, run_id, [report], [DESK], now)
    (outcome,) = emit(engine, run_id, [changed], [DESK, RISK], now)

    detail = f"target changed: {report.verdict} -> {changed.verdict}"
    assert outcome == SessionOutcome(SESSION, REVISED, detail)
    with UnitOfWork(engine) as work:
        heard = [(message.revision, message.channel) for message in work.outbox.pending()]
    # Nobody told the second recipient of the first revision, and it is too late to act on either.
    assert heard == [(1, "email"), (2, "email")]


def test_another_notional_is_no_revision(
    engine: Engine, run_id: int, report: SignalReport, made_up_signals: VeqtorSignals
) -> None:
    emit(engine, run_id, [report], [DESK], now)
    other = signal_report(made_up_signals, SESSION, 25_000_000.0)

    assert other.instruction != report.instruction
    assert [outcome.outcome for outcome in emit(engine, run_id, [other], [DESK], now)] == [ALREADY_EMITTED]


def test_a_change_too_small_to_print_is_no_revision(engine: Engine, run_id: int, report: SignalReport) -> None:
    value = report.inputs[0].value
    assert value is not None
    emit(engine, run_id, [report], [], now)

    assert emit(engine, run_id, [with_input(report, value * (1 + 1e-12))], [], now)[0].outcome == ALREADY_EMITTED
    assert emit(engine, run_id, [with_input(report, value * (1 + 1e-5))], [], now)[0].outcome == REVISED


def test_outcomes_come_in_the_order_of_the_reports(engine: Engine, run_id: int, made_up_signals: VeqtorSignals) -> None:
    reports = [signal_report(made_up_signals, day, NOTIONAL) for day in SESSIONS[-8:]]
    emit(engine, run_id, reports[2:5], [], now)
    changed = with_input(reports[3], 1300.25)
    outcomes = emit(engine, run_id, [*reports[:3], changed, *reports[4:]], [DESK], now)

    assert [outcome.session for outcome in outcomes] == SESSIONS[-8:]
    assert [outcome.outcome for outcome in outcomes] == [
        EMITTED, EMITTED, ALREADY_EMITTED, REVISED, ALREADY_EMITTED, EMITTED, EMITTED, EMITTED
    ]  # fmt: skip
    with UnitOfWork(engine) as work:
        assert [message.session for message in work.outbox.pending()] == [*SESSIONS[-8:-6], *SESSIONS[-3:]]


def test_no_reports_are_no_outcomes(engine: Engine, run_id: int) -> None:
    assert emit(engine, run_id, [], [DESK], now) == []


def test_a_report_of_a_run_that_does_not_exist_leaves_nothing(engine: Engine, report: SignalReport) -> None:
    with pytest.raises(IntegrityError):
        emit(engine, 12345, [report], [DESK], now)

    assert set(counts(engine).values()) == {0}


def test_a_recipient_who_is_named_twice_does_not_stop_the_report(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    assert emit(engine, run_id, [report], [DESK, DESK], now)[0].outcome == EMITTED
    assert counts(engine)["outbox"] == 1


def test_runs_that_emit_the_same_session_at_once_end_with_one_report_and_one_message_each(
    engine: Engine, run_id: int, report: SignalReport, database_url: str
) -> None:
    together = Barrier(4)

    def run(_: int) -> str:
        own = open_engine(database_url)
        try:
            together.wait(10)
            return emit(own, run_id, [report], [DESK, RISK], now)[0].outcome
        finally:
            own.dispose()

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(run, range(4), timeout=30))

    assert sorted(outcomes) == [ALREADY_EMITTED] * 3 + [EMITTED]
    stored = counts(engine)
    assert (stored["reports"], stored["outbox"], stored["allocations"]) == (1, 2, 3 + len(report.instruction.legs))


def test_what_was_computed_before_another_run_read_something_new_is_not_emitted(
    engine: Engine, run_id: int, report: SignalReport, made_up_dir: Path
) -> None:
    before = stored_version(engine)
    assert emit(engine, run_id, [report], [DESK], now, based_on=before)[0].outcome == EMITTED
    stored = counts(engine)
    ingest(FilesSource(made_up_dir, now), engine, now)

    stale = with_input(report, 1300.25)
    assert emit(engine, run_id, [stale], [DESK], now, based_on=before) == []
    assert counts(engine) == stored
    assert emit(engine, run_id, [stale], [DESK], now, based_on=stored_version(engine))[0].outcome == REVISED


def test_the_components_of_every_target_sum_to_the_notional_and_its_futures_to_the_volatility_component(
    tmp_path: Path, made_up_signals: VeqtorSignals
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'all.db'}")
    ensure_schema(engine)
    inputs = made_up_signals.inputs
    sessions = inputs.sessions[inputs.base + 5 : inputs.usable].tolist()
    reports = [signal_report(made_up_signals, day, NOTIONAL) for day in sessions]
    emit(engine, start_run(engine, "backfill", "files", None, now), reports, [], now)

    with engine.connect() as connection:
        rows = connection.execute(select(Allocation, Report.session).join(Report, Report.id == Allocation.report_id))
        by_session: dict[dt.date, dict[str, tuple[float | None, float, float | None]]] = {}
        effective = {}
        for row in rows:
            by_session.setdefault(row.session, {})[row.instrument] = (row.weight, row.amount_usd, row.contracts)
            effective[row.session] = row.effective_session
    engine.dispose()
    assert list(by_session) == sessions
    assert effective == {report.session: report.effective_session for report in reports}
    assert any(lines["volatility"][1] > 0 for lines in by_session.values())
    for lines in by_session.values():
        components = [lines.pop(name) for name in ("equity", "volatility", "cash")]
        assert sum(weight or 0.0 for weight, _, _ in components) == pytest.approx(1.0)
        assert sum(amount for _, amount, _ in components) == pytest.approx(NOTIONAL)
        assert all(name.startswith("VX") and weight is None for name, (weight, _, _) in lines.items())
        assert sum(amount for _, amount, _ in lines.values()) == pytest.approx(components[1][1])


def test_a_report_stored_without_notice_is_announced_while_it_can_be_acted_on(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    before_the_close = lambda: report.effective_at - dt.timedelta(hours=1)  # noqa: E731 - a clock
    emit(engine, run_id, [report], [], before_the_close)
    for _ in range(2):
        (outcome,) = emit(engine, run_id, [report], [DESK], before_the_close)
        assert outcome.outcome == ALREADY_EMITTED
    with UnitOfWork(engine) as work:
        assert [message.recipient for message in work.outbox.pending()] == [DESK.address]


def test_a_report_stored_without_notice_is_not_announced_when_its_close_has_passed(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    emit(engine, run_id, [report], [], now)
    emit(engine, run_id, [report], [DESK], now)
    with UnitOfWork(engine) as work:
        assert work.outbox.pending() == []


def test_a_revision_stored_without_notice_is_told_by_the_next_run_that_notifies(
    engine: Engine, run_id: int, report: SignalReport
) -> None:
    changed = with_target(report, Weights(0.25, 0.75, 0.0))
    emit(engine, run_id, [report], [DESK], now)
    emit(engine, run_id, [changed], [], now)
    emit(engine, run_id, [changed], [DESK], now)
    with UnitOfWork(engine) as work:
        assert [message.revision for message in work.outbox.pending()] == [1, 2]


def test_recipients_hear_when_the_close_to_act_at_has_moved(engine: Engine, run_id: int, report: SignalReport) -> None:
    moved = replace(report, effective_session=report.effective_session + dt.timedelta(days=1))
    emit(engine, run_id, [report], [DESK], now)
    emit(engine, run_id, [moved], [DESK], now)
    with UnitOfWork(engine) as work:
        assert [message.revision for message in work.outbox.pending()] == [1, 2]


@pytest.fixture(scope="module")
def with_variants(made_up_signals: VeqtorSignals) -> SignalReport:
    return signal_report(made_up_signals, SESSION, 1e6, variants=tuple(VARIANTS))


def moved(report: SignalReport, target: Weights) -> SignalReport:
    """The report had its mid-term variant another target."""
    mid_term, *others = report.variants
    return replace(report, variants=(replace(mid_term, target=target), *others))


def test_allocations_name_the_strategy_they_belong_to(engine: Engine, run_id: int, with_variants: SignalReport) -> None:
    emit(engine, run_id, [with_variants], [], now)
    with engine.connect() as connection:
        rows = connection.execute(select(Allocation.strategy, Allocation.instrument, Allocation.weight)).all()
    weights = {(row[0], row[1]): row[2] for row in rows if row[2] is not None}
    assert {strategy for strategy, _ in weights} == {"veqtor", *VARIANTS}
    for strategy, target in [("veqtor", with_variants.target), *((v.name, v.target) for v in with_variants.variants)]:
        assert target
        assert [weights[strategy, name] for name in ("equity", "volatility", "cash")] == list(vars(target).values())


def test_a_correction_of_a_variant_is_told_and_says_what_changed(
    engine: Engine, run_id: int, with_variants: SignalReport
) -> None:
    emit(engine, run_id, [with_variants], [DESK], now)
    (revised,) = emit(engine, run_id, [moved(with_variants, Weights(0.0, 0.0, 1.0))], [DESK], now)
    before = with_variants.variants[0].target
    assert before
    assert revised.outcome == REVISED
    assert revised.detail == (
        f"target of veqtor-mid-term changed: {before.equity * 100:g}/{before.volatility * 100:g}/0 -> 0/0/100"
    )
    assert counts(engine)["outbox"] == 2


def test_a_variant_switched_on_later_is_added_to_stored_reports_only_if_that_is_asked_for(
    engine: Engine, run_id: int, report: SignalReport, with_variants: SignalReport
) -> None:
    emit(engine, run_id, [report], [DESK], now)
    (left_alone,) = emit(engine, run_id, [with_variants], [DESK], now)
    assert left_alone.outcome == ALREADY_EMITTED
    (revised,) = emit(engine, run_id, [with_variants], [DESK], now, adding_variants=True)
    assert (revised.outcome, revised.detail) == (REVISED, "target unchanged; other variants are configured")
    assert counts(engine)["outbox"] == 1
