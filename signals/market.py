"""Market history: what was published, aligned to sessions.

`MarketData` holds observations as they came, per series and publisher. `MarketHistory` is one aligned, session-indexed
view of it. Neither decides anything: which value is used where two disagree, or where one is missing, is the business
of `signals.inputs`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.agreement import implausible_settlements
from signals.calendar import Days, TradingCalendar, contract_code
from signals.series import (
    BASE_SESSION,
    CBOE,
    DFF,
    DTB3,
    FRED,
    IRX,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    YAHOO,
    vx_expiry_of,
)
from signals.settlements import settlements
from signals.vix_futures import Floats, SettlementPanel, settlement_panel

#: Every history starts here, so that a level does not depend on how much history happened to be loaded.
HISTORY_START = dt.date(2004, 1, 2)

#: Series, publisher and day of a value that is left out.
IgnoredValue = tuple[str, str, dt.date]

PayloadIds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Observations:
    """Values of one series from one publisher.

    Attributes
    ----------
    days : datetime64[D], shape (n,), strictly ascending
    values : float, shape (n,), finite
    payloads : int, shape (n,)
        Key of the stored payload each value was read from; 0 where it was not stored.
    """

    series: str
    publisher: str
    days: Days
    values: Floats
    payloads: PayloadIds

    def aligned(self, sessions: Days) -> tuple[Floats, PayloadIds]:
        """Values and payload keys at each session; NaN and 0 where there is none."""
        values = np.full(len(sessions), np.nan)
        payloads = np.zeros(len(sessions), dtype=np.int64)
        rows = np.searchsorted(sessions, self.days)
        inside = rows < len(sessions)
        inside[inside] = sessions[rows[inside]] == self.days[inside]
        values[rows[inside]] = self.values[inside]
        payloads[rows[inside]] = self.payloads[inside]
        return values, payloads

    def payload_on(self, day: np.datetime64) -> int | None:
        """Key of the payload behind the value of `day`; None where there is no value."""
        row = self._row(day)
        return None if row is None else int(self.payloads[row])

    def value_on(self, day: np.datetime64) -> float | None:
        """The value of `day`; None where there is none."""
        row = self._row(day)
        return None if row is None else float(self.values[row])

    def _row(self, day: np.datetime64) -> int | None:
        row = int(np.searchsorted(self.days, day))
        return row if row < len(self.days) and self.days[row] == day else None


class MarketData(Mapping[tuple[str, str], Observations]):
    """Observations by (series, publisher).

    Parameters
    ----------
    observations : iterable of Observations
        Those of one series and publisher may come in parts, a day in one of them.
    simulated : bool
        Whether they come from the sample market: everything made from them has to say so.
    """

    def __init__(self, observations: Iterable[Observations] = (), *, simulated: bool = False) -> None:
        parts: dict[tuple[str, str], list[Observations]] = {}
        for item in observations:
            parts.setdefault((item.series, item.publisher), []).append(item)
        self._by_key = {key: found[0] if len(found) == 1 else _joined(found) for key, found in parts.items()}
        self.simulated = simulated

    def __getitem__(self, key: tuple[str, str]) -> Observations:
        return self._by_key[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, series: str, publisher: str) -> Observations:
        """The observations of a series from a publisher, empty if there are none."""
        nothing = Observations(series, publisher, np.array([], "datetime64[D]"), np.array([]), np.array([], np.int64))
        return self._by_key.get((series, publisher), nothing)

    def first_after(self, series: str, publishers: Iterable[str], day: dt.date) -> dt.date | None:
        """The first day after `day` on which any of `publishers` has a value of `series`."""
        later = []
        for publisher in publishers:
            days = self.find(series, publisher).days
            position = int(np.searchsorted(days, np.datetime64(day), side="right"))
            if position < len(days):
                later.append(days[position].item())
        return min(later, default=None)

    def without(self, ignored: Collection[IgnoredValue]) -> MarketData:
        """The same without some values."""
        if not ignored:
            return self
        kept = []
        for (series, publisher), found in self.items():
            days = [day for name, who, day in ignored if (name, who) == (series, publisher)]
            rows = ~np.isin(found.days, np.array(days, dtype="datetime64[D]"))
            kept.append(Observations(series, publisher, found.days[rows], found.values[rows], found.payloads[rows]))
        return MarketData(kept, simulated=self.simulated)

    @property
    def starts_cold(self) -> bool:
        """Whether the settlements, or without any the closes, begin after the base session: levels then do so too."""
        first = [found.days[0] for (series, _), found in self.items() if vx_expiry_of(series) and len(found.days)]
        first = first or [days[0] for days in [self.find(SPX, YAHOO).days] if len(days)]
        return bool(first) and min(first) > np.datetime64(BASE_SESSION)


def _joined(parts: list[Observations]) -> Observations:
    """Parts of one series as one, by day."""
    days = np.concatenate([part.days for part in parts])
    order = np.argsort(days, kind="stable")
    values = np.concatenate([part.values for part in parts])
    payloads = np.concatenate([part.payloads for part in parts])
    return Observations(parts[0].series, parts[0].publisher, days[order], values[order], payloads[order])


@dataclass(frozen=True)
class MarketHistory:
    """One aligned view of the market, a row per session from `HISTORY_START`, or from where a cold start begins.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    spx_yahoo, spx_cboe, spxtr, spy_adjusted, vix_cboe, vix_yahoo : float, shape (n,)
        NaN where the publisher has no value.
    dtb3, dff, irx : (days, values)
        Rates on their own days, percent: they have prints on days that are no session.
    panel : SettlementPanel
        VX settlements by slot.
    refused_settlements : mapping of (expiry, day) to str
        Settlements that were published and cannot be right, with the reason; the panel is without them.
    data : MarketData
        What it was aligned from.
    """

    sessions: Days
    spx_yahoo: Floats
    spx_cboe: Floats
    spxtr: Floats
    spy_adjusted: Floats
    vix_cboe: Floats
    vix_yahoo: Floats
    dtb3: tuple[Days, Floats]
    dff: tuple[Days, Floats]
    irx: tuple[Days, Floats]
    panel: SettlementPanel
    refused_settlements: Mapping[tuple[dt.date, dt.date], str]
    data: MarketData


def market_history(data: MarketData, calendar: TradingCalendar, through: dt.date) -> MarketHistory:
    """Align observations to the sessions from `HISTORY_START` to `through`, and look at nothing later.

    Where the data start cold, the sessions begin with the first close of the S&P 500.
    """
    start = HISTORY_START
    if data.starts_cold:
        closes = data.find(SPX, YAHOO).days
        start = max(start, closes[0].item()) if len(closes) else through
    sessions = calendar.sessions_in(start, through)

    def by_session(series: str, publisher: str) -> Floats:
        return data.find(series, publisher).aligned(sessions)[0]

    def by_day(series: str, publisher: str) -> tuple[Days, Floats]:
        found = data.find(series, publisher)
        known = int(np.searchsorted(found.days, np.datetime64(through), side="right"))
        return found.days[:known], found.values[:known]

    settled = settlements({key: (found.days, found.values) for key, found in data.items()}, calendar)
    panel = settlement_panel(settled.by_expiry, sessions, calendar)
    vix_cboe, vix_yahoo = by_session(VIX, CBOE), by_session(VIX, YAHOO)
    refused = settled.refused | _refuse_implausible(panel, np.where(np.isnan(vix_cboe), vix_yahoo, vix_cboe))
    return MarketHistory(
        sessions=sessions,
        spx_yahoo=by_session(SPX, YAHOO),
        spx_cboe=by_session(SPX, CBOE),
        spxtr=by_session(SPXTR, YAHOO),
        spy_adjusted=by_session(SPY_ADJUSTED, YAHOO),
        vix_cboe=vix_cboe,
        vix_yahoo=vix_yahoo,
        dtb3=by_day(DTB3, FRED),
        dff=by_day(DFF, FRED),
        irx=by_day(IRX, YAHOO),
        panel=panel,
        refused_settlements=refused,
        data=data,
    )


def _refuse_implausible(panel: SettlementPanel, vix: Floats) -> dict[tuple[dt.date, dt.date], str]:
    """Take settlements that cannot be right out of a panel, in place; returns them, with the reason."""
    refused = {}
    implausible = implausible_settlements(panel, vix) & (panel.sessions >= np.datetime64(BASE_SESSION))[:, None]
    for row, column in np.argwhere(implausible).tolist():
        expiry, value = panel.expiry(row, column + 1), panel.settle[row, column]
        if column:
            beside = f"beside {panel.settle[row, column - 1]:g} of {contract_code(panel.expiry(row, column))}"
        else:
            beside = f"with the VIX at {vix[row]:.2f}"
        refused[expiry, panel.sessions[row].item()] = f"{value:g} cannot be right {beside}"
    panel.settle[implausible] = np.nan
    return refused
