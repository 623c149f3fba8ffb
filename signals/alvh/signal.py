"""What a book says on a session: actions, packages, ledger, budget and stress, as a report carries them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from signals.alvh.book import Book, Books, Filled, LayerBook, Order, paid_and_received
from signals.alvh.contracts import VIX_CALL, VX_FUTURE, Legs
from signals.alvh.indicator_table import IndicatorTable
from signals.alvh.market import FORWARD_BASIS, OptionMarket
from signals.alvh.report import (
    ADJUST,
    HOLD,
    MIXED,
    MODEL,
    MONETISE,
    NONE,
    OBSERVED,
    SETTLEMENT,
    BudgetUse,
    Fill,
    HedgeSignal,
    LayerTarget,
    Ledger,
    Leg,
    Package,
    Stress,
)
from signals.alvh.rules import BUTTERFLY, CALL, CALL_SPREAD, FUTURE, Layer
from signals.alvh.rules import VXX_CALL as VXX_CALL_LAYER
from signals.alvh.sentences import changes, doubts, held_reason, instrument_name, verdict
from signals.alvh.state import HEDGE_STATES, HedgeStates
from signals.alvh.valuation import SCENARIOS, Holding, Valuation

_DAYS_PER_YEAR = 365.25
#: A cost a year needs a whole one.
_FULL_YEAR = 1.0

_HELD, _TARGET = 0, 1

_Key = tuple[int, int, int]


@dataclass(frozen=True)
class _Valued:
    """Values of the packages of a block: of one package, by row, layer and whether it is held or the target."""

    packages: dict[_Key, tuple[tuple[Leg, ...], dict[str, float]]]
    stress: dict[tuple[int, int], tuple[float, ...]]
    break_even: dict[int, float]


class BookView:
    """Signals of a block of sessions; sensitivities and stress are computed for all of them at once.

    Parameters
    ----------
    market : OptionMarket
    books : Books
    states : HedgeStates
    table : IndicatorTable
    notional_usd : float
    rows : range
        Sessions of the block, from the inception on.
    """

    def __init__(
        self,
        market: OptionMarket,
        books: Books,
        states: HedgeStates,
        table: IndicatorTable,
        notional_usd: float,
        rows: range,
    ) -> None:
        self._market = market
        self._books = books
        self._states = states
        self._table = table
        self._notional = notional_usd
        self.rows = rows
        self._valued = self._value(rows)

    def signal(self, row: int, indicators_of: str) -> HedgeSignal:
        """The signal of a session; `indicators_of` names a rule set that shows the same indicators."""
        book, rules, states = self._books.at(row), self._books.rules, self._states
        before = self._books.at(row - 1) if row > self._books.inception else None
        scale = self._scale(book)
        layers = tuple(self._layer(row, place, book, scale) for place in range(len(rules.layers)))
        paid, received = paid_and_received(book)
        years = (self._market.dates[row] - self._market.dates[self._books.inception]).days / _DAYS_PER_YEAR
        score = float(states.score[row])
        budget = self._budget(book, row)
        return HedgeSignal(
            rule_set=rules.name,
            version=rules.version,
            rule_set_digest=rules.digest,
            description=rules.description,
            notional_usd=self._notional,
            inception=self._market.dates[self._books.inception],
            verdict=verdict(layers, HEDGE_STATES[int(states.state[row])], shown=not rules.state.sizes_entries),
            changes=changes(
                layers,
                (states.state[row - 1], states.state[row]) if before and rules.state.sizes_entries else None,
                (self._budget(before, row - 1).standing, budget.standing) if before is not None else None,
            ),
            state=HEDGE_STATES[int(states.state[row])],
            score=score if math.isfinite(score) else None,
            scale=rules.state.scale,
            state_reason=states.reason(row),
            remarks=self._remarks(row),
            layers=layers,
            budget=budget,
            ledger=Ledger(
                premium_paid_usd=paid * scale,
                premium_received_usd=received * scale,
                cash_usd=book.cash * scale,
                mark_usd=book.mark * scale,
                pnl_usd=book.pnl * scale,
                cost_per_year=-book.pnl / book.base / years if years >= _FULL_YEAR else None,
                cycles=book.cycles,
            ),
            stress=self._stress(row, scale),
            break_even=_known(self._valued.break_even.get(row, math.nan)),
            indicators=() if indicators_of else self._table.readings(row),
            indicators_of=indicators_of,
            index_level=100.0 * book.base / self._books.notional if rules.sizing.base == "value" else None,
            doubts=doubts(self._market, self._table, row, layers, rules),
            sizes_by_state=rules.state.sizes_entries,
            begins_late=self._books.inception > states.start or states.start == 0,
        )

    def _scale(self, book: Book) -> float:
        """What turns amounts of the book into those for the notional: not 1 where sizes are shares of value."""
        return self._notional / book.base if self._books.rules.sizing.base == "value" else 1.0

    def _remarks(self, row: int) -> tuple[str, ...]:
        rules = self._books.rules
        found = self._states.remarks(row)
        if not rules.state.sizes_entries:
            found = ("Indicators and state are shown; this rule set does not use them.", *found)
        if rules.timing.fill_lag_sessions == 0:
            found = (*found, "This rule set trades at the close that decides.")
        return found

    def _layer(self, row: int, place: int, book: Book, scale: float) -> LayerTarget:
        rules, layer = self._books.rules.layers[place], book.layers[place]
        states, position = self._states, layer.position
        order = layer.order
        gone = order is None and position is not None and position.legs.expiry <= self._market.fill_days[row]
        action = order.action if order is not None else HOLD if position is not None else NONE
        target_legs, packages = (None, 0.0) if gone else _target(layer, layer.order)
        held = self._package(row, place, _HELD, position.legs, position.packages * scale) if position else None
        target = self._package(row, place, _TARGET, target_legs, packages * scale) if target_legs else None
        next_roll, is_expiry = self._next_roll(rules, layer, row)
        multiplier = states.multiplier(row, rules)
        if order is not None:
            reason = f"{layer.why} {order.reason}".strip()
        elif layer.done is not None and not self._books.rules.timing.fill_lag_sessions:
            reason = f"Done at this close, nothing is left to do: {layer.done.reason}"
        elif gone and position is not None:
            reason = f"It expires on the morning of {position.legs.expiry}: nothing of it is left at the next close."
        else:
            reason = layer.why or held_reason(rules, next_roll, is_expiry)
        return LayerTarget(
            layer=rules.id,
            label=rules.label,
            action=action,
            reason=reason,
            state=HEDGE_STATES[states.layer_state(row, rules)],
            multiplier=multiplier,
            size=order.size if order is not None else 0.0,
            held=held,
            target=target,
            fills=tuple(self._fill(fill, scale, row) for fill in layer.fills),
            opened=self._market.dates[position.opened] if position else None,
            cost_usd=position.paid * scale if position else None,
            position_pnl_usd=(layer.mark + position.received - position.paid) * scale if position else None,
            pnl_usd=layer.pnl * scale,
            next_roll=next_roll,
            next_roll_is_expiry=is_expiry,
            warnings=_warnings(target),
            received_usd=position.received * scale if position else None,
        )

    def _package(self, row: int, place: int, which: int, legs: Legs, packages: float) -> Package:
        values = self._valued.packages
        # What is kept is valued once.
        shown, each = values.get((row, place, which)) or values[row, place, _HELD]
        forward, basis = self._market.forward(row, legs.kind, legs.expiry)
        bases = {leg.basis for leg in shown}
        total = {name: value * packages * legs.point_value for name, value in each.items()}
        unit = self._market.unit(row, legs.kind)
        contracts = packages * self._market.shown_contracts(row, legs.kind)
        return Package(
            instrument=_kind(legs),
            expiry=legs.expiry,
            days=self._market.days(row, legs.expiry),
            forward=_known(forward / unit),
            forward_basis=FORWARD_BASIS[basis],
            legs=shown,
            contracts=contracts,
            contracts_rounded=round(contracts),
            price=_known(each["price"] / unit),
            basis=bases.pop() if len(bases) == 1 else MIXED,
            value_usd=_known(total["price"]),
            delta_usd=_known(total["delta"] * unit),
            gamma_usd=_known(total["gamma"] * unit**2),
            vega_usd=_known(total["vega"]),
            theta_usd=_known(total["theta"]),
            monthly=self._market.is_monthly(legs.expiry),
        )

    def _fill(self, fill: Filled, scale: float, row: int) -> Fill:
        kind = fill.legs.kind
        unit = self._market.unit(row, kind)
        return Fill(
            action=fill.side,
            instrument=_kind(fill.legs),
            expiry=fill.legs.expiry,
            strikes=tuple(strike / unit for strike in fill.legs.strikes),
            contracts=fill.packages * scale * self._market.shown_contracts(row, kind),
            price=fill.price / unit,
            basis=fill.basis,
            paid_usd=fill.paid * scale,
        )

    def _next_roll(self, rules: Layer, layer: LayerBook, row: int) -> tuple[dt.date | None, bool]:
        """When what is held next is rolled, and whether that is its expiry."""
        legs, _ = _target(layer, layer.order)
        if legs is None:
            return None, False
        market, position = self._market, layer.position
        kept = position is not None and position.legs == legs
        opened = market.dates[position.opened] if position is not None and kept else market.fill_days[row]
        expiry, due = legs.expiry, None
        if rules.roll_at_days_to_expiry is not None:
            due = expiry - dt.timedelta(days=rules.roll_at_days_to_expiry)
        elif rules.roll_after_days_held is not None:
            due = opened + dt.timedelta(days=rules.roll_after_days_held)
        if due is None or due >= expiry:
            return expiry, True
        # What is kept at this close was due before, or is due at the next one at the earliest.
        due = max(due, market.fill_days[row])
        calendar = market.calendar
        decided = due if calendar.is_session(due) else calendar.next_session(due)
        # What could only be filled after its expiry is held to it.
        return (decided, False) if calendar.next_session(decided) < expiry else (expiry, True)

    def _budget(self, book: Book, row: int) -> BudgetUse:
        own = self._books.rules.budget
        standing = "within"
        if own.alarm is not None and book.net_cost >= own.alarm:
            standing = "alarm"
        if own.stop is not None and book.net_cost >= own.stop:
            standing = "stop"
        sessions = min(row - self._books.inception, own.window_sessions)
        return BudgetUse(book.net_cost, own.alarm, own.stop, sessions, own.window_sessions, standing)

    def _stress(self, row: int, scale: float) -> tuple[Stress, ...]:
        rules, found = self._books.rules, []
        for place, (name, rise) in enumerate(SCENARIOS):
            by_layer = {
                layer.id: _known(self._valued.stress.get((row, at), (0.0,) * len(SCENARIOS))[place] * scale)
                for at, layer in enumerate(rules.layers)
            }
            known = [amount for amount in by_layer.values() if amount is not None]
            whole = math.fsum(known) if len(known) == len(by_layer) else None
            found.append(Stress(name, float(self._market.vix[row]) + rise, whole, by_layer))
        return tuple(found)

    def _value(self, rows: range) -> _Valued:
        keys, holdings, held, targets = [], [], [], []
        for row in rows:
            for place, layer in enumerate(self._books.at(row).layers):
                target, packages = _target(layer, layer.order)
                position = layer.position.legs if layer.position else None
                if target is not None and target.expiry <= self._market.fill_days[row]:
                    # It expires before the next close.
                    target = None
                for which, legs in ((_HELD, position), (_TARGET, target if target != position else None)):
                    if legs:
                        keys.append((row, place, which))
                        holdings.append(Holding(row, legs, 1.0))
                if layer.position:
                    held.append((row, place, Holding(row, layer.position.legs, layer.position.packages)))
                if target:
                    targets.append((row, place, Holding(row, target, packages)))
        if not holdings:
            return _Valued({}, {}, {})
        packages_shown = dict(zip(keys, _shown(self._market, holdings), strict=True))
        stress = {}
        if targets:
            book = Valuation(self._market, [holding for _, _, holding in targets])
            gains = zip(*(book.change(rise).tolist() for _, rise in SCENARIOS), strict=True)
            stress = dict(zip([(row, place) for row, place, _ in targets], gains, strict=True))
        if not held:
            return _Valued(packages_shown, stress, {})
        break_even = Valuation(self._market, [holding for _, _, holding in held]).break_even(
            np.array([row - rows[0] for row, _, _ in held]), np.array([self._short_of_cost(row) for row in rows])
        )
        return _Valued(packages_shown, stress, {row: float(break_even[row - rows[0]]) for row, _, _ in held})

    def _short_of_cost(self, row: int) -> float:
        """What the positions held would have to gain to be worth what they cost, USD."""
        layers = self._books.at(row).layers
        return math.fsum(
            layer.position.paid - layer.position.received - layer.mark for layer in layers if layer.position
        )


def _target(layer: LayerBook, order: Order | None) -> tuple[Legs | None, float]:
    """What a layer holds once its order is filled: the legs of a package, and how many."""
    position = layer.position
    legs, packages = (position.legs, position.packages) if position else (None, 0.0)
    if order is None:
        return legs, packages
    left = packages - order.sell
    if order.buy is not None and order.action != ADJUST:
        return order.buy, order.packages
    if order.buy is not None:
        return legs, packages + order.packages
    return (legs, left) if left > 0.0 and order.action in (MONETISE, ADJUST) else (None, 0.0)


def _shown(market: OptionMarket, holdings: list[Holding]) -> Iterator[tuple[tuple[Leg, ...], dict[str, float]]]:
    """Legs of one package of each holding, as they are shown, and its values, as they are kept, in points."""
    values = Valuation(market, holdings).values()
    columns = (values.price, values.volatility, values.delta, values.gamma, values.vega, values.theta)
    numbers, observed, at = [column.tolist() for column in columns], values.observed.tolist(), 0
    for holding in holdings:
        legs: list[Leg] = []
        total = dict.fromkeys(("price", "delta", "gamma", "vega", "theta"), 0.0)
        for contract, ratio in zip(holding.legs.contracts, holding.legs.ratios, strict=True):
            price, volatility, delta, gamma, vega, theta = (column[at] for column in numbers)
            unit = market.unit(holding.row, contract.kind)
            strike = None if contract.kind == VX_FUTURE else contract.strike / unit
            basis = SETTLEMENT if strike is None else OBSERVED if observed[at] else MODEL
            name = instrument_name(contract.kind, contract.expiry, strike)
            legs.append(Leg(name, strike, ratio, _known(price / unit), basis, _known(volatility)))
            for key, value in zip(total, (price, delta, gamma, vega, theta), strict=True):
                total[key] += ratio * value
            at += 1
        yield tuple(legs), total


def _kind(legs: Legs) -> str:
    """The instrument as a rule set names it."""
    kind = legs.kind
    if kind != VIX_CALL:
        return FUTURE if kind == VX_FUTURE else VXX_CALL_LAYER
    return {1: CALL, 2: CALL_SPREAD}.get(len(legs.ratios), BUTTERFLY)


def _warnings(target: Package | None) -> tuple[str, ...]:
    if target is None:
        return ()
    found = []
    if target.contracts_rounded == 0:
        found.append(f"The notional is too small for one contract: the target is {target.contracts:.2f}.")
    if target.instrument == VXX_CALL_LAYER:
        found.append("Strikes are per cent of the close of VXX, contracts are for one of 100 USD: scale them by it.")
    return tuple(found)


def _known(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
