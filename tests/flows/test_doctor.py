"""``tailguard doctor``: what it says of things in order and out of order, on real databases and real servers."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiosmtpd.smtp import AuthResult

from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError
from signals.series import DFF, DTB3, SPX, VX_PREFIX
from signals.zones import NEW_YORK
from storage.engine import open_engine
from storage.runs import AWAITING_DATA, FAILED, NextRun, SessionOutcome
from storage.schema import ensure_schema
from tasks.doctor import machine
from tasks.doctor.findings import FAIL, OK, WARN, Check, Finding, run_checks, without_secrets
from tasks.doctor.freshness import expected_day, last_attempt, next_run
from tasks.doctor.machine import clock
from tasks.doctor.prefect_api import DEPLOYMENTS, configured_server
from tasks.ingest import ingest
from tasks.runs import finish_run, record_outcome, start_run
from tasks.sources.files import FilesSource
from tests.conftest import NOW, ROOT, now
from tests.flows.conftest import Ended, Tailguard
from tests.market_files import LAST
from tests.tasks.test_email import AnyPort, Mailbox

pytestmark = pytest.mark.server

#: The evening of the last session of the made-up market.
EVENING = "2006-06-30T23:30"


@pytest.fixture(autouse=True)
def _own_prefect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the Prefect server of whoever runs it."""
    for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tailguard.db"


@pytest.fixture
def stored(market: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database of a market that was read, on the evening of its last session."""
    monkeypatch.setenv("TAILGUARD_CLOCK", EVENING)
    engine = open_engine(f"sqlite:///{path}")
    ensure_schema(engine)
    ingest(FilesSource(market, now), engine, now)
    engine.dispose()
    return path


def findings(ended: Ended) -> dict[str, Finding]:
    """What `doctor --json` found, by name."""
    document = json.loads(ended.out)
    assert document["ok"] == (ended.code == 0)
    found = {each["name"]: Finding(**each) for each in document["findings"]}
    assert len(found) == len(document["findings"]), "no name twice"
    for each in found.values():
        assert each.status == OK or each.do, f"{each.name} says what to do"
    return found


# What a person sees.


def test_a_database_in_order_is_a_line_per_check_and_ends_with_0(tailguard: Tailguard, stored: Path) -> None:
    ended = tailguard("doctor", "--offline")

    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("warn  configuration  source files; set in environment (4)")
    assert "the clock stands still at 2006-06-30T23:30" in lines[0]
    assert lines[1] == " " * 21 + "Remove the setting clock, unless a run of the past is to be repeated."
    assert "ok    time zone      New York's times are known (tzdata 2" in ended.out
    assert "ok    integrity      PRAGMA quick_check found nothing\n" in ended.out
    assert "ok    journal        write-ahead log (WAL)\n" in ended.out
    assert "ok    writable       yes\n" in ended.out
    assert "ok    market         the real market\n" in ended.out
    assert "warn  last run       none yet\n" in ended.out
    assert lines[-1].endswith(" checks: 0 failed, 2 warnings.")


def test_schedules_that_are_known_far_enough_ahead_are_in_order_and_one_that_ends_is_a_warning(
    tailguard: Tailguard, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for instant, status, said in (
        ("2026-11-20T18:45", OK, "FOMC decisions to 2027-12-08, no CPI release ahead, no PPI release ahead"),
        ("2027-09-20T18:45", WARN, "FOMC decisions to 2027-12-08, no CPI release ahead, no PPI release ahead"),
    ):
        monkeypatch.setenv("TAILGUARD_CLOCK", instant)
        found = findings(tailguard("doctor", "--offline", "--json"))["events"]
        assert (found.status, found.found) == (status, said)


def test_on_a_terminal_lines_are_broken_under_what_was_found(stored: Path) -> None:
    reader, writer = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "flows", "doctor", "--offline"],
        stdout=writer,
        env=os.environ | {"COLUMNS": "80", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    os.close(writer)
    printed = b""
    with suppress(OSError):
        while part := os.read(reader, 4096):
            printed += part
    os.close(reader)
    lines = printed.decode().replace("\r", "").splitlines()

    assert done.returncode == 0
    assert max(len(line) for line in lines if str(stored.parent) not in line) <= 80
    assert lines[0].startswith("warn  configuration  source files; set in environment (4)")
    assert lines[1].startswith(" " * 21)


def test_offline_leaves_everything_outside_alone(tailguard: Tailguard, stored: Path) -> None:
    names = set(findings(tailguard("doctor", "--offline", "--json")))

    assert names.isdisjoint({"files", "mail", "Slack", "Prefect", "Yahoo"})
    assert {"files", "mail", "Slack", "Prefect"} <= set(findings(tailguard("doctor", "--json")))


def test_a_database_that_is_not_there_is_a_warning_and_is_not_created(
    tailguard: Tailguard, market: Path, path: Path
) -> None:
    ended = tailguard("doctor", "--json")
    found = findings(ended)

    assert ended.code == 0
    assert found["database"] == Finding(
        "database", WARN, f"{path}: not there yet", "The first `tailguard run` or `backfill` creates it."
    )
    assert found["disk"].found.endswith(f" free at {path.parent}")
    assert "schema" not in found
    assert not path.exists()


def test_a_wrong_setting_ends_with_2_and_is_a_finding(tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_SMTP_PORT", "mail")
    ended = tailguard("doctor")
    assert ended.code == 2
    assert ended.out.startswith("fail  configuration  setting smtp_port: expected a valid integer")

    monkeypatch.delenv("TAILGUARD_SMTP_PORT")
    monkeypatch.setenv("TAILGUARD_SORUCE", "live")
    ended = tailguard("doctor", "--json")
    assert ended.code == 2
    assert "setting soruce: expected source, perhaps" in findings(ended)["configuration"].found


def test_settings_that_do_not_fit_the_calendar_end_with_2(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_EARLY_CLOSES", "2026-11-21")
    ended = tailguard("doctor", "--offline")

    assert ended.code == 2
    assert "session 2026-11-21: expected a day on which the NYSE trades" in ended.out


def test_overrides_of_the_calendar_are_shown(
    tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_UNSCHEDULED_CLOSURES", "2026-12-04")
    monkeypatch.setenv("TAILGUARD_EARLY_CLOSES", "2026-12-23")
    found = findings(tailguard("doctor", "--offline", "--json"))["calendar"]

    assert found.status == OK
    assert found.found.endswith("sessions to 2040-12-31; closed 2026-12-04; closing early 2026-12-23")


# The database.


def test_an_older_schema_fails_and_names_the_upgrade(tailguard: Tailguard, stored: Path) -> None:
    with sqlite3.connect(stored) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    ended = tailguard("doctor", "--offline", "--json")

    assert ended.code == 1
    assert findings(ended)["schema"].found.startswith("0001, older than the ")
    assert "tailguard db upgrade" in findings(ended)["schema"].do
    assert "stored data" not in findings(ended)


def test_a_newer_schema_and_none_fail_too(tailguard: Tailguard, stored: Path, tmp_path: Path) -> None:
    with sqlite3.connect(stored) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert findings(tailguard("doctor", "--offline", "--json"))["schema"].found.startswith("9999, newer than")

    sqlite3.connect(tmp_path / "empty.db").close()
    ended = tailguard("doctor", "--offline", "--json", "--database", f"sqlite:///{tmp_path / 'empty.db'}")
    assert (ended.code, findings(ended)["schema"].found) == (1, "none")


def test_a_file_that_is_no_database_fails(tailguard: Tailguard, market: Path, path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)
    ended = tailguard("doctor", "--offline", "--json")

    assert ended.code == 1
    assert findings(ended)["database"].found.endswith("file is not a database")


def test_a_damaged_file_fails_and_names_the_backup(tailguard: Tailguard, stored: Path) -> None:
    content = bytearray(stored.read_bytes())
    content[20 * 4096 : 60 * 4096] = b"\xff" * (40 * 4096)
    stored.write_bytes(bytes(content))
    ended = tailguard("doctor", "--offline", "--json")

    assert ended.code == 1
    assert findings(ended)["integrity"].status == FAIL
    assert "backup" in findings(ended)["integrity"].do


def test_a_file_that_another_program_writes_is_a_warning(tailguard: Tailguard, stored: Path) -> None:
    writer = sqlite3.connect(stored, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    found = findings(tailguard("doctor", "--offline", "--json"))["writable"]
    writer.close()

    assert (found.status, found.found) == (WARN, "another program is writing to it")


def test_a_journal_other_than_wal_is_a_warning(tailguard: Tailguard, stored: Path) -> None:
    with sqlite3.connect(stored) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    found = findings(tailguard("doctor", "--offline", "--json"))["journal"]

    assert (found.status, found.found) == (WARN, "delete, not WAL")


def test_a_source_of_another_market_fails(tailguard: Tailguard, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_SOURCE", "sample")
    ended = tailguard("doctor", "--json")

    assert ended.code == 1
    found = findings(ended)["market"]
    assert found.found == "the real market; the source is about SIMULATED, the sample market"
    assert findings(ended)["sample"].status == OK


def test_a_simulated_market_is_a_warning(tailguard: Tailguard, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_SOURCE", "sample")
    with sqlite3.connect(stored) as connection:
        connection.execute("UPDATE market SET simulated = 1")
    ended = tailguard("doctor", "--offline", "--json")

    assert ended.code == 0
    assert findings(ended)["market"].found == "SIMULATED, the sample market"


@pytest.mark.parametrize(("warn", "fail", "status"), [(10**15, 0, WARN), (10**15, 10**15, FAIL), (1, 0, OK)])
def test_little_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warn: int, fail: int, status: str
) -> None:
    monkeypatch.setattr(machine, "DISK_WARN", warn)
    monkeypatch.setattr(machine, "DISK_FAIL", fail)

    assert machine.disk(tmp_path).status == status


# Data and runs.


def test_stored_data_are_compared_with_what_was_out_when_runs_last_looked(
    tailguard: Tailguard, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert findings(tailguard("doctor", "--offline", "--json"))["stored data"] == Finding(
        "stored data", OK, f"as new as can be expected: SPX, VIX, VX, SPXTR, SPY.adjusted, DTB3, DFF, IRX to {LAST}"
    )
    # Monday's close is out, its settlements are not yet.
    monkeypatch.setenv("TAILGUARD_CLOCK", "2006-07-03T21:00")
    found = findings(tailguard("doctor", "--offline", "--json"))["stored data"]
    assert found.status == WARN
    assert found.found.startswith("SPX to 2006-06-30 (2006-07-03 is due); VIX to 2006-06-30 (2006-07-03 is due); ")
    assert "VX to" not in found.found


def test_no_stored_data_are_a_warning(tailguard: Tailguard, market: Path, path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}")
    ensure_schema(engine)
    engine.dispose()
    found = findings(tailguard("doctor", "--offline", "--json"))

    assert (found["stored data"].status, found["stored data"].found) == (WARN, "none")
    assert found["market"].found == "nothing was read yet"


@pytest.mark.parametrize(
    ("series", "at", "due"),
    [
        (SPX, "2026-11-20T16:29", "2026-11-19"),
        (SPX, "2026-11-20T16:30", "2026-11-20"),
        (VX_PREFIX, "2026-11-21T01:00", "2026-11-19"),
        (VX_PREFIX, "2026-11-21T01:10", "2026-11-20"),
        # Friday's rate comes on Monday.
        (DFF, "2026-11-22T12:00", "2026-11-19"),
        (DFF, "2026-11-23T09:30", "2026-11-20"),
        # Columbus Day: bills do not trade.
        (DTB3, "2026-10-13T18:00", "2026-10-09"),
        (DFF, "2026-10-13T18:00", "2026-10-12"),
    ],
)
def test_what_is_due_by_when(calendar: TradingCalendar, series: str, at: str, due: str) -> None:
    instant = dt.datetime.fromisoformat(at).replace(tzinfo=NEW_YORK)

    assert str(expected_day(series, calendar, instant)) == due


@pytest.mark.parametrize(
    ("at", "attempt"),
    [
        ("2026-11-20T18:59", "2026-11-20T14:30"),
        ("2026-11-20T19:00", "2026-11-20T18:45"),
        ("2026-11-22T12:00", "2026-11-21T07:30"),
    ],
)
def test_the_last_attempt_is_one_that_has_had_time_to_end(at: str, attempt: str) -> None:
    instant = dt.datetime.fromisoformat(at).replace(tzinfo=NEW_YORK)

    assert last_attempt(instant) == dt.datetime.fromisoformat(attempt).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("minutes", "ran_since", "status"),
    [(-1, False, OK), (14, False, OK), (16, False, WARN), (61, False, FAIL), (61, True, OK)],
)
def test_an_attempt_that_did_not_come_is_overdue_and_then_missed(minutes: int, ran_since: bool, status: str) -> None:
    expected = NextRun(dt.date(2026, 11, 20), NOW, NOW + dt.timedelta(hours=1))
    started = NOW + dt.timedelta(seconds=1) if ran_since else NOW - dt.timedelta(days=1)

    assert next_run(expected, started, NOW + dt.timedelta(minutes=minutes)).status == status


def test_runs_say_how_the_last_one_and_the_last_session_ended(
    tailguard: Tailguard, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_CLOCK", NOW.isoformat())
    engine = open_engine(f"sqlite:///{stored}")
    run_id = start_run(engine, "daily", "files", None, now)
    record_outcome(engine, run_id, SessionOutcome(LAST, AWAITING_DATA, "waits for VIX"), now)
    attempt = NOW + dt.timedelta(minutes=1)
    finish_run(engine, run_id, "waiting", NextRun(LAST, attempt, NOW + dt.timedelta(hours=1)), now)

    found = findings(tailguard("doctor", "--offline", "--json"))
    assert found["last run"] == Finding("last run", OK, "daily from files, ended 2026-11-20 23:45 UTC")
    assert (found["last session"].status, found["last session"].found) == (
        WARN,
        "2006-06-30 AWAITING_DATA: waits for VIX",
    )
    assert found["next run"].status == OK

    record_outcome(engine, run_id, SessionOutcome(LAST, FAILED, "too late"), now)
    monkeypatch.setenv("TAILGUARD_CLOCK", (NOW + dt.timedelta(hours=3)).isoformat())
    ended = tailguard("doctor", "--offline", "--json")
    engine.dispose()
    assert ended.code == 1
    assert findings(ended)["last session"].status == findings(ended)["next run"].status == FAIL
    assert "did not come, and its deadline Fri 2026-11-20 19:45 has passed" in findings(ended)["next run"].found


def test_a_run_that_never_ended_is_a_warning(
    tailguard: Tailguard, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(f"sqlite:///{stored}")
    start_run(engine, "daily", "files", None, now)
    engine.dispose()
    for hours, status in ((1, OK), (3, WARN)):
        monkeypatch.setenv("TAILGUARD_CLOCK", (NOW + dt.timedelta(hours=hours)).isoformat())
        assert findings(tailguard("doctor", "--offline", "--json"))["last run"].status == status


# Files.


def test_files_have_their_last_days(tailguard: Tailguard, market: Path) -> None:
    found = findings(tailguard("doctor", "--json"))["files"]

    assert found.status == OK
    assert found.found.startswith(f"{market}: yahoo/GSPC, yahoo/SP500TR, ")
    assert "28 files of VX to 2006-06-30" in found.found


def test_a_file_that_cannot_be_read_and_a_directory_that_is_not_there_fail(
    tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (market / "fred/DFF.csv").write_text("<html>")
    ended = tailguard("doctor", "--json")
    assert ended.code == 1
    assert f"{market}/fred/DFF.csv: expected a CSV file" in findings(ended)["files"].found

    monkeypatch.setenv("TAILGUARD_DATA_DIR", str(market / "none"))
    assert "nothing there" in findings(tailguard("doctor", "--json"))["files"].found
    monkeypatch.delenv("TAILGUARD_DATA_DIR")
    assert findings(tailguard("doctor", "--json"))["files"].found == "no directory is configured"


# Checks themselves.


def test_a_check_that_raises_or_hangs_is_a_failed_one_and_the_others_go_on() -> None:
    def wrong_setting() -> Finding:
        raise ConfigurationError("setting x", expected="1", got="2", do="Set it to 1.")

    def broken() -> Finding:
        raise ZeroDivisionError("division by zero")

    hang = threading.Event()
    checks = [
        Check("a", wrong_setting),
        Check("b", broken),
        Check("c", lambda: Finding("c", OK, str(hang.wait(30)))),
        Check("d", lambda: Finding("d", OK, str(hang.wait(30))), late=WARN),
        Check("e", lambda: [Finding("e", OK, "1"), Finding("f", OK, "2")]),
    ]
    started = time.monotonic()
    found = run_checks(checks, 0.3)
    hang.set()

    assert time.monotonic() - started < 2.0
    assert [(each.name, each.status) for each in found] == [
        *(("a", FAIL), ("b", FAIL), ("c", FAIL), ("d", WARN), ("e", OK), ("f", OK))
    ]
    assert found[0].found == "setting x: 2, expected 1"
    assert found[0].do == "Set it to 1."
    assert found[1].found == "the check ended with ZeroDivisionError: division by zero"
    assert found[2].found == "not known after 0.3 s"


def test_secrets_are_masked_wherever_they_stand() -> None:
    (found,) = without_secrets([Finding("a", FAIL, "no hunter22 there", "try hunter22")], ["hunter22", "", "no"])

    assert (found.found, found.do) == ("no ******** there", "try ********")


@pytest.mark.parametrize(
    ("ahead", "status", "said"),
    [
        ({}, OK, "compared with no other"),
        ({"a": 1, "b": -1}, OK, "as 2 servers have it"),
        ({"a": 50}, OK, "as 1 server have it"),
        ({"a": -86_400, "b": 2}, OK, "as 2 servers have it"),
        ({"a": 120, "b": 300}, WARN, "2 minutes behind 2 servers"),
        ({"a": -700}, FAIL, "12 minutes ahead of 1 server"),
        ({"a": 260_000, "b": 259_900}, FAIL, "3 days behind 2 servers"),
    ],
)
def test_the_clock_is_off_where_all_servers_are_on_one_side(ahead: dict[str, int], status: str, said: str) -> None:
    found = clock({name: dt.timedelta(seconds=seconds) for name, seconds in ahead.items()}, NOW)

    assert (found.status, found.found) == (status, f"2026-11-20 23:45 UTC, {said}")


# The publishers.


@dataclass
class Publisher:
    """A server of all publishers. `replies` are status, content type and body by the start of a path."""

    replies: dict[str, tuple[int, str, bytes]]
    ahead: dt.timedelta = dt.timedelta(0)
    delay: float = 0.0
    paths: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[str]:
        state = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                state.paths.append(self.path)
                state.agents.add(self.headers["User-Agent"])
                time.sleep(state.delay)
                found = [reply for start, reply in state.replies.items() if self.path.startswith(start)]
                status, content_type, body = found[0] if found else (404, "text/plain", b"not found")
                self.send_response_only(status)
                self.send_header("Date", format_datetime(dt.datetime.now(dt.UTC) + state.ahead, usegmt=True))
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that hangs up is no error."""

        httpd = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        self.url = f"http://127.0.0.1:{httpd.server_address[1]}"
        try:
            yield self.url
        finally:
            httpd.shutdown()
            thread.join()
            httpd.server_close()


CONTRACT = "/data/us/futures/market_statistics/historical_data/VX/VX_2026-08-19.csv"
SHEET = "/us/futures/market_statistics/settlement/csv/"
CHART = "/v8/finance/chart/"
RATES = "/graph/fredgraph.csv"
API = "/fred/series/observations"


def publishers(last: dt.date) -> Publisher:
    """Publishers that have everything up to a day, asked in the night of Wednesday 2026-07-29."""
    stamp = int(dt.datetime.combine(last, dt.time(9, 30), NEW_YORK).timestamp())
    chart = {"chart": {"result": [{"timestamp": [stamp], "indicators": {"quote": [{"close": [6400.0]}]}}]}}
    contract = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest\n"
    contract += f"{last},Q (Aug 2026),0,0,0,0,18.5,0,0,0,0\n"
    expiries = ((8, "19", "Q6"), (9, "16", "U6"))
    sheet = "Product,Symbol,Expiration Date,Price\n"
    sheet += "".join(f"VX,VX/{code},2026-{month:02}-{day},18.5\n" for month, day, code in expiries)
    before = last - dt.timedelta(days=1)
    rates = f"observation_date,DFF\n{before},3.63\n"
    api = {"count": 1, "observations": [{"date": str(before), "value": "3.63"}]}
    return Publisher(
        {
            CHART: (200, "application/json", json.dumps(chart).encode()),
            CONTRACT: (200, "text/csv", contract.encode()),
            SHEET: (200, "text/csv", sheet.encode()),
            RATES: (200, "text/csv", rates.encode()),
            API: (200, "application/json", json.dumps(api).encode()),
        }
    )


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Settings of the source `live` that ask a server."""

    def use(url: str) -> None:
        for name in ("YAHOO", "CBOE", "CBOE_WEB", "FRED", "FRED_API"):
            monkeypatch.setenv(f"TAILGUARD_{name}_URL", url)
        monkeypatch.setenv("TAILGUARD_CLOCK", "2026-07-30T02:00")

    return use


LIVE_NAMES = ("Yahoo", "Cboe files", "Cboe web", "FRED")


def test_publishers_are_asked_once_each_like_a_browser_and_say_their_last_day(
    tailguard: Tailguard, live: Callable[[str], None]
) -> None:
    served = publishers(dt.date(2026, 7, 29))
    with served.serving() as url:
        live(url)
        ended = tailguard("doctor", "--json")
    found = findings(ended)

    assert ended.code == 0
    host = url.removeprefix("http://")
    assert [found[name].status for name in LIVE_NAMES] == [OK] * 4
    assert found["Yahoo"].found == f"{host}: SPX to 2026-07-29"
    assert found["Cboe files"].found == f"{host}: VX_2026-08-19 to 2026-07-29"
    assert found["Cboe web"].found == f"{host}: settlements to 2026-07-29"
    assert found["FRED"].found == f"{host}: DFF to 2026-07-28"
    assert found["clock"].found.endswith(", as 4 servers have it")
    assert len(served.paths) == 4
    assert all("Mozilla" in agent for agent in served.agents)


def test_publishers_that_are_late_are_warnings(tailguard: Tailguard, live: Callable[[str], None]) -> None:
    with publishers(dt.date(2026, 7, 27)).serving() as url:
        live(url)
        ended = tailguard("doctor", "--json")
    found = findings(ended)

    assert ended.code == 0
    assert [found[name].status for name in LIVE_NAMES] == [WARN, WARN, OK, WARN]
    assert found["Yahoo"].found.endswith(": SPX to 2026-07-27, 2026-07-29 expected by now")
    assert found["FRED"].found.endswith(": DFF to 2026-07-26, 2026-07-28 expected by now")


def test_what_is_wrong_with_a_publisher_is_named(tailguard: Tailguard, live: Callable[[str], None]) -> None:
    served = publishers(dt.date(2026, 7, 29))
    served.replies |= {
        CHART: (429, "text/plain", b"Too Many Requests"),
        CONTRACT: (200, "text/html", b"<html>"),
        SHEET: (200, "text/csv", b"Product,Symbol,Expiration Date,Price\nVX,VX/U6,2026-09-16,18.5\n"),
        RATES: (503, "text/plain", b"down"),
    }
    with served.serving() as url:
        live(url)
        ended = tailguard("doctor", "--json")
    found = findings(ended)

    assert ended.code == 1
    assert (found["Yahoo"].status, found["Yahoo"].found[-26:]) == (WARN, " HTTP 429, too many requests"[-26:])
    assert "answered with an HTML page" in found["Cboe files"].found
    assert "user_agent" in found["Cboe files"].do
    assert "a shifted curve" in found["Cboe web"].found
    assert "HTTP 503" in found["FRED"].found
    assert [found[name].status for name in LIVE_NAMES[1:]] == [FAIL] * 3


def test_nonsense_from_yahoo_fails(tailguard: Tailguard, live: Callable[[str], None]) -> None:
    served = publishers(dt.date(2026, 7, 29))
    served.replies[CHART] = (200, "application/json", b'{"chart": {"result": null}}')
    with served.serving() as url:
        live(url)
        found = findings(tailguard("doctor", "--json"))["Yahoo"]

    assert (found.status, found.found.partition(": ")[2]) == (
        FAIL,
        "cannot be read, expected prices, got something else",
    )


def test_the_key_of_freds_interface_is_used_and_never_shown(
    tailguard: Tailguard, live: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_FRED_API_KEY", "s3cr3t-of-fred")
    served = publishers(dt.date(2026, 7, 29))
    with served.serving() as url:
        live(url)
        good = tailguard("doctor", "--json")
        served.replies[API] = (400, "application/json", b'{"error": "s3cr3t-of-fred is not registered"}')
        bad = tailguard("doctor")

    assert findings(good)["FRED API"].found.endswith("DFF to 2026-07-28")
    assert any("api_key=s3cr3t-of-fred" in asked for asked in served.paths)
    assert bad.code == 1
    assert "HTTP 400" in bad.out
    assert "s3cr3t" not in good.out + good.err + bad.out + bad.err


def test_a_clock_that_is_off_is_found_out(tailguard: Tailguard, live: Callable[[str], None]) -> None:
    served = publishers(dt.date(2026, 7, 29))
    with served.serving() as url:
        live(url)
        served.ahead = dt.timedelta(minutes=5)
        slow = tailguard("doctor", "--json")
        served.ahead = dt.timedelta(days=-3)
        fast = tailguard("doctor", "--json")

    assert (slow.code, findings(slow)["clock"].status) == (0, WARN)
    assert "5 minutes behind 4 servers" in findings(slow)["clock"].found
    assert (fast.code, findings(fast)["clock"].status) == (1, FAIL)
    assert "3 days ahead of 4 servers" in findings(fast)["clock"].found


def test_publishers_that_hang_are_given_up_in_time(tailguard: Tailguard, live: Callable[[str], None]) -> None:
    served = publishers(dt.date(2026, 7, 29))
    served.delay = 8.0
    with served.serving() as url:
        live(url)
        started = time.monotonic()
        ended = tailguard("doctor", "--json")
        elapsed = time.monotonic() - started

    assert ended.code == 1
    assert elapsed < 10.0
    assert {findings(ended)[name].status for name in LIVE_NAMES} == {FAIL}
    assert "no answer" in findings(ended)["FRED"].found


# Mail.


@pytest.fixture
def mail(market: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AnyPort]]:
    """Start a mail server and configure it."""
    started: list[AnyPort] = []

    def start(mailbox: Mailbox, **options: Any) -> AnyPort:
        controller = AnyPort(mailbox, hostname="127.0.0.1", port=0, **options)
        controller.start()
        started.append(controller)
        monkeypatch.setenv("TAILGUARD_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("TAILGUARD_SMTP_PORT", str(controller.port))
        monkeypatch.setenv("TAILGUARD_SMTP_SECURITY", "none")
        monkeypatch.setenv("TAILGUARD_MAIL_TO", "desk@example.com,risk@example.com")
        return controller

    yield start
    for controller in started:
        controller.stop()


def test_mail_is_tried_up_to_the_login_and_nothing_is_sent(
    tailguard: Tailguard, mail: Callable[..., AnyPort], monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = Mailbox()

    def known(_server: object, _session: object, _envelope: object, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"hunter22", handled=False)

    port = mail(mailbox, authenticator=known, auth_require_tls=False).port
    monkeypatch.setenv("TAILGUARD_SMTP_USER", "desk")
    monkeypatch.setenv("TAILGUARD_SMTP_PASSWORD", "hunter22")
    good = tailguard("doctor", "--json")
    monkeypatch.setenv("TAILGUARD_SMTP_PASSWORD", "hunter23")
    bad = tailguard("doctor")

    where = f"127.0.0.1:{port}"
    assert findings(good)["mail"] == Finding(
        "mail", OK, f"{where}, not encrypted, logged in; 2 recipients; nothing was sent"
    )
    assert bad.code == 1
    assert f"fail  mail           {where}: login refused, 535 " in bad.out
    assert "Check the settings smtp_user and smtp_password." in bad.out
    assert "hunter2" not in good.out + bad.out + bad.err
    assert mailbox.tried == mailbox.accepted == []


def test_a_mail_server_without_the_security_that_is_wanted_fails(
    tailguard: Tailguard, mail: Callable[..., AnyPort], monkeypatch: pytest.MonkeyPatch
) -> None:
    mail(Mailbox())
    monkeypatch.setenv("TAILGUARD_SMTP_SECURITY", "starttls")
    found = findings(tailguard("doctor", "--json"))["mail"]

    assert found.status == FAIL
    assert "STARTTLS extension not supported" in found.found


def test_a_mail_server_that_is_not_there_fails(
    tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("TAILGUARD_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("TAILGUARD_SMTP_PORT", str(port))
        monkeypatch.setenv("TAILGUARD_MAIL_TO", "desk@example.com")
        found = findings(tailguard("doctor", "--json"))["mail"]

    assert (found.status, found.found) == (FAIL, f"127.0.0.1:{port}: connection refused")


# Slack.


def test_slack_is_reached_and_nothing_is_posted_to_it(
    tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Publisher({})
    with served.serving() as url:
        monkeypatch.setenv("TAILGUARD_SLACK_WEBHOOK_URL", f"{url}/services/T0SECRET/B0SECRET/s3cr3t")
        ended = tailguard("doctor", "--json")

    found = findings(ended)["Slack"]
    assert found.status == WARN, "it is not https, and not Slack's host"
    assert "not tested beyond reaching 127.0.0.1:" in found.found
    assert served.paths == ["/"]
    assert "SECRET" not in ended.out
    assert "s3cr3t" not in ended.out


def test_a_slack_host_that_is_not_there_fails_without_showing_the_address(
    tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_SLACK_WEBHOOK_URL", "https://slack.invalid/services/T0SECRET/B0SECRET/s3cr3t")
    ended = tailguard("doctor", "--json")

    assert findings(ended)["Slack"].found == "slack.invalid: ConnectError"
    assert "s3cr3t" not in ended.out


# Prefect.


def test_without_a_prefect_server_runs_start_their_own(tailguard: Tailguard, market: Path) -> None:
    found = findings(tailguard("doctor", "--json"))["Prefect"]

    assert (found.status, found.found[:16]) == (OK, "no server is set")


def test_the_server_is_that_of_the_environment_or_of_the_active_profile(tmp_path: Path) -> None:
    environment = {"PREFECT_HOME": str(tmp_path)}
    assert configured_server(environment) is None
    (tmp_path / "profiles.toml").write_text(
        'active = "desk"\n[profiles.desk]\nPREFECT_API_URL = "http://desk:4200/api/"\nPREFECT_API_KEY = "pnu_1"\n'
        '[profiles.other]\nPREFECT_API_URL = "http://other:4200/api"\n[profiles.none]\n'
    )

    found = configured_server(environment)
    assert found is not None
    assert (found.url, found.origin, found.key) == ("http://desk:4200/api", "profile desk", "pnu_1")
    assert "pnu_1" not in repr(found)
    other = configured_server(environment | {"PREFECT_PROFILE": "other"})
    assert other is not None
    assert other.url == "http://other:4200/api"
    assert configured_server(environment | {"PREFECT_PROFILE": "none"}) is None
    wins = configured_server(environment | {"PREFECT_API_URL": "http://here:4200/api"})
    assert wins is not None
    assert (wins.url, wins.origin) == ("http://here:4200/api", "environment")
    (tmp_path / "profiles.toml").write_text("not toml")
    assert configured_server(environment) is None


def test_a_prefect_server_that_is_not_there_fails(
    tailguard: Tailguard, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.invalid/api")
    ended = tailguard("doctor", "--json")

    assert ended.code == 1
    assert findings(ended)["Prefect"].found == "prefect.invalid (environment): ConnectError"


def test_the_deployments_looked_for_are_those_of_prefect_yaml() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]

    assert {each["name"]: bool(each["schedules"]) for each in declared} == DEPLOYMENTS


def test_a_prefect_server_is_asked_for_the_deployments_and_their_schedules(
    tailguard: Tailguard, market: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect_server)

    def deployments() -> Finding:
        ended = tailguard("doctor", "--json")
        assert findings(ended)["Prefect"].status == OK
        assert " answers, version 3." in findings(ended)["Prefect"].found
        return findings(ended)["deployments"]

    absent = deployments()
    assert (absent.status, absent.found) == (WARN, f"not there: {', '.join(DEPLOYMENTS)}")
    assert "prefect deploy --all" in absent.do

    with httpx.Client(base_url=prefect_server) as client:
        flow = client.post("/flows/", json={"name": "doctor"}).raise_for_status().json()["id"]
        schedule = {"active": True, "schedule": {"cron": "45 18 * * 1-5", "timezone": "America/New_York"}}
        keys = {
            name: client.post(
                "/deployments/",
                json={"name": name, "flow_id": flow, "schedules": [schedule] if scheduled else []},
            )
            .raise_for_status()
            .json()["id"]
            for name, scheduled in DEPLOYMENTS.items()
        }
        daily, health = keys["daily-after-close"], keys["health-check"]
        assert deployments().found.startswith("schedules, and no run ahead: daily-after-close, health-check; no worker")
        for key in (daily, health):
            client.post(f"/deployments/{key}/schedule", json={}).raise_for_status()
        waiting = deployments()
        idle = "no worker looks for its runs: daily-after-close, health-check"
        assert (waiting.status, waiting.found) == (WARN, idle)
        client.post("/deployments/get_scheduled_flow_runs", json={"deployment_ids": [daily, health]}).raise_for_status()
        # The server notes who asked after it has answered.
        wanted = Finding("deployments", OK, f"{', '.join(DEPLOYMENTS)}; 2 active schedules")
        until = time.monotonic() + 20
        while (found := deployments()) != wanted and time.monotonic() < until:
            time.sleep(0.2)
        assert found == wanted
        client.patch(f"/deployments/{daily}", json={"paused": True}).raise_for_status()
        assert deployments().found == "paused: daily-after-close"
        for key in keys.values():
            client.delete(f"/deployments/{key}").raise_for_status()
