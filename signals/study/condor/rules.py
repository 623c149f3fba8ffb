"""The rules of the iron condor programme: what is sold, when, how much of it, and when it is bought back.

A condor is sold at the last session of a week, at its close: that is when strikes and size are decided, and the next
close is when they are filled, as everywhere in this product. Its short strikes are those of 16 delta; its wings those
of 5 delta, as in Cboe's S&P 500 Iron Condor Index (CNDR), or so many points away. It is bought back once that leaves
half of its credit, or 21 days before it expires. None of this is fitted: 45 days, half of the credit and 21 days are
what brokers of retail traders teach (tastytrade, *Iron Condor*, learning centre).

Each condor may lose 5% of the account, so that the three or four that are open at a time may mostly lose 15 to 20% of
it; there is no limit on all together, and after losses it is more. That size is a choice, and not an innocent one: with
it the programme falls about as deep as the public claim on condors says. What other sizes give is in
`signals.study.condor.maps`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from signals.errors import ConfigurationError


@dataclass(frozen=True)
class CondorRules:
    """What is sold, and how it is managed.

    Attributes
    ----------
    days, shortest_days, longest_days : int, calendar days
        From the fill to the expiry: the listed one nearest to `days`, within the other two.
    short_delta : float
        Absolute delta of what is sold, put and call.
    wing_delta : float
        That of what is bought; not used where `wing_width` is above 0.
    wing_width : float
        Distance of the wings from the short strikes, a share of the forward; 0 for wings by delta.
    profit_target : float
        Share of the credit that buying it back, what that costs included, has to leave; 0 for never.
    exit_days : int
        Calendar days before the expiry at which it is bought back; 0 for held to the expiry.
    risk : float
        What one condor may lose at its expiry, a share of the account at the decision.
    monthly : bool
        One condor a month, into the monthly expiry and filled on the monthly expiry before it, in place of one a week.
    entry : int
        Sessions from the last close of a week to the close at which a condor is decided; 0 for that close.
    """

    days: int = 45
    shortest_days: int = 38
    longest_days: int = 52
    short_delta: float = 0.16
    wing_delta: float = 0.05
    wing_width: float = 0.0
    profit_target: float = 0.5
    exit_days: int = 21
    risk: float = 0.05
    monthly: bool = False
    entry: int = 0

    def __post_init__(self) -> None:
        if not all(math.isfinite(getattr(self, each.name)) for each in fields(self)):
            raise ConfigurationError("condor", expected="numbers", got="one that is none", do="Correct it.")
        wrong = [
            (name, expected)
            for name, expected, holds in (
                ("days", "within shortest_days and longest_days", self.shortest_days <= self.days <= self.longest_days),
                ("shortest_days", "more than exit_days and a week", self.shortest_days > max(self.exit_days, 7)),
                ("longest_days", "93 or less, which VIX3M covers", self.longest_days <= 93),
                ("short_delta", "above wing_delta, and below a half", self.wing_delta < self.short_delta < 0.5),
                ("wing_delta", "0.03 or more, which every skew of the sweep has", self.wing_delta >= 0.03),
                ("wing_width", "a share from 0 to 0.5", 0.0 <= self.wing_width <= 0.5),
                ("profit_target", "a share from 0 to 1", 0.0 <= self.profit_target < 1.0),
                ("exit_days", "0 or more", self.exit_days >= 0),
                ("risk", "a share above 0, 0.1 at the most", 0.0 < self.risk <= 0.1),
                ("entry", "0 to 4, and 0 with one a month", 0 <= self.entry <= (0 if self.monthly else 4)),
            )
            if not holds
        ]
        if wrong:
            name, expected = wrong[0]
            got = f"{getattr(self, name):g}"
            raise ConfigurationError(f"condor: {name}", expected=expected, got=got, do="Correct it.")

    def sentence(self) -> str:
        """The rules in words."""
        wings = f"{self.wing_width:.1%} further out" if self.wing_width else f"at {self.wing_delta * 100:g} delta"
        when = "month, from one monthly expiry to the next" if self.monthly else f"week, {self.days} days to expiry"
        ends = [f"once that leaves {self.profit_target:.0%} of its credit"] if self.profit_target else []
        ends += [f"{self.exit_days} days before its expiry"] if self.exit_days else []
        managed = f"bought back {' or '.join(ends)}, a close after it is ordered" if ends else "held to its expiry"
        return (
            f"One S&P 500 iron condor a {when}: short a put and a call at {self.short_delta * 100:g} delta, wings "
            f"{wings}, {managed}; each may lose {self.risk:.0%} of the account, which earns the overnight rate."
        )


CONDOR = CondorRules()

#: The days of a week, as sessions from the last close of the one before: decided on another day it is another history.
ENTRIES = (0, 1, 2, 3, 4)

#: What the surface is checked against: Cboe's S&P 500 Iron Condor Index, a month of 20 delta with wings of 5 delta,
#: held to its expiry, with Treasury bills of ten times what it may lose.
CNDR = CondorRules(
    days=31,
    shortest_days=25,
    longest_days=38,
    short_delta=0.20,
    wing_delta=0.05,
    profit_target=0.0,
    exit_days=0,
    risk=0.1,
    monthly=True,
)
