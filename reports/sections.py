"""What a report says, section by section: words, figures and tables, which every rendering shows alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby

from reports.context import ReportContext
from reports.hedge_risk import budget_section, hedge_distances, hedge_doubts, stress_section
from reports.hedge_sections import hedge_orders, hedge_states
from reports.numbers import both
from reports.orders import INDEX_NAMES, change, level, orders, variant_orders, variant_section
from reports.past_calls import past_calls, past_calls_section
from reports.tables import NOTHING, Section, Table, percent, signed
from reports.triggers import SESSIONS_PER_YEAR, TYPICAL_VIX_MOVE, Trigger, five_day_figure, volatility_figure
from reports.words import count, listed
from signals.approvals import Approval
from signals.series import BASE_SESSION
from signals.veqtor.report import ReportInput, SignalReport, Weights
from storage.figures import SessionFigures

_HASH_DIGITS = 8

#: Daily figures that are set beside those of the session before: name, field, factor and digits.
_COMPARED = (
    ("S&P 500, points", "spx", 1.0, 2),
    ("VIX, points", "vix", 1.0, 2),
    ("30-day VIX future, points", "constant_maturity_30d", 1.0, 2),
    ("Realised volatility, %", "realised_volatility", 100.0, 2),
    ("VIX, 5-session mean (MA5), points", "short_average", 1.0, 2),
    ("VIX, 20-session mean (MA20), points", "long_average", 1.0, 2),
    ("Five-day excess return, %", "excess_return_5d", 100.0, 2),
)


def sections(report: SignalReport, context: ReportContext | None, found: Sequence[Trigger]) -> tuple[Section, ...]:
    """Every section of a report but its provenance, in the order in which it is read."""
    return (
        _changes(report, context),
        orders(report),
        *(variant_orders(variant, report) for variant in report.variants),
        *hedge_orders(report),
        _veqtor(report),
        *(section for variant in report.variants for section in variant_section(variant)),
        _levels(report),
        *hedge_states(report),
        *budget_section(report),
        *stress_section(report),
        *_distances(report, found),
        *_events(report),
        *_past_calls(report, context),
        _data(report),
    )


def _changes(report: SignalReport, context: ReportContext | None) -> Section:
    before = day_before(report, context)
    since = f"session {before.session}" if before else "the session before"
    sentences = report.changes or ("VEQTOR: same regime, trend, stop-loss test and target.",)
    told = [f"{hedge.rule_set}: {sentence}" for hedge in report.hedges for sentence in hedge.changes]
    still = [hedge.rule_set for hedge in report.hedges if hedge.unavailable is None and not hedge.changes]
    if still:
        told.append(f"{listed(still)}: nothing was traded, same hedge state.")
    table = _compared(before, context.history[-1]) if before and context else None
    return Section(f"Changed since {since}", (*sentences, *told), table, key="changes", detail=True)


def day_before(report: SignalReport, context: ReportContext | None) -> SessionFigures | None:
    """The figures of the session before, where they are stored."""
    if context is None or len(context.history) < 2 or context.history[-1].session != report.session:
        return None
    before = context.history[-2]
    return before if before.effective_session == report.session else None


def _compared(before: SessionFigures, now: SessionFigures) -> Table:
    rows = []
    for name, field, factor, digits in _COMPARED:
        first, second = (getattr(figures, field) for figures in (before, now))
        if first is not None and second is not None:
            figures = (f"{first * factor:,.{digits}f}", f"{second * factor:,.{digits}f}")
            rows.append((name, *figures, signed((second - first) * factor, digits)))
    return Table(("Figure", "Before", "Now", "Change"), tuple(rows), frozenset({1, 2, 3}))


def _veqtor(report: SignalReport) -> Section:
    def row(name: str, weights: Weights, meaning: str) -> tuple[str, ...]:
        return (name, percent(weights.equity), percent(weights.volatility), percent(weights.cash), meaning)

    return Section(
        "VEQTOR: weights, and the tests behind them",
        tests(report),
        Table(
            ("Weights", "S&P 500", "VIX futures", "Cash", ""),
            (
                row("Earned", report.earned, f"the return into {report.session}"),
                row("Held", report.held, f"from the close of {report.session}"),
                row("Target", report.target, f"from the close of {report.effective_session}"),
            ),
            frozenset({1, 2, 3}),
        ),
        key="veqtor",
        detail=True,
    )


def tests(report: SignalReport) -> tuple[str, str, str]:
    """The three tests of a session, a sentence each: state, figures and rule."""
    regime, trend, stop = report.regime, report.trend, report.stop_loss
    side = "at or above" if trend.up else "below"
    short, long = both(trend.short_average, trend.long_average)
    if stop.excess_return_5d is None:
        ran = "there are fewer than five days of returns"
    else:
        against = "at or below" if stop.active else "above"
        ran = f"VEQTOR's excess return of five days is {five_day_figure(stop)}%, {against} "
        ran += f"{stop.limit * 100:g}%"
    return (
        f"Realised volatility is {volatility_figure(regime)}% a year over 22 sessions: regime {regime.name}.",
        f"The VIX's 5-session mean (MA5, {short} points) has been {side} its 20-session mean (MA20, "
        f"{long}) for {count(trend.run, 'session')}; {trend.needed} in a row make a trend: "
        f"{trend.name}.",
        f"The stop-loss is {'on' if stop.active else 'off'}: {ran}.",
    )


def _levels(report: SignalReport) -> Section:
    rows = tuple(
        (INDEX_NAMES[name], level(found.total_return), level(found.excess_return), change(found))
        for name, found in report.indices.items()
    )
    sentences = ["The return into this session was earned in cash, under the stop-loss."] if report.in_cash else []
    sentences.append(f"100,000 on {report.levels_since}, but for the S&P 500 Total Return, which is on its own scale.")
    if report.levels_since != BASE_SESSION:
        sentences.append(
            "The loaded history begins then: decisions, weights and orders are exact, but these are not the levels of "
            f"the published indices, which count from {BASE_SESSION}."
        )
    sentences += [
        f"{INDEX_NAMES[name]}: no level, as a settlement it needs is or was missing."
        for name, found in report.indices.items()
        if found.total_return is None
    ]
    header = ("Index points", "Total return", "Excess return", "Change")
    return Section(
        "Index levels", tuple(sentences), Table(header, rows, frozenset({1, 2, 3})), key="veqtor", detail=True
    )


def _distances(report: SignalReport, found: Sequence[Trigger]) -> Iterator[Section]:
    rows = [(each.test, each.now, each.changes_at, each.distance, each.moved_by) for each in found]
    usual = report.regime.volatility / SESSIONS_PER_YEAR**0.5
    sentence = (
        f"At the close of {report.effective_session}, everything else equal. On a usual day the S&P 500 moves by "
        f"{usual * 100:.2f}%, and the VIX by {TYPICAL_VIX_MOVE * 100:g}% of its level."
    )
    header = ("Test", "Now", "Changes at", "Distance", "What moves it")
    yield Section("Distance to the next changes", (sentence,), Table(header, tuple(rows)), key="distance")
    if of_hedges := tuple(hedge_distances(report)):
        sentence = "The next date of each hedge, its indicator that is nearest to turning, and its budget's next limit."
        header = ("Hedge", "Now", "Changes at", "Distance", "What moves it")
        yield Section("Distances of the hedges", (sentence,), Table(header, of_hedges), key="distance")


def _events(report: SignalReport) -> list[Section]:
    """What is announced for the next sessions, and what is not known; a report of an older version has neither."""
    ahead = report.events
    if ahead is None:
        return []
    known = [f"{event.kind} on {event.day:%A} {event.day}." for event in ahead.events]
    sentences = known or ([] if ahead.unknown else [f"None up to {ahead.through}."])
    if ahead.unknown:
        sentences.append(f"Not known up to {ahead.through}, as no schedule reaches so far: {', '.join(ahead.unknown)}.")
    return [Section("Events ahead", tuple(sentences), key="events")]


def _past_calls(report: SignalReport, context: ReportContext | None) -> list[Section]:
    """What followed earlier sessions in the same state, where history is stored."""
    if context is None or not context.history:
        return []
    return [past_calls_section(past_calls(context.history, report.session))]


def _data(report: SignalReport) -> Section:
    rows = tuple(_input_row(item) for item in report.inputs)
    sentences = tuple(f"{item.label}: {item.remark}." for item in report.inputs if item.remark)
    header = ("Input", "Value", "Day", "Publisher", "File", "State")
    return Section(
        f"Data: {report.health}",
        (*sentences, *hedge_doubts(report.hedges)),
        Table(header, rows, frozenset({1})),
        key="data",
        detail=True,
    )


def _input_row(item: ReportInput) -> tuple[str, ...]:
    value = NOTHING if item.value is None else f"{item.value:,.4f}".rstrip("0").rstrip(".")
    payload = (item.payload or NOTHING)[:_HASH_DIGITS]
    return (f"{item.label}, {item.unit}", value, item.day.isoformat(), item.publisher, payload, item.severity)


def provenance(report: SignalReport, revision: int, emitted: str) -> Section:
    """What a report was made with, when, and who approved it."""
    sentences = [f"Rule set {report.rule_set} {report.rule_set_digest}, revision {revision}, {emitted}."]
    if report.hedges:
        named = ", ".join(f"{hedge.rule_set} {hedge.rule_set_digest}" for hedge in report.hedges)
        sentences.append(
            f"Hedges: {named}: own definitions of systems described in public; their gains are those of a paper "
            "account."
        )
    if report.approvals:
        by_rule_set = groupby(report.approvals, lambda each: f"{each.rule_set} {each.rule_set_digest}")
        names = (f"{name} by {', '.join(_signed(each) for each in approvals)}" for name, approvals in by_rule_set)
        sentences.append(f"Approved: {'; '.join(names)}.")
    if report.calendar:
        sentences.append(f"Trading calendar: {report.calendar}.")
    return Section("Provenance", tuple(sentences), key="provenance")


def _signed(approval: Approval) -> str:
    return f"{approval.approver} ({approval.signed_at.astimezone(dt.UTC):%Y-%m-%d})"
