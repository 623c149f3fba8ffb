"""The sample market: a simulated S&P 500, VIX and VX curve, drawn session by session from one seed.

Every kind of draw has a generator of its own and takes a fixed number of numbers for each session or day, in
order, so a longer market begins with exactly the numbers of a shorter one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from signals.calendar import Days, TradingCalendar
from signals.errors import ConfigurationError
from signals.market import HISTORY_START
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
    vix = _quoted(pricing.vix(path.state))
    advances = _advances(path, seed, parameters)
    dff, dtb3, irx = sample_rates(sessions, through, _generator(seed, _RATES), parameters)
    return SampleMarket(
        seed=seed,
        sessions=sessions,
        spx=spx.round(2),
        spx_total_return=(TOTAL_RETURN_SCALE * spx * dividends).round(2),
        spy_adjusted=(FUND_SCALE * spx * dividends * fee).round(6),
        vix=vix,
        vix3m=_quoted(pricing.vix3m(path.state)),
        vvix=_quoted(pricing.vvix(path.state), highest=np.inf),
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
    p = parameters
    normals = _normals(count, seed)
    jumps = p.jumps_a_year / SESSIONS_PER_YEAR
    jumped = _generator(seed, _JUMPS).random(count) < jumps
    sizes = np.where(jumped, _generator(seed, _JUMP_SIZES).standard_exponential(count), 0.0)
    noise = np.clip(normals[:, _NOISE], -NOISE_LIMIT, NOISE_LIMIT)
    day_scale = np.exp(0.5 * p.day_noise * noise - 0.25 * p.day_noise**2)
    moves = normals[:, _PRICE] * day_scale
    surprises = _with_jumps(moves, sizes, jumps, p.jump_in_price)
    fast_shocks, slow_shocks = (
        correlation * moves + (1.0 - correlation**2) ** 0.5 * normals[:, column]
        for correlation, column in ((p.fast_correlation, _FAST), (p.slow_correlation, _SLOW))
    )
    state = _states(fast_shocks, slow_shocks, normals[:, _INDEX], sizes, seed, p)
    variance = np.exp(state.fast) * (p.slow_floor + p.slow_scale * np.exp(state.slow))
    deviation = np.sqrt(np.concatenate([variance[:1], variance[:-1]]) / SESSIONS_PER_YEAR)
    unexpected = deviation * surprises
    returns = p.price_drift / SESSIONS_PER_YEAR - 0.5 * deviation**2 + unexpected
    returns[1:] += p.reversal * unexpected[:-1]
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
    fast_shocks: Floats, slow_shocks: Floats, index_shocks: Floats, sizes: Floats, seed: int, p: SampleParameters
) -> State:
    """Run the factors under P. Each close's shock is scaled by the gusts of the close before."""
    start = _generator(seed, _START).standard_normal(3).tolist()
    fast = start[0] * p.fast_volatility / (1.0 - p.fast_persistence**2) ** 0.5
    slow = start[1] * p.slow_volatility / (1.0 - p.slow_persistence**2) ** 0.5
    index = start[2] * p.index_volatility / (1.0 - p.index_persistence**2) ** 0.5
    gusts = 1.0
    jumps = p.jumps_a_year / SESSIONS_PER_YEAR
    kept = p.gusts_persistence - p.gusts_shock * (1.0 + p.gusts_tilt**2)
    rows = []
    columns = (fast_shocks, slow_shocks, index_shocks, sizes - jumps)
    for fast_shock, slow_shock, index_shock, jump in zip(*(column.tolist() for column in columns), strict=True):
        scale = gusts**0.5
        fast = p.fast_persistence * fast + p.fast_volatility * scale * fast_shock + p.jump_in_variance * jump
        slow = p.slow_persistence * slow + p.slow_volatility * scale * slow_shock
        fast, slow = min(fast, p.fast_limit), min(slow, p.slow_limit)
        index = p.index_persistence * index + p.index_volatility * index_shock
        gusts = 1.0 - p.gusts_persistence + gusts * (kept + p.gusts_shock * (fast_shock + p.gusts_tilt) ** 2)
        gusts = min(gusts + p.gusts_jump * jump, p.gusts_limit)
        rows.append((fast, slow, index, gusts))
    return State(*np.array(rows).T)


def _quoted(level: Floats, highest: float = HIGHEST_QUOTE) -> Floats:
    """An index as published, in hundredths."""
    return np.clip(level, LOWEST_QUOTE, highest).round(2)


def _advances(path: SamplePath, seed: int, p: SampleParameters) -> Integers:
    """Issues that rose, out of those that rose or fell."""
    noise = _normals(len(path.returns), seed)[:, _BREADTH]
    # A large return counts for more in a calm market, but not by as much as it is rarer there.
    moves = path.unexpected / np.sqrt(path.deviation * TYPICAL_DAY)
    net = np.tanh(p.breadth_slope * moves + p.breadth_noise * noise)
    advances: Integers = np.rint(0.5 * p.issues * (1.0 + net)).astype(np.int64)
    return advances


def _contracts(
    calendar: TradingCalendar, sessions: Days, pricing: Pricing, state: State, vix: Floats
) -> tuple[SampleContract, ...]:
    """Settlements of every contract that is one of the next `LISTED_CONTRACTS` on some session."""
    expiries = calendar.vx_expiries
    front = np.searchsorted(expiries, sessions, side="right")
    # Sessions to expiry, counted on the calendar as it is.
    position = np.searchsorted(calendar.sessions, sessions)
    listed = front[:, np.newaxis] + np.arange(LISTED_CONTRACTS)
    ahead = np.searchsorted(calendar.sessions, expiries[listed]) - position[:, np.newaxis]
    prices = np.clip(pricing.future(state.column(), ahead), LOWEST_QUOTE, HIGHEST_QUOTE)
    settlements = (np.rint(prices / SETTLEMENT_TICK) * SETTLEMENT_TICK).round(4)
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
