"""The Cboe VIX Tail Hedge strategy (VXTH) as an index: the S&P 500 with one-month calls on the VIX.

At every monthly VIX expiry the index settles the calls it held and buys those of the next expiry with a delta of 0.30.
What it spends depends on the settlement of the bought expiry's VX future: nothing up to 15, 1% of its value up to 30,
0.5% up to 50, nothing above. Everything else is in the S&P 500 Total Return index. Calls are held to expiry.

Cboe describes the components, the roll and the weights; the sheet of its rolls is not public any more. So these points
are this project's reading of it:

* calls are bought at their model price, at the close of the expiry day, without a spread; between rolls the weights
  drift, and nothing is traded;
* what expiring calls pay is cash from the morning's settlement to the close of that day, when it is reinvested;
* strikes are those listed, and delta is the discounted one, of the model, to the future of the same expiry;
* where the day of an expiry is no session, the roll is on the first session after it;
* up to its first expiry (2006-04-19 for the base of 2006-03-31) the index holds no calls;
* the excess return, of which Cboe has no version, is the total return less the overnight rate, as in VEQTOR.

Sources: Cboe, VXTH index page (two components, monthly roll of one-month 30-delta calls, weight by the forward VIX);
its press release of 2011 (none outside 15 to 50); published level 100 on 2006-03-31.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.alvh.listings import strike_by_delta
from signals.alvh.substitutes import Substituted
from signals.alvh.surface import SURFACE, VolatilitySurface, continuous_rate
from signals.calendar import Days
from signals.rates import MISSING
from signals.vix_futures import MONEY_MARKET_YEAR, Floats, SettlementPanel


@dataclass(frozen=True)
class VxthRules:
    """The parameters of the strategy.

    Attributes
    ----------
    base : datetime.date
        Session of the base level.
    base_level : float
    delta : float
        Of the calls bought, to the future.
    premium_edges : tuple of float, VIX points
        Ascending; an edge belongs to the band below it.
    premium_shares : tuple of float
        Share of the value spent on calls in each band: one more than edges.
    """

    base: dt.date = dt.date(2006, 3, 31)
    base_level: float = 100.0
    delta: float = 0.30
    premium_edges: tuple[float, ...] = (15.0, 30.0, 50.0)
    premium_shares: tuple[float, ...] = (0.0, 0.01, 0.005, 0.0)

    def premium_share(self, settle: npt.ArrayLike) -> Floats:
        """Share of the value spent at a settlement of the bought expiry; NaN where it is."""
        prices = np.asarray(settle, dtype=np.float64)
        band = np.searchsorted(np.array(self.premium_edges), prices, side="left")
        # NaN sorts past the last edge.
        return np.where(np.isnan(prices), np.nan, np.array(self.premium_shares)[band])


VXTH = VxthRules()


@dataclass(frozen=True)
class VxthHistory:
    """The index and its calls by session; a row before `base` or from `unusable_from` on is NaN.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    base : int
        Row of the base level; `n` if there is none.
    total_return, excess_return : float, shape (n,), index points
    rolls : bool, shape (n,)
        Whether calls settled, or could have been bought, on the session.
    expiry : datetime64[D], shape (n,)
        Of the calls held from the close on; NaT where none are.
    strike : float, shape (n,), VIX points
        NaN where none are held.
    calls : float, shape (n,)
        Calls on one VIX point held from the close on, per unit of the index; 0 where none are.
    mark : float, shape (n,), index points
        Value of the calls held from the close on, at the model's price.
    premium_paid, premium_received : float, shape (n,), index points
        Spent on calls, and received from their settlement, on the session.
    settlement_origin : int8, shape (n,)
        On a roll that settled calls, whether the final settlement is PRIMARY or a SUBSTITUTE; elsewhere MISSING.
    unusable_from : int
        Row of the first session whose level cannot be computed; `n` if all can.
    """

    sessions: Days
    base: int
    total_return: Floats
    excess_return: Floats
    rolls: npt.NDArray[np.bool_]
    expiry: Days
    strike: Floats
    calls: Floats
    mark: Floats
    premium_paid: Floats
    premium_received: Floats
    settlement_origin: npt.NDArray[np.int8]
    unusable_from: int


def vxth_history(
    panel: SettlementPanel,
    equity_change: Floats,
    vvix: Floats,
    tbill: Floats,
    overnight: Floats,
    settled_at: Substituted,
    rules: VxthRules = VXTH,
    surface: VolatilitySurface = SURFACE,
) -> VxthHistory:
    """Fold the index over a range of sessions.

    Parameters
    ----------
    panel : SettlementPanel
        VX settlements; only those of the first slot are read. Its sessions are the rows of everything else.
    equity_change : float, shape (n,)
        Daily total return of the S&P 500, a decimal; needed after the base.
    vvix : float, shape (n,), percent
        VVIX at each close, substitutes filled in.
    tbill : float, shape (n,)
        91-day bill discount rate in force at each close, a decimal.
    overnight : float, shape (n,)
        Rate that cash earns from each close to the next, an annual decimal on actual/360.
    settled_at : Substituted, shape (n,)
        Final settlement of the contract that expired into each session, VIX points.

    Returns
    -------
    VxthHistory
        Levels begin on the first session on or after the base of the rules.

    Notes
    -----
    A row uses nothing later than its close. An input that a level needs and that is missing ends the index there:
    the equity return always; settlement, VVIX and bill on a session on which calls are held or bought; the final
    settlement on one on which held calls settle; the overnight rate for the excess return.
    """
    sessions, count = panel.sessions, len(panel.sessions)
    base = int(np.searchsorted(sessions, np.datetime64(rules.base)))
    forward = panel.settle[:, 0]
    expiry = panel.expiries[panel.front]
    days = (expiry - sessions).astype(np.int64).astype(np.float64)
    rate = continuous_rate(tbill)
    rolls = np.zeros(count, dtype=bool)
    rolls[1:] = np.diff(panel.front) > 0
    rolls[: base + 1] = False
    share = np.where(rolls, rules.premium_share(forward), 0.0)

    struck = np.full(count, np.nan)
    for row in np.flatnonzero(share > 0.0).tolist():
        struck[row] = strike_by_delta(
            rules.delta, float(forward[row]), float(days[row]), float(vvix[row]), float(rate[row]), surface=surface
        )
    last_roll = np.maximum.accumulate(np.where(rolls, np.arange(count), -1))
    strike = np.where(last_roll >= 0, struck[last_roll], np.nan)
    value = surface.price(forward, strike, days, vvix, rate)
    payoff = np.full(count, np.nan)
    payoff[1:] = np.maximum(settled_at.values[1:] - strike[:-1], 0.0)

    accrual = np.full(count, np.nan)
    accrual[1:] = overnight[:-1] * np.diff(sessions).astype(np.int64) / MONEY_MARKET_YEAR
    total, excess, calls, paid, received = _fold(
        equity_change.tolist(),
        accrual.tolist(),
        rolls.tolist(),
        share.tolist(),
        value.tolist(),
        payoff.tolist(),
        base,
        rules.base_level,
    )

    usable = np.isfinite(total + excess)
    unusable_from = count if base >= count or usable[base:].all() else base + int(np.argmin(usable[base:]))
    held = calls > 0.0
    settles = rolls & np.concatenate([[False], held[:-1]])
    return VxthHistory(
        sessions=sessions,
        base=base,
        total_return=total,
        excess_return=excess,
        rolls=rolls,
        expiry=np.where(held, expiry, np.datetime64("NaT")),
        strike=np.where(held, strike, np.nan),
        calls=calls,
        mark=np.where(held, calls * value, np.where(np.isnan(calls), np.nan, 0.0)),
        premium_paid=paid,
        premium_received=received,
        settlement_origin=np.where(settles, settled_at.origin, MISSING).astype(np.int8),
        unusable_from=unusable_from,
    )


def _fold(
    equity_change: list[float],
    accrual: list[float],
    rolls: list[bool],
    share: list[float],
    price: list[float],
    payoff: list[float],
    base: int,
    level: float,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Total return, excess return, calls per unit, premium paid and received; NaN before `base` and from a hole on.

    `price` is that of the calls held from each close on, `payoff` what those held until the session settle at. Plain
    lists: each step needs the outcome of the one before, and a list is several times faster to index than an array.
    """
    count = len(rolls)
    total, excess, calls, paid, received = ([math.nan] * count for _ in range(5))
    if base < count:
        total[base] = excess[base] = level
        calls[base] = paid[base] = received[base] = 0.0
    equity, above_cash, units = level, level, 0.0
    for row in range(base + 1, count):
        equity *= 1.0 + equity_change[row]
        gained = spent = 0.0
        if rolls[row]:
            gained = units * payoff[row] if units else 0.0
            value = equity + gained
            spent = share[row] * value
            units = (spent / price[row] if price[row] > 0.0 else math.nan) if spent else 0.0
            equity = value - spent
        else:
            value = equity + units * price[row] if units else equity
        above_cash *= 1.0 + (value / total[row - 1] - 1.0 - accrual[row])
        if not math.isfinite(value + units + above_cash):
            break
        total[row], excess[row], calls[row], paid[row], received[row] = value, above_cash, units, spent, gained
    return np.array(total), np.array(excess), np.array(calls), np.array(paid), np.array(received)
