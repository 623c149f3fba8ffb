"""The figures in columns say what the documents say, whoever put them there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

import storage
from signals.veqtor.report import IndexLevel, SignalReport
from storage.figures import HedgeFigures, SessionFigures
from storage.schema import upgrade
from storage.unit_of_work import UnitOfWork
from tasks.persist import emit
from tests.conftest import now
from tests.tasks.test_persist import report, run_id, with_input
from tests.tasks.test_persist_hedges import hedged

pytestmark = [pytest.mark.server, pytest.mark.both_databases]

# Fixtures are found by the names of this module.
__all__ = ["hedged", "report", "run_id"]


def stored(engine: Engine) -> tuple[list[SessionFigures], dict[str, list[HedgeFigures]]]:
    with UnitOfWork(engine) as work:
        return work.figures.history(), {name: work.figures.hedges(name) for name in ("alvh-seed", "alvh-442")}


def migrated_anew(engine: Engine) -> None:
    """As if the reports had been stored by a version that kept no figures."""
    configuration = Config()
    configuration.set_main_option("script_location", f"{storage.__path__[0]}/migrations")
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "0008")
    upgrade(engine)


def test_figures_are_stored_with_their_report(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    emit(engine, run_id, [hedged], [], now)

    (found,), hedges = stored(engine)
    assert (found.session, found.revision, found.emitted_at) == (hedged.session, 1, now())
    assert found.realised_volatility == hedged.regime.volatility
    assert (found.spx, found.vix) == tuple(
        next(item.value for item in hedged.inputs if item.label == label) for label in ("S&P 500", "VIX")
    )
    assert found.veqtor_total_return == hedged.indices["veqtor"].total_return
    assert (found.target_equity, found.target_cash) == (hedged.target.equity, hedged.target.cash)
    whole, *layers = hedges["alvh-seed"]
    seed = hedged.hedges[0]
    assert seed.ledger
    assert seed.budget
    assert (whole.layer, whole.pnl_usd, whole.net_cost) == ("all", seed.ledger.pnl_usd, seed.budget.net_cost)
    assert [(row.layer, row.action, row.pnl_usd) for row in layers] == [
        (layer.layer, layer.action, layer.pnl_usd) for layer in seed.layers
    ]


def test_a_revision_has_figures_of_its_own(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    emit(engine, run_id, [hedged], [], now)
    emit(engine, run_id, [with_input(hedged, 1234.5)], [], now)

    (found,), _ = stored(engine)
    assert (found.revision, found.spx) == (2, 1234.5)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM session_figures")).scalar() == 2


def test_a_migration_makes_the_figures_that_storing_makes(engine: Engine, run_id: int, hedged: SignalReport) -> None:
    no_level = replace(hedged, indices=hedged.indices | {"veqtor": IndexLevel(None, None, None)})
    emit(engine, run_id, [hedged], [], now)
    emit(engine, run_id, [no_level], [], now)
    before = stored(engine)
    assert before[1]["alvh-seed"]
    assert before[0][0].veqtor_total_return is None

    migrated_anew(engine)

    assert stored(engine) == before
