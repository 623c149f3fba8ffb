from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from storage.engine import open_engine
from storage.outbox import FAILED, LAST_CALL, PENDING, SESSION_FAILED, SUPERSEDED, Message, NewAlert, StoredAlert
from storage.runs import FAILED as SESSION_HAS_FAILED
from storage.runs import SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.alerts import record_missing
from tasks.persist import Recipient
from tests.storage.conftest import DAY, T0, add_reports, new_report, row_count, start_run

pytestmark = pytest.mark.server

DESK, WEBHOOK = ("email", "desk@example.com"), ("slack", "webhook")
DEADLINE = T0 + dt.timedelta(hours=20)
ALERT = NewAlert(DAY, "d1", LAST_CALL, "waiting for VIX", "VIX is not there.\nNeither is VXX26.", DEADLINE)


def raise_alert(engine: Engine, alert: NewAlert = ALERT, *recipients: tuple[str, str]) -> int:
    run_id = start_run(engine)
    with UnitOfWork(engine) as work:
        key = work.outbox.raise_alert(alert, run_id, recipients, T0)
        work.commit()
    return key


def messages(engine: Engine) -> list[Message]:
    with UnitOfWork(engine) as work:
        return work.outbox.all()


def tell(engine: Engine, keys: list[int], *recipients: tuple[str, str]) -> None:
    with UnitOfWork(engine) as work:
        work.outbox.add(keys, recipients, T0)
        work.commit()


def supersede(engine: Engine) -> int:
    with UnitOfWork(engine) as work:
        count = work.outbox.supersede_alerts()
        work.commit()
    return count


def test_an_alert_is_stored_with_a_message_for_every_recipient(engine: Engine) -> None:
    key = raise_alert(engine, ALERT, DESK, WEBHOOK, DESK)

    with UnitOfWork(engine) as work:
        assert work.outbox.alert(key) == StoredAlert(key, **vars(ALERT), raised_at=T0, source="files")
        pending = work.outbox.pending()
    assert [(item.channel, item.recipient) for item in pending] == [DESK, WEBHOOK]
    assert {(item.alert_id, item.report_id, item.session, item.revision, item.alert) for item in pending} == {
        (key, None, DAY, None, LAST_CALL)
    }


def test_messages_about_reports_and_alerts_are_listed_together(engine: Engine) -> None:
    (report_id,) = add_reports(engine, new_report())
    tell(engine, [report_id], DESK)
    alert_id = raise_alert(engine, replace(ALERT, session=DAY + dt.timedelta(days=3), kind=SESSION_FAILED), DESK)

    assert [(item.report_id, item.alert_id, item.session, item.revision, item.alert) for item in messages(engine)] == [
        (report_id, None, DAY, 1, None),
        (None, alert_id, DAY + dt.timedelta(days=3), None, SESSION_FAILED),
    ]


def test_there_is_one_alert_for_a_session_and_a_rule_set(engine: Engine) -> None:
    raise_alert(engine, ALERT, DESK)
    with pytest.raises(IntegrityError):
        raise_alert(engine, replace(ALERT, kind=SESSION_FAILED), WEBHOOK)

    raise_alert(engine, replace(ALERT, rule_set_digest="d2"), DESK)
    raise_alert(engine, replace(ALERT, session=DAY + dt.timedelta(days=3)), DESK)
    assert (row_count(engine, "alerts"), row_count(engine, "outbox")) == (3, 3)


def test_a_second_message_of_an_alert_to_a_recipient_breaks_a_constraint(engine: Engine) -> None:
    raise_alert(engine, ALERT, DESK)
    again = (
        "INSERT INTO outbox (alert_id, channel, recipient, state, attempts, created_at) "
        "SELECT alert_id, channel, recipient, state, attempts, created_at FROM outbox"
    )
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(again))


def test_an_alert_and_its_messages_are_rolled_back_together(engine: Engine) -> None:
    run_id = start_run(engine)
    with UnitOfWork(engine) as work:
        work.outbox.raise_alert(ALERT, run_id, [DESK], T0)

    assert (row_count(engine, "alerts"), row_count(engine, "outbox")) == (0, 0)


def test_alerts_are_found_by_session_and_by_rule_set(engine: Engine) -> None:
    days = [DAY + dt.timedelta(days=number) for number in range(4)]
    for day, digest in zip(days, ("d1", "d2", "d1", "d1"), strict=True):
        raise_alert(engine, replace(ALERT, session=day, rule_set_digest=digest))

    with UnitOfWork(engine) as work:
        assert [alert.session for alert in work.outbox.alerts([days[2], days[1]])] == [days[1], days[2]]
        assert work.outbox.alerts([]) == []
        assert work.outbox.alerted("d1", days[1]) == {days[2], days[3]}


def test_a_pending_alert_gives_way_to_the_report_its_recipient_is_told_of(engine: Engine) -> None:
    raise_alert(engine, ALERT, DESK, WEBHOOK)
    keys = add_reports(engine, new_report(), new_report(revision=2))
    tell(engine, keys, DESK)

    assert supersede(engine) == 1
    # Nobody told the second recipient of the report. What overtakes a report is not looked at here.
    assert [(item.alert, item.channel, item.state) for item in messages(engine)] == [
        (LAST_CALL, "email", SUPERSEDED),
        (LAST_CALL, "slack", PENDING),
        (None, "email", PENDING),
        (None, "email", PENDING),
    ]
    assert supersede(engine) == 0


@pytest.mark.parametrize(
    ("session", "digest"), [(DAY + dt.timedelta(days=3), "d1"), (DAY - dt.timedelta(days=1), "d1"), (DAY, "d2")]
)
def test_a_report_of_another_session_or_rule_set_leaves_an_alert_alone(
    engine: Engine, session: dt.date, digest: str
) -> None:
    raise_alert(engine, ALERT, DESK)
    tell(engine, add_reports(engine, new_report(session, digest=digest)), DESK)

    assert supersede(engine) == 0


def test_an_alert_that_is_no_longer_pending_stays_as_it_is(engine: Engine) -> None:
    raise_alert(engine, ALERT, DESK)
    (message,) = messages(engine)
    with UnitOfWork(engine) as work:
        work.outbox.claim(message, T0)
        work.outbox.refused(message, "no", None)
        work.commit()
    tell(engine, add_reports(engine, new_report()), DESK)

    assert supersede(engine) == 0
    assert messages(engine)[0].state == FAILED


def test_an_alert_is_not_taken_for_a_message_about_a_report(engine: Engine) -> None:
    raise_alert(engine, ALERT, DESK)
    add_reports(engine, new_report())

    with UnitOfWork(engine) as work:
        assert work.outbox.last_told([DAY], "d1") == {}
        assert work.outbox.counts() == {PENDING: 1}


def test_superseding_reports_leaves_alerts_alone(engine: Engine) -> None:
    raise_alert(engine, ALERT, DESK)
    tell(engine, add_reports(engine, new_report()), DESK)
    with UnitOfWork(engine) as work:
        assert work.outbox.supersede() == 0


def test_of_runs_that_end_at_once_exactly_one_raises_the_alert(engine: Engine, database_url: str) -> None:
    run_id, together = start_run(engine), Barrier(4)
    outcome = SessionOutcome(DAY, SESSION_HAS_FAILED, "too late", None, DEADLINE)

    def one(_: int) -> bool:
        own = open_engine(database_url)
        try:
            together.wait(10)
            return record_missing(own, run_id, outcome, [Recipient(*DESK)], lambda: T0, "d1")
        finally:
            own.dispose()

    with ThreadPoolExecutor(4) as pool:
        raised = list(pool.map(one, range(4), timeout=30))

    assert sorted(raised) == [False, False, False, True]
    assert [row_count(engine, table) for table in ("alerts", "outbox", "outcomes")] == [1, 1, 4]
