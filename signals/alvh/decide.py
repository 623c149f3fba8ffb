"""What each layer is told to do at a close: open, roll, sell early, close, adjust, or hold.

Decisions read the book, the market and the conditions of this close; fills come at the next one. A layer does one thing
at a time. In this order the first that applies wins: what is ordered and unfilled waits; a collapsed premium closes; a
roll that is due; an early sale; recycled proceeds and top-ups, where the rule set has them; an empty layer opens.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace

from signals.alvh.book import (
    Book,
    Books,
    LayerBook,
    Order,
    Position,
    accounted,
    early_proceeds,
    filled,
    marked,
    opening_book,
    settle_and_fill,
)
from signals.alvh.conditions import Conditions
from signals.alvh.contracts import VIX_CALL, VX_FUTURE, VXX_CALL, Contract, Legs
from signals.alvh.listings import select_expiry, strike_by_delta, strike_by_moneyness
from signals.alvh.market import OptionMarket
from signals.alvh.report import ADJUST, CLOSE, MONETISE, OPEN, ROLL
from signals.alvh.rules import BUTTERFLY, FUTURE, Layer, RuleSet
from signals.alvh.rules import VXX_CALL as VXX_CALL_LAYER
from signals.alvh.state import gate_factor
from signals.vix_futures import Floats

#: Nothing is bought for less, points: the least that options on the VIX are quoted at.
TICK = 0.01


def fold(
    market: OptionMarket,
    rules: RuleSet,
    given: Conditions,
    inception: int,
    notional: float,
    taken_up: tuple[int, Book] | None = None,
) -> Books:
    """Every book from the row `inception` on; or from a row whose book is known, and is taken up."""
    first, book = taken_up or (inception, opening_book(rules, notional))
    books = [book] if taken_up else []
    for row in range(first + len(books), len(market.dates)):
        book = step(book, row, market, rules, given, first=row == inception)
        books.append(book)
    return Books(rules, notional, inception, first, books)


def step(book: Book, row: int, market: OptionMarket, rules: RuleSet, given: Conditions, *, first: bool = False) -> Book:
    """The book after one more session: settled, filled, marked, and with what is decided at its close."""
    change = 0.0 if first else given.equity_change[row]
    after = settle_and_fill(book, row, market, rules, change)
    # Where fills are of the close that decides, proceeds are put to use at the next one.
    proceeds = after.proceeds if rules.timing.fill_lag_sessions else book.proceeds
    layers = _Decisions(replace(after, proceeds=proceeds), row, market, rules, given).layers()
    if rules.timing.fill_lag_sessions == 0 and any(layer.order for layer in layers):
        layers = tuple(
            marked(filled(layer, row, market, rules.costs), row, market, rules.costs) if layer.order else layer
            for layer in layers
        )
        return accounted(book, layers, early_proceeds(layers), row, market, rules, change)
    return replace(after, layers=layers)


class _Decisions:
    """Decisions of all layers at one close."""

    def __init__(self, book: Book, row: int, market: OptionMarket, rules: RuleSet, given: Conditions) -> None:
        self.book = book
        self.row = row
        self.market = market
        self.rules = rules
        self.given = given
        self.day = market.dates[row]
        self.fill_day = market.fill_days[row] if rules.timing.fill_lag_sessions else self.day
        stop = rules.budget.stop
        self.stopped = stop is not None and book.net_cost >= stop
        self._candidates: dict[int, tuple[Legs | None, str]] = {}

    def layers(self) -> tuple[LayerBook, ...]:
        decided = [self._decide(place, layer) for place, layer in enumerate(self.book.layers)]
        if self.rules.recycling.share:
            for source, proceeds in self.book.proceeds:
                self._recycle(decided, source, proceeds * self.rules.recycling.share)
        return tuple(decided)

    def _decide(self, place: int, layer: LayerBook) -> LayerBook:
        collapsed = self.given.collapsed[self.row][place]
        if layer.shut and not collapsed:
            layer = replace(layer, shut=False)
        if layer.order is not None:
            return layer
        if layer.position is None:
            return self._open(place, layer)
        rules, position = self.rules.layers[place], layer.position
        if self._expires_before_fill(position):
            return layer
        if not math.isfinite(self.market.quote(self.row, position.legs, self.rules.costs).mark):
            return replace(layer, why="Held: it has no price at this close.")
        own = rules.collapse
        if collapsed and own is not None:
            bid = self.market.quote(self.row, position.legs, self.rules.costs).bid
            worth = position.packages * bid * position.legs.point_value
            profit = worth + position.received - position.paid
            if profit > 0.0 or not own.only_in_profit:
                why = f"Its premium has collapsed: {collapsed}. Sold at this close it would gain {profit:,.0f} USD."
                return replace(layer, order=Order(CLOSE, why, sell=position.packages), shut=True)
        if reason := self._due(rules, position):
            return self._roll(place, layer, position, reason)
        if order := self._early_sale(rules, layer, position):
            return replace(layer, order=order)
        if self.rules.top_up.enabled and (order := self._top_up(place, position)):
            return replace(layer, order=order)
        return layer

    def _expires_before_fill(self, position: Position) -> bool:
        return position.legs.expiry <= self.fill_day

    def _due(self, rules: Layer, position: Position) -> str:
        to_expiry, held = rules.roll_at_days_to_expiry, rules.roll_after_days_held
        days = (position.legs.expiry - self.day).days
        if to_expiry is not None and days <= to_expiry:
            return f"{days} days to expiry, rolled at {to_expiry}"
        age = (self.day - self.market.dates[position.opened]).days
        if held is not None and age >= held:
            return f"held for {age} days, rolled after {held}"
        return ""

    def _roll(self, place: int, layer: LayerBook, position: Position, due: str) -> LayerBook:
        factor, scaled = self.size_factor(place)
        if factor == 0.0:
            why = f"{due[0].upper()}{due[1:]}; nothing is bought: {scaled}."
            return replace(layer, order=Order(CLOSE, why, sell=position.packages))
        bought, why = self.purchase(place)
        if bought is None or bought.buy is None:
            return replace(layer, why=f"Due to roll ({due}), but held: {why}")
        limit = self.rules.layers[place].roll_at_days_to_expiry
        at_once = limit is not None and (bought.buy.expiry - self.fill_day).days <= limit
        if at_once or bought.buy == position.legs:
            return replace(layer, why=f"Due to roll ({due}), but held: nothing better is listed.")
        why = f"Due: {due}. {why}"
        order = replace(bought, action=ROLL, reason=why, sell=position.packages)
        return replace(layer, order=order)

    def _open(self, place: int, layer: LayerBook) -> LayerBook:
        if layer.shut:
            return replace(layer, why="Closed early; opened again when its premium is no longer collapsed.")
        if self.rules.layers[place].entry == "monthly-expiry" and not self.market.monthly_expiry[self.row]:
            return replace(layer, why="Opened on the next monthly expiry.")
        factor, scaled = self.size_factor(place)
        if factor == 0.0:
            return replace(layer, why=f"Nothing is bought: {scaled}.")
        bought, why = self.purchase(place)
        if bought is None:
            return replace(layer, why=why)
        return replace(layer, order=replace(bought, reason=why))

    def size_factor(self, place: int) -> tuple[float, str]:
        """What scales the size of an entry of a layer, and what brings it down."""
        rules, gate = self.rules.layers[place], self.rules.price_gate
        factor = self.given.multiplier[self.row][place] * self.given.factor[self.row][place]
        if gate.enabled and gate.price == "bought-expiry":
            legs, _ = self._candidate(place)
            forward = self.market.forward(self.row, legs.kind, legs.expiry)[0] if legs else math.nan
            factor *= gate_factor(gate, forward) if legs else 1.0
        if factor == 0.0:
            return 0.0, "carry or the price gate scales its size to nothing"
        if self.stopped:
            factor *= rules.size_when_stopped
            return factor, f"the budget is used up, {self.book.net_cost:.2%} of {self.rules.budget.stop:.2%}"
        return factor, ""

    def purchase(self, place: int) -> tuple[Order | None, str]:
        """What a layer buys now, at its size; or None and why it cannot."""
        legs, why = self._candidate(place)
        if legs is None:
            return None, why
        price = self.market.quote(self.row, legs, self.rules.costs)
        if not price.offer >= TICK:
            return None, f"The package has no price of at least {TICK:g}."
        premium, why = self._premium(place)
        if premium is None:
            return None, why
        size = premium * self.size_factor(place)[0]
        packages = size * self.book.base / (price.offer * legs.point_value)
        if not packages > 0.0:
            return None, "Nothing is bought: its size is 0."
        unit = packages / self.given.multiplier[self.row][place]
        bought = f"buys {packages:.2f} at" if self.rules.sizing.base == "notional" else "is spent at"
        why = f"{size:.3%} of {self._base_name} {bought} {price.offer:.4g}, the half-spread included."
        return Order(OPEN, why, buy=legs, packages=packages, unit=unit, size=size), why

    @property
    def _base_name(self) -> str:
        return "the value" if self.rules.sizing.base == "value" else "the notional"

    def _premium(self, place: int) -> tuple[float | None, str]:
        """Premium of an entry as a share of the base, before anything that scales it."""
        ladder = self.rules.sizing.ladder_premium
        if ladder is None:
            return self.rules.layers[place].premium, ""
        costs = []
        for other, rules in enumerate(self.rules.layers):
            legs, why = self._candidate(other)
            offer = self.market.quote(self.row, legs, self.rules.costs).offer if legs else math.nan
            if not offer > 0.0:
                return None, f"The ladder has no price for {rules.id}. {why}".strip()
            costs.append((rules.ladder_contracts or 0.0) * offer)
        return ladder * costs[place] / math.fsum(costs), ""

    def _candidate(self, place: int) -> tuple[Legs | None, str]:
        if place not in self._candidates:
            self._candidates[place] = self._find(self.rules.layers[place])
        return self._candidates[place]

    def _find(self, rules: Layer) -> tuple[Legs | None, str]:
        """The package a layer would buy at this close, or None and why there is none."""
        market, row = self.market, self.row
        kind = {FUTURE: VX_FUTURE, VXX_CALL_LAYER: VXX_CALL}.get(rules.instrument, VIX_CALL)
        expiries = market.expiries(row, kind, weeklies=rules.listing == "weekly", after=self.fill_day)
        strict = rules.none_listed == "skip"
        expiry = select_expiry(expiries, self.day, rules.days_target, rules.days_min, rules.days_max, strict=strict)
        if expiry is None:
            until = f" to {rules.days_max}" if rules.days_max else " or more"
            return None, f"Nothing is listed with a price {rules.days_min}{until} days out: nothing bought."
        if rules.instrument == FUTURE:
            return Legs((Contract(VX_FUTURE, expiry, 0.0),), (1,)), ""
        strikes = self._strikes(rules, kind, expiry)
        if strikes is None:
            return None, "No strikes can be chosen: an input of the model is missing, or none listed fits."
        contracts = tuple(Contract(kind, expiry, strike) for strike in strikes)
        return Legs(contracts, tuple(ratio for ratio, _, _ in rules.legs)), ""

    def _strikes(self, rules: Layer, kind: str, expiry: dt.date) -> Sequence[float] | None:
        market, row = self.market, self.row
        forward, _ = market.forward(row, kind, expiry)
        listed = market.strikes(row, kind, expiry)
        found: list[float] = []
        for _, rule, value in rules.legs:
            if rule == "delta":
                strike = strike_by_delta(
                    value,
                    forward,
                    market.days(row, expiry),
                    float(market.vvix.values[row]),
                    float(market.rate[row]),
                    surface=market.surface_of(kind),
                    strikes=listed,
                )
            else:
                strike = strike_by_moneyness(value, forward, strikes=listed)
            if found and strike <= found[-1]:
                # Two rounded to the same: the next one up.
                above = listed[listed > found[-1]]
                strike = float(above[0]) if len(above) else math.nan
            found.append(strike)
        if rules.instrument == BUTTERFLY:
            found = even_wings(found, listed)
        return None if any(math.isnan(strike) for strike in found) else found

    def _early_sale(self, rules: Layer, layer: LayerBook, position: Position) -> Order | None:
        cost = position.paid / position.bought
        value = layer.mark / position.packages
        steps, fraction = position.steps, 0.0
        while steps < len(rules.monetise) and value >= rules.monetise[steps].multiple * cost:
            fraction += rules.monetise[steps].fraction
            steps += 1
        if steps == position.steps:
            return None
        reached = rules.monetise[steps - 1].multiple
        why = (
            f"Worth {value / cost:.1f} times its cost, at least {reached:g}: {fraction:.0%} of what was bought is sold."
        )
        return Order(MONETISE, why, sell=min(fraction * position.bought, position.packages), steps=steps)

    def _top_up(self, place: int, position: Position) -> Order | None:
        rules = self.rules.top_up
        target = position.unit * self.given.multiplier[self.row][place]
        if self.stopped:
            kept = self.rules.layers[place].size_when_stopped
            target = min(target, position.packages + kept * max(target - position.packages, 0.0))
        apart = target - position.packages
        if abs(apart) <= max(rules.band * target, rules.band_contracts):
            return None
        why = f"The hedge state asks for {target:.2f}, {position.packages:.2f} are held."
        if apart < 0.0:
            if not self.market.quote(self.row, position.legs, self.rules.costs).bid > 0.0:
                # Nobody pays for it.
                return None
            return Order(ADJUST, why, sell=-apart, unit=position.unit, steps=position.steps)
        return Order(ADJUST, why, buy=position.legs, packages=apart, unit=position.unit, steps=position.steps)

    def _recycle(self, decided: list[LayerBook], source: int, amount: float) -> None:
        """Put proceeds of an early sale into the longer layer furthest below its target."""
        longer = [found for place in range(source + 1, len(decided)) if (found := self._shortfall(place, decided))]
        if not longer:
            return
        below, room, place, position = max(longer, key=lambda found: found[0])
        if self.stopped:
            amount *= self.rules.layers[place].size_when_stopped
        price = self.market.quote(self.row, position.legs, self.rules.costs)
        if not (price.offer > 0.0 and amount > 0.0):
            return
        packages = min(amount, room) / (price.offer * position.legs.point_value)
        why = f"Proceeds of {self.rules.layers[source].id}: {below:.0%} below its target."
        unit = position.unit * (1.0 + packages / position.packages)
        order = Order(ADJUST, why, buy=position.legs, packages=packages, unit=unit, steps=position.steps)
        decided[place] = replace(decided[place], order=order)

    def _shortfall(self, place: int, decided: Sequence[LayerBook]) -> tuple[float, float, int, Position] | None:
        """How far a layer that can be added to is below its target: a share of it, and USD; None where it is not."""
        layer = decided[place]
        if layer.position is None or layer.order is not None or self._expires_before_fill(layer.position):
            return None
        premium = self.rules.layers[place].premium
        target = layer.position.paid
        if premium is not None:
            target = premium * self.size_factor(place)[0] * self.book.base
        room = target - layer.mark
        return (room / target, room, place, layer.position) if room > 0.0 else None


def even_wings(strikes: Sequence[float], listed: Floats) -> list[float]:
    """Strikes of a butterfly whose upper wing is no wider than the lower: above it, it would owe more than it is worth.

    The upper strike comes down to the next one listed within the width of the lower wing; where there is none, the
    lower one goes down until there is. NaN where nothing listed does.
    """
    lower, middle, upper = strikes
    while not math.isnan(lower):
        within = listed[(listed > middle) & (listed <= min(upper, 2.0 * middle - lower))]
        if len(within):
            return [lower, middle, float(within[-1])]
        below = listed[listed < lower]
        lower = float(below[-1]) if len(below) else math.nan
    return [math.nan, middle, upper]
