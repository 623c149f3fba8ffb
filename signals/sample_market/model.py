"""The sample market: a simulated S&P 500, VIX and VX curve, drawn session by session from one seed.

Every kind of draw has a generator of its own and takes a fixed number of numbers for each session or day, in
order, so a longer market begins with exactly the numbers of a shorter one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from signals.calendar import Days, TradingCalendar
from signals.errors import ConfigurationError
from signals.market import HISTORY_START
from signals.rows import by_rows
from signals.sample_market.parameters import CALIBRATED, SampleParameters
from signals.sample_market.pricing import SESSIONS_PER_YEAR, Floats, Integers, Pricing, State
from signals.sample_market.rates import Rates, sample_rates

DEFAULT_SEED = 20051237

#: Monthly contracts listed at any time.
LISTED_CONTRACTS = 9

#: VX settles in these steps; the final settlement in hundredths.
SETTLEMENT_TICK = 0.025

#: No index or future is quoted outside this range, points. The calibrated market hardly ever gets there.
LOWEST_QUOTE, HIGHEST_QUOTE = 5.5, 220.0

#: The last day of which the calendar knows the expiries of every listed contract.
LAST_DAY = dt.date(2039, 3, 31)

#: Levels the total return index and the fund start from, as multiples of the price index.
TOTAL_RETURN_SCALE, FUND_SCALE = 1.45, 0.069

#: Standard deviation of a return on a day like most, a decimal.
TYPICAL_DAY = 0.008

#: A day's noise stays within so many standard deviations: without a bound no expected variance is finite.
NOISE_LIMIT = 3.0

# One generator each.
_START, _NORMALS, _JUMPS, _JUMP_SIZES, _RATES = range(5)
# Columns of the normal draws.
_PRICE, _NOISE, _FAST, _SLOW, _INDEX, _BREADTH = range(6)


@dataclass(frozen=True)
class SampleContract:
    """Settlements of one VX contract.

    Attributes
    ----------
    expiry : datetime.date
    days : datetime64[D], shape (m,)
        Sessions on which it is listed, the expiry included if it is reached.
    settlements : float, shape (m,), points
        On the expiry the final settlement.
    """

    expiry: dt.date
    days: Days
    settlements: Floats


@dataclass(frozen=True)
class SampleMarket:
    """A simulated market. Values are rounded as they are published.

    Attributes
    ----------
    seed : int
    sessions : datetime64[D], shape (n,)
        From `HISTORY_START` on.
    spx, spx_total_return : float, shape (n,), index points
    spy_adjusted : float, shape (n,), USD
        Close of the fund adjusted for dividends, on the basis of the first session.
    vix, vix3m, vvix : float, shape (n,), points
    advances, declines : int, shape (n,), issues
    contracts : tuple of SampleContract
        Every monthly contract listed on one of the sessions, by expiry.
    dff, dtb3, irx : (days, values)
        Rates in percent: each calendar day, each session on which bonds trade, each session.
    """

    seed: int
    sessions: Days
    spx: Floats
    spx_total_return: Floats
    spy_adjusted: Floats
    vix: Floats
    vix3m: Floats
    vvix: Floats
    advances: Integers
    declines: Integers
    contracts: tuple[SampleContract, ...]
    dff: Rates
    dtb3: Rates
    irx: Rates


@dataclass(frozen=True)
class SamplePath:
    """What drives a sample market.

    Attributes
    ----------
    returns : float, shape (n,)
        Daily log returns of the S&P 500; zero on the first session.
    unexpected : float, shape (n,)
        The part of each return that could not be expected.
    deviation : float, shape (n,)
        Its standard deviation, as known the session before.
    state : State
        Of each close, shape (n,).
    """

    returns: Floats
    unexpected: Floats
    deviation: Floats
    state: State


@dataclass(frozen=True)
class Draws:
    """Random numbers of one market; of many at once with a second axis.

    Attributes
    ----------
    start : float, shape (3,)
        Normal, of the factors before the first session.
    price, noise, fast, slow, index : float, shape (n,)
        Normal, of each session.
    sizes : float, shape (n,)
        Jumps in units of the mean one; zero on sessions without one.
    """

    start: Floats
    price: Floats
    noise: Floats
    fast: Floats
    slow: Floats
    index: Floats
    sizes: Floats


def sample_market(
    calendar: TradingCalendar,
    through: dt.date,
    seed: int = DEFAULT_SEED,
    parameters: SampleParameters = CALIBRATED,
) -> SampleMarket:
    """Draw a market from `HISTORY_START` to `through`.

    The same seed gives the same numbers on every call, and a later `through` adds to them without changing one.

    Parameters
    ----------
    calendar : TradingCalendar
    through : datetime.date
        Last day; the last session is on or before it.
    seed : int
        Not negative.
    parameters : SampleParameters

    Raises
    ------
    ConfigurationError
        When `through` lies outside the days that can be drawn.
    """
    if not HISTORY_START <= through <= LAST_DAY:
        raise ConfigurationError(
            f"sample market through {through}",
            expected=f"a day from {HISTORY_START} to {LAST_DAY}",
            got=str(through),
            do="Name a day in between.",
        )
    sessions = calendar.sessions_in(HISTORY_START, through)
    path = sample_path(len(sessions), seed, parameters)
    pricing = Pricing(parameters)
    spx = parameters.start_level * np.exp(np.cumsum(path.returns))
    dividends = np.exp(parameters.dividend_yield / SESSIONS_PER_YEAR * np.arange(len(sessions)))
    fee = np.exp(-parameters.fund_fee / SESSIONS_PER_YEAR * np.arange(len(sessions)))
    vix = quoted(pricing.vix(path.state))
    advances = advances_of(path, _normals(len(sessions), seed)[:, _BREADTH], parameters)
    dff, dtb3, irx = sample_rates(sessions, through, _generator(seed, _RATES), parameters)
    return SampleMarket(
        seed=seed,
        sessions=sessions,
        spx=spx.round(2),
        spx_total_return=(TOTAL_RETURN_SCALE * spx * dividends).round(2),
        spy_adjusted=(FUND_SCALE * spx * dividends * fee).round(6),
        vix=vix,
        vix3m=quoted(pricing.vix3m(path.state)),
        vvix=quoted(pricing.vvix(path.state), highest=np.inf),
        advances=advances,
        declines=parameters.issues - advances,
        contracts=_contracts(calendar, sessions, pricing, path.state, vix),
        dff=dff,
        dtb3=dtb3,
        irx=irx,
    )


def sample_path(count: int, seed: int, parameters: SampleParameters = CALIBRATED) -> SamplePath:
    """Draw the returns and states of `count` sessions under P.

    The first session is drawn from about the long-run law of the factors.
    """
    jumps = parameters.jumps_a_year / SESSIONS_PER_YEAR
    jumped = _generator(seed, _JUMPS).random(count) < jumps
    sizes = np.where(jumped, _generator(seed, _JUMP_SIZES).standard_exponential(count), 0.0)
    start = _generator(seed, _START).standard_normal(3)
    price, noise, fast, slow, index = _normals(count, seed).T[: _INDEX + 1]
    return path_of(Draws(start, price, noise, fast, slow, index, sizes), parameters)


def path_of(draws: Draws, parameters: SampleParameters = CALIBRATED) -> SamplePath:
    """The returns and states that some draws make; of many markets at once, one each, where they have a second axis."""
    p = parameters
    surprises, fast_shocks, slow_shocks, deviation, unexpected, returns = (
        np.empty(draws.price.shape) for _ in range(6)
    )

    def shocks(price: Floats, noise: Floats, fast: Floats, slow: Floats, sizes: Floats) -> tuple[Floats, ...]:
        within = np.clip(noise, -NOISE_LIMIT, NOISE_LIMIT)
        moves = price * np.exp(0.5 * p.day_noise * within - 0.25 * p.day_noise**2)
        own = (
            correlation * moves + (1.0 - correlation**2) ** 0.5 * rest
            for correlation, rest in ((p.fast_correlation, fast), (p.slow_correlation, slow))
        )
        return _with_jumps(moves, sizes, p.jumps_a_year / SESSIONS_PER_YEAR, p.jump_in_price), *own

    def deviations(fast: Floats, slow: Floats) -> Floats:
        variance = np.exp(fast) * (p.slow_floor + p.slow_scale * np.exp(slow))
        daily: Floats = np.sqrt(variance / SESSIONS_PER_YEAR)
        return daily

    def earned(known: Floats, surprise: Floats) -> tuple[Floats, Floats]:
        own = known * surprise
        return own, p.price_drift / SESSIONS_PER_YEAR - 0.5 * known**2 + own

    drawn = (draws.price, draws.noise, draws.fast, draws.slow, draws.sizes)
    by_rows(shocks, *drawn, out=(surprises, fast_shocks, slow_shocks))
    state = _states(fast_shocks, slow_shocks, draws.index, draws.sizes, draws.start, p)
    # Of a session, as known at the close before; of the first, at its own.
    deviation[:1] = deviations(state.fast[:1], state.slow[:1])
    by_rows(deviations, state.fast[:-1], state.slow[:-1], out=deviation[1:])
    by_rows(earned, deviation, surprises, out=(unexpected, returns))
    by_rows(lambda own, before: own + p.reversal * before, returns[1:], unexpected[:-1], out=returns[1:])
    returns[0] = 0.0
    return SamplePath(returns, unexpected, deviation, state)


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream])


def _normals(count: int, seed: int) -> Floats:
    """Six normal draws for each session, in the order of the sessions."""
    return _generator(seed, _NORMALS).standard_normal((count, 6))


def _with_jumps(moves: Floats, sizes: Floats, jumps: float, scale: float) -> Floats:
    """Moves of mean zero and variance one in which a jump is a fall."""
    # An exponential size that comes with a small probability: mean `jumps`, mean square twice that.
    variance = scale**2 * (2.0 * jumps - jumps**2)
    combined: Floats = (1.0 - variance) ** 0.5 * moves - scale * (sizes - jumps)
    return combined


def _states(
    fast_shocks: Floats, slow_shocks: Floats, index_shocks: Floats, sizes: Floats, start: Floats, p: SampleParameters
) -> State:
    """Run the factors under P. Each close's shock is scaled by the gusts of the close before."""
    # Of one market, plain numbers: a list is several times faster to go through than an array.
    one = sizes.ndim == 1
    lower: Callable[..., Any] = min if one else np.minimum
    drawn: list[Any] = start.tolist() if one else list(start)
    jump = sizes - p.jumps_a_year / SESSIONS_PER_YEAR
    pushes = (p.jump_in_variance * jump, p.gusts_jump * jump, p.index_volatility * index_shocks)
    columns = [column.tolist() if one else column for column in (fast_shocks, slow_shocks, *pushes)]
    fast = drawn[0] * p.fast_volatility / (1.0 - p.fast_persistence**2) ** 0.5
    slow = drawn[1] * p.slow_volatility / (1.0 - p.slow_persistence**2) ** 0.5
    index = drawn[2] * p.index_volatility / (1.0 - p.index_persistence**2) ** 0.5
    gusts: Any = 1.0
    kept = p.gusts_persistence - p.gusts_shock * (1.0 + p.gusts_tilt**2)
    found = np.empty((len(sizes), 4, *sizes.shape[1:]))
    rows = zip(*columns, strict=True)
    for row, (fast_shock, slow_shock, fast_jump, gusts_jump, index_move) in enumerate(rows):
        scale = gusts**0.5
        fast = p.fast_persistence * fast + p.fast_volatility * scale * fast_shock + fast_jump
        slow = p.slow_persistence * slow + p.slow_volatility * scale * slow_shock
        fast, slow = lower(fast, p.fast_limit), lower(slow, p.slow_limit)
        index = p.index_persistence * index + index_move
        gusts = 1.0 - p.gusts_persistence + gusts * (kept + p.gusts_shock * (fast_shock + p.gusts_tilt) ** 2)
        gusts = lower(gusts + gusts_jump, p.gusts_limit)
        close = found[row]
        close[0], close[1], close[2], close[3] = fast, slow, index, gusts
    return State(found[:, 0], found[:, 1], found[:, 2], found[:, 3])


def quoted(level: Floats, highest: float = HIGHEST_QUOTE) -> Floats:
    """An index as published, in hundredths."""
    return np.clip(level, LOWEST_QUOTE, highest).round(2)


def advances_of(path: SamplePath, noise: Floats, p: SampleParameters = CALIBRATED) -> Integers:
    """Issues that rose, out of those that rose or fell; `noise` is normal, of the shape of the returns."""
    # A large return counts for more in a calm market, but not by as much as it is rarer there.
    moves = path.unexpected / np.sqrt(path.deviation * TYPICAL_DAY)
    net = np.tanh(p.breadth_slope * moves + p.breadth_noise * noise)
    advances: Integers = np.rint(0.5 * p.issues * (1.0 + net)).astype(np.int64)
    return advances


def listed_contracts(calendar: TradingCalendar, sessions: Days) -> tuple[Integers, Integers]:
    """The first listed expiry of each session, and sessions to it and those after it, shape (n, LISTED_CONTRACTS)."""
    expiries = calendar.vx_expiries
    front = np.searchsorted(expiries, sessions, side="right").astype(np.int64)
    # Counted on the calendar as it is.
    position = np.searchsorted(calendar.sessions, sessions)
    listed = front[:, np.newaxis] + np.arange(LISTED_CONTRACTS)
    ahead: Integers = np.searchsorted(calendar.sessions, expiries[listed]) - position[:, np.newaxis]
    return front, ahead


def settled(prices: Floats) -> Floats:
    """Daily settlements as published, in ticks."""
    within = np.clip(prices, LOWEST_QUOTE, HIGHEST_QUOTE)
    return (np.rint(within / SETTLEMENT_TICK) * SETTLEMENT_TICK).round(4)


def _contracts(
    calendar: TradingCalendar, sessions: Days, pricing: Pricing, state: State, vix: Floats
) -> tuple[SampleContract, ...]:
    """Settlements of every contract that is one of the next `LISTED_CONTRACTS` on some session."""
    expiries = calendar.vx_expiries
    front, ahead = listed_contracts(calendar, sessions)
    settlements = settled(pricing.future(state.column(), ahead))
    contracts = []
    for contract in range(int(front[0]), int(front[-1]) + LISTED_CONTRACTS):
        rows = np.flatnonzero((front <= contract) & (contract < front + LISTED_CONTRACTS))
        days, values = sessions[rows], settlements[rows, contract - front[rows]]
        final = np.flatnonzero(sessions == expiries[contract])
        contracts.append(
            SampleContract(
                expiries[contract].item(), np.concatenate([days, sessions[final]]), np.concatenate([values, vix[final]])
            )
        )
    return tuple(contracts)
