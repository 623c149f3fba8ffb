"""The internal rate of return of a stream of cash, where it has one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from signals.vix_futures import Floats

#: Rates are looked for within this one, a logarithm a year: beyond, nearly all is lost or gained at once.
_LARGEST_LOG_RATE = 50.0
#: Halvings that bring a bracket of 100 below the distance of two neighbouring floats.
_HALVINGS = 64


def sign_changes(flows: Floats) -> int:
    """How often a stream of cash changes its sign; zeros count as what came before."""
    signs = np.sign(flows[flows != 0.0])
    return int(np.count_nonzero(np.diff(signs)))


def internal_rate(flows: Floats, years: npt.NDArray[np.float64]) -> float:
    """The rate at which what was paid is worth what was received, a decimal a year.

    Parameters
    ----------
    flows : float, shape (n,)
        Paid is negative, received positive; they change their sign exactly once. Then the rate is the only one
        (Descartes' rule of signs, which holds for real exponents too: Laguerre 1883).
    years : float, shape (n,)
        When, ascending.

    Returns
    -------
    float
        Solution of ``sum(flows * (1 + rate) ** -years) = 0``; NaN where its logarithm is beyond 50 either way.

    Raises
    ------
    ValueError
        When the stream does not change its sign exactly once: it may then have several such rates, or none.
    """
    if sign_changes(flows) != 1:
        raise ValueError(f"cash flows that change their sign once have a rate, not {sign_changes(flows)} times")
    rising = 1.0 if flows[np.flatnonzero(flows)[0]] < 0.0 else -1.0

    def excess(log_rate: float) -> float:
        """Falls through 0 at the solution."""
        exponent = -log_rate * years
        # Scaled by the largest discount factor: only the sign is looked at.
        return rising * math.fsum((flows * np.exp(exponent - exponent.max())).tolist())

    low, high = -_LARGEST_LOG_RATE, _LARGEST_LOG_RATE
    if not excess(low) > 0.0 > excess(high):
        return math.nan
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0.0 else (low, middle)
    return math.expm1(0.5 * (low + high))
