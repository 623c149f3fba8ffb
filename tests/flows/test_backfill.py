from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.exceptions import ParameterTypeError
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

import flows.backfill
import flows.ranges
from flows.backfill import BackfillResult, backfill
from flows.daily import daily
from flows.steps import emit_step
from signals.errors import ConfigurationError
from storage.engine import open_engine
from storage.models import Allocation, HedgeTarget, Observation, OutboxMessage, Payload, Report, Run
from storage.runs import ALREADY_EMITTED, EMITTED, FAILED, REVISED
from storage.unit_of_work import UnitOfWork
from tests.flows.conftest import Tailguard

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("prefect_server")]

Fill = Callable[..., BackfillResult]


@pytest.fixture
def fill(market: Path) -> Fill:
    def run(start: str, end: str, **parameters: object) -> BackfillResult:
        data = backfill(start, end, **parameters, return_state=True).data
        result = getattr(data, "result", data)
        if isinstance(result, BaseException):
            raise result
        assert isinstance(result, BackfillResult)
        return result

    return run


def count(engine: Engine, table: type) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def documents(engine: Engine) -> dict[dt.date, str]:
    with UnitOfWork(engine) as work:
        return {item.session: item.document for item in work.reports.recent(10_000)}


def test_a_range_is_one_run_with_a_report_and_its_allocations_for_every_session(
    fill: Fill, database: Callable[[], Engine]
) -> None:
    result = fill("2005-12-20", "2006-06-30")
    assert result.outcomes == {EMITTED: 133}
    assert count(database(), Run) == 1
    assert count(database(), Report) == 133
    assert count(database(), Allocation) > 3 * 133
    assert count(database(), OutboxMessage) == 0


def test_every_session_from_the_first_of_the_rule_sets_on_has_hedge_targets(
    fill: Fill, database: Callable[[], Engine]
) -> None:
    fill("2006-03-20", "2006-04-10")
    with Session(database()) as session:
        rows = session.execute(
            select(Report.session, HedgeTarget.rule_set, HedgeTarget.layer).join(Report).distinct()
        ).all()
    sessions = [day for day in documents(database()) if day >= dt.date(2006, 3, 31)]
    layers = [(name, layer) for name in ("alvh-seed", "alvh-442") for layer in ("l1", "l2", "l3")]
    assert sorted(map(tuple, rows)) == sorted((day, *layer) for day in sessions for layer in layers)


def test_the_hedges_of_a_range_can_be_named(fill: Fill, database: Callable[[], Engine]) -> None:
    fill("2006-06-01", "2006-06-05", rule_sets=["alvh-442"])
    with Session(database()) as session:
        assert session.scalars(select(HedgeTarget.rule_set).distinct()).all() == ["alvh-442"]
    assert fill("2006-06-01", "2006-06-05", mode="recompute").outcomes == {REVISED: 3}


def test_what_is_there_is_left_alone_and_the_rest_is_added(fill: Fill, database: Callable[[], Engine]) -> None:
    fill("2006-06-01", "2006-06-15")
    before = documents(database())
    result = fill("2006-05-15", "2006-06-30")
    assert result.already_there == 11
    assert result.outcomes == {EMITTED: 23}
    after = documents(database())
    assert {day: after[day] for day in before} == before


def test_a_repeat_does_not_even_read_the_source(fill: Fill, market: Path) -> None:
    fill("2006-06-01", "2006-06-15")
    for path in market.rglob("*.csv"):
        path.write_text("no longer a market")
    assert fill("2006-06-01", "2006-06-15").already_there == 11


def test_recomputing_unchanged_inputs_changes_nothing(fill: Fill, database: Callable[[], Engine]) -> None:
    fill("2006-06-01", "2006-06-15")
    before = documents(database())
    assert fill("2006-06-01", "2006-06-15", mode="recompute").outcomes == {ALREADY_EMITTED: 11}
    assert documents(database()) == before


def test_recomputing_a_changed_input_revises_what_it_reaches(
    fill: Fill, market: Path, database: Callable[[], Engine]
) -> None:
    fill("2006-06-01", "2006-06-30")
    path = market / "fred/DFF.csv"
    path.write_text(path.read_text().replace("2006-06-14,4.20", "2006-06-14,4.70"))
    result = fill("2006-06-01", "2006-06-30", mode="recompute")
    # The rate of the 14th is earned into the 15th; from there on every level has moved.
    assert result.outcomes == {ALREADY_EMITTED: 10, REVISED: 12}
    with UnitOfWork(database()) as work:
        revisions = {item.session: item.outcome for item in work.runs.outcomes(100)}
    assert revisions[dt.date(2006, 6, 14)] == EMITTED
    assert revisions[dt.date(2006, 6, 15)] == REVISED


def test_day_by_day_equals_the_whole_range_to_the_bit(
    fill: Fill, market: Path, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill("2006-06-20", "2006-06-30")
    whole = documents(database())
    monkeypatch.setenv("TAILGUARD_DATABASE_URL", f"sqlite:///{tmp_path / 'days.db'}")
    for session in whole:
        daily(session=str(session), notify=False, return_state=True)
    alone = documents(open_engine(f"sqlite:///{tmp_path / 'days.db'}"))
    assert alone == whole


def test_an_interrupted_backfill_keeps_whole_chunks_and_goes_on(
    fill: Fill, database: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.ranges, "CHUNK_SESSIONS", 5)
    emit, calls = emit_step, []

    def interrupted(*arguments: Any, **options: Any) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return emit(*arguments, **options)

    monkeypatch.setattr(flows.backfill, "emit_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fill("2006-06-01", "2006-06-30")
    assert count(database(), Report) == 10
    monkeypatch.setattr(flows.backfill, "emit_step", emit)
    result = fill("2006-06-01", "2006-06-30")
    assert (result.already_there, result.outcomes) == (10, {EMITTED: 12})


def test_a_range_beyond_the_data_stores_what_there_is_and_names_what_is_missing(
    fill: Fill, database: Callable[[], Engine]
) -> None:
    result = fill("2006-06-29", "2006-07-05")
    assert result.outcomes == {EMITTED: 2}
    assert result.waiting
    assert (result.waiting.session, result.waiting.outcome) == (dt.date(2006, 7, 3), FAILED)
    assert "SPX" in result.waiting.detail
    assert set(documents(database())) == {dt.date(2006, 6, 29), dt.date(2006, 6, 30)}


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2005-12-19", "2006-01-05", "2005-12-20 or later"),
        ("2006-06-03", "2006-06-04", "at least one trading session"),
        ("2006-06-05", "2006-06-01", "at least one trading session"),
        ("2006-06-05", "2999-01-01", "date 2999-01-01"),
        ("2006-06-05", "2035-01-03", "the last session that closed"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(fill: Fill, start: str, end: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        fill(start, end)


def test_documents_hold_no_nan(fill: Fill, database: Callable[[], Engine]) -> None:
    fill("2005-12-20", "2006-01-10")
    for document in documents(database()).values():
        json.loads(document, parse_constant=lambda name: pytest.fail(f"{name} in a document"))


def test_the_form_in_the_web_page_has_dates_choices_and_explanations() -> None:
    """Prefect draws its form from this: a date picker, a list to choose from, a switch."""
    schema = backfill.parameters
    shown = schema.properties
    assert schema.required == ["start", "end"]
    assert {name: shown[name]["format"] for name in ("start", "end")} == {"start": "date", "end": "date"}
    assert shown["mode"]["$ref"] == "#/definitions/Mode"
    assert schema.definitions["Mode"]["enum"] == ["missing", "recompute"]
    assert [choice.get("enum") for choice in shown["source"]["anyOf"]] == [["live", "files", "sample"], None]
    assert shown["notify"] == {**shown["notify"], "type": "boolean", "default": False}
    assert all(parameter["description"] for parameter in shown.values())
    session = daily.parameters.properties["session"]["anyOf"]
    assert session == [{"type": "string", "format": "date"}, {"type": "string", "const": "latest"}, {"type": "null"}]


def test_a_form_that_was_filled_in_wrongly_starts_nothing() -> None:
    with pytest.raises(ParameterTypeError, match="start"):
        backfill("yesterday", "2006-06-05")  # type: ignore[arg-type]  # as a program could
    with pytest.raises(ParameterTypeError, match="mode"):
        backfill("2006-06-01", "2006-06-05", mode="all")  # type: ignore[arg-type]  # as a program could


DRY = ("backfill", "--start", "2006-06-01", "--end", "2006-07-03", "--dry-run")


def test_a_dry_run_counts_what_a_backfill_then_does_and_makes_no_database(
    tailguard: Tailguard, market: Path, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    ended = tailguard(*DRY, "--json")
    dry = json.loads(ended.out)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert (ended.code, dry["sessions"], dry["already_there"], dry["computed"]) == (3, 23, 0, 22)
    assert (dry["outcomes"], dry["waiting"], "2006-07-03 of SPX" in dry["waiting_for"]) == ({"EMITTED": 22}, 1, True)
    assert json.loads(tailguard(*DRY[:-1], "--json").out)["outcomes"] == dry["outcomes"]


@pytest.mark.parametrize("mode", ["missing", "recompute"])
def test_a_dry_run_over_stored_reports_names_what_would_be_revised_and_stores_nothing(
    fill: Fill, tailguard: Tailguard, market: Path, database: Callable[[], Engine], mode: str
) -> None:
    fill("2006-06-01", "2006-06-20")
    path = market / "fred/DFF.csv"
    path.write_text(path.read_text().replace("2006-06-14,4.20", "2006-06-14,4.70"))
    rows = [count(database(), table) for table in (Run, Report, Observation, Payload, OutboxMessage)]
    command = ("backfill", "--start", "2006-06-01", "--end", "2006-06-30", "--mode", mode)
    dry = json.loads(tailguard(*command, "--dry-run", "--json").out)
    said = tailguard(*command, "--dry-run").out
    assert [count(database(), table) for table in (Run, Report, Observation, Payload, OutboxMessage)] == rows
    assert dry["already_there"] == 14
    assert dry["outcomes"] == fill("2006-06-01", "2006-06-30", mode=mode).outcomes
    if mode == "recompute":
        assert dry["outcomes"] == {ALREADY_EMITTED: 10, REVISED: 4, EMITTED: 8}
        assert "2006-06-15 REVISED: target unchanged; overnight rate of 2006-06-14: 4.27" in said
    else:
        assert (dry["computed"], dry["revised"]) == (8, [])


def test_a_dry_run_knows_what_the_database_knows_beside_the_files(
    fill: Fill, tailguard: Tailguard, market: Path
) -> None:
    fill("2006-06-01", "2006-06-20")
    (market / "cboe/index/VIX_History.csv").unlink()
    command = ("backfill", "--start", "2006-06-01", "--end", "2006-06-20", "--mode", "recompute", "--dry-run", "--json")
    assert json.loads(tailguard(*command).out)["outcomes"] == {ALREADY_EMITTED: 14}


@pytest.mark.usefixtures("market")
def test_nobody_can_have_been_told_without_recipients_or_be_told_again(tailguard: Tailguard) -> None:
    span = ("backfill", "--start", "2006-06-28", "--end", "2006-06-29", "--told")
    nobody = tailguard(*span)
    both = tailguard(*span, "--notify")
    assert (nobody.code, both.code) == (2, 2)
    assert "--told: expected recipients in the settings, who are told of this source, got none" in nobody.err
    assert "--told: expected no --notify beside it, got both" in both.err
