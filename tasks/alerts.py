"""Alerts: when a session ends without a signal, recipients hear of it, once, through the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Engine

from reports.alert import alert_words
from signals.calendar import TradingCalendar
from storage.outbox import IN_DOUBT, LAST_CALL, SESSION_FAILED, NewAlert
from storage.runs import AWAITING_DATA, FAILED, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock
from tasks.health import ATTEMPT_GRACE
from tasks.persist import Recipient
from tasks.runs import MISSED, failed_outcome, missed_sessions
from tasks.schedule import deadline, next_attempt_in_time, settled_session

#: What an alert says where the last attempt did not come, or did not end.
NONE_LEFT = "No attempt has emitted the session, and none is left before its deadline. `tailguard run` can still do it."


def record_missing(
    engine: Engine,
    run_id: int,
    outcome: SessionOutcome,
    recipients: Sequence[Recipient],
    clock: Clock,
    digest: str,
    *,
    error: BaseException | None = None,
    why: Sequence[str] = (),
    in_doubt: bool = False,
) -> bool:
    """Enter how a run ended for a session that got no report, and raise the alert that is due, in one transaction.

    An alert is due when no attempt is left before the deadline: of a session that has FAILED, or at the last call,
    where one that is AWAITING_DATA has no next attempt. None is raised of a session that has a report, unless that is
    in doubt, or an alert already; and none without recipients, so that a run that tells nobody does not keep a later
    one from it.

    Parameters
    ----------
    outcome : SessionOutcome
        With its deadline, and the next attempt if there is one.
    digest : str
        Of the rule set.
    error : BaseException, optional
        What kept the run from emitting; None where no run came in time.
    why : sequence of str
        Sentences that say more than the error's own words, such as what each publisher answered.
    in_doubt : bool
        Whether the session has a report, of which an input was taken back or contradicted since.

    Returns
    -------
    bool
        Whether an alert was raised: its messages are pending.
    """
    alert = _due(outcome, digest, error, why, in_doubt=in_doubt) if recipients else None
    return _record(engine, run_id, outcome, alert, recipients, clock())


def record_failed_run(
    engine: Engine,
    run_id: int,
    session: dt.date,
    message: str,
    recipients: Sequence[Recipient],
    clock: Clock,
    digest: str,
    calendar: TradingCalendar,
    error: BaseException,
) -> bool:
    """Enter that a run ended with an error, and raise an alert unless a further attempt comes before the deadline.

    Nothing is entered if the run has said already how it ended for the session.

    Returns
    -------
    bool
        Whether an alert was raised: its messages are pending.
    """
    with UnitOfWork(engine) as work:
        if work.runs.has_outcome(run_id, session):
            return False
    outcome = failed_outcome(session, message, clock(), calendar)
    told = recipients if calendar.is_session(session) else []
    return record_missing(engine, run_id, outcome, told, clock, digest, error=error)


def sessions_to_tell_of(
    engine: Engine, digest: str, now: dt.datetime, calendar: TradingCalendar
) -> list[SessionOutcome]:
    """What to hand to `record_missing` of sessions without a report that no run is left to tell of.

    That is so after the deadline, and before it `ATTEMPT_GRACE` after the last attempt, which did not come, or was
    killed or cancelled. A daily run that began that short a time ago tells of its session itself. Left out are sessions
    with an alert, and those from before runs were scheduled.
    """
    with UnitOfWork(engine) as work:
        since = work.runs.scheduled_since()
        runs = [run for run in work.runs.unfinished() if run.kind == "daily"]
    if since is None or any(now - run.started_at <= ATTEMPT_GRACE for run in runs):
        return []
    past = settled_session(now, calendar)
    following = calendar.next_session(past)
    missed = {item.session: item for item in missed_sessions(engine, digest, following, calendar, telling=True)}
    # Of a database without any report too, which has nothing to count missed sessions from.
    missed.setdefault(past, failed_outcome(past, MISSED, now, calendar))
    if next_attempt_in_time(following, now - ATTEMPT_GRACE, calendar) is None:
        missed[following] = SessionOutcome(following, AWAITING_DATA, NONE_LEFT, None, deadline(following, calendar))
    with UnitOfWork(engine) as work:
        told = work.outbox.alerted(digest, min(missed)) | set(work.reports.stored(digest, list(missed)))
    return [missed[session] for session in sorted(missed) if session >= since and session not in told]


def _due(
    outcome: SessionOutcome, digest: str, error: BaseException | None, why: Sequence[str], *, in_doubt: bool
) -> NewAlert | None:
    if outcome.outcome not in (FAILED, AWAITING_DATA) or outcome.next_attempt_at is not None:
        return None
    if outcome.deadline_at is None:
        raise ValueError(f"an alert about {outcome.session} needs its deadline")
    kind = IN_DOUBT if in_doubt else SESSION_FAILED if outcome.outcome == FAILED else LAST_CALL
    return NewAlert(outcome.session, digest, kind, *alert_words(error, why), outcome.deadline_at)


def _record(
    engine: Engine,
    run_id: int,
    outcome: SessionOutcome,
    alert: NewAlert | None,
    recipients: Sequence[Recipient],
    now: dt.datetime,
) -> bool:
    # No other run raises an alert, or emits the session, between our look and our insert.
    with UnitOfWork(engine, alone=True) as work:
        work.runs.record(run_id, [outcome], now)
        raised = alert is not None and not _is_settled(work, alert)
        if alert is not None and raised:
            addresses = [(recipient.channel, recipient.address) for recipient in recipients]
            work.outbox.raise_alert(alert, run_id, addresses, now)
        work.commit()
    return raised


def _is_settled(work: UnitOfWork, alert: NewAlert) -> bool:
    """Whether the session has a report, or was alerted about before."""
    session, digest = alert.session, alert.rule_set_digest
    out = alert.kind != IN_DOUBT and bool(work.reports.stored(digest, [session]))
    return out or session in work.outbox.alerted(digest, session)
