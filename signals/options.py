"""A chain of options as quoted at one instant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.calendar import Days

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OptionChain:
    """Every listed option on one underlying. Arrays have one entry per option, in the order of their symbols.

    Attributes
    ----------
    underlying : str
        ``VIX`` or ``SPX``.
    underlying_price : float, index points
        Last price of the index, delayed like the quotes; its last close outside its hours.
    quoted_at : datetime.datetime, UTC
        When the publisher put the chain together. The quotes in it are about 15 minutes older.
    root : str, shape (n,)
        ``VIX`` or ``VIXW``, ``SPX`` or ``SPXW``: the W stands for options that expire in other weeks, and for those on
        the S&P 500 that settle at the close.
    expiry : datetime64[D], shape (n,)
        The date in the symbol. Of options on the VIX, and of ``SPX``, the morning on which they settle: their last
        trades are of the session before.
    is_call : bool, shape (n,)
    strike : float, shape (n,), index points
    bid, ask : float, shape (n,), index points
        NaN for both where nobody quotes or the quote is crossed. A bid of 0 beside an ask means that nobody bids, NaN
        for the ask alone that nobody offers.
    last : float, shape (n,), index points
        Price of the last trade, however old; NaN where there was none.
    implied_volatility : float, shape (n,), a decimal, annual
        As computed by the publisher; NaN where it computed none.
    delta : float, shape (n,)
        As computed by the publisher, from -1 to 1; NaN where it is not given.
    open_interest, volume : float, shape (n,), contracts
        NaN where not given.
    """

    underlying: str
    underlying_price: float
    quoted_at: dt.datetime
    root: npt.NDArray[np.str_]
    expiry: Days
    is_call: npt.NDArray[np.bool_]
    strike: Floats
    bid: Floats
    ask: Floats
    last: Floats
    implied_volatility: Floats
    delta: Floats
    open_interest: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.strike)
