"""Whole ranges of reports, batch by batch, on both databases."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Engine

import storage.exports
from storage.exports import Span
from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0, add_reports, figures, hedge_figures, new_report

pytestmark = pytest.mark.server

DAYS = [DAY + dt.timedelta(days=number) for number in range(5)]
LATER = T0 + dt.timedelta(hours=1)


@pytest.fixture
def keys(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Five sessions, the last stored first; the second was revised; batches of two. And one of another rule set."""
    monkeypatch.setattr(storage.exports, "_DOCUMENTS", 2)
    monkeypatch.setattr(storage.exports, "_REPORTS", 2)
    found = add_reports(
        engine,
        *(new_report(day) for day in reversed(DAYS)),
        replace(new_report(DAYS[1], 2), emitted_at=LATER),
        new_report(DAY, digest="d9", rule_set="other"),
    )
    return [*reversed(found[:5]), *found[5:]]


def test_keys_are_those_of_a_range_by_session(engine: Engine, keys: list[int]) -> None:
    zero, first, second, third, fourth, revised, other = keys
    with UnitOfWork(engine) as work:
        assert work.exports.keys("veqtor") == [zero, revised, second, third, fourth]
        assert work.exports.keys("veqtor", all_revisions=True) == [zero, first, revised, second, third, fourth]
        assert work.exports.keys("veqtor", as_of=T0) == [zero, first, second, third, fourth]
        assert work.exports.keys("veqtor", first=DAYS[1], last=DAYS[2], revision=1) == [first, second]
        assert work.exports.keys("veqtor", first=DAYS[4] + dt.timedelta(days=1)) == []
        assert work.exports.keys("other") == [other]


def test_what_is_stored_is_known(engine: Engine, keys: list[int]) -> None:
    with UnitOfWork(engine) as work:
        assert work.exports.span("veqtor") == Span(DAYS[0], DAYS[4], 5)
        assert work.exports.span("nothing") is None


def test_documents_come_in_the_order_of_their_keys(engine: Engine, keys: list[int]) -> None:
    with UnitOfWork(engine) as work:
        wanted = work.exports.keys("veqtor", all_revisions=True)
        assert list(work.exports.reports(wanted)) == [work.reports.by_id(key) for key in wanted]


def test_rows_come_in_the_order_of_their_reports(engine: Engine, keys: list[int]) -> None:
    zero, first = keys[:2]
    with UnitOfWork(engine) as work:
        work.figures.add(
            [figures(first, DAYS[1]), figures(zero, vix=None)],
            [hedge_figures(zero, layer="l1"), hedge_figures(first, DAYS[1]), hedge_figures(zero)],
        )
        work.commit()
    with UnitOfWork(engine) as work:
        wanted = work.exports.keys("veqtor", revision=1)
        assert [len(batch) for batch in work.exports.rows("hedge_figures", ["layer"], wanted)] == [3, 0, 0]
        assert next(work.exports.rows("session_figures", ["session", "vix"], wanted)) == [
            (DAYS[0], None),
            (DAYS[1], figures(first).vix),
        ]
        # Allocations have neither session nor revision: those are of their report.
        lines = [row for batch in work.exports.rows("allocations", ["session", "revision", "instrument"], [zero])
                 for row in batch]  # fmt: skip
        assert lines == [(DAYS[0], 1, name) for name in ("equity", "volatility", "VXZ26")]
        legs = [row for batch in work.exports.rows("hedge_targets", ["layer", "leg", "instrument"], [zero])
                for row in batch]  # fmt: skip
        assert legs == [("l2", 0, "VIX call"), ("l2", 1, "VIX call"), ("l3", 0, None)]
