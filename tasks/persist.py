"""Storing reports: once each, with their allocations, hedge targets and messages, in one transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from signals.document import decode, encode
from signals.veqtor.report import Instruction, SignalReport, Weights, fingerprint
from signals.vix_futures import MULTIPLIER_USD
from storage.observations import Version
from storage.reports import AllocationLine, NewReport, StoredFingerprint
from storage.runs import ALREADY_EMITTED, EMITTED, REVISED, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.clock import Clock
from tasks.figures import StoredAs, hedge_figures, session_figures
from tasks.hedge_targets import (
    HedgeKey,
    ask_for_the_same,
    continued,
    hedge_changes,
    hedge_key,
    hedge_target_lines,
)

#: A report holds nothing twice, so that nobody has to look for circles.
_JSON = json.JSONEncoder(allow_nan=False, check_circular=False)


@dataclass(frozen=True)
class Recipient:
    """Who is told of a report: a channel, and an address on it that may be shown."""

    channel: str
    address: str


def emit(
    engine: Engine,
    run_id: int,
    reports: Sequence[SignalReport],
    recipients: Sequence[Recipient],
    clock: Clock,
    *,
    adding_variants: bool = False,
    based_on: Version | None = None,
    told: bool = False,
) -> list[SessionOutcome]:
    """Store reports that are new or say something else than the stored ones; leave the others alone.

    Report, allocations, hedge targets, outbox rows and outcomes commit together, while no other run reads or emits. A
    recipient hears of a new report; of a stored one that nobody told them of, while it can still be acted on; and of a
    revision that asks for something else than what they were told last.

    Parameters
    ----------
    adding_variants : bool
        Whether a stored report is revised also where nothing but the configured variants and hedges is different.
    based_on : Version, optional
        Of the database before the reports were computed from it. When another run has read something new since,
        nothing is stored: an older signal would take the place of a newer one.
    told : bool
        Whether a person says that the recipients were told of these reports before: their messages are not sent.

    Returns
    -------
    list of SessionOutcome
        EMITTED, REVISED or ALREADY_EMITTED per report, in their order; none where they have to be computed again.
    """
    if not reports:
        return []
    now = clock()
    with UnitOfWork(engine, alone=True) as work:
        if based_on is not None and work.observations.version() != based_on:
            return []
        found = judged(work, reports, adding_variants=adding_variants)
        outcomes = [item.outcome for item in found]
        new = [item for item in found if item.outcome.outcome != ALREADY_EMITTED]
        added = work.reports.add([_new_report(item, now) for item in new], run_id)
        _keep_figures(work, new, added, now)
        keys = {item.report.session: item.before.id for item in found if item.before}
        keys |= zip((item.report.session for item in new), added, strict=True)
        if recipients:
            _announce(work, reports, outcomes, keys, recipients, now, told=told)
        work.runs.record(run_id, outcomes, now)
        work.commit()
    return outcomes


@dataclass(frozen=True)
class Judged:
    """A report beside what is stored of its session.

    Attributes
    ----------
    report : SignalReport
        As it is stored if it is news: it says where a hedge holds something else than was told.
    fingerprint : str
    before : StoredFingerprint or None
        The newest revision that is stored.
    outcome : SessionOutcome
        EMITTED, REVISED or ALREADY_EMITTED.
    """

    report: SignalReport
    fingerprint: str
    before: StoredFingerprint | None
    outcome: SessionOutcome


def judged(
    work: UnitOfWork,
    reports: Sequence[SignalReport],
    *,
    adding_variants: bool = False,
    preceding: SignalReport | None = None,
) -> list[Judged]:
    """What would become of reports if they were emitted now; nothing is written.

    Parameters
    ----------
    adding_variants : bool
        As `emit` has it.
    preceding : SignalReport, optional
        One that would be stored before them, where it is none of those that are.
    """
    if not reports:
        return []
    stored = work.reports.stored(reports[0].rule_set_digest, [report.session for report in reports])
    earlier = _before(work, reports[0])
    if preceding is not None and (earlier is None or earlier.session <= preceding.session):
        earlier = preceding
    found = []
    for computed in reports:
        report, earlier = continued(computed, earlier), computed
        print_of_it, before = fingerprint(report), stored.get(report.session)
        outcome = _outcome(work, report, print_of_it, before, adding_variants=adding_variants)
        found.append(Judged(report, print_of_it, before, outcome))
    return found


def _outcome(
    work: UnitOfWork,
    report: SignalReport,
    print_of_it: str,
    before: StoredFingerprint | None,
    *,
    adding_variants: bool,
) -> SessionOutcome:
    if before is None:
        return SessionOutcome(report.session, EMITTED, report.verdict)
    same = f"revision {before.revision} says the same"
    if before.fingerprint == print_of_it:
        return SessionOutcome(report.session, ALREADY_EMITTED, same)
    stored = _stored_report(work, before.id)
    if not adding_variants and _says_the_same(stored, report):
        others = "it carries other variants or hedges than are configured"
        stores = "which `tailguard backfill --mode recompute` stores"
        return SessionOutcome(report.session, ALREADY_EMITTED, f"{same}; {others}, {stores}")
    return SessionOutcome(report.session, REVISED, _difference(stored, report))


def _before(work: UnitOfWork, report: SignalReport) -> SignalReport | None:
    """The newest report of the session before; None where there is none."""
    session = work.reports.last_session_before(report.session, report.rule_set_digest)
    if session is None or not report.hedges:
        return None
    return _stored_report(work, work.reports.stored(report.rule_set_digest, [session])[session].id)


def _announce(
    work: UnitOfWork,
    reports: Sequence[SignalReport],
    outcomes: Sequence[SessionOutcome],
    keys: dict[dt.date, int],
    recipients: Sequence[Recipient],
    now: dt.datetime,
    *,
    told: bool,
) -> None:
    """Write the messages that are due for these reports, of which `keys` names the newest revision."""
    last_told = work.outbox.last_told([report.session for report in reports], reports[0].rule_set_digest)
    for report, outcome in zip(reports, outcomes, strict=True):
        key, due = keys[report.session], []
        for recipient in recipients:
            last = last_told.get((report.session, recipient.channel, recipient.address))
            if last is None:
                is_due = outcome.outcome == EMITTED or now < report.effective_at
            else:
                is_due = last != key and not _asks_for_the_same(_stored_report(work, last), report)
            if is_due:
                due.append((recipient.channel, recipient.address))
        work.outbox.add([key], due, now, told=told)


def _asks_for_the_same(one: SignalReport, other: SignalReport) -> bool:
    """Whether two reports ask their reader to do the same at the same close, in each strategy and hedge both carry."""
    if (one.target, one.effective_session) != (other.target, other.effective_session):
        return False
    if not ask_for_the_same(one.hedges, other.hedges):
        return False
    targets = {variant.name: variant.target for variant in one.variants}
    return all(targets.get(variant.name, variant.target) == variant.target for variant in other.variants)


def _stored_report(work: UnitOfWork, key: int) -> SignalReport:
    return decode(SignalReport, json.loads(work.reports.by_id(key).document))


def _keep_figures(work: UnitOfWork, new: Sequence[Judged], keys: Sequence[int], now: dt.datetime) -> None:
    """Store the figures of reports that were stored with these keys."""
    stored = [(item.report, StoredAs(key, _revision(item), now)) for item, key in zip(new, keys, strict=True)]
    work.figures.add(
        [session_figures(report, as_what) for report, as_what in stored],
        [row for report, as_what in stored for row in hedge_figures(report, as_what)],
    )


def _revision(item: Judged) -> int:
    return item.before.revision + 1 if item.before else 1


def _new_report(item: Judged, now: dt.datetime) -> NewReport:
    report = item.report
    return NewReport(
        session=report.session,
        rule_set=report.rule_set,
        rule_set_digest=report.rule_set_digest,
        revision=_revision(item),
        fingerprint=item.fingerprint,
        document=_JSON.encode(encode(report)),
        emitted_at=now,
        allocations=allocation_lines(report),
        hedge_targets=hedge_target_lines(report),
    )


def allocation_lines(report: SignalReport) -> tuple[AllocationLine, ...]:
    """What each strategy holds from the close of the effective session: its components, and the VX contracts of one."""
    lines = _lines(report.rule_set, report.effective_session, report.target, report.instruction)
    for variant in report.variants:
        if variant.target is not None and variant.instruction is not None:
            lines += _lines(variant.name, report.effective_session, variant.target, variant.instruction)
    return tuple(lines)


def _lines(strategy: str, effective: dt.date, target: Weights, order: Instruction) -> list[AllocationLine]:
    components = (
        ("equity", target.equity, order.equity_usd),
        ("volatility", target.volatility, order.volatility_usd),
        ("cash", target.cash, order.cash_usd),
    )
    lines = [AllocationLine(strategy, effective, name, weight, amount, None) for name, weight, amount in components]
    return lines + [
        AllocationLine(
            strategy, effective, leg.contract, None, leg.target * leg.settlement * MULTIPLIER_USD, leg.target
        )
        for leg in order.legs
    ]


def _says_the_same(one: SignalReport, other: SignalReport) -> bool:
    """Whether two reports that carry other strategies or hedges say the same of those both carry."""
    if _carried(one) == _carried(other):
        return False
    variants = {variant.name for variant in one.variants} & {variant.name for variant in other.variants}
    hedges = {hedge_key(hedge) for hedge in one.hedges} & {hedge_key(hedge) for hedge in other.hedges}
    labels = {item.label for item in one.inputs} & {item.label for item in other.inputs}
    prints = {
        fingerprint(
            replace(
                report,
                variants=tuple(variant for variant in report.variants if variant.name in variants),
                # Which hedge shows the indicators depends on those before it.
                hedges=tuple(
                    replace(hedge, indicators=(), indicators_of="")
                    for hedge in sorted(report.hedges, key=hedge_key)
                    if hedge_key(hedge) in hedges
                ),
                inputs=tuple(item for item in report.inputs if item.label in labels),
            )
        )
        for report in (one, other)
    }
    return len(prints) == 1


def _carried(report: SignalReport) -> tuple[set[str], list[HedgeKey]]:
    """The strategies and hedges of a report. The order of hedges counts: they share their indicators."""
    return {variant.name for variant in report.variants}, [hedge_key(hedge) for hedge in report.hedges]


def _said(weights: Weights | None) -> str:
    if weights is None:
        return "no signal"
    return f"{weights.equity * 100:g}/{weights.volatility * 100:g}/{weights.cash * 100:g}"


def _difference(before: SignalReport, after: SignalReport) -> str:
    if before.target != after.target or before.effective_session != after.effective_session:
        return f"target changed: {before.verdict} -> {after.verdict}"
    targets = {variant.name: variant.target for variant in before.variants}
    changed = [
        f"target of {variant.name} changed: {_said(targets[variant.name])} -> {_said(variant.target)}"
        for variant in after.variants
        if targets.get(variant.name, variant.target) != variant.target
    ]
    changed += hedge_changes(before.hedges, after.hedges)
    if changed:
        return "; ".join(changed)
    if targets.keys() != {variant.name for variant in after.variants}:
        return "target unchanged; other variants are configured"
    if _carried(before) != _carried(after):
        return "target unchanged; other hedges are configured"
    values = {(item.label, item.day): item.value for item in before.inputs}
    changed = [
        f"{item.label} of {item.day}: {values.get((item.label, item.day))} -> {item.value}"
        for item in after.inputs
        if values.get((item.label, item.day)) != item.value
    ]
    return "target unchanged; " + ("; ".join(changed) or "earlier inputs changed")
