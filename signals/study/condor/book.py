"""The account of the condor programme, as a fold over sessions.

At each close, in this order: cash has earned the overnight rate, condors that were ordered are sold, others are bought
back or expire, everything is marked at the model's prices, and the size of what is sold next is decided. The account is
1 at the first session; condors are fractions of contracts.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from signals.study.condor.market import CondorMarket
from signals.study.condor.rules import CondorRules
from signals.study.condor.trades import EXPIRED, OPEN, Condors
from signals.study.tracks import Track
from signals.vix_futures import Floats, Integers

NAME, LABEL = "condor", "Iron condors"


@dataclass(frozen=True)
class Trade:
    """A condor that has ended.

    Attributes
    ----------
    decided, filled, closed, expiry : datetime.date
    strikes : tuple of float, index points
        Long put, short put, short call, long call.
    index : float, index points
        The S&P 500 at the fill.
    credit, paid : float, index points
        Received at the fill and paid at the end, after what crossing the market costs.
    at_risk : float, index points
        The most it could lose, as seen at the decision.
    size : float
        Condors, of one US dollar a point, per US dollar of the account at the decision.
    ending : str
    """

    decided: dt.date
    filled: dt.date
    closed: dt.date
    expiry: dt.date
    strikes: tuple[float, ...]
    index: float
    credit: float
    paid: float
    at_risk: float
    size: float
    ending: str

    @property
    def gained(self) -> float:
        """Gained or lost, a share of the account at the decision."""
        return (self.credit - self.paid) * self.size


@dataclass(frozen=True, eq=False)
class Account:
    """The account by session.

    Attributes
    ----------
    value : float, shape (n,)
        1.0 in the first row.
    earned : float, shape (n,)
        What the options gained into each session, a share of the value before; 0 in the first row.
    cost, turnover : float, shape (n,)
        As in `signals.study.tracks.Track`.
    held : int, shape (n,)
        Condors that were open into each session.
    trades : tuple of Trade
        Those that have ended, in the order of their decision.
    """

    value: Floats
    earned: Floats
    cost: Floats
    turnover: Floats
    held: Integers
    trades: tuple[Trade, ...]

    @property
    def returns(self) -> Floats:
        """Return into each session after costs, NaN in the first row."""
        found = np.full(len(self.value), np.nan)
        found[1:] = self.value[1:] / self.value[:-1] - 1.0
        return found

    def track(self) -> Track:
        """The account as a track."""
        returns = self.returns
        return Track(
            name=NAME,
            label=LABEL,
            against=None,
            returns=returns,
            gross=before_costs(returns, self.cost),
            cost=self.cost,
            turnover=self.turnover,
            note="Priced by a model: no quote of an option on the S&P 500 is recorded.",
        )


def before_costs(returns: Floats, cost: Floats) -> Floats:
    """Returns before the costs of the close they lead to."""
    found: Floats = (1.0 + returns) / (1.0 - cost) - 1.0
    return found


def account_of(market: CondorMarket, rules: CondorRules, found: Condors) -> Account:
    """Fold the account over all sessions."""
    rows, count = len(market.sessions), len(found.decided)
    decided: list[int] = found.decided.tolist()
    last: list[int] = found.last.tolist()
    values, opening, closing, premium = (
        table.tolist() for table in (found.value, found.opening, found.closing, found.premium)
    )
    at_risk: list[float] = found.risk.tolist()
    decisions: list[list[int]] = [[] for _ in range(rows)]
    for condor in range(count):
        decisions[decided[condor]].append(condor)
    interest = market.cash.tolist()
    size, share = [0.0] * count, [0.0] * count
    levels, earned, cost, turnover, counts = [1.0], [0.0], [0.0], [0.0], [0]
    cash, value = 1.0, 1.0
    held: list[int] = []
    for condor in decisions[0]:
        share[condor] = rules.risk / at_risk[condor]
        size[condor] = share[condor]
    ordered = decisions[0]
    for row in range(1, rows):
        before, received = value, cash * interest[row]
        cash += received
        counts.append(len(held))
        crossing = traded = mark = 0.0
        for condor in ordered:
            units = size[condor]
            cash -= units * values[condor][1]
            crossing += units * opening[condor][1]
            traded += units * premium[condor][1]
        held += ordered
        kept = []
        for condor in held:
            column, units = row - decided[condor], size[condor]
            if column < last[condor]:
                kept.append(condor)
                mark += units * values[condor][column]
                continue
            cash += units * values[condor][column]
            if found.ending[condor] != EXPIRED:
                crossing += units * closing[condor][column]
                traded += units * premium[condor][column]
        held = kept
        cash -= crossing
        value = cash + mark
        levels.append(value)
        earned.append((value - before - received) / before)
        cost.append(crossing / (value + crossing))
        turnover.append(0.5 * traded / (value + crossing))
        ordered = decisions[row]
        for condor in ordered:
            share[condor] = rules.risk / at_risk[condor]
            size[condor] = share[condor] * value
    return Account(
        value=np.array(levels),
        earned=np.array(earned),
        cost=np.array(cost),
        turnover=np.array(turnover),
        held=np.array(counts, dtype=np.int64),
        trades=tuple(_trades(market, found, share)),
    )


def _trades(market: CondorMarket, found: Condors, share: list[float]) -> list[Trade]:
    days = market.sessions.tolist()
    made = []
    for condor, ending in enumerate(found.ending):
        if ending == OPEN:
            continue
        row, last = int(found.decided[condor]), int(found.last[condor])
        back = 0.0 if ending == EXPIRED else float(found.closing[condor, last])
        made.append(
            Trade(
                decided=days[row],
                filled=days[row + 1],
                closed=days[row + last],
                expiry=found.expiry[condor].item(),
                strikes=tuple(found.strikes[condor].tolist()),
                index=float(market.spx[row + 1]),
                credit=-float(found.value[condor, 1] + found.opening[condor, 1]),
                paid=-float(found.value[condor, last]) + back,
                at_risk=float(found.risk[condor]),
                size=share[condor],
                ending=ending,
            )
        )
    return made
