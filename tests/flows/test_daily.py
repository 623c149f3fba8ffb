from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flows.daily import DailyResult, daily
from signals.errors import DataQualityError
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.reports import StoredReport
from storage.runs import ALREADY_EMITTED, AWAITING_DATA, EMITTED, FAILED, REVISED, SKIPPED, SessionOutcome
from storage.unit_of_work import UnitOfWork

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

FRIDAY = dt.date(2006, 6, 30)
THURSDAY = dt.date(2006, 6, 29)

Run = Callable[..., DailyResult]


@pytest.fixture
def run(market: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the daily flow at an instant of New York time."""

    def at(instant: str, **parameters: object) -> DailyResult:
        monkeypatch.setenv("TAILGUARD_CLOCK", instant)
        data = daily(**parameters, return_state=True).data
        result = getattr(data, "result", data)
        if isinstance(result, BaseException):
            raise result
        assert isinstance(result, DailyResult)
        return result

    return at


def reports(engine: Engine) -> list[StoredReport]:
    with UnitOfWork(engine) as work:
        return work.reports.recent(100)


def outcomes(engine: Engine) -> dict[dt.date, str]:
    with UnitOfWork(engine) as work:
        return {item.session: item.outcome for item in work.runs.outcomes(100)}


def cut_last_line(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def test_an_evening_emits_the_day_once(
    run: Run, database: Callable[[], Engine], made_up_signals: VeqtorSignals
) -> None:
    first = run("2006-06-30T18:45")
    assert (first.outcome.session, first.outcome.outcome) == (FRIDAY, EMITTED)
    assert run("2006-06-30T20:30").outcome.outcome == ALREADY_EMITTED
    assert run("2006-07-01T00:20").outcome.outcome == ALREADY_EMITTED
    assert outcomes(database()) == {FRIDAY: EMITTED}
    (stored,) = reports(database())
    expected = signal_report(made_up_signals, FRIDAY, 1e6)
    document = json.loads(stored.document)
    assert document["indices"]["veqtor"]["total_return"] == expected.indices["veqtor"].total_return
    assert document["verdict"] == expected.verdict
    assert all(len(item["payload"]) == 12 for item in document["inputs"])


def test_a_run_before_the_close_plus_margin_works_on_the_day_before(run: Run) -> None:
    assert run("2006-06-30T17:30").outcome.session == THURSDAY


def test_missing_data_are_awaited_and_a_later_attempt_emits_once(
    run: Run, market: Path, database: Callable[[], Engine]
) -> None:
    whole = (market / "cboe/index/VIX_History.csv").read_text()
    cut_last_line(market / "cboe/index/VIX_History.csv")
    cut_last_line(market / "yahoo/VIX.csv")
    waiting = run("2006-06-30T18:45").outcome
    assert waiting.outcome == AWAITING_DATA
    assert "VIX" in waiting.detail
    assert "Next attempt Fri 2006-06-30 20:30, deadline Mon 2006-07-03 12:30 New York" in waiting.detail
    assert run("2006-06-30T20:30").outcome.outcome == AWAITING_DATA
    assert reports(database()) == []
    (market / "cboe/index/VIX_History.csv").write_text(whole)
    assert run("2006-07-01T00:20").outcome.outcome == EMITTED
    assert outcomes(database()) == {FRIDAY: EMITTED}
    assert len(reports(database())) == 1


def test_after_the_deadline_a_session_without_data_has_failed(run: Run, market: Path) -> None:
    cut_last_line(market / "yahoo/GSPC.csv")
    # 2006-07-03 closes at 13:00.
    assert run("2006-07-03T12:29").outcome.outcome == AWAITING_DATA
    late = run("2006-07-03T12:31").outcome
    assert late.outcome == FAILED
    assert "The deadline, Mon 2006-07-03 12:30 New York, has passed" in late.detail


def test_after_the_deadline_nothing_is_emitted_even_with_data(run: Run, database: Callable[[], Engine]) -> None:
    assert run("2006-07-03T12:45").outcome.outcome == FAILED
    assert reports(database()) == []


def test_the_evening_of_a_holiday_is_skipped_once_the_last_session_is_out(
    run: Run, database: Callable[[], Engine]
) -> None:
    run("2006-05-26T18:45")
    holiday = run("2006-05-29T18:45").outcome
    assert (holiday.session, holiday.outcome) == (dt.date(2006, 5, 29), SKIPPED)
    assert "2006-05-29" in holiday.detail
    assert outcomes(database())[dt.date(2006, 5, 29)] == SKIPPED


def test_the_evening_of_a_holiday_still_works_on_a_session_that_waits(run: Run) -> None:
    assert run("2006-05-29T18:45").outcome.session == dt.date(2006, 5, 26)


def test_a_weekend_is_skipped_when_asked_for(run: Run, database: Callable[[], Engine]) -> None:
    outcome = run("2006-06-30T18:45", session="2006-06-24").outcome
    assert outcome.outcome == SKIPPED
    assert "2006-06-23 and 2006-06-26" in outcome.detail
    assert reports(database()) == []


def test_a_changed_input_revises_the_sessions_it_touches_and_says_what_changed(
    run: Run, market: Path, database: Callable[[], Engine]
) -> None:
    run("2006-06-29T18:45")
    path = market / "yahoo/GSPC.csv"
    lines = path.read_text().splitlines()
    row = next(index for index, line in enumerate(lines) if line.startswith("2006-06-29"))
    value = float(lines[row].split(",")[4])
    lines[row] = f"2006-06-29,,,,{value + 1.25:.6f},{value + 1.25:.6f},"
    path.write_text("\n".join(lines) + "\n")
    result = run("2006-06-30T18:45")
    assert result.outcome.outcome == EMITTED
    (revised,) = result.others
    assert (revised.session, revised.outcome) == (THURSDAY, REVISED)
    assert "S&P 500 of 2006-06-29" in revised.detail
    assert outcomes(database()) == {FRIDAY: EMITTED, THURSDAY: REVISED}
    assert [item.revision for item in reports(database()) if item.session == THURSDAY] == [2, 1]


def test_a_session_nobody_ran_is_failed_by_the_next_run(run: Run, database: Callable[[], Engine]) -> None:
    run("2006-06-28T18:45")
    result = run("2006-06-30T18:45")
    assert [(item.session, item.outcome) for item in result.others] == [(THURSDAY, FAILED)]
    assert run("2006-06-30T20:30").others == ()
    assert outcomes(database())[THURSDAY] == FAILED


def test_a_broken_file_fails_the_run_and_emits_nothing(run: Run, market: Path, database: Callable[[], Engine]) -> None:
    (market / "cboe/index/VIX_History.csv").write_text("<html>busy</html>\n")
    with pytest.raises(DataQualityError, match=r"VIX_History\.csv.*HTML"):
        run("2006-06-30T18:45")
    assert reports(database()) == []
    assert outcomes(database()) == {FRIDAY: FAILED}


def test_the_latest_session_is_the_last_with_complete_data(
    run: Run, market: Path, database: Callable[[], Engine]
) -> None:
    cut_last_line(market / "yahoo/GSPC.csv")
    result = run("2026-11-20T18:45", session="latest")
    assert (result.outcome.session, result.outcome.outcome) == (THURSDAY, EMITTED)
    assert outcomes(database()) == {THURSDAY: EMITTED}


def test_a_run_says_what_comes_next(run: Run, database: Callable[[], Engine]) -> None:
    run("2006-06-30T18:45")
    with UnitOfWork(database()) as work:
        last = work.runs.latest(scheduling=True)
    assert last
    assert last.next
    assert last.next.session == dt.date(2006, 7, 3)
    # Monday closes early; its first attempt is the regular one, its deadline after the holiday.
    assert last.next.attempt_at == dt.datetime(2006, 7, 3, 22, 45, tzinfo=dt.UTC)
    assert last.next.deadline_at == dt.datetime(2006, 7, 5, 19, 30, tzinfo=dt.UTC)


def test_the_state_of_the_flow_run_is_named_after_the_outcome(market: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-06-30T18:45")
    assert [daily(return_state=True).name for _ in range(2)] == ["Emitted", "AlreadyEmitted"]


def test_outcome_details_of_emitted_sessions_are_the_verdict(run: Run) -> None:
    outcome: SessionOutcome = run("2006-06-30T18:45").outcome
    assert outcome.detail.startswith(("Keep", "Move"))


def test_stored_documents_decode_to_the_report(run: Run, database: Callable[[], Engine]) -> None:
    from signals.document import decode

    run("2006-06-30T18:45")
    (stored,) = reports(database())
    assert decode(SignalReport, json.loads(stored.document)).session == FRIDAY


def test_a_long_outage_leaves_no_session_without_an_outcome(run: Run, database: Callable[[], Engine]) -> None:
    run("2006-05-01T18:45")
    result = run("2006-06-30T18:45")
    assert len(result.others) == 42
    assert {item.outcome for item in result.others} == {FAILED}
    assert len(outcomes(database())) == 44


def test_an_interrupted_run_says_so_in_the_ledger(
    run: Run, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.daily.compute_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run("2006-06-30T18:45")
    with UnitOfWork(database()) as work:
        last = work.runs.latest()
    assert last
    assert last.finished_at
    assert last.message == "2006-06-30: interrupted; run it again"
    assert outcomes(database()) == {FRIDAY: FAILED}
