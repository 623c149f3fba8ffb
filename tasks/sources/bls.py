"""What is read from the Bureau of Labor Statistics: when it releases what."""

from __future__ import annotations

from tasks.sources.formats import BLS_SCHEDULE
from tasks.sources.http import Ending, PublicFile

_SCHEDULE_PATH = "/schedule/news_release/bls.ics"


def schedule_file(base_url: str) -> PublicFile:
    """The calendar of all releases of this year, and of the next as soon as it is set."""
    return PublicFile(BLS_SCHEDULE, "releases", base_url + _SCHEDULE_PATH, ending=Ending.CALENDAR)
