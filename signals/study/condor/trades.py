"""Every condor the programme sells, priced for its whole life at once: strikes, value by session, and how it ends.

What becomes of a condor does not depend on the account, so that all are found before the account is folded. A row of
prices depends on the inputs of its own session only: nothing looks ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.alvh.black76 import DAYS_PER_YEAR
from signals.calendar import Days
from signals.study.condor.market import CondorMarket
from signals.study.condor.rules import CondorRules
from signals.study.condor.surface import SURFACE, SkewedSurface, swap_deviation
from signals.study.spec import TradingCosts
from signals.vix_futures import Floats, Integers

#: Distance of listed strikes, index points.
STRIKE_STEP = 5.0

#: Held of each leg: long put, short put, short call, long call.
HELD = np.array([1.0, -1.0, -1.0, 1.0])
CALLS = np.array([False, False, True, True])

#: How a condor ends.
TARGET, TIME, EXPIRED, OPEN = "profit target", "time exit", "expiry", "open"


@dataclass(frozen=True, eq=False)
class Condors:
    """Condors in the order of their decision, one per index point of the S&P 500: `m` of them, on `k` sessions each.

    Column 0 is the session of the decision, column 1 that of the fill.

    Attributes
    ----------
    decided : int, shape (m,)
        Row of the market.
    expiry : datetime64[D], shape (m,)
    strikes : float, shape (m, 4), index points
    value : float, shape (m, k), index points
        Of what is held, at model prices: negative. NaN after the expiry and after the last session.
    opening, closing : float, shape (m, k), index points
        What crossing the market costs, to sell it and to buy it back.
    premium : float, shape (m, k), index points
        Of all four legs, each counted as positive.
    last : int, shape (m,)
        Column of the close at which it is bought back or expires; one past the last where that is after the data.
    ending : tuple of str
        TARGET, TIME, EXPIRED, or OPEN at the end of the data.
    """

    decided: Integers
    expiry: Days
    strikes: Floats
    value: Floats
    opening: Floats
    closing: Floats
    premium: Floats
    last: Integers
    ending: tuple[str, ...]

    @property
    def risk(self) -> Floats:
        """The most each can lose, as seen at its decision, index points."""
        found: Floats = _width(self.strikes) + self.value[:, 0] + self.opening[:, 0]
        return found


def condors(market: CondorMarket, rules: CondorRules, costs: TradingCosts, surface: SkewedSurface = SURFACE) -> Condors:
    """All condors that are filled within the history.

    One whose credit would not pay its costs is not sold, nor one that seems to risk nothing, which strikes 5 points
    apart could have if the index was very low.
    """
    decided, expiry = _entries(market, rules)
    strikes = _strikes(market, rules, surface, decided, expiry)
    rows, alive = _rows(market, decided, expiry)
    value, opening, closing, premium = _priced(market, costs, surface, rows, alive, expiry, strikes)
    last, ending = _endings(market, rules, value, opening, closing, rows, alive, expiry)
    received = -(value[:, 0] + opening[:, 0])
    sold = (received > 0.0) & (received < _width(strikes))
    return Condors(
        decided=decided[sold],
        expiry=expiry[sold],
        strikes=strikes[sold],
        value=value[sold],
        opening=opening[sold],
        closing=closing[sold],
        premium=premium[sold],
        last=last[sold],
        ending=tuple(ending[condor] for condor in np.flatnonzero(sold).tolist()),
    )


def _width(strikes: Floats) -> Floats:
    """Of the wider side, index points."""
    return np.asarray(np.maximum(strikes[:, 1] - strikes[:, 0], strikes[:, 3] - strikes[:, 2]))


def _entries(market: CondorMarket, rules: CondorRules) -> tuple[Integers, Days]:
    """Rows of the decisions, but for one that has no fill yet, and the expiry of each."""
    fill = market.following
    listed = market.expiries[market.monthly] if rules.monthly else market.expiries
    if rules.monthly:
        due = np.isin(fill, listed)
    else:
        # A week begins on a Monday; 1969-12-29 was one.
        monday = np.datetime64("1969-12-29")
        due = (market.sessions - monday) // np.timedelta64(7, "D") != (fill - monday) // np.timedelta64(7, "D")
    rows = np.flatnonzero(due) + rules.entry
    rows = rows[rows < len(fill) - 1]
    ahead = (listed[None, :] - fill[rows, None]).astype(np.int64)
    allowed = (ahead >= rules.shortest_days) & (ahead <= rules.longest_days)
    away = np.where(allowed, np.abs(ahead - rules.days), np.iinfo(np.int64).max)
    nearest = np.argmin(away, axis=1)
    found = allowed[np.arange(len(rows)), nearest]
    return rows[found], listed[nearest[found]]


def _strikes(market: CondorMarket, rules: CondorRules, surface: SkewedSurface, rows: Integers, expiry: Days) -> Floats:
    """Listed strikes nearest to those of the rules, as the surface is at the decision; shape (m, 4)."""
    forward, middle, _ = _state(market, surface, rows, (expiry - market.sessions[rows]).astype(np.int64))
    sold = [surface.strike_of(rules.short_delta, forward, middle, call=call) for call in (False, True)]
    short_put, short_call = (_rounded(strike) for strike in sold)
    if rules.wing_width:
        far = short_put - rules.wing_width * forward, short_call + rules.wing_width * forward
    else:
        put, call = (surface.strike_of(rules.wing_delta, forward, middle, call=call) for call in (False, True))
        far = put, call
    long_put = np.minimum(_rounded(far[0]), short_put - STRIKE_STEP)
    long_call = np.maximum(_rounded(far[1]), short_call + STRIKE_STEP)
    return np.stack([long_put, short_put, short_call, long_call], axis=1)


def _rounded(strike: Floats) -> Floats:
    return np.asarray(np.round(strike / STRIKE_STEP) * STRIKE_STEP)


def _state(
    market: CondorMarket, surface: SkewedSurface, rows: Integers, days: Integers
) -> tuple[Floats, Floats, Floats]:
    """Forward, deviation at the money, and discount factor of expiries some calendar days after the sessions."""
    years = days / DAYS_PER_YEAR
    forward = market.spx[rows] * np.exp((market.rate[rows] - market.dividend[rows]) * years)
    swap = swap_deviation(market.vix[rows], market.vix3m[rows], days)
    middle = np.where(days > 0, surface.at_the_money(np.where(days > 0, swap, 1.0)), 0.0)
    return forward, middle, np.exp(-market.rate[rows] * years)


def _rows(market: CondorMarket, decided: Integers, expiry: Days) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Rows of the market from each decision on, shape (m, k), and which of them are up to its expiry."""
    count = len(market.sessions)
    ends = np.searchsorted(market.sessions, expiry, side="right")
    length = int(np.max(ends - decided, initial=2))
    rows = decided[:, None] + np.arange(length)
    alive = rows < ends[:, None]
    return np.minimum(rows, count - 1), alive


def _priced(
    market: CondorMarket,
    costs: TradingCosts,
    surface: SkewedSurface,
    rows: Integers,
    alive: npt.NDArray[np.bool_],
    expiry: Days,
    strikes: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    at, condor = rows[alive], np.nonzero(alive)[0]
    days = (expiry[condor] - market.sessions[at]).astype(np.int64)
    forward, middle, discount = (item[:, None] for item in _state(market, surface, at, days))
    prices = surface.price(forward, strikes[condor], middle, discount, call=CALLS)
    half = np.maximum(costs.spx_option * prices, costs.spx_option_points)
    # What nobody bids for is left to expire.
    sold_back = np.where(HELD > 0.0, np.minimum(half, prices), half)
    found = []
    for values in (HELD * prices, half, sold_back, prices):
        table = np.full(alive.shape, np.nan)
        table[alive] = values[:, 0] + values[:, 1] + values[:, 2] + values[:, 3]
        found.append(table)
    return found[0], found[1], found[2], found[3]


def _endings(
    market: CondorMarket,
    rules: CondorRules,
    value: Floats,
    opening: Floats,
    closing: Floats,
    rows: Integers,
    alive: npt.NDArray[np.bool_],
    expiry: Days,
) -> tuple[Integers, tuple[str, ...]]:
    """Column of the last close of each condor, and how it ends."""
    length = value.shape[1]
    columns = np.arange(length)
    credit = -(value[:, 1] + opening[:, 1])
    held = alive & (columns >= 1)
    left = (expiry[:, None] - market.following[rows]).astype(np.int64)
    timed = held & (left <= rules.exit_days) & (rules.exit_days > 0)
    earned = np.zeros_like(held)
    if rules.profit_target:
        earned[held] = (closing - value <= (1.0 - rules.profit_target) * credit[:, None])[held]
    # Ordered at a close, bought back at the next.
    ordered = _first(timed | earned) + 1
    expires = _first(alive & (market.sessions[rows] == expiry[:, None]))
    last = np.minimum(ordered, expires)
    bought_back = ordered < expires
    early = np.take_along_axis(earned, np.minimum(ordered - 1, length - 1)[:, None], axis=1)[:, 0]
    known = np.take_along_axis(alive, np.minimum(last, length - 1)[:, None], axis=1)[:, 0] & (last < length)
    ending = np.where(~known, OPEN, np.where(~bought_back, EXPIRED, np.where(early, TARGET, TIME)))
    names: list[str] = ending.tolist()
    return np.where(known, last, length), tuple(names)


def _first(flags: npt.NDArray[np.bool_]) -> Integers:
    """Column of the first flag of each row; the number of columns where there is none."""
    return np.asarray(np.where(flags.any(axis=1), np.argmax(flags, axis=1), flags.shape[1]), dtype=np.int64)
