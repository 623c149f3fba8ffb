"""Hedges on the command line: which ones a report carries, and the history of each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from flows.rule_sets import rule_sets_named
from signals.alvh.ruleset_files import shipped_rule_set
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals
from storage.engine import open_engine
from tasks.compute import reports_on
from tasks.hedges import ReportHedges
from tasks.ingest import ingest
from tasks.persist import emit
from tasks.runs import start_run
from tasks.sources.files import FilesSource
from tests.conftest import now
from tests.flows.conftest import Tailguard
from tests.market_files import LAST, SESSIONS

pytestmark = pytest.mark.server

LAST_DAYS = SESSIONS[-5:]
SPAN = ["--start", str(LAST_DAYS[0]), "--end", str(LAST)]
NAMES = ("alvh-seed", "alvh-442")


@pytest.fixture(scope="module")
def hedged(made_up_signals: VeqtorSignals) -> list[SignalReport]:
    """The reports of five sessions, with the hedges of the default setting."""
    hedges = ReportHedges(made_up_signals, rule_sets_named(NAMES), 1e6)
    return reports_on(made_up_signals, LAST_DAYS, 1e6, {}, (), hedges)


@pytest.fixture
def engine(tmp_path: Path, sqlite_with_schema: bytes) -> Engine:
    (tmp_path / "reports.db").write_bytes(sqlite_with_schema)
    return open_engine(f"sqlite:///{tmp_path / 'reports.db'}")


@pytest.fixture
def database(tmp_path: Path, engine: Engine, hedged: list[SignalReport]) -> str:
    store(engine, hedged)
    return f"sqlite:///{tmp_path / 'reports.db'}"


def store(engine: Engine, reports: list[SignalReport]) -> None:
    emit(engine, start_run(engine, "daily", "files", None, now), reports, [], now)
    engine.dispose()


@pytest.fixture
def mine(tailguard: Tailguard) -> Path:
    """A rule set of one's own."""
    path = Path("my.toml")
    text = tailguard("rules", "show", "alvh-442").out
    path.write_text(text.replace('name = "alvh-442"', 'name = "my-hedge"'))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_the_history_of_a_hedge_from_the_database_is_the_computed_one_to_the_last_digit(
    tailguard: Tailguard, database: str, made_up_dir: Path, name: str
) -> None:
    stored = tailguard("history", "--strategy", name, *SPAN, "--database", database)
    computed = tailguard("history", "--strategy", name, *SPAN, "--source", "files", "--data-dir", made_up_dir)
    assert (stored.code, stored.err, stored.out) == (0, "", computed.out)
    header, *rows = stored.out.splitlines()
    assert header.startswith(
        "session,hedge_state,premium_paid,premium_received,mark,net_cost,pnl,l1_action,l1_instrument,l1_contracts,"
    )
    assert [row[:10] for row in rows] == [str(day) for day in LAST_DAYS]


def test_the_history_of_a_hedge_begins_with_its_rule_set(tailguard: Tailguard, made_up_dir: Path) -> None:
    ended = tailguard(
        "history", "--strategy", "alvh-seed", "--start", "2006-03-01", "--end", "2006-04-04",
        "--source", "files", "--data-dir", made_up_dir, "--format", "json",
    )  # fmt: skip
    assert [row["session"] for row in json.loads(ended.out)] == ["2006-03-31", "2006-04-03", "2006-04-04"]


def test_the_history_of_a_rule_set_of_ones_own(tailguard: Tailguard, made_up_dir: Path, mine: Path) -> None:
    of = ("history", *SPAN, "--source", "files", "--data-dir", made_up_dir, "--strategy")
    assert tailguard(*of, mine).out == tailguard(*of, "alvh-442").out


def test_the_history_of_a_simulated_market_says_so(tailguard: Tailguard) -> None:
    ended = tailguard(
        "history", "--strategy", "alvh-442", "--source", "sample", "--start", "2026-06-01", "--end", "2026-06-03"
    )
    assert [line.rpartition(",")[2] for line in ended.out.splitlines()] == ["market", *["SIMULATED"] * 3]


def test_reports_without_the_rule_set_say_what_to_do(tailguard: Tailguard, database: str, mine: Path) -> None:
    ended = tailguard("history", "--strategy", mine, *SPAN, "--database", database)
    assert (ended.code, ended.out) == (2, "")
    assert f"my-hedge in the report of {LAST_DAYS[0]}: expected its hedge" in ended.err
    assert "got a report without it. Compute it with --source, or have the setting hedges include it" in ended.err


def test_reports_of_another_version_of_a_rule_set_are_not_taken_for_it(
    tailguard: Tailguard, tmp_path: Path, engine: Engine, hedged: list[SignalReport]
) -> None:
    old = [replace(report, hedges=(replace(report.hedges[0], rule_set_digest="older"),)) for report in hedged]
    store(engine, old)
    ended = tailguard("history", "--strategy", "alvh-seed", *SPAN, "--database", f"sqlite:///{tmp_path}/reports.db")
    assert ended.code == 2
    assert f"hash {shipped_rule_set('alvh-seed').digest}, got one of hash older" in ended.err


def test_books_that_began_on_different_sessions_are_not_one_history(
    tailguard: Tailguard, tmp_path: Path, engine: Engine, hedged: list[SignalReport]
) -> None:
    first, *others = hedged
    later = replace(first, hedges=(replace(first.hedges[0], inception=first.session),))
    store(engine, [later, *others])
    ended = tailguard("history", "--strategy", "alvh-seed", *SPAN, "--database", f"sqlite:///{tmp_path}/reports.db")
    assert ended.code == 2
    assert f"reports whose books begin on 2006-03-31 and {first.session}" in ended.err
    assert "--mode recompute" in ended.err


def test_a_change_of_the_notional_is_told_beside_the_rows(
    tailguard: Tailguard, tmp_path: Path, engine: Engine, hedged: list[SignalReport]
) -> None:
    first, *others = hedged
    smaller = replace(first, hedges=(replace(first.hedges[0], notional_usd=5e5), *first.hedges[1:]))
    store(engine, [smaller, *others])
    ended = tailguard("history", "--strategy", "alvh-seed", *SPAN, "--database", f"sqlite:///{tmp_path}/reports.db")
    assert ended.code == 0
    told = f"1,000,000 USD from {others[0].session} on, and for 500,000 USD before"
    assert told in " ".join(ended.err.split())


def test_the_index_among_the_rule_sets_comes_from_the_observations(
    tailguard: Tailguard, tmp_path: Path, engine: Engine, made_up_dir: Path
) -> None:
    ingest(FilesSource(made_up_dir, now), engine, now)
    engine.dispose()
    url = f"sqlite:///{tmp_path}/reports.db"
    of = ("history", *SPAN, "--strategy")
    computed = tailguard(*of, "vxth", "--source", "files", "--data-dir", made_up_dir)
    assert computed.out.startswith("session,total_return_index,")
    assert tailguard(*of, "vxth", "--database", url).out == computed.out
    # By then all of the made-up market was known.
    as_of = tailguard(*of, "alvh-seed", "--as-of", "2006-07-01", "--database", url)
    assert as_of.out == tailguard(*of, "alvh-seed", "--source", "files", "--data-dir", made_up_dir).out
    assert "As of 2006-07-01 23:59 New York" in as_of.err


def test_report_show_tells_of_the_hedges(tailguard: Tailguard, database: str) -> None:
    ended = tailguard("report", "show", "--database", database)
    for title in ("Hedge alvh-seed: ", "Hedge alvh-442: ", "Indicators of alvh-seed and alvh-442"):
        assert f"\n{title}" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    document = json.loads(tailguard("report", "show", "--json", "--database", database).out)
    assert [hedge["rule_set"] for hedge in document["hedges"]] == list(NAMES)
    assert document["macro"]


def dry_run(tailguard: Tailguard, made_up_dir: Path, *arguments: str | Path) -> list[str]:
    """The rule sets of the hedges that a run would report."""
    ended = tailguard("run", "--dry-run", "--session", LAST, "--source", "files", "--data-dir", made_up_dir, *arguments)
    assert ended.code == 0, ended.err
    document = json.loads(Path(f"tailguard-dry-run/{LAST}/report.json").read_text())
    return [hedge["rule_set"] for hedge in document["hedges"]]


def test_a_run_reports_the_configured_hedges_unless_others_are_named(
    tailguard: Tailguard, made_up_dir: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dry_run(tailguard, made_up_dir) == list(NAMES)
    assert dry_run(tailguard, made_up_dir, "--rule-set", mine, "--rule-set", "vxth") == ["my-hedge", "vxth"]
    monkeypatch.setenv("TAILGUARD_HEDGES", "my.toml, alvh-seed")
    assert dry_run(tailguard, made_up_dir) == ["my-hedge", "alvh-seed"]
    monkeypatch.setenv("TAILGUARD_HEDGES", "")
    assert dry_run(tailguard, made_up_dir) == []


def test_the_hedges_of_stored_and_computed_reports_are_the_same(
    tailguard: Tailguard, tmp_path: Path, engine: Engine, made_up_dir: Path
) -> None:
    ingest(FilesSource(made_up_dir, now), engine, now)
    engine.dispose()
    dry_run(tailguard, made_up_dir)
    document = json.loads(Path(f"tailguard-dry-run/{LAST}/report.json").read_text())
    ended = tailguard(
        "run", "--session", LAST, "--as-of", "2006-07-01", "--rule-set", "alvh-442",
        "--database", f"sqlite:///{tmp_path}/reports.db",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "Hedge alvh-seed" not in ended.out
    assert document["hedges"][1]["verdict"] in ended.out
