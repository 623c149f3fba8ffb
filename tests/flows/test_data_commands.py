"""What people see of the stored data: ingests of a made-up market, looked at as a user does."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.engine import open_engine
from storage.schema import ensure_schema
from storage.unit_of_work import UnitOfWork
from tasks.ingest import IngestSummary, ingest
from tasks.persist import emit
from tasks.runs import start_run
from tasks.sources.files import FilesSource
from tasks.sources.payload import Fetched, Payload
from tests.conftest import NOW, ROOT, now
from tests.flows.conftest import Tailguard
from tests.market_files import LAST

pytestmark = pytest.mark.server

#: The day before LAST, and one long before the sessions that runs read again.
EVE, LONG_AGO = dt.date(2006, 6, 29), dt.date(2006, 3, 14)
EARLY_REPORT = dt.date(2006, 5, 2)

DAY = dt.timedelta(days=1)

Read = Callable[..., IngestSummary]


@dataclass(frozen=True)
class OneFile:
    """A source of one body, that may come out right the next time."""

    body: bytes
    fetched_at: dt.datetime
    name = "live"
    simulated = False
    heals = True

    def fetch(self) -> Fetched:
        locator = "https://cdn.example/VIX_History.csv"
        payload = Payload("cboe-index", "VIX", locator, self.body, self.fetched_at, assumed_availability=False)
        return Fetched((payload,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tailguard.db"


@pytest.fixture
def read(market: Path, path: Path) -> Read:
    """Read the market into its database, as of an instant."""

    def once(at: dt.datetime = NOW, source: Any = None) -> IngestSummary:
        engine = open_engine(f"sqlite:///{path}")
        ensure_schema(engine)
        try:
            return ingest(source or FilesSource(market, lambda: at), engine, lambda: at)
        finally:
            engine.dispose()

    return once


def change(path: Path, day: dt.date, column: int, value: str) -> None:
    """Give a file another value on a day."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] in (day.isoformat(), f"{day:%m/%d/%Y}"):
            cells[column] = value
            lines[number] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")


def drop(path: Path, day: dt.date) -> None:
    """Take a day out of a file."""
    kept = [line for line in path.read_text().splitlines() if not line.startswith((str(day), f"{day:%m/%d/%Y}"))]
    path.write_text("\n".join(kept) + "\n")


def pay_dividend(market: Path) -> None:
    """Make every adjusted price of SPY but the last a little lower."""
    path = market / "yahoo/SPY.csv"
    header, *lines, last = path.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    adjusted = [",".join([*row[:5], f"{float(row[5]) * 0.995:.6f}", *row[6:]]) for row in rows]
    path.write_text("\n".join([header, *adjusted, last]) + "\n")


def report_last(path: Path, signals: VeqtorSignals) -> None:
    """Store reports on the last session and on one long before."""
    engine = open_engine(f"sqlite:///{path}")
    run_id = start_run(engine, "daily", "files", None, now)
    emit(engine, run_id, [signal_report(signals, day, 1e6) for day in (EARLY_REPORT, LAST)], [], now)
    engine.dispose()


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# data show


def test_show_is_one_line_per_series_and_publisher(tailguard: Tailguard, read: Read) -> None:
    read()
    ended = tailguard("data", "show")

    assert ended.code == 0
    lines = ended.out.splitlines()
    assert max(map(len, lines[:-1])) <= 80, "the last line has the path of the database"
    assert lines[0].split() == ["series", "first", "last", "values", "changed", "last", "known"]
    assert lines[1].split() == ["SPX", "yahoo", "2004-01-02", "2006-06-30", "629", "0", "2006-06-30", "16:30"]
    (futures,) = [line for line in lines if line.startswith("VX")]
    assert futures.startswith("VX (28) cboe-archive  2004-")
    assert "Payloads: 37, " in ended.out
    assert "0 refused, 0 pruned." in ended.out
    assert "\nDatabase: " in ended.out


def test_show_as_json_and_as_of(tailguard: Tailguard, read: Read, market: Path) -> None:
    read()
    document = json.loads(tailguard("data", "show", "--json").out)
    then = json.loads(tailguard("data", "show", "--json", "--as-of", "2006-03-14T12:00").out)

    assert [row["series"] for row in document["series"]][-1] == "VX"
    assert document["series"][-1]["contracts"] == 28
    assert document["payloads"]["count"] == 37
    assert document["database"]["bytes"] > 100_000
    assert document["simulated"] is False
    assert then["series"][0]["last"] == "2006-03-13"
    assert then["as_of"] == "2006-03-14T17:00:00+00:00"


def test_show_a_series_has_its_last_days_with_their_origin(tailguard: Tailguard, read: Read, market: Path) -> None:
    read()
    ended = tailguard("data", "show", "--series", "VIX")

    lines = ended.out.splitlines()
    digest = sha256_of(market / "cboe/index/VIX_History.csv")[:8]
    assert lines[0] == "VIX: Cboe Volatility Index, close, points."
    days = {line[:10] for line in lines if line.startswith("2006-")}
    assert len(days) == 20
    assert max(days) == str(LAST)
    assert any(line.startswith("2006-06-30  cboe") and line.endswith(f"assumed  {digest}") for line in lines)
    assert f"{digest}  fetched 2026-11-20 18:45  {market}/cboe/index/VIX_History.csv" in lines
    assert len(json.loads(tailguard("data", "show", "--series", "VIX", "--all", "--json").out)) == 2 * 629


def test_show_a_session_has_every_value_in_the_order_in_which_they_count(tailguard: Tailguard, read: Read) -> None:
    read()
    found = json.loads(tailguard("data", "show", "--session", str(LONG_AGO), "--json").out)
    rows = found["values"]
    ended = tailguard("data", "show", "--session", str(LONG_AGO))

    assert [(row["series"], row["publisher"]) for row in rows[:6]] == [
        ("SPX", "yahoo"),
        ("SPX", "cboe"),
        ("SPXTR", "yahoo"),
        ("SPY.adjusted", "yahoo"),
        ("VIX", "cboe"),
        ("VIX", "yahoo"),
    ]
    assert {row["day"] for row in rows} == {str(LONG_AGO)}
    assert [row["series"] for row in rows][-1].startswith("VX.2006-12")
    assert ended.out.startswith("Tuesday 2006-03-14: ")
    assert (found["session"], found["verdict"], found["findings"]) == (str(LONG_AGO), "OK", [])
    assert ended.out.endswith("\nVerdict: OK\n")
    assert tailguard("data", "show", "--session", "2006-03-12").out.count("\n") > 1, "DFF has Sundays"


def test_a_session_without_an_input_is_blocked_and_one_with_a_substitute_degraded(
    tailguard: Tailguard, read: Read, market: Path
) -> None:
    for name, where in (("cboe/index/VIX_History.csv", EVE), ("yahoo/GSPC.csv", LAST)):
        path = market / name
        days = (f"{where:%m/%d/%Y},", f"{where},")
        path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith(days)))
    read()
    degraded = tailguard("data", "show", "--session", str(EVE)).out
    assert "Verdict: DEGRADED\n  DEGRADED: VIX: Cboe has none; 0.5 point either way does not change the" in degraded
    blocked = tailguard("data", "show", "--session", str(LAST)).out
    assert f"Verdict: BLOCKED\n  session {LAST}: expected every input, got nothing yet for {LAST} of SPX." in blocked


def test_show_as_of_has_the_value_of_then(tailguard: Tailguard, read: Read, market: Path) -> None:
    read()
    change(market / "cboe/index/VIX_History.csv", EVE, 4, "33.330000")
    assert read(NOW + DAY).changed_values == 1

    def value(*options: str) -> float:
        rows = json.loads(tailguard("data", "show", "--series", "VIX", "--session", str(EVE), "--json", *options).out)
        return float(next(row["value"] for row in rows if row["publisher"] == "cboe"))

    assert value() == 33.33
    assert value("--as-of", "2026-11-21T18:44") != 33.33
    assert value("--as-of", "2026-11-21T18:45") == 33.33


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--series", "VXX"],
            "expected one of DFF, DTB3, IRX, SPX, SPXTR, SPY.adjusted, SPY.close, VIX, VIX.high, "
            "VIX.low, VIX.open, VX.2005-01-19 to VX.2007-",
        ),
        (["--as-of", "yesterday"], "--as-of: expected an instant"),
        (["--all"], "expected --series with it"),
    ],
)
def test_show_refuses_what_it_cannot_show(tailguard: Tailguard, read: Read, options: list[str], said: str) -> None:
    read()
    ended = tailguard("data", "show", *options)

    assert ended.code == 2
    assert said in ended.err


@pytest.mark.parametrize("command", ["show", "gaps", "revisions", "refused", "prune"])
def test_a_database_that_is_not_there_is_not_created(tailguard: Tailguard, path: Path, command: str) -> None:
    ended = tailguard("data", command, "--database", f"sqlite:///{path}")

    assert ended.code == 2
    assert "no such file" in ended.err
    assert not path.exists()


# data gaps


def test_gaps_of_a_complete_market(tailguard: Tailguard, read: Read) -> None:
    read()
    ended = tailguard("data", "gaps")

    assert ended.code == 0
    assert "SPX yahoo, 2004-01-02..2006-06-30: expected 629 rows, missing [], extra []\n" in ended.out
    assert "VX slot 7, 2004-" in ended.out
    assert ended.out.endswith(f"Nothing that a decision needs is missing up to {LAST}.\n")


def test_gaps_name_what_a_decision_needs_and_end_with_1(tailguard: Tailguard, read: Read, market: Path) -> None:
    for number in (9, 10, 13):
        drop(market / "yahoo/GSPC.csv", dt.date(2006, 3, number))
    drop(market / "cboe/index/VIX_History.csv", LONG_AGO)
    read()
    ended = tailguard("data", "gaps")
    document = json.loads(tailguard("data", "gaps", "--json").out)

    assert ended.code == 1
    missing = "missing [2006-03-09..2006-03-13 (3 sessions)]"
    assert f"SPX yahoo, 2004-01-02..2006-06-30: expected 629 rows, {missing}, extra []" in ended.out
    assert "VIX cboe, 2004-01-02..2006-06-30: expected 629 rows, missing [2006-03-14], extra []" in ended.out
    assert f"A decision needs SPX from yahoo: {missing}" in ended.out
    assert "needs VIX" not in ended.out, "Yahoo's stands in"
    span = {"first": "2006-03-09", "last": "2006-03-13", "days": 3}
    assert document["needed"] == [{"name": "SPX from yahoo", "missing": [span]}]


def test_gaps_of_a_range(tailguard: Tailguard, read: Read) -> None:
    read()
    whole = tailguard("data", "gaps", "--start", "2006-03-01", "--end", "2006-03-31")
    beyond = tailguard("data", "gaps", "--start", "2006-06-29", "--end", "2006-07-05")

    assert whole.code == 0
    assert "DFF fred, 2006-03-01..2006-03-31: expected 31 rows, missing [], extra []" in whole.out
    assert beyond.code == 1
    assert "A decision needs VIX: missing [2006-07-03..2006-07-05 (2 sessions)]" in beyond.out
    assert tailguard("data", "gaps", "--start", "2006-03-02", "--end", "2006-03-01").code == 2


def test_gaps_of_a_session_that_is_not_over_are_none(
    tailguard: Tailguard, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-07-03T12:00")

    assert tailguard("data", "gaps", "--start", "2006-06-26", "--end", "2006-07-05").code == 0


# data revisions


def test_revisions_show_what_changed_and_what_a_run_does_not_apply(
    tailguard: Tailguard, read: Read, market: Path, path: Path, made_up_signals: VeqtorSignals
) -> None:
    read()
    report_last(path, made_up_signals)
    change(market / "yahoo/IRX.csv", LONG_AGO, 4, "3.10")
    read(NOW + DAY)
    change(market / "cboe/index/VIX_History.csv", EVE, 4, "33.330000")
    pay_dividend(market)
    read(NOW + 2 * DAY)
    ended = tailguard("data", "revisions")

    assert ended.code == 0
    spy, vix, irx, note = sorted(ended.out.splitlines(), key=lambda line: ("SPY" not in line, "VIX" not in line))
    digest = sha256_of(market / "cboe/index/VIX_History.csv")[:8]
    assert vix.startswith("2026-11-22 18:45  VIX cboe 2006-06-29: ")
    assert vix.endswith(f" -> 33.33  {digest}")
    assert "SPY.adjusted yahoo 2004-01-02..2006-06-29: 628 prices, times 0.99500  " in spy
    assert irx.startswith("2026-11-21 18:45  IRX yahoo 2006-03-14: 3.05 -> 3.1  ")
    assert [line.endswith(" *") for line in (spy, vix, irx)] == [True, False, True]
    assert "* before 2006-06-16" in note
    assert f"`tailguard backfill --start {EARLY_REPORT} --end {EARLY_REPORT} --mode recompute`" in note


def test_a_change_after_the_last_report_that_no_run_computes_again_is_not_marked(
    tailguard: Tailguard, read: Read, market: Path, path: Path, made_up_signals: VeqtorSignals
) -> None:
    read()
    report_last(path, made_up_signals)
    change(market / "yahoo/IRX.csv", EARLY_REPORT + DAY, 4, "3.10")
    read(NOW + DAY)

    assert tailguard("data", "revisions").out.count("*") == 0


def test_revisions_since_an_instant_of_a_series_and_as_json(tailguard: Tailguard, read: Read, market: Path) -> None:
    assert not read().changed_values
    assert tailguard("data", "revisions").out == "No value was changed.\n"
    change(market / "yahoo/IRX.csv", LONG_AGO, 4, "3.10")
    read(NOW + DAY)
    change(market / "yahoo/VIX.csv", EVE, 4, "33.33")
    read(NOW + 2 * DAY)

    def revisions(*options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(tailguard("data", "revisions", "--json", *options).out)["revisions"]
        return found

    assert [each["series"] for each in revisions()] == ["VIX", "IRX"]
    assert [each["series"] for each in revisions("--since", "2026-11-22")] == ["VIX"]
    assert [each["series"] for each in revisions("--series", "IRX")] == ["IRX"]
    (irx,) = revisions("--series", "IRX")
    assert (irx["first"], irx["before"], irx["after"]) == (str(LONG_AGO), 3.05, 3.1)
    assert irx["needs_recompute"] is False, "no report rests on it"


# data refused


def test_refused_payloads_are_listed_with_the_reason(tailguard: Tailguard, read: Read) -> None:
    read()
    assert tailguard("data", "refused").out == "No payload was refused.\n"
    summary = read(NOW + DAY, OneFile(b"<html>Log in</html>", NOW + DAY))
    assert len(summary.refused) == 1
    ended = tailguard("data", "refused")
    (row,) = json.loads(tailguard("data", "refused", "--json").out)

    first, second, third = ended.out.splitlines()
    assert first.startswith("2026-11-21 18:45  cboe-index VIX, ")
    assert first.endswith(", 19 bytes")
    assert second == "  https://cdn.example/VIX_History.csv"
    assert "an HTML page" in third
    assert (row["refusal"], row["read_since"]) == (summary.refused[0], False)
    assert "1 refused, 0 pruned." in tailguard("data", "show").out


def test_a_refused_file_that_was_read_later_says_so(tailguard: Tailguard, read: Read) -> None:
    read(NOW, OneFile(b"<html>Log in</html>", NOW))
    read(NOW + DAY, OneFile(b"DATE,OPEN,HIGH,LOW,CLOSE\n06/30/2006,13,13,13,13.08\n", NOW + DAY))

    assert "; read later\n" in tailguard("data", "refused").out


# data prune


@pytest.fixture
def pruned_later(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """A market that was read, a web page in place of a file, and a clock forty days later."""
    read()
    read(NOW, OneFile(b"<html>" + bytes(range(256)) * 4000 + b"</html>", NOW))
    monkeypatch.setenv("TAILGUARD_CLOCK", (NOW + 40 * DAY).isoformat())


@pytest.mark.usefixtures("pruned_later")
def test_prune_says_what_it_would_free_and_changes_nothing(tailguard: Tailguard, path: Path) -> None:
    ended = tailguard("data", "prune")

    assert ended.code == 0
    assert ended.out.splitlines()[1].split()[:3] == ["cboe-index", "refused", "1"]
    assert "Nothing was changed. With --yes they are freed" in ended.out
    assert "0 pruned" in tailguard("data", "show").out


@pytest.mark.usefixtures("pruned_later")
def test_prune_frees_bodies_and_the_file_shrinks(
    tailguard: Tailguard, path: Path, database: Callable[[], Engine]
) -> None:
    before = tailguard("data", "show", "--series", "VIX", "--all").out
    size = path.stat().st_size
    ended = tailguard("data", "prune", "--also-read", "--yes")

    assert ended.code == 0
    assert "Freed 1 body, " in ended.out
    assert " before, " in ended.out
    assert path.stat().st_size < size
    assert "1 refused, 1 pruned." in tailguard("data", "show").out
    assert tailguard("data", "show", "--series", "VIX", "--all").out == before
    assert "pruned 2026-12-30" in tailguard("data", "refused").out
    assert tailguard("data", "prune").out == "Nothing to free: no such body is older than 30 days.\n"
    engine = database()
    with UnitOfWork(engine) as work:
        (refused,) = work.observations.refused_payloads()
        assert refused.stored_bytes == 0
    engine.dispose()


def test_prune_leaves_alone_what_is_younger_or_the_last_of_its_file(
    tailguard: Tailguard, read: Read, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    change(market / "yahoo/IRX.csv", LONG_AGO, 4, "3.10")
    read(NOW + 20 * DAY)
    monkeypatch.setenv("TAILGUARD_CLOCK", (NOW + 40 * DAY).isoformat())

    assert tailguard("data", "prune").out.startswith("Nothing to free")
    ended = tailguard("data", "prune", "--also-read")
    assert "Together 1 body, " in ended.out
    assert ended.out.splitlines()[1].split()[:3] == ["yahoo-history", "read", "1"]
    assert "Nothing to free" in tailguard("data", "prune", "--also-read", "--older-than", "50").out


@pytest.mark.usefixtures("pruned_later")
def test_a_file_another_program_reads_is_freed_and_cannot_shrink(
    tailguard: Tailguard, database: Callable[[], Engine], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.prune._PATIENCE_MILLISECONDS", 50)
    size = path.stat().st_size
    engine = database()
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM payloads").scalar()
        ended = tailguard("data", "prune", "--yes")
    engine.dispose()

    assert "Freed 1 body" in ended.out
    assert ended.code == 2
    assert "got another program that reads it. They are freed" in ended.err
    assert "1 pruned." in tailguard("data", "show").out
    again = tailguard("data", "prune", "--yes")
    assert (again.code, again.out[:15]) == (0, "Nothing to free")
    assert path.stat().st_size < size


# Everywhere.


def test_a_simulated_market_says_so(tailguard: Tailguard, read: Read, path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}")
    ensure_schema(engine)
    with UnitOfWork(engine) as work:
        work.observations.begin_market(simulated=True)
        work.commit()
    engine.dispose()

    for command in ("show", "revisions", "refused"):
        assert tailguard("data", command).out.startswith("SIMULATED"), command
    assert json.loads(tailguard("data", "show", "--json").out)["simulated"] is True


def test_looking_at_data_loads_neither_prefect_nor_numpy() -> None:
    heavy = ("prefect", "numpy", "pandas", "exchange_calendars")
    code = f"import sys, flows.cli.data\nprint([name for name in {heavy!r} if name in sys.modules])\n"
    code += "import flows.wiring, signals.gaps, tasks.runs, flows.cli.doctor, tasks.doctor.sources\n"
    code += "print('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["[]", "False"]
