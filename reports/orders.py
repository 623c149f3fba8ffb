"""What a holder of VEQTOR or of a variant does at the close a report acts at."""

from __future__ import annotations

from collections.abc import Iterator

from reports.tables import NOTHING, Section, Table, signed
from reports.words import holding, moment
from signals.veqtor.report import FuturesLeg, IndexLevel, Instruction, SignalReport, VariantSignal

INDEX_NAMES = {
    "veqtor": "S&P 500 Dynamic VEQTOR",
    "veqtor-mid-term": "S&P 500 Dynamic VEQTOR Mid-Term",
    "veqtor-overlay": "VEQTOR overlay, own construction",
    "sp500-total-return": "S&P 500 Total Return",
    "vix-short-term": "S&P 500 VIX Short-Term Futures",
    "vix-mid-term": "S&P 500 VIX Mid-Term Futures",
}


#: The variant whose weights are added to a holding.
OVERLAY = "veqtor-overlay"


def orders(report: SignalReport) -> Section:
    """The orders that reach VEQTOR's target."""
    order = report.instruction
    backing = (
        f"{order.volatility_usd:,.0f} USD in Treasury bills back the VIX futures, " if order.volatility_usd else ""
    )
    sentences = [f"For a portfolio of {order.notional_usd:,.0f} USD; {backing}{order.cash_usd:,.0f} USD are cash."]
    if order.legs:
        expiries = " ".join(f"{leg.contract} expires {leg.expiry}." for leg in order.legs)
        sentences.append(
            f"VIX futures are counted in contracts of {order.point_value_usd:,.0f} USD a point, priced in points at "
            f"the settlements of {report.session}, and roll every session. Whole contracts are "
            f"{signed(order.rounding_error_usd, 0)} USD of exposure away from the target. {expiries}"
        )
        if not any(leg.target_rounded for leg in order.legs) and order.volatility_usd:
            sentences.append("The portfolio is too small to hold a whole contract.")
    sentences += order.warnings
    title = f"Orders for the close of {moment(report.effective_at)}"
    return Section(title, tuple(sentences), _table(order), key="actions")


def variant_orders(variant: VariantSignal, report: SignalReport) -> Section:
    """The orders that reach the target of a variant."""
    title = f"Orders of {INDEX_NAMES[variant.name]}"
    if variant.target is None or variant.held is None or variant.instruction is None:
        return Section(title, (f"No signal: {variant.unavailable}.",), key="actions")
    kept = "Keep" if variant.target == variant.held else "Move to"
    told = holding(variant.target, with_sign=variant.name == OVERLAY)
    sentences = [f"{kept} {told} from the close of {report.effective_session}.", *variant.instruction.warnings]
    return Section(title, tuple(sentences), _table(variant.instruction), key="actions")


def variant_section(variant: VariantSignal) -> Iterator[Section]:
    """What a variant's target follows from, where it has one."""
    if variant.target is None or variant.level is None:
        return
    overlay, ran = variant.name == OVERLAY, variant.excess_return_5d
    five_days = "" if ran is None or overlay else f", five-day excess return {signed(ran * 100, 2)}%"
    sentences = [
        f"Stop-loss {'on' if variant.stop_loss else 'off'}{five_days}.",
        f"Level {level(variant.level.total_return)} ({change(variant.level)}), 100,000 on {variant.levels_since}.",
        *(f"{flag.name}: {flag.text}" for flag in variant.flags),
    ]
    if overlay:
        whole = "; under the stop-loss it sells all of it" if variant.stop_loss else ""
        sentences.insert(1, f"Unfunded, in addition to a holding of the S&P 500: its weights sum to zero{whole}.")
    yield Section(f"Variant: {INDEX_NAMES[variant.name]}", tuple(sentences), key="veqtor", detail=True)


def level(value: float | None) -> str:
    """The level of an index, in index points."""
    if value is None:
        return NOTHING
    # The short-term index has lost five digits since its base.
    return f"{value:,.2f}" if value >= 100.0 else f"{value:.5g}"


def change(found: IndexLevel) -> str:
    """The daily total return of an index."""
    return NOTHING if found.change is None else f"{signed(found.change * 100, 2)}%"


def _table(order: Instruction) -> Table:
    equity = (
        "S&P 500, USD",
        NOTHING,
        f"{order.equity_usd - order.equity_trade_usd:,.0f}",
        f"{order.equity_usd:,.0f}",
        signed(order.equity_trade_usd, 0),
        NOTHING,
    )
    header = ("Instrument", "Price", "Hold now", "Hold next", "Trade", "Whole (trade)")
    return Table(header, (equity, *map(_leg, order.legs)), frozenset({1, 2, 3, 4, 5}))


def _leg(leg: FuturesLeg) -> tuple[str, ...]:
    return (
        f"{leg.contract}, contracts",
        f"{leg.settlement:g}",
        f"{leg.held:.2f}",
        f"{leg.target:.2f}",
        signed(leg.trade, 2),
        f"{leg.target_rounded:d} ({leg.trade_rounded:+d})",
    )
