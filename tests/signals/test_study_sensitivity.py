from __future__ import annotations

import math

import numpy as np
import pytest

from signals.alvh.hedge import hedges_of
from signals.study.sensitivity import LAGS, STOPS, choice_sentence, sensitivities
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.strategies import study_tracks
from signals.study.words import RATIO, SHARE
from signals.veqtor.signal import VeqtorSignals

pytestmark = pytest.mark.server


def _named(row: int, column: int) -> str:
    return f"{row}/{column}"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            ((0.10, 0.50), (0.51, 0.52), (0.50, None)),
            "It is on a plateau: no single step changes it by more than 0.02.",
        ),
        (((0.10, 0.20), (0.20, 0.90), (0.30, 0.20)), "It is a peak: one step makes it worse by 0.70"),
        (((0.10, 0.20), (0.20, 0.50), (0.30, 0.90)), "It is on a slope: one step makes it better by 0.40."),
        (((0.50, 0.50), (0.50, 0.50), (0.50, None)), "from 0.50 (0/0) to 0.50 (0/0)."),
    ],
)
def test_where_the_published_setting_stands(values: tuple[tuple[float | None, ...], ...], says: str) -> None:
    said = choice_sentence(values, (1, 1), "ratio", RATIO, _named)
    assert says in said


def test_a_published_setting_without_a_value_is_not_placed() -> None:
    said = choice_sentence(((None, 0.1),), (0, 0), "growth", SHARE, _named)
    assert said == "The published setting has no growth to compare others with."
    assert choice_sentence(((0.1,),), None, "growth", SHARE, _named) == said


def test_a_range_of_less_than_a_year_has_no_maps(made_up_signals: VeqtorSignals) -> None:
    maps, trials = sensitivities(made_up_signals, TradingCosts())
    assert maps == ()
    assert trials.returns == {}


def test_maps_of_the_recorded_history(recorded_signals: VeqtorSignals) -> None:
    signals, costs = recorded_signals, TradingCosts()
    maps = {each.key: each for each in sensitivities(signals, costs)[0]}
    tracks, _ = study_tracks(signals, hedges_of(signals, (), 1e6), costs)
    last = len(tracks.sessions) - 1
    for statistic in ("growth", "sharpe", "max_drawdown"):
        by_lag, by_cost = maps[f"stop-lag-{statistic}"], maps[f"stop-cost-{statistic}"]
        # The published setting is VEQTOR itself, and none the track without stop-loss.
        assert by_lag.chosen is not None
        row, column = by_lag.chosen
        assert (by_lag.rows[row], by_lag.columns[column]) == ("-2.0%", "1")
        veqtor, without = (measures(tracks, name, 0, last)[statistic].value for name in ("veqtor", "veqtor-no-stop"))
        assert by_lag.values[row][column] == pytest.approx(veqtor, rel=1e-9)
        assert by_lag.values[STOPS.index(-1.0)][column] == pytest.approx(without, rel=1e-9)
        assert by_cost.values[row][by_cost.columns.index("1")] == by_lag.values[row][column]
        assert all(value is not None and math.isfinite(value) for line in by_lag.values for value in line)
    growth = np.array(maps["stop-cost-growth"].values, dtype=float)
    assert (np.diff(growth, axis=1) < 0.0).all()
    assert not any("nan" in each.sentence or "None" in each.sentence for each in maps.values())


def test_another_lag_is_what_the_weights_of_later_sessions_earn(recorded_signals: VeqtorSignals) -> None:
    """Without a stop-loss and costs: the table's weight at a close earns three sessions later at a lag of two."""
    signals = recorded_signals
    maps = {each.key: each for each in sensitivities(signals, TradingCosts(0.0, 0.0, 0.0, 0.0))[0]}
    base, usable = signals.veqtor.base, signals.inputs.usable
    weight = signals.veqtor.table_weight[base - 2 : usable - 3]
    equity = signals.inputs.equity.change[base + 1 : usable]
    earned = (1.0 - weight) * equity + weight * signals.short_term.total_return_change[1:]
    days = (signals.inputs.sessions[usable - 1] - signals.inputs.sessions[base]).astype(int)
    growth = float(np.prod(1.0 + earned)) ** (365.25 / days) - 1.0
    assert maps["stop-lag-growth"].values[STOPS.index(-1.0)][LAGS.index(2)] == pytest.approx(growth, rel=1e-9)


def test_what_nobody_could_have_traded_is_no_trial(recorded_signals: VeqtorSignals) -> None:
    trials = sensitivities(recorded_signals, TradingCosts())[1]
    assert not any(name.endswith("lag 0") for name in trials.returns)
    assert len({values.tobytes() for values in trials.returns.values()}) == len(trials.returns) == 64
