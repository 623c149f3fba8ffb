"""The market of the recorded data, or the sample market where they are not, and the product's own levels of it."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np

from benchmarks.peers.market import WARM_UP, Floats, Market
from signals.calendar import trading_calendar
from signals.inputs import resolve
from signals.market import market_history
from signals.veqtor.signal import VeqtorSignals, veqtor_signals
from tasks.ingest import read_source
from tasks.sources.files import FilesSource
from tasks.sources.sample import SampleSource

#: The last session for which the recorded data have everything.
LAST = dt.date(2026, 7, 29)

ROOT = Path(__file__).parents[2]


def signals() -> VeqtorSignals:
    """The signals of the recorded history, or of the sample market, which says of itself that it is simulated."""
    calendar = trading_calendar()
    directory = Path(os.environ.get("TAILGUARD_TEST_DATA", ROOT.parent / "shared" / "data"))

    def now() -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    if (directory / "cboe").is_dir():
        data = read_source(FilesSource(directory, now))[0]
    else:
        data = read_source(SampleSource(calendar, LAST, now))[0]
    return veqtor_signals(resolve(market_history(data, calendar, LAST), calendar))


def market_of(found: VeqtorSignals) -> Market:
    """What the engines are given, from the inputs of the signals."""
    base, inputs = found.veqtor.base, found.inputs
    rows = slice(base - WARM_UP, inputs.usable)

    def levels(changes: Floats) -> Floats:
        return 100.0 * np.cumprod(np.concatenate([np.ones(WARM_UP + 1), 1.0 + changes]))

    return Market(
        sessions=inputs.sessions[rows],
        spx=inputs.history.spx_yahoo[rows],
        vix=np.rint(inputs.vix[rows] * 100.0),
        equity=levels(inputs.equity.change[base + 1 : inputs.usable]),
        volatility=levels(found.short_term.total_return_change[1:]),
        cash=levels(found.veqtor.accrual[base + 1 :]),
    )
