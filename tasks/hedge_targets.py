"""Hedge targets as rows to store, and what differs between those of two reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from signals.alvh.history import instrument_of
from signals.alvh.report import HOLD, NONE, HedgeSignal, LayerTarget, Leg, Package
from signals.veqtor.report import FINGERPRINT_DIGITS, SignalReport
from storage.reports import HedgeTargetLine

#: A rule set that was changed under its name is another one.
HedgeKey = tuple[str, str]

#: What a layer of a hedge asks for, told for the notional of another.
Asked = Callable[[LayerTarget, HedgeSignal, HedgeSignal], str]


def hedge_key(hedge: HedgeSignal) -> HedgeKey:
    """What tells the hedge of one rule set from that of another."""
    return hedge.rule_set, hedge.rule_set_digest


def hedge_target_lines(report: SignalReport) -> tuple[HedgeTargetLine, ...]:
    """One line per contract that a layer holds or is to hold; a layer without any has one as well.

    An unavailable hedge has none.
    """
    return tuple(
        line
        for hedge in report.hedges
        for layer in hedge.layers
        for line in _lines(hedge, layer, report.effective_session)
    )


def _lines(hedge: HedgeSignal, layer: LayerTarget, effective: dt.date) -> Iterator[HedgeTargetLine]:
    held, target = _contracts(layer.held), _contracts(layer.target)
    for number, key in enumerate({**target, **held} or [None]):
        package, leg = (target.get(key) or held[key]) if key is not None else (None, None)
        yield HedgeTargetLine(
            rule_set=hedge.rule_set,
            rule_set_digest=hedge.rule_set_digest,
            layer=layer.layer,
            leg=number,
            effective_session=effective,
            action=layer.action,
            hedge_state=layer.state,
            instrument=leg.instrument if leg else None,
            expiry=package.expiry if package else None,
            strike=leg.strike if leg else None,
            ratio=leg.ratio if leg else None,
            contracts_held=_count(held.get(key)),
            contracts_target=_count(target.get(key)),
            contracts_target_rounded=_whole(target.get(key)),
            price=leg.price if leg else None,
            basis=leg.basis if leg else None,
        )


def _contracts(package: Package | None) -> dict[Any, tuple[Package, Leg]]:
    """The contracts of a package by what tells them from others."""
    if package is None:
        return {}
    return {(leg.instrument, package.expiry, leg.strike): (package, leg) for leg in package.legs}


def _count(found: tuple[Package, Leg] | None) -> float:
    return 0.0 if found is None else found[0].contracts * found[1].ratio


def _whole(found: tuple[Package, Leg] | None) -> int:
    return 0 if found is None else found[0].contracts_rounded * found[1].ratio


def ask_for_the_same(one: Sequence[HedgeSignal], other: Sequence[HedgeSignal]) -> bool:
    """Whether hedges ask for the same, in whole contracts for one notional, in each rule set both have."""
    return not any(_pairs(one, other, whole=True))


def hedge_changes(before: Sequence[HedgeSignal], after: Sequence[HedgeSignal]) -> list[str]:
    """What they ask for otherwise, in words, such as ``alvh-seed l2: HOLD -> ROLL``."""
    return list(_pairs(before, after, whole=False))


def _pairs(before: Sequence[HedgeSignal], after: Sequence[HedgeSignal], *, whole: bool) -> Iterator[str]:
    known = {hedge_key(hedge): hedge for hedge in before}
    for hedge in after:
        earlier = known.get(hedge_key(hedge), hedge)
        if bool(earlier.unavailable) != bool(hedge.unavailable):
            yield f"{hedge.rule_set}: {_standing(earlier)} -> {_standing(hedge)}"
            continue
        yield from _layer_changes(earlier, hedge, _whole_asked if whole else _contracts_asked)


def _standing(hedge: HedgeSignal) -> str:
    return f"no signal, {hedge.unavailable}" if hedge.unavailable else "a signal"


def _layer_changes(before: HedgeSignal, after: HedgeSignal, contracts: Asked) -> Iterator[str]:
    # A rule set of the same hash has the same layers.
    for one, other in zip(before.layers, after.layers, strict=True):
        for ask in (_action, _instrument, contracts):
            was, is_now = ask(one, before, after), ask(other, after, after)
            if was != is_now:
                yield f"{after.rule_set} {other.layer}: {was} -> {is_now}"
                break


def _action(layer: LayerTarget, _own: HedgeSignal, _common: HedgeSignal) -> str:
    return layer.action


def _instrument(layer: LayerTarget, _own: HedgeSignal, _common: HedgeSignal) -> str:
    return "nothing" if layer.target is None else instrument_of(layer.target)


def _contracts_asked(layer: LayerTarget, own: HedgeSignal, _common: HedgeSignal) -> str:
    if layer.target is None:
        return "nothing"
    return f"{layer.target.contracts / own.notional_usd * 1e6:.{FINGERPRINT_DIGITS}g} contracts per million USD"


def _whole_asked(layer: LayerTarget, own: HedgeSignal, common: HedgeSignal) -> str:
    """Whole contracts for the notional of the later report."""
    if layer.target is None:
        return "nothing"
    return f"{round(layer.target.contracts / own.notional_usd * common.notional_usd)} contracts"


def continued(report: SignalReport, before: SignalReport | None) -> SignalReport:
    """The report, saying where a hedge holds something else than the report of the session before told to hold.

    It does when inputs of earlier sessions, or the session on which the loaded history begins, have changed since.
    """
    if before is None or before.effective_session != report.session:
        return report
    known = {hedge_key(hedge): hedge for hedge in before.hedges}
    hedges = tuple(_continued(hedge, known.get(hedge_key(hedge))) for hedge in report.hedges)
    return report if hedges == report.hedges else replace(report, hedges=hedges)


def _continued(hedge: HedgeSignal, before: HedgeSignal | None) -> HedgeSignal:
    if before is None or hedge.unavailable or before.unavailable:
        return hedge
    broken = []
    for was, layer in zip(before.layers, hedge.layers, strict=True):
        # What was ordered is compared with its fill; what only lies there has to be the same.
        if layer.fills or was.action not in (HOLD, NONE):
            continue
        told, held = _holding(was.target, before), _holding(layer.held, hedge)
        if told != held:
            broken.append(f"{layer.layer} is {held}, where the last report left {told}: what it rests on has changed.")
    return replace(hedge, changes=(*broken, *hedge.changes)) if broken else hedge


def _holding(package: Package | None, hedge: HedgeSignal) -> str:
    if package is None:
        return "nothing"
    return f"{package.contracts / hedge.notional_usd * 1e6:.4g} x {instrument_of(package)} per million USD"
