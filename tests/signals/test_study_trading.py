"""What is traded at a close to follow an index, and what it costs: by hand."""

from __future__ import annotations

import numpy as np
import pytest

from signals.study.spec import TradingCosts
from signals.study.trading import after_costs, index_trades

FREE = TradingCosts(0.0, 0.0, 0.0, 0.0)
EQUITY, CONTRACTS = TradingCosts(0.01, 0.0, 0.0, 0.0), TradingCosts(0.0, 0.05, 0.0, 0.0)


def trades(weights: list[list[float]], equity: list[float], volatility: list[float], costs: TradingCosts, **parts):  # type: ignore[no-untyped-def]
    """Two slots; by default only the first is held, always of the same contract at 20 points."""
    held, count = np.array(weights), len(weights)
    gross = np.full(count, np.nan)
    gross[1:] = held[:-1, 0] * np.array(equity[1:]) + held[:-1, 1] * np.array(volatility[1:])
    given = {
        "contracts": np.tile([1.0, 0.0], (count, 1)),
        "settle": np.tile([20.0, np.nan], (count, 1)),
        "front": np.zeros(count, dtype=np.int64),
        **parts,
    }
    return index_trades(held, gross, np.array(equity), costs=costs, **given)


def test_weights_that_drifted_are_traded_back() -> None:
    # 900 of equity fall by 10% and 100 in contracts gain 90: 810 and 190 of 1,000.
    settle = np.array([[20.0, np.nan], [38.0, np.nan]])
    found = trades([[0.9, 0.1]] * 2, [np.nan, -0.1], [np.nan, 0.9], EQUITY, settle=settle)
    assert found.cost.tolist() == pytest.approx([0.0, 0.09 * 0.01])
    # 90 of each changes hands, one way.
    assert found.turnover.tolist() == pytest.approx([0.0, 0.09])
    # 190 were five contracts of 38; 100 are 2.63 of them.
    found = trades([[0.9, 0.1]] * 2, [np.nan, -0.1], [np.nan, 0.9], CONTRACTS, settle=settle)
    assert found.cost[1] == pytest.approx((190.0 - 100.0) / 38.0 / 1000.0 * 0.05)


def test_a_stop_sells_everything_and_buys_it_back() -> None:
    weights, still = [[0.9, 0.1], [0.0, 0.0], [0.0, 0.0], [0.9, 0.1]], [0.0] * 4
    found = trades(weights, still, still, EQUITY)
    assert found.cost.tolist() == pytest.approx([0.0, 0.009, 0.0, 0.009])
    # Cash is not bought: half of what is sold.
    assert found.turnover.tolist() == pytest.approx([0.0, 0.5, 0.0, 0.5])
    assert trades(weights, still, still, CONTRACTS).cost[1] == pytest.approx(0.1 / 20.0 * 0.05)


def test_contracts_roll_every_day_and_an_expired_one_settles_by_itself() -> None:
    parts = {
        # Three quarters rolled, then all of it; then the front expires, and the roll begins anew.
        "contracts": np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0], [0.75, 0.25]]),
        "settle": np.array([[20.0, 20.0], [20.0, 20.0], [20.0, 20.0], [20.0, 25.0]]),
        "front": np.array([7, 7, 7, 8]),
    }
    found = trades([[0.0, 1.0]] * 4, [0.0] * 4, [0.0] * 4, CONTRACTS, **parts)
    # A quarter of 1/20 contracts sold, as much bought.
    assert found.cost[1:3].tolist() == pytest.approx([0.5 / 20.0 * 0.05] * 2)
    assert found.turnover[1:3].tolist() == pytest.approx([0.25] * 2)
    # Held 1/20 of what is now in slot 1. The basket of 0.75 x 20 + 0.25 x 25 is worth 21.25.
    sold, bought = 1.0 / 20.0 - 0.75 / 21.25, 0.25 / 21.25
    assert found.cost[3] == pytest.approx((sold + bought) * 0.05)
    assert found.turnover[3] == pytest.approx(0.5 * (sold * 20.0 + bought * 25.0))
    # On its last day a contract that is still held is not traded.
    late = {**parts, "contracts": np.array([[0.5, 0.5], [0.25, 0.75], [0.25, 0.75], [1.0, 0.0]])}
    late["settle"] = np.tile([20.0, 20.0], (4, 1))
    assert trades([[0.0, 1.0]] * 4, [0.0] * 4, [0.0] * 4, CONTRACTS, **late).cost[3] == pytest.approx(0.25 / 20 * 0.05)


def test_nothing_is_traded_where_nothing_moves_and_nothing_costs_without_costs() -> None:
    still = [0.0] * 3
    found = trades([[0.9, 0.1]] * 3, still, still, TradingCosts())
    assert np.array_equal(found.cost, np.zeros(3))
    assert np.array_equal(found.turnover, np.zeros(3))
    moving = trades([[0.9, 0.1], [0.5, 0.5], [0.9, 0.1]], [0.0, 0.02, -0.03], [0.0, 0.1, 0.2], FREE)
    assert np.array_equal(moving.cost, np.zeros(3))
    assert (moving.turnover[1:] > 0.0).all()


def test_a_cost_is_paid_from_the_value_of_its_close() -> None:
    assert after_costs(np.array([0.10]), np.array([0.01])).tolist() == pytest.approx([1.1 * 0.99 - 1.0])
