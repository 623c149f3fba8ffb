from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from signals.calendar import TradingCalendar
from signals.errors import DataNotReady
from signals.zones import NEW_YORK
from storage.outbox import LAST_CALL, PENDING, SESSION_FAILED, Message, StoredAlert
from storage.runs import ALREADY_EMITTED, AWAITING_DATA, FAILED, SKIPPED, NextRun, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.alerts import NONE_LEFT, record_failed_run, record_missing, sessions_to_tell_of
from tasks.persist import Recipient
from tasks.runs import expected_next, finish_run, missed_sessions, start_run
from tests.conftest import NOW, now
from tests.storage.conftest import add_reports, new_report, row_count

pytestmark = [pytest.mark.server, pytest.mark.both_databases]

SESSION = dt.date(2026, 11, 19)
DEADLINE = dt.datetime(2026, 11, 20, 20, 30, tzinfo=dt.UTC)
DESK, RISK, SLACK = (
    Recipient("email", "desk@example.com"),
    Recipient("email", "risk@example.com"),
    Recipient("slack", "webhook"),
)
DIGEST = "d1"

AWAITED = SessionOutcome(SESSION, AWAITING_DATA, "waits for VIX", NOW, DEADLINE)
LAST = SessionOutcome(SESSION, AWAITING_DATA, "waits for VIX", None, DEADLINE)
TOO_LATE = SessionOutcome(SESSION, FAILED, "too late", None, DEADLINE)
NOT_READY = DataNotReady("session 2026-11-19", expected="all", got="no VIX", do="Run again.", missing=("VIX",))


@pytest.fixture
def run_id(engine: Engine) -> int:
    return start_run(engine, "daily", "files", None, now)


@pytest.fixture
def record(engine: Engine, run_id: int) -> Callable[..., bool]:
    def one(outcome: SessionOutcome, *recipients: Recipient, error: BaseException | None = None) -> bool:
        return record_missing(engine, run_id, outcome, recipients, now, DIGEST, error=error)

    return one


def at(text: str) -> Callable[[], dt.datetime]:
    instant = dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)
    return lambda: instant


def alerts(engine: Engine) -> list[StoredAlert]:
    with UnitOfWork(engine) as work:
        return work.outbox.alerts([SESSION])


def messages(engine: Engine) -> list[Message]:
    with UnitOfWork(engine) as work:
        return work.outbox.all()


def outcomes(engine: Engine) -> list[str]:
    with UnitOfWork(engine) as work:
        return [item.outcome for item in work.runs.outcomes(10)]


def test_the_last_call_raises_an_alert_with_its_outcome(engine: Engine, record: Callable[..., bool]) -> None:
    assert record(LAST, DESK, SLACK, error=NOT_READY)

    (alert,) = alerts(engine)
    assert (alert.kind, alert.title, alert.deadline_at) == (LAST_CALL, "waiting for VIX", DEADLINE)
    assert alert.text == "Session 2026-11-19: expected all, got no VIX. Run again."
    assert (alert.raised_at, alert.source, alert.rule_set_digest) == (NOW, "files", DIGEST)
    assert [(item.alert_id, item.channel, item.recipient, item.state) for item in messages(engine)] == [
        (alert.id, "email", "desk@example.com", PENDING),
        (alert.id, "slack", "webhook", PENDING),
    ]
    assert outcomes(engine) == [AWAITING_DATA]


def test_a_failed_session_raises_an_alert(engine: Engine, record: Callable[..., bool]) -> None:
    assert record(TOO_LATE, DESK)

    (alert,) = alerts(engine)
    assert (alert.kind, alert.title) == (SESSION_FAILED, "no run emitted it in time")
    assert outcomes(engine) == [FAILED]


@pytest.mark.parametrize(
    "outcome",
    [
        AWAITED,
        SessionOutcome(SESSION, ALREADY_EMITTED, "revision 1 says the same"),
        SessionOutcome(SESSION, SKIPPED, "a holiday"),
        SessionOutcome(SESSION, FAILED, "a broken file, and nine attempts to go", NOW, DEADLINE),
    ],
    ids=lambda outcome: f"{outcome.outcome}",
)
def test_while_there_is_something_to_hope_for_or_nothing_missing_there_is_no_alert(
    engine: Engine, record: Callable[..., bool], outcome: SessionOutcome
) -> None:
    assert not record(outcome, DESK)

    assert (alerts(engine), messages(engine), outcomes(engine)) == ([], [], [outcome.outcome])


def test_a_session_is_alerted_about_once_whichever_comes_first(engine: Engine, record: Callable[..., bool]) -> None:
    assert [record(outcome, DESK) for outcome in (AWAITED, LAST, LAST, TOO_LATE)] == [False, True, False, False]
    # A recipient configured since is not told of what was said before.
    assert not record(TOO_LATE, DESK, RISK)

    assert [alert.kind for alert in alerts(engine)] == [LAST_CALL]
    assert [message.recipient for message in messages(engine)] == ["desk@example.com"]
    assert row_count(engine, "outcomes") == 5


def test_another_rule_set_has_an_alert_of_its_own(engine: Engine, run_id: int, record: Callable[..., bool]) -> None:
    record(TOO_LATE, DESK)
    assert record_missing(engine, run_id, TOO_LATE, [DESK], now, "d2")

    assert [alert.rule_set_digest for alert in alerts(engine)] == [DIGEST, "d2"]


def test_a_run_that_tells_nobody_keeps_no_later_one_from_it(engine: Engine, record: Callable[..., bool]) -> None:
    assert not record(TOO_LATE)
    assert (alerts(engine), outcomes(engine)) == ([], [FAILED])

    assert record(TOO_LATE, DESK)
    assert len(messages(engine)) == 1


def test_of_a_session_with_a_report_no_alert_is_raised(engine: Engine, record: Callable[..., bool]) -> None:
    add_reports(engine, new_report(SESSION, digest="d2"), new_report(SESSION + dt.timedelta(days=1), digest=DIGEST))
    add_reports(engine, new_report(SESSION, digest=DIGEST))

    assert not record(TOO_LATE, DESK)
    assert alerts(engine) == []


def test_a_report_of_another_rule_set_or_session_does_not_keep_an_alert_back(
    engine: Engine, record: Callable[..., bool]
) -> None:
    add_reports(engine, new_report(SESSION, digest="d2"), new_report(SESSION + dt.timedelta(days=1), digest=DIGEST))

    assert record(TOO_LATE, DESK)


def test_more_can_be_said_than_the_errors_own_words(engine: Engine, run_id: int) -> None:
    why = [str(NOT_READY), "Cboe answered 503."]
    record_missing(engine, run_id, LAST, [DESK], now, DIGEST, error=NOT_READY, why=why)

    (alert,) = alerts(engine)
    assert alert.title == "waiting for VIX"
    assert alert.text.splitlines()[1] == "Cboe answered 503."


def test_an_alert_without_a_deadline_is_refused_and_nothing_is_stored(
    engine: Engine, record: Callable[..., bool]
) -> None:
    with pytest.raises(ValueError, match="deadline"):
        record(SessionOutcome(SESSION, FAILED, "too late"), DESK)

    assert row_count(engine, "outcomes") == 0


def test_outcome_alert_and_messages_commit_together(engine: Engine, record: Callable[..., bool]) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    with pytest.raises(DBAPIError):
        record(TOO_LATE, DESK)

    assert (row_count(engine, "outcomes"), row_count(engine, "alerts")) == (0, 0)


def failed(
    engine: Engine, run_id: int, clock: Callable[[], dt.datetime], calendar: TradingCalendar, *recipients: Recipient
) -> bool:
    error = ValueError("https://hooks.example/secret")
    message = f"{SESSION}: FAILED. broken"
    return record_failed_run(engine, run_id, SESSION, message, recipients, clock, DIGEST, calendar, error)


@pytest.mark.parametrize(
    ("instant", "raised"),
    [
        ("2026-11-19T18:45", False),
        ("2026-11-20T13:31", False),
        # The last attempt before the deadline at 15:30, and later ones by hand.
        ("2026-11-20T14:30", True),
        ("2026-11-20T15:29", True),
        ("2026-11-20T17:00", True),
    ],
)
def test_an_attempt_that_fails_raises_an_alert_only_if_no_other_follows(
    engine: Engine, run_id: int, calendar: TradingCalendar, instant: str, raised: bool
) -> None:
    assert failed(engine, run_id, at(instant), calendar, DESK) is raised

    found = alerts(engine)
    assert [alert.kind for alert in found] == [SESSION_FAILED] * raised
    assert [alert.title for alert in found] == ["the run failed: ValueError"] * raised
    assert "secret" not in "".join(alert.text for alert in found)
    assert len(messages(engine)) == raised
    with UnitOfWork(engine) as work:
        (outcome,) = work.runs.outcomes(9)
    assert (outcome.outcome, outcome.detail, outcome.deadline_at) == (
        FAILED, f"{SESSION}: FAILED. broken", DEADLINE
    )  # fmt: skip


def test_a_failure_after_the_run_has_said_how_it_ended_is_not_entered(
    engine: Engine, run_id: int, calendar: TradingCalendar, record: Callable[..., bool]
) -> None:
    record(SessionOutcome(SESSION, AWAITING_DATA, "waits", NOW, DEADLINE), DESK)

    assert not failed(engine, run_id, at("2026-11-20T17:00"), calendar, DESK)
    assert (alerts(engine), outcomes(engine)) == ([], [AWAITING_DATA])


def test_a_run_that_fails_on_a_day_without_session_is_entered_without_alert(
    engine: Engine, run_id: int, calendar: TradingCalendar
) -> None:
    weekend = dt.date(2026, 11, 21)
    assert not record_failed_run(engine, run_id, weekend, "broken", [DESK], now, DIGEST, calendar, ValueError())

    assert (outcomes(engine), messages(engine)) == ([FAILED], [])


def test_an_attempt_that_failed_and_was_the_last_to_run_is_alerted_about_by_the_next_run(
    engine: Engine, run_id: int, calendar: TradingCalendar
) -> None:
    before = dt.date(2026, 11, 18)
    add_reports(engine, new_report(before, digest=DIGEST))
    finish_run(engine, run_id, "done", NextRun(before, NOW, NOW), now)
    failed(engine, start_run(engine, "daily", "files", None, now), at("2026-11-19T18:45"), calendar, DESK)
    assert alerts(engine) == []

    # Then the machine was off until the evening of the next session.
    later, following = start_run(engine, "daily", "files", None, now), dt.date(2026, 11, 20)
    missed = missed_sessions(engine, DIGEST, following, calendar, telling=True)
    assert [record_missing(engine, later, outcome, [DESK], now, DIGEST) for outcome in missed] == [True]
    assert [alert.title for alert in alerts(engine)] == ["no run emitted it in time"]
    assert missed_sessions(engine, DIGEST, following, calendar, telling=True) == []


FRIDAY = dt.date(2026, 11, 20)


@pytest.fixture
def emitted(engine: Engine, calendar: TradingCalendar) -> None:
    """A service whose last daily run emitted Thursday's report on Thursday evening, with Friday to come."""
    evening = at("2026-11-19T18:45")
    run_id = start_run(engine, "daily", "files", None, evening)
    add_reports(engine, new_report(SESSION, digest=DIGEST))
    finish_run(engine, run_id, "done", expected_next(SESSION, done=True, now=evening(), calendar=calendar), evening)


def told_of(engine: Engine, calendar: TradingCalendar, instant: str) -> list[tuple[dt.date, str]]:
    found = sessions_to_tell_of(engine, DIGEST, at(instant)(), calendar)
    return [(item.session, item.outcome) for item in found]


@pytest.mark.usefixtures("emitted")
@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-11-20T15:37", []),
        # The weekend, and the attempts of Monday.
        ("2026-11-21T12:07", []),
        ("2026-11-23T14:22", []),
        ("2026-11-23T14:59", []),
        ("2026-11-23T15:00", [(FRIDAY, AWAITING_DATA)]),
        ("2026-11-23T15:29", [(FRIDAY, AWAITING_DATA)]),
        ("2026-11-23T15:30", [(FRIDAY, FAILED)]),
        ("2026-11-24T14:59", [(FRIDAY, FAILED)]),
        ("2026-11-24T15:30", [(FRIDAY, FAILED), (dt.date(2026, 11, 23), FAILED)]),
    ],
)
def test_a_session_no_run_is_left_to_tell_of_is_found(
    engine: Engine, calendar: TradingCalendar, instant: str, expected: list[tuple[dt.date, str]]
) -> None:
    assert told_of(engine, calendar, instant) == expected


@pytest.mark.usefixtures("emitted")
@pytest.mark.parametrize(("instant", "found"), [("2026-11-27T11:59", False), ("2026-11-27T12:00", True)])
def test_neither_a_holiday_nor_an_early_close_is_mistaken(
    engine: Engine, calendar: TradingCalendar, instant: str, found: bool
) -> None:
    # Wednesday before Thanksgiving: its deadline is at 12:30 on Friday, its last attempt at 11:30.
    wednesday = dt.date(2026, 11, 25)
    add_reports(engine, *(new_report(dt.date(2026, 11, day), digest=DIGEST) for day in (20, 23, 24)))
    assert told_of(engine, calendar, "2026-11-26T15:37") == []
    assert told_of(engine, calendar, instant) == [(wednesday, AWAITING_DATA)] * found


@pytest.mark.usefixtures("emitted")
def test_a_run_that_is_at_work_tells_of_its_session_itself_unless_it_was_killed(
    engine: Engine, calendar: TradingCalendar
) -> None:
    start_run(engine, "daily", "files", None, at("2026-11-23T14:50"))
    assert told_of(engine, calendar, "2026-11-23T15:20") == []
    assert told_of(engine, calendar, "2026-11-23T15:21") == [(FRIDAY, AWAITING_DATA)]


@pytest.mark.usefixtures("emitted")
def test_it_is_told_once_and_the_next_run_has_nothing_to_add(engine: Engine, calendar: TradingCalendar) -> None:
    checked = at("2026-11-23T15:07")
    (outcome,) = sessions_to_tell_of(engine, DIGEST, checked(), calendar)
    check = start_run(engine, "health-check", "files", None, checked)
    assert record_missing(engine, check, outcome, [DESK], checked, DIGEST, why=[outcome.detail])
    with UnitOfWork(engine) as work:
        (alert,) = work.outbox.alerts([FRIDAY])
    assert (alert.kind, alert.title, alert.text) == (LAST_CALL, "no run emitted it in time", NONE_LEFT)
    assert told_of(engine, calendar, "2026-11-23T15:37") == []
    # The run of the evening enters that it failed, and nobody hears of it twice.
    (missed,) = missed_sessions(engine, DIGEST, dt.date(2026, 11, 23), calendar, telling=True)
    later = start_run(engine, "daily", "files", None, now)
    assert not record_missing(engine, later, missed, [DESK], now, DIGEST)


def test_where_no_run_was_scheduled_nobody_is_told(engine: Engine, calendar: TradingCalendar) -> None:
    assert told_of(engine, calendar, "2026-11-23T15:37") == []
    add_reports(engine, new_report(SESSION, digest=DIGEST))
    finish_run(engine, start_run(engine, "backfill", "files", None, now), "done", None, now)
    assert told_of(engine, calendar, "2026-11-23T15:37") == []


def test_the_first_session_of_a_service_is_told_of_too(engine: Engine, calendar: TradingCalendar) -> None:
    evening = at("2026-11-20T18:45")
    run_id = start_run(engine, "daily", "files", None, evening)
    finish_run(engine, run_id, "waits", expected_next(FRIDAY, done=False, now=evening(), calendar=calendar), evening)
    assert told_of(engine, calendar, "2026-11-23T15:07") == [(FRIDAY, AWAITING_DATA)]
    assert told_of(engine, calendar, "2026-11-23T15:37") == [(FRIDAY, FAILED)]
