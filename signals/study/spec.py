"""What a study is asked: the range, the costs, how much is drawn, and from which seed. Standard library only."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field, fields

from signals.errors import ConfigurationError

#: Rule sets of the hedges of a study where nobody names others.
DEFAULT_HEDGES = ("alvh-seed", "alvh-442", "alvh-seed-reactive")


@dataclass(frozen=True)
class TradingCosts:
    """What trading costs; half-spreads of options on the VIX are those of the rule sets, some times.

    Attributes
    ----------
    equity : float
        Half-spread and commission of one US dollar of the S&P 500 traded one way, a decimal.
    vx_points : float, VIX points
        Half-spread and commission of one VX contract traded one way: half a tick of 0.05, and 1.50 USD.
    spx_option : float
        Half-spread of an option on the S&P 500, a share of its premium: an assumption, no quote is recorded.
    spx_option_points : float, index points
        The least of it.
    vix_option : float
        How many times the half-spreads of the rule sets what a hedge trades on the VIX costs.
    """

    equity: float = 0.0001
    vx_points: float = 0.0265
    spx_option: float = 0.02
    spx_option_points: float = 0.05
    vix_option: float = 1.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ConfigurationError(
                    f"cost {each.name}", expected="a number that is not negative", got=f"{value:g}", do="Correct it."
                )

    def scaled(self, factor: float) -> TradingCosts:
        """The same, some times as large."""
        return TradingCosts(**{each.name: getattr(self, each.name) * factor for each in fields(self)})


@dataclass(frozen=True)
class StudySpec:
    """What is asked. The same spec on the same data gives the same result to the bit, however it is run.

    Attributes
    ----------
    start, end : datetime.date
        First and last session asked for.
    rule_sets : tuple of (name, SHA-256)
        Hedges, in their order.
    costs : TradingCosts
    seed : int
        Not negative.
    confidence : float
        Of every interval.
    samples : int
        Of the bootstrap.
    paths, hedged_paths : int
        Simulated markets: of the indices, and of the hedges and the condor, whose books take far longer.
    path_years : int
        Length of each, of 252 sessions a year.
    """

    start: dt.date
    end: dt.date
    rule_sets: tuple[tuple[str, str], ...] = ()
    costs: TradingCosts = field(default_factory=TradingCosts)
    seed: int = 1
    confidence: float = 0.95
    samples: int = 2000
    paths: int = 2000
    hedged_paths: int = 60
    path_years: int = 10

    def __post_init__(self) -> None:
        wrong = [
            (name, expected, getattr(self, name))
            for name, expected, holds in (
                ("seed", "a whole number from 0 on", self.seed >= 0),
                ("confidence", "a share from 0.5 to 0.999", 0.5 <= self.confidence <= 0.999),
                ("samples", "200 or more", self.samples >= 200),
                ("paths", "100 or more, or 0 for none", self.paths == 0 or self.paths >= 100),
                ("hedged_paths", "20 or more, or 0 for none", self.hedged_paths == 0 or self.hedged_paths >= 20),
                ("path_years", "1 to 30", 1 <= self.path_years <= 30),
                ("start", "a day not after the end", self.start <= self.end),
            )
            if not holds
        ]
        if wrong:
            name, expected, got = wrong[0]
            raise ConfigurationError(f"study: {name}", expected=expected, got=str(got), do="Correct it.")
