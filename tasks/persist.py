"""Storing reports: once each, with their allocations and messages, in one transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from signals.document import decode, encode
from signals.veqtor.report import SignalReport, fingerprint
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

    Report, allocations, outbox rows and outcomes commit together. Recipients hear of a new report, and of a revision
    only if a target changed.

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
        digest = reports[0].rule_set_digest
        stored = work.reports.fingerprints(digest, [report.session for report in reports])
        outcomes, new, told = [], [], []
        for report in reports:
            print_of_it = fingerprint(report)
            revision, stored_print = stored.get(report.session, (0, ""))
            if stored_print == print_of_it:
                outcomes.append(SessionOutcome(report.session, ALREADY_EMITTED, f"revision {revision} says the same"))
                continue
            new.append(_new_report(report, revision + 1, print_of_it, now))
            if revision == 0:
                outcomes.append(SessionOutcome(report.session, EMITTED, report.verdict))
                told.append(True)
            else:
                before = _stored_report(work, report)
                outcomes.append(SessionOutcome(report.session, REVISED, _difference(before, report)))
                told.append(before.target != report.target)
        keys = work.reports.add(new, run_id)
        to_tell = [key for key, tell in zip(keys, told, strict=True) if tell]
        work.outbox.add(to_tell, [(recipient.channel, recipient.address) for recipient in recipients], now)
        work.runs.record(run_id, outcomes, now)
        work.commit()
    return outcomes


def _stored_report(work: UnitOfWork, report: SignalReport) -> SignalReport:
    stored = next(work.reports.latest_in(report.session, report.session, report.rule_set_digest))
    return decode(SignalReport, json.loads(stored.document))


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
    if before.target != after.target:
        return f"target changed: {before.verdict} -> {after.verdict}"
    values = {(item.label, item.day): item.value for item in before.inputs}
    changed = [
        f"{item.label} of {item.day}: {values.get((item.label, item.day))} -> {item.value}"
        for item in after.inputs
        if values.get((item.label, item.day)) != item.value
    ]
    return "target unchanged; " + ("; ".join(changed) or "earlier inputs changed")
