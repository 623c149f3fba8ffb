"""What is read from Cboe: index histories, VX contracts, settlements by trade date, option chains."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

import numpy as np

from signals.calendar import MONTH_CODES, TradingCalendar
from signals.vix_futures import MID_TERM, SLOTS
from tasks.sources.formats import (
    CBOE_INDEX,
    CBOE_OPTION_CHAIN,
    CBOE_VX_ARCHIVE,
    CBOE_VX_CONTRACT,
    CBOE_VX_SHEET,
)
from tasks.sources.http import Ending, PublicFile

#: Contracts that expire from here on have a file of their own.
FIRST_CONTRACT = dt.date(2013, 1, 16)
#: Contracts that expire up to here are in the archive.
LAST_ARCHIVED = dt.date(2013, 12, 31)

#: The months since May 2004 for which no contract was ever listed; nor was any before.
_NEVER_LISTED = ((2004, 12), (2005, 4), (2005, 7), (2005, 9))
_FIRST_LISTED = (2004, 5)

_INDEX_PATH = "/api/global/us_indices/daily_prices/{name}_History.csv"
_CONTRACT_PATH = "/data/us/futures/market_statistics/historical_data/VX/VX_{expiry}.csv"
_ARCHIVE_PATH = "/resources/futures/archive/volume-and-price/{name}.csv"
_SHEET_PATH = "/us/futures/market_statistics/settlement/csv/?dt={day}"
_CHAIN_PATH = "/api/global/delayed_quotes/options/_{name}.json"


def index_files(base_url: str, names: Iterable[str] = ("VIX", "SPX")) -> list[PublicFile]:
    """The whole histories of indices, of those that `tasks.sources.formats` knows."""
    return [PublicFile(CBOE_INDEX, name, base_url + _INDEX_PATH.format(name=name)) for name in names]


def contract_files(base_url: str, calendar: TradingCalendar, first: dt.date, last: dt.date) -> list[PublicFile]:
    """The monthly VX contracts that were in a slot at any close from session `first` to session `last`.

    Of those that expire from `FIRST_CONTRACT` on; `archive_files` has the others. Every slot that an index holds has
    to be there at `last`; the months behind may not be listed yet.
    """
    held_until = calendar.vx_expiries[_front(calendar, last) + MID_TERM.last_slot - 1].item()
    return [
        PublicFile(
            CBOE_VX_CONTRACT,
            f"VX_{expiry}",
            base_url + _CONTRACT_PATH.format(expiry=expiry),
            may_be_absent=expiry > held_until,
        )
        for expiry in _in_a_slot(calendar, first, last)
        if expiry >= FIRST_CONTRACT
    ]


def archive_files(base_url: str, calendar: TradingCalendar, first: dt.date, last: dt.date) -> list[PublicFile]:
    """The same of those that expire up to `LAST_ARCHIVED`.

    Contracts of 2013 are in both places: what one lacks of their settlements the other has.
    """
    found = []
    for expiry in _in_a_slot(calendar, first, last):
        if expiry > LAST_ARCHIVED:
            break
        month = (expiry.year, expiry.month)
        name = f"CFE_{MONTH_CODES[expiry.month - 1]}{expiry:%y}_VX"
        never_listed = month < _FIRST_LISTED or month in _NEVER_LISTED
        found.append(
            PublicFile(CBOE_VX_ARCHIVE, name, base_url + _ARCHIVE_PATH.format(name=name), may_be_absent=never_listed)
        )
    return found


def settlement_files(base_web_url: str, sessions: Iterable[dt.date]) -> list[PublicFile]:
    """The settlements of every VX contract, one file per trade date: there the same evening, but for recent dates only.

    Parameters
    ----------
    base_web_url : str
        Not the address of the other files: that of the publisher's pages.
    sessions : iterable of datetime.date
    """
    return [PublicFile(CBOE_VX_SHEET, f"{day}", base_web_url + _SHEET_PATH.format(day=day)) for day in sessions]


def chain_files(base_url: str, names: Iterable[str]) -> list[PublicFile]:
    """The option chains on indices, ``VIX`` or ``SPX``, as they are quoted now, 15 minutes delayed."""
    return [
        PublicFile(CBOE_OPTION_CHAIN, name, base_url + _CHAIN_PATH.format(name=name), ending=Ending.JSON)
        for name in names
    ]


def _in_a_slot(calendar: TradingCalendar, first: dt.date, last: dt.date) -> Iterator[dt.date]:
    yield from calendar.vx_expiries[_front(calendar, first) : _front(calendar, last) + SLOTS].tolist()


def _front(calendar: TradingCalendar, day: dt.date) -> int:
    """Index of the first expiry strictly after a day."""
    return int(np.searchsorted(calendar.vx_expiries, np.datetime64(day), side="right"))
