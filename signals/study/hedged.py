"""Tracks of hedges: a portfolio that pays for a hedge of its own value, and a book that is a portfolio by itself.

A book whose sizes are shares of a constant notional hedges a portfolio whose value at each close is that notional. What
the options are worth is not in the portfolio's other holdings, so that of a dollar, with the mark m(t) of the book as a
share of its notional and p its profit before half-spreads,

    gross(t) = own(t) - m(t-1) forgone(t) + p(t)

where `own` is what the portfolio earns without a hedge and `forgone` what the money in the options would have earned
there: of the S&P 500 its return, of an account of condors that of cash. At the close all that is held is resized to the
new value, and pays its half-spread on what that trades, whatever else the book trades then:

    cost(t) = (half-spreads of the portfolio's own trades and of the fills + half-spread of all held x |r(t)|)
              / (1 + gross(t))

with r the change of the value before the resize. A book whose sizes are shares of a portfolio's value, such as that of
VXTH, holds the equity itself and is sized when it trades.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from signals.alvh.book import BUY, EXPIRY, LayerBook
from signals.alvh.hedge import HedgeHistory
from signals.alvh.market import OptionMarket
from signals.alvh.rules import Costs, RuleSet
from signals.alvh.ruleset_files import shipped_rule_set
from signals.errors import ConfigurationError
from signals.study.spec import DEFAULT_HEDGES, TradingCosts
from signals.study.tracks import Track
from signals.study.trading import after_costs, equity_traded
from signals.vix_futures import Floats


@dataclass(frozen=True, eq=False)
class HedgeLine:
    """What a book does, shares of its notional; 0 before it begins.

    Attributes
    ----------
    name : str
        Of the rule set.
    profit : float, shape (n,)
        Gained on each session before half-spreads; NaN up to and with the session the book begins on.
    spread : float, shape (n,)
        Half-spreads of its fills at each close.
    away : float, shape (n,)
        The half-spread of all it holds after each close: what trading it once would cost.
    premium : float, shape (n,)
        Bought and sold at each close.
    flow : float, shape (n,)
        Cash into it (negative) and out of it before half-spreads, settlements included.
    mark : float, shape (n,)
        Worth after each close.
    """

    name: str
    profit: Floats
    spread: Floats
    away: Floats
    premium: Floats
    flow: Floats
    mark: Floats


@dataclass(frozen=True, eq=False)
class Funded:
    """A portfolio that pays for a hedge of its value.

    Attributes
    ----------
    gross : float, shape (n,)
        Return before costs; NaN up to and with the session the book begins on.
    cost : float, shape (n,)
        Half-spreads of each close, a share of the value before its trades.
    premium : float, shape (n,)
        Options of the hedge bought and sold, the same share.
    """

    gross: Floats
    cost: Floats
    premium: Floats


def beside_equity(rule_set: str) -> str:
    """Name of the track of the S&P 500 beside the hedge of a rule set."""
    return f"sp500+{rule_set}"


def is_portfolio(history: HedgeHistory) -> bool:
    """Whether a book is a portfolio by itself, equity included."""
    return history.rules.sizing.base == "value"


def hedge_name(history: HedgeHistory) -> str:
    """Name of the track of a hedge."""
    return history.rules.name if is_portfolio(history) else beside_equity(history.rules.name)


def charged_costs(rules: RuleSet) -> Costs:
    """What a study charges the options of a rule set: its own half-spread, or where it has none that of the default."""
    own = rules.costs
    if own.half_spread or own.minimum_half_spread:
        return own
    usual = shipped_rule_set(DEFAULT_HEDGES[0]).costs
    return replace(own, half_spread=usual.half_spread, minimum_half_spread=usual.minimum_half_spread)


def hedge_line(history: HedgeHistory, base: int) -> HedgeLine:
    """What a book that is no portfolio by itself does, on the rows of the market from `base` on.

    Raises
    ------
    ConfigurationError
        When the book never begins.
    """
    books = history.books
    _require_books(history)
    traded = _traded(history)
    skipped, notional = books.first - base, books.notional
    profit = np.full(len(books.books), np.nan)
    profit[1:] = np.diff([book.pnl for book in books.books]) + traded.inside[1:]
    return HedgeLine(
        name=history.rules.name,
        profit=_from(skipped, profit / notional, np.nan),
        spread=_from(skipped, traded.spread / notional, 0.0),
        away=_from(skipped, traded.away / notional, 0.0),
        premium=_from(skipped, traded.premium / notional, 0.0),
        flow=_from(skipped, (traded.inside - traded.paid) / notional, 0.0),
        mark=_from(skipped, np.array([book.mark for book in books.books]) / notional, 0.0),
    )


def funded(line: HedgeLine, own: Floats, own_cost: Floats, forgone: Floats, costs: TradingCosts) -> Funded:
    """A portfolio that pays for a hedge of its value out of what it holds: the formulas of the module.

    Parameters
    ----------
    own, own_cost : float, shape (n,)
        Return of the portfolio by itself before costs, and the half-spreads of its own trades, per dollar of its value
        at the close before.
    forgone : float, shape (n,)
        What the money in the hedge would have earned. The first row of these is not read.
    costs : TradingCosts
        The factor on options on the VIX is used.
    """
    gross = np.full(len(own), np.nan)
    gross[1:] = own[1:] - line.mark[:-1] * forgone[1:] + line.profit[1:]
    began = np.isfinite(gross)
    grown = np.where(began, 1.0 + gross, 1.0)
    spread = np.where(began, own_cost + costs.vix_option * line.spread, 0.0)
    change = np.abs(grown - 1.0 - spread)
    resize = np.where(began, costs.vix_option * line.away * change, 0.0)
    return Funded(
        gross=gross,
        cost=(spread + resize) / grown,
        premium=np.where(began, line.premium + line.mark * change, 0.0) / grown,
    )


def hedge_track(
    history: HedgeHistory, equity_change: Floats, base: int, costs: TradingCosts, line: HedgeLine | None = None
) -> Track:
    """The track of a hedge, on the rows of the market from `base` on.

    What it takes to begin is not counted.

    Parameters
    ----------
    equity_change : float, shape (rows,)
        Total return of the S&P 500 into each row of the market, a decimal.
    base : int
        Row of the market in which the track has its first row; not after the first book.
    costs : TradingCosts
        That of equity, and the factor on options on the VIX, are used.
    line : HedgeLine, optional
        Its `hedge_line` from `base` on, where it is known already.

    Raises
    ------
    ConfigurationError
        When the book never begins.
    """
    if is_portfolio(history):
        return _portfolio_track(history, equity_change, base, costs)
    line = hedge_line(history, base) if line is None else line
    equity = equity_change[base : base + len(line.mark)]
    found = funded(line, equity, np.zeros(len(equity)), equity, costs)
    return _with_equity(history, found, equity, line.mark, line.flow - costs.vix_option * line.spread, costs)


def _portfolio_track(history: HedgeHistory, equity_change: Floats, base: int, costs: TradingCosts) -> Track:
    _require_books(history)
    books, traded = history.books.books, _traded(history)
    skipped = history.books.first - base
    value = np.array([book.base for book in books])
    # Before the half-spreads that are in the book.
    before = value + traded.inside
    gross = np.full(len(value), np.nan)
    gross[1:] = before[1:] / value[:-1] - 1.0
    spread = costs.vix_option * traded.spread
    spread[0] = traded.premium[0] = 0.0
    mark = _from(skipped, np.array([book.mark for book in books]) / value, 0.0)
    found = Funded(
        gross=_from(skipped, gross, np.nan),
        cost=_from(skipped, spread / before, 0.0),
        premium=_from(skipped, traded.premium / before, 0.0),
    )
    flow = _from(skipped, (traded.inside - traded.paid - spread) / value, 0.0)
    return _with_equity(history, found, equity_change[base : base + len(mark)], mark, flow, costs)


def _with_equity(
    history: HedgeHistory, found: Funded, equity: Floats, mark: Floats, flow: Floats, costs: TradingCosts
) -> Track:
    """The track of a portfolio that holds equity but for what its options are worth."""
    began = np.isfinite(found.gross)
    traded = np.zeros(len(mark))
    traded[began] = equity_traded(1.0 - mark, found.gross, equity)[began]
    cost, own = found.cost + traded * costs.equity, is_portfolio(history)
    return Track(
        name=hedge_name(history),
        label=history.rules.name.upper() if own else f"S&P 500 TR + {history.rules.name}",
        against="sp500",
        returns=after_costs(found.gross, cost),
        gross=found.gross,
        cost=cost,
        turnover=0.5 * (found.premium + traded),
        hedge_flow=flow,
        hedge_mark=mark,
        note=_note(history, costs, own=own),
    )


def _require_books(history: HedgeHistory) -> None:
    if len(history.books.books) < 2:
        raise ConfigurationError(
            f"hedge {history.rules.name}",
            expected="two sessions or more from its inception on",
            got=f"{len(history.books.books)}; its targets begin {history.rules.timing.first_session}",
            do="Ask for a longer range, or leave the hedge out.",
        )


def _from(skipped: int, values: Floats, before: float) -> Floats:
    return np.concatenate([np.full(skipped, before), values])


@dataclass(frozen=True, eq=False)
class _Traded:
    """What is traded at each close, USD.

    Attributes
    ----------
    inside, spread : float, shape (n,)
        Half-spreads of the fills: those that are in the book, and those that are charged.
    away : float, shape (n,)
        The half-spread of all that is held.
    premium, paid : float, shape (n,)
        Bought and sold; and paid less received, settlements included.
    """

    inside: Floats
    spread: Floats
    away: Floats
    premium: Floats
    paid: Floats


def _traded(history: HedgeHistory) -> _Traded:
    books, market, own = history.books, history.market, history.rules.costs
    charged = charged_costs(history.rules)
    inside, spread, away, premium, paid = (np.zeros(len(books.books)) for _ in range(5))
    for at, book in enumerate(books.books):
        row = books.first + at
        away[at] = math.fsum(_away(layer, row, market, charged) for layer in book.layers)
        fills = [fill for layer in book.layers for fill in layer.fills]
        if not fills:
            continue
        paid[at] = math.fsum(fill.paid for fill in fills)
        crossed = [fill for fill in fills if fill.side != EXPIRY]
        premium[at] = math.fsum(abs(fill.paid) for fill in crossed)
        inside[at] = spread[at] = math.fsum(
            abs(fill.price - market.quote(row, fill.legs, own).mark) * fill.packages * fill.legs.point_value
            for fill in crossed
        )
        if charged is own:
            continue
        quotes = [(fill, market.quote(row, fill.legs, charged)) for fill in crossed]
        spread[at] = math.fsum(
            (quote.offer - quote.mark if fill.side == BUY else quote.mark - quote.bid)
            * fill.packages
            * fill.legs.point_value
            for fill, quote in quotes
        )
    return _Traded(inside, spread, away, premium, paid)


def _away(layer: LayerBook, row: int, market: OptionMarket, costs: Costs) -> float:
    """The half-spread of what a layer holds after a close, USD."""
    position = layer.position
    if position is None:
        return 0.0
    quote = market.quote(row, position.legs, costs)
    if not math.isfinite(quote.mark):
        # Its last mark stands.
        return costs.half_spread * abs(layer.mark)
    return (quote.offer - quote.mark) * position.packages * position.legs.point_value


def _note(history: HedgeHistory, costs: TradingCosts, *, own: bool) -> str:
    charged = charged_costs(history.rules)
    held = (
        "Calls and equity are one portfolio"
        if own
        else "The hedge is paid from the equity, and is resized to the value of the portfolio at each close"
    )
    spreads = f"an option pays a half-spread of {charged.half_spread * costs.vix_option * 100.0:g}% of its price"
    if charged is not history.rules.costs:
        spreads += f", that of {DEFAULT_HEDGES[0]} (before costs it is the index of Cboe, which pays none)"
    return f"{held}; {spreads}, and is priced by a model where no quote is recorded."
