"""The first run anywhere: live if the network allows, else on a market that says it is simulated."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flows.cli.quickstart import _check_clock, _market
from flows.wiring import services
from reports.view import SIMULATED
from signals.errors import ConfigurationError
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.engine import open_engine
from storage.schema import SCHEMA_REVISION, upgrade
from storage.unit_of_work import UnitOfWork
from tests.conftest import RECORDED_LAST
from tests.flows.conftest import Tailguard
from tests.live_servers import LiveServers, Reply, live_servers

pytestmark = pytest.mark.server

#: After Cboe has published the last session that is recorded.
MORNING = dt.datetime(2026, 7, 30, 6, 0, tzinfo=dt.UTC)
NOWHERE = "http://127.0.0.1:9"

#: What is printed, and the session that is shown.
GoneOn = Callable[[], tuple[str, dt.date]]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens where the live sources are asked."""
    for name in ("YAHOO", "CBOE", "CBOE_WEB", "FRED"):
        monkeypatch.setenv(f"TAILGUARD_{name}_URL", NOWHERE)
    monkeypatch.setenv("TAILGUARD_CLOCK", MORNING.isoformat())


@pytest.fixture
def online(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServers]:
    """Servers that answer as the publishers would have on the morning after the last recorded session."""
    with live_servers(data_dir, MORNING) as servers:
        for variable, address in servers.settings.items():
            monkeypatch.setenv(variable, address)
        monkeypatch.setenv("TAILGUARD_SOURCE_SPACING_SECONDS", "0")
        monkeypatch.setenv("TAILGUARD_CLOCK", MORNING.isoformat())
        yield servers


@pytest.fixture
def without_hedges(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what no hedge matters to: their books of twenty years take seconds."""
    monkeypatch.setenv("TAILGUARD_HEDGES", "")


@pytest.fixture
def gone_on(capsys: pytest.CaptureFixture[str]) -> GoneOn:
    """Choose the market as the command does; it has to go on with the sample market.

    What it makes of that market is the same whatever the reason; `test_without_a_network_...` sees it to its end.
    """

    def choose() -> tuple[str, dt.date]:
        source, session = _market(services(), sample=False)
        printed = capsys.readouterr()
        assert printed.err == ""
        assert printed.out.endswith("Going on with the sample market: every number below is SIMULATED.\n")
        assert (source.name, source.simulated) == ("sample", True)
        return printed.out, session

    return choose


def test_without_a_network_it_ends_with_a_simulated_report_a_page_and_three_commands(
    offline: None, prefect_server: str, tailguard: Tailguard, tmp_path: Path
) -> None:
    first = tailguard("quickstart", "--directory", "look")

    assert (first.code, first.err) == (0, "")
    assert "No live data: no usable answer from 127.0.0.1:9" in first.out
    assert "Going on with the sample market: every number below is SIMULATED." in first.out
    report = first.out[first.out.index("SIMULATED S&P 500 Dynamic VEQTOR, session Wednesday 2026-07-29\n") :]
    assert " ".join(SIMULATED.split()) in " ".join(report.split())
    assert "traceback" not in first.out.lower()
    page = tmp_path / "look" / "sample-2026-07-29.html"
    assert f"As a page: {page}" in first.out
    assert page.read_text().count("SIMULATED") >= 4
    # What one session can show: the table cell and the VX curve.
    assert page.read_text().count("data:image/png;base64,") == 2
    written = {path.name for path in page.parent.iterdir() if not path.name.endswith(("-wal", "-shm"))}
    assert written == {"sample-2026-07-29.db", "sample-2026-07-29.html"}

    database = f"sqlite:///look/{page.stem}.db"
    assert json.loads(tailguard("status", "--json", "--database", database).out)["simulated"]
    assert "SIMULATED" in tailguard("status", "--database", database).out
    assert json.loads(tailguard("report", "list", "--json", "--database", database).out)[0]["simulated"]
    assert tailguard("report", "list", "--database", database).out.rstrip().endswith("SIMULATED")
    assert tailguard("outbox", "list", "--database", database).out.startswith("SIMULATED")

    commands = re.findall(r"^  (tailguard .*)$", first.out[first.out.index("\nNext:\n") :], re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        done = tailguard(*command.split()[1:])
        assert (done.code, done.err) == (0, ""), command
    shown, history = tailguard(*commands[0].split()[1:]), tailguard(*commands[1].split()[1:])
    assert shown.out.rstrip() in first.out
    assert history.out.splitlines()[0].endswith(",market")
    assert {line.rpartition(",")[2] for line in history.out.splitlines()[1:]} == {"SIMULATED"}

    again = tailguard("quickstart", "--directory", "look")
    assert again.code == 0
    assert again.out[again.out.index("SIMULATED S&P 500") :] == report


def test_the_sample_market_is_the_same_whatever_the_day_it_ends_on(
    offline: None, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("history", "--source", "sample", "--start", "2026-07-01", "--end", "2026-07-20")
    before = tailguard(*arguments)
    monkeypatch.setenv("TAILGUARD_CLOCK", "2026-07-21T08:00")
    assert (tailguard(*arguments).out, before.code) == (before.out, 0)


def test_with_a_network_the_decision_is_that_of_the_whole_history(
    online: LiveServers, prefect_server: str, tailguard: Tailguard, recorded_signals: VeqtorSignals, tmp_path: Path
) -> None:
    done = tailguard("quickstart", "--directory", "look")

    assert (done.code, done.err) == (0, "")
    assert "SIMULATED" not in done.out
    database = f"sqlite:///{tmp_path / 'look' / f'live-{RECORDED_LAST}.db'}"
    found = json.loads(tailguard("report", "show", "--json", "--database", database).out)
    whole = signal_report(recorded_signals, RECORDED_LAST, 1e6)
    assert found["verdict"] == whole.verdict
    assert found["target"] == vars(whole.target)
    assert found["instruction"]["legs"][0]["target"] == whole.instruction.legs[0].target
    assert not found["simulated"]
    assert found["levels_since"] > "2026-03-01"
    assert f"100,000 on {found['levels_since']}, but for" in " ".join(done.out.split())
    # Seventy sessions, and no more contracts than were alive in them.
    assert 10 <= len([path for path in online.cboe.paths if "VX_" in path]) <= 13
    assert "tailguard run" in done.out[done.out.index("\nNext:\n") :]


@pytest.mark.usefixtures("without_hedges")
def test_before_the_settlements_are_out_the_session_before_is_shown(
    data_dir: Path, online: LiveServers, prefect_server: str, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = dt.datetime(2026, 7, 29, 23, 0, tzinfo=dt.UTC)
    monkeypatch.setenv("TAILGUARD_CLOCK", evening.isoformat())
    with live_servers(data_dir, evening) as servers:
        for name in ("yahoo", "cboe", "cboe_web", "fred"):
            getattr(online, name).usual = getattr(servers, name).usual
            getattr(online, name).date = evening
        # Neither is the sheet of the day.
        online.cboe_web.instead = lambda _path: Reply(b"Product,Symbol,Expiration Date,Price\n")
        done = tailguard("quickstart")
    assert (done.code, done.err) == (0, "")
    assert "S&P 500 Dynamic VEQTOR, session Tuesday 2026-07-28\n" in done.out


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("cboe", r"no usable answer from 127\.0\.0\.1:9 \(.*\), answers from 127\.0\.0\.1:\d+ and 127\.0\.0\.1:\d+"),
        ("yahoo", r"no usable answer from 127\.0\.0\.1:9"),
    ],
)
def test_half_a_network_is_no_network_and_the_reason_says_which_half(
    online: LiveServers, gone_on: GoneOn, monkeypatch: pytest.MonkeyPatch, broken: str, said: str
) -> None:
    monkeypatch.setenv(f"TAILGUARD_{broken.upper()}_URL", NOWHERE)
    out, _ = gone_on()
    assert re.search(said, out)


def test_a_proxy_that_answers_with_a_page_is_named(online: LiveServers, gone_on: GoneOn) -> None:
    page = Reply(b"<html><body>Please log in</body></html>", content_type="text/html")
    online.cboe.instead = online.fred.instead = lambda _path: page
    out, _ = gone_on()
    assert "a web page" in out or "an HTML page" in out


def test_a_stale_publisher_is_not_taken_for_the_last_session(
    online: LiveServers, gone_on: GoneOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The settlements have stalled for a week.
    monkeypatch.setenv("TAILGUARD_CLOCK", "2026-08-07T08:00")
    for server in (online.cboe, online.cboe_web, online.fred):
        server.date = dt.datetime(2026, 8, 7, 12, 0, tzinfo=dt.UTC)
    out, session = gone_on()
    assert "nothing after 2026-07-29" in out
    assert session == dt.date(2026, 8, 6)


def test_a_clock_that_is_far_off_is_told(online: LiveServers, gone_on: GoneOn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAILGUARD_CLOCK")
    for server in (online.cboe, online.cboe_web, online.fred):
        server.date = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    out, _ = gone_on()
    assert "No live data: clock: expected" in out
    assert "Set the clock of this computer" in " ".join(out.split())


def test_a_clock_before_the_product_was_made_is_refused() -> None:
    work = services()
    _check_clock(work)
    with pytest.raises(ConfigurationError, match="clock: expected a day in 2026 or later, got 1999-12-31 23:00 UTC"):
        _check_clock(replace(work, clock=lambda: dt.datetime(1999, 12, 31, 23, tzinfo=dt.UTC)))


def test_a_database_of_another_version_is_left_alone_and_named(
    offline: None, tailguard: Tailguard, tmp_path: Path
) -> None:
    path = tmp_path / "quickstart" / "sample-2026-07-29.db"
    path.parent.mkdir()
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    engine.dispose()

    done = tailguard("quickstart", "--sample")

    assert done.code == 2
    expected = f"sample-2026-07-29.db: expected schema {SCHEMA_REVISION}, got schema 0001, from another version"
    assert expected in done.err
    assert "Move it away, or name another directory with --directory." in done.err
    assert not list(path.parent.glob("*.html"))


@pytest.mark.usefixtures("without_hedges")
def test_a_page_that_cannot_be_written_is_named(
    offline: None, prefect_server: str, tailguard: Tailguard, tmp_path: Path
) -> None:
    (tmp_path / "quickstart" / "sample-2026-07-29.html").mkdir(parents=True)
    done = tailguard("quickstart", "--sample")
    assert done.code == 2
    assert "SIMULATED S&P 500 Dynamic VEQTOR" in done.out
    assert "sample-2026-07-29.html: expected one that can be written, got Is a directory" in done.err
    assert not list((tmp_path / "quickstart").glob(".*"))


def test_a_directory_that_is_a_file_or_cannot_be_written_is_named(tailguard: Tailguard, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    done = tailguard("quickstart", "--directory", "taken/below")
    assert (done.code, done.out) == (2, "")
    assert "directory taken/below: expected one that can be written, got Not a directory" in done.err


def test_a_directory_that_no_database_address_can_name_is_refused(tailguard: Tailguard, tmp_path: Path) -> None:
    done = tailguard("quickstart", "--directory", "what?")
    assert done.code == 2
    assert "got one with ?, % or #" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission_is_named(tailguard: Tailguard, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    done = tailguard("quickstart", "--directory", "locked")
    assert (done.code, done.out) == (2, "")
    assert "directory locked: expected one that can be written" in done.err


@pytest.mark.usefixtures("without_hedges")
def test_recipients_hear_nothing_of_a_quickstart(
    online: LiveServers, prefect_server: str, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TAILGUARD_SLACK_WEBHOOK_URL", f"{online.fred.url}/hook")
    assert tailguard("quickstart", "--directory", "look").code == 0
    assert "/hook" not in online.fred.paths
    engine = open_engine(f"sqlite:///{tmp_path / 'look' / f'live-{RECORDED_LAST}.db'}")
    with UnitOfWork(engine) as work:
        assert work.outbox.counts() == {}


@pytest.mark.parametrize("after", [1.5, 7.0])
def test_ctrl_c_at_any_time_ends_soon_with_one_sentence(tmp_path: Path, data_dir: Path, after: float) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "TAILGUARD_"))}
    with live_servers(data_dir, MORNING) as servers:
        silent = Reply(b"", silent=True)
        servers.cboe.instead = lambda _path: silent if after < 5 else None
        environment |= servers.settings | {
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "TAILGUARD_CLOCK": MORNING.isoformat(),
            "TAILGUARD_YAHOO_URL": servers.yahoo.url if after < 5 else NOWHERE,
        }
        command = [Path(sys.executable).parent / "tailguard", "quickstart"]
        run = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        time.sleep(after)
        os.killpg(run.pid, signal.SIGINT)
        interrupted_at = time.monotonic()
        out, err = run.communicate(timeout=60)
        took = time.monotonic() - interrupted_at

    assert run.returncode == 130, (out, err)
    assert err.strip() == "Interrupted. What was stored stays; run it again to go on."
    assert took < 15
    assert not list(tmp_path.glob("quickstart/*.html"))
    for path in tmp_path.glob("quickstart/*.db"):
        with open_engine(f"sqlite:///{path}").connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
