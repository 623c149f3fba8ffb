"""From market history to the inputs of a decision: which source wins, what may stand in, what is missing.

The list of substitutes is closed. A session has every input, or it has an input from this list and says so, or it has
no signal.

===============  ===============================================================  ========
missing          substitute                                                       severity
===============  ===============================================================  ========
DFF              the last print up to five days old, then ^IRX as a yield         DEGRADED
DTB3             ^IRX, first print of the week                                    DEGRADED
SPXTR            S&P 500 return plus SPY's average dividend return and its fee    DEGRADED
VIX from Cboe    VIX from Yahoo, if half a point either way leaves the trend be   DEGRADED
===============  ===============================================================  ========

The S&P 500 is read from two publishers. Yahoo's is used; where Cboe's differs the session is DEGRADED, where Cboe has
none the report carries a NOTE, and where they contradict each other the session waits until its deadline.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from signals.agreement import spx_contradicted, vix_contradicted
from signals.calendar import Days, TradingCalendar, contract_code
from signals.errors import ConfigurationError, DataNotReady, DataQualityError
from signals.market import MarketHistory
from signals.rates import (
    MISSING,
    RateInForce,
    overnight_rate,
    weekly_tbill_rate,
)
from signals.series import (
    BASE_SESSION,
    CBOE,
    DFF,
    DTB3,
    FRED,
    PUBLISHERS,
    SPX,
    SPY_ADJUSTED,
    VIX,
    VX_PUBLISHERS,
    YAHOO,
    vx_series,
)
from signals.total_return import DIVIDEND_WINDOW, TotalReturn, repaired_total_return, window_sum
from signals.veqtor.indicators import realised_volatility, trend_is_certain
from signals.veqtor.rules import VEQTOR
from signals.vix_futures import (
    SHORT_TERM,
    Floats,
    SettlementPanel,
    carries_weight,
    roll_left,
)

#: How far a Yahoo close of the VIX may be off, in VIX points.
YAHOO_VIX_ERROR = 0.5

#: Closes of the VIX that a trend rests on.
_WARM_UP = VEQTOR.long_average + VEQTOR.trend_sessions - 1


@dataclass(frozen=True)
class Inputs:
    """Everything a decision rests on, resolved, a row per session of the history.

    Attributes
    ----------
    history : MarketHistory
    base : int
        Row of the base session, or of the first one with every input in a cold start; from it on every input is needed.
        The number of rows where no session has them.
    vix : float, shape (n,), VIX points
    vix_from_yahoo : bool, shape (n,)
    equity : TotalReturn
    tbill, overnight : RateInForce
        Both earn from the close of their row to the next.
    usable : int
        Rows before this one have every input, or a permitted substitute.
    settled_through : datetime.date, optional
        The last session whose deadline has passed: up to it closes that contradict each other hold up nothing any more.
    """

    history: MarketHistory
    base: int
    vix: Floats
    vix_from_yahoo: npt.NDArray[np.bool_]
    equity: TotalReturn
    tbill: RateInForce
    overnight: RateInForce
    usable: int
    calendar: TradingCalendar
    settled_through: dt.date | None = None

    @cached_property
    def contradicted(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether a close of the S&P 500, and of the VIX, contradicts another and is still waited for, per session."""
        waited_for = np.ones(len(self.sessions), dtype=bool)
        if self.settled_through is not None:
            waited_for = self.sessions > np.datetime64(self.settled_through)
        return spx_contradicted(self.history) & waited_for, vix_contradicted(self.history) & waited_for

    @property
    def sessions(self) -> Days:
        """Sessions of the history, one per row."""
        return self.history.sessions

    @property
    def last_session(self) -> dt.date:
        """The last session with every input.

        Raises
        ------
        DataNotReady, DataQualityError
            When not even the base session has them.
        """
        self.require_base()
        found: dt.date = self.sessions[self.usable - 1].item()
        return found

    def panel(self, start: int) -> SettlementPanel:
        """Settlements of the usable sessions from the row `start` on."""
        whole, rows = self.history.panel, slice(start, self.usable)
        return SettlementPanel(
            whole.sessions[rows], whole.expiries, whole.front[rows], whole.settle[rows], whole.basis[rows]
        )

    def require_base(self) -> None:
        """Make sure that the first session has every input; raises what `require` raises."""
        self.require(self.sessions[min(self.base, len(self.sessions) - 1)].item())

    def require(self, session: dt.date) -> None:
        """Make sure that every input of `session`, and of every session before it, is there.

        Raises
        ------
        DataNotReady
            When an input is missing and nothing later was published.
        DataQualityError
            When an input is missing although its publisher has gone on: a hole.
        """
        if self.base == len(self.sessions):
            raise self._too_short()
        row = int(np.searchsorted(self.sessions, np.datetime64(session)))
        if row < self.usable:
            return
        gap = self.sessions[self.usable].item()
        missing = _missing_inputs(self, self.usable)
        holes = [
            (label, later, name, publishers)
            for name, publishers, label in missing
            if (later := self.history.data.first_after(name, publishers, gap)) is not None
        ]
        labels = tuple(dict.fromkeys(label for _, _, label in missing))
        if holes:
            label, later, name, publishers = holes[0]
            raise DataQualityError(
                f"{label} on {gap}",
                expected="a value for every session",
                got=f"none, and the next one on {later}: {self._completeness(name, publishers, gap)}",
                do="Load the missing value: nothing is computed across a hole.",
            )
        raise DataNotReady(
            f"session {session}",
            expected="every input, also of the sessions before it" if gap < session else "every input",
            got=f"nothing yet for {gap} of {', '.join(labels)}",
            do="Run again when it is published.",
            missing=labels,
        )

    def _completeness(self, series: str, publishers: tuple[str, ...], gap: dt.date) -> str:
        """The sessions around a hole, against the days that publishers have."""
        row = int(np.searchsorted(self.sessions, np.datetime64(gap)))
        sessions = self.sessions[max(row - 2, 0) : row + 3]
        days = np.unique(np.concatenate([self.history.data.find(series, who).days for who in publishers]))
        there = days[(days >= sessions[0]) & (days <= sessions[-1])]
        missing = ", ".join(map(str, np.setdiff1d(sessions, there)))
        extra = ", ".join(map(str, np.setdiff1d(there, sessions)))
        return f"expected {len(sessions)} rows {sessions[0]} to {sessions[-1]}, missing [{missing}], extra [{extra}]"

    def _too_short(self) -> DataNotReady:
        """The error for a cold start in which no session has every input and enough of them before it."""
        last = len(self.sessions) - 1
        labels = tuple(dict.fromkeys(label for _, _, label in _missing_inputs(self, last)))
        return DataNotReady(
            f"history from {self.sessions[0]} to {self.sessions[last]}",
            expected=f"every input, and {_WARM_UP} sessions of the VIX and {DIVIDEND_WINDOW} of SPY before it",
            got=f"no session with all of them; the last one lacks {', '.join(labels) or 'sessions before it'}",
            do="Load a longer history.",
            missing=labels,
        )

    def require_orders(self, session: dt.date) -> None:
        """Make sure that every contract the index holds from the next close on has a price.

        No decision needs the contract that becomes the second leg on an expiry day; the orders do.

        Raises
        ------
        DataNotReady
            When its settlement is missing.
        """
        row = int(np.searchsorted(self.sessions, np.datetime64(session)))
        following = np.array([self.calendar.next_session(session)], dtype="datetime64[D]")
        panel = self.history.panel
        shift = int(np.searchsorted(panel.expiries, following[0], side="right")) - int(panel.front[row])
        slots = shift + 1 + np.flatnonzero(SHORT_TERM.contracts(roll_left(following, self.calendar))[0])
        missing = tuple(
            f"settlement of {contract_code(panel.expiry(row, slot))}"
            for slot in slots.tolist()
            if np.isnan(panel.settle[row, slot - 1])
        )
        if missing:
            raise DataNotReady(
                f"session {session}",
                expected="a price for every contract of the orders",
                got=f"nothing yet of {', '.join(missing)}",
                do="Run again when it is published.",
                missing=missing,
            )


def resolve(history: MarketHistory, calendar: TradingCalendar, settled_through: dt.date | None = None) -> Inputs:
    """Choose among publishers, fill in permitted substitutes, and find the first session that lacks an input.

    Parameters
    ----------
    settled_through : datetime.date, optional
        The last session whose deadline has passed. Without it every contradiction is waited for.

    Raises
    ------
    ConfigurationError
        When the history ends before the base session.
    """
    sessions = history.sessions
    if not len(sessions) or sessions[-1] < np.datetime64(BASE_SESSION):
        raise ConfigurationError(
            "session",
            expected=f"{BASE_SESSION} or later",
            got=f"a history that ends on {sessions[-1]}" if len(sessions) else "none",
            do="The index has no level before that.",
        )
    from_yahoo = np.isnan(history.vix_cboe) & np.isfinite(history.vix_yahoo)
    # The VIX is published in hundredths; Yahoo's closes have been through single precision.
    vix = np.where(from_yahoo, np.round(history.vix_yahoo, 2), history.vix_cboe)
    inputs = Inputs(
        history=history,
        base=int(np.searchsorted(sessions, np.datetime64(BASE_SESSION))),
        vix=vix,
        vix_from_yahoo=from_yahoo,
        equity=repaired_total_return(
            sessions, history.spxtr, history.spx_yahoo, history.spy_adjusted, cold=history.data.starts_cold
        ),
        tbill=weekly_tbill_rate(sessions, history.dtb3, history.irx),
        overnight=overnight_rate(sessions, history.dff, history.irx),
        usable=len(sessions),
        calendar=calendar,
        settled_through=settled_through,
    )
    decided = np.ones(len(sessions), dtype=bool)
    decided &= ~from_yahoo | _vix_is_good_enough(inputs)
    decided[1:] &= (inputs.tbill.origin[:-1] != MISSING) & (inputs.overnight.origin[:-1] != MISSING)
    decided &= ~_holes(history, calendar).any(axis=1)
    contradicted, vix_apart = inputs.contradicted
    measured = np.isfinite(vix) & np.isfinite(inputs.equity.level) & ~contradicted & ~vix_apart
    measured &= np.isfinite(history.spx_yahoo)
    base = inputs.base
    if history.data.starts_cold:
        base = _cold_base(
            decided & measured & np.isfinite(inputs.equity.change),
            np.where(contradicted, np.nan, history.spx_yahoo),
            np.where((~from_yahoo | _vix_is_good_enough(inputs)) & ~vix_apart, vix, np.nan),
        )
        measured[:base] = True
    # Before the base session nothing is decided, but windows and chains reach back there.
    decided[:base] = True
    complete = decided & measured
    usable = len(sessions) if complete.all() else int(np.argmin(complete))
    return replace(inputs, base=base, usable=usable)


def _cold_base(complete: npt.NDArray[np.bool_], spx: Floats, vix: Floats) -> int:
    """The first row with every input whose predecessor can be decided on; the number of rows if there is none.

    `spx` and `vix` are NaN where they cannot be relied on.
    """
    measurable = np.isfinite(realised_volatility(spx, VEQTOR))
    measurable &= np.isfinite(window_sum(vix, _WARM_UP))
    ready = complete[1:] & measurable[:-1]
    return 1 + int(np.argmax(ready)) if ready.any() else len(complete)


def _vix_is_good_enough(inputs: Inputs) -> npt.NDArray[np.bool_]:
    """Whether the trend at each close is the same wherever the substituted closes really were."""
    known = np.where(np.isfinite(inputs.vix), inputs.vix, 0.0)
    error = np.where(inputs.vix_from_yahoo, YAHOO_VIX_ERROR, 0.0)
    return trend_is_certain(known, error, VEQTOR)


def _holes(history: MarketHistory, calendar: TradingCalendar) -> npt.NDArray[np.bool_]:
    return carries_weight(history.panel, SHORT_TERM, calendar) & ~np.isfinite(history.panel.settle)


def _missing_inputs(inputs: Inputs, row: int) -> list[tuple[str, tuple[str, ...], str]]:
    """Series, publishers that could have it, and name for people, of everything the session in `row` lacks."""
    history = inputs.history
    found: list[tuple[str, tuple[str, ...], str]] = []
    if np.isnan(history.spx_yahoo[row]):
        found.append((SPX, (YAHOO,), "SPX"))
    elif inputs.contradicted[0][row]:
        if np.isnan(history.spx_cboe[row]):
            found.append((SPX, (CBOE,), "SPX from Cboe (Yahoo's return alone is far from that of SPY)"))
        else:
            both = f"Yahoo has {history.spx_yahoo[row]:.2f}, Cboe {history.spx_cboe[row]:.2f}"
            found.append((SPX, (), f"SPX on which its publishers agree ({both})"))
    if np.isnan(inputs.vix[row]):
        found.append((VIX, PUBLISHERS[VIX], "VIX"))
    elif inputs.contradicted[1][row]:
        both = f"Cboe has {history.vix_cboe[row]:.2f}, Yahoo {history.vix_yahoo[row]:.2f}"
        found.append((VIX, (), f"VIX on which its publishers agree ({both})"))
    elif np.isnan(history.vix_cboe[row]):
        found.append((VIX, (CBOE,), "VIX from Cboe (Yahoo's alone could change the trend)"))
    if np.isnan(inputs.equity.level[row]) and np.isfinite(history.spx_yahoo[row]):
        found.append((SPY_ADJUSTED, (YAHOO,), "SPXTR, or SPY to stand in for it"))
    if row < inputs.base:
        return found
    if inputs.tbill.origin[row - 1] == MISSING:
        found.append((DTB3, (FRED,), "DTB3, or IRX to stand in for it"))
    if inputs.overnight.origin[row - 1] == MISSING:
        found.append((DFF, (FRED,), "DFF, or IRX to stand in for it"))
    for slot in 1 + np.flatnonzero(_holes(history, inputs.calendar)[row]):
        expiry = history.panel.expiry(row, int(slot))
        why = history.refused_settlements.get((expiry, history.sessions[row].item()))
        label = f"settlement of {contract_code(expiry)}" + (f" ({why})" if why else "")
        found.append((vx_series(expiry), () if why else VX_PUBLISHERS, label))
    if not found:
        # The close itself is complete; an earlier close substituted by Yahoo's still weighs on the trend.
        found.append((VIX, (CBOE,), "VIX from Cboe"))
    return found
