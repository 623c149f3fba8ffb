"""What the sample market's own model says the future is worth: VIX, VIX3M, VVIX and VX.

Under the pricing measure Q the logarithm of the variance is the sum of two mean-reverting factors with normal shocks,
and the fast one jumps. The expected variance of each later session is an exponential of both factors, so the VIX needs
no simulation. The price of a future is the expectation of that VIX at expiry, taken over the normal shocks and the
jumps by Gaussian quadrature.

Horizons and windows count sessions. Arrays broadcast.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signals.sample_market.parameters import SampleParameters

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SESSIONS_PER_YEAR = 252

#: Sessions in the 30 days of the VIX and in the 93 of VIX3M.
VIX_WINDOW, VIX3M_WINDOW = 21, 64

#: Nodes for the average over a window, for the fast and the slow factor's normal shocks, and for the jumps.
_WINDOW_NODES, _FAST_NODES, _SLOW_NODES, _JUMP_NODES = 3, 4, 2, 4

#: The longest horizon priced: nine months and a window.
_LONGEST = 320


class State:
    """State of the market at some closes.

    Parameters
    ----------
    fast, slow : float, any shape
        Factors of the logarithm of the variance.
    index : float, the same shape
        The factor that moves the VIX alone.
    gusts : float, the same shape
        Variance of the variance, one on average.
    """

    def __init__(self, fast: Floats, slow: Floats, index: Floats, gusts: Floats) -> None:
        self.fast, self.slow, self.index, self.gusts = fast, slow, index, gusts

    def column(self) -> State:
        """The same with a trailing axis of length one, to broadcast against contracts."""
        return State(*(values[..., np.newaxis] for values in (self.fast, self.slow, self.index, self.gusts)))


class Pricing:
    """Prices as functions of the state, for one set of parameters."""

    def __init__(self, parameters: SampleParameters) -> None:
        self.parameters = p = parameters
        steps = np.arange(_LONGEST + 1, dtype=np.float64)
        jumps = p.jumps_a_year / SESSIONS_PER_YEAR
        self._jumps = jumps * p.jump_premium
        self._fast_fade, self._slow_fade = p.fast_persistence_q**steps, p.slow_persistence_q**steps
        self._index_fade = p.index_persistence**steps
        self._gusts_fade = p.gusts_persistence**steps
        # A jump lifts the gusts too, and under Q there are more jumps.
        self._gusts_mean = 1.0 + p.gusts_jump * (self._jumps - jumps) / (1.0 - p.gusts_persistence)
        # The fast factor is measured around its mean under P, jumps included; here the jumps come on top.
        fast_drift = p.fast_drift_q - jumps * p.jump_in_variance
        self._fast_drift = fast_drift * _sums(self._fast_fade)
        self._slow_drift = p.slow_drift_q * _sums(self._slow_fade)
        self._fast_variance = self._accumulated(p.fast_volatility**2, p.fast_persistence_q**2)
        self._slow_variance = self._accumulated(p.slow_volatility**2, p.slow_persistence_q**2)
        self._covariance = self._accumulated(
            p.fast_volatility * p.slow_volatility * p.fast_correlation * p.slow_correlation,
            p.fast_persistence_q * p.slow_persistence_q,
        )
        index_variance = p.index_volatility**2 * _sums(self._index_fade**2)
        self._index_variance = index_variance

    def _accumulated(self, shock: float, fade: float) -> tuple[Floats, Floats]:
        """(Co)variance at each horizon with average gusts, and what a unit of gusts above that adds."""
        faded = shock * fade ** np.arange(_LONGEST + 1, dtype=np.float64)
        average = self._gusts_mean * _sums(faded)
        extra = np.zeros(_LONGEST + 1)
        for step in range(_LONGEST):
            extra[step + 1] = fade * extra[step] + shock * self._gusts_fade[step]
        return average, extra

    @cached_property
    def _jump_growth(self) -> Floats:
        """Logarithm of the expected exponential of the jumps up to each horizon."""
        mean = self.parameters.jump_in_variance * self._fast_fade
        growth: Floats = self._jumps * _sums(1.0 / (1.0 - mean) - 1.0)
        return growth

    @cached_property
    def _fast_growth(self) -> tuple[Floats, Floats]:
        """Logarithm of the expected exponential of the fast factor from zero: constant, and slope in gusts."""
        constant, slope = self._fast_variance
        return 0.5 * constant + self._fast_drift + self._jump_growth, 0.5 * slope

    @cached_property
    def _slow_growth(self) -> tuple[Floats, Floats]:
        """What the slow factor adds to that, the covariance of the two included: constant, and slope in gusts."""
        constant, slope = (0.5 * self._slow_variance[part] + self._covariance[part] for part in (0, 1))
        return constant + self._slow_drift, slope

    def _window(self, length: int, ahead: int) -> list[tuple[float, ...]]:
        """Quadrature of the average over a window: weight, and for either factor fade, growth and slope in gusts."""
        nodes, weights = _average_nodes(length)
        steps = np.arange(_LONGEST + 1)
        tables = (self._fast_fade, *self._fast_growth, self._slow_fade, *self._slow_growth)
        columns = [np.interp(nodes + ahead, steps, table).tolist() for table in tables]
        return list(zip(weights.tolist(), *columns, strict=True))

    def _variance(self, fast: Floats, slow: Floats, gusts_over: Floats, length: int, ahead: int = 0) -> Floats:
        """Expected variance over a window under Q that begins `ahead` sessions from now, an annual decimal."""
        p = self.parameters
        total = np.zeros(np.broadcast(fast, slow, gusts_over).shape)
        for weight, fast_fade, fast_growth, fast_slope, slow_fade, slow_growth, slow_slope in self._window(
            length, ahead
        ):
            burst = np.exp(fast_fade * fast + fast_growth + fast_slope * gusts_over)
            swell = np.exp(slow_fade * slow + slow_growth + slow_slope * gusts_over)
            total += weight * burst * (p.slow_floor + p.slow_scale * swell)
        priced: Floats = p.variance_premium * total
        return priced

    def vix(self, state: State) -> Floats:
        """VIX: root of the variance of the next `VIX_WINDOW` sessions, and the index's own factor; points."""
        variance = self._variance(state.fast, state.slow, state.gusts - self._gusts_mean, VIX_WINDOW)
        level: Floats = 100.0 * np.sqrt(variance) * np.exp(state.index)
        return level

    def vix3m(self, state: State) -> Floats:
        """VIX3M: the same over `VIX3M_WINDOW` sessions, in which the index's own factor fades; points."""
        variance = self._variance(state.fast, state.slow, state.gusts - self._gusts_mean, VIX3M_WINDOW)
        faded = self._index_fade[:VIX3M_WINDOW].mean() / self._index_fade[:VIX_WINDOW].mean()
        level: Floats = 100.0 * np.sqrt(variance) * np.exp(faded * state.index)
        return level

    def forward(self, state: State, sessions: int) -> Floats:
        """Root of the expected square of the VIX a number of sessions ahead, points: no future is worth more.

        What the index's own factor does to it is that of the expected VIX, not of its square.
        """
        variance = self._variance(state.fast, state.slow, state.gusts - self._gusts_mean, VIX_WINDOW, sessions)
        own = self._index_fade[sessions] * state.index + 0.5 * self._index_variance[sessions]
        level: Floats = 100.0 * np.sqrt(variance) * np.exp(own)
        return level

    def future(self, state: State, sessions: Integers) -> Floats:
        """Expected VIX under Q a number of sessions ahead, points; today's VIX at none."""
        expected, _ = self._expectations(state, sessions, logarithm=False)
        own = self._index_fade[sessions] * state.index + 0.5 * self._index_variance[sessions]
        price: Floats = 100.0 * expected * np.exp(own)
        return price

    def vvix(self, state: State) -> Floats:
        """VVIX: the log contract on the VIX in `VIX_WINDOW` sessions, as the VIX is that on the S&P 500; points."""
        sessions = np.array(VIX_WINDOW)
        expected, logarithm = self._expectations(state, sessions, logarithm=True)
        variance = 2.0 * (np.log(expected) - logarithm) + self._index_variance[VIX_WINDOW]
        level: Floats = 100.0 * np.sqrt(variance * SESSIONS_PER_YEAR / VIX_WINDOW)
        return level

    def _expectations(self, state: State, sessions: Integers, *, logarithm: bool) -> tuple[Floats, Floats]:
        """Expected root of the VIX variance a number of sessions ahead, and expected logarithm of it if asked for."""
        over = state.gusts - self._gusts_mean
        fast_mean = self._fast_fade[sessions] * state.fast + self._fast_drift[sessions]
        slow_mean = self._slow_fade[sessions] * state.slow + self._slow_drift[sessions]
        fast_variance, slow_variance, covariance = (
            average[sessions] + extra[sessions] * over
            for average, extra in (self._fast_variance, self._slow_variance, self._covariance)
        )
        fast_deviation = np.sqrt(fast_variance)
        loading = covariance / np.where(fast_deviation > 0.0, fast_deviation, 1.0)
        rest = np.sqrt(np.maximum(slow_variance - loading**2, 0.0))
        over_then = over * self._gusts_fade[sessions]
        expected = np.zeros(fast_mean.shape)
        expected_log = np.zeros(fast_mean.shape if logarithm else ())
        jump_nodes, jump_weights = self._jump_law
        for u, fast_weight in _normal_nodes(_FAST_NODES):
            slow_given = slow_mean + loading * u
            for jump in range(_JUMP_NODES):
                fast = fast_mean + fast_deviation * u + jump_nodes[sessions, jump]
                for w, slow_weight in _normal_nodes(_SLOW_NODES):
                    weight = fast_weight * slow_weight * jump_weights[sessions, jump]
                    variance = self._variance(fast, slow_given + rest * w, over_then, VIX_WINDOW)
                    expected += weight * np.sqrt(variance)
                    if logarithm:
                        expected_log += 0.5 * weight * np.log(variance)
        return expected, expected_log

    @cached_property
    def _jump_law(self) -> tuple[Floats, Floats]:
        """Nodes and weights for what the jumps up to each horizon add to the fast factor, shape (horizons, nodes)."""
        mean = self.parameters.jump_in_variance
        nodes, weights = np.zeros((_LONGEST + 1, _JUMP_NODES)), np.zeros((_LONGEST + 1, _JUMP_NODES))
        weights[0, 0] = 1.0
        orders = np.arange(1, 2 * _JUMP_NODES + 1)
        faded = [_sums(self._fast_fade**order) for order in orders]
        for horizon in range(1, _LONGEST + 1):
            # In units of the mean jump, an exponential law has the order's factorial as its moment.
            cumulants = [
                self._jumps * math.factorial(order) * total[horizon] for order, total in zip(orders, faded, strict=True)
            ]
            nodes[horizon], weights[horizon] = nodes_of_cumulants(cumulants)
        return nodes * mean, weights


def _sums(values: Floats) -> Floats:
    """Sum of the values before each position."""
    return np.concatenate([[0.0], np.cumsum(values)[:-1]])


def _normal_nodes(count: int) -> list[tuple[float, float]]:
    """Nodes and weights of Gaussian quadrature for a standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return list(zip(nodes.tolist(), (weights / weights.sum()).tolist(), strict=True))


def _average_nodes(length: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gaussian quadrature for the plain average over 0, 1, ..., length - 1."""
    order = np.arange(1, _WINDOW_NODES)
    # Recurrence of the discrete Chebyshev polynomials.
    off = order / 2.0 * np.sqrt((length**2 - order**2) / (4.0 * order**2 - 1.0))
    nodes, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    return nodes + (length - 1) / 2.0, vectors[0] ** 2


def nodes_of_cumulants(cumulants: list[float]) -> tuple[Floats, Floats]:
    """Nodes and weights of Gaussian quadrature for a law with the given cumulants, two for each node."""
    moments = [1.0]
    for order in range(1, len(cumulants) + 1):
        moments.append(
            sum(math.comb(order - 1, k - 1) * cumulants[k - 1] * moments[order - k] for k in range(1, order + 1))
        )
    count = len(cumulants) // 2
    hankel = np.array([[moments[i + j] for j in range(count + 1)] for i in range(count + 1)])
    upper = np.linalg.cholesky(hankel).T
    diagonal = np.diag(upper)
    ratio = np.diag(upper, 1) / diagonal[:-1]
    main = ratio - np.concatenate([[0.0], ratio[:-1]])
    off = diagonal[1:-1] / diagonal[:-2]
    nodes, vectors = np.linalg.eigh(np.diag(main) + np.diag(off, 1) + np.diag(off, -1))
    return nodes, vectors[0] ** 2
