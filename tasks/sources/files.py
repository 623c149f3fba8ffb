"""Source ``files``: a directory of recorded public files, in the shape and under the names of the live sources.

::

    cboe/futures/VX/VX_<expiry>.csv           settlements of one contract, expiring from 2013 on
    cboe/futures/archive/CFE_<M><YY>_VX.csv   the same before; contracts of 2013 are in both
    cboe/futures/settlement/<yyyy-mm-dd>.csv  settlements of all contracts on one day
    cboe/index/<NAME>_History.csv             VIX and SPX; VIX3M, VIX6M, VIX9D, VVIX, SKEW, not needed by VEQTOR
    yahoo/GSPC.csv, SP500TR.csv, SPY.csv, VIX.csv, IRX.csv
    fred/DTB3.csv, DFF.csv

What only the hedge, or only a reader, has a use for::

    yahoo/XLB.csv ... XLY.csv, VNQ.csv        the Select Sector SPDR funds, and a fund of real estate
    fred/RBUSBIS.csv, GDPC1.csv
    breadth/nyse_advance_decline.csv
    macro/equity_pe.csv
    calendar/fomc_dates.csv, cpi_release_dates.csv, ppi_release_dates.csv
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

from signals.errors import ConfigurationError
from signals.series import REIT_FUND, SECTOR_FUNDS
from tasks.sources.formats import (
    CBOE_INDEX,
    CBOE_VX_ARCHIVE,
    CBOE_VX_CONTRACT,
    CBOE_VX_SHEET,
    EVENT_DATES,
    FRED_SERIES,
    OWN_SERIES,
    YAHOO_HISTORY,
)
from tasks.sources.fred import NEEDED, SHOWN
from tasks.sources.payload import Fetched, Payload

_INDICES = ("VIX", "SPX", "VIX3M", "VIX6M", "VIX9D", "VVIX", "SKEW")
_SCHEDULES = ("fomc_dates", "cpi_release_dates", "ppi_release_dates")
_SINGLE_FILES = (
    (YAHOO_HISTORY, "GSPC", "yahoo/GSPC.csv"),
    (YAHOO_HISTORY, "SP500TR", "yahoo/SP500TR.csv"),
    (YAHOO_HISTORY, "SPY", "yahoo/SPY.csv"),
    (YAHOO_HISTORY, "VIX", "yahoo/VIX.csv"),
    (YAHOO_HISTORY, "IRX", "yahoo/IRX.csv"),
    *((CBOE_INDEX, name, f"cboe/index/{name}_History.csv") for name in _INDICES),
    *((FRED_SERIES, name, f"fred/{name}.csv") for name in (*NEEDED, *SHOWN)),
    *((EVENT_DATES, name, f"calendar/{name}.csv") for name in _SCHEDULES),
    *((YAHOO_HISTORY, fund, f"yahoo/{fund}.csv") for fund in (*SECTOR_FUNDS, REIT_FUND)),
    (OWN_SERIES, "nyse_advance_decline", "breadth/nyse_advance_decline.csv"),
    (OWN_SERIES, "equity_pe", "macro/equity_pe.csv"),
)
_CONTRACT_FILES = (
    (CBOE_VX_CONTRACT, "cboe/futures/VX", "VX_*.csv"),
    (CBOE_VX_ARCHIVE, "cboe/futures/archive", "CFE_*_VX.csv"),
    (CBOE_VX_SHEET, "cboe/futures/settlement", "????-??-??.csv"),
)


class FilesSource:
    """Read a directory of recorded files.

    Parameters
    ----------
    directory : Path
    now : callable
        The clock: when a file is read.

    Raises
    ------
    ConfigurationError
        When `directory` does not exist, or holds none of the files.
    """

    name = "files"
    simulated = False
    heals = False

    def __init__(self, directory: Path, now: Callable[[], dt.datetime]) -> None:
        if not directory.is_dir():
            raise ConfigurationError(
                f"data directory {directory}",
                expected="a directory of recorded files",
                got="a file" if directory.exists() else "nothing there",
                do="Name it with --data-dir; docs/data-notes.md says what belongs into it.",
            )
        self._directory = directory
        self._now = now

        if not self._holds_anything():
            raise ConfigurationError(
                f"data directory {directory}",
                expected="at least one of the files that docs/data-notes.md lists, such as yahoo/GSPC.csv",
                got="none of them",
                do="Name another with --data-dir.",
            )

    def _holds_anything(self) -> bool:
        if any((self._directory / relative).exists() for _, _, relative in _SINGLE_FILES):
            return True
        return any(next((self._directory / folder).glob(pattern), None) for _, folder, pattern in _CONTRACT_FILES)

    def fetch(self) -> Fetched:
        """Every file that is there. An absent one leaves its series without values, which is the reader's concern."""
        return Fetched(tuple(self._files()))

    def _files(self) -> Iterator[Payload]:
        for format_name, subject, relative in _SINGLE_FILES:
            path = self._directory / relative
            if path.exists():
                yield self._read(format_name, subject, path)
        for format_name, folder, pattern in _CONTRACT_FILES:
            for path in sorted((self._directory / folder).glob(pattern)):
                yield self._read(format_name, path.stem, path)

    def _read(self, format_name: str, subject: str, path: Path) -> Payload:
        try:
            body = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"file {path}", expected="a readable file", got=str(error.strerror), do="Check its permissions."
            ) from error
        return Payload(format_name, subject, path.as_posix(), body, self._now(), assumed_availability=True)
