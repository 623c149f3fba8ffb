"""What every engine is given: closes and total-return levels by session. Needs numpy alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Rows before the base: with them the indicators are complete for the first time one session before it, as 20 sessions
#: fill the long average and a trend takes 10 such averages.
WARM_UP = 29

BASE_LEVEL = 100_000.0

SESSIONS_PER_YEAR = 252

#: Sessions in a row that a drawn path takes from the market: a quarter.
BLOCK = 63


@dataclass(frozen=True)
class Market:
    """One market; the base session is row `WARM_UP`.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    spx : float, shape (n,), closes, index points
    vix : float, shape (n,)
        Closes in hundredths of a point, whole numbers: averages that are equal then compare equal in every engine.
    equity, volatility, cash : float, shape (n,)
        Total-return levels of the components and of overnight money. Before the base they are not needed, and flat.
    """

    sessions: npt.NDArray[np.datetime64]
    spx: Floats
    vix: Floats
    equity: Floats
    volatility: Floats
    cash: Floats

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def table(self) -> dict[str, npt.NDArray[np.generic]]:
        """Every column by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def first(self, sessions: int) -> Market:
        """The warm-up, the base session and that many more."""
        return Market(**{name: values[: WARM_UP + 1 + sessions] for name, values in self.table.items()})

    def twice(self) -> Market:
        """The whole history, and after it all sessions after the base again."""
        whole = np.arange(len(self))
        return self._joined(np.concatenate([whole, whole[WARM_UP + 1 :]]))

    def drawn(self, seed: int, sessions: int) -> Market:
        """A path of that many sessions after its base: blocks of this market drawn with replacement."""
        rows = WARM_UP + 1 + sessions
        starts = np.random.default_rng(seed).integers(WARM_UP + 1, len(self) - BLOCK, -(-rows // BLOCK))
        return self._joined((starts[:, None] + np.arange(BLOCK)).ravel()[:rows])

    def save(self, path: Path) -> None:
        """Write a file that `load` reads."""
        np.savez(path, **self.table)

    @classmethod
    def load(cls, path: Path) -> Market:
        """Read what `save` wrote."""
        with np.load(path) as file:
            return cls(**{field.name: file[field.name] for field in fields(cls)})

    def _joined(self, rows: npt.NDArray[np.int64]) -> Market:
        """The market whose changes are those into these rows, one after the other, a calendar day apart."""

        def levels(values: Floats) -> Floats:
            growth = np.ones(len(values))
            growth[1:] = values[1:] / values[:-1]
            growth = growth[rows]
            growth[0] = values[0]
            return np.cumprod(growth)

        days = self.sessions[0] + np.arange(len(rows))
        return Market(days, levels(self.spx), self.vix[rows], *map(levels, (self.equity, self.volatility, self.cash)))
