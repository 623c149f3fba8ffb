"""Storing reports: once each, with their allocations and messages, in one transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from signals.document import decode, encode
from signals.veqtor.report import SignalReport, Weights, fingerprint
from signals.vix_futures import MULTIPLIER_USD
from storage.reports import AllocationLine, NewReport
from storage.runs import ALREADY_EMITTED, EMITTED, REVISED, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock


@dataclass(frozen=True)
class Recipient:
    """Who is told of a report: a channel, and an address on it that may be shown."""

    channel: str
    address: str


def emit(
    engine: Engine, run_id: int, reports: Sequence[SignalReport], recipients: Sequence[Recipient], clock: Clock
) -> list[SessionOutcome]:
    """Store reports that are new or say something else than the stored ones; leave the others alone.

    Report, allocations, outbox rows and outcomes commit together. A recipient hears of a new report; of a stored one
    that nobody told them of, while it can still be acted on; and of a revision that asks for something else than what
    they were told last.

    Returns
    -------
    list of SessionOutcome
        EMITTED, REVISED or ALREADY_EMITTED per report, in their order.
    """
    try:
        return _emit(engine, run_id, reports, recipients, clock())
    except IntegrityError:
        # Another run stored one of them between our look and our insert; the second look sees it.
        return _emit(engine, run_id, reports, recipients, clock())


def _emit(
    engine: Engine, run_id: int, reports: Sequence[SignalReport], recipients: Sequence[Recipient], now: dt.datetime
) -> list[SessionOutcome]:
    if not reports:
        return []
    with UnitOfWork(engine) as work:
        stored = work.reports.stored(reports[0].rule_set_digest, [report.session for report in reports])
        outcomes, new = [], []
        for report in reports:
            print_of_it, before = fingerprint(report), stored.get(report.session)
            if before is not None and before.fingerprint == print_of_it:
                detail = f"revision {before.revision} says the same"
                outcomes.append(SessionOutcome(report.session, ALREADY_EMITTED, detail))
                continue
            new.append(_new_report(report, before.revision + 1 if before else 1, print_of_it, now))
            if before is None:
                outcomes.append(SessionOutcome(report.session, EMITTED, report.verdict))
            else:
                difference = _difference(_stored_report(work, before.id), report)
                outcomes.append(SessionOutcome(report.session, REVISED, difference))
        keys = {session: before.id for session, before in stored.items()}
        keys |= zip((report.session for report in new), work.reports.add(new, run_id), strict=True)
        if recipients:
            _announce(work, reports, outcomes, keys, recipients, now)
        work.runs.record(run_id, outcomes, now)
        work.commit()
    return outcomes


def _announce(
    work: UnitOfWork,
    reports: Sequence[SignalReport],
    outcomes: Sequence[SessionOutcome],
    keys: dict[dt.date, int],
    recipients: Sequence[Recipient],
    now: dt.datetime,
) -> None:
    """Write the messages that are due for these reports, of which `keys` names the newest revision."""
    last_told = work.outbox.last_told([report.session for report in reports], reports[0].rule_set_digest)
    for report, outcome in zip(reports, outcomes, strict=True):
        key, due = keys[report.session], []
        for recipient in recipients:
            told = last_told.get((report.session, recipient.channel, recipient.address))
            if told is None:
                is_due = outcome.outcome == EMITTED or now < report.effective_at
            else:
                is_due = told != key and _asks(_stored_report(work, told)) != _asks(report)
            if is_due:
                due.append((recipient.channel, recipient.address))
        work.outbox.add([key], due, now)


def _asks(report: SignalReport) -> tuple[Weights, dt.date]:
    """What a report asks its reader to do: the target, and when it is due."""
    return report.target, report.effective_session


def _stored_report(work: UnitOfWork, key: int) -> SignalReport:
    return decode(SignalReport, json.loads(work.reports.by_id(key).document))


def _new_report(report: SignalReport, revision: int, print_of_it: str, now: dt.datetime) -> NewReport:
    return NewReport(
        session=report.session,
        rule_set=report.rule_set,
        rule_set_digest=report.rule_set_digest,
        revision=revision,
        fingerprint=print_of_it,
        document=json.dumps(encode(report), allow_nan=False),
        emitted_at=now,
        allocations=allocation_lines(report),
    )


def allocation_lines(report: SignalReport) -> tuple[AllocationLine, ...]:
    """What to hold from the close of the effective session: the three components, and the VX contracts of one."""
    order, target, effective = report.instruction, report.target, report.effective_session
    components = (
        ("equity", target.equity, order.equity_usd),
        ("volatility", target.volatility, order.volatility_usd),
        ("cash", target.cash, order.cash_usd),
    )
    lines = [AllocationLine(effective, name, weight, amount, None) for name, weight, amount in components]
    lines += [
        AllocationLine(effective, leg.contract, None, leg.target * leg.settlement * MULTIPLIER_USD, leg.target)
        for leg in order.legs
    ]
    return tuple(lines)


def _difference(before: SignalReport, after: SignalReport) -> str:
    if _asks(before) != _asks(after):
        return f"target changed: {before.verdict} -> {after.verdict}"
    values = {(item.label, item.day): item.value for item in before.inputs}
    changed = [
        f"{item.label} of {item.day}: {values.get((item.label, item.day))} -> {item.value}"
        for item in after.inputs
        if values.get((item.label, item.day)) != item.value
    ]
    return "target unchanged; " + ("; ".join(changed) or "earlier inputs changed")
