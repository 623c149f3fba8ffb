from __future__ import annotations

import datetime as dt

import pytest

from signals.errors import ConfigurationError
from tasks.clock import clock_at, system_clock


@pytest.mark.parametrize("setting", [None, ""])
def test_without_a_setting_the_clock_goes_on(setting: str | None) -> None:
    clock = clock_at(setting)

    first, second = clock(), clock()
    assert first.utcoffset() == dt.timedelta(0)
    assert abs(dt.datetime.now(dt.UTC) - first) < dt.timedelta(seconds=10)
    assert first <= second
    assert clock is system_clock


@pytest.mark.parametrize(
    ("setting", "instant"),
    [
        ("2020-03-16T18:45", dt.datetime(2020, 3, 16, 22, 45, tzinfo=dt.UTC)),
        ("2020-01-16T18:45", dt.datetime(2020, 1, 16, 23, 45, tzinfo=dt.UTC)),
        ("2020-03-16 18:45:30", dt.datetime(2020, 3, 16, 22, 45, 30, tzinfo=dt.UTC)),
        ("2020-03-16", dt.datetime(2020, 3, 16, 4, 0, tzinfo=dt.UTC)),
        ("2020-03-16T18:45Z", dt.datetime(2020, 3, 16, 18, 45, tzinfo=dt.UTC)),
        ("2020-03-16T18:45+01:00", dt.datetime(2020, 3, 16, 17, 45, tzinfo=dt.UTC)),
    ],
)
def test_a_set_clock_stands_still_and_means_new_york_unless_it_says_otherwise(
    setting: str, instant: dt.datetime
) -> None:
    clock = clock_at(setting)

    assert clock() == instant
    assert clock() == instant
    assert clock().utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize("setting", ["tomorrow", "18:45", "2020-02-30T10:00", "1584400000"])
def test_a_setting_that_is_no_instant_is_refused_by_name(setting: str) -> None:
    with pytest.raises(ConfigurationError, match=f"got '{setting}'") as caught:
        clock_at(setting)

    assert "TAILGUARD_CLOCK" in caught.value.do
