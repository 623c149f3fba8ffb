"""The sources: whether each publisher answers, and how new what it has is."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from signals.calendar import TradingCalendar
from signals.errors import DataQualityError
from signals.market import Observations
from signals.series import DFF, SPX, VX_PREFIX
from signals.zones import NEW_YORK
from tasks.clock import system_clock
from tasks.doctor.findings import FAIL, OK, WARN, Check, Finding
from tasks.doctor.freshness import expected_day, source_days
from tasks.doctor.machine import clock
from tasks.sources import cboe, fred
from tasks.sources.files import FilesSource
from tasks.sources.formats import CBOE_VX_ARCHIVE, CBOE_VX_CONTRACT, CBOE_VX_SHEET, parse
from tasks.sources.http import Answer, Ending, HttpReader, PublicFile
from tasks.sources.live import LiveEndpoints
from tasks.sources.payload import Payload
from tasks.sources.polite import OutOfTime, Politeness, RequestFailed, TimeLimit

_CHART_PATH = "/v8/finance/chart/%5EGSPC?range=5d&interval=1d&includePrePost=false"

#: The sheet of a day is there so long after the close.
_SHEET_LAG = dt.timedelta(hours=1)

#: Rates this far back are few lines.
_RATE_DAYS = dt.timedelta(days=14)

#: Yahoo turns away programs that do not look like a browser; a run looks like one.
_TURNS_AWAY = (401, 403, 429)

_WAIT = "Runs wait for it too; nothing can be done but to wait."

#: Files of VX contracts: told of together.
_CONTRACTS = (CBOE_VX_CONTRACT, CBOE_VX_ARCHIVE, CBOE_VX_SHEET)


@dataclass
class LiveProbe:
    """One small request to each publisher.

    Parameters
    ----------
    endpoints : LiveEndpoints
    user_agent : str
    fred_api_key : str, optional
    calendar : TradingCalendar
    now : datetime.datetime
        What has to be published by then is expected.
    seconds : float
        What one request may take.
    """

    endpoints: LiveEndpoints
    user_agent: str
    fred_api_key: str | None = field(repr=False)
    calendar: TradingCalendar
    now: dt.datetime
    seconds: float
    clocks: dict[str, dt.timedelta] = field(default_factory=dict)

    def checks(self) -> list[Check]:
        """A check per publisher."""
        return [
            Check("Yahoo", self.yahoo),
            Check("Cboe files", self.cboe_files),
            Check("Cboe web", self.cboe_web),
            Check("FRED API" if self.fred_api_key else "FRED", self.fred),
        ]

    def clock(self) -> Finding:
        """How our clock goes with those of the publishers that answered."""
        return clock(dict(self.clocks), self.now)

    def yahoo(self) -> Finding:
        """The last close of the S&P 500."""
        file = PublicFile("", "GSPC", self.endpoints.yahoo + _CHART_PATH, ending=Ending.JSON)
        return self._ask("Yahoo", file, SPX, expected_day(SPX, self.calendar, self.now), _last_bar)

    def cboe_files(self) -> Finding:
        """The last settlement in the file of the first contract."""
        due = expected_day(VX_PREFIX, self.calendar, self.now)
        file = cboe.contract_files(self.endpoints.cboe_cdn, self.calendar, due, due)[0]
        return self._ask("Cboe files", file, file.subject, due, self._last_day(file))

    def cboe_web(self) -> Finding:
        """The settlements of the last session."""
        due = self.calendar.last_session_closed_by(self.now, _SHEET_LAG)
        (file,) = cboe.settlement_files(self.endpoints.cboe_web, [due])
        return self._ask("Cboe web", file, "settlements", due, self._last_day(file))

    def fred(self) -> Finding:
        """The last print of the federal funds rate."""
        due = expected_day(DFF, self.calendar, self.now)
        if self.fred_api_key:
            name, files = "FRED API", fred.api_files(self.endpoints.fred_api, self.fred_api_key, due - _RATE_DAYS)
        else:
            name, files = "FRED", fred.series_files(self.endpoints.fred, due - _RATE_DAYS)
        file = next(each for each in files if each.subject == DFF)
        return self._ask(name, file, DFF, due, self._last_day(file))

    def _ask(
        self, name: str, file: PublicFile, about: str, due: dt.date, last_day: Callable[[bytes], dt.date | None]
    ) -> Finding:
        host = urlsplit(file.url).netloc
        try:
            answer = self._read(file)
        except RequestFailed as error:
            if name == "Yahoo" and error.reason.status in _TURNS_AWAY:
                do = "A run asks like a browser and may get through: `tailguard run --dry-run` shows it."
                return Finding(name, WARN, f"{host}: {error.reason.said}", do)
            return Finding(name, FAIL, f"{host}: {error.reason.said}", error.reason.do)
        except OutOfTime:
            return Finding(name, FAIL, f"{host}: no answer in {self.seconds:g} s", "Check the network.")
        if answer.server_time:
            self.clocks[name] = answer.server_time - system_clock()
        try:
            last = last_day(answer.body)
        except DataQualityError as error:
            return Finding(name, FAIL, f"{host}: cannot be read, expected {error.expected}, got {error.got}", error.do)
        if last is None:
            return Finding(name, FAIL, f"{host}: {about} without a value", "Look at what it publishes.")
        if last < due:
            return Finding(name, WARN, f"{host}: {about} to {last}, {due} expected by now", _WAIT)
        return Finding(name, OK, f"{host}: {about} to {last}")

    def _read(self, file: PublicFile) -> Answer:
        reader = HttpReader(self.user_agent, self.seconds, TimeLimit(self.seconds), Politeness(attempts=1))
        try:
            return reader.read_file(file)
        finally:
            reader.close()

    def _last_day(self, file: PublicFile) -> Callable[[bytes], dt.date | None]:
        def last_day(body: bytes) -> dt.date | None:
            payload = Payload(file.format, file.subject, file.url, body, system_clock(), assumed_availability=False)
            return _last(parse(payload))

        return last_day


def _last(found: Sequence[Observations]) -> dt.date | None:
    days: list[dt.date] = [each.days[-1].item() for each in found if len(each.days)]
    return max(days, default=None)


def _last_bar(body: bytes) -> dt.date | None:
    """The day of the last bar with a close in Yahoo's answer."""
    try:
        result = json.loads(body)["chart"]["result"][0]
        closes = result["indicators"]["quote"][0].get("close", [])
        stamps = [stamp for stamp, close in zip(result.get("timestamp", []), closes, strict=True) if close is not None]
        return dt.datetime.fromtimestamp(stamps[-1], NEW_YORK).date() if stamps else None
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataQualityError(
            "^GSPC", expected="prices", got="something else", do="Check whether a newer tailguard is out."
        ) from error


def files(directory: Path | None) -> list[Finding]:
    """Whether a directory of recorded files can be read, and the last day of each file."""
    if directory is None:
        do = "Name a directory in the setting data_dir, or with --data-dir."
        return [Finding("files", FAIL, "no directory is configured", do)]
    payloads = FilesSource(directory, system_clock).fetch().payloads
    found: list[Finding] = []
    days: list[tuple[str, dt.date]] = []
    contracts: list[dt.date] = []
    for payload in payloads:
        try:
            last = _last(parse(payload))
        except DataQualityError as error:
            said = f"{error.about}: expected {error.expected}, got {error.got}"
            found.append(Finding("files", FAIL, said, error.do))
            continue
        if last is None:
            continue
        if payload.format in _CONTRACTS:
            contracts.append(last)
        else:
            days.append((Path(payload.locator).relative_to(directory).with_suffix("").as_posix(), last))
    if contracts:
        days.append((f"{len(contracts)} files of VX", max(contracts)))
    if not found:
        found.append(Finding("files", OK, f"{directory}: {source_days(days)}"))
    return found


def sample() -> Finding:
    """The sample market, which needs nothing."""
    return Finding("sample", OK, "needs nothing; its market is SIMULATED, and no signal of it is real")
