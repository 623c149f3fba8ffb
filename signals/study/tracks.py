"""Tracks: what each strategy earned on each session, after costs and before, all on the same sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from signals.calendar import Days
from signals.vix_futures import Floats


@dataclass(frozen=True, eq=False)
class Track:
    """One strategy.

    Attributes
    ----------
    name : str
        Key: ``sp500``, ``veqtor``, ``sp500+alvh-seed``, ...
    label : str
        As people read it.
    against : str, optional
        Name of the track it is a hedged form of; None for one that is unhedged.
    returns : float, shape (n,)
        Total return into each session, after costs, a decimal; NaN up to and with the session of its first level.
    gross : float, shape (n,)
        The same before costs; where costs cannot be told apart, the same numbers.
    cost : float, shape (n,)
        What trading cost at each close, a share of the value; included in the return into that session.
    turnover : float, shape (n,)
        What was traded at each close, one way: half of what was bought and sold, a share of the value.
    hedge_flow : float, shape (n,), optional
        Cash into (negative) and out of a hedge, a share of the value it protects; with `hedge_mark`, what it is worth.
    note : str
        What has to be known to read it; empty where nothing.
    """

    name: str
    label: str
    against: str | None
    returns: Floats
    gross: Floats
    cost: Floats
    turnover: Floats
    hedge_flow: Floats | None = None
    hedge_mark: Floats | None = None
    note: str = ""

    @property
    def first(self) -> int:
        """Row of the first level: the last one before the first return; the number of rows where there is none."""
        known = np.isfinite(self.returns)
        return int(np.argmax(known)) - 1 if known.any() else len(self.returns)

    def levels(self) -> Floats:
        """Level by session, shape (n,): 1.0 in row `first`, NaN before."""
        found = np.full(len(self.returns), np.nan)
        if self.first < len(found):
            found[self.first :] = np.concatenate([[1.0], np.cumprod(1.0 + self.returns[self.first + 1 :])])
        return found


@dataclass(frozen=True, eq=False)
class Tracks:
    """All strategies of a study.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    cash : float, shape (n,)
        What cash earned into each session: the overnight rate, a decimal.
    tracks : tuple of Track
        Unhedged ones before those that are measured against them.
    """

    sessions: Days
    cash: Floats
    tracks: tuple[Track, ...]

    def __iter__(self) -> Iterator[Track]:
        return iter(self.tracks)

    def __getitem__(self, name: str) -> Track:
        return next(track for track in self.tracks if track.name == name)

    def __contains__(self, name: object) -> bool:
        return any(track.name == name for track in self.tracks)
