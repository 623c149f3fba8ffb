"""Studies and their parts, on both databases."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Engine

from storage.unit_of_work import UnitOfWork
from tests.storage.conftest import DAY, T0

pytestmark = pytest.mark.server

LATER = T0 + dt.timedelta(hours=1)


def add(engine: Engine, key: str, document: str, made_at: dt.datetime = T0, **others: Any) -> int:
    given = {"first": DAY, "last": DAY, "source": "files", "simulated": False, "complete": True}
    with UnitOfWork(engine, alone=True) as work:
        found = work.studies.add(key, document, made_at=made_at, **(given | others))
        work.commit()
    return found


def test_a_study_is_found_by_its_id_and_its_key_and_the_newest_comes_first(engine: Engine) -> None:
    with UnitOfWork(engine) as work:
        assert (work.studies.newest(), work.studies.by_key("a" * 64), work.studies.all()) == (None, None, [])
    first = add(engine, "a" * 64, '{"answer": "no"}', LATER, simulated=True, source="sample")
    second = add(engine, "b" * 64, '{"answer": "cannot tell \\u2013"}')
    with UnitOfWork(engine) as work:
        newest, older = work.studies.all()
        assert work.studies.newest() == newest == work.studies.by_id(first) == work.studies.by_key("a" * 64)
        assert (newest.made_at, newest.first, newest.source, newest.simulated) == (LATER, DAY, "sample", True)
        assert (older.id, older.simulated) == (second, False)
        assert work.studies.document(second) == '{"answer": "cannot tell \\u2013"}'
        assert (work.studies.by_id(99), work.studies.document(99)) == (None, None)


def test_a_study_made_again_takes_the_place_of_the_one_before(engine: Engine) -> None:
    before = add(engine, "a" * 64, '{"failed": 1}', complete=False)
    assert add(engine, "a" * 64, '{"failed": 0}', LATER) == before
    with UnitOfWork(engine) as work:
        (stored,) = work.studies.all()
        assert (stored.complete, stored.made_at) == (True, LATER)
        assert work.studies.document(before) == '{"failed": 0}'


def test_parts_are_kept_by_study_until_they_are_dropped(engine: Engine) -> None:
    long = '{"values": [0.1, 1e-300]}'
    with UnitOfWork(engine) as work:
        work.studies.keep_part("a" * 64, "paths 1/2", "{}", T0)
        work.studies.keep_part("a" * 64, "paths 1/2", long, LATER)
        work.studies.keep_part("a" * 64, "paths 2/2", "{}", LATER)
        work.studies.keep_part("b" * 64, "paths 1/2", "{}", T0)
        work.studies.keep_part("c" * 64, "paths 1/2", "{}", LATER)
        work.commit()
    with UnitOfWork(engine) as work:
        assert work.studies.parts("a" * 64) == {"paths 1/2": long, "paths 2/2": "{}"}
        work.studies.drop_parts("a" * 64)
        assert [len(work.studies.parts(key * 64)) for key in "abc"] == [0, 1, 1]
        work.studies.drop_parts("a" * 64, kept_before=LATER)
        assert [len(work.studies.parts(key * 64)) for key in "abc"] == [0, 0, 1]
