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
none the report carries a NOTE, and where they contradict each other the session waits.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signals.calendar import Days, TradingCalendar, contract_code
from signals.errors import ConfigurationError, DataNotReady, DataQualityError
from signals.market import MarketHistory
from signals.rates import (
    CARRIED,
    MISSING,
    PRIMARY,
    SUBSTITUTE,
    RateInForce,
    overnight_rate,
    overnight_spread,
    weekly_tbill_rate,
)
from signals.series import (
    CBOE,
    DFF,
    DTB3,
    FRED,
    IRX,
    PUBLISHERS,
    SPX,
    SPXTR,
    SPY_ADJUSTED,
    VIX,
    VX_PUBLISHERS,
    YAHOO,
    vx_series,
)
from signals.total_return import ACCEPTED, REJECTED, TotalReturn, repaired_total_return
from signals.veqtor.indicators import trend_is_certain
from signals.veqtor.rules import VEQTOR
from signals.vix_futures import (
    BASE_SESSION,
    MID_TERM,
    SHORT_TERM,
    SLOTS,
    Floats,
    SettlementPanel,
    carries_weight,
    roll_left,
)

#: How far a Yahoo close of the VIX may be off, in VIX points.
YAHOO_VIX_ERROR = 0.5

#: Closes of the S&P 500 further apart than this disagree, in index points.
SPX_TOLERANCE = 0.02

#: Further apart than this, as a share, one of them is wrong and nothing is decided: a slipped digit, a stale close.
SPX_CONTRADICTION = 0.02

OK, NOTE, DEGRADED = "OK", "NOTE", "DEGRADED"

#: Publisher of a value that was derived here.
STAND_IN = "stand-in"


@dataclass(frozen=True)
class Inputs:
    """Everything a decision rests on, resolved, a row per session of the history.

    Attributes
    ----------
    history : MarketHistory
    base : int
        Row of the base session; from it on every input is needed.
    vix : float, shape (n,), VIX points
    vix_from_yahoo : bool, shape (n,)
    equity : TotalReturn
    tbill, overnight : RateInForce
        Both earn from the close of their row to the next.
    usable : int
        Rows before this one have every input, or a permitted substitute.
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
        self.require(BASE_SESSION)
        found: dt.date = self.sessions[self.usable - 1].item()
        return found

    def panel(self) -> SettlementPanel:
        """Settlements of the usable sessions from the base session on."""
        whole, rows = self.history.panel, slice(self.base, self.usable)
        return SettlementPanel(
            whole.sessions[rows], whole.expiries, whole.front[rows], whole.settle[rows], whole.basis[rows]
        )

    def require(self, session: dt.date) -> None:
        """Make sure that every input of `session`, and of every session before it, is there.

        Raises
        ------
        DataNotReady
            When an input is missing and nothing later was published.
        DataQualityError
            When an input is missing although its publisher has gone on: a hole.
        """
        row = int(np.searchsorted(self.sessions, np.datetime64(session)))
        if row < self.usable:
            return
        gap = self.sessions[self.usable].item()
        missing = _missing_inputs(self, self.usable)
        holes = [
            (label, later)
            for name, publishers, label in missing
            if (later := self.history.data.first_after(name, publishers, gap)) is not None
        ]
        labels = tuple(dict.fromkeys(label for _, _, label in missing))
        if holes:
            label, later = holes[0]
            raise DataQualityError(
                f"{label} on {gap}",
                expected="a value for every session",
                got=f"none, and the next one on {later}",
                do="Load the missing value: nothing is computed across a hole.",
            )
        raise DataNotReady(
            f"session {session}",
            expected="every input, also of the sessions before it" if gap < session else "every input",
            got=f"nothing yet for {gap} of {', '.join(labels)}",
            do="Run again when it is published.",
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


def resolve(history: MarketHistory, calendar: TradingCalendar) -> Inputs:
    """Choose among publishers, fill in permitted substitutes, and find the first session that lacks an input.

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
    vix = np.where(from_yahoo, history.vix_yahoo, history.vix_cboe)
    inputs = Inputs(
        history=history,
        base=int(np.searchsorted(sessions, np.datetime64(BASE_SESSION))),
        vix=vix,
        vix_from_yahoo=from_yahoo,
        equity=repaired_total_return(sessions, history.spxtr, history.spx_yahoo, history.spy_adjusted),
        tbill=weekly_tbill_rate(sessions, history.dtb3, history.irx),
        overnight=overnight_rate(sessions, history.dff, history.irx),
        usable=len(sessions),
        calendar=calendar,
    )
    decided = np.ones(len(sessions), dtype=bool)
    decided &= ~from_yahoo | _vix_is_good_enough(inputs)
    decided[1:] &= (inputs.tbill.origin[:-1] != MISSING) & (inputs.overnight.origin[:-1] != MISSING)
    decided &= ~_holes(history, calendar).any(axis=1)
    # Before the base session nothing is decided, but windows and chains reach back there.
    decided[: inputs.base] = True
    complete = decided & np.isfinite(vix) & np.isfinite(inputs.equity.level) & ~_contradicted(history)
    complete &= np.isfinite(history.spx_yahoo)
    usable = len(sessions) if complete.all() else int(np.argmin(complete))
    return Inputs(**{**vars(inputs), "usable": usable})


def _contradicted(history: MarketHistory) -> npt.NDArray[np.bool_]:
    """Whether the two publishers of the S&P 500 are so far apart that one must be wrong."""
    with np.errstate(invalid="ignore"):
        contradicted: npt.NDArray[np.bool_] = np.abs(history.spx_yahoo / history.spx_cboe - 1.0) > SPX_CONTRADICTION
    return contradicted


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
    elif _contradicted(history)[row]:
        both = f"Yahoo has {history.spx_yahoo[row]:.2f}, Cboe {history.spx_cboe[row]:.2f}"
        found.append((SPX, (), f"SPX on which its publishers agree ({both})"))
    if np.isnan(inputs.vix[row]):
        found.append((VIX, PUBLISHERS[VIX], "VIX"))
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
        found.append((vx_series(expiry), VX_PUBLISHERS, f"settlement of {contract_code(expiry)}"))
    if not found:
        # The close itself is complete; an earlier close substituted by Yahoo's still weighs on the trend.
        found.append((VIX, (CBOE,), "VIX from Cboe"))
    return found


@dataclass(frozen=True)
class InputUsed:
    """One number a report rests on, and where it came from.

    Attributes
    ----------
    series, publisher : str
    label : str
        Name for people.
    day : datetime.date
        The day the value is of.
    value : float
    unit : str
    severity : str
        OK, NOTE or DEGRADED.
    remark : str
        Why it is not OK; empty if it is.
    payload : int or None
        Key of the stored payload; 0 where it was not stored, None where the value was derived.
    """

    series: str
    publisher: str
    label: str
    day: dt.date
    value: float
    unit: str
    severity: str
    remark: str
    payload: int | None


def inputs_used(inputs: Inputs, row: int) -> list[InputUsed]:
    """The inputs of the session in `row`, in the order a report shows them."""
    used = [_spx(inputs, row), _equity(inputs, row), _vix(inputs, row)]
    used += [_settlement(inputs, row, slot) for slot in (1, 2)]
    used += [_overnight(inputs, row - 1), _tbill(inputs, row - 1)]
    used += _mid_term_holes(inputs, row)
    return used


def _input(
    inputs: Inputs,
    series: str,
    publisher: str,
    label: str,
    day: np.datetime64,
    value: float,
    unit: str,
    severity: str = OK,
    remark: str = "",
    read_from: tuple[str, str] | None = None,
) -> InputUsed:
    payload = inputs.history.data.find(*(read_from or (series, publisher))).payload_on(day)
    return InputUsed(series, publisher, label, _date(day), value, unit, severity, remark, payload)


def _date(day: np.datetime64) -> dt.date:
    return dt.date.fromisoformat(str(day))


def _spx(inputs: Inputs, row: int) -> InputUsed:
    history, day = inputs.history, inputs.sessions[row]
    value, other = float(history.spx_yahoo[row]), float(history.spx_cboe[row])
    severity, remark = OK, ""
    if np.isnan(other):
        severity, remark = NOTE, "Cboe has no close to compare it with"
    elif abs(value - other) > SPX_TOLERANCE:
        severity, remark = DEGRADED, f"Cboe has {other:.2f}, {value - other:+.2f} points apart"
    return _input(inputs, SPX, YAHOO, "S&P 500", day, value, "points", severity, remark)


def _equity(inputs: Inputs, row: int) -> InputUsed:
    day, origin = inputs.sessions[row], inputs.equity.origin[row]
    value = float(inputs.equity.level[row])
    if origin == ACCEPTED:
        return _input(inputs, SPXTR, YAHOO, "S&P 500 TR", day, value, "points")
    why = (
        "has no print" if origin != REJECTED else f"printed {inputs.history.spxtr[row]:.2f}, which no dividend explains"
    )
    remark = f"^SP500TR {why}: S&P 500 return plus SPY's average dividend return over 252 sessions and its fee"
    spy = (SPY_ADJUSTED, YAHOO)
    return _input(inputs, SPXTR, STAND_IN, "S&P 500 TR", day, value, "points", DEGRADED, remark, read_from=spy)


def _vix(inputs: Inputs, row: int) -> InputUsed:
    day, value = inputs.sessions[row], float(inputs.vix[row])
    if not inputs.vix_from_yahoo[row]:
        return _input(inputs, VIX, CBOE, "VIX", day, value, "points")
    remark = f"Cboe has none; {YAHOO_VIX_ERROR} point either way does not change the trend"
    return _input(inputs, VIX, YAHOO, "VIX", day, value, "points", DEGRADED, remark)


def _settlement(inputs: Inputs, row: int, slot: int) -> InputUsed:
    panel, day = inputs.history.panel, inputs.sessions[row]
    expiry = panel.expiry(row, slot)
    series, label = vx_series(expiry), f"{contract_code(expiry)} (VX{slot})"
    value = float(panel.settle[row, slot - 1])
    if panel.basis[row, slot - 1]:
        remark = "not listed yet: interpolated between its neighbours as the index methodology says"
        return _input(inputs, series, STAND_IN, label, day, value, "points", NOTE, remark)
    data = inputs.history.data
    publisher = next((who for who in VX_PUBLISHERS if data.find(series, who).payload_on(day) is not None), CBOE)
    return _input(inputs, series, publisher, label, day, value, "points")


def _overnight(inputs: Inputs, row: int) -> InputUsed:
    found, label = inputs.overnight, "overnight rate"
    day, value = found.observed_on[row], float(found.rate[row]) * 100.0
    spread = overnight_spread(inputs.sessions[row : row + 1])[0]
    over = f"; {spread * 1e4:.0f} bp assumed over fed funds" if spread else ""
    if found.origin[row] == PRIMARY:
        return _input(inputs, DFF, FRED, label, day, value, "% a year", OK, over.removeprefix("; "))
    if found.origin[row] == CARRIED:
        remark = f"no DFF print for {inputs.sessions[row]}: the last one stands in{over}"
        return _input(inputs, DFF, FRED, label, day, value, "% a year", DEGRADED, remark)
    remark = f"no DFF print within five days: ^IRX as a money-market yield stands in{over}"
    return _input(inputs, IRX, YAHOO, label, day, value, "% a year", DEGRADED, remark)


def _tbill(inputs: Inputs, row: int) -> InputUsed:
    found, label = inputs.tbill, "T-bill rate"
    day, value = found.observed_on[row], float(found.rate[row]) * 100.0
    if found.origin[row] != SUBSTITUTE:
        return _input(inputs, DTB3, FRED, label, day, value, "% discount")
    remark = "no DTB3 print this week: ^IRX stands in"
    return _input(inputs, IRX, YAHOO, label, day, value, "% discount", DEGRADED, remark)


def _mid_term_holes(inputs: Inputs, row: int) -> list[InputUsed]:
    """Contracts up to the last slot of the mid-term index without a settlement: no VEQTOR decision needs them."""
    panel, day = inputs.history.panel, inputs.sessions[row]
    return [
        _input(
            inputs,
            vx_series(panel.expiry(row, slot)),
            CBOE,
            f"{contract_code(panel.expiry(row, slot))} (VX{slot})",
            day,
            float("nan"),
            "points",
            NOTE,
            "no settlement; no decision needs it",
        )
        for slot in range(SHORT_TERM.last_slot + 1, min(MID_TERM.last_slot, SLOTS) + 1)
        if np.isnan(panel.settle[row, slot - 1])
    ]
