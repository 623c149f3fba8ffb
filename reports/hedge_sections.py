"""What a report says of the layered VIX hedges: orders, states and layers, budget, stress, and what they rest on.

The hedges are alternatives to each other. What holds for all of them is said once, and their figures share tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from reports.hedge_risk import carried, score, unsigned_zero
from reports.indicator_sections import indicators, macro
from reports.tables import NOTHING, Section, Table, money
from reports.words import listed
from signals.alvh.history import instrument_of
from signals.alvh.report import HOLD, MIXED, MODEL, NONE, OBSERVED, SETTLEMENT, HedgeSignal, LayerTarget, Package
from signals.veqtor.report import SignalReport

_STANDS_STILL = (HOLD, NONE)
_BASES = {MODEL: "m", OBSERVED: "o", SETTLEMENT: "s", MIXED: "x"}


def actions(hedge: HedgeSignal) -> str:
    """The layers that do something, each with what it does, such as ``l1 OPEN, l2 ROLL``; empty if none does."""
    return ", ".join(f"{layer.layer} {layer.action}" for layer in hedge.layers if layer.action not in _STANDS_STILL)


def hedge_orders(report: SignalReport) -> Iterator[Section]:
    """What each layer of each hedge does at the close the report acts at; what holds for all of them stands first."""
    hedges = carried(report)
    for hedge in report.hedges:
        if hedge.unavailable is not None:
            yield Section(f"Hedge {hedge.rule_set}", (f"No signal: {hedge.unavailable}.",), key="actions")
    for number, hedge in enumerate(hedges):
        sentences = [hedge.verdict, *_begins_late(hedge), *_amounts(hedge, report)]
        sentences += [f"{layer.layer}: {warning}" for layer in hedge.layers for warning in layer.warnings]
        if number == 0:
            sentences += _common(hedges, report)
        header = ("Layer", "Do", "Contract", "Now", "Next", "Whole", "Mark")
        rows = tuple(row for layer in hedge.layers for row in _target_rows(layer, report.effective_session))
        yield Section(
            f"Hedge {hedge.rule_set}: {hedge.description}",
            tuple(sentences),
            Table(header, rows, _columns(3, 6)),
            key="actions",
            detail=not actions(hedge),
        )


def _common(hedges: Sequence[HedgeSignal], report: SignalReport) -> Iterator[str]:
    names = [hedge.rule_set for hedge in hedges]
    alternatives = f" The hedges {listed(names)} are alternatives to each other." if len(names) > 1 else ""
    yield (
        f"A proposal of its own for a portfolio of {hedges[0].notional_usd:,.0f} USD in the S&P 500, no part of "
        f"VEQTOR's weights.{alternatives} Whoever begins today buys what stands under Next."
    )
    yield (
        f"Contracts held now and from the close of {report.effective_session}, and whole ones with their trade. Expiry "
        "+25/-45: calls with a strike of 25 bought, of 45 sold. Marks are in points of 100 USD at the close of "
        f"{report.session}: m model, o observed, s settled, x mixed."
    )
    if any(map(actions, hedges)):
        yield (
            f"Orders are filled at the close of {report.effective_session}, whatever the prices are then: they can be "
            "several times as high."
        )


def _begins_late(hedge: HedgeSignal) -> list[str]:
    if not hedge.begins_late:
        return []
    return [
        f"The book begins on {hedge.inception}, where the loaded history lets it: what it holds is not what a longer "
        "history would, until every layer has been rolled once."
    ]


def _amounts(hedge: HedgeSignal, report: SignalReport) -> list[str]:
    """What the orders come to at the marks of the session."""
    parts = []
    for layer in hedge.layers:
        sold, bought = _flows(layer, report.effective_session)
        told = [f"{word} {abs(amount):,.0f} USD" for word, amount in (("sells", sold), ("buys", bought)) if amount]
        if told:
            parts.append(f"{layer.layer} {' and '.join(told)}")
    settled = [layer for layer in hedge.layers if _is_settled(layer, report.effective_session)]
    return [
        *([f"At the marks of {report.session}, {'; '.join(parts)}."] if parts else []),
        *(
            f"{layer.layer} is settled in the morning of its expiry, {layer.held.expiry}."
            for layer in settled
            if layer.held
        ),
    ]


def _flows(layer: LayerTarget, effective: dt.date) -> tuple[float, float]:
    """What a layer sells and what it buys, USD at the marks of the session; what is settled before is not sold."""
    held, target = layer.held, layer.target
    if _same(layer) and held is not None and target is not None:
        change = (target.value_usd or 0.0) - (held.value_usd or 0.0)
        return max(-change, 0.0), max(change, 0.0)
    sold = 0.0 if held is None or _is_settled(layer, effective) else held.value_usd or 0.0
    return sold, target.value_usd or 0.0 if target is not None else 0.0


def _same(layer: LayerTarget) -> bool:
    """Whether what is held now and next are the same contracts."""
    held, target = layer.held, layer.target
    return held is not None and target is not None and instrument_of(held) == instrument_of(target)


def _is_settled(layer: LayerTarget, effective: dt.date) -> bool:
    """Whether what is held expires before the close at which the target is traded."""
    return layer.held is not None and layer.held.expiry <= effective


def _target_rows(layer: LayerTarget, effective: dt.date) -> Iterator[tuple[str, ...]]:
    """A row of what is held next, and one of what is held now where that is something else."""
    held, target, same = layer.held, layer.target, _same(layer)
    if held is None and target is None:
        yield (layer.layer, layer.action, *[NOTHING] * 5)
    if held is not None and not same:
        whole = f"0 ({-held.contracts_rounded:+d})" if held.contracts_rounded else "0 (+0)"
        whole = "expires" if _is_settled(layer, effective) else whole
        yield (layer.layer, layer.action, contract(held), f"{held.contracts:,.2f}", "0.00", whole, _mark(held))
    if target is not None:
        now = held.contracts if same and held is not None else 0.0
        before = held.contracts_rounded if same and held is not None else 0
        whole = f"{target.contracts_rounded:,d} ({target.contracts_rounded - before:+d})"
        counts = (f"{now:,.2f}", f"{target.contracts:,.2f}", whole)
        yield (layer.layer, layer.action, contract(target), *counts, _mark(target))


def contract(package: Package) -> str:
    """Expiry and legs of a package: ``2020-04-15 +25/-45`` is a call bought and one sold."""
    legs = "/".join(
        f"{leg.ratio:+d}".replace("1", "") + ("x" if abs(leg.ratio) > 1 else "") + f"{leg.strike:g}"
        for leg in package.legs
        if leg.strike is not None
    )
    return f"{package.expiry} {legs or 'VX'}" + ("% of VXX" if package.instrument == "vxx-call" else "")


def _mark(package: Package) -> str:
    return (
        NOTHING
        if package.price is None
        else f"{unsigned_zero(package.price)} {_BASES.get(package.basis, package.basis)}"
    )


def hedge_states(report: SignalReport) -> Iterator[Section]:
    """State and score of each hedge, the indicators they share, and why each layer does what it does."""
    hedges = carried(report)
    if hedges:
        yield Section("ALVH: state and score", tuple(map(_state, hedges)), key="alvh", detail=True)
    yield from indicators(hedges, report.session)
    for number, hedge in enumerate(hedges):
        yield _layers(hedge, explained=number == 0)
    yield from macro(report.macro)


def _state(hedge: HedgeSignal) -> str:
    """The state, its score and what else bears on sizes."""
    if not hedge.sizes_by_state:
        return " ".join([f"{hedge.rule_set}:", *hedge.remarks])
    scored = score(hedge)
    plainly = f"{hedge.state}, {scored}. " if scored and scored not in hedge.state_reason else ""
    return " ".join([f"{hedge.rule_set}: {plainly}{hedge.state_reason}".strip(), *hedge.remarks])


def _layers(hedge: HedgeSignal, *, explained: bool) -> Section:
    """Why each layer does what it does; what it holds, has gained and is exposed to."""
    sentences = [
        f"{layer.layer}, {layer.label}: {layer.reason}{_next_roll(layer)}{_sold_before(layer)}"
        for layer in hedge.layers
    ]
    if explained:
        sentences.append(
            "USD at this close, of fractional contracts. Gain is of what is held, All gain of the layer since "
            f"{hedge.inception}. Delta is per point of the future of the same expiry, vega per volatility point, theta "
            "per calendar day."
        )
    rows = [row for layer in hedge.layers for row in _layer_rows(layer)]
    now, later = [layer.held for layer in hedge.layers], [layer.target for layer in hedge.layers]
    gains = (_sum(layer.position_pnl_usd for layer in hedge.layers), _sum(layer.pnl_usd for layer in hedge.layers))
    paid = _sum(layer.cost_usd for layer in hedge.layers)
    rows.append(("All now", "", money(paid), *_together(now, (money(gains[0]), money(gains[1])))))
    if now != later:
        rows.append(("All next", "", NOTHING, *_together(later, (NOTHING, NOTHING))))
    header = ("Layer", "Days", "Paid", "Worth", "Gain", "All gain", "Delta", "Vega", "Theta")
    table = Table(header, tuple(rows), _columns(1, 8))
    return Section(f"{hedge.rule_set}: why, and what it holds", tuple(sentences), table, key="alvh", detail=True)


_GREEKS = ("delta_usd", "vega_usd", "theta_usd")


def _together(packages: Sequence[Package | None], gains: tuple[str, str]) -> tuple[str, ...]:
    """Worth, gains and sensitivities of packages together."""
    there = [package for package in packages if package is not None]
    sensitivities = (money(_sum(getattr(package, name) for package in there)) for name in _GREEKS)
    return (money(_sum(package.value_usd for package in there)), *gains, *sensitivities)


def _layer_rows(layer: LayerTarget) -> Iterator[tuple[str, ...]]:
    """A row of what is held now, and one of what is bought in its place."""
    held, target, same = layer.held, layer.target, _same(layer)
    gains = (money(layer.position_pnl_usd), money(layer.pnl_usd))
    if held is not None:
        name = layer.layer if same else f"{layer.layer}, out"
        yield (name, f"{held.days}", money(layer.cost_usd), *_together([held], gains))
    if target is not None and not same:
        bought = (NOTHING, NOTHING if held is not None else gains[1])
        yield (f"{layer.layer}, in", f"{target.days}", NOTHING, *_together([target], bought))
    if held is None and target is None:
        yield (layer.layer, *[NOTHING] * 4, gains[1], *[NOTHING] * 3)


def _next_roll(layer: LayerTarget) -> str:
    """When a layer that is bought or changed is rolled; one that is held says so itself."""
    if layer.next_roll is None or layer.action in _STANDS_STILL:
        return ""
    what = "Held to its expiry on" if layer.next_roll_is_expiry else "Its next roll is decided at the close of"
    return f" {what} {layer.next_roll}."


def _sold_before(layer: LayerTarget) -> str:
    return f" Parts of it were sold for {layer.received_usd:,.0f} USD." if layer.received_usd else ""


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of what is there; None of nothing."""
    there = [value for value in values if value is not None]
    return sum(there) if there else None


def _columns(first: int, last: int) -> frozenset[int]:
    return frozenset(range(first, last + 1))
