"""What is read from FRED: interest rates, through the addresses behind the download button of its graphs."""

from __future__ import annotations

import datetime as dt

from tasks.sources.formats import FRED_SERIES
from tasks.sources.http import PublicFile

_SERIES = ("DTB3", "DFF")


def series_files(base_url: str, first: dt.date) -> list[PublicFile]:
    """Each series from a day on (`cosd`); whole, one reaches back to 1954."""
    return [PublicFile(FRED_SERIES, name, f"{base_url}/graph/fredgraph.csv?id={name}&cosd={first}") for name in _SERIES]
