"""What a report says, section by section: words, figures and tables, which every rendering shows alike."""

from __future__ import annotations

import datetime as dt
from itertools import groupby

from reports.hedge_sections import actions, hedge_sections
from reports.tables import NOTHING, Section, Table, percent, signed
from signals.approvals import Approval
from signals.series import BASE_SESSION
from signals.veqtor.report import (
    FuturesLeg,
    IndexLevel,
    Instruction,
    ReportInput,
    SignalReport,
    VariantSignal,
    Weights,
)

_INDEX_NAMES = {
    "veqtor": "S&P 500 Dynamic VEQTOR",
    "veqtor-mid-term": "S&P 500 Dynamic VEQTOR Mid-Term",
    "veqtor-overlay": "VEQTOR overlay, own construction",
    "sp500-total-return": "S&P 500 Total Return",
    "vix-short-term": "S&P 500 VIX Short-Term Futures",
    "vix-mid-term": "S&P 500 VIX Mid-Term Futures",
}
_HASH_DIGITS = 8


def sections(report: SignalReport) -> tuple[Section, ...]:
    """Every section of a report, in the order in which it is read."""
    return (
        _changes(report),
        _instruction(report),
        _weights(report),
        *(_variant(variant, report) for variant in report.variants),
        _reasons(report),
        *hedge_sections(report),
        _levels(report),
        *_events(report),
        _inputs(report),
    )


def _changes(report: SignalReport) -> Section:
    acting = [f"Hedge {hedge.rule_set}: {told}." for hedge in report.hedges if (told := actions(hedge))]
    same = "same regime, trend, stop-loss test and target as the day before."
    unchanged = f"{'VEQTOR' if acting else 'Nothing'}: {same}"
    return Section("What changed", (*(report.changes or (unchanged,)), *acting))


def _instruction(report: SignalReport) -> Section:
    order = report.instruction
    sentences = [
        f"At the close of {moment(report.effective_at)}, for a portfolio of {order.notional_usd:,.0f} USD. "
        f"Backing for VX (Treasury bills): {order.volatility_usd:,.0f} USD. Cash: {order.cash_usd:,.0f} USD."
    ]
    if order.legs:
        expiries = "".join(f" {leg.contract} expires {leg.expiry}." for leg in order.legs)
        sentences.append(
            f"VX is priced in points at the settlements of {report.session}, {order.point_value_usd:,.0f} USD a point; "
            f"its legs roll every day, also when no weight changes. Whole contracts are "
            f"{signed(order.rounding_error_usd, 0)} USD of exposure away from the fractional target.{expiries}"
        )
        if not any(leg.target_rounded for leg in order.legs) and order.volatility_usd:
            sentences.append("The portfolio is too small to hold a whole contract.")
    sentences += order.warnings
    return Section("Instruction", tuple(sentences), _orders(order))


def _orders(order: Instruction) -> Table:
    equity = (
        "S&P 500, USD",
        NOTHING,
        f"{order.equity_usd - order.equity_trade_usd:,.0f}",
        f"{order.equity_usd:,.0f}",
        signed(order.equity_trade_usd, 0),
        NOTHING,
    )
    header = ("Instrument", "Price", "Hold now", "Hold next", "Trade", "Whole (trade)")
    rows = (equity, *(_leg_row(leg) for leg in order.legs))
    return Table(header, rows, frozenset({1, 2, 3, 4, 5}))


def _variant(variant: VariantSignal, report: SignalReport) -> Section:
    title = f"Variant: {_INDEX_NAMES[variant.name]}"
    if variant.target is None or variant.held is None or variant.level is None or variant.instruction is None:
        return Section(title, (f"No signal: {variant.unavailable}.",))
    kept = "Keep" if variant.target == variant.held else "Move to"
    overlay = variant.name == "veqtor-overlay"
    stop = "on" if variant.stop_loss else "off"
    ran = variant.excess_return_5d
    five_days = "" if ran is None or overlay else f", five-day excess return {signed(ran * 100, 2)}%"
    change = NOTHING if variant.level.change is None else f"{signed(variant.level.change * 100, 2)}%"
    sentences = [
        f"{kept} {holding(variant.target, with_sign=overlay)} from the close of {report.effective_session}. "
        f"Stop-loss {stop}{five_days}.",
        f"Level {_level(variant.level.total_return)} ({change}), 100,000 on {variant.levels_since}.",
        *(f"{flag.name}: {flag.text}" for flag in variant.flags),
        *variant.instruction.warnings,
    ]
    if overlay:
        whole = "; under the stop-loss it sells all of it" if variant.stop_loss else ""
        sentences.insert(1, f"Unfunded, in addition to a holding of the S&P 500: its weights sum to zero{whole}.")
    return Section(title, tuple(sentences), _orders(variant.instruction))


def holding(weights: Weights, *, with_sign: bool) -> str:
    """Weights that are not zero, each with its component."""
    parts = ((weights.equity, "S&P 500"), (weights.volatility, "VIX futures"), (weights.cash, "cash"))
    return ", ".join(
        f"{'+' if with_sign and weight > 0 else ''}{percent(weight)} {name}" for weight, name in parts if weight
    )


def _leg_row(leg: FuturesLeg) -> tuple[str, ...]:
    return (
        f"{leg.contract}, contracts",
        f"{leg.settlement:g}",
        f"{leg.held:.2f}",
        f"{leg.target:.2f}",
        signed(leg.trade, 2),
        f"{leg.target_rounded:d} ({leg.trade_rounded:+d})",
    )


def _events(report: SignalReport) -> list[Section]:
    """What is announced for the next sessions, and what is not known; a report of an older version has neither."""
    ahead = report.events
    if ahead is None:
        return []
    known = [f"{event.kind} on {event.day:%A} {event.day}." for event in ahead.events]
    sentences = known or ([] if ahead.unknown else [f"None up to {ahead.through}."])
    if ahead.unknown:
        sentences.append(f"Not known up to {ahead.through}, as no schedule reaches so far: {', '.join(ahead.unknown)}.")
    return [Section("Events", tuple(sentences))]


def _weights(report: SignalReport) -> Section:
    def row(name: str, weights: Weights, meaning: str) -> tuple[str, ...]:
        return (name, percent(weights.equity), percent(weights.volatility), percent(weights.cash), meaning)

    return Section(
        "Weights",
        table=Table(
            ("", "Equity", "VIX futures", "Cash", ""),
            (
                row("Earned", report.earned, f"the return into {report.session}"),
                row("Held", report.held, f"from the close of {report.session}"),
                row("Target", report.target, f"from the close of {report.effective_session}"),
            ),
            frozenset({1, 2, 3}),
        ),
    )


def _reasons(report: SignalReport) -> Section:
    rows = (
        ("Realised volatility, 22 sessions", f"{report.regime.volatility * 100:.2f}%", report.regime.name),
        ("Implied-volatility trend", _averages(report), report.trend.name),
        ("Five-day stop-loss", _five_days(report), "ON" if report.stop_loss.active else "off"),
    )
    next_changes = (
        f"Volatility: {_next_regime(report)}.",
        f"Trend: {_next_trend(report)}. MA5 and MA20 are means of the last 5 and 20 closes of the VIX.",
        f"Stop-loss: {_next_stop(report)}.",
    )
    return Section("Why, and how far the next change is", next_changes, Table(("Test", "Value", "State"), rows))


def _next_regime(report: SignalReport) -> str:
    regime = report.regime
    parts = []
    if regime.upper_edge is not None and regime.next_rise is not None and regime.next_fall is not None:
        parts.append(
            f"{regime.upper_edge * 100:g}% is {(regime.upper_edge - regime.volatility) * 100:.2f} points up: reached "
            f"at the next close by a rise of {regime.next_rise * 100:.2f}% or a fall of {regime.next_fall * 100:.2f}%"
        )
    if regime.lower_edge is not None:
        quiet = f"a flat day would give {regime.quiet_next * 100:.2f}%"
        parts.append(
            f"{regime.lower_edge * 100:g}% is {(regime.volatility - regime.lower_edge) * 100:.2f} points down; {quiet}"
        )
    return "; ".join(parts)


def _averages(report: SignalReport) -> str:
    trend = report.trend
    return f"MA5 {trend.short_average:.2f}, MA20 {trend.long_average:.2f}"


def _next_trend(report: SignalReport) -> str:
    trend = report.trend
    side = "at or above" if trend.up else "below"
    count = f"{trend.run} session{'s' if trend.run != 1 else ''} in a row with MA5 {side} MA20"
    if trend.run < trend.needed:
        direction = "uptrend" if trend.up else "downtrend"
        count += f", {trend.needed - trend.run} more make a{'n' if trend.up else ''} {direction}"
    if trend.next_vix <= 0:
        return f"{count}; MA5 stays above at the next close whatever the VIX"
    return f"{count}; MA5 is at or above MA20 at the next close if the VIX is at {trend.next_vix:.2f} or higher"


def _five_days(report: SignalReport) -> str:
    value = report.stop_loss.excess_return_5d
    return "fewer than five days" if value is None else f"{signed(value * 100, 2)}% excess return"


def _next_stop(report: SignalReport) -> str:
    stop = report.stop_loss
    if stop.excess_return_5d is None or stop.next_excess_return is None:
        return f"on at {stop.limit * 100:g}% or less"
    distance = (stop.excess_return_5d - stop.limit) * 1e4
    side = "above" if distance > 0 else "below"
    trigger = f"on at the next close after an excess return of {signed(stop.next_excess_return * 100, 2)}% or less"
    return f"{abs(distance):.0f} bp {side} the limit of {stop.limit * 100:g}%; {trigger}"


def _levels(report: SignalReport) -> Section:
    rows = tuple(_level_row(_INDEX_NAMES[name], level) for name, level in report.indices.items())
    sentences = ["The return into this session was earned in cash, under the stop-loss."] if report.in_cash else []
    sentences.append(f"100,000 on {report.levels_since}, but for the S&P 500 Total Return, which is on its own scale.")
    if report.levels_since != BASE_SESSION:
        sentences.append(
            "The loaded history begins then: decisions, weights and orders are exact, but these are not the levels of "
            f"the published indices, which count from {BASE_SESSION}."
        )
    sentences += [
        f"{_INDEX_NAMES[name]}: no level, as a settlement it needs is or was missing."
        for name, level in report.indices.items()
        if level.total_return is None
    ]
    header = ("Index", "Total return", "Excess return", "Change")
    return Section("Index levels", tuple(sentences), Table(header, rows, frozenset({1, 2, 3})))


def _level_row(name: str, level: IndexLevel) -> tuple[str, ...]:
    return (
        name,
        _level(level.total_return),
        _level(level.excess_return),
        NOTHING if level.change is None else f"{signed(level.change * 100, 2)}%",
    )


def _level(value: float | None) -> str:
    if value is None:
        return NOTHING
    # The short-term index has lost five digits since its base.
    return f"{value:,.2f}" if value >= 100.0 else f"{value:.5g}"


def _inputs(report: SignalReport) -> Section:
    rows = tuple(_input_row(item) for item in report.inputs)
    sentences = tuple(f"{item.label}: {item.remark}." for item in report.inputs if item.remark)
    header = ("Input", "Value", "Day", "Publisher", "File", "State")
    return Section(f"Inputs: {report.health}", sentences, Table(header, rows, frozenset({1})))


def _input_row(item: ReportInput) -> tuple[str, ...]:
    value = NOTHING if item.value is None else f"{item.value:,.4f}".rstrip("0").rstrip(".")
    payload = (item.payload or NOTHING)[:_HASH_DIGITS]
    return (f"{item.label}, {item.unit}", value, item.day.isoformat(), item.publisher, payload, item.severity)


def approved(report: SignalReport) -> list[str]:
    """Who approved the rule sets, where somebody had to."""
    if not report.approvals:
        return []
    by_rule_set = groupby(report.approvals, lambda each: f"{each.rule_set} {each.rule_set_digest}")
    named = (f"{name} by {', '.join(_signed(each) for each in approvals)}" for name, approvals in by_rule_set)
    return [f"Approved: {'; '.join(named)}."]


def _signed(approval: Approval) -> str:
    return f"{approval.approver} ({approval.signed_at.astimezone(dt.UTC):%Y-%m-%d})"


def moment(instant: dt.datetime) -> str:
    """An instant in New York."""
    return f"{instant:%A %Y-%m-%d %H:%M} New York"
