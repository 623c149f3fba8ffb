"""Every parameter of the sample market, with its unit and meaning.

How the values were found, and how well the whole fits, is in docs/sample-market.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any


def _value(default: float, unit: str, meaning: str) -> Any:
    """A parameter with its documentation."""
    return field(default=default, metadata={"unit": unit, "meaning": meaning})


@dataclass(frozen=True)
class SampleParameters:
    """Parameters of the sample market. Rates and variances are decimals unless the unit is a percent sign.

    Each field carries its unit and meaning; `described` lists them.
    """

    # S&P 500
    start_level: float = _value(1100.0, "points", "S&P 500 before the first session")
    price_drift: float = _value(0.1, "a year", "expected price return")
    reversal: float = _value(-0.109, "ratio", "part of a day's surprise that the next day's return adds to it")
    day_noise: float = _value(
        0.368, "log", "standard deviation of the logarithm of a day's variance around the variance in force"
    )
    dividend_yield: float = _value(0.019, "a year", "dividends of the total return index")
    fund_fee: float = _value(0.00084, "a year", "by how much the fund falls behind the total return index")

    # Variance, under the measure the market is drawn from (P). A step is one session.
    slow_floor: float = _value(0.00533, "a year", "variance that the slow factor cannot take away")
    slow_scale: float = _value(0.011, "a year", "variance that the slow factor scales, with both factors at zero")
    fast_persistence: float = _value(0.9123, "a session", "what is left of the fast factor")
    fast_volatility: float = _value(0.197, "a session", "standard deviation of the fast factor's normal shock")
    fast_correlation: float = _value(-0.987, "", "correlation of that shock with the move of the S&P 500")
    fast_limit: float = _value(2.4, "log", "the highest fast factor")
    slow_persistence: float = _value(0.9915, "a session", "what is left of the slow factor")
    slow_volatility: float = _value(0.145, "a session", "standard deviation of the slow factor's shock")
    slow_correlation: float = _value(-0.853, "", "correlation of that shock with the move of the S&P 500")
    slow_limit: float = _value(3.4, "log", "the highest slow factor: markets that reach both limits do not get worse")
    jumps_a_year: float = _value(5, "a year", "expected jumps")
    jump_in_price: float = _value(1.5, "day's deviations", "mean fall of the S&P 500 in a jump")
    jump_in_variance: float = _value(0.5, "log", "mean rise of the fast factor in a jump")
    gusts_persistence: float = _value(
        0.9724,
        "a session",
        "what is left of a deviation of the gusts (the variance of the variance) from their mean, one",
    )
    gusts_shock: float = _value(0.0866, "ratio", "how strongly the square of a fast shock moves the gusts")
    gusts_tilt: float = _value(
        -0.483, "deviations", "by how much rises of the variance count for more than falls in that square"
    )
    gusts_jump: float = _value(0.202, "ratio", "what a mean jump adds to the gusts")
    gusts_limit: float = _value(6, "ratio", "the highest gusts; without a limit no expected variance is finite")

    # Variance, under the measure the market is priced by (Q)
    fast_persistence_q: float = _value(0.8887, "a session", "what is left of the fast factor")
    fast_drift_q: float = _value(0.00231, "a session", "what is added to the fast factor")
    slow_persistence_q: float = _value(0.9923, "a session", "what is left of the slow factor")
    slow_drift_q: float = _value(0.00054, "a session", "what is added to the slow factor")
    jump_premium: float = _value(2.24, "ratio", "jumps under Q over jumps under P")
    variance_premium: float = _value(
        1.22, "ratio", "variance under Q over variance under P in the same state: the price of the risk of a crash"
    )
    index_persistence: float = _value(
        0.7713, "a session", "what is left of the factor that moves the VIX alone, under P and Q"
    )
    index_volatility: float = _value(
        0.0221, "a session", "standard deviation of that factor's shock, in the logarithm of the VIX"
    )

    # Breadth
    breadth_slope: float = _value(0.28, "logits", "net advances at a move of one standard deviation")
    breadth_noise: float = _value(0.17, "logits", "standard deviation of net advances beside that")
    issues: int = _value(3000, "issues", "issues that rise or fall in a day")

    # Rates. A decision falls every 46 days.
    rate_start: float = _value(1.1, "%", "rate that policy aims at on the first day")
    rate_mean: float = _value(2.0, "%", "its long-run mean")
    rate_persistence: float = _value(0.975, "a decision", "what is left of its deviation from the mean")
    rate_shock: float = _value(0.38, "%", "standard deviation of its news from one decision to the next")
    bill_spread: float = _value(-0.1, "%", "Treasury bill less funds rate, where no step is expected")
    bill_foresight: float = _value(0.3, "ratio", "part of the expected next steps that is in the bill already")
    bill_noise: float = _value(0.05, "%", "standard deviation of the bill's own deviation")


CALIBRATED = SampleParameters()


def described(parameters: SampleParameters) -> Iterator[tuple[str, float, str, str]]:
    """Name, value, unit and meaning of every parameter."""
    for item in fields(parameters):
        yield item.name, getattr(parameters, item.name), item.metadata["unit"], item.metadata["meaning"]
