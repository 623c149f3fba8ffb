"""FRED: the file behind the download button of its graphs, and its interface for programs."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

from tasks.replay.messages import JSON, Reply, Request, not_found
from tasks.replay.recorded import Recording, new_york_day, recording

GRAPH = "/graph/fredgraph.csv"
OBSERVATIONS = "/fred/series/observations"

#: The observation of a day appears on the next one.
_DAILY_DELAY = dt.timedelta(days=1)
#: That of a month, dated on its first day, seven weeks later.
_MONTHLY_DELAY = dt.timedelta(days=49)
#: That of a quarter, dated likewise, a month after its end.
_QUARTERLY_DELAY = dt.timedelta(days=121)

_SERIES = re.compile(r"[A-Z0-9]+", re.ASCII)
_KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)
_EARLIEST, _LATEST = dt.date(1776, 7, 4), dt.date(9999, 12, 31)
_BLANK = "."
_MORE = "Read https://fred.stlouisfed.org/docs/api/api_key.html for more information."


def graph(directory: Path, instant: dt.datetime, request: Request) -> Reply:
    """What the download button of a graph answers."""
    found = _series(directory, request.query.get("id", ""))
    if request.path != GRAPH or found is None:
        return not_found()
    try:
        first, last = _day(request, "cosd", dt.date.min), _day(request, "coed", dt.date.max)
    except ValueError:
        return Reply(b"Bad date\n", 400, "text/plain")
    return Reply(found.cut(min(last, _through(found, instant)), first))


def api(directory: Path, instant: dt.datetime, request: Request) -> Reply:
    """What the interface for programs answers about the observations of a series."""
    if request.path != OBSERVATIONS:
        return _error(404, "Not Found.")
    key = request.query.get("api_key")
    if not key:
        return _error(400, f"Bad Request.  Variable api_key is not set.  {_MORE}")
    if not _KEY.fullmatch(key):
        return _error(
            400,
            "Bad Request.  The value for variable api_key is not a 32 character alpha-numeric lower-case string.  "
            + _MORE,
        )
    if request.query.get("file_type") != "json":
        return _error(400, "Bad Request.  Variable file_type is not json, the only one served here.")
    found = _series(directory, request.query.get("series_id", ""))
    if found is None:
        return _error(400, "Bad Request.  The series does not exist.")
    try:
        first = _day(request, "observation_start", _EARLIEST)
        last = _day(request, "observation_end", _LATEST)
    except ValueError:
        return _error(400, "Bad Request.  A date is not as yyyy-mm-dd.")
    today = new_york_day(instant).isoformat()
    rows = [line.decode().rstrip().split(",") for line in found.rows(min(last, _through(found, instant)), first)]
    body = {
        "realtime_start": today,
        "realtime_end": today,
        "observation_start": first.isoformat(),
        "observation_end": last.isoformat(),
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": "asc",
        "count": len(rows),
        "offset": 0,
        "limit": 100000,
        "observations": [
            {"realtime_start": today, "realtime_end": today, "date": day, "value": value or _BLANK}
            for day, value, *_ in rows
        ],
    }
    return Reply(json.dumps(body).encode(), content_type=JSON)


def _series(directory: Path, name: str) -> Recording | None:
    return recording(directory / f"fred/{name}.csv") if _SERIES.fullmatch(name) else None


def _through(found: Recording, instant: dt.datetime) -> dt.date:
    if any(day.day != 1 for day, _ in found.lines):
        delay = _DAILY_DELAY
    elif any(day.month % 3 != 1 for day, _ in found.lines):
        delay = _MONTHLY_DELAY
    else:
        delay = _QUARTERLY_DELAY
    return new_york_day(instant) - delay


def _day(request: Request, name: str, default: dt.date) -> dt.date:
    return dt.date.fromisoformat(request.query[name]) if request.query.get(name) else default


def _error(status: int, message: str) -> Reply:
    return Reply(json.dumps({"error_code": status, "error_message": message}).encode(), status, JSON)
