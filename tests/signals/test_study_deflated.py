from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.study.deflated import deflated_sharpe, deflated_sharpes, expected_maximum, probabilistic_sharpe
from signals.study.sensitivity import Trials
from signals.study.tracks import Track, Tracks

Floats = npt.NDArray[np.float64]


def returns(sharpe: float, seed: int = 1, count: int = 2520, deviation: float = 0.01) -> Floats:
    """Daily returns with exactly that Sharpe ratio a year."""
    drawn = np.random.default_rng(seed).normal(0.0, 1.0, count)
    standard = (drawn - drawn.mean()) / drawn.std(ddof=1)
    found: Floats = deviation * (standard + sharpe / math.sqrt(252))
    return found


# Bailey and Lopez de Prado 2014, "A numerical example": a Sharpe ratio of 2.5 a year over 1,250 days of 250 a year,
# skewness -3, kurtosis 10, a variance of 1/2 a year over the trials; and the same of normal returns.
@pytest.mark.parametrize(
    ("trials", "skewness", "kurtosis", "probability"),
    [(100, -3.0, 10.0, 0.9004), (46, -3.0, 10.0, 0.9505), (88, 0.0, 3.0, 0.9505)],
)
def test_the_example_of_the_paper(trials: int, skewness: float, kurtosis: float, probability: float) -> None:
    hurdle = expected_maximum(0.5 / 250.0, trials)
    found = probabilistic_sharpe(2.5 / math.sqrt(250.0), hurdle, 1250, skewness, kurtosis)
    assert found == pytest.approx(probability, abs=5e-5)


def test_the_hurdle_of_the_paper() -> None:
    assert expected_maximum(0.5 / 250.0, 100) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize("trials", [5, 50])
def test_the_hurdle_is_the_mean_of_the_luckiest(trials: int) -> None:
    luckiest = np.random.default_rng(1).normal(size=(20_000, trials)).max(axis=1)
    assert expected_maximum(1.0, trials) == pytest.approx(luckiest.mean(), rel=0.05)


def test_one_alone_was_not_selected() -> None:
    assert expected_maximum(1.0, 1) == 0.0


@given(st.floats(-3.0, 3.0), st.floats(0.0, 20.0), st.floats(-0.3, 0.3))
def test_a_probability_is_one_whatever_the_moments(skewness: float, more: float, sharpe: float) -> None:
    # No distribution has less kurtosis than that.
    kurtosis = 1.0 + skewness**2 + more
    above, below = (probabilistic_sharpe(sharpe, sharpe + step, 500, skewness, kurtosis) for step in (-0.01, 0.01))
    assert 0.0 <= below < 0.5 < above <= 1.0


def test_of_many_settings_without_skill_the_best_is_luck() -> None:
    settings = {f"s{seed}": np.random.default_rng(seed).normal(0.0, 0.01, 2520) for seed in range(40)}
    found = deflated_sharpe("Any?", settings, 0.95)
    assert found is not None
    assert found.trials == 40
    assert found.sharpe > 0.4
    assert found.probability < 0.8
    assert found.sentence.endswith("the data cannot tell it from luck.")


def test_a_large_ratio_among_few_is_more_than_luck() -> None:
    found = deflated_sharpe("Any?", {"good": returns(1.5), "other": returns(1.3, 2), "third": returns(1.4, 3)}, 0.95)
    assert found is not None
    assert found.best == "good"
    assert found.sharpe == pytest.approx(1.5)
    # By hand: deviation 0.1 of the three; normal moments move the third digit only.
    hurdle = expected_maximum(0.01 / 252.0, 3) * math.sqrt(252.0)
    assert found.expected_maximum == pytest.approx(hurdle)
    assert found.probability > 0.99
    assert "cannot tell" not in found.sentence


def test_where_even_the_best_loses_it_is_said() -> None:
    found = deflated_sharpe("Any?", {"bad": returns(-0.3), "worse": returns(-0.5, 2)}, 0.95)
    assert found is not None
    assert found.sentence == "No: even the best, bad, has a ratio of -0.30 a year."


def test_what_never_differs_has_no_answer() -> None:
    assert deflated_sharpe("Any?", {"same": np.zeros(500)}, 0.95) is None
    assert deflated_sharpe("Any?", {"short": returns(1.0, count=100)}, 0.95) is None


def test_at_the_same_volatility_only_the_sharpe_ratio_counts() -> None:
    """Half of the S&P 500 and half cash is neither better nor worse than it; it only earns less."""
    over, cash = returns(0.5), np.full(2520, 0.0001)

    def after(values: Floats) -> Floats:
        return np.concatenate([[np.nan], values])

    def track(name: str, values: Floats) -> Track:
        return Track(name, name.upper(), None, after(values), after(values), np.zeros(2521), np.zeros(2521))

    tracks = Tracks(
        np.datetime64("2010-01-04") + np.arange(2521),
        after(cash),
        (track("sp500", over + cash), track("sp500+calm", 0.5 * returns(0.9, 2) + cash)),
    )
    found = deflated_sharpes(Trials({"half": after(0.5 * over + cash)}), tracks, 0, 2520)
    # Of half and half nothing is left to ask at the same volatility.
    assert [each.sharpe for each in found if each.best == "half"] == pytest.approx([-0.5, 0.5])
    more, same_volatility = (each.sharpe for each in found if each.best == "SP500+CALM")
    # Both at a volatility of 0.01: the mean is 0.4 times that, over the deviation of two that differ.
    spread = (returns(0.9, 2) - over).std(ddof=1) / 0.01
    assert same_volatility == pytest.approx(0.4 / spread)
    assert more < same_volatility
    # That of the hedges over cash would be the answer of the S&P 500, and is not asked.
    assert [each.question for each in found if each.best == "SP500+CALM"] == [
        "Does SP500+CALM earn more than the S&P 500?",
        "Does SP500+CALM earn more than the S&P 500 at the same volatility?",
    ]
