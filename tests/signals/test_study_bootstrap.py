from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.study.block_length import optimal_block_length
from signals.study.bootstrap import (
    ALONE,
    PAIRED,
    PART,
    as_recorded,
    bootstrap_chunk,
    cautious,
    drawn_rows,
    intervals,
    mean_block_length,
    rows_of,
    stretches,
)
from signals.study.crashes import hedge_in_crashes
from signals.study.facts import market_facts
from signals.study.result import BACK_TEST, LIVE, WHOLE, Period
from signals.study.spec import StudySpec
from signals.study.statistics import measures
from signals.study.tracks import Track, Tracks

Floats = npt.NDArray[np.float64]

SPEC = StudySpec(dt.date(2000, 1, 3), dt.date(2001, 12, 31), samples=200, seed=3)
COUNT = 400


def tracks_of(*returns: Floats, first: tuple[int, ...] = ()) -> Tracks:
    """Tracks, of which all but the first are measured against it."""
    rows = len(returns[0]) + 1
    sessions = np.datetime64("2000-01-03") + np.arange(rows)
    nothing = np.zeros(rows)
    found = []
    for place, values in enumerate(returns):
        own = np.concatenate([[np.nan], values])
        own[: (first[place] if first else 0) + 1] = np.nan
        name = "sp500" if place == 0 else f"hedged-{place}"
        found.append(Track(name, name.upper(), "sp500" if place else None, own, own, nothing, nothing))
    return Tracks(sessions, np.full(rows, 0.0001), tuple(found))


def made_up_returns(seed: int, count: int = COUNT, scale: float = 0.01) -> Floats:
    return np.random.default_rng(seed).normal(0.0005, scale, count)


def plainly(returns: Floats, cash: Floats, days: int) -> dict[str, float]:
    """The statistics by their definitions, from levels."""
    levels = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    over = returns - cash
    deepest = min(levels[end] / max(levels[: end + 1]) - 1.0 for end in range(len(levels)))
    return {
        "growth": levels[-1] ** (365.25 / days) - 1.0,
        "volatility": returns.std(ddof=1) * 252**0.5,
        "sharpe": over.mean() / over.std(ddof=1) * 252**0.5,
        "sortino": over.mean() / np.mean([min(each, 0.0) ** 2 for each in over]) ** 0.5 * 252**0.5,
        "max_drawdown": deepest,
    }


def uniform(count: int) -> Floats:
    """Numbers from -0.5 to 0.5 that every program can make again."""
    state, found = 12345, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        found.append(state / 2**31 - 0.5)
    return np.array(found)


def autoregressive(memory: float, count: int) -> Floats:
    found = np.zeros(count)
    for at, shock in enumerate(uniform(count)):
        found[at] = memory * found[at - 1] + shock if at else 0.0
    return found


# From optimal_block_length(series).stationary of arch 8.0.0.
@pytest.mark.parametrize(
    ("memory", "count", "length"),
    [
        (0.5, 1200, 12.416521810892712),
        (0.9, 1200, 29.69457121517955),
        (-0.4, 1200, 10.514224937548423),
        (0.97, 1200, 52.34113950863463),
        (0.7, 300, 12.223490379447457),
    ],
)
def test_block_lengths_are_those_of_arch(memory: float, count: int, length: float) -> None:
    assert optimal_block_length(autoregressive(memory, count)) == pytest.approx(length, rel=1e-9)


def test_block_length_of_what_never_changes_is_one() -> None:
    assert optimal_block_length(np.full(500, 0.001)) == 1.0
    assert optimal_block_length(np.arange(10.0)) == 1.0


def test_blocks_are_never_shorter_than_a_month_and_as_long_as_any_strategy_needs() -> None:
    forgetful = uniform(1000) / 50.0
    # Calm and wild for 120 sessions in turn: returns without memory, absolute ones with a long one.
    wild = forgetful * np.where(np.arange(1000) // 120 % 2 == 0, 1.0, 6.0)
    assert mean_block_length(tracks_of(forgetful), 0, 1000) == 22.0
    together = mean_block_length(tracks_of(forgetful, wild), 0, 1000)
    assert together == optimal_block_length(np.abs(wild)) > 22.0


@given(st.integers(1, 300), st.floats(1.0, 80.0), st.integers(0, 2**32))
@settings(max_examples=40)
def test_a_sample_is_made_of_blocks_around_the_end(count: int, length: float, seed: int) -> None:
    lengths, starts = drawn_rows(np.random.default_rng(seed), count, length)
    assert lengths.sum() == count
    assert ((starts >= 0.0) & (starts < 1.0)).all()
    rows = rows_of(lengths, starts, count)
    ends = np.cumsum(lengths)[:-1]
    assert set(np.flatnonzero(np.diff(rows) % count != 1 % count) + 1) <= set(ends.tolist())
    # A shorter series is drawn by the same blocks.
    shorter = max(count - 7, 1)
    assert set(np.flatnonzero(np.diff(rows_of(lengths, starts, shorter)) % shorter != 1 % shorter) + 1) <= set(ends)


def test_blocks_have_the_mean_length_asked_for() -> None:
    lengths = drawn_rows(np.random.default_rng(1), 200_000, 25.0)[0]
    # The deviation of a geometric length is nearly its mean: four of them over the root of 8,000 blocks.
    assert abs(lengths.mean() - 25.0) < 4.0 * 25.0 / 8000**0.5


def test_every_statistic_of_a_sample_is_that_of_its_returns() -> None:
    tracks = tracks_of(made_up_returns(1), made_up_returns(2), made_up_returns(3, scale=0.02), first=(0, 0, 90))
    found = bootstrap_chunk(tracks, SPEC, 0, COUNT, chunk=2, count=3)
    random = np.random.default_rng(np.random.SeedSequence(SPEC.seed, spawn_key=(PART, 2)))
    length = mean_block_length(tracks, 0, COUNT)
    for sample in range(3):
        blocks = drawn_rows(random, COUNT, length)
        for name, begins in (("sp500", 0), ("hedged-1", 0), ("hedged-2", 90)):
            rows = begins + 1 + rows_of(*blocks, COUNT - begins)
            own, other = (
                plainly(tracks[each].returns[rows], tracks.cash[rows], COUNT - begins) for each in (name, "sp500")
            )
            if name != "sp500":
                own["drag"] = own["growth"] - other["growth"]
                own["drawdown_reduction"] = 1.0 - own["max_drawdown"] / other["max_drawdown"]
                own["sharpe_gain"] = own["sharpe"] - other["sharpe"]
                own["carry"] = hedge_in_crashes(tracks[name].returns[rows], tracks["sp500"].returns[rows]).cost
            assert {key: values[sample] for key, values in found[name].items()} == pytest.approx(own, rel=1e-9)


def test_without_a_draw_the_statistics_are_those_of_the_study() -> None:
    tracks = tracks_of(made_up_returns(4), made_up_returns(5))
    once = as_recorded(tracks, 0, COUNT)["hedged-1"]
    measured = measures(tracks, "hedged-1", 0, COUNT)
    assert once == pytest.approx({key: measured[key].value for key in ALONE + PAIRED}, rel=1e-9)


def test_what_never_changes_has_the_same_growth_in_every_sample_and_no_ratio() -> None:
    found = bootstrap_chunk(tracks_of(np.full(COUNT, 0.0004)), SPEC, 0, COUNT, 0, 20)["sp500"]
    assert found["growth"] == pytest.approx([1.0004**365.25 - 1.0] * 20)
    assert found["max_drawdown"] == [0.0] * 20
    assert "sharpe" not in found


def test_equal_strategies_never_differ() -> None:
    returns = made_up_returns(6)
    found = bootstrap_chunk(tracks_of(returns, returns), SPEC, 0, COUNT, 0, 20)["hedged-1"]
    assert [found[key] for key in PAIRED] == [[0.0] * 20] * len(PAIRED)


def test_what_loses_everything_has_lost_it_in_every_sample_that_draws_it() -> None:
    returns = np.full(COUNT, 0.001)
    returns[::40] = -1.2
    found = bootstrap_chunk(tracks_of(returns), SPEC, 0, COUNT, 0, 10)["sp500"]
    assert found["growth"] == found["max_drawdown"] == [-1.0] * 10


def test_samples_are_around_what_was_recorded() -> None:
    tracks = tracks_of(made_up_returns(7))
    found = bootstrap_chunk(tracks, SPEC, 0, COUNT, 0, 300)["sp500"]
    logs = np.log1p(found["growth"])
    recorded = np.log1p(as_recorded(tracks, 0, COUNT)["sp500"]["growth"])
    assert abs(logs.mean() - recorded) < 4.0 * logs.std() / 300**0.5


def test_a_chunk_is_the_same_to_the_bit_whatever_was_drawn_before() -> None:
    tracks = tracks_of(made_up_returns(8), made_up_returns(9))
    alone = bootstrap_chunk(tracks, SPEC, 0, COUNT, 1, 5)
    bootstrap_chunk(tracks, SPEC, 0, COUNT, 0, 5)
    assert bootstrap_chunk(tracks, SPEC, 0, COUNT, 1, 5) == alone
    assert bootstrap_chunk(tracks, SPEC, 0, COUNT, 2, 5) != alone


def test_the_ends_of_an_interval_are_quantiles_of_all_samples() -> None:
    tracks = tracks_of(made_up_returns(1), made_up_returns(2))
    values = [float(each) for each in range(101)]
    chunks = [{"hedged-1": dict.fromkeys(ALONE + PAIRED, part)} for part in (values[:60], values[60:])]
    of_sp500, found = intervals(tracks, StudySpec(SPEC.start, SPEC.end, confidence=0.9), 0, COUNT, chunks)
    assert (found.values["drag"].low, found.values["drag"].high) == pytest.approx((5.0, 95.0))
    assert found.values["drag"].value == measures(tracks, "hedged-1", 0, COUNT)["drag"].value
    assert "drag" not in of_sp500.values
    assert of_sp500.values["growth"].low is None
    assert of_sp500.values["growth"].why == "some samples have no such statistic"


@pytest.mark.parametrize("samples", [200, 2000, 100_000])
def test_a_margin_is_two_standard_errors_of_a_share_of_samples(samples: int) -> None:
    share = cautious(0.025, samples)
    assert share + 2.0 * (share * (1.0 - share) / samples) ** 0.5 == pytest.approx(0.025)


def test_a_verdict_near_an_end_does_not_turn_on_the_seed() -> None:
    """Ends of the intervals of many seeds are on both sides of the true one, those with the margin hardly ever."""
    random, truth = np.random.default_rng(8), -1.959964
    drawn = random.normal(size=(400, 2000))
    low, least = np.quantile(drawn, [0.025, cautious(0.025, 2000)], axis=1)
    assert 0.4 < np.mean(low > truth) < 0.6
    assert np.mean(least > truth) < 0.05


def test_the_whole_range_and_the_live_years_have_intervals() -> None:
    tracks = tracks_of(made_up_returns(1))
    days = [tracks.sessions[row].item() for row in (0, 20, COUNT)]
    periods = (
        Period("whole", "", WHOLE, days[0], days[2]),
        Period("back-test", "", BACK_TEST, days[0], days[1]),
        Period("live", "", LIVE, days[1], days[2]),
    )
    assert stretches(tracks, periods) == {"whole": (0, COUNT), "live": (20, COUNT)}
    chunk = bootstrap_chunk(tracks, SPEC, 20, COUNT, 0, 200)
    (found,) = intervals(tracks, SPEC, 20, COUNT, [chunk], "live")
    assert found.period == "live"
    assert found.values["growth"].value == measures(tracks, "sp500", 20, COUNT)["growth"].value
    sure, growth = found.values["growth"].sure, found.values["growth"]
    assert sure is not None
    assert growth.low is not None
    assert growth.high is not None
    assert sure[0] < growth.low < growth.high < sure[1]


def test_a_range_too_short_has_no_interval_and_says_why() -> None:
    tracks = tracks_of(made_up_returns(1, 100))
    chunk = bootstrap_chunk(tracks, SPEC, 0, 100, 0, 5)
    assert chunk == {}
    found = intervals(tracks, SPEC, 0, 100, [chunk])[0].values
    assert found["volatility"].low is None
    assert found["volatility"].why == "an interval needs 252 returns, there are 100"
    assert found["growth"].value is None
    assert "needs a year" in found["growth"].why


def test_correlations_of_the_market_have_intervals_around_them() -> None:
    random = np.random.default_rng(1)
    moves = random.normal(0.0, 0.01, 600)
    spx = 2000.0 * np.exp(np.cumsum(moves))
    vix = 20.0 * np.exp(np.cumsum(-4.0 * moves + random.normal(0.0, 0.03, 600)))
    found = market_facts(spx, vix, SPEC)
    assert found.log_changes.value == pytest.approx(np.corrcoef(np.diff(np.log(spx)), np.diff(np.log(vix)))[0, 1])
    assert found.point_changes.value == pytest.approx(np.corrcoef(spx[1:] / spx[:-1], np.diff(vix))[0, 1])
    for each in (found.log_changes, found.point_changes):
        assert each.low is not None
        assert each.value is not None
        assert each.high is not None
        assert each.low < each.value < each.high
    assert market_facts(spx[:200], vix[:200], SPEC).log_changes.value is None
    assert market_facts(spx, np.full(600, 20.0), SPEC).point_changes.value is None
