"""The lines a report opens with: what to hold, why, what changed, how close the next change is, and the data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from reports.difference import asked_in_words
from reports.hedge_risk import cost, next_dates, score, settled
from reports.hedge_sections import actions
from reports.triggers import (
    NEVER,
    Trigger,
    five_day_figure,
    flat_day,
    nearest,
    target_of,
    the_target,
    volatility_figure,
)
from reports.words import count, holding, listed, moment
from signals.alvh.report import HOLD, HedgeSignal
from signals.veqtor.report import ReportInput, SignalReport

OK, NOTE, DEGRADED = "OK", "NOTE", "DEGRADED"


@dataclass(frozen=True)
class Line:
    """A labelled line of the glance; `hedge` says that it is about one, and not about VEQTOR."""

    label: str
    text: str
    hedge: bool = False


def glance(
    report: SignalReport,
    found: Sequence[Trigger],
    before: SignalReport | None,
    corrects: tuple[int, SignalReport] | None,
) -> tuple[Line, ...]:
    """Five lines on VEQTOR, then one on each hedge.

    Parameters
    ----------
    found : sequence of Trigger
        What would change its tests.
    before : SignalReport, optional
        The report of the session before.
    corrects : tuple of revision and report, optional
        The earlier revision that its reader knows.
    """
    return (
        Line("Hold", _hold(report)),
        Line("Why", _why(report)),
        Line("Changed", _changed(report, before, corrects)),
        Line("Next change", _next(report, found)),
        Line("Data", _data(report, before)),
        *(Line(hedge.rule_set, _hedge(hedge, report.effective_session), hedge=True) for hedge in report.hedges),
    )


def _hold(report: SignalReport) -> str:
    order, target = report.instruction, report.target
    amounts = ((target.equity, order.equity_usd, "S&P 500"), (target.volatility, order.volatility_usd, "VIX futures"))
    parts = [f"{weight * 100:g}% {name} ({usd:,.0f} USD)" for weight, usd, name in amounts if weight]
    if target.cash:
        parts.append(f"{target.cash * 100:g}% cash ({order.cash_usd:,.0f} USD)")
    return f"{listed(parts)}, from the close of {moment(report.effective_at)}."


def _why(report: SignalReport) -> str:
    regime, trend, stop = report.regime, report.trend, report.stop_loss
    ran = five_day_figure(stop)
    five_days = f"five-day excess return {ran}%, " if ran else ""
    limit = f"limit {stop.limit * 100:g}%"
    if stop.active:
        return (
            f"The stop-loss is on ({five_days}{limit}), which outranks realised volatility "
            f"({volatility_figure(regime)}%, regime {regime.name}) and the VIX's trend ({trend.name})."
        )
    # Below, or above for fewer sessions than a trend takes.
    side = "at or above" if trend.up else "below"
    run = f"5-session mean {side} the 20-session mean for {count(trend.run, 'session')}"
    return (
        f"Realised volatility is {volatility_figure(regime)}% (regime {regime.name}), the VIX has "
        f"{'' if trend.name == 'no trend' else 'an ' if trend.name[0] in 'aeiou' else 'a '}{trend.name} ({run}), and "
        f"the stop-loss is off ({five_days}{limit})."
    )


def _changed(report: SignalReport, before: SignalReport | None, corrects: tuple[int, SignalReport] | None) -> str:
    told = " ".join(report.changes)
    if not told:
        since = before.session if before is not None and follows(report, before) else "the session before"
        told = f"Nothing: same regime, trend, stop-loss test and target as on {since}."
    if before is not None and not follows(report, before):
        had = f"the last one, of {before.session}, had the target {holding(before.target)}"
        told += f" The session before has no stored report; {had}."
    if corrects is None:
        return told
    revision, earlier = corrects
    return f"Against revision {revision}: {asked_in_words(earlier, report)}. Against the session before: {told}"


def follows(report: SignalReport, before: SignalReport | None) -> bool:
    """Whether a report is of the session after another one's."""
    return before is not None and before.effective_session == report.session


def _next(report: SignalReport, found: Sequence[Trigger]) -> str:
    first, flat = nearest(found), flat_day(report)
    if first is None:
        waiting = [each for each in found if each.days == NEVER and each.chart in ("trend", "stop-loss")]
        later = f": {waiting[-1].sentence}" if waiting else ""
        return f"Nothing can change {the_target(report)} at the close of {report.effective_session}{later}."
    decided = f"Decided at the close of {report.effective_session}, traded at the next: "
    alone = [each for each in found if each.days <= 0.0]
    if flat is None:
        return f"{decided}{'; '.join(each.sentence for each in alone or [first])}."
    target, other = target_of(flat), nearest(each for each in found if each.days > 0.0)
    if flat.stop:
        alone = [each for each in alone if each.chart == "stop-loss"]
    alone = [each for each in alone if each.changes_target] or (alone if target != report.target else [])
    if not alone:
        return f"{decided}{first.sentence}."
    becomes = "stays as it is" if target == report.target else f"becomes {holding(target)}"
    known = "" if other is None and all(each.days == -NEVER for each in alone) else "if nothing moves, "
    told = f"{known}{the_target(report)} {becomes}: {'; '.join(each.sentence for each in alone)}."
    return f"{decided}{told}" if other is None else f"{decided}{told} Next nearest: {other.sentence}."


def _data(report: SignalReport, before: SignalReport | None) -> str:
    inputs, bad = report.inputs, degraded(report)
    close = "" if not report.flags else f"; a decision was close to its limit ({_flagged(report)})"
    doubts = {doubt for hedge in report.hedges for doubt in hedge.doubts}
    own = f"; the hedges lack or replace {count(len(doubts), 'input')} of their own" if doubts else ""
    noted = "".join(f"; {item.label}: {item.remark}" for item in inputs if item.severity == NOTE)
    if bad:
        known = degraded(before) if before is not None and follows(report, before) else None
        names = listed([item.label for item in bad])
        anew = [item.label for item in bad if known is not None and item.label not in {each.label for each in known}]
        since = "" if known is None else ", as the session before" if not anew else f", {listed(anew)} since today"
        trust = close or "; no decision was close enough to its limit to be flagged"
        are = "is a substitute or disputed" if len(bad) == 1 else "are substitutes or disputed"
        return f"Degraded: {len(bad)} of {len(inputs)} inputs {are} ({names}){since}{noted}{trust}{own}."
    if noted:
        there = sum(item.value is not None for item in inputs)
        return f"Good: {there} of {len(inputs)} inputs are there, none is degraded{noted}{close}{own}."
    return f"Good: all {len(inputs)} inputs are there, and none is a substitute or disputed{close}{own}."


def _flagged(report: SignalReport) -> str:
    return listed([flag.name for flag in report.flags])


def degraded(report: SignalReport) -> list[ReportInput]:
    """The inputs of a report that stand in for others or are disputed."""
    return [item for item in report.inputs if item.severity == DEGRADED]


def _hedge(hedge: HedgeSignal, effective: dt.date) -> str:
    if hedge.unavailable is not None:
        return f"No signal: {hedge.unavailable}."
    verdict, scored = hedge.verdict.rstrip("."), score(hedge)
    if scored and verdict.startswith(f"{hedge.state}:"):
        verdict = verdict.replace(f"{hedge.state}:", f"{hedge.state}, {scored}:", 1)
    elif scored:
        verdict = f"{verdict}; {scored}"
    ends = settled(hedge, effective)
    parts = [_still_held(verdict, hedge, [layer.layer for layer in ends])]
    for day in sorted({layer.held.expiry for layer in ends if layer.held}):
        names = [layer.layer for layer in ends if layer.held and layer.held.expiry == day]
        parts.append(f"{listed(names)} {'is' if len(names) == 1 else 'are'} settled in the morning of {day}")
    if not actions(hedge) and not ends:
        parts += [_due(*due) for due in next_dates(hedge)]
    if told := cost(hedge):
        parts.append(told)
    return f"{'; '.join(parts)}."


def _still_held(verdict: str, hedge: HedgeSignal, gone: Sequence[str]) -> str:
    """A verdict whose holdings are those that outlast the next morning."""
    holding_now = [layer.layer for layer in hedge.layers if layer.action == HOLD]
    rest = [name for name in holding_now if name not in gone]
    return verdict.replace(f"; hold {', '.join(holding_now)}", f"; hold {', '.join(rest)}" if rest else "", 1)


def _due(names: Sequence[str], day: dt.date, what: str) -> str:
    if what == "expiry":
        return f"{listed(names)} expire{'s' if len(names) == 1 else ''} on {day}"
    rolls = f"{names[0]}'s roll is" if len(names) == 1 else f"the rolls of {listed(names)} are"
    return f"{rolls} decided at the close of {day}, traded at the next"
