"""docs/operations.md, from nothing to a service: its commands, with a real server, worker, mail server and webhook."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, make_url

from flows.settings import Settings
from storage.engine import open_engine
from storage.schema import require_schema
from storage.unit_of_work import UnitOfWork
from tests.conftest import ROOT
from tests.flows.conftest import Mailbox, Tailguard, delete, free_port, webhook
from tests.market_files import write_market
from tests.postgresql import Server
from tests.storage.conftest import DAY, add_reports, new_report

pytestmark = pytest.mark.server

DOCUMENT = (ROOT / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", DOCUMENT, re.DOTALL)
COMMANDS = [" ".join(line.split()) for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]

SERVER = "prefect server start --host 127.0.0.1"
WORKER = "prefect worker start --pool tailguard --limit 4"
PROGRAMS = "make -C /opt/tailguard .venv/.installed"
SETTINGS = ["tailguard init", "tailguard db upgrade"]
DEPLOY = [
    "prefect work-pool create tailguard --type process",
    "prefect --no-prompt deploy --all --prefect-file /opt/tailguard/prefect.yaml",
]
ALERTS = [
    "python /opt/tailguard/ops/alert_block.py",
    "tailguard automations install",
]
TRY = ["prefect deployment run health-check/health-check", "prefect deployment run daily/daily-after-close"]
#: In the middle of which the power fails.
BACKFILL = "prefect deployment run backfill/backfill-manual --param start=2006-06-28 --param end=2006-06-29"
LOOK = ["tailguard status", "tailguard status --max-age 52h", "tailguard doctor --offline"]
BACKUP = "/opt/tailguard/ops/backup.sh /var/lib/tailguard/tailguard.db /var/lib/tailguard/backup"
RESTORE = [
    "mkdir -p broken",
    "mv tailguard.db tailguard.db-wal tailguard.db-shm broken/",
    "cp backup/tailguard-Fri.db tailguard.db",
    "tailguard db current",
    "tailguard status",
]
CATCH_UP = [
    "tailguard outbox list --state PENDING",
    "tailguard outbox confirm 12 13",
    "tailguard backfill --start 2026-11-20 --end 2026-11-25 --told",
    "tailguard report list",
]
POSTGRESQL = [
    "pg_dump --format=custom --file=tailguard.dump --dbname=tailguard",
    "pg_restore --exit-on-error --no-owner --dbname=tailguard_restored tailguard.dump",
]
EXECUTED = {
    SERVER,
    WORKER,
    PROGRAMS,
    BACKUP,
    *SETTINGS,
    *DEPLOY,
    *ALERTS,
    *TRY,
    *LOOK,
    *RESTORE,
    *CATCH_UP,
    *POSTGRESQL,
}
#: Executed in tests/flows/test_automations.py.
EXECUTED |= {"tailguard automations show"}
#: First words of commands that no test executes, and why.
NOT_EXECUTED = {
    "useradd": "needs root, and would change the machine of whoever runs the tests",
    "install": "writes below /etc as root",
    "cp /opt/tailguard/ops/systemd": "writes below /etc as root; the units are verified by systemd-analyze",
    "systemctl": "needs a running systemd; what the units start is executed by hand",
    "systemd-run": "needs a running systemd",
    "docker": "needs a Docker engine",
}


def test_every_command_of_the_page_is_executed_or_has_a_reason() -> None:
    skipped = [command for command in COMMANDS if command.startswith(tuple(NOT_EXECUTED))]
    assert set(COMMANDS) - set(skipped) == EXECUTED
    for start in NOT_EXECUTED:
        assert any(command.startswith(start) for command in skipped), f"{start} is no command any more"


@dataclass
class Service:
    """A host of its own: a home of the service, somewhere else, and its environment."""

    home: Path
    elsewhere: Path
    environment: dict[str, str]
    posts: list[dict[str, Any]]

    def words(self, command: str) -> list[str]:
        """A command of the page, with the directories of this test."""
        words = command.replace("/opt/tailguard", str(ROOT)).replace("/var/lib/tailguard", str(self.home))
        return shlex.split(words)

    def run(self, command: str, *, code: int = 0) -> str:
        """Run a command of the page in the home of the service; returns what it printed."""
        done = subprocess.run(
            self.words(command), cwd=self.home, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def clock(self, instant: str) -> None:
        """Let the service believe it is then: read from .env in its home by each run."""
        (self.home / ".env").write_text(f"TAILGUARD_CLOCK={instant}\n")

    def ask(self, path: str, body: object) -> Any:
        """Ask the server."""
        answer = httpx.post(f"{self.environment['PREFECT_API_URL']}/{path}", json=body, timeout=30)
        return answer.raise_for_status().json()

    def runs(self, flow: str, part: str = "name") -> list[str]:
        """The names, or the types, of the states of a flow's runs that are not in the future."""
        known = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found, now = self.ask("flow_runs/filter", known), dt.datetime.now(dt.UTC)
        return [run["state"][part] for run in found if dt.datetime.fromisoformat(run["expected_start_time"]) < now]

    def start(self, command: str, worker: Started) -> str:
        """Start a run with a command, and wait until it runs; returns its id."""
        (flow_run,) = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4,12}){4}", self.run(command))[:1]
        wait_until(lambda: self._state(flow_run) == "RUNNING", worker.said)
        return str(flow_run)

    def _state(self, flow_run: str) -> Any:
        address = f"{self.environment['PREFECT_API_URL']}/flow_runs/{flow_run}"
        return httpx.get(address, timeout=30).raise_for_status().json()["state"]["type"]

    def settled(self, flow: str) -> bool:
        """Whether all of them have ended; states on the way there have many names."""
        return not {"SCHEDULED", "PENDING", "RUNNING"} & set(self.runs(flow, "type"))


def wait_until(happens: Callable[[], object], what: Callable[[], object], seconds: float = 90) -> None:
    """Wait for something; fails with what is there instead."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, what()
        time.sleep(0.2)


@dataclass(frozen=True)
class Started:
    """A process, and the file of what it prints."""

    log: Path
    pid: int

    def said(self) -> str:
        return self.log.read_text()

    def kill(self, flow_run: str = "") -> None:
        """Kill it, and whatever it started, or only the processes of one flow run, without a warning."""
        for each in [*_descendants(self.pid), *([] if flow_run else [self.pid])]:
            if flow_run.encode() in Path(f"/proc/{each}/environ").read_bytes():
                os.kill(each, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [each for child in children for each in (*_descendants(child), child)]


@contextmanager
def process(words: list[str], directory: Path, environment: dict[str, str]) -> Iterator[Started]:
    """A process that runs meanwhile."""
    log = directory.parent / f"{directory.name}-{words[1]}.log"
    with log.open("w") as stream:
        running = subprocess.Popen(
            words, cwd=directory, env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield Started(log, running.pid)
        finally:
            running.terminate()
            running.wait(timeout=60)


@pytest.fixture
def service(tmp_path: Path, mailbox: Mailbox) -> Iterator[Service]:
    """A clean machine with this installation: settings in the environment, and the made-up market as files."""
    port = free_port()
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    for line in (ROOT / "ops" / "tailguard.env.example").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            environment[name] = value.replace("/var/lib/tailguard", str(home)).replace(":4200/", f":{port}/")
    with webhook() as channel:
        environment |= {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TAILGUARD_SOURCE": "files",
            "TAILGUARD_DATA_DIR": str(write_market(tmp_path / "market")),
            "TAILGUARD_SLACK_WEBHOOK_URL": channel.address,
            "PREFECT_SERVER_API_PORT": str(port),
            "PREFECT_SERVER_METRICS_ENABLED": "true",
            # Only so that the test is quick.
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
            "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
        }
        yield Service(home, elsewhere, environment, channel.posts)


def test_a_clean_machine_becomes_a_service_that_emits_delivers_and_speaks_up(
    service: Service, mailbox: Mailbox
) -> None:
    home, environment, api = service.home, service.environment, service.environment["PREFECT_API_URL"]
    with ExitStack() as stack:
        server = stack.enter_context(process(service.words(SERVER), home, environment))
        for command in (PROGRAMS, *SETTINGS):
            service.run(command)
        service.clock("2006-06-30T18:45")
        wait_until(lambda: _answers(f"{api}/health"), server.said)
        for command in DEPLOY:
            service.run(command)
        worker = stack.enter_context(process(service.words(WORKER), service.elsewhere, environment))
        for command in ALERTS:
            service.run(command)

        # The scheduler brings a run; while it runs, a person runs one too, and asks for a further one.
        deployments = {each["name"]: each["id"] for each in service.ask("deployments/filter", {})}
        schedules = f"deployments/{deployments['daily-after-close']}/schedules"
        (added,) = service.ask(schedules, [{"schedule": {"interval": 10, "anchor_date": "2026-01-01T00:00:00Z"}}])
        wait_until(lambda: {"PENDING", "RUNNING"} & set(service.runs("daily", "type")), worker.said)
        delete(f"{api}/{schedules}/{added['id']}")
        by_hand = subprocess.Popen(
            ["tailguard", "run"], cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        service.run(TRY[1])
        said, _ = by_hand.communicate(timeout=90)
        assert (by_hand.returncode, "2006-06-30: " in said) == (0, True), said
        wait_until(lambda: len(service.runs("daily")) >= 3 and service.settled("daily"), worker.said)
        assert Counter(service.runs("daily"))["Emitted"] == 1
        assert set(service.runs("daily")) == {"Emitted", "AlreadyEmitted"}
        assert len(mailbox.bodies) == 2
        assert len(service.posts) == 1
        assert sorted(path.name for path in service.elsewhere.iterdir()) == []
        shown = [service.run(command) for command in LOOK]
        assert shown[0] == shown[1]
        assert "2006-06-30  EMITTED  (revision 1)" in shown[0]

        # Five days later nothing has come: the health check tells recipients, the server speaks up, and so does the
        # check that needs none.
        service.clock("2006-07-05T15:31")
        service.run(TRY[0])
        wait_until(lambda: len(service.posts) == 3, worker.said)
        assert len(mailbox.bodies) == 4
        assert service.posts[1]["text"] == "NO SIGNAL VEQTOR 2006-07-03: no run emitted it in time"
        assert service.posts[2]["text"].startswith(
            "tailguard: NoSignal\nNoSignal: session 2006-07-03 has no report, and its deadline, Wed 2006-07-05 15:30"
        )
        # The schedule may have brought one of its own meanwhile.
        assert "NoSignal" in service.runs("health-check")
        assert service.run(LOOK[1], code=1).startswith("NoSignal: session 2006-07-03 has no report")
        assert "process_resident_memory_bytes" in httpx.get(f"{api}/metrics").text

        # A run that is killed alone is entered as crashed, by a worker that finds our modules.
        service.clock("2006-06-30T18:45")
        rates = Path(environment["TAILGUARD_DATA_DIR"]) / "fred" / "DFF.csv"
        content = rates.read_bytes()
        rates.unlink()
        os.mkfifo(rates)
        killed, before = service.start(BACKFILL, worker), len(worker.said())
        worker.kill(killed)
        wait_until(lambda: service.runs("backfill") == ["Crashed"], worker.said)

        # The power fails while a backfill and a daily run are at work.
        service.start(BACKFILL, worker)
        service.start(TRY[1], worker)
        assert "Traceback" not in worker.said()[before:]
        for each in (worker, server):
            each.kill()
    rates.unlink()
    rates.write_bytes(content)
    _let_pass(home / "prefect" / "concurrency_leases", dt.timedelta(minutes=10))
    with ExitStack() as stack:
        server = stack.enter_context(process(service.words(SERVER), home, environment))
        worker = stack.enter_context(process(service.words(WORKER), service.elsewhere, environment))
        wait_until(lambda: _answers(f"{api}/health"), server.said)
        done = Counter(service.runs("daily"))["AlreadyEmitted"]
        for command in (BACKFILL, TRY[1]):
            service.run(command)
        wait_until(lambda: Counter(service.runs("daily"))["AlreadyEmitted"] == done + 1, worker.said)
        wait_until(lambda: service.runs("backfill") == ["Crashed", "Running", "Completed"], worker.said)


def _let_pass(leases: Path, time: dt.timedelta) -> None:
    """Let a server that is not running believe that it was away for so long."""
    stamps = re.compile(r'(?<=": ")\d{4}-\d\d-\d\dT[^"]+')
    found = list(leases.glob("*.json"))
    assert len(found) == 2, "the lease of the backfill, and the list of leases"
    for path in found:
        earlier = stamps.sub(lambda stamp: (dt.datetime.fromisoformat(stamp[0]) - time).isoformat(), path.read_text())
        path.write_text(earlier)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def evenings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service whose evenings are runs of this process, with a database in its home."""
    home = tmp_path / "home"
    home.mkdir()
    with webhook() as channel:
        settings = {
            "DATABASE_URL": f"sqlite:///{home / 'tailguard.db'}",
            "SOURCE": "files",
            "DATA_DIR": str(write_market(tmp_path / "market")),
            "SLACK_WEBHOOK_URL": channel.address,
            "CLOCK": "2006-06-27T18:45",
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"TAILGUARD_{name}", value)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        yield Service(home, tmp_path, dict(os.environ) | {"PATH": path}, channel.posts)


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="no sqlite3 here")
@pytest.mark.usefixtures("prefect_server")
def test_a_backup_made_while_a_run_writes_is_restored_as_the_page_says_and_nothing_is_sent_twice(
    evenings: Service, mailbox: Mailbox, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, database = evenings.home, evenings.home / "tailguard.db"

    def received() -> tuple[int, int]:
        return len(mailbox.bodies), len(evenings.posts)

    def at(instant: str, *words: str, code: int = 0) -> str:
        monkeypatch.setenv("TAILGUARD_CLOCK", instant)
        ended = tailguard(*words)
        assert ended.code == code, ended
        return ended.out

    mailbox.answer = "451 later"
    at("2006-06-27T18:45", "run", code=4)
    writer = open_engine(f"sqlite:///{database}")
    with writer.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET attempts = 100")
        # What was just written is in the log beside the file, and the transaction is open.
        assert (home / "tailguard.db-wal").exists()
        evenings.run(BACKUP)
        evenings.run(BACKUP)
        connection.rollback()
    writer.dispose()
    (backup,) = (home / "backup").iterdir()
    assert backup.stat().st_mode & 0o077 == 0
    before = evenings.run("tailguard status", code=4)
    mailbox.answer = "250 OK"
    for day in (28, 29):
        at(f"2006-06-{day}T18:45", "run")
    assert received() == (6, 3)

    database.write_bytes(b"broken")
    for name in ("tailguard.db-wal", "tailguard.db-shm"):
        (home / name).touch()
    backup.rename(backup.with_name("tailguard-Fri.db"))
    shown = [evenings.run(command, code=4 if command == RESTORE[-1] else 0) for command in RESTORE]
    assert shown[-2].endswith(", the newest.\n")
    assert shown[-1] == before
    assert "2006-06-27  EMITTED" in before

    listed, confirmed, told, reports = [command.split()[1:] for command in CATCH_UP]
    tonight = "2006-06-29T22:00"
    waiting = re.findall(r"^ *(\d+)  2006-06-27 r1  email ", at(tonight, *listed), re.MULTILINE)
    assert len(waiting) == 2
    assert at(tonight, *confirmed[:2], *waiting).count("SENT, confirmed by a person at 2006-06-30 02:00 UTC") == 2
    dates = {"2026-11-20": "2006-06-27", "2026-11-25": "2006-06-29"}
    said = " ".join(at(tonight, *(dates.get(word, word) for word in told)).split())
    assert "3 sessions: 2 EMITTED, 1 there already" in said
    assert "told before: email to desk@example.com, email to risk@example.com, slack to webhook. Nothing" in said
    assert "2006-06-29" in at(tonight, *reports)

    # The next attempt finds nothing to send, and no session that it would call missed.
    assert "ALREADY_EMITTED" in at("2006-06-30T07:30", "run")
    assert received() == (6, 3)
    messages = json.loads(at("2006-06-30T07:30", "outbox", "list", "--json"))
    assert [(item["state"], item["alert"]) for item in messages] == [("SENT", None)] * 9


@pytest.mark.skipif(not shutil.which("pg_dump"), reason="no pg_dump here")
def test_a_dump_of_postgresql_is_restored_as_the_page_says(tmp_path: Path, postgresql: Server) -> None:
    url = make_url(postgresql.database())
    restored = f"{url.database}_restored"
    host, port = str(url.query.get("host", url.host)), str(url.port or 5432)
    login = {"PGHOST": host, "PGPORT": port, "PGUSER": str(url.username), "PGPASSWORD": str(url.password or "")}
    service = Service(tmp_path, tmp_path, dict(os.environ) | login, [])
    engine = open_engine(url.render_as_string(hide_password=False))
    add_reports(engine, new_report(DAY))
    engine.dispose()
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {restored}")
        try:
            for command in POSTGRESQL:
                service.run(command.replace("--dbname=tailguard", f"--dbname={url.database}"))
            engine = open_engine(url.set(database=restored).render_as_string(hide_password=False))
            require_schema(engine)
            with UnitOfWork(engine) as work:
                assert [report.session for report in work.reports.recent(10)] == [DAY]
            engine.dispose()
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {restored} WITH (FORCE)")
    admin.dispose()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (ROOT / "ops" / "systemd").iterdir():
        # Where the programs are that this test has.
        text = unit.read_text().replace("/opt/tailguard/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text.replace("/opt/tailguard", str(ROOT)))
    units = sorted(str(unit) for unit in tmp_path.glob("*.*"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(units) == 8


def test_units_and_environment_name_settings_that_exist() -> None:
    examples = "".join(path.read_text() for path in (ROOT / "ops").glob("*.env.example"))
    names = re.findall(r"^#?(TAILGUARD_\w+)=", examples, re.MULTILINE)
    assert {name.removeprefix("TAILGUARD_").lower() for name in names} <= set(Settings.model_fields)
    commands = [unit.read_text() for unit in (ROOT / "ops" / "systemd").glob("*.service")]
    for command in (SERVER, WORKER, "tailguard status --max-age 52h"):
        assert sum(f"ExecStart=/opt/tailguard/.venv/bin/{command}" in text for text in commands) == 1
