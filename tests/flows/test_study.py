"""The study over recorded data, on the command line and as a flow."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from signals.alvh.hedge import vxth_rows
from signals.calendar import trading_calendar
from signals.veqtor.history import rows_of_signals
from signals.veqtor.signal import VeqtorSignals
from storage.engine import open_engine
from storage.schema import ensure_schema
from tasks.clock import system_clock
from tasks.compute import compute_stored
from tasks.ingest import ingest
from tasks.sources.files import FilesSource
from tests.flows.conftest import Tailguard

pytestmark = pytest.mark.server

END = dt.date(2020, 12, 31)


@dataclass(frozen=True)
class Filled:
    """A database with the recorded observations, no report of them, and what is computed from them."""

    url: str
    signals: VeqtorSignals


@pytest.fixture(scope="module")
def filled(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    url = f"sqlite:///{tmp_path_factory.mktemp('study') / 'tailguard.db'}"
    engine = open_engine(url)
    ensure_schema(engine)
    ingest(FilesSource(data_dir, system_clock), engine, system_clock, whole=True)
    signals, _ = compute_stored(engine, trading_calendar(), END)
    engine.dispose()
    return Filled(url, signals)


@pytest.fixture(autouse=True)
def _database(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", filled.url)


def test_figures_are_those_of_the_history_and_of_what_is_known(filled: Filled, tailguard: Tailguard) -> None:
    ended = tailguard("study", "--start", "2006-01-03", "--end", str(END), "--rule-set", "vxth", "--json")
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
    # All count from the session on which the last of them begins, and each level is that of `history`.
    start = equity["performance"]["start"]
    assert {item["performance"]["start"] for item in found.values()} == {start} == {"2006-03-31"}
    first = dt.date.fromisoformat(start)
    index = vxth_rows(filled.signals, first, END)
    for name, rows in (
        ("VEQTOR", rows_of_signals(filled.signals, "veqtor", first, END)),
        ("VIX short-term", rows_of_signals(filled.signals, "vix-short-term", first, END)),
        ("vxth", index),
    ):
        expected = rows[-1]["total_return_index"] / rows[0]["total_return_index"] - 1.0
        assert found[name]["performance"]["total_return"] == pytest.approx(expected, rel=2e-4), name
    assert found["vxth"]["drag"] == found["vxth"]["performance"]["growth"] - equity["performance"]["growth"]


def test_a_hedge_beside_equity_gains_what_its_ledger_says(tailguard: Tailguard) -> None:
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


def test_a_range_without_data_is_refused(tailguard: Tailguard) -> None:
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


@pytest.mark.usefixtures("prefect_server")
def test_the_flow_leaves_a_table_in_prefect() -> None:
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
