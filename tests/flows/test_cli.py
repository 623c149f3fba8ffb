"""Commands that need no Prefect, run in this process, as a user types them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from flows.cli.main import _comes_from_interrupt
from signals.veqtor.signal import VeqtorSignals, signal_report
from storage.engine import open_engine
from storage.runs import AWAITING_DATA, FAILED, NextRun, SessionOutcome
from storage.schema import SCHEMA_REVISION
from tasks.persist import Recipient, emit
from tasks.runs import finish_run, record_outcome, start_run
from tests.conftest import now
from tests.flows.conftest import Tailguard
from tests.market_files import LAST, SESSIONS, write_market

pytestmark = pytest.mark.server

DATABASE = "sqlite:///reports.db"
LAST_DAYS = SESSIONS[-5:]


@pytest.fixture
def reported(tmp_path: Path, made_up_signals: VeqtorSignals, sqlite_with_schema: bytes) -> str:
    """A database with the reports of five sessions and one message each."""
    (tmp_path / "reports.db").write_bytes(sqlite_with_schema)
    engine = open_engine(f"sqlite:///{tmp_path / 'reports.db'}")
    run_id = start_run(engine, "daily", "files", None, now)
    reports = [signal_report(made_up_signals, day, 1e6) for day in LAST_DAYS]
    emit(engine, run_id, reports, [Recipient("email", "desk@example.com")], now)
    expected = NextRun(dt.date(2006, 7, 3), now(), now() + dt.timedelta(hours=1))
    finish_run(engine, run_id, "done", expected, now)
    engine.dispose()
    return f"sqlite:///{tmp_path / 'reports.db'}"


def test_help_names_every_command_and_the_exit_codes(tailguard: Tailguard) -> None:
    ended = tailguard("--help")
    assert ended.code == 0
    for command in ("run", "backfill", "report", "status", "history", "outbox", "db"):
        assert f"\n  {command} " in ended.out
    assert "Exit codes: 0 done" in ended.out


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["run"],
        ["backfill"],
        ["report"],
        ["report", "list"],
        ["report", "show"],
        ["status"],
        ["history"],
        ["outbox"],
        ["outbox", "list"],
        ["db"],
        ["db", "upgrade"],
        ["db", "current"],
    ],
    ids=" ".join,
)
def test_every_help_page_fits_80_columns_and_explains_every_option(tailguard: Tailguard, command: list[str]) -> None:
    ended = tailguard(*command, "--help")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    options = [line for line in lines if line.startswith("  --")]
    assert all(len(line.split("  ", 2)) > 2 or line != options[-1] for line in options)


def test_version(tailguard: Tailguard) -> None:
    assert tailguard("--version").out.startswith("tailguard 0.")


def test_an_unknown_command_is_wrong_usage(tailguard: Tailguard) -> None:
    ended = tailguard("frobnicate")
    assert ended.code == 2
    assert "frobnicate" in ended.err


def test_report_show_prints_the_newest_report(tailguard: Tailguard, reported: str) -> None:
    ended = tailguard("report", "show", "--database", reported)
    assert ended.code == 0
    assert f"session Friday {LAST}" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_report_show_of_a_day_and_as_json(tailguard: Tailguard, reported: str) -> None:
    ended = tailguard("report", "show", str(LAST_DAYS[1]), "--json", "--database", reported)
    document = json.loads(ended.out)
    assert document["session"] == str(LAST_DAYS[1])
    assert document["revision"] == 1


def test_report_list_is_newest_first(tailguard: Tailguard, reported: str) -> None:
    ended = tailguard("report", "list", "--limit", "3", "--database", reported)
    assert [line[:10] for line in ended.out.splitlines()] == [str(day) for day in LAST_DAYS[:1:-1]]
    rows = json.loads(tailguard("report", "list", "--json", "--database", reported).out)
    assert len(rows) == 5
    assert sum(rows[0]["target"].values()) == 1.0


@pytest.mark.parametrize("day", ["2006-07-04", "1999-01-04"])
def test_a_session_without_a_report_is_named(tailguard: Tailguard, reported: str, day: str) -> None:
    ended = tailguard("report", "show", day, "--database", reported)
    assert ended.code == 2
    assert f"report of session {day}" in ended.err
    assert "tailguard report list" in ended.err


def test_status_shows_each_session_what_comes_next_and_undelivered_messages(
    tailguard: Tailguard, reported: str
) -> None:
    ended = tailguard("status", "--database", reported)
    assert f"{LAST}  EMITTED" in ended.out
    assert "Next: session 2006-07-03" in ended.out
    assert "Messages PENDING: 5" in ended.out
    assert ended.code == 4
    document = json.loads(tailguard("status", "--json", "--database", reported).out)
    assert [item["outcome"] for item in document["sessions"]] == ["EMITTED"] * 5
    assert document["next"]["session"] == "2006-07-03"


def test_status_fails_when_the_latest_session_failed(tailguard: Tailguard, reported: str) -> None:
    engine = open_engine(reported)
    run_id = start_run(engine, "daily", "files", None, now)
    record_outcome(engine, run_id, SessionOutcome(dt.date(2006, 7, 3), AWAITING_DATA, "waits for VIX"), now)
    ended = tailguard("status", "--database", reported)
    assert "2006-07-03  AWAITING_DATA  waits for VIX" in ended.out
    record_outcome(engine, run_id, SessionOutcome(dt.date(2006, 7, 3), FAILED, "too late"), now)
    engine.dispose()
    ended = tailguard("status", "--database", reported)
    assert "2006-07-03  FAILED  too late" in ended.out
    assert ended.code == 1


def test_outbox_list_shows_each_message(tailguard: Tailguard, reported: str) -> None:
    ended = tailguard("outbox", "list", "--database", reported)
    assert ended.out.count("email to desk@example.com  PENDING after 0 attempts") == 5
    assert tailguard("outbox", "list", "--state", "SENT", "--database", reported).out == "No messages.\n"
    assert len(json.loads(tailguard("outbox", "list", "--json", "--database", reported).out)) == 5


@pytest.mark.parametrize("command", [["report", "show"], ["report", "list"], ["status"], ["outbox", "list"]])
def test_reading_a_database_that_is_not_there_says_so_and_creates_nothing(
    tailguard: Tailguard, tmp_path: Path, command: list[str]
) -> None:
    ended = tailguard(*command, "--database", f"sqlite:///{tmp_path / 'none.db'}")
    assert ended.code == 2
    assert "no such file" in ended.err
    assert not (tmp_path / "none.db").exists()


def test_db_upgrade_creates_the_schema_and_current_names_it(tailguard: Tailguard, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert tailguard("db", "upgrade", "--database", url).out == f"Schema none -> {SCHEMA_REVISION}.\n"
    assert tailguard("db", "upgrade", "--database", url).out == f"Schema {SCHEMA_REVISION}, as before.\n"
    assert tailguard("db", "current", "--database", url).out == f"Schema {SCHEMA_REVISION}, the newest.\n"


HISTORY = ["history", "--source", "files", "--start", "2005-12-20", "--end", "2006-06-30"]


@pytest.mark.parametrize(
    ("strategy", "columns"),
    [
        (
            "veqtor",
            "session,total_return_index,excess_return_index,equity_weight,volatility_weight,cash_weight,"
            "held_equity_weight,held_volatility_weight,held_cash_weight,target_equity_weight,"
            "target_volatility_weight,target_cash_weight,regime,trend,stop_loss,in_cash",
        ),
        ("vix-short-term", "session,total_return_index,excess_return_index"),
        ("vix-mid-term", "session,total_return_index,excess_return_index"),
    ],
)
def test_history_prints_a_row_per_session(tailguard: Tailguard, made_up_dir: Path, strategy: str, columns: str) -> None:
    ended = tailguard(*HISTORY, "--strategy", strategy, "--data-dir", made_up_dir, "--format", "csv")
    header, first, *rest = ended.out.splitlines()
    assert header == columns
    assert first.startswith("2005-12-20,100000.0,100000.0")
    assert len(rest) == 132


def test_history_from_the_database_is_the_same_to_the_last_digit(
    tailguard: Tailguard, reported: str, made_up_dir: Path
) -> None:
    span = ["--start", str(LAST_DAYS[0]), "--end", str(LAST)]
    for strategy in ("veqtor", "vix-short-term", "vix-mid-term"):
        stored = tailguard("history", "--strategy", strategy, *span, "--database", reported)
        computed = tailguard("history", "--strategy", strategy, *span, "--source", "files", "--data-dir", made_up_dir)
        assert stored.out == computed.out
        assert len(list(csv.DictReader(io.StringIO(stored.out)))) == 5


def test_history_as_json_and_parquet(tailguard: Tailguard, made_up_dir: Path, tmp_path: Path) -> None:
    import pandas as pd

    rows = json.loads(tailguard(*HISTORY, "--data-dir", made_up_dir, "--format", "json").out)
    assert rows[0]["session"] == "2005-12-20"
    target = tmp_path / "history.parquet"
    tailguard(*HISTORY, "--data-dir", made_up_dir, "--format", "parquet", "--output", target)
    frame = pd.read_parquet(target)
    assert frame["total_return_index"].tolist() == [row["total_return_index"] for row in rows]
    ended = tailguard(*HISTORY, "--data-dir", made_up_dir, "--format", "parquet")
    assert ended.code == 2
    assert "--output" in ended.err


def test_a_history_that_ends_after_the_data_prints_nothing_and_waits(tailguard: Tailguard, made_up_dir: Path) -> None:
    ended = tailguard(*HISTORY[:-1], "2006-07-07", "--data-dir", made_up_dir)
    assert ended.code == 3
    assert ended.out == ""
    assert "SPX" in ended.err


# What is wrong, the file, how it is made wrong, and what the error has to say.
WRONG = {
    "a missing column": ("cboe/index/VIX_History.csv", lambda text: text.replace("CLOSE", "LAST"), "no column CLOSE"),
    "an HTML page": ("fred/DFF.csv", lambda _: "<!DOCTYPE html><html></html>\n", "HTML page"),
    "an empty file": ("yahoo/SPY.csv", lambda _: "", "empty"),
    "a day twice": ("yahoo/GSPC.csv", lambda text: text + text.splitlines()[-1] + "\n", "2006-06-30 a second time"),
    "days out of order": (
        "yahoo/GSPC.csv",
        lambda text: text + text.splitlines()[-9] + "\n",
        "after 2006-06-30",
    ),
    "a negative price": (
        "yahoo/GSPC.csv",
        lambda text: text.replace("2006-06-30,,,,", "2006-06-30,,,,-"),
        "SPX between 100",
    ),
    "a price of zero": (
        "cboe/index/VIX_History.csv",
        lambda text: text + "07/03/2006,0,0,0,0\n",
        "VIX between 5 and 250 points",
    ),
    "not a number": ("yahoo/IRX.csv", lambda text: text + "2006-07-03,,,,nan,nan,\n", "'nan'"),
    "half a file": ("fred/DTB3.csv", lambda text: text[:-3], "half written"),
    "a missing session": (
        "yahoo/GSPC.csv",
        lambda text: "".join(line for line in text.splitlines(keepends=True) if not line.startswith("2006-03-14")),
        "SPX on 2006-03-14",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_bad_input_is_named_and_nothing_comes_of_it(tailguard: Tailguard, tmp_path: Path, wrong: str) -> None:
    name, spoil, said = WRONG[wrong]
    path = write_market(tmp_path / "market") / name
    path.write_text(spoil(path.read_text()))
    dry = tailguard("run", "--source", "files", "--data-dir", tmp_path / "market", "--session", LAST, "--dry-run")
    assert dry.code == 1
    assert said in dry.err
    assert wrong == "a missing session" or name in dry.err
    assert dry.out == ""
    assert not (tmp_path / "tailguard-dry-run").exists()
    assert not list(tmp_path.glob("*.db"))


@pytest.mark.parametrize(
    ("session", "said"),
    [
        ("2006-06-24", "a Saturday on which it is closed"),
        ("2006-05-29", "a Monday on which it is closed"),
        ("2039-01-03", "one in the future"),
        ("tomorrow", "a date as yyyy-mm-dd"),
        ("2006-02-30", "a date as yyyy-mm-dd"),
        ("1999-01-04", "a day from 2003-12-01"),
    ],
)
def test_a_day_that_is_no_closed_session_is_refused(
    tailguard: Tailguard, made_up_dir: Path, session: str, said: str
) -> None:
    ended = tailguard("run", "--source", "files", "--data-dir", made_up_dir, "--session", session, "--dry-run")
    assert ended.code == 2
    assert said in ended.err


def test_a_session_before_the_first_level_is_refused(tailguard: Tailguard, made_up_dir: Path) -> None:
    ended = tailguard("run", "--source", "files", "--data-dir", made_up_dir, "--session", "2005-06-01", "--dry-run")
    assert ended.code == 2
    assert "2005-12-20 or later" in ended.err


def test_a_dry_run_renders_everything_and_stores_nothing(
    tailguard: Tailguard, made_up_dir: Path, tmp_path: Path
) -> None:
    ended = tailguard("run", "--source", "files", "--data-dir", made_up_dir, "--session", LAST, "--dry-run")
    assert ended.code == 0
    assert "nothing was stored or sent" in ended.out
    directory = tmp_path / "tailguard-dry-run" / str(LAST)
    assert {path.name for path in directory.iterdir()} == {
        "report.json", "report.txt", "report.html", "report.md", "mail.eml", "slack.json",
    }  # fmt: skip
    assert json.loads((directory / "report.json").read_text())["session"] == str(LAST)
    assert not list(tmp_path.glob("*.db"))


def test_a_dry_run_into_a_file_is_refused(tailguard: Tailguard, made_up_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    command = ["run", "--source", "files", "--data-dir", made_up_dir, "--session", LAST, "--dry-run"]
    ended = tailguard(*command, "--output", tmp_path / "taken" / "deeper")
    assert ended.code == 2
    assert "--output" in ended.err


def test_a_missing_data_directory_is_named(tailguard: Tailguard, tmp_path: Path) -> None:
    ended = tailguard(*HISTORY, "--data-dir", tmp_path / "nowhere")
    assert ended.code == 2
    assert "nowhere" in ended.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TAILGUARD_NOTIONAL_USD", "-5", "setting notional_usd"),
        ("TAILGUARD_NOTIONAL_USD", "nan", "setting notional_usd"),
        ("TAILGUARD_CLOCK", "noon", "setting clock"),
        ("TAILGUARD_MAIL_TO", "nobody", "setting mail_to"),
        ("TAILGUARD_MAIL_TO", "desk@", "setting mail_to"),
        ("TAILGUARD_MAIL_TO", "a@example.com;b@example.com", "setting mail_to"),
        ("TAILGUARD_MAIL_FROM", "<desk@example.com", "setting mail_from"),
        ("TAILGUARD_UNSCHEDULED_CLOSURES", "2026-13-01", "setting unscheduled_closures"),
    ],
)
def test_a_wrong_setting_is_named(
    tailguard: Tailguard, made_up_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    ended = tailguard(*HISTORY, "--data-dir", made_up_dir)
    assert ended.code == 2
    assert said in ended.err


def test_settings_come_from_the_toml_file_too(tailguard: Tailguard, made_up_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "tailguard.toml").write_text(f'data_dir = "{made_up_dir}"\nnotional_usd = 250000\n')
    ended = tailguard("run", "--source", "files", "--session", LAST, "--dry-run")
    assert "250,000" in ended.out
    (tmp_path / "tailguard.toml").write_text('notionalusd = "1"\n')
    ended = tailguard("run", "--source", "files", "--session", LAST, "--dry-run")
    assert ended.code == 2
    assert "setting notionalusd" in ended.err


def test_a_misspelt_setting_of_the_environment_is_named_with_the_right_one(
    tailguard: Tailguard, made_up_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_MAILTO", "desk@example.com")
    ended = tailguard(*HISTORY, "--data-dir", made_up_dir)
    assert ended.code == 2
    assert "setting mailto: expected mail_to, perhaps" in ended.err


def test_the_env_file_may_hold_settings_of_others(tailguard: Tailguard, made_up_dir: Path, tmp_path: Path) -> None:
    dot_env = tmp_path / ".env"
    dot_env.write_text(f"PREFECT_API_URL=http://127.0.0.1:4200/api\nTAILGUARD_DATA_DIR={made_up_dir}\n")
    assert tailguard(*HISTORY).code == 0
    dot_env.write_text("TAILGUARD_DATADIR=data\n")
    ended = tailguard(*HISTORY, "--data-dir", made_up_dir)
    assert ended.code == 2
    assert "setting datadir: expected data_dir, perhaps" in ended.err


def test_history_from_the_database_notes_the_sessions_it_lacks(tailguard: Tailguard, reported: str) -> None:
    span = ["--start", str(SESSIONS[-8]), "--end", str(LAST)]
    ended = tailguard("history", *span, "--database", reported)
    assert ended.code == 0
    assert f"Note: 3 of 8 sessions have no report, the first is {SESSIONS[-8]}" in ended.err


def test_a_superseded_report_says_so(tailguard: Tailguard, reported: str, made_up_signals: VeqtorSignals) -> None:
    report = signal_report(made_up_signals, LAST, 1e6)
    engine = open_engine(reported)
    emit(engine, start_run(engine, "daily", "files", None, now), [replace(report, in_cash=True)], [], now)
    engine.dispose()
    assert "Superseded" not in tailguard("report", "show", LAST, "--database", reported).out
    assert "Superseded: revision 2" in tailguard("report", "show", LAST, "--revision", "1", "--database", reported).out


def test_a_locked_database_is_a_sentence(tailguard: Tailguard, reported: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.engine.BUSY_TIMEOUT_SECONDS", 0.1)
    engine = open_engine(reported)
    with engine.begin():
        ended = tailguard("db", "upgrade", "--database", reported)
    engine.dispose()
    assert ended.code == 1
    assert "database is locked" in ended.err
    assert "Traceback" not in ended.err


def test_secrets_do_not_show_in_errors(tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", "postgresql+psycopg://user:hunter2@127.0.0.1:1/none")
    ended = tailguard("status")
    assert ended.code == 2
    assert "hunter2" not in ended.err + ended.out


def test_an_interrupt_that_a_library_wraps_is_still_one() -> None:
    wrapped = ValueError("Error calling function `serialize`: KeyboardInterrupt")
    chained = RuntimeError("failed")
    chained.__cause__ = OSError("gone")
    chained.__cause__.__context__ = KeyboardInterrupt()
    assert [_comes_from_interrupt(error) for error in (wrapped, chained, ValueError("no"))] == [True, True, False]
