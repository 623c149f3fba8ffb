"""What one session says of a hedge: a frozen, fully self-describing value. Standard library only.

Prices and strikes are in points of the underlying, volatilities annual decimals, shares decimals, and amounts US
dollars for `HedgeSignal.notional_usd`. Contract counts are fractional and scale with the notional, those called
`rounded` are whole. A value that does not exist is None.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

#: What a layer is told to do at the close of the effective session.
HOLD, OPEN, ROLL, MONETISE, CLOSE, ADJUST = "HOLD", "OPEN", "ROLL", "MONETISE", "CLOSE", "ADJUST"

#: Nothing is held and nothing is bought.
NONE = "NONE"

#: Where a price comes from: quotes of a stored chain, the option model, a settlement; `MIXED` if legs differ.
OBSERVED, MODEL, SETTLEMENT, MIXED = "observed", "model", "settlement", "mixed"


@dataclass(frozen=True)
class Reading:
    """One indicator at one session, as a report shows it; None where there is nothing."""

    name: str
    label: str
    unit: str
    value: float | None
    previous: float | None
    percentile: float | None
    threshold: float | None
    distance: float | None
    state: str
    source: str
    observed_on: dt.date | None
    remark: str


@dataclass(frozen=True)
class Leg:
    """One contract of a package.

    `ratio` is contracts per package, negative if sold; `strike` None for a future. `price` is the mark.
    """

    instrument: str
    strike: float | None
    ratio: int
    price: float | None
    basis: str
    volatility: float | None


@dataclass(frozen=True)
class Package:
    """Contracts of one layer that are bought and sold together.

    Attributes
    ----------
    instrument : str
        ``call``, ``call-spread``, ``butterfly``, ``future`` or ``vxx-call``.
    days : int
        Calendar days from the session to the expiry.
    forward, forward_basis : float, str
        Price of the same-expiry future, and whether it is ``settled``, ``between`` two settlements or ``beyond`` them.
    contracts, contracts_rounded : float, int
        Packages, for the notional.
    price, basis : float, str
        Mark of one package.
    value_usd : float
    delta_usd, gamma_usd, vega_usd, theta_usd : float
        Of all packages: change of the value per point of the future, of that delta per point, of the value per
        volatility point, and of the value per calendar day.
    monthly : bool
        Whether a VX contract of its month expires with it.
    """

    instrument: str
    expiry: dt.date
    days: int
    forward: float | None
    forward_basis: str
    legs: tuple[Leg, ...]
    contracts: float
    contracts_rounded: int
    price: float | None
    basis: str
    value_usd: float | None
    delta_usd: float | None
    gamma_usd: float | None
    vega_usd: float | None
    theta_usd: float | None
    monthly: bool = False


@dataclass(frozen=True)
class Fill:
    """What the paper ledger did at this close, or at this morning's settlement. `paid_usd` is negative if received."""

    action: str
    instrument: str
    expiry: dt.date
    strikes: tuple[float, ...]
    contracts: float
    price: float
    basis: str
    paid_usd: float


@dataclass(frozen=True)
class LayerTarget:
    """One layer: what is held from this close on, and what from the next.

    Attributes
    ----------
    action : str
        HOLD, OPEN, ROLL, MONETISE, CLOSE, ADJUST (the contracts of what is held change), or NONE.
    state, multiplier : str, float
        The hedge state as it applies to the layer, and the factor on its size.
    size : float
        Premium of an entry decided now, as a share of the notional, everything that scales it included.
    held, target : Package, optional
        Both at this close's prices; the same where the action is HOLD.
    fills : tuple of Fill
        Of this session.
    opened : datetime.date, optional
        When what is held was bought.
    cost_usd, received_usd, position_pnl_usd : float, optional
        Paid for what is held, received for what of it was sold early, and gained or lost on it so far with both.
    pnl_usd : float
        Gained or lost by the layer since the inception, marks included.
    next_roll : datetime.date, optional
        The first session whose close decides to roll what is held next, or its expiry where it is held to that.
    next_roll_is_expiry : bool
    warnings : tuple of str
    """

    layer: str
    label: str
    action: str
    reason: str
    state: str
    multiplier: float
    size: float
    held: Package | None
    target: Package | None
    fills: tuple[Fill, ...]
    opened: dt.date | None
    cost_usd: float | None
    position_pnl_usd: float | None
    pnl_usd: float
    next_roll: dt.date | None
    next_roll_is_expiry: bool
    warnings: tuple[str, ...] = ()
    received_usd: float | None = None


@dataclass(frozen=True)
class BudgetUse:
    """Net cost over the window that ends here, as a share of the notional (negative: a gain), and its limits.

    `sessions` is how many the window has so far, `window` how many it will have; `standing` is ``within``, ``alarm`` or
    ``stop``.
    """

    net_cost: float
    alarm: float | None
    stop: float | None
    sessions: int
    window: int
    standing: str


@dataclass(frozen=True)
class Ledger:
    """The paper account since the inception.

    `pnl_usd` is `cash_usd` plus `mark_usd`. `cost_per_year` is its opposite as a share of the notional a year, None in
    the first year. `cycles` counts how often the VIX went above 30 and came back below 20. `premium_paid_usd` and
    `premium_received_usd` are of this session.
    """

    premium_paid_usd: float
    premium_received_usd: float
    cash_usd: float
    mark_usd: float
    pnl_usd: float
    cost_per_year: float | None
    cycles: int


@dataclass(frozen=True)
class Stress:
    """What is held from the next close on, revalued at once under a scenario: its gain or loss, by layer and together.

    None without a price.
    """

    scenario: str
    vix: float
    pnl_usd: float | None
    by_layer: dict[str, float | None]


@dataclass(frozen=True)
class HedgeSignal:
    """The signal of one rule set at one session.

    A value without which it could not be computed makes it `unavailable`, with the reason; layers are then empty.

    Attributes
    ----------
    rule_set, version, rule_set_digest, description : str, int, str, str
    notional_usd : float
        What contracts and amounts are for.
    inception : datetime.date
        First session of the book.
    verdict : str
        One sentence: what to do.
    changes : tuple of str
        What is different from the session before.
    state, score, scale, state_reason, remarks
        The hedge state, its score on its scale, why it is what it is, and what else bears on sizes.
    layers : tuple of LayerTarget
    budget, ledger : BudgetUse, Ledger
    stress : tuple of Stress
    break_even : float, optional
        Rise of the VIX, in points and at once, at which what is held now is worth what it cost; 0 where it is worth
        more now, None where no rise is enough.
    indicators : tuple of Reading
        Empty where they are those of a rule set before it in the report, `indicators_of`.
    index_level : float, optional
        Level of the strategy as an index, of a rule set whose sizes are shares of its value.
    doubts : tuple of str
        Inputs that are missing or substituted, one sentence each.
    sizes_by_state : bool
        Whether the hedge state decides anything, or is shown only.
    begins_late : bool
        Whether the loaded history, and with it the book, begins after the rule set does.
    """

    rule_set: str
    version: int
    rule_set_digest: str
    description: str
    notional_usd: float
    inception: dt.date | None = None
    unavailable: str | None = None
    verdict: str = ""
    changes: tuple[str, ...] = ()
    state: str = ""
    score: float | None = None
    scale: float | None = None
    state_reason: str = ""
    remarks: tuple[str, ...] = ()
    layers: tuple[LayerTarget, ...] = ()
    budget: BudgetUse | None = None
    ledger: Ledger | None = None
    stress: tuple[Stress, ...] = ()
    break_even: float | None = None
    indicators: tuple[Reading, ...] = ()
    indicators_of: str = ""
    index_level: float | None = None
    doubts: tuple[str, ...] = ()
    sizes_by_state: bool = True
    begins_late: bool = False


#: Words made from figures, whole contracts, and what only describes: no part of a fingerprint.
_WORDS = frozenset(
    {
        "verdict", "changes", "reason", "state_reason", "remarks", "warnings", "doubts", "description", "remark",
        "contracts_rounded", "notional_usd",
    }
)  # fmt: skip

#: Amounts beside those whose name ends with ``_usd``.
_AMOUNTS = frozenset({"contracts", "by_layer"})

#: An amount per dollar that is smaller is what subtracting leaves of nothing.
_NO_AMOUNT = 1e-10


def fingerprinted(signal: HedgeSignal, digits: int) -> list[str]:
    """Every decision and figure of a signal, in order: without words and whole contracts.

    Amounts are per dollar of its notional, and figures have so many significant digits.
    """
    found: list[str] = []
    _collect(signal, signal.notional_usd, f"%.{digits}g", found)
    return found


def _collect(value: Any, notional: float, form: str, found: list[str]) -> None:
    kind: Any = type(value)
    for name, is_amount in _fingerprinted_fields(kind):
        item = getattr(value, name)
        if type(item) is float:
            found.append(_figure(item, notional, form) if is_amount else form % item)
        elif type(item) is tuple:
            found.append(f"{name} {len(item)}")
            for part in item:
                if is_dataclass(part):
                    _collect(part, notional, form, found)
                else:
                    found.append(form % part if type(part) is float else str(part))
        elif type(item) is dict:
            found.append(" ".join(item))
            found += [str(part) if part is None else _figure(part, notional, form) for part in item.values()]
        elif is_dataclass(item):
            _collect(item, notional, form, found)
        else:
            found.append(str(item))


def _figure(amount: float, notional: float, form: str) -> str:
    share = amount / notional
    return form % share if abs(share) >= _NO_AMOUNT else "0"


@cache
def _fingerprinted_fields(kind: type) -> tuple[tuple[str, bool], ...]:
    """Names of the fields of a dataclass that count, each with whether it scales with the notional."""
    return tuple(
        (field.name, field.name in _AMOUNTS or field.name.endswith("_usd"))
        for field in fields(kind)
        if field.name not in _WORDS
    )
