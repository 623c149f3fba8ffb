"""What the indicators are measured from, and what they come to: one row per session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from signals.alvh.measures import CERTAIN_AFTER, OFF, ON, UNAVAILABLE, Flags, States
from signals.alvh.report import Reading
from signals.calendar import Days, TradingCalendar
from signals.events import KINDS, event_days
from signals.market import MarketData
from signals.vix_futures import Floats, Integers, SettlementPanel

#: More states than on, off and unavailable: of the event calendar, of measures that are only shown, and of carry.
UNKNOWN, SHOWN, CHEAP, FAIR, DEAR = -2, 2, 3, 4, 5

STATE_NAMES = {
    ON: "on", OFF: "off", UNAVAILABLE: "unavailable", UNKNOWN: "unknown", SHOWN: "shown",
    CHEAP: "cheap", FAIR: "fair", DEAR: "dear",
}  # fmt: skip


@dataclass(frozen=True)
class Schedule:
    """Known days of one kind of announcement, ascending, and how many days lie at most between two of them."""

    kind: str
    days: Days
    apart: int


def schedules(data: MarketData) -> tuple[Schedule, ...]:
    """The event calendar as the store knows it."""
    return tuple(
        Schedule(kind, np.array(event_days(data, series, publisher), dtype="datetime64[D]"), apart)
        for series, publisher, kind, apart in KINDS
    )


@dataclass(frozen=True)
class IndicatorInputs:
    """What the indicators are measured from, a row per session from one fixed start; NaN where missing.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    vix, vix3m, vvix, spx : float, shape (n,), points
        Closes.
    panel : SettlementPanel
        VX settlements of the same sessions.
    equity_return : float, shape (n,), decimal
        S&P 500 total return of each day.
    short_term_return : float, shape (n,), decimal
        Excess return of the S&P 500 VIX Short-Term Futures index of each day.
    tbill : float, shape (n,), decimal
        91-day bill discount rate in force at each close; it earns to the next one.
    spy_return : float, shape (n,), decimal
    spy_dollar_volume : float, shape (n,), USD
    advance_decline : float, shape (n,)
        Advancing less declining issues of each day, as the exchange counts them.
    basket : float, shape (n,)
        Rising less falling sector funds of each day, which stand in where the exchange's counts give no value.
    basket_size : int, shape (n,)
        How many funds have a return on each day.
    reer : (days, values)
        Real broad effective exchange rate of the dollar: first day of each reference month, index, latest vintage.
    schedules : tuple of Schedule
    calendar : TradingCalendar
    """

    sessions: Days
    vix: Floats
    vix3m: Floats
    vvix: Floats
    spx: Floats
    panel: SettlementPanel
    equity_return: Floats
    short_term_return: Floats
    tbill: Floats
    spy_return: Floats
    spy_dollar_volume: Floats
    advance_decline: Floats
    basket: Floats
    basket_size: Integers
    reer: tuple[Days, Floats]
    schedules: tuple[Schedule, ...]
    calendar: TradingCalendar


@dataclass(frozen=True)
class Indicator:
    """One indicator at every session.

    Attributes
    ----------
    name, label, unit, source : str
    value : float, shape (n,)
    percentile : float, shape (n,)
        Rank of the value in its year, 0 to 100.
    state : int8, shape (n,)
        A key of `STATE_NAMES`.
    threshold : float, shape (n,)
        Where the state changes next; NaN where it does not change.
    distance : float, shape (n,)
        What the value has to move by to get there.
    observed_on : datetime64[D], shape (n,)
        Day of the newest input at each session, also of one that is too old to be used; NaT before the first.
    substitute : bool, shape (n,)
        Whether a stand-in was used, which `substitute_label` names.
    substitute_size : int, shape (n,), optional
        How many of something the stand-in is made from: the ``{}`` of its label.
    cold : bool, shape (n,), optional
        Whether the value depends, beyond 1e-9, on where the history begins.
    previous : float, shape (n,), optional
        Value of the session before, where that is not the one of the row before.
    """

    name: str
    label: str
    unit: str
    source: str
    value: Floats
    percentile: Floats
    state: States
    threshold: Floats
    distance: Floats
    observed_on: Days
    substitute: Flags
    substitute_label: str = ""
    substitute_size: Integers | None = None
    cold: Flags | None = None
    previous: Floats | None = None


@dataclass(frozen=True)
class IndicatorTable:
    """Every indicator at every session."""

    sessions: Days
    by_name: Mapping[str, Indicator]

    def __getitem__(self, name: str) -> Indicator:
        return self.by_name[name]

    def readings(self, row: int) -> tuple[Reading, ...]:
        """The indicators at the session in `row`, in the order reports show them."""
        return tuple(_reading(found, row) for found in self.by_name.values())


def _reading(found: Indicator, row: int) -> Reading:
    def number(values: Floats, at: int) -> float | None:
        return float(values[at]) if at >= 0 and np.isfinite(values[at]) else None

    day = found.observed_on[row]
    remarks = []
    if found.substitute[row]:
        size = None if found.substitute_size is None else int(found.substitute_size[row])
        remarks.append(found.substitute_label.format(size))
    if found.cold is not None and found.cold[row]:
        remarks.append(f"starts cold: within 1e-9 from {CERTAIN_AFTER} values on")
    return Reading(
        name=found.name,
        label=found.label,
        unit=found.unit,
        value=number(found.value, row),
        previous=number(found.value, row - 1) if found.previous is None else number(found.previous, row),
        percentile=number(found.percentile, row),
        threshold=number(found.threshold, row),
        distance=number(found.distance, row),
        state=STATE_NAMES[int(found.state[row])],
        source=found.source,
        observed_on=None if np.isnat(day) else day.item(),
        remark="; ".join(remarks),
    )
