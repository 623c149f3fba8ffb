"""What a hedge is worth under other assumptions on its options."""

from __future__ import annotations

import numpy as np
import pytest

from signals.alvh.hedge import hedges_of
from signals.alvh.ruleset_files import shipped_rule_set
from signals.alvh.surface import VolatilitySurface
from signals.study.doubt import TENOR_EXPONENTS, doubt_sentence, doubts
from signals.study.spec import TradingCosts
from signals.study.statistics import measures
from signals.study.strategies import study_tracks
from signals.veqtor.signal import VeqtorSignals

pytestmark = pytest.mark.server

RULES = shipped_rule_set("alvh-442")


def test_doubts_of_the_recorded_history(recorded_signals: VeqtorSignals) -> None:
    costs = TradingCosts()
    tracks, _ = study_tracks(recorded_signals, hedges_of(recorded_signals, [RULES], 1e6), costs)
    track, last = tracks["sp500+alvh-442"], len(tracks.sessions) - 1
    found = {each.key: each for each in doubts(recorded_signals, [RULES], costs, track.first, last)}
    assert list(found) == [
        "hedge-cost-drag",
        "hedge-cost-sharpe-gain",
        "hedge-surface-drag",
        "hedge-surface-drawdown-reduction",
        "hedge-surface-sharpe-gain",
    ]
    # As assumed it is the figure of the study; dearer options cost the more growth, in proportion.
    drag = measures(tracks, track.name, track.first, last)["drag"].value
    by_cost, by_surface = found["hedge-cost-drag"], found["hedge-surface-drag"]
    assert (by_cost.rows, by_cost.columns[2], by_cost.values[0][2]) == (("alvh-442",), "1, as assumed", drag)
    steps = np.diff(np.array(by_cost.values[0], dtype=float))
    assert steps.max() < 0.0
    np.testing.assert_allclose(steps, steps.mean(), rtol=0.05)
    # What it holds has two months and more: a volatility that falls faster with tenor makes it cheaper.
    assert by_surface.columns == ("0", "0.142, as assumed", "0.3")
    low, middle, high = by_surface.values[0]
    assert middle == drag
    assert low is not None
    assert drag is not None
    assert high is not None
    assert low < drag < high


def test_thirty_days_at_the_money_are_priced_alike_under_every_exponent() -> None:
    for exponent in TENOR_EXPONENTS:
        surface = VolatilitySurface(tenor_exponent=exponent)
        assert float(surface.at_the_money(110.0, 30.0)) == pytest.approx(0.87 * 1.10, rel=1e-15)


def test_a_sentence_says_for_whom_a_sign_depends_on_it() -> None:
    grid = {"a": (0.02, -0.001), "b": (-0.01, -0.02), "c": (0.0004, -0.02), "d": (None, 0.01)}
    assert doubt_sentence("drag", "x", "At both ends", grid) == (
        "Whether a hedge costs growth depends on x for a. At both ends: a +2.0% and -0.1%; b -1.0% and -2.0%; "
        "c 0.0% and -2.0%."
    )
    none = doubt_sentence("sharpe_gain", "x", "At both ends", {"b": (-0.1, -0.2)})
    assert none == "Whether a hedge raises the Sharpe ratio does not depend on x. At both ends: b -0.10 and -0.20."
