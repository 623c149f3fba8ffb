"""The verdict on the data of a session: usable, usable with a substitute or a disagreement, or not usable.

========  ============================================================================================
OK        every input is there and its publishers agree
DEGRADED  a permitted substitute stands in, or publishers disagree within what is permitted
BLOCKED   an input is missing, or what was published cannot be right: there is no signal
========  ============================================================================================

A NOTE, about what no decision rests on, leaves a session OK and is listed all the same.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from signals.errors import DataNotReady, DataQualityError
from signals.inputs import Inputs
from signals.provenance import DEGRADED, OK, inputs_used
from signals.series import CBOE, SPX, VIX, YAHOO

BLOCKED = "BLOCKED"


@dataclass(frozen=True)
class Verdict:
    """What the data of a session are worth, and every reason, a sentence each."""

    session: dt.date
    verdict: str
    findings: tuple[str, ...]


def require_agreement(inputs: Inputs, session: dt.date) -> None:
    """Make sure that publishers agree on the closes of a session.

    A disagreement does not forbid a signal. But of two closes one is wrong, and as long as a later attempt is still in
    time, waiting for its publisher to mend it is better than choosing.

    Raises
    ------
    DataNotReady
        Naming what they disagree on, and what each has.
    """
    row = int(np.searchsorted(inputs.sessions, np.datetime64(session)))
    disputed = tuple(
        item.label
        for item in inputs_used(inputs, row)
        if item.severity == DEGRADED and (item.series, item.publisher) in ((SPX, YAHOO), (VIX, CBOE))
    )
    if disputed:
        history = inputs.history
        both = {
            "S&P 500": f"Yahoo has {history.spx_yahoo[row]:.2f}, Cboe {history.spx_cboe[row]:.2f}",
            "VIX": f"Cboe has {history.vix_cboe[row]:.2f}, Yahoo {history.vix_yahoo[row]:.2f}",
        }
        raise DataNotReady(
            f"session {session}",
            expected=f"publishers that agree on {' and '.join(disputed)}, or no time left to wait for it",
            got="; ".join(f"{label}: {both[label]}" for label in disputed),
            do="Run again when one of them has mended it.",
            missing=tuple(f"{label} on which its publishers agree" for label in disputed),
        )


def verdict_on(inputs: Inputs, session: dt.date) -> Verdict:
    """The verdict on a session of the history."""
    try:
        inputs.require(session)
        inputs.require_orders(session)
    except (DataNotReady, DataQualityError) as error:
        return Verdict(session, BLOCKED, (str(error),))
    row = int(np.searchsorted(inputs.sessions, np.datetime64(session)))
    used = [item for item in inputs_used(inputs, row) if item.severity != OK]
    verdict = DEGRADED if any(item.severity == DEGRADED for item in used) else OK
    return Verdict(session, verdict, tuple(f"{item.severity}: {item.label}: {item.remark}." for item in used))
