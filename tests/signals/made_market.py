"""Small markets in which nothing moves but what a test moves, for the decisions of a hedge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from signals.alvh.book import Book, LayerBook, Order
from signals.alvh.conditions import Conditions
from signals.alvh.contracts import Legs
from signals.alvh.decide import fold
from signals.alvh.market import OptionMarket
from signals.alvh.rules import Collapse, Layer, RuleSet
from signals.alvh.ruleset_files import shipped_rule_set
from signals.alvh.substitutes import Substituted
from signals.alvh.surface import SURFACE, continuous_rate
from signals.calendar import TradingCalendar
from signals.options import OptionChain
from signals.rates import PRIMARY
from signals.vix_futures import SLOTS, Floats, SettlementPanel

NOTIONAL = 1_000_000.0
NAN = float("nan")
SEED = shipped_rule_set("alvh-seed")
BUTTERFLY, SPREAD, ANCHOR = SEED.layers
#: One call about 45 days out, held to 21 days, with nothing else about it.
CALL = replace(
    SPREAD, instrument="call", long_delta=0.4, short_delta=None, monetise=(), carry_cheap_factor=1.0,
    carry_dear_factor=1.0, size_when_stopped=1.0,
)  # fmt: skip
COLLAPSE = Collapse(
    variance_premium_below=0.0, variance_premium_sessions=5, capm_premium_at_most=-0.85, only_in_profit=True
)
NEW_YEAR = dt.date(2018, 1, 2)
FEB, MAR = dt.date(2018, 2, 14), dt.date(2018, 3, 21)


def rules_of(*layers: Layer, **parts: object) -> RuleSet:
    """The seed with these layers, without a limit on its budget."""
    return replace(SEED, layers=layers, budget=replace(SEED.budget, alarm=None, stop=None), **parts)  # type: ignore[arg-type]


@dataclass
class Made:
    """A market of so many sessions, and the conditions of its rule set; rows are changed in place before `books`."""

    calendar: TradingCalendar
    rules: RuleSet
    count: int = 40
    start: dt.date = NEW_YEAR
    notional: float = NOTIONAL
    published: dict[dt.date, float] = field(default_factory=dict)
    chains: Mapping[dt.date, OptionChain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = int(np.searchsorted(self.calendar.sessions, np.datetime64(self.start)))
        self.sessions = self.calendar.sessions[first : first + self.count]
        layers = len(self.rules.layers)
        self.settle: Floats = np.full((self.count, SLOTS), 20.0)
        self.vix: Floats = np.full(self.count, 18.0)
        self.vvix: Floats = np.full(self.count, 90.0)
        self.opens: Floats = np.full(self.count, NAN)
        self.multiplier = [[1.0] * layers for _ in range(self.count)]
        self.factor = [[1.0] * layers for _ in range(self.count)]
        self.collapsed = [[""] * layers for _ in range(self.count)]

    def row(self, day: dt.date) -> int:
        return self.sessions.tolist().index(day)

    def market(self) -> OptionMarket:
        front = np.searchsorted(self.calendar.vx_expiries, self.sessions, side="right").astype(np.int64)
        basis = np.zeros(self.settle.shape, np.int8)
        return OptionMarket(
            panel=SettlementPanel(self.sessions, self.calendar.vx_expiries, front, self.settle, basis),
            vix=self.vix,
            vvix=Substituted(self.vvix, np.full(self.count, PRIMARY, np.int8)),
            tbill=np.full(self.count, 0.02),
            published=self.published,
            vix_open=self.opens,
            calendar=self.calendar,
            short_term=np.full(self.count, 100.0),
            chains=self.chains,
        )

    def books(self) -> Sequence[Book]:
        given = Conditions(self.multiplier, self.factor, self.collapsed, [0.0] * self.count)
        return fold(self.market(), self.rules, given, 0, self.notional).books

    def layers(self, place: int = 0) -> list[LayerBook]:
        return [book.layers[place] for book in self.books()]

    def call(self, row: int, expiry: dt.date, strike: float, forward: float = 20.0) -> float:
        """The model's price of a call."""
        days = (expiry - self.sessions[row].item()).days
        return float(SURFACE.price(forward, strike, days, self.vvix[row], float(continuous_rate(0.02))))


def offer(price: float) -> float:
    return price + max(0.06 * price, 0.02)


def bid(price: float) -> float:
    return max(price - max(0.06 * price, 0.02), 0.0)


def legs_of(order: Order | None) -> Legs:
    assert order is not None
    assert order.buy is not None
    return order.buy


def at_multiple(made: Made, row: int, multiple: float) -> float:
    """The future at which a call bought on the second session is worth a multiple of its cost."""
    days = (FEB - made.sessions[row].item()).days
    levels = np.arange(20.0, 60.0, 0.01)
    worth = SURFACE.price(levels, 23.0, days, made.vvix[row], float(continuous_rate(0.02)))
    return float(levels[np.argmax(worth >= multiple * offer(made.call(1, FEB, 23.0)))])


def chain_of(day: dt.date, calls: Mapping[tuple[dt.date, float], tuple[float, float]]) -> OptionChain:
    """A chain of calls with these bids and asks."""
    count = len(calls)
    unknown = np.full(count, NAN)
    return OptionChain(
        underlying="VIX",
        underlying_price=18.0,
        quoted_at=dt.datetime(day.year, day.month, day.day, 21, 15, tzinfo=dt.UTC),
        root=np.array(["VIX"] * count),
        expiry=np.array([expiry for expiry, _ in calls], dtype="datetime64[D]"),
        is_call=np.ones(count, dtype=bool),
        strike=np.array([strike for _, strike in calls]),
        bid=np.array([low for low, _ in calls.values()]),
        ask=np.array([high for _, high in calls.values()]),
        last=unknown, implied_volatility=unknown, delta=unknown, open_interest=unknown, volume=unknown,
    )  # fmt: skip


def with_chain(calendar: TradingCalendar, rules: RuleSet, row: int, *others: tuple[float, tuple[float, float]]) -> Made:
    """February calls quoted at the model's price plus a half, in a chain of one session; `others` as given."""
    made = Made(calendar, rules, count=8)
    day = made.sessions[row].item()
    strikes = np.arange(15.0, 40.0)
    middle = {strike: made.call(row, FEB, strike) + 0.5 for strike in strikes.tolist()}
    calls = {(FEB, strike): (price - 0.1, price + 0.1) for strike, price in middle.items()}
    calls |= {(FEB, strike): quotes for strike, quotes in others}
    made.chains = {day: chain_of(day, calls)}
    return made
