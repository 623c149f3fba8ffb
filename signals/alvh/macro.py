"""The macro panel: what a reader may want to know of the economy. Context only: nothing is decided on it.

==================  =============================================================  ==================================
reading             definition                                                     usable
==================  =============================================================  ==================================
``gdp_growth``      real GDP of the United States over that of four quarters ago   30 days after the end of a quarter
``reit_strength``   total return of VNQ against that of SPY, over 63 sessions      at once
``equity_pe``       price of equities over their earnings, from a file             at once
==================  =============================================================  ==================================

Each is unavailable, and says why, where it has no source or nothing new enough.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from signals.alvh.hedge_inputs import by_session, spy_return
from signals.alvh.measures import percentile_rank
from signals.alvh.report import Reading
from signals.calendar import Days
from signals.series import EQUITY_PE, FRED, GDPC1, OWN_FILE, REIT_FUND, YAHOO, fund_return, last_day_of
from signals.total_return import window_sum
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats

#: A quarter's first estimate is out in the last days of the month after it.
GDP_LAG_DAYS = 30
_QUARTERS_A_YEAR, _MONTHS_A_QUARTER = 4, 3

REIT_SESSIONS = 63
#: Sessions among which the relative strength is ranked.
_RANKED = 252

#: Days after which a value is too old: a quarter and a month.
MAX_AGE_DAYS = 123

_LATEST_VINTAGE = "latest vintage: revised since it was first published"


@dataclass(frozen=True)
class _Line:
    """One reading at every session: value, NaN where there is none, the last day behind it, and what is said of it.

    `never` says why there is no value where there was none so far, `otherwise` where there was.
    """

    name: str
    label: str
    unit: str
    source: str
    value: Floats
    percentile: Floats
    observed_on: Days
    remark: str
    never: str
    otherwise: str = "nothing new enough"


@dataclass(frozen=True)
class MacroPanel:
    """The panel at every usable session.

    Attributes
    ----------
    sessions : datetime64[D], shape (n,)
    """

    sessions: Days
    _lines: tuple[_Line, ...]

    def readings(self, row: int) -> tuple[Reading, ...]:
        """The panel at the session in `row`; `previous` is the value of the session before."""
        return tuple(_reading(line, row) for line in self._lines)


def macro_panel(signals: VeqtorSignals) -> MacroPanel:
    """The panel of every usable session. No row depends on a later one, the vintage of GDP excepted."""
    sessions = signals.inputs.sessions[: signals.inputs.usable]
    return MacroPanel(sessions, (_growth(signals, sessions), _reit_strength(signals, sessions), _pe(signals, sessions)))


def _growth(signals: VeqtorSignals, sessions: Days) -> _Line:
    found = signals.inputs.history.data.find(GDPC1, FRED)
    days: list[dt.date] = found.days.tolist()
    levels = {(day.year, day.month): level for day, level in zip(days, found.values.tolist(), strict=True)}
    ends, usable_on, values = [], [], []
    for day in days:
        level, before = levels[day.year, day.month], levels.get((day.year - 1, day.month))
        end = last_day_of(day, _MONTHS_A_QUARTER)
        ends.append(end)
        usable_on.append(end + dt.timedelta(days=GDP_LAG_DAYS))
        values.append(np.nan if before is None else level / before - 1.0)
    value, observed_on = _in_force(sessions, usable_on, ends, values)
    return _Line(
        name="gdp_growth",
        label=f"real GDP over {_QUARTERS_A_YEAR} quarters",
        unit="",
        source="FRED GDPC1",
        value=value,
        percentile=np.full(len(sessions), np.nan),
        observed_on=observed_on,
        remark=_LATEST_VINTAGE,
        never="no GDP so far from FRED",
        otherwise="no quarter that is new enough and has one a year before",
    )


def _reit_strength(signals: VeqtorSignals, sessions: Days) -> _Line:
    reit = by_session(signals, fund_return(REIT_FUND), YAHOO)
    apart = np.log1p(reit) - np.log1p(spy_return(signals))
    value = np.expm1(window_sum(apart, REIT_SESSIONS))
    row = np.maximum.accumulate(np.where(np.isfinite(apart), np.arange(len(apart)), -1))
    return _Line(
        name="reit_strength",
        label=f"VNQ against SPY over {REIT_SESSIONS} sessions, total return",
        unit="",
        source="Yahoo",
        value=value,
        percentile=percentile_rank(value, _RANKED),
        observed_on=np.where(row >= 0, sessions[row], np.datetime64("NaT")),
        remark="",
        never="no prices of VNQ so far from Yahoo",
        otherwise=f"a return of VNQ or SPY is missing in the last {REIT_SESSIONS} sessions",
    )


def _pe(signals: VeqtorSignals, sessions: Days) -> _Line:
    found = signals.inputs.history.data.find(EQUITY_PE, OWN_FILE)
    days: list[dt.date] = found.days.tolist()
    value, observed_on = _in_force(sessions, days, days, found.values.tolist())
    return _Line(
        name="equity_pe",
        label="equity price over earnings",
        unit="",
        source="macro/equity_pe.csv",
        value=value,
        percentile=np.full(len(sessions), np.nan),
        observed_on=observed_on,
        remark="",
        never="no source configured",
    )


def _in_force(
    sessions: Days, usable_on: list[dt.date], observed: list[dt.date], values: list[float]
) -> tuple[Floats, Days]:
    """The newest value that is usable at each session, NaN where it is too old; and the day it is of, also then."""
    row = np.searchsorted(np.array(usable_on, dtype="datetime64[D]"), sessions, side="right") - 1
    there = row >= 0
    value, observed_on = np.full(len(sessions), np.nan), np.full(len(sessions), np.datetime64("NaT", "D"))
    observed_on[there] = np.array(observed, dtype="datetime64[D]")[row[there]]
    age = sessions[there] - np.array(usable_on, dtype="datetime64[D]")[row[there]]
    new_enough = age.astype(np.int64) <= MAX_AGE_DAYS
    value[there] = np.where(new_enough, np.array(values)[row[there]], np.nan)
    return value, observed_on


def _reading(line: _Line, row: int) -> Reading:
    def number(values: Floats, at: int) -> float | None:
        return float(values[at]) if at >= 0 and np.isfinite(values[at]) else None

    value, day = number(line.value, row), line.observed_on[row]
    absent = line.never if np.isnat(day) else line.otherwise
    return Reading(
        name=line.name,
        label=line.label,
        unit=line.unit,
        value=value,
        previous=number(line.value, row - 1),
        percentile=number(line.percentile, row),
        threshold=None,
        distance=None,
        state="unavailable" if value is None else "shown",
        source=line.source,
        observed_on=None if np.isnat(day) else day.item(),
        remark=absent if value is None else line.remark,
    )
