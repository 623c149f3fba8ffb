"""Prices of everything a book may hold, at every session, and what is listed to choose from.

An option on the VIX is marked at the middle of its quotes where a chain of the session is stored and has both sides,
else at the model's price; a VX future at its settlement. Every price carries its basis.

A contract is priced for all sessions of its life at once, when it is first asked for: one row of that depends on the
inputs of its own session only, so that nothing looks ahead, and a fold over thousands of sessions does not wait for
thousands of small calculations.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signals.alvh.black76 import DAYS_PER_YEAR
from signals.alvh.contracts import VIX_CALL, VX_FUTURE, VXX_CALL, Contract, Legs, Quote, Track
from signals.alvh.listings import STRIKES, OptionListings
from signals.alvh.report import MIXED, MODEL, OBSERVED, SETTLEMENT
from signals.alvh.rules import Costs
from signals.alvh.substitutes import (
    BETWEEN,
    BEYOND,
    SETTLED,
    Substituted,
    forward_prices,
)
from signals.alvh.surface import SURFACE, VolatilitySurface, continuous_rate
from signals.alvh.vxx import STRIKES as VXX_STRIKES
from signals.alvh.vxx import VXX_SURFACE, VxxListings
from signals.calendar import Days, TradingCalendar
from signals.options import NamedChains, OptionChain
from signals.rates import CARRIED, PRIMARY, SUBSTITUTE
from signals.vix_futures import LISTED, Floats, SettlementPanel, constant_maturity_future

#: A forward price made from the level of an index.
CARRIED_INDEX = 3

FORWARD_BASIS = {SETTLED: "settled", BETWEEN: "between", BEYOND: "beyond", CARRIED_INDEX: "index"}


@dataclass(frozen=True)
class _Quotes:
    """Quotes of a package from the row `first` on; `seen` is the share of its legs that were observed."""

    first: int
    marks: list[float]
    away: list[float]
    seen: list[float]


@dataclass(frozen=True)
class _Forwards:
    """Prices of the future of one expiry from the row `first` on."""

    first: int
    values: Floats
    basis: npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class _Calls:
    """Listed calls after one close, and the middle of their quotes, points: NaN where one side is missing."""

    expiry: Days
    strike: Floats
    middles: Floats

    def middle(self, contract: Contract) -> float:
        """Middle of the quotes of a contract; NaN where it is not listed."""
        found = (self.expiry == np.datetime64(contract.expiry)) & (self.strike == contract.strike)
        return float(self.middles[found][0]) if found.any() else math.nan


class OptionMarket:
    """The market a hedge trades in, a row per session.

    Parameters
    ----------
    panel : SettlementPanel
        VX settlements; its sessions are the rows of everything else.
    vix : float, shape (n,), VIX points
        Closes of the spot VIX.
    vvix : Substituted, shape (n,), percent
        As `signals.alvh.substitutes.vvix_in_force` gives it.
    tbill : float, shape (n,)
        91-day bill discount rate known at each close, a decimal.
    published : mapping of expiry to VIX points
        Final settlements as they were published.
    vix_open : float, shape (n,), VIX points
        As `usable_open` leaves them: what stands in for a final settlement.
    calendar : TradingCalendar
    short_term : float, shape (n,), index points
        Total return level of the S&P 500 VIX Short-Term Futures index, which VXX follows; NaN where there is none.
    chains : mapping of session to OptionChain
        Quotes after the close of a session, of options on the VIX.
    surface : VolatilitySurface
    """

    def __init__(
        self,
        panel: SettlementPanel,
        vix: Floats,
        vvix: Substituted,
        tbill: Floats,
        published: Mapping[dt.date, float],
        vix_open: Floats,
        calendar: TradingCalendar,
        short_term: Floats,
        chains: Mapping[dt.date, OptionChain] | None = None,
        surface: VolatilitySurface = SURFACE,
    ) -> None:
        self.panel = panel
        self.vix = vix
        self.vvix = vvix
        self.rate = continuous_rate(tbill)
        self.calendar = calendar
        self.surface = surface
        self.chains = chains or {}
        self.short_term = short_term
        self.dates: list[dt.date] = panel.sessions.tolist()
        self._published = published
        self._vix_open = vix_open
        self._listings = OptionListings(calendar)
        self._vxx = VxxListings(calendar)
        self._tracks: dict[Legs, Track] = {}
        self._quoted: dict[tuple[Legs, Costs], _Quotes] = {}
        self._forwards: dict[dt.date, _Forwards] = {}
        self._chain_calls: dict[int, _Calls] = {}
        known = frozenset(self.dates)
        self._chain_rows = {self.row_at(session) for session in self.chains if session in known}

    @property
    def sessions(self) -> Days:
        """Sessions, one per row."""
        return self.panel.sessions

    def row_at(self, day: dt.date) -> int:
        """The first row on or after a day; the number of rows if there is none."""
        return int(np.searchsorted(self.panel.sessions, np.datetime64(day)))

    @cached_property
    def _months(self) -> frozenset[dt.date]:
        return frozenset(self.calendar.vx_expiries.tolist())

    @cached_property
    def fill_days(self) -> list[dt.date]:
        """The session after each one."""
        following = np.searchsorted(self.calendar.sessions, self.sessions, side="right")
        days: list[dt.date] = self.calendar.sessions[following].tolist()
        return days

    @cached_property
    def constant_maturity(self) -> Floats:
        """The 30-day VX future at each close."""
        return constant_maturity_future(self.panel, self.vix)

    @cached_property
    def monthly_expiry(self) -> list[bool]:
        """Whether a monthly contract settled on the session, or since the one before."""
        found: list[bool] = np.concatenate([[False], np.diff(self.panel.front) > 0]).tolist()
        return found

    @cached_property
    def _last_settled(self) -> Days:
        """Expiry of the last VX contract with a settlement, per row; NaT where none has one."""
        settled = np.isfinite(self.panel.settle)
        last = settled.shape[1] - 1 - np.argmax(settled[:, ::-1], axis=1)
        found = self.panel.expiries[np.minimum(self.panel.front + last, len(self.panel.expiries) - 1)]
        return np.where(settled.any(axis=1), found, np.datetime64("NaT"))

    def expiries(self, row: int, kind: str, *, weeklies: bool, after: dt.date) -> Days:
        """Listed expiries after a day that have a price: not beyond the last VX future that settled."""
        if kind == VXX_CALL:
            notes = self._vxx.expiries(self.dates[row])
            return notes[notes > np.datetime64(after)]
        listed = self._listings.expiries(self.dates[row], weeklies=weeklies)
        if (chain := self._chain(row)) is not None:
            # A monthly may be missing in a chain, and a chain tells weeklies from monthlies by nothing else.
            quoted = np.unique(chain.expiry)
            listed = quoted if weeklies else quoted[np.isin(quoted, listed)]
        priced: Days = listed[(listed > np.datetime64(after)) & (listed <= self._last_settled[row])]
        return priced

    def is_monthly(self, expiry: dt.date) -> bool:
        """Whether a VX contract of its month expires on a day."""
        return expiry in self._months

    def strikes(self, row: int, kind: str, expiry: dt.date) -> Floats:
        """Listed strikes of calls: those of the stored chain, else the ladder."""
        if kind == VXX_CALL:
            return VXX_STRIKES * self.unit(row, kind)
        chain = self._chain(row)
        if chain is None or not (listed := chain.expiry == np.datetime64(expiry)).any():
            return STRIKES
        return np.unique(chain.strike[listed])

    def unit(self, row: int, kind: str) -> float:
        """Points of a price as it is kept per point as it is shown: prices of VXX are shown for a close of 100."""
        return float(self.short_term[row]) / 100.0 if kind == VXX_CALL else 1.0

    def shown_contracts(self, row: int, kind: str) -> float:
        """Contracts as they are shown per one that is kept: those on VXX have 100 shares, of a close of 100."""
        return self.unit(row, kind) / 100.0 if kind == VXX_CALL else 1.0

    def surface_of(self, kind: str) -> VolatilitySurface:
        """The volatility model of options of a kind."""
        return VXX_SURFACE if kind == VXX_CALL else self.surface

    def forward(self, row: int, kind: str, expiry: dt.date) -> tuple[float, int]:
        """Forward price of the underlying of an expiry, and its basis: SETTLED, BETWEEN, BEYOND or CARRIED_INDEX."""
        if kind == VXX_CALL:
            return float(self._index_forward(np.array([row]), expiry)[0]), CARRIED_INDEX
        found = self._forwards.get(expiry)
        if found is None or row < found.first:
            found = self._forwards[expiry] = self._forward_path(row, expiry)
        at = row - found.first
        return float(found.values[at]), int(found.basis[at])

    def days(self, row: int, expiry: dt.date) -> int:
        """Calendar days to an expiry."""
        return (expiry - self.dates[row]).days

    def track(self, row: int, legs: Legs) -> Track:
        """Marks of a package from a row, or an earlier one, to its expiry."""
        found = self._tracks.get(legs)
        if found is None or row < found.first:
            found = self._tracks[legs] = self._priced(row, legs)
        return found

    def quote(self, row: int, legs: Legs, costs: Costs) -> Quote:
        """Prices of a package at a close: its mark, and what crossing the market makes of it.

        What a package is worth at its expiry is never negative, so nobody pays to be rid of one.
        """
        found = self._quoted.get((legs, costs))
        if found is None or row < found.first:
            found = self._quoted[legs, costs] = self._crossed(self.track(row, legs), legs, costs)
        at = row - found.first
        mark, away, seen = found.marks[at], found.away[at], found.seen[at]
        if legs.kind == VX_FUTURE:
            basis = SETTLEMENT if self.forward(row, legs.kind, legs.expiry)[1] == SETTLED else MODEL
        else:
            basis = OBSERVED if seen == 1.0 else MIXED if seen else MODEL
        return Quote(mark, mark + away, mark - away if mark > away else 0.0 * mark, basis)

    def _crossed(self, track: Track, legs: Legs, costs: Costs) -> _Quotes:
        ratios = np.array(legs.ratios, dtype=np.float64)[:, None]
        middle = np.sum(ratios * track.prices, axis=0)
        unit: npt.ArrayLike = 1.0
        if legs.kind == VXX_CALL:
            unit = self.short_term[track.first : track.first + len(middle)] / 100.0
        least = costs.minimum_half_spread * np.asarray(unit)
        if legs.kind == VX_FUTURE:
            away = np.broadcast_to(least, middle.shape)
        elif costs.package_fills:
            away = np.maximum(costs.half_spread * np.abs(middle), least)
        else:
            away = np.sum(np.abs(ratios) * np.maximum(costs.half_spread * track.prices, least), axis=0)
        seen = np.mean(track.observed, axis=0)
        return _Quotes(track.first, middle.tolist(), away.tolist(), seen.tolist())

    def worth_at_expiry(self, contract: Contract) -> float:
        """What one contract pays at its expiry, points. Calls on VXX settle at the close, the others in the morning."""
        if contract.kind == VXX_CALL:
            last = int(np.searchsorted(self.sessions, np.datetime64(contract.expiry), side="right")) - 1
            return max(float(self.short_term[last]) - contract.strike, 0.0)
        settled, _ = self.final_settlement(contract.expiry)
        return settled if contract.kind == VX_FUTURE else max(settled - contract.strike, 0.0)

    def final_settlement(self, expiry: dt.date) -> tuple[float, int]:
        """What contracts of an expiry settled at, and its origin.

        PRIMARY if it was published; else the open of the VIX stands in on that morning (SUBSTITUTE), else its close of
        the session before (CARRIED).
        """
        if expiry in self._published:
            return self._published[expiry], PRIMARY
        row = self.row_at(expiry)
        if np.isfinite(self._vix_open[row]):
            return float(self._vix_open[row]), SUBSTITUTE
        return float(self.vix[row - 1]), CARRIED

    def can_be_named(self, row: int) -> bool:
        """Whether everything a book uses up to a row can be told apart: stored chains have names, others have none."""
        return not self._chains_to(row) or isinstance(self.chains, NamedChains)

    def names_to(self, row: int) -> list[object]:
        """What a book uses up to a row beside arrays, as JSON can hold it."""
        day = self.dates[row]
        published = [[item.isoformat(), value] for item, value in sorted(self._published.items()) if item <= day]
        chains = self._chains_to(row)
        names = [self.chains.name(item) for item in chains] if isinstance(self.chains, NamedChains) else []
        return [published, [item.isoformat() for item in chains], names, self.calendar.version, repr(self.surface)]

    def arrays_to(self, row: int) -> tuple[npt.NDArray[np.generic], ...]:
        """The arrays a book uses up to a row; the calendar is known ahead."""
        panel, ends = self.panel, row + 1
        by_row = (panel.sessions, panel.front, panel.settle, panel.basis, self.vix, self.vvix.values, self.rate)
        cut = [array[:ends] for array in (*by_row, self._vix_open, self.short_term)]
        return (*cut, panel.expiries, self.calendar.sessions, self.calendar.scheduled_business_days)

    def _chains_to(self, row: int) -> list[dt.date]:
        return sorted(session for session in self.chains if session <= self.dates[row])

    def chain_standing(self, row: int) -> dt.date | None:
        """Session of the newest stored chain up to a session; None without one."""
        rows = [at for at in self._chain_rows if at <= row]
        return self.dates[max(rows)] if rows else None

    def _end(self, expiry: dt.date) -> int:
        """One past the last row before an expiry."""
        return min(self.row_at(expiry), len(self.dates))

    def _forward_path(self, row: int, expiry: dt.date) -> _Forwards:
        panel, end = self.panel, self._end(expiry)
        rows = np.arange(row, end)
        upper = int(np.searchsorted(panel.expiries, np.datetime64(expiry)))
        above = self._settlements(rows, upper)
        ahead = (np.datetime64(expiry) - panel.sessions[rows]).astype(np.int64).astype(np.float64)
        if upper < len(panel.expiries) and panel.expiries[upper] == np.datetime64(expiry):
            listed = self._is_listed(rows, upper)
            values, basis = above, np.where(listed, SETTLED, BETWEEN).astype(np.int8)
        else:
            # Spot stands at zero days below the front contract.
            spot = panel.front[rows] > upper - 1
            below = np.where(spot, self.vix[rows], self._settlements(rows, upper - 1))
            start = np.where(spot, panel.sessions[rows], panel.expiries[upper - 1])
            before = (start - panel.sessions[rows]).astype(np.int64).astype(np.float64)
            after = (panel.expiries[upper] - panel.sessions[rows]).astype(np.int64).astype(np.float64)
            values = below + (ahead - before) / (after - before) * (above - below)
            basis = np.full(len(rows), BETWEEN, dtype=np.int8)
        for at in np.flatnonzero(np.isnan(values)).tolist():
            # A settlement is missing: the line runs between those that are there.
            found = forward_prices(panel, row + at, float(self.vix[row + at]), np.array([expiry], "datetime64[D]"))
            values[at], basis[at] = found.values[0], found.basis[0]
        return _Forwards(row, values, basis)

    def _settlements(self, rows: npt.NDArray[np.int64], contract: int) -> Floats:
        """Settlements of one contract by its place among the expiries; NaN where it has none."""
        slot = contract - self.panel.front[rows]
        inside = (slot >= 0) & (slot < self.panel.settle.shape[1])
        return np.where(inside, self.panel.settle[rows, np.where(inside, slot, 0)], np.nan)

    def _is_listed(self, rows: npt.NDArray[np.int64], contract: int) -> npt.NDArray[np.bool_]:
        slot = contract - self.panel.front[rows]
        inside = (slot >= 0) & (slot < self.panel.settle.shape[1])
        basis = self.panel.basis[rows, np.where(inside, slot, 0)]
        return np.asarray(inside & (basis == LISTED))

    def _priced(self, row: int, legs: Legs) -> Track:
        end = self._end(legs.expiry)
        rows = np.arange(row, end)
        forward = self._forwards_on(rows, legs)
        observed = np.zeros((len(legs.contracts), len(rows)), dtype=bool)
        if legs.kind == VX_FUTURE:
            return Track(row, forward[None, :], observed)
        ahead = (np.datetime64(legs.expiry) - self.sessions[rows]).astype(np.int64).astype(np.float64)
        strikes = np.array(legs.strikes)[:, None]
        surface = self.surface_of(legs.kind)
        prices = surface.price(forward, strikes, ahead, self.vvix.values[rows], self.rate[rows])
        if legs.kind == VIX_CALL:
            for at in self._chain_rows.intersection(range(row, end)):
                chain = self._chain(at)
                for place, contract in enumerate(legs.contracts):
                    quoted = math.nan if chain is None else chain.middle(contract)
                    if math.isfinite(quoted):
                        prices[place, at - row], observed[place, at - row] = quoted, True
        return Track(row, prices, observed)

    def _forwards_on(self, rows: npt.NDArray[np.int64], legs: Legs) -> Floats:
        if legs.kind == VXX_CALL:
            return self._index_forward(rows, legs.expiry)
        self.forward(int(rows[0]), legs.kind, legs.expiry)
        found = self._forwards[legs.expiry]
        values: Floats = found.values[rows - found.first]
        return values

    def _index_forward(self, rows: npt.NDArray[np.int64], expiry: dt.date) -> Floats:
        years = (np.datetime64(expiry) - self.sessions[rows]).astype(np.int64) / DAYS_PER_YEAR
        grown: Floats = self.short_term[rows] * np.exp(self.rate[rows] * years)
        return grown

    def _chain(self, row: int) -> _Calls | None:
        """The calls in the stored chain of a session; None without one."""
        if row not in self._chain_rows:
            return None
        if row not in self._chain_calls:
            chain = self.chains[self.dates[row]]
            calls = chain.is_call
            two_sided = (chain.bid > 0.0) & (chain.ask >= chain.bid)
            middle = np.where(two_sided, (chain.bid + chain.ask) / 2.0, np.nan)[calls]
            self._chain_calls[row] = _Calls(chain.expiry[calls], chain.strike[calls], middle)
        return self._chain_calls[row]
