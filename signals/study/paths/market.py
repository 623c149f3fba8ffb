"""Simulated markets, many at once: the law of the sample market on arrays of (sessions, markets).

The equations are those of `signals.sample_market`: factors, returns, VIX, rates and quotes, computed for a block of
markets at a time; docs/sample-market.md explains them and shows their fit. Three things differ. Each market has a seed
of its own, so that it does not depend on which others are drawn with it. Rates begin at their long-run law, and are
drawn on the days on which they are used, by the exact law of their steps over the days in between. And futures are
priced by `signals.study.paths.futures`. Everything is rounded as it is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signals.rows import by_rows
from signals.sample_market.model import (
    TOTAL_RETURN_SCALE,
    Draws,
    SamplePath,
    advances_of,
    path_of,
    quoted,
)
from signals.sample_market.parameters import CALIBRATED, SampleParameters
from signals.sample_market.pricing import SESSIONS_PER_YEAR, State
from signals.sample_market.rates import (
    DECISION_DAYS,
    FUNDS_NOISE,
    OWN_PERSISTENCE,
    bill_rate,
    funds_rate,
    policy,
)
from signals.study.paths.futures import futures_surface
from signals.study.paths.sessions import PathSessions
from signals.vix_futures import MONEY_MARKET_YEAR, Floats, Integers

#: Number of the simulated markets among what draws from the seed of a study.
SPAWN_KEY = 3

# Streams of each session: normal numbers, then a uniform one and an exponential one.
_PRICE, _NOISE, _FAST, _SLOW, _INDEX, _FUNDS, _CHANCE, _SIZE = range(8)
_STREAMS = 8

#: Markets whose numbers are turned from rows into columns together: a line of the cache is written at once.
_TURNED = 8


@dataclass(frozen=True, eq=False)
class PathMarkets:
    """Simulated markets over the same sessions: arrays of shape (n, markets).

    Attributes
    ----------
    sessions : PathSessions
    parameters : SampleParameters
    path : SamplePath
        What drives them.
    spx, spx_total_return : float, index points
    vix : float, points
    bill : float
        91-day bill discount rate in force at each close, a decimal.
    overnight : float
        Rate that cash earns from each close to the next, a decimal on actual/360: the funds rate, without a spread.
    breadth : float
        Normal numbers, from which advances less declines are made; empty where they were not asked for.
    """

    sessions: PathSessions
    parameters: SampleParameters
    path: SamplePath
    spx: Floats
    spx_total_return: Floats
    vix: Floats
    bill: Floats
    overnight: Floats
    breadth: Floats

    def settlements(self, slot: int, first: int = 0) -> Floats:
        """Daily settlements of a slot from the row `first` on, VIX points, in ticks; shape (n - first, markets)."""
        state = self._states(slice(first, None))
        return futures_surface(self.parameters).settlements(state, self.sessions.ahead[first:, slot - 1])

    def vix3m(self) -> Floats:
        """VIX3M, points."""
        return quoted(futures_surface(self.parameters).pricing.vix3m(self.path.state))

    def vvix(self) -> Floats:
        """VVIX, points."""
        return quoted(futures_surface(self.parameters).pricing.vvix(self.path.state), highest=np.inf)

    def advance_decline(self) -> Floats:
        """Advancing less declining issues."""
        advances = advances_of(self.path, self.breadth, self.parameters)
        return (2 * advances - self.parameters.issues).astype(np.float64)

    @property
    def equity_change(self) -> Floats:
        """Total return of the S&P 500 into each session, a decimal; NaN in the first row."""
        change = np.full(self.spx.shape, np.nan)
        level = self.spx_total_return
        by_rows(lambda after, before: after / before - 1.0, level[1:], level[:-1], out=change[1:])
        return change

    def accrual(self) -> Floats:
        """What cash earned into each session, a decimal; NaN in the first row."""
        found = np.full(self.spx.shape, np.nan)
        days = self.sessions.days[:, np.newaxis]
        by_rows(lambda rate, nights: rate * nights / MONEY_MARKET_YEAR, self.overnight[:-1], days, out=found[1:])
        return found

    def _states(self, rows: slice) -> State:
        state = self.path.state
        return State(state.fast[rows], state.slow[rows], state.index[rows], state.gusts[rows])


def draw_markets(
    seed: int,
    numbers: Sequence[int],
    sessions: PathSessions,
    parameters: SampleParameters = CALIBRATED,
    *,
    breadth: bool = False,
) -> PathMarkets:
    """Draw some of the markets of a seed.

    Parameters
    ----------
    seed : int
        Of the study.
    numbers : sequence of int
        Which markets. Each is the same whatever others are drawn with it.
    breadth : bool
        Whether to draw what breadth needs; the rest is the same with and without.
    """
    drawn = _Drawn(seed, numbers, sessions, breadth=breadth)
    path = path_of(drawn.draws(parameters), parameters)
    count = len(sessions)
    dividends = np.exp(parameters.dividend_yield / SESSIONS_PER_YEAR * np.arange(count))[:, np.newaxis]
    spx, total_return = np.empty(path.returns.shape), np.empty(path.returns.shape)

    def published(log_level: Floats, paid: Floats) -> tuple[Floats, Floats]:
        level = parameters.start_level * np.exp(log_level)
        return level.round(2), (TOTAL_RETURN_SCALE * level * paid).round(2)

    by_rows(published, np.cumsum(path.returns, axis=0), dividends, out=(spx, total_return))
    bill, overnight = _rates(drawn, sessions, parameters)
    return PathMarkets(
        sessions=sessions,
        parameters=parameters,
        path=path,
        spx=spx,
        spx_total_return=total_return,
        vix=_vix(path.state, parameters),
        bill=bill,
        overnight=overnight,
        breadth=drawn.breadth,
    )


class _Drawn:
    """Random numbers of some markets, in arrays of (sessions, markets)."""

    def __init__(self, seed: int, numbers: Sequence[int], sessions: PathSessions, *, breadth: bool) -> None:
        count, markets = len(sessions), len(numbers)
        decisions = int((sessions.sessions[-1] - sessions.sessions[0]).astype(np.int64)) // DECISION_DAYS + 1
        self.bill_rows = np.unique(sessions.bill_row)
        self.start = np.empty((4, markets))
        self.news = np.empty((decisions, markets))
        self.bill = np.empty((len(self.bill_rows), markets))
        self.streams = np.empty((_STREAMS, count, markets))
        self.breadth = np.empty((count if breadth else 0, markets))
        for begin in range(0, markets, _TURNED):
            # Each market is drawn along its sessions; several are turned around at once.
            some = range(begin, min(begin + _TURNED, markets))
            own = np.empty((len(some), _STREAMS, count))
            for market, streams in zip(some, own, strict=True):
                generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SPAWN_KEY, numbers[market])))
                self.start[:, market] = generator.standard_normal(4)
                self.news[:, market] = generator.standard_normal(decisions)
                self.bill[:, market] = generator.standard_normal(len(self.bill_rows))
                generator.standard_normal(out=streams[:_CHANCE])
                generator.random(out=streams[_CHANCE])
                generator.standard_exponential(out=streams[_SIZE])
                if breadth:
                    self.breadth[:, market] = generator.standard_normal(count)
            self.streams[:, :, begin : begin + len(some)] = own.transpose(1, 2, 0)

    def draws(self, p: SampleParameters) -> Draws:
        """What the market is made from."""
        streams, sizes = self.streams, np.empty(self.streams.shape[1:])
        chance = p.jumps_a_year / SESSIONS_PER_YEAR
        by_rows(lambda drawn, size: np.where(drawn < chance, size, 0.0), streams[_CHANCE], streams[_SIZE], out=sizes)
        return Draws(
            start=self.start[:3],
            price=streams[_PRICE],
            noise=streams[_NOISE],
            fast=streams[_FAST],
            slow=streams[_SLOW],
            index=streams[_INDEX],
            sizes=sizes,
        )


def _vix(state: State, parameters: SampleParameters) -> Floats:
    pricing = futures_surface(parameters).pricing
    found = np.empty(state.fast.shape)
    by_rows(
        lambda *factors: quoted(pricing.vix(State(*factors))),
        state.fast,
        state.slow,
        state.index,
        state.gusts,
        out=found,
    )
    return found


def _rates(drawn: _Drawn, sessions: PathSessions, p: SampleParameters) -> tuple[Floats, Floats]:
    """The bill in force at each close, and the overnight rate, decimals."""
    # What policy aims at is drawn from its long-run law.
    aim = p.rate_mean + p.rate_shock / (1.0 - p.rate_persistence**2) ** 0.5 * drawn.start[3]
    top, aims = policy(drawn.news, aim, p)
    day = (sessions.sessions - sessions.sessions[0]).astype(np.int64)
    decision = day // DECISION_DAYS
    within = _autoregression(drawn.streams[_FUNDS], day, FUNDS_NOISE)
    overnight = funds_rate(top[decision], within).round(2) / 100.0
    printed = drawn.bill_rows
    own = _autoregression(drawn.bill, day[printed], p.bill_noise)
    bills = bill_rate(top[decision[printed]], aims[decision[printed]], own, p).round(2) / 100.0
    return bills[np.searchsorted(printed, sessions.bill_row)], overnight


def _autoregression(shocks: Floats, days: Integers, deviation: float) -> Floats:
    """A stationary first-order autoregression with the given standard deviation, on some days; shape (n, markets)."""
    found = np.empty(shocks.shape)
    found[0] = level = deviation * shocks[0]
    for row, gap in enumerate(np.diff(days).tolist(), 1):
        kept = OWN_PERSISTENCE**gap
        level = kept * level + deviation * (1.0 - kept**2) ** 0.5 * shocks[row]
        found[row] = level
    return found
