"""The engines in the order of the page: what they are called, and how many paths they are given."""

from __future__ import annotations

from dataclasses import dataclass

#: Sessions after the base of the histories that are measured beside the whole and twice the whole: 1, 5 and 10 years.
LENGTHS = (252, 1_260, 2_520)

#: Paths of a measurement, of ten years each.
PATHS = (1, 10, 100, 1_000)
PATH_SESSIONS = 2_520


@dataclass(frozen=True)
class Engine:
    """One engine.

    Attributes
    ----------
    module : str
        Its module in this package.
    label : str
        What the page calls it.
    distribution : str
        The package whose version is shown; empty for Python itself.
    most_paths : int
        An engine that takes one path after the other needs so much longer for more.
    target : float or None
        How many times faster than it the product is to be.
    """

    module: str
    label: str
    distribution: str
    most_paths: int
    target: float | None = None


OURS = Engine("ours", "tailguard", "tailguard", 1_000)

PEERS = (
    Engine("vectorbt_engine", "vectorbt", "vectorbt", 1_000, 5.0),
    Engine("bt_engine", "bt", "bt", 10, 10.0),
    Engine("pandas_loop", "pandas loop", "pandas", 10, 10.0),
    Engine("backtrader_engine", "backtrader", "backtrader", 1, 10.0),
    Engine("list_fold", "list fold", "", 100),
    Engine("numba_kernel", "numba kernel", "numba", 1_000),
)

ENGINES = {engine.module: engine for engine in (OURS, *PEERS)}
