"""The lines a report opens with: what to hold, why, what changed, how close the next change is, and the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.difference import asked_otherwise
from reports.hedge_risk import cost, next_date, score
from reports.hedge_sections import actions
from reports.triggers import NEVER, Trigger, nearest
from reports.words import count, listed, moment
from signals.alvh.report import HedgeSignal
from signals.veqtor.report import ReportInput, SignalReport

DEGRADED = "DEGRADED"


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
        *(Line(hedge.rule_set, _hedge(hedge), hedge=True) for hedge in report.hedges),
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
    five_days = "" if stop.excess_return_5d is None else f"{stop.excess_return_5d * 100:+.2f}% in five days, "
    limit = f"limit {stop.limit * 100:g}%"
    if stop.active:
        return (
            f"The stop-loss is on ({five_days}{limit}), which outranks realised volatility "
            f"({regime.volatility * 100:.2f}%, regime {regime.name}) and the VIX's trend ({trend.name})."
        )
    # Below, or above for fewer sessions than a trend takes.
    side = "at or above" if trend.up else "below"
    run = f"5-session mean {side} the 20-session mean for {count(trend.run, 'session')}"
    return (
        f"Realised volatility is {regime.volatility * 100:.2f}% (regime {regime.name}), the VIX has "
        f"{'' if trend.name == 'no trend' else 'an ' if trend.name[0] in 'aeiou' else 'a '}{trend.name} ({run}), and "
        f"the stop-loss is off ({five_days}{limit})."
    )


def _changed(report: SignalReport, before: SignalReport | None, corrects: tuple[int, SignalReport] | None) -> str:
    told = " ".join(report.changes)
    if not told:
        since = before.session if before else "the session before"
        told = f"Nothing: same regime, trend, stop-loss test and target as on {since}."
    if corrects is None:
        return told
    revision, earlier = corrects
    asked = "; ".join(f"{change.key} {change.first} -> {change.second}" for change in asked_otherwise(earlier, report))
    return f"Against revision {revision}: {asked or 'nothing it asks for'}. Against the session before: {told}"


def _next(report: SignalReport, found: Sequence[Trigger]) -> str:
    by_themselves = [trigger for trigger in found if trigger.changes_target and trigger.days <= 0.0]
    first = nearest(found)
    if first is None:
        waiting = [trigger for trigger in found if trigger.test.startswith("Trend") and trigger.days == NEVER]
        later = f"; {waiting[0].sentence}" if waiting else ""
        return f"Nothing can change the target at the close of {report.effective_session}{later}."
    told = "; ".join(trigger.sentence for trigger in by_themselves or [first])
    return f"At the close of {report.effective_session}, {told}."


def _data(report: SignalReport, before: SignalReport | None) -> str:
    inputs, bad = report.inputs, degraded(report)
    close = "" if not report.flags else f"; a decision was close to its limit ({_flagged(report)})"
    doubts = {doubt for hedge in report.hedges for doubt in hedge.doubts}
    own = f"; the hedges lack or replace {count(len(doubts), 'input')} of their own" if doubts else ""
    if bad:
        known = degraded(before) if before is not None and before.effective_session == report.session else None
        names = listed([item.label for item in bad])
        anew = [item.label for item in bad if known is not None and item.label not in {each.label for each in known}]
        since = "" if known is None else ", as the session before" if not anew else f", {listed(anew)} since today"
        trust = close or "; no decision was close enough to its limit to be flagged"
        return f"Degraded: {len(bad)} of {len(inputs)} inputs are substitutes or disputed ({names}){since}{trust}{own}."
    if report.health != "OK":
        noted = listed([item.label for item in inputs if item.severity != "OK"])
        return f"Good, with a note on {noted}: all {len(inputs)} inputs are there and none is a substitute{close}{own}."
    return f"Good: all {len(inputs)} inputs are there, and none is a substitute or disputed{close}{own}."


def _flagged(report: SignalReport) -> str:
    return listed([flag.name for flag in report.flags])


def degraded(report: SignalReport) -> list[ReportInput]:
    """The inputs of a report that stand in for others or are disputed."""
    return [item for item in report.inputs if item.severity == DEGRADED]


def _hedge(hedge: HedgeSignal) -> str:
    if hedge.unavailable is not None:
        return f"No signal: {hedge.unavailable}."
    verdict, scored = hedge.verdict.rstrip("."), score(hedge)
    if scored and verdict.startswith(f"{hedge.state}:"):
        verdict = verdict.replace(f"{hedge.state}:", f"{hedge.state}, {scored}:", 1)
    elif scored:
        verdict = f"{verdict}; {scored}"
    parts = [verdict]
    due = next_date(hedge)
    if due is not None and not actions(hedge):
        layer, day, what = due
        parts.append(f"{layer} {'expires on' if what == 'expiry' else 'is due to roll at the close of'} {day}")
    if told := cost(hedge):
        parts.append(told)
    return f"{'; '.join(parts)}."
