"""Planted secrets, and a search for them in everything a run writes; who can read the files they are in; TLS."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from flows.secret_files import secrets_in_files
from flows.settings import load_settings
from signals.errors import ConfigurationError
from tests.conftest import ROOT
from tests.flows.conftest import Tailguard
from tests.market_files import LAST

pytestmark = pytest.mark.server

#: Part of every secret.
NEEDLE = "p1anted"
PASSWORD, HOOK, KEY, DATABASE = (f"{NEEDLE}-{name}" for name in ("smtp", "hook", "fred", "database"))

#: Runs commands one after the other as `tailguard` would, with everything logged that anybody logs.
COMMANDS = """
import json, logging, os, sys
logging.basicConfig(level=logging.DEBUG)
from flows.cli.main import main
for environment, words in json.load(sys.stdin):
    os.environ.update(environment)
    sys.argv = ["tailguard", *words]
    try:
        if words == ["flow"]:
            # As a worker runs it, without a look at the settings before.
            from flows.daily import daily
            daily(return_state=True)
            sys.exit()
        main()
    except SystemExit as ended:
        print("ENDED", words, ended.code, flush=True)
    except BaseException as error:
        logging.exception("not foreseen")
        print("RAISED", words, type(error).__name__, flush=True)
"""


class Desk:
    """A mail server that wants a login, and a webhook: what they got, and whether they turn it away."""

    def __init__(self) -> None:
        self.passwords: list[str] = []
        self.takes_logins = True
        self.mails: list[bytes] = []
        self.posts: list[str] = []

    def __call__(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.passwords.append(data.password.decode())
        return AuthResult(success=self.takes_logins, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        self.mails.append(bytes(envelope.content or b""))
        return "250 OK"


@contextmanager
def webhook(desk: Desk, context: ssl.SSLContext | None = None) -> Iterator[int]:
    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            desk.posts.append(self.path + self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"no_service")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    found = Desk()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=port, auth_require_tls=False, authenticator=found)
    controller.start()
    with webhook(found) as hook:
        for name, value in {
            "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_SECURITY": "none", "SMTP_USER": "desk",
            "SMTP_PASSWORD": PASSWORD, "MAIL_TO": "desk@example.com", "FRED_API_KEY": KEY,
            "SLACK_WEBHOOK_URL": f"http://127.0.0.1:{hook}/services/{HOOK}",
            "CLOCK": f"{LAST}T18:45", "HEDGES": "", "LOG_LEVEL": "debug",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"TAILGUARD_{name}", value)
        yield found
    controller.stop()


def nowhere() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def prefect_files() -> list[Path]:
    """The database of the tests' Prefect server: runs, logs, parameters, artifacts, events."""
    from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL

    path = Path(str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()).rpartition(":///")[2])
    return sorted(path.parent.glob(f"{path.name}*"))


def test_planted_secrets_are_nowhere_in_what_is_written(
    market: Path, desk: Desk, tmp_path: Path, prefect_server: str
) -> None:
    dead, closed = f"http://{nowhere()}", nowhere()
    bases = {f"TAILGUARD_{name}_URL": dead for name in ("YAHOO", "CBOE", "CBOE_WEB", "FRED", "FRED_API", "BLS")}
    own = {"TAILGUARD_DATABASE_URL": os.environ["TAILGUARD_DATABASE_URL"], "TAILGUARD_SOURCE": "files"}
    postgresql = {"TAILGUARD_DATABASE_URL": f"postgresql+psycopg://desk:{DATABASE}@{closed}/prod?connect_timeout=1"}
    unparsed = {"TAILGUARD_DATABASE_URL": f"postgresql+psycopg://desk:{DATABASE}@host:port/prod"}
    (tmp_path / "empty").mkdir()
    span = ("--start", "2006-06-29", "--end", str(LAST))
    commands: list[tuple[dict[str, str], tuple[str, ...]]] = [
        ({}, ("config", "show")),
        (own, ("run",)),
        ({}, ("status",)),
        ({}, ("outbox", "list", "--json")),
        ({}, ("doctor",)),
        ({}, ("run", "--dry-run")),
        ({}, ("report", "show")),
        ({}, ("backfill", *span, "--mode", "recompute", "--notify")),
        ({}, ("backfill", *span, "--mode", "recompute", "--data-dir", "empty")),
        ({**bases, "TAILGUARD_SOURCE": "live", "TAILGUARD_SOURCE_ATTEMPTS": "1"}, ("run", "--session", str(LAST))),
        ({**postgresql, "TAILGUARD_SOURCE": "files"}, ("flow",)),
        ({}, ("run",)),
        ({}, ("doctor",)),
        ({}, ("db", "upgrade")),
        (unparsed, ("run",)),
        ({}, ("config", "show", "--json")),
        ({**own, "TAILGUARD_SMTP_PASSWORD": f"{PASSWORD}-\u00e4"}, ("outbox", "list")),
        ({}, ("run", "--session", "2006-06-29")),
    ]  # fmt: skip
    desk.takes_logins = False
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PREFECT_API_URL": prefect_server, "PREFECT_LOGGING_LEVEL": "DEBUG"},
        timeout=240,
    )
    printed = done.stdout + done.stderr
    # What was done went wrong in the ways it was meant to.
    assert printed.count("ENDED") == len(commands), printed[-3000:]
    assert f"{LAST}: EMITTED" in done.stdout
    assert "Authentication credentials invalid" in printed
    assert "no_service" in printed
    assert "Traceback" in printed
    assert "no usable answer" in printed
    assert "characters beyond ASCII" in printed
    assert set(desk.passwords) == {PASSWORD}
    assert any(HOOK in post for post in desk.posts)

    files = [path for path in tmp_path.rglob("*") if path.is_file() and market not in path.parents]
    assert {"tailguard.db", "mail.eml", "slack.json", "report.html"} <= {path.name for path in files}
    kept = prefect_files()
    for known in (b"daily-2006-06-29", b"Finished in state", b"Connection refused"):
        assert any(known in path.read_bytes() for path in kept), known
    for path in [*files, *kept]:
        assert NEEDLE.encode() not in path.read_bytes(), path
    assert NEEDLE not in "".join(desk.posts).replace(HOOK, "")
    lines = [line for line in printed.splitlines() if NEEDLE in line]
    assert lines == []


@pytest.fixture
def block(prefect_server: str) -> Callable[[str, str], str]:
    """Make a Secret block, and return how settings name it."""
    from prefect.blocks.system import Secret

    def make(name: str, value: str) -> str:
        Secret(value=value).save(name, overwrite=True)
        return f"prefect-secret:{name}"

    return make


def test_secrets_come_from_blocks_of_prefect(
    tailguard: Tailguard,
    market: Path,
    desk: Desk,
    block: Callable[[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("TAILGUARD_SMTP_PASSWORD", block("tailguard-smtp", PASSWORD))
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", block("tailguard-database", f"sqlite:///{tmp_path}/{NEEDLE}.db"))
    hook = os.environ["TAILGUARD_SLACK_WEBHOOK_URL"]
    monkeypatch.setenv("TAILGUARD_SLACK_WEBHOOK_URL", block("tailguard-slack", hook))
    ended = tailguard("run")
    assert f"{LAST}: EMITTED" in ended.out, ended.err
    assert desk.passwords == [PASSWORD]
    assert len(desk.mails) == 1
    assert HOOK in desk.posts[0]
    assert (tmp_path / f"{NEEDLE}.db").is_file()
    assert NEEDLE not in ended.out + ended.err
    # Prefect keeps them encrypted.
    for path in prefect_files():
        assert NEEDLE.encode() not in path.read_bytes(), path
    shown = json.loads(tailguard("config", "show", "--json").out)
    assert shown["smtp_password"]["value"] == "prefect-secret:tailguard-smtp"
    assert NEEDLE not in repr(load_settings()) + str(load_settings())
    checked = tailguard("doctor")
    assert "logged in" in checked.out
    assert HOOK not in checked.out + checked.err


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("database_url", None, "expected a value, got no such block"),
        ("database_url", NEEDLE, "expected sqlite:///tailguard.db, or postgresql"),
        ("slack_webhook_url", f"http://example.com/{NEEDLE}", "expected an address that starts with https://"),
    ],
)
@pytest.mark.usefixtures("market")
def test_a_block_without_a_value_the_setting_takes_is_named(
    tailguard: Tailguard,
    block: Callable[[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: str | None,
    said: str,
) -> None:
    reference = block("tailguard-wrong", value) if value else "prefect-secret:tailguard-none"
    monkeypatch.setenv(f"TAILGUARD_{setting.upper()}", reference)
    with pytest.raises(ConfigurationError) as caught:
        getattr(load_settings(), setting).get_secret_value()
    assert f"setting {setting}, Prefect's Secret block {reference.rpartition(':')[2]}: {said}" in str(caught.value)
    assert NEEDLE not in str(caught.value)
    ended = tailguard("doctor", "--offline")
    assert NEEDLE not in ended.out + ended.err


def test_a_command_that_needs_no_secret_does_not_ask_prefect(tmp_path: Path) -> None:
    """`config show` and `report list` with a block that nothing could read, as no Prefect is loaded."""
    code = """
import os, sys
for name in ("SMTP_PASSWORD", "SLACK_WEBHOOK_URL", "FRED_API_KEY"):
    os.environ["TAILGUARD_" + name] = "prefect-secret:nowhere"
from flows.cli.main import main
for words in ("config show", "db upgrade", "report list", "status", "outbox list", "rules status"):
    sys.argv = ["tailguard", *words.split()]
    try:
        main()
    except SystemExit as ended:
        assert ended.code in (0, None, 1), (words, ended.code)
print([name for name in ("prefect",) if name in sys.modules])
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TAILGUARD_DATABASE_URL": f"sqlite:///{tmp_path}/t.db"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.stdout.endswith("[]\n"), done.stdout + done.stderr


# Files with their modes, and whether somebody is warned.
FILES = [
    (".env", f"TAILGUARD_SMTP_PASSWORD={PASSWORD}\n", 0o600, ""),
    (".env", f"TAILGUARD_SMTP_PASSWORD={PASSWORD}\n", 0o640, "its group"),
    (".env", f"TAILGUARD_SMTP_PASSWORD={PASSWORD}\n", 0o604, "everybody on this machine"),
    (".env", "TAILGUARD_SMTP_USER=desk\nOTHER_PASSWORD=x\n", 0o644, ""),
    (".env", "TAILGUARD_SMTP_PASSWORD=prefect-secret:tailguard-smtp\n", 0o644, ""),
    (".env", "TAILGUARD_DATABASE_URL=sqlite:///tailguard.db\n", 0o644, ""),
    (".env", f"TAILGUARD_DATABASE_URL=postgresql+psycopg://desk:{DATABASE}@db/prod\n", 0o644, "everybody"),
    ("tailguard.toml", f'slack_webhook_url = "https://hooks.slack.com/{HOOK}"\n', 0o644, "everybody"),
    ("tailguard.toml", "notional_usd = 5\n", 0o644, ""),
]


@pytest.mark.parametrize(("name", "content", "mode", "readers"), FILES)
@pytest.mark.usefixtures("market")
def test_a_file_with_secrets_that_others_can_read_fails_the_doctor_and_warns_a_run(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, name: str, content: str, mode: int, readers: str
) -> None:
    monkeypatch.delenv("TAILGUARD_DATABASE_URL")
    Path(name).write_text(content)
    Path(name).chmod(mode)
    findings = {item["name"]: item for item in json.loads(tailguard("doctor", "--offline", "--json").out)["findings"]}
    assert findings["secrets"]["status"] == ("fail" if readers else "ok")
    assert (
        (readers in findings["secrets"]["found"]) and (f"`chmod 600 {name}`" in findings["secrets"]["do"])
    ) or not readers
    ended = tailguard("run", "--dry-run", "--session", "not-a-day")
    assert ("Warning" in ended.err) == bool(readers)
    assert NEEDLE not in ended.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_mounted_for_the_group_of_this_account_is_in_order(tmp_path: Path) -> None:
    from tasks.doctor.permissions import readers

    path = tmp_path / ".env"
    path.write_text(f"TAILGUARD_SMTP_PASSWORD={PASSWORD}\n")
    os.chown(path, 65534, -1)
    path.chmod(0o440)
    assert secrets_in_files() == {Path(".env"): ["smtp_password"]}
    assert readers(path) == ""
    path.chmod(0o444)
    assert readers(path) == "everybody on this machine"


# What would go over the network readable, or could not be a secret, and what the error says.
READABLE = [
    (
        {"SLACK_WEBHOOK_URL": f"http://hooks.slack.com/{HOOK}"},
        "slack_webhook_url: expected an address that starts with",
    ),
    ({"FRED_API_KEY": KEY, "FRED_API_URL": "http://example.com"}, "fred_api_url: expected https://"),
    (
        {"SMTP_HOST": "mail.example.com", "MAIL_TO": "a@example.com", "SMTP_USER": "a", "SMTP_SECURITY": "none"},
        "smtp_security: expected starttls or ssl",
    ),
    (
        {"SMTP_PASSWORD": f"prefect-secret:../{NEEDLE}"},
        "smtp_password: expected prefect-secret: and the name of a block",
    ),
]


@pytest.mark.parametrize(("given", "said"), READABLE, ids=lambda value: next(iter(value), ""))
def test_what_others_could_read_on_its_way_is_refused(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"TAILGUARD_{name}", value)
    ended = tailguard("config", "show")
    assert ended.code == 2
    assert f"setting {said}" in ended.err
    assert NEEDLE not in ended.err


@pytest.mark.parametrize("host", [None, "hooks.example.com", "127.0.0.1"], ids=["unknown", "another host", "trusted"])
def test_slack_is_told_only_under_its_own_certificate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made_up_signals: Any, host: str | None
) -> None:
    import datetime as dt

    from reports.view import report_view
    from signals.veqtor.signal import signal_report
    from tasks.notify.channel import Refused
    from tasks.notify.slack import SlackChannel

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host or "127.0.0.1").configure_cert(context)
    if host:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    view = report_view(
        signal_report(made_up_signals, LAST, 1e6), revision=1, emitted_at=dt.datetime(2006, 7, 1, tzinfo=dt.UTC)
    )
    found = Desk()
    with webhook(found, context) as port:
        channel = SlackChannel(f"https://127.0.0.1:{port}/services/{HOOK}", 5.0)
        with pytest.raises(Refused) as refused:
            channel.send("webhook", view, "key")
    assert len(found.posts) == (1 if host == "127.0.0.1" else 0)
    assert ("404" in str(refused.value)) == (host == "127.0.0.1")
    assert NEEDLE not in str(refused.value)
