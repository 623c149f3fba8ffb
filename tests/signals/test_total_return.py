from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.errors import DataQualityError
from signals.total_return import (
    ABSENT,
    ACCEPTED,
    MISSING,
    REJECTED,
    repaired_total_return,
    window_sum,
)
from signals.veqtor.signal import VeqtorSignals

COUNT = 300
SESSIONS = np.arange("2020-01-01", "2020-10-27", dtype="datetime64[D]")[:COUNT]
SPX = 3000 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, COUNT)))
DAILY_DIVIDEND = 0.018 / 252
TOTAL = SPX * 2 * (1 + DAILY_DIVIDEND) ** np.arange(COUNT)
# The fund pays the same dividends less its fee.
SPY = SPX / 10 * (1 + DAILY_DIVIDEND - 0.00084 / 252) ** np.arange(COUNT)


def test_sound_prints_are_taken_as_they_are() -> None:
    found = repaired_total_return(SESSIONS, TOTAL, SPX, SPY)
    assert (found.origin == ACCEPTED).all()
    assert found.level == pytest.approx(TOTAL, rel=1e-13)


def test_a_wrong_print_is_replaced_for_its_day_and_leaves_no_trace_after() -> None:
    printed = TOTAL.copy()
    printed[280] *= 0.99
    found = repaired_total_return(SESSIONS, printed, SPX, SPY)
    assert np.flatnonzero(found.origin == REJECTED).tolist() == [280]
    # The stand-in is within a basis point here, and the next print is measured from the last one believed.
    assert found.level[280] == pytest.approx(TOTAL[280], rel=1e-4)
    assert found.level[281:] == pytest.approx(TOTAL[281:], rel=1e-12)


def test_an_absent_print_is_replaced_by_the_price_return_and_spys_average_dividend() -> None:
    printed = TOTAL.copy()
    printed[290:] = np.nan
    found = repaired_total_return(SESSIONS, printed, SPX, SPY)
    assert (found.origin[290:] == ABSENT).all()
    assert found.level[-1] == pytest.approx(TOTAL[-1], rel=1e-5)


def test_without_a_print_or_a_full_window_of_the_fund_the_chain_ends() -> None:
    printed = TOTAL.copy()
    printed[100] = np.nan
    found = repaired_total_return(SESSIONS, printed, SPX, SPY)
    assert np.isnan(found.level[100:]).all()
    assert (found.origin[100:] == MISSING).all()


def test_the_chain_needs_a_first_print() -> None:
    with pytest.raises(DataQualityError, match=r"\^SP500TR on 2020-01-01"):
        repaired_total_return(SESSIONS, np.full(COUNT, np.nan), SPX, SPY)


def test_three_prints_of_the_recorded_history_are_rejected(recorded_signals: VeqtorSignals) -> None:
    inputs = recorded_signals.inputs
    rejected = inputs.sessions[inputs.equity.origin == REJECTED]
    assert [str(day) for day in rejected] == ["2014-12-09", "2019-03-12", "2019-07-03"]


@given(st.integers(0, 200), st.integers(1, 60), st.integers(0, 40))
def test_a_window_sum_does_not_depend_on_where_the_array_starts_or_ends(start: int, length: int, cut: int) -> None:
    values = np.random.default_rng(7).normal(size=COUNT)
    whole, part = window_sum(values, length), window_sum(values[start : COUNT - cut], length)
    sums = part[length - 1 :]
    assert sums.tolist() == whole[start + length - 1 : start + length - 1 + len(sums)].tolist()
