"""The study over recorded data, on the command line and as a flow."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from signals.study.performance import SESSIONS_PER_YEAR
from tests.flows.conftest import Tailguard

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture(scope="module")
def filled(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the recorded observations, and no report of them."""
    from signals.calendar import trading_calendar
    from storage.engine import open_engine
    from storage.schema import ensure_schema
    from tasks.clock import system_clock
    from tasks.ingest import ingest
    from tasks.sources.files import FilesSource

    assert trading_calendar()
    url = f"sqlite:///{tmp_path_factory.mktemp('study') / 'tailguard.db'}"
    engine = open_engine(url)
    ensure_schema(engine)
    ingest(FilesSource(data_dir, system_clock), engine, system_clock, whole=True)
    engine.dispose()
    return url


def test_figures_are_those_of_the_history_and_of_what_is_known(
    filled: str, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", filled)
    ended = tailguard("study", "--start", "2006-01-03", "--end", "2020-12-31", "--rule-set", "vxth", "--json")
    assert ended.code == 0, ended.err
    found = {item["name"]: item for item in json.loads(ended.out)["results"]}
    assert list(found) == ["S&P 500 TR", "VEQTOR", "VIX short-term", "VIX mid-term", "vxth"]
    # S&P 500 total return: the fall from October 2007 to March 2009 was 55.25%, that of early 2020 33.79%.
    equity = found["S&P 500 TR"]
    assert equity["performance"]["max_drawdown"] == pytest.approx(-0.5525, abs=2e-4)
    assert equity["performance"]["trough"] == "2009-03-09"
    windows = dict(equity["windows"])
    assert windows["Q1 2020"] == pytest.approx(-0.3379, abs=2e-4)
    assert "2022" not in windows
    # Each level is that of `history`.
    start = equity["performance"]["start"]
    assert start == "2006-03-31"
    assert {item["performance"]["start"] for item in found.values()} == {start}
    for name, strategy in (("VEQTOR", "veqtor"), ("VIX short-term", "vix-short-term"), ("vxth", "vxth")):
        printed = tailguard("history", "--strategy", strategy, "--source", "files", "--data-dir",
                            _data_dir(), "--start", start, "--end", "2020-12-31").out  # fmt: skip
        levels = [float(row["total_return_index"]) for row in csv.DictReader(io.StringIO(printed))]
        expected = levels[-1] / levels[0] - 1.0
        assert found[name]["performance"]["total_return"] == pytest.approx(expected, rel=2e-4), name
    assert found["vxth"]["drag"] == found["vxth"]["performance"]["growth"] - equity["performance"]["growth"]


def _data_dir() -> Path:
    from tests.conftest import ROOT

    return ROOT.parent / "shared" / "data"


def test_a_hedge_beside_equity_gains_what_its_ledger_says(
    filled: str, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", filled)
    shown = tailguard("study", "--start", "2020-02-19", "--end", "2020-03-23", "--rule-set", "alvh-seed")
    assert shown.code == 0, shown.err
    assert all(len(line) <= 80 for line in shown.out.splitlines()), shown.out
    assert "S&P + alvh-seed" in shown.out
    found = json.loads(
        tailguard("study", "--start", "2020-02-19", "--end", "2020-03-23", "--rule-set", "alvh-seed", "--json").out
    )["results"]
    equity, hedged = found[0]["performance"], found[-1]["performance"]
    # 18% of the notional was gained in these weeks; it is a share of what the equity is then worth.
    assert 0.10 < hedged["total_return"] - equity["total_return"] < 0.18
    assert equity["growth"] is None
    assert SESSIONS_PER_YEAR == 252


def test_a_range_without_data_is_refused(filled: str, tailguard: Tailguard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", filled)
    late = tailguard("study", "--start", "2020-01-02", "--end", "2026-11-13", "--rule-set", "alvh-442")
    assert (late.code, "2026" in late.err) == (3, True)
    short = tailguard("study", "--start", "2020-01-02", "--end", "2020-01-03")
    assert short.code == 2
    assert "three sessions or more" in short.err
    early = tailguard("study", "--start", "2005-12-21", "--end", "2006-02-28", "--rule-set", "alvh-442")
    assert (early.code, "hedges that begin late" in early.err) == (2, True), early.err
    swapped = tailguard("study", "--start", "2020-01-03", "--end", "2020-01-02")
    assert (swapped.code, "Swap them" in swapped.err) == (2, True)
    absent = tailguard("study", "--start", "2020-01-02", "--end", "2020-03-31", "--database", "sqlite:///absent.db")
    assert absent.code == 2


def test_the_flow_leaves_a_table_in_prefect(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", filled)
    from prefect.client.orchestration import get_client

    from flows.study import STUDY_KEY, study

    state = study(start="2018-01-02", end="2018-12-31", rule_sets=["alvh-seed"], return_state=True)  # type: ignore[arg-type] # as Prefect's form sends them
    assert state.is_completed()
    with get_client(sync_client=True) as client:
        (left,) = client.request("POST", "/artifacts/filter", json={"artifacts": {"key": {"any_": [STUDY_KEY]}}}).json()
    rows = json.loads(left["data"])
    assert [row["%"] for row in rows][:2] == ["S&P 500 TR", "VEQTOR"]
    # S&P 500 TR in 2018: -4.4% from the last close of 2017; the return into the first session is not counted.
    assert float(rows[0]["Total"]) == pytest.approx(-5.2, abs=0.3)
