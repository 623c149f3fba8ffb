"""The cheapest hedge there is: to hold some cash, as much as makes the deepest fall as deep as a hedge does.

With w in the unhedged strategy and the rest in cash, reset at every close without costs, a day returns ``w a + (1 - w)
c``. The deepest fall of that is looked for along w, from none to all of it, by bisection: it grows with w, but for what
cash earns meanwhile.
"""

from __future__ import annotations

import numpy as np

from signals.vix_futures import Floats

#: Halvings of the interval from 0 to 1: a share is known to a millionth of a millionth.
_HALVINGS = 40


def deepest_fall(returns: Floats) -> float:
    """From a high to a later low, at closes, not above 0; what has lost everything stays at 0."""
    levels = np.concatenate([[1.0], np.cumprod(np.maximum(1.0 + returns, 0.0))])
    return float((levels / np.maximum.accumulate(levels)).min()) - 1.0


def with_cash(returns: Floats, cash: Floats, share: float) -> Floats:
    """Daily returns of a share of cash and the rest in a strategy, reset at every close."""
    mixed: Floats = (1.0 - share) * returns + share * cash
    return mixed


def cash_for(fall: float, returns: Floats, cash: Floats) -> float:
    """The share of cash with which a strategy has a deepest fall, from 0 to 1.

    Parameters
    ----------
    fall : float
        Between that of cash and that of the strategy, not above 0.
    returns, cash : float, shape (n,)
        Of each session, decimals.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if deepest_fall(with_cash(returns, cash, middle)) < fall:
            low = middle
        else:
            high = middle
    return high
