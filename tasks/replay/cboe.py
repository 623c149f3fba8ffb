"""Cboe's file server: VX contracts, the frozen archive of older ones, index histories and delayed option chains."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from tasks.replay import options
from tasks.replay.messages import Reply, Request
from tasks.replay.recorded import INDEX_DELAY, last_closed, recording

CONTRACTS = "/data/us/futures/market_statistics/historical_data/VX/"
ARCHIVE = "/resources/futures/archive/volume-and-price/"
INDICES = "/api/global/us_indices/daily_prices/"
CHAINS = "/api/global/delayed_quotes/options/"

#: A trade date appears at 05:05 UTC of the next day.
FUTURES_DELAY = dt.timedelta(hours=5, minutes=5)

_CONTRACT = re.compile(r"VX_\d{4}-\d\d-\d\d\.csv", re.ASCII)
_ARCHIVED = re.compile(r"CFE_[FGHJKMNQUVXZ]\d\d_VX\.csv", re.ASCII)
_INDEX = re.compile(r"[A-Z0-9]+_History\.csv", re.ASCII)
_CHAIN = re.compile(r"_([A-Z]+)\.json", re.ASCII)

#: What Cboe's file server says where it has no such file.
ABSENT = Reply(b"<Error><Code>AccessDenied</Code></Error>", 403, "application/xml")


def answer(directory: Path, instant: dt.datetime, request: Request) -> Reply:
    """What Cboe's file server answers."""
    path = request.path
    name = path.rpartition("/")[2]
    if path == CONTRACTS + name and _CONTRACT.fullmatch(name):
        return _file(directory / "cboe/futures/VX" / name, futures_through(instant))
    if path == ARCHIVE + name and _ARCHIVED.fullmatch(name):
        return _file(directory / "cboe/futures/archive" / name, futures_through(instant))
    if path == INDICES + name and _INDEX.fullmatch(name):
        return _file(directory / "cboe/index" / name, last_closed(instant, INDEX_DELAY))
    if path == CHAINS + name and (chain := _CHAIN.fullmatch(name)):
        return options.chain(directory, instant, chain[1]) or ABSENT
    return ABSENT


def futures_through(instant: dt.datetime) -> dt.date:
    """The last trade date in the files of VX contracts."""
    return (instant - FUTURES_DELAY).astimezone(dt.UTC).date() - dt.timedelta(days=1)


def _file(path: Path, through: dt.date) -> Reply:
    """A recorded file up to a day; a file without rows is not there yet."""
    found = recording(path)
    if found is None or not found.rows(through):
        return ABSENT
    return Reply(found.cut(through))
