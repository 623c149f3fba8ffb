"""Rule sets, and prices by other means, for tests of the books over the whole recorded history."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from signals.alvh.book import Book, LayerBook, Order
from signals.alvh.contracts import Legs
from signals.alvh.hedge import HedgeHistory, Hedges
from signals.alvh.macro import macro_panel
from signals.alvh.market import OptionMarket
from signals.alvh.rules import SHIPPED, Costs, RuleSet, Sale
from signals.alvh.ruleset_files import shipped_rule_set
from signals.alvh.substitutes import forward_prices
from signals.alvh.surface import SURFACE
from signals.market import MarketData, Observations
from signals.series import VIX, vx_expiry_of
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats

NOTIONAL = 1_000_000.0
VARIATIONS = tuple(f"variation-{number}" for number in range(5))
NAMES = (*SHIPPED, *VARIATIONS)


def varied(number: int) -> RuleSet:
    """A rule set with everything that can be chosen drawn at random: of the seed, or of the ladder."""
    draw = random.Random(number)  # noqa: S311 a repeatable choice, no secret
    found = shipped_rule_set(draw.choice(["alvh-seed", "alvh-442"]))
    layers = tuple(
        replace(
            layer,
            monetise=tuple(Sale(multiple, draw.choice([0.1, 0.25])) for multiple in draw.sample([2.0, 3.0, 5.0], 2)),
            size_when_stopped=draw.choice([0.0, 0.5]),
            event_lift=draw.choice([0, 1, 2]),
            carry_cheap_factor=draw.choice([1.0, 1.5]),
            carry_dear_factor=draw.choice([0.0, 0.5]),
            roll_at_days_to_expiry=draw.choice([None, 5, 15]),
            collapse=draw.choice([None, shipped_rule_set("alvh-seed").layers[2].collapse]),
            listing=draw.choice(["weekly", "monthly"]),
        )
        for layer in found.layers
    )
    layers = tuple(replace(layer, monetise=tuple(sorted(layer.monetise, key=lambda s: s.multiple))) for layer in layers)
    return replace(
        found,
        name=f"variation-{number}",
        layers=layers,
        costs=Costs(draw.choice([0.0, 0.1]), draw.choice([0.0, 0.05]), draw.choice([True, False])),
        timing=replace(found.timing, fill_lag_sessions=draw.choice([0, 1, 1])),
        recycling=replace(found.recycling, share=draw.choice([0.0, 0.5, 1.0])),
        top_up=replace(found.top_up, enabled=draw.choice([True, False])),
        budget=replace(found.budget, stop=draw.choice([None, 0.01, 0.03]), window_sessions=draw.choice([63, 252])),
        price_gate=replace(found.price_gate, enabled=draw.choice([True, False])),
        state=replace(found.state, sizes_entries=draw.choice([True, False])),
    )


def other_instruments() -> RuleSet:
    """The seed with the front VX future as its first layer, at 1% of the notional, and calls on VXX as its third."""
    seed = shipped_rule_set("alvh-seed")
    engine, buffer, anchor = seed.layers
    future = replace(
        engine, instrument="future", listing="monthly", days_target=30, days_max=40, premium=0.01,
        lower_moneyness=None, middle_moneyness=None, upper_moneyness=None, size_when_stopped=1.0,
    )  # fmt: skip
    return replace(seed, name="other-instruments", layers=(future, buffer, replace(anchor, instrument="vxx-call")))


#: The rule sets of the fixture `recorded_hedges`.
SHIPPED_AND_OTHER = (*map(shipped_rule_set, SHIPPED), other_instruments())


def only(hedges: Hedges, signals: VeqtorSignals, *names: str) -> Hedges:
    """The hedges of some of the rule sets that were folded together: a book depends on none beside it."""
    histories = {history.rules.name: history for history in hedges.histories}
    return Hedges([histories[name] for name in names], NOTIONAL, macro_panel(signals))


def sessions_of(history: HedgeHistory) -> Iterator[tuple[int, Book, Book | None]]:
    """Row, book, and the book of the session before."""
    before = None
    for row, book in enumerate(history.books.books, history.books.inception):
        yield row, book, before
        before = book


def decided(layer: LayerBook, before: LayerBook | None, lag: int) -> Order | None:
    """What was decided at a close: not what waits from an earlier one."""
    if lag == 0:
        return layer.order or layer.done
    waits = before is not None and before.order is not None and layer.done is None and layer.order is before.order
    return None if waits else layer.order


@dataclass(frozen=True)
class Prices:
    mark: float
    offer: float
    bid: float


class Marks:
    """Prices of packages by row, one forward at a time: what the market's own short cuts are compared with."""

    def __init__(self, market: OptionMarket) -> None:
        self.market = market
        self._forwards: dict[tuple[int, dt.date], float] = {}
        self._lives: dict[Legs, tuple[int, Floats]] = {}

    def forward(self, row: int, expiry: dt.date) -> float:
        if (row, expiry) not in self._forwards:
            wanted = np.array([expiry], dtype="datetime64[D]")
            found = forward_prices(self.market.panel, row, float(self.market.vix[row]), wanted)
            self._forwards[row, expiry] = float(found.values[0])
        return self._forwards[row, expiry]

    def legs(self, row: int, legs: Legs) -> Floats:
        """The price of each leg."""
        first, life = self._lives.get(legs, (row + 1, np.empty(0)))
        if row < first:
            market = self.market
            rows = np.arange(row, min(market.row_at(legs.expiry), len(market.dates)))
            forward = np.array([self.forward(at, legs.expiry) for at in rows.tolist()])
            days = np.array([(legs.expiry - market.dates[at]).days for at in rows.tolist()])
            strikes = np.array(legs.strikes)[:, None]
            first, life = row, SURFACE.price(forward, strikes, days, market.vvix.values[rows], market.rate[rows])
            self._lives[legs] = first, life
        return life[:, row - first]

    def prices(self, row: int, legs: Legs, costs: Costs) -> Prices:
        each, ratios = self.legs(row, legs), np.array(legs.ratios)
        mark = float(ratios @ each)
        if costs.package_fills:
            away = max(costs.half_spread * abs(mark), costs.minimum_half_spread)
        else:
            away = float(np.abs(ratios) @ np.maximum(costs.half_spread * each, costs.minimum_half_spread))
        return Prices(mark, mark + away, max(mark - away, 0.0))


def noisy(data: MarketData, seed: int) -> MarketData:
    """Every VX settlement a tick of 0.05 up or down, every close of the VIX one of 0.01."""
    random = np.random.default_rng(seed)
    found = []
    for each in data.values():
        tick = 0.05 if vx_expiry_of(each.series) else 0.01 if each.series == VIX else 0.0
        values = each.values
        if tick:
            moved = np.round(values + tick * random.choice([-1.0, 1.0], len(values)), 4)
            values = np.where(values > 1.0, moved, values)
        found.append(Observations(each.series, each.publisher, each.days, values, each.payloads))
    return MarketData(found)
