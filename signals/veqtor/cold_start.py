"""Where a history that does not start at the base session becomes certain.

The stop-loss carries a memory: whether the strategy was in cash yesterday depends on the five-day return of the day
before, which depends on whether it was in cash then, and so on. A fold that starts in the middle does not know what
came before. But both possibilities can be followed: a session whose test comes out the same whether the unknown days
were invested or in cash is certain, and from the first run of certain sessions that fills every window on, nothing
depends on what came before.
"""

from __future__ import annotations

import numpy as np

from signals.veqtor.rules import VeqtorRules
from signals.vix_futures import Floats

#: Tests closer to the limit than this are not certain: the same levels, multiplied from another start, differ in the
#: last digits.
ROUNDING = 1e-9


def certain_from(invested_change: Floats, accrual: Floats, base: int, rules: VeqtorRules) -> int:
    """The first row whose signal does not depend on anything before `base`; the number of rows if there is none.

    Every later row is certain too, but for a test within `ROUNDING` of the limit, which is flagged anyway.

    Parameters
    ----------
    invested_change, accrual : float, shape (n,)
        What the strategy earns into each session invested and in cash, decimals; needed from row ``base + 1`` on.
    """
    count, lag, window = len(invested_change), rules.decision_lag + 1, rules.stop_sessions
    tests: list[bool | None] = [None] * count
    lowest, highest = np.ones(count), np.ones(count)
    # A report looks at the tests of its own session and of those behind the days in its stop-loss window.
    needed, run = window + lag, 0
    for row in range(base + 1, count):
        excess = float(invested_change[row] - accrual[row])
        in_cash = tests[row - lag]
        if in_cash is None:
            lowest[row], highest[row] = 1.0 + min(excess, 0.0), 1.0 + max(excess, 0.0)
        elif not in_cash:
            lowest[row] = highest[row] = 1.0 + excess
        if row >= base + window:
            tests[row] = _test(lowest[row - window + 1 : row + 1], highest[row - window + 1 : row + 1], rules)
        run = run + 1 if tests[row] is not None else 0
        if run == needed:
            return row
    return count


def _test(lowest: Floats, highest: Floats, rules: VeqtorRules) -> bool | None:
    """The stop-loss test, or None where it could come out either way."""
    limit = 1.0 + rules.stop_loss
    if float(np.prod(highest)) <= limit - ROUNDING:
        return True
    if float(np.prod(lowest)) > limit + ROUNDING:
        return False
    return None
