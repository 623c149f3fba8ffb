"""The book of a hedge as a fold over sessions: what is held, what was paid, what is ordered. The paper ledger.

At each close, in this order: what has expired is settled, the orders of the close before are filled, everything is
marked, and orders for the next close are decided (`signals.alvh.decide`). A book is a pure function of the one before
and of the market; nothing in it could not be rebuilt from observations.

Amounts are US dollars; a package is one set of legs. Cash earns nothing, and a future is booked as if paid in full.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from signals.alvh.contracts import Legs
from signals.alvh.market import OptionMarket
from signals.alvh.report import MONETISE, SETTLEMENT
from signals.alvh.rules import Costs, RuleSet

BUY, SELL, EXPIRY = "BUY", "SELL", "EXPIRY"

#: A volatility cycle: the VIX above the first, and back below the second.
CYCLE_ABOVE, CYCLE_BELOW = 30.0, 20.0

#: A share of what was bought that is only left by rounding: fractions that are sold add up to 1.
_DUST = 1e-12


@dataclass(frozen=True, slots=True)
class Position:
    """What one layer holds.

    Attributes
    ----------
    legs : Legs
    packages : float
        Held now.
    bought : float
        Bought in all.
    unit : float
        What is held at multiplier 1, early sales taken off.
    paid, received : float, USD
        For what was bought, and from early sales.
    opened : int
        Row of the first fill.
    steps : int
        Steps of monetisation that are done.
    """

    legs: Legs
    packages: float
    bought: float
    unit: float
    paid: float
    received: float
    opened: int
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done at the next close: first `sell` packages of what is held, then buy.

    `size` is the premium as a share of the base, `unit` what the layer then holds at multiplier 1 (0: less by what is
    sold), `steps` how many of monetisation are done once it is filled.
    """

    action: str
    reason: str
    sell: float = 0.0
    buy: Legs | None = None
    packages: float = 0.0
    unit: float = 0.0
    steps: int = 0
    size: float = 0.0


@dataclass(frozen=True, slots=True)
class Filled:
    """One entry of the ledger: `paid` is negative where it was received."""

    side: str
    legs: Legs
    packages: float
    price: float
    basis: str
    paid: float


@dataclass(frozen=True, slots=True)
class LayerBook:
    """One layer after a close.

    Attributes
    ----------
    position : Position, optional
    order : Order, optional
        To be filled at the next close.
    done : Order, optional
        Filled at this close.
    cash : float, USD
        Received less paid since the inception.
    mark : float, USD
    shut : bool
        Closed early because its premium had collapsed, and not to be opened while it is.
    why : str
        What keeps a layer from doing what it would; empty where nothing does.
    fills : tuple of Filled
        Of this session.
    """

    position: Position | None = None
    order: Order | None = None
    done: Order | None = None
    cash: float = 0.0
    mark: float = 0.0
    shut: bool = False
    why: str = ""
    fills: tuple[Filled, ...] = ()

    @property
    def pnl(self) -> float:
        """Gained or lost since the inception."""
        return self.cash + self.mark


@dataclass(frozen=True, slots=True)
class Book:
    """The whole hedge after a close.

    Attributes
    ----------
    layers : tuple of LayerBook
    base : float, USD
        What sizes are shares of.
    equity : float, USD
        What is not in the hedge, where sizes are shares of a portfolio's value; else 0.
    pnls : tuple of float
        P&L at each of the closes before that the budget still looks at, oldest first.
    net_cost : float
        Over the budget's window, a share of the base.
    proceeds : tuple of (int, float)
        What early sales of this session brought: layer, USD.
    high : bool
        Whether the VIX has been above 30 and not below 20 since.
    cycles : int
    """

    layers: tuple[LayerBook, ...]
    base: float
    equity: float = 0.0
    pnls: tuple[float, ...] = ()
    net_cost: float = 0.0
    proceeds: tuple[tuple[int, float], ...] = ()
    high: bool = False
    cycles: int = 0

    @property
    def pnl(self) -> float:
        """Gained or lost since the inception."""
        return math.fsum(layer.pnl for layer in self.layers)

    @property
    def mark(self) -> float:
        """Value of everything held."""
        return math.fsum(layer.mark for layer in self.layers)

    @property
    def cash(self) -> float:
        """Received less paid since the inception."""
        return math.fsum(layer.cash for layer in self.layers)


def opening_book(rules: RuleSet, notional: float) -> Book:
    """The book before its first session."""
    base = rules.sizing.base
    return Book(tuple(LayerBook() for _ in rules.layers), notional, equity=notional if base == "value" else 0.0)


def settle_and_fill(book: Book, row: int, market: OptionMarket, rules: RuleSet, equity_change: float) -> Book:
    """The book after the settlement of the morning and the fills of the close, marked, and with nothing decided."""
    layers = []
    for layer in book.layers:
        position = layer.position
        if layer.order is None and (position is None or position.legs.expiry > market.dates[row]):
            mark = _worth(position, layer.mark, row, market, rules.costs)
            layers.append(LayerBook(position, cash=layer.cash, mark=mark, shut=layer.shut))
            continue
        after = _settled(replace(layer, fills=(), why="", done=None), row, market)
        layers.append(marked(filled(after, row, market, rules.costs), row, market, rules.costs))
    filled_layers = tuple(layers)
    return accounted(book, filled_layers, early_proceeds(filled_layers), row, market, rules, equity_change)


def early_proceeds(layers: Sequence[LayerBook]) -> tuple[tuple[int, float], ...]:
    """What early sales of a close brought: layer, USD."""
    return tuple(
        (place, math.fsum(-fill.paid for fill in layer.fills if fill.side == SELL))
        for place, layer in enumerate(layers)
        if layer.done is not None and layer.done.action == MONETISE
    )


def accounted(
    before: Book,
    layers: tuple[LayerBook, ...],
    proceeds: tuple[tuple[int, float], ...],
    row: int,
    market: OptionMarket,
    rules: RuleSet,
    equity_change: float,
) -> Book:
    """The book of a close: its layers, with base, net cost and cycles made from those of the session before."""
    base, equity = before.base, 0.0
    if rules.sizing.base == "value":
        # What expires in the morning is cash until the close; what is bought is paid from the rest.
        spent = math.fsum(fill.paid for layer in layers for fill in layer.fills)
        equity = before.equity * (1.0 + equity_change) - spent
        base = equity + math.fsum(layer.mark for layer in layers)
    window = rules.budget.window_sessions
    start = before.pnls[-window] if len(before.pnls) >= window else 0.0
    pnl = math.fsum(layer.pnl for layer in layers)
    vix = float(market.vix[row])
    high = vix > CYCLE_ABOVE or (before.high and not vix < CYCLE_BELOW)
    return Book(
        layers=layers,
        base=base,
        equity=equity,
        pnls=(*before.pnls[-(window - 1) :], pnl),
        net_cost=(start - pnl) / base,
        proceeds=proceeds,
        high=high,
        cycles=before.cycles + int(before.high and not high),
    )


def filled(layer: LayerBook, row: int, market: OptionMarket, costs: Costs) -> LayerBook:
    """A layer after its order; it is kept for the next close where a price is missing."""
    order, position = layer.order, layer.position
    if order is None:
        return layer
    if order.buy is not None and order.buy.expiry <= market.dates[row]:
        return replace(layer, order=None, why="What was ordered expired before it could be bought.")
    selling = market.quote(row, position.legs, costs) if position is not None and order.sell else None
    buying = market.quote(row, order.buy, costs) if order.buy is not None else None
    if any(each is not None and not math.isfinite(each.mark) for each in (selling, buying)):
        return replace(layer, why="The order waits: no price at this close.")
    fills, cash = list(layer.fills), layer.cash
    if position is not None and selling is not None:
        sold = min(order.sell, position.packages)
        got = sold * selling.bid * position.legs.point_value
        fills.append(Filled(SELL, position.legs, sold, selling.bid, selling.basis, -got))
        cash += got
        left = position.packages - sold
        kept = left / position.packages
        unit = order.unit or position.unit * kept
        position = replace(position, packages=left, received=position.received + got, steps=order.steps, unit=unit)
        position = position if left > _DUST * position.bought else None
    if order.buy is not None and buying is not None:
        paid = order.packages * buying.offer * order.buy.point_value
        fills.append(Filled(BUY, order.buy, order.packages, buying.offer, buying.basis, paid))
        cash -= paid
        if position is None:
            position = Position(order.buy, order.packages, order.packages, order.unit, paid, 0.0, row)
        else:
            position = replace(
                position,
                packages=position.packages + order.packages,
                bought=position.bought + order.packages,
                paid=position.paid + paid,
                unit=order.unit,
            )
    return replace(layer, position=position, order=None, done=order, cash=cash, fills=tuple(fills))


def _settled(layer: LayerBook, row: int, market: OptionMarket) -> LayerBook:
    position = layer.position
    if position is None or position.legs.expiry > market.dates[row]:
        return layer
    legs = position.legs
    worth = math.fsum(
        ratio * market.worth_at_expiry(contract) for ratio, contract in zip(legs.ratios, legs.contracts, strict=True)
    )
    got = position.packages * worth * legs.point_value
    fill = Filled(EXPIRY, legs, position.packages, worth, SETTLEMENT, -got)
    order = layer.order
    if order is not None:
        # What was to be sold is gone; what was to be bought still is.
        order = replace(order, sell=0.0) if order.buy is not None and order.buy != legs else None
    return replace(layer, position=None, order=order, cash=layer.cash + got, fills=(fill,))


def marked(layer: LayerBook, row: int, market: OptionMarket, costs: Costs) -> LayerBook:
    """A layer with what it holds at the marks of a close."""
    return replace(layer, mark=_worth(layer.position, layer.mark, row, market, costs))


def _worth(position: Position | None, last: float, row: int, market: OptionMarket, costs: Costs) -> float:
    """Value of a position, USD; without a price its last mark stands."""
    if position is None:
        return 0.0
    worth = market.quote(row, position.legs, costs).mark
    return position.packages * worth * position.legs.point_value if math.isfinite(worth) else last


def paid_and_received(book: Book) -> tuple[float, float]:
    """What was paid and what was received on a session, USD."""
    flows = [fill.paid for layer in book.layers for fill in layer.fills]
    return math.fsum(flow for flow in flows if flow > 0.0), math.fsum(-flow for flow in flows if flow < 0.0)


@dataclass(frozen=True)
class Books:
    """The book after each session from the row `first` on: the inception, or a later one where a fold was taken up."""

    rules: RuleSet
    notional: float
    inception: int
    first: int
    books: Sequence[Book] = field(repr=False)

    def at(self, row: int) -> Book:
        """The book after the session in a row.

        Raises
        ------
        LookupError
            When the row is before the first.
        """
        if row < self.first:
            raise LookupError(f"the book of row {row} is not there: the fold was taken up at row {self.first}")
        return self.books[row - self.first]
