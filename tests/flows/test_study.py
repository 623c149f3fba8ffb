"""The study on the command line and as a flow: recorded data, bad ranges, a strategy that fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from storage.engine import open_engine
from storage.schema import ensure_schema
from storage.unit_of_work import UnitOfWork
from tasks.clock import system_clock
from tasks.ingest import ingest
from tasks.sources.files import FilesSource
from tests.conftest import ROOT
from tests.flows.conftest import Tailguard

pytestmark = pytest.mark.server

#: As little as is drawn, and one hedge.
SMALL = ("--samples", "200", "--paths", "0", "--hedged-paths", "0", "--rule-set", "alvh-442", "--runner", "serial")


@pytest.fixture(autouse=True)
def _database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", f"sqlite:///{tmp_path / 'study.db'}")


@pytest.fixture
def stored(tmp_path: Path) -> Engine:
    return open_engine(f"sqlite:///{tmp_path / 'study.db'}")


def figures(document: dict[str, Any], track: str) -> dict[str, dict[str, Any]]:
    (found,) = [each for each in document["figures"] if (each["track"], each["period"]) == (track, "whole")]
    values: dict[str, dict[str, Any]] = found["values"]
    return values


def test_recorded_files_answer_the_question_and_the_study_is_stored(
    data_dir: Path, tailguard: Tailguard, stored: Engine
) -> None:
    source = ("--source", "files", "--data-dir", str(data_dir), "--start", "2007-01-03", "--end", "2020-12-31")
    ended = tailguard("study", *source, *SMALL, "--format", "json", "--output", "study.json")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    document = json.loads(Path("study.json").read_text())
    assert (document["first"], document["last"]) == ("2007-01-03", "2020-12-31")
    assert document["failures"] == []
    assert [track["name"] for track in document["tracks"]] == [
        "sp500", "veqtor", "veqtor-no-stop", "veqtor-mid-term", "veqtor-overlay", "fixed-2.5", "fixed-5", "fixed-10",
        "sp500+alvh-442", "vxth", "condor", "condor+alvh-442",
    ]  # fmt: skip
    # S&P 500 total return: the fall from October 2007 to March 2009 was 55.25%.
    assert figures(document, "sp500")["max_drawdown"]["value"] == pytest.approx(-0.5525, abs=2e-4)
    # The condors are under the documented skew, so that their track and that case say the same.
    (case,) = [each for each in document["condor"]["cases"] if (each["hedge"], each["skew"]) == ("", 1.0)]
    assert case["values"]["max_drawdown"] == figures(document, "condor")["max_drawdown"]
    (intervals,) = [
        each for each in document["intervals"] if (each["track"], each["period"]) == ("condor+alvh-442", "whole")
    ]
    reduction = intervals["values"]["drawdown_reduction"]
    assert reduction["low"] < reduction["value"] < reduction["high"]
    # From the database: nothing is computed, as it would be with another seed.
    shown = tailguard("study", *source, *SMALL)
    assert shown.code == 0, shown.err
    assert shown.err == "It was there already, made of the same data: --again computes it anew.\n"
    assert all(len(line) <= 80 for line in shown.out.splitlines()), shown.out
    title, *paragraphs = (" ".join(part.split()) for part in shown.out.split("\n\n"))
    assert title == "Is it worth it? 2007-01-03 to 2020-12-31"
    assert paragraphs[: len(document["answer"])] == document["answer"]
    with UnitOfWork(stored) as work:
        (study,) = work.studies.all()
        assert (study.source, study.simulated, study.complete) == ("files", False, True)
        assert work.studies.parts(study.key) == {}


def test_a_strategy_that_fails_leaves_the_others_and_an_exit_code(
    made_up_dir: Path, tailguard: Tailguard, stored: Engine
) -> None:
    text = (ROOT / "signals/alvh/rule_sets/alvh-442.toml").read_text()
    lines = [
        'name = "late"' if line.startswith("name = ") else "first_session = 2099-01-05"
        if line.startswith("first_session = ") else line
        for line in text.splitlines()
    ]  # fmt: skip
    Path("late.toml").write_text("\n".join(lines))
    source = ("--source", "files", "--data-dir", str(made_up_dir))
    # On simulated markets it begins too late, too.
    small = (*SMALL, "--hedged-paths", "20", "--path-years", "1", "--rule-set", "late.toml")
    ended = tailguard("study", *source, *small, "--format", "json")
    assert ended.code == 1
    assert "Failed: track sp500+late." in ended.err
    document = json.loads(ended.out)
    assert [failure["part"] for failure in document["failures"]] == ["track sp500+late", "hedged paths of late"]
    assert {"veqtor", "sp500+alvh-442", "condor+alvh-442"} <= {track["name"] for track in document["tracks"]}
    simulated = {(each["track"], each["paths"]) for each in document["monte_carlo"]["hedged"]}
    assert ("sp500+alvh-442", 20) in simulated
    assert not any(track.endswith("late") for track, _ in simulated)
    assert figures(document, "sp500")["growth"] == {"value": None, "why": "needs a year: the period has 63 sessions"}
    with UnitOfWork(stored) as work:
        assert [study.complete for study in work.studies.all()] == [False]


def test_what_cannot_be_studied_is_refused_with_the_reason(
    made_up_dir: Path, tailguard: Tailguard, tmp_path: Path
) -> None:
    source = ("--source", "files", "--data-dir", str(made_up_dir))
    for arguments, code, words in (
        (("--start", "2006-06-29"), 2, "three sessions or more, got 2 from 2006-06-29 to 2006-06-30"),
        (("--start", "2006-06-24", "--end", "2006-06-25"), 2, "got 0 from 2006-06-24"),
        (("--start", "1999-01-04", "--end", "2005-12-20"), 2, "got 1 from 1999-01-04"),
        (("--start", "2006-06-30", "--end", "2006-06-01"), 2, "Swap them"),
        (("--start", "2006-07-05"), 2, "a --start up to 2006-06-30, the last session there is"),
        (("--end", "2006-12-29"), 3, "nothing yet for 2006-07-03"),
        (("--samples", "10"), 2, "study: samples: expected 200 or more"),
        (("--confidence", "nan"), 2, "a share from 0.5 to 0.999"),
        (("--equity-cost-bp", "-1"), 2, "a number that is not negative"),
    ):
        ended = tailguard("study", *source, *arguments)
        assert (ended.code, words in ended.err) == (code, True), ended
    alone = tailguard("study", "--data-dir", str(made_up_dir))
    assert (alone.code, "--source files with it" in alone.err) == (2, True)
    late = tailguard("study", *source, *SMALL, "--end", "2006-04-03", "--no-store")
    assert (late.code, "leave out the hedges that begin late" in late.err) == (2, True), late
    Path("empty").mkdir()
    ensure_schema(open_engine("sqlite:///empty/tailguard.db"))
    empty = tailguard("study", "--database", "sqlite:///empty/tailguard.db")
    assert (empty.code, "`tailguard backfill` fills it" in empty.err) == (2, True), empty
    absent = tailguard("study", "--database", "sqlite:///absent.db")
    assert (absent.code, "no such file" in absent.err) == (2, True)
    # Nothing of all that has made a database.
    assert list(tmp_path.glob("*.db")) == []


def test_studies_of_the_sample_market_and_of_the_real_one_do_not_share_a_database(
    made_up_dir: Path, tailguard: Tailguard, stored: Engine
) -> None:
    ensure_schema(stored)
    ingest(FilesSource(made_up_dir, system_clock), stored, system_clock, whole=True)
    ended = tailguard("study", *SMALL, "--format", "json")
    assert ended.code == 0, ended.err
    with UnitOfWork(stored) as work:
        (study,) = work.studies.all()
        assert (study.source, study.simulated) == ("database", False)
    sample = open_engine("sqlite:///sample.db")
    ensure_schema(sample)
    with UnitOfWork(sample) as work:
        work.observations.begin_market(simulated=True)
        work.commit()
    source = ("--source", "files", "--data-dir", str(made_up_dir), "--database", "sqlite:///sample.db")
    refused = tailguard("study", *source, *SMALL)
    assert (refused.code, "studies of the sample market, which it is about" in refused.err) == (2, True), refused.err


@pytest.mark.usefixtures("prefect_server")
def test_the_flow_does_what_the_command_does_and_leaves_its_answer_in_prefect(
    made_up_dir: Path, tailguard: Tailguard
) -> None:
    from prefect.client.orchestration import get_client

    from flows.artifacts import STUDY_KEY
    from flows.study import study
    from reports.study.export import study_json

    asked = {"samples": 200, "paths": 100, "hedged_paths": 0, "path_years": 1}
    where = {"source": "files", "data_dir": str(made_up_dir)}
    state = study(**asked, **where, rule_sets=["alvh-442"], runner="threads", keep=False, return_state=True)
    assert state.is_completed()
    options = [text for name, value in asked.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    source = ("--source", "files", "--data-dir", str(made_up_dir), "--no-store", "--runner", "serial")
    by_command = tailguard("study", *source, *options, "--rule-set", "alvh-442", "--format", "json")
    made = getattr(state.data, "result", state.data)
    assert study_json(made.result) == by_command.out
    assert f"{made.parts} parts" in str(state.message)
    with get_client(sync_client=True) as client:
        (left,) = client.request("POST", "/artifacts/filter", json={"artifacts": {"key": {"any_": [STUDY_KEY]}}}).json()
    assert left["data"].startswith(made.result.answer[0][:40])
