"""A chain of options as quoted at one instant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

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


def calls_document(chain: OptionChain) -> dict[str, Any]:
    """What of a chain prices calls, as JSON has it: strikes and quotes of its calls; None where nobody quotes."""
    calls = chain.is_call

    def numbers(values: Floats) -> list[float | None]:
        return [value if value == value else None for value in values[calls].tolist()]

    return {
        "underlying": chain.underlying,
        "underlying_price": chain.underlying_price,
        "quoted_at": chain.quoted_at.isoformat(),
        "root": chain.root[calls].tolist(),
        "expiry": [day.isoformat() for day in chain.expiry[calls].tolist()],
        "strike": numbers(chain.strike),
        "bid": numbers(chain.bid),
        "ask": numbers(chain.ask),
    }


def calls_from(document: dict[str, Any]) -> OptionChain:
    """The calls of a chain out of such a document; what it does not have is NaN."""
    strike, bid, ask = (np.array(document[name], dtype=np.float64) for name in ("strike", "bid", "ask"))
    nothing = np.full(len(strike), np.nan)
    return OptionChain(
        underlying=document["underlying"],
        underlying_price=document["underlying_price"],
        quoted_at=dt.datetime.fromisoformat(document["quoted_at"]),
        root=np.array(document["root"], dtype=np.str_),
        expiry=np.array(document["expiry"], dtype="datetime64[D]"),
        is_call=np.ones(len(strike), dtype=bool),
        strike=strike,
        bid=bid,
        ask=ask,
        last=nothing,
        implied_volatility=nothing,
        delta=nothing,
        open_interest=nothing,
        volume=nothing,
    )


@runtime_checkable
class NamedChains(Protocol):
    """Chains by session that have names: two of the same name are the same chain."""

    def name(self, session: dt.date) -> str:
        """The name of the chain of a session that has one."""
        ...
