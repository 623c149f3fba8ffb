from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.study.performance import Performance, performance


def of(*levels: float, start: str = "2020-01-02") -> Performance:
    sessions = np.datetime64(start) + np.arange(len(levels))
    return performance(sessions, np.array(levels))


def test_a_range_worked_out_by_hand() -> None:
    found = of(100.0, 110.0, 99.0, 108.9)
    returns = [0.1, -0.1, 0.1]
    mean = sum(returns) / 3
    deviation = math.sqrt(sum((each - mean) ** 2 for each in returns) / 2)
    assert found.total_return == pytest.approx(0.089)
    assert found.volatility == pytest.approx(deviation * math.sqrt(252))
    assert found.max_drawdown == pytest.approx(-0.1)
    assert str(found.trough) == "2020-01-04"
    assert found.worst_day == pytest.approx(-0.1)
    assert found.growth is None


def test_growth_is_that_of_a_calendar_year() -> None:
    sessions = np.array(["2016-01-04", "2018-01-04", "2020-01-04"], dtype="datetime64[D]")
    found = performance(sessions, np.array([1.0, 1.1, 1.4641]))
    assert found.growth == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("levels", [[], [1.0, 1.1], [1.0, 0.0, 1.0], [1.0, math.nan, 1.0], [1.0, -1.0, 1.0]])
def test_what_has_no_performance_is_refused(levels: list[float]) -> None:
    with pytest.raises(ValueError, match="three levels or more"):
        of(*levels)


LEVELS = st.lists(st.floats(0.5, 2.0), min_size=3, max_size=60)


@given(LEVELS, st.floats(0.01, 1e6))
def test_the_scale_of_a_level_does_not_matter(levels: list[float], scale: float) -> None:
    one, other = of(*levels), of(*(level * scale for level in levels))
    assert (one.trough == other.trough) or one.max_drawdown == pytest.approx(other.max_drawdown, abs=1e-12)
    for name in ("total_return", "volatility", "max_drawdown", "worst_day"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6, abs=1e-9)


@given(LEVELS)
def test_the_deepest_fall_is_that_of_all_pairs(levels: list[float]) -> None:
    pairs = [levels[j] / levels[i] - 1.0 for i in range(len(levels)) for j in range(i, len(levels))]
    assert of(*levels).max_drawdown == pytest.approx(min(pairs), abs=1e-12)
