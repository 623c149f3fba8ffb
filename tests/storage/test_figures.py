from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import Engine

from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, add_reports, figures, hedge_figures, new_report

pytestmark = pytest.mark.server

NEXT = DAY + dt.timedelta(days=3)
LATER = T0 + dt.timedelta(hours=1)


@pytest.fixture
def keys(engine: Engine) -> list[int]:
    """Two sessions; the first was revised an hour later, which dropped a layer of its hedge."""
    keys = add_reports(
        engine, new_report(DAY), new_report(NEXT), new_report(DAY, 2), new_report(DAY, digest="d9", rule_set="x")
    )
    first, second, revised, other = keys
    with UnitOfWork(engine) as work:
        work.figures.add(
            [figures(first), figures(second, NEXT), figures(revised, DAY, 2, emitted_at=LATER, vix=None),
             figures(other, rule_set="other")],
            [hedge_figures(first), hedge_figures(first, layer="l1"), hedge_figures(first, layer="l2"),
             hedge_figures(second, NEXT), hedge_figures(revised, revision=2, emitted_at=LATER),
             hedge_figures(revised, revision=2, layer="l1", emitted_at=LATER, worth_usd=None)],
        )  # fmt: skip
        work.commit()
    return keys


def test_figures_come_back_as_they_were_stored(engine: Engine, keys: list[int]) -> None:
    with UnitOfWork(engine) as work:
        found = work.figures.history()
    assert found == [figures(keys[2], DAY, 2, emitted_at=LATER, vix=None), figures(keys[1], NEXT)]


def test_a_history_has_the_newest_revision_that_was_out(engine: Engine, keys: list[int]) -> None:
    with UnitOfWork(engine) as work:
        assert work.figures.history(as_of=T0) == [figures(keys[0]), figures(keys[1], NEXT)]
        assert work.figures.history(as_of=T0 - dt.timedelta(seconds=1)) == []
        assert work.figures.history(last=DAY, as_of=T0) == [figures(keys[0])]
        assert work.figures.history(first=NEXT) == [figures(keys[1], NEXT)]
        assert work.figures.history("other") == [figures(keys[3], rule_set="other")]


def test_a_hedge_that_a_revision_has_no_more_is_left_out(engine: Engine, keys: list[int]) -> None:
    (gone,) = add_reports(engine, new_report(NEXT, 2))
    with UnitOfWork(engine) as work:
        work.figures.add([figures(gone, NEXT, 2, emitted_at=LATER)], [])
        work.commit()
    with UnitOfWork(engine) as work:
        assert {row.session for row in work.figures.hedges("alvh-seed")} == {DAY}
        assert {row.session for row in work.figures.hedges("alvh-seed", as_of=T0)} == {DAY, NEXT}


def test_layers_that_a_revision_has_no_more_are_left_out(engine: Engine, keys: list[int]) -> None:
    with UnitOfWork(engine) as work:
        newest = [(row.session, row.revision, row.layer) for row in work.figures.hedges("alvh-seed")]
        then = [(row.revision, row.layer) for row in work.figures.hedges("alvh-seed", last=DAY, as_of=T0)]
        assert work.figures.hedges("alvh-442") == []
        assert work.figures.hedges_of(keys[2]) == ["alvh-seed"]
        assert work.figures.hedges_of(keys[3]) == []
    assert newest == [(DAY, 2, "all"), (DAY, 2, "l1"), (NEXT, 1, "all")]
    assert then == [(1, "all"), (1, "l1"), (1, "l2")]
