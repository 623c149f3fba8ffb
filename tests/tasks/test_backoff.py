from __future__ import annotations

import datetime as dt
from itertools import pairwise, takewhile

import pytest

from signals.calendar import TradingCalendar
from tasks.notify.backoff import LONGEST_ASKED, MAX_ATTEMPTS, next_attempt_at
from tasks.schedule import CLOSE_MARGIN
from tests.conftest import NOW, ROOT

MINUTE = dt.timedelta(minutes=1)


def wait(refusals: int, retry_after: dt.timedelta | None = None) -> dt.timedelta:
    due_at = next_attempt_at(NOW, refusals, retry_after)
    assert due_at is not None
    return due_at - NOW


def test_waits_double_from_a_minute_to_half_an_hour_until_the_message_is_given_up() -> None:
    assert [wait(refusals) / MINUTE for refusals in range(1, 9)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert wait(MAX_ATTEMPTS - 1) == 30 * MINUTE
    assert next_attempt_at(NOW, MAX_ATTEMPTS) is None


def test_a_message_is_tried_longer_than_any_weekend_from_its_close_to_the_close_it_acts_at(
    calendar: TradingCalendar,
) -> None:
    sessions = calendar.sessions_in(dt.date(2010, 1, 4), dt.date(2026, 12, 31)).tolist()
    closes = [calendar.close_time(session) for session in sessions]
    # The exchange was closed for two days by the hurricane of 2012, which nobody had announced.
    longest = max(
        later - close - CLOSE_MARGIN for close, later in pairwise(closes) if close.date() != dt.date(2012, 10, 26)
    )
    tried = sum((wait(refusals) for refusals in range(1, MAX_ATTEMPTS)), dt.timedelta(0))

    assert (longest, tried) == (dt.timedelta(hours=97), dt.timedelta(hours=97, minutes=31))


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (dt.timedelta(seconds=30), MINUTE),
        (dt.timedelta(minutes=5), 5 * MINUTE),
        (dt.timedelta(days=300), LONGEST_ASKED),
        (dt.timedelta(seconds=-5), MINUTE),
        (dt.timedelta(0), MINUTE),
    ],
)
def test_what_the_other_side_asks_for_makes_a_wait_longer_within_reason(
    asked: dt.timedelta, waits: dt.timedelta
) -> None:
    assert wait(1, asked) == waits


def test_the_table_in_the_documentation_is_the_schedule() -> None:
    lines = (ROOT / "docs" / "delivery.md").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| Refusals in a row"))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in takewhile(str.strip, lines[start + 2 :])]

    assert [int(waited.split()[0]) for _, waited in rows[:-1]] == [
        wait(int(refusals.split()[0])) / MINUTE for refusals, _ in rows[:-1]
    ]
    assert rows[-1] == [f"{MAX_ATTEMPTS}", "none: FAILED"]
