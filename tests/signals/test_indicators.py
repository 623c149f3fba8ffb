from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from signals.veqtor.index import regimes
from signals.veqtor.indicators import realised_volatility, trend_is_certain, volatility_trend
from signals.veqtor.rules import VEQTOR


def test_realised_volatility_of_a_constant_move_by_hand() -> None:
    spx = 1000 * 1.01 ** np.arange(30)
    found = realised_volatility(spx, VEQTOR)
    assert np.isnan(found[:22]).all()
    # Not mean-removed: a steady climb has volatility.
    assert found[22:] == pytest.approx(np.log(1.01) * np.sqrt(252), rel=1e-12)


@pytest.mark.parametrize(
    ("volatility", "name"),
    [
        (0.0999, "below 10%"),
        (0.10, "10-20%"),
        (0.1999, "10-20%"),
        (0.20, "20-35%"),
        (0.35, "35-45%"),
        (0.4499, "35-45%"),
        (0.45, "45% or more"),
    ],
)
def test_an_edge_belongs_to_the_regime_above_it(volatility: float, name: str) -> None:
    assert VEQTOR.regime_name(int(regimes(np.array([volatility]), VEQTOR)[0])) == name


def test_equal_averages_count_as_up() -> None:
    # 0.1 is not a binary fraction; sums of floats would compare unequal.
    found = volatility_trend(np.full(40, 20.1), VEQTOR)
    assert found.up[19:].all()
    assert found.trend[28] == 1
    assert found.trend[27] == 0


def test_ten_sessions_make_a_trend_and_one_on_the_other_side_ends_it() -> None:
    vix = np.concatenate([np.full(20, 20.0), np.full(12, 30.0), np.full(3, 10.0)])
    found = volatility_trend(vix, VEQTOR)
    up_since = 19
    assert found.run[up_since : up_since + 3].tolist() == [1, 2, 3]
    assert found.trend[up_since + 8] == 0
    assert found.trend[up_since + 9] == 1
    turned = int(np.flatnonzero(~found.up[up_since:])[0]) + up_since
    assert found.trend[turned] == 0
    assert found.run[turned] == 1


def test_averages_are_simple_means_with_the_day_included() -> None:
    vix = np.arange(10.0, 40.0)
    found = volatility_trend(vix, VEQTOR)
    assert found.short_average[19] == pytest.approx(vix[15:20].mean())
    assert found.long_average[19] == pytest.approx(vix[:20].mean())
    assert np.isnan(found.long_average[18])


vix_histories = hnp.arrays(np.int64, st.integers(35, 60), elements=st.integers(900, 3000)).map(
    lambda ticks: ticks / 100
)


@given(vix_histories, st.integers(0, 30))
def test_a_trend_does_not_depend_on_later_or_much_earlier_closes(vix: np.ndarray, cut: int) -> None:
    whole = volatility_trend(vix, VEQTOR)
    last = len(vix) - cut
    if last >= 29:
        assert volatility_trend(vix[:last], VEQTOR).trend.tolist() == whole.trend[:last].tolist()
        assert volatility_trend(vix[last - 29 : last], VEQTOR).trend[-1] == whole.trend[last - 1]


@settings(max_examples=60)
@given(vix_histories, st.data())
def test_a_certain_trend_survives_any_error_within_the_band(vix: np.ndarray, data: st.DataObject) -> None:
    doubtful = data.draw(hnp.arrays(bool, len(vix)))
    error = np.where(doubtful, 0.5, 0.0)
    certain = trend_is_certain(vix, error, VEQTOR)
    shifts = data.draw(hnp.arrays(np.int64, len(vix), elements=st.integers(-50, 50))) / 100
    moved = volatility_trend(vix + np.where(doubtful, shifts, 0.0), VEQTOR)
    assert (moved.trend == volatility_trend(vix, VEQTOR).trend)[certain].all()


def test_a_known_history_is_certain_and_a_doubt_at_a_tie_is_not() -> None:
    flat = np.full(40, 20.0)
    assert trend_is_certain(flat, np.zeros(40), VEQTOR).all()
    doubt = np.zeros(40)
    doubt[35] = 0.5
    assert not trend_is_certain(flat, doubt, VEQTOR)[35]
