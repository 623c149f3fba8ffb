"""What a hedge can hold: contracts, packages of them, and their prices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signals.vix_futures import Floats

VIX_CALL, VX_FUTURE, VXX_CALL = "VIX call", "VX future", "VXX call"

#: US dollars a point; of VXX, a point of the index it follows.
POINT_VALUE_USD = {VIX_CALL: 100.0, VX_FUTURE: 1000.0, VXX_CALL: 1.0}


@dataclass(frozen=True)
class Contract:
    """One listed contract; `strike` is 0 for a future, and in points of the index for a call on VXX."""

    kind: str
    expiry: dt.date
    strike: float


@dataclass(frozen=True)
class Legs:
    """What one package is made of: contracts of one expiry, and how many of each; negative if sold."""

    contracts: tuple[Contract, ...]
    ratios: tuple[int, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.contracts, self.ratios))

    @property
    def kind(self) -> str:
        """What the contracts are."""
        return self.contracts[0].kind

    @property
    def expiry(self) -> dt.date:
        """When all of them expire."""
        return self.contracts[0].expiry

    @property
    def point_value(self) -> float:
        """US dollars a point of the package's price."""
        return POINT_VALUE_USD[self.kind]

    @property
    def strikes(self) -> tuple[float, ...]:
        """Strikes of the legs; empty for a future."""
        return () if self.kind == VX_FUTURE else tuple(contract.strike for contract in self.contracts)


@dataclass(frozen=True)
class Track:
    """Marks of the legs of a package from the row `first` on, to the last session before its expiry.

    Attributes
    ----------
    first : int
    prices : float, shape (legs, rows), points
        NaN where a price cannot be said.
    observed : bool, shape (legs, rows)
        Whether it is the middle of two quotes.
    """

    first: int
    prices: Floats
    observed: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices of one package, points: its mark, what a buyer pays and what a seller gets; NaN where there is none."""

    mark: float
    offer: float
    bid: float
    basis: str
