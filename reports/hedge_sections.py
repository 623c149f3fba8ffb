"""What a report says of the layered VIX hedges: decisions first, then reasons, risk, budget, and what they rest on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from reports.tables import NOTHING, Section, Table, money
from signals.alvh.history import instrument_of
from signals.alvh.report import (
    HOLD,
    MIXED,
    MODEL,
    NONE,
    OBSERVED,
    SETTLEMENT,
    HedgeSignal,
    LayerTarget,
    Package,
    Reading,
)
from signals.veqtor.report import SignalReport

MODEL_LIMITS = (
    "Prices marked m are the option model's: median error 12% on the one day that could be checked; weeklies, far "
    "strikes and tenors other than a month are extrapolated. docs/hedge.md has the limits."
)

_STANDS_STILL = (HOLD, NONE)
_SHOWN = "shown"
_BASES = {MODEL: "m", OBSERVED: "o", SETTLEMENT: "s", MIXED: "x"}


def hedge_sections(report: SignalReport) -> tuple[Section, ...]:
    """The sections of every hedge, in the order in which they are read; none where no hedge is configured."""
    found = [section for hedge in report.hedges for section in _hedge(hedge, report)]
    found += _indicators(report.hedges, report.session)
    found += _macro(report.macro)
    found += _limits(report.hedges)
    return tuple(found)


def actions(hedge: HedgeSignal) -> str:
    """The layers that do something, each with what it does, such as ``l1 OPEN, l2 ROLL``; empty if none does."""
    return ", ".join(f"{layer.layer} {layer.action}" for layer in hedge.layers if layer.action not in _STANDS_STILL)


def _hedge(hedge: HedgeSignal, report: SignalReport) -> Iterator[Section]:
    if hedge.unavailable is not None:
        yield Section(f"Hedge {hedge.rule_set}", (f"No signal: {hedge.unavailable}.",))
        return
    yield _targets(hedge, report)
    yield _reasons(hedge)
    yield _held(hedge)
    yield _risk(hedge, report)
    yield _budget(hedge)


def _targets(hedge: HedgeSignal, report: SignalReport) -> Section:
    sentences = [hedge.verdict]
    if others := [other.rule_set for other in report.hedges if other is not hedge]:
        beside = f"; an alternative to {' and '.join(others)}"
    else:
        beside = ""
    sentences.append(
        f"A proposal of its own for a portfolio of {hedge.notional_usd:,.0f} USD in the S&P 500: no part of VEQTOR's "
        f"weights{beside}. Whoever begins today buys what stands under Next."
    )
    if hedge.begins_late:
        sentences.append(
            f"The book begins on {hedge.inception}, where the loaded history lets it: what it holds is not what a "
            "longer history would, until every layer has been rolled once."
        )
    sentences += [f"{layer.layer}: {warning}" for layer in hedge.layers for warning in layer.warnings]
    sentences += hedge.changes or ("Nothing changed since the session before.",)
    sentences += _orders(hedge, report)
    sentences.append(
        f"Contracts to hold from the close of {report.effective_session}, whole ones with their trade in brackets. "
        f"Marks are in points of 100 USD at the close of {report.session}: m model, o observed, s settled, x both."
    )
    header = ("Layer", "Do", "Contract", "Now", "Next", "Whole", "Mark")
    rows = tuple(row for layer in hedge.layers for row in _target_rows(layer))
    return Section(
        f"Hedge {hedge.rule_set}: {hedge.description}", tuple(sentences), Table(header, rows, _columns(3, 6))
    )


def _orders(hedge: HedgeSignal, report: SignalReport) -> list[str]:
    """What the orders come to at the marks of the session."""
    parts = []
    for layer in hedge.layers:
        sold, bought = _flows(layer)
        told = [f"{word} {abs(amount):,.0f}" for word, amount in (("sells", sold), ("buys", bought)) if amount]
        if told:
            parts.append(f"{layer.layer} {' and '.join(told)}")
    if not parts:
        return []
    return [
        f"Orders at these marks, USD: {'; '.join(parts)}. They are filled at the close of {report.effective_session}, "
        "whatever the prices are then: these can be several times as high."
    ]


def _flows(layer: LayerTarget) -> tuple[float, float]:
    """What a layer sells and what it buys, USD at the marks of the session."""
    held, target = layer.held, layer.target
    if held is not None and target is not None and instrument_of(held) == instrument_of(target):
        change = (target.value_usd or 0.0) - (held.value_usd or 0.0)
        return max(-change, 0.0), max(change, 0.0)
    sold = held.value_usd or 0.0 if held is not None else 0.0
    return sold, target.value_usd or 0.0 if target is not None else 0.0


def _target_rows(layer: LayerTarget) -> Iterator[tuple[str, ...]]:
    """A row of what is held next, and one of what is held now where that is something else."""
    held, target = layer.held, layer.target
    same = held is not None and target is not None and instrument_of(held) == instrument_of(target)
    if held is None and target is None:
        yield (layer.layer, layer.action, *[NOTHING] * 5)
    if held is not None and not same:
        whole = f"0 ({-held.contracts_rounded:+d})" if held.contracts_rounded else "0 (+0)"
        yield (layer.layer, layer.action, _contract(held), f"{held.contracts:,.2f}", "0.00", whole, _mark(held))
    if target is not None:
        now = held.contracts if same and held is not None else 0.0
        before = held.contracts_rounded if same and held is not None else 0
        whole = f"{target.contracts_rounded:,d} ({target.contracts_rounded - before:+d})"
        counts = (f"{now:,.2f}", f"{target.contracts:,.2f}", whole)
        yield (layer.layer, layer.action, _contract(target), *counts, _mark(target))


def _contract(package: Package) -> str:
    """Expiry and legs of a package: ``2020-04-15 +25/-45`` is a call bought and one sold."""
    legs = "/".join(
        f"{leg.ratio:+d}".replace("1", "") + ("x" if abs(leg.ratio) > 1 else "") + f"{leg.strike:g}"
        for leg in package.legs
        if leg.strike is not None
    )
    return f"{package.expiry} {legs or 'VX'}" + ("% of VXX" if package.instrument == "vxx-call" else "")


def _mark(package: Package) -> str:
    return NOTHING if package.price is None else f"{_plain(package.price)} {_BASES.get(package.basis, package.basis)}"


def _plain(value: float) -> str:
    """Two decimals, and nothing without a sign."""
    shown = f"{value:,.2f}"
    return "0.00" if shown == "-0.00" else shown


def _reasons(hedge: HedgeSignal) -> Section:
    sentences = [hedge.state_reason] if hedge.state_reason and hedge.sizes_by_state else []
    sentences += hedge.remarks
    sentences += [f"{layer.layer}, {layer.label}: {layer.reason}{_next_roll(layer)}" for layer in hedge.layers]
    return Section(f"{hedge.rule_set}: why", tuple(sentences))


def _next_roll(layer: LayerTarget) -> str:
    """When a layer that is bought or changed is rolled; one that is held says so itself."""
    if layer.next_roll is None or layer.action in _STANDS_STILL:
        return ""
    what = "Held to its expiry on" if layer.next_roll_is_expiry else "Its next roll is decided at the close of"
    return f" {what} {layer.next_roll}."


def _held(hedge: HedgeSignal) -> Section:
    columns: list[tuple[float | None, ...]] = [
        (
            None if layer.held is None else layer.held.value_usd,
            layer.cost_usd,
            layer.received_usd,
            layer.position_pnl_usd,
            layer.pnl_usd,
        )
        for layer in hedge.layers
    ]
    rows = [(layer.layer, *map(money, values)) for layer, values in zip(hedge.layers, columns, strict=True)]
    rows.append(("All", *(money(_sum(column)) for column in zip(*columns, strict=True))))
    header = ("Layer", "Worth", "Paid", "Sold so far", "Gain", "Gain of the layer")
    sentence = (
        f"USD, of fractional contracts, at this close. Gain is worth and sales less what was paid; that of the layer "
        f"counts from {hedge.inception}."
    )
    return Section(f"{hedge.rule_set}: held now", (sentence,), Table(header, tuple(rows), _columns(1, 5)))


def _risk(hedge: HedgeSignal, report: SignalReport) -> Section:
    names = [layer.layer for layer in hedge.layers]
    packages = [layer.target for layer in hedge.layers]
    columns: dict[str, list[float | None]] = {
        "Worth": [None if package is None else package.value_usd for package in packages],
        "Delta, a point of its future": [None if package is None else package.delta_usd for package in packages],
        "Vega, a volatility point": [None if package is None else package.vega_usd for package in packages],
        "Theta, a calendar day": [None if package is None else package.theta_usd for package in packages],
    }
    rows = [(name, money(_sum(values)), *map(money, values)) for name, values in columns.items()]
    for item in hedge.stress:
        by_layer = [money(item.by_layer.get(name)) for name in names]
        rows.append((f"{item.scenario}, to {item.vix:.2f}", money(item.pnl_usd), *by_layer))
    header = ("USD", "All", *names)
    return Section(
        f"{hedge.rule_set}: held from the close of {report.effective_session}",
        ("At the marks of this close. Below, what a shock of the day gains or loses, and the VIX it leads to.",),
        Table(header, tuple(rows), _columns(1, len(header) - 1)),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of what is there; None of nothing."""
    there = [value for value in values if value is not None]
    return sum(there) if there else None


def _budget(hedge: HedgeSignal) -> Section:
    sentences, budget, ledger = [], hedge.budget, hedge.ledger
    if budget is not None:
        cost = f"{'cost' if budget.net_cost > 0 else 'earned'} {abs(budget.net_cost) * 100:.2f}% of the notional"
        sofar = f" ({budget.sessions} so far)" if budget.sessions < budget.window else ""
        limits = [
            f"{name} at a cost of {limit * 100:g}%"
            for name, limit in (("alarm", budget.alarm), ("stop", budget.stop))
            if limit is not None
        ]
        standing = {"alarm": " It is over its alarm.", "stop": " It is over its stop: purchases are cut."}
        sentences.append(
            f"In the last {budget.window} sessions{sofar} the hedge {cost}; {' and '.join(limits) or 'no limit'}."
            f"{standing.get(budget.standing, '')}"
        )
    if ledger is not None:
        gained = f"{'gained' if ledger.pnl_usd > 0 else 'lost'} {abs(ledger.pnl_usd):,.0f} USD"
        rate = ledger.cost_per_year
        yearly = "" if rate is None else f", {'a cost' if rate > 0 else 'a gain'} of {abs(rate) * 100:.2f}% a year"
        sentences.append(
            f"On paper since {hedge.inception}: {gained}{yearly}; {ledger.cycles} volatility cycles completed."
        )
        if any(layer.held for layer in hedge.layers):
            sentences.append(_break_even(hedge.break_even))
    if hedge.index_level is not None:
        sentences.append(f"Level as an index: {hedge.index_level:,.2f}.")
    return Section(f"{hedge.rule_set}: budget", tuple(sentences))


def _break_even(rise: float | None) -> str:
    if rise is None:
        return "Break-even: no rise of the VIX at once is enough for what is held now to be worth what it cost."
    if rise == 0.0:
        return "Break-even: what is held now is worth more than it cost."
    return f"Break-even: what is held now is worth what it cost if the VIX rises by {rise:.2f} points at once."


def _indicators(hedges: Sequence[HedgeSignal], session: dt.date) -> Iterator[Section]:
    for hedge in hedges:
        if not hedge.indicators:
            continue
        sharing = [hedge.rule_set, *(other.rule_set for other in hedges if other.indicators_of == hedge.rule_set)]
        deciding = [item for item in hedge.indicators if item.state != _SHOWN]
        shown = [item for item in hedge.indicators if item.state == _SHOWN]
        table = Table(
            ("Indicator", "Value", "Before", "Pct", "State", "Changes at"),
            tuple((*_figures(item), item.state, _switches_at(item)) for item in deciding),
            frozenset({1, 2, 3}),
        )
        sentences = ("Pct is the percentile in a year.", *_remarks(deciding, session))
        yield Section(f"Indicators: {', '.join(sharing)}", sentences, table)
        if shown:
            table = Table(
                ("Measure", "Value", "Before", "Pct", ""),
                tuple((*_figures(item), item.label) for item in shown),
                frozenset({1, 2, 3}),
            )
            yield Section("Measures", tuple(_remarks(shown, session)), table)


def _figures(item: Reading) -> tuple[str, str, str, str]:
    percentile = NOTHING if item.percentile is None else f"{item.percentile:.0f}"
    if item.state == "unknown":
        return item.name, NOTHING, NOTHING, NOTHING
    return item.name, figure(item.value), figure(item.previous), percentile


def _switches_at(item: Reading) -> str:
    """Where the state changes next, and how far that is; the thresholds of carry are of its percentile."""
    if item.threshold is None or item.distance is None:
        return NOTHING
    percentile = "pct " if item.name == "carry" else ""
    return f"{percentile}{figure(item.threshold)} ({signed_figure(item.distance)})"


def _macro(panel: Sequence[Reading]) -> Iterator[Section]:
    there = [item for item in panel if item.value is not None]
    missing = [item.label for item in panel if item.value is None]
    if not there:
        return
    rows = tuple((item.label, *_figures(item)[1:], item.source) for item in there)
    table = Table(("Measure", "Value", "Before", "Pct", "Source"), rows, frozenset({1, 2, 3}))
    sentences = [
        "Part of no score, size or decision.",
        *(f"{item.label}: {item.remark}." for item in there if item.remark),
    ]
    if missing:
        sentences.append(f"Not there: {', '.join(missing)}.")
    yield Section("Macro panel: context only", tuple(sentences), table)


def _remarks(items: Sequence[Reading], session: dt.date) -> Iterator[str]:
    for item in items:
        if item.remark:
            yield f"{item.name}: {item.remark}."
        if item.observed_on is not None and item.observed_on != session and item.value is not None:
            yield f"{item.name}: of {item.observed_on}."


def _limits(hedges: Sequence[HedgeSignal]) -> Iterator[Section]:
    doubted: dict[str, list[str]] = {}
    for hedge in hedges:
        for doubt in hedge.doubts:
            doubted.setdefault(doubt, []).append(hedge.rule_set)
    carrying = [hedge.rule_set for hedge in hedges if hedge.unavailable is None]
    sentences = [doubt if names == carrying else f"{', '.join(names)}: {doubt}" for doubt, names in doubted.items()]
    packages = [
        package
        for hedge in hedges
        for layer in hedge.layers
        for package in (layer.held, layer.target)
        if package is not None
    ]
    if any(package.basis in (MODEL, MIXED) for package in packages):
        sentences.append(MODEL_LIMITS)
    if sentences:
        yield Section("Doubts and limits of the hedges", tuple(sentences))


def figure(value: float | None) -> str:
    """A value of no known size: two decimals, or three digits where it is small."""
    if value is None:
        return NOTHING
    return f"{value:,.2f}" if abs(value) >= 1.0 or value == 0.0 else f"{value:.3g}"


def signed_figure(value: float) -> str:
    """The same with its sign."""
    return f"+{figure(value)}" if value > 0.0 else figure(value)


def _columns(first: int, last: int) -> frozenset[int]:
    return frozenset(range(first, last + 1))
