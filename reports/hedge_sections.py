"""What a report says of the layered VIX hedges: decisions first, then reasons, risk, budget, and what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reports.tables import NOTHING, Section, Table, money, signed
from signals.alvh.history import instrument_of
from signals.alvh.report import HOLD, MIXED, MODEL, NONE, Fill, HedgeSignal, LayerTarget, Package, Reading
from signals.veqtor.report import SignalReport

MODEL_LIMITS = (
    "Model prices: the option model was fitted to an index of one-month calls of 30 delta, so other tenors and strikes "
    "are extrapolated, weekly options come out too dear and before October 2015 were not listed at all, and no quote "
    "of a crisis was checked but through that index."
)

_STANDS_STILL = (HOLD, NONE)


def hedge_sections(report: SignalReport) -> tuple[Section, ...]:
    """The sections of every hedge, in the order in which they are read; none where no hedge is configured."""
    found = [section for hedge in report.hedges for section in _hedge(hedge, report)]
    found += _indicators(report.hedges)
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
    yield _risk(hedge)
    yield _budget(hedge)


def _targets(hedge: HedgeSignal, report: SignalReport) -> Section:
    sentences = [hedge.verdict]
    sentences += [f"{layer.layer}: {warning}" for layer in hedge.layers for warning in layer.warnings]
    sentences += hedge.changes or ("Nothing changed since the session before.",)
    sentences.append(
        f"Contracts to hold from the close of {report.effective_session}, for {hedge.notional_usd:,.0f} USD; prices in "
        f"points at the close of {report.session}."
    )
    header = ("Layer", "Action", "Instrument", "Days", "Price", "Now", "Next", "Whole", "Next roll")
    rows = tuple(row for layer in hedge.layers for row in _target_rows(layer))
    return Section(
        f"Hedge {hedge.rule_set}: {hedge.description}", tuple(sentences), Table(header, rows, _columns(3, 7))
    )


def _target_rows(layer: LayerTarget) -> Iterator[tuple[str, ...]]:
    """A row of what is held next, and one of what is held now where that is something else."""
    name, held, target = f"{layer.layer} {layer.label}", layer.held, layer.target
    same = held is not None and target is not None and instrument_of(held) == instrument_of(target)
    if held is None and target is None:
        yield (name, layer.action, *[NOTHING] * 7)
    if held is not None and not same:
        yield (name, layer.action, *_package(held), f"{held.contracts:,.2f}", "0.00", "0", NOTHING)
    if target is not None:
        now = f"{held.contracts:,.2f}" if same and held is not None else "0.00"
        whole = f"{target.contracts_rounded:,d}"
        yield (name, layer.action, *_package(target), now, f"{target.contracts:,.2f}", whole, _next_roll(layer))


def _package(package: Package) -> tuple[str, str, str]:
    price = NOTHING if package.price is None else f"{package.price:.2f} {package.basis}"
    return instrument_of(package), str(package.days), price


def _next_roll(layer: LayerTarget) -> str:
    if layer.next_roll is None:
        return NOTHING
    return f"{layer.next_roll}{', its expiry' if layer.next_roll_is_expiry else ''}"


def _reasons(hedge: HedgeSignal) -> Section:
    sentences = [*filter(None, [hedge.state_reason]), *hedge.remarks]
    sentences += [f"{layer.layer}: {layer.reason}" for layer in hedge.layers]
    sentences += [f"Done today, {layer.layer}: {_done(fill)}." for layer in hedge.layers for fill in layer.fills]
    return Section(f"{hedge.rule_set}: why", tuple(sentences))


def _done(fill: Fill) -> str:
    strikes = "/".join(f"{strike:g}" for strike in fill.strikes)
    what = " ".join(filter(None, [fill.action, fill.instrument, str(fill.expiry), strikes]))
    flow = "received" if fill.paid_usd < 0 else "paid"
    return f"{what}, {fill.contracts:,.2f} at {fill.price:.2f} ({fill.basis}), {abs(fill.paid_usd):,.0f} USD {flow}"


def _risk(hedge: HedgeSignal) -> Section:
    rows = [(layer.layer, *_risk_cells(layer)) for layer in hedge.layers]
    columns = list(zip(*(_risk_values(layer) for layer in hedge.layers), strict=True))
    rows.append(("All", *(money(_sum(column)) for column in columns)))
    header = ("Layer", "Value", "Delta", "Vega", "Theta", "Cost", "P&L held", "P&L layer")
    sentence = (
        "USD, at this close. Value and greeks of what is held next: per point of its future, per volatility point, per "
        "calendar day. Cost and gain of what is held now, and the gain of the layer since the inception."
    )
    return Section(f"{hedge.rule_set}: greeks and P&L", (sentence,), Table(header, tuple(rows), _columns(1, 7)))


def _risk_values(layer: LayerTarget) -> tuple[float | None, ...]:
    held = layer.target
    greeks = (held.value_usd, held.delta_usd, held.vega_usd, held.theta_usd) if held else (None,) * 4
    return (*greeks, layer.cost_usd, layer.position_pnl_usd, layer.pnl_usd)


def _risk_cells(layer: LayerTarget) -> tuple[str, ...]:
    return tuple(map(money, _risk_values(layer)))


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of what is there; None of nothing."""
    there = [value for value in values if value is not None]
    return sum(there) if there else None


def _budget(hedge: HedgeSignal) -> Section:
    sentences, budget, ledger = [], hedge.budget, hedge.ledger
    if budget is not None:
        limits = ", ".join(
            f"{name} {'none' if limit is None else f'{limit * 100:g}%'}"
            for name, limit in (("alarm", budget.alarm), ("stop", budget.stop))
        )
        sofar = f", {budget.sessions} so far" if budget.sessions < budget.window else ""
        spent = f"{signed(budget.net_cost * 100, 2)}% of the notional spent over {budget.window} sessions{sofar}"
        sentences.append(f"Budget {budget.standing}: {spent}; {limits}.")
    if ledger is not None:
        cost = "too early to say" if ledger.cost_per_year is None else f"{signed(ledger.cost_per_year * 100, 2)}%"
        sentences.append(
            f"Paper ledger since {hedge.inception}: gain {money(ledger.pnl_usd)} USD; cost, share of the notional "
            f"a year: {cost}; volatility cycles completed: {ledger.cycles}."
        )
        sentences.append(_break_even(hedge.break_even))
    if hedge.index_level is not None:
        sentences.append(f"Level as an index: {hedge.index_level:,.2f}.")
    names = [layer.layer for layer in hedge.layers]
    rows = tuple(
        (item.scenario, f"{item.vix:.2f}", money(item.pnl_usd), *(money(item.by_layer.get(name)) for name in names))
        for item in hedge.stress
    )
    header = ("Stress, USD", "VIX", "All", *names)
    table = Table(header, rows, _columns(1, len(header) - 1)) if rows else None
    return Section(f"{hedge.rule_set}: budget and stress", tuple(sentences), table)


def _break_even(rise: float | None) -> str:
    if rise is None:
        return "Break-even: no rise of the VIX at once is enough for the book to be worth what it cost."
    if rise == 0.0:
        return "Break-even: the book is worth more than it cost."
    return f"Break-even: the book is worth what it cost if the VIX rises by {rise:.2f} points at once."


def _indicators(hedges: Sequence[HedgeSignal]) -> Iterator[Section]:
    for hedge in hedges:
        if not hedge.indicators:
            continue
        sharing = [hedge.rule_set, *(other.rule_set for other in hedges if other.indicators_of == hedge.rule_set)]
        header = ("Indicator", "Value", "Previous", "Percentile", "Threshold", "State", "Distance", "Source", "Day")
        rows = tuple(
            (
                *_named(item),
                figure(item.previous),
                NOTHING if item.percentile is None else f"{item.percentile:.0f}",
                figure(item.threshold),
                item.state,
                NOTHING if item.distance is None else signed_figure(item.distance),
                item.source or NOTHING,
                NOTHING if item.observed_on is None else item.observed_on.isoformat(),
            )
            for item in hedge.indicators
        )
        table = Table(header, rows, frozenset({1, 2, 3, 4, 6}))
        yield Section(f"Indicators: {', '.join(sharing)}", tuple(_remarks(hedge.indicators)), table)


def _macro(panel: Sequence[Reading]) -> Iterator[Section]:
    if not panel:
        return
    rows = tuple(
        (
            *_named(item),
            figure(item.previous),
            NOTHING if item.percentile is None else f"{item.percentile:.0f}",
            item.source or item.state,
            NOTHING if item.observed_on is None else item.observed_on.isoformat(),
        )
        for item in panel
    )
    table = Table(("Measure", "Value", "Previous", "Percentile", "Source", "Day"), rows, frozenset({1, 2, 3}))
    sentences = ("Part of no score, size or decision.", *_remarks(panel))
    yield Section("Macro panel: context only", sentences, table)


def _named(item: Reading) -> tuple[str, str]:
    return f"{item.label}, {item.unit}" if item.unit else item.label, figure(item.value)


def _remarks(items: Sequence[Reading]) -> Iterator[str]:
    return (f"{item.label}: {item.remark}." for item in items if item.remark)


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
