from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

import storage
from signals.errors import ConfigurationError
from storage.kept_books import StoredBook
from storage.models import Base
from storage.observations import StoredValue
from storage.outbox import PENDING, SESSION_FAILED, SUPERSEDED, NewAlert
from storage.reports import AllocationLine
from storage.runs import EMITTED, SessionOutcome
from storage.schema import SCHEMA_REVISION, current_revision, ensure_schema, require_schema, upgrade
from storage.unit_of_work import UnitOfWork
from tests.conftest import ROOT
from tests.storage.conftest import figures, hedge_figures, new_report

pytestmark = pytest.mark.server

TABLES = {
    "market", "payloads", "observations", "runs", "outcomes", "reports", "allocations", "hedge_targets", "alerts",
    "outbox", "chain_calls", "kept_books", "session_figures", "hedge_figures", "studies", "study_parts",
}  # fmt: skip


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """A database with the current schema, which the test may change."""
    ensure_schema(empty_engine)
    return empty_engine


def differences(engine: Engine) -> list[Any]:
    """What alembic would change to make the database equal to the models."""
    with engine.connect() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    return found


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", f"{storage.__path__[0]}/migrations")
    return config


def with_connection(engine: Engine, action: Callable[[Config], None]) -> None:
    config = configuration()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        action(config)


def execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def test_the_migrations_lead_to_the_tables_of_the_models(empty_engine: Engine) -> None:
    upgrade(empty_engine)

    assert tables(empty_engine) == TABLES == set(Base.metadata.tables)
    assert differences(empty_engine) == []


def test_a_database_that_lacks_a_column_is_told_from_the_models(engine: Engine) -> None:
    execute(engine, "ALTER TABLE runs DROP COLUMN message")

    assert [difference[0] for difference in differences(engine)] == ["add_column"]


def test_a_downgrade_removes_every_table_and_an_upgrade_brings_them_back(engine: Engine) -> None:
    with_connection(engine, lambda config: command.downgrade(config, "base"))
    assert tables(engine) == set()
    assert current_revision(engine) is None

    upgrade(engine)
    assert differences(engine) == []
    assert current_revision(engine) == SCHEMA_REVISION


def test_the_schema_revision_is_the_head_of_the_scripts() -> None:
    assert ScriptDirectory.from_config(configuration()).get_heads() == [SCHEMA_REVISION]


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    upgrade(engine)

    assert current_revision(engine) == SCHEMA_REVISION
    assert differences(engine) == []


def test_a_failed_upgrade_leaves_nothing(empty_engine: Engine) -> None:
    # The last table that the migration creates is there already.
    execute(empty_engine, "CREATE TABLE outbox (id INTEGER)")

    with pytest.raises(Exception, match="outbox"):
        upgrade(empty_engine)

    assert tables(empty_engine) == {"outbox"}
    assert current_revision(empty_engine) is None


def test_an_empty_database_gets_its_schema_once(empty_engine: Engine) -> None:
    assert current_revision(empty_engine) is None
    ensure_schema(empty_engine)
    execute(
        empty_engine, "INSERT INTO runs (kind, source, started_at) VALUES ('daily', 'files', '2026-11-20 00:00:00')"
    )
    ensure_schema(empty_engine)

    with empty_engine.connect() as connection:
        assert connection.execute(text("SELECT kind FROM runs")).scalars().all() == ["daily"]


def test_a_database_of_another_revision_is_refused_and_left_alone(engine: Engine) -> None:
    execute(engine, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(ConfigurationError, match=f"expected schema {SCHEMA_REVISION}, got schema 9999") as caught:
        ensure_schema(engine)

    assert "tailguard db upgrade" in caught.value.do
    assert "--database" in caught.value.do
    assert current_revision(engine) == "9999"


def test_a_database_with_the_tables_of_others_is_refused_and_left_alone(empty_engine: Engine) -> None:
    execute(empty_engine, "CREATE TABLE customers (name TEXT)")

    with pytest.raises(ConfigurationError, match="got no tailguard schema") as caught:
        ensure_schema(empty_engine)

    assert "Name another database with --database" in str(caught.value)
    assert tables(empty_engine) == {"customers"}


def test_a_database_without_a_schema_is_refused_where_one_is_required(empty_engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match="tailguard db upgrade"):
        require_schema(empty_engine)

    assert tables(empty_engine) == set()


@pytest.mark.server
def test_two_programs_that_start_at_once_on_an_empty_database_both_find_a_schema(
    empty_engine: Engine, database_url: str
) -> None:
    program = (
        "import sys, alembic.command; from storage.engine import open_engine; from storage.schema import ensure_schema;"
        "engine = open_engine(sys.argv[1]); print('ready', flush=True); sys.stdin.readline(); ensure_schema(engine)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=30)[1] for process in started]

    assert ([process.returncode for process in started], errors) == ([0, 0], ["", ""])
    assert differences(empty_engine) == []


def test_migration_0002_keeps_what_was_stored_and_calls_it_real(empty_engine: Engine) -> None:
    with_connection(empty_engine, lambda config: command.upgrade(config, "0001"))
    execute(empty_engine, "INSERT INTO runs (id, kind, source, started_at) VALUES (1, 'daily', 'files', '2026-11-20')")
    execute(
        empty_engine,
        "INSERT INTO payloads (id, sha256, format, subject, locator, fetched_at, size, body) "
        "VALUES (1, 'a', 'f', 's', 'l', '2026-11-20', 0, '')",
    )
    execute(
        empty_engine,
        "INSERT INTO reports (id, session, rule_set, rule_set_digest, revision, fingerprint, document, emitted_at, "
        "run_id) VALUES (1, '2026-11-20', 'veqtor', 'd', 1, 'f', '{}', '2026-11-20', 1)",
    )
    execute(
        empty_engine,
        "INSERT INTO allocations (report_id, effective_session, instrument, weight, amount_usd) "
        "VALUES (1, '2026-11-23', 'equity', 0.9, 900000)",
    )

    upgrade(empty_engine)

    with empty_engine.connect() as connection:
        rows = connection.execute(text("SELECT report_id, strategy, instrument, weight FROM allocations")).all()
        assert [tuple(row) for row in rows] == [(1, "veqtor", "equity", 0.9)]
        assert [bool(found) for found in connection.execute(text("SELECT simulated FROM market")).scalars()] == [False]
    with_connection(empty_engine, lambda config: command.downgrade(config, "0001"))
    with empty_engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM allocations")).scalar() == 1


def test_migration_0002_leaves_an_empty_database_open_to_either_market(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM market")).scalar() == 0


def test_the_market_of_a_database_is_one_row(engine: Engine) -> None:
    execute(engine, "INSERT INTO market (id, simulated) VALUES (1, true)")
    for statement in ("VALUES (1, false)", "VALUES (2, false)"):
        with pytest.raises(IntegrityError):
            execute(engine, f"INSERT INTO market (id, simulated) {statement}")


def test_migration_0004_keeps_what_was_stored_and_goes_back(empty_engine: Engine) -> None:
    with_connection(empty_engine, lambda config: command.upgrade(config, "0003"))
    execute(empty_engine, "INSERT INTO runs (id, kind, source, started_at) VALUES (1, 'daily', 'files', '2026-11-20')")
    execute(
        empty_engine,
        "INSERT INTO reports (id, session, rule_set, rule_set_digest, revision, fingerprint, document, emitted_at, "
        "run_id) VALUES (7, '2026-11-20', 'veqtor', 'd', 1, 'f', '{}', '2026-11-20', 1)",
    )
    execute(
        empty_engine,
        "INSERT INTO outbox (report_id, channel, recipient, state, attempts, created_at, last_error) "
        "VALUES (7, 'email', 'desk@example.com', 'FAILED', 8, '2026-11-20', 'no')",
    )
    before = outbox_rows(empty_engine)

    upgrade(empty_engine)
    assert outbox_rows(empty_engine) == before
    execute(empty_engine, ALERT)
    execute(empty_engine, message(alert_id="1"))

    with_connection(empty_engine, lambda config: command.downgrade(config, "0003"))
    # A message about an alert has no place in the older schema.
    assert outbox_rows(empty_engine) == before
    assert "alerts" not in tables(empty_engine)
    with pytest.raises(IntegrityError):
        execute(empty_engine, "UPDATE outbox SET report_id = NULL")
    upgrade(empty_engine)
    assert outbox_rows(empty_engine) == before
    assert differences(empty_engine) == []


def test_migration_0006_keeps_what_was_stored_and_goes_back(empty_engine: Engine) -> None:
    with_connection(empty_engine, lambda config: command.upgrade(config, "0005"))
    execute(empty_engine, "INSERT INTO runs (id, kind, source, started_at) VALUES (1, 'daily', 'files', '2026-11-20')")
    execute(
        empty_engine,
        "INSERT INTO reports (id, session, rule_set, rule_set_digest, revision, fingerprint, document, emitted_at, "
        "run_id) VALUES (7, '2026-11-20', 'veqtor', 'd', 1, 'f', '{}', '2026-11-20', 1)",
    )

    upgrade(empty_engine)
    execute(empty_engine, HEDGE_TARGET)

    with_connection(empty_engine, lambda config: command.downgrade(config, "0005"))
    assert "hedge_targets" not in tables(empty_engine)
    upgrade(empty_engine)
    assert differences(empty_engine) == []
    with empty_engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM reports")).scalars().all() == [7]
        assert connection.execute(text("SELECT count(*) FROM hedge_targets")).scalar() == 0


HEDGE_TARGET = (
    "INSERT INTO hedge_targets (report_id, rule_set, rule_set_digest, layer, leg, effective_session, action, "
    "hedge_state, contracts_held, contracts_target, contracts_target_rounded) "
    "VALUES (7, 'alvh-seed', 'h', 'l1', 0, '2026-11-23', 'NONE', 'DORMANT', 0, 0, 0)"
)

ALERT = (
    "INSERT INTO alerts (id, session, rule_set_digest, kind, title, text, deadline_at, raised_at, run_id) "
    "VALUES (1, '2026-11-23', 'd', 'FAILED', 't', 't', '2026-11-24', '2026-11-24', 1)"
)


def message(report_id: str = "NULL", alert_id: str = "NULL") -> str:
    return (
        "INSERT INTO outbox (report_id, alert_id, channel, recipient, state, attempts, created_at) "  # noqa: S608
        f"VALUES ({report_id}, {alert_id}, 'email', 'risk@example.com', 'PENDING', 0, '2026-11-24')"
    )


def outbox_rows(engine: Engine) -> list[tuple[Any, ...]]:
    columns = "id, report_id, channel, recipient, state, attempts, last_error"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM outbox ORDER BY id"))]  # noqa: S608


@pytest.mark.parametrize(("report_id", "alert_id"), [("NULL", "NULL"), ("7", "1")])
def test_a_message_is_about_exactly_one_thing(engine: Engine, report_id: str, alert_id: str) -> None:
    execute(engine, "INSERT INTO runs (id, kind, source, started_at) VALUES (1, 'daily', 'files', '2026-11-20')")
    execute(
        engine,
        "INSERT INTO reports (id, session, rule_set, rule_set_digest, revision, fingerprint, document, emitted_at, "
        "run_id) VALUES (7, '2026-11-20', 'veqtor', 'd', 1, 'f', '{}', '2026-11-20', 1)",
    )
    execute(engine, ALERT)

    with pytest.raises(IntegrityError):
        execute(engine, message(report_id, alert_id))
    execute(engine, message(report_id="7"))
    execute(engine, message(alert_id="1"))


def fill(engine: Engine) -> None:
    """A row in every table, and more where a downgrade decides by row."""
    day, later, t = dt.date(2026, 11, 20), dt.date(2026, 11, 23), dt.datetime(2026, 11, 20, 23, 45, tzinfo=dt.UTC)
    with UnitOfWork(engine) as work:
        work.observations.begin_market(simulated=False)
        payload = work.observations.add_payload("a" * 64, "format", "subject", "where", t, b"body")
        work.observations.append(
            [
                StoredValue("SPX", "yahoo", day, 6000.0, t, False, payload),
                StoredValue("SPX", "yahoo", day, None, t + dt.timedelta(hours=1), False, payload),
            ]
        )
        work.observations.keep_chain_calls(payload, t, b"[]")
        run_id = work.runs.start("daily", "files", None, t)
        work.runs.record(run_id, [SessionOutcome(day, EMITTED, "")], t)
        report = new_report(day)
        variant = AllocationLine("vix-mid-term", later, "equity", 1.0, 1e6, None)
        keys = work.reports.add([replace(report, allocations=(*report.allocations, variant))], run_id)
        alert = NewAlert(later, "d1", SESSION_FAILED, "title", "text", t)
        work.outbox.add(keys, [("email", "desk@example.com"), ("slack", "webhook")], t)
        work.outbox.raise_alert(alert, run_id, [("email", "desk@example.com")], t)
        work.outbox.drop([work.outbox.pending()[0].id], t)
        work.figures.add([figures(keys[0], day)], [hedge_figures(keys[0], day)])
        work.kept_books.keep(StoredBook("b" * 64, day, "c" * 64, "d" * 64, "{}"))
        work.studies.add(
            "e" * 64, "{}", made_at=t, first=day, last=later, source="files", simulated=False, complete=True
        )
        work.studies.keep_part("f" * 64, "bootstrap 1/20", "{}", t)
        work.commit()


def contents(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - names of ours
            for table in tables(engine)
        }


def test_each_downgrade_keeps_what_the_older_schema_has_a_place_for(engine: Engine) -> None:
    fill(engine)
    full = contents(engine)
    assert set(full) == TABLES
    assert 0 not in full.values()

    left = {}
    for script in list(ScriptDirectory.from_config(configuration()).walk_revisions())[:-1]:
        with_connection(engine, lambda config: command.downgrade(config, "-1"))
        assert current_revision(engine) == script.down_revision
        left[str(script.down_revision)] = contents(engine)
    assert left["0009"] == {table: count for table, count in full.items() if table not in ("studies", "study_parts")}
    assert left["0008"] == {table: count for table, count in left["0009"].items() if not table.endswith("_figures")}
    assert left["0007"] == {table: count for table, count in left["0008"].items() if table != "kept_books"}
    assert left["0006"] == left["0007"]
    assert left["0005"] == {
        table: count for table, count in left["0006"].items() if table not in ("hedge_targets", "chain_calls")
    }
    assert left["0004"] == left["0005"] | {"observations": 1}
    assert left["0003"] == {table: count for table, count in left["0004"].items() if table != "alerts"} | {"outbox": 2}
    assert left["0002"] == left["0003"]
    assert left["0001"] == {table: count for table, count in left["0002"].items() if table != "market"} | {
        "allocations": 3
    }

    upgrade(engine)
    assert differences(engine) == []
    assert contents(engine) == dict.fromkeys(TABLES, 0) | left["0001"] | {"market": 1}
    with UnitOfWork(engine) as work:
        (stored,) = work.reports.recent(9)
        assert stored.document == new_report(dt.date(2026, 11, 20)).document
        assert sorted(message.state for message in work.outbox.all()) == [PENDING, SUPERSEDED]
    with_connection(engine, lambda config: command.downgrade(config, "base"))
    assert tables(engine) == set()


def test_a_simulated_market_does_not_become_the_real_one_by_a_downgrade(engine: Engine) -> None:
    execute(engine, "INSERT INTO market (id, simulated) VALUES (1, true)")
    with pytest.raises(RuntimeError, match="simulated"):
        with_connection(engine, lambda config: command.downgrade(config, "0001"))

    assert current_revision(engine) == SCHEMA_REVISION
    assert differences(engine) == []
