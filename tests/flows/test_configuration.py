"""Where settings come from, what is shown of them, and the files that explain them."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from pathlib import Path

import pytest

from flows.settings import Settings, load_settings
from flows.settings_docs import described_settings
from flows.settings_sources import variable
from signals.errors import ConfigurationError
from tests.conftest import ROOT
from tests.flows.conftest import Tailguard

#: Settings whose default nobody would leave uncommented: the file shows an example.
NO_DEFAULT = {"approvers", "log_level", "review_url", "review_token", "ignored_values", "fred_api_key", "early_closes",
    "data_dir", "variants", "smtp_host", "smtp_password", "mail_to", "slack_bot_token", "slack_channel", "clock",
    "unscheduled_closures", "study_workers", "study_dask_address",
}  # fmt: skip
DEFAULTS = Settings.model_construct()


def shown(tailguard: Tailguard) -> dict[str, tuple[object, str]]:
    """Value and origin of each setting, as `config show --json` has them."""
    ended = tailguard("config", "show", "--json")
    assert ended.code == 0, ended.err
    return {name: (item["value"], item["origin"]) for name, item in json.loads(ended.out).items()}


def test_without_configuration_every_setting_is_at_its_default(tailguard: Tailguard) -> None:
    assert load_settings() == DEFAULTS
    settings = shown(tailguard)
    assert list(settings) == list(Settings.model_fields)
    assert {origin for _, origin in settings.values()} == {"default"}
    assert settings["source"] == ("live", "default")
    assert settings["mail_to"] == ([], "default")
    assert settings["smtp_password"] == (None, "default")


# What sets smtp_port, and which value and origin win.
ORIGINS = [
    ((), (587, "default")),
    (("tailguard.toml",), (1, "tailguard.toml")),
    ((".env",), (2, ".env")),
    (("environment",), (3, "environment")),
    (("tailguard.toml", ".env"), (2, ".env")),
    (("tailguard.toml", "environment"), (3, "environment")),
    ((".env", "environment"), (3, "environment")),
    (("tailguard.toml", ".env", "environment"), (3, "environment")),
]


@pytest.mark.parametrize(("given", "expected"), ORIGINS, ids=lambda value: "+".join(map(str, value)))
def test_the_nearest_origin_wins_and_is_shown(
    tailguard: Tailguard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    expected: tuple[int, str],
) -> None:
    if "tailguard.toml" in given:
        (tmp_path / "tailguard.toml").write_text(
            'smtp_port = 1\nsmtp_host = "mail.example.com"\nmail_to = "desk@example.com"\n'
        )
    if ".env" in given:
        (tmp_path / ".env").write_text("TAILGUARD_SMTP_PORT=2\nSMTP_PORT=9\n")
    if "environment" in given:
        monkeypatch.setenv("TAILGUARD_SMTP_PORT", "3")
    settings = shown(tailguard)
    assert settings["smtp_port"] == expected
    assert load_settings().smtp_port == expected[0]
    if "tailguard.toml" in given:
        assert settings["smtp_host"] == ("mail.example.com", "tailguard.toml")
    line = re.search(r"^  smtp_port +(\d+) +(.+)$", tailguard("config", "show").out, re.MULTILINE)
    assert line
    assert line.groups() == (str(expected[0]), expected[1])


SECRETS = {
    "TAILGUARD_DATABASE_URL": "postgresql+psycopg://desk:hunter2@db.example.com/prod?password=hunter2&sslmode=require",
    "TAILGUARD_SMTP_PASSWORD": "hunter2",
    "TAILGUARD_SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/hunter2",
}


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_secrets_are_masked(tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    ended = tailguard("config", "show", *form)
    assert ended.code == 0
    assert "hunter2" not in ended.out + ended.err
    assert ended.out.count("********") == 2
    assert "desk:***@db.example.com/prod" in re.sub(r"\s+|environment", "", ended.out)
    assert "sslmode" not in ended.out


@pytest.mark.parametrize("address", ["postgresql://desk:hunt@er2@db/prod", "postgresql://desk:hunter2@db:port/prod"])
def test_a_database_address_nobody_can_parse_is_masked(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", address)
    assert shown(tailguard)["database_url"] == ("********", "environment")


def test_what_is_shown_fits_80_columns(tailguard: Tailguard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_MAIL_TO", ",".join(f"somebody-{number}@example.com" for number in range(5)))
    monkeypatch.setenv("TAILGUARD_SMTP_HOST", "mail.example.com")
    monkeypatch.setenv("TAILGUARD_DATA_DIR", "/srv/" + "recorded-" * 12)
    monkeypatch.setenv("TAILGUARD_NOTIFY_SIMULATED", "yes")
    (tmp_path / ".env").write_text("")
    printed = tailguard("config", "show").out
    assert max(map(len, printed.splitlines())) <= 80
    assert "somebody-4@example.com" in printed
    assert "recorded-" * 12 in re.sub(r"\s+|environment", "", printed)
    assert re.search(r"^  notify_simulated +true +environment$", printed, re.MULTILINE)
    assert printed.endswith("Files in the working directory: .env, read; tailguard.toml, not there.\n")


# A setting, a value that is wrong, and what the error says was expected.
WRONG = [
    ("source", "file", "'files', 'live' or 'sample'"),
    ("variants", "veqtor-long-term", "'veqtor-mid-term' or 'veqtor-overlay'"),
    ("variants", "veqtor-overlay,veqtor-overlay", "each name once"),
    ("yahoo_url", "query2.finance.yahoo.com", "https://example.com"),
    ("cboe_url", "https://cdn.cboe.com/", "without user, options or a slash at its end"),
    ("cboe_url", "https://user:hunter2@cdn.cboe.com", "without user"),
    ("fred_url", "ftp://fred.stlouisfed.org", "https://example.com"),
    ("fred_url", "http://127.0.0.1:99999", "https://example.com"),
    ("fred_url", "https://fred.stlouisfed.org?key=hunter2", "https://example.com"),
    ("user_agent", "", "one line of printable ASCII"),
    ("user_agent", "a\r\nCookie: b", "one line of printable ASCII"),
    ("source_timeout_seconds", "0", "a number greater than 0"),
    ("source_timeout_seconds", "inf", "a finite number"),
    ("timeout_seconds", "soon", "a valid number (unable"),
    ("notional_usd", "nan", "a finite number"),
    ("smtp_port", "0", "a number greater than or equal to 1"),
    ("smtp_port", "smtp", "a valid integer"),
    ("smtp_security", "tls", "'starttls', 'ssl' or 'none'"),
    ("notify_simulated", "perhaps", "a valid boolean"),
    ("unscheduled_closures", "2026-13-01", "a valid date"),
    ("slack_webhook_url", "hunter2", "https://"),
    ("slack_bot_token", "hunter2", "a token that starts with xoxb-"),
    ("slack_channel", "signals", "a channel's ID, such as C0123456789, or its name with #"),
    ("database_url", "hunter2.db", "sqlite:///tailguard.db"),
    ("clock", "yesterday", "an instant such as"),
    ("mail_to", "desk@example.com", "smtp_host and mail_to together"),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRONG, ids=lambda value: value[:25])
def test_a_wrong_value_is_refused_and_not_shown(
    tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable(name), value)
    ended = tailguard("config", "show")
    assert ended.code == 2
    assert ended.out == ""
    assert f"Error: setting {name}: expected " in ended.err
    assert expected in ended.err
    assert variable(name) in ended.err
    assert "hunter2" not in ended.err
    assert "Traceback" not in ended.err


def test_lists_and_base_addresses_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_VARIANTS", "veqtor-overlay, veqtor-mid-term")
    monkeypatch.setenv("TAILGUARD_CBOE_URL", "http://127.0.0.1:8080/cboe")
    settings = load_settings()
    assert settings.variants == ("veqtor-overlay", "veqtor-mid-term")
    assert settings.cboe_url == "http://127.0.0.1:8080/cboe"
    monkeypatch.setenv("TAILGUARD_VARIANTS", "")
    assert load_settings().variants == ()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tailguard.toml", b"notional_usd = \n", "tailguard.toml in the working directory: expected a TOML file"),
        ("tailguard.toml", b"notional_usd: 5\n", "at line 1"),
        ("tailguard.toml", b"\xff\xfe\n", "tailguard.toml in the working directory: expected a TOML file"),
        ("tailguard.toml", b'[mail]\nsmtp_host = "a"\n', "setting mail: expected"),
        ("tailguard.toml", b'smtp_prot = 25\nsmtp_password = "hunter2"\n', "setting smtp_prot: expected smtp_port"),
        ("tailguard.toml", b"mail_to = 5\n", "setting mail_to: expected a valid tuple"),
        (".env", b"TAILGUARD_SMTP_PASSWORD=hunter2\xff\n", ".env in the working directory: expected a text file"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(
    tailguard: Tailguard, tmp_path: Path, file: str, content: bytes, said: str
) -> None:
    (tmp_path / file).write_bytes(content)
    ended = tailguard("config", "show")
    assert ended.code == 2
    assert said in ended.err
    assert "hunter2" not in ended.err


@pytest.mark.parametrize("file", ["tailguard.toml", ".env"])
@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_cannot_be_read_is_named(tailguard: Tailguard, tmp_path: Path, file: str) -> None:
    (tmp_path / file).touch(mode=0o000)
    ended = tailguard("config", "show")
    assert ended.code == 2
    assert f"{file} in the working directory" in ended.err
    assert "Permission denied" in ended.err


def test_init_writes_a_file_that_changes_nothing(tailguard: Tailguard, tmp_path: Path) -> None:
    ended = tailguard("init")
    assert ended.code == 0
    assert ended.out.startswith("Wrote tailguard.toml")
    assert "tailguard config show" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    path = tmp_path / "tailguard.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["tailguard.toml"]
    assert tomllib.loads(path.read_text()) == {}
    assert load_settings() == DEFAULTS
    assert all(len(line) <= 80 for line in path.read_text().splitlines() if line.startswith("##"))


def test_every_line_of_that_file_can_be_uncommented(tailguard: Tailguard, tmp_path: Path) -> None:
    tailguard("init")
    path = tmp_path / "tailguard.toml"
    written = re.sub(r"^# ?", "", path.read_text(), flags=re.MULTILINE)
    assert list(tomllib.loads(written)) == list(Settings.model_fields)
    # A bot or a webhook, not both.
    path.write_text("".join(line for line in written.splitlines(True) if not line.startswith("slack_webhook_url")))
    settings = load_settings()
    changed = {name for name in Settings.model_fields if getattr(settings, name) != getattr(DEFAULTS, name)}
    assert changed == NO_DEFAULT
    found = shown(tailguard)
    assert {name for name, (_, origin) in found.items() if origin != "tailguard.toml"} == {"slack_webhook_url"}


def test_every_example_is_a_value_the_setting_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in described_settings():
        assert setting.default not in (None, "", []) or setting.example is not None, setting.name
        if setting.example is not None and setting.name != "slack_webhook_url":
            text = ",".join(setting.example) if isinstance(setting.example, list) else str(setting.example)
            monkeypatch.setenv(variable(setting.name), text)
    load_settings()
    for name in ("slack_bot_token", "slack_channel"):
        monkeypatch.delenv(variable(name))
    monkeypatch.setenv(variable("slack_webhook_url"), "https://hooks.slack.com/services/change/me")
    load_settings()


def test_a_webhook_and_a_bot_are_one_too_many(tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_SLACK_BOT_TOKEN", "xoxb-hunter2")
    assert "slack_bot_token and slack_channel together" in tailguard("config", "show").err
    monkeypatch.setenv("TAILGUARD_SLACK_CHANNEL", "#signals")
    monkeypatch.setenv("TAILGUARD_SLACK_API_URL", "http://slack.example.com/api")
    assert "https://, as slack_bot_token would go over the network readable" in tailguard("config", "show").err
    monkeypatch.delenv("TAILGUARD_SLACK_API_URL")
    shown = tailguard("config", "show")
    assert shown.code == 0
    monkeypatch.setenv("TAILGUARD_SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/hunter2")
    both = tailguard("config", "show")
    assert both.code == 2
    assert "remove slack_webhook_url to have threads, or slack_bot_token and slack_channel" in " ".join(
        both.err.split()
    )
    assert "hunter2" not in shown.out + shown.err + both.out + both.err


def test_init_leaves_a_file_that_is_there_alone(tailguard: Tailguard, tmp_path: Path) -> None:
    path = tmp_path / "tailguard.toml"
    path.write_text("smtp_port = 25\n")
    ended = tailguard("init")
    assert ended.code == 2
    assert "file tailguard.toml: expected none yet" in ended.err
    assert "--force" in ended.err
    assert path.read_text() == "smtp_port = 25\n"
    assert tailguard("init", "--force").code == 0
    assert load_settings().smtp_port == 587
    assert [item.name for item in tmp_path.iterdir()] == ["tailguard.toml"]


def test_init_into_another_directory(tailguard: Tailguard, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert tailguard("init", "--directory", "elsewhere").out.startswith("Wrote elsewhere/tailguard.toml")
    assert (tmp_path / "elsewhere" / "tailguard.toml").is_file()


@pytest.mark.parametrize("directory", ["nowhere", "taken"])
def test_init_where_no_file_can_be_written_names_the_directory(
    tailguard: Tailguard, tmp_path: Path, directory: str
) -> None:
    (tmp_path / "taken").write_text("")
    ended = tailguard("init", "--directory", directory, "--force")
    assert ended.code == 2
    assert str(tmp_path / directory) in ended.err.replace("\n", "")
    assert "--directory" in ended.err


def test_init_over_a_directory_leaves_nothing_behind(tailguard: Tailguard, tmp_path: Path) -> None:
    (tmp_path / "tailguard.toml").mkdir()
    assert tailguard("init", "--force").code == 2
    assert [item.name for item in tmp_path.iterdir()] == ["tailguard.toml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_init_without_permission_names_the_directory(tailguard: Tailguard, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    ended = tailguard("init", "--directory", "locked")
    assert ended.code == 2
    assert "locked" in ended.err
    assert "Permission denied" in ended.err


def test_the_reference_is_the_committed_one(tailguard: Tailguard) -> None:
    printed = tailguard("config", "reference").out
    assert printed == (ROOT / "docs" / "configuration.md").read_text(), (
        "regenerate it: tailguard config reference > docs/configuration.md"
    )
    for name in Settings.model_fields:
        assert printed.count(f"\n| `{name}` | `{variable(name)}` | ") == 1


def test_the_example_of_the_reference_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    for language, file in ("toml", "tailguard.toml"), ("sh", ".env"):
        example = re.search(rf"```{language}\n# {re.escape(file)}\n(.*?)```", text, re.DOTALL)
        assert example
        (tmp_path / file).write_text(example[1])
    settings = load_settings()
    assert settings.notional_usd == 2_500_000
    assert settings.mail_to == ("desk@example.com", "risk@example.com")
    assert settings.smtp_password.get_secret_value() == "change-me"


def test_no_secret_shows_in_an_error_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_SMTP_PASWORD", "hunter2")
    with pytest.raises(ConfigurationError, match="smtp_password, perhaps") as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)
