"""docs/operations.md, from nothing to a service: its commands, with a real server, worker, mail server and webhook."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
import shutil
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
from tests.flows.conftest import Mailbox, free_port, webhook
from tests.market_files import write_market
from tests.postgresql import Server
from tests.storage.conftest import DAY, add_reports, new_report

pytestmark = pytest.mark.server

DOCUMENT = (ROOT / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", DOCUMENT, re.DOTALL)
COMMANDS = [" ".join(line.split()) for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]

SERVER = "prefect server start --host 127.0.0.1"
WORKER = "prefect worker start --pool tailguard"
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
LOOK = ["tailguard status", "tailguard status --max-age 52h", "tailguard doctor --offline"]
BACKUP = "/opt/tailguard/ops/backup.sh /var/lib/tailguard/tailguard.db /var/lib/tailguard/backup"
RESTORE = [
    "mkdir -p broken",
    "mv tailguard.db tailguard.db-wal tailguard.db-shm broken/",
    "cp backup/tailguard-Fri.db tailguard.db",
    "tailguard db current",
    "tailguard status",
]
POSTGRESQL = [
    "pg_dump --format=custom --file=tailguard.dump --dbname=tailguard",
    "pg_restore --exit-on-error --no-owner --dbname=tailguard_restored tailguard.dump",
]
EXECUTED = {SERVER, WORKER, PROGRAMS, BACKUP, *SETTINGS, *DEPLOY, *ALERTS, *TRY, *LOOK, *RESTORE, *POSTGRESQL}
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

    def settled(self, flow: str) -> bool:
        """Whether all of them have ended; states on the way there have many names."""
        return not {"SCHEDULED", "PENDING", "RUNNING"} & set(self.runs(flow, "type"))


def wait_until(happens: Callable[[], object], what: Callable[[], object], seconds: float = 90) -> None:
    """Wait for something; fails with what is there instead."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, what()
        time.sleep(0.2)


@contextmanager
def process(words: list[str], directory: Path, environment: dict[str, str]) -> Iterator[Path]:
    """A process that runs meanwhile; yields the file of what it prints."""
    log = directory.parent / f"{directory.name}-{words[1]}.log"
    with log.open("w") as stream:
        running = subprocess.Popen(
            words, cwd=directory, env=environment, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield log
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
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
        }
        yield Service(home, elsewhere, environment, channel.posts)


def test_a_clean_machine_becomes_a_service_that_emits_delivers_and_speaks_up(
    service: Service, mailbox: Mailbox
) -> None:
    home, environment, api = service.home, service.environment, service.environment["PREFECT_API_URL"]
    with ExitStack() as stack:
        log = stack.enter_context(process(service.words(SERVER), home, environment))
        for command in (PROGRAMS, *SETTINGS):
            service.run(command)
        service.clock("2006-06-30T18:45")
        wait_until(lambda: _answers(f"{api}/health"), log.read_text)
        for command in DEPLOY:
            service.run(command)
        worker_log = stack.enter_context(process(service.words(WORKER), service.elsewhere, environment))
        for command in ALERTS:
            service.run(command)

        # The scheduler brings a run; while it runs, a person runs one too, and asks for a further one.
        deployments = {each["name"]: each["id"] for each in service.ask("deployments/filter", {})}
        schedules = f"deployments/{deployments['daily-after-close']}/schedules"
        (added,) = service.ask(schedules, [{"schedule": {"interval": 10, "anchor_date": "2026-01-01T00:00:00Z"}}])
        wait_until(lambda: {"PENDING", "RUNNING"} & set(service.runs("daily", "type")), worker_log.read_text)
        httpx.delete(f"{api}/{schedules}/{added['id']}").raise_for_status()
        by_hand = subprocess.Popen(
            ["tailguard", "run"], cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        service.run(TRY[1])
        said, _ = by_hand.communicate(timeout=90)
        assert (by_hand.returncode, "2006-06-30: " in said) == (0, True), said
        wait_until(lambda: len(service.runs("daily")) >= 3 and service.settled("daily"), worker_log.read_text)
        assert Counter(service.runs("daily"))["Emitted"] == 1
        assert set(service.runs("daily")) == {"Emitted", "AlreadyEmitted"}
        assert len(mailbox.bodies) == 2
        assert len(service.posts) == 1
        assert sorted(path.name for path in service.elsewhere.iterdir()) == []
        shown = [service.run(command) for command in LOOK]
        assert shown[0] == shown[1]
        assert "2006-06-30  EMITTED  (revision 1)" in shown[0]

        # Five days later nothing has come: the server speaks up, and so does the check that needs none.
        service.clock("2006-07-05T15:31")
        service.run(TRY[0])
        wait_until(lambda: len(service.posts) == 2, worker_log.read_text)
        assert service.posts[1]["text"].startswith(
            "tailguard: NoSignal\nNoSignal: session 2006-07-03 has no report, and its deadline, Wed 2006-07-05 15:30"
        )
        assert service.runs("health-check") == ["NoSignal"]
        assert service.run(LOOK[1], code=1).startswith("NoSignal: session 2006-07-03 has no report")
        assert "process_resident_memory_bytes" in httpx.get(f"{api}/metrics").text


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="no sqlite3 here")
def test_a_backup_made_while_a_run_writes_is_restored_as_the_page_says(
    tmp_path: Path, sqlite_with_schema: bytes
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = dict(os.environ) | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    service = Service(home, tmp_path, environment, [])
    database = home / "tailguard.db"
    database.write_bytes(sqlite_with_schema)
    writer = open_engine(f"sqlite:///{database}")
    add_reports(writer, new_report(DAY))
    # What was just written is in the log beside the file, and another transaction is open.
    assert (home / "tailguard.db-wal").stat().st_size > 0
    with writer.begin() as connection:
        connection.exec_driver_sql("INSERT INTO market (id, simulated) VALUES (1, 0)")
        service.run(BACKUP)
        service.run(BACKUP)
        connection.rollback()
    (backup,) = (home / "backup").iterdir()
    assert backup.stat().st_mode & 0o077 == 0
    before = service.run("tailguard status")
    writer.dispose()

    database.write_bytes(b"broken")
    for name in ("tailguard.db-wal", "tailguard.db-shm"):
        (home / name).touch()
    backup.rename(backup.with_name("tailguard-Fri.db"))
    shown = [service.run(command) for command in RESTORE]
    assert shown[-2].endswith(", the newest.\n")
    assert shown[-1] == before
    assert f"{DAY}  EMITTED" in before


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
    assert len(units) == 7


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_alarm_reaches_the_channel_without_showing_its_address(tmp_path: Path) -> None:
    script = ROOT / "ops" / "alarm.sh"
    with webhook() as channel:
        environment = dict(os.environ) | {"TAILGUARD_SLACK_WEBHOOK_URL": channel.address}
        done = subprocess.run([script, "tailguard-deadman.service"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (post,) = channel.posts
    assert post["text"].startswith("tailguard: tailguard-deadman.service failed on ")
    # The shell itself prints it into a pipe: it is an argument of no program.
    (line,) = [line for line in script.read_text().splitlines() if "WEBHOOK_URL" in line]
    assert line.startswith("printf ")
    assert "| curl --config -" in line


def test_units_and_environment_name_settings_that_exist() -> None:
    names = re.findall(r"^#?(TAILGUARD_\w+)=", (ROOT / "ops" / "tailguard.env.example").read_text(), re.MULTILINE)
    assert {name.removeprefix("TAILGUARD_").lower() for name in names} <= set(Settings.model_fields)
    commands = [unit.read_text() for unit in (ROOT / "ops" / "systemd").glob("*.service")]
    for command in (SERVER, WORKER, "tailguard status --max-age 52h"):
        assert sum(f"ExecStart=/opt/tailguard/.venv/bin/{command}" in text for text in commands) == 1
