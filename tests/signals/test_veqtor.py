from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from signals.market import HISTORY_START
from signals.series import BASE_SESSION
from signals.veqtor.index import regimes, veqtor_history
from signals.veqtor.rules import DOWNTREND, NO_TREND, UPTREND, VEQTOR
from signals.veqtor.signal import VeqtorSignals
from signals.vix_futures import Floats

# S&P 500 Dynamic VEQTOR Indices Methodology: target weight of the volatility component.
PUBLISHED_TABLE = {
    0.05: {DOWNTREND: 0.025, NO_TREND: 0.025, UPTREND: 0.10},
    0.15: {DOWNTREND: 0.025, NO_TREND: 0.10, UPTREND: 0.15},
    0.25: {DOWNTREND: 0.10, NO_TREND: 0.15, UPTREND: 0.25},
    0.40: {DOWNTREND: 0.15, NO_TREND: 0.25, UPTREND: 0.40},
    0.60: {DOWNTREND: 0.25, NO_TREND: 0.40, UPTREND: 0.40},
}


def row_of(signals: VeqtorSignals, day: str) -> int:
    """Row of the last session up to a day."""
    return int(np.searchsorted(signals.inputs.sessions, np.datetime64(day), side="right")) - 1


@pytest.mark.parametrize("volatility", PUBLISHED_TABLE)
@pytest.mark.parametrize("trend", [DOWNTREND, NO_TREND, UPTREND])
def test_every_cell_of_the_weight_table(volatility: float, trend: str) -> None:
    column = (DOWNTREND, NO_TREND, UPTREND).index(trend)
    row = int(regimes(np.array([volatility]), VEQTOR)[0])
    assert VEQTOR.volatility_weights[row][column] == PUBLISHED_TABLE[volatility][trend]


def test_the_digest_names_the_rules_and_changes_with_them() -> None:
    from dataclasses import replace

    # Raised METHODOLOGY_VERSION or another rule: every stored report is then of another rule set.
    assert VEQTOR.digest == "b59d205a4a088b73"
    assert replace(VEQTOR, stop_loss=-0.03).digest != VEQTOR.digest


def test_monthly_total_returns_equal_the_published_ones(recorded_signals: VeqtorSignals, data_dir: Path) -> None:
    level = recorded_signals.veqtor.total_return
    with (data_dir / "reference/veqtor_tr_monthly_2006_2012.csv").open() as file:
        published = {row["month"]: float(row["return_pct"]) for row in csv.DictReader(file)}
    assert len(published) == 84
    # The two months whose public inputs are the furthest from the index's own.
    wider = {"2008-09": 0.05, "2009-05": 0.05}
    for month, expected in published.items():
        following = (np.datetime64(month, "M") + 1).astype("datetime64[D]")
        end = row_of(recorded_signals, str(following - 1))
        start = row_of(recorded_signals, str(np.datetime64(month, "D") - 1))
        computed = (level[end] / level[start] - 1) * 100
        assert computed == pytest.approx(expected, abs=wider.get(month, 0.02)), month


def test_annual_returns_of_the_short_term_index_equal_the_published_ones(
    recorded_signals: VeqtorSignals, data_dir: Path
) -> None:
    level, base = recorded_signals.short_term.total_return, recorded_signals.inputs.base
    with (data_dir / "reference/spvxstr_tr_annual.csv").open() as file:
        published = {int(row["year"]): float(row["return_pct"]) for row in csv.DictReader(file)}
    assert len(published) == 12
    for year, expected in published.items():
        start, end = (row_of(recorded_signals, f"{at}-12-31") - base for at in (year - 1, year))
        computed = (level[end] / level[start] - 1) * 100
        assert computed == pytest.approx(expected, abs=0.10 if year == 2008 else 0.03), year


def weekly(signals: VeqtorSignals, level: Floats, closes: dict[np.datetime64, float], start: str, end: str) -> Floats:
    """Weekly changes of a level and of a fund between the last common sessions of each week, shape (weeks, 2)."""
    first, last = row_of(signals, start), row_of(signals, end)
    days = [day for day in signals.inputs.sessions[first : last + 1] if day in closes]
    ends = [list(group)[-1] for _, group in groupby(days, key=lambda day: (day.astype(int) + 3) // 7)]
    values = np.array([(level[row_of(signals, str(day))], closes[day]) for day in ends])
    return values[1:] / values[:-1] - 1


def fund(path: Path, column: str, *, traded_only: bool = False) -> dict[np.datetime64, float]:
    """Closes of a fund by day."""
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if not traded_only or float(row["Volume"]) > 0]
    return {np.datetime64(row["Date"]): float(row[column]) for row in rows}


def test_the_short_term_index_moves_with_the_fund_that_tracks_it(
    recorded_signals: VeqtorSignals, data_dir: Path
) -> None:
    base = recorded_signals.inputs.base
    level = np.concatenate([np.full(base, np.nan), recorded_signals.short_term.total_return])
    changes = weekly(recorded_signals, level, fund(data_dir / "yahoo/VIXY.csv", "Close"), "2011-01-04", "2020-12-31")
    assert len(changes) > 500
    assert np.corrcoef(changes.T)[0, 1] >= 0.985


def test_veqtor_moves_with_the_note_that_tracked_it_and_parts_by_its_fee(
    recorded_signals: VeqtorSignals, data_dir: Path
) -> None:
    level = recorded_signals.veqtor.total_return
    closes = fund(data_dir / "yahoo/VQT.csv", "Close", traded_only=True)
    changes = weekly(recorded_signals, level, closes, "2010-09-02", "2020-04-01")
    assert np.corrcoef(changes.T)[0, 1] >= 0.93
    days = sorted(day for day in closes if day >= np.datetime64("2010-09-02"))
    years = (days[-1] - days[0]).astype(int) / 365.25
    index = level[row_of(recorded_signals, str(days[-1]))] / level[row_of(recorded_signals, str(days[0]))]
    note = closes[days[-1]] / closes[days[0]]
    assert note / (index * (1 - 0.0095) ** years) == pytest.approx(1.0, abs=0.03)


def test_stop_episodes_to_2020(recorded_signals: VeqtorSignals) -> None:
    end = row_of(recorded_signals, "2020-12-31")
    cash = recorded_signals.veqtor.in_cash[: end + 1].tolist()
    lengths = [len(list(run)) for in_cash, run in groupby(cash) if in_cash]
    assert sum(lengths) == 227
    assert len(lengths) == 93
    assert Counter(lengths) == {1: 43, 2: 11, 3: 13, 4: 9, 5: 15, 6: 2}


@pytest.mark.parametrize("spread", [0.0002, 0.0007, 0.0014])
def test_any_overnight_spread_from_2_to_14_basis_points_gives_the_same_stop_decisions(
    recorded_signals: VeqtorSignals, spread: float
) -> None:
    inputs, count = recorded_signals.inputs, row_of(recorded_signals, "2020-12-31") + 1
    change = np.concatenate([np.full(inputs.base, np.nan), recorded_signals.short_term.total_return_change])
    found = veqtor_history(
        inputs.sessions[:count],
        inputs.base,
        inputs.history.spx_yahoo[:count],
        inputs.vix[:count],
        inputs.equity.change[:count],
        change[:count],
        inputs.overnight.rate[:count] - 0.0007 + spread,
        VEQTOR,
    )
    assert (found.stop_loss == recorded_signals.veqtor.stop_loss[:count]).all()


def test_a_decision_is_held_a_session_later_and_earns_the_session_after(made_up_signals: VeqtorSignals) -> None:
    veqtor = made_up_signals.veqtor
    target, held, earned = (veqtor.weights(ago) for ago in (0, 1, 2))
    assert (held[1:] == target[:-1]).all()
    assert (earned[2:] == target[:-2]).all()
    base = veqtor.base
    parts = np.stack(
        [
            made_up_signals.inputs.equity.change[base:],
            made_up_signals.short_term.total_return_change,
            veqtor.accrual[base:],
        ],
        axis=1,
    )
    by_hand = (earned[base:] * parts).sum(axis=1)[1:]
    changes = veqtor.total_return[base + 1 :] / veqtor.total_return[base:-1] - 1
    assert changes == pytest.approx(by_hand, abs=1e-14)


def test_weights_sum_to_one_and_none_is_negative(recorded_signals: VeqtorSignals) -> None:
    for ago in (0, 1, 2):
        weights = recorded_signals.veqtor.weights(ago)[recorded_signals.veqtor.base :]
        assert (weights.sum(axis=1) == 1.0).all()
        assert (weights >= 0.0).all()


def test_the_excess_return_stands_still_in_cash(recorded_signals: VeqtorSignals) -> None:
    veqtor = recorded_signals.veqtor
    cash = np.flatnonzero(veqtor.in_cash)
    assert (veqtor.excess_return[cash] == veqtor.excess_return[cash - 1]).all()
    assert (veqtor.total_return_change[cash] == veqtor.accrual[cash]).all()


def test_the_stop_loss_is_tested_on_five_days_of_excess_return(recorded_signals: VeqtorSignals) -> None:
    veqtor = recorded_signals.veqtor
    tested = slice(veqtor.base + 5, None)
    five_days = veqtor.excess_return[tested] / veqtor.excess_return[veqtor.base : -5] - 1
    assert (veqtor.stop_loss[tested] == (five_days <= -0.02)).all()
    assert not veqtor.stop_loss[: veqtor.base + 5].any()


def test_levels_start_at_one_hundred_thousand(recorded_signals: VeqtorSignals) -> None:
    row = row_of(recorded_signals, str(BASE_SESSION))
    veqtor = recorded_signals.veqtor
    assert veqtor.base == row
    assert veqtor.total_return[row] == veqtor.excess_return[row] == 100_000.0
    assert recorded_signals.short_term.total_return[0] == 100_000.0
    assert veqtor.sessions[0].item() == HISTORY_START
    assert dt.date(2005, 12, 20) == BASE_SESSION
