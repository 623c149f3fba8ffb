"""Every fault a publisher is known for, injected for real: what the run of the evening did, and the one after it.

Each case runs the body of the daily flow against the recorded market on the evening of 2020-03-16, on a database that
knows the session before, with a fault at 18:45 that is mended by 20:30. docs/reliability.md has the table of what came
of it; `make reliability` writes it, and it is compared otherwise.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from signals.zones import NEW_YORK
from tasks.replay.faults import Fault
from tasks.replay.market import Market, replay
from tests.reliability_page import WRITE, part, write_part
from tests.simulation.driver import Worker, worker
from tests.simulation.findings import find

pytestmark = pytest.mark.server

SESSION = "2020-03-16"
BEFORE = dt.datetime(2020, 3, 13, 20, 30, tzinfo=NEW_YORK)
FIRST, SECOND = (dt.datetime(2020, 3, 16, hour, minute, tzinfo=NEW_YORK) for hour, minute in ((18, 45), (20, 30)))

EMITTED, REVISED, ALREADY, WAITING = "EMITTED", "REVISED", "ALREADY_EMITTED", "AWAITING_DATA"
REFUSED = "FAILED"

PART = "faults of publishers"

#: How the runs end, by the name of their state.
OUTCOMES = {"Emitted": EMITTED, "Revised": REVISED, "AlreadyEmitted": ALREADY, "AwaitingData": WAITING}


@dataclass(frozen=True)
class Case:
    """A fault, and what has to come of it.

    Attributes
    ----------
    what : str
        The fault, for readers.
    faults : tuple of str
        As the command ``tailguard replay --fault`` takes them.
    first, then : str
        How the run with the fault ends, and the one after it is mended.
    says : str
        Part of what the first one says.
    attempts, timeout : int, float
        How often a request is tried, and for how many seconds.
    """

    what: str
    faults: tuple[str, ...]
    first: str
    says: str = ""
    then: str = EMITTED
    attempts: int = 1
    timeout: float = 5.0


def waits(what: str, fault: str, says: str, timeout: float = 5.0) -> Case:
    return Case(what, (fault,), WAITING, says, timeout=timeout)


H, J = "VX_2020-03-18", "VX_2020-04-15"

CASES = [
    # A publisher is out of reach.
    waits("Yahoo: too many requests (429)", "429:yahoo:^GSPC", "HTTP 429, too many requests for ^GSPC"),
    waits("Yahoo: HTTP 500 for everything", "500:yahoo:*", "HTTP 500"),
    waits("Yahoo: no answer", "silent:yahoo:^GSPC", "no answer in time for ^GSPC", 0.8),
    waits("Yahoo: a web page in place of prices", "html:yahoo:^GSPC", "answered with an HTML page for ^GSPC"),
    # Without it the hedges have no VIX3M and no VVIX: stand-ins go out, and a revision when they are there.
    Case("Cboe: the file server is down (503)", ("503:cboe:*",), EMITTED, "", REVISED),
    Case("Cboe: connections are broken off", ("reset:cboe:*",), EMITTED, "", REVISED),
    Case("Cboe: redirected in a circle", (f"redirect-loop:cboe:{J}",), EMITTED, "", ALREADY),
    waits("Cboe: the program is turned away (403)", "403:cboe-web:*", "HTTP 403"),
    Case("Cboe: a file comes drop by drop", (f"slow=60:cboe:{J}",), EMITTED, "", ALREADY, timeout=0.8),
    Case("Cboe: 503 twice, then well", (f"503:cboe:{J}:2",), EMITTED, "", ALREADY, attempts=3),
    # The settlement sheet of the day.
    waits("sheet: not out yet, that of Friday comes", "late:cboe-web:2020-03-16", "repeats that of 2020-03-13"),
    waits("sheet: HTTP 500", "500:cboe-web:2020-03-16", "HTTP 500 for 2020-03-16"),
    waits("sheet: a web page with status 200", "html-as-csv:cboe-web:2020-03-16", "answered with an HTML page"),
    waits("sheet: nothing with status 200", "empty:cboe-web:2020-03-16", "answered with nothing"),
    waits("sheet: a header alone", "header-only:cboe-web:2020-03-16", "got a header and nothing below"),
    waits("sheet: broken off on the way", "truncated:cboe-web:2020-03-16", "the answer broke off for 2020-03-16"),
    waits("sheet: cut off within a line", "cut:cboe-web:2020-03-16", "the answer broke off for 2020-03-16"),
    waits("sheet: begins with the second contract", "missing-front:cboe-web:2020-03-16", "shifted curve"),
    waits("sheet: a contract left out", "missing-contract@2020-04-15:cboe-web:2020-03-16", "settlement of VXJ20"),
    waits("sheet: a row twice", "duplicated-rows:cboe-web:2020-03-16", "each contract once"),
    waits("sheet: prices tenfold", "wrong-scale:cboe-web:2020-03-16", "VX"),
    waits("sheet: a price below zero", "negative:cboe-web:2020-03-16", "VX"),
    waits("sheet: a price of zero", "zero-settlement:cboe-web:2020-03-16", "settlement of VXH20"),
    waits("sheet: words in place of a price", "text-in-number:cboe-web:2020-03-16", "a number"),
    waits("sheet: rows under the name of the next contract", "wrong-contract:cboe-web:2020-03-16", "2020-03-16"),
    waits("sheet: no column of prices", "missing-column:cboe-web:2020-03-16", "no column Price"),
    waits("sheet: a byte that is no UTF-8", "bad-encoding:cboe-web:2020-03-16", "text in UTF-8"),
    # The files of contracts.
    Case("contract file: cut off within a line", (f"cut:cboe:{J}",), EMITTED, "", ALREADY),
    waits("contract file: a day left out", f"gap@2020-02-19:cboe:{J}", "missing [2020-02-19]"),
    Case("contract file: rows out of order", (f"unordered-rows:cboe:{J}",), EMITTED, "", ALREADY),
    Case("contract file: a row of tomorrow", (f"future-row:cboe:{J}",), EMITTED, "", ALREADY),
    Case("contract file: another contract's rows", (f"wrong-contract:cboe:{J}",), EMITTED, "", ALREADY),
    Case("contract file: gone (404)", (f"missing-contract:cboe:{J}",), EMITTED, "", ALREADY),
    Case("contract file: a row on a day without a session", (f"holiday-row:cboe:{J}",), EMITTED, "", ALREADY),
    # Closes.
    waits("S&P 500: the last bar is blank", "nan-last-bar:yahoo:^GSPC", "nothing yet for 2020-03-16 of SPX"),
    waits("S&P 500: the bar of the day is not there", "late:yahoo:^GSPC", "nothing yet for 2020-03-16 of SPX"),
    waits("S&P 500: the bar of the day was made in the session", "live-bar:yahoo:^GSPC", "2020-03-16 of SPX"),
    waits("S&P 500: one per cent off at Yahoo", "changed-value=2410:yahoo:^GSPC", "publishers that agree on S&P 500"),
    waits("S&P 500: a slipped digit at Yahoo", "wrong-scale@2020-03-16:yahoo:^GSPC", "SPX on which its publishers"),
    waits("S&P 500: the whole history on another scale", "wrong-scale:yahoo:^GSPC", "the values of SPX that are known"),
    waits("S&P 500: a day left out", "gap@2020-03-04:yahoo:^GSPC", "missing [2020-03-04]"),
    waits("VIX: another close at Yahoo", "changed-value=80.5:yahoo:^VIX", "publishers that agree on VIX"),
    waits("VIX: a slipped digit at Cboe", "changed-value=28.69:cboe:VIX", "VIX on which its publishers agree"),
    Case("VIX: not at Cboe yet", ("late:cboe:VIX",), EMITTED, "", ALREADY),
    Case("VIX: not at Yahoo", ("500:yahoo:^VIX",), EMITTED, "", ALREADY),
    # What a substitute stands in for.
    Case("FRED: HTTP 500", ("500:fred:*",), EMITTED, "", REVISED),
    Case("FRED: a web page in place of rates", ("html-as-csv:fred:*",), EMITTED, "", REVISED),
    Case("total return index: not there", ("500:yahoo:^SP500TR",), EMITTED, "", REVISED),
    Case("total return index: a wrong print", ("changed-value=4700:yahoo:^SP500TR",), EMITTED, "", REVISED),
    Case("VIX3M: nonsense", ("text-in-number:cboe:VIX3M",), EMITTED, "", REVISED),
    # What no decision needs.
    Case("Bureau of Labor Statistics: down", ("503:bls:*",), EMITTED, "", ALREADY),
    # The clock.
    Case(
        "every server's clock is a day ahead",
        ("clock-skew:*:*",),
        REFUSED,
        "clock: expected 2020-03-17",
    ),
]


@pytest.fixture(scope="module")
def market(data_dir: Path) -> Iterator[Market]:
    with replay(data_dir, FIRST) as found:
        yield found


@pytest.fixture(scope="module")
def run_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with worker(tmp_path_factory.mktemp("worker")) as found:
        yield found


@dataclass(frozen=True)
class Evening:
    """Runs against the publishers, on a database of their own."""

    market: Market
    run_in: Worker
    database: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.database}"

    def run(self, instant: dt.datetime, case: Case | None = None) -> tuple[str, str]:
        """Run at an instant, with the faults of a case or none; how it ended, and what it said."""
        self.market.behave()
        self.market.at(instant)
        if case:
            self.market.misbehave(*map(Fault.parse, case.faults))
        settings = {
            **self.market.settings,
            "TAILGUARD_DATABASE_URL": self.url,
            "TAILGUARD_SOURCE": "live",
            "TAILGUARD_OPTION_CHAINS": "",
            "TAILGUARD_SOURCE_SPACING_SECONDS": "0",
            "TAILGUARD_SOURCE_ATTEMPTS": str(case.attempts if case else 1),
            "TAILGUARD_SOURCE_TIMEOUT_SECONDS": str(case.timeout if case else 5.0),
            # One is enough to notice what hedges lack.
            "TAILGUARD_HEDGES": "alvh-seed",
        }
        reply = self.run_in("daily", settings, fork=False)
        assert reply["ended"] == "well" or reply["known"], reply
        return OUTCOMES.get(reply.get("state", ""), REFUSED), reply["message"]

    def left_behind(self, before: Path) -> Undisturbed:
        found = find(self.url)
        report = json.loads(
            max((key, document) for key, document in found.reports.items() if str(key[0]) == SESSION)[1]
        )
        values = {(series, publisher, day): value for series, publisher, day, value in found.values}
        return Undisturbed(before, report["target"], report["indices"]["veqtor"]["total_return"], values)


@dataclass(frozen=True)
class Undisturbed:
    """What an evening without a fault leaves behind, and the database it began with."""

    before: Path
    target: dict[str, float]
    level: float
    values: dict[tuple[str, str, str], float | None]


@pytest.fixture
def evening(market: Market, run_in: Worker, tmp_path: Path) -> Evening:
    return Evening(market, run_in, tmp_path / "tailguard.db")


@pytest.fixture(scope="module")
def undisturbed(market: Market, run_in: Worker, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    directory = tmp_path_factory.mktemp("undisturbed")
    evening = Evening(market, run_in, directory / "tailguard.db")
    assert evening.run(BEFORE)[0] == EMITTED
    before = Path(shutil.copyfile(evening.database, directory / "before.db"))
    assert evening.run(FIRST)[0] == EMITTED
    found = evening.left_behind(before)
    assert evening.run(SECOND)[0] == ALREADY
    return found


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[str, str]]:
    """What came of each case."""
    return {}


def test_without_a_fault_the_target_is_that_of_the_evening(undisturbed: Undisturbed) -> None:
    assert undisturbed.target == {"equity": 0.6, "volatility": 0.4, "cash": 0.0}


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_a_fault_emits_nothing_wrong_and_loses_nothing(
    case: Case, evening: Evening, undisturbed: Undisturbed, results: dict[str, tuple[str, str]]
) -> None:
    shutil.copyfile(undisturbed.before, evening.database)
    first, said = evening.run(FIRST, case)
    assert (first, case.says in said) == (case.first, True), said
    emitted = [document for (day, _), document in find(evening.url).reports.items() if str(day) == SESSION]
    assert len(emitted) == (first == EMITTED)
    assert all(json.loads(document)["target"] == undisturbed.target for document in emitted)

    then, said = evening.run(SECOND)
    assert then == case.then, said
    after = evening.left_behind(undisturbed.before)
    assert (after.target, after.level) == (undisturbed.target, pytest.approx(undisturbed.level, rel=1e-12))
    lost = {key for key, value in undisturbed.values.items() if after.values.get(key) != value}
    assert not lost
    results[case.what] = (first, then)


def test_the_table_of_the_documentation_is_what_came_of_it(results: dict[str, tuple[str, str]]) -> None:
    if set(results) != {case.what for case in CASES}:
        pytest.skip("not every case has run")
    lines = ["| fault at 18:45, mended by 20:30 | 18:45 | says | 20:30 |", "|---|---|---|---|"]
    for case in CASES:
        says = f"`{case.says}`" if case.says else ""
        first, then = results[case.what]
        lines.append(f"| {case.what} | {first} | {says} | {then} |")
    if WRITE:
        write_part(PART, lines)
    assert part(PART) == lines
