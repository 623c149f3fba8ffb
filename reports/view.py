"""One view of a report, in words and formatted figures, that every rendering shows.

The renderings differ in layout only; what is said, in which order and to how many digits, is decided here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reports.difference import asked_in_words
from reports.glance import DEGRADED, NOTE, OK, Line, degraded, follows, glance
from reports.hedge_risk import settled
from reports.hedge_sections import actions
from reports.sections import provenance, sections
from reports.tables import Section, percent
from reports.triggers import nearest, triggers
from reports.words import holding, moment
from signals.alvh.report import HedgeSignal
from signals.veqtor.report import SignalReport

if TYPE_CHECKING:
    from reports.charts.chart import Chart
    from reports.context import ReportContext

DISCLAIMER = (
    "Target allocations of a published index strategy, computed from public data. Not investment advice; index levels "
    "bear no costs. Check the instruction before acting on it."
)

#: What a subject has at most, so that a list of mails shows all of it; a longer one counts the actions of hedges.
SUBJECT_LIMIT = 120

SIMULATED = (
    "SIMULATED: every number here was drawn from the sample market. None of it was ever traded; act on none of it."
)

#: Shown on every day, whatever the nearest test is.
_FIRST_CHART = "cell"


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
        Disclaimer.
    simulated : bool
        Whether it comes from the sample market; the words above say so too.
    glance : tuple of Line
        What a reader has to know, a labelled sentence each.
    charts : tuple of Chart
        Pictures, each with the key of the section it belongs to.
    session : datetime.date, optional
        The session it is of; an alert has none.
    quiet : bool
        Whether nothing changed since the session before: what is pushed leaves out details.
    key_charts : tuple of str
        Names of the charts that a quiet day keeps.
    page : str
        Address under which all of it is read; empty for none.
    """

    title: str
    subject: str
    verdict: str
    notices: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: tuple[str, ...]
    simulated: bool = False
    glance: tuple[Line, ...] = ()
    charts: tuple[Chart, ...] = ()
    session: dt.date | None = None
    quiet: bool = False
    key_charts: tuple[str, ...] = ()
    page: str = ""


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
    context: ReportContext | None = None,
    before: SignalReport | None = None,
    told_before: bool = True,
    charts: tuple[Chart, ...] = (),
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
    context : ReportContext, optional
        The stored history it is read beside.
    before : SignalReport, optional
        The report of the session before; without it, a day counts as one with changes.
    told_before : bool
        Whether the reader was told of that; who was not gets all of it.
    charts : tuple of Chart
    """
    late = (shown_at or emitted_at) > report.effective_at
    simulated = "SIMULATED " if report.simulated else ""
    prefix = simulated + ("LATE " if late else "") + (f"CORRECTION {revision} " if revision > 1 else "")
    found = triggers(report)
    next_test = nearest(found)
    done = "as of" if basis else "rendered" if dry_run else "emitted"
    emitted = f"{done} {emitted_at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    return ReportView(
        title=f"{simulated}S&P 500 Dynamic VEQTOR, session {report.session:%A} {report.session}",
        subject=_subject(report, f"{prefix}VEQTOR {report.session}: {_short_target(report)}"),
        verdict=report.verdict,
        notices=(
            *([SIMULATED] if report.simulated else []),
            *(["Dry run: nothing was stored or sent."] if dry_run else []),
            *([basis] if basis else []),
            *_standing(report, revision, newest_revision or revision, corrects, late=late),
            *_doubts(report, before if told_before else None),
        ),
        sections=(*sections(report, context, found), provenance(report, revision, emitted)),
        footer=(SIMULATED if report.simulated else DISCLAIMER,),
        simulated=report.simulated,
        glance=glance(report, found, before, corrects),
        charts=charts,
        session=report.session,
        quiet=(
            revision == 1
            and not (dry_run or basis or late)
            and before is not None
            and told_before
            and is_quiet(report, before)
        ),
        key_charts=(_FIRST_CHART, next_test.chart if next_test else "volatility"),
    )


def is_quiet(report: SignalReport, before: SignalReport) -> bool:
    """Whether a report asks for and doubts nothing that the one of the session before did not.

    Target, regime, trend and stop-loss test are the same, no hedge acts, has acted, loses a layer by the next close or
    changed a state or the factor on a size, no decision was close, and no input, note or doubt is new.
    """
    if not follows(report, before) or report.changes or report.flags:
        return False
    if not report.held == report.target == before.target:
        return False
    variants, hedges = ({each.name: each for each in before.variants}, {each.rule_set: each for each in before.hedges})
    for variant in report.variants:
        known = variants.get(variant.name)
        if known is None or variant.flags or variant.target != variant.held or variant.unavailable != known.unavailable:
            return False
    for hedge in report.hedges:
        earlier = hedges.get(hedge.rule_set)
        if earlier is None or actions(hedge) or hedge.changes or hedge.unavailable != earlier.unavailable:
            return False
        if _subjects(hedge.doubts) - _subjects(earlier.doubts):
            return False
        if settled(hedge, report.effective_session) or _states(hedge) != _states(earlier):
            return False
    return _noted(report) <= _noted(before)


def _noted(report: SignalReport) -> set[tuple[str, str]]:
    """The inputs that are not simply there; what was degraded and is noted only is no news."""
    found = {(item.label, item.severity) for item in report.inputs if item.severity != OK}
    return found | {(label, NOTE) for label, severity in found if severity == DEGRADED}


def _states(hedge: HedgeSignal) -> object:
    """What a hedge's sizes follow from."""
    layers = [(layer.layer, layer.state, layer.multiplier) for layer in hedge.layers]
    return hedge.state, layers


def _subjects(doubts: tuple[str, ...]) -> set[str]:
    """What doubts are about: the figures behind it may differ from day to day."""
    return {doubt.partition(":")[0] for doubt in doubts}


def pushed(view: ReportView, review_url: str | None = None) -> ReportView:
    """What is sent of a view: on a day without changes without its details, and where to read all of it."""
    page = f"{review_url}/reports/{view.session}" if review_url and view.session else ""
    if not view.quiet:
        return replace(view, page=page)
    return replace(
        view,
        sections=tuple(section for section in view.sections if not section.detail),
        charts=tuple(chart for chart in view.charts if chart.name in view.key_charts),
        footer=(
            f"A day without changes: the rest is left out. `tailguard report show {view.session}` prints all of it.",
            *view.footer,
        ),
        page=page,
    )


def charts_by_section(view: ReportView) -> tuple[list[Chart], dict[int, list[Chart]]]:
    """The charts whose section is not shown, and the others by the number of the first section they belong to."""
    places: dict[str, int] = {}
    for number, section in enumerate(view.sections):
        places.setdefault(section.key, number)
    alone: list[Chart] = []
    placed: dict[int, list[Chart]] = {}
    for chart in view.charts:
        (placed.setdefault(places[chart.section], []) if chart.section in places else alone).append(chart)
    return alone, placed


def _short_target(report: SignalReport) -> str:
    target = report.target
    said = f"{percent(target.equity)} equity, {percent(target.volatility)} VIX futures"
    if target.cash == 1.0:
        said = "100% cash (stop-loss)"
    # The overlay follows from the target.
    mid_term = next((variant.target for variant in report.variants if variant.name == "veqtor-mid-term"), None)
    return f"{said}; mid-term {holding(mid_term)}" if mid_term else said


def _subject(report: SignalReport, target: str) -> str:
    """The target, and what hedges do where one of them does something."""
    acting = [(hedge.rule_set, told) for hedge in report.hedges if (told := actions(hedge))]
    if not acting:
        return target
    whole = "; ".join([target, *(f"{name} {told}" for name, told in acting)])
    return whole if len(whole) <= SUBJECT_LIMIT else f"{target}; hedges act: {', '.join(name for name, _ in acting)}"


def _standing(
    report: SignalReport, revision: int, newest: int, corrects: tuple[int, SignalReport] | None, *, late: bool
) -> list[str]:
    """Whether the report may still be acted on."""
    notices = []
    if late:
        notices.append(f"For the record only: the close it acts at, {moment(report.effective_at)}, has passed.")
    if revision < newest:
        notices.append(f"Superseded: revision {newest} of this report says something else.")
    if corrects is not None:
        notices += _correction(report, revision, *corrects)
    elif revision > 1:
        notices.append(f"Revision {revision}: it supersedes what was sent for this session before.")
    return notices


def _correction(report: SignalReport, revision: int, earlier_revision: int, earlier: SignalReport) -> list[str]:
    """What an earlier revision said, and what this one asks for otherwise."""
    return [
        f"Revision {revision}: it supersedes revision {earlier_revision}, which said: {earlier.verdict}",
        f"Changed since revision {earlier_revision}: {asked_in_words(earlier, report)}.",
    ]


def _doubts(report: SignalReport, before: SignalReport | None) -> list[str]:
    """How far the data and the decisions can be trusted; what its reader knows from the session before is no news."""
    notices = []
    bad = {item.label: item for item in degraded(report)}
    known = {item.label for item in degraded(before)} if before is not None and follows(report, before) else set()
    if bad.keys() - known:
        notices.append(f"Degraded data in {', '.join(bad)}: the data say why.")
    notices += [f"{flag.name}: {flag.text}" for flag in report.flags]
    if report.back_test and not report.simulated:
        notices.append("Back-test: the strategy index has been published live since 2009-11-18 only.")
    return notices
