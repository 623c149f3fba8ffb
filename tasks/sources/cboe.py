"""What is read from Cboe's file server: index histories, and one file per VX contract with its whole life."""

from __future__ import annotations

import datetime as dt

import numpy as np

from signals.calendar import TradingCalendar
from signals.vix_futures import MID_TERM, SLOTS
from tasks.sources.formats import CBOE_INDEX, CBOE_VX_CONTRACT
from tasks.sources.http import PublicFile

#: Before, the files of contracts have no settlements.
FIRST_SETTLEMENTS = dt.date(2013, 5, 20)

_INDICES = ("VIX", "SPX")
_INDEX_PATH = "/api/global/us_indices/daily_prices/{name}_History.csv"
_CONTRACT_PATH = "/data/us/futures/market_statistics/historical_data/VX/VX_{expiry}.csv"


def index_files(base_url: str) -> list[PublicFile]:
    """The whole histories of the indices."""
    return [PublicFile(CBOE_INDEX, name, base_url + _INDEX_PATH.format(name=name)) for name in _INDICES]


def contract_files(base_url: str, calendar: TradingCalendar, first: dt.date, last: dt.date) -> list[PublicFile]:
    """The monthly VX contracts that were in a slot at any close from session `first` to session `last`.

    Every slot that an index holds has to be there at `last`; the months behind may not be listed yet.
    """
    expiries = calendar.vx_expiries
    front, front_at_last = np.searchsorted(expiries, np.array([first, last], dtype="datetime64[D]"), side="right")
    held_until = expiries[front_at_last + MID_TERM.last_slot - 1]
    return [
        PublicFile(
            CBOE_VX_CONTRACT,
            f"VX_{expiry}",
            base_url + _CONTRACT_PATH.format(expiry=expiry),
            may_be_absent=bool(expiry > held_until),
        )
        for expiry in expiries[front : front_at_last + SLOTS]
    ]
