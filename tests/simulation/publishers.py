"""Publishers of the sample market that are late, wrong, silent or talk nonsense, as a plan says.

They behave as those of the source ``live``: what they answer covers the last months, is known from when it was fetched,
and may come out right the next time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from signals.calendar import TradingCalendar, trading_calendar
from signals.errors import TransientSourceError
from signals.sample_market.model import sample_market
from tasks.clock import Clock
from tasks.sources.formats import CBOE_INDEX, CBOE_VX_CONTRACT, FRED_SERIES, YAHOO_HISTORY
from tasks.sources.payload import Fetched, Payload
from tasks.sources.sample import _files

#: The last day of the market that is drawn.
END = dt.date(2010, 12, 31)

#: How much an answer covers: more than any run reads again, far less than all there is.
_COVERED = dt.timedelta(days=150)

#: A contract is asked for until so long after its last settlement.
_ASKED_AFTER = dt.timedelta(days=30)

#: What is late or wrong together: files that show the same thing.
SPX, VIX, FUTURES, RATES = "S&P 500", "VIX", "futures", "rates"
GROUPS = {
    SPX: ((YAHOO_HISTORY, "GSPC"), (YAHOO_HISTORY, "SP500TR"), (YAHOO_HISTORY, "SPY"), (CBOE_INDEX, "SPX")),
    VIX: ((YAHOO_HISTORY, "VIX"), (CBOE_INDEX, "VIX")),
    RATES: ((FRED_SERIES, "DTB3"), (FRED_SERIES, "DFF")),
}

YAHOO, CBOE = "yahoo", "cboe"
_PUBLISHERS = {YAHOO: (YAHOO_HISTORY,), CBOE: (CBOE_INDEX, CBOE_VX_CONTRACT)}

_ERROR_PAGE = b"<!DOCTYPE html><html><body>Attention Required!</body></html>\n"

Key = tuple[str, str]
Rows = list[tuple[dt.date, str]]


@dataclass(frozen=True)
class Plan:
    """What the publishers answer at an instant.

    Attributes
    ----------
    through : str
        The last session that is published, as yyyy-mm-dd.
    hidden : list of (group, session)
        Not published yet.
    wrong : list of (group, session, factor)
        Published with another value; of the futures the first two contracts.
    down : list of str
        Publishers that do not answer.
    nonsense : list of str
        Groups in place of which a web page comes.
    """

    through: str
    hidden: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[str, str, float]] = field(default_factory=list)
    down: list[str] = field(default_factory=list)
    nonsense: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As it goes to the worker."""
        return asdict(self)


@cache
def _market(seed: int) -> dict[Key, tuple[str, Rows]]:
    """Header and rows of every file."""
    found: dict[Key, tuple[str, Rows]] = {}
    for format_name, subject, _, lines in _files(sample_market(trading_calendar(), END, seed)):
        header, *rows = lines
        found[format_name, subject] = header, [(_day(row.partition(",")[0]), row) for row in rows]
    return found


def _day(text: str) -> dt.date:
    if "/" in text:
        month, day, year = map(int, text.split("/"))
        return dt.date(year, month, day)
    return dt.date.fromisoformat(text)


@dataclass(frozen=True)
class Publishers:
    """A source; see `tasks.sources.payload.Source`."""

    seed: int
    plan: Plan
    clock: Clock
    calendar: TradingCalendar
    whole: bool = False

    name = "sample"
    simulated = True
    heals = True

    def fetch(self) -> Fetched:
        """What they answer."""
        failure = None
        if self.plan.down:
            failure = TransientSourceError(
                self.plan.down[0], expected="an answer", got="HTTP 503", do="Ask again.", worth_retrying=False
            )
        silent = {format_name for name in self.plan.down for format_name in _PUBLISHERS[name]}
        return Fetched(tuple(payload for payload in self._payloads() if payload.format not in silent), failure)

    def _payloads(self) -> Iterator[Payload]:
        through = dt.date.fromisoformat(self.plan.through)
        since = dt.date.min if self.whole else through - _COVERED
        hidden = {(key, day) for group, day in self.plan.hidden for key in self._files_of(group, day)}
        wrong = {(key, day): factor for group, day, factor in self.plan.wrong for key in self._files_of(group, day)}
        nonsense = {key for group in self.plan.nonsense for key in self._files_of(group, self.plan.through)}
        for key, (header, rows) in _market(self.seed).items():
            future = key[0] == CBOE_VX_CONTRACT
            shown = [
                (day, row)
                for day, row in rows
                if (since <= day or future) and day <= through and (key, day.isoformat()) not in hidden
            ]
            if not shown or (future and not self.whole and shown[-1][0] < through - _ASKED_AFTER):
                continue
            lines = [header]
            for day, row in shown:
                factor = wrong.get((key, day.isoformat()))
                lines.append(row if factor is None else _times(row, factor, 6 if future else 1))
            body = _ERROR_PAGE if key in nonsense else "".join(f"{line}\n" for line in lines).encode()
            locator = f"simulated://{key[0]}/{key[1]}"
            yield Payload(*key, locator, body, self.clock(), assumed_availability=False, through=through)

    def _files_of(self, group: str, day: str) -> tuple[Key, ...]:
        if group != FUTURES:
            return GROUPS[group]
        # Those that a report of the day prints.
        first = [expiry for expiry in self.calendar.vx_expiries.tolist() if expiry > dt.date.fromisoformat(day)][:2]
        return tuple((CBOE_VX_CONTRACT, f"VX_{expiry}") for expiry in first)


def _times(row: str, factor: float, column: int) -> str:
    cells = row.split(",")
    digits = len(cells[column].partition(".")[2])
    cells[column] = f"{float(cells[column]) * factor:.{digits}f}"
    return ",".join(cells)
