"""What is read from FRED: rates, the dollar and growth.

Through the addresses behind the download button of its graphs, or through its API.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from tasks.sources.formats import FRED_OBSERVATIONS, FRED_SERIES
from tasks.sources.http import Ending, PublicFile

#: What a decision of VEQTOR rests on, and what none does.
NEEDED = ("DTB3", "DFF")
SHOWN = ("RBUSBIS", "GDPC1")


def series_files(base_url: str, first: dt.date, names: Iterable[str] = NEEDED) -> list[PublicFile]:
    """Each series from a day on (`cosd`); whole, one reaches back to 1954."""
    return [PublicFile(FRED_SERIES, name, f"{base_url}/graph/fredgraph.csv?id={name}&cosd={first}") for name in names]


def api_files(api_url: str, key: str, first: dt.date, names: Iterable[str] = NEEDED) -> list[PublicFile]:
    """The same from the API, which wants a key; no payload, error or log has it."""
    return [
        PublicFile(
            FRED_OBSERVATIONS,
            name,
            f"{api_url}/fred/series/observations?series_id={name}&file_type=json&observation_start={first}",
            ending=Ending.JSON,
            secrets=(("api_key", key),),
        )
        for name in names
    ]
