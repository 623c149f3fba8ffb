"""A fold that goes on from a kept book is that from the beginning, to the bit, or it begins at the beginning."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Engine, select, text, update

from signals.alvh.hedge import Hedges
from signals.alvh.kept import OLDEST_SESSIONS, SESSIONS_BEHIND
from signals.market import MarketData
from signals.series import CBOE_ARCHIVE, vx_series
from signals.veqtor.signal import VeqtorSignals
from storage.models import KeptBook
from tasks.kept_books import KeptBooks
from tests.signals.recorded_books import NOTIONAL, SHIPPED_AND_OTHER
from tests.signals.test_no_look_ahead import cut_after, signals_through

pytestmark = pytest.mark.server

RULE_SETS = SHIPPED_AND_OTHER
ONE = RULE_SETS[:1]

#: Amid a crash, and calm years later.
THEN, LATER = dt.date(2020, 3, 16), dt.date(2020, 4, 24)


@pytest.fixture(scope="module")
def signals_then(recorded: MarketData) -> VeqtorSignals:
    return signals_through(cut_after(recorded, THEN), THEN)


@pytest.fixture(scope="module")
def signals_later(recorded: MarketData) -> VeqtorSignals:
    return signals_through(cut_after(recorded, LATER), LATER)


def is_taken_up(hedges: Hedges) -> list[bool]:
    return [history.books.first > history.books.inception for history in hedges.histories]


def test_a_fold_from_a_kept_book_is_that_from_the_beginning(
    engine: Engine, signals_then: VeqtorSignals, signals_later: VeqtorSignals, recorded_hedges: Hedges
) -> None:
    # It goes on to the last recorded session, which changes nothing of the sessions before.
    from_the_beginning = recorded_hedges
    books = KeptBooks(engine, since=THEN)
    assert not any(is_taken_up(books.hedges(signals_then, RULE_SETS, NOTIONAL)))
    found = books.hedges(signals_later, RULE_SETS, NOTIONAL)
    assert all(is_taken_up(found))
    for one, whole in zip(found.histories, from_the_beginning.histories, strict=True):
        assert len(one.books.books) == one.market.row_at(LATER) - one.market.row_at(THEN) + SESSIONS_BEHIND + 1
        for row in range(one.books.first, len(one.market.dates)):
            assert one.books.at(row) == whole.books.at(row)
        with pytest.raises(LookupError, match="is not there"):
            one.books.at(one.books.first - 1)
    for session in found.histories[0].market.dates[-25:]:
        assert found.on(session) == from_the_beginning.on(session)


def test_a_book_made_from_other_inputs_is_left_alone_and_replaced(
    engine: Engine, recorded: MarketData, signals_then: VeqtorSignals
) -> None:
    books = KeptBooks(engine, since=THEN)
    books.hedges(signals_then, ONE, NOTIONAL)
    # A settlement of 2011 is mended by a tick.
    front = recorded.find(vx_series(dt.date(2011, 6, 15)), CBOE_ARCHIVE)
    values = front.values + np.where(front.days == np.datetime64("2011-06-01"), 0.05, 0.0)
    assert (values != front.values).sum() == 1
    mended = MarketData([replace(front, values=values) if item is front else item for item in recorded.values()])
    other = signals_through(cut_after(mended, THEN), THEN)
    assert not any(is_taken_up(books.hedges(other, ONE, NOTIONAL)))
    assert all(is_taken_up(books.hedges(other, ONE, NOTIONAL)))
    # The notional is another one.
    assert not any(is_taken_up(books.hedges(other, ONE, 2 * NOTIONAL)))
    assert all(is_taken_up(books.hedges(other, ONE, 2 * NOTIONAL)))


@pytest.mark.parametrize("damage", [{"document": ""}, {"document": "{}"}, {"program": "another"}])
def test_a_book_that_cannot_be_read_or_of_another_program_is_as_good_as_none(
    engine: Engine, signals_then: VeqtorSignals, damage: dict[str, str]
) -> None:
    books = KeptBooks(engine, since=THEN)
    whole = books.hedges(signals_then, ONE, NOTIONAL)
    with engine.begin() as connection:
        connection.execute(update(KeptBook).values(damage))
    found = books.hedges(signals_then, ONE, NOTIONAL)
    assert not any(is_taken_up(found))
    assert found.on(THEN) == whole.on(THEN)
    with engine.connect() as connection:
        kept = [json.loads(text) for text in connection.scalars(select(KeptBook.document))]
    assert [len(book["layers"]) for book in kept] == [3]


def test_a_book_is_taken_up_only_from_before_the_sessions_that_are_wanted(
    engine: Engine, signals_then: VeqtorSignals
) -> None:
    whole = KeptBooks(engine, since=None).hedges(signals_then, ONE, NOTIONAL)
    (kept,) = {book.session for history in whole.histories if (book := history.to_keep())}
    assert not any(is_taken_up(KeptBooks(engine, since=None).hedges(signals_then, ONE, NOTIONAL)))
    assert not any(is_taken_up(KeptBooks(engine, since=kept).hedges(signals_then, ONE, NOTIONAL)))
    following = whole.histories[0].market.dates[whole.histories[0].market.row_at(kept) + 1]
    found = KeptBooks(engine, since=following).hedges(signals_then, ONE, NOTIONAL)
    assert all(is_taken_up(found))
    assert found.on(following) == whole.on(following)


def test_a_kept_book_is_replaced_when_it_is_old(
    engine: Engine, recorded: MarketData, signals_then: VeqtorSignals
) -> None:
    KeptBooks(engine, since=None).hedges(signals_then, ONE, NOTIONAL)
    last = signals_then.inputs.calendar.sessions_in(THEN, dt.date(2020, 12, 31))[OLDEST_SESSIONS - SESSIONS_BEHIND]
    kept = []
    for session in (last.item(), signals_then.inputs.calendar.next_session(last.item())):
        signals = signals_through(cut_after(recorded, session), session)
        assert all(is_taken_up(KeptBooks(engine, since=session).hedges(signals, ONE, NOTIONAL)))
        with engine.connect() as connection:
            kept.append(set(connection.scalars(select(KeptBook.session))))
    assert len(kept[0]) == len(kept[1]) == 1
    assert kept[0] < {*kept[0], *kept[1]}


def test_a_look_at_an_older_session_leaves_the_book_of_a_later_one_alone(
    engine: Engine, signals_then: VeqtorSignals, signals_later: VeqtorSignals
) -> None:
    KeptBooks(engine, since=None).hedges(signals_later, ONE, NOTIONAL)
    with engine.connect() as connection:
        before = set(connection.scalars(select(KeptBook.session)))
    assert min(before) > dt.date(2019, 12, 31)
    earlier = dt.date(2019, 12, 31)
    signals = signals_through(signals_then.inputs.history.data, earlier)
    assert not any(is_taken_up(KeptBooks(engine, since=earlier).hedges(signals, ONE, NOTIONAL)))
    with engine.connect() as connection:
        assert set(connection.scalars(select(KeptBook.session))) == before


def test_a_cache_that_cannot_be_read_costs_nothing_but_time(engine: Engine, signals_then: VeqtorSignals) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE kept_books"))
    found = KeptBooks(engine, since=THEN).hedges(signals_then, ONE, NOTIONAL)
    assert not any(is_taken_up(found))
    assert found.on(THEN)[0].unavailable is None
