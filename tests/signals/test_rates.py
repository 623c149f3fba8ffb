from __future__ import annotations

import numpy as np
import pytest

from signals.calendar import Days
from signals.rates import CARRIED, MISSING, PRIMARY, SUBSTITUTE, overnight_rate, weekly_tbill_rate
from signals.vix_futures import Floats

NOTHING: tuple[Days, Floats] = (np.array([], "datetime64[D]"), np.array([]))


def days(*texts: str) -> Days:
    return np.array(texts, dtype="datetime64[D]")


def prints(**values: float) -> tuple[Days, Floats]:
    """A series from keywords such as d20240603=5.25."""
    return days(*(f"{key[1:5]}-{key[5:7]}-{key[7:]}" for key in values)), np.array(list(values.values()))


def test_the_first_print_of_the_week_holds_for_the_week() -> None:
    sessions = days("2024-06-03", "2024-06-04", "2024-06-07", "2024-06-10")
    dtb3 = prints(d20240603=5.20, d20240604=5.30, d20240607=5.40, d20240610=5.10)
    found = weekly_tbill_rate(sessions, dtb3, NOTHING)
    assert found.rate.tolist() == pytest.approx([0.0520, 0.0520, 0.0520, 0.0510], rel=1e-15)
    assert (found.origin == PRIMARY).all()
    assert found.observed_on.tolist() == days("2024-06-03", "2024-06-03", "2024-06-03", "2024-06-10").tolist()


def test_columbus_day_is_still_on_last_weeks_rate() -> None:
    # 2023-10-09: stocks traded, bonds did not; the first print of the week is Tuesday's.
    sessions = days("2023-10-06", "2023-10-09", "2023-10-10")
    found = weekly_tbill_rate(sessions, prints(d20231002=5.33, d20231010=5.35), prints(d20231009=5.50))
    assert found.rate.tolist() == pytest.approx([0.0533, 0.0533, 0.0535], rel=1e-15)
    assert (found.origin == PRIMARY).all()


def test_a_week_without_a_print_uses_the_first_irx_of_the_week() -> None:
    sessions = days("2026-01-06", "2026-01-12", "2026-01-13")
    irx = prints(d20260105=3.55, d20260112=3.52, d20260113=3.60)
    found = weekly_tbill_rate(sessions, prints(d20260105=3.54), irx)
    assert found.origin.tolist() == [PRIMARY, SUBSTITUTE, SUBSTITUTE]
    assert found.rate.tolist() == pytest.approx([0.0354, 0.0352, 0.0352], rel=1e-15)


def test_a_print_later_in_the_week_is_not_known_before() -> None:
    found = weekly_tbill_rate(days("2024-06-03"), prints(d20240604=5.30), NOTHING)
    assert found.origin.tolist() == [MISSING]
    assert np.isnan(found.rate).all()


def test_cash_earns_fed_funds_of_the_day_plus_the_dated_spread() -> None:
    sessions = days("2023-06-30", "2023-07-03")
    found = overnight_rate(sessions, prints(d20230630=5.08, d20230703=5.08), NOTHING)
    assert found.rate.tolist() == pytest.approx([0.0515, 0.0508], rel=1e-14)


def test_a_missing_print_is_carried_five_days_and_then_irx_stands_in_as_a_yield() -> None:
    sessions = days("2026-01-06", "2026-01-09", "2026-01-11", "2026-01-12")
    found = overnight_rate(sessions, prints(d20260106=3.64), prints(d20260112=3.55))
    assert found.origin.tolist() == [PRIMARY, CARRIED, CARRIED, SUBSTITUTE]
    assert found.rate[2] == pytest.approx(0.0364, rel=1e-14)
    assert found.rate[3] == pytest.approx(0.0355 / (1 - 0.0355 * 91 / 360), rel=1e-14)


def test_without_any_print_the_rate_is_missing() -> None:
    found = overnight_rate(days("2026-01-20"), prints(d20260106=3.64), prints(d20260112=3.55))
    assert found.origin.tolist() == [MISSING]
    assert np.isnat(found.observed_on).all()
