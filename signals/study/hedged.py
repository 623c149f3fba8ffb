"""Tracks of hedges: equity beside a book, and a book that is a portfolio by itself.

A book whose sizes are shares of a constant notional is put beside the S&P 500 with the value of the portfolio as its
notional, at every close: what it gained in a day is added to the return of the equity. A book whose sizes are shares
of a portfolio's value, such as that of VXTH, holds the equity itself.
"""

from __future__ import annotations

import math

import numpy as np

from signals.alvh.book import EXPIRY
from signals.alvh.hedge import HedgeHistory
from signals.errors import ConfigurationError
from signals.study.spec import TradingCosts
from signals.study.tracks import Track
from signals.study.trading import after_costs
from signals.vix_futures import Floats


def beside_equity(rule_set: str) -> str:
    """Name of the track of the S&P 500 beside the hedge of a rule set."""
    return f"sp500+{rule_set}"


def is_portfolio(history: HedgeHistory) -> bool:
    """Whether a book is a portfolio by itself, equity included."""
    return history.rules.sizing.base == "value"


def hedge_name(history: HedgeHistory) -> str:
    """Name of the track of a hedge."""
    return history.rules.name if is_portfolio(history) else beside_equity(history.rules.name)


def hedge_track(history: HedgeHistory, equity_change: Floats, base: int, costs: TradingCosts) -> Track:
    """The track of a hedge, on the rows of the market from `base` on.

    Half-spreads are what the fills of the book paid beside the marks of their close; they are in its profit, and are
    added back before costs. Equity pays for what goes into the hedge and takes up what comes out of it.

    Parameters
    ----------
    equity_change : float, shape (rows,)
        Total return of the S&P 500 into each row of the market, a decimal.
    base : int
        Row of the market in which the track has its first row; not after the first book.
    costs : TradingCosts
        That of equity is used.

    Raises
    ------
    ConfigurationError
        When the book never begins.
    """
    books, rules = history.books, history.rules
    if len(books.books) < 2:
        raise ConfigurationError(
            f"hedge {rules.name}",
            expected="two sessions or more from its inception on",
            got=f"{len(books.books)}; its targets begin {rules.timing.first_session}",
            do="Ask for a longer range, or leave the hedge out.",
        )
    own = is_portfolio(history)
    value = np.array([book.base for book in books.books]) if own else np.full(len(books.books), books.notional)
    spread, premium, paid = (amount / value for amount in _traded(history))
    mark = np.array([book.mark for book in books.books]) / value
    net = np.full(len(value), np.nan)
    if own:
        net[1:] = value[1:] / value[:-1] - 1.0
        option_cost = spread / (1.0 + spread)
    else:
        profit = np.diff([book.pnl for book in books.books]) / books.notional
        net[1:] = equity_change[books.first + 1 : books.first + len(value)] + profit
        # A share of the value at the close, of which the notional was that of the close before.
        option_cost = spread / (1.0 + np.nan_to_num(net) + spread)
    gross = (1.0 + net) / (1.0 - option_cost) - 1.0
    cost = option_cost + np.abs(paid) * costs.equity
    turnover = 0.5 * (premium + np.abs(paid))
    # What it takes to begin is not counted.
    cost[0] = turnover[0] = 0.0
    skipped = books.first - base
    return Track(
        name=hedge_name(history),
        label=rules.name.upper() if own else f"S&P 500 TR + {rules.name}",
        against="sp500",
        returns=_from(skipped, after_costs(gross, cost), np.nan),
        gross=_from(skipped, gross, np.nan),
        cost=_from(skipped, cost, 0.0),
        turnover=_from(skipped, turnover, 0.0),
        hedge_flow=_from(skipped, -paid, 0.0),
        hedge_mark=_from(skipped, mark, 0.0),
        note=_note(history, own=own),
    )


def _from(skipped: int, values: Floats, before: float) -> Floats:
    return np.concatenate([np.full(skipped, before), values])


def _traded(history: HedgeHistory) -> tuple[Floats, Floats, Floats]:
    """Of each close, USD: half-spreads, premium traded, and paid less received, settlements included."""
    books, market, costs = history.books, history.market, history.rules.costs
    spread, premium, paid = (np.zeros(len(books.books)) for _ in range(3))
    for at, book in enumerate(books.books):
        fills = [fill for layer in book.layers for fill in layer.fills]
        if not fills:
            continue
        row = books.first + at
        paid[at] = math.fsum(fill.paid for fill in fills)
        crossed = [fill for fill in fills if fill.side != EXPIRY]
        premium[at] = math.fsum(abs(fill.paid) for fill in crossed)
        spread[at] = math.fsum(
            abs(fill.price - market.quote(row, fill.legs, costs).mark) * fill.packages * fill.legs.point_value
            for fill in crossed
        )
    return spread, premium, paid


def _note(history: HedgeHistory, *, own: bool) -> str:
    share = history.rules.costs.half_spread
    spreads = f"a half-spread of {share:.0%} of its price" if share else "no half-spread"
    held = (
        "Calls and equity are one portfolio" if own else "The hedge protects the value of the portfolio at each close"
    )
    return f"{held}; an option pays {spreads}, and is priced by a model where no quote is recorded."
