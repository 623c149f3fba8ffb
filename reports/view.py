"""One view of a report, in words and formatted figures, that every rendering shows.

The renderings differ in layout only; what is said, in which order and to how many digits, is decided here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from reports.difference import asked_otherwise
from reports.hedge_sections import actions
from reports.sections import approved, holding, moment, sections
from reports.tables import Section, percent
from signals.veqtor.report import SignalReport

DISCLAIMER = (
    "Target allocations of a published index strategy, computed from public data. Not investment advice; index levels "
    "bear no costs. Check the instruction before acting on it."
)

#: What a subject has at most, so that a list of mails shows all of it; a longer one counts the actions of hedges.
SUBJECT_LIMIT = 120

SIMULATED = (
    "SIMULATED: every number here was drawn from the sample market. None of it was ever traded; act on none of it."
)


@dataclass(frozen=True)
class ReportView:
    """Everything a rendering shows, in order.

    Attributes
    ----------
    title, subject : str
        Heading, and the one line that a mail's subject or a list shows.
    verdict : str
    notices : tuple of str
        What a reader must see before the verdict is acted on: a correction, degraded data, a close that has passed.
    sections : tuple of Section
    footer : tuple of str
        Provenance and disclaimer.
    simulated : bool
        Whether it comes from the sample market; the words above say so too.
    """

    title: str
    subject: str
    verdict: str
    notices: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: tuple[str, ...]
    simulated: bool = False


def report_view(
    report: SignalReport,
    *,
    revision: int,
    emitted_at: dt.datetime,
    shown_at: dt.datetime | None = None,
    newest_revision: int | None = None,
    dry_run: bool = False,
    basis: str = "",
    corrects: tuple[int, SignalReport] | None = None,
) -> ReportView:
    """The view of a report in one of its revisions.

    Parameters
    ----------
    emitted_at : datetime.datetime, time zone aware
    shown_at : datetime.datetime, optional
        When it reaches its reader, by default when it was emitted. A report shown after the close it acts at says so.
    newest_revision : int, optional
        An older revision says by which it is superseded.
    dry_run : bool
        Whether it was only rendered, neither stored nor sent.
    basis : str
        What it was computed from, where it was not emitted but computed again as of an instant.
    corrects : tuple of revision and report, optional
        The earlier revision that its reader knows.
    """
    late = (shown_at or emitted_at) > report.effective_at
    simulated = "SIMULATED " if report.simulated else ""
    prefix = simulated + ("LATE " if late else "") + (f"CORRECTION {revision} " if revision > 1 else "")
    return ReportView(
        title=f"{simulated}S&P 500 Dynamic VEQTOR, session {report.session:%A} {report.session}",
        subject=_subject(report, f"{prefix}VEQTOR {report.session}: {_short_target(report)}"),
        verdict=report.verdict,
        notices=(
            *([SIMULATED] if report.simulated else []),
            *(["Dry run: nothing was stored or sent."] if dry_run else []),
            *([basis] if basis else []),
            *_standing(report, revision, newest_revision or revision, corrects, late=late),
            *_hedge_orders(report),
            *_doubts(report),
        ),
        sections=sections(report),
        footer=(
            f"Rule set {report.rule_set} {report.rule_set_digest}, revision {revision}, "
            f"{'as of' if basis else 'rendered' if dry_run else 'emitted'} "
            f"{emitted_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC.",
            *_hedge_rule_sets(report),
            *approved(report),
            *([f"Trading calendar: {report.calendar}."] if report.calendar else []),
            SIMULATED if report.simulated else DISCLAIMER,
        ),
        simulated=report.simulated,
    )


def _short_target(report: SignalReport) -> str:
    target = report.target
    said = f"{percent(target.equity)} equity, {percent(target.volatility)} VIX futures"
    if target.cash == 1.0:
        said = "100% cash (stop-loss)"
    # The overlay follows from the target.
    mid_term = next((variant.target for variant in report.variants if variant.name == "veqtor-mid-term"), None)
    return f"{said}; mid-term {holding(mid_term, with_sign=False)}" if mid_term else said


def _subject(report: SignalReport, target: str) -> str:
    """The target, and what hedges do where one of them does something."""
    acting = [(hedge.rule_set, told) for hedge in report.hedges if (told := actions(hedge))]
    if not acting:
        return target
    whole = "; ".join([target, *(f"{name} {told}" for name, told in acting)])
    return whole if len(whole) <= SUBJECT_LIMIT else f"{target}; hedges act: {', '.join(name for name, _ in acting)}"


def _hedge_orders(report: SignalReport) -> list[str]:
    """What hedges do at the close the report acts at."""
    return [
        f"Hedge {hedge.rule_set} acts at the close of {report.effective_session}: {told}."
        for hedge in report.hedges
        if (told := actions(hedge))
    ]


def _hedge_rule_sets(report: SignalReport) -> list[str]:
    """What defines the hedges."""
    if not report.hedges:
        return []
    named = ", ".join(f"{hedge.rule_set} {hedge.rule_set_digest}" for hedge in report.hedges)
    return [
        f"Hedges: {named}: own definitions of systems described in public; their gains are those of a paper account."
    ]


def _standing(
    report: SignalReport, revision: int, newest: int, corrects: tuple[int, SignalReport] | None, *, late: bool
) -> list[str]:
    """Whether the report may still be acted on."""
    notices = []
    if revision < newest:
        notices.append(f"Superseded: revision {newest} of this report says something else.")
    if corrects is not None:
        notices += _correction(report, revision, *corrects)
    elif revision > 1:
        notices.append(f"Revision {revision}: it supersedes what was sent for this session before.")
    if late:
        notices.append(f"For the record only: the close it acts at, {moment(report.effective_at)}, has passed.")
    return notices


def _correction(report: SignalReport, revision: int, earlier_revision: int, earlier: SignalReport) -> list[str]:
    """What an earlier revision said, and what this one asks for otherwise."""
    asked = "; ".join(f"{change.key} {change.first} -> {change.second}" for change in asked_otherwise(earlier, report))
    return [
        f"Revision {revision}: it supersedes revision {earlier_revision}, which said: {earlier.verdict}",
        f"Changed since revision {earlier_revision}: {asked or 'nothing it asks for'}.",
    ]


def _doubts(report: SignalReport) -> list[str]:
    """How far the data and the decisions can be trusted."""
    notices = []
    degraded = [item.label for item in report.inputs if item.severity == "DEGRADED"]
    if degraded:
        notices.append(f"Degraded data in {', '.join(degraded)}: the inputs say why.")
    notices += [f"{flag.name}: {flag.text}" for flag in report.flags]
    if report.back_test and not report.simulated:
        notices.append("Back-test: the strategy index has been published live since 2009-11-18 only.")
    return notices
