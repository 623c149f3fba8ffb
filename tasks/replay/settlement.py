"""The settlement sheet of a day on Cboe's web site, with the two ways in which the site misleads.

Asked before the sheet of a day is out, it answers with the sheet before. And it is a rolling window: from the sheet of
a day further back the contracts that have expired since are missing, so that a later month stands first.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from signals.calendar import MONTH_CODES
from tasks.replay.messages import Reply, Request, not_found
from tasks.replay.recorded import calendar, last_closed, new_york_day, recording

SHEET = "/us/futures/market_statistics/settlement/csv"

#: A sheet is out so long after the close of its session.
SHEET_DELAY = dt.timedelta(minutes=40)
#: Sessions before the instant for which sheets are whole.
WINDOW = 60
#: Monthly contracts of a sheet that is made from the files of contracts.
MONTHS = 9

_HEADER = b"Product,Symbol,Expiration Date,Price\n"
_EXPIRATION = re.compile(rb"[^,]*,[^,]*,(\d{4}-\d\d-\d\d),")
#: Cboe quoted VX at ten times the index until this trade date.
_RESCALED_ON = dt.date(2007, 3, 26)


def answer(directory: Path, instant: dt.datetime, request: Request) -> Reply:
    """What Cboe's web site answers."""
    if request.path.rstrip("/") != SHEET:
        return not_found()
    try:
        asked = dt.date.fromisoformat(request.query.get("dt") or new_york_day(instant).isoformat())
    except ValueError:
        return Reply(b"Bad date\n", 400, "text/plain")
    session = published(instant, asked)
    known = calendar()
    whole_from = known.sessions_in(known.sessions[0].item(), new_york_day(instant))[-WINDOW:][0].item()
    lines = sheet(directory, session)
    if session < whole_from:
        lines = [line for line in lines if _expires_after(line, new_york_day(instant))]
    return Reply(_HEADER + b"".join(lines))


def published(instant: dt.datetime, asked: dt.date) -> dt.date:
    """The session whose sheet is given out for a day."""
    latest = last_closed(instant, SHEET_DELAY)
    known = calendar()
    day = min(max(asked, known.sessions[1].item()), latest)
    return day if known.is_session(day) else known.previous_session(day)


def sheet(directory: Path, session: dt.date) -> list[bytes]:
    """The rows of a session's sheet: as recorded, or made from the settlements of the monthly contracts."""
    found = recording(directory / f"cboe/futures/settlement/{session}.csv")
    if found:
        return found.head.splitlines(keepends=True)[1:]
    expiries: list[dt.date] = calendar().vx_expiries.tolist()
    rows = []
    for expiry in (each for each in expiries if each > session):
        price = _settlement(directory, expiry, session)
        if price:
            letter = MONTH_CODES[expiry.month - 1]
            rows.append(f"VX,VX/{letter}{expiry.year % 10},{expiry},{_written(price)}\n".encode())
        if len(rows) == MONTHS or (expiry - session).days > 500:
            break
    return rows


def _settlement(directory: Path, expiry: dt.date, session: dt.date) -> float:
    """The settlement of a contract, 0 where there is none. Contracts of 2013 are in two files, and one may be blank."""
    letter = MONTH_CODES[expiry.month - 1]
    for name in (f"VX/VX_{expiry}.csv", f"archive/CFE_{letter}{expiry:%y}_VX.csv"):
        found = recording(directory / "cboe/futures" / name)
        price = float(found.cells(session).get("Settle") or 0) if found else 0.0
        if price > 0:
            return price / 10 if session < _RESCALED_ON else price
    return 0.0


def _written(price: float) -> str:
    return f"{price:.4f}".rstrip("0").rstrip(".")


def _expires_after(line: bytes, day: dt.date) -> bool:
    found = _EXPIRATION.match(line)
    return found is None or dt.date.fromisoformat(found[1].decode()) > day
